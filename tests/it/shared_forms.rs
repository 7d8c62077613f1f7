//! Every sample of `../shared/forms` against its `expected.json`, which states what a form shows. Those that need more than a
//! look at their events have tests of their own; a folder that neither knows is an error.

use crate::support::program::analyze;
use crate::support::shared;
use plainsight::report::schema::LogEvent;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders with tests of their own, and where these are.
const ELSEWHERE: &[(&str, &str)] = &[
    ("auditpol", "state_exports.rs"),
    ("charon", "gateway_logs.rs"),
    ("cylr", "collections.rs"),
    ("etl", "etl.rs"),
    ("kape", "collections.rs"),
    ("netipsec", "state_exports.rs"),
    ("oakley", "state_exports.rs"),
    ("pluto", "gateway_logs.rs"),
    ("velociraptor", "collections.rs"),
    ("wfpstate", "state_exports.rs"),
];

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_sample_of_an_event_shows_what_is_expected() {
    let Some(shared) = shared("samples of forms") else { return };
    let mut checked = 0;
    for folder in entries(&shared.join("forms")).into_iter().filter(|path| path.is_dir()) {
        if ELSEWHERE.iter().any(|row| row.0 == name(&folder)) {
            continue;
        }
        let expected = fs::read_to_string(folder.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        for file in entries(&folder).into_iter().filter(|file| name(file) != "expected.json") {
            let report = analyze(&[file.as_path()], &["--timezone", "+01:00"]);
            let [event] = &report.log_events[..] else {
                panic!("{}: {} events", file.display(), report.log_events.len());
            };
            check(&file, event, &expected);
            checked += 1;
        }
    }
    assert!(checked >= 13, "{checked} files");
}

fn check(file: &Path, event: &LogEvent, expected: &Value) {
    let file = file.display();
    let text = |name: &str| expected[name].as_str().unwrap_or_else(|| panic!("{file}: {name}"));
    assert_eq!(Value::from(event.event_id), expected["event"], "{file}");
    assert_eq!(Value::from(event.record), expected["record"], "{file}");
    assert_eq!(event.channel, text("channel"), "{file}");
    assert_eq!(event.provider, text("provider"), "{file}");
    assert_eq!(event.host, text("computer"), "{file}");
    assert_eq!(event.local.as_deref(), Some(text("local")), "{file}");
    assert_eq!(event.peer.as_deref(), Some(text("peer")), "{file}");
    assert_eq!(event.initiator_cookie.as_deref(), Some(text("initiator_cookie")), "{file}");
    // Of one negotiation with a pre-shared key, either reason is a failed authentication.
    let reason = event.reason.as_deref().unwrap_or_default();
    let is_one = [text("reason"), "psk_mismatch_suspected"].contains(&reason);
    assert!(is_one, "{file}: {reason}");
    // 08:06:40 UTC in every form, whatever its clock and its digits.
    let time = event.time.as_deref().unwrap_or_default();
    assert_eq!(&time[..19], "2026-11-23T08:06:40", "{file}");
}

#[test]
fn no_other_test_leaves_a_folder_out() {
    let Some(shared) = shared("samples of forms") else { return };
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for (folder, test) in ELSEWHERE {
        assert!(shared.join("forms").join(folder).join("expected.json").exists(), "{folder}");
        let source = fs::read_to_string(tests.join(test)).unwrap();
        let is_named = source.contains(&format!("forms/{folder}"))
            || source.contains(&format!("\"{folder}/"))
            || source.contains(&format!("\"{folder}\""));
        assert!(is_named || *folder == "oakley", "{folder} is not in {test}");
    }
    let oakley = shared.join("forms/oakley/Oakley.log");
    let report = analyze(&[oakley.as_path()], &[]);
    assert_eq!(report.evidence[0].format, "oakley_log");
    assert_eq!(report.evidence[0].problems[0].code, "unsupported_format");
}
