//! `summarize` and `correlate` as users run them: the report is that of `analyze` to the byte.

#![allow(clippy::disallowed_methods, reason = "the test writes what the program shall read")]

use crate::support::program::{plainsight, report_in};
use plainsight::report::schema::Report;
use plainsight::summary::SummaryFile;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

const FORMATS: [&str; 2] = ["--format", "json,csv,html,timesketch,ecs,parquet"];

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Everything that does not show when and how the program was called.
fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files =
        entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap()));
    files.filter(|(name, _)| name != "manifest.json").collect()
}

fn run(command: &str, inputs: &[PathBuf], out: &Path, options: &[&str]) -> Output {
    let mut program = plainsight();
    program.arg(command).args(inputs).arg("--out").arg(out).args(options);
    program.output().unwrap()
}

fn ran(command: &str, inputs: &[PathBuf], out: &Path, options: &[&str]) -> i32 {
    let output = run(command, inputs, out, options);
    let status = output.status.code().unwrap();
    let reported = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(status, 0 | 3 | 4), "{command}: {status}: {reported}");
    status
}

/// What ends with a usage error: what it says.
fn refused(command: &str, inputs: &[PathBuf], out: &Path, options: &[&str]) -> String {
    let output = run(command, inputs, out, options);
    let reported = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{reported}");
    assert!(reported.contains("hint: "), "{reported}");
    reported
}

