//! What the captures show apart from IKE: when protected and clear traffic ran, which hosts received packets,
//! and when the captures ended.
//!
//! Holds times only, no content.

use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// When one ESP or AH SPI of a pair was in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EspUse {
    /// First packet.
    pub start: Timestamp,
    /// Last packet.
    pub end: Timestamp,
    /// The SPI.
    pub spi: u32,
    /// Its sequence numbers show that there were packets before the first one seen.
    pub continues: bool,
}

/// Per pair, the use of its SPIs and its clear text; per host, when it received packets; and the end of each
/// capture.
#[derive(Clone, Debug, Default)]
pub struct EspActivity {
    pairs: BTreeMap<HostPair, PairActivity>,
    /// Uses that continue earlier sequence numbers, by SPI, start and pair.
    by_spi: BTreeSet<(u32, Timestamp, HostPair, Timestamp)>,
    /// When runs of clear text begin.
    clear: BTreeMap<HostPair, BTreeSet<Timestamp>>,
    /// Spans in which a host received packets, disjoint: end by start.
    received: BTreeMap<IpAddr, BTreeMap<Timestamp, Timestamp>>,
    /// When each host was sent packets by each other one, to and from: spans in order of time.
    sent: BTreeMap<(IpAddr, IpAddr), BTreeMap<Timestamp, Timestamp>>,
    captures: BTreeMap<EvidenceId, Timestamp>,
    /// Captures that hold one packet in many.
    sampled: BTreeSet<EvidenceId>,
}

/// One pair's uses by start, and for each the index of the use that ends last up to it.
#[derive(Clone, Debug, Default)]
struct PairActivity {
    uses: Vec<EspUse>,
    latest: Vec<usize>,
}

/// The state of a pair's ESP at a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EspAt {
    /// None was seen before.
    Unseen,
    /// An SPI that was in use before continues, here or between other addresses of the same SA.
    GoesOn,
    /// No SPI that was in use before continues; the time of the last packet.
    Stopped(Timestamp),
}

impl EspActivity {
    /// Records a pair's uses, in any order.
    pub fn insert(&mut self, pair: HostPair, mut uses: Vec<EspUse>) {
        uses.sort_unstable();
        let going_on = uses.iter().filter(|u| u.continues);
        self.by_spi.extend(going_on.map(|u| (u.spi, u.start, pair, u.end)));
        let mut latest: Option<(Timestamp, usize)> = None;
        let latest = uses.iter().enumerate().map(|(at, u)| {
            latest = latest.max(Some((u.end, at)));
            latest.map_or(at, |(_, at)| at)
        });
        let latest = latest.collect();
        self.pairs.insert(pair, PairActivity { uses, latest });
    }

    /// Records when a run of clear text of a pair begins.
    pub fn clear_begins(&mut self, pair: HostPair, at: Timestamp) {
        self.clear.entry(pair).or_default().insert(at);
    }

    /// Records that a host received packets of another one from `start` to `end`, no more than a second apart.
    pub fn receives(&mut self, host: IpAddr, from: IpAddr, start: Timestamp, end: Timestamp) {
        add_span(self.received.entry(host).or_default(), start, end);
        add_span(self.sent.entry((host, from)).or_default(), start, end);
    }

    /// Records when a capture ended.
    pub fn ends(&mut self, capture: EvidenceId, end: Timestamp) {
        self.captures.insert(capture, end);
    }

    /// Records which captures hold one packet in many: in them silence means nothing.
    pub fn samples(&mut self, captures: BTreeSet<EvidenceId>) {
        self.sampled = captures;
    }

    /// Whether a capture holds one packet in many.
    pub(super) fn is_sampled(&self, capture: EvidenceId) -> bool {
        self.sampled.contains(&capture)
    }

    /// When a capture ended, counting captures that continue it.
    #[must_use]
    pub fn end_of(&self, capture: EvidenceId) -> Option<Timestamp> {
        self.captures.get(&capture).copied()
    }

