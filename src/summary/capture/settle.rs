//! What only a whole capture can decide: which packets show another again, unchanged or decrypted.

use super::CaptureObserver;
use crate::hosts::HostPair;
use crate::protection::Stream;
use crate::protection::duplicate::{DuplicateKind, is_rule};
use crate::summary::timeline::Runs;
use std::collections::BTreeMap;

impl CaptureObserver<'_> {
    /// Sets the copies aside where packets are shown twice as a rule, and gives chance repetitions
    /// back to their streams.
    pub(super) fn settle_duplicates(&mut self) {
        let repeated: BTreeMap<_, _> = std::mem::take(&mut self.repeated).into_iter().collect();
        let unpaired = std::mem::take(&mut self.repeated_unpaired);
        let by_pair = self.repetitions(&repeated);
        let again = by_pair.values().map(|(again, _)| again).sum::<u64>();
        let again = again + unpaired.values().map(|count| count.frames).sum::<u64>();
        let whole_capture = is_rule(again, self.summary.total.frames - again);
        let mut copies: BTreeMap<(HostPair, DuplicateKind), Runs> = BTreeMap::new();
        for ((pair, kind, stream), runs) in repeated {
            let of_pair = by_pair.get(&pair).is_some_and(|(again, once)| is_rule(*again, *once));
            if of_pair || whole_capture {
                copies.entry((pair, kind)).or_default().join(runs);
            } else {
                self.streams.join((pair, stream), runs);
            }
        }
        for ((pair, kind), runs) in copies {
            let of_pair = self.summary.duplicates.entry(pair).or_default();
            of_pair.insert(kind, runs.finish());
        }
        for ((kind, what), count) in unpaired {
            if whole_capture {
                self.summary.unpaired_duplicates.entry(kind).or_default().join(count);
            } else {
                self.summary.unpaired.entry(what).or_default().join(count);
            }
        }
    }

    /// Per pair, how many packets repeat another and how many do not.
    fn repetitions(
        &self,
        repeated: &BTreeMap<(HostPair, DuplicateKind, Stream), Runs>,
    ) -> BTreeMap<HostPair, (u64, u64)> {
        let mut by_pair: BTreeMap<HostPair, (u64, u64)> = BTreeMap::new();
        for ((pair, ..), runs) in repeated {
            by_pair.entry(*pair).or_default().0 += runs.frames();
        }
        let streams = self.streams.iter().map(|((pair, _), runs)| (pair, runs));
        let twins = self.likely_twins.iter().map(|((pair, ..), runs)| (pair, runs));
        for (pair, runs) in streams.chain(twins) {
            if let Some((_, once)) = by_pair.get_mut(pair) {
                *once += runs.frames();
            }
        }
        by_pair
    }

    /// Sets the proven twins aside and gives the others back to their streams.
    pub(super) fn settle_twins(&mut self) {
        let confirmed = std::mem::take(&mut self.twins).confirmed();
        self.tunnels.settle(&confirmed);
        let likely: BTreeMap<_, _> = std::mem::take(&mut self.likely_twins).into_iter().collect();
        let mut twins: BTreeMap<(HostPair, Stream), Runs> = BTreeMap::new();
        for ((pair, stream, candidate), runs) in likely {
            if candidate.is_twin(&confirmed) {
                twins.entry((pair, stream)).or_default().join(runs);
            } else {
                self.streams.join((pair, stream), runs);
            }
        }
        for ((pair, stream), runs) in twins {
            let of_pair = self.summary.decrypted_twins.entry(pair).or_default();
            of_pair.insert(stream, runs.finish());
        }
    }
}
