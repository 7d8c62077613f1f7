//! Whether the place of a capture may explain a window: clear packets that the captures may also show inside ESP.
//!
//! Nothing is concluded from it. What a capture is known to show twice is set aside before (`summary::across`,
//! `protection::decrypted_copy`), by conditions that chance does not meet. What is left here meets half of them: most
//! clear packets of a window lie within ten milliseconds of an ESP packet that can hold exactly them, but they are
//! fewer than eight, or all of one length; or they are longer than any ESP packet, as a host shows packets that it put
//! together after decryption or has not yet cut; or another capture, whose clock differs, shows ESP of such lengths in
//! the same order. The window's finding names it, so that nobody accuses a host whose capture was taken inside.

mod merged;
mod other_clock;

use super::{CleartextWindow, Facts, LimitCode, PairFacts, limits};
use crate::evidence::{EvidenceId, FrameRef};
use crate::hosts::{Direction, HostPair};
use crate::ike::IkeExchange;
use crate::policy::Expectation;
use crate::protection::Stream;
use crate::protection::decrypted_copy::{Layouts, PlainLengths, SpiKey};
use crate::summary::{ClassRun, FirstFiles, PacketRecord, Summary, Vantage};
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Why the place of a capture may explain a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceDoubt {
    /// A capture may show the clear packets inside ESP too.
    MayBeInside(MayBeInside),
    /// The two hosts negotiated security associations, and no capture shows a packet under them: their network cards
    /// may protect packets after the capture, and take protection off before it.
    NegotiatedWithoutEsp {
        /// The first frame of the negotiation.
        negotiation: FrameRef,
        /// The clear packets.
        packets: u64,
    },
}

impl PlaceDoubt {
    /// The clear packets that it concerns.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        match self {
            Self::MayBeInside(inside) => inside.packets,
            Self::NegotiatedWithoutEsp { packets, .. } => *packets,
        }
    }
}

/// Clear packets of a window that a capture may also show inside ESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MayBeInside {
    /// How ESP may hold them.
    pub held: Held,
    /// Clear packets that it may hold.
    pub packets: u64,
    /// The clear packets that were compared, of the directions concerned.
    pub compared: u64,
    /// The hosts of the ESP packets.
    pub outside: HostPair,
    /// The capture that shows the ESP packets, by its first file.
    pub capture: EvidenceId,
}

/// How ESP packets may hold clear ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Each within ten milliseconds, in a packet of exactly the length that holds it.
    Each,
    /// Several ESP packets together: the clear packets are longer than any of them.
    Merged,
    /// In another capture, whose clock is ahead by so much, in the same order.
    OtherClock(Span),
}

/// Where captures were taken, as far as the user states it or their content proves it.
pub(super) fn vantages(summary: &Summary) -> BTreeMap<EvidenceId, Vantage> {
    let captures = summary.captures.iter();
    captures.filter_map(|(evidence, capture)| Some((*evidence, capture.vantage()?))).collect()
}

/// By pair and beginning of a window, why the place of a capture may explain it.
pub(super) type PlaceDoubts = BTreeMap<(HostPair, Timestamp), PlaceDoubt>;

impl Facts {
    /// Finds what the place of a capture may explain, and notes it as a limit of the pairs.
    pub(super) fn doubt_places(&mut self, summary: &Summary, windows: &[CleartextWindow]) {
        let captures = Captures::gather(summary);
        let mut negotiated: BTreeMap<HostPair, Vec<&IkeExchange>> = BTreeMap::new();
        for exchange in self.exchanges.iter().filter(|it| !it.completions.is_empty()) {
            let of_pair = negotiated.entry(exchange.pair()).or_default();
            if of_pair.len() < MOST_NEGOTIATIONS {
                of_pair.push(exchange);
            }
        }
        let mut budget = MOST_COMPARISONS;
        let mut doubts = PlaceDoubts::new();
        let mut of_pairs: BTreeMap<HostPair, Vec<(u64, EvidenceId)>> = BTreeMap::new();
        for CleartextWindow { pair, run, .. } in windows {
            let inside = captures.find(*pair, run, &mut budget).map(PlaceDoubt::MayBeInside);
            let without = || self.negotiated_without_esp(*pair, run, negotiated.get(pair)?);
            if let Some(doubt) = inside.or_else(without) {
                doubts.insert((*pair, run.start), doubt);
                let shown = (doubt.packets(), run.first.evidence);
                of_pairs.entry(*pair).or_default().push(shown);
            }
        }
        let required = |pair: &&mut PairFacts| matches!(pair.expectation, Expectation::Required(_));
        for pair in self.pairs.iter_mut().filter(required) {
            for (packets, capture) in of_pairs.get(&pair.pair).into_iter().flatten() {
                limits::add(&mut pair.limits, LimitCode::Vantage, *packets, &[*capture]);
            }
        }
        self.place_doubts = doubts;
    }

