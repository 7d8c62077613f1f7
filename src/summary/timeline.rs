//! When a pair's streams were seen: runs of packets without a longer silence.
//!
//! Grows with runs, never with packets. Judges nothing.

mod openers;

pub(super) use openers::Openers;

use super::fingerprint::{Fingerprints, Print};
use super::room::Room;
use crate::evidence::FrameRef;
use crate::hosts::Direction;
use crate::packet::origin::Origin;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The two ends of a conversation between a pair's hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Flow {
    /// The IP protocol (IANA).
    pub protocol: u8,
    /// The port of the pair's lower address.
    pub a_port: u16,
    /// The port of the pair's higher address.
    pub b_port: u16,
}

/// Packets of one stream with no silence longer than [`SILENCE`] between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClassRun {
    /// Time of the first packet.
    pub start: Timestamp,
    /// Time of the last packet.
    pub end: Timestamp,
    /// The first packet's frame.
    pub first: FrameRef,
    /// The last packet's frame.
    pub last: FrameRef,
    /// Packets in it.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Those of them that the captures hold.
    pub captured: u64,
    /// Packets in it that the pair's lower address sent.
    pub from_a: u64,
    /// Bytes of payload behind the transport header that each side sent: the lower address, the higher.
    pub payload: [u64; 2],
    /// A busy flow: the one with most of the packets, where one has (majority vote as they came).
    pub flow: Option<Flow>,
    votes: u64,
    /// Who opened the connections of its packets.
    pub openers: Openers,
}

/// The silence that ends a run; a smaller `--gap` could not be answered and is refused.
pub const SILENCE: Span = Span::from_seconds(1);

/// Where and when a packet was seen, and how long it was on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketRecord {
    /// The frame.
    pub frame: FrameRef,
    /// When.
    pub time: Timestamp,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Those of them that the capture holds.
    pub captured: u64,
    /// The length of its IP packet on the wire; 0 where it holds none.
    pub packet_len: u32,
    /// The flow it belongs to, where it shows ports.
    pub flow: Option<Flow>,
    /// Which way it went between the hosts of its pair.
    pub direction: Direction,
    /// Which way the first segment of its TCP connection went, where the capture shows it.
    pub opener: Option<Direction>,
    /// It was clear, and its checksum had still to be finished by a network card.
    pub unfinished: bool,
    /// Bytes behind its transport header, on the wire.
    pub payload: u32,
    /// Who sent its frame, as far as the frame says.
    pub origin: Origin,
    /// It shows again, decrypted, what came inside ESP.
    pub is_decrypted_copy: bool,
    /// It repeats a packet directly before it to the byte.
    pub repeats: bool,
    /// Of a packet that may show another again, decrypted: which kind of these, until that is known.
    #[serde(skip)]
    pub likely_copy: Option<NonZeroU32>,
    /// Which of the conversations that began before the capture it belongs to.
    #[serde(skip)]
    pub conversation: Option<u32>,
    /// Of a packet that may be in another capture too.
    #[serde(skip)]
    pub fingerprint: Option<Fingerprints>,
}

#[cfg(test)]
impl PacketRecord {
    /// A packet of the lower address, of which nothing else matters.
    pub(crate) fn of_frame(frame: FrameRef, time: Timestamp) -> Self {
        Self {
            frame,
            time,
            bytes: 100,
            captured: 60,
            packet_len: 86,
            flow: None,
            direction: Direction::AToB,
            opener: None,
            unfinished: false,
            payload: 46,
            origin: Origin::default(),
            is_decrypted_copy: false,
            repeats: false,
            likely_copy: None,
            conversation: None,
            fingerprint: None,
        }
    }
}

/// The runs of one stream of one pair, in order of arrival until [`Runs::finish`].
///
/// Nearly every packet belongs to the last run, so that one lies here and not behind a pointer.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    last: Option<ClassRun>,
    before: Vec<ClassRun>,
    /// Those of the packets that have a fingerprint; none for nearly all streams.
    prints: Option<Box<Prints>>,
}

/// Packets by their fingerprints, as they came.
#[derive(Clone, Debug, Default)]
struct Prints(Vec<Print>);

