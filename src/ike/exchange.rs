//! Negotiations with their story and their end: what the report lists.
//!
//! No bytes are looked at any more. Rules and reasons: docs/ike-outcomes.md.

use super::conversation::Conversation;
use super::digest::MessageDigest;
use super::esp_activity::EspActivity;
use super::nat::{self, AddressTranslation};
use super::negotiations::{Negotiation, Negotiations};
use super::outcome::{Outcome, Verdict};
use super::proposal::Proposal;
use super::suite::LEAST_CHILD_ANSWER;
use super::{ExchangeType, IkeVersion, Spi, judge_v1, judge_v2, link};
use crate::catalogue::{
    Confidence, NotifySpace, Reason, Weakness, exchange_type, ike_vendor, notify,
};
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// One negotiation's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IkeExchange {
    /// The protocol.
    pub version: IkeVersion,
    /// The exchanges it went through, by name and in order.
    pub kind: String,
    /// Who began it.
    pub initiator: SocketAddr,
    /// Who was asked.
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
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// Whether outcome and reason were inferred from what is encrypted.
    pub inferred: bool,
    /// How sure they are.
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
    /// Which attribute kept the two from agreeing, where both offers are known.
    pub mismatch: Option<String>,
    /// Identities that were sent in clear.
    pub identities: Vec<String>,
    /// Notify messages readable in clear, by name.
    pub notifies: Vec<String>,
    /// Vendor ids, by name or in hexadecimal.
    pub vendor_ids: Vec<String>,
    /// What the hashes of NAT detection betray.
    pub nat: AddressTranslation,
    /// The negotiation that this one replaces, by its place in the list.
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

    /// Algorithms that are not to be used: among those chosen, or offered where none was chosen.
    #[must_use]
    pub fn weaknesses(&self) -> Vec<&'static Weakness> {
        match &self.chosen {
            Some(chosen) => distinct(chosen.weaknesses()),
            None => self.weak_offers(),
        }
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

    /// Algorithms that are not to be used among those offered.
    #[must_use]
    pub fn weak_offers(&self) -> Vec<&'static Weakness> {
        distinct(self.offered.iter().flat_map(Proposal::weaknesses))
    }
}

/// Concludes the outcome of every negotiation, by time.
#[must_use]
pub fn conclude(negotiations: Negotiations, esp: &EspActivity) -> Vec<IkeExchange> {
    let mut gathered: Vec<Gathered> = negotiations.into_iter().map(Gathered::new).collect();
    gathered.retain(|one| !one.kept.is_empty());
    let mut starts: BTreeMap<HostPair, Vec<Timestamp>> = BTreeMap::new();
    for first in gathered.iter().filter_map(|one| one.kept.first()) {
        let pair = HostPair::new(first.source.ip(), first.destination.ip());
        starts.entry(pair).or_default().push(first.time);
    }
    starts.values_mut().for_each(|starts| starts.sort_unstable());
    let mut exchanges: Vec<IkeExchange> =
        gathered.into_iter().filter_map(|one| story(one, esp, &starts)).collect();
    exchanges.sort_by_key(|x| (x.start, x.first, x.initiator_spi));
    link::link(&mut exchanges);
    exchanges
}

/// One negotiation's messages, in order of time.
struct Gathered {
    kept: Vec<MessageDigest>,
    messages: u64,
    retransmissions: u64,
}

impl Gathered {
    fn new(negotiation: Negotiation) -> Self {
        let (messages, retransmissions) = (negotiation.messages, negotiation.retransmissions);
        Self { kept: negotiation.into_messages(), messages, retransmissions }
    }
}

