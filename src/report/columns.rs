//! The columns of the tables, in Parquet and behind its own in CSV: one row a column, named after the report's
//! fields.

use serde_json::Value;

/// What a column holds. Every column but a list may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A count, which is always below 2^63.
    Number,
    /// A number that evidence gives, with 64 bits of its own.
    Unsigned,
    /// A number with a fraction.
    Fraction,
    /// True or false.
    Flag,
    /// A point in time in UTC, cut to the microsecond.
    Time,
    /// The same in whole nanoseconds since 1970.
    Nanos,
    /// A list of texts.
    Texts,
    /// A value as JSON text, as report.json has it.
    Json,
}

impl Kind {
    /// The kind as the docs name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "int64",
            Self::Unsigned => "uint64",
            Self::Fraction => "double",
            Self::Flag => "boolean",
            Self::Time => "timestamp (UTC, microseconds)",
            Self::Nanos => "int64 (nanoseconds since 1970)",
            Self::Texts => "list of text",
            Self::Json => "text (JSON)",
        }
    }
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Where its value is in an entry of report.json; parts are joined by dots, numbers count
    /// entries of a list.
    pub path: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The field of report.json whose entries are its rows.
    pub name: &'static str,
    /// The file.
    pub file: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
}

/// Every table.
pub const TABLES: [Table; 5] = [WINDOWS, PAIRS, IKE_EXCHANGES, LOG_EVENTS, FINDINGS];

pub(super) const WINDOWS: Table =
    Table { name: "windows", file: "windows.parquet", columns: WINDOWS_COLUMNS };

pub(super) const PAIRS: Table =
    Table { name: "pairs", file: "pairs.parquet", columns: PAIRS_COLUMNS };

pub(super) const IKE_EXCHANGES: Table =
    Table { name: "ike_exchanges", file: "ike_exchanges.parquet", columns: IKE_EXCHANGES_COLUMNS };

pub(super) const LOG_EVENTS: Table =
    Table { name: "log_events", file: "log_events.parquet", columns: LOG_EVENTS_COLUMNS };

pub(super) const FINDINGS: Table =
    Table { name: "findings", file: "findings.parquet", columns: FINDINGS_COLUMNS };

const fn same(name: &'static str, kind: Kind) -> Column {
    Column { name, path: name, kind }
}

const fn of(name: &'static str, path: &'static str, kind: Kind) -> Column {
    Column { name, path, kind }
}

const WINDOWS_COLUMNS: &[Column] = &[
    same("id", Kind::Text),
    same("key", Kind::Text),
    same("a", Kind::Text),
    same("b", Kind::Text),
    same("a_names", Kind::Texts),
    same("b_names", Kind::Texts),
    same("community_ids", Kind::Texts),
    same("start", Kind::Time),
    of("start_nanos", "start", Kind::Nanos),
    same("end", Kind::Time),
    of("end_nanos", "end", Kind::Nanos),
    same("frames", Kind::Number),
    same("bytes", Kind::Number),
    same("mixed", Kind::Flag),
    same("expectation", Kind::Text),
    same("duration_seconds", Kind::Fraction),
    of("packets_a_to_b", "a_to_b.packets", Kind::Number),
    of("payload_bytes_a_to_b", "a_to_b.payload_bytes", Kind::Number),
    of("packets_b_to_a", "b_to_a.packets", Kind::Number),
    of("payload_bytes_b_to_a", "b_to_a.payload_bytes", Kind::Number),
    of("answered", "a_to_b.answered", Kind::Flag),
    same("apps", Kind::Json),
    of("first_evidence", "first.evidence", Kind::Text),
    of("first_frame", "first.frame", Kind::Number),
    of("last_evidence", "last.evidence", Kind::Text),
    of("last_frame", "last.frame", Kind::Number),
    of("reason", "causes.0.reason", Kind::Text),
    of("confidence", "causes.0.confidence", Kind::Text),
    of("opened_reason", "opened_by.0.reason", Kind::Text),
    of("opened_confidence", "opened_by.0.confidence", Kind::Text),
    of("kept_open_reason", "kept_open_by.0.reason", Kind::Text),
    of("kept_open_confidence", "kept_open_by.0.confidence", Kind::Text),
    of("closed_reason", "closed_by.0.reason", Kind::Text),
    of("closed_confidence", "closed_by.0.confidence", Kind::Text),
    same("filter", Kind::Text),
    same("opened_by", Kind::Json),
    same("kept_open_by", Kind::Json),
    same("closed_by", Kind::Json),
    same("chain", Kind::Text),
    same("causes", Kind::Json),
    same("audits", Kind::Json),
    same("same_frames_as", Kind::Texts),
    same("shared_frames", Kind::Number),
];

