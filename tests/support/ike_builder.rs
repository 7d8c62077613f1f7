//! IKE messages and the frames that carry them, made to order (RFC 2408, RFC 7296, RFC 9329).

use super::pcapng::{Order, pcap};
use etherparse::PacketBuilder;
use plainsight::report::schema::{IkeExchange, Report};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// One message, field by field.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) initiator_spi: u64,
    pub(crate) responder_spi: u64,
    pub(crate) version: u8,
    pub(crate) exchange: u8,
    pub(crate) flags: u8,
    pub(crate) id: u32,
    /// Type and body of each payload; of an encrypted message of IKEv1 none.
    pub(crate) payloads: Vec<(u8, Vec<u8>)>,
    /// Bytes behind the payloads: what is encrypted.
    pub(crate) rest: usize,
}

impl Message {
    /// A request of IKEv2.
    pub(crate) fn v2(exchange: u8, id: u32, payloads: &[(u8, Vec<u8>)]) -> Self {
        Self {
            initiator_spi: 0x1111_2222_3333_4444,
            responder_spi: if exchange == 34 { 0 } else { 0x5555_6666_7777_8888 },
            version: 0x20,
            exchange,
            flags: 0x08,
            id,
            payloads: payloads.to_vec(),
            rest: 0,
        }
    }

    /// A message of IKEv1 in clear.
    pub(crate) fn v1(exchange: u8, payloads: &[(u8, Vec<u8>)]) -> Self {
        Self { version: 0x10, flags: 0, responder_spi: 0, ..Self::v2(exchange, 0, payloads) }
    }

    /// A message of IKEv1 that is encrypted.
    pub(crate) fn v1_encrypted(exchange: u8, id: u32, bytes: usize) -> Self {
        let responder_spi = 0x5555_6666_7777_8888;
        Self { flags: 1, id, rest: bytes, responder_spi, ..Self::v1(exchange, &[]) }
    }

    /// An encrypted message of IKEv2 with so many bytes in its encrypted payload.
    pub(crate) fn v2_encrypted(exchange: u8, id: u32, bytes: usize) -> Self {
        Self::v2(exchange, id, &[(46, vec![0xe5; bytes])])
    }

    /// The same as the responder's answer.
    pub(crate) fn answer(self) -> Self {
        let flags = if self.version == 0x20 { 0x20 } else { self.flags };
        Self { flags, responder_spi: 0x5555_6666_7777_8888, ..self }
    }

    pub(crate) fn spis(self, initiator_spi: u64, responder_spi: u64) -> Self {
        Self { initiator_spi, responder_spi, ..self }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.initiator_spi.to_be_bytes().to_vec();
        bytes.extend(self.responder_spi.to_be_bytes());
        let first = self.payloads.first().map_or(if self.rest > 0 { 8 } else { 0 }, |p| p.0);
        bytes.extend([first, self.version, self.exchange, self.flags]);
        bytes.extend(self.id.to_be_bytes());
        bytes.extend([0; 4]);
        for (at, (kind, body)) in self.payloads.iter().enumerate() {
            let next = self.payloads.get(at + 1).map_or(0, |payload| payload.0);
            // RFC 7296 §3.14: the next payload of the encrypted one is the first inside it.
            bytes.extend([if *kind == 46 { 35 } else { next }, 0]);
            bytes.extend(u16::try_from(body.len() + 4).unwrap().to_be_bytes());
            bytes.extend(body);
        }
        bytes.extend(vec![0xe1; self.rest]);
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        bytes[24..28].copy_from_slice(&length);
        bytes
    }
}

