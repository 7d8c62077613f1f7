//! How IKE comes: in fragments, in TCP, in two captures, broken, and by the ten thousand.

use crate::support::ike_builder::{
    Message, capture, clear, init, nonce, offer, on_500, only, report_of, udp, write,
};
use crate::support::numbers::Numbers;
use etherparse::PacketBuilder;

#[test]
fn a_malformed_message_is_named_with_frame_and_offset_and_the_rest_kept() {
    let mut broken = Message::v2(34, 0, &[offer(14), nonce()]).bytes();
    let at = broken.len() - 36 + 2;
    broken[at..at + 2].copy_from_slice(&[0, 2]);
    let report = report_of(&[(0, clear(1, 2)), (1, udp(1, 2, (500, 500), &broken))]);
    let [problem] = report.evidence[0].problems.as_slice() else { panic!("not one problem") };
    assert_eq!((problem.code.as_str(), problem.frame), ("malformed_ike", Some(2)));
    let file = capture(&[(0, clear(1, 2))]).len();
    let message = file + 16 + 14 + 20 + 8;
    assert_eq!(problem.offset, Some((message + at) as u64));
    assert_eq!(only(&report).proposals.len(), 1);
}

#[test]
fn bytes_on_port_500_without_a_header_of_ike_are_named() {
    let mut other_version = init().bytes();
    other_version[17] = 0xbe;
    let mut no_spi = init().bytes();
    no_spi[..8].fill(0);
    let report = report_of(&[
        (0, udp(1, 2, (500, 500), &other_version)),
        (1, udp(1, 2, (500, 500), &no_spi)),
    ]);
    let texts: Vec<_> = report.evidence[0].problems.iter().map(|p| p.text.as_str()).collect();
    assert!(texts[0].contains("version at byte 17"), "{texts:?}");
    assert!(texts[1].contains("initiator SPI at byte 0"), "{texts:?}");
    assert!(report.ike_exchanges.is_empty());
}

/// IPv4 fragments of a UDP datagram, each with so many bytes of it.
fn fragments(datagram: &[u8], each: usize) -> Vec<Vec<u8>> {
    let pieces = datagram.chunks(each).enumerate();
    pieces
        .map(|(at, piece)| {
            let mut header = etherparse::Ipv4Header::new(
                u16::try_from(piece.len()).unwrap(),
                64,
                etherparse::IpNumber::UDP,
                [10, 0, 0, 1],
                [10, 0, 0, 2],
            )
            .unwrap();
            header.identification = 7;
            header.dont_fragment = false;
            header.more_fragments = (at + 1) * each < datagram.len();
            let offset = u16::try_from(at * each / 8).unwrap();
            header.fragment_offset = etherparse::IpFragOffset::try_new(offset).unwrap();
            header.header_checksum = header.calc_header_checksum();
            let mut frame = [&[2; 6][..], &[4; 6], &[8, 0]].concat();
            header.write(&mut frame).unwrap();
            frame.extend(piece);
            frame
        })
        .collect()
}

