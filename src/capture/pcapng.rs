//! pcapng: several sections, several interfaces, any time resolution and offset.
//!
//! `pcap-parser` reads the describing blocks. Packet blocks are read in place here: the crate
//! allocates for a packet's options and does not know the obsolete Packet Block. It also takes
//! `if_tsoffset` for little-endian in every section and refuses binary resolutions, so both are
//! decoded here (draft-ietf-opsawg-pcapng §4.2).

use super::buffer::Buffer;
use super::options::{Options, ticks_per_second};
use super::{CaptureOutline, Clock, Linktype, RawFrame, SeenAt};
use crate::evidence::{
    BlockFault, CaptureProblem, FrameNumber, Interface, NoteKind, NotePlace, Position,
};
use crate::time::{Resolution, Timestamp};
use pcap_parser::pcapng::{
    InterfaceDescriptionBlock, OptionCode, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le, parse_interfacestatisticsblock_be,
    parse_interfacestatisticsblock_le,
};
use std::io::{self, Read};

/// Reads a pcapng stream from its first byte and shows `visit` every frame in order.
///
/// # Errors
/// Only what the reader itself answers; defects of the file are in the outline.
pub fn read<R: Read>(
    reader: R,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
) -> io::Result<CaptureOutline> {
    read_from(&mut Buffer::new(reader), visit)
}

/// The same out of a buffer.
///
/// # Errors
/// As [`read`].
pub fn read_from<R: Read>(
    buffer: &mut Buffer<'_, R>,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
) -> io::Result<CaptureOutline> {
    let mut walk = Walk {
        outline: CaptureOutline::default(),
        clock: Clock::new(),
        section: Section::default(),
        numbered: 0,
        dropped: Vec::new(),
        sections: 0,
        has_further_interfaces: false,
    };
    while buffer.want(1)? {
        if !walk.block(buffer, visit)? {
            break;
        }
    }
    walk.clock.report(&mut walk.outline);
    let reported = walk.dropped.iter().filter_map(|dropped| dropped.in_all.max(dropped.by_packet));
    walk.outline.dropped_by_capturer = reported.reduce(u64::saturating_add);
    Ok(walk.outline)
}

/// What the current section has said so far.
#[derive(Default)]
struct Section {
    big_endian: bool,
    begun: bool,
    /// Where its interfaces begin in the outline's list.
    first_interface: usize,
    clocks: Vec<InterfaceClock>,
}

/// How an interface's ticks become a time.
#[derive(Clone, Copy)]
struct InterfaceClock {
    ticks_per_second: u64,
    /// Added to the seconds.
    offset_seconds: i64,
    linktype: Linktype,
    snaplen: u32,
}

struct Walk {
    outline: CaptureOutline,
    clock: Clock,
    section: Section,
    /// The last number given: Wireshark also numbers blocks that are no packets.
    numbered: u64,
    /// Per interface of the whole file.
    dropped: Vec<Dropped>,
    sections: usize,
    /// There are more interfaces than are kept.
    has_further_interfaces: bool,
}

/// Frames that an interface lost, as the capture shows them in two ways.
#[derive(Clone, Copy, Default)]
struct Dropped {
    /// Its statistics.
    in_all: Option<u64>,
    /// The sum over its packets.
    by_packet: Option<u64>,
}

/// A packet block's fields, whichever of the three kinds it is.
struct PacketBlock {
    interface: usize,
    ticks: Option<u64>,
    captured_len: u32,
    original_len: u32,
    data_at: usize,
    /// Frames that its own fields say were lost before it.
    lost_before: u64,
}

