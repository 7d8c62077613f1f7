//! Bytes of a TCP connection that one side acknowledged and the capture does not hold: it lost them.
//!
//! A hole alone proves nothing, for the network may have lost the segment; what the receiver
//! acknowledged was on its way past the capture (RFC 9293 §3.4).

use crate::packet::TcpSegment;
use serde::{Deserialize, Serialize};

/// One direction of a connection: what was sent, and what the other side says it has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Way {
    /// Whether the two numbers are known.
    begun: bool,
    /// The number of the first byte that was seen or acknowledged.
    first: u32,
    /// The number behind the last byte that was seen or acknowledged.
    next: u32,
    acknowledged: u32,
    /// The other side acknowledged something.
    is_heard: bool,
    /// None as long as nothing was passed over: few connections lose anything, and all are asked
    /// for at every packet.
    holes: Option<Box<Holes>>,
}

/// What was passed over.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Holes {
    /// From and to, the oldest first.
    open: Vec<(u32, u32)>,
    /// Bytes of those that are no longer listed.
    missing: u64,
    /// What came late, from before the first byte: an earlier file of the capture may miss it.
    early: Vec<(u32, u32)>,
}

impl Way {
    /// Takes a segment of this direction; `length` is that of its data on the wire.
    #[inline]
    pub(super) fn sent(&mut self, segment: TcpSegment, length: usize) {
        let flags = u32::from(segment.syn) + u32::from(segment.fin);
        let length = u32::try_from(length).unwrap_or(u32::MAX).wrapping_add(flags);
        let end = segment.sequence.wrapping_add(length);
        if !self.begun {
            *self = Self { begun: true, next: end, ..Self::at(segment.sequence) };
            return;
        }
        let ahead = distance(self.next, segment.sequence);
        if ahead > FARTHEST {
            // Not of this connection, or a jump that no window allows.
            self.settle();
            return self.sent(segment, length as usize);
        }
        if ahead > 0 {
            self.open(self.next, segment.sequence);
        } else {
            if let Some(holes) = &mut self.holes {
                holes.fill(segment.sequence, end, self.acknowledged);
            }
            if length > 0 && distance(self.first, segment.sequence) < 0 {
                self.came_early((segment.sequence, end));
            }
        }
        if distance(self.next, end) > 0 {
            self.next = end;
        }
    }

    /// Takes what the other side acknowledges.
    #[inline]
    pub(super) fn acknowledge(&mut self, number: u32) {
        if !self.begun {
            *self = Self { begun: true, is_heard: true, ..Self::at(number) };
            return;
        }
        let ahead = distance(self.next, number);
        if (1..=FARTHEST).contains(&ahead) {
            self.open(self.next, number);
            self.next = number;
        }
        if ahead <= FARTHEST && distance(self.acknowledged, number) > 0 {
            (self.acknowledged, self.is_heard) = (number, true);
        }
    }

    fn at(number: u32) -> Self {
        Self { first: number, next: number, acknowledged: number, ..Self::default() }
    }

    /// Goes on in a later capture; `counts` says that no pause lies between in which the capture may have
    /// been switched off.
    pub(super) fn go_on(&mut self, later: Self, counts: bool) -> u64 {
        if !self.begun || !later.begun {
            if later.begun {
                *self = later;
            }
            return 0;
        }
        let ahead = distance(self.next, later.first);
        if !(-FARTHEST..=FARTHEST).contains(&ahead) || (ahead > 0 && !counts) {
            let lost = self.settle();
            *self = later;
            return lost;
        }
        let theirs = later.holes.map(|holes| *holes).unwrap_or_default();
        let (seen_until, known) = (self.next, self.holes.as_ref());
        let known = known.map(|holes| holes.open.clone()).unwrap_or_default();
        if ahead > 0 {
            self.open(self.next, later.first);
        } else if let Some(holes) = &mut self.holes {
            holes.fill(later.first, later.next, self.acknowledged);
        }
        if distance(self.next, later.next) > 0 {
            self.next = later.next;
        }
        if later.is_heard && distance(self.acknowledged, later.acknowledged) > 0 {
            (self.acknowledged, self.is_heard) = (later.acknowledged, true);
        }
        // What the later file passed over is missing where the earlier one did not see it either.
        for hole in &theirs.open {
            let in_both = known.iter().filter_map(|mine| common(*hole, *mine));
            in_both.for_each(|(from, to)| self.open(from, to));
            if distance(seen_until, hole.1) > 0 {
                self.open(later_of(hole.0, seen_until), hole.1);
            }
        }
        for (from, to) in theirs.early {
            if let Some(holes) = &mut self.holes {
                holes.fill(from, to, self.acknowledged);
            }
            if distance(self.first, from) < 0 {
                self.came_early((from, to));
            }
        }
        if theirs.missing > 0 {
            let mine = self.holes.get_or_insert_default();
            mine.missing = mine.missing.saturating_add(theirs.missing);
        }
        0
    }

