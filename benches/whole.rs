//! What comes after reading, and the whole: parts that are merged and judged, and captures from the file
//! to the finished report, on one thread and on all cores.
#![allow(clippy::expect_used, reason = "a benchmark ends where its own evidence cannot be made")]

mod traffic;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use plainsight::analysis::{Analysis, Question, Request, Unwatched, analyze, judge, read_parts};
use plainsight::policy::Policy;
use plainsight::report::{Format, Sources, build, files, schema};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use traffic::MIXES;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let folder = tempfile::tempdir().expect("a folder");
    merge(&mut criterion, folder.path());
    whole(&mut criterion, folder.path());
    criterion.final_summary();
}

/// What many captures came to, joined and judged: runs of one pair come from all of them.
fn merge(criterion: &mut Criterion, folder: &Path) {
    let mut group = criterion.benchmark_group("merge");
    for name in ["imix", "many_pairs"] {
        let captures = folder.join(name);
        fs::create_dir(&captures).expect("a folder");
        for number in 0..CAPTURES {
            // Each ends elsewhere, so that none is a copy of another.
            let file = traffic::pcapng(mix(name), FRAMES / 10 + number);
            write(&captures.join(format!("{number:02}.pcapng")), &file);
        }
        let request = Request::of(vec![captures], Policy::default());
        let parts = read_parts(&request, None, &Unwatched).expect("nobody ends it");
        let question = Question {
            policy: &request.policy,
            gap: request.gap,
            clock_offsets: &[],
            vantages: &[],
        };
        group.throughput(Throughput::Elements(u64::from(CAPTURES)));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || parts.clone(),
                |parts| judge(parts, &question),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// A file of each mix, read, judged and reported in every format.
fn whole(criterion: &mut Criterion, folder: &Path) {
    let mut group = criterion.benchmark_group("whole");
    for (name, mix) in MIXES {
        let path = folder.join(format!("{name}.pcap"));
        let file = traffic::pcap(mix, FRAMES);
        write(&path, &file);
        let bytes = file.len() as u64;
        group.throughput(Throughput::ElementsAndBytes { elements: u64::from(FRAMES), bytes });
        for (threads, count) in [("one thread", Some(1)), ("all cores", None)] {
            let request =
                Request { hash: false, ..Request::of(vec![path.clone()], Policy::default()) };
            group.bench_function(BenchmarkId::new(threads, name), |bencher| {
                bencher.iter(|| {
                    let analysis = analyze(&request, count, &Unwatched).expect("nobody ends it");
                    measure_of(&analysis)
                });
            });
        }
    }
    group.finish();
}

/// How many bytes its report has.
fn measure_of(analysis: &Analysis) -> usize {
    let sources = Sources {
        evidence: &analysis.evidence,
        outside_span: analysis.outside_span,
        facts: &analysis.facts,
        findings: &analysis.findings,
    };
    let report = build(&sources, schema::Options::default());
    let written = files(&report, &[Format::Json, Format::Csv, Format::Html]).expect("a report");
    written.iter().map(|file| file.bytes.len()).sum()
}

fn write(path: &Path, file: &[u8]) {
    fs::File::create(path).and_then(|mut to| to.write_all(file)).expect("room for a file");
}

fn mix(name: &str) -> traffic::Mix {
    MIXES.iter().find(|(known, _)| *known == name).expect("a mix of that name").1
}

const CAPTURES: u32 = 16;
const FRAMES: u32 = 200_000;
