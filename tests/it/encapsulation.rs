//! Whatever a frame wraps a packet in, the packet inside has its class and its pair.
//!
//! Headers are written out here byte by byte, by the documents named beside them; `wrappings`
//! holds one row for each.

mod rare_links;
mod wrappings;

use etherparse::{IpNumber, PacketBuilder};
use plainsight::capture::{Linktype, RawFrame, SeenAt};
use plainsight::evidence::FrameNumber;
use plainsight::hosts::HostPair;
use plainsight::packet::{Packet, StopReason, decode};
use plainsight::protection::{NamedPorts, ProtectionClass, classify};
use plainsight::time::Timestamp;
use proptest::prelude::*;
use rare_links::RARE_LINKS;
use wrappings::{Inner, WRAPPINGS, Wrapping};

/// What a frame was judged to be: its class, and its pair if it has one.
type Judged = (ProtectionClass, Option<HostPair>);

fn frame(linktype: Linktype, data: &[u8], original_len: usize) -> RawFrame<'_> {
    RawFrame {
        number: FrameNumber(1),
        time: Timestamp(0),
        linktype,
        original_len: u32::try_from(original_len).unwrap(),
        interface: 0,
        description: 0,
        offset: 0,
        seen_at: SeenAt::Wire,
        data,
    }
}

fn judge(linktype: Linktype, data: &[u8]) -> Judged {
    match decode(&frame(linktype, data, data.len())) {
        Packet::Ip(ip) => (classify(&ip, &NamedPorts::default()).class(), Some(ip.pair)),
        Packet::Arp => (ProtectionClass::Exempt, None),
        Packet::NonIp(_) => (ProtectionClass::NonIp, None),
        Packet::Undecodable(_) => (ProtectionClass::Undecodable, None),
    }
}

fn stop_reason(linktype: Linktype, data: &[u8]) -> Option<StopReason> {
    match decode(&frame(linktype, data, data.len())) {
        Packet::Undecodable(stop) => Some(stop.reason),
        Packet::Ip(_) | Packet::Arp | Packet::NonIp(_) => None,
    }
}

fn pair(a: &str, b: &str) -> Option<HostPair> {
    Some(HostPair::new(a.parse().unwrap(), b.parse().unwrap()))
}

