//! What one chunk shows by itself: whether it can be read, whether its checksums match, and what the scan finds
//! in it.
//!
//! Chunks are examined on all cores, and processed in order on the core that reads.

use super::hidden::{Behind, behind};
use super::position::Source;
use super::scan::{Scan, Seen};
use super::{CHUNK, in_words};
use crate::evidence::LogProblem;
use ::evtx::{ChunkFlags, EvtxChunkData};
use rayon::prelude::*;

/// Passes every chunk of the file to `take`, in order; while some are processed, the next are examined, and those
/// behind them are read.
///
/// `by_scan`: whether the scan decodes records, or the crate decodes all. `take` returns how many connections
/// (5156) are still wanted; a chunk leaves that many to the crate, for the addresses that they name.
pub(super) fn chunks(
    source: &mut Source<'_>,
    by_scan: bool,
    mut connections: usize,
    mut take: impl FnMut(&mut Chunk) -> usize,
) {
    let [mut current, mut next, mut after] = [const { Batch { chunks: Vec::new(), filled: 0 } }; 3];
    next.fill(source);
    while next.filled + current.filled > 0 {
        let least = connections;
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| {
                let chunks = next.filled().par_iter_mut();
                chunks.for_each(|chunk| chunk.look(by_scan, least));
            });
            after.fill(source);
            current.filled().iter_mut().for_each(|chunk| connections = take(chunk));
        });
        std::mem::swap(&mut current, &mut next);
        std::mem::swap(&mut next, &mut after);
    }
}

/// Several consecutive chunks; their memory is reused.
struct Batch {
    chunks: Vec<Chunk>,
    filled: usize,
}

impl Batch {
    /// Reads the next chunks of the file; none where it ends.
    fn fill(&mut self, source: &mut Source<'_>) {
        self.filled = 0;
        while self.filled < AT_ONCE && source.is_at_chunk(CHUNK as u64) {
            if self.filled == self.chunks.len() {
                self.chunks.push(Chunk::default());
            }
            let Some(chunk) = self.chunks.get_mut(self.filled) else { return };
            chunk.offset = source.offset;
            source.next(CHUNK, &mut chunk.buffer);
            if chunk.buffer.is_empty() {
                return;
            }
            self.filled += 1;
        }
    }

    fn filled(&mut self) -> &mut [Chunk] {
        self.chunks.get_mut(..self.filled).unwrap_or_default()
    }
}

/// A chunk of the file.
#[derive(Default)]
pub(super) struct Chunk {
    /// Its place in the file.
    pub(super) offset: u64,
    /// How much of it the file holds.
    pub(super) size: u64,
    buffer: Vec<u8>,
    scan: Scan,
    look: Look,
}

/// The result of the first examination.
#[derive(Default)]
pub(super) enum Look {
    /// Nothing but zeros.
    #[default]
    Unused,
    /// It is no chunk, and why.
    Unreadable(String),
    /// A chunk.
    Sound(Box<Sound>),
}

/// A chunk that can be read.
pub(super) struct Sound {
    /// The crate's view; missing bytes of a truncated chunk are zeros.
    pub(super) data: EvtxChunkData,
    /// The parts of the chunk whose checksums do not match.
    pub(super) broken: Vec<LogProblem>,
    /// What lies inside records behind their own data.
    pub(super) behind: Vec<Behind>,
    /// Whether the scan understands all its records.
    is_scanned: bool,
}

impl Chunk {
    fn look(&mut self, by_scan: bool, connections: usize) {
        self.size = self.buffer.len() as u64;
        // The tables at the head of a truncated chunk name offsets behind the cut; with zeros there, the
        // records before it can still be read.
        self.buffer.resize(CHUNK, 0);
        if self.buffer.iter().all(|byte| *byte == 0) {
            self.look = Look::Unused;
            return;
        }
        let data = match EvtxChunkData::new(std::mem::take(&mut self.buffer), false) {
            Ok(data) => data,
            Err(error) => {
                self.look = Look::Unreadable(in_words(&error));
                return;
            }
        };
        let is_whole = self.size == CHUNK as u64;
        let free = usize::try_from(data.header.free_space_offset).unwrap_or(usize::MAX);
        self.scan.connections = connections;
        // Behind a cut are zeros that we added, which the scan does not recognize.
        let last = data.header.last_event_record_id;
        let is_scanned = is_whole && self.scan.records(&data.data, last, free).is_some();
        let seen = if is_scanned { self.scan.seen() } else { &[] };
        let behind = behind(&data.data, seen, free.min(data.data.len()));
        let broken = broken(&data, is_whole);
        let is_scanned = is_scanned && by_scan;
        self.look = Look::Sound(Box::new(Sound { data, broken, behind, is_scanned }));
    }

    /// The examination's result, and the records that the scan decodes: none where the crate has to find them.
    pub(super) fn seen(&mut self) -> (&mut Look, &[Seen]) {
        let is_scanned = matches!(&self.look, Look::Sound(sound) if sound.is_scanned);
        let seen = if is_scanned { self.scan.seen() } else { &[] };
        (&mut self.look, seen)
    }

    /// Keeps the memory for another chunk.
    pub(super) fn done(&mut self) {
        if let Look::Sound(sound) = std::mem::take(&mut self.look) {
            self.buffer = sound.data.data;
        }
    }
}

fn broken(chunk: &EvtxChunkData, is_whole: bool) -> Vec<LogProblem> {
    let mut broken = Vec::new();
    if chunk.header.flags.contains(ChunkFlags::NO_CRC32) {
        return broken;
    }
    if !chunk.validate_header_checksum() {
        broken.push(LogProblem::ChunkHeaderChecksum);
    }
    if is_whole && !chunk.validate_data_checksum() {
        broken.push(LogProblem::ChunkRecordsChecksum);
    }
    broken
}

/// 1 MiB: enough work for all cores, and still in a cache when it is processed.
const AT_ONCE: usize = 16;
