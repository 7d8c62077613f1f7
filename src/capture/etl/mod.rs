//! Windows' event traces (.etl) with packets: `netsh trace start capture=yes` and `pktmon start --capture`.
//!
//! A trace has a buffer for each processor, so packets are not in order of time in the file, and the adapters that
//! they were seen at are described behind them. Therefore the file is held in memory (at most 2 GiB), read twice,
//! and its packets are shown in order of time; a packet's number is its place in that order. pktmon shows a packet
//! at every driver that it passes: one of these counts (see [`appearances`]).

mod appearances;
mod buffers;
mod clock;
mod component;
mod drops;
mod filters;
mod packets;
mod providers;
mod record;
mod stack;
mod statements;
mod survey;
mod text;
mod upper;
mod xpress;

pub use statements::{DroppedPacket, TraceEvent, TraceFact};

use super::{CaptureOutline, Clock, Linktype, RawFrame, held};
use crate::evidence::{FrameNumber, Interface, Note, NoteKind, NotePlace, Position, TraceProblem};
use crate::time::Resolution;
use appearances::{Collected, Collector, Kept, LeftOut, Stored};
use buffers::Fault;
use stack::Adapter;
use std::collections::BTreeMap;
use std::io::{self, Read};
use survey::Survey;

/// Reads an event trace from its first byte; shows `show` what it shows beside packets, in the order of the file, then
/// `visit` every packet in order of time.
///
/// # Errors
/// Only what the reader itself answers; defects of the file are in the outline.
pub fn read<R: Read>(
    reader: R,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
    visit_event: &mut impl FnMut(TraceEvent<'_>),
) -> io::Result<CaptureOutline> {
    let mut outline = CaptureOutline::default();
    let file = held(reader, &mut outline)?;
    let survey = survey(&file, &mut outline);
    if let Some(survey) = survey.filter(Survey::is_worth_more) {
        let mut collector = Collector::of(&survey, file.len());
        let collect = |buffer: &buffers::Buffer<'_>| {
            collector.buffer(buffer, visit_event);
            true
        };
        buffers::each(&file, collect, |_, _| {});
        let collected = collector.finish();
        name_left_out(collected.left_out, &mut outline);
        show(&file, &collected, &survey, &mut outline, visit);
    }
    Ok(outline)
}

/// Names the packets that are not shown.
fn name_left_out(left_out: LeftOut, outline: &mut CaptureOutline) {
    let LeftOut { further, parts, damaged, unplaced, beyond, events } = left_out;
    let further = (further > 0).then(|| {
        format!(
            "{further} further appearances of packets at other drivers; each packet counts once"
        )
    });
    let unplaced = (unplaced > 0).then(|| {
        format!("{unplaced} packets above IPsec were only counted: they are in parts, or nothing proves the byte order of their addresses")
    });
    let notes = further.into_iter().chain(unplaced);
    let (place, kind) = (NotePlace::Section(1), NoteKind::Description);
    outline.note(notes.map(|text| Note { place, kind, text }));
    type Counted = (u64, fn(u64) -> TraceProblem);
    let all: [Counted; 4] = [
        (parts, TraceProblem::IncompletePackets),
        (damaged, TraceProblem::ShortEvents),
        (beyond, TraceProblem::PacketsBeyondMemory),
        (events, TraceProblem::EventsBeyondMemory),
    ];
    for (count, kind) in all {
        if count > 0 {
            outline.problem(kind(count), 0, Position::File);
        }
    }
}

/// Reads everything but packets, and names every defect.
fn survey(file: &[u8], outline: &mut CaptureOutline) -> Option<Survey> {
    let mut survey: Option<Survey> = None;
    let mut headless = None;
    let covered = std::cell::Cell::new((0u64, 0u64));
    let mut faults = Vec::new();
    let mut stopped = Vec::new();
    buffers::each(
        file,
        |buffer| {
            let survey = match &mut survey {
                Some(survey) => {
                    survey.buffer(buffer.sequence, buffer.is_after_loss);
                    survey
                }
                none => match Survey::begin(buffer.records) {
                    Some(begun) => none.insert(begun),
                    None => {
                        headless = Some(buffer.offset);
                        return false;
                    }
                },
            };
            if let Some(at) = survey.records(buffer.records)
                && stopped.len() < MOST_FAULTS
            {
                stopped.push((buffer.offset, at));
            }
            let (bytes, count) = covered.get();
            covered.set((bytes + buffer.length as u64, count + 1));
            true
        },
        |offset, fault| {
            if faults.len() < MOST_FAULTS {
                faults.push((offset, fault));
            }
        },
    );
    if let Some(offset) = headless {
        outline.problem(TraceProblem::NoHeader, offset as u64, Position::File);
        return None;
    }
    let (bytes, count) = covered.get();
    outline.coverage.entry("trace_buffers").or_default().add(bytes, count);
    let is_damaged = !faults.is_empty() || !stopped.is_empty();
    for (offset, at) in stopped {
        let kind = TraceProblem::BufferRecords(at as u64);
        outline.problem(kind, offset as u64, Position::File);
    }
    for (offset, fault) in faults {
        let (kind, at) = of_buffer(offset, fault);
        outline.problem(kind, at as u64, Position::File);
    }
    if let Some(survey) = &survey {
        survey.report(is_damaged, outline);
    }
    survey
}

