//! Assigns candidates to roles: what opened the window, what kept it open, and the one list of both.
//!
//! The rules decide which roles a cause can have; this file decides the order. docs/causes.md, "Roles".

use super::{Against, Candidate, Cause, FactRef, Opening, Why};
use crate::catalogue::{Confidence, Reason};
use crate::correlate::CleartextWindow;
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What kept a window open, from when to when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOpen {
    /// The cause.
    pub cause: Cause,
    /// Where it begins inside the window.
    pub start: Timestamp,
    /// Where it ends inside the window.
    pub end: Timestamp,
}

/// How a window ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClosedBy {
    /// New security associations came up.
    Negotiated,
    /// The policy was changed.
    PolicyChanged,
    /// A service that IPsec needs was started.
    ServiceStarted,
    /// The two hosts sent nothing more.
    TrafficEnded,
    /// The capture ended.
    CaptureEnded,
}

impl ClosedBy {
    /// Every way.
    pub const ALL: [Self; 5] = [
        Self::Negotiated,
        Self::PolicyChanged,
        Self::ServiceStarted,
        Self::TrafficEnded,
        Self::CaptureEnded,
    ];

    /// The code as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Negotiated => "negotiated",
            Self::PolicyChanged => "policy_changed",
            Self::ServiceStarted => "service_started",
            Self::TrafficEnded => "traffic_ended",
            Self::CaptureEnded => "capture_ended",
        }
    }

    /// What it means, in a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Negotiated => {
                "New security associations were established as the clear text ended."
            }
            Self::PolicyChanged => "A log records a policy change as the clear text ended.",
            Self::ServiceStarted => {
                "A log records the start of a service that IPsec needs before the clear text ended."
            }
            Self::TrafficEnded => {
                "The two hosts sent no clear text while the capture continued, to its end or to their next window; nothing shows that the next packet would be protected."
            }
            Self::CaptureEnded => "The capture ended; the clear text may have continued.",
        }
    }
}

/// What closed a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// How it ended.
    pub code: ClosedBy,
    /// 0 to 100.
    pub score: u8,
    /// The facts it rests on.
    pub refs: BTreeSet<super::FactRef>,
    /// The evidence for it.
    pub why: Why,
}

impl Closing {
    /// How sure it is.
    #[must_use]
    pub const fn confidence(&self) -> Confidence {
        Confidence::of_score(self.score)
    }
}

/// The causes of one window by role.
pub(super) struct Roles {
    pub(super) opened_by: Vec<Cause>,
    pub(super) kept_open_by: Vec<KeptOpen>,
    pub(super) causes: Vec<Cause>,
}

/// Assigns a role to every candidate.
pub(super) fn assign(window: &CleartextWindow, candidates: Vec<Candidate>) -> Roles {
    let mut candidates = one_a_reason(candidates);
    candidates.iter_mut().for_each(|candidate| shorten(&mut candidate.cause.refs));
    let opened_by = opened(&candidates);
    let (kept, little) = kept(window, &candidates);
    let mut causes: Vec<Cause> = Vec::new();
    let mut named: BTreeSet<Reason> = BTreeSet::new();
    let leading = kept.iter().map(|kept| &kept.cause).chain(&opened_by);
    let rest =
        sorted(candidates.into_iter().map(|candidate| match little.get(&candidate.cause.reason) {
            Some(weak) => weak.cause.clone(),
            None => candidate.cause,
        }));
    for cause in leading.cloned().chain(rest).collect::<Vec<_>>() {
        if named.insert(cause.reason) {
            causes.push(cause);
        }
    }
    // What covers less than half ranks after what covers more, and alone it keeps nothing open.
    let mut kept_open_by = kept;
    if !kept_open_by.is_empty() {
        let mut little: Vec<KeptOpen> = little.into_values().collect();
        little.sort_by_key(|kept| (Reverse(kept.cause.score), kept.cause.reason));
        kept_open_by.extend(little);
    }
    Roles { opened_by, kept_open_by, causes }
}

/// Keeps the first and the last facts where there are very many, because every window's causes list them.
fn shorten(refs: &mut BTreeSet<FactRef>) {
    if refs.len() > 2 * MOST_REFS {
        let first: Vec<FactRef> = refs.iter().take(MOST_REFS).copied().collect();
        let last: Vec<FactRef> = refs.iter().rev().take(MOST_REFS).copied().collect();
        *refs = first.into_iter().chain(last).collect();
    }
}

