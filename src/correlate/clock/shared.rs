//! Which captures share a clock, and whether what all logs agree on makes the captures' clock the wrong one.
//!
//! Two captures are compared by time only where common packets or a log's exact joins prove that their clocks
//! agree; order between them is not known otherwise.

use super::super::joins::Joins;
use super::{ClockOffset, OffsetMethod};
use crate::evidence::EvidenceId;
use crate::ike::IkeExchange;
use crate::summary::{FirstFiles, SetBack, Summary};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the captures' clocks against each other.
#[derive(Clone, Debug, Default)]
pub struct CaptureClocks {
    first_files: FirstFiles,
    /// By the first file of a capture, that of the first capture with the same clock.
    group: BTreeMap<EvidenceId, EvidenceId>,
    /// Captures that a log's joins show to have different clocks.
    apart: BTreeSet<(EvidenceId, EvidenceId)>,
}

impl CaptureClocks {
    /// From common packets and from joins.
    pub(in crate::correlate) fn gather(
        summary: &Summary,
        joins: &Joins,
        exchanges: &[IkeExchange],
    ) -> Self {
        let mut clocks = Self { first_files: summary.first_files(), ..Self::default() };
        for (id, capture) in &summary.captures {
            // Common packets set the later capture to the clock of the earlier one.
            if let Some(shared) = capture.shared_packets {
                clocks.unite(*id, shared.of);
            }
            // What one shows inside the other's ESP lies within milliseconds of it.
            if !capture.inside_others.is_empty() {
                let others = summary.captures.iter().filter(|(_, of)| touch(of.span, capture.span));
                others.for_each(|(other, _)| clocks.unite(*id, *other));
            }
        }
        for (log, of_log) in joins {
            let Some(log) = summary.logs.get(log) else { continue };
            let mut seen: BTreeMap<EvidenceId, Vec<(Span, Timestamp)>> = BTreeMap::new();
            for (place, join) in of_log {
                let shown = log.events.get(*place).and_then(|event| event.time);
                let exchange = join.exchange.and_then(|at| exchanges.get(at));
                let tight = join.on_wire.filter(|on_wire| on_wire.is_tight);
                let Some(((shown, exchange), on_wire)) = shown.zip(exchange).zip(tight) else {
                    continue;
                };
                let capture = clocks.first_files.of(exchange.last.evidence);
                seen.entry(capture).or_default().push((shown.since(on_wire.time), on_wire.time));
            }
            clocks.compare_one_log(seen);
        }
        clocks
    }

    /// Compares what one log's clock shows against several captures.
    fn compare_one_log(&mut self, seen: BTreeMap<EvidenceId, Vec<(Span, Timestamp)>>) {
        let medians: Vec<(EvidenceId, (Span, Timestamp))> = seen
            .into_iter()
            .filter_map(|(capture, mut all)| {
                all.sort_unstable();
                Some((capture, *all.get(all.len() / 2)?))
            })
            .collect();
        for (at, (one, (offset, time))) in medians.iter().enumerate() {
            for (other, (other_offset, other_time)) in medians.iter().skip(at + 1) {
                let apart = other_time.since(*time).magnitude();
                let bound = Span(LEAST.0.saturating_add(apart.0 / DRIFT));
                let differ = Span(offset.0.saturating_sub(other_offset.0)).magnitude() > bound;
                if differ {
                    self.apart.insert((*one, *other));
                } else {
                    self.unite(*one, *other);
                }
            }
        }
    }

    fn group(&self, file: EvidenceId) -> EvidenceId {
        let first = self.first_files.of(file);
        self.group.get(&first).copied().unwrap_or(first)
    }

    fn unite(&mut self, one: EvidenceId, other: EvidenceId) {
        let (one, other) = (self.group(one), self.group(other));
        let (low, high) = (one.min(other), one.max(other));
        if low != high {
            self.group.values_mut().filter(|group| **group == high).for_each(|group| *group = low);
            self.group.insert(high, low);
        }
    }

    /// Whether two captures share a clock; `None` where nothing shows it.
    #[must_use]
    pub fn agree(&self, one: EvidenceId, other: EvidenceId) -> Option<bool> {
        let (one, other) = (self.first_files.of(one), self.first_files.of(other));
        if self.apart.contains(&(one.min(other), one.max(other))) {
            return Some(false);
        }
        (self.group(one) == self.group(other)).then_some(true)
    }
}

