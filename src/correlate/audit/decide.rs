//! The list of rules, from what breaks a log to what its audits show.

mod collected;

use super::history::{AuditHistory, JITTER, MARGIN, RecordRef};
use super::{AuditState, AuditVerdict, Captured};
use crate::eventlog::{AuditChange, AuditSubcategory, Auditing, NegotiationAudit, Stretch};
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
        why: String,
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
            let why = "the log holds no record with a time".to_owned();
            return Some(self.verdict(AuditState::NotCovered, why, []));
        };
        let (from, to) = (self.from.shifted(JITTER), self.to.shifted(JITTER.negated()));
        if self.from > last {
            let why = "the log ends before this time".to_owned();
            return Some(self.verdict(AuditState::NotCovered, why, []));
        }
        let cleared = self.history.cleared.iter().find(|(time, _)| *time >= self.from);
        if let Some((_, place)) = cleared {
            let why = format!("the log was cleared during or after this time (record {})", place.1);
            return Some(self.verdict(AuditState::Unknown, why, [*place]));
        }
        if from < first.first {
            let number = first.numbers.0;
            let (state, why) = match (self.to < first.first, number > 1) {
                (_, true) => (
                    AuditState::Unknown,
                    format!(
                        "the log's oldest record is number {number} and is later: the earlier ones are lost"
                    ),
                ),
                (true, false) => {
                    (AuditState::NotCovered, "the log begins after this time".to_owned())
                }
                (false, false) => {
                    (AuditState::Unknown, "the log begins inside this time".to_owned())
                }
            };
            return Some(self.verdict(state, why, []));
        }
        if to > last {
            let why = "the log ends inside this time".to_owned();
            return Some(self.verdict(AuditState::Unknown, why, []));
        }
        let breaks = self.history.breaks.iter();
        let broken = breaks
            .filter(|known| known.from <= self.to && known.to >= self.from)
            .min_by_key(|known| known.from)?;
        Some(self.verdict(AuditState::Unknown, broken.why.clone(), broken.place))
    }

    /// Rule 2: a record shows that negotiations were not audited.
    fn turned_off(&self) -> Option<AuditVerdict> {
        let mut off = Vec::new();
        let mut unclear = BTreeSet::new();
        let mut places = BTreeSet::new();
        for subcategory in self.subcategories().iter().copied() {
            for is_failure in [false, true] {
                let Some((time, change, place)) = self.last_change(subcategory, is_failure) else {
                    continue;
                };
                // A record that came after all shows that it was on.
                let seen = self.audits(time.shifted(JITTER), self.to).any(|(audit, _)| {
                    audit.subcategory == subcategory && audit.is_failure == is_failure
                });
                if seen || change == Auditing::On {
                    continue;
                }
                if change == Auditing::Unclear {
                    unclear.insert(place);
                } else {
                    let what = if is_failure { "failures" } else { "successes" };
                    let of = subcategory.as_str();
                    off.push(format!("{what} of {of} since record {}", place.1));
                    places.insert(place);
                }
            }
        }
        if !off.is_empty() {
            let why = format!("not audited: {}", off.join(", "));
            return Some(self.verdict(AuditState::AuditingOff, why, places));
        }
        let (_, record) = unclear.first()?;
        let why = format!(
            "record {record} changed the audit settings, in a language that is not recognized"
        );
        Some(self.verdict(AuditState::Unknown, why, unclear))
    }

    /// What governs negotiations; before Vista one setting does.
    fn subcategories(&self) -> &'static [AuditSubcategory] {
        if self.history.is_legacy {
            &[AuditSubcategory::LogonEvents]
        } else {
            &[AuditSubcategory::MainMode, AuditSubcategory::QuickMode]
        }
    }

    /// The last word before the span's end on successes or failures of a subcategory.
    fn last_change(
        &self,
        subcategory: AuditSubcategory,
        is_failure: bool,
    ) -> Option<(Timestamp, Auditing, RecordRef)> {
        let auditing = |change: &AuditChange| {
            let auditing = if is_failure { change.failure } else { change.success };
            auditing.filter(|_| change.subcategory == Some(subcategory))
        };
        let until = self.history.changes.iter().take_while(|(time, ..)| *time <= self.to);
        until.filter_map(|(time, change, place)| Some((*time, auditing(change)?, *place))).last()
    }

    /// Of an export or a collector's log nobody knows what was left out.
    fn only_selected(&self) -> Option<AuditVerdict> {
        let (from, until) = (self.from.shifted(JITTER.negated()), self.to.shifted(MARGIN));
        let whole = self.history.spans.iter().filter(|span| !span.is_selection);
        let mut reaching = whole.filter(|span| span.first <= self.to && span.last >= self.from);
        if reaching.next().is_some() || self.audits(from, until).next().is_some() {
            return None;
        }
        let why =
            "an export or a collector's log may be a selection of the log: a missing event proves nothing"
                .to_owned();
        Some(self.verdict(AuditState::Unknown, why, []))
    }

    /// Rule 3: the capture shows a negotiation of this time and the log does not.
    fn against_the_capture(&self) -> Option<AuditVerdict> {
        let until = self.to.shifted(MARGIN);
        if self.audits(self.from.shifted(JITTER.negated()), until).next().is_some() {
            return None;
        }
        let is_near = |stretches: &[Stretch]| {
            let (from, to) = (self.from.shifted(HOUR.negated()), self.to.shifted(HOUR));
            stretches.iter().any(|stretch| stretch.first <= to && stretch.last >= from)
        };
        let (completed, failed) =
            (self.captured.completed.is_some(), self.captured.failed.is_some());
        let what = match (completed, failed) {
            (true, true) => "completed and one that failed",
            (true, false) => "completed",
            (false, true) => "failed",
            (false, false) => return None,
        };
        // One setting governs negotiations and logons of the same outcome.
        let logons_show = completed && is_near(&self.history.logons)
            || failed && is_near(&self.history.failed_logons);
        let shown = format!(
            "the captures show a negotiation of this host that {what} in this time, but its log holds none"
        );
        let (state, why) = match (self.history.is_legacy, completed, logons_show) {
            (true, _, true) => (
                AuditState::DisableIkeAuditsSuspected,
                format!(
                    "{shown}, although logons of that kind are audited, which the same setting controls"
                ),
            ),
            (false, true, _) => (AuditState::AuditingOff, format!("inferred: {shown}")),
            (true, _, false) | (false, false, _) => (AuditState::Unknown, shown),
        };
        Some(self.verdict(state, why, []))
    }

    /// Rules 4 and 5: audits in the span, or before and after it.
    fn shown_by_audits(&self) -> Option<AuditVerdict> {
        let (from, to) = (self.from.shifted(JITTER.negated()), self.to.shifted(MARGIN));
        let mut inside = self.audits(from, to);
        if let Some(first) = inside.next() {
            let more = inside.count();
            let why = format!(
                "the log holds {} of negotiations in this time or shortly after{}",
                if more == 0 { "a record".to_owned() } else { format!("{} records", more + 1) },
                self.outcomes()
            );
            return Some(self.verdict(AuditState::Audited, why, [record_of(first)]));
        }
        let before = self.audits(Timestamp(i64::MIN), from).last();
        let after = self.audits(to, Timestamp(i64::MAX)).next();
        let none = if self.captured.any_capture {
            "; neither the log nor the captures show a negotiation in this time"
        } else {
            ""
        };
        let outcomes = self.outcomes();
        let (why, places) = match (before, after) {
            (Some(one), Some(other)) => (
                format!(
                    "negotiations are audited before (record {}) and after (record {}) with no change between{outcomes}{none}",
                    one.0.record, other.0.record
                ),
                vec![record_of(one), record_of(other)],
            ),
            // 4719 is written whatever is audited; 612 is not.
            (Some(one), None) | (None, Some(one)) if !self.history.is_legacy => (
                format!(
                    "negotiations are audited (record {}) and the log records no change of that{outcomes}{none}",
                    one.0.record
                ),
                vec![record_of(one)],
            ),
            (Some(_), None) | (None, Some(_)) => return None,
            (None, None) => return self.turned_on(),
        };
        Some(self.verdict(AuditState::Audited, why, places))
    }

    /// A record says that auditing was turned on, and the log holds no negotiation.
    fn turned_on(&self) -> Option<AuditVerdict> {
        let on = |is_failure| {
            self.subcategories().iter().find_map(|subcategory| {
                self.last_change(*subcategory, is_failure)
                    .filter(|(time, auditing, _)| *auditing == Auditing::On && *time <= self.from)
            })
        };
        let (_, _, place) = on(true).or_else(|| on(false))?;
        if self.history.is_legacy {
            let why = format!(
                "record {} shows that logon events are audited, but the log holds no negotiation: none took place, or DisableIKEAudits is set",
                place.1
            );
            return Some(self.verdict(AuditState::Unknown, why, [place]));
        }
        let why = format!("auditing was turned on (record {}) and not turned off again", place.1);
        Some(self.verdict(AuditState::Audited, why, [place]))
    }

    /// Rule 2, its other half: nothing is known.
    fn nothing_decides(&self) -> AuditVerdict {
        let or = if self.history.is_legacy { ", or DisableIKEAudits is set" } else { "" };
        let why = if self.history.negotiations.is_empty() {
            format!(
                "no record shows what is audited, and the log holds no negotiation at all: auditing is probably off{or}"
            )
        } else {
            format!(
                "the log holds negotiations on one side of this time only, and auditing may have been changed between{or}"
            )
        };
        self.verdict(AuditState::Unknown, why, [])
    }

    fn audits(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Audit> {
        let all = &self.history.negotiations;
        let first = all.partition_point(|(audit, _)| audit.time < from);
        let past = all.partition_point(|(audit, _)| audit.time <= to).max(first);
        all.get(first..past).unwrap_or_default().iter()
    }

    /// Which outcomes the log shows to be audited.
    fn outcomes(&self) -> &'static str {
        let shows = |is_failure| {
            self.history.negotiations.iter().any(|(audit, _)| audit.is_failure == is_failure)
        };
        match (shows(false), shows(true)) {
            (true, false) => " (successes; nothing shows that failures are audited too)",
            (false, true) => " (failures; nothing shows that successes are audited too)",
            (true, true) | (false, false) => "",
        }
    }
}

