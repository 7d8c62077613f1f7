//! The types of report.json for negotiations, and nothing else.

use super::schema::FrameRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A negotiation.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct IkeExchange {
    /// `X1`, `X2`, …
    pub id: String,
    /// `1`, `2` or `authip`.
    pub version: String,
    /// The exchanges it went through.
    pub kind: String,
    /// Address and port.
    pub initiator: String,
    /// Address and port.
    pub responder: String,
    /// Sixteen hexadecimal digits.
    pub initiator_spi: String,
    /// Sixteen hexadecimal digits; zeros where it never answered.
    pub responder_spi: String,
    /// Time of its first message.
    pub start: String,
    /// Time of its last message.
    pub end: String,
    /// Messages in all.
    pub messages: u64,
    /// Messages sent again.
    pub retransmissions: u64,
    /// How far it came.
    pub state: String,
    /// What became of it.
    pub outcome: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// Outcome and reason were inferred from what is encrypted.
    pub inferred: bool,
    /// How sure they are: `high`, `medium` or `low`.
    pub confidence: String,
    /// The frames that show them.
    pub proof: Vec<FrameRef>,
    /// The message that opens it is in the capture.
    pub start_seen: bool,
    /// Only one side's messages are in the capture.
    pub one_way: bool,
    /// When the request that got no answer was sent again, in seconds after its first sending.
    #[schemars(with = "Vec<f64>")]
    pub resent_after_seconds: Vec<Box<RawValue>>,
    /// ICMP errors about its messages, by kind.
    pub icmp_errors: BTreeMap<String, u64>,
    /// What was offered.
    pub proposals: Vec<String>,
    /// What was chosen.
    pub chosen: Option<String>,
    /// What kept the two sides from agreeing, where both offers are known.
    pub mismatch: Option<String>,
    /// Algorithms among those chosen, or offered where nothing was chosen, that are not to be used.
    pub weak: Vec<String>,
    /// Identities in clear.
    pub identities: Vec<String>,
    /// Notify messages in clear.
    pub notifies: Vec<String>,
    /// Vendor ids.
    pub vendor_ids: Vec<String>,
    /// The initiator's address was translated; null where no hash was seen.
    pub nat_initiator: Option<bool>,
    /// The responder's address was translated.
    pub nat_responder: Option<bool>,
    /// It moved from UDP 500 to 4500.
    pub moved_to_4500: bool,
    /// The negotiation that this one replaces.
    pub replaces: Option<String>,
    /// The one that replaces it.
    pub replaced_by: Option<String>,
    /// The one that the other side began at the same time.
    pub simultaneous: Option<String>,
    /// The first message.
    pub first: FrameRef,
    /// The last one.
    pub last: FrameRef,
    /// Its messages in order of time; of very long ones the first and the last.
    pub ladder: Vec<Step>,
}

/// A message of a negotiation.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// When it was complete.
    pub time: String,
    /// The frame that completed it.
    pub frame: FrameRef,
    /// `initiator` or `responder`.
    pub from: String,
    /// It repeats an earlier one to the byte.
    pub repeated: bool,
    /// What it is.
    pub what: String,
}
