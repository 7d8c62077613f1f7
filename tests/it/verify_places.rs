//! `verify` where the evidence is at another place, is gone, was a stream, or lies in an archive.

use crate::collections::zip;
use crate::support::program::plainsight;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn sample() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/healthy/capture.pcap");
    fs::read(path).unwrap()
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

/// A folder with these files below `evidence`, and a report of that folder in `report`.
fn analyzed(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        write(&folder.path().join("evidence").join(name), bytes);
    }
    run(&folder, &["analyze", "evidence", "--out", "report", "-q"], &[]);
    folder
}

fn run(folder: &TempDir, arguments: &[&str], input: &[u8]) -> (i32, String) {
    let mut command = plainsight();
    let command = command.current_dir(folder.path()).args(arguments).write_stdin(input);
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// The states of the evidence by its path, in order.
fn states(folder: &TempDir, options: &[&str]) -> (i32, Vec<(String, String)>) {
    let arguments = [&["verify", "report", "--json"], options].concat();
    let (status, text) = run(folder, &arguments, &[]);
    let checked: Value = serde_json::from_str(&text).unwrap();
    let files = checked["files"].as_array().unwrap().iter();
    let files = files.filter(|file| file["role"] == "evidence");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (status, files.map(|file| (text(&file["file"]), text(&file["state"]))).collect())
}

fn state(file: &str, state: &str) -> (String, String) {
    (file.to_owned(), state.to_owned())
}

#[test]
fn moved_evidence_is_found_by_its_digest_under_any_name() {
    let capture = sample();
    let folder = analyzed(&[("a.pcap", &capture), ("b/c.pcap", &capture[..5_000])]);
    write(&folder.path().join("archive/renamed"), &capture);
    write(&folder.path().join("archive/b/c.pcap"), &capture[..5_000]);
    write(&folder.path().join("archive/b/other"), &capture[..4_000]);
    fs::remove_dir_all(folder.path().join("evidence")).unwrap();
    let (status, text) = run(&folder, &["verify", "report"], &[]);
    assert_eq!(status, 3, "{text}");
    assert!(text.contains("MISSING    evidence/a.pcap\n"), "{text}");
    assert!(!text.contains("DIFFERENT"), "{text}");
    let (status, text) = run(&folder, &["verify", "report", "--evidence", "archive"], &[]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("MOVED      evidence/a.pcap: is now `archive/renamed`"), "{text}");
    let moved = [state("evidence/a.pcap", "moved"), state("evidence/b/c.pcap", "moved")];
    assert_eq!(states(&folder, &["--evidence", "archive"]), (0, moved.to_vec()));
    // A single file will do for its own; the other one stays missing.
    let one = [state("evidence/a.pcap", "moved"), state("evidence/b/c.pcap", "missing")];
    assert_eq!(states(&folder, &["--evidence", "archive/renamed"]), (3, one.to_vec()));
    let (status, text) = run(&folder, &["verify", "report", "--evidence", "nowhere"], &[]);
    assert_eq!(status, 2);
    assert!(text.contains("plainsight: `nowhere` does not exist"), "{text}");
}

#[test]
fn evidence_that_was_moved_and_changed_is_different_and_not_missing() {
    let capture = sample();
    let folder = analyzed(&[("a.pcap", &capture), ("b.pcap", &capture[..5_000])]);
    let mut changed = capture.clone();
    changed[1_000] ^= 1;
    write(&folder.path().join("archive/a.pcap"), &changed);
    fs::remove_dir_all(folder.path().join("evidence")).unwrap();
    let expected = [state("evidence/a.pcap", "different"), state("evidence/b.pcap", "missing")];
    assert_eq!(states(&folder, &["--evidence", "archive"]), (5, expected.to_vec()));
    let (_, text) = run(&folder, &["verify", "report", "--evidence", "archive"], &[]);
    assert!(text.contains("evidence/a.pcap: `archive/a.pcap` has SHA-256"), "{text}");
}

#[test]
fn standard_input_is_checked_with_what_is_given_for_it() {
    let (capture, folder) = (sample(), tempfile::tempdir().unwrap());
    assert_eq!(run(&folder, &["analyze", "-", "--out", "report", "-q"], &capture).0, 0);
    let (status, text) = run(&folder, &["verify", "report"], &[]);
    assert_eq!(status, 3);
    assert!(text.contains("UNCHECKED  -: it was read as a stream"), "{text}");
    let again = ["verify", "report", "--evidence", "-"];
    assert_eq!(run(&folder, &again, &capture).0, 0);
    let (status, text) = run(&folder, &again, &capture[1..]);
    assert_eq!(status, 5);
    assert!(text.contains("DIFFERENT  -: standard input has SHA-256"), "{text}");
    write(&folder.path().join("saved.pcap"), &capture);
    assert_eq!(run(&folder, &["verify", "report", "--evidence", "saved.pcap"], &[]).0, 0);
}

#[test]
fn members_of_an_archive_are_checked_each_by_itself() {
    let capture = sample();
    let both: [(&str, &[u8], bool); 2] =
        [("one.pcap", &capture, true), ("two.pcap", &capture[..5_000], false)];
    let folder = analyzed(&[("all.zip", &zip(&both))]);
    let all = |states: [&str; 3]| {
        let names =
            ["evidence/all.zip", "evidence/all.zip!/one.pcap", "evidence/all.zip!/two.pcap"];
        names.into_iter().zip(states).map(|(name, found)| state(name, found)).collect::<Vec<_>>()
    };
    assert_eq!(states(&folder, &[]), (0, all(["unchanged"; 3])));
    // A changed archive: the member that did not change is named so.
    let mut changed = both;
    changed[1].1 = &capture[..4_000];
    write(&folder.path().join("evidence/all.zip"), &zip(&changed));
    let expected = all(["different", "unchanged", "different"]);
    assert_eq!(states(&folder, &[]), (5, expected));
    // Unpacked elsewhere.
    fs::remove_dir_all(folder.path().join("evidence")).unwrap();
    write(&folder.path().join("unpacked/1"), &capture);
    assert_eq!(
        states(&folder, &["--evidence", "unpacked"]),
        (3, all(["missing", "moved", "missing"]))
    );
}

#[cfg(unix)]
#[test]
fn names_that_are_no_utf_8_verify() {
    use std::os::unix::ffi::OsStrExt as _;
    let name = PathBuf::from(std::ffi::OsStr::from_bytes(b"capture-\xff\xfe\n.pcap"));
    let folder = analyzed(&[]);
    write(&folder.path().join("evidence").join(&name), &sample());
    fs::remove_dir_all(folder.path().join("report")).ok();
    assert_eq!(run(&folder, &["analyze", "evidence", "--out", "report", "-q"], &[]).0, 0);
    let shown = "evidence/capture-\\xff\\xfe\\u{a}.pcap";
    assert_eq!(states(&folder, &[]), (0, vec![state(shown, "unchanged")]));
    fs::rename(folder.path().join("evidence"), folder.path().join("moved")).unwrap();
    assert_eq!(states(&folder, &[]), (3, vec![state(shown, "missing")]));
    assert_eq!(states(&folder, &["--evidence", "moved"]), (0, vec![state(shown, "moved")]));
}

#[test]
fn summarized_evidence_is_checked_where_its_place_is_named() {
    let capture = sample();
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("evidence/a.pcap"), &capture);
    assert_eq!(run(&folder, &["summarize", "evidence", "--out", "all.summary"], &[]).0, 0);
    assert_eq!(run(&folder, &["correlate", "all.summary", "--out", "report", "-q"], &[]).0, 0);
    assert_eq!(states(&folder, &[]), (3, vec![state("evidence", "unchecked")]));
    let moved = vec![state("evidence/a.pcap", "unchanged")];
    assert_eq!(states(&folder, &["--evidence", "evidence"]), (0, moved));
    write(&folder.path().join("other/a.pcap"), &capture[1..]);
    assert_eq!(states(&folder, &["--evidence", "other"]).0, 5);
}
