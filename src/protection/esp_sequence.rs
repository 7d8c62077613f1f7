//! Gaps in the sequence numbers of an SPI: packets that were sent and are not in the capture.
//!
//! RFC 4303 §3.3.3: a sender counts every packet of a security association up by one. Keeps four
//! numbers an SPI; which packets are missing is not kept.

use serde::{Deserialize, Serialize};

/// The sequence numbers of one SPI in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceNumbers {
    packets: u64,
    lowest: u64,
    highest: u64,
    /// How often a number was further than one above the highest before it.
    jumps: u64,
    /// The highest number before one that was far above it, until the next number shows which of the two the sender
    /// counts from.
    before: Option<u64>,
    /// Packets whose numbers are far from those before and behind them: the sender did not count them.
    strays: u64,
}

impl SequenceNumbers {
    /// Takes one ESP packet, from its SPI on.
    #[inline]
    pub fn observe(&mut self, esp: &[u8]) {
        let Some(field) = esp.get(4..).and_then(|rest| rest.first_chunk::<4>()) else { return };
        let number = self.extended(u32::from_be_bytes(*field));
        if self.packets == 0 {
            (self.lowest, self.highest) = (number, number);
        }
        if number.abs_diff(self.highest) > FAR && self.is_stray(number) {
            return;
        }
        self.packets += 1;
        self.jumps += u64::from(number > self.highest.saturating_add(1));
        self.lowest = self.lowest.min(number);
        if number > self.highest {
            let is_far = number - self.highest > FAR;
            self.before = Some(self.highest).filter(|_| is_far);
            self.highest = number;
        }
    }

    /// Takes a number far from the highest one. Anybody can send a packet with a known SPI and any number; its receiver
    /// drops it, and the sender goes on where it was (RFC 4303 §3.4.3). Whether that is this number, or the one before
    /// was.
    #[cold]
    fn is_stray(&mut self, number: u64) -> bool {
        if self.strays >= MOST_STRAYS || number > self.highest {
            return false;
        }
        if let Some(before) = self.before.take().filter(|before| number.abs_diff(*before) <= FAR) {
            // The line of before goes on: the packet between was no part of it.
            (self.highest, self.packets) = (before, self.packets - 1);
            (self.jumps, self.strays) = (self.jumps - 1, self.strays + 1);
            return false;
        }
        if self.packets == 1 {
            // The first packet was the stray one.
            (self.lowest, self.highest, self.packets) = (number, number, 0);
            self.strays += 1;
            return false;
        }
        let is_stray = number.saturating_add(FAR) < self.lowest;
        self.strays += u64::from(is_stray);
        is_stray
    }

    /// RFC 4303 §2.2.1: only the lower half of an extended number is sent. The one nearest to what
    /// was seen is meant.
    fn extended(&self, number: u32) -> u64 {
        if self.packets == 0 {
            // Room below, for packets out of order at the beginning.
            return ROUND + u64::from(number);
        }
        let base = self.highest - self.highest % ROUND + u64::from(number);
        if base.abs_diff(self.highest) < ROUND / 2 {
            return base;
        }
        [base.saturating_sub(ROUND), base, base + ROUND]
            .into_iter()
            .min_by_key(|candidate| candidate.abs_diff(self.highest))
            .unwrap_or(base)
    }

    /// Adds the numbers of packets that come later, in another file.
    pub fn join(&mut self, later: Self) {
        if self.packets == 0 || later.packets == 0 {
            if self.packets == 0 {
                *self = later;
            }
            return;
        }
        self.settle_stray(&later);
        // Each file counts the rounds of 2^32 for itself: the nearest is meant.
        let place = |number: u64, rounds: u64| number % ROUND + rounds * ROUND;
        let rounds = self.highest / ROUND;
        let nearest = (rounds.saturating_sub(1)..=rounds.saturating_add(1))
            .min_by_key(|rounds| place(later.lowest, *rounds).abs_diff(self.highest))
            .unwrap_or(rounds);
        let lowest = place(later.lowest, nearest);
        let highest = lowest.saturating_add(later.highest.saturating_sub(later.lowest));
        self.packets = self.packets.saturating_add(later.packets);
        let moved = |number: u64| number.saturating_sub(later.lowest).saturating_add(lowest);
        self.before = match later.before {
            Some(before) => Some(moved(before)),
            // The one number behind a leap shows no more than it did in its own file.
            None if later.packets == 1 && lowest > self.highest.saturating_add(FAR) => {
                Some(self.highest)
            }
            None => None,
        };
        self.strays = self.strays.saturating_add(later.strays);
        let is_jump = lowest > self.highest.saturating_add(1);
        self.jumps = self.jumps.saturating_add(later.jumps).saturating_add(is_jump.into());
        self.lowest = self.lowest.min(lowest);
        self.highest = self.highest.max(highest);
    }

    /// Takes back a last number far above the others, where a later file goes on from before it.
    fn settle_stray(&mut self, later: &Self) {
        let is_near = |number: u64| {
            let apart = later.lowest.wrapping_sub(number) % ROUND;
            apart.min(ROUND - apart) <= FAR
        };
        let goes_on = |before: &u64| is_near(*before) && !is_near(self.highest);
        if let Some(before) = self.before.filter(goes_on).filter(|_| self.strays < MOST_STRAYS) {
            (self.highest, self.packets) = (before, self.packets - 1);
            (self.jumps, self.strays) = (self.jumps - 1, self.strays + 1);
        }
    }

