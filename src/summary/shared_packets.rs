//! The same packets in two captures: at both ends, at two taps, or in a converted copy of a file.
//!
//! Two captures show the same packets where several of them, each seen once in either capture, come in both
//! with one and the same distance in time: that of the clocks. Then the later capture, in the order of the files,
//! is set to the clock of the earlier one, and what both show counts once ([`known`]).
//! A packet that was sent again has the same bytes but no constant distance. What a host sends each day has one:
//! captures that show the ESP of the same two hosts under other SPIs are of different times, and so far apart
//! only what holds random numbers is believed.

mod known;

use super::capture_summary::{CaptureSummary, SharedPackets};
use super::fingerprint::{Fingerprint, Print};
use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use crate::packet::protocol;
use crate::protection::{EspSpi, ExemptKind, Stream};
use crate::time::{Span, Timestamp};
use known::Known;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What shows that a packet is the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Packet(Fingerprint),
    /// The beginning of one.
    Head(Fingerprint),
    /// Sender and bytes of an IKE message; its SPIs and nonces are random numbers.
    Ike(IpAddr, u64),
    /// SPI, sequence number and length of an ESP packet.
    Esp(HostPair, Stream, u32, u32),
}

/// A packet of one of the captures as far as it is compared with others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    mark: Mark,
    /// The place of its capture among all.
    at: usize,
    time: Timestamp,
    /// It holds random numbers, so that it is never sent twice.
    is_random: bool,
    /// The capture holds its beginning only.
    is_cut: bool,
}

/// How the captures that show the same packets lie to each other; files that continue each other are one
/// capture. By the later one's place among them, the earlier ones', with how far the later one's clock is ahead and by how many packets that is proven.
type Partners = BTreeMap<usize, BTreeMap<usize, (Span, u64)>>;

/// Finds what captures show that an earlier one shows too, and sets it aside.
pub(super) fn set_aside(
    captures: &mut BTreeMap<EvidenceId, CaptureSummary>,
    sequences: &[Vec<EvidenceId>],
) {
    let mut ahead: BTreeMap<usize, Span> = BTreeMap::new();
    for (later, earlier) in partners(captures, sequences) {
        // The first of those that prove it best.
        let best =
            earlier.iter().max_by_key(|(at, (_, packets))| (*packets, std::cmp::Reverse(*at)));
        let Some((best, (distance, packets))) = best else { continue };
        let of_best = ahead.get(best).copied().unwrap_or(Span(0));
        let clock = Span(distance.0.saturating_add(of_best.0));
        let clock = if clock.magnitude() < TELLING { Span(0) } else { clock };
        ahead.insert(later, clock);
        let files = |at: usize| sequences.get(at).map_or(&[][..], Vec::as_slice);
        let of = files(*best).iter().min().copied();
        let known = earlier.keys().flat_map(|at| files(*at));
        let mut known = Known::of(known.filter_map(|id| captures.get(id)));
        let mut filled = Vec::new();
        for id in files(later) {
            let (Some(capture), Some(of)) = (captures.get_mut(id), of) else { continue };
            capture.set_clock_back(clock);
            filled.push(capture.set_known_aside(&mut known));
            capture.shared_packets = Some(SharedPackets { of, ahead: clock, packets: *packets });
        }
        for (key, packets) in filled.into_iter().flatten() {
            let mut shown = earlier.keys().flat_map(|at| files(*at));
            let first =
                shown.find(|id| captures.get(id).is_some_and(|c| c.esp_gaps.contains_key(&key)));
            if let Some(capture) = first.and_then(|id| captures.get_mut(id)) {
                let numbers = capture.esp_gaps.get_mut(&key);
                if numbers.is_some_and(|numbers| numbers.held_elsewhere(packets) == 0) {
                    capture.esp_gaps.remove(&key);
                }
            }
        }
    }
}

/// Files that show the same packets, each pair with the lower number first.
pub(super) fn same_packets(
    captures: &BTreeMap<EvidenceId, CaptureSummary>,
) -> BTreeSet<(EvidenceId, EvidenceId)> {
    let alone: Vec<Vec<EvidenceId>> = captures.keys().map(|id| vec![*id]).collect();
    let id = |at: usize| alone.get(at)?.first().copied();
    let partners = partners(captures, &alone).into_iter();
    let pairs =
        partners.flat_map(|(later, earlier)| earlier.into_keys().map(move |at| (at, later)));
    pairs.filter_map(|(earlier, later)| Some((id(earlier)?, id(later)?))).collect()
}

