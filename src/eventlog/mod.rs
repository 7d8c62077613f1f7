//! Windows event logs: from bytes to records, and to events that the catalogue knows.
//!
//! A reader (one file per format) returns a [`LogRecord`]: the file's content without interpretation.
//! [`LogEvent::from_record`] interprets it. Opens no files, keeps no log in memory, joins nothing with a
//! capture. Records that the catalogue does not know are counted and skipped.
#![warn(clippy::indexing_slicing)]

pub mod evtx;

pub mod evt;

pub mod text;

pub mod trace;

pub mod undated;

mod legacy;

mod detail;

mod interpret;

mod state_fact;

mod platform;

mod service;

mod algorithms;

mod esp_algorithms;

mod audit_change;

mod agreement;

mod coverage;

mod summary;

pub use audit_change::{AuditChange, AuditSubcategory, Auditing};
pub use coverage::{LogCoverage, Mark, MarkKind, NegotiationAudit, Setback, Silence, Stretch};
pub use detail::{
    Detail, FailurePoint, KeyingModule, LoggedNegotiation, LoggedPackets, Mode, Role, Selector,
};
pub use service::{Service, ServiceChange, ServiceState};
pub use state_fact::{
    ClearText, StateConnection, StateCounters, StateFact, StateFilter, StatePolicy, StateTraffic,
};
pub use summary::{LogSource, LogSummary, RecordGap};

use crate::catalogue::{Category, EventEntry, Reason, WindowsError};
use crate::evidence::RecordRef;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One record as the file contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// The file and the record's own number there.
    pub record: RecordRef,
    /// The number under which the computer wrote it, where the file gives it separately: a collector renumbers
    /// what it gathers.
    pub written_as: Option<u64>,
    /// The file gives the record's number. Where it does not, the number is a position in the file.
    pub is_numbered: bool,
    /// The provider, in the file's spelling.
    pub provider: String,
    /// The log it was written to, in the file's spelling.
    pub channel: String,
    /// The computer's name as the record gives it; empty where it gives none.
    pub computer: String,
    /// The event's number (in a legacy record, the low 16 bits).
    pub event_id: u16,
    /// The version of the event's layout.
    pub version: u8,
    /// When the event happened by the host's clock; `None` where the record has no usable time.
    pub time: Option<Timestamp>,
    /// Whether it audits a success or a failure.
    pub audit: AuditOutcome,
    /// Fields with a name, in the record's order.
    pub named: Vec<(String, String)>,
    /// Values without a name, in the record's order.
    pub positional: Vec<String>,
    /// The binary payload; empty where there is none.
    pub binary: Vec<u8>,
}

impl LogRecord {
    /// Gives the record the number that the file has for it.
    pub(super) const fn set_number(&mut self, number: u64) {
        self.record.record = number;
        self.is_numbered = true;
    }
}

/// Whether the audited act succeeded, as an audit record says by its keywords or type, not by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AuditOutcome {
    /// The act succeeded.
    Success,
    /// The act failed.
    Failure,
    /// The record is no audit.
    NotAudit,
}

impl AuditOutcome {
    /// The outcome as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::NotAudit => "not_audit",
        }
    }
}

/// One record that the catalogue knows, with its fields interpreted.
///
/// A value is `None` where the record does not give it (Windows writes `-`), or gives it in a form that could
/// not be read; [`LogEvent::fields`] has the text in either case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEvent {
    /// The file and the record's own number there.
    pub record: RecordRef,
    /// The number under which its computer wrote it: in a collector's log, a different one.
    pub written_as: u64,
    /// The file gives that number. Where it does not, the number is a position in the file and identifies nothing
    /// beyond it.
    pub is_numbered: bool,
    /// The same record in other files, or again in this one; it is reported from here alone.
    pub copies: BTreeSet<RecordRef>,
    /// The catalogue's row: category, meaning, subcategory.
    #[serde(with = "crate::catalogue::saved::event_row")]
    pub entry: &'static EventEntry,
    /// When it happened by the host's clock, uncorrected.
    pub time: Option<Timestamp>,
    /// The computer's name as the record gives it.
    pub host: String,
    /// The log it was written to.
    pub channel: String,
    /// The provider.
    pub provider: String,
    /// The event's number.
    pub event_id: u16,
    /// The version of the event's layout. Fields are taken by name all the same, because builds of Windows
    /// differ in the fields of one version.
    pub version: u8,
    /// The record lies outside the live log: a remnant that was not overwritten yet. It proves that the event
    /// was written once, not that the log contains it.
    pub recovered: bool,
    /// The record inside which it was hidden, where it was.
    pub hidden_in: Option<u64>,
    /// What it reports: the catalogue's category, unless its fields are more specific.
    pub category: Category,
    /// Whether it audits a success or a failure.
    pub audit: AuditOutcome,
    /// The reason that it gives; `None` where it is no failure.
    pub reason: Option<Reason>,
    /// The Windows error that its reason or error field names.
    #[serde(with = "crate::catalogue::saved::error_row")]
    pub error: Option<&'static WindowsError>,
    /// Its details, by the kind of its subject.
    pub detail: Detail,
    /// Every field in the record's order, with `%%nnnn` converted to words; values without a name are called
    /// `1`, `2`, …
    pub fields: Vec<(String, String)>,
}
