//! Packets that repeat another: they go where the one that they repeat went.
//!
//! Until the end of the capture it is not known whether repetitions are the rule. Where they are, they
//! are set aside; where they are not, each is a packet of its own, with the stream, the set of fragments
//! and the verdict on decryption of the packet before it. The machines that read packets see only the first.

use super::{CaptureObserver, Later};
use crate::hosts::{Direction, HostPair};
use crate::packet::IpPacket;
use crate::protection::duplicate::{DuplicateKind, Repetition, is_rule};
use crate::protection::{EspSpi, FirstFragment, ProtectionClass, ReadableRest, Stream};
use crate::summary::connections::Carried;
use crate::summary::timeline::{PacketRecord, Runs};
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

/// Repetitions by what became of the packets that they repeat; the clear ones one by one, too.
pub(super) type Repeated = HashMap<Fate, (Runs, Vec<PacketRecord>), foldhash::fast::RandomState>;

/// Where a packet went that was seen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Fate {
    pair: HostPair,
    direction: Direction,
    kind: DuplicateKind,
    /// A router passed it on between the two places.
    is_forwarded: bool,
    stream: Stream,
    /// It may be a decrypted copy of an ESP packet: which kind of likely decrypted copy.
    decrypted_copy: Option<NonZeroU32>,
    /// It is clear, and its checksum had still to be finished.
    unfinished: bool,
    /// Which of the conversations that began before the capture it belongs to.
    conversation: Option<u32>,
}

