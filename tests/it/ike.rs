//! Negotiations made to order: what each says, how it ended, and the frames that show it.

use crate::support::ike_builder::{
    Message, capture, clear, init, key_exchange, nonce, notify_v2, offer, on_500, only, report_of,
    sa_v1, udp, write,
};
use etherparse::PacketBuilder;

fn esp(from: u8, to: u8, spi: u32) -> Vec<u8> {
    let mut frame = Vec::new();
    let body = [&spi.to_be_bytes()[..], &[0, 0, 0, 1], &opaque(spi)].concat();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        .write(&mut frame, etherparse::IpNumber(50), &body)
        .unwrap();
    frame
}

/// Bytes as encryption leaves them: no text, no padding, no header.
fn opaque(seed: u32) -> [u8; 64] {
    let mut state = u64::from(seed) | 1;
    std::array::from_fn(|_| {
        // Xorshift (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    })
}

#[test]
fn a_silent_peer_is_recognized_by_the_repeated_request() {
    let frames: Vec<_> = [0, 500, 1500, 3500]
        .into_iter()
        .map(|ms| (ms, on_500(true, &init())))
        .chain([(9000, clear(1, 2))])
        .collect();
    // A capture that shows the sender receive something would show an answer.
    let with_both_ways = [&frames[..3], &[(2000, clear(3, 1))], &frames[3..]].concat();
    assert_eq!(only(&report_of(&with_both_ways)).confidence, "high");
    let report = report_of(&frames);
    let reported = only(&report);
    assert_eq!(
        (reported.outcome.as_str(), reported.reason.as_deref()),
        ("no_response", Some("no_response"))
    );
    assert_eq!(
        (reported.messages, reported.retransmissions, reported.confidence.as_str()),
        (4, 3, "medium")
    );
    let seconds: Vec<String> =
        reported.resent_after_seconds.iter().map(ToString::to_string).collect();
    assert_eq!(seconds, ["0.5", "1.5", "3.5"]);
    assert!(reported.ladder[1].repeated && !reported.ladder[0].repeated);
}

#[test]
fn a_request_at_the_very_end_of_a_capture_proves_no_silence() {
    let report = report_of(&[(0, clear(1, 2)), (1000, on_500(true, &init()))]);
    assert_eq!(only(&report).outcome, "incomplete");
}

#[test]
fn one_direction_alone_is_distinguished_from_a_silent_peer() {
    let auth = Message::v2_encrypted(35, 1, 200);
    let report =
        report_of(&[(0, on_500(true, &init())), (100, on_500(true, &auth)), (9000, clear(1, 2))]);
    let reported = only(&report);
    assert!(reported.one_way);
    assert_eq!((reported.outcome.as_str(), reported.reason.as_deref()), ("incomplete", None));
    assert_eq!(reported.state, "only one direction is in the capture");
}

#[test]
fn icmp_errors_about_ike_are_counted_with_the_negotiation() {
    let request = on_500(true, &init());
    let mut error = Vec::new();
    let quoted = &request[14..14 + 28 + 28];
    PacketBuilder::ethernet2([4; 6], [2; 6])
        .ipv4([10, 0, 0, 2], [10, 0, 0, 1], 64)
        .icmpv4_raw(3, 3, [0; 4])
        .write(&mut error, quoted)
        .unwrap();
    let report = report_of(&[(0, request), (1, error), (5000, clear(1, 2))]);
    let reported = only(&report);
    assert_eq!(reported.messages, 1, "what is quoted is no message");
    assert_eq!(reported.icmp_errors.get("port_unreachable"), Some(&1));
}

#[test]
fn cookie_and_invalid_ke_rounds_are_one_attempt() {
    let cookie =
        Message::v2(34, 0, &[notify_v2(16390, &[1; 8])]).answer().spis(0x1111_2222_3333_4444, 0);
    let again =
        Message::v2(34, 0, &[notify_v2(16390, &[1; 8]), offer(14), key_exchange(14), nonce()]);
    let wrong_group = Message::v2(34, 0, &[notify_v2(17, &[0, 19])]).answer();
    let third = Message::v2(34, 0, &[offer(19), key_exchange(19), nonce()]);
    let accepted = third.clone().answer();
    let report = report_of(&[
        (0, on_500(true, &init())),
        (1, on_500(false, &cookie)),
        (2, on_500(true, &again)),
        (3, on_500(false, &wrong_group)),
        (4, on_500(true, &third)),
        (5, on_500(false, &accepted)),
        (6, on_500(true, &Message::v2_encrypted(35, 1, 220))),
        (7, on_500(false, &Message::v2_encrypted(35, 1, 220).answer())),
        (20, esp(1, 2, 0xc0de)),
    ]);
    let reported = only(&report);
    assert_eq!((reported.outcome.as_str(), reported.inferred), ("established", false));
    assert_eq!((reported.messages, reported.retransmissions), (8, 0));
    assert_eq!(
        reported.chosen.as_deref(),
        Some("AES-CBC-256/HMAC-SHA2-256-128/PRF-HMAC-SHA2-256/ECP-256")
    );
    assert_eq!(reported.notifies, ["COOKIE", "INVALID_KE_PAYLOAD"]);
    assert_eq!(reported.ladder[1].what, "IKE_SA_INIT response 0: COOKIE");
}

#[test]
fn a_group_that_is_never_agreed_on_is_named() {
    let wrong_group = Message::v2(34, 0, &[notify_v2(17, &[0, 19])]).answer();
    let report = report_of(&[(0, on_500(true, &init())), (1, on_500(false, &wrong_group))]);
    let reported = only(&report);
    assert_eq!(
        (reported.outcome.as_str(), reported.reason.as_deref()),
        ("failed", Some("invalid_ke"))
    );
    let mismatch = "group: MODP-2048 against ECP-256, which the responder asked for";
    assert_eq!(reported.mismatch.as_deref(), Some(mismatch));
}

#[test]
fn two_offers_that_share_no_group_are_compared() {
    let refused = |spi| Message::v2(34, 0, &[notify_v2(14, &[])]).answer().spis(spi, 1);
    let other = Message::v2(34, 0, &[offer(2), key_exchange(2), nonce()]).spis(77, 0);
    let report = report_of(&[
        (0, on_500(true, &init())),
        (1, on_500(false, &refused(0x1111_2222_3333_4444))),
        (5000, on_500(false, &other)),
        (5001, on_500(true, &refused(77))),
    ]);
    let reported: Vec<_> = report.ike_exchanges.iter().map(|x| x.mismatch.as_deref()).collect();
    let expected =
        [Some("group: MODP-2048 against MODP-1024"), Some("group: MODP-1024 against MODP-2048")];
    assert_eq!(reported, expected);
    assert_eq!(report.ike_exchanges[1].weak, ["MODP-1024"]);
}

#[test]
fn both_sides_at_once_are_linked() {
    let mine = init();
    let theirs = init().spis(99, 0);
    let report = report_of(&[
        (0, on_500(true, &mine)),
        (1, on_500(false, &theirs)),
        (2, on_500(false, &mine.clone().answer())),
        (3, on_500(true, &theirs.clone().answer().spis(99, 5))),
    ]);
    let reported: Vec<_> = report.ike_exchanges.iter().map(|x| x.simultaneous.as_deref()).collect();
    assert_eq!(reported, [Some("X2"), Some("X1")]);
}

#[test]
fn an_ike_sa_that_is_rekeyed_is_linked_to_the_one_that_replaces_it() {
    let new = |m: Message| m.spis(0xaaaa, 0xbbbb);
    let accepted = init().answer();
    let answered = |exchange, id, bytes| Message::v2_encrypted(exchange, id, bytes).answer();
    let report = report_of(&[
        (0, on_500(true, &init())),
        (1, on_500(false, &accepted)),
        (2, on_500(true, &Message::v2_encrypted(35, 1, 220))),
        (3, on_500(false, &answered(35, 1, 220))),
        (10, esp(1, 2, 0xc0de)),
        (60_000, on_500(true, &Message::v2_encrypted(36, 2, 200))),
        (60_001, on_500(false, &answered(36, 2, 200))),
        (60_002, on_500(true, &Message::v2_encrypted(37, 3, 64))),
        (60_003, on_500(false, &answered(37, 3, 48))),
        (61_000, esp(1, 2, 0xc0de)),
        (90_000, on_500(true, &new(Message::v2_encrypted(37, 0, 48)))),
        (90_001, on_500(false, &new(answered(37, 0, 48)))),
        (95_000, esp(1, 2, 0xc0de)),
    ]);
    let [old, new] = report.ike_exchanges.as_slice() else { panic!("not two") };
    assert_eq!((old.outcome.as_str(), old.replaced_by.as_deref()), ("ended", Some("X2")));
    assert_eq!((new.outcome.as_str(), new.replaces.as_deref()), ("established", Some("X1")));
    assert!(!new.start_seen);
}

/// Six messages of main mode with a pre-shared key, up to the one with this number.
fn main_mode(until: usize) -> Vec<(u32, Vec<u8>)> {
    let sa = sa_v1(&[(1, 7), (14, 128), (2, 2), (3, 1), (4, 2)]);
    let keys = [(4, vec![3; 128]), (10, vec![5; 16])];
    let clear = |payloads: &[(u8, Vec<u8>)]| Message::v1(2, payloads);
    let spi = 0x1111_2222_3333_4444;
    let messages = [
        clear(std::slice::from_ref(&sa)),
        clear(std::slice::from_ref(&sa)).answer(),
        clear(&keys).spis(spi, 0x5555_6666_7777_8888),
        clear(&[(4, vec![4; 128]), (10, vec![6; 16])]).answer(),
        Message::v1_encrypted(2, 0, 60),
        Message::v1_encrypted(2, 0, 61),
    ];
    let frames = messages.iter().take(until).enumerate();
    frames.map(|(at, m)| (u32::try_from(at).unwrap(), on_500(at % 2 == 0, m))).collect()
}

#[test]
fn main_mode_repeated_from_message_five_betrays_a_wrong_key() {
    let mut frames = main_mode(5);
    let (fourth, fifth) = (frames[3].1.clone(), frames[4].1.clone());
    frames.extend([(2000, fifth.clone()), (2001, fourth), (6000, fifth), (9000, clear(1, 2))]);
    let reported = report_of(&frames);
    let reported = only(&reported);
    assert_eq!(reported.outcome, "authentication_suspected");
    assert_eq!(reported.reason.as_deref(), Some("psk_mismatch_suspected"));
    assert_eq!((reported.inferred, reported.confidence.as_str()), (true, "medium"));
    assert_eq!(reported.proof.iter().map(|f| f.frame).collect::<Vec<_>>(), [5, 7, 8]);
}

#[test]
fn an_informational_message_right_behind_message_five_betrays_it_too() {
    let mut frames = main_mode(5);
    frames.push((100, on_500(false, &Message::v1_encrypted(5, 0xabcd, 64))));
    let reported = report_of(&frames);
    assert_eq!(only(&reported).reason.as_deref(), Some("psk_mismatch_suspected"));
}

#[test]
fn phase_one_alone_is_neither_success_nor_failure() {
    let mut frames = main_mode(6);
    frames.push((9000, clear(1, 2)));
    let reported = report_of(&frames);
    assert_eq!(only(&reported).outcome, "incomplete");
}

#[test]
fn aggressive_mode_with_a_key_and_ikev1_are_findings() {
    let sa = sa_v1(&[(1, 5), (2, 1), (3, 1), (4, 2)]);
    let first = Message::v1(4, &[sa.clone(), (5, vec![1, 0, 0, 0, 10, 0, 0, 1])]);
    let second = Message::v1(4, &[sa, (5, vec![2, 0, 0, 0, b'g', b'w']), (8, vec![7; 16])]);
    let report = report_of(&[(0, on_500(true, &first)), (1, on_500(false, &second.answer()))]);
    let codes: Vec<_> = report.findings.iter().map(|f| f.code.as_str()).collect();
    for code in ["aggressive_mode_psk", "ikev1_in_use", "weak_algorithm_chosen"] {
        assert!(codes.contains(&code), "{codes:?}");
    }
    let reported = only(&report);
    assert_eq!(reported.identities, ["10.0.0.1", "gw"]);
    assert_eq!(reported.weak, ["3DES-CBC", "MD5", "MODP-1024"]);
}

#[test]
fn nat_detection_shows_whose_address_was_translated() {
    use sha1::Digest;
    let hash = |address: [u8; 4], port: u16| {
        let mut hashed = 0x1111_2222_3333_4444u64.to_be_bytes().to_vec();
        hashed.extend([0; 8]);
        hashed.extend(address);
        hashed.extend(port.to_be_bytes());
        sha1::Sha1::digest(&hashed).to_vec()
    };
    let with = |source: Vec<u8>| {
        let payloads =
            [offer(14), notify_v2(16388, &source), notify_v2(16389, &hash([10, 0, 0, 2], 500))];
        Message::v2(34, 0, &payloads)
    };
    let direct = report_of(&[(0, on_500(true, &with(hash([10, 0, 0, 1], 500))))]);
    assert_eq!(
        (only(&direct).nat_initiator, only(&direct).nat_responder),
        (Some(false), Some(false))
    );
    let behind = report_of(&[(0, on_500(true, &with(hash([192, 168, 1, 5], 500))))]);
    assert_eq!(
        (only(&behind).nat_initiator, only(&behind).nat_responder),
        (Some(true), Some(false))
    );
    let moved = [&[0; 4][..], &Message::v2_encrypted(35, 1, 200).bytes()].concat();
    let report = report_of(&[
        (0, on_500(true, &init())),
        (1, on_500(false, &init().answer())),
        (2, udp(1, 2, (4500, 4500), &moved)),
    ]);
    assert!(only(&report).moved_to_4500);
}

#[test]
fn the_windows_vendor_id_shows_the_generation() {
    let id = [
        0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d, 0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87, 0xe4,
        0x61, 0, 0, 0, 4,
    ];
    let report =
        report_of(&[(0, on_500(true, &Message::v2(34, 0, &[offer(14), (43, id.to_vec())])))]);
    assert_eq!(only(&report).vendor_ids, ["Windows Server 2003"]);
}

#[test]
fn authip_is_recognized_by_its_exchange_types() {
    let main = Message::v1(243, &[(133, vec![0; 4]), (13, vec![1; 16])]);
    let report = report_of(&[(0, on_500(true, &main)), (1, on_500(false, &main.clone().answer()))]);
    let reported = only(&report);
    assert_eq!((reported.version.as_str(), reported.kind.as_str()), ("authip", "AuthIP main mode"));
    assert_eq!(reported.ladder[0].what, "AuthIP main mode: Crypto, VID");
}

#[test]
fn an_intermediate_exchange_without_answer_and_a_redirect_are_reported() {
    let intermediate = on_500(true, &Message::v2_encrypted(43, 1, 1200));
    let report = report_of(&[
        (0, on_500(true, &init())),
        (1, on_500(false, &init().answer())),
        (2, intermediate.clone()),
        (2000, intermediate),
        (9000, clear(1, 2)),
    ]);
    let reported = only(&report);
    assert_eq!(
        (reported.outcome.as_str(), reported.state.as_str()),
        ("no_response", "IKE_INTERMEDIATE sent")
    );
    let redirect = Message::v2(34, 0, &[notify_v2(16407, &[1, 4, 10, 0, 0, 9])]).answer();
    let report = report_of(&[(0, on_500(true, &init())), (1, on_500(false, &redirect))]);
    let reported = only(&report);
    assert_eq!(
        (reported.outcome.as_str(), reported.state.as_str()),
        ("incomplete", "redirected to another gateway")
    );
}

type Pairs<T> = Vec<(String, T)>;

/// What the program says of ESP between two hosts and of a record about it: the algorithms of the pair's SAs
/// with how many SPIs use them, and the findings about weak ones.
fn algorithms(id: u16, fields: &str) -> (Pairs<usize>, Pairs<String>) {
    let folder = tempfile::tempdir().unwrap();
    let frames =
        [(0, esp(1, 2, 0x1111_2222)), (10, esp(2, 1, 0x3333_4444)), (20, esp(1, 2, 0x5555))];
    write(&folder.path().join("made.pcap"), &capture(&frames));
    let event = format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider \
         Name='Microsoft-Windows-Security-Auditing'/><EventID>{id}</EventID><Version>0</Version>\
         <Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='1970-01-01T00:16:40.0Z'/>\
         <EventRecordID>7</EventRecordID><Channel>Security</Channel><Computer>A</Computer></System>\
         <EventData>{fields}</EventData></Event>"
    );
    write(&folder.path().join("A-Security.xml"), event.as_bytes());
    let policy = plainsight::policy::Policy::default();
    let report = crate::support::truth::report(vec![folder.path().to_owned()], policy);
    let of_pair = report.pairs.iter().flat_map(|pair| &pair.esp_algorithms);
    let of_pair = of_pair.map(|one| (one.algorithms.clone(), one.spis.len())).collect();
    let weak = report.findings.iter().filter(|f| f.code == "weak_algorithm_chosen");
    (of_pair, weak.map(|f| (f.severity.clone(), f.title.clone())).collect())
}

fn quick_mode_up(cipher: &str, digest: &str) -> String {
    let fields = [
        ("LocalAddress", "10.0.0.1"),
        ("RemoteAddress", "10.0.0.2"),
        ("AhAuthType", "-"),
        ("EspAuthType", digest),
        ("CipherType", cipher),
        ("InboundSpi", "858997828"),
        ("OutboundSpi", "286335522"),
    ];
    fields.map(|(name, value)| format!("<Data Name='{name}'>{value}</Data>")).concat()
}

#[test]
fn a_log_names_the_algorithms_of_esp_and_the_rest_is_unknown() {
    let (algorithms, weak) = algorithms(5451, &quick_mode_up("%%16395", "%%16395"));
    let unknown = ("unknown".to_owned(), 1);
    assert_eq!(algorithms, [("AES-GCM-16-128".to_owned(), 2), unknown]);
    assert_eq!(weak, []);
}

#[test]
fn weak_algorithms_of_esp_are_findings() {
    for (cipher, digest, names, severity) in [
        ("%%16399", "%%16392", "3DES-CBC, HMAC-MD5-96", "medium"),
        ("%%16400", "%%16393", "HMAC-SHA1-96", "low"),
    ] {
        let (_, weak) = algorithms(5451, &quick_mode_up(cipher, digest));
        let title = format!("{names} in security associations between 10.0.0.1 and 10.0.0.2");
        assert_eq!(weak, [(severity.to_owned(), title)]);
    }
    assert_eq!(algorithms(5450, "").0, [("unknown".to_owned(), 3)]);
}