/// What is wrong with the buffer at an offset, and where.
fn of_buffer(offset: usize, fault: Fault) -> (TraceProblem, usize) {
    match fault {
        Fault::NoBuffer => (TraceProblem::NoBuffer, offset),
        Fault::Passed => (TraceProblem::BufferDamaged, offset),
        Fault::Cut => (TraceProblem::BufferCut, offset),
        Fault::Packed(at) => (TraceProblem::BufferUnpacking(offset as u64), at),
        Fault::Expansion => (TraceProblem::BuffersExpansion, offset),
        Fault::Repeated(before) => (TraceProblem::BufferRepeated(before as u64), offset),
        Fault::OtherTrace => (TraceProblem::OtherTrace, offset),
    }
}

/// Shows the packets; each link layer of each adapter is an interface.
fn show(
    file: &[u8],
    collected: &Collected,
    survey: &Survey,
    outline: &mut CaptureOutline,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
) {
    let mut interfaces: BTreeMap<(Adapter, Linktype), u32> = BTreeMap::new();
    let limits = limits(&collected.kept);
    let mut clock = Clock::new();
    for (packet, number) in collected.kept.iter().zip(1..) {
        let key = (packet.adapter, packet.linktype);
        let interface = interfaces.get(&key).copied().unwrap_or_else(|| {
            let Some(next) =
                u32::try_from(interfaces.len()).ok().filter(|next| *next < MOST_INTERFACES)
            else {
                return u32::MAX;
            };
            interfaces.insert(key, next);
            outline.interfaces.push(Interface {
                linktype: packet.linktype.0,
                snaplen: limits.get(&key).copied().flatten().unwrap_or(0),
                resolution: Resolution::FILETIME,
                name: Some(survey.stack.name_of(packet.adapter)),
            });
            next
        });
        let Stored { in_file, at, len } = packet.bytes;
        let source = if in_file { file } else { &collected.beside };
        outline.frames += 1;
        let goes_on = visit(RawFrame {
            number: FrameNumber(number),
            time: clock.place(survey.moment(packet.time), number, packet.offset as u64),
            linktype: packet.linktype,
            original_len: packet.original_len,
            interface,
            description: interface,
            offset: packet.offset as u64,
            seen_at: survey.stack.seen_at(packet.adapter, packet.linktype),
            data: source.get(at..at + len).unwrap_or_default(),
        });
        if !goes_on {
            break;
        }
    }
    clock.report(outline);
}

/// To how many bytes packets were cut, by adapter and link layer; nothing where some are longer than those that were
/// cut, or are cut elsewhere.
fn limits(kept: &[Kept]) -> BTreeMap<(Adapter, Linktype), Option<u32>> {
    let mut limits: BTreeMap<(Adapter, Linktype), (u32, u32, u32)> = BTreeMap::new();
    for packet in kept {
        let length = u32::try_from(packet.bytes.len).unwrap_or(u32::MAX);
        let of = limits.entry((packet.adapter, packet.linktype)).or_insert((0, u32::MAX, 0));
        of.0 = of.0.max(length);
        if length < packet.original_len {
            (of.1, of.2) = (of.1.min(length), of.2.max(length));
        }
    }
    let limit =
        |(longest, lowest, highest)| (lowest == highest && highest == longest).then_some(longest);
    limits.into_iter().map(|(key, of)| (key, limit(of))).collect()
}

const MOST_INTERFACES: u32 = 4096;
/// A trace of nothing but defects must not fill the memory.
const MOST_FAULTS: usize = 1000;
