//! Velociraptor's Windows.EventLogs.EvtxHunter: columns of the record beside the event's own data. Its `parse_evtx`
//! and Windows.EventLogs.Evtx give the event's tree.
//!
//! Source: Velocidex/velociraptor, artifacts/definitions/Windows/EventLogs/EvtxHunter.yaml (names and their order);
//! file_store/csv/utils.go (a cell that is an object is JSON).

use super::{Filled, Node, Row, event_id, is_wanted, message, number_of, text};
use crate::eventlog::LogRecord;
use crate::eventlog::text::local_times::RecordTime;
use crate::evidence::ExportTool;

pub(super) fn fill(record: &mut LogRecord, row: &Row<'_>) -> Option<Filled> {
    if !OF_EVERY_ROW.iter().all(|name| row.contains(name)) {
        return None;
    }
    record.event_id = event_id(row.get("EventID"))?;
    text(row, "Provider").clone_into(&mut record.provider);
    text(row, "Channel").clone_into(&mut record.channel);
    text(row, "Computer").clone_into(&mut record.computer);
    if let Some(number) = number_of(row, "EventRecordID") {
        record.set_number(number);
    }
    let is_wanted = is_wanted(record.event_id);
    for body in ["EventData", "UserData"].into_iter().filter(|_| is_wanted) {
        let Some(body) = row.get(body).map(Node::read) else { continue };
        match body.as_str() {
            Some(json) => super::event_tree::data(record, &Node::Unread(json).read()),
            None => super::event_tree::data(record, &body),
        }
    }
    let time = RecordTime::parse_utc(text(row, "EventTime"));
    let message = message(record, row, "Message");
    Some(Filled { message, time, recovered: false, tool: ExportTool::Velociraptor })
}

const OF_EVERY_ROW: &[&str] = &["EventTime", "Channel", "Provider", "EventID", "EventRecordID"];
