//! The list of rules, from gaps in the log to what its audits show.

mod collected;

use super::history::{AuditHistory, JITTER, MARGIN, RecordRef};
use super::{
    AuditReason, AuditState, AuditVerdict, Audited, AuditedOutcomes, Captured, CapturedOutcomes,
    NotLoggedBasis, ShownBy, TurnedOff,
};
use crate::eventlog::{AuditSubcategory, Auditing, NegotiationAudit};
use crate::evidence::EvidenceId;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a computer's auditing in a span.
pub(super) fn decide(
    history: &AuditHistory,
    from: Timestamp,
    to: Timestamp,
    captured: Captured,
) -> AuditVerdict {
    let case = Case { history, from, to, captured };
    case.not_whole()
        .or_else(|| case.turned_off())
        .or_else(|| case.off_when_collected())
        .or_else(|| case.only_selected())
        .or_else(|| case.against_the_capture())
        .or_else(|| case.shown_by_audits())
        .or_else(|| case.on_when_collected())
        .unwrap_or_else(|| case.nothing_decides())
}

struct Case<'h> {
    history: &'h AuditHistory,
    from: Timestamp,
    to: Timestamp,
    captured: Captured,
}

type Audit = (NegotiationAudit, EvidenceId);

impl Case<'_> {
    fn verdict(
        &self,
        state: AuditState,
        why: AuditReason,
        places: impl IntoIterator<Item = RecordRef>,
    ) -> AuditVerdict {
        let mut proof: BTreeMap<EvidenceId, BTreeSet<u64>> = BTreeMap::new();
        for (evidence, record) in places {
            proof.entry(evidence).or_default().insert(record);
        }
        let (clock_known, is_legacy) =
            (Some(self.history.clock_known), Some(self.history.is_legacy));
        AuditVerdict { state, why, proof, clock_known, is_legacy }
    }

    /// Rule 1: the log does not reach there, was cleared, has gaps, or lost events.
    fn not_whole(&self) -> Option<AuditVerdict> {
        let spans = &self.history.spans;
        let first = spans.iter().min_by_key(|span| span.first);
        let last = spans.iter().map(|span| span.last).max();
        let (Some(first), Some(last)) = (first, last) else {
            return Some(self.verdict(AuditState::NotCovered, AuditReason::NoTimes, []));
        };
        let (from, to) = (self.from.shifted(JITTER), self.to.shifted(JITTER.negated()));
        if self.from > last {
            return Some(self.verdict(AuditState::NotCovered, AuditReason::EndsBefore, []));
        }
        if let Some(place) = self.history.cleared_from(self.from) {
            let why = AuditReason::Cleared(place.1);
            return Some(self.verdict(AuditState::Unknown, why, [place]));
        }
        if from < first.first {
            let number = first.numbers.0;
            let (state, why) = match (self.to < first.first, number > 1) {
                (_, true) => (AuditState::Unknown, AuditReason::OldestRecord(number)),
                (true, false) => (AuditState::NotCovered, AuditReason::BeginsAfter),
                (false, false) => (AuditState::Unknown, AuditReason::BeginsInside),
            };
            return Some(self.verdict(state, why, []));
        }
        if to > last {
            return Some(self.verdict(AuditState::Unknown, AuditReason::EndsInside, []));
        }
        let broken = self.history.first_break(self.from, self.to)?;
        Some(self.verdict(AuditState::Unknown, broken.why.clone(), broken.place))
    }

    /// Rule 2: a record shows that negotiations were not audited.
    fn turned_off(&self) -> Option<AuditVerdict> {
        let mut off = Vec::new();
        let mut unclear = BTreeSet::new();
        let mut places = BTreeSet::new();
        for subcategory in self.subcategories().iter().copied() {
            for is_failure in [false, true] {
                let kind = (subcategory, is_failure);
                let Some((time, change, place)) = self.history.last_change(kind, self.to) else {
                    continue;
                };
                // A later record shows that auditing was on.
                let later = (time.shifted(JITTER), self.to);
                let seen = self.history.is_audited_between(kind, later);
                if seen || change == Auditing::On {
                    continue;
                }
                if change == Auditing::Unclear {
                    unclear.insert(place);
                } else {
                    let audited = Audited { subcategory, is_failure };
                    off.push(TurnedOff { audited, record: place.1 });
                    places.insert(place);
                }
            }
        }
        if !off.is_empty() {
            let why = AuditReason::TurnedOff(off);
            return Some(self.verdict(AuditState::AuditingOff, why, places));
        }
        let (_, record) = unclear.first()?;
        let why = AuditReason::UnclearChange(*record);
        Some(self.verdict(AuditState::Unknown, why, unclear))
    }

    /// The subcategories that govern negotiations; before Vista, a single setting.
    fn subcategories(&self) -> &'static [AuditSubcategory] {
        if self.history.is_legacy {
            &[AuditSubcategory::LogonEvents]
        } else {
            &[AuditSubcategory::MainMode, AuditSubcategory::QuickMode]
        }
    }

    /// What an export or a collector's log leaves out is unknown.
    fn only_selected(&self) -> Option<AuditVerdict> {
        let (from, until) = (self.from.shifted(JITTER.negated()), self.to.shifted(MARGIN));
        let whole = self.history.spans.iter().filter(|span| !span.is_selection);
        let mut reaching = whole.filter(|span| span.first <= self.to && span.last >= self.from);
        if reaching.next().is_some() || self.audits(from, until).next().is_some() {
            return None;
        }
        Some(self.verdict(AuditState::Unknown, AuditReason::Selection, []))
    }

    /// Rule 3: the capture shows a negotiation of this time, and the log does not.
    fn against_the_capture(&self) -> Option<AuditVerdict> {
        let until = self.to.shifted(MARGIN);
        if self.audits(self.from.shifted(JITTER.negated()), until).next().is_some() {
            return None;
        }
        let is_near = |failed| {
            let (from, to) = (self.from.shifted(HOUR.negated()), self.to.shifted(HOUR));
            self.history.has_logons(failed, from, to)
        };
        let (completed, failed) =
            (self.captured.completed.is_some(), self.captured.failed.is_some());
        let shown = match (completed, failed) {
            (true, true) => CapturedOutcomes::Both,
            (true, false) => CapturedOutcomes::Completed,
            (false, true) => CapturedOutcomes::Failed,
            (false, false) => return None,
        };
        // One setting governs negotiations and logons of the same outcome.
        let logons_show = completed && is_near(false) || failed && is_near(true);
        let (state, basis) = match (self.history.is_legacy, completed, logons_show) {
            // The value is read as the service starts; what was audited in the same run of the system was so.
            (true, _, true) if self.is_audited_in_this_run() => {
                (AuditState::Unknown, NotLoggedBasis::Open)
            }
            (true, _, true) => {
                (AuditState::DisableIkeAuditsSuspected, NotLoggedBasis::LogonsAudited)
            }
            (false, true, _) => (AuditState::AuditingOff, NotLoggedBasis::Inferred),
            (true, _, false) | (false, false, _) => (AuditState::Unknown, NotLoggedBasis::Open),
        };
        Some(self.verdict(state, AuditReason::NotLogged(shown, basis), []))
    }

    /// Rules 4 and 5: audits in the span, or before and after it.
    fn shown_by_audits(&self) -> Option<AuditVerdict> {
        let (from, to) = (self.from.shifted(JITTER.negated()), self.to.shifted(MARGIN));
        let mut inside = self.audits(from, to);
        if let Some(first) = inside.next() {
            let by = ShownBy::Inside(inside.count() as u64 + 1);
            let why = AuditReason::Shown { by, outcomes: self.outcomes() };
            return Some(self.verdict(AuditState::Audited, why, [record_of(first)]));
        }
        let before = self.audits(Timestamp(i64::MIN), from).last();
        let after = self.audits(to, Timestamp(i64::MAX)).next();
        let none_captured = self.captured.any_capture;
        let (by, places) = match (before, after) {
            (Some(one), Some(other)) => (
                ShownBy::Around { before: one.0.record, after: other.0.record, none_captured },
                vec![record_of(one), record_of(other)],
            ),
            // 4719 is written whatever is audited; 612 is not.
            (Some(one), None) | (None, Some(one)) if !self.history.is_legacy => {
                (ShownBy::Beside { record: one.0.record, none_captured }, vec![record_of(one)])
            }
            (Some(_), None) | (None, Some(_)) => return None,
            (None, None) => return self.turned_on(),
        };
        let why = AuditReason::Shown { by, outcomes: self.outcomes() };
        Some(self.verdict(AuditState::Audited, why, places))
    }

    /// A record says that auditing was turned on, and the log holds no negotiation.
    fn turned_on(&self) -> Option<AuditVerdict> {
        let on = |is_failure| {
            self.subcategories().iter().find_map(|subcategory| {
                self.history
                    .last_change((*subcategory, is_failure), self.to)
                    .filter(|(time, auditing, _)| *auditing == Auditing::On && *time <= self.from)
            })
        };
        let (_, _, place) = on(true).or_else(|| on(false))?;
        if self.history.is_legacy {
            let why = AuditReason::LogonsTurnedOn(place.1);
            return Some(self.verdict(AuditState::Unknown, why, [place]));
        }
        let why = AuditReason::TurnedOn(place.1);
        Some(self.verdict(AuditState::Audited, why, [place]))
    }

    /// Rule 2, second half: nothing is known.
    fn nothing_decides(&self) -> AuditVerdict {
        let is_legacy = self.history.is_legacy;
        let why = if self.history.negotiations.is_empty() {
            AuditReason::NoNegotiations { is_legacy }
        } else {
            AuditReason::OneSideOnly { is_legacy }
        };
        self.verdict(AuditState::Unknown, why, [])
    }

    /// Whether the log holds negotiations of the time from the system's start before the span to the next one.
    fn is_audited_in_this_run(&self) -> bool {
        let starts = &self.history.starts;
        let next = starts.partition_point(|start| *start <= self.from);
        let begun = next.checked_sub(1).and_then(|last| starts.get(last).copied());
        let ended = starts.get(next).copied();
        let (begun, ended) =
            (begun.unwrap_or(Timestamp(i64::MIN)), ended.unwrap_or(Timestamp(i64::MAX)));
        self.audits(begun, ended).next().is_some()
    }

    fn audits(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Audit> {
        let all = &self.history.negotiations;
        let first = all.partition_point(|(audit, _)| audit.time < from);
        let past = all.partition_point(|(audit, _)| audit.time <= to).max(first);
        all.get(first..past).unwrap_or_default().iter()
    }

    /// The outcomes that the log shows to be audited.
    fn outcomes(&self) -> AuditedOutcomes {
        match (self.history.shows(false), self.history.shows(true)) {
            (true, false) => AuditedOutcomes::Successes,
            (false, true) => AuditedOutcomes::Failures,
            (true, true) | (false, false) => AuditedOutcomes::Both,
        }
    }
}

fn record_of((audit, evidence): &Audit) -> RecordRef {
    (*evidence, audit.record)
}

const HOUR: Span = Span::from_seconds(3600);

#[cfg(test)]
mod tests;
