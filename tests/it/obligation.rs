//! What had to be protected without a policy, and what follows from attempts alone
//! (docs/method-and-limits.md, "What had to be protected").

use crate::support::ike_builder::{Message, init};
use crate::support::pcapng::{Order, pcap};
use crate::support::program::{analyze, analyze_status};
use etherparse::PacketBuilder;
use plainsight::report::schema::Report;
use std::io::Write as _;

/// The last byte of an address of 10.0.0.0/24.
type Host = u8;

/// A frame and the second at which it is sent.
type Sent = (u32, Vec<u8>);

fn builder(from: Host, to: Host) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, from], [2, 0, 0, 0, 0, to]).ipv4(
        [10, 0, 0, from],
        [10, 0, 0, to],
        64,
    )
}

fn udp(second: u32, from: (Host, u16), to: (Host, u16), payload: &[u8]) -> Sent {
    let mut frame = Vec::new();
    builder(from.0, to.0).udp(from.1, to.1).write(&mut frame, payload).unwrap();
    (second, frame)
}

/// A packet of UDP port 7001 with ten bytes.
fn clear(second: u32, from: Host, to: Host) -> Sent {
    udp(second, (from, 40_000), (to, 7001), b"some words")
}

fn syn(second: u32, from: Host, to: Host) -> Sent {
    let mut frame = Vec::new();
    builder(from, to).tcp(40_000, 8080, 1, 1000).syn().write(&mut frame, &[]).unwrap();
    (second, frame)
}

/// The first message of IKEv2 under a cookie of its own.
fn ike(second: u32, from: Host, to: Host, cookie: u64) -> Sent {
    let message = Message::v2(34, 0, &[(40, vec![7; 32])]).spis(cookie, 0);
    udp(second, (from, 500), (to, 500), &message.bytes())
}

/// A refusal of it: NO_PROPOSAL_CHOSEN (RFC 7296 §3.10.1).
fn refusal(second: u32, from: Host, to: Host, cookie: u64) -> Sent {
    let message = Message::v2(34, 0, &[(41, vec![0, 0, 0, 14])]).answer().spis(cookie, 9);
    udp(second, (from, 500), (to, 500), &message.bytes())
}

fn judged(sent: &[Sent], options: &[&str]) -> Report {
    let frames: Vec<(u32, u32, &[u8])> =
        sent.iter().map(|(second, frame)| (1_700_000_000 + second, 0, &frame[..])).collect();
    let mut file = tempfile::NamedTempFile::with_suffix(".pcap").unwrap();
    file.write_all(&pcap(Order::Little, 0xa1b2_c3d4, &frames)).unwrap();
    analyze(&[file.path()], options)
}

/// Expectation, verdict and windows of hosts 1 and 2, and the severity of the worst finding.
fn outcome(sent: &[Sent]) -> (String, String, usize, String) {
    let report = judged(sent, &[]);
    let pair = report.pairs.iter().find(|p| p.a == "10.0.0.1" && p.b == "10.0.0.2").unwrap();
    let of_pair = |f: &&plainsight::report::schema::Finding| f.code == "cleartext_window";
    let severity = report.findings.iter().find(of_pair).map_or("none", |f| &f.severity);
    let windows = report.windows.iter().filter(|w| w.a == pair.a && w.b == pair.b).count();
    (pair.expectation.clone(), pair.verdict.clone(), windows, severity.to_owned())
}

fn attempted() -> (String, String, usize, String) {
    ("attempted".to_owned(), "no_expectation".to_owned(), 1, "medium".to_owned())
}

fn nothing() -> (String, String, usize, String) {
    ("none".to_owned(), "no_expectation".to_owned(), 0, "none".to_owned())
}

#[test]
fn one_unanswered_request_counts_where_its_sender_goes_on_in_clear_within_five_seconds() {
    assert_eq!(outcome(&[ike(0, 1, 2, 7), clear(5, 1, 2)]), attempted());
    assert_eq!(outcome(&[ike(0, 1, 2, 7), clear(6, 1, 2)]), nothing());
    // Another sender's clear packet is no fall-back.
    assert_eq!(outcome(&[ike(0, 1, 2, 7), clear(4, 2, 1)]), nothing());
}

