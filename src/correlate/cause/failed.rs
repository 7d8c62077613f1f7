//! The rules about negotiations that failed: in the captures, in the logs, joined by the numbers of the
//! negotiation itself.

use super::case::Case;
use super::roles::{MOST_LOW, MOST_MEDIUM};
use super::{Against, Candidate, Cause, FactRef, JITTER, LogTie, Opening, Why};
use crate::catalogue::Reason;
use crate::correlate::{ClockOffset, PlacedEvent, Refuser};
use crate::eventlog::{FailurePoint, Mode};
use crate::evidence::FrameRef;
use crate::ike::{IkeExchange, Outcome, TransformKind};
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
        let failing = exchanges.iter().filter(|(index, x)| self.has_failed(**index, x));
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

    /// Whether a negotiation failed: by what the captures show, or, where they do not show its end, by a log of the same
    /// negotiation.
    fn has_failed(&self, index: usize, exchange: &IkeExchange) -> bool {
        let is_open = exchange.outcome == Outcome::Incomplete;
        exchange.outcome.is_failure() || (is_open && !self.index.logged(index).is_empty())
    }

    /// Why a negotiation failed. A log of the same negotiation may show more than the captures can; mere
    /// time-outs show less. The side that refused knows the reason, the other one only the refusal.
    fn reason(&self, failed: &Failed<'_>) -> Option<Reason> {
        let events = failed.logged.iter().filter_map(|at| self.index.facts.events.get(*at));
        let mut all: Vec<(bool, Reason)> = events
            .filter_map(|e| {
                let failed_at =
                    e.event.negotiation().and_then(|negotiation| negotiation.failure_point);
                Some((failed_at != Some(FailurePoint::Local), e.event.reason?))
            })
            .collect();
        // What says little counts where the captures do not show how the negotiation ended.
        let is_shown = failed.exchange.outcome != Outcome::Incomplete;
        let says_little = |reason| matches!(reason, Reason::Timeout | Reason::Other);
        if is_shown || all.iter().any(|(_, reason)| !says_little(*reason)) {
            all.retain(|(_, reason)| !says_little(*reason));
        }
        let said = all
            .into_iter()
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
        // A second phase needs the first one, and what came to the second did not fail in the first.
        let reached = !exchange.quick_mode_ids().is_empty();
        let is_of_phase = |at: &usize| {
            let placed = self.index.facts.events.get(*at);
            match placed.and_then(|placed| placed.event.negotiation()?.mode) {
                Some(Mode::Main) => !reached,
                Some(Mode::Quick) => reached,
                Some(Mode::Extended) | None => true,
            }
        };
        let same_time = self.index.failures.touching(exchange.pair(), from, to);
        let same_time = same_time.filter(|at| has_no_cookie(at) && is_of_phase(at));
        let logged: Vec<usize> = same_time.collect();
        let tie = if logged.is_empty() { LogTie::None } else { LogTie::Time };
        Failed { index, exchange, logged, tie }
    }

    fn failure(&self, reason: Reason, failed: &[Failed<'_>]) -> Candidate {
        let begun = |f: &&Failed<'_>| self.opens(f.exchange.start, f.exchange.first);
        let opening = failed.iter().filter(begun).count();
        let late = failed.iter().all(|f| !self.is_near_opening(f.exchange.start));
        let stating = failed.iter().filter(|f| self.is_stated(f, reason));
        let tie = stating.map(|f| f.tie).fold(LogTie::None, |best, tie| match (best, tie) {
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
        // A refused identity looks like a wrong key, and no record of Windows shows them apart.
        if reason == Reason::PskMismatchSuspected {
            score = score.min(MOST_MEDIUM);
        }
        if tie == LogTie::None && failed.iter().any(|f| f.tie != LogTie::None) {
            against.push(Against::LogNamesAnother);
        }
        if failed.iter().any(|f| self.is_contradicted(f)) {
            score = score.min(MOST_MEDIUM);
            against.push(Against::LogContradicts);
        }
        if tie == LogTie::None {
            let (most, why) = self.weigh_refusals(failed);
            score = score.min(most);
            against.extend(why);
        }
        if late {
            score = score.saturating_sub(20);
        }
        if opening == 0 {
            against.push(Against::CameAfter);
        }
        let silence = (reason == Reason::NoResponse).then(|| self.weigh_silence(failed, tie));
        for (most, why) in silence.into_iter().flatten() {
            score = score.min(most);
            against.push(why);
        }
        if inferred && (tie == LogTie::None || reason == Reason::PskMismatchSuspected) {
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
            clock: self.wrong_clock(reason, failed),
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

    /// What else explains that nobody answered, and the score that it leaves at the most.
    fn weigh_silence(&self, failed: &[Failed<'_>], tie: LogTie) -> Vec<(u8, Against)> {
        let all = |holds: &dyn Fn(&IkeExchange) -> bool| failed.iter().all(|f| holds(f.exchange));
        let is_unlogged = tie == LogTie::None;
        let is_pending = all(&|exchange| self.is_pending(exchange));
        let is_single = is_unlogged && !is_pending && all(&|x| x.resent_after.is_empty());
        let weighed = [
            (all(&|x| self.is_barred(x)), MOST_BESIDE_ERRORS, Against::ErrorsExplainSilence),
            (is_unlogged && self.may_miss_answers(), MOST_LOW, Against::AnswerNotCaptured),
            (is_pending, MOST_LOW, Against::NotGivenUp),
            (is_single, MOST_MEDIUM, Against::NotSentAgain),
        ];
        weighed.into_iter().filter(|(holds, ..)| *holds).map(|(_, most, why)| (most, why)).collect()
    }

    /// Whether an unanswered request was not sent again before the window ended: until then an answer may come.
    fn is_pending(&self, exchange: &IkeExchange) -> bool {
        let again = exchange.resent_after.first().copied().unwrap_or(SENT_AGAIN);
        let due = exchange.start.shifted(again);
        exchange.outcome == Outcome::NoResponse && due > self.window.run.end
    }

    /// How far refusals in clear may be trusted that no log confirms: one of them from the station that sends the host's
    /// other packets is enough.
    fn weigh_refusals(&self, failed: &[Failed<'_>]) -> (u8, Option<Against>) {
        let read = failed.iter().filter(|f| !f.exchange.inferred);
        let refusers = read.map(|f| self.index.facts.refusers.get(&f.index));
        let known: Option<Vec<Refuser>> = refusers.map(Option::<&Refuser>::copied).collect();
        match known.and_then(|all| all.into_iter().min()) {
            Some(Refuser::SameStation) | None => (u8::MAX, None),
            Some(Refuser::Unknown) => (MOST_MEDIUM, Some(Against::UnprotectedRefusal)),
            Some(Refuser::OtherStation) => (MOST_LOW, Some(Against::OtherRefuser)),
        }
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

    /// Whether the logs of a negotiation give this reason, and not only that it failed. A host that ran out of
    /// time reports silence; under Kerberos, what was refused is its ticket.
    fn is_stated(&self, failed: &Failed<'_>, reason: Reason) -> bool {
        let events = failed.logged.iter().filter_map(|at| self.index.facts.events.get(*at));
        let mut said = events.filter_map(|placed| placed.event.reason);
        said.any(|said| {
            said == reason
                || matches!(
                    (said, reason),
                    (Reason::Timeout, Reason::NoResponse)
                        | (Reason::NoResponse, Reason::Timeout)
                        | (Reason::AuthenticationFailed, Reason::KerberosFailed)
                )
        })
    }

    /// Whether a time lies no more than 5 s behind the window's first packet.
    fn is_near_opening(&self, time: Timestamp) -> bool {
        time <= self.window.run.start.shifted(JITTER)
    }

    /// Whether a packet came soon enough to have a part in the window's opening. Within one capture the order
    /// is that of its clock; a host may send in clear beside the negotiation that the same packet asked for.
    pub(super) fn opens(&self, time: Timestamp, frame: FrameRef) -> bool {
        if self.is_of_capture(frame) {
            time <= self.window.run.start.shifted(BESIDE_CLEAR)
        } else {
            self.is_near_opening(time)
        }
    }

    /// Whether a frame is of the capture that shows the window's first packet; files that continue each other
    /// are one.
    pub(super) fn is_of_capture(&self, frame: FrameRef) -> bool {
        let first = |file| self.index.facts.first_files.of(file);
        first(frame.evidence) == first(self.window.run.first.evidence)
    }

    /// Whether a log's record came soon enough to have a part in the window's opening: what comes later opens
    /// nothing, and only the error of the clock leaves room.
    pub(super) fn record_opens(&self, placed: &PlacedEvent) -> bool {
        let error = placed.error.unwrap_or(JITTER);
        placed.corrected.is_some_and(|t| t.shifted(error.negated()) <= self.window.run.start)
    }

    /// When the negotiators tried again after an attempt: until then nothing contradicts it.
    pub(super) fn next_attempt(&self, after: Timestamp) -> Timestamp {
        let later = self.attempts.range(after.shifted(Span(1))..).next().copied();
        later.unwrap_or(self.window.run.end).min(self.window.run.end)
    }

    /// The clock of a host that was wrong by more than authentication tolerates. Where the other host's agrees
    /// with it neither had reason to refuse the other's ticket, and pre-shared keys have no times.
    fn wrong_clock(&self, reason: Reason, failed: &[Failed<'_>]) -> Option<Box<ClockOffset>> {
        let bears = matches!(
            reason,
            Reason::AuthenticationFailed | Reason::CertificateInvalid | Reason::KerberosFailed
        );
        if !bears || failed.iter().any(|f| self.is_under_shared_key(f)) {
            return None;
        }
        let hosts = self.hosts().into_iter();
        let clocks: Vec<&ClockOffset> = hosts.filter_map(|host| self.index.clock(host)).collect();
        let agrees = |one: &ClockOffset, other: &ClockOffset| {
            let offsets = one.offset.zip(other.offset);
            offsets.is_some_and(|(one, other)| {
                Span(one.0.saturating_sub(other.0)).magnitude() <= ClockOffset::TOLERATED
            })
        };
        let is_alone = |clock: &&&ClockOffset| {
            !clocks.iter().any(|other| other.host != clock.host && agrees(clock, other))
        };
        let mut wrong = clocks.iter().filter(|clock| self.index.facts.is_clock_wrong(clock));
        wrong.find(is_alone).map(|clock| Box::new((*clock).clone()))
    }

    /// Whether a negotiation used a pre-shared key, as read on the wire (RFC 2409 appendix A) or in a log.
    fn is_under_shared_key(&self, failed: &Failed<'_>) -> bool {
        let chosen = failed.exchange.chosen.as_ref();
        let method = chosen.and_then(|chosen| chosen.first(TransformKind::Authentication));
        let mut events = failed.logged.iter().filter_map(|at| self.index.facts.events.get(*at));
        let is_method = |(name, value): &(String, String)| {
            name == "MMAuthMethod" && value.eq_ignore_ascii_case("Preshared key")
        };
        method.is_some_and(|method| method.id == PRE_SHARED_KEY)
            || events.any(|placed| placed.event.fields.iter().any(is_method))
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
        let is_at_opening = events.iter().filter_map(of).any(|placed| self.record_opens(placed));
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

    /// Whether captures show negotiations of these hosts that are about as old as the records of those times.
    fn shows_negotiations(&self, times: &BTreeSet<Timestamp>) -> bool {
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return false };
        let seen = self.exchanges(first.shifted(BESIDE.negated()), last.shifted(BESIDE));
        // What began later is none of what the record is about.
        seen.into_values()
            .any(|x| x.outcome != Outcome::Incomplete && x.start <= last.shifted(JITTER))
    }
}

/// Reasons that a host also gives when it does not know the cause.
const fn is_general(reason: Reason) -> bool {
    matches!(reason, Reason::AuthenticationFailed | Reason::NoProposalChosen)
}

/// A host that logs one of two negotiations this close together would log the other.
const BESIDE: Span = Span::from_seconds(60);
/// IKEv1's authentication by a pre-shared key (RFC 2409 appendix A).
const PRE_SHARED_KEY: u16 = 1;
/// Errors that answer the requests state why nobody did.
const MOST_BESIDE_ERRORS: u8 = 70;
/// When a request without an answer is sent again at the earliest (Windows and strongSwan wait a second and more).
const SENT_AGAIN: Span = Span::from_seconds(1);
/// Windows Vista and later wait half a second at the most before they send in clear beside a negotiation.
const BESIDE_CLEAR: Span = Span::from_millis(500);
