//! Packets that an event trace recorded elsewhere than on a wire: neither a leak nor a proof.

use super::{Finding, FindingCode, Severity, counted, frames, span_of};
use crate::correlate::Facts;
use crate::hosts::HostPair;
use crate::summary::{ClassRun, SetAside};
use std::cmp::Reverse;

/// Packets that an event trace recorded elsewhere than on a wire.
pub(super) fn off_wire(facts: &Facts) -> Vec<Finding> {
    let places = [
        (
            SetAside::InsideTunnel,
            "inside a tunnel",
            "the adapter belongs to a tunnel, which protects these packets further down the stack.",
        ),
        (
            SetAside::AboveIpsec,
            "above IPsec",
            "IPsec protects these packets further down the stack, or has already removed their protection.",
        ),
        (
            SetAside::AtSwitch,
            "at a virtual switch",
            "they passed between ports of the switch; the trace does not show whether they left the host in that form.",
        ),
        (
            SetAside::PlaceUnknown,
            "at a place that the trace does not describe",
            "it may be inside a tunnel: the descriptions of adapters are missing in the trace.",
        ),
    ];
    let of_place = |(why, place, ground)| {
        let runs: Vec<(HostPair, ClassRun)> = facts
            .pairs
            .iter()
            .filter_map(|pair| Some((pair.pair, *pair.set_aside.get(&why)?)))
            .collect();
        finding_of(&runs, place, ground)
    };
    places.into_iter().filter_map(of_place).collect()
}

/// One finding for a place: the same reason for every pair.
fn finding_of(runs: &[(HostPair, ClassRun)], place: &str, ground: &str) -> Option<Finding> {
    let mut busiest: Vec<&(HostPair, ClassRun)> = runs.iter().collect();
    busiest.sort_by_key(|(pair, run)| (Reverse(run.frames), *pair));
    let (first_pair, first_run) = busiest.first()?;
    let packets = |run: &ClassRun| counted(run.frames, "packet");
    let all = || runs.iter().map(|(_, run)| run);
    let (title, detail, pair) = if runs.len() == 1 {
        let (packets, a, b) = (packets(first_run), first_pair.a(), first_pair.b());
        let (first, last) = (first_run.first, first_run.last);
        (
            format!("{packets} of {a} and {b} were captured {place}"),
            format!(
                "From frame {first} to frame {last}: {ground} This is not a leak, and it does not prove protection."
            ),
            Some(*first_pair),
        )
    } else {
        let packets_of = counted(all().map(|run| run.frames).sum(), "packet");
        let pairs = counted(runs.len() as u64, "pair");
        let named = busiest.iter().take(MOST_NAMED).map(|(pair, run)| {
            let (a, b, first, last) = (pair.a(), pair.b(), run.first, run.last);
            format!("{a} and {b} ({}, frames {first} to {last})", packets(run))
        });
        let named = named.collect::<Vec<_>>().join(", ");
        let which = if runs.len() > MOST_NAMED { "The busiest" } else { "They are" };
        (
            format!("{packets_of} of {pairs} were captured {place}"),
            format!(
                "{which}: {named}. For all of them: {ground} This is not a leak, and it does not prove protection."
            ),
            None,
        )
    };
    Some(Finding {
        pair,
        span: span_of(all()),
        proof: frames(all()),
        ..Finding::new(FindingCode::OffWire, Severity::Info, title, detail)
    })
}

/// Pairs that the finding names.
const MOST_NAMED: usize = 20;
