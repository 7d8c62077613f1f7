//! What became of a negotiation: its outcome, how surely, and the frames that prove it.
//!
//! Says what was read apart from what was inferred. Rules and reasons: docs/ike-outcomes.md.

use super::exchange::{MessageDigest, Negotiation, Negotiations};
use super::{ExchangeType, IkeVersion, Spi, v1, v2};
use crate::catalogue::{NotifySpace, Reason, exchange_name, notify, vendor_name};
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// When one ESP or AH SPI of a pair was in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EspUse {
    /// First packet.
    pub start: Timestamp,
    /// Last packet.
    pub end: Timestamp,
}

/// Per pair, the use of its SPIs.
#[derive(Clone, Debug, Default)]
pub struct EspActivity(BTreeMap<HostPair, PairActivity>);

/// One pair's uses by start, and beside each the latest end up to it.
#[derive(Clone, Debug, Default)]
struct PairActivity {
    uses: Vec<EspUse>,
    latest_end: Vec<Timestamp>,
}

impl EspActivity {
    /// Notes a pair's uses, in any order.
    pub fn insert(&mut self, pair: HostPair, mut uses: Vec<EspUse>) {
        uses.sort_unstable();
        let mut latest = Timestamp(i64::MIN);
        let latest_end = uses
            .iter()
            .map(|u| {
                latest = latest.max(u.end);
                latest
            })
            .collect();
        self.0.insert(pair, PairActivity { uses, latest_end });
    }

    /// Whether a new SPI of the pair appeared within the stretch or within [`FRUIT`] of its last
    /// message, and before the pair's next negotiation, which would be its likelier origin.
    fn bears_fruit(&self, pair: HostPair, span: &Stretch) -> bool {
        let Some(activity) = self.0.get(&pair) else { return false };
        let first = activity.uses.partition_point(|u| u.start < span.first);
        activity.uses.get(first).is_some_and(|u| {
            u.start <= span.last.shifted(FRUIT) && span.next.is_none_or(|next| u.start < next)
        })
    }

    /// Whether an SPI of the pair was in use at some time before this point and none goes on
    /// behind it, but for packets under way.
    fn stops_at(&self, pair: HostPair, at: Timestamp) -> bool {
        let Some(activity) = self.0.get(&pair) else { return false };
        let begun = activity.uses.partition_point(|u| u.start <= at);
        let latest = begun.checked_sub(1).and_then(|last| activity.latest_end.get(last));
        latest.is_some_and(|end| *end <= at.shifted(UNDER_WAY))
    }
}

/// What became of a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Security associations came up and were not seen to end.
    Established,
    /// They came up and were deleted within the capture.
    Ended,
    /// The peer never answered, or stopped answering.
    NoResponse,
    /// The peer accepted none of the proposals.
    NoProposalChosen,
    /// The form of the exchange betrays a refused authentication.
    AuthenticationSuspected,
    /// Another failure, told by a notify message or by the form of the exchange.
    Failed,
    /// The capture does not show enough to tell.
    Incomplete,
}

impl Outcome {
    /// The outcome as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Ended => "ended",
            Self::NoResponse => "no_response",
            Self::NoProposalChosen => "no_proposal_chosen",
            Self::AuthenticationSuspected => "authentication_suspected",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
        }
    }

    /// Whether the negotiation failed.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        match self {
            Self::NoResponse
            | Self::NoProposalChosen
            | Self::AuthenticationSuspected
            | Self::Failed => true,
            Self::Established | Self::Ended | Self::Incomplete => false,
        }
    }
}

/// How sure an inference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Certainty {
    /// Read in clear, or proven by what follows.
    Read,
    /// Inferred from sizes, directions and order.
    Inferred,
}

/// What the rules of one version make of the messages.
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Reason>,
    pub(super) state: &'static str,
    pub(super) certainty: Certainty,
    /// The sender and frame of the message that ended established security associations.
    pub(super) deleted: Option<(IpAddr, Timestamp)>,
}

/// What the rules of a version look at.
pub(super) struct Case<'a> {
    /// The messages in order of time.
    pub(super) messages: &'a [&'a MessageDigest],
    pair: HostPair,
    esp: &'a EspActivity,
    next: Option<Timestamp>,
}

impl Case<'_> {
    /// Whether ESP of the pair began as the fruit of messages from `first` to `last`.
    pub(super) fn bears_fruit(&self, first: Timestamp, last: Timestamp) -> bool {
        self.esp.bears_fruit(self.pair, &Stretch { first, last, next: self.next })
    }

    /// Whether the pair's ESP stops at a message, so that the message may be a deletion.
    pub(super) fn esp_stops_at(&self, message: &MessageDigest) -> bool {
        self.esp.stops_at(self.pair, message.time)
    }
}

struct Stretch {
    first: Timestamp,
    last: Timestamp,
    next: Option<Timestamp>,
}

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
    /// Messages that repeat an earlier one to the octet.
    pub retransmissions: u64,
    /// How far it came.
    pub state: &'static str,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// Whether outcome and reason were inferred from what is encrypted.
    pub inferred: bool,
    /// Who deleted the security associations, and when, where that was seen.
    pub deleted: Option<(IpAddr, Timestamp)>,
    /// When messages were sent that can complete a child or quick-mode security association.
    pub completions: Vec<Timestamp>,
    /// What the initiator offered.
    pub proposals: Vec<String>,
    /// What the responder chose.
    pub chosen: Option<String>,
    /// Notify messages readable in clear, by name.
    pub notifies: Vec<String>,
    /// Vendor ids, by name or in hexadecimal.
    pub vendor_ids: Vec<String>,
    /// The first message's frame.
    pub first: FrameRef,
    /// The last message's frame.
    pub last: FrameRef,
}

