//! Exports of a host's state: auditpol, SAs of PowerShell, wfpstate.xml.

use crate::support::ike_builder::write;
use crate::support::program::analyze;
use crate::support::shared;
use plainsight::report::schema::{LogEvent, Report};

fn of_text(name: &str, text: &[u8]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    write(&path, text);
    analyze(&[path.as_path()], &[])
}

fn codes(report: &Report) -> Vec<&str> {
    let problems = report.evidence.iter().flat_map(|file| &file.problems);
    problems.map(|problem| problem.code.as_str()).collect()
}

fn field<'e>(event: &'e LogEvent, name: &str) -> Option<&'e str> {
    event.fields.get(name).and_then(serde_json::Value::as_str)
}

const MAIN_MODE: &str = r#"[{"KeyModule": 1, "LocalEndpoint": "10.77.3.11", "RemoteEndpoint": "10.77.3.20",
  "InitiatorCookie": 9223257178571055357, "ResponderCookie": 1578478003414962979, "SystemName": "WS01"}]"#;

#[test]
fn cookies_of_64_bits_are_exact() {
    let report = of_text("mm.json", MAIN_MODE.as_bytes());
    let event = &report.log_events[0];
    assert_eq!((event.event_id, event.host.as_str()), (60_111, "WS01"));
    assert_eq!(event.initiator_cookie.as_deref(), Some("7fff978978cca0fd"));
    assert_eq!(codes(&report), Vec::<&str>::new());
}

#[test]
fn sas_in_a_table_say_the_same() {
    let table = "\"LocalEndpoint\",\"RemoteEndpoint\",\"MmSaId\",\"QmSaId\",\"SPI\",\"InboundDirection\",\"EncapsulationMode\",\"SystemName\"\r\n\
        \"10.77.3.11\",\"10.77.3.20\",\"412\",\"7\",\"3395431761\",\"True\",\"2\",\"WS01\"\r\n";
    let report = of_text("qm.csv", table.as_bytes());
    let event = &report.log_events[0];
    assert_eq!((event.event_id, event.inbound_spi.as_deref()), (60_112, Some("0xca622d51")));
    assert_eq!((event.time.as_deref(), codes(&report)), (None, vec![]));
}

#[test]
fn the_samples_of_sas_give_their_numbers() {
    let Some(shared) = shared("exports of SAs") else { return };
    let folder = shared.join("forms/netipsec");
    let report = analyze(&[folder.join("mainmode.json").as_path()], &[]);
    let event = &report.log_events[0];
    assert_eq!(event.initiator_cookie.as_deref(), Some("7fff978978cca0fd"));
    assert_eq!(event.responder_cookie.as_deref(), Some("15e7e16187511323"));
    assert_eq!(
        (event.local.as_deref(), event.peer.as_deref()),
        (Some("10.77.3.11"), Some("10.77.3.20"))
    );
    let report = analyze(&[folder.join("quickmode.json").as_path()], &[]);
    let spis: Vec<_> = report
        .log_events
        .iter()
        .map(|e| (e.inbound_spi.as_deref(), e.outbound_spi.as_deref()))
        .collect();
    assert_eq!(spis, [(Some("0xca622d51"), None), (None, Some("0xaabbccdd"))]);
}

#[test]
fn the_samples_of_auditpol_settle_what_is_audited() {
    let Some(shared) = shared("tables of auditpol") else { return };
    let folder = shared.join("forms/auditpol");
    for name in [
        "auditpol_get_r.csv",
        "auditpol_backup.csv",
        "auditpol_get_r_german_utf16.csv",
        "audit.csv",
    ] {
        let report = analyze(&[folder.join(name).as_path()], &[]);
        assert_eq!(report.log_events.len(), 6, "{name}");
        assert_eq!(report.evidence[0].format, "audit_policy", "{name}");
        let is_german = name.contains("german");
        assert_eq!(codes(&report).contains(&"fields_missing"), is_german, "{name}");
        let is_wanted = name == "audit.csv";
        let number = if is_wanted { 60_102 } else { 60_101 };
        assert!(report.log_events.iter().all(|event| event.event_id == number), "{name}");
        if is_wanted || is_german {
            continue;
        }
        let changes = |begins: &str| {
            let mut of = report.log_events.iter();
            let row =
                of.find(|e| field(e, "SubcategoryGuid").is_some_and(|it| it.starts_with(begins)));
            row.and_then(|event| field(event, "AuditPolicyChanges"))
                .unwrap_or_default()
                .to_lowercase()
        };
        assert_eq!(changes("{0CCE9218"), "success removed, failure added", "{name}");
        assert_eq!(changes("{0CCE9219"), "success added, failure added", "{name}");
        assert_eq!(changes("{0CCE921A"), "success removed, failure removed", "{name}");
        assert_eq!(changes("{0CCE9213"), "success removed, failure removed", "{name}");
    }
}

#[test]
fn the_sample_of_a_state_gives_its_sa_and_its_connections() {
    let Some(shared) = shared("a wfpstate.xml") else { return };
    let report = analyze(&[shared.join("forms/wfpstate/wfpstate.xml").as_path()], &[]);
    assert_eq!(report.evidence[0].format, "wfpstate_xml");
    let ids: Vec<u16> = report.log_events.iter().map(|event| event.event_id).collect();
    let of = |id: u16| report.log_events.iter().find(|event| event.event_id == id).unwrap();
    assert_eq!(ids.len(), 4, "{ids:?}");
    let sa = of(60_112);
    assert_eq!(
        (sa.inbound_spi.as_deref(), sa.outbound_spi.as_deref()),
        (Some("0xca622d51"), Some("0xaabbccdd"))
    );
    assert_eq!((sa.local.as_deref(), sa.peer.as_deref()), (Some("10.77.3.11"), Some("10.77.3.20")));
    assert_eq!((field(sa, "SaContextId"), field(sa, "Mode")), (Some("9001"), Some("transport")));
    assert_eq!((field(sa, "MainModeSaId"), field(sa, "QuickModeSaId")), (Some("412"), Some("7")));
    assert_eq!(field(of(60_113), "RemotePort"), Some("445"));
    assert_eq!(field(of(60_114), "RemoteAddress"), Some("10.77.3.30"));
    assert_eq!(of(60_114).time.as_deref().map(|time| &time[..23]), Some("2026-11-23T08:05:30.250"));
    assert_eq!(field(of(60_115), "invalidClearTextInbound"), Some("17"));
}

#[test]
fn a_real_state_is_read_without_loss() {
    let Some(shared) = shared("a real wfpstate.xml") else { return };
    let file = shared.join("data/etl/wfpstate1.xml.gz");
    let report = analyze(&[file.as_path()], &[]);
    assert_eq!(report.evidence[0].format, "wfpstate_xml");
    assert_eq!(codes(&report), Vec::<&str>::new());
    assert!(report.log_events.iter().any(|event| event.event_id == 60_115));
    assert!(report.log_events.iter().any(|event| event.event_id == 60_114));
}
