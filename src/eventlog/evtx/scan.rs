//! Decodes a chunk's records without rendering them: numbers, times, providers, computers.
//!
//! Most records of a log are not relevant here. They are read in place by their template's layout; a record
//! that the catalogue may know, or that is unusual in any way, is left to the `evtx` crate. Where the walk
//! itself meets something unusual, the whole chunk is left to it.

use super::cursor::{Cursor, Text, is_in_any_case, name_at};
use super::template::{Field, Frame, Templates};
use super::values::{FILETIME, STRING, UINT16, Value, ends, instance};
use crate::catalogue::events_numbered;
use crate::time::Timestamp;

/// Reads chunks, one after the other, with the same memory.
#[derive(Debug, Default)]
pub(super) struct Scan {
    templates: Templates,
    values: Vec<Value>,
    records: Vec<Seen>,
    texts: Texts,
    /// The number of connections (5156) that are left to the crate, for the addresses that they name.
    pub(super) connections: usize,
}

impl Scan {
    /// The records of a whole chunk; `None` where the crate must find them.
    ///
    /// `last` is the number of the last record, `free` the offset of the free space, both from the chunk's
    /// header.
    pub(super) fn records(&mut self, chunk: &[u8], last: u64, free: usize) -> Option<&[Seen]> {
        self.templates.clear();
        self.records.clear();
        self.texts = Texts::default();
        names_are_sound(chunk).then_some(())?;
        let end = free.min(chunk.len());
        let mut start = CHUNK_HEADER;
        let mut cost: usize = 0;
        while start < end {
            let mut seen = Seen::at(chunk, start, end)?;
            let record = chunk.get(..start.checked_add(seen.size)?)?;
            let mut data_end = None;
            let plain = self.plain(chunk, record, start, &mut data_end);
            seen.data_end = data_end;
            if let Some((plain, its)) = plain {
                // A chunk that would render to megabytes was not written by Windows, and the crate bounds what
                // it renders of one.
                cost = cost.saturating_add(its);
                (cost <= MOST_COST).then_some(())?;
                let is_wanted = plain.may_be_known(chunk) || self.wants_connection(&plain);
                seen.plain = Some(plain).filter(|_| !is_wanted);
            }
            self.records.push(seen);
            start = record.len();
            if seen.number == last {
                break;
            }
        }
        Some(&self.records)
    }

    /// What the last chunk showed.
    pub(super) fn seen(&self) -> &[Seen] {
        &self.records
    }

    fn wants_connection(&mut self, plain: &Plain) -> bool {
        let wants = plain.event_id == CONNECTION && self.connections > 0;
        self.connections -= usize::from(wants);
        wants
    }

    /// A record's fields and the minimum cost of rendering it; `None` where the scan does not understand it.
    fn plain(
        &mut self,
        chunk: &[u8],
        record: &[u8],
        start: usize,
        data_end: &mut Option<usize>,
    ) -> Option<(Plain, usize)> {
        let content = record.get(..record.len().checked_sub(SIZE_COPY)?)?;
        let mut cursor = Cursor { data: content, at: start.checked_add(RECORD_HEADER)? };
        let event = instance(&mut cursor, chunk, &mut self.templates, &mut self.values)?;
        ends(cursor)?;
        *data_end = Some(cursor.at.saturating_add(1));
        let frame = event.template.frame.as_ref()?;
        let plain = Plain::from_values(frame, chunk, &self.values, &mut self.texts)?;
        let own = event.cost(record.len().saturating_sub(start))?;
        let Some(slot) = event.nested else { return Some((plain, own)) };
        // Only the event's body may contain XML, which in turn contains none.
        (!event.nests_more && frame.body == Some(slot)).then_some(())?;
        let value = self.values.get(slot)?;
        let window = chunk.get(..value.at.checked_add(value.size)?)?;
        let mut cursor = Cursor { data: window, at: value.at };
        let body = instance(&mut cursor, chunk, &mut self.templates, &mut self.values)?;
        ends(cursor)?;
        (body.template.frame.is_none() && body.nested.is_none()).then_some(())?;
        Some((plain, own.checked_add(body.cost(0)?)?))
    }
}

/// A record by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// From the chunk's start.
    pub(super) start: usize,
    /// With header and trailer.
    pub(super) size: usize,
    pub(super) number: u64,
    /// The end of its own data; `None` where the scan does not find it.
    pub(super) data_end: Option<usize>,
    /// Its content; `None` where the crate has to decode it.
    pub(super) plain: Option<Plain>,
}

impl Seen {
    fn at(chunk: &[u8], start: usize, end: usize) -> Option<Self> {
        let mut cursor = Cursor { data: chunk, at: start };
        let magic = cursor.u32()?;
        let size = usize::try_from(cursor.u32()?).ok()?;
        let number = cursor.u64()?;
        let written = cursor.u64()?;
        let fits = size >= RECORD_HEADER + SIZE_COPY && start.checked_add(size)? <= end;
        let is_sound = magic == RECORD_MAGIC && fits && written <= LATEST_FRAME;
        is_sound.then_some(Self { start, size, number, data_end: None, plain: None })
    }
}

