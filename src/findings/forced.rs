//! Signs that an attacker may have forced two hosts to talk in clear: forged errors, one blocked direction, a
//! flood of negotiations.
//!
//! The signs are proven; the intent is a suspicion.

use super::{Finding, FindingCode, Severity, counted};
use crate::correlate::{Confidence, Facts};
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Spi};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One finding for each pair and way of forcing it.
pub(super) fn suspicions(facts: &Facts) -> Vec<Finding> {
    let sight = Sight::gather(facts);
    let mut found: BTreeMap<(HostPair, Force), Vec<usize>> = BTreeMap::new();
    for (index, explained) in facts.windows.iter().enumerate() {
        let (pair, run) = (explained.window.pair, &explained.window.run);
        for force in sight.touching(pair, run.start.shifted(BEFORE.negated()), run.end) {
            found.entry((pair, force)).or_default().push(index);
        }
    }
    found
        .into_iter()
        .map(|((pair, force), windows)| forced_finding(facts, pair, force, windows))
        .collect()
}

/// A way to force a fallback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Force {
    /// Errors reported a peer as unreachable that had answered at once.
    ForgedErrors,
    /// One side's messages arrive, the other side's do not.
    OneWay,
    /// A large number of hosts began negotiations with one of the two.
    Flood,
}

impl Force {
    const fn words(self) -> &'static str {
        match self {
            Self::ForgedErrors => {
                "ICMP errors reported IKE as undeliverable, although the peer had answered every message immediately"
            }
            Self::OneWay => {
                "IKE messages passed in one direction only: the answers to one host did not reach it, and the other host got no answer"
            }
            Self::Flood => {
                "at least 50 hosts began negotiations with one of the two within a minute, and none completed"
            }
        }
    }
}

/// Begin and end.
type Spans = Vec<(Timestamp, Timestamp)>;

/// The spans in which each sign was seen, for questions about a window.
#[derive(Default)]
struct Sight {
    /// Signs of a pair, in order of time.
    of_pairs: BTreeMap<(HostPair, Force), Spans>,
    /// Floods at a host, in order of time.
    floods: BTreeMap<IpAddr, Spans>,
}

impl Sight {
    fn gather(facts: &Facts) -> Self {
        let leaking: BTreeSet<HostPair> = facts.windows.iter().map(|w| w.window.pair).collect();
        let mut errors: BTreeMap<(HostPair, Spi), Timestamp> = BTreeMap::new();
        for error in facts.unreachable.iter().filter(|error| leaking.contains(&error.pair())) {
            let Some(spi) = error.what.initiator_spi else { continue };
            let first = errors.entry((error.pair(), spi)).or_insert(error.first.time);
            *first = (*first).min(error.first.time);
        }
        let mut sight = Self::default();
        let mut attempts: BTreeMap<HostPair, Vec<Attempt>> = BTreeMap::new();
        let mut openings: BTreeMap<IpAddr, Vec<(Timestamp, IpAddr)>> = BTreeMap::new();
        for exchange in &facts.exchanges {
            let pair = exchange.pair();
            if exchange.responder_spi.is_zero() {
                let opening = (exchange.start, exchange.initiator.ip());
                openings.entry(exchange.responder.ip()).or_default().push(opening);
            }
            if leaking.contains(&pair) {
                let error = errors.get(&(pair, exchange.initiator_spi)).copied();
                attempts.entry(pair).or_default().push(Attempt::new(exchange, error));
            }
        }
        for (pair, attempts) in attempts {
            for (start, end, force) in forces(&attempts) {
                let spans = sight.of_pairs.entry((pair, force)).or_default();
                match spans.last_mut() {
                    Some((_, last)) if start <= *last => *last = end.max(*last),
                    Some(_) | None => spans.push((start, end)),
                }
            }
        }
        for (host, mut openings) in openings {
            openings.sort_unstable();
            sight.floods.insert(host, floods(&openings));
        }
        sight
    }