#[test]
fn a_request_that_is_still_being_repeated_is_followed_by_what_its_sender_sends_meanwhile() {
    // The next one was to come eight seconds after the last.
    let asked = [ike(0, 1, 2, 7), ike(2, 1, 2, 7), ike(6, 1, 2, 7)];
    for (second, expected) in [(13, attempted()), (14, attempted()), (15, nothing())] {
        let sent: Vec<Sent> = asked.iter().cloned().chain([clear(second, 1, 2)]).collect();
        assert_eq!(outcome(&sent), expected, "{second}");
    }
    // The peer's clear packet follows from nothing.
    let sent: Vec<Sent> = asked.iter().cloned().chain([clear(13, 2, 1)]).collect();
    assert_eq!(outcome(&sent), nothing());
}

#[test]
fn a_request_directly_after_the_peers_clear_packet_is_the_hosts_own() {
    assert_eq!(outcome(&[clear(0, 1, 2), ike(1, 2, 1, 7)]), attempted());
    assert_eq!(outcome(&[clear(0, 1, 2), ike(60, 2, 1, 7)]), nothing());
}

#[test]
fn a_refusal_or_a_second_attempt_counts_within_five_minutes() {
    for (second, expected) in [(200, attempted()), (400, nothing())] {
        let refused = [ike(0, 1, 2, 7), refusal(0, 2, 1, 7), clear(second, 1, 2)];
        assert_eq!(outcome(&refused), expected, "{second}");
        let twice = [ike(0, 1, 2, 7), ike(1, 1, 2, 8), clear(second, 1, 2)];
        assert_eq!(outcome(&twice), expected, "{second}");
    }
    // Retransmissions are one attempt.
    let again = [ike(0, 1, 2, 7), ike(1, 1, 2, 7), ike(3, 1, 2, 7), clear(200, 1, 2)];
    assert_eq!(outcome(&again), nothing());
}

#[test]
fn two_hosts_that_ask_each_other_require_protection() {
    let (expectation, verdict, windows, severity) =
        outcome(&[ike(0, 1, 2, 7), ike(20, 2, 1, 8), clear(60, 1, 2)]);
    assert_eq!((expectation.as_str(), verdict.as_str()), ("required", "unprotected"));
    assert_eq!((windows, severity.as_str()), (1, "medium"));
}

#[test]
fn a_host_that_asks_ten_others_without_an_answer_is_a_scanner() {
    let scan = |hosts: u8| -> Vec<Sent> {
        let asked = (2..2 + hosts).map(|host| ike(0, 1, host, u64::from(host)));
        asked.chain([clear(2, 1, 2)]).collect()
    };
    assert_eq!(outcome(&scan(9)), attempted());
    assert_eq!(outcome(&scan(10)), nothing());
    let report = judged(&scan(10), &[]);
    assert!(report.findings.iter().any(|f| f.code == "ike_scan" && f.severity == "info"));
}

#[test]
fn a_host_that_talks_with_those_it_asked_is_no_scanner() {
    // Twelve hosts whose IKE is down; the one that asks falls back within a second.
    let asked = (2..14).flat_map(|host| {
        let second = u32::from(host);
        let request = ike(second, 1, host, u64::from(host));
        [request, clear(second + 1, 1, host), clear(second + 1, host, 1)]
    });
    let report = judged(&asked.collect::<Vec<Sent>>(), &[]);
    assert!(report.findings.iter().all(|finding| finding.code != "ike_scan"));
    assert!(report.verdict_limits.iter().any(|limit| limit.code == "obligation_not_proven"));
    assert_eq!(report.windows.len(), 12);
}

#[test]
fn an_answer_with_room_for_a_child_sa_proves_none() {
    let sent = |second: u32, from: Host, to: Host, message: Message| {
        udp(second, (from, 500), (to, 500), &message.bytes())
    };
    let opening = init();
    let mut talk = vec![
        sent(0, 1, 2, opening.clone()),
        sent(0, 2, 1, opening.answer()),
        sent(1, 1, 2, Message::v2_encrypted(35, 1, 300)),
        sent(1, 2, 1, Message::v2_encrypted(35, 1, 224).answer()),
    ];
    talk.extend([clear(3, 1, 2), clear(3, 2, 1)]);
    assert_eq!(outcome(&talk), attempted());
    let esp = |number: u8| {
        let body = [&[9, 9, 9, 9, 0, 0, 0, number][..], &[0xa7; 64]].concat();
        let mut frame = Vec::new();
        builder(1, 2).write(&mut frame, etherparse::IpNumber(50), &body).unwrap();
        (2, frame)
    };
    talk.extend([esp(1), esp(2)]);
    talk.sort_by_key(|(second, _)| *second);
    assert_eq!(outcome(&talk).0, "required");
}

