//! What belongs to which negotiation: SPIs where both hosts began one, copies that a translator made, hosts behind one
//! address, and messages of which a part is missing. The rules are in docs/ike-outcomes.md.

use super::ike_outcomes::{
    CBC_SMALL, GCM_EMPTY, GCM_IKE, SPIS, established, inform, informational, main_mode, v2,
};
use crate::support::ike_builder::{Message, init, key_exchange, nonce, notify_v2, sa_v1, sa_v2};
use crate::support::ike_talk::{Talk, ip};
use plainsight::catalogue::{Confidence, Reason};
use plainsight::ike::{IkeExchange, Outcome};

/// The other host's own negotiation: under other SPIs, from host 1 to host 0.
fn others(message: Message) -> Message {
    message.spis(0x77, 0x88)
}

fn of(all: &[IkeExchange], host: usize) -> &IkeExchange {
    let of_host = all.iter().find(|exchange| exchange.initiator.ip() == ip(host));
    of_host.expect("a negotiation that the host began")
}

fn outcome(exchange: &IkeExchange) -> (Outcome, Option<Reason>) {
    (exchange.outcome, exchange.reason)
}

const REFUSED_CHILD: (Outcome, Option<Reason>) = (Outcome::Failed, Some(Reason::ChildRefused));
const ESTABLISHED: (Outcome, Option<Reason>) = (Outcome::Established, None);

/// Both hosts begin; host 0's IKE_AUTH is answered without room for a child SA.
fn both_begin(room: usize) -> Vec<IkeExchange> {
    let opening = others(init());
    Talk::default()
        .says(0, 1, Message { responder_spi: 0, ..opening.clone() })
        .says(10, 0, opening.answer().spis(0x77, 0x88))
        .says(100, 0, init())
        .says(110, 1, init().answer())
        .says(200, 0, v2(35, 1, 256))
        .says(220, 1, v2(35, 1, room).answer())
        .says(400, 1, others(v2(35, 1, 256)))
        .says(420, 0, others(v2(35, 1, 208).answer()))
        .esp(1_000, 60_000, SPIS)
        .judge_all()
}

#[test]
fn an_spi_belongs_to_the_negotiation_that_completed_last_before_it() {
    let all = both_begin(112);
    assert_eq!(outcome(of(&all, 0)), REFUSED_CHILD);
    let made = of(&all, 1);
    assert_eq!((outcome(made), made.inferred), (ESTABLISHED, false));
    // Where both have room, the later one made the SPIs, and the other one is an inference.
    let all = both_begin(208);
    assert_eq!((of(&all, 0).inferred, of(&all, 1).inferred), (true, false));
}

/// IKEv1 of host 1, which makes the SPIs, beside host 0's own.
fn beside_quick_mode(talk: Talk) -> Vec<IkeExchange> {
    let sa = Message::v1(2, &[sa_v1(&[(1, 7), (14, 128), (2, 2), (3, 1), (4, 2)])]);
    let keys = |fill: u8| Message::v1(2, &[(4, vec![fill; 128]), (10, vec![fill; 16])]);
    let steps = [
        (0, 1, sa.clone().spis(0x77, 0)),
        (1, 0, others(sa)),
        (2, 1, others(keys(3))),
        (3, 0, others(keys(4))),
        (4, 1, others(Message::v1_encrypted(2, 0, 64))),
        (5, 0, others(Message { rest: 65, ..Message::v1_encrypted(2, 0, 48) })),
        (500, 1, others(Message::v1_encrypted(32, 0x99, 144))),
        (510, 0, others(Message::v1_encrypted(32, 0x99, 128))),
        (520, 1, others(Message::v1_encrypted(32, 0x99, 32))),
    ];
    let with =
        steps.into_iter().fold(talk, |talk, (at, from, message)| talk.says(at, from, message));
    with.esp(1_000, 60_000, SPIS).judge_all()
}

#[test]
fn the_spis_of_another_negotiation_complete_no_refused_one() {
    let quick = Message::v1_encrypted(32, 0x777, 160);
    let refused = main_mode(1, 6).says(450, 0, quick).says(470, 1, informational(0x51, 64));
    assert_eq!(outcome(of(&beside_quick_mode(refused), 0)), REFUSED_CHILD);

    let key = main_mode(1, 5).says(120, 1, informational(0x51, 64));
    let all = beside_quick_mode(key);
    assert_eq!(of(&all, 0).reason, Some(Reason::PskMismatchSuspected));
    assert_eq!(outcome(of(&all, 1)), ESTABLISHED);

    // NO-PROPOSAL-CHOSEN in clear is read, and is an answer.
    let no = Message::v1(5, &[(11, vec![0, 0, 0, 1, 1, 0, 0, 14])]).answer();
    let refused = main_mode(1, 1).says(30, 1, no);
    assert_eq!(of(&beside_quick_mode(refused), 0).outcome, Outcome::NoProposalChosen);
}

