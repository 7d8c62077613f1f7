//! The tables as CSV: RFC 4180, UTF-8, one header line, columns named as in report.json and in Parquet.
//!
//! Cells are made from the JSON of a row, so no field can be forgotten.

use super::columns::{self, Column, Kind, Table, found};
use super::moment::nanos;
use super::{FormatError, Maker};
use crate::evidence::{is_printable_ascii, visible};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write;

/// Every table, with the name of its file.
pub(super) const TABLES: [(&str, Maker); 5] = [
    ("findings.csv", |report, out| table(FINDINGS, columns::FINDINGS, &report.findings, out)),
    ("windows.csv", |report, out| table(WINDOWS, columns::WINDOWS, &report.windows, out)),
    ("pairs.csv", |report, out| table(PAIRS, columns::PAIRS, &report.pairs, out)),
    ("ike_exchanges.csv", |report, out| {
        table(IKE_EXCHANGES, columns::IKE_EXCHANGES, &report.ike_exchanges, out)
    }),
    ("log_events.csv", |report, out| {
        table(LOG_EVENTS, columns::LOG_EVENTS, &report.log_events, out)
    }),
];

/// The columns of a table: first those that it has always had, then what else Parquet has.
fn columns_of(first: &'static str, parquet: Table) -> Vec<Column> {
    let mut all: Vec<Column> = first
        .split_whitespace()
        .map(|name| Column { name, path: name, kind: Kind::Json })
        .collect();
    let known: BTreeSet<&str> = all.iter().map(|column| column.name).collect();
    all.extend(parquet.columns.iter().filter(|column| !known.contains(column.name)));
    all
}

