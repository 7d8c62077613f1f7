//! Fragments of UDP datagrams, put together in any order.
//!
//! Holds bytes of a bounded number of datagrams for a bounded stretch of capture time. What a
//! datagram means, and whether it is wanted at all, only the caller knows.

use super::fragment::Datagram as Key;
use super::pieces::{Piece, Pieces, Taken};
use super::{Fragment, IpPacket, Ports};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;

/// A datagram put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole<S> {
    /// The ports of its UDP header.
    pub ports: Ports,
    /// What UDP carries, without the UDP header.
    pub bytes: Vec<u8>,
    /// What the fragment that completed it was seen as.
    pub seen: S,
    /// What its first fragment (offset 0) was seen as.
    pub first: S,
}

/// A datagram that was given up with its first fragment there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<S> {
    /// Who sent it.
    pub source: IpAddr,
    /// Whom it is for.
    pub destination: IpAddr,
    /// The ports of its UDP header.
    pub ports: Ports,
    /// What UDP carries, as far as it is there without a gap.
    pub bytes: Vec<u8>,
    /// What its first fragment was seen as.
    pub seen: S,
}

/// Datagrams under way; `S` is what the caller wants to remember of a fragment.
///
/// Every wanted first fragment comes back once, in a [`Whole`] or a [`Part`], unless it repeats one
/// that is held.
#[derive(Debug)]
pub struct Reassembly<S> {
    /// By their order of arrival.
    under_way: BTreeMap<u64, Datagram<S>>,
    arrivals: HashMap<Key, u64>,
    next_arrival: u64,
    held: usize,
    unwanted: Unwanted,
    given_up: Vec<Part<S>>,
}

/// A datagram under way.
#[derive(Debug)]
struct Datagram<S> {
    key: Key,
    begun: Timestamp,
    /// Ports and sight of the first fragment; `None` until it comes.
    first: Option<(Ports, S)>,
    pieces: Pieces,
    /// What holding the pieces costs.
    held: usize,
}

/// Datagrams whose fragments are passed over, and since when.
#[derive(Debug, Default)]
struct Unwanted {
    since: HashMap<Key, Timestamp>,
    order: VecDeque<Key>,
}

impl<S> Default for Reassembly<S> {
    fn default() -> Self {
        Self {
            under_way: BTreeMap::new(),
            arrivals: HashMap::new(),
            next_arrival: 0,
            held: 0,
            unwanted: Unwanted::default(),
            given_up: Vec::new(),
        }
    }
}

impl<S: Copy> Reassembly<S> {
    /// Takes a fragment of a UDP datagram; gives the datagram that it completes.
    ///
    /// `wanted` is what the caller knows of a first fragment: `Some(false)` drops what came of its
    /// datagram before and what comes later. `None` for later fragments, which are held until their
    /// first one decides; a first fragment of which nothing is known counts as wanted.
    pub fn observe(
        &mut self,
        packet: &IpPacket<'_>,
        fragment: Fragment,
        wanted: Option<bool>,
        time: Timestamp,
        seen: S,
    ) -> Option<Whole<S>> {
        let key = Key::of(packet, fragment);
        self.give_up_late(key, time);
        let first = match (fragment.offset, wanted) {
            (0, Some(false)) => {
                self.give_up(key);
                self.unwanted.insert(key, time);
                return None;
            }
            // An identification may be used again.
            (0, _) => {
                self.unwanted.since.remove(&key);
                Some((packet.ports?, seen))
            }
            _ if self.unwanted.contains(key, time) => return None,
            _ => None,
        };
        match self.take(key, first, Piece::of(packet, fragment), time) {
            Taken::New => self.complete(key, seen),
            Taken::Again => None,
            Taken::Contradicting => {
                self.give_up(key);
                // RFC 5722 §4: fragments still to come are dropped as well.
                self.unwanted.insert(key, time);
                let bytes = packet.payload.to_vec();
                self.given_up.extend(first.map(|first| key.part(first, bytes)));
                None
            }
        }
    }

