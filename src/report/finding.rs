//! Findings as the report tells them, each with an id that does not depend on what else was analysed.

use super::build::Clock;
use super::schema;
use crate::evidence::{Evidence, EvidenceId, sha256};
use crate::findings::{Finding, Proof};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// All findings, in their order.
pub(super) fn findings(
    findings: &[Finding],
    evidence: &[Evidence],
    clock: &Clock,
) -> Vec<schema::Finding> {
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    let told = findings.iter().zip(1..).map(|(finding, number)| {
        let mut stable_id = stable_id(finding, evidence);
        let times = known.entry(stable_id.clone()).or_default();
        *times += 1;
        if *times > 1 {
            // Writing to a text does not fail.
            let _ = write!(stable_id, "-{times}");
        }
        self::finding(number, finding, stable_id, clock)
    });
    told.collect()
}

fn finding(number: usize, finding: &Finding, stable_id: String, clock: &Clock) -> schema::Finding {
    let controls = finding.code.guide().controls.iter();
    schema::Finding {
        id: format!("F{number}"),
        code: finding.code.as_str().to_owned(),
        severity: finding.severity.as_str().to_owned(),
        confidence: finding.confidence.as_str().to_owned(),
        title: finding.title.clone(),
        detail: finding.detail.clone(),
        pair: finding.pair.map(|pair| format!("{} - {}", pair.a(), pair.b())),
        start: finding.span.map(|(start, _)| clock.when(start)),
        end: finding.span.map(|(_, end)| clock.when(end)),
        evidence: finding.proof.iter().map(|(id, proof)| proof_of(*id, proof)).collect(),
        windows: finding.windows.iter().map(|at| format!("W{}", at + 1)).collect(),
        causes: finding.causes.iter().map(|reason| reason.as_str().to_owned()).collect(),
        advice: finding.advice.clone(),
        controls: controls.map(|control| control.as_str().to_owned()).collect(),
        stable_id,
    }
}

/// Of what makes the finding this one: what it says of whom, and what proves it. A file is known by
/// its digest, without one by its name.
fn stable_id(finding: &Finding, evidence: &[Evidence]) -> String {
    let identity = |id: &EvidenceId| {
        let file = evidence.iter().find(|file| file.id == *id);
        let name = |file: &Evidence| file.path.rsplit('/').next().unwrap_or_default().to_owned();
        file.map_or_else(String::new, |file| file.sha256.clone().unwrap_or_else(|| name(file)))
    };
    let proofs = finding.proof.iter().map(|(id, proof)| {
        let numbers: Vec<String> = match proof {
            Proof::Frames(numbers) | Proof::Records(numbers) => {
                numbers.iter().map(u64::to_string).collect()
            }
            Proof::File => Vec::new(),
        };
        format!("{} {}", identity(id), numbers.join(" "))
    });
    let proofs: BTreeSet<String> = proofs.collect();
    let pair = finding.pair.map(|pair| format!("{} {}", pair.a(), pair.b())).unwrap_or_default();
    let parts = [finding.code.as_str().to_owned(), pair].into_iter().chain(proofs);
    let told = parts.collect::<Vec<_>>().join("\n");
    let mut digest = sha256(told.as_bytes());
    digest.truncate(DIGITS);
    digest
}

fn proof_of(id: EvidenceId, proof: &Proof) -> schema::Proof {
    let listed = |numbers: &BTreeSet<u64>| Some(numbers.iter().copied().collect());
    let (frames, records) = match proof {
        Proof::Frames(numbers) => (listed(numbers), None),
        Proof::Records(numbers) => (None, listed(numbers)),
        Proof::File => (None, None),
    };
    schema::Proof { evidence: id.to_string(), frames, records }
}

/// 64 bits: no two findings of a report will share them by chance.
const DIGITS: usize = 16;
