//! `--carve` and the lines for tshark: the packets behind a finding, as they are in the original.

use crate::support::netmon::{Record, netmon, snoop};
use crate::support::pcapng::{Order, interface, packet, pcap, section};
use crate::support::program::{plainsight, report_in};
use crate::support::tool_is_there;
use plainsight::analysis::{AgainError, Request, Unwatched, Watch, analyze_sequentially};
use plainsight::carve::{Carving, Reach, carve};
use plainsight::policy::Policy;
use plainsight::report::schema::{Manifest, Report};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn write(path: &Path, bytes: &[u8]) {
    fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

/// An Ethernet frame with a UDP datagram from `10.0.0.1` to `10.0.0.2`.
fn clear_frame(number: u8) -> Vec<u8> {
    let mut frame = Vec::new();
    etherparse::PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(40_000, 9_000)
        .write(&mut frame, &[number; 33])
        .unwrap();
    frame
}

/// Runs `analyze PATH --carve…` in a folder of its own; the report is in `report` there.
fn carved(path: &Path, options: &[&str]) -> (TempDir, PathBuf, Report) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let mut command = plainsight();
    command.arg("analyze").arg(path).arg("--out").arg(&out).args(options);
    let output = command.output().unwrap();
    let status = output.status.code().unwrap();
    assert!(matches!(status, 0 | 3), "{status}: {}", String::from_utf8_lossy(&output.stderr));
    let report = report_in(&out);
    (folder, out, report)
}

/// A carved file for each finding, by the finding's id.
fn carved_files(out: &Path) -> BTreeMap<String, PathBuf> {
    // Where no finding cites a frame there is none.
    let entries = fs::read_dir(out.join("evidence")).into_iter().flatten();
    let entries = entries.map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect()
}

/// Evidence id and frame number of every packet of a carved file, from its comments.
fn origins(path: &Path) -> Vec<(String, u64)> {
    let mut frames = 0;
    let bytes = fs::read(path).unwrap();
    let outline = plainsight::capture::read_pcapng(&bytes[..], &mut |_| {
        frames += 1;
        true
    })
    .unwrap();
    assert!(outline.problems.is_empty(), "{:?}", outline.problems);
    let comments = outline.notes.iter().filter(|note| note.place.to_string().starts_with("frame"));
    let origins: Vec<_> = comments.map(|note| origin(&note.text)).collect();
    assert_eq!(origins.len(), frames, "every packet says where it is from");
    origins
}

/// `finding F1 (code); evidence E1, SHA-256 …; frame 11`.
fn origin(comment: &str) -> (String, u64) {
    let after = |mark: &str| comment.split(mark).nth(1).unwrap();
    let evidence = after("; evidence ").split(',').next().unwrap().to_owned();
    (evidence, after("; frame ").parse().unwrap())
}

fn sixty_seconds() -> Vec<u8> {
    let frames: Vec<Vec<u8>> = (0..60).map(clear_frame).collect();
    let timed = frames.iter().zip(1_700_000_000..).map(|(frame, second)| (second, 5, &frame[..]));
    pcap(Order::Little, 0xa1b2_c3d4, &timed.collect::<Vec<_>>())
}

const DEMAND: [&str; 2] = ["--protect", "10.0.0.1=10.0.0.2"];

#[test]
fn edges_are_five_seconds_and_full_is_all_of_a_window() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("minute.pcap");
    write(&path, &sixty_seconds());
    let numbers = |option: &str| {
        let (_kept, out, report) = carved(&path, &[&DEMAND[..], &[option]].concat());
        assert_eq!(report.findings[0].code, "cleartext_window");
        let origins = origins(&carved_files(&out)["F1"]);
        origins.into_iter().map(|(_, frame)| frame).collect::<Vec<u64>>()
    };
    assert_eq!(numbers("--carve"), (1..=6).chain(55..=60).collect::<Vec<_>>());
    assert_eq!(numbers("--carve=edges"), numbers("--carve"));
    assert_eq!(numbers("--carve=full"), (1..=60).collect::<Vec<_>>());
}

