//! What a reader says of a file as a whole, put down with the evidence.

use crate::capture::CaptureOutline;
use crate::eventlog::{LogSource, LogSummary};
use crate::evidence::{Content, Evidence, Extent};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where bytes went, by name.
pub(super) fn named(
    coverage: BTreeMap<&'static str, Extent>,
) -> impl Iterator<Item = (Cow<'static, str>, Extent)> {
    coverage.into_iter().map(|(bucket, extent)| (bucket.into(), extent))
}

/// The folder of a file, by its path.
pub(super) fn folder_of(path: &str) -> String {
    path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned()
}

/// Takes what a capture says beside its frames.
pub(super) fn describe_capture(evidence: &mut Evidence, outline: CaptureOutline) {
    evidence.resolution = outline.resolution();
    evidence.records = outline.frames;
    evidence.truncated_at = outline.truncated_at;
    evidence.coverage = named(outline.coverage).collect();
    evidence.problems.extend(outline.problems);
    evidence.content = Content::Capture {
        interfaces: outline.interfaces,
        dropped_by_capturer: outline.dropped_by_capturer,
        notes: outline.notes,
    };
}

/// Moves what belongs to the evidence there; returns the rest.
pub(super) fn describe_log(evidence: &mut Evidence, summary: LogSummary) -> Vec<LogSource> {
    evidence.records = summary.records;
    evidence.span = summary.first_time.zip(summary.last_time);
    evidence.truncated_at = summary.truncated_at;
    evidence.coverage = named(summary.coverage).collect();
    evidence.problems.extend(summary.problems);
    let hosts = summary.sources.iter().map(|source| source.host.clone());
    evidence.content = Content::Log {
        hosts: hosts.filter(|host| !host.is_empty()).collect(),
        gaps: summary.gaps.iter().map(|gap| (gap.first, gap.last)).collect(),
    };
    summary.sources
}
