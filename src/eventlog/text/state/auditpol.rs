//! The audit policy: `auditpol /get /category:* /r`, `auditpol /backup`, and the audit.csv of a group policy.
//!
//! Columns are taken by position and subcategories by their GUID, because names and settings are in the
//! language of the system. `/backup` and audit.csv have the setting as a number: 0 nothing, 1 successes, 2
//! failures, 3 both. The table of a group policy names no computer, and gives the intended setting, not the
//! actual one.
//!
//! Velociraptor's artifact Windows.System.AuditPolicy has the rows of the first as JSON objects, one per line.
//!
//! Source: Microsoft, "auditpol get", "auditpol backup"; [MS-GPAC] 2.2.1.2.1 for the columns and numbers.

use crate::catalogue::{AUDIT_WANTED, AUDITED_NOW, AUDITPOL};
use crate::eventlog::text::csv::fields;
use crate::eventlog::text::local_times::RecordTime;
use crate::eventlog::text::row_reading::Reading;
use crate::eventlog::text::source::Source;
use crate::eventlog::{LogEvent, LogRecord, LogSummary};
use crate::evidence::{EventFault, EvidenceId, ExportProblem, Position};
use crate::time::Resolution;
use std::collections::BTreeMap;
use std::io::Read;

/// Reads a whole table and passes each row about IPsec, or about auditing itself, to `sink`. A record is a row,
/// and its number that of its line. It has no time.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> (LogSummary, Resolution) {
    let (mut source, mark) = Source::new(reader);
    let mut reading = Reading::new(evidence, mark, None, sink);
    let (mut line, mut unreadable) = (0, 0u64);
    while let Some(length) = next_row(&mut source) {
        line += 1;
        let offset = source.offset();
        let row = source.window().get(..length).unwrap_or_default();
        let (columns, is_sound) = object(row).unwrap_or_else(|| separated(row));
        let bytes = source.consume(length);
        let mut record = reading.export.blank();
        record.record.record = line;
        if !is_sound {
            reading.export.not_text(offset, line);
        }
        match fill(&mut record, &columns) {
            Some(is_known) => {
                unreadable += u64::from(!is_known);
                reading.line(record, RecordTime::NONE, offset, bytes);
            }
            None if length > LONGEST_ROW => {
                reading.export.damaged(EventFault::RowTooLong, offset, bytes);
            }
            None => reading.export.tally.cover("markup", bytes, 0),
        }
    }
    reading.export.is_of_one_moment = true;
    if unreadable > 0 {
        let kind = ExportProblem::UnknownAuditSettings(unreadable);
        reading.export.tally.problem(kind, None, Position::File);
    }
    reading.finish(source)
}

/// Fills the record from a row; `None` where it is no row of a subcategory, otherwise whether the setting was
/// recognized.
fn fill(record: &mut LogRecord, columns: &[String]) -> Option<bool> {
    let text = |at: usize| columns.get(at).map_or("", |field| field.trim());
    let guid = text(GUID);
    // Settings for single users and options of the system are in rows of their own.
    if !is_guid(guid) || !text(TARGET).eq_ignore_ascii_case("System") {
        return None;
    }
    let machine = text(0);
    machine.clone_into(&mut record.computer);
    AUDITPOL.clone_into(&mut record.provider);
    AUDITPOL.clone_into(&mut record.channel);
    let is_of_ipsec =
        KNOWN.iter().any(|known| guid.get(1..9).is_some_and(|it| it.eq_ignore_ascii_case(known)));
    if !is_of_ipsec {
        return Some(true);
    }
    record.event_id = if machine.is_empty() { AUDIT_WANTED } else { AUDITED_NOW };
    let setting = setting(text(VALUE), text(INCLUSION));
    let mut add = |name: &str, value: &str| record.named.push((name.to_owned(), value.to_owned()));
    add("SubcategoryGuid", guid);
    add("Subcategory", text(2));
    add("InclusionSetting", text(INCLUSION));
    add("SettingValue", text(VALUE));
    let changes = match setting {
        Some((success, failure)) => {
            let success = if success { "%%8449" } else { "%%8448" };
            let failure = if failure { "%%8451" } else { "%%8450" };
            format!("{success}, {failure}")
        }
        None => text(INCLUSION).to_owned(),
    };
    add("AuditPolicyChanges", &changes);
    Some(setting.is_some())
}

/// The columns of a row, by the separator that puts a GUID where it belongs: auditpol writes commas, tools that
/// saved the table again also semicolons, tabs and quotation marks.
fn separated(row: &[u8]) -> (Vec<String>, bool) {
    let split = |separator: &u8| fields(row, *separator);
    let has_guid = |(columns, _): &(Vec<String>, bool)| {
        columns.get(GUID).is_some_and(|guid| is_guid(guid.trim()))
    };
    let others = [b';', b'\t'];
    let found = std::iter::once(&b',').chain(&others).map(split).find(has_guid);
    found.unwrap_or_else(|| fields(row, b','))
}

fn is_guid(text: &str) -> bool {
    text.len() == 38 && text.starts_with('{') && text.ends_with('}')
}

