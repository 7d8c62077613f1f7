//! Clear packets of one capture that another shows inside ESP: the two sides of a gateway.
//!
//! On its inner side a gateway's traffic is clear, on its outer side the same packets travel under ESP a
//! moment later or earlier. A clear packet is set aside only where an ESP packet of the other capture lies within ten
//! milliseconds and has a length that can hold it, where four of five packets of that SPI, and eight at the
//! least, have such a clear packet under one layout and in one order, and where neither capture shows what the
//! other side of the gateway would not: the first nothing of that pair's ESP, the second nothing of the clear pair in
//! clear. Equal lengths and rhythm alone prove nothing: a leak beside ESP is seen by the capture that shows the ESP.
//! Captures whose clocks differ by more are not compared.

use super::timeline::{ClassRun, Runs};
use super::{CaptureSummary, Summary};
use crate::evidence::EvidenceId;
use crate::hosts::{Direction, HostPair};
use crate::protection::{ProtectionClass, Stream};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An ESP packet as far as another capture may show what is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EspMark {
    /// When it was seen.
    pub time: Timestamp,
    /// Its length from the SPI on.
    pub length: u32,
}

impl Summary {
    /// Sets aside what other captures show inside ESP. Asked again, it finds nothing more.
    pub(super) fn set_aside_what_others_show_inside_esp(&mut self) {
        let found: Vec<(EvidenceId, BTreeSet<Place>)> = self
            .captures
            .iter()
            .map(|(id, inner)| (*id, self.inside_others(*id, inner)))
            .filter(|(_, places)| !places.is_empty())
            .collect();
        for (id, places) in found {
            if let Some(capture) = self.captures.get_mut(&id) {
                capture.set_inside_others_aside(&places);
            }
        }
    }

    /// The clear packets of a capture that others show inside ESP.
    fn inside_others(&self, id: EvidenceId, inner: &CaptureSummary) -> BTreeSet<Place> {
        let mut all = BTreeSet::new();
        let Some((from, to)) = inner.span.filter(|_| !inner.clear_packets.is_empty()) else {
            return all;
        };
        let (from, to) = (from.shifted(SOON.negated()), to.shifted(SOON));
        let others = self.captures.iter().filter(|(other, _)| **other != id);
        for (_, outer) in others.filter(|(_, outer)| !outer.esp_packets.is_empty()) {
            if !outer.span.is_some_and(|(begin, end)| begin <= to && from <= end) {
                continue;
            }
            let plain = Plain::of(inner, outer);
            let mut taken = BTreeSet::new();
            for ((pair, _), packets) in &outer.esp_packets {
                if has_class(inner, *pair, ProtectionClass::Esp) {
                    continue;
                }
                let within = packets.iter().filter(|esp| from <= esp.time && esp.time <= to);
                let mut within: Vec<EspMark> = within.copied().collect();
                within.sort_unstable_by_key(|esp| (esp.time, esp.length));
                all.extend(plain.inside(&within, &mut taken));
            }
        }
        all
    }
}

/// A clear packet: its pair and stream, and its place among their packets.
type Place = (HostPair, Stream, usize);

/// A clear packet as far as ESP may hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct One {
    time: Timestamp,
    length: u32,
    direction: Direction,
    place: Place,
}

/// The clear packets of a capture, in order of time.
struct Plain(Vec<One>);

impl Plain {
    /// Those of streams that are known packet by packet, and of pairs that the other capture does not
    /// show in clear.
    fn of(inner: &CaptureSummary, outer: &CaptureSummary) -> Self {
        let mut all = Vec::new();
        for ((pair, stream), packets) in &inner.clear_packets {
            let runs = inner.streams.get(pair).and_then(|streams| streams.get(stream));
            let frames: u64 = runs.into_iter().flatten().map(|run| run.frames).sum();
            if frames != packets.len() as u64 || has_class(outer, *pair, ProtectionClass::Clear) {
                continue;
            }
            let places = packets.iter().enumerate();
            all.extend(places.map(|(at, packet)| One {
                time: packet.time,
                length: packet.packet_len,
                direction: packet.direction,
                place: (*pair, *stream, at),
            }));
        }
        all.sort_unstable();
        Self(all)
    }

    /// Those near an ESP packet, before it or behind it, the nearest first.
    fn near(&self, esp: EspMark, order: Order) -> impl Iterator<Item = (usize, &One)> {
        let (from, to) = match order {
            Order::ClearFirst => (esp.time.shifted(SOON.negated()), esp.time),
            Order::EspFirst => (esp.time, esp.time.shifted(SOON)),
        };
        let first = self.0.partition_point(|one| one.time < from);
        let behind = self.0.partition_point(|one| one.time <= to).max(first);
        let near = self.0.get(first..behind).unwrap_or_default();
        let near = || near.iter().enumerate().map(move |(at, one)| (first + at, one));
        let forth = (order == Order::EspFirst).then(|| near().take(MOST_NEAR));
        let back = (order == Order::ClearFirst).then(|| near().rev().take(MOST_NEAR));
        forth.into_iter().flatten().chain(back.into_iter().flatten())
    }

