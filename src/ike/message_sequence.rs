//! A negotiation as a sequence of messages, in order, in words that a person can read.

use super::conversation::is_from_initiator;
use super::digest::MessageDigest;
use super::exchange::IkeExchange;
use super::notify::notify_name;
use super::suite::Suite;
use super::{ExchangeType, IkeVersion};
use crate::catalogue::ike_payload_type;
use crate::evidence::FrameRef;
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// One message of the sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub time: Timestamp,
    /// The frame that completed the message.
    pub frame: FrameRef,
    /// Whether the initiator sent it.
    pub from_initiator: bool,
    /// It repeats an earlier one to the byte.
    pub is_repeated: bool,
    /// What it is.
    pub what: String,
}

impl IkeExchange {
    /// The frames that completed its messages, as far as these were kept.
    pub fn frames(&self) -> impl Iterator<Item = FrameRef> {
        self.kept.iter().map(|message| message.frame)
    }

    /// Whether a message of it is too long for one packet on some networks.
    #[must_use]
    pub fn may_be_in_fragments(&self) -> bool {
        self.kept.iter().any(|message| message.header.length > SURELY_WHOLE)
    }

    /// Its messages in order of time; of very long ones the first and the last.
    #[must_use]
    pub fn message_sequence(&self) -> Vec<Step> {
        let mut earlier = BTreeSet::new();
        let suite = self.chosen.as_ref().map(|chosen| Suite::for_chosen(Some(chosen)));
        self.kept
            .iter()
            .map(|message| Step {
                time: message.time,
                frame: message.frame,
                from_initiator: is_from_initiator(message, self.initiator, self.responder),
                is_repeated: !earlier.insert((message.fingerprint, message.source.ip())),
                what: message.in_words(suite),
            })
            .collect()
    }
}

impl MessageDigest {
    /// Exchange, direction, number, and its content in clear.
    fn in_words(&self, suite: Option<Suite>) -> String {
        let mut words = self.header.exchange_type.name();
        match self.version() {
            IkeVersion::V2 => {
                let direction = if self.is_response() { "response" } else { "request" };
                words.push_str(&format!(" {direction} {}", self.message_id()));
            }
            // RFC 2408 §3.1: zero in phase 1.
            IkeVersion::V1 | IkeVersion::AuthIp if self.message_id() != 0 => {
                words.push_str(&format!(" {:08x}", self.message_id()));
            }
            IkeVersion::V1 | IkeVersion::AuthIp => {}
        }
        let mut parts: Vec<String> = Vec::new();
        if let Some(clear) = self.clear() {
            let mut notifies = clear.notifies.iter();
            let notify = if self.version() == IkeVersion::V2 { 41 } else { 11 };
            parts.extend(clear.payloads.iter().map(|kind| {
                let named = if *kind == notify { notifies.next() } else { None };
                let payload = || {
                    let known = ike_payload_type(*kind).map(str::to_owned);
                    known.unwrap_or_else(|| format!("payload {kind}"))
                };
                named.map_or_else(payload, |named| notify_name(self.version(), named.kind))
            }));
        }
        if let Some(encrypted) = self.encrypted {
            let fragment = match encrypted.fragment {
                Some((number, 0)) => format!(", fragment {number}"),
                Some((number, total)) => format!(", fragment {number} of {total}"),
                None => String::new(),
            };
            let is_empty = self.is(ExchangeType::INFORMATIONAL)
                && encrypted.fragment.is_none()
                && suite.is_some_and(|suite| suite.most(encrypted.bytes) < LEAST_PAYLOAD);
            // RFC 7296 §1.4: an INFORMATIONAL exchange without payloads is a liveness check.
            let empty = if is_empty { ", empty: a liveness check" } else { "" };
            parts.push(format!("encrypted, {} bytes{fragment}{empty}", encrypted.bytes));
        }
        if parts.is_empty() { words } else { format!("{words}: {}", parts.join(", ")) }
    }
}

/// The MTU that IPv6 requires of every link (RFC 8200 §5), less the headers before the message.
const SURELY_WHOLE: u32 = 1280 - 40 - 8 - 4;
/// The shortest payload with a meaning: a Delete of the IKE SA, a notify (RFC 7296 §3.10).
const LEAST_PAYLOAD: u32 = 8;
