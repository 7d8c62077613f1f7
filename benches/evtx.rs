//! How fast event logs of a sample are read, down to the events that the catalogue knows.
#![allow(clippy::expect_used, reason = "a benchmark ends where its sample cannot be read")]

use criterion::{Criterion, Throughput};
use plainsight::eventlog::evtx;
use plainsight::evidence::EvidenceId;
use std::hint::black_box;
use std::path::Path;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("evtx");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/psk_mismatch");
    for (name, file) in [("security", "FS01-Security.evtx"), ("system", "FS01-System.evtx")] {
        let file = std::fs::read(folder.join(file)).expect("the sample is there");
        let elements = read(&file);
        group.throughput(Throughput::ElementsAndBytes { elements, bytes: file.len() as u64 });
        group.bench_function(name, |bencher| bencher.iter(|| read(&file)));
    }
    group.finish();
    criterion.final_summary();
}

/// Reads a whole log and tells how many records it holds.
fn read(mut file: &[u8]) -> u64 {
    evtx::read(&mut file, EvidenceId(1), &mut |event| drop(black_box(event))).records
}