impl Runs {
    /// Adds a packet: to the last run where no longer silence lies between, or where there is no room for
    /// another, else to a new one.
    #[inline]
    pub fn observe(&mut self, seen: &PacketRecord, room: &mut Room) {
        match &mut self.last {
            // Nearly every packet.
            Some(last) if last.is_before(seen.time) => last.take_next(seen),
            Some(last) if last.reaches(seen.time, seen.time) => last.take(seen),
            Some(last) if room.is_left() => {
                self.before.push(std::mem::replace(last, ClassRun::of(seen)));
            }
            Some(last) => last.take(seen),
            None => self.last = Some(ClassRun::of(seen)),
        }
        if let Some(of) = seen.fingerprint {
            self.prints.get_or_insert_default().0.push(Print { of, seen: *seen });
        }
    }

    /// Reads the record of the last run.
    pub(super) fn expect(&self) -> u64 {
        self.last.map_or(0, |last| last.frames ^ last.votes ^ last.last.frame.0)
    }

    /// The packets by their fingerprints, in order of time; of a stream with very many only the first ones have one.
    pub(super) fn take_prints(&mut self) -> Vec<Print> {
        let mut prints = self.prints.take().map(|prints| prints.0).unwrap_or_default();
        prints.sort_unstable_by_key(|print| (print.seen.time, print.seen.frame));
        prints
    }

    /// Finished runs with the fingerprints of their packets.
    pub(super) fn restored(runs: Vec<ClassRun>, prints: Vec<Print>) -> Self {
        let prints = (!prints.is_empty()).then(|| Box::new(Prints(prints)));
        Self { prints, ..Self::from(runs) }
    }

    /// Whether there is no packet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The runs as they came, unsorted.
    fn as_they_came(&self) -> impl Iterator<Item = &ClassRun> {
        self.before.iter().chain(&self.last)
    }

    /// How many packets there are.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.as_they_came().map(|run| run.frames).sum()
    }

    /// How many of them the pair's lower address sent.
    #[must_use]
    pub fn from_a(&self) -> u64 {
        self.as_they_came().map(|run| run.from_a).sum()
    }

    /// Adds the packets of other runs.
    pub fn join(&mut self, other: Self) {
        if let Some(theirs) = other.last {
            self.before.extend(self.last.replace(theirs));
            self.before.extend(other.before);
        }
        if let Some(theirs) = other.prints {
            self.prints.get_or_insert_default().0.extend(theirs.0);
        }
    }

    /// The runs sorted by time, and joined where packets out of order had kept them apart.
    ///
    /// A run is a set of packets whose neighbours are no more than [`SILENCE`] apart, so the
    /// result is the same in whatever order the packets came.
    #[must_use]
    pub fn finish(self) -> Vec<ClassRun> {
        let Self { last, before: mut all, .. } = self;
        all.extend(last);
        all.sort_unstable();
        let mut runs: Vec<ClassRun> = Vec::with_capacity(all.len());
        for run in all {
            match runs.last_mut() {
                Some(last) if last.reaches(run.start, run.end) => last.absorb(run),
                Some(_) | None => runs.push(run),
            }
        }
        runs
    }
}

impl From<Vec<ClassRun>> for Runs {
    fn from(mut runs: Vec<ClassRun>) -> Self {
        Self { last: runs.pop(), before: runs, prints: None }
    }
}

impl ClassRun {
    /// The pause between two of its packets, on the average.
    #[must_use]
    pub fn mean_pause(&self) -> Span {
        let pauses = i64::try_from(self.frames).unwrap_or(i64::MAX).saturating_sub(1).max(1);
        Span(self.end.since(self.start).0 / pauses)
    }

    /// Whether it holds packets and ends no earlier than it begins.
    pub(super) fn is_sound(&self) -> bool {
        self.frames > 0 && self.start <= self.end && self.from_a <= self.frames
    }

    /// Bytes of payload, both ways.
    #[must_use]
    pub const fn payload_bytes(&self) -> u64 {
        let [a, b] = self.payload;
        a.saturating_add(b)
    }

