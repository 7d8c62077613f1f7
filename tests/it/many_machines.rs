//! Summaries of many machines: expected, grown, labelled, damaged, made again.

#![allow(clippy::disallowed_methods, reason = "the test writes what the program shall read")]

use crate::support::program::{plainsight, report_in};
use plainsight::report::schema::{Evidence, Report};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn sample(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)).unwrap()
}

/// A folder with the captures `a/c.pcap` and `b/c.pcap`, of which the first is short.
fn two_gateways() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, sample) in [("a", "healthy/capture.pcap"), ("b", "psk_mismatch/capture.pcap")] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("c.pcap"), self::sample(sample)).unwrap();
    }
    folder
}

/// The exit status, standard output and standard error of a run inside a folder.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = plainsight().current_dir(folder).args(arguments).output().unwrap();
    let text = |content| String::from_utf8(content).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn ran(folder: &Path, arguments: &[&str]) {
    let (status, _, reported) = run(folder, arguments);
    assert_eq!(status, 0, "{arguments:?}: {reported}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn with_problem<'r>(report: &'r Report, code: &str) -> Vec<&'r Evidence> {
    let has = |file: &&Evidence| file.problems.iter().any(|problem| problem.code == code);
    report.evidence.iter().filter(has).collect()
}

fn listed(folder: &Path, names: &[&str]) {
    let line = |name: &&str| {
        let content = fs::read(folder.join(name)).unwrap();
        format!("{}  {name}\n", plainsight::evidence::sha256(&content))
    };
    fs::write(folder.join("LIST"), names.iter().map(line).collect::<String>()).unwrap();
}

#[test]
fn what_a_list_expects_and_no_summary_holds_is_named() {
    let folder = two_gateways();
    let folder = folder.path();
    listed(folder, &["a/c.pcap", "b/c.pcap"]);
    ran(folder, &["summarize", "a", "--out", "a.summary"]);
    ran(folder, &["summarize", "b", "--out", "b.summary"]);
    ran(folder, &["correlate", "a.summary", "b.summary", "--expect", "LIST", "--out", "all"]);
    ran(folder, &["analyze", "a", "b", "--out", "analyzed"]);
    let bytes = |report: &str| fs::read(folder.join(report).join("report.json")).unwrap();
    assert!(bytes("all") == bytes("analyzed"), "a list that is met changes nothing");

    let (status, _, reported) =
        run(folder, &["correlate", "a.summary", "--expect", "LIST", "--out", "less"]);
    assert_eq!(status, 3, "{reported}");
    assert!(reported.contains("`b/c.pcap`: summary_missing"), "{reported}");
    let report = report_in(&folder.join("less"));
    let missing = with_problem(&report, "summary_missing");
    let digest = plainsight::evidence::sha256(&sample("psk_mismatch/capture.pcap"));
    assert_eq!((missing.len(), missing[0].sha256.as_ref()), (1, Some(&digest)));

    fs::write(folder.join("LIST"), "\nno list\n").unwrap();
    let (status, _, reported) =
        run(folder, &["correlate", "a.summary", "--expect", "LIST", "--out", "none"]);
    assert_eq!(status, 2);
    assert_eq!(
        reported,
        "plainsight: --expect LIST: line 2 is not `SHA-256  PATH`, as sha256sum writes it\n\
         hint: make the list with `sha256sum FILE... > LIST`\n"
    );
    assert!(!folder.join("none").exists());
}

#[test]
fn two_captures_of_one_path_are_named_and_a_label_keeps_them_apart() {
    let folder = two_gateways();
    let folder = folder.path();
    for (gateway, options) in
        [("a", &[][..]), ("b", &[]), ("a", &["--host", "gw-a"]), ("b", &["--host", "gw-b"])]
    {
        let name = format!("../{gateway}{}.summary", options.len());
        let arguments = [&["summarize", "c.pcap", "--out", &name][..], options].concat();
        ran(&folder.join(gateway), &arguments);
    }
    ran(folder, &["correlate", "a0.summary", "b0.summary", "--out", "mixed"]);
    let report = report_in(&folder.join("mixed"));
    assert_eq!(with_problem(&report, "same_path").len(), 2);
    assert_eq!(report.options.paths, ["c.pcap"]);
    ran(folder, &["correlate", "a2.summary", "b2.summary", "--out", "apart"]);
    let report = report_in(&folder.join("apart"));
    assert!(with_problem(&report, "same_path").is_empty());
    let paths: Vec<&str> = report.evidence.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["gw-a/c.pcap", "gw-b/c.pcap"]);
    assert_eq!(report.options.paths, paths);
    for bad in ["", "../x", ".x", "a/b", "a b"] {
        let arguments = ["summarize", "a", "--out", "x.summary", "--host", bad];
        assert_eq!(run(folder, &arguments).0, 2, "{bad}");
    }
}

