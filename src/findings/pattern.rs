//! What the windows of two hosts have in common: how the leak begins and ends, and whether somebody may
//! have forced it.
//!
//! Says nothing that a window's cause does not rest on already; it looks across windows.

use super::{Finding, FindingCode, Severity, counted, frames, span_of};
use crate::catalogue::Reason;
use crate::correlate::{Confidence, ExplainedWindow, Facts};
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Spi};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One finding for each pair and pattern.
pub(super) fn patterns(facts: &Facts) -> Vec<Finding> {
    let sight = Sight::of(facts);
    let mut found: BTreeMap<(HostPair, Pattern), Vec<usize>> = BTreeMap::new();
    let mut of_pair: BTreeMap<HostPair, Vec<usize>> = BTreeMap::new();
    for (index, explained) in facts.windows.iter().enumerate() {
        let pair = explained.window.pair;
        of_pair.entry(pair).or_default().push(index);
        for pattern in sight.of_window(explained) {
            found.entry((pair, pattern)).or_default().push(index);
        }
    }
    for (pair, windows) in &of_pair {
        let pair = *pair;
        let all = || windows.iter().filter_map(|at| facts.windows.get(*at));
        let leads =
            |reason| all().all(|w| w.causes.first().is_some_and(|cause| cause.reason == reason));
        if windows.len() > 1 && leads(Reason::RekeyGap) {
            found.insert((pair, Pattern::OnlyRekeys), windows.clone());
        }
        let services: BTreeSet<_> = all().flat_map(|w| &w.window.services).collect();
        if services.len() == 1 && leads(Reason::FilterNotCovering) {
            found.insert((pair, Pattern::OneService), windows.clone());
        }
    }
    let tell = |((pair, pattern), at)| tell(facts, pair, pattern, at, number(&of_pair, pair));
    found.into_iter().map(tell).collect()
}

fn number(of_pair: &BTreeMap<HostPair, Vec<usize>>, pair: HostPair) -> u64 {
    of_pair.get(&pair).map_or(0, |windows| windows.len() as u64)
}

/// How a leak begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pattern {
    /// A negotiation fails, and clear text follows at once.
    Fallback,
    /// Clear text first, the first negotiation only later.
    ClearFirst,
    /// Deleted or stopped, and protected again after a new start.
    Restart,
    /// Only between the end of one SA and the beginning of the next.
    OnlyRekeys,
    /// Only one service, beside protected traffic.
    OneService,
    /// One address family is protected and the other one is not.
    OtherFamily,
    /// The peer answered, and errors said that it cannot be reached.
    ForgedErrors,
    /// Very many hosts began negotiations with one of the two just before.
    Flood,
}

impl Pattern {
    const fn words(self) -> &'static str {
        match self {
            Self::Fallback => {
                "clear text follows a failed negotiation within ten seconds: the hosts fall back"
            }
            Self::ClearFirst => "clear text passes before anybody negotiates",
            Self::Restart => {
                "clear text passes after a deletion or a stopped service, until a new negotiation protects again"
            }
            Self::OnlyRekeys => {
                "clear text passes only between one security association and the next"
            }
            Self::OneService => "only one service passes in clear, beside protected traffic",
            Self::OtherFamily => "one address family is protected and the other one is bare",
            Self::ForgedErrors => {
                "ICMP errors said that a peer cannot be reached which completed the same negotiation afterwards"
            }
            Self::Flood => "very many hosts began negotiations with one of the two just before",
        }
    }

    const fn is_forced(self) -> bool {
        match self {
            Self::ForgedErrors | Self::Flood => true,
            Self::Fallback
            | Self::ClearFirst
            | Self::Restart
            | Self::OnlyRekeys
            | Self::OneService
            | Self::OtherFamily => false,
        }
    }
}

/// The facts, arranged for questions about a window.
struct Sight<'a> {
    /// By pair, in order of time.
    exchanges: BTreeMap<HostPair, Vec<&'a IkeExchange>>,
    /// When negotiations of a pair made security associations, ascending.
    completions: BTreeMap<HostPair, Vec<Timestamp>>,
    /// Per host, when others began negotiations that never went on, by time.
    openings: BTreeMap<IpAddr, Vec<(Timestamp, IpAddr)>>,
    /// Negotiations that ICMP errors quote, and when the first one did.
    quoted: BTreeMap<(HostPair, Spi), Timestamp>,
    /// Whether there is protected traffic under IPv4, under IPv6.
    families: (bool, bool),
}

impl<'a> Sight<'a> {
    fn of(facts: &'a Facts) -> Self {
        let mut sight = Self {
            exchanges: BTreeMap::new(),
            completions: BTreeMap::new(),
            openings: BTreeMap::new(),
            quoted: BTreeMap::new(),
            families: (false, false),
        };
        for exchange in &facts.exchanges {
            let pair = exchange.pair();
            sight.exchanges.entry(pair).or_default().push(exchange);
            sight.completions.entry(pair).or_default().extend(&exchange.completions);
            if exchange.responder_spi.is_zero() {
                let opening = (exchange.start, exchange.initiator.ip());
                sight.openings.entry(exchange.responder.ip()).or_default().push(opening);
            }
        }
        sight.completions.values_mut().for_each(|times| times.sort_unstable());
        for told in &facts.unreachable {
            let Some(spi) = told.what.initiator_spi else { continue };
            let first = sight.quoted.entry((told.pair(), spi)).or_insert(told.first.time);
            *first = (*first).min(told.first.time);
        }
        for known in facts.pairs.iter().filter(|p| !p.protected_runs.is_empty()) {
            let is_v4 = known.pair.a().is_ipv4();
            sight.families = (sight.families.0 || is_v4, sight.families.1 || !is_v4);
        }
        sight
    }

