//! Findings as the report shows them, each with an id that does not depend on what else was analysed.

use super::build::{Clock, Sources};
use super::reference::{identity_of, short};
use super::{schema, tshark};
use crate::carve::{Index, Reach};
use crate::evidence::{Evidence, EvidenceId};
use crate::findings::{Finding, Proof};
use crate::hosts::HostPair;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// All findings, in their order.
pub(super) fn findings(sources: &Sources<'_>, clock: &Clock) -> Vec<schema::Finding> {
    let evidence = sources.evidence;
    let index = Index::of(sources.facts, evidence);
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    let reported = sources.findings.iter().zip(1..).map(|(finding, number)| {
        let mut stable_id = stable_id(finding, evidence);
        let times = known.entry(stable_id.clone()).or_default();
        *times += 1;
        if *times > 1 {
            // Writing to a text does not fail.
            let _ = write!(stable_id, "-{times}");
        }
        let commands = tshark::commands(&index.select(finding, Reach::Full), evidence);
        schema::Finding { tshark: commands, ..self::finding(number, finding, stable_id, clock) }
    });
    reported.collect()
}

fn finding(number: usize, finding: &Finding, stable_id: String, clock: &Clock) -> schema::Finding {
    let controls = finding.code.row().controls.iter();
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
        tshark: Vec::new(),
        arkime: finding.pair.map(arkime),
    }
}

/// Of what makes the finding this one: what it says of whom, and what proves it.
fn stable_id(finding: &Finding, evidence: &[Evidence]) -> String {
    let proofs = finding.proof.iter().map(|(id, proof)| {
        let numbers: Vec<String> = match proof {
            Proof::Frames(numbers) | Proof::Records(numbers) => {
                numbers.iter().map(u64::to_string).collect()
            }
            Proof::File => Vec::new(),
        };
        format!("{} {}", identity_of(*id, evidence), numbers.join(" "))
    });
    let proofs: BTreeSet<String> = proofs.collect();
    let pair = finding.pair.map(|pair| format!("{} {}", pair.a(), pair.b())).unwrap_or_default();
    let parts = [finding.code.as_str().to_owned(), pair].into_iter().chain(proofs);
    short(&parts.collect::<Vec<_>>())
}

/// The sessions of the pair. Arkime takes the time from its own fields, in the zone that its user chose.
fn arkime(pair: HostPair) -> String {
    format!("ip == {} && ip == {}", pair.a(), pair.b())
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
