//! Findings about a contradiction between log and capture, and about hosts that may have been forced to clear
//! text: each with evidence that shows it, and beside it evidence that lacks one condition.

use crate::record_ties::{Record, report, xml};
use crate::support::ike_builder::{Message, clear, init, on_500, sa_v1, udp};
use crate::support::two_hosts::{Frames, Suite, established, flow, icmp_error, only_window, talk};
use plainsight::report::schema::{Finding, Report};

pub(crate) const INITIATOR: u64 = 0x1111_2222_3333_4444;
pub(crate) const RESPONDER: u64 = 0x5555_6666_7777_8888;
const SPIS: (u32, u32) = (0x1001, 0x2001);

fn found<'r>(report: &'r Report, code: &str) -> Vec<&'r Finding> {
    report.findings.iter().filter(|finding| finding.code == code).collect()
}

/// Main mode whose first message is refused in clear, by a notify of IKEv1.
fn refused_in_clear(at: u32, notify: u16) -> Frames {
    let first = Message::v1(2, &[sa_v1(&[(1, 7), (14, 128), (2, 2), (3, 1), (4, 2)])]);
    let body = [&[0, 0, 0, 1, 1, 0][..], &notify.to_be_bytes()].concat();
    let refusal = Message::v1(5, &[(11, body)]).spis(INITIATOR, RESPONDER);
    vec![(at, on_500(true, &first)), (at + 20, on_500(false, &refusal))]
}

/// 4653 of 10.0.0.2 about the negotiation with these cookies.
pub(crate) fn failure(number: u64, ms: i64, cookies: (u64, u64), reason: &str) -> Record {
    let data = [
        ("LocalAddress", "10.0.0.2".to_owned()),
        ("LocalKeyModPort", "500".to_owned()),
        ("RemoteAddress", "10.0.0.1".to_owned()),
        ("RemoteKeyModPort", "500".to_owned()),
        ("KeyModName", "%%8222".to_owned()),
        ("FailurePoint", "%%8199".to_owned()),
        ("FailureReason", reason.to_owned()),
        ("MMAuthMethod", "%%8193".to_owned()),
        ("State", "%%8202".to_owned()),
        ("Role", "%%8206".to_owned()),
        ("InitiatorCookie", format!("{:016x}", cookies.0)),
        ("ResponderCookie", format!("{:016x}", cookies.1)),
    ];
    (number, ms, 4653, data.to_vec())
}

const NO_PROPOSAL_CHOSEN: u16 = 14;
const CREDENTIALS: &str = "IKE authentication credentials are unacceptable";
const POLICY_MATCH: &str = "Policy match error";
const TIMEOUT: &str = "Negotiation timed out";

fn beside(record: Record) -> Report {
    let frames = [refused_in_clear(1_000, NO_PROPOSAL_CHOSEN), talk(2_000, 9_000)];
    report(&frames, &[("Security.xml", xml("Security", &[record]))])
}

#[test]
fn a_log_that_names_another_failure_than_the_capture_contradicts_it() {
    let told = beside(failure(77, 1_030, (INITIATOR, RESPONDER), CREDENTIALS));
    let [finding] = found(&told, "log_contradicts_capture")[..] else {
        panic!("{:?}", told.findings)
    };
    assert_eq!((finding.severity.as_str(), finding.confidence.as_str()), ("medium", "high"));
    assert!(finding.detail.contains("record 77"), "{}", finding.detail);
    assert!(finding.detail.contains("no_proposal_chosen"), "{}", finding.detail);
    let frames = finding.evidence.iter().filter_map(|proof| proof.frames.clone()).flatten();
    assert_eq!(frames.collect::<Vec<_>>(), [1, 2]);
    let records = finding.evidence.iter().filter_map(|proof| proof.records.clone()).flatten();
    assert_eq!(records.collect::<Vec<_>>(), [77]);
}

#[test]
fn the_same_failure_silence_and_another_negotiation_contradict_nothing() {
    let both = (INITIATOR, RESPONDER);
    let records = [
        failure(77, 1_030, both, POLICY_MATCH),
        // A host that heard no refusal only knows that nothing came.
        failure(77, 1_030, both, TIMEOUT),
        failure(77, 1_030, (INITIATOR + 1, RESPONDER), CREDENTIALS),
    ];
    for record in records {
        let told = beside(record.clone());
        assert!(found(&told, "log_contradicts_capture").is_empty(), "{record:?}");
    }
}

/// Main mode under a key up to message 5, which an encrypted message refuses.
pub(crate) fn inferred_refusal() -> Frames {
    let sa = sa_v1(&[(1, 7), (14, 128), (2, 2), (3, 1), (4, 2)]);
    let keys = |fill: u8| {
        Message::v1(2, &[(4, vec![fill; 128]), (10, vec![fill; 16])]).spis(INITIATOR, RESPONDER)
    };
    vec![
        (1_000, on_500(true, &Message::v1(2, std::slice::from_ref(&sa)))),
        (1_010, on_500(false, &Message::v1(2, &[sa]).answer())),
        (1_020, on_500(true, &keys(3))),
        (1_030, on_500(false, &keys(4))),
        (1_040, on_500(true, &Message::v1_encrypted(2, 0, 64))),
        (1_050, on_500(false, &Message::v1_encrypted(5, 0x51, 64))),
    ]
}