#[test]
fn attempts_limit_the_verdict_and_say_so() {
    let report = judged(&[ike(0, 1, 2, 7), clear(1, 1, 2)], &[]);
    assert_eq!(report.verdict, "no_expectation");
    let codes = |limits: &[plainsight::report::schema::VerdictLimit]| -> Vec<String> {
        limits.iter().map(|limit| limit.code.clone()).collect()
    };
    assert_eq!(codes(&report.verdict_limits), ["obligation_not_proven"]);
    assert_eq!(codes(&report.pairs[0].verdict_limits), ["obligation_not_proven"]);
    assert_eq!(report.windows[0].expectation, "attempted");
}

#[test]
fn windows_say_what_left_and_a_window_without_payload_is_low() {
    let protect = ["--protect", "10.0.0.1=10.0.0.2"];
    let report = judged(&[syn(0, 1, 2), syn(1, 1, 2), syn(3, 1, 2)], &protect);
    let severity = |report: &Report| {
        let of_window = |f: &&plainsight::report::schema::Finding| f.code == "cleartext_window";
        report.findings.iter().find(of_window).map(|f| f.severity.clone()).unwrap()
    };
    assert_eq!(severity(&report), "low");
    let window = &report.windows[0];
    assert_eq!((window.a_to_b.packets, window.a_to_b.payload_bytes), (3, 0));
    assert_eq!((window.b_to_a.packets, window.a_to_b.answered), (0, false));
    assert_eq!(window.duration_seconds.get(), "3.0");

    let report = judged(&[clear(0, 1, 2), clear(1, 2, 1), clear(2, 1, 2)], &protect);
    assert_eq!(severity(&report), "critical");
    let window = &report.windows[0];
    assert_eq!((window.a_to_b.payload_bytes, window.b_to_a.payload_bytes), (20, 10));
    assert!(window.a_to_b.answered);
}

#[test]
fn a_span_that_ends_before_it_begins_is_a_wrong_argument() {
    let mut file = tempfile::NamedTempFile::with_suffix(".pcap").unwrap();
    let (_, frame) = clear(0, 1, 2);
    let frames: [(u32, u32, &[u8]); 1] = [(1_700_000_000, 0, &frame)];
    file.write_all(&pcap(Order::Little, 0xa1b2_c3d4, &frames)).unwrap();
    let (early, late) = ("2023-11-14T00:00:00Z", "2023-11-15T00:00:00Z");
    assert_eq!(analyze_status(&[file.path()], &["--from", late, "--to", early]), 2);
    assert_eq!(analyze_status(&[file.path()], &["--from", early, "--to", late]), 0);
    let report = analyze(&[file.path()], &["--from", late]);
    assert!(report.findings.iter().any(|f| f.code == "span_without_evidence"));
}

#[test]
fn smb_from_the_port_of_kerberos_is_not_exempt_and_kerberos_is() {
    let tcp = |second, from: (Host, u16), to: (Host, u16), is_syn: bool, payload: &[u8]| -> Sent {
        let mut frame = Vec::new();
        let step = builder(from.0, to.0).tcp(from.1, to.1, 1, 1000);
        let step = if is_syn { step.syn() } else { step.ack(1) };
        step.write(&mut frame, payload).unwrap();
        (second, frame)
    };
    let talk = |ours: u16, theirs: u16| {
        [
            tcp(0, (1, ours), (2, theirs), true, &[]),
            tcp(0, (1, ours), (2, theirs), false, b"\x01words of no known protocol"),
            tcp(1, (2, theirs), (1, ours), false, b"\x01other words"),
        ]
    };
    let mut policy = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    policy
        .write_all(b"default_exemptions = \"windows-2000\"\n[[protect]]\nbetween = [\"10.0.0.1\", \"10.0.0.2\"]\n")
        .unwrap();
    let options = ["--policy", policy.path().to_str().unwrap()];
    let borrowed = judged(&talk(88, 4_444), &options);
    assert_eq!(borrowed.windows.iter().map(|w| w.frames).sum::<u64>(), 3);
    let abuse = borrowed.findings.iter().find(|f| f.code == "exemption_abuse").unwrap();
    assert!(abuse.title.contains("3 packets"), "{}", abuse.title);
    let kerberos = judged(&talk(40_000, 88), &options);
    assert!(kerberos.windows.is_empty());
}