impl Walk {
    /// Reads one block; false where reading cannot go on.
    fn block<R: Read>(
        &mut self,
        buffer: &mut Buffer<'_, R>,
        visit: &mut impl FnMut(RawFrame<'_>) -> bool,
    ) -> io::Result<bool> {
        let offset = buffer.offset();
        if !buffer.want(MIN_BLOCK_LEN)? {
            let remain = buffer.available().len() as u64;
            return Ok(self.truncated(offset, MIN_BLOCK_LEN as u64, remain));
        }
        if !self.enter_section(buffer.available(), offset) {
            return Ok(false);
        }
        let head = buffer.available();
        let (kind, length) = (self.u32_at(head, 0), self.u32_at(head, 4));
        if length < 12 || length % 4 != 0 {
            return Ok(self.ends_at_block(BlockFault::Length(length), offset, Position::File));
        }
        if !KNOWN_BLOCKS.contains(&kind) {
            return self.pass_over(buffer, kind, offset, length);
        }
        if length > MAX_BLOCK_LEN {
            return Ok(self.ends_at_block(BlockFault::TooLong(length), offset, Position::File));
        }
        let length = length as usize;
        if !buffer.want(length)? {
            let remain = buffer.available().len() as u64;
            return Ok(self.truncated(offset, length as u64, remain));
        }
        let block = buffer.available().get(..length).unwrap_or_default();
        if self.u32_at(block, length - 4) as usize != length {
            return Ok(self.ends_at_block(BlockFault::LengthsDiffer, offset, Position::File));
        }
        let go_on = self.known_block(kind, block, offset, visit);
        buffer.consume(length);
        Ok(go_on)
    }

    fn known_block(
        &mut self,
        kind: u32,
        block: &[u8],
        offset: u64,
        visit: &mut impl FnMut(RawFrame<'_>) -> bool,
    ) -> bool {
        match kind {
            SECTION_HEADER => self.section_header(block),
            INTERFACE_DESCRIPTION => self.interface(block, offset),
            INTERFACE_STATISTICS => self.statistics(block),
            _ => return self.packet(kind, block, offset, visit),
        }
        true
    }

    /// A section header sets the byte order for itself and all that follows.
    fn enter_section(&mut self, head: &[u8], offset: u64) -> bool {
        if head.get(..4) != Some(&SECTION_HEADER.to_le_bytes()) {
            if !self.section.begun {
                self.outline.problem(CaptureProblem::NoSectionHeader, offset, Position::File);
            }
            return self.section.begun;
        }
        let big_endian = match head.get(8..12) {
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => false,
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => true,
            _ => {
                self.outline.problem(CaptureProblem::NoByteOrder, offset, Position::File);
                return false;
            }
        };
        let first_interface = self.outline.interfaces.len();
        self.section = Section { big_endian, begun: true, first_interface, clocks: Vec::new() };
        true
    }

    fn section_header(&mut self, block: &[u8]) {
        self.outline.cover("section_headers", block.len() as u64);
        self.sections += 1;
        let options = Options::of(block, 24, self.section.big_endian);
        self.outline.note(options.notes(NotePlace::Section(self.sections), SECTION_NOTES));
    }

    fn interface(&mut self, block: &[u8], offset: u64) {
        self.outline.cover("interface_descriptions", block.len() as u64);
        if self.outline.interfaces.len() >= MOST_INTERFACES {
            if !self.has_further_interfaces {
                self.has_further_interfaces = true;
                let kind = CaptureProblem::TooManyInterfaces(MOST_INTERFACES as u64);
                self.outline.problem(kind, offset, Position::File);
            }
            return;
        }
        let parse = if self.section.big_endian {
            parse_interfacedescriptionblock_be
        } else {
            parse_interfacedescriptionblock_le
        };
        let (clock, name) = match parse(block) {
            Ok((_, description)) => (self.clock_of(&description), name_of(&description)),
            Err(_) => {
                self.outline.problem(CaptureProblem::InterfaceDamaged, offset, Position::File);
                (
                    InterfaceClock {
                        ticks_per_second: 1_000_000,
                        offset_seconds: 0,
                        linktype: Linktype(u16::MAX),
                        snaplen: 0,
                    },
                    None,
                )
            }
        };
        let resolution = Resolution::from_ticks_per_second(clock.ticks_per_second);
        self.outline.interfaces.push(Interface {
            linktype: clock.linktype.0,
            snaplen: clock.snaplen,
            resolution,
            name,
        });
        let place = NotePlace::Interface(self.outline.interfaces.len() - 1);
        let options = Options::of(block, 16, self.section.big_endian);
        self.outline.note(options.notes(place, INTERFACE_NOTES));
        self.section.clocks.push(clock);
        self.dropped.push(Dropped::default());
    }

    fn clock_of(&self, description: &InterfaceDescriptionBlock<'_>) -> InterfaceClock {
        let option = |code| description.options.iter().find(|o| o.code == code).map(|o| o.value());
        let ticks_per_second = option(OptionCode::IfTsresol)
            .and_then(|value| value.first().copied())
            .map_or(1_000_000, ticks_per_second);
        let offset_seconds = option(OptionCode::IfTsoffset)
            .and_then(|value| value.get(..8)?.try_into().ok())
            .map_or(0, |value: [u8; 8]| {
                if self.section.big_endian {
                    i64::from_be_bytes(value)
                } else {
                    i64::from_le_bytes(value)
                }
            });
        let linktype = u16::try_from(description.linktype.0).unwrap_or(u16::MAX);
        InterfaceClock {
            ticks_per_second,
            offset_seconds,
            linktype: Linktype(linktype),
            snaplen: description.snaplen,
        }
    }

    fn statistics(&mut self, block: &[u8]) {
        self.outline.cover("interface_statistics", block.len() as u64);
        let index = self.section.first_interface.saturating_add(self.u32_at(block, 8) as usize);
        let parse = if self.section.big_endian {
            parse_interfacestatisticsblock_be
        } else {
            parse_interfacestatisticsblock_le
        };
        let Ok((_, statistics)) = parse(block) else { return };
        let drops = [OptionCode::IsbIfDrop, OptionCode::IsbOsDrop].map(|code| {
            let value = statistics.options.iter().find(|o| o.code == code)?.value();
            let value: [u8; 8] = value.get(..8)?.try_into().ok()?;
            Some(if self.section.big_endian {
                u64::from_be_bytes(value)
            } else {
                u64::from_le_bytes(value)
            })
        });
        let reported = drops.into_iter().flatten().reduce(u64::saturating_add);
        // Counts run on from the start of the capture, so the last one reported holds.
        if let (Some(slot), Some(reported)) = (self.dropped.get_mut(index), reported) {
            slot.in_all = Some(reported);
        }
        let options = Options::of(block, 20, self.section.big_endian);
        self.outline.note(options.notes(NotePlace::Interface(index), &[]));
    }

    fn packet(
        &mut self,
        kind: u32,
        block: &[u8],
        offset: u64,
        visit: &mut impl FnMut(RawFrame<'_>) -> bool,
    ) -> bool {
        let number = self.numbered + 1;
        let fields = self.packet_fields(kind, block);
        let clock = self.section.clocks.get(fields.interface).copied();
        let end = fields.data_at.saturating_add(fields.captured_len as usize);
        let data = block.get(fields.data_at..end.min(block.len() - 4));
        let (Some(clock), Some(data)) =
            (clock, data.filter(|d| d.len() == fields.captured_len as usize))
        else {
            let kind = CaptureProblem::FrameOutsideBlock;
            self.outline.problem(kind, offset, Position::Frame(number));
            self.outline.cover("damaged_blocks", block.len() as u64);
            // Wireshark numbers what it can read; a block it refuses ends its list, so no number is lost here.
            return true;
        };
        let time = fields.ticks.and_then(|ticks| time_of(ticks, clock));
        let time = self.clock.place(time, number, offset);
        self.numbered = number;
        self.outline.frames += 1;
        self.outline.cover("frames", block.len() as u64);
        self.packet_options(block, &fields, number);
        let description = self.section.first_interface.saturating_add(fields.interface);
        visit(RawFrame {
            number: FrameNumber(number),
            time,
            linktype: clock.linktype,
            original_len: fields.original_len.max(fields.captured_len),
            interface: u32::try_from(fields.interface).unwrap_or(u32::MAX),
            description: u32::try_from(description).unwrap_or(u32::MAX),
            offset: offset + fields.data_at as u64,
            seen_at: SeenAt::Wire,
            data,
        })
    }

    /// Comments, and how many frames were lost before this one.
    fn packet_options(&mut self, block: &[u8], fields: &PacketBlock, number: u64) {
        let padded = (fields.captured_len as usize).next_multiple_of(4);
        let options = Options::of(block, fields.data_at + padded, self.section.big_endian);
        if options.is_empty() && fields.lost_before == 0 || fields.ticks.is_none() {
            return;
        }
        self.outline.note(options.notes(NotePlace::Frame(number), &[]));
        let reported = options.filter(|(code, _)| *code == EPB_DROP_COUNT);
        let reported = reported.filter_map(|(_, value)| options.number(value));
        let lost = reported.fold(fields.lost_before, u64::saturating_add);
        let index = self.section.first_interface.saturating_add(fields.interface);
        if let Some(slot) = self.dropped.get_mut(index).filter(|_| lost > 0) {
            slot.by_packet = Some(slot.by_packet.unwrap_or(0).saturating_add(lost));
        }
    }

    fn packet_fields(&self, kind: u32, block: &[u8]) -> PacketBlock {
        let field = |at| self.u32_at(block, at);
        let ticks = |high: u32, low: u32| Some(u64::from(high) << 32 | u64::from(low));
        match kind {
            SIMPLE_PACKET => {
                let original_len = field(8);
                let snaplen = self.section.clocks.first().map_or(0, |c| c.snaplen);
                let limit = if snaplen == 0 { u32::MAX } else { snaplen };
                let room = u32::try_from(block.len().saturating_sub(16)).unwrap_or(u32::MAX);
                let captured_len = original_len.min(limit).min(room);
                PacketBlock {
                    interface: 0,
                    ticks: None,
                    captured_len,
                    original_len,
                    data_at: 12,
                    lost_before: 0,
                }
            }
            // The obsolete block has the interface and a drop count in 16 bits each.
            OBSOLETE_PACKET => PacketBlock {
                interface: usize::from(self.u16_at(block, 8)),
                ticks: ticks(field(12), field(16)),
                captured_len: field(20),
                original_len: field(24),
                data_at: 28,
                // All ones mean unknown.
                lost_before: Some(self.u16_at(block, 10))
                    .filter(|lost| *lost != u16::MAX)
                    .map_or(0, u64::from),
            },
            _ => PacketBlock {
                interface: field(8) as usize,
                ticks: ticks(field(12), field(16)),
                captured_len: field(20),
                original_len: field(24),
                data_at: 28,
                lost_before: 0,
            },
        }
    }

    fn pass_over<R: Read>(
        &mut self,
        buffer: &mut Buffer<'_, R>,
        kind: u32,
        offset: u64,
        length: u32,
    ) -> io::Result<bool> {
        let passed = buffer.skip(u64::from(length))?;
        if passed < u64::from(length) {
            return Ok(self.truncated(offset, u64::from(length), passed));
        }
        let is_numbered = NUMBERED_BLOCKS.contains(&kind);
        self.numbered += u64::from(is_numbered);
        self.outline
            .cover(if is_numbered { "records_not_packets" } else { "other_blocks" }, passed);
        Ok(true)
    }

    fn truncated(&mut self, offset: u64, claimed: u64, remain: u64) -> bool {
        let position = Position::Frame(self.numbered + 1);
        self.ends_at_block(BlockFault::Cut { claimed, remain }, offset, position)
    }

    /// A block that ends the reading: `false`, as where no more is wanted.
    fn ends_at_block(&mut self, fault: BlockFault, offset: u64, position: Position) -> bool {
        self.outline.problem(CaptureProblem::Block(fault), offset, position);
        false
    }

    fn u32_at(&self, bytes: &[u8], at: usize) -> u32 {
        let field = bytes.get(at..at + 4).and_then(|f| f.try_into().ok()).unwrap_or_default();
        if self.section.big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
    }

    fn u16_at(&self, bytes: &[u8], at: usize) -> u16 {
        let field = bytes.get(at..at + 2).and_then(|f| f.try_into().ok()).unwrap_or_default();
        if self.section.big_endian { u16::from_be_bytes(field) } else { u16::from_le_bytes(field) }
    }
}

fn name_of(description: &InterfaceDescriptionBlock<'_>) -> Option<String> {
    let name = description.options.iter().find(|o| o.code == OptionCode::IfName)?;
    let name = name.value();
    Some(String::from_utf8_lossy(name.get(..LONGEST_NAME).unwrap_or(name)).into_owned())
}

fn time_of(ticks: u64, clock: InterfaceClock) -> Option<Timestamp> {
    let seconds = i64::try_from(ticks / clock.ticks_per_second).ok()?;
    let fraction = u128::from(ticks % clock.ticks_per_second) * 1_000_000_000;
    let nanoseconds = u32::try_from(fraction / u128::from(clock.ticks_per_second)).ok()?;
    Timestamp::from_seconds(seconds.checked_add(clock.offset_seconds)?, nanoseconds)
}

/// Sections 4.1 and 4.2 of the draft.
const SECTION_NOTES: &[(u16, NoteKind)] =
    &[(2, NoteKind::Hardware), (3, NoteKind::OperatingSystem), (4, NoteKind::Application)];
const INTERFACE_NOTES: &[(u16, NoteKind)] = &[
    (3, NoteKind::Description),
    (11, NoteKind::Filter),
    (12, NoteKind::OperatingSystem),
    (15, NoteKind::Hardware),
];
const EPB_DROP_COUNT: u16 = 4;
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const KNOWN_BLOCKS: [u32; 6] = [
    SECTION_HEADER,
    INTERFACE_DESCRIPTION,
    OBSOLETE_PACKET,
    SIMPLE_PACKET,
    INTERFACE_STATISTICS,
    ENHANCED_PACKET,
];
/// Blocks that hold no packet and that Wireshark lists as frames all the same: custom blocks,
/// systemd journal entries and system calls (pcapng draft, section 11.1; Wireshark wiretap/pcapng).
const NUMBERED_BLOCKS: [u32; 9] =
    [0x0bad, 0x4000_0bad, 0x9, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222];
/// The shortest block is a type and two lengths, but a section header's byte order takes 12 too.
const MIN_BLOCK_LEN: usize = 12;
/// Interfaces of one file; merged captures of whole networks have some hundreds.
const MOST_INTERFACES: usize = 65_536;
/// Bytes of an interface's name that are kept.
const LONGEST_NAME: usize = 256;
const MAX_BLOCK_LEN: u32 = 16 * 1024 * 1024;
