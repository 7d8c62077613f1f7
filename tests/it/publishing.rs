//! Where a report is put: refused before evidence is read where that cannot be done, one run at a time, nothing
//! left by a run that is ended, and what a killed one left is named.
#![cfg(unix)]

use crate::support::program::plainsight;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use tempfile::TempDir;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/psk_mismatch/capture.pcap")
}

fn analyze(folder: &Path, options: &[&str]) -> (i32, String) {
    let mut command = plainsight();
    command.current_dir(folder).arg("analyze").arg(sample()).args(options);
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries.map(|entry| name(entry).into_string().unwrap()).collect();
    names.sort();
    names
}

/// A run that reads standard input, which has not ended.
struct Running {
    child: Child,
    stdin: ChildStdin,
    errors: BufReader<std::process::ChildStderr>,
}

fn begin(folder: &Path, arguments: &[&str]) -> Running {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("plainsight"))
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&fs::read(sample()).unwrap()).unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    errors.read_line(&mut first).unwrap();
    assert!(first.starts_with("plainsight: reading "), "{first}");
    Running { child, stdin, errors }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::File::create(folder.path().join("file")).unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();
    for out in ["file/report", "/proc/report", "/dev/null/report", "dangling"] {
        for command in [&["analyze", "-v"][..], &["summarize"]] {
            // Evidence that never ends: a run that reads it would not come back.
            let mut run = Command::new(assert_cmd::cargo::cargo_bin("plainsight"));
            run.current_dir(folder.path()).args(command).args(["-", "--out", out]);
            let mut child = run.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let stdin = child.stdin.take();
            let mut reported = String::new();
            child.stderr.take().unwrap().read_to_string(&mut reported).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(2), "{out}: {reported}");
            assert!(
                reported.contains("cannot write") && !reported.contains("reading"),
                "{out}: {reported}"
            );
            if out == "/proc/report" && command[0] == "analyze" {
                // The place is named as it was given, not by what would have been written beside it.
                let end = "plainsight: cannot write `/proc/report`: No such file or directory (os error 2)\nhint: name another folder with --out\n";
                assert!(reported.ends_with(end), "{reported}");
            }
            drop(stdin);
        }
    }
    assert_eq!(names(folder.path()), ["dangling", "file"]);
}

#[test]
fn a_link_is_followed_and_stays() {
    for is_old in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("real")).unwrap();
        symlink("real", folder.path().join("link")).unwrap();
        if is_old {
            assert_eq!(analyze(folder.path(), &["--out", "link"]).0, 0);
        }
        let (status, reported) = analyze(folder.path(), &["--out", "link", "--force"]);
        assert_eq!(status, 0, "{reported}");
        assert!(folder.path().join("link").is_symlink());
        assert!(folder.path().join("real/report.json").is_file());
        assert_eq!(names(folder.path()), ["link", "real"]);
    }
}

#[test]
fn a_run_that_is_ended_leaves_nothing() {
    for (name, carve) in [("-INT", ""), ("-TERM", ""), ("-HUP", "deep/er/")] {
        let folder = tempfile::tempdir().unwrap();
        let out = format!("{carve}report");
        let mut run = begin(folder.path(), &["analyze", "-", "--out", &out, "-v"]);
        signal(&run.child, name);
        std::thread::sleep(std::time::Duration::from_millis(500));
        drop(run.stdin);
        let mut rest = String::new();
        run.errors.read_to_string(&mut rest).unwrap();
        assert_eq!(run.child.wait().unwrap().code(), Some(130), "{name}: {rest}");
        assert!(rest.contains("nothing was written"), "{name}: {rest}");
        assert!(names(folder.path()).is_empty(), "{name}");
    }
}

