//! The hand-written samples of tests/forms: one event in every form that is read, and the same event from
//! each.

use crate::support::ike_builder::write;
use crate::support::program::analyze;
use plainsight::report::schema::LogEvent;
use std::fs;
use std::path::{Path, PathBuf};

/// What a form shows of the event beside its values.
struct Shown {
    /// The time as it is read with `--timezone +01:00`.
    time: &'static str,
    host: bool,
    record: bool,
}

const MICROSECONDS: &str = "2026-11-23T08:06:40.816665";
const MILLISECONDS: &str = "2026-11-23T08:06:40.816";
const SECONDS: &str = "2026-11-23T08:06:40";

/// By the file's path; a form shows everything to the microsecond unless it is here.
const LESS: &[(&str, Shown)] = &[
    ("event_viewer/copied_german.txt", Shown { time: SECONDS, host: true, record: false }),
    ("event_viewer/table_english_tabs.txt", Shown { time: SECONDS, host: false, record: false }),
    (
        "event_viewer/table_german_semicolons.csv",
        Shown { time: SECONDS, host: false, record: false },
    ),
    ("hayabusa/timeline.csv", Shown { time: MILLISECONDS, host: true, record: true }),
    ("hayabusa/timeline.jsonl", Shown { time: MILLISECONDS, host: true, record: true }),
    ("nxlog/nxlog.jsonl", Shown { time: SECONDS, host: true, record: true }),
    ("powershell/convertto_json_5.json", Shown { time: MILLISECONDS, host: true, record: true }),
    ("powershell/convertto_xml.xml", Shown { time: SECONDS, host: true, record: true }),
    ("powershell/export_csv.csv", Shown { time: SECONDS, host: true, record: true }),
    (
        "powershell/export_csv_default_columns.csv",
        Shown { time: SECONDS, host: false, record: false },
    ),
    ("powershell/format_list.txt", Shown { time: SECONDS, host: false, record: false }),
    ("powershell/format_list_all.txt", Shown { time: SECONDS, host: true, record: true }),
    ("powershell/get_eventlog_format_list.txt", Shown { time: SECONDS, host: false, record: true }),
    ("velociraptor/evtx_hunter.csv", Shown { time: SECONDS, host: true, record: true }),
    ("velociraptor/evtx_hunter.jsonl", Shown { time: SECONDS, host: true, record: true }),
    ("wevtutil/text.txt", Shown { time: MILLISECONDS, host: true, record: false }),
    ("wevtutil/text_windows_11.txt", Shown { time: MICROSECONDS, host: true, record: false }),
    ("winlogbeat/elastic_agent.ndjson", Shown { time: MILLISECONDS, host: true, record: true }),
    ("winlogbeat/elastic_export.json", Shown { time: MILLISECONDS, host: true, record: true }),
    ("winlogbeat/winlogbeat.ndjson", Shown { time: MILLISECONDS, host: true, record: true }),
    ("winlogbeat/winlogbeat6.ndjson", Shown { time: MILLISECONDS, host: true, record: true }),
];

#[test]
fn every_form_shows_the_same_event() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forms");
    let files = files_below(&root);
    assert!(files.len() >= 40, "{}", files.len());
    for file in files {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let report = analyze(&[&file], &["--timezone", "+01:00"]);
        let [event] = &report.log_events[..] else {
            panic!("{name}: {} events, {:?}", report.log_events.len(), report.evidence[0].problems);
        };
        let everything = Shown { time: MICROSECONDS, host: true, record: true };
        let shown = LESS.iter().find(|row| row.0 == name).map_or(&everything, |row| &row.1);
        check(&name, event, shown);
        assert_eq!(report.options.timezone.as_deref(), Some("+01:00"));
        // A form without a column for the source says so; nothing is damaged, and no time is in doubt.
        let problems = &report.evidence[0].problems;
        let is_sound = problems.iter().all(|problem| problem.code == "source_inferred");
        assert!(is_sound, "{name}: {problems:?}");
    }
}

#[test]
fn a_table_for_the_screen_is_refused_by_name_with_the_export_that_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.txt");
    for text in [
        "\r\n\r\n   ProviderName: Microsoft-Windows-Security-Auditing\r\n\r\nTimeCreated                     Id LevelDisplayName Message\r\n-----------                     -- ---------------- -------\r\n11/23/2026 9:06:40 AM         4653 Information      An IPsec main mode negotiation failed....\r\n",
        "\r\n   Index Time          EntryType   Source                 InstanceID Message\r\n   ----- ----          ---------   ------                 ---------- -------\r\n    5191 Nov 23 09:06  FailureA... Microsoft-Windows...         4653 An IPsec main mode negotiation failed....\r\n",
    ] {
        write(&path, text.as_bytes());
        let report = analyze(&[path.as_path()], &[]);
        let file = &report.evidence[0];
        assert_eq!((file.format.as_str(), report.log_events.len()), ("event_table", 0));
        assert_eq!(file.problems[0].code, "unsupported_format");
        assert!(file.problems[0].text.contains("Export-Clixml"), "{}", file.problems[0].text);
    }
}

fn check(name: &str, event: &LogEvent, shown: &Shown) {
    assert_eq!(event.event_id, 4653, "{name}");
    assert_eq!(event.channel, "Security", "{name}");
    assert_eq!(event.provider, "Microsoft-Windows-Security-Auditing", "{name}");
    assert_eq!(event.local.as_deref(), Some("10.77.3.11"), "{name}");
    assert_eq!(event.peer.as_deref(), Some("10.77.3.20"), "{name}");
    assert_eq!(event.initiator_cookie.as_deref(), Some("7fff978978cca0fd"), "{name}");
    assert_eq!(event.responder_cookie.as_deref(), Some("15e7e16187511323"), "{name}");
    // %%8222 in the values, "IKEv1" in the messages.
    assert_eq!(event.keying.as_deref(), Some("1"), "{name}");
    // The text says it in English in every sample, with a pre-shared key.
    let reason = event.reason.as_deref();
    assert!(
        matches!(reason, Some("authentication_failed" | "psk_mismatch_suspected")),
        "{name}: {reason:?}"
    );
    let time = event.time.as_deref().unwrap_or_default();
    let digits = |text: &str| {
        text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    assert_eq!(digits(time), digits(shown.time), "{name}");
    if shown.host {
        assert_eq!(event.host, "WS01.corp.example", "{name}");
    }
    if shown.record {
        assert_eq!(event.record, 5191, "{name}");
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "README.md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
