//! No statement about logs beside captures without its condition: properties for the rows "log over wire" and
//! "`clock_wrong`" of the table in docs/causes.md, "Conditions".

use crate::record_ties::{Record, report, xml};
use crate::support::two_hosts::{Frames, refused, talk};
use crate::suspicions::{INITIATOR, RESPONDER, failure, inferred_refusal};
use plainsight::report::schema::{Cause, Report};
use proptest::prelude::*;

/// What Windows writes, and the reason that it is.
const FAILURES: [(&str, &str); 3] = [
    ("Policy match error", "no_proposal_chosen"),
    ("Invalid certificate signature", "certificate_invalid"),
    ("IKE authentication credentials are unacceptable", "psk_mismatch_suspected"),
];

fn causes(report: &Report) -> Vec<Cause> {
    let of = |window: &plainsight::report::schema::Window| {
        window.opened_by.iter().chain(&window.causes).cloned().collect::<Vec<_>>()
    };
    report.windows.iter().flat_map(of).collect()
}

/// Negotiations that are refused at these times, each in the log too, by a clock that is ahead.
fn by_rhythm(times: &[u32], ahead: i64, has_cookies: bool, reason: &str) -> Report {
    let wire: Vec<Frames> = times.iter().zip(0xabc0..).map(|(at, spi)| refused(*at, spi)).collect();
    let records: Vec<Record> = times
        .iter()
        .zip(70..)
        .map(|(at, number)| {
            let cookies = if has_cookies { (0xdead_0000 + number, 0xbeef) } else { (0, 0) };
            failure(number, i64::from(*at) + 40 + ahead, cookies, reason)
        })
        .collect();
    let last = times.last().unwrap();
    let clear = talk(last + 1_000, last + 9_000);
    report(&[wire.concat(), clear], &[("Security.xml", xml("Security", &records))])
}

/// The property below is about something that happens.
#[test]
fn an_uneven_rhythm_proposes_a_clock() {
    let told = by_rhythm(&[1_000, 18_000, 41_000, 111_000], 3_600_000, false, FAILURES[0].0);
    assert_eq!(told.clock_offsets[0].method, "proposed");
    let told = by_rhythm(&[1_000, 18_000, 41_000, 111_000], 3_600_000, true, FAILURES[0].0);
    assert_ne!(told.clock_offsets[0].method, "proposed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A log overrides what the wire only suggests, where it is about the same negotiation.
    #[test]
    fn a_log_speaks_for_its_own_negotiation_only(
        which in 0usize..3, is_same: bool, late in 0i64..400,
    ) {
        let (text, reason) = FAILURES[which];
        let cookies = if is_same { (INITIATOR, RESPONDER) } else { (INITIATOR + 7, RESPONDER) };
        let record = failure(77, 1_060 + late, cookies, text);
        let logs = [("Security.xml", xml("Security", &[record]))];
        let told = report(&[inferred_refusal(), talk(2_000, 9_000)], &logs);
        let reasons: Vec<String> = causes(&told).into_iter().map(|cause| cause.reason).collect();
        let expected = if is_same { reason } else { "psk_mismatch_suspected" };
        prop_assert!(reasons.iter().any(|it| it == expected), "{reasons:?}");
        if is_same && reason != "psk_mismatch_suspected" {
            prop_assert!(!reasons.iter().any(|it| it == "psk_mismatch_suspected"), "{reasons:?}");
        }
        // Another negotiation's record does not strengthen what was inferred.
        let sure = causes(&told).into_iter().any(|cause| cause.confidence == "high");
        prop_assert!(is_same || !sure);
    }

    /// A clock is proposed by rhythm alone only of a log without cookies, which stand in no capture, and what
    /// rests on it is `low`.
    #[test]
    fn a_proposed_clock_is_of_a_log_without_cookies_and_all_is_low_on_it(
        gaps in proptest::collection::vec(4_000u32..50_000, 2..6), ahead in -7_200_000i64..7_200_000,
        has_cookies: bool, which in 0usize..2,
    ) {
        let times = gaps.iter().fold(vec![1_000], |mut times, gap| {
            times.push(times.last().unwrap() + gap);
            times
        });
        let told = by_rhythm(&times, ahead, has_cookies, FAILURES[which].0);
        let is_proposed = told.clock_offsets.iter().any(|clock| clock.method == "proposed");
        prop_assert!(!(is_proposed && has_cookies));
        prop_assert!(!is_proposed || times.len() >= 3);
        let proposal = told.findings.iter().filter(|finding| finding.code == "clock_wrong");
        for finding in proposal {
            prop_assert!(is_proposed, "no number is shared: {}", finding.title);
        }
        for cause in causes(&told) {
            let rests_on_log = !cause.refs.is_empty() && cause.refs.iter().all(|it| it.starts_with('L'));
            prop_assert!(!(is_proposed && rests_on_log) || cause.confidence == "low", "{cause:?}");
        }
    }
}
