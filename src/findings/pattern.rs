//! What the windows of two hosts have in common: how the leak begins and ends, in which direction and on which
//! service.
//!
//! Reported only for pairs all of whose clear text must be protected: exempt traffic would hide where a leak
//! begins, and one more exemption must not create a pattern.

use super::{Finding, FindingCode, Severity, counted};
use crate::catalogue::Reason;
use crate::correlate::{Confidence, ExplainedWindow, FactRef, Facts, PairFacts};
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One finding for each pair and pattern.
pub(super) fn patterns(facts: &Facts) -> Vec<Finding> {
    let mut of_pair: BTreeMap<HostPair, Vec<usize>> = BTreeMap::new();
    for (index, explained) in facts.windows.iter().enumerate() {
        of_pair.entry(explained.window.pair).or_default().push(index);
    }
    let mut attempts: BTreeMap<HostPair, Attempts> = BTreeMap::new();
    for exchange in facts.exchanges.iter().filter(|x| of_pair.contains_key(&x.pair())) {
        // Times of two captures are compared only where their clocks are proven to agree.
        let indexes = of_pair.get(&exchange.pair()).into_iter().flatten().take(MOST_COMPARED);
        let mut windows = indexes.filter_map(|index| facts.windows.get(*index));
        let is_apart = |w: &ExplainedWindow| {
            let (one, other) = (w.window.run.first.evidence, exchange.first.evidence);
            facts.capture_clocks.agree(one, other) != Some(true)
        };
        if windows.any(is_apart) {
            continue;
        }
        let known = attempts.entry(exchange.pair()).or_default();
        known.started.push((exchange.start, exchange.outcome.is_failure()));
        known.completed.extend(&exchange.completions);
    }
    let mut found = Vec::new();
    for (pair, windows) in of_pair {
        let Some(known) = facts.pair(pair).filter(|p| p.in_clear.frames == p.unprotected.frames)
        else {
            continue;
        };
        let bare = has_other_family(pair, &windows, facts);
        let mut attempts = attempts.remove(&pair).unwrap_or_default();
        attempts.started.sort_unstable();
        attempts.completed.sort_unstable();
        let leaks: Vec<Leak> = windows
            .iter()
            .filter_map(|index| Some(Leak::new(*index, facts.windows.get(*index)?, known, bare)))
            .collect();
        let one_service = known.clear_services.len() == 1
            && known.clear_services.iter().all(|service| service.port.is_some());
        for (pattern, at) in shared(&leaks, &attempts, one_service) {
            found.push(pattern_finding(facts, pair, pattern, at, leaks.len() as u64));
        }
    }
    found
}

/// How leaks begin or end, or what they consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pattern {
    /// A negotiation fails, and clear text follows at once.
    Fallback,
    /// Clear text comes first, the first negotiation only later.
    ClearFirst,
    /// Deletion or stop, then protection again after a new start.
    Restart,
    /// Only between the end of one SA and the beginning of the next.
    OnlyRekeys,
    /// Only one service, beside protected traffic.
    OneService,
    /// Only one of the two sends in clear; the other sends under IPsec.
    OneDirection,
    /// One address family is protected and the other is not.
    OtherFamily,
}

impl Pattern {
    const fn words(self) -> &'static str {
        match self {
            Self::Fallback => {
                "clear text begins within ten seconds of a failed negotiation, as with hosts that fall back"
            }
            Self::ClearFirst => "clear text passes before any negotiation",
            Self::Restart => {
                "clear text passes after a deletion or a stopped service, until a new negotiation restores protection"
            }
            Self::OnlyRekeys => {
                "clear text passes only between one security association and the next"
            }
            Self::OneService => "only one service passes in clear, beside protected traffic",
            Self::OneDirection => {
                "only one of the two sends clear text, while the other sends protected packets"
            }
            Self::OtherFamily => {
                "the same two hosts are protected over one IP version and unprotected over the other"
            }
        }
    }
}

