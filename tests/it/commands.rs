//! What the commands print and write, as a person reads it.

use crate::support::program::{plainsight, run_analyze};
use std::fs;
use std::path::{Path, PathBuf};

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

fn printed(arguments: &[&str]) -> String {
    let output = plainsight().args(arguments).env("COLUMNS", "100").output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

#[test]
fn help_of_every_command() {
    insta::assert_snapshot!("help", printed(&["--help"]));
    for command in [
        "analyze",
        "summarize",
        "correlate",
        "inspect",
        "compare",
        "explain",
        "verify",
        "schema",
        "completions",
        "man",
        "pseudonyms",
    ] {
        insta::assert_snapshot!(format!("help_{command}"), printed(&[command, "--help"]));
    }
    insta::assert_snapshot!("help_policy", printed(&["policy", "--help"]));
    for command in ["check", "import", "init"] {
        let help = printed(&["policy", command, "--help"]);
        insta::assert_snapshot!(format!("help_policy_{command}"), help);
    }
}

#[test]
fn the_overview_of_an_analysis() {
    let (output, _folder) = run_analyze(&[&sample("psk_mismatch")], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.stderr.is_empty());
    let shown = hide_place(&text);
    insta::assert_snapshot!("overview", shown);
}

/// Without the folder and the digest, which are others in each run.
fn hide_place(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some(("SHA-256 of its manifest.json", digest)) => {
            assert_eq!(digest.len(), 64);
            "SHA-256 of its manifest.json: DIGEST".to_owned()
        }
        _ if line.starts_with("Report in ") => "Report in DIR".to_owned(),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_given_clock_offset_comes_before_what_is_measured() {
    let given = ["--clock-offset", "WS01-Security.evtx=+1h", "--json"];
    let (output, _folder) = run_analyze(&[&sample("psk_mismatch")], &given);
    let report: plainsight::report::schema::Report =
        serde_json::from_slice(&output.stdout).unwrap();
    let reported: Vec<_> = report.clock_offsets.iter().filter(|c| c.method == "given").collect();
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0].seconds.as_ref().unwrap().get(), "3600.0");
    assert_eq!(report.options.clock_offsets, ["WS01-Security.evtx=+1h"]);
    let (output, folder) =
        run_analyze(&[&sample("psk_mismatch")], &["--clock-offset", "other.evtx=+1h"]);
    let reported = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(reported.contains("no log has this path"), "{reported}");
    assert!(!folder.path().join("report").exists());
}

#[test]
fn quiet_is_one_line_and_json_is_the_report() {
    let (quiet, _folder) = run_analyze(&[&sample("healthy")], &["--quiet"]);
    let text = String::from_utf8(quiet.stdout).unwrap();
    assert_eq!(text, "PROTECTED: every packet seen that had to be protected was protected\n");
    let (json, folder) = run_analyze(&[&sample("healthy")], &["--json"]);
    assert!(json.stdout == fs::read(folder.path().join("report/report.json")).unwrap());
}

#[test]
fn the_tables_hold_what_the_report_holds() {
    let (_output, folder) = run_analyze(&[&sample("psk_mismatch")], &[]);
    let report = crate::support::program::report_in(&folder.path().join("report"));
    let rows = |name: &str| {
        let path = folder.path().join("report").join(name);
        csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(rows("windows.csv").len(), report.windows.len());
    assert_eq!(rows("pairs.csv").len(), report.pairs.len());
    assert_eq!(rows("ike_exchanges.csv").len(), report.ike_exchanges.len());
    assert_eq!(rows("log_events.csv").len(), report.log_events.len());
    let findings = rows("findings.csv");
    assert_eq!(findings.len(), report.findings.len());
    assert_eq!(&findings[0][1], "cleartext_window");
    assert_eq!(&rows("windows.csv")[0][14], "E6:11");
}

#[test]
fn a_report_is_replaced_only_on_demand_and_only_if_it_is_ours() {
    let healthy = sample("healthy");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let run = |options: &[&str]| {
        let mut command = plainsight();
        command.arg("analyze").arg(&healthy).arg("--out").arg(&out).args(options);
        command.output().unwrap()
    };
    assert_eq!(run(&[]).status.code(), Some(0));
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("--force"));
    assert_eq!(run(&["--force"]).status.code(), Some(0));
    fs::File::create(out.join("my notes.txt")).unwrap();
    let refused = run(&["--force"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("my notes.txt"));
    assert!(out.join("my notes.txt").exists() && out.join("report.json").exists());
    // Nothing is left beside the report.
    let beside: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap()).collect();
    assert_eq!(beside.len(), 1);
}

