//! Frames as hosts send them, and pcap files of those that the capture took.

use super::super::pcapng::{Order, pcap};
use super::dice::Dice;
use etherparse::{
    IpFragOffset, IpHeaders, IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header, PacketBuilder,
    PacketBuilderStep,
};
use std::net::{IpAddr, SocketAddr};

/// Nanoseconds since 1970, by a clock that is right.
pub(crate) type Nanos = i64;
pub(crate) const MS: Nanos = 1_000_000;
pub(crate) const SECOND: Nanos = 1_000_000_000;

/// What a frame is, by how it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Clear traffic that the policy wants protected.
    Required,
    /// Under ESP.
    Protected,
    /// All else.
    Other,
}

/// A frame on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Nanos,
    pub(crate) ends: (IpAddr, IpAddr),
    pub(crate) what: What,
    /// Without it the packets alone do not show the cause.
    pub(crate) is_key: bool,
    /// The negotiation (initiator's cookie) or ESP SPI that it belongs to.
    pub(crate) under: Under,
    pub(crate) bytes: Vec<u8>,
}

impl Sent {
    /// Whether two frames are of the same two addresses.
    pub(crate) fn ends_as(&self, other: &Self) -> bool {
        let swapped = (other.ends.1, other.ends.0);
        self.ends == other.ends || self.ends == swapped
    }

    /// Whether it carries TCP directly behind its IP header.
    pub(crate) fn is_tcp(&self) -> bool {
        let protocol = if self.ends.0.is_ipv4() { 23 } else { 20 };
        self.bytes.get(protocol) == Some(&6)
    }
}

/// The number that a frame shows and a log may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Under {
    Nothing,
    Cookie(u64),
    Spi(u32),
}

fn ip(from: IpAddr, to: IpAddr, protocol: u8, dice: &mut Dice) -> PacketBuilderStep<IpHeaders> {
    let link = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    let [low, high, ..] = dice.number().to_le_bytes();
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let header = Ipv4Header {
                identification: u16::from_le_bytes([low, high]),
                fragment_offset: IpFragOffset::ZERO,
                time_to_live: 64,
                protocol: IpNumber(protocol),
                source: from.octets(),
                destination: to.octets(),
                ..Ipv4Header::default()
            };
            link.ip(IpHeaders::Ipv4(header, Default::default()))
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let header = Ipv6Header {
                traffic_class: 0,
                flow_label: Ipv6FlowLabel::ZERO,
                payload_length: 0,
                next_header: IpNumber(protocol),
                hop_limit: 64,
                source: from.octets(),
                destination: to.octets(),
            };
            link.ip(IpHeaders::Ipv6(header, Default::default()))
        }
        _ => panic!("two families"),
    }
}

pub(crate) fn datagram(
    from: SocketAddr,
    to: SocketAddr,
    payload: &[u8],
    dice: &mut Dice,
) -> Vec<u8> {
    let mut frame = Vec::new();
    let step = ip(from.ip(), to.ip(), 17, dice).udp(from.port(), to.port());
    step.write(&mut frame, payload).unwrap();
    frame
}

/// A segment of a connection that was there before the capture.
pub(crate) fn segment(
    from: SocketAddr,
    to: SocketAddr,
    payload: &[u8],
    dice: &mut Dice,
) -> Vec<u8> {
    let mut frame = Vec::new();
    let [a, b, c, d, ..] = dice.number().to_le_bytes();
    let sequence = u32::from_le_bytes([a, b, c, d]);
    let step = ip(from.ip(), to.ip(), 6, dice).tcp(from.port(), to.port(), sequence, 8192);
    step.ack(sequence ^ 0x5555).psh().write(&mut frame, payload).unwrap();
    frame
}

pub(crate) fn esp(from: IpAddr, to: IpAddr, spi: u32, sequence: u32, dice: &mut Dice) -> Vec<u8> {
    let packet = esp_packet(spi, sequence, dice);
    let mut frame = Vec::new();
    ip(from, to, 50, dice).write(&mut frame, IpNumber(50), &packet).unwrap();
    frame
}

/// Under AES-CBC and HMAC-SHA1: vector, blocks, check value.
pub(crate) fn esp_packet(spi: u32, sequence: u32, dice: &mut Dice) -> Vec<u8> {
    let blocks = usize::try_from(dice.between(3, 8)).unwrap();
    let sealed = dice.bytes(16 + 16 * blocks + 12);
    [&spi.to_be_bytes()[..], &sequence.to_be_bytes(), &sealed].concat()
}

/// RFC 2784: a packet of two other addresses in GRE.
pub(crate) fn gre(from: IpAddr, to: IpAddr, payload: &[u8], dice: &mut Dice) -> Vec<u8> {
    let packet = [&[0, 0, 8, 0][..], &inner_packet(payload)].concat();
    let mut frame = Vec::new();
    ip(from, to, 47, dice).write(&mut frame, IpNumber(47), &packet).unwrap();
    frame
}

/// RFC 2661 §3.1: a data message of L2TP with PPP and a packet of two other addresses.
pub(crate) fn l2tp(payload: &[u8]) -> Vec<u8> {
    [&[0, 2, 0, 7, 0, 9, 0xff, 3, 0, 0x21][..], &inner_packet(payload)].concat()
}

fn inner_packet(payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    PacketBuilder::ipv4([172, 30, 0, 1], [172, 30, 0, 2], 64)
        .udp(40_000, 9000)
        .write(&mut packet, payload)
        .unwrap();
    packet
}

/// RFC 792: destination unreachable with the datagram's header and first bytes.
pub(crate) fn unreachable(from: IpAddr, to: IpAddr, code: u8, about: &[u8]) -> Vec<u8> {
    let quoted = &about[14..about.len().min(14 + 20 + 8 + 64)];
    let mut message = vec![3, code, 0, 0, 0, 0, 0, 0];
    message.extend(quoted);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut frame = Vec::new();
    ip(from, to, 1, &mut Dice::new(u64::from(code)))
        .write(&mut frame, IpNumber(1), &message)
        .unwrap();
    frame
}

fn checksum(bytes: &[u8]) -> u16 {
    let words =
        bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0)));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap()
}

/// A pcap file in nanoseconds.
pub(crate) fn capture(frames: &[(Nanos, &[u8])]) -> Vec<u8> {
    let word = |value: Nanos| u32::try_from(value).unwrap();
    let frames: Vec<(u32, u32, &[u8])> =
        frames.iter().map(|(at, bytes)| (word(at / SECOND), word(at % SECOND), *bytes)).collect();
    pcap(Order::Little, 0xa1b2_3c4d, &frames)
}
