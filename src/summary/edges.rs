//! What a capture leaves open at its edges, and what files that continue each other come to together.
//!
//! A capture that was written as several files cuts conversations, datagrams and security associations. Each
//! file keeps what it alone cannot decide, bounded; [`Chain`] passes from file to file in order of time, decides it with what
//! the files before and behind show, and puts it where it belongs. A file that nothing continues is a
//! chain of one.

use super::capture::MOST_ONE_BY_ONE;
use super::capture_summary::{CaptureSummary, Count};
use super::connections::OpenConnections;
use super::conversations::{
    ConversationKey, KeptApart, OpenConversation, PerhapsSa, note_gap, side,
};
use super::fingerprint::{Fingerprints, Print};
use super::room::Room;
use super::spi::SpiEvidence;
use super::tcp_gaps::Way;
use super::timeline::{ClassRun, Openers, PacketRecord, Runs};
use crate::hosts::{Direction, HostPair};
use crate::packet::fragment::Datagram;
use crate::protection::signature::Recognized;
use crate::protection::{ProtectionClass, Stream};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What one capture leaves open.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Edges {
    /// Conversations, in order of the keys.
    pub(super) conversations: Vec<(ConversationKey, OpenConversation)>,
    /// TCP connections that carry IKE, and those that had only opened.
    pub(super) connections: OpenConnections<Unplaced>,
    /// What first fragments turned out to be.
    pub(super) first_fragments: Vec<(Datagram, Stream)>,
    /// Later fragments without their first.
    pub(super) later_fragments: Vec<(Datagram, Unplaced)>,
    /// What was seen under each SPI of ESP.
    pub(super) esp: BTreeMap<(HostPair, Stream), SpiEvidence>,
    /// UDP ports other than 4500 on which the lower and the higher address were seen to speak IKE: they carry ESP, too.
    pub(super) negotiating: BTreeMap<ConversationKey, [bool; 2]>,
}

/// A packet whose class another file may show.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Unplaced {
    /// Its pair.
    pub(super) pair: HostPair,
    /// Where it was seen.
    pub(super) seen: PacketRecord,
    /// What it is by itself.
    pub(super) stream: Stream,
    /// Its fingerprint, where it has one.
    pub(super) fingerprint: Option<Fingerprints>,
}

impl Edges {
    /// Packets that are kept apart, by the streams that they belong to as far as the capture alone shows.
    pub(super) fn kept_apart(&self) -> impl Iterator<Item = (Stream, Count)> {
        let conversations = self.conversations.iter().flat_map(|(_, open)| &open.runs);
        let runs = conversations.map(|kept| (kept.stream, Count::of(&kept.runs)));
        let opening = self.connections.opening.iter().map(|(_, alone)| alone);
        let later = self.later_fragments.iter().map(|(_, alone)| alone);
        let alone = opening.chain(later).map(|alone| {
            let PacketRecord { bytes, captured, .. } = alone.seen;
            (alone.stream, Count { frames: 1, bytes, captured })
        });
        runs.chain(alone)
    }

    /// The fingerprints of packets that are kept apart.
    pub(super) fn prints(&self) -> impl Iterator<Item = &Print> {
        let conversations = self.conversations.iter().flat_map(|(_, open)| &open.runs);
        conversations.flat_map(|kept| &kept.prints)
    }

    /// The runs that are kept apart.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Vec<ClassRun>> {
        self.conversations.iter().flat_map(|(_, open)| &open.runs).map(|kept| &kept.runs)
    }

    /// What else is counted.
    pub(super) fn counted(&self) -> impl Iterator<Item = u64> {
        let kept =
            self.kept_apart().flat_map(|(_, count)| [count.frames, count.bytes, count.captured]);
        let prints = self.prints().flat_map(|print| [1, print.seen.bytes, print.seen.captured]);
        let lost = self.conversations.iter().filter_map(|(_, open)| open.ways.as_ref());
        let lost = lost.flat_map(|ways| ways.iter().map(Way::missing));
        let esp = self.esp.values().flat_map(SpiEvidence::counted);
        kept.chain(prints).chain(lost).chain(esp)
    }
}

/// Files of one capture, in order of time.
struct Chain<'c> {
    captures: Vec<&'c mut CaptureSummary>,
    /// Runs that were put where they belong, by file.
    placed: Vec<BTreeMap<(HostPair, Stream), Runs>>,
    /// Clear packets that were put there one by one, by file.
    clear: Vec<Vec<((HostPair, Stream), PacketRecord)>>,
    /// Packets kept one by one that turned out to belong to another stream, by file.
    moved: Vec<BTreeMap<(ConversationKey, Direction, Stream), Stream>>,
    conversations: BTreeMap<ConversationKey, Going>,
    carrying: BTreeMap<ConversationKey, [Stream; 2]>,
    /// Packets of connections of which no byte was seen yet, by file.
    opening: BTreeMap<ConversationKey, Vec<(usize, Opening)>>,
    first_fragments: BTreeMap<Datagram, Stream>,
    earlier_fragments: BTreeMap<Datagram, Stream>,
    later_fragments: BTreeMap<Datagram, Vec<(usize, Unplaced)>>,
    esp: BTreeMap<(HostPair, Stream), SpiEvidence>,
    negotiating: BTreeMap<ConversationKey, [bool; 2]>,
    room: Room,
}

