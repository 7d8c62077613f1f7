//! What the captures show beside IKE: when protected traffic ran, and until when they went on.
//!
//! Knows when, not what.

use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// When one ESP or AH SPI of a pair was in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EspUse {
    /// First packet.
    pub start: Timestamp,
    /// Last packet.
    pub end: Timestamp,
}

/// Per pair the use of its SPIs, and the end of each capture.
#[derive(Clone, Debug, Default)]
pub struct EspActivity {
    pairs: BTreeMap<HostPair, PairActivity>,
    captures: BTreeMap<EvidenceId, Timestamp>,
}

/// One pair's uses by start, and beside each the latest end up to it.
#[derive(Clone, Debug, Default)]
struct PairActivity {
    uses: Vec<EspUse>,
    latest_end: Vec<Timestamp>,
}

/// A stretch of a negotiation, and when the pair's next one begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) next: Option<Timestamp>,
}

impl EspActivity {
    /// Notes a pair's uses, in any order.
    pub fn insert(&mut self, pair: HostPair, mut uses: Vec<EspUse>) {
        uses.sort_unstable();
        let mut latest = Timestamp(i64::MIN);
        let latest_end = uses
            .iter()
            .map(|u| {
                latest = latest.max(u.end);
                latest
            })
            .collect();
        self.pairs.insert(pair, PairActivity { uses, latest_end });
    }

    /// Notes until when a capture went on.
    pub fn ends(&mut self, capture: EvidenceId, end: Timestamp) {
        self.captures.insert(capture, end);
    }

    /// Whether a new SPI of the pair appeared within the stretch or within [`FRUIT`] of its last
    /// message, and before the pair's next negotiation, which would be its likelier origin.
    pub(super) fn bears_fruit(&self, pair: HostPair, stretch: Stretch) -> bool {
        let Some(activity) = self.pairs.get(&pair) else { return false };
        let first = activity.uses.partition_point(|u| u.start < stretch.first);
        activity.uses.get(first).is_some_and(|u| {
            u.start <= stretch.last.shifted(FRUIT) && stretch.next.is_none_or(|next| u.start < next)
        })
    }

    /// Whether an SPI of the pair was in use at some time before this point and none goes on
    /// behind it, but for packets under way.
    pub(super) fn stops_at(&self, pair: HostPair, at: Timestamp) -> bool {
        let Some(activity) = self.pairs.get(&pair) else { return false };
        let begun = activity.uses.partition_point(|u| u.start <= at);
        let latest = begun.checked_sub(1).and_then(|last| activity.latest_end.get(last));
        latest.is_some_and(|end| *end <= at.shifted(UNDER_WAY))
    }

    /// Whether the capture went on long enough after a request for its answer to come. A capture
    /// whose end is not known is taken to.
    pub(super) fn would_show_an_answer(&self, capture: EvidenceId, sent: Timestamp) -> bool {
        self.captures.get(&capture).is_none_or(|end| *end >= sent.shifted(ANSWER))
    }
}

/// Packets under way when a security association is deleted arrive a little later.
const UNDER_WAY: Span = Span::from_seconds(1);
/// A new SPI that follows an exchange within this time is taken for its fruit; RFC 7296 §2.4
/// leaves it to traffic when the first packet goes.
const FRUIT: Span = Span::from_seconds(10);
/// A peer that is there answers within a round trip and some computation.
const ANSWER: Span = Span::from_seconds(2);
