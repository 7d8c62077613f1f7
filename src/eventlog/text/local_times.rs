//! Events whose times are of a clock in a zone that the export does not name: held until the end of the file,
//! because only all dates together decide between day and month.
//!
//! The zone is the one that the user gives, otherwise the one that event 6013 of the same computer shows, near in
//! time.

use super::Export;
use super::dates::{FileDates, NoTime, Order, Stamp};
use crate::eventlog::{LogEvent, LogRecord};
use crate::evidence::{LogTimeProblem, Position};
use crate::time::{Span, Timestamp, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// A record's time in an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordTime {
    /// A point in time.
    At(Timestamp),
    /// A date and a time of day of the host's clock, a point in time in either order of day and month.
    Local(Stamp),
    /// Nothing that could be used.
    Missing(NoTime),
}

impl RecordTime {
    /// No text at all.
    pub(super) const NONE: Self = Self::Missing(NoTime::NoDate);

    /// Parses a text: RFC 3339 where it has a zone, otherwise a time of the host's clock.
    pub(super) fn parse(text: &str) -> Self {
        if let Some(time) = Timestamp::from_rfc3339(text) {
            return Self::At(time);
        }
        if text.trim().is_empty() {
            return Self::NONE;
        }
        // A day that no calendar has, or a year of another one, is so in either order of day and month.
        let stamp = Stamp::parse(text);
        match stamp.and_then(|stamp| stamp.time(Order::DayFirst).map(|_| stamp)) {
            Ok(stamp) => Self::Local(stamp),
            Err(why) => Self::Missing(why),
        }
    }

    /// The same for a text that is in UTC where it names no zone.
    pub(super) fn parse_utc(text: &str) -> Self {
        let marked = || Timestamp::from_rfc3339(&format!("{}Z", text.trim()));
        match Timestamp::from_rfc3339(text).or_else(marked) {
            Some(time) => Self::At(time),
            None => Self::parse(text),
        }
    }
}

/// The first and the last stamp, each with its computer.
type StampSpan = ((Stamp, String), (Stamp, String));

/// Events in the order of the file, and the times of all records.
pub(super) struct LocalTimes<'z> {
    /// The zone that the user gave.
    zone: Option<&'z Zone>,
    /// The offsets of each computer's clock from UTC that its log records, in seconds, with their times.
    own: BTreeMap<String, Vec<(Stamp, i32)>>,
    offsets: usize,
    dates: FileDates,
    /// Events from the first local time on; those with a point in time have no stamp.
    held: Vec<(LogEvent, Option<Stamp>)>,
    /// The first and last stamp of all records that have one, including records that are no events, by either
    /// order.
    spans: [Option<StampSpan>; 2],
    /// Computers with local times whose offset the export does not name.
    without_offset: BTreeSet<String>,
    /// Records with an unknown mark, and of another calendar: how many.
    unknown_mark: u64,
    other_calendar: u64,
}

impl<'z> LocalTimes<'z> {
    pub(super) fn new(zone: Option<&'z Zone>) -> Self {
        Self {
            zone,
            own: BTreeMap::new(),
            offsets: 0,
            dates: FileDates::default(),
            held: Vec::new(),
            spans: [None, None],
            without_offset: BTreeSet::new(),
            unknown_mark: 0,
            other_calendar: 0,
        }
    }

    /// Whether the user gave no zone.
    pub(super) const fn is_without_zone(&self) -> bool {
        self.zone.is_none()
    }

    /// Records the time of a record, whether it is an event or not.
    pub(super) fn add(&mut self, record: &LogRecord, time: RecordTime) {
        match time {
            RecordTime::At(_) | RecordTime::Missing(NoTime::NoDate) => {}
            RecordTime::Missing(NoTime::UnknownMark) => self.unknown_mark += 1,
            RecordTime::Missing(NoTime::OtherCalendar) => self.other_calendar += 1,
            RecordTime::Local(stamp) => {
                let host = record.computer.to_lowercase();
                if !stamp.has_offset() && self.without_offset.len() < MOST_COMPUTERS {
                    self.without_offset.insert(host.clone());
                }
                self.dates.add(stamp);
                for (order, span) in ORDERS.into_iter().zip(&mut self.spans) {
                    let Ok(time) = stamp.time(order) else { continue };
                    let of = |stamp: Stamp| stamp.time(order).unwrap_or(time);
                    let this = || (stamp, host.clone());
                    let (first, last) = span.get_or_insert_with(|| (this(), this()));
                    if time < of(first.0) {
                        *first = this();
                    }
                    if time > of(last.0) {
                        *last = this();
                    }
                }
                if self.offsets < MOST_OFFSETS
                    && let Some(offset) = offset_of_uptime(record)
                {
                    self.offsets += 1;
                    self.own.entry(host).or_default().push((stamp, offset));
                }
            }
        }
    }

