//! Traffic made to order: the same frames on every run and every machine, as pcap or pcapng.
//!
//! Stands for the load of a network, not for the behaviour of its hosts: no handshakes, no
//! answers, payloads of random bytes, checksums left at zero because nothing here reads them.

/// What is measured, by name.
pub(crate) const MIXES: [(&str, Mix); 12] = [
    ("imix", Mix { sizes: Sizes::Imix, flows: Flows::Mixed }),
    ("varied", Mix { sizes: Sizes::Varied, flows: Flows::Mixed }),
    ("64_octets", Mix { sizes: Sizes::Shortest, flows: Flows::Mixed }),
    ("64_octets_clear", Mix { sizes: Sizes::Shortest, flows: Flows::Clear }),
    ("64_octets_esp", Mix { sizes: Sizes::Shortest, flows: Flows::Esp }),
    ("1518_octets", Mix { sizes: Sizes::Longest, flows: Flows::Mixed }),
    ("many_pairs", Mix { sizes: Sizes::Shortest, flows: Flows::Scan }),
    ("ike_flood", Mix { sizes: Sizes::Message, flows: Flows::IkeFlood }),
    ("fragments", Mix { sizes: Sizes::Imix, flows: Flows::Fragments }),
    ("flows_64", Mix { sizes: Sizes::Shortest, flows: Flows::Many(64) }),
    ("flows_20000", Mix { sizes: Sizes::Shortest, flows: Flows::Many(20_000) }),
    ("flows_200000", Mix { sizes: Sizes::Shortest, flows: Flows::Many(200_000) }),
];

/// What the frames are like.
#[derive(Clone, Copy)]
pub(crate) struct Mix {
    /// How long they are.
    pub(crate) sizes: Sizes,
    /// What they carry.
    pub(crate) flows: Flows,
}

/// How long frames are on the wire, with the four bytes of check sequence that no capture holds.
#[derive(Clone, Copy)]
pub(crate) enum Sizes {
    /// Seven of 64 bytes, four of 576 and one of 1518: the simple IMIX.
    Imix,
    /// Every length from 64 to 1518 bytes: what looks for likeness of lengths finds it.
    Varied,
    /// All of 64 bytes, the shortest that Ethernet has: the most frames for a line's speed.
    Shortest,
    /// All of 1518 bytes, the longest.
    Longest,
    /// Room for an IKE message with a nonce.
    Message,
}

/// What the flows of the host pairs carry.
#[derive(Clone, Copy)]
pub(crate) enum Flows {
    /// Half of the pairs clear text, half ESP.
    Mixed,
    /// Clear text only: TCP and UDP by turns.
    Clear,
    /// ESP only.
    Esp,
    /// Every frame opens a connection from another address: a spoofed scan.
    Scan,
    /// Every frame is an IKE_SA_INIT request from another address.
    IkeFlood,
    /// UDP in two fragments each.
    Fragments,
    /// So many flows, two a pair: a connection of TCP and an SPI of ESP.
    Many(u32),
}

/// A pcap file of so many frames.
pub(crate) fn pcap(mix: Mix, frames: u32) -> Vec<u8> {
    let mut file = Vec::new();
    write_pcap(mix, frames, |bytes| file.extend_from_slice(bytes));
    file
}

/// The same, handed over piece by piece.
pub(crate) fn write_pcap(mix: Mix, frames: u32, mut write: impl FnMut(&[u8])) {
    let mut header = Vec::new();
    little_endian(&mut header, &[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1]);
    write(&header);
    for_each_frame(mix, frames, |micros, frame| {
        let captured_len = length_of(frame);
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        header.clear();
        let fields = [low_half(seconds), low_half(rest), captured_len, captured_len];
        little_endian(&mut header, &fields);
        write(&header);
        write(frame);
    });
}

/// A pcapng file of the same frames at the same times.
pub(crate) fn pcapng(mix: Mix, frames: u32) -> Vec<u8> {
    let mut file = Vec::new();
    little_endian(&mut file, &[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28]);
    little_endian(&mut file, &[1, 20, 1, 65_535, 20]);
    for_each_frame(mix, frames, |micros, frame| {
        let captured_len = length_of(frame);
        let padded_len = captured_len.next_multiple_of(4);
        let block_len = padded_len + 32;
        let times = [low_half(micros >> 32), low_half(micros)];
        little_endian(&mut file, &[6, block_len, 0, times[0], times[1]]);
        little_endian(&mut file, &[captured_len, captured_len]);
        file.extend_from_slice(frame);
        file.resize(file.len() + (padded_len - captured_len) as usize, 0);
        little_endian(&mut file, &[block_len]);
    });
    file
}

