//! `--case` and `--display-zone`: who ordered an examination, and local time beside UTC.

use crate::support::program::{plainsight, report_in};
use plainsight::report::schema::Manifest;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/psk_mismatch")
}

const CASE: &str = r#"
number = "4711/26 <b>"
organisation = "Example Ltd"
examiner = "A. Examiner"
purpose = "Was the link to the branch protected?"
notes = """
first line
second line"""
time_zone = "Europe/Berlin"
"#;

/// A folder with case.toml, and what an analysis with these options prints.
fn analyzed(case: &str, options: &[&str]) -> (TempDir, Output) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.toml");
    fs::File::create(path).unwrap().write_all(case.as_bytes()).unwrap();
    let mut command = plainsight();
    command.current_dir(folder.path()).arg("analyze").arg(sample());
    let output = command.args(["--out", "report"]).args(options).output().unwrap();
    (folder, output)
}

fn page(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("report/report.html")).unwrap()
}

#[test]
fn case_data_stand_on_the_page_in_the_report_and_in_the_manifest() {
    let (folder, output) = analyzed(CASE, &["--case", "case.toml"]);
    assert_eq!(output.status.code(), Some(0));
    let report = report_in(&folder.path().join("report"));
    let case = report.case.unwrap();
    assert_eq!(case.number.as_deref(), Some("4711/26 <b>"));
    assert_eq!(case.notes.as_deref(), Some("first line\nsecond line"));
    assert_eq!(report.options.case.as_deref(), Some("case.toml"));
    assert_eq!(report.options.display_zone.as_deref(), Some("Europe/Berlin"));
    let sha256 = report.options.case_sha256.unwrap();
    assert_eq!(sha256, plainsight::evidence::sha256(CASE.as_bytes()));
    let manifest = fs::read(folder.path().join("report/manifest.json")).unwrap();
    let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest.case, Some(case));
    let page = page(&folder);
    for shown in ["4711/26 &#60;b&#62;", "Example Ltd", "A. Examiner", "second line", &sha256] {
        assert!(page.contains(shown), "{shown}");
    }
    // Berlin is an hour ahead in November.
    let start = &report.windows[0].start;
    let hour: u8 = start[11..13].parse().unwrap();
    let local = format!("({:02}{} +01:00)", hour + 1, &start[13..19]);
    assert!(page.contains(&format!("<span class=\"local\">{local}</span>")), "{local}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains(&format!("{start} {local}")), "{printed}");
    assert!(printed.contains("case: 4711/26 <b>; organisation: Example Ltd"), "{printed}");
}

#[test]
fn the_same_case_file_gives_the_same_bytes_and_a_changed_one_is_a_difference() {
    let options = ["--case", "case.toml", "--quiet"];
    let digests = |folder: &TempDir| {
        let manifest = fs::read(folder.path().join("report/manifest.json")).unwrap();
        let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
        manifest.outputs.into_iter().map(|file| (file.name, file.sha256)).collect::<Vec<_>>()
    };
    let ((one, _), (other, _)) = (analyzed(CASE, &options), analyzed(CASE, &options));
    assert_eq!(digests(&one), digests(&other));
    let verify = || {
        let mut command = plainsight();
        command.current_dir(one.path()).args(["verify", "report"]).output().unwrap()
    };
    assert_eq!(verify().status.code(), Some(0));
    let changed = CASE.replace("4711", "4712");
    let path = one.path().join("case.toml");
    fs::File::create(path).unwrap().write_all(changed.as_bytes()).unwrap();
    let checked = verify();
    assert_eq!(checked.status.code(), Some(5));
    assert!(
        String::from_utf8(checked.stdout).unwrap().contains("DIFFERENT  case.toml: has SHA-256")
    );
}

#[test]
fn the_zone_that_is_asked_for_counts_more_than_that_of_the_case() {
    let options = ["--case", "case.toml", "--display-zone", "-05:00"];
    let (folder, _) = analyzed(CASE, &options);
    let report = report_in(&folder.path().join("report"));
    assert_eq!(report.options.display_zone.as_deref(), Some("-05:00"));
    let page = page(&folder);
    assert!(page.contains(" -05:00)</span>") && !page.contains("+01:00)"));
    let (folder, _) = analyzed(CASE, &[]);
    assert!(!self::page(&folder).contains("class=\"local\""));
}

#[test]
fn what_is_wrong_with_case_data_is_said_before_anything_is_read() {
    let says = |case: &str, options: &[&str], expected: &str| {
        let (folder, output) = analyzed(case, options);
        assert_eq!(output.status.code(), Some(2));
        let reported = String::from_utf8(output.stderr).unwrap();
        assert!(reported.contains(expected), "{reported}");
        assert!(!folder.path().join("report").exists());
    };
    let case = ["--case", "case.toml"];
    says("number = 4711", &case, "plainsight: case data `case.toml`: line 1: invalid type");
    says("case = \"4711\"", &case, "case data `case.toml`: line 1: unknown field `case`");
    says("case = \"4711\"", &case, "hint: the keys are number, organisation, examiner,");
    says("", &case, "plainsight: case data `case.toml`: it holds no case data");
    says("time_zone = \"CET+1\"", &case, "`time_zone` is `CET+1`: expected UTC, an offset");
    says("", &["--case", "none.toml"], "plainsight: cannot read the case data `none.toml`");
    says("", &["--display-zone", "Berlin"], "a name such as Europe/Berlin");
}