fn table<T: Serialize>(
    first: &'static str,
    parquet: Table,
    rows: &[T],
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    let columns = columns_of(first, parquet);
    let terminator = csv::Terminator::CRLF;
    let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(out);
    writer.write_record(columns.iter().map(|column| column.name))?;
    let mut text = String::new();
    for row in rows {
        let row = serde_json::to_value(row)?;
        for column in &columns {
            let value = found(&row, column.path);
            text.clear();
            match column.kind {
                Kind::Nanos => {
                    let nanos = value.and_then(Value::as_str).and_then(nanos);
                    text.extend(nanos.map(|nanos| nanos.to_string()));
                    writer.write_field(&text)?;
                }
                Kind::Text
                | Kind::Number
                | Kind::Unsigned
                | Kind::Fraction
                | Kind::Flag
                | Kind::Time
                | Kind::Texts
                | Kind::Json => {
                    push_cell(&mut text, value);
                    writer.write_field(guarded(&text).as_bytes())?;
                }
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    Ok(writer.flush()?)
}

/// A value in one cell: lists joined by `; `, a frame as `E1:11`, an object as `name=value` pairs without those that
/// are empty.
fn push_cell(text: &mut String, value: Option<&Value>) {
    match value {
        None | Some(Value::Null) => {}
        Some(Value::String(of)) => text.push_str(of),
        Some(Value::Bool(flag)) => text.push_str(if *flag { "true" } else { "false" }),
        Some(Value::Number(number)) => push(text, number),
        Some(Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { "; " } else { "" });
                push_cell(text, Some(item));
            }
        }
        Some(Value::Object(fields)) => match (fields.get("evidence"), fields.get("frame")) {
            (Some(Value::String(evidence)), Some(Value::Number(frame))) if fields.len() == 2 => {
                text.push_str(evidence);
                text.push(':');
                push(text, frame);
            }
            _ => {
                let between = if fields.values().any(Value::is_object) { "; " } else { ", " };
                let told = fields.iter().filter(|(_, value)| !is_empty(value));
                for (at, (name, value)) in told.enumerate() {
                    text.push_str(if at > 0 { between } else { "" });
                    text.push_str(name);
                    text.push(if value.is_object() { ' ' } else { '=' });
                    push_cell(text, Some(value));
                }
            }
        },
    }
}

/// Whether a part of a cell says nothing: null, a list without items, a class without frames.
fn is_empty(part: &Value) -> bool {
    match part {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(counts) => counts.values().all(|count| count.as_u64() == Some(0)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn push(text: &mut String, number: &serde_json::Number) {
    // Writing to a text does not fail.
    let _ = write!(text, "{number}");
}

/// A cell that no spreadsheet takes for a formula, nor what becomes a cell of its own where `;` separates
/// cells. One that reads as if it were guarded gets an apostrophe too, so that without it what was there is
/// left. Characters that cannot be seen are spelled out.
fn guarded(cell: &str) -> Cow<'_, str> {
    if is_printable_ascii(cell) && !cell.split(';').any(is_to_disarm) {
        return cell.into();
    }
    // Lines and tabs stay: spreadsheets show them.
    let lines = cell.split_inclusive(['\n', '\r', '\t']).map(|line| {
        let text = line.trim_end_matches(['\n', '\r', '\t']);
        let end = line.get(text.len()..).unwrap_or_default();
        format!("{}{end}", visible(text))
    });
    let cell: String = lines.collect();
    cell.split(';').map(disarmed).collect::<Vec<_>>().join(";").into()
}

fn disarmed(piece: &str) -> Cow<'_, str> {
    if !is_to_disarm(piece) {
        return piece.into();
    }
    let (blanks, text) = piece.split_at(piece.len() - piece.trim_start_matches(' ').len());
    format!("{blanks}'{text}").into()
}

/// Whether a spreadsheet may take it for a formula.
fn is_to_disarm(piece: &str) -> bool {
    let inside = piece.trim_start_matches([' ', '\'', '"']);
    inside.starts_with(STARTS_FORMULA) && piece.trim().parse::<f64>().is_err()
}

/// What a formula begins with, in either width, and what spreadsheets pass over before one.
const STARTS_FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

const FINDINGS: &str = "id code severity confidence title detail pair start end evidence windows causes advice controls stable_id tshark";
const WINDOWS: &str = "id a b community_ids start end frames bytes mixed expectation duration_seconds a_to_b b_to_a apps first last opened_by kept_open_by closed_by chain causes audits same_frames_as shared_frames";
const PAIRS: &str = "a b expectation expectation_source expectation_by_direction expectation_spans verdict verdict_limits frames bytes by_class first_time last_time spis sas esp_algorithms readable tls inside_of tunnel_frames";
const IKE_EXCHANGES: &str = "id version kind initiator responder initiator_spi responder_spi start end messages retransmissions state outcome reason inferred confidence proof start_seen one_way resent_after_seconds icmp_errors proposals chosen mismatch weak identities notifies vendor_ids nat_initiator nat_responder moved_to_4500 replaces replaced_by simultaneous first last";
const LOG_EVENTS: &str = "id evidence record time time_corrected host channel provider event_id category reason local peer fields recovered version audit error mode keying role state failure_point initiator_cookie responder_cookie message_id inbound_spi outbound_spi packets service service_state join hidden_in written_as copies";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formulas_are_disarmed_and_numbers_are_not() {
        let formulas = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-x", "\n=1"];
        for formula in formulas.into_iter().chain(["＝1+1", "＋cmd", "－2+3", "＠SUM(A1)", "\"=1"])
        {
            assert_eq!(guarded(formula), format!("'{formula}"));
        }
        for harmless in ["-2", "-2.5", "+3", "text", "", "'text", "'", "-2; +3", "a; b", "a=b; c"] {
            assert_eq!(guarded(harmless), harmless);
        }
    }

    #[test]
    fn what_a_semicolon_parts_is_disarmed_too() {
        assert_eq!(guarded("host;=1+1"), "host;'=1+1");
        assert_eq!(guarded("a; @x;-y"), "a; '@x;'-y");
        assert_eq!(guarded("=1;＝2"), "'=1;'＝2");
    }

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(
            guarded("a\u{202e}b\u{1b}[1m\u{9b}c\u{2028}"),
            r"a\u{202e}b\u{1b}[1m\u{9b}c\u{2028}"
        );
        assert_eq!(guarded("two\r\nlines\tand a tab"), "two\r\nlines\tand a tab");
    }

    #[test]
    fn nested_values_become_one_cell() {
        let check = |value: Value, expected: &str| {
            let mut text = String::new();
            push_cell(&mut text, Some(&value));
            assert_eq!(text, expected);
        };
        check(json!(["a", "b"]), "a; b");
        check(json!({"evidence": "E1", "frame": 11}), "E1:11");
        check(json!([{"evidence": "E1", "frames": [1, 2]}]), "evidence=E1, frames=1; 2");
        check(json!({"esp": {"frames": 1, "bytes": 2}}), "esp frames=1, bytes=2");
        check(Value::Null, "");
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_back(texts in proptest::collection::vec(".*", 1..8)) {
            #[derive(Serialize)]
            struct Row { a: String, b: String }
            let rows: Vec<_> = texts.iter().map(|t| Row { a: t.clone(), b: t.clone() }).collect();
            let none = Table { name: "", file: "", columns: &[] };
            let mut bytes = Vec::new();
            table("a b", none, &rows, &mut bytes).unwrap();
            let mut reader = csv::Reader::from_reader(&bytes[..]);
            let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            proptest::prop_assert_eq!(read.len(), texts.len());
            for (record, text) in read.iter().zip(&texts) {
                proptest::prop_assert_eq!(&record[0], &*guarded(text));
            }
        }
    }
}
