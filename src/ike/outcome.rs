//! The words in which the end of a negotiation is reported. The rules are in docs/ike-outcomes.md.

use crate::catalogue::{Confidence, Reason};
use crate::evidence::FrameRef;
use crate::time::Timestamp;
use std::net::IpAddr;

/// The outcome of a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Security associations were created and their end was not seen.
    Established,
    /// They were created and deleted within the capture.
    Ended,
    /// The peer never answered, or stopped answering.
    NoResponse,
    /// The peer accepted none of the proposals.
    NoProposalChosen,
    /// The form of the exchange indicates a refused authentication.
    AuthenticationSuspected,
    /// Another failure, shown by a notify message or by the form of the exchange.
    Failed,
    /// The capture does not show enough to decide.
    Incomplete,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 7] = [
        Self::Established,
        Self::Ended,
        Self::NoResponse,
        Self::NoProposalChosen,
        Self::AuthenticationSuspected,
        Self::Failed,
        Self::Incomplete,
    ];

    /// The outcome as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Ended => "ended",
            Self::NoResponse => "no_response",
            Self::NoProposalChosen => "no_proposal_chosen",
            Self::AuthenticationSuspected => "authentication_suspected",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
        }
    }

    /// What it means, in a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Established => {
                "The security associations were established, and nothing in the capture shows their end."
            }
            Self::Ended => {
                "The security associations were established and later deleted or replaced."
            }
            Self::NoResponse => "A request was never answered, although the capture continued.",
            Self::NoProposalChosen => "The peer accepted none of the sets of algorithms.",
            Self::AuthenticationSuspected => {
                "Size, direction and order of the encrypted messages show that authentication was refused."
            }
            Self::Failed => "A notify message, or the form of the exchange, shows that it failed.",
            Self::Incomplete => "The capture shows too little to determine how it ended.",
        }
    }

    /// Whether the negotiation failed.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        match self {
            Self::NoResponse
            | Self::NoProposalChosen
            | Self::AuthenticationSuspected
            | Self::Failed => true,
            Self::Established | Self::Ended | Self::Incomplete => false,
        }
    }
}

/// The conclusion that the rules of one version draw from the messages.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Reason>,
    /// How far it came.
    pub(super) state: &'static str,
    /// Whether it rests on sizes, directions and order, not on readable content or on what followed.
    pub(super) inferred: bool,
    pub(super) confidence: Confidence,
    /// The few frames that show it.
    pub(super) frames: Vec<FrameRef>,
    /// The sender and time of the message that ended established security associations.
    pub(super) deleted: Option<(IpAddr, Timestamp)>,
}

impl Verdict {
    /// Shown in clear, or proven by what follows.
    pub(super) fn proven(
        outcome: Outcome,
        reason: impl Into<Option<Reason>>,
        state: &'static str,
        frames: Vec<FrameRef>,
    ) -> Self {
        let (reason, confidence) = (reason.into(), Confidence::High);
        Self { outcome, reason, state, inferred: false, confidence, frames, deleted: None }
    }

    /// Indicated by sizes, directions and order.
    pub(super) fn inferred(
        outcome: Outcome,
        reason: impl Into<Option<Reason>>,
        state: &'static str,
        frames: Vec<FrameRef>,
    ) -> Self {
        let (reason, confidence) = (reason.into(), Confidence::Medium);
        Self { outcome, reason, state, inferred: true, confidence, frames, deleted: None }
    }

    /// The end is unknown.
    pub(super) fn incomplete(state: &'static str, frames: Vec<FrameRef>) -> Self {
        Self::proven(Outcome::Incomplete, None, state, frames)
    }

    pub(super) fn with(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }
}

/// The state of a negotiation of which the capture shows one side only.
pub(super) const ONE_WAY: &str = "only one direction is in the capture";
