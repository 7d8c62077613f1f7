//! What may be said of a negotiation's end: two and more conversations of each kind, made to order, and
//! properties over many. The rules are in docs/ike-outcomes.md.

use crate::support::ike_builder::{Message, init, key_exchange, nonce, notify_v2, sa_v1, sa_v2};
use crate::support::ike_talk::{Talk, ip, ms};
use plainsight::catalogue::{Confidence, Reason};
use plainsight::ike::{IkeExchange, Outcome};
use proptest::prelude::*;

/// Encrypted bytes under AES-CBC and HMAC-SHA2-256-128: an empty message, any Delete, a refusal.
pub(crate) const CBC_SMALL: usize = 48;
/// Under AES-GCM: an empty message, a Delete of the IKE SA, a Delete with one SPI.
pub(crate) const GCM_EMPTY: usize = 25;
pub(crate) const GCM_IKE: usize = 33;
pub(crate) const GCM_SPI: usize = 37;

pub(crate) fn v2(exchange: u8, id: u32, bytes: usize) -> Message {
    Message::v2_encrypted(exchange, id, bytes)
}

/// A request of the responder's.
fn from_responder(message: Message) -> Message {
    Message { flags: 0, ..message }
}

/// The initiator's answer to one.
fn back(message: Message) -> Message {
    Message { flags: 0x28, ..message }
}

/// An IKE SA with a child SA and its ESP.
pub(crate) fn established(gcm: bool) -> Talk {
    let cipher = if gcm { 20 } else { 12 };
    let mut transforms = vec![(1, cipher, 256), (2, 5, 0), (4, 14, 0)];
    if !gcm {
        transforms.push((3, 12, 0));
    }
    let opening = Message::v2(34, 0, &[sa_v2(&transforms), key_exchange(14), nonce()]);
    Talk::default()
        .says(0, 0, opening.clone())
        .says(10, 1, opening.answer())
        .says(20, 0, v2(35, 1, 256))
        .says(30, 1, v2(35, 1, 208).answer())
}

/// An INFORMATIONAL exchange.
pub(crate) fn inform(talk: Talk, at: i64, id: u32, bytes: (usize, usize)) -> Talk {
    talk.says(at, 0, v2(37, id, bytes.0)).says(at + 10, 1, v2(37, id, bytes.1).answer())
}

pub(crate) fn outcome_of(exchange: &IkeExchange) -> (Outcome, Option<Reason>, bool, Confidence) {
    (exchange.outcome, exchange.reason, exchange.inferred, exchange.confidence)
}

pub(crate) const SPIS: [u32; 2] = [0xa1, 0xa2];

#[test]
fn a_delete_in_a_flow_that_goes_on_in_clear_ends_it() {
    let ended = (Outcome::Ended, None, true, Confidence::Medium);
    let flow = |last| established(false).esp(100, last, SPIS);
    let cut = inform(flow(20_000), 20_100, 2, (CBC_SMALL, CBC_SMALL)).clear(20_300).judge();
    assert_eq!(outcome_of(&cut), ended);
    assert_eq!(cut.deleted, Some((ip(0), ms(20_100))));
    // ESP under way arrives a little later.
    let under_way = inform(flow(20_900), 20_100, 2, (CBC_SMALL, CBC_SMALL)).clear(21_000).judge();
    assert_eq!(outcome_of(&under_way), ended);
    // What was held back negotiates anew.
    let again = init().spis(7, 0);
    let renewed = inform(flow(20_000), 20_100, 2, (CBC_SMALL, CBC_SMALL)).says(23_000, 0, again);
    assert_eq!(renewed.judge_all()[0].outcome, Outcome::Ended);
    let late = inform(flow(25_000), 20_100, 2, (CBC_SMALL, CBC_SMALL)).clear(20_300).judge();
    assert_eq!(late.outcome, Outcome::Established, "the SPIs go on");
}

