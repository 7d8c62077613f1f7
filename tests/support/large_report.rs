//! A report as large as readers meet: windows, runs, negotiations and log events made to order around one real
//! report's, so that every text is as long as a real one.

use plainsight::policy::Policy;
use plainsight::report::schema::{Finding, IkeExchange, LogEvent, Pair, Protected, Report, Window};
use plainsight::time::{Resolution, Timestamp};
use std::path::Path;

/// `windows` windows between `pairs` pairs over ten hours, as many runs under ESP, half as many negotiations and log
/// events, and a finding for each pair.
pub(crate) fn large_report(windows: usize, pairs: usize) -> Report {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/psk_mismatch");
    let mut report = super::truth::report(vec![samples], Policy::default());
    let model: Pair = report.pairs.iter().find(|p| p.expectation == "required").unwrap().clone();
    let window: Window = report.windows[0].clone();
    let run: Protected = report.protected[0].clone();
    let exchange: IkeExchange = report.ike_exchanges[0].clone();
    let event: LogEvent = report.log_events[0].clone();
    let finding: Finding = report.findings[0].clone();
    let first = report.evidence.iter().position(|e| e.kind == "capture").unwrap();
    report.evidence[first].first_time = Some(at(0));
    report.evidence[first].last_time = Some(at(36_000_000));

    let addresses = |pair: usize| {
        let pair = pair % pairs;
        (
            format!("10.0.{}.{}", pair / 250, pair % 250 + 1),
            format!("10.9.{}.{}", pair / 250, pair % 250 + 1),
        )
    };
    let milliseconds = |number: usize| number as u64 * 36_000_000 / windows as u64;
    report.pairs = (0..pairs)
        .map(|number| {
            let (a, b) = addresses(number);
            Pair { a, b, ..model.clone() }
        })
        .collect();
    report.windows = (0..windows)
        .map(|number| {
            let ((a, b), start) = (addresses(number), milliseconds(number));
            let frames = number as u64 % 977 + 1;
            let id = format!("W{}", number + 1);
            Window {
                id,
                a,
                b,
                start: at(start),
                end: at(start + 1_500),
                frames,
                mixed: number % 5 == 0,
                ..window.clone()
            }
        })
        .collect();
    report.protected = (0..windows)
        .map(|number| {
            let ((a, b), start) = (addresses(number), milliseconds(number) + 2_000);
            Protected { a, b, start: at(start), end: at(start + 900_000), ..run.clone() }
        })
        .collect();
    report.ike_exchanges = (0..windows / 2)
        .map(|number| {
            let ((a, b), start) = (addresses(number), milliseconds(number * 2));
            let id = format!("X{}", number + 1);
            let (initiator, responder) = (format!("{a}:500"), format!("{b}:500"));
            IkeExchange {
                id,
                initiator,
                responder,
                start: at(start),
                end: at(start + 400),
                ..exchange.clone()
            }
        })
        .collect();
    report.log_events = (0..windows / 2)
        .map(|number| {
            let time = at(milliseconds(number * 2));
            let id = format!("L{}", number + 1);
            LogEvent { id, time: Some(time.clone()), time_corrected: Some(time), ..event.clone() }
        })
        .collect();
    report.findings = (0..pairs)
        .map(|number| {
            let (a, b) = addresses(number);
            let windows = vec![format!("W{}", number + 1)];
            let stable_id = format!("{number:016x}");
            Finding {
                id: format!("F{}", number + 1),
                pair: Some(format!("{a} - {b}")),
                windows,
                stable_id,
                ..finding.clone()
            }
        })
        .collect();
    report
}

/// A time so many milliseconds into the day of the samples.
fn at(milliseconds: u64) -> String {
    let nanos = 1_795_392_000_000_000_000 + i64::try_from(milliseconds).unwrap() * 1_000_000;
    Timestamp(nanos).rfc3339(Resolution::MICROSECONDS)
}
