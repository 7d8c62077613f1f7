//! What evidence boils down to: the only state between reading and judging.
//!
//! A [`CaptureSummary`] is one capture, a [`LogPart`] one log, a
//! [`Summary`] the whole evidence. Grows with pairs, runs, SPIs, IKE exchanges and IPsec events,
//! never with packets or records. Knows no policy and no gap.

mod across;
mod authenticated;
mod batch;
mod bound;
mod capture;
mod capture_summary;
mod connections;
mod conversations;
mod copies;
mod dissected;
mod edges;
mod esp_mark;
mod file;
mod fingerprint;
mod first_files;
mod ike;
mod index;
mod joining;
mod ledger;
mod listed;
mod moves;
mod other_ports;
mod part;
mod room;
mod sa;
mod segments;
mod set_aside;
mod shared_packets;
mod sound;
mod spi;
mod stations;
mod streams;
mod tcp_gaps;
mod time_order;
mod timeline;
mod tunnels;

pub use crate::packet::origin::Origin;
pub use authenticated::{Beginning, is_nearly_all};
pub use batch::Batch;
pub use bound::{Bound, BoundsReached};
pub use capture::{CaptureObserver, MOST_PAIRS};
pub use capture_summary::{CaptureSummary, Count, SharedPackets, Unpaired, Vantage};
pub use conversations::{TcpGap, TlsSeen, TlsServer};
pub use copies::Contradiction;
pub use dissected::Dissected;
pub use edges::Edges;
pub use esp_mark::EspMark;
pub use file::{ReadWith, SummaryError, SummaryFile, SummarySet, Unwritable, write_summary};
pub use fingerprint::{Fingerprint, Print};
pub use first_files::FirstFiles;
pub use joining::{Damaged, JoinError, Joined, Joining, join_summaries};
pub use listed::{Listed, NoList};
pub use part::{Member, Part, labelled};
pub use room::Room;
pub use sa::SaSeen;
pub use set_aside::SetAside;
pub use spi::Contents;
pub use stations::{MOST_OF_A_HOST, Mac, StationChange};
pub use time_order::SetBack;
pub use timeline::{ClassRun, Flow, Interleaving, PacketRecord, Runs, SILENCE};
pub use tunnels::{Layer, Tunnel, Tunnels};

use crate::eventlog::{LogEvent, LogSource};
use crate::evidence::{Evidence, EvidenceId, RecordRef};
use crate::hosts::HostPair;
use crate::ike::{EspActivity, EspUse, Negotiations};
use crate::packet::protocol;
use crate::protection::echo::EchoReplies;
use crate::protection::{EspSpi, ExemptKind, ProtectionClass, Stream, clear_stream_of};
use crate::time::{Span, Timestamp};
use sa::SaIs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The log of one computer in one file. A file may hold several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogId {
    /// The file.
    pub evidence: EvidenceId,
    /// The place among the logs of the file, from 0.
    pub place: u32,
}

/// What a file holds of one computer's log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LogPart {
    /// The folder it lay in: logs of one computer in one folder share that computer's clock.
    pub folder: String,
    /// What the catalogue knows of it, in the log's order.
    pub events: Vec<LogEvent>,
    /// The same of records found outside the live log.
    pub recovered: Vec<LogEvent>,
    /// Log time less capture time, where the user says so (`--clock-offset`).
    #[serde(skip)]
    pub asserted_offset: Option<Span>,
    /// What the log holds as a whole.
    pub log: LogSource,
}

