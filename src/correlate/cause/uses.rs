//! The span of use of each SPI of a pair, searchable by time without examining all of them.

use crate::correlate::Facts;
use crate::hosts::{Direction, HostPair};
use crate::ike::EspActivity;
use crate::summary::ClassRun;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// The SPIs of one pair.
#[derive(Debug)]
pub(super) struct SpiUses {
    by_start: Vec<(Direction, ClassRun)>,
    by_end: Vec<(Direction, ClassRun)>,
    /// For each of those by the beginning, the latest end up to it, of the SPIs in each direction.
    reach: Vec<[Timestamp; 2]>,
}

impl SpiUses {
    fn new(mut by_start: Vec<(Direction, ClassRun)>) -> Self {
        by_start.sort_by_key(|(way, run)| (run.start, run.first, *way));
        let mut by_end = by_start.clone();
        by_end.sort_by_key(|(way, run)| (run.end, run.last, *way));
        let mut latest = [Timestamp(i64::MIN); 2];
        let reach = by_start.iter().map(|(way, run)| {
            let [forth, back] = &mut latest;
            let latest_of_way = if *way == Direction::AToB { forth } else { back };
            *latest_of_way = run.end.max(*latest_of_way);
            latest
        });
        let reach = reach.collect();
        Self { by_start, by_end, reach }
    }

    /// By the beginning.
    pub(super) fn by_start(&self) -> &[(Direction, ClassRun)] {
        &self.by_start
    }

    /// Whether an SPI of a sender began by one point in time and was used at another or later.
    pub(super) fn lasts(&self, way: Direction, begun: Timestamp, until: Timestamp) -> bool {
        let begun = self.by_start.partition_point(|(_, run)| run.start <= begun);
        let reach = begun.checked_sub(1).and_then(|last| self.reach.get(last));
        reach.is_some_and(|[forth, back]| {
            until <= if way == Direction::AToB { *forth } else { *back }
        })
    }

    /// Those that ended in a span, both ends included.
    pub(super) fn ended(&self, from: Timestamp, to: Timestamp) -> &[(Direction, ClassRun)] {
        let first = self.by_end.partition_point(|(_, run)| run.end < from);
        let behind = self.by_end.partition_point(|(_, run)| run.end <= to);
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
