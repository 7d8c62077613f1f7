//! Bytes inside a record behind its own data, where no reader looks.
//!
//! A record is hidden by enlarging the record before it (eventlogedit does so, and repairs numbers and
//! checksums): the size in that record's header then spans both, while its own data ends where it did. Finds
//! such bytes, and cuts the chunk so that they can be read; draws no conclusions.

use super::scan::Seen;
use super::{CHUNK_HEADER, RECORD_HEADER};

/// Bytes inside a record that do not belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Behind {
    /// The record that contains them, as an offset in the chunk, and its number.
    pub(super) outer: usize,
    pub(super) number: u64,
    /// The first of them, and where the record ends.
    pub(super) from: usize,
    pub(super) end: usize,
    /// The offsets of complete records among them.
    pub(super) records: Vec<usize>,
}

impl Behind {
    /// How many bytes.
    pub(super) const fn len(&self) -> u64 {
        self.end.saturating_sub(self.from) as u64
    }
}

/// All such bytes of a chunk, in order; `seen` are its records as far as the scan knows them.
pub(super) fn behind(chunk: &[u8], seen: &[Seen], free: usize) -> Vec<Behind> {
    let known: Vec<(Header, Option<usize>)> = if seen.is_empty() {
        by_headers(chunk, free).into_iter().map(|header| (header, None)).collect()
    } else {
        let header =
            |seen: &Seen| Header { start: seen.start, size: seen.size, number: seen.number };
        seen.iter().map(|seen| (header(seen), seen.data_end)).collect()
    };
    known.into_iter().filter_map(|(record, data_end)| inside(chunk, record, data_end)).collect()
}

/// The chunk with every hidden record as a record of its own, for a reader that follows sizes.
pub(super) fn parted(chunk: &[u8], places: &[Behind]) -> Vec<u8> {
    let mut parted = chunk.to_vec();
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = parted.get_mut(at..at.saturating_add(bytes.len())) {
            place.copy_from_slice(bytes);
        }
    };
    for place in places {
        let ends = place.records.iter().skip(1).copied().chain([place.end]);
        let first = place.records.first().map(|first| (place.outer, *first));
        let pieces = place.records.iter().copied().zip(ends);
        for (start, end) in first.into_iter().chain(pieces) {
            let size = u32::try_from(end.saturating_sub(start)).unwrap_or_default().to_le_bytes();
            put(start.saturating_add(4), &size);
            put(end.saturating_sub(4), &size);
        }
    }
    // A reader stops at the record that the header names as the last.
    put(LAST_RECORD, &u64::MAX.to_le_bytes());
    parted
}

#[derive(Clone, Copy)]
struct Header {
    start: usize,
    size: usize,
    number: u64,
}

fn inside(chunk: &[u8], record: Header, data_end: Option<usize>) -> Option<Behind> {
    let end = record.start.checked_add(record.size)?;
    let content_end = end.checked_sub(SIZE_COPY)?;
    let from = match data_end {
        // Records are padded to a multiple of eight.
        Some(data_end) if content_end.saturating_sub(data_end) < GRAIN => return None,
        Some(data_end) => data_end,
        // Its own data is at least a header and the beginning of its content.
        None => record.start.checked_add(LEAST)?,
    };
    let mut records = Vec::new();
    let mut at = from.next_multiple_of(GRAIN);
    while at < content_end {
        match header(chunk, at, end) {
            Some(hidden) => {
                records.push(at);
                at = at.saturating_add(hidden.size).next_multiple_of(GRAIN);
            }
            None => at += GRAIN,
        }
    }
    let from = match (data_end, records.first()) {
        (None, first) => *first?,
        (Some(from), _) => from,
    };
    let is_filled = chunk.get(from..content_end)?.iter().all(|byte| *byte == 0);
    let (outer, number) = (record.start, record.number);
    (!is_filled).then_some(Behind { outer, number, from, end, records })
}

/// A record header with the properties of all headers, followed by binary XML.
fn header(chunk: &[u8], at: usize, end: usize) -> Option<Header> {
    let bytes = chunk.get(at..end)?;
    let rest = bytes.strip_prefix(RECORD_MARK)?;
    let (size, rest) = rest.split_first_chunk::<4>()?;
    let (number, _) = rest.split_first_chunk::<8>()?;
    let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
    let content = bytes.get(usize::try_from(RECORD_HEADER).ok()?..)?;
    let is_sound = size >= LEAST && size <= bytes.len() && content.starts_with(FRAGMENT_HEADER);
    is_sound.then(|| Header { start: at, size, number: u64::from_le_bytes(*number) })
}

/// The records of a chunk by their headers alone.
fn by_headers(chunk: &[u8], free: usize) -> Vec<Header> {
    let mut records = Vec::new();
    let mut at = usize::try_from(CHUNK_HEADER).unwrap_or(usize::MAX);
    while let Some(record) = header(chunk, at, free) {
        records.push(record);
        at = at.saturating_add(record.size);
    }
    records
}

const RECORD_MARK: &[u8] = b"**\0\0";
/// The beginning of binary XML of version 1.1.
const FRAGMENT_HEADER: &[u8] = &[0x0f, 1, 1, 0];
/// A header, the least content and a copy of the size.
const LEAST: usize = 32;
const SIZE_COPY: usize = 4;
/// Records begin at multiples of eight.
const GRAIN: usize = 8;
/// Where a chunk's header names its last record.
const LAST_RECORD: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of this size, with a mark in its content.
    fn record(size: u32, number: u64) -> Vec<u8> {
        let mut bytes = RECORD_MARK.to_vec();
        bytes.extend(size.to_le_bytes());
        bytes.extend(number.to_le_bytes());
        bytes.extend([7; 8]);
        bytes.extend(FRAGMENT_HEADER);
        bytes.resize(size as usize - 4, 9);
        bytes.extend(size.to_le_bytes());
        bytes
    }

    #[test]
    fn a_record_inside_another_is_found_and_parted_again() {
        let mut chunk = vec![0; 512];
        chunk.extend(record(64, 1));
        chunk.extend(record(80, 2));
        chunk.extend(record(96, 3));
        chunk.extend(record(64, 4));
        let whole = chunk.clone();
        assert_eq!(behind(&chunk, &[], chunk.len()), []);
        // The first one spans the two after it.
        chunk[516..520].copy_from_slice(&240_u32.to_le_bytes());
        chunk[748..752].copy_from_slice(&240_u32.to_le_bytes());
        let found = behind(&chunk, &[], chunk.len());
        let [only] = &found[..] else { panic!("{found:?}") };
        assert_eq!((only.outer, only.number, only.from, only.end), (512, 1, 576, 752));
        assert_eq!(only.records, [576, 656]);
        let parted = parted(&chunk, &found);
        assert_eq!(parted[512..], whole[512..]);
        assert_eq!(parted[LAST_RECORD..40], [0xff; 8]);
    }

    #[test]
    fn bytes_behind_the_data_that_are_no_record_are_named_and_zeros_are_not() {
        let mut chunk = vec![0; 512];
        chunk.extend(record(128, 1));
        let at = |data_end| Seen {
            start: 512,
            size: 128,
            number: 1,
            data_end: Some(data_end),
            plain: None,
        };
        assert_eq!(behind(&chunk, &[at(630)], 640), []);
        let found = behind(&chunk, &[at(600)], 640);
        assert_eq!(found.iter().map(|b| (b.from, b.len())).collect::<Vec<_>>(), [(600, 40)]);
        chunk[600..636].fill(0);
        assert_eq!(behind(&chunk, &[at(600)], 640), []);
    }
}
