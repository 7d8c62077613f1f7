//! No statement without its condition: whatever the evidence, where the condition of a statement is missing
//! the statement is not made. One property a row of the table in docs/causes.md, "Conditions"; those about a
//! negotiation alone are in `ike_outcomes`.

use crate::support::ike_builder::{Message, clear, init, on_500};
use crate::support::incidents;
use crate::support::two_hosts::{
    Frames, Suite, esp, established, flow, icmp_error, informational, refused, report, talk,
};
use plainsight::findings::FindingCode;
use plainsight::report::schema::{Cause, Report};
use proptest::prelude::*;

const SPIS: (u32, u32) = (0x1001, 0x2001);

/// Every cause in every place of every window.
fn causes(report: &Report) -> Vec<(String, String)> {
    let of = |cause: &Cause| (cause.reason.clone(), cause.confidence.clone());
    let all = report.windows.iter().flat_map(|window| {
        let kept = window.kept_open_by.iter().map(|k| (k.reason.clone(), k.confidence.clone()));
        window.opened_by.iter().chain(&window.causes).map(of).chain(kept).collect::<Vec<_>>()
    });
    all.collect()
}

fn says(report: &Report, reasons: &[&str]) -> bool {
    causes(report).iter().any(|(reason, _)| reasons.contains(&reason.as_str()))
}

const DELETED: [&str; 2] = ["sa_deleted", "peer_deleted"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// `sa_deleted`: a message that cannot be a Delete by its size ended nothing, whenever it comes.
    #[test]
    fn an_empty_message_deletes_nothing(
        at in 5_010u32..30_000, clear in 5_100u32..40_000, length in 500u32..8_000,
    ) {
        let ike = [established(Suite::Gcm), informational(at, 2, 25)].concat();
        let report = report(&[ike, flow(100, 5_000, SPIS), talk(clear, clear + length)]);
        prop_assert!(!says(&report, &DELETED) && !says(&report, &["sa_expired_idle"]));
    }

    /// `sa_deleted`: of an ambiguous size only where ESP flowed and clear text follows at once, and never
    /// above medium; `ended` likewise.
    #[test]
    fn an_ambiguous_message_deletes_only_what_flowed_into_clear_text(
        rest in 10u32..20_000, wait in 60u32..20_000,
    ) {
        let at = 5_000 + rest;
        let ike = [established(Suite::Cbc), informational(at, 2, 48)].concat();
        let report = report(&[ike, flow(100, 5_000, SPIS), talk(at + wait, at + wait + 5_000)]);
        for (reason, confidence) in causes(&report) {
            prop_assert!(!DELETED.contains(&reason.as_str()) || wait <= 2_000, "{wait}");
            if DELETED.contains(&reason.as_str()) {
                prop_assert!(confidence != "high");
                prop_assert!(rest <= 2_100 || confidence == "low", "{rest}");
            }
        }
        for exchange in report.ike_exchanges.iter().filter(|x| x.outcome == "ended") {
            prop_assert!(exchange.inferred && rest <= 2_100);
        }
    }

    /// `sa_deleted`: not where the sender's messages of that size ended nothing before, not where clear text
    /// came first, and not where a newer SPI of the pair carries on.
    #[test]
    fn a_habit_earlier_clear_text_and_a_successor_speak_against_a_delete(
        which in 0u8..3, at in 5_010u32..6_900, wait in 60u32..2_000,
    ) {
        let ike = [established(Suite::Cbc), informational(at, 3, 48)].concat();
        let clear = at + wait;
        let parts = match which {
            0 => [ike, informational(2_000, 2, 48), flow(100, 5_000, SPIS), talk(clear, clear + 5_000)],
            1 => [ike, Frames::new(), flow(100, 5_000, SPIS), talk(4_000, clear + 5_000)],
            _ => {
                let rekey = Message::v2_encrypted(36, 2, 192);
                let rekeyed =
                    vec![(4_950, on_500(true, &rekey)), (4_970, on_500(false, &rekey.answer()))];
                let newer = flow(5_000, 30_000, (0x1002, 0x2002));
                [ike, [rekeyed, newer].concat(), flow(100, 4_990, SPIS), talk(clear, clear + 5_000)]
            }
        };
        prop_assert!(!says(&report(&parts), &DELETED), "{which}");
    }

    /// `sa_expired_idle`: only where the SA was silent for its idle timer's time.
    #[test]
    fn what_rested_for_less_than_its_timer_did_not_expire(
        gcm: bool, rest in 10u32..289_000, wait in 60u32..20_000,
    ) {
        let (suite, bytes) = if gcm { (Suite::Gcm, 37) } else { (Suite::Cbc, 48) };
        let at = 5_000 + rest;
        let ike = [established(suite), informational(at, 2, bytes)].concat();
        let report = report(&[ike, flow(100, 5_000, SPIS), talk(at + wait, at + wait + 3_000)]);
        prop_assert!(!says(&report, &["sa_expired_idle"]));
    }

    /// `service_stopped`: without a log only of a service that was alive before and refuses now, and one ICMP
    /// error, which anybody can forge, is `low`; where it never lived it is `nothing_listens`.
    #[test]
    fn a_forgeable_error_is_low_and_a_service_that_never_lived_did_not_stop(
        lived: bool, errors in 1usize..4, first in 20_000u32..40_000,
    ) {
        let before = if lived {
            [established(Suite::Cbc), flow(100, 15_000, SPIS)].concat()
        } else {
            Frames::new()
        };
        let asked = on_500(true, &init().spis(0xabcd, 0));
        let knocks: Frames = (0..3u32).map(|n| (first + n * 2_000, asked.clone())).collect();
        let answers: Frames =
            (0..3u32).take(errors).map(|n| (first + n * 2_000 + 5, icmp_error(3, &asked))).collect();
        let report = report(&[before, knocks, answers, talk(first + 500, first + 9_000)]);
        for (reason, confidence) in causes(&report) {
            prop_assert!(reason != "service_stopped" || lived);
            let rests_on_errors = ["service_stopped", "nothing_listens"].contains(&reason.as_str());
            prop_assert!(!rests_on_errors || errors > 1 || confidence == "low", "{reason}");
        }
    }

    /// `filter_not_covering`: only where the same sender's own SPI goes on inside the window.
    #[test]
    fn filters_are_blamed_only_beside_esp_of_the_same_sender(
        ends in 2_000u32..9_000, other_goes_on: bool, wait in 1_500u32..9_000,
    ) {
        let until = if other_goes_on { ends + wait + 20_000 } else { ends };
        let mine: Frames =
            (100..ends).step_by(100).zip(1..).map(|(ms, n)| (ms, esp(1, 2, SPIS.0, n))).collect();
        let its: Frames =
            (100..until).step_by(100).zip(1..).map(|(ms, n)| (ms, esp(2, 1, SPIS.1, n))).collect();
        let start = ends + wait;
        let alone: Frames = (start..start + 9_000).step_by(100).map(|ms| (ms, clear(1, 2))).collect();
        let report = report(&[established(Suite::Cbc), mine, its, alone]);
        prop_assert!(!says(&report, &["filter_not_covering"]));
    }

    /// `failed_closed`: one failed negotiation, or several within ten seconds, held nothing back that a
    /// capture shows; nor did refusals that a success followed.
    #[test]
    fn a_short_refusal_is_no_closed_failure(
        count in 1u32..6, within in 0u32..9_900, repaired: bool,
    ) {
        let step = within / count.max(2);
        let mut parts: Vec<Frames> =
            (0..count).map(|n| refused(1_000 + n * step, 0xabc0 + u64::from(n))).collect();
        if repaired {
            let later = established(Suite::Cbc).into_iter().map(|(ms, frame)| (ms + 12_000, frame));
            parts.extend([later.collect(), flow(12_200, 15_000, SPIS)]);
        } else {
            parts.push(vec![(30_000, clear(3, 4))]);
        }
        let reported = report(&parts);
        prop_assert!(reported.findings.iter().all(|finding| finding.code != "failed_closed"));
    }

    /// `failed_closed`: where nothing else shows that traffic was wanted, it is `low`.
    #[test]
    fn a_closed_failure_without_logged_drops_is_low(count in 3u32..8, step in 5_000u32..20_000) {
        let mut parts: Vec<Frames> =
            (0..count).map(|n| refused(1_000 + n * step, 0xabc0 + u64::from(n))).collect();
        parts.push(vec![(1_000 + count * step + 60_000, clear(3, 4))]);
        let reported = report(&parts);
        let closed: Vec<&str> = reported
            .findings
            .iter()
            .filter(|finding| finding.code == "failed_closed")
            .map(|finding| finding.confidence.as_str())
            .collect();
        prop_assert_eq!(closed, ["low"]);
    }
}

