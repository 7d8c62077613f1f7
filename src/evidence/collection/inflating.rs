//! A member of a zip archive: a bare deflate stream whose length and checksum are known in advance.

use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::io::{self, Read};

/// A deflated member, checked against its stated length and checksum.
pub(super) struct Inflating<R> {
    decoder: DeflateDecoder<R>,
    left: u64,
    expected: u32,
    crc: Crc,
}

impl<R: Read> Inflating<R> {
    /// Unpacks a stream to this many bytes with this CRC-32.
    pub(super) fn new(packed: R, length: u64, expected: u32) -> Self {
        Self { decoder: DeflateDecoder::new(packed), left: length, expected, crc: Crc::new() }
    }
}

impl<R: Read> Read for Inflating<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        let read = self.decoder.read(room)?;
        let damaged = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()));
        if read as u64 > self.left {
            return damaged("the member unpacks to more than the archive says");
        }
        if read == 0 {
            return match (self.left, self.crc.sum() == self.expected) {
                (0, true) => Ok(0),
                (0, false) => damaged("the member's checksum does not hold"),
                _ => damaged("the member unpacks to less than the archive says"),
            };
        }
        self.left -= read as u64;
        self.crc.update(room.get(..read).unwrap_or_default());
        Ok(read)
    }
}