    /// When SPIs of the pair first appear from one point until [`ESP_FOLLOWS`] behind another.
    pub(super) fn begun_within(
        &self,
        pair: HostPair,
        first: Timestamp,
        last: Timestamp,
    ) -> impl Iterator<Item = Timestamp> {
        let uses = self.pairs.get(&pair).map_or(&[][..], |activity| activity.uses.as_slice());
        let from = uses.partition_point(|u| u.start < first);
        let until = last.shifted(ESP_FOLLOWS);
        let begun = uses.iter().skip(from).map(|u| u.start);
        begun.take_while(move |start| *start <= until).take(MOST_SPIS)
    }

    /// Whether an SPI of the pair that was in use before a point is in use behind another one.
    pub(super) fn outlasts(&self, pair: HostPair, before: Timestamp, at: Timestamp) -> bool {
        let Some(activity) = self.pairs.get(&pair) else { return false };
        let begun = activity.uses.partition_point(|u| u.start < before);
        let place = begun.checked_sub(1).and_then(|last| activity.latest.get(last));
        let last = place.and_then(|place| activity.uses.get(*place));
        last.is_some_and(|last| last.end > at.shifted(UNDER_WAY))
    }

    /// The state of the pair's ESP at this point, apart from packets in flight.
    pub(super) fn esp_at(&self, pair: HostPair, at: Timestamp) -> EspAt {
        let Some(activity) = self.pairs.get(&pair) else { return EspAt::Unseen };
        let begun = activity.uses.partition_point(|u| u.start <= at);
        let place = begun.checked_sub(1).and_then(|last| activity.latest.get(last));
        let Some(last) = place.and_then(|place| activity.uses.get(*place)) else {
            return EspAt::Unseen;
        };
        if last.end > at.shifted(UNDER_WAY)
            || self.end_after_moves(pair, last.spi, last.end) > last.end
        {
            EspAt::GoesOn
        } else {
            EspAt::Stopped(last.end)
        }
    }

    /// The last use of an SPI, also between other addresses of which one belongs to the pair: the other host
    /// moved (RFC 4555), or its translated address changed (RFC 3947). It is the same SA where the sequence
    /// numbers continue and the old addresses are silent.
    #[must_use]
    pub fn end_after_moves(&self, pair: HostPair, spi: u32, end: Timestamp) -> Timestamp {
        let earliest = end.shifted(UNDER_WAY.negated());
        let later = self.by_spi.range((spi, earliest, pair, Timestamp(i64::MIN))..);
        let same = later.take_while(|(of, ..)| *of == spi).take(MOST_MOVES);
        let moved = same.filter(|(_, _, other, _)| {
            let shares =
                [other.a(), other.b()].iter().any(|host| [pair.a(), pair.b()].contains(host));
            *other != pair && shares
        });
        moved.map(|(_, _, _, end)| *end).fold(end, Timestamp::max)
    }

    /// When traffic of the pair is first seen again after a point in time: clear text or a new SPI begins.
    pub(super) fn resumes(&self, pair: HostPair, after: Timestamp) -> Option<Timestamp> {
        let clear = self
            .clear
            .get(&pair)
            .and_then(|starts| starts.range(after.shifted(Span(1))..).next().copied());
        let new = self.pairs.get(&pair).and_then(|activity| {
            let at = activity.uses.partition_point(|u| u.start <= after);
            activity.uses.get(at).map(|u| u.start)
        });
        clear.into_iter().chain(new).min()
    }

    /// Whether a host is seen to receive anything in a span, so that the captures show packets to it.
    pub(super) fn hears(&self, host: IpAddr, from: Timestamp, to: Timestamp) -> bool {
        self.received.get(&host).is_some_and(|spans| touches(spans, from, to))
    }

    /// Whether a host is seen to receive anything from one other host in a span.
    pub(super) fn hears_from(
        &self,
        host: IpAddr,
        peer: IpAddr,
        from: Timestamp,
        to: Timestamp,
    ) -> bool {
        self.sent.get(&(host, peer)).is_some_and(|spans| touches(spans, from, to))
    }

    /// When an SPI of the pair first appears after a point in time.
    pub(super) fn begins(&self, pair: HostPair, after: Timestamp) -> Option<Timestamp> {
        let activity = self.pairs.get(&pair)?;
        let first = activity.uses.partition_point(|u| u.start <= after);
        activity.uses.get(first).map(|u| u.start)
    }