#[test]
fn a_liveness_check_of_a_deletes_size_ends_nothing() {
    let flow = || established(false).esp(100, 20_000, SPIS);
    for (check, clear) in [(20_500, 24_000), (21_500, 23_000), (23_000, 23_100), (50_000, 50_100)] {
        let talk = inform(flow(), check, 2, (CBC_SMALL, CBC_SMALL)).clear(clear).judge();
        assert_eq!((talk.outcome, talk.deleted), (Outcome::Established, None), "{check}");
    }
    // Clear text came first.
    let before = inform(flow(), 20_500, 2, (CBC_SMALL, CBC_SMALL)).clear(20_400).judge();
    assert_eq!(before.outcome, Outcome::Established);
    // That size ended nothing before.
    let habit = established(false).esp(100, 20_000, SPIS);
    let habit = inform(habit, 15_000, 2, (CBC_SMALL, CBC_SMALL));
    let habit = inform(habit, 20_100, 3, (CBC_SMALL, CBC_SMALL)).clear(20_300).judge();
    assert_eq!(habit.outcome, Outcome::Established);
}

#[test]
fn a_rested_sa_ended_where_its_hosts_begin_another_and_nothing_came_back_before() {
    let flow = || established(false).esp(100, 20_000, SPIS);
    let rested = || inform(flow(), 35_000, 2, (CBC_SMALL, CBC_SMALL));
    let again = || init().spis(7, 0);
    let low = (Outcome::Ended, None, true, Confidence::Low);
    assert_eq!(outcome_of(&rested().says(36_000, 0, again()).judge_all()[0]), low);
    assert_eq!(rested().says(50_000, 0, again()).judge_all()[0].outcome, Outcome::Established);
    let before = rested().clear(30_000).says(36_000, 0, again());
    assert_eq!(before.judge_all()[0].outcome, Outcome::Established, "clear text came first");
    let habit = inform(
        inform(flow(), 25_000, 2, (CBC_SMALL, CBC_SMALL)),
        35_000,
        3,
        (CBC_SMALL, CBC_SMALL),
    );
    assert_eq!(habit.says(36_000, 0, again()).judge_all()[0].outcome, Outcome::Established);
}

#[test]
fn under_gcm_the_size_alone_shows_a_delete_from_a_liveness_check() {
    let flow = || established(true).esp(100, 20_000, SPIS);
    let alive = inform(flow(), 20_100, 2, (GCM_EMPTY, GCM_EMPTY)).clear(20_300).judge();
    assert_eq!(alive.outcome, Outcome::Established);
    // A notify without data (RFC 4555 §3.6) and a question for the peer's version (RFC 7296 §3.15.4) have
    // these sizes too.
    let ike = inform(flow(), 20_100, 2, (GCM_IKE, GCM_EMPTY)).judge();
    assert_eq!(outcome_of(&ike), (Outcome::Ended, None, true, Confidence::Medium));
    let child = inform(flow(), 20_100, 2, (GCM_SPI, GCM_SPI)).judge();
    assert_eq!(outcome_of(&child), (Outcome::Ended, None, true, Confidence::Medium));
    // It had rested for five minutes: an expiry, by the same size.
    let idle = inform(flow(), 320_000, 2, (GCM_SPI, GCM_SPI)).clear(321_000).judge();
    assert_eq!(outcome_of(&idle), (Outcome::Ended, None, true, Confidence::Medium));
    // A notify of that size, behind which the IKE SA lives.
    let notify = inform(flow(), 20_100, 2, (GCM_IKE, GCM_EMPTY));
    let notify = inform(notify, 40_000, 3, (GCM_EMPTY, GCM_EMPTY)).judge();
    assert_eq!(notify.outcome, Outcome::Established);
}

#[test]
fn a_request_that_cannot_be_empty_ends_what_stops_at_it() {
    let flow = || established(false).esp(100, 20_000, SPIS);
    let larger = || inform(flow(), 20_500, 2, (CBC_SMALL + 16, CBC_SMALL));
    let medium = (Outcome::Ended, None, true, Confidence::Medium);
    assert_eq!(outcome_of(&larger().clear(23_000).judge()), medium);
    // Behind a Delete of the IKE SA nothing is asked under it, and nothing stops at a notify.
    let lives = inform(larger(), 50_000, 3, (CBC_SMALL, CBC_SMALL)).clear(23_000).judge();
    assert_eq!(lives.outcome, Outcome::Established);
    assert_eq!(larger().clear(60_000).judge().outcome, Outcome::Established);
}

