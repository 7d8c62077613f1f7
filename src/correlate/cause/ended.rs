//! The rules about security associations that ended: deleted, changed away, run out.

use super::case::Case;
use super::{Cause, FactRef, JITTER};
use crate::catalogue::{Category, Reason};
use crate::correlate::PlacedEvent;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

impl Case<'_> {
    /// Security associations were deleted just before, and none followed.
    pub(super) fn deleted(&self) -> Option<Cause> {
        let on_wire = self.deletion_near();
        let logged = self.logged_ends();
        let mut refs: BTreeSet<FactRef> = logged.iter().map(|e| FactRef::Event(*e)).collect();
        let Some((index, exchange)) = on_wire else {
            if logged.is_empty() || !self.esp_stopped() || self.renewal().is_some() {
                return None;
            }
            return Some(Cause {
                reason: Reason::SaDeleted,
                score: 78,
                refs,
                why: "the log says that the security associations ended as the window opened, and none followed".to_owned(),
                against: vec!["the deletion itself is not in the capture".to_owned()],
            });
        };
        refs.insert(FactRef::Exchange(index));
        let by = exchange.deleted.map(|(by, _)| by);
        let (mut score, log) =
            if logged.is_empty() { (76, "") } else { (84, "; the event log says the same") };
        let mut against = Vec::new();
        // A deletion only makes a negotiation necessary; what became of that decides.
        let failed = exchange.deleted.and_then(|(_, time)| self.failed_after(time));
        if let Some(failed) = failed {
            score -= 25;
            against.push(format!(
                "a new negotiation was tried before the window opened, and failed ({} to {})",
                failed.first, failed.last
            ));
        }
        Some(Cause {
            reason: Reason::SaDeleted,
            score,
            refs,
            why: format!(
                "{} ended the IKE negotiation (its last message is {}), ESP stopped and clear text followed{log}",
                by.map_or_else(|| "a host".to_owned(), |by| by.to_string()),
                exchange.last,
            ),
            against,
        })
    }

    /// Events of security associations that ended as the window opened.
    fn logged_ends(&self) -> BTreeSet<usize> {
        let (from, to) = self.opening();
        let pairs = self.pairs();
        pairs.iter().flat_map(|pair| self.index.ended.touching(*pair, from, to)).collect()
    }

    /// The negotiation that was there before the window and made new security associations as it closed.
    fn renewal(&self) -> Option<usize> {
        let run = &self.window.run;
        let renews = |time: &Timestamp| *time > run.start && *time <= run.end.shifted(JITTER);
        let at = self.exchanges(run.start, run.end.shifted(JITTER)).into_iter().find(|(_, x)| {
            x.start < run.start.shifted(JITTER.negated()) && x.completions.iter().any(renews)
        });
        at.map(|(index, _)| index)
    }

    /// The IKE SA outlived the window and made new security associations as it closed: those before
    /// had run out first.
    pub(super) fn rekey_gap(&self) -> Option<Cause> {
        if !self.esp_stopped() {
            return None;
        }
        let index = self.renewal()?;
        let exchange = self.index.facts.exchanges.get(index)?;
        let ends = self.logged_ends();
        let (score, log) =
            if ends.is_empty() { (73, "") } else { (86, "; a log tells of their end") };
        let refs = ends.into_iter().map(FactRef::Event).chain([FactRef::Exchange(index)]);
        Some(Cause {
            reason: Reason::RekeyGap,
            score,
            refs: refs.collect(),
            why: format!(
                "ESP ended before the window, and the same IKE negotiation ({} to {}) made new security associations only as it closed{log}",
                exchange.first, exchange.last,
            ),
            against: Vec::new(),
        })
    }

    /// A log tells of a policy that changed as the window opened; best where the same host then
    /// deleted its security associations.
    pub(super) fn policy_changed(&self) -> Option<Cause> {
        let (from, to) = self.opening();
        let hosts = self.hosts();
        let changes: BTreeMap<usize, &PlacedEvent> = hosts
            .iter()
            .flat_map(|host| self.index.of_host(*host, from, to))
            .filter(|(_, e)| is_change(e))
            .collect();
        let deletion = self.deletion_near();
        let flushed = deletion.and_then(|(index, exchange)| {
            let (by, time) = exchange.deleted?;
            let (from, to) = (time.shifted(FLUSH.negated()), time.shifted(JITTER));
            let mut own = self.index.of_host(by, from, to).filter(|(_, e)| is_change(e));
            own.next().map(|(at, event)| (at, event, index, by))
        });
        if let Some((at, placed, index, by)) = flushed {
            return Some(Cause {
                reason: Reason::PolicyChanged,
                score: 87,
                refs: [FactRef::Event(at), FactRef::Exchange(index)].into(),
                why: format!(
                    "{}'s log tells of a policy change ({}), and {by} deleted its security associations at once",
                    placed.event.host, placed.event.entry.meaning
                ),
                against: Vec::new(),
            });
        }
        let (_, placed) = changes.first_key_value()?;
        let more = match changes.len() {
            1 => String::new(),
            number => format!(" (and {} more)", number - 1),
        };
        Some(Cause {
            reason: Reason::PolicyChanged,
            score: 55,
            why: format!(
                "{}'s log tells of a policy change as the window opened: {}{more}",
                placed.event.host, placed.event.entry.meaning
            ),
            refs: changes.keys().map(|index| FactRef::Event(*index)).collect(),
            against: vec!["a policy change alone need not let clear text out".to_owned()],
        })
    }
}

/// What says that a policy changed, or was applied; 5463 and 5467 say that nothing did.
fn is_change(placed: &PlacedEvent) -> bool {
    placed.event.category == Category::PolicyChange && !matches!(placed.event.event_id, 5463 | 5467)
}

/// A host that applies a policy flushes what the old one made within this time.
const FLUSH: Span = Span::from_seconds(10);
