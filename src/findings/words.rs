//! The words of every finding: its code as the report spells it, its meaning and general advice, one row a
//! finding.

use super::FindingCode;

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
        "Two hosts that should have used IPsec exchanged clear text.",
        "Treat the traffic in the window as disclosed. Fix the cause, restart the IPsec service and capture again.",
    ),
    row(
        FindingCode::ReadableEsp,
        "readable_esp",
        "ESP packets carried readable data: NULL encryption, or wrapped ESP marked as unencrypted. They are authenticated but not confidential.",
        "Remove NULL encryption from the proposals on both sides, unless the policy requires integrity only.",
    ),
    row(
        FindingCode::AuthenticationOnly,
        "authentication_only",
        "The traffic used AH: it is authenticated but not confidential.",
        "Use ESP with encryption where the content must stay confidential.",
    ),
    row(
        FindingCode::NoExpectation,
        "no_expectation",
        "Hosts exchanged clear text, and neither a policy nor the evidence requires protection for them.",
        "Name the traffic that must be protected, with --protect A=B or a policy file, and analyze again.",
    ),
    row(
        FindingCode::RuleWithoutTraffic,
        "rule_without_traffic",
        "A rule requires protection between hosts for which the captures show no packet.",
        "Check the addresses in the rule, and whether the captures were taken where this traffic passes.",
    ),
    row(
        FindingCode::FailedClosed,
        "failed_closed",
        "At least three negotiations failed over ten seconds or more, or a log records dropped packets, and no traffic of the two hosts that must be protected was seen in clear: the policy blocks what it cannot protect. Without logged drops the severity is `low`, because perhaps nothing was sent.",
        "Remove the cause of the failure; keep the policy as strict as it is.",
    ),
    row(
        FindingCode::IkeFailing,
        "ike_failing",
        "Negotiations failed outside any cleartext window: protected traffic of the same hosts went on, or nothing shows that traffic was held back.",
        "Fix the cause before the current security associations expire.",
    ),
    row(
        FindingCode::NegotiationsUncounted,
        "negotiations_uncounted",
        "The captures show more negotiations than the limit; the rest were only counted.",
        "Analyze a shorter span with --from and --to.",
    ),
    row(
        FindingCode::CleartextDropped,
        "cleartext_dropped",
        "A host logged incoming clear text that its policy requires to be protected. The host dropped it, but the peer did send it.",
        "Check the sender: its policy is missing, or its IPsec service is down.",
    ),
    row(
        FindingCode::ProtectedDropped,
        "protected_dropped",
        "A host logged that it dropped protected packets: they failed the integrity or replay check, or their security association was unknown.",
        "Check for a device that changes packets in transit, for reordered packets, and for a peer that still uses an old security association.",
    ),
    row(
        FindingCode::ServiceDown,
        "service_down",
        "A service that IPsec needs stopped, failed or was disabled.",
        "Find out who stopped it, set it to start automatically, start it, and capture again.",
    ),
    row(
        FindingCode::LogCleared,
        "log_cleared",
        "An event log was cleared. Its earlier records are lost, so missing events prove nothing.",
        "Ask who cleared it and when, and look for copies: forwarded events, backups, shadow copies.",
    ),
    row(
        FindingCode::AuditingReduced,
        "auditing_reduced",
        "Auditing of IPsec events was turned off. From then on, missing events prove nothing.",
        "Turn on auditing of the IPsec subcategories with auditpol, for success and failure.",
    ),
    row(
        FindingCode::EventsLost,
        "events_lost",
        "A log reports that events are missing or that recording stopped.",
        "Do not treat missing events as proof. Enlarge the log or forward its events.",
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
        "A host's clock differed from the captures' clock by more than five minutes. Certificates and Kerberos tickets may have appeared expired or not yet valid. Where the clocks of all hosts agree with each other, the captures' clock was the wrong one, and the finding says so.",
        "Correct the clock and synchronize it with a time server.",
    ),
    row(
        FindingCode::ClockUnknown,
        "clock_unknown",
        "A log and the captures have no negotiation in common, so the offset of the log's clock is unknown. Its events were not matched to windows by time.",
        "Add a capture that shows a negotiation of this host, or its Security log with IPsec auditing on.",
    ),
    row(
        FindingCode::EvidenceDamaged,
        "evidence_damaged",
        "Some evidence could not be read in full; the unread part was not judged.",
        "Export or copy it again. If that is impossible, limit any conclusion to what was read.",
    ),
    row(
        FindingCode::FramesLost,
        "frames_lost",
        "The capture reports that the capturing system dropped frames. Their content was not judged.",
        "Capture again with a larger buffer, or on a faster machine.",
    ),
    row(
        FindingCode::DecryptedTwins,
        "decrypted_twins",
        "The capture shows packets both inside ESP and in clear: after decryption, or before encryption on the inner side of a gateway. The clear copy is not a leak and opens no window.",
        "No action. If in doubt, capture on the wire outside the host.",
    ),
    row(
        FindingCode::IkeFlood,
        "ike_flood",
        "Negotiations of more than fifty pairs of hosts failed without opening a window: a flood of requests, a scan, or one common cause.",
        "Check whether the addresses are real. If they are, look for what the hosts have in common: a gateway, a certificate authority, a policy.",
    ),
    row(
        FindingCode::WeakAlgorithmChosen,
        "weak_algorithm_chosen",
        "Two hosts agreed on an algorithm, for their IKE SA or, according to a log, for ESP, that NIST SP 800-77r1, RFC 8247, RFC 8221 or RFC 9395 no longer accept. The negotiation succeeds, but the protection can be broken.",
        "Remove the algorithm from the proposals on both sides. AES-GCM, SHA-2, and ECP-256 or MODP-2048 and stronger groups are accepted everywhere.",
    ),
    row(
        FindingCode::WeakAlgorithmOffered,
        "weak_algorithm_offered",
        "A host offers an algorithm that is no longer accepted. It was not chosen here, but a peer that supports nothing better, or an attacker posing as one, can get it chosen.",
        "Remove the algorithm from the host's proposals.",
    ),
    row(
        FindingCode::AggressiveModePsk,
        "aggressive_mode_psk",
        "Aggressive mode with a pre-shared key: anyone who sees the two messages can try keys offline until the hash matches, and can read the identities.",
        "Use main mode or IKEv2, and change the pre-shared key.",
    ),
    row(
        FindingCode::Ikev1InUse,
        "ikev1_in_use",
        "Hosts negotiate with IKEv1, which RFC 9395 deprecates.",
        "Plan the migration to IKEv2.",
    ),
    row(
        FindingCode::DuplicatePackets,
        "duplicate_packets",
        "Nearly every packet of some hosts appears more than once: a mirror port that copies two ports, a capture at several components of one host, or another capture of the same packets. Duplicates are counted separately and are in no other total.",
        "No action. If in doubt, mirror one port or one direction only, and capture again.",
    ),
    row(
        FindingCode::EspGaps,
        "esp_gaps",
        "ESP sequence numbers are missing within an SPI: the capture lost these packets, they took another path, or they were lost before the capture point.",
        "Do not count missing packets as protected or unprotected. If many are missing, capture again with a larger buffer, at a point that all paths pass.",
    ),
    row(
        FindingCode::CredentialsInClear,
        "credentials_in_clear",
        "Credentials, or data from which a password can be guessed, passed in clear text. The report names the frames and never repeats the credentials.",
        "Change them, treat everything they protect as exposed since then, and use the encrypted form of the protocol.",
    ),
    row(
        FindingCode::TcpGaps,
        "tcp_gaps",
        "The receiver acknowledged TCP bytes that are not in the capture: the capture lost packets, or they took another path.",
        "Do not treat missing packets as protected, or as silence. Capture again with a larger buffer, at a point that all paths pass.",
    ),
    row(
        FindingCode::BeforeEncryption,
        "before_encryption",
        "The capture was taken on a host whose network card encrypts (IPsec offload): it shows packets before the card encrypts them. This is not a leak, but the capture cannot show whether the card encrypted them.",
        "Capture on the wire outside the host, or turn the offload off (Set-NetAdapterIPsecOffload, ethtool -K) and capture again.",
    ),
    row(
        FindingCode::OffWire,
        "off_wire",
        "An event trace shows packets inside a tunnel, above IPsec, at a virtual switch, or at a place that it does not describe. They are no leak, and they do not show what was on the network.",
        "Capture at the network card of the host, or on the wire, and stop the trace properly, so that it describes the adapters.",
    ),
    row(
        FindingCode::CaptureFiltered,
        "capture_filtered",
        "The capture records that it was taken with a filter. Packets that the filter excluded are missing: the absence of clear text proves nothing about them.",
        "Check that the filter passes every packet between the hosts. If it does not, capture again without it.",
    ),
    row(
        FindingCode::AuditingOff,
        "auditing_off",
        "A host's negotiations were not audited: a record of its log says so, or the captures show one that the log lacks. Missing events prove nothing.",
        "Turn on auditing before the next capture:",
    ),
    row(
        FindingCode::DisableIkeAuditsSuspected,
        "disable_ike_audits_suspected",
        "A host with Windows 2000 to Server 2003 audits logons, which the same setting controls, but its log holds no negotiation although the captures show some. The registry value DisableIKEAudits has this effect; changing it leaves no event.",
        "Check for the value, remove it, and restart the IPsec services:",
    ),
    row(
        FindingCode::AuditingUnknown,
        "auditing_unknown",
        "The log is incomplete for this time, or nothing in it shows whether negotiations were audited. Missing events prove nothing.",
        "Make sure that auditing is on before the next capture:",
    ),
    row(
        FindingCode::LogNotCovering,
        "log_not_covering",
        "The evidence holds logs, but none of this host covers the time of a cleartext window.",
        "Export the host's Security log for that time and look for archived logs. If the host's addresses are unknown, name them in the policy's [hosts].",
    ),
    row(
        FindingCode::DriverBypassSpan,
        "driver_bypass_span",
        "The IPsec driver of Windows Server 2003 logged a span in which it let all traffic through: at startup, until the IPsec services run. This is permitted; only a capture shows whether anything passed.",
        "Protect the startup with a persistent policy: netsh ipsec dynamic set config property=bootmode value=block, with exemptions for what startup needs.",
    ),
    row(
        FindingCode::CleartextPermitted,
        "cleartext_permitted",
        "A host logged a security association without algorithms: its policy let traffic with the peer pass in clear.",
        "Remove the fallback to unsecured communication from the filter action.",
    ),
    row(
        FindingCode::AddressAmbiguous,
        "address_ambiguous",
        "The logs of several computers claim the same address, so its traffic cannot be attributed to one of them.",
        "Name each computer's addresses in the policy's [hosts], and analyze the logs of unrelated computers separately.",
    ),
    row(
        FindingCode::LeakPattern,
        "leak_pattern",
        "What the cleartext windows of two hosts have in common; the title names it. Reported only where all clear text of the two had to be protected. Either the windows begin within 10 s of the start of a negotiation that failed; or they begin before the first negotiation, which starts more than 10 s later; or a deletion or a stopped service opened them, and a negotiation completes between 10 s before their end and 60 s after it; or all (at least two) are gaps between rekeys; or only one service passes in clear while other traffic of the two is protected; or in all windows only one host sends in clear while the other sends protected packets; or other addresses of the same two hosts, of the other IP version, are protected.",
        "Compare the windows; what they have in common points to the fix. Where hosts fall back to clear text, require security instead of requesting it.",
    ),
    row(
        FindingCode::ForcedFallbackSuspected,
        "forced_fallback_suspected",
        "Less than a minute before a cleartext window, or during it, the capture shows something that a third party can do to force hosts to fall back, and that a fault can also cause: ICMP errors quote a negotiation before it completed, although no message had to be repeated; or messages of one host went unanswered while the other's were answered, were repeated all the same, and failed; or at least 50 hosts began negotiations with one of the two within a minute and none was answered.",
        "Require security instead of requesting it, so that nobody can force clear text. Find out who sent the errors or the flood, and which filters lie between the hosts.",
    ),
    row(
        FindingCode::ExemptionAbuse,
        "exemption_abuse",
        "Other traffic uses an exemption from protection: packets from UDP port 88 that are not Kerberos, or a TCP connection opened from port 88; packets from UDP port 500 that are not IKE; or at least 32 ICMP echo messages with more than 1024 bytes of data. Packets that the capture truncated are not judged.",
        "Find the program that sends it. Remove the Kerberos exemption (Windows 2000 to Server 2003), and limit ICMP to what is needed.",
    ),
    row(
        FindingCode::TunnelAroundProtected,
        "tunnel_around_protected",
        "A tunnel between two hosts that should have used IPsec passed in clear, but carried only packets that are themselves protected: its headers were readable, its payload was not.",
        "No action, unless the tunnel itself must be protected: a rule that names its protocol requires that.",
    ),
    row(
        FindingCode::L2tpWithoutIpsec,
        "l2tp_without_ipsec",
        "L2TP, which neither encrypts nor authenticates packets, passed in clear, and neither a policy nor the evidence shows IPsec between its two hosts. This is a question, not a leak: it may be configured so.",
        "Ask whether the tunnel had to be protected. On Windows, check the value ProhibitIpSec: reg query HKLM\\SYSTEM\\CurrentControlSet\\Services\\RasMan\\Parameters /v ProhibitIpSec (1 means L2TP without IPsec). If it had to be, analyze again with --protect A=B.",
    ),
    row(
        FindingCode::OtherStation,
        "other_station",
        "An IP address was used by one link-layer address and later by another: another computer may have received it (DHCP), or the network card was replaced. Log records of the first host say nothing about the second.",
        "Find out from the DHCP server's log or the switch which computer had the address at which time, and collect the logs of both.",
    ),
    row(
        FindingCode::LogContradictsCapture,
        "log_contradicts_capture",
        "A log record of a failed negotiation and the captured negotiation with the same cookie or message ID disagree: the record gives another reason, or the capture shows that it succeeded.",
        "Compare the record with the negotiation message by message; one of the two is not what it appears to be.",
    ),
    row(
        FindingCode::RecoveredRecords,
        "recovered_records",
        "A log file holds records that are no longer part of the log: remnants that were not overwritten. They prove that the event was written once.",
        "Examine them by hand; if the log was cleared, they may be all that is left.",
    ),
    row(
        FindingCode::HiddenRecords,
        "hidden_records",
        "A log file holds records hidden inside others: the preceding record was enlarged to span them, so that readers that follow record sizes skip them. No Windows program writes a log like this.",
        "Treat the log as altered. Compare it with other copies (shadow copies, archives, a collector) and find out who could write to the file.",
    ),
    row(
        FindingCode::PairsFolded,
        "pairs_folded",
        "The captures show more pairs of hosts than the limit: a scan or flood from forged addresses, or a very large network. The pairs with the fewest packets are combined in one total and were not judged.",
        "Raise --max-pairs (about 4 KB of memory for each pair), or analyze a shorter span with --from and --to.",
    ),
    row(
        FindingCode::BoundsReached,
        "bounds_reached",
        "A capture holds more of something (SPIs, pauses, copies, fragments) than is kept apart in memory. The totals are complete; the finding names what is combined or less exact because of it.",
        "Analyze shorter spans with --from and --to, or cut the capture into files of one pair each.",
    ),
    row(
        FindingCode::BlindSpot,
        "blind_spot",
        "Frames could not be decoded, or too much of a pair's traffic was truncated, missing or unproven. Traffic that had to be protected may be hidden there.",
        "Capture again, with whole packets, at a place and in a form that can be decoded. Examine the frames named here by hand.",
    ),
    row(
        FindingCode::FramesWithoutTime,
        "frames_without_time",
        "Clear packets that had to be protected carry a time of zero, or a time more than ten years from the rest of the capture. They are counted but are in no window.",
        "Find the frames by their numbers. Find out which tool wrote the capture and what happened to its times.",
    ),
    row(
        FindingCode::IkeScan,
        "ike_scan",
        "A host sent IKE to ten or more others and none of them answered. Nothing is concluded from its attempts.",
        "Find out whether the host scans the network, or whether its policy requests IPsec where no other host is configured for it.",
    ),
    row(
        FindingCode::SpanWithoutEvidence,
        "span_without_evidence",
        "The captures hold frames, but none between --from and --to. Nothing was judged.",
        "Check the span, above all its time zone: times without one are UTC.",
    ),
    row(
        FindingCode::IpsecHostsInClear,
        "ipsec_hosts_in_clear",
        "Two hosts each use IPsec with other hosts but exchanged clear text with each other. Nothing requires protection between them: this is a question, not a leak.",
        "Ask whether a policy covers the two. If so, name them with --protect A=B and analyze again.",
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
        let names = WORDS.iter().map(|row| row.name).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(names.len(), WORDS.len());
        assert_eq!(WORDS.last().map(|row| row.code), Some(FindingCode::IpsecHostsInClear));
    }
}
