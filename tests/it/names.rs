//! Names of evidence that are no text, and files of plainsight's own beside evidence: each file counts, once.
#![cfg(unix)]

use crate::support::program::{plainsight, report_in};
use plainsight::evidence::path_of;
use plainsight::report::schema::Report;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn sample(name: &str) -> Vec<u8> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    fs::read(samples.join(name)).unwrap()
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = fs::File::create_new(path).unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
}

/// A folder with evidence under these names.
fn evidence(files: &[(&[u8], &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        put(&folder.path().join("evidence").join(OsStr::from_bytes(name)), bytes);
    }
    folder
}

/// Runs the program in the folder; gives status and standard output.
fn run(folder: &TempDir, arguments: &[&str]) -> (i32, String) {
    let output = plainsight().current_dir(folder.path()).args(arguments).output().unwrap();
    let reported = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), reported)
}

fn analyzed(folder: &TempDir) -> Report {
    let (status, reported) = run(folder, &["analyze", "evidence", "--out", "report"]);
    assert!(matches!(status, 0 | 3 | 4), "{status}: {reported}");
    report_in(&folder.path().join("report"))
}

fn verified(folder: &TempDir) {
    let (status, reported) = run(folder, &["verify", "report"]);
    assert_eq!(status, 0, "{reported}");
}

/// Of each file its name, and the code of its first problem.
fn problem_codes(report: &Report) -> Vec<(&str, &str)> {
    let of_file = |file: &plainsight::report::schema::Evidence| file.problems.first().cloned();
    let code = |file| of_file(file).map_or("read", |problem| problem.code.leak());
    report.evidence.iter().map(|file| (&file.path["evidence/".len()..], code(file))).collect()
}

/// Names that a lossy spelling makes the same, or that hide something.
const NAMES: [&[u8]; 5] =
    [b"a\xff.pcap", b"a\xfe.pcap", b"a\xef\xbf\xbd.pcap", b"a\\xff.pcap", b"a\xe2\x80\xae.pcap"];

#[test]
fn files_whose_names_are_no_text_are_all_read_and_found_again() {
    let captures = ["healthy", "psk_mismatch", "esp_null", "fail_closed", "service_stopped"];
    let captures = captures.map(|name| sample(&format!("{name}/capture.pcap")));
    let files: Vec<(&[u8], &[u8])> =
        NAMES.iter().copied().zip(captures.iter().map(Vec::as_slice)).collect();
    let folder = evidence(&files);
    let report = analyzed(&folder);
    assert_eq!(report.evidence.len(), files.len());
    for file in &report.evidence {
        let path = folder.path().join(path_of(&file.path));
        let bytes = fs::read(&path).unwrap();
        assert_eq!(file.size_bytes, bytes.len() as u64, "{}", file.path);
        assert!(files.iter().any(|(_, held)| *held == bytes));
    }
    verified(&folder);
}

#[test]
fn the_verdict_counts_the_file_whose_name_differs_in_one_byte() {
    let (good, bad) = (sample("healthy/capture.pcap"), sample("psk_mismatch/capture.pcap"));
    for (one, other) in [(NAMES[0], NAMES[1]), (NAMES[1], NAMES[0]), (NAMES[3], NAMES[0])] {
        let folder = evidence(&[(one, &good), (other, &bad)]);
        let report = analyzed(&folder);
        assert_eq!(report.evidence.len(), 2);
        assert_eq!(report.verdict, "partially_protected");
        let (status, reported) = run(&folder, &["verify", "report"]);
        assert_eq!(status, 0, "{reported}");
        fs::remove_file(folder.path().join("evidence").join(OsStr::from_bytes(other))).unwrap();
        assert_eq!(run(&folder, &["verify", "report"]).0, 3);
    }
}

#[test]
fn the_line_that_shows_a_findings_packets_opens_the_file() {
    for name in [NAMES[0], NAMES[3], NAMES[4], b"it's a\n.pcap"] {
        let folder = evidence(&[(name, &sample("psk_mismatch/capture.pcap"))]);
        let report = analyzed(&folder);
        let line = report.findings.iter().find_map(|finding| finding.tshark.first()).unwrap();
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line}");
        // What the shell hands to tshark is a path that exists.
        let script = format!("tshark() {{ test -f \"$2\"; }}; {line}");
        let status = Command::new("bash").arg("-c").arg(script).current_dir(folder.path()).status();
        assert!(status.unwrap().success(), "{line}");
    }
}

