//! Which times of a capture's frames can be used.
//!
//! Some tools write frames without a time, as zero, or with a clock that was never set. Such a frame counts,
//! but when it passed is unknown.

use crate::evidence::EvidenceId;
use crate::summary::{ClassRun, Summary};
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Per capture, the time at the middle of its frames, and the span of the times near it.
#[derive(Clone, Debug, Default)]
pub(super) struct UsableTimes(BTreeMap<EvidenceId, Usable>);

#[derive(Clone, Copy, Debug)]
struct Usable {
    middle: Timestamp,
    span: Option<(Timestamp, Timestamp)>,
}

impl UsableTimes {
    /// Examines the times of every capture's runs.
    pub(super) fn gather(summary: &Summary) -> Self {
        let of_capture = summary.captures.iter().filter_map(|(evidence, capture)| {
            let (first, last) = capture.span?;
            // Most captures are short and need no closer check.
            if is_near(first, last) && (first, last) != (Timestamp(0), Timestamp(0)) {
                let span = Some((first, last));
                return Some((*evidence, Usable { middle: first, span }));
            }
            let runs = || capture.streams.values().flat_map(BTreeMap::values).flatten();
            Some((*evidence, Usable::from_runs(runs().copied().collect())?))
        });
        Self(of_capture.collect())
    }

    /// Whether a run's time can be used.
    pub(super) fn has(&self, run: &ClassRun) -> bool {
        self.0.get(&run.first.evidence).is_none_or(|usable| usable.has(run))
    }

    /// The spans of captures, in order; spans that overlap, or begin within two seconds of another's end, are
    /// one.
    pub(super) fn sequences(&self) -> Vec<(Timestamp, Timestamp)> {
        let mut spans: Vec<(Timestamp, Timestamp)> =
            self.0.values().filter_map(|usable| usable.span).collect();
        spans.sort_unstable();
        let mut sequences: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (start, end) in spans {
            match sequences.last_mut() {
                Some((_, until)) if start.since(*until) <= TAKES_OVER => *until = end.max(*until),
                Some(_) | None => sequences.push((start, end)),
            }
        }
        sequences
    }
}

impl Usable {
    /// The middle is that of the frames, not of the runs: a few frames without a time move it little.
    fn from_runs(mut runs: Vec<ClassRun>) -> Option<Self> {
        runs.sort_unstable();
        let frames: u64 = runs.iter().map(|run| run.frames).sum();
        let mut before = 0;
        let middle = runs.iter().find(|run| {
            before += run.frames;
            before > frames / 2
        })?;
        let usable = Self { middle: middle.start, span: None };
        let with_time = runs.iter().filter(|run| usable.has(run)).map(|run| (run.start, run.end));
        let span = with_time.reduce(|all, run| (all.0.min(run.0), all.1.max(run.1)));
        Some(Self { span, ..usable })
    }

    fn has(self, run: &ClassRun) -> bool {
        // Where every frame has the time zero, none has a time.
        let is_zero = run.end == Timestamp(0) && self.middle == Timestamp(0);
        !is_zero && is_near(run.start, self.middle)
    }
}

fn is_near(one: Timestamp, other: Timestamp) -> bool {
    one.since(other).magnitude() <= DECADE
}

/// A time further from the middle of its capture than this is not used.
const DECADE: Span = Span::from_seconds(10 * 365 * 86_400);
/// The next file of a capture begins at most this long after the last frame.
const TAKES_OVER: Span = Span::from_seconds(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{FrameNumber, FrameRef};
    use crate::summary::{PacketRecord, Room, Runs};

    fn runs(seconds: &[i64]) -> Vec<ClassRun> {
        let (mut runs, mut room) = (Runs::default(), Room::default());
        for (at, second) in (1..).zip(seconds) {
            let seen = PacketRecord {
                bytes: 60,
                packet_len: 0,
                payload: 0,
                ..PacketRecord::of_frame(
                    FrameRef { evidence: EvidenceId(1), frame: FrameNumber(at) },
                    Timestamp(second * 1_000_000_000),
                )
            };
            runs.observe(&seen, &mut room);
        }
        runs.finish()
    }

    fn usable(seconds: &[i64]) -> Vec<bool> {
        let runs = runs(seconds);
        let usable = Usable::from_runs(runs.clone()).unwrap();
        runs.iter().map(|run| usable.has(run)).collect()
    }

    #[test]
    fn a_few_frames_without_a_time_are_left_out() {
        assert_eq!(usable(&[0, 0, 1_700_000_000, 1_700_000_000, 1_700_000_001]), [false, true]);
    }

    #[test]
    fn a_clock_decades_ahead_is_left_out() {
        assert_eq!(usable(&[1_000_000_000, 1_000_000_000, 2_000_000_000]), [true, false]);
    }

    #[test]
    fn times_that_count_from_zero_are_times() {
        assert_eq!(usable(&[0, 1, 2, 10, 11]), [true, true]);
        assert_eq!(usable(&[0, 0, 0]), [false]);
    }
}
