//! The rules about negotiations that failed: in the captures, in the logs, joined by the numbers of the
//! negotiation itself.

use super::case::Case;
use super::roles::{MOST_LOW, MOST_MEDIUM};
use super::{Against, Candidate, Cause, FactRef, JITTER, LogTie, Opening, Why};
use crate::catalogue::Reason;
use crate::correlate::ClockOffset;
use crate::eventlog::FailurePoint;
use crate::ike::{IkeExchange, Outcome};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// A failed negotiation and the logs' records of it.
struct Failed<'a> {
    index: usize,
    exchange: &'a IkeExchange,
    /// Events of the same negotiation or, where the logs have no cookies, of the pair at the same time.
    logged: Vec<usize>,
    tie: LogTie,
}

/// Stretches of failure, by their beginning.
type Stretches = Vec<(Timestamp, Timestamp)>;

impl<'a> Case<'a> {
    /// Negotiations that failed before or in the window: in the captures, in the logs, joined by cookie.
    pub(super) fn failures(&self) -> Vec<Candidate> {
        let mut by_reason: BTreeMap<Reason, Vec<Failed<'_>>> = BTreeMap::new();
        let mut named = BTreeSet::new();
        let exchanges = self.exchanges(self.from, self.window.run.end);
        let failing = exchanges.iter().filter(|(_, x)| x.outcome.is_failure());
        for (index, exchange) in failing.filter(|(_, x)| !self.is_repaired(x.end)) {
            let failed = self.failed(*index, exchange);
            named.extend(failed.logged.iter().copied());
            if let Some(reason) = self.reason(&failed) {
                by_reason.entry(reason).or_default().push(failed);
            }
        }
        let mut found: Vec<Candidate> =
            by_reason.into_iter().map(|(reason, failed)| self.failure(reason, &failed)).collect();
        found.extend(self.refused_children(&exchanges));
        found.extend(self.logged_failures(&named));
        found
    }

    /// Why a negotiation failed. A log of the same negotiation may show more than the captures can; mere
    /// time-outs show less. The side that refused knows the reason, the other one only the refusal.
    fn reason(&self, failed: &Failed<'_>) -> Option<Reason> {
        let events = failed.logged.iter().filter_map(|at| self.index.facts.events.get(*at));
        let said = events
            .filter_map(|e| {
                let failed_at =
                    e.event.negotiation().and_then(|negotiation| negotiation.failure_point);
                Some((failed_at != Some(FailurePoint::Local), e.event.reason?))
            })
            .filter(|(_, r)| *r != Reason::Timeout && *r != Reason::Other)
            .min_by_key(|(is_remote, reason)| (is_general(*reason), *is_remote, *reason))
            .map(|(_, reason)| reason);
        match (said, failed.exchange.reason) {
            // The captures show which credentials were refused.
            (
                Some(Reason::AuthenticationFailed),
                Some(seen @ (Reason::PskMismatchSuspected | Reason::KerberosFailed)),
            ) => Some(seen),
            // The log may describe another negotiation: the reason that was read in the captures is kept, also
            // where a log of the same negotiation contradicts it.
            (Some(said), Some(seen))
                if !failed.exchange.inferred
                    && (failed.tie == LogTie::Time || said.contradicts(seen)) =>
            {
                Some(seen)
            }
            (said, seen) => said.or(seen),
        }
    }

