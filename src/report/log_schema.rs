//! The types of report.json that show of logs: their events and whether they can be trusted.
//!
//! As with the rest of the layout: fields are added and never renamed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A log record that the catalogue knows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogEvent {
    /// `L1`, `L2`, …
    pub id: String,
    /// The log's id.
    pub evidence: String,
    /// The record's own number.
    pub record: u64,
    /// Whether it is outside the live log, as a remnant.
    pub recovered: bool,
    /// The number of the record inside which it was hidden, where it was.
    pub hidden_in: Option<u64>,
    /// The number under which its computer wrote it; another than `record` in a collector's log. Where the file gives
    /// none, its position in the file.
    pub written_as: u64,
    /// The same record in other files, or again in this one; it counts once, here.
    pub copies: Vec<RecordCopy>,
    /// Its time by the host's clock.
    pub time: Option<String>,
    /// Its time by the captures' clock.
    pub time_corrected: Option<String>,
    /// The computer.
    pub host: String,
    /// The log it was written to.
    pub channel: String,
    /// Who wrote it.
    pub provider: String,
    /// The event's number.
    pub event_id: u16,
    /// The version of the event's layout.
    pub version: u8,
    /// What it shows of.
    pub category: String,
    /// Whether it audits a `success` or a `failure`, or is `not_audit`.
    pub audit: String,
    /// The cause it names.
    pub reason: Option<String>,
    /// The Windows error behind the reason.
    pub error: Option<u32>,
    /// The host's own address.
    pub local: Option<String>,
    /// The peer's.
    pub peer: Option<String>,
    /// `main`, `quick` or `extended`.
    pub mode: Option<String>,
    /// `1`, `2` or `authip`.
    pub keying: Option<String>,
    /// `initiator` or `responder`.
    pub role: Option<String>,
    /// How far the negotiation came, in the record's words.
    pub state: Option<String>,
    /// On whose side it failed: `local` or `remote`.
    pub failure_point: Option<String>,
    /// The initiator's cookie or SPI, sixteen hexadecimal digits.
    pub initiator_cookie: Option<String>,
    /// The responder's.
    pub responder_cookie: Option<String>,
    /// The message ID of the IKE header.
    pub message_id: Option<u32>,
    /// The SPI of the packets that the host receives.
    pub inbound_spi: Option<String>,
    /// The SPI of those it sends.
    pub outbound_spi: Option<String>,
    /// How many packets it is about.
    pub packets: Option<u64>,
    /// The service concerned.
    pub service: Option<String>,
    /// What became of it.
    pub service_state: Option<String>,
    /// Every field, in the record's order.
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// What of the captures it is about, by a number that both carry; null where there is none.
    #[serde(default)]
    pub join: Option<Join>,
}

/// The same record in another file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordCopy {
    /// The file's id.
    pub evidence: String,
    /// The record's number there.
    pub record: u64,
}

/// A log event and a negotiation or SA of the captures that are the same thing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Join {
    /// `cookie`, `spi`, `message_id` or `main_mode_sa`.
    pub by: String,
    /// The negotiation's id; null where the captures show the SA alone.
    pub exchange: Option<String>,
    /// The lower address of the SA's two; null where the join is to a negotiation.
    pub a: Option<String>,
    /// The higher one.
    pub b: Option<String>,
    /// The SPI that the captures show.
    pub spi: Option<String>,
}

/// What a log shows of its own reliability.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogCoverage {
    /// The logs that its records name.
    pub channels: Vec<String>,
    /// The lowest record number.
    pub first_record: Option<u64>,
    /// The highest.
    pub last_record: Option<u64>,
    /// The log that its record numbers continue, of the same computer and folder.
    pub continues: Option<String>,
    /// The file says that it was in use when it was copied.
    pub dirty: bool,
    /// The file says that it was full.
    pub full: bool,
    /// Records found outside the live log.
    pub recovered: u64,
    /// The addresses of its host; empty where it holds the logs of several, see `sources`.
    pub addresses: Vec<LogAddress>,
    /// Record numbers that are missing.
    pub gaps: Vec<LogGap>,
    /// The longest times between two records that follow each other.
    pub silences: Vec<LogSilence>,
    /// Where times go back from one record to the next.
    pub setbacks: Vec<LogSetback>,
    /// Events about the log, its host and its clock.
    pub marks: Vec<LogMark>,
    /// What the log as a whole shows of the auditing of negotiations; null where it holds no record
    /// of the Security log, or the logs of several computers.
    pub audit: Option<Audit>,
    /// The logs that the file holds, one a computer and channel.
    pub sources: Vec<LogSource>,
}