/// Another pair's failure explains nothing above `low` where no logged selector ties the two, and the sentence
/// names whose it was.
#[test]
fn another_pairs_failure_is_low_and_named() {
    let mut reported = 0;
    for (ends, start) in [(5_000, 5_500), (8_000, 9_000), (12_000, 12_300)] {
        let inner: Frames = (start..start + 9_000)
            .step_by(100)
            .flat_map(|ms| [(ms, clear(7, 8)), (ms + 10, clear(8, 7))])
            .collect();
        let gateways = [established(Suite::Cbc), flow(100, ends, SPIS)].concat();
        let parts = [gateways, refused(ends + 100, 0xabcd), inner];
        let mut frames = parts.concat();
        frames.sort_by_key(|(ms, _)| *ms);
        let mut policy = plainsight::policy::Policy::default();
        let (one, other) = ("10.0.0.7/32".parse().unwrap(), "10.0.0.8/32".parse().unwrap());
        policy.protect(one, other, "10.0.0.7=10.0.0.8");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("inner.pcap");
        crate::support::ike_builder::write(&file, &crate::support::ike_builder::capture(&frames));
        let report = crate::support::truth::report(vec![file], policy);
        let of_others = report.windows.iter().flat_map(|window| &window.causes);
        for cause in of_others.filter(|cause| cause.reason == "no_proposal_chosen") {
            reported += 1;
            assert_eq!(cause.confidence, "low");
            assert!(cause.why.contains("10.0.0.1 and 10.0.0.2"), "{}", cause.why);
        }
    }
    assert!(reported > 0);
}

/// `clock_wrong`: only of logs that share exact numbers with a capture.
#[test]
fn a_clock_is_called_wrong_only_by_exact_joins() {
    for seed in 0..64 {
        let folder = tempfile::tempdir().unwrap();
        let analysis = incidents::score::analysis(&incidents::make(seed), folder.path());
        let facts = &analysis.facts;
        for finding in analysis.findings.iter().filter(|f| f.code == FindingCode::ClockWrong) {
            let joined = facts.events.iter().filter(|event| event.join.is_some());
            let hosts: Vec<&str> = joined.map(|event| event.event.host.as_str()).collect();
            assert!(
                hosts
                    .iter()
                    .any(|host| finding.title.contains(host) || finding.detail.contains(host)),
                "seed {seed}: {}",
                finding.title
            );
        }
    }
}
