//! Records found by their keys: an open table of their numbers, probed one by one.
//!
//! The records lie elsewhere, one behind the other; here each takes eight bytes, four of them of its hash, so that
//! the table stays in the cache when there are many and one look nearly always shows whether a record is the right
//! one. Where a record probably is can be asked for without looking at it, so that many are fetched together.
//! Evidence chooses the keys, so each table has a seed of its own, drawn anew in each run. The seed decides where a
//! number is looked for and nothing else.

use foldhash::quality::RandomState;
use std::hash::{BuildHasher as _, Hash};

/// The numbers of records.
#[derive(Debug)]
pub(super) struct Index {
    seed: Seed,
    /// A power of two of them, at most three quarters filled.
    entries: Vec<Entry>,
    filled: usize,
}

/// What makes the places of one table.
#[derive(Clone, Debug, Default)]
pub(super) struct Seed(RandomState);

/// A key's place, different in each table and each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u64);

/// The upper half of a hash, and the number of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    tag: u32,
    number: u32,
}

impl Entry {
    const EMPTY: Self = Self { tag: 0, number: NO_RECORD };

    const fn is_empty(self) -> bool {
        self.number == NO_RECORD
    }
}

/// The number that no record has.
pub(super) const NO_RECORD: u32 = u32::MAX;

impl Default for Index {
    fn default() -> Self {
        Self { seed: Seed::default(), entries: vec![Entry::EMPTY; FEWEST], filled: 0 }
    }
}

impl Index {
    /// Where a key is looked for.
    pub(super) fn place(&self, key: &impl Hash) -> Place {
        self.seed.place(key)
    }

    /// What makes the places, for [`Self::insert`].
    pub(super) fn seed(&self) -> Seed {
        self.seed.clone()
    }

    /// The number of the record at that place of which `is` says that it has the key.
    pub(super) fn find(&self, place: Place, is: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = place.tag();
        let mut at = self.home(place);
        // A quarter is empty, so that every search ends.
        while let Some(entry) = self.entries.get(at).filter(|entry| !entry.is_empty()) {
            if entry.tag == tag && is(entry.number) {
                return Some(entry.number);
            }
            at = self.next(at);
        }
        None
    }

    /// The number of the record that is probably the one; [`NO_RECORD`] where none is.
    pub(super) fn guess(&self, place: Place) -> u32 {
        let home = self.home(place);
        let tag = place.tag();
        let probable = [home, self.next(home)].into_iter().filter_map(|at| self.entries.get(at));
        probable.filter(|it| it.tag == tag).map(|it| it.number).next().unwrap_or(NO_RECORD)
    }

    /// Adds a record; `place_of` gives the place of one that is there.
    pub(super) fn insert(&mut self, place: Place, number: u32, place_of: impl Fn(u32) -> Place) {
        if (self.filled + 1) * 4 > self.entries.len() * 3 {
            let larger = vec![Entry::EMPTY; self.entries.len() * 2];
            let entries = std::mem::replace(&mut self.entries, larger);
            for entry in entries.into_iter().filter(|entry| !entry.is_empty()) {
                self.put(place_of(entry.number), entry);
            }
        }
        self.put(place, Entry { tag: place.tag(), number });
        self.filled += 1;
    }

    /// Forgets a record; `place_of` gives the place of one that is there.
    pub(super) fn remove(&mut self, place: Place, number: u32, place_of: impl Fn(u32) -> Place) {
        let mut at = self.home(place);
        loop {
            match self.entries.get(at) {
                Some(entry) if entry.is_empty() => return,
                Some(entry) if entry.number == number => break,
                Some(_) => at = self.next(at),
                None => return,
            }
        }
        self.filled -= 1;
        // Those behind it move up, so that no search ends before them (Knuth, TAOCP 3, 6.4 R).
        let mut hole = at;
        loop {
            at = self.next(at);
            let Some(entry) = self.entries.get(at).copied().filter(|it| !it.is_empty()) else {
                break;
            };
            let from_home = at.wrapping_sub(self.home(place_of(entry.number))) & self.mask();
            let from_hole = at.wrapping_sub(hole) & self.mask();
            if from_home >= from_hole {
                if let Some(room) = self.entries.get_mut(hole) {
                    *room = entry;
                }
                hole = at;
            }
        }
        if let Some(room) = self.entries.get_mut(hole) {
            *room = Entry::EMPTY;
        }
    }

    fn put(&mut self, place: Place, entry: Entry) {
        let mut at = self.home(place);
        while self.entries.get(at).is_some_and(|it| !it.is_empty()) {
            at = self.next(at);
        }
        if let Some(room) = self.entries.get_mut(at) {
            *room = entry;
        }
    }

    const fn mask(&self) -> usize {
        self.entries.len() - 1
    }

