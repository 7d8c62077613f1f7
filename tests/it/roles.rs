//! What opened a window, kept it open and closed it: evidence made to order for each rule of docs/causes.md.

use crate::support::ike_builder::{
    Message, clear, init, key_exchange, nonce, on_500, report_of, sa_v2,
};
use etherparse::PacketBuilder;
use plainsight::report::schema::{Cause, Report, Window};

/// ESP from one host to the other, numbered.
fn esp(from: u8, to: u8, spi: u32, number: u32) -> Vec<u8> {
    let mut frame = Vec::new();
    let opaque: Vec<u8> =
        (0..64u32).map(|at| (at * 37 + number * 101 + spi).to_le_bytes()[0]).collect();
    let body = [&spi.to_be_bytes()[..], &number.to_be_bytes(), &opaque].concat();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        .write(&mut frame, etherparse::IpNumber(50), &body)
        .unwrap();
    frame
}

type Frames = Vec<(u32, Vec<u8>)>;

/// ESP both ways every 100 ms.
fn flow(from: u32, to: u32, spis: (u32, u32)) -> Frames {
    let steps = (from..to).step_by(100).zip(1..);
    steps
        .flat_map(|(ms, number)| {
            [(ms, esp(1, 2, spis.0, number)), (ms + 20, esp(2, 1, spis.1, number))]
        })
        .collect()
}

fn talk(from: u32, to: u32) -> Frames {
    let steps = (from..to).step_by(100);
    steps.flat_map(|ms| [(ms, clear(1, 2)), (ms + 10, clear(2, 1))]).collect()
}

/// Encryption and integrity as IKEv2 numbers them.
#[derive(Clone, Copy)]
enum Suite {
    /// AES-CBC-256 with HMAC-SHA2-256-128: an empty message has 48 octets, and so has a Delete.
    Cbc,
    /// AES-GCM with a check value of 16 octets: an empty message has 25, a Delete of one SPI 37.
    Gcm,
}

/// IKE_SA_INIT and IKE_AUTH that succeed, in the first 100 ms.
fn established(suite: Suite) -> Frames {
    let chosen = match suite {
        Suite::Cbc => sa_v2(&[(1, 12, 256), (3, 12, 0), (2, 5, 0), (4, 14, 0)]),
        Suite::Gcm => sa_v2(&[(1, 20, 256), (2, 5, 0), (4, 14, 0)]),
    };
    let init = Message::v2(34, 0, &[chosen, key_exchange(14), nonce()]);
    vec![
        (0, on_500(true, &init)),
        (20, on_500(false, &init.clone().answer())),
        (50, on_500(true, &Message::v2_encrypted(35, 1, 240))),
        (80, on_500(false, &Message::v2_encrypted(35, 1, 208).answer())),
    ]
}

fn informational(ms: u32, id: u32, octets: usize) -> Frames {
    let message = Message::v2_encrypted(37, id, octets);
    vec![(ms, on_500(true, &message)), (ms + 5, on_500(false, &message.answer()))]
}

fn report(parts: &[Frames]) -> Report {
    let mut frames = parts.concat();
    frames.sort_by_key(|(ms, _)| *ms);
    report_of(&frames)
}

fn only_window(report: &Report) -> &Window {
    let [window] = report.windows.as_slice() else { panic!("{} windows", report.windows.len()) };
    window
}

fn reasons(causes: &[Cause]) -> Vec<&str> {
    causes.iter().map(|cause| cause.reason.as_str()).collect()
}

fn kept(window: &Window) -> Vec<&str> {
    window.kept_open_by.iter().map(|kept| kept.reason.as_str()).collect()
}

const DELETED: [&str; 2] = ["sa_deleted", "peer_deleted"];

fn names_a_deletion(window: &Window) -> bool {
    let all = reasons(&window.causes).into_iter().chain(reasons(&window.opened_by));
    all.into_iter().any(|reason| DELETED.contains(&reason))
}

