//! Any bytes as the content of a summary whose digest holds: refused with a place inside, or judged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::analysis::{Question, judge};
use plainsight::correlate::GapRule;
use plainsight::evidence::{SUMMARY_MAGIC, sha256_digest};
use plainsight::policy::Policy;
use plainsight::report::schema::Options;
use plainsight::report::{Sources, build};
use plainsight::summary::{JoinError, SummaryError, SummaryFile, join_summaries};
use plainsight::time::Span;
use std::collections::BTreeSet;

fuzz_target!(|content: &[u8]| {
    let mut bytes = SUMMARY_MAGIC.to_vec();
    bytes.extend(2u32.to_le_bytes());
    bytes.extend((28 + content.len() as u64 + 32).to_le_bytes());
    bytes.extend(content);
    let digest = sha256_digest(&bytes);
    bytes.extend(digest);
    let length = bytes.len();
    let inside = |error: &SummaryError| match error {
        SummaryError::Content { at, .. } => assert!(*at <= length),
        other => panic!("the frame holds: {other}"),
    };
    let file = match SummaryFile::read("fuzz", bytes) {
        Ok(file) => file,
        Err(error) => return inside(&error),
    };
    let parts = match join_summaries(&[file], &BTreeSet::new()) {
        Ok(joined) => joined.parts,
        Err(JoinError::Unreadable(error)) => return inside(&error),
        Err(other) => panic!("one summary is like itself: {other}"),
    };
    let policy = Policy::default();
    let gap = GapRule::with_gap(Span::from_seconds(30));
    let analysis = judge(parts, &Question { policy: &policy, gap, clock_offsets: &[], vantages: &[] });
    let sources = Sources {
        evidence: &analysis.evidence,
        outside_span: analysis.outside_span,
        facts: &analysis.facts,
        findings: &analysis.findings,
    };
    drop(build(&sources, Options::of_inspection(&[])));
});
