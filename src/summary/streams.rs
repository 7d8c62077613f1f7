//! The runs of every pair and stream, and what is kept beside them, found by one look a packet.

use super::spi::SpiEvidence;
use super::timeline::{Interleaving, Runs};
use crate::hosts::HostPair;
use crate::protection::{ProtectionClass, Stream};
use std::collections::{BTreeMap, HashMap};

/// A stream of a pair.
pub(super) type Key = (HostPair, Stream);

/// All streams of a capture, in the order in which they were first seen.
#[derive(Debug)]
pub(super) struct Streams {
    index: HashMap<Key, usize, foldhash::fast::FixedState>,
    slots: Vec<Slot>,
    pair_index: HashMap<HostPair, usize, foldhash::fast::FixedState>,
    pairs: Vec<Interleaving>,
    /// The streams of the last packets: most packets follow another of theirs.
    recent: Vec<usize>,
    /// The stream that was asked for last.
    last: usize,
}

/// One stream of one pair.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) key: Key,
    /// [`Stream::word`], which is compared sooner than the stream.
    word: u64,
    pub(super) runs: Runs,
    pub(super) esp: Option<Box<SpiEvidence>>,
    pair: usize,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            index: HashMap::default(),
            slots: Vec::new(),
            pair_index: HashMap::default(),
            pairs: Vec::new(),
            recent: vec![0; RECENT],
            last: 0,
        }
    }
}

impl Slot {
    fn is(&self, pair: HostPair, word: u64) -> bool {
        self.word == word && self.key.0 == pair
    }
}

impl Streams {
    /// Whether a packet of the stream was seen.
    pub(super) fn contains(&self, key: &Key) -> bool {
        self.index.contains_key(key)
    }

    /// The stream, and what lies between the packets of its pair.
    pub(super) fn of(&mut self, key: Key) -> (&mut Slot, &mut Interleaving) {
        let word = key.1.word();
        if self.slots.get(self.last).is_none_or(|slot| !slot.is(key.0, word)) {
            self.last = self.look_up(key, word);
        }
        let slot = &mut self.slots[self.last];
        let pair = &mut self.pairs[slot.pair];
        (slot, pair)
    }

    fn look_up(&mut self, key: Key, word: u64) -> usize {
        // A look that misses costs the index's own, so a cheap mix will do (Knuth's multiplicative).
        let mixed = (key.0.word() ^ word.rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let [high, low, ..] = mixed.to_be_bytes();
        let recent = &mut self.recent[usize::from(u16::from_be_bytes([high, low])) % RECENT];
        if self.slots.get(*recent).is_none_or(|slot| !slot.is(key.0, word)) {
            *recent = *self.index.entry(key).or_insert_with(|| {
                let pair = *self.pair_index.entry(key.0).or_insert_with(|| {
                    self.pairs.push(Interleaving::default());
                    self.pairs.len() - 1
                });
                self.slots.push(Slot { key, word, runs: Runs::default(), esp: None, pair });
                self.slots.len() - 1
            });
        }
        *recent
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
            let weight = &mut weights[slot.pair];
            *weight = (weight.0 + slot.runs.frames(), weight.1 || is_ipsec);
        }
        let mut by_weight: Vec<(HostPair, usize)> =
            self.pair_index.iter().map(|(pair, at)| (*pair, *at)).collect();
        let half = by_weight.len() / 2;
        if half == 0 {
            return (0, Vec::new());
        }
        by_weight.select_nth_unstable_by_key(half, |(pair, at)| (weights[*at], *pair));
        let mut is_folded = vec![false; self.pairs.len()];
        by_weight.iter().take(half).for_each(|(_, at)| is_folded[*at] = true);
        let before = std::mem::take(self);
        let mut gone = Vec::new();
        let mut pairs: Vec<Option<Interleaving>> = before.pairs.into_iter().map(Some).collect();
        for slot in before.slots {
            if is_folded[slot.pair] {
                gone.push(slot);
                continue;
            }
            let between = pairs.get_mut(slot.pair).and_then(Option::take);
            let (kept, of_pair) = self.of(slot.key);
            (kept.runs, kept.esp) = (slot.runs, slot.esp);
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
        self.pairs.get(*self.pair_index.get(&pair)?)
    }

    /// The streams, as they were first seen.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Runs)> {
        self.slots.iter().map(|slot| (&slot.key, &slot.runs))
    }

    /// The streams and the pairs.
    pub(super) fn into_parts(self) -> (Vec<Slot>, BTreeMap<HostPair, Interleaving>) {
        let mut pairs = self.pairs;
        let taken = self
            .pair_index
            .into_iter()
            .map(|(pair, at)| (pair, pairs.get_mut(at).map(std::mem::take).unwrap_or_default()));
        let by_pair = taken.collect();
        (self.slots, by_pair)
    }
}

/// They fit the first-level cache.
const RECENT: usize = 2048;
