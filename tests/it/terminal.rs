//! What a person sees while it works and when it ends: colour, lines over time, what is read, Ctrl-C.

use crate::support::program::plainsight;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

/// What `analyze` of a sample prints in some environment.
fn overview(environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = plainsight();
    command.arg("analyze").arg(sample("psk_mismatch")).arg("--out").arg(folder.path().join("r"));
    command.env_remove("NO_COLOR").envs(environment.iter().copied());
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// The line of the pair that leaked.
fn line(text: &str) -> &str {
    let behind = text.split("Over time, ").nth(1).unwrap();
    behind.lines().nth(2).unwrap()
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    assert!(!overview(&[]).contains('\u{1b}'), "a pipe is no terminal");
    let coloured = overview(&[("CLICOLOR_FORCE", "1")]);
    assert!(line(&coloured).contains("\u{1b}[31m█"), "{coloured}");
    assert!(!overview(&[("NO_COLOR", "1"), ("CLICOLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn without_utf8_everything_is_ascii_and_says_the_same() {
    let ascii = overview(&[("LC_ALL", "C")]);
    assert!(ascii.is_ascii(), "{ascii}");
    let blocks = overview(&[("LC_ALL", "C.UTF-8")]);
    let as_blocks = line(&ascii).split_at(33).1.replace('#', "█").replace('=', "░");
    let as_blocks = as_blocks.replace('%', "▓").replace('.', "·");
    assert_eq!(as_blocks, line(&blocks).split_at(33).1);
    assert!(line(&blocks).contains('█') && line(&blocks).contains('░'), "{blocks}");
}

#[test]
fn verbose_lists_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\u{1b}[2Jb.pcap";
    std::fs::copy(sample("psk_mismatch/capture.pcap"), folder.path().join(name)).unwrap();
    let mut command = plainsight();
    command.arg("analyze").arg(folder.path()).arg("--out").arg(folder.path().join("r"));
    let quiet = command.output().unwrap();
    assert!(quiet.stderr.is_empty());
    let reported = command.args(["--force", "-v"]).output().unwrap().stderr;
    let reported = String::from_utf8(reported).unwrap();
    assert!(reported.contains("plainsight: reading "), "{reported}");
    assert!(reported.contains(r"a\u{1b}[2Jb.pcap") && !reported.contains('\u{1b}'), "{reported}");
}

#[test]
fn verbose_lists_the_summaries_too() {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("all.summary");
    let mut summarize = plainsight();
    summarize.arg("summarize").arg(sample("healthy")).arg("--out").arg(&summary);
    assert!(summarize.output().unwrap().status.success());
    let mut correlate = plainsight();
    correlate.arg("correlate").arg(&summary).arg("--out").arg(folder.path().join("r")).arg("-v");
    let reported = correlate.output().unwrap();
    assert!(reported.status.success());
    let reported = String::from_utf8(reported.stderr).unwrap();
    assert!(
        reported.starts_with("plainsight: reading ") && reported.contains("all.summary"),
        "{reported}"
    );
}

#[test]
fn inspect_counts_every_packet_in_its_time() {
    let arguments = ["inspect", "--json"];
    let output = plainsight().args(arguments).arg(sample("psk_mismatch")).output().unwrap();
    let reported: Value = serde_json::from_slice(&output.stdout).unwrap();
    let buckets = reported["activity"]["buckets"].as_array().unwrap();
    let sum = |field: &str| buckets.iter().map(|b| b[field].as_u64().unwrap()).sum::<u64>();
    let classes = &reported["totals"]["by_class"];
    let of_class = |class: &str| classes[class]["frames"].as_u64().unwrap();
    assert_eq!(sum("protected"), of_class("esp") + of_class("ah") + of_class("esp_null"));
    assert_eq!(sum("clear"), of_class("clear"));
    assert_eq!(sum("clear") + sum("protected") + sum("other"), reported["totals"]["frames"]);
    assert_eq!(reported["activity"]["bucket_milliseconds"], 100);
    let starts: Vec<&str> = buckets.iter().map(|b| b["start"].as_str().unwrap()).collect();
    assert!(starts.is_sorted() && starts[0].starts_with("2026-11-23T08:04:14.3"), "{starts:?}");
}

/// What a program prints on a terminal of so many columns.
#[cfg(target_os = "linux")]
fn on_a_terminal(columns: u16, line: &str) -> String {
    let program = assert_cmd::cargo::cargo_bin("plainsight").display().to_string();
    let line = format!("stty rows 24 cols {columns}; {}", line.replace("plainsight", &program));
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).env("NO_COLOR", "1").stdin(Stdio::null());
    String::from_utf8(script.output().unwrap().stdout).unwrap().replace('\r', "")
}

#[cfg(target_os = "linux")]
#[test]
fn text_fits_the_terminal_and_json_stays_whole() {
    if !crate::support::tool_is_there("script", "bsdutils") {
        return;
    }
    let narrow = on_a_terminal(60, "plainsight explain 4653 psk_mismatch_suspected");
    assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let wide = on_a_terminal(4_000, "plainsight explain 4653 psk_mismatch_suspected");
    assert_eq!(words(&narrow), words(&wide));
    assert!(wide.lines().count() < narrow.lines().count());
    let json = on_a_terminal(60, "plainsight explain --json 4653");
    assert!(serde_json::from_str::<Value>(&json).is_ok(), "{json}");
    let reported = on_a_terminal(40, "plainsight explain nonsense");
    assert!(reported.lines().all(|line| line.chars().count() <= 40), "{reported}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_no_half_report() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("plainsight"))
        .current_dir(folder.path())
        .args(["analyze", "-", "--out", "report", "-v"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&std::fs::read(sample("psk_mismatch/capture.pcap")).unwrap()).unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    errors.read_line(&mut first).unwrap();
    assert!(first.starts_with("plainsight: reading "), "{first}");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    // The handler has run when the signal is no longer pending; then the input ends.
    std::thread::sleep(std::time::Duration::from_millis(500));
    drop(stdin);
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("interrupted; nothing was written"), "{rest}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("plainsight"));
    command.arg("schema").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}
