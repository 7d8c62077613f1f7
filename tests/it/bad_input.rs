//! Damaged, empty, foreign and unreachable evidence, and policies that cannot be understood: each is
//! named, the rest is analysed, the exit status shows.

use crate::support::pcapng::{Order, pcap};
use crate::support::program::{analyze, analyze_status, plainsight, report_in, run_analyze};
use plainsight::report::schema::Report;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

fn folder_with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let mut file = fs::File::create(folder.path().join(name)).unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
    }
    folder
}

/// Status, report and what was said on standard error.
fn analyzed(paths: &[&Path]) -> (i32, Report, String) {
    let (output, folder) = run_analyze(paths, &[]);
    let report = report_in(&folder.path().join("report"));
    let reported = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), report, reported)
}

fn problems(report: &Report) -> Vec<(&str, &str)> {
    let of_file = |file: &plainsight::report::schema::Evidence| {
        file.path.rsplit_once('/').map_or(0, |(folder, _)| folder.len() + 1)
    };
    report
        .evidence
        .iter()
        .flat_map(|file| {
            file.problems.iter().map(move |p| (&file.path[of_file(file)..], p.code.as_str()))
        })
        .collect()
}

#[test]
fn a_truncated_capture_is_analysed_up_to_the_damage() {
    let whole = fs::read(sample("psk_mismatch/capture.pcap")).unwrap();
    let cut = whole.len() - 10;
    let folder = folder_with(&[("cut.pcap", &whole[..cut])]);
    let (status, report, reported) = analyzed(&[folder.path()]);
    assert_eq!(status, 3);
    assert_eq!(problems(&report), [("cut.pcap", "truncated")]);
    let file = &report.evidence[0];
    assert_eq!(file.records, 296);
    assert_eq!(file.coverage.values().map(|e| e.bytes).sum::<u64>(), cut as u64);
    assert!(file.truncated_at.is_some_and(|at| at < cut as u64));
    assert_eq!(report.windows.len(), 1);
    assert_eq!((report.windows[0].first.frame, report.windows[0].last.frame), (11, 185));
    assert!(reported.contains("cut.pcap") && reported.contains("truncated"), "{reported}");
    assert!(report.findings.iter().any(|f| f.code == "evidence_damaged"));
}

#[test]
fn every_file_that_cannot_be_used_is_named() {
    let good = fs::read(sample("healthy/capture.pcap")).unwrap();
    let folder = folder_with(&[
        ("good.pcap", &good),
        ("copy.pcap", &good),
        ("empty.pcap", b""),
        ("foreign.bin", b"\x7fELF\x02\x01\x01\0"),
        ("notes.txt", b"captured on the mirror port\n"),
        ("packed.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
        ("header.evtx", b"ElfFile\0"),
    ]);
    let (status, report, reported) = analyzed(&[folder.path()]);
    assert_eq!(status, 3);
    assert_eq!(
        problems(&report),
        [
            ("empty.pcap", "empty"),
            ("foreign.bin", "unknown_format"),
            ("good.pcap", "duplicate"),
            ("header.evtx", "truncated"),
            ("notes.txt", "not_evidence"),
            ("packed.gz", "truncated"),
        ]
    );
    // The same bytes count once.
    assert_eq!(report.totals.frames, 220);
    for name in ["empty.pcap", "foreign.bin", "header.evtx", "packed.gz", "gzip"] {
        assert!(reported.contains(name), "{name}: {reported}");
    }
}

#[test]
fn where_nothing_can_be_used_the_status_is_four() {
    let folder = folder_with(&[("foreign.bin", b"\x7fELF\x02\x01\x01\0")]);
    let (status, report, _) = analyzed(&[folder.path()]);
    assert_eq!((status, report.verdict.as_str()), (4, "no_packets"));
}

#[test]
fn a_path_that_is_not_there_ends_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for (command, out) in
        [("analyze", "report"), ("summarize", "all.summary"), ("summarize", "each")]
    {
        let mut program = crate::support::program::plainsight();
        program.current_dir(folder.path()).args([command, "nowhere.pcap", "--out", out]);
        let output = program.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "plainsight: `nowhere.pcap` does not exist\n\
             hint: name files or folders of evidence\n"
        );
        assert!(!folder.path().join(out).exists());
    }
    for command in [&["inspect"][..], &["compare", "."], &["policy", "init"]] {
        let mut program = crate::support::program::plainsight();
        let output =
            program.current_dir(folder.path()).args(command).arg("nowhere.pcap").output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{command:?}");
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "plainsight: `nowhere.pcap` does not exist\nhint: name files or folders of evidence\n"
        );
    }
    let mut program = crate::support::program::plainsight();
    program.current_dir(folder.path()).arg("analyze").arg(sample("healthy"));
    let output = program.args(["--carve", "full", "--out", "report"]).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "plainsight: `full` does not exist\nhint: if it belongs to --carve, write --carve=full\n"
    );
}

