//! What a log says about its own reliability: what was cleared, lost, stopped or not audited, when negotiations
//! and logons were audited, and where it is silent.
//!
//! Gathers only; the conclusions for a span of time are drawn where captures and logs are compared. Bounded,
//! except for one small entry for each audited negotiation.

use super::{AuditChange, AuditOutcome, AuditSubcategory, LogEvent};
use crate::catalogue::Category;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A log's record of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCoverage {
    /// Events about the log, its host and its clock, in the log's order; at most a thousand.
    pub marks: Vec<Mark>,
    /// Marks past the first thousand.
    pub marks_omitted: u64,
    /// The longest times between two records that follow each other by number, an hour or more; up
    /// to ten, the longest first.
    pub silences: Vec<Silence>,
    /// Records that are more than a minute earlier than the one before by number: the clock was set
    /// back; the first ten.
    pub setbacks: Vec<Setback>,
    /// Audits of negotiations, in the log's order.
    pub negotiations: Vec<NegotiationAudit>,
    /// Audited logons that succeeded: stretches without a pause of an hour.
    pub logons: Vec<Stretch>,
    /// Audited logons that failed, in the same form.
    pub failed_logons: Vec<Stretch>,
    /// The log is of Windows 2000, XP or Server 2003, by the numbers of its events.
    pub is_legacy: bool,
    /// Addresses from which this host's own connections went out (5156), of the first 256 records.
    pub connection_addresses: BTreeSet<IpAddr>,
    /// It is an export, a collector's log or a merged file: a missing record proves nothing.
    pub is_selection: bool,
    /// Its times are of a clock in a zone that the export does not name.
    pub is_local_time: bool,
    /// Its times have no seconds: a spreadsheet saved it.
    pub has_no_seconds: bool,
    /// An event was recorded before its time was known, in exports whose dates are interpreted together.
    #[serde(skip)]
    is_late: bool,
}

/// An event about the log itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The record's own number.
    pub record: u64,
    /// When, by the host's clock.
    pub time: Option<Timestamp>,
    /// The event's number.
    pub event_id: u16,
    /// The kind of event.
    pub kind: MarkKind,
}

/// The kinds of events about a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarkKind {
    /// This log was cleared (1102, 517; 104 for the System log).
    Cleared,
    /// Another log was cleared (104).
    OtherCleared,
    /// The audit policy was changed (4719, 4912, 612).
    AuditChanged(AuditChange),
    /// The audit policy was changed for a user, or in a way that the record does not specify (807, 806).
    AuditChangedSomehow,
    /// Events were lost (1101, 1108, 516).
    EventsLost,
    /// The log was full (1104).
    Full,
    /// The log was archived by itself (1105).
    Archived,
    /// The service that writes the log stopped (1100, 6006).
    LogStopped,
    /// … or started (6005).
    LogStarted,
    /// The clock was set (4616, 520, 52), by this much where the record gives it.
    ClockSet(Option<Span>),
    /// Windows started (512, 4608).
    Started,
    /// Windows went down (513, 4609), or had gone down unexpectedly (6008).
    WentDown,
}

impl MarkKind {
    /// The kind as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::OtherCleared => "other_log_cleared",
            Self::AuditChanged(_) | Self::AuditChangedSomehow => "audit_changed",
            Self::EventsLost => "events_lost",
            Self::Full => "full",
            Self::Archived => "archived",
            Self::LogStopped => "log_stopped",
            Self::LogStarted => "log_started",
            Self::ClockSet(_) => "clock_set",
            Self::Started => "started",
            Self::WentDown => "went_down",
        }
    }
}

/// A time without records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Silence {
    /// The time of the record before.
    pub from: Timestamp,
    /// The time of the record after.
    pub to: Timestamp,
}

impl Silence {
    /// How long it lasted.
    #[must_use]
    pub fn length(self) -> Span {
        self.to.since(self.from)
    }
}

/// A record that is earlier than the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setback {
    /// The record's own number.
    pub record: u64,
    /// The time of the record before.
    pub from: Timestamp,
    /// The record's time.
    pub to: Timestamp,
}

