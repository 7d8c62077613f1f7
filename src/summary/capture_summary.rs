//! What one capture boils down to.

use super::bound::{Bound, BoundsReached};
use super::conversations::{TcpGap, TlsSeen, TlsServer};
use super::edges::Edges;
use super::esp_mark::EspMark;
use super::fingerprint::Print;
use super::sa::SaSeen;
use super::set_aside::SetAside;
use super::spi::{Contents, SpiEvidence};
use super::stations::{Mac, StationChange};
use super::time_order::SetBack;
use super::timeline::{ClassRun, PacketRecord};
use super::tunnels::Tunnels;
use crate::evidence::{EvidenceId, Problem};
use crate::hosts::HostPair;
use crate::ike::Negotiations;
use crate::packet::StopReason;
use crate::protection::duplicate::DuplicateKind;
use crate::protection::echo::EchoReplies;
use crate::protection::esp_sequence::SequenceNumbers;
use crate::protection::exemption_abuse::AbusedExemption;
use crate::protection::secret::Secret;
use crate::protection::unreachable::Unreachable;
use crate::protection::{App, ProtectionClass, Stream};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Frames and their bytes on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Frames.
    pub frames: u64,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Those of them that the captures hold.
    pub captured: u64,
}

impl Count {
    /// Adds one frame.
    pub fn add(&mut self, bytes: u64, captured: u64) {
        self.frames += 1;
        self.bytes += bytes;
        self.captured += captured;
    }

    /// Adds another count.
    pub fn join(&mut self, other: Self) {
        self.frames = self.frames.saturating_add(other.frames);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.captured = self.captured.saturating_add(other.captured);
    }

    /// Takes away what it holds of another count.
    pub fn leave_out(&mut self, part: Self) {
        self.frames = self.frames.saturating_sub(part.frames);
        self.bytes = self.bytes.saturating_sub(part.bytes);
        self.captured = self.captured.saturating_sub(part.captured);
    }

    /// How much some runs are together.
    #[must_use]
    pub fn of(runs: &[ClassRun]) -> Self {
        runs.iter().fold(Self::default(), |mut sum, run| {
            sum.join(Self { frames: run.frames, bytes: run.bytes, captured: run.captured });
            sum
        })
    }
}

/// What a frame without a pair was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unpaired {
    /// Address resolution, exempt.
    Arp,
    /// Another link-layer protocol, by its EtherType.
    NonIp(u16),
    /// No class could be determined.
    Undecodable(StopReason),
    /// IKE messages that open a negotiation beyond the bounds: a flood.
    IkeFlood,
    /// Clear packets of an application, of pairs that were folded; whether it protects itself.
    FoldedClear(App, bool),
    /// Other packets of pairs that were folded.
    Folded(ProtectionClass),
}

/// Where a capture was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vantage {
    /// On the inner side of a gateway, before it protects and after it has taken protection off.
    Lan,
    /// On its outer side, or anywhere between the hosts.
    Wan,
    /// On one of the hosts, which shows packets before and after IPsec.
    Host,
    /// At a mirror of several ports, which may show packets more than once.
    Mirror,
}

impl Vantage {
    /// Every place.
    pub const ALL: [Self; 4] = [Self::Lan, Self::Wan, Self::Host, Self::Mirror];

    /// The place as the report spells it, and as it is typed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Wan => "wan",
            Self::Host => "host",
            Self::Mirror => "mirror",
        }
    }

    /// Why clear packets seen there need not have left in clear; `None` where they did.
    #[must_use]
    pub const fn explains_clear_text(self) -> Option<&'static str> {
        match self {
            Self::Lan => Some(
                "the inner side of a gateway, where traffic is in clear before it is protected and after it is decrypted",
            ),
            Self::Host => Some(
                "a host, where packets may be seen before they are protected and after they are decrypted",
            ),
            Self::Wan | Self::Mirror => None,
        }
    }
}

/// Which capture shows the same packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedPackets {
    /// The capture.
    pub of: EvidenceId,
    /// How far this capture's clock is ahead of that one's.
    pub ahead: Span,
    /// Packets that agree in that.
    pub packets: u64,
}

