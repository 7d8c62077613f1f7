//! Frames that wait to be observed, with the bytes that they lie in.
//!
//! A reader fills a batch, anyone who has time dissects it, and one thread observes it when its turn has come.
//! What waits here changes cores, and that costs more than to make it: what frames share is kept once.

mod decoded;

use super::capture::GROUP;
use super::dissected::Dissected;
use crate::capture::{Linktype, RawFrame, SeenAt};
use crate::evidence::FrameNumber;
use crate::protection::NamedPorts;
use crate::time::Timestamp;
use decoded::Decoded;

/// Frames of a capture, in file order.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where in the file the bytes begin.
    begins_at: u64,
    first: First,
    frames: Vec<Waiting>,
    /// Where frames were captured, each from the frame with this index on.
    sources: Vec<(usize, Source)>,
    /// Of every frame, once the batch is dissected.
    decoded: Decoded,
}

/// The first frame's number, and where in the file its bytes begin.
#[derive(Clone, Copy, Debug, Default)]
struct First {
    number: u64,
    offset: u64,
}

/// A frame whose bytes are elsewhere.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    time: Timestamp,
    /// How many frames, and how many bytes of the file, lie between the first frame and it.
    frames_behind: u32,
    bytes_behind: u32,
    captured_len: u32,
    original_len: u32,
}

/// Where frames were captured; nearly all of a file at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    linktype: Linktype,
    interface: u32,
    description: u32,
    seen_at: SeenAt,
}

impl Batch {
    /// Adds a frame, whose bytes are given by [`Self::hold`].
    #[inline]
    pub fn push(&mut self, frame: &RawFrame<'_>) {
        let RawFrame { number, time, linktype, original_len, .. } = *frame;
        let RawFrame { interface, description, seen_at, offset, data, .. } = *frame;
        if self.frames.is_empty() {
            self.first = First { number: number.0, offset };
        }
        let source = Source { linktype, interface, description, seen_at };
        if self.sources.last().is_none_or(|(_, last)| *last != source) {
            self.sources.push((self.frames.len(), source));
        }
        self.frames.push(Waiting {
            time,
            frames_behind: word(number.0 - self.first.number),
            bytes_behind: word(offset - self.first.offset),
            captured_len: word(data.len() as u64),
            original_len,
        });
    }

    /// Takes the bytes in which all frames lie, and where in the file they begin.
    pub fn hold(&mut self, bytes: Vec<u8>, begins_at: u64) {
        (self.bytes, self.begins_at) = (bytes, begins_at);
    }

    /// Forgets the frames; gives the room of their bytes.
    pub fn clear(&mut self) -> Vec<u8> {
        self.frames.clear();
        self.sources.clear();
        self.decoded.clear();
        std::mem::take(&mut self.bytes)
    }

    /// Tells of every frame what it alone says; `named` are the ports a policy speaks of.
    pub fn dissect(&mut self, named: &NamedPorts) {
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.clear();
        self.each(|frame| decoded.add(&Dissected::of(&frame, named)));
        self.decoded = decoded;
    }

    /// Shows every frame, some at a time, in the order in which they were added; dissects what is not. `visit` returns
    /// how many it wants next.
    pub fn show<'a>(&'a self, named: &NamedPorts, visit: impl FnMut(&[Dissected<'a>]) -> usize) {
        let mut groups = Groups::new(visit);
        if self.decoded.is_of(self.frames.len()) {
            let mut decoded = self.decoded.iter();
            self.each(|frame| {
                if let Some(of) = decoded.next() {
                    groups.add(self.decoded.dissected(of, frame));
                }
            });
        } else {
            self.each(|frame| groups.add(Dissected::of(&frame, named)));
        }
        groups.finish();
    }

    /// Gives every frame, in order.
    #[inline]
    fn each<'a>(&'a self, mut take: impl FnMut(RawFrame<'a>)) {
        let ends = self.sources.iter().skip(1).map(|(from, _)| *from).chain([self.frames.len()]);
        for ((from, source), end) in self.sources.iter().zip(ends) {
            for waiting in self.frames.get(*from..end).unwrap_or_default() {
                take(self.frame(*waiting, *source));
            }
        }
    }

    #[inline]
    fn frame(&self, waiting: Waiting, source: Source) -> RawFrame<'_> {
        let Waiting { time, frames_behind, bytes_behind, captured_len, original_len } = waiting;
        let Source { linktype, interface, description, seen_at } = source;
        let number = FrameNumber(self.first.number + u64::from(frames_behind));
        let offset = self.first.offset + u64::from(bytes_behind);
        let at = usize::try_from(offset.saturating_sub(self.begins_at)).unwrap_or(usize::MAX);
        let rest = self.bytes.get(at..).unwrap_or_default();
        let data = rest.get(..captured_len as usize).unwrap_or_default();
        RawFrame {
            number,
            time,
            linktype,
            original_len,
            interface,
            description,
            offset,
            seen_at,
            data,
        }
    }
}

