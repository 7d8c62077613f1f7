//! The laboratory's logs against what is known of each record, and public logs against their
//! known counts.

use crate::support::shared;
use plainsight::catalogue::Reason;
use plainsight::eventlog::{
    FailurePoint, LogEvent, LogSummary, Role, Service, ServiceChange, ServiceState, evtx,
};
use plainsight::evidence::EvidenceId;
use plainsight::time::{Resolution, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

#[test]
fn every_ipsec_record_of_the_laboratory_is_read_as_it_was_written() {
    let Some(shared) = shared("the laboratory's logs") else { return };
    let mut checked = 0;
    for scenario in folders(&shared.join("lab")) {
        let Ok(logs) = fs::read_to_string(scenario.join("logs.json")) else { continue };
        let logs: Value = serde_json::from_str(&logs).unwrap();
        if logs["flavour"] != "vista" {
            continue;
        }
        let mut events = events_of(&scenario);
        for expected in logs["events"].as_array().unwrap() {
            checked += check_event(&scenario, expected, &mut events);
        }
        let left: Vec<_> = events.iter().map(|e| (e.host.as_str(), e.event_id)).collect();
        assert_eq!(left, [], "{}: events nobody wrote", scenario.display());
    }
    assert!(checked > 250, "{checked}");
}

#[test]
fn public_logs_have_the_records_that_other_readers_count() {
    let Some(shared) = shared("public logs") else { return };
    let mut checked = 0;
    for truth in files(&shared.join("data/public/truth"), ".evtx.json") {
        let known: Value = serde_json::from_str(&fs::read_to_string(&truth).unwrap()).unwrap();
        let log = shared.join("data/public").join(known["name"].as_str().unwrap());
        let (summary, _) = read(&log);
        assert_eq!(Some(summary.records), known["records_evtx_crate"].as_u64(), "{truth:?}");
        assert_eq!(summary.problems, [], "{truth:?}");
        let time = |text: &Value| text.as_str().and_then(Timestamp::from_rfc3339);
        let hundreds = |t: Option<Timestamp>| t.map(|t| t.rfc3339(Resolution::FILETIME));
        assert_eq!(hundreds(summary.first_time), hundreds(time(&known["tmin"])), "{truth:?}");
        assert_eq!(hundreds(summary.last_time), hundreds(time(&known["tmax"])), "{truth:?}");
        let hosts = known["computers"].as_array().unwrap().iter().map(|c| c[0].as_str().unwrap());
        // A log without a record (cleared, never written to) has a source that names no computer.
        let named = summary.sources.iter().map(|log| log.host.as_str());
        let named: BTreeSet<&str> = named.filter(|host| !host.is_empty()).collect();
        assert!(named.into_iter().eq(hosts), "{truth:?}");
        checked += 1;
    }
    assert!(checked >= 2, "{checked}");
}

/// Takes the event that `expected` describes out of `events`; gives how many were checked.
fn check_event(scenario: &Path, expected: &Value, events: &mut Vec<LogEvent>) -> usize {
    let place = format!("{}: {expected}", scenario.display());
    let set = &expected["set"];
    let id = expected["id"].as_u64().unwrap();
    let logged = Timestamp::from_rfc3339(expected["time_logged"].as_str().unwrap());
    let host = expected["host"].as_str().unwrap();
    // One 7036 line means a record of each service named in it.
    let services: Vec<Option<&str>> = match set["service"].as_str() {
        Some(names) => names.split('+').map(Some).collect(),
        None => vec![None],
    };
    for service in &services {
        let at = events
            .iter()
            .position(|event| {
                u64::from(event.event_id) == id
                    && event.time == logged
                    && event.host.to_lowercase().starts_with(&host.to_lowercase())
                    && service.is_none_or(|name| {
                        event.service().is_some_and(|change| change.service.as_str() == name)
                    })
                    && same_keys(event, set)
            })
            .unwrap_or_else(|| panic!("missing: {place}"));
        check_fields(&events.remove(at), expected, &place);
    }
    services.len()
}

/// Whether the record is this one among several of the same moment.
fn same_keys(event: &LogEvent, set: &Value) -> bool {
    let same = |key: &str, value: Option<u64>| set[key].is_null() || number(&set[key]) == value;
    same("QuickModeSaId", event.negotiation().and_then(|n| n.quick_mode_sa))
        && same("MMSAID", event.main_mode_sa())
}

fn check_fields(event: &LogEvent, expected: &Value, place: &str) {
    let set = &expected["set"];
    let text = |key: &str| set[key].as_str();
    if let Some(reason) = expected["reason"].as_str() {
        assert_eq!(event.reason.map(Reason::as_str), Some(reason), "{place}");
    }
    let address = |key| text(key).map(|a| a.parse().unwrap());
    assert_eq!(event.local(), address("LocalAddress"), "{place}");
    assert_eq!(event.peer(), address("RemoteAddress"), "{place}");
    let cookie = |key| text(key).map(|c| u64::from_str_radix(c, 16).unwrap().to_be_bytes());
    assert_eq!(event.initiator_cookie(), cookie("InitiatorCookie"), "{place}");
    assert_eq!(event.responder_cookie(), cookie("ResponderCookie"), "{place}");
    let spi = |key: &str| number(&set[key]);
    assert_eq!(event.inbound_spi().map(u64::from), spi("InboundSpi"), "{place}");
    assert_eq!(event.outbound_spi().map(u64::from), spi("OutboundSpi"), "{place}");
    if let Some(role) = text("Role") {
        let known = [("%%8205", Role::Initiator), ("%%8206", Role::Responder)];
        assert_eq!(event.negotiation().and_then(|n| n.role), Some(lookup(&known, role)), "{place}");
    }
    if let Some(point) = text("FailurePoint") {
        let known = [("%%8199", FailurePoint::Local), ("%%8200", FailurePoint::Remote)];
        assert_eq!(
            event.negotiation().and_then(|n| n.failure_point),
            Some(lookup(&known, point)),
            "{place}"
        );
    }
    if let Some(state) = text("state") {
        let known = [("running", ServiceState::Running), ("stopped", ServiceState::Stopped)];
        assert_eq!(
            event.service().map(|change| change.state),
            Some(lookup(&known, state)),
            "{place}"
        );
    }
    match event.event_id {
        5478 => {
            assert_eq!(
                event.service(),
                Some(ServiceChange { service: Service::PolicyAgent, state: ServiceState::Running })
            );
        }
        5479 => {
            assert_eq!(
                event.service(),
                Some(ServiceChange { service: Service::PolicyAgent, state: ServiceState::Stopped })
            );
            assert_eq!(event.reason, Some(Reason::ServiceStopped));
        }
        5451 => assert!(event.selector().is_some(), "{place}"),
        _ => {}
    }
    assert!(event.fields.iter().all(|(_, value)| !value.contains("%%")), "{place}");
}

fn lookup<T: Copy>(known: &[(&str, T)], name: &str) -> T {
    known.iter().find(|row| row.0 == name).unwrap_or_else(|| panic!("{name}")).1
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let text = value.as_str()?;
        match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        }
    })
}

