//! A report as large as readers meet: windows, runs, negotiations and log events made to order around one real
//! report's, so that every text is as long as a real one.

use plainsight::policy::Policy;
use plainsight::report::schema::{
    Evidence, Finding, Host, IkeExchange, LogEvent, Pair, Protected, Report, Window,
};
use plainsight::time::{Resolution, Timestamp};
use std::path::Path;

/// `windows` windows between `pairs` pairs over ten hours, as many runs under ESP, half as many negotiations and log
/// events, and a finding for each pair.
pub(crate) fn large_report(windows: usize, pairs: usize) -> Report {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/psk_mismatch");
    let mut report = super::truth::report(vec![sample], Policy::default());
    let capture = report.evidence.iter_mut().find(|e| e.kind == "capture").unwrap();
    capture.first_time = Some(at(0));
    capture.last_time = Some(at(SPAN));
    let shape = Shape { windows, pairs };
    shape.spread_pairs(&mut report);
    shape.spread_runs(&mut report);
    shape.spread_negotiations(&mut report);
    report
}

/// An incident as auditors meet it: thirty hosts, forty windows, seventy files, three hundred log events, and four
/// findings for each of fifteen pairs.
pub(crate) fn incident() -> Report {
    let mut report = large_report(40, 15);
    let host = report.hosts[0].clone();
    let ends = report.pairs.iter().flat_map(|pair| [pair.a.clone(), pair.b.clone()]);
    let hosts = ends.enumerate().map(|(number, address)| {
        let name = format!("SRV{number:02}.corp.example");
        Host { address, name, ..host.clone() }
    });
    report.hosts = hosts.collect();
    let names = |address: &str| {
        let of = |host: &&Host| host.address == address;
        report.hosts.iter().filter(of).map(|host| host.name.clone()).collect::<Vec<_>>()
    };
    for window in &mut report.windows {
        (window.a_names, window.b_names) = (names(&window.a), names(&window.b));
    }
    let files: Vec<Evidence> = report.evidence.clone();
    let more = (files.len()..70).map(|number| {
        let file = files[number % files.len()].clone();
        let path = format!("evidence/SRV{number:02}.corp.example/Security-2026-11-23.evtx");
        let sha256 = Some(format!("{number:064x}"));
        Evidence { id: format!("E{}", number + 1), path, sha256, ..file }
    });
    report.evidence.extend(more);
    let events: Vec<LogEvent> = report.log_events.clone();
    let more = (events.len()..300).map(|number| {
        let event = events[number % events.len()].clone();
        LogEvent { id: format!("L{}", number + 1), record: number as u64 + 5_000, ..event }
    });
    report.log_events.extend(more);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/psk_mismatch");
    let kinds = super::truth::report(vec![sample], Policy::default()).findings;
    let first = report.findings.clone();
    report.findings = (0..60)
        .map(|number| {
            let Finding { pair, windows, .. } = first[number % 15].clone();
            let (id, stable_id) = (format!("F{}", number + 1), format!("{number:016x}"));
            let kind = kinds[number / 15 % kinds.len()].clone();
            Finding { id, pair, windows, stable_id, ..kind }
        })
        .collect();
    report
}

struct Shape {
    windows: usize,
    pairs: usize,
}

impl Shape {
    fn addresses(&self, number: usize) -> (String, String) {
        let pair = number % self.pairs;
        let end = format!("{}.{}", pair / 250, pair % 250 + 1);
        (format!("10.0.{end}"), format!("10.9.{end}"))
    }

    fn milliseconds(&self, number: usize) -> u64 {
        number as u64 * SPAN / self.windows as u64
    }

    fn spread_pairs(&self, report: &mut Report) {
        let pair = report.pairs.iter().find(|p| p.expectation == "required").unwrap().clone();
        let finding: Finding = report.findings[0].clone();
        let pairs = (0..self.pairs).map(|number| {
            let (a, b) = self.addresses(number);
            Pair { a, b, ..pair.clone() }
        });
        report.pairs = pairs.collect();
        let findings = (0..self.pairs).map(|number| {
            let (a, b) = self.addresses(number);
            let (id, windows) = (format!("F{}", number + 1), vec![format!("W{}", number + 1)]);
            let (pair, stable_id) = (Some(format!("{a} - {b}")), format!("{number:016x}"));
            Finding { id, pair, windows, stable_id, ..finding.clone() }
        });
        report.findings = findings.collect();
    }

    fn spread_runs(&self, report: &mut Report) {
        let (window, run) = (report.windows[0].clone(), report.protected[0].clone());
        let windows = (0..self.windows).map(|number| {
            let ((a, b), start) = (self.addresses(number), self.milliseconds(number));
            let (id, frames) = (format!("W{}", number + 1), number as u64 % 977 + 1);
            let (start, end) = (at(start), at(start + 1_500));
            Window { id, a, b, start, end, frames, mixed: number % 5 == 0, ..window.clone() }
        });
        report.windows = windows.collect();
        let runs = (0..self.windows).map(|number| {
            let ((a, b), start) = (self.addresses(number), self.milliseconds(number) + 2_000);
            Protected { a, b, start: at(start), end: at(start + 900_000), ..run.clone() }
        });
        report.protected = runs.collect();
    }

    fn spread_negotiations(&self, report: &mut Report) {
        let exchange: IkeExchange = report.ike_exchanges[0].clone();
        let event: LogEvent = report.log_events[0].clone();
        let exchanges = (0..self.windows / 2).map(|number| {
            let ((a, b), start) = (self.addresses(number), self.milliseconds(number * 2));
            let (initiator, responder) = (format!("{a}:500"), format!("{b}:500"));
            let (id, start, end) = (format!("X{}", number + 1), at(start), at(start + 400));
            IkeExchange { id, initiator, responder, start, end, ..exchange.clone() }
        });
        report.ike_exchanges = exchanges.collect();
        let events = (0..self.windows / 2).map(|number| {
            let (id, time) = (format!("L{}", number + 1), at(self.milliseconds(number * 2)));
            LogEvent { id, time: Some(time.clone()), time_corrected: Some(time), ..event.clone() }
        });
        report.log_events = events.collect();
    }
}

/// A time so many milliseconds into the day of the samples.
fn at(milliseconds: u64) -> String {
    let nanos = 1_795_392_000_000_000_000 + i64::try_from(milliseconds).unwrap() * 1_000_000;
    Timestamp(nanos).rfc3339(Resolution::MICROSECONDS)
}

/// Ten hours in milliseconds.
const SPAN: u64 = 36_000_000;
