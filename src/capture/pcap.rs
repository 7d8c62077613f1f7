//! Classic pcap and its kin: micro- and nanoseconds, "modified" headers, IXIA, Nokia; both byte orders.
//!
//! Lengths of records are believed only as far as a capture can hold them. Where a magic number
//! stands for several layouts, the first records tell which one it is.

use super::buffer::Buffer;
use super::{CaptureOutline, Clock, Linktype, MAX_CAPTURED_LIMIT, RawFrame};
use crate::evidence::{Extent, FrameNumber, Interface, Position, ProblemCode};
use crate::time::{Resolution, Timestamp};
use std::io::{self, Read};

/// Reads a pcap stream from its first byte and shows `visit` every frame in order.
///
/// # Errors
/// Only what the reader itself answers; defects of the file stand in the outline.
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
    let mut outline = CaptureOutline::default();
    if !buffer.want(HEADER_LEN)? {
        let text = format!("the file ends inside the pcap header of {HEADER_LEN} bytes");
        outline.problem(ProblemCode::Truncated, 0, Position::File, text);
        return Ok(outline);
    }
    let Some(mut layout) = Layout::of(buffer.available()) else {
        let text = "the pcap header is not readable".into();
        outline.problem(ProblemCode::Corrupt, 0, Position::File, text);
        return Ok(outline);
    };
    if !buffer.want(layout.file_header)? {
        let text = format!("the file ends inside its header of {} bytes", layout.file_header);
        outline.problem(ProblemCode::Truncated, 0, Position::File, text);
        return Ok(outline);
    }
    buffer.consume(layout.file_header);
    outline.cover("file_header", layout.file_header as u64);
    let ends = !buffer.want(TRIED)?;
    layout.settle(buffer.available(), ends);
    outline.interfaces.push(layout.interface());
    read_frames(buffer, &layout, &mut outline, visit)?;
    Ok(outline)
}

fn read_frames<R: Read>(
    buffer: &mut Buffer<'_, R>,
    layout: &Layout,
    outline: &mut CaptureOutline,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
) -> io::Result<()> {
    let mut clock = Clock::new();
    let mut frames = Extent::default();
    while buffer.want(1)? {
        let offset = buffer.offset();
        let number = outline.frames + 1;
        let at_hand = buffer.want(layout.record_header)?;
        let Some(record) = layout.record(buffer.available()).filter(|_| at_hand) else {
            let text = format!("the file ends inside the header of frame {number}");
            outline.problem(ProblemCode::Truncated, offset, Position::Frame(number), text);
            break;
        };
        let record_len = match layout.record_len(&record) {
            Ok(length) => length,
            Err(text) => {
                let text = format!("frame {number} {text}; what follows was not read");
                outline.problem(ProblemCode::Corrupt, offset, Position::Frame(number), text);
                break;
            }
        };
        let whole = buffer.want(record_len)?;
        let available = buffer.available();
        let data = available.get(layout.record_header..record_len).filter(|_| whole);
        let Some(data) = data else {
            let remain = available.len().saturating_sub(layout.record_header);
            let text = format!(
                "frame {number} claims {} captured bytes, {remain} remain",
                record.captured_len
            );
            outline.problem(ProblemCode::Truncated, offset, Position::Frame(number), text);
            break;
        };
        let time = clock.tell(layout.time(&record), number, offset);
        outline.frames = number;
        let go_on = visit(RawFrame {
            number: FrameNumber(number),
            time,
            linktype: layout.linktype,
            original_len: record.original_len.max(record.captured_len),
            interface: 0,
            description: 0,
            offset: offset + layout.record_header as u64,
            data,
        });
        buffer.consume(record_len);
        frames.add(record_len as u64, 1);
        if !go_on {
            break;
        }
    }
    clock.report(outline);
    if frames.records > 0 {
        outline.coverage.insert("frames", frames);
    }
    Ok(())
}

/// What a record's header says first, in every layout.
struct Record {
    seconds: u32,
    fraction: u32,
    captured_len: u32,
    original_len: u32,
}

/// What the file header says of every record.
struct Layout {
    big_endian: bool,
    nanoseconds: bool,
    linktype: Linktype,
    snaplen: u32,
    max_captured_len: u32,
    file_header: usize,
    /// The lengths that a record's header can have, the likeliest first.
    record_headers: &'static [usize],
    record_header: usize,
}

impl Layout {
    /// The header behind the magic number: version (4), zone (4), accuracy (4), snaplen, linktype.
    fn of(header: &[u8]) -> Option<Self> {
        let magic = u32::from_be_bytes(*header.first_chunk()?);
        let fits = |(kind, big): &(&Kind, bool)| {
            kind.magic == if *big { magic } else { magic.swap_bytes() }
        };
        let both = KINDS.iter().flat_map(|kind| [(kind, true), (kind, false)]);
        let (kind, big_endian) = { both }.find(fits)?;
        let snaplen = word(header, 16, big_endian)?;
        // The upper bits of the field hold the length of a frame check sequence.
        let linktype = u16::try_from(word(header, 20, big_endian)? & 0xffff).ok()?;
        Some(Self {
            big_endian,
            nanoseconds: kind.nanoseconds,
            linktype: Linktype(linktype),
            snaplen,
            // Segmentation offload yields frames beyond a small snaplen's promise.
            max_captured_len: snaplen.clamp(MIN_CAPTURED_LIMIT, MAX_CAPTURED_LIMIT),
            file_header: kind.file_header,
            record_headers: kind.record_headers,
            record_header: *kind.record_headers.first()?,
        })
    }