#[test]
fn a_delete_after_a_rekey_and_one_before_a_new_child_end_nothing() {
    let rekeyed = established(false)
        .esp(100, 20_000, SPIS)
        .says(20_010, 0, v2(36, 2, 192))
        .says(20_030, 1, v2(36, 2, 176).answer())
        .esp(20_100, 40_000, [0xb1, 0xb2]);
    let rekeyed = inform(rekeyed, 20_050, 3, (CBC_SMALL, CBC_SMALL)).judge();
    assert_eq!((rekeyed.outcome, rekeyed.inferred), (Outcome::Established, false));
    let remade = established(true).esp(100, 20_000, SPIS);
    let remade = inform(remade, 20_050, 2, (GCM_SPI, GCM_SPI))
        .clear(20_200)
        .says(29_000, 0, v2(36, 3, 192))
        .says(29_020, 1, v2(36, 3, 176).answer())
        .esp(29_100, 40_000, [0xb1, 0xb2])
        .judge();
    assert_eq!(remade.outcome, Outcome::Established);
}

#[test]
fn a_host_that_moves_ends_nothing() {
    // RFC 4555: the initiator says so from its new address; a translated address changes unsaid.
    let flow = || established(false).esp(100, 20_000, SPIS).esp_of(2, 20_300, 40_000, SPIS);
    let mobike =
        flow().says(20_200, 2, v2(37, 2, 96)).says(20_210, 1, v2(37, 2, 96).answer()).judge();
    assert_eq!((mobike.outcome, mobike.deleted), (Outcome::Established, None));
    let rebound = inform(flow(), 20_050, 2, (CBC_SMALL, CBC_SMALL)).clear(20_200).judge();
    assert_eq!(rebound.outcome, Outcome::Established);
}

/// IKE_AUTH of such sizes, under AES-CBC; the responder may support childless SAs (RFC 6023).
fn without_child(childless: bool, bytes: (usize, usize)) -> Talk {
    let opening = init();
    let mut answer = opening.clone();
    if childless {
        answer.payloads.push(notify_v2(16418, &[]));
    }
    Talk::default()
        .says(0, 0, opening)
        .says(10, 1, answer.answer())
        .says(20, 0, v2(35, 1, bytes.0))
        .says(30, 1, v2(35, 1, bytes.1).answer())
}

#[test]
fn a_missing_child_is_refused_unless_the_responder_can_do_without() {
    let refused = without_child(false, (256, 112)).judge();
    let failed = (Outcome::Failed, Some(Reason::ChildRefused), true, Confidence::Medium);
    assert_eq!(outcome_of(&refused), failed);
    for request in [160, 256] {
        let childless = without_child(true, (request, 112));
        let childless = inform(childless, 30_000, 2, (CBC_SMALL, CBC_SMALL)).judge();
        assert_eq!((childless.outcome, childless.reason), (Outcome::Established, None));
    }
}

#[test]
fn a_later_child_counts_where_its_spi_follows() {
    for childless in [false, true] {
        let asked = || without_child(childless, (256, 112)).says(20_000, 0, v2(36, 2, 240));
        let made = asked().says(20_020, 1, v2(36, 2, 224).answer()).esp(20_100, 30_000, SPIS);
        assert_eq!(made.judge().outcome, Outcome::Established);
        let refused = asked().says(20_020, 1, v2(36, 2, CBC_SMALL).answer()).judge();
        assert_eq!(refused.reason, Some(Reason::ChildRefused));
    }
}

#[test]
fn silence_inside_an_sa_counts_where_the_other_direction_is_seen() {
    for exchange in [36, 37] {
        let asked = |talk: Talk| {
            let request = v2(exchange, 2, 192);
            [20_000, 22_000, 26_000]
                .iter()
                .fold(talk, |talk, at| talk.says(*at, 0, request.clone()))
        };
        let flow = || asked(established(false).esp(100, 19_000, SPIS));
        let silent = flow().heard(21_000, 23_000).judge();
        let (outcome, reason, ..) = outcome_of(&silent);
        assert_eq!((outcome, reason), (Outcome::NoResponse, Some(Reason::Timeout)));
        assert_eq!(silent.resent_after.len(), 2);
        assert_eq!(flow().judge().outcome, Outcome::Established, "nothing shows that direction");
        let answered = flow().heard(21_000, 23_000).says(26_100, 1, v2(exchange, 2, 192).answer());
        assert_eq!(answered.judge().outcome, Outcome::Established);
    }
    // Checks with numbers of their own, as dead peer detection of IKEv1 sends them.
    let mut checks = quick_mode(1).heard(20_000, 60_000);
    for (id, at) in [(0x71, 20_000), (0x72, 24_000), (0x73, 28_000), (0x74, 32_000)] {
        checks = checks.says(at, 0, Message::v1_encrypted(5, id, 64));
    }
    assert_eq!(checks.judge().outcome, Outcome::Established);
}

