//! Findings about offered and chosen algorithms and modes that should not be used.

use super::{Finding, FindingCode, MOST_ITEMS, Proof, Severity, When, counted, proof_of};
use crate::catalogue::{Weakness, weakness};
use crate::correlate::Facts;
use crate::evidence::{EvidenceId, RecordRef};
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, IkeVersion, TransformKind};
use std::collections::{BTreeMap, BTreeSet};

/// Weak algorithms: a finding for each set that was chosen, and one for each that was offered but not chosen.
pub(super) fn weak_algorithms(facts: &Facts) -> Vec<Finding> {
    let mut chosen: BTreeMap<Vec<&'static str>, Vec<&IkeExchange>> = BTreeMap::new();
    let mut offered: BTreeMap<Vec<&'static str>, Vec<&IkeExchange>> = BTreeMap::new();
    let mut words: BTreeMap<&'static str, &'static Weakness> = BTreeMap::new();
    for exchange in &facts.exchanges {
        let taken = exchange.weaknesses();
        let in_vain =
            if exchange.chosen.is_some() { exchange.weak_offers() } else { taken.clone() };
        let in_vain: Vec<&'static Weakness> = in_vain
            .into_iter()
            .filter(|weak| exchange.chosen.is_none() || !taken.contains(weak))
            .collect();
        words.extend(taken.iter().chain(&in_vain).map(|weak| (weak.name, *weak)));
        if exchange.chosen.is_some() && !taken.is_empty() {
            chosen.entry(names(&taken)).or_default().push(exchange);
        }
        if !in_vain.is_empty() {
            offered.entry(names(&in_vain)).or_default().push(exchange);
        }
    }
    let findings_of = |code, did: &str, by: BTreeMap<Vec<&'static str>, Vec<&IkeExchange>>| {
        by.into_iter()
            .map(|(names, exchanges)| {
                let weak: Vec<_> = names.iter().filter_map(|name| words.get(name)).collect();
                let is_unacceptable = weak.iter().any(|weak| weak.is_unacceptable);
                let severity = match (code, is_unacceptable) {
                    (FindingCode::WeakAlgorithmChosen, true) => Severity::Medium,
                    (FindingCode::WeakAlgorithmChosen, false) => Severity::Low,
                    _ => Severity::Info,
                };
                let title = format!("{} {did} in {}", names.join(", "), of_pairs(&exchanges));
                let detail = weak
                    .iter()
                    .map(|weak| format!("{}: {} ({}).", weak.name, weak.why, weak.source));
                finding(code, severity, title, detail.collect::<Vec<_>>().join(" "), &exchanges)
            })
            .collect::<Vec<_>>()
    };
    let mut found = findings_of(FindingCode::WeakAlgorithmChosen, "chosen", chosen);
    found.extend(findings_of(FindingCode::WeakAlgorithmOffered, "offered but not chosen", offered));
    found
}

/// Weak algorithms that protected traffic, as logs name them: a finding for each set of a pair.
pub(super) fn weak_esp(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (pair, groups) in facts.sa_algorithms() {
        for group in groups {
            let weak: Vec<_> = group.names.iter().filter_map(|name| weakness(name)).collect();
            if weak.is_empty() {
                continue;
            }
            let is_unacceptable = weak.iter().any(|weak| weak.is_unacceptable);
            let severity = if is_unacceptable { Severity::Medium } else { Severity::Low };
            let title = format!(
                "{} in security associations between {} and {}",
                names(&weak).join(", "),
                pair.a(),
                pair.b()
            );
            let detail =
                weak.iter().map(|weak| format!("{}: {} ({}).", weak.name, weak.why, weak.source));
            let detail = detail.collect::<Vec<_>>().join(" ");
            let code = FindingCode::WeakAlgorithmChosen;
            found.push(Finding {
                pair: Some(pair),
                proof: records(group.records.iter().copied()),
                ..Finding::new(code, severity, title, detail)
            });
        }
    }
    found
}

