//! What event 6013 of a System log says of the log's clock, in each kind of file.

use crate::support::evtx_builder::{Body, Event, Scalar, evtx};
use crate::support::log_exports::records;
use crate::support::log_forms::FORMS;
use plainsight::eventlog::{LogEvent, LogSummary, evtx as reader, text};
use plainsight::evidence::{EvidenceId, Format, ProblemCode};
use plainsight::time::{Timestamp, Zone};

/// A record of the System log, so many hours after 2026-01-01T00:00:00Z by the clock of the form.
fn record(hours: u64, provider: &'static str, event_id: u16, values: &[&str]) -> Event {
    let names = ["param1", "param2", "param3", "param4", "param5", "param6", "param7", "param8"];
    let values = names
        .into_iter()
        .zip(values)
        .map(|(name, value)| (name, Scalar::Text((*value).to_owned())));
    Event {
        provider,
        channel: "System",
        computer: "WS01.corp.example".to_owned(),
        event_id,
        qualifiers: None,
        version: 0,
        task: 0,
        keywords: 0x0080_0000_0000_0000,
        time: JANUARY + hours * 36_000_000_000,
        record: 100 + hours,
        body: Body::EventData(values.collect(), None),
    }
}

fn uptime(hours: u64, zone: &str) -> Event {
    record(hours, "EventLog", 6013, &["", "", "", "", "86400", "60", zone, "1"])
}

fn stop(hours: u64) -> Event {
    let values = ["IKE and AuthIP IPsec Keying Modules", "stopped"];
    record(hours, "Service Control Manager", 7036, &values)
}

/// A clock in Berlin: winter, then summer from hour 4,000 on.
fn log() -> Vec<u8> {
    let zones = ["-60 W. Europe Standard Time", "-120 W. Europe Daylight Time"];
    evtx(&[uptime(12, zones[0]), stop(24), uptime(4_000, zones[1]), stop(4_010)])
}

const JANUARY: u64 = 134_116_992_000_000_000;
const ID: EvidenceId = EvidenceId(1);

/// What the form of that name gives.
fn exported(form: &str, zone: Option<&str>) -> (LogSummary, Vec<LogEvent>) {
    let form = FORMS.iter().find(|known| known.name == form).unwrap();
    let file = (form.write)(&records(log()));
    let zone = zone.and_then(Zone::parse);
    let mut events = Vec::new();
    let mut sink = |event| events.push(event);
    let bytes: &mut dyn std::io::Read = &mut file.as_slice();
    let summary = match Format::recognize(&file[..file.len().min(512)]) {
        Format::EventJson => text::json::read(bytes, ID, zone.as_ref(), &mut sink).0,
        Format::EventObjects => text::object_xml::read(bytes, ID, zone.as_ref(), &mut sink).0,
        Format::EventList => text::listing::read(bytes, ID, zone.as_ref(), &mut sink).0,
        Format::EventCsv => text::csv::read(bytes, ID, zone.as_ref(), &mut sink).0,
        other => panic!("{}", other.as_str()),
    };
    (summary, events)
}

/// The hours of the services' records.
fn hours(events: &[LogEvent]) -> Vec<i64> {
    let january = Timestamp::from_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let stops = events.iter().filter(|event| event.event_id == 7036);
    stops.map(|event| event.time.unwrap().since(january).0 / 3_600_000_000_000).collect()
}

fn codes(summary: &LogSummary) -> Vec<ProblemCode> {
    summary.problems.iter().map(plainsight::evidence::Problem::code).collect()
}

#[test]
fn an_export_that_shows_the_values_of_6013_has_its_own_zone() {
    for form in ["ConvertTo-Xml", "NXLog"] {
        let (summary, events) = exported(form, None);
        assert_eq!(hours(&events), [23, 4_008], "{form}");
        // The offsets that were taken are named, and the log's zone is known.
        assert_eq!(codes(&summary), [ProblemCode::LocalTime], "{form}");
        assert!(summary.sources.iter().all(|source| !source.trust.is_local_time), "{form}");
        // What the user says comes first.
        let (summary, events) = exported(form, Some("+05:00"));
        assert_eq!((hours(&events), codes(&summary)), (vec![19, 4_005], vec![]), "{form}");
    }
}

/// What NXLog writes of these records.
fn nxlog(events: &[Event]) -> (LogSummary, Vec<LogEvent>) {
    let form = FORMS.iter().find(|known| known.name == "NXLog").unwrap();
    let file = (form.write)(&records(evtx(events)));
    let mut found = Vec::new();
    let mut sink = |event| found.push(event);
    let bytes: &mut dyn std::io::Read = &mut file.as_slice();
    let summary = text::json::read(bytes, ID, None, &mut sink).0;
    (summary, found)
}

const WINTER: &str = "-60 W. Europe Standard Time";
const SUMMER: &str = "-120 W. Europe Daylight Time";

#[test]
fn between_two_offsets_the_one_before_is_used_and_the_doubt_is_named() {
    // The night of the change: the noon after it is nearer.
    let night = [uptime(12, SUMMER), stop(25), uptime(36, WINTER)];
    let (summary, events) = nxlog(&night);
    assert_eq!(hours(&events), [23]);
    assert_eq!(codes(&summary), [ProblemCode::BadTime, ProblemCode::LocalTime]);
    assert!(summary.sources.iter().all(|source| source.trust.is_local_time));
    // An ordinary night leaves no doubt.
    let (summary, events) = nxlog(&[uptime(12, WINTER), stop(25), uptime(36, WINTER)]);
    assert_eq!((hours(&events), codes(&summary)), (vec![24], vec![ProblemCode::LocalTime]));
}

