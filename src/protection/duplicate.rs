//! The same packet captured more than once: at two mirrored ports, or at several components of a
//! host.
//!
//! A packet repeats another when addresses, identification, length and everything behind the IP
//! headers are the same as far as they were captured, and at most ten milliseconds lie between: a hop
//! changes the link's header, hop count, traffic class and checksum of IP, and nothing else. That heads,
//! lengths or intervals are equal proves nothing, so the bytes are kept as long as a copy may come. A
//! single repetition may still be the sender's own; whether a capture shows a pair's packets more than once is
//! decided at its end, when nearly all of them, or nearly all of the capture, have a copy. A packet of IPv4 whose
//! identification is not 0, or of TCP, with another hop count than the one that it repeats was passed on by a router in between:
//! that is a copy whatever the others are, because no sender numbers two packets alike.

use crate::hosts::Direction;
use crate::packet::{IpPacket, protocol};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::LazyLock;

/// The last packets of a capture, by what shows one from another.
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
    bytes: Recent,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    identity: u64,
    /// In microseconds, on a circle of 71 minutes.
    time: u32,
    place: Place,
    /// The one before it at the same place, by its number.
    before: u32,
    /// Where its bytes were kept.
    kept: Kept,
    /// What the caller noted of it.
    note: Option<NonZeroU32>,
}

/// Where a packet was seen: the interface, and how many more hops it had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place(u32);

impl Place {
    /// A frame of an interface, with the packet that it holds, if any.
    #[must_use]
    #[inline]
    pub fn of(interface: u32, ip: Option<&IpPacket<'_>>) -> Self {
        let is_numbered =
            |ip: &&IpPacket<'_>| ip.identification != 0 || ip.protocol == protocol::TCP;
        let hops = ip.filter(is_numbered).map_or(0, |ip| ip.hops);
        Self(interface << 8 | u32::from(hops))
    }

    const fn interface(self) -> u32 {
        self.0 >> 8
    }

    /// Whether a router passed the packet on between the two places; not where either count is not known.
    const fn is_hop_from(self, other: Self) -> bool {
        let (here, there) = (self.0 & 0xff, other.0 & 0xff);
        here != there && here != 0 && there != 0
    }
}

/// A packet that repeats another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repetition {
    /// Where it was seen again.
    pub kind: DuplicateKind,
    /// What was noted of the packet that it repeats.
    pub note: Option<NonZeroU32>,
    /// A router passed it on in between.
    pub is_forwarded: bool,
}

/// Where a packet was seen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DuplicateKind {
    /// At the same interface: a mirror port that sees the packet at two ports.
    SameInterface,
    /// At another one: a capture at several components of a host.
    OtherInterface,
    /// In another capture, which was taken at the same time.
    OtherCapture,
}

impl DuplicateKind {
    /// The kind as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SameInterface => "duplicate_packet",
            Self::OtherInterface => "duplicate_at_other_interface",
            Self::OtherCapture => "other_capture",
        }
    }
}

impl Default for Duplicates {
    fn default() -> Self {
        // No packet has the number of a place that was never taken within one round of the ring.
        Self {
            ring: vec![Seen::default(); RING],
            next: RING_LENGTH,
            latest: vec![0; RING],
            bytes: Recent::default(),
        }
    }
}

impl Duplicates {
    /// Takes the next packet, by what is behind its IP headers, or a frame without one; shows which
    /// it repeats.
    #[inline]
    pub fn observe(
        &mut self,
        Identity(identity): Identity,
        bytes: &[u8],
        time: Timestamp,
        at_place: Place,
    ) -> Option<Repetition> {
        let time = low(microseconds(time));
        let place = place(identity >> 32);
        let latest = *self.latest.get(place)?;
        let (mut at, mut alike) = (latest, 0);
        while let Some(known) = self.remembered(at) {
            at = known.before;
            if known.identity != identity {
                continue;
            }
            // Heads may be made equal at will; a copy comes soon after its original.
            if !is_soon(known.time, time) || alike >= MOST_ALIKE {
                break;
            }
            alike += 1;
            if self.bytes.are(known.kept, bytes) {
                let kind = if known.place.interface() == at_place.interface() {
                    DuplicateKind::SameInterface
                } else {
                    DuplicateKind::OtherInterface
                };
                let is_forwarded = at_place.is_hop_from(known.place);
                return Some(Repetition { kind, note: known.note, is_forwarded });
            }
        }
        let kept = self.bytes.keep(bytes);
        let seen = Seen { identity, time, place: at_place, before: latest, kept, note: None };
        *self.ring.get_mut(place_of(self.next))? = seen;
        *self.latest.get_mut(place)? = self.next;
        self.next = self.next.wrapping_add(1);
        None
    }

