//! A decoder for each compression that is read.

mod lz4;
mod zstd;

use super::Packing;
use std::io::{BufRead, Read};

/// Unpacks `source`.
pub(super) fn decoder<'r>(packing: Packing, source: impl BufRead + 'r) -> Box<dyn Read + 'r> {
    match packing {
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
        Packing::Zstd => Box::new(zstd::Frames::new(source, MOST_MEMORY)),
        Packing::Xz => {
            let kibibytes = u32::try_from(MOST_MEMORY / 1024).unwrap_or(u32::MAX - 1);
            Box::new(lzma_rust2::XzReader::new_mem_limit(source, true, kibibytes))
        }
        Packing::Lz4 => Box::new(lz4::Frames::new(source)),
        Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(source)),
    }
}

/// The most memory that a decoder may use. `xz -9` and `zstd --ultra -22` need half of it or less.
const MOST_MEMORY: u64 = 256 << 20;
