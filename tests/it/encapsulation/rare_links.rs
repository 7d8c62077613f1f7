//! Link types that are met seldom, by the documents of those who write them, and frames that a capture calls
//! by a wrong name.

use super::wrappings::{
    ADDRESSES, LABELS, SNAP, Wrapping, cisco_hdlc, ether_type, ethernet, frame, link, over_udp,
    ppp, tunnel,
};
use plainsight::capture::Linktype;

pub(crate) const RARE_LINKS: &[Wrapping] = &[
    // enc(4): family, SPI, flags.
    link("enc, little-endian", Linktype::ENC, |ip| {
        [&[if ip.is_ipv6 { 24 } else { 2 }, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0][..], &ip.bytes]
            .concat()
    }),
    link("enc, big-endian", Linktype::ENC, |ip| {
        [&[0, 0, 0, if ip.is_ipv6 { 24 } else { 2 }, 0, 0, 0, 9, 0, 0, 8, 0][..], &ip.bytes]
            .concat()
    }),
    // pflog(4): a length without the padding, family, action, reason, interface.
    link("pflog", Linktype::PFLOG, |ip| {
        let mut header = vec![61, if ip.is_ipv6 { 24 } else { 2 }, 0, 0];
        header.extend(b"em0");
        header.resize(64, 0);
        [&header, &ip.bytes[..]].concat()
    }),
    link("pktap", Linktype::PKTAP, |ip| pktap(1, &frame(ip))),
    link("pktap under a private number", Linktype::USER2, |ip| pktap(1, &frame(ip))),
    link("pktap of a tunnel's interface", Linktype::PKTAP, |ip| pktap(12, &ip.bytes)),
    // RFC 1201 §2.1 behind addresses and an offset.
    link("ARCNET", Linktype::ARCNET_LINUX, |ip| {
        let kind = if ip.is_ipv6 { 196 } else { 212 };
        [&[1, 2, 0, 0, kind, 0, 0, 7][..], &ip.bytes].concat()
    }),
    link("IPNET", Linktype::IPNET, |ip| {
        let mut header = vec![1, if ip.is_ipv6 { 26 } else { 2 }, 0, 0];
        header.extend(u32::try_from(ip.bytes.len()).unwrap().to_be_bytes());
        header.resize(24, 0);
        [&header, &ip.bytes[..]].concat()
    }),
    // RFC 4391 §6.
    link("IP over InfiniBand", Linktype::IPOIB, |ip| {
        [&ether_type(ip)[..], &[0, 0], &ip.bytes].concat()
    }),
    link("IP over InfiniBand behind a routing header", Linktype::IPOIB, |ip| {
        [&[0x60; 40][..], &ether_type(ip), &[0, 0], &ip.bytes].concat()
    }),
    link("Broadcom's tag", Linktype::DSA_TAG_BRCM, |ip| tagged(&[0x20, 0, 0, 1], &frame(ip))),
    link("Broadcom's tag in front", Linktype::DSA_TAG_BRCM_PREPEND, |ip| {
        [&[0x20, 0, 0, 1][..], &frame(ip)].concat()
    }),
    link("Marvell's tag", Linktype::DSA_TAG_DSA, |ip| tagged(&[0xc0, 0x18, 0, 1], &frame(ip))),
    link("Marvell's tag with an EtherType", Linktype::DSA_TAG_EDSA, |ip| {
        tagged(&[0xda, 0xda, 0, 0, 0xc0, 0x18, 0, 1], &frame(ip))
    }),
    link("Juniper, Ethernet", Linktype(178), |ip| juniper(0, &[&frame(ip)])),
    link("Juniper, Ethernet with extensions", Linktype(178), |ip| {
        juniper(0x81, &[&[0, 6, 1, 1, 9, 3, 1, 1], &frame(ip)])
    }),
    link("Juniper without a link layer", Linktype(178), |ip| {
        juniper(2, &[&[if ip.is_ipv6 { 6 } else { 2 }, 0, 0, 0], &ip.bytes])
    }),
    link("Juniper, PPP", Linktype(179), |ip| juniper(0, &[&ppp(ip)])),
    link("Juniper, Frame Relay", Linktype(180), |ip| {
        juniper(0, &[&[0x18, 0x41, 3, if ip.is_ipv6 { 0x8e } else { 0xcc }], &ip.bytes])
    }),
    link("Juniper, Cisco HDLC", Linktype(181), |ip| juniper(0, &[&cisco_hdlc(ip)])),
    link("Juniper, multilink PPP behind a cookie", Linktype(130), |ip| {
        juniper(0, &[&[0x54, 0, 0, 7], &ppp(ip)])
    }),
    link("Juniper, ATM with SNAP behind a cookie", Linktype(135), |ip| {
        juniper(1, &[&[0, 0, 0, 1, 0, 0, 0, 0], &SNAP, &ether_type(ip), &ip.bytes])
    }),
    link("Juniper, services", Linktype(136), |ip| juniper(1, &[&[0x40; 16], &ip.bytes])),
    link("Cisco HDLC under the number of PPP", Linktype::PPP, cisco_hdlc),
    link("VN-Tag", Linktype::ETHERNET, |ip| {
        ethernet([0x89, 0x26], &[&[0, 1, 0, 2], &ether_type(ip), &ip.bytes])
    }),
    link("FabricPath", Linktype::ETHERNET, |ip| ethernet([0x89, 0x03], &[&[0, 0x60], &frame(ip)])),
    // IEEE 802.1ah §9.7, behind a B-TAG.
    link("provider backbone", Linktype::ETHERNET, |ip| {
        ethernet([0x88, 0xa8], &[&[0, 5, 0x88, 0xe7], &[0, 0, 0, 9], &frame(ip)])
    }),
    link("raw IP that is called Ethernet", Linktype::ETHERNET, |ip| ip.bytes.clone()),
    link("802.11 that is called Ethernet", Linktype::ETHERNET, |ip| {
        [&[0x08, 0x01, 0, 0][..], &ADDRESSES, &[0x10, 0], &SNAP, &ether_type(ip), &ip.bytes]
            .concat()
    }),
    link("MPLS behind VN-Tag", Linktype::ETHERNET, |ip| {
        ethernet([0x89, 0x26], &[&[0, 1, 0, 2], &[0x88, 0x47], &LABELS, &ip.bytes])
    }),
    // Version 1, a received packet, Ethernet; a field of one byte, padding, the end.
    tunnel("TZSP", |ip| over_udp(37_008, &[&[1, 0, 0, 1], &[10, 1, 0xd3, 0, 1], &frame(ip)])),
    tunnel("TZSP with 802.11", |ip| {
        let header = [&[0x08, 0x01, 0, 0][..], &ADDRESSES, &[0x10, 0]].concat();
        over_udp(37_008, &[&[1, 0, 0, 18, 1], &header, &SNAP, &ether_type(ip), &ip.bytes])
    }),
];

fn pktap(linktype: u32, frame: &[u8]) -> Vec<u8> {
    let mut header = [108, 1, linktype].map(u32::to_le_bytes).concat();
    header.resize(108, 0);
    [&header, frame].concat()
}

fn tagged(tag: &[u8], frame: &[u8]) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(12);
    [addresses, tag, rest].concat()
}

fn juniper(flags: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[b'M', b'G', b'C', flags][..], &parts.concat()].concat()
}
