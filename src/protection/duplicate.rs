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
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::LazyLock;

/// The last packets of a capture, by what tells one from another.
///
/// Every packet asks here, and each at another place. Which packets are remembered depends on their order
/// alone, so the secret that identities are made with never shows.
#[derive(Debug)]
pub struct Duplicates {
    /// The last packets, in a ring.
    ring: Vec<Seen>,
    /// The number of the next packet.
    next: u32,
    /// The latest packet of each place, by its number.
    latest: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    identity: u64,
    /// In microseconds, on a circle of 71 minutes.
    time: u32,
    interface: u32,
    /// The one before it at the same place, by its number.
    before: u32,
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
        // No packet has the number of a place that was never taken within one round of the ring.
        Self { ring: vec![Seen::default(); RING], next: RING_LENGTH, latest: vec![0; RING] }
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
        let seen = Seen { identity, time: low(microseconds(time)), interface, before: 0 };
        let place = place(identity >> 32);
        let latest = *self.latest.get(place)?;
        let mut at = latest;
        while let Some(known) = self.remembered(at) {
            if known.identity != identity {
                at = known.before;
                continue;
            }
            if !is_soon(known.time, seen.time) {
                break;
            }
            return Some(if known.interface == interface {
                DuplicateKind::SameInterface
            } else {
                DuplicateKind::OtherInterface
            });
        }
        *self.ring.get_mut(place_of(self.next))? = Seen { before: latest, ..seen };
        *self.latest.get_mut(place)? = self.next;
        self.next = self.next.wrapping_add(1);
        None
    }

    /// The packet of that number, while the ring holds it.
    fn remembered(&self, number: u32) -> Option<&Seen> {
        let age = self.next.wrapping_sub(number);
        let is_held = (1..RING_LENGTH).contains(&age);
        self.ring.get(place_of(number)).filter(|_| is_held)
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

/// A place of the ring, or one to look for its latest packet.
fn place(word: u64) -> usize {
    usize::try_from(word).unwrap_or_default() % RING
}

fn place_of(number: u32) -> usize {
    place(number.into())
}

/// What the copies of one packet share, in a word that no other packet can be made to have: it is made with a
/// secret of this run (SipHash), and never leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(u64);

static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// That of a frame without an IP packet, by its first octets.
#[must_use]
pub fn identity_of_frame(data: &[u8]) -> Identity {
    let mut hasher = SECRET.build_hasher();
    hasher.write(data.get(..SHORTEST_FRAME).unwrap_or(data));
    Identity(hasher.finish())
}

/// That of an IP packet: all but hop count, checksum of the IP header, and link.
#[must_use]
pub fn identity(ip: &IpPacket<'_>) -> Identity {
    let mut hasher = SECRET.build_hasher();
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    hasher.write_u128(bits(ip.pair.a()));
    hasher.write_u128(bits(ip.pair.b()));
    let offset = ip.fragment.map_or(u64::from(u16::MAX), |fragment| u64::from(fragment.offset));
    let from_a = u64::from(ip.direction == Direction::AToB) << 63;
    let is_v4 = u64::from(ip.pair.a().is_ipv4()) << 62;
    let numbers =
        from_a | is_v4 | u64::from(ip.protocol) | u64::from(ip.identification) << 8 | offset << 24;
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
const RING: usize = 1 << 14;
const RING_LENGTH: u32 = 1 << 14;
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

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp(1_767_261_600_000_000_000 + milliseconds * 1_000_000)
    }

    #[test]
    fn what_is_remembered_is_the_last_packets_whatever_their_identities() {
        // At places of their own, at few places, and as the secret falls.
        let made: [fn(u64) -> u64; 3] =
            [|k| k << 32, |k| (k % 64) << 32 | k, |k| SECRET.hash_one(k)];
        for identity in made {
            let mut known = Duplicates::default();
            let count = 2 * RING as u64 + 3;
            for k in 0..count {
                assert_eq!(known.observe(Identity(identity(k)), at(0), 0), None, "{k}");
            }
            let same = Some(DuplicateKind::SameInterface);
            assert_eq!(known.observe(Identity(identity(count - 1)), at(0), 0), same);
            assert_eq!(known.observe(Identity(identity(count - 1)), at(11), 0), None);
            let oldest = count + 2 - RING as u64;
            assert_eq!(known.observe(Identity(identity(oldest)), at(0), 0), same);
            assert_eq!(known.observe(Identity(identity(oldest - 1)), at(0), 0), None);
        }
    }

    #[test]
    fn another_interface_is_told() {
        let mut known = Duplicates::default();
        known.observe(Identity(7), at(0), 0);
        let other = Some(DuplicateKind::OtherInterface);
        assert_eq!(known.observe(Identity(7), at(5), 1), other);
    }

    #[test]
    fn nearly_all_packets_must_have_a_copy() {
        assert!(is_rule(8, 10) && is_rule(30, 10));
        assert!(!is_rule(7, 7) && !is_rule(79, 100));
    }
}
