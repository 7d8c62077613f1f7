//! snoop (RFC 1761): what Solaris and some appliances write.
//!
//! Every number is big-endian. The trailers that some analysers hide in the padding are not read.

use super::buffer::Buffer;
use super::{CaptureOutline, Clock, Linktype, MAX_CAPTURED_LIMIT, RawFrame, SeenAt};
use crate::evidence::{CaptureProblem, FrameNumber, Interface, Position};
use crate::time::{Resolution, Timestamp};
use std::io::{self, Read};

/// Reads a snoop stream from its first byte and shows `visit` every frame in order.
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
    let mut outline = CaptureOutline::default();
    let whole = buffer.want(HEADER_LEN)?;
    let header = buffer.available();
    let Some((version, datalink)) = word(header, 8).zip(word(header, 12)).filter(|_| whole) else {
        outline.problem(CaptureProblem::HeaderCut(HEADER_LEN as u64), 0, Position::File);
        return Ok(outline);
    };
    buffer.consume(HEADER_LEN);
    outline.cover("file_header", HEADER_LEN as u64);
    // RFC 1761: version 2; Surveyor wrote up to 5 with the same records.
    if !(2..=5).contains(&version) {
        outline.problem(CaptureProblem::SnoopVersion(version), 8, Position::File);
        return Ok(outline);
    }
    let linktype = linktype_of(datalink);
    let name = (linktype == Linktype::UNREGISTERED).then(|| format!("snoop datalink {datalink}"));
    outline.interfaces.push(Interface {
        linktype: linktype.0,
        snaplen: 0,
        resolution: Resolution::MICROSECONDS,
        name,
    });
    read_frames(buffer, linktype, &mut outline, visit)?;
    Ok(outline)
}

fn read_frames<R: Read>(
    buffer: &mut Buffer<'_, R>,
    linktype: Linktype,
    outline: &mut CaptureOutline,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
) -> io::Result<()> {
    let mut clock = Clock::new();
    while buffer.want(1)? {
        let offset = buffer.offset();
        let number = outline.frames + 1;
        let at_hand = buffer.want(RECORD_HEADER_LEN)?;
        let Some(record) = Record::of(buffer.available()).filter(|_| at_hand) else {
            outline.problem(CaptureProblem::FrameHeaderCut, offset, Position::Frame(number));
            break;
        };
        let Some((captured, length)) = record.lengths() else {
            outline.problem(CaptureProblem::FrameLengths, offset, Position::Frame(number));
            break;
        };
        let whole = buffer.want(length)?;
        let data = buffer.available().get(RECORD_HEADER_LEN..RECORD_HEADER_LEN + captured);
        let Some(data) = data.filter(|_| whole) else {
            let (claimed, remain) = (length as u64, buffer.available().len() as u64);
            let kind = CaptureProblem::RecordCut { claimed, remain };
            outline.problem(kind, offset, Position::Frame(number));
            break;
        };
        outline.frames = number;
        // The count of lost frames runs on from the first record.
        let dropped = u64::from(record.dropped);
        outline.dropped_by_capturer = outline.dropped_by_capturer.max(Some(dropped));
        let go_on = visit(RawFrame {
            number: FrameNumber(number),
            time: clock.place(record.time, number, offset),
            linktype,
            original_len: record.original_len.max(record.captured_len),
            interface: 0,
            description: 0,
            offset: offset + RECORD_HEADER_LEN as u64,
            seen_at: SeenAt::Wire,
            data,
        });
        buffer.consume(length);
        outline.cover("frames", length as u64);
        if !go_on {
            break;
        }
    }
    clock.report(outline);
    Ok(())
}

/// A record's header.
struct Record {
    original_len: u32,
    captured_len: u32,
    /// Header, data and padding.
    length: u32,
    dropped: u32,
    time: Option<Timestamp>,
}

impl Record {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (seconds, microseconds) = (word(bytes, 16)?, word(bytes, 20)?);
        let nanoseconds = microseconds.checked_mul(1000);
        Some(Self {
            original_len: word(bytes, 0)?,
            captured_len: word(bytes, 4)?,
            length: word(bytes, 8)?,
            dropped: word(bytes, 12)?,
            time: nanoseconds.and_then(|n| Timestamp::from_seconds(i64::from(seconds), n)),
        })
    }

    /// Captured bytes, and the record with them; `None` where that cannot be.
    fn lengths(&self) -> Option<(usize, usize)> {
        let (captured, length) = (self.captured_len as usize, self.length as usize);
        let at_least = RECORD_HEADER_LEN.checked_add(captured)?;
        (at_least..=MAX_CAPTURED_LIMIT as usize).contains(&length).then_some((captured, length))
    }
}

/// RFC 1761 and the IANA registry "Snoop Datalink Types".
const fn linktype_of(datalink: u32) -> Linktype {
    match datalink {
        0 | 4 => Linktype::ETHERNET,
        2 => Linktype::TOKEN_RING,
        8 => Linktype::FDDI,
        _ => Linktype::UNREGISTERED,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|field| u32::from_be_bytes(*field))
}

const HEADER_LEN: usize = 16;
const RECORD_HEADER_LEN: usize = 24;
