//! Compressed evidence through the program: the same report as unpacked, accounted for, bounded.

use crate::support::evt_builder::{Header, evt};
use crate::support::netmon::{Record, netmon};
use crate::support::program::{analyze, analyze_status, plainsight, run_analyze};
use plainsight::report::schema::{Evidence, Report};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn sample(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)).unwrap()
}

fn folder_with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::File::create(folder.path().join(name)).unwrap().write_all(bytes).unwrap();
    }
    folder
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut packed = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

/// The problems, after it was made sure that the buckets add up.
fn problems(report: &Report) -> Vec<&str> {
    for file in &report.evidence {
        let covered: u64 = file.coverage.values().map(|extent| extent.bytes).sum();
        assert_eq!(covered, content_size(file), "{}", file.path);
    }
    let all = report.evidence.iter().flat_map(|file| &file.problems);
    all.map(|problem| problem.code.as_str()).collect()
}

fn content_size(file: &Evidence) -> u64 {
    file.packed.as_ref().map_or(file.size_bytes, |packed| packed.unpacked_bytes)
}

#[test]
fn a_compressed_capture_gives_the_same_as_the_capture() {
    let capture = sample("psk_mismatch/capture.pcap");
    for packed in
        [gzip(&capture), bzip2(&capture), [gzip(&capture[..999]), gzip(&capture[999..])].concat()]
    {
        let folder = folder_with(&[("capture.pcap.packed", &packed)]);
        let report = analyze(&[folder.path()], &[]);
        assert_eq!(problems(&report), [""; 0]);
        let file = &report.evidence[0];
        assert_eq!((file.format.as_str(), file.size_bytes), ("pcap", packed.len() as u64));
        let unpacked = file.packed.as_ref().unwrap();
        assert_eq!(unpacked.unpacked_bytes, capture.len() as u64);
        let digest = plainsight::evidence::sha256(&capture);
        assert_eq!(unpacked.unpacked_sha256.as_ref(), Some(&digest));
        assert_eq!(file.sha256, Some(plainsight::evidence::sha256(&packed)));
        let window = &report.windows[0];
        assert_eq!((window.first.frame, window.last.frame), (11, 185));
    }
}

#[test]
fn a_capture_beside_its_compressed_copy_counts_once() {
    let capture = sample("healthy/capture.pcap");
    let folder = folder_with(&[("a.pcap", &capture), ("b.pcap.gz", &gzip(&capture))]);
    let report = analyze(&[folder.path()], &[]);
    assert_eq!((problems(&report), report.totals.frames), (vec!["duplicate"], 220));
}

#[test]
fn a_cut_compressed_capture_is_read_up_to_the_cut() {
    let packed = gzip(&sample("psk_mismatch/capture.pcap"));
    let folder = folder_with(&[("cut.pcap.gz", &packed[..packed.len() - 400])]);
    let report = analyze(&[folder.path()], &[]);
    let reported = problems(&report);
    assert!(
        !reported.is_empty() && reported.iter().all(|code| *code == "truncated"),
        "{reported:?}"
    );
    assert!(report.totals.frames > 50, "{}", report.totals.frames);
    let file = &report.evidence[0];
    assert_eq!(file.packed.as_ref().unwrap().unpacked_sha256, None);
    assert!(file.truncated_at.is_some() && file.sha256.is_some());
    assert_eq!(analyze_status(&[folder.path()], &[]), 3);
}

#[test]
fn compressed_logs_and_network_monitor_files_are_read() {
    let frame = [&[2; 12][..], &[0x08, 0x06], &[0; 46]].concat();
    let file = netmon((2, 0), &[Record::of(1, &frame), Record::of(2, &frame)], &[0, 1]);
    let log = evt(&[], Header::Clean, &[]);
    let folder = folder_with(&[("file.cap.gz", &gzip(&file)), ("log.evt.bz2", &bzip2(&log))]);
    let report = analyze(&[folder.path()], &[]);
    let formats: Vec<&str> = report.evidence.iter().map(|file| file.format.as_str()).collect();
    assert_eq!(formats, ["netmon2", "evt"]);
    assert_eq!((problems(&report), report.totals.frames), (vec!["local_time"], 2));
}

