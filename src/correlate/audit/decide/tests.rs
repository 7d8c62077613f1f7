//! Each rule on a history made for it.

use super::super::history::{Break, LogSpan};
use super::*;
use crate::eventlog::{AuditChange, Stretch};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds, 0).unwrap()
}

/// A complete log of a day, with negotiations at these seconds; negative ones failed.
pub(super) fn history(negotiations: &[i64]) -> AuditHistory {
    let audits = negotiations.iter().zip(1..).map(|(second, record)| {
        let is_failure = *second < 0;
        let subcategory = AuditSubcategory::MainMode;
        let time = at(second.abs());
        (NegotiationAudit { record, time, is_failure, subcategory }, LOG)
    });
    AuditHistory {
        spans: vec![LogSpan {
            first: at(0),
            last: at(86_400),
            numbers: (1, 900),
            is_selection: false,
        }],
        negotiations: audits.collect(),
        clock_known: true,
        ..AuditHistory::default()
    }
}

fn change(
    second: i64,
    success: Option<Auditing>,
    failure: Option<Auditing>,
) -> (Timestamp, AuditChange, RecordRef) {
    let subcategory = Some(AuditSubcategory::MainMode);
    (at(second), AuditChange { subcategory, success, failure }, (LOG, 77))
}

fn logons(second: i64) -> Vec<Stretch> {
    vec![Stretch { first: at(second), last: at(second), records: 1 }]
}

/// The window is 40000 to 40100 of the day.
#[track_caller]
fn check(history: &AuditHistory, captured: Captured, state: AuditState, why: AuditReason) {
    let mut history = history.clone();
    history.close();
    let verdict = decide(&history, at(40_000), at(40_100), captured);
    assert_eq!((verdict.state, verdict.why), (state, why));
}

/// The log shows what was audited.
fn shown(by: ShownBy, outcomes: AuditedOutcomes) -> AuditReason {
    AuditReason::Shown { by, outcomes }
}

fn one_inside(outcomes: AuditedOutcomes) -> AuditReason {
    shown(ShownBy::Inside(1), outcomes)
}

fn turned_off(is_failure: bool) -> TurnedOff {
    TurnedOff {
        audited: Audited { subcategory: AuditSubcategory::MainMode, is_failure },
        record: 77,
    }
}

fn completed() -> Captured {
    Captured { completed: Some(at(40_050)), failed: None, any_capture: true }
}

fn failed() -> Captured {
    Captured { completed: None, failed: Some(at(40_050)), any_capture: true }
}

#[test]
fn records_in_or_around_the_window_show_that_it_was_audited() {
    check(
        &history(&[40_050]),
        completed(),
        AuditState::Audited,
        one_inside(AuditedOutcomes::Successes),
    );
    check(
        &history(&[100, 80_000]),
        Captured::default(),
        AuditState::Audited,
        shown(
            ShownBy::Around { before: 1, after: 2, none_captured: false },
            AuditedOutcomes::Successes,
        ),
    );
    let silent = Captured { any_capture: true, ..Captured::default() };
    check(
        &history(&[100, 80_000]),
        silent,
        AuditState::Audited,
        shown(
            ShownBy::Around { before: 1, after: 2, none_captured: true },
            AuditedOutcomes::Successes,
        ),
    );
    let beside = ShownBy::Beside { record: 1, none_captured: false };
    check(
        &history(&[100]),
        Captured::default(),
        AuditState::Audited,
        shown(beside, AuditedOutcomes::Successes),
    );
    check(
        &history(&[-80_000]),
        Captured::default(),
        AuditState::Audited,
        shown(beside, AuditedOutcomes::Failures),
    );
}

#[test]
fn one_side_alone_proves_nothing_before_vista() {
    let legacy = AuditHistory { is_legacy: true, ..history(&[100]) };
    check(
        &legacy,
        Captured::default(),
        AuditState::Unknown,
        AuditReason::OneSideOnly { is_legacy: true },
    );
}

#[test]
fn a_log_without_negotiations_says_nothing() {
    check(
        &history(&[]),
        Captured::default(),
        AuditState::Unknown,
        AuditReason::NoNegotiations { is_legacy: false },
    );
    let legacy = AuditHistory { is_legacy: true, ..history(&[]) };
    check(
        &legacy,
        Captured::default(),
        AuditState::Unknown,
        AuditReason::NoNegotiations { is_legacy: true },
    );
}

