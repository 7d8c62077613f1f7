//! One capture's packets, folded into streams as they pass.

mod around;
mod body;
mod copies;
mod decrypted_copies;
mod fast_path;
mod finishing;
mod folding;
mod in_tcp;
mod ipsec_offload;
mod looking_ahead;
mod placing;

pub(super) use looking_ahead::{GROUP, Hint};

use super::bound::Bound;
use super::capture_summary::Count;
use super::capture_summary::{CaptureSummary, Unpaired};
use super::connections::{Carried, Connections};
use super::conversations::Conversations;
use super::dissected::{Alone, Content, Dissected};
use super::fingerprint::Fingerprints;
use super::ike::{IkeObserver, Place};
use super::other_ports::OtherPorts;
use super::room::Room;
use super::set_aside::SetAside;
use super::stations::Stations;
use super::streams::Streams;
use super::time_order::TimeOrder;
use super::timeline::{PacketRecord, Runs};
use super::tunnels::TunnelObserver;
use crate::capture::{RawFrame, SeenAt};
use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use crate::packet::fragment::Fragments;
use crate::packet::origin::interface;
use crate::packet::{IpPacket, MOST_NESTED, protocol};
use crate::protection::decrypted_copy::{Candidate, DecryptedCopies};
use crate::protection::duplicate::{self, DuplicateKind, Duplicates, Repetition};
use crate::protection::echo::Echoes;
use crate::protection::exemption_abuse::{AbusedExemption, hides_text};
use crate::protection::{
    EspSpi, FirstFragment, IKE_PORT, NATT_PORT, NamedPorts, ProtectionClass, ReadableRest, Stream,
};
use fast_path::Outcome;
use std::collections::{BTreeMap, HashMap};

/// Folds the frames of one capture, in file order.
pub struct CaptureObserver<'p> {
    evidence: EvidenceId,
    named: &'p NamedPorts,
    streams: Streams,
    decrypted_copies: DecryptedCopies,
    /// Clear packets that wait for the verdict on decrypted copies.
    likely_copies: decrypted_copies::LikelyCopies,
    /// Clear packets that wait for the verdict on encryption by the network card.
    ipsec_offload: ipsec_offload::Waiting,
    /// Packets seen elsewhere than on a wire.
    off_wire: BTreeMap<(SetAside, HostPair, Stream), Runs>,
    duplicates: Duplicates,
    tunnels: TunnelObserver,
    /// The first frame that is not of the link layer the capture says, with its byte, and how many.
    mislabelled: Option<(u64, u64, u64)>,
    /// Packets that repeat another, until it is known whether that is the rule.
    repeated: copies::Repeated,
    repeated_unpaired: BTreeMap<(DuplicateKind, Unpaired), Count>,
    fragments: Fragments<FirstFragment, Later>,
    later_fragments: u64,
    echoes: Echoes,
    ike: IkeObserver,
    connections: Connections<Later>,
    conversations: Conversations,
    other_ports: OtherPorts,
    /// How many more stretches without a pause all streams may begin.
    room: Room,
    /// How many packets are kept one by one.
    clear_packets: OneByOne,
    esp_packets: OneByOne,
    stations: Stations,
    /// Where the records of the frame that is observed next probably are.
    hint: Hint,
    time_order: TimeOrder,
    summary: CaptureSummary,
    most_pairs: usize,
    /// Packets that may still get a fingerprint.
    prints_left: usize,
}

/// A packet that waits until others show what it is: a later fragment, the opening of a connection.
#[derive(Clone, Copy, Debug)]
struct Later {
    pair: HostPair,
    seen: PacketRecord,
    /// What it is by its own header, should the others never come.
    alone: Stream,
    /// That its own bytes can be read, whatever a first fragment says of them.
    readable: Option<ReadableRest>,
    /// The packet that it repeats.
    again: Option<Repetition>,
}

impl<'p> CaptureObserver<'p> {
    /// Begins a capture; `named` are the ports a policy speaks of.
    #[must_use]
    pub fn new(evidence: EvidenceId, named: &'p NamedPorts) -> Self {
        Self {
            evidence,
            named,
            streams: Streams::default(),
            decrypted_copies: DecryptedCopies::default(),
            likely_copies: decrypted_copies::LikelyCopies::default(),
            ipsec_offload: HashMap::default(),
            off_wire: BTreeMap::new(),
            duplicates: Duplicates::default(),
            tunnels: TunnelObserver::default(),
            mislabelled: None,
            repeated: HashMap::default(),
            repeated_unpaired: BTreeMap::new(),
            fragments: Fragments::default(),
            later_fragments: 0,
            echoes: Echoes::default(),
            ike: IkeObserver::default(),
            connections: Connections::default(),
            conversations: Conversations::default(),
            other_ports: OtherPorts::default(),
            room: Room::default(),
            clear_packets: OneByOne::default(),
            esp_packets: OneByOne::default(),
            stations: Stations::default(),
            hint: Hint::NONE,
            time_order: TimeOrder::default(),
            summary: CaptureSummary::default(),
            most_pairs: MOST_PAIRS,
            prints_left: 0,
        }
    }

