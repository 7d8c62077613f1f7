//! The same record in several files: a live log, its shadow copy, an archive, exports.
//!
//! A record is known by computer, log, the number under which it was written, event and time. It counts
//! once, told from the file that says the most of it; that file names the others. What each log says of
//! its own reliability stays with the log.

use super::{LogId, LogPart, Summary};
use crate::eventlog::{Detail, LogEvent};
use crate::evidence::RecordRef;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What makes a record the same: computer, log, number, event, and the second, because exports round.
type Key = (String, String, u64, u16, Option<i64>);

impl Summary {
    /// Leaves each record in one log alone, which names the others that hold it too.
    pub(super) fn set_copies_aside(&mut self) {
        let mut order: Vec<(bool, bool, LogId)> = self
            .logs
            .iter()
            .map(|(id, part)| (part.log.trust.is_selection, part.log.dirty, *id))
            .collect();
        // The computer's own log says more than an export or a collector, one that was closed more than
        // one in use; else the first file speaks.
        order.sort_unstable();
        let mut known = Known::default();
        let mut copies: BTreeMap<LogId, BTreeMap<usize, BTreeSet<RecordRef>>> = BTreeMap::new();
        for (.., id) in order {
            let Some(part) = self.logs.get_mut(&id) else { continue };
            for (original, copy) in known.part(id, part) {
                let of_log = copies.entry(original.0).or_default();
                of_log.entry(original.1).or_default().insert(copy);
            }
        }
        for (id, of_log) in copies {
            let Some(part) = self.logs.get_mut(&id) else { continue };
            for (place, others) in of_log {
                if let Some(event) = part.events.get_mut(place) {
                    event.copies.extend(others);
                }
            }
        }
    }
}

/// A record that speaks: its log and its place there.
type Original = (LogId, usize);

/// Computer, log, event and second: what an export without numbers still has.
type Content = (String, String, u16, i64);

#[derive(Default)]
struct Known {
    by_number: BTreeMap<Key, Original>,
    by_content: BTreeMap<Content, Vec<(Original, Detail)>>,
}

impl Known {
    /// Takes the copies out of a log, and says whose they are; what stays is known from now on.
    fn part(&mut self, id: LogId, part: &mut LogPart) -> Vec<(Original, RecordRef)> {
        let mut found = Vec::new();
        let is_export = part.log.trust.is_selection;
        let mut taken = BTreeSet::new();
        part.events.retain(|event| {
            let Some(key) = key(event) else { return true };
            let by_number = self.by_number.get(&key).copied();
            let original =
                by_number.or_else(|| is_export.then(|| self.alike(event, &taken, id)).flatten());
            // Two records of one file are two, whatever their numbers.
            let original = original.filter(|(log, _)| log.evidence != id.evidence);
            let Some(original) = original.filter(|original| taken.insert(*original)) else {
                return true;
            };
            found.push((original, event.record));
            false
        });
        part.recovered.retain(|event| {
            let original = key(event).and_then(|key| self.by_number.get(&key).copied());
            let original = original.filter(|_| event.hidden_in.is_none());
            found.extend(original.map(|original| (original, event.record)));
            original.is_none()
        });
        for (place, event) in part.events.iter().enumerate() {
            let Some(key) = key(event) else { continue };
            if let Some(second) = key.4 {
                let content = (key.0.clone(), key.1.clone(), key.3, second);
                let alike = self.by_content.entry(content).or_default();
                if alike.len() < MOST_ALIKE {
                    alike.push(((id, place), event.detail.clone()));
                }
            }
            self.by_number.entry(key).or_insert((id, place));
        }
        found
    }

    /// The one record of another file that an export without numbers can mean.
    fn alike(&self, event: &LogEvent, taken: &BTreeSet<Original>, id: LogId) -> Option<Original> {
        let (host, channel, _, event_id, second) = key(event)?;
        let all = self.by_content.get(&(host, channel, event_id, second?))?;
        let mut fits = all.iter().filter(|((log, place), detail)| {
            log.evidence != id.evidence
                && !taken.contains(&(*log, *place))
                && *detail == event.detail
        });
        fits.next().map(|(original, _)| *original)
    }
}

/// `None` of a record that does not say whose it is.
fn key(event: &LogEvent) -> Option<Key> {
    let second = event.time.map(|time: Timestamp| time.0.div_euclid(NANOSECONDS));
    let (host, channel) = (event.host.to_lowercase(), event.channel.to_lowercase());
    let is_known = !host.is_empty() && !channel.is_empty();
    is_known.then_some((host, channel, event.written_as, event.event_id, second))
}

const NANOSECONDS: i64 = 1_000_000_000;
/// Records of one event in one second that are compared with each of an export.
const MOST_ALIKE: usize = 16;
