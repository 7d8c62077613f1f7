//! What can be wrong with an event log from its file to its records. The record that a problem is about is its position.

use super::ProblemCode;
use crate::evidence::RecordRef;
use serde::{Deserialize, Serialize};

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LogProblem {
    /// The file ends inside its header.
    HeaderCut,
    /// The header cannot be read; the reader's error.
    HeaderUnreadable(String),
    /// The checksum of the header is wrong.
    HeaderChecksum,
    /// The file has no header, and begins with a chunk.
    NoHeader,
    /// The record that ends an .evt file is missing.
    NoEndRecord,
    /// The file ends inside a chunk, behind this many whole ones.
    ChunkCut(u64),
    /// The file has fewer chunks than its header says.
    ChunksMissing {
        /// Whole chunks.
        whole: u64,
        /// Chunks that the header counts.
        declared: u64,
    },
    /// The checksum of a chunk's header is wrong.
    ChunkHeaderChecksum,
    /// The checksum of a chunk's records is wrong.
    ChunkRecordsChecksum,
    /// A chunk was skipped; the reader's error.
    ChunkSkipped(String),
    /// A record ends behind the end of the file.
    RecordBeyondEnd {
        /// The bytes it claims.
        claimed: u64,
        /// The bytes that remain.
        remain: u64,
    },
    /// A record is cut off.
    RecordCut,
    /// A record was skipped; the reader's error.
    RecordSkipped(String),
    /// The fields of a record could not be read.
    RecordUnreadable,
    /// The two lengths of a record differ.
    RecordLengths,
    /// Bytes that are no record.
    NoRecord(u64),
    /// Bytes inside a record behind its own data.
    Hidden {
        /// How many.
        bytes: u64,
        /// The records that they hold.
        records: u64,
    },
    /// Records show more text than they hold, from a template that they share.
    Expansion,
    /// Records of further computers or logs than this many, which are listed.
    ManySources {
        /// The records.
        records: u64,
        /// The sources that are listed.
        listed: u64,
    },
    /// A record has the number and time of another one of the same log, and contradicts it.
    RecordDiffers(RecordRef),
    /// This many records have a number that another record of the log has too.
    NumbersTwice(u64),
    /// This many more problems are not listed.
    MoreProblems(u64),
}

impl LogProblem {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::HeaderCut
            | Self::ChunkCut(_)
            | Self::ChunksMissing { .. }
            | Self::RecordBeyondEnd { .. }
            | Self::RecordCut => ProblemCode::Truncated,
            Self::HeaderUnreadable(_) | Self::NoEndRecord => ProblemCode::Corrupt,
            Self::HeaderChecksum
            | Self::ChunkHeaderChecksum
            | Self::ChunkRecordsChecksum
            | Self::RecordLengths => ProblemCode::Checksum,
            Self::NoHeader => ProblemCode::Headless,
            Self::ChunkSkipped(_)
            | Self::RecordSkipped(_)
            | Self::RecordUnreadable
            | Self::NoRecord(_)
            | Self::ManySources { .. }
            | Self::MoreProblems(_) => ProblemCode::Skipped,
            Self::Hidden { .. } => ProblemCode::Hidden,
            Self::Expansion => ProblemCode::Expansion,
            Self::RecordDiffers(_) => ProblemCode::RecordDiffers,
            Self::NumbersTwice(_) => ProblemCode::NumbersTwice,
        }
    }
}