    fn touching(&self, pair: HostPair, from: Timestamp, to: Timestamp) -> BTreeSet<Force> {
        let holds = |spans: &Spans| {
            let first = spans.partition_point(|(_, end)| *end < from);
            spans.get(first).is_some_and(|(start, _)| *start <= to)
        };
        let mut seen: BTreeSet<Force> = [Force::ForgedErrors, Force::OneWay]
            .into_iter()
            .filter(|force| self.of_pairs.get(&(pair, *force)).is_some_and(holds))
            .collect();
        if [pair.a(), pair.b()].iter().any(|host| self.floods.get(host).is_some_and(holds)) {
            seen.insert(Force::Flood);
        }
        seen
    }
}

/// The facts of a negotiation that matter here.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    from: IpAddr,
    start: Timestamp,
    end: Timestamp,
    answered: bool,
    failed: bool,
    sent_again: bool,
    /// The answer did not reach the one that asked.
    ignores_answer: bool,
    /// When it first created security associations.
    completed: Option<Timestamp>,
    /// The first ICMP error that quotes it.
    error: Option<Timestamp>,
}

impl Attempt {
    fn new(exchange: &IkeExchange, error: Option<Timestamp>) -> Self {
        Self {
            from: exchange.initiator.ip(),
            start: exchange.start,
            end: exchange.end,
            answered: !exchange.responder_spi.is_zero(),
            failed: exchange.outcome.is_failure(),
            sent_again: exchange.retransmissions > 0,
            ignores_answer: exchange.ignores_answer(),
            completed: exchange.completions.iter().min().copied(),
            error,
        }
    }

    /// The error was about a message before the completion, and none of these was sent twice: the message
    /// arrived after all.
    fn is_contradicted(&self) -> bool {
        let before = self.error.zip(self.completed).is_some_and(|(error, done)| error < done);
        before && !self.sent_again
    }

    const fn is_unheard(&self) -> bool {
        self.failed && !self.answered
    }
}

/// When each sign was seen between two hosts, in order of its beginning.
fn forces(attempts: &[Attempt]) -> Vec<(Timestamp, Timestamp, Force)> {
    let contradicted = attempts.iter().filter(|x| x.is_contradicted());
    let mut seen: Vec<_> = contradicted.map(|x| (x.start, x.end, Force::ForgedErrors)).collect();
    // Compared by the latest end so far: each unanswered call needs a call of the other side beside it that
    // ignored an answer.
    let mut calls: Vec<&Attempt> =
        attempts.iter().filter(|x| x.ignores_answer || x.is_unheard()).collect();
    calls.sort_by_key(|x| (x.start, x.end, x.from));
    let mut last: BTreeMap<(IpAddr, bool), Timestamp> = BTreeMap::new();
    for call in calls {
        let opposite = last.iter().filter(|((from, heard), end)| {
            *from != call.from && *heard != call.answered && **end >= call.start
        });
        if let Some(end) = opposite.map(|(_, end)| *end).max() {
            seen.push((call.start, end.min(call.end), Force::OneWay));
        }
        let known = last.entry((call.from, call.answered)).or_insert(call.end);
        *known = (*known).max(call.end);
    }
    seen.sort_unstable();
    seen
}

/// The spans in which that many different hosts began within a minute.
fn floods(openings: &[(Timestamp, IpAddr)]) -> Vec<(Timestamp, Timestamp)> {
    let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
    let mut within: BTreeMap<IpAddr, usize> = BTreeMap::new();
    let mut oldest = openings.iter();
    let mut waiting = oldest.next();
    for (time, source) in openings {
        *within.entry(*source).or_default() += 1;
        while let Some((_, gone)) = waiting.filter(|(early, _)| time.since(*early) > BEFORE) {
            if let Some(number) = within.get_mut(gone) {
                *number -= 1;
                if *number == 0 {
                    within.remove(gone);
                }
            }
            waiting = oldest.next();
        }
        if within.len() < MANY {
            continue;
        }
        let start = waiting.map_or(*time, |(early, _)| *early);
        match spans.last_mut() {
            Some((_, end)) if start <= *end => *end = *time,
            Some(_) | None => spans.push((start, *time)),
        }
    }
    spans
}

