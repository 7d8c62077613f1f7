//! The same datagram captured twice on a host: inside ESP, and again after decapsulation.
//!
//! Linux shows an inbound packet to captures when it arrives and once more when IPsec has
//! decrypted it. The second is no leak. A decrypted copy is recognized by three things together: it follows its
//! ESP packet within ten milliseconds; its length is exactly what that packet can hold under one layout of
//! vector, padding and check value; and nearly every packet of the same SPI has one under that same
//! layout. A single likeness proves nothing, so the first two make a candidate only, and what the
//! SPI's other packets show decides. Packets of one size prove nothing either (two calls of one codec): the
//! lengths must differ, of the SPI itself or of another one that shows that the capture holds decrypted packets.

use super::Stream;
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use std::collections::{HashMap, VecDeque};

/// One direction of an SPI between two hosts.
pub type SpiKey = (HostPair, Stream);

/// The SPIs whose decrypted copy a plain packet may be, and the layouts under which its length fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate([Option<(SpiNumber, Layouts)>; MOST_OPTIONS]);

impl Candidate {
    /// Whether one of its SPIs is confirmed under a layout that fits.
    #[must_use]
    pub fn is_decrypted_copy(&self, confirmed: &Confirmed) -> bool {
        self.inside_of(confirmed).next().is_some()
    }

    /// The confirmed SPIs that hold it.
    pub fn inside_of(&self, confirmed: &Confirmed) -> impl Iterator<Item = SpiKey> {
        let options = self.0.iter().flatten();
        options.filter_map(|(spi, layouts)| {
            let (sa, agreed) = confirmed.0.get(spi.0 as usize)?;
            layouts.meets(*agreed).then_some(*sa)
        })
    }
}

/// The number of an SPI, in the order in which SPIs were first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiNumber(u32);

/// Each SPI, and the layouts under which nearly every packet of it had a decrypted copy, by the SPI's number.
#[derive(Debug)]
pub struct Confirmed(Vec<(SpiKey, Layouts)>);

/// Whether packets of an SPI are looked through for decrypted copies; kept where the SPI's other evidence is.
#[derive(Clone, Copy, Debug, Default)]
pub enum Watched {
    /// No packet of it was shown yet.
    #[default]
    Unknown,
    /// They are.
    Under(SpiNumber),
    /// No later packet need be shown.
    NoLonger,
}

/// A set of layouts: tunnel mode in the lower half, transport mode in the upper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layouts(u64);

impl Layouts {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Those of them that are not in the other set.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of them is in the other set.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Each of them alone.
    pub fn each(self) -> impl Iterator<Item = Self> {
        (0..u64::BITS).map(move |bit| Self(self.0 & 1 << bit)).filter(|one| *one != Self::NONE)
    }
}

/// Remembers the last ESP packets, and how many of each SPI had a likely decrypted copy.
#[derive(Debug, Default)]
pub struct DecryptedCopies {
    recent: VecDeque<Encapsulated>,
    lengths: Lengths,
    numbers: HashMap<SpiKey, SpiNumber, foldhash::fast::RandomState>,
    tallies: Vec<Tally>,
    /// Further SPIs, for which no copies are looked for.
    unwatched: u64,
}

#[derive(Debug)]
struct Encapsulated {
    time: Timestamp,
    pair: HostPair,
    spi: SpiNumber,
    length: usize,
    /// Layouts under which a plain packet was already found for it.
    taken: Layouts,
}

#[derive(Debug)]
struct Tally {
    sa: SpiKey,
    packets: u32,
    votes: [u32; LAYOUTS],
    /// One bit for each length of ESP that a plain packet fitted, in words modulo 64.
    lengths: u64,
    /// Looking on would find nothing.
    hopeless: bool,
}

/// How many of the remembered ESP packets have a length in each of a few ranges, so that a plain packet that
/// none of them can hold is let go at once.
#[derive(Debug)]
struct Lengths {
    counts: [u8; 64],
    /// One bit for each range that any of them is in.
    any: u64,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { counts: [0; 64], any: 0 }
    }
}

impl Lengths {
    /// Ranges of 32 bytes; the last one has no end.
    fn range(length: usize) -> usize {
        (length / 32).min(63)
    }

    fn add(&mut self, length: usize) {
        if let Some(count) = self.counts.get_mut(Self::range(length)) {
            *count += 1;
        }
        self.any |= 1 << Self::range(length);
    }

    fn remove(&mut self, length: usize) {
        let Some(count) = self.counts.get_mut(Self::range(length)) else { return };
        *count -= 1;
        if *count == 0 {
            self.any &= !(1 << Self::range(length));
        }
    }

