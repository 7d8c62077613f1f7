//! A frame as far as it can be told without the frames around it.
//!
//! One thread dissects, another observes in order; between the two frames wait in batches. There the
//! parts of a frame are places in the batch's octets instead of references.

use super::timeline::{Flow, Sighting};
use crate::capture::RawFrame;
use crate::evidence::{EvidenceId, FrameRef};
use crate::hosts::{Direction, HostPair};
use crate::packet::{IpPacket, Packet, StopReason, decode};
use crate::protection::checksum::is_unfinished;
use crate::protection::duplicate::{Identity, identity, identity_of_frame};
use crate::protection::{Classified, NamedPorts, Stream, classify};

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
    /// An IP packet, and what it alone says.
    Ip(IpPacket<'a>, Alone),
    /// ARP.
    Arp,
    /// Another link-layer protocol.
    NonIp(u16),
    /// Nothing that could be told.
    Undecodable(StopReason),
}

/// What an IP packet says without the packets around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alone {
    pub(super) pair: HostPair,
    pub(super) direction: Direction,
    pub(super) stream: Stream,
    /// It is clear, and its checksum had still to be finished.
    pub(super) unfinished: bool,
}

impl<'a> Dissected<'a> {
    /// Dissects a frame; `named` are the ports a policy speaks of.
    #[must_use]
    pub fn of(frame: &RawFrame<'a>, named: &NamedPorts) -> Self {
        let packet = decode(frame);
        let content = match (classify(&packet, named), packet) {
            (Classified::Paired { pair, direction, stream, .. }, Packet::Ip(ip)) => {
                let is_clear = matches!(stream, Stream::Clear { .. });
                let unfinished = is_clear && is_unfinished(&ip);
                Content::Ip(ip, Alone { pair, direction, stream, unfinished })
            }
            (Classified::NonIp(kind), _) => Content::NonIp(kind),
            (Classified::Undecodable(stop), _) => Content::Undecodable(stop.reason),
            (Classified::Arp | Classified::Paired { .. }, _) => Content::Arp,
        };
        let identity = match &content {
            Content::Ip(ip, ..) => identity(ip),
            Content::Arp | Content::NonIp(_) | Content::Undecodable(_) => {
                identity_of_frame(frame.data)
            }
        };
        Self { frame: *frame, identity, content }
    }

    /// Its place and lengths, and where its packet went.
    pub(super) fn sighting(&self, evidence: EvidenceId) -> Sighting {
        let (flow, direction, unfinished) = match &self.content {
            Content::Ip(ip, alone) => {
                (flow_of(ip, alone.direction), alone.direction, alone.unfinished)
            }
            Content::Arp | Content::NonIp(_) | Content::Undecodable(_) => {
                (None, Direction::AToB, false)
            }
        };
        Sighting {
            frame: FrameRef { evidence, frame: self.frame.number },
            time: self.frame.time,
            bytes: u64::from(self.frame.original_len),
            captured: self.frame.data.len() as u64,
            flow,
            direction,
            unfinished,
        }
    }
}

/// The ports of a packet, the lower address's first.
fn flow_of(ip: &IpPacket<'_>, direction: Direction) -> Option<Flow> {
    let ports = ip.ports?;
    let (a_port, b_port) = match direction {
        Direction::AToB => (ports.source, ports.destination),
        Direction::BToA => (ports.destination, ports.source),
    };
    Some(Flow { protocol: ip.protocol, a_port, b_port })
}

/// Dissected frames with their octets, in file order.
#[derive(Debug, Default)]
pub struct Batch {
    octets: Vec<u8>,
    frames: Vec<Waiting>,
}

/// A dissected frame whose octets are elsewhere.
#[derive(Debug)]
struct Waiting {
    dissected: Dissected<'static>,
    data: Place,
    segment: Place,
    payload: Place,
}

/// Where octets begin, and how many there are: in a batch, or in a frame.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    at: usize,
    length: usize,
}

impl Place {
    fn of(part: &[u8], whole: &[u8]) -> Self {
        let at = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
        let is_inside = at <= whole.len() && part.len() <= whole.len() - at;
        if is_inside { Self { at, length: part.len() } } else { Self::default() }
    }

    fn take(self, whole: &[u8]) -> &[u8] {
        whole.get(self.at..).and_then(|rest| rest.get(..self.length)).unwrap_or_default()
    }
}

impl Batch {
    /// Whether it is worth handing on.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.octets.len() >= MOST_OCTETS || self.frames.len() >= MOST_FRAMES
    }

    /// Forgets the frames and keeps the memory, if it is no more than usual.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.frames.clear();
        self.octets.shrink_to(2 * MOST_OCTETS);
    }

    /// Adds a frame.
    pub fn push(&mut self, dissected: &Dissected<'_>) {
        let Dissected { frame, identity, content } = *dissected;
        let data = Place { at: self.octets.len(), length: frame.data.len() };
        self.octets.extend_from_slice(frame.data);
        let (content, segment, payload) = match content {
            Content::Ip(ip, alone) => {
                let segment = Place::of(ip.segment, frame.data);
                let payload = Place::of(ip.payload, frame.data);
                let ip = IpPacket { segment: &[], payload: &[], ..ip };
                (Content::Ip(ip, alone), segment, payload)
            }
            Content::Arp => (Content::Arp, Place::default(), Place::default()),
            Content::NonIp(kind) => (Content::NonIp(kind), Place::default(), Place::default()),
            Content::Undecodable(why) => {
                (Content::Undecodable(why), Place::default(), Place::default())
            }
        };
        let frame = RawFrame { data: &[], ..frame };
        let dissected = Dissected { frame, identity, content };
        self.frames.push(Waiting { dissected, data, segment, payload });
    }

    /// The frames, in the order in which they were added.
    pub fn frames(&self) -> impl Iterator<Item = Dissected<'_>> {
        self.frames.iter().map(|waiting| {
            let data = waiting.data.take(&self.octets);
            let Dissected { frame, identity, content } = waiting.dissected;
            let content = match content {
                Content::Ip(ip, alone) => {
                    let (segment, payload) =
                        (waiting.segment.take(data), waiting.payload.take(data));
                    Content::Ip(IpPacket { segment, payload, ..ip }, alone)
                }
                other @ (Content::Arp | Content::NonIp(_) | Content::Undecodable(_)) => other,
            };
            Dissected { frame: RawFrame { data, ..frame }, identity, content }
        })
    }
}

/// Together they fit the second-level cache of the core that observes.
const MOST_OCTETS: usize = 128 * 1024;
const MOST_FRAMES: usize = 1024;
