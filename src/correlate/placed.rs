//! Log events on the captures' clock, where that is known.

use super::ClockOffset;
use crate::eventlog::LogEvent;
use crate::evidence::EvidenceId;
use crate::summary::{LogPart, Summary};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// A log event placed on the captures' clock.
#[derive(Clone, Debug)]
pub struct PlacedEvent {
    /// The event.
    pub event: LogEvent,
    /// Its time by the captures' clock; `None` where the log's offset is not known.
    pub corrected: Option<Timestamp>,
}

/// The events of every log, or its recovered ones, in order of evidence and record.
pub(super) fn events(
    summary: &Summary,
    clocks: &[ClockOffset],
    of: impl Fn(&LogPart) -> &[LogEvent],
) -> Vec<PlacedEvent> {
    let offsets: BTreeMap<EvidenceId, &ClockOffset> =
        clocks.iter().map(|clock| (clock.evidence, clock)).collect();
    let mut placed = Vec::new();
    for (evidence, log) in &summary.logs {
        for event in of(log) {
            let offset = offsets.get(evidence).and_then(|clock| clock.offset);
            let corrected = offset.zip(event.time).map(|(offset, t)| t.shifted(offset.negated()));
            placed.push(PlacedEvent { event: event.clone(), corrected });
        }
    }
    placed
}
