//! Frames that wait to be observed, with the octets that they lie in.
//!
//! A reader fills a batch, whoever has time dissects it, and one thread observes it when its turn has come.
//! The parts of a frame are places in the batch's octets instead of references, and what two fields say is
//! kept once: what waits here changes cores.

use super::dissected::{Alone, Content, Dissected};
use crate::capture::{Linktype, RawFrame};
use crate::evidence::FrameNumber;
use crate::hosts::{Direction, HostPair};
use crate::packet::{Fragment, IpPacket, Ports, StopReason, TcpSegment};
use crate::protection::duplicate::Identity;
use crate::protection::{NamedPorts, Stream};
use crate::time::Timestamp;

/// Frames of a capture, in file order.
#[derive(Debug, Default)]
pub struct Batch {
    octets: Vec<u8>,
    /// Where in the file the octets begin.
    begins_at: u64,
    frames: Vec<Waiting>,
    /// Of every frame, once the batch is dissected.
    parts: Vec<Parts>,
}

/// A frame whose octets are elsewhere.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    number: FrameNumber,
    time: Timestamp,
    linktype: Linktype,
    original_len: u32,
    captured_len: u32,
    interface: u32,
    description: u32,
    offset: u64,
}

/// What was told of a frame.
#[derive(Clone, Copy, Debug)]
struct Parts {
    identity: Identity,
    content: WaitingContent,
}

/// As [`Content`].
#[derive(Clone, Copy, Debug)]
enum WaitingContent {
    Ip(WaitingPacket),
    Arp,
    NonIp(u16),
    Undecodable(StopReason),
}

/// An IP packet, as [`IpPacket`] and [`Alone`].
#[derive(Clone, Copy, Debug)]
struct WaitingPacket {
    pair: HostPair,
    stream: Stream,
    fragment: Option<Fragment>,
    tcp: Option<TcpSegment>,
    ports: Option<Ports>,
    segment: Place,
    payload: Place,
    payload_len: u32,
    packet_len: u32,
    segment_len: u32,
    identification: u16,
    protocol: u8,
    direction: Direction,
    unfinished: bool,
    link_broadcast: bool,
}

/// Where in a frame octets begin, and how many there are.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    at: u32,
    length: u32,
}

impl Place {
    fn of(part: &[u8], whole: &[u8]) -> Self {
        let at = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
        let is_inside = at <= whole.len() && part.len() <= whole.len() - at;
        if is_inside { Self { at: word(at), length: word(part.len()) } } else { Self::default() }
    }

    fn take(self, whole: &[u8]) -> &[u8] {
        let rest = whole.get(self.at as usize..);
        rest.and_then(|rest| rest.get(..self.length as usize)).unwrap_or_default()
    }
}

/// No frame is longer than 16 MiB, no length of IP than 4 GiB.
fn word(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Batch {
    /// Adds a frame, whose octets are given by [`Self::hold`].
    pub fn push(&mut self, frame: &RawFrame<'_>) {
        let RawFrame { number, time, linktype, original_len, .. } = *frame;
        let RawFrame { interface, description, offset, data, .. } = *frame;
        let captured_len = word(data.len());
        self.frames.push(Waiting {
            number,
            time,
            linktype,
            original_len,
            captured_len,
            interface,
            description,
            offset,
        });
    }

    /// Takes the octets in which all frames lie, and where in the file they begin.
    pub fn hold(&mut self, octets: Vec<u8>, begins_at: u64) {
        (self.octets, self.begins_at) = (octets, begins_at);
    }

    /// Forgets the frames; gives the room of their octets.
    pub fn clear(&mut self) -> Vec<u8> {
        self.frames.clear();
        self.parts.clear();
        std::mem::take(&mut self.octets)
    }

    /// Tells of every frame what it alone says; `named` are the ports a policy speaks of.
    pub fn dissect(&mut self, named: &NamedPorts) {
        let mut parts = std::mem::take(&mut self.parts);
        parts.clear();
        parts.extend(self.raw().map(|frame| Parts::of(&Dissected::of(&frame, named))));
        self.parts = parts;
    }

    /// Shows every frame, in the order in which they were added; dissects what is not.
    pub fn show(&self, named: &NamedPorts, mut visit: impl FnMut(&Dissected<'_>)) {
        if self.parts.len() == self.frames.len() {
            let dissected = self.raw().zip(&self.parts);
            dissected.for_each(|(frame, parts)| visit(&parts.of_frame(frame)));
        } else {
            self.raw().for_each(|frame| visit(&Dissected::of(&frame, named)));
        }
    }

    fn raw(&self) -> impl Iterator<Item = RawFrame<'_>> {
        self.frames.iter().map(|waiting| {
            let Waiting { number, time, linktype, original_len, captured_len, .. } = *waiting;
            let Waiting { interface, description, offset, .. } = *waiting;
            let at = usize::try_from(offset.saturating_sub(self.begins_at)).unwrap_or(usize::MAX);
            let rest = self.octets.get(at..).unwrap_or_default();
            let data = rest.get(..captured_len as usize).unwrap_or_default();
            RawFrame { number, time, linktype, original_len, interface, description, offset, data }
        })
    }
}

impl Parts {
    fn of(dissected: &Dissected<'_>) -> Self {
        let content = match dissected.content {
            Content::Ip(ip, Alone { pair, direction, stream, unfinished }) => {
                WaitingContent::Ip(WaitingPacket {
                    pair,
                    stream,
                    fragment: ip.fragment,
                    tcp: ip.tcp,
                    ports: ip.ports,
                    segment: Place::of(ip.segment, dissected.frame.data),
                    payload: Place::of(ip.payload, dissected.frame.data),
                    payload_len: word(ip.payload_len),
                    packet_len: word(ip.packet_len),
                    segment_len: word(ip.segment_len),
                    identification: ip.identification,
                    protocol: ip.protocol,
                    direction,
                    unfinished,
                    link_broadcast: ip.link_broadcast,
                })
            }
            Content::Arp => WaitingContent::Arp,
            Content::NonIp(kind) => WaitingContent::NonIp(kind),
            Content::Undecodable(why) => WaitingContent::Undecodable(why),
        };
        Self { identity: dissected.identity, content }
    }

    fn of_frame<'a>(&self, frame: RawFrame<'a>) -> Dissected<'a> {
        let content = match self.content {
            WaitingContent::Ip(packet) => packet.of_frame(frame.data),
            WaitingContent::Arp => Content::Arp,
            WaitingContent::NonIp(kind) => Content::NonIp(kind),
            WaitingContent::Undecodable(why) => Content::Undecodable(why),
        };
        Dissected { frame, identity: self.identity, content }
    }
}

impl WaitingPacket {
    fn of_frame(self, data: &[u8]) -> Content<'_> {
        let Self { pair, stream, direction, unfinished, .. } = self;
        let (source, destination) = match direction {
            Direction::AToB => (pair.a(), pair.b()),
            Direction::BToA => (pair.b(), pair.a()),
        };
        let ip = IpPacket {
            source,
            destination,
            protocol: self.protocol,
            fragment: self.fragment,
            ports: self.ports,
            tcp: self.tcp,
            identification: self.identification,
            segment: self.segment.take(data),
            payload: self.payload.take(data),
            payload_len: self.payload_len as usize,
            packet_len: self.packet_len as usize,
            segment_len: self.segment_len as usize,
            link_broadcast: self.link_broadcast,
        };
        Content::Ip(ip, Alone { pair, direction, stream, unfinished })
    }
}
