//! What evidence can lengthen costs in proportion: twice as much of it at most 2.3 times the instructions and
//! the memory, and a window at most 5 kB of report.

use crate::support::costly::{Kind, capture, rotated};
use crate::support::program::plainsight;
use crate::support::tool_is_there;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packets of the shorter capture, many enough that what a run costs anyway counts little.
const N: u32 = 400;
const MOST_GROWTH: f64 = 2.3;

fn put(path: PathBuf, bytes: &[u8]) -> PathBuf {
    std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), bytes).unwrap();
    path
}

/// The arguments of a run on one thread.
fn arguments(capture: &Path, out: &Path) -> Vec<String> {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut all = vec!["analyze".to_owned(), text(capture), "--out".to_owned(), text(out)];
    let more = ["--threads", "1", "--no-hash", "-q", "--protect", "0.0.0.0/0=0.0.0.0/0"];
    all.extend(more.map(str::to_owned));
    all
}

/// Instructions of an analysis.
fn instructions(folder: &Path, kind: Kind, n: u32) -> f64 {
    let capture = put(folder.join(format!("{n}.pcap")), &capture(kind, n));
    counted(arguments(&capture, &folder.join(format!("{n}.report"))))
}

/// Instructions of a run, as callgrind counts them.
fn counted(arguments: Vec<String>) -> f64 {
    let mut run = Command::new("valgrind");
    run.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    run.arg(assert_cmd::cargo::cargo_bin("plainsight"));
    run.args(arguments);
    let output = run.output().unwrap();
    let reported = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 3 | 4)), "{reported}");
    let count = reported.lines().find_map(|line| line.split_once("Collected : "));
    let count = count.unwrap_or_else(|| panic!("no count: {reported}")).1;
    count.trim().parse().unwrap()
}

#[test]
fn twice_the_evidence_costs_at_most_little_more_than_twice_the_instructions() {
    if !tool_is_there("valgrind", "valgrind") {
        return;
    }
    // What a run costs before the first packet grows with nothing.
    let folder = tempfile::tempdir().unwrap();
    let anyway = instructions(folder.path(), Kind::Pairs, 0);
    let grows = |kind: Kind| {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = [N, 2 * N].map(|n| instructions(folder.path(), kind, n) - anyway);
        assert!(two <= MOST_GROWTH * one, "{kind:?}: {one} and {two} instructions");
    };
    // Callgrind runs on one core, and other tests have ended by then.
    std::thread::scope(|scope| {
        let (some, others) = Kind::ALL.split_at(Kind::ALL.len() / 2);
        scope.spawn(|| some.iter().for_each(|kind| grows(*kind)));
        others.iter().for_each(|kind| grows(*kind));
    });
}

