//! What counts as protected: ESP that is more than a header, what only looks so, and packets that a
//! capture shows more than once. None of these captures is one of those that the rules were made for.

use crate::support::ike_builder::{
    Message, capture, key_exchange, nonce, offer, report_of, udp, write,
};
use crate::support::numbers::Numbers;
use crate::support::program::analyze;
use plainsight::analysis::{Request, Unwatched, analyze_sequentially};
use plainsight::policy::Policy;
use plainsight::report::schema::{Report, Sa};
use std::path::Path;

mod certificates;
mod content;
mod dhcp;
mod places;
mod proof;

/// Frames at milliseconds.
type Frames = Vec<(u32, Vec<u8>)>;

/// An ESP packet: SPI, number and so many bytes without a pattern.
fn esp(spi: u32, number: u32, len: usize, any: &mut Numbers) -> Vec<u8> {
    [&spi.to_be_bytes()[..], &number.to_be_bytes(), &any.bytes(len)].concat()
}

/// A frame with an IP packet of any protocol, as the builder of UDP makes them.
fn ip(from: u8, to: u8, protocol: u8, body: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + body.len()).unwrap().to_be_bytes();
    let head = [0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, protocol, 0, 0];
    let addresses = [10, 0, 0, from, 10, 0, 0, to];
    [&[2; 6][..], &[4; 6], &[8, 0], &head, &addresses, body].concat()
}

fn numbers() -> Numbers {
    Numbers(0x9e37_79b9_7f4a_7c15)
}

fn sas(report: &Report) -> &[Sa] {
    let [pair] = &report.pairs[..] else { panic!("{} pairs", report.pairs.len()) };
    &pair.sas
}

fn frames_of(report: &Report, class: &str) -> u64 {
    let classes = serde_json::to_value(report.totals.by_class).unwrap();
    classes[class]["frames"].as_u64().unwrap_or_default()
}

/// By what each SPI is corroborated, `-` where by nothing.
fn by(report: &Report) -> Vec<&str> {
    sas(report).iter().map(|sa| sa.by.as_deref().unwrap_or("-")).collect()
}

#[test]
fn manual_keys_need_no_negotiation() {
    let mut any = numbers();
    let frames: Frames = (0..12)
        .flat_map(|n| {
            let forth = ip(1, 2, 50, &esp(0x0000_0301, n + 1, 60 + 4 * n as usize, &mut any));
            let back = ip(2, 1, 50, &esp(0x0000_0302, n + 1, 100, &mut any));
            [(n * 100, forth), (n * 100 + 3, back)]
        })
        .collect();
    let report = report_of(&frames);
    assert_eq!(by(&report), ["packets", "packets"]);
    assert_eq!(frames_of(&report, "esp"), 24);
}

#[test]
fn a_sampled_and_a_reordered_capture_show_the_same() {
    let mut any = numbers();
    // One packet in a thousand, and neighbours that changed places.
    let mut frames: Frames = (0..40)
        .map(|n| {
            let number = n * 1000 + 17 * (n % 5);
            (n * 50, ip(1, 2, 50, &esp(0xcafe_0101, number, 76, &mut any)))
        })
        .collect();
    assert_eq!(by(&report_of(&frames)), ["packets"]);
    for at in (0..40).step_by(2) {
        frames.swap(at, at + 1);
    }
    assert_eq!(by(&report_of(&frames)), ["packets"], "written out of order");
}

#[test]
fn one_packet_under_each_spi_is_corroborated_by_another() {
    let mut any = numbers();
    let mut frames: Frames =
        (0..20).map(|n| (n * 100, ip(1, 2, 50, &esp(0xabcd_0100, n, 76, &mut any)))).collect();
    for n in 0..5 {
        frames.push((3000 + n * 100, ip(1, 2, 50, &esp(0x7100_0000 + n, 1, 76, &mut any))));
        frames.push((3050 + n * 100, ip(2, 1, 50, &esp(0x7200_0000 + n, 1, 76, &mut any))));
    }
    let report = report_of(&frames);
    let by = by(&report);
    assert_eq!(by.iter().filter(|by| **by == "packets").count(), 1);
    assert_eq!(by.iter().filter(|by| **by == "other_spi").count(), 5, "in the same direction");
    // Alone they prove nothing.
    let alone = report_of(&frames[20..]);
    assert!(sas(&alone).iter().all(|sa| !sa.corroborated));
}