/// Negotiations of a pair, by time.
#[derive(Default)]
struct Attempts {
    /// When each began, and whether it failed.
    started: Vec<(Timestamp, bool)>,
    /// When security associations were made.
    completed: Vec<Timestamp>,
}

/// The facts of a window that matter here.
#[derive(Clone, Copy, Debug)]
struct Leak {
    /// Its index in [`Facts::windows`].
    index: usize,
    start: Timestamp,
    end: Timestamp,
    /// What opened it, or the leading cause.
    leading: Option<Reason>,
    /// Protected packets travel inside it.
    mixed: bool,
    frames: u64,
    /// Those of them that the lower address sent.
    from_a: u64,
    /// Each of the two sent protected packets meanwhile; the lower address first.
    protected: (bool, bool),
    /// The same hosts are protected under the other version of IP.
    other_family: bool,
}

impl Leak {
    fn new(index: usize, explained: &ExplainedWindow, known: &PairFacts, bare: bool) -> Self {
        let window = &explained.window;
        let run = window.run;
        // Restarts and rekeys concern the beginning, whatever kept the window open.
        let opened = explained.opened_by.first().or(explained.causes.first());
        let leading = opened.map(|cause| cause.reason);
        let path = explained.causes.first().map(|cause| cause.reason);
        let runs = &known.protected_runs;
        // Runs are in order of their beginning; enough of the last ones decide.
        let past = runs.partition_point(|other| other.start <= run.end);
        let latest = runs.get(..past).unwrap_or_default().iter().rev().take(LATEST);
        let meanwhile = latest.filter(|other| other.end >= run.start && window.mixed);
        let protected = meanwhile.fold((false, false), |(a, b), other| {
            (a || other.from_a > 0, b || other.from_a < other.frames)
        });
        Self {
            index,
            start: run.start,
            end: run.end,
            leading,
            mixed: window.mixed,
            frames: run.frames,
            from_a: run.from_a,
            protected,
            other_family: bare && path == Some(Reason::AlternatePath),
        }
    }

    /// Only the lower address, or only the higher, while the other one sends protected packets.
    const fn is_one_way(&self) -> (bool, bool) {
        let from_a = self.from_a == self.frames && self.protected.1;
        (from_a, self.from_a == 0 && self.protected.0)
    }
}

/// Whether other addresses of the same two hosts, of the other version of IP, had protected traffic; checked
/// only where a window's cause is another path.
fn has_other_family(pair: HostPair, windows: &[usize], facts: &Facts) -> bool {
    let mut leading = windows.iter().filter_map(|at| facts.windows.get(*at)?.causes.first());
    if !leading.any(|cause| cause.reason == Reason::AlternatePath) {
        return false;
    }
    let others = |address: IpAddr| -> BTreeSet<IpAddr> {
        let groups = facts.same_host.iter().filter(|group| group.contains(&address));
        groups.flatten().filter(|o| o.is_ipv4() != address.is_ipv4()).copied().collect()
    };
    let (of_a, of_b) = (others(pair.a()), others(pair.b()));
    let between = of_a.iter().flat_map(|a| of_b.iter().map(|b| HostPair::new(*a, *b)));
    between.filter_map(|other| facts.pair(other)).any(|other| !other.protected_runs.is_empty())
}