/// Each pair asked every rule: `compare`, which infers a rule for each pair of the first side, took 62 s for 25,000
/// pairs, and 5,000 rules of a policy with 100,000 pairs took 22 s.
#[test]
fn regression_twice_the_pairs_under_twice_the_rules_cost_little_more_than_twice_the_instructions() {
    if !tool_is_there("valgrind", "valgrind") {
        return;
    }
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let compare = |_: &Path, capture: &Path, _: u32| {
        [words(&["compare", "--json"]), vec![text(capture), text(capture)]].concat()
    };
    let policy = |folder: &Path, capture: &Path, n: u32| {
        let rule = |k: u32| {
            let [a, b] = [0x0a00_0000 + k, 0x0b00_0000 + k].map(std::net::Ipv4Addr::from);
            format!("[[protect]]\nbetween = [\"{a}\", \"{b}\"]\n")
        };
        let rules: String = (0..n).map(rule).collect();
        let file = put(folder.join("policy.toml"), rules.as_bytes());
        let more = words(&["--threads", "1", "--no-hash", "-q"]);
        let out = text(&folder.join("report"));
        [
            words(&["analyze"]),
            vec![text(capture), "--policy".to_owned(), text(&file), "--out".to_owned(), out],
            more,
        ]
        .concat()
    };
    type Arguments<'a> = &'a dyn Fn(&Path, &Path, u32) -> Vec<String>;
    for (name, arguments) in [("compare", &compare as Arguments<'_>), ("policy", &policy)] {
        let cost = |n: u32| {
            let folder = tempfile::tempdir().unwrap();
            let capture = put(folder.path().join("capture.pcap"), &capture(Kind::Pairs, n));
            counted(arguments(folder.path(), &capture, n))
        };
        let anyway = cost(0);
        let (one, two) = (cost(N) - anyway, cost(2 * N) - anyway);
        assert!(two <= MOST_GROWTH * one, "{name}: {one} and {two} instructions");
    }
}

/// The most memory that a run had, in KiB.
#[cfg(target_os = "linux")]
fn peak(folder: &Path, kind: Kind, n: u32) -> f64 {
    let capture = put(folder.join(format!("{n}.pcap")), &capture(kind, n));
    let mut run = Command::new(assert_cmd::cargo::cargo_bin("plainsight"));
    run.args(arguments(&capture, &folder.join(format!("{n}.report"))));
    peak_of(run)
}

/// The most memory that a run has, in KiB.
#[cfg(target_os = "linux")]
pub(crate) fn peak_of(mut run: Command) -> f64 {
    run.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = run.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0.0_f64;
    while child.try_wait().unwrap().is_none() {
        let reported = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = reported.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(peak.unwrap_or_default());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    most
}

#[cfg(target_os = "linux")]
#[test]
fn twice_the_evidence_takes_at_most_little_more_than_twice_the_memory() {
    for kind in Kind::ALL {
        let folder = tempfile::tempdir().unwrap();
        let n = 10 * N;
        let anyway = peak(folder.path(), kind, 0);
        let one = peak(folder.path(), kind, n) - anyway;
        let two = peak(folder.path(), kind, 2 * n) - anyway;
        // Some mebibytes are buffers, whatever the evidence.
        let most = MOST_GROWTH * one.max(4_096.0);
        assert!(two <= most, "{kind:?}: {one} and {two} KiB beyond {anyway}");
    }
}

/// Bytes of a report for each of its windows.
fn bytes_a_window(kind: Kind, n: u32) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let capture = put(folder.path().join("capture.pcap"), &capture(kind, n));
    let out = folder.path().join("report");
    plainsight().args(arguments(&capture, &out)).assert().code(0);
    let report = crate::support::program::report_in(&out);
    let files = std::fs::read_dir(&out).unwrap().map(|file| file.unwrap());
    let size: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
    let windows = report.windows.len() as u64;
    assert!(windows >= u64::from(n), "{windows}");
    size / windows
}

#[test]
fn a_window_takes_at_most_five_kilobytes_of_report() {
    for n in [2 * N, 4 * N] {
        let bytes = bytes_a_window(Kind::Windows, n);
        assert!(bytes <= 5_000, "{bytes} bytes a window");
    }
}

/// It took 10.7 kB: the entries of report.json were indented, and cells of the tables named what was empty.
#[test]
fn regression_a_pair_with_a_window_takes_at_most_seven_kilobytes_of_report() {
    let bytes = bytes_a_window(Kind::Pairs, 20 * N);
    assert!(bytes <= 7_000, "{bytes} bytes a window");
}

/// What each file showed of a security association was sought in all files: a thousand summaries took 4.3 s, ten
/// thousand 147 s.
#[test]
fn regression_twice_the_summaries_of_one_capture_cost_little_more_than_twice_the_instructions() {
    if !tool_is_there("valgrind", "valgrind") {
        return;
    }
    let cost = |files: u32| {
        let folder = tempfile::tempdir().unwrap();
        let [captures, summaries] = ["captures", "summaries"].map(|name| folder.path().join(name));
        std::fs::create_dir(&captures).unwrap();
        for file in 0..files {
            put(captures.join(format!("{file:05}.pcap")), &rotated(file));
        }
        plainsight().args(["summarize", "--out"]).args([&summaries, &captures]).assert().code(0);
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut arguments = vec!["correlate".to_owned(), text(&summaries)];
        arguments.extend(["--format", "json", "-q", "--out"].map(str::to_owned));
        arguments.push(text(&folder.path().join("report")));
        counted(arguments)
    };
    let anyway = cost(1);
    let (one, two) = (cost(N / 4) - anyway, cost(N / 2) - anyway);
    assert!(two <= MOST_GROWTH * one, "{one} and {two} instructions");
}
