//! Packets that captures show more than once.

use super::{Finding, FindingCode, Severity, counted, frames, span_of};
use crate::correlate::Facts;
use crate::evidence::EvidenceId;
use crate::protection::duplicate::DuplicateKind;
use crate::summary::SharedPackets;

/// Captures that show packets more than once.
pub(super) fn duplicates(facts: &Facts) -> Vec<Finding> {
    let found = facts.duplicates.iter().map(|((evidence, kind), copies)| {
        let place = match kind {
            DuplicateKind::SameInterface => "on the same interface: two mirrored ports".to_owned(),
            DuplicateKind::OtherInterface => "on another interface of the capture".to_owned(),
            DuplicateKind::OtherCapture => copies.shared_packets.map_or_else(
                || "also present in another capture".to_owned(),
                |second| {
                    let clock = match second.ahead.0.signum() {
                        0 => "the clocks agree".to_owned(),
                        1 => format!("its clock is {} s ahead", second.ahead),
                        _ => format!("its clock is {} s behind", second.ahead.magnitude()),
                    };
                    format!("also present in {}; {clock}", second.of)
                },
            ),
        };
        let detail = match kind {
            DuplicateKind::SameInterface | DuplicateKind::OtherInterface => {
                "For nearly every packet of these hosts, a second packet within ten milliseconds has the same addresses, identification, length and captured bytes after the IP headers."
                    .to_owned()
            }
            DuplicateKind::OtherCapture => {
                copies.shared_packets.map(|second| same_packets(second, *evidence)).unwrap_or_default()
            }
        };
        let title = format!("{evidence}: {} {place}", counted(copies.count.frames, "frame"));
        Finding {
            span: span_of(&copies.run),
            proof: frames(&copies.run),
            ..Finding::new(FindingCode::DuplicatePackets, Severity::Info, title, detail)
        }
    });
    found.collect()
}

/// The evidence that two captures hold the same packets.
fn same_packets(second: SharedPackets, evidence: EvidenceId) -> String {
    let SharedPackets { of, ahead, packets } = second;
    let clock = if ahead.0 == 0 {
        String::new()
    } else {
        format!(" The times of {evidence} are given by the clock of {of}.")
    };
    format!(
        "{} are identical in both captures, except for fields that a router changes, with a constant time difference. They count once, in {of}.{clock}",
        counted(packets, "packet"),
    )
}
