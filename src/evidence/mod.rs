//! Which files are evidence, what they are, and what is wrong with them.
//!
//! Knows nothing of packets or records except their numbers.

#[cfg_attr(not(feature = "compression"), path = "no_collection.rs")]
mod collection;

mod discover;

mod format;

mod gateway;

mod exports;

mod recognize;

mod ours;

mod shown;

mod open;

mod unpack;

mod digest;

mod own;

mod problem;

pub use collection::{Archive, Collection, Member};
pub use digest::{
    HashedBy, Hashing, digest_of_file, fingerprint, sha256, sha256_digest, sha256_of_pieces,
};
pub use discover::{Found, discover, files_below};
pub(crate) use exports::{EVENT_LOG_RECORD, is_csv_preface, wrapper_length};
pub use format::{Format, SUMMARY_MAGIC, Unread};
pub(crate) use gateway::{is_head_of_5424, without_marks, without_priority};
pub use open::{Before, is_stream, open, open_stream};
pub use ours::{LEFT_OVER, MANIFEST, Own, SIGNATURE, is_carved};
pub use own::part_of;
pub use problem::{
    BlockFault, CaptureProblem, CollectionProblem, EventFault, ExportProblem, ExportTool,
    FieldFault, FileChange, FileProblem, FormatProblem, FrameFault, IkeProblem, LogProblem,
    LogTimeProblem, MemberFault, PackingFault, Position, Problem, ProblemCode, ProblemKind,
    SummaryProblem, TableFault, TraceFailure, TraceProblem,
};
pub use recognize::peek;
pub use shown::{is_printable_ascii, path_of, shown_path, visible};
pub use unpack::{Packing, Unpacking};

use crate::time::{Resolution, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The file with a number; numbers are indices in the list plus one, unless some files were left out.
#[must_use]
pub(crate) fn file_of(id: EvidenceId, evidence: &[Evidence]) -> Option<&Evidence> {
    let place = usize::try_from(id.0).ok().and_then(|number| number.checked_sub(1));
    let by_place = place.and_then(|place| evidence.get(place)).filter(|file| file.id == id);
    by_place.or_else(|| evidence.iter().find(|file| file.id == id))
}

/// One input file, as it was found and read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// Its number.
    pub id: EvidenceId,
    /// Its path as it was found, as [`shown_path`] spells it.
    pub path: String,
    /// The format shown by its first bytes; for a compressed file, by the first bytes of its content.
    pub format: Format,
    /// For a file of a collection, where it is from.
    pub origin: Option<Origin>,
    /// How it is compressed; `None` where it is not.
    pub packed: Option<Packed>,
    /// Its content.
    pub content: Content,
    /// Its length in bytes, as read.
    pub size: u64,
    /// Its SHA-256; `None` where hashing was turned off or not a byte could be read.
    pub sha256: Option<String>,
    /// Frames or records that were read.
    pub records: u64,
    /// Time of the earliest and the latest of them.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The resolution of its times.
    pub resolution: Resolution,
    /// Where it ended too early.
    pub truncated_at: Option<u64>,
    /// How its bytes were used; the counts add up to its size, for a compressed file to the unpacked size.
    pub coverage: BTreeMap<Cow<'static, str>, Extent>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

impl Evidence {
    /// The length of what was analysed, in bytes: unpacked, where the file is compressed.
    #[must_use]
    pub fn content_size(&self) -> u64 {
        self.packed.as_ref().map_or(self.size, |packed| packed.unpacked_size)
    }

    /// The digest of what was analysed.
    #[must_use]
    pub fn content_sha256(&self) -> Option<&str> {
        match &self.packed {
            Some(packed) => packed.unpacked_sha256.as_deref(),
            None => self.sha256.as_deref(),
        }
    }
}

/// Where a file of a collection is from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its path on the host.
    pub path: Option<String>,
    /// The host, as stated by the collector.
    pub host: Option<String>,
}