/// Main mode up to a message, under a method and AES with SHA-1.
pub(crate) fn main_mode(method: u16, until: usize) -> Talk {
    let sa = sa_v1(&[(1, 7), (14, 128), (2, 2), (3, method), (4, 2)]);
    let keys = |fill: u8| Message::v1(2, &[(4, vec![fill; 128]), (10, vec![fill; 16])]);
    let all = |message: Message| message.spis(0x1111_2222_3333_4444, 0x5555_6666_7777_8888);
    let messages = [
        Message::v1(2, std::slice::from_ref(&sa)),
        Message::v1(2, &[sa]).answer(),
        all(keys(3)),
        all(keys(4)),
        Message::v1_encrypted(2, 0, 64),
        Message { rest: 65, ..Message::v1_encrypted(2, 0, 48) },
    ];
    let mut talk = Talk::default();
    for (at, message) in messages.into_iter().take(until).enumerate() {
        talk = talk.says(10 * i64::try_from(at).unwrap(), at % 2, message);
    }
    talk
}

/// Main mode and a quick mode.
pub(crate) fn quick_mode(method: u16) -> Talk {
    main_mode(method, 6)
        .says(100, 0, Message::v1_encrypted(32, 0x99, 144))
        .says(110, 1, Message::v1_encrypted(32, 0x99, 128))
        .says(120, 0, Message::v1_encrypted(32, 0x99, 32))
        .esp(200, 15_000, SPIS)
}

pub(crate) fn informational(id: u32, bytes: usize) -> Message {
    Message::v1_encrypted(5, id, bytes)
}

#[test]
fn a_wrong_key_is_suspected_by_exchange_types_not_by_sizes() {
    let suspected = (
        Outcome::AuthenticationSuspected,
        Some(Reason::PskMismatchSuspected),
        true,
        Confidence::Medium,
    );
    // The complaint has the size of message 6, or of message 5.
    for bytes in [48, 64, 65] {
        let refused = main_mode(1, 5).says(60, 1, informational(0x51, bytes)).judge();
        assert_eq!(outcome_of(&refused), suspected, "{bytes}");
    }
    let certificate = main_mode(3, 5).says(60, 1, informational(0x51, 64)).judge();
    assert_eq!(certificate.reason, Some(Reason::AuthenticationFailed));
    let hybrid = main_mode(64221, 5).says(60, 1, informational(0x51, 64)).judge();
    assert_eq!(hybrid.reason, Some(Reason::AuthenticationFailed));
    // Silence alone may be a filter, and is nothing where the responder's direction is not seen.
    let fifth = Message::v1_encrypted(2, 0, 64);
    let silent = || main_mode(1, 5).says(2_000, 0, fifth.clone()).says(6_000, 0, fifth.clone());
    assert_eq!(outcome_of(&silent().heard(1_000, 7_000).judge()).3, Confidence::Low);
    assert_eq!(silent().judge().outcome, Outcome::Incomplete);
}

#[test]
fn message_six_proves_the_key() {
    for (from, bytes) in [(0, 80), (1, 64), (0, 64), (1, 48)] {
        let alone = main_mode(1, 6).says(150, from, informational(0x51, bytes)).judge();
        assert_eq!((alone.outcome, alone.reason), (Outcome::Incomplete, None));
    }
    let kept = main_mode(1, 6)
        .says(30_000, 0, informational(1, 64))
        .says(30_010, 1, informational(2, 64))
        .judge();
    assert_eq!((kept.outcome, kept.reason), (Outcome::Established, None));
}

/// Aggressive mode up to a message.
pub(crate) fn aggressive(method: u16, until: usize) -> Talk {
    let sa = sa_v1(&[(1, 7), (14, 128), (2, 2), (3, method), (4, 2)]);
    let first = Message::v1(4, &[sa.clone(), (5, vec![1, 0, 0, 0, 10, 0, 0, 1])]);
    let second = Message::v1(4, &[sa, (5, vec![1, 0, 0, 0, 10, 0, 0, 2]), (8, vec![7; 20])]);
    let mut talk = Talk::default();
    let third = Message::v1_encrypted(4, 0, 64);
    for (at, message) in [first, second.answer(), third].into_iter().take(until).enumerate() {
        talk = talk.says(10 * i64::try_from(at).unwrap(), at % 2, message);
    }
    talk
}

