//! The catalogue of findings: its page, and ids that stay.

use crate::support::findings_page::findings_page;
use crate::support::program::analyze;
use plainsight::findings::{FindingCode, Severity};
use std::collections::BTreeMap;
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
    for finding in analyze(&[samples()], &[]).findings {
        let code = FindingCode::ALL.into_iter().find(|code| code.as_str() == finding.code).unwrap();
        let severity = Severity::ALL.into_iter().find(|it| it.as_str() == finding.severity);
        assert!(code.row().allows(severity.unwrap()), "{}: {}", finding.code, finding.severity);
    }
}
