//! The messages of one negotiation in order: who sent them, and which repeat an earlier one.
//!
//! Knows order and direction; `judge_v1` and `judge_v2` draw the conclusions.

use super::digest::MessageDigest;
use super::esp_activity::{EspActivity, EspAt, Stretch};
use super::proposal::Proposal;
use super::suite::Suite;
use super::{ExchangeType, IkeVersion, Spi};
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// One negotiation's messages in order of time, and the ESP beside it.
pub(super) struct Conversation<'a> {
    pub(super) version: IkeVersion,
    pub(super) initiator: SocketAddr,
    pub(super) responder: SocketAddr,
    pub(super) turns: Vec<Turn<'a>>,
    /// The message that opens the negotiation is among them.
    pub(super) start_seen: bool,
    /// When the pair's next negotiation begins.
    pub(super) next: Option<Timestamp>,
    /// When the pair's negotiations begin, in order.
    pub(super) starts: &'a [Timestamp],
    /// The addresses between which its messages went, each pair once: a host may move (RFC 4555), or its
    /// address may be translated differently.
    pairs: Vec<HostPair>,
    esp: &'a EspActivity,
}

/// One message in its context.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) message: &'a MessageDigest,
    pub(super) from_initiator: bool,
    pub(super) is_repeated: bool,
}

impl<'a> Conversation<'a> {
    /// `None` where there is no message.
    pub(super) fn new(messages: &'a [MessageDigest], esp: &'a EspActivity) -> Option<Self> {
        let first = messages.first()?;
        let opening = messages.iter().find(|message| opens(message));
        let version = first.header.version;
        let (initiator, responder) = sides(opening.unwrap_or(first));
        let mut earlier = BTreeSet::new();
        let turns = messages.iter().map(|message| Turn {
            message,
            is_repeated: !earlier.insert((message.fingerprint, message.source.ip())),
            from_initiator: message.is_from_original_initiator().unwrap_or(
                // A port may change when a NAT is detected, an address rarely does.
                if initiator.ip() == responder.ip() {
                    message.source == initiator
                } else {
                    message.source.ip() == initiator.ip()
                },
            ),
        });
        let (turns, start_seen) = (turns.collect(), opening.is_some());
        let mut pairs = Vec::new();
        for message in messages {
            let pair = HostPair::new(message.source.ip(), message.destination.ip());
            if pairs.len() < MOST_PAIRS && !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        Some(Self {
            version,
            initiator,
            responder,
            turns,
            start_seen,
            next: None,
            starts: &[],
            pairs,
            esp,
        })
    }

    pub(super) fn pair(&self) -> HostPair {
        HostPair::new(self.initiator.ip(), self.responder.ip())
    }

    pub(super) fn messages(&self) -> impl DoubleEndedIterator<Item = &'a MessageDigest> {
        self.turns.iter().map(|turn| turn.message)
    }