    /// Reads what a packet's record leads to, so that it is at hand when the packet comes.
    #[must_use]
    pub fn expect(&self, identity: Identity) -> u64 {
        let latest = self.latest.get(place(identity.0 >> 32)).copied().unwrap_or_default();
        self.ring.get(place_of(latest)).map_or(0, |seen| seen.identity)
    }

    /// Notes something of the last packet that repeated none.
    pub fn note(&mut self, note: NonZeroU32) {
        if let Some(last) = self.ring.get_mut(place_of(self.next.wrapping_sub(1))) {
            last.note = Some(note);
        }
    }

    /// The packet of that number, while the ring holds it.
    fn remembered(&self, number: u32) -> Option<&Seen> {
        let age = self.next.wrapping_sub(number);
        let is_held = (1..RING_LENGTH).contains(&age);
        self.ring.get(place_of(number)).filter(|_| is_held)
    }
}

/// The bytes of the last packets, in a ring.
#[derive(Debug)]
struct Recent {
    ring: Vec<u8>,
    /// How many bytes were ever kept or skipped, on a circle of 4 GiB.
    passed: u32,
}

/// Where bytes were kept: by what had passed before them.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    at: u32,
    len: u32,
}

impl Default for Recent {
    fn default() -> Self {
        Self { ring: vec![0; OCTETS], passed: 0 }
    }
}

impl Recent {
    /// Keeps bytes until the ring comes round; a packet is not cut at its end.
    #[inline]
    fn keep(&mut self, bytes: &[u8]) -> Kept {
        let bytes = bytes.get(..OCTETS / 4).unwrap_or(bytes);
        let len = u32::try_from(bytes.len()).unwrap_or_default();
        let left = OCTETS - self.place(self.passed);
        if bytes.len() > left {
            self.passed = self.passed.wrapping_add(u32::try_from(left).unwrap_or_default());
        }
        let at = self.passed;
        let place = self.place(at);
        if let Some(room) = self.ring.get_mut(place..place + bytes.len()) {
            room.copy_from_slice(bytes);
        }
        self.passed = at.wrapping_add(len);
        Kept { at, len }
    }

    /// Whether the bytes kept there are still there and these; of packets of which one was cut
    /// shorter, as far as both go.
    fn are(&self, kept: Kept, bytes: &[u8]) -> bool {
        let place = self.place(kept.at);
        let known = self.ring.get(place..place + kept.len as usize).unwrap_or_default();
        let (shorter, longer) =
            if known.len() < bytes.len() { (known, bytes) } else { (bytes, known) };
        let is_there = self.passed.wrapping_sub(kept.at) as usize <= OCTETS;
        is_there && longer.starts_with(shorter)
    }

