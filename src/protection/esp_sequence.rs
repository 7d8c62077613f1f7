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
}

impl SequenceNumbers {
    /// Takes one ESP packet, from its SPI on.
    pub fn observe(&mut self, esp: &[u8]) {
        let Some(field) = esp.get(4..).and_then(|rest| rest.first_chunk::<4>()) else { return };
        let number = self.extended(u32::from_be_bytes(*field));
        if self.packets == 0 {
            (self.lowest, self.highest) = (number, number);
        }
        self.packets += 1;
        self.jumps += u64::from(number > self.highest.saturating_add(1));
        self.lowest = self.lowest.min(number);
        self.highest = self.highest.max(number);
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
        // Each file counts the rounds of 2^32 for itself: the nearest is meant.
        let place = |number: u64, rounds: u64| number % ROUND + rounds * ROUND;
        let rounds = self.highest / ROUND;
        let nearest = (rounds.saturating_sub(1)..=rounds.saturating_add(1))
            .min_by_key(|rounds| place(later.lowest, *rounds).abs_diff(self.highest))
            .unwrap_or(rounds);
        let lowest = place(later.lowest, nearest);
        let highest = lowest.saturating_add(later.highest.saturating_sub(later.lowest));
        self.packets = self.packets.saturating_add(later.packets);
        let is_jump = lowest > self.highest.saturating_add(1);
        self.jumps = self.jumps.saturating_add(later.jumps).saturating_add(is_jump.into());
        self.lowest = self.lowest.min(lowest);
        self.highest = self.highest.max(highest);
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
    fn a_number_that_wraps_goes_on() {
        assert_eq!(numbers([u32::MAX - 1, u32::MAX, 0, 1]).missing(), 0);
        assert_eq!(numbers([u32::MAX, 2]).missing(), 2);
        assert_eq!(numbers([0, u32::MAX]).missing(), 0, "one that came late");
    }
}
