//! The rules about negotiations that failed: on the wire, in the logs, joined by cookie or by time.

use super::case::Case;
use super::{Cause, FactRef, JITTER};
use crate::catalogue::Reason;
use crate::eventlog::FailurePoint;
use crate::ike::IkeExchange;
use std::collections::{BTreeMap, BTreeSet};

/// A failed negotiation and what the logs say of it.
struct Failed<'a> {
    index: usize,
    exchange: &'a IkeExchange,
    /// Events under its cookie, or where the logs tell no cookies, of the pair at the same time.
    logged: Vec<usize>,
    by_cookie: bool,
}

impl<'a> Case<'a> {
    /// Negotiations that failed before or in the window: on the wire, in the logs, joined by cookie.
    pub(super) fn failures(&self) -> Vec<Cause> {
        let mut by_reason: BTreeMap<Reason, Vec<Failed<'_>>> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for (index, exchange) in self.exchanges(self.from, self.window.run.end) {
            if !exchange.outcome.is_failure() {
                continue;
            }
            let failed = self.failed(index, exchange);
            told.extend(failed.logged.iter().copied());
            let events = failed.logged.iter().filter_map(|at| self.index.facts.events.get(*at));
            // A log may say more than the wire can; mere time-outs say less. The side that refused knows
            // why, the other one only that it was.
            let said = events
                .filter_map(|e| {
                    let failed_at = e.event.negotiation().and_then(|told| told.failure_point);
                    Some((failed_at != Some(FailurePoint::Local), e.event.reason?))
                })
                .filter(|(_, r)| *r != Reason::Timeout && *r != Reason::Other)
                .min_by_key(|(is_remote, reason)| (is_general(*reason), *is_remote, *reason))
                .map(|(_, reason)| reason);
            let reason = match (said, exchange.reason) {
                // The wire shows which credentials were refused.
                (
                    Some(Reason::AuthenticationFailed),
                    Some(seen @ (Reason::PskMismatchSuspected | Reason::KerberosFailed)),
                ) => Some(seen),
                (said, seen) => said.or(seen),
            };
            let Some(reason) = reason else { continue };
            by_reason.entry(reason).or_default().push(failed);
        }
        let mut causes: Vec<Cause> =
            by_reason.into_iter().map(|(reason, failed)| self.failure(reason, &failed)).collect();
        causes.extend(self.logged_failures(&told));
        causes
    }

    /// What the logs say of a failed negotiation: under its cookie, or where they tell no cookies
    /// (Windows 2000 to Server 2003), of the same two hosts while it ran.
    fn failed(&self, index: usize, exchange: &'a IkeExchange) -> Failed<'a> {
        let by_cookie = self.index.logged(exchange.initiator_spi.0).to_vec();
        if !by_cookie.is_empty() {
            return Failed { index, exchange, logged: by_cookie, by_cookie: true };
        }
        let (from, to) = (exchange.start.shifted(JITTER.negated()), exchange.end.shifted(JITTER));
        let has_no_cookie = |at: &usize| {
            let placed = self.index.facts.events.get(*at);
            placed.is_some_and(|e| e.event.initiator_cookie().is_none())
        };
        let same_time =
            self.index.failures.touching(exchange.pair(), from, to).filter(has_no_cookie);
        Failed { index, exchange, logged: same_time.collect(), by_cookie: false }
    }

    fn failure(&self, reason: Reason, failed: &[Failed<'_>]) -> Cause {
        let start = self.window.run.start.shifted(JITTER);
        let opening = failed.iter().filter(|f| f.exchange.start <= start).count();
        let logged = failed.iter().any(|f| !f.logged.is_empty());
        let by_cookie = failed.iter().any(|f| f.by_cookie);
        let inferred = failed.iter().all(|f| f.exchange.inferred);
        let mut score = match (by_cookie, logged, inferred) {
            (true, ..) => 90,
            (false, true, _) => 85,
            (false, false, false) => 80,
            (false, false, true) => 70,
        };
        let mut against = Vec::new();
        if opening == 0 {
            score -= 20;
            against.push("the first failed attempt came after the window had opened".to_owned());
        }
        if reason == Reason::NoResponse && failed.iter().all(|f| self.is_barred(f.exchange)) {
            score = score.min(70);
            against.push("ICMP errors tell why nobody answered".to_owned());
        }
        if inferred && !logged {
            against.push(
                "the failure is encrypted; it is inferred from sizes, directions and what follows"
                    .to_owned(),
            );
        }
        let (first, last) = (failed.first(), failed.last());
        let frames = first.zip(last).map_or_else(String::new, |(first, last)| {
            format!("{} to {}", first.exchange.first, last.exchange.last)
        });
        let attempts = if failed.len() == 1 {
            "one negotiation".to_owned()
        } else {
            format!("{} negotiations", failed.len())
        };
        let log = match (by_cookie, logged) {
            (true, _) => ", and the event log tells of it under the same cookies",
            (false, true) => ", and the event log tells of it at the same time",
            (false, false) => "",
        };
        let clock = self.wrong_clock(reason).unwrap_or_default();
        let why = format!("{attempts} failed ({frames}): {}{log}{clock}", state_of(failed));
        let refs = failed.iter().flat_map(|f| {
            std::iter::once(FactRef::Exchange(f.index))
                .chain(f.logged.iter().map(|e| FactRef::Event(*e)))
        });
        Cause { reason, score, refs: refs.collect(), why, against }
    }

    /// What a host's wrong clock adds to a failed authentication.
    fn wrong_clock(&self, reason: Reason) -> Option<String> {
        let bears = matches!(
            reason,
            Reason::AuthenticationFailed | Reason::CertificateInvalid | Reason::KerberosFailed
        );
        let mut hosts = self.hosts().into_iter().filter(|_| bears);
        let clock = hosts.find_map(|host| self.index.wrong_clock(host))?;
        Some(format!(
            "; {}'s clock was wrong by {} s, so certificates and tickets may have seemed invalid",
            clock.host, clock.offset?
        ))
    }

    /// Failures that only a log tells: the capture may begin later or lie elsewhere.
    fn logged_failures(&self, told: &BTreeSet<usize>) -> Vec<Cause> {
        let mut by_reason: BTreeMap<Reason, BTreeSet<usize>> = BTreeMap::new();
        let from = self.from.shifted(JITTER.negated());
        for pair in self.pairs() {
            for index in self.index.failures.touching(pair, from, self.window.run.end) {
                let Some(placed) = self.index.facts.events.get(index) else { continue };
                if !told.contains(&index) {
                    let reason = placed.event.reason.unwrap_or(Reason::Other);
                    by_reason.entry(reason).or_default().insert(index);
                }
            }
        }
        by_reason
            .into_iter()
            .map(|(reason, events)| Cause {
                reason,
                score: 65,
                why: format!(
                    "{} log events tell of failed negotiations in this time",
                    events.len()
                ),
                refs: events.into_iter().map(FactRef::Event).collect(),
                against: vec!["the capture does not show these negotiations".to_owned()],
            })
            .collect()
    }
}

/// Reasons that a host also gives where it knows no better.
const fn is_general(reason: Reason) -> bool {
    matches!(reason, Reason::AuthenticationFailed | Reason::NoProposalChosen)
}

fn state_of(failed: &[Failed<'_>]) -> String {
    let states: BTreeSet<&str> = failed.iter().map(|f| f.exchange.state).collect();
    states.into_iter().collect::<Vec<_>>().join("; ")
}