#[test]
fn a_packet_names_its_finding_and_its_origin() {
    let sample = samples().join("psk_mismatch");
    let (_kept, out, report) = carved(&sample, &["--carve"]);
    let files = carved_files(&out);
    for finding in &report.findings {
        let cited = finding.evidence.iter().filter_map(|proof| {
            Some(proof.frames.as_ref()?.iter().map(|n| (proof.evidence.clone(), *n)))
        });
        let cited: BTreeSet<(String, u64)> = cited.flatten().collect();
        let Some(path) = files.get(&finding.id) else {
            assert!(cited.is_empty(), "{} cites frames and has no capture", finding.id);
            continue;
        };
        let held: BTreeSet<_> = origins(path).into_iter().collect();
        assert!(held.is_superset(&cited), "{}: {cited:?} {held:?}", finding.id);
    }
    let text = fs::read(&files["F1"]).unwrap();
    let text = String::from_utf8_lossy(&text);
    let capture = report.evidence.iter().find(|file| file.kind == "capture").unwrap();
    let (id, digest) = (&capture.id, capture.sha256.as_ref().unwrap());
    let code = &report.findings[0].code;
    let comment = format!("finding F1 ({code}); evidence {id}, SHA-256 {digest}; frame ");
    assert!(text.contains(&comment), "{comment}");
}

#[test]
fn the_negotiations_that_explain_a_window_are_carved_whole() {
    let (_kept, out, report) = carved(&samples().join("psk_mismatch"), &["--carve"]);
    let window = report.findings.iter().find(|f| f.code == "cleartext_window").unwrap();
    let held = origins(&carved_files(&out)[&window.id]);
    let causes = report.windows.iter().flat_map(|w| &w.causes).flat_map(|c| &c.refs);
    let cited: BTreeSet<&String> = causes.filter(|r| r.starts_with('X')).collect();
    assert!(!cited.is_empty());
    for exchange in report.ike_exchanges.iter().filter(|x| cited.contains(&x.id)) {
        for step in &exchange.ladder {
            let frame = (step.frame.evidence.clone(), step.frame.frame);
            assert!(held.contains(&frame), "{} lacks {frame:?}", window.id);
        }
    }
}

#[test]
fn what_was_carved_is_part_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("minute.pcap");
    write(&path, &sixty_seconds());
    let (_kept, out, _) = carved(&path, &[&DEMAND[..], &["--carve"]].concat());
    let verify = || plainsight().arg("verify").arg(&out).output().unwrap().status.code().unwrap();
    let again = |options: &[&str]| {
        let mut command = plainsight();
        command.arg("analyze").arg(&path).arg("--out").arg(&out).args(DEMAND).args(options);
        command.output().unwrap().status.code().unwrap()
    };
    let manifest: Manifest =
        serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert!(manifest.outputs.iter().any(|output| output.name == "evidence/F1.pcapng"));
    assert_eq!(manifest.options.carve.as_deref(), Some("edges"));
    assert_eq!(verify(), 0);
    write(&out.join("evidence/more.pcapng"), b"foreign");
    assert_eq!(verify(), 5, "a file that the manifest does not know");
    assert_eq!(again(&["--force"]), 2, "what is not ours is not replaced");
    fs::remove_file(out.join("evidence/more.pcapng")).unwrap();
    let carved = out.join("evidence/F1.pcapng");
    let original = fs::read(&carved).unwrap();
    let mut changed = original.clone();
    *changed.last_mut().unwrap() ^= 1;
    write(&carved, &changed);
    assert_eq!(verify(), 5, "a bit of a carved packet");
    assert_eq!(again(&["--force"]), 0);
    assert!(!out.join("evidence").exists(), "without --carve nothing is carved");
}

#[test]
fn a_manifest_does_not_lead_out_of_the_folder() {
    let (_kept, out, _) = carved(&samples().join("no_ipsec"), &["--carve"]);
    let path = out.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    for name in ["evidence/../../x", "../x", "/etc/passwd", "evidence//etc/passwd", "other/x"] {
        write(&path, text.replace("\"report.html\"", &format!("\"{name}\"")).as_bytes());
        let output = plainsight().arg("verify").arg(&out).output().unwrap();
        let reported = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(5));
        assert!(reported.contains("names it with a path"), "{name}: {reported}");
    }
}

#[test]
fn threads_change_no_byte_of_what_is_carved() {
    let digests = |threads: &str| {
        let (_kept, out, _) = carved(&samples(), &["--carve=full", "--threads", threads]);
        let text = fs::read(out.join("manifest.json")).unwrap();
        let manifest: Manifest = serde_json::from_slice(&text).unwrap();
        manifest.outputs.into_iter().map(|o| (o.name, o.sha256)).collect::<BTreeMap<_, _>>()
    };
    let one = digests("1");
    assert!(one.keys().any(|name| name.starts_with("evidence/")));
    assert_eq!(digests("2"), one);
    assert_eq!(digests("8"), one);
}

#[test]
fn standard_input_comes_once() {
    let mut command = plainsight();
    command.args(["analyze", "-", "--carve", "--out", "nowhere"]);
    let output = command.write_stdin(sixty_seconds()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("save it to a file first"));
}

