//! A defect of the evidence, as data: a code, and the values that were found. `findings` words it.
//!
//! A problem never stops the work: it is reported and the rest is analysed.

mod file;

mod collection;

mod capture;

mod trace;

mod ike;

mod log;

mod log_time;

mod export;

mod summary;

pub use capture::{BlockFault, CaptureProblem, FrameFault, TableFault};
pub use collection::{CollectionProblem, MemberFault};
pub use export::{EventFault, ExportProblem, ExportTool};
pub use file::{FileChange, FileProblem, FormatProblem, PackingFault};
pub use ike::{FieldFault, IkeProblem};
pub use log::LogProblem;
pub use log_time::LogTimeProblem;
pub use summary::SummaryProblem;
pub use trace::{TraceFailure, TraceProblem};

use serde::{Deserialize, Serialize};

/// What is wrong. The code is a promise to scripts: added to, never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProblemCode {
    /// The path does not exist or could not be opened or read.
    Unreadable,
    /// The file holds no byte.
    Empty,
    /// The first bytes belong to no known format.
    UnknownFormat,
    /// The format is known but is not read by this version.
    UnsupportedFormat,
    /// A text file found in a folder: considered a note beside the evidence, not evidence.
    NotEvidence,
    /// The same bytes were already read from another path.
    Duplicate,
    /// The file ends inside a record, block or chunk.
    Truncated,
    /// A header contradicts itself; the rest was not read.
    Corrupt,
    /// A part was damaged and skipped; reading continued behind it.
    Skipped,
    /// A checksum does not match; the content was read anyway.
    Checksum,
    /// A time lies outside the range that can be represented, or is missing.
    BadTime,
    /// Times are of a local clock whose zone the file does not name; they are read as UTC.
    LocalTime,
    /// Times have no year; it was taken from the rest of the evidence.
    YearInferred,
    /// It unpacks to far more than evidence does; it was read up to the limit.
    Expansion,
    /// Values of records could not be read from the text that an export has in their place.
    FieldsMissing,
    /// Records name a source that no table has; number and format identified the provider.
    SourceInferred,
    /// An IKE message breaks the format; what precedes the fault was read.
    MalformedIke,
    /// It was summarized, and its summary was not given.
    SummaryMissing,
    /// More than one of the given summaries contain it; it counts once.
    SummarizedTwice,
    /// It was read by another version of the program than the one that judges it.
    OtherVersion,
    /// Captures were concatenated; all of them were read.
    Joined,
    /// Frames have another link layer than the capture states; they were read as what they are.
    WrongLinktype,
    /// It was changed, replaced or removed while it was read.
    Changed,
    /// An internal error ended the reading of this file.
    InternalError,
    /// Bytes lie inside a record behind its own data, where readers do not look.
    Hidden,
    /// The header of the file is missing; what follows was read without it.
    Headless,
    /// Summaries hold another file with this path; both count.
    SamePath,
    /// A summary is damaged and was skipped.
    SummaryDamaged,
    /// Times of a capture go back from one frame to the next.
    TimesGoBack,
    /// Two records of one log have the same number and time, and contradict each other; both count.
    RecordDiffers,
    /// Numbers of a log's records occur more than once; records that are the same count once.
    NumbersTwice,
}

impl ProblemCode {
    /// Every code.
    pub const ALL: [Self; 31] = [
        Self::Unreadable,
        Self::Empty,
        Self::UnknownFormat,
        Self::UnsupportedFormat,
        Self::NotEvidence,
        Self::Duplicate,
        Self::Truncated,
        Self::Corrupt,
        Self::Skipped,
        Self::Checksum,
        Self::BadTime,
        Self::LocalTime,
        Self::YearInferred,
        Self::Expansion,
        Self::FieldsMissing,
        Self::SourceInferred,
        Self::MalformedIke,
        Self::SummaryMissing,
        Self::SummarizedTwice,
        Self::OtherVersion,
        Self::Joined,
        Self::WrongLinktype,
        Self::Changed,
        Self::InternalError,
        Self::Hidden,
        Self::Headless,
        Self::SamePath,
        Self::SummaryDamaged,
        Self::TimesGoBack,
        Self::RecordDiffers,
        Self::NumbersTwice,
    ];

