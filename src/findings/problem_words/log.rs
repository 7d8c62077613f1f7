//! Problems of event logs and of the times in them.

use super::subject;
use crate::evidence::{LogProblem, LogTimeProblem, Problem};
use crate::findings::{counted, with_separators as n};
use crate::time::Resolution;

pub(super) fn log(kind: &LogProblem, problem: &Problem) -> String {
    let record = subject(problem);
    match kind {
        LogProblem::HeaderCut => "the file ends inside its header".to_owned(),
        LogProblem::HeaderUnreadable(error) => format!("file header: {error}"),
        LogProblem::HeaderChecksum => "the checksum of the file header is wrong".to_owned(),
        LogProblem::NoHeader => {
            "chunks without a file header; every chunk found was read".to_owned()
        }
        LogProblem::NoEndRecord => {
            "no end record; records were read from the front of the file".to_owned()
        }
        LogProblem::ChunkCut(whole) => {
            format!("the file ends inside a chunk, after {}", counted(*whole, "whole chunk"))
        }
        LogProblem::ChunksMissing { whole, declared } => format!(
            "the file ends after {}; its header claims {}",
            counted(*whole, "whole chunk"),
            n(*declared)
        ),
        LogProblem::ChunkHeaderChecksum => "the checksum of a chunk's header is wrong".to_owned(),
        LogProblem::ChunkRecordsChecksum => "the checksum of a chunk's records is wrong".to_owned(),
        LogProblem::ChunkSkipped(error) => format!("a chunk was skipped: {error}"),
        LogProblem::RecordBeyondEnd { claimed, remain } => {
            format!("a record claims {claimed} bytes, {remain} remain")
        }
        LogProblem::RecordCut => format!("{record} is cut off"),
        LogProblem::RecordSkipped(error) => format!("a record was skipped: {error}"),
        LogProblem::RecordUnreadable => "a record's fields could not be read".to_owned(),
        LogProblem::RecordLengths => "the record's two lengths differ".to_owned(),
        LogProblem::NoRecord(bytes) => {
            format!("{} that are not a record were skipped", counted(*bytes, "byte"))
        }
        LogProblem::Hidden { bytes, records } => {
            let what = match records {
                0 => "no record was found among them".to_owned(),
                1 => "they hold a record, hidden from readers that follow record sizes".to_owned(),
                more => format!(
                    "they hold {} records, hidden from readers that follow record sizes",
                    n(*more)
                ),
            };
            format!("{} inside {record}, after its own data; {what}", counted(*bytes, "byte"))
        }
        LogProblem::Expansion => format!(
            "{record}, and perhaps others, contain much more text than their own bytes, from a shared template; the text was cut, and … marks the place"
        ),
        LogProblem::ManySources { records, listed } => format!(
            "{} records are from computers or logs beyond the first {}; these logs are not listed separately",
            n(*records),
            n(*listed)
        ),
        LogProblem::RecordDiffers(other) => format!(
            "{record} has the computer, number and time of record {} of {}, and contradicts it; both count",
            n(other.record),
            other.evidence
        ),
        LogProblem::NumbersTwice(count) => format!(
            "{} whose number another record of the file has too: parts of the file occur more than once; records that are the same count once",
            counted(*count, "record")
        ),
        LogProblem::MoreProblems(count) => {
            format!("{} more problems are not listed", n(*count))
        }
    }
}

pub(super) fn times(kind: &LogTimeProblem) -> String {
    match kind {
        LogTimeProblem::Missing => "the record has no usable time".to_owned(),
        LogTimeProblem::AllMissing => {
            "no record has a usable time; nothing can be placed in time".to_owned()
        }
        LogTimeProblem::LocalTime => "times are of a local clock whose zone the export does not name; they were read as UTC. `analyze --timezone` names the zone".to_owned(),
        LogTimeProblem::OwnOffsets(offsets) => format!(
            "times are of a local clock whose zone the export does not name; they were read with the offset that the log's own event 6013 gives ({})",
            offsets.join(", ")
        ),
        LogTimeProblem::OffsetUnproven(count) => format!(
            "{} lie more than a day from every event 6013 of their computer, or between two that give different offsets; the offset given before was used, which a change of summer time makes wrong by an hour. `analyze --timezone` names the zone",
            counted(*count, "event")
        ),
        LogTimeProblem::TimesTwice(count, Some(zone)) => format!(
            "{} events have a time that is ambiguous or does not exist in {zone}, because of a change of offset; the first possible time was used",
            n(*count)
        ),
        LogTimeProblem::TimesTwice(count, None) => format!(
            "{} times are ambiguous or do not exist in the zone, because of a change of offset; the first possible time was used",
            n(*count)
        ),
        LogTimeProblem::DayOrMonth { is_day_first } => {
            let first = if *is_day_first { "day" } else { "month" };
            format!("dates may begin with day or month; they were read as {first} first")
        }
        LogTimeProblem::TwoDigitYears => "dates have two-digit years, which may come first or last; they were read as coming last".to_owned(),
        LogTimeProblem::UnknownHalfOfDay(count) => format!(
            "{} records have an unknown mark beside the time: morning or afternoon cannot be determined; {EXPORT_DATES}",
            n(*count)
        ),
        LogTimeProblem::OtherCalendar(count) => format!(
            "{} records have a year of another calendar, such as the Persian or the Hijri one; {EXPORT_DATES}",
            n(*count)
        ),
        LogTimeProblem::NoYear => "the times have no year, and the other evidence does not determine it; no event of this log can be placed in time".to_owned(),
        LogTimeProblem::YearInferred { by_captures, last } => format!(
            "the times have no year; the year nearest to the {} was used, so that the last time is {}",
            if *by_captures { "captures" } else { "other logs" },
            last.map(|last| last.rfc3339(Resolution::SECONDS)).unwrap_or_default()
        ),
        LogTimeProblem::StateWithoutTime => {
            "the file does not say when the state was collected".to_owned()
        }
    }
}

const EXPORT_DATES: &str =
    "they have no time. Export them with dates of the form 2026-11-23T20:04:14Z";