    const fn place(&self, at: u32) -> usize {
        at as usize % OCTETS
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

/// What the copies of one packet share, in a number that no other packet can be made to have: it is made with
/// secrets of this run, and never leaves it.
///
/// The numbers of packets are those of NH (Black, Halevi, Krawczyk, Krovetz and Rogaway, "UMAC: Fast and Secure
/// Message Authentication", 1999, with words of 64 bits), brought to 64 bits by multiplying and shifting (Dietzfelbinger,
/// "Universal hashing and k-wise independent random variables via integer arithmetic without primes", 1996): two
/// packets that differ have the same with a chance of 2⁻⁶³ at the most, anyone who chose them, as long as the keys are
/// secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(u64);

static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Keys that are drawn for this run, each a SipHash under [`SECRET`].
struct Keys {
    of_words: [u64; WORDS],
    of_halves: [u128; 2],
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let key = |at: usize| SECRET.hash_one(("key", at));
    let long = |at: usize| u128::from(key(at)) << 64 | u128::from(key(at + 1));
    Keys { of_words: std::array::from_fn(key), of_halves: [long(WORDS), long(WORDS + 2)] }
});

/// That of a frame without an IP packet, by its first bytes.
#[must_use]
pub fn identity_of_frame(data: &[u8]) -> Identity {
    let mut hasher = SECRET.build_hasher();
    hasher.write(data.get(..SHORTEST_FRAME).unwrap_or(data));
    Identity(hasher.finish())
}

/// That of an IP packet: all but hop count, checksum of the IP header, and link.
#[must_use]
#[inline]
pub fn identity(ip: &IpPacket<'_>) -> Identity {
    let offset = ip.fragment.map_or(u64::from(u16::MAX), |fragment| u64::from(fragment.offset));
    let from_a = u64::from(ip.direction == Direction::AToB) << 63;
    let addresses = ip.pair.of_v4();
    let is_v4 = u64::from(addresses.is_some()) << 62;
    let numbers =
        from_a | is_v4 | u64::from(ip.protocol) | u64::from(ip.identification) << 8 | offset << 24;
    let compared = ip.segment.get(..COMPARED).unwrap_or(ip.segment);
    let lengths = (ip.packet_len as u64) << 8 | compared.len() as u64;
    let [s0, s1, s2, s3, s4] = words_of(compared);
    match addresses {
        Some((a, b)) => {
            let pair = u64::from(a.to_bits()) << 32 | u64::from(b.to_bits());
            Identity(nh(&[numbers, lengths, s0, s1, s2, s3, s4, pair]))
        }
        None => {
            let halves = |address: IpAddr| match address {
                IpAddr::V4(v4) => [u64::MAX, u64::from(v4.to_bits())],
                IpAddr::V6(v6) => {
                    let [high, low] = *v6.octets().as_chunks::<8>().0 else { return [0; 2] };
                    [u64::from_be_bytes(high), u64::from_be_bytes(low)]
                }
            };
            let ([a0, a1], [b0, b1]) = (halves(ip.pair.a()), halves(ip.pair.b()));
            Identity(nh(&[numbers, lengths, s0, s1, s2, s3, s4, a0, a1, b0, b1, 0]))
        }
    }
}

/// The words of bytes, zeros behind the last of them.
#[inline]
fn words_of(bytes: &[u8]) -> [u64; COMPARED / 8] {
    let mut words = [0; COMPARED / 8];
    let (chunks, rest) = bytes.as_chunks::<8>();
    words.iter_mut().zip(chunks).for_each(|(word, chunk)| *word = u64::from_le_bytes(*chunk));
    let Some(word) = words.get_mut(chunks.len()).filter(|_| !rest.is_empty()) else { return words };
    *word = match bytes.last_chunk::<8>() {
        // What is before the rest is shifted out.
        Some(last) => u64::from_le_bytes(*last) >> (64 - 8 * rest.len()),
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    words
}

/// The sum of the products of two words each, all of them with their keys added, in 64 bits. Fewer words are as
/// many with zeros behind them, but for a number that depends on the keys alone.
#[inline]
fn nh<const LENGTH: usize>(words: &[u64; LENGTH]) -> u64 {
    const { assert!(LENGTH.is_multiple_of(2) && LENGTH <= WORDS) };
    let Keys { of_words, of_halves: [of_high, of_low] } = &*KEYS;
    let pairs = words.as_chunks::<2>().0.iter().zip(of_words.as_chunks::<2>().0);
    let products = pairs.map(|([one, other], [key, next])| {
        u128::from(one.wrapping_add(*key)) * u128::from(other.wrapping_add(*next))
    });
    let sum = products.fold(0, u128::wrapping_add);
    let (high, low) = (sum >> 64, sum & u128::from(u64::MAX));
    let mixed = of_high.wrapping_mul(high).wrapping_add(of_low.wrapping_mul(low));
    u64::try_from(mixed >> 64).unwrap_or_default()
}

/// Whether so many repetitions of so many packets mean that the capture shows them more than once:
/// nearly each of them, and each about as often as there are places. What a sender repeats by itself is
/// repeated any number of times.
#[must_use]
pub const fn is_rule(repetitions: u64, packets: u64) -> bool {
    let is_of_nearly_all = repetitions.saturating_mul(5) >= packets.saturating_mul(4);
    repetitions >= FEWEST && is_of_nearly_all && repetitions <= packets.saturating_mul(MOST_PLACES)
}

/// A busy gigabit has some ten thousand packets in the time that is compared.
const RING: usize = 1 << 14;
const RING_LENGTH: u32 = 1 << 14;
/// In microseconds. Two ports of one switch, or two components of one host, are not further apart; retransmission
/// timers of TCP and IKE are longer.
const SOON: u32 = 10_000;
/// Ports, sequence numbers, checksum and the first data; of ESP the SPI, number and vector.
const COMPARED: usize = 40;
/// Words of what is known of a packet of IPv6, the longer ones.
const WORDS: usize = 12;
/// An Ethernet frame without its check sequence; ARP fills no more.
const SHORTEST_FRAME: usize = 60;
/// Fewer may be chance.
const FEWEST: u64 = 8;
/// Mirrored ports, or components of a host, that show a packet beside the first.
const MOST_PLACES: u64 = 4;
/// Packets with an equal head whose bytes are compared.
const MOST_ALIKE: u32 = 8;
/// What ten gigabits a second bring in three milliseconds. A packet whose bytes are gone is not taken for
/// a repeated one.
const OCTETS: usize = 1 << 22;

#[cfg(test)]
mod tests;