/// An IKE_SA_INIT request of a header and no payload (RFC 7296 §3.1).
fn ike() -> Vec<u8> {
    let mut message = vec![1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend([0, 0x20, 34, 0x08, 0, 0, 0, 0, 0, 0, 0, 28]);
    message
}

const ESP: [u8; 24] = [0xc3, 1, 2, 3, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];
const AH: [u8; 24] = [59, 4, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];

/// One packet of each class between the same two hosts, of IPv4 or of IPv6.
fn packets(is_ipv6: bool) -> Vec<(ProtectionClass, Inner)> {
    let ip = || {
        if is_ipv6 {
            let host = |last| [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
            PacketBuilder::ipv6(host(1), host(2), 64)
        } else {
            PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        }
    };
    let mut packets = Vec::new();
    for (class, number, body) in [(ProtectionClass::Esp, 50, ESP), (ProtectionClass::Ah, 51, AH)] {
        let mut bytes = Vec::new();
        ip().write(&mut bytes, IpNumber(number), &body).unwrap();
        packets.push((class, Inner { bytes, is_ipv6 }));
    }
    let mut bytes = Vec::new();
    ip().udp(500, 500).write(&mut bytes, &ike()).unwrap();
    packets.push((ProtectionClass::Ike, Inner { bytes, is_ipv6 }));
    let mut bytes = Vec::new();
    ip().tcp(40_000, 445, 1, 1024).write(&mut bytes, b"clear text").unwrap();
    packets.push((ProtectionClass::Clear, Inner { bytes, is_ipv6 }));
    packets
}

fn inner_pair(is_ipv6: bool) -> Option<HostPair> {
    if is_ipv6 { pair("fd00::1", "fd00::2") } else { pair("10.0.0.1", "10.0.0.2") }
}

/// Every wrapping around every packet that it can carry.
fn for_each_wrapped(mut visit: impl FnMut(&Wrapping, ProtectionClass, &Inner, Vec<u8>)) {
    for wrapping in WRAPPINGS.iter().chain(RARE_LINKS) {
        for is_ipv6 in [false, true] {
            if is_ipv6 || !wrapping.only_ipv6 {
                for (class, inner) in packets(is_ipv6) {
                    visit(wrapping, class, &inner, (wrapping.wrap)(&inner));
                }
            }
        }
    }
}

#[test]
fn every_packet_has_its_class_and_pair_in_every_wrapping() {
    for_each_wrapped(|wrapping, class, inner, data| {
        let judged = judge(wrapping.linktype, &data);
        assert_eq!(judged, (class, inner_pair(inner.is_ipv6)), "{}", wrapping.name);
    });
}

#[test]
fn what_is_cut_is_never_taken_for_more_than_it_shows() {
    for_each_wrapped(|wrapping, class, inner, data| {
        let begin = data.len() - wrapping.trailer_len - inner.bytes.len();
        let ip_len = if inner.is_ipv6 { 40 } else { 20 };
        // Of UDP the ports must be there, and of IKE's header what comes before its flags.
        let decisive = begin + ip_len + if class == ProtectionClass::Ike { 8 + 18 } else { 0 };
        for cut in 0..data.len() {
            let (reported, pair) = judge(wrapping.linktype, &data[..cut]);
            let is_inner = pair == inner_pair(inner.is_ipv6);
            let name = wrapping.name;
            match reported {
                ProtectionClass::Undecodable | ProtectionClass::NonIp => {}
                // The outer datagram, or the packet inside as far as it shows.
                ProtectionClass::Clear if !is_inner => assert!(wrapping.is_tunnel, "{name}: {cut}"),
                ProtectionClass::Clear if class == ProtectionClass::Ike => {
                    assert!(begin + ip_len < cut && cut < decisive, "{name}: {cut}");
                }
                _ => {
                    assert!(is_inner && cut >= decisive, "{name}: {reported:?} at {cut}");
                    assert_eq!(reported, class, "{name}: {cut}");
                }
            }
        }
    });
}

#[test]
fn what_a_link_encrypts_is_named() {
    let (_, inner) = packets(false).remove(3);
    let encrypted = |name: &str, at: usize, bits: u8| {
        let wrapping = WRAPPINGS.iter().find(|w| w.name == name).unwrap();
        let mut data = (wrapping.wrap)(&inner);
        data[at] |= bits;
        stop_reason(wrapping.linktype, &data)
    };
    // IEEE 802.1AE §9.5: E and C; IEEE 802.11 §9.2.4.1.9: protected frame.
    assert_eq!(encrypted("MACsec", 14, 0x0c), Some(StopReason::Macsec));
    assert_eq!(encrypted("MACsec", 14, 0x04), Some(StopReason::Macsec));
    assert_eq!(encrypted("802.11", 1, 0x40), Some(StopReason::EncryptedLink));
    // enc(4): the kernel marks what is encrypted on the wire, in its own byte order.
    let wrapping = RARE_LINKS.iter().find(|w| w.name == "enc, little-endian").unwrap();
    let mut shown = (wrapping.wrap)(&inner);
    shown[9] = 4;
    assert_eq!(stop_reason(wrapping.linktype, &shown), Some(StopReason::InsideIpsec));
    // RFC 1968: PPP's encrypted datagrams.
    assert_eq!(stop_reason(Linktype::PPP, &[0xff, 3, 0, 0x53]), Some(StopReason::EncryptedLink));
}

/// A datagram whose header does not fit is its own, whatever the port says.
#[test]
fn a_port_alone_makes_no_tunnel() {
    let outer = (ProtectionClass::Clear, pair("192.0.2.1", "192.0.2.2"));
    // Name, the byte behind IP and UDP or IP alone that is changed, and to what.
    for (name, at, to) in [
        ("GRE with key", 20, 0x60),
        ("PPTP", 21, 0x09),
        ("ERSPAN II", 28, 0x30),
        ("VXLAN", 29, 1),
        ("VXLAN-GPE, IPv4 or IPv6", 28, 0x3c),
        ("VXLAN-GPE, IPv4 or IPv6", 31, 9),
        ("Geneve", 28, 0x41),
        ("Geneve", 29, 0x80),
        ("Geneve", 39, 9),
        ("GUE 0", 28, 0x20),
        ("GUE 0", 29, 6),
        ("GUE 1", 28, 0x80),
        ("GTP-U", 28, 0x2c),
        ("GTP-U", 29, 1),
        ("GTP-U", 31, 0),
        ("L2TPv2", 28, 0xc0),
        ("L2TPv2", 29, 1),
        ("L2TPv2", 31, 0xff),
        ("L2TPv3 over IP", 23, 0),
    ] {
        let wrapping = WRAPPINGS.iter().find(|w| w.name == name).unwrap();
        for (_, inner) in packets(false) {
            let mut data = (wrapping.wrap)(&inner);
            data[at] = to;
            assert_eq!(judge(wrapping.linktype, &data), outer, "{name}: byte {at}");
        }
    }
    // RFC 4380 §5.2.1: IPv6 and nothing else.
    let teredo = WRAPPINGS.iter().find(|w| w.name == "Teredo").unwrap();
    let data = (teredo.wrap)(&packets(false).remove(0).1);
    assert_eq!(judge(teredo.linktype, &data), outer);
}

/// RFC 3948 §2: address translation may give a peer any port.
#[test]
fn a_tunnels_port_beside_ike_s_is_address_translation() {
    for port in [1701, 2152, 3544, 4789, 6080, 6081] {
        let mut data = Vec::new();
        let udp = PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64).udp(4500, port);
        udp.write(&mut data, &ESP).unwrap();
        let esp = (ProtectionClass::Esp, pair("192.0.2.1", "192.0.2.2"));
        assert_eq!(judge(Linktype::RAW, &data), esp, "{port}");
    }
}

/// A frame has one class; where its packets differ it has none.
#[test]
fn an_aggregate_of_several_flows_is_undecodable() {
    let [esp, _, _, clear] = <[_; 4]>::try_from(packets(false)).unwrap().map(|(_, inner)| inner);
    let one = wrappings::aggregate(&[&clear, &clear]);
    let clear_pair = (ProtectionClass::Clear, inner_pair(false));
    assert_eq!(judge(Linktype::IEEE802_11, &one), clear_pair);
    for frames in [[&esp, &clear], [&clear, &esp]] {
        let mixed = wrappings::aggregate(&frames);
        let reported = stop_reason(Linktype::IEEE802_11, &mixed);
        assert_eq!(reported, Some(StopReason::MixedAggregate));
    }
}

/// What makes no sense as Ethernet is something else only where its own header proves it.
#[test]
fn a_wrong_name_of_the_link_is_seen_by_proof_alone() {
    let (_, inner) = packets(false).remove(3);
    let is_mislabelled = |data: &[u8]| match decode(&frame(Linktype::ETHERNET, data, data.len())) {
        Packet::Ip(ip) => Some(ip.mislabelled),
        Packet::Arp | Packet::NonIp(_) | Packet::Undecodable(_) => None,
    };
    assert_eq!(is_mislabelled(&inner.bytes), Some(true));
    let framed = [&[2; 12][..], &[8, 0], &inner.bytes].concat();
    assert_eq!(is_mislabelled(&framed), Some(false));
    // A length that does not fit and a checksum that does not hold.
    let mut longer = [&inner.bytes[..], &[0; 6]].concat();
    assert_eq!(is_mislabelled(&longer), Some(true), "padding behind a header that holds");
    longer[10] ^= 1;
    assert_eq!(is_mislabelled(&longer), None);
}

/// Layers that can hold each other end somewhere, on a stack of any size.
#[test]
fn nesting_without_end_is_too_deep() {
    // IEEE 802.1AE tags that only authenticate, each with the EtherType of the next.
    let tag = [0x88, 0xe5, 0, 0, 0, 0, 0, 1];
    let frame = [&[2; 12][..], &tag.repeat(30_000)].concat();
    assert_eq!(stop_reason(Linktype::ETHERNET, &frame), Some(StopReason::TunnelTooDeep));
    let bridged = [0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7];
    let one = [&[2; 12][..], &[5, 0xdc], &bridged].concat();
    let reported = stop_reason(Linktype::ETHERNET, &one.repeat(60));
    assert_eq!(reported, Some(StopReason::TunnelTooDeep));
}

proptest! {
    #[test]
    fn damage_in_any_wrapping_makes_no_panic(
        wrapping in 0..WRAPPINGS.len() + RARE_LINKS.len(),
        packet in 0..4usize,
        damage in proptest::collection::vec((0..200usize, any::<u8>()), 0..6),
        cut in 0..200usize,
    ) {
        let wrapping = WRAPPINGS.iter().chain(RARE_LINKS).nth(wrapping).unwrap();
        let (_, inner) = packets(wrapping.only_ipv6).remove(packet);
        let mut data = (wrapping.wrap)(&inner);
        for (at, byte) in damage {
            let length = data.len();
            data[at % length] = byte;
        }
        data.truncate(data.len().saturating_sub(cut % 64));
        if let Packet::Undecodable(stop) = decode(&frame(wrapping.linktype, &data, data.len())) {
            prop_assert!(stop.offset <= data.len());
        }
    }

    #[test]
    fn any_bytes_under_every_link_type_make_no_panic(
        linktype in 0u16..300,
        data in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = judge(Linktype(linktype), &data);
    }
}
