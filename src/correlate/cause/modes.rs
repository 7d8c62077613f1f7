//! Main and quick mode SAs as the logs number them.

use crate::catalogue::Category;
use crate::correlate::{Facts, PlacedEvent};
use crate::hosts::HostPair;
use crate::ike::IkeExchange;
use crate::summary::LogId;
use std::collections::{BTreeMap, BTreeSet};

fn established(facts: &Facts) -> impl Iterator<Item = &PlacedEvent> {
    facts.events.iter().filter(|placed| placed.event.category == Category::SaEstablished)
}

/// Main mode SAs that came up between two hosts, by log and number.
pub(super) fn made_main_modes(facts: &Facts) -> BTreeSet<(LogId, HostPair, u64)> {
    let of = |placed: &PlacedEvent| {
        let event = &placed.event;
        let sa = event.main_mode_sa().filter(|sa| *sa != 0 && event.selector().is_none())?;
        Some((placed.log, HostPair::new(event.local()?, event.peer()?), sa))
    };
    established(facts).filter_map(of).collect()
}

/// Quick mode SAs that came up, by log and number: of which pair, where the captures show them.
pub(super) fn quick_modes(facts: &Facts) -> BTreeMap<(LogId, u64), BTreeSet<Option<HostPair>>> {
    let mut made: BTreeMap<(LogId, u64), BTreeSet<Option<HostPair>>> = BTreeMap::new();
    for placed in established(facts) {
        let negotiation = placed.event.negotiation();
        if let Some(sa) = negotiation.and_then(|n| n.quick_mode_sa).filter(|sa| *sa != 0) {
            let pair = placed.join.and_then(|join| join.sa).map(|(pair, _)| pair);
            made.entry((placed.log, sa)).or_default().insert(pair);
        }
    }
    made
}

/// The records of the beginning of quick mode SAs, by log and number.
pub(super) fn made_quick_modes(facts: &Facts) -> BTreeMap<(LogId, u64), Vec<usize>> {
    let mut made: BTreeMap<(LogId, u64), Vec<usize>> = BTreeMap::new();
    for (at, placed) in facts.events.iter().enumerate() {
        let number = placed.event.negotiation().and_then(|n| n.quick_mode_sa);
        let is_made = placed.event.category == Category::SaEstablished;
        if let Some(sa) = number.filter(|sa| *sa != 0 && is_made) {
            made.entry((placed.log, sa)).or_default().push(at);
        }
    }
    made
}

/// Logs that have the beginning of a captured quick mode SA of a pair.
pub(super) fn with_quick_modes(facts: &Facts) -> BTreeSet<(LogId, HostPair)> {
    let joined = |placed: &PlacedEvent| Some((placed.log, placed.join?.sa?.0));
    established(facts).filter_map(joined).collect()
}

/// Logs in which a main mode SA is named whose negotiation the captures show, by its pair.
pub(super) fn main_modes(facts: &Facts) -> BTreeSet<(LogId, HostPair)> {
    let joined = facts.events.iter().filter(|e| e.event.main_mode_sa().is_some_and(|sa| sa != 0));
    let of = |placed: &PlacedEvent| {
        let join = placed.join?;
        let exchange = join.exchange.and_then(|at| facts.exchanges.get(at)).map(IkeExchange::pair);
        Some((placed.log, exchange.or(join.sa.map(|(pair, _)| pair))?))
    };
    joined.filter_map(of).collect()
}
