//! The same evidence gives the same bytes: for any number of threads, any order of the inputs, and
//! on one thread without the pool.

use crate::support::pcapng::{self, Order};
use crate::support::program::{analyze, plainsight};
use crate::support::truth;
use etherparse::PacketBuilder;
use plainsight::policy::Policy;
use plainsight::report::schema::Report;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::slice;

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap()))
        // The manifest alone shows the time of the run.
        .filter(|(name, _)| name != "manifest.json")
        .collect()
}

fn analyzed(paths: &[PathBuf], threads: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let mut command = plainsight();
    command.arg("analyze").args(paths).arg("--out").arg(&out).args(["--threads", threads]);
    command.args(["--format", "json,csv,html,timesketch,ecs,parquet"]);
    command.assert().code(0);
    files_of(&out)
}

#[test]
fn threads_and_the_order_of_inputs_change_no_byte() {
    let mut paths = crate::support::samples::folders(&samples());
    let one = analyzed(&paths, "1");
    assert_eq!(one.len(), 14, "{:?}", one.keys());
    for threads in ["2", "8"] {
        assert!(analyzed(&paths, threads) == one, "{threads} threads");
    }
    paths.reverse();
    assert!(analyzed(&paths, "3") == one, "inputs in another order");
}

#[test]
fn a_report_survives_being_read_and_written_again() {
    let report = truth::report(vec![samples()], Policy::default());
    let first = plainsight::report::to_json(&report).unwrap();
    let again: Report = serde_json::from_slice(&first).unwrap();
    assert!(plainsight::report::to_json(&again).unwrap() == first);
}

/// A datagram between two hosts of 10.0.0.0/24.
fn datagram(from: u8, to: u8, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        .udp(40_000, 50_000);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// Anyone who looks for records by their likeness finds eight in every payload here.
#[test]
fn records_inside_payloads_are_no_records() {
    let faked = datagram(8, 9, b"between hosts that do not exist");
    let whole = pcapng::pcap(Order::Little, 0xa1b2_c3d4, &[(1_000, 0, faked.as_slice()); 8]);
    let frame = datagram(1, 2, &whole[24..]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faked.pcap");
    let frames: Vec<_> = (0..8000).map(|n| (1_000 + n / 100, n, frame.as_slice())).collect();
    let file = pcapng::pcap(Order::Little, 0xa1b2_c3d4, &frames);
    assert!(file.len() > 4 << 20, "large enough for several threads");
    fs::File::create(&path).unwrap().write_all(&file).unwrap();
    let report = analyze(&[&path], &["--threads", "8"]);
    assert_eq!(report.evidence[0].records, 8000);
    assert!(report.evidence[0].problems.is_empty(), "{:?}", report.evidence[0].problems);
    let pairs: Vec<_> = report.pairs.iter().map(|pair| (&*pair.a, &*pair.b)).collect();
    assert_eq!(pairs, [("10.0.0.1", "10.0.0.2")]);
    let one = analyzed(slice::from_ref(&path), "1");
    for threads in ["2", "3", "8"] {
        assert!(analyzed(slice::from_ref(&path), threads) == one, "{threads} threads");
    }
}
