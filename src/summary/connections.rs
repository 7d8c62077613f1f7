//! TCP connections that carry IKE and ESP (RFC 9329), told from all others by how they begin.
//!
//! A connection's opening segments are held back until its first octets tell what it is. Bounded;
//! of other connections nothing is kept.

use crate::hosts::{Direction, HostPair};
use crate::ike::{Encapsulated, EncapsulatedStream};
use crate::packet::{IpPacket, Ports, TcpSegment};
use crate::protection::{EspSpi, Stream};
use std::collections::{HashMap, VecDeque};

/// Connections that are opening or known to carry IKE; `L` is what is held of a segment.
#[derive(Debug)]
pub(super) struct Connections<L> {
    known: HashMap<Key, Connection<L>, foldhash::fast::RandomState>,
    /// Those that open, and those that carry IKE, each in order of arrival.
    opening: VecDeque<Key>,
    carrying: VecDeque<Key>,
    /// How many known connections fall on each of a few numbers made from the ports: most
    /// segments of other connections are told by one look here.
    marks: Vec<u16>,
    /// Octets that wait in all streams together.
    waiting: usize,
    released: Vec<(L, Option<Stream>)>,
}

/// The two hosts and their ports, the lower address's first.
type Key = (HostPair, u16, u16);

#[derive(Debug)]
enum Connection<L> {
    /// No octet was seen yet: its segments so far.
    Opening(Vec<L>),
    /// It begins as RFC 9329 says: each direction's stream.
    Encapsulating(Box<[Option<Way>; 2]>),
}

/// One direction of a connection.
#[derive(Debug)]
struct Way {
    stream: EncapsulatedStream,
    /// What the last message was, for segments that complete none.
    last: Stream,
}

/// What a segment is.
#[derive(Debug)]
pub(super) enum Carried {
    /// It has nothing to do with IKE as far as is known.
    Nothing,
    /// It may belong to a connection that carries IKE: to be held.
    Opening,
    /// It belongs to one: its stream, and the IKE messages that it completes.
    Stream(Stream, Vec<Vec<u8>>),
}

impl<L> Default for Connections<L> {
    fn default() -> Self {
        Self {
            known: HashMap::default(),
            opening: VecDeque::new(),
            carrying: VecDeque::new(),
            marks: vec![0; MARKS],
            waiting: 0,
            released: Vec::new(),
        }
    }
}

impl<L> Connections<L> {
    /// What a whole TCP segment is. One that is [`Carried::Opening`] is to be given to
    /// [`Self::hold`].
    pub(super) fn segment(&mut self, ip: &IpPacket<'_>, segment: TcpSegment) -> Carried {
        let Some(ports) = ip.ports else { return Carried::Nothing };
        let direction = ip.direction;
        let key = key(ip.pair, direction, ports);
        let begins = ip.payload.starts_with(EncapsulatedStream::PREFIX);
        if !segment.syn && !begins && self.marks.get(mark(key)).is_none_or(|count| *count == 0) {
            return Carried::Nothing;
        }
        match self.known.get(&key) {
            Some(Connection::Encapsulating(_)) => self.carry(key, ip, segment),
            None | Some(Connection::Opening(_)) if begins => {
                self.begin(key);
                self.carry(key, ip, segment)
            }
            None if segment.syn && ip.payload.is_empty() => Carried::Opening,
            Some(Connection::Opening(_)) if ip.payload.is_empty() => Carried::Opening,
            Some(Connection::Opening(_)) => {
                self.forget(key);
                Carried::Nothing
            }
            None => Carried::Nothing,
        }
    }

    /// Takes a segment of a connection that carries IKE.
    fn carry(&mut self, key: Key, ip: &IpPacket<'_>, segment: TcpSegment) -> Carried {
        let Some(Connection::Encapsulating(ways)) = self.known.get_mut(&key) else {
            return Carried::Nothing;
        };
        let before = waiting(ways);
        let told = carried(ways, ip, segment, ip.direction);
        self.waiting = self.waiting.saturating_sub(before) + waiting(ways);
        while self.waiting > MOST_WAITING
            && let Some(oldest) = self.carrying.pop_front()
        {
            self.forget(oldest);
        }
        told
    }

    /// What a segment is that repeats the one before it: as [`Self::segment`], which it is not shown to.
    pub(super) fn known(&self, ip: &IpPacket<'_>, segment: TcpSegment) -> Carried {
        let Some(ports) = ip.ports else { return Carried::Nothing };
        match self.known.get(&key(ip.pair, ip.direction, ports)) {
            Some(Connection::Encapsulating(ways)) => {
                let [a_to_b, b_to_a] = ways.as_ref();
                let way = match ip.direction {
                    Direction::AToB => a_to_b,
                    Direction::BToA => b_to_a,
                };
                let last = way.as_ref().map_or(Stream::Ike, |way| way.last);
                let is_empty = ip.payload.is_empty();
                Carried::Stream(if is_empty { Stream::Ike } else { last }, Vec::new())
            }
            Some(Connection::Opening(_)) if segment.syn || ip.payload.is_empty() => {
                Carried::Opening
            }
            Some(Connection::Opening(_)) | None => Carried::Nothing,
        }
    }

