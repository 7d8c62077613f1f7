//! How a run ended, as the shell sees it.

use std::process::{ExitCode, Termination};

/// The exit statuses; their numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done, all evidence was read in full.
    Done,
    /// Done, and a finding is as severe as `--fail-on` says.
    FindingStands,
    /// The arguments or the policy cannot be understood, or there is no place for the report.
    Usage,
    /// Done, but some evidence could not be read in part or whole; `verify` could not check everything.
    EvidenceLost,
    /// Nothing could be used.
    NoEvidence,
    /// `verify` found a difference.
    Differs,
    /// Done, but a fault of plainsight ended the reading of a file.
    InternalError,
    /// The report or a summary could not be written.
    Unwritten,
    /// Ended by the user; nothing was written.
    Interrupted,
}

impl ExitStatus {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::FindingStands => 1,
            Self::Usage => 2,
            Self::EvidenceLost => 3,
            Self::NoEvidence => 4,
            Self::Differs => 5,
            Self::InternalError => 6,
            Self::Unwritten => 7,
            Self::Interrupted => 130,
        }
    }
}

impl Termination for ExitStatus {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
