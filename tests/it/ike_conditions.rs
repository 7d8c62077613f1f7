//! No statement about a negotiation alone without its condition: properties for rows of the table in
//! docs/causes.md, "Conditions" (the other rows are in `statements` and `ike_outcomes`).

use crate::ike_outcomes::{aggressive, established, informational, main_mode, outcome_of, v2};
use crate::support::ike_builder::Message;
use crate::support::ike_talk::Talk;
use plainsight::catalogue::{Confidence, Reason};
use plainsight::ike::{IkeExchange, Outcome};
use proptest::prelude::*;

/// Methods of phase 1: with a key, with XAUTH and a key, with signatures, encryption, hybrid authentication, and
/// one that no document has.
const METHODS: [u16; 8] = [1, 65001, 65002, 3, 4, 64221, 65005, 77];

fn is_of_key(method: u16) -> bool {
    matches!(method, 1 | 65001 | 65002)
}

/// Informationals after what came before: at, who sends, encrypted octets.
type Complaints = Vec<(i64, usize, usize)>;

fn with(talk: Talk, complaints: &Complaints) -> Talk {
    let all = complaints.iter().zip(0x51..);
    all.fold(talk, |talk, ((at, from, octets), id)| {
        talk.says(*at, *from, informational(id, *octets))
    })
}

fn complaints() -> impl Strategy<Value = Complaints> {
    proptest::collection::vec((60i64..9_000, 0usize..2, 40usize..120), 0..5)
}

fn suspects_key(exchange: &IkeExchange) -> bool {
    exchange.reason == Some(Reason::PskMismatchSuspected)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// `psk_mismatch_suspected` in main mode: only under a method with a key, only between message 5 and message
    /// 6, inferred and never above `medium`.
    #[test]
    fn main_mode_shows_a_wrong_key_between_messages_five_and_six(
        method in proptest::sample::select(METHODS.to_vec()), until in 0usize..7,
        complaints in complaints(), again in proptest::collection::vec(60i64..9_000, 0..3), heard: bool,
    ) {
        let fifth = Message::v1_encrypted(2, 0, 64);
        let talk = with(main_mode(method, until), &complaints);
        let resent = again.iter().filter(|_| until >= 5);
        let talk = resent.fold(talk, |talk, at| talk.says(*at, 0, fifth.clone()));
        let talk = if heard { talk.heard(50, 9_000) } else { talk };
        for judged in talk.judge_all() {
            if suspects_key(&judged) {
                prop_assert!(is_of_key(method) && until == 5, "{method} {until}");
                prop_assert!(judged.inferred && judged.confidence <= Confidence::Medium);
                let has_answer = complaints.iter().any(|(_, from, _)| *from == 1);
                prop_assert!(has_answer || judged.confidence == Confidence::Low, "silence alone");
                prop_assert!(has_answer || heard, "nothing shows the responder's direction");
            }
        }
    }

    /// The same where the user is asked, or a quick mode is begun: the key was right.
    #[test]
    fn what_runs_under_the_key_proves_it(
        method in proptest::sample::select(METHODS.to_vec()), is_user: bool, count in 1u32..4,
        complaints in complaints(),
    ) {
        let exchange = if is_user { 6 } else { 32 };
        let talk = (0..count).fold(main_mode(method, 6), |talk, n| {
            let at = 60 + i64::from(n) * 10;
            let from = usize::from(is_user == n.is_multiple_of(2));
            talk.says(at, from, Message::v1_encrypted(exchange, n + 1, 80))
        });
        let late = complaints.iter().map(|(at, from, octets)| (at + 100, *from, *octets)).collect();
        prop_assert!(!with(talk, &late).judge_all().iter().any(suspects_key));
    }

    /// In aggressive mode: only under a method with a key, and only where message 3 is missing.
    #[test]
    fn aggressive_mode_shows_a_wrong_key_before_message_three(
        method in proptest::sample::select(METHODS.to_vec()), until in 1usize..4, complaints in complaints(),
    ) {
        for judged in with(aggressive(method, until), &complaints).judge_all() {
            if suspects_key(&judged) {
                prop_assert!(is_of_key(method) && until == 2, "{method} {until}");
                prop_assert!(judged.inferred && judged.confidence <= Confidence::Medium);
            }
        }
    }

    /// `no_response` on an established SA: only of one request that was sent three times or more, with no answer,
    /// where the other direction is seen in that time.
    #[test]
    fn silence_in_an_sa_is_three_identical_requests_and_a_direction_that_is_seen(
        exchange in 36u8..38, gaps in proptest::collection::vec(500i64..8_000, 0..5), same: bool,
        answer in proptest::option::of(0usize..5), heard in 0u8..3, gcm: bool,
    ) {
        let mut at = 20_000;
        let times: Vec<i64> =
            std::iter::once(at).chain(gaps.iter().map(|gap| { at += gap; at })).collect();
        let number = |n: u32| if same { 2 } else { 2 + n };
        let mut talk = established(gcm).esp(100, 19_000, crate::ike_outcomes::SPIS);
        for (time, n) in times.iter().zip(0..) {
            talk = talk.says(*time, 0, v2(exchange, number(n), 192));
        }
        let answered = answer.filter(|n| *n < times.len());
        if let Some(n) = answered {
            let id = number(u32::try_from(n).unwrap());
            talk = talk.says(times[n] + 50, 1, v2(exchange, id, 192).answer());
        }
        let end = times.last().copied().unwrap_or_default();
        talk = match heard {
            0 => talk,
            1 => talk.heard(20_100, end + 1_000),
            // Seen before the requests only.
            _ => talk.heard(100, 19_000),
        };
        let judged = talk.judge_all();
        for exchange in &judged {
            if exchange.outcome == Outcome::NoResponse {
                let (outcome, reason, ..) = outcome_of(exchange);
                prop_assert_eq!((outcome, reason), (Outcome::NoResponse, Some(Reason::Timeout)));
                prop_assert!(same && times.len() >= 3, "{times:?}");
                prop_assert!(heard == 1 && answered.is_none(), "{heard} {answered:?}");
            }
        }
        let is_silence = same && times.len() >= 3 && heard == 1 && answered.is_none();
        let is_said = judged.iter().any(|x| x.outcome == Outcome::NoResponse);
        prop_assert_eq!(is_said, is_silence);
    }
}
