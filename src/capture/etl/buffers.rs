//! The buffers that a trace is a row of, unpacked where they are compressed.
//!
//! Source: dissect.etl and etl-parser agree on the header of 72 bytes (docs/evidence.md names what was
//! measured on real traces).

use super::xpress;
use crate::capture::fields::{field, u16_at, u32_at};
use std::collections::BTreeMap;

/// A buffer, with the bytes of its records.
pub(super) struct Buffer<'b> {
    /// Where its header begins in the file.
    pub(super) offset: usize,
    /// Bytes of the file that it takes.
    pub(super) length: usize,
    /// Its records.
    pub(super) records: &'b [u8],
    /// Whether the records lie in the file as they are, behind the header.
    pub(super) is_plain: bool,
    /// Its number in the session.
    pub(super) sequence: u64,
    /// Events or buffers were lost before it.
    pub(super) is_after_loss: bool,
}

/// What is wrong with a buffer, or behind the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A header that cannot be; nothing shows where the next one begins.
    NoBuffer,
    /// A header that cannot be; the next buffer was looked for where it has to be.
    Passed,
    /// The file ends inside the buffer; what is there was read.
    Cut,
    /// The compressed bytes cannot be unpacked from there on; what came until then was read.
    Packed(usize),
    /// All buffers together unpack to far more than traces do.
    Expansion,
    /// It repeats the buffer at this offset, with its number.
    Repeated(usize),
    /// It describes another trace, which was joined to this one.
    OtherTrace,
}

/// Shows all buffers of a file in order, and what is wrong with them, with its offset.
pub(super) fn each(
    file: &[u8],
    mut visit: impl FnMut(&Buffer<'_>) -> bool,
    mut fault: impl FnMut(usize, Fault),
) {
    let mut unpacked = Vec::new();
    let mut budget = UNPACKED_BASE + file.len().saturating_mul(UNPACKED_RATIO);
    let mut seen = Seen::default();
    // Buffers that are not compressed are all of one size.
    let mut one_size = None;
    let mut at = 0;
    while at < file.len() {
        let rest = file.get(at..).unwrap_or_default();
        let Some(header) = Header::of(rest) else {
            match one_size.filter(|size| at + size < file.len()) {
                Some(size) => {
                    fault(at, Fault::Passed);
                    at += size;
                    continue;
                }
                None => {
                    return fault(
                        at,
                        if rest.len() < HEADER_LEN { Fault::Cut } else { Fault::NoBuffer },
                    );
                }
            }
        };
        let whole = rest.get(..header.size).unwrap_or(rest);
        if whole.len() < header.size {
            fault(at, Fault::Cut);
        }
        let body = whole.get(HEADER_LEN..).unwrap_or_default();
        let is_plain = !header.is_compressed;
        let records = if is_plain {
            one_size = Some(header.size).filter(|size| one_size.is_none_or(|one| one == *size));
            body.get(..header.filled).unwrap_or(body)
        } else {
            one_size = None;
            if header.filled > budget {
                return fault(at, Fault::Expansion);
            }
            budget -= header.filled;
            if let Err(place) = xpress::unpack(body, header.filled, &mut unpacked) {
                fault(at, Fault::Packed(at + HEADER_LEN + place));
            }
            &unpacked
        };
        if at > 0 && describes_trace(records) {
            return fault(at, Fault::OtherTrace);
        }
        let Header { sequence, is_after_loss, .. } = header;
        let length = whole.len();
        if let Some(before) = seen.before(file, sequence, (at, length)) {
            fault(at, Fault::Repeated(before));
            at += header.size;
            continue;
        }
        let buffer = Buffer { offset: at, length, records, is_plain, sequence, is_after_loss };
        if !visit(&buffer) {
            return;
        }
        at += header.size;
    }
}

/// Whether the records begin with the one that describes a trace: of the system, group 0 and type 0.
fn describes_trace(records: &[u8]) -> bool {
    matches!(records, [1 | 2, 0, 1 | 2, 0xc0, _, _, 0, 0, ..])
}

/// The buffers so far by their numbers: offset and length.
#[derive(Default)]
struct Seen(BTreeMap<u64, (usize, usize)>);

impl Seen {
    /// Where the buffer was before, with the same number and the same bytes.
    fn before(&mut self, file: &[u8], number: u64, place: (usize, usize)) -> Option<usize> {
        let bytes = |(at, length): (usize, usize)| file.get(at..at + length);
        match self.0.get(&number) {
            Some(known) => (bytes(*known) == bytes(place)).then_some(known.0),
            None if self.0.len() >= MOST_SEEN => None,
            None => {
                self.0.insert(number, place);
                None
            }
        }
    }
}

/// What is of use of a buffer's header.
struct Header {
    /// Bytes of the buffer in the file.
    size: usize,
    /// Bytes of its records, unpacked.
    filled: usize,
    is_compressed: bool,
    sequence: u64,
    is_after_loss: bool,
}

impl Header {
    /// `None` where a buffer cannot begin so.
    fn of(bytes: &[u8]) -> Option<Self> {
        let size = u32_at(bytes, 0)? as usize;
        let filled = u32_at(bytes, 48)? as usize;
        let flags = u16_at(bytes, 52)?;
        let is_compressed = flags & COMPRESSED != 0;
        let is_sane = (HEADER_LEN..=LARGEST).contains(&size)
            && (HEADER_LEN..=LARGEST).contains(&filled)
            && (is_compressed || filled <= size);
        let sequence = u64::from_le_bytes(*field(bytes, 24)?);
        let is_after_loss = flags & LOST != 0;
        is_sane.then(|| Self {
            size,
            filled: filled - HEADER_LEN,
            is_compressed,
            sequence,
            is_after_loss,
        })
    }
}

/// Bytes of a buffer's header.
pub(super) const HEADER_LEN: usize = 72;
const COMPRESSED: u16 = 0x40;
/// Events, or a buffer.
const LOST: u16 = 2 | 4;
/// Buffers that are remembered, so that a repeated one counts once.
const MOST_SEEN: usize = 1 << 20;
/// Real buffers have up to 16 MiB.
const LARGEST: usize = 64 << 20;
/// Packets that pass a dozen drivers shrink to a tenth. What unpacks to more than this many times the file, and
/// to more than this in all, is made to cost much.
const UNPACKED_RATIO: usize = 64;
const UNPACKED_BASE: usize = 64 << 20;
