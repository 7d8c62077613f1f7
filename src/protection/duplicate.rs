//! The same packet captured more than once: at two mirrored ports, or at several components of a
//! host.
//!
//! A packet repeats another when addresses, identification, length and the first octets behind the
//! IP headers (ports, numbers, checksum) are the same and at most ten milliseconds lie between. A
//! single likeness proves nothing; whether a capture shows a pair's packets twice is decided at
//! its end, when nearly all of them, or nearly all of the capture, have one.

use crate::packet::IpPacket;
use crate::time::{Span, Timestamp};
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;

/// The last packets of a capture, by what tells one from another.
#[derive(Debug)]
pub struct Duplicates {
    /// The last two of each.
    slots: Vec<[Slot; 2]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    identity: u64,
    time: Timestamp,
    interface: u32,
}

/// Where a packet was seen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
        let empty = Slot { identity: 0, time: Timestamp(i64::MIN), interface: 0 };
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
        let known = [&*one, &*other].into_iter().find(|slot| slot.identity == identity);
        if let Some(slot) = known
            && time.since(slot.time).magnitude() <= SOON
        {
            return Some(if slot.interface == interface {
                DuplicateKind::SameInterface
            } else {
                DuplicateKind::OtherInterface
            });
        }
        *other = *one;
        *one = Slot { identity, time, interface };
        None
    }
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
    match (ip.source, ip.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let addresses = u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits());
            hasher.write_u64(addresses);
        }
        (source, destination) => (source, destination).hash(&mut hasher),
    }
    let offset = ip.fragment.map_or(u64::from(u16::MAX), |fragment| u64::from(fragment.offset));
    let numbers = u64::from(ip.protocol) | u64::from(ip.identification) << 8 | offset << 24;
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
const SLOTS: usize = 1 << 14;
const SLOT_SHIFT: u32 = 64 - 14;
/// Two ports of one switch, or two components of one host, are not further apart; retransmission
/// timers of TCP and IKE are longer.
const SOON: Span = Span::from_millis(10);
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
