//! Questions about the facts of one pair.

use super::{Facts, PairFacts};
use crate::hosts::HostPair;
use crate::summary::ClassRun;

impl Facts {
    /// The facts of a pair; `None` where no capture shows it.
    #[must_use]
    pub fn pair(&self, pair: HostPair) -> Option<&PairFacts> {
        let at = self.pairs.binary_search_by_key(&pair, |known| known.pair).ok()?;
        self.pairs.get(at)
    }
}

impl PairFacts {
    /// All its frames, of any class; `None` where there is none.
    #[must_use]
    pub fn total(&self) -> Option<ClassRun> {
        let mut runs = self.by_class.values().copied().chain(self.around_protected);
        let first = runs.next()?;
        Some(runs.fold(first, |mut all, run| {
            all.absorb(run);
            all
        }))
    }
}
