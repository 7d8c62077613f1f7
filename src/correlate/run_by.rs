//! Runs of a pair by a key, in order of the keys.
//!
//! Nearly every pair has one or two of them; a node of a `BTreeMap` would hold room for eleven, 1.3 kB a pair.

use crate::summary::ClassRun;

/// One run for each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunBy<K>(Vec<(K, ClassRun)>);

impl<K> Default for RunBy<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord + Copy> RunBy<K> {
    /// The run of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&ClassRun> {
        let at = self.0.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
        self.0.get(at).map(|(_, run)| run)
    }

    /// Whether there is a run of a key.
    #[must_use]
    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &ClassRun)> {
        self.0.iter().map(|(key, run)| (key, run))
    }

    /// The runs alone.
    pub fn values(&self) -> impl Iterator<Item = &ClassRun> {
        self.0.iter().map(|(_, run)| run)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a run of one of a few keys.
    pub(super) fn add(&mut self, key: K, run: ClassRun) {
        match self.0.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(at) => {
                if let Some((_, known)) = self.0.get_mut(at) {
                    known.absorb(run);
                }
            }
            Err(at) => self.0.insert(at, (key, run)),
        }
    }

    /// Gives back the room that the list grew into.
    pub(super) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Joins these runs; there may be any number of keys, in any order.
    pub(super) fn gather(mut runs: Vec<(K, ClassRun)>) -> Self {
        // Stable: runs of one key are joined in the order in which they came.
        runs.sort_by_key(|(key, _)| *key);
        let mut all: Vec<(K, ClassRun)> = Vec::new();
        for (key, run) in runs {
            match all.last_mut().filter(|(known, _)| *known == key) {
                Some((_, known)) => known.absorb(run),
                None => all.push((key, run)),
            }
        }
        let mut all = Self(all);
        all.shrink();
        all
    }
}
