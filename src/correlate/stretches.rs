//! Stretches of time that can be asked what overlaps a span, without looking at all of them.
//!
//! Evidence decides how many there are, so no question may cost their number.

use crate::summary::ClassRun;
use crate::time::Timestamp;

/// Stretches in order of their start, each with something it stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretches<T> {
    by_start: Vec<(Timestamp, Timestamp, T)>,
    /// The latest end among the stretches up to this one.
    latest_end: Vec<Timestamp>,
    /// Every end, ascending.
    ends: Vec<Timestamp>,
}

impl<T> Stretches<T> {
    /// From starts, ends and what they stand for, in any order.
    pub(super) fn new(stretches: impl IntoIterator<Item = (Timestamp, Timestamp, T)>) -> Self {
        let mut by_start: Vec<_> = stretches.into_iter().collect();
        by_start.sort_by_key(|(start, end, _)| (*start, *end));
        let mut latest = Timestamp(i64::MIN);
        let latest_end = by_start
            .iter()
            .map(|(_, end, _)| {
                latest = latest.max(*end);
                latest
            })
            .collect();
        let mut ends: Vec<_> = by_start.iter().map(|(_, end, _)| *end).collect();
        ends.sort_unstable();
        Self { by_start, latest_end, ends }
    }

    /// What the stretches stand for that touch the span, both ends included; the latest start
    /// comes first.
    pub(super) fn touching(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &T> {
        let begun = self.begun_by(to);
        let known = self.by_start.iter().zip(&self.latest_end).take(begun).rev();
        known
            .take_while(move |(_, latest)| **latest >= from)
            .filter(move |((_, end, _), _)| *end >= from)
            .map(|((_, _, what), _)| what)
    }

    /// Whether a stretch reaches into the span between two points, these not included.
    pub(super) fn any_between(&self, from: Timestamp, to: Timestamp) -> bool {
        let begun = self.by_start.partition_point(|(start, ..)| *start < to);
        begun.checked_sub(1).and_then(|at| self.latest_end.get(at)).is_some_and(|end| *end > from)
    }

    /// Whether a stretch starts or ends in the span, both ends included.
    pub(super) fn any_edge_in(&self, from: Timestamp, to: Timestamp) -> bool {
        let before = self.by_start.partition_point(|(start, ..)| *start < from);
        let ended = self.ends.partition_point(|end| *end < from);
        self.begun_by(to) > before || self.ends.get(ended).is_some_and(|end| *end <= to)
    }

    /// What the first stretch stands for.
    pub(super) fn first(&self) -> Option<&T> {
        self.by_start.first().map(|(_, _, what)| what)
    }

    /// The latest end before a point.
    pub(super) fn last_end_before(&self, point: Timestamp) -> Option<Timestamp> {
        let ended = self.ends.partition_point(|end| *end < point);
        ended.checked_sub(1).and_then(|at| self.ends.get(at)).copied()
    }

    fn begun_by(&self, point: Timestamp) -> usize {
        self.by_start.partition_point(|(start, ..)| *start <= point)
    }
}

impl Stretches<ClassRun> {
    /// The stretches of runs.
    pub(super) fn of_runs<'a>(runs: impl IntoIterator<Item = &'a ClassRun>) -> Self {
        Self::new(runs.into_iter().map(|run| (run.start, run.end, *run)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_answer_is_that_of_looking_at_all(
            stretches in proptest::collection::vec((0i64..100, 0i64..30), 0..20),
            (from, length) in (0i64..120, 0i64..40),
        ) {
            let all: Vec<(i64, i64)> = stretches.iter().map(|(s, l)| (*s, s + l)).collect();
            let known = Stretches::new(all.iter().map(|(s, e)| (Timestamp(*s), Timestamp(*e), (*s, *e))));
            let to = from + length;
            let (a, b) = (Timestamp(from), Timestamp(to));
            let mut touching: Vec<_> = known.touching(a, b).copied().collect();
            touching.sort_unstable();
            let mut expected: Vec<_> =
                all.iter().copied().filter(|(s, e)| *s <= to && *e >= from).collect();
            expected.sort_unstable();
            prop_assert_eq!(touching, expected);
            let any = |test: &dyn Fn(i64, i64) -> bool| all.iter().any(|(s, e)| test(*s, *e));
            prop_assert_eq!(known.any_between(a, b), any(&|s, e| s < to && e > from));
            let inside = |t: i64| from <= t && t <= to;
            prop_assert_eq!(known.any_edge_in(a, b), any(&|s, e| inside(s) || inside(e)));
            let before = all.iter().map(|(_, e)| *e).filter(|e| *e < from).max().map(Timestamp);
            prop_assert_eq!(known.last_end_before(a), before);
        }
    }
}