#[test]
fn what_is_not_unpacked_is_named_with_the_remedy() {
    let twice = gzip(&bzip2(b"some bytes"));
    let folder = folder_with(&[
        ("a.pcap.gz.bz2", &twice),
        ("c.gz", &gzip(b"")),
        ("d.gz", &gzip(b"a note\n")),
        ("e.gz", &gzip(b"\x7fELF\x02\x01\x01\0")),
    ]);
    let (output, report) = run_analyze(&[folder.path()], &[]);
    let report = crate::support::program::report_in(&report.path().join("report"));
    assert_eq!(
        problems(&report),
        ["unsupported_format", "empty", "not_evidence", "unknown_format"]
    );
    let reported = String::from_utf8(output.stderr).unwrap();
    assert!(reported.contains("bunzip2 -k FILE"), "{reported}");
}

#[test]
fn a_window_beyond_the_bound_is_refused_with_the_remedy() {
    // The header of a stream whose one block wants a dictionary of 4 GiB (.xz 1.1, sections 2.1.1
    // and 3.1; both with their CRC32), packed by hand.
    let mut stream = vec![0xfd, b'7', b'z', b'X', b'Z', 0, 0, 1, 0x69, 0x22, 0xde, 0x36];
    stream.extend([2, 0, 0x21, 1, 40, 0, 0, 0]);
    stream.extend(CRC_OF_BLOCK_HEADER);
    stream.extend([0; 64]);
    let folder = folder_with(&[("capture.pcap.xz", &stream)]);
    let (output, report) = run_analyze(&[folder.path()], &[]);
    let report = crate::support::program::report_in(&report.path().join("report"));
    let reported = String::from_utf8(output.stderr).unwrap();
    assert_eq!(problems(&report), ["unsupported_format"], "{reported}");
    assert!(reported.contains("unxz -k FILE"), "{reported}");
}

#[test]
fn inspect_names_the_packing() {
    let packed = gzip(&sample("healthy/capture.pcap"));
    let folder = folder_with(&[("capture.pcap.gz", &packed)]);
    let path: &Path = &folder.path().join("capture.pcap.gz");
    let output = plainsight().arg("inspect").arg(path).output().unwrap();
    let reported = String::from_utf8(output.stdout).unwrap();
    assert!(reported.contains("pcap") && reported.contains("(gzip, "), "{reported}");
}

const CRC_OF_BLOCK_HEADER: [u8; 4] = [0xe6, 0xa0, 0x11, 0xb3];

#[test]
fn references_stay_when_a_file_is_packed() {
    let files = ["psk_mismatch/capture.pcap", "psk_mismatch/FS01-Security.evtx"].map(sample);
    let [capture, log] = &files;
    let plain = folder_with(&[("capture.pcap", capture), ("Security.evtx", log)]);
    let packed =
        folder_with(&[("capture.pcap.gz", &gzip(capture)), ("Security.evtx.bz2", &bzip2(log))]);
    let references = |report: &Report| {
        let findings = report.findings.iter().map(|f| (f.code.clone(), f.stable_id.clone()));
        let windows = report.windows.iter().map(|w| ("window".to_owned(), w.key.clone()));
        let files = report.evidence.iter().map(|e| ("file".to_owned(), e.key.clone().unwrap()));
        let mut all: Vec<(String, String)> = findings.chain(windows).chain(files).collect();
        all.sort();
        all
    };
    let (plain, packed) = (analyze(&[plain.path()], &[]), analyze(&[packed.path()], &[]));
    assert!(plain.findings.len() > 1 && plain.windows.len() == 1);
    assert_eq!(references(&plain), references(&packed));
}