#[test]
fn an_offset_of_another_month_is_named_as_a_doubt() {
    let codes_of = |events: &[Event]| codes(&nxlog(events).0);
    let doubt = [ProblemCode::BadTime, ProblemCode::LocalTime];
    assert_eq!(codes_of(&[uptime(12, SUMMER), stop(3_600)]), doubt);
    assert_eq!(codes_of(&[stop(12), uptime(3_600, SUMMER)]), doubt);
    // Both neighbours say the same, and no clock changes twice between them.
    assert_eq!(codes_of(&[uptime(12, WINTER), stop(60), uptime(108, WINTER)]), doubt[1..]);
    assert_eq!(codes_of(&[uptime(12, WINTER), stop(60), uptime(5_000, WINTER)]), doubt);
}

#[test]
fn event_6013_is_of_its_own_computer() {
    let other = Event { computer: "NYC01.corp.example".to_owned(), ..stop(13) };
    let (summary, events) = nxlog(&[uptime(12, WINTER), stop(14), other]);
    assert_eq!(hours(&events), [13, 13]);
    let local = codes(&summary);
    assert_eq!(local, [ProblemCode::LocalTime, ProblemCode::LocalTime], "both are named");
    assert!(summary.sources.iter().all(|source| source.trust.is_local_time));
}

#[test]
fn the_message_of_6013_names_no_zone() {
    for form in ["Export-Csv", "Format-List *", "wevtutil text"] {
        let (summary, events) = exported(form, None);
        assert_eq!(hours(&events), [24, 4_010], "{form}");
        assert!(codes(&summary).contains(&ProblemCode::LocalTime), "{form}");
        assert!(summary.sources.iter().all(|source| source.trust.is_local_time), "{form}");
    }
}

#[test]
fn logs_and_chunks_carved_from_images_are_in_utc_whatever_6013_says() {
    let whole = log();
    for bytes in [&whole[..], &whole[4096..]] {
        let mut events = Vec::new();
        let mut sink = |event| events.push(event);
        let file: &mut dyn std::io::Read = &mut { bytes };
        let summary = reader::read(file, ID, &mut sink);
        assert_eq!(hours(&events), [24, 4_010]);
        assert!(!codes(&summary).contains(&ProblemCode::LocalTime));
    }
}

#[test]
fn marks_of_an_export_in_local_time_have_their_times() {
    let cleared = record(30, "Microsoft-Windows-Eventlog", 104, &["a", "b", "System"]);
    let started = record(31, "EventLog", 6005, &[]);
    let zones = "-60 W. Europe Standard Time";
    let log = evtx(&[uptime(12, zones), cleared, started, stop(40)]);
    let form = FORMS.iter().find(|known| known.name == "NXLog").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("system.jsonl");
    crate::support::ike_builder::write(&path, &(form.write)(&records(log)));
    let report = crate::support::program::analyze(&[path.as_path()], &[]);
    let marks = &report.evidence[0].log_coverage.as_ref().unwrap().marks;
    let times: Vec<&str> = marks.iter().map(|mark| &mark.time.as_deref().unwrap()[..19]).collect();
    assert_eq!(times, ["2026-01-02T05:00:00", "2026-01-02T06:00:00"]);
}

#[test]
fn records_of_the_event_logs_own_service_are_read_in_every_form() {
    let log = evtx(&[
        record(1, "EventLog", 6005, &[]),
        record(2, "EventLog", 6006, &[]),
        record(3, "EventLog", 6008, &["9:00:00", "1/1/2026"]),
        record(4, "EventLog", 6011, &["WIN-1", "WS01"]),
        record(5, "Microsoft-Windows-Eventlog", 104, &["a", "b", "System"]),
    ]);
    let rows = records(log);
    for name in ["NXLog", "ConvertTo-Xml", "Export-Clixml", "Winlogbeat 8", "EvtxECmd --json"] {
        let form = FORMS.iter().find(|known| known.name == name).unwrap();
        let file = (form.write)(&rows);
        let mut events = Vec::new();
        let mut sink = |event: LogEvent| events.push((event.event_id, event.fields));
        let bytes: &mut dyn std::io::Read = &mut file.as_slice();
        match Format::recognize(&file[..file.len().min(512)]) {
            Format::EventJson => drop(text::json::read(bytes, ID, None, &mut sink)),
            Format::EventObjects => drop(text::object_xml::read(bytes, ID, None, &mut sink)),
            other => panic!("{}", other.as_str()),
        }
        let ids: Vec<u16> = events.iter().map(|event| event.0).collect();
        assert_eq!(ids, [6005, 6006, 6008, 6011, 104], "{name}");
        assert_eq!(events[3].1[1].1, "WS01", "{name}");
    }
    let list = "TimeCreated  : 1/2/2026 9:00:00 AM\r\nProviderName : EventLog\r\nId           : 6011\r\nMessage      : The NetBIOS name and DNS host name of this machine have been changed from WIN-1 to WS01.\r\n";
    let mut renamed = Vec::new();
    let mut sink = |event: LogEvent| renamed.push(event);
    let summary = text::listing::read(&mut list.as_bytes(), ID, None, &mut sink).0;
    assert_eq!(
        renamed[0].fields.iter().map(|field| field.1.as_str()).collect::<Vec<_>>(),
        ["WIN-1", "WS01"]
    );
    assert!(!codes(&summary).contains(&ProblemCode::FieldsMissing));
}