#[test]
fn a_message_in_fragments_is_put_together_in_any_order() {
    let message = Message::v2_encrypted(35, 1, 2000).bytes();
    let mut datagram = [500u16.to_be_bytes(), 500u16.to_be_bytes()].concat();
    datagram.extend(u16::try_from(message.len() + 8).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(&message);
    let mut pieces = fragments(&datagram, 600);
    for _ in 0..2 {
        pieces.reverse();
        let frames: Vec<_> = (0..).zip(pieces.clone()).collect();
        let report = report_of(&frames);
        let reported = only(&report);
        assert_eq!(
            (reported.messages, reported.first.frame),
            (1, 4),
            "the frame that completed it"
        );
        assert_eq!(reported.ladder[0].what, "IKE_AUTH request 1: encrypted, 2000 bytes");
        assert_eq!(report.totals.by_class.ike.frames, 4);
        assert!(report.evidence[0].problems.is_empty());
    }
}

#[test]
fn ike_and_esp_in_tcp_are_neither_clear_text_nor_lost() {
    let mut sequence = [100u32, 900];
    let mut frames: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut send = |from: usize, flags: &str, payload: &[u8]| {
        let ports = if from == 0 { (40_000, 4500) } else { (4500, 40_000) };
        let (source, destination) = if from == 0 { (1, 2) } else { (2, 1) };
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([10, 0, 0, source], [10, 0, 0, destination], 64)
            .tcp(ports.0, ports.1, sequence[from], 1000);
        let builder = match flags {
            "S" => builder.syn(),
            "SA" => builder.syn().ack(1),
            _ => builder.ack(1),
        };
        let mut frame = Vec::new();
        builder.write(&mut frame, payload).unwrap();
        sequence[from] += u32::try_from(payload.len()).unwrap() + u32::from(flags.contains('S'));
        let at = u32::try_from(frames.len()).unwrap();
        frames.push((at, frame));
    };
    let framed = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len() + 2).unwrap();
        [&length.to_be_bytes()[..], bytes].concat()
    };
    let ike = |message: &Message| framed(&[&[0; 4][..], &message.bytes()].concat());
    let encrypted = Numbers(0x9e37_79b9_7f4a_7c15).bytes(64);
    let esp = framed(&[&0xc0de_u32.to_be_bytes()[..], &[0, 0, 0, 1], &encrypted].concat());
    send(0, "S", &[]);
    send(1, "SA", &[]);
    send(0, "A", &[]);
    let first = [&b"IKETCP"[..], &ike(&init())].concat();
    let (head, tail) = first.split_at(50);
    send(0, "A", head);
    send(0, "A", tail);
    send(1, "A", &ike(&init().answer()));
    send(0, "A", &ike(&Message::v2_encrypted(35, 1, 220)));
    send(1, "A", &ike(&Message::v2_encrypted(35, 1, 220).answer()));
    send(0, "A", &esp);
    send(1, "A", &[]);
    let report = report_of(&frames);
    let reported = only(&report);
    assert_eq!((reported.outcome.as_str(), reported.messages), ("established", 4));
    assert_eq!(reported.first.frame, 5, "the segment that completed the first message");
    assert_eq!(report.totals.by_class.clear.frames, 0);
    assert_eq!((report.totals.by_class.ike.frames, report.totals.by_class.esp.frames), (9, 1));
    // Any other connection is clear from its first segment on.
    let mut other = frames[..3].to_vec();
    let mut request = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .tcp(40_000, 4500, 101, 1000)
        .write(&mut request, b"GET / HTTP/1.1\r\n\r\n")
        .unwrap();
    other.push((10, request));
    assert_eq!(report_of(&other).totals.by_class.clear.frames, 4);
}

#[test]
fn a_message_that_two_captures_show_counts_once() {
    let frames = [
        (0, on_500(true, &init())),
        (500, on_500(true, &init())),
        (501, on_500(false, &init().answer())),
    ];
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = ["one.pcap", "two.pcap"].map(|name| folder.path().join(name)).into();
    let file = capture(&frames);
    write(&paths[0], &file);
    // The other end's clock is half a second ahead, and its capture misses the first message.
    let late = [(1000, frames[1].1.clone()), (1001, frames[2].1.clone())];
    write(&paths[1], &capture(&late));
    let policy = plainsight::policy::Policy::default();
    let report = crate::support::truth::report(paths.clone(), policy.clone());
    // The second begins behind the end of the first: it shows other messages, all of them repeated.
    assert_eq!((only(&report).messages, only(&report).retransmissions), (5, 3));
    let overlapping = [(400, frames[1].1.clone()), (401, frames[2].1.clone())];
    write(&paths[1], &capture(&overlapping));
    let report = crate::support::truth::report(paths, policy);
    assert_eq!((only(&report).messages, only(&report).retransmissions), (3, 1));
}

#[test]
fn a_flood_of_first_messages_is_bounded_and_said() {
    let frames: Vec<(u32, Vec<u8>)> = (0..40_000u32)
        .map(|n| {
            let message = init().spis(u64::from(n) + 1, 0).bytes();
            let mut frame = Vec::new();
            let [_, b, c, d] = n.to_be_bytes();
            PacketBuilder::ethernet2([2; 6], [4; 6])
                .ipv4([172, b, c, d], [10, 0, 0, 2], 64)
                .udp(500, 500)
                .write(&mut frame, &message)
                .unwrap();
            (n / 10, frame)
        })
        .chain([(20_000, clear(1, 2))])
        .collect();
    let report = report_of(&frames);
    assert_eq!(report.totals.by_class.ike.frames, 40_000);
    assert!(report.ike_exchanges.len() < 40_000 && report.pairs.len() < 40_000);
    let flood = report.findings.iter().find(|f| f.code == "ike_flood").unwrap();
    assert!(flood.title.contains("40,000"), "{}", flood.title);
}
