//! One row for each thing that can be between a frame's first byte and its packet.
//!
//! Frames as they are on a wire, but without checksums of the tunnels' own.

use etherparse::{IpNumber, PacketBuilder};
use plainsight::capture::Linktype;

/// The packet that decides.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_ipv6: bool,
}

/// A way to wrap a packet.
pub(crate) struct Wrapping {
    pub(crate) name: &'static str,
    pub(crate) linktype: Linktype,
    pub(crate) wrap: fn(&Inner) -> Vec<u8>,
    /// There is an outer packet, from 192.0.2.1 to 192.0.2.2.
    pub(crate) is_tunnel: bool,
    pub(crate) only_ipv6: bool,
    /// Bytes behind the packet inside.
    pub(crate) trailer_len: usize,
}

pub(super) const fn link(
    name: &'static str,
    linktype: Linktype,
    wrap: fn(&Inner) -> Vec<u8>,
) -> Wrapping {
    Wrapping { name, linktype, wrap, is_tunnel: false, only_ipv6: false, trailer_len: 0 }
}

pub(super) const fn tunnel(name: &'static str, wrap: fn(&Inner) -> Vec<u8>) -> Wrapping {
    Wrapping { is_tunnel: true, ..link(name, Linktype::RAW, wrap) }
}

pub(crate) const WRAPPINGS: &[Wrapping] = &[
    link("SNAP", Linktype::ETHERNET, |ip| {
        let llc = [&SNAP[..], &ether_type(ip), &ip.bytes].concat();
        [&MACS[..], &length(&llc), &llc].concat()
    }),
    link("SNAP behind a VLAN tag", Linktype::ETHERNET, |ip| {
        let llc = [&SNAP[..], &ether_type(ip), &ip.bytes].concat();
        [&MACS[..], &[0x81, 0, 0, 5], &length(&llc), &llc].concat()
    }),
    // RFC 3032 §2.1: two labels, the second at the bottom of the stack.
    link("MPLS", Linktype::ETHERNET, |ip| ethernet([0x88, 0x47], &[&LABELS, &ip.bytes])),
    // RFC 4448 §4.6: with a control word.
    link("MPLS pseudowire with control word", Linktype::ETHERNET, |ip| {
        ethernet([0x88, 0x47], &[&LABELS, &[0; 4], &frame(ip)])
    }),
    link("MPLS pseudowire", Linktype::ETHERNET, |ip| {
        ethernet([0x88, 0x47], &[&LABELS, &frame(ip)])
    }),
    link("PPPoE", Linktype::ETHERNET, |ip| ethernet([0x88, 0x64], &[&pppoe(ip)])),
    link("PPPoE from its header on", Linktype::PPP_ETHER, pppoe),
    link("PPP", Linktype::PPP, |ip| [&ppp_type(ip)[..], &ip.bytes].concat()),
    link("PPP, compressed protocol", Linktype::PPP, |ip| [&ppp_type(ip)[1..], &ip.bytes].concat()),
    link("PPP in HDLC framing", Linktype::PPP_HDLC, ppp),
    link("PPP in HDLC framing, either", Linktype::PPP, ppp),
    link("Cisco HDLC", Linktype::C_HDLC, cisco_hdlc),
    link("Cisco HDLC under PPP's type", Linktype::PPP_HDLC, cisco_hdlc),
    link("802.11", Linktype::IEEE802_11, |ip| {
        [&[0x08, 0x01, 0, 0][..], &ADDRESSES, &[0x10, 0], &SNAP, &ether_type(ip), &ip.bytes]
            .concat()
    }),
    link("802.11 QoS with four addresses", Linktype::IEEE802_11, |ip| {
        let header = [&[0x88, 0x03, 0, 0][..], &ADDRESSES, &[0x10, 0], &[2; 6], &[0, 0]].concat();
        [&header, &SNAP[..], &ether_type(ip), &ip.bytes].concat()
    }),
    // radiotap.org: time and flags present; the flags say padding to words.
    link("radiotap", Linktype::IEEE802_11_RADIOTAP, |ip| {
        let radiotap = [0, 0, 17, 0, 3, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0x20];
        let header = [&[0x88, 0x02, 0, 0][..], &ADDRESSES, &[0x10, 0, 0, 0], &[0, 0]].concat();
        [&radiotap[..], &header, &SNAP, &ether_type(ip), &ip.bytes].concat()
    }),
    link("802.11 A-MSDU", Linktype::IEEE802_11, |ip| aggregate(&[ip])),
    link("NFLOG, little-endian", Linktype::NFLOG, |ip| nflog(ip, u16::to_le_bytes)),
    link("NFLOG, big-endian", Linktype::NFLOG, |ip| nflog(ip, u16::to_be_bytes)),
    // RFC 2427 §3: an address of two bytes, UI, the identifier of the protocol.
    link("Frame Relay", Linktype::FRELAY, |ip| {
        let kind = if ip.is_ipv6 { 0x8e } else { 0xcc };
        [&[0x18, 0x41, 3, kind][..], &ip.bytes].concat()
    }),
    link("Frame Relay with SNAP", Linktype::FRELAY, |ip| {
        [&[0x18, 0x41, 3, 0, 0x80, 0, 0, 0][..], &ether_type(ip), &ip.bytes].concat()
    }),
    link("Frame Relay, Cisco's", Linktype::FRELAY, |ip| {
        [&[0x18, 0x41][..], &ether_type(ip), &ip.bytes].concat()
    }),
    // IEEE 802.1AE §9.3: authenticated only, with the channel reported; 16 bytes of check value.
    Wrapping {
        trailer_len: 16,
        ..link("MACsec", Linktype::ETHERNET, |ip| {
            let tag = [0x20, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 0, 1];
            ethernet([0x88, 0xe5], &[&tag, &ether_type(ip), &ip.bytes, &[7; 16]])
        })
    },
    tunnel("GRE with key", |ip| over_ip(47, &[&[0x20, 0], &ether_type(ip), &KEY, &ip.bytes])),
    tunnel("GRE with key and sequence", |ip| {
        over_ip(47, &[&[0x30, 0], &ether_type(ip), &KEY, &KEY, &ip.bytes])
    }),
    // RFC 7637 §3.2.
    tunnel("NVGRE", |ip| over_ip(47, &[&[0x20, 0, 0x65, 0x58], &KEY, &frame(ip)])),
    tunnel("ERSPAN I", |ip| over_ip(47, &[&[0, 0, 0x88, 0xbe], &frame(ip)])),
    // draft-foschiano-erspan §4.2.
    tunnel("ERSPAN II", |ip| {
        over_ip(47, &[&[0x10, 0, 0x88, 0xbe], &KEY, &[0x10, 1, 0, 1, 0, 0, 0, 0], &frame(ip)])
    }),
    // §4.3: without and with a subheader.
    tunnel("ERSPAN III", |ip| {
        let header = [0x20, 1, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0];
        over_ip(47, &[&[0x10, 0, 0x22, 0xeb], &KEY, &header, &frame(ip)])
    }),
    tunnel("ERSPAN III with a subheader", |ip| {
        let header = [0x20, 1, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1];
        over_ip(
            47,
            &[&[0x10, 0, 0x22, 0xeb], &KEY, &header, &[0x0c, 0, 0, 0, 0, 0, 0, 0], &frame(ip)],
        )
    }),
    // RFC 2637 §4.1: key and sequence number present, version 1.
    tunnel("PPTP", |ip| {
        let ppp = ppp(ip);
        over_ip(47, &[&[0x30, 1, 0x88, 0x0b], &length(&ppp), &[0, 7], &[0, 0, 0, 1], &ppp])
    }),
    tunnel("PPTP that acknowledges", |ip| {
        let ppp = ppp(ip);
        over_ip(47, &[&[0x30, 0x81, 0x88, 0x0b], &length(&ppp), &[0, 7], &KEY, &KEY, &ppp])
    }),
    tunnel("IP in IP", |ip| over_ip(if ip.is_ipv6 { 41 } else { 4 }, &[&ip.bytes])),
    tunnel("VXLAN", |ip| over_udp(4789, &[&[8, 0, 0, 0, 0, 0, 1, 0], &frame(ip)])),
    tunnel("VXLAN on Linux's port", |ip| over_udp(8472, &[&[8, 0, 0, 0, 0, 0, 1, 0], &frame(ip)])),
    tunnel("VXLAN-GPE, IPv4 or IPv6", |ip| {
        let next = if ip.is_ipv6 { 2 } else { 1 };
        over_udp(4790, &[&[0x0c, 0, 0, next, 0, 0, 1, 0], &ip.bytes])
    }),
    tunnel("VXLAN-GPE, Ethernet", |ip| over_udp(4790, &[&[0x0c, 0, 0, 3, 0, 0, 1, 0], &frame(ip)])),
    // RFC 8926 §3.4: an option of one word beside its header.
    tunnel("Geneve", |ip| {
        let options = [1, 2, 3, 1, 0, 0, 0, 0];
        over_udp(6081, &[&[2, 0, 0x65, 0x58, 0, 0, 1, 0], &options, &frame(ip)])
    }),
    tunnel("Geneve without Ethernet", |ip| {
        over_udp(6081, &[&[0, 0], &ether_type(ip), &[0, 0, 1, 0], &ip.bytes])
    }),
    tunnel("GUE 0", |ip| {
        over_udp(6080, &[&[1, if ip.is_ipv6 { 41 } else { 4 }, 0, 0, 0, 0, 0, 0], &ip.bytes])
    }),
    tunnel("GUE 1", |ip| over_udp(6080, &[&ip.bytes])),
    // 3GPP TS 29.281 §5.1, with the extension that 5G adds (a PDU session container).
    tunnel("GTP-U", |ip| {
        let rest = [&[0, 0, 0, 0x85][..], &[1, 0x10, 9, 0], &ip.bytes].concat();
        over_udp(2152, &[&[0x34, 0xff], &length(&rest), &KEY, &rest])
    }),
    tunnel("GTP-U without options", |ip| {
        over_udp(2152, &[&[0x30, 0xff], &length(&ip.bytes), &KEY, &ip.bytes])
    }),
    // RFC 2661 §3.1: with a length and sequence numbers.
    tunnel("L2TPv2", |ip| {
        let rest = [&[0, 5, 0, 6, 0, 1, 0, 1][..], &ppp(ip)].concat();
        let total = u16::try_from(rest.len() + 4).unwrap().to_be_bytes();
        over_udp(1701, &[&[0x48, 0x02], &total, &rest])
    }),
    tunnel("L2TPv2 without options", |ip| over_udp(1701, &[&[0, 2, 0, 5, 0, 6], &ppp(ip)])),
    // RFC 3931 §4.1.1: a session and a cookie of four bytes; §4.6.1: the sublayer.
    tunnel("L2TPv3 over IP", |ip| {
        over_ip(115, &[&[0, 0, 0, 9], &[0xc0; 4], &[0x40, 0, 0, 1], &frame(ip)])
    }),
    tunnel("L2TPv3 over UDP", |ip| over_udp(1701, &[&[0, 3, 0, 0], &[0, 0, 0, 9], &frame(ip)])),
    Wrapping { only_ipv6: true, ..tunnel("Teredo", |ip| over_udp(3544, &[&ip.bytes])) },
    // RFC 4380 §5.1.1.
    Wrapping {
        only_ipv6: true,
        ..tunnel("Teredo with its indications", |ip| {
            let authentication = [0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0];
            over_udp(3544, &[&authentication, &[0, 0, 0xaa, 0xaa, 1, 2, 3, 4], &ip.bytes])
        })
    },
];