    /// The messages of one exchange type without repetitions.
    pub(super) fn turns_of(&self, kind: ExchangeType) -> impl DoubleEndedIterator<Item = Turn<'a>> {
        self.turns.iter().copied().filter(move |turn| turn.message.is(kind) && !turn.is_repeated)
    }

    /// The responder's SPI: of several answers, the SPI that most messages carry. A refused first attempt has
    /// one message with its SPI, the negotiation that follows has many.
    pub(super) fn responder_spi(&self) -> Spi {
        let mut spis: Vec<(Spi, usize)> = Vec::new();
        for spi in self.messages().map(|m| m.header.responder_spi).filter(|spi| !spi.is_zero()) {
            match spis.iter_mut().find(|(known, _)| *known == spi) {
                Some((_, count)) => *count += 1,
                None => spis.push((spi, 1)),
            }
        }
        spis.into_iter().max_by_key(|(spi, count)| (*count, *spi)).map_or(Spi::default(), |s| s.0)
    }

    /// What the responder chose, read in clear.
    pub(super) fn chosen(&self) -> Option<&'a Proposal> {
        let mut answers = self.turns.iter().filter(|turn| !turn.from_initiator);
        answers.find_map(|turn| turn.message.proposals().first())
    }

    /// The algorithms that determine how much its encrypted messages can hold.
    pub(super) fn suite(&self) -> Suite {
        Suite::under(self.version, self.chosen())
    }

    /// The initiator's last offer: after a refused attempt it may offer something else.
    pub(super) fn offered(&self) -> &'a [Proposal] {
        let mut offers = self.turns.iter().rev().filter(|turn| turn.from_initiator);
        offers.find_map(|t| Some(t.message.proposals()).filter(|p| !p.is_empty())).unwrap_or(&[])
    }

    /// Whether only one side's messages were captured although the other side must have sent some: a request
    /// that carries the responder's SPI goes to a host that has answered.
    pub(super) fn is_one_way(&self) -> bool {
        let answered = self.messages().any(|message| !message.header.responder_spi.is_zero());
        let from_initiator = self.turns.iter().any(|turn| turn.from_initiator);
        let from_responder = self.turns.iter().any(|turn| !turn.from_initiator);
        answered && from_initiator != from_responder
    }

    /// Every sending of a message.
    pub(super) fn sendings_of(
        &self,
        of: &MessageDigest,
    ) -> impl Iterator<Item = &'a MessageDigest> {
        self.messages().filter(move |message| message.repeats(of))
    }

    /// Whether silence after a request is meaningful: the capture shows the other direction, and continues for
    /// a while.
    pub(super) fn would_show_an_answer_to(&self, request: &MessageDigest) -> bool {
        let evidence = request.frame.evidence;
        !self.is_one_way()
            && !self.is_sampled(request)
            && self.esp.would_show_an_answer(evidence, request.time)
    }

    /// Whether the capture that shows a message holds one packet in many.
    pub(super) fn is_sampled(&self, message: &MessageDigest) -> bool {
        self.esp.is_sampled(message.frame.evidence)
    }

    /// Whether the captures show packets to the receiver of a message, from that message until shortly after
    /// another: then the other side's answers would be seen.
    pub(super) fn hears_after(&self, sent: &MessageDigest, last: Timestamp) -> bool {
        let (from, to) = (sent.time, last.shifted(ANSWER));
        let answered = self.turns.iter().any(|turn| {
            turn.message.source.ip() != sent.source.ip() && turn.time() > from && turn.time() <= to
        });
        let heard = answered || self.esp.hears(sent.source.ip(), from, to);
        heard && !self.is_sampled(sent)
    }

    /// The same for packets that the receiver itself sent back.
    pub(super) fn hears_the_peer(&self, sent: &MessageDigest, last: Timestamp) -> bool {
        let (from, to) = (sent.time, last.shifted(ANSWER));
        let spoke = self.turns.iter().any(|turn| {
            turn.message.source.ip() != sent.source.ip() && turn.time() > from && turn.time() <= to
        });
        let heard = self.esp.hears_from(sent.source.ip(), sent.destination.ip(), from, to);
        (spoke || heard) && !self.is_sampled(sent)
    }

    /// Whether an SPI of the pair first appears after `after`, before another negotiation of the two begins,
    /// and nothing in this one created it later than `made`.
    pub(super) fn begins_protection(&self, after: Timestamp, made: Timestamp) -> bool {
        let next = self.next_after(made);
        let later = self.turns.iter().filter(|turn| {
            !turn.is_repeated
                && turn.time() > made
                && (turn.message.is(ExchangeType::CREATE_CHILD_SA)
                    || turn.message.is(ExchangeType::QUICK_MODE)
                    || turn.message.is(ExchangeType::AUTHIP_QUICK_MODE))
        });
        let bound = later.map(Turn::time).chain(next).min();
        self.pairs.iter().any(|pair| {
            let begun = self.esp.begins(*pair, after);
            begun.is_some_and(|begun| bound.is_none_or(|bound| begun < bound))
        })
    }

    /// Whether an exchange that began at this time is the first one that creates SAs here, so that there was
    /// none to replace.
    pub(super) fn is_first_phase(&self, began: Timestamp) -> bool {
        let makes = |turn: &&Turn<'_>| {
            let message = turn.message;
            message.is(ExchangeType::IKE_AUTH)
                || message.is(ExchangeType::CREATE_CHILD_SA)
                || message.is(ExchangeType::QUICK_MODE)
                || message.is(ExchangeType::AUTHIP_QUICK_MODE)
        };
        self.start_seen
            && self.turns.iter().filter(makes).map(Turn::time).min().is_none_or(|one| one >= began)
    }

    /// The SPIs of ESP and AH that its hosts had used up to a point in time.
    pub(super) fn spis_at(&self, at: Timestamp) -> impl Iterator<Item = u32> {
        self.pairs.iter().flat_map(move |pair| self.esp.spis(*pair, at))
    }

    /// Whether ESP of the pair began as a result of messages from `first` to `last`.
    pub(super) fn creates_esp(&self, first: Timestamp, last: Timestamp) -> bool {
        let stretch = Stretch { first, last, next: self.next };
        self.pairs.iter().any(|pair| self.esp.creates_esp(*pair, stretch))
    }

    /// Whether ESP that messages up to `last` can have created began after a point in time, before another
    /// negotiation did.
    pub(super) fn creates_esp_before_the_next(&self, after: Timestamp, last: Timestamp) -> bool {
        let stretch = Stretch { first: after, last, next: self.next_after(after) };
        self.pairs.iter().any(|pair| self.esp.creates_esp(*pair, stretch))
    }

    /// The state of its hosts' ESP at a point in time.
    pub(super) fn esp_at(&self, at: Timestamp) -> EspAt {
        let mut stopped = None;
        for pair in &self.pairs {
            match self.esp.esp_at(*pair, at) {
                EspAt::GoesOn => return EspAt::GoesOn,
                EspAt::Stopped(last) => stopped = stopped.max(Some(last)),
                EspAt::Unseen => {}
            }
        }
        stopped.map_or(EspAt::Unseen, EspAt::Stopped)
    }

    /// When the first negotiation of the pair after a point in time begins.
    pub(super) fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let at = self.starts.partition_point(|start| *start <= after);
        self.starts.get(at).copied()
    }

    /// When traffic of its hosts is first seen again after a point in time.
    pub(super) fn resumes(&self, after: Timestamp) -> Option<Timestamp> {
        self.pairs.iter().filter_map(|pair| self.esp.resumes(*pair, after)).min()
    }
}

