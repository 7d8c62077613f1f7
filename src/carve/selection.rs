//! Which packets are behind a finding: cited frames, messages of its negotiations, stretches of its pair.
//!
//! Asks the facts, never the packets.

use crate::correlate::{FactRef, Facts};
use crate::evidence::{Content, Evidence, EvidenceId, FrameRef};
use crate::findings::{Finding, Proof};
use crate::hosts::HostPair;
use crate::ike::IkeExchange;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How much of a window belongs to the packets behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What passed within five seconds of its first and of its last packet.
    Edges,
    /// All of it, and five seconds before and behind it.
    Full,
}

/// The packets behind one finding.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Frames by number: those it cites, and the messages of its negotiations.
    pub frames: BTreeMap<EvidenceId, BTreeSet<u64>>,
    /// Further captures that show its stretches.
    pub beside: BTreeSet<EvidenceId>,
    /// What its pairs sent meanwhile.
    pub(super) stretches: BTreeMap<(HostPair, Kind), Vec<Stretch>>,
}

/// Which packets of a pair are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// All.
    All,
    /// IP fragments: a large message of IKE came in these, and only the last of them is cited.
    Fragments,
}

/// From a first moment to a last one, both belonging to it.
pub(super) type Stretch = (Timestamp, Timestamp);

/// Where the negotiations are that a finding may cite.
#[derive(Debug)]
pub struct Index<'f> {
    facts: &'f Facts,
    exchanges: BTreeMap<FrameRef, Vec<usize>>,
    captures: Vec<(EvidenceId, Stretch)>,
}

impl<'f> Index<'f> {
    /// Of the facts and the files that they come from.
    #[must_use]
    pub fn of(facts: &'f Facts, evidence: &[Evidence]) -> Self {
        let mut exchanges: BTreeMap<FrameRef, Vec<usize>> = BTreeMap::new();
        for (at, exchange) in facts.exchanges.iter().enumerate() {
            let shown = [exchange.first, exchange.last];
            let shown: BTreeSet<FrameRef> = shown.iter().chain(&exchange.proof).copied().collect();
            shown.into_iter().for_each(|frame| exchanges.entry(frame).or_default().push(at));
        }
        let captures =
            evidence.iter().filter(|file| matches!(file.content, Content::Capture { .. }));
        let captures = captures.filter_map(|file| Some((file.id, file.span?)));
        Self { facts, exchanges, captures: captures.collect() }
    }

    /// The packets behind a finding; none where no capture proves it.
    #[must_use]
    pub fn select(&self, finding: &Finding, reach: Reach) -> Selection {
        let mut selection = Selection::default();
        for (id, proof) in &finding.proof {
            match proof {
                Proof::Frames(numbers) => {
                    selection.frames.entry(*id).or_default().extend(numbers);
                }
                Proof::Records(_) | Proof::File => {}
            }
        }
        if selection.frames.is_empty() {
            return selection;
        }
        let windows = finding.windows.iter().filter_map(|at| self.facts.windows.get(*at));
        for explained in windows {
            let window = &explained.window;
            selection.cite(window.run.first);
            selection.cite(window.run.last);
            selection.add(window.pair, (window.run.start, window.run.end), reach);
        }
        if let (Some(pair), Some((start, end)), true) =
            (finding.pair, finding.span, finding.windows.is_empty())
        {
            selection.add(pair, (start.time, end.time), reach);
        }
        let negotiations = self.negotiations(finding, &selection);
        negotiations.into_iter().for_each(|exchange| selection.add_negotiation(exchange));
        selection.stretches.values_mut().for_each(merge);
        if reach == Reach::Full {
            let beside = self.captures.iter().filter(|(_, span)| selection.reaches_into(*span));
            let beside: BTreeSet<EvidenceId> = beside.map(|(id, _)| *id).collect();
            selection.beside = beside;
        }
        selection
    }

    /// The negotiations that a finding cites: by a cause of its windows, or by a frame of theirs.
    fn negotiations(&self, finding: &Finding, selection: &Selection) -> Vec<&'f IkeExchange> {
        let windows = finding.windows.iter().filter_map(|at| self.facts.windows.get(*at));
        let causes = windows.flat_map(|w| &w.causes).filter(|c| finding.causes.contains(&c.reason));
        let by_cause = causes.flat_map(|cause| &cause.refs).filter_map(|fact| match fact {
            FactRef::Exchange(at) => Some(*at),
            FactRef::Event(_) => None,
        });
        let cited = selection.frame_refs().filter_map(|frame| self.exchanges.get(&frame)).flatten();
        let all: BTreeSet<usize> = by_cause.chain(cited.copied()).collect();
        let found = all.into_iter().filter_map(|at| self.facts.exchanges.get(at));
        found.take(MOST_NEGOTIATIONS).collect()
    }
}

impl Selection {
    /// Whether a capture holds packets of it.
    #[must_use]
    pub fn is_in(&self, capture: EvidenceId) -> bool {
        self.frames.contains_key(&capture) || self.beside.contains(&capture)
    }

    fn frame_refs(&self) -> impl Iterator<Item = FrameRef> {
        let of_file = |(id, numbers): (&EvidenceId, &BTreeSet<u64>)| {
            let evidence = *id;
            let frame =
                move |n: &u64| FrameRef { evidence, frame: crate::evidence::FrameNumber(*n) };
            numbers.iter().map(frame).collect::<Vec<_>>()
        };
        self.frames.iter().flat_map(of_file)
    }

    fn cite(&mut self, frame: FrameRef) {
        self.frames.entry(frame.evidence).or_default().insert(frame.frame.0);
    }

    fn add(&mut self, pair: HostPair, (start, end): Stretch, reach: Reach) {
        let around = |first: Timestamp, last: Timestamp| {
            (first.shifted(BESIDE.negated()), last.shifted(BESIDE))
        };
        let stretches = self.stretches.entry((pair, Kind::All)).or_default();
        match reach {
            Reach::Full => stretches.push(around(start, end)),
            Reach::Edges => stretches.extend([around(start, start), around(end, end)]),
        }
    }

    fn add_negotiation(&mut self, exchange: &IkeExchange) {
        exchange.frames().for_each(|frame| self.cite(frame));
        if exchange.may_be_in_fragments() {
            let from = exchange.start.shifted(REASSEMBLY.negated());
            let fragments = self.stretches.entry((exchange.pair(), Kind::Fragments)).or_default();
            fragments.push((from, exchange.end));
        }
    }

    fn reaches_into(&self, (first, last): Stretch) -> bool {
        let mut all = self.stretches.values().flatten();
        all.any(|(start, end)| *start <= last && *end >= first)
    }
}

/// Puts stretches in order and joins those that touch.
fn merge(stretches: &mut Vec<Stretch>) {
    stretches.sort_unstable();
    stretches.dedup_by(|next, kept| {
        let touches = next.0 <= kept.1;
        if touches {
            kept.1 = kept.1.max(next.1);
        }
        touches
    });
}

/// How far around an edge packets belong to it: what interrupts a window (docs/report.md).
const BESIDE: Span = Span::from_seconds(5);
/// A datagram's fragments come within that (RFC 791 §3.2 gives them 15 s).
const REASSEMBLY: Span = Span::from_seconds(15);
/// Of a finding. More are a flood, of which these show enough; all are in ike_exchanges.
const MOST_NEGOTIATIONS: usize = 50;
