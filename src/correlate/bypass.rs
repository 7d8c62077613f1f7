//! Measured spans in which the IPsec driver of Server 2003 let all traffic through: from the event that it
//! bypasses IPsec (4295 at a start, 4293 later) to the event that it applies the policy (4294) or blocks (4292,
//! 4296).
//!
//! A log does not show what passed in such a span. Times are those at which the driver generated the events,
//! not those at which they were written.

use super::PlacedEvent;
use crate::summary::LogId;
use crate::time::{Span, Timestamp};

/// A span in which the driver applied no IPsec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BypassSpan {
    /// The computer.
    pub host: String,
    /// The log.
    pub log: LogId,
    /// The record that begins it, its event and its time by the host's clock.
    pub begin: (u64, u16, Timestamp),
    /// The record that ends it; `None` where the log holds none before the next beginning.
    pub end: Option<(u64, u16, Timestamp)>,
    /// Host clock less capture clock, where it is known.
    pub offset: Option<Span>,
}

impl BypassSpan {
    /// How long it lasted.
    #[must_use]
    pub fn length(&self) -> Option<Span> {
        self.end.map(|(_, _, end)| end.since(self.begin.2))
    }
}

/// The spans of every log, in order of log and time.
pub(super) fn spans(events: &[PlacedEvent]) -> Vec<BypassSpan> {
    let is_mode = |e: &&PlacedEvent| {
        e.event.provider.eq_ignore_ascii_case("IPSec") && (4292..=4297).contains(&e.event.event_id)
    };
    let mut modes: Vec<(LogId, Timestamp, &PlacedEvent)> =
        events.iter().filter(is_mode).filter_map(|e| Some((e.log, e.event.time?, e))).collect();
    modes.sort_by_key(|(log, time, e)| (*log, *time, e.event.record.record));
    let mut spans: Vec<BypassSpan> = Vec::new();
    for (log, time, placed) in modes {
        let event = &placed.event;
        let mark = (event.record.record, event.event_id, time);
        let open = spans.last_mut().filter(|s| s.log == log && s.end.is_none());
        match (event.event_id, open) {
            // A repeated bypass event without a start of the system continues the same span.
            (4293, Some(_)) => {}
            (4293 | 4295, _) => spans.push(BypassSpan {
                host: event.host.clone(),
                log,
                begin: mark,
                end: None,
                offset: placed.corrected.map(|corrected| time.since(corrected)),
            }),
            (_, Some(open)) => open.end = Some(mark),
            (_, None) => {}
        }
    }
    spans
}