fn for_each_frame(mix: Mix, frames: u32, mut visit: impl FnMut(u64, &[u8])) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut frame = Vec::new();
    for number in 0..frames {
        frame.clear();
        random.write_frame(mix.flows, number, mix.sizes.wire_len(number), &mut frame);
        visit(START_MICROS + u64::from(number) * MICROS_APART, &frame);
    }
}

impl Sizes {
    fn wire_len(self, number: u32) -> usize {
        let number = number as usize;
        match self {
            Self::Imix => IMIX[number % IMIX.len()],
            // A step without a common divisor comes to every length before it repeats one.
            Self::Varied => SHORTEST + number * 607 % (LONGEST - SHORTEST + 1),
            Self::Shortest => SHORTEST,
            Self::Longest => LONGEST,
            Self::Message => MESSAGE,
        }
    }
}

/// Marsaglia's xorshift: enough disorder that no branch is foreseen and no payload is readable.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// One frame of a random flow in a random direction.
    fn write_frame(&mut self, flows: Flows, number: u32, wire_len: usize, frame: &mut Vec<u8>) {
        let [pair, back, ..] = self.next().to_be_bytes();
        let (pair, back) = (pair % HOST_PAIRS, back % 2 == 1);
        let captured_len = wire_len - CHECK_SEQUENCE_LEN;
        let packet_len = captured_len - ETHERNET_LEN;
        let is_esp = match flows {
            Flows::Mixed => pair % 2 == 1,
            Flows::Clear => false,
            Flows::Esp => true,
            Flows::Scan | Flows::IkeFlood => {
                write_from_anywhere(frame, flows, number, packet_len);
                return self.fill(frame, captured_len);
            }
            Flows::Fragments => {
                write_fragment(frame, number, packet_len);
                return self.fill(frame, captured_len);
            }
            Flows::Many(flows) => {
                write_one_of_many(frame, low_half(self.next()) % flows, number, back, packet_len);
                return self.fill(frame, captured_len);
            }
        };
        let is_tcp = pair % 4 < 2;
        if is_esp {
            write_ipv4(frame, pair, back, ESP, packet_len);
            frame.extend([0xc0, 0, pair, u8::from(back)]);
            frame.extend(number.to_be_bytes());
        } else if is_tcp {
            write_ipv4(frame, pair, back, TCP, packet_len);
            write_ports(frame, pair, back, TCP_SERVICES);
            frame.extend(number.to_be_bytes());
            // An acknowledgement in a header of five words.
            frame.extend([0, 0, 0, 1, 0x50, 0x10, 0xfa, 0xf0, 0, 0, 0, 0]);
        } else {
            write_ipv4(frame, pair, back, UDP, packet_len);
            write_ports(frame, pair, back, UDP_SERVICES);
            frame.extend(sixteen_bits(packet_len - IPV4_LEN));
            frame.extend([0, 0]);
        }
        self.fill(frame, captured_len);
    }

    fn fill(&mut self, frame: &mut Vec<u8>, captured_len: usize) {
        while frame.len() < captured_len {
            frame.extend(self.next().to_be_bytes());
        }
        frame.truncate(captured_len);
    }
}

/// From an address that no other frame has, to one host.
fn write_from_anywhere(frame: &mut Vec<u8>, flows: Flows, number: u32, packet_len: usize) {
    let protocol = if let Flows::Scan = flows { TCP } else { UDP };
    write_ipv4(frame, 0, false, protocol, packet_len);
    // An odd factor comes to every number once (Knuth's multiplicative).
    let source = number.wrapping_mul(0x9e37_79b1);
    let at = frame.len() - 8;
    frame[at..at + 4].copy_from_slice(&source.to_be_bytes());
    if let Flows::Scan = flows {
        for port in [40_000u16, 445] {
            frame.extend(port.to_be_bytes());
        }
        frame.extend(number.to_be_bytes());
        frame.extend([0, 0, 0, 0, 0x50, 0x02, 0xfa, 0xf0, 0, 0, 0, 0]);
        return;
    }
    let datagram_len = packet_len - IPV4_LEN;
    for field in [500, 500, datagram_len, 0] {
        frame.extend(sixteen_bits(field));
    }
    // Initiator's SPI, none of a responder; a nonce follows; IKEv2, IKE_SA_INIT, of the initiator.
    frame.extend((u64::from(number) + 1).to_be_bytes());
    frame.extend([0; 8]);
    frame.extend([40, 0x20, 34, 0x08, 0, 0, 0, 0]);
    let message_len = datagram_len - 8;
    frame.extend([0, 0]);
    frame.extend(sixteen_bits(message_len));
    frame.extend([0, 0]);
    frame.extend(sixteen_bits(message_len - 28));
}