    fn came_early(&mut self, bytes: (u32, u32)) {
        let early = &mut self.holes.get_or_insert_default().early;
        if early.len() < MOST_HOLES {
            early.push(bytes);
        }
    }

    /// Whether the first byte of a segment is the last that was sent, or the capture holds nothing before it.
    pub(super) fn is_behind(&self, segment: TcpSegment) -> bool {
        !self.begun || distance(self.next, segment.sequence) == -1
    }

    /// Whether a segment opens another connection between the same ports.
    pub(super) fn begins_anew(&self, segment: TcpSegment) -> bool {
        self.begun && segment.syn && distance(segment.sequence, self.next).unsigned_abs() > LONGEST
    }

    /// Whether anything is known of it.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Reads the record, so that it is at hand when the next segment comes.
    pub(super) fn expect(&self) -> u64 {
        let hole = self.holes.as_ref().and_then(|holes| holes.open.last());
        u64::from(self.next ^ hole.map_or(0, |(from, _)| *from))
    }

    /// Bytes that it may have lost, at the most.
    pub(super) fn missing(&self) -> u64 {
        let holes = self.holes.as_ref();
        holes.map_or(0, |holes| holes.missing.saturating_add((holes.open.len() as u64) << 32))
    }

    /// Ends the connection: how many bytes the capture lost of it.
    pub(super) fn settle(&mut self) -> u64 {
        let Self { acknowledged, holes, .. } = std::mem::take(self);
        let Some(holes) = holes else { return 0 };
        let open = holes.open.iter().map(|hole| lost(*hole, acknowledged)).sum::<u64>();
        holes.missing.saturating_add(open)
    }

    fn open(&mut self, from: u32, to: u32) {
        let acknowledged = self.acknowledged;
        let holes = self.holes.get_or_insert_default();
        if let Some(last) = holes.open.last_mut()
            && last.1 == from
        {
            last.1 = to;
            return;
        }
        holes.open.push((from, to));
        holes.bound(acknowledged);
    }
}

impl Holes {
    /// What comes late was not lost.
    fn fill(&mut self, from: u32, to: u32, acknowledged: u32) {
        let is_apart = |start, end| distance(from, end) <= 0 || distance(start, to) <= 0;
        // Nearly every segment behind a hole.
        if self.open.iter().all(|(start, end)| is_apart(*start, *end)) {
            return;
        }
        for (start, end) in std::mem::take(&mut self.open) {
            if is_apart(start, end) {
                self.open.push((start, end));
                continue;
            }
            if distance(start, from) > 0 {
                self.open.push((start, from));
            }
            if distance(to, end) > 0 {
                self.open.push((to, end));
            }
        }
        self.bound(acknowledged);
    }

    /// Settles the oldest of too many: a segment inside a hole makes two of it.
    fn bound(&mut self, acknowledged: u32) {
        let beyond = self.open.len().saturating_sub(MOST_HOLES);
        for _ in 0..beyond {
            self.missing += lost(self.open.remove(0), acknowledged);
        }
    }
}

/// The later one of two numbers.
const fn later_of(one: u32, other: u32) -> u32 {
    if distance(one, other) > 0 { other } else { one }
}

/// What two holes have in common.
fn common(one: (u32, u32), other: (u32, u32)) -> Option<(u32, u32)> {
    let from = later_of(one.0, other.0);
    let to = if distance(one.1, other.1) > 0 { one.1 } else { other.1 };
    (distance(from, to) > 0).then_some((from, to))
}

/// Of a hole, the bytes that its receiver acknowledged.
fn lost((from, to): (u32, u32), acknowledged: u32) -> u64 {
    let known = if distance(to, acknowledged) >= 0 { to } else { acknowledged };
    u64::try_from(distance(from, known)).unwrap_or_default()
}

/// How far behind `from` a number lies, on the circle of 2^32 (RFC 9293 §3.4).
const fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

