//! Why a host's auditing is taken to be in a state, as codes and values; `findings` words them.

use crate::eventlog::AuditSubcategory;

/// Why an audit state holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditReason {
    /// There is no Security log of a host with the address.
    NoLog {
        /// Hosts with a Security log whose addresses are unknown; of many the first.
        without_address: Vec<String>,
        /// How many more there are.
        more: u64,
    },
    /// The log holds no record with a time.
    NoTimes,
    /// The log ends before the time in question.
    EndsBefore,
    /// The log ends inside it.
    EndsInside,
    /// The log begins after it.
    BeginsAfter,
    /// The log begins inside it.
    BeginsInside,
    /// Earlier records of the log are lost: its oldest has this number.
    OldestRecord(u64),
    /// The log was cleared during the time or after it; the record that shows it.
    Cleared(u64),
    /// Records with these numbers are missing, the first and the last.
    RecordsMissing(u64, u64),
    /// The clock was set back; the first record after that.
    ClockSetBack(u64),
    /// A record reports that the log is incomplete there.
    Reported {
        /// The record.
        record: u64,
        /// Its event number.
        event: u16,
        /// What it reports.
        what: ReportedBreak,
    },
    /// One of the host's logs ends before the next begins.
    BetweenLogs,
    /// Records turned auditing off.
    TurnedOff(Vec<TurnedOff>),
    /// A record changed what is audited, in words of an unknown language.
    UnclearChange(u64),
    /// auditpol shows that these were not audited, and nothing changed since.
    OffWhenCollected(Vec<Audited>),
    /// auditpol shows that everything about negotiations was audited, and nothing changed since.
    OnWhenCollected,
    /// The log may be a selection of a log.
    Selection,
    /// The captures show negotiations that the log does not hold.
    NotLogged(CapturedOutcomes, NotLoggedBasis),
    /// The log holds negotiations, and no change of auditing that matters.
    Shown {
        /// Where.
        by: ShownBy,
        /// The outcomes that the log shows to be audited.
        outcomes: AuditedOutcomes,
    },
    /// A record turned auditing on, and none turned it off.
    TurnedOn(u64),
    /// Before Vista, a record turned the auditing of logons on, and the log holds no negotiation.
    LogonsTurnedOn(u64),
    /// The log holds no negotiation at all.
    NoNegotiations {
        /// It is of Windows 2000 to Server 2003.
        is_legacy: bool,
    },
    /// The log holds negotiations before the time only, or after it only.
    OneSideOnly {
        /// It is of Windows 2000 to Server 2003.
        is_legacy: bool,
    },
}

/// The negotiations of a log that show what was audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShownBy {
    /// This many of the time itself.
    Inside(u64),
    /// One before and one after the time.
    Around {
        /// The last record before.
        before: u64,
        /// The first record after.
        after: u64,
        /// There are captures, and they show no negotiation of the time either.
        none_captured: bool,
    },
    /// One before or after the time.
    Beside {
        /// The record.
        record: u64,
        /// There are captures, and they show no negotiation of the time either.
        none_captured: bool,
    },
}

/// What a record reports about its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportedBreak {
    /// Events were lost.
    EventsLost,
    /// The log was full.
    Full,
    /// The service that writes the log stopped.
    Stopped,
    /// The clock was set.
    ClockSet,
}

/// Successes or failures of a subcategory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Audited {
    /// The subcategory.
    pub subcategory: AuditSubcategory,
    /// Its failures; otherwise its successes.
    pub is_failure: bool,
}

/// What a record turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnedOff {
    /// What.
    pub audited: Audited,
    /// The record.
    pub record: u64,
}

/// The outcomes of negotiations that a log shows to be audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditedOutcomes {
    /// Successes and failures, or neither is known to be left out.
    Both,
    /// Nothing shows that failures are audited.
    Successes,
    /// Nothing shows that successes are audited.
    Failures,
}

/// The outcomes of negotiations that captures show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CapturedOutcomes {
    /// One that completed, and one that failed.
    Both,
    /// One that completed.
    Completed,
    /// One that failed.
    Failed,
}

/// What a negotiation that a log does not hold proves about auditing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotLoggedBasis {
    /// Nothing: it may have been left out for another reason.
    Open,
    /// It was not audited.
    Inferred,
    /// Logons with that outcome are audited, by the same setting: another value keeps negotiations out.
    LogonsAudited,
}
