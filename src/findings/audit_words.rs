//! Why a host's auditing is taken to be in a state: takes codes and values, returns a clause without a full stop.

use crate::correlate::{
    AuditReason, Audited, AuditedOutcomes, CapturedOutcomes, NotLoggedBasis, ReportedBreak,
    ShownBy, TurnedOff,
};

/// The reason of an audit state, in words.
#[must_use]
pub fn audit_reason(reason: &AuditReason) -> String {
    let fixed = match reason {
        AuditReason::NoLog { without_address, more } => return no_log(without_address, *more),
        AuditReason::NoTimes => "the log holds no record with a time",
        AuditReason::EndsBefore => "the log ends before this time",
        AuditReason::EndsInside => "the log ends inside this time",
        AuditReason::BeginsAfter => "the log begins after this time",
        AuditReason::BeginsInside => "the log begins inside this time",
        AuditReason::OldestRecord(number) => {
            return format!(
                "the log's oldest record, number {number}, is later than this time: earlier records are lost"
            );
        }
        AuditReason::Cleared(record) => {
            return format!("the log was cleared during or after this time (record {record})");
        }
        AuditReason::RecordsMissing(first, last) => {
            return format!("records {first} to {last} are missing");
        }
        AuditReason::ClockSetBack(record) => {
            return format!("times go back at record {record}: the clock was set back");
        }
        AuditReason::Reported { record, event, what } => {
            let what = match what {
                ReportedBreak::EventsLost => "events were lost",
                ReportedBreak::Full => "the log was full",
                ReportedBreak::Stopped => "the service that writes the log stopped",
                ReportedBreak::ClockSet => "the clock was set",
            };
            return format!("record {record} (event {event}): {what}");
        }
        AuditReason::BetweenLogs => "one log ends before the next begins",
        AuditReason::TurnedOff(off) => {
            let off: Vec<String> = off.iter().map(turned_off).collect();
            return format!("not audited: {}", off.join(", "));
        }
        AuditReason::UnclearChange(record) => {
            return format!(
                "record {record} changed the audit settings, in a language that is not recognized"
            );
        }
        AuditReason::OffWhenCollected(off) => {
            let off: Vec<String> = off.iter().map(audited).collect();
            return format!(
                "not audited: {}, as auditpol shows, and the log shows no change from this time on",
                off.join(", ")
            );
        }
        AuditReason::OnWhenCollected => {
            "negotiations were audited when the state was collected (auditpol), and the log shows no change from this time on"
        }
        AuditReason::Selection => {
            "an export or a collector's log may be a selection of the log: a missing event proves nothing"
        }
        AuditReason::NotLogged(captured, basis) => return not_logged(*captured, *basis),
        AuditReason::Shown { by, outcomes } => return shown(*by, *outcomes),
        AuditReason::TurnedOn(record) => {
            return format!("auditing was turned on (record {record}) and not turned off again");
        }
        AuditReason::LogonsTurnedOn(record) => {
            return format!(
                "record {record} shows that logon events are audited, but the log holds no negotiation: none took place, or DisableIKEAudits is set"
            );
        }
        AuditReason::NoNegotiations { is_legacy } => {
            return format!(
                "no record shows what is audited, and the log holds no negotiation at all: auditing is probably off{}",
                or_disabled(*is_legacy)
            );
        }
        AuditReason::OneSideOnly { is_legacy } => {
            return format!(
                "the log holds negotiations on one side of this time only, and auditing may have been changed between{}",
                or_disabled(*is_legacy)
            );
        }
    };
    fixed.to_owned()
}

fn no_log(without_address: &[String], more: u64) -> String {
    let none = "the evidence holds no Security log of a host with this address";
    if without_address.is_empty() {
        none.to_owned()
    } else {
        let more = if more > 0 { format!(" and {more} more computers") } else { String::new() };
        format!("{none}; the addresses of {}{more} are unknown", without_address.join(", "))
    }
}

fn audited(audited: &Audited) -> String {
    let what = if audited.is_failure { "failures" } else { "successes" };
    format!("{what} of {}", audited.subcategory.as_str())
}

fn turned_off(off: &TurnedOff) -> String {
    format!("{} since record {}", audited(&off.audited), off.record)
}

fn not_logged(captured: CapturedOutcomes, basis: NotLoggedBasis) -> String {
    let outcomes = match captured {
        CapturedOutcomes::Both => "completed and one that failed",
        CapturedOutcomes::Completed => "completed",
        CapturedOutcomes::Failed => "failed",
    };
    let shown = format!(
        "the captures show a negotiation of this host that {outcomes} in this time, but its log holds none"
    );
    match basis {
        NotLoggedBasis::Open => shown,
        NotLoggedBasis::Inferred => format!("inferred: {shown}"),
        NotLoggedBasis::LogonsAudited => format!(
            "{shown}, although logons with the same outcome are audited, and one setting controls both"
        ),
    }
}

fn shown(by: ShownBy, outcomes: AuditedOutcomes) -> String {
    let outcomes = match outcomes {
        AuditedOutcomes::Both => "",
        AuditedOutcomes::Successes => " (successes; nothing shows that failures are audited too)",
        AuditedOutcomes::Failures => " (failures; nothing shows that successes are audited too)",
    };
    let none = |none_captured| {
        if none_captured {
            "; neither the log nor the captures show a negotiation in this time"
        } else {
            ""
        }
    };
    match by {
        ShownBy::Inside(records) => {
            let held =
                if records == 1 { "a record".to_owned() } else { format!("{records} records") };
            format!("the log holds {held} of negotiations in this time or shortly after{outcomes}")
        }
        ShownBy::Around { before, after, none_captured } => format!(
            "negotiations are audited before (record {before}) and after (record {after}) with no change between{outcomes}{}",
            none(none_captured)
        ),
        ShownBy::Beside { record, none_captured } => format!(
            "negotiations are audited (record {record}), and the log records no change of the audit policy{outcomes}{}",
            none(none_captured)
        ),
    }
}

const fn or_disabled(is_legacy: bool) -> &'static str {
    if is_legacy { ", or DisableIKEAudits is set" } else { "" }
}
