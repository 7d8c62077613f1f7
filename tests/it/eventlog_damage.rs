//! Damaged, cut and hostile .evtx files: named as problems, never a panic, every byte accounted
//! for.

use crate::evtx_builder::{read, samples};
use crate::support::evtx_builder::{Event, evtx};
use plainsight::eventlog::{LogSummary, RecordGap, evtx as reader};
use plainsight::evidence::{EvidenceId, ProblemCode};
use proptest::prelude::*;
use std::io::{Error, Read};

#[test]
fn a_cut_file_is_truncated_and_gives_the_records_before_the_cut() {
    let file = evtx(&samples());
    let used = file.iter().rposition(|byte| *byte != 0).unwrap();
    let cut = 4096 + 512 + (used - 4096 - 512) * 3 / 4;
    let summary = checked(&file[..cut]);
    assert_eq!(summary.truncated_at, Some(cut as u64));
    assert!(has(&summary, ProblemCode::Truncated));
    assert!(summary.records > 0 && summary.records < 8, "{used} {cut} {summary:?}");
}

#[test]
fn a_file_cut_between_chunks_is_truncated_too() {
    let file = evtx(&many());
    let cut = 4096 + 65_536;
    let summary = checked(&file[..cut]);
    assert_eq!(summary.truncated_at, Some(cut as u64));
}

#[test]
fn a_chunk_without_its_mark_is_passed_over_and_its_records_are_a_gap() {
    let mut file = evtx(&many());
    file[4096 + 65_536] = b'X';
    let whole = read(&evtx(&many())).0;
    let summary = checked(&file);
    let [problem] = &summary.problems[..] else { panic!("{:?}", summary.problems) };
    assert_eq!((problem.code(), problem.offset), (ProblemCode::Skipped, Some(4096 + 65_536)));
    let [RecordGap { first, last, .. }] = summary.gaps[..] else { panic!("{:?}", summary.gaps) };
    assert_eq!(whole.records - summary.records, last - first + 1);
}

#[test]
fn a_changed_byte_breaks_the_checksum_and_is_said() {
    let mut file = evtx(&samples());
    // Inside the text of the first record's provider name.
    let place = file.windows(4).position(|w| w == [b'M', 0, b'i', 0]).unwrap();
    file[place + 2] = b'o';
    let summary = checked(&file);
    assert!(has(&summary, ProblemCode::Checksum));
    assert_eq!(summary.records, 8);
}

#[test]
fn unused_chunks_are_no_problem() {
    let mut file = evtx(&samples());
    file.extend(vec![0; 3 * 65_536]);
    let summary = checked(&file);
    assert_eq!(summary.problems, []);
    assert_eq!(summary.coverage["chunks_unused"].bytes, 3 * 65_536);
}

#[test]
fn nothing_at_all_is_empty() {
    assert!(has(&checked(&[]), ProblemCode::Empty));
}

#[test]
fn a_reader_that_fails_is_unreadable_from_there() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = into.len().min(self.0).min(1000);
            self.0 -= count;
            if count == 0 { Err(Error::other("medium error")) } else { Ok(count) }
        }
    }
    let summary = reader::read(&mut Failing(10_000), EvidenceId(1), &mut |_| {});
    assert!(has(&summary, ProblemCode::Unreadable));
    assert_eq!(summary.truncated_at, Some(10_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn arbitrary_bytes_are_accounted_for(bytes in proptest::collection::vec(any::<u8>(), 0..9000)) {
        checked(&bytes);
    }

    #[test]
    fn a_mutated_log_is_accounted_for(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        cut in any::<prop::sample::Index>(),
        cut_too in any::<bool>(),
    ) {
        let mut file = evtx(&samples());
        // The records end long before the chunk does; changes belong among them.
        let used = 4096 + file[4096..].iter().rposition(|byte| *byte != 0).unwrap();
        for (place, byte) in changes {
            let place = 4096 + place.index(used - 4096);
            file[place] = byte;
        }
        if cut_too {
            file.truncate(cut.index(used));
        }
        checked(&file);
    }
}

/// Reads a file and holds the promises that hold for every file.
fn checked(file: &[u8]) -> LogSummary {
    let (summary, events) = read(file);
    let covered: u64 = summary.coverage.values().map(|share| share.bytes).sum();
    assert_eq!(covered, file.len() as u64, "{:?}", summary.coverage);
    let records = |bucket| summary.coverage.get(bucket).map_or(0, |share| share.records);
    let live = events.iter().filter(|event| !event.recovered).count();
    assert_eq!(records("records_known"), live as u64);
    assert_eq!(records("records_known") + records("records_other"), summary.records);
    summary
}

fn has(summary: &LogSummary, code: ProblemCode) -> bool {
    summary.problems.iter().any(|problem| problem.code() == code)
}

fn many() -> Vec<Event> {
    (1..=900).map(|record| Event { record, ..samples().remove(0) }).collect()
}