fn forced_finding(facts: &Facts, pair: HostPair, force: Force, windows: Vec<usize>) -> Finding {
    let title = format!(
        "{} and {} may have been forced to clear text: {}",
        pair.a(),
        pair.b(),
        force.words()
    );
    let detail = format!(
        "Seen less than a minute before {}, or during it. Anyone on the path can cause this; so can a fault.",
        counted(windows.len() as u64, "cleartext window")
    );
    let finding =
        Finding::new(FindingCode::ForcedFallbackSuspected, Severity::Medium, title, detail);
    Finding { confidence: Confidence::Low, ..finding.of_windows(facts, pair, windows) }
}

/// A fallback is forced shortly before the clear text.
const BEFORE: Span = Span::from_seconds(60);
/// This many others at once are not an ordinary peak.
const MANY: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    fn call(last: u8, start: i64, end: i64) -> Attempt {
        Attempt {
            from: IpAddr::from([10, 0, 0, last]),
            start: at(start),
            end: at(end),
            answered: false,
            failed: true,
            sent_again: true,
            ignores_answer: false,
            completed: None,
            error: None,
        }
    }

    #[test]
    fn an_error_about_a_negotiation_that_went_well_at_once_is_contradicted() {
        let forged = Attempt {
            answered: true,
            failed: false,
            sent_again: false,
            completed: Some(at(2)),
            error: Some(at(1)),
            ..call(1, 0, 9)
        };
        assert_eq!(forces(&[forged]), [(at(0), at(9), Force::ForgedErrors)]);
        // The peer may have been absent when the first message arrived.
        assert!(forces(&[Attempt { sent_again: true, ..forged }]).is_empty());
        // The peer may have left since.
        assert!(forces(&[Attempt { error: Some(at(5)), ..forged }]).is_empty());
        assert!(forces(&[Attempt { completed: None, ..forged }]).is_empty());
    }

    #[test]
    fn one_way_is_reported_where_both_call_and_only_one_is_answered() {
        let deaf = Attempt { answered: true, ignores_answer: true, ..call(2, 10, 30) };
        assert_eq!(forces(&[call(1, 0, 20), deaf]), [(at(10), at(20), Force::OneWay)]);
        assert!(forces(&[call(1, 0, 5), deaf]).is_empty(), "not at the same time");
        assert!(forces(&[call(1, 0, 20), call(2, 10, 30)]).is_empty(), "nobody is answered");
        let well = Attempt { ignores_answer: false, ..deaf };
        assert!(forces(&[call(1, 0, 20), well]).is_empty(), "it went on");
        let itself = Attempt { answered: true, ignores_answer: true, ..call(1, 10, 30) };
        assert!(forces(&[call(1, 0, 20), itself]).is_empty(), "one and the same host");
    }

    #[test]
    fn a_flood_is_many_hosts_within_a_minute() {
        let openings = |every: i64, hosts: u8| -> Vec<_> {
            (0..hosts).map(|n| (at(i64::from(n) * every), IpAddr::from([10, 1, 0, n]))).collect()
        };
        assert_eq!(floods(&openings(1, 60)), [(at(0), at(59))]);
        assert!(floods(&openings(1, 49)).is_empty());
        assert!(floods(&openings(2, 200)).is_empty(), "never fifty within a minute");
        let same: Vec<_> = (0..200).map(|n| (at(n / 4), IpAddr::from([10, 1, 0, 1]))).collect();
        assert!(floods(&same).is_empty(), "one host that tries again");
    }
}