/// The patterns, each with the windows that show it.
fn shared(leaks: &[Leak], attempts: &Attempts, one_service: bool) -> BTreeMap<Pattern, Vec<usize>> {
    let mut found: BTreeMap<Pattern, Vec<usize>> = BTreeMap::new();
    let mut add = |pattern, index| found.entry(pattern).or_default().push(index);
    let all = |holds: &dyn Fn(&Leak) -> bool| !leaks.is_empty() && leaks.iter().all(holds);
    let one_way = all(&|leak| leak.is_one_way().0) || all(&|leak| leak.is_one_way().1);
    let only_rekeys = leaks.len() > 1 && all(&|leak| leak.leading == Some(Reason::RekeyGap));
    let one_service = one_service && all(&|leak| leak.mixed);
    for leak in leaks {
        let begun = attempts.started.partition_point(|(start, _)| *start <= leak.start);
        let before = begun.checked_sub(1).and_then(|at| attempts.started.get(at));
        if before.is_some_and(|(start, failed)| *failed && leak.start.since(*start) <= FALLBACK) {
            add(Pattern::Fallback, leak.index);
        }
        let next = attempts.started.get(begun).filter(|(start, _)| *start <= leak.end);
        if before.is_none() && next.is_some_and(|(start, _)| start.since(leak.start) > FALLBACK) {
            add(Pattern::ClearFirst, leak.index);
        }
        let ended = matches!(leak.leading, Some(Reason::SaDeleted | Reason::ServiceStopped));
        if ended && attempts.protect_again(leak.end) {
            add(Pattern::Restart, leak.index);
        }
        for (pattern, holds) in [
            (Pattern::OnlyRekeys, only_rekeys),
            (Pattern::OneService, one_service),
            (Pattern::OneDirection, one_way),
            (Pattern::OtherFamily, leak.other_family),
        ] {
            if holds {
                add(pattern, leak.index);
            }
        }
    }
    found
}

impl Attempts {
    /// A new negotiation completes as a window ends, or soon after.
    fn protect_again(&self, end: Timestamp) -> bool {
        let first = self.completed.partition_point(|t| *t < end.shifted(FALLBACK.negated()));
        self.completed.get(first).is_some_and(|time| time.since(end) <= AGAIN)
    }
}

fn pattern_finding(
    facts: &Facts,
    pair: HostPair,
    pattern: Pattern,
    windows: Vec<usize>,
    of_pair: u64,
) -> Finding {
    let title = format!("{} and {}: {}", pair.a(), pair.b(), pattern.words());
    let answered = match pattern {
        Pattern::Fallback => after_an_answer(facts, &windows),
        Pattern::ClearFirst
        | Pattern::Restart
        | Pattern::OnlyRekeys
        | Pattern::OneService
        | Pattern::OneDirection
        | Pattern::OtherFamily => 0,
    };
    let against = if answered == 0 {
        String::new()
    } else {
        format!(
            " In {answered} of them the responder had answered. Windows 2000 to Server 2003 then do not send clear text unless the Simple Policy Update is on (IKEFlags 0x14). Vista and later send clear text while they negotiate, so an answer does not rule out a fallback."
        )
    };
    let number = windows.len();
    let detail = format!("Seen in {number} of {}.{against}", counted(of_pair, "cleartext window"));
    let finding = Finding::new(FindingCode::LeakPattern, Severity::Info, title, detail);
    Finding { confidence: Confidence::Medium, ..finding.of_windows(facts, pair, windows) }
}

/// The number of windows whose failed negotiation the responder had answered.
fn after_an_answer(facts: &Facts, windows: &[usize]) -> usize {
    let is_answered = |fact: &FactRef| match fact {
        FactRef::Exchange(at) => facts
            .exchanges
            .get(*at)
            .is_some_and(|x| x.outcome.is_failure() && !x.responder_spi.is_zero()),
        FactRef::Event(_) => false,
    };
    let explained = windows.iter().filter_map(|at| facts.windows.get(*at));
    explained.filter(|w| w.causes.iter().any(|c| c.refs.iter().any(is_answered))).count()
}

/// Windows 2000 falls back after three seconds, later systems sooner; plus a margin for the packet that waits.
const FALLBACK: Span = Span::from_seconds(10);
/// How soon after a window protection has to return to count as its end.
const AGAIN: Span = Span::from_seconds(60);

/// Protected runs before a window's end that are checked.
const LATEST: usize = 64;