#[test]
fn openvpn_on_4500_is_not_corroborated() {
    let mut any = numbers();
    let frames: Frames = (0..60)
        .map(|n| {
            // P_DATA_V2, peer 5; a packet number; a tag and content of any length.
            let data = esp(0x4800_0005, n + 1, 16 + any.below(900), &mut any);
            let (from, to) = if n % 2 == 0 { (1, 2) } else { (2, 1) };
            (n * 20, udp(from, to, (4500, 4500), &data))
        })
        .collect();
    let report = report_of(&frames);
    assert!(sas(&report).iter().all(|sa| !sa.corroborated), "{:?}", sas(&report));
}

#[test]
fn text_with_rising_numbers_is_clear() {
    let line = |n: u32| format!("{n:08} the quick brown fox writes a line of a log in clear");
    let frames: Frames = (0..40)
        .flat_map(|n: u32| {
            let mut binary = [&0xd0d0_0001_u32.to_be_bytes()[..], &n.to_be_bytes()].concat();
            binary.extend(line(n).as_bytes());
            binary.resize(binary.len().next_multiple_of(4), b'.');
            [
                (n * 100, udp(1, 2, (4500, 4500), line(n).as_bytes())),
                (n * 100 + 1, ip(2, 1, 50, &binary)),
            ]
        })
        .collect();
    let report = report_of(&frames);
    assert_eq!((frames_of(&report, "clear"), frames_of(&report, "esp")), (80, 0));
}

#[test]
fn short_lines_of_text_are_recognized_by_all_of_them_together() {
    let words = ["login: admin", "pass=hunter2", "QUIT for now", "MAIL FROM: x", "DATA 1 2 3 4"];
    let frames: Frames = (0..20)
        .map(|n| (n * 100, udp(1, 2, (4500, 4500), words[n as usize % 5].as_bytes())))
        .collect();
    let report = report_of(&frames);
    assert_eq!((frames_of(&report, "clear"), frames_of(&report, "esp")), (20, 0));
}

#[test]
fn ah_has_the_class_of_what_it_carries() {
    let mut any = numbers();
    let ah = |next: u8, number: u32, body: &[u8], any: &mut Numbers| {
        let head = [next, 4, 0, 0, 0, 0, 0x33, 1];
        [&head[..], &number.to_be_bytes(), &any.bytes(12), body].concat()
    };
    let mut frames = Frames::new();
    for n in 0..10_u32 {
        let inside = esp(0x5511_0001, n + 1, 60, &mut any);
        frames.push((n * 100, ip(1, 2, 51, &ah(50, n + 1, &inside, &mut any))));
        frames.push((
            n * 100 + 5,
            ip(2, 1, 51, &ah(17, n + 1, &[0, 53, 0, 53, 0, 8, 0, 0], &mut any)),
        ));
    }
    let report = report_of(&frames);
    assert_eq!((frames_of(&report, "esp"), frames_of(&report, "ah")), (10, 10));
    assert_eq!(by(&report), ["packets", "packets"]);
}

#[test]
fn a_keepalive_is_one_byte_on_port_4500_of_either_side() {
    let frames = vec![
        (0, udp(1, 2, (4500, 4500), &[0xff])),
        (20_000, udp(2, 1, (61_000, 4500), &[0xff])),
        (40_000, udp(1, 2, (4500, 4500), &[0xfe])),
        (60_000, udp(1, 2, (4501, 4501), &[0xff])),
    ];
    let report = report_of(&frames);
    assert_eq!((frames_of(&report, "natt_keepalive"), frames_of(&report, "clear")), (2, 2));
}

#[test]
fn esp_of_old_clients_on_port_10000_is_recognized_by_its_packets() {
    let mut any = numbers();
    let frames: Frames = (0..20)
        .map(|n| (n * 50, udp(1, 2, (10_000, 10_000), &esp(0x6200_0001, n + 1, 60, &mut any))))
        .collect();
    let report = report_of(&frames);
    assert_eq!((frames_of(&report, "esp"), by(&report)), (20, vec!["packets"]));
    // Another protocol there stays what it is.
    let frames: Frames =
        (0..20).map(|n| (n * 50, udp(1, 2, (10_000, 10_000), &any.bytes(68)))).collect();
    assert_eq!(frames_of(&report_of(&frames), "clear"), 20);
}

#[test]
fn equal_datagrams_again_and_again_are_the_senders_own() {
    let same = udp(1, 2, (5000, 5001), &[7; 200]);
    let frames: Frames = (0..300).map(|n| (n, same.clone())).collect();
    assert_eq!(frames_of(&report_of(&frames), "clear"), 300);
}