    /// Counts more packets between the lowest and the highest number, which another capture holds; gives how many
    /// are still missing.
    pub const fn held_elsewhere(&mut self, packets: u64) -> u64 {
        self.packets = self.packets.saturating_add(packets);
        self.missing()
    }

    /// Whether packets are missing before at least two of five: so where one packet in two or more is kept, and
    /// hardly ever where packets are lost in bursts, or where a cluster jumps ahead when it changes its active node.
    #[must_use]
    pub const fn is_thinned(&self) -> bool {
        self.jumps.saturating_mul(5) >= self.packets.saturating_mul(2)
    }

    /// Packets whose numbers lie between the lowest and the highest seen, and were not seen. Packets
    /// that were seen twice hide as many.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        let span = self.highest.saturating_sub(self.lowest).saturating_add(1);
        if self.packets == 0 { 0 } else { span.saturating_sub(self.packets) }
    }

    /// Whether the lowest number is one that a new security association does not begin with.
    #[must_use]
    pub const fn begins_midway(&self) -> bool {
        self.packets > 0 && self.lowest % ROUND > LATEST_FIRST
    }

    /// Packets that were seen.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }
}

const ROUND: u64 = 1 << 32;
/// So far from each other are the numbers of packets that follow each other only where very many were lost.
const FAR: u64 = 1024;
/// Stray packets of an SPI that are passed over.
const MOST_STRAYS: u64 = 8;
/// A capture may miss the first few packets of a security association.
const LATEST_FIRST: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_count_what_the_whole_counts() {
        for start in [1, u32::MAX - 20] {
            let all: Vec<u32> =
                (0..60).filter(|n| n % 7 != 3).map(|n| start.wrapping_add(n)).collect();
            let whole = numbers(all.clone());
            for cut in 0..=all.len() {
                let (first, second) = all.split_at(cut);
                let mut joined = numbers(first.to_vec());
                joined.join(numbers(second.to_vec()));
                assert_eq!(
                    (joined.missing(), joined.packets()),
                    (whole.missing(), whole.packets())
                );
            }
        }
    }

    #[test]
    fn a_stray_number_is_passed_over_wherever_files_are_cut() {
        for (forged, at) in [(100_000, 20), (2_000_000_000, 12)] {
            let all: Vec<u32> = (100..100 + at).chain([forged]).chain(100 + at..140).collect();
            for cut in 1..all.len() {
                let (first, second) = all.split_at(cut);
                let mut joined = numbers(first.to_vec());
                joined.join(numbers(second.to_vec()));
                assert_eq!((joined.missing(), joined.strays), (0, 1), "{forged} {cut}");
            }
        }
    }

    #[test]
    fn behind_files_that_show_no_leap_there_is_none_to_go_back_to() {
        let mut joined = numbers([5, 6]);
        joined.join(numbers([7, 8]));
        assert_eq!(joined.before, None);
        let mut leap = numbers([5, 6]);
        leap.join(numbers([9_000]));
        leap.join(numbers([7, 8]));
        assert_eq!((leap.before, leap.missing()), (None, 0));
    }

    fn numbers(numbers: impl IntoIterator<Item = u32>) -> SequenceNumbers {
        let mut seen = SequenceNumbers::default();
        for number in numbers {
            seen.observe(&[&[0, 0, 1, 0][..], &number.to_be_bytes()].concat());
        }
        seen
    }

    #[test]
    fn what_lies_between_is_missing() {
        assert_eq!(numbers([5, 6, 7]).missing(), 0);
        assert_eq!(numbers([5, 9, 7]).missing(), 2);
        assert_eq!(numbers([]).missing(), 0);
    }

    #[test]
    fn a_number_that_the_sender_does_not_count_from_leaves_no_gap() {
        let line = |forged: u32, at: u32| {
            let before = (100..100 + at).chain([forged]);
            numbers(before.chain(100 + at..140))
        };
        for (forged, at) in [(100_000, 20), (1_000_000, 0), (2_000_000_000, 39)] {
            assert_eq!(line(forged, at).missing(), 0, "{forged}");
        }
        assert_eq!(numbers((5_000..5_050).chain([3]).chain(5_050..5_100)).missing(), 0);
        // Packets that were lost: the sender goes on behind them.
        assert_eq!(numbers((1..100).chain(5_000..5_010)).missing(), 4_900);
        assert_eq!(numbers((1..100).chain(5_000..5_010).chain([100])).missing(), 4_899);
        // As one who floods with such packets would have it, a gap stays.
        let flood = (1..50).flat_map(|number| [number, 100_000 + number]);
        assert!(numbers(flood).missing() > 0);
    }

    #[test]
    fn a_number_that_wraps_goes_on() {
        assert_eq!(numbers([u32::MAX - 1, u32::MAX, 0, 1]).missing(), 0);
        assert_eq!(numbers([u32::MAX, 2]).missing(), 2);
        assert_eq!(numbers([0, u32::MAX]).missing(), 0, "one that came late");
    }
}