    /// The SPIs of the pair that were in use before a point in time, the latest first.
    pub(super) fn spis(&self, pair: HostPair, at: Timestamp) -> impl Iterator<Item = u32> {
        let uses = self.pairs.get(&pair).map_or(&[][..], |activity| activity.uses.as_slice());
        let begun = uses.partition_point(|u| u.start <= at);
        uses.get(..begun).unwrap_or_default().iter().rev().take(MOST_SPIS).map(|u| u.spi)
    }

    /// Whether the capture continued long enough after a request for its answer to arrive. A capture without a
    /// known end is assumed to.
    pub(super) fn would_show_an_answer(&self, capture: EvidenceId, sent: Timestamp) -> bool {
        self.captures.get(&capture).is_none_or(|end| *end >= sent.shifted(ANSWER))
    }
}

/// Adds a span to disjoint spans.
fn add_span(spans: &mut BTreeMap<Timestamp, Timestamp>, start: Timestamp, end: Timestamp) {
    let (mut start, mut end) = (start, end);
    while let Some((known, until)) = spans.range(..=end).next_back().map(|(s, e)| (*s, *e))
        && until >= start
    {
        spans.remove(&known);
        (start, end) = (start.min(known), end.max(until));
    }
    spans.insert(start, end);
}

fn touches(spans: &BTreeMap<Timestamp, Timestamp>, from: Timestamp, to: Timestamp) -> bool {
    spans.range(..=to).next_back().is_some_and(|(_, until)| *until >= from)
}

/// Packets in flight when a security association is deleted arrive a little later.
pub(super) const UNDER_WAY: Span = Span::from_seconds(1);
/// A new SPI that follows an exchange within this time is considered its result; RFC 7296 §2.4 leaves it to
/// traffic when the first packet is sent.
pub(super) const ESP_FOLLOWS: Span = Span::from_seconds(10);
/// A present peer answers within a round trip and some computation.
const ANSWER: Span = Span::from_seconds(2);
/// SPIs of one pair that a Delete is compared with, and that are looked at after a message.
const MOST_SPIS: usize = 256;
/// Uses of the same SPI that are examined for one that continues.
const MOST_MOVES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * SECOND)
    }

    fn host(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn used(spi: u32, start: i64, end: i64) -> EspUse {
        EspUse { start: at(start), end: at(end), spi, continues: true }
    }

    #[test]
    fn an_spi_that_goes_on_elsewhere_has_moved() {
        let (home, away, foreign) = (
            HostPair::new(host(1), host(2)),
            HostPair::new(host(9), host(2)),
            HostPair::new(host(7), host(8)),
        );
        let mut activity = EspActivity::default();
        activity.insert(home, vec![used(5, 0, 10), used(6, 0, 9)]);
        assert_eq!(activity.esp_at(home, at(10)), EspAt::Stopped(at(10)));
        activity.insert(foreign, vec![used(5, 11, 20)]);
        assert_eq!(activity.esp_at(home, at(10)), EspAt::Stopped(at(10)));
        activity.insert(away, vec![used(5, 11, 20)]);
        assert_eq!(activity.esp_at(home, at(10)), EspAt::GoesOn);
        assert_eq!(activity.esp_at(away, at(10)), EspAt::Unseen);
    }

    #[test]
    fn what_a_host_received_is_kept_as_spans() {
        let mut activity = EspActivity::default();
        for (start, end) in [(10, 20), (40, 50), (15, 30), (29, 41)] {
            activity.receives(host(1), host(3), at(start), at(end));
        }
        assert_eq!(activity.received[&host(1)].len(), 1);
        assert!(activity.hears(host(1), at(50), at(60)));
        assert!(!activity.hears(host(1), at(51), at(60)));
        assert!(!activity.hears(host(2), at(0), at(60)));
        assert!(activity.hears_from(host(1), host(3), at(50), at(60)));
        assert!(!activity.hears_from(host(1), host(4), at(50), at(60)));
    }
}
