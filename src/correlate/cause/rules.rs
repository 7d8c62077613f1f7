//! The rules, one per function; a rule without evidence returns nothing. This file has those that rest on a
//! host's log; those about negotiations are in `failed`, about the end of SAs in `ended`, about traffic that
//! bypassed IPsec in `beside`.

use super::case::{Case, LOOKBACK};
use super::lifetime::is_idle_time;
use super::roles::{MOST_LOW, MOST_MEDIUM};
use super::{Against, Candidate, Cause, DeleteBasis, FactRef, JITTER, Opening, Why};
use crate::catalogue::{Category, Confidence, Reason};
use crate::correlate::PlacedEvent;
use crate::eventlog::{KeyingModule, LogEvent, Service, ServiceState};
use crate::ike::{IkeExchange, IkeVersion, Outcome};
use crate::time::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;

impl Case<'_> {
    /// Everything that can explain the window; never empty.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let mut found = Vec::new();
        found.extend(self.service_stopped());
        found.extend(self.alternate_path());
        found.extend(self.authenticated_only());
        found.extend(self.filter_not_covering());
        found.extend(self.failures());
        found.extend(self.deleted());
        found.extend(self.rekey_gap());
        found.extend(self.fallback_to_clear());
        found.extend(self.fallback_by_policy());
        found.extend(self.driver_bypass());
        found.extend(self.policy_changed());
        found.extend(self.unreachable());
        found.extend(self.dos_protection());
        self.weigh_ties(&mut found);
        self.weigh_stations(&mut found);
        self.weigh_addresses(&mut found);
        self.weigh_names(&mut found);
        self.weigh_captures(&mut found);
        self.weigh_senders(&mut found);
        self.weigh_filters(&mut found);
        if !found.iter().any(explains) {
            found.extend(self.not_before().or_else(|| {
                let is_guess = |one: &Candidate| one.cause.reason == Reason::FilterNotCovering;
                found.iter().all(is_guess).then(|| self.nothing_found())
            }));
        }
        self.weigh_states(&mut found);
        found
    }

    /// A log says that a service IPsec needs stopped, and neither it nor the captures show that it ran again
    /// before the window.
    fn service_stopped(&self) -> Vec<Candidate> {
        let (start, end) = (self.window.run.start, self.window.run.end);
        let mut found = Vec::new();
        for (host, at, stop) in self.stops() {
            let Some(time) = stop.corrected else { continue };
            let starts = self.starts_after(host, stop, time, end);
            if starts.first().is_some_and(|t| *t < start) {
                continue;
            }
            let near =
                self.index.of_host(host, time.shifted(JITTER.negated()), time.shifted(JITTER));
            let mut refs: BTreeSet<_> = [FactRef::Event(at)].into();
            refs.extend(near.filter(|(_, e)| is_stop(&e.event)).map(|(i, _)| FactRef::Event(i)));
            refs.extend(self.deletion().map(|deletion| FactRef::Exchange(deletion.exchange)));
            let why = Why::ServiceStopped {
                host: stop.event.host.clone(),
                service: service_of(&stop.event),
                before: start.since(time),
                was_found_down: is_found_down(&stop.event),
            };
            let (mut score, mut against) = self.weigh_log_end(stop);
            let of_later = self.sas_of_later_modules();
            match service_of(&stop.event) {
                Some(Service::PolicyAgent) if of_later == BTreeSet::from([true]) => {
                    score = score.min(MOST_LOW);
                    against.push(Against::OtherService);
                }
                // IKEv1 serves policies of either service.
                Some(Service::MpsSvc) if of_later == BTreeSet::from([false]) => {
                    score = score.min(MOST_MEDIUM);
                    against.push(Against::OtherService);
                }
                Some(_) | None => {}
            }
            if let Some(doubt) = self.doubt_of_order(host, stop, time) {
                score = score.min(MOST_MEDIUM);
                against.push(doubt);
            }
            let cause = Cause { reason: Reason::ServiceStopped, score, refs, why, against };
            let until = starts.first().copied().unwrap_or(end);
            found.push(if is_found_down(&stop.event) || !self.record_opens(stop) {
                cause.lasts(time, until)
            } else {
                cause.opens_and_lasts(time, until)
            });
        }
        found
    }

    /// Whether the SAs of the negotiators up to the window's end, as captures and logs show them, are of AuthIP or
    /// IKEv2, one value for each kind that there is: those are of connection security rules or tunnels, which IKEEXT, BFE and MpsSvc serve. The policies of
    /// the Policy Agent negotiate by IKEv1 (Microsoft, Windows Firewall with Advanced Security and IPsec).
    fn sas_of_later_modules(&self) -> BTreeSet<bool> {
        let end = self.window.run.end;
        let made = self.exchanges(Timestamp(i64::MIN), end).into_values();
        let made = made.filter(|x| matches!(x.outcome, Outcome::Established | Outcome::Ended));
        let captured = made.map(|x| x.version != IkeVersion::V1);
        let pairs = self.pairs();
        let logged = pairs.iter().flat_map(|pair| {
            let all = self.index.made.touching(*pair, Timestamp(i64::MIN), end);
            all.filter_map(|at| self.index.facts.events.get(at)?.event.negotiation()?.keying)
        });
        let logged = logged.map(|keying| keying != KeyingModule::IkeV1);
        captured.chain(logged).collect()
    }

    /// What the time of a record leaves open that a service stopped, where it is later than the first clear packet. A
    /// service that stops deletes its SAs before the record is made, so a Delete of the host before that packet shows
    /// the order. Behind it, only a request that the host did not answer shows that the stop mattered.
    fn doubt_of_order(&self, host: IpAddr, stop: &PlacedEvent, time: Timestamp) -> Option<Against> {
        let later = time.since(self.window.run.start);
        if later.0 <= 0 || is_found_down(&stop.event) {
            return None;
        }
        let error = stop.error.unwrap_or(JITTER);
        let is_unanswered = self.unanswered().iter().any(|(_, exchange)| {
            exchange.responder.ip() == host && exchange.start.shifted(error) >= time
        });
        if !self.record_opens(stop) {
            return (!is_unanswered).then_some(Against::WasOpenBefore(later));
        }
        let stops_by_deleting = self.deletion().is_some_and(|deletion| {
            deletion.by == host
                && deletion.basis != DeleteBasis::Inferred
                && !deletion.rested.is_some_and(is_idle_time)
                && time.since(deletion.time).magnitude() <= JITTER
        });
        (!stops_by_deleting).then_some(Against::OrderUnknown { later, error })
    }

    /// For every host and service, the latest record before the window or at its opening that it is down.
    fn stops(&self) -> Vec<(IpAddr, usize, &PlacedEvent)> {
        let (from, to) = self.opening();
        let mut found: Vec<(IpAddr, usize, &PlacedEvent)> = Vec::new();
        for host in self.hosts() {
            let mut seen = BTreeSet::new();
            let stops = self.index.of_host(host, from, to).filter(|(_, e)| is_stop(&e.event));
            let latest = stops.filter(|(_, e)| seen.insert(service_of(&e.event)));
            found.extend(latest.map(|(at, stop)| (host, at, stop)));
        }
        found
    }

    /// When a service that stopped is shown to run again: by a record of its start, by the start of the system,
    /// with which services start that are not disabled, by a record of a security association that the host made, or by
    /// IKE that it sends. The start of another
    /// service is none of it.
    fn starts_after(
        &self,
        host: IpAddr,
        stop: &PlacedEvent,
        time: Timestamp,
        until: Timestamp,
    ) -> BTreeSet<Timestamp> {
        let service = service_of(&stop.event);
        let starts = self.index.of_host(host, time, until);
        let is_disabled =
            stop.event.service().is_some_and(|change| change.state == ServiceState::Disabled);
        let runs = |event: &LogEvent| {
            (is_start(event) && service_of(event) == service)
                || (is_system_start(event) && !is_disabled)
        };
        let starts = starts.filter(|(_, e)| runs(&e.event));
        let logged = starts.filter_map(|(_, e)| e.corrected.filter(|t| *t > time));
        // Nobody makes security associations without the services that negotiate them.
        let after = time.shifted(stop.error.unwrap_or(JITTER));
        let made = self.index.sas_of_host.first_from(host, after);
        let made = made.and_then(|at| self.index.facts.events.get(at)?.corrected);
        let made = made.filter(|time| *time <= until);
        logged
            .chain(made)
            .chain(self.index.first_ike_of(host, after).filter(|t| *t <= until))
            .collect()
    }

    /// Whether the start of a service may have closed the window: it was down, or records say that one was and
    /// not which.
    pub(super) fn was_down(&self, start: &PlacedEvent) -> bool {
        let opened = self.window.run.start;
        let down = self.stops().into_iter().filter(|(host, _, stop)| {
            let Some(time) = stop.corrected else { return false };
            !self.starts_after(*host, stop, time, opened).iter().any(|t| *t < opened)
        });
        let down: BTreeSet<Option<Service>> =
            down.map(|(.., stop)| service_of(&stop.event)).collect();
        down.contains(&None) || down.contains(&service_of(&start.event))
    }

    /// A log that ends before the window cannot show that the service started again.
    fn weigh_log_end(&self, stop: &PlacedEvent) -> (u8, Vec<Against>) {
        let shown_last = self.index.facts.logs.get(&stop.log).and_then(|log| log.last_time);
        let correction = stop.corrected.zip(stop.event.time).map(|(by, own)| own.since(by));
        let last = shown_last.zip(correction).map(|(last, off)| last.shifted(off.negated()));
        let missing = last.map(|last| self.window.run.start.since(last));
        match missing.filter(|missing| *missing > JITTER) {
            Some(missing) => (MOST_MEDIUM, vec![Against::LogEnded(missing)]),
            None => (92, Vec::new()),
        }
    }

    /// A log records that the two agreed to talk in clear: an SA without algorithms.
    fn fallback_to_clear(&self) -> Option<Candidate> {
        let (from, _) = self.opening();
        let pairs = self.pairs();
        let to = self.window.run.end;
        let all = pairs.iter().flat_map(|pair| self.index.soft.touching(*pair, from, to));
        // A record whose filter is of another service is about that one.
        let soft: BTreeSet<usize> =
            all.filter(|at| self.index.covers(*at, &self.window.services)).collect();
        let placed = self.index.facts.events.get(*soft.first()?)?;
        let of_all = || soft.iter().filter_map(|at| self.index.facts.events.get(*at));
        let first = of_all().filter_map(|placed| placed.corrected).min()?;
        let cause = Cause {
            reason: Reason::FallbackToClear,
            score: 91,
            refs: soft.iter().map(|index| FactRef::Event(*index)).collect(),
            why: Why::SoftSa { host: placed.event.host.clone() },
            against: Vec::new(),
        };
        Some(if of_all().any(|placed| self.record_opens(placed)) {
            cause.opens_and_lasts(first, to)
        } else {
            cause.lasts(first, to)
        })
    }

    /// A log records that the driver of Windows 2000 to Server 2003 let all traffic through, and no later
    /// change to applying the policy.
    fn driver_bypass(&self) -> Option<Candidate> {
        let (start, end) = (self.window.run.start, self.window.run.end);
        let (from, to) = self.opening();
        let of_hosts = self.hosts().into_iter().filter_map(|host| {
            let mut modes = self.index.of_host(host, from, to).filter(|(_, e)| is_driver(&e.event));
            let bypass = modes.next().filter(|(_, e)| e.event.reason == Some(Reason::DriverBypass));
            bypass.map(|(at, placed)| (host, at, placed))
        });
        let (host, at, placed) = of_hosts.max_by_key(|(_, _, e)| e.corrected)?;
        let time = placed.corrected?;
        let left = self
            .index
            .of_host(host, time, end)
            .filter(|(_, e)| is_driver(&e.event) && e.event.reason != Some(Reason::DriverBypass));
        let until = left.filter_map(|(_, e)| e.corrected.filter(|t| *t > time)).min();
        let error = placed.error.unwrap_or(JITTER);
        let later = Some(time.since(start)).filter(|later| later.0 > 0);
        let later = later.map(|later| Against::OrderUnknown { later, error });
        let later = later.filter(|_| self.record_opens(placed));
        let cause = Cause {
            reason: Reason::DriverBypass,
            score: if later.is_some() { MOST_MEDIUM } else { 88 },
            refs: [FactRef::Event(at)].into(),
            why: Why::DriverBypass { host: placed.event.host.clone(), before: start.since(time) },
            against: later.into_iter().collect(),
        };
        let until = until.unwrap_or(end);
        Some(if self.record_opens(placed) {
            cause.opens_and_lasts(time, until)
        } else {
            cause.lasts(time, until)
        })
    }

    /// A log records that a host defends itself against a flood of negotiations.
    fn dos_protection(&self) -> Option<Candidate> {
        let (from, _) = self.opening();
        let to = self.window.run.end;
        // A host that defends itself does not answer; its own requests are answered or not by the other side.
        let defends = |exchange: &IkeExchange| {
            let until = exchange.start.shifted(JITTER);
            let events = self.index.of_host(
                exchange.responder.ip(),
                from.shifted(LOOKBACK.negated()),
                until,
            );
            let mut refusals = events.filter(|(_, e)| is_flood_defence(&e.event));
            // The latest record before the request decides: the defence may have ended.
            refusals.next().filter(|(_, e)| e.event.reason == Some(Reason::DosProtection))
        };
        let mut started = None;
        let mut silent = self.unanswered();
        silent.retain(|(_, exchange)| {
            let found = defends(exchange);
            started = started.or(found);
            found.is_some()
        });
        let (at, placed) = started?;
        let (_, earliest) = silent.first()?;
        let first = earliest.start;
        let exchanges = silent.iter().map(|(index, _)| FactRef::Exchange(*index));
        let cause = Cause {
            reason: Reason::DosProtection,
            score: 91,
            refs: exchanges.chain([FactRef::Event(at)]).collect(),
            why: Why::FloodDefence { host: placed.event.host.clone() },
            against: Vec::new(),
        };
        Some(if self.opens(first, earliest.first) {
            cause.opens_and_lasts(first, to)
        } else {
            cause.lasts(first, to)
        })
    }

    /// The first negotiation of the two began well inside the window, or after it.
    fn not_before(&self) -> Option<Candidate> {
        let (start, end) = (self.window.run.start, self.window.run.end);
        if !self.is_own || self.silent_since().is_some() {
            return None;
        }
        let (index, first) = self.index.first_exchange_of(self.window.pair)?;
        let after = first.start.since(start);
        // Within one capture the order is known.
        let is_at_once = !self.is_of_capture(first.first) && after <= AT_ONCE;
        if is_at_once || self.opens(first.start, first.first) || self.is_failure_logged(first.start)
        {
            return None;
        }
        let cause = Cause {
            reason: Reason::NoIkeAttempted,
            score: 60,
            refs: [FactRef::Exchange(index)].into(),
            why: Why::NotBefore { first: first.first, after },
            against: vec![Against::CaptureBeganLater],
        };
        Some(cause.opens_and_lasts(start, first.start.min(end)))
    }

    /// Whether a log has failed negotiations of the two before a point in time: then the first that a capture shows was
    /// not the first.
    fn is_failure_logged(&self, before: Timestamp) -> bool {
        let from = self.window.run.start.shifted(LOOKBACK.negated());
        let mut pairs = self.pairs().into_iter();
        pairs.any(|pair| self.index.failures.touching(pair, from, before).next().is_some())
    }

    fn nothing_found(&self) -> Candidate {
        let (start, end) = (self.window.run.start, self.window.run.end);
        if !self.is_own && self.negotiators.is_empty() {
            let perhaps = self.perhaps.first().map(|pair| Against::PerhapsGateways(*pair));
            let (state, refs) = self.state_without_filter().unzip();
            let cause = Cause {
                reason: Reason::NoIkeAttempted,
                score: if state.is_some() { WITHOUT_FILTER } else { 60 },
                refs: refs.unwrap_or_default(),
                why: Why::NothingSeen { state },
                against: [Against::CaptureBeganLater].into_iter().chain(perhaps).collect(),
            };
            return cause.opens_and_lasts(start, end);
        }
        let cause = Cause {
            reason: Reason::Unknown,
            score: 0,
            refs: BTreeSet::new(),
            why: Why::Unexplained { wanted: Vec::new(), listed: self.listed_in_states() },
            against: Vec::new(),
        };
        Candidate { cause, opening: Opening::None, lasting: Vec::new() }
    }
}

