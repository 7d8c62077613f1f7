//! Clear packets captured on their sender before its network card encrypted them.
//!
//! Encryption by the card leaves the capture with a conversation of which one side is clear and the
//! other ESP. That alone may be a leak in one direction; what shows them apart is that the clear
//! packets had not left the host: the card had still to finish their checksums. Both together, all
//! along, and answers under ESP beside every run are asked for.

use super::CaptureObserver;
use crate::hosts::{Direction, HostPair};
use crate::protection::Stream;
use crate::summary::timeline::{ClassRun, Runs, SILENCE};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Unfinished clear packets by pair, direction and stream.
pub(super) type Waiting = HashMap<(HostPair, Direction, Stream), Runs, foldhash::fast::RandomState>;

impl CaptureObserver<'_> {
    /// Sets aside what was offloaded to the card and gives the rest back to its streams.
    pub(super) fn settle_ipsec_offload(&mut self) {
        let waiting: BTreeMap<_, _> = std::mem::take(&mut self.ipsec_offload).into_iter().collect();
        let senders = waiting.keys().map(|(pair, direction, _)| (*pair, *direction));
        let answers = self.answers(senders.collect());
        for ((pair, direction, stream), runs) in waiting {
            let answers = answers.get(&(pair, direction)).map_or(&[][..], Vec::as_slice);
            let (aside, back): (Vec<_>, Vec<_>) =
                runs.finish().into_iter().partition(|run| is_answered(run, answers));
            if !aside.is_empty() {
                let of_pair = self.summary.ipsec_offload.entry(pair).or_default();
                of_pair.entry(stream).or_default().extend(aside);
            }
            if !back.is_empty() {
                self.streams.join((pair, stream), Runs::from(back));
            }
        }
    }

    /// When the other side of those that hand over sent ESP.
    fn answers(
        &self,
        mut senders: BTreeSet<(HostPair, Direction)>,
    ) -> BTreeMap<(HostPair, Direction), Vec<ClassRun>> {
        senders.retain(|(pair, direction)| {
            self.streams.pair(*pair).is_some_and(|of_pair| of_pair.hands_over(*direction))
        });
        let mut answers: BTreeMap<_, Runs> = BTreeMap::new();
        self.streams.iter().for_each(|((pair, stream), runs)| {
            if let Stream::Esp(_, direction) = stream
                && senders.contains(&(*pair, direction.reversed()))
            {
                answers.entry((*pair, direction.reversed())).or_default().join(runs.clone());
            }
        });
        answers.into_iter().map(|(sender, runs)| (sender, runs.finish())).collect()
    }
}

/// Whether an answer lies inside a run, or no farther from it than neighbours in a run may be.
fn is_answered(run: &ClassRun, answers: &[ClassRun]) -> bool {
    let after = answers.partition_point(|answer| run.start.since(answer.end) > SILENCE);
    answers.get(after).is_some_and(|answer| answer.start.since(run.end) <= SILENCE)
}