/// What one capture boils down to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CaptureSummary {
    /// Per pair and stream, its runs in order of time.
    pub streams: BTreeMap<HostPair, BTreeMap<Stream, Vec<ClassRun>>>,
    /// Per pair, packets of its tunnels: frames that are in the streams of what they carry, once more.
    pub tunnels: Tunnels,
    /// Tunnel packets whose pair was not kept, because there were too many kinds.
    pub uncounted_tunnels: u64,
    /// Per pair, stretches in which clear and protected packets alternate.
    pub interleaved: BTreeMap<HostPair, Vec<ClassRun>>,
    /// How often a pair was folded because there were too many; its packets are among the unpaired.
    pub folded_pairs: u64,
    /// Packets beyond what is kept apart, by the bound.
    pub bounds_reached: BoundsReached,
    /// Frames that belong to no pair.
    pub unpaired: BTreeMap<Unpaired, Count>,
    /// What the packets of every SPI of ESP and AH show of being that.
    pub sas: BTreeMap<(HostPair, Stream), SaSeen>,
    /// ESP streams whose packets turned out to be readable.
    pub null_encrypted: BTreeSet<(HostPair, Stream)>,
    /// What readable ESP carried.
    pub readable: BTreeMap<HostPair, Contents>,
    /// Credentials that could be read: the first and the last packet of each form, and how many.
    pub secrets: BTreeMap<(HostPair, Secret), (PacketRecord, PacketRecord, u64)>,
    /// Traffic disguised as what is exempt: the first and the last packet, and how many.
    pub abused_exemptions: BTreeMap<(HostPair, AbusedExemption), (PacketRecord, PacketRecord, u64)>,
    /// Pairs whose echo replies hold other data than their requests.
    pub echo_replies: BTreeMap<HostPair, EchoReplies>,
    /// TLS servers whose handshakes were seen in clear.
    pub tls: BTreeMap<TlsServer, TlsSeen>,
    /// Bytes of TCP that the capture lost.
    pub tcp_gaps: BTreeMap<HostPair, TcpGap>,
    /// ESP streams of which packets are missing.
    pub esp_gaps: BTreeMap<(HostPair, Stream), SequenceNumbers>,
    /// SPIs whose numbers show that their first packets came before the first one here.
    pub begun_before: BTreeSet<(HostPair, Stream)>,
    /// Clear packets that show again, decrypted, what the capture also shows inside ESP.
    pub decrypted_copies: BTreeMap<HostPair, BTreeMap<Stream, Vec<ClassRun>>>,
    /// Which ESP is shown to carry whose packets: the SPI with its hosts, the hosts inside.
    pub inside_esp: BTreeSet<((HostPair, Stream), HostPair)>,
    /// Clear packets that another capture shows inside ESP; none until captures are put together.
    pub inside_others: BTreeMap<HostPair, BTreeMap<Stream, Vec<ClassRun>>>,
    /// The first clear packets of the capture, one by one.
    pub clear_packets: BTreeMap<(HostPair, Stream), Vec<PacketRecord>>,
    /// The first ESP packets, likewise.
    pub esp_packets: BTreeMap<(HostPair, Stream), Vec<EspMark>>,
    /// Clear packets that their sender seems to have handed to a network card that encrypts.
    pub ipsec_offload: BTreeMap<HostPair, BTreeMap<Stream, Vec<ClassRun>>>,
    /// Packets that were seen elsewhere than on a wire, by why they are no leaks.
    pub off_wire: BTreeMap<SetAside, BTreeMap<HostPair, BTreeMap<Stream, Vec<ClassRun>>>>,
    /// Packets that the capture shows again, unchanged; they are in no stream.
    pub duplicates: BTreeMap<HostPair, BTreeMap<DuplicateKind, Vec<ClassRun>>>,
    /// The same of frames without a pair.
    pub unpaired_duplicates: BTreeMap<DuplicateKind, Count>,
    /// Packets of streams other than ESP and AH by their fingerprints, in order of time; where they are too many,
    /// the first ones.
    pub prints: BTreeMap<(HostPair, Stream), Vec<Print>>,
    /// It shows packets also present in another capture; known when all captures are there.
    #[serde(skip)]
    pub shared_packets: Option<SharedPackets>,
    /// What other files of the same capture may decide; empty once that is done.
    pub edges: Edges,
    /// IKE messages, by exchange.
    pub negotiations: Negotiations,
    /// ICMP errors about IKE, the first of each kind and pair, with how many there were.
    pub unreachable: BTreeMap<Unreachable, (PacketRecord, PacketRecord, u64)>,
    /// IP addresses that another station took over, by address.
    pub station_changes: Vec<StationChange>,
    /// Stations that send from several addresses of their own.
    pub station_addresses: BTreeMap<Mac, BTreeSet<IpAddr>>,
    /// It holds packets that no Ethernet carries: taken before a network card cut them, or after
    /// one had put them together.
    pub has_unsegmented: bool,
    /// A frame's link layer carries the addresses of stations.
    pub has_link_addresses: bool,
    /// Where it was taken, where the user says so (`--vantage`).
    #[serde(skip)]
    pub stated_vantage: Option<Vantage>,
    /// What is wrong with IKE messages, and with what the capture says of its frames.
    pub problems: Vec<Problem>,
    /// All frames.
    pub total: Count,
    /// Time of the earliest and the latest frame.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Where times go back from one frame to the next.
    pub set_back: Vec<SetBack>,
    /// Time of the last frame in the file, where times go back.
    pub last_time: Option<Timestamp>,
}

impl CaptureSummary {
    /// Whether it was taken on one of the hosts: it shows packets on both sides of IPsec, or larger
    /// than any network carries.
    #[must_use]
    pub fn was_on_a_host(&self) -> bool {
        let aside = [&self.decrypted_copies, &self.ipsec_offload];
        let aside = aside.iter().any(|of| !of.is_empty());
        aside || !self.off_wire.is_empty() || self.has_unsegmented
    }