const PAIRS_COLUMNS: &[Column] = &[
    same("a", Kind::Text),
    same("b", Kind::Text),
    same("a_names", Kind::Texts),
    same("b_names", Kind::Texts),
    same("expectation", Kind::Text),
    same("expectation_source", Kind::Text),
    same("expectation_by_direction", Kind::Json),
    same("expectation_spans", Kind::Json),
    same("verdict", Kind::Text),
    same("verdict_limits", Kind::Json),
    same("frames", Kind::Number),
    same("bytes", Kind::Number),
    of("esp_frames", "by_class.esp.frames", Kind::Number),
    of("esp_bytes", "by_class.esp.bytes", Kind::Number),
    of("esp_null_frames", "by_class.esp_null.frames", Kind::Number),
    of("esp_null_bytes", "by_class.esp_null.bytes", Kind::Number),
    of("ah_frames", "by_class.ah.frames", Kind::Number),
    of("ah_bytes", "by_class.ah.bytes", Kind::Number),
    of("ike_frames", "by_class.ike.frames", Kind::Number),
    of("ike_bytes", "by_class.ike.bytes", Kind::Number),
    of("natt_keepalive_frames", "by_class.natt_keepalive.frames", Kind::Number),
    of("natt_keepalive_bytes", "by_class.natt_keepalive.bytes", Kind::Number),
    of("exempt_frames", "by_class.exempt.frames", Kind::Number),
    of("exempt_bytes", "by_class.exempt.bytes", Kind::Number),
    of("clear_frames", "by_class.clear.frames", Kind::Number),
    of("clear_bytes", "by_class.clear.bytes", Kind::Number),
    of("non_ip_frames", "by_class.non_ip.frames", Kind::Number),
    of("non_ip_bytes", "by_class.non_ip.bytes", Kind::Number),
    of("undecodable_frames", "by_class.undecodable.frames", Kind::Number),
    of("undecodable_bytes", "by_class.undecodable.bytes", Kind::Number),
    same("first_time", Kind::Time),
    of("first_time_nanos", "first_time", Kind::Nanos),
    same("last_time", Kind::Time),
    of("last_time_nanos", "last_time", Kind::Nanos),
    same("readable_first_time", Kind::Time),
    of("readable_first_time_nanos", "readable_first_time", Kind::Nanos),
    same("readable_last_time", Kind::Time),
    of("readable_last_time_nanos", "readable_last_time", Kind::Nanos),
    same("spis", Kind::Texts),
    same("sas", Kind::Json),
    same("esp_algorithms", Kind::Json),
    same("readable", Kind::Json),
    same("tls", Kind::Json),
    same("inside_of", Kind::Texts),
    same("tunnel_frames", Kind::Number),
];