    /// Both hosts sent in clear while security associations that they had negotiated were in force, and no packet of
    /// theirs is protected anywhere.
    fn negotiated_without_esp(
        &self,
        pair: HostPair,
        run: &ClassRun,
        negotiated: &[&IkeExchange],
    ) -> Option<PlaceDoubt> {
        let facts = self.pair(pair).filter(|_| run.is_answered())?;
        if facts.by_class.iter().any(|(class, _)| class.is_ipsec()) {
            return None;
        }
        let in_force = negotiated.iter().find(|exchange| {
            let is_over = exchange.deleted.is_some_and(|(_, at)| at <= run.start);
            let first = exchange.completions.iter().min();
            first.is_some_and(|at| *at <= run.end) && !is_over
        })?;
        let (negotiation, packets) = (in_force.first, run.frames);
        Some(PlaceDoubt::NegotiatedWithoutEsp { negotiation, packets })
    }
}

/// An ESP packet: when, the number of its SPI, and its bytes from the SPI on.
type Mark = (Timestamp, usize, u32);

/// A clear packet, as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Clear {
    time: Timestamp,
    packet: u32,
    payload: u32,
}

/// The packets of one capture that are known one by one.
#[derive(Debug, Default)]
struct Known {
    spis: Vec<SpiKey>,
    /// In order of time.
    esp: Vec<Mark>,
    /// By the number of the SPI, the same.
    of_spis: Vec<Vec<(Timestamp, u32)>>,
    /// By the number of the SPI, the length of its longest packet.
    longest: Vec<u32>,
    /// By pair and direction, in order of time.
    clear: BTreeMap<HostPair, [Vec<Clear>; 2]>,
    /// Nothing is decrypted there, as the user states.
    is_outside: bool,
}

struct Captures(BTreeMap<EvidenceId, Known>, FirstFiles);

impl Captures {
    fn gather(summary: &Summary) -> Self {
        let first_files = summary.first_files();
        let mut all: BTreeMap<EvidenceId, Known> = BTreeMap::new();
        for (file, capture) in &summary.captures {
            let known = all.entry(first_files.of(*file)).or_default();
            known.is_outside |= capture.stated_vantage == Some(Vantage::Wan);
            for (sa, packets) in &capture.esp_packets {
                let number = known.spis.len();
                known.spis.push(*sa);
                known.longest.push(packets.iter().map(|esp| esp.length).max().unwrap_or_default());
                let marks = packets.iter().map(|esp| (esp.time, esp.length));
                let mut marks: Vec<(Timestamp, u32)> = marks.collect();
                marks.sort_unstable();
                known.esp.extend(marks.iter().map(|(time, length)| (*time, number, *length)));
                known.of_spis.push(marks);
            }
            for ((pair, _), packets) in &capture.clear_packets {
                let [forth, back] = known.clear.entry(*pair).or_default();
                for seen in packets.iter().filter(|seen| !seen.is_decrypted_copy) {
                    let way =
                        if seen.direction == Direction::AToB { &mut *forth } else { &mut *back };
                    let PacketRecord { time, packet_len: packet, payload, .. } = *seen;
                    way.push(Clear { time, packet, payload });
                }
            }
        }
        for known in all.values_mut() {
            known.esp.sort_unstable();
            known.clear.values_mut().flatten().for_each(|clear| clear.sort_unstable());
        }
        Self(all, first_files)
    }

    fn find(&self, pair: HostPair, run: &ClassRun, budget: &mut u64) -> Option<MayBeInside> {
        let capture = self.1.of(run.first.evidence);
        let known = self.0.get(&capture).filter(|known| !known.is_outside)?;
        let each = known.clear_of(pair, run);
        let own = known.in_own(pair, each, budget).map(|(held, packets, compared, outside)| {
            MayBeInside { held, packets, compared, outside, capture }
        });
        own.or_else(|| {
            let others = self.0.iter().filter(|(id, _)| **id != capture);
            others.filter_map(|(id, other)| other.in_other(*id, pair, each, budget)).next()
        })
    }
}

impl Known {
    /// The clear packets of a window by direction, in order of time; the first ones where there are very many.
    fn clear_of(&self, pair: HostPair, run: &ClassRun) -> [&[Clear]; 2] {
        let of_pair = self.clear.get(&pair);
        [0, 1].map(|way| {
            let all = of_pair.and_then(|ways| ways.get(way)).map(Vec::as_slice).unwrap_or_default();
            let first = all.partition_point(|seen| seen.time < run.start);
            let behind = all.partition_point(|seen| seen.time <= run.end).max(first);
            all.get(first..behind.min(first + MOST_CLEAR)).unwrap_or_default()
        })
    }

