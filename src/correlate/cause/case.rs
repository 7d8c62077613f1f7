//! One window and the part of the facts that can bear on it.
//!
//! Answers questions; the rules that ask them are in `rules`.

use super::index::Index;
use super::states::Seen;
use super::{DeleteBasis, JITTER};
use crate::correlate::CleartextWindow;
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, PossibleDelete};
use crate::time::{Span, Timestamp};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One window and the part of the facts that can bear on it.
pub(super) struct Case<'a> {
    pub(super) window: &'a CleartextWindow,
    pub(super) index: &'a Index<'a>,
    /// Who negotiates for the pair: itself, or the gateways whose tunnel carries it.
    pub(super) negotiators: BTreeSet<HostPair>,
    /// The pair has IPsec of its own.
    pub(super) is_own: bool,
    /// A log's selectors name the negotiators as its gateways.
    pub(super) is_tied: bool,
    /// Pairs that may carry this traffic, for all that is known: they show ESP on the same capture.
    pub(super) perhaps: BTreeSet<HostPair>,
    /// The stretch in which a cause can lie begins with the last protected packet before the
    /// window, but no further back than [`LOOKBACK`].
    pub(super) from: Timestamp,
    /// The starts of their negotiations, from `from` to the window's end.
    pub(super) attempts: BTreeSet<Timestamp>,
    pub(super) found_deletion: OnceCell<Option<Deletion>>,
    /// When security associations were last created before the window.
    pub(super) last_made: OnceCell<Option<Timestamp>>,
    /// See `sender_under_both`.
    pub(super) found_sender: OnceCell<Option<IpAddr>>,
    /// See `states`.
    pub(super) found_states: OnceCell<Vec<Seen<'a>>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(window: &'a CleartextWindow, index: &'a Index<'a>) -> Self {
        let is_own = index.has_own(window.pair);
        let start = window.run.start;
        let mut is_tied = false;
        let mut perhaps = BTreeSet::new();
        let mut negotiators: BTreeSet<HostPair> = [window.pair].into();
        if !is_own {
            let (mut gateways, is_logged) = index.gateways_for(window.pair, &window.run);
            is_tied = is_logged;
            if !is_logged {
                // Other addresses of the same two hosts are no gateways of theirs.
                let own = index.other_paths_of_stations(window.pair);
                gateways.retain(|pair| !own.contains(pair));
            }
            let carries = |pair: &HostPair| is_logged || gives_way(index, *pair, window);
            negotiators = gateways.iter().copied().filter(carries).collect();
            perhaps = gateways;
        }
        let earliest = start.shifted(LOOKBACK.negated());
        let protected = negotiators.iter().filter_map(|pair| index.protected(*pair));
        let last_protected = protected.filter_map(|known| known.last_end_before(start)).max();
        let from =
            last_protected.map_or(earliest, |end| end.shifted(JITTER.negated()).max(earliest));
        let (attempts, found_deletion) = (BTreeSet::new(), OnceCell::new());
        let mut case = Self {
            window,
            index,
            negotiators,
            is_own,
            is_tied,
            perhaps,
            from,
            attempts,
            found_deletion,
            last_made: OnceCell::new(),
            found_sender: OnceCell::new(),
            found_states: OnceCell::new(),
        };
        case.attempts =
            case.exchanges(from, window.run.end).into_values().map(|x| x.start).collect();
        case
    }

    /// The window's pair and those that negotiate for it.
    pub(super) fn pairs(&self) -> BTreeSet<HostPair> {
        self.negotiators.iter().copied().chain([self.window.pair]).collect()
    }

    /// The hosts whose services and policies matter.
    pub(super) fn hosts(&self) -> BTreeSet<IpAddr> {
        self.pairs().into_iter().flat_map(|pair| [pair.a(), pair.b()]).collect()
    }

    /// The span in which the cause of the opening can lie.
    pub(super) fn opening(&self) -> (Timestamp, Timestamp) {
        (self.from.shifted(JITTER.negated()), self.window.run.start.shifted(JITTER))
    }

    /// The negotiators' exchanges that touch a span, in order of time; the latest ones where there are very
    /// many.
    pub(super) fn exchanges(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> BTreeMap<usize, &'a IkeExchange> {
        let found = self
            .negotiators
            .iter()
            .flat_map(|pair| self.index.exchanges.touching(*pair, from, to).take(MOST_EXCHANGES));
        found.filter_map(|at| Some((at, self.index.facts.exchanges.get(at)?))).collect()
    }

    pub(super) fn esp_stopped(&self) -> bool {
        let limit = self.window.run.start.shifted(JITTER);
        let mut protected = self.negotiators.iter().filter_map(|pair| self.index.protected(*pair));
        protected.any(|known| known.last_end_before(limit).is_some())
    }

    /// The last protected packet of the negotiators before the window.
    pub(super) fn silent_since(&self) -> Option<Timestamp> {
        let limit = self.window.run.start;
        let protected = self.negotiators.iter().filter_map(|pair| self.index.protected(*pair));
        protected.filter_map(|known| known.last_end_before(limit)).max()
    }

    /// The pair whose negotiations are examined for this one although nothing ties the two; `None` where the
    /// pair negotiates for itself, or a log's selectors name its gateways.
    pub(super) fn untied(&self) -> Option<HostPair> {
        let is_guess = !self.is_own && !self.is_tied;
        self.negotiators.iter().copied().find(|pair| is_guess && *pair != self.window.pair)
    }
}

/// A message that deleted what protected the window's traffic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deletion {
    /// The negotiation: its index in the facts.
    pub(super) exchange: usize,
    pub(super) by: IpAddr,
    pub(super) time: Timestamp,
    pub(super) message: PossibleDelete,
    pub(super) basis: DeleteBasis,
    /// How long before it the last packet of the deleted SAs was; `None` where no capture shows one.
    pub(super) rested: Option<Span>,
    /// The window's clear text may be what it interrupted.
    pub(super) is_like: bool,
}

/// Whether a pair's ESP is present before the window and absent inside: then it is more than a guess that they
/// carry its traffic.
fn gives_way(index: &Index<'_>, pair: HostPair, window: &CleartextWindow) -> bool {
    let Some(known) = index.protected(pair) else { return false };
    let (start, end) = (window.run.start, window.run.end);
    let from = start.shifted(EDGE);
    let until = end.shifted(EDGE.negated()).max(start.shifted(JITTER));
    known.last_end_before(from).is_some_and(|last| start.since(last) <= LOOKBACK)
        && known.touching(from, until).next().is_none()
}

/// Packets in flight when one ends and the other begins.
const EDGE: Span = Span::from_seconds(1);

/// How far back a cause may lie where no protected packet came before: the longest time for which Windows or
/// strongSwan tries a negotiation before it gives up (165 s; RFC 7296 §2.4 leaves the number to the
/// implementation), plus a margin.
pub(super) const LOOKBACK: Span = Span::from_seconds(180);

/// Exchanges of one pair that a window examines: a flood of them must not be examined for every window.
pub(super) const MOST_EXCHANGES: usize = 1_000;
