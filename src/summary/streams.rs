//! The runs of every pair and stream, and what is kept beside them, found by one look a packet.

use super::index::{Index, Place, Recent};
use super::spi::SpiEvidence;
use super::timeline::{Interleaving, PacketRecord, Runs};
use crate::hosts::HostPair;
use crate::protection::decrypted_copy::Watched;
use crate::protection::{ProtectionClass, Stream};
use std::collections::BTreeMap;

/// A stream of a pair.
pub(super) type Key = (HostPair, Stream);

/// All streams of a capture, in the order in which they were first seen.
#[derive(Debug, Default)]
pub(super) struct Streams {
    index: Index,
    recent: Recent,
    slots: Vec<Slot>,
    pair_index: Index,
    pairs: Vec<(HostPair, Interleaving)>,
    /// How many streams have an SPI.
    spis: usize,
    /// The stream that was asked for last, or is expected to be asked for next.
    last: u32,
}

/// One stream of one pair.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) key: Key,
    /// [`Stream::word`], which is compared sooner than the stream.
    word: u64,
    pub(super) runs: Runs,
    pub(super) esp: Option<Box<SpiEvidence>>,
    /// Its first clear packets, one by one.
    pub(super) clear: Vec<PacketRecord>,
    pair: u32,
}

impl Slot {
    fn is(&self, pair: HostPair, word: u64) -> bool {
        self.word == word && self.key.0 == pair
    }
}

impl Streams {
    /// Whether the stream is known, or there is room for its SPI.
    pub(super) fn admits(&self, key: &Key) -> bool {
        self.spis < MOST_SPIS || !has_spi(key.1) || self.contains(key)
    }

    /// Whether a packet of the stream was seen.
    pub(super) fn contains(&self, key: &Key) -> bool {
        let word = key.1.word();
        self.find(key.0, word).is_some()
    }

    /// The stream, and what lies between the packets of its pair.
    pub(super) fn of(&mut self, key: Key) -> (&mut Slot, &mut Interleaving) {
        let word = key.1.word();
        if !self.is(self.last, key.0, word) {
            let mixed = mixed(key.0, word);
            self.last = self.recent.guess(mixed);
            if !self.is(self.last, key.0, word) {
                self.last = self.find(key.0, word).unwrap_or_else(|| self.begin(key, word));
                self.recent.remember(mixed, self.last);
            }
        }
        let slot = &mut self.slots[self.last as usize];
        let (_, pair) = &mut self.pairs[slot.pair as usize];
        (slot, pair)
    }

    /// Looks a stream up that is probably at `hint`, for [`Self::found`]; whether it is known.
    #[inline]
    pub(super) fn find_known(&mut self, (pair, stream): Key, hint: u32) -> bool {
        let word = stream.word();
        let mixed = mixed(pair, word);
        let guesses = [hint, self.recent.guess(mixed)];
        let guessed = guesses.into_iter().find(|guess| self.is(*guess, pair, word));
        let found = guessed.or_else(|| {
            let found = self.find(pair, word)?;
            self.recent.remember(mixed, found);
            Some(found)
        });
        self.last = found.unwrap_or(self.last);
        found.is_some()
    }

    /// The stream that was looked up last, and what lies between the packets of its pair.
    #[inline]
    pub(super) fn found(&mut self) -> Option<(&mut Slot, &mut Interleaving)> {
        let slot = self.slots.get_mut(self.last as usize)?;
        let (_, of_pair) = self.pairs.get_mut(slot.pair as usize)?;
        Some((slot, of_pair))
    }

    /// The stream at a place where it was, if it is there still, and what lies between the packets of its pair.
    #[inline]
    pub(super) fn at(
        &mut self,
        at: u32,
        pair: HostPair,
        word: u64,
    ) -> Option<(&mut Slot, &mut Interleaving)> {
        let slot = self.slots.get_mut(at as usize).filter(|slot| slot.is(pair, word))?;
        let (_, of_pair) = self.pairs.get_mut(slot.pair as usize)?;
        self.last = at;
        Some((slot, of_pair))
    }

    /// Expects the stream to be asked for next: `at` is where it was when the flow's last packet came, if it was
    /// the same one, and becomes where it is.
    pub(super) fn expect(&mut self, key: Key, at: &mut u32) {
        let word = key.1.word();
        if !self.is(*at, key.0, word) {
            let Some(found) = self.find(key.0, word) else { return };
            *at = found;
        }
        self.last = *at;
    }

    fn is(&self, at: u32, pair: HostPair, word: u64) -> bool {
        self.slots.get(at as usize).is_some_and(|slot| slot.is(pair, word))
    }

    fn find(&self, pair: HostPair, word: u64) -> Option<u32> {
        self.index.find(self.place(pair, word), |at| self.is(at, pair, word))
    }

    /// How many streams there are.
    pub(super) const fn len(&self) -> usize {
        self.slots.len()
    }

    /// The number of the stream that is probably at that place.
    pub(super) fn guess(&self, place: Place) -> u32 {
        self.index.guess(place)
    }

    /// Reads a stream's record; gives the number of its pair.
    pub(super) fn expect_slot(&self, at: u32, sum: &mut u64) -> Option<u32> {
        let slot = self.slots.get(at as usize)?;
        *sum ^= slot.word ^ slot.runs.expect() ^ slot.clear.len() as u64;
        Some(slot.pair)
    }

