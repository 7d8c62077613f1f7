//! The rules that rest on auditpol: what was audited when the host's state was collected.

use super::super::history::{JITTER, RecordRef};
use super::super::{AuditReason, AuditState, AuditVerdict, Audited};
use super::Case;
use crate::eventlog::{AuditSubcategory, Auditing};
use crate::time::Timestamp;
use std::collections::BTreeSet;

impl Case<'_> {
    /// What auditpol shows for successes or failures of a subcategory, where it already held in the span: from
    /// there on the log is complete and records no change (4719 is written whatever is audited).
    fn collected(
        &self,
        subcategory: AuditSubcategory,
        is_failure: bool,
    ) -> Option<(Auditing, RecordRef)> {
        let known = *self.history.collected.get(&(subcategory, is_failure))?;
        let from = self.from.shifted(JITTER.negated());
        let is_unchanged = self.history.is_unchanged_from(subcategory, from);
        (is_unchanged && !self.history.is_legacy).then_some(known)
    }

    /// Rule 2, by auditpol: what was not audited when the state was collected, and has not been changed since.
    pub(super) fn off_when_collected(&self) -> Option<AuditVerdict> {
        let (mut off, mut places) = (Vec::new(), BTreeSet::new());
        for subcategory in self.subcategories().iter().copied() {
            for is_failure in [false, true] {
                let known = self.collected(subcategory, is_failure);
                let Some((Auditing::Off, place)) = known else { continue };
                let later = (self.from.shifted(JITTER.negated()), Timestamp(i64::MAX));
                if !self.history.is_audited_between((subcategory, is_failure), later) {
                    off.push(Audited { subcategory, is_failure });
                    places.insert(place);
                }
            }
        }
        let is_off = !off.is_empty();
        let why = AuditReason::OffWhenCollected(off);
        is_off.then(|| self.verdict(AuditState::AuditingOff, why, places))
    }

    /// Rule 5, by auditpol: everything that governs negotiations was audited when the state was collected.
    pub(super) fn on_when_collected(&self) -> Option<AuditVerdict> {
        let mut places = BTreeSet::new();
        for subcategory in self.subcategories().iter().copied() {
            for is_failure in [false, true] {
                let (Auditing::On, place) = self.collected(subcategory, is_failure)? else {
                    return None;
                };
                places.insert(place);
            }
        }
        Some(self.verdict(AuditState::Audited, AuditReason::OnWhenCollected, places))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Captured;
    use super::super::super::history::{AuditHistory, Break};
    use super::super::decide;
    use super::super::tests::{LOG, at, history};
    use super::*;
    use crate::eventlog::AuditChange;

    #[test]
    fn auditpol_settles_a_time_from_which_on_the_log_is_whole_and_shows_no_change() {
        let with = |said: [Auditing; 4]| {
            let mut history = history(&[]);
            let of = [AuditSubcategory::MainMode, AuditSubcategory::QuickMode];
            let keys = of.into_iter().flat_map(|of| [(of, false), (of, true)]);
            history.collected = keys
                .zip(said)
                .zip(1..)
                .map(|((key, said), row)| (key, (said, (LOG, row))))
                .collect();
            history
        };
        let state = |history: &AuditHistory| {
            let mut history = history.clone();
            history.close();
            decide(&history, at(100), at(200), Captured::default()).state
        };
        assert_eq!(state(&with([Auditing::On; 4])), AuditState::Audited);
        let off = with([Auditing::Off, Auditing::On, Auditing::On, Auditing::On]);
        assert_eq!(state(&off), AuditState::AuditingOff);
        assert_eq!(state(&with([Auditing::Unclear; 4])), AuditState::Unknown);
        // After a change, the setting before it is unknown.
        let mut changed = with([Auditing::On; 4]);
        let change = AuditChange {
            subcategory: Some(AuditSubcategory::MainMode),
            success: Some(Auditing::On),
            failure: None,
        };
        changed.changes.push((at(5_000), change, (LOG, 7)));
        assert_eq!(state(&changed), AuditState::Unknown);
        let mut broken = with([Auditing::Off; 4]);
        let (from, to) = (at(6_000), at(6_001));
        broken.breaks.push(Break { from, to, why: AuditReason::BetweenLogs, place: None });
        assert_eq!(state(&broken), AuditState::Unknown);
    }
}
