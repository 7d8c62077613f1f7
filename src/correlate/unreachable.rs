//! ICMP errors about IKE datagrams: these were not delivered.

use super::Facts;
use crate::evidence::EvidenceId;
use crate::hosts::{Direction, HostPair};
use crate::ike::{IkeExchange, Spi};
use crate::protection::Stream;
use crate::protection::unreachable::{Unreachable, UnreachableWhy};
use crate::summary::{PacketRecord, Summary};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

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
    /// When the host that was not reached, as they say, sent the other one its first packet of ESP or in clear behind the
    /// first of them.
    pub answered: Option<Timestamp>,
}

pub(super) fn gather(summary: &Summary) -> Vec<UnreachableFacts> {
    let first_files = summary.first_files();
    // Files that continue each other are one capture.
    let mut of_captures: BTreeMap<(EvidenceId, Unreachable), UnreachableFacts> = BTreeMap::new();
    for (id, capture) in &summary.captures {
        for (what, (first, last, count)) in &capture.unreachable {
            let (what, first, last, count) = (*what, *first, *last, *count);
            let errors = UnreachableFacts { what, first, last, count, answered: None };
            let capture = first_files.of(*id);
            let known = of_captures.entry((capture, what));
            known.and_modify(|known| known.goes_on(errors)).or_insert(errors);
        }
    }
    let mut errors: Vec<UnreachableFacts> = of_captures.into_values().collect();
    errors.sort_by_key(|error| (error.what, error.first.time, error.first.frame));
    errors.dedup_by(|later, known| known.shows_also(later));
    errors.sort_by_key(|error| (error.key(), error.first.time, error.first.frame));
    let sent = sent(summary, errors.iter().map(UnreachableFacts::pair).collect());
    for error in &mut errors {
        let way = error.pair().direction_from(error.what.to);
        let times = sent.get(&(error.pair(), way)).map_or(&[][..], Vec::as_slice);
        let at = times.partition_point(|time| *time <= error.first.time);
        error.answered = times.get(at).copied();
    }
    errors
}

/// When each host of these pairs sent a packet of ESP or in clear, of those that are known one by one, in order.
fn sent(
    summary: &Summary,
    pairs: BTreeSet<HostPair>,
) -> BTreeMap<(HostPair, Direction), Vec<Timestamp>> {
    let mut sent: BTreeMap<(HostPair, Direction), Vec<Timestamp>> = BTreeMap::new();
    for capture in summary.captures.values().filter(|_| !pairs.is_empty()) {
        let clear = capture.clear_packets.iter().filter(|((pair, _), _)| pairs.contains(pair));
        for ((pair, _), packets) in clear {
            for packet in packets.iter().filter(|packet| !packet.is_decrypted_copy) {
                sent.entry((*pair, packet.direction)).or_default().push(packet.time);
            }
        }
        let esp = capture.esp_packets.iter().filter(|((pair, _), _)| pairs.contains(pair));
        for ((pair, stream), packets) in esp {
            if let Stream::Esp(_, way) = stream {
                let times = packets.iter().map(|packet| packet.time);
                sent.entry((*pair, *way)).or_default().extend(times);
            }
        }
    }
    sent.values_mut().for_each(|times| times.sort_unstable());
    sent
}

impl UnreachableFacts {
    /// The two hosts whose datagram is quoted.
    #[must_use]
    pub fn pair(&self) -> HostPair {
        HostPair::new(self.what.from, self.what.to)
    }

    /// Takes what another file of the same capture shows.
    fn goes_on(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        let in_time = |seen: &PacketRecord| (seen.time, seen.frame);
        self.first =
            if in_time(&other.first) < in_time(&self.first) { other.first } else { self.first };
        self.last = if in_time(&other.last) > in_time(&self.last) { other.last } else { self.last };
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