    fn of_window(&self, explained: &ExplainedWindow) -> BTreeSet<Pattern> {
        let mut patterns = BTreeSet::new();
        let run = &explained.window.run;
        let of_pair = self.exchanges.get(&explained.window.pair).map_or(&[][..], Vec::as_slice);
        let begun = of_pair.partition_point(|x| x.start <= run.start);
        let before = begun.checked_sub(1).and_then(|at| of_pair.get(at));
        if before.is_some_and(|x| x.outcome.is_failure() && run.start.since(x.start) <= FALLBACK) {
            patterns.insert(Pattern::Fallback);
        }
        let first_inside = of_pair.get(begun).filter(|x| x.start <= run.end);
        if before.is_none() && first_inside.is_some_and(|x| x.start.since(run.start) > FALLBACK) {
            patterns.insert(Pattern::ClearFirst);
        }
        let leading = explained.causes.first().map(|cause| cause.reason);
        let ended = matches!(leading, Some(Reason::SaDeleted | Reason::ServiceStopped));
        if ended && self.is_protected_after(explained.window.pair, run.end) {
            patterns.insert(Pattern::Restart);
        }
        if leading == Some(Reason::AlternatePath) && self.is_other_family(explained) {
            patterns.insert(Pattern::OtherFamily);
        }
        patterns.extend(self.forced(explained));
        patterns
    }

    /// A new negotiation completes soon behind the window.
    fn is_protected_after(&self, pair: HostPair, end: Timestamp) -> bool {
        let times = self.completions.get(&pair).map_or(&[][..], Vec::as_slice);
        let first = times.partition_point(|time| *time < end.shifted(FALLBACK.negated()));
        times.get(first).is_some_and(|time| time.since(end) <= AGAIN)
    }

    fn is_other_family(&self, explained: &ExplainedWindow) -> bool {
        if explained.window.pair.a().is_ipv4() { self.families.1 } else { self.families.0 }
    }

    fn forced(&self, explained: &ExplainedWindow) -> BTreeSet<Pattern> {
        let mut patterns = BTreeSet::new();
        let (pair, run) = (explained.window.pair, &explained.window.run);
        let from = run.start.shifted(BEFORE.negated());
        let of_pair = self.exchanges.get(&pair).map_or(&[][..], Vec::as_slice);
        let begun = of_pair.partition_point(|x| x.start <= run.start);
        let latest = of_pair.get(..begun).unwrap_or_default().iter().rev().take(LATEST);
        // The error quotes the negotiation's own SPI, so it is about no other; a host that is not there
        // does not complete it afterwards.
        let is_contradicted = |x: &&&IkeExchange| {
            let error = self.quoted.get(&(pair, x.initiator_spi));
            x.end >= from && error.is_some_and(|error| x.completions.iter().any(|t| t > error))
        };
        if latest.filter(is_contradicted).count() > 0 {
            patterns.insert(Pattern::ForgedErrors);
        }
        for host in [pair.a(), pair.b()] {
            let all = self.openings.get(&host).map_or(&[][..], Vec::as_slice);
            let first = all.partition_point(|(time, _)| *time < from);
            let past = all.partition_point(|(time, _)| *time <= run.start);
            let near = all.get(first..past.max(first)).unwrap_or_default();
            let sources: BTreeSet<_> =
                near.iter().map(|(_, source)| source).filter(|s| !pair.contains(**s)).collect();
            if sources.len() >= MANY {
                patterns.insert(Pattern::Flood);
            }
        }
        patterns
    }
}

fn tell(
    facts: &Facts,
    pair: HostPair,
    pattern: Pattern,
    windows: Vec<usize>,
    of_pair: u64,
) -> Finding {
    let runs: Vec<_> = windows
        .iter()
        .filter_map(|index| facts.windows.get(*index))
        .map(|explained| &explained.window.run)
        .collect();
    let (code, severity) = if pattern.is_forced() {
        (FindingCode::ForcedFallbackSuspected, Severity::High)
    } else {
        (FindingCode::LeakPattern, Severity::Info)
    };
    let title = format!("{} and {}: {}", pair.a(), pair.b(), pattern.words());
    let detail = format!("So in {} of {}.", windows.len(), counted(of_pair, "window"));
    Finding {
        confidence: Confidence::Medium,
        pair: Some(pair),
        span: span_of(runs.iter().copied()),
        proof: frames(runs.iter().copied()),
        windows,
        ..Finding::new(code, severity, title, detail)
    }
}

/// Windows 2000 falls back after three seconds, later systems sooner; a little more for the packet that
/// waits.
const FALLBACK: Span = Span::from_seconds(10);
/// How soon behind a window protection comes again for one to be the end of the other.
const AGAIN: Span = Span::from_seconds(60);
/// What is done to force a fall-back is done shortly before.
const BEFORE: Span = Span::from_seconds(60);
/// Negotiations before a window that are looked at.
const LATEST: usize = 16;
/// So many others at once are no usual morning.
const MANY: usize = 50;
