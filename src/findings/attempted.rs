//! What the evidence proves of a pair that only attempted IPsec.

use crate::catalogue::Reason;
use crate::correlate::ExplainedWindow;

/// What the evidence proves where IPsec was only attempted.
pub(super) fn attempt(windows: &[&ExplainedWindow]) -> String {
    let causes = || windows.iter().flat_map(|w| &w.causes).map(|cause| cause.reason);
    let how = if causes().any(is_silence) {
        " and unanswered"
    } else if causes().any(is_refusal) {
        " and refused"
    } else {
        ""
    };
    format!(
        "IPsec was attempted{how}; clear traffic followed. Nothing proves that protection was required."
    )
}

/// Reasons that mean that there was no answer.
const fn is_silence(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NoResponse | Reason::Timeout | Reason::PeerUnreachable | Reason::Udp500Blocked
    )
}

/// Reasons that mean that one side refused the other.
const fn is_refusal(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NoProposalChosen
            | Reason::AuthenticationFailed
            | Reason::PskMismatchSuspected
            | Reason::CertificateInvalid
            | Reason::KerberosFailed
            | Reason::InvalidKe
            | Reason::TsUnacceptable
            | Reason::ChildRefused
            | Reason::PolicyMismatch
    )
}