#[test]
fn the_reports_own_folder_is_no_evidence() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(sample("healthy/capture.pcap"), folder.path().join("capture.pcap")).unwrap();
    let out = folder.path().join("report");
    for options in [&[][..], &["--force"]] {
        let mut command = plainsight();
        command.arg("analyze").arg(folder.path()).arg("--out").arg(&out).args(options);
        command.assert().code(0);
    }
    assert_eq!(crate::support::program::report_in(&out).evidence.len(), 1);
}

#[test]
fn only_the_span_asked_for_is_judged() {
    let capture = sample("psk_mismatch/capture.pcap");
    let span = ["--from", "2026-11-23T08:05:10Z", "--to", "2026-11-23T08:06:00Z"];
    let (_output, folder) = run_analyze(&[&capture], &span);
    let report = crate::support::program::report_in(&folder.path().join("report"));
    assert_eq!(report.windows.len(), 0);
    assert_eq!(report.totals.frames + report.totals.outside_span.frames, 297);
    assert!(report.totals.frames > 0 && report.totals.outside_span.frames > 0);
}

#[test]
fn verify_names_what_was_changed() {
    let evidence = tempfile::tempdir().unwrap();
    let capture = evidence.path().join("capture.pcap");
    fs::copy(sample("healthy/capture.pcap"), &capture).unwrap();
    let (_output, folder) = run_analyze(&[&capture], &[]);
    let report = folder.path().join("report");
    let verify = || {
        let output = plainsight().arg("verify").arg(&report).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, text) = verify();
    assert_eq!(
        (status, text.as_str()),
        (0, "8 files are unchanged, 0 differ, 0 are missing, 0 could not be checked\n")
    );
    change_a_byte(&report.join("windows.csv"));
    change_a_byte(&capture);
    fs::remove_file(report.join("pairs.csv")).unwrap();
    fs::File::create(report.join("added.txt")).unwrap();
    let (status, text) = verify();
    assert_eq!(status, 5);
    for name in ["windows.csv", "capture.pcap", "added.txt"] {
        assert!(text.lines().any(|l| l.starts_with("DIFFERENT") && l.contains(name)), "{text}");
    }
    assert!(text.contains("MISSING    pairs.csv\n"), "{text}");
    let last = "5 files are unchanged, 3 differ, 1 are missing, 0 could not be checked\n";
    assert!(text.ends_with(last), "{text}");
}

fn change_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::io::Write::write_all(&mut fs::File::create(path).unwrap(), &bytes).unwrap();
}

#[test]
fn verify_needs_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    plainsight().arg("verify").arg(folder.path()).assert().code(2);
}

#[test]
fn inspect_shows_what_is_in_it() {
    let sample = "samples/psk_mismatch";
    insta::assert_snapshot!("inspect", printed(&["inspect", sample, "--progress", "never"]));
    let json: serde_json::Value =
        serde_json::from_str(&printed(&["inspect", sample, "--json"])).unwrap();
    assert_eq!(json["totals"]["by_class"]["clear"]["frames"], 152);
}

