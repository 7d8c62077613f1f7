//! The same record in several files, or several times in one: a live log, its shadow copy, an archive, exports.
//!
//! A record is known by computer, log, the number under which it was written, and time. It counts once, reported
//! from the file that says the most of it, which names the others. Records with different numbers are different
//! records, however alike. A position in a file is no number: a record without one is matched by its content.
//! Records that contradict each other are never copies; where they have the same number and time, that is a
//! problem. What each log says of its own reliability stays with the log.

mod known;

use super::{LogId, LogPart, Summary};
use crate::eventlog::LogEvent;
use crate::evidence::RecordRef;
use known::{Known, Names, Original};
use std::collections::{BTreeMap, BTreeSet};

/// Two records of one computer's log with the same number and time whose contents contradict each other: the one
/// that was read later, and the one before.
pub type Contradiction = (RecordRef, RecordRef);

impl Summary {
    /// Leaves each record in one log alone, which names the others that hold it too.
    pub(super) fn set_copies_aside(&mut self) {
        let of = |(id, part): (&LogId, &LogPart)| {
            let trust = &part.log.trust;
            (trust.is_selection, trust.is_local_time, part.log.dirty, *id)
        };
        let mut order: Vec<(bool, bool, bool, LogId)> = self.logs.iter().map(of).collect();
        // The computer's own log says more than an export or a collector, one in UTC more than one in a
        // zone that it does not name, one that was closed more than one in use; else the first file speaks.
        order.sort_unstable();
        let mut known = Known::new(Names::of(&self.logs));
        for (.., id) in order {
            self.set_aside_in(id, &mut known);
        }
        self.contradictions.sort_unstable();
        self.contradictions.dedup();
    }

    /// Takes the copies out of a log; what stays is known from now on.
    fn set_aside_in(&mut self, id: LogId, known: &mut Known) {
        let Some(part) = self.logs.get_mut(&id) else { return };
        let look = known.look(id, part);
        let (events, recovered) =
            (std::mem::take(&mut part.events), std::mem::take(&mut part.recovered));
        let mut kept: Vec<LogEvent> = Vec::with_capacity(events.len());
        let mut taken = BTreeSet::new();
        let mut copies: BTreeMap<Original, BTreeSet<RecordRef>> = BTreeMap::new();
        for event in events {
            let of = |original: Original| self.event(original, id, &kept);
            let found = known.find(&event, &look, &taken, of);
            if let Some(other) = found.contradicts
                && self.contradictions.len() < MOST_CONTRADICTIONS
            {
                self.contradictions.push((event.record, other));
            }
            if let Some(original) = found.original {
                taken.insert(original);
                copies.entry(original).or_default().insert(event.record);
            } else {
                known.add(&event, &look, kept.len());
                kept.push(event);
            }
        }
        let mut remnants = Vec::new();
        for event in recovered {
            let of = |original: Original| self.event(original, id, &kept);
            let original = known.find_by_number(&event, &look, of).original;
            match original.filter(|_| event.hidden_in.is_none()) {
                Some(original) => {
                    copies.entry(original).or_default().insert(event.record);
                }
                None => remnants.push(event),
            }
        }
        if let Some(part) = self.logs.get_mut(&id) {
            (part.events, part.recovered) = (kept, remnants);
        }
        for ((log, place), others) in copies {
            let event = self.logs.get_mut(&log).and_then(|part| part.events.get_mut(place));
            event.into_iter().for_each(|event| event.copies.extend(&others));
        }
    }

    /// A record that speaks: of another log, or one of this log that was kept.
    fn event<'e>(
        &'e self,
        (log, place): Original,
        id: LogId,
        kept: &'e [LogEvent],
    ) -> Option<&'e LogEvent> {
        if log == id {
            return kept.get(place);
        }
        self.logs.get(&log).and_then(|part| part.events.get(place))
    }
}

/// Contradictions that are named.
const MOST_CONTRADICTIONS: usize = 1_000;
