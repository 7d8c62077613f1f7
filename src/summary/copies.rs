//! The same record in several files: a live log, its shadow copy, an archive, exports.
//!
//! A record is known by computer, log, the number under which it was written, event and time. It counts
//! once, reported from the file that says the most of it; that file names the others. What each log says of
//! its own reliability stays with the log.

use super::{LogId, LogPart, Summary};
use crate::eventlog::{Detail, LogEvent};
use crate::evidence::RecordRef;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What makes a record the same: computer, log, number, event, and the second, because exports round.
/// Where an export does not name its zone, the second within a quarter of an hour, which zones share.
type Key = (String, String, u64, u16, Option<i64>);

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

/// Event and second within a quarter of an hour: what an export without numbers still has.
type Content = (u16, i64);

/// A record that an export without numbers may mean.
struct Alike {
    original: Original,
    host: String,
    channel: String,
    detail: Detail,
    second: i64,
    is_local: bool,
}

#[derive(Default)]
struct Known {
    by_number: BTreeMap<Key, Original>,
    /// The same by the second within a quarter of an hour: the second, and whether it is of an unnamed zone.
    by_quarter: BTreeMap<Key, (Original, i64, bool)>,
    by_content: BTreeMap<Content, Vec<Alike>>,
}

impl Known {
    /// Takes the copies out of a log, and says whose they are; what stays is known from now on.
    fn part(&mut self, id: LogId, part: &mut LogPart) -> Vec<(Original, RecordRef)> {
        let mut found = Vec::new();
        let is_export = part.log.trust.is_selection;
        let is_local = part.log.trust.is_local_time;
        let mut taken = BTreeSet::new();
        part.events.retain(|event| {
            let by_number = key(event).and_then(|key| {
                let same = self.by_number.get(&key).copied();
                same.or_else(|| self.in_another_zone(key, is_local))
            });
            let original = by_number
                .or_else(|| is_export.then(|| self.alike(event, is_local, &taken, id)).flatten());
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
            let original = (id, place);
            if let Some(second) = key.4 {
                let (host, channel) = (key.0.clone(), key.1.clone());
                let alike = self.by_content.entry((key.3, in_quarter(second))).or_default();
                if alike.len() < MOST_ALIKE {
                    let detail = event.detail.clone();
                    alike.push(Alike { original, host, channel, detail, second, is_local });
                }
                let known = (original, second, is_local);
                self.by_quarter.entry(of_quarter(key.clone())).or_insert(known);
            }
            self.by_number.entry(key).or_insert(original);
        }
        found
    }

    /// The record of the same number whose time is shown in another zone, where one of the two does not
    /// name its own.
    fn in_another_zone(&self, key: Key, is_local: bool) -> Option<Original> {
        let second = key.4?;
        let (original, known, of_local) = *self.by_quarter.get(&of_quarter(key))?;
        ((is_local || of_local) && is_zone(known - second)).then_some(original)
    }

    /// The one record of another file that an export without numbers can mean. One that names no computer
    /// means a record of the only computer that fits.
    fn alike(
        &self,
        event: &LogEvent,
        is_local: bool,
        taken: &BTreeSet<Original>,
        id: LogId,
    ) -> Option<Original> {
        let second = second_of(event)?;
        let (host, channel) = (event.host.to_lowercase(), event.channel.to_lowercase());
        let all = self.by_content.get(&(event.event_id, in_quarter(second)))?;
        let is_time = |known: &Alike| {
            known.second == second
                || ((is_local || known.is_local) && is_zone(known.second - second))
        };
        let fits = |known: &&Alike| {
            known.original.0.evidence != id.evidence
                && !taken.contains(&known.original)
                && (host.is_empty() || known.host == host)
                && (channel.is_empty() || known.channel == channel)
                && known.detail == event.detail
                && is_time(known)
        };
        let found = all.iter().find(fits)?;
        let is_only = all.iter().filter(fits).all(|other| other.host == found.host);
        is_only.then_some(found.original)
    }
}

fn second_of(event: &LogEvent) -> Option<i64> {
    event.time.map(|time: Timestamp| time.0.div_euclid(NANOSECONDS))
}

/// Zones lie whole quarters of an hour apart, fourteen hours from UTC at the most (IANA's tz database).
const fn in_quarter(second: i64) -> i64 {
    second.rem_euclid(QUARTER)
}

const fn is_zone(seconds: i64) -> bool {
    seconds.rem_euclid(QUARTER) == 0 && seconds.abs() <= FARTHEST_ZONES
}

fn of_quarter(key: Key) -> Key {
    (key.0, key.1, key.2, key.3, key.4.map(in_quarter))
}

/// `None` of a record that does not say whose it is.
fn key(event: &LogEvent) -> Option<Key> {
    let second = second_of(event);
    let (host, channel) = (event.host.to_lowercase(), event.channel.to_lowercase());
    let is_known = !host.is_empty() && !channel.is_empty();
    is_known.then_some((host, channel, event.written_as, event.event_id, second))
}

const NANOSECONDS: i64 = 1_000_000_000;
const QUARTER: i64 = 15 * 60;
/// From the easternmost zone to the westernmost.
const FARTHEST_ZONES: i64 = 26 * 3600;
/// Records of one event in one second that are compared with each of an export.
const MOST_ALIKE: usize = 16;
