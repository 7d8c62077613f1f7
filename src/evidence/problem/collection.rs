//! What can be wrong with an archive and its members.

use super::ProblemCode;
use crate::evidence::Archive;
use serde::{Deserialize, Serialize};

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CollectionProblem {
    /// It holds more files of evidence than this many, which were read.
    TooManyMembers(u64),
    /// Its directory cannot be read; the reader's error.
    NoDirectory(Archive, String),
    /// This many members have the name of another one.
    SameNames(u64),
    /// It ends too early.
    Truncated(Archive),
    /// No member begins where one should.
    Corrupt(Archive),
    /// It unpacks to more than evidence does, or holds too many files.
    Expansion(Archive),
    /// Members cannot be unpacked; the decoder's error.
    CannotUnpack(Archive, String),
    /// A member cannot be read.
    Member {
        /// Its name.
        name: String,
        /// Why.
        fault: MemberFault,
    },
    /// Tables and logs that the collector wrote about its own work.
    CollectorTables {
        /// How many.
        count: u64,
        /// The name of the first.
        first: String,
    },
    /// Members in no format that is read.
    OtherFormats {
        /// How many.
        count: u64,
        /// The name of the first.
        first: String,
    },
    /// Its other problems, this many, are not listed.
    Unlisted(u64),
}

/// Why a member of an archive cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MemberFault {
    /// It is encrypted.
    Encrypted,
    /// Its header cannot be read.
    NoHeader,
    /// It is compressed in a way that is not read; the name of the method.
    Compression(String),
    /// Its bytes are those of another member.
    SharedBytes,
    /// A sparse file of GNU tar.
    SparseFile,
    /// Too much has to be unpacked before it.
    FarBehind,
    /// Unpacking failed; the decoder's error.
    CannotUnpack(String),
    /// An archive inside an archive inside an archive.
    TooDeep,
    /// It unpacks to more than evidence does.
    Expansion,
    /// The archives inside its archive unpack to more than evidence does.
    NoRoom,
}

impl CollectionProblem {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::NoDirectory(..) | Self::Corrupt(_) => ProblemCode::Corrupt,
            Self::Truncated(_) => ProblemCode::Truncated,
            Self::Expansion(_) | Self::Member { fault: MemberFault::Expansion, .. } => {
                ProblemCode::Expansion
            }
            Self::TooManyMembers(_)
            | Self::SameNames(_)
            | Self::CannotUnpack(..)
            | Self::Member { .. }
            | Self::Unlisted(_) => ProblemCode::Skipped,
            Self::CollectorTables { .. } | Self::OtherFormats { .. } => ProblemCode::NotEvidence,
        }
    }
}
