//! A negotiation with its outcome, as the report lists it.

use super::digest::MessageDigest;
use super::nat::AddressTranslation;
use super::notify::readable_failure;
use super::outcome::Outcome;
use super::proposal::Proposal;
use super::{ExchangeType, IkeVersion, Spi};
use crate::catalogue::{Confidence, Reason, Weakness, exchange_type};
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// One negotiation and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IkeExchange {
    /// The protocol.
    pub version: IkeVersion,
    /// The exchanges it went through, by name and in order.
    pub kind: String,
    /// The host that began it.
    pub initiator: SocketAddr,
    /// The host that was asked.
    pub responder: SocketAddr,
    /// The initiator's SPI or cookie.
    pub initiator_spi: Spi,
    /// The responder's; zero where it never answered.
    pub responder_spi: Spi,
    /// Time of the first message.
    pub start: Timestamp,
    /// Time of the last message.
    pub end: Timestamp,
    /// Messages in all.
    pub messages: u64,
    /// Messages that repeat an earlier one to the byte.
    pub retransmissions: u64,
    /// The message that opens it is in the capture.
    pub start_seen: bool,
    /// Only one side's messages are in the capture.
    pub one_way: bool,
    /// How far it came.
    pub state: &'static str,
    /// Its outcome.
    pub outcome: Outcome,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// Whether outcome and reason were inferred from what is encrypted.
    pub inferred: bool,
    /// How certain they are.
    pub confidence: Confidence,
    /// The few frames that show outcome and reason.
    pub proof: Vec<FrameRef>,
    /// Who deleted the security associations, and when, where that was seen.
    pub deleted: Option<(IpAddr, Timestamp)>,
    /// When messages were sent that completed a child or quick mode security association, as far as their sizes
    /// and what follows show.
    pub completions: Vec<Timestamp>,
    /// When the last request that got no answer was sent again, after its first sending.
    pub resent_after: Vec<Span>,
    /// What the initiator offered.
    pub offered: Vec<Proposal>,
    /// What the responder chose.
    pub chosen: Option<Proposal>,
    /// The attribute on which the two did not agree, where both offers are known.
    pub mismatch: Option<String>,
    /// Identities that were sent in clear.
    pub identities: Vec<String>,
    /// Notify messages readable in clear, by name.
    pub notifies: Vec<String>,
    /// Vendor ids, by name or in hexadecimal.
    pub vendor_ids: Vec<String>,
    /// What the hashes of NAT detection show.
    pub nat: AddressTranslation,
    /// The negotiation that this one replaces, by its index in the list.
    pub replaces: Option<usize>,
    /// The one that replaces it.
    pub replaced_by: Option<usize>,
    /// The one that the other side began at the same time.
    pub simultaneous: Option<usize>,
    /// The first message's frame.
    pub first: FrameRef,
    /// The last message's frame.
    pub last: FrameRef,
    /// The messages that were kept, in order of time.
    pub kept: Vec<MessageDigest>,
}

impl IkeExchange {
    /// The two hosts.
    #[must_use]
    pub fn pair(&self) -> HostPair {
        HostPair::new(self.initiator.ip(), self.responder.ip())
    }

    /// Whether the initiator sent its first message again and again although it was answered, and no other: the answer
    /// did not reach it. One sending may cross the answer on its way.
    #[must_use]
    pub fn ignores_answer(&self) -> bool {
        let is_own = |message: &&MessageDigest| message.source.ip() == self.initiator.ip();
        let Some(first) = self.kept.first().filter(is_own) else { return false };
        let Some(answer) = self.kept.iter().find(|message| !is_own(message)) else { return false };
        let mut own = self.kept.iter().filter(is_own);
        let after = own.clone().filter(|message| message.time > answer.time).count();
        after > 1 && own.all(|message| message.repeats(first))
    }

    /// Weak algorithms: among those chosen, or offered where none was chosen.
    #[must_use]
    pub fn weaknesses(&self) -> Vec<&'static Weakness> {
        match &self.chosen {
            Some(chosen) => distinct(chosen.weaknesses()),
            None => self.weak_offers(),
        }
    }

    /// The message in clear that refused it: an error notify that nothing authenticates (RFC 7296 §2.21.1, RFC 2408
    /// §5.14), so that anybody on the path can have sent it.
    #[must_use]
    pub fn refusal_in_clear(&self) -> Option<&MessageDigest> {
        let is_one = |message: &&MessageDigest| {
            self.proof.contains(&message.frame)
                && message.encrypted.is_none()
                && readable_failure(message).is_some()
        };
        self.kept.iter().find(is_one).filter(|_| self.outcome.is_failure() && !self.inferred)
    }

    /// Message IDs of its quick modes. IKEv1 and AuthIP draw them at random (RFC 2409 §5.5); those of
    /// IKEv2 count from 0 and identify nothing.
    #[must_use]
    pub fn quick_mode_ids(&self) -> BTreeSet<u32> {
        let is_quick = |m: &&MessageDigest| {
            m.is(ExchangeType::QUICK_MODE) || m.is(ExchangeType::AUTHIP_QUICK_MODE)
        };
        self.kept.iter().filter(is_quick).map(MessageDigest::message_id).collect()
    }

    /// Weak algorithms among those offered.
    #[must_use]
    pub fn weak_offers(&self) -> Vec<&'static Weakness> {
        distinct(self.offered.iter().flat_map(Proposal::weaknesses))
    }
}

impl ExchangeType {
    /// Its name, or its number where it has none.
    #[must_use]
    pub fn name(self) -> String {
        let known = exchange_type(self.0).map(|row| row.name.to_owned());
        known.unwrap_or_else(|| format!("exchange {}", self.0))
    }
}

/// Each thing once, in the order of its first appearance.
pub(super) fn distinct<T: Ord + Clone>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut known = BTreeSet::new();
    items.filter(|item| known.insert(item.clone())).collect()
}
