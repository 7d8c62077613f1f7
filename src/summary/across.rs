//! Clear packets that a capture also shows inside ESP: the two sides of a gateway, in two captures or in one.
//!
//! On its inner side a gateway's traffic is clear, on its outer side the same packets travel under ESP a
//! moment later or earlier. A clear packet is set aside only where an ESP packet of the other capture lies within ten
//! milliseconds and has a length that can hold it, where four of five packets of that SPI, and eight at the
//! least, have such a clear packet under one layout and in one order, not all of one length, and where neither capture
//! shows what the other side of the gateway would not: the first nothing of that pair's ESP, the second nothing of the clear pair in
//! clear. Equal lengths and rhythm alone prove nothing: a leak beside ESP is seen by the capture that shows the ESP.
//! Captures whose clocks differ by more are not compared.
//!
//! One capture of both sides (all interfaces of the gateway, mirrors of both) shows a packet in clear, then under ESP. There
//! a clear packet is set aside only where another station sent it than sent the ESP packet, by interface, way or
//! link-layer address: what one station sends in clear and under ESP are two packets. The lengths must be four at the
//! least, as equal packets fit each other by chance; one is enough where the capture shows the pair's packets of the other
//! direction decrypted. What shows after decryption is `protection::decrypted_copy`'s.

mod sides;

use self::sides::{Agreement, Order, Sides};
use super::esp_mark::EspMark;
use super::room::Room;
use super::timeline::{ClassRun, Runs};
use super::{CaptureSummary, Summary, Vantage};
use crate::evidence::EvidenceId;
use crate::hosts::{Direction, HostPair};
use crate::packet::origin::Origin;
use crate::protection::{ProtectionClass, Stream};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

impl Summary {
    /// Sets aside what other captures show inside ESP, and what a capture shows inside ESP itself; files that continue
    /// each other are one capture. Asked again, it finds nothing more.
    pub(super) fn set_aside_what_is_shown_inside_esp(&mut self, sequences: &[Vec<EvidenceId>]) {
        let wholes: Vec<Whole<'_>> = sequences.iter().map(|ids| self.whole(ids)).collect();
        let outer: Vec<Outer<'_>> = wholes.iter().filter_map(Outer::of).collect();
        let (mut inside_others, mut inside_esp) = (BTreeSet::new(), BTreeSet::new());
        for inner in &wholes {
            let others = outer.iter().filter(|outer| !std::ptr::eq(outer.whole, inner));
            inner.inside_others(others, (&mut inside_others, &mut inside_esp));
        }
        self.set_places_aside(&inside_others, |capture| &mut capture.inside_others);
        let wholes = sequences.iter().map(|ids| self.whole(ids));
        let inside_own: BTreeSet<Place> =
            wholes.flat_map(|whole| whole.inside_own(&mut inside_esp)).collect();
        self.set_places_aside(&inside_own, |capture| &mut capture.decrypted_copies);
        for ((id, inside), outside) in inside_esp {
            if let Some(capture) = self.captures.get_mut(&id) {
                capture.inside_esp.insert((outside, inside));
            }
        }
    }

    fn whole(&self, ids: &[EvidenceId]) -> Whole<'_> {
        Whole(ids.iter().filter_map(|id| Some((*id, self.captures.get(id)?))).collect())
    }

    fn set_places_aside(
        &mut self,
        places: &BTreeSet<Place>,
        aside: impl Fn(&mut CaptureSummary) -> &mut Aside,
    ) {
        let files: BTreeSet<EvidenceId> = places.iter().map(|(id, ..)| *id).collect();
        for id in files {
            let Some(capture) = self.captures.get_mut(&id) else { continue };
            let out = capture.take_out(id, places);
            let aside = aside(capture);
            for (pair, stream, runs) in out {
                let known = aside.entry(pair).or_default().entry(stream).or_default();
                known.extend(runs.finish());
                known.sort_unstable();
            }
        }
    }
}

/// A capture with ESP, when it was taken, and its ESP packets.
struct Outer<'a> {
    whole: &'a Whole<'a>,
    span: (Timestamp, Timestamp),
    esp: BTreeMap<(HostPair, Stream), Vec<EspMark>>,
}