impl CaptureObserver<'_> {
    /// Takes a packet that repeats another.
    pub(super) fn observe_copy(
        &mut self,
        ip: &IpPacket<'_>,
        stream: Stream,
        again: Repetition,
        seen: PacketRecord,
    ) {
        let copy = Later { pair: ip.pair, seen, alone: stream, readable: None, again: Some(again) };
        if let Some(fragment) = ip.fragment.filter(|fragment| fragment.offset > 0) {
            let readable = again.note.map(|_| ReadableRest::readable(ip, self.named));
            let again = Some(Repetition { note: None, ..again });
            let copy = Later { readable, again, ..copy };
            if let Some((first, copy)) = self.fragments.later(ip, fragment, copy) {
                self.place_fragment(copy, first);
            }
            return self.place_unmatched();
        }
        match ip.tcp().map(|segment| self.connections.known(ip, segment)) {
            Some(Carried::Opening) => self.connections.hold(ip, copy),
            Some(Carried::Stream(stream, _)) if self.connections.is_only_likely(ip) => {
                self.connections.hold_likely(ip, copy, (stream, Vec::new()));
            }
            Some(Carried::Stream(stream, _)) => self.place_later(copy, stream),
            Some(Carried::Nothing) | None => self.place_later(copy, stream),
        }
        self.place_released();
    }

    /// Places what had to wait: a packet, or one that repeats it.
    pub(super) fn place_later(&mut self, later: Later, stream: Stream) {
        let Later { pair, seen, again, .. } = later;
        let Some(Repetition { kind, note, is_forwarded }) = again else {
            return self.place(pair, stream, &seen);
        };
        let fate = Fate {
            pair,
            direction: seen.direction,
            kind,
            is_forwarded,
            stream,
            decrypted_copy: note,
            unfinished: seen.unfinished,
            conversation: seen.conversation,
        };
        let (runs, clear) = self.repeated.entry(fate).or_default();
        runs.observe(&seen, &mut self.room);
        let alone = || PacketRecord { repeats: true, likely_copy: note, ..seen };
        if stream.class() == ProtectionClass::Clear {
            self.clear_packets.keep(clear, alone);
        }
    }

    /// Places a later fragment of a datagram of which the first is known.
    pub(super) fn place_fragment(&mut self, later: Later, first: FirstFragment) {
        let stream = first.stream_of(later.readable);
        // What can be read is no content of ESP; a copy says it no second time.
        if matches!(stream, Stream::Esp(spi, _) if spi != EspSpi(0))
            && later.readable.is_some()
            && later.again.is_none()
        {
            let esp = self.streams.of((later.pair, stream)).0.esp.get_or_insert_default();
            esp.sa.observe_readable_rest();
        }
        self.place_later(later, stream);
    }

    /// Sets the copies aside where packets are shown more than once as a rule, and lets all others go
    /// where the packets went that they repeat.
    pub(super) fn settle_duplicates(&mut self) {
        let repeated: BTreeMap<_, _> = std::mem::take(&mut self.repeated).into_iter().collect();
        let unpaired = std::mem::take(&mut self.repeated_unpaired);
        let by_pair = self.repetitions(&repeated);
        let again = by_pair.values().map(|ways| ways[0].0 + ways[1].0).sum::<u64>();
        let again = again + unpaired.values().map(|count| count.frames).sum::<u64>();
        let whole_capture = is_rule(again, self.summary.total.frames - again);
        let mut copies: BTreeMap<(HostPair, DuplicateKind), Runs> = BTreeMap::new();
        for (fate, (runs, clear)) in repeated {
            let of_pair = by_pair.get(&fate.pair).is_some_and(|ways| {
                let [(again, once), (back, once_back)] = *ways;
                let way = ways[way(fate.direction)];
                is_rule(again + back, once + once_back) || is_rule(way.0, way.1)
            });
            if of_pair || whole_capture || fate.is_forwarded {
                copies.entry((fate.pair, fate.kind)).or_default().join(runs);
            } else {
                self.follow(fate, (runs, clear));
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

    /// Packets of their own go where those went that they repeat.
    fn follow(&mut self, fate: Fate, (runs, clear): (Runs, Vec<PacketRecord>)) {
        let Fate { pair, direction, stream, decrypted_copy, unfinished, conversation, .. } = fate;
        let decrypted_copies = decrypted_copy.and_then(|note| self.likely_copies.runs_of(note));
        let ipsec_offload = self.ipsec_offload.get_mut(&(pair, direction, stream));
        let ipsec_offload = ipsec_offload.filter(|_| unfinished);
        if ipsec_offload.is_none() && !clear.is_empty() {
            self.streams.of((pair, stream)).0.clear.extend(clear);
        }
        match (decrypted_copies, ipsec_offload) {
            (Some(decrypted_copies), _) => decrypted_copies.join(runs),
            (None, Some(ipsec_offload)) => ipsec_offload.join(runs),
            (None, None) => {
                let runs = match conversation {
                    Some(at) => self.conversations.join_apart(at, pair, (stream, direction), runs),
                    None => Some(runs),
                };
                runs.into_iter().for_each(|runs| self.streams.join((pair, stream), runs));
            }
        }
    }

    /// Per pair that shows repetitions and way: how many packets repeat another and how many do not.
    fn repetitions(
        &self,
        repeated: &BTreeMap<Fate, (Runs, Vec<PacketRecord>)>,
    ) -> BTreeMap<HostPair, [(u64, u64); 2]> {
        let mut by_pair: BTreeMap<HostPair, [(u64, u64); 2]> = BTreeMap::new();
        for (fate, (runs, _)) in repeated {
            by_pair.entry(fate.pair).or_default()[way(fate.direction)].0 += runs.frames();
        }
        let streams = self.streams.iter().map(|((pair, _), runs)| (pair, runs));
        let handed = self.ipsec_offload.iter().map(|((pair, ..), runs)| (pair, runs));
        let apart: Vec<_> = self.conversations.kept_apart().collect();
        let apart = apart.iter().map(|(pair, _, runs)| (pair, *runs));
        let once = streams.chain(handed).chain(self.likely_copies.by_pair()).chain(apart);
        for (pair, runs) in once {
            if let Some([forth, back]) = by_pair.get_mut(pair) {
                forth.1 += runs.from_a();
                back.1 += runs.frames() - runs.from_a();
            }
        }
        by_pair
    }
}

/// What is noted of a later fragment that can be read, so that its copies have its class.
pub(super) const READABLE: NonZeroU32 = NonZeroU32::MIN;

const fn way(direction: Direction) -> usize {
    match direction {
        Direction::AToB => 0,
        Direction::BToA => 1,
    }
}