    /// Whether both hosts sent.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.from_a > 0 && self.from_a < self.frames
    }

    /// So many of its packets as a run of their own, by their senders (the pair's lower address, the higher), and the
    /// others; bytes in proportion, and both keep the edges, because which packets they are is not known.
    pub(super) fn split(&self, [from_a, from_b]: [u64; 2]) -> (Self, Self) {
        let of_b = self.frames - self.from_a;
        let (from_a, from_b) = (from_a.min(self.from_a), from_b.min(of_b));
        let share = |all: u64, part: u64, whole: u64| {
            let part = u128::from(all) * u128::from(part) / u128::from(whole.max(1));
            u64::try_from(part).unwrap_or(u64::MAX).min(all)
        };
        let frames = from_a + from_b;
        let of_all = |all| share(all, frames, self.frames);
        let [a, b] = self.payload;
        let part = Self {
            frames,
            bytes: of_all(self.bytes),
            captured: of_all(self.captured),
            from_a,
            payload: [share(a, from_a, self.from_a), share(b, from_b, of_b)],
            votes: of_all(self.votes),
            ..*self
        };
        let rest = Self {
            frames: self.frames - part.frames,
            bytes: self.bytes - part.bytes,
            captured: self.captured - part.captured,
            from_a: self.from_a - part.from_a,
            payload: [a - part.payload[0], b - part.payload[1]],
            votes: self.votes - part.votes,
            ..*self
        };
        (part, rest)
    }

    /// Sets its times forward.
    pub(super) fn shift(&mut self, by: Span) {
        (self.start, self.end) = (self.start.shifted(by), self.end.shifted(by));
    }

    fn of(seen: &PacketRecord) -> Self {
        Self {
            start: seen.time,
            end: seen.time,
            first: seen.frame,
            last: seen.frame,
            frames: 1,
            bytes: seen.bytes,
            captured: seen.captured,
            from_a: u64::from(seen.direction == Direction::AToB),
            payload: match seen.direction {
                Direction::AToB => [u64::from(seen.payload), 0],
                Direction::BToA => [0, u64::from(seen.payload)],
            },
            flow: seen.flow,
            votes: u64::from(seen.flow.is_some()),
            openers: Openers::of(seen.opener),
        }
    }

    /// Whether no longer silence lies between it and a run that is no earlier.
    pub(super) fn is_met_by(&self, later: &Self) -> bool {
        self.reaches(later.start, later.end)
    }

    fn reaches(&self, start: Timestamp, end: Timestamp) -> bool {
        start.since(self.end) <= SILENCE && self.start.since(end) <= SILENCE
    }

    /// Whether it ends before a time, and no longer silence lies between.
    #[inline]
    fn is_before(&self, time: Timestamp) -> bool {
        self.end < time && time.since(self.end) <= SILENCE
    }

    /// Adds a packet that is later than all others.
    #[inline]
    fn take_next(&mut self, seen: &PacketRecord) {
        (self.end, self.last) = (seen.time, seen.frame);
        self.count(seen);
    }

    /// Adds a packet.
    fn take(&mut self, seen: &PacketRecord) {
        if seen.time > self.end || (seen.time == self.end && seen.frame > self.last) {
            (self.end, self.last) = (seen.time, seen.frame);
        } else if (seen.time, seen.frame) < (self.start, self.first) {
            (self.start, self.first) = (seen.time, seen.frame);
        }
        self.count(seen);
    }

    #[inline]
    fn count(&mut self, seen: &PacketRecord) {
        self.frames += 1;
        self.bytes = self.bytes.saturating_add(seen.bytes);
        self.captured = self.captured.saturating_add(seen.captured);
        self.from_a += u64::from(seen.direction == Direction::AToB);
        let sent = &mut self.payload[way(seen.direction)];
        *sent = sent.saturating_add(u64::from(seen.payload));
        self.openers.join(Openers::of(seen.opener));
        self.vote(seen.flow, u64::from(seen.flow.is_some()));
    }

    #[inline]
    fn vote(&mut self, flow: Option<Flow>, votes: u64) {
        if self.flow == flow {
            self.votes = self.votes.saturating_add(votes);
        } else if votes > self.votes {
            (self.flow, self.votes) = (flow, votes - self.votes);
        } else {
            self.votes -= votes;
        }
    }

    /// Adds another run's packets; the edges are the earliest and the latest packet.
    pub fn absorb(&mut self, other: Self) {
        if (other.start, other.first) < (self.start, self.first) {
            (self.start, self.first) = (other.start, other.first);
        }
        if (other.end, other.last) > (self.end, self.last) {
            (self.end, self.last) = (other.end, other.last);
        }
        self.frames = self.frames.saturating_add(other.frames);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.captured = self.captured.saturating_add(other.captured);
        self.from_a = self.from_a.saturating_add(other.from_a);
        let [a, b] = other.payload;
        self.payload = [self.payload[0].saturating_add(a), self.payload[1].saturating_add(b)];
        self.openers.join(other.openers);
        self.vote(other.flow, other.votes);
    }
}

