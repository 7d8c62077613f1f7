//! EvtxECmd's `--json` and `--csv`: columns beside the payload, which is JSON inside a text.
//!
//! Source: EricZimmerman/evtx, EvtxECmd/Program.cs and evtx/EventRecord.cs.

use super::{Filled, Node, Row, event_id, is_wanted, number_of, scalar, text};
use crate::eventlog::text::local_times::RecordTime;
use crate::eventlog::{AuditOutcome, LogRecord};
use crate::evidence::ExportTool;

pub(super) fn fill(record: &mut LogRecord, row: &Row<'_>) -> Option<Filled> {
    let payload = row.get("Payload")?;
    record.event_id = event_id(row.get("EventId"))?;
    text(row, "Provider").clone_into(&mut record.provider);
    text(row, "Channel").clone_into(&mut record.channel);
    text(row, "Computer").clone_into(&mut record.computer);
    // The tool writes these words in English on every system.
    record.audit = match text(row, "Keywords") {
        "Audit success" => AuditOutcome::Success,
        "Audit failure" => AuditOutcome::Failure,
        _ => AuditOutcome::NotAudit,
    };
    if let Some(number) = number_of(row, "EventRecordId") {
        record.set_number(number);
    }
    if is_wanted(record.event_id) {
        let payload = payload.read();
        let parsed: Option<Row<'_>> =
            payload.as_str().and_then(|text| serde_json::from_str(text).ok());
        for body in ["EventData", "UserData"] {
            let body = parsed.as_ref().and_then(|payload| payload.get(body));
            body.into_iter().for_each(|body| super::event_tree::data(record, &body.read()));
        }
    }
    let time = match row.get("TimeCreated") {
        Some(Node::Text(text)) => RecordTime::parse_utc(text),
        _ => RecordTime::NONE,
    };
    let hidden = row.get("HiddenRecord").and_then(scalar).unwrap_or_default();
    let recovered = hidden.eq_ignore_ascii_case("true");
    Some(Filled { message: String::new(), time, recovered, tool: ExportTool::EvtxECmd })
}