#[test]
fn packets_that_differ_in_their_last_byte_are_no_copies() {
    let frames: Frames = (0..200)
        .map(|n| {
            let mut payload = [7; 300];
            payload[299] = u8::try_from(n % 251).unwrap();
            let mut frame = udp(1, 2, (5000, 5001), &payload);
            // No checksum, as IPv4 allows: it would differ too.
            frame[40..42].fill(0);
            (n / 20, frame)
        })
        .collect();
    let report = report_of(&frames);
    assert_eq!(frames_of(&report, "clear"), 200);
    assert!(!report.totals.artefacts.contains_key("duplicate_packet"));
}

#[test]
fn copies_of_one_direction_are_copies() {
    let mut any = numbers();
    let mut frames = Frames::new();
    for n in 0..40 {
        let forth = udp(1, 2, (5000, 5001), &any.bytes(100));
        frames.push((n * 20, forth.clone()));
        frames.push((n * 20, forth));
        frames.push((n * 20 + 5, udp(2, 1, (5001, 5000), &any.bytes(50))));
    }
    let report = report_of(&frames);
    assert_eq!(frames_of(&report, "clear"), 80);
    assert_eq!(report.totals.artefacts["duplicate_packet"].frames, 40);
}

/// The two sides of a gateway, in two files: what is clear inside is ESP outside, three milliseconds later.
fn both_sides(folder: &Path, leaks: u32) -> Vec<std::path::PathBuf> {
    let mut any = numbers();
    let (mut inside, mut outside) = (Frames::new(), Frames::new());
    let mut at = 0;
    for n in 0..60 {
        at += 5 + u32::try_from(any.below(400)).unwrap();
        let length = 20 + any.below(500);
        let payload = any.bytes(length);
        let clear = udp(101, 102, (40_000, 445), &payload);
        let padded = (clear.len() - 14 + 2).next_multiple_of(4);
        inside.push((at, clear.clone()));
        if n < 60 - leaks {
            outside
                .push((at + 3, ip(1, 2, 50, &esp(0x4411_0001, n + 1, 8 + padded + 12, &mut any))));
        } else {
            outside.push((at + 3, clear));
        }
    }
    let paths = ["inside.pcap", "outside.pcap"].map(|name| folder.join(name));
    write(&paths[0], &capture(&inside));
    write(&paths[1], &capture(&outside));
    paths.into()
}

#[test]
fn what_another_capture_shows_inside_esp_is_no_leak() {
    let folder = tempfile::tempdir().unwrap();
    let paths = both_sides(folder.path(), 0);
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    let report = analyze(&paths, &["--protect", "10.0.0.101=10.0.0.102"]);
    assert!(report.windows.is_empty());
    assert_eq!(report.totals.artefacts["decrypted_in_other_capture"].frames, 60);
    // The inner side alone does not say what became of its packets.
    let alone = analyze(&paths[..1], &["--protect", "10.0.0.101=10.0.0.102"]);
    assert_eq!(alone.verdict, "unprotected");
}

#[test]
fn a_leak_beside_the_tunnel_is_one_though_most_is_inside() {
    let folder = tempfile::tempdir().unwrap();
    let paths = both_sides(folder.path(), 6);
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    let report = analyze(&paths, &["--protect", "10.0.0.101=10.0.0.102"]);
    assert!(!report.windows.is_empty());
}

/// A gateway's capture of both sides: what comes in clear from the station 6 leaves under ESP from `gateway`.
fn gateway(gateway: u8, lengths: &[usize]) -> Report {
    beside(both(gateway, lengths), &["--protect", "10.0.0.101=10.0.0.102"])
}

fn both(gateway: u8, lengths: &[usize]) -> Frames {
    let mut any = numbers();
    let mut frames = Frames::new();
    for (n, length) in (0..48).zip(lengths.iter().cycle()) {
        let mut clear = udp(101, 102, (40_000, 445), &any.bytes(*length));
        clear[6..12].fill(6);
        let padded = (clear.len() - 14 + 2).next_multiple_of(16);
        let mut esp = ip(1, 2, 50, &esp(0x4411_0001, n + 1, 8 + 16 + padded + 16, &mut any));
        esp[6..12].fill(gateway);
        frames.extend([(n * 50, clear), (n * 50 + 1, esp)]);
    }
    frames
}

