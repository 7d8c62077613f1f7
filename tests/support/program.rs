//! The program as its users run it, in a folder of its own.

use assert_cmd::Command;
use plainsight::report::schema::Report;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// The program, with no colour and no progress.
pub(crate) fn plainsight() -> Command {
    let mut command = Command::cargo_bin("plainsight").unwrap();
    command.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE").env("LC_ALL", "C.UTF-8");
    command
}

/// Runs `analyze` and gives what it printed, and the folder with the report.
pub(crate) fn run_analyze(paths: &[&Path], options: &[&str]) -> (Output, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let mut command = plainsight();
    command.arg("analyze").args(paths).arg("--out").arg(out).args(options);
    (command.output().unwrap(), folder)
}

/// The report of an analysis that goes well, or as well as its evidence allows.
pub(crate) fn analyze(paths: &[&Path], options: &[&str]) -> Report {
    let (output, folder) = run_analyze(paths, options);
    let status = output.status.code().unwrap();
    let reported = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(status, 0 | 3 | 4), "{status}: {reported}");
    report_in(&folder.path().join("report"))
}

/// The exit status of an analysis.
pub(crate) fn analyze_status(paths: &[&Path], options: &[&str]) -> i32 {
    run_analyze(paths, options).0.status.code().unwrap()
}

/// The report in a folder.
pub(crate) fn report_in(folder: &Path) -> Report {
    let text = std::fs::read(folder.join("report.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}