/// An A-MSDU of several packets (IEEE 802.11 §9.3.2.2).
pub(crate) fn aggregate(packets: &[&Inner]) -> Vec<u8> {
    let mut data = [&[0x88, 0x01, 0, 0][..], &ADDRESSES, &[0x10, 0], &[0x80, 0]].concat();
    let begin = data.len();
    for ip in packets {
        data.resize(begin + (data.len() - begin).next_multiple_of(4), 0);
        let llc = [&SNAP[..], &ether_type(ip), &ip.bytes].concat();
        data.extend([&MACS[..], &length(&llc), &llc].concat());
    }
    data
}

pub(super) fn ether_type(ip: &Inner) -> [u8; 2] {
    if ip.is_ipv6 { [0x86, 0xdd] } else { [8, 0] }
}

fn ppp_type(ip: &Inner) -> [u8; 2] {
    if ip.is_ipv6 { [0, 0x57] } else { [0, 0x21] }
}

pub(super) fn ppp(ip: &Inner) -> Vec<u8> {
    [&[0xff, 3][..], &ppp_type(ip), &ip.bytes].concat()
}

/// RFC 2516 §4.
fn pppoe(ip: &Inner) -> Vec<u8> {
    let ppp = [&ppp_type(ip)[..], &ip.bytes].concat();
    [&[0x11, 0, 0, 1][..], &length(&ppp), &ppp].concat()
}

