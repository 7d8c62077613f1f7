//! Events whose times are of a clock in a zone that the export does not name: held until the end of the file,
//! because only all dates together decide between day and month.
//!
//! The zone is the one that the user gives, otherwise the one that the log's own event 6013 shows.

use super::Export;
use super::dates::{FileDates, NoTime, Order, Stamp};
use crate::eventlog::{LogEvent, LogRecord};
use crate::evidence::{LogTimeProblem, Position};
use crate::time::{Timestamp, Zone};

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

/// Events in the order of the file, and the times of all records.
pub(super) struct LocalTimes<'z> {
    /// The zone that the user gave.
    zone: Option<&'z Zone>,
    /// The offsets of the clock from UTC that the log itself records, in seconds, with their times.
    own: Vec<(Stamp, i32)>,
    dates: FileDates,
    /// Events from the first local time on; those with a point in time have no stamp.
    held: Vec<(LogEvent, Option<Stamp>)>,
    /// The first and last stamp of all records that have one, including records that are no events, by either
    /// order.
    spans: [Option<(Stamp, Stamp)>; 2],
    /// Local times whose offset the export does not name.
    without_offset: u64,
    /// Records with an unknown mark, and of another calendar: how many.
    unknown_mark: u64,
    other_calendar: u64,
}

impl<'z> LocalTimes<'z> {
    pub(super) fn new(zone: Option<&'z Zone>) -> Self {
        Self {
            zone,
            own: Vec::new(),
            dates: FileDates::default(),
            held: Vec::new(),
            spans: [None; 2],
            without_offset: 0,
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
                self.without_offset += u64::from(!stamp.has_offset());
                self.dates.add(stamp);
                for (order, span) in ORDERS.into_iter().zip(&mut self.spans) {
                    let Ok(time) = stamp.time(order) else { continue };
                    let of = |stamp: Stamp| stamp.time(order).unwrap_or(time);
                    let (first, last) = span.unwrap_or((stamp, stamp));
                    *span = Some((
                        if time < of(first) { stamp } else { first },
                        if time > of(last) { stamp } else { last },
                    ));
                }
                if self.own.len() < MOST_OFFSETS
                    && let Some(offset) = offset_of_uptime(record)
                {
                    self.own.push((stamp, offset));
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
        let of_order = match order {
            Order::DayFirst => self.spans[0],
            Order::MonthFirst => self.spans[1],
        };
        if let Some((first, last)) = of_order {
            let (first, last) = (clock.instant(first), clock.instant(last));
            let summary = export.tally.summary();
            summary.first_time = summary.first_time.into_iter().chain(first).min();
            summary.last_time = summary.last_time.into_iter().chain(last).max();
        }
        clock.doubtful = 0;
        for (mut event, stamp) in std::mem::take(&mut self.held) {
            if let Some(stamp) = stamp {
                event.time = clock.instant(stamp);
            }
            (export.sink)(event);
        }
        clock.name_doubts(self.without_offset, export);
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
    /// The clock's offsets from UTC that the log itself records, in seconds, ascending by time.
    own: Vec<(Timestamp, i32)>,
    order: Order,
    /// Times that the clock showed twice or never.
    doubtful: u64,
}

impl<'z> Clock<'z> {
    fn new(zone: Option<&'z Zone>, own: &[(Stamp, i32)], order: Order) -> Self {
        let timed =
            own.iter().filter_map(|(stamp, offset)| Some((stamp.time(order).ok()?, *offset)));
        let mut own: Vec<_> = timed.collect();
        own.sort_unstable();
        Self { zone, own, order, doubtful: 0 }
    }

    fn instant(&mut self, stamp: Stamp) -> Option<Timestamp> {
        let shown = stamp.time(self.order).ok()?;
        if stamp.has_offset() {
            return Some(shown);
        }
        if let Some(zone) = self.zone {
            let (instant, is_once) = zone.instant(shown)?;
            self.doubtful += u64::from(!is_once);
            return Some(instant);
        }
        let after = self.own.partition_point(|(time, _)| *time < shown);
        let near = [after.checked_sub(1), Some(after)].into_iter().flatten();
        let near = near.filter_map(|at| self.own.get(at));
        let nearest = near.min_by_key(|(time, _)| time.since(shown).magnitude());
        let Some((_, offset)) = nearest else { return Some(shown) };
        Zone::fixed(*offset)?.instant(shown).map(|(instant, _)| instant)
    }

    fn name_doubts(&self, without_offset: u64, export: &mut Export<'_>) {
        if without_offset == 0 {
            return;
        }
        export.is_local_time = self.zone.is_none() && self.own.is_empty();
        let kind = match (self.zone, self.own.is_empty()) {
            (Some(_), _) if self.doubtful == 0 => return,
            (Some(zone), _) => {
                LogTimeProblem::TimesTwice(self.doubtful, Some(zone.name().to_owned()))
            }
            (None, true) => return export.name_local_times(),
            (None, false) => {
                let offsets: std::collections::BTreeSet<i32> =
                    self.own.iter().map(|(_, offset)| *offset).collect();
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
/// Eleven years, one a day.
const MOST_OFFSETS: usize = 4096;
