//! What earlier captures show of the packets of a later one, and how that is set aside.
//!
//! Packet by packet where both captures keep all of a stream's packets one by one: those of ESP by their SPI and
//! sequence number, all others by their fingerprint. Where one of them keeps fewer, run by run: where packets of the
//! same stream lie all around a run in an earlier capture, as many packets of each sender are known as that one shows,
//! and no packet counts twice. Which ones they are is not known then.

use super::TOLERANCE;
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::protection::Stream;
use crate::protection::duplicate::DuplicateKind;
use crate::summary::capture_summary::{CaptureSummary, Count, Unpaired};
use crate::summary::esp_mark::EspMark;
use crate::summary::fingerprint::{Fingerprint, Print};
use crate::summary::room::Room;
use crate::summary::timeline::{ClassRun, PacketRecord, Runs};
use crate::summary::tunnels::Tunnel;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What earlier captures show.
pub(super) struct Known {
    /// Packets by their beginnings, in order of time.
    packets: BTreeMap<(HostPair, Fingerprint), VecDeque<Packet>>,
    /// Sequence numbers of ESP, with how often each was seen.
    numbers: BTreeMap<(HostPair, Stream), BTreeMap<u32, u64>>,
    /// Frames of each pair outside ESP and AH that are not kept one by one.
    unprinted: BTreeMap<HostPair, u64>,
    runs: BTreeMap<(HostPair, Stream), Vec<ClassRun>>,
    tunnels: BTreeMap<(HostPair, Tunnel), Vec<ClassRun>>,
    unpaired: BTreeMap<Unpaired, Count>,
    /// When the captures began and ended.
    spans: Vec<(Timestamp, Timestamp)>,
}

/// A packet of which no later one was met yet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    time: Timestamp,
    whole: Fingerprint,
    is_cut: bool,
}

impl Known {
    pub(super) fn of<'c>(earlier: impl Iterator<Item = &'c CaptureSummary>) -> Self {
        let mut known = Self {
            packets: BTreeMap::new(),
            numbers: BTreeMap::new(),
            unprinted: BTreeMap::new(),
            runs: BTreeMap::new(),
            tunnels: BTreeMap::new(),
            unpaired: BTreeMap::new(),
            spans: Vec::new(),
        };
        let mut runs: BTreeMap<(HostPair, Stream), Runs> = BTreeMap::new();
        let mut tunnels: BTreeMap<(HostPair, Tunnel), Runs> = BTreeMap::new();
        for capture in earlier {
            known.add_packets(capture);
            for (pair, streams) in &capture.streams {
                for (stream, of_stream) in streams {
                    let all = runs.entry((*pair, *stream)).or_default();
                    all.join(Runs::from(of_stream.clone()));
                }
            }
            for (pair, of_pair) in &capture.tunnels {
                for (tunnel, of_tunnel) in of_pair {
                    let all = tunnels.entry((*pair, tunnel.clone())).or_default();
                    all.join(Runs::from(of_tunnel.clone()));
                }
            }
            for (kind, count) in &capture.unpaired {
                known.unpaired.entry(*kind).or_default().join(*count);
            }
            known.spans.extend(capture.span);
        }
        known.packets.values_mut().for_each(|times| times.make_contiguous().sort_unstable());
        known.runs = runs.into_iter().map(|(key, runs)| (key, runs.finish())).collect();
        known.tunnels = tunnels.into_iter().map(|(key, runs)| (key, runs.finish())).collect();
        known
    }

    fn add_packets(&mut self, capture: &CaptureSummary) {
        for ((pair, _), prints) in &capture.prints {
            for print in prints {
                let packet =
                    Packet { time: print.seen.time, whole: print.of.whole, is_cut: print.is_cut() };
                self.packets.entry((*pair, print.of.head)).or_default().push_back(packet);
            }
        }
        for (pair, streams) in &capture.streams {
            for (stream, runs) in streams {
                let (frames, key) = (Count::of(runs).frames, (*pair, *stream));
                if is_counted(*stream) {
                    let marks = capture.esp_packets.get(&key).filter(|m| m.len() as u64 == frames);
                    let numbers = marks.into_iter().flatten().map(|mark| mark.number);
                    let known = self.numbers.entry(key).or_default();
                    numbers.for_each(|number| *known.entry(number).or_default() += 1);
                } else {
                    let prints = capture.prints.get(&key).map_or(0, Vec::len) as u64;
                    *self.unprinted.entry(*pair).or_default() += frames.saturating_sub(prints);
                }
            }
        }
    }

    /// Whether a packet is the next of those that are the same; each is met once. Where one of the two was cut,
    /// their beginnings decide.
    fn meets(&mut self, pair: HostPair, print: &Print) -> bool {
        let Some(packets) = self.packets.get_mut(&(pair, print.of.head)) else { return false };
        while packets.front().is_some_and(|known| print.seen.time.since(known.time) > TOLERANCE) {
            packets.pop_front();
        }
        let near = packets.iter().take(MOST_ALIKE);
        let mut near = near.take_while(|known| known.time.since(print.seen.time) <= TOLERANCE);
        let is_same =
            |known: &Packet| known.whole == print.of.whole || known.is_cut || print.is_cut();
        near.position(is_same).is_some_and(|place| packets.remove(place).is_some())
    }

    /// Whether all packets of a stream are known one by one, where any are.
    fn has_numbers(&self, key: (HostPair, Stream)) -> bool {
        let frames: u64 = self.runs.get(&key).into_iter().flatten().map(|run| run.frames).sum();
        let numbers = self.numbers.get(&key).into_iter().flat_map(BTreeMap::values);
        numbers.sum::<u64>() == frames
    }

    /// Whether an ESP packet is one of those that are known; each is met once.
    fn has_number(&mut self, key: (HostPair, Stream), number: u32) -> bool {
        let count = self.numbers.get_mut(&key).and_then(|numbers| numbers.get_mut(&number));
        count.is_some_and(|count| {
            let is_known = *count > 0;
            *count = count.saturating_sub(1);
            is_known
        })
    }
}