#[test]
fn a_capture_that_still_grew_is_two_files_of_one_path() {
    let folder = two_gateways();
    let folder = folder.path();
    let whole = sample("healthy/capture.pcap");
    // The first ten frames.
    let mut end = 24;
    for _ in 0..10 {
        let length = u32::from_le_bytes(whole[end + 8..end + 12].try_into().unwrap());
        end += 16 + length as usize;
    }
    fs::write(folder.join("a/c.pcap"), &whole[..end]).unwrap();
    ran(folder, &["summarize", "a", "--out", "each"]);
    fs::write(folder.join("a/c.pcap"), &whole).unwrap();
    ran(folder, &["summarize", "a", "--out", "each"]);
    ran(folder, &["correlate", "each", "--out", "report"]);
    assert_eq!(with_problem(&report_in(&folder.join("report")), "same_path").len(), 2);
}

#[test]
fn a_folder_of_summaries_grows_by_what_is_new() {
    let folder = two_gateways();
    let folder = folder.path();
    fs::rename(folder.join("b"), folder.join("later")).unwrap();
    fs::create_dir(folder.join("case")).unwrap();
    fs::rename(folder.join("a"), folder.join("case/a")).unwrap();
    ran(folder, &["summarize", "case", "--out", "each"]);
    assert_eq!(names(&folder.join("each")).len(), 2);
    fs::rename(folder.join("later"), folder.join("case/b")).unwrap();
    let (status, out, _) = run(folder, &["summarize", "case", "--out", "each", "--json"]);
    assert_eq!(status, 0);
    let reported: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (reported["files"][0]["path"].as_str(), reported["files"][1].as_object()),
        (Some("case/b/c.pcap"), None)
    );
    assert_eq!(
        (reported["known"][0]["path"].as_str(), reported["known"][1].as_object()),
        (Some("case/a/c.pcap"), None)
    );
    assert_eq!(reported["files"][0]["summary"]["is_new"], true);
    let before = names(&folder.join("each"));
    ran(folder, &["summarize", "case", "--out", "each"]);
    assert_eq!(names(&folder.join("each")), before, "a run that is made again adds nothing");
    ran(folder, &["correlate", "each", "--out", "report"]);
    ran(folder, &["analyze", "case", "--out", "analyzed"]);
    let bytes = |report: &str| fs::read(folder.join(report).join("report.json")).unwrap();
    assert!(bytes("report") == bytes("analyzed"));

    let (status, _, reported) =
        run(folder, &["summarize", "case", "--out", "each", "--max-pairs", "7"]);
    assert_eq!(status, 2);
    assert!(reported.contains("was read with other options"), "{reported}");
}

#[test]
fn one_file_of_summaries_is_made_again_and_replaced_only_on_demand() {
    let folder = two_gateways();
    let folder = folder.path();
    ran(folder, &["summarize", "a", "--out", "x.summary"]);
    let first = fs::read(folder.join("x.summary")).unwrap();
    let (status, out, _) = run(folder, &["summarize", "a", "--out", "x.summary", "--json"]);
    let reported: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &reported["files"][0]["summary"]["is_new"]), (0, &Value::Bool(false)));
    assert_eq!(reported["files"][0]["records"], 220);
    let (status, _, reported) = run(folder, &["summarize", "b", "--out", "x.summary"]);
    assert_eq!(status, 2);
    assert_eq!(
        reported,
        "plainsight: `x.summary` already exists\n\
         hint: it holds something else; name another place, or replace it with --force\n"
    );
    assert!(fs::read(folder.join("x.summary")).unwrap() == first);
    ran(folder, &["summarize", "b", "--out", "x.summary", "--force"]);
    assert!(fs::read(folder.join("x.summary")).unwrap() != first);
    // What is damaged is made again, what is no summary is kept.
    fs::write(folder.join("x.summary"), &first[..first.len() - 1]).unwrap();
    ran(folder, &["summarize", "a", "--out", "x.summary"]);
    assert!(fs::read(folder.join("x.summary")).unwrap() == first);
    let arguments = ["summarize", "a", "--out", "notes.summary", "--force"];
    fs::write(folder.join("notes.summary"), "notes").unwrap();
    assert_eq!(run(folder, &arguments).0, 2);
    assert_eq!(fs::read(folder.join("notes.summary")).unwrap(), b"notes");
}