/// Whether a candidate explains the opening.
fn explains(candidate: &Candidate) -> bool {
    let has_part = match candidate.opening {
        Opening::Opened | Opening::FirstAttempt => true,
        // A cause that lasts from before the window needs no beginning.
        Opening::None => {
            matches!(candidate.cause.reason, Reason::AlternatePath | Reason::ServiceStopped)
                || (candidate.cause.reason == Reason::FilterNotCovering
                    && candidate.cause.score >= 60)
        }
    };
    has_part && candidate.cause.confidence() != Confidence::Low
}

fn is_stop(event: &LogEvent) -> bool {
    event.service().is_some_and(|change| change.state.is_down())
}

/// 5453 is logged by the Policy Agent when it finds IKEEXT not running; it does not record when IKEEXT stopped. 5483 says
/// that the Policy Agent could not start (Microsoft, event 5483): nothing that ran stopped.
fn is_found_down(event: &LogEvent) -> bool {
    matches!(event.event_id, 5453 | 5483)
}

/// A host began to defend itself against a flood of negotiations, or ended its defence (4646, 5149).
fn is_flood_defence(event: &LogEvent) -> bool {
    matches!(event.event_id, 4646 | 5149) || event.reason == Some(Reason::DosProtection)
}

/// The IPsec driver's mode (4292 to 4297).
fn is_driver(event: &LogEvent) -> bool {
    event.provider.eq_ignore_ascii_case("IPSec") && event.category == Category::ServiceState
}

pub(super) fn is_start(event: &LogEvent) -> bool {
    event.service().is_some_and(|change| change.state == ServiceState::Running)
}

/// Windows started, or the event log, which starts with it (4608, 512, 6005). 6008 is written then, too.
fn is_system_start(event: &LogEvent) -> bool {
    event.category == Category::HostState && matches!(event.event_id, 512 | 4608 | 6005 | 6008)
}

pub(super) fn service_of(event: &LogEvent) -> Option<Service> {
    event.service().map(|change| change.service)
}

/// A filter that a state does not list may have been there before or after its moment.
const WITHOUT_FILTER: u8 = 76;
/// A host that negotiates because of a packet does so at once; later negotiations have another trigger.
const AT_ONCE: Span = Span::from_seconds(10);
