//! Cleartext windows and protected windows, cut from runs (domain.md, "Words").
//!
//! Which runs count is decided before; this file looks at time only.

use super::stretches::Stretches;
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::policy::{Expectation, Level};
use crate::protection::{App, EspSpi, Service};
use crate::summary::{ClassRun, Contents, Count, Flow, Summary};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How far apart packets of one window may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapRule {
    /// Packets further apart than this belong to two windows (`--gap`).
    pub gap: Span,
    /// Packets further apart than this belong to two windows where packets of the other kind lie between.
    pub interrupted: Span,
}

impl GapRule {
    /// The rule of domain.md with another gap.
    #[must_use]
    pub const fn with_gap(gap: Span) -> Self {
        Self { gap, interrupted: Span::from_seconds(5) }
    }
}

/// A maximal stretch in which a pair talked in clear although it should not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleartextWindow {
    /// The two hosts.
    pub pair: HostPair,
    /// Protection was required, or attempted only.
    pub expectation: Expectation,
    /// All its clear packets: edges, frames, bytes.
    pub run: ClassRun,
    /// Protected packets of the pair travel inside it.
    pub mixed: bool,
    /// Per application and whether it protects itself.
    pub apps: Contents,
    /// The services seen.
    pub services: BTreeSet<Service>,
    /// Frames of a tunnel that carry only what is protected.
    pub protected_inside: u64,
    /// Frames of connections that the responder, whose rule requires IPsec, never answered in clear.
    pub discovery: u64,
    /// Busy flows, the busiest first, at most [`MAX_FLOWS`].
    pub flows: Vec<Flow>,
}

/// A maximal stretch in which a pair talked under ESP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedWindow {
    /// The two hosts.
    pub pair: HostPair,
    /// All its ESP packets.
    pub run: ClassRun,
    /// The SPIs in use.
    pub spis: BTreeSet<EspSpi>,
}

/// A run of clear packets with what it carried.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClearRun {
    pub(super) run: ClassRun,
    pub(super) service: Service,
    pub(super) app: App,
    pub(super) encrypted: bool,
    /// It is a tunnel's, and what it carries is protected.
    pub(super) protected_inside: bool,
    /// It opened connections that the responder, whose rule requires IPsec, did not answer in clear.
    pub(super) is_discovery: bool,
}

/// Stretches in which clear and protected packets of each pair alternate.
pub(super) fn interleaved(summary: &Summary) -> BTreeMap<HostPair, Vec<ClassRun>> {
    let mut all: BTreeMap<HostPair, Vec<ClassRun>> = BTreeMap::new();
    for (pair, runs) in summary.captures.values().flat_map(|capture| &capture.interleaved) {
        all.entry(*pair).or_default().extend(runs);
    }
    all
}

/// The cleartext windows of a pair.
pub(super) fn cleartext(
    pair: HostPair,
    mut clear: Vec<ClearRun>,
    protected: &[ClassRun],
    interleaved: &[ClassRun],
    rule: GapRule,
) -> Vec<CleartextWindow> {
    // Packets that looked like ESP may have turned out to be clear text.
    let interleaved = if protected.is_empty() { &[] } else { interleaved };
    let protected = Stretches::of_runs(protected);
    let interleaved = Stretches::of_runs(interleaved);
    clear.sort_by_key(|c| c.run);
    let mut windows: Vec<(CleartextWindow, Vec<ClassRun>)> = Vec::new();
    for piece in clear {
        match windows.last_mut() {
            Some((window, members))
                if belongs(window.run.end, piece.run.start, &protected, rule) =>
            {
                window.run.absorb(piece.run);
                window.add(piece);
                members.push(piece.run);
            }
            Some(_) | None => {
                let mut window = CleartextWindow {
                    pair,
                    expectation: Expectation::Required(Level::Encrypt),
                    run: piece.run,
                    mixed: false,
                    apps: BTreeMap::new(),
                    services: BTreeSet::new(),
                    protected_inside: 0,
                    discovery: 0,
                    flows: Vec::new(),
                };
                window.add(piece);
                windows.push((window, vec![piece.run]));
            }
        }
    }
    windows
        .into_iter()
        .map(|(mut window, members)| {
            window.mixed = is_mixed(&window, &members, &protected, &interleaved);
            window.flows = busiest(&members);
            window
        })
        .collect()
}

/// The protected windows of a pair: the same rule with the roles changed.
pub(super) fn protected(
    pair: HostPair,
    mut esp: Vec<(ClassRun, EspSpi)>,
    clear: &[ClassRun],
    rule: GapRule,
) -> Vec<ProtectedWindow> {
    esp.sort();
    let clear = Stretches::of_runs(clear);
    let mut windows: Vec<ProtectedWindow> = Vec::new();
    for (run, spi) in esp {
        match windows.last_mut() {
            Some(window) if belongs(window.run.end, run.start, &clear, rule) => {
                window.run.absorb(run);
                window.spis.insert(spi);
            }
            Some(_) | None => windows.push(ProtectedWindow { pair, run, spis: [spi].into() }),
        }
    }
    windows
}

impl CleartextWindow {
    fn add(&mut self, piece: ClearRun) {
        let count = self.apps.entry((piece.app, piece.encrypted)).or_default();
        count.join(Count::of(&[piece.run]));
        self.services.insert(piece.service);
        if piece.protected_inside {
            self.protected_inside += piece.run.frames;
        }
        if piece.is_discovery {
            self.discovery += piece.run.frames;
        }
    }

    /// The first clear packet.
    #[must_use]
    pub const fn first(&self) -> FrameRef {
        self.run.first
    }
}

/// Whether packets at `end` and `start` belong to one window. They are further apart than the pause that ends a
/// run, so a run of other packets across both has packets between them.
fn belongs(end: Timestamp, start: Timestamp, others: &Stretches<ClassRun>, rule: GapRule) -> bool {
    let apart = start.since(end);
    apart <= rule.gap && (apart <= rule.interrupted || !others.any_between(end, start))
}

fn is_mixed(
    window: &CleartextWindow,
    members: &[ClassRun],
    protected: &Stretches<ClassRun>,
    interleaved: &Stretches<ClassRun>,
) -> bool {
    let (start, end) = (window.run.start, window.run.end);
    // The edge of a run is a packet; inside a run only the interleaving shows what was sent.
    protected.any_edge_in(start, end)
        || interleaved.touching(start, end).any(|run| run.start > start)
        || members.iter().zip(members.iter().skip(1)).any(|(one, next)| {
            next.start.since(one.end) > crate::summary::SILENCE
                && protected.any_between(one.end, next.start)
        })
}

fn busiest(members: &[ClassRun]) -> Vec<Flow> {
    let mut weights: BTreeMap<Flow, u64> = BTreeMap::new();
    for run in members {
        if let Some(flow) = run.flow {
            *weights.entry(flow).or_default() += run.frames;
        }
    }
    let mut flows: Vec<_> = weights.into_iter().collect();
    flows.sort_by_key(|(flow, frames)| (std::cmp::Reverse(*frames), *flow));
    flows.into_iter().take(MAX_FLOWS).map(|(flow, _)| flow).collect()
}

/// Flows listed for each window.
pub const MAX_FLOWS: usize = 3;