/// The content of a compressed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// How it is compressed.
    pub packing: Packing,
    /// How many bytes it unpacked to.
    pub unpacked_size: u64,
    /// The SHA-256 of the unpacked bytes; `None` where hashing was turned off or unpacking did not reach the
    /// end.
    pub unpacked_sha256: Option<String>,
}

/// The content of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Content {
    /// Frames.
    Capture {
        /// The interfaces, in the order of their descriptions.
        interfaces: Vec<Interface>,
        /// Frames that the capturer reports as lost; `None` where it reports nothing.
        dropped_by_capturer: Option<u64>,
        /// Its notes about itself.
        notes: Vec<Note>,
    },
    /// Records.
    Log {
        /// The computers that the records name.
        hosts: BTreeSet<String>,
        /// Record numbers missing inside the log, first and last of each stretch.
        gaps: Vec<(u64, u64)>,
    },
    /// Nothing that could be read.
    Nothing,
}

/// An interface as a capture describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The link type of its frames: a number of the tcpdump.org LINKTYPE registry, 65535 where it has none.
    pub linktype: u16,
    /// The most bytes of a frame that were kept; 0 means no limit.
    pub snaplen: u32,
    /// The resolution of its times.
    pub resolution: Resolution,
    /// Its name, where the capture gives one.
    pub name: Option<String>,
}

/// A note that a capture contains about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The item that it is about.
    pub place: NotePlace,
    /// Its kind.
    pub kind: NoteKind,
    /// Its text, unescaped.
    pub text: String,
}

/// The item that a note is about, numbered as in Wireshark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NotePlace {
    /// A section, from 1.
    Section(usize),
    /// An interface of the file, from 0.
    Interface(usize),
    /// A frame.
    Frame(u64),
}

impl fmt::Display for NotePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section(number) => write!(f, "section {number}"),
            Self::Interface(number) => write!(f, "interface {number}"),
            Self::Frame(number) => write!(f, "frame {number}"),
        }
    }
}

/// The kind of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NoteKind {
    /// A comment.
    Comment,
    /// The machine.
    Hardware,
    /// Its system.
    OperatingSystem,
    /// The program that wrote the capture.
    Application,
    /// The interface in words.
    Description,
    /// The capture filter.
    Filter,
}

impl NoteKind {
    /// The kind as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Hardware => "hardware",
            Self::OperatingSystem => "operating_system",
            Self::Application => "application",
            Self::Description => "description",
            Self::Filter => "filter",
        }
    }
}

/// Bytes and items of one kind in a file.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Extent {
    /// Bytes of the file.
    pub bytes: u64,
    /// Frames, blocks or records in them.
    pub records: u64,
}

impl Extent {
    /// Adds items with this many bytes in total.
    pub fn add(&mut self, bytes: u64, records: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.records = self.records.saturating_add(records);
    }
}

/// The number of an evidence file in a run, from 1; shown as `E1`.
///
/// Numbers follow the sorted paths, so they do not depend on the order of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EvidenceId(pub u32);

impl EvidenceId {
    /// The number of the file at an index, from 0, among the sorted paths.
    #[must_use]
    pub fn of_place(at: usize) -> Self {
        Self(u32::try_from(at).unwrap_or(u32::MAX - 1) + 1)
    }
}

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{}", self.0)
    }
}

/// A frame's number in its capture, from 1, as Wireshark shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FrameNumber(pub u64);

/// One frame of one capture: the proof of a statement about traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FrameRef {
    /// The capture.
    pub evidence: EvidenceId,
    /// The frame in it.
    pub frame: FrameNumber,
}

/// `E1:11`, as the report writes it.
impl fmt::Display for FrameRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.evidence, self.frame.0)
    }
}

/// One record of one log: the proof of a statement about what a host logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    /// The log.
    pub evidence: EvidenceId,
    /// The record's own number in it (EventRecordID).
    pub record: u64,
}
