//! The types of ecs.jsonl, and nothing else: fields of the Elastic Common Schema, and our own under
//! `ipsec`.
//!
//! Names and allowed values are those of ECS 8.11 and of Winlogbeat; what does not apply is left out.

use super::super::schema::{App, Cause, FrameRef, Join, KeptOpen, Proof};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A line of ecs.jsonl.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EcsEvent {
    /// When it happened or began, with the evidence's own digits.
    #[serde(rename = "@timestamp")]
    pub timestamp: String,
    /// What happened, in a sentence.
    pub message: String,
    /// `ipsec` and the kind.
    pub tags: Vec<String>,
    /// Which ECS this is.
    pub ecs: Ecs,
    /// What kind of event it is.
    pub event: Event,
    /// The initiator of a negotiation, the host of a log event; of a window the lower address,
    /// whichever sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Endpoint>,
    /// The other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Endpoint>,
    /// What the traffic is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Every address of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<Related>,
    /// The computer that wrote a log event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// The log event as Winlogbeat names its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winlog: Option<Winlog>,
    /// The rule behind a finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// The program.
    pub observer: Observer,
    /// What ECS has no field for.
    pub ipsec: Ipsec,
}

/// `ecs`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Ecs {
    /// The version whose fields these are.
    pub version: String,
}

/// `event`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Event {
    /// `alert` for findings, else `event`.
    pub kind: String,
    /// ECS' categories: `network`, `configuration`, `process`, `host`.
    pub category: Vec<String>,
    /// ECS' types: `connection`, `start`, `end`, `denied`, `change`, `info`, `error`.
    #[serde(rename = "type")]
    pub kinds: Vec<String>,
    /// `cleartext_window`, `protected_window`, `ike_exchange`, a log event's category, `finding`.
    pub action: String,
    /// `success`, `failure` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// `plainsight`.
    pub module: String,
    /// `plainsight.window`, `plainsight.protected`, `plainsight.ike_exchange`,
    /// `plainsight.log_event`, `plainsight.finding`.
    pub dataset: String,
    /// Who wrote the log event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// A log event's number; of a finding the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why: the leading cause, the reason of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of a finding: info 0, low 21, medium 47, high 73, critical 99, as Elastic's rules count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<u8>,
    /// Its first moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Its last moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// From the first to the last, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
}

/// `source` and `destination`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Endpoint {
    /// The address.
    pub address: String,
    /// The address again, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// `network`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Network {
    /// `ipv4` or `ipv6`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// `udp`, where the ports say that a negotiation went over UDP; `esp` under protection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// `ike` for negotiations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Community IDs: of a window its busiest flows', of a negotiation its own where it went over UDP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub community_id: Vec<String>,
    /// Packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets: Option<u64>,
    /// Their bytes on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// `related`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Related {
    /// Addresses.
    pub ip: Vec<String>,
}

/// `host`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Host {
    /// The computer's name.
    pub name: String,
}

/// `winlog`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Winlog {
    /// The log.
    pub channel: String,
    /// Who wrote the record.
    pub provider_name: String,
    /// The event's number.
    pub event_id: String,
    /// The record's number.
    pub record_id: String,
    /// The computer.
    pub computer_name: String,
    /// The record's fields; a dot in a name becomes `_`, because Elasticsearch takes it for a level.
    pub event_data: BTreeMap<String, String>,
}

/// `rule`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Rule {
    /// The code of the finding.
    pub id: String,
    /// The same for people.
    pub name: String,
}

/// `observer`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Observer {
    /// `plainsight`.
    pub product: String,
    /// Its version.
    pub version: String,
}

/// `ipsec`: what the report says and ECS has no field for.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Ipsec {
    /// The entry of report.json: `W1`, `X3`, `L7`, `F2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How sure reason or finding is: `high`, `medium` or `low`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
    /// The first frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<FrameRef>,
    /// The last frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<FrameRef>,
    /// Of a window: protected packets of the pair travel inside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixed: Option<bool>,
    /// Of a window: its packets by application.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<App>,
    /// Of a window: what opened it, the best explanation first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opened_by: Vec<Cause>,
    /// Of a window: what kept it open, the best explanation first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept_open_by: Vec<KeptOpen>,
    /// Of a window: what closed it, the best explanation first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed_by: Vec<Cause>,
    /// Of a window: the three in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Of a window: all causes, the best explanation first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Of a window under ESP: its SPIs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spis: Vec<String>,
    /// Of a negotiation: what only IKE knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ike: Option<Ike>,
    /// Of a log event: what its record says about IPsec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<Box<Log>>,
    /// Of a finding: its severity in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Of a finding: what it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Of a finding: what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
    /// Of a finding: the windows it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
    /// Of a finding: what proves it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proof: Vec<Proof>,
    /// Of a finding: the controls of NIST and PCI DSS that it touches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<String>,
    /// Of a finding: the same for the same finding of the same files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_id: Option<String>,
}

/// `ipsec.ike`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Ike {
    /// `1`, `2` or `authip`.
    pub version: String,
    /// The exchanges it went through.
    pub kind: String,
    /// Sixteen hexadecimal digits.
    pub initiator_spi: String,
    /// Sixteen hexadecimal digits.
    pub responder_spi: String,
    /// How far it came.
    pub state: String,
    /// What became of it, in the report's words.
    pub outcome: String,
    /// What the responder chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// Notify messages in clear.
    pub notifies: Vec<String>,
}

/// `ipsec.log`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Log {
    /// The log's id in report.json.
    pub evidence: String,
    /// Its time by the host's own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_time: Option<String>,
    /// It is outside the live log, as a remnant.
    pub recovered: bool,
    /// `success`, `failure` or `not_audit`.
    pub audit: String,
    /// The version of the event's layout.
    pub version: u8,
    /// The Windows error behind the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<u32>,
    /// `main`, `quick` or `extended`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// `1`, `2` or `authip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keying: Option<String>,
    /// `initiator` or `responder`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// How far the negotiation came, in the record's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// On whose side it failed: `local` or `remote`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_point: Option<String>,
    /// Sixteen hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiator_cookie: Option<String>,
    /// Sixteen hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responder_cookie: Option<String>,
    /// The message ID of the IKE header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<u32>,
    /// The SPI of the packets that the host receives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound_spi: Option<String>,
    /// The SPI of those it sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound_spi: Option<String>,
    /// How many packets it is about; left out above 2^63 - 1, which Elasticsearch refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets: Option<i64>,
    /// The service concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_state: Option<String>,
    /// What of the captures it is about, by a number that both carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join: Option<Join>,
}
