//! Every kind of packet has its one class (docs/report.md), by the RFCs named here.

use plainsight::capture::{Linktype, RawFrame, SeenAt};
use plainsight::evidence::{EvidenceId, FrameNumber};
use plainsight::protection::{NamedPorts, ProtectionClass};
use plainsight::summary::{CaptureObserver, Unpaired};
use plainsight::time::Timestamp;

/// The class of frames, each observed in turn; the last one's is reported.
fn class_of(linktype: Linktype, frames: &[Vec<u8>]) -> ProtectionClass {
    let counts = |frames: &[Vec<u8>]| {
        let named = NamedPorts::default();
        let mut observer = CaptureObserver::new(EvidenceId(1), &named);
        for (number, data) in (1..).zip(frames) {
            observer.observe(&RawFrame {
                number: FrameNumber(number),
                time: Timestamp(i64::try_from(number).unwrap()),
                linktype,
                original_len: u32::try_from(data.len()).unwrap(),
                interface: 0,
                description: 0,
                offset: 0,
                seen_at: SeenAt::Wire,
                data,
            });
        }
        let summary = observer.finish();
        let mut classes = Vec::new();
        for (pair, streams) in &summary.streams {
            for (stream, runs) in streams {
                let frames: u64 = runs.iter().map(|run| run.frames).sum();
                classes.push((summary.class_of(*pair, *stream), frames));
            }
        }
        for (kind, count) in &summary.unpaired {
            let class = match kind {
                Unpaired::Arp => ProtectionClass::Exempt,
                Unpaired::IkeFlood => ProtectionClass::Ike,
                Unpaired::FoldedClear(..) => ProtectionClass::Clear,
                Unpaired::Folded(class) => *class,
                Unpaired::NonIp(_) => ProtectionClass::NonIp,
                Unpaired::Undecodable(_) => ProtectionClass::Undecodable,
            };
            classes.push((class, count.frames));
        }
        classes
    };
    let total = |frames: &[Vec<u8>], class| -> u64 {
        counts(frames).iter().filter(|(c, _)| *c == class).map(|(_, n)| n).sum()
    };
    let without_last = &frames[..frames.len() - 1];
    let grew: Vec<_> = ProtectionClass::ALL
        .into_iter()
        .filter(|class| total(frames, *class) > total(without_last, *class))
        .collect();
    let [class] = grew[..] else { panic!("exactly one class grows: {}", grew.len()) };
    class
}

fn raw(packet: Vec<u8>) -> ProtectionClass {
    class_of(Linktype::RAW, &[packet])
}

fn ipv4(protocol: u8, body: &[u8]) -> Vec<u8> {
    ipv4_to([10, 0, 0, 2], protocol, 0x4000, body)
}

/// RFC 791 §3.1.
fn ipv4_to(to: [u8; 4], protocol: u8, flags_and_offset: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + body.len()).unwrap().to_be_bytes();
    let [high, low] = flags_and_offset.to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0x12, 0x34, high, low, 64, protocol, 0, 0];
    packet.extend([10, 0, 0, 1]);
    packet.extend(to);
    packet.extend(body);
    packet
}

/// RFC 8200 §3, with extension headers in front of the body.
fn ipv6(first_header: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], first_header, 64];
    for host in [1, 2] {
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    packet.extend(body);
    packet
}

fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    let words = [source, destination, length, 0];
    let mut datagram: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    datagram.extend(payload);
    datagram
}

