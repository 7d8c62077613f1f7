//! The rule about policies that changed, as the logs report it.

use super::case::Case;
use super::lifetime::is_idle_time;
use super::roles::{MOST_LOW, MOST_MEDIUM};
use super::{Against, Candidate, Cause, DeleteBasis, FactRef, JITTER, PolicyRecord, Why};
use crate::catalogue::{Category, Reason};
use crate::correlate::PlacedEvent;
use crate::time::Span;
use std::collections::{BTreeMap, BTreeSet};

impl Case<'_> {
    /// A log reports that a policy changed as the window opened; best where the same host then
    /// deleted its security associations.
    pub(super) fn policy_changed(&self) -> Option<Candidate> {
        self.flushed().or_else(|| self.changed_alone())
    }

    /// A host's policy changed or was applied, and the host deleted its security associations.
    fn flushed(&self) -> Option<Candidate> {
        let deletion = self.deletion()?;
        let (from, to) = (deletion.time.shifted(FLUSH.negated()), deletion.time.shifted(JITTER));
        let own = self.index.of_host(deletion.by, from, to);
        let own = own.filter_map(|(at, placed)| Some((policy_record(placed)?, at, placed)));
        // A change explains more than a policy that was applied.
        let (record, at, placed) = own.min_by_key(|(record, ..)| *record)?;
        let after = deletion.time.since(placed.corrected?);
        // It bears no more than the deletion does.
        let (mut score, mut against) = match deletion.basis {
            _ if deletion.is_weak() => (MOST_LOW, vec![Against::SizeIsAmbiguous]),
            DeleteBasis::Logged => (87, Vec::new()),
            DeleteBasis::Readable => (MOST_MEDIUM, vec![Against::Unprotected]),
            DeleteBasis::Size => (MOST_MEDIUM, vec![Against::OtherMessagesFit]),
            DeleteBasis::Inferred => (70, vec![Against::SizeIsAmbiguous]),
        };
        if record != PolicyRecord::Changed {
            score = score.min(MOST_MEDIUM);
            against.extend(doubt(record));
        }
        let is_at_once =
            after.magnitude() <= Span(AT_ONCE.0.saturating_add(placed.error.unwrap_or_default().0));
        if !is_at_once {
            score = score.min(MOST_MEDIUM);
        }
        // The idle timer deletes what rested so long, whatever happens to the policy.
        if let Some(rested) = deletion.rested.filter(|rested| is_idle_time(*rested)) {
            score = score.min(BEHIND_IDLE);
            if record == PolicyRecord::Applied || !is_at_once {
                score = score.min(MOST_LOW - 5);
            }
            against.push(Against::HadRested(rested));
        }
        let why = Why::PolicyChange {
            host: placed.event.host.clone(),
            meaning: placed.event.entry.meaning,
            record,
            more: 0,
            deleted: Some((deletion.by, after)),
        };
        let refs = [FactRef::Event(at), FactRef::Exchange(deletion.exchange)].into();
        Some(Cause { reason: Reason::PolicyChanged, score, refs, why, against }.opens())
    }

    /// A policy changed or was applied as the window opened, and no deletion shows what it led to.
    fn changed_alone(&self) -> Option<Candidate> {
        let (from, to) = self.opening();
        let hosts = self.hosts();
        let of_hosts = hosts.iter().flat_map(|host| self.index.of_host(*host, from, to));
        let of_hosts = of_hosts.filter(|(_, placed)| self.record_opens(placed));
        let records: BTreeMap<(PolicyRecord, usize), &PlacedEvent> = of_hosts
            .filter_map(|(at, placed)| Some(((policy_record(placed)?, at), placed)))
            .collect();
        let ((record, _), placed) =
            records.first_key_value().map(|(key, placed)| (*key, *placed))?;
        let alike: BTreeSet<FactRef> = records
            .keys()
            .filter(|(other, _)| *other == record)
            .map(|(_, at)| FactRef::Event(*at))
            .collect();
        let score = if record == PolicyRecord::Changed { 55 } else { MOST_LOW };
        let cause = Cause {
            reason: Reason::PolicyChanged,
            score,
            why: Why::PolicyChange {
                host: placed.event.host.clone(),
                meaning: placed.event.entry.meaning,
                record,
                more: alike.len() - 1,
                deleted: None,
            },
            refs: alike,
            against: doubt(record).into_iter().chain([Against::PolicyNeedNotOpen]).collect(),
        };
        Some(cause.opens())
    }
}