fn touch(one: Option<(Timestamp, Timestamp)>, other: Option<(Timestamp, Timestamp)>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.0 <= other.1 && other.0 <= one.1)
}

/// The offset that the logs of all hosts have against the captures, where they agree with each other: then it
/// is the captures' clock that was wrong.
pub(in crate::correlate) fn shared_offset(clocks: &[&ClockOffset]) -> Option<Span> {
    let measured = clocks.iter().filter(|clock| clock.method == OffsetMethod::ExactJoins);
    let mut offsets: Vec<(Span, &str)> =
        measured.filter_map(|clock| Some((clock.offset?, clock.host.as_str()))).collect();
    offsets.sort_unstable();
    let hosts: BTreeSet<&str> = offsets.iter().map(|(_, host)| *host).collect();
    let (least, most) = (offsets.first()?.0, offsets.last()?.0);
    let differ = most.0.saturating_sub(least.0);
    let is_wrong = |offset: Span| offset.magnitude() > ClockOffset::TOLERATED;
    let agree = hosts.len() > 1 && differ <= ALIKE.0;
    let (middle, _) = offsets.get(offsets.len() / 2)?;
    (agree && is_wrong(least) && is_wrong(most)).then_some(*middle)
}

/// Whether a clock seems ahead by so much, or was set forward by it, because a capture's clock was set back: by what
/// its times go back, and by what passed between two frames at the most.
pub(in crate::correlate) fn is_of_captures<'s>(
    by: Span,
    mut set_back: impl Iterator<Item = &'s SetBack>,
) -> bool {
    set_back.any(|set_back| {
        let beyond = by.0.saturating_sub(set_back.by().0);
        (-LEAST.0..=BETWEEN.0).contains(&beyond)
    })
}

/// Frames of a busy link lie closer together.
const BETWEEN: Span = Span::from_seconds(600);
/// What hosts delay their records by is less.
const LEAST: Span = Span::from_millis(1_500);
/// 500 ppm (RFC 5905): no clock drifts more.
const DRIFT: i64 = 2_000;
/// Clocks that a time service keeps differ by less.
const ALIKE: Span = Span::from_seconds(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::LogId;

    fn clock(host: &str, seconds: i64) -> ClockOffset {
        ClockOffset {
            host: host.to_owned(),
            log: LogId { evidence: EvidenceId(1), place: 0 },
            offset: Some(Span::from_seconds(seconds)),
            method: OffsetMethod::ExactJoins,
            matches: 3,
            rejected: 0,
            spread: Span::default(),
            error: None,
            drift: None,
            steps: Vec::new(),
        }
    }

    fn shared(clocks: &[ClockOffset]) -> Option<Span> {
        shared_offset(&clocks.iter().collect::<Vec<_>>())
    }

    #[test]
    fn what_all_hosts_agree_on_is_the_captures_clock() {
        let (a, b, c) = (clock("A", 4020), clock("B", 4022), clock("C", 4019));
        assert_eq!(shared(&[a.clone(), b.clone(), c]), Some(Span::from_seconds(4020)));
        // One host alone may be wrong itself, two that disagree are no witness, and nor is a small offset.
        assert_eq!(shared(&[a.clone(), a.clone()]), None);
        assert_eq!(shared(&[a, clock("D", 0)]), None);
        assert_eq!(shared(&[clock("A", 20), clock("B", 21)]), None);
        assert_eq!(shared(&[b, clock("D", 400)]), None);
    }

    #[test]
    fn captures_share_a_clock_only_where_it_is_proven() {
        let at = |s: i64, t: i64| (Span::from_seconds(s), Timestamp(t * 1_000_000_000));
        let mut clocks = CaptureClocks::default();
        let (a, b, c) = (EvidenceId(1), EvidenceId(2), EvidenceId(3));
        assert_eq!((clocks.agree(a, a), clocks.agree(a, b)), (Some(true), None));
        clocks.compare_one_log([(a, vec![at(0, 10)]), (b, vec![at(1, 40)])].into());
        clocks.compare_one_log([(a, vec![at(0, 10)]), (c, vec![at(15, 40)])].into());
        assert_eq!((clocks.agree(b, a), clocks.agree(a, c)), (Some(true), Some(false)));
        clocks.unite(c, EvidenceId(4));
        clocks.unite(EvidenceId(5), EvidenceId(4));
        assert_eq!(clocks.agree(c, EvidenceId(5)), Some(true));
    }
}
