//! Bounds on memory that a capture reached: what is distinguished less finely because of them.

use super::{Finding, FindingCode, Severity, counted};
use crate::correlate::Facts;
use crate::evidence::EvidenceId;
use crate::summary::{Bound, BoundsReached};

/// One finding for each capture that holds more of something than is kept apart.
pub(super) fn bounds_reached(facts: &Facts) -> Vec<Finding> {
    // Where there is only one capture, the bound on comparison with others does not matter.
    let is_alone = facts.first_files.captures() < 2;
    let mut found = Vec::new();
    for (capture, bounds) in &facts.bounds {
        let mut bounds = bounds.clone();
        bounds.retain(|bound, _| !(is_alone && *bound == Bound::Compared));
        if !bounds.is_empty() {
            found.push(finding(*capture, &bounds));
        }
    }
    found
}

fn finding(capture: EvidenceId, bounds: &BoundsReached) -> Finding {
    let is_weighty = bounds.keys().any(|bound| bound.concerns_verdicts());
    let severity = if is_weighty { Severity::Medium } else { Severity::Info };
    let title = format!("{capture} holds more than is kept apart in memory");
    let details = bounds.iter().map(|(bound, beyond)| detail(*bound, *beyond));
    let detail = details.collect::<Vec<_>>().join(" ");
    Finding::new(FindingCode::BoundsReached, severity, title, detail)
}

/// What a bound means for the statements.
fn detail(bound: Bound, beyond: u64) -> String {
    let packets = counted(beyond, "packet");
    match bound {
        Bound::Spis => format!(
            "{packets} under further SPIs are counted without their SPI, as ESP or AH that nothing confirms."
        ),
        Bound::Runs => format!(
            "{packets} that followed a pause are joined with the packets before the pause: a window may appear longer than it was."
        ),
        Bound::Copies => {
            format!(
                "{packets} that duplicate an earlier packet are counted as packets of their own."
            )
        }
        Bound::IpsecOffload => format!(
            "{packets} that a network card may have encrypted later are counted as clear text."
        ),
        Bound::OffWire => {
            format!("{packets} not seen on a wire are counted in the totals only.")
        }
        Bound::WatchedSpis => format!(
            "Decrypted copies of ESP packets are not searched for under {}: such copies are counted as clear text.",
            counted(beyond, "further SPI")
        ),
        Bound::DecryptedCopies => format!(
            "{packets} that may be decrypted copies of ESP packets are counted as clear text."
        ),
        Bound::Fragments => format!(
            "{packets} that are later fragments are judged without the first fragment of their datagram."
        ),
        Bound::Credentials => {
            format!("{packets} with readable credentials belong to pairs that are not listed.")
        }
        Bound::ExemptionAbuse => format!(
            "{packets} that use an exempt port for other traffic belong to pairs that are not listed."
        ),
        Bound::IcmpErrors => {
            format!("{packets} with ICMP errors about IKE concern hosts that are not listed.")
        }
        Bound::Compared => format!(
            "{packets} were not compared one by one with other captures: copies among them in another capture are counted twice."
        ),
    }
}
