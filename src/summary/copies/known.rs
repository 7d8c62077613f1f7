//! The records that were read so far, and how another one is found among them.
//!
//! Decides only which records may be one; what is done with them is decided elsewhere.

use crate::eventlog::LogEvent;
use crate::evidence::RecordRef;
use crate::summary::{LogId, LogPart};
use std::collections::{BTreeMap, BTreeSet};

/// A record that speaks: its log and its place there.
pub(super) type Original = (LogId, usize);

/// The full names of the computers, by the names without a domain that begin them.
pub(super) struct Names(BTreeMap<String, BTreeSet<String>>);

impl Names {
    pub(super) fn of(logs: &BTreeMap<LogId, LogPart>) -> Self {
        let mut full: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for host in logs.values().map(|part| part.log.host.to_lowercase()) {
            if let Some((first, _)) = host.split_once('.') {
                full.entry(first.to_owned()).or_default().insert(host);
            }
        }
        Self(full)
    }

    /// The name in lower case; one without a domain is the only full name that begins with it.
    fn of_host(&self, host: &str) -> String {
        let host = host.to_lowercase();
        let only = self.0.get(&host).filter(|full| full.len() == 1).and_then(|full| full.first());
        only.cloned().unwrap_or(host)
    }
}

/// A log whose records are looked up.
pub(super) struct Look {
    id: LogId,
    host: String,
    channel: String,
    is_local: bool,
    /// The unit of its times, in nanoseconds.
    unit: i64,
}

/// A record that was read.
struct Seen {
    original: Original,
    record: RecordRef,
    host: String,
    channel: String,
    /// The number under which it was written; `None` where the file gives none.
    number: Option<u64>,
    time: Option<i64>,
    is_local: bool,
    unit: i64,
}

/// What was found about a record.
#[derive(Clone, Copy, Default)]
pub(super) struct Found {
    /// The record that it is a copy of.
    pub(super) original: Option<Original>,
    /// A record of the same number and time whose content contradicts it.
    pub(super) contradicts: Option<RecordRef>,
}

/// Number, and the second within a quarter of an hour.
type ByNumber = (u64, Option<i64>);
/// Event, and the second within a quarter of an hour: what an export without numbers still has.
type ByContent = (u16, i64);

pub(super) struct Known {
    names: Names,
    seen: Vec<Seen>,
    by_number: BTreeMap<ByNumber, Vec<usize>>,
    by_content: BTreeMap<ByContent, Vec<usize>>,
    /// The coarsest unit of time so far.
    unit: i64,
}

impl Known {
    pub(super) fn new(names: Names) -> Self {
        let (by_number, by_content) = (BTreeMap::new(), BTreeMap::new());
        Self { names, seen: Vec::new(), by_number, by_content, unit: 1 }
    }

    pub(super) fn look(&mut self, id: LogId, part: &LogPart) -> Look {
        let trust = &part.log.trust;
        let mut unit = if trust.has_no_seconds { MINUTE } else { SECOND };
        for time in part.events.iter().filter_map(|event| event.time) {
            while unit != MINUTE && unit > FINEST && time.0 % unit != 0 {
                unit /= 10;
            }
        }
        self.unit = self.unit.max(unit);
        Look {
            id,
            host: self.names.of_host(&part.log.host),
            channel: part.log.channel.to_lowercase(),
            is_local: trust.is_local_time,
            unit,
        }
    }

