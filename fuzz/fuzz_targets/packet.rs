//! Any bytes as one frame of every link layer: decoded, classified and summed up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::capture::{Linktype, RawFrame, SeenAt};
use plainsight::evidence::FrameNumber;
use plainsight::packet::{Packet, decode};
use plainsight::protection::{NamedPorts, classify};
use plainsight::time::Timestamp;
use plainsight_fuzz::Account;

fuzz_target!(|data: &[u8]| {
    let Ok(original_len) = u32::try_from(data.len()) else { return };
    let named = NamedPorts::default();
    // One account for all: what looks like a fragment meets its first under another link layer.
    let mut account = Account::new(&named);
    for (number, linktype) in (1..).zip(LINKTYPES) {
        let frame = RawFrame {
            number: FrameNumber(number),
            time: Timestamp(0),
            linktype,
            original_len,
            interface: 0,
            description: 0,
            offset: 0,
            seen_at: SeenAt::Wire,
            data,
        };
        check(&frame, &named);
        account.frame(&frame);
    }
    account.balance();
});

/// No part of a frame is longer than the frame, and no place lies outside it.
fn check(frame: &RawFrame<'_>, named: &NamedPorts) {
    match decode(frame) {
        Packet::Ip(ip) => {
            let _ = classify(&ip, named);
            assert!(ip.payload.len() <= frame.data.len());
            assert!(ip.payload.len() <= ip.payload_len);
        }
        Packet::Undecodable(stop) => assert!(stop.offset <= frame.data.len()),
        Packet::Arp | Packet::NonIp(_) => {}
    }
}

const LINKTYPES: [Linktype; 36] = [
    Linktype::ETHERNET,
    Linktype::NULL,
    Linktype::LOOP,
    Linktype::RAW,
    Linktype::RAW_BSD,
    Linktype::RAW_OPENBSD,
    Linktype::IPV4,
    Linktype::IPV6,
    Linktype::LINUX_SLL,
    Linktype::LINUX_SLL2,
    Linktype::PPP,
    Linktype::PPP_HDLC,
    Linktype::PPP_ETHER,
    Linktype::C_HDLC,
    Linktype::FRELAY,
    Linktype::IEEE802_11,
    Linktype::IEEE802_11_RADIOTAP,
    Linktype::NFLOG,
    Linktype::ENC,
    Linktype::PFLOG,
    Linktype::ARCNET_LINUX,
    Linktype::IPNET,
    Linktype::IPOIB,
    Linktype::PKTAP,
    Linktype::USER2,
    Linktype::DSA_TAG_BRCM,
    Linktype::DSA_TAG_BRCM_PREPEND,
    Linktype::DSA_TAG_DSA,
    Linktype::DSA_TAG_EDSA,
    // Juniper's: multilink PPP, services, Ethernet, PPP, Frame Relay, Cisco HDLC.
    Linktype(130),
    Linktype(136),
    Linktype(178),
    Linktype(179),
    Linktype(180),
    Linktype(181),
    // Reserved for private use: no decoder.
    Linktype(147),
];
