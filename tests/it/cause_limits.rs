//! What a cause may not be taken from: a log of the same negotiation where the capture is open, SAs that did not end,
//! messages that the capture missed.

use crate::record_ties::{IKEEXT, Record, SPIS, opened, report, sa, service, silent_sa, xml};
use crate::support::ike_builder::{
    Message, clear, init, key_exchange, nonce, on_500, sa_v1, sa_v2,
};
use crate::support::two_hosts::{
    Frames, Suite, esp, established, flow, informational, kept, only_window, reasons, talk,
};
use plainsight::report::schema::Report;

/// A negotiation of SRV1 with 10.0.0.1 that failed, by its cookies.
fn failed(ms: i64, cookies: (u64, u64), why: &str) -> Record {
    let text = |value: &str| value.to_owned();
    let data = vec![
        ("LocalAddress", text("10.0.0.2")),
        ("LocalKeyModPort", text("500")),
        ("RemoteAddress", text("10.0.0.1")),
        ("RemoteKeyModPort", text("500")),
        ("KeyModName", text("IKEv2")),
        ("FailurePoint", text("Local computer")),
        ("FailureReason", text(why)),
        ("State", text("Sent third (ID) payload")),
        ("Role", text("Responder")),
        ("InitiatorCookie", format!("{:016x}", cookies.0)),
        ("ResponderCookie", format!("{:016x}", cookies.1)),
    ];
    (200, ms, 4653, data)
}

/// IKE_SA_INIT and IKE_AUTH whose answer came in two fragments, of which the capture has the first.
fn answered_in_part(cookies: (u64, u64)) -> Frames {
    let of = |message: Message| message.spis(cookies.0, cookies.1);
    let chosen = sa_v2(&[(1, 20, 256), (2, 5, 0), (4, 14, 0)]);
    let init = Message::v2(34, 0, &[chosen, key_exchange(14), nonce()]);
    // SKF (53): number 1 of 2 (RFC 7383 §2.5).
    let part = (53, [&[0, 1, 0, 2][..], &[0x5a; 200]].concat());
    vec![
        (0, on_500(true, &init.clone().spis(cookies.0, 0))),
        (20, on_500(false, &of(init.answer()))),
        (50, on_500(true, &of(Message::v2_encrypted(35, 1, 240)))),
        (80, on_500(false, &of(Message::v2(35, 1, &[part]).answer()))),
    ]
}

/// Main mode up to message 5, which is sent twice; nothing of the other side follows in the capture.
fn stopped_at_five(cookies: (u64, u64)) -> Frames {
    let of = |message: Message| message.spis(cookies.0, cookies.1);
    let first = Message::v1(2, &[sa_v1(&[(1, 5), (2, 2), (4, 2), (3, 1)])]);
    let keys = || Message::v1(2, &[(4, vec![3; 128]), (10, vec![3; 20])]);
    let fifth = || Message::v1_encrypted(2, 0, 40);
    vec![
        (0, on_500(true, &first.clone().spis(cookies.0, 0))),
        (20, on_500(false, &of(first))),
        (40, on_500(true, &of(keys()))),
        (60, on_500(false, &of(keys()))),
        (80, on_500(true, &of(fifth()))),
        (1_080, on_500(true, &of(fifth()))),
    ]
}

/// Clear text that the first host alone sends.
fn one_way(from: u32, to: u32) -> Frames {
    talk(from, to).into_iter().step_by(2).collect()
}

#[test]
fn a_log_of_the_same_negotiation_says_how_it_ended() {
    const COOKIES: (u64, u64) = (0x1111_2222_3333_4444, 0x5555_6666_7777_8888);
    let refused = "IKE authentication credentials are unacceptable.";
    for (ike, why, reason) in [
        (answered_in_part(COOKIES), refused, "authentication_failed"),
        (stopped_at_five(COOKIES), "Negotiation timed out.", "timeout"),
    ] {
        let of = |records: &[Record]| {
            let log = xml("Security", records);
            report(&[ike.clone(), one_way(400, 20_000)], &[("Security.xml", log)])
        };
        let joined = of(&[failed(2_000, COOKIES, why)]);
        let window = only_window(&joined);
        assert_eq!((kept(window)[0], opened(window)[0].0), (reason, reason));
        assert_eq!(window.opened_by[0].score, 90);
        // The record of another negotiation says nothing about this one.
        let other = of(&[failed(2_000, (0x9999, 0xaaaa), why)]);
        let sure = other.windows.iter().flat_map(|window| &window.causes);
        assert!(sure.filter(|cause| cause.reason == reason).all(|cause| cause.score < 80));
    }
}

