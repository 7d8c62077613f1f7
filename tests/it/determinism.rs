//! The same evidence gives the same bytes: for any number of threads, any order of the inputs, and
//! on one thread without the pool.

use crate::support::program::plainsight;
use crate::support::truth;
use plainsight::policy::Policy;
use plainsight::report::schema::Report;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap()))
        // The manifest alone tells the time of the run.
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