impl<'a> Outer<'a> {
    /// `None` where the capture shows no ESP.
    fn of(whole: &'a Whole<'a>) -> Option<Self> {
        let (span, esp) = (whole.span()?, whole.esp());
        (!esp.is_empty()).then_some(Self { whole, span, esp })
    }
}

/// The files of one capture.
struct Whole<'a>(Vec<(EvidenceId, &'a CaptureSummary)>);

impl Whole<'_> {
    fn captures(&self) -> impl Iterator<Item = &CaptureSummary> {
        self.0.iter().map(|(_, capture)| *capture)
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let spans = self.captures().filter_map(|capture| capture.span);
        spans.reduce(|all, span| (all.0.min(span.0), all.1.max(span.1)))
    }

    /// Whether the user says that it was taken there.
    fn is_stated(&self, place: Vantage) -> bool {
        self.captures().any(|capture| capture.stated_vantage == Some(place))
    }

    fn has_class(&self, pair: HostPair, class: ProtectionClass) -> bool {
        let streams = self.captures().filter_map(|capture| capture.streams.get(&pair));
        streams.flatten().any(|(stream, _)| stream.class() == class)
    }

    /// The ESP packets of each SPI, in order of time.
    fn esp(&self) -> BTreeMap<(HostPair, Stream), Vec<EspMark>> {
        let mut all: BTreeMap<(HostPair, Stream), Vec<EspMark>> = BTreeMap::new();
        for (key, packets) in self.captures().flat_map(|capture| &capture.esp_packets) {
            all.entry(*key).or_default().extend(packets);
        }
        all.values_mut().for_each(|packets| packets.sort_unstable());
        all
    }

    /// The clear packets that others show inside ESP.
    fn inside_others<'o>(
        &self,
        others: impl Iterator<Item = &'o Outer<'o>>,
        (places, inside_esp): (&mut BTreeSet<Place>, &mut InsideEsp),
    ) {
        // Between the gateways nothing is decrypted.
        if self.is_stated(Vantage::Wan) {
            return;
        }
        let has_clear = self.captures().any(|capture| !capture.clear_packets.is_empty());
        let Some((from, to)) = self.span().filter(|_| has_clear) else { return };
        let (from, to) = (from.shifted(SOON.negated()), to.shifted(SOON));
        // Lengths that are all the same fit each other by chance, unless the user says what the place is.
        let is_stated = self.is_stated(Vantage::Lan);
        for Outer { whole: outer, esp, .. } in
            others.filter(|outer| outer.span.0 <= to && from <= outer.span.1)
        {
            let plain = Plain::of(self, |pair| !outer.has_class(pair, ProtectionClass::Clear));
            let mut taken = BTreeSet::new();
            let unknown = esp.iter().filter(|((pair, _), _)| {
                // Its own ESP of the pair shows that it is not the inner side.
                !self.has_class(*pair, ProtectionClass::Esp)
            });
            for (sa, packets) in unknown {
                let within = packets.iter().filter(|esp| from <= esp.time && esp.time <= to);
                let within: Vec<EspMark> = within.copied().collect();
                let found = plain.inside(&within, Sides::Apart, &mut taken);
                let lengths: BTreeSet<u32> = found.iter().map(|held| held.esp.length).collect();
                if lengths.len() < FEWEST_LENGTHS && !is_stated {
                    continue;
                }
                note(inside_esp, *sa, found.iter().map(|held| held.one.place));
                places.extend(found.into_iter().map(|held| held.one.place));
            }
            plain.follow(places);
        }
    }

    /// The clear packets that the capture itself shows under ESP afterwards.
    fn inside_own(&self, inside_esp: &mut InsideEsp) -> BTreeSet<Place> {
        let mut all = BTreeSet::new();
        let has_clear = self.captures().any(|capture| !capture.clear_packets.is_empty());
        let has_clear = has_clear && !self.is_stated(Vantage::Wan);
        let is_mirror = self.is_stated(Vantage::Mirror);
        let esp = if has_clear { self.esp() } else { BTreeMap::new() };
        if esp.is_empty() {
            return all;
        }
        let plain = Plain::of(self, |_| true);
        let shows_decrypted =
            |pair| self.captures().any(|capture| capture.decrypted_copies.contains_key(&pair));
        let mut taken = BTreeSet::new();
        for (sa, packets) in esp.iter().filter(|_| self.0.len() > 1 && !is_mirror) {
            let held = plain.inside(packets, Sides::InPieces(sa.0), &mut taken);
            let places =
                held.iter().filter(|held| !held.one.is_decrypted_copy).map(|held| held.one.place);
            note(inside_esp, *sa, places.clone());
            all.extend(places);
        }
        for (sa, packets) in esp {
            let sides = if is_mirror { Sides::Mirrored(sa.0) } else { Sides::Together(sa.0) };
            let held = plain.inside(&packets, sides, &mut taken);
            let lengths: BTreeSet<u32> = held.iter().map(|held| held.esp.length).collect();
            let is_no_chance = |pair| lengths.len() >= MOST_BY_CHANCE || shows_decrypted(pair);
            let places = held.iter().map(|held| held.one.place);
            let places = places.filter(|(_, pair, ..)| is_no_chance(*pair));
            note(inside_esp, sa, places.clone());
            all.extend(places);
        }
        plain.follow(&mut all);
        all
    }
}