    /// Keeps an opening segment back.
    pub(super) fn hold(&mut self, ip: &IpPacket<'_>, segment: L) {
        let Some(ports) = ip.ports else { return self.released.push((segment, None)) };
        let key = key(ip.pair, ip.direction, ports);
        match self.known.get_mut(&key) {
            Some(Connection::Opening(held)) if held.len() < MAX_OPENING => held.push(segment),
            Some(Connection::Opening(_) | Connection::Encapsulating(_)) => {
                self.released.push((segment, None));
            }
            None => self.admit(key, Connection::Opening(vec![segment])),
        }
    }

    /// Segments that are held no longer, and the stream that they turned out to belong to.
    pub(super) fn take_released(&mut self) -> Vec<(L, Option<Stream>)> {
        std::mem::take(&mut self.released)
    }

    /// At the end of a capture: all that is still held.
    pub(super) fn finish(mut self) -> Vec<(L, Option<Stream>)> {
        for key in std::mem::take(&mut self.opening) {
            self.forget(key);
        }
        self.released
    }

    /// A connection shows the prefix: it carries IKE, and so did its opening.
    fn begin(&mut self, key: Key) {
        self.forget_as(key, Some(Stream::Ike));
        self.insert(key, Connection::Encapsulating(Box::new([None, None])));
        self.carrying.push_back(key);
        if self.carrying.len() > MAX_CONNECTIONS
            && let Some(oldest) = self.carrying.pop_front()
        {
            self.forget(oldest);
        }
    }

    fn admit(&mut self, key: Key, opening: Connection<L>) {
        self.insert(key, opening);
        self.opening.push_back(key);
        // Connections that turned out to be something stay in the order until their turn comes.
        if self.opening.len() > MAX_CONNECTIONS
            && let Some(oldest) = self.opening.pop_front()
            && matches!(self.known.get(&oldest), Some(Connection::Opening(_)))
        {
            self.forget(oldest);
        }
    }

    fn insert(&mut self, key: Key, connection: Connection<L>) {
        self.known.insert(key, connection);
        if let Some(count) = self.marks.get_mut(mark(key)) {
            *count = count.saturating_add(1);
        }
    }

    fn forget(&mut self, key: Key) {
        self.forget_as(key, None);
    }

    fn forget_as(&mut self, key: Key, stream: Option<Stream>) {
        let Some(connection) = self.known.remove(&key) else { return };
        if let Some(count) = self.marks.get_mut(mark(key)) {
            *count = count.saturating_sub(1);
        }
        match connection {
            Connection::Opening(held) => {
                self.released.extend(held.into_iter().map(|held| (held, stream)));
            }
            Connection::Encapsulating(ways) => {
                self.waiting = self.waiting.saturating_sub(waiting(&ways));
            }
        }
    }
}

/// Octets that wait for others in both directions.
fn waiting(ways: &[Option<Way>; 2]) -> usize {
    ways.iter().flatten().map(|way| way.stream.held()).sum()
}

/// A segment of a connection that carries IKE.
fn carried(
    ways: &mut [Option<Way>; 2],
    ip: &IpPacket<'_>,
    segment: TcpSegment,
    direction: Direction,
) -> Carried {
    if ip.payload.is_empty() {
        return Carried::Stream(Stream::Ike, Vec::new());
    }
    let [a_to_b, b_to_a] = ways;
    let way = match direction {
        Direction::AToB => a_to_b,
        Direction::BToA => b_to_a,
    };
    let prefix = EncapsulatedStream::PREFIX;
    let begins = ip.payload.starts_with(prefix) && way.is_none();
    let skipped = if begins { prefix.len() } else { 0 };
    let sequence = segment.sequence.wrapping_add(u32::try_from(skipped).unwrap_or_default());
    let payload = ip.payload.get(skipped..).unwrap_or_default();
    let way = way.get_or_insert_with(|| Way {
        stream: EncapsulatedStream::new(sequence),
        last: Stream::Ike,
    });
    let mut messages = Vec::new();
    for carried in way.stream.segment(sequence, payload) {
        way.last = match carried {
            Encapsulated::Ike(message) => {
                messages.push(message);
                Stream::Ike
            }
            Encapsulated::Esp { spi, .. } => Stream::Esp(EspSpi(spi), direction),
            Encapsulated::Keepalive => Stream::NattKeepalive,
        };
    }
    // A segment with an IKE message is told as such, whatever it carries beside it.
    let stream = if messages.is_empty() { way.last } else { Stream::Ike };
    Carried::Stream(stream, messages)
}

fn key(pair: HostPair, direction: Direction, ports: Ports) -> Key {
    match direction {
        Direction::AToB => (pair, ports.source, ports.destination),
        Direction::BToA => (pair, ports.destination, ports.source),
    }
}

fn mark((_, a_port, b_port): Key) -> usize {
    usize::from(a_port.wrapping_mul(31) ^ b_port) % MARKS
}

const MARKS: usize = 4096;
/// Connections that open at once; the oldest are let go.
const MAX_CONNECTIONS: usize = 4096;
/// Octets that wait in all connections together; of more the oldest connections are let go.
const MOST_WAITING: usize = 32 << 20;
/// Three segments open a connection; some are sent again.
const MAX_OPENING: usize = 16;