    /// Keeps no more than so many pairs apart; when there are more, the half with the fewest packets
    /// is folded into one sum.
    #[must_use]
    pub fn with_most_pairs(self, most_pairs: usize) -> Self {
        Self { most_pairs, ..self }
    }

    /// Takes fingerprints of clear packets, so that another capture of them can be recognised.
    #[must_use]
    pub fn with_fingerprints(self) -> Self {
        Self { prints_left: MOST_PRINTS, ..self }
    }

    /// Takes the next frame.
    pub fn observe(&mut self, frame: &RawFrame<'_>) {
        self.observe_dissected(&Dissected::of(frame, self.named));
    }

    /// Takes the next frame, dissected with the same named ports.
    pub fn observe_dissected(&mut self, dissected: &Dissected<'_>) {
        if self.streams.pairs() > self.most_pairs {
            self.fold_pairs();
        }
        self.count(&dissected.frame);
        match &dissected.content {
            Content::Segment(ip) => match self.observe_segment(dissected, ip) {
                Outcome::Done => {}
                outcome @ (Outcome::Repeats(_) | Outcome::Unknown) => {
                    let alone = Alone::of(ip, self.named);
                    let again = match outcome {
                        Outcome::Repeats(again) => Some(again),
                        Outcome::Done | Outcome::Unknown => self.repetition(dissected),
                    };
                    self.observe_packet(dissected, (ip, alone), again);
                }
            },
            Content::Esp(ip, spi) => {
                let again = self.repetition(dissected);
                if again.is_some() || !self.observe_plain_esp(dissected, (ip, *spi)) {
                    let stream = Stream::Esp(*spi, ip.direction);
                    self.observe_packet(
                        dissected,
                        (ip, Alone { stream, unfinished: false }),
                        again,
                    );
                }
            }
            Content::Ip(ip, alone) => {
                let seen_at = dissected.frame.seen_at;
                if seen_at != SeenAt::Wire
                    && let Some(why) = SetAside::of_place(seen_at, alone.stream.class())
                {
                    let seen = dissected.record(self.evidence, alone.unfinished);
                    return self.off_wire((why, ip.pair, alone.stream), seen);
                }
                let again = self.repetition(dissected);
                self.observe_packet(dissected, (ip, *alone), again);
            }
            Content::Arp | Content::NonIp(_) | Content::Undecodable(_) => {
                self.observe_without_packet(dissected);
            }
        }
    }

    /// Counts a frame, whatever it holds.
    #[inline]
    fn count(&mut self, frame: &RawFrame<'_>) {
        self.summary.total.add(u64::from(frame.original_len), frame.data.len() as u64);
        self.summary.has_link_addresses |= !frame.linktype.is_without_addresses();
        let (first, last) = self.summary.span.unwrap_or((frame.time, frame.time));
        self.summary.span = Some((first.min(frame.time), last.max(frame.time)));
        self.time_order.observe(frame);
    }

    /// Which packet the frame's repeats.
    #[inline]
    fn repetition(&mut self, dissected: &Dissected<'_>) -> Option<Repetition> {
        let frame = &dissected.frame;
        let place = duplicate::Place::of(interface(frame), dissected.ip());
        self.duplicates.observe(dissected.identity, dissected.bytes(), frame.time, place)
    }