/// An audit of a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegotiationAudit {
    /// The record's own number.
    pub record: u64,
    /// When, by the host's clock.
    pub time: Timestamp,
    /// Whether it audits a failure.
    pub is_failure: bool,
    /// The subcategory that turns it on.
    pub subcategory: AuditSubcategory,
}

/// A stretch of time with several records of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The earliest.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
    /// How many.
    pub records: u64,
}

impl LogCoverage {
    /// Records an event that the catalogue knows.
    pub(super) fn event(&mut self, event: &LogEvent) {
        self.is_late |= event.time.is_none();
        let record = event.record.record;
        self.is_legacy |= event.provider.eq_ignore_ascii_case("Security");
        if let Some(kind) = mark(event) {
            if self.marks.len() < MOST {
                let (time, event_id) = (event.time, event.event_id);
                self.marks.push(Mark { record, time, event_id, kind });
            } else {
                self.marks_omitted = self.marks_omitted.saturating_add(1);
            }
        }
        if let (Some(time), Some(subcategory)) = (event.time, negotiation_subcategory(event)) {
            let is_failure = match event.audit {
                AuditOutcome::Failure => true,
                AuditOutcome::Success => false,
                AuditOutcome::NotAudit => event.category == Category::IkeFailure,
            };
            let audit = NegotiationAudit { record, time, is_failure, subcategory };
            self.negotiations.push(audit);
        }
    }

    /// Records events again, where their times were determined only after all of them had been read.
    pub(crate) fn with_times(&mut self, events: &[LogEvent]) {
        if std::mem::take(&mut self.is_late) {
            self.marks.clear();
            self.marks_omitted = 0;
            self.negotiations.clear();
            events.iter().filter(|event| !event.recovered).for_each(|event| self.event(event));
        }
    }

    /// Records any record of the Security log.
    pub(super) fn security_record(&mut self, event_id: u16, time: Option<Timestamp>) {
        let (of_kind, is_legacy) = match event_id {
            4624 => (&mut self.logons, false),
            4625 => (&mut self.failed_logons, false),
            528 | 540 => (&mut self.logons, true),
            529..=537 | 539 => (&mut self.failed_logons, true),
            _ => return,
        };
        self.is_legacy |= is_legacy;
        let Some(time) = time else { return };
        let room = of_kind.len() < MOST;
        match of_kind.last_mut() {
            Some(stretch) if !room || stretch.reaches(time) => stretch.include(time),
            _ => of_kind.push(Stretch { first: time, last: time, records: 1 }),
        }
    }

    /// Records the time between two consecutive records.
    pub(super) fn neighbours(&mut self, record: u64, from: Timestamp, to: Timestamp) {
        if from.since(to) > LATE && self.setbacks.len() < MOST_SILENCES {
            self.setbacks.push(Setback { record, from, to });
        }
        let silence = Silence { from, to };
        if silence.length() < LONG {
            return;
        }
        self.silences.push(silence);
        self.silences.sort_by_key(|known| (std::cmp::Reverse(known.length()), *known));
        self.silences.truncate(MOST_SILENCES);
    }
}

impl Stretch {
    fn reaches(&self, time: Timestamp) -> bool {
        time >= self.first.shifted(LONG.negated()) && time <= self.last.shifted(LONG)
    }

    fn include(&mut self, time: Timestamp) {
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.records = self.records.saturating_add(1);
    }
}

fn mark(event: &LogEvent) -> Option<MarkKind> {
    if let Some(change) = event.audit_change() {
        return Some(MarkKind::AuditChanged(change));
    }
    let of = |name: &str| event.provider.eq_ignore_ascii_case(name);
    match event.event_id {
        104 => Some(cleared_by_104(event)),
        517 | 1102 => Some(MarkKind::Cleared),
        516 | 1101 | 1108 => Some(MarkKind::EventsLost),
        806 | 807 | 4912 => Some(MarkKind::AuditChangedSomehow),
        1104 => Some(MarkKind::Full),
        1105 => Some(MarkKind::Archived),
        1100 => Some(MarkKind::LogStopped),
        6006 if of("EventLog") => Some(MarkKind::LogStopped),
        6005 if of("EventLog") => Some(MarkKind::LogStarted),
        6008 if of("EventLog") => Some(MarkKind::WentDown),
        513 | 4609 => Some(MarkKind::WentDown),
        512 | 4608 => Some(MarkKind::Started),
        520 | 4616 => Some(MarkKind::ClockSet(event.clock_step())),
        52 => Some(MarkKind::ClockSet(event.clock_step())),
        _ => None,
    }
}

