//! Runs of record numbers, and how they are put in order.

use crate::time::Timestamp;

/// Records whose numbers follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) last: u64,
    /// The time of the first record.
    pub(super) start: Option<Timestamp>,
    /// The time of the last one.
    pub(super) end: Option<Timestamp>,
}

/// Runs in ascending order; runs that touch, overlap or are at most `bridge` numbers apart are joined.
/// `repeated` counts the numbers that two of them have.
pub(super) fn joined(mut runs: Vec<Run>, bridge: u64, repeated: &mut u64) -> Vec<Run> {
    runs.sort_by_key(|run| (run.first, run.last));
    let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
    for next in runs {
        match joined.last_mut() {
            Some(run) if next.first <= run.last.saturating_add(bridge).saturating_add(1) => {
                if next.first <= run.last {
                    let twice = next.last.min(run.last) - next.first;
                    *repeated = repeated.saturating_add(twice).saturating_add(1);
                }
                if next.last > run.last {
                    (run.last, run.end) = (next.last, next.end.or(run.end));
                }
            }
            _ => joined.push(next),
        }
    }
    joined
}