impl Turn<'_> {
    pub(super) fn frame(&self) -> FrameRef {
        self.message.frame
    }

    pub(super) fn time(&self) -> Timestamp {
        self.message.time
    }

    /// Whether it follows a point in time within this span.
    pub(super) fn follows(&self, earlier: Timestamp, within: Span) -> bool {
        self.time() >= earlier && self.time() <= earlier.shifted(within)
    }
}

/// A present peer answers within a round trip and some computation.
const ANSWER: Span = Span::from_seconds(2);
/// Pairs of addresses of one negotiation that are considered.
const MOST_PAIRS: usize = 8;

/// Whether a message opens a negotiation: the responder's SPI is not known yet, and the exchange
/// is one that begins an IKE SA.
fn opens(message: &MessageDigest) -> bool {
    message.is_opening() && message.header.responder_spi.is_zero() && !message.is_response()
}

/// Initiator and responder, by the message that opens the negotiation or else the first one.
fn sides(by: &MessageDigest) -> (SocketAddr, SocketAddr) {
    let forwards = by.is_from_original_initiator().unwrap_or(
        // Without the first message a proposal in clear is the responder's choice.
        opens(by) || !by.has_proposals(),
    );
    if forwards { (by.source, by.destination) } else { (by.destination, by.source) }
}