#[test]
fn the_schema_knows_every_field_of_a_report() {
    let schema: serde_json::Value = serde_json::from_str(&printed(&["schema"])).unwrap();
    let (_output, folder) = run_analyze(&[&sample("psk_mismatch")], &[]);
    let report = fs::read(folder.path().join("report/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let known = schema["properties"].as_object().unwrap();
    for (name, value) in report.as_object().unwrap() {
        assert!(known.contains_key(name), "{name}");
        let Some(entry) = value.as_array().and_then(|entries| entries.first()) else { continue };
        let of_entry = known[name]["items"]["$ref"].as_str().and_then(|r| r.rsplit('/').next());
        let fields = &schema["$defs"][of_entry.unwrap()]["properties"];
        for field in entry.as_object().unwrap().keys() {
            assert!(fields.get(field).is_some(), "{name}.{field}");
        }
    }
}

#[test]
fn shells_and_manuals_are_served() {
    for shell in ["bash", "zsh", "fish", "nushell", "powershell", "elvish"] {
        assert!(printed(&["completions", shell]).contains("analyze"), "{shell}");
    }
    let pages = printed(&["man"]);
    let titles: Vec<&str> = pages.lines().filter(|line| line.starts_with(".TH ")).collect();
    for command in ["analyze", "explain", "pseudonyms", "verify", "policy", "policy-import"] {
        let title = format!(".TH plainsight-{command} ");
        assert_eq!(titles.iter().filter(|t| t.starts_with(&title)).count(), 1, "{titles:?}");
    }
    assert!(titles[0].starts_with(".TH plainsight 1"), "{titles:?}");
    assert!(titles.iter().all(|title| title.contains("\"plainsight ")), "{titles:?}");
    let alone = printed(&["man", "plainsight"]);
    assert!(alone.contains(".TH plainsight 1") && alone.matches(".TH ").count() == 1);
    let page = printed(&["man", "policy", "import"]);
    assert!(page.contains(".TH plainsight-policy-import ") && !page.contains("plainsight-analyze"));
    let output = plainsight().args(["man", "nothing"]).output().unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
        (
            Some(2),
            "plainsight: no command has the name `nothing`\nhint: `plainsight --help` lists the commands\n"
        )
    );
}

#[test]
fn explain_prints_json_of_the_same() {
    let text = printed(&["explain", "--json", "4653", "24", "failed_closed"]);
    let asked: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(asked[0]["code"], "4653");
    assert_eq!(
        asked[0]["meanings"][0]["kind"],
        "event of Microsoft-Windows-Security-Auditing, channel Security"
    );
    assert_eq!(asked[2]["meanings"][0]["kind"], "finding");
    // The text has every sentence of it.
    let words = printed(&["explain", "4653", "24", "failed_closed"]);
    let mut lines = 0;
    for meaning in asked.as_array().unwrap().iter().flat_map(|a| a["meanings"].as_array().unwrap())
    {
        for line in meaning["lines"].as_array().unwrap() {
            assert!(words.contains(line["text"].as_str().unwrap()), "{line}");
            lines += 1;
        }
    }
    assert!(lines > 15, "{lines}");
    let output = plainsight().args(["explain", "--json", "nonsense"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let reported = "plainsight: unknown code: `nonsense`\nhint: codes appear in report.json; `plainsight explain --help` lists their kinds\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), reported);
}

#[test]
fn explain_knows_every_code_of_the_report() {
    use plainsight::correlate::{ClosedBy, LimitCode, Verdict};
    use plainsight::evidence::ProblemCode;
    let codes: Vec<&str> = plainsight::catalogue::Reason::ALL
        .into_iter()
        .map(plainsight::catalogue::Reason::as_str)
        .chain(Verdict::ALL.into_iter().map(Verdict::as_str))
        .chain(LimitCode::ALL.into_iter().map(LimitCode::as_str))
        .chain(ClosedBy::ALL.into_iter().map(ClosedBy::as_str))
        .chain(ProblemCode::ALL.into_iter().map(ProblemCode::as_str))
        .chain(plainsight::ike::Outcome::ALL.into_iter().map(plainsight::ike::Outcome::as_str))
        .chain(["6013"])
        .collect();
    let text = printed(&[&["explain"][..], &codes].concat());
    for code in codes {
        assert!(text.contains(&format!("{code} (")), "{code}");
    }
}

#[test]
fn explain_shows_codes_of_every_kind() {
    let check = |code: &str, words: &[&str]| {
        let text = printed(&["explain", code]);
        for word in words {
            assert!(text.contains(word), "{code}: {word}\n{text}");
        }
    };
    check("4653", &["event of Microsoft-Windows-Security-Auditing", "IPsec Main Mode"]);
    check("13801", &["ERROR_IPSEC_IKE_AUTH_FAIL", "0x35E9", "What to do"]);
    check("0x35E9", &["ERROR_IPSEC_IKE_AUTH_FAIL"]);
    check("24", &["AUTHENTICATION_FAILED", "IKEv2"]);
    check("NO_PROPOSAL_CHOSEN", &["notify message 14", "What to do"]);
    check("psk_mismatch_suspected", &["(reason)", "Why:"]);
    check("failed_closed", &["(finding)"]);
    check("sampled", &["limit of a verdict"]);
    check("%%8205", &["Initiator"]);
    check("%%8202", &["Sent first (SA) payload", "never answered"]);
    check("547", &["An IKE negotiation failed", "It proves", "It does not prove", "What to do"]);
    check("0xC00010BC", &["event of IPSec", "that it was delivered"]);
    check("0xC0360007", &["ERROR_IPSEC_CLEAR_TEXT_DROP"]);
    check("809", &["remote access error", "UDP 500"]);
    plainsight().args(["explain", "4653", "nonsense"]).assert().code(2);
}
