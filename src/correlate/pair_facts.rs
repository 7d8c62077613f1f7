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
    /// Gives back the room that lists grew into: there may be very many pairs.
    pub(super) fn shrink(&mut self) {
        self.by_class.shrink();
        self.set_aside.shrink();
        self.protected_runs.shrink_to_fit();
        self.sas.shrink_to_fit();
    }

    /// All its frames, of any class; `None` where there is none.
    #[must_use]
    pub fn total(&self) -> Option<ClassRun> {
        let mut runs =
            self.by_class.values().copied().chain(self.around_protected.as_deref().copied());
        let first = runs.next()?;
        Some(runs.fold(first, |mut all, run| {
            all.absorb(run);
            all
        }))
    }
}
