//! What closed a window: a negotiation, a service or policy, or the end of traffic or capture.

use super::case::Case;
use super::policy_change::policy_record;
use super::roles::{ClosedBy, Closing, MOST_MEDIUM};
use super::rules::{is_start, service_of};
use super::{FactRef, JITTER, PolicyRecord, Why};
use crate::correlate::PlacedEvent;
use crate::ike::{EspActivity, IkeExchange};
use crate::protection::Service;
use crate::summary::ClassRun;
use crate::time::{Span, Timestamp};
use std::cmp::Reverse;
use std::collections::BTreeSet;

impl Case<'_> {
    /// What closed the window, the best explanation first; never empty.
    pub(super) fn closed_by(&self, activity: &EspActivity) -> Vec<Closing> {
        let mut found: Vec<Closing> = self.negotiated().into_iter().collect();
        let (end, until) = (self.window.run.end, self.window.run.end.shifted(JITTER));
        let hosts = self.hosts();
        let logged = |from: Timestamp, is_one: &dyn Fn(&PlacedEvent) -> bool| {
            let of_hosts = hosts.iter().flat_map(|host| self.index.of_host(*host, from, until));
            let after_opening = |e: &PlacedEvent| e.corrected > Some(self.window.run.start);
            of_hosts
                .filter(|(_, e)| is_one(e) && after_opening(e))
                .max_by_key(|(at, e)| (e.corrected, Reverse(*at)))
        };
        let started =
            logged(end.shifted(STARTING.negated()), &|e| is_start(&e.event) && self.was_down(e));
        found.extend(started.map(|(at, placed)| Closing {
            code: ClosedBy::ServiceStarted,
            score: match found.first() {
                None => 60,
                Some(negotiated) if negotiated.score == MOST_MEDIUM => MOST_MEDIUM - 1,
                Some(_) => 80,
            },
            refs: [FactRef::Event(at)].into(),
            why: Why::ServiceStarted {
                host: placed.event.host.clone(),
                service: service_of(&placed.event),
            },
        }));
        // A policy that was applied again, or a set that no rule is known to use, need not have done anything.
        let is_change = |e: &PlacedEvent| policy_record(e) == Some(PolicyRecord::Changed);
        let changed = logged(end.shifted(APPLYING.negated()), &is_change);
        found.extend(changed.map(|(at, placed)| Closing {
            code: ClosedBy::PolicyChanged,
            score: 55,
            refs: [FactRef::Event(at)].into(),
            why: Why::PolicyChange {
                host: placed.event.host.clone(),
                meaning: placed.event.entry.meaning,
                record: PolicyRecord::Changed,
                more: 0,
                deleted: None,
            },
        }));
        if found.iter().all(|closing| closing.code != ClosedBy::Negotiated) {
            found.push(self.faded(activity));
        }
        found.sort_by_key(|closing| (Reverse(closing.score), closing.code));
        found
    }

    /// New security associations were created around the last clear packet.
    fn negotiated(&self) -> Option<Closing> {
        let end = self.window.run.end;
        let (from, to) = (end.shifted(LATE.negated()), end.shifted(NEXT));
        let in_time = |time: &Timestamp| from <= *time && *time <= to;
        let made = |x: &IkeExchange| {
            let after = |time: &&Timestamp| **time > self.window.run.start && in_time(time);
            x.completions.iter().find(after).copied()
        };
        let mut found: Option<(Timestamp, usize, &IkeExchange, Option<ClassRun>)> = None;
        for (at, exchange) in self.exchanges(from, to) {
            let Some(time) = made(exchange).filter(|_| !exchange.outcome.is_failure()) else {
                continue;
            };
            let protected = self.new_spi(exchange, time);
            let is_better = match &found {
                Some((known, _, _, seen)) => {
                    (protected.is_some(), Reverse(time)) > (seen.is_some(), Reverse(*known))
                }
                None => true,
            };
            if is_better {
                found = Some((time, at, exchange, protected));
            }
        }
        let (_, at, exchange, protected) = found?;
        // An exchange that completes may have been a refusal; protected packets show that it was not.
        let protected = protected?;
        let behind = protected.start.since(end);
        if behind > NEXT || self.returns_beside(&protected) || self.is_of_others(&protected) {
            return None;
        }
        let idle = self.was_over(exchange, end);
        // A later negotiation had another trigger, and beside SPIs that continue it was made for other traffic.
        let score = match idle {
            _ if behind > LATE || self.old_spis_return() => 60,
            Some(_) => MOST_MEDIUM,
            None => 85,
        };
        Some(Closing {
            code: ClosedBy::Negotiated,
            score,
            refs: [FactRef::Exchange(at)].into(),
            why: Why::Negotiated {
                protected: protected.first,
                is_rekey: exchange.start < self.window.run.start,
                idle,
            },
        })
    }

    /// How long the clear text had been over when the negotiation behind it began, where that is longer than a pause of
    /// this traffic: then nothing shows that it would have gone on.
    fn was_over(&self, exchange: &IkeExchange, end: Timestamp) -> Option<Span> {
        let run = &self.window.run;
        let children = exchange.child_attempts().into_iter().map(|attempt| attempt.start);
        let begun = children.chain([exchange.start]).filter(|begun| *begun > end).min()?;
        let idle = begun.since(end);
        let longest = AT_ONCE.0.max(run.mean_pause().0.saturating_mul(PAUSES));
        (idle.0 > longest).then_some(idle)
    }

    /// Whether a log names the filter of a new SPI, and it holds nothing of the window.
    fn is_of_others(&self, made: &ClassRun) -> bool {
        self.negotiators.iter().any(|pair| {
            let uses = self.index.spi_uses(*pair).iter();
            let mut same = uses.filter(|spi| spi.run.first == made.first);
            same.any(|spi| self.index.never_covered((*pair, spi.way, &spi.run), self.window))
        })
    }

    /// Whether a service of the window is in clear again while an SPI made at its end is in use: that SA was made
    /// for other traffic, and closed nothing.
    fn returns_beside(&self, made: &ClassRun) -> bool {
        let windows =
            self.index.clear_services.get(&self.window.pair).map_or(&[][..], Vec::as_slice);
        let later = windows.partition_point(|(start, _)| *start <= self.window.run.start);
        let inside = windows.get(later..).unwrap_or_default().iter();
        let mut inside = inside.take_while(|(start, _)| *start <= made.end).take(MOST_WINDOWS);
        inside.any(|(start, services)| {
            // Ports that are not registered are not recorded; two of them need not be one.
            let is_same = |service: &Service| {
                service.port.is_some() && self.window.services.contains(service)
            };
            *start >= made.start && services.iter().any(is_same)
        })
    }

    /// The first packet under an SPI that began with the message that completed it.
    pub(super) fn new_spi(&self, exchange: &IkeExchange, completed: Timestamp) -> Option<ClassRun> {
        let uses = self.index.spi_uses(exchange.pair());
        // A responder may use its SA before its answer is captured.
        let first = uses.partition_point(|spi| spi.run.start < completed.shifted(EDGE.negated()));
        let run = &uses.get(first)?.run;
        (run.start <= completed.shifted(NEXT)).then_some(*run)
    }

    /// When the pair's next window begins.
    fn next_window(&self) -> Option<Timestamp> {
        let windows = self.index.clear_services.get(&self.window.pair)?;
        let later = windows.partition_point(|(start, _)| *start <= self.window.run.start);
        windows.get(later).map(|(start, _)| *start)
    }

    /// Nothing shows that the next packet would have been protected.
    fn faded(&self, activity: &EspActivity) -> Closing {
        let end = self.window.run.end;
        let capture = activity.end_of(self.window.run.last.evidence);
        let beyond = capture.map_or(Span::default(), |last| last.since(end));
        let next = self.next_window().map(|next| next.since(end)).filter(|next| *next <= beyond);
        let silence = next.unwrap_or(beyond);
        let (code, score, why) = if next.is_some() || silence > LEAST_SILENCE {
            (ClosedBy::TrafficEnded, 70, Why::TrafficEnded { silence, resumes: next.is_some() })
        } else {
            (ClosedBy::CaptureEnded, 70, Why::CaptureEnded)
        };
        Closing { code, score, refs: BTreeSet::new(), why }
    }
}

/// Traffic that a negotiation interrupts was sent this shortly before it, or had made so many times the pause between
/// its packets.
const AT_ONCE: Span = Span::from_seconds(1);
const PAUSES: i64 = 5;
/// Later windows of a pair that are looked through.
const MOST_WINDOWS: usize = 64;
/// Clear packets may still be in flight for this long after new security associations were created.
const LATE: Span = Span::from_seconds(10);
/// How soon after a window a negotiation and the first packet under it belong to its end.
const NEXT: Span = Span::from_seconds(60);
/// The time that a starting service needs to apply its policy and negotiate.
const STARTING: Span = Span::from_seconds(60);
/// A policy is applied within this time.
const APPLYING: Span = Span::from_seconds(10);
/// How much earlier than the message that created its SA a packet may appear in a capture.
const EDGE: Span = Span::from_millis(100);
/// A capture that ends sooner than this after the last clear packet does not show that it was the last.
const LEAST_SILENCE: Span = Span::from_seconds(10);
