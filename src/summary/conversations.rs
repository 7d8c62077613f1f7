//! What clear conversations told at their beginning: the application, the TLS server's name, and how
//! much of a TCP stream the capture lost.
//!
//! Bounded: of more conversations at once than two generations hold, the longest silent are forgotten.

use super::tcp_gaps::Way;
use super::timeline::{Flow, Sighting};
use crate::hosts::{Direction, HostPair};
use crate::packet::{IpPacket, TcpSegment};
use crate::protection::borrowed::{KERBEROS_PORT, opens_from_kerberos_port};
use crate::protection::signature::{self, Told};
use crate::protection::tls::{Hello, TlsVersion, hello};
use crate::protection::{App, ServicePorts, Stream};
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher as _;

/// The conversations of a capture.
#[derive(Debug)]
pub(super) struct Conversations {
    index: HashMap<Key, usize, RandomState>,
    held: Vec<Option<Held>>,
    free: Vec<usize>,
    /// The conversations of the last packets: most packets follow another of theirs.
    recent: Vec<usize>,
    generation: u64,
    /// Conversations of this generation.
    of_generation: usize,
    tls: BTreeMap<TlsServer, TlsSeen>,
    gaps: BTreeMap<HostPair, TcpGap>,
}

/// A conversation, and the generation in which it was last heard.
#[derive(Debug)]
struct Held {
    key: Key,
    generation: u64,
    conversation: Conversation,
}

/// The two hosts, and a word of the protocol and the ports, the lower address's first.
type Key = (HostPair, u64);

/// A pair and the name of a server; none where no client said one.
pub type TlsServer = (HostPair, Option<String>);

/// What was seen of one TLS server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSeen {
    /// The versions that it chose.
    pub versions: BTreeSet<TlsVersion>,
    /// Greetings of both sides.
    pub hellos: u64,
    /// The first of them.
    pub first: Sighting,
}

/// Octets of TCP that the capture lost between a pair's hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpGap {
    /// Octets.
    pub octets: u64,
    /// Connections.
    pub connections: u64,
}

#[derive(Debug, Default)]
struct Conversation {
    told: Option<Told>,
    /// Each side's data began, so that what follows is no opening.
    spoke: [bool; 2],
    ways: [Way; 2],
    server: Option<Box<str>>,
    /// It came from port 88 and is no Kerberos.
    borrows_kerberos_port: bool,
}

impl Default for Conversations {
    fn default() -> Self {
        Self {
            index: HashMap::default(),
            held: Vec::new(),
            free: Vec::new(),
            recent: vec![0; RECENT],
            generation: 0,
            of_generation: 0,
            tls: BTreeMap::new(),
            gaps: BTreeMap::new(),
        }
    }
}

impl Conversations {
    /// Takes a whole clear packet; its stream is that of the application its conversation told.
    pub(super) fn observe(
        &mut self,
        ip: &IpPacket<'_>,
        pair: HostPair,
        stream: Stream,
        seen: &Sighting,
    ) -> Stream {
        let (Stream::Clear { ports, app, encrypted }, Some(flow)) = (stream, seen.flow) else {
            return stream;
        };
        let (key, way) = side(pair, flow, seen.direction);
        let conversation = self.conversation(key);
        let lost = ip.tcp().map_or(0, |segment| conversation.segment(way, segment, ip.payload_len));
        let (app, encrypted) = conversation.application(way, ip, (app, encrypted));
        let ports = conversation.service(ports, stream, ip);
        let greeting = if app == App::Tls { hello(ip.payload) } else { None };
        let greeting = greeting.map(|hello| (conversation.server(&hello), hello));
        if lost > 0 {
            tell_gap(&mut self.gaps, pair, lost);
        }
        if let Some((server, hello)) = greeting {
            self.tell_tls((pair, server), &hello, *seen);
        }
        Stream::Clear { ports, app, encrypted }
    }

    /// Ends the capture.
    pub(super) fn finish(mut self) -> (BTreeMap<TlsServer, TlsSeen>, BTreeMap<HostPair, TcpGap>) {
        let held = std::mem::take(&mut self.held);
        held.into_iter().flatten().for_each(|held| self.end(held));
        (self.tls, self.gaps)
    }

    fn conversation(&mut self, key: Key) -> &mut Conversation {
        let place = self.place(key);
        let mut at = self.recent[place];
        let recent = self.held.get(at).and_then(Option::as_ref);
        if recent.is_none_or(|held| held.key != key) {
            at = self.look_up(key);
            self.recent[place] = at;
        }
        let generation = self.generation;
        let of_generation = &mut self.of_generation;
        let held = self.held[at].get_or_insert_with(|| Held::new(key, generation));
        if held.generation != generation {
            held.generation = generation;
            *of_generation += 1;
        }
        &mut held.conversation
    }

    /// Where in the table of the last packets' conversations one stands. Seeded, as evidence chooses the keys.
    fn place(&self, (pair, ports): Key) -> usize {
        let mixed = self.index.hasher().hash_one((pair.word(), ports));
        usize::from(u16::try_from(mixed >> 48).unwrap_or_default()) % RECENT
    }

    /// Where a conversation is held; a new one begins where it is not known.
    #[cold]
    fn look_up(&mut self, key: Key) -> usize {
        if self.of_generation >= MOST_CONVERSATIONS {
            self.next_generation();
        }
        if let Some(at) = self.index.get(&key) {
            return *at;
        }
        let at = self.free.pop().unwrap_or(self.held.len());
        if at == self.held.len() {
            self.held.push(None);
        }
        self.held[at] = Some(Held::new(key, self.generation));
        self.of_generation += 1;
        self.index.insert(key, at);
        at
    }

