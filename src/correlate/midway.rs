//! Windows whose clear text was under way as its capture began: what opened them is not in the evidence's time.

use crate::evidence::{EvidenceId, FrameRef};
use crate::hosts::HostPair;
use crate::summary::{ClassRun, Summary};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The windows, by pair and beginning, whose first packet is of a TCP connection that had begun before, within the first
/// seconds of the capture. A SYN carries no data (RFC 9293 §3.10.7 allows it, RFC 7413 alone uses it).
pub(super) fn midway<'w>(
    summary: &Summary,
    windows: impl Iterator<Item = (HostPair, &'w ClassRun)>,
) -> BTreeSet<(HostPair, Timestamp)> {
    let first_files = summary.first_files();
    let begins = |file: EvidenceId| {
        let first = first_files.of(file);
        summary.captures.get(&first).and_then(|capture| capture.span).map(|(from, _)| from)
    };
    let at_once = |run: &ClassRun| {
        begins(run.first.evidence).is_some_and(|begun| run.start.since(begun) <= AT_ONCE)
    };
    let early = windows.filter(|(_, run)| at_once(run));
    let early: BTreeMap<FrameRef, (HostPair, Timestamp)> =
        early.map(|(pair, run)| (run.first, (pair, run.start))).collect();
    if early.is_empty() {
        return BTreeSet::new();
    }
    let packets = summary.captures.values().flat_map(|capture| &capture.clear_packets);
    let data = packets.flat_map(|(_, packets)| packets).filter(|packet| {
        packet.payload > 0 && packet.flow.is_some_and(|flow| flow.protocol == TCP)
    });
    data.filter_map(|packet| early.get(&packet.frame).copied()).collect()
}

/// What is under way when a capture begins shows within this time.
const AT_ONCE: Span = Span::from_seconds(5);
/// IANA protocol number.
const TCP: u8 = 6;
