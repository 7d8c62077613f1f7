//! Packets that are set aside: clear ones that may show again, decrypted, what was captured inside ESP, and those
//! that were not seen on a wire.

use super::{CaptureObserver, MOST_WAITING};
use crate::hosts::HostPair;
use crate::protection::Stream;
use crate::protection::decrypted_copy::{Candidate, Confirmed};
use crate::summary::SetAside;
use crate::summary::bound::Bound;
use crate::summary::capture_summary::Unpaired;
use crate::summary::room::Room;
use crate::summary::timeline::{PacketRecord, Runs};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU32;

/// Likely decrypted copies that wait for the verdict, by kind.
#[derive(Debug, Default)]
pub(super) struct LikelyCopies {
    /// Each kind's place in `runs`, counted from 1.
    index: HashMap<Kind, NonZeroU32, foldhash::fast::RandomState>,
    runs: Vec<(Kind, Runs)>,
    /// Packets of further kinds.
    beyond: u64,
}

/// Packets of a stream that may be decrypted copies of the same SPIs under the same layouts.
type Kind = (HostPair, Stream, Candidate);

impl LikelyCopies {
    /// Adds a packet; gives the number of its kind, or nothing where there are too many kinds.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        seen: PacketRecord,
        room: &mut Room,
    ) -> Option<NonZeroU32> {
        let next = u32::try_from(self.runs.len() + 1).ok().and_then(NonZeroU32::new)?;
        let number = match self.index.get(&kind) {
            Some(number) => *number,
            None if self.runs.len() >= MOST_KINDS => {
                self.beyond += 1;
                return None;
            }
            None => {
                self.runs.push((kind, Runs::default()));
                self.index.insert(kind, next);
                next
            }
        };
        self.runs_of(number)?.observe(&seen, room);
        Some(number)
    }

    /// Packets that were not added because there were too many kinds.
    pub(super) const fn beyond(&self) -> u64 {
        self.beyond
    }

    /// The packets of one kind.
    pub(super) fn runs_of(&mut self, number: NonZeroU32) -> Option<&mut Runs> {
        let (_, runs) = self.runs.get_mut(number.get() as usize - 1)?;
        Some(runs)
    }

    /// All packets, by pair.
    pub(super) fn by_pair(&self) -> impl Iterator<Item = (&HostPair, &Runs)> {
        self.runs.iter().map(|((pair, ..), runs)| (pair, runs))
    }
}

impl CaptureObserver<'_> {
    /// Sets a packet aside that was not seen on a wire; of very many kinds it counts by itself.
    #[cold]
    pub(super) fn off_wire(&mut self, key: (SetAside, HostPair, Stream), seen: PacketRecord) {
        if self.off_wire.len() < MOST_WAITING || self.off_wire.contains_key(&key) {
            self.off_wire.entry(key).or_default().observe(&seen, &mut self.room);
        } else {
            self.summary.reached(Bound::OffWire, 1);
            self.unpaired(Unpaired::Folded(key.2.class()), seen);
        }
    }

    /// Sets the proven decrypted copies aside and gives the others back to their streams.
    pub(super) fn settle_decrypted_copies(&mut self) {
        let confirmed = std::mem::take(&mut self.decrypted_copies).confirmed();
        self.tunnels.settle(&confirmed);
        let likely = std::mem::take(&mut self.likely_copies).runs;
        self.mark_decrypted_copies(&likely, &confirmed);
        let likely: BTreeMap<Kind, Runs> = likely.into_iter().collect();
        let mut decrypted_copies: BTreeMap<(HostPair, Stream), Runs> = BTreeMap::new();
        for ((pair, stream, candidate), runs) in likely {
            if candidate.is_decrypted_copy(&confirmed) {
                let outside = candidate.inside_of(&confirmed);
                self.summary.inside_esp.extend(outside.map(|sa| (sa, pair)));
                decrypted_copies.entry((pair, stream)).or_default().join(runs);
            } else {
                self.streams.join((pair, stream), runs);
            }
        }
        for ((pair, stream), runs) in decrypted_copies {
            let of_pair = self.summary.decrypted_copies.entry(pair).or_default();
            of_pair.insert(stream, runs.finish());
        }
    }

    /// Marks the decrypted copies among the clear packets that are kept one by one.
    fn mark_decrypted_copies(&mut self, likely: &[(Kind, Runs)], confirmed: &Confirmed) {
        let mut of_stream: BTreeMap<(HostPair, Stream), BTreeSet<NonZeroU32>> = BTreeMap::new();
        for (((pair, stream, candidate), _), number) in likely.iter().zip(1..) {
            let number = NonZeroU32::new(number).filter(|_| candidate.is_decrypted_copy(confirmed));
            of_stream.entry((*pair, *stream)).or_default().extend(number);
        }
        for (key, numbers) in of_stream.into_iter().filter(|(_, numbers)| !numbers.is_empty()) {
            for seen in &mut self.streams.of(key).0.clear {
                seen.is_decrypted_copy =
                    seen.likely_copy.is_some_and(|number| numbers.contains(&number));
            }
        }
    }
}

/// Kinds of likely decrypted copies that wait for the end of the capture; what comes beyond is taken for what
/// it seems, so that a flood of SPIs cannot fill the memory.
const MOST_KINDS: usize = 32_768;
