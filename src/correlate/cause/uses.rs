//! The span of use of each SPI of a pair, searchable by time without examining all of them.

use crate::correlate::Facts;
use crate::hosts::{Direction, HostPair};
use crate::ike::EspActivity;
use crate::summary::ClassRun;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// The use of one SPI, from its first to its last packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpiUse {
    pub(super) way: Direction,
    pub(super) run: ClassRun,
    /// A newer SPI of the same sender replaces it: that begins as this one ends, and outlives it.
    pub(super) has_successor: bool,
}

/// The SPIs of one pair.
#[derive(Debug)]
pub(super) struct SpiUses {
    by_start: Vec<SpiUse>,
    by_end: Vec<SpiUse>,
    /// For each of those by the beginning, the latest end up to it, of the SPIs in each direction.
    reach: Vec<[Timestamp; 2]>,
}

impl SpiUses {
    fn new(mut uses: Vec<(Direction, ClassRun)>) -> Self {
        uses.sort_by_key(|(way, run)| (run.start, run.first, *way));
        let all = uses.iter().map(|(way, run)| SpiUse {
            way: *way,
            run: *run,
            has_successor: has_successor(&uses, *way, run),
        });
        let by_start: Vec<SpiUse> = all.collect();
        let mut by_end = by_start.clone();
        by_end.sort_by_key(|spi| (spi.run.end, spi.run.last, spi.way));
        let mut latest = [Timestamp(i64::MIN); 2];
        let reach = by_start.iter().map(|spi| {
            let [forth, back] = &mut latest;
            let latest_of_way = if spi.way == Direction::AToB { forth } else { back };
            *latest_of_way = spi.run.end.max(*latest_of_way);
            latest
        });
        let reach = reach.collect();
        Self { by_start, by_end, reach }
    }

    /// By the beginning.
    pub(super) fn by_start(&self) -> &[SpiUse] {
        &self.by_start
    }

    /// Whether an SPI of a sender began by one point in time and was used at another or later.
    pub(super) fn lasts(&self, way: Direction, begun: Timestamp, until: Timestamp) -> bool {
        let begun = self.by_start.partition_point(|spi| spi.run.start <= begun);
        let reach = begun.checked_sub(1).and_then(|last| self.reach.get(last));
        reach.is_some_and(|[forth, back]| {
            until <= if way == Direction::AToB { *forth } else { *back }
        })
    }

    /// Those that ended in a span, both ends included.
    pub(super) fn ended(&self, from: Timestamp, to: Timestamp) -> &[SpiUse] {
        let first = self.by_end.partition_point(|spi| spi.run.end < from);
        let behind = self.by_end.partition_point(|spi| spi.run.end <= to);
        self.by_end.get(first..behind).unwrap_or_default()
    }
}

/// The SPIs of every pair that has any. Use of an SA under another address after a move counts.
pub(super) fn spi_uses(facts: &Facts, activity: &EspActivity) -> BTreeMap<HostPair, SpiUses> {
    let shown = facts.pairs.iter().filter(|pair| !pair.spi_uses.is_empty());
    let of_pair = shown.map(|pair| {
        let uses = pair.spi_uses.iter().map(|((spi, way), run)| {
            let mut run = *run;
            run.end = activity.end_after_moves(pair.pair, spi.0, run.end);
            (*way, run)
        });
        (pair.pair, SpiUses::new(uses.collect()))
    });
    of_pair.collect()
}

/// Whether a newer SPI of the same sender, in uses by their beginning, replaces one that stops: it begins as
/// the other ends, and outlives it.
fn has_successor(uses: &[(Direction, ClassRun)], way: Direction, old: &ClassRun) -> bool {
    let (from, to) = (old.end.shifted(HANDOVER.negated()), old.end.shifted(HANDOVER));
    let first = uses.partition_point(|(_, new)| new.start < from);
    let near = uses.iter().skip(first).take_while(|(_, new)| new.start <= to).take(MOST_USES);
    near.filter(|(other, _)| *other == way)
        .any(|(_, new)| new.start > old.start && new.end > old.end)
}

/// RFC 7296 §2.8: the old SA is deleted when the new one is created; both may be used for a while.
pub(super) const HANDOVER: Span = Span::from_seconds(5);
/// SPIs of one pair that are examined at once.
pub(super) const MOST_USES: usize = 512;