/// Whether each packet of a stream has a number of its own.
fn is_counted(stream: Stream) -> bool {
    match stream {
        Stream::Esp(..) | Stream::WespIntegrityOnly(..) | Stream::Ah(..) => true,
        Stream::Ike
        | Stream::NattKeepalive
        | Stream::Exempt(_)
        | Stream::Clear { .. }
        | Stream::Undecodable(_) => false,
    }
}

/// Takes what is known of a run by runs around it: the known packets, and the others.
fn take_around(runs: &mut [ClassRun], run: &ClassRun) -> (Option<ClassRun>, Option<ClassRun>) {
    let at = runs.partition_point(|known| run.start.since(known.end) > TOLERANCE);
    let around = runs.get_mut(at).filter(|known| {
        known.start.since(run.start) <= TOLERANCE && run.end.since(known.end) <= TOLERANCE
    });
    let Some(around) = around else { return (None, Some(*run)) };
    // A tap may show one direction alone: what one host sent says nothing of the other.
    let (known, rest) = run.split([around.from_a, around.frames - around.from_a]);
    around.frames -= known.frames;
    around.from_a -= known.from_a;
    let some = |run: ClassRun| Some(run).filter(|run| run.frames > 0);
    (some(known), some(rest))
}

impl CaptureSummary {
    /// Sets aside what is known. Gives by SPI how many packets it adds among those that are known: they are missing
    /// nowhere.
    pub(super) fn set_known_aside(
        &mut self,
        known: &mut Known,
    ) -> BTreeMap<(HostPair, Stream), u64> {
        let mut filled = BTreeMap::new();
        let mut again: BTreeMap<HostPair, Runs> = BTreeMap::new();
        let keys: Vec<(HostPair, Stream)> = self
            .streams
            .iter()
            .flat_map(|(pair, streams)| streams.keys().map(|stream| (*pair, *stream)))
            .collect();
        for key in keys {
            let all = self.streams.get_mut(&key.0).and_then(|streams| streams.remove(&key.1));
            let all = all.unwrap_or_default();
            let again = again.entry(key.0).or_default();
            let rest = if is_counted(key.1) {
                filled.extend(self.fills(key, known).map(|packets| (key, packets)));
                self.without_known_numbers(key, all, known, again)
            } else {
                self.without_known_prints(key, all, known, again)
            };
            if let Some(streams) = self.streams.get_mut(&key.0).filter(|_| !rest.is_empty()) {
                streams.insert(key.1, rest);
            }
        }
        self.streams.retain(|_, streams| !streams.is_empty());
        self.set_known_tunnels_aside(known);
        for (pair, again) in again.into_iter().filter(|(_, again)| !again.is_empty()) {
            let of_pair = self.duplicates.entry(pair).or_default();
            of_pair.insert(DuplicateKind::OtherCapture, again.finish());
        }
        // What an SPI shows counts once; the same numbers twice would look like no counter.
        self.sas.retain(|key, _| !known.runs.contains_key(key));
        self.set_known_without_pair_aside(known);
        filled
    }

    /// How many packets of an SPI it holds that lie between those that are known and are none of them. Where all of
    /// its own lie there, what is missing is reported of the earlier capture only.
    fn fills(&mut self, key: (HostPair, Stream), known: &Known) -> Option<u64> {
        let numbers = known.numbers.get(&key).filter(|_| known.has_numbers(key))?;
        let ((first, _), (last, _)) = (numbers.first_key_value()?, numbers.last_key_value()?);
        let own: BTreeSet<u32> = self.esp_packets.get(&key)?.iter().map(|esp| esp.number).collect();
        let lies_between = own.first() >= Some(first) && own.last() <= Some(last);
        if lies_between {
            self.esp_gaps.remove(&key);
        }
        let between = own.range(first..=last);
        Some(between.filter(|number| !numbers.contains_key(number)).count() as u64)
    }

