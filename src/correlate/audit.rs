//! Whether a host would have logged its negotiations in a span of time: the list of rules that decides what
//! the silence of a log means. docs/event-logs.md has the rules and their sources.
//!
//! A statement is made only where a record, a gap or the capture shows it; where nothing does, the
//! answer is `unknown`.

mod history;

mod decide;

mod hosts;

mod reason;

pub(super) use hosts::{AuditHistories, audits_of_logs};
pub use reason::{
    AuditReason, Audited, AuditedOutcomes, CapturedOutcomes, NotLoggedBasis, ReportedBreak,
    ShownBy, TurnedOff,
};

use crate::evidence::EvidenceId;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What is known of a host's auditing in a span; the better states come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditState {
    /// The log would hold negotiations of this time.
    Audited,
    /// The log would not hold them: a record or the capture shows that they were not audited.
    AuditingOff,
    /// Logons are audited, the capture shows negotiations of the host, and the log holds none: the effect of
    /// the registry value DisableIKEAudits (Windows 2000 to Server 2003).
    DisableIkeAuditsSuspected,
    /// The log is incomplete for this time, or nothing in it decides the question.
    Unknown,
    /// No log of the host covers this time.
    NotCovered,
}

impl AuditState {
    /// Every state, in the order of the enum.
    pub const ALL: [Self; 5] = [
        Self::Audited,
        Self::AuditingOff,
        Self::DisableIkeAuditsSuspected,
        Self::Unknown,
        Self::NotCovered,
    ];

    /// The state as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audited => "audited",
            Self::AuditingOff => "auditing_off",
            Self::DisableIkeAuditsSuspected => "disable_ike_audits_suspected",
            Self::Unknown => "unknown",
            Self::NotCovered => "not_covered",
        }
    }
}

/// The state and its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditVerdict {
    /// The state.
    pub state: AuditState,
    /// Why.
    pub why: AuditReason,
    /// The records it rests on, by log.
    pub proof: BTreeMap<EvidenceId, BTreeSet<u64>>,
    /// Whether the log's clock could be compared with the captures'; `None` where no log was looked at.
    pub clock_known: Option<bool>,
    /// Whether the log is of Windows 2000 to Server 2003; `None` likewise.
    pub is_legacy: Option<bool>,
}

/// A host of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAudit {
    /// Its address.
    pub address: IpAddr,
    /// The computers whose logs were examined, by the names in their logs.
    pub hosts: BTreeSet<String>,
    /// What is known of it.
    pub verdict: AuditVerdict,
}

/// What the captures show of a host's negotiations in a span.
#[derive(Clone, Copy, Debug, Default)]
struct Captured {
    /// The end of one that completed.
    completed: Option<Timestamp>,
    /// The end of one that failed.
    failed: Option<Timestamp>,
    /// Whether there is any capture at all.
    any_capture: bool,
}
