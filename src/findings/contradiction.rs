//! Negotiations about which a log and a capture contradict each other.

use super::{Finding, FindingCode, MOST_ITEMS, Proof, Severity, counted};
use crate::catalogue::Category;
use crate::correlate::{Facts, JoinKey, PlacedEvent};
use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// One finding for each pair.
pub(super) fn contradictions(facts: &Facts) -> Vec<Finding> {
    let mut by_pair: BTreeMap<HostPair, Vec<(&PlacedEvent, &IkeExchange)>> = BTreeMap::new();
    for placed in &facts.events {
        let Some(exchange) = exchange_of(facts, placed) else { continue };
        if contradicts(placed, exchange) {
            by_pair.entry(exchange.pair()).or_default().push((placed, exchange));
        }
    }
    by_pair.into_iter().take(MOST_PAIRS).filter_map(|(pair, found)| of_pair(pair, &found)).collect()
}

/// The captured negotiation that an event identifies by a number.
fn exchange_of<'a>(facts: &'a Facts, placed: &PlacedEvent) -> Option<&'a IkeExchange> {
    let join = placed.join?;
    let is_exact = match join.key {
        JoinKey::Cookie | JoinKey::MessageId => true,
        JoinKey::Spi | JoinKey::MainModeSa => false,
    };
    let is_failure = placed.event.category == Category::IkeFailure;
    facts.exchanges.get(join.exchange.filter(|_| is_exact && is_failure)?)
}

fn contradicts(placed: &PlacedEvent, exchange: &IkeExchange) -> bool {
    let Some(logged) = placed.event.reason else { return false };
    match exchange.outcome {
        // A log overrides what was inferred from sizes, but not what was read.
        Outcome::NoResponse
        | Outcome::NoProposalChosen
        | Outcome::AuthenticationSuspected
        | Outcome::Failed => {
            let seen = exchange.reason.filter(|_| !exchange.inferred);
            seen.is_some_and(|seen| logged.contradicts(seen))
        }
        Outcome::Established | Outcome::Ended | Outcome::Incomplete => false,
    }
}

fn of_pair(pair: HostPair, found: &[(&PlacedEvent, &IkeExchange)]) -> Option<Finding> {
    let (placed, exchange) = found.first()?;
    let title = format!(
        "A log and the captures disagree about {} of {} and {}",
        counted(found.len() as u64, "negotiation"),
        pair.a(),
        pair.b()
    );
    let detail = format!(
        "{}'s record {} says {}; the negotiation with the same identifiers ({} to {}) shows {}.",
        placed.event.host,
        placed.event.record.record,
        placed.event.reason.map_or("a failure", |reason| reason.as_str()),
        exchange.first,
        exchange.last,
        exchange.reason.map_or("another outcome", |reason| reason.as_str()),
    );
    let mut proof = super::proof_of(found.iter().flat_map(|(_, x)| [x.first, x.last]));
    let mut records: BTreeMap<EvidenceId, BTreeSet<u64>> = BTreeMap::new();
    for (placed, _) in found.iter().take(MOST_ITEMS) {
        let record = placed.event.record;
        records.entry(record.evidence).or_default().insert(record.record);
    }
    proof.extend(records.into_iter().map(|(log, records)| (log, Proof::Records(records))));
    let code = FindingCode::LogContradictsCapture;
    Some(Finding { pair: Some(pair), proof, ..Finding::new(code, Severity::Medium, title, detail) })
}

/// Pairs with a finding each.
const MOST_PAIRS: usize = 50;
