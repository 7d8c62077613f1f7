//! A frame as far as it can be determined without the frames around it.

use super::timeline::{Flow, PacketRecord};
use crate::capture::RawFrame;
use crate::evidence::{EvidenceId, FrameRef};
use crate::hosts::Direction;
use crate::packet::origin::Origin;
use crate::packet::{IpPacket, Packet, StopReason, decode, plain, protocol};
use crate::protection::checksum::is_unfinished;
use crate::protection::duplicate::{Identity, identity, identity_of_frame};
use crate::protection::{EspSpi, NamedPorts, ProtectionClass, Stream, classify, spi_of_plain};
use crate::time::Timestamp;

/// A frame, what it carries, and the stream that it alone says it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Dissected<'a> {
    pub(super) frame: RawFrame<'a>,
    /// What the copies of one packet share.
    pub(super) identity: Identity,
    pub(super) content: Content<'a>,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    /// A segment of an open connection of TCP. What it alone says is determined when its connection does not show
    /// it: see [`Alone::of`].
    Segment(IpPacket<'a>),
    /// A whole packet of ESP, not in UDP.
    Esp(IpPacket<'a>, EspSpi),
    /// Another IP packet, and what it alone says.
    Ip(IpPacket<'a>, Alone),
    /// ARP.
    Arp,
    /// Another link-layer protocol.
    NonIp(u16),
    /// Nothing that could be determined.
    Undecodable(StopReason),
}

/// What an IP packet says without the packets around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alone {
    pub(super) stream: Stream,
    /// It is clear, and its checksum had still to be finished.
    pub(super) unfinished: bool,
}

impl<'a> Dissected<'a> {
    /// Dissects a frame; `named` are the ports a policy speaks of.
    #[must_use]
    #[inline]
    pub fn of(frame: &RawFrame<'a>, named: &NamedPorts) -> Self {
        if let Some(ip) = plain(frame) {
            let identity = identity(&ip);
            if ip.protocol == protocol::TCP {
                return Self { frame: *frame, identity, content: Content::Segment(ip) };
            }
            if let Some(spi) = spi_of_plain(ip.payload) {
                return Self { frame: *frame, identity, content: Content::Esp(ip, spi) };
            }
        }
        Self::of_any(frame, named)
    }

    /// A frame that is not one of those that nearly all are.
    #[inline(never)]
    pub(super) fn of_any(frame: &RawFrame<'a>, named: &NamedPorts) -> Self {
        let content = match decode(frame) {
            Packet::Ip(ip) => Content::Ip(ip, Alone::of(&ip, named)),
            Packet::Arp => Content::Arp,
            Packet::NonIp(kind) => Content::NonIp(kind),
            Packet::Undecodable(stop) => Content::Undecodable(stop.reason),
        };
        let identity = match &content {
            Content::Ip(ip, _) | Content::Esp(ip, _) | Content::Segment(ip) => identity(ip),
            Content::Arp | Content::NonIp(_) | Content::Undecodable(_) => {
                identity_of_frame(frame.data)
            }
        };
        Self { frame: *frame, identity, content }
    }

    /// When it was captured.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.frame.time
    }

    /// Its class, as it alone shows.
    #[must_use]
    pub const fn class(&self) -> ProtectionClass {
        match &self.content {
            // Those between groups and all stations are none.
            Content::Segment(_) => ProtectionClass::Clear,
            Content::Esp(..) => ProtectionClass::Esp,
            Content::Ip(_, alone) => alone.stream.class(),
            Content::Arp => ProtectionClass::Exempt,
            Content::NonIp(_) => ProtectionClass::NonIp,
            Content::Undecodable(_) => ProtectionClass::Undecodable,
        }
    }

    /// What copies of it repeat to the byte: what is behind the IP headers, or the whole frame.
    pub(super) const fn bytes(&self) -> &'a [u8] {
        match &self.content {
            Content::Ip(ip, _) | Content::Esp(ip, _) | Content::Segment(ip) => ip.segment,
            Content::Arp | Content::NonIp(_) | Content::Undecodable(_) => self.frame.data,
        }
    }

    /// Its IP packet.
    pub(super) const fn ip(&self) -> Option<&IpPacket<'a>> {
        match &self.content {
            Content::Ip(ip, _) | Content::Esp(ip, _) | Content::Segment(ip) => Some(ip),
            Content::Arp | Content::NonIp(_) | Content::Undecodable(_) => None,
        }
    }

    /// Its place and lengths, and where its packet went; `unfinished` as of [`Alone`].
    pub(super) fn record(&self, evidence: EvidenceId, unfinished: bool) -> PacketRecord {
        match self.ip() {
            Some(ip) => record_of(&self.frame, ip, (evidence, unfinished)),
            None => record_of_frame(&self.frame, evidence),
        }
    }
}

/// The place and lengths of a frame, and where its packet went; `unfinished` as of [`Alone`].
#[inline(always)]
pub(super) fn record_of(
    frame: &RawFrame<'_>,
    ip: &IpPacket<'_>,
    (evidence, unfinished): (EvidenceId, bool),
) -> PacketRecord {
    let short = |length| u32::try_from(length).unwrap_or(u32::MAX);
    PacketRecord {
        packet_len: short(ip.packet_len),
        flow: flow_of(ip),
        direction: ip.direction,
        unfinished,
        payload: short(ip.payload_len),
        origin: Origin::of(frame).of_packet(ip),
        ..record_of_frame(frame, evidence)
    }
}

#[inline(always)]
fn record_of_frame(frame: &RawFrame<'_>, evidence: EvidenceId) -> PacketRecord {
    PacketRecord {
        frame: FrameRef { evidence, frame: frame.number },
        time: frame.time,
        bytes: u64::from(frame.original_len),
        captured: frame.data.len() as u64,
        packet_len: 0,
        flow: None,
        direction: Direction::AToB,
        opener: None,
        unfinished: false,
        payload: 0,
        fingerprint: None,
        origin: Origin::of(frame),
        is_decrypted_copy: false,
        repeats: false,
        likely_copy: None,
        conversation: None,
    }
}

impl Alone {
    /// What a packet says; `named` are the ports a policy speaks of.
    pub(super) fn of(ip: &IpPacket<'_>, named: &NamedPorts) -> Self {
        let stream = classify(ip, named);
        let is_clear = matches!(stream, Stream::Clear { .. });
        Self { stream, unfinished: is_clear && is_unfinished(ip) }
    }
}

/// The ports of a packet, the lower address's first.
#[inline]
pub(super) fn flow_of(ip: &IpPacket<'_>) -> Option<Flow> {
    let ports = ip.ports?;
    let (a_port, b_port) = match ip.direction {
        Direction::AToB => (ports.source, ports.destination),
        Direction::BToA => (ports.destination, ports.source),
    };
    Some(Flow { protocol: ip.protocol, a_port, b_port })
}
