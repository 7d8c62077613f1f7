//! The catalogue of findings: its page, and ids that stay.

use crate::support::findings_page::findings_page;
use crate::support::program::analyze;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn samples() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/samples"))
}

#[test]
fn the_page_of_findings_is_that_of_the_source() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings.md");
    let hint = "cargo run --example findings_page > docs/findings.md";
    assert!(fs::read_to_string(path).unwrap() == findings_page(), "out of date: {hint}");
}

#[test]
fn a_finding_keeps_its_stable_id_beside_other_evidence() {
    let alone = analyze(&[&samples().join("psk_mismatch")], &[]);
    let beside = analyze(&[samples()], &[]);
    let ids: BTreeMap<&str, &str> =
        beside.findings.iter().map(|f| (f.stable_id.as_str(), f.code.as_str())).collect();
    assert_eq!(ids.len(), beside.findings.len(), "no two findings share one");
    let window = alone.findings.iter().find(|f| f.code == "cleartext_window").unwrap();
    assert_eq!(ids.get(window.stable_id.as_str()), Some(&"cleartext_window"));
}

#[test]
fn every_finding_of_the_samples_is_in_the_catalogue_with_its_severity() {
    let known: BTreeSet<&str> =
        plainsight::findings::FindingCode::all().iter().map(|words| words.name).collect();
    for finding in analyze(&[samples()], &[]).findings {
        let words =
            plainsight::findings::FindingCode::all().iter().find(|w| w.name == finding.code);
        assert!(known.contains(finding.code.as_str()));
        let rule = words.unwrap().code.guide().severity;
        assert!(
            rule.contains(&finding.severity),
            "{}: {} by `{rule}`",
            finding.code,
            finding.severity
        );
    }
}