    fn home(&self, place: Place) -> usize {
        usize::try_from(place.0).unwrap_or_default() & self.mask()
    }

    const fn next(&self, at: usize) -> usize {
        (at + 1) & self.mask()
    }
}

/// The records that were asked for last, by a word of their keys: most packets belong to flows that had one a moment
/// ago, and with few flows all of them are here. What is found is a guess, which the key confirms.
#[derive(Debug)]
pub(super) struct Recent(Box<[u32; RECENT]>);

impl Default for Recent {
    fn default() -> Self {
        Self(Box::new([NO_RECORD; RECENT]))
    }
}

impl Recent {
    /// The place of a word, whose lower and upper bits both distinguish keys.
    #[inline]
    fn place(word: u64) -> usize {
        // Knuth, TAOCP 3, 6.4: the upper bits of a product with the golden ratio.
        let product = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(product >> (64 - RECENT.ilog2())).unwrap_or_default()
    }

    /// The number of the record with that word that was asked for last.
    #[inline]
    pub(super) fn guess(&self, word: u64) -> u32 {
        self.0.get(Self::place(word)).copied().unwrap_or(NO_RECORD)
    }

    /// Remembers the number of a record.
    #[inline]
    pub(super) fn remember(&mut self, word: u64, number: u32) {
        if let Some(place) = self.0.get_mut(Self::place(word)) {
            *place = number;
        }
    }
}

impl Seed {
    /// Where a key is looked for.
    pub(super) fn place(&self, key: &impl Hash) -> Place {
        Place(self.0.hash_one(key))
    }
}

impl Place {
    /// What is compared before a record is.
    fn tag(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or_default()
    }
}

/// Records that are found without a search: four kilobytes of the first-level cache.
const RECENT: usize = 1024;
/// Entries of a table that is new.
const FEWEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::{Direction, HostPair};
    use crate::protection::{EspSpi, Stream};
    use foldhash::fast::FixedState;
    use std::collections::BTreeSet;
    use std::hash::BuildHasher;

    /// Two addresses that made every SPI fall on one number under the fixed seed of foldhash 0.2.
    fn chosen_against_a_fixed_seed() -> Vec<(HostPair, Stream)> {
        let pair = HostPair::new([8, 0x2e, 0xfa, 0x98].into(), [0xec, 0x4e, 0x6c, 0x89].into());
        let stream = |spi| Stream::Esp(EspSpi(spi), Direction::AToB);
        (0x10000..0x12000).map(|spi| (pair, stream(spi))).collect()
    }

    #[test]
    fn keys_chosen_against_a_fixed_seed_are_spread() {
        let keys = chosen_against_a_fixed_seed();
        let old = FixedState::default();
        let of_old: BTreeSet<u64> = keys.iter().map(|key| old.hash_one(key)).collect();
        assert!(of_old.len() < 10, "the attack no longer shows what it is for: {}", of_old.len());
        for _ in 0..3 {
            let index = Index::default();
            let places: Vec<Place> = keys.iter().map(|key| index.place(key)).collect();
            let spread: BTreeSet<u64> = places.iter().map(|place| place.0).collect();
            assert!(spread.len() > keys.len() * 9 / 10, "{}", spread.len());
            let tags: BTreeSet<u32> = places.iter().map(|place| place.tag()).collect();
            assert!(tags.len() > keys.len() * 9 / 10, "{}", tags.len());
            let homes: BTreeSet<u64> = places.iter().map(|place| place.0 % 0x2000).collect();
            assert!(homes.len() > keys.len() / 2, "{}", homes.len());
        }
    }

    fn is(key: u64) -> impl Fn(u32) -> bool {
        move |number: u32| u64::from(number).wrapping_mul(number.into()) == key
    }

    #[test]
    fn a_record_is_found_until_it_is_removed() {
        let mut index = Index::default();
        let keys: Vec<u64> = (0..10_000).map(|key: u64| key.wrapping_mul(key)).collect();
        let seed = index.seed();
        let place_of = |number: u32| seed.place(&keys[number as usize]);
        for number in 0..10_000 {
            let key = keys[number as usize];
            assert_eq!(index.find(seed.place(&key), is(key)), None);
            index.insert(seed.place(&key), number, place_of);
        }
        let guessed = (0..10_000).filter(|number| index.guess(place_of(*number)) == *number);
        assert!(guessed.count() > 5_000);
        for number in (0..10_000).filter(|number| number % 3 == 0) {
            index.remove(place_of(number), number, place_of);
        }
        for number in 0..10_000 {
            let found = index.find(place_of(number), is(keys[number as usize]));
            assert_eq!(found, (number % 3 != 0).then_some(number));
            if number % 3 != 0 {
                index.remove(place_of(number), number, place_of);
            }
        }
        assert!(index.entries.iter().all(|entry| entry.is_empty()) && index.filled == 0);
    }
}
