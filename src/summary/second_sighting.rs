//! The same packets in two captures: at both ends, at two taps, or in a converted copy of a file.
//!
//! Two captures show the same packets where several of them, each seen once in either capture, come in both
//! with one and the same distance in time: that of the clocks. Then the later capture, in the order of the files,
//! is set to the clock of the earlier one, and what both show counts once: clear packets one by one, by
//! their fingerprints; all other packets by runs of the same stream that lie inside the other's.
//! A packet that was sent again has the same octets but no constant distance. What a host sends each day has one:
//! captures that show the ESP of the same two hosts under other SPIs are of different times, and so far apart
//! only what holds random numbers is believed.

use super::capture_summary::{CaptureSummary, SecondSighting};
use super::fingerprint::{Fingerprint, Print};
use super::timeline::{ClassRun, Runs};
use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use crate::packet::protocol;
use crate::protection::duplicate::DuplicateKind;
use crate::protection::{EspSpi, Stream};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

/// What shows that a packet is the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Packet(Fingerprint),
    /// Sender and octets of an IKE message; its SPIs and nonces are random numbers.
    Ike(IpAddr, u64),
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
        for id in files(later) {
            let (Some(capture), Some(of)) = (captures.get_mut(id), of) else { continue };
            capture.set_clock_back(clock);
            capture.set_known_aside(&mut known);
            capture.second_sighting = Some(SecondSighting { of, ahead: clock, packets: *packets });
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
    let mut marks: Vec<(Mark, usize, Timestamp, bool)> = Vec::new();
    let all = sequences.iter().enumerate();
    let all = all.flat_map(|(at, files)| files.iter().map(move |id| (at, id)));
    for (at, capture) in all.filter_map(|(at, id)| Some((at, captures.get(id)?))) {
        let prints = capture.prints.values().flatten().chain(capture.edges.prints());
        marks.extend(prints.map(|p| {
            // The sequence numbers of TCP begin at random (RFC 9293 §3.4.1).
            let is_random = p.seen.flow.is_some_and(|flow| flow.protocol == protocol::TCP);
            (Mark::Packet(p.fingerprint), at, p.seen.time, is_random)
        }));
        let messages = capture.negotiations.messages();
        marks.extend(messages.map(|m| {
            let (sender, octets) = m.identity();
            (Mark::Ike(sender, octets), at, m.time(), true)
        }));
    }
    marks.sort_unstable();
    let mut distances: BTreeMap<(usize, usize), Vec<(i64, bool)>> = BTreeMap::new();
    for same in marks.chunk_by(|one, other| one.0 == other.0).filter(|same| same.len() > 1) {
        let by_capture = same.chunk_by(|one, other| one.1 == other.1);
        let once = by_capture.filter_map(|of_one| match of_one {
            [(_, at, time, is_random)] => Some((*at, *time, *is_random)),
            _ => None,
        });
        let once: Vec<(usize, Timestamp, bool)> = once.take(MOST_SIGHTINGS).collect();
        for (number, (earlier, then, _)) in once.iter().enumerate() {
            for (later, time, is_random) in once.iter().skip(number + 1) {
                let distance = time.since(*then).0;
                distances.entry((*earlier, *later)).or_default().push((distance, *is_random));
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

/// The distance in which most of them agree, and how many do, where these are enough. With each stands whether
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

/// What earlier captures show.
struct Known {
    packets: BTreeMap<(HostPair, Fingerprint), VecDeque<Timestamp>>,
    runs: BTreeMap<(HostPair, Stream), Vec<ClassRun>>,
}

impl Known {
    fn of<'c>(earlier: impl Iterator<Item = &'c CaptureSummary>) -> Self {
        let mut known = Self { packets: BTreeMap::new(), runs: BTreeMap::new() };
        let mut runs: BTreeMap<(HostPair, Stream), Runs> = BTreeMap::new();
        for capture in earlier {
            for ((pair, _), prints) in &capture.prints {
                for print in prints {
                    let key = (*pair, print.fingerprint);
                    known.packets.entry(key).or_default().push_back(print.seen.time);
                }
            }
            for (pair, streams) in &capture.streams {
                for (stream, of_stream) in streams {
                    let all = runs.entry((*pair, *stream)).or_default();
                    all.join(Runs::from(of_stream.clone()));
                }
            }
        }
        known.packets.values_mut().for_each(|times| times.make_contiguous().sort_unstable());
        known.runs = runs.into_iter().map(|(key, runs)| (key, runs.finish())).collect();
        known
    }

    /// Whether a packet is the next of those with its fingerprint; each is met once.
    fn meets(&mut self, pair: HostPair, print: &Print) -> bool {
        let Some(times) = self.packets.get_mut(&(pair, print.fingerprint)) else { return false };
        while times.front().is_some_and(|time| print.seen.time.since(*time) > TOLERANCE) {
            times.pop_front();
        }
        let is_met = times.front().is_some_and(|time| time.since(print.seen.time) <= TOLERANCE);
        is_met && times.pop_front().is_some()
    }

    /// Whether packets of the same stream lie all around a run.
    fn covers(&self, key: (HostPair, Stream), run: &ClassRun) -> bool {
        let runs = self.runs.get(&key).map_or(&[][..], Vec::as_slice);
        let at = runs.partition_point(|known| run.start.since(known.end) > TOLERANCE);
        runs.get(at).is_some_and(|known| {
            known.start.since(run.start) <= TOLERANCE && run.end.since(known.end) <= TOLERANCE
        })
    }
}

impl CaptureSummary {
    /// Sets aside what is known.
    fn set_known_aside(&mut self, known: &mut Known) {
        let mut prints = std::mem::take(&mut self.prints);
        for (pair, streams) in &mut self.streams {
            let mut again = Runs::default();
            for (stream, runs) in streams.iter_mut() {
                let all = std::mem::take(runs);
                let of_stream = prints.get_mut(&(*pair, *stream));
                let frames: u64 = all.iter().map(|run| run.frames).sum();
                if let Some(printed) = of_stream.filter(|printed| printed.len() as u64 == frames) {
                    let (mut once, mut frames) = (Runs::default(), BTreeSet::new());
                    printed.retain(|print| {
                        let is_known = known.meets(*pair, print);
                        let place = if is_known { &mut again } else { &mut once };
                        place.observe(&print.seen);
                        if is_known {
                            frames.insert(print.seen.frame);
                        }
                        !is_known
                    });
                    if let Some(packets) = self.clear_packets.get_mut(&(*pair, *stream)) {
                        packets.retain(|packet| !frames.contains(&packet.frame));
                    }
                    *runs = once.finish();
                } else if matches!(stream, Stream::Clear { .. }) {
                    // What cannot be compared packet by packet is not taken for known.
                    *runs = all;
                } else {
                    let is_known = |run: &ClassRun| known.covers((*pair, *stream), run);
                    let (seen, new): (Vec<_>, Vec<_>) = all.into_iter().partition(is_known);
                    again.join(Runs::from(seen));
                    *runs = new;
                }
            }
            streams.retain(|_, runs| !runs.is_empty());
            if !again.is_empty() {
                let of_pair = self.duplicates.entry(*pair).or_default();
                of_pair.insert(DuplicateKind::OtherCapture, again.finish());
            }
        }
        self.streams.retain(|_, streams| !streams.is_empty());
        // What an SPI shows is told once; the same numbers twice would look like no counter.
        self.sas.retain(|key, _| !known.runs.contains_key(key));
        self.prints = prints;
    }
}

/// Packets that agree; fewer may be chance.
const FEWEST: u64 = 4;
/// How far the distances of the same packets differ: their way between two places is not always as long.
const JITTER: Span = Span::from_millis(200);
/// Clocks that differ by more are rare, and so long after a host may send the same octets anew.
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
