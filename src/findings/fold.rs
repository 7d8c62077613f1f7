//! Many findings of one code: those behind the first thousand become one, so that a flood hides nothing else.

use super::{Finding, Proof, counted, with_separators};
use crate::correlate::Confidence;
use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use std::collections::{BTreeMap, BTreeSet};

/// What the findings of one code come to that are not listed one by one.
struct Folded {
    at: usize,
    first: Finding,
    confidence: Confidence,
    count: u64,
    pairs: BTreeSet<HostPair>,
    windows: BTreeSet<usize>,
    files: BTreeSet<EvidenceId>,
}

/// Sorted findings, the worst first, of each code no more than [`MOST_OF_A_CODE`] and one of the rest.
pub(super) fn folded(sorted: Vec<Finding>) -> Vec<Finding> {
    let mut of_code: BTreeMap<_, usize> = BTreeMap::new();
    let mut beyond: BTreeMap<_, Folded> = BTreeMap::new();
    let mut listed: Vec<Finding> = Vec::with_capacity(sorted.len());
    for finding in sorted {
        let count = of_code.entry(finding.code).or_default();
        *count += 1;
        if *count <= MOST_OF_A_CODE {
            listed.push(finding);
            continue;
        }
        let at = listed.len();
        let folded = beyond.entry(finding.code).or_insert_with(|| Folded {
            at,
            first: finding.clone(),
            confidence: finding.confidence,
            count: 0,
            pairs: BTreeSet::new(),
            windows: BTreeSet::new(),
            files: BTreeSet::new(),
        });
        folded.count += 1;
        folded.confidence = folded.confidence.min(finding.confidence);
        folded.pairs.extend(finding.pair);
        folded.windows.extend(finding.windows);
        folded.files.extend(finding.proof.into_keys());
    }
    let mut beyond: Vec<Folded> = beyond.into_values().collect();
    // The last first, so that the places of the others stay.
    beyond.sort_by_key(|folded| std::cmp::Reverse(folded.at));
    for folded in beyond {
        listed.insert(folded.at, folded.finding());
    }
    listed
}

impl Folded {
    /// As severe as the worst of them, and as sure as the least sure.
    fn finding(self) -> Finding {
        let Self { first, confidence, count, pairs, windows, files, .. } = self;
        let Finding { code, severity, advice, .. } = first;
        let title =
            format!("{} more findings of the code {}", with_separators(count), code.as_str());
        let concerned = [(pairs.len(), "pair"), (windows.len(), "window"), (files.len(), "file")];
        let concerned = concerned.iter().filter(|(number, _)| *number > 0);
        let concerned: Vec<String> =
            concerned.map(|(number, noun)| counted(*number as u64, noun)).collect();
        let detail = format!(
            "The first {} findings of this code are listed one by one, the most severe first. The others concern {}; \
             report.json lists them.",
            with_separators(MOST_OF_A_CODE as u64),
            concerned.join(", "),
        );
        let proof = files.into_iter().map(|file| (file, Proof::File)).collect();
        Finding { confidence, advice, proof, ..Finding::new(code, severity, title, detail) }
    }
}

/// Nobody reads more of them one by one.
const MOST_OF_A_CODE: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{FindingCode, Severity};

    fn finding(code: FindingCode, severity: Severity, number: u8) -> Finding {
        let [a, b] = [[10, 0, 0, number], [10, 0, 1, number]].map(Into::into);
        let pair = Some(HostPair::new(a, b));
        let proof = [(EvidenceId(1), Proof::Frames(BTreeSet::from([u64::from(number)])))].into();
        Finding {
            pair,
            proof,
            windows: vec![number.into()],
            ..Finding::new(code, severity, String::new(), String::new())
        }
    }

    #[test]
    fn a_flood_of_one_code_hides_no_other() {
        let of = |severity, count: u16| {
            (0..count).map(move |number| {
                finding(FindingCode::CleartextWindow, severity, number.to_le_bytes()[0])
            })
        };
        let few: Vec<Finding> = of(Severity::High, 1_000).collect();
        assert_eq!(folded(few.clone()), few);
        let mut many: Vec<Finding> =
            of(Severity::High, 10).chain(of(Severity::Medium, 1_200)).collect();
        many[1_100].confidence = Confidence::Low;
        many.push(finding(FindingCode::BoundsReached, Severity::Info, 7));
        let listed = folded(many);
        assert_eq!(listed.len(), 1_002);
        let (rest, other) = (&listed[1_000], &listed[1_001]);
        assert_eq!(
            (rest.code, rest.severity, rest.pair),
            (FindingCode::CleartextWindow, Severity::Medium, None)
        );
        assert_eq!(rest.confidence, Confidence::Low);
        assert!(rest.title.starts_with("210 "), "{}", rest.title);
        assert_eq!(rest.proof, BTreeMap::from([(EvidenceId(1), Proof::File)]));
        assert_eq!(other.code, FindingCode::BoundsReached);
    }
}
