//! Log events on the captures' clock, where that is known.

use super::clock::Clocks;
use super::joins::{Join, Joins};
use crate::eventlog::LogEvent;
use crate::summary::{LogId, Summary};
use crate::time::{Span, Timestamp};

/// A log event placed on the captures' clock.
#[derive(Clone, Debug)]
pub struct PlacedEvent {
    /// The event.
    pub event: LogEvent,
    /// The log that it is from.
    pub log: LogId,
    /// Its time by the captures' clock; `None` where the log's offset is not known.
    pub corrected: Option<Timestamp>,
    /// The error bound of that time.
    pub error: Option<Span>,
    /// Its time rests on a proposed offset only.
    pub is_proposed: bool,
    /// The log's times are of a zone that it does not name.
    pub is_local_time: bool,
    /// The captured item that it is about; `None` where it shares no number with the captures.
    pub join: Option<Join>,
}

/// The events of every log, in order of evidence and record.
pub(super) fn events(summary: &Summary, clocks: &Clocks<'_>, joins: &Joins) -> Vec<PlacedEvent> {
    let mut placed = Vec::new();
    for (id, log) in &summary.logs {
        let is_proposed = clocks.is_proposed(*id);
        let of_log = joins.get(id);
        for (place, event) in log.events.iter().enumerate() {
            let corrected = event.time.and_then(|time| clocks.correct(*id, place, time));
            placed.push(PlacedEvent {
                event: event.clone(),
                log: *id,
                corrected: corrected.map(|(time, _)| time),
                error: corrected.map(|(_, error)| error),
                is_proposed,
                is_local_time: log.log.trust.is_local_time,
                join: of_log.and_then(|joins| joins.get(&place)).copied(),
            });
        }
    }
    placed
}

/// Records found outside the live logs, placed in the same way; nothing is joined with them.
pub(super) fn recovered(summary: &Summary, clocks: &Clocks<'_>) -> Vec<PlacedEvent> {
    let mut placed = Vec::new();
    for (id, log) in &summary.logs {
        let is_proposed = clocks.is_proposed(*id);
        for event in &log.recovered {
            let corrected = event.time.and_then(|time| clocks.correct_recovered(*id, time));
            placed.push(PlacedEvent {
                event: event.clone(),
                log: *id,
                corrected: corrected.map(|(time, _)| time),
                error: corrected.map(|(_, error)| error),
                is_proposed,
                is_local_time: log.log.trust.is_local_time,
                join: None,
            });
        }
    }
    placed
}