/// A clear packet: its file, pair and stream, and its place among their packets.
type Place = (EvidenceId, HostPair, Stream, usize);

/// By file and pair of clear packets, the SPI that holds them, with its hosts.
type InsideEsp = BTreeSet<((EvidenceId, HostPair), (HostPair, Stream))>;

fn note(
    inside_esp: &mut InsideEsp,
    outside: (HostPair, Stream),
    places: impl Iterator<Item = Place>,
) {
    inside_esp.extend(places.map(|(file, pair, ..)| ((file, pair), outside)));
}

/// What is set aside, by pair and stream.
type Aside = BTreeMap<HostPair, BTreeMap<Stream, Vec<ClassRun>>>;

/// A clear packet as far as ESP may hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct One {
    time: Timestamp,
    length: u32,
    direction: Direction,
    place: Place,
    origin: Origin,
    /// It is known to show again, decrypted, what came inside ESP.
    is_decrypted_copy: bool,
    /// It repeats a packet directly before it.
    repeats: bool,
}

/// A clear packet with its place among them, and the ESP packet that holds it.
#[derive(Clone, Copy)]
struct Held<'a> {
    at: usize,
    one: &'a One,
    esp: EspMark,
}

/// The clear packets of a capture, in order of time.
struct Plain(Vec<One>);

impl Plain {
    /// Those of streams that are known packet by packet.
    fn of(inner: &Whole<'_>, is_comparable: impl Fn(HostPair) -> bool) -> Self {
        let mut all = Vec::new();
        for (id, capture) in &inner.0 {
            for ((pair, stream), packets) in &capture.clear_packets {
                let runs = capture.streams.get(pair).and_then(|streams| streams.get(stream));
                let frames: u64 = runs.into_iter().flatten().map(|run| run.frames).sum();
                let known = packets.iter().filter(|packet| !packet.is_decrypted_copy).count();
                if frames != known as u64 || !is_comparable(*pair) {
                    continue;
                }
                all.extend(packets.iter().enumerate().map(|(at, packet)| One {
                    time: packet.time,
                    length: packet.packet_len,
                    direction: packet.direction,
                    place: (*id, *pair, *stream, at),
                    origin: packet.origin,
                    is_decrypted_copy: packet.is_decrypted_copy,
                    repeats: packet.repeats,
                }));
            }
        }
        all.sort_unstable();
        Self(all)
    }

