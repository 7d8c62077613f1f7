//! Negotiations that failed without opening a window.

use super::{
    Finding, FindingCode, Severity, When, counted, proof_of, reported_with_windows, with_separators,
};
use crate::catalogue::{Category, Reason};
use crate::correlate::{Confidence, FactRef, Facts, PlacedEvent};
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Outcome, Uncounted};
use crate::protection::ProtectionClass;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Failed negotiations that no window names, one finding for each pair: protection continued beside them, or
/// nothing passed at all.
pub(super) fn failures_outside_windows(facts: &Facts) -> Vec<Finding> {
    let reported = reported_with_windows(facts);
    let mut by_pair: BTreeMap<HostPair, Vec<&IkeExchange>> = BTreeMap::new();
    for (index, exchange) in facts.exchanges.iter().enumerate() {
        if exchange.outcome.is_failure() && !reported.contains(&FactRef::Exchange(index)) {
            by_pair.entry(exchange.pair()).or_default().push(exchange);
        }
    }
    if by_pair.len() > MOST_PAIRS || facts.uncounted_ike.is_some() {
        return vec![flood(&by_pair, facts.uncounted_ike)];
    }
    let leaking: BTreeSet<HostPair> = facts.windows.iter().map(|w| w.window.pair).collect();
    let repaired = repaired(facts, &by_pair);
    by_pair
        .into_iter()
        .filter_map(|(pair, mut failed)| {
            failed.retain(|x| !repaired.contains(&x.first));
            of_pair(facts, pair, &failed, leaking.contains(&pair))
        })
        .collect()
}

/// The first messages of negotiations that a retry repaired: the pair soon succeeded, and the failures before
/// were too few, or over too short a time, to have blocked any traffic.
fn repaired(facts: &Facts, failed: &BTreeMap<HostPair, Vec<&IkeExchange>>) -> BTreeSet<FrameRef> {
    let mut succeeded: BTreeMap<HostPair, Vec<Timestamp>> = BTreeMap::new();
    let has_failed = facts.exchanges.iter().filter(|x| failed.contains_key(&x.pair()));
    for exchange in
        has_failed.filter(|x| matches!(x.outcome, Outcome::Established | Outcome::Ended))
    {
        succeeded.entry(exchange.pair()).or_default().push(exchange.start);
    }
    let mut repaired = BTreeSet::new();
    for (pair, failed) in failed {
        // Both by time, as the facts have them.
        let good = succeeded.get(pair).map_or(&[][..], Vec::as_slice);
        let next = |x: &&IkeExchange| good.partition_point(|start| *start <= x.start);
        for before_one in failed.chunk_by(|one, other| next(one) == next(other)) {
            let (Some(first), Some(last)) = (before_one.first(), before_one.last()) else {
                continue;
            };
            let success = good.get(next(last));
            let came_soon = success.is_some_and(|start| start.since(last.end) <= RETRY);
            if came_soon && !is_persistent(before_one.len(), last.end.since(first.start)) {
                repaired.extend(before_one.iter().map(|x| x.first));
            }
        }
    }
    repaired
}

/// Whether a pair's negotiations failed repeatedly with no success between them.
fn lasted_without_success(facts: &Facts, pair: HostPair, failed: &[&IkeExchange]) -> bool {
    let good = facts
        .exchanges
        .iter()
        .filter(|x| x.pair() == pair && matches!(x.outcome, Outcome::Established | Outcome::Ended));
    let good: Vec<Timestamp> = good.map(|x| x.start).collect();
    let next = |x: &&IkeExchange| good.partition_point(|start| *start <= x.start);
    failed.chunk_by(|one, other| next(one) == next(other)).any(|together| {
        let (first, end) = (together.first(), together.iter().map(|x| x.end).max());
        let lasted = first.zip(end).map(|(first, end)| end.since(first.start));
        lasted.is_some_and(|lasted| is_persistent(together.len(), lasted))
    })
}

/// More than an accident.
fn is_persistent(failures: usize, over: Span) -> bool {
    failures >= PERSISTENT && over >= LASTING
}

/// This many pairs at once are reported as one finding.
fn flood(by_pair: &BTreeMap<HostPair, Vec<&IkeExchange>>, uncounted: Option<Uncounted>) -> Finding {
    let mut failed: Vec<&IkeExchange> = by_pair.values().flatten().copied().collect();
    failed.sort_by_key(|x| (x.start, x.first));
    let reasons: BTreeSet<Reason> = failed.iter().filter_map(|x| x.reason).collect();
    let names: Vec<&str> = reasons.iter().map(|r| r.as_str()).collect();
    let many = format!(
        "{} of {}",
        counted(failed.len() as u64, "negotiation"),
        counted(by_pair.len() as u64, "pair")
    );
    let title = match uncounted {
        None => format!("{many} failed: a flood, a scan, or one common cause"),
        Some(uncounted) => {
            let messages = failed.iter().map(|x| x.messages).sum::<u64>() + uncounted.messages;
            format!(
                "{} created no security association: a flood. {many} are listed; {} are only counted",
                counted(messages, "IKE message"),
                counted(uncounted.messages, "message"),
            )
        }
    };
    let detail = format!("Reasons: {}. Each is listed in ike_exchanges.csv.", names.join(", "));
    let when = |(time, frame): (Timestamp, FrameRef)| When { time, evidence: frame.evidence };
    let first = failed.iter().map(|x| (x.start, x.first)).chain(uncounted.map(|u| u.first)).min();
    let last = failed.iter().map(|x| (x.end, x.last)).chain(uncounted.map(|u| u.last)).max();
    Finding {
        span: first.zip(last).map(|(first, last)| (when(first), when(last))),
        proof: proof_of(failed.iter().map(|x| x.first)),
        causes: reasons.into_iter().collect(),
        ..Finding::new(FindingCode::IkeFlood, Severity::Medium, title, detail)
    }
}

