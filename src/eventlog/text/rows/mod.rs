//! Events as sets of named values, as many tools write them: identifies the tool, and the meaning of its names.
//! JSON, CSV with a line of names and PowerShell's XML give such sets.
//!
//! The tool is recognized by the names alone, separately for each event. The names of an event's own data are
//! those of the .evtx record, so that they have the same meaning.

mod row;

mod beats;

mod event_tree;

mod evtxecmd;

mod hayabusa;

mod netipsec;

mod nxlog;

mod powershell;

mod velociraptor;

use super::local_times::{RecordTime, UPTIME};
use super::xml::bytes_of_hex;
use crate::catalogue::events_numbered;
use crate::eventlog::LogRecord;
use crate::eventlog::interpret::whole_number;
use crate::evidence::{EventFault, ExportTool};
pub(super) use row::{Node, Row};

/// What a row gives beside the record's own values.
pub(super) struct Filled {
    /// The text that Windows shows for the event; empty where the row has none.
    pub(super) message: String,
    /// When it happened.
    pub(super) time: RecordTime,
    /// The tool found it outside the live records.
    pub(super) recovered: bool,
    /// The tool that wrote the row.
    pub(super) tool: ExportTool,
}

/// Reads a row into a record.
///
/// # Errors
///
/// Where no known tool writes such names, or the event has no number.
pub(super) fn fill(record: &mut LogRecord, row: &Row<'_>) -> Result<Filled, EventFault> {
    let row = inner(row);
    let readers: [fn(&mut LogRecord, &Row<'_>) -> Option<Filled>; 8] = [
        event_tree::fill,
        velociraptor::fill,
        netipsec::fill,
        evtxecmd::fill,
        beats::fill,
        hayabusa::fill,
        nxlog::fill,
        powershell::fill,
    ];
    let filled = readers.into_iter().find_map(|reader| reader(record, row));
    // Bytes beside the event's values, which some tools write among them.
    for (_, hex) in record.named.extract_if(.., |(name, _)| name == "Binary") {
        record.binary = bytes_of_hex(&hex);
    }
    filled.ok_or(EventFault::UnknownNames)
}

/// The content of an export's envelope: Elasticsearch's `_source`, chainsaw's `document`.
fn inner<'r, 't>(row: &'r Row<'t>) -> &'r Row<'t> {
    if let Some(source) = row.get("_source").and_then(Node::as_object) {
        return source;
    }
    let document = row.get("document").and_then(|document| document.get("data"));
    document.and_then(Node::as_object).unwrap_or(row)
}

/// Whether the event's own data matters: the catalogue knows its number, or it shows the log's zone. The data
/// of other events is not read.
fn is_wanted(event_id: u16) -> bool {
    event_id == UPTIME || !events_numbered(event_id).is_empty()
}

/// A text value; empty where it is none.
fn text<'r>(row: &'r Row<'_>, name: &str) -> &'r str {
    row.get(name).and_then(Node::as_str).unwrap_or_default()
}

/// The text that Windows shows for the event, where it matters.
fn message(record: &LogRecord, row: &Row<'_>, name: &str) -> String {
    let text = row.get(name).filter(|_| is_wanted(record.event_id));
    text.and_then(|text| text.read().as_str().map(str::to_owned)).unwrap_or_default()
}

/// A number, as a JSON number or as text, decimal or hexadecimal; negative ones give their bits.
fn number(value: &Node<'_>) -> Option<u64> {
    match value {
        Node::Number(number) => number.as_u64().or_else(|| number.as_i64().map(i64::cast_unsigned)),
        Node::Text(text) => {
            let text = text.trim();
            let negative = || text.parse::<i64>().ok().map(i64::cast_unsigned);
            whole_number(text).or_else(negative)
        }
        Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) | Node::Unread(_) => None,
    }
}

fn number_of(row: &Row<'_>, name: &str) -> Option<u64> {
    row.get(name).and_then(number)
}

/// An event's number: the low 16 bits, because legacy records have more.
fn event_id(value: Option<&Node<'_>>) -> Option<u16> {
    value.and_then(number).and_then(|id| u16::try_from(id & 0xffff).ok())
}

/// A single value as text.
fn scalar(value: &Node<'_>) -> Option<String> {
    match value {
        Node::Null => Some(String::new()),
        Node::Text(text) => Some(text.clone().into_owned()),
        Node::Bool(value) => Some(value.to_string()),
        Node::Number(number) => Some(number.to_string()),
        Node::List(_) | Node::Object(_) => None,
        Node::Unread(_) => scalar(&value.read()),
    }
}

/// Takes named data: names of the form `param1`, `param2`, … are positions. Bytes are in hexadecimal.
fn take_named<'n>(record: &mut LogRecord, data: impl IntoIterator<Item = (&'n str, &'n Node<'n>)>) {
    let mut values = Vec::new();
    for (name, value) in data {
        match (name, scalar(value)) {
            ("Binary", Some(text)) => record.binary = bytes_of_hex(&text),
            (_, Some(text)) => values.push((name.to_owned(), text)),
            (_, None) => {}
        }
    }
    let is_place = |(at, (name, _)): (usize, &(String, String))| {
        name.strip_prefix("param").is_some_and(|place| place.parse() == Ok(at + 1))
    };
    if !values.is_empty() && values.iter().enumerate().all(is_place) {
        record.name_values(values.into_iter().map(|(_, value)| value).collect());
    } else {
        record.named.extend(values);
    }
}
