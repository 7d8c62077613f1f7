//! Hayabusa's timelines: a row for each rule that an event meets, the log abbreviated.
//!
//! Source: Yamato-Security/hayabusa config/profiles.yaml and config/channel_abbreviations.txt.

use super::{Filled, Row, event_id, number_of, scalar, take_named, text};
use crate::eventlog::text::local_times::LocalTimes;
use crate::eventlog::{AuditOutcome, LogRecord};
use crate::evidence::RecordRef;
use serde_json::Value;

pub(super) fn fill(record: &mut LogRecord, row: &Row) -> Option<Filled> {
    if !row.contains_key("RuleTitle") && !row.contains_key("Details") {
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
        record.record = RecordRef { record: number, ..record.record };
    }
    // The details are what each rule makes of the event; only the list of all fields is the event's.
    match row.get("AllFieldInfo") {
        Some(Value::Object(all)) => take_named(record, all),
        Some(Value::String(all)) => {
            let fields = all.split(" \u{a6} ").filter_map(|field| field.split_once(": "));
            record.named.extend(fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        _ => {}
    }
    let time = row.get("Timestamp").and_then(scalar).unwrap_or_default();
    Some(Filled { message: String::new(), told: LocalTimes::told(&time), recovered: false })
}

/// Those of logs that hold events of the catalogue.
const CHANNELS: &[(&str, &str)] = &[("Sec", "Security"), ("Sys", "System")];
