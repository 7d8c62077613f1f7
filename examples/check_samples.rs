//! Holds the report of all samples against what their folders expect.
//!
//! `cargo run --release --example check_samples -- samples report` after
//! `cargo run --release -- analyze samples --out report`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a check for developers: it stops where something cannot be read"
)]
#![allow(dead_code, reason = "the tests use more of the shared module")]

#[path = "../tests/support/samples.rs"]
mod samples;

use plainsight::report::schema::Report;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [folder, report] = &arguments[..] else {
        println!("usage: check_samples SAMPLES REPORT");
        return ExitCode::from(2);
    };
    let report = std::fs::read(report.join("report.json")).unwrap();
    let report: Report = serde_json::from_slice(&report).unwrap();
    let mut wrong = 0;
    for folder in samples::folders(folder) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let expected = samples::expected(&folder).windows;
        let found = samples::windows_of(&report, &name);
        let is_right = expected == found;
        println!("{} {name}: {} windows", if is_right { "ok   " } else { "WRONG" }, found.len());
        if !is_right {
            println!("  expected {expected:?}\n  reported {found:?}");
            wrong += 1;
        }
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