fn summaries_in(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The reports of `analyze` and of `correlate` under a policy: from one summary, and from one for
/// each file in reverse order.
fn compare(paths: &[PathBuf], reading: &[&str], judging: &[&str]) {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let judging = [judging, &FORMATS].concat();
    let status = ran("analyze", paths, &at("analyzed"), &[reading, &judging].concat());
    let expected = files_of(&at("analyzed"));
    assert_eq!(expected.len(), 14);
    ran("summarize", paths, &at("all.summary"), reading);
    ran("summarize", paths, &at("each"), reading);
    let mut each = summaries_in(&at("each"));
    each.reverse();
    for (name, summaries) in [("one", vec![at("all.summary")]), ("many", each)] {
        assert_eq!(ran("correlate", &summaries, &at(name), &judging), status);
        let found = files_of(&at(name));
        for (file, bytes) in &expected {
            assert!(found.get(file) == Some(bytes), "{paths:?} {judging:?}: {name}/{file} differs");
        }
        assert_eq!(found.len(), expected.len());
    }
}

/// The summary of one file in a folder of them.
fn holding(folder: &Path, name: &str) -> PathBuf {
    let all = summaries_in(folder);
    let holds = |path: &PathBuf| {
        let file = SummaryFile::read("", fs::read(path).unwrap()).unwrap();
        file.held().any(|member| member.path.ends_with(name))
    };
    all.into_iter().find(holds).unwrap()
}

fn policy(place: &Path, text: &str) -> String {
    let path = place.join("other.toml");
    fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn every_sample_gives_the_same_bytes_by_way_of_its_summaries() {
    for sample in crate::support::samples::folders(&samples()) {
        compare(std::slice::from_ref(&sample), &[], &[]);
        let own = sample.join("policy.toml");
        if own.is_file() {
            compare(&[sample], &[], &["--policy", own.to_str().unwrap(), "--gap", "2s"]);
        }
    }
}

#[test]
fn another_policy_needs_no_evidence() {
    let place = folder();
    let other = policy(
        place.path(),
        "default_exemptions = \"windows-2000\"\n\
         [[exempt]]\nbetween = [\"any\", \"any\"]\nprotocol = \"tcp\"\nport = 445\n\
         [[exempt]]\nbetween = [\"any\", \"any\"]\nprotocol = \"udp\"\nport = 1022\n\
         [[protect]]\nbetween = [\"any\", \"any\"]\nlevel = \"encrypt\"\n",
    );
    compare(&[samples()], &[], &["--policy", &other, "--protect", "10.0.0.0/8=10.0.0.0/8"]);
}

#[test]
fn what_is_asked_of_reading_is_kept() {
    let sample = samples().join("psk_mismatch");
    let file = sample.join("capture.pcap");
    let whole = crate::support::program::analyze(&[&file], &[]);
    let middle = whole.windows[0].start.clone();
    compare(
        std::slice::from_ref(&sample),
        &["--from", &middle, "--max-pairs", "7", "--no-hash"],
        &[],
    );
    compare(&[sample], &[], &["--clock-offset", "FS01-Security.evtx=+7m12s"]);
}

/// A policy that names a port nobody else names.
const RARE_PORT: &str = "[[exempt]]\nbetween = [\"any\", \"any\"]\nprotocol = \"tcp\"\nport = 9443\n\
                         [[protect]]\nbetween = [\"any\", \"any\"]\nlevel = \"encrypt\"\n";

#[test]
fn a_port_that_was_not_kept_apart_cannot_be_judged_by_itself() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let evidence = at("rare.pcap");
    fs::write(&evidence, rare_port_capture()).unwrap();
    let rare = policy(place.path(), RARE_PORT);
    let evidence = [evidence];
    ran("summarize", &evidence, &at("blind.summary"), &[]);
    let reported = refused("correlate", &[at("blind.summary")], &at("x"), &["--policy", &rare]);
    assert!(reported.contains("TCP port 9443") && reported.contains("--policy"), "{reported}");
    assert!(!at("x").exists());

    ran("summarize", &evidence, &at("seeing.summary"), &["--policy", &rare]);
    ran("correlate", &[at("seeing.summary")], &at("seen"), &["--policy", &rare]);
    ran("analyze", &evidence, &at("analyzed"), &["--policy", &rare]);
    assert!(files_of(&at("seen")) == files_of(&at("analyzed")));
    let exempt = report_in(&at("seen"));
    assert_eq!(exempt.totals.by_class.exempt.frames, 20);
    assert_eq!(exempt.windows[0].frames, 10);

    // Kept apart, and not asked for: as if it had not been.
    let strict = policy(place.path(), "[[protect]]\nbetween = [\"any\", \"any\"]\n");
    ran("correlate", &[at("seeing.summary")], &at("strict"), &["--policy", &strict]);
    ran("analyze", &evidence, &at("plain"), &["--policy", &strict]);
    let without_flows = |folder: &Path| -> Report {
        let mut report = report_in(folder);
        report.windows.iter_mut().for_each(|window| window.community_ids.clear());
        report
    };
    let (strict, plain) = (without_flows(&at("strict")), without_flows(&at("plain")));
    assert_eq!(strict.windows[0].frames, 30);
    let json = |report| plainsight::report::to_json(report).unwrap();
    assert!(json(&strict) == json(&plain));
}

/// Three conversations between ports above 1023, one of them on 9443.
fn rare_port_capture() -> Vec<u8> {
    let mut pcap = [0xa1b2_c3d4u32.to_le_bytes(), 0x0004_0002u32.to_le_bytes()].concat();
    pcap.extend([0; 8]);
    pcap.extend([65_535u32.to_le_bytes(), 101u32.to_le_bytes()].concat());
    for number in 0..30u32 {
        let port: u16 = if number % 3 == 0 { 40_001 } else { 9443 };
        let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet[4..6].copy_from_slice(&u16::try_from(number).unwrap().to_be_bytes());
        packet.extend(50_000u16.to_be_bytes());
        packet.extend(port.to_be_bytes());
        packet.extend((number * 8).to_be_bytes());
        packet.extend([0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0]);
        let micros = (number * 10_000).to_le_bytes();
        let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
        pcap.extend([1_700_000_000u32.to_le_bytes(), micros, length, length].concat());
        pcap.extend(packet);
    }
    pcap
}

#[test]
fn a_summary_that_was_expected_and_is_missing_is_named() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let sample = [samples().join("psk_mismatch")];
    ran("analyze", &sample, &at("whole"), &[]);
    ran("summarize", &sample, &at("each"), &[]);
    let whole = report_in(&at("whole"));
    let lost =
        whole.evidence.iter().find(|file| file.path.ends_with("FS01-Security.evtx")).unwrap();
    fs::remove_file(holding(&at("each"), "FS01-Security.evtx")).unwrap();
    assert_eq!(ran("correlate", &[at("each")], &at("report"), &[]), 3);
    let report = report_in(&at("report"));
    let paths = |report: &Report| -> Vec<(String, String)> {
        report.evidence.iter().map(|file| (file.id.clone(), file.path.clone())).collect()
    };
    assert_eq!(paths(&report), paths(&whole), "numbers stay");
    let named = report.evidence.iter().find(|file| file.id == lost.id).unwrap();
    assert_eq!(named.problems[0].code, "summary_missing");
    assert_eq!((&named.sha256, named.size_bytes), (&lost.sha256, lost.size_bytes));
    assert_eq!(named.coverage["summary_missing"].bytes, lost.size_bytes);
    assert!(report.log_events.iter().all(|event| event.evidence != lost.id));
}

#[test]
fn what_is_given_twice_counts_once() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let sample = samples().join("psk_mismatch");
    ran("summarize", &[sample.join("capture.pcap")], &at("capture.summary"), &[]);
    ran("summarize", std::slice::from_ref(&sample), &at("all.summary"), &[]);
    fs::copy(at("all.summary"), at("copy.summary")).unwrap();
    ran("correlate", &[at("all.summary"), at("copy.summary")], &at("copied"), &[]);
    ran("analyze", &[sample], &at("analyzed"), &[]);
    assert!(files_of(&at("copied")) == files_of(&at("analyzed")), "a copy says nothing new");

    let both = [at("all.summary"), at("capture.summary")];
    assert_eq!(ran("correlate", &both, &at("both"), &[]), 0);
    let (both, analyzed) = (report_in(&at("both")), report_in(&at("analyzed")));
    assert_eq!(both.totals.frames, analyzed.totals.frames);
    let twice: Vec<&str> = both
        .evidence
        .iter()
        .filter(|file| file.problems.iter().any(|p| p.code == "summarized_twice"))
        .map(|file| file.path.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(twice, ["capture.pcap"]);
}