/// A record that can be decoded without rendering it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) time: Timestamp,
    pub(super) event_id: u16,
    pub(super) provider: Text,
    pub(super) channel: Text,
    pub(super) computer: Text,
}

impl Plain {
    fn from_values(
        frame: &Frame,
        chunk: &[u8],
        values: &[Value],
        texts: &mut Texts,
    ) -> Option<Self> {
        let is_there = |slot: &usize| values.get(*slot).is_some_and(|value| !value.is_null());
        frame.needs.iter().all(is_there).then_some(())?;
        let text = |field, before: &mut Text| text_of(field, chunk, values, before);
        let plain = Self {
            time: time_of(frame.time, chunk, values)?,
            event_id: number_of(frame.event_id, chunk, values)?,
            provider: text(frame.provider, &mut texts.provider)?,
            channel: text(frame.channel, &mut texts.channel)?,
            computer: text(frame.computer, &mut texts.computer)?,
        };
        Some(plain)
    }

    /// Whether the catalogue has a row for it.
    fn may_be_known(&self, chunk: &[u8]) -> bool {
        events_numbered(self.event_id).iter().any(|row| {
            is_in_any_case(self.provider.bytes_in(chunk), row.provider)
                && is_in_any_case(self.channel.bytes_in(chunk), row.channel)
        })
    }
}

/// The names of the previous record in this chunk: most records have the same.
#[derive(Debug, Default)]
struct Texts {
    provider: Text,
    channel: Text,
    computer: Text,
}

