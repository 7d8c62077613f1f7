//! What each reason means, why it comes about and what helps, in plain words.
//!
//! General advice for one reason; which evidence supports it is for the findings to say.

use super::Reason;

/// The words for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The reason these words are for.
    pub reason: Reason,
    /// What it means.
    pub meaning: &'static str,
    /// Why it usually happens.
    pub why: &'static str,
    /// What resolves it, or shows more.
    pub what_to_do: &'static str,
}

impl Reason {
    /// What the reason means, why it comes about and what helps.
    #[must_use]
    pub fn advice(self) -> &'static Advice {
        ADVICE.iter().find(|row| row.reason == self).unwrap_or(const { &UNKNOWN })
    }
}

const fn row(
    reason: Reason,
    meaning: &'static str,
    why: &'static str,
    what_to_do: &'static str,
) -> Advice {
    Advice { reason, meaning, why, what_to_do }
}

const UNKNOWN: Advice = row(
    Reason::Unknown,
    "The evidence does not show why.",
    "The logs that would show it are missing, were not recording, or cover another time.",
    "Turn on auditing of the IPsec subcategories on both hosts, capture again and compare.",
);

/// In the order of [`Reason`].
static ADVICE: &[Advice] = &[
    row(
        Reason::NoResponse,
        "The peer never answered the negotiation.",
        "The peer is down, its IKE service is not running, or something between the two drops UDP 500 or 4500.",
        "Check that the peer is up and its IKE service is running, then that UDP 500 and 4500 pass in both directions.",
    ),
    row(
        Reason::NoProposalChosen,
        "The two sides have no set of algorithms in common.",
        "Encryption, integrity, key exchange group or lifetime differ between the two policies.",
        "Compare the proposals in the capture with the other side's policy and configure a common set on both sides.",
    ),
    row(
        Reason::AuthenticationFailed,
        "One side could not prove its identity.",
        "The pre-shared keys differ, the authentication methods differ, or the credentials are not accepted.",
        "Compare authentication method and credentials on both sides; if the key is pre-shared, set it again on both.",
    ),
    row(
        Reason::PskMismatchSuspected,
        "The negotiation stopped at the point where mismatched pre-shared keys, or an identity that the peer rejects, stop it.",
        "A key was changed on one side only, was mistyped, or belongs to another peer or identity.",
        "Compare pre-shared key and identity on both sides, set the key on both, and negotiate again.",
    ),
    row(
        Reason::CertificateInvalid,
        "A certificate was missing, expired, revoked or not trusted.",
        "It expired, the peer does not trust its issuer, its revocation list is unreachable, or a clock is wrong.",
        "Check validity, chain, key usage and revocation of both machine certificates, and the clocks of both hosts.",
    ),
    row(
        Reason::KerberosFailed,
        "Kerberos could not authenticate one side.",
        "No domain controller was reachable, the computer account is broken, or the clocks differ by more than five minutes.",
        "Check that a domain controller is reachable, then the secure channel of both computers and their clocks.",
    ),
    row(
        Reason::TsUnacceptable,
        "The peer refused the addresses, ports or protocols to be protected.",
        "The filters of the two sides do not mirror each other.",
        "Make the filters of the two sides mirror each other.",
    ),
    row(
        Reason::InvalidKe,
        "The key exchange data or its group was refused.",
        "The two sides prefer different Diffie-Hellman groups and did not agree on one.",
        "Allow a common Diffie-Hellman group on both sides.",
    ),
    row(
        Reason::PolicyMismatch,
        "The two policies are incompatible.",
        "One side has no policy for the other, or requires something the other does not offer.",
        "Check that both hosts have the policy assigned and that its rules name each other.",
    ),
    row(
        Reason::PeerDeleted,
        "The peer ended the security association.",
        "Its lifetime expired, its service was restarted, or somebody deleted it there.",
        "Read the peer's log for the same time.",
    ),
    row(
        Reason::ServiceStopped,
        "A service that IPsec needs was not running.",
        "It was stopped, was disabled, failed, or a service it depends on did.",
        "Start the service and set it to start automatically (on a server with RRAS and L2TP the Policy Agent first, then RemoteAccess, or the L2TP policy is lost), and find out who stopped it.",
    ),
    row(
        Reason::Timeout,
        "The negotiation timed out.",
        "Messages were lost in transit, the peer was overloaded, or it stopped answering part-way.",
        "Find out from the captures of both sides which message did not arrive; check firewalls and dropped fragments.",
    ),
    row(
        Reason::DosProtection,
        "A protection against floods refused or delayed the negotiation.",
        "Many half-open negotiations came at once, or a limit is set too low.",
        "Find out who floods the responder; raise the limit if the load is legitimate.",
    ),
    row(
        Reason::IntegrityFailed,
        "Protected packets failed their integrity check.",
        "They were altered in transit, often by a device that rewrites addresses, or the two sides hold different keys.",
        "Look for address translation or faulty hardware between the two; restart the negotiation.",
    ),
    row(
        Reason::Replay,
        "Protected packets failed their replay check.",
        "Packets arrived twice or far out of order, or somebody replayed recorded ones.",
        "Look for duplicate packets in the capture and for links that reorder; treat the rest as an attack.",
    ),
    row(
        Reason::ChildRefused,
        "The peer accepted the negotiation but refused the security association for the traffic; its reason is encrypted.",
        "The algorithms, filters or encapsulation mode for the traffic differ between the two policies.",
        "Compare the quick-mode or child SA settings of both sides: algorithms, perfect forward secrecy group, addresses, ports, protocol, tunnel or transport. The peer's log names the reason.",
    ),
    row(
        Reason::NothingListens,
        "Nothing listens on the peer's IKE port.",
        "The peer's IKE service is not running or not installed, or another host uses the address. The ICMP error that reports this can be forged.",
        "Save the peer's event logs, then check whether its IKE service is installed and running and whether the address still belongs to the peer.",
    ),
    row(
        Reason::Other,
        "The negotiation failed in another way.",
        "The record or notify message gives the reason in its own words.",
        "Read those words and the peer's log for the same time.",
    ),
    row(
        Reason::NoIkeAttempted,
        "Nobody tried to negotiate.",
        "No policy covers this traffic on either host, or the IPsec service is not running.",
        "Check on both hosts that a policy is assigned and the services run.",
    ),
    row(
        Reason::DriverBypass,
        "The IPsec driver let all traffic through.",
        "The system was starting, or the service that gives the driver its policy was not running.",
        "Make sure that the IPsec services start automatically and that the driver does not start in bypass mode.",
    ),
    row(
        Reason::PolicyChanged,
        "The policy was changed or removed.",
        "Somebody edited, unassigned or replaced it, or a group policy did.",
        "Find out who changed it and when, and restore the intended policy.",
    ),
    row(
        Reason::PeerUnreachable,
        "The peer could not be reached.",
        "It was down, or there was no route to it.",
        "Check that the peer is up and the route exists in both directions.",
    ),
    row(
        Reason::Udp500Blocked,
        "UDP 500 was blocked in transit.",
        "A firewall on a host or between them drops or rejects it.",
        "Let UDP 500 and 4500 pass in both directions.",
    ),
    row(
        Reason::FallbackToClear,
        "The policy allows clear text when negotiation fails.",
        "The filter action permits unsecured communication with hosts that do not negotiate.",
        "Forbid the fallback in the filter action once both sides negotiate.",
    ),
    row(
        Reason::RekeyGap,
        "One security association ended before the next one began.",
        "The lifetimes of the two sides differ, or the rekey was late or failed.",
        "Configure the same lifetimes on both sides and check the log for the failed rekey.",
    ),
    row(
        Reason::SaDeleted,
        "The security association was deleted and none followed.",
        "It expired, or somebody deleted it by hand.",
        "Find out who deleted it, and why the next packet did not start a new negotiation.",
    ),
    row(
        Reason::ExemptByPolicy,
        "The policy lets this traffic through unprotected.",
        "An exemption names it, or the system exempts it by default.",
        "Remove the exemption if this traffic must be protected.",
    ),
    row(
        Reason::FilterNotCovering,
        "The filters on the host do not cover this traffic.",
        "A rule is missing or too narrow, or could not be applied.",
        "Widen the rule to the addresses, ports and protocols concerned, on both hosts.",
    ),
    row(
        Reason::AlternatePath,
        "The traffic bypassed the policy by another path.",
        "The hosts have another address family, interface or address that no rule names.",
        "Cover every address of both hosts, including IPv6, or remove the other path.",
    ),
    row(
        Reason::SaExpiredIdle,
        "The security association expired because no traffic used it.",
        "Windows deletes a quick-mode security association after 300 seconds without traffic; other systems have timers of their own.",
        "Find out why the traffic that resumed did not start a new negotiation, and whether the policy permits clear text. A longer idle time only hides this.",
    ),
    row(
        Reason::AuthWithoutEncapsulation,
        "IPsec authenticated the connection and let its packets pass in clear.",
        "A connection security rule of Windows 7 or later uses null encapsulation (authenticated firewall mode). That may be the intended policy.",
        "Check whether the rule is meant to authenticate only. If it must protect the traffic, choose a quick-mode set with integrity or encryption.",
    ),
    UNKNOWN,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words_and_they_stand_in_order() {
        for (at, row) in ADVICE.iter().enumerate() {
            assert_eq!(row.reason as usize, at, "{}", row.reason.as_str());
            assert_eq!(row.reason.advice(), row);
        }
        assert_eq!(ADVICE.len(), Reason::Unknown as usize + 1);
    }
}
