//! What a log file holds as a whole: span, hosts, record numbers, defects, and where every byte of
//! it went.
//!
//! Bounded whatever the file says, but for an entry an audited negotiation; holds no events.

use super::{LogCoverage, LogEvent};
use crate::evidence::{Extent, Position, Problem, ProblemCode};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A log file, told in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSummary {
    /// Records that could be read.
    pub records: u64,
    /// The earliest time of a record, by the host's clock.
    pub first_time: Option<Timestamp>,
    /// The latest time of a record.
    pub last_time: Option<Timestamp>,
    /// The computers named in the records; the first thousand.
    pub hosts: BTreeSet<String>,
    /// The logs named in the records; the first thousand.
    pub channels: BTreeSet<String>,
    /// The lowest and the highest record number.
    pub record_numbers: Option<(u64, u64)>,
    /// Record numbers missing between those, ascending; the first thousand.
    pub gaps: Vec<RecordGap>,
    /// Gaps past the first thousand.
    pub gaps_omitted: u64,
    /// What is wrong; the first thousand, then one that says how many more.
    pub problems: Vec<Problem>,
    /// Where the bytes went; they add up to the bytes read.
    #[serde(skip)]
    pub coverage: BTreeMap<&'static str, Extent>,
    /// Where the file ends although it should go on.
    pub truncated_at: Option<u64>,
    /// The file says of itself that it was in use when copied: its header may be out of date.
    pub dirty: bool,
    /// The file says of itself that it was full.
    pub full: bool,
    /// What the log tells of its own reliability.
    pub trust: LogCoverage,
}

/// Record numbers that a log skips: records that were removed, lost or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordGap {
    /// The first number that is missing.
    pub first: u64,
    /// The last number that is missing.
    pub last: u64,
    /// The time of the record before the gap, where it tells one.
    pub after: Option<Timestamp>,
    /// The time of the record behind it.
    pub before: Option<Timestamp>,
}

/// A summary while its file is read.
#[derive(Debug, Default)]
pub(super) struct Tally {
    summary: LogSummary,
    problems_omitted: u64,
    /// Unbroken runs of record numbers, in the order of the file.
    runs: Vec<Run>,
}

/// Records whose numbers follow each other.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: u64,
    last: u64,
    /// The time of the first record.
    start: Option<Timestamp>,
    /// The time of the last one.
    end: Option<Timestamp>,
}

impl Tally {
    pub(super) fn summary(&mut self) -> &mut LogSummary {
        &mut self.summary
    }

    pub(super) fn cover(&mut self, bucket: &'static str, bytes: u64, records: u64) {
        if bytes == 0 && records == 0 {
            return;
        }
        self.summary.coverage.entry(bucket).or_default().add(bytes, records);
    }

    pub(super) fn problem(
        &mut self,
        code: ProblemCode,
        text: String,
        offset: Option<u64>,
        position: Position,
    ) {
        if self.summary.problems.len() < MOST {
            self.summary.problems.push(Problem { code, text, offset, position });
        } else {
            self.problems_omitted = self.problems_omitted.saturating_add(1);
        }
    }

    pub(super) fn record(&mut self, number: u64, time: Option<Timestamp>) {
        let summary = &mut self.summary;
        summary.records = summary.records.saturating_add(1);
        if let Some(time) = time {
            summary.first_time = Some(summary.first_time.map_or(time, |first| first.min(time)));
            summary.last_time = Some(summary.last_time.map_or(time, |last| last.max(time)));
        }
        match self.runs.last_mut() {
            Some(run) if run.last.checked_add(1) == Some(number) => {
                if let (Some(before), Some(time)) = (run.end, time) {
                    self.summary.trust.neighbours(number, before, time);
                }
                run.last = number;
                run.end = time.or(run.end);
            }
            _ => self.new_run(Run { first: number, last: number, start: time, end: time }),
        }
    }

    /// Any record of the Security log, known or not.
    pub(super) fn security_record(&mut self, event_id: u16, time: Option<Timestamp>) {
        self.summary.trust.security_record(event_id, time);
    }

    /// A live record that the catalogue knows.
    pub(super) fn event(&mut self, event: &LogEvent) {
        self.summary.trust.event(event);
    }

    pub(super) fn host(&mut self, name: &str) {
        keep(&mut self.summary.hosts, name);
    }

    pub(super) fn channel(&mut self, name: &str) {
        keep(&mut self.summary.channels, name);
    }

