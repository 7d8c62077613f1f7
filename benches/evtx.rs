//! How fast event logs of a sample are read, down to the events that the catalogue knows, and a
//! busy log of which one record in a thousand is known; the last also by the `evtx` crate alone.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark ends where its sample cannot be read"
)]

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/evtx_builder.rs"]
mod evtx_builder;

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/busy_log.rs"]
mod busy_log;

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
    let events: Vec<_> = busy_log::events(1, 20_000).collect();
    let file = evtx_builder::evtx(&events);
    group.throughput(Throughput::ElementsAndBytes { elements: 20_000, bytes: file.len() as u64 });
    group.bench_function("busy", |bencher| bencher.iter(|| read(&file)));
    group.bench_function("busy, by the crate alone", |bencher| {
        bencher.iter(|| {
            let mut sink = |event| drop(black_box(event));
            evtx::read_by_crate(&mut &file[..], EvidenceId(1), &mut sink).records
        });
    });
    group.finish();
    criterion.final_summary();
}

/// Reads a whole log and shows how many records it holds.
fn read(mut file: &[u8]) -> u64 {
    evtx::read(&mut file, EvidenceId(1), &mut |event| drop(black_box(event))).records
}