/// Frames that are shown together, as many as were wanted.
struct Groups<'a, V> {
    visit: V,
    group: Vec<Dissected<'a>>,
    wanted: usize,
}

impl<'a, V: FnMut(&[Dissected<'a>]) -> usize> Groups<'a, V> {
    fn new(mut visit: V) -> Self {
        let wanted = visit(&[]);
        Self { visit, group: Vec::with_capacity(GROUP), wanted }
    }

    /// Shows a frame, or keeps it until there are enough.
    #[inline]
    fn add(&mut self, frame: Dissected<'a>) {
        if self.wanted <= 1 && self.group.is_empty() {
            self.wanted = (self.visit)(std::slice::from_ref(&frame));
            return;
        }
        self.group.push(frame);
        if self.group.len() >= self.wanted {
            self.wanted = (self.visit)(&self.group);
            self.group.clear();
        }
    }

    fn finish(mut self) {
        (self.visit)(&self.group);
    }
}

/// No batch holds 4 GiB, nor a packet.
#[inline]
fn word(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    /// A packet of IPv4 or IPv6 that carries TCP, UDP or something else.
    fn packet(is_v6: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let link = PacketBuilder::ethernet2([2; 6], [4; 6]);
        let ip = if is_v6 {
            link.ipv6([1; 16], [2; 16], 64)
        } else {
            link.ipv4([10, 0, 0, 2], [10, 0, 0, 1], 64)
        };
        let mut bytes = Vec::new();
        match protocol {
            6 => ip.tcp(40_000, 445, 1, 1024).ack(7).write(&mut bytes, payload),
            17 => ip.udp(40_000, 4500).write(&mut bytes, payload),
            _ => ip.write(&mut bytes, 253.into(), payload),
        }
        .unwrap();
        bytes[if is_v6 { 20 } else { 23 }] = protocol;
        bytes
    }

    proptest! {
        /// Whatever the bytes are, and however much of them was captured.
        #[test]
        fn what_waits_comes_out_as_it_went_in(
            frames in proptest::collection::vec((
                any::<bool>(),
                prop_oneof![Just(6), Just(17), Just(44), any::<u8>()],
                proptest::collection::vec(any::<u8>(), 0..90),
                proptest::collection::vec((0usize..100, any::<u8>()), 0..3),
                prop_oneof![Just(2000), 0usize..120],
                0u32..2,
            ), 1..20),
        ) {
            let named = NamedPorts::default();
            let mut bytes = vec![9; 7];
            let mut places = Vec::new();
            for (is_v6, protocol, payload, changes, captured, interface) in frames {
                let mut packet = packet(is_v6, protocol, &payload);
                for (at, byte) in changes {
                    packet.get_mut(at).into_iter().for_each(|old| *old = byte);
                }
                packet.truncate(captured);
                places.push((bytes.len(), packet.len(), interface));
                bytes.extend(packet);
            }
            let raw = |(at, length, interface): (usize, usize, u32)| RawFrame {
                number: FrameNumber(5 + at as u64),
                time: Timestamp(at as i64),
                linktype: Linktype::ETHERNET,
                original_len: 1600,
                interface,
                description: interface + 1,
                seen_at: if interface > 0 { SeenAt::InsideTunnel } else { SeenAt::Wire },
                offset: 1000 + at as u64,
                data: &bytes[at..at + length],
            };
            let alone: Vec<String> = places
                .iter()
                .map(|place| format!("{:?}", Dissected::of(&raw(*place), &named)))
                .collect();
            let mut batch = Batch::default();
            places.iter().for_each(|place| batch.push(&raw(*place)));
            batch.hold(bytes.clone(), 1000);
            for _ in 0..2 {
                let mut shown = Vec::new();
                batch.show(&named, |group| {
                    shown.extend(group.iter().map(|it| format!("{it:?}")));
                    shown.len() % 4
                });
                prop_assert_eq!(&shown, &alone);
                batch.dissect(&named);
            }
        }
    }
}
