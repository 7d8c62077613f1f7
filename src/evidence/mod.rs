//! Which files are evidence, what they are, and what is wrong with them.
//!
//! Knows nothing of packets or records beyond their numbers.

mod problem;

mod digest;
mod discover;
mod format;

pub use digest::Hashing;
pub(crate) use digest::hex;
pub use discover::{Found, discover};
pub use format::{Format, PEEK, Unread};
pub use problem::{Position, Problem, ProblemCode};

use std::fmt;

/// The number of an evidence file in a run, from 1; shown as `E1`.
///
/// Numbers follow the sorted paths, so they do not depend on the order of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EvidenceId(pub u32);

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{}", self.0)
    }
}

/// A frame's number in its capture, from 1, as Wireshark shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameNumber(pub u64);

/// One frame of one capture: what a statement about traffic is proven by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameRef {
    /// The capture.
    pub evidence: EvidenceId,
    /// The frame in it.
    pub frame: FrameNumber,
}

/// One record of one log: what a statement about a host's own words is proven by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordRef {
    /// The log.
    pub evidence: EvidenceId,
    /// The record's own number in it (EventRecordID).
    pub record: u64,
}
