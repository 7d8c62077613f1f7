//! Hayabusa's timelines: a row for each rule that an event matches, with the log abbreviated.
//!
//! Source: Yamato-Security/hayabusa config/profiles.yaml and config/channel_abbreviations.txt.

use super::{Filled, Node, Row, event_id, is_wanted, number_of, scalar, text};
use crate::catalogue::is_field_of;
use crate::eventlog::text::local_times::RecordTime;
use crate::eventlog::{AuditOutcome, LogRecord};
use crate::evidence::ExportTool;

pub(super) fn fill(record: &mut LogRecord, row: &Row<'_>) -> Option<Filled> {
    if !row.contains("RuleTitle") && !row.contains("Details") {
        return None;
    }
    record.event_id = event_id(row.get("EventID"))?;
    let log = text(row, "Channel");
    let known = CHANNELS.iter().find(|known| known.0 == log);
    known.map_or(log, |known| known.1).clone_into(&mut record.channel);
    text(row, "Provider").clone_into(&mut record.provider);
    text(row, "Computer").clone_into(&mut record.computer);
    record.audit = AuditOutcome::NotAudit;
    if let Some(number) = number_of(row, "RecordID") {
        record.set_number(number);
    }
    if !is_wanted(record.event_id) {
        // Its fields are not needed.
    } else if let Some(all) = row.get("AllFieldInfo") {
        record.named = fields_of(&all.read());
    } else if let Some(details) = row.get("Details") {
        // The details are a rule's text about the event. Without such a text they are the event's own fields,
        // as their names show.
        let fields = fields_of(&details.read());
        if fields.iter().all(|(name, _)| is_field_of(record.event_id, name)) {
            record.named = fields;
        }
    }
    let time = row.get("Timestamp").and_then(scalar).unwrap_or_default();
    Some(Filled {
        message: String::new(),
        time: RecordTime::parse(&time),
        recovered: false,
        tool: ExportTool::Hayabusa,
    })
}

/// An object, or `name: value` separated by broken bars.
fn fields_of(fields: &Node<'_>) -> Vec<(String, String)> {
    match fields {
        Node::Object(all) => {
            let named = all.iter();
            named.filter_map(|(name, value)| Some((name.to_owned(), scalar(value)?))).collect()
        }
        Node::Text(all) => {
            let fields = all.split(" \u{a6} ").filter_map(|field| field.split_once(": "));
            fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        }
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Unread(_) => {
            Vec::new()
        }
    }
}

/// The abbreviations of logs with events of the catalogue.
const CHANNELS: &[(&str, &str)] = &[("Sec", "Security"), ("Sys", "System")];
