//! One packet out of its parts and appearances.
//!
//! pktmon reports a packet at every driver it passes, a dozen times on a wireless network. Counted is its
//! appearance at a miniport, the driver of an adapter; where none of its components is known as one, the first
//! appearance of a received packet and the last of a sent one, which are nearest to the wire. Since Windows 11
//! appearances do not name their packet; there only those at miniports count. Older systems report a packet of
//! NDIS-PacketCapture in several events; parts belong together by process, thread and adapter.

use super::buffers::{Buffer, HEADER_LEN};
use super::packets::{
    Appearance, Fragment, is_appearance, is_fragment, length_by_ip, without_protected_bit,
};
use super::providers::{NDIS, PEF, PKTMON, RAS, WFP};
use super::record::{Event, Kind, Records};
use super::stack::Adapter;
use super::statements::{Reporter, TraceEvent};
use super::survey::Survey;
use super::upper::{Transport, is_remote_access, is_transport, of_remote_access};
use crate::capture::{Linktype, MAX_CAPTURED_LIMIT};
use std::collections::{BTreeMap, HashMap};

/// A packet that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// The record's own time.
    pub(super) time: i64,
    pub(super) adapter: Adapter,
    pub(super) linktype: Linktype,
    pub(super) original_len: u32,
    /// Where in the file the packet, or the buffer that it is packed in, begins.
    pub(super) offset: usize,
    /// Its bytes: in the file, or in what was put together beside it.
    pub(super) bytes: Stored,
}

/// Where the bytes of a packet are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) in_file: bool,
    pub(super) at: usize,
    pub(super) len: usize,
}

/// Everything that was collected, and what was left out.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// In order of time.
    pub(super) kept: Vec<Kept>,
    /// Bytes that do not lie in the file as they are.
    pub(super) beside: Vec<u8>,
    pub(super) left_out: LeftOut,
}

/// Events with packets that are no packets of their own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LeftOut {
    /// Further appearances of packets that count.
    pub(super) further: u64,
    /// Parts of packets that are not complete.
    pub(super) parts: u64,
    /// Events that hold less than they say.
    pub(super) damaged: u64,
    /// Packets above IPsec in parts, or whose addresses are not reported or in no order that is proven.
    pub(super) unplaced: u64,
    /// Packets beyond the memory that may be used.
    pub(super) beyond: u64,
    /// Facts beside packets beyond the number that is given.
    pub(super) events: u64,
}

/// Collects the packets of a trace, buffer by buffer.
pub(super) struct Collector<'s> {
    survey: &'s Survey,
    collected: Collected,
    /// By what the appearances of a packet share: its place among those kept.
    known: HashMap<(u64, u16), usize, foldhash::fast::RandomState>,
    /// Parts of packets whose last part is still to come.
    open: BTreeMap<PartsOf, Open>,
    /// What is reported beside packets.
    reporter: Reporter<'s>,
    most: usize,
}

/// Process and thread, adapter and layer.
type PartsOf = ((u32, u32), (u32, u32));

struct Open {
    time: i64,
    linktype: Linktype,
    is_cut: bool,
    offset: usize,
    bytes: Vec<u8>,
    parts: u64,
}

impl<'s> Collector<'s> {
    /// Of a trace of so many bytes.
    pub(super) fn of(survey: &'s Survey, length: usize) -> Self {
        let collected = Collected::default();
        let most = BESIDE.saturating_add(length.saturating_mul(2));
        let reporter = Reporter::of(survey);
        Self { survey, collected, known: HashMap::default(), open: BTreeMap::new(), reporter, most }
    }

