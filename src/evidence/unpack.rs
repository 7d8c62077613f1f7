//! Compressed evidence: gzip, zstd, xz, lz4 and bzip2, unpacked as it is read.
//!
//! One layer only. Memory is bounded by the formats' windows, and what an archive may expand to by
//! [`is_plausible`]: a few octets that claim to be terabytes end the reading.

use std::cell::Cell;
use std::io::{self, Read};

/// How evidence is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Packing {
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The .xz file format.
    Xz,
    /// The LZ4 frame format.
    Lz4,
    /// bzip2, one stream or several.
    Bzip2,
}

impl Packing {
    /// Every packing.
    pub const ALL: [Self; 5] = [Self::Gzip, Self::Zstd, Self::Xz, Self::Lz4, Self::Bzip2];

    /// Tells it by a file's first octets.
    #[must_use]
    pub const fn of(first: &[u8]) -> Option<Self> {
        match first {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            _ => None,
        }
    }

    /// The packing as the report spells it.
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
}

/// Reads what a packed stream holds; ends where it is damaged or expands beyond belief.
pub struct Unpacking<'a> {
    decoder: Box<dyn Read + 'a>,
    packed: &'a Cell<u64>,
    unpacked: u64,
    failure: Option<UnpackFailure>,
}

/// Why a packed stream could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnpackFailure {
    /// The decoder says so, in its own words.
    Damaged(String),
    /// It expands to more than is plausible.
    Expansion,
}

impl<'a> Unpacking<'a> {
    /// Unpacks `packed`, counting in `passed` how much of it was taken.
    ///
    /// # Errors
    /// Where a decoder cannot be set up.
    pub fn new(
        packing: Packing,
        packed: impl Read + 'a,
        passed: &'a Cell<u64>,
    ) -> io::Result<Self> {
        let counted = Counted { reader: packed, passed };
        let decoder: Box<dyn Read + 'a> = match packing {
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(counted)),
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(counted)?;
                decoder.window_log_max(LARGEST_WINDOW_LOG)?;
                Box::new(decoder)
            }
            Packing::Xz => {
                const CONCATENATED: u32 = liblzma::stream::CONCATENATED;
                let stream = liblzma::stream::Stream::new_stream_decoder(MOST_MEMORY, CONCATENATED);
                let stream = stream.map_err(io::Error::from)?;
                Box::new(liblzma::read::XzDecoder::new_stream(counted, stream))
            }
            Packing::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(counted)),
            Packing::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(counted)),
        };
        Ok(Self { decoder, packed: passed, unpacked: 0, failure: None })
    }

    /// Octets given so far.
    #[must_use]
    pub const fn unpacked(&self) -> u64 {
        self.unpacked
    }

    /// Why it ended early; `None` where it did not.
    #[must_use]
    pub fn failure(&self) -> Option<&UnpackFailure> {
        self.failure.as_ref()
    }
}

impl Read for Unpacking<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Ok(0);
        }
        if !is_plausible(self.packed.get(), self.unpacked) {
            self.failure = Some(UnpackFailure::Expansion);
            return Ok(0);
        }
        match self.decoder.read(room) {
            Ok(read) => {
                self.unpacked += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failure = Some(UnpackFailure::Damaged(error.to_string()));
                Ok(0)
            }
        }
    }
}

/// Whether so many octets can honestly stand packed in so few. Captures shrink to a fifth, event
/// logs to a fiftieth; the unused chunks of a log are zeros, which is why the first gibibyte is free.
const fn is_plausible(packed: u64, unpacked: u64) -> bool {
    unpacked <= FREE || unpacked / MOST_RATIO <= packed
}

struct Counted<'a, R> {
    reader: R,
    passed: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(room)?;
        self.passed.set(self.passed.get() + read as u64);
        Ok(read)
    }
}

const FREE: u64 = 1 << 30;
const MOST_RATIO: u64 = 200;
/// zstd's own limit without `--long`: 128 MiB.
const LARGEST_WINDOW_LOG: u32 = 27;
/// xz -9 needs 65 MiB.
const MOST_MEMORY: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn unpacked(packing: Packing, packed: &[u8]) -> (Vec<u8>, Option<UnpackFailure>) {
        let passed = Cell::new(0);
        let mut reader = Unpacking::new(packing, packed, &passed).unwrap();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(reader.unpacked(), all.len() as u64);
        (all, reader.failure().cloned())
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn two_members_are_read_as_one() {
        let both = [gzip(b"first "), gzip(b"second")].concat();
        assert_eq!(unpacked(Packing::Gzip, &both).0, b"first second");
    }

    #[test]
    fn what_expands_beyond_belief_ends() {
        assert!(is_plausible(10, FREE));
        assert!(is_plausible(1 << 30, 100 << 30));
        assert!(!is_plausible(1 << 20, FREE + MOST_RATIO));
    }
}
