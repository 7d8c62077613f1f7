//! Small evidence in which the obvious conclusion is wrong, with the truth of each: `tests/cases`.
//!
//! A folder there is a case: `evidence/`, and `case.json` with what happened (`truth`) and `runs`. A run
//! has arguments of `plainsight analyze` (`@NAME` is a file of the case) and jq expressions over
//! report.json that must be true.

use crate::support::tool_is_there;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.join("case.json").exists()).collect();
    cases.sort();
    cases
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

/// What does not hold in one run of a case.
fn broken(case: &Path, run: &Value) -> Vec<String> {
    let temporary = tempfile::tempdir().unwrap();
    let report = temporary.path().join("report");
    let mut command = Command::new(env!("CARGO_BIN_EXE_plainsight"));
    command.arg("analyze").arg(case.join("evidence")).args(["--format", "json", "--out"]);
    command.arg(&report);
    for argument in texts(&run["args"]) {
        match argument.strip_prefix('@') {
            Some(file) => command.arg(case.join(file)),
            None => command.arg(argument),
        };
    }
    let output = command.output().unwrap();
    let report = report.join("report.json");
    if !report.exists() {
        return vec![format!("no report: {}", String::from_utf8_lossy(&output.stderr))];
    }
    let must = run["must"].as_array().unwrap();
    assert!(!must.is_empty(), "{} demands nothing", case.display());
    let does_not_hold = |one: &&Value| {
        let expression = one["jq"].as_str().unwrap();
        let jq = Command::new("jq").args(["-e", expression]).arg(&report).output().unwrap();
        !jq.status.success()
    };
    let failed = must.iter().filter(does_not_hold);
    failed.map(|one| one["says"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_case_is_judged_as_it_happened() {
    if !tool_is_there("jq", "jq") {
        return;
    }
    let mut wrong = Vec::new();
    for case in cases() {
        let text = fs::read_to_string(case.join("case.json")).unwrap();
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert!(parsed["truth"].is_string(), "{} has no truth", case.display());
        for run in parsed["runs"].as_array().unwrap() {
            let failed = broken(&case, run);
            if !failed.is_empty() {
                wrong.push(format!("{}: {}", case.display(), failed.join("; ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