/// What may be the opening of a connection that carries IKE.
enum Opening {
    Segment(Unplaced),
    Runs(KeptApart),
}

/// A conversation that goes on.
#[derive(Default)]
struct Going {
    recognized: Option<Recognized>,
    no_service: Option<u16>,
    /// Which way the first segment of the connection went.
    opener: Option<Direction>,
    ways: Option<Box<[Way; 2]>>,
    /// The last file that shows it.
    file: usize,
}

/// Decides what the files of one capture, in order of time, leave open.
pub(super) fn settle(captures: Vec<&mut CaptureSummary>) {
    let files = captures.len();
    let placed = captures.iter().map(|_| BTreeMap::new()).collect();
    let clear = captures.iter().map(|_| Vec::new()).collect();
    let moved = captures.iter().map(|_| BTreeMap::new()).collect();
    let mut chain = Chain {
        captures,
        placed,
        clear,
        moved,
        conversations: BTreeMap::new(),
        carrying: BTreeMap::new(),
        opening: BTreeMap::new(),
        first_fragments: BTreeMap::new(),
        earlier_fragments: BTreeMap::new(),
        later_fragments: BTreeMap::new(),
        esp: BTreeMap::new(),
        negotiating: BTreeMap::new(),
        room: Room::default(),
    };
    let mut until: Option<Timestamp> = None;
    for file in 0..files {
        let Some(capture) = chain.captures.get_mut(file) else { continue };
        let edges = std::mem::take(&mut capture.edges);
        let span = capture.span;
        let is_next =
            until.zip(span).is_some_and(|(until, (first, _))| first.since(until) <= PAUSE);
        chain.fragments(file, edges.first_fragments, edges.later_fragments);
        chain.connections(file, &edges.conversations, edges.connections);
        for (key, open) in edges.conversations {
            chain.conversation(file, key, open, is_next);
        }
        for (key, evidence) in edges.esp {
            chain.join_esp(key, evidence);
        }
        for (key, [a, b]) in edges.negotiating {
            let known = chain.negotiating.entry(key).or_default();
            *known = [known[0] || a, known[1] || b];
        }
        until = until.max(span.map(|(_, last)| last));
    }
    chain.finish();
}