/// Which captures show the same packets.
fn partners(
    captures: &BTreeMap<EvidenceId, CaptureSummary>,
    sequences: &[Vec<EvidenceId>],
) -> Partners {
    let mut marks = marks(captures, sequences);
    marks.sort_unstable();
    let mut distances: BTreeMap<(usize, usize), Vec<(i64, bool)>> = BTreeMap::new();
    for same in marks.chunk_by(|one, other| one.mark == other.mark).filter(|same| same.len() > 1) {
        let by_capture = same.chunk_by(|one, other| one.at == other.at);
        let once = by_capture.filter_map(|of_one| match of_one {
            [seen] => Some(*seen),
            _ => None,
        });
        let once: Vec<Seen> = once.take(MOST_SIGHTINGS).collect();
        for (number, one) in once.iter().enumerate() {
            for other in once.iter().skip(number + 1) {
                // Whole packets are compared where both are whole, their beginnings where one is cut.
                let is_cut = one.is_cut || other.is_cut;
                let fits = match one.mark {
                    Mark::Packet(_) => !is_cut,
                    Mark::Head(_) => is_cut,
                    Mark::Ike(..) | Mark::Esp(..) => true,
                };
                if fits {
                    let distance = other.time.since(one.time).0;
                    let known = distances.entry((one.at, other.at)).or_default();
                    known.push((distance, one.is_random));
                }
            }
        }
    }
    let spis: Vec<BTreeMap<HostPair, BTreeSet<Stream>>> =
        sequences.iter().map(|files| esp_of(files, captures)).collect();
    let mut partners = Partners::new();
    for ((earlier, later), distances) in distances {
        let contradict = spis.get(earlier).zip(spis.get(later)).is_some_and(|(a, b)| differ(a, b));
        if let Some(agreed) = agreed(distances).filter(|_| !contradict) {
            partners.entry(later).or_default().insert(earlier, agreed);
        }
    }
    partners
}

/// The packets of a capture that are compared by their content. IKE is compared by message; what goes to groups of
/// hosts is sent alike every so often.
fn compared(capture: &CaptureSummary) -> impl Iterator<Item = &Print> {
    let proves = |stream: &Stream| {
        matches!(stream, Stream::Clear { .. } | Stream::Exempt(ExemptKind::Icmp | ExemptKind::Echo))
    };
    let own = capture.prints.iter().filter(move |((_, stream), _)| proves(stream));
    own.flat_map(|(_, prints)| prints).chain(capture.edges.prints())
}

/// All packets that are compared.
fn marks(
    captures: &BTreeMap<EvidenceId, CaptureSummary>,
    sequences: &[Vec<EvidenceId>],
) -> Vec<Seen> {
    let is_any_cut = captures.values().any(|capture| compared(capture).any(Print::is_cut));
    let mut marks = Vec::new();
    let all = sequences.iter().enumerate();
    let all = all.flat_map(|(at, files)| files.iter().map(move |id| (at, id)));
    for (at, capture) in all.filter_map(|(at, id)| Some((at, captures.get(id)?))) {
        for print in compared(capture) {
            // The sequence numbers of TCP begin at random (RFC 9293 §3.4.1).
            let is_random = print.seen.flow.is_some_and(|flow| flow.protocol == protocol::TCP);
            let (time, is_cut) = (print.seen.time, print.is_cut());
            let seen = |mark| Seen { mark, at, time, is_random, is_cut };
            marks.push(seen(Mark::Packet(print.of.whole)));
            marks.extend(is_any_cut.then(|| seen(Mark::Head(print.of.head))));
        }
        let messages = capture.negotiations.messages();
        marks.extend(messages.map(|message| {
            let (sender, bytes) = message.identity();
            let mark = Mark::Ike(sender, bytes);
            Seen { mark, at, time: message.time(), is_random: true, is_cut: false }
        }));
        for ((pair, stream), packets) in &capture.esp_packets {
            marks.extend(packets.iter().map(|esp| {
                let mark = Mark::Esp(*pair, *stream, esp.number, esp.length);
                // Keys set by hand begin with the same SPIs and numbers again.
                Seen { mark, at, time: esp.time, is_random: false, is_cut: false }
            }));
        }
    }
    marks
}