    /// The code as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Empty => "empty",
            Self::UnknownFormat => "unknown_format",
            Self::UnsupportedFormat => "unsupported_format",
            Self::NotEvidence => "not_evidence",
            Self::Duplicate => "duplicate",
            Self::Truncated => "truncated",
            Self::Corrupt => "corrupt",
            Self::Skipped => "skipped",
            Self::Checksum => "checksum",
            Self::BadTime => "bad_time",
            Self::LocalTime => "local_time",
            Self::YearInferred => "year_inferred",
            Self::Expansion => "expansion",
            Self::FieldsMissing => "fields_missing",
            Self::SourceInferred => "source_inferred",
            Self::MalformedIke => "malformed_ike",
            Self::SummaryMissing => "summary_missing",
            Self::SummarizedTwice => "summarized_twice",
            Self::OtherVersion => "other_version",
            Self::Joined => "joined",
            Self::WrongLinktype => "wrong_linktype",
            Self::Changed => "changed_while_read",
            Self::InternalError => "internal_error",
            Self::Hidden => "hidden",
            Self::Headless => "headless",
            Self::SamePath => "same_path",
            Self::SummaryDamaged => "summary_damaged",
            Self::RecordDiffers => "record_differs",
            Self::NumbersTwice => "numbers_twice",
            Self::TimesGoBack => "times_go_back",
        }
    }

    /// What it means, in a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Unreadable => "The path does not exist or could not be opened or read.",
            Self::Empty => "The file is empty.",
            Self::UnknownFormat => "The first bytes match no known format.",
            Self::UnsupportedFormat => "The format is known but is not read by this version.",
            Self::NotEvidence => "A text file in a folder, taken for a note beside the evidence.",
            Self::Duplicate => "The same bytes were already read from another path.",
            Self::Truncated => "The file ends inside a record, block or chunk.",
            Self::Corrupt => "A header contradicts itself; the rest was not read.",
            Self::Skipped => "A damaged part was skipped; reading continued after it.",
            Self::Checksum => "A checksum is wrong; the content was read all the same.",
            Self::BadTime => "A time is missing, or is outside the range that can be represented.",
            Self::LocalTime => {
                "Times are of a local clock whose zone the file does not name; they are read as UTC."
            }
            Self::YearInferred => "Times name no year; it was taken from the rest of the evidence.",
            Self::Expansion => {
                "It unpacks to far more than evidence does; the part up to that point was read."
            }
            Self::FieldsMissing => {
                "Values of records could not be found in the text that an export gives instead."
            }
            Self::Changed => "The file changed while it was read.",
            Self::InternalError => {
                "The program failed on this file; the other files were read all the same."
            }
            Self::Joined => "Another capture begins inside the file; both parts were read.",
            Self::WrongLinktype => {
                "The frames have another link type than the file states; they were read by their actual type."
            }
            Self::Hidden => {
                "Bytes inside a record are not part of its own data, and records may be hidden among them."
            }
            Self::Headless => "Chunks of a log without a file header; they were read.",
            Self::SourceInferred => {
                "Records name an unknown source; their number and format identified the event."
            }
            Self::MalformedIke => {
                "An IKE message violates the format; the part before the fault was read."
            }
            Self::SummaryMissing => "The file was summarized, but its summary was not provided.",
            Self::SummarizedTwice => {
                "More than one of the summaries holds the file; it counts once."
            }
            Self::OtherVersion => {
                "One version of the program read the file, another version judges it."
            }
            Self::SamePath => {
                "Summaries hold another file with this path and other bytes; both count."
            }
            Self::SummaryDamaged => "A summary is damaged; nothing of what it held is judged.",
            Self::RecordDiffers => {
                "Two records of one log have the same number and time, and contradict each other; both count."
            }
            Self::NumbersTwice => {
                "Record numbers of a log occur more than once in the file; the same records count once."
            }
            Self::TimesGoBack => {
                "Times of a capture go back from one frame to the next; the order of the frames decides there."
            }
        }
    }

    /// Whether it means that some evidence was not read (exit status 3).
    #[must_use]
    pub const fn is_loss(self) -> bool {
        match self {
            Self::Unreadable
            | Self::Empty
            | Self::UnknownFormat
            | Self::UnsupportedFormat
            | Self::Truncated
            | Self::Corrupt
            | Self::Skipped
            | Self::Expansion
            | Self::FieldsMissing
            | Self::SummaryMissing
            | Self::SummaryDamaged
            | Self::Changed
            | Self::InternalError => true,
            Self::NotEvidence
            | Self::Duplicate
            | Self::Checksum
            | Self::BadTime
            | Self::LocalTime
            | Self::YearInferred
            | Self::SourceInferred
            | Self::MalformedIke
            | Self::SummarizedTwice
            | Self::OtherVersion
            | Self::SamePath
            | Self::Joined
            | Self::WrongLinktype
            | Self::Hidden
            | Self::TimesGoBack
            | Self::RecordDiffers
            | Self::NumbersTwice
            | Self::Headless => false,
        }
    }
}

