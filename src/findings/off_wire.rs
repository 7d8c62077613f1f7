//! Packets that an event trace recorded elsewhere than on a wire: neither a leak nor a proof.

use super::{Finding, FindingCode, Severity, counted, frames, span_of};
use crate::correlate::Facts;
use crate::summary::SetAside;

/// Packets that an event trace recorded elsewhere than on a wire.
pub(super) fn off_wire(facts: &Facts) -> Vec<Finding> {
    let places = [
        (
            SetAside::InsideTunnel,
            "inside a tunnel",
            "the adapter is a tunnel's, which protects them below that place.",
        ),
        (
            SetAside::AboveIpsec,
            "above IPsec",
            "IPsec protects them below that place, or has taken the protection off.",
        ),
        (
            SetAside::AtSwitch,
            "at a virtual switch",
            "they passed between ports of the switch; whether they left the host in that form is not shown.",
        ),
        (
            SetAside::PlaceUnknown,
            "at a place that the trace does not describe",
            "it may be inside a tunnel: the descriptions of adapters are missing in the trace.",
        ),
    ];
    let mut found = Vec::new();
    for pair in &facts.pairs {
        for (why, place, ground) in places {
            let Some(run) = pair.set_aside.get(&why) else { continue };
            let (packets, pair) = (counted(run.frames, "packet"), pair.pair);
            let title = format!("{packets} of {} and {} were captured {place}", pair.a(), pair.b());
            let (first, last) = (run.first, run.last);
            let detail =
                format!("From frame {first} to frame {last}: {ground} No leak, and no proof.");
            found.push(Finding {
                pair: Some(pair),
                span: span_of([run]),
                proof: frames([run]),
                ..Finding::new(FindingCode::OffWire, Severity::Info, title, detail)
            });
        }
    }
    found
}