impl IkeExchange {
    /// The two hosts.
    #[must_use]
    pub fn pair(&self) -> HostPair {
        HostPair::new(self.initiator.ip(), self.responder.ip())
    }
}

/// Tells the story of every negotiation, by time.
#[must_use]
pub fn conclude(negotiations: &Negotiations, esp: &EspActivity) -> Vec<IkeExchange> {
    let mut starts: BTreeMap<HostPair, Vec<Timestamp>> = BTreeMap::new();
    for (pair, negotiation) in negotiations.iter() {
        starts.entry(pair).or_default().extend(negotiation.first.first().map(|m| m.time));
    }
    for starts in starts.values_mut() {
        starts.sort_unstable();
    }
    let mut exchanges: Vec<_> = negotiations
        .iter()
        .filter_map(|(pair, negotiation)| {
            let messages = negotiation.in_time();
            let begun = messages.first()?.time;
            let starts = starts.get(&pair)?;
            let next = starts.get(starts.partition_point(|start| *start <= begun)).copied();
            story(negotiation, &Case { messages: &messages, pair, esp, next })
        })
        .collect();
    exchanges.sort_by_key(|x| (x.start, x.first, x.initiator_spi));
    exchanges
}

fn story(negotiation: &Negotiation, case: &Case<'_>) -> Option<IkeExchange> {
    let messages = case.messages;
    let (first, last) = (*messages.first()?, *messages.last()?);
    let from_initiator = match first.version {
        // RFC 7296 §3.1: the flag names the original initiator, whoever sends the request.
        IkeVersion::V2 => first.is_from_original_initiator(),
        IkeVersion::V1 | IkeVersion::AuthIp => true,
    };
    let (initiator, responder) = if from_initiator {
        (first.source, first.destination)
    } else {
        (first.destination, first.source)
    };
    let verdict = match first.version {
        IkeVersion::V2 => v2::judge(case),
        IkeVersion::V1 | IkeVersion::AuthIp => v1::judge(case),
    };
    let offered =
        messages.iter().find(|m| m.source == initiator && !m.contents.proposals.is_empty());
    let chosen = messages
        .iter()
        .find(|m| m.source.ip() == responder.ip() && !m.contents.proposals.is_empty());
    Some(IkeExchange {
        version: first.version,
        kind: kinds(messages),
        initiator,
        responder,
        initiator_spi: first.initiator_spi,
        responder_spi: messages
            .iter()
            .map(|m| m.responder_spi)
            .find(|s| !s.is_zero())
            .unwrap_or_default(),
        start: first.time,
        end: last.time,
        messages: negotiation.messages,
        retransmissions: negotiation.retransmissions,
        state: verdict.state,
        outcome: verdict.outcome,
        reason: verdict.reason,
        inferred: verdict.certainty == Certainty::Inferred,
        deleted: verdict.deleted,
        completions: completions(messages),
        proposals: offered.map(|m| m.contents.proposals.clone()).unwrap_or_default(),
        chosen: chosen.and_then(|m| m.contents.proposals.first().cloned()),
        notifies: notify_names(messages),
        vendor_ids: vendor_names(messages),
        first: first.frame,
        last: last.frame,
    })
}

/// RFC 7296 §1.2, §1.3: the answer to IKE_AUTH or CREATE_CHILD_SA completes a child SA; RFC 2409
/// §5.5: the third message of quick mode does.
fn completions(messages: &[&MessageDigest]) -> Vec<Timestamp> {
    let completes = |m: &&&MessageDigest| match m.exchange_type {
        ExchangeType::IKE_AUTH | ExchangeType::CREATE_CHILD_SA => m.is_response(),
        kind => kind == ExchangeType::QUICK_MODE || kind == ExchangeType::AUTHIP_QUICK_MODE,
    };
    messages.iter().filter(completes).map(|m| m.time).collect()
}

fn kinds(messages: &[&MessageDigest]) -> String {
    let mut names: Vec<String> = Vec::new();
    for message in messages {
        let number = message.exchange_type.0;
        let name =
            exchange_name(number).map_or_else(|| format!("exchange {number}"), str::to_owned);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn notify_names(messages: &[&MessageDigest]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for message in messages {
        let space = space_of(message.version);
        for number in &message.contents.notifies {
            let known = notify(space, *number).map(|row| row.name.to_owned());
            let name = known.unwrap_or_else(|| format!("notify {number}"));
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn vendor_names(messages: &[&MessageDigest]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for hex in messages.iter().flat_map(|m| &m.contents.vendor_ids) {
        let name = vendor_name(hex).map_or_else(|| hex.clone(), str::to_owned);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The number space of a version's notify messages.
pub(super) const fn space_of(version: IkeVersion) -> NotifySpace {
    match version {
        IkeVersion::V1 | IkeVersion::AuthIp => NotifySpace::V1,
        IkeVersion::V2 => NotifySpace::V2,
    }
}

/// The failure that a message tells in clear.
pub(super) fn readable_failure(message: &MessageDigest) -> Option<Reason> {
    let space = space_of(message.version);
    message.contents.notifies.iter().find_map(|number| notify(space, *number)?.reason)
}

/// Packets under way when a security association is deleted arrive a little later.
const UNDER_WAY: Span = Span::from_seconds(1);
/// A new SPI that follows an exchange within this time is taken for its fruit; RFC 7296 §2.4
/// leaves it to traffic when the first packet goes.
const FRUIT: Span = Span::from_seconds(10);
