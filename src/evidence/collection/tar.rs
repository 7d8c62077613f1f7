//! The members of a tar archive: ustar, with the long names of GNU and pax.
//!
//! Source: POSIX.1-2017, pax Interchange Format; GNU tar manual, "Basic Tar Format". The crate `tar` holds
//! names of any length in memory, which evidence could use to exhaust it; so the headers are read here.

use super::section::Section;
use super::{Entry, MemberData, Trouble};
use crate::evidence::MemberFault;
use std::io::{self, BufRead as _, Read, Seek, SeekFrom};

/// Visits every member; returns what is wrong with the archive.
pub(super) fn list(archive: &Section, visit: &mut impl FnMut(Entry) -> bool) -> Option<Trouble> {
    let mut reader = archive.clone();
    let mut name: Option<Vec<u8>> = None;
    let mut size: Option<u64> = None;
    let mut at = 0;
    loop {
        let header = match header_at(&mut reader, at) {
            Ok(Some(header)) => header,
            Ok(None) => return Some(Trouble::Truncated(at)),
            Err(error) => return Some(Trouble::Unreadable(at, error)),
        };
        // Two blocks of zeros end it; a single one is accepted as well. Another archive may follow (`cat a.tar b.tar`).
        if header == [0; BLOCK] {
            match after_zeros(&archive.part(at, u64::MAX)) {
                Some(zeros) => at += zeros,
                None => return None,
            }
            continue;
        }
        let header = Header(&header);
        if !header.is_sound() {
            return Some(Trouble::Corrupt(at));
        }
        let data = at + BLOCK as u64;
        let own = header.size()?;
        match header.kind() {
            b'L' => name = text_at(&archive.part(data, own)).map(without_nul),
            b'x' => {
                (name, size) =
                    pax(&text_at(&archive.part(data, own)).unwrap_or_default(), name, size)
            }
            b'g' | b'K' => {}
            kind => {
                let length = size.take().unwrap_or(own);
                let name = name.take().unwrap_or_else(|| header.name());
                let is_whole = data.saturating_add(length) <= archive.length();
                if matches!(kind, 0 | b'0' | b'7') {
                    let content = MemberData::Plain(archive.part(data, length));
                    if !visit(Entry { name, size: length, data: Ok(content) }) {
                        return None;
                    }
                } else if kind == b'S'
                    && !visit(Entry { name, size: length, data: Err(MemberFault::SparseFile) })
                {
                    return None;
                }
                if !is_whole {
                    return Some(Trouble::Truncated(data));
                }
                at =
                    data.saturating_add(length.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64));
                continue;
            }
        }
        at = data.saturating_add(own.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64));
    }
}

/// How many bytes of zeros in whole blocks a section begins with; `None` where there is nothing else.
fn after_zeros(section: &Section) -> Option<u64> {
    let mut reader = io::BufReader::with_capacity(1 << 16, section.clone());
    let mut zeros = 0;
    loop {
        let buffer = reader.fill_buf().ok().filter(|buffer| !buffer.is_empty())?;
        let length = buffer.len();
        if let Some(at) = buffer.iter().position(|byte| *byte != 0) {
            return Some((zeros + at as u64) / BLOCK as u64 * BLOCK as u64);
        }
        zeros += length as u64;
        reader.consume(length);
    }
}

fn header_at(reader: &mut Section, at: u64) -> io::Result<Option<[u8; BLOCK]>> {
    reader.seek(SeekFrom::Start(at))?;
    let mut header = Vec::with_capacity(BLOCK);
    reader.take(BLOCK as u64).read_to_end(&mut header)?;
    Ok(header.first_chunk().copied())
}

/// Reads a name or a pax record: longer ones than any system has are cut.
fn text_at(section: &Section) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    section.clone().take(LONGEST_TEXT).read_to_end(&mut text).ok()?;
    Some(text)
}

fn without_nul(mut name: Vec<u8>) -> Vec<u8> {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    name.truncate(end);
    name
}

/// Name and size from pax records: `LENGTH KEY=VALUE\n`, one after the other.
fn pax(
    mut records: &[u8],
    mut name: Option<Vec<u8>>,
    mut size: Option<u64>,
) -> (Option<Vec<u8>>, Option<u64>) {
    while let Some(space) = records.iter().position(|byte| *byte == b' ') {
        let length = records.get(..space).and_then(|digits| std::str::from_utf8(digits).ok());
        let length =
            length.and_then(|digits| digits.parse::<usize>().ok()).filter(|length| *length > space);
        let Some(record) = length.and_then(|length| records.get(..length)) else { break };
        let pair = record.get(space + 1..record.len().saturating_sub(1)).unwrap_or_default();
        if let Some(path) = pair.strip_prefix(b"path=") {
            name = Some(path.to_vec());
        } else if let Some(digits) = pair.strip_prefix(b"size=") {
            size = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        }
        records = records.get(record.len()..).unwrap_or_default();
    }
    (name, size)
}

struct Header<'h>(&'h [u8; BLOCK]);

impl Header<'_> {
    fn field(&self, at: usize, length: usize) -> &[u8] {
        self.0.get(at..at + length).unwrap_or_default()
    }

    /// Whether the checksum matches the sum of the header's bytes, with its own field counted as blanks.
    fn is_sound(&self) -> bool {
        let bytes = self.0.iter().enumerate();
        let blank = |(at, byte): (usize, &u8)| {
            u64::from(if (148..156).contains(&at) { b' ' } else { *byte })
        };
        octal(self.field(148, 8)) == Some(bytes.map(blank).sum())
    }

    fn kind(&self) -> u8 {
        self.0[156]
    }

    /// Its size: octal, or from 8 GiB on a number of 11 bytes (GNU).
    fn size(&self) -> Option<u64> {
        match self.field(124, 12) {
            [0x80, rest @ ..] => {
                let (high, low) = rest.split_at_checked(3)?;
                let low: [u8; 8] = low.try_into().ok()?;
                (high == [0; 3]).then(|| u64::from_be_bytes(low))
            }
            digits => octal(digits),
        }
    }

    /// Its name, with the prefix that ustar stores separately.
    fn name(&self) -> Vec<u8> {
        let name = without_nul(self.field(0, 100).to_vec());
        let prefix = without_nul(self.field(345, 155).to_vec());
        let is_posix = self.field(257, 6) == b"ustar\0";
        if is_posix && !prefix.is_empty() { [prefix, name].join(&b'/') } else { name }
    }
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_matches(|c| c == ' ' || c == '\0');
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

const BLOCK: usize = 512;
const LONGEST_TEXT: u64 = 64 << 10;
