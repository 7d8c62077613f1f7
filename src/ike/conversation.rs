//! The messages of one negotiation in order: who sent them, and which repeat an earlier one.
//!
//! Knows order and direction; `judge_v1` and `judge_v2` draw the conclusions.

use super::digest::MessageDigest;
use super::esp_activity::{EspActivity, EspAt};
use super::fragments;
use super::neighbours::Neighbours;
use super::proposal::Proposal;
use super::suite::Suite;
use super::{ExchangeType, IkeVersion, Spi};
use crate::catalogue::Confidence;
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
    /// All negotiations, and the place of this one among them.
    pub(super) neighbours: Option<(&'a Neighbours, usize)>,
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
            from_initiator: is_from_initiator(message, initiator, responder),
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
            neighbours: None,
            pairs,
            esp,
        })
    }

    pub(super) fn pair(&self) -> HostPair {
        HostPair::new(self.initiator.ip(), self.responder.ip())
    }

    /// The addresses between which its messages went.
    pub(super) fn pairs(&self) -> &[HostPair] {
        &self.pairs
    }

    /// Whether another gateway sent the initiator here: REDIRECTED_FROM (RFC 5685).
    pub(super) fn is_redirected(&self) -> bool {
        let opening = self.turns.iter().find(|turn| opens(turn.message));
        opening.is_some_and(|turn| turn.message.notifies().any(|kind| kind == REDIRECTED_FROM))
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

    /// What the responder chose, read in clear: of several answers, in the one whose SPI the negotiation went on
    /// with (RFC 7296 §2.4; anybody can send another one).
    pub(super) fn chosen(&self) -> Option<&'a Proposal> {
        let answers = || self.turns.iter().filter(|turn| !turn.from_initiator);
        let choice = |turn: &Turn<'a>| turn.message.proposals().first();
        let own = self.responder_spi();
        let is_own = |turn: &&Turn<'a>| turn.message.header.responder_spi == own;
        answers().filter(is_own).find_map(choice).or_else(|| answers().find_map(choice))
    }

    /// The algorithms that determine how much its encrypted messages can hold.
    pub(super) fn suite(&self) -> Suite {
        Suite::under(self.version, self.chosen())
    }

    /// How many bytes of payloads the whole of an encrypted message holds at most; `None` where a part of it is
    /// missing.
    pub(super) fn room(&self, message: &MessageDigest) -> Option<u32> {
        fragments::room(&self.suite(), message, self.messages())
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
        let heard =
            self.hears_other_side(sent, from, to) || self.esp.hears(sent.source.ip(), from, to);
        heard && !self.is_sampled(sent)
    }

    /// How sure it is that nothing answered a request: it was sent again, so that one lost answer explains nothing, and
    /// the capture shows packets to its sender, so that it would show an answer.
    pub(super) fn confidence_of_silence(&self, request: &MessageDigest) -> Confidence {
        let first = self.sendings_of(request).next();
        let again = first.zip(self.sendings_of(request).skip(1).last());
        let is_sure = again.is_some_and(|(first, last)| self.hears_after(first, last.time));
        if is_sure { Confidence::High } else { Confidence::Medium }
    }

    /// As [`Self::hears_after`] for packets that the receiver itself sent back.
    pub(super) fn hears_the_peer(&self, sent: &MessageDigest, last: Timestamp) -> bool {
        let (from, to) = (sent.time, last.shifted(ANSWER));
        let spoke = self.hears_other_side(sent, from, to);
        let heard = self.esp.hears_from(sent.source.ip(), sent.destination.ip(), from, to);
        (spoke || heard) && !self.is_sampled(sent)
    }

    /// Whether the side to which a message was sent sends one itself in a span.
    fn hears_other_side(&self, sent: &MessageDigest, from: Timestamp, to: Timestamp) -> bool {
        let side = is_from_initiator(sent, self.initiator, self.responder);
        let mut within = self.turns.iter().filter(|turn| turn.time() > from && turn.time() <= to);
        within.any(|turn| turn.from_initiator != side)
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
            begun.is_some_and(|begun| {
                bound.is_none_or(|bound| begun < bound)
                    && self.maker(*pair, begun).is_none_or(|(is_own, _)| is_own)
            })
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
        self.creates_esp_before(first, last, self.next)
    }

    /// Whether ESP that messages up to `last` can have created began after a point in time, before another
    /// negotiation did.
    pub(super) fn creates_esp_before_the_next(&self, after: Timestamp, last: Timestamp) -> bool {
        self.creates_esp_before(after, last, self.next_after(after))
    }

    /// An SPI that appears after the next negotiation began has a likelier origin, unless a second phase of this
    /// one completed even later. An SPI that another negotiation created is no result of this one.
    fn creates_esp_before(
        &self,
        first: Timestamp,
        last: Timestamp,
        next: Option<Timestamp>,
    ) -> bool {
        let is_own = |pair: HostPair, begun: Timestamp| {
            let is_first = next.is_none_or(|next| begun < next);
            match self.maker(pair, begun) {
                Some((true, made)) => is_first || next.is_none_or(|next| made >= next),
                Some((false, _)) => false,
                None => is_first,
            }
        };
        let mut pairs = self.pairs.iter();
        pairs.any(|pair| self.esp.begun_within(*pair, first, last).any(|at| is_own(*pair, at)))
    }

    /// Whether this negotiation created the SA of an SPI that appears at this time, and when; `None` where no
    /// negotiation shows that it did.
    fn maker(&self, pair: HostPair, appears: Timestamp) -> Option<(bool, Timestamp)> {
        let (neighbours, own) = self.neighbours?;
        let (at, made) = neighbours.maker(pair, appears, self.esp)?;
        Some((at == own, made))
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
        self.neighbours?.0.next_after(self.pair(), after)
    }

    /// When the initiator next asks the same responder, from the same port.
    pub(super) fn next_try_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.neighbours?.0.next_try_after((self.initiator, self.responder), after)
    }

    /// When the initiator next begins a negotiation to which a gateway redirected it.
    pub(super) fn redirected_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.neighbours?.0.redirected_after(self.initiator.ip(), after)
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

/// RFC 5685.
const REDIRECTED_FROM: u16 = 16408;

/// Which side sent a message. IKEv2 has a flag for it. The host that was asked keeps its address and port; a
/// translator may give the initiator another address for each port (RFC 4787 §4.1).
pub(super) fn is_from_initiator(
    message: &MessageDigest,
    initiator: SocketAddr,
    responder: SocketAddr,
) -> bool {
    message.is_from_original_initiator().unwrap_or_else(|| {
        let (from, to) = (message.source.ip(), message.destination.ip());
        if initiator.ip() == responder.ip() {
            return message.source == initiator;
        }
        let is_to_initiator = to == initiator.ip() && from != initiator.ip();
        from != responder.ip() && !is_to_initiator
    })
}

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