    fn observe_packet(
        &mut self,
        dissected: &Dissected<'_>,
        (ip, Alone { stream, unfinished }): (&IpPacket<'_>, Alone),
        again: Option<Repetition>,
    ) {
        let (frame, pair) = (&dissected.frame, ip.pair);
        let mut seen = dissected.record(self.evidence, unfinished);
        self.stations.observe(frame, ip, (&seen, self.hint.station));
        let stream = match self.other_ports.observe(ip, stream) {
            Some(stream) => stream,
            None => self.of_conversation(ip, pair, stream, &mut seen),
        };
        let stream = self.within_bound(pair, stream);
        if let Some(again) = again {
            if self.repeated.len() < MOST_WAITING {
                return self.observe_copy(ip, stream, again, seen);
            }
            self.summary.reached(Bound::Copies, 1);
        }
        if seen.conversation.is_some() && ip.protocol == protocol::UDP {
            let kept = &mut self.esp_packets;
            self.conversations.may_be_esp((ip, &seen), self.named, || kept.is_room_left());
        }
        if ip.nested == 0 && hides_text(frame.data, ip) {
            self.summary.note_abuse((pair, AbusedExemption::Unread), seen);
        }
        if ip.mislabelled {
            self.mislabelled(frame);
        }
        let decrypted_copy = if ip.nested == 0 {
            None
        } else {
            let own = Some((pair, stream));
            self.observe_around(frame, own, (ip.nested, stream.class()), seen)
        };
        if self.prints_left > 0 && has_print(stream) {
            seen.fingerprint = self.fingerprint(ip, (pair, stream));
        }
        self.summary.has_unsegmented |= ip.packet_len > LARGEST_ON_ETHERNET;
        if let Stream::Esp(spi, _) = stream
            && spi != EspSpi(0)
            && ip.fragment.is_none()
        {
            return self.observe_esp(ip, (pair, stream), &seen);
        }
        let place = Place::of(self.evidence, frame, ip.payload);
        if self.observe_body(ip, (pair, stream), (&seen, place)) {
            self.observe_ip(ip, (pair, stream), (&seen, place), decrypted_copy);
        }
    }

    fn observe_without_packet(&mut self, dissected: &Dissected<'_>) {
        let seen = dissected.record(self.evidence, false);
        let again = self.repetition(dissected);
        match &dissected.content {
            Content::Arp => self.without_pair(again, Unpaired::Arp, seen),
            Content::NonIp(kind) => self.without_pair(again, Unpaired::NonIp(*kind), seen),
            Content::Undecodable(why) => {
                if again.is_none() {
                    let whole = (MOST_NESTED, ProtectionClass::Undecodable);
                    self.observe_around(&dissected.frame, None, whole, seen);
                }
                self.without_pair(again, Unpaired::Undecodable(*why), seen);
            }
            Content::Ip(..) | Content::Esp(..) | Content::Segment(_) => {}
        }
    }

    /// The fingerprint of a packet whose pair is worth it.
    fn fingerprint(&mut self, ip: &IpPacket<'_>, key: (HostPair, Stream)) -> Option<Fingerprints> {
        if !self.streams.of(key).1.wants_fingerprints() {
            return None;
        }
        self.prints_left -= 1;
        Some(Fingerprints::of(ip))
    }

    /// The stream of a packet by what its conversation showed before.
    fn of_conversation(
        &mut self,
        ip: &IpPacket<'_>,
        pair: HostPair,
        stream: Stream,
        seen: &mut PacketRecord,
    ) -> Stream {
        if ip.fragment.is_some() {
            return stream;
        }
        self.conversations.observe((ip, self.hint), (pair, stream), seen, &mut self.streams)
    }

    /// The stream of a packet; without its SPI where there are too many of them.
    fn within_bound(&mut self, pair: HostPair, stream: Stream) -> Stream {
        if self.streams.admits(&(pair, stream)) {
            return stream;
        }
        self.summary.reached(Bound::Spis, 1);
        stream.without_spi()
    }

    fn observe_ip(
        &mut self,
        ip: &IpPacket<'_>,
        (pair, stream): (HostPair, Stream),
        (seen, place): (&PacketRecord, Place),
        decrypted_copy: Option<Candidate>,
    ) {
        let Some(fragment) = ip.fragment else {
            return self.observe_whole(ip, (pair, stream), (seen, place), decrypted_copy);
        };
        if ip.protocol == protocol::UDP {
            self.ike.fragment(ip, fragment, stream == Stream::Ike, place);
        }
        if fragment.offset == 0 {
            let first = FirstFragment::of(ip, stream);
            let waiting = self.fragments.first(ip, fragment, first);
            self.place(pair, stream, seen);
            for later in waiting {
                self.place_fragment(later, first);
            }
        } else {
            self.later_fragments += 1;
            let readable = ReadableRest::of(ip, stream, self.named, self.later_fragments);
            if readable.is_some() {
                self.duplicates.note(copies::READABLE);
            }
            let later = Later { pair, seen: *seen, alone: stream, readable, again: None };
            if let Some((first, later)) = self.fragments.later(ip, fragment, later) {
                self.place_fragment(later, first);
            }
        }
        self.place_unmatched();
    }

    /// Places later fragments whose first never came.
    fn place_unmatched(&mut self) {
        for later in self.fragments.take_unmatched() {
            self.place_later(later, later.alone);
        }
    }

    fn observe_whole(
        &mut self,
        ip: &IpPacket<'_>,
        (pair, alone): (HostPair, Stream),
        (seen, place): (&PacketRecord, Place),
        decrypted_copy: Option<Candidate>,
    ) {
        let carried =
            ip.tcp().map_or(Carried::Nothing, |segment| self.connections.segment(ip, segment));
        if let Carried::Stream(stream, messages) = carried {
            return self.observe_encapsulated(ip, (pair, alone), (seen, place), (stream, messages));
        }
        let candidate = if ip.nested == 0 {
            self.likely_copy(ip, pair, alone, seen.time)
        } else {
            decrypted_copy.filter(|_| alone.class() == ProtectionClass::Clear)
        };
        let decrypted_copy = candidate
            .and_then(|of| self.likely_copies.add((pair, alone, of), *seen, &mut self.room));
        match decrypted_copy {
            Some(kind) => {
                self.duplicates.note(kind);
                self.keep_clear(pair, alone, PacketRecord { likely_copy: decrypted_copy, ..*seen });
            }
            None if matches!(carried, Carried::Opening) => {
                let later = Later { pair, seen: *seen, alone, readable: None, again: None };
                self.connections.hold(ip, later);
            }
            None => self.place(pair, alone, seen),
        }
        self.place_released();
    }

    fn without_pair(&mut self, again: Option<Repetition>, kind: Unpaired, seen: PacketRecord) {
        match again {
            Some(again) => {
                let repeated = self.repeated_unpaired.entry((again.kind, kind)).or_default();
                repeated.add(seen.bytes, seen.captured);
            }
            None => self.unpaired(kind, seen),
        }
    }

    #[cold]
    fn mislabelled(&mut self, frame: &RawFrame<'_>) {
        let (_, _, count) = self.mislabelled.get_or_insert((frame.number.0, frame.offset, 0));
        *count += 1;
    }

    fn unpaired(&mut self, kind: Unpaired, seen: PacketRecord) {
        self.summary.unpaired.entry(kind).or_default().add(seen.bytes, seen.captured);
    }
}

/// Whether packets of a stream are recognised by their content; those of ESP and AH are by their numbers.
const fn has_print(stream: Stream) -> bool {
    match stream {
        Stream::Esp(..) | Stream::WespIntegrityOnly(..) | Stream::Ah(..) => false,
        Stream::Ike
        | Stream::NattKeepalive
        | Stream::Exempt(_)
        | Stream::Clear { .. }
        | Stream::Undecodable(_) => true,
    }
}

/// Packets that are kept one by one, as long as there are not too many.
#[derive(Clone, Copy, Debug, Default)]
struct OneByOne {
    kept: usize,
    /// Those beyond the bound.
    beyond: u64,
}

impl OneByOne {
    /// Keeps a packet, or counts that there was no room.
    #[inline]
    fn keep<T>(&mut self, packets: &mut Vec<T>, packet: impl FnOnce() -> T) {
        if self.is_room_left() {
            packets.push(packet());
        } else {
            self.beyond += 1;
        }
    }

