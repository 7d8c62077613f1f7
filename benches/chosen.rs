//! How long judging takes where evidence is chosen to make it slow: 100,000 pairs that share one SPI and as many
//! log events that name it; 100,000 pairs under as many rules, as `compare` judges its second side.
#![allow(clippy::expect_used, reason = "a benchmark ends where its evidence cannot be made")]

#[allow(clippy::unwrap_used, dead_code, reason = "shared with the tests")]
#[path = "../tests/support/costly.rs"]
mod costly;

use costly::Kind;
use criterion::Criterion;
use plainsight::capture::{RawFrame, read_pcap};
use plainsight::correlate::{Facts, GapRule, correlate};
use plainsight::eventlog::{AuditOutcome, LogEvent, LogRecord};
use plainsight::evidence::{EvidenceId, RecordRef};
use plainsight::policy::Policy;
use plainsight::protection::NamedPorts;
use plainsight::report::schema::Options;
use plainsight::report::{Sources, build, compare};
use plainsight::summary::{CaptureObserver, Count, LogId, LogPart, Summary};
use plainsight::time::{Span, Timestamp};
use std::hint::black_box;
use std::net::IpAddr;
use std::time::Duration;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("chosen");
    let mut summary = read(Kind::OneSpi);
    summary.logs = [(LogId { evidence: EvidenceId(2), place: 0 }, log())].into();
    group.bench_function("joins of one SPI", |bencher| {
        bencher.iter(|| black_box(judged(&summary, &Policy::default())).pairs.len());
    });
    let pairs = read(Kind::Pairs);
    let mut policy = Policy::default();
    (0..PAIRS).map(hosts).for_each(|[a, b]| policy.protect(a.into(), b.into(), "a rule"));
    let facts = judged(&pairs, &policy);
    let sources =
        Sources { evidence: &[], outside_span: Count::default(), facts: &facts, findings: &[] };
    let report = build(&sources, Options::of_inspection(&[]));
    group.bench_function("compare with a rule for each pair", |bencher| {
        bencher.iter(|| {
            black_box(judged(&pairs, &policy));
            black_box(compare(&report, &report)).pairs.len()
        });
    });
    group.finish();
    criterion.final_summary();
}

fn judged(summary: &Summary, policy: &Policy) -> Facts {
    correlate(summary, policy, GapRule::with_gap(Span::from_seconds(30)))
}

fn read(kind: Kind) -> Summary {
    let named = NamedPorts::default();
    let mut observer = CaptureObserver::new(EvidenceId(1), &named);
    read_pcap(&costly::capture(kind, PAIRS)[..], &mut |frame: RawFrame<'_>| {
        observer.observe(&frame);
        true
    })
    .expect("a capture");
    Summary { captures: [(EvidenceId(1), observer.finish())].into(), ..Summary::default() }
}

/// The two hosts of a pair of [`Kind::Pairs`] and [`Kind::OneSpi`].
fn hosts(number: u32) -> [IpAddr; 2] {
    [0x0a00_0000, 0x0b00_0000].map(|net| IpAddr::from((net + number).to_be_bytes()))
}

/// An SA of each pair, all with the one SPI.
fn log() -> LogPart {
    let record = |number: u32| {
        let [local, remote] = hosts(number).map(|address| address.to_string());
        let named =
            [("LocalAddress", local), ("RemoteAddress", remote), ("OutboundSpi", "4096".into())];
        LogRecord {
            is_numbered: true,
            written_as: None,
            record: RecordRef { evidence: EvidenceId(2), record: u64::from(number) + 1 },
            provider: "Microsoft-Windows-Security-Auditing".to_owned(),
            channel: "Security".to_owned(),
            computer: "GW".to_owned(),
            event_id: 5451,
            version: 0,
            time: Timestamp::from_seconds(1_767_261_600, 0),
            audit: AuditOutcome::Success,
            named: named.map(|(name, value)| (name.to_owned(), value)).into(),
            positional: Vec::new(),
            binary: Vec::new(),
        }
    };
    let events = (0..PAIRS).filter_map(|number| LogEvent::from_record(&record(number)));
    LogPart { folder: "logs".to_owned(), events: events.collect(), ..LogPart::default() }
}

const PAIRS: u32 = 100_000;