impl LogPart {
    /// Parts the events of a file by the logs that they belong to.
    #[must_use]
    pub fn by_source(
        evidence: EvidenceId,
        folder: &str,
        sources: Vec<LogSource>,
        events: Vec<LogEvent>,
    ) -> BTreeMap<LogId, Self> {
        let name = |host: &str, channel: &str| (host.to_lowercase(), channel.to_lowercase());
        let mut places: BTreeMap<(String, String), u32> = BTreeMap::new();
        let mut parts: BTreeMap<LogId, Self> = BTreeMap::new();
        for (source, place) in sources.into_iter().zip(0..) {
            places.insert(name(&source.host, &source.channel), place);
            let part = Self { folder: folder.to_owned(), log: source, ..Self::default() };
            parts.insert(LogId { evidence, place }, part);
        }
        for event in events {
            let next = places.len().try_into().unwrap_or(u32::MAX);
            // A remnant may be the only record of its computer; one log takes all beyond the bound.
            let place = *places.entry(name(&event.host, &event.channel)).or_insert(next);
            let part = parts.entry(LogId { evidence, place: place.min(MOST_LOGS) }).or_default();
            if part.log.host.is_empty() && part.log.channel.is_empty() {
                folder.clone_into(&mut part.folder);
                if place < MOST_LOGS {
                    event.host.clone_into(&mut part.log.host);
                    event.channel.clone_into(&mut part.log.channel);
                }
            }
            let kind = if event.recovered { &mut part.recovered } else { &mut part.events };
            kind.push(event);
        }
        for part in parts.values_mut() {
            part.log.trust.with_times(&part.events);
            part.forget_copies();
        }
        parts
    }

    /// Drops recovered records that are stale copies of live ones.
    fn forget_copies(&mut self) {
        let key = |e: &LogEvent| (e.record.record, e.event_id, e.time);
        let live: BTreeSet<_> = self.events.iter().map(key).collect();
        self.recovered.retain(|event| event.hidden_in.is_some() || !live.contains(&key(event)));
    }
}

/// A stream, the class that all its packets together have, and its runs.
pub type JudgedStream<'a> = (Stream, ProtectionClass, &'a [ClassRun]);

/// A tunnel, the class of its frames, and its runs.
pub type JudgedTunnel<'a> = (&'a Tunnel, ProtectionClass, &'a [ClassRun]);

/// The streams of every pair.
pub type StreamsByPair<'a> = BTreeMap<HostPair, Vec<JudgedStream<'a>>>;

/// Everything the evidence boils down to, file by file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// The captures.
    pub captures: BTreeMap<EvidenceId, CaptureSummary>,
    /// The logs.
    pub logs: BTreeMap<LogId, LogPart>,
    /// Captures that continue each other, each in order of time; known once all are settled.
    #[serde(skip)]
    pub sequences: Vec<Vec<EvidenceId>>,
    /// Records that contradict a copy of them; known once all are settled, at most a thousand.
    #[serde(skip)]
    pub contradictions: Vec<Contradiction>,
}

impl Summary {
    /// Adds other evidence; the order in which parts are added does not matter.
    pub fn join(&mut self, other: Self) {
        self.captures.extend(other.captures);
        self.logs.extend(other.logs);
    }

    /// After all parts were added: decides what captures leave open at their edges, by those that continue them,
    /// and sets aside what another one shows too: the same packets, the same packets inside ESP, the same
    /// records.
    pub fn settle(&mut self, evidence: &[Evidence]) {
        let same = shared_packets::same_packets(&self.captures);
        let sequences = segments::sequences(&self.captures, evidence, &same);
        segments::settle(&mut self.captures, &sequences);
        shared_packets::set_aside(&mut self.captures, &sequences);
        // Packet by packet, while each run still belongs to its own file.
        self.give_back_what_is_no_copy();
        self.set_aside_what_is_shown_inside_esp(&sequences);
        segments::join_runs(&mut self.captures, &sequences);
        self.set_copies_aside();
        self.sequences = sequences;
        // Only other captures are compared with them.
        self.captures.values_mut().for_each(|capture| capture.prints.clear());
    }

