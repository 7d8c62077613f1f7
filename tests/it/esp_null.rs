//! ESP with NULL encryption is found under every layout that is in use, and never where there is
//! none.

use crate::support::numbers::Numbers;
use etherparse::PacketBuilder;
use plainsight::protection::esp_null::NullEvidence;
use std::net::IpAddr;

const VECTORS: [usize; 3] = [0, 8, 16];
const CHECK_VALUES: [usize; 6] = [0, 8, 12, 16, 24, 32];

fn hosts() -> (IpAddr, IpAddr) {
    ([10, 0, 0, 1].into(), [10, 0, 0, 2].into())
}

/// ESP around a content, as RFC 4303 §2 lays it out.
fn esp(content: &[u8], next_header: u8, vector: usize, check: usize, any: &mut Numbers) -> Vec<u8> {
    let mut esp = vec![0, 0, 16, 1, 0, 0, 0, 1];
    esp.extend(any.bytes(vector));
    esp.extend(content);
    let padding = u8::try_from((4 - (content.len() + 2) % 4) % 4).unwrap();
    esp.extend(1..=padding);
    esp.extend([padding, next_header]);
    esp.extend(any.bytes(check));
    esp
}

/// What is inside, by mode and kind: next header and content.
fn contents(data: &[u8]) -> Vec<(&'static str, u8, Vec<u8>)> {
    let whole = |builder: etherparse::PacketBuilderStep<etherparse::UdpHeader>| {
        let mut packet = Vec::new();
        builder.write(&mut packet, data).unwrap();
        packet
    };
    let v4 = || PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
    let inner_v4 = || PacketBuilder::ipv4([192, 168, 1, 5], [192, 168, 2, 6], 64);
    let inner_v6 = PacketBuilder::ipv6([1; 16], [2; 16], 64);
    let mut tcp = Vec::new();
    v4().tcp(40_000, 445, 7, 1000).write(&mut tcp, data).unwrap();
    let mut icmp = Vec::new();
    v4().icmpv4_echo_request(1, 2).write(&mut icmp, data).unwrap();
    vec![
        ("UDP in transport mode", 17, whole(v4().udp(53, 53)).split_off(20)),
        ("TCP in transport mode", 6, tcp.split_off(20)),
        ("ICMP in transport mode", 1, icmp.split_off(20)),
        ("IPv4 in tunnel mode", 4, whole(inner_v4().udp(53, 53))),
        ("IPv6 in tunnel mode", 41, whole(inner_v6.udp(53, 53))),
    ]
}

#[test]
fn every_vector_check_value_and_mode_is_found() {
    let (source, destination) = hosts();
    let mut any = Numbers(0x9e37_79b9_7f4a_7c15);
    for vector in VECTORS {
        for check in CHECK_VALUES {
            for kind in 0..contents(&[]).len() {
                let mut evidence = NullEvidence::default();
                let mut name = "";
                for size in [9, 40, 300] {
                    let data = any.bytes(size);
                    let (reported, next_header, content) = contents(&data).swap_remove(kind);
                    name = reported;
                    let packet = esp(&content, next_header, vector, check, &mut any);
                    evidence.observe(&packet, source, destination);
                }
                assert!(evidence.is_null(), "{name}, vector {vector}, check value {check}");
            }
        }
    }
}

#[test]
fn no_encrypted_spi_of_a_hundred_thousand_is_taken_for_readable() {
    let (source, destination) = hosts();
    let mut any = Numbers(0x2545_f491_4f6c_dd1d);
    for spi in 0..100_000 {
        let mut evidence = NullEvidence::default();
        for _ in 0..20 {
            let size = 24 + any.below(200);
            evidence.observe(&any.bytes(size), source, destination);
        }
        assert!(!evidence.is_null(), "SPI number {spi}");
    }
}