#[test]
fn summaries_that_were_not_read_alike_are_not_mixed() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let sample = samples().join("psk_mismatch");
    ran("summarize", &[sample.join("capture.pcap")], &at("a.summary"), &[]);
    ran("summarize", &[sample.join("FS01-System.evtx")], &at("b.summary"), &["--no-hash"]);
    let reported = refused("correlate", &[at("a.summary"), at("b.summary")], &at("x"), &[]);
    assert!(reported.contains("--no-hash differs"), "{reported}");
    assert!(!at("x").exists());
}

#[test]
fn what_is_no_whole_summary_is_refused_with_what_to_do() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let capture = samples().join("healthy/capture.pcap");
    ran("summarize", std::slice::from_ref(&capture), &at("good.summary"), &[]);
    let good = fs::read(at("good.summary")).unwrap();
    let flipped = |place: usize| {
        let mut content = good.clone();
        content[place] ^= 1;
        content
    };
    let damaged = [
        (flipped(16), "layout 2"),
        (flipped(20), "its header says"),
        (flipped(40), "SHA-256"),
        (flipped(good.len() - 1), "SHA-256"),
        (good[..good.len() - 1].to_vec(), "its header says"),
        (good[..17].to_vec(), "its header says"),
        (good[..5].to_vec(), "is not a summary"),
        (Vec::new(), "is not a summary"),
        (fs::read(&capture).unwrap(), "is not a summary"),
        ([&good[..], b"\n"].concat(), "its header says"),
    ];
    for (content, expected) in damaged {
        fs::write(at("bad.summary"), content).unwrap();
        let reported = refused("correlate", &[at("bad.summary")], &at("x"), &[]);
        assert!(reported.contains(expected) && reported.contains("bad.summary"), "{reported}");
        assert!(!at("x").exists());
    }
    refused("correlate", &[at("absent.summary")], &at("x"), &[]);
}

#[test]
fn threads_and_the_order_of_inputs_change_no_byte_of_a_summary() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let mut paths = crate::support::samples::folders(&samples());
    ran("summarize", &paths, &at("one.summary"), &["--threads", "1"]);
    paths.reverse();
    ran("summarize", &paths, &at("eight.summary"), &["--threads", "8"]);
    assert!(fs::read(at("one.summary")).unwrap() == fs::read(at("eight.summary")).unwrap());
}

#[test]
fn nothing_that_stands_is_overwritten() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    let capture = [samples().join("healthy/capture.pcap")];
    fs::write(at("a.summary"), "mine").unwrap();
    fs::create_dir(at("full")).unwrap();
    fs::write(at("full/mine"), "mine").unwrap();
    refused("summarize", &capture, &at("a.summary"), &[]);
    refused("summarize", &capture, &at("full"), &[]);
    assert_eq!(fs::read(at("a.summary")).unwrap(), b"mine");
    assert_eq!(summaries_in(&at("full")).len(), 1);
}

#[test]
fn a_summary_beside_evidence_is_no_evidence() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    fs::copy(samples().join("healthy/capture.pcap"), at("capture.pcap")).unwrap();
    ran("summarize", &[at("capture.pcap")], &at("a.summary"), &[]);
    let out = folder();
    assert_eq!(ran("analyze", &[at("")], &out.path().join("report"), &[]), 0);
    let report = report_in(&out.path().join("report"));
    assert_eq!(report.evidence[0].problems[0].code, "not_evidence");
    assert_eq!(ran("analyze", &[at("a.summary")], &out.path().join("named"), &[]), 4);
    let named = report_in(&out.path().join("named"));
    assert!(named.evidence[0].problems[0].text.contains("plainsight correlate"));
}

#[test]
fn verify_holds_a_report_to_the_summaries_it_was_made_of() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    ran("summarize", &[samples().join("healthy")], &at("a.summary"), &[]);
    ran("correlate", &[at("a.summary")], &at("report"), &[]);
    let verify = || plainsight().arg("verify").arg(at("report")).output().unwrap();
    let reported = String::from_utf8(verify().stdout).unwrap();
    assert!(reported.contains("only summaries were read"), "{reported}");
    assert!(reported.contains(" 0 differ"), "{reported}");
    fs::write(at("a.summary"), "other").unwrap();
    assert_eq!(verify().status.code(), Some(5));
}