    /// The record that speaks for this one.
    pub(super) fn find<'e>(
        &self,
        event: &LogEvent,
        look: &Look,
        taken: &BTreeSet<Original>,
        of: impl Fn(Original) -> Option<&'e LogEvent>,
    ) -> Found {
        let found = self.find_by_number(event, look, &of);
        let by_content = || self.find_by_content(event, look, taken, of);
        Found { original: found.original.or_else(by_content), ..found }
    }

    /// The record of the same number, in another file or this one.
    pub(super) fn find_by_number<'e>(
        &self,
        event: &LogEvent,
        look: &Look,
        of: impl Fn(Original) -> Option<&'e LogEvent>,
    ) -> Found {
        let mut found = Found::default();
        if !event.is_numbered || look.host.is_empty() || look.channel.is_empty() {
            return found;
        }
        let time = event.time.map(|time| time.0);
        let near = SECOND.max(look.unit).max(self.unit);
        for second in seconds(time, near) {
            let all = self.by_number.get(&(event.written_as, second)).into_iter().flatten();
            for seen in all.filter_map(|at| self.seen.get(*at)) {
                let apart = seen.apart(time, look);
                let near = SECOND.max(look.unit).max(seen.unit);
                let is_near = apart.map_or(time.is_none() && seen.time.is_none(), |it| it < near);
                if seen.host != look.host || seen.channel != look.channel || !is_near {
                    continue;
                }
                let Some(known) = of(seen.original) else { continue };
                if !event.contradicts(known) {
                    return Found { original: Some(seen.original), contradicts: None };
                }
                let is_direct = !seen.is_local && !look.is_local;
                found.contradicts = found.contradicts.or(is_direct.then_some(seen.record));
            }
        }
        found
    }

    /// The one record of another file that a record without a number, or without a computer, can mean. One that
    /// names no computer means a record of the only computer that fits.
    fn find_by_content<'e>(
        &self,
        event: &LogEvent,
        look: &Look,
        taken: &BTreeSet<Original>,
        of: impl Fn(Original) -> Option<&'e LogEvent>,
    ) -> Option<Original> {
        let time = event.time?.0;
        let number = event.is_numbered.then_some(event.written_as);
        let mut found: Option<&Seen> = None;
        for second in seconds(Some(time), look.unit.max(self.unit)).into_iter().flatten() {
            let all = self.by_content.get(&(event.event_id, second)).into_iter().flatten();
            for seen in all.filter_map(|at| self.seen.get(*at)) {
                let fits = seen.original.0.evidence != look.id.evidence
                    && !taken.contains(&seen.original)
                    && seen.may_be(number, look)
                    && seen.is_at(time, look)
                    && of(seen.original).is_some_and(|known| event.has_content_of(known));
                if !fits {
                    continue;
                }
                match found {
                    Some(other) if other.host != seen.host => return None,
                    Some(_) => {}
                    None => found = Some(seen),
                }
            }
        }
        found.map(|seen| seen.original)
    }

    /// A record that speaks, at this place of its log.
    pub(super) fn add(&mut self, event: &LogEvent, look: &Look, place: usize) {
        let time = event.time.map(|time| time.0);
        let number = event.is_numbered.then_some(event.written_as);
        let at = self.seen.len();
        let mut is_listed = false;
        let second = time.map(in_quarter);
        if let Some(number) = number.filter(|_| !look.host.is_empty() && !look.channel.is_empty()) {
            let all = self.by_number.entry((number, second)).or_default();
            is_listed |= listed(all, at);
        }
        if let Some(second) = second {
            let all = self.by_content.entry((event.event_id, second)).or_default();
            is_listed |= listed(all, at);
        }
        if is_listed {
            self.seen.push(Seen {
                original: (look.id, place),
                record: event.record,
                host: look.host.clone(),
                channel: look.channel.clone(),
                number,
                time,
                is_local: look.is_local,
                unit: look.unit,
            });
        }
    }
}

impl Seen {
    /// Whether a record with this number in that log may be this one, by what both say of themselves.
    fn may_be(&self, number: Option<u64>, look: &Look) -> bool {
        let is_one = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
        // With a computer and a log, numbers decide alone.
        let by_number = match self.number.zip(number) {
            Some((one, other)) => one == other && (self.host.is_empty() || look.host.is_empty()),
            None => true,
        };
        by_number && is_one(&self.host, &look.host) && is_one(&self.channel, &look.channel)
    }

    /// How far its time is from another one, whole zones aside where one of the two does not name its own.
    fn apart(&self, time: Option<i64>, look: &Look) -> Option<i64> {
        let apart = self.time?.checked_sub(time?)?;
        let apart = if (self.is_local || look.is_local) && apart.abs() <= FARTHEST_ZONES {
            let within = apart.rem_euclid(QUARTER);
            if within > QUARTER / 2 { within - QUARTER } else { within }
        } else {
            apart
        };
        Some(apart.saturating_abs())
    }

    /// Whether its time is the other one, as far as both show it.
    fn is_at(&self, time: i64, look: &Look) -> bool {
        let unit = self.unit.max(look.unit);
        self.apart(Some(time), look).is_some_and(|apart| apart < unit.max(SLACK))
    }
}

/// Whether a record found room among those of its kind.
fn listed(all: &mut Vec<usize>, at: usize) -> bool {
    let has_room = all.len() < MOST_ALIKE;
    if has_room {
        all.push(at);
    }
    has_room
}

/// Zones lie whole quarters of an hour apart, fourteen hours from UTC at the most (IANA's tz database).
const fn in_quarter(time: i64) -> i64 {
    time.div_euclid(SECOND).rem_euclid(QUARTER / SECOND)
}

/// The seconds within a quarter of an hour that lie this near, the nearest first.
fn seconds(time: Option<i64>, near: i64) -> Vec<Option<i64>> {
    let Some(time) = time else { return vec![None] };
    let reach = near / SECOND + i64::from(near % SECOND != 0);
    let mut seconds = vec![Some(in_quarter(time))];
    for away in 1..=reach.max(1) {
        for apart in [-away, away] {
            seconds.push(Some(in_quarter(time.saturating_add(apart.saturating_mul(SECOND)))));
        }
    }
    seconds
}

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const QUARTER: i64 = 15 * MINUTE;
/// A FILETIME counts units of 100 ns.
const FINEST: i64 = 100;
/// What a time loses as a floating-point number of seconds (Velociraptor).
const SLACK: i64 = 1_000;
/// From the easternmost zone to the westernmost.
const FARTHEST_ZONES: i64 = 26 * 60 * MINUTE;
/// Records of one number, or of one event in one second, that are compared with each other one.
const MOST_ALIKE: usize = 16;
