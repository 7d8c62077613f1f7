//! What the counters of exported states show between two moments: clear text that a host's IPsec dropped.
//!
//! A counter is over all peers and names none, so that it neither proves that a window's packets were dropped nor that
//! they arrived. Only the two states of one file are compared (`netsh wfp capture`): the system ran between them.

use super::{Finding, FindingCode, Proof, Severity, When, counted};
use crate::correlate::{Confidence, Facts, HostState};
use crate::hosts::HostPair;
use crate::summary::{ClassRun, LogId};
use crate::time::{Resolution, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Two states of one file, and by how much the counter of dropped clear text rose.
struct Counted<'f> {
    before: &'f HostState,
    after: &'f HostState,
    dropped: u64,
}

fn between_states(facts: &Facts) -> Vec<Counted<'_>> {
    let mut last: BTreeMap<LogId, &HostState> = BTreeMap::new();
    let mut all = Vec::new();
    // They are in order of time.
    for after in &facts.states {
        let Some(before) = last.insert(after.log, after) else { continue };
        let count =
            |state: &HostState| state.counters.and_then(|(_, known)| known.clear_text_dropped);
        let rise = count(after).zip(count(before)).and_then(|(to, from)| to.checked_sub(from));
        all.extend(rise.map(|dropped| Counted { before, after, dropped }));
    }
    all
}

/// Clear text that IPsec dropped between two states of a host, by its counter.
pub(super) fn cleartext_dropped(facts: &Facts) -> Vec<Finding> {
    between_states(facts)
        .iter()
        .filter(|known| known.dropped > 0)
        .map(|known| dropped(facts, known))
        .collect()
}

fn dropped(facts: &Facts, known: &Counted<'_>) -> Finding {
    let Counted { before, after, dropped } = known;
    let host = before.own.first().map_or_else(|| "a host".to_owned(), IpAddr::to_string);
    let title = format!(
        "{host}: IPsec dropped {} in clear text between two states, by its counter",
        counted(*dropped, "inbound packet")
    );
    let written = |state: &HostState| state.written.rfc3339(Resolution::MILLISECONDS);
    let detail = format!(
        "invalidClearTextInbound rose by {dropped} from {} to {} by the host's own clock. The counter is over all peers: it does not show whose packets they were.",
        written(before),
        written(after)
    );
    let evidence = before.log.evidence;
    let when = |state: &HostState| {
        let time = state.corrected.map_or(state.written, |(time, _)| time);
        When { time, evidence }
    };
    let events =
        [before, after].into_iter().filter_map(|state| facts.events.get(state.counters?.0));
    let records = events.map(|placed| placed.event.record.record).collect();
    Finding {
        confidence: Confidence::Medium,
        span: Some((when(before), when(after))),
        proof: [(evidence, Proof::Records(records))].into(),
        ..Finding::new(FindingCode::CleartextDropped, Severity::Medium, title, detail)
    }
}

/// What counters add to a time in which clear packets came to a host, or negotiations failed: only where two states of it
/// lie around all of that time by the captures' clock.
pub(super) fn around(facts: &Facts, pair: HostPair, (from, to): (Timestamp, Timestamp)) -> String {
    let mut notes = String::new();
    let all = between_states(facts);
    for host in [pair.a(), pair.b()] {
        let lies_around = |known: &Counted<'_>| {
            let ends = known.before.corrected.zip(known.after.corrected);
            known.before.own.contains(&host)
                && ends.is_some_and(|((before, sure), (after, as_sure))| {
                    before.shifted(sure) <= from && after.shifted(as_sure.negated()) >= to
                })
        };
        if let Some(known) = all.iter().find(|known| lies_around(known)) {
            let counted = match known.dropped {
                0 => "no inbound packet".to_owned(),
                dropped => counted(dropped, "inbound packet"),
            };
            notes += &format!(
                " In the time between two exported states of {host}, which holds this one, its IPsec counted {counted} in clear that it dropped, over all peers."
            );
        }
    }
    notes
}

/// The same for the time of windows.
pub(super) fn around_windows<'r>(
    facts: &Facts,
    pair: HostPair,
    runs: impl IntoIterator<Item = &'r ClassRun>,
) -> String {
    super::span_of(runs)
        .map(|(first, last)| around(facts, pair, (first.time, last.time)))
        .unwrap_or_default()
}