#[test]
fn evidence_that_changed_meanwhile_is_not_carved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("minute.pcap");
    let mut policy = Policy::default();
    policy.protect("10.0.0.1/32".parse().unwrap(), "10.0.0.2/32".parse().unwrap(), "a=b");
    for hash in [true, false] {
        write(&path, &sixty_seconds());
        let request = Request { hash, ..Request::of(vec![path.clone()], policy.clone()) };
        let analysis = analyze_sequentially(&request, &Unwatched).unwrap();
        let carve = || {
            let carving = Carving { analysis: &analysis, request: &request, reach: Reach::Edges };
            carve(carving, &Unwatched, &mut |_, _| Ok(()))
        };
        carve().unwrap();
        let mut changed = sixty_seconds();
        // Another byte shows where there is a digest, another length in any case.
        if hash {
            *changed.last_mut().unwrap() ^= 1
        } else {
            changed.push(0)
        }
        write(&path, &changed);
        assert!(matches!(carve(), Err(AgainError::Changed(_))));
        fs::remove_file(&path).unwrap();
        assert!(matches!(carve(), Err(AgainError::Unreadable { .. })));
    }
}

/// Ends everything as soon as it is asked.
struct Impatient;

impl Watch for Impatient {
    fn expects(&self, _files: usize, _bytes: u64) {}
    fn advanced(&self, _bytes: u64) {}
    fn is_cancelled(&self) -> bool {
        true
    }
}

#[test]
fn carving_ends_when_it_is_cancelled() {
    let request = Request::of(vec![samples().join("psk_mismatch")], Policy::default());
    let analysis = analyze_sequentially(&request, &Unwatched).unwrap();
    let carving = Carving { analysis: &analysis, request: &request, reach: Reach::Full };
    let ended = carve(carving, &Impatient, &mut |_, _| Ok(()));
    assert!(matches!(ended, Err(AgainError::Cancelled(_))));
}

/// What tshark shows of a frame.
#[derive(Debug, PartialEq, Eq)]
struct Comment {
    epoch: String,
    wire_len: String,
    captured_len: String,
    hex: String,
}

