//! What was decoded of frames that wait, without their bytes.
//!
//! Parts of a frame are places in its bytes instead of references. What the bytes say at a known place is read there
//! again.

use super::super::dissected::{Alone, Content, Dissected};
use super::word;
use crate::capture::RawFrame;
use crate::hosts::{Direction, HostPair};
use crate::packet::{Fragment, IpPacket, Ports, StopReason};
use crate::protection::Stream;
use crate::protection::duplicate::Identity;
use std::net::{IpAddr, Ipv4Addr};

/// What was decoded of the frames of a batch, in their order.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    frames: Vec<Frame>,
    /// The pairs that are not of IPv4.
    pairs: Vec<HostPair>,
}

/// As [`Dissected`]: a line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Frame {
    identity: Identity,
    content: FrameContent,
}

const _: () = assert!(size_of::<Frame>() == 64);

/// As [`Content`].
#[derive(Clone, Copy, Debug)]
enum FrameContent {
    Ip(PacketOutline),
    Arp,
    NonIp(u16),
    Undecodable(StopReason),
}

/// As [`IpPacket`] and what is said of it.
#[derive(Clone, Copy, Debug)]
struct PacketOutline {
    pair: Pair,
    /// None of a segment of an open connection.
    stream: Option<Stream>,
    fragment: Option<Fragment>,
    /// Where in the frame what is behind the IP headers begins, and how much of it there is.
    segment_at: u32,
    captured_segment_len: u32,
    packet_len: u32,
    segment_len: u32,
    identification: u16,
    /// What of the segment is no payload.
    header_len: u8,
    protocol: u8,
    hops: u8,
    signs: Signs,
}

/// What takes a bit or few: how many packets are around it in the upper byte, yes or no in the lower.
#[derive(Clone, Copy, Debug)]
struct Signs(u16);

impl Signs {
    const FROM_B: u16 = 1;
    const SHOWS_PORTS: u16 = 2;
    const UNFINISHED: u16 = 4;
    const LINK_BROADCAST: u16 = 8;
    const MISLABELLED: u16 = 16;
    /// It is [`Content::Esp`].
    const ESP: u16 = 32;
    /// What is above the bits.
    const NESTED_AT: u32 = 8;

    fn of(ip: &IpPacket<'_>) -> Self {
        let bit = |is_set: bool, bit| if is_set { bit } else { 0 };
        Self(
            bit(ip.direction == Direction::BToA, Self::FROM_B)
                | bit(ip.ports.is_some(), Self::SHOWS_PORTS)
                | bit(ip.link_broadcast, Self::LINK_BROADCAST)
                | bit(ip.mislabelled, Self::MISLABELLED)
                | u16::from(ip.nested) << Self::NESTED_AT,
        )
    }

    const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }

    const fn direction(self) -> Direction {
        if self.has(Self::FROM_B) { Direction::BToA } else { Direction::AToB }
    }
}

/// As [`HostPair`].
#[derive(Clone, Copy, Debug)]
enum Pair {
    V4(Ipv4Addr, Ipv4Addr),
    /// One of [`Decoded::pairs`].
    Other(u32),
}