/// Windows of a pair whose captures are compared with that of a negotiation.
const MOST_COMPARED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    fn leak(start: i64, end: i64) -> Leak {
        Leak {
            index: 0,
            start: at(start),
            end: at(end),
            leading: None,
            mixed: false,
            frames: 9,
            from_a: 4,
            protected: (false, false),
            other_family: false,
        }
    }

    fn attempts(started: &[(i64, bool)], completed: &[i64]) -> Attempts {
        Attempts {
            started: started.iter().map(|(time, failed)| (at(*time), *failed)).collect(),
            completed: completed.iter().map(|time| at(*time)).collect(),
        }
    }

    fn seen(leaks: &[Leak], attempts: &Attempts, one_service: bool) -> Vec<Pattern> {
        shared(leaks, attempts, one_service).into_keys().collect()
    }

    #[test]
    fn a_fall_back_follows_a_failure_at_once() {
        let of = |started: &[(i64, bool)]| seen(&[leak(100, 200)], &attempts(started, &[]), false);
        assert_eq!(of(&[(96, true)]), [Pattern::Fallback]);
        assert!(of(&[(89, true)]).is_empty(), "too long ago");
        assert!(of(&[(96, false)]).is_empty(), "it did not fail");
        assert!(of(&[(90, true), (96, false)]).is_empty(), "the last one did not fail");
    }

    #[test]
    fn clear_first_needs_a_negotiation_later_and_none_before() {
        let of = |started: &[(i64, bool)]| seen(&[leak(100, 200)], &attempts(started, &[]), false);
        assert_eq!(of(&[(150, false)]), [Pattern::ClearFirst]);
        assert!(of(&[(10, false), (150, false)]).is_empty(), "one came before");
        assert!(of(&[(105, false)]).is_empty(), "it came with the first packets");
        assert!(of(&[(300, false)]).is_empty(), "after the window");
    }

    #[test]
    fn a_restart_ends_what_a_deletion_began() {
        let deleted = Leak { leading: Some(Reason::SaDeleted), ..leak(100, 200) };
        let of = |leak, completed: &[i64]| seen(&[leak], &attempts(&[], completed), false);
        assert_eq!(of(deleted, &[203]), [Pattern::Restart]);
        let stopped = Leak { leading: Some(Reason::ServiceStopped), ..deleted };
        assert_eq!(of(stopped, &[195]), [Pattern::Restart]);
        assert!(of(deleted, &[]).is_empty(), "never protected again");
        assert!(of(deleted, &[261]).is_empty(), "much later");
        assert!(of(leak(100, 200), &[203]).is_empty(), "nothing ended");
    }

    #[test]
    fn only_rekeys_is_said_of_several_windows_that_all_are() {
        let gap = |start| Leak { leading: Some(Reason::RekeyGap), ..leak(start, start + 2) };
        let none = attempts(&[], &[]);
        assert_eq!(seen(&[gap(100), gap(900)], &none, false), [Pattern::OnlyRekeys]);
        assert!(seen(&[gap(100)], &none, false).is_empty(), "one is its cause");
        assert!(seen(&[gap(100), leak(900, 990)], &none, false).is_empty(), "not all");
    }

    #[test]
    fn one_service_and_one_direction_need_protected_traffic_beside_them() {
        let none = attempts(&[], &[]);
        let mixed = Leak { mixed: true, ..leak(100, 200) };
        assert_eq!(seen(&[mixed], &none, true), [Pattern::OneService]);
        assert!(seen(&[mixed], &none, false).is_empty());
        assert!(seen(&[leak(100, 200)], &none, true).is_empty());
        let from_a = Leak { from_a: 9, protected: (false, true), ..leak(100, 200) };
        let from_b = Leak { from_a: 0, protected: (true, false), ..leak(300, 400) };
        assert_eq!(seen(&[from_a], &none, false), [Pattern::OneDirection]);
        assert_eq!(seen(&[from_b], &none, false), [Pattern::OneDirection]);
        assert!(seen(&[from_a, from_b], &none, false).is_empty(), "each way once");
        // A capture that shows one way only proves nothing.
        assert!(seen(&[Leak { protected: (true, false), ..from_a }], &none, false).is_empty());
    }

    #[test]
    fn the_other_family_is_said_of_the_windows_that_are_it() {
        let none = attempts(&[], &[]);
        let bare = Leak { index: 1, other_family: true, ..leak(300, 400) };
        let found = shared(&[leak(100, 200), bare], &none, false);
        assert_eq!(found, [(Pattern::OtherFamily, vec![1])].into());
    }
}