/// 104 is in the System log and names the log that was cleared.
fn cleared_by_104(event: &LogEvent) -> MarkKind {
    let channel = event.fields.iter().find(|(name, _)| name == "Channel");
    match channel {
        Some((_, name)) if !name.eq_ignore_ascii_case("System") => MarkKind::OtherCleared,
        Some(_) | None => MarkKind::Cleared,
    }
}

/// The subcategory that an audit of a negotiation shows to be on.
fn negotiation_subcategory(event: &LogEvent) -> Option<AuditSubcategory> {
    let is_one = match event.category {
        Category::IkeFailure
        | Category::SaEstablished
        | Category::SaEnded
        | Category::CleartextPermitted => true,
        Category::DriverAnomaly
        | Category::CleartextObserved
        | Category::ServiceState
        | Category::PolicyChange
        | Category::HostState
        | Category::ClockChange
        | Category::EvidenceIntegrity
        | Category::Context => false,
    };
    let subcategory = match event.entry.subcategory {
        "IPsec Main Mode" => AuditSubcategory::MainMode,
        "Audit logon events" => AuditSubcategory::LogonEvents,
        "IPsec Quick Mode" => AuditSubcategory::QuickMode,
        "IPsec Extended Mode" => AuditSubcategory::ExtendedMode,
        _ => return None,
    };
    is_one.then_some(subcategory)
}

/// How many marks and stretches are kept.
const MOST: usize = 1_000;
const MOST_SILENCES: usize = 10;
/// Records of a start are written up to half a minute after the event.
const LATE: Span = Span::from_seconds(60);
/// The shortest time between two records that is listed.
const LONG: Span = Span::from_seconds(3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds, 0).unwrap()
    }

    #[test]
    fn logons_make_stretches() {
        let mut coverage = LogCoverage::default();
        for second in [0, 100, 3_000, 20_000, 20_001] {
            coverage.security_record(4624, Some(at(second)));
        }
        coverage.security_record(4688, Some(at(9_000)));
        let ends: Vec<_> = coverage.logons.iter().map(|s| (s.first, s.last, s.records)).collect();
        assert_eq!(ends, [(at(0), at(3_000), 3), (at(20_000), at(20_001), 2)]);
        assert!(!coverage.is_legacy);
        coverage.security_record(528, Some(at(30_000)));
        assert!(coverage.is_legacy);
    }

    #[test]
    fn the_longest_silences_are_kept() {
        let mut coverage = LogCoverage::default();
        for hours in 0..40 {
            coverage.neighbours(2, at(0), at(hours * 3600));
        }
        let hours: Vec<i64> =
            coverage.silences.iter().map(|s| s.length().0 / 3_600_000_000_000).collect();
        assert_eq!(hours, (30..40).rev().collect::<Vec<_>>());
        coverage.neighbours(7, at(100), at(41));
        assert_eq!(coverage.setbacks, []);
        coverage.neighbours(8, at(100), at(39));
        assert_eq!(coverage.setbacks.first().map(|back| back.record), Some(8));
    }

    #[test]
    fn memory_is_bounded_whatever_the_times_are() {
        let mut coverage = LogCoverage::default();
        for second in 0..5_000 {
            coverage.security_record(540, Some(at(second * 100_000)));
        }
        assert_eq!(coverage.logons.len(), MOST);
        let records: u64 = coverage.logons.iter().map(|stretch| stretch.records).sum();
        assert_eq!(records, 5_000);
    }
}