    /// Every stream of every pair, over all captures.
    #[must_use]
    pub fn streams(&self) -> StreamsByPair<'_> {
        let mut pairs = StreamsByPair::new();
        let shown_by_logs = self.integrity_only();
        let as_they_are = self.sas_as_they_are();
        let echo_tunnels = self.echo_tunnels();
        for capture in self.captures.values() {
            for (pair, streams) in &capture.streams {
                for (stream, runs) in streams {
                    let key = (*pair, *stream);
                    let by_packets = match as_they_are.get(&key) {
                        _ if *stream == ECHO && echo_tunnels.contains(pair) => {
                            let clear = clear_stream_of(icmp_of(*pair));
                            (clear, clear.class())
                        }
                        Some(SaIs::Clear(clear)) => (*clear, clear.class()),
                        Some(SaIs::Null) => (*stream, ProtectionClass::EspNull),
                        Some(SaIs::AsSeen) | None => (*stream, stream.class()),
                    };
                    let is_shown = shown_by_logs.contains_key(&key);
                    let by_log = (*stream, ProtectionClass::EspNull);
                    let (stream, class) = if is_shown { by_log } else { by_packets };
                    pairs.entry(*pair).or_default().push((stream, class, runs.as_slice()));
                }
            }
        }
        pairs
    }

    /// Pairs whose echoes carry data of their own: these are clear text.
    #[must_use]
    pub fn echo_tunnels(&self) -> BTreeSet<HostPair> {
        let mut replies: BTreeMap<HostPair, EchoReplies> = BTreeMap::new();
        for (pair, of_capture) in self.captures.values().flat_map(|c| &c.echo_replies) {
            replies.entry(*pair).or_default().join(*of_capture);
        }
        let tunnels = replies.into_iter().filter(|(_, replies)| replies.are_a_tunnel());
        tunnels.map(|(pair, _)| pair).collect()
    }

    /// ESP streams of which a host's log says that they are authenticated and not encrypted, and the
    /// records that say so.
    #[must_use]
    pub fn integrity_only(&self) -> BTreeMap<(HostPair, Stream), BTreeSet<RecordRef>> {
        let mut reported: BTreeMap<_, BTreeSet<RecordRef>> = BTreeMap::new();
        let events = self.logs.values().flat_map(|log| &log.events);
        for event in events.filter(|event| event.is_integrity_only()) {
            let Some((local, peer)) = event.esp_endpoints() else { continue };
            let pair = HostPair::new(local, peer);
            for (spi, sender) in [(event.inbound_spi(), peer), (event.outbound_spi(), local)] {
                let direction = pair.direction_from(sender);
                // Windows does not document the byte order of the SPI.
                let spis = spi.into_iter().flat_map(|spi| [spi, spi.swap_bytes()]);
                for spi in spis {
                    let stream = (pair, Stream::Esp(EspSpi(spi), direction));
                    reported.entry(stream).or_default().insert(event.record);
                }
            }
        }
        reported
    }

    /// The tunnels of every pair around others, with the class of their frames, over all captures.
    #[must_use]
    pub fn tunnels(&self) -> BTreeMap<HostPair, Vec<JudgedTunnel<'_>>> {
        let mut pairs: BTreeMap<HostPair, Vec<JudgedTunnel<'_>>> = BTreeMap::new();
        for capture in self.captures.values() {
            for (pair, tunnels) in &capture.tunnels {
                let judged = tunnels.iter().map(|(tunnel, runs)| {
                    let own = tunnel.inside.last().filter(|_| tunnel.class == ProtectionClass::Esp);
                    let class =
                        own.map_or(tunnel.class, |(pair, stream)| capture.class_of(*pair, *stream));
                    (tunnel, class, runs.as_slice())
                });
                pairs.entry(*pair).or_default().extend(judged);
            }
        }
        pairs
    }

    /// The clear streams that were no leaks, and why.
    #[must_use]
    pub fn set_aside(&self) -> BTreeMap<HostPair, Vec<(SetAside, JudgedStream<'_>)>> {
        let mut pairs: BTreeMap<HostPair, Vec<_>> = BTreeMap::new();
        for capture in self.captures.values() {
            let decrypted_copies =
                capture.decrypted_copies.iter().map(|of| (SetAside::DecryptedCopy, of));
            let handed = capture.ipsec_offload.iter().map(|of| (SetAside::IpsecOffload, of));
            let inside = capture.inside_others.iter();
            let inside = inside.map(|of| (SetAside::InsideOtherCapture, of));
            let off_wire = capture.off_wire.iter();
            let off_wire = off_wire.flat_map(|(why, of)| of.iter().map(move |of| (*why, of)));
            for (why, (pair, streams)) in
                decrypted_copies.chain(inside).chain(handed).chain(off_wire)
            {
                let of_pair = pairs.entry(*pair).or_default();
                let judged = |(s, runs): (&Stream, _)| (why, (*s, s.class(), runs));
                of_pair.extend(streams.iter().map(|(s, runs)| judged((s, runs.as_slice()))));
            }
        }
        pairs
    }

    /// What readable ESP of each pair carried.
    #[must_use]
    pub fn readable(&self) -> BTreeMap<HostPair, Contents> {
        let mut all: BTreeMap<HostPair, Contents> = BTreeMap::new();
        for (pair, of_pair) in self.captures.values().flat_map(|capture| &capture.readable) {
            let known = all.entry(*pair).or_default();
            for (app, count) in of_pair {
                known.entry(*app).or_default().join(*count);
            }
        }
        all
    }

    /// The TLS servers of every pair, by name.
    #[must_use]
    pub fn tls(&self) -> BTreeMap<HostPair, BTreeMap<Option<String>, TlsSeen>> {
        let mut pairs: BTreeMap<HostPair, BTreeMap<_, TlsSeen>> = BTreeMap::new();
        for ((pair, name), seen) in self.captures.values().flat_map(|c| &c.tls) {
            let of_pair = pairs.entry(*pair).or_default();
            let known = of_pair.entry(name.clone()).or_insert_with(|| TlsSeen {
                versions: [].into(),
                hellos: 0,
                first: seen.first,
            });
            known.versions.extend(&seen.versions);
            known.hellos += seen.hellos;
            let in_time = |seen: &PacketRecord| (seen.time, seen.frame);
            if in_time(&seen.first) < in_time(&known.first) {
                known.first = seen.first;
            }
        }
        pairs
    }

    /// All IKE messages, over all captures.
    #[must_use]
    pub fn negotiations(&self) -> Negotiations {
        let mut all = Negotiations::default();
        let mut until: Option<Timestamp> = None;
        let mut by_time: Vec<&CaptureSummary> = self.captures.values().collect();
        by_time.sort_by_key(|capture| capture.span);
        for capture in by_time {
            let Some((first, last)) = capture.span else { continue };
            let at_once = until.is_some_and(|until| first <= until);
            all.join(capture.negotiations.clone(), at_once);
            until = until.max(Some(last));
        }
        all
    }

    /// When each pair's ESP and AH SPIs were in use.
    #[must_use]
    pub fn esp_activity(&self) -> EspActivity {
        let mut activity = EspActivity::default();
        for (evidence, end) in self.ends() {
            activity.ends(evidence, end);
        }
        let begun_before: BTreeSet<(HostPair, Stream)> =
            self.captures.values().flat_map(|capture| &capture.begun_before).copied().collect();
        let moved = moves::moved(self.captures.values());
        for (pair, streams) in self.streams() {
            let mut by_spi: BTreeMap<Stream, EspUse> = BTreeMap::new();
            for (stream, _, runs) in streams {
                if stream != Stream::Ike {
                    for run in runs {
                        note_receivers(&mut activity, pair, run);
                    }
                }
                let spi = match stream {
                    Stream::Esp(spi, _)
                    | Stream::WespIntegrityOnly(spi, _)
                    | Stream::Ah(spi, _) => spi,
                    Stream::Clear { .. } => {
                        runs.iter().for_each(|run| activity.clear_begins(pair, run.start));
                        continue;
                    }
                    Stream::Ike
                    | Stream::NattKeepalive
                    | Stream::Exempt(_)
                    | Stream::Undecodable(_) => continue,
                };
                let (Some(first), Some(last)) = (runs.first(), runs.last()) else { continue };
                let seen = by_spi.entry(stream).or_insert(EspUse {
                    start: first.start,
                    end: last.end,
                    spi: spi.0,
                    continues: false,
                });
                let key = (pair, stream);
                seen.continues |= begun_before.contains(&key) || moved.contains(&key);
                seen.start = seen.start.min(first.start);
                seen.end = seen.end.max(last.end);
            }
            if !by_spi.is_empty() {
                activity.insert(pair, by_spi.into_values().collect());
            }
        }
        self.note_tunnels(&mut activity);
        activity
    }

    /// Packets around others reach the hosts around; those in clear are clear text of these hosts, but for
    /// what hides in them.
    fn note_tunnels(&self, activity: &mut EspActivity) {
        let tunnels = self.captures.values().flat_map(|capture| &capture.tunnels);
        let kinds = tunnels.flat_map(|(pair, kinds)| kinds.iter().map(move |kind| (*pair, kind)));
        for (pair, (tunnel, runs)) in kinds {
            let is_clear = matches!(tunnel.stream, Stream::Clear { .. })
                && tunnel.class == ProtectionClass::Clear;
            for run in runs {
                note_receivers(activity, pair, run);
                if is_clear {
                    activity.clear_begins(pair, run.start);
                }
            }
        }
    }

    /// Until when each capture goes on, counting those that take over where it ends: a capture that
    /// was written as several files. They begin within two seconds and show one of the same pairs.
    fn ends(&self) -> BTreeMap<EvidenceId, Timestamp> {
        let spans = self.captures.iter().filter_map(|(id, c)| Some((c.span?, *id, c)));
        let mut by_start: Vec<(TimeSpan, EvidenceId, &CaptureSummary)> = spans.collect();
        by_start.sort_by_key(|(span, id, _)| (*span, *id));
        let mut ends: BTreeMap<EvidenceId, Timestamp> = BTreeMap::new();
        for (at, ((_, end), id, capture)) in by_start.iter().enumerate().rev() {
            let later = by_start.iter().skip(at + 1).take(MOST_SUCCESSORS);
            let takes_over = |next: &&(TimeSpan, EvidenceId, &CaptureSummary)| {
                let ((begin, _), _, other) = next;
                begin.since(*end) <= TAKES_OVER && other.shares_a_pair(capture)
            };
            let known = later.filter(takes_over).filter_map(|(_, next, _)| ends.get(next));
            // Where times go back, the last frame ends the file.
            let end = capture.last_time.unwrap_or(*end);
            let latest = known.copied().max().map_or(end, |known| known.max(end));
            ends.insert(*id, latest);
        }
        for files in &self.sequences {
            let mut next: Option<TimeSpan> = None;
            for id in files.iter().rev() {
                let span = self.captures.get(id).and_then(|capture| capture.span);
                let Some((first, last)) = span else { continue };
                let taken_over = next.filter(|(begin, _)| begin.since(last) <= TAKES_OVER);
                let end = ends.entry(*id).or_insert(last);
                *end = taken_over.map_or(*end, |(_, later)| later.max(*end));
                next = Some((first, *end));
            }
        }
        ends
    }
}

