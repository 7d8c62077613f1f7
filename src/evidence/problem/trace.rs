//! What can be wrong with an event trace (.etl).

use super::ProblemCode;
use serde::{Deserialize, Serialize};

/// What is wrong with an event trace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TraceProblem {
    /// Packets of a trace of which parts are missing.
    IncompletePackets(u64),
    /// Events of a trace that hold less of a packet than they claim.
    ShortEvents(u64),
    /// Events about IPsec that hold less than their layout.
    ShortIpsecEvents(u64),
    /// Packets of a trace beyond what may be held in memory.
    PacketsBeyondMemory(u64),
    /// Events about IPsec in a trace beyond what is kept.
    EventsBeyondMemory(u64),
    /// The first buffer of a trace does not describe the trace.
    NoHeader,
    /// No record begins this many bytes into the records of a buffer.
    BufferRecords(u64),
    /// No buffer begins here, and nothing shows where the next one does.
    NoBuffer,
    /// The header of a buffer is damaged; reading continued behind it.
    BufferDamaged,
    /// The file ends inside a buffer.
    BufferCut,
    /// The compressed records of the buffer at this offset are damaged.
    BufferUnpacking(u64),
    /// Buffers unpack to more than traces do.
    BuffersExpansion,
    /// The buffer repeats the one at this offset, and counts once.
    BufferRepeated(u64),
    /// Another trace was joined to this one here; it was not read.
    OtherTrace,
    /// Buffers are missing, by their numbers.
    BuffersMissing(u64),
    /// Capturing failed in part, with this code.
    Failed(TraceFailure, u32),
    /// The trace holds WPP messages and no packets.
    OnlyWppMessages,
}

/// What of a tracing session did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TraceFailure {
    /// The driver that captures packets.
    Driver,
    /// A layer that captures packets.
    Layer,
    /// A rule of what to capture.
    Rule,
}

impl TraceProblem {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::BufferCut => ProblemCode::Truncated,
            Self::NoHeader | Self::NoBuffer => ProblemCode::Corrupt,
            Self::IncompletePackets(_)
            | Self::ShortEvents(_)
            | Self::ShortIpsecEvents(_)
            | Self::PacketsBeyondMemory(_)
            | Self::EventsBeyondMemory(_)
            | Self::BufferRecords(_)
            | Self::BufferDamaged
            | Self::BufferRepeated(_)
            | Self::OtherTrace
            | Self::BufferUnpacking(_)
            | Self::BuffersMissing(_)
            | Self::Failed(..) => ProblemCode::Skipped,
            Self::BuffersExpansion => ProblemCode::Expansion,
            Self::OnlyWppMessages => ProblemCode::UnsupportedFormat,
        }
    }
}