/// A talk as a translator shows it that is captured on both sides: host 0 is host 2 outside.
fn translated(messages: &[(i64, usize, Message)]) -> Talk {
    messages.iter().fold(Talk::default(), |talk, (at, from, message)| {
        let (first, second) = match from {
            0 => ((0, 1), (2, 1)),
            _ => ((1, 2), (1, 0)),
        };
        let sends = |talk: Talk, at: i64, (from, to): (usize, usize)| {
            talk.sends(at, (from, 500), (to, 500), message.clone())
        };
        let talk = sends(talk, *at, first);
        sends(talk, at + 1, second)
    })
}

#[test]
fn a_translator_captured_on_both_sides_shows_two_whole_negotiations() {
    let talk = translated(&[
        (0, 0, init()),
        (10, 1, init().answer()),
        (20, 0, v2(35, 1, 256)),
        (30, 1, v2(35, 1, 208).answer()),
        (30_000, 0, v2(37, 2, CBC_SMALL)),
        (30_010, 1, v2(37, 2, CBC_SMALL).answer()),
    ]);
    let all = talk.esp(100, 60_000, SPIS).esp_of(2, 100, 60_000, SPIS).judge_all();
    assert_eq!(all.len(), 2);
    for host in [0, 2] {
        assert_eq!((outcome(of(&all, host)), of(&all, host).messages), (ESTABLISHED, 6), "{host}");
    }
}

#[test]
fn a_translated_copy_of_a_request_is_no_word_of_the_peer() {
    let check = v2(37, 2, CBC_SMALL);
    let opening = [
        (0, 0, init()),
        (10, 1, init().answer()),
        (20, 0, v2(35, 1, 256)),
        (30, 1, v2(35, 1, 208).answer()),
    ];
    let checks = [60_000, 62_000, 66_000].map(|at| (at, 0, check.clone()));
    let all = translated(&[&opening[..], &checks].concat()).judge_all();
    assert!(all.iter().all(|one| one.outcome == Outcome::Established), "{all:?}");

    // Quick mode and message 5 of IKEv1, sent again and never answered.
    let sa = Message::v1(2, &[sa_v1(&[(1, 7), (14, 128), (2, 2), (3, 1), (4, 2)])]);
    let keys = |fill: u8| {
        let keys = Message::v1(2, &[(4, vec![fill; 128]), (10, vec![fill; 16])]);
        keys.spis(0x1111_2222_3333_4444, 0x5555_6666_7777_8888)
    };
    let main = [
        (0, 0, sa.clone()),
        (10, 1, sa.answer()),
        (20, 0, keys(3)),
        (30, 1, keys(4)),
        (40, 0, Message::v1_encrypted(2, 0, 64)),
    ];
    let notifies =
        [20_000, 40_000].map(|at| (at, 0, informational(u32::try_from(at).unwrap(), 64)));
    let all = translated(&[&main[..], &notifies].concat()).judge_all();
    assert!(all.iter().all(|one| one.outcome != Outcome::Established), "{all:?}");
    let six = [(50, 1, Message { rest: 65, ..Message::v1_encrypted(2, 0, 48) })];
    let quick = [200, 4_200, 8_200].map(|at| (at, 0, Message::v1_encrypted(32, 9, 160)));
    let all = translated(&[&main[..], &six, &quick].concat()).judge_all();
    let is_answered = |one: &IkeExchange| one.state.contains("answered, not confirmed");
    assert!(!all.iter().any(is_answered), "{all:?}");
}

#[test]
fn a_translator_may_give_each_port_an_address_of_its_own() {
    let (asked, outside) = ((1, 4500), (2, 31_000));
    let quick = |bytes| Message::v1_encrypted(32, 9, bytes);
    let talk = main_mode(1, 4)
        .sends(100, outside, asked, Message::v1_encrypted(2, 0, 64))
        .sends(120, asked, outside, Message { rest: 65, ..Message::v1_encrypted(2, 0, 48) })
        .sends(200, outside, asked, quick(160))
        .sends(1_200, outside, asked, quick(160))
        .sends(3_200, outside, asked, quick(160))
        .sends(3_220, asked, outside, quick(128))
        .sends(3_240, outside, asked, quick(48));
    assert_eq!(outcome(&talk.judge()), ESTABLISHED);
}

/// A part of an encrypted message (RFC 7383 §2.5).
fn part(exchange: u8, id: u32, (number, total): (u8, u8), bytes: usize) -> Message {
    let body = [&[0, number, 0, total][..], &vec![0xe5; bytes]].concat();
    Message::v2(exchange, id, &[(53, body)])
}