fn tshark(arguments: &[&str], path: &Path) -> String {
    let output = Command::new("tshark")
        .env("TZ", "UTC")
        .arg("-r")
        .arg(path)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Number, comment, and what it shows of each frame, in order.
fn commented(path: &Path) -> Vec<(u64, String, Comment)> {
    let fields = "-T fields -E separator=| -e frame.number -e frame.time_epoch -e frame.len -e frame.cap_len -e frame.comment";
    let fields = tshark(&fields.split(' ').collect::<Vec<_>>(), path);
    let raw = tshark(&["-T", "jsonraw", "-J", "frame"], path);
    let raw: serde_json::Value = serde_json::from_str(&raw).unwrap();
    let raw = raw.as_array().unwrap();
    assert_eq!(fields.lines().count(), raw.len());
    let frames = fields.lines().zip(raw).map(|(line, raw)| {
        let cells: Vec<&str> = line.splitn(5, '|').collect();
        let hex = raw["_source"]["layers"]["frame_raw"][0].as_str().unwrap().to_owned();
        let reported = Comment {
            epoch: cells[1].to_owned(),
            wire_len: cells[2].to_owned(),
            captured_len: cells[3].to_owned(),
            hex,
        };
        (cells[0].parse().unwrap(), cells[4].to_owned(), reported)
    });
    frames.collect()
}

/// Every carved frame is its original, by tshark; gives how many there were.
fn same_in_tshark(out: &Path, report: &Report) -> usize {
    let originals: BTreeMap<&str, BTreeMap<u64, Comment>> = report
        .evidence
        .iter()
        .filter(|file| file.kind == "capture")
        .map(|file| {
            let frames = commented(Path::new(&file.path)).into_iter();
            (file.id.as_str(), frames.map(|(number, _, reported)| (number, reported)).collect())
        })
        .collect();
    let mut compared = 0;
    for path in carved_files(out).values() {
        for (_, comment, reported) in commented(path) {
            let (evidence, frame) = origin(&comment);
            assert_eq!(reported, originals[evidence.as_str()][&frame], "{comment}");
            compared += 1;
        }
    }
    compared
}

/// Each line for tshark shows the frames that are cited, and exactly those that `--carve=full` wrote.
fn lines_show_what_was_carved(out: &Path, report: &Report) {
    let files = carved_files(out);
    for finding in &report.findings {
        let held = files.get(&finding.id).map(|path| origins(path)).unwrap_or_default();
        let cited = finding.evidence.iter().filter(|proof| proof.frames.is_some());
        assert!(finding.tshark.len() >= cited.count(), "{}", finding.id);
        for line in &finding.tshark {
            let captures = report.evidence.iter().filter(|file| file.kind == "capture");
            let name = |path: &str| path.rsplit('/').next().unwrap().replace('\'', r"'\''");
            let file = captures.filter(|file| line.contains(&name(&file.path)));
            let file = file.max_by_key(|file| file.path.len()).unwrap();
            let mut shell = Command::new("sh");
            shell.env("TZ", "UTC").arg("-c").arg(format!("{line} -T fields -e frame.number"));
            let output = shell.output().unwrap();
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{line}: {words}");
            let shown = String::from_utf8(output.stdout).unwrap();
            let shown: BTreeSet<u64> = shown.lines().map(|n| n.parse().unwrap()).collect();
            let proofs = finding.evidence.iter().filter(|proof| proof.evidence == file.id);
            for frame in proofs.filter_map(|proof| proof.frames.as_ref()).flatten() {
                assert!(shown.contains(frame), "{}: {line} lacks {frame}", finding.id);
            }
            let held = held.iter().filter(|(id, _)| *id == file.id).map(|(_, frame)| *frame);
            assert_eq!(shown, held.collect(), "{}: {line}", finding.id);
        }
    }
}

#[test]
fn tshark_reads_the_carved_frames_as_it_reads_the_originals() {
    if !tool_is_there("tshark", "tshark") {
        return;
    }
    let mut compared = 0;
    for sample in crate::support::samples::folders(&samples()) {
        let (_kept, out, report) = carved(&sample, &["--carve=full"]);
        compared += same_in_tshark(&out, &report);
        lines_show_what_was_carved(&out, &report);
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn every_format_and_any_path_is_carved_as_tshark_reads_it() {
    if !tool_is_there("tshark", "tshark") {
        return;
    }
    let frames: Vec<Vec<u8>> = (0..4).map(clear_frame).collect();
    let timed = |fraction: u32| -> Vec<(u32, u32, &[u8])> {
        frames.iter().zip(1_700_000_000..).map(|(frame, s)| (s, fraction, &frame[..])).collect()
    };
    let nanoseconds = pcap(Order::Big, 0xa1b2_3c4d, &timed(123_456_789));
    let mut many = section(Order::Big);
    // Thousandths, and 2^20 parts of a second; the second section counts its interfaces anew.
    many.extend(interface(Order::Big, 96, &[(9, vec![3]), (2, b"slow".to_vec())]));
    many.extend(interface(Order::Big, 0, &[(9, vec![0x80 | 20]), (2, b"binary".to_vec())]));
    many.extend(packet(Order::Big, 0, 1_700_000_000_123, &frames[0]));
    many.extend(packet(Order::Big, 1, (1_700_000_001 << 20) + 77_777, &frames[1]));
    many.extend(section(Order::Little));
    many.extend(interface(Order::Little, 0, &[(9, vec![9])]));
    many.extend(packet(Order::Little, 0, 1_700_000_002_000_000_001, &frames[2]));
    let packed = {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(&nanoseconds).unwrap();
        writer.finish().unwrap()
    };
    let bzip2 = {
        let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        writer.write_all(&nanoseconds).unwrap();
        writer.finish().unwrap()
    };
    let records: Vec<Record> =
        frames.iter().zip(0..).map(|(f, at)| Record::of(at * 7_000, f)).collect();
    let of_snoop: Vec<(u32, u32, u32, &[u8])> =
        frames.iter().zip(1_700_000_000..).map(|(f, s)| (s, 3, 0, &f[..])).collect();
    for (name, bytes) in [
        ("it's $(touch x); \"a\" `b`.pcap", nanoseconds),
        ("many.pcapng", many),
        ("packed.pcap.gz", packed),
        ("old.snoop", snoop(&of_snoop)),
        ("netmon.cap", netmon((2, 0), &records, &[0, 1, 2, 3])),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        write(&path, &bytes);
        let (_kept, out, report) = carved(&path, &[&DEMAND[..], &["--carve=full"]].concat());
        assert_eq!(report.findings[0].code, "cleartext_window", "{name}");
        assert!(same_in_tshark(&out, &report) >= 3, "{name}");
        lines_show_what_was_carved(&out, &report);
    }
    // What tshark does not unpack itself.
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("packed.bz2"), &bzip2);
    let (_kept, out, report) = carved(folder.path(), &[&DEMAND[..], &["--carve=full"]].concat());
    assert!(report.findings[0].tshark[0].starts_with("bzip2 -dc -- "));
    assert_eq!(origins(&carved_files(&out)["F1"]).len(), 4);
}
