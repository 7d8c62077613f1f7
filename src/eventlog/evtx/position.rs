//! The position in a log: in the file, in the chunk, and the last names.
//!
//! Decides nothing and counts nothing.

use std::io::{ErrorKind, Read};

/// Bytes in order, read in blocks of a given size.
pub(super) struct Source<'r> {
    pub(super) reader: &'r mut dyn Read,
    pub(super) offset: u64,
    pub(super) failure: Option<std::io::Error>,
    /// Where the first chunk begins: behind the file's header, or at once where there is none.
    pub(super) first_chunk: u64,
    /// Bytes that were read to find that, and are returned again.
    pub(super) ahead: Vec<u8>,
}

impl<'r> Source<'r> {
    /// A log; its chunks may lack the header of a file, as they are found in images.
    pub(super) fn new(reader: &'r mut dyn Read, header: u64, chunk_mark: &[u8]) -> Self {
        let mut source =
            Self { reader, offset: 0, failure: None, first_chunk: header, ahead: Vec::new() };
        let mut ahead = Vec::new();
        source.next(chunk_mark.len(), &mut ahead);
        if ahead == chunk_mark {
            source.first_chunk = 0;
        }
        (source.offset, source.ahead) = (0, ahead);
        source
    }

    /// Whether a chunk begins here.
    pub(super) const fn is_at_chunk(&self, size: u64) -> bool {
        self.offset >= self.first_chunk && (self.offset - self.first_chunk).is_multiple_of(size)
    }

    /// Fills `piece` with the next `size` bytes; fewer only at the end of the file or where reading
    /// fails.
    pub(super) fn next(&mut self, size: usize, piece: &mut Vec<u8>) {
        piece.resize(size, 0);
        let mut filled = self.ahead.len().min(size);
        for (to, from) in piece.iter_mut().zip(self.ahead.drain(..filled)) {
            *to = from;
        }
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

/// The position of the reading in a chunk.
pub(super) struct ChunkPosition {
    /// How much of the chunk the file holds.
    pub(super) size: u64,
    /// The chunk's offset in the file.
    pub(super) offset: u64,
    /// The end of what was accounted for, from the chunk's start.
    pub(super) cursor: u64,
    /// The cursor is followed by a record that could not be read.
    pub(super) lost: bool,
}

impl ChunkPosition {
    pub(super) fn file_offset(&self, in_chunk: u64) -> u64 {
        self.offset.saturating_add(in_chunk)
    }
}

/// The names of the previous record, so that the same names are decoded once.
#[derive(Default)]
pub(super) struct Names {
    pub(super) computer: LastName,
    pub(super) channel: LastName,
}

/// A name, and the bytes it was read from.
#[derive(Default)]
pub(super) struct LastName {
    bytes: Vec<u8>,
    text: String,
}

impl LastName {
    /// The name that these UTF-16 bytes are.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> &str {
        if self.bytes != bytes {
            bytes.clone_into(&mut self.bytes);
            let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
            let text = char::decode_utf16(units);
            self.text = text.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        }
        &self.text
    }
}