fn events_of(scenario: &Path) -> Vec<LogEvent> {
    let mut all = Vec::new();
    for path in files(scenario, ".evtx") {
        let (summary, events) = read(&path);
        assert_eq!(summary.problems, [], "{}", path.display());
        assert_eq!(summary.gaps, [], "{}", path.display());
        assert_eq!(summary.sources.len(), 1, "{}", path.display());
        all.extend(events);
    }
    all
}

fn read(path: &Path) -> (LogSummary, Vec<LogEvent>) {
    let mut events = Vec::new();
    let mut file = File::open(path).unwrap();
    let summary = evtx::read(&mut file, EvidenceId(1), &mut |event| events.push(event));
    let covered: u64 = summary.coverage.values().map(|share| share.bytes).sum();
    assert_eq!(covered, fs::metadata(path).unwrap().len(), "{}", path.display());
    let counted: BTreeMap<_, _> =
        summary.coverage.iter().map(|(bucket, share)| (*bucket, share.records)).collect();
    assert_eq!(counted.values().sum::<u64>(), summary.records, "{}", path.display());
    let known = counted.get("records_known").copied().unwrap_or(0);
    events.retain(|event| !event.recovered);
    assert_eq!(known, events.len() as u64, "{}", path.display());
    (summary, events)
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    found.retain(|path| path.to_string_lossy().ends_with(ending));
    found.sort();
    found
}
