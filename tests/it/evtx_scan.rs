//! The scan of .evtx files against the `evtx` crate alone: every log at hand, and logs changed at
//! random, must come out the same in every number, name, event and problem.

use crate::evtx_builder::samples;
use crate::support::evtx_builder::{Body, Event, Scalar, evtx};
use crate::support::{busy_log, shared};
use plainsight::eventlog::{LogEvent, LogSummary, evtx as reader};
use plainsight::evidence::{EvidenceId, ProblemCode};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[test]
fn every_log_at_hand_reads_the_same_by_the_scan_and_by_the_crate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut logs = logs_under(&root.join("samples"));
    logs.extend(logs_under(&root.join("fuzz/corpus/evtx")));
    logs.extend(shared("logs of the laboratory and of others").iter().flat_map(|f| logs_under(f)));
    assert!(logs.len() >= 8, "{logs:?}");
    for path in logs {
        let file = fs::read(&path).unwrap();
        assert_eq!(by_scan(&file), by_crate(&file), "{}", path.display());
    }
}

#[test]
fn a_busy_log_reads_the_same_and_gives_its_few_events() {
    let events: Vec<_> = busy_log::events(1, 5000).collect();
    let file = evtx(&events);
    let (summary, known) = by_scan(&file);
    assert_eq!(summary.problems, []);
    assert_eq!(summary.records, 5000);
    let numbers: Vec<u64> = known.iter().map(|event| event.record.record).collect();
    assert!((1..=5000).filter(|record| busy_log::is_ipsec(*record)).eq(numbers));
    assert_eq!((summary, known), by_crate(&file));
}

#[test]
fn a_log_cut_anywhere_reads_the_same() {
    let file = evtx(&many());
    for cut in (0..file.len()).step_by(997) {
        let file = &file[..cut];
        assert_eq!(by_scan(file), by_crate(file), "{cut}");
    }
}

#[test]
fn a_record_of_size_zero_reads_the_same() {
    let mut file = evtx(&many());
    file[4096 + 512 + 4..][..4].fill(0);
    assert_eq!(by_scan(&file), by_crate(&file));
    assert!(!by_scan(&file).0.problems.is_empty());
}

#[test]
fn a_template_that_leads_to_itself_or_out_of_the_chunk_reads_the_same() {
    let file = evtx(&samples());
    let first = 4096 + 512;
    // The definition's offset, the link to the next one, and the definition's size.
    for place in [first + 34, first + 38, first + 58] {
        for offset in [0_u32, 34, 512, 512 + 34, 65_535, 65_536, u32::MAX] {
            let mut file = file.clone();
            file[place..][..4].copy_from_slice(&offset.to_le_bytes());
            assert_eq!(by_scan(&file), by_crate(&file), "{place} {offset}");
        }
    }
}

#[test]
fn sixteen_mebibytes_of_garbage_take_no_longer_than_the_crate_allows() {
    let mut state: u64 = 7;
    let mut garbage = vec![0; 16 << 20];
    for chunk in garbage.chunks_exact_mut(8) {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    // With the marks of a log, so that the garbage is looked at.
    let head = evtx(&samples());
    garbage[..4096].copy_from_slice(&head[..4096]);
    for chunk in garbage[4096..].chunks_exact_mut(65_536) {
        chunk[..512].copy_from_slice(&head[4096..4096 + 512]);
    }
    let began = Instant::now();
    let scanned = by_scan(&garbage);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert_eq!(scanned, by_crate(&garbage));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_log_changed_at_random_reads_the_same(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut file = evtx(&samples());
        let used = 4096 + file[4096..].iter().rposition(|byte| *byte != 0).unwrap();
        for (place, byte) in changes {
            file[4096 + place.index(used - 4096)] = byte;
        }
        prop_assert_eq!(by_scan(&file), by_crate(&file));
    }

    #[test]
    fn a_chunk_of_anything_reads_the_same(
        bytes in proptest::collection::vec(any::<u8>(), 1..4000),
    ) {
        let mut file = evtx(&samples());
        file[4096 + 512..][..bytes.len()].copy_from_slice(&bytes);
        prop_assert_eq!(by_scan(&file), by_crate(&file));
    }
}

fn by_scan(mut file: &[u8]) -> (LogSummary, Vec<LogEvent>) {
    let mut events = Vec::new();
    let summary = reader::read(&mut file, EvidenceId(1), &mut |event| events.push(event));
    (summary, events)
}

fn by_crate(mut file: &[u8]) -> (LogSummary, Vec<LogEvent>) {
    let mut events = Vec::new();
    let summary = reader::read_by_crate(&mut file, EvidenceId(1), &mut |event| events.push(event));
    (summary, events)
}

/// Records that the catalogue knows among as many that it does not.
fn many() -> Vec<Event> {
    let both = samples().into_iter().cycle().zip(busy_log::events(1, 200));
    let events = both.flat_map(|(known, other)| [known, other]).zip(1..=400);
    events.map(|(event, record)| Event { record, ..event }).collect()
}

fn logs_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(logs_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "evtx") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A name or a value that all records share through a template was kept once a record: 234 KB of .xz cost
/// 2.1 GB of memory. Here it is the name of a value, and that of an element.
#[test]
fn regression_what_records_share_in_a_template_is_not_kept_once_a_record() {
    let long: &'static str = Box::leak("n".repeat(12_000).into_boxed_str());
    let values = || vec![(long, Scalar::Text("x".to_owned()))];
    for body in [Body::EventData(values(), None), Body::UserData("Holder", values())] {
        let event = |record| Event {
            provider: "Microsoft-Windows-Security-Auditing",
            channel: "Security",
            event_id: 4655,
            record,
            body: body.clone(),
            ..samples().remove(0)
        };
        let file = evtx(&(1..=300).map(event).collect::<Vec<_>>());
        let (summary, events) = by_scan(&file);
        assert_eq!(events.len(), 300);
        let texts = events.iter().flat_map(|event| &event.fields);
        let kept: usize = texts.map(|(name, value)| name.len() + value.len()).sum();
        // Uncut it would be 12,000 bytes a record.
        assert!(kept < 300 * 2_500, "{kept} bytes of text from {}", file.len());
        let is_said = |code| summary.problems.iter().any(|problem| problem.code() == code);
        assert!(is_said(ProblemCode::Expansion), "{:?}", summary.problems);
    }
}
