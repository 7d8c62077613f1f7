//! What the messages of a living IKE SA can be, by their sizes: a Delete, a liveness check, a refused
//! second phase.
//!
//! Sizes allow and forbid; what follows on the wire has to decide, which is not known here.

use super::digest::MessageDigest;
use super::exchange::IkeExchange;
use super::suite::{DeleteSize, LEAST_CHILD_ANSWER, Suite};
use super::{ExchangeType, IkeVersion};
use crate::evidence::FrameRef;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A message that can be a Delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PossibleDelete {
    /// Who sent it.
    pub by: IpAddr,
    /// When.
    pub time: Timestamp,
    /// Its frame.
    pub frame: FrameRef,
    /// How well its size fits.
    pub fit: DeleteFit,
    /// The same sender sent another message of that size in the same IKE SA, with no second phase
    /// between: the size is that of its liveness checks.
    pub is_habit: bool,
}

/// How well a message fits a Delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteFit {
    /// The payload is readable.
    Readable,
    /// With the least padding (RFC 7296 §3.14) it is too large for an empty message.
    TooLargeToBeEmpty,
    /// A liveness check or another notify message can have the same size.
    Ambiguous,
}

/// One try to make a second phase inside an IKE SA: a quick mode, or a CREATE_CHILD_SA exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildAttempt {
    /// Who asked.
    pub by: IpAddr,
    /// When.
    pub start: Timestamp,
    /// The request.
    pub first: FrameRef,
    /// When it was over: the refusal, or the message that completed it; `None` without an answer.
    pub end: Option<Timestamp>,
    /// The message that ended it, or the request.
    pub last: FrameRef,
    /// By the form of the exchange, the peer refused it.
    pub is_refused: bool,
}

impl IkeExchange {
    /// Its messages that can be a Delete, by time.
    #[must_use]
    pub fn possible_deletes(&self) -> Vec<PossibleDelete> {
        let requests: Vec<&MessageDigest> =
            self.kept.iter().filter(|m| is_informational(m) && !m.is_response()).collect();
        let mut habits: BTreeMap<(IpAddr, u32), Vec<Timestamp>> = BTreeMap::new();
        for m in &requests {
            if let Some(encrypted) = m.encrypted {
                habits.entry((m.source.ip(), encrypted.octets)).or_default().push(m.time);
            }
        }
        let mut earlier: Vec<&MessageDigest> = Vec::new();
        let mut found = Vec::new();
        for message in requests {
            if earlier.iter().rev().take(LATEST).any(|known| message.repeats(known)) {
                continue;
            }
            earlier.push(message);
            let Some(fit) = self.fit(message) else { continue };
            if fit != DeleteFit::Readable && self.answers_quick_mode(message) {
                continue;
            }
            let octets = message.encrypted.map_or(0, |e| e.octets);
            let same = habits.get(&(message.source.ip(), octets));
            let is_habit = same.into_iter().flatten().any(|time| {
                *time != message.time && !self.has_second_phase_between(*time, message.time)
            });
            let by = message.source.ip();
            let (time, frame) = (message.time, message.frame);
            found.push(PossibleDelete { by, time, frame, fit, is_habit });
        }
        found
    }

    /// The second phases that were tried inside it, by time. An answer that the sizes allow to be a
    /// choice counts as none of a refusal.
    #[must_use]
    pub fn child_attempts(&self) -> Vec<ChildAttempt> {
        let mut found: BTreeMap<(IpAddr, u32), ChildAttempt> = BTreeMap::new();
        let suite = self.suite();
        for message in &self.kept {
            let is_quick = is_quick(message);
            if !is_quick && !message.is(ExchangeType::CREATE_CHILD_SA) {
                continue;
            }
            let (own, peer) = (message.source.ip(), message.destination.ip());
            let id = message.message_id();
            // RFC 2409 §5.5: the answer carries the initiator's message ID.
            if let Some(attempt) =
                found.get_mut(&(peer, id)).filter(|_| is_quick || message.is_response())
            {
                attempt.end.get_or_insert(message.time);
                attempt.last = message.frame;
                let is_small = |octets| suite.most(octets) < LEAST_CHILD_ANSWER;
                attempt.is_refused =
                    !is_quick && message.encrypted.is_some_and(|e| is_small(e.octets));
            } else if !message.is_response() {
                let attempt = ChildAttempt {
                    by: own,
                    start: message.time,
                    first: message.frame,
                    end: None,
                    last: message.frame,
                    is_refused: false,
                };
                found.entry((own, id)).or_insert(attempt);
            }
        }
        let mut attempts: Vec<ChildAttempt> = found.into_values().collect();
        attempts.sort_by_key(|attempt| (attempt.start, attempt.first));
        for attempt in attempts.iter_mut().filter(|attempt| attempt.end.is_none()) {
            if let Some(refusal) = self.complaint(attempt) {
                attempt.end = Some(refusal.time);
                attempt.last = refusal.frame;
                attempt.is_refused = true;
            }
        }
        attempts
    }