    /// Ends the conversations that were silent for a whole generation.
    fn next_generation(&mut self) {
        for at in 0..self.held.len() {
            let is_silent = |held: &mut Held| held.generation < self.generation;
            if let Some(silent) = self.held[at].take_if(is_silent) {
                self.index.remove(&silent.key);
                self.free.push(at);
                self.end(silent);
            }
        }
        self.generation += 1;
        self.of_generation = 0;
    }

    fn end(&mut self, Held { key: (pair, ..), mut conversation, .. }: Held) {
        let lost = conversation.settle();
        if lost > 0 {
            tell_gap(&mut self.gaps, pair, lost);
        }
    }

    fn tell_tls(&mut self, mut server: TlsServer, hello: &Hello, seen: Sighting) {
        if self.tls.len() >= MOST_SERVERS && !self.tls.contains_key(&server) {
            server.1 = None;
            if self.tls.len() >= 2 * MOST_SERVERS && !self.tls.contains_key(&server) {
                return;
            }
        }
        let known = TlsSeen { versions: BTreeSet::new(), hellos: 0, first: seen };
        let known = self.tls.entry(server).or_insert(known);
        known.hellos += 1;
        if let Hello::Server(version) = hello
            && known.versions.len() < MOST_VERSIONS
        {
            known.versions.insert(*version);
        }
    }
}

/// The conversation that a packet belongs to, and which side sent it. Between ports of one and the same
/// address the lower port stands first.
fn side(pair: HostPair, flow: Flow, direction: Direction) -> (Key, usize) {
    let Flow { protocol, a_port, b_port } = flow;
    let ports =
        |a: u16, b: u16| (pair, u64::from(protocol) << 32 | u64::from(a) << 16 | u64::from(b));
    match direction {
        Direction::AToB if a_port > b_port && pair.is_one_address() => (ports(b_port, a_port), 1),
        Direction::AToB => (ports(a_port, b_port), 0),
        Direction::BToA => (ports(a_port, b_port), 1),
    }
}

fn tell_gap(gaps: &mut BTreeMap<HostPair, TcpGap>, pair: HostPair, octets: u64) {
    let gap = gaps.entry(pair).or_default();
    gap.octets += octets;
    gap.connections += 1;
}

impl Held {
    fn new(key: Key, generation: u64) -> Self {
        Self { key, generation, conversation: Conversation::default() }
    }
}

impl Conversation {
    /// What the capture lost of an earlier connection between the same ports, where one ends here.
    fn segment(&mut self, way: usize, segment: TcpSegment, length: usize) -> u64 {
        let begins = self.ways.get(way).is_some_and(|way| way.begins_anew(segment));
        let lost = if begins { std::mem::take(self).settle() } else { 0 };
        let [a, b] = &mut self.ways;
        let (this, other) = if way == 0 { (a, b) } else { (b, a) };
        if !segment.reset {
            this.sent(segment, length);
            if let Some(number) = segment.acknowledged {
                other.acknowledge(number);
            }
        }
        lost
    }

    fn settle(&mut self) -> u64 {
        self.ways.iter_mut().map(Way::settle).sum()
    }

    /// The ports that may name the service: not port 88 where the conversation only borrows it.
    fn service(&mut self, ports: ServicePorts, stream: Stream, ip: &IpPacket<'_>) -> ServicePorts {
        if !ports.names(KERBEROS_PORT) {
            return ports;
        }
        // Its content says what it is, or its client's port is 88. A record of TLS is too short a sign.
        let unsure = |app| matches!(app, App::Kerberos | App::Other | App::Tls | App::Quic);
        let is_other = self.told.is_some_and(|(app, _)| !unsure(app));
        self.borrows_kerberos_port |= is_other || opens_from_kerberos_port(stream, ip);
        if self.borrows_kerberos_port { ports.without(KERBEROS_PORT) } else { ports }
    }

    /// By content first, by what the conversation told before then, by its port last.
    fn application(&mut self, way: usize, ip: &IpPacket<'_>, by_packet: Told) -> Told {
        if ip.payload.is_empty() {
            return self.told.unwrap_or(by_packet);
        }
        let spoke = self.spoke.get_mut(way).is_none_or(|spoke| std::mem::replace(spoke, true));
        let told = signature::anywhere(ip).or_else(|| {
            // A connection has one beginning a side; datagrams stand for themselves.
            let is_opening = !spoke || ip.tcp().is_none();
            let opening = if is_opening { signature::opening(ip) } else { None };
            opening.map(|app| (app, false))
        });
        self.told = told.or(self.told);
        self.told.unwrap_or(by_packet)
    }

    /// The name that the connection's client asked for.
    fn server(&mut self, hello: &Hello) -> Option<String> {
        match hello {
            Hello::Client(name) => {
                self.server = name.clone().map(String::into_boxed_str);
                name.clone()
            }
            Hello::Server(_) => self.server.as_deref().map(str::to_owned),
        }
    }
}

/// They fit the first-level cache.
const RECENT: usize = 2048;
/// Of a generation.
const MOST_CONVERSATIONS: usize = 32_768;
/// Names that are told apart; beyond them only pairs are.
const MOST_SERVERS: usize = 8_192;
const MOST_VERSIONS: usize = 16;