#[test]
fn aggressive_mode_shows_the_key_in_message_two() {
    let refused = aggressive(1, 2).says(30, 0, informational(0x51, 64)).judge();
    assert_eq!(refused.reason, Some(Reason::PskMismatchSuspected));
    assert_eq!(refused.confidence, Confidence::Medium);
    for method in [1, 65001, 65002] {
        let third = aggressive(method, 3).says(60, 1, informational(0x51, 64)).judge();
        assert_eq!((third.outcome, third.reason), (Outcome::Incomplete, None), "{method}");
    }
    let certificate = aggressive(3, 2).says(30, 0, informational(0x51, 64)).judge();
    assert_eq!(certificate.reason, Some(Reason::AuthenticationFailed));
}

#[test]
fn a_refused_user_is_no_refused_key() {
    for method in [65001, 65005, 64221] {
        let mut talk = main_mode(method, 6);
        for (at, id, from) in [(100, 1, 1), (200, 1, 0), (300, 2, 1), (400, 2, 0)] {
            talk = talk.says(at, from, Message::v1_encrypted(6, id, 48 + usize::from(from == 0)));
        }
        let refused = talk.says(450, 1, informational(0x51, 64)).judge();
        let outcome = (refused.outcome, refused.reason);
        let expected = (Outcome::AuthenticationSuspected, Some(Reason::AuthenticationFailed));
        assert_eq!(outcome, expected, "{method}");
        assert!(refused.state.contains("user"));
    }
    // The initiator asked for an address, and nothing follows.
    let mut configured = main_mode(65001, 6);
    for (at, id, from) in [(100, 1, 1), (200, 1, 0), (300, 2, 0), (400, 2, 1)] {
        configured = configured.says(at, from, Message::v1_encrypted(6, id, 48));
    }
    let configured = configured.says(450, 1, informational(0x51, 64)).judge();
    assert_eq!((configured.outcome, configured.reason), (Outcome::Incomplete, None));
}

#[test]
fn a_quick_mode_is_refused_by_a_message_and_not_by_silence() {
    let quick = Message::v1_encrypted(32, 0x1234, 144);
    let refused =
        main_mode(1, 6).says(100, 0, quick.clone()).says(110, 1, informational(0x51, 48)).judge();
    assert_eq!((refused.outcome, refused.reason), (Outcome::Failed, Some(Reason::ChildRefused)));
    let asked = |times: &[i64]| {
        times.iter().fold(main_mode(1, 6), |talk, at| talk.says(*at, 0, quick.clone()))
    };
    let twice = asked(&[100, 1_100]).heard(500, 4_000).judge();
    assert_eq!((twice.outcome, twice.reason), (Outcome::Incomplete, None));
    let insisted = asked(&[100, 1_100, 3_100]).heard(500, 4_000).judge();
    assert_eq!((insisted.outcome, insisted.reason), (Outcome::NoResponse, Some(Reason::Timeout)));
    let unheard = asked(&[100, 1_100, 3_100]).judge();
    assert_eq!(unheard.outcome, Outcome::Incomplete);
}

#[test]
fn ikev1_keepalives_of_a_deletes_size_end_nothing() {
    // R-U-THERE and a Delete of the ISAKMP SA have 64 encrypted bytes alike under SHA-1.
    let mut idle = quick_mode(1);
    for (at, id) in [(20_000, 1), (30_000, 3), (40_000, 5)] {
        idle = idle.says(at, 0, informational(id, 64)).says(at + 10, 1, informational(id + 1, 64));
    }
    assert_eq!(idle.judge().outcome, Outcome::Established);
    let cut = quick_mode(1).says(15_100, 1, informational(0x51, 48)).clear(15_200).judge();
    assert_eq!(outcome_of(&cut), (Outcome::Ended, None, true, Confidence::Medium));
    let two = quick_mode(1)
        .says(15_100, 1, informational(0x51, 48))
        .says(15_101, 1, informational(0x52, 64))
        .clear(15_200)
        .judge();
    assert_eq!(two.deleted, Some((ip(1), ms(15_100))), "the earliest that fits");
    let clear = quick_mode(1).says(15_100, 0, informational(0x51, 160)).clear(15_200).judge();
    assert_eq!(clear.outcome, Outcome::Established, "too large for a Delete");
}