    /// Whether a packet may be there that can hold a plain one.
    fn may_hold(&self, lengths: PlainLengths) -> bool {
        let least = lengths.segment.min(lengths.packet) + LEAST_OVERHEAD;
        let most = lengths.segment.max(lengths.packet) + MOST_OVERHEAD;
        let (from, to) = (Self::range(least), Self::range(most));
        let up_to = u64::MAX >> (63 - to);
        self.any & up_to & (u64::MAX << from) != 0
    }
}

/// A plain packet's lengths on the wire.
#[derive(Clone, Copy, Debug)]
pub struct PlainLengths {
    /// The whole IP packet: what tunnel mode encapsulates.
    pub packet: usize,
    /// What is behind its IP headers: what transport mode encapsulates.
    pub segment: usize,
}

impl PlainLengths {
    /// Whether an ESP packet of so many bytes from the SPI on, between the same two hosts, can hold it and no more.
    #[must_use]
    pub fn fits(self, esp: usize) -> bool {
        self.layouts(esp, true) != Layouts::NONE
    }

    /// The layouts under which an ESP packet of so many bytes from the SPI on holds it and no more: transport mode only
    /// between the same two hosts.
    #[must_use]
    pub fn layouts(self, esp: usize, same_hosts: bool) -> Layouts {
        fitting(esp, self, same_hosts)
    }
}

impl DecryptedCopies {
    /// How many SPIs are not watched because there are too many.
    #[must_use]
    pub const fn unwatched(&self) -> u64 {
        self.unwatched
    }

    /// Reads the record of an SPI, so that it is at hand when its next packet comes.
    #[must_use]
    pub fn expect(&self, watched: Watched) -> u64 {
        match watched {
            Watched::Under(number) => {
                self.tallies.get(number.0 as usize).map_or(0, |tally| tally.packets.into())
            }
            Watched::Unknown | Watched::NoLonger => 0,
        }
    }

    /// Takes an ESP packet of `length` bytes from its SPI on.
    #[inline]
    pub fn encapsulated(
        &mut self,
        spi: SpiKey,
        watched: &mut Watched,
        time: Timestamp,
        length: usize,
    ) {
        let number = match *watched {
            Watched::NoLonger => return,
            Watched::Under(number) => Some(number),
            Watched::Unknown => self.number(spi),
        };
        let tally = number.and_then(|number| self.tallies.get_mut(number.0 as usize));
        let (Some(number), Some(tally)) = (number, tally.filter(|tally| !tally.hopeless)) else {
            *watched = Watched::NoLonger;
            return;
        };
        *watched = Watched::Under(number);
        tally.count();
        if self.recent.len() >= MOST_RECENT {
            self.forget_first();
        }
        self.lengths.add(length);
        let taken = Layouts(0);
        self.recent.push_back(Encapsulated { time, pair: spi.0, spi: number, length, taken });
    }

    /// The number of an SPI; none where there are too many.
    fn number(&mut self, spi: SpiKey) -> Option<SpiNumber> {
        if let Some(number) = self.numbers.get(&spi) {
            return Some(*number);
        }
        if self.tallies.len() >= MOST_SPIS {
            self.unwatched += 1;
            return None;
        }
        let number = SpiNumber(u32::try_from(self.tallies.len()).ok()?);
        self.numbers.insert(spi, number);
        self.tallies.push(Tally {
            sa: spi,
            packets: 0,
            votes: [0; LAYOUTS],
            lengths: 0,
            hopeless: false,
        });
        Some(number)
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.recent.pop_front() {
            self.lengths.remove(first.length);
        }
    }

    /// Takes a plain packet of a pair in one direction; returns the SPIs whose decrypted copy it may be.
    #[inline]
    pub fn plain(
        &mut self,
        pair: HostPair,
        time: Timestamp,
        lengths: PlainLengths,
    ) -> Option<Candidate> {
        while self.recent.front().is_some_and(|e| time.since(e.time) > SOON) {
            self.forget_first();
        }
        if !self.lengths.may_hold(lengths) {
            return None;
        }
        self.find(pair, time, lengths)
    }