/// A read that blocks, and whatever else takes longer than two seconds to notice the signal.
#[test]
fn a_run_that_does_not_end_by_itself_is_given_up_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = begin(folder.path(), &["analyze", "-", "--out", "report", "-v"]);
    signal(&run.child, "-TERM");
    assert_eq!(run.child.wait().unwrap().code(), Some(130));
    drop(run.stdin);
    let mut rest = String::new();
    run.errors.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("nothing was written"), "{rest}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn two_runs_into_one_folder_say_so_and_the_first_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = begin(folder.path(), &["analyze", "-", "--out", "report", "-v"]);
    for options in [&["--out", "report"][..], &["--out", "./report", "--force"]] {
        let (status, reported) = analyze(folder.path(), options);
        assert_eq!(status, 2);
        assert!(reported.contains("another run of plainsight is writing to"), "{reported}");
    }
    assert_eq!(analyze(folder.path(), &["--out", "other"]).0, 0);
    drop(run.stdin);
    assert_eq!(run.child.wait().unwrap().code(), Some(0));
    assert_eq!(names(folder.path()), ["other", "report"]);
}

/// A folder with what a killed run left, with something in it or not.
fn killed(has_written: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut run = begin(folder.path(), &["analyze", "-", "--out", "report", "-v"]);
    signal(&run.child, "-KILL");
    run.child.wait().unwrap();
    let left = names(folder.path());
    assert!(left.len() == 1 && left[0].starts_with(".plainsight-"), "{left:?}");
    if has_written {
        fs::File::create(folder.path().join(&left[0]).join("report.json")).unwrap();
    }
    folder
}

#[test]
fn what_a_killed_run_left_is_named_and_removed_when_asked() {
    let folder = killed(true);
    let left = names(folder.path()).remove(0);
    let (status, reported) = analyze(folder.path(), &["--out", "report"]);
    assert_eq!(status, 2);
    assert!(reported.contains(&left) && reported.contains("--force"), "{reported}");
    assert_eq!(names(folder.path()), [left]);
    let (status, reported) = analyze(folder.path(), &["--out", "report", "--force"]);
    assert_eq!(status, 0, "{reported}");
    assert_eq!(names(folder.path()), ["report"]);
}

#[test]
fn an_empty_folder_of_a_killed_run_is_taken_over() {
    let folder = killed(false);
    let (status, reported) = analyze(folder.path(), &["--out", "report"]);
    assert_eq!(status, 0, "{reported}");
    assert_eq!(names(folder.path()), ["report"]);
}

#[test]
fn a_file_of_summaries_is_put_in_place_whole_and_leaves_nothing_beside() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(sample(), folder.path().join("capture.pcap")).unwrap();
    let run = |out: &str| {
        let mut command = plainsight();
        command.current_dir(folder.path()).args(["summarize", ".", "--out", out]);
        command.output().unwrap().status.code().unwrap()
    };
    assert_eq!((run("all.summary"), run("all.summary")), (0, 0));
    assert_eq!(names(folder.path()), ["all.summary", "capture.pcap"]);
}

/// The place was good when the run began, and is not there when the report is written.
#[test]
fn a_report_that_cannot_be_written_ends_with_status_seven() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["analyze", "-", "--out", "place/report", "-v"];
    let Running { mut child, stdin, mut errors } = begin(folder.path(), &arguments);
    fs::remove_dir_all(folder.path().join("place")).unwrap();
    drop(stdin);
    let mut reported = String::new();
    errors.read_to_string(&mut reported).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7), "{reported}");
    let lines: Vec<&str> = reported.lines().collect();
    assert!(lines[0].starts_with("plainsight: cannot write `place/"), "{reported}");
    let hint = "hint: nothing was written; make room or name another folder with --out";
    assert_eq!(lines[1..], [hint]);
    assert!(!folder.path().join("place").exists());
}

#[test]
fn a_folder_whose_place_a_report_cannot_take_is_refused_before_evidence_is_read() {
    let folder = TempDir::new().unwrap();
    let (status, errors) = analyze(folder.path(), &["--out", "."]);
    assert_eq!(status, 2, "{errors}");
    assert!(errors.contains("cannot take its place"), "{errors}");
    assert_eq!(names(folder.path()), [""; 0]);
}
