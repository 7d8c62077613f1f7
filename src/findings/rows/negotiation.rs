//! The findings about IKE negotiations and what they agree on. One constant a finding: its code, meaning, severity rule, advice and controls.

use super::FindingRow;
use super::steps::{CREDENTIALS, KEY, PROPOSALS, SHOW};
use crate::findings::{Control, FindingCode, Severity};

pub(super) const FAILED_CLOSED: FindingRow = FindingRow {
    code: FindingCode::FailedClosed,
    name: "failed_closed",
    meaning: "Negotiations failed, and no clear text that must be protected was seen between the two hosts: the policy blocks what it cannot protect. At least three negotiations failed over ten seconds or more, or a log records dropped packets. Without logged drops the severity is `low`, because the hosts may have sent nothing.",
    severities: &[
        (Severity::Medium, "where a log records dropped packets"),
        (Severity::Low, "otherwise"),
    ],
    what_to_do: "Remove the cause of the failure; keep the policy as strict as it is.",
    steps: &[SHOW, CREDENTIALS],
    controls: &[Control::Sp80077, Control::Sc24],
};

pub(super) const IKE_FAILING: FindingRow = FindingRow {
    code: FindingCode::IkeFailing,
    name: "ike_failing",
    meaning: "Negotiations failed outside any cleartext window: protected traffic of the same hosts continued, or nothing shows that traffic was blocked.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Fix the cause before the current security associations expire.",
    steps: &[SHOW, CREDENTIALS],
    controls: &[Control::Sp80077, Control::Sc12],
};

pub(super) const NEGOTIATIONS_UNCOUNTED: FindingRow = FindingRow {
    code: FindingCode::NegotiationsUncounted,
    name: "negotiations_uncounted",
    meaning: "The captures show more negotiations than the limit; the rest were only counted.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Analyze a shorter span with --from and --to.",
    steps: &[],
    controls: &[Control::Si4],
};

pub(super) const IKE_FLOOD: FindingRow = FindingRow {
    code: FindingCode::IkeFlood,
    name: "ike_flood",
    meaning: "Negotiations of more than fifty pairs of hosts failed without opening a window: a flood of requests, a scan, or one common cause.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Check whether the addresses are real. If they are, look for what the hosts have in common: a gateway, a certificate authority, a policy.",
    steps: &[],
    controls: &[Control::Si4],
};

pub(super) const WEAK_ALGORITHM_CHOSEN: FindingRow = FindingRow {
    code: FindingCode::WeakAlgorithmChosen,
    name: "weak_algorithm_chosen",
    meaning: "Two hosts agreed on an algorithm that NIST SP 800-77r1, RFC 8247, RFC 8221 or RFC 9395 no longer accepts: for their IKE SA or, according to a log, for ESP. The negotiation succeeds, but an attacker may break the protection.",
    severities: &[
        (Severity::Medium, "where the algorithm is broken or prohibited"),
        (Severity::Low, "where it is being phased out"),
    ],
    what_to_do: "Remove the algorithm from the proposals on both sides. AES-GCM, SHA-2, and ECP-256 or MODP-2048 and stronger groups are accepted everywhere.",
    steps: &[PROPOSALS],
    controls: &[Control::Sp80077, Control::Sc12, Control::Sc13, Control::Pci421],
};

pub(super) const WEAK_ALGORITHM_OFFERED: FindingRow = FindingRow {
    code: FindingCode::WeakAlgorithmOffered,
    name: "weak_algorithm_offered",
    meaning: "A host offers an algorithm that is no longer accepted. It was not chosen here. A peer that supports nothing better can cause its use, and so can an attacker who imitates such a peer.",
    severities: &[(Severity::Info, "")],
    what_to_do: "Remove the algorithm from the host's proposals.",
    steps: &[PROPOSALS],
    controls: &[Control::Sp80077, Control::Sc12, Control::Sc13],
};

pub(super) const AGGRESSIVE_MODE_PSK: FindingRow = FindingRow {
    code: FindingCode::AggressiveModePsk,
    name: "aggressive_mode_psk",
    meaning: "Aggressive mode with a pre-shared key: anyone who sees the two messages can try keys offline until the hash matches, and can read the identities.",
    severities: &[
        (Severity::Medium, "where the peer answered, so that its hash was seen"),
        (Severity::Low, "where it did not"),
    ],
    what_to_do: "Use main mode or IKEv2, and change the pre-shared key.",
    steps: &[KEY],
    controls: &[Control::Sp80077, Control::Ia5, Control::Sc12],
};

pub(super) const IKEV1_IN_USE: FindingRow = FindingRow {
    code: FindingCode::Ikev1InUse,
    name: "ikev1_in_use",
    meaning: "Hosts negotiate with IKEv1, which RFC 9395 deprecates.",
    severities: &[(Severity::Info, "")],
    what_to_do: "Plan the migration to IKEv2.",
    steps: &[],
    controls: &[Control::Sp80077, Control::Sc12],
};

pub(super) const IKE_SCAN: FindingRow = FindingRow {
    code: FindingCode::IkeScan,
    name: "ike_scan",
    meaning: "A host sent IKE to ten or more others and none of them answered. Nothing is concluded from its attempts.",
    severities: &[(Severity::Info, "")],
    what_to_do: "Find out whether the host scans the network, or whether its policy requests IPsec where no other host is configured for it.",
    steps: &[],
    controls: &[Control::Si4],
};
