//! The rules by which summaries are put together, and what a forged one can do.

use crate::support::incidents;
use crate::support::summary_set;
use plainsight::analysis::{Analysis, Question, Request, Unwatched, judge, read_parts};
use plainsight::correlate::GapRule;
use plainsight::evidence::{Format, ProblemCode, ProblemKind, SummaryProblem, sha256_digest};
use plainsight::policy::Policy;
use plainsight::report::schema::Options;
use plainsight::report::{Sources, build, to_json};
use plainsight::summary::{
    JoinError, Part, SummaryFile, SummarySet, join_summaries, write_summary,
};
use plainsight::time::Span;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;

/// What a run read, and the report of it.
struct Read {
    set: SummarySet,
    parts: Vec<Part>,
    report: Vec<u8>,
}

fn read(paths: Vec<PathBuf>) -> Read {
    let request = Request::of(paths, Policy::default());
    let parts = read_parts(&request, Some(1), &Unwatched).unwrap();
    let set = summary_set(&parts);
    let report = report_of(&judged(parts.clone()));
    Read { set, parts, report }
}

fn gap() -> GapRule {
    GapRule::with_gap(Span::from_seconds(30))
}

fn judged(parts: Vec<Part>) -> Analysis {
    let policy = Policy::default();
    judge(parts, &Question { policy: &policy, gap: gap(), clock_offsets: &[], vantages: &[] })
}

fn report_of(analysis: &Analysis) -> Vec<u8> {
    let sources = Sources {
        evidence: &analysis.evidence,
        outside_span: analysis.outside_span,
        facts: &analysis.facts,
        findings: &analysis.findings,
    };
    to_json(&build(&sources, Options::of_inspection(&[]))).unwrap()
}

/// The samples, and incidents with other stories.
fn evidence() -> &'static Read {
    static READ: OnceLock<Read> = OnceLock::new();
    READ.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples")];
        for seed in 0..12 {
            let place = folder.path().join(seed.to_string());
            std::fs::create_dir(&place).unwrap();
            incidents::score::analysis(&incidents::make(seed), &place);
            paths.push(place);
        }
        read(paths)
    })
}

fn summary(name: &str, read: &Read, members: &[usize]) -> SummaryFile {
    let parts: Vec<(usize, &Part)> = members.iter().map(|at| (*at, &read.parts[*at])).collect();
    let bytes = write_summary(&read.set, &parts).unwrap();
    SummaryFile::read(name, bytes).unwrap()
}

fn joined(files: &[SummaryFile]) -> Vec<Part> {
    join_summaries(files, &BTreeSet::new()).unwrap().parts
}

