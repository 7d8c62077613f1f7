//! Clear tunnels: each packet around another is traffic of its own two hosts, and each pair is judged by its own
//! rule (docs/method-and-limits.md). A frame is in the totals once.

use crate::support::pcapng::{Order, pcap};
use crate::support::program::analyze;
use plainsight::report::schema::{Finding, Pair, Report, Window};
use std::io::Write as _;

const OUTER: ([u8; 4], [u8; 4]) = ([10, 1, 0, 11], [10, 1, 0, 20]);
const MIDDLE: ([u8; 4], [u8; 4]) = ([172, 16, 0, 1], [172, 16, 0, 2]);
const INNER: ([u8; 4], [u8; 4]) = ([192, 168, 7, 1], [192, 168, 7, 2]);
const BETWEEN_OUTER: &str = "10.1.0.11=10.1.0.20";
const BETWEEN_INNER: &str = "192.168.7.1=192.168.7.2";

fn sixteen(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap().to_be_bytes()
}

/// An IPv4 packet (RFC 791 §3.1).
fn ip((from, to): ([u8; 4], [u8; 4]), protocol: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = sixteen(20 + body.len());
    [&[0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0][..], &from, &to, body].concat()
}

fn udp(ports: (u16, u16), body: &[u8]) -> Vec<u8> {
    let (from, to) = (ports.0.to_be_bytes(), ports.1.to_be_bytes());
    [&from[..], &to, &sixteen(8 + body.len()), &[0, 0], body].concat()
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    [&[2; 12][..], &[8, 0], packet].concat()
}

/// What the tunnels carry: HTTP in a TCP segment.
fn clear() -> Vec<u8> {
    let tcp = [0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0];
    ip(INNER, 6, &[&tcp[..], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"].concat())
}

/// Bytes as encryption leaves them.
fn opaque(number: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(number) << 8 | 0x9e37_79b9;
    let stream = std::iter::repeat_with(|| {
        // Xorshift (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    });
    stream.take(length).collect()
}

fn esp(number: u8) -> Vec<u8> {
    ip(INNER, 50, &[&[0xc3, 1, 2, 3, 0, 0, 0, number][..], &opaque(number, 40)].concat())
}

/// Puts a packet between two outer addresses.
type Around = fn(([u8; 4], [u8; 4]), &[u8]) -> Vec<u8>;

/// Ways to carry an IPv4 packet between two hosts, by the service that the outer header shows.
const TUNNELS: [(&str, &str, Around); 9] = [
    ("gre", "gre", |hosts, packet| ip(hosts, 47, &[&[0, 0, 8, 0][..], packet].concat())),
    ("ipip", "ip_in_ip", |hosts, packet| ip(hosts, 4, packet)),
    ("vxlan", "vxlan", |hosts, packet| {
        let frame = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &ethernet(packet)].concat();
        ip(hosts, 17, &udp((50_000, 4789), &frame))
    }),
    ("geneve", "geneve", |hosts, packet| {
        let frame = [&[0, 0, 0x65, 0x58, 0, 0, 7, 0][..], &ethernet(packet)].concat();
        ip(hosts, 17, &udp((50_000, 6081), &frame))
    }),
    ("gtp", "gtp", |hosts, packet| {
        let [high, low] = sixteen(packet.len());
        let message = [&[0x30, 255, high, low, 0, 0, 0, 9][..], packet].concat();
        ip(hosts, 17, &udp((2152, 2152), &message))
    }),
    ("lisp", "lisp", |hosts, packet| {
        let message = [&[0xc0, 0, 0, 1, 0, 0, 0, 1][..], packet].concat();
        ip(hosts, 17, &udp((50_000, 4341), &message))
    }),
    ("mpls in udp", "mpls", |hosts, packet| {
        // A label at the bottom of the stack (RFC 3032 §2.1).
        let message = [&[0, 1, 1, 64][..], packet].concat();
        ip(hosts, 17, &udp((50_000, 6635), &message))
    }),
    ("capwap", "capwap", |hosts, packet| {
        let frame = [&[0, 0x10, 2, 0, 0, 0, 0, 0][..], &ethernet(packet)].concat();
        ip(hosts, 17, &udp((5247, 50_000), &frame))
    }),
    ("l2tp", "l2tp", |hosts, packet| {
        let [high, low] = sixteen(packet.len() + 12);
        let message = [&[0x40, 2, high, low, 0, 5, 0, 6, 0xff, 3, 0, 0x21][..], packet].concat();
        ip(hosts, 17, &udp((1701, 1701), &message))
    }),
];

fn report(packets: &[Vec<u8>], options: &[&str], policy: &str) -> Report {
    let frames: Vec<(u32, Vec<u8>)> =
        (1_000..).zip(packets).map(|(second, packet)| (second, ethernet(packet))).collect();
    let frames: Vec<(u32, u32, &[u8])> = frames.iter().map(|(s, f)| (*s, 0, &f[..])).collect();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        path
    };
    let capture = write("tunnel.pcap", &pcap(Order::Little, 0xa1b2_c3d4, &frames));
    let policy_file = write("policy.toml", policy.as_bytes());
    let mut options = options.to_vec();
    if !policy.is_empty() {
        options.extend(["--policy", policy_file.to_str().unwrap()]);
    }
    analyze(&[&capture], &options)
}

fn pair<'r>(report: &'r Report, a: &str) -> &'r Pair {
    report.pairs.iter().find(|pair| pair.a == a).unwrap()
}

