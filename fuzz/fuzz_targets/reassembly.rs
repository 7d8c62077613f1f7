//! Any bytes as fragments of a few datagrams: put together, given up, and never held without end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::hosts::HostPair;
use plainsight::packet::reassembly::{MAX_HELD, Reassembly};
use plainsight::packet::{Fragment, IpPacket, Ports, protocol};
use plainsight::time::{Span, Timestamp};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::OnceLock;

fuzz_target!(|data: &[u8]| {
    let mut reassembly = Reassembly::default();
    let (mut time, mut given, mut wanted_firsts) = (Timestamp(0), 0, 0);
    // Every byte shows its place in the datagram, so that a whole one shows whether it is right.
    let bytes = OCTETS.get_or_init(|| (0..=u32::from(u16::MAX)).map(of_place).collect());
    for (number, line) in data.chunks_exact(8).enumerate() {
        let &[name, kind, place, place_low, length, length_low, captured, seconds] = line else {
            continue;
        };
        let fragment = Fragment {
            identification: u32::from(name),
            offset: u16::from_be_bytes([place, place_low]) % (1 << 13),
            more: kind & 1 == 0,
        };
        let header = if fragment.offset == 0 { 8 } else { 0 };
        let start = usize::from(fragment.offset) * 8 + header;
        // Offsets reach the end of the largest datagram; pieces of 8 KiB are large enough.
        let wire = usize::from(u16::from_be_bytes([length, length_low])) % 8192;
        let there = bytes.get(start..).unwrap_or_default();
        let there = there.get(..wire).unwrap_or(there);
        // A forged fragment disagrees with all others about what is there.
        let forged: Vec<u8> = there.iter().map(|byte| !byte).collect();
        let payload = if kind & 2 == 0 { there } else { &forged };
        let payload =
            if kind & 4 == 0 { payload } else { &payload[..payload.len().min(captured.into())] };
        let packet = packet(fragment, payload, wire, header);
        time = time.shifted(Span::from_seconds(i64::from(seconds.cast_signed()) / 4));
        let wanted = (header > 0).then_some(kind & 8 == 0);
        wanted_firsts += usize::from(wanted == Some(true));
        if let Some(whole) = reassembly.observe(&packet, fragment, wanted, time, number) {
            assert!(whole.first <= number && whole.seen == number);
            assert_places(&whole.bytes);
            given += 1;
        }
        assert!(reassembly.held() <= MAX_HELD, "{} octets are held", reassembly.held());
        let has_given_up = reassembly.has_given_up();
        let parts = reassembly.take_given_up();
        assert_eq!(has_given_up, !parts.is_empty());
        parts.iter().for_each(|part| assert_places(&part.bytes));
        given += parts.len();
    }
    let parts = reassembly.finish();
    parts.iter().for_each(|part| assert_places(&part.bytes));
    given += parts.len();
    assert!(given <= wanted_firsts, "no first fragment comes back twice");
});

static OCTETS: OnceLock<Vec<u8>> = OnceLock::new();

fn of_place(place: u32) -> u8 {
    let [.., high, low] = place.to_be_bytes();
    (high.wrapping_mul(31) ^ low) & 0x7f
}

/// What comes back has every byte at its place; forged ones are the inverse of it.
fn assert_places(bytes: &[u8]) {
    // As a whole first: looking at each byte is slow where every comparison is traced.
    let right = OCTETS.get().and_then(|all| all.get(8..)?.get(..bytes.len()));
    if right == Some(bytes) {
        return;
    }
    for (place, &byte) in (8..).zip(bytes) {
        let right = of_place(place);
        assert!(byte == right || byte == !right, "octets follow on each other");
    }
}

fn packet(fragment: Fragment, payload: &[u8], wire: usize, header: usize) -> IpPacket<'_> {
    let [one, two] = [1, 2].map(|host| IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)));
    let (pair, direction) = HostPair::between(one, two);
    IpPacket {
        identification: 0,
        segment: &[],
        pair,
        direction,
        protocol: protocol::UDP,
        fragment: Some(fragment),
        ports: (header > 0).then_some(Ports { source: 500, destination: 500 }),
        payload,
        payload_len: wire,
        packet_len: 20 + header + wire,
        segment_len: header + wire,
        link_broadcast: false,
        nested: 0,
        hops: 64,
        mislabelled: false,
    }
}