/// A packet of the flow with this number; ESP has one direction.
fn write_one_of_many(frame: &mut Vec<u8>, flow: u32, number: u32, back: bool, packet_len: usize) {
    let is_esp = flow % 2 == 1;
    let back = back && !is_esp;
    write_ipv4(frame, 0, back, if is_esp { ESP } else { TCP }, packet_len);
    // The hosts' numbers are in the lower 24 bits of 10.0.0.0/8 and of 11.0.0.0/8.
    let at = frame.len() - 8;
    let [client, server] = [(10 << 24) | (flow / 2), (11 << 24) | (flow / 2)].map(u32::to_be_bytes);
    let [source, destination] = if back { [server, client] } else { [client, server] };
    frame[at..at + 4].copy_from_slice(&source);
    frame[at + 4..].copy_from_slice(&destination);
    frame[ETHERNET_LEN + 4..ETHERNET_LEN + 6].copy_from_slice(&number.to_be_bytes()[2..]);
    if is_esp {
        frame.extend((0xc000_0000 | flow).to_be_bytes());
        frame.extend(number.to_be_bytes());
        return;
    }
    let [client, service] = [49_152 + u16::from((flow / 2).to_be_bytes()[3]), 445];
    let ports = if back { [service, client] } else { [client, service] };
    ports.iter().for_each(|port| frame.extend(port.to_be_bytes()));
    frame.extend(number.to_be_bytes());
    frame.extend([0, 0, 0, 1, 0x50, 0x10, 0xfa, 0xf0, 0, 0, 0, 0]);
}

/// Two and two are one datagram.
fn write_fragment(frame: &mut Vec<u8>, number: u32, packet_len: usize) {
    let [.., pair] = (number / 2 % u32::from(HOST_PAIRS)).to_be_bytes();
    let is_first = number.is_multiple_of(2);
    write_ipv4(frame, pair, false, UDP, packet_len);
    let at = ETHERNET_LEN + 4;
    let [_, _, high, low] = (number / 2).to_be_bytes();
    // More fragments follow; or the place of this one, whatever the length of the first was.
    let place = if is_first { [0x20, 0] } else { [0, 185] };
    frame[at..at + 4].copy_from_slice(&[high, low, place[0], place[1]]);
    if is_first {
        write_ports(frame, pair, false, UDP_SERVICES);
        frame.extend([5, 220, 0, 0]);
    }
}

/// Link and network header of a packet between the hosts of a pair, `back` to the first of them.
fn write_ipv4(frame: &mut Vec<u8>, pair: u8, back: bool, protocol: u8, packet_len: usize) {
    let (source, destination) = if back { (1, 0) } else { (0, 1) };
    for side in [destination, source] {
        frame.extend([2, 0, 0, 0, side, pair]);
    }
    frame.extend([0x08, 0x00, 0x45, 0]);
    frame.extend(sixteen_bits(packet_len));
    frame.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    for side in [source, destination] {
        frame.extend([10, 0, side, pair]);
    }
}

fn write_ports(frame: &mut Vec<u8>, pair: u8, back: bool, services: [u16; 4]) {
    let client = 49_152 + u16::from(pair);
    let service = services[usize::from(pair / 4) % services.len()];
    let ports = if back { [service, client] } else { [client, service] };
    ports.iter().for_each(|port| frame.extend(port.to_be_bytes()));
}

fn sixteen_bits(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("no frame is longer than 1518 bytes").to_be_bytes()
}

fn length_of(frame: &[u8]) -> u32 {
    u32::try_from(frame.len()).expect("no frame is longer than 1518 bytes")
}

fn little_endian(file: &mut Vec<u8>, fields: &[u32]) {
    fields.iter().for_each(|field| file.extend(field.to_le_bytes()));
}

fn low_half(field: u64) -> u32 {
    u32::try_from(field & u64::from(u32::MAX)).expect("the mask leaves 32 bits")
}

const IMIX: [usize; 12] = [64, 576, 64, 64, 576, 64, 1518, 64, 576, 64, 64, 576];
const SHORTEST: usize = 64;
const LONGEST: usize = 1518;
/// Ethernet, IPv4 and UDP, an IKE header, a nonce of 32 bytes, the check sequence.
const MESSAGE: usize = 14 + 20 + 8 + 28 + 4 + 32 + 4;
const HOST_PAIRS: u8 = 64;
const TCP_SERVICES: [u16; 4] = [445, 443, 1433, 8080];
const UDP_SERVICES: [u16; 4] = [53, 514, 5060, 123];
const ESP: u8 = 50;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ETHERNET_LEN: usize = 14;
const IPV4_LEN: usize = 20;
const CHECK_SEQUENCE_LEN: usize = 4;
/// 2026-11-23 08:00 UTC.
const START_MICROS: u64 = 1_795_420_800_000_000;
/// A hundred thousand frames a second: no silence that would end a run.
const MICROS_APART: u64 = 10;