/// The ESP of each pair that the files of a capture show.
fn esp_of(
    files: &[EvidenceId],
    captures: &BTreeMap<EvidenceId, CaptureSummary>,
) -> BTreeMap<HostPair, BTreeSet<Stream>> {
    let mut all: BTreeMap<HostPair, BTreeSet<Stream>> = BTreeMap::new();
    for (pair, streams) in files.iter().filter_map(|id| captures.get(id)).flat_map(|c| &c.streams) {
        let esp = streams.keys().filter(|s| matches!(s, Stream::Esp(spi, _) if *spi != EspSpi(0)));
        let esp: BTreeSet<Stream> = esp.copied().collect();
        if !esp.is_empty() {
            all.entry(*pair).or_default().extend(esp);
        }
    }
    all
}

/// Whether two captures show ESP of the same hosts, and nowhere under the same SPI.
fn differ(
    one: &BTreeMap<HostPair, BTreeSet<Stream>>,
    other: &BTreeMap<HostPair, BTreeSet<Stream>>,
) -> bool {
    let both = one.iter().filter_map(|(pair, spis)| Some((spis, other.get(pair)?)));
    let mut differ = both.map(|(one, other)| one.is_disjoint(other)).peekable();
    differ.peek().is_some() && differ.all(|differs| differs)
}

/// The distance in which most of them agree, and how many do, where these are enough. Each says whether
/// its packet holds random numbers, so that it is never sent twice.
fn agreed(mut distances: Vec<(i64, bool)>) -> Option<(Span, u64)> {
    distances.sort_unstable();
    let behind = |from: usize| {
        let first = distances.get(from).map_or(0, |of| of.0);
        distances.partition_point(|(distance, _)| distance.saturating_sub(first) <= JITTER.0)
    };
    let (from, to) = (0..distances.len())
        .map(|from| (from, behind(from)))
        .max_by_key(|(from, to)| (to - from, std::cmp::Reverse(*from)))?;
    let packets = (to - from) as u64;
    // Of all that both show once; the others were sent again.
    let is_rule = packets >= FEWEST && packets * 2 >= distances.len() as u64;
    let (median, _) = distances.get(usize::midpoint(from, to))?;
    let random = distances.get(from..to)?.iter().filter(|(_, is_random)| *is_random).count() as u64;
    let is_near = Span(*median).magnitude() <= FAR;
    (is_rule && (is_near || random >= FEWEST)).then_some((Span(*median), packets))
}

/// Packets that agree; fewer may be chance.
const FEWEST: u64 = 4;
/// How far the distances of the same packets differ: their way between two places is not always as long.
const JITTER: Span = Span::from_millis(200);
/// Clocks that differ by more are rare, and so long after a host may send the same bytes anew.
const FAR: Span = Span::from_seconds(3600);
/// A smaller difference of clocks is left as it is: it changes no window, and the times stay those of the file.
const TELLING: Span = Span::from_millis(10);
/// How far apart the same packet may be seen once the clocks agree.
const TOLERANCE: Span = Span::from_seconds(1);
/// Captures of one packet that are compared with each other.
const MOST_SIGHTINGS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_one_distance_agree_and_those_sent_again_do_not() {
        let same = [5_300_000_000, 5_300_200_000, 5_299_900_000, 5_300_100_000, 9];
        let datagrams = |distances: &[i64]| distances.iter().map(|at| (*at, false)).collect();
        assert_eq!(agreed(datagrams(&same)), Some((Span(5_300_100_000), 4)));
        let again: Vec<i64> = (1..40).map(|n: i64| n * n * 1_000_000_000).collect();
        assert_eq!(agreed(datagrams(&again)), None);
        let of_a_day = 86_400_000_000_000;
        assert_eq!(agreed(datagrams(&[of_a_day; 40])), None, "sent anew each day");
        assert_eq!(agreed(vec![(of_a_day, true); 4]), Some((Span(of_a_day), 4)));
        assert_eq!(agreed(Vec::new()), None);
    }
}
