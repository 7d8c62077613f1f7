//! What clear conversations showed at their beginning: the application, the TLS server's name, and how
//! much of a TCP stream the capture lost.
//!
//! Bounded: of more conversations at once than two generations hold, the longest silent are forgotten.

mod ahead;
mod apart;
mod established;
mod key;
mod may_be_esp;

pub(super) use key::{ConversationKey, conversation_of, side};
pub(super) use may_be_esp::PerhapsSa;

use self::may_be_esp::{Kind, MayBeEsp};
use super::capture::Hint;
use super::fingerprint::Print;
use super::index::{Index, Place, Recent};
use super::streams::Streams;
use super::tcp_gaps::Way;
use super::timeline::{ClassRun, PacketRecord, Runs};
use crate::hosts::{Direction, HostPair};
use crate::packet::{IpPacket, TcpSegment};
use crate::protection::exemption_abuse::{KERBEROS_PORT, opens_from_kerberos_port};
use crate::protection::signature::{self, Recognized};
use crate::protection::tls::{Hello, TlsVersion, hello};
use crate::protection::{App, ServicePorts, Stream};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The conversations of a capture.
#[derive(Debug)]
pub(super) struct Conversations {
    index: Index,
    recent: Recent,
    held: Vec<Option<Held>>,
    free: Vec<u32>,
    generation: u32,
    /// Conversations of this generation.
    of_generation: usize,
    tls: BTreeMap<TlsServer, TlsSeen>,
    gaps: BTreeMap<HostPair, TcpGap>,
    /// Conversations that began before the capture, as far as they were let go.
    ended: Vec<(ConversationKey, OpenConversation)>,
    /// Conversations of which packets may still be kept apart.
    orphans_left: usize,
}

/// A conversation, and the generation in which it was last heard.
#[derive(Debug)]
struct Held {
    key: ConversationKey,
    generation: u32,
    /// Where the stream of its last packet is, and the stream's word if that was a segment of TCP.
    stream_at: u32,
    stream_word: Option<u64>,
    conversation: Conversation,
}

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
    pub first: PacketRecord,
}

/// Bytes of TCP that the capture lost between a pair's hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpGap {
    /// Bytes.
    pub bytes: u64,
    /// Connections.
    pub connections: u64,
}

#[derive(Debug, Default)]
struct Conversation {
    recognized: Option<Recognized>,
    /// Each side's data began, so that what follows is no opening.
    spoke: [bool; 2],
    ways: [Way; 2],
    server: Option<Box<str>>,
    /// The port that names no service: the client's, or port 88 of what is no Kerberos.
    no_service: Option<u16>,
    /// Its last connection began in the capture.
    began: bool,
    /// Which way the first segment of that connection went.
    opener: Option<Direction>,
    /// What is kept apart, where the conversation began before the capture.
    orphan: Option<Box<Orphan>>,
}

/// Clear packets of a conversation whose beginning the capture does not hold: an earlier file of the same
/// capture may show what it is.
#[derive(Debug, Default)]
struct Orphan {
    runs: Vec<(Kind, Runs)>,
    esp: MayBeEsp,
    /// Content that means itself showed the application; what follows needs no earlier file.
    is_placed: bool,
}

/// What a capture leaves open of a conversation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct OpenConversation {
    /// Its last connection began in the capture.
    pub(super) began: bool,
    /// Which way the first segment of that connection went.
    pub(super) opener: Option<Direction>,
    /// Bytes of it were seen.
    pub(super) spoke: bool,
    /// What it shows itself to be, and whether that is proven without its beginning.
    pub(super) recognized: Option<Recognized>,
    pub(super) is_proven: bool,
    /// The port that names no service: the client's, or port 88 of what is no Kerberos.
    pub(super) no_service: Option<u16>,
    /// What was sent and acknowledged each way, where it is TCP.
    pub(super) ways: Option<Box<[Way; 2]>>,
    /// Its packets that an earlier file may show to be something else.
    pub(super) runs: Vec<KeptApart>,
    /// What they show where that is ESP.
    pub(super) esp: Vec<PerhapsSa>,
}

