//! Winlogbeat and Elastic Agent (versions 7 and 8 under `winlog`, 5 and 6 without it).
//!
//! Source: elastic.co, Winlogbeat 8.0 "exported fields, winlog" and 6.3 "exported fields, eventlog".

use super::{Filled, Node, Row, event_id, is_wanted, message, number_of, take_named, text};
use crate::eventlog::text::local_times::RecordTime;
use crate::eventlog::{AuditOutcome, LogRecord};
use crate::evidence::ExportTool;

pub(super) fn fill(record: &mut LogRecord, row: &Row<'_>) -> Option<Filled> {
    let under = row.get("winlog").and_then(Node::as_object);
    let (event, log, source, numbered) = match under {
        Some(event) => (event, "channel", "provider_name", "record_id"),
        None if row.contains("log_name") || row.contains("source_name") => {
            (row, "log_name", "source_name", "record_number")
        }
        None => return None,
    };
    let code = row.get("event").and_then(|event| event.get("code"));
    record.event_id = event_id(event.get("event_id").or(code))?;
    text(event, source).clone_into(&mut record.provider);
    text(event, log).clone_into(&mut record.channel);
    text(event, "computer_name").clone_into(&mut record.computer);
    record.version = number_of(event, "version").and_then(|it| it.try_into().ok()).unwrap_or(0);
    if let Some(number) = number_of(event, numbered) {
        record.set_number(number);
    }
    let outcome = row.get("event").and_then(|event| event.get("outcome")).and_then(Node::as_str);
    record.audit = match outcome {
        Some("success") => AuditOutcome::Success,
        Some("failure") => AuditOutcome::Failure,
        _ => AuditOutcome::NotAudit,
    };
    let is_wanted = is_wanted(record.event_id);
    for body in ["event_data", "user_data"].into_iter().filter(|_| is_wanted) {
        let body = event.get(body).map(Node::read);
        if let Some(body) = body.as_deref().and_then(Node::as_object) {
            take_named(record, body.iter());
        }
    }
    let message = message(record, row, "message");
    Some(Filled {
        message,
        time: RecordTime::parse_utc(text(row, "@timestamp")),
        recovered: false,
        tool: ExportTool::Winlogbeat,
    })
}
