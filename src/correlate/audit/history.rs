//! The Security logs of one computer: spans, breaks and audits, on the captures' clock where
//! that is known.
//!
//! Arranges only; `decide` draws the conclusions.

use super::{AuditReason, ReportedBreak};
use crate::correlate::stretches::Stretches;
use crate::eventlog::{
    AuditChange, AuditSubcategory, Auditing, MarkKind, NegotiationAudit, Stretch,
};
use crate::evidence::EvidenceId;
use crate::summary::LogPart;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A record of one of the logs.
pub(super) type RecordRef = (EvidenceId, u64);

/// A time in which the logs are incomplete.
#[derive(Clone, Debug)]
pub(super) struct Break {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) why: AuditReason,
    pub(super) place: Option<RecordRef>,
}

/// The Security logs of one computer in one folder.
#[derive(Clone, Debug, Default)]
pub(super) struct AuditHistory {
    pub(super) host: String,
    pub(super) addresses: BTreeSet<IpAddr>,
    /// Addresses that its records name as its own, from the first to the last of them.
    pub(super) claims: BTreeMap<IpAddr, (Timestamp, Timestamp)>,
    /// When Windows started, ascending.
    pub(super) starts: Vec<Timestamp>,
    /// The time and the record numbers that each log covers, by time.
    pub(super) spans: Vec<LogSpan>,
    /// By time.
    pub(super) breaks: Vec<Break>,
    /// By time.
    pub(super) negotiations: Vec<(NegotiationAudit, EvidenceId)>,
    pub(super) changes: Vec<(Timestamp, AuditChange, RecordRef)>,
    /// By time.
    pub(super) cleared: Vec<(Timestamp, RecordRef)>,
    pub(super) logons: Vec<Stretch>,
    pub(super) failed_logons: Vec<Stretch>,
    pub(super) found: Found,
    pub(super) is_legacy: bool,
    pub(super) clock_known: bool,
    /// One of them is a Security log, not only a table of auditpol.
    pub(super) has_log: bool,
    /// What auditpol lists as audited when the state was collected: by subcategory, and whether of failures.
    pub(super) collected: BTreeMap<(AuditSubcategory, bool), (Auditing, RecordRef)>,
}

/// The time and the record numbers that one log covers.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogSpan {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) numbers: (u64, u64),
    /// It is a selection of a log: a missing record proves nothing.
    pub(super) is_selection: bool,
}

/// Indexes of a history that is closed: each window asks it.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// The latest end of a break up to each of them.
    reached: Vec<Timestamp>,
    /// The times of negotiations by subcategory and whether they failed.
    audited: BTreeMap<(AuditSubcategory, bool), Vec<Timestamp>>,
    /// Changes to the auditing of successes or failures of a subcategory.
    changes: BTreeMap<(AuditSubcategory, bool), Vec<Change>>,
    /// The last change to a subcategory, whatever it says.
    changed: BTreeMap<AuditSubcategory, Timestamp>,
    logons: Stretches<()>,
    failed_logons: Stretches<()>,
}

/// When auditing was changed, to what, and the record.
pub(super) type Change = (Timestamp, Auditing, RecordRef);

/// Whether it is a Security log.
pub(super) fn is_security(log: &LogPart) -> bool {
    log.log.channel.eq_ignore_ascii_case("Security")
}

impl AuditHistory {
    /// Adds a table of auditpol. Where two tables differ, it is not known which is later.
    pub(super) fn add_auditpol(&mut self, evidence: EvidenceId, log: &LogPart) {
        for event in &log.events {
            let Some(change) = event.audit_change() else { continue };
            let Some(subcategory) = change.subcategory else { continue };
            for (is_failure, said) in [(false, change.success), (true, change.failure)] {
                let Some(said) = said else { continue };
                let place = (evidence, event.record.record);
                let known =
                    self.collected.entry((subcategory, is_failure)).or_insert((said, place));
                if known.0 != said {
                    known.0 = Auditing::Unclear;
                }
            }
        }
    }