/// The item of a file that a problem belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Position {
    /// The file as a whole.
    File,
    /// The frame with this number, from 1.
    Frame(u64),
    /// The record with this number.
    Record(u64),
}

/// What is wrong, with the values that were found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ProblemKind {
    /// Of a file of any format, or of its compression.
    File(FileProblem),
    /// Of a file that is not read for its format.
    Format(FormatProblem),
    /// Of an archive.
    Collection(CollectionProblem),
    /// Of a capture.
    Capture(CaptureProblem),
    /// Of an event trace.
    Trace(TraceProblem),
    /// Of IKE messages in a capture.
    Ike(IkeProblem),
    /// Of an event log.
    Log(LogProblem),
    /// Of the times of a log.
    LogTime(LogTimeProblem),
    /// Of an export of a log or of a host's state.
    Export(ExportProblem),
    /// Of summaries that are judged together.
    Summary(SummaryProblem),
}

impl ProblemKind {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::File(problem) => problem.code(),
            Self::Format(problem) => problem.code(),
            Self::Collection(problem) => problem.code(),
            Self::Capture(problem) => problem.code(),
            Self::Trace(problem) => problem.code(),
            Self::Ike(problem) => problem.code(),
            Self::Log(problem) => problem.code(),
            Self::LogTime(problem) => problem.code(),
            Self::Export(problem) => problem.code(),
            Self::Summary(problem) => problem.code(),
        }
    }
}

impl From<FileProblem> for ProblemKind {
    fn from(problem: FileProblem) -> Self {
        Self::File(problem)
    }
}

impl From<CollectionProblem> for ProblemKind {
    fn from(problem: CollectionProblem) -> Self {
        Self::Collection(problem)
    }
}

impl From<CaptureProblem> for ProblemKind {
    fn from(problem: CaptureProblem) -> Self {
        Self::Capture(problem)
    }
}

impl From<IkeProblem> for ProblemKind {
    fn from(problem: IkeProblem) -> Self {
        Self::Ike(problem)
    }
}

impl From<LogProblem> for ProblemKind {
    fn from(problem: LogProblem) -> Self {
        Self::Log(problem)
    }
}

impl From<SummaryProblem> for ProblemKind {
    fn from(problem: SummaryProblem) -> Self {
        Self::Summary(problem)
    }
}

impl From<FormatProblem> for ProblemKind {
    fn from(problem: FormatProblem) -> Self {
        Self::Format(problem)
    }
}

impl From<TraceProblem> for ProblemKind {
    fn from(problem: TraceProblem) -> Self {
        Self::Trace(problem)
    }
}

impl From<LogTimeProblem> for ProblemKind {
    fn from(problem: LogTimeProblem) -> Self {
        Self::LogTime(problem)
    }
}

impl From<ExportProblem> for ProblemKind {
    fn from(problem: ExportProblem) -> Self {
        Self::Export(problem)
    }
}

/// One defect of one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong. Its values may quote evidence, so its words are escaped on output.
    pub kind: ProblemKind,
    /// The offset in the file at which it begins; `None` where none applies.
    pub offset: Option<u64>,
    /// The frame or record it belongs to.
    pub position: Position,
}

impl Problem {
    /// A problem of the file as a whole.
    #[must_use]
    pub fn of_file(kind: impl Into<ProblemKind>, offset: Option<u64>) -> Self {
        Self { kind: kind.into(), offset, position: Position::File }
    }

    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        self.kind.code()
    }
}