#[test]
fn a_change_shows_what_was_audited() {
    let off = Some(Auditing::Off);
    let with = |changes: Vec<_>, seconds: &[i64]| AuditHistory { changes, ..history(seconds) };
    let silenced = with(vec![change(30_000, off, off)], &[100, -200]);
    let both = AuditReason::TurnedOff(vec![turned_off(false), turned_off(true)]);
    check(&silenced, Captured::default(), AuditState::AuditingOff, both);
    // Auditing turned off after the window says nothing about the window.
    let later = with(vec![change(60_000, off, off)], &[100, 50_000]);
    let around = ShownBy::Around { before: 1, after: 2, none_captured: false };
    check(
        &later,
        Captured::default(),
        AuditState::Audited,
        shown(around, AuditedOutcomes::Successes),
    );
    let on = Some(Auditing::On);
    let again = with(vec![change(20_000, off, off), change(30_000, on, on)], &[]);
    check(&again, Captured::default(), AuditState::Audited, AuditReason::TurnedOn(77));
    // A record that came anyway shows that another setting was in force.
    let seen = with(vec![change(30_000, off, None)], &[40_050]);
    check(&seen, Captured::default(), AuditState::Audited, one_inside(AuditedOutcomes::Successes));
    let failures = with(vec![change(30_000, None, off)], &[40_050]);
    check(
        &failures,
        Captured::default(),
        AuditState::AuditingOff,
        AuditReason::TurnedOff(vec![turned_off(true)]),
    );
    // After a change that cannot be read, what is audited is unknown.
    let some = Some(Auditing::Unclear);
    let unclear = with(vec![change(30_000, some, some)], &[100, -200]);
    check(&unclear, Captured::default(), AuditState::Unknown, AuditReason::UnclearChange(77));
    let mut of_logons = change(30_000, on, on);
    of_logons.1.subcategory = Some(AuditSubcategory::LogonEvents);
    let legacy_on = AuditHistory { is_legacy: true, ..with(vec![of_logons], &[]) };
    check(&legacy_on, Captured::default(), AuditState::Unknown, AuditReason::LogonsTurnedOn(77));
}

#[test]
fn the_capture_shows_what_the_log_does_not() {
    use CapturedOutcomes::{Completed, Failed};
    use NotLoggedBasis::{Inferred, LogonsAudited, Open};
    let not_logged = AuditReason::NotLogged;
    let of_2003 = AuditHistory { is_legacy: true, logons: logons(39_000), ..history(&[]) };
    let suspected = AuditState::DisableIkeAuditsSuspected;
    check(&of_2003, completed(), suspected, not_logged(Completed, LogonsAudited));
    // Successes of logons do not show that failures are audited.
    check(&of_2003, failed(), AuditState::Unknown, not_logged(Failed, Open));
    let both = AuditHistory { failed_logons: logons(41_000), ..of_2003.clone() };
    check(&both, failed(), suspected, not_logged(Failed, LogonsAudited));
    let far = AuditHistory { logons: logons(10_000), ..of_2003 };
    check(&far, completed(), AuditState::Unknown, not_logged(Completed, Open));
    check(&history(&[]), completed(), AuditState::AuditingOff, not_logged(Completed, Inferred));
    check(&history(&[]), failed(), AuditState::Unknown, not_logged(Failed, Open));
}

#[test]
fn an_export_as_text_proves_only_what_it_holds() {
    let export = |seconds: &[i64]| {
        let mut history = history(seconds);
        history.spans.iter_mut().for_each(|span| span.is_selection = true);
        history
    };
    check(&export(&[100, 80_000]), completed(), AuditState::Unknown, AuditReason::Selection);
    check(
        &export(&[40_050]),
        completed(),
        AuditState::Audited,
        one_inside(AuditedOutcomes::Successes),
    );
}

#[test]
fn a_log_that_is_not_whole_proves_nothing() {
    let spans = |first, last, number| AuditHistory {
        spans: vec![LogSpan {
            first: at(first),
            last: at(last),
            numbers: (number, 900),
            is_selection: false,
        }],
        ..history(&[40_050])
    };
    check(
        &spans(50_000, 86_400, 1),
        Captured::default(),
        AuditState::NotCovered,
        AuditReason::BeginsAfter,
    );
    check(
        &spans(50_000, 86_400, 500),
        Captured::default(),
        AuditState::Unknown,
        AuditReason::OldestRecord(500),
    );
    check(
        &spans(0, 39_000, 1),
        Captured::default(),
        AuditState::NotCovered,
        AuditReason::EndsBefore,
    );
    check(&spans(0, 40_050, 1), Captured::default(), AuditState::Unknown, AuditReason::EndsInside);
    check(
        &spans(40_050, 86_400, 1),
        Captured::default(),
        AuditState::Unknown,
        AuditReason::BeginsInside,
    );
    let cleared = AuditHistory { cleared: vec![(at(70_000), (LOG, 800))], ..history(&[40_050]) };
    check(&cleared, Captured::default(), AuditState::Unknown, AuditReason::Cleared(800));
    let before = AuditHistory { cleared: vec![(at(10), (LOG, 2))], ..history(&[40_050]) };
    check(
        &before,
        Captured::default(),
        AuditState::Audited,
        one_inside(AuditedOutcomes::Successes),
    );
    let gap = |from, to| AuditHistory {
        breaks: vec![Break {
            from: at(from),
            to: at(to),
            why: AuditReason::RecordsMissing(5, 9),
            place: None,
        }],
        ..history(&[40_050])
    };
    check(
        &gap(30_000, 40_010),
        Captured::default(),
        AuditState::Unknown,
        AuditReason::RecordsMissing(5, 9),
    );
    check(
        &gap(30_000, 39_000),
        Captured::default(),
        AuditState::Audited,
        one_inside(AuditedOutcomes::Successes),
    );
    check(
        &AuditHistory::default(),
        Captured::default(),
        AuditState::NotCovered,
        AuditReason::NoTimes,
    );
}

pub(super) const LOG: EvidenceId = EvidenceId(1);