    pub(super) fn add_log(&mut self, evidence: EvidenceId, log: &LogPart, offset: Option<Span>) {
        self.has_log = true;
        let trust = &log.log.trust;
        let back = offset.unwrap_or_default().negated();
        let at = |time: Timestamp| time.shifted(back);
        self.clock_known |= offset.is_some();
        self.is_legacy |= trust.is_legacy;
        let span = log.log.first_time.zip(log.log.last_time);
        if let (Some((first, last)), Some(numbers)) = (span, log.log.record_numbers) {
            let is_selection = trust.is_selection;
            self.spans.push(LogSpan { first: at(first), last: at(last), numbers, is_selection });
        }
        // A collector numbers what it gathers: its gaps are not those of a computer.
        let gaps = log.log.gaps.iter().filter(|_| !trust.is_selection);
        for gap in gaps {
            let (Some(after), Some(before)) = (gap.after, gap.before) else { continue };
            self.breaks.push(Break {
                from: at(after.min(before)),
                to: at(after.max(before)),
                why: AuditReason::RecordsMissing(gap.first, gap.last),
                place: Some((evidence, gap.first.saturating_sub(1))),
            });
        }
        for back in &trust.setbacks {
            self.breaks.push(Break {
                from: at(back.to),
                to: at(back.from),
                why: AuditReason::ClockSetBack(back.record),
                place: Some((evidence, back.record)),
            });
        }
        let moved = |stretch: &Stretch| Stretch {
            first: at(stretch.first),
            last: at(stretch.last),
            records: stretch.records,
        };
        self.logons.extend(trust.logons.iter().map(moved));
        self.failed_logons.extend(trust.failed_logons.iter().map(moved));
        let moved = |audit: &NegotiationAudit| NegotiationAudit { time: at(audit.time), ..*audit };
        for event in &log.events {
            let own = event.selector().and_then(|s| s.local_tunnel).or(event.local());
            let Some((own, time)) = own.zip(event.time.map(at)) else { continue };
            let span = self.claims.entry(own).or_insert((time, time));
            *span = (span.0.min(time), span.1.max(time));
        }
        self.negotiations.extend(trust.negotiations.iter().map(|a| (moved(a), evidence)));
        self.add_marks(evidence, log, at);
    }

    fn add_marks(
        &mut self,
        evidence: EvidenceId,
        log: &LogPart,
        at: impl Fn(Timestamp) -> Timestamp,
    ) {
        let marks = &log.log.trust.marks;
        for (index, mark) in marks.iter().enumerate() {
            let Some(time) = mark.time.map(&at) else { continue };
            let place = (evidence, mark.record);
            let around = (time.shifted(MARGIN.negated()), time.shifted(MARGIN));
            let mut broken = |(from, to): (Timestamp, Timestamp), what: ReportedBreak| {
                let why = AuditReason::Reported { record: mark.record, event: mark.event_id, what };
                self.breaks.push(Break { from, to, why, place: Some(place) });
            };
            match mark.kind {
                MarkKind::Cleared => self.cleared.push((time, place)),
                MarkKind::Started => self.starts.push(time),
                MarkKind::AuditChanged(change) => self.changes.push((time, change, place)),
                MarkKind::EventsLost => broken(around, ReportedBreak::EventsLost),
                MarkKind::Full => broken(around, ReportedBreak::Full),
                MarkKind::LogStopped => {
                    let is_start =
                        |kind: MarkKind| matches!(kind, MarkKind::LogStarted | MarkKind::Started);
                    let later = marks.iter().skip(index + 1).find(|mark| is_start(mark.kind));
                    let until = later.and_then(|mark| mark.time).map_or(time, &at);
                    broken((time, until.max(time)), ReportedBreak::Stopped);
                }
                MarkKind::ClockSet(step) if step.is_none_or(|s| s.magnitude() > JITTER) => {
                    broken(around, ReportedBreak::ClockSet);
                }
                MarkKind::ClockSet(_)
                | MarkKind::OtherCleared
                | MarkKind::AuditChangedSomehow
                | MarkKind::Archived
                | MarkKind::LogStarted
                | MarkKind::WentDown => {}
            }
        }
    }

