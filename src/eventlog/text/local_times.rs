//! Events whose times are of a clock that the export does not name the zone of: held until the end
//! of the file, because only all dates together decide between day and month.

use super::Export;
use super::dates::{FileDates, NoTime, Order, Stamp};
use crate::eventlog::LogEvent;
use crate::evidence::{Position, ProblemCode};
use crate::time::Timestamp;

/// What an export says of a record's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A point in time.
    At(Timestamp),
    /// A date and a time of day of the host's clock.
    Local(Stamp),
    /// Nothing that could be used.
    Nothing(NoTime),
}

/// Events in the order of the file, and the times of all records.
#[derive(Default)]
pub(super) struct LocalTimes {
    dates: FileDates,
    /// From the first local time on; those with a point in time have no stamp.
    held: Vec<(LogEvent, Option<Stamp>)>,
    /// Of all records that have one, also of those that are no events: first and last by either order.
    spans: [Option<(Timestamp, Timestamp)>; 2],
    is_any: bool,
    /// Records with a mark that is not known, and of another calendar: how many.
    unknown_mark: u64,
    other_calendar: u64,
}

impl LocalTimes {
    /// What a text says: RFC 3339 where it has a zone, else a time of the host's clock.
    pub(super) fn told(text: &str) -> Told {
        match Timestamp::from_rfc3339(text) {
            Some(time) => return Told::At(time),
            None if text.trim().is_empty() => return Told::Nothing(NoTime::NoDate),
            None => {}
        }
        match Stamp::parse(text) {
            Ok(stamp) => Told::Local(stamp),
            Err(why) => Told::Nothing(why),
        }
    }

    /// The same of a text that is UTC where it names no zone.
    pub(super) fn utc(text: &str) -> Told {
        let marked = || Timestamp::from_rfc3339(&format!("{}Z", text.trim()));
        match Timestamp::from_rfc3339(text).or_else(marked) {
            Some(time) => Told::At(time),
            None => Self::told(text),
        }
    }

    /// Notes the time of a record, whether it is an event or not.
    pub(super) fn add(&mut self, told: Told) {
        match told {
            Told::At(_) | Told::Nothing(NoTime::NoDate) => {}
            Told::Nothing(NoTime::UnknownMark) => self.unknown_mark += 1,
            Told::Nothing(NoTime::OtherCalendar) => self.other_calendar += 1,
            Told::Local(stamp) => {
                self.is_any = true;
                self.dates.add(stamp);
                for (order, span) in
                    [Order::DayFirst, Order::MonthFirst].into_iter().zip(&mut self.spans)
                {
                    if let Ok(time) = stamp.time(order) {
                        let (first, last) = span.unwrap_or((time, time));
                        *span = Some((first.min(time), last.max(time)));
                    }
                }
            }
        }
    }

    /// Hands an event on, at once where no time before it has to wait.
    pub(super) fn pass(&mut self, event: LogEvent, told: Told, export: &mut Export<'_>) {
        match told {
            Told::Local(stamp) => self.held.push((event, Some(stamp))),
            Told::At(_) | Told::Nothing(_) if self.held.is_empty() => (export.sink)(event),
            Told::At(_) | Told::Nothing(_) => self.held.push((event, None)),
        }
    }

    /// Hands on what was held, and names what is not certain of its times.
    pub(super) fn finish(self, export: &mut Export<'_>) {
        let order = self.dates.order();
        if self.is_any {
            export.local_time();
        }
        if self.dates.is_undecided() {
            let first = match order {
                Order::DayFirst => "day",
                Order::MonthFirst => "month",
            };
            let text =
                format!("dates may begin with day or month; they were read as {first} first");
            export.tally.problem(ProblemCode::BadTime, text, None, Position::File);
        }
        let named = [
            (
                self.unknown_mark,
                "have a mark beside the time that is not known: morning or afternoon cannot be decided",
            ),
            (
                self.other_calendar,
                "have a year of another calendar, such as the Persian or the Hijri one",
            ),
        ];
        for (count, what) in named.into_iter().filter(|(count, _)| *count > 0) {
            let text = format!(
                "{count} records {what}; they have no time. Export them with dates of the form 2026-11-23T20:04:14Z"
            );
            export.tally.problem(ProblemCode::BadTime, text, None, Position::File);
        }
        let span = match order {
            Order::DayFirst => self.spans[0],
            Order::MonthFirst => self.spans[1],
        };
        if let Some((first, last)) = span {
            let summary = export.tally.summary();
            summary.first_time = Some(summary.first_time.map_or(first, |known| known.min(first)));
            summary.last_time = Some(summary.last_time.map_or(last, |known| known.max(last)));
        }
        for (mut event, stamp) in self.held {
            if let Some(stamp) = stamp {
                event.time = stamp.time(order).ok();
            }
            (export.sink)(event);
        }
    }
}
