//! Small captures that once cost much: each kind is a list or a table that evidence can lengthen.

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A TCP connection with one hole that is filled at every second byte.
    Holes,
    /// A pair with clear packets 31 seconds apart, each a window of its own.
    Windows,
    /// Pairs, each with one ESP packet and one clear packet.
    Pairs,
    /// A pair with one packet of each of many SPIs.
    Spis,
    /// The same between two addresses chosen against foldhash's fixed seed.
    ChosenSpis,
    /// Pairs that all use one SPI.
    OneSpi,
    /// A pair with one SPI that is never silent, others of one packet each, and windows beside them.
    SpisAndWindows,
    /// A pair with negotiations that are refused, and a window behind every hundredth.
    Refusals,
    /// An event with many fields of one name.
    EqualNames,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Holes,
        Self::Windows,
        Self::Pairs,
        Self::Spis,
        Self::ChosenSpis,
        Self::OneSpi,
        Self::SpisAndWindows,
        Self::Refusals,
        Self::EqualNames,
    ];
}

/// A pcap file of about `n` packets of that kind, or a log.
pub(crate) fn capture(kind: Kind, n: u32) -> Vec<u8> {
    if kind == Kind::EqualNames {
        return log_of_equal_names(n);
    }
    let mut file = File::new();
    let (a, b) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    match kind {
        Kind::EqualNames => {}
        Kind::SpisAndWindows => (0..n).for_each(|k| {
            file.put(10_000_000, a, b, 50, &esp(0x1000, k + 1));
            file.put(10_000_000, a, b, 50, &esp(0x10000 + k, 1));
            file.put(11_000_000, a, b, 6, &tcp(k, b"clear"));
        }),
        Kind::Refusals => (0..n).for_each(|k| {
            let spi = u64::from(k) + 1;
            file.put(20_000, a, b, 17, &ike_sa_init((spi, 0), (40, 0x08), &[9; 32]));
            let refused = ike_sa_init((spi, spi), (41, 0x20), &[0, 0, 0, 14]);
            file.put(20_000, b, a, 17, &refused);
            if k % 100 == 99 {
                file.put(31_000_000, a, b, 6, &tcp(k, b"clear"));
            }
        }),
        Kind::Holes => {
            file.put(1, a, b, 6, &tcp(1, b"a"));
            file.put(1, a, b, 6, &tcp(100 + 2 * n, b"a"));
            (0..n).for_each(|k| file.put(1, a, b, 6, &tcp(10 + 2 * k, b"x")));
        }
        Kind::Windows => {
            file.put(1, a, b, 50, &esp(1, 1));
            (0..n).for_each(|k| file.put(31_000_000, a, b, 6, &tcp(k, b"clear")));
        }
        Kind::Pairs | Kind::OneSpi => (0..n).for_each(|k| {
            let hosts = [0x0a00_0000 + k, 0x0b00_0000 + k].map(u32::to_be_bytes);
            file.put(1, hosts[0], hosts[1], 50, &esp(0x1000, 1));
            if kind == Kind::Pairs {
                file.put(2, hosts[0], hosts[1], 6, &tcp(1, b"clear"));
            }
        }),
        Kind::Spis => (0..n).for_each(|k| file.put(1, a, b, 50, &esp(0x10000 + k, 1))),
        Kind::ChosenSpis => {
            let (a, b) = ([8, 0x2e, 0xfa, 0x98], [0xec, 0x4e, 0x6c, 0x89]);
            (0..n).for_each(|k| file.put(1, a, b, 50, &esp(0x10000 + k, 1)));
        }
    }
    file.bytes
}

/// One of the files of a capture that was rotated each minute: ten SPIs and ten connections that no other file has.
pub(crate) fn rotated(number: u32) -> Vec<u8> {
    let mut file = File::new();
    file.microseconds += u64::from(number) * 60_000_000;
    for k in number * 10..number * 10 + 10 {
        let hosts = [0x0a00_0000 + k, 0x0b00_0000 + k].map(u32::to_be_bytes);
        file.put(100_000, hosts[0], hosts[1], 50, &esp(0x1000 + k, 1));
        file.put(100_000, hosts[0], hosts[1], 6, &tcp(1, b"clear"));
    }
    file.bytes
}

struct File {
    bytes: Vec<u8>,
    microseconds: u64,
    packets: u16,
}

impl File {
    fn new() -> Self {
        let words = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1];
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self { bytes, microseconds: 1_767_261_600_000_000, packets: 0 }
    }

    fn put(&mut self, step: u64, from: [u8; 4], to: [u8; 4], protocol: u8, body: &[u8]) {
        self.microseconds += step;
        self.packets = self.packets.wrapping_add(1);
        let length = u16::try_from(20 + body.len()).unwrap();
        let mut packet = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
        packet.extend(length.to_be_bytes());
        packet.extend(self.packets.to_be_bytes());
        packet.extend([0x40, 0, 64, protocol, 0, 0]);
        packet.extend([from, to].concat());
        packet.extend(body);
        let length = u32::try_from(packet.len()).unwrap();
        let time = [self.microseconds / 1_000_000, self.microseconds % 1_000_000];
        let [seconds, rest] = time.map(|part| u32::try_from(part).unwrap());
        let head = [seconds, rest, length, length];
        self.bytes.extend(head.iter().flat_map(|word| word.to_le_bytes()));
        self.bytes.extend(packet);
    }
}

/// One record of a failure with ten fields of one name for each of `n`.
fn log_of_equal_names(n: u32) -> Vec<u8> {
    let fields = "<Data Name=\"a\">b</Data>".repeat(n as usize * 10);
    format!(
        "<Events><Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System>\
        <Provider Name=\"Microsoft-Windows-Security-Auditing\"/><EventID>4653</EventID>\
        <TimeCreated SystemTime=\"2026-01-01T10:00:00Z\"/><EventRecordID>1</EventRecordID>\
        <Channel>Security</Channel><Computer>A</Computer></System>\
        <EventData>{fields}</EventData></Event></Events>"
    )
    .into_bytes()
}

/// A datagram of an IKE_SA_INIT with one payload (RFC 7296 §3.1): its SPIs, the payload's type, the flags.
fn ike_sa_init(spis: (u64, u64), (payload, flags): (u8, u8), body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(28 + 4 + body.len()).unwrap();
    let mut bytes = [500, 500, 8 + length, 0].map(u16::to_be_bytes).concat();
    bytes.extend([spis.0, spis.1].map(u64::to_be_bytes).concat());
    bytes.extend([payload, 0x20, 34, flags, 0, 0, 0, 0, 0, 0]);
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend((length - 28).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn tcp(sequence: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = [40_000_u16.to_be_bytes(), 9_000_u16.to_be_bytes()].concat();
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(1_u32.to_be_bytes());
    bytes.extend([0x50, 0x10, 3, 0xe8, 0, 0, 0, 0]);
    bytes.extend(data);
    bytes
}

/// Its content has no pattern, as that of ciphers.
fn esp(spi: u32, number: u32) -> Vec<u8> {
    let mut bytes = [spi.to_be_bytes(), number.to_be_bytes()].concat();
    let mixed = u64::from(spi).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number.into());
    bytes.extend(mixed.to_be_bytes());
    bytes.extend(u64::from(number).to_be_bytes());
    bytes
}
