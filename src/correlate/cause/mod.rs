//! Why a window opened: candidates from wire and logs, each with what speaks for and against it.
//!
//! Scores and their reasons stand in docs/causes.md. Whether a window is one is decided before.

mod index;

mod case;

mod rules;

mod failed;

mod ended;

mod beside;

pub(super) use index::{pair_of, tunnel_of};

use super::{CleartextWindow, ExplainedWindow, Facts};
use crate::catalogue::{Confidence, Reason};
use crate::hosts::HostPair;
use crate::time::Span;
use case::Case;
use index::Index;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What speaks against a cause, in a sentence.
pub type Against = String;

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
    /// The sentence that says why.
    pub why: String,
    /// What speaks against it.
    pub against: Vec<Against>,
}

impl Cause {
    /// How much it can bear.
    #[must_use]
    pub const fn confidence(&self) -> Confidence {
        Confidence::of_score(self.score)
    }

    /// Times that rest on a proposed clock offset alone bear no high confidence.
    fn weigh_times(&mut self, facts: &Facts) {
        let events = self.refs.iter().filter_map(|fact| match fact {
            FactRef::Event(at) => facts.events.get(*at),
            FactRef::Exchange(_) => None,
        });
        let rests_on_it = events.filter(|e| e.join.is_none()).any(|e| e.is_proposed);
        if rests_on_it {
            self.score = self.score.min(BELOW_HIGH);
            self.against.push("the log's clock is only proposed, not measured".to_owned());
        }
    }
}

/// The best score that is not called `high`.
const BELOW_HIGH: u8 = 79;

/// Finds the causes of every window.
pub(super) fn explain(windows: Vec<CleartextWindow>, facts: &Facts) -> Vec<ExplainedWindow> {
    let mut index = Index::of(facts);
    let mut carried: BTreeMap<IpAddr, BTreeSet<HostPair>> = BTreeMap::new();
    for window in &windows {
        let case = Case::of(window, &index);
        for host in [window.pair.a(), window.pair.b()] {
            let gateways = case.negotiators.iter().filter(|_| !case.is_own);
            carried.entry(host).or_default().extend(gateways);
        }
    }
    index.carried = carried;
    let index = index;
    windows
        .into_iter()
        .map(|window| {
            let mut candidates = Case::of(&window, &index).candidates();
            candidates.iter_mut().for_each(|cause| cause.weigh_times(facts));
            let causes = best(candidates);
            ExplainedWindow {
                window,
                causes,
                audits: Vec::new(),
                same_frames_as: BTreeSet::new(),
                shared_frames: 0,
            }
        })
        .collect()
}

/// One cause a reason, the likeliest first. Two rules may reach the same reason from different
/// sides; the better one speaks, and the facts of both are named.
fn best(candidates: Vec<Cause>) -> Vec<Cause> {
    let mut best: BTreeMap<Reason, Cause> = BTreeMap::new();
    for mut cause in candidates {
        match best.get_mut(&cause.reason) {
            Some(known) => {
                if known.score < cause.score {
                    std::mem::swap(known, &mut cause);
                }
                known.refs.extend(cause.refs);
            }
            None => {
                best.insert(cause.reason, cause);
            }
        }
    }
    let mut causes: Vec<Cause> = best.into_values().collect();
    causes.sort_by_key(|c| (std::cmp::Reverse(c.score), c.reason));
    causes
}

/// How far log times may be off after correction, and packets be under way.
const JITTER: Span = Span::from_seconds(5);
