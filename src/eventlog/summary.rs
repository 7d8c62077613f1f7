//! A log file as a whole: record numbers, defects, the use of every byte, and the computers of its records.
//!
//! A record belongs to the log of one computer, whatever file it lies in: a collector's file or a merged export
//! holds the records of many. Bounded whatever the file claims, except for an entry for each audited
//! negotiation; holds no events.

mod names;

mod runs;

use super::{LogCoverage, LogEvent};
use crate::evidence::{Extent, LogProblem, Position, Problem, ProblemKind};
use crate::time::Timestamp;
use names::Stretches;
use runs::{Run, joined};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A log file, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSummary {
    /// Records that could be read.
    pub records: u64,
    /// The earliest time of a record, by the host's clock.
    pub first_time: Option<Timestamp>,
    /// The latest time of a record.
    pub last_time: Option<Timestamp>,
    /// The logs whose records it holds, in the order in which the file names them; at most a thousand.
    pub sources: Vec<LogSource>,
    /// The lowest and the highest record number.
    pub record_numbers: Option<(u64, u64)>,
    /// Record numbers missing between those, ascending; at most a thousand.
    pub gaps: Vec<RecordGap>,
    /// Gaps past the first thousand.
    pub gaps_omitted: u64,
    /// Defects; the first thousand, then one with the number of the others.
    pub problems: Vec<Problem>,
    /// How the bytes were used; the counts add up to the bytes read.
    #[serde(skip)]
    pub coverage: BTreeMap<&'static str, Extent>,
    /// Where the file ends early.
    pub truncated_at: Option<u64>,
    /// The file is marked as in use when it was copied: its header may be out of date.
    pub dirty: bool,
    /// The file is marked as full.
    pub full: bool,
    /// Records found outside the live log.
    pub recovered: u64,
    /// Its times name no year: [`super::undated`].
    #[serde(skip)]
    pub is_undated: bool,
}

/// The log of one computer, as far as a file holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSource {
    /// The computer, as its records name it first; empty where they do not.
    pub host: String,
    /// The log that its records were written to; empty where they do not name it.
    pub channel: String,
    /// Records that could be read.
    pub records: u64,
    /// The earliest time of a record, by the host's clock.
    pub first_time: Option<Timestamp>,
    /// The latest time of a record.
    pub last_time: Option<Timestamp>,
    /// The lowest and the highest record number.
    pub record_numbers: Option<(u64, u64)>,
    /// Record numbers missing in the file, ascending; at most a thousand. A file with the records of several
    /// computers has these with its first source.
    pub gaps: Vec<RecordGap>,
    /// The computer had this name before, in the same file: its records end where these begin.
    pub renamed_from: Option<String>,
    /// The file is marked as in use when it was copied.
    pub dirty: bool,
    /// The file is marked as full.
    pub full: bool,
    /// Records found outside the live log; the first source has those of the whole file.
    pub recovered: u64,
    /// What the log says about its own reliability.
    pub trust: LogCoverage,
    /// How many records of each event were read but not interpreted, by the event's number.
    pub others: BTreeMap<u16, u64>,
}

/// Record numbers that a log skips: records that were removed, lost or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordGap {
    /// The first number that is missing.
    pub first: u64,
    /// The last number that is missing.
    pub last: u64,
    /// The time of the record before the gap, where it has one.
    pub after: Option<Timestamp>,
    /// The time of the record after the gap.
    pub before: Option<Timestamp>,
}

