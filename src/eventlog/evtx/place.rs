//! Where the reading of a log stands: in the file, in the chunk, among the names.
//!
//! Decides nothing and counts nothing.

use std::io::{ErrorKind, Read};

/// Bytes in order, in pieces of a wanted size.
pub(super) struct Source<'r> {
    pub(super) reader: &'r mut dyn Read,
    pub(super) offset: u64,
    pub(super) failure: Option<std::io::Error>,
}

impl Source<'_> {
    /// Fills `piece` with the next `size` bytes; fewer only at the end of the file or where reading
    /// fails.
    pub(super) fn next(&mut self, size: usize, piece: &mut Vec<u8>) {
        piece.resize(size, 0);
        let mut filled = 0;
        while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
        }
        piece.truncate(filled);
        self.offset = self.offset.saturating_add(filled as u64);
    }
}

/// Where in a chunk the reading stands.
pub(super) struct Place {
    /// How much of the chunk the file holds.
    pub(super) size: u64,
    /// The chunk's offset in the file.
    pub(super) offset: u64,
    /// The end of what was accounted for, from the chunk's start.
    pub(super) cursor: u64,
    /// What lies behind the cursor is a record that could not be read.
    pub(super) lost: bool,
}

impl Place {
    pub(super) fn file_offset(&self, in_chunk: u64) -> u64 {
        self.offset.saturating_add(in_chunk)
    }
}

/// The names of the record before, so that the same ones are told once.
#[derive(Default)]
pub(super) struct Names {
    pub(super) computer: LastName,
    pub(super) channel: LastName,
}

/// A name, and the octets it was read from.
#[derive(Default)]
pub(super) struct LastName {
    octets: Vec<u8>,
    text: String,
}

impl LastName {
    /// The name that these UTF-16 octets are, unless it is the one before.
    pub(super) fn changed(&mut self, octets: &[u8]) -> Option<&str> {
        if self.octets == octets {
            return None;
        }
        octets.clone_into(&mut self.octets);
        let units = octets.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
        let text = char::decode_utf16(units);
        self.text = text.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        Some(&self.text)
    }
}