fn story(
    gathered: Gathered,
    esp: &EspActivity,
    starts: &BTreeMap<HostPair, Vec<Timestamp>>,
) -> Option<IkeExchange> {
    let mut talk = Conversation::new(&gathered.kept, esp)?;
    let (first, last) = (gathered.kept.first()?, gathered.kept.last()?);
    let of_pair = starts.get(&talk.pair()).map_or(&[][..], Vec::as_slice);
    talk.starts = of_pair;
    talk.next = talk.next_after(first.time);
    let verdict = match talk.version {
        IkeVersion::V2 => judge_v2::judge(&talk),
        IkeVersion::V1 | IkeVersion::AuthIp => judge_v1::judge(&talk),
    };
    let mut exchange = IkeExchange {
        version: talk.version,
        kind: kinds(&talk),
        initiator: talk.initiator,
        responder: talk.responder,
        initiator_spi: first.header.initiator_spi,
        responder_spi: talk.responder_spi(),
        start: first.time,
        end: last.time,
        messages: gathered.messages,
        retransmissions: gathered.retransmissions,
        start_seen: talk.start_seen,
        one_way: talk.is_one_way(),
        resent_after: resent_after(&talk, &verdict),
        state: verdict.state,
        outcome: verdict.outcome,
        reason: verdict.reason,
        inferred: verdict.inferred,
        confidence: verdict.confidence,
        proof: verdict.frames,
        deleted: verdict.deleted,
        completions: completions(&talk),
        offered: talk.offered().to_vec(),
        chosen: talk.chosen().cloned(),
        mismatch: wanted_group(&talk),
        identities: identities(&talk),
        notifies: notify_names(&talk),
        vendor_ids: vendor_names(&talk),
        nat: nat::detect(&talk),
        replaces: None,
        replaced_by: None,
        simultaneous: None,
        first: first.frame,
        last: last.frame,
        kept: Vec::new(),
    };
    exchange.kept = gathered.kept;
    Some(exchange)
}

/// The retransmission times of a request that got no answer.
fn resent_after(talk: &Conversation<'_>, verdict: &Verdict) -> Vec<Span> {
    if verdict.outcome != Outcome::NoResponse {
        return Vec::new();
    }
    let first = verdict.frames.first();
    let Some(request) = talk.messages().find(|message| Some(&message.frame) == first) else {
        return Vec::new();
    };
    let later = talk.sendings_of(request).skip(1);
    later.map(|message| message.time.since(request.time)).collect()
}

/// When child or quick mode SAs came up, as far as sizes and order show.
///
/// RFC 7296 §1.2, §1.3: an answer to IKE_AUTH or CREATE_CHILD_SA creates them where it is large enough to hold a
/// choice and, for IKE_AUTH, not so large that it may hold certificates instead; RFC 2409 §5.5: the third message
/// of quick mode creates them. Where a new SPI follows, the answer created an SA whatever its size. An answer in
/// clear creates none.
fn completions(talk: &Conversation<'_>) -> Vec<Timestamp> {
    let suite = talk.suite();
    let fruit = |m: &MessageDigest| talk.bears_fruit(m.time, m.time);
    let sizes = suite.least_with_child()..=suite.most_without_certificate();
    let of_v2 = |m: &MessageDigest| {
        let room = m.encrypted.filter(|_| m.is_response()).map(|e| suite.most(e.octets));
        let fits = |room: u32| match m.header.exchange_type {
            ExchangeType::IKE_AUTH => sizes.contains(&room) || fruit(m),
            ExchangeType::CREATE_CHILD_SA => room >= LEAST_CHILD_ANSWER || fruit(m),
            _ => false,
        };
        room.is_some_and(fits)
    };
    let quick = judge_v1::quick_modes(talk);
    let of_v1 = quick.iter().filter(|turn| {
        let is_answer = judge_v1::is_answer(&quick, turn);
        let is_read = talk.version != IkeVersion::AuthIp;
        judge_v1::is_third_message(&quick, turn) || (is_answer && (!is_read || fruit(turn.message)))
    });
    let of_v1 = of_v1.map(|turn| turn.message.time);
    let mut all: Vec<Timestamp> =
        talk.messages().filter(|m| of_v2(m)).map(|m| m.time).chain(of_v1).collect();
    all.sort_unstable();
    all
}

/// Each thing once, in the order of its first appearance.
fn distinct<T: Ord + Clone>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut known = BTreeSet::new();
    items.filter(|item| known.insert(item.clone())).collect()
}

