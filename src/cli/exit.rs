//! Exit statuses, and which one a run ends with.

use crate::analysis::Analysis;
use crate::evidence::{Content, Evidence, ProblemCode};
use crate::findings::Severity;
use std::process::{ExitCode, Termination};

/// The exit statuses; their numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done, all evidence was read in full.
    Done,
    /// Done, and a finding has the severity of `--fail-on` or a higher one.
    SeverityReached,
    /// The arguments or the policy cannot be understood, or there is no place for the report.
    Usage,
    /// Done, but some evidence could not be read in part or whole; `verify` could not check everything.
    EvidenceLost,
    /// Nothing could be used.
    NoEvidence,
    /// `verify` found a difference.
    Differs,
    /// Done, but an internal error ended the reading of a file.
    InternalError,
    /// The report or a summary could not be written.
    Unwritten,
    /// Ended by the user; nothing was written.
    Interrupted,
}

impl ExitStatus {
    /// The status as a number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SeverityReached => 1,
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

/// The exit status of an analysis; `limit` is `--fail-on`.
pub(super) fn status_of_analysis(analysis: &Analysis, limit: Option<Severity>) -> ExitStatus {
    let is_reached =
        limit.is_some_and(|limit| analysis.findings.iter().any(|f| f.severity >= limit));
    match (status_of_evidence(analysis.evidence.iter()), is_reached) {
        (ExitStatus::Done | ExitStatus::EvidenceLost, true) => ExitStatus::SeverityReached,
        (status, _) => status,
    }
}

/// The exit status of reading evidence.
pub(super) fn status_of_evidence<'e>(
    evidence: impl Iterator<Item = &'e Evidence> + Clone,
) -> ExitStatus {
    let usable = evidence.clone().any(|file| match file.content {
        Content::Capture { .. } | Content::Log { .. } => file.records > 0,
        Content::Nothing => false,
    });
    let has = |is_one: fn(ProblemCode) -> bool| {
        evidence.clone().flat_map(|file| &file.problems).any(|p| is_one(p.code()))
    };
    if has(|code| code == ProblemCode::InternalError) {
        return ExitStatus::InternalError;
    }
    match (usable, has(ProblemCode::is_loss)) {
        (false, _) => ExitStatus::NoEvidence,
        (true, true) => ExitStatus::EvidenceLost,
        (true, false) => ExitStatus::Done,
    }
}
