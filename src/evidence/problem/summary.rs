//! What can be wrong with summaries that are judged together.

use super::ProblemCode;
use crate::evidence::EvidenceId;
use serde::{Deserialize, Serialize};

/// What is wrong with the summary of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SummaryProblem {
    /// The file was summarized with others, and its summary was not given.
    NotGiven,
    /// A list of what has to be there names the file, and no summary holds it.
    OnlyListed,
    /// The summary cannot be read; why.
    Unreadable(String),
    /// The part of the file cannot be read; why.
    PartUnreadable(String),
    /// This many summaries hold the file.
    HeldBy(u64),
    /// Another version of the program read the file.
    OtherVersion {
        /// The version that read it.
        read: String,
        /// The version that judges it.
        judges: String,
    },
    /// Files with other bytes have the same path.
    SamePath {
        /// The first of them.
        first: Vec<EvidenceId>,
        /// How many more there are.
        more: u64,
    },
}

impl SummaryProblem {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::NotGiven | Self::OnlyListed => ProblemCode::SummaryMissing,
            Self::Unreadable(_) | Self::PartUnreadable(_) => ProblemCode::SummaryDamaged,
            Self::HeldBy(_) => ProblemCode::SummarizedTwice,
            Self::OtherVersion { .. } => ProblemCode::OtherVersion,
            Self::SamePath { .. } => ProblemCode::SamePath,
        }
    }
}