#[test]
fn what_is_wrong_is_said_once() {
    let good = fs::read(sample("psk_mismatch/capture.pcap")).unwrap();
    let damaged = |missing: usize| &good[..good.len() - missing];
    let folder = folder_with(&[("before.pcap", damaged(7)), ("after.pcap", damaged(9))]);
    let paths = ["before.pcap", "after.pcap"];
    for command in [
        &["compare", paths[0], paths[1]][..],
        &["inspect", paths[0], paths[1]],
        &["summarize", paths[0], paths[1], "--out", "each"],
        &["analyze", paths[0], paths[1], "--out", "report", "-q"],
        &["correlate", "each", "--out", "again", "-q"],
    ] {
        let mut program = plainsight();
        let output = program.current_dir(folder.path()).args(command).output().unwrap();
        let reported = String::from_utf8(output.stderr).unwrap();
        for path in paths {
            let lines =
                reported.lines().filter(|line| line.contains(path) && line.contains("truncated"));
            assert_eq!(lines.count(), 1, "{command:?}: {reported}");
        }
    }
}

/// `--quiet` leaves out what is well; what is wrong is still said, in a few lines.
#[test]
fn many_problems_are_a_few_lines_also_where_little_is_to_be_printed() {
    let files: Vec<(String, &[u8])> =
        (0..200).map(|n| (format!("{n}.bin"), &b"\x7fELF\x02\x01\x01\0"[..])).collect();
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let folder = folder_with(&files);
    let (output, _) = run_analyze(&[folder.path()], &["--quiet"]);
    let reported = String::from_utf8(output.stderr).unwrap();
    assert_eq!(reported.lines().count(), 31, "{reported}");
    assert!(
        reported.ends_with("and 170 problems more in 170 files; report.json has all of them\n"),
        "{reported}"
    );
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let good = fs::read(sample("healthy/capture.pcap")).unwrap();
    let folder = folder_with(&[("good.pcap", &good)]);
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // Anyone who may read everything (root) meets no closed folder.
    let is_closed = fs::read_dir(&closed).is_err();
    let (status, report, reported) = analyzed(&[folder.path()]);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(report.totals.frames, 220);
    if is_closed {
        assert_eq!(status, 3);
        assert_eq!(problems(&report), [("closed", "unreadable")]);
        assert!(reported.contains("closed"), "{reported}");
    } else {
        assert_eq!(status, 0);
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_in_a_folder_is_not_waited_for_and_a_link_not_followed() {
    let good = fs::read(sample("healthy/capture.pcap")).unwrap();
    let folder = folder_with(&[("good.pcap", &good)]);
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero")).unwrap();
    let (status, report, _) = analyzed(&[folder.path()]);
    assert_eq!(status, 3);
    assert_eq!(problems(&report), [("pipe", "unreadable"), ("zero", "unreadable")]);
}

#[test]
fn hostile_names_reach_neither_the_terminal_nor_a_cell_as_they_are() {
    let name = "=cmd|' \u{1b}[2J\u{202e}.pcap";
    let folder = folder_with(&[(name, b"\x7fELF\x02\x01\x01\0")]);
    let (output, _report) = run_analyze(&[folder.path()], &["--verbose"]);
    for stream in [output.stdout, output.stderr] {
        let text = String::from_utf8(stream).unwrap();
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    }
}

#[test]
fn standard_input_is_read_as_a_capture() {
    let good = fs::read(sample("psk_mismatch/capture.pcap")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let assert = plainsight().args(["analyze", "-", "--out"]).arg(&out).write_stdin(good).assert();
    assert.code(0);
    let report = report_in(&out);
    assert_eq!((report.evidence[0].path.as_str(), report.windows.len()), ("-", 1));
}

#[test]
fn a_bad_policy_names_the_line_and_what_was_expected() {
    let healthy = sample("healthy");
    let check = |policy: &str, words: &[&str]| {
        let folder = folder_with(&[("policy.toml", policy.as_bytes())]);
        let file = folder.path().join("policy.toml");
        let (output, _) = run_analyze(&[&healthy], &["--policy", file.to_str().unwrap()]);
        let reported = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{reported}");
        for word in words {
            assert!(reported.contains(word), "{word}: {reported}");
        }
    };
    check("[[protect]]\nbetween = [\"10.0.0.0/40\", \"any\"]\n", &["line 2", "10.0.0.0/40"]);
    check("[[protect]]\nbetween = [\"any\"]\n", &["line 2", "expected 2"]);
    check("[[protect]\n", &["line 1"]);
    check("[[guard]]\n", &["line 1", "guard"]);
    check("default_exemptions = \"windows-95\"\n", &["line 1", "windows-95", "windows-2003"]);
}

#[test]
fn wrong_arguments_are_usage_errors_with_a_remedy() {
    let healthy = sample("healthy");
    for (options, word) in [
        (&["--gap", "0.5s"][..], "one second"),
        (&["--protect", "10.0.0.1"][..], "A=B"),
        (&["--from", "yesterday"][..], "2026-11-23T08:04:24Z"),
        (&["--threads", "0"][..], "1..=1024"),
        (
            &["--policy", "/nowhere/policy.toml"][..],
            "plainsight: cannot read the policy `/nowhere/policy.toml`: No such file or directory (os error 2)\n\
             hint: name a file that exists and can be read\n",
        ),
    ] {
        let (output, _) = run_analyze(&[&healthy], options);
        let reported = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(reported.contains(word), "{word}: {reported}");
    }
}

#[test]
fn no_evidence_in_an_empty_folder_is_status_four() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(analyze_status(&[folder.path()], &[]), 4);
}

/// One connection attempt each from many addresses, between the packets of two that go on talking.
fn scan(addresses: u32) -> Vec<u8> {
    let mut frames = Vec::new();
    for number in 0..addresses {
        let [_, a, b, c] = number.to_be_bytes();
        for source in [[11, a, b, c], [10, 0, 0, 1]] {
            let mut frame = Vec::new();
            let builder = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6])
                .ipv4(source, [10, 0, 0, 2], 64)
                .tcp(40_000, 445, number, 1000);
            builder.write(&mut frame, &[]).unwrap();
            frames.push(frame);
        }
    }
    let at = |(number, _): (u32, &Vec<u8>)| (1_795_420_800 + number / 1000, number % 1000);
    let frames: Vec<(u32, u32, &[u8])> =
        (0..).zip(&frames).map(|pair| (at(pair).0, at(pair).1, pair.1.as_slice())).collect();
    pcap(Order::Little, 0xa1b2_c3d4, &frames)
}

#[test]
fn pairs_beyond_the_bound_are_folded_and_counted() {
    let folder = folder_with(&[("scan.pcap", &scan(2_000))]);
    let options = ["--max-pairs", "100", "--protect", "10.0.0.1=10.0.0.2"];
    let report = analyze(&[folder.path()], &options);
    assert!(report.pairs.len() <= 101, "{}", report.pairs.len());
    let folded = report.totals.folded_pairs;
    assert_eq!(folded.pairs + report.pairs.len() as u64, 2_001);
    let reported: u64 = report.pairs.iter().map(|pair| pair.frames).sum();
    assert_eq!(reported + folded.frames, 4_000);
    assert_eq!((report.totals.frames, report.totals.by_class.clear.frames), (4_000, 4_000));
    let in_apps: u64 = report.totals.by_app.values().map(|count| count.frames).sum();
    assert_eq!(in_apps, 4_000);
    // The two that go on talking are judged whole.
    assert_eq!(report.windows.iter().map(|window| window.frames).sum::<u64>(), 2_000);
    assert!(report.findings.iter().any(|finding| finding.code == "pairs_folded"));
}
