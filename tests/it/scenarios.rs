//! Every sample, alone and with all others, is reported as its expected.toml says.

use crate::support::evtx_builder::{Body, Event, Scalar, evtx};
use crate::support::program::{analyze, analyze_status};
use crate::support::samples::{self, Expected, Finding, Window};
use plainsight::report::schema::Report;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples")
}

#[test]
fn each_sample_alone_is_reported_as_it_was() {
    let folders = samples::folders(&root());
    assert!(folders.len() >= 7);
    for folder in folders {
        let expected = samples::expected(&folder);
        let report = analyze(&[&folder], &[]);
        check(&folder, &report, &expected);
        let Some(with) = expected.with_policy else { continue };
        let policy = folder.join(&with.policy);
        let report = analyze(&[&folder], &["--policy", policy.to_str().unwrap()]);
        assert_eq!(report.verdict, with.verdict, "{}", folder.display());
        check_windows(&folder, &report, &with.windows);
        check_findings(&folder, &report, &with.findings);
    }
}

#[test]
fn all_samples_together_show_the_same_windows() {
    let report = analyze(&[&root()], &[]);
    assert_eq!(report.verdict, "partially_protected");
    for folder in samples::folders(&root()) {
        check_windows(&folder, &report, &samples::expected(&folder).windows);
    }
}

#[test]
fn fail_on_shows_whether_there_is_a_finding() {
    let healthy = root().join("healthy");
    assert_eq!(analyze_status(&[&healthy], &["--fail-on", "medium"]), 0);
    let leaking = root().join("psk_mismatch");
    assert_eq!(analyze_status(&[&leaking], &["--fail-on", "high"]), 1);
    assert_eq!(analyze_status(&[&leaking], &["--fail-on", "critical"]), 0);
}

#[test]
fn the_silenced_log_is_what_the_builder_writes() {
    let built = evtx(&silenced_log());
    let path = root().join("silenced_log/WS02-Security.evtx");
    if std::env::var_os("PLAINSIGHT_WRITE_SAMPLES").is_some() {
        let mut file = std::fs::File::create(&path).unwrap();
        std::io::Write::write_all(&mut file, &built).unwrap();
    }
    let stored = std::fs::read(&path).unwrap();
    assert!(stored == built, "write it again with PLAINSIGHT_WRITE_SAMPLES=1 cargo test");
}

fn check(folder: &Path, report: &Report, expected: &Expected) {
    let place = folder.display();
    assert_eq!(report.verdict, expected.verdict, "{place}");
    assert_eq!(crate::support::truth::by_class(report), expected.classes, "{place}");
    check_windows(folder, report, &expected.windows);
    check_findings(folder, report, &expected.findings);
    for (host, seconds) in &expected.clock_offsets {
        let offsets: Vec<f64> = report
            .clock_offsets
            .iter()
            .filter(|clock| clock.host.starts_with(host))
            .map(|clock| clock.seconds.as_ref().unwrap().get().parse().unwrap())
            .collect();
        // A negotiation is logged within a second of its last message.
        assert!(!offsets.is_empty(), "{place}: {host}");
        assert!(offsets.iter().all(|found| (found - seconds).abs() < 1.0), "{place}: {offsets:?}");
    }
    for file in &report.evidence {
        let covered: u64 = file.coverage.values().map(|extent| extent.bytes).sum();
        assert_eq!(covered, file.size_bytes, "{place}: {}", file.path);
    }
}

fn check_windows(folder: &Path, report: &Report, expected: &[Window]) {
    let name = folder.file_name().unwrap().to_str().unwrap();
    assert_eq!(samples::windows_of(report, name), expected, "{}", folder.display());
}

fn check_findings(folder: &Path, report: &Report, expected: &[Finding]) {
    let mut found: Vec<Finding> = report
        .findings
        .iter()
        .map(|f| Finding { code: f.code.clone(), severity: f.severity.clone() })
        .collect();
    found.sort();
    assert_eq!(found, expected, "{}", folder.display());
}

/// samples/silenced_log: a failure, clear text that was dropped, auditing off, the log cleared.
fn silenced_log() -> Vec<Event> {
    // 2026-11-23T09:00:00Z as FILETIME.
    const NINE: u64 = 134_398_980_000_000_000;
    const MINUTE: u64 = 600_000_000;
    let said = |text: &str| Scalar::Text(text.to_owned());
    let failed = vec![
        ("LocalMMPrincipalName", said("-")),
        ("RemoteMMPrincipalName", said("-")),
        ("LocalAddress", said("10.77.20.12")),
        ("LocalKeyModPort", Scalar::U32(500)),
        ("RemoteAddress", said("10.77.20.20")),
        ("RemoteKeyModPort", Scalar::U32(500)),
        ("KeyModName", said("%%8222")),
        ("FailurePoint", said("%%8199")),
        ("FailureReason", said("Negotiation timed out\r\n")),
        ("MMAuthMethod", said("%%8194")),
        ("State", said("%%8202")),
        ("Role", said("%%8205")),
        ("MMImpersonationState", said("%%8217")),
        ("MMFilterID", Scalar::U64(66_063)),
        ("InitiatorCookie", said("1f2e3d4c5b6a7988")),
        ("ResponderCookie", said("0000000000000000")),
    ];
    let dropped = vec![("RemoteAddress", said("10.77.20.20")), ("SPI", Scalar::U32(0))];
    // {0CCE9218-69AE-11D9-BED3-505054503030}: its first three parts are little-endian.
    let main_mode = [
        0x18, 0x92, 0xce, 0x0c, 0xae, 0x69, 0xd9, 0x11, 0xbe, 0xd3, 0x50, 0x50, 0x54, 0x50, 0x30,
        0x30,
    ];
    let silenced = vec![
        ("SubjectUserName", said("eve")),
        ("CategoryId", said("%%8273")),
        ("SubcategoryId", said("%%12547")),
        ("SubcategoryGuid", Scalar::Guid(main_mode)),
        ("AuditPolicyChanges", said("%%8448, %%8450")),
    ];
    let cleared = vec![("SubjectUserName", said("eve")), ("SubjectLogonId", Scalar::Hex64(0x3e7))];
    let auditing = "Microsoft-Windows-Security-Auditing";
    let bodies = [
        (auditing, 4653, 12_547, Body::EventData(failed, None)),
        (auditing, 4963, 12_291, Body::EventData(dropped, None)),
        (auditing, 4719, 13_568, Body::EventData(silenced, None)),
        ("Microsoft-Windows-Eventlog", 1102, 104, Body::UserData("LogFileCleared", cleared)),
    ];
    bodies
        .into_iter()
        .zip(0..)
        .map(|((provider, event_id, task, body), minute)| Event {
            provider,
            channel: "Security",
            computer: "WS02.corp.example".to_owned(),
            event_id,
            qualifiers: None,
            version: 0,
            task,
            // Audit failure for the negotiation, audit success for the rest.
            keywords: if event_id == 4653 { 0x8010_0000_0000_0000 } else { 0x8020_0000_0000_0000 },
            time: NINE + minute * MINUTE,
            record: minute + 1,
            body,
        })
        .collect()
}