#[test]
fn the_responder_ends_as_well_as_the_initiator() {
    let cut = established(false)
        .esp(100, 20_000, SPIS)
        .says(20_100, 1, from_responder(v2(37, 0, CBC_SMALL)))
        .says(20_110, 0, back(v2(37, 0, CBC_SMALL)))
        .clear(20_200)
        .judge();
    assert_eq!(cut.deleted, Some((ip(1), ms(20_100))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// IKEv2 never shows that a pre-shared key was wrong, nor which selectors were refused.
    #[test]
    fn ikev2_never_names_what_is_encrypted(
        sizes in proptest::collection::vec((35u8..38, 1u32..4, 16usize..300, any::<bool>()), 1..12),
        childless: bool, esp in proptest::option::of(100i64..3_000),
    ) {
        let mut talk = without_child(childless, (256, 112));
        for (at, (exchange, id, bytes, answers)) in (1..).zip(sizes) {
            let message = v2(exchange, id, bytes);
            let message = if answers { message.answer() } else { message };
            talk = talk.says(100 * at, usize::from(answers), message);
        }
        if let Some(start) = esp {
            talk = talk.esp(start, start + 1_000, SPIS);
        }
        let reason = talk.judge().reason;
        prop_assert!(!matches!(
            reason, Some(Reason::PskMismatchSuspected | Reason::TsUnacceptable)
        ));
    }

    /// Liveness checks of any suite, while ESP goes on or rests, never end anything; nor does clear text
    /// that begins when it likes.
    #[test]
    fn liveness_checks_end_nothing(
        gcm: bool, rests in proptest::collection::vec(3_000i64..40_000, 1..6), late in 3_000i64..90_000,
    ) {
        let bytes = if gcm { GCM_EMPTY } else { CBC_SMALL };
        let (mut talk, mut at) = (established(gcm).esp(100, 10_000, SPIS), 10_000);
        for (id, rest) in (2..).zip(rests) {
            at += rest;
            talk = inform(talk, at, id, (bytes, bytes));
        }
        let judged = talk.clear(at + late).judge();
        prop_assert_eq!((judged.outcome, judged.deleted), (Outcome::Established, None));
    }

    /// Whatever the sizes, a message under a size that a keepalive can have is at most inferred, and no
    /// more than medium.
    #[test]
    fn an_ambiguous_delete_is_at_most_medium(
        before in 0i64..4_000, clear in 0i64..4_000, bytes in prop_oneof![Just(48usize), Just(64), Just(80)],
    ) {
        let at = 10_000 + before;
        let talk = inform(established(false).esp(100, 10_000, SPIS), at, 2, (bytes, CBC_SMALL));
        let judged = talk.clear(at + clear).judge();
        if judged.outcome == Outcome::Ended {
            prop_assert!(judged.inferred && judged.confidence <= Confidence::Medium);
            prop_assert!(before <= 2_000, "it had rested");
        }
    }

    /// A key is suspected only under methods with a pre-shared key, and never behind message 6, a third
    /// message of aggressive mode, a transaction, or a quick mode.
    #[test]
    fn a_key_is_suspected_only_where_one_was_used_and_not_proven(
        method in prop_oneof![1u16..12, 64221u16..64225, 65001u16..65011],
        is_main: bool, until in 2usize..7,
        after in proptest::collection::vec((prop_oneof![Just(5u8), Just(6), Just(32)], any::<bool>(), 1u32..4), 0..5),
    ) {
        let mut talk = if is_main { main_mode(method, until) } else { aggressive(method, until.min(3)) };
        let mut proven = (is_main && until == 6) || (!is_main && until >= 3);
        for (at, (exchange, answers, id)) in (1..).zip(after) {
            let message = Message { rest: 64 + usize::from(answers), ..Message::v1_encrypted(exchange, id, 64) };
            talk = talk.says(1_000 * at, usize::from(answers), message);
            proven |= exchange != 5;
        }
        if talk.judge().reason == Some(Reason::PskMismatchSuspected) {
            prop_assert!(!proven);
            prop_assert!(matches!(method, 1 | 65001 | 65002));
        }
    }
}