fn beside(frames: Frames, options: &[&str]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.pcap");
    write(&path, &capture(&frames));
    analyze(&[&path], options)
}

#[test]
fn what_gateways_send_for_themselves_need_not_be_protected_and_is_named() {
    let mut frames = both(9, &[20, 300, 41, 900, 160]);
    frames.extend((0..12).map(|n| (3_000 + n * 40, udp(1, 2, (50_000, 179), b"of their own"))));
    let report = beside(frames, &[]);
    assert!(report.windows.is_empty());
    let free = report.findings.iter().find(|found| found.code == "no_expectation").unwrap();
    // The packets of the hosts inside were seen under ESP, too: they exchanged nothing in clear.
    assert!(free.detail.starts_with("12 clear packets"), "{}", free.detail);
    assert!(free.detail.contains("10.0.0.1 and 10.0.0.2"), "{}", free.detail);
}

#[test]
fn what_a_gateway_shows_before_encryption_is_no_leak() {
    let report = gateway(9, &[20, 300, 41, 900, 160]);
    assert!(report.windows.is_empty());
    assert_eq!(report.totals.artefacts["decrypted_twin"].frames, 48);
    assert_eq!(report.verdict, "protected");
}

#[test]
fn what_one_station_sends_in_clear_and_under_esp_are_two_packets() {
    let report = gateway(6, &[20, 300, 41, 900, 160]);
    assert_eq!(report.verdict, "partially_protected");
    assert_eq!(report.windows[0].frames, 48);
}

#[test]
fn packets_of_equal_lengths_fit_each_other_by_chance() {
    assert_eq!(gateway(9, &[300, 300, 300]).windows[0].frames, 48);
}

#[test]
fn decrypted_copies_are_recognized_over_all_files_of_a_capture() {
    let mut any = numbers();
    let mut frames = Frames::new();
    for n in 0..40u32 {
        let clear = udp(1, 2, (40_000, 445), &any.bytes(60 + 7 * (n as usize % 20)));
        let padded = (clear.len() - 34 + 2).next_multiple_of(4);
        frames.push((n * 100, ip(1, 2, 50, &esp(0x2300_0001, n + 1, padded + 20, &mut any))));
        frames.push((n * 100 + 1, clear));
    }
    for piece in [80, 30, 6, 2] {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (number, frames) in frames.chunks(piece).enumerate() {
            let path = folder.path().join(format!("host_{number:05}.pcap"));
            write(&path, &capture(frames));
            paths.push(path);
        }
        let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
        let report = analyze(&paths, &["--protect", "10.0.0.1=10.0.0.2"]);
        let decrypted_copies =
            report.totals.artefacts.get("decrypted_twin").map_or(0, |count| count.frames);
        assert_eq!((decrypted_copies, report.verdict.as_str()), (40, "protected"), "{piece}");
    }
}

/// SPIs below 256 with and without a completed negotiation before them.
fn reserved(negotiated: bool, body: fn(usize, &mut Numbers) -> Vec<u8>) -> Report {
    let mut any = numbers();
    let mut frames = if negotiated { negotiation() } else { Frames::new() };
    for n in 0..40 {
        for (from, to, spi) in [(1, 2, 0x21u32), (2, 1, 0x22)] {
            let head = [spi.to_be_bytes(), (n + 1u32).to_be_bytes()].concat();
            let body = body(48 + 4 * (n as usize % 9), &mut any);
            frames
                .push((5_000 + n * 40 + u32::from(from), ip(from, to, 50, &[head, body].concat())));
        }
    }
    report_of(&frames)
}

/// IKE_SA_INIT and IKE_AUTH of IKEv2.
fn negotiation() -> Frames {
    let asks = |message: Message| udp(1, 2, (500, 500), &message.bytes());
    let answers = |message: Message| udp(2, 1, (500, 500), &message.answer().bytes());
    let begins = || Message::v2(34, 0, &[offer(14), key_exchange(14), nonce()]);
    vec![
        (0, asks(begins().spis(7, 0))),
        (20, answers(begins().spis(7, 9))),
        (40, asks(Message::v2_encrypted(35, 1, 240).spis(7, 9))),
        (60, answers(Message::v2_encrypted(35, 1, 208).spis(7, 9))),
    ]
}