fn record_of((audit, evidence): &Audit) -> RecordRef {
    (*evidence, audit.record)
}

const HOUR: Span = Span::from_seconds(3600);

#[cfg(test)]
mod tests {
    use super::super::history::{Break, LogSpan};
    use super::*;

    pub(super) fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds, 0).unwrap()
    }

    /// A whole log of a day, with negotiations at these seconds; negative ones failed.
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
    fn check(history: &AuditHistory, captured: Captured, state: AuditState, words: &str) {
        let verdict = decide(history, at(40_000), at(40_100), captured);
        assert_eq!(verdict.state, state, "{}", verdict.why);
        assert!(verdict.why.contains(words), "{}", verdict.why);
    }

    fn completed() -> Captured {
        Captured { completed: Some(at(40_050)), failed: None, any_capture: true }
    }

    fn failed() -> Captured {
        Captured { completed: None, failed: Some(at(40_050)), any_capture: true }
    }

    #[test]
    fn records_in_or_around_the_window_show_that_it_was_audited() {
        check(&history(&[40_050]), completed(), AuditState::Audited, "holds a record");
        check(
            &history(&[100, 80_000]),
            Captured::default(),
            AuditState::Audited,
            "before (record 1) and after (record 2)",
        );
        let silent = Captured { any_capture: true, ..Captured::default() };
        check(
            &history(&[100, 80_000]),
            silent,
            AuditState::Audited,
            "neither the log nor the captures",
        );
        check(
            &history(&[100]),
            Captured::default(),
            AuditState::Audited,
            "successes; nothing shows",
        );
        check(
            &history(&[-80_000]),
            Captured::default(),
            AuditState::Audited,
            "failures; nothing shows",
        );
    }

    #[test]
    fn one_side_alone_proves_nothing_before_vista() {
        let legacy = AuditHistory { is_legacy: true, ..history(&[100]) };
        check(&legacy, Captured::default(), AuditState::Unknown, "one side of this time only");
    }

    #[test]
    fn a_log_without_negotiations_says_nothing() {
        check(&history(&[]), Captured::default(), AuditState::Unknown, "no negotiation at all");
        let legacy = AuditHistory { is_legacy: true, ..history(&[]) };
        check(&legacy, Captured::default(), AuditState::Unknown, "DisableIKEAudits");
    }

    #[test]
    fn a_change_shows_what_was_audited() {
        let off = Some(Auditing::Off);
        let with = |changes: Vec<_>, seconds: &[i64]| AuditHistory { changes, ..history(seconds) };
        let silenced = with(vec![change(30_000, off, off)], &[100, -200]);
        check(&silenced, Captured::default(), AuditState::AuditingOff, "record 77");
        // Auditing turned off after the window says nothing about the window.
        let later = with(vec![change(60_000, off, off)], &[100, 50_000]);
        check(&later, Captured::default(), AuditState::Audited, "before");
        let on = Some(Auditing::On);
        let again = with(vec![change(20_000, off, off), change(30_000, on, on)], &[]);
        check(&again, Captured::default(), AuditState::Audited, "turned on");
        // A record that came all the same shows that another setting was in force.
        let seen = with(vec![change(30_000, off, None)], &[40_050]);
        check(&seen, Captured::default(), AuditState::Audited, "holds a record");
        let failures = with(vec![change(30_000, None, off)], &[40_050]);
        check(&failures, Captured::default(), AuditState::AuditingOff, "failures");
        // A change that cannot be read leaves unknown what is audited after it.
        let some = Some(Auditing::Unclear);
        let unclear = with(vec![change(30_000, some, some)], &[100, -200]);
        check(&unclear, Captured::default(), AuditState::Unknown, "language");
        let mut of_logons = change(30_000, on, on);
        of_logons.1.subcategory = Some(AuditSubcategory::LogonEvents);
        let legacy_on = AuditHistory { is_legacy: true, ..with(vec![of_logons], &[]) };
        check(&legacy_on, Captured::default(), AuditState::Unknown, "DisableIKEAudits");
    }

    #[test]
    fn the_capture_shows_what_the_log_does_not() {
        let of_2003 = AuditHistory { is_legacy: true, logons: logons(39_000), ..history(&[]) };
        let suspected = AuditState::DisableIkeAuditsSuspected;
        check(&of_2003, completed(), suspected, "logons of that kind");
        // Successes of logons do not show that failures are audited.
        check(&of_2003, failed(), AuditState::Unknown, "failed");
        let both = AuditHistory { failed_logons: logons(41_000), ..of_2003.clone() };
        check(&both, failed(), suspected, "logons of that kind");
        let far = AuditHistory { logons: logons(10_000), ..of_2003 };
        check(&far, completed(), AuditState::Unknown, "completed");
        check(&history(&[]), completed(), AuditState::AuditingOff, "inferred");
        check(&history(&[]), failed(), AuditState::Unknown, "failed");
    }

    #[test]
    fn an_export_as_text_proves_only_what_it_holds() {
        let export = |seconds: &[i64]| {
            let mut history = history(seconds);
            history.spans.iter_mut().for_each(|span| span.is_selection = true);
            history
        };
        check(&export(&[100, 80_000]), completed(), AuditState::Unknown, "a selection");
        check(&export(&[40_050]), completed(), AuditState::Audited, "holds a record");
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
            "begins after",
        );
        check(&spans(50_000, 86_400, 500), Captured::default(), AuditState::Unknown, "number 500");
        check(&spans(0, 39_000, 1), Captured::default(), AuditState::NotCovered, "ends before");
        check(&spans(0, 40_050, 1), Captured::default(), AuditState::Unknown, "ends inside");
        check(&spans(40_050, 86_400, 1), Captured::default(), AuditState::Unknown, "begins inside");
        let cleared =
            AuditHistory { cleared: vec![(at(70_000), (LOG, 800))], ..history(&[40_050]) };
        check(&cleared, Captured::default(), AuditState::Unknown, "cleared");
        let before = AuditHistory { cleared: vec![(at(10), (LOG, 2))], ..history(&[40_050]) };
        check(&before, Captured::default(), AuditState::Audited, "");
        let gap = |from, to| AuditHistory {
            breaks: vec![Break {
                from: at(from),
                to: at(to),
                why: "a gap".to_owned(),
                place: None,
            }],
            ..history(&[40_050])
        };
        check(&gap(30_000, 40_010), Captured::default(), AuditState::Unknown, "a gap");
        check(&gap(30_000, 39_000), Captured::default(), AuditState::Audited, "");
        check(&AuditHistory::default(), Captured::default(), AuditState::NotCovered, "no record");
    }

    pub(super) const LOG: EvidenceId = EvidenceId(1);
}