impl Decoded {
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.pairs.clear();
    }

    /// Whether it shows of so many frames.
    pub(super) fn is_of(&self, frames: usize) -> bool {
        self.frames.len() == frames
    }

    /// Adds what was decoded of the next frame.
    pub(super) fn add(&mut self, dissected: &Dissected<'_>) {
        let content = match &dissected.content {
            Content::Segment(ip) => {
                FrameContent::Ip(self.outline(ip, None, dissected.frame.data, 0))
            }
            Content::Esp(ip, spi) => {
                let stream = Some(Stream::Esp(*spi, ip.direction));
                FrameContent::Ip(self.outline(ip, stream, dissected.frame.data, Signs::ESP))
            }
            Content::Ip(ip, alone) => {
                let unfinished = if alone.unfinished { Signs::UNFINISHED } else { 0 };
                let stream = Some(alone.stream);
                FrameContent::Ip(self.outline(ip, stream, dissected.frame.data, unfinished))
            }
            Content::Arp => FrameContent::Arp,
            Content::NonIp(kind) => FrameContent::NonIp(*kind),
            Content::Undecodable(why) => FrameContent::Undecodable(*why),
        };
        self.frames.push(Frame { identity: dissected.identity, content });
    }

    fn outline(
        &mut self,
        ip: &IpPacket<'_>,
        stream: Option<Stream>,
        data: &[u8],
        signs: u16,
    ) -> PacketOutline {
        let pair = match ip.pair.of_v4() {
            Some((a, b)) => Pair::V4(a, b),
            None => {
                self.pairs.push(ip.pair);
                Pair::Other(word(self.pairs.len() as u64 - 1))
            }
        };
        let segment_at = ip.segment.as_ptr().addr().wrapping_sub(data.as_ptr().addr());
        let header_len = ip.segment_len.saturating_sub(ip.payload_len);
        PacketOutline {
            pair,
            stream,
            fragment: ip.fragment,
            segment_at: word(segment_at as u64),
            captured_segment_len: word(ip.segment.len() as u64),
            packet_len: word(ip.packet_len as u64),
            segment_len: word(ip.segment_len as u64),
            identification: ip.identification,
            header_len: u8::try_from(header_len).unwrap_or(u8::MAX),
            protocol: ip.protocol,
            hops: ip.hops,
            signs: Signs(Signs::of(ip).0 | signs),
        }
    }

    /// What was decoded of the frames, in their order.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Frame> {
        self.frames.iter()
    }

    /// A frame, dissected.
    #[inline]
    pub(super) fn dissected<'a>(&self, decoded: &Frame, frame: RawFrame<'a>) -> Dissected<'a> {
        let Frame { identity, content } = decoded;
        let content = match content {
            FrameContent::Ip(outline) => self.packet(outline, frame.data),
            FrameContent::Arp => Content::Arp,
            FrameContent::NonIp(kind) => Content::NonIp(*kind),
            FrameContent::Undecodable(why) => Content::Undecodable(*why),
        };
        Dissected { frame, identity: *identity, content }
    }

    fn packet<'a>(&self, outline: &PacketOutline, data: &'a [u8]) -> Content<'a> {
        let PacketOutline { stream, signs, .. } = *outline;
        let pair = match outline.pair {
            Pair::V4(a, b) => HostPair::new(IpAddr::V4(a), IpAddr::V4(b)),
            // Made where the pair was added, and cleared with the pairs.
            Pair::Other(at) => self.pairs[at as usize],
        };
        let rest = data.get(outline.segment_at as usize..).unwrap_or_default();
        let segment = rest.get(..outline.captured_segment_len as usize).unwrap_or_default();
        let segment_len = outline.segment_len as usize;
        let header_len = usize::from(outline.header_len);
        let ip = IpPacket {
            pair,
            direction: signs.direction(),
            protocol: outline.protocol,
            fragment: outline.fragment,
            ports: if signs.has(Signs::SHOWS_PORTS) { Ports::of(segment) } else { None },
            identification: outline.identification,
            segment,
            payload: segment.get(header_len..).unwrap_or_default(),
            payload_len: segment_len.saturating_sub(header_len),
            packet_len: outline.packet_len as usize,
            segment_len,
            link_broadcast: signs.has(Signs::LINK_BROADCAST),
            nested: u8::try_from(signs.0 >> Signs::NESTED_AT).unwrap_or_default(),
            hops: outline.hops,
            mislabelled: signs.has(Signs::MISLABELLED),
        };
        match stream {
            None => Content::Segment(ip),
            Some(Stream::Esp(spi, _)) if signs.has(Signs::ESP) => Content::Esp(ip, spi),
            Some(stream) => {
                Content::Ip(ip, Alone { stream, unfinished: signs.has(Signs::UNFINISHED) })
            }
        }
    }
}