#[test]
fn a_delete_under_gcm_is_told_from_a_liveness_check() {
    let of = |octets| {
        let ike = [established(Suite::Gcm), informational(5_050, 2, octets)].concat();
        report(&[ike, flow(100, 5_000, (0x1001, 0x2001)), talk(5_400, 12_000)])
    };
    let deleted = of(37);
    let window = only_window(&deleted);
    assert_eq!(reasons(&window.opened_by), ["sa_deleted"]);
    assert!(window.chain.contains("10.0.0.1 deleted its SA"), "{}", window.chain);
    assert_eq!(reasons(&window.closed_by), ["capture_ended"]);
    assert!(!names_a_deletion(only_window(&of(25))), "an empty message deletes nothing");
}

#[test]
fn a_size_that_fits_both_is_medium_and_only_where_clear_text_follows_at_once() {
    let of = |first_clear| {
        let ike = [established(Suite::Cbc), informational(5_050, 2, 48)].concat();
        report(&[ike, flow(100, 5_000, (0x1001, 0x2001)), talk(first_clear, first_clear + 6_000)])
    };
    let at_once = of(5_400);
    let window = only_window(&at_once);
    assert_eq!(reasons(&window.opened_by), ["sa_deleted"]);
    assert_eq!(window.opened_by[0].confidence, "medium");
    assert!(!window.opened_by[0].against.is_empty());
    assert!(!names_a_deletion(only_window(&of(9_000))));
}

#[test]
fn what_a_host_sends_again_and_again_is_no_delete() {
    let checks = [informational(5_050, 2, 48), informational(8_050, 3, 48)].concat();
    let ike = [established(Suite::Cbc), checks].concat();
    let report = report(&[ike, flow(100, 5_000, (0x1001, 0x2001)), talk(5_400, 12_000)]);
    assert!(!names_a_deletion(only_window(&report)));
}

#[test]
fn a_delete_after_a_rekeying_opened_nothing() {
    let rekey = Message::v2_encrypted(36, 2, 192);
    let ike = [
        established(Suite::Cbc),
        vec![(5_000, on_500(true, &rekey)), (5_020, on_500(false, &rekey.answer()))],
        informational(5_100, 3, 64),
    ]
    .concat();
    let esp = [flow(100, 5_050, (0x1001, 0x2001)), flow(5_060, 20_000, (0x1002, 0x2002))].concat();
    let report = report(&[ike, esp, talk(5_600, 19_000)]);
    let window = only_window(&report);
    assert!(!names_a_deletion(window), "{:?}", window.causes);
    assert_eq!(kept(window), ["filter_not_covering"]);
}

#[test]
fn what_one_side_still_sends_protected_says_nothing_of_the_others_filters() {
    let from_a = flow(100, 5_000, (0x1001, 0x2001));
    let steps = (5_000..20_000u32).step_by(100).zip(50..);
    let from_b: Frames = steps.map(|(ms, number)| (ms, esp(2, 1, 0x2001, number))).collect();
    let talk: Frames = (6_500..19_000u32).step_by(100).map(|ms| (ms, clear(1, 2))).collect();
    let report = report(&[established(Suite::Cbc), from_a, from_b, talk]);
    let all: Vec<&Window> = report.windows.iter().collect();
    assert!(!all.is_empty());
    for window in all {
        assert!(!reasons(&window.causes).contains(&"filter_not_covering"), "{:?}", window.causes);
    }
}

#[test]
fn an_sa_that_rested_for_its_idle_timers_time_and_was_deleted_expired() {
    let ike = [established(Suite::Gcm), informational(306_000, 2, 37)].concat();
    let report = report(&[ike, flow(100, 5_000, (0x1001, 0x2001)), talk(320_000, 330_000)]);
    let window = only_window(&report);
    assert_eq!(reasons(&window.opened_by), ["sa_expired_idle"]);
    assert!(window.chain.contains("5 min"), "{}", window.chain);
}

