//! The packets around others: what a frame that passed plain tunnels shows of the hosts around its own
//! packet.
//!
//! A frame has one class and is counted once, by its own packet. Here the same frame counts again for each
//! pair that a tunnel's packet went between, with what is inside. Judges nothing. Bounded by what is
//! apart; beyond the bound the pairs inside are no longer named, then packets are counted only.

use super::room::Room;
use super::timeline::{ClassRun, PacketRecord, Runs};
use crate::hosts::HostPair;
use crate::packet::MOST_NESTED;
use crate::protection::decrypted_copy::{Candidate, Confirmed};
use crate::protection::{ProtectionClass, Stream};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// A pair and the stream that a packet belongs to.
pub type Layer = (HostPair, Stream);

/// Packets of a tunnel between two hosts that carry the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tunnel {
    /// What the tunnel's own packets are by their header: clear text of a service, or exempt.
    pub stream: Stream,
    /// The packets inside, the outermost first; empty where they were too many to be kept apart, or
    /// could not be decoded.
    pub inside: Vec<Layer>,
    /// The class of the frames, as each shows by itself.
    pub class: ProtectionClass,
}

/// The tunnels of every pair around others.
pub type Tunnels = BTreeMap<HostPair, BTreeMap<Tunnel, Vec<ClassRun>>>;

/// Gathers tunnels while a capture is read.
#[derive(Debug, Default)]
pub(super) struct TunnelObserver {
    seen: HashMap<Key, Runs, foldhash::fast::RandomState>,
    /// Packets that may show again what was inside ESP, until that is known.
    likely_copies: HashMap<(Key, Candidate), Runs, foldhash::fast::RandomState>,
    /// Packets that were not kept, because there were too many kinds.
    pub(super) uncounted: u64,
}

/// As [`Tunnel`], with its pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) layer: Layer,
    pub(super) inside: [Option<Layer>; MOST_NESTED as usize],
    pub(super) class: ProtectionClass,
}

impl TunnelObserver {
    /// Takes a packet of a tunnel; `decrypted_copy` says whose decrypted copy its frame may be.
    pub(super) fn observe(
        &mut self,
        mut key: Key,
        decrypted_copy: Option<Candidate>,
        seen: PacketRecord,
        room: &mut Room,
    ) {
        if let Some(decrypted_copy) =
            decrypted_copy.filter(|_| self.likely_copies.len() < MOST_KEPT)
        {
            return self
                .likely_copies
                .entry((key, decrypted_copy))
                .or_default()
                .observe(&seen, room);
        }
        if self.seen.len() >= MOST_KEPT && !self.seen.contains_key(&key) {
            key.inside = [None; MOST_NESTED as usize];
            if self.seen.len() >= 2 * MOST_KEPT && !self.seen.contains_key(&key) {
                self.uncounted += 1;
                return;
            }
        }
        self.seen.entry(key).or_default().observe(&seen, room);
    }

    /// Lets go of decrypted copies, and takes the other likely ones for what they are.
    pub(super) fn settle(&mut self, confirmed: &Confirmed) {
        let likely = std::mem::take(&mut self.likely_copies).into_iter();
        let others = likely.filter(|((_, candidate), _)| !candidate.is_decrypted_copy(confirmed));
        others.for_each(|((key, _), runs)| self.seen.entry(key).or_default().join(runs));
    }

    /// All tunnels.
    pub(super) fn finish(self) -> Tunnels {
        let mut tunnels = Tunnels::new();
        let seen = self.seen.into_iter();
        seen.for_each(|(Key { layer: (pair, stream), inside, class }, runs)| {
            let tunnel = Tunnel { stream, inside: inside.into_iter().flatten().collect(), class };
            tunnels.entry(pair).or_default().insert(tunnel, runs.finish());
        });
        tunnels
    }
}

/// Kinds of tunnel packets that are kept apart, by the pairs and streams around and inside.
const MOST_KEPT: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{EvidenceId, FrameNumber, FrameRef};
    use crate::protection::ExemptKind;
    use crate::time::Timestamp;
    use std::net::{IpAddr, Ipv4Addr};

    fn seen(frame: u64) -> PacketRecord {
        let frame = FrameRef { evidence: EvidenceId(1), frame: FrameNumber(frame) };
        PacketRecord { captured: 100, payload: 0, ..PacketRecord::of_frame(frame, Timestamp(0)) }
    }

    fn pair(number: u32) -> HostPair {
        let address = |number| IpAddr::V4(Ipv4Addr::from_bits(number));
        HostPair::new(address(0), address(1 + number))
    }

    #[test]
    fn kinds_beyond_the_bound_lose_the_pairs_inside_and_then_are_counted_only() {
        let mut observer = TunnelObserver::default();
        let most = u32::try_from(MOST_KEPT).unwrap();
        for number in 0..most * 2 + 10 {
            let stream = Stream::Exempt(ExemptKind::Multicast);
            let mut inside = [None; MOST_NESTED as usize];
            inside[0] = Some((pair(number), stream));
            let key = Key { layer: (pair(number), stream), inside, class: ProtectionClass::Exempt };
            observer.observe(key, None, seen(number.into()), &mut Room::default());
        }
        assert_eq!(observer.uncounted, 10);
        let tunnels = observer.finish();
        let named = tunnels.values().flat_map(BTreeMap::keys).filter(|t| !t.inside.is_empty());
        assert_eq!((tunnels.len(), named.count()), (2 * MOST_KEPT, MOST_KEPT));
    }
}