/// The body of an SA payload of IKEv2 with one proposal of (type, id, key length).
pub(crate) fn sa_v2(transforms: &[(u8, u16, u16)]) -> (u8, Vec<u8>) {
    let mut inside = Vec::new();
    for (at, (kind, id, bits)) in transforms.iter().enumerate() {
        let more = if at + 1 < transforms.len() { 3 } else { 0 };
        let length = if *bits > 0 { 12 } else { 8 };
        inside.extend([more, 0, 0, length, *kind, 0]);
        inside.extend(id.to_be_bytes());
        if *bits > 0 {
            inside.extend([0x80, 14]);
            inside.extend(bits.to_be_bytes());
        }
    }
    let mut body = vec![0, 0];
    body.extend(u16::try_from(inside.len() + 8).unwrap().to_be_bytes());
    body.extend([1, 1, 0, u8::try_from(transforms.len()).unwrap()]);
    body.extend(inside);
    (33, body)
}

/// The body of an SA payload of IKEv1 with one transform of (attribute, value).
pub(crate) fn sa_v1(attributes: &[(u8, u16)]) -> (u8, Vec<u8>) {
    let mut transform = vec![1, 1, 0, 0];
    for (attribute, value) in attributes {
        transform.extend([0x80, *attribute]);
        transform.extend(value.to_be_bytes());
    }
    let length = u16::try_from(transform.len() + 4).unwrap();
    let mut body = vec![0, 0, 0, 1, 0, 0, 0, 1, 0, 0];
    body.extend((length + 8).to_be_bytes());
    body.extend([1, 1, 0, 1, 0, 0]);
    body.extend(length.to_be_bytes());
    body.extend(transform);
    (1, body)
}

/// A notify payload of IKEv2.
pub(crate) fn notify_v2(kind: u16, data: &[u8]) -> (u8, Vec<u8>) {
    (41, [&[0, 0][..], &kind.to_be_bytes(), data].concat())
}

/// A frame with a UDP datagram between 10.0.0.x hosts.
pub(crate) fn udp(from: u8, to: u8, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        .udp(ports.0, ports.1)
        .write(&mut frame, payload)
        .unwrap();
    frame
}

/// The initiator's (true) or the responder's message on port 500.
pub(crate) fn on_500(from_initiator: bool, message: &Message) -> Vec<u8> {
    let (from, to) = if from_initiator { (1, 2) } else { (2, 1) };
    udp(from, to, (500, 500), &message.bytes())
}

/// A pcap file of frames at milliseconds.
pub(crate) fn capture(frames: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let frames: Vec<(u32, u32, &[u8])> =
        frames.iter().map(|(ms, f)| (1_000 + ms / 1000, ms % 1000 * 1000, f.as_slice())).collect();
    pcap(Order::Little, 0xa1b2_c3d4, &frames)
}

/// Writes a file of evidence.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    File::create(path).unwrap().write_all(bytes).unwrap();
}

/// What the program says of frames at milliseconds.
pub(crate) fn report_of(frames: &[(u32, Vec<u8>)]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made.pcap");
    write(&file, &capture(frames));
    super::truth::report(vec![file], plainsight::policy::Policy::default())
}

/// AES-CBC-256, HMAC-SHA2-256-128, PRF-HMAC-SHA2-256, and a group.
pub(crate) fn offer(group: u16) -> (u8, Vec<u8>) {
    sa_v2(&[(1, 12, 256), (3, 12, 0), (2, 5, 0), (4, group, 0)])
}

pub(crate) fn key_exchange(group: u16) -> (u8, Vec<u8>) {
    (34, [&group.to_be_bytes()[..], &[0, 0], &[7; 64]].concat())
}

pub(crate) fn nonce() -> (u8, Vec<u8>) {
    (40, vec![9; 32])
}

pub(crate) fn init() -> Message {
    Message::v2(34, 0, &[offer(14), key_exchange(14), nonce()])
}

pub(crate) fn clear(from: u8, to: u8) -> Vec<u8> {
    udp(from, to, (40_000, 40_001), b"in the clear, for all to read")
}

pub(crate) fn only(report: &Report) -> &IkeExchange {
    let [exchange] = report.ike_exchanges.as_slice() else {
        panic!("{} negotiations", report.ike_exchanges.len())
    };
    exchange
}