    /// Whether datagrams that were given up wait to be taken.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        !self.given_up.is_empty()
    }

    /// Datagrams given up since the last call: too late, contradicting themselves or pushed out by
    /// the bounds. To be taken after each fragment; what waits here is not counted as held.
    pub fn take_given_up(&mut self) -> Vec<Part<S>> {
        std::mem::take(&mut self.given_up)
    }

    /// At the end of a file: what was given up and not taken, then the rest in order of arrival.
    #[must_use]
    pub fn finish(mut self) -> Vec<Part<S>> {
        let rest = std::mem::take(&mut self.under_way);
        self.given_up.extend(rest.into_values().filter_map(Datagram::into_part));
        self.given_up
    }

    /// Bytes of memory that datagrams under way cost, at most [`MAX_HELD`] between two fragments.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.held
    }

    /// Puts a piece to the others of its datagram.
    fn take(
        &mut self,
        key: Key,
        first: Option<(Ports, S)>,
        piece: Piece,
        time: Timestamp,
    ) -> Taken {
        let arrival = *self.arrivals.entry(key).or_insert(self.next_arrival);
        let datagram = self.under_way.entry(arrival).or_insert_with(|| {
            self.next_arrival += 1;
            Datagram { key, begun: time, first: None, pieces: Pieces::default(), held: 0 }
        });
        let cost = piece.bytes.len() + PIECE_COST;
        let taken = datagram.pieces.take(piece);
        if taken == Taken::New {
            datagram.first = datagram.first.or(first);
            datagram.held += cost;
            self.held += cost;
        }
        taken
    }

    /// Gives a datagram back if nothing of it is missing, else sees to the bounds.
    fn complete(&mut self, key: Key, seen: S) -> Option<Whole<S>> {
        let datagram = self.under_way.get(self.arrivals.get(&key)?)?;
        if datagram.pieces.is_whole() {
            let datagram = self.forget(key)?;
            let (ports, first) = datagram.first?;
            return Some(Whole { ports, bytes: datagram.pieces.into_bytes(), seen, first });
        }
        while self.held > MAX_HELD || self.under_way.len() > MAX_DATAGRAMS {
            let (_, oldest) = self.under_way.first_key_value()?;
            self.give_up(oldest.key);
        }
        None
    }

    /// Gives up what began too long ago.
    fn give_up_late(&mut self, key: Key, time: Timestamp) {
        while let Some((_, oldest)) = self.under_way.first_key_value()
            && is_late(oldest.begun, time)
        {
            self.give_up(oldest.key);
        }
        // Where captured times run backwards, the oldest is not the one that began first.
        let datagram = self.arrivals.get(&key).and_then(|arrival| self.under_way.get(arrival));
        if datagram.is_some_and(|datagram| is_late(datagram.begun, time)) {
            self.give_up(key);
        }
    }

    fn give_up(&mut self, key: Key) {
        let part = self.forget(key).and_then(Datagram::into_part);
        self.given_up.extend(part);
    }

    fn forget(&mut self, key: Key) -> Option<Datagram<S>> {
        let datagram = self.under_way.remove(&self.arrivals.remove(&key)?)?;
        self.held -= datagram.held;
        Some(datagram)
    }
}

impl<S> Datagram<S> {
    /// `None` if it is not known to be wanted.
    fn into_part(self) -> Option<Part<S>> {
        let first = self.first?;
        Some(self.key.part(first, self.pieces.into_bytes()))
    }
}

impl Key {
    fn part<S>(self, (ports, seen): (Ports, S), bytes: Vec<u8>) -> Part<S> {
        Part { source: self.source, destination: self.destination, ports, bytes, seen }
    }
}

impl Piece {
    fn of(packet: &IpPacket<'_>, fragment: Fragment) -> Self {
        let start = usize::from(fragment.offset) * 8;
        // In a first fragment the UDP header is in the segment, but no longer in the payload. A
        // fragment that is no multiple of eight fits none that follows: it never becomes whole.
        let length = if start == 0 { packet.segment_len } else { packet.payload_len };
        Self {
            start,
            end: start.saturating_add(length),
            more: fragment.more,
            is_cut: packet.payload.len() < packet.payload_len,
            bytes: packet.payload.to_vec(),
        }
    }
}

impl Unwanted {
    fn insert(&mut self, key: Key, time: Timestamp) {
        if self.since.insert(key, time).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MAX_UNWANTED
            && let Some(oldest) = self.order.pop_front()
        {
            self.since.remove(&oldest);
        }
    }

    fn contains(&self, key: Key, time: Timestamp) -> bool {
        self.since.get(&key).is_some_and(|since| !is_late(*since, time))
    }
}

/// Captured times may run backwards; a datagram is not older for it.
fn is_late(begun: Timestamp, time: Timestamp) -> bool {
    time.since(begun).magnitude() > PATIENCE
}

/// The most that datagrams under way may cost: some 120 of the greatest, thousands of IKE's.
pub const MAX_HELD: usize = 8 * 1024 * 1024;
/// More than any host has under way to its peers within [`PATIENCE`], unless it is being attacked.
const MAX_DATAGRAMS: usize = 4096;
/// As for the fragments whose verdict alone is remembered; a few bytes each.
const MAX_UNWANTED: usize = 16_384;
/// What keeping a piece costs beside its bytes; else empty fragments would cost nothing.
const PIECE_COST: usize = 128;
/// RFC 8200 §4.5: 60 seconds after the first arrival reassembly is abandoned (RFC 791: a timer).
const PATIENCE: Span = Span::from_seconds(60);

#[cfg(test)]
mod tests;
