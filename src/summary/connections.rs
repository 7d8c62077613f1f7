//! TCP connections that carry IKE and ESP (RFC 9329): recognized by how they begin, or, where they began
//! before the capture, by what they carry.
//!
//! A connection's opening segments are held back until its first bytes show what it is. Of one that
//! began earlier, segments that hold nothing but whole messages are held back until [`Proof`] is
//! complete. Bounded; of other connections nothing is kept.

mod message;

pub(super) use message::Message;

use super::conversations::{ConversationKey, conversation_of};
use crate::hosts::{Direction, HostPair};
use crate::ike::{Encapsulated, EncapsulatedStream, Probe, probe};
use crate::packet::{IpPacket, Ports, TcpSegment, protocol};
use crate::protection::{EspSpi, Stream};
use message::cost;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// Connections that are opening or known to carry IKE; `L` is what is held of a segment.
#[derive(Debug)]
pub(super) struct Connections<L> {
    known: HashMap<Key, Connection<L>, foldhash::fast::RandomState>,
    /// Those that open, and those that carry IKE, each in order of arrival.
    opening: VecDeque<Key>,
    carrying: VecDeque<Key>,
    /// How many known connections fall on each of a few numbers made from the ports: most
    /// segments of other connections are recognized by one look here.
    marks: Vec<u16>,
    /// Bytes that wait in all streams together.
    waiting: usize,
    /// Bytes that the segments of connections that are only likely take, all together.
    held: usize,
    released: Vec<Released<L>>,
}

/// A segment that is held no longer.
#[derive(Debug)]
pub(super) struct Released<L> {
    /// What was held of it.
    pub(super) segment: L,
    /// The stream that it turned out to belong to; `None` where it has nothing to do with IKE.
    pub(super) stream: Option<Stream>,
    /// The messages that it completed.
    pub(super) messages: Vec<Message>,
    /// The ports, the lower address's first.
    pub(super) ports: (u16, u16),
}

/// What a capture leaves open of connections that carry IKE, or may do so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OpenConnections<L> {
    /// Those that carry it, and what the last message was each way, from the lower address first.
    pub(super) carrying: Vec<(ConversationKey, [Stream; 2])>,
    /// The segments of those that only opened.
    pub(super) opening: Vec<(ConversationKey, L)>,
}

/// The two hosts and their ports, the lower address's first.
type Key = (HostPair, u16, u16);

#[derive(Debug)]
enum Connection<L> {
    /// No byte was seen yet: its segments so far.
    Opening(Vec<L>),
    /// It began before the capture, and all that was seen reads as RFC 9329 says: its segments so
    /// far, with what they are if that is proven.
    Likely(Box<Ways>, Vec<(L, Stream, Vec<Message>)>),
    /// It carries IKE and ESP.
    Encapsulating(Box<Ways>),
}

/// Both directions of a connection, from the lower address first.
#[derive(Debug, Default)]
struct Ways {
    each: [Option<Way>; 2],
    /// It began before the capture.
    midway: bool,
    proof: Proof,
}

/// What shows that a connection which began before the capture carries IKE and ESP.
#[derive(Debug, Default)]
struct Proof {
    /// Numbers of ESP that rise within an SPI, each behind a length that leads to the next message.
    rising: u32,
    /// IKE messages whose own length is that of the message.
    ike: u32,
}

impl Proof {
    /// A length that fits (RFC 9329 §3, 16 bits), a multiple of four bytes (RFC 4303 §2.4), the SPI
    /// of before (32 bits) and a number shortly behind the last one (16): two of them are chance once in
    /// 2^100. An IKE message has a marker of 32 bits and a length of its own of 32.
    const fn is_complete(&self) -> bool {
        self.rising >= 2 || self.ike >= 1
    }
}

/// One direction of a connection.
#[derive(Debug)]
struct Way {
    stream: EncapsulatedStream,
    /// What the last message was, for segments that complete none.
    last: Stream,
    /// SPI and number of the last ESP packet.
    esp: Option<(u32, u32)>,
}

/// What a segment is.
#[derive(Debug)]
pub(super) enum Carried {
    /// It has nothing to do with IKE as far as is known.
    Nothing,
    /// It may belong to a connection that carries IKE: to be held.
    Opening,
    /// It belongs to one: its stream, and the messages that it completes.
    Stream(Stream, Vec<Message>),
}