    /// Packets that repeat others go where these go.
    fn follow(&self, places: &mut BTreeSet<Place>) {
        let mut before: BTreeMap<(HostPair, Stream, Direction, u32), (Timestamp, bool)> =
            BTreeMap::new();
        for one in &self.0 {
            let (_, pair, stream, _) = one.place;
            let key = (pair, stream, one.direction, one.length);
            if !one.repeats {
                before
                    .insert(key, (one.time, one.is_decrypted_copy || places.contains(&one.place)));
            } else if before
                .get(&key)
                .is_some_and(|(time, is_aside)| *is_aside && one.time.since(*time) <= SOON)
            {
                places.insert(one.place);
            }
        }
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
    fn inside(
        &self,
        packets: &[EspMark],
        sides: Sides,
        taken: &mut BTreeSet<usize>,
    ) -> Vec<Held<'_>> {
        let mut votes: BTreeMap<Agreement, usize> = BTreeMap::new();
        for esp in packets {
            let mut seen = BTreeSet::new();
            for order in sides.orders().iter().copied() {
                for (_, one) in self.near(*esp, order).filter(|(_, one)| sides.may_hold(*esp, one))
                {
                    seen.extend(sides.layouts(*esp, one).map(|layout| (order, layout)));
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
        let matched = self.matched(packets, *agreed, (sides, taken));
        if !is_rule(matched.len()) {
            return Vec::new();
        }
        taken.extend(matched.iter().map(|held| held.at));
        matched
    }

    /// Each ESP packet's nearest clear one that it can hold and no other holds. An SPI carries the
    /// packets of a pair one way; which, most of them show.
    fn matched(
        &self,
        packets: &[EspMark],
        agreed: Agreement,
        (sides, taken): (Sides, &BTreeSet<usize>),
    ) -> Vec<Held<'_>> {
        let mut forth: BTreeMap<HostPair, i64> = BTreeMap::new();
        for Held { one, .. } in self.nearest(packets, sides, agreed, |esp, at, one| {
            !taken.contains(&at) && sides.may_hold(esp, one)
        }) {
            let way = if one.direction == Direction::AToB { 1 } else { -1 };
            *forth.entry(one.place.1).or_default() += way;
        }
        self.nearest(packets, sides, agreed, |esp, at, one| {
            let forth = forth.get(&one.place.1).is_some_and(|forth| *forth >= 0);
            !taken.contains(&at)
                && sides.may_hold(esp, one)
                && forth == (one.direction == Direction::AToB)
        })
    }

    fn nearest(
        &self,
        packets: &[EspMark],
        sides: Sides,
        (order, layout): Agreement,
        may: impl Fn(EspMark, usize, &One) -> bool,
    ) -> Vec<Held<'_>> {
        let mut held = BTreeSet::new();
        let mut nearest = Vec::new();
        for esp in packets {
            let holds = |(at, one): &(usize, &One)| {
                !held.contains(at)
                    && may(*esp, *at, one)
                    && sides.layouts(*esp, one).any(|fits| fits == layout)
            };
            if let Some((at, one)) = self.near(*esp, order).find(holds) {
                held.insert(at);
                nearest.push(Held { at, one, esp: *esp });
            }
        }
        nearest
    }
}

impl CaptureSummary {
    /// Takes packets out of their streams.
    fn take_out(
        &mut self,
        id: EvidenceId,
        places: &BTreeSet<Place>,
    ) -> Vec<(HostPair, Stream, Runs)> {
        let mut out = Vec::new();
        let keys: BTreeSet<(HostPair, Stream)> =
            places.iter().filter(|(of, ..)| *of == id).map(|(_, p, s, _)| (*p, *s)).collect();
        for (pair, stream) in keys {
            let Some(packets) = self.clear_packets.remove(&(pair, stream)) else { continue };
            let (mut inside, mut rest) = (Runs::default(), Runs::default());
            let mut room = Room::default();
            let packets =
                packets.into_iter().enumerate().filter(|(_, seen)| !seen.is_decrypted_copy);
            for (at, seen) in packets {
                let runs =
                    if places.contains(&(id, pair, stream, at)) { &mut inside } else { &mut rest };
                runs.observe(&seen, &mut room);
            }
            out.push((pair, stream, inside));
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
        out
    }
}

/// A gateway takes less; the clocks of two captures may add a little.
const SOON: Span = Span::from_millis(10);
/// Clear packets near an ESP packet that are compared.
const MOST_NEAR: usize = 64;
/// Eight in a row are no chance.
const FEWEST: usize = 8;
/// Packets of one length fit each other by their rhythm alone: two calls of one codec.
const FEWEST_LENGTHS: usize = 2;
/// So many distinct lengths are none either.
const MOST_BY_CHANCE: usize = 4;