fn kinds(talk: &Conversation<'_>) -> String {
    let numbers = distinct(talk.messages().map(|m| m.header.exchange_type));
    numbers.into_iter().map(ExchangeType::name).collect::<Vec<_>>().join(", ")
}

impl ExchangeType {
    /// Its name, or its number where it has none.
    #[must_use]
    pub fn name(self) -> String {
        let known = exchange_type(self.0).map(|row| row.name.to_owned());
        known.unwrap_or_else(|| format!("exchange {}", self.0))
    }
}

fn notify_names(talk: &Conversation<'_>) -> Vec<String> {
    distinct(talk.messages().flat_map(MessageDigest::notifies))
        .into_iter()
        .map(|kind| notify_name(talk.version, kind))
        .collect()
}

/// The name of a notify message, or its number where it has none.
pub(super) fn notify_name(version: IkeVersion, kind: u16) -> String {
    let known = notify(space_of(version), kind).map(|row| row.name.to_owned());
    known.unwrap_or_else(|| format!("notify {kind}"))
}

fn vendor_names(talk: &Conversation<'_>) -> Vec<String> {
    let ids = talk.messages().filter_map(MessageDigest::clear).flat_map(|c| &c.vendor_ids);
    distinct(ids.map(|id| {
        let known = ike_vendor(id.octets()).map(|vendor| vendor.name.to_owned());
        known.unwrap_or_else(|| hexadecimal(id.octets()))
    }))
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// RFC 2407 §4.6.2.1, RFC 7296 §3.5: addresses and names as such, all else in hexadecimal.
fn identities(talk: &Conversation<'_>) -> Vec<String> {
    let all = talk.messages().filter_map(MessageDigest::clear).flat_map(|c| &c.identities);
    distinct(all.map(|(kind, data)| {
        match (kind, data.as_ref()) {
            (1, data) => <[u8; 4]>::try_from(data)
                .map_or_else(|_| hexadecimal(data), |v4| IpAddr::from(v4).to_string()),
            (5, data) if talk.version == IkeVersion::V2 => <[u8; 16]>::try_from(data)
                .map_or_else(|_| hexadecimal(data), |v6| IpAddr::from(v6).to_string()),
            (2 | 3, data) => String::from_utf8_lossy(data).into_owned(),
            (_, data) => hexadecimal(data),
        }
    }))
}

/// The group that the responder asked for, where the initiator did not come to terms with it
/// (RFC 7296 §1.2: INVALID_KE_PAYLOAD names the accepted group).
fn wanted_group(talk: &Conversation<'_>) -> Option<String> {
    const INVALID_KE_PAYLOAD: u16 = 17;
    if talk.version != IkeVersion::V2 || talk.chosen().is_some() {
        return None;
    }
    let clear = talk.messages().filter_map(MessageDigest::clear);
    let wanted = clear
        .flat_map(|c| &c.notifies)
        .filter(|n| n.kind == INVALID_KE_PAYLOAD)
        .find_map(|n| n.number)?;
    let sent = talk.messages().filter_map(MessageDigest::clear).find_map(|c| c.group);
    let name =
        |id: u16| crate::catalogue::ike_group(id).map_or_else(|| id.to_string(), str::to_owned);
    let sent = sent.map(|id| format!("{} against ", name(id))).unwrap_or_default();
    Some(format!("group: {sent}{}, which the responder asked for", name(wanted)))
}

/// The number space of a version's notify messages.
pub(super) const fn space_of(version: IkeVersion) -> NotifySpace {
    match version {
        IkeVersion::V1 | IkeVersion::AuthIp => NotifySpace::V1,
        IkeVersion::V2 => NotifySpace::V2,
    }
}

/// The failure that a message reports in clear.
pub(super) fn readable_failure(message: &MessageDigest) -> Option<Reason> {
    let space = space_of(message.version());
    message.notifies().find_map(|number| {
        // RFC 2408 §3.14.1, RFC 7296 §3.10.1: numbers below 16384 report errors, known or not.
        let of_error = (number < FIRST_STATUS).then_some(Reason::Other);
        notify(space, number).map_or(of_error, |row| row.reason)
    })
}

const FIRST_STATUS: u16 = 16384;
