//! How fast captures are read, and how fast they are read, classified and summed up.
//!
//! One thread, files in memory: what a disk gives is not measured.
#![allow(clippy::expect_used, reason = "a benchmark ends where its own traffic is not understood")]

mod traffic;

use criterion::{BenchmarkId, Criterion, Throughput};
use plainsight::capture::{CaptureOutline, RawFrame, read_pcap, read_pcapng};
use plainsight::evidence::EvidenceId;
use plainsight::protection::NamedPorts;
use plainsight::summary::{CaptureObserver, CaptureSummary};
use std::hint::black_box;
use traffic::{MIXES, Mix};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    read_only(&mut criterion);
    summarise(&mut criterion);
    criterion.final_summary();
}

/// The reader alone: what is left to gain by making all else faster.
fn read_only(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    for container in CONTAINERS {
        let file = (container.write)(MIXES[0].1, FRAMES);
        group.throughput(frames_and_bytes(&file));
        let id = BenchmarkId::new(container.name, MIXES[0].0);
        group.bench_with_input(id, &file, |bencher, file| {
            bencher.iter(|| {
                let mut sum = 0;
                container.read(file, &mut |frame| sum += black_box(frame.data).len());
                sum
            });
        });
    }
    group.finish();
}

fn summarise(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("summarise");
    for container in CONTAINERS {
        for (name, mix) in MIXES {
            let file = (container.write)(mix, FRAMES);
            group.throughput(frames_and_bytes(&file));
            let id = BenchmarkId::new(container.name, name);
            group.bench_with_input(id, &file, |bencher, file| {
                bencher.iter(|| summary_of(&container, file));
            });
        }
    }
    group.finish();
}

fn summary_of(container: &Container, file: &[u8]) -> CaptureSummary {
    let named = NamedPorts::default();
    let mut observer = CaptureObserver::new(EvidenceId(1), &named);
    container.read(file, &mut |frame| observer.observe(&frame));
    observer.finish()
}

fn frames_and_bytes(file: &[u8]) -> Throughput {
    Throughput::ElementsAndBytes { elements: u64::from(FRAMES), bytes: file.len() as u64 }
}

/// A file format: how the traffic is written and read.
struct Container {
    name: &'static str,
    write: fn(Mix, u32) -> Vec<u8>,
    is_pcapng: bool,
}

impl Container {
    fn read(&self, file: &[u8], visit: &mut impl FnMut(RawFrame<'_>)) {
        let mut visit = |frame: RawFrame<'_>| {
            visit(frame);
            true
        };
        let outline: CaptureOutline = if self.is_pcapng {
            read_pcapng(file, &mut visit)
        } else {
            read_pcap(file, &mut visit)
        }
        .expect("memory gives no read error");
        assert_eq!((outline.frames, outline.problems.len()), (u64::from(FRAMES), 0));
    }
}

const CONTAINERS: [Container; 2] = [
    Container { name: "pcap", write: traffic::pcap, is_pcapng: false },
    Container { name: "pcapng", write: traffic::pcapng, is_pcapng: true },
];

const FRAMES: u32 = 100_000;