#[test]
fn the_evidence_of_these_tests_shows_every_kind_of_part() {
    let read = evidence();
    let formats: BTreeSet<Format> = read.parts.iter().map(|part| part.evidence.format).collect();
    for format in [Format::Pcap, Format::PcapNg, Format::Evtx, Format::Text] {
        assert!(formats.contains(&format), "{format:?}");
    }
    let captures = || read.parts.iter().flat_map(|part| part.summary.captures.values());
    assert!(captures().any(|c| !c.unreachable.is_empty()));
    assert!(captures().any(|c| c.negotiations.messages().count() > 10));
    let events = read.parts.iter().flat_map(|p| p.summary.logs.values()).flat_map(|l| &l.events);
    assert!(events.filter(|event| event.error.is_some()).count() > 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_split_into_summaries_in_any_order_gives_the_same_report(
        homes in prop::collection::vec(0usize..5, 200),
        order in Just((0..5).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let read = evidence();
        prop_assert!(read.parts.len() <= homes.len());
        let file = |home: &usize| {
            // Backwards, so that the order inside a summary is another one, too.
            let members = (0..read.parts.len()).rev().filter(|at| homes[*at] == *home);
            summary(&home.to_string(), read, &members.collect::<Vec<_>>())
        };
        let files: Vec<SummaryFile> = order.iter().map(file).collect();
        prop_assert!(report_of(&judged(joined(&files))) == read.report);
    }

    #[test]
    fn what_several_summaries_hold_counts_once_and_what_none_holds_is_named(
        copies in prop::collection::vec(0usize..4, 200),
    ) {
        let read = evidence();
        let file = |number: usize| {
            let members = (0..read.parts.len()).filter(|at| copies[*at] > number);
            summary(&number.to_string(), read, &members.collect::<Vec<_>>())
        };
        let parts = joined(&[file(0), file(1), file(2)]);
        prop_assert_eq!(parts.len(), read.parts.len());
        for ((part, original), copies) in parts.iter().zip(&read.parts).zip(&copies) {
            prop_assert_eq!(&part.evidence.path, &original.evidence.path);
            prop_assert_eq!(part.evidence.id, original.evidence.id);
            let is = |code| part.evidence.problems.iter().any(|problem| problem.code() == code);
            prop_assert_eq!(is(ProblemCode::SummaryMissing), *copies == 0);
            prop_assert_eq!(is(ProblemCode::SummarizedTwice), *copies > 1);
        }
        let mut all = parts;
        all.iter_mut().for_each(|part| {
            part.evidence.problems.retain(|problem| problem.code() != ProblemCode::SummarizedTwice);
        });
        if copies.iter().take(all.len()).all(|copies| *copies > 0) {
            prop_assert!(report_of(&judged(all)) == read.report);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    /// The digest keeps damage away, not a forger.
    #[test]
    fn a_forged_summary_is_refused_or_judged_and_never_more(
        which in any::<prop::sample::Index>(),
        forged in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            Just([&[0xff; 9][..], &[1]].concat()),
            Just([&[0xff; 8][..], &[0x7f]].concat()),
        ]), 1..4),
    ) {
        let read = evidence();
        let member = which.index(read.parts.len());
        let mut bytes = write_summary(&read.set, &[(member, &read.parts[member])]).unwrap();
        let end = bytes.len() - 32;
        let content = bytes.len() - 32 - 28;
        for (place, new) in forged {
            let at = 28 + place.index(content);
            let behind = (at + new.len()).min(end);
            bytes.splice(at..behind, new.into_iter().take(behind - at));
        }
        bytes.truncate(end);
        let digest = sha256_digest(&bytes);
        bytes.extend(digest);
        if let Ok(file) = SummaryFile::read("forged", bytes) {
            match join_summaries(&[file], &BTreeSet::new()) {
                Ok(joined) => drop(report_of(&judged(joined.parts))),
                Err(error) => prop_assert!(!error.remedy().is_empty()),
            }
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes: Vec<u8>, whole: bool) {
        let mut all = if whole { b"plainsight-sum\r\n\x03\0\0\0".to_vec() } else { Vec::new() };
        if whole {
            all.extend((all.len() as u64 + 8 + bytes.len() as u64 + 32).to_le_bytes());
        }
        all.extend(bytes);
        if whole {
            let digest = sha256_digest(&all);
            all.extend(digest);
        }
        if let Ok(file) = SummaryFile::read("any", all) {
            prop_assert!(whole);
            drop(join_summaries(&[file], &BTreeSet::new()));
        }
    }
}

#[test]
fn a_summary_of_another_version_says_so() {
    let read = evidence();
    let mut set = read.set.clone();
    set.version = "0.0.9".to_owned();
    let parts: Vec<(usize, &Part)> = read.parts.iter().enumerate().collect();
    let file = SummaryFile::read("old", write_summary(&set, &parts).unwrap()).unwrap();
    let parts = joined(&[file]);
    for part in parts {
        let problem = part.evidence.problems.last().unwrap();
        let ProblemKind::Summary(SummaryProblem::OtherVersion { read, .. }) = &problem.kind else {
            panic!("{problem:?}")
        };
        assert_eq!(read, "0.0.9");
    }
}

#[test]
fn no_summary_is_no_report() {
    assert_eq!(join_summaries(&[], &BTreeSet::new()).unwrap_err(), JoinError::None);
}

/// Anyone who changes a type that is saved changes the layout: its version then counts up, and the seeds
/// are made anew (fuzz/README.md).
#[test]
fn the_layout_is_still_the_one_that_its_version_names() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for name in ["esp_null", "healthy", "psk_mismatch", "service_stopped", "silenced_log"] {
        let content = root.join("fuzz/corpus/summary").join(format!("{name}.content"));
        let content = std::fs::read(content).unwrap();
        let mut bytes = b"plainsight-sum\r\n\x03\0\0\0".to_vec();
        bytes.extend((bytes.len() as u64 + 8 + content.len() as u64 + 32).to_le_bytes());
        bytes.extend(content);
        bytes.extend(sha256_digest(&bytes));
        let file = SummaryFile::read(name, bytes.clone()).unwrap();
        let saved = joined(std::slice::from_ref(&file));
        let members: Vec<(usize, &Part)> = saved.iter().enumerate().collect();
        assert!(write_summary(&file.set, &members).unwrap() == bytes, "{name}");
        let now = read(vec![PathBuf::from("samples").join(name)]);
        for (saved, now) in saved.iter().zip(&now.parts) {
            assert_eq!(saved.evidence.sha256, now.evidence.sha256, "{name}");
            assert_eq!(saved.evidence.records, now.evidence.records, "{name}");
            assert_eq!(saved.evidence.span, now.evidence.span, "{name}");
            let totals = |part: &Part| -> Vec<_> {
                part.summary.captures.values().map(|c| (c.total, c.span)).collect()
            };
            assert_eq!(totals(saved), totals(now), "{name}");
        }
    }
}
