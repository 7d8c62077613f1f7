//! What proves nothing of a negotiation: messages that anybody can send, messages that the capture lost, and
//! sizes that several messages share.

use crate::ike_outcomes::{
    CBC_SMALL, GCM_EMPTY, GCM_SPI, SPIS, established, inform, informational, main_mode, outcome_of,
    quick_mode, v2,
};
use crate::support::ike_builder::{Message, init, notify_v2};
use crate::support::ike_talk::Talk;
use plainsight::catalogue::{Confidence, Reason};
use plainsight::ike::{IkeExchange, Outcome};

/// A refusal in clear: NO_PROPOSAL_CHOSEN, AUTHENTICATION_FAILED, TS_UNACCEPTABLE.
const REFUSALS: [u16; 3] = [14, 24, 38];

fn refusal(kind: u16) -> Message {
    Message::v2(35, 1, &[notify_v2(kind, &[])]).answer()
}

/// A notify of IKEv1 in clear.
fn notify_v1(kind: u16) -> Message {
    let body = [&[0, 0, 0, 1, 1, 0][..], &kind.to_be_bytes()].concat();
    Message::v1(5, &[(11, body)]).spis(0x1111_2222_3333_4444, 0x5555_6666_7777_8888)
}

/// A Delete of ESP in clear.
fn delete(version: u8, spi: u32) -> Message {
    let rest = [&[3, 4, 0, 1][..], &spi.to_be_bytes()].concat();
    let all = |message: Message| message.spis(0x1111_2222_3333_4444, 0x5555_6666_7777_8888);
    if version == 1 {
        all(Message::v1(5, &[(12, [&[0, 0, 0, 1][..], &rest].concat())]))
    } else {
        Message::v2(37, 2, &[(42, rest)])
    }
}

fn came_up(exchange: &IkeExchange) -> bool {
    exchange.outcome == Outcome::Established
}

#[test]
fn a_refusal_in_clear_beside_the_real_answer_refuses_nothing() {
    for kind in REFUSALS {
        for at in [25, 40, 5_000] {
            let forged = established(false).says(at, 1, refusal(kind)).esp(100, 20_000, SPIS);
            assert_eq!(outcome_of(&forged.judge()).1, None, "{kind} at {at}");
            assert!(came_up(&forged.judge()));
        }
        // No ESP yet: the encrypted answer alone shows whose word counts.
        assert!(came_up(&established(false).says(40, 1, refusal(kind)).judge()));
        // The real answer was lost, and new SPIs show that it came.
        let lost = || {
            let opening = init();
            Talk::default()
                .says(0, 0, opening.clone())
                .says(10, 1, opening.answer())
                .says(20, 0, v2(35, 1, 256))
                .says(30, 1, refusal(kind))
        };
        assert!(came_up(&lost().esp(100, 20_000, SPIS).judge()));
        assert!(lost().judge().outcome.is_failure());
    }
}

#[test]
fn a_notify_in_clear_behind_main_mode_refuses_nothing() {
    // NO-PROPOSAL-CHOSEN, PAYLOAD-MALFORMED, AUTHENTICATION-FAILED.
    for kind in [14, 16, 24] {
        let alone = main_mode(1, 6).says(60, 1, notify_v1(kind)).judge();
        assert_eq!((alone.outcome, alone.reason), (Outcome::Incomplete, None), "{kind}");
        let with_esp = main_mode(1, 6).says(60, 1, notify_v1(kind)).esp(100, 30_000, SPIS);
        assert!(came_up(&with_esp.judge()));
        let alive = main_mode(1, 6)
            .says(57_000, 1, notify_v1(kind))
            .says(60_000, 0, informational(1, 64))
            .says(60_010, 1, informational(2, 64));
        assert!(came_up(&alive.judge()));
        assert!(main_mode(1, 5).says(60, 1, notify_v1(kind)).judge().outcome.is_failure());
    }
}

