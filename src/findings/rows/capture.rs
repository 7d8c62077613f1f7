//! The findings about evidence, and about captures as evidence of traffic. One constant a finding: its code, meaning, severity rule, advice and controls.

use super::FindingRow;
use super::steps::{BUFFER, COPIES, OFFLOAD, RECAPTURE};
use crate::findings::{Control, FindingCode, Severity};

pub(super) const EVIDENCE_DAMAGED: FindingRow = FindingRow {
    code: FindingCode::EvidenceDamaged,
    name: "evidence_damaged",
    meaning: "Some evidence could not be read in full; the unread part was not judged.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Export or copy it again. If that is impossible, limit any conclusion to what was read.",
    steps: &[COPIES],
    controls: &[Control::Au9],
};

pub(super) const FRAMES_LOST: FindingRow = FindingRow {
    code: FindingCode::FramesLost,
    name: "frames_lost",
    meaning: "The capture reports that the capturing system dropped frames. Their content was not judged.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Capture again with a larger buffer, or on a faster machine.",
    steps: &[BUFFER],
    controls: &[Control::Si4],
};

pub(super) const DECRYPTED_COPIES: FindingRow = FindingRow {
    code: FindingCode::DecryptedCopies,
    name: "decrypted_twins",
    meaning: "The capture shows packets both inside ESP and in clear: after decryption, or before encryption on the inner side of a gateway. The clear copy is not a leak and opens no window.",
    severities: &[(Severity::Info, "")],
    what_to_do: "No action. If in doubt, capture on the wire outside the host.",
    steps: &[],
    controls: &[],
};

pub(super) const DUPLICATE_PACKETS: FindingRow = FindingRow {
    code: FindingCode::DuplicatePackets,
    name: "duplicate_packets",
    meaning: "Nearly every packet of some hosts appears more than once, because a mirror port copies two ports, one host was captured at several components, or another capture holds the same packets. Duplicates are counted separately and are in no other total.",
    severities: &[(Severity::Info, "")],
    what_to_do: "No action. If in doubt, mirror one port or one direction only, and capture again.",
    steps: &[],
    controls: &[],
};

pub(super) const ESP_GAPS: FindingRow = FindingRow {
    code: FindingCode::EspGaps,
    name: "esp_gaps",
    meaning: "ESP sequence numbers are missing within an SPI: the capture lost these packets, they took another path, or they were lost before the capture point.",
    severities: &[
        (Severity::Low, "where more than 1 % of the packets are missing"),
        (Severity::Info, "otherwise"),
    ],
    what_to_do: "Do not count missing packets as protected or unprotected. If many are missing, capture again with a larger buffer, at a point that all paths pass.",
    steps: &[BUFFER],
    controls: &[Control::Si4],
};

pub(super) const TCP_GAPS: FindingRow = FindingRow {
    code: FindingCode::TcpGaps,
    name: "tcp_gaps",
    meaning: "The receiver acknowledged TCP bytes that are not in the capture: the capture lost packets, or they took another path.",
    severities: &[(Severity::Info, "")],
    what_to_do: "Do not treat missing packets as protected, or as silence. Capture again with a larger buffer, at a point that all paths pass.",
    steps: &[BUFFER],
    controls: &[Control::Si4],
};

pub(super) const BEFORE_ENCRYPTION: FindingRow = FindingRow {
    code: FindingCode::BeforeEncryption,
    name: "before_encryption",
    meaning: "The capture was taken on a host whose network card encrypts (IPsec offload): it shows packets before the card encrypts them. This is not a leak, but the capture cannot show whether the card encrypted them.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Capture on the wire outside the host, or disable the offload (Set-NetAdapterIPsecOffload, ethtool -K) and capture again.",
    steps: &[OFFLOAD, RECAPTURE],
    controls: &[],
};

pub(super) const OFF_WIRE: FindingRow = FindingRow {
    code: FindingCode::OffWire,
    name: "off_wire",
    meaning: "An event trace shows packets inside a tunnel, above IPsec, at a virtual switch, or at a place that it does not describe. They are no leak, and they do not show what was on the network.",
    severities: &[(Severity::Info, "")],
    what_to_do: "Capture at the network card of the host, or on the wire, and stop the trace properly, so that it describes the adapters.",
    steps: &[RECAPTURE],
    controls: &[],
};

pub(super) const CAPTURE_FILTERED: FindingRow = FindingRow {
    code: FindingCode::CaptureFiltered,
    name: "capture_filtered",
    meaning: "The capture records that it was taken with a filter. Packets that the filter excluded are missing: the absence of clear text proves nothing about them.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Check that the filter passes every packet between the hosts. If it does not, capture again without it.",
    steps: &[RECAPTURE],
    controls: &[Control::Si4],
};

pub(super) const PAIRS_FOLDED: FindingRow = FindingRow {
    code: FindingCode::PairsFolded,
    name: "pairs_folded",
    meaning: "The captures show more pairs of hosts than the limit: a scan or flood from forged addresses, or a very large network. The pairs with the fewest packets were folded into one total and not judged individually.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Raise --max-pairs (about 4 KB of memory for each pair), or analyze a shorter span with --from and --to.",
    steps: &[],
    controls: &[Control::Si4],
};

pub(super) const BOUNDS_REACHED: FindingRow = FindingRow {
    code: FindingCode::BoundsReached,
    name: "bounds_reached",
    meaning: "A capture holds more of something (SPIs, pauses, copies, fragments) than is kept apart in memory. The totals are complete; the finding names what is combined or less exact because of it.",
    severities: &[
        (Severity::Medium, "where a verdict may differ because of it"),
        (Severity::Info, "otherwise"),
    ],
    what_to_do: "Analyze shorter spans with --from and --to, or cut the capture into files of one pair each.",
    steps: &[],
    controls: &[Control::Si4],
};

pub(super) const BLIND_SPOT: FindingRow = FindingRow {
    code: FindingCode::BlindSpot,
    name: "blind_spot",
    meaning: "Frames could not be decoded, or too much of a pair's traffic was truncated, missing or not corroborated. Traffic that had to be protected may be hidden there.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Capture again, with whole packets, at a place and in a form that can be decoded. Examine the frames named here by hand.",
    steps: &[RECAPTURE],
    controls: &[Control::Sc8, Control::Si4],
};

pub(super) const FRAMES_WITHOUT_TIME: FindingRow = FindingRow {
    code: FindingCode::FramesWithoutTime,
    name: "frames_without_time",
    meaning: "Clear packets that had to be protected carry a time of zero, or a time more than ten years from the rest of the capture. They are counted but are in no window.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Find the frames by their numbers. Find out which tool wrote the capture and what happened to its times.",
    steps: &[RECAPTURE],
    controls: &[Control::Au8],
};

pub(super) const SPAN_WITHOUT_EVIDENCE: FindingRow = FindingRow {
    code: FindingCode::SpanWithoutEvidence,
    name: "span_without_evidence",
    meaning: "The captures hold frames, but none between --from and --to. Nothing was judged.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Check the span, above all its time zone: times without one are UTC.",
    steps: &[],
    controls: &[Control::Au8],
};