#[test]
fn the_size_of_a_message_in_parts_is_known_where_all_are_there() {
    let asked = || {
        Talk::default().says(0, 0, init()).says(10, 1, init().answer()).says(20, 0, v2(35, 1, 256))
    };
    let last_alone = || asked().says(40, 1, part(35, 1, (3, 3), 48).answer());
    assert_eq!(outcome(&last_alone().judge()), (Outcome::Incomplete, None));
    assert_eq!(outcome(&last_alone().esp(12_500, 60_000, SPIS).judge()), ESTABLISHED);
    let whole = asked().says(40, 1, part(35, 1, (1, 2), 160).answer()).says(
        41,
        1,
        part(35, 1, (2, 2), 64).answer(),
    );
    assert_eq!(outcome(&whole.judge()), ESTABLISHED);
    let small = asked().says(40, 1, part(35, 1, (1, 2), 48).answer()).says(
        41,
        1,
        part(35, 1, (2, 2), 48).answer(),
    );
    assert_eq!(small.judge().outcome, Outcome::Incomplete, "a question of EAP has that size");
}

#[test]
fn a_rekey_whose_last_part_is_small_is_not_refused() {
    let rekeyed = established(true)
        .esp(100, 20_000, SPIS)
        .says(20_001, 0, part(36, 2, (1, 2), 1_200))
        .says(20_002, 0, part(36, 2, (2, 2), 60))
        .says(20_100, 1, part(36, 2, (1, 2), 1_200).answer())
        .says(20_101, 1, part(36, 2, (2, 2), 60).answer())
        .judge();
    let attempts = rekeyed.child_attempts();
    assert!(attempts.len() == 1 && !attempts[0].is_refused, "{attempts:?}");
}

/// Another IKE SA of the same hosts, from another port where it is another host's, at 30 s.
fn second(talk: Talk, port: u16) -> Talk {
    let transforms = [(1, 20, 256), (2, 5, 0), (4, 14, 0)];
    let opening =
        Message::v2(34, 0, &[sa_v2(&transforms), key_exchange(14), nonce()]).spis(0x99, 0);
    let (from, to) = ((0, port), (1, 500));
    talk.sends(30_000, from, to, opening.clone())
        .sends(30_010, to, from, opening.answer().spis(0x99, 0xaa))
        .sends(30_020, from, to, v2(35, 1, 256).spis(0x99, 0xaa))
        .sends(30_030, to, from, v2(35, 1, 208).answer().spis(0x99, 0xaa))
}

#[test]
fn an_ike_sa_is_replaced_only_where_it_is_deleted() {
    let living =
        || second(established(true), 500).esp(100, 90_000, SPIS).esp(30_100, 90_000, [0xb1, 0xb2]);
    // A liveness check in the old one, and one whose size fits a Delete while its ESP goes on.
    for bytes in [GCM_EMPTY, GCM_IKE] {
        let all = inform(living(), 33_000, 2, (bytes, GCM_EMPTY)).judge_all();
        assert!(
            all.iter().all(|one| one.outcome == Outcome::Established && one.replaces.is_none())
        );
    }
    let stopped =
        second(established(true), 500).esp(100, 32_900, SPIS).esp(30_100, 90_000, [0xb1, 0xb2]);
    let all = inform(stopped, 33_000, 2, (GCM_IKE, GCM_EMPTY)).judge_all();
    let old = all.iter().find(|one| one.replaced_by.is_some()).expect("replaced");
    assert_eq!((old.outcome, old.inferred), (Outcome::Ended, true));
    assert!(old.confidence <= Confidence::Medium);
    // Another port is another host behind the same translator.
    let other =
        second(established(true), 40_002).esp(100, 32_900, SPIS).esp(30_100, 90_000, [0xb1, 0xb2]);
    let all = inform(other, 33_000, 2, (GCM_IKE, GCM_EMPTY)).judge_all();
    assert!(all.iter().all(|one| one.replaced_by.is_none()));
}

#[test]
fn a_message_of_a_deletes_size_ends_nothing_where_no_esp_was_seen() {
    let notified = inform(established(true), 30_000, 2, (GCM_IKE, GCM_EMPTY)).judge();
    assert_eq!(outcome(&notified), ESTABLISHED);
}

#[test]
fn a_liveness_check_behind_ike_auth_is_no_objection_where_spis_follow() {
    let checked = inform(established(false), 400, 2, (CBC_SMALL, CBC_SMALL));
    assert_eq!(outcome(&checked.esp(15_000, 60_000, SPIS).judge()), ESTABLISHED);
    let alone = inform(established(false), 400, 2, (CBC_SMALL, CBC_SMALL)).judge();
    assert_eq!(
        (alone.reason, alone.confidence),
        (Some(Reason::AuthenticationFailed), Confidence::Low)
    );
}