/// Whether protected packets travel between neighbouring clear ones: where a window is mixed.
#[derive(Clone, Debug, Default)]
pub struct Interleaving {
    last_clear: Option<Timestamp>,
    protected_since: bool,
    /// Packets each way, from the lower address and from the higher: clear and finished by their
    /// sender, clear in all, and protected.
    finished: [u64; 2],
    clear: [u64; 2],
    protected: [u64; 2],
    /// Its hosts negotiate.
    pub(super) negotiates: bool,
    /// Stretches in which it happened; of few pairs.
    pub(super) stretches: Option<Box<Runs>>,
}

impl Interleaving {
    /// Reads the record.
    pub(super) fn expect(&self) -> u64 {
        let last = self.last_clear.map_or(0, |time| time.0.cast_unsigned());
        last ^ self.finished[0] ^ self.protected[1]
    }

    /// A protected packet of the pair was seen.
    pub fn protected(&mut self, direction: Direction) {
        self.protected_since = true;
        self.protected[way(direction)] += 1;
    }

    /// Whether its clear packets are worth a fingerprint: the first ones, and all where IPsec was
    /// seen or asked for.
    #[must_use]
    pub fn wants_fingerprints(&self) -> bool {
        let [clear, protected] = [self.clear, self.protected].map(|[a, b]| a.saturating_add(b));
        self.negotiates || protected > 0 || clear < FIRST_PRINTS
    }

    /// Whether one side may have its network card encrypt: as far as was seen it sends in clear
    /// only, and gets nothing in clear.
    #[must_use]
    pub fn may_hand_over(&self, from: Direction) -> bool {
        self.protected[way(from)] == 0 && self.clear[1 - way(from)] == 0
    }

    /// Whether one side had its network card encrypt: it sends in clear only, nearly all of it
    /// with checksums that are still to be finished, and gets nothing but protected packets.
    #[must_use]
    pub fn hands_over(&self, from: Direction) -> bool {
        let (here, there) = (way(from), 1 - way(from));
        self.may_hand_over(from)
            && self.protected[there] >= FEWEST_ANSWERS
            && self.finished[here] * 5 <= self.clear[here]
    }

    /// A clear packet of the pair was seen.
    #[inline]
    pub fn clear(&mut self, seen: &PacketRecord, room: &mut Room) {
        self.clear[way(seen.direction)] += 1;
        self.finished[way(seen.direction)] += u64::from(!seen.unfinished);
        let between = std::mem::take(&mut self.protected_since);
        let last = self.last_clear.replace(seen.time);
        if between && last.is_some_and(|last| seen.time.since(last).magnitude() <= SILENCE) {
            self.stretches.get_or_insert_default().observe(seen, room);
        }
    }
}

const fn way(direction: Direction) -> usize {
    match direction {
        Direction::AToB => 0,
        Direction::BToA => 1,
    }
}

/// Clear packets of a pair that get a fingerprint whatever its hosts do.
const FIRST_PRINTS: u64 = 1024;
/// Fewer answers may be chance.
const FEWEST_ANSWERS: u64 = 8;

#[cfg(test)]
mod tests;