const IKE_EXCHANGES_COLUMNS: &[Column] = &[
    same("id", Kind::Text),
    same("version", Kind::Text),
    same("kind", Kind::Text),
    same("initiator", Kind::Text),
    same("responder", Kind::Text),
    same("initiator_spi", Kind::Text),
    same("responder_spi", Kind::Text),
    same("start", Kind::Time),
    of("start_nanos", "start", Kind::Nanos),
    same("end", Kind::Time),
    of("end_nanos", "end", Kind::Nanos),
    same("messages", Kind::Number),
    same("retransmissions", Kind::Number),
    same("state", Kind::Text),
    same("outcome", Kind::Text),
    same("reason", Kind::Text),
    same("inferred", Kind::Flag),
    same("confidence", Kind::Text),
    same("proof", Kind::Json),
    same("start_seen", Kind::Flag),
    same("one_way", Kind::Flag),
    same("resent_after_seconds", Kind::Json),
    same("icmp_errors", Kind::Json),
    same("proposals", Kind::Texts),
    same("chosen", Kind::Text),
    same("mismatch", Kind::Text),
    same("weak", Kind::Texts),
    same("identities", Kind::Texts),
    same("notifies", Kind::Texts),
    same("vendor_ids", Kind::Texts),
    same("nat_initiator", Kind::Flag),
    same("nat_responder", Kind::Flag),
    same("moved_to_4500", Kind::Flag),
    same("replaces", Kind::Text),
    same("replaced_by", Kind::Text),
    same("simultaneous", Kind::Text),
    of("first_evidence", "first.evidence", Kind::Text),
    of("first_frame", "first.frame", Kind::Number),
    of("last_evidence", "last.evidence", Kind::Text),
    of("last_frame", "last.frame", Kind::Number),
    same("ladder", Kind::Json),
];

const LOG_EVENTS_COLUMNS: &[Column] = &[
    same("id", Kind::Text),
    same("evidence", Kind::Text),
    same("record", Kind::Unsigned),
    same("recovered", Kind::Flag),
    same("hidden_in", Kind::Unsigned),
    same("written_as", Kind::Unsigned),
    same("time", Kind::Time),
    of("time_nanos", "time", Kind::Nanos),
    same("time_corrected", Kind::Time),
    of("time_corrected_nanos", "time_corrected", Kind::Nanos),
    same("host", Kind::Text),
    same("channel", Kind::Text),
    same("provider", Kind::Text),
    same("event_id", Kind::Number),
    same("version", Kind::Number),
    same("category", Kind::Text),
    same("audit", Kind::Text),
    same("reason", Kind::Text),
    same("error", Kind::Number),
    same("local", Kind::Text),
    same("peer", Kind::Text),
    same("mode", Kind::Text),
    same("keying", Kind::Text),
    same("role", Kind::Text),
    same("state", Kind::Text),
    same("failure_point", Kind::Text),
    same("initiator_cookie", Kind::Text),
    same("responder_cookie", Kind::Text),
    same("message_id", Kind::Number),
    same("inbound_spi", Kind::Text),
    same("outbound_spi", Kind::Text),
    same("packets", Kind::Unsigned),
    same("service", Kind::Text),
    same("service_state", Kind::Text),
    same("fields", Kind::Json),
    of("join_by", "join.by", Kind::Text),
    of("join_exchange", "join.exchange", Kind::Text),
    same("join", Kind::Json),
    same("copies", Kind::Json),
];

const FINDINGS_COLUMNS: &[Column] = &[
    same("id", Kind::Text),
    same("code", Kind::Text),
    same("severity", Kind::Text),
    same("confidence", Kind::Text),
    same("title", Kind::Text),
    same("detail", Kind::Text),
    same("pair", Kind::Text),
    same("start", Kind::Time),
    of("start_nanos", "start", Kind::Nanos),
    same("end", Kind::Time),
    of("end_nanos", "end", Kind::Nanos),
    same("evidence", Kind::Json),
    same("windows", Kind::Texts),
    same("causes", Kind::Texts),
    same("advice", Kind::Texts),
    same("controls", Kind::Texts),
    same("stable_id", Kind::Text),
    same("tshark", Kind::Texts),
    same("arkime", Kind::Text),
];

/// The value at a column's path in a row; nothing where it is null.
pub(super) fn found<'a>(row: &'a Value, path: &str) -> Option<&'a Value> {
    let value = path.split('.').try_fold(row, |value, part| match part.parse::<usize>() {
        Ok(at) => value.get(at),
        Err(_) => value.get(part),
    });
    value.filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_through_objects_and_lists() {
        let row = json!({"first": {"frame": 7}, "causes": [{"reason": "x"}], "none": null});
        assert_eq!(found(&row, "first.frame"), Some(&json!(7)));
        assert_eq!(found(&row, "causes.0.reason"), Some(&json!("x")));
        assert_eq!(found(&row, "causes.1.reason"), None);
        assert_eq!(found(&row, "none"), None);
    }
}