fn windows<'r>(report: &'r Report, a: &str) -> Vec<&'r Window> {
    report.windows.iter().filter(|window| window.a == a).collect()
}

fn findings<'r>(report: &'r Report, code: &str) -> Vec<&'r Finding> {
    report.findings.iter().filter(|finding| finding.code == code).collect()
}

#[test]
fn a_clear_tunnel_is_clear_text_of_both_pairs_and_each_frame_counts_once() {
    for (name, app, wrap) in TUNNELS {
        let packets = vec![wrap(OUTER, &clear()); 3];
        let protect = ["--protect", BETWEEN_OUTER, "--protect", BETWEEN_INNER];
        let report = report(&packets, &protect, "");
        assert_eq!((report.totals.frames, report.totals.by_class.clear.frames), (3, 3), "{name}");
        assert_eq!(report.verdict, "unprotected", "{name}");
        let [outer] = windows(&report, "10.1.0.11")[..] else { panic!("{name}") };
        let [inner] = windows(&report, "192.168.7.1")[..] else { panic!("{name}") };
        assert_eq!((outer.frames, inner.frames), (3, 3), "{name}");
        assert_eq!(outer.apps[0].app, app, "{name}");
        assert_eq!(outer.same_frames_as, std::slice::from_ref(&inner.id), "{name}");
        assert_eq!(inner.same_frames_as, std::slice::from_ref(&outer.id), "{name}");
        assert_eq!((outer.shared_frames, inner.shared_frames), (3, 0), "{name}");
        assert_eq!(pair(&report, "192.168.7.1").inside_of, ["10.1.0.11 - 10.1.0.20"], "{name}");
        assert_eq!(pair(&report, "10.1.0.11").tunnel_frames, 3, "{name}");
        assert!(pair(&report, "10.1.0.11").inside_of.is_empty(), "{name}");
    }
}

#[test]
fn each_pair_is_judged_by_its_own_rule() {
    let packets = vec![TUNNELS[0].2(OUTER, &clear()); 3];
    let exempt = |between: &str, protect: &str| {
        let sides = |text: &str| text.replace('=', "\", \"");
        format!(
            "[[exempt]]\nbetween = [\"{}\"]\n[[protect]]\nbetween = [\"{}\"]\n",
            sides(between),
            sides(protect)
        )
    };
    let inner_only = report(&packets, &[], &exempt(BETWEEN_OUTER, BETWEEN_INNER));
    assert_eq!(windows(&inner_only, "192.168.7.1").len(), 1);
    assert!(windows(&inner_only, "10.1.0.11").is_empty());
    assert_eq!(inner_only.verdict, "unprotected");
    let outer_only = report(&packets, &[], &exempt(BETWEEN_INNER, BETWEEN_OUTER));
    assert_eq!(windows(&outer_only, "10.1.0.11").len(), 1);
    assert!(windows(&outer_only, "192.168.7.1").is_empty());
    assert_eq!(outer_only.windows[0].shared_frames, 0);
    assert_eq!(outer_only.verdict, "unprotected");
    // The frame keeps its own class: that of the packet inside, which the policy exempts.
    assert_eq!(outer_only.totals.by_class.exempt.frames, 3);
}

