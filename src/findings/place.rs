//! What the place of a capture may explain.

use super::measures::length;
use super::{counted, with_separators};
use crate::correlate::{ExplainedWindow, Facts, Held, MayBeInside, PlaceDoubt};
use crate::evidence::EvidenceId;
use std::collections::BTreeSet;

/// What is known of the places of the captures that show these windows, and what these places may explain.
pub(super) fn notes(facts: &Facts, windows: &[&ExplainedWindow]) -> String {
    let runs = windows.iter().map(|w| &w.window.run);
    let shown: BTreeSet<EvidenceId> =
        runs.flat_map(|run| [run.first.evidence, run.last.evidence]).collect();
    let vantages = shown.into_iter().filter_map(|capture| {
        let why = facts.vantages.get(&capture)?.explains_clear_text()?;
        Some(format!(
            " {capture} was taken on {why}: the packets may have been protected when they left."
        ))
    });
    let vantages: String = vantages.collect();
    format!("{vantages}{}", doubts(facts, windows))
}

/// Whether the place of a capture may explain any of these windows.
pub(super) fn is_in_doubt(facts: &Facts, windows: &[&ExplainedWindow]) -> bool {
    windows.iter().any(|w| doubt(facts, w).is_some())
}

fn doubt(facts: &Facts, explained: &ExplainedWindow) -> Option<PlaceDoubt> {
    facts.place_doubts.get(&(explained.window.pair, explained.window.run.start)).copied()
}

/// The doubt that concerns most packets of these windows, with how many windows have one.
fn doubts(facts: &Facts, windows: &[&ExplainedWindow]) -> String {
    let doubts: Vec<PlaceDoubt> = windows.iter().filter_map(|w| doubt(facts, w)).collect();
    let Some(most) = doubts.iter().max_by_key(|doubt| doubt.packets()) else {
        return String::new();
    };
    let words = match most {
        PlaceDoubt::MayBeInside(inside) => may_be_inside(inside),
        PlaceDoubt::NegotiatedWithoutEsp { negotiation, .. } => format!(
            " The two hosts negotiated security associations (frame {negotiation}), but no capture shows a packet under them. A host whose network card applies IPsec shows its packets in clear in both directions; only a capture between the hosts shows how they travelled."
        ),
    };
    match doubts.len() {
        1 => words,
        several => format!("{words} This concerns {}.", counted(several as u64, "window")),
    }
}

fn may_be_inside(inside: &MayBeInside) -> String {
    let MayBeInside { held, packets, compared, outside, capture } = inside;
    let (a, b) = (outside.a(), outside.b());
    let part = match packets == compared {
        true => counted(*packets, "clear packet"),
        false => format!("{} of {}", with_separators(*packets), counted(*compared, "clear packet")),
    };
    let shows = match held {
        Held::Each => format!(
            "For {part}, {capture} shows an ESP packet between {a} and {b} within 10 ms that can contain exactly a packet of this length"
        ),
        Held::Merged => format!(
            "{part} are longer than any ESP packet between {a} and {b}, and {capture} shows several of these within 10 ms that can contain the same data together, as on a host that merges packets after decryption or splits them before encryption"
        ),
        Held::OtherClock(ahead) => {
            let way = if ahead.0 < 0 { "earlier" } else { "later" };
            let ahead = format!("{} {way}", length(ahead.magnitude()));
            format!(
                "For {part}, {capture} shows ESP packets between {a} and {b} that can contain exactly packets of these lengths, in the same order, {ahead}: the two may show both sides of a gateway, with clocks that differ"
            )
        }
    };
    let settled = match held {
        Held::Each | Held::Merged => format!(
            "If {capture} was taken where packets are seen before encryption or after decryption, they may have been protected on the path. --vantage states where a capture was taken."
        ),
        Held::OtherClock(_) => {
            "Compare the clocks of the two captures. --vantage states where each of them was taken."
                .to_owned()
        }
    };
    format!(
        " {shows}. This neither proves nor rules out that the clear packets are the content of the ESP packets. {settled}"
    )
}