#[test]
fn what_was_deleted_long_before_did_not_open_what_a_failed_negotiation_did() {
    let deleted = [established(Suite::Gcm), informational(5_050, 2, 37)].concat();
    let flow = flow(100, 5_000, (0x1001, 0x2001));
    let init = init().spis(0xabcd, 0);
    let refusal = Message::v2(34, 0, &[(41, vec![0, 0, 0, 14])]).spis(0xabcd, 0).answer();
    let refused = vec![(899_900, on_500(true, &init)), (899_920, on_500(false, &refusal))];
    let tried = report(&[deleted.clone(), flow.clone(), refused, talk(900_000, 910_000)]);
    let opened = &only_window(&tried).opened_by;
    assert_eq!(reasons(opened), ["no_proposal_chosen", "sa_deleted"]);
    assert_eq!(opened[1].confidence, "low");
    let untried = report(&[deleted, flow, talk(900_000, 910_000)]);
    let opened = &only_window(&untried).opened_by;
    assert_eq!((reasons(opened), opened[0].confidence.as_str()), (vec!["sa_deleted"], "low"));
}

#[test]
fn refusals_before_a_success_kept_the_window_open() {
    let refused = |ms, id| {
        let (ask, no) = (Message::v2_encrypted(36, id, 192), Message::v2_encrypted(36, id, 48));
        vec![(ms, on_500(true, &ask)), (ms + 20, on_500(false, &no.answer()))]
    };
    let granted = Message::v2_encrypted(36, 5, 192);
    let ike = [
        established(Suite::Cbc),
        informational(5_050, 2, 64),
        refused(5_600, 3),
        refused(9_000, 4),
        vec![(13_000, on_500(true, &granted)), (13_020, on_500(false, &granted.clone().answer()))],
    ]
    .concat();
    let esp = [flow(100, 5_000, (0x1001, 0x2001)), flow(13_100, 16_000, (0x1002, 0x2002))].concat();
    let report = report(&[ike, esp, talk(5_400, 13_000)]);
    let window = only_window(&report);
    assert_eq!(reasons(&window.opened_by)[0], "sa_deleted");
    assert_eq!(kept(window), ["child_refused"]);
    assert_eq!(window.closed_by[0].reason, "negotiated");
    assert_eq!(window.causes[0].reason, "child_refused", "what kept it open leads");
    assert!(window.chain.contains("two second phases were refused"), "{}", window.chain);
}

#[test]
fn a_late_refusal_is_low_and_never_first() {
    let init = init().spis(0xabcd, 0);
    let refusal = Message::v2(34, 0, &[(41, vec![0, 0, 0, 14])]).spis(0xabcd, 0).answer();
    let ike = vec![(55_000, on_500(true, &init)), (55_020, on_500(false, &refusal))];
    let protect = |frames: &[Frames]| {
        let mut frames = frames.concat();
        frames.sort_by_key(|(ms, _)| *ms);
        let mut policy = plainsight::policy::Policy::default();
        let (a, b) = ("10.0.0.1/32".parse().unwrap(), "10.0.0.2/32".parse().unwrap());
        policy.protect(a, b, "10.0.0.1=10.0.0.2");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("late.pcap");
        let octets = crate::support::ike_builder::capture(&frames);
        crate::support::ike_builder::write(&file, &octets);
        crate::support::truth::report(vec![file], policy)
    };
    let report = protect(&[ike, talk(1_000, 60_000)]);
    let window = only_window(&report);
    assert_eq!(window.causes[0].reason, "no_ike_attempted");
    assert_eq!(kept(window)[0], "no_ike_attempted");
    let late = window.kept_open_by.iter().find(|kept| kept.reason == "no_proposal_chosen").unwrap();
    assert_eq!(late.confidence, "low");
    assert!(late.against.iter().any(|against| against.contains('%')));
}