/// Facts of a cause that are listed from the beginning, and from the end.
const MOST_REFS: usize = 50;

/// Two rules may reach the same reason from different sides: the better one is kept, with the facts and
/// stretches of both.
fn one_a_reason(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut best: BTreeMap<Reason, Candidate> = BTreeMap::new();
    for mut candidate in candidates {
        match best.get_mut(&candidate.cause.reason) {
            Some(known) => {
                if known.cause.score < candidate.cause.score {
                    std::mem::swap(known, &mut candidate);
                }
                known.cause.refs.extend(candidate.cause.refs);
                known.lasting.extend(candidate.lasting);
                known.lasting.sort_unstable();
                known.opening = match (known.opening, candidate.opening) {
                    (Opening::Opened, _) | (_, Opening::Opened) => Opening::Opened,
                    (Opening::FirstAttempt, _) | (_, Opening::FirstAttempt) => {
                        Opening::FirstAttempt
                    }
                    (Opening::None, Opening::None) => Opening::None,
                };
            }
            None => {
                best.insert(candidate.cause.reason, candidate);
            }
        }
    }
    best.into_values().collect()
}

fn sorted(causes: impl Iterator<Item = Cause>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = causes.collect();
    causes.sort_by_key(|cause| (Reverse(cause.score), cause.reason));
    causes
}

/// What happened at the beginning. A failed negotiation counts where nothing else ended a protection: a
/// deletion makes a negotiation necessary, and its outcome kept the window open.
fn opened(candidates: &[Candidate]) -> Vec<Cause> {
    let is_opened = |candidate: &&Candidate| candidate.opening == Opening::Opened;
    let has_ended = candidates
        .iter()
        .filter(is_opened)
        .any(|candidate| candidate.cause.confidence() != Confidence::Low);
    sorted(
        candidates
            .iter()
            .filter(|candidate| match candidate.opening {
                Opening::Opened => true,
                Opening::FirstAttempt => !has_ended,
                Opening::None => false,
            })
            .map(|candidate| candidate.cause.clone()),
    )
}

/// What lasted over at least half of the window, the best first, then what lasted over less, which is `low`.
fn kept(
    window: &CleartextWindow,
    candidates: &[Candidate],
) -> (Vec<KeptOpen>, BTreeMap<Reason, KeptOpen>) {
    let (start, end) = (window.run.start, window.run.end);
    let length = end.since(start).0;
    let (mut most, mut little) = (Vec::new(), BTreeMap::new());
    for candidate in candidates {
        let inside = candidate.lasting.iter().filter(|(from, to)| *from <= end && *to >= start);
        let clipped: Vec<(Timestamp, Timestamp)> =
            inside.map(|(from, to)| ((*from).max(start), (*to).min(end))).collect();
        let (Some(first), Some(last)) =
            (clipped.iter().map(|(from, _)| *from).min(), clipped.iter().map(|(_, to)| *to).max())
        else {
            continue;
        };
        let covered = covered(&clipped);
        let mut cause = candidate.cause.clone();
        if covered.saturating_mul(2) >= length {
            most.push(KeptOpen { cause, start: first, end: last });
        } else {
            cause.score = cause.score.min(MOST_LOW);
            let percent = i128::from(covered) * 100 / i128::from(length.max(1));
            let percent = u8::try_from(percent).unwrap_or(0);
            cause.against.push(Against::CoversLittle { percent });
            little.insert(cause.reason, KeptOpen { cause, start: first, end: last });
        }
    }
    most.sort_by_key(|kept| (Reverse(kept.cause.score), kept.cause.reason));
    (most, little)
}

/// Nanoseconds covered by stretches in order of their beginning; overlaps count once.
fn covered(stretches: &[(Timestamp, Timestamp)]) -> i64 {
    let mut until = Timestamp(i64::MIN);
    let mut sum: i64 = 0;
    for (from, to) in stretches {
        let from = (*from).max(until);
        sum = sum.saturating_add(to.since(from).0.max(0));
        until = until.max(*to);
    }
    sum
}

/// The highest score that is not called `high`.
pub(super) const MOST_MEDIUM: u8 = 79;
/// The highest score that is called `low`.
pub(super) const MOST_LOW: u8 = 49;
