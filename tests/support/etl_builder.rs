//! Event traces of Windows, built event by event.

pub(crate) const NDIS: [u8; 16] =
    *b"\x6e\x00\xd6\x2e\x29\x47\x09\x46\xb4\x23\x3e\xe7\xbc\xd6\x78\xef";
pub(crate) const PKTMON: [u8; 16] =
    *b"\xd9\x80\x4f\x4d\xbd\xc8\x73\x4d\xbb\x5b\x19\xc9\x04\x02\xc5\xac";
pub(crate) const WHOLE: u64 = 0xc000_0000;

/// An event with a manifest, padded to eight bytes.
pub(crate) fn event(provider: [u8; 16], id: u16, keyword: u64, time: i64, data: &[u8]) -> Vec<u8> {
    let mut record = vec![0; 80];
    let length = u16::try_from(80 + data.len()).unwrap();
    record[..2].copy_from_slice(&length.to_le_bytes());
    record[2..4].copy_from_slice(&[0x13, 0xc0]);
    record[8..16].copy_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0]);
    record[16..24].copy_from_slice(&time.to_le_bytes());
    record[24..40].copy_from_slice(&provider);
    record[40..42].copy_from_slice(&id.to_le_bytes());
    record[48..56].copy_from_slice(&keyword.to_le_bytes());
    record.extend_from_slice(data);
    record.resize(record.len().next_multiple_of(8), 0);
    record
}

/// A trace of one buffer, whose times are FILETIME.
pub(crate) fn trace(events: &[Vec<u8>]) -> Vec<u8> {
    let mut first = vec![0; 32 + 288];
    first[..4].copy_from_slice(&[2, 0, 2, 0xc0]);
    first[4..6].copy_from_slice(&320u16.to_le_bytes());
    first[32 + 8..32 + 12].copy_from_slice(&26100u32.to_le_bytes());
    first[32 + 44] = 8;
    first[32 + 272] = 2;
    let records = [first, events.concat()].concat();
    let mut file = vec![0; 72];
    let length = u32::try_from(72 + records.len()).unwrap().to_le_bytes();
    file[..4].copy_from_slice(&length);
    file[48..52].copy_from_slice(&length);
    file[54] = 4;
    [file, records].concat()
}

pub(crate) fn text(words: &str) -> Vec<u8> {
    words.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// A TCP segment in the clear, from 10.1.0.1 to 10.1.0.2, in Ethernet.
pub(crate) fn clear(number: u8) -> Vec<u8> {
    let mut packet = Vec::new();
    etherparse::PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 1, 0, 1], [10, 1, 0, 2], 64)
        .tcp(40_000, 8080, u32::from(number) * 5, 1000)
        .write(&mut packet, b"hello")
        .unwrap();
    packet
}

pub(crate) fn at(second: i64) -> i64 {
    134_000_000_000_000_000 + second * 10_000_000
}

/// A packet at a virtual switch.
pub(crate) fn switched(adapter: u32, second: i64, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    let head = [adapter, adapter, 7].map(u32::to_le_bytes).concat();
    let names = [text("port"), text("nic"), text("synthetic")].concat();
    let behind = [0u32, length].map(u32::to_le_bytes).concat();
    let data = [head, names, behind, bytes.to_vec(), vec![0; 4]].concat();
    event(NDIS, 1003, WHOLE | 0x100_0000, at(second), &data)
}

pub(crate) fn component(number: u16, kind: u16, driver: &str, words: &str) -> Vec<u8> {
    let data =
        [&number.to_le_bytes()[..], &kind.to_le_bytes(), &text(driver), &text(words)].concat();
    event(PKTMON, 20, 0, at(100), &data)
}

/// How pktmon saw a packet: group and number, appearance, direction, component, reason of a drop.
pub(crate) fn seen(
    packet: (u64, u16),
    appearance: u16,
    way: u16,
    component: u16,
    drop: u32,
    bytes: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let mut data = packet.0.to_le_bytes().to_vec();
    for field in [packet.1, appearance, way, 1, component, 1, 0] {
        data.extend(field.to_le_bytes());
    }
    data.extend(drop.to_le_bytes());
    data.extend([0; 4]);
    data.extend(length.to_le_bytes());
    data.extend(length.to_le_bytes());
    data.extend(bytes);
    let id = if drop == 0 { 160 } else { 170 };
    event(PKTMON, id, 0x10, at(i64::try_from(packet.0).unwrap()), &data)
}

/// A packet that an adapter's driver saw, in parts if need be.
pub(crate) fn captured(adapter: u32, keyword: u64, second: i64, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    let fields = [adapter, adapter, length].map(u32::to_le_bytes).concat();
    event(NDIS, 1001, keyword, at(second), &[fields, bytes.to_vec()].concat())
}

/// A segment of TCP in clear as the filtering platform shows it, its addresses in the order of the wire or not.
pub(crate) fn above_ipsec(second: i64, packet: &[u8], is_in_order: bool) -> Vec<u8> {
    let mut addresses = [packet[26..30].to_vec(), packet[30..34].to_vec()];
    if !is_in_order {
        addresses.iter_mut().for_each(|address| address.reverse());
    }
    let segment = &packet[34..];
    let length = u16::try_from(segment.len()).unwrap().to_le_bytes();
    let data = [&addresses.concat()[..], &[6], &length, segment].concat();
    event(PEF, 60011, 1, at(second), &data)
}

/// A packet as the driver of remote access shows it.
pub(crate) fn remote_access(second: i64, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let data = [text(""), text("user"), length.to_vec(), bytes.to_vec()].concat();
    event(RAS, 5001, 1, at(second), &data)
}

/// A main mode failure of the filtering platform between two hosts: certificates are not reported.
pub(crate) fn main_mode_failure(second: i64, local: [u8; 4], peer: [u8; 4], error: u32) -> Vec<u8> {
    let address = |address: [u8; 4]| {
        let mut socket = vec![16, 0, 0, 0, 2, 0, 0x01, 0xf4];
        socket.extend(address);
        socket.resize(20, 0);
        socket
    };
    let sids = [&[0; 8][..], &text("")].concat();
    let numbers = [error, 1, 0, 0, 3, 0, 1].map(u32::to_le_bytes).concat();
    let head = [&[0; 8][..], &address(local), &address(peer), &[0; 4], &text("")].concat();
    let sid = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
    let names = [text(""), text(""), sids.clone(), sids].concat();
    let data = [head, sid.to_vec(), names, numbers, vec![0; 20], vec![0; 32]].concat();
    let mut record = event(WFP, 1005, 1, at(second), &data);
    record[42] = 1;
    record
}

const RAS: [u8; 16] = *b"\xf7\x21\x45\xd8\x35\x22\x37\x42\xa7\xc0\x14\xe3\xa9\x67\x62\x86";
const PEF: [u8; 16] = *b"\x14\x1b\x2d\xc2\x42\xc2\xde\x49\x9f\x17\x1d\x76\xb8\xb9\xc4\x58";
const WFP: [u8; 16] = *b"\x5b\x8c\x47\x0c\x51\x03\xb1\x41\x8c\x58\x4a\x67\x37\xda\x32\xe3";