impl Chain<'_> {
    fn place(&mut self, file: usize, alone: &Unplaced, stream: Stream) {
        if let Some(placed) = self.placed.get_mut(file) {
            let seen = PacketRecord { fingerprint: alone.fingerprint, ..alone.seen };
            placed.entry((alone.pair, stream)).or_default().observe(&seen, &mut self.room);
        }
        let is_clear = stream.class() == ProtectionClass::Clear;
        if let Some(clear) = self.clear.get_mut(file).filter(|_| is_clear) {
            clear.push(((alone.pair, stream), alone.seen));
        }
    }

    fn fragments(
        &mut self,
        file: usize,
        first: Vec<(Datagram, Stream)>,
        later: Vec<(Datagram, Unplaced)>,
    ) {
        for (datagram, alone) in later {
            let known = self.first_fragments.get(&datagram);
            match known.or_else(|| self.earlier_fragments.get(&datagram)).copied() {
                Some(stream) => self.place(file, &alone, stream),
                None => self.later_fragments.entry(datagram).or_default().push((file, alone)),
            }
        }
        for (datagram, stream) in &first {
            for (file, alone) in self.later_fragments.remove(datagram).unwrap_or_default() {
                self.place(file, &alone, *stream);
            }
        }
        // As many as are under way in a file, and those before them.
        if self.first_fragments.len() > MOST_DATAGRAMS {
            self.earlier_fragments = std::mem::take(&mut self.first_fragments);
        }
        self.first_fragments.extend(first);
    }

    /// Connections that carry IKE, and what their openings in earlier files turn out to be.
    fn connections(
        &mut self,
        file: usize,
        conversations: &[(ConversationKey, OpenConversation)],
        connections: OpenConnections<Unplaced>,
    ) {
        for (key, _) in &connections.carrying {
            self.opened(*key, Some(Stream::Ike));
        }
        for (key, open) in conversations {
            if open.began {
                self.carrying.remove(key);
            }
            if open.spoke {
                self.opened(*key, self.carrying.get(key).map(|_| Stream::Ike));
            }
        }
        self.carrying.extend(connections.carrying);
        for (key, alone) in connections.opening {
            self.opening.entry(key).or_default().push((file, Opening::Segment(alone)));
        }
    }

    /// A connection's first bytes show what its opening belongs to; `None` where that is nothing else
    /// than it seems.
    fn opened(&mut self, key: ConversationKey, stream: Option<Stream>) {
        for (file, opening) in self.opening.remove(&key).unwrap_or_default() {
            match opening {
                Opening::Segment(alone) => self.place(file, &alone, stream.unwrap_or(alone.stream)),
                Opening::Runs(kept) => {
                    let stream = stream.unwrap_or(kept.stream);
                    self.place_runs(file, key, stream, kept);
                }
            }
        }
    }

    fn place_runs(&mut self, file: usize, key: ConversationKey, stream: Stream, kept: KeptApart) {
        if let Some(moved) = self.moved.get_mut(file).filter(|_| stream != kept.stream) {
            moved.insert((key, kept.direction, kept.stream), stream);
        }
        if let Some(placed) = self.placed.get_mut(file) {
            let runs = Runs::restored(kept.runs, kept.prints);
            placed.entry((key.0, stream)).or_default().join(runs);
        }
    }

    fn conversation(
        &mut self,
        file: usize,
        key: ConversationKey,
        open: OpenConversation,
        is_next: bool,
    ) {
        let before = self.conversations.remove(&key).unwrap_or_default();
        let recognized_before = before.recognized.filter(|_| !open.began);
        let no_service = open.no_service.or(before.no_service.filter(|_| !open.began));
        let opener = open.opener.or(before.opener.filter(|_| !open.began));
        let carrying = self.carrying.get(&key).copied();
        let carries_esp = self.negotiating.get(&key) == Some(&[true, true]);
        if carries_esp {
            self.is_esp(file, key.0, open.esp);
        }
        for mut kept in open.runs {
            if let Some(stream) = kept.perhaps.filter(|_| carries_esp) {
                // Packets of ESP are known by their numbers.
                kept.prints.clear();
                self.place_runs(file, key, stream, kept);
                continue;
            }
            let unknown = kept.runs.iter_mut().filter(|run| run.openers.is_unknown());
            unknown.for_each(|run| run.openers = Openers::of(opener));
            let is_opening = !open.spoke && carrying.is_none();
            if let Some(opening) = self.opening.get_mut(&key).filter(|_| is_opening) {
                opening.push((file, Opening::Runs(kept)));
                continue;
            }
            let stream = match (kept.stream, carrying, recognized_before) {
                (_, Some([from_a, from_b]), _) => match kept.direction {
                    Direction::AToB => from_a,
                    Direction::BToA => from_b,
                },
                (Stream::Clear { ports, app, encrypted }, None, recognized) => {
                    let (app, encrypted) = recognized.unwrap_or((app, encrypted));
                    match no_service.filter(|port| ports.names(*port)) {
                        Some(port) => {
                            let ports = ports.without(port);
                            let app = if recognized.is_some() { app } else { ports.application() };
                            Stream::Clear { ports, app, encrypted }
                        }
                        None => Stream::Clear { ports, app, encrypted },
                    }
                }
                (stream, None, _) => stream,
            };
            self.place_runs(file, key, stream, kept);
        }
        let mut going = Going { file, ..Going::default() };
        (going.no_service, going.opener) = (no_service, opener);
        going.recognized =
            if open.is_proven { open.recognized } else { recognized_before.or(open.recognized) };
        going.ways = match (before.ways, open.ways) {
            (Some(mut ways), Some(later)) => {
                let lost = go_on(&mut ways, *later, open.began, is_next);
                self.lose(before.file, key.0, lost);
                Some(ways)
            }
            (before, later) => later.or(before),
        };
        self.conversations.insert(key, going);
    }

    fn join_esp(&mut self, key: (HostPair, Stream), evidence: SpiEvidence) {
        match self.esp.get_mut(&key) {
            Some(known) => known.join(evidence),
            None => drop(self.esp.insert(key, evidence)),
        }
    }

    /// An earlier file shows that a conversation carries ESP.
    fn is_esp(&mut self, file: usize, pair: HostPair, sas: Vec<PerhapsSa>) {
        for PerhapsSa { stream, seen, evidence, packets } in sas {
            let key = (pair, stream);
            self.join_esp(key, evidence);
            let Some(capture) = self.captures.get_mut(file) else { continue };
            let known = capture.sas.entry(key);
            known.and_modify(|known| known.evidence.join(seen.evidence)).or_insert(seen);
            capture.esp_packets.entry(key).or_default().extend(packets);
        }
    }

    fn lose(&mut self, file: usize, pair: HostPair, lost: u64) {
        if let Some(capture) = self.captures.get_mut(file).filter(|_| lost > 0) {
            note_gap(&mut capture.tcp_gaps, pair, lost);
        }
    }

    fn finish(mut self) {
        for key in self.opening.keys().copied().collect::<Vec<_>>() {
            self.opened(key, None);
        }
        for (file, alone) in std::mem::take(&mut self.later_fragments).into_values().flatten() {
            self.place(file, &alone, alone.stream);
        }
        for (key, going) in std::mem::take(&mut self.conversations) {
            let lost = going.ways.map_or(0, |mut ways| ways.iter_mut().map(Way::settle).sum());
            self.lose(going.file, key.0, lost);
        }
        let Self { mut captures, placed, clear, moved, esp, .. } = self;
        for (capture, (moved, clear)) in captures.iter_mut().zip(moved.into_iter().zip(clear)) {
            capture.move_one_by_one(&moved);
            capture.keep_one_by_one(clear);
        }
        for (capture, placed) in captures.iter_mut().zip(placed) {
            for ((pair, stream), runs) in placed {
                let of_stream = capture.streams.entry(pair).or_default().entry(stream).or_default();
                let known = capture.prints.remove(&(pair, stream)).unwrap_or_default();
                let mut all = Runs::restored(std::mem::take(of_stream), known);
                all.join(runs);
                let prints = all.take_prints();
                if !prints.is_empty() {
                    capture.prints.insert((pair, stream), prints);
                }
                *of_stream = all.finish();
            }
        }
        let null = esp.iter().filter(|(_, evidence)| evidence.null.is_null());
        let null: BTreeSet<(HostPair, Stream)> = null.map(|(key, _)| *key).collect();
        let mut untold = esp;
        for capture in &mut captures {
            let streams = capture.streams.iter();
            let keys = streams.flat_map(|(pair, of_pair)| of_pair.keys().map(|key| (*pair, *key)));
            let keys: Vec<_> =
                keys.filter(|(_, key)| key.class() != ProtectionClass::Clear).collect();
            for key in keys {
                if null.contains(&key) {
                    capture.null_encrypted.insert(key);
                }
                // What is said of a security association is said of the first file that shows it.
                if let Some(evidence) = untold.remove(&key) {
                    capture.tell_of_sa(key, evidence, null.contains(&key));
                }
            }
        }
    }
}