impl<L> Default for OpenConnections<L> {
    fn default() -> Self {
        Self { carrying: Vec::new(), opening: Vec::new() }
    }
}

impl<L> Default for Connections<L> {
    fn default() -> Self {
        Self {
            known: HashMap::default(),
            opening: VecDeque::new(),
            carrying: VecDeque::new(),
            marks: vec![0; MARKS],
            waiting: 0,
            held: 0,
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
        let is_marked = self.marks.get(mark(key)).is_some_and(|count| *count > 0);
        if !segment.syn && !begins && !is_marked {
            return self.begun_before(key, ip, segment);
        }
        match self.known.get_mut(&key) {
            Some(Connection::Encapsulating(_)) => self.carry(key, ip, segment),
            None | Some(Connection::Opening(_)) if begins => {
                self.begin(key, Ways::default());
                self.carry(key, ip, segment)
            }
            None if segment.syn && ip.payload.is_empty() => Carried::Opening,
            Some(Connection::Opening(_)) if ip.payload.is_empty() => Carried::Opening,
            Some(Connection::Opening(_)) => {
                self.forget(key);
                Carried::Nothing
            }
            Some(Connection::Likely(ways, _)) => {
                let carried = ways.carried(ip, segment, direction);
                if ways.lost() {
                    self.forget(key);
                    return Carried::Nothing;
                }
                carried
            }
            None => self.begun_before(key, ip, segment),
        }
    }

    /// Whether a segment without SYN is [`Carried::Nothing`] at first sight.
    #[inline]
    pub(super) fn is_of_none(&self, ip: &IpPacket<'_>, ports: Ports) -> bool {
        let key = key(ip.pair, ip.direction, ports);
        let begins = ip.payload.starts_with(EncapsulatedStream::PREFIX);
        let is_marked = self.marks.get(mark(key)).is_some_and(|count| *count > 0);
        !begins && !is_marked && !EncapsulatedStream::is_whole_messages(ip.payload)
    }

    /// A segment of a connection whose beginning was not seen.
    fn begun_before(&mut self, key: Key, ip: &IpPacket<'_>, segment: TcpSegment) -> Carried {
        if !EncapsulatedStream::is_whole_messages(ip.payload) {
            return Carried::Nothing;
        }
        let mut ways = Box::new(Ways { midway: true, ..Ways::default() });
        let carried = ways.carried(ip, segment, ip.direction);
        self.admit(key, Connection::Likely(ways, Vec::new()));
        carried
    }

    /// Whether a segment of a connection that carries something is to be given to
    /// [`Self::hold_likely`] because that is not proven.
    pub(super) fn is_only_likely(&self, ip: &IpPacket<'_>) -> bool {
        let key = ip.ports.map(|ports| key(ip.pair, ip.direction, ports));
        key.is_some_and(|key| matches!(self.known.get(&key), Some(Connection::Likely(..))))
    }

    /// Keeps a segment back, with what it is where the connection carries IKE and ESP.
    pub(super) fn hold_likely(
        &mut self,
        ip: &IpPacket<'_>,
        segment: L,
        (stream, messages): (Stream, Vec<Message>),
    ) {
        let Some(ports) = ip.ports else { return };
        let key = key(ip.pair, ip.direction, ports);
        let Some(Connection::Likely(ways, held)) = self.known.get_mut(&key) else { return };
        let messages: Vec<Message> = messages.into_iter().map(Message::cut).collect();
        self.held += cost(&messages);
        held.push((segment, stream, messages));
        if ways.proof.is_complete() {
            let ways = std::mem::take(&mut **ways);
            self.begin(key, ways);
        } else if held.len() >= MAX_LIKELY {
            self.forget(key);
        }
        while self.held > MOST_WAITING
            && let Some(oldest) = self.opening.pop_front()
        {
            if !matches!(self.known.get(&oldest), Some(Connection::Encapsulating(_))) {
                self.forget(oldest);
            }
        }
    }

    /// Takes a segment of a connection that carries IKE.
    fn carry(&mut self, key: Key, ip: &IpPacket<'_>, segment: TcpSegment) -> Carried {
        let Some(Connection::Encapsulating(ways)) = self.known.get_mut(&key) else {
            return Carried::Nothing;
        };
        let before = ways.waiting();
        let reported = ways.carried(ip, segment, ip.direction);
        self.waiting = self.waiting.saturating_sub(before) + ways.waiting();
        while self.waiting > MOST_WAITING
            && let Some(oldest) = self.carrying.pop_front()
        {
            self.forget(oldest);
        }
        reported
    }

    /// What a segment is that repeats the one before it: as [`Self::segment`], which it is not shown to.
    pub(super) fn known(&self, ip: &IpPacket<'_>, segment: TcpSegment) -> Carried {
        let Some(ports) = ip.ports else { return Carried::Nothing };
        match self.known.get(&key(ip.pair, ip.direction, ports)) {
            Some(Connection::Encapsulating(ways) | Connection::Likely(ways, _)) => {
                let [a_to_b, b_to_a] = &ways.each;
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
        let Some(ports) = ip.ports else { return };
        let key = key(ip.pair, ip.direction, ports);
        match self.known.get_mut(&key) {
            Some(Connection::Opening(held)) if held.len() < MAX_OPENING => held.push(segment),
            Some(
                Connection::Opening(_) | Connection::Likely(..) | Connection::Encapsulating(_),
            ) => {
                self.released.push(Released::alone(key, segment));
            }
            None => self.admit(key, Connection::Opening(vec![segment])),
        }
    }

    /// Segments that are held no longer.
    pub(super) fn take_released(&mut self) -> Vec<Released<L>> {
        std::mem::take(&mut self.released)
    }

    /// At the end of a capture: what is still held, and what is left open.
    pub(super) fn finish(mut self) -> (Vec<Released<L>>, OpenConnections<L>) {
        let mut open = OpenConnections::default();
        for key in std::mem::take(&mut self.opening) {
            match self.known.get_mut(&key) {
                Some(Connection::Opening(held)) => {
                    let held = std::mem::take(held).into_iter();
                    open.opening.extend(held.map(|held| (conversation(key), held)));
                }
                Some(Connection::Likely(..) | Connection::Encapsulating(_)) | None => {}
            }
            if !matches!(self.known.get(&key), Some(Connection::Encapsulating(_))) {
                self.forget(key);
            }
        }
        #[allow(clippy::iter_over_hash_type, reason = "sorted below")]
        for (key, connection) in &self.known {
            if let Connection::Encapsulating(ways) = connection {
                let last = |way: &Option<Way>| way.as_ref().map_or(Stream::Ike, |way| way.last);
                open.carrying
                    .push((conversation(*key), [last(&ways.each[0]), last(&ways.each[1])]));
            }
        }
        open.carrying.sort_unstable();
        (self.released, open)
    }

    /// A connection carries IKE and ESP, and so did what was held of it.
    fn begin(&mut self, key: Key, ways: Ways) {
        self.forget_as(key, Some(Stream::Ike));
        self.waiting += ways.waiting();
        self.insert(key, Connection::Encapsulating(Box::new(ways)));
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
            && matches!(
                self.known.get(&oldest),
                Some(Connection::Opening(_) | Connection::Likely(..))
            )
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
                let released = held.into_iter().map(|held| Released::opening(key, held, stream));
                self.released.extend(released);
            }
            Connection::Likely(_, held) => {
                let messages = held.iter().map(|(_, _, messages)| cost(messages));
                self.held = self.held.saturating_sub(messages.sum());
                let is_proven = stream.is_some();
                let released = held.into_iter().map(|(segment, stream, messages)| {
                    let alone = Released::alone(key, segment);
                    if is_proven {
                        Released { stream: Some(stream), messages, ..alone }
                    } else {
                        alone
                    }
                });
                self.released.extend(released);
            }
            Connection::Encapsulating(ways) => {
                self.waiting = self.waiting.saturating_sub(ways.waiting());
            }
        }
    }
}

impl<L> Released<L> {
    fn alone(key: Key, segment: L) -> Self {
        Self::opening(key, segment, None)
    }