    /// Chooses among layouts that share a magic number. Only where the likeliest one breaks in the
    /// first records and another one holds is the other believed: a damaged file keeps its format.
    fn settle(&mut self, bytes: &[u8], ends: bool) {
        if self.record_headers.len() == 1 || self.holds(bytes, self.record_header, ends, 0) {
            return;
        }
        let other = |length: &&usize| self.holds(bytes, **length, ends, 2);
        if let Some(length) = self.record_headers.iter().skip(1).find(other) {
            self.record_header = *length;
        }
    }

    /// Whether the first records make sense with headers of that length: at least so many of them,
    /// or all that there are.
    fn holds(&self, bytes: &[u8], header: usize, ends: bool, at_least: usize) -> bool {
        let mut rest = bytes;
        for seen in 0..RECORDS_TRIED {
            if rest.is_empty() && ends {
                return true;
            }
            let Some(record) = self.record(rest).filter(|_| rest.len() >= header) else {
                return seen >= at_least;
            };
            let fraction = if self.nanoseconds { 1_000_000_000 } else { 1_000_000 };
            let makes_sense = record.fraction < fraction
                && record.captured_len <= self.max_captured_len
                && record.captured_len <= record.original_len
                && record.original_len <= MAX_CAPTURED_LIMIT;
            if !makes_sense {
                return false;
            }
            rest = match rest.get(header + record.captured_len as usize..) {
                Some(rest) => rest,
                None => return seen + 1 >= at_least,
            };
        }
        true
    }

    fn interface(&self) -> Interface {
        let resolution =
            if self.nanoseconds { Resolution::NANOSECONDS } else { Resolution::MICROSECONDS };
        let (linktype, snaplen) = (self.linktype.0, self.snaplen);
        Interface { linktype, snaplen, resolution, name: None }
    }

    #[inline]
    fn record(&self, bytes: &[u8]) -> Option<Record> {
        let fields = *bytes.as_chunks::<4>().0.first_chunk::<4>()?;
        let [seconds, fraction, captured_len, original_len] = if self.big_endian {
            fields.map(u32::from_be_bytes)
        } else {
            fields.map(u32::from_le_bytes)
        };
        Some(Record { seconds, fraction, captured_len, original_len })
    }

    /// Header and data, or why that cannot be.
    fn record_len(&self, record: &Record) -> Result<usize, String> {
        let (claimed, most) = (record.captured_len, self.max_captured_len);
        if claimed > most {
            return Err(format!("claims {claimed} captured bytes where at most {most} can be"));
        }
        // At most a header and max_captured_len, far below usize::MAX.
        Ok(self.record_header + claimed as usize)
    }

    fn time(&self, record: &Record) -> Option<Timestamp> {
        let per_tick = if self.nanoseconds { 1 } else { 1000 };
        let nanoseconds = record.fraction.checked_mul(per_tick)?;
        Timestamp::from_seconds(i64::from(record.seconds), nanoseconds)
    }
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let field = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
}

/// One magic number and what it stands for.
struct Kind {
    magic: u32,
    nanoseconds: bool,
    file_header: usize,
    record_headers: &'static [usize],
}

/// Sources: libpcap's savefile format; Wireshark's notes on the variants of pcap.
const KINDS: &[Kind] = &[
    // Nokia's record headers have 4 octets more, those of patched libpcaps have 8 or 12.
    Kind {
        magic: 0xa1b2_c3d4,
        nanoseconds: false,
        file_header: HEADER_LEN,
        record_headers: &[16, 24, 20, 28],
    },
    Kind { magic: 0xa1b2_3c4d, nanoseconds: true, file_header: HEADER_LEN, record_headers: &[16] },
    // Kuznetzov's patch: interface, protocol and packet type; an earlier one adds 4 octets.
    Kind {
        magic: 0xa1b2_cd34,
        nanoseconds: false,
        file_header: HEADER_LEN,
        record_headers: &[24, 28],
    },
    // IXIA captured by hardware and by software: the header ends with the length of all records.
    Kind {
        magic: 0x1c00_01ac,
        nanoseconds: true,
        file_header: HEADER_LEN + 4,
        record_headers: &[16],
    },
    Kind {
        magic: 0x1c00_01ab,
        nanoseconds: false,
        file_header: HEADER_LEN + 4,
        record_headers: &[16],
    },
];

const HEADER_LEN: usize = 24;
/// libpcap's MAXIMUM_SNAPLEN: what a capture may hold whatever its header says.
const MIN_CAPTURED_LIMIT: u32 = 262_144;
/// How much of a file and how many records are looked at to tell its layout.
const TRIED: usize = 64 * 1024;
const RECORDS_TRIED: usize = 3;
