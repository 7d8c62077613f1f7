//! The rule about policies that changed, as the logs report it.

use super::case::Case;
use super::{Against, Candidate, Cause, DeleteBasis, FactRef, JITTER, Why};
use crate::catalogue::{Category, Reason};
use crate::correlate::PlacedEvent;
use crate::time::Span;
use std::collections::BTreeMap;

impl Case<'_> {
    /// A log reports that a policy changed as the window opened; best where the same host then
    /// deleted its security associations.
    pub(super) fn policy_changed(&self) -> Option<Candidate> {
        let (from, to) = self.opening();
        let hosts = self.hosts();
        let changes: BTreeMap<usize, &PlacedEvent> = hosts
            .iter()
            .flat_map(|host| self.index.of_host(*host, from, to))
            .filter(|(_, e)| is_change(e) && self.record_opens(e))
            .collect();
        let flushed = self.deletion().and_then(|deletion| {
            let (from, to) =
                (deletion.time.shifted(FLUSH.negated()), deletion.time.shifted(JITTER));
            let mut own = self.index.of_host(deletion.by, from, to).filter(|(_, e)| is_change(e));
            own.next().map(|(at, event)| (at, event, deletion))
        });
        if let Some((at, placed, deletion)) = flushed {
            let why = Why::PolicyChange {
                host: placed.event.host.clone(),
                meaning: placed.event.entry.meaning,
                more: 0,
                deleted_by: Some(deletion.by),
            };
            let refs = [FactRef::Event(at), FactRef::Exchange(deletion.exchange)].into();
            // It bears no more than the deletion does.
            let (score, against) = match deletion.basis {
                _ if deletion.is_weak() => (super::roles::MOST_LOW, vec![Against::SizeIsAmbiguous]),
                DeleteBasis::Logged => (87, Vec::new()),
                DeleteBasis::Readable => (79, vec![Against::Unprotected]),
                DeleteBasis::Size => (79, vec![Against::OtherMessagesFit]),
                DeleteBasis::Inferred => (70, vec![Against::SizeIsAmbiguous]),
            };
            let reason = Reason::PolicyChanged;
            return Some(Cause { reason, score, refs, why, against }.opens());
        }
        let (_, placed) = changes.first_key_value()?;
        let cause = Cause {
            reason: Reason::PolicyChanged,
            score: 55,
            why: Why::PolicyChange {
                host: placed.event.host.clone(),
                meaning: placed.event.entry.meaning,
                more: changes.len() - 1,
                deleted_by: None,
            },
            refs: changes.keys().map(|index| FactRef::Event(*index)).collect(),
            against: vec![Against::PolicyNeedNotOpen],
        };
        Some(cause.opens())
    }
}

/// What says that a policy changed, or was applied. Others say that nothing did, or that a policy or some
/// of its rules could not be applied, so that the one before remained.
pub(super) fn is_change(placed: &PlacedEvent) -> bool {
    let event = &placed.event;
    let is_one = match event.event_id {
        5457 | 5459 | 5461 | 5462 | 5463 | 5466 | 5467 | 5472 | 5474 | 5477 => false,
        // Everything that the Policy Agent reports in words.
        4711 | 615 => event.fields.iter().all(|(_, text)| reports_change(text)),
        _ => true,
    };
    event.category == Category::PolicyChange && is_one
}

/// Whether the words of a record (4711, 615; Microsoft, Event 4711) may report a policy that was applied or loaded: not
/// where they say that nothing changed or that it failed. In another language the number of the event speaks alone.
fn reports_change(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let is_not = ["failed", "no changes", "not applied", "could not", "cannot"];
    !is_not.iter().any(|words| text.contains(words))
}

/// A host that applies a policy flushes what the old one made within this time.
const FLUSH: Span = Span::from_seconds(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_policy_agent_are_read() {
        // Microsoft, Event 4711: what its text may be.
        for text in [
            "PAStore Engine applied Active Directory storage IPsec policy on the computer.",
            "PAStore Engine polled for changes to the active IPsec policy, detected changes, and applied them.",
            "PAStore Engine loaded directory storage IPsec policy on the computer.",
            "PAStore Engine received a control for forced reloading of IPsec policy and processed it successfully.",
            "Das PAStore-Modul hat die Richtlinie \u{fc}bernommen.",
        ] {
            assert!(reports_change(text), "{text}");
        }
        for text in [
            "PAStore Engine polled for changes to the active IPsec policy and detected no changes.",
            "PAStore Engine failed to apply locally cached copy of Active Directory storage IPsec policy.",
            "PAStore Engine failed to load local storage IPsec policy on the computer.",
        ] {
            assert!(!reports_change(text), "{text}");
        }
    }
}
