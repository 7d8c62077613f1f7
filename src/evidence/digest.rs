//! SHA-256 of evidence, taken from the bytes as they are read.

use sha2::{Digest as _, Sha256};
use std::io::{self, Read};

/// Hashes and counts whatever passes through it.
#[derive(Debug)]
pub struct Hashing<R> {
    reader: R,
    hasher: Option<Sha256>,
    bytes: u64,
}

impl<R: Read> Hashing<R> {
    /// Wraps a reader; without `hash` bytes are only counted.
    pub fn new(reader: R, hash: bool) -> Self {
        Self { reader, hasher: hash.then(Sha256::new), bytes: 0 }
    }

    /// Reads on to the end, so that the digest is that of the whole file even where a parser
    /// stopped before.
    ///
    /// # Errors
    /// What the reader answers.
    pub fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }

    /// Bytes read so far.
    pub const fn passed(&self) -> u64 {
        self.bytes
    }

    /// The digest in hexadecimal; `None` without hashing.
    pub fn finish(self) -> Option<String> {
        self.hasher.map(|hasher| hex(&hasher.finalize()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(room)?;
        if let (Some(hasher), Some(bytes)) = (&mut self.hasher, room.get(..read)) {
            hasher.update(bytes);
        }
        self.bytes += read as u64;
        Ok(read)
    }
}

/// The SHA-256 of bytes at hand, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&sha256_octets(bytes))
}

/// The SHA-256 of bytes at hand.
#[must_use]
pub fn sha256_octets(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal.
fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_of_the_whole_file() {
        // FIPS 180-4, the example of "abc".
        let mut reader = Hashing::new(&b"abc"[..], true);
        let mut one = [0; 1];
        reader.read_exact(&mut one).unwrap();
        reader.drain().unwrap();
        assert_eq!(reader.passed(), 3);
        assert_eq!(
            reader.finish().unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