/// A name of a provider, log or computer that reads the same in any form. Records with the same name share the
/// offset of the first, so that it is in the cache when it is read again.
fn text_of(field: Field, chunk: &[u8], values: &[Value], before: &mut Text) -> Option<Text> {
    let text = match field {
        Field::Fixed(text) => text,
        Field::Slot(slot) => {
            let value = values.get(slot).filter(|value| value.kind == STRING)?;
            Text { at: value.at, bytes: value.size }
        }
    };
    let bytes = text.bytes_in(chunk);
    if !bytes.is_empty() && bytes == before.bytes_in(chunk) {
        return Some(*before);
    }
    let units = bytes.as_chunks::<2>().0;
    let is_plain = |unit: &[u8; 2]| match unit {
        [byte, 0] => (matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\')) || *byte > 0x9f,
        [_, high] => !matches!(high, 0xd8..=0xdf | 0xff),
    };
    (!units.is_empty() && units.iter().all(is_plain)).then_some(())?;
    *before = text;
    Some(text)
}

fn number_of(field: Field, chunk: &[u8], values: &[Value]) -> Option<u16> {
    match field {
        Field::Slot(slot) => {
            let value = values.get(slot).filter(|value| value.kind == UINT16)?;
            Cursor { data: chunk, at: value.at }.u16()
        }
        Field::Fixed(text) => {
            let units = text.bytes_in(chunk).as_chunks::<2>().0;
            let mut number: u16 = 0;
            for unit in units {
                let [digit @ b'0'..=b'9', 0] = unit else { return None };
                number = number.checked_mul(10)?.checked_add(u16::from(digit - b'0'))?;
            }
            (!units.is_empty()).then_some(number)
        }
    }
}

/// The event's time, where it lies in a plausible range.
fn time_of(field: Field, chunk: &[u8], values: &[Value]) -> Option<Timestamp> {
    let Field::Slot(slot) = field else { return None };
    let value = values.get(slot).filter(|value| value.kind == FILETIME)?;
    let ticks = Cursor { data: chunk, at: value.at }.u64()?;
    let ticks = i64::try_from(ticks).ok()?.checked_sub(TICKS_TO_1970)?;
    ticks.checked_mul(100).filter(|nanos| *nanos >= 0).map(Timestamp)
}

/// Whether the crate can read the table of names; where it cannot, it gives up the chunk.
fn names_are_sound(chunk: &[u8]) -> bool {
    let mut bytes: usize = 0;
    let Some(buckets) = chunk.get(NAME_BUCKETS) else { return false };
    for bucket in buckets.as_chunks::<4>().0 {
        let mut offset = u32::from_le_bytes(*bucket);
        while offset > 0 {
            let Ok(at) = usize::try_from(offset) else { return false };
            let (Some(next), Some(name)) = (Cursor { data: chunk, at }.u32(), name_at(chunk, at))
            else {
                return false;
            };
            // Each name leads to an older one, and together they are no larger than the chunk.
            bytes = bytes.saturating_add(name.len()).saturating_add(10);
            if next >= offset || bytes > chunk.len() {
                return false;
            }
            offset = next;
        }
    }
    true
}

/// A connection that the filtering platform allowed.
pub(super) const CONNECTION: u16 = 5156;
const CHUNK_HEADER: usize = 512;
const NAME_BUCKETS: std::ops::Range<usize> = 128..384;
const RECORD_HEADER: usize = 24;
const RECORD_MAGIC: u32 = 0x2a2a;
/// A copy of the size behind a record's content.
const SIZE_COPY: usize = 4;
/// The year 9999; the crate takes no later time in a record's header.
const LATEST_FRAME: u64 = 2_650_000_000_000_000_000;
/// FILETIME of 1970-01-01.
const TICKS_TO_1970: i64 = 116_444_736_000_000_000;
/// The crate's own bounds are above this; chunks of real logs stay below 2 MB.
const MOST_COST: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::super::values::INSTANCE;
    use super::*;
    use ::evtx::{EvtxChunkData, ParserSettings};
    use proptest::prelude::*;
    use serde_json::Value as Json;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    /// How many records the scan decoded, and how many it left to the crate.
    #[derive(Default)]
    struct Counts {
        plain: usize,
        left: usize,
    }

    #[test]
    fn scan_and_crate_agree_on_every_record_of_every_log_at_hand() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let beside = || root.join("../shared");
        let shared = std::env::var_os("PLAINSIGHT_SHARED").map_or_else(beside, PathBuf::from);
        let mut counts = Counts::default();
        for folder in [root.join("samples"), root.join("fuzz/corpus/evtx"), shared] {
            logs_under(&folder, &mut counts);
        }
        // The records left are those that the catalogue knows, and few others.
        assert!(
            counts.plain > 1000 && counts.plain > counts.left,
            "{} {}",
            counts.plain,
            counts.left
        );
    }

    fn logs_under(folder: &Path, counts: &mut Counts) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                logs_under(&path, counts);
            } else if path.extension().is_some_and(|extension| extension == "evtx") {
                agree(&std::fs::read(&path).unwrap(), &path, counts);
            }
        }
    }

    fn agree(file: &[u8], path: &Path, counts: &mut Counts) {
        let mut scan = Scan::default();
        for chunk in file.get(4096..).unwrap_or_default().chunks_exact(65_536) {
            let Ok(mut data) = EvtxChunkData::new(chunk.to_vec(), false) else { continue };
            let (last, free) = (data.header.last_event_record_id, data.header.free_space_offset);
            let Some(seen) = scan.records(chunk, last, free as usize) else { continue };
            let mut data = data.parse(Arc::new(ParserSettings::new())).unwrap();
            let rendered: Vec<_> = data.iter().map(|record| record.unwrap()).collect();
            assert_eq!(seen.len(), rendered.len(), "{}", path.display());
            for (seen, record) in seen.iter().zip(rendered) {
                assert_eq!(seen.number, record.event_record_id);
                assert_eq!(seen.start as u64 + 24, record.binxml_offset);
                assert_eq!(seen.size as u64, u64::from(record.binxml_size) + 28);
                match &seen.plain {
                    Some(plain) => same(plain, chunk, &record.into_json_value().unwrap().data),
                    None => counts.left += 1,
                }
                counts.plain += usize::from(seen.plain.is_some());
            }
        }
    }

    fn same(plain: &Plain, chunk: &[u8], record: &Json) {
        let system = &record["Event"]["System"];
        let text = |text: Text| {
            let units = text.bytes_in(chunk).as_chunks::<2>().0.iter();
            String::from_utf16(&units.map(|u| u16::from_le_bytes(*u)).collect::<Vec<_>>()).unwrap()
        };
        let id = &system["EventID"];
        let id = id.as_u64().or(id["#text"].as_u64());
        let time = system["TimeCreated"]["#attributes"]["SystemTime"].as_str().unwrap();
        assert_eq!(id, Some(u64::from(plain.event_id)), "{record}");
        assert_eq!(system["Provider"]["#attributes"]["Name"], text(plain.provider), "{record}");
        assert_eq!(system["Channel"], text(plain.channel), "{record}");
        assert_eq!(system["Computer"], text(plain.computer), "{record}");
        assert_eq!(Timestamp::from_rfc3339(time), Some(plain.time), "{record}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_chunk_is_read_without_a_panic(
            mut chunk in proptest::collection::vec(any::<u8>(), 65_536),
            size in 28_u32..4096,
        ) {
            chunk[NAME_BUCKETS].fill(0);
            let mut start = 512;
            while let Some(record) = chunk.get_mut(start..start + 64) {
                record[..4].copy_from_slice(b"**\0\0");
                record[4..8].copy_from_slice(&size.to_le_bytes());
                record[16..24].fill(0);
                record[24..26].copy_from_slice(&[INSTANCE, 1]);
                start += size as usize;
            }
            let mut scan = Scan::default();
            prop_assert!(scan.records(&chunk, u64::MAX, start).is_none_or(|seen| !seen.is_empty()));
        }
    }
}