/// The records of a finding, by file.
fn records(all: impl Iterator<Item = RecordRef>) -> BTreeMap<EvidenceId, Proof> {
    let mut by_evidence: BTreeMap<EvidenceId, BTreeSet<u64>> = BTreeMap::new();
    for record in all {
        let numbers = by_evidence.entry(record.evidence).or_default();
        if numbers.len() < MOST_ITEMS {
            numbers.insert(record.record);
        }
    }
    by_evidence.into_iter().map(|(id, numbers)| (id, Proof::Records(numbers))).collect()
}

/// Aggressive mode under a pre-shared key.
pub(super) fn aggressive_mode(facts: &Facts) -> Option<Finding> {
    let exchanges: Vec<&IkeExchange> = facts
        .exchanges
        .iter()
        .filter(|x| {
            let set = x.chosen.as_ref().or_else(|| x.offered.first());
            let method = set.and_then(|set| set.first(TransformKind::Authentication));
            // RFC 2409 appendix A: a pre-shared key; the private numbers are XAUTH with one.
            x.kind.contains("aggressive mode")
                && method.is_some_and(|method| matches!(method.id, 1 | 65001 | 65002))
        })
        .collect();
    let answered = exchanges.iter().any(|x| !x.responder_spi.is_zero());
    let title = format!("aggressive mode with a pre-shared key in {}", of_pairs(&exchanges));
    let detail = if answered {
        "The responder's answer contains its hash in clear. Anyone with this capture can try keys against it."
    } else {
        "There was no answer, so the capture shows no hash."
    };
    let severity = if answered { Severity::Medium } else { Severity::Low };
    let code = FindingCode::AggressiveModePsk;
    (!exchanges.is_empty()).then(|| finding(code, severity, title, detail.to_owned(), &exchanges))
}

/// IKEv1 in use, for information.
pub(super) fn ikev1(facts: &Facts) -> Option<Finding> {
    let exchanges: Vec<&IkeExchange> =
        facts.exchanges.iter().filter(|x| x.version == IkeVersion::V1).collect();
    let title = format!("IKEv1 in {}", of_pairs(&exchanges));
    let detail =
        "RFC 9395 moved IKEv1 to historic status; NIST SP 800-77r1 requires IKEv2.".to_owned();
    let code = FindingCode::Ikev1InUse;
    (!exchanges.is_empty()).then(|| finding(code, Severity::Info, title, detail, &exchanges))
}

fn names(weak: &[&'static Weakness]) -> Vec<&'static str> {
    let mut names: Vec<_> = weak.iter().map(|weak| weak.name).collect();
    names.sort_unstable();
    names
}

/// `3 negotiations between 10.0.0.1 and 10.0.0.2`, `9 negotiations of 4 pairs`.
fn of_pairs(exchanges: &[&IkeExchange]) -> String {
    let negotiations = counted(exchanges.len() as u64, "negotiation");
    match one_pair(exchanges) {
        Some(pair) => format!("{negotiations} between {} and {}", pair.a(), pair.b()),
        None => {
            let mut pairs: Vec<HostPair> = exchanges.iter().map(|x| x.pair()).collect();
            pairs.sort_unstable();
            pairs.dedup();
            format!("{negotiations} of {}", counted(pairs.len() as u64, "pair"))
        }
    }
}

/// The pair that all of them belong to.
fn one_pair(exchanges: &[&IkeExchange]) -> Option<HostPair> {
    let pair = exchanges.first()?.pair();
    exchanges.iter().all(|x| x.pair() == pair).then_some(pair)
}

fn finding(
    code: FindingCode,
    severity: Severity,
    title: String,
    detail: String,
    exchanges: &[&IkeExchange],
) -> Finding {
    let when = |time, evidence| When { time, evidence };
    let first = exchanges.iter().min_by_key(|x| (x.start, x.first));
    let last = exchanges.iter().max_by_key(|x| (x.end, x.last));
    Finding {
        pair: one_pair(exchanges),
        span: first.zip(last).map(|(first, last)| {
            (when(first.start, first.first.evidence), when(last.end, last.last.evidence))
        }),
        proof: proof_of(exchanges.iter().map(|x| x.first)),
        ..Finding::new(code, severity, title, detail)
    }
}
