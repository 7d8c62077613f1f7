//! What the messages of an established IKE SA can be, by their sizes: a Delete, a liveness check, a refused
//! second phase.
//!
//! Sizes allow and exclude; what follows on the wire decides, which is not known here.

use super::digest::MessageDigest;
use super::exchange::IkeExchange;
use super::fragments::room;
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
    /// Another message of that size in the same IKE SA ended nothing, or the same sender sent one with no
    /// second phase between: then the size is that of liveness checks.
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

/// One attempt at a second phase inside an IKE SA: a quick mode, or a CREATE_CHILD_SA exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildAttempt {
    /// Who sent the request.
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
    /// Its messages that can be a Delete, by time. `known` are SPIs that its hosts used; `goes_on` returns
    /// whether their ESP continued after a point in time.
    #[must_use]
    pub fn possible_deletes(
        &self,
        known: &[u32],
        goes_on: impl Fn(Timestamp) -> bool,
    ) -> Vec<PossibleDelete> {
        let encrypted = self.kept.iter().filter(|m| m.encrypted.is_some());
        let last_encrypted = encrypted.map(|m| m.time).max();
        let requests: Vec<&MessageDigest> =
            self.kept.iter().filter(|m| is_informational(m) && !m.is_response()).collect();
        let mut habits: BTreeMap<(IpAddr, u32), Vec<Timestamp>> = BTreeMap::new();
        // By size, the first message that ended nothing.
        let mut idle: BTreeMap<u32, Timestamp> = BTreeMap::new();
        for m in &requests {
            if let Some(encrypted) = m.encrypted {
                habits.entry((m.source.ip(), encrypted.bytes)).or_default().push(m.time);
                if !idle.contains_key(&encrypted.bytes)
                    && !self.may_clear_away(m.time)
                    && goes_on(m.time)
                {
                    idle.insert(encrypted.bytes, m.time);
                }
            }
        }
        let mut earlier: Vec<&MessageDigest> = Vec::new();
        let mut found = Vec::new();
        for message in requests {
            if earlier.iter().rev().take(LATEST).any(|known| message.repeats(known)) {
                continue;
            }
            earlier.push(message);
            // Anybody can send a Delete in clear; messages that continue under the keys show that it was
            // ignored.
            let is_obeyed = last_encrypted.is_none_or(|last| last <= message.time);
            let is_readable = message.reads_delete(known.iter().copied()) && is_obeyed;
            let fit = if is_readable { Some(DeleteFit::Readable) } else { self.fit(message) };
            let Some(fit) = fit else { continue };
            if fit != DeleteFit::Readable && self.answers_quick_mode(message) {
                continue;
            }
            let bytes = message.encrypted.map_or(0, |e| e.bytes);
            let same = habits.get(&(message.source.ip(), bytes));
            let is_habit = idle.get(&bytes).is_some_and(|first| *first < message.time)
                || same.into_iter().flatten().any(|time| {
                    *time != message.time && !self.has_second_phase_between(*time, message.time)
                });
            let by = message.source.ip();
            let (time, frame) = (message.time, message.frame);
            found.push(PossibleDelete { by, time, frame, fit, is_habit });
        }
        found
    }

    /// The second phases that were attempted inside it, by time. An answer that may be a choice by its size
    /// does not count as a refusal.
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
                let is_small = |room| room < LEAST_CHILD_ANSWER;
                attempt.is_refused =
                    !is_quick && room(&suite, message, self.kept.iter()).is_some_and(is_small);
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
    /// answer (RFC 2409 §5.7: an error is reported in an exchange of its own).
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

    /// Whether a message is a Delete, or can be one by its size.
    pub(super) fn may_delete(&self, message: &MessageDigest) -> bool {
        let is_read = message.clear().is_some_and(|clear| clear.deletes.is_some());
        is_read || self.fit(message).is_some()
    }

    fn fit(&self, message: &MessageDigest) -> Option<DeleteFit> {
        let bytes = message.encrypted.filter(|e| e.fragment.is_none())?.bytes;
        let answer = self.answer_to(message).and_then(|answer| answer.encrypted);
        match self.suite().delete_size(bytes, answer.map(|e| e.bytes)) {
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

    /// Whether SAs were replaced shortly before, so that a message may delete the old ones.
    fn may_clear_away(&self, time: Timestamp) -> bool {
        let first = self.completions.first().filter(|_| self.start_seen);
        let replaces = |done: &Timestamp| first.is_none_or(|first| done.since(*first) > COMPLAINT);
        let before = self.completions.partition_point(|done| *done <= time);
        let last = before.checked_sub(1).and_then(|at| self.completions.get(at));
        last.is_some_and(|done| time.since(*done) <= CLEARING_AWAY && replaces(done))
    }

    /// Whether second phases completed shortly before a point in time, by the size of their answers, and
    /// created new SAs in place of others: then the others are what is deleted.
    #[must_use]
    pub fn has_rekeyed_before(&self, time: Timestamp) -> bool {
        let from = time.shifted(CLEARING_AWAY.negated());
        let made = self.child_attempts().into_iter().filter(|attempt| !attempt.is_refused);
        let mut done = made.filter_map(|attempt| attempt.end);
        done.any(|done| from <= done && done <= time && self.may_clear_away(done))
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
/// How soon after new SAs are created the old ones are deleted (RFC 7296 §2.8 leaves it to the peers).
const CLEARING_AWAY: Span = Span::from_seconds(10);
/// Messages that are searched for a repetition.
const LATEST: usize = 8;
