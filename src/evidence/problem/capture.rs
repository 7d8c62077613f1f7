//! What can be wrong with a capture. The frame that a problem is about is its position.

use super::ProblemCode;
use crate::time::Span;
use serde::{Deserialize, Serialize};

/// What is wrong with a capture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CaptureProblem {
    /// The file ends inside its header of this many bytes.
    HeaderCut(u64),
    /// The header of a pcap file is in no layout that is known.
    HeaderUnreadable,
    /// A version of snoop that is not read.
    SnoopVersion(u32),
    /// A version of Network Monitor's format that is not read.
    NetmonVersion(u8),
    /// A file that must be held in memory is longer than this many bytes, which were read.
    TooLargeToHold(u64),
    /// The file ends inside the header of a frame.
    FrameHeaderCut,
    /// A frame cannot be what its header says, and nothing behind it can be read.
    Frame(FrameFault),
    /// A frame cannot be what its header says; reading continued behind it.
    FrameSkipped {
        /// What is wrong with it.
        fault: FrameFault,
        /// The bytes that were skipped.
        bytes: u64,
        /// Where the next record begins.
        next: u64,
    },
    /// A snoop record ends behind the end of the file.
    RecordCut {
        /// The bytes it claims.
        claimed: u64,
        /// The bytes that remain.
        remain: u64,
    },
    /// The lengths of a frame contradict each other.
    FrameLengths,
    /// A frame names an interface or a length that its block cannot hold.
    FrameOutsideBlock,
    /// Another pcap file begins inside this one.
    Joined,
    /// A block of a pcapng file cannot be read, nor can what follows.
    Block(BlockFault),
    /// The file does not begin with a section header.
    NoSectionHeader,
    /// A section header names no byte order.
    NoByteOrder,
    /// There are more interfaces than this many, whose frames were read.
    TooManyInterfaces(u64),
    /// The description of an interface is damaged.
    InterfaceDamaged,
    /// This many frames have no time.
    NoTimes(u64),
    /// Times are of a local clock in an unnamed zone.
    LocalTime,
    /// The frame table of a Network Monitor file, or a frame that it lists, cannot be read.
    Table(TableFault),
    /// The capture says Ethernet, and this many frames are raw IP or 802.11.
    WrongLinktype(u64),
    /// The time of a frame is before that of an earlier frame, by this much.
    TimesGoBack(Span),
}

/// Why a block of a pcapng file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BlockFault {
    /// It claims a length that no block can have.
    Length(u32),
    /// It claims more bytes than any frame needs.
    TooLong(u32),
    /// It ends behind the end of the file.
    Cut {
        /// The bytes it claims.
        claimed: u64,
        /// The bytes that remain.
        remain: u64,
    },
    /// Its two lengths differ.
    LengthsDiffer,
}

/// What is wrong with the frame table of a Network Monitor file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TableFault {
    /// It has this many bytes, which is no multiple of 4.
    Length(u64),
    /// It is not inside the file; frames were read in the order of the file.
    Outside {
        /// Its length in bytes.
        length: u64,
        /// The length of the file.
        file: u64,
    },
    /// A frame is not inside the file.
    FrameOutside,
    /// A frame overlaps another one.
    FrameOverlaps,
    /// A frame is separated from too many others.
    FrameScattered,
}

/// Why a frame of a pcap file cannot be what its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FrameFault {
    /// It claims more captured bytes than are possible.
    TooLong {
        /// The bytes it claims.
        claimed: u32,
        /// The most that are possible.
        most: u32,
    },
    /// It claims more captured bytes than it had on the wire, and no record follows them.
    NothingFollows {
        /// The captured bytes.
        claimed: u32,
        /// The bytes on the wire.
        wire: u32,
    },
    /// It ends behind the end of the file.
    Cut {
        /// The captured bytes.
        claimed: u32,
        /// The bytes that remain.
        remain: u64,
    },
}

impl FrameFault {
    /// The code where nothing behind it can be read.
    const fn code(self) -> ProblemCode {
        match self {
            Self::TooLong { .. } | Self::NothingFollows { .. } => ProblemCode::Corrupt,
            Self::Cut { .. } => ProblemCode::Truncated,
        }
    }
}

impl BlockFault {
    const fn code(self) -> ProblemCode {
        match self {
            Self::Length(_) | Self::TooLong(_) | Self::LengthsDiffer => ProblemCode::Corrupt,
            Self::Cut { .. } => ProblemCode::Truncated,
        }
    }
}

impl TableFault {
    const fn code(self) -> ProblemCode {
        match self {
            Self::Outside { .. } => ProblemCode::Truncated,
            Self::Length(_) | Self::FrameOutside | Self::FrameOverlaps | Self::FrameScattered => {
                ProblemCode::Skipped
            }
        }
    }
}

impl CaptureProblem {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::Frame(fault) => fault.code(),
            Self::Block(fault) => fault.code(),
            Self::Table(fault) => fault.code(),
            Self::HeaderCut(_) | Self::FrameHeaderCut | Self::RecordCut { .. } => {
                ProblemCode::Truncated
            }
            Self::HeaderUnreadable
            | Self::SnoopVersion(_)
            | Self::NetmonVersion(_)
            | Self::FrameLengths
            | Self::NoSectionHeader
            | Self::NoByteOrder
            | Self::InterfaceDamaged => ProblemCode::Corrupt,
            Self::TooLargeToHold(_)
            | Self::FrameSkipped { .. }
            | Self::FrameOutsideBlock
            | Self::TooManyInterfaces(_) => ProblemCode::Skipped,
            Self::Joined => ProblemCode::Joined,
            Self::NoTimes(_) => ProblemCode::BadTime,
            Self::LocalTime => ProblemCode::LocalTime,
            Self::WrongLinktype(_) => ProblemCode::WrongLinktype,
            Self::TimesGoBack(_) => ProblemCode::TimesGoBack,
        }
    }
}