    /// Takes the next buffer of the file; shows `show` what is more than counted and no packet.
    pub(super) fn buffer(&mut self, buffer: &Buffer<'_>, visit: &mut impl FnMut(TraceEvent<'_>)) {
        for record in Records::of(buffer.records) {
            self.reporter.record();
            let Kind::Event(event) = record.kind else { continue };
            match event.provider {
                NDIS if is_fragment(event.id) => self.fragment(&event, buffer),
                PKTMON if is_appearance(event.id) => self.appearance(&event, buffer, visit),
                RAS if is_remote_access(event.id) => self.remote_access(&event, buffer),
                PEF if is_transport(event.id) => self.transport(&event, buffer),
                WFP => self.reporter.platform(&event, buffer.offset, visit),
                _ => {}
            }
        }
    }

    /// A packet inside a tunnel of remote access.
    fn remote_access(&mut self, event: &Event<'_>, buffer: &Buffer<'_>) {
        let Some((at, bytes, linktype)) = of_remote_access(event) else {
            self.collected.left_out.damaged += 1;
            return;
        };
        let kept = self.keep_bytes(bytes, linktype, event.data_at + at, buffer, None);
        let Some((place, offset)) = kept else { return };
        self.keep(event, Adapter::RemoteAccess, linktype, (place, offset, bytes.len()));
    }

    /// A packet above IPsec.
    fn transport(&mut self, event: &Event<'_>, buffer: &Buffer<'_>) {
        let order = self.survey.address_order();
        let Some(packet) = Transport::of(event).and_then(|packet| packet.packet(order)) else {
            self.collected.left_out.unplaced += 1;
            return;
        };
        let Some(place) = self.beside(&packet, Linktype::RAW, None) else { return };
        self.keep(event, Adapter::Transport, Linktype::RAW, (place, buffer.offset, packet.len()));
    }

    fn keep(
        &mut self,
        event: &Event<'_>,
        adapter: Adapter,
        linktype: Linktype,
        (bytes, offset, length): (Stored, usize, usize),
    ) {
        let original_len = u32::try_from(length).unwrap_or(u32::MAX);
        let time = event.time;
        self.collected.kept.push(Kept { time, adapter, linktype, original_len, offset, bytes });
    }

    /// What was collected, in order of time; of packets of the same time in the order of the file.
    pub(super) fn finish(mut self) -> Collected {
        let open = self.open.values().map(|open| open.parts).sum::<u64>();
        self.collected.left_out.events = self.reporter.left_out;
        self.collected.left_out.parts += open;
        self.collected.kept.sort_by_key(|packet| packet.time);
        self.collected
    }

    fn appearance(
        &mut self,
        event: &Event<'_>,
        buffer: &Buffer<'_>,
        visit: &mut impl FnMut(TraceEvent<'_>),
    ) {
        let Some(seen) = Appearance::of(event) else {
            self.collected.left_out.damaged += 1;
            return;
        };
        // What the host dropped was not on the wire as it is shown; the survey has counted it.
        if seen.drop_reason != 0 {
            return self.reporter.dropped(event, &seen, buffer.offset, visit);
        }
        let is_miniport = self.survey.stack.is_miniport(seen.component);
        let is_named = seen.appearance != 0;
        if !is_named && !is_miniport && self.survey.stack.has_miniports() {
            self.collected.left_out.further += 1;
            return;
        }
        let known = if is_named { self.known.get(&seen.packet).copied() } else { None };
        let known = known.and_then(|place| Some((place, *self.collected.kept.get(place)?)));
        if let Some((_, before)) = known {
            self.collected.left_out.further += 1;
            let was_miniport =
                matches!(before.adapter, Adapter::PktMon(c) if self.survey.stack.is_miniport(c));
            let is_nearer = if was_miniport == is_miniport { seen.is_sent } else { is_miniport };
            if !is_nearer {
                return;
            }
        }
        let replaced = known.map(|(_, before)| before.bytes);
        let bytes =
            self.keep_bytes(seen.bytes, seen.linktype, event.data_at + seen.at, buffer, replaced);
        let Some((bytes, offset)) = bytes else { return };
        let packet = Kept {
            time: event.time,
            adapter: Adapter::PktMon(seen.component),
            linktype: seen.linktype,
            original_len: seen.original_len,
            offset,
            bytes,
        };
        match known.and_then(|(place, _)| self.collected.kept.get_mut(place)) {
            Some(kept) => *kept = packet,
            None => {
                if is_named {
                    self.known.insert(seen.packet, self.collected.kept.len());
                }
                self.collected.kept.push(packet);
            }
        }
    }

    fn fragment(&mut self, event: &Event<'_>, buffer: &Buffer<'_>) {
        let Some(part) = Fragment::of(event) else {
            self.collected.left_out.damaged += 1;
            return;
        };
        let key = (event.writer, part.adapter);
        let adapter = part.seen_at();
        let begun = if part.is_first {
            // A packet that never ended.
            if let Some(lost) = self.open.remove(&key) {
                self.collected.left_out.parts += lost.parts;
            }
            None
        } else {
            let Some(open) = self.open.remove(&key) else {
                self.collected.left_out.parts += 1;
                return;
            };
            Some(open)
        };
        if part.is_last && begun.is_none() {
            let bytes =
                self.keep_bytes(part.bytes, part.linktype, event.data_at + part.at, buffer, None);
            if let Some((bytes, offset)) = bytes {
                let original_len = wire_length(part.bytes, part.linktype, part.is_cut);
                let (time, linktype) = (event.time, part.linktype);
                let packet = Kept { time, adapter, linktype, original_len, offset, bytes };
                self.collected.kept.push(packet);
            }
            return;
        }
        let mut open = begun.unwrap_or_else(|| Open {
            time: event.time,
            linktype: part.linktype,
            is_cut: false,
            offset: buffer.offset,
            bytes: Vec::new(),
            parts: 0,
        });
        open.bytes.extend_from_slice(part.bytes);
        open.parts += 1;
        open.is_cut |= part.is_cut;
        if open.bytes.len() > MAX_CAPTURED_LIMIT as usize
            || (!part.is_last && self.open.len() >= MOST_OPEN)
        {
            self.collected.left_out.parts += open.parts;
        } else if part.is_last {
            if let Some(bytes) = self.beside(&open.bytes, open.linktype, None) {
                let original_len = wire_length(&open.bytes, open.linktype, open.is_cut);
                let Open { time, linktype, offset, .. } = open;
                let packet = Kept { time, adapter, linktype, original_len, offset, bytes };
                self.collected.kept.push(packet);
            }
        } else {
            self.open.insert(key, open);
        }
    }

    /// Where a packet's bytes are from now on, and where in the file it begins.
    fn keep_bytes(
        &mut self,
        bytes: &[u8],
        linktype: Linktype,
        at: usize,
        buffer: &Buffer<'_>,
        replaced: Option<Stored>,
    ) -> Option<(Stored, usize)> {
        let in_file = buffer.offset + HEADER_LEN + at;
        if buffer.is_plain && linktype != Linktype::IEEE802_11 {
            self.has_room(0).then_some(())?;
            return Some((Stored { in_file: true, at: in_file, len: bytes.len() }, in_file));
        }
        let offset = if buffer.is_plain { in_file } else { buffer.offset };
        Some((self.beside(bytes, linktype, replaced)?, offset))
    }

    /// Keeps bytes beside the file, in place of others where they fit there.
    fn beside(
        &mut self,
        bytes: &[u8],
        linktype: Linktype,
        replaced: Option<Stored>,
    ) -> Option<Stored> {
        let cleared = (linktype == Linktype::IEEE802_11).then(|| without_protected_bit(bytes));
        let bytes = cleared.as_deref().unwrap_or(bytes);
        let len = bytes.len();
        let reused = replaced.filter(|old| !old.in_file && old.len >= len);
        let room = reused.and_then(|old| self.collected.beside.get_mut(old.at..old.at + len));
        if let (Some(old), Some(room)) = (reused, room) {
            room.copy_from_slice(bytes);
            return Some(Stored { in_file: false, at: old.at, len });
        }
        self.has_room(len).then_some(())?;
        let at = self.collected.beside.len();
        self.collected.beside.extend_from_slice(bytes);
        Some(Stored { in_file: false, at, len })
    }

    fn has_room(&mut self, more: usize) -> bool {
        let used = self.collected.beside.len() + self.collected.kept.len().saturating_mul(EACH);
        let has_room = used.saturating_add(more) <= self.most;
        self.collected.left_out.beyond += u64::from(!has_room);
        has_room
    }
}

/// A packet's length on the wire: of one that was cut, as far as its IP header shows.
fn wire_length(bytes: &[u8], linktype: Linktype, is_cut: bool) -> u32 {
    let captured = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let reported = if is_cut { length_by_ip(bytes, linktype) } else { None };
    reported.map_or(captured, |reported| reported.max(captured))
}

/// What may be used beside the file, with twice its length.
const BESIDE: usize = 256 << 20;
/// What a packet costs beside its bytes.
const EACH: usize = 128;
/// Packets that are in the middle of their parts: one a thread, so this is far beyond any.
const MOST_OPEN: usize = 4096;
