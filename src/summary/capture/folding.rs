//! Pairs beyond the bound: those with the least to say are folded into sums by class.

use super::CaptureObserver;
use crate::protection::Stream;
use crate::summary::Unpaired;
use crate::summary::capture_summary::Count;

impl CaptureObserver<'_> {
    /// Folds the half of the pairs with the fewest packets. A pair that talks again is kept again, and
    /// may be folded again.
    pub(super) fn fold_pairs(&mut self) {
        for (key, runs) in self.conversations.give_back() {
            self.streams.join(key, runs);
        }
        let (pairs, folded) = self.streams.fold();
        self.summary.folded_pairs += pairs as u64;
        for slot in folded {
            let kind = match slot.key.1 {
                Stream::Clear { app, encrypted, .. } => Unpaired::FoldedClear(app, encrypted),
                Stream::Undecodable(reason) => Unpaired::Undecodable(reason),
                other @ (Stream::Esp(..)
                | Stream::WespIntegrityOnly(..)
                | Stream::Ah(..)
                | Stream::Ike
                | Stream::NattKeepalive
                | Stream::Exempt(_)) => Unpaired::Folded(other.class()),
            };
            let sum = Count::of(&slot.runs.finish());
            self.summary.unpaired.entry(kind).or_default().join(sum);
        }
    }
}
