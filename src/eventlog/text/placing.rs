//! Identifies the provider of a record where the export names no log, or names its source in another language.
//!
//! A number alone belongs to many providers. It identifies one only together with the source, the log, or a
//! message (or fields) in the format of one provider's event, with values of the right kind.

use crate::catalogue::{
    AUDITPOL, CHARON, EventEntry, NET_EVENTS, PLUTO, SA_STATE, channel_of_source, events_numbered,
};
use crate::eventlog::LogRecord;
use std::net::IpAddr;

/// How the log and the source of a record were identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// The export names them, or names the source, whose events of this number are in one log.
    Named,
    /// By the format of the message or the fields, and the number.
    ByShape,
    /// They are not known.
    Unknown,
}

/// Fills in the record's log and source, and its values from the message where it has none; returns how they
/// were identified, and whether the values are known.
pub(super) fn place(record: &mut LogRecord, message: &str) -> (Placed, bool) {
    let rows = events_numbered(record.event_id);
    // `EventLog` is a source of its own (6005 to 6013), and how Event Viewer shows another one (104, 1102).
    let is_itself = rows.iter().any(|row| row.provider.eq_ignore_ascii_case(&record.provider));
    let shown = |row: &&(&str, &str)| row.0.eq_ignore_ascii_case(&record.provider);
    if let Some(row) = SOURCES.iter().find(shown).filter(|_| !is_itself) {
        row.1.clone_into(&mut record.provider);
    }
    let is_known = !channel_of_source(&record.provider).is_empty();
    if is_known || rows.is_empty() {
        if record.channel.is_empty() {
            channel(record, rows).clone_into(&mut record.channel);
        }
        return (Placed::Named, has_values(record) || record.fill_from_message(message));
    }
    let in_log = |row: &&EventEntry| {
        let is_named = row.channel.eq_ignore_ascii_case(&record.channel);
        ![NET_EVENTS, CHARON, PLUTO, AUDITPOL, SA_STATE].contains(&row.channel)
            && (is_named || record.channel.is_empty())
    };
    let mut fitting = rows.iter().filter(in_log).filter_map(|row| fitted(record, row, message));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => {
            *record = only;
            (Placed::ByShape, true)
        }
        _ => (Placed::Unknown, false),
    }
}

/// The log of a record whose source is known.
fn channel(record: &LogRecord, rows: &[EventEntry]) -> &'static str {
    let of_source = |row: &&EventEntry| row.provider.eq_ignore_ascii_case(&record.provider);
    let row = rows.iter().find(of_source);
    row.map_or_else(|| channel_of_source(&record.provider), |row| row.channel)
}

/// The record as an event of that row; `None` where it does not have its format.
fn fitted(record: &LogRecord, row: &EventEntry, message: &str) -> Option<LogRecord> {
    let mut fitted = record.clone();
    (fitted.provider, fitted.channel) = (row.provider.to_owned(), row.channel.to_owned());
    let has_values = has_values(record) || fitted.fill_from_message(message);
    (has_values && has_typed_value(&fitted)).then_some(fitted)
}

fn has_values(record: &LogRecord) -> bool {
    !record.named.is_empty() || !record.positional.is_empty()
}

/// Whether one of the values has the type that its name implies: an address, a cookie, a logon or a GUID. Words
/// alone prove nothing.
fn has_typed_value(record: &LogRecord) -> bool {
    let legacy = record.legacy_fields().map(|fields| fields.named).unwrap_or_default();
    let is_hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    record.named.iter().chain(&legacy).any(|(name, value)| {
        let value = value.trim();
        match name.as_str() {
            "InitiatorCookie" | "ResponderCookie" => value.len() == 16 && is_hexadecimal(value),
            "SubjectLogonId" => value.strip_prefix("0x").is_some_and(is_hexadecimal),
            name if name.ends_with("Address") || name.ends_with("Endpoint") => {
                value.parse::<IpAddr>().is_ok()
            }
            name if name.ends_with("Guid") || name.ends_with("Id") => {
                value.starts_with('{') && value.len() == GUID_IN_BRACES
            }
            _ => false,
        }
    })
}

/// Names that Event Viewer shows for sources.
const SOURCES: &[(&str, &str)] = &[
    ("Microsoft Windows security auditing.", "Microsoft-Windows-Security-Auditing"),
    ("Security-Auditing", "Microsoft-Windows-Security-Auditing"),
    ("Eventlog", "Microsoft-Windows-Eventlog"),
];
const GUID_IN_BRACES: usize = 38;