    /// Sorts everything, and finds the gaps between the logs.
    pub(super) fn close(&mut self) {
        self.negotiations.sort_by_key(|(audit, evidence)| (audit.time, audit.record, *evidence));
        // A record in a live log and in a copy of it counts once.
        self.negotiations.dedup_by_key(|(audit, _)| (audit.time, audit.record));
        self.changes.sort_by_key(|(time, _, place)| (*time, *place));
        self.starts.sort_unstable();
        self.cleared.sort_unstable();
        self.spans.sort_by_key(|span| (span.first, span.last));
        let mut reached: Option<LogSpan> = None;
        for span in &self.spans {
            let goes_on =
                |before: &LogSpan| before.numbers.1.checked_add(1) == Some(span.numbers.0);
            let apart = |before: &LogSpan| before.last < span.first && !goes_on(before);
            if let Some(before) = reached.filter(apart) {
                self.breaks.push(Break {
                    from: before.last,
                    to: span.first,
                    why: AuditReason::BetweenLogs,
                    place: None,
                });
            }
            reached = Some(reached.filter(|known| known.last >= span.last).unwrap_or(*span));
        }
        self.breaks.sort_by_key(|known| (known.from, known.to));
        self.found = self.indexes();
    }

    fn indexes(&self) -> Found {
        let mut found = Found::default();
        let mut latest = Timestamp(i64::MIN);
        let reached = self.breaks.iter().map(|known| {
            latest = latest.max(known.to);
            latest
        });
        found.reached = reached.collect();
        for (audit, _) in &self.negotiations {
            let of_kind = found.audited.entry((audit.subcategory, audit.is_failure)).or_default();
            of_kind.push(audit.time);
        }
        for (time, change, place) in &self.changes {
            let Some(subcategory) = change.subcategory else { continue };
            found.changed.insert(subcategory, *time);
            for (is_failure, to) in [(false, change.success), (true, change.failure)] {
                let Some(to) = to else { continue };
                let of_kind = found.changes.entry((subcategory, is_failure)).or_default();
                of_kind.push((*time, to, *place));
            }
        }
        let searchable = |logons: &[Stretch]| {
            Stretches::new(logons.iter().map(|stretch| (stretch.first, stretch.last, ())))
        };
        found.logons = searchable(&self.logons);
        found.failed_logons = searchable(&self.failed_logons);
        found
    }

    /// The first break that touches a span.
    pub(super) fn first_break(&self, from: Timestamp, to: Timestamp) -> Option<&Break> {
        let first = self.found.reached.partition_point(|latest| *latest < from);
        self.breaks.get(first).filter(|known| known.from <= to)
    }

    /// The record of the first clearing of the log at a point in time or later.
    pub(super) fn cleared_from(&self, from: Timestamp) -> Option<RecordRef> {
        let first = self.cleared.partition_point(|(time, _)| *time < from);
        self.cleared.get(first).map(|(_, place)| *place)
    }

    /// The last change up to a point in time to the auditing of successes or failures of a subcategory.
    pub(super) fn last_change(
        &self,
        kind: (AuditSubcategory, bool),
        until: Timestamp,
    ) -> Option<Change> {
        let changes = self.found.changes.get(&kind)?;
        let past = changes.partition_point(|(time, ..)| *time <= until);
        changes.get(past.checked_sub(1)?).copied()
    }

    /// Whether a negotiation of a kind is logged in a span.
    pub(super) fn is_audited_between(
        &self,
        kind: (AuditSubcategory, bool),
        (from, to): (Timestamp, Timestamp),
    ) -> bool {
        let times = self.found.audited.get(&kind).map_or(&[][..], Vec::as_slice);
        let first = times.partition_point(|time| *time < from);
        times.get(first).is_some_and(|time| *time <= to)
    }

    /// Whether the logs are complete, and record no change to a subcategory, from a point in time on.
    pub(super) fn is_unchanged_from(&self, subcategory: AuditSubcategory, from: Timestamp) -> bool {
        self.found.reached.last().is_none_or(|latest| *latest < from)
            && self.found.changed.get(&subcategory).is_none_or(|last| *last < from)
    }

    /// Whether logons that succeeded, or failed, are logged in a span.
    pub(super) fn has_logons(&self, failed: bool, from: Timestamp, to: Timestamp) -> bool {
        let logons = if failed { &self.found.failed_logons } else { &self.found.logons };
        logons.touching(from, to).next().is_some()
    }

    /// Whether a negotiation that succeeded, or failed, is logged at all.
    pub(super) fn shows(&self, failures: bool) -> bool {
        self.found.audited.keys().any(|(_, is_failure)| *is_failure == failures)
    }
}

/// How far log times may be off after correction.
pub(super) const JITTER: Span = Span::from_seconds(5);
/// A statement about a moment holds for this long around it: the time for which Windows tries a negotiation
/// before it logs the failure, plus a margin.
pub(super) const MARGIN: Span = Span::from_seconds(180);