    /// Those that the packets of one SPI hold, where nearly all of these hold one.
    fn inside(&self, packets: &[EspMark], taken: &mut BTreeSet<usize>) -> Vec<Place> {
        let mut votes: BTreeMap<Agreement, usize> = BTreeMap::new();
        for esp in packets {
            let mut seen = BTreeSet::new();
            for order in [Order::ClearFirst, Order::EspFirst] {
                for (_, one) in self.near(*esp, order) {
                    seen.extend(layouts(esp.length, one.length).map(|layout| (order, layout)));
                }
            }
            seen.into_iter().for_each(|agreed| *votes.entry(agreed).or_default() += 1);
        }
        let is_rule = |votes: usize| votes >= FEWEST && votes * 5 >= packets.len() * 4;
        // Of equals the first: clear before ESP, the smallest block.
        let best =
            votes.iter().max_by_key(|(agreed, votes)| (**votes, std::cmp::Reverse(**agreed)));
        let Some((agreed, _)) = best.filter(|(_, votes)| is_rule(**votes)) else {
            return Vec::new();
        };
        let matched = self.matched(packets, *agreed, taken);
        if !is_rule(matched.len()) {
            return Vec::new();
        }
        taken.extend(matched.iter().map(|(at, _)| *at));
        matched.into_iter().map(|(_, one)| one.place).collect()
    }

    /// Each ESP packet's nearest clear one that it can hold and no other holds. An SPI carries the
    /// packets of a pair one way; which, most of them tell.
    fn matched(
        &self,
        packets: &[EspMark],
        agreed: Agreement,
        taken: &BTreeSet<usize>,
    ) -> Vec<(usize, &One)> {
        let mut forth: BTreeMap<HostPair, i64> = BTreeMap::new();
        for (_, one) in self.nearest(packets, agreed, |at, _| !taken.contains(&at)) {
            let way = if one.direction == Direction::AToB { 1 } else { -1 };
            *forth.entry(one.place.0).or_default() += way;
        }
        self.nearest(packets, agreed, |at, one| {
            let forth = forth.get(&one.place.0).is_some_and(|forth| *forth >= 0);
            !taken.contains(&at) && forth == (one.direction == Direction::AToB)
        })
    }

    fn nearest(
        &self,
        packets: &[EspMark],
        (order, layout): Agreement,
        may: impl Fn(usize, &One) -> bool,
    ) -> Vec<(usize, &One)> {
        let mut held = BTreeSet::new();
        let mut nearest = Vec::new();
        for esp in packets {
            let holds = |(at, one): &(usize, &One)| {
                !held.contains(at)
                    && may(*at, one)
                    && layouts(esp.length, one.length).any(|fits| fits == layout)
            };
            if let Some(found) = self.near(*esp, order).find(holds) {
                held.insert(found.0);
                nearest.push(found);
            }
        }
        nearest
    }
}

/// Which of the two was captured first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    ClearFirst,
    EspFirst,
}

/// What all packets of an SPI have in common: the order, the block that is padded to, and what is
/// around.
type Agreement = (Order, (u32, u32));

/// How an ESP packet can hold an IP packet (RFC 4303 §2): padded with two octets of trailer to a block, and behind
/// SPI, sequence number and vector, before a check value. Not all that encapsulates pads.
fn layouts(esp: u32, packet: u32) -> impl Iterator<Item = (u32, u32)> {
    BLOCKS.into_iter().filter_map(move |block| {
        let around = esp.checked_sub(packet.checked_add(2)?.checked_next_multiple_of(block)?)?;
        AROUND.contains(&around).then_some((block, around))
    })
}

fn has_class(capture: &CaptureSummary, pair: HostPair, class: ProtectionClass) -> bool {
    let streams = capture.streams.get(&pair).into_iter().flatten();
    streams.into_iter().any(|(stream, _)| stream.class() == class)
}

impl CaptureSummary {
    fn set_inside_others_aside(&mut self, places: &BTreeSet<Place>) {
        let keys: BTreeSet<(HostPair, Stream)> = places.iter().map(|(p, s, _)| (*p, *s)).collect();
        for (pair, stream) in keys {
            let Some(packets) = self.clear_packets.remove(&(pair, stream)) else { continue };
            let (mut inside, mut rest) = (Runs::default(), Runs::default());
            for (at, seen) in packets.into_iter().enumerate() {
                let runs =
                    if places.contains(&(pair, stream, at)) { &mut inside } else { &mut rest };
                runs.observe(seen);
            }
            let of_pair = self.inside_others.entry(pair).or_default();
            of_pair.insert(stream, inside.finish());
            let streams = self.streams.entry(pair).or_default();
            let rest: Vec<ClassRun> = rest.finish();
            if rest.is_empty() {
                streams.remove(&stream);
            } else {
                streams.insert(stream, rest);
            }
            if streams.is_empty() {
                self.streams.remove(&pair);
            }
        }
    }
}

/// A gateway takes less; the clocks of two captures may add a little.
const SOON: Span = Span::from_millis(10);
/// Clear packets near an ESP packet that are compared.
const MOST_NEAR: usize = 64;
const BLOCKS: [u32; 4] = [1, 4, 8, 16];
/// SPI and sequence number 8, a vector of 0, 8 or 16, a check value of 8 to 32.
const AROUND: std::ops::RangeInclusive<u32> = 16..=56;
/// Eight in a row are no chance.
const FEWEST: usize = 8;