#[test]
fn a_tunnel_around_esp_is_an_observation_until_a_rule_names_its_protocol() {
    let packets: Vec<Vec<u8>> = (1..=20).map(|n| TUNNELS[0].2(OUTER, &esp(n))).collect();
    let all = report(&packets, &["--protect", BETWEEN_OUTER], "");
    assert!(all.windows.is_empty());
    assert_eq!(findings(&all, "tunnel_around_protected").len(), 1);
    assert!(findings(&all, "rule_without_traffic").is_empty());
    assert_eq!(all.totals.by_class.esp.frames, 20);
    assert_eq!(all.totals.by_class.clear.frames, 0);
    let named = report(
        &packets,
        &[],
        "[[protect]]\nbetween = [\"10.1.0.11\", \"10.1.0.20\"]\nprotocol = 47\n",
    );
    assert_eq!(windows(&named, "10.1.0.11").len(), 1);
    let severities: Vec<&str> =
        findings(&named, "cleartext_window").iter().map(|f| f.severity.as_str()).collect();
    assert_eq!(severities, ["low"]);
}

#[test]
fn tunnels_in_tunnels_are_traffic_of_every_pair_that_they_pass() {
    let (gre, ipip) = (TUNNELS[0].2, TUNNELS[1].2);
    let packets = vec![gre(OUTER, &ipip(MIDDLE, &clear())); 2];
    let protect = ["--protect", "0.0.0.0/0=0.0.0.0/0"];
    let report = report(&packets, &protect, "");
    assert_eq!((report.totals.frames, report.windows.len()), (2, 3));
    assert!(report.windows.iter().all(|w| w.same_frames_as.len() == 2 && w.frames == 2));
    let counted: u64 = report.windows.iter().map(|w| w.frames - w.shared_frames).sum();
    assert_eq!(counted, 2);
    let around = &pair(&report, "192.168.7.1").inside_of;
    assert_eq!(around[..], ["10.1.0.11 - 10.1.0.20", "172.16.0.1 - 172.16.0.2"]);
}

#[test]
fn a_tunnel_whose_inside_was_cut_off_is_clear_text_of_the_outer_pair() {
    let whole = ethernet(&TUNNELS[0].2(OUTER, &clear()));
    // Ethernet, IPv4, GRE and half an IPv4 header.
    let cut = &whole[..14 + 20 + 4 + 10];
    let mut file = tempfile::NamedTempFile::with_suffix(".pcap").unwrap();
    let mut bytes = pcap(Order::Little, 0xa1b2_c3d4, &[(1_000, 0, cut)]);
    let wire = u32::try_from(whole.len()).unwrap().to_le_bytes();
    bytes[24 + 12..24 + 16].copy_from_slice(&wire);
    file.write_all(&bytes).unwrap();
    let report = analyze(&[file.path()], &["--protect", BETWEEN_OUTER]);
    assert_eq!(report.totals.by_class.undecodable.frames, 1);
    assert_eq!(windows(&report, "10.1.0.11").len(), 1);
}

#[test]
fn l2tp_between_hosts_without_a_sign_of_ipsec_is_a_question() {
    let packets = vec![TUNNELS[8].2(OUTER, &clear()); 3];
    let report = report(&packets, &[], "");
    assert_eq!(report.verdict, "no_expectation");
    assert!(report.windows.is_empty());
    assert_eq!(findings(&report, "l2tp_without_ipsec").len(), 1);
    let gre = self::report(&vec![TUNNELS[0].2(OUTER, &clear()); 3], &[], "");
    assert!(findings(&gre, "l2tp_without_ipsec").is_empty());
}

/// ESP in tunnel mode whose payload is a packet of so many bytes, under AES-GCM: the packet, and two of
/// trailer, to a multiple of four.
fn esp_around(packet_len: usize, number: u8) -> Vec<u8> {
    let padded = (packet_len + 2).next_multiple_of(4);
    let body = opaque(number, 8 + padded + 16);
    ip(OUTER, 50, &[&[0xc3, 1, 2, 3, 0, 0, 0, number][..], &body].concat())
}

#[test]
fn a_tunnel_that_was_inside_esp_and_shows_again_decrypted_is_no_leak() {
    let mut frames = Vec::new();
    for number in 1..=12u32 {
        let inside = [clear(), vec![7; number as usize % 5 * 9]].concat();
        let [high, low] = sixteen(inside.len());
        let mut inside = inside;
        (inside[2], inside[3]) = (high, low);
        let tunnel = TUNNELS[0].2(OUTER, &inside);
        let esp = esp_around(tunnel.len(), u8::try_from(number).unwrap());
        frames.push((1_000 + number, 0, ethernet(&esp)));
        frames.push((1_000 + number, 500, ethernet(&tunnel)));
    }
    let frames: Vec<(u32, u32, &[u8])> = frames.iter().map(|(s, u, f)| (*s, *u, &f[..])).collect();
    let mut file = tempfile::NamedTempFile::with_suffix(".pcap").unwrap();
    file.write_all(&pcap(Order::Little, 0xa1b2_c3d4, &frames)).unwrap();
    let report = analyze(&[file.path()], &["--protect", "0.0.0.0/0=0.0.0.0/0"]);
    assert_eq!(report.windows.len(), 0, "{:?}", report.windows);
    assert_eq!(report.totals.artefacts.get("decrypted_twin").map(|c| c.frames), Some(12));
}

