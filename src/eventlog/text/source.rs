//! The bytes of a text export as UTF-8, one window at a time, with their offsets in the file.
//!
//! Windows writes UTF-8 and UTF-16, with and without a byte order mark. UTF-8 is passed on unchanged, so that
//! an offset in the window is an offset in the file; for UTF-16 the length in the file is computed.

use std::io::{self, Read};

/// A window over the text; text before it was consumed.
pub(super) struct Source<'r> {
    reader: &'r mut dyn Read,
    encoding: Encoding,
    /// Text from `start` on is not yet consumed.
    text: Vec<u8>,
    start: usize,
    /// Bytes of UTF-16 that are not a whole character yet.
    rest: Vec<u8>,
    offset: u64,
    has_ended: bool,
    failure: Option<io::Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl<'r> Source<'r> {
    /// Opens the text and returns the length of its byte order mark.
    pub(super) fn new(reader: &'r mut dyn Read) -> (Self, u64) {
        let mut source = Self {
            reader,
            encoding: Encoding::Utf8,
            text: Vec::new(),
            start: 0,
            rest: Vec::new(),
            offset: 0,
            has_ended: false,
            failure: None,
        };
        let mut first = Vec::with_capacity(CHUNK);
        while first.len() < LONGEST_MARK && source.read_into(&mut first) {}
        let (encoding, mark) = match first.as_slice() {
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
            [1..=0x7f, 0, ..] => (Encoding::Utf16Le, 0),
            [0, 1..=0x7f, ..] => (Encoding::Utf16Be, 0),
            _ => (Encoding::Utf8, 0),
        };
        source.encoding = encoding;
        source.offset = mark as u64;
        source.take_in(first.get(mark..).unwrap_or_default());
        (source, mark as u64)
    }

    /// Text that was read and not yet consumed.
    pub(super) fn window(&self) -> &[u8] {
        self.text.get(self.start..).unwrap_or_default()
    }

    /// Where the window begins in the file.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads more; `false` where there is no more.
    pub(super) fn grow(&mut self) -> bool {
        let mut bytes = Vec::new();
        let before = self.text.len();
        while self.text.len() == before && self.read_into(&mut bytes) {
            let read = std::mem::take(&mut bytes);
            self.take_in(&read);
        }
        if self.text.len() == before {
            self.flush();
        }
        self.text.len() > before
    }

    /// Consumes this much of the window; returns its length in the file.
    pub(super) fn consume(&mut self, length: usize) -> u64 {
        let length = length.min(self.window().len());
        let bytes = self.length_in_file(self.window().get(..length).unwrap_or_default());
        self.start += length;
        self.offset = self.offset.saturating_add(bytes);
        if self.start > CHUNK && self.start * 2 > self.text.len() {
            self.text.drain(..self.start);
            self.start = 0;
        }
        bytes
    }

    /// How many bytes of the file this part of a window is.
    pub(super) fn length_in_file(&self, text: &[u8]) -> u64 {
        match self.encoding {
            Encoding::Utf8 => text.len() as u64,
            // A character begins at each byte that is no continuation byte; characters of four bytes take two
            // units.
            Encoding::Utf16Le | Encoding::Utf16Be => {
                let units = text.iter().map(|byte| match byte {
                    0x80..=0xbf => 0,
                    0xf0.. => 2,
                    _ => 1,
                });
                2 * units.sum::<u64>()
            }
        }
    }

    /// Bytes at the end that are not a whole character: half of one in UTF-16.
    pub(super) fn left_over(&self) -> u64 {
        self.rest.len() as u64
    }

    /// Why reading ended early, if it did.
    pub(super) fn into_failure(self) -> Option<io::Error> {
        self.failure
    }

    fn read_into(&mut self, bytes: &mut Vec<u8>) -> bool {
        if self.has_ended {
            return false;
        }
        let before = bytes.len();
        if let Err(error) = self.reader.take(CHUNK as u64).read_to_end(bytes) {
            self.failure = Some(error);
        }
        self.has_ended = bytes.len() == before || self.failure.is_some();
        bytes.len() > before
    }

    fn take_in(&mut self, bytes: &[u8]) {
        if self.encoding == Encoding::Utf8 {
            self.text.extend_from_slice(bytes);
            return;
        }
        self.rest.extend_from_slice(bytes);
        let mut units: Vec<u16> = self.rest.chunks_exact(2).map(|pair| self.unit(pair)).collect();
        // The second half of a pair may come with the next bytes.
        if units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            units.pop();
        }
        self.rest.drain(..units.len() * 2);
        self.append(&units);
    }

    /// The rest at the end: the first half of a pair alone.
    fn flush(&mut self) {
        let units: Vec<u16> = self.rest.chunks_exact(2).map(|pair| self.unit(pair)).collect();
        self.rest.drain(..units.len() * 2);
        self.append(&units);
    }

    fn append(&mut self, units: &[u16]) {
        for character in char::decode_utf16(units.iter().copied()) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn unit(&self, pair: &[u8]) -> u16 {
        let pair = pair.first_chunk().copied().unwrap_or_default();
        match self.encoding {
            Encoding::Utf16Be => u16::from_be_bytes(pair),
            Encoding::Utf8 | Encoding::Utf16Le => u16::from_le_bytes(pair),
        }
    }
}

const LONGEST_MARK: usize = 3;
const CHUNK: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(mut bytes: &[u8]) -> (String, u64, u64) {
        let (mut source, mark) = Source::new(&mut bytes);
        let mut text = Vec::new();
        let mut length = mark;
        loop {
            text.extend_from_slice(source.window());
            length += source.consume(usize::MAX);
            if !source.grow() {
                break;
            }
        }
        (String::from_utf8_lossy(&text).into_owned(), length, source.left_over())
    }

    #[test]
    fn a_mark_or_the_first_two_bytes_show_the_encoding() {
        let le: Vec<u8> = "a😀".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "a😀".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [le.clone(), be, [&[0xff, 0xfe], &le[..]].concat(), "a😀".into()] {
            assert_eq!(whole(&bytes), ("a😀".to_owned(), bytes.len() as u64, 0));
        }
        assert_eq!(whole(&le[..5]).2, 1);
    }

    proptest! {
        #[test]
        fn every_byte_is_text_or_left_over(bytes: Vec<u8>) {
            let (_, length, left_over) = whole(&bytes);
            prop_assert_eq!(length + left_over, bytes.len() as u64);
        }

        #[test]
        fn every_byte_of_utf16_too(units: Vec<u16>) {
            let bytes = [0xff, 0xfe].into_iter().chain(units.iter().flat_map(|u| u.to_le_bytes()));
            let bytes: Vec<u8> = bytes.collect();
            let (_, length, left_over) = whole(&bytes);
            prop_assert_eq!((length, left_over), (bytes.len() as u64, 0));
        }
    }
}
