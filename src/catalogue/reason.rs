//! The one closed list of why IKE fails and why traffic leaves unprotected.

use serde::{Deserialize, Serialize};

/// Why an IKE negotiation failed, or what let a cleartext window's traffic out.
///
/// The spelling of [`Reason::as_str`] is a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The peer never answered.
    NoResponse,
    /// The peer accepted none of the proposals.
    NoProposalChosen,
    /// The peer's or our own authentication was refused.
    AuthenticationFailed,
    /// The form of the failure fits two different pre-shared keys.
    PskMismatchSuspected,
    /// A certificate was missing, expired, revoked or not trusted.
    CertificateInvalid,
    /// Kerberos authentication failed.
    KerberosFailed,
    /// The traffic selectors were refused.
    TsUnacceptable,
    /// The key exchange data or group was refused.
    InvalidKe,
    /// The two policies are incompatible.
    PolicyMismatch,
    /// The peer deleted the security association.
    PeerDeleted,
    /// The IKE or IPsec service was stopped.
    ServiceStopped,
    /// The negotiation timed out.
    Timeout,
    /// A protection against floods refused or delayed the negotiation.
    DosProtection,
    /// Packets failed their integrity check.
    IntegrityFailed,
    /// Packets failed their replay check.
    Replay,
    /// The peer refused a child or quick-mode security association; why is encrypted.
    ChildRefused,
    /// Nothing listens on the peer's IKE port.
    NothingListens,
    /// Another failure, described in words.
    Other,
    /// Nobody tried to negotiate.
    NoIkeAttempted,
    /// The IPsec driver let all traffic through.
    DriverBypass,
    /// The policy was removed or changed.
    PolicyChanged,
    /// The peer could not be reached.
    PeerUnreachable,
    /// UDP 500 was blocked in transit.
    Udp500Blocked,
    /// The policy allows clear text when negotiation fails.
    FallbackToClear,
    /// One security association ended before the next began.
    RekeyGap,
    /// The security association was deleted and none followed.
    SaDeleted,
    /// The policy exempts this traffic.
    ExemptByPolicy,
    /// The hosts' filters do not cover this traffic.
    FilterNotCovering,
    /// Another address family or path goes past the policy.
    AlternatePath,
    /// The security association expired while no traffic used it.
    SaExpiredIdle,
    /// Authenticated firewall mode: IPsec authenticates a connection and does not encapsulate it.
    AuthWithoutEncapsulation,
    /// The evidence does not show it.
    Unknown,
}

impl Reason {
    /// Every reason, in order.
    pub const ALL: [Self; 32] = [
        Self::NoResponse,
        Self::NoProposalChosen,
        Self::AuthenticationFailed,
        Self::PskMismatchSuspected,
        Self::CertificateInvalid,
        Self::KerberosFailed,
        Self::TsUnacceptable,
        Self::InvalidKe,
        Self::PolicyMismatch,
        Self::PeerDeleted,
        Self::ServiceStopped,
        Self::Timeout,
        Self::DosProtection,
        Self::IntegrityFailed,
        Self::Replay,
        Self::ChildRefused,
        Self::NothingListens,
        Self::Other,
        Self::NoIkeAttempted,
        Self::DriverBypass,
        Self::PolicyChanged,
        Self::PeerUnreachable,
        Self::Udp500Blocked,
        Self::FallbackToClear,
        Self::RekeyGap,
        Self::SaDeleted,
        Self::ExemptByPolicy,
        Self::FilterNotCovering,
        Self::AlternatePath,
        Self::SaExpiredIdle,
        Self::AuthWithoutEncapsulation,
        Self::Unknown,
    ];

    /// The reason as report, CSV and docs spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoResponse => "no_response",
            Self::NoProposalChosen => "no_proposal_chosen",
            Self::AuthenticationFailed => "authentication_failed",
            Self::PskMismatchSuspected => "psk_mismatch_suspected",
            Self::CertificateInvalid => "certificate_invalid",
            Self::KerberosFailed => "kerberos_failed",
            Self::TsUnacceptable => "ts_unacceptable",
            Self::InvalidKe => "invalid_ke",
            Self::PolicyMismatch => "policy_mismatch",
            Self::PeerDeleted => "peer_deleted",
            Self::ServiceStopped => "service_stopped",
            Self::Timeout => "timeout",
            Self::DosProtection => "dos_protection",
            Self::IntegrityFailed => "integrity_failed",
            Self::Replay => "replay",
            Self::ChildRefused => "child_refused",
            Self::NothingListens => "nothing_listens",
            Self::Other => "other",
            Self::NoIkeAttempted => "no_ike_attempted",
            Self::DriverBypass => "driver_bypass",
            Self::PolicyChanged => "policy_changed",
            Self::PeerUnreachable => "peer_unreachable",
            Self::Udp500Blocked => "udp_500_blocked",
            Self::FallbackToClear => "fallback_to_clear",
            Self::RekeyGap => "rekey_gap",
            Self::SaDeleted => "sa_deleted",
            Self::ExemptByPolicy => "exempt_by_policy",
            Self::FilterNotCovering => "filter_not_covering",
            Self::AlternatePath => "alternate_path",
            Self::SaExpiredIdle => "sa_expired_idle",
            Self::AuthWithoutEncapsulation => "auth_without_encapsulation",
            Self::Unknown => "unknown",
        }
    }
}

impl Reason {
    /// Whether two reasons cannot both be true of one failed negotiation, whichever host gives them.
    #[must_use]
    pub fn contradicts(self, other: Self) -> bool {
        let (one, other) = (family(self), family(other));
        one != other && one != Family::Other && other != Family::Other
    }
}

/// Reasons that two hosts may give for the same failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Credentials,
    Proposals,
    Silence,
    Other,
}

const fn family(reason: Reason) -> Family {
    match reason {
        Reason::AuthenticationFailed
        | Reason::PskMismatchSuspected
        | Reason::CertificateInvalid
        | Reason::KerberosFailed => Family::Credentials,
        Reason::NoProposalChosen
        | Reason::TsUnacceptable
        | Reason::InvalidKe
        | Reason::ChildRefused
        | Reason::PolicyMismatch => Family::Proposals,
        Reason::NoResponse
        | Reason::NothingListens
        | Reason::PeerUnreachable
        | Reason::Udp500Blocked => Family::Silence,
        // A host runs out of time for any reason.
        Reason::Timeout
        | Reason::PeerDeleted
        | Reason::ServiceStopped
        | Reason::DosProtection
        | Reason::IntegrityFailed
        | Reason::Replay
        | Reason::Other
        | Reason::NoIkeAttempted
        | Reason::DriverBypass
        | Reason::PolicyChanged
        | Reason::FallbackToClear
        | Reason::RekeyGap
        | Reason::SaDeleted
        | Reason::SaExpiredIdle
        | Reason::ExemptByPolicy
        | Reason::FilterNotCovering
        | Reason::AlternatePath
        | Reason::AuthWithoutEncapsulation
        | Reason::Unknown => Family::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_hosts_may_say_of_one_failure_is_no_contradiction() {
        assert!(!Reason::PskMismatchSuspected.contradicts(Reason::AuthenticationFailed));
        assert!(Reason::NoProposalChosen.contradicts(Reason::CertificateInvalid));
        assert!(!Reason::Timeout.contradicts(Reason::NoProposalChosen));
    }
}
