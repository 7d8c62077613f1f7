//! Compressed files as streams of their content: gzip, zstd, xz, lz4 and bzip2, with any number of members.
//!
//! One layer is unpacked. Decoders are pure Rust and hold a bounded window. The unpacked size is bounded by the
//! packed size, so that the work stays linear in the file.

#[cfg_attr(not(feature = "compression"), path = "unpack/no_decoders.rs")]
mod decoders;

use super::{FileProblem, PackingFault, Problem};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The .xz format of Tukaani.
    Xz,
    /// The LZ4 frame format.
    Lz4,
    /// bzip2.
    Bzip2,
}

impl Packing {
    /// Its name, as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Lz4 => "lz4",
            Self::Bzip2 => "bzip2",
        }
    }

    /// The command that unpacks it.
    #[must_use]
    pub const fn command(self) -> &'static str {
        match self {
            Self::Gzip => "gunzip -k FILE",
            Self::Zstd => "unzstd FILE",
            Self::Xz => "unxz -k FILE",
            Self::Lz4 => "unlz4 FILE",
            Self::Bzip2 => "bunzip2 -k FILE",
        }
    }

    /// Recognizes it by a file's first bytes.
    pub(super) fn recognize(first_bytes: &[u8]) -> Option<Self> {
        Some(match first_bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            _ => return None,
        })
    }
}

/// The content of a compressed stream. Where unpacking fails it ends, and the failure is kept.
pub struct Unpacking<'r> {
    decoder: Box<dyn Read + 'r>,
    packing: Packing,
    packed: Rc<Packed>,
    unpacked: u64,
    failure: Option<PackingFault>,
}

impl<'r> Unpacking<'r> {
    /// Unpacks what `reader` gives.
    pub fn new(packing: Packing, reader: impl Read + 'r) -> Self {
        let packed = Rc::new(Packed::default());
        let source = BufReader::with_capacity(CAPACITY, Source { reader, packed: packed.clone() });
        let decoder = decoders::decoder(packing, source);
        Self { decoder, packing, packed, unpacked: 0, failure: None }
    }

    /// Why it ended early, at the unpacked byte.
    pub fn into_failure(self) -> Option<Problem> {
        let Self { packing, unpacked, failure, .. } = self;
        failure.map(|fault| Problem::of_file(FileProblem::Packed(packing, fault), Some(unpacked)))
    }

    fn fail(&mut self, error: &io::Error) {
        let said = error.to_string();
        self.failure = Some(match error.kind() {
            io::ErrorKind::OutOfMemory | io::ErrorKind::Unsupported => {
                PackingFault::Unsupported(said)
            }
            // The decoder requested more than the file has.
            _ if self.packed.ended.get() => PackingFault::Truncated(said),
            _ => PackingFault::Corrupt(said),
        });
    }
}

impl Read for Unpacking<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Ok(0);
        }
        let read = match self.decoder.read(room) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.fail(&error);
                return Ok(0);
            }
        };
        self.unpacked += read as u64;
        let packed = self.packed.bytes.get();
        if self.unpacked > ALWAYS_UNPACKED.max(packed.saturating_mul(MOST_EXPANSION)) {
            let (unpacked, most) = (self.unpacked, MOST_EXPANSION);
            self.failure = Some(PackingFault::Expansion { packed, unpacked, most });
        }
        Ok(read)
    }
}

/// The bytes taken from the compressed file.
#[derive(Debug, Default)]
struct Packed {
    bytes: Cell<u64>,
    ended: Cell<bool>,
}

/// The compressed file, counted.
struct Source<R> {
    reader: R,
    packed: Rc<Packed>,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(room)?;
        self.packed.bytes.set(self.packed.bytes.get() + read as u64);
        self.packed.ended.set(read == 0 && !room.is_empty());
        Ok(read)
    }
}

const CAPACITY: usize = 64 * 1024;
/// Allowed whatever the packed size: a log of 1 GiB that was never written to is zeros.
pub(super) const ALWAYS_UNPACKED: u64 = 1 << 30;
/// The allowed ratio beyond that. Captures pack to a half or a tenth, streams of one repeated packet to a
/// hundredth. There is no absolute limit: unpacked data is processed as a stream and never kept.
pub(super) const MOST_EXPANSION: u64 = 250;

#[cfg(test)]
#[cfg(feature = "compression")]
mod tests;
