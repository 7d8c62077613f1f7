//! Stretches of time that can be searched for overlap with a span, without examining all of them.
//!
//! Evidence decides how many there are, so lookups must be sublinear in their number.

use crate::summary::ClassRun;
use crate::time::Timestamp;

/// Stretches in order of their start, each with a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretches<T> {
    by_start: Vec<(Timestamp, Timestamp, T)>,
    /// A tree: the latest end below each node; the children of node n are at 2n and 2n + 1.
    latest: Vec<Timestamp>,
    /// Every end, ascending.
    ends: Vec<Timestamp>,
}

impl<T> Stretches<T> {
    /// From starts, ends and values, in any order.
    pub(super) fn new(stretches: impl IntoIterator<Item = (Timestamp, Timestamp, T)>) -> Self {
        let mut by_start: Vec<_> = stretches.into_iter().collect();
        by_start.sort_by_key(|(start, end, _)| (*start, *end));
        let mut ends: Vec<_> = by_start.iter().map(|(_, end, _)| *end).collect();
        let leaves = ends.len().next_power_of_two();
        let mut latest = vec![Timestamp(i64::MIN); leaves];
        latest.extend(&ends);
        latest.resize(2 * leaves, Timestamp(i64::MIN));
        for node in (1..leaves).rev() {
            latest[node] = latest[2 * node].max(latest[2 * node + 1]);
        }
        ends.sort_unstable();
        Self { by_start, latest, ends }
    }

    /// The values of the stretches that touch the span, both ends included; the latest start
    /// comes first.
    pub(super) fn touching(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &T> {
        let mut begun = self.begun_by(to);
        std::iter::from_fn(move || {
            begun = self.last_that_ends_after(from, begun)?;
            self.by_start.get(begun).map(|(_, _, what)| what)
        })
    }

    /// Whether a stretch reaches into the span between two points, these not included.
    pub(super) fn any_between(&self, from: Timestamp, to: Timestamp) -> bool {
        let begun = self.by_start.partition_point(|(start, ..)| *start < to);
        let next = Timestamp(from.0.saturating_add(1));
        self.last_that_ends_after(next, begun).is_some()
    }

    /// The last of the first `first` stretches that does not end before a point in time. Examines at most two
    /// nodes of each level of the tree.
    fn last_that_ends_after(&self, point: Timestamp, first: usize) -> Option<usize> {
        let reaches = |node: usize| self.latest.get(node).is_some_and(|end| *end >= point);
        let leaves = self.latest.len() / 2;
        // The leaves of the first `first` stretches are those below a few nodes; the last of these is met
        // first.
        let (mut begin, mut end) = (leaves, leaves + first.min(leaves));
        let mut node = loop {
            if begin == 0 || begin >= end {
                return None;
            }
            if end % 2 == 1 {
                end -= 1;
                if reaches(end) {
                    break end;
                }
            }
            if begin == 1 && end == 2 && reaches(1) {
                break 1;
            }
            (begin, end) = (begin / 2, end / 2);
        };
        while node < leaves {
            node = if reaches(2 * node + 1) { 2 * node + 1 } else { 2 * node };
        }
        Some(node - leaves)
    }

    /// Whether a stretch starts or ends in the span, both ends included.
    pub(super) fn any_edge_in(&self, from: Timestamp, to: Timestamp) -> bool {
        let before = self.by_start.partition_point(|(start, ..)| *start < from);
        let ended = self.ends.partition_point(|end| *end < from);
        self.begun_by(to) > before || self.ends.get(ended).is_some_and(|end| *end <= to)
    }

    /// The value of the first stretch that starts at a point or later.
    pub(super) fn first_from(&self, point: Timestamp) -> Option<&T> {
        let before = self.by_start.partition_point(|(start, ..)| *start < point);
        self.by_start.get(before).map(|(_, _, what)| what)
    }

    /// The value of the first stretch.
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
