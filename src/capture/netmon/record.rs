//! One record of a Network Monitor file: a header, bytes of a frame, and from 2.1 on a trailer.

use super::Header;
use crate::capture::fields::{u16_at, u32_at};
use crate::time::Timestamp;

/// A record that lies inside the file.
pub(super) struct Record<'f> {
    /// The place behind it.
    pub(super) end: usize,
    /// Where its bytes begin.
    pub(super) data_at: usize,
    /// Its bytes.
    pub(super) data: &'f [u8],
    /// Its length on the wire.
    pub(super) original_len: u32,
    /// What kind of record it is.
    pub(super) medium: u16,
    /// When it was taken; UTC from 2.3 on, local time before.
    pub(super) time: Option<Timestamp>,
}

impl<'f> Record<'f> {
    pub(super) fn at(file: &'f [u8], at: usize, header: &Header) -> Option<Self> {
        let rest = file.get(at..)?;
        let (length, original_len, captured_len, delta) = if header.version.0 == 1 {
            let (original, captured) = (u16_at(rest, 4)?, u16_at(rest, 6)?);
            let delta = i64::from(u32_at(rest, 0)?).checked_mul(1_000_000);
            (8, u32::from(original), u32::from(captured), delta)
        } else {
            (16, u32_at(rest, 8)?, u32_at(rest, 12)?, since_start(rest))
        };
        let captured = usize::try_from(captured_len).ok()?;
        let behind = rest.get(length..)?;
        let data = behind.get(..captured)?;
        let trailer_len = match header.version {
            version if version < (2, 1) => 0,
            (2, 1) => 2,
            (2, 2) => 6,
            _ => 15,
        };
        let trailer = behind.get(captured..)?.get(..trailer_len)?;
        let time = if header.has_utc_times() {
            // The medium, an index of processes, then a FILETIME.
            let ticks = trailer.get(6..)?.first_chunk()?;
            Timestamp::from_filetime(u64::from_le_bytes(*ticks))
        } else {
            let start = header.start.zip(delta);
            start.and_then(|(start, delta)| start.0.checked_add(delta)).map(Timestamp)
        };
        Some(Self {
            end: at + length + captured + trailer_len,
            data_at: at + length,
            data,
            original_len,
            medium: u16_at(trailer, 0).unwrap_or(header.medium),
            time,
        })
    }

    /// Whether it can be a record at all, where no table says that one begins here.
    pub(super) fn makes_sense(&self) -> bool {
        !self.data.is_empty() && self.data.len() <= self.original_len as usize
    }
}

/// Microseconds in 64 bits, as nanoseconds. A frame from before the start has a number that wraps
/// when it is turned into ticks of 100 ns.
fn since_start(record: &[u8]) -> Option<i64> {
    let microseconds = u64::from_le_bytes(*record.first_chunk()?);
    microseconds.wrapping_mul(10).cast_signed().checked_mul(100)
}
