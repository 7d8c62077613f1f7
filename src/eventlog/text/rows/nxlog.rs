//! NXLog's `im_msvistalog` with `to_json()`: the event's own data flat beside the record's.
//!
//! Source: NXLog reference, "Event Log for Windows Vista/2008 and later (im_msvistalog)", fields.

use super::{Filled, Row, event_id, is_wanted, message, number_of, scalar, text};
use crate::eventlog::text::local_times::RecordTime;
use crate::eventlog::{AuditOutcome, LogRecord};
use crate::evidence::ExportTool;

pub(super) fn fill(record: &mut LogRecord, row: &Row<'_>) -> Option<Filled> {
    if !row.contains("SourceName") {
        return None;
    }
    record.event_id = event_id(row.get("EventID"))?;
    text(row, "SourceName").clone_into(&mut record.provider);
    text(row, "Channel").clone_into(&mut record.channel);
    text(row, "Hostname").clone_into(&mut record.computer);
    record.version = number_of(row, "Version").and_then(|it| it.try_into().ok()).unwrap_or(0);
    record.audit = AuditOutcome::from_keywords(number_of(row, "Keywords").unwrap_or(0));
    if let Some(number) = number_of(row, "RecordNumber") {
        record.set_number(number);
    }
    if is_wanted(record.event_id) {
        let own = row.iter().filter(|(name, _)| !OF_THE_RECORD.contains(name));
        let own = own.filter_map(|(name, value)| Some((name.to_owned(), scalar(value)?)));
        record.named.extend(own);
    }
    let time = row.get("EventTime").and_then(scalar).unwrap_or_default();
    let message = message(record, row, "Message");
    Some(Filled {
        message,
        time: RecordTime::parse(&time),
        recovered: false,
        tool: ExportTool::NxLog,
    })
}

/// Fields that every event has.
const OF_THE_RECORD: &[&str] = &[
    "EventTime",
    "EventReceivedTime",
    "Hostname",
    "HostIP",
    "Keywords",
    "EventType",
    "Severity",
    "SeverityValue",
    "EventID",
    "SourceName",
    "ProviderGuid",
    "Version",
    "Task",
    "TaskValue",
    "Opcode",
    "OpcodeValue",
    "RecordNumber",
    "ActivityID",
    "RelatedActivityID",
    "ProcessID",
    "ExecutionProcessID",
    "ThreadID",
    "ExecutionThreadID",
    "Channel",
    "Domain",
    "AccountName",
    "UserID",
    "AccountType",
    "Message",
    "Category",
    "FileName",
    "SourceModuleName",
    "SourceModuleType",
    "MessageSourceAddress",
];