/// What was inferred from encrypted messages is no statement that a log could contradict: the log overrides it.
#[test]
fn an_inference_is_overridden_and_not_contradicted() {
    let ike = inferred_refusal();
    let alone = report(&[ike.clone(), talk(2_000, 9_000)], &[]);
    assert_eq!(alone.ike_exchanges[0].reason.as_deref(), Some("psk_mismatch_suspected"));
    let record = failure(77, 1_060, (INITIATOR, RESPONDER), POLICY_MATCH);
    let told = report(&[ike, talk(2_000, 9_000)], &[("Security.xml", xml("Security", &[record]))]);
    assert!(found(&told, "log_contradicts_capture").is_empty());
    let reasons: Vec<&str> =
        only_window(&told).causes.iter().map(|cause| cause.reason.as_str()).collect();
    assert!(reasons.contains(&"no_proposal_chosen"), "{reasons:?}");
    assert!(!reasons.contains(&"psk_mismatch_suspected"), "{reasons:?}");
}

fn forced(parts: &[Frames]) -> Vec<(String, String)> {
    let told = report(parts, &[]);
    assert!(!told.windows.is_empty());
    let found = found(&told, "forced_fallback_suspected");
    found.iter().map(|it| (it.severity.clone(), it.confidence.clone())).collect()
}

fn suspected() -> Vec<(String, String)> {
    vec![("medium".to_owned(), "low".to_owned())]
}

#[test]
fn an_error_about_a_message_that_arrived_is_a_sign_of_force() {
    let leak = || vec![established(Suite::Gcm), flow(100, 5_000, SPIS), talk(5_400, 12_000)];
    let opening = established(Suite::Gcm)[0].1.clone();
    let error = |at: u32| vec![(at, icmp_error(3, &opening))];
    assert_eq!(forced(&[leak(), vec![error(30)]].concat()), suspected());
    assert!(forced(&leak()).is_empty());
    // Behind the completion: the peer may have left since.
    assert!(forced(&[leak(), vec![error(4_000)]].concat()).is_empty());
    // The message was sent twice: the peer may have been absent for the first.
    let again: Frames =
        leak().concat().into_iter().map(|(ms, frame)| (ms + 2_000, frame)).collect();
    assert!(forced(&[again, vec![(0, opening.clone())], error(5)]).is_empty());
    // A minute before the clear text and more.
    let late = vec![established(Suite::Gcm), flow(100, 5_000, SPIS), talk(90_000, 96_000)];
    assert!(forced(&[late, vec![error(30)]].concat()).is_empty());
}

/// The first host's calls and the second's, and which of them are answered; where one is heard, it goes on with a
/// second message.
fn calls([first_is_answered, second_is_answered, is_heard]: [bool; 3]) -> Vec<Frames> {
    let call = |from_first: bool, spi: u64, is_answered: bool| {
        let asked = init().spis(spi, 0);
        let answer = init().answer().spis(spi, RESPONDER);
        let next = Message::v2_encrypted(35, 1, 240).spis(spi, RESPONDER);
        let at = if from_first { 500 } else { 0 };
        let mut frames: Frames = Vec::new();
        for later in [0, 1_000, 3_000, 7_000] {
            let goes_on = is_heard && is_answered && later > 0;
            let message = if goes_on { &next } else { &asked };
            frames.push((at + later, on_500(from_first, message)));
            if is_answered && !goes_on {
                frames.push((at + later + 10, on_500(!from_first, &answer)));
            }
        }
        frames
    };
    let calls = [call(true, 0xaaaa, first_is_answered), call(false, 0xbbbb, second_is_answered)];
    [calls.to_vec(), vec![talk(8_000, 16_000)]].concat()
}

#[test]
fn answers_that_do_not_reach_one_side_are_a_sign_of_force() {
    assert_eq!(forced(&calls([false, true, false])), suspected());
    assert_eq!(forced(&calls([true, false, false])), suspected());
    assert!(forced(&calls([false, false, false])).is_empty(), "a peer that is absent");
    assert!(forced(&calls([false, true, true])).is_empty(), "the answer arrived");
}

#[test]
fn a_crowd_that_negotiates_at_once_is_a_sign_of_force() {
    let crowd = |hosts: u8, every: u32| {
        let others = (0..hosts).map(|n| {
            let asked = init().spis(0xc0de_0000 + u64::from(n), 0);
            (1_000 + u32::from(n) * every, udp(20 + n, 2, (500, 500), &asked.bytes()))
        });
        let leak = vec![established(Suite::Gcm), flow(100, 5_000, SPIS), talk(5_400, 12_000)];
        [leak, vec![others.collect(), vec![(13_000, clear(1, 2))]]].concat()
    };
    assert_eq!(forced(&crowd(60, 50)), suspected());
    assert!(forced(&crowd(49, 50)).is_empty(), "an ordinary peak");
    assert!(forced(&crowd(60, 2_000)).is_empty(), "never fifty within a minute");
}