    /// Takes the room of one more packet, if there is any.
    #[inline]
    const fn is_room_left(&mut self) -> bool {
        let has_room = self.kept < MOST_ONE_BY_ONE;
        if has_room {
            self.kept += 1;
        }
        has_room
    }
}

fn is_on_ike_port(ip: &IpPacket<'_>) -> bool {
    let is_ike = |port| matches!(port, IKE_PORT | NATT_PORT);
    let ports = ip.ports.filter(|_| ip.protocol == protocol::UDP && ip.fragment.is_none());
    ports.is_some_and(|ports| is_ike(ports.source) || is_ike(ports.destination))
}

/// What each pair costs in a report is some four kilobytes.
/// Pairs of one capture that are kept apart, where nothing else is asked for.
pub const MOST_PAIRS: usize = 100_000;
/// Streams of which packets wait for the end of the capture; what comes beyond is taken for what it
/// seems, so that a flood of pairs cannot fill the memory.
const MOST_WAITING: usize = 131_072;
/// Clear packets, and ESP packets, of a capture that are kept one by one, for comparison with other captures.
pub(super) const MOST_ONE_BY_ONE: usize = 65_536;
/// Fingerprints of one capture, with their packets' places: some 20 MB.
const MOST_PRINTS: usize = 1 << 18;
/// The largest jumbo frames in use; segmentation offload hands over up to 64 KiB.
const LARGEST_ON_ETHERNET: usize = 10_240;
/// Negotiations that ICMP errors quote; further errors about known pairs count, those about other pairs do not.
const MOST_UNREACHABLE: usize = 32_768;