/// What a record leaves open that states no change of a rule.
const fn doubt(record: PolicyRecord) -> Option<Against> {
    match record {
        PolicyRecord::Changed => None,
        PolicyRecord::SetChanged => Some(Against::SetNeedNotBeUsed),
        PolicyRecord::Applied => Some(Against::AppliedNotChanged),
    }
}

/// What a record says of the policy (Microsoft, events 5040 to 5048, 5446 to 5485, and those of the firewall's
/// logs). `None` where it says that nothing changed, or that a policy, rules or filters could not be applied, so that
/// those before remained.
pub(super) fn policy_record(placed: &PlacedEvent) -> Option<PolicyRecord> {
    let event = &placed.event;
    let record = match event.event_id {
        5457 | 5459 | 5461 | 5462 | 5463 | 5466 | 5467 | 5472 | 5474 | 5477 | 5480 | 5485 => None,
        5456 | 5458 | 5460 | 5465 | 5471 | 5473 => Some(PolicyRecord::Applied),
        5040..=5042 | 5046..=5048 => Some(PolicyRecord::SetChanged),
        // The firewall's own logs.
        2020..=2022 | 2024..=2026 | 2028..=2030 | 2036 | 2037 => Some(PolicyRecord::SetChanged),
        2055 | 2056 | 2064 | 2065 | 2067 | 2074..=2077 | 2079 | 2080 => {
            Some(PolicyRecord::SetChanged)
        }
        // Everything that the Policy Agent reports in words.
        4711 | 615 => in_words(event.fields.iter().map(|(_, text)| text.as_str())),
        _ => Some(PolicyRecord::Changed),
    };
    record.filter(|_| event.category == Category::PolicyChange)
}

/// What the words of a record (4711, 615; Microsoft, Event 4711) say: nothing where nothing changed or a policy could
/// not be applied. In another language the number of the event speaks alone: a policy was applied or loaded.
fn in_words<'t>(texts: impl Iterator<Item = &'t str>) -> Option<PolicyRecord> {
    let mut record = PolicyRecord::Applied;
    for text in texts {
        let text = text.to_ascii_lowercase();
        let is_not = ["failed", "no changes", "not applied", "could not", "cannot"];
        if is_not.iter().any(|words| text.contains(words)) {
            return None;
        }
        let says = ["detected changes", "changed", "un-assigned", "unassigned"];
        if says.iter().any(|words| text.contains(words)) {
            record = PolicyRecord::Changed;
        }
    }
    Some(record)
}

/// A host that applies a policy flushes what the old one made within this time.
const FLUSH: Span = Span::from_seconds(10);
/// What a host does because of a new policy it does at once.
const AT_ONCE: Span = Span::from_seconds(2);
/// The most for a change beside an idle timer that explains the same deletion: below the least score of
/// `sa_expired_idle` by a readable Delete, a size or a log.
const BEHIND_IDLE: u8 = 70;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_policy_agent_are_read() {
        let of = |text| in_words([text].into_iter());
        // Microsoft, Event 4711: what its text may be.
        for text in [
            "PAStore Engine applied Active Directory storage IPsec policy on the computer.",
            "PAStore Engine loaded directory storage IPsec policy on the computer.",
            "PAStore Engine received a control for forced reloading of IPsec policy and processed it successfully.",
            "Das PAStore-Modul hat die Richtlinie \u{fc}bernommen.",
        ] {
            assert_eq!(of(text), Some(PolicyRecord::Applied), "{text}");
        }
        for text in [
            "PAStore Engine polled for changes to the active IPsec policy, detected changes, and applied them.",
            "IPSec PolicyAgent Service: Changed assigned policy: no policy is assigned now.",
            "IPSec policy has been un-assigned. No IPSec policy is currently active",
        ] {
            assert_eq!(of(text), Some(PolicyRecord::Changed), "{text}");
        }
        for text in [
            "PAStore Engine polled for changes to the active IPsec policy and detected no changes.",
            "PAStore Engine failed to apply locally cached copy of Active Directory storage IPsec policy.",
            "PAStore Engine failed to load local storage IPsec policy on the computer.",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