/// The largest window (RFC 7323 §2.3).
const FARTHEST: i32 = 1 << 30;
/// A segment's data at the most.
const LONGEST: u32 = 1 << 16;
const MOST_HOLES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(sequence: u32) -> TcpSegment {
        TcpSegment { sequence, acknowledged: None, syn: false, fin: false, reset: false }
    }

    #[test]
    fn a_hole_counts_once_it_is_acknowledged() {
        let mut way = Way::default();
        way.sent(segment(u32::MAX - 49), 100);
        way.sent(segment(150), 100);
        let mut silent = way.clone();
        assert_eq!(silent.settle(), 0, "the network may have lost it");
        way.acknowledge(250);
        assert_eq!(way.settle(), 100);
    }

    #[test]
    fn what_comes_late_or_again_is_no_loss() {
        let mut way = Way::default();
        way.sent(segment(0), 100);
        way.sent(segment(200), 100);
        way.sent(segment(100), 40);
        way.sent(segment(140), 60);
        way.sent(segment(0), 100);
        way.acknowledge(300);
        assert_eq!(way.settle(), 0);
    }

    /// Every second byte of a hole comes late, from its front, from its back, and in no order.
    #[test]
    fn a_hole_that_is_split_again_and_again_stays_few() {
        let orders: [fn(u32) -> u32; 3] = [|k| k, |k| 9_999 - k, |k| k * 7_919 % 10_000];
        for order in orders {
            let mut way = Way::default();
            way.sent(segment(1), 1);
            way.sent(segment(20_100), 1);
            for k in 0..10_000 {
                way.sent(segment(10 + 2 * order(k)), 1);
                assert!(way.holes.as_ref().is_some_and(|holes| holes.open.len() <= MOST_HOLES));
            }
            way.acknowledge(20_101);
            // What is settled before anything was acknowledged was lost to the network, for all that is known.
            assert!(way.settle() <= 20_098);
        }
    }

    #[test]
    fn an_acknowledgement_of_the_unseen_is_a_loss() {
        let mut way = Way::default();
        way.acknowledge(1000);
        way.sent(segment(1000), 10);
        way.acknowledge(1510);
        assert_eq!(way.settle(), 500);
    }

    proptest! {
        /// Wherever a stream is cut into two files, the two lose what the whole loses.
        #[test]
        fn two_files_lose_what_the_whole_loses(
            pieces in proptest::collection::vec((1usize..2000, any::<bool>(), any::<bool>()), 1..40),
            start in any::<u32>(),
            cut in 0usize..80,
        ) {
            let mut place = start;
            let mut reported: Vec<(u32, usize, bool)> = Vec::new();
            for (length, is_captured, is_acknowledged) in pieces {
                if is_captured {
                    reported.push((place, length, false));
                }
                place = place.wrapping_add(u32::try_from(length).unwrap());
                if is_acknowledged {
                    reported.push((place, 0, true));
                }
            }
            let take = |way: &mut Way, part: &[(u32, usize, bool)]| {
                for (number, length, acknowledges) in part {
                    if *acknowledges {
                        way.acknowledge(*number);
                    } else {
                        way.sent(segment(*number), *length);
                    }
                }
            };
            let mut whole = Way::default();
            take(&mut whole, &reported);
            let (first, second) = reported.split_at(cut.min(reported.len()));
            let (mut one, mut other) = (Way::default(), Way::default());
            take(&mut one, first);
            take(&mut other, second);
            let lost = one.go_on(other, true);
            prop_assert_eq!(lost + one.settle(), whole.settle());
        }
    }

    #[test]
    fn what_comes_late_in_the_next_file_fills_the_hole_of_the_one_before() {
        let sent = |from: u32, length: usize| (from, length, false);
        let heard = |until: u32| (until, 0, true);
        let streams: [&[_]; 3] = [
            &[sent(0, 100), sent(200, 100), heard(300), sent(100, 100), sent(300, 10)],
            &[sent(0, 100), sent(200, 100), sent(120, 40), sent(300, 10), heard(310)],
            &[sent(0, 100), sent(100, 100), sent(0, 50), sent(200, 10), heard(210)],
        ];
        for (parts, lost) in streams.into_iter().zip([0, 60, 0]) {
            for cut in 0..=parts.len() {
                let mut ways = [Way::default(), Way::default()];
                for (at, (number, length, is_heard)) in parts.iter().enumerate() {
                    let way = &mut ways[usize::from(at >= cut)];
                    if *is_heard {
                        way.acknowledge(*number);
                    } else {
                        way.sent(segment(*number), *length);
                    }
                }
                let [mut one, other] = ways;
                assert_eq!(one.go_on(other, true) + one.settle(), lost, "{parts:?} at {cut}");
            }
        }
    }

    #[test]
    fn what_passes_in_a_pause_of_the_capture_is_no_loss() {
        let (mut one, mut other) = (Way::default(), Way::default());
        one.sent(segment(0), 100);
        other.sent(segment(5000), 100);
        other.acknowledge(5100);
        let mut same = one.clone();
        assert_eq!(same.go_on(other.clone(), true) + same.settle(), 4900);
        assert_eq!(one.go_on(other, false) + one.settle(), 0);
    }

    #[test]
    fn the_flags_take_a_number_each() {
        let mut way = Way::default();
        way.sent(TcpSegment { syn: true, ..segment(9) }, 0);
        way.acknowledge(10);
        way.sent(TcpSegment { fin: true, ..segment(10) }, 5);
        way.acknowledge(16);
        assert_eq!(way.settle(), 0);
    }
}