/// The columns of a row that is an object of JSON.
fn object(row: &[u8]) -> Option<(Vec<String>, bool)> {
    let row = row.trim_ascii();
    row.starts_with(b"{").then_some(())?;
    let object: BTreeMap<String, serde_json::Value> = serde_json::from_slice(row).ok()?;
    let column = |name: &&str| {
        let value = object.get(*name);
        value.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    Some((COLUMNS.iter().map(column).collect(), true))
}

/// Whether successes and failures are audited.
fn setting(value: &str, words: &str) -> Option<(bool, bool)> {
    match value {
        "0" => Some((false, false)),
        "1" => Some((true, false)),
        "2" => Some((false, true)),
        "3" => Some((true, true)),
        _ => match words {
            "No Auditing" => Some((false, false)),
            "Success" => Some((true, false)),
            "Failure" => Some((false, true)),
            "Success and Failure" => Some((true, true)),
            _ => None,
        },
    }
}

/// The length of the row in front of the window, with its end; `None` at the end of the file.
fn next_row(source: &mut Source<'_>) -> Option<usize> {
    loop {
        let window = source.window();
        if let Some(end) = memchr::memchr(b'\n', window) {
            return Some(end + 1);
        }
        let seen = window.len();
        if seen > LONGEST_ROW || !source.grow() {
            return (seen > 0).then_some(seen);
        }
    }
}

/// The names of the columns, by place.
const COLUMNS: [&str; 7] = [
    "Machine Name",
    "Policy Target",
    "Subcategory",
    "Subcategory GUID",
    "Inclusion Setting",
    "Exclusion Setting",
    "Setting Value",
];
const LONGEST_ROW: usize = 1 << 16;
const TARGET: usize = 1;
const GUID: usize = 3;
const INCLUSION: usize = 4;
const VALUE: usize = 6;
/// The beginnings of the GUIDs of the subcategories for IPsec's events: main, quick and extended mode, the
/// driver, the filtering platform's policy; and for changes of the audit policy and of the system's state.
const KNOWN: &[&str] =
    &["0CCE9218", "0CCE9219", "0CCE921A", "0CCE9213", "0CCE9233", "0CCE922F", "0CCE9210"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventlog::{AuditSubcategory, Auditing};
    use crate::evidence::ProblemCode;

    fn read(text: &[u8]) -> (LogSummary, Vec<LogEvent>) {
        let mut events = Vec::new();
        let summary = super::read(&mut { text }, EvidenceId(1), &mut |event| events.push(event)).0;
        let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
        assert_eq!(covered, text.len() as u64);
        (summary, events)
    }

    const HEAD: &str = "Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting\r\n\r\n";
    const MAIN: &str = "{0CCE9218-69AE-11D9-BED3-505054503030}";

    #[test]
    fn english_words_and_numbers_settle_what_is_audited() {
        for setting in ["Failure,", "Fehler,,2"] {
            let text = format!("{HEAD}WS01,System,x,{MAIN},{setting}\r\n");
            let (summary, events) = read(text.as_bytes());
            assert_eq!(summary.problems, []);
            let change = events[0].audit_change().unwrap();
            assert_eq!(change.subcategory, Some(AuditSubcategory::MainMode));
            assert_eq!((change.success, change.failure), (Some(Auditing::Off), Some(Auditing::On)));
            assert_eq!((events[0].host.as_str(), events[0].record.record), ("WS01", 3));
        }
    }

    #[test]
    fn tables_that_were_saved_again_say_the_same() {
        let rows = format!("{HEAD}WS01,System,x,{MAIN},Failure,\r\n");
        let quoted: Vec<String> = rows
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| line.split(',').map(|field| format!("\"{field}\"")).collect::<Vec<_>>())
            .map(|fields| fields.join(","))
            .collect();
        for text in [rows.replace(',', ";"), rows.replace(',', "\t"), quoted.join("\r\n")] {
            let (summary, events) = read(text.as_bytes());
            assert_eq!((summary.problems, events.len()), (Vec::new(), 1), "{text}");
            let change = events[0].audit_change().unwrap();
            assert_eq!((change.success, change.failure), (Some(Auditing::Off), Some(Auditing::On)));
        }
    }

    #[test]
    fn another_language_is_named_and_a_group_policy_settles_nothing() {
        let text = format!("{HEAD}WS01,System,x,{MAIN},Fehler,\r\n,System,x,{MAIN},Failure,,2\r\n");
        let wide: Vec<u8> =
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let (summary, events) = read(&wide);
        assert!(events[0].audit_change().unwrap().is_unreadable());
        let codes: Vec<_> = summary.problems.iter().map(|problem| problem.code()).collect();
        assert_eq!(codes, [ProblemCode::FieldsMissing]);
        assert_eq!((events[1].event_id, events[1].audit_change()), (AUDIT_WANTED, None));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_accounted_for(bytes: Vec<u8>) {
            if bytes.first().is_none_or(|first| *first > 1) {
                let mut sink = |_| ();
                let summary = super::read(&mut bytes.as_slice(), EvidenceId(1), &mut sink).0;
                let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
                proptest::prop_assert_eq!(covered, bytes.len() as u64);
            }
        }
    }
}