    /// Reads what a stream's record leads to; gives whether its packets may show again after decryption.
    pub(super) fn expect_behind(&self, at: u32, pair: u32, sum: &mut u64) -> Option<Watched> {
        if let Some((_, between)) = self.pairs.get(pair as usize) {
            *sum ^= between.expect();
        }
        let esp = self.slots.get(at as usize)?.esp.as_deref()?;
        *sum ^= esp.expect();
        Some(esp.watched)
    }

    /// Where a stream is looked for.
    pub(super) fn place(&self, pair: HostPair, word: u64) -> Place {
        self.index.place(&(pair, word))
    }

    #[cold]
    fn begin(&mut self, key: Key, word: u64) -> u32 {
        let pair = self.pair_number(key.0).unwrap_or_else(|| {
            let number = number_of(self.pairs.len());
            self.pairs.push((key.0, Interleaving::default()));
            let (index, pairs) = (&mut self.pair_index, &self.pairs);
            let place = index.place(&key.0);
            let seed = index.seed();
            index.insert(place, number, |at| seed.place(&pairs[at as usize].0));
            number
        });
        self.spis += usize::from(has_spi(key.1));
        let number = number_of(self.slots.len());
        let runs = Runs::default();
        self.slots.push(Slot { key, word, runs, esp: None, clear: Vec::new(), pair });
        let (place, seed, slots) = (self.place(key.0, word), self.index.seed(), &self.slots);
        let place_of = |at: u32| {
            let slot = &slots[at as usize];
            seed.place(&(slot.key.0, slot.word))
        };
        self.index.insert(place, number, place_of);
        number
    }

    fn pair_number(&self, pair: HostPair) -> Option<u32> {
        let is = |at: u32| self.pairs.get(at as usize).is_some_and(|(known, _)| *known == pair);
        self.pair_index.find(self.pair_index.place(&pair), is)
    }

    /// How many pairs there are.
    pub(super) fn pairs(&self) -> usize {
        self.pairs.len()
    }

    /// Parts with the half of the pairs that showed the fewest packets, among equals with those
    /// without IPsec first; gives how many they are and their streams. What is kept keeps its order.
    pub(super) fn fold(&mut self) -> (usize, Vec<Slot>) {
        let mut weights = vec![(0, false); self.pairs.len()];
        for slot in &self.slots {
            let is_ipsec = matches!(
                slot.key.1.class(),
                ProtectionClass::Esp
                    | ProtectionClass::EspNull
                    | ProtectionClass::Ah
                    | ProtectionClass::Ike
            );
            let weight = &mut weights[slot.pair as usize];
            *weight = (weight.0 + slot.runs.frames(), weight.1 || is_ipsec);
        }
        let mut by_weight: Vec<(HostPair, usize)> =
            self.pairs.iter().enumerate().map(|(at, (pair, _))| (*pair, at)).collect();
        let half = by_weight.len() / 2;
        if half == 0 {
            return (0, Vec::new());
        }
        by_weight.select_nth_unstable_by_key(half, |(pair, at)| (weights[*at], *pair));
        let mut is_folded = vec![false; self.pairs.len()];
        by_weight.iter().take(half).for_each(|(_, at)| is_folded[*at] = true);
        let before = std::mem::take(self);
        let mut gone = Vec::new();
        let between = before.pairs.into_iter().map(|(_, between)| Some(between));
        let mut pairs: Vec<Option<Interleaving>> = between.collect();
        for slot in before.slots {
            if is_folded[slot.pair as usize] {
                gone.push(slot);
                continue;
            }
            let between = pairs.get_mut(slot.pair as usize).and_then(Option::take);
            let (kept, of_pair) = self.of(slot.key);
            (kept.runs, kept.esp, kept.clear) = (slot.runs, slot.esp, slot.clear);
            if let Some(between) = between {
                *of_pair = between;
            }
        }
        (half, gone)
    }

    /// Adds runs of a stream.
    pub(super) fn join(&mut self, key: Key, runs: Runs) {
        self.of(key).0.runs.join(runs);
    }

    /// What lies between the packets of a pair.
    pub(super) fn pair(&self, pair: HostPair) -> Option<&Interleaving> {
        Some(&self.pairs.get(self.pair_number(pair)? as usize)?.1)
    }

    /// The streams, as they were first seen.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Runs)> {
        self.slots.iter().map(|slot| (&slot.key, &slot.runs))
    }

    /// The streams and the pairs.
    pub(super) fn into_parts(self) -> (Vec<Slot>, BTreeMap<HostPair, Interleaving>) {
        (self.slots, self.pairs.into_iter().collect())
    }
}

/// One word of a pair and a stream.
fn mixed(pair: HostPair, word: u64) -> u64 {
    pair.word() ^ word.rotate_left(23)
}

/// Whether it has an SPI of its own; later fragments have none.
const fn has_spi(stream: Stream) -> bool {
    match stream {
        Stream::Esp(spi, _) | Stream::WespIntegrityOnly(spi, _) | Stream::Ah(spi, _) => spi.0 != 0,
        Stream::Ike
        | Stream::NattKeepalive
        | Stream::Exempt(_)
        | Stream::Clear { .. }
        | Stream::Undecodable(_) => false,
    }
}

/// SPIs of a capture that are distinguished: each costs some 1.5 kB until the report is written.
const MOST_SPIS: usize = 262_144;

/// Memory holds fewer streams.
fn number_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
