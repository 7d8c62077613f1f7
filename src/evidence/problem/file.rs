//! What can be wrong with a file whatever its format, and with its compression.

use super::ProblemCode;
use crate::evidence::{Archive, EvidenceId, Own, Packing, Unread};
use serde::{Deserialize, Serialize};

/// What is wrong with a file, whatever its format.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FileProblem {
    /// The system does not open it; the system's error.
    CannotOpen(String),
    /// The system does not describe it, or the folder it is in; the system's error.
    CannotFind(String),
    /// Links of a folder lead back to it.
    LinkLoop,
    /// A link inside a folder.
    LinkInFolder,
    /// A pipe, a socket or a device.
    NoFile,
    /// Reading failed; the system's error.
    ReadingStopped(String),
    /// A bug of this program ended the reading.
    Bug,
    /// It is not the file any more that it was when it was opened.
    Changed(FileChange),
    /// It has no bytes.
    Empty,
    /// Its bytes are those of another file.
    Duplicate {
        /// The file that counts.
        first: EvidenceId,
        /// Its path.
        path: String,
    },
    /// It must be held in memory and is larger than that.
    TooLargeUnpacked {
        /// The bytes that it unpacks to.
        unpacked: u64,
        /// The bytes that were read.
        read: u64,
    },
    /// Its compressed data cannot be read in full.
    Packed(Packing, PackingFault),
}

/// Why compressed data is not read in full.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PackingFault {
    /// What it unpacks to has no bytes.
    Empty,
    /// It uses what the decoder does not support; the decoder's error.
    Unsupported(String),
    /// It ends too early; the decoder's error.
    Truncated(String),
    /// It is damaged; the decoder's error.
    Corrupt(String),
    /// It unpacks to more than evidence does.
    Expansion {
        /// The compressed bytes that were read.
        packed: u64,
        /// The bytes that they unpack to.
        unpacked: u64,
        /// The largest ratio of both that is read.
        most: u64,
    },
    /// It holds compressed data.
    Nested,
}

/// Why a file is not read although nothing is wrong with its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FormatProblem {
    /// An archive that this build does not read.
    Archive(Archive),
    /// A format that is recognized, but not read.
    Unread(Unread),
    /// This program wrote it.
    Own(Own),
    /// This program carved it out of evidence.
    Carved,
    /// This program summarized evidence in it.
    OwnSummary,
    /// A text in a folder.
    TextBeside,
    /// The rendered messages that Windows stores beside an archived log.
    RenderedMessages,
    /// A policy of `netsh ipsec static exportpolicy`.
    PolicyExport,
    /// A text in no format that is read.
    UnknownText,
    /// Bytes in no format that is read; the first of them.
    UnknownBytes(Vec<u8>),
    /// Text that begins like JSON, and is of no tool whose events are read.
    UnknownJson,
}

/// How a file changed while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FileChange {
    /// Nothing has its path any more.
    Removed,
    /// Another file has its path.
    Replaced,
    /// Its length changed.
    Resized {
        /// Its length before, in bytes.
        was: u64,
        /// Its length after.
        is: u64,
    },
    /// Its modification time changed.
    Modified,
}

impl FileProblem {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::CannotOpen(_)
            | Self::CannotFind(_)
            | Self::LinkLoop
            | Self::LinkInFolder
            | Self::NoFile
            | Self::ReadingStopped(_) => ProblemCode::Unreadable,
            Self::Bug => ProblemCode::InternalError,
            Self::Changed(_) => ProblemCode::Changed,
            Self::Empty => ProblemCode::Empty,
            Self::Duplicate { .. } => ProblemCode::Duplicate,
            Self::TooLargeUnpacked { .. } => ProblemCode::Expansion,
            Self::Packed(_, fault) => fault.code(),
        }
    }
}

impl PackingFault {
    const fn code(&self) -> ProblemCode {
        match self {
            Self::Empty => ProblemCode::Empty,
            Self::Unsupported(_) | Self::Nested => ProblemCode::UnsupportedFormat,
            Self::Truncated(_) => ProblemCode::Truncated,
            Self::Corrupt(_) => ProblemCode::Corrupt,
            Self::Expansion { .. } => ProblemCode::Expansion,
        }
    }
}

impl FormatProblem {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::Archive(_) | Self::Unread(_) | Self::PolicyExport => {
                ProblemCode::UnsupportedFormat
            }
            Self::Own(_)
            | Self::Carved
            | Self::OwnSummary
            | Self::TextBeside
            | Self::RenderedMessages => ProblemCode::NotEvidence,
            Self::UnknownText | Self::UnknownBytes(_) | Self::UnknownJson => {
                ProblemCode::UnknownFormat
            }
        }
    }
}
