//! Turns gathered messages into negotiations with their outcome.
//!
//! Reads no bytes of packets. Rules and reasons: docs/ike-outcomes.md.

use super::conversation::Conversation;
use super::digest::MessageDigest;
use super::esp_activity::EspActivity;
use super::exchange::{IkeExchange, distinct};
use super::fragments::is_same_message;
use super::negotiations::{Negotiation, Negotiations};
use super::neighbours::Neighbours;
use super::notify::notify_name;
use super::outcome::{Outcome, Verdict};
use super::suite::LEAST_CHILD_ANSWER;
use super::{ExchangeType, IkeVersion, judge_v1, judge_v2, link, nat, quick_mode};
use crate::catalogue::ike_vendor;
use crate::time::{Span, Timestamp};
use std::net::IpAddr;

/// Concludes the outcome of every negotiation, by time.
#[must_use]
pub fn conclude(negotiations: Negotiations, esp: &EspActivity) -> Vec<IkeExchange> {
    let mut gathered: Vec<Gathered> = negotiations.into_iter().map(Gathered::new).collect();
    gathered.retain(|one| !one.kept.is_empty());
    let mut neighbours = Neighbours::default();
    for (at, one) in gathered.iter().enumerate() {
        if let Some(talk) = Conversation::new(&one.kept, esp) {
            neighbours.add(at, &talk, completions(&talk, Basis::Form));
        }
    }
    neighbours.sort();
    let mut exchanges: Vec<IkeExchange> = gathered
        .into_iter()
        .enumerate()
        .filter_map(|(at, one)| conclude_one(one, esp, (&neighbours, at)))
        .collect();
    exchanges.sort_by_key(|x| (x.start, x.first, x.initiator_spi));
    link::link(&mut exchanges, esp);
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

fn conclude_one(
    gathered: Gathered,
    esp: &EspActivity,
    neighbours: (&Neighbours, usize),
) -> Option<IkeExchange> {
    let mut talk = Conversation::new(&gathered.kept, esp)?;
    let (first, last) = (gathered.kept.first()?, gathered.kept.last()?);
    talk.neighbours = Some(neighbours);
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
        completions: completions(&talk, Basis::FormAndEsp),
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

/// What shows that a message completed a child or quick mode SA.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// Its size leaves room for one, or its order makes one.
    Form,
    /// The same, unless it may hold certificates instead; or a new SPI follows it.
    FormAndEsp,
}

/// When child or quick mode SAs were created, as far as sizes and order show.
///
/// RFC 7296 §1.2, §1.3: an answer to IKE_AUTH or CREATE_CHILD_SA creates them where it is large enough to hold a
/// choice and, for IKE_AUTH, not so large that it may hold certificates instead; RFC 2409 §5.5: the third message
/// of quick mode creates them. Where a new SPI follows, the answer created an SA whatever its size. An answer in
/// clear creates none. The size of a message in fragments is known where all of them are there.
fn completions(talk: &Conversation<'_>, basis: Basis) -> Vec<Timestamp> {
    let suite = talk.suite();
    let is_form = basis == Basis::Form;
    let creates_esp = |m: &MessageDigest| !is_form && talk.creates_esp(m.time, m.time);
    let most = if is_form { u32::MAX } else { suite.most_without_certificate() };
    let sizes = suite.least_with_child()..=most;
    let of_v2 = |m: &MessageDigest| {
        let fits = |room: Option<u32>| match m.header.exchange_type {
            ExchangeType::IKE_AUTH => {
                room.map_or(is_form, |room| sizes.contains(&room)) || creates_esp(m)
            }
            ExchangeType::CREATE_CHILD_SA => {
                room.map_or(is_form, |room| room >= LEAST_CHILD_ANSWER) || creates_esp(m)
            }
            _ => false,
        };
        m.is_response() && m.encrypted.is_some() && is_last_part(talk, m) && fits(talk.room(m))
    };
    // Where the capture missed the answer, a new SPI behind the request shows that it came.
    let is_unseen_success = |m: &MessageDigest| {
        let makes = m.is(ExchangeType::IKE_AUTH) || m.is(ExchangeType::CREATE_CHILD_SA);
        makes
            && !m.is_response()
            && m.encrypted.is_some()
            && is_last_part(talk, m)
            && !is_answered(talk, m)
            && creates_esp(m)
    };
    let quick = quick_mode::quick_modes(talk);
    let of_v1 = quick.iter().filter(|turn| {
        let is_answer = quick_mode::is_answer(&quick, turn);
        let is_read = talk.version != IkeVersion::AuthIp;
        quick_mode::is_third_message(&quick, turn)
            || (is_answer && (!is_read || creates_esp(turn.message)))
            || (quick_mode::lacks_answer(&quick, turn) && creates_esp(turn.message))
    });
    let of_v1 = of_v1.map(|turn| turn.message.time);
    let mut all: Vec<Timestamp> = talk
        .messages()
        .filter(|m| of_v2(m) || is_unseen_success(m))
        .map(|m| m.time)
        .chain(of_v1)
        .collect();
    all.sort_unstable();
    all
}

/// Whether the captures show an answer to a request: the other side's, of the same exchange and number.
fn is_answered(talk: &Conversation<'_>, request: &MessageDigest) -> bool {
    talk.turns_of(request.header.exchange_type)
        .any(|turn| turn.message.is_response() && turn.message.message_id() == request.message_id())
}

/// Whether a datagram is a whole message, or the last of its fragments that came.
fn is_last_part(talk: &Conversation<'_>, message: &MessageDigest) -> bool {
    if message.encrypted.is_none_or(|encrypted| encrypted.fragment.is_none()) {
        return true;
    }
    let mut parts = talk.turns.iter().filter(|turn| !turn.is_repeated).map(|turn| turn.message);
    let last = parts.rfind(|other| is_same_message(other, message));
    last.is_some_and(|last| last.frame == message.frame)
}

fn kinds(talk: &Conversation<'_>) -> String {
    let numbers = distinct(talk.messages().map(|m| m.header.exchange_type));
    numbers.into_iter().map(ExchangeType::name).collect::<Vec<_>>().join(", ")
}

fn notify_names(talk: &Conversation<'_>) -> Vec<String> {
    distinct(talk.messages().flat_map(MessageDigest::notifies))
        .into_iter()
        .map(|kind| notify_name(talk.version, kind))
        .collect()
}

fn vendor_names(talk: &Conversation<'_>) -> Vec<String> {
    let ids = talk.messages().filter_map(MessageDigest::clear).flat_map(|c| &c.vendor_ids);
    distinct(ids.map(|id| {
        let known = ike_vendor(id.bytes()).map(|vendor| vendor.name.to_owned());
        known.unwrap_or_else(|| hexadecimal(id.bytes()))
    }))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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

/// The group that the responder asked for, where the two did not agree (RFC 7296 §1.2: INVALID_KE_PAYLOAD names
/// the accepted group).
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
