//! What the event logs say by themselves, and whether their silence can be trusted.

use super::{
    Finding, FindingCode, MOST_ITEMS, Proof, Severity, When, counted, named, reported_with_windows,
};
use crate::catalogue::{AUDITPOL, Category, knows_log};
use crate::correlate::{FactRef, Facts, PlacedEvent};
use crate::evidence::EvidenceId;
use crate::summary::LogId;
use std::collections::{BTreeMap, BTreeSet};

/// Clear text that arrived where policy wants protection (4963).
pub(super) fn cleartext_dropped(facts: &Facts) -> Vec<Finding> {
    let is_one = |e: &PlacedEvent| e.event.category == Category::CleartextObserved;
    let what = "incoming clear text that had to be protected";
    per_log(facts, is_one, (FindingCode::CleartextDropped, Severity::High), what)
}

/// Protected packets that were dropped (4960 to 4962, 4965).
pub(super) fn protected_dropped(facts: &Facts) -> Vec<Finding> {
    let is_one = |e: &PlacedEvent| e.event.category == Category::DriverAnomaly;
    let what = "protected packets were dropped";
    per_log(facts, is_one, (FindingCode::ProtectedDropped, Severity::Medium), what)
}

/// Clear text that was agreed on (541 without algorithms); what opened a window is reported there.
pub(super) fn cleartext_permitted(facts: &Facts) -> Vec<Finding> {
    let reported = reported_with_windows(facts);
    let unreported: BTreeSet<(EvidenceId, u64)> = facts
        .events
        .iter()
        .enumerate()
        .filter(|(index, _)| !reported.contains(&FactRef::Event(*index)))
        .map(|(_, e)| (e.event.record.evidence, e.event.record.record))
        .collect();
    let is_one = |e: &PlacedEvent| {
        e.event.category == Category::CleartextPermitted
            && unreported.contains(&(e.event.record.evidence, e.event.record.record))
    };
    let what = "the policy let clear text through";
    per_log(facts, is_one, (FindingCode::CleartextPermitted, Severity::Medium), what)
}

/// Services that went down; those that opened a window are reported there.
pub(super) fn services_down(facts: &Facts) -> Vec<Finding> {
    let reported = reported_with_windows(facts);
    let unreported: BTreeSet<(EvidenceId, u64)> = facts
        .events
        .iter()
        .enumerate()
        .filter(|(index, _)| !reported.contains(&FactRef::Event(*index)))
        .map(|(_, e)| (e.event.record.evidence, e.event.record.record))
        .collect();
    let is_one = |e: &PlacedEvent| {
        e.event.service().is_some_and(|change| change.state.is_down())
            && unreported.contains(&(e.event.record.evidence, e.event.record.record))
    };
    let what = "a service that IPsec needs stopped or failed";
    per_log(facts, is_one, (FindingCode::ServiceDown, Severity::Low), what)
}

/// Logs that were cleared (1102, 104, 517). 104 names the log; one of which the catalogue knows no record held nothing
/// of IPsec.
pub(super) fn cleared(facts: &Facts) -> Vec<Finding> {
    let is_one = |e: &PlacedEvent| matches!(e.event.event_id, 104 | 517 | 1102) && is_about_log(e);
    let is_other = |e: &PlacedEvent| {
        let named = e.event.fields.iter().find(|(name, _)| name == "Channel");
        named.is_some_and(|(_, log)| !log.is_empty() && !knows_log(log))
    };
    let what = "a log was cleared";
    let of_ipsec = |e: &PlacedEvent| is_one(e) && !is_other(e);
    let mut found = per_log(facts, of_ipsec, (FindingCode::LogCleared, Severity::High), what);
    let what = "a log without records of IPsec was cleared";
    let of_others = |e: &PlacedEvent| is_one(e) && is_other(e);
    found.extend(per_log(facts, of_others, (FindingCode::LogCleared, Severity::Info), what));
    found
}

/// Auditing of IPsec that was turned off (4719, 4912).
pub(super) fn auditing_reduced(facts: &Facts) -> Vec<Finding> {
    let is_one = |e: &PlacedEvent| {
        // auditpol shows what is audited, and changes nothing.
        e.event.channel != AUDITPOL
            && e.event.audit_change().is_some_and(|c| c.subcategory.is_some() && c.silences())
    };
    let what = "IPsec auditing is incomplete from here on";
    per_log(facts, is_one, (FindingCode::AuditingReduced, Severity::High), what)
}

/// Events that are missing by the log's own account (1101, 1104, 1108, 516).
pub(super) fn events_lost(facts: &Facts) -> Vec<Finding> {
    let is_one =
        |e: &PlacedEvent| matches!(e.event.event_id, 516 | 1101 | 1104 | 1108) && is_about_log(e);
    let what = "the log reports missing events";
    per_log(facts, is_one, (FindingCode::EventsLost, Severity::Medium), what)
}

fn is_about_log(placed: &PlacedEvent) -> bool {
    placed.event.category == Category::EvidenceIntegrity
}

/// One finding for each computer's log that has such events.
fn per_log(
    facts: &Facts,
    is_one: impl Fn(&PlacedEvent) -> bool,
    (code, severity): (FindingCode, Severity),
    what: &str,
) -> Vec<Finding> {
    let mut by_log: BTreeMap<LogId, Vec<&PlacedEvent>> = BTreeMap::new();
    for placed in facts.events.iter().filter(|e| is_one(e)) {
        by_log.entry(placed.log).or_default().push(placed);
    }
    by_log
        .into_iter()
        .filter_map(|(LogId { evidence, .. }, events)| {
            let host = named(&events.first()?.event.host);
            let times: Vec<_> =
                events.iter().filter_map(|e| e.corrected.or(e.event.time)).collect();
            let span = times.iter().min().zip(times.iter().max());
            let records = events.iter().map(|e| e.event.record.record).take(MOST_ITEMS).collect();
            let meanings: BTreeSet<String> = events.iter().map(|e| in_words(e)).collect();
            let title = format!("{host}: {what} ({})", counted(events.len() as u64, "event"));
            let detail = meanings.into_iter().take(MOST_SENTENCES).collect::<Vec<_>>().join(" ");
            Some(Finding {
                span: span.map(|(first, last)| {
                    (When { time: *first, evidence }, When { time: *last, evidence })
                }),
                proof: [(evidence, Proof::Records(records))].into(),
                ..Finding::new(code, severity, title, detail)
            })
        })
        .collect()
}

fn in_words(placed: &PlacedEvent) -> String {
    let event = &placed.event;
    match (event.service(), event.audit_change().and_then(|change| change.subcategory)) {
        (Some(change), _) => {
            let (service, state) = (change.service.as_str(), change.state.as_str());
            format!("Event {}: {service} {state}.", event.event_id)
        }
        (None, Some(subcategory)) => {
            format!("Event {}: {} no longer audited.", event.event_id, subcategory.as_str())
        }
        (None, None) => format!("Event {}: {}", event.event_id, event.entry.meaning),
    }
}

/// Kinds of events that a finding names.
const MOST_SENTENCES: usize = 10;