#[test]
fn a_delete_in_clear_ends_what_it_names_and_only_where_it_is_obeyed() {
    let v1 = |spi| quick_mode(1).says(16_000, 1, delete(1, spi));
    assert_eq!(v1(SPIS[1]).judge().outcome, Outcome::Ended);
    assert!(came_up(&v1(0xdead_beef).judge()), "other SPIs");
    let ignored =
        v1(SPIS[1]).says(20_000, 0, informational(1, 64)).says(20_010, 1, informational(2, 64));
    assert!(came_up(&ignored.judge()));
    let v2 = established(true).esp(100, 15_000, SPIS).says(16_000, 1, delete(2, SPIS[0]));
    assert!(came_up(&v2.judge()), "IKEv2 protects every Delete");
}

#[test]
fn what_passes_under_the_keys_shows_that_a_lost_message_came() {
    let checks = |talk: Talk| {
        talk.says(30_000, 0, informational(1, 64))
            .says(30_010, 1, informational(2, 64))
            .says(60_000, 1, informational(3, 64))
            .says(60_010, 0, informational(4, 64))
    };
    assert!(came_up(&checks(main_mode(1, 5)).judge()), "message 6 is missing");
    let refused = main_mode(1, 5).says(60, 1, informational(0x51, 64)).judge();
    assert_eq!(refused.reason, Some(Reason::PskMismatchSuspected));
    let one_side = main_mode(1, 5).says(60, 1, informational(0x51, 64)).says(
        30_000,
        1,
        informational(0x52, 64),
    );
    assert_eq!(one_side.judge().reason, Some(Reason::PskMismatchSuspected));
}

#[test]
fn quick_mode_is_completed_by_its_third_message_or_by_esp() {
    let asked = || {
        main_mode(1, 6).says(100, 0, Message::v1_encrypted(32, 0x99, 144)).says(
            110,
            1,
            Message::v1_encrypted(32, 0x99, 128),
        )
    };
    let again = asked().says(5_110, 1, Message::v1_encrypted(32, 0x99, 128));
    assert_eq!(asked().judge().outcome, Outcome::Incomplete);
    assert_eq!(again.judge().outcome, Outcome::Incomplete);
    assert!(came_up(&asked().esp(200, 9_000, SPIS).judge()));
    assert!(came_up(&asked().says(120, 0, Message::v1_encrypted(32, 0x99, 32)).judge()));
}

#[test]
fn only_an_encrypted_answer_shows_an_ike_sa_from_before_the_capture() {
    let ask = |talk: Talk, at, id| talk.says(at, 0, v2(37, id, CBC_SMALL));
    // INVALID_IKE_SPI, in clear: the peer does not know it.
    let unknown =
        ask(Talk::default(), 0, 7).says(10, 1, Message::v2(37, 7, &[notify_v2(4, &[])]).answer());
    assert_eq!(unknown.judge().outcome, Outcome::Incomplete);
    let again = ask(ask(Talk::default(), 0, 7), 2_000, 7);
    assert_eq!(again.judge().outcome, Outcome::Incomplete);
    let answered = ask(Talk::default(), 0, 7).says(10, 1, v2(37, 7, CBC_SMALL).answer());
    assert!(came_up(&answered.judge()));
}

/// Rounds of IKE_AUTH, each with the bytes of the request and the answer.
fn rounds(bytes: &[(usize, usize)]) -> Talk {
    let opening = init();
    let mut talk =
        Talk::default().says(0, 0, opening.clone()).says(10, 1, opening.clone().answer());
    for (id, (asked, answered)) in (1..).zip(bytes) {
        let at = i64::from(id) * 100;
        talk =
            talk.says(at, 0, v2(35, id, *asked)).says(at + 10, 1, v2(35, id, *answered).answer());
    }
    talk
}

#[test]
fn a_small_last_round_of_eap_is_a_refusal_only_where_the_initiator_begins_anew() {
    let eap = || rounds(&[(240, 512), (64, 64), (96, CBC_SMALL)]);
    assert_eq!(eap().judge().outcome, Outcome::Incomplete);
    assert!(came_up(&eap().esp(22_000, 60_000, SPIS).judge()), "the last round was lost");
    let renewed = eap().says(5_000, 0, init().spis(7, 0)).judge_all();
    assert_eq!(renewed[0].reason, Some(Reason::AuthenticationFailed));
    let late = eap().says(500_000, 0, init().spis(7, 0)).judge_all();
    assert_eq!(late[0].outcome, Outcome::Incomplete);
    assert_eq!(rounds(&[(240, CBC_SMALL)]).judge().reason, Some(Reason::AuthenticationFailed));
}

