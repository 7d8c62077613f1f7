//! Network Monitor 1.x and 2.x: frames that a table puts in order.
//!
//! The table may be behind the frames, and frames may be in any order, so the file is held in
//! memory: at most 2 GiB. Network Monitor itself ends a capture at 500 MB by default, and its places
//! are numbers of 32 bits. Comments, process names and adapter lists are covered and not read.
//!
//! Sources: Microsoft "CAPTUREFILE_HEADER_VALUES", Network Monitor 3 help "Capture File Format",
//! Wireshark's notes on netmon.

mod claims;
mod medium;
mod record;

use super::fields::{u16_at, u32_at};
use super::{CaptureOutline, Clock, Linktype, RawFrame, SeenAt, held};
use crate::evidence::{CaptureProblem, FrameNumber, Interface, Position, TableFault};
use crate::time::{Resolution, Timestamp};
use claims::{Claims, Refusal};
use medium::Medium;
use record::Record;
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Reads a Network Monitor file from its first byte and shows `visit` every frame in the table's
/// order.
///
/// # Errors
/// Only what the reader itself answers; defects of the file are in the outline.
pub fn read<R: Read>(
    reader: R,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
) -> io::Result<CaptureOutline> {
    let mut outline = CaptureOutline::default();
    let file = held(reader, &mut outline)?;
    let Some(header) = Header::of(&file) else {
        outline.problem(CaptureProblem::HeaderCut(HEADER_LEN as u64), 0, Position::File);
        return Ok(outline);
    };
    outline.cover("file_header", HEADER_LEN as u64);
    if !matches!(header.version.0, 1 | 2) {
        let kind = CaptureProblem::NetmonVersion(header.version.0);
        outline.problem(kind, 4, Position::File);
        return Ok(outline);
    }
    let mut capture = Capture::of(&file, &header, outline);
    capture.read_all(visit);
    Ok(capture.finish())
}

/// The header that both versions begin with.
pub(super) struct Header {
    /// Major and minor.
    version: (u8, u8),
    /// The link layer of all frames, before 2.1.
    medium: u16,
    /// When the capture began, by the clock on the capturing computer's wall.
    start: Option<Timestamp>,
    table: (usize, usize),
}

impl Header {
    fn of(file: &[u8]) -> Option<Self> {
        let header = file.get(..HEADER_LEN)?;
        let place = |at| u32_at(header, at).map(|value| value as usize);
        Some(Self {
            version: (*header.get(5)?, *header.get(4)?),
            medium: u16_at(header, 6)?,
            start: system_time(header),
            table: (place(24)?, place(28)?),
        })
    }

    /// Whether each frame shows its link layer.
    fn names_medium_per_frame(&self) -> bool {
        self.version >= (2, 1)
    }

    /// Whether each frame shows its time in UTC.
    fn has_utc_times(&self) -> bool {
        self.version >= (2, 3)
    }

    fn resolution(&self) -> Resolution {
        match self.version {
            (1, _) => Resolution::MILLISECONDS,
            _ if self.has_utc_times() => Resolution::FILETIME,
            _ => Resolution::MICROSECONDS,
        }
    }
}

/// A SYSTEMTIME ([MS-DTYP] 2.3.13): year, month, day of the week, day, hour, minute, second,
/// millisecond.
fn system_time(header: &[u8]) -> Option<Timestamp> {
    let field = |at: usize| u16_at(header, 8 + 2 * at);
    let small = |at| field(at).and_then(|value| i8::try_from(value).ok());
    let date = (i16::try_from(field(0)?).ok()?, small(1)?, small(3)?);
    Timestamp::from_utc(
        date,
        (small(4)?, small(5)?, small(6)?),
        i32::from(field(7)?).checked_mul(1_000_000)?,
    )
}

/// A file while it is read.
struct Capture<'f> {
    file: &'f [u8],
    header: &'f Header,
    outline: CaptureOutline,
    claims: Claims,
    clock: Clock,
    media: BTreeMap<u16, u32>,
    number: u64,
}

impl<'f> Capture<'f> {
    fn of(file: &'f [u8], header: &'f Header, outline: CaptureOutline) -> Self {
        let mut claims = Claims::default();
        // The claims are empty, so nothing can be in the way of the header.
        let _ = claims.take(0, HEADER_LEN);
        let (media, clock) = (BTreeMap::new(), Clock::new());
        Self { file, header, outline, claims, clock, media, number: 0 }
    }

