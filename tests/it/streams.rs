//! Pipes that are named, and what a shell puts in place of `<(…)`: they are read once, like standard input. Links that are
//! named are followed.
#![cfg(unix)]

use crate::support::program::{plainsight, report_in};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

/// What a shell makes of a line; `plainsight` is the program, `$1` the capture of a sample.
fn shell(folder: &TempDir, line: &str) -> (i32, String) {
    let program = assert_cmd::cargo::cargo_bin("plainsight");
    let mut command = Command::new("bash");
    command.current_dir(folder.path()).env("NO_COLOR", "1");
    let line = line.replace("plainsight", &program.display().to_string());
    let capture = sample("psk_mismatch/capture.pcap");
    let Output { status, stdout, stderr } =
        command.arg("-c").arg(line).arg("bash").arg(capture).output().unwrap();
    (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[test]
fn a_pipe_that_is_named_is_read_like_standard_input() {
    for line in [
        "plainsight analyze <(cat \"$1\") --out report -q",
        "mkfifo pipe; cat \"$1\" > pipe & plainsight analyze pipe --out report -q",
        "cat \"$1\" | plainsight analyze /dev/stdin --out report -q",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (status, reported) = shell(&folder, line);
        assert_eq!(status, 0, "{line}: {reported}");
        let report = report_in(&folder.path().join("report"));
        let capture = fs::read(sample("psk_mismatch/capture.pcap")).unwrap();
        let sha256 = plainsight::evidence::sha256(&capture);
        assert_eq!(report.evidence.len(), 1);
        assert_eq!(report.evidence[0].sha256.as_ref(), Some(&sha256), "{line}");
        assert_eq!(report.windows.len(), 1);
        // It cannot be read again, and its saved copy can.
        let (status, reported) = shell(&folder, "plainsight verify report");
        assert_eq!(status, 3, "{reported}");
        let (status, reported) = shell(&folder, "plainsight verify report --evidence \"$1\"");
        assert_eq!(status, 0, "{reported}");
    }
}

#[test]
fn summaries_and_inspections_take_pipes_too() {
    let folder = tempfile::tempdir().unwrap();
    let line = "plainsight summarize <(cat \"$1\") --out one.summary && \
                plainsight correlate <(cat one.summary) --out report -q";
    let (status, reported) = shell(&folder, line);
    assert_eq!(status, 0, "{reported}");
    assert_eq!(report_in(&folder.path().join("report")).windows.len(), 1);
    let (status, reported) = shell(&folder, "plainsight inspect <(gzip -c \"$1\")");
    assert!(status == 0 && reported.contains("unpacked)"), "{reported}");
}

#[test]
fn what_would_read_a_pipe_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (status, reported) =
        shell(&folder, "plainsight analyze <(cat \"$1\") --out report --carve 2>&1");
    assert_eq!(status, 2);
    assert_eq!(
        reported,
        "plainsight: --carve reads captures twice, and standard input or a pipe can be read only once\n\
         hint: save it to a file first\n"
    );
}

#[test]
fn a_device_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = plainsight();
    let output = command
        .current_dir(folder.path())
        .args(["analyze", "/dev/zero", "--out", "report", "-q"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    let reported = String::from_utf8(output.stderr).unwrap();
    assert!(reported.contains("neither a file nor a folder; it was not opened"), "{reported}");
}

#[test]
fn a_link_to_a_folder_that_is_named_is_that_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("real")).unwrap();
    let capture = sample("psk_mismatch/capture.pcap");
    fs::copy(capture, folder.path().join("real/capture.pcap")).unwrap();
    std::os::unix::fs::symlink("real", folder.path().join("link")).unwrap();
    let (status, reported) = shell(&folder, "plainsight analyze link --out report -q");
    assert_eq!(status, 0, "{reported}");
    let report = report_in(&folder.path().join("report"));
    let paths: Vec<&str> = report.evidence.iter().map(|file| file.path.as_str()).collect();
    assert_eq!((paths, report.windows.len()), (vec!["link/capture.pcap"], 1));
}