    /// Passes an event on, at once where no earlier one is held.
    pub(super) fn pass(&mut self, event: LogEvent, time: RecordTime, export: &mut Export<'_>) {
        match time {
            RecordTime::Local(stamp) => self.held.push((event, Some(stamp))),
            RecordTime::At(_) | RecordTime::Missing(_) if self.held.is_empty() => {
                (export.sink)(event);
            }
            RecordTime::At(_) | RecordTime::Missing(_) => self.held.push((event, None)),
        }
    }

    /// Passes the held events on, and reports what is uncertain about their times.
    pub(super) fn finish(mut self, export: &mut Export<'_>) {
        let order = self.dates.order();
        export.has_no_seconds = self.dates.have_no_seconds();
        self.name_doubts(order, export);
        let mut clock = Clock::new(self.zone, &self.own, order);
        let [by_day, by_month] = &self.spans;
        let of_order = match order {
            Order::DayFirst => by_day,
            Order::MonthFirst => by_month,
        };
        if let Some((first, last)) = of_order {
            let (first, last) = (clock.instant(first.0, &first.1), clock.instant(last.0, &last.1));
            let summary = export.tally.summary();
            summary.first_time = summary.first_time.into_iter().chain(first).min();
            summary.last_time = summary.last_time.into_iter().chain(last).max();
        }
        (clock.doubtful, clock.unproven) = (0, 0);
        for (mut event, stamp) in std::mem::take(&mut self.held) {
            if let Some(stamp) = stamp {
                event.time = clock.instant(stamp, &event.host.to_lowercase());
            }
            (export.sink)(event);
        }
        clock.name_doubts(&self.without_offset, export);
    }

    /// Reports what is uncertain about the dates.
    fn name_doubts(&self, order: Order, export: &mut Export<'_>) {
        if self.dates.is_undecided() {
            let is_day_first = match order {
                Order::DayFirst => true,
                Order::MonthFirst => false,
            };
            let kind = LogTimeProblem::DayOrMonth { is_day_first };
            export.tally.problem(kind, None, Position::File);
        }
        if self.dates.is_year_undecided() {
            export.tally.problem(LogTimeProblem::TwoDigitYears, None, Position::File);
        }
        type Counted = (u64, fn(u64) -> LogTimeProblem);
        let unread: [Counted; 2] = [
            (self.unknown_mark, LogTimeProblem::UnknownHalfOfDay),
            (self.other_calendar, LogTimeProblem::OtherCalendar),
        ];
        for (count, kind) in unread.into_iter().filter(|(count, _)| *count > 0) {
            export.tally.problem(kind(count), None, Position::File);
        }
    }
}

/// Converts displayed times to points in time.
struct Clock<'z> {
    zone: Option<&'z Zone>,
    /// The offsets of each computer's clock from UTC, in seconds, ascending by time.
    own: BTreeMap<&'z str, Vec<(Timestamp, i32)>>,
    order: Order,
    /// Times that the clock showed twice or never.
    doubtful: u64,
    /// Times that lie far from every event 6013, or between two with different offsets.
    unproven: u64,
}

impl<'z> Clock<'z> {
    fn new(
        zone: Option<&'z Zone>,
        own: &'z BTreeMap<String, Vec<(Stamp, i32)>>,
        order: Order,
    ) -> Self {
        let by_time = |own: &Vec<(Stamp, i32)>| {
            let timed =
                own.iter().filter_map(|(stamp, offset)| Some((stamp.time(order).ok()?, *offset)));
            let mut own: Vec<_> = timed.collect();
            own.sort_unstable();
            own
        };
        let own = own.iter().map(|(host, own)| (host.as_str(), by_time(own))).collect();
        Self { zone, own, order, doubtful: 0, unproven: 0 }
    }