    /// Looks through the remembered ESP packets.
    fn find(
        &mut self,
        pair: HostPair,
        time: Timestamp,
        lengths: PlainLengths,
    ) -> Option<Candidate> {
        let mut options: [Option<(SpiNumber, Layouts)>; MOST_OPTIONS] = [None; MOST_OPTIONS];
        for packet in self.recent.iter_mut().filter(|packet| packet.time <= time) {
            let fitting = fitting(packet.length, lengths, packet.pair == pair).0 & !packet.taken.0;
            let free = |o: &&mut Option<(SpiNumber, _)>| o.is_none_or(|(spi, _)| spi == packet.spi);
            let Some(option) = options.iter_mut().find(free).filter(|_| fitting != 0) else {
                continue;
            };
            // Packets leave IPsec in the order in which they came: under each layout it is the
            // decrypted copy of the oldest that fits and has none.
            let (_, layouts) = option.get_or_insert((packet.spi, Layouts(0)));
            packet.taken.0 |= fitting & !layouts.0;
            layouts.0 |= fitting;
            if let Some(tally) = self.tallies.get_mut(packet.spi.0 as usize) {
                tally.lengths |= 1 << (packet.length / 4 % 64);
            }
        }
        for option in &mut options {
            let Some((spi, layouts)) = option else { continue };
            let Some(tally) = self.tallies.get_mut(spi.0 as usize) else { continue };
            for (bit, votes) in tally.votes.iter_mut().enumerate() {
                *votes += u32::from(layouts.0 >> bit & 1 == 1);
            }
            // Once the SPI's packets agree, only that layout makes a candidate: fewer kinds to keep.
            if tally.packets >= ENOUGH_TO_TELL {
                layouts.0 &= tally.likely().0;
            }
            if *layouts == Layouts(0) {
                *option = None;
            }
        }
        options.iter().any(Option::is_some).then_some(Candidate(options))
    }

    /// The SPIs of which nearly every packet had a decrypted copy, with the layouts under which it had.
    #[must_use]
    pub fn confirmed(self) -> Confirmed {
        let varies = |tally: &Tally| tally.lengths.count_ones() >= FEWEST_LENGTHS;
        let is_proven = self.tallies.iter().any(|t| varies(t) && t.agreed() != Layouts(0));
        let layouts = |tally: &Tally| if is_proven { tally.agreed() } else { Layouts(0) };
        Confirmed(self.tallies.iter().map(|tally| (tally.sa, layouts(tally))).collect())
    }
}

impl Tally {
    /// Layouts under which four of five packets had a decrypted copy, and enough packets to show.
    fn agreed(&self) -> Layouts {
        self.layouts_with(|votes, packets| votes >= FEWEST_TWINS.into() && votes * 5 >= packets * 4)
    }

    /// Layouts that may still come to that: packets in flight have no decrypted copy yet.
    fn likely(&self) -> Layouts {
        self.layouts_with(|votes, packets| votes * 2 >= packets)
    }

    /// Counts a packet; now and then looks whether any layout is still likely.
    fn count(&mut self) {
        self.packets = self.packets.saturating_add(1);
        if self.packets.is_multiple_of(ENOUGH_TO_TELL) {
            self.hopeless = self.likely() == Layouts(0);
        }
    }

    fn layouts_with(&self, enough: impl Fn(u64, u64) -> bool) -> Layouts {
        let votes = self.votes.iter().enumerate();
        let bits = votes.filter(|(_, votes)| enough((**votes).into(), self.packets.into()));
        Layouts(bits.fold(0, |set, (bit, _)| set | 1 << bit))
    }
}

/// The layouts under which an ESP packet of `esp` bytes can hold a plain one (RFC 4303 §2): SPI and
/// sequence number 8, vector, payload, padding to a multiple of the block with two bytes of
/// trailer, check value.
fn fitting(esp: usize, plain: PlainLengths, same_pair: bool) -> Layouts {
    let mut set = fitting_mode(esp, plain.packet);
    if same_pair {
        set |= fitting_mode(esp, plain.segment) << (LAYOUTS / 2);
    }
    Layouts(set)
}

fn fitting_mode(esp: usize, inner: usize) -> u64 {
    let Some(overhead) = esp.checked_sub(inner) else { return 0 };
    if !(LEAST_OVERHEAD..=MOST_OVERHEAD).contains(&overhead) {
        return 0;
    }
    let mut set = 0;
    let mut bit = 0;
    for block in BLOCKS {
        let padded = (inner + 2).div_ceil(block) * block;
        for fixed in FIXED {
            set |= u64::from(esp == fixed + padded) << bit;
            bit += 1;
        }
    }
    set
}