    const fn opening((_, a_port, b_port): Key, segment: L, stream: Option<Stream>) -> Self {
        Self { segment, stream, messages: Vec::new(), ports: (a_port, b_port) }
    }
}

impl Ways {
    /// Bytes that wait for others in both directions.
    fn waiting(&self) -> usize {
        self.each.iter().flatten().map(|way| way.stream.held()).sum()
    }

    /// Whether bytes were seen that are no message.
    fn lost(&self) -> bool {
        self.each.iter().flatten().any(|way| way.stream.lost() > 0)
    }

    /// A segment of a connection that carries IKE.
    fn carried(&mut self, ip: &IpPacket<'_>, segment: TcpSegment, direction: Direction) -> Carried {
        if ip.payload.is_empty() {
            return Carried::Stream(Stream::Ike, Vec::new());
        }
        let Self { each: [a_to_b, b_to_a], midway, proof } = self;
        let way = match direction {
            Direction::AToB => a_to_b,
            Direction::BToA => b_to_a,
        };
        let prefix = EncapsulatedStream::PREFIX;
        let begins = ip.payload.starts_with(prefix) && way.is_none();
        let skipped = if begins { prefix.len() } else { 0 };
        let sequence = segment.sequence.wrapping_add(u32::try_from(skipped).unwrap_or_default());
        let payload = ip.payload.get(skipped..).unwrap_or_default();
        let way = way.get_or_insert_with(|| Way::new(sequence, *midway && !begins));
        let mut messages = Vec::new();
        let mut is_ike = false;
        for carried in way.stream.segment(sequence, payload) {
            way.last = match carried {
                Encapsulated::Ike(message) => {
                    proof.ike += u32::from(probe(&message, Some(message.len())) == Probe::Certain);
                    messages.push(Message::Ike(message));
                    is_ike = true;
                    Stream::Ike
                }
                Encapsulated::Esp { spi, number, body: bytes } => {
                    let length = bytes.len();
                    proof.rising += u32::from(way.rises(spi, number, length));
                    let stream = Stream::Esp(EspSpi(spi), direction);
                    messages.push(Message::Esp { stream, bytes, length });
                    stream
                }
                Encapsulated::Keepalive => Stream::NattKeepalive,
            };
        }
        // A segment with an IKE message counts as IKE, whatever it carries beside it.
        let stream = if is_ike { Stream::Ike } else { way.last };
        Carried::Stream(stream, messages)
    }
}

impl Way {
    fn new(sequence: u32, midway: bool) -> Self {
        let stream = if midway {
            EncapsulatedStream::midway(sequence)
        } else {
            EncapsulatedStream::new(sequence)
        };
        Self { stream, last: Stream::Ike, esp: None }
    }