    fn instant(&mut self, stamp: Stamp, host: &str) -> Option<Timestamp> {
        let shown = stamp.time(self.order).ok()?;
        if stamp.has_offset() {
            return Some(shown);
        }
        if let Some(zone) = self.zone {
            let (instant, is_once) = zone.instant(shown)?;
            self.doubtful += u64::from(!is_once);
            return Some(instant);
        }
        let own = self.own.get(host).map_or(&[][..], Vec::as_slice);
        let at = own.partition_point(|(time, _)| *time <= shown);
        let before = at.checked_sub(1).and_then(|at| own.get(at));
        let after = own.get(at);
        let is_within = |known: &&(Timestamp, i32), most: i64| {
            known.0.since(shown).magnitude() <= Span::from_seconds(most)
        };
        let of_day = |known: Option<&(Timestamp, i32)>| {
            known.filter(|known| is_within(known, DAY)).map(|known| known.1)
        };
        let (offset, is_proven) = match (of_day(before), of_day(after)) {
            (Some(before), Some(after)) => (before, before == after),
            (Some(only), None) | (None, Some(only)) => (only, true),
            (None, None) => {
                let is_between = before.zip(after).is_some_and(|(before, after)| {
                    before.1 == after.1 && is_within(&before, MONTH) && is_within(&after, MONTH)
                });
                let Some(known) = before.or(after) else { return Some(shown) };
                (known.1, is_between)
            }
        };
        self.unproven += u64::from(!is_proven);
        Zone::fixed(offset)?.instant(shown).map(|(instant, _)| instant)
    }

    fn name_doubts(&self, without_offset: &BTreeSet<String>, export: &mut Export<'_>) {
        if without_offset.is_empty() {
            return;
        }
        if self.unproven > 0 {
            export.is_local_time = true;
            let kind = LogTimeProblem::OffsetUnproven(self.unproven);
            export.tally.problem(kind, None, Position::File);
        }
        let has_all = without_offset.iter().all(|host| self.own.contains_key(host.as_str()));
        if self.zone.is_none() && !self.own.is_empty() && !has_all {
            export.name_local_times();
        }
        let kind = match (self.zone, self.own.is_empty()) {
            (Some(_), _) if self.doubtful == 0 => return,
            (Some(zone), _) => {
                LogTimeProblem::TimesTwice(self.doubtful, Some(zone.name().to_owned()))
            }
            (None, true) => return export.name_local_times(),
            (None, false) => {
                let offsets: BTreeSet<i32> =
                    self.own.values().flatten().map(|(_, offset)| *offset).collect();
                let zones = offsets.into_iter().filter_map(Zone::fixed);
                LogTimeProblem::OwnOffsets(zones.map(|zone| zone.name().to_owned()).collect())
            }
        };
        export.tally.problem(kind, None, Position::File);
    }
}

/// The clock's offset from UTC when the event log wrote its uptime, in seconds: the seventh value is the
/// difference in minutes, UTC minus local time, and the name of the zone (`-60 W. Europe Standard Time`).
fn offset_of_uptime(record: &LogRecord) -> Option<i32> {
    let is_uptime = record.event_id == UPTIME && record.provider.eq_ignore_ascii_case("EventLog");
    let value = record.parameter(ZONE_OF_UPTIME).filter(|_| is_uptime)?;
    let minutes: i32 = value.split_whitespace().next()?.parse().ok()?;
    (minutes.abs() <= MOST_MINUTES).then_some(-60 * minutes)
}

const ORDERS: [Order; 2] = [Order::DayFirst, Order::MonthFirst];
/// "The system uptime is … seconds", once a day at noon and at each start.
pub(super) const UPTIME: u16 = 6013;
const ZONE_OF_UPTIME: usize = 7;
/// The largest offset of a zone from UTC.
const MOST_MINUTES: i32 = 14 * 60;
/// Events 6013 are written once a day; between two of one month no clock changes twice.
const DAY: i64 = 24 * 3600;
const MONTH: i64 = 28 * DAY;
const MOST_COMPUTERS: usize = 1_000;
/// Eleven years, one a day.
const MOST_OFFSETS: usize = 4096;