    /// The peer's informational message directly after a quick mode's first message that it did not
    /// answer (RFC 2409 §5.7: an error is told in an exchange of its own).
    fn complaint(&self, attempt: &ChildAttempt) -> Option<&MessageDigest> {
        let until = attempt.start.shifted(COMPLAINT);
        let from = self.kept.partition_point(|m| m.time < attempt.start);
        let later = self.kept.iter().skip(from).take_while(|m| m.time <= until);
        let mut behind = later.filter(|m| m.frame != attempt.first);
        let next = behind.find(|m| !(is_quick(m) && m.source.ip() == attempt.by))?;
        let is_complaint = is_informational(next)
            && next.version() != IkeVersion::V2
            && next.source.ip() != attempt.by;
        is_complaint.then_some(next)
    }

    /// A message that directly answers a quick mode's first message is a refusal, and no Delete.
    fn answers_quick_mode(&self, message: &MessageDigest) -> bool {
        let at = self.kept.partition_point(|m| (m.time, m.frame) < (message.time, message.frame));
        let before = at.checked_sub(1).and_then(|at| self.kept.get(at));
        before.is_some_and(|m| {
            is_quick(m)
                && m.source.ip() != message.source.ip()
                && message.time.since(m.time) <= COMPLAINT
        })
    }

    fn suite(&self) -> Suite {
        Suite::under(self.version, self.chosen.as_ref())
    }

    fn fit(&self, message: &MessageDigest) -> Option<DeleteFit> {
        if message.clear().is_some_and(|clear| clear.deletes) {
            return Some(DeleteFit::Readable);
        }
        let octets = message.encrypted.filter(|e| e.fragment.is_none())?.octets;
        let answer = self.answer_to(message).and_then(|answer| answer.encrypted);
        match self.suite().delete_size(octets, answer.map(|e| e.octets)) {
            DeleteSize::Impossible => None,
            DeleteSize::Ambiguous => Some(DeleteFit::Ambiguous),
            DeleteSize::IkeSa | DeleteSize::NotEmpty | DeleteSize::OneSpi => {
                Some(DeleteFit::TooLargeToBeEmpty)
            }
        }
    }

    /// IKEv2's answer to an informational request: the other side's, with the same message ID.
    fn answer_to(&self, request: &MessageDigest) -> Option<&MessageDigest> {
        let from = self.kept.partition_point(|m| m.time < request.time);
        self.kept.iter().skip(from).find(|m| {
            m.is_response()
                && is_informational(m)
                && m.message_id() == request.message_id()
                && m.source.ip() != request.source.ip()
        })
    }

    fn has_second_phase_between(&self, one: Timestamp, other: Timestamp) -> bool {
        let (from, to) = (one.min(other), one.max(other));
        self.completions.iter().any(|time| from < *time && *time < to)
    }
}

fn is_informational(message: &MessageDigest) -> bool {
    message.is(ExchangeType::INFORMATIONAL)
        || message.is(ExchangeType::V1_INFORMATIONAL)
        || message.is(ExchangeType::AUTHIP_NOTIFY)
}

fn is_quick(message: &MessageDigest) -> bool {
    message.is(ExchangeType::QUICK_MODE) || message.is(ExchangeType::AUTHIP_QUICK_MODE)
}

/// A refusal comes within a round trip.
const COMPLAINT: Span = Span::from_seconds(2);
/// Messages that are looked through for a repetition.
const LATEST: usize = 8;