/// Three rounds of EAP, the last of which waits for the user.
fn waiting_user() -> Talk {
    let mut talk = Talk::default().says(0, 0, init()).says(10, 1, init().answer());
    for (id, bytes) in [(1, 800), (2, 64), (3, CBC_SMALL)] {
        let at = i64::from(id) * 100;
        talk = talk.says(at, 0, v2(35, id, 256)).says(at + 20, 1, v2(35, id, bytes).answer());
    }
    talk
}

#[test]
fn another_host_behind_the_same_address_is_no_new_try() {
    let again = second(waiting_user(), 500).judge_all();
    assert_eq!(again[0].reason, Some(Reason::AuthenticationFailed));
    let another = second(waiting_user(), 40_002).judge_all();
    assert_eq!(outcome(&another[0]), (Outcome::Incomplete, None));
}

#[test]
fn a_first_answer_with_a_question_of_eap_refuses_nothing() {
    // An identity and a question (RFC 5998); then a notify alone.
    for (bytes, expected) in [(64, None), (48, Some(Reason::AuthenticationFailed))] {
        let asked = Talk::default().says(0, 0, init()).says(10, 1, init().answer());
        let answered = asked.says(50, 0, v2(35, 1, 256)).says(70, 1, v2(35, 1, bytes).answer());
        assert_eq!(answered.judge().reason, expected, "{bytes}");
    }
}

#[test]
fn an_initiator_that_was_redirected_was_not_refused() {
    let talk = |supports: bool, elsewhere: bool| {
        let mut opening = init();
        if supports {
            opening.payloads.push(notify_v2(16406, &[]));
        }
        let mut talk = Talk::default()
            .says(0, 0, opening.clone())
            .says(10, 1, init().answer())
            .says(50, 0, v2(35, 1, 256))
            .says(70, 1, v2(35, 1, 112).answer());
        if elsewhere {
            opening.payloads.push(notify_v2(16408, &[1, 4, 10, 0, 0, 2]));
            talk = talk.sends(200, (0, 500), (2, 500), opening.spis(0x99, 0));
        }
        talk.judge_all().swap_remove(0)
    };
    assert_eq!(outcome(&talk(true, true)), (Outcome::Incomplete, None));
    assert_eq!(outcome(&talk(true, false)), REFUSED_CHILD);
    assert_eq!(outcome(&talk(false, true)), REFUSED_CHILD);
}

#[test]
fn a_quick_mode_is_refused_within_a_round_trip_and_not_by_a_liveness_check() {
    let asked = || main_mode(1, 6).says(200, 0, Message::v1_encrypted(32, 9, 1_296));
    let alive = asked().says(21_000, 0, informational(1, 64)).says(21_010, 1, informational(2, 64));
    assert_eq!(outcome(&alive.judge()), (Outcome::Incomplete, None));
    let late = asked().says(5_000, 1, informational(2, 64)).says(5_010, 0, informational(3, 64));
    assert_eq!(outcome(&late.judge()), (Outcome::Incomplete, None));
    // Within the round trip, but in answer to another question.
    let answer = asked().says(300, 0, informational(1, 64)).says(310, 1, informational(2, 64));
    assert_eq!(outcome(&answer.judge()), (Outcome::Incomplete, None));
    assert_eq!(outcome(&asked().says(230, 1, informational(2, 64)).judge()), REFUSED_CHILD);
}

#[test]
fn what_both_sides_send_later_excludes_a_refusal_in_aggressive_mode() {
    let sa = sa_v1(&[(1, 7), (14, 128), (2, 2), (3, 3), (4, 2)]);
    let first = Message::v1(4, std::slice::from_ref(&sa));
    let second = Message::v1(4, &[sa, (9, vec![7; 128])]).answer();
    let crossed = Talk::default()
        .says(0, 0, first)
        .says(20, 1, second.clone())
        .says(500, 0, Message::v1_encrypted(4, 0, 896))
        .says(510, 1, second)
        .says(1_000, 1, informational(0x51, 80));
    let crossed = || crossed.clone();
    let alive =
        crossed().says(30_000, 0, informational(1, 64)).says(30_010, 1, informational(2, 64));
    assert_eq!(outcome(&alive.judge()), ESTABLISHED);
    assert_eq!(outcome(&crossed().esp(3_000, 60_000, SPIS).judge()), ESTABLISHED);
    // The repetition left before the third message came: what remains is one message of the responder's.
    let refused = crossed().judge();
    assert_eq!(
        (refused.reason, refused.confidence),
        (Some(Reason::AuthenticationFailed), Confidence::Low)
    );
}
