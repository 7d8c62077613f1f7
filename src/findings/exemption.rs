//! What passes in the clothes of exempt traffic.

use super::{Finding, FindingCode, Severity, When, counted, proof_of};
use crate::correlate::{BorrowedFacts, Confidence, Facts};
use crate::protection::borrowed::Borrowed;

/// One finding for each pair and kind, the busiest pairs.
pub(super) fn abuses(facts: &Facts) -> Vec<Finding> {
    let enough = |told: &&BorrowedFacts| told.packets >= least(told.what);
    let mut told: Vec<&BorrowedFacts> = facts.borrowed.iter().filter(enough).collect();
    told.sort_by_key(|told| (std::cmp::Reverse(told.packets), told.pair, told.what));
    told.into_iter().take(MOST_PAIRS).map(abuse).collect()
}

/// A few large echoes are how administrators look for the largest packet that a way carries.
const fn least(what: Borrowed) -> u64 {
    match what {
        Borrowed::KerberosPort | Borrowed::IkePort => 1,
        Borrowed::LargeEcho => 32,
    }
}

fn abuse(told: &BorrowedFacts) -> Finding {
    let first = told.ends.iter().min_by_key(|seen| (seen.time, seen.frame));
    let last = told.ends.iter().max_by_key(|seen| (seen.time, seen.frame));
    let when =
        |seen: &crate::summary::Sighting| When { time: seen.time, evidence: seen.frame.evidence };
    let (severity, confidence, why) = match told.what {
        Borrowed::KerberosPort | Borrowed::IkePort => (
            Severity::Medium,
            Confidence::High,
            "Systems that exempt this port let any content pass; the packets show that this is not the protocol the port is assigned to.",
        ),
        Borrowed::LargeEcho => (
            Severity::Low,
            Confidence::Low,
            "ICMP is always exempt, so it can carry other data; ordinary echo messages hold 32 or 56 bytes. A network test looks the same.",
        ),
    };
    let title = format!(
        "{} and {}: {} ({})",
        told.pair.a(),
        told.pair.b(),
        told.what.as_str(),
        counted(told.packets, "packet")
    );
    Finding {
        confidence,
        pair: Some(told.pair),
        span: first.zip(last).map(|(first, last)| (when(first), when(last))),
        proof: proof_of(told.ends.iter().map(|seen| seen.frame)),
        ..Finding::new(FindingCode::ExemptionAbuse, severity, title, why.to_owned())
    }
}

/// Pairs and kinds that have a finding each.
const MOST_PAIRS: usize = 50;