/// The log of one computer, as far as a file holds it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogSource {
    /// The computer; empty where its records do not name it.
    pub host: String,
    /// The log that its records were written to.
    pub channel: String,
    /// The name that the computer had before, in the same file.
    pub renamed_from: Option<String>,
    /// Its records.
    pub records: u64,
    /// The lowest record number.
    pub first_record: Option<u64>,
    /// The highest.
    pub last_record: Option<u64>,
    /// The earliest time, by the host's clock.
    pub start: Option<String>,
    /// The latest.
    pub end: Option<String>,
    /// Whether the file is an export, a collector's log or a merged one: what it does not hold proves
    /// nothing.
    pub is_selection: bool,
    /// The addresses of its host.
    pub addresses: Vec<LogAddress>,
    /// What it shows of the auditing of negotiations; null where it is no Security log.
    pub audit: Option<Audit>,
    /// Records that were read and not interpreted, by the event's number.
    pub not_interpreted: Vec<EventCount>,
}

/// How many records of one event a log holds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EventCount {
    /// The event's number.
    pub event_id: u16,
    /// Its records.
    pub records: u64,
}

/// An address of a log's host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogAddress {
    /// The address.
    pub address: String,
    /// What says so: `event`, `connection`, `policy`.
    pub sources: Vec<String>,
    /// Other computers whose logs claim it too.
    pub claimed_by: Vec<String>,
}

/// Record numbers that are missing inside a log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogGap {
    /// The first number that is missing.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The time of the record before.
    pub after: Option<String>,
    /// The time of the record behind.
    pub before: Option<String>,
}

/// A time without records.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogSilence {
    /// The computer.
    pub host: String,
    /// The time of the record before.
    pub from: String,
    /// The time of the record after.
    pub to: String,
    /// How long it lasted.
    #[schemars(with = "Option<f64>")]
    pub seconds: Option<Box<RawValue>>,
}

/// A record that is earlier than the one before it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogSetback {
    /// The computer.
    pub host: String,
    /// The record's own number.
    pub record: u64,
    /// The time of the record before.
    pub from: String,
    /// The record's time.
    pub to: String,
}

/// An event about the log itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogMark {
    /// The computer.
    pub host: String,
    /// The log.
    pub channel: String,
    /// The record's own number.
    pub record: u64,
    /// Its time by the host's clock.
    pub time: Option<String>,
    /// The event's number.
    pub event_id: u16,
    /// What it says.
    pub kind: String,
    /// Of a change of auditing: the subcategory, where it is one of IPsec.
    pub subcategory: Option<String>,
    /// Of a change of auditing: `on` or `off` for successes; null where they are as before.
    pub success: Option<String>,
    /// The same for failures.
    pub failure: Option<String>,
    /// Of a clock that was set: by how much.
    #[schemars(with = "Option<f64>")]
    pub seconds: Option<Box<RawValue>>,
}

/// Whether negotiations of a time would be in a log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// `audited`, `auditing_off`, `disable_ike_audits_suspected`, `unknown` or `not_covered`.
    pub state: String,
    /// The sentence that says why.
    pub why: String,
    /// Whether the log's clock could be compared with the captures'.
    pub clock_known: Option<bool>,
    /// The records it rests on.
    pub evidence: Vec<super::schema::Proof>,
}

/// The same of one host of a window.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HostAudit {
    /// The host's address.
    pub address: String,
    /// The computers whose logs were looked at.
    pub hosts: Vec<String>,
    /// What is known.
    #[serde(flatten)]
    pub audit: Audit,
}

/// A span in which a driver says that it applied no IPsec.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BypassSpan {
    /// The computer.
    pub host: String,
    /// The log's id.
    pub evidence: String,
    /// The event that begins it: 4295 or 4293.
    pub event_id: u16,
    /// The record that begins it.
    pub first_record: u64,
    /// The record that ends it; null where there is none.
    pub last_record: Option<u64>,
    /// When it began, by the host's clock.
    pub start: String,
    /// When it ended.
    pub end: Option<String>,
    /// When it began, by the captures' clock.
    pub start_corrected: Option<String>,
    /// How long it lasted.
    #[schemars(with = "Option<f64>")]
    pub seconds: Option<Box<RawValue>>,
}