/// A summary while its file is read.
#[derive(Debug, Default)]
pub(super) struct Tally {
    summary: LogSummary,
    problems_omitted: u64,
    /// Unbroken runs of record numbers, in the order of the file.
    runs: Vec<Run>,
    /// The index of each source, by computer and log in lower case.
    known: BTreeMap<(String, String), usize>,
    /// The current source, and its last record.
    current: usize,
    last: Vec<(u64, Option<Timestamp>)>,
    /// Different events that are counted.
    counted: usize,
    /// Records of computers beyond the bound.
    strangers: u64,
    /// A record had another number in the log that it was written to.
    is_renumbered: bool,
    /// It is a text: it proves no rename.
    is_export: bool,
    stretches: Stretches,
    /// Sources with a record whose number in the file is its own.
    own_numbers: BTreeSet<usize>,
    /// Records with the number of one before; not counted once runs that do not touch were joined.
    repeated: u64,
    is_bridged: bool,
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
        kind: impl Into<ProblemKind>,
        offset: Option<u64>,
        position: Position,
    ) {
        if self.summary.problems.len() < MOST {
            self.summary.problems.push(Problem { kind: kind.into(), offset, position });
        } else {
            self.problems_omitted = self.problems_omitted.saturating_add(1);
        }
    }

    /// The following records are of this computer's log, until another one is named.
    pub(super) fn of_source(&mut self, host: &str, channel: &str) {
        let is_same = |source: &LogSource| source.host == host && source.channel == channel;
        if self.summary.sources.get(self.current).is_some_and(is_same) {
            return;
        }
        let key = (host.to_lowercase(), channel.to_lowercase());
        if let Some(known) = self.known.get(&key) {
            self.current = *known;
            return;
        }
        self.current = self.summary.sources.len();
        if self.current >= MOST {
            // Beyond the bound, records are only counted.
            return;
        }
        self.known.insert(key, self.current);
        let (host, channel) = (host.to_owned(), channel.to_owned());
        self.summary.sources.push(LogSource { host, channel, ..LogSource::default() });
        self.last.push((0, None));
    }

    /// Adds a live record of the current source.
    pub(super) fn record(&mut self, number: u64, time: Option<Timestamp>) {
        let summary = &mut self.summary;
        summary.records = summary.records.saturating_add(1);
        widen((&mut summary.first_time, &mut summary.last_time), time);
        if let (Some(source), Some(last)) =
            (summary.sources.get_mut(self.current), self.last.get_mut(self.current))
        {
            if source.records > 0
                && last.0.checked_add(1) == Some(number)
                && let (Some(before), Some(time)) = (last.1, time)
            {
                source.trust.neighbours(number, before, time);
            }
            *last = (number, time.or(last.1.filter(|_| last.0.checked_add(1) == Some(number))));
            source.records = source.records.saturating_add(1);
            widen((&mut source.first_time, &mut source.last_time), time);
            let (lowest, highest) = source.record_numbers.unwrap_or((number, number));
            source.record_numbers = Some((lowest.min(number), highest.max(number)));
        } else {
            self.strangers = self.strangers.saturating_add(1);
        }
        self.stretches.add(self.current, number, time);
        match self.runs.last_mut() {
            Some(run) if run.last.checked_add(1) == Some(number) => {
                run.last = number;
                run.end = time.or(run.end);
            }
            _ => self.new_run(Run { first: number, last: number, start: time, end: time }),
        }
    }

    /// The last record is no event that the catalogue knows.
    pub(super) fn not_interpreted(&mut self, event_id: u16) {
        let Some(source) = self.summary.sources.get_mut(self.current) else { return };
        if let Some(count) = source.others.get_mut(&event_id) {
            *count = count.saturating_add(1);
        } else if self.counted < MOST_COUNTED {
            self.counted += 1;
            source.others.insert(event_id, 1);
        }
    }

    /// A record whose number in this file is not the one under which it was written: the file is a collector's,
    /// or a renumbered export.
    pub(super) const fn renumbered(&mut self) {
        self.is_renumbered = true;
    }

    /// The file is a text export.
    pub(super) const fn is_export(&mut self) {
        self.is_export = true;
    }

    /// Adds any record of the Security log, known or not.
    pub(super) fn security_record(&mut self, event_id: u16, time: Option<Timestamp>) {
        if let Some(source) = self.source() {
            source.trust.security_record(event_id, time);
        }
    }

    /// Adds a live record that the catalogue knows.
    pub(super) fn event(&mut self, event: &LogEvent) {
        if event.is_numbered && event.written_as == event.record.record {
            self.own_numbers.insert(self.current);
        }
        if let Some(source) = self.source() {
            source.trust.event(event);
        }
    }

    /// The current source; `None` beyond the bound.
    pub(super) fn source(&mut self) -> Option<&mut LogSource> {
        self.summary.sources.get_mut(self.current)
    }

    pub(super) fn finish(mut self) -> LogSummary {
        self.close_gaps();
        self.part_sources();
        if self.repeated > 0 && !self.is_export && !self.is_bridged {
            let kind = LogProblem::NumbersTwice(self.repeated);
            self.problem(kind, None, Position::File);
        }
        if self.strangers > 0 {
            let (records, listed) = (self.strangers, MOST as u64);
            self.problem(LogProblem::ManySources { records, listed }, None, Position::File);
        }
        if self.problems_omitted > 0 {
            let more = LogProblem::MoreProblems(self.problems_omitted);
            self.summary.problems.push(Problem::of_file(more, None));
        }
        self.summary
    }

    /// Assigns what holds for the whole file to its sources, and determines whether the file is the log of one
    /// computer.
    ///
    /// Such a file has the records of one log, and a renamed computer continues its numbering. Any other file
    /// is a collection: missing records prove nothing in it, and neither does the time between two of its
    /// records.
    fn part_sources(&mut self) {
        let is_collection = self.is_renumbered || !self.join_renamed();
        let LogSummary { sources, gaps, dirty, full, recovered, .. } = &mut self.summary;
        if sources.is_empty() {
            sources.push(LogSource::default());
        }
        for (place, source) in sources.iter_mut().enumerate() {
            (source.dirty, source.full) = (*dirty, *full);
            if place == 0 {
                source.recovered = *recovered;
            }
            if place == 0 || (!is_collection && place < MOST_NAMES) {
                source.gaps.clone_from(gaps);
            }
            if is_collection {
                source.trust.is_selection = true;
                source.trust.silences.clear();
                source.trust.setbacks.clear();
            }
        }
    }

    /// Whether all sources are one log, each of several names following the one before.
    fn join_renamed(&mut self) -> bool {
        let sources = &mut self.summary.sources;
        let Some(channel) = sources.first().map(|source| source.channel.clone()) else {
            return true;
        };
        if sources.iter().any(|source| !source.channel.eq_ignore_ascii_case(&channel)) {
            return false;
        }
        let names: Vec<&str> = sources.iter().map(|source| source.host.as_str()).collect();
        if names.len() == 1 {
            return true;
        }
        // A collector numbers what it gathers: only a record that names its own number excludes that.
        let is_own = !self.is_export && self.own_numbers.len() == names.len();
        let Some(renames) = self.stretches.renames(&names).filter(|_| is_own) else {
            return false;
        };
        let named = |(after, before): (usize, usize)| {
            names.get(before).map(|name| (after, (*name).to_owned()))
        };
        let renamed: Vec<(usize, String)> = renames.into_iter().filter_map(named).collect();
        for (place, name) in renamed {
            if let Some(source) = sources.get_mut(place) {
                source.renamed_from = Some(name);
            }
        }
        true
    }

    /// A file with random record numbers must not grow the list without end: when the list is full, the runs
    /// are sorted and joined, and if that is not enough the shortest gaps are forgotten.
    fn new_run(&mut self, run: Run) {
        self.runs.push(run);
        if self.runs.len() < MOST_RUNS {
            return;
        }
        self.runs = self.joined();
        let mut bridge = 1;
        self.is_bridged |= self.runs.len() > MOST_RUNS / 2;
        while self.runs.len() > MOST_RUNS / 2 {
            self.runs = joined(std::mem::take(&mut self.runs), bridge, &mut 0);
            bridge = bridge.saturating_mul(2);
        }
    }

    /// The runs in ascending order, and counts the numbers that two of them have.
    fn joined(&mut self) -> Vec<Run> {
        joined(std::mem::take(&mut self.runs), 0, &mut self.repeated)
    }

    fn close_gaps(&mut self) {
        let runs = self.joined();
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

fn widen((first, last): (&mut Option<Timestamp>, &mut Option<Timestamp>), time: Option<Timestamp>) {
    if let Some(time) = time {
        *first = Some(first.map_or(time, |first| first.min(time)));
        *last = Some(last.map_or(time, |last| last.max(time)));
    }
}

/// How many problems, gaps and sources are kept.
const MOST: usize = 1_000;
/// How many different events are counted, over all sources of a file.
const MOST_COUNTED: usize = 65_536;
const MOST_RUNS: usize = 65_536;

/// Names of one repeatedly renamed computer under which its gaps are listed.
const MOST_NAMES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn summary_of(numbers: impl IntoIterator<Item = u64>) -> LogSummary {
        let mut tally = Tally::default();
        tally.of_source("A", "Security");
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
            tally.problem(LogProblem::RecordUnreadable, None, Position::File);
        }
        let summary = tally.finish();
        assert_eq!(summary.problems.len(), MOST + 1);
        assert_eq!(
            summary.problems.last().map(|problem| &problem.kind),
            Some(&LogProblem::MoreProblems(5).into())
        );
    }

    fn at(seconds: i64) -> Option<Timestamp> {
        Timestamp::from_seconds(seconds, 0)
    }

    #[test]
    fn a_renamed_computer_goes_on_with_its_log_and_a_collection_is_nobodys() {
        let read = |records: &[(&str, u64)], has_own| {
            let mut tally = Tally::default();
            for (host, number) in records {
                tally.of_source(host, "Security");
                tally.record(*number, at(7_200 * *number as i64));
                if has_own {
                    tally.own_numbers.insert(tally.current);
                }
            }
            tally.finish().sources
        };
        let renamed = read(&[("WIN-1", 1), ("WIN-1", 2), ("FS01", 3), ("FS01.corp", 4)], true);
        let names: Vec<_> = renamed.iter().map(|s| s.renamed_from.as_deref()).collect();
        assert_eq!(names, [None, Some("WIN-1"), Some("FS01")]);
        assert!(renamed.iter().all(|source| !source.trust.is_selection));
        assert_eq!(renamed[0].trust.silences.len(), 1);
        let mixed = read(&[("A", 1), ("A", 2), ("B", 4), ("A", 5)], true);
        assert_eq!(mixed.iter().map(|s| s.records).collect::<Vec<_>>(), [3, 1]);
        assert!(mixed.iter().all(|s| s.trust.is_selection && s.trust.silences.is_empty()));
        assert!(mixed.iter().all(|s| s.renamed_from.is_none()));
        let back = [("A", 1), ("A", 2), ("B", 3), ("A", 4)];
        assert!(read(&back, true).iter().all(|s| s.trust.is_selection));
        // Nothing shows that the numbers are not a collector's.
        assert!(read(&[("A", 1), ("B", 2)], false).iter().all(|s| s.trust.is_selection));
    }

    #[test]
    fn what_is_not_interpreted_is_counted_by_source_and_number() {
        let mut tally = Tally::default();
        for (host, id) in [("A", 4688), ("B", 4688), ("A", 4688), ("A", 1)] {
            tally.of_source(host, "Security");
            tally.record(1, None);
            tally.not_interpreted(id);
        }
        let summary = tally.finish();
        assert_eq!(summary.sources[0].others, [(1, 1), (4688, 2)].into());
        assert_eq!(summary.sources[1].others, [(4688, 1)].into());
    }
}