/// An outer packet in two fragments, the first of which shows the whole inner header.
fn in_fragments(packet: &[u8], number: u8) -> [Vec<u8>; 2] {
    let (header, body) = packet.split_at(20);
    let (first, later) = body.split_at(72);
    let piece = |body: &[u8], place: [u8; 2]| {
        let mut header = header.to_vec();
        header[2..4].copy_from_slice(&sixteen(20 + body.len()));
        header[4..8].copy_from_slice(&[0, number, place[0], place[1]]);
        [&header[..], body].concat()
    };
    [piece(first, [0x20, 0]), piece(later, [0, 9])]
}

#[test]
fn a_first_fragment_shows_what_its_tunnel_carries() {
    for (name, _, around) in TUNNELS {
        let inside = [clear(), vec![b'.'; 60]].concat();
        let [high, low] = sixteen(inside.len());
        let mut inside = inside;
        (inside[2], inside[3]) = (high, low);
        let packets: Vec<Vec<u8>> =
            (1..=6).flat_map(|n| in_fragments(&around(OUTER, &inside), n)).collect();
        let report = report(&packets, &["--protect", BETWEEN_INNER], "");
        assert_eq!(report.verdict, "unprotected", "{name}");
        assert_eq!(pair(&report, "192.168.7.1").frames, 6, "{name}");
    }
}

#[test]
fn ethernet_in_ip_and_whole_frames_of_multilink_ppp_are_entered() {
    let ether = ip(OUTER, 97, &[&[0x30, 0][..], &ethernet(&clear())].concat());
    let [high, low] = sixteen(clear().len() + 16);
    let head = [0x40, 2, high, low, 0, 5, 0, 6, 0xff, 3, 0, 0x3d, 0xc0, 0, 0, 9, 0, 0x21];
    let length = sixteen(head.len() + clear().len());
    let mut multilink = [&head[..], &clear()].concat();
    multilink[2..4].copy_from_slice(&length);
    let multilink = ip(OUTER, 17, &udp((1701, 1701), &multilink));
    for packet in [ether, multilink] {
        let report = report(&vec![packet; 3], &["--protect", BETWEEN_INNER], "");
        assert_eq!(report.verdict, "unprotected");
    }
}

#[test]
fn more_packets_around_than_are_followed_limit_the_verdict() {
    let deep = (0..5).fold(clear(), |packet, _| ip(OUTER, 4, &packet));
    let report = report(&vec![deep; 3], &["--protect", BETWEEN_INNER], "");
    assert_eq!(report.verdict, "not_determined");
    assert!(report.verdict_limits.iter().any(|limit| limit.code == "undecodable"));
}

#[test]
fn a_source_route_names_the_host_that_the_packet_is_for() {
    let mut routed = clear();
    let body = routed.split_off(20);
    routed[16..20].copy_from_slice(&[10, 1, 0, 1]);
    routed.extend([1, 131, 7, 4]);
    routed.extend(INNER.1);
    routed[0] = 0x47;
    let length = sixteen(28 + body.len());
    routed[2..4].copy_from_slice(&length);
    routed.extend(body);
    let report = report(&vec![routed; 3], &["--protect", BETWEEN_INNER], "");
    assert_eq!((report.verdict.as_str(), report.pairs.len()), ("unprotected", 1));
}

#[test]
fn a_tunnel_without_ports_has_no_opener_that_a_rule_could_ask_for() {
    let policy =
        "[[protect]]\nbetween = [\"10.1.0.11\", \"10.1.0.20\"]\nopened_by = \"10.1.0.11\"\n";
    for (name, _, wrap) in &TUNNELS[..2] {
        let report = report(&vec![wrap(OUTER, &clear()); 3], &[], policy);
        let outer = pair(&report, "10.1.0.11");
        let limits: Vec<&str> = outer.verdict_limits.iter().map(|limit| &*limit.code).collect();
        assert!(limits.contains(&"opener_unknown"), "{name}: {limits:?} {}", outer.verdict);
        assert_ne!(report.verdict, "protected", "{name}");
    }
}
