//! The closed list of findings: code, meaning and general advice, one row a finding.
//!
//! What a finding says of particular evidence is its rule's business.

/// Which rule makes a finding. The spelling is a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingCode {
    /// Traffic that had to be protected travelled in clear.
    CleartextWindow,
    /// ESP carried readable data.
    ReadableEsp,
    /// Only AH protected the traffic.
    AuthenticationOnly,
    /// Clear text that nothing demands to be protected.
    NoExpectation,
    /// A rule of the policy met no packet.
    RuleWithoutTraffic,
    /// Negotiations failed and nothing passed in clear.
    FailedClosed,
    /// Negotiations failed beside protection that went on.
    IkeFailing,
    /// More negotiations than are told apart.
    NegotiationsUncounted,
    /// A host says that it dropped clear text that ought to have been protected.
    CleartextDropped,
    /// A host says that it dropped protected packets.
    ProtectedDropped,
    /// A service that IPsec needs went down.
    ServiceDown,
    /// A log was cleared.
    LogCleared,
    /// Auditing of IPsec was turned off.
    AuditingReduced,
    /// A log says itself that events are missing.
    EventsLost,
    /// A log skips record numbers.
    RecordGap,
    /// A log's clock was wrong by much.
    ClockWrong,
    /// A log's times could not be compared with the captures'.
    ClockUnknown,
    /// Evidence could not be read in full.
    EvidenceDamaged,
    /// The capturer lost frames.
    FramesLost,
    /// A capture shows packets again after decryption.
    DecryptedTwins,
    /// Negotiations of very many pairs failed.
    IkeFlood,
    /// Hosts agreed on an algorithm that is not to be used.
    WeakAlgorithmChosen,
    /// A host offers an algorithm that is not to be used.
    WeakAlgorithmOffered,
    /// Aggressive mode under a pre-shared key.
    AggressiveModePsk,
    /// IKEv1 is in use.
    Ikev1InUse,
    /// A capture shows packets more than once.
    DuplicatePackets,
    /// ESP packets are missing from a capture.
    EspGaps,
    /// Credentials passed in clear text.
    CredentialsInClear,
    /// A capture lost octets of TCP.
    TcpGaps,
    /// Packets were captured before their network card encrypted them.
    BeforeEncryption,
    /// A capture was taken through a filter.
    CaptureFiltered,
    /// A host's negotiations were not audited.
    AuditingOff,
    /// A host audits logons and, it seems, not negotiations.
    DisableIkeAuditsSuspected,
    /// Whether a host would have logged its negotiations is not known.
    AuditingUnknown,
    /// No log of a host reaches into the time of a window.
    LogNotCovering,
    /// The IPsec driver let everything through for a measured time.
    DriverBypassSpan,
    /// A host says that its policy let clear text through.
    CleartextPermitted,
    /// More than one computer claims an address.
    AddressAmbiguous,
    /// What the cleartext windows of two hosts have in common.
    LeakPattern,
    /// Somebody may have made the hosts fall back.
    ForcedFallbackSuspected,
    /// Something else travels as what is exempt.
    ExemptionAbuse,
    /// A clear tunnel carried only protected packets.
    TunnelAroundProtected,
    /// L2TP passed in clear between hosts without a sign of IPsec.
    L2tpWithoutIpsec,
    /// Another station began to use an IP address.
    OtherStation,
    /// Log and capture say different things of the same negotiation.
    LogContradictsCapture,
    /// A log file holds records that are no longer part of the log.
    RecoveredRecords,
    /// Records were hidden inside others.
    HiddenRecords,
    /// More pairs of hosts than are told apart.
    PairsFolded,
    /// Frames could not be looked into, or too much of a pair's traffic could not be judged.
    BlindSpot,
    /// Clear packets carry no usable time.
    FramesWithoutTime,
    /// A host sent IKE to many others without an answer.
    IkeScan,
    /// The span that was asked for holds no frame.
    SpanWithoutEvidence,
    /// Hosts that use IPsec with others talked in clear with each other.
    IpsecHostsInClear,
}

/// The words for one finding.
#[derive(Clone, Copy, Debug)]
pub struct FindingWords {
    /// The finding.
    pub code: FindingCode,
    /// Its code.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub what_to_do: &'static str,
}