/// Packets of one stream and direction, as the capture alone shows them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptApart {
    pub(super) stream: Stream,
    pub(super) direction: Direction,
    /// What they are if the ports carry ESP.
    pub(super) perhaps: Option<Stream>,
    pub(super) runs: Vec<ClassRun>,
    /// Their fingerprints, where all of them have one.
    pub(super) prints: Vec<Print>,
}

impl Default for Conversations {
    fn default() -> Self {
        Self {
            index: Index::default(),
            recent: Recent::default(),
            held: Vec::new(),
            free: Vec::new(),
            generation: 0,
            of_generation: 0,
            tls: BTreeMap::new(),
            gaps: BTreeMap::new(),
            ended: Vec::new(),
            orphans_left: MOST_ORPHANS,
        }
    }
}

impl Conversations {
    /// Takes a whole clear packet; its stream is that of the application its conversation showed. Where the
    /// conversation began before the capture, the packet is marked as one of it.
    pub(super) fn observe(
        &mut self,
        (ip, hint): (&IpPacket<'_>, Hint),
        (pair, stream): (HostPair, Stream),
        seen: &mut PacketRecord,
        streams: &mut Streams,
    ) -> Stream {
        let (Stream::Clear { ports, app, encrypted }, Some(flow)) = (stream, seen.flow) else {
            return stream;
        };
        let (key, way) = side(pair, flow, seen.direction);
        let segment = ip.tcp();
        let begins = segment.is_some_and(|segment| segment.syn);
        let (at, Held { stream_at, stream_word, conversation, .. }) =
            self.conversation((key, hint.conversation), begins);
        if conversation.orphan.is_some() {
            seen.conversation = Some(at);
        }
        if ip.payload_len == 1 && segment.is_some_and(|s| conversation.is_keepalive(way, s)) {
            seen.payload = 0;
        }
        let lost = segment.map_or(0, |segment| conversation.segment(way, segment, ip.payload_len));
        if let Some(first) = segment.filter(|segment| segment.syn) {
            let is_answer = first.acknowledged.is_some();
            let back = seen.direction.reversed();
            conversation.opener = Some(if is_answer { back } else { seen.direction });
        }
        seen.opener = conversation.opener;
        let in_stream = segment.is_some();
        let (app, encrypted) = conversation.application(way, (ip, in_stream), (app, encrypted));
        let named = ports;
        let client = if begins { ip.opened_from() } else { None };
        let ports = conversation.service((named, client), stream, ip);
        let is_by_port = ports != named && !encrypted && conversation.recognized.is_none();
        let app = if is_by_port { ports.application() } else { app };
        let stream = Stream::Clear { ports, app, encrypted };
        streams.expect((pair, stream), stream_at);
        *stream_word = in_stream.then(|| stream.word());
        let greeting = if app == App::Tls { hello(ip.payload) } else { None };
        let greeting = greeting.map(|hello| (conversation.server(&hello), hello));
        if lost > 0 {
            note_gap(&mut self.gaps, pair, lost);
        }
        if let Some((server, hello)) = greeting {
            self.note_tls((pair, server), &hello, *seen);
        }
        stream
    }

    /// Ends the capture.
    pub(super) fn finish(mut self) -> Finished {
        let held = std::mem::take(&mut self.held).into_iter().flatten();
        let open =
            held.filter_map(|held| held.conversation.into_open().map(|open| (held.key, open)));
        // A conversation that was let go and came back is two, the earlier one first.
        let mut all = std::mem::take(&mut self.ended);
        all.extend(open);
        all.sort_by_key(|(key, _)| *key);
        Finished { tls: self.tls, gaps: self.gaps, open: all }
    }

    #[inline]
    fn is(&self, at: u32, key: ConversationKey) -> bool {
        self.held.get(at as usize).is_some_and(|held| held.as_ref().is_some_and(|it| it.key == key))
    }

    /// A conversation and its place; where it is new, `begins` says that this is its beginning.
    fn conversation(
        &mut self,
        (key, hint): (ConversationKey, u32),
        begins: bool,
    ) -> (u32, &mut Held) {
        if self.of_generation >= MOST_CONVERSATIONS {
            self.next_generation();
        }
        let mixed = key.0.word() ^ key.1.rotate_left(23);
        let guesses = [hint, self.recent.guess(mixed)];
        let at = guesses.into_iter().find(|guess| self.is(*guess, key)).unwrap_or_else(|| {
            let place = self.index.place(&key);
            let found = self.index.find(place, |at| self.is(at, key));
            let at = found.unwrap_or_else(|| self.begin(key, place, begins));
            self.recent.remember(mixed, at);
            at
        });
        let generation = self.generation;
        let held = self.held[at as usize].get_or_insert_with(|| Held::new(key, generation));
        if held.generation != generation {
            held.generation = generation;
            self.of_generation += 1;
        }
        (at, held)
    }

    #[cold]
    fn begin(&mut self, key: ConversationKey, place: Place, begins: bool) -> u32 {
        let mut new = Held::new(key, self.generation);
        new.conversation.began = begins;
        if !begins && self.orphans_left > 0 {
            self.orphans_left -= 1;
            new.conversation.orphan = Some(Box::default());
        }
        // Two generations are held at the most.
        let at = self.free.pop().unwrap_or_else(|| {
            self.held.push(None);
            u32::try_from(self.held.len() - 1).unwrap_or(u32::MAX)
        });
        self.held[at as usize] = Some(new);
        self.of_generation += 1;
        let (held, seed) = (&self.held, self.index.seed());
        let place_of = |at: u32| held[at as usize].as_ref().map_or(place, |it| seed.place(&it.key));
        self.index.insert(place, at, place_of);
        at
    }

    /// Ends the conversations that were silent for a whole generation.
    fn next_generation(&mut self) {
        for at in (0..).take(self.held.len()) {
            let is_silent = |held: &mut Held| held.generation < self.generation;
            if self.held[at as usize].as_mut().is_some_and(is_silent) {
                let (held, seed) = (&self.held, self.index.seed());
                let place_of = |at: u32| held[at as usize].as_ref().map(|it| seed.place(&it.key));
                let Some(place) = place_of(at) else { continue };
                self.index.remove(place, at, |at| place_of(at).unwrap_or(place));
                let Some(silent) = self.held[at as usize].take() else { continue };
                self.free.push(at);
                self.end(silent);
            }
        }
        self.generation += 1;
        self.of_generation = 0;
    }

    fn end(&mut self, Held { key, mut conversation, .. }: Held) {
        let lost = conversation.settle();
        if lost > 0 {
            note_gap(&mut self.gaps, key.0, lost);
        }
        if let Some(open) = conversation.into_open().filter(|open| !open.runs.is_empty()) {
            self.ended.push((key, open));
        }
    }

    fn note_tls(&mut self, mut server: TlsServer, hello: &Hello, seen: PacketRecord) {
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

pub(super) fn note_gap(gaps: &mut BTreeMap<HostPair, TcpGap>, pair: HostPair, bytes: u64) {
    let gap = gaps.entry(pair).or_default();
    gap.bytes += bytes;
    gap.connections += 1;
}

impl Held {
    fn new(key: ConversationKey, generation: u32) -> Self {
        Self {
            key,
            generation,
            stream_at: 0,
            stream_word: None,
            conversation: Conversation::default(),
        }
    }
}

impl Conversation {
    /// What the capture lost of an earlier connection between the same ports, where one ends here.
    #[inline]
    fn segment(&mut self, way: usize, segment: TcpSegment, length: usize) -> u64 {
        let begins = self.ways.get(way).is_some_and(|way| way.begins_anew(segment));
        let lost = if begins { self.begin_anew() } else { 0 };
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

    /// Whether a segment with one byte only asks whether the other side lives: the byte is none, or was sent
    /// before (RFC 9293 §3.8.4).
    fn is_keepalive(&self, way: usize, segment: TcpSegment) -> bool {
        let is_bare = !segment.syn && !segment.fin && !segment.reset;
        is_bare && self.ways.get(way).is_some_and(|way| way.is_behind(segment))
    }

    /// What was lost of the earlier connection. Its packets stay apart until the end of the capture.
    fn begin_anew(&mut self) -> u64 {
        let mut before = std::mem::take(self);
        self.began = true;
        self.orphan = before.orphan.take();
        self.orphan.iter_mut().for_each(|orphan| orphan.is_placed = true);
        before.settle()
    }

    fn settle(&mut self) -> u64 {
        self.ways.iter_mut().map(Way::settle).sum()
    }

    /// The ports that may name the service: not the port that a connection was opened from, and not port 88
    /// where the conversation only abuses it.
    fn service(
        &mut self,
        (ports, client): (ServicePorts, Option<u16>),
        stream: Stream,
        ip: &IpPacket<'_>,
    ) -> ServicePorts {
        if let Some(client) = client.filter(|port| ports.names(*port)) {
            self.no_service = Some(client);
        }
        if ports.names(KERBEROS_PORT) && self.no_service.is_none() {
            // Its content says what it is, or its client's port is 88. A record of TLS is too short a sign.
            let unsure = |app| matches!(app, App::Kerberos | App::Other | App::Tls | App::Quic);
            let is_other = self.recognized.is_some_and(|(app, _)| !unsure(app));
            let borrows = is_other || opens_from_kerberos_port(stream, ip);
            self.no_service = borrows.then_some(KERBEROS_PORT);
        }
        self.no_service.map_or(ports, |port| ports.without(port))
    }

    /// By content first, by what the conversation showed before then, by its port last. `in_stream`: the packet is a
    /// segment of TCP, and no datagram.
    fn application(
        &mut self,
        way: usize,
        (ip, in_stream): (&IpPacket<'_>, bool),
        by_packet: Recognized,
    ) -> Recognized {
        if ip.payload.is_empty() {
            return self.recognized.unwrap_or(by_packet);
        }
        let spoke = self.spoke.get_mut(way).is_none_or(|spoke| std::mem::replace(spoke, true));
        let anywhere = signature::anywhere(ip);
        let recognized = anywhere.or_else(|| {
            // A connection has one beginning a side; datagrams mean themselves.
            let is_opening = !spoke || !in_stream;
            let opening = if is_opening { signature::opening(ip) } else { None };
            opening.map(|app| (app, false))
        });
        // Datagrams mean themselves, and so does content that begins nowhere.
        if anywhere.is_some() || (recognized.is_some() && !in_stream) {
            self.orphan.iter_mut().for_each(|orphan| orphan.is_placed = true);
        }
        self.recognized = recognized.or(self.recognized);
        self.recognized.unwrap_or(by_packet)
    }

    /// What the capture leaves open of it, if anything.
    fn into_open(self) -> Option<OpenConversation> {
        let Self { recognized, ways, orphan, began, opener, spoke, no_service, .. } = self;
        let spoke = spoke.contains(&true);
        let Orphan { runs, esp, is_placed } = orphan.map(|orphan| *orphan).unwrap_or_default();
        let is_possible = esp.is_possible();
        let apart = |(kind, mut runs): (Kind, Runs)| {
            let (prints, perhaps) = (runs.take_prints(), kind.perhaps.filter(|_| is_possible));
            let Kind { stream, direction, .. } = kind;
            KeptApart { stream, direction, perhaps, prints, runs: runs.finish() }
        };
        let runs: Vec<KeptApart> = runs.into_iter().map(apart).collect();
        let ways = ways.iter().any(Way::has_begun).then(|| Box::new(ways));
        let says = recognized.is_some() || ways.is_some() || !runs.is_empty();
        says.then_some(OpenConversation {
            began,
            opener,
            spoke,
            recognized,
            is_proven: is_placed,
            no_service,
            ways,
            esp: if runs.is_empty() { Vec::new() } else { esp.finish() },
            runs,
        })
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

/// What the conversations of a capture come to.
pub(super) struct Finished {
    pub(super) tls: BTreeMap<TlsServer, TlsSeen>,
    pub(super) gaps: BTreeMap<HostPair, TcpGap>,
    /// What is left open, in order of the keys.
    pub(super) open: Vec<(ConversationKey, OpenConversation)>,
}

/// Conversations whose packets are kept apart; what comes beyond is taken for what it seems.
const MOST_ORPHANS: usize = 4_096;
/// Streams and directions of one conversation that are kept apart.
const MOST_KINDS: usize = 4;
/// Of a generation.
const MOST_CONVERSATIONS: usize = 32_768;
/// Names that are distinguished; beyond them only pairs are.
const MOST_SERVERS: usize = 8_192;
const MOST_VERSIONS: usize = 16;
