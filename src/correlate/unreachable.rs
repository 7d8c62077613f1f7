//! What ICMP says of IKE's datagrams: that they did not arrive.

use super::Facts;
use crate::hosts::HostPair;
use crate::ike::IkeExchange;
use crate::protection::unreachable::{Unreachable, UnreachableWhy};
use crate::summary::{Sighting, Summary};
use crate::time::Span;
use std::collections::BTreeMap;

/// ICMP errors about IKE of one kind between two hosts.
#[derive(Clone, Copy, Debug)]
pub struct UnreachableFacts {
    /// What they say.
    pub what: Unreachable,
    /// The first.
    pub first: Sighting,
    /// The last.
    pub last: Sighting,
    /// How many.
    pub count: u64,
}

pub(super) fn gather(summary: &Summary) -> Vec<UnreachableFacts> {
    let all = summary.captures.values().flat_map(|c| &c.unreachable);
    let mut told: Vec<UnreachableFacts> = all
        .map(|(what, (first, last, count))| UnreachableFacts {
            what: *what,
            first: *first,
            last: *last,
            count: *count,
        })
        .collect();
    told.sort_by_key(|told| (told.pair(), told.first.time, told.first.frame));
    told
}

impl UnreachableFacts {
    /// The two hosts whose datagram is quoted.
    #[must_use]
    pub fn pair(&self) -> HostPair {
        HostPair::new(self.what.from, self.what.to)
    }
}

impl Facts {
    /// The ICMP errors about a negotiation, how many by kind: by the SPI that they quote, or by
    /// time where they quote none.
    #[must_use]
    pub fn icmp_errors(&self, exchange: &IkeExchange) -> BTreeMap<UnreachableWhy, u64> {
        let pair = exchange.pair();
        let (from, to) = (exchange.start, exchange.end.shifted(ICMP_DELAY));
        let first = self.unreachable.partition_point(|told| told.pair() < pair);
        let of_pair = self.unreachable.iter().skip(first).take_while(|told| told.pair() == pair);
        let about = of_pair.filter(|told| match told.what.initiator_spi {
            Some(spi) => spi == exchange.initiator_spi,
            None => told.first.time <= to && told.last.time >= from,
        });
        about.fold(BTreeMap::new(), |mut kinds, told| {
            *kinds.entry(told.what.why).or_default() += told.count;
            kinds
        })
    }
}

/// An error comes back within a round trip; a host that nobody answers for is told later.
const ICMP_DELAY: Span = Span::from_seconds(5);