/// Padding is to 4 bytes at the least (RFC 4303 §2.4), to the cipher's block of 8 or 16 else.
const BLOCKS: [usize; 3] = [4, 8, 16];
/// SPI and sequence number, a vector of 0, 8 or 16, a check value of 8, 12, 16, 24 or 32.
const FIXED: [usize; 9] = [16, 20, 24, 28, 32, 36, 40, 48, 56];
const LAYOUTS: usize = 2 * BLOCKS.len() * FIXED.len();
const LEAST_OVERHEAD: usize = 18;
const MOST_OVERHEAD: usize = 56 + 2 + 15;
/// Decryption takes microseconds; under load the decrypted copy waits for its turn.
const SOON: Span = Span::from_millis(10);
const MOST_RECENT: usize = 128;
/// SPIs whose decrypted copy one packet may be: both directions, and both again while one is replaced.
const MOST_OPTIONS: usize = 4;
/// SPIs whose packets are looked through for decrypted copies; the search must not grow with their number.
const MOST_SPIS: usize = 16_384;
/// Equal lengths fit each other by chance: so many different ones are none.
const FEWEST_LENGTHS: u32 = 3;
/// Eight exact fits in a row are no chance.
const FEWEST_TWINS: u32 = 8;
const ENOUGH_TO_TELL: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::Direction;
    use crate::protection::EspSpi;

    fn pair(a: &str, b: &str) -> HostPair {
        HostPair::new(a.parse().unwrap(), b.parse().unwrap())
    }

    fn spi() -> SpiKey {
        let stream = Stream::Esp(EspSpi(7), Direction::AToB);
        (pair("203.0.113.1", "203.0.113.2"), stream)
    }

    /// AES-CBC with HMAC-SHA2-256-128 in tunnel mode.
    fn encapsulating(inner: usize) -> usize {
        8 + 16 + (inner + 2).div_ceil(16) * 16 + 16
    }

    fn lengths(packet: usize) -> PlainLengths {
        PlainLengths { packet, segment: packet - 20 }
    }

    #[test]
    fn packets_that_are_all_repeated_are_decrypted_copies() {
        let (mut decrypted_copies, mut watched) = (DecryptedCopies::default(), Watched::default());
        let mut candidates = Vec::new();
        for (n, inner) in (0..40).zip((60..).step_by(37)) {
            let time = Timestamp(n * 1_000_000);
            decrypted_copies.encapsulated(spi(), &mut watched, time, encapsulating(inner));
            let inside = pair("10.1.0.1", "10.2.0.1");
            let seen = Timestamp(time.0 + 14_000);
            candidates.push(decrypted_copies.plain(inside, seen, lengths(inner)).unwrap());
        }
        let confirmed = decrypted_copies.confirmed();
        for candidate in candidates {
            assert!(candidate.is_decrypted_copy(&confirmed));
        }
    }

    #[test]
    fn clear_text_beside_esp_is_no_decrypted_copy() {
        let (mut decrypted_copies, mut watched) = (DecryptedCopies::default(), Watched::default());
        for (n, size) in (0..400).zip(0usize..) {
            let time = Timestamp(n * 1_000_000);
            let length = encapsulating(60 + (size * 71) % 1300);
            decrypted_copies.encapsulated(spi(), &mut watched, time, length);
            let leak = 60 + (size * 113) % 1300;
            let _ = decrypted_copies.plain(pair("10.1.0.9", "10.2.0.1"), time, lengths(leak));
        }
        assert!(decrypted_copies.confirmed().0.iter().all(|(_, layouts)| *layouts == Layouts(0)));
    }

    #[test]
    fn packets_of_one_size_prove_nothing() {
        let (mut decrypted_copies, mut watched) = (DecryptedCopies::default(), Watched::default());
        for n in 0..100 {
            let time = Timestamp(n * 20_000_000);
            decrypted_copies.encapsulated(spi(), &mut watched, time, encapsulating(200));
            let seen = Timestamp(time.0 + 3_000_000);
            assert!(
                decrypted_copies.plain(pair("10.1.0.9", "10.2.0.1"), seen, lengths(200)).is_some()
            );
        }
        assert!(decrypted_copies.confirmed().0.iter().all(|(_, layouts)| *layouts == Layouts(0)));
    }

    #[test]
    fn what_comes_before_or_much_later_is_no_decrypted_copy() {
        let (mut decrypted_copies, mut watched) = (DecryptedCopies::default(), Watched::default());
        let inside = pair("10.1.0.1", "10.2.0.1");
        decrypted_copies.encapsulated(
            spi(),
            &mut watched,
            Timestamp(1_000_000_000),
            encapsulating(100),
        );
        assert_eq!(decrypted_copies.plain(inside, Timestamp(999_999_999), lengths(100)), None);
        assert_eq!(decrypted_copies.plain(inside, Timestamp(1_010_000_001), lengths(100)), None);
    }
}