#[test]
fn a_request_that_is_too_large_for_a_notify_is_no_objection() {
    let opening = || {
        let chosen = crate::support::ike_builder::sa_v2(&[(1, 20, 256), (2, 5, 0), (4, 14, 0)]);
        let opening = Message::v2(34, 0, &[chosen]);
        let talk = Talk::default().says(0, 0, opening.clone()).says(10, 1, opening.answer());
        talk.says(20, 0, v2(35, 1, 265)).says(30, 1, v2(35, 1, 285).answer())
    };
    // UPDATE_SA_ADDRESSES with both hashes, under GCM: 84 bytes in 109, answered by 76 in 101.
    assert!(came_up(&inform(opening(), 330, 2, (109, 101)).judge()));
    assert!(came_up(&inform(opening(), 330, 2, (109, GCM_EMPTY)).judge()));
    let refused = inform(opening(), 330, 2, (33, GCM_EMPTY)).judge();
    assert_eq!(refused.reason, Some(Reason::AuthenticationFailed));
}

#[test]
fn the_size_of_a_check_that_ended_nothing_is_no_deletes_from_either_side() {
    let flow = || established(false).esp(100, 20_000, SPIS);
    let check = |talk: Talk, at: i64, from: usize, id: u32| {
        let asked = Message { flags: if from == 0 { 8 } else { 0 }, ..v2(37, id, CBC_SMALL) };
        let answer =
            Message { flags: if from == 0 { 0x20 } else { 0x28 }, ..v2(37, id, CBC_SMALL) };
        talk.says(at, from, asked).says(at + 10, 1 - from, answer)
    };
    for (first, second) in [(0, 1), (1, 0), (0, 0)] {
        let talk = check(check(flow(), 5_000, first, 2), 20_100, second, 3).clear(20_300);
        assert!(came_up(&talk.judge()), "{first} {second}");
    }
    assert_eq!(check(flow(), 20_100, 0, 2).clear(20_300).judge().outcome, Outcome::Ended);
}

#[test]
fn an_answer_that_certificates_may_fill_completes_no_child() {
    let of = |bytes| rounds(&[(240, bytes)]).judge();
    assert_eq!(of(240).completions.len(), 1);
    assert!(of(1_300).completions.is_empty() && came_up(&of(1_300)));
    let with_esp = rounds(&[(240, 1_300)]).esp(200, 9_000, SPIS).judge();
    assert_eq!(with_esp.completions.len(), 1);
}

#[test]
fn silence_is_high_only_where_the_peer_itself_is_seen() {
    let asked = || {
        let request = v2(37, 2, CBC_SMALL);
        [20_000, 22_000, 26_000]
            .iter()
            .fold(established(false).esp(100, 19_000, SPIS), |talk, at| {
                talk.says(*at, 0, request.clone())
            })
    };
    let of_peer = asked().heard(21_000, 23_000).judge();
    assert_eq!((of_peer.outcome, of_peer.confidence), (Outcome::NoResponse, Confidence::High));
    let of_others = asked().heard_from(2, 21_000, 23_000).judge();
    assert_eq!(
        (of_others.outcome, of_others.confidence),
        (Outcome::NoResponse, Confidence::Medium)
    );
    assert!(of_others.inferred);
}

#[test]
fn a_delete_behind_a_rekey_whose_sa_is_used_later_ended_nothing() {
    let rekeyed = || {
        let talk = established(true).esp(100, 10_000, SPIS).says(25_000, 0, v2(36, 2, 240)).says(
            25_020,
            1,
            v2(36, 2, 224).answer(),
        );
        inform(talk, 25_100, 3, (GCM_SPI, GCM_SPI))
    };
    assert!(came_up(&rekeyed().esp(40_000, 60_000, [0xb1, 0xb2]).judge()));
    let again = rekeyed().esp(40_000, 60_000, [0xb1, 0xb2]).says(39_000, 0, init().spis(7, 0));
    assert_eq!(again.judge_all()[0].outcome, Outcome::Ended, "another negotiation made them");
}
