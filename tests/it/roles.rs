//! What opened a window, kept it open and closed it: evidence made to order for each rule of docs/causes.md.

use crate::support::ike_builder::{Message, clear, init, on_500};
use crate::support::two_hosts::{
    Frames, Suite, esp, established, flow, informational, kept, only_window, reasons, report, talk,
};
use plainsight::report::schema::Window;

const DELETED: [&str; 2] = ["sa_deleted", "peer_deleted"];

fn names_a_deletion(window: &Window) -> bool {
    let all = reasons(&window.causes).into_iter().chain(reasons(&window.opened_by));
    all.into_iter().any(|reason| DELETED.contains(&reason))
}

#[test]
fn a_delete_under_gcm_is_distinguished_from_a_liveness_check() {
    let of = |bytes| {
        let ike = [established(Suite::Gcm), informational(5_050, 2, bytes)].concat();
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
        let bytes = crate::support::ike_builder::capture(&frames);
        crate::support::ike_builder::write(&file, &bytes);
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