impl CaptureSummary {
    /// Notes what all files of a capture show of a security association.
    fn tell_of_sa(&mut self, key: (HostPair, Stream), evidence: SpiEvidence, is_null: bool) {
        if evidence.numbers.begins_midway() {
            self.begun_before.insert(key);
        }
        if evidence.numbers.missing() > 0 {
            self.esp_gaps.insert(key, evidence.numbers);
        }
        if is_null {
            self.add_readable(key.0, evidence);
        }
    }

    /// Packets that are kept one by one follow their conversation into another stream.
    fn move_one_by_one(&mut self, moved: &BTreeMap<(ConversationKey, Direction, Stream), Stream>) {
        if moved.is_empty() {
            return;
        }
        for ((pair, alone), packets) in std::mem::take(&mut self.clear_packets) {
            for packet in packets {
                let key = packet.flow.map(|flow| side(pair, flow, packet.direction).0);
                let stream = key.and_then(|key| moved.get(&(key, packet.direction, alone)));
                let stream = stream.copied().unwrap_or(alone);
                if stream.class() == ProtectionClass::Clear {
                    self.clear_packets.entry((pair, stream)).or_default().push(packet);
                }
            }
        }
    }

    /// Keeps clear packets one by one, as long as there are not too many.
    fn keep_one_by_one(&mut self, clear: Vec<((HostPair, Stream), PacketRecord)>) {
        let kept: usize = self.clear_packets.values().map(Vec::len).sum();
        for (key, seen) in clear.into_iter().take(MOST_ONE_BY_ONE.saturating_sub(kept)) {
            self.clear_packets.entry(key).or_default().push(seen);
        }
    }
}

/// Both directions of a connection go on; gives what the capture lost of what ends here.
#[allow(clippy::fn_params_excessive_bools, reason = "two facts of the border")]
fn go_on(ways: &mut [Way; 2], later: [Way; 2], began: bool, is_next: bool) -> u64 {
    let each = ways.iter_mut().zip(later);
    let lost = each.map(|(way, later)| {
        if !began {
            return way.go_on(later, is_next);
        }
        let lost = way.settle();
        *way = later;
        lost
    });
    lost.sum()
}

/// As one file keeps apart.
const MOST_DATAGRAMS: usize = 16_384;
/// A longer one between two files may be one of the capturing itself; what is missing then was not lost.
const PAUSE: Span = Span::from_seconds(2);