fn tcp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut segment = [40_000u16.to_be_bytes(), port.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 2, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

/// An IKE_SA_INIT request of a header and no payload (RFC 7296 §3.1).
fn ike() -> Vec<u8> {
    let mut message = vec![1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend([0, 0x20, 34, 0x08, 0, 0, 0, 0, 0, 0, 0, 28]);
    message
}

const ESP: [u8; 24] = [0xc3, 1, 2, 3, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];

#[test]
fn esp_is_recognized_by_protocol_by_udp_4500_and_by_its_wrapping() {
    assert_eq!(raw(ipv4(50, &ESP)), ProtectionClass::Esp);
    assert_eq!(raw(ipv6(50, &ESP)), ProtectionClass::Esp);
    assert_eq!(raw(ipv4(17, &udp(4500, 4500, &ESP))), ProtectionClass::Esp);
    // RFC 5840 §2: next header, header length, trailer length, flags; 0x20 says encrypted.
    let wrapped = |flags: u8| [&[0, 0, 0, flags][..], &ESP].concat();
    assert_eq!(raw(ipv4(141, &wrapped(0x20))), ProtectionClass::Esp);
    assert_eq!(raw(ipv4(141, &wrapped(0))), ProtectionClass::EspNull);
}

#[test]
fn ah_is_ah_whatever_is_inside() {
    let header = [6, 4, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    let packet = [&header[..], &tcp(445, b"")].concat();
    assert_eq!(raw(ipv4(51, &packet)), ProtectionClass::Ah);
    assert_eq!(raw(ipv6(51, &packet)), ProtectionClass::Ah);
}

#[test]
fn ike_is_recognized_by_its_header_and_not_by_its_port() {
    let behind_marker = [&[0; 4][..], &ike()].concat();
    assert_eq!(raw(ipv4(17, &udp(500, 500, &ike()))), ProtectionClass::Ike);
    assert_eq!(raw(ipv4(17, &udp(4500, 4500, &behind_marker))), ProtectionClass::Ike);
    assert_eq!(
        raw(ipv4(17, &udp(500, 500, b"no header of IKE at all, only words"))),
        ProtectionClass::Clear
    );
    // RFC 3948 §2.3.
    assert_eq!(raw(ipv4(17, &udp(4500, 4500, &[0xff]))), ProtectionClass::NattKeepalive);
}

#[test]
fn what_every_policy_lets_through_is_exempt() {
    assert_eq!(raw(ipv4(1, &[8, 0, 0, 0, 0, 0, 0, 0])), ProtectionClass::Exempt);
    assert_eq!(raw(ipv6(58, &[128, 0, 0, 0, 0, 0, 0, 0])), ProtectionClass::Exempt);
    let membership = [0x16, 0, 0, 0, 224, 0, 0, 9];
    let group = ipv4_to([224, 0, 0, 9], 2, 0, &membership);
    assert_eq!(raw(group), ProtectionClass::Exempt);
    assert_eq!(raw(ipv4(2, &membership)), ProtectionClass::Clear, "a time to live of 64");
    let mut dhcp = vec![0; 240];
    dhcp[0] = 1;
    dhcp[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
    assert_eq!(raw(ipv4(17, &udp(68, 67, &dhcp))), ProtectionClass::Clear, "no options");
    dhcp.extend([53, 1, 3, 255]);
    assert_eq!(raw(ipv4(17, &udp(68, 67, &dhcp))), ProtectionClass::Exempt);
    assert_eq!(raw(ipv4(17, &udp(68, 67, &[0; 240]))), ProtectionClass::Clear, "no message");
    // RFC 4861 §7.1.1: a hop limit of 255.
    let solicitation = [&[135, 0, 0, 0, 0, 0, 0, 0][..], &[0xfd; 16]].concat();
    let mut neighbour = ipv6(58, &solicitation);
    assert_eq!(raw(neighbour.clone()), ProtectionClass::Clear, "a hop limit of 64");
    neighbour[7] = 255;
    assert_eq!(raw(neighbour), ProtectionClass::Exempt);
    let multicast = ipv4_to([224, 0, 0, 251], 17, 0, &udp(5353, 5353, b"mdns"));
    assert_eq!(raw(multicast), ProtectionClass::Exempt);
    let broadcast = ipv4_to([255; 4], 17, 0, &udp(40_000, 40_000, b"all"));
    assert_eq!(raw(broadcast), ProtectionClass::Exempt);
    let arp = [&[0xff; 6][..], &[2; 6], &[8, 6], &[0; 28]].concat();
    assert_eq!(class_of(Linktype::ETHERNET, &[arp]), ProtectionClass::Exempt);
}

#[test]
fn the_rest_is_clear_not_ip_or_undecodable() {
    assert_eq!(raw(ipv4(6, &tcp(445, b"data"))), ProtectionClass::Clear);
    assert_eq!(raw(ipv4(17, &udp(40_000, 53, b"query"))), ProtectionClass::Clear);
    assert_eq!(raw(ipv4(89, &[2; 24])), ProtectionClass::Clear);
    let lldp = [&[1; 12][..], &[0x88, 0xcc], &[0; 40]].concat();
    assert_eq!(class_of(Linktype::ETHERNET, &[lldp]), ProtectionClass::NonIp);
    assert_eq!(raw(ipv4(6, &tcp(445, b""))[..15].to_vec()), ProtectionClass::Undecodable);
    assert_eq!(class_of(Linktype(9999), &[vec![0; 60]]), ProtectionClass::Undecodable);
}

#[test]
fn extension_headers_are_passed_over() {
    // RFC 8200 §4: next header, length in units of eight bytes beyond the first, content.
    let chain = |last: u8| {
        let headers =
            [[43, 0, 1, 4, 0, 0, 0, 0], [60, 0, 0, 0, 0, 0, 0, 0], [last, 0, 1, 4, 0, 0, 0, 0]];
        headers.concat()
    };
    let hop_by_hop = |last, body: &[u8]| ipv6(0, &[&chain(last)[..], body].concat());
    assert_eq!(raw(hop_by_hop(50, &ESP)), ProtectionClass::Esp);
    assert_eq!(raw(hop_by_hop(17, &udp(500, 500, &ike()))), ProtectionClass::Ike);
    assert_eq!(raw(hop_by_hop(6, &tcp(80, b"GET"))), ProtectionClass::Clear);
}

#[test]
fn plain_tunnels_are_classified_by_what_they_carry() {
    let clear = ipv4(6, &tcp(445, b"data"));
    let esp = ipv4(50, &ESP);
    for (inner, class) in [(&clear, ProtectionClass::Clear), (&esp, ProtectionClass::Esp)] {
        // RFC 2003, RFC 2784 §2, RFC 7348 §5.
        assert_eq!(raw(ipv4(4, inner)), class);
        assert_eq!(raw(ipv4(47, &[&[0, 0, 8, 0][..], inner].concat())), class);
        let frame = [&[2; 12][..], &[8, 0], inner].concat();
        let vxlan = [&[8, 0, 0, 0, 0, 0, 1, 0][..], &frame].concat();
        assert_eq!(raw(ipv4(17, &udp(50_000, 4789, &vxlan))), class);
    }
}

#[test]
fn a_later_fragment_has_the_class_of_its_first_in_either_order() {
    let datagram = udp(500, 500, &[&ike()[..], &[0; 100]].concat());
    let (head, tail) = datagram.split_at(64);
    let first = ipv4_to([10, 0, 0, 2], 17, 0x2000, head);
    let later = ipv4_to([10, 0, 0, 2], 17, 8, tail);
    assert_eq!(class_of(Linktype::RAW, &[first.clone(), later.clone()]), ProtectionClass::Ike);
    assert_eq!(class_of(Linktype::RAW, &[later.clone(), first]), ProtectionClass::Ike);
    // Alone it may be IKE, ESP in UDP or clear text, so nothing is claimed.
    assert_eq!(class_of(Linktype::RAW, &[later]), ProtectionClass::Undecodable);
    let clear = ipv4_to([10, 0, 0, 2], 6, 8, &[0; 40]);
    assert_eq!(class_of(Linktype::RAW, &[clear]), ProtectionClass::Clear);
}

#[test]
fn vlan_tags_and_cooked_captures_are_taken_off() {
    let packet = ipv4(50, &ESP);
    let tagged = [&[2; 12][..], &[0x81, 0, 0, 5, 8, 0], &packet].concat();
    let twice = [&[2; 12][..], &[0x88, 0xa8, 0, 9, 0x81, 0, 0, 5, 8, 0], &packet].concat();
    let cooked = [&[0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 8, 0][..], &packet].concat();
    let cooked_2 =
        [&[8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0][..], &packet].concat();
    let loopback = [&2u32.to_le_bytes()[..], &packet].concat();
    for (linktype, frame) in [
        (Linktype::ETHERNET, tagged),
        (Linktype::ETHERNET, twice),
        (Linktype::LINUX_SLL, cooked),
        (Linktype::LINUX_SLL2, cooked_2),
        (Linktype::NULL, loopback),
    ] {
        assert_eq!(class_of(linktype, &[frame]), ProtectionClass::Esp, "{}", linktype.0);
    }
}
