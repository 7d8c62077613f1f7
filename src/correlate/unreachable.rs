//! ICMP errors about IKE datagrams: these were not delivered.

use super::Facts;
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Spi};
use crate::protection::unreachable::{Unreachable, UnreachableWhy};
use crate::summary::{PacketRecord, Summary};
use crate::time::Span;
use std::collections::BTreeMap;

/// ICMP errors about IKE of one kind between two hosts.
#[derive(Clone, Copy, Debug)]
pub struct UnreachableFacts {
    /// The error.
    pub what: Unreachable,
    /// The first.
    pub first: PacketRecord,
    /// The last.
    pub last: PacketRecord,
    /// How many.
    pub count: u64,
}

pub(super) fn gather(summary: &Summary) -> Vec<UnreachableFacts> {
    let all = summary.captures.values().flat_map(|c| &c.unreachable);
    let mut errors: Vec<UnreachableFacts> = all
        .map(|(what, (first, last, count))| UnreachableFacts {
            what: *what,
            first: *first,
            last: *last,
            count: *count,
        })
        .collect();
    errors.sort_by_key(|error| (error.what, error.first.time, error.first.frame));
    errors.dedup_by(|later, known| known.shows_also(later));
    errors.sort_by_key(|error| (error.key(), error.first.time, error.first.frame));
    errors
}

impl UnreachableFacts {
    /// The two hosts whose datagram is quoted.
    #[must_use]
    pub fn pair(&self) -> HostPair {
        HostPair::new(self.what.from, self.what.to)
    }

    /// Merges what another capture of the same time shows: the same errors, captured elsewhere. Counted twice,
    /// a single error, which anybody can forge, would look like several.
    fn shows_also(&mut self, later: &Self) -> bool {
        let is_same = self.what == later.what
            && self.first.frame.evidence != later.first.frame.evidence
            && later.first.time <= self.last.time.shifted(SAME);
        if is_same {
            self.count = self.count.max(later.count);
            self.last = if later.last.time > self.last.time { later.last } else { self.last };
        }
        is_same
    }

    fn key(&self) -> (HostPair, Option<Spi>) {
        (self.pair(), self.what.initiator_spi)
    }
}

impl Facts {
    /// The ICMP errors about a negotiation, counted by kind: by the SPI that they quote, or by time where they
    /// quote none.
    #[must_use]
    pub fn icmp_errors(&self, exchange: &IkeExchange) -> BTreeMap<UnreachableWhy, u64> {
        let of = |key: (HostPair, Option<Spi>)| {
            let first = self.unreachable.partition_point(|error| error.key() < key);
            self.unreachable.iter().skip(first).take_while(move |error| error.key() == key)
        };
        let (from, to) = (exchange.start, exchange.end.shifted(ICMP_DELAY));
        let by_time = of((exchange.pair(), None))
            .filter(|error| error.first.time <= to && error.last.time >= from);
        let about = of((exchange.pair(), Some(exchange.initiator_spi))).chain(by_time);
        about.fold(BTreeMap::new(), |mut kinds, error| {
            *kinds.entry(error.what.why).or_default() += error.count;
            kinds
        })
    }
}

/// An error comes back within a round trip; for a host that does not answer, the router reports it later.
const ICMP_DELAY: Span = Span::from_seconds(5);
/// Times of the same packets in two captures differ by no more than this once their clocks are compared.
const SAME: Span = Span::from_seconds(1);