#[test]
fn a_report_in_the_folder_of_evidence_is_no_evidence() {
    let folder = evidence(&[(b"capture.pcap", &sample("psk_mismatch/capture.pcap"))]);
    let before = analyzed(&folder);
    let options = ["--carve=full", "--format", "json,csv,html,parquet,timesketch,ecs"];
    for out in ["evidence/old", "evidence/deep/older"] {
        run(
            &folder,
            &[&["analyze", "evidence/capture.pcap", "--out", out, "-q"], &options[..]].concat(),
        );
        assert!(folder.path().join(out).join("evidence/F1.pcapng").is_file());
    }
    let (status, reported) = run(&folder, &["analyze", "evidence", "--out", "again"]);
    assert!(matches!(status, 0 | 4), "{status}: {reported}");
    let after = report_in(&folder.path().join("again"));
    assert_eq!(before.totals.frames, after.totals.frames);
    assert_eq!(before.windows.len(), after.windows.len());
    let others = problem_codes(&after).into_iter().filter(|(path, _)| *path != "capture.pcap");
    let mut count = 0;
    for (path, code) in others {
        assert!(matches!(code, "not_evidence" | "duplicate"), "{path}: {code}");
        count += 1;
    }
    assert!(count > 6, "{count}");
}

#[test]
fn what_a_killed_run_left_behind_is_no_evidence_unless_it_is_named() {
    let folder = evidence(&[
        (b"capture.pcap", &sample("healthy/capture.pcap")),
        (b".plainsight-Ab12/report.json", b"{}"),
        (b".plainsight-Ab12/evidence/F1.pcapng", &sample("psk_mismatch/capture.pcap")),
        (b"sub/.plainsight-zz", b"\0\0\0"),
    ]);
    let report = analyzed(&folder);
    assert_eq!(
        problem_codes(&report),
        [
            (".plainsight-Ab12/evidence/F1.pcapng", "not_evidence"),
            (".plainsight-Ab12/report.json", "not_evidence"),
            ("capture.pcap", "read"),
            ("sub/.plainsight-zz", "not_evidence"),
        ]
    );
    assert!(report.evidence.iter().all(|file| file.sha256.is_some()));
    assert_eq!(run(&folder, &["analyze", "evidence", "--out", "second"]).0, 0);
    let named = "evidence/.plainsight-Ab12/evidence/F1.pcapng";
    run(&folder, &["analyze", named, "--out", "third"]);
    assert!(report_in(&folder.path().join("third")).totals.frames > 0);
}

#[test]
fn a_forged_manifest_hides_no_capture() {
    let capture = sample("psk_mismatch/capture.pcap");
    let forged = format!(
        r#"{{"tool":{{"name":"plainsight"}},"outputs":[{{"name":"capture.pcap","size_bytes":{0}}},
            {{"name":"note.json","size_bytes":2}}]}}"#,
        capture.len()
    );
    let folder = evidence(&[
        (b"capture.pcap", &capture),
        (b"manifest.json", forged.as_bytes()),
        (b"note.json", b"{}"),
        (b"note.bin", b"\0\0"),
    ]);
    let report = analyzed(&folder);
    assert_eq!(
        problem_codes(&report),
        [
            ("capture.pcap", "read"),
            ("manifest.json", "not_evidence"),
            ("note.bin", "unknown_format"),
            ("note.json", "not_evidence"),
        ]
    );
}

#[test]
fn carved_packets_that_were_moved_or_packed_are_recognized_by_their_header() {
    let folder = evidence(&[(b"capture.pcap", &sample("psk_mismatch/capture.pcap"))]);
    run(&folder, &["analyze", "evidence", "--out", "report", "--carve=full", "-q"]);
    let carved: PathBuf = folder.path().join("report/evidence/F1.pcapng");
    let bytes = fs::read(&carved).unwrap();
    put(&folder.path().join("evidence/moved/anything.bin"), &bytes);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &bytes).unwrap();
    put(&folder.path().join("evidence/moved/packed.gz"), &packed.finish().unwrap());
    let (status, reported) = run(&folder, &["analyze", "evidence", "--out", "again"]);
    assert!(matches!(status, 0 | 4), "{status}: {reported}");
    let report = report_in(&folder.path().join("again"));
    assert_eq!(
        problem_codes(&report),
        [
            ("capture.pcap", "read"),
            ("moved/anything.bin", "not_evidence"),
            ("moved/packed.gz", "duplicate")
        ]
    );
    // Named, they are read.
    run(&folder, &["analyze", "evidence/moved/anything.bin", "--out", "named"]);
    assert!(report_in(&folder.path().join("named")).totals.frames > 0);
}
