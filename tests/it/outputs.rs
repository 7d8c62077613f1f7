//! timeline.jsonl, ecs.jsonl, the Parquet tables and the CSV: what they hold is what report.json
//! holds, and what evidence says stays text.

use crate::support::hostile::{FORMATS, HOSTILE, written};
use crate::support::outputs_page::outputs_page;
use crate::support::program::{plainsight, report_in};
use crate::support::python;
use plainsight::report::columns::TABLES;
use plainsight::report::schema::{self, Report};
use plainsight::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn lines(path: &Path) -> Vec<Map<String, Value>> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(line: &'a Map<String, Value>, field: &str) -> &'a str {
    line[field].as_str().unwrap()
}

/// What a line shows of, by its id in the report: times and the fields that both have.
fn entries(report: &Report) -> Vec<Value> {
    let report = serde_json::to_value(report).unwrap();
    let lists = ["windows", "ike_exchanges", "log_events", "findings"];
    lists.iter().flat_map(|list| report[list].as_array().unwrap().clone()).collect()
}

fn has_time(event: &schema::LogEvent) -> bool {
    event.time_corrected.is_some() || event.time.is_some()
}

#[test]
fn every_line_of_the_timeline_is_one_that_timesketch_takes() {
    let (_folder, out, report) = written();
    let lines = lines(&out.join("timeline.jsonl"));
    let timed = report.log_events.iter().filter(|event| has_time(event)).count();
    let findings = report.findings.len();
    let windows = report.windows.len() + report.protected.len();
    assert_eq!(lines.len(), 2 * windows + report.ike_exchanges.len() + timed + findings);
    let entries = entries(&report);
    let mut before = i64::MIN;
    for line in &lines {
        // What the importer asks for: google/timesketch, read_and_validate_jsonl.
        assert!(!text(line, "message").is_empty() && !text(line, "timestamp_desc").is_empty());
        let datetime = text(line, "datetime");
        let digits = datetime.strip_suffix("+00:00").unwrap().split_once('.').unwrap().1;
        assert_eq!(digits.len(), 6, "{datetime}");
        let nanos = Timestamp::from_rfc3339(datetime).unwrap().0;
        let timestamp = line["timestamp"].as_i64().unwrap();
        assert_eq!(timestamp * 1_000, nanos);
        assert!(before <= timestamp, "in order of time");
        before = timestamp;
        assert_eq!(line["tag"], line["tags"]);
        assert!(line["tags"].as_array().unwrap().contains(&"ipsec".into()));
        // Fields that the importer takes away or OpenSearch keeps for itself.
        assert!(line.keys().all(|name| !name.starts_with('_') && !name.contains('.')));
        let Some(id) = line.get("report_id") else { continue };
        let entry = entries.iter().find(|entry| entry["id"] == *id).unwrap();
        let times = ["start", "end", "time", "time_corrected"];
        let is_its = |name: &&str| {
            let time = entry.get(name).and_then(Value::as_str).and_then(Timestamp::from_rfc3339);
            time.is_some_and(|time| time.0.div_euclid(1_000) == timestamp)
        };
        let is_finding = line["data_type"] == "ipsec:finding";
        let is_timeless = is_finding && entry["start"].is_null();
        assert!(is_timeless || times.iter().any(is_its), "{id}: {datetime}");
        assert_eq!(is_timeless, text(line, "timestamp_desc").contains("without a time"));
        for (name, value) in line {
            // `evidence` of a finding is a list of its own, which the timeline leaves out.
            let Some(known) = entry.get(name) else { continue };
            if matches!(name.as_str(), "opened_by" | "kept_open_by" | "closed_by") {
                // The timeline has the reasons alone.
                let causes = known.as_array().unwrap().iter();
                let reasons: Vec<&Value> = causes.map(|cause| &cause["reason"]).collect();
                assert_eq!(reasons, value.as_array().unwrap().iter().collect::<Vec<_>>());
            } else {
                assert!(name == "fields" || known == value, "{id}.{name}");
            }
        }
    }
}

#[test]
fn every_ecs_document_says_what_the_report_says() {
    let (_folder, out, report) = written();
    let lines = lines(&out.join("ecs.jsonl"));
    let timed = report.log_events.iter().filter(|event| has_time(event)).count();
    let findings = report.findings.iter().filter(|finding| finding.start.is_some()).count();
    let windows = report.windows.len() + report.protected.len();
    assert_eq!(lines.len(), windows + report.ike_exchanges.len() + timed + findings);
    let entries = entries(&report);
    for line in &lines {
        let event = &line["event"];
        assert!(matches!(event["kind"].as_str(), Some("event" | "alert")));
        check_allowed(event);
        assert!(Timestamp::from_rfc3339(text(line, "@timestamp")).is_some());
        for side in ["source", "destination"] {
            let Some(ip) = line.get(side).and_then(|side| side.get("ip")) else { continue };
            let address: std::net::IpAddr = ip.as_str().unwrap().parse().unwrap();
            assert!(
                line["related"]["ip"].as_array().unwrap().contains(&address.to_string().into())
            );
        }
        let Some(id) = line["ipsec"].get("id") else { continue };
        let entry = entries.iter().find(|entry| entry["id"] == *id).unwrap();
        for (ours, theirs) in [
            ("start", &event["start"]),
            ("end", &event["end"]),
            ("frames", &line.get("network").map_or(Value::Null, |n| n["packets"].clone())),
            (
                "community_ids",
                &line.get("network").map_or(Value::Null, |n| n["community_id"].clone()),
            ),
            ("host", &line.get("host").map_or(Value::Null, |host| host["name"].clone())),
            ("stable_id", &line["ipsec"]["stable_id"]),
        ] {
            let Some(known) = entry.get(ours).filter(|known| !known.is_null()) else { continue };
            assert!(known == theirs || known.as_array().is_some_and(Vec::is_empty), "{id}.{ours}");
        }
    }
}

/// `event.category` and `event.type` as ECS 8.11 allows them together.
fn check_allowed(event: &Value) {
    let allowed = [
        ("network", "access allowed connection denied end info protocol start"),
        ("configuration", "access change creation deletion info"),
        ("process", "access change end info start"),
        ("host", "access change end info start"),
    ];
    for category in event["category"].as_array().unwrap() {
        let row = allowed.iter().find(|row| row.0 == category.as_str().unwrap()).unwrap();
        for name in event["type"].as_array().unwrap() {
            assert!(row.1.split(' ').any(|known| known == name.as_str().unwrap()), "{name}");
        }
    }
}

#[test]
fn hostile_fields_stay_text_in_every_format() {
    let (_folder, out, report) = written();
    let event = report.log_events.iter().find(|event| event.host == HOSTILE).unwrap();
    assert_eq!(event.record, u64::MAX);
    let timeline = lines(&out.join("timeline.jsonl"));
    let line = timeline.iter().find(|line| line.get("computer_name") == Some(&HOSTILE.into()));
    let line = line.unwrap();
    // OpenSearch and Elasticsearch refuse numbers above 2^63 - 1.
    assert!(!line.contains_key("record_number"));
    let fields = line["fields"].as_array().unwrap();
    assert!(fields.contains(&"__proto__=NA".into()));
    assert_eq!(fields.len(), event.fields.len());
    let documents = lines(&out.join("ecs.jsonl"));
    let host = |line: &&Map<String, Value>| line.get("host").is_some_and(|h| h["name"] == HOSTILE);
    let document = documents.iter().find(host).unwrap();
    assert_eq!(document["winlog"]["record_id"], u64::MAX.to_string());
    let data = document["winlog"]["event_data"].as_object().unwrap();
    assert_eq!(data.len(), event.fields.len());
    // Elasticsearch takes a dot for a level and refuses a name without a letter.
    assert!(data.keys().all(|name| !name.contains('.') && !name.trim().is_empty()));
    assert_eq!(data["a_b"], "dotted");
}

#[test]
fn the_tables_open_elsewhere_with_the_same_values() {
    let Some(mut python) = python() else { return };
    let (_folder, out, _report) = written();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/check_tables.py");
    let output = python.arg(script).arg(&out).output().unwrap();
    let reported = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{reported}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(reported.matches("rows are the same").count(), TABLES.len(), "{reported}");
}

#[test]
fn parquet_and_csv_of_nothing_are_tables_without_rows() {
    let Some(mut python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/healthy/capture.pcap");
    let mut command = plainsight();
    command.arg("analyze").arg(capture).arg("--out").arg(&out).args(["--format", FORMATS]);
    command.assert().code(0);
    assert!(report_in(&out).windows.is_empty());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/check_tables.py");
    let output = python.arg(script).arg(&out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("windows: 0 rows"));
}

/// A column is a field of the report, or a part of one; and no field is without a column.
#[test]
fn every_field_of_an_entry_has_its_parquet_column() {
    let schema = schema::report_schema();
    for table in TABLES {
        let entry = schema.pointer(&format!("/properties/{}/items/$ref", table.name)).unwrap();
        let entry = entry.as_str().unwrap().strip_prefix('#').unwrap();
        let fields = schema.pointer(&format!("{entry}/properties")).unwrap().as_object().unwrap();
        let fields: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
        let first = |path: &'static str| path.split('.').next().unwrap();
        let columns: BTreeSet<&str> = table.columns.iter().map(|c| first(c.path)).collect();
        assert_eq!(fields, columns, "{}", table.name);
        let names: BTreeSet<&str> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), table.columns.len(), "{}: a name comes twice", table.name);
    }
}

#[test]
fn the_tables_on_the_page_of_outputs_are_those_of_the_source() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/outputs.md");
    let page = fs::read_to_string(path).unwrap();
    assert!(outputs_page(&page) == page, "out of date: cargo run --example outputs_page");
}