#[test]
fn a_reserved_spi_needs_a_negotiation_and_all_of_the_form() {
    let opaque = |len, any: &mut Numbers| any.bytes(len);
    let text =
        |len, _: &mut Numbers| b"nothing to hide here ".iter().copied().cycle().take(len).collect();
    assert_eq!(by(&reserved(true, opaque)), ["ike_sa", "ike_sa"]);
    assert_eq!(by(&reserved(false, opaque)), ["-", "-"]);
    assert!(!by(&reserved(true, text)).contains(&"ike_sa"));
}

/// How many connections of the first pair are authenticated only, and how many clear frames it has.
fn authenticated(frames: &Frames) -> (u64, u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.pcap");
    write(&path, &capture(frames));
    let request = Request::of(vec![path], Policy::default());
    let facts = analyze_sequentially(&request, &Unwatched).unwrap().facts;
    let connections = &facts.pairs[0].authenticated_only;
    let authenticated = connections.iter().filter(|connection| connection.is_authenticated);
    (authenticated.count() as u64, facts.pairs[0].in_clear.frames)
}

#[test]
fn connections_that_begin_with_one_esp_packet_are_authenticated_only() {
    let mut any = numbers();
    let mut frames = Frames::new();
    for n in 0..12 {
        let (at, port) = (n * 2000, 50_000 + u16::try_from(n).unwrap());
        let first = udp(1, 2, (port, 5001), &any.bytes(60));
        let padded = (first.len() - 34 + 2).next_multiple_of(4);
        frames.push((at, ip(1, 2, 50, &esp(0x2200_0001, n + 1, padded + 12, &mut any))));
        frames.push((at + 1, first));
        for more in 1..5 {
            frames.push((at + more * 20, udp(2, 1, (5001, port), &any.bytes(100))));
            frames.push((at + more * 20 + 5, udp(1, 2, (port, 5001), &any.bytes(100))));
        }
    }
    assert_eq!(authenticated(&frames), (12, 108));
    // Beside ESP that carries traffic it is something else.
    for n in 0..100 {
        frames.push((30_000 + n * 10, ip(1, 2, 50, &esp(0x2200_0001, 13 + n, 80, &mut any))));
    }
    assert_eq!(authenticated(&frames).0, 0);
}

#[test]
fn a_single_datagram_shown_again_after_decryption_is_no_connection_in_clear() {
    let mut any = numbers();
    let mut frames = Frames::new();
    for n in 0..40 {
        let clear =
            udp(1, 2, (40_000 + u16::try_from(n).unwrap(), 514), &any.bytes(60 + 3 * n as usize));
        let padded = (clear.len() - 34 + 2).next_multiple_of(4);
        frames.push((n * 100, ip(1, 2, 50, &esp(0x2300_0001, n + 1, padded + 12, &mut any))));
        frames.push((n * 100, clear));
    }
    assert_eq!(authenticated(&frames), (0, 0));
}

/// An ESP packet that is not encrypted, around a UDP datagram.
fn esp_null(spi: u32, number: u32, datagram: &[u8], any: &mut Numbers) -> Vec<u8> {
    let padding = u8::try_from((4 - (datagram.len() + 2) % 4) % 4).unwrap();
    let padding: Vec<u8> = (1..=padding).chain([padding, 17]).collect();
    let head = [spi.to_be_bytes(), number.to_be_bytes()].concat();
    [&head[..], datagram, &padding, &any.bytes(12)].concat()
}

/// How severe the finding of readable ESP is.
fn readable(back_is_encrypted: bool) -> String {
    let mut any = numbers();
    let mut frames = Frames::new();
    for n in 0..20 {
        let forth = udp(1, 2, (40_000, 53), &any.bytes(20 + 3 * n as usize)).split_off(34);
        let back = udp(2, 1, (53, 40_000), &any.bytes(50 + 2 * n as usize)).split_off(34);
        frames.push((n * 50, ip(1, 2, 50, &esp_null(0x3100_0001, n + 1, &forth, &mut any))));
        let back = if back_is_encrypted {
            esp(0x3200_0001, n + 1, 92, &mut any)
        } else {
            esp_null(0x3200_0001, n + 1, &back, &mut any)
        };
        frames.push((n * 50 + 9, ip(2, 1, 50, &back)));
    }
    let report = report_of(&frames);
    let readable = report.findings.iter().find(|finding| finding.code == "readable_esp");
    readable.unwrap().severity.clone()
}

#[test]
fn esp_that_is_readable_one_way_only_may_be_crypto_offload() {
    assert_eq!(readable(true), "medium");
    assert_eq!(readable(false), "high");
}
