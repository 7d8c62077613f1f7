//! A member of a zip archive, whose length and checksum are known in advance.

use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::io::{self, Read};

/// A member's bytes, checked against its stated length and checksum.
pub(super) struct Checked<R> {
    bytes: R,
    left: u64,
    expected: u32,
    crc: Crc,
}

impl<R: Read> Checked<R> {
    /// Passes on this many bytes with this CRC-32.
    pub(super) fn new(bytes: R, length: u64, expected: u32) -> Self {
        Self { bytes, left: length, expected, crc: Crc::new() }
    }
}

impl<R: Read> Checked<DeflateDecoder<R>> {
    /// Unpacks a bare deflate stream to this many bytes with this CRC-32.
    pub(super) fn inflating(packed: R, length: u64, expected: u32) -> Self {
        Self::new(DeflateDecoder::new(packed), length, expected)
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        let read = self.bytes.read(room)?;
        let damaged = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()));
        if read as u64 > self.left {
            return damaged("the member is longer than the archive says");
        }
        if read == 0 {
            return match (self.left, self.crc.sum() == self.expected) {
                (0, true) => Ok(0),
                (0, false) => damaged("the member's checksum does not hold"),
                _ => damaged("the member is shorter than the archive says"),
            };
        }
        self.left -= read as u64;
        self.crc.update(room.get(..read).unwrap_or_default());
        Ok(read)
    }
}