impl FindingCode {
    /// The code as the report spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.words().name
    }

    /// What it means and what to do.
    #[must_use]
    pub fn words(self) -> &'static FindingWords {
        WORDS.iter().find(|row| row.code == self).unwrap_or(const { &WORDS[0] })
    }

    /// The words of every finding.
    #[must_use]
    pub const fn all() -> &'static [FindingWords] {
        WORDS
    }
}

const fn row(
    code: FindingCode,
    name: &'static str,
    meaning: &'static str,
    what_to_do: &'static str,
) -> FindingWords {
    FindingWords { code, name, meaning, what_to_do }
}

/// In the order of [`FindingCode`].
const WORDS: &[FindingWords] = &[
    row(
        FindingCode::CleartextWindow,
        "cleartext_window",
        "Two hosts that should have talked under IPsec talked in clear text.",
        "Treat what passed in the window as read by others; mend the cause, restart the IPsec service and capture again.",
    ),
    row(
        FindingCode::ReadableEsp,
        "readable_esp",
        "ESP packets carried readable data: NULL encryption, or wrapped ESP that says so. They are authenticated and not confidential.",
        "Take NULL encryption out of the proposals on both sides, unless the policy wants integrity only.",
    ),
    row(
        FindingCode::AuthenticationOnly,
        "authentication_only",
        "The traffic travelled under AH: authenticated and not confidential.",
        "Use ESP with encryption where the content is to stay secret.",
    ),
    row(
        FindingCode::NoExpectation,
        "no_expectation",
        "Hosts talked in clear text, and neither a policy nor the evidence says that they should not.",
        "Name what has to be protected with --protect A=B or a policy file, and analyze again.",
    ),
    row(
        FindingCode::RuleWithoutTraffic,
        "rule_without_traffic",
        "A rule demands protection between hosts of which the captures show no packet.",
        "Check the addresses in the rule, and whether the captures were taken where this traffic passes.",
    ),
    row(
        FindingCode::FailedClosed,
        "failed_closed",
        "Three negotiations or more failed over ten seconds or more, or a log has dropped packets, and no packet of the two hosts that has to be protected was seen in clear: the policy blocks what it cannot protect. Without logged drops it is `low`, because nothing may have been sent.",
        "Remove the cause of the failure; keep the policy as strict as it is.",
    ),
    row(
        FindingCode::IkeFailing,
        "ike_failing",
        "Negotiations failed while protected traffic of the same hosts went on.",
        "Mend the cause before the security associations in use run out.",
    ),
    row(
        FindingCode::NegotiationsUncounted,
        "negotiations_uncounted",
        "The captures show more negotiations than are kept apart; the rest was only counted.",
        "Analyze a shorter span with --from and --to.",
    ),
    row(
        FindingCode::CleartextDropped,
        "cleartext_dropped",
        "A host logged that clear text reached it which its policy wants protected. It dropped it; the sender sent it all the same.",
        "Look at the sender: its policy is missing, or its IPsec service is down.",
    ),
    row(
        FindingCode::ProtectedDropped,
        "protected_dropped",
        "A host logged that it dropped protected packets: they failed the integrity or replay check, or their security association was unknown.",
        "Look for a device that changes packets on the way, for packets out of order, and for a peer that kept an old security association.",
    ),
    row(
        FindingCode::ServiceDown,
        "service_down",
        "A service that IPsec needs stopped, failed or was disabled.",
        "Find out who stopped it, set it to start by itself, start it, and capture again.",
    ),
    row(
        FindingCode::LogCleared,
        "log_cleared",
        "An event log was cleared. What it held before is gone, so its silence proves nothing.",
        "Ask who cleared it and when, and look for copies: forwarded events, backups, shadow copies.",
    ),
    row(
        FindingCode::AuditingReduced,
        "auditing_reduced",
        "Auditing of IPsec events was turned off. From then on the log's silence proves nothing.",
        "Turn auditing of the IPsec subcategories back on with auditpol, for success and failure.",
    ),
    row(
        FindingCode::EventsLost,
        "events_lost",
        "A log says itself that events are missing or that recording stopped.",
        "Do not take the log's silence for proof; enlarge the log or forward its events.",
    ),
    row(
        FindingCode::RecordGap,
        "record_gap",
        "Record numbers are missing inside a log: records were removed, lost or damaged.",
        "Compare with the original log on the host, and ask how the export was made.",
    ),
    row(
        FindingCode::ClockWrong,
        "clock_wrong",
        "A host's clock was wrong by more than five minutes against the captures'. Certificates and Kerberos tickets may have seemed expired or not yet valid.",
        "Set the clock, and let it follow a time server.",
    ),
    row(
        FindingCode::ClockUnknown,
        "clock_unknown",
        "A log shares no negotiation with the captures, so how far its clock was off is not known; its events were not joined to windows by time.",
        "Add a capture that shows a negotiation of this host, or its Security log with IPsec auditing on.",
    ),
    row(
        FindingCode::EvidenceDamaged,
        "evidence_damaged",
        "Some evidence could not be read in full; what it held is not judged.",
        "Export or copy it again; where that cannot be done, sign only for what was read.",
    ),
    row(
        FindingCode::FramesLost,
        "frames_lost",
        "The capture says that its capturer lost frames. What they held is not judged.",
        "Capture again with a larger buffer, or on a faster machine.",
    ),
    row(
        FindingCode::DecryptedTwins,
        "decrypted_twins",
        "The capture shows packets inside ESP and in clear too: again after decryption, or before encryption on the inner side of a gateway. The clear sighting is no leak and opens no window.",
        "Nothing; where doubt remains, capture on the wire outside the host.",
    ),
    row(
        FindingCode::IkeFlood,
        "ike_flood",
        "Negotiations of more than fifty pairs of hosts failed without opening a window: a flood of requests, a scan, or one cause that all of them share.",
        "Look whether the addresses are real; if they are, look for what the hosts share: a gateway, a certificate authority, a policy.",
    ),
    row(
        FindingCode::WeakAlgorithmChosen,
        "weak_algorithm_chosen",
        "Two hosts agreed on an algorithm, for their IKE SA or, as a log says, for ESP, that NIST SP 800-77r1, RFC 8247, RFC 8221 or RFC 9395 no longer accept. The negotiation succeeds and can be broken.",
        "Take the algorithm out of the proposals on both sides; AES-GCM, SHA-2 and ECP-256, MODP-2048 or better are accepted everywhere.",
    ),
    row(
        FindingCode::WeakAlgorithmOffered,
        "weak_algorithm_offered",
        "A host offers an algorithm that is no longer accepted. It was not chosen here; a peer that knows nothing better, or somebody who pretends to be one, can have it chosen.",
        "Take the algorithm out of the host's proposals.",
    ),
    row(
        FindingCode::AggressiveModePsk,
        "aggressive_mode_psk",
        "Aggressive mode with a pre-shared key: whoever sees the two messages can try keys offline until the hash fits, and reads the identities in clear.",
        "Use main mode or IKEv2, and change the pre-shared key.",
    ),
    row(
        FindingCode::Ikev1InUse,
        "ikev1_in_use",
        "Hosts negotiate by IKEv1, which RFC 9395 has put aside.",
        "Plan the change to IKEv2.",
    ),
    row(
        FindingCode::DuplicatePackets,
        "duplicate_packets",
        "The capture shows nearly every packet of some hosts more than once: a mirror port that sees it at two ports, or a capture at several components of one host; or another capture shows the same packets. The copies are counted apart and are in no other sum.",
        "Nothing; where doubt remains, mirror one port or one direction only, and capture again.",
    ),
    row(
        FindingCode::EspGaps,
        "esp_gaps",
        "Sequence numbers of ESP are missing between others of the same SPI: the capture lost these packets, they took another way, or they were lost before they came to it.",
        "Do not count packets that are missing as protected or not; where much is missing, capture again with a larger buffer and where all ways pass.",
    ),
    row(
        FindingCode::CredentialsInClear,
        "credentials_in_clear",
        "Credentials, or answers at which passwords can be guessed, passed in clear text. The report says where they stand and never what they are.",
        "Change them, and treat what they guard as open since then; use the protocol's encrypted form.",
    ),
    row(
        FindingCode::TcpGaps,
        "tcp_gaps",
        "Octets of TCP were acknowledged by their receiver and are not in the capture: it lost packets, or they took another way.",
        "Do not take what is not there for protected or silent; capture again with a larger buffer and where all ways pass.",
    ),
    row(
        FindingCode::BeforeEncryption,
        "before_encryption",
        "The capture was taken on a host whose network card encrypts (IPsec offload): it shows what the host sends before the card has done so. That is no leak; whether the card did its work, this capture cannot show.",
        "Capture on the wire outside the host, or turn the offload off (Set-NetAdapterIPsecOffload, ethtool -K) and capture again.",
    ),
    row(
        FindingCode::CaptureFiltered,
        "capture_filtered",
        "The capture says that it was taken through a filter. What the filter left out is not there: that no clear text was captured proves nothing of it.",
        "Look whether the filter lets every packet between the hosts pass; where it does not, capture again without it.",
    ),
    row(
        FindingCode::AuditingOff,
        "auditing_off",
        "A host's negotiations were not audited, by a record of its log or because the captures show one that its log does not. The log's silence proves nothing.",
        "Turn auditing on before the next capture:",
    ),
    row(
        FindingCode::DisableIkeAuditsSuspected,
        "disable_ike_audits_suspected",
        "A host of Windows 2000 to Server 2003 audits logons, which the same setting governs, and its log holds no negotiation although the captures show some. The registry value DisableIKEAudits does that; changing it leaves no event.",
        "Look for the value, take it away, and restart the IPsec services:",
    ),
    row(
        FindingCode::AuditingUnknown,
        "auditing_unknown",
        "The log is not whole for the time, or nothing in it tells whether negotiations were audited. Its silence proves nothing.",
        "Make sure of it before the next capture:",
    ),
    row(
        FindingCode::LogNotCovering,
        "log_not_covering",
        "The evidence holds logs, and none of this host reaches into the time of a cleartext window.",
        "Export the host's Security log for that time, look for archived ones, and name the host's addresses in the policy's [hosts] where they are not known.",
    ),
    row(
        FindingCode::DriverBypassSpan,
        "driver_bypass_span",
        "The IPsec driver of Windows Server 2003 says that it let everything through from one record to another: at a start, until the IPsec services run. It was allowed; whether anything passed only a capture shows.",
        "Let a persistent policy protect the start: netsh ipsec dynamic set config property=bootmode value=block, with exemptions for what a start needs.",
    ),
    row(
        FindingCode::CleartextPermitted,
        "cleartext_permitted",
        "A host logged a security association without algorithms: its policy let traffic with the peer pass in clear.",
        "Take the fallback to unsecured communication out of the filter action.",
    ),
    row(
        FindingCode::AddressAmbiguous,
        "address_ambiguous",
        "Logs of more than one computer name the same address as their own, so its traffic cannot be tied to one of them.",
        "Name each computer's addresses in the policy's [hosts], and analyze the logs of computers that do not belong here apart.",
    ),
    row(
        FindingCode::LeakPattern,
        "leak_pattern",
        "What the cleartext windows of two hosts have in common; the title says what. Told only where all clear text of the two owes protection. They begin within 10 s of the beginning of a negotiation that failed; or before the first negotiation, which begins more than 10 s later; or they were opened by a deletion or a stopped service, and a negotiation completes between 10 s before their end and 60 s after it; all are gaps between rekeys (two windows at least); one service alone passes in clear while protected traffic of the two passes; in all of them only one host sends in clear, and the other one sends protected meanwhile; or other addresses of the same two hosts, of the other version of IP, are protected.",
        "Look at the windows together: what they share shows what to mend; where hosts fall back, require security instead of requesting it.",
    ),
    row(
        FindingCode::ForcedFallbackSuspected,
        "forced_fallback_suspected",
        "Less than a minute before a cleartext window, or in it, something was seen that a third one can do to make hosts fall back, and a fault can do too: ICMP errors quote a negotiation before it completed, of which no message had to be sent again; or one of the two called in vain while the other one's call was answered, sent again all the same, and failed; or 50 hosts and more began negotiations with one of the two within a minute of which none was answered.",
        "Require security instead of requesting it, so that nobody can force clear text; look who sent the errors or the flood, and what filters lie between.",
    ),
    row(
        FindingCode::ExemptionAbuse,
        "exemption_abuse",
        "Something else travels as what is exempt from protection: from UDP port 88 what is no message of Kerberos, or a TCP connection opened from port 88; from UDP port 500 what is no IKE; or 32 and more ICMP echo messages with more than 1024 octets of data. Packets that the capture cut are not judged.",
        "Find the program that sends it. Take the exemption of Kerberos away (Windows 2000 to Server 2003), and limit ICMP to what is needed.",
    ),
    row(
        FindingCode::TunnelAroundProtected,
        "tunnel_around_protected",
        "A tunnel between two hosts that should have talked under IPsec passed in clear, and carried only packets that are protected themselves: its headers could be read, and no payload.",
        "Nothing, unless the tunnel itself has to be protected: a rule that names its protocol says so.",
    ),
    row(
        FindingCode::L2tpWithoutIpsec,
        "l2tp_without_ipsec",
        "L2TP, which by itself neither encrypts nor authenticates packets, passed in clear, and neither a policy nor the evidence shows IPsec between its two hosts. That is a question and no leak: it may have been set up so.",
        "Ask whether the tunnel had to be protected. On Windows look for the value ProhibitIpSec: reg query HKLM\\SYSTEM\\CurrentControlSet\\Services\\RasMan\\Parameters /v ProhibitIpSec (1 means L2TP without IPsec). Where it had to be, analyze again with --protect A=B.",
    ),
    row(
        FindingCode::OtherStation,
        "other_station",
        "An IP address was sent from one link-layer address and later from another: another computer may have it now (DHCP), or the card was changed. What a log says of the first host does not hold for the second.",
        "Find out from the DHCP server's log or the switch which computer had the address when, and get the logs of both.",
    ),
    row(
        FindingCode::LogContradictsCapture,
        "log_contradicts_capture",
        "A log's record of a failed negotiation and the captured negotiation under the same cookie or message ID disagree: the one says that it failed for another reason, or the other shows that it succeeded.",
        "Compare the record with the negotiation message by message; one of the two is not what it seems.",
    ),
    row(
        FindingCode::RecoveredRecords,
        "recovered_records",
        "A log file holds records that are no longer part of the log: remnants that were not overwritten. They prove that the event was written once.",
        "Look at them by hand; where a log was cleared, they may be what is left.",
    ),
    row(
        FindingCode::HiddenRecords,
        "hidden_records",
        "A log file holds records inside others: the record before was enlarged to span them, so that readers that go by sizes pass them over. No program of Windows writes a log so.",
        "Take the log for altered. Compare it with other copies: shadow copies, archives, what a collector gathered; and look for who could write to the file.",
    ),
    row(
        FindingCode::PairsFolded,
        "pairs_folded",
        "The captures show more pairs of hosts than are told apart: a scan or a flood from made-up addresses, or a very large network. Those with the fewest packets stand in one sum and were not judged.",
        "Allow more with --max-pairs (some four kilobytes of memory each), or analyze a shorter span with --from and --to.",
    ),
    row(
        FindingCode::BlindSpot,
        "blind_spot",
        "Frames could not be decoded, or too much of a pair's traffic was cut, missing or without proof. Traffic that had to be protected may be hidden there.",
        "Capture again at a place and in a form that can be decoded, with whole packets; look at the frames named here by hand.",
    ),
    row(
        FindingCode::FramesWithoutTime,
        "frames_without_time",
        "Clear packets that had to be protected carry a time of zero, or one that lies more than ten years from the rest of the capture. They are counted and are in no window.",
        "Look at the frames by their numbers; find out which tool wrote the capture and what happened to its times.",
    ),
    row(
        FindingCode::IkeScan,
        "ike_scan",
        "A host sent IKE to ten or more others and none of them answered. Nothing is concluded from its attempts.",
        "Find out whether the host scans the network, or whether its policy asks for IPsec where no other host knows it.",
    ),
    row(
        FindingCode::SpanWithoutEvidence,
        "span_without_evidence",
        "The captures hold frames, and none of them lies between --from and --to. Nothing was judged.",
        "Check the span, its time zone above all: times are UTC where they do not say another.",
    ),
    row(
        FindingCode::IpsecHostsInClear,
        "ipsec_hosts_in_clear",
        "Two hosts each use IPsec with other hosts and talked in clear with each other. Nothing says that they should not: it is a question, not a leak.",
        "Ask whether a policy covers the two; name them with --protect A=B and analyze again where it does.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_row() {
        for row in WORDS {
            assert_eq!(row.code.words().name, row.name);
        }
        let mut names: Vec<_> = WORDS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), WORDS.len());
        assert_eq!(WORDS.last().map(|row| row.code), Some(FindingCode::IpsecHostsInClear));
    }
}