    /// Where it was taken: as the user says, or on a host where it proves that.
    #[must_use]
    pub fn vantage(&self) -> Option<Vantage> {
        self.stated_vantage.or(self.was_on_a_host().then_some(Vantage::Host))
    }

    /// Sets its clock, which is ahead by so much; for captures of which the clock is known to differ.
    pub(super) fn set_clock_back(&mut self, ahead: Span) {
        if ahead == Span(0) {
            return;
        }
        let by = Span(ahead.0.saturating_neg());
        let of_streams = [&mut self.streams, &mut self.decrypted_copies, &mut self.ipsec_offload];
        let of_streams = of_streams
            .into_iter()
            .chain(self.off_wire.values_mut())
            .flat_map(|all| all.values_mut());
        let of_streams = of_streams.flat_map(|all| all.values_mut()).flatten();
        let of_pairs = self.duplicates.values_mut().flat_map(|all| all.values_mut()).flatten();
        let of_tunnels = self.tunnels.values_mut().flat_map(|all| all.values_mut()).flatten();
        let runs = of_streams.chain(of_pairs).chain(of_tunnels);
        let runs = runs.chain(self.interleaved.values_mut().flatten());
        runs.for_each(|run| run.shift(by));
        let reported = self.secrets.values_mut().chain(self.abused_exemptions.values_mut());
        let reported = reported.chain(self.unreachable.values_mut());
        let reported = reported.flat_map(|(first, last, _)| [first, last]);
        let reported = reported.chain(self.tls.values_mut().map(|tls| &mut tls.first));
        let reported =
            reported.chain(self.prints.values_mut().flatten().map(|print| &mut print.seen));
        let reported = reported.chain(self.clear_packets.values_mut().flatten());
        let changes = self.station_changes.iter_mut();
        let reported =
            reported.chain(changes.flat_map(|change| [&mut change.last, &mut change.first]));
        reported.for_each(|seen| seen.time = seen.time.shifted(by));
        let esp = self.esp_packets.values_mut().flatten();
        esp.for_each(|packet| packet.time = packet.time.shifted(by));
        self.negotiations.shift(by);
        self.span = self.span.map(|(first, last)| (first.shifted(by), last.shifted(by)));
        self.last_time = self.last_time.map(|last| last.shifted(by));
        for set_back in &mut self.set_back {
            set_back.before = set_back.before.shifted(by);
            set_back.after = set_back.after.shifted(by);
        }
    }

    /// Adds what was read of an SPI that is not encrypted.
    pub(super) fn add_readable(&mut self, pair: HostPair, evidence: SpiEvidence) {
        let of_pair = self.readable.entry(pair).or_default();
        for (app, count) in evidence.contents {
            of_pair.entry(app).or_default().join(count);
        }
        for (secret, reported) in evidence.secrets {
            self.add_secret((pair, secret), reported);
        }
    }

    /// Credentials were read so many times: in the first packet, in the last one.
    pub(super) fn add_secret(
        &mut self,
        key: (HostPair, Secret),
        (first, last, count): (PacketRecord, PacketRecord, u64),
    ) {
        if self.secrets.len() >= MOST_SECRETS && !self.secrets.contains_key(&key) {
            return self.reached(Bound::Credentials, count);
        }
        let known = self.secrets.entry(key).or_insert((first, last, 0));
        if first.frame < known.0.frame {
            known.0 = first;
        }
        if last.frame > known.1.frame {
            known.1 = last;
        }
        known.2 += count;
    }

    /// So many packets lay beyond a bound.
    pub(super) fn reached(&mut self, bound: Bound, packets: u64) {
        if packets > 0 {
            let count = self.bounds_reached.entry(bound).or_default();
            *count = count.saturating_add(packets);
        }
    }

    /// A packet disguised as what is exempt was seen.
    pub(super) fn note_abuse(&mut self, key: (HostPair, AbusedExemption), seen: PacketRecord) {
        if self.abused_exemptions.len() < MOST_BORROWED || self.abused_exemptions.contains_key(&key)
        {
            let reported = self.abused_exemptions.entry(key).or_insert((seen, seen, 0));
            reported.1 = seen;
            reported.2 += 1;
        } else {
            self.reached(Bound::ExemptionAbuse, 1);
        }
    }

    /// The pairs of which it shows clear packets that were no leaks.
    pub(super) fn shown_again(&self) -> impl Iterator<Item = HostPair> {
        self.decrypted_copies.keys().chain(self.ipsec_offload.keys()).copied()
    }

    /// The class of a stream after all its packets were seen.
    #[must_use]
    pub fn class_of(&self, pair: HostPair, stream: Stream) -> ProtectionClass {
        if self.null_encrypted.contains(&(pair, stream)) {
            ProtectionClass::EspNull
        } else {
            stream.class()
        }
    }
}

/// Pairs that borrow and are distinguished; a flood of made-up addresses cannot fill the memory.
const MOST_BORROWED: usize = 32_768;
/// Likewise of pairs and forms of credentials.
const MOST_SECRETS: usize = 32_768;
