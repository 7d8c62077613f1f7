//! The findings about traffic: what passed in clear, and what was dropped. One constant a finding: its code, meaning, severity rule, advice and controls.

use super::FindingRow;
use super::steps::{
    CHECK, COPIES, EXEMPTIONS, INIT, KEY, RECAPTURE, REQUIRE, RESTART, SHOW, TRANSMISSION,
};
use crate::findings::{Control, FindingCode, Severity};

pub(super) const CLEARTEXT_WINDOW: FindingRow = FindingRow {
    code: FindingCode::CleartextWindow,
    name: "cleartext_window",
    meaning: "Two hosts that should have used IPsec exchanged clear text.",
    severities: &[
        (
            Severity::Critical,
            "where a policy or --protect requires protection and the traffic was readable",
        ),
        (
            Severity::High,
            "where the requirement was inferred and the traffic was readable, or where it was stated and the application encrypted the traffic",
        ),
        (
            Severity::Medium,
            "where the requirement was inferred and the application encrypted the traffic, where IPsec was only attempted, or where an inferred requirement may not cover this traffic",
        ),
        (
            Severity::Low,
            "where no payload passed, or where a tunnel carried only protected packets",
        ),
    ],
    what_to_do: "Treat the traffic in the window as disclosed. Fix the cause, restart the IPsec service and capture again.",
    steps: &[RESTART, SHOW, RECAPTURE],
    controls: TRANSMISSION,
};

pub(super) const READABLE_ESP: FindingRow = FindingRow {
    code: FindingCode::ReadableEsp,
    name: "readable_esp",
    meaning: "ESP packets carried readable data: NULL encryption, or wrapped ESP marked as unencrypted. They are authenticated but not confidential.",
    severities: &[
        (Severity::High, "where encryption is required"),
        (Severity::Info, "where the policy accepts integrity alone"),
    ],
    what_to_do: "Remove NULL encryption from the proposals on both sides, unless the policy requires integrity only.",
    steps: &[SHOW, RECAPTURE],
    controls: &[Control::Sp80077, Control::Sc8, Control::Sc13, Control::Pci421],
};

pub(super) const AUTHENTICATION_ONLY: FindingRow = FindingRow {
    code: FindingCode::AuthenticationOnly,
    name: "authentication_only",
    meaning: "The traffic used AH: it is authenticated but not confidential.",
    severities: &[
        (Severity::Medium, "where encryption is required"),
        (Severity::Info, "where the policy accepts integrity alone"),
    ],
    what_to_do: "Use ESP with encryption where the content must stay confidential.",
    steps: &[SHOW, RECAPTURE],
    controls: &[Control::Sp80077, Control::Sc8, Control::Sc13, Control::Pci421],
};

pub(super) const NO_EXPECTATION: FindingRow = FindingRow {
    code: FindingCode::NoExpectation,
    name: "no_expectation",
    meaning: "Hosts exchanged clear text, and neither a policy nor the evidence requires protection for them.",
    severities: &[(Severity::Info, "")],
    what_to_do: "Name the traffic that must be protected, with --protect A=B or a policy file, and analyze again.",
    steps: &[INIT],
    controls: &[Control::Sc8],
};

pub(super) const RULE_WITHOUT_TRAFFIC: FindingRow = FindingRow {
    code: FindingCode::RuleWithoutTraffic,
    name: "rule_without_traffic",
    meaning: "A rule requires protection between hosts for which the captures show no packet.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Check the addresses in the rule, and whether the captures were taken where this traffic passes.",
    steps: &[CHECK],
    controls: &[Control::Sc8],
};

pub(super) const CLEARTEXT_DROPPED: FindingRow = FindingRow {
    code: FindingCode::CleartextDropped,
    name: "cleartext_dropped",
    meaning: "A host logged, or counted, incoming clear text that its policy requires to be protected. The host dropped it, but the peer did send it.",
    severities: &[
        (Severity::High, "where a record names it"),
        (Severity::Medium, "where only a counter of the host shows it"),
    ],
    what_to_do: "Check the sender: its policy is missing, or its IPsec service is down.",
    steps: &[RESTART, SHOW],
    controls: TRANSMISSION,
};

pub(super) const PROTECTED_DROPPED: FindingRow = FindingRow {
    code: FindingCode::ProtectedDropped,
    name: "protected_dropped",
    meaning: "A host logged that it dropped protected packets: they failed the integrity or replay check, or their security association was unknown.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Check for a device that changes packets in transit, for reordered packets, and for a peer that still uses an old security association.",
    steps: &[SHOW],
    controls: &[Control::Sp80077, Control::Si4],
};

pub(super) const CREDENTIALS_IN_CLEAR: FindingRow = FindingRow {
    code: FindingCode::CredentialsInClear,
    name: "credentials_in_clear",
    meaning: "Credentials, or data from which a password can be guessed, passed in clear text. The report names the frames and never repeats the credentials.",
    severities: &[
        (Severity::High, "where protection is required"),
        (Severity::Medium, "otherwise"),
    ],
    what_to_do: "Change these credentials, treat everything that they protect as exposed since then, and use the encrypted form of the protocol.",
    steps: &[KEY],
    controls: &[Control::Ia5, Control::Sc8, Control::Pci421],
};