    fn read_all(&mut self, visit: &mut impl FnMut(RawFrame<'_>) -> bool) {
        if !self.header.has_utc_times() {
            self.outline.problem(CaptureProblem::LocalTime, 8, Position::File);
        }
        if !self.header.names_medium_per_frame() {
            let _ = self.describe(self.header.medium);
        }
        let (at, length) = self.header.table;
        let table = at.checked_add(length).and_then(|end| self.file.get(at..end));
        match table {
            Some(table) if self.claims.take(at, at + length).is_ok() => {
                self.outline.cover("frame_table", length as u64);
                let (entries, rest) = table.as_chunks::<4>();
                for entry in entries {
                    if self.frame(u32::from_le_bytes(*entry) as usize, visit).is_none() {
                        return;
                    }
                }
                if !rest.is_empty() {
                    self.table_problem(TableFault::Length(length as u64), at);
                }
            }
            _ => {
                let (length, file) = (length as u64, self.file.len() as u64);
                self.table_problem(TableFault::Outside { length, file }, at);
                self.walk(visit);
            }
        }
    }

    /// Without its table: one frame behind the other, up to the first that makes no sense.
    fn walk(&mut self, visit: &mut impl FnMut(RawFrame<'_>) -> bool) {
        let follows = |at| Record::at(self.file, at, self.header).filter(Record::makes_sense);
        // Network Monitor puts the first frame behind the header, others fill up to 128 bytes.
        let two = |at: &usize| {
            follows(*at)
                .is_some_and(|first| first.end == self.file.len() || follows(first.end).is_some())
        };
        let Some(mut at) = [HEADER_LEN, PADDED_HEADER_LEN].into_iter().find(two) else { return };
        while let Some(end) = follows(at).map(|record| record.end) {
            if self.frame(at, visit).is_none() {
                return;
            }
            at = end;
        }
    }

    fn table_problem(&mut self, fault: TableFault, at: usize) {
        self.outline.problem(CaptureProblem::Table(fault), at as u64, Position::File);
    }

    /// Shows the frame at a place; `None` where no more is wanted.
    fn frame(&mut self, at: usize, visit: &mut impl FnMut(RawFrame<'_>) -> bool) -> Option<()> {
        let offset = at as u64;
        let Some(record) = Record::at(self.file, at, self.header) else {
            self.table_problem(TableFault::FrameOutside, at);
            return Some(());
        };
        if let Err(refusal) = self.claims.take(at, record.end) {
            let fault = match refusal {
                Refusal::Taken => TableFault::FrameOverlaps,
                Refusal::Scattered => TableFault::FrameScattered,
            };
            self.table_problem(fault, at);
            return Some(());
        }
        let length = (record.end - at) as u64;
        let medium = Medium::of(record.medium);
        self.number += u64::from(medium.has_number());
        let Some((linktype, header)) = medium.link_layer(record.data) else {
            self.outline.cover("records_not_packets", length);
            return Some(());
        };
        let description = self.describe(record.medium);
        self.outline.cover("frames", length);
        self.outline.frames += 1;
        let data = record.data.get(header..).unwrap_or_default();
        let skipped = u32::try_from(header).unwrap_or_default();
        let captured = u32::try_from(data.len()).unwrap_or(u32::MAX);
        visit(RawFrame {
            number: FrameNumber(self.number),
            time: self.clock.place(record.time, self.number, offset),
            linktype,
            original_len: record.original_len.saturating_sub(skipped).max(captured),
            interface: 0,
            description,
            offset: (record.data_at + header) as u64,
            seen_at: SeenAt::Wire,
            data,
        })
        .then_some(())
    }

    /// Each link layer is an interface: the file knows no other. Gives its place among them.
    fn describe(&mut self, medium: u16) -> u32 {
        if let Some(place) = self.media.get(&medium) {
            return *place;
        }
        let Some((linktype, _)) =
            Medium::of(medium).link_layer(&[]).filter(|_| self.media.len() < MOST_INTERFACES)
        else {
            return u32::MAX;
        };
        let place = u32::try_from(self.media.len()).unwrap_or(u32::MAX);
        self.media.insert(medium, place);
        let name = (linktype == Linktype::UNREGISTERED)
            .then(|| format!("Network Monitor media type 0x{medium:04x}"));
        let resolution = self.header.resolution();
        self.outline.interfaces.push(Interface {
            linktype: linktype.0,
            snaplen: 0,
            resolution,
            name,
        });
        place
    }

    fn finish(self) -> CaptureOutline {
        let Self { file, mut outline, clock, .. } = self;
        clock.report(&mut outline);
        let covered: u64 = outline.coverage.values().map(|extent| extent.bytes).sum();
        let rest = (file.len() as u64).saturating_sub(covered);
        // Comments, process names, statistics and gaps; behind damage it may as well be frames.
        if rest > 0 && !outline.problems.iter().any(|problem| problem.code().is_loss()) {
            outline.cover("other_blocks", rest);
        }
        outline
    }
}

const HEADER_LEN: usize = 72;
const PADDED_HEADER_LEN: usize = 128;
/// A capture with more link layers than this is not one that was ever made.
const MOST_INTERFACES: usize = 256;