/// Notes which of a pair's hosts received packets of a run.
fn note_receivers(activity: &mut EspActivity, pair: HostPair, run: &ClassRun) {
    if run.from_a > 0 {
        activity.receives(pair.b(), pair.a(), run.start, run.end);
    }
    if run.from_a < run.frames {
        activity.receives(pair.a(), pair.b(), run.start, run.end);
    }
}

/// First and last moment.
type TimeSpan = (Timestamp, Timestamp);

impl CaptureSummary {
    fn shares_a_pair(&self, other: &Self) -> bool {
        let (few, many) =
            if self.streams.len() < other.streams.len() { (self, other) } else { (other, self) };
        let open = few.edges.conversations.iter().map(|((pair, _), _)| pair);
        // What any network shows, such as a client's request for an address, ties no two captures.
        let mut pairs = few.streams.keys().chain(open).filter(|pair| !pair.is_with_a_group());
        pairs.any(|pair| many.shows(*pair))
    }

    fn shows(&self, pair: HostPair) -> bool {
        let open = &self.edges.conversations;
        let at = open.partition_point(|((of, _), _)| *of < pair);
        let is_open = open.get(at).is_some_and(|((of, _), _)| *of == pair);
        is_open || self.streams.contains_key(&pair)
    }
}

/// Logs of one file that are distinguished, beside those that only remnants name.
const ECHO: Stream = Stream::Exempt(ExemptKind::Echo);
/// Its protocol of the two hosts.
const fn icmp_of(pair: HostPair) -> u8 {
    if pair.a().is_ipv4() { protocol::ICMP } else { protocol::ICMPV6 }
}
const MOST_LOGS: u32 = 2_000;
/// The next file of a capture begins no later than that behind the last frame.
const TAKES_OVER: Span = Span::from_seconds(2);
/// Files that begin next and are looked at.
const MOST_SUCCESSORS: usize = 8;