fn of_pair(
    facts: &Facts,
    pair: HostPair,
    failed: &[&IkeExchange],
    leaked: bool,
) -> Option<Finding> {
    let (first, last) = (failed.first()?, failed.last()?);
    let end = failed.iter().map(|x| x.end).max()?;
    let beside = facts.pair(pair).is_some_and(|p| {
        p.protected_runs.iter().any(|run| run.start <= end && run.end >= first.start)
    });
    let dropped = is_logged_as_dropped(facts, pair, (first.start, end));
    let lasted = lasted_without_success(facts, pair, failed);
    let held_back = !beside && !leaked && (dropped || lasted);
    let code = if held_back { FindingCode::FailedClosed } else { FindingCode::IkeFailing };
    let reasons: BTreeSet<Reason> = failed.iter().filter_map(|x| x.reason).collect();
    let names: Vec<&str> = reasons.iter().map(|r| r.as_str()).collect();
    let what = match code {
        FindingCode::FailedClosed => {
            "and no traffic of theirs that must be protected was seen in clear"
        }
        _ if beside => "while protected traffic of the two continued",
        _ if leaked => "outside the cleartext windows",
        _ => "and nothing shows whether traffic was blocked",
    };
    let inferred = failed.iter().all(|x| x.inferred);
    let mut advice: Vec<String> =
        reasons.iter().map(|r| r.advice().what_to_do.to_owned()).collect();
    advice.extend(code.advice());
    // Repeated attempts suggest that something wanted to be sent; only a log of drops shows it.
    let severity = if held_back && dropped { Severity::Medium } else { Severity::Low };
    let title = format!(
        "{} between {} and {} failed, {what}",
        counted(failed.len() as u64, "negotiation"),
        pair.a(),
        pair.b()
    );
    let listed_reasons = if names.is_empty() { "unknown".to_owned() } else { names.join(", ") };
    let held = if code == FindingCode::FailedClosed {
        held(facts, pair, end.since(first.start))
            + &super::counters::around(facts, pair, (first.start, end))
    } else {
        String::new()
    };
    let detail = format!(
        "From frame {} to frame {}; reasons: {listed_reasons}.{held}",
        first.first, last.last
    );
    Some(Finding {
        confidence: match (held_back && !dropped, inferred) {
            (true, _) => Confidence::Low,
            (false, true) => Confidence::Medium,
            (false, false) => Confidence::High,
        },
        pair: Some(pair),
        span: Some((
            When { time: first.start, evidence: first.first.evidence },
            When { time: end, evidence: last.last.evidence },
        )),
        proof: proof_of(failed.iter().flat_map(|x| [x.first, x.last])),
        causes: reasons.into_iter().collect(),
        advice,
        ..Finding::new(code, severity, title, detail)
    })
}

/// Whether a log of one of the two records dropped packets while they tried to negotiate.
fn is_logged_as_dropped(facts: &Facts, pair: HostPair, (from, to): (Timestamp, Timestamp)) -> bool {
    let is_drop = |e: &&PlacedEvent| {
        matches!(e.event.category, Category::CleartextObserved | Category::DriverAnomaly)
    };
    let of_pair = |e: &PlacedEvent| {
        let ends = e.event.local().zip(e.event.peer());
        ends.is_some_and(|(local, peer)| HostPair::new(local, peer) == pair)
    };
    let in_time = |e: &PlacedEvent| {
        e.corrected
            .is_some_and(|time| from.shifted(NEAR.negated()) <= time && time <= to.shifted(NEAR))
    };
    facts.events.iter().filter(is_drop).any(|e| of_pair(e) && in_time(e))
}

/// How long the policy was met, and how much of the traffic between the two that needs protection was protected.
fn held(facts: &Facts, pair: HostPair, span: Span) -> String {
    let classes = [ProtectionClass::Esp, ProtectionClass::EspNull, ProtectionClass::Ah];
    let known = facts.pair(pair);
    let of = |class| known.and_then(|p| p.by_class.get(&class)).map_or(0, |run| run.frames);
    let protected: u64 = classes.into_iter().map(of).sum();
    let clear = known.map_or(0, |p| p.unprotected.frames);
    let span = super::measures::length(span);
    let (protected, all) = (with_separators(protected), counted(protected + clear, "packet"));
    format!(
        " No traffic that must be protected passed in clear during the {span} of these attempts. Of {all} that the captures show between the two, {protected} were protected."
    )
}

/// A refusal that a retry repairs within this time blocked no traffic.
const RETRY: Span = Span::from_seconds(60);
/// This many failures over this long a time are more than an accident.
const PERSISTENT: usize = 3;
const LASTING: Span = Span::from_seconds(10);
/// Log and capture may differ by this much.
const NEAR: Span = Span::from_seconds(60);

/// Pairs with a finding each.
const MOST_PAIRS: usize = 50;

/// Negotiations beyond the bound: counted, not listed.
pub(super) fn uncounted(facts: &Facts) -> Option<Finding> {
    let messages = facts.uncounted_ike.map_or(0, |uncounted| uncounted.messages);
    let title = match (messages, facts.stripped_ike) {
        (0, 0) => return None,
        (0, stripped) => {
            format!("The proposals of {} were not kept", counted(stripped, "IKE message"))
        }
        (messages, _) => {
            format!("{} were not assigned to negotiations", counted(messages, "IKE message"))
        }
    };
    let detail = "They exceeded a memory limit; their packets are included in the totals.";
    let code = FindingCode::NegotiationsUncounted;
    Some(Finding::new(code, Severity::Medium, title, detail.to_owned()))
}
