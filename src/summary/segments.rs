//! Which captures continue each other: files of one capture, rotated, split, or begun again.
//!
//! They were taken at the same interfaces, no two of them at the same time, and each begins shortly behind
//! the one before or shows one of the same pairs. What is then said of a conversation or a security association rests on
//! its own numbers, not on the files being one capture.

mod series;

use self::series::{File, series};
use super::capture_summary::CaptureSummary;
use super::edges;
use super::timeline::ClassRun;
use crate::evidence::{Content, Evidence, EvidenceId};
use crate::hosts::HostPair;
use crate::protection::Stream;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Files that continue each other.
struct Sequence {
    /// Link type and name of each interface.
    source: Source,
    /// The series of files that its files are numbered as.
    series: Option<usize>,
    until: Timestamp,
    files: Vec<EvidenceId>,
    /// Files that show the same packets as one of these.
    others: BTreeSet<EvidenceId>,
}

/// Link type and name of each interface.
type Source = Vec<(u16, Option<String>)>;

/// Which captures continue each other, `same` being those that show the same packets and so do not; each in order of time; those that nothing continues alone.
pub(super) fn sequences(
    captures: &BTreeMap<EvidenceId, CaptureSummary>,
    evidence: &[Evidence],
    same: &BTreeSet<(EvidenceId, EvidenceId)>,
) -> Vec<Vec<EvidenceId>> {
    let files: BTreeMap<EvidenceId, &Evidence> =
        evidence.iter().map(|file| (file.id, file)).collect();
    let mut by_time: Vec<_> = captures.iter().map(|(id, capture)| (capture.span, *id)).collect();
    by_time.sort_unstable();
    let timed = by_time.iter().filter_map(|(span, id)| {
        Some(File { id: *id, path: &files.get(id)?.path, span: (*span)? })
    });
    let numbered = series(&timed.collect::<Vec<_>>());
    let mut others: BTreeMap<EvidenceId, Vec<EvidenceId>> = BTreeMap::new();
    for (one, other) in same {
        others.entry(*one).or_default().push(*other);
        others.entry(*other).or_default().push(*one);
    }
    let mut sequences: Vec<Sequence> = Vec::new();
    for (span, id) in by_time {
        let source = files.get(&id).map_or_else(Source::new, |file| source(file));
        let series = numbered.get(&id).copied();
        let before = span.and_then(|(first, _)| {
            let recent = sequences.iter().enumerate().rev().take(MOST_AT_ONCE);
            let continued = recent.filter(|(_, sequence)| {
                // Files that are numbered alike belong to no other capture.
                let fits = sequence.series == series && !sequence.others.contains(&id);
                fits && sequence.source == source && sequence.goes_on(first, id, captures)
            });
            continued.max_by_key(|(_, sequence)| sequence.until)
        });
        let until = span.map_or(Timestamp(i64::MAX), |(_, last)| last);
        let mut sequence = match before.map(|(at, _)| at) {
            Some(at) => sequences.remove(at),
            None => Sequence { source, series, until, files: Vec::new(), others: BTreeSet::new() },
        };
        sequence.until = until.max(sequence.until);
        sequence.files.push(id);
        sequence.others.extend(others.remove(&id).unwrap_or_default());
        sequences.push(sequence);
    }
    let mut sequences: Vec<Vec<EvidenceId>> =
        sequences.into_iter().map(|sequence| sequence.files).collect();
    sequences.sort_by_key(|files| files.iter().min().copied());
    sequences
}

/// Decides what captures leave open, each with those that it continues.
pub(super) fn settle(
    captures: &mut BTreeMap<EvidenceId, CaptureSummary>,
    sequences: &[Vec<EvidenceId>],
) {
    for files in sequences {
        with_files(captures, files, edges::settle);
    }
}

/// Joins runs that go on from file to file; a run belongs to the file in which it begins.
pub(super) fn join_runs(
    captures: &mut BTreeMap<EvidenceId, CaptureSummary>,
    sequences: &[Vec<EvidenceId>],
) {
    for files in sequences.iter().filter(|files| files.len() > 1) {
        with_files(captures, files, |mut files| {
            let mut last: BTreeMap<(HostPair, Stream), (usize, ClassRun)> = BTreeMap::new();
            for file in 0..files.len() {
                let Some(capture) = files.get_mut(file) else { continue };
                let mut streams = std::mem::take(&mut capture.streams);
                for (pair, of_pair) in &mut streams {
                    for (stream, runs) in of_pair.iter_mut() {
                        let key = (*pair, *stream);
                        if let Some((at, run)) = last.get_mut(&key)
                            && let Some(first) = runs.first().filter(|first| run.is_met_by(first))
                        {
                            run.absorb(*first);
                            runs.remove(0);
                            let begun = files.get_mut(*at).and_then(|earlier| {
                                earlier.streams.get_mut(pair)?.get_mut(stream)?.last_mut()
                            });
                            if let Some(begun) = begun {
                                *begun = *run;
                            }
                        }
                        if let Some(run) = runs.last() {
                            last.insert(key, (file, *run));
                        }
                    }
                    of_pair.retain(|_, runs| !runs.is_empty());
                }
                streams.retain(|_, of_pair| !of_pair.is_empty());
                if let Some(capture) = files.get_mut(file) {
                    capture.streams = streams;
                }
            }
        });
    }
}

fn with_files(
    captures: &mut BTreeMap<EvidenceId, CaptureSummary>,
    files: &[EvidenceId],
    work: impl FnOnce(Vec<&mut CaptureSummary>),
) {
    let taken = files.iter().filter_map(|id| captures.remove_entry(id));
    let mut taken: Vec<(EvidenceId, CaptureSummary)> = taken.collect();
    work(taken.iter_mut().map(|(_, capture)| capture).collect());
    captures.extend(taken);
}

impl Sequence {
    /// Whether a file that begins then goes on where the last one ends.
    fn goes_on(
        &self,
        first: Timestamp,
        next: EvidenceId,
        captures: &BTreeMap<EvidenceId, CaptureSummary>,
    ) -> bool {
        if self.until.since(first) > DISORDER {
            return false;
        }
        let last = self.files.last().and_then(|last| captures.get(last));
        let shares =
            last.zip(captures.get(&next)).is_some_and(|(last, next)| last.shares_a_pair(next));
        shares || first.since(self.until) <= SHORTLY
    }
}

fn source(file: &Evidence) -> Source {
    match &file.content {
        Content::Capture { interfaces, .. } => {
            let mut source: Source =
                interfaces.iter().map(|place| (place.linktype, place.name.clone())).collect();
            source.sort_unstable();
            source.dedup();
            source
        }
        Content::Log { .. } | Content::Nothing => Vec::new(),
    }
}

/// Frames of two cores may change places at the border of two files.
const DISORDER: Span = Span::from_millis(20);
/// A file that begins so soon needs no pair in common.
const SHORTLY: Span = Span::from_seconds(60);
/// Captures that run beside each other and are looked at.
const MOST_AT_ONCE: usize = 16;