/// ESP both ways under [`SPIS`] with numbers that go on.
fn flow_from(from: u32, to: u32, spis: (u32, u32), first: u32) -> Frames {
    let steps = (from..to).step_by(100).zip(first..);
    let both = steps.map(|(ms, number)| {
        [(ms, esp(1, 2, spis.0, number)), (ms + 20, esp(2, 1, spis.1, number))]
    });
    both.flatten().collect()
}

#[test]
fn the_lifetime_of_another_sa_does_not_explain_an_end() {
    const LATER: (u64, u64) = (0x1111_2222_3333_4444, 0x5555_6666_7777_8888);
    // The first negotiation has other cookies; the second one, whose SA rests and is deleted, begins after 55 min.
    let negotiated = |ms, cookies: (u64, u64)| -> Frames {
        let of = |message: Message| message.spis(cookies.0, cookies.1);
        let chosen = sa_v2(&[(1, 20, 256), (2, 5, 0), (4, 14, 0)]);
        let init = Message::v2(34, 0, &[chosen, key_exchange(14), nonce()]);
        vec![
            (ms, on_500(true, &init.clone().spis(cookies.0, 0))),
            (ms + 20, on_500(false, &of(init.answer()))),
            (ms + 50, on_500(true, &of(Message::v2_encrypted(35, 1, 240)))),
            (ms + 80, on_500(false, &of(Message::v2_encrypted(35, 1, 208).answer()))),
        ]
    };
    let clear = talk(3_612_000, 3_620_000);
    let of = |frames: &[Frames]| {
        let found = report(frames, &[]);
        reasons(&only_window(&found).opened_by)[0].to_owned()
    };
    let deleted = informational(3_606_000, 2, 37);
    let rested = of(&[
        negotiated(0, (0xaaaa, 0xbbbb)),
        flow(100, 5_000, (0x1002, 0x2002)),
        negotiated(3_295_000, LATER),
        flow(3_295_100, 3_300_000, SPIS),
        deleted.clone(),
        clear.clone(),
    ]);
    assert_eq!(rested, "sa_expired_idle");
    // The same SA all the time: its hour is over.
    let over = of(&[
        negotiated(0, LATER),
        flow(100, 5_000, SPIS),
        flow_from(3_295_000, 3_300_000, SPIS, 60),
        deleted,
        clear,
    ]);
    assert_eq!(over, "sa_deleted");
}

#[test]
fn an_answer_that_the_capture_missed_closes_a_window_where_its_spis_follow() {
    let without = |ike: Frames, missed: usize| -> Frames {
        ike.into_iter().enumerate().filter(|(at, _)| *at != missed).map(|(_, one)| one).collect()
    };
    let shift = |frames: Frames| -> Frames {
        frames.into_iter().map(|(ms, frame)| (ms + 11_000, frame)).collect()
    };
    // IKE_AUTH, and quick mode, whose second message is missing.
    let v2 = without(established(Suite::Gcm), 3);
    let quick = |bytes| Message::v1_encrypted(32, 0x51, bytes);
    let v1 = [
        stopped_at_five((0x1111_2222_3333_4444, 0x5555_6666_7777_8888))[..5].to_vec(),
        vec![(90, on_500(false, &Message::v1_encrypted(2, 0, 48)))],
        vec![(100, on_500(true, &quick(152))), (140, on_500(true, &quick(32)))],
    ]
    .concat();
    for ike in [v2, v1] {
        let refused = crate::support::two_hosts::refused(800, 0xabcd);
        let of = |esp: Frames| {
            let all = [refused.clone(), shift(ike.clone()), esp, talk(1_000, 10_500)];
            report(&all, &[])
        };
        let followed = of(flow(11_200, 16_000, SPIS));
        let window = only_window(&followed);
        assert_eq!(window.closed_by[0].reason, "negotiated", "{:?}", followed.ike_exchanges);
        assert_eq!(followed.ike_exchanges[1].outcome, "established");
        let alone = of(flow(80_000, 81_000, SPIS));
        assert_ne!(only_window(&alone).closed_by[0].reason, "negotiated");
        assert_ne!(alone.ike_exchanges[1].outcome, "established");
    }
}