#[test]
fn a_damaged_summary_is_passed_over_where_asked_and_named() {
    let folder = two_gateways();
    let folder = folder.path();
    for (gateway, out) in [("a", "sums/a.summary"), ("b", "sums/b.summary")] {
        ran(folder, &["summarize", gateway, "--out", out]);
    }
    let whole = fs::read(folder.join("sums/b.summary")).unwrap();
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    for damaged in [&flipped[..], &whole[..whole.len() - 1], &[], &[0; 512]] {
        fs::write(folder.join("sums/b.summary"), damaged).unwrap();
        let (status, _, reported) = run(folder, &["correlate", "sums", "--out", "refused"]);
        assert_eq!((status, folder.join("refused").exists()), (2, false), "{reported}");
        let (status, _, reported) =
            run(folder, &["correlate", "sums", "--skip-damaged", "--force", "--out", "report"]);
        assert_eq!(status, 3, "{reported}");
        assert!(reported.contains("`sums/b.summary`: summary_damaged"), "{reported}");
        let report = report_in(&folder.join("report"));
        assert_eq!((report.evidence.len(), report.totals.frames), (2, 220));
        assert_eq!(with_problem(&report, "summary_damaged").len(), 1);
    }
}

#[test]
fn what_is_no_summary_is_passed_over_in_a_folder_and_named() {
    let folder = two_gateways();
    let folder = folder.path();
    ran(folder, &["summarize", "a", "--out", "a/c.summary"]);
    fs::write(folder.join("a/notes.txt"), "notes").unwrap();
    let (status, _, reported) = run(folder, &["correlate", "a", "--out", "report"]);
    assert_eq!(status, 0);
    assert_eq!(
        reported,
        "plainsight: `a/c.pcap` is not a summary; skipped\n\
         plainsight: `a/notes.txt` is not a summary; skipped\n"
    );
    let named = ["correlate", "a/c.summary", "a/notes.txt", "--out", "named"];
    assert_eq!(run(folder, &named).0, 2);
}

#[test]
fn a_thousand_damaged_files_are_named_in_thirty_lines() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("many")).unwrap();
    for number in 0..1_100 {
        fs::write(folder.join("many").join(format!("{number}.pcap")), [0xd4, 0xc3, 0xb2, 0xa1])
            .unwrap();
    }
    for arguments in [
        &["summarize", "many", "--out", "each"][..],
        &["correlate", "each", "--out", "report", "--quiet"],
        &["analyze", "many", "--out", "analyzed", "--quiet"],
    ] {
        let (status, _, reported) = run(folder, arguments);
        assert_eq!(status, 4, "{arguments:?}");
        assert_eq!(reported.lines().count(), 31, "{arguments:?}: {reported}");
        let last = reported.lines().last().unwrap();
        assert!(last.contains("1070 problems more in 1070 files; "), "{last}");
    }
    // One head a run: no summary carries the names of all others.
    let sizes = names(&folder.join("each")).into_iter().map(|name| {
        (name.starts_with("run-"), fs::metadata(folder.join("each").join(name)).unwrap().len())
    });
    let (heads, others): (Vec<_>, Vec<_>) = sizes.partition(|(is_head, _)| *is_head);
    assert_eq!((heads.len(), others.len()), (1, 1_100));
    assert!(others.iter().all(|(_, size)| *size < 1_000), "{others:?}");
}

#[test]
fn progress_for_a_program_is_one_object_a_line() {
    let folder = two_gateways();
    let folder = folder.path();
    let arguments = ["summarize", "a", "b", "--out", "x.summary", "--progress", "json"];
    let (_, _, reported) = run(folder, &arguments);
    let lines: Vec<Value> =
        reported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, last) = (&lines[0], lines.last().unwrap());
    assert_eq!((&first["files"], &first["files_read"]), (&Value::from(2), &Value::from(0)));
    assert_eq!((&last["files"], &last["files_read"]), (&Value::from(2), &Value::from(2)));
    assert_eq!(last["bytes"], last["bytes_read"]);
    let words = ["summarize", "a", "--out", "y.summary", "--progress", "always"];
    let (_, _, reported) = run(folder, &words);
    assert!(reported.starts_with("plainsight: 0 of 1 files, 0 of "), "{reported}");
}
