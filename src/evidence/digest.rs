//! SHA-256 of evidence, computed from the bytes as they are read.

use sha2::{Digest as _, Sha256};
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Where the digest is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashedBy {
    /// Nowhere; bytes are only counted.
    Nobody,
    /// In the thread that reads.
    Reader,
    /// In another thread, once there is enough data for that to save time.
    Another,
}

/// Hashes and counts the bytes that pass through it.
#[derive(Debug)]
pub struct Hashing<R> {
    reader: R,
    hasher: Hasher,
    by: HashedBy,
    bytes: u64,
}

/// The digest of a regular file, up to its current length, so that a growing file does not block.
///
/// # Errors
///
/// Where it is not a regular file, or the system refuses.
pub fn digest_of_file(path: &Path) -> io::Result<String> {
    let file = super::open(path)?;
    let size = file.metadata()?.len();
    let mut reader = Hashing::new(file.take(size), HashedBy::Reader);
    reader.drain()?;
    Ok(reader.finish().unwrap_or_default())
}

#[derive(Debug)]
enum Hasher {
    None,
    Here(Box<Sha256>),
    Beside(Beside),
}

impl<R: Read> Hashing<R> {
    /// Wraps a reader.
    pub fn new(reader: R, by: HashedBy) -> Self {
        let hasher = match by {
            HashedBy::Nobody => Hasher::None,
            HashedBy::Reader | HashedBy::Another => Hasher::Here(Box::default()),
        };
        Self { reader, hasher, by, bytes: 0 }
    }

    /// Reads to the end, so that the digest is that of the whole file even where a parser stopped before.
    ///
    /// # Errors
    ///
    /// The errors of the reader.
    pub fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }

    /// Bytes read so far.
    pub const fn passed(&self) -> u64 {
        self.bytes
    }

    /// The digest in hexadecimal; `None` without hashing.
    pub fn finish(self) -> Option<String> {
        let hasher = match self.hasher {
            Hasher::None => return None,
            Hasher::Here(hasher) => *hasher,
            Hasher::Beside(beside) => beside.finish()?,
        };
        Some(hex(&hasher.finalize()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(room)?;
        let bytes = room.get(..read).unwrap_or_default();
        self.bytes += read as u64;
        match &mut self.hasher {
            Hasher::None => {}
            Hasher::Here(hasher) => {
                hasher.update(bytes);
                if self.by == HashedBy::Another && self.bytes >= ENOUGH {
                    self.hasher = Hasher::Beside(Beside::new(std::mem::take(&mut **hasher)));
                }
            }
            Hasher::Beside(beside) => beside.update(bytes),
        }
        Ok(read)
    }
}

/// A thread that hashes what it receives, in order. Buffers circulate between the two threads.
#[derive(Debug)]
struct Beside {
    filling: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    worker: JoinHandle<Sha256>,
}

impl Beside {
    fn new(mut hasher: Sha256) -> Self {
        let (full, work) = sync_channel::<Vec<u8>>(IN_FLIGHT);
        let (done, empty) = sync_channel(IN_FLIGHT);
        let worker = std::thread::spawn(move || {
            for mut buffer in work {
                hasher.update(&buffer);
                buffer.clear();
                // The other thread may have ended, or may have enough buffers.
                let _ = done.try_send(buffer);
            }
            hasher
        });
        Self { filling: Vec::with_capacity(BUFFER), full, empty, worker }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.filling.extend_from_slice(bytes);
        if self.filling.len() >= BUFFER {
            let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BUFFER));
            // The other thread receives until this side ends.
            let _ = self.full.send(std::mem::replace(&mut self.filling, next));
        }
    }

    fn finish(self) -> Option<Sha256> {
        let Self { filling, full, empty: _, worker } = self;
        full.send(filling).ok()?;
        drop(full);
        worker.join().ok()
    }
}

/// The SHA-256 of bytes in memory, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&sha256_digest(bytes))
}

/// The SHA-256 of bytes in memory.
#[must_use]
pub fn sha256_digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Identifies bytes: the first 64 bits of their SHA-256. The same in each run, so it may be saved in a
/// summary.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> u64 {
    sha256_digest(bytes).first_chunk().copied().map_or(0, u64::from_be_bytes)
}

/// The SHA-256 of the concatenation of several slices.
pub fn sha256_of_pieces<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> [u8; 32] {
    let mut digest = Sha256::new();
    pieces.into_iter().for_each(|piece| digest.update(piece));
    digest.finalize().into()
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// For less data, a thread costs more than it saves.
const ENOUGH: u64 = 1 << 20;
/// The size of a buffer: it stays in the second-level cache.
const BUFFER: usize = 256 * 1024;
const IN_FLIGHT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_of_the_whole_file() {
        // FIPS 180-4, the example of "abc".
        let mut reader = Hashing::new(&b"abc"[..], HashedBy::Another);
        let mut one = [0; 1];
        reader.read_exact(&mut one).unwrap();
        reader.drain().unwrap();
        assert_eq!(reader.passed(), 3);
        assert_eq!(
            reader.finish().unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_thread_beside_gives_the_same_digest() {
        let bytes: Vec<u8> =
            (0..5_000_003u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        let digest = |by| {
            let mut reader = Hashing::new(bytes.as_slice(), by);
            reader.drain().unwrap();
            reader.finish()
        };
        assert_eq!(digest(HashedBy::Another), Some(sha256(&bytes)));
        assert_eq!(digest(HashedBy::Reader), Some(sha256(&bytes)));
        assert_eq!(digest(HashedBy::Nobody), None);
    }
}