    pub(super) fn finish(mut self) -> LogSummary {
        self.close_gaps();
        if self.problems_omitted > 0 {
            let text = format!("{} more problems are not listed", self.problems_omitted);
            let (code, position) = (ProblemCode::Skipped, Position::File);
            self.summary.problems.push(Problem { code, text, offset: None, position });
        }
        self.summary
    }

    /// A file that numbers its records at random must not grow the list without end: when it is
    /// full, the runs are put in order and joined, and if that does not help the shortest gaps
    /// are forgotten.
    fn new_run(&mut self, run: Run) {
        self.runs.push(run);
        if self.runs.len() < MOST_RUNS {
            return;
        }
        self.runs = joined(std::mem::take(&mut self.runs), 0);
        let mut bridge = 1;
        while self.runs.len() > MOST_RUNS / 2 {
            self.runs = joined(std::mem::take(&mut self.runs), bridge);
            bridge = bridge.saturating_mul(2);
        }
    }

    fn close_gaps(&mut self) {
        let runs = joined(std::mem::take(&mut self.runs), 0);
        let summary = &mut self.summary;
        if let (Some(lowest), Some(highest)) = (runs.first(), runs.last()) {
            summary.record_numbers = Some((lowest.first, highest.last));
        }
        let gaps = runs.iter().zip(runs.iter().skip(1)).map(|(before, after)| RecordGap {
            first: before.last.saturating_add(1),
            last: after.first.saturating_sub(1),
            after: before.end,
            before: after.start,
        });
        let mut gaps = gaps.fuse();
        summary.gaps = gaps.by_ref().take(MOST).collect();
        summary.gaps_omitted = gaps.fold(0, |count: u64, _| count.saturating_add(1));
    }
}

/// Runs in ascending order, those that touch, overlap or lie at most `bridge` numbers apart made
/// one.
fn joined(mut runs: Vec<Run>, bridge: u64) -> Vec<Run> {
    runs.sort_by_key(|run| (run.first, run.last));
    let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
    for next in runs {
        match joined.last_mut() {
            Some(run) if next.first <= run.last.saturating_add(bridge).saturating_add(1) => {
                if next.last > run.last {
                    (run.last, run.end) = (next.last, next.end.or(run.end));
                }
            }
            _ => joined.push(next),
        }
    }
    joined
}

fn keep(names: &mut BTreeSet<String>, name: &str) {
    if !name.is_empty() && names.len() < MOST && !names.contains(name) {
        names.insert(name.to_owned());
    }
}

/// How many problems, gaps and names are kept.
const MOST: usize = 1_000;
const MOST_RUNS: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn summary_of(numbers: impl IntoIterator<Item = u64>) -> LogSummary {
        let mut tally = Tally::default();
        for number in numbers {
            tally.record(number, None);
        }
        tally.finish()
    }

    #[test]
    fn a_wrapped_log_has_no_gap_where_the_file_turns_round() {
        let summary = summary_of((501..=900).chain(101..=500));
        assert_eq!(summary.record_numbers, Some((101, 900)));
        assert_eq!(summary.gaps, []);
        assert_eq!(summary.records, 800);
    }

    #[test]
    fn removed_records_are_a_gap() {
        let summary = summary_of([1, 2, 3, 7, 8, u64::MAX]);
        let gap = |first, last| RecordGap { first, last, after: None, before: None };
        assert_eq!(summary.gaps, [gap(4, 6), gap(9, u64::MAX - 1)]);
    }

    #[test]
    fn random_numbers_do_not_grow_the_memory() {
        let mut tally = Tally::default();
        let mut number: u64 = 0x9E37_79B9_7F4A_7C15;
        for _ in 0..200_000 {
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            tally.record(number, None);
            assert!(tally.runs.len() <= MOST_RUNS);
        }
        let summary = tally.finish();
        assert_eq!(summary.gaps.len(), MOST);
        assert!(summary.gaps_omitted > 0);
    }

    #[test]
    fn problems_past_the_limit_are_counted() {
        let mut tally = Tally::default();
        for _ in 0..MOST + 5 {
            tally.problem(ProblemCode::Skipped, "damaged".to_owned(), None, Position::File);
        }
        let summary = tally.finish();
        assert_eq!(summary.problems.len(), MOST + 1);
        assert_eq!(
            summary.problems.last().map(|p| p.text.as_str()),
            Some("5 more problems are not listed")
        );
    }
}
