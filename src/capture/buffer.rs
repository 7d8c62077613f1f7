//! A reused window over a stream: whole records as one slice, without a copy per record.
//!
//! Knows nothing of formats. Grows only as far as the bytes really there, up to what is asked. Who wants to
//! keep the bytes of many records is given the room itself, so that they are copied nowhere.

use std::io::{self, Read};

/// A window over what a reader gives.
pub struct Buffer<'h, R> {
    reader: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    hand_over: Option<&'h mut HandOver<'h>>,
    /// Room for what comes next, while the last bytes are still needed.
    spare: Vec<u8>,
}

/// Takes bytes that were read and where in the file they begin; gives room for the next.
pub type HandOver<'h> = dyn FnMut(Vec<u8>, u64) -> Vec<u8> + 'h;

impl<'h, R: Read> Buffer<'h, R> {
    /// A window that uses its room again.
    pub fn new(reader: R) -> Self {
        let bytes = vec![0; CAPACITY];
        Self { reader, bytes, start: 0, end: 0, offset: 0, hand_over: None, spare: Vec::new() }
    }

    /// A window that gives its bytes away when it has passed over them. Every record that was at
    /// hand lies whole in the bytes that are given away next.
    pub fn handing_over(reader: R, hand_over: &'h mut HandOver<'h>) -> Self {
        let bytes = vec![0; HANDED_OVER];
        Self { hand_over: Some(hand_over), bytes, ..Self::new(reader) }
    }

    /// Ends it: gives away what is left.
    pub fn finish(self) {
        let from = self.begins_at();
        if let Some(hand_over) = self.hand_over {
            hand_over(self.bytes, from);
        }
    }

    /// Where in the file its room begins.
    const fn begins_at(&self) -> u64 {
        self.offset - self.start as u64
    }

    /// The file offset of the first byte of [`Self::available`].
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes at hand.
    #[inline]
    pub(super) fn available(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Brings at least `wanted` bytes to hand; false where the stream ends before that.
    #[inline]
    pub(super) fn want(&mut self, wanted: usize) -> io::Result<bool> {
        if self.end - self.start >= wanted { Ok(true) } else { self.fill(wanted) }
    }

    /// Apart from [`Self::want`], which nearly always ends at once.
    #[cold]
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        let is_kept = self.hand_over.is_some() || self.start < self.end;
        let has_room = is_kept && self.start + wanted <= self.bytes.len();
        if self.start > 0 && !has_room {
            self.begin_anew();
        }
        while self.end - self.start < wanted {
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

    /// Brings what is left to the beginning of the room, or of other room.
    fn begin_anew(&mut self) {
        let from = self.begins_at();
        let left = self.start..self.end;
        match &mut self.hand_over {
            None => {
                let held = left.len();
                self.bytes.copy_within(left, 0);
                // Room for as much again, so that what is held is moved once for as much that is read.
                if held > self.bytes.len() / 2 {
                    self.bytes.resize(self.bytes.len() * 2, 0);
                }
            }
            Some(hand_over) => {
                let mut next = std::mem::take(&mut self.spare);
                next.resize(HANDED_OVER.max(left.len()), 0);
                let kept = self.bytes.get(left).unwrap_or_default();
                if let Some(room) = next.get_mut(..kept.len()) {
                    room.copy_from_slice(kept);
                }
                self.spare = hand_over(std::mem::replace(&mut self.bytes, next), from);
            }
        }
        self.end -= self.start;
        self.start = 0;
    }

    /// Passes over bytes that are at hand.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Passes over bytes whether at hand or not; shows how many there were.
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
/// Measured as the best size for what another thread goes on with.
const HANDED_OVER: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::super::pcap;
    use super::*;
    use std::cell::RefCell;

    /// Gives what it holds in pieces of such a length.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let piece = room.len().min(self.1);
            self.0.read(&mut room[..piece])
        }
    }

    /// A capture with records of these lengths, whose bytes show their position.
    fn capture(lengths: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        bytes.extend([0u32, 0, 1 << 24, 1].map(u32::to_le_bytes).concat());
        for &length in lengths {
            bytes.extend([1_000_000u32, 0, length, length].map(u32::to_le_bytes).concat());
            bytes.extend((0..length).map(|at| at.to_le_bytes()[0] ^ 7));
        }
        bytes
    }

    #[test]
    fn what_is_passed_on_holds_every_record_whole() {
        let lengths: Vec<u32> = (0..3000).map(|n| n * 7919 % 1500).collect();
        let long = [60, 300_000, 0, 262_144, 1, 5_000_000, 60];
        for lengths in [&lengths[..], &long, &[]] {
            let file = capture(lengths);
            for piece in [1 << 20, 262_144, 65_537, 997] {
                let pending = RefCell::new(Vec::<(u64, Vec<u8>)>::new());
                let mut hand_over = |room: Vec<u8>, begins_at| {
                    for (offset, data) in pending.take() {
                        let start = usize::try_from(offset - begins_at).unwrap();
                        assert_eq!(room.get(start..start + data.len()), Some(&data[..]));
                    }
                    vec![9; 10]
                };
                let mut buffer = Buffer::handing_over(Pieces(&file, piece), &mut hand_over);
                let outline = pcap::read_from(&mut buffer, &mut |frame| {
                    pending.borrow_mut().push((frame.offset, frame.data.to_vec()));
                    true
                });
                assert_eq!(outline.unwrap().frames, lengths.len() as u64);
                buffer.finish();
                assert_eq!(pending.take(), []);
            }
        }
    }
}