pub(super) fn cisco_hdlc(ip: &Inner) -> Vec<u8> {
    [&[0x0f, 0][..], &ether_type(ip), &ip.bytes].concat()
}

/// A packet header of eight bytes with its attribute, a prefix padded to words, the payload.
fn nflog(ip: &Inner, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let payload_len = order(u16::try_from(ip.bytes.len() + 4).unwrap());
    let mut data = vec![if ip.is_ipv6 { 10 } else { 2 }, 0, 0, 5];
    data.extend([order(8), order(1), [8, 0], [3, 0], order(5), order(10), [0, 0], [0, 0]].concat());
    data.extend([payload_len, order(9)].concat());
    data.extend(&ip.bytes);
    data
}

pub(super) fn frame(ip: &Inner) -> Vec<u8> {
    ethernet(ether_type(ip), &[&ip.bytes])
}

pub(super) fn ethernet(kind: [u8; 2], parts: &[&[u8]]) -> Vec<u8> {
    [&MACS[..], &kind, &parts.concat()].concat()
}

fn over_ip(protocol: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut data = Vec::new();
    let ip = PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
    ip.write(&mut data, IpNumber(protocol), &parts.concat()).unwrap();
    data
}

pub(super) fn over_udp(port: u16, parts: &[&[u8]]) -> Vec<u8> {
    let mut data = Vec::new();
    let ip = PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
    ip.udp(50_000, port).write(&mut data, &parts.concat()).unwrap();
    data
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap().to_be_bytes()
}

/// Addresses of cards whose makers' numbers begin with zero, as many do.
const MACS: [u8; 12] = [0, 0x15, 0x5d, 1, 2, 3, 0, 0x15, 0x5d, 4, 5, 6];
pub(super) const ADDRESSES: [u8; 18] = [2; 18];
pub(super) const SNAP: [u8; 6] = [0xaa, 0xaa, 3, 0, 0, 0];
pub(super) const LABELS: [u8; 8] = [0, 1, 0, 64, 0, 2, 1, 64];
const KEY: [u8; 4] = [0, 0, 0x12, 0x34];
