//! Logs of strongSwan's and libreswan's daemons, as evidence of a host like any other.

use crate::support::ike_builder::write;
use crate::support::program::analyze;
use crate::support::shared;
use plainsight::report::schema::{LogEvent, Report};
use std::path::{Path, PathBuf};

/// The capture of a sample: two hosts, 2026-11-23.
fn capture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/psk_mismatch/capture.pcap")
}

fn codes(report: &Report) -> Vec<&str> {
    let problems = report.evidence.iter().flat_map(|file| &file.problems);
    problems.map(|problem| problem.code.as_str()).collect()
}

/// Category, reason and time to the second.
fn identity(event: &LogEvent) -> (String, String, String) {
    let time = event.time.clone().unwrap_or_default();
    let time = time.get(..19).unwrap_or_default().to_owned();
    (event.category.clone(), event.reason.clone().unwrap_or_default(), time)
}

fn expected(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter().map(|row| (row.0.to_owned(), row.1.to_owned(), row.2.to_owned())).collect()
}

#[test]
fn a_log_without_a_year_is_placed_by_the_capture_and_names_the_failure() {
    let text = "Nov 23 09:04:14 gw1 sshd[9]: Accepted publickey for root
Nov 23 09:04:15 gw1 charon: 05[IKE] <t|1> 10.77.3.11 is initiating an IKE_SA
Nov 23 09:04:15 gw1 charon: 05[NET] <t|1> received packet: from 10.77.3.11[500] to 10.77.3.20[500] (9 bytes)
Nov 23 09:04:16 gw1 charon: 06[IKE] <t|1> tried 1 shared key for 'a' - 'b', but MAC mismatched
";
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("syslog");
    write(&log, text.as_bytes());
    let report = analyze(&[capture().as_path(), log.as_path()], &["--timezone", "+01:00"]);
    let event = &report.log_events[0];
    let row = ("ike_failure", "psk_mismatch_suspected", "2026-11-23T08:04:16");
    assert_eq!(vec![identity(event)], expected(&[row]));
    assert_eq!(
        (event.local.as_deref(), event.peer.as_deref()),
        (Some("10.77.3.20"), Some("10.77.3.11"))
    );
    assert_eq!((event.host.as_str(), event.channel.as_str()), ("gw1", "charon"));
    assert!(codes(&report).contains(&"year_inferred"));
    // Alone nothing gives the year.
    let report = analyze(&[log.as_path()], &[]);
    assert_eq!(report.log_events[0].time, None);
    assert!(codes(&report).contains(&"fields_missing"));
}

#[test]
fn every_form_of_charons_log_says_the_same() {
    let Some(shared) = shared("logs of gateways") else { return };
    let rows = expected(&[
        ("ike_failure", "authentication_failed", "2026-11-23T11:58:01"),
        ("ike_failure", "no_response", "2026-11-23T12:02:46"),
        ("sa_established", "", "2026-11-23T12:05:01"),
        ("sa_established", "", "2026-11-23T12:05:01"),
        ("sa_ended", "peer_deleted", "2026-11-23T12:20:00"),
        ("sa_ended", "peer_deleted", "2026-11-23T12:20:00"),
    ]);
    for name in ["charon.log", "charon_json.log", "journal.jsonl", "syslog.log"] {
        let log = shared.join("forms/charon").join(name);
        let report = analyze(&[capture().as_path(), log.as_path()], &["--timezone", "+01:00"]);
        let events: Vec<_> = report.log_events.iter().map(identity).collect();
        assert_eq!(events, rows, "{name}");
        let child = &report.log_events[3];
        assert_eq!(child.inbound_spi.as_deref(), Some("0xca622d51"), "{name}");
        assert_eq!(child.outbound_spi.as_deref(), Some("0xaabbccdd"), "{name}");
        assert_eq!(child.local.as_deref(), Some("10.77.3.11"), "{name}");
        assert!(report.log_events.iter().all(|e| e.peer.as_deref() == Some("10.77.3.20")));
    }
}

#[test]
fn both_forms_of_plutos_log_say_the_same() {
    let Some(shared) = shared("logs of gateways") else { return };
    let rows = expected(&[
        ("ike_failure", "authentication_failed", "2026-11-23T11:58:01"),
        ("sa_established", "", "2026-11-23T12:05:01"),
        ("sa_established", "", "2026-11-23T12:05:01"),
        ("sa_ended", "", "2026-11-23T12:20:00"),
        ("sa_ended", "", "2026-11-23T12:20:00"),
    ]);
    for name in ["pluto.log", "syslog.log"] {
        let log = shared.join("forms/pluto").join(name);
        let report = analyze(&[capture().as_path(), log.as_path()], &["--timezone", "+01:00"]);
        let events: Vec<_> = report.log_events.iter().map(identity).collect();
        assert_eq!(events, rows, "{name}");
        let child = &report.log_events[2];
        assert_eq!(child.inbound_spi.as_deref(), Some("0xca622d51"), "{name}");
        assert_eq!(child.outbound_spi.as_deref(), Some("0xaabbccdd"), "{name}");
        assert!(codes(&report).contains(&"year_inferred"), "{name}");
    }
}

#[test]
fn a_window_is_explained_by_the_sa_whose_spis_the_peers_log_names() {
    use crate::record_ties::{opened, report, silent_sa};
    use crate::support::two_hosts::only_window;
    // Of 10.0.0.2, whose clock is an hour ahead: the SPIs alone tie it to the captures.
    let journal = |spis: (u32, u32)| {
        let line = |ms: u64, message: &str| {
            let micros = (1_000_000 + 3_600_000 + ms) * 1000;
            format!(
                "{{\"__REALTIME_TIMESTAMP\":\"{micros}\",\"_HOSTNAME\":\"gw1\",\"SYSLOG_IDENTIFIER\":\"charon-systemd\",\"MESSAGE\":\"{message}\"}}\n"
            )
        };
        let ends = "TS 10.0.0.2/32 === 10.0.0.1/32";
        let (own, theirs) = spis;
        [
            line(10, "05[IKE] <t|1> 10.0.0.1 is initiating an IKE_SA"),
            line(60, &format!("06[IKE] <t|1> CHILD_SA t{{1}} established with SPIs {own:08x}_i {theirs:08x}_o and {ends}")),
            line(5_100, &format!("09[IKE] <t|1> closing CHILD_SA t{{1}} with SPIs {own:08x}_i (900 bytes) {theirs:08x}_o (900 bytes) and {ends}")),
        ]
        .concat()
    };
    let found = report(&silent_sa(), &[("journal.jsonl", journal((0x1001, 0x2001)))]);
    let keys: Vec<_> =
        found.log_events.iter().map(|e| e.join.as_ref().map(|join| join.by.clone())).collect();
    assert_eq!(keys, [Some("spi".to_owned()), Some("spi".to_owned())]);
    assert_eq!(found.clock_offsets[0].method, "exact_joins");
    assert_eq!(opened(only_window(&found)), [("sa_deleted", "medium")]);
    // Of another SA, it explains nothing.
    let other = report(&silent_sa(), &[("journal.jsonl", journal((0x3001, 0x4001)))]);
    assert!(other.log_events.iter().all(|event| event.join.is_none()));
    assert!(opened(only_window(&other)).is_empty());
}