pub(super) const CLEARTEXT_PERMITTED: FindingRow = FindingRow {
    code: FindingCode::CleartextPermitted,
    name: "cleartext_permitted",
    meaning: "A host logged a security association without algorithms: its policy let traffic with the peer pass in clear.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Remove the fallback to unsecured communication from the filter action.",
    steps: &[SHOW],
    controls: TRANSMISSION,
};

pub(super) const LEAK_PATTERN: FindingRow = FindingRow {
    code: FindingCode::LeakPattern,
    name: "leak_pattern",
    meaning: "The cleartext windows of two hosts have something in common; the title states what. Reported only where all clear text between the two had to be protected. One of these holds: (1) The windows begin within 10 s of the start of a failed negotiation. (2) They begin more than 10 s before the first negotiation. (3) A deletion or a stopped service opened them, and a negotiation completes between 10 s before their end and 60 s after it. (4) All of them, at least two, are gaps between rekeys. (5) Only one service passes in clear while other traffic of the two is protected. (6) In all windows only one host sends in clear while the other sends protected packets. (7) Other addresses of the same two hosts, of the other IP version, are protected.",
    severities: &[(Severity::Info, "")],
    what_to_do: "Compare the windows; what they have in common points to the fix. Where hosts fall back to clear text, require security instead of requesting it.",
    steps: &[SHOW, RECAPTURE],
    controls: TRANSMISSION,
};

pub(super) const FORCED_FALLBACK_SUSPECTED: FindingRow = FindingRow {
    code: FindingCode::ForcedFallbackSuspected,
    name: "forced_fallback_suspected",
    meaning: "A third party may have forced the hosts to fall back to clear text; a fault can look the same. Less than a minute before a cleartext window, or during it, the capture shows one of these: ICMP errors quote a negotiation that then completed without a retransmission; one host got no answers, while the other host's messages were answered, were repeated nevertheless, and failed; or at least 50 hosts began negotiations with one of the two within a minute, and none was answered.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Require security instead of requesting it, so that nobody can force clear text. Find out who sent the errors or the flood, and which filters lie between the hosts.",
    steps: &[REQUIRE, SHOW],
    controls: &[Control::Sp80077, Control::Sc8, Control::Si4],
};

pub(super) const EXEMPTION_ABUSE: FindingRow = FindingRow {
    code: FindingCode::ExemptionAbuse,
    name: "exemption_abuse",
    meaning: "Traffic uses an exemption that is not meant for it. One of these was seen: packets from UDP port 88 that are not Kerberos, or a TCP connection opened from port 88; packets from UDP port 500 that are not IKE; at least 32 ICMP echo messages with more than 1,024 bytes of data or with text; echo replies with other data than their requests; or text in bytes that no receiver reads. Truncated packets are not judged.",
    severities: &[
        (Severity::Medium, ""),
        (Severity::Low, "for large ICMP messages, because tests look the same"),
    ],
    what_to_do: "Find the program that sends it. Remove the exemption of a port where the system has it (Kerberos: Windows 2000 to Server 2003), and limit ICMP to what is needed.",
    steps: &[EXEMPTIONS],
    controls: &[Control::Sp80077, Control::Cm6, Control::Sc8],
};

pub(super) const TUNNEL_AROUND_PROTECTED: FindingRow = FindingRow {
    code: FindingCode::TunnelAroundProtected,
    name: "tunnel_around_protected",
    meaning: "A tunnel between two hosts that should have used IPsec passed in clear, but carried only packets that are themselves protected: its headers were readable, its payload was not.",
    severities: &[(Severity::Info, "")],
    what_to_do: "No action, unless the tunnel itself must be protected: a rule that names its protocol requires that.",
    steps: &[],
    controls: &[Control::Sc8],
};

pub(super) const L2TP_WITHOUT_IPSEC: FindingRow = FindingRow {
    code: FindingCode::L2tpWithoutIpsec,
    name: "l2tp_without_ipsec",
    meaning: "L2TP, which neither encrypts nor authenticates packets, passed in clear, and neither a policy nor the evidence shows IPsec between its two hosts. This is a question, not a leak: it may be configured so.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Ask whether the tunnel had to be protected. On Windows, check the value ProhibitIpSec: reg query HKLM\\SYSTEM\\CurrentControlSet\\Services\\RasMan\\Parameters /v ProhibitIpSec (1 means L2TP without IPsec). If it had to be, analyze again with --protect A=B.",
    steps: &[SHOW],
    controls: TRANSMISSION,
};

pub(super) const OTHER_STATION: FindingRow = FindingRow {
    code: FindingCode::OtherStation,
    name: "other_station",
    meaning: "An IP address was used by one link-layer address and later by another: another computer may have received it (DHCP), or the network card was replaced. Log records of the first host say nothing about the second.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Find out from the DHCP server's log or the switch which computer had the address at which time, and collect the logs of both.",
    steps: &[COPIES],
    controls: &[Control::Au12],
};

pub(super) const IPSEC_HOSTS_IN_CLEAR: FindingRow = FindingRow {
    code: FindingCode::IpsecHostsInClear,
    name: "ipsec_hosts_in_clear",
    meaning: "Two hosts each use IPsec with other hosts, or a tunnel carried other packets of theirs, but they exchanged clear text with each other. Nothing requires protection between them: this is a question, not a leak.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Ask whether a policy covers the two. If so, name them with --protect A=B and analyze again.",
    steps: &[INIT],
    controls: &[Control::Sc8],
};