    /// How the ESP of the same capture may hold at least half of the packets of one direction or of both.
    fn in_own(
        &self,
        pair: HostPair,
        each: [&[Clear]; 2],
        budget: &mut u64,
    ) -> Option<(Held, u64, u64, HostPair)> {
        let mut found: Option<(Held, u64, u64, HostPair)> = None;
        for (way, clear) in Direction::BOTH.into_iter().zip(each).filter(|(_, c)| !c.is_empty()) {
            let whole = self.whole(pair, way, clear, budget);
            let whole = whole.map(|(spi, count)| (Held::Each, spi, count));
            let is_enough = |(_, _, count): &(Held, usize, u64)| is_most(*count, clear);
            let best = whole.filter(is_enough).or_else(|| {
                let merged = self.merged(pair, way, clear, budget);
                merged.map(|(spi, count)| (Held::Merged, spi, count)).filter(is_enough)
            });
            let Some((held, spi, count)) = best else { continue };
            let Some((outside, _)) = self.spis.get(spi) else { continue };
            let (_, packets, compared, _) = found.get_or_insert((held, 0, 0, *outside));
            *packets += count;
            *compared += clear.len() as u64;
        }
        // The rest of the window has nothing to do with it where that is most of it.
        let all: u64 = each.iter().map(|clear| clear.len() as u64).sum();
        found.filter(|(_, packets, ..)| packets.saturating_mul(2) >= all)
    }

    /// The SPI whose packets can hold most of these, each of them one, in order.
    fn whole(
        &self,
        pair: HostPair,
        way: Direction,
        clear: &[Clear],
        budget: &mut u64,
    ) -> Option<(usize, u64)> {
        let mut votes: BTreeMap<(usize, Order), Votes> = BTreeMap::new();
        for one in clear {
            for order in [Order::EspFirst, Order::ClearFirst] {
                for (at, (_, spi, length)) in self.near(one.time, order) {
                    if *budget == 0 {
                        return None;
                    }
                    *budget -= 1;
                    let Some(is_own) = self.may_hold(*spi, (pair, way), order) else { continue };
                    let fitting = one.lengths(pair).layouts(*length as usize, is_own);
                    if fitting != Layouts::NONE {
                        votes.entry((*spi, order)).or_default().add(fitting, at);
                    }
                }
            }
            votes.values_mut().for_each(Votes::next);
        }
        let best = votes.iter().map(|((spi, _), votes)| (votes.best(), std::cmp::Reverse(*spi)));
        best.max().map(|(count, spi)| (spi.0, count))
    }

    /// The ESP packets near a time, in their order.
    fn near(&self, time: Timestamp, order: Order) -> impl Iterator<Item = (usize, &Mark)> {
        let (from, to) = match order {
            Order::EspFirst => (time.shifted(SOON.negated()), time),
            Order::ClearFirst => (time, time.shifted(SOON)),
        };
        let first = self.esp.partition_point(|(time, ..)| *time < from);
        let behind = self.esp.partition_point(|(time, ..)| *time <= to).max(first);
        let near = self.esp.get(first..behind).unwrap_or_default();
        near.iter().take(MOST_NEAR).enumerate().map(move |(at, mark)| (first + at, mark))
    }

    /// Whether an SPI may hold packets of a pair in one direction, and whether it is the pair's own. What one host
    /// sends in clear and then under ESP are two packets; a gateway sends what others sent.
    fn may_hold(&self, spi: usize, (pair, way): SideOf, order: Order) -> Option<bool> {
        let (hosts, stream) = self.spis.get(spi)?;
        let is_own = *hosts == pair;
        let fits = match stream {
            Stream::Esp(_, of_spi) if is_own => *of_spi == way && order == Order::EspFirst,
            _ => !is_own,
        };
        fits.then_some(is_own)
    }
}

/// One direction of a pair.
type SideOf = (HostPair, Direction);

impl Clear {
    fn lengths(self, pair: HostPair) -> PlainLengths {
        let header = if pair.a().is_ipv4() { 20 } else { 40 };
        let packet = self.packet as usize;
        PlainLengths { packet, segment: packet.saturating_sub(header) }
    }
}

/// Whether so many are at least half.
fn is_most(count: u64, clear: &[Clear]) -> bool {
    count > 0 && count.saturating_mul(2) >= clear.len() as u64
}

/// Which of the two was captured first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    EspFirst,
    ClearFirst,
}

/// By layout, how many clear packets have an ESP packet that none before them has.
#[derive(Clone, Debug, Default)]
struct Votes {
    /// By layout, the count, and the place behind the last ESP packet that was taken.
    of_layouts: BTreeMap<Layouts, (u64, usize)>,
    /// Layouts that have one for the clear packet at hand.
    now: Layouts,
}

impl Votes {
    fn add(&mut self, fitting: Layouts, at: usize) {
        for layout in fitting.without(self.now).each() {
            let (count, behind) = self.of_layouts.entry(layout).or_default();
            if at >= *behind {
                (*count, *behind) = (*count + 1, at + 1);
                self.now = self.now.and(layout);
            }
        }
    }

    fn next(&mut self) {
        self.now = Layouts::NONE;
    }

    fn best(&self) -> u64 {
        self.of_layouts.values().map(|(count, _)| *count).max().unwrap_or_default()
    }
}

/// As for decrypted copies.
const SOON: Span = Span::from_millis(10);
/// Clear packets of a window and direction that are compared.
const MOST_CLEAR: usize = 1024;
/// ESP packets near a clear one that are compared, before it and after it.
const MOST_NEAR: usize = 64;
/// Completed negotiations of a pair that are considered.
const MOST_NEGOTIATIONS: usize = 64;
/// Comparisons over all windows: some seconds at most.
const MOST_COMPARISONS: u64 = 50_000_000;