    /// The logs' records of a failed negotiation: under its own numbers or, where they have no cookies (Windows
    /// 2000 to Server 2003), of the same two hosts while it ran.
    fn failed(&self, index: usize, exchange: &'a IkeExchange) -> Failed<'a> {
        let joined = self.index.logged(index).to_vec();
        if !joined.is_empty() {
            return Failed { index, exchange, logged: joined, tie: LogTie::Cookie };
        }
        let (from, to) = (exchange.start.shifted(JITTER.negated()), exchange.end.shifted(JITTER));
        // Later systems name the negotiation wherever they know it; a record without the name is about another
        // one, as far as time can show.
        let has_no_cookie = |at: &usize| {
            let Some(placed) = self.index.facts.events.get(*at) else { return false };
            let log = self.index.facts.logs.get(&placed.log);
            placed.event.initiator_cookie().is_none() && log.is_some_and(|log| log.trust.is_legacy)
        };
        let same_time =
            self.index.failures.touching(exchange.pair(), from, to).filter(has_no_cookie);
        let logged: Vec<usize> = same_time.collect();
        let tie = if logged.is_empty() { LogTie::None } else { LogTie::Time };
        Failed { index, exchange, logged, tie }
    }

    fn failure(&self, reason: Reason, failed: &[Failed<'_>]) -> Candidate {
        let opening = failed.iter().filter(|f| self.is_at_opening(f.exchange.start)).count();
        let tie = failed.iter().map(|f| f.tie).fold(LogTie::None, |best, tie| match (best, tie) {
            (LogTie::Cookie, _) | (_, LogTie::Cookie) => LogTie::Cookie,
            (LogTie::Time, _) | (_, LogTie::Time) => LogTie::Time,
            (LogTie::None, LogTie::None) => LogTie::None,
        });
        let inferred = failed.iter().all(|f| f.exchange.inferred);
        let mut score = match (tie, inferred) {
            (LogTie::Cookie, _) => 90,
            (LogTie::Time, _) => 85,
            (LogTie::None, false) => 80,
            (LogTie::None, true) => 70,
        };
        let mut against = Vec::new();
        if failed.iter().any(|f| self.is_contradicted(f)) {
            score = score.min(MOST_MEDIUM);
            against.push(Against::LogContradicts);
        }
        if opening == 0 {
            score -= 20;
            against.push(Against::CameAfter);
        }
        if reason == Reason::NoResponse && failed.iter().all(|f| self.is_barred(f.exchange)) {
            score = score.min(70);
            against.push(Against::ErrorsExplainSilence);
        }
        if reason == Reason::NoResponse && tie == LogTie::None && self.may_miss_answers() {
            score = score.min(MOST_LOW);
            against.push(Against::AnswerNotCaptured);
        }
        // A refused identity looks like a wrong key, unless a log shows which it was.
        if inferred && tie == LogTie::None {
            against.push(Against::Encrypted);
        }
        let why = Why::Failed {
            attempts: failed.len(),
            first: failed.first().map(|f| f.exchange.first),
            last: failed
                .iter()
                .max_by_key(|f| (f.exchange.end, f.exchange.last))
                .map(|f| f.exchange.last),
            states: failed.iter().map(|f| f.exchange.state).collect(),
            tie,
            clock: self.wrong_clock(reason),
            of: self.untied(),
        };
        let refs = failed.iter().flat_map(|f| {
            std::iter::once(FactRef::Exchange(f.index))
                .chain(f.logged.iter().map(|e| FactRef::Event(*e)))
        });
        let lasting: Stretches = failed
            .iter()
            .map(|f| (f.exchange.start, self.next_attempt(f.exchange.start)))
            .collect();
        let cause = Cause { reason, score, refs: refs.collect(), why, against };
        let opening = if opening > 0 { Opening::FirstAttempt } else { Opening::None };
        Candidate { cause, opening, lasting }
    }

    /// Quick modes or CREATE_CHILD_SA exchanges that were refused inside an IKE SA that continued.
    fn refused_children(&self, exchanges: &BTreeMap<usize, &IkeExchange>) -> Vec<Candidate> {
        let mut found = Vec::new();
        let run = &self.window.run;
        for (index, exchange) in exchanges.iter().filter(|(_, x)| !x.outcome.is_failure()) {
            let attempts = exchange.child_attempts();
            let in_time = |time: Timestamp| self.from <= time && time <= run.end;
            let refused: Vec<_> = attempts
                .iter()
                .filter(|attempt| attempt.is_refused && in_time(attempt.start))
                .filter(|attempt| !self.creates_esp(exchange, attempt.start))
                .collect();
            let (Some(first), Some(last)) = (refused.first(), refused.last()) else { continue };
            let after =
                attempts.iter().find(|a| a.start > last.start && !a.is_refused && a.end.is_some());
            let until = |time: Timestamp| {
                let next = attempts.iter().find(|a| a.start > time).map(|a| a.start);
                next.unwrap_or(run.end).min(self.next_attempt(time))
            };
            let why = Why::ChildRefused {
                attempts: refused.len(),
                first: first.first,
                last: last.last,
                succeeded: after.map(|attempt| attempt.last),
            };
            let is_at_opening = self.is_at_opening(first.start);
            let mut against = vec![Against::Encrypted];
            if !is_at_opening {
                against.push(Against::CameAfter);
            }
            let logged = self.index.logged(*index).iter().map(|at| FactRef::Event(*at));
            let refs = logged.chain([FactRef::Exchange(*index)]).collect();
            // Several that look alike, with a later success, are no coincidence of sizes.
            let score = if refused.len() > 1 || after.is_some() { 72 } else { 65 };
            let cause = Cause { reason: Reason::ChildRefused, score, refs, why, against };
            let lasting = refused.iter().map(|a| (a.start, until(a.start))).collect();
            let opening = if is_at_opening { Opening::FirstAttempt } else { Opening::None };
            found.push(Candidate { cause, opening, lasting });
        }
        found
    }

    /// New SPIs directly after an exchange show that it was not refused.
    fn creates_esp(&self, exchange: &IkeExchange, time: Timestamp) -> bool {
        let uses = self.index.spi_uses(exchange.pair());
        let first = uses.partition_point(|(_, run)| run.start < time);
        uses.get(first).is_some_and(|(_, run)| run.start.since(time) <= ESP_FOLLOWS)
    }

    /// Whether a log of the same negotiation contradicts what was read in the capture.
    fn is_contradicted(&self, failed: &Failed<'_>) -> bool {
        let seen = failed.exchange.reason.filter(|_| !failed.exchange.inferred);
        let is_exact = failed.tie == LogTie::Cookie;
        let events = failed.logged.iter().filter_map(|at| self.index.facts.events.get(*at));
        let mut said = events.filter_map(|placed| placed.event.reason);
        is_exact && seen.is_some_and(|seen| said.any(|said| said.contradicts(seen)))
    }

    /// Whether the negotiators created security associations after a failure and before the window: a refusal
    /// that a retry repaired has no effect on what came later.
    fn is_repaired(&self, failed: Timestamp) -> bool {
        let start = self.window.run.start;
        let last_made = self.last_made.get_or_init(|| {
            let made = self.exchanges(self.from.shifted(JITTER.negated()), start);
            let made = made
                .into_values()
                .filter(|x| !x.outcome.is_failure() && x.outcome != Outcome::Incomplete);
            made.flat_map(|x| &x.completions).filter(|done| **done < start).copied().max()
        });
        last_made.is_some_and(|made| failed < made)
    }

    /// Whether something happened soon enough to contribute to the window's opening.
    pub(super) fn is_at_opening(&self, time: Timestamp) -> bool {
        time <= self.window.run.start.shifted(JITTER)
    }

    /// When the negotiators tried again after an attempt: until then nothing contradicts it.
    pub(super) fn next_attempt(&self, after: Timestamp) -> Timestamp {
        let later = self.attempts.range(after.shifted(Span(1))..).next().copied();
        later.unwrap_or(self.window.run.end).min(self.window.run.end)
    }

    /// The clock of a host that was wrong by more than authentication tolerates.
    fn wrong_clock(&self, reason: Reason) -> Option<Box<ClockOffset>> {
        let bears = matches!(
            reason,
            Reason::AuthenticationFailed | Reason::CertificateInvalid | Reason::KerberosFailed
        );
        let mut hosts = self.hosts().into_iter().filter(|_| bears);
        hosts.find_map(|host| self.index.wrong_clock(host)).cloned().map(Box::new)
    }

    /// Failures that only a log shows: the capture may begin later or be taken elsewhere.
    fn logged_failures(&self, named: &BTreeSet<usize>) -> Vec<Candidate> {
        let mut by_reason: BTreeMap<Reason, BTreeSet<usize>> = BTreeMap::new();
        let from = self.from.shifted(JITTER.negated());
        for pair in self.pairs() {
            for index in self.index.failures.touching(pair, from, self.window.run.end) {
                let Some(placed) = self.index.facts.events.get(index) else { continue };
                // What is joined with a captured negotiation is reported there.
                let is_joined = placed.join.is_some_and(|join| join.exchange.is_some());
                // A record whose filter is of another service concerns that service.
                let is_of_window = self.index.covers(index, &self.window.services);
                let is_repaired = placed.corrected.is_some_and(|time| self.is_repaired(time));
                if !named.contains(&index) && !is_joined && is_of_window && !is_repaired {
                    let reason = placed.event.reason.unwrap_or(Reason::Other);
                    by_reason.entry(reason).or_default().insert(index);
                }
            }
        }
        by_reason.into_iter().map(|(reason, events)| self.logged_failure(reason, events)).collect()
    }

    fn logged_failure(&self, reason: Reason, events: BTreeSet<usize>) -> Candidate {
        let of = |at: &usize| self.index.facts.events.get(*at);
        let times: BTreeSet<Timestamp> = events.iter().filter_map(|at| of(at)?.corrected).collect();
        let has_cookie = events.iter().filter_map(of).any(|e| e.event.initiator_cookie().is_some());
        let mut against = vec![Against::NotCaptured];
        let mut score = 65;
        // Their cookies identify other negotiations than those that the captures show of these hosts.
        if has_cookie && self.shows_negotiations(&times) {
            score = MOST_LOW;
            against.push(Against::LogDisagrees);
        }
        let end = self.window.run.end;
        let next = |time: Timestamp| {
            let later = times.range(time.shifted(Span(1))..).next().copied();
            later.unwrap_or(end).min(self.next_attempt(time))
        };
        let is_at_opening = times.first().is_some_and(|time| self.is_at_opening(*time));
        if !is_at_opening {
            against.push(Against::CameAfter);
        }
        let cause = Cause {
            reason,
            score,
            why: Why::LoggedFailures { events: events.len(), of: self.untied() },
            refs: events.into_iter().map(FactRef::Event).collect(),
            against,
        };
        let lasting = times.iter().map(|time| (*time, next(*time))).collect();
        let opening = if is_at_opening { Opening::FirstAttempt } else { Opening::None };
        Candidate { cause, opening, lasting }
    }

    /// Whether captures show negotiations of these hosts at about those times.
    fn shows_negotiations(&self, times: &BTreeSet<Timestamp>) -> bool {
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return false };
        let seen = self.exchanges(first.shifted(BESIDE.negated()), last.shifted(BESIDE));
        seen.into_values().any(|x| x.outcome != Outcome::Incomplete)
    }
}

/// Reasons that a host also gives when it does not know the cause.
const fn is_general(reason: Reason) -> bool {
    matches!(reason, Reason::AuthenticationFailed | Reason::NoProposalChosen)
}

/// A host that logs one of two negotiations this close together would log the other.
const BESIDE: Span = Span::from_seconds(60);
/// RFC 7296 §1.3: the pair's traffic uses new SAs within this time.
const ESP_FOLLOWS: Span = Span::from_seconds(2);
