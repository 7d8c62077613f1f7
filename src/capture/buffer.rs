//! A reused window over a stream: whole records as one slice, without a copy per record.
//!
//! Knows nothing of formats. Grows only as far as the bytes really there, up to what is asked.

use std::io::{self, Read};

/// A window over what a reader gives.
pub(super) struct Buffer<R> {
    reader: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, bytes: vec![0; CAPACITY], start: 0, end: 0, offset: 0 }
    }

    /// The file offset of the first octet of [`Self::available`].
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The octets at hand.
    pub(super) fn available(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Brings at least `wanted` octets to hand; false where the stream ends before that.
    #[inline]
    pub(super) fn want(&mut self, wanted: usize) -> io::Result<bool> {
        if self.end - self.start >= wanted { Ok(true) } else { self.fill(wanted) }
    }

    /// Apart from [`Self::want`], which nearly always ends at once.
    #[cold]
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < wanted {
            if self.end == self.bytes.len() {
                // Doubling keeps a lying length from allocating more than the file holds.
                self.bytes.resize(self.bytes.len() * 2, 0);
            }
            let Some(room) = self.bytes.get_mut(self.end..) else { return Ok(false) };
            match self.reader.read(room) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Passes over octets that are at hand.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Passes over octets whether at hand or not; tells how many there were.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            if self.start == self.end && !self.want(1)? {
                break;
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(self.end - self.start);
            self.consume(step);
            left -= step as u64;
        }
        Ok(count - left)
    }
}

/// Measured as the best size for reads of a warm file: it fits the second-level cache.
const CAPACITY: usize = 512 * 1024;
