//! What can be wrong with the times of a log. The record that a problem is about is its position.

use super::ProblemCode;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What is wrong with the times of a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LogTimeProblem {
    /// A record has no time.
    Missing,
    /// No record has a time.
    AllMissing,
    /// Times are of a local clock in an unnamed zone, and were read as UTC.
    LocalTime,
    /// Times are of a local clock, and were read with the offsets that the log itself gives, as their names.
    OwnOffsets(Vec<String>),
    /// This many times lie more than a day from every event 6013 of their computer, or between two with different
    /// offsets.
    OffsetUnproven(u64),
    /// This many times are such as a clock showed twice or never; the zone by its name, where it was given.
    TimesTwice(u64, Option<String>),
    /// Dates may begin with the day or the month.
    DayOrMonth {
        /// The day was read first.
        is_day_first: bool,
    },
    /// Years have two digits.
    TwoDigitYears,
    /// This many times have a mark of the half of the day in an unknown language.
    UnknownHalfOfDay(u64),
    /// This many times have a year of another calendar.
    OtherCalendar(u64),
    /// Times name no year, and nothing decides which it is.
    NoYear,
    /// Times name no year, and were placed nearest to the rest of the evidence.
    YearInferred {
        /// The rest are captures; otherwise other logs.
        by_captures: bool,
        /// The last time, so placed.
        last: Option<Timestamp>,
    },
    /// The exported state has no time.
    StateWithoutTime,
}

impl LogTimeProblem {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::Missing
            | Self::TimesTwice(..)
            | Self::DayOrMonth { .. }
            | Self::TwoDigitYears
            | Self::UnknownHalfOfDay(_)
            | Self::OtherCalendar(_)
            | Self::OffsetUnproven(_)
            | Self::StateWithoutTime => ProblemCode::BadTime,
            Self::LocalTime | Self::OwnOffsets(_) => ProblemCode::LocalTime,
            Self::AllMissing | Self::NoYear => ProblemCode::FieldsMissing,
            Self::YearInferred { .. } => ProblemCode::YearInferred,
        }
    }
}
