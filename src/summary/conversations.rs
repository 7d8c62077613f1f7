//! What clear conversations told at their beginning: the application, the TLS server's name, and how
//! much of a TCP stream the capture lost.
//!
//! Bounded: of more conversations at once than two generations hold, the longest silent are forgotten.

use super::tcp_gaps::Way;
use super::timeline::{Flow, Sighting};
use crate::hosts::{Direction, HostPair};
use crate::packet::{IpPacket, TcpSegment};
use crate::protection::signature::{self, Told};
use crate::protection::tls::{Hello, TlsVersion, hello};
use crate::protection::{App, Stream};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The conversations of a capture.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    recent: Generation,
    older: Generation,
    tls: BTreeMap<TlsServer, TlsSeen>,
    gaps: BTreeMap<HostPair, TcpGap>,
}

type Generation = HashMap<Key, Conversation, foldhash::fast::RandomState>;

/// The two hosts, the protocol and the ports, the lower address's first.
type Key = (HostPair, u8, u16, u16);

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
}

impl Conversations {
    /// Takes a whole clear packet; its stream is that of the application its conversation told.
    pub(super) fn observe(
        &mut self,
        ip: &IpPacket<'_>,
        pair: HostPair,
        stream: Stream,
        seen: Sighting,
    ) -> Stream {
        let (Stream::Clear { ports, app, encrypted }, Some(flow)) = (stream, seen.flow) else {
            return stream;
        };
        let (key, way) = side(pair, flow, seen.direction);
        let conversation = self.conversation(key);
        let lost = ip.tcp.map_or(0, |segment| conversation.segment(way, segment, ip.payload_len));
        let (app, encrypted) = conversation.application(way, ip, (app, encrypted));
        let greeting = if app == App::Tls { hello(ip.payload) } else { None };
        let greeting = greeting.map(|hello| (conversation.server(&hello), hello));
        if lost > 0 {
            tell_gap(&mut self.gaps, pair, lost);
        }
        if let Some((server, hello)) = greeting {
            self.tell_tls((pair, server), &hello, seen);
        }
        Stream::Clear { ports, app, encrypted }
    }

    /// Ends the capture.
    pub(super) fn finish(mut self) -> (BTreeMap<TlsServer, TlsSeen>, BTreeMap<HostPair, TcpGap>) {
        let (recent, older) = (std::mem::take(&mut self.recent), std::mem::take(&mut self.older));
        recent.into_iter().chain(older).for_each(|(key, conversation)| self.end(key, conversation));
        (self.tls, self.gaps)
    }

    fn conversation(&mut self, key: Key) -> &mut Conversation {
        if self.recent.len() >= MOST_CONVERSATIONS {
            let oldest = std::mem::replace(&mut self.older, std::mem::take(&mut self.recent));
            oldest.into_iter().for_each(|(key, conversation)| self.end(key, conversation));
        }
        let older = &mut self.older;
        self.recent.entry(key).or_insert_with(|| older.remove(&key).unwrap_or_default())
    }

    fn end(&mut self, (pair, ..): Key, mut conversation: Conversation) {
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
    match direction {
        Direction::AToB if pair.is_one_address() && a_port > b_port => {
            ((pair, protocol, b_port, a_port), 1)
        }
        Direction::AToB => ((pair, protocol, a_port, b_port), 0),
        Direction::BToA => ((pair, protocol, a_port, b_port), 1),
    }
}

fn tell_gap(gaps: &mut BTreeMap<HostPair, TcpGap>, pair: HostPair, octets: u64) {
    let gap = gaps.entry(pair).or_default();
    gap.octets += octets;
    gap.connections += 1;
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

    /// By content first, by what the conversation told before then, by its port last.
    fn application(&mut self, way: usize, ip: &IpPacket<'_>, by_packet: Told) -> Told {
        if ip.payload.is_empty() {
            return self.told.unwrap_or(by_packet);
        }
        let spoke = self.spoke.get_mut(way).is_none_or(|spoke| std::mem::replace(spoke, true));
        let told = signature::anywhere(ip).or_else(|| {
            // A connection has one beginning a side; datagrams stand for themselves.
            let is_opening = !spoke || ip.tcp.is_none();
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

/// Of a generation.
const MOST_CONVERSATIONS: usize = 32_768;
/// Names that are told apart; beyond them only pairs are.
const MOST_SERVERS: usize = 8_192;
const MOST_VERSIONS: usize = 16;
