//! How long judging takes: a million log events against a hundred thousand cleartext windows, and a
//! quarter and a half of both, on one core.
#![allow(clippy::expect_used, reason = "a benchmark ends where its evidence cannot be made")]

use criterion::{BenchmarkId, Criterion, Throughput};
use etherparse::{IpNumber, PacketBuilder};
use plainsight::capture::{RawFrame, read_pcap};
use plainsight::correlate::{GapRule, correlate};
use plainsight::eventlog::{AuditOutcome, LogEvent, LogRecord, LogSource};
use plainsight::evidence::{EvidenceId, RecordRef};
use plainsight::policy::Policy;
use plainsight::protection::NamedPorts;
use plainsight::summary::{CaptureObserver, LogId, LogPart, Summary};
use plainsight::time::{Span, Timestamp};
use std::hint::black_box;
use std::time::Duration;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("correlate");
    for part in [4, 2, 1] {
        let (windows, events) = (WINDOWS / part, EVENTS / part);
        let summary = summary(windows, events);
        let rule = GapRule::with_gap(Span::from_seconds(30));
        let reported = correlate(&summary, &Policy::default(), rule).windows.len();
        assert_eq!(reported, usize::try_from(windows).expect("a number of windows"));
        group.throughput(Throughput::Elements(u64::from(events)));
        group.bench_with_input(
            BenchmarkId::from_parameter(events),
            &summary,
            |bencher, summary| {
                bencher
                    .iter(|| black_box(correlate(summary, &Policy::default(), rule)).windows.len());
            },
        );
    }
    group.finish();
    criterion.final_summary();
}

/// Hosts that each leak to one server again and again: ESP, clear text, ESP.
fn summary(windows: u32, events: u32) -> Summary {
    let named = NamedPorts::default();
    let mut observer = CaptureObserver::new(EvidenceId(1), &named);
    read_pcap(&capture(windows)[..], &mut |frame: RawFrame<'_>| {
        observer.observe(&frame);
        true
    })
    .expect("a capture");
    let captures = [(EvidenceId(1), observer.finish())].into();
    let each = events / LOGS;
    let logs = (0..LOGS).map(|log| {
        (LogId { evidence: EvidenceId(log + 2), place: 0 }, self::log(log, each, windows))
    });
    Summary { captures, logs: logs.collect(), ..Summary::default() }
}

/// The second of a window and the client that leaks in it.
fn place(window: u32) -> (u32, u8) {
    let client = u8::try_from(window % CLIENTS).expect("few clients");
    (START + window / CLIENTS * 40, client)
}

fn spi(window: u32) -> u32 {
    0x1000_0000 + window
}

fn capture(windows: u32) -> Vec<u8> {
    let mut file = [0xa1b2_c3d4_u32.to_le_bytes(), [2, 0, 4, 0]].concat();
    for word in [0_u32, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    let mut frame = |second: u32, bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).expect("a short frame");
        for word in [second, 0, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(bytes);
    };
    for round in 0..windows.div_ceil(CLIENTS) {
        let of_round = (round * CLIENTS..windows.min((round + 1) * CLIENTS)).map(|w| (w, place(w)));
        for (window, (second, client)) in of_round.clone() {
            let mut esp = Vec::new();
            let packet = [&spi(window).to_be_bytes()[..], &[0, 0, 0, 1], &[0x9d; 64]].concat();
            PacketBuilder::ethernet2([2; 6], [4; 6])
                .ipv4([10, 0, 0, client + 2], [10, 0, 0, 1], 64)
                .write(&mut esp, IpNumber(50), &packet)
                .expect("a frame");
            frame(second, &esp);
        }
        for (_, (second, client)) in of_round {
            let mut clear = Vec::new();
            PacketBuilder::ethernet2([2; 6], [4; 6])
                .ipv4([10, 0, 0, client + 2], [10, 0, 0, 1], 64)
                .udp(40_000, 5060)
                .write(&mut clear, b"in the clear")
                .expect("a frame");
            frame(second + 10, &clear);
        }
    }
    file
}

/// A client's Security log: SAs that come up and end, failures, policies, over all the time.
fn log(client: u32, events: u32, windows: u32) -> LogPart {
    let span = windows / CLIENTS * 40;
    let at = |number: u32| {
        let second = u64::from(number) * u64::from(span) / u64::from(events.max(1));
        let shown = i64::from(START) + 3600 + i64::try_from(second).expect("a second");
        Timestamp::from_seconds(shown, 0)
    };
    let host = format!("WS{client:02}");
    let own = format!("10.0.0.{}", client + 2);
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let record = |number: u32| {
        let window = number * windows / events.max(1) / CLIENTS * CLIENTS + client;
        let ends = [text("LocalAddress", &own), text("RemoteAddress", "10.0.0.1")];
        let (event_id, audit, more) = match number % 4 {
            0 => (5451, AuditOutcome::Success, text("OutboundSpi", &spi(window).to_string())),
            1 => (5452, AuditOutcome::Success, text("QuickModeSaId", "7")),
            2 => (4653, AuditOutcome::Failure, text("FailureReason", "No response from peer.")),
            _ => (5464, AuditOutcome::Success, text("Policy", "Server isolation")),
        };
        LogRecord {
            record: RecordRef { evidence: EvidenceId(client + 2), record: u64::from(number) + 1 },
            is_numbered: true,
            written_as: None,
            provider: "Microsoft-Windows-Security-Auditing".to_owned(),
            channel: "Security".to_owned(),
            computer: host.clone(),
            event_id,
            version: 0,
            time: at(number),
            audit,
            named: ends.into_iter().chain([more]).collect(),
            positional: Vec::new(),
            binary: Vec::new(),
        }
    };
    let events = (0..events).filter_map(|number| LogEvent::from_record(&record(number)));
    let events = events.collect();
    let channel = "Security".to_owned();
    let log = LogSource { host, channel, ..LogSource::default() };
    LogPart { folder: "logs".to_owned(), events, log, ..LogPart::default() }
}

const WINDOWS: u32 = 100_000;
const EVENTS: u32 = 1_000_000;
const CLIENTS: u32 = 100;
const LOGS: u32 = 100;
const START: u32 = 1_700_000_000;
