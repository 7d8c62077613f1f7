//! One record of a buffer: its kind, its time, and what it says.
//!
//! Sources: Microsoft, EVENT_HEADER and EVENT_DESCRIPTOR (evntcons.h); Geoff Chappell's pages on ETW for the kinds
//! that Microsoft does not document.

use crate::capture::fields::{field, u16_at};

/// A record that lies inside its buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'b> {
    /// What it is.
    pub(super) kind: Kind<'b>,
}

/// What a record is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'b> {
    /// An event of a provider with a manifest.
    Event(Event<'b>),
    /// A record of the system, with group and type.
    System { group: u8, number: u8, time: i64, data: &'b [u8] },
    /// An event of a provider with a MOF class.
    Classic([u8; 16]),
    /// A message whose text is in the symbols of the program that wrote it.
    Wpp,
    /// Any other.
    Other,
}

/// An event of a provider with a manifest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'b> {
    /// The provider's GUID as it lies in the file.
    pub(super) provider: [u8; 16],
    pub(super) id: u16,
    pub(super) version: u8,
    pub(super) keyword: u64,
    /// Process and thread that wrote it.
    pub(super) writer: (u32, u32),
    pub(super) time: i64,
    /// Where the data begin in the buffer's bytes.
    pub(super) data_at: usize,
    pub(super) data: &'b [u8],
}

/// The records of a buffer, up to the first that is none.
pub(super) struct Records<'b> {
    buffer: &'b [u8],
    at: usize,
    /// Bytes at which something lies that is no record.
    pub(super) stopped_at: Option<usize>,
}

impl<'b> Records<'b> {
    /// Of a buffer's bytes behind its header, up to where it is filled.
    pub(super) const fn of(buffer: &'b [u8]) -> Self {
        Self { buffer, at: 0, stopped_at: None }
    }
}

impl<'b> Iterator for Records<'b> {
    type Item = Record<'b>;

    fn next(&mut self) -> Option<Record<'b>> {
        let at = self.at;
        let rest = self.buffer.get(at..).filter(|rest| rest.len() >= 8)?;
        // Behind the last record a buffer may be filled up.
        if rest.starts_with(&[0xff; 4]) {
            self.at = self.buffer.len();
            return None;
        }
        let found = size_of(rest).filter(|size| *size >= 8).and_then(|size| rest.get(..size));
        let Some(whole) = found else {
            self.stopped_at = Some(at);
            self.at = self.buffer.len();
            return None;
        };
        self.at = at + whole.len().next_multiple_of(8);
        Some(Record { kind: kind_of(whole, at).unwrap_or(Kind::Other) })
    }
}

/// The length that a record shows, by its kind.
fn size_of(record: &[u8]) -> Option<usize> {
    let [.., kind, mark] = *record.first_chunk::<4>()?;
    let at = match (mark, kind) {
        (0xc0, 0x01..=0x04 | 0x10 | 0x11) => 4,
        (0xc0, 0x0a..=0x0e | 0x12..=0x15) | (0x90, _) => 0,
        _ => return None,
    };
    u16_at(record, at).map(usize::from)
}

fn kind_of(record: &[u8], at: usize) -> Option<Kind<'_>> {
    let [.., kind, mark] = *record.first_chunk::<4>()?;
    match (mark, kind) {
        (0xc0, 0x01 | 0x02) => Some(Kind::System {
            group: *record.get(7)?,
            number: *record.get(6)?,
            time: i64::from_le_bytes(*field(record, 16)?),
            data: record.get(32..)?,
        }),
        (0xc0, 0x0a | 0x14) => Some(Kind::Classic(*field(record, 24)?)),
        (0xc0, 0x12 | 0x13) => {
            let extended = if u16_at(record, 4)? & 1 == 0 { 0 } else { extended_len(record)? };
            let data_at = EVENT_HEADER_LEN + extended;
            Some(Kind::Event(Event {
                provider: *field(record, 24)?,
                id: u16_at(record, 40)?,
                version: *record.get(42)?,
                keyword: u64::from_le_bytes(*field(record, 48)?),
                writer: (
                    u32::from_le_bytes(*field(record, 12)?),
                    u32::from_le_bytes(*field(record, 8)?),
                ),
                time: i64::from_le_bytes(*field(record, 16)?),
                data_at: at + data_at,
                data: record.get(data_at..)?,
            }))
        }
        (0x90, _) => Some(Kind::Wpp),
        _ => None,
    }
}

/// How many bytes of extended items are before an event's data.
fn extended_len(record: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        let item = record.get(EVENT_HEADER_LEN + length..)?;
        let size = usize::from(u16_at(item, 0)?);
        if size < 8 {
            return None;
        }
        length += size;
        if u16_at(item, 4)? & 1 == 0 {
            return Some(length);
        }
    }
}

const EVENT_HEADER_LEN: usize = 80;
