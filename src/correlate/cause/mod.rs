//! Why a window opened: candidates from captures and logs, each with the evidence for and against it.
//!
//! Scores and their reasons are in docs/causes.md. Which windows exist is decided before.

mod index;

mod case;

mod children;

mod hosts;

mod lifetime;

mod lives;

mod filters;

mod modes;

mod policy_change;

mod sent_ike;

mod rules;

mod uses;
mod weigh;

mod failed;

mod ended;

mod beside;

mod states;

mod timed;

mod roles;

mod closed;

mod why;

pub(super) use filters::{filter_covers, pair_of, tunnel_of};
pub use roles::{ClosedBy, Closing, KeptOpen};
pub use why::{
    Against, DeleteBasis, LogTie, PolicyRecord, StatePlace, StateSeen, TunnelSelectors, Wanted, Why,
};

use super::{CleartextWindow, ExplainedWindow, Facts};
use crate::catalogue::{Confidence, Reason};
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::ike::EspActivity;
use crate::protection::Service;
use crate::time::{Span, Timestamp};
use case::Case;
use index::Index;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A fact that a cause rests on: its index in [`Facts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactRef {
    /// An IKE exchange.
    Exchange(usize),
    /// A log event.
    Event(usize),
}

/// One possible cause of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// From the closed list.
    pub reason: Reason,
    /// 0 to 100.
    pub score: u8,
    /// The facts it rests on.
    pub refs: BTreeSet<FactRef>,
    /// The evidence for it.
    pub why: Why,
    /// The evidence against it.
    pub against: Vec<Against>,
}

/// A cause that a rule found, and the roles that it can have in the window.
#[derive(Clone, Debug)]
struct Candidate {
    cause: Cause,
    /// Its role at the window's beginning.
    opening: Opening,
    /// Stretches in which it kept the window open, in order.
    lasting: Vec<(Timestamp, Timestamp)>,
}

/// The role of a cause at a window's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    /// It ended what protected the two, or permitted clear text.
    Opened,
    /// A negotiation failed: it opened the window unless something else ended protection first.
    FirstAttempt,
    /// None.
    None,
}

impl Cause {
    /// The confidence that its score gives.
    #[must_use]
    pub const fn confidence(&self) -> Confidence {
        Confidence::of_score(self.score)
    }

    /// It happened as the window opened, and did not last.
    const fn opens(self) -> Candidate {
        Candidate { cause: self, opening: Opening::Opened, lasting: Vec::new() }
    }

    /// It lasted over a stretch.
    fn lasts(self, from: Timestamp, to: Timestamp) -> Candidate {
        Candidate { cause: self, opening: Opening::None, lasting: vec![(from, to)] }
    }

    /// It happened as the window opened, and lasted from then on.
    fn opens_and_lasts(self, from: Timestamp, to: Timestamp) -> Candidate {
        Candidate { cause: self, opening: Opening::Opened, lasting: vec![(from, to)] }
    }

    /// A cause that rests on a proposed clock offset is `low`.
    fn weigh_times(&mut self, facts: &Facts) {
        let events = self.refs.iter().filter_map(|fact| match fact {
            FactRef::Event(at) => facts.events.get(*at),
            FactRef::Exchange(_) => None,
        });
        let rests_on_it = events.filter(|e| e.join.is_none()).any(|e| e.is_proposed);
        if rests_on_it {
            self.score = self.score.min(roles::MOST_LOW);
            self.against.push(Against::ProposedClock);
        }
    }
}

/// Finds the causes of every window.
pub(super) fn explain(
    windows: Vec<CleartextWindow>,
    facts: &Facts,
    activity: &EspActivity,
) -> Vec<ExplainedWindow> {
    let mut index = Index::build(facts, activity);
    let mut carried: BTreeMap<IpAddr, BTreeSet<HostPair>> = BTreeMap::new();
    let mut uncovered: BTreeMap<(HostPair, Service), (Timestamp, FrameRef)> = BTreeMap::new();
    // They are in order of time.
    for window in &windows {
        for flow in &window.flows {
            index.clear_flows.entry((window.pair, *flow)).or_insert(window.run.start);
        }
        let case = Case::new(window, &index);
        if case.is_own && case.sender_under_both().is_some() {
            for service in &window.services {
                let first = (window.run.start, window.run.first);
                uncovered.entry((window.pair, *service)).or_insert(first);
            }
        }
        for host in [window.pair.a(), window.pair.b()] {
            let gateways = case.negotiators.iter().filter(|_| !case.is_own);
            carried.entry(host).or_default().extend(gateways);
        }
    }
    (index.carried, index.uncovered) = (carried, uncovered);
    for window in &windows {
        let of_pair = index.clear_services.entry(window.pair).or_default();
        of_pair.push((window.run.start, window.services.clone()));
    }
    let index = index;
    windows
        .into_iter()
        .map(|window| {
            let case = Case::new(&window, &index);
            let mut candidates = case.candidates();
            candidates.iter_mut().for_each(|found| found.cause.weigh_times(facts));
            case.weigh_beginning(&mut candidates);
            let closed_by = case.closed_by(activity);
            let roles = roles::assign(&window, candidates);
            ExplainedWindow {
                window,
                opened_by: roles.opened_by,
                kept_open_by: roles.kept_open_by,
                closed_by,
                causes: roles.causes,
                audits: Vec::new(),
                same_frames_as: BTreeSet::new(),
                shared_frames: 0,
            }
        })
        .collect()
}

/// How far log times may be off after correction, and how long packets may be in flight.
const JITTER: Span = Span::from_seconds(5);