/// What a log says that a service stopped so long after the window's beginning (5,400 ms), without a Delete before.
fn stopped_at(ms: i64, frames: Vec<Frames>, name: &str) -> Report {
    let last = service(900, 13_000, "Windows Update", "running");
    let system = xml("System", &[service(300, ms, name, "stopped"), last]);
    let security = xml("Security", &[sa(100, 60, 5451, SPIS, 0)]);
    report(&frames, &[("Security.xml", security), ("System.xml", system)])
}

#[test]
fn a_stop_recorded_behind_the_first_clear_packet_is_not_high() {
    for name in [IKEEXT, "Base Filtering Engine"] {
        let of = |ms, frames| {
            let found = stopped_at(ms, frames, name);
            let window = only_window(&found);
            let opened = window.opened_by.iter().find(|cause| cause.reason == "service_stopped");
            let kept = window.kept_open_by.iter().find(|kept| kept.reason == "service_stopped");
            let of_opened = opened.map(|cause| (cause.score, cause.against.join(" ")));
            (of_opened, kept.map(|kept| (kept.score, kept.against.join(" "))))
        };
        // Before the first clear packet.
        assert_eq!(of(5_200, silent_sa()).0.unwrap().0, 92);
        // Later by less than the clock may be wrong: the order is not known.
        let (opened, kept) = of(5_900, silent_sa());
        let (score, against) = opened.unwrap();
        assert_eq!((score, kept.unwrap().0), (79, 79));
        assert!(against.contains("later than the first clear packet"), "{against}");
        // Later by more: it opened nothing, and nothing shows that it kept the window open.
        let (opened, kept) = of(7_400, silent_sa());
        let (score, against) = kept.unwrap();
        assert_eq!((opened, score), (None, 79));
        assert!(against.contains("had been open for 2"), "{against}");
    }
}

#[test]
fn what_a_service_did_as_it_stopped_shows_the_order() {
    // It deleted its SA before the first clear packet.
    let delete = Message::v2_encrypted(37, 0, 37);
    let by_the_host = vec![
        (5_100, on_500(false, &Message { flags: 0, ..delete.clone() })),
        (5_105, on_500(true, &Message { flags: 0x28, ..delete.clone() })),
    ];
    let by_the_peer = informational(5_100, 2, 37);
    let of = |ms, more: Frames| {
        let found = stopped_at(ms, [silent_sa(), vec![more]].concat(), IKEEXT);
        let causes = only_window(&found).causes.clone();
        causes.into_iter().find(|cause| cause.reason == "service_stopped").map(|cause| cause.score)
    };
    assert_eq!(of(5_900, by_the_host), Some(92));
    assert_eq!(of(5_900, by_the_peer), Some(79));
    // A request after the stop that the host did not answer: the window needed the stop to go on.
    let asked = init().spis(0xabcd, 0);
    let unanswered: Frames =
        [8_000, 8_500, 9_500].map(|ms| (ms, on_500(true, &asked))).into_iter().collect();
    assert_eq!(of(7_400, unanswered), Some(92));
}

/// ESP both ways between the second host and another address of the first one, with numbers that go on.
fn moved(from: u32, to: u32, first: u32) -> Frames {
    let steps = (from..to).step_by(100).zip(first..);
    let both = steps.map(|(ms, number)| {
        [(ms, esp(9, 2, SPIS.0, number)), (ms + 20, esp(2, 9, SPIS.1, number))]
    });
    both.flatten().collect()
}