    /// Whether an ESP packet continues the last one.
    fn rises(&mut self, spi: u32, number: u32, bytes: usize) -> bool {
        let before = self.esp.replace((spi, number));
        before.is_some_and(|(last_spi, last)| {
            bytes.is_multiple_of(4)
                && last_spi == spi
                && (1..=FARTHEST).contains(&number.wrapping_sub(last))
        })
    }
}

fn key(pair: HostPair, direction: Direction, ports: Ports) -> Key {
    match direction {
        Direction::AToB => (pair, ports.source, ports.destination),
        Direction::BToA => (pair, ports.destination, ports.source),
    }
}

fn conversation((pair, a_port, b_port): Key) -> ConversationKey {
    conversation_of(pair, protocol::TCP, (a_port, b_port))
}

fn mark((_, a_port, b_port): Key) -> usize {
    usize::from(a_port.wrapping_mul(31) ^ b_port) % MARKS
}

const MARKS: usize = 4096;
/// Connections that open at once; the oldest are let go.
const MAX_CONNECTIONS: usize = 4096;
/// Bytes that wait in all connections together, and in those that are only likely; of more the oldest connections
/// are let go.
const MOST_WAITING: usize = 32 << 20;
/// Three segments open a connection; some are sent again.
const MAX_OPENING: usize = 16;
/// Segments within which it is proven that a connection carries IKE and ESP.
const MAX_LIKELY: usize = 64;
/// How far the number of the next packet of an SPI lies ahead at the most.
const FARTHEST: u32 = 1 << 16;
