//! A fault in the reading of one file costs that file only, and evidence that changes while it is read is reported.

use crate::support::mutation;
use plainsight::analysis::{Analysis, Request, Watch, analyze, analyze_sequentially};
use plainsight::evidence::{Content, ProblemCode};
use plainsight::policy::Policy;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Does something when a file is begun, and when bytes were read.
struct Meddler<B, R> {
    begun: B,
    read: R,
}

impl<B: Fn(&str) + Sync, R: Fn() + Sync> Watch for Meddler<B, R> {
    fn expects(&self, _files: usize, _bytes: u64) {}
    fn begins(&self, path: &str) {
        (self.begun)(path);
    }
    fn advanced(&self, _bytes: u64) {
        (self.read)();
    }
    fn is_cancelled(&self) -> bool {
        false
    }
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// Three captures and a log.
fn evidence() -> (tempfile::TempDir, Request) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["healthy/capture.pcap", "esp_null/capture.pcap", "psk_mismatch/capture.pcap"] {
        let to = folder.path().join(name.replace('/', "-"));
        fs::copy(samples().join(name), to).unwrap();
    }
    let log = "psk_mismatch/WS01-Security.evtx";
    fs::copy(samples().join(log), folder.path().join("log.evtx")).unwrap();
    let request = Request::of(vec![folder.path().to_owned()], Policy::default());
    (folder, request)
}

fn codes(analysis: &Analysis) -> Vec<(String, Option<ProblemCode>)> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let files = analysis.evidence.iter();
    files.map(|file| (name(&file.path), file.problems.first().map(|p| p.code()))).collect()
}

#[test]
fn a_fault_in_one_file_costs_that_file_only() {
    for faulty in ["healthy-capture.pcap", "log.evtx"] {
        for threads in [None, Some(4)] {
            let (_folder, request) = evidence();
            let fails = |path: &str| assert!(!path.ends_with(faulty), "injected");
            let watch = Meddler { begun: fails, read: || {} };
            let analysis = match threads {
                None => analyze_sequentially(&request, &watch).unwrap(),
                Some(_) => analyze(&request, threads, &watch).unwrap(),
            };
            assert_eq!(analysis.evidence.len(), 4);
            for (name, code) in codes(&analysis) {
                let expected = (name == faulty).then_some(ProblemCode::InternalError);
                assert_eq!(code, expected, "{name}");
            }
            assert!(analysis.evidence.iter().filter(|file| file.records > 0).count() == 3);
        }
    }
}

/// In the middle of a file, on the thread that reads it.
#[test]
fn a_fault_while_bytes_are_read_is_one_of_that_file() {
    let (_folder, request) = evidence();
    let once = AtomicBool::new(false);
    let fails = || assert!(once.swap(true, Ordering::SeqCst), "injected");
    let watch = Meddler { begun: |_: &str| {}, read: fails };
    let analysis = analyze_sequentially(&request, &watch).unwrap();
    let faults = codes(&analysis);
    assert_eq!(faults[0].1, Some(ProblemCode::InternalError));
    assert!(faults[1..].iter().all(|(_, code)| code.is_none()), "{faults:?}");
    assert!(matches!(analysis.evidence[0].content, Content::Nothing));
}

#[test]
fn evidence_that_changes_while_it_is_read_is_reported() {
    let appended = |path: &Path| {
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(&[0; 7]).unwrap();
    };
    let replaced = |path: &Path| {
        let beside = path.with_extension("new");
        fs::copy(path, &beside).unwrap();
        fs::rename(&beside, path).unwrap();
    };
    let removed = |path: &Path| fs::remove_file(path).unwrap();
    type Change<'c> = &'c (dyn Fn(&Path) + Sync);
    let changes: [(&str, Change<'_>); 3] =
        [("append", &appended), ("replace", &replaced), ("remove", &removed)];
    for (name, change) in changes {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("capture.pcap");
        fs::copy(samples().join("psk_mismatch/capture.pcap"), &path).unwrap();
        let once = AtomicBool::new(false);
        let read = || {
            if !once.swap(true, Ordering::SeqCst) {
                change(&path);
            }
        };
        let watch = Meddler { begun: |_: &str| {}, read };
        let request = Request::of(vec![path.clone()], Policy::default());
        let analysis = analyze_sequentially(&request, &watch).unwrap();
        let problems = &analysis.evidence[0].problems;
        let is_reported = problems.iter().any(|problem| problem.code() == ProblemCode::Changed);
        #[cfg(unix)]
        assert!(is_reported, "{name}");
        assert!(analysis.evidence[0].records > 0, "{name}");
    }
}

#[test]
fn four_hundred_mutated_files_are_read_alike_in_every_way() {
    mutation::hold(&samples(), 400, 1).unwrap();
}