    /// The packets of a stream of ESP or AH that are not known.
    fn without_known_numbers(
        &mut self,
        key: (HostPair, Stream),
        all: Vec<ClassRun>,
        known: &mut Known,
        again: &mut Runs,
    ) -> Vec<ClassRun> {
        let frames = Count::of(&all).frames;
        let marks = self.esp_packets.get_mut(&key).filter(|marks| marks.len() as u64 == frames);
        let direction = match key.1 {
            Stream::Esp(_, direction) => Some(direction),
            _ => None,
        };
        let Some((marks, direction)) = marks.zip(direction).filter(|_| known.has_numbers(key))
        else {
            return without_known_runs(key, all, known, again);
        };
        let is_known = |mark: &EspMark| known.has_number(key, mark.number);
        part(marks, is_known, |mark| mark.seen(direction), again)
    }

    /// The packets of another stream that are not known.
    fn without_known_prints(
        &mut self,
        key: (HostPair, Stream),
        all: Vec<ClassRun>,
        known: &mut Known,
        again: &mut Runs,
    ) -> Vec<ClassRun> {
        let frames = Count::of(&all).frames;
        let printed = self.prints.get_mut(&key).filter(|prints| prints.len() as u64 == frames);
        let is_whole = known.unprinted.get(&key.0).is_none_or(|frames| *frames == 0);
        let Some(printed) = printed.filter(|_| is_whole) else {
            return without_known_runs(key, all, known, again);
        };
        let mut frames: BTreeSet<FrameRef> = BTreeSet::new();
        let is_known = |print: &Print| {
            let is_known = known.meets(key.0, print);
            is_known && frames.insert(print.seen.frame)
        };
        let rest = part(printed, is_known, |print| print.seen, again);
        if let Some(packets) = self.clear_packets.get_mut(&key) {
            packets.retain(|packet| !frames.contains(&packet.frame));
        }
        rest
    }

    /// The frames of tunnels count for their pairs too.
    fn set_known_tunnels_aside(&mut self, known: &mut Known) {
        for (pair, of_pair) in &mut self.tunnels {
            for (tunnel, runs) in of_pair.iter_mut() {
                let Some(around) = known.tunnels.get_mut(&(*pair, tunnel.clone())) else {
                    continue;
                };
                let all = std::mem::take(runs).into_iter();
                let rest = all.filter_map(|run| take_around(around, &run).1);
                *runs = rest.collect();
            }
            of_pair.retain(|_, runs| !runs.is_empty());
        }
        self.tunnels.retain(|_, of_pair| !of_pair.is_empty());
    }

    /// Frames of ARP and other protocols have no fingerprints: where an earlier capture lasted all the time of this one,
    /// as many are known as that one shows. What could not be decoded is never taken for known: it limits the verdict.
    fn set_known_without_pair_aside(&mut self, known: &mut Known) {
        let Some((first, last)) = self.span else { return };
        let begun = known.spans.iter().map(|(first, _)| *first).min();
        let ended = known.spans.iter().map(|(_, last)| *last).max();
        let lasts = begun.zip(ended).is_some_and(|(begun, ended)| {
            begun.since(first) <= TOLERANCE && last.since(ended) <= TOLERANCE
        });
        let counts = self.unpaired.iter_mut().filter(|(kind, _)| match kind {
            Unpaired::Arp | Unpaired::NonIp(_) => lasts,
            Unpaired::Undecodable(_)
            | Unpaired::IkeFlood
            | Unpaired::FoldedClear(..)
            | Unpaired::Folded(_) => false,
        });
        for (kind, count) in counts {
            let Some(shown) = known.unpaired.get_mut(kind) else { continue };
            let same = Count {
                frames: count.frames.min(shown.frames),
                bytes: count.bytes.min(shown.bytes),
                captured: count.captured.min(shown.captured),
            };
            count.leave_out(same);
            shown.leave_out(same);
            let again = self.unpaired_duplicates.entry(DuplicateKind::OtherCapture).or_default();
            again.join(same);
        }
        self.unpaired.retain(|_, count| count.frames > 0);
        self.unpaired_duplicates.retain(|_, count| count.frames > 0);
    }
}

/// Leaves the packets that are not known, gives their runs, and adds the known ones to those seen again.
fn part<T>(
    packets: &mut Vec<T>,
    mut is_known: impl FnMut(&T) -> bool,
    seen: impl Fn(&T) -> PacketRecord,
    again: &mut Runs,
) -> Vec<ClassRun> {
    let (mut once, mut room) = (Runs::default(), Room::default());
    packets.retain(|packet| {
        let is_known = is_known(packet);
        let place = if is_known { &mut *again } else { &mut once };
        place.observe(&seen(packet), &mut room);
        !is_known
    });
    once.finish()
}

/// The runs of a stream less what runs around them show.
fn without_known_runs(
    key: (HostPair, Stream),
    all: Vec<ClassRun>,
    known: &mut Known,
    again: &mut Runs,
) -> Vec<ClassRun> {
    let around = known.runs.get_mut(&key).map_or(&mut [][..], Vec::as_mut_slice);
    let mut rest = Vec::new();
    for run in all {
        let (seen, new) = take_around(around, &run);
        again.join(Runs::from(seen.into_iter().collect::<Vec<_>>()));
        rest.extend(new);
    }
    rest
}

/// Packets with one beginning that are compared within a second or two.
const MOST_ALIKE: usize = 64;
