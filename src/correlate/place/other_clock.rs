//! ESP of another capture whose lengths follow those of a window's clear packets at one distance in time: the two
//! sides of a gateway, captured by clocks that differ.

use super::{Clear, Held, Known, MayBeInside};
use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use crate::protection::decrypted_copy::Layouts;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

impl Known {
    /// How the ESP of this capture, between other hosts, may hold the clear packets of a window of another one.
    pub(super) fn in_other(
        &self,
        id: EvidenceId,
        pair: HostPair,
        each: [&[Clear]; 2],
        budget: &mut u64,
    ) -> Option<MayBeInside> {
        // Its own view of the pair in clear shows a leak beside the tunnel.
        if self.clear.contains_key(&pair) {
            return None;
        }
        let all: u64 = each.iter().map(|clear| clear.len() as u64).sum();
        let (mut packets, mut compared, mut first) = (0, 0, None);
        for clear in each.into_iter().filter(|clear| clear.len() >= FEWEST) {
            let Some((spi, ahead, count)) = self.nearest_in_length(pair, clear, budget) else {
                continue;
            };
            first = first.or(self.spis.get(spi).map(|(outside, _)| (*outside, ahead)));
            (packets, compared) = (packets + count, compared + clear.len() as u64);
        }
        let (outside, ahead) = first.filter(|_| packets * 2 >= all)?;
        Some(MayBeInside { held: Held::OtherClock(ahead), packets, compared, outside, capture: id })
    }
}

impl Known {
    /// The SPI whose packets can hold most of these at one distance in time, the distance, and how many.
    fn nearest_in_length(
        &self,
        pair: HostPair,
        clear: &[Clear],
        budget: &mut u64,
    ) -> Option<(usize, Span, u64)> {
        let mut best: Option<(usize, Span, u64)> = None;
        for (spi, ((hosts, _), esp)) in self.spis.iter().zip(&self.of_spis).enumerate() {
            *budget = budget.checked_sub(1)?;
            if *hosts == pair {
                continue;
            }
            let Some((ahead, count)) = shifted(pair, clear, esp, budget) else { continue };
            if best.is_none_or(|(.., most)| count > most) {
                best = Some((spi, ahead, count));
            }
        }
        best
    }
}

/// The distance in time at which ESP packets can hold four of five clear packets, of two lengths at least.
fn shifted(
    pair: HostPair,
    clear: &[Clear],
    esp: &[(Timestamp, u32)],
    budget: &mut u64,
) -> Option<(Span, u64)> {
    let mut votes: BTreeMap<(i64, Layouts), BTreeSet<Timestamp>> = BTreeMap::new();
    for one in clear.iter().take(FIRST_CLEAR) {
        for (time, length) in esp.iter().take(FIRST_ESP) {
            *budget = budget.checked_sub(1)?;
            let ahead = time.since(one.time);
            if ahead.magnitude() > MOST_APART {
                continue;
            }
            for layout in one.lengths(pair).layouts(*length as usize, false).each() {
                let slot = ahead.0.div_euclid(SLOT.0);
                // The next slot too: equal distances may lie on either side of a border.
                votes.entry((slot, layout)).or_default().insert(one.time);
                votes.entry((slot + 1, layout)).or_default().insert(one.time);
            }
        }
    }
    let best = votes.iter().max_by_key(|(key, voters)| (voters.len(), std::cmp::Reverse(**key)));
    let ((slot, layout), _) = best?;
    let ahead = Span(slot.saturating_mul(SLOT.0));
    let (mut count, mut lengths, mut behind) = (0, BTreeSet::new(), 0);
    for one in clear {
        let around = one.time.shifted(ahead);
        let from = around.shifted(SLOT.negated());
        let first = esp.partition_point(|(time, _)| *time < from).max(behind);
        let rest = esp.iter().enumerate().skip(first);
        let near = rest.take_while(|(_, (time, _))| *time <= around.shifted(SLOT));
        let holds = |(_, (_, length)): &(usize, &(Timestamp, u32))| {
            one.lengths(pair).layouts(*length as usize, false).meets(*layout)
        };
        if let Some((at, (_, length))) = near.take(MOST_NEAR).find(holds) {
            behind = at + 1;
            count += 1;
            lengths.insert(*length);
        }
    }
    let is_rule = count >= FEWEST && count * 5 >= clear.len() * 4 && lengths.len() > 1;
    is_rule.then_some((ahead, count as u64))
}

/// As for copies in other captures.
const FEWEST: usize = 8;
/// Packets of both that are compared to find the distance.
const FIRST_CLEAR: usize = 32;
const FIRST_ESP: usize = 4096;
/// ESP packets near one place that are compared.
const MOST_NEAR: usize = 64;
/// Clocks that differ by more are not compared.
const MOST_APART: Span = Span::from_seconds(3600);
/// What a gateway and the clocks' drift may add.
const SLOT: Span = Span::from_millis(10);
