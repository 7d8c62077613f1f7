//! The same packet captured more than once: at two mirrored ports, or at several components of a
//! host.
//!
//! A packet repeats another when addresses, identification, length and the first octets behind the
//! IP headers (ports, numbers, checksum) are the same and at most ten milliseconds lie between. A
//! single likeness proves nothing; whether a capture shows a pair's packets twice is decided at
//! its end, when nearly all of them, or nearly all of the capture, have one.

use crate::hosts::Direction;
use crate::packet::IpPacket;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, Hash, Hasher};

/// The last packets of a capture, by what tells one from another.
///
/// Every packet asks here, and each at another place: so the whole fits the second-level cache.
#[derive(Debug)]
pub struct Duplicates {
    /// The last two of each.
    slots: Vec<[Slot; 2]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The part of the identity that does not tell the place.
    identity: u32,
    /// In microseconds, on a circle of 71 minutes.
    time: u32,
    interface: u32,
}

/// Where a packet was seen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DuplicateKind {
    /// At the same interface: a mirror port that sees the packet at two ports.
    SameInterface,
    /// At another one: a capture at several components of a host.
    OtherInterface,
}

impl DuplicateKind {
    /// The kind as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SameInterface => "duplicate_packet",
            Self::OtherInterface => "duplicate_at_other_interface",
        }
    }
}

impl Default for Duplicates {
    fn default() -> Self {
        let empty = Slot { identity: 0, time: 0, interface: 0 };
        Self { slots: vec![[empty; 2]; SLOTS] }
    }
}

impl Duplicates {
    /// Takes the next packet; tells where it was seen again if it repeats one before it.
    pub fn observe(
        &mut self,
        Identity(identity): Identity,
        time: Timestamp,
        interface: u32,
    ) -> Option<DuplicateKind> {
        // The highest bits are the best mixed; the slots are a power of two.
        let at = usize::try_from(identity >> SLOT_SHIFT).unwrap_or_default();
        let [one, other] = self.slots.get_mut(at)?;
        let seen = Slot { identity: low(identity), time: low(microseconds(time)), interface };
        let known = [&*one, &*other].into_iter().find(|slot| slot.identity == seen.identity);
        if let Some(slot) = known
            && is_soon(slot.time, seen.time)
        {
            return Some(if slot.interface == interface {
                DuplicateKind::SameInterface
            } else {
                DuplicateKind::OtherInterface
            });
        }
        *other = *one;
        *one = seen;
        None
    }
}

/// Whether two times on the circle are no more than [`SOON`] apart, whichever came first.
const fn is_soon(one: u32, other: u32) -> bool {
    let between = one.wrapping_sub(other).cast_signed().unsigned_abs();
    between <= SOON
}

/// Microseconds since 1970; before then they count on below zero.
fn microseconds(time: Timestamp) -> u64 {
    time.0.div_euclid(1000).cast_unsigned()
}

/// The lower half.
fn low(word: u64) -> u32 {
    u32::try_from(word & u64::from(u32::MAX)).unwrap_or_default()
}

/// What the copies of one packet share, in a word that other packets hardly have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(u64);

/// That of a frame without an IP packet, by its first octets.
#[must_use]
pub fn identity_of_frame(data: &[u8]) -> Identity {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    hasher.write(data.get(..SHORTEST_FRAME).unwrap_or(data));
    Identity(hasher.finish())
}

/// That of an IP packet: all but hop count, checksum of the IP header, and link.
#[must_use]
pub fn identity(ip: &IpPacket<'_>) -> Identity {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    ip.pair.hash(&mut hasher);
    let offset = ip.fragment.map_or(u64::from(u16::MAX), |fragment| u64::from(fragment.offset));
    let from_a = u64::from(ip.direction == Direction::AToB) << 63;
    let numbers =
        from_a | u64::from(ip.protocol) | u64::from(ip.identification) << 8 | offset << 24;
    hasher.write_u64(numbers ^ (ip.packet_len as u64) << 40);
    hasher.write(ip.segment.get(..COMPARED).unwrap_or(ip.segment));
    Identity(hasher.finish())
}

/// Whether so many repetitions among so many packets mean that the capture shows them twice.
#[must_use]
pub const fn is_rule(repetitions: u64, packets: u64) -> bool {
    repetitions >= FEWEST && repetitions * 5 >= packets * 4
}

/// A busy gigabit has some ten thousand packets in the time that is compared.
const SLOTS: usize = 1 << 13;
const SLOT_SHIFT: u32 = 64 - 13;
/// In microseconds. Two ports of one switch, or two components of one host, are not further apart; retransmission
/// timers of TCP and IKE are longer.
const SOON: u32 = 10_000;
/// Ports, sequence numbers, checksum and the first data; of ESP the SPI, number and vector.
const COMPARED: usize = 40;
/// An Ethernet frame without its check sequence; ARP fills no more.
const SHORTEST_FRAME: usize = 60;
/// Fewer may be chance.
const FEWEST: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_packets_must_have_a_copy() {
        assert!(is_rule(8, 10) && is_rule(30, 10));
        assert!(!is_rule(7, 7) && !is_rule(79, 100));
    }
}