#[test]
fn an_sa_that_moved_was_not_deleted() {
    // A message of a Delete's size, and clear text that filters never covered.
    let of = |more: Frames| {
        let ike = [established(Suite::Cbc), informational(3_050, 2, 48)].concat();
        report(&[ike, flow(100, 3_000, SPIS), more, talk(3_400, 6_000)], &[])
    };
    let names_it = |found: &Report| {
        let all = found.windows.iter().flat_map(|window| &window.causes);
        all.into_iter().any(|cause| cause.reason == "sa_deleted")
    };
    let (gone, went_on, began) =
        (of(Vec::new()), of(moved(3_100, 9_000, 30)), of(moved(3_100, 9_000, 1)));
    assert!(names_it(&gone) && gone.ike_exchanges[0].outcome == "ended");
    assert!(!names_it(&went_on) && went_on.ike_exchanges[0].outcome == "established");
    // Numbers from 1 on are of another SA.
    assert!(names_it(&began));
}

#[test]
fn a_question_and_its_answer_are_no_traffic_that_continues() {
    let of = |clear: Frames| {
        let ike = [established(Suite::Cbc), informational(5_050, 2, 48)].concat();
        let found = report(&[ike, flow(100, 5_000, SPIS), clear], &[]);
        let window = only_window(&found);
        let cause = window.causes.iter().find(|cause| cause.reason == "sa_deleted").unwrap();
        (cause.confidence.clone(), cause.why.contains("clear text followed"))
    };
    assert_eq!(of(talk(5_400, 6_000)), ("medium".to_owned(), true));
    let asked_once = talk(5_400, 5_500);
    assert_eq!(of(asked_once.clone()), ("low".to_owned(), false));
    // A packet every 25 s, where the protected ones came every tenth of a second.
    let seldom = [5_400, 30_400, 55_400, 80_400, 105_400].map(|ms| (ms, clear(1, 2)));
    assert_eq!(of(seldom.into_iter().collect()), ("low".to_owned(), false));
}

#[test]
fn clear_text_that_was_over_before_a_negotiation_was_not_closed_by_it_for_certain() {
    let shift = |frames: Frames, by: u32| -> Frames {
        frames.into_iter().map(|(ms, frame)| (ms + by, frame)).collect()
    };
    let refused = crate::support::two_hosts::refused(800, 0xabcd);
    let of = |begins: u32| {
        let esp = flow(begins + 100, begins + 5_000, SPIS);
        let ike = shift(established(Suite::Gcm), begins);
        let found = report(&[refused.clone(), ike, esp, talk(1_000, 10_000)], &[]);
        let closing = only_window(&found).closed_by[0].clone();
        (closing.reason, closing.confidence, closing.why)
    };
    let (reason, sure, _) = of(10_200);
    assert_eq!((reason.as_str(), sure.as_str()), ("negotiated", "high"));
    let (reason, sure, why) = of(17_000);
    assert_eq!((reason.as_str(), sure.as_str()), ("negotiated", "medium"));
    assert!(why.contains("nothing shows that it would have continued"), "{why}");
}

#[test]
fn a_pause_before_clear_text_is_no_late_rekeying() {
    // The SA rests, something passes in clear, and the same IKE SA makes another child.
    let of = |clear: u32| {
        let ask = Message::v2_encrypted(36, 2, 192);
        let made = vec![
            (clear + 2_000, on_500(true, &ask)),
            (clear + 2_020, on_500(false, &ask.clone().answer())),
        ];
        let frames = [
            established(Suite::Gcm),
            flow(100, 5_000, SPIS),
            talk(clear, clear + 1_900),
            made,
            flow(clear + 2_050, clear + 6_000, (0x1002, 0x2002)),
        ];
        let found = report(&frames, &[]);
        let causes = only_window(&found).causes.clone();
        causes.into_iter().find(|cause| cause.reason == "rekey_gap").map(|cause| cause.confidence)
    };
    assert_eq!(of(5_500).as_deref(), Some("medium"));
    assert_eq!(of(25_000).as_deref(), Some("low"));
    assert_eq!(of(105_000).as_deref(), Some("low"));
}
