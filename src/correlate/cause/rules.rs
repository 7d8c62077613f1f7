//! The rules, one per function; a rule without evidence returns nothing. This file has those that rest on a
//! host's log; those about negotiations are in `failed`, about the end of SAs in `ended`, about traffic that
//! bypassed IPsec in `beside`.

use super::case::{Case, LOOKBACK};
use super::roles::{MOST_LOW, MOST_MEDIUM};
use super::{Against, Candidate, Cause, FactRef, JITTER, Opening, Why};
use crate::catalogue::{Category, Confidence, Reason};
use crate::correlate::PlacedEvent;
use crate::eventlog::{LogEvent, Service, ServiceState};
use crate::ike::IkeExchange;
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
        found.extend(self.driver_bypass());
        found.extend(self.policy_changed());
        found.extend(self.unreachable());
        found.extend(self.dos_protection());
        self.weigh_ties(&mut found);
        self.weigh_stations(&mut found);
        self.weigh_names(&mut found);
        self.weigh_captures(&mut found);
        self.weigh_senders(&mut found);
        self.weigh_living_sas(&mut found);
        if !found.iter().any(explains) {
            found.extend(self.not_before().or_else(|| {
                let is_guess = |one: &Candidate| one.cause.reason == Reason::FilterNotCovering;
                found.iter().all(is_guess).then(|| self.nothing_found())
            }));
        }
        found
    }

    /// Negotiations among other hosts are at most `low` where nothing ties them to the pair.
    fn weigh_ties(&self, found: &mut [Candidate]) {
        let Some(other) = self.untied() else { return };
        let is_own = |reason| {
            // These rest on the pair's own packets, or already account for the certainty of the gateways.
            matches!(reason, Reason::AlternatePath | Reason::FilterNotCovering)
        };
        for candidate in found.iter_mut().filter(|candidate| !is_own(candidate.cause.reason)) {
            candidate.cause.score = candidate.cause.score.min(MOST_LOW);
            candidate.cause.against.push(Against::OtherPair(other));
        }
    }

    /// Where the senders of clear text continue to send protected packets under the same SPIs, before the
    /// window and inside, nothing ended that could have carried this traffic, and no negotiation was needed for
    /// it: this contradicts other causes, and filters come first.
    fn weigh_living_sas(&self, found: &mut [Candidate]) {
        let Some(host) = self.is_own.then(|| self.sender_under_both()).flatten() else { return };
        for candidate in found {
            let most = match candidate.cause.reason {
                Reason::ServiceStopped
                | Reason::NothingListens
                | Reason::PeerUnreachable
                | Reason::Udp500Blocked
                | Reason::NoResponse
                | Reason::Timeout
                | Reason::NoProposalChosen
                | Reason::AuthenticationFailed
                | Reason::PskMismatchSuspected
                | Reason::CertificateInvalid
                | Reason::KerberosFailed
                | Reason::InvalidKe
                | Reason::DosProtection
                | Reason::PeerDeleted
                | Reason::SaDeleted
                | Reason::SaExpiredIdle
                | Reason::RekeyGap => BESIDE_FILTERS,
                // These are of single filters; another filter may still be in force.
                Reason::TsUnacceptable
                | Reason::ChildRefused
                | Reason::PolicyMismatch
                | Reason::PolicyChanged
                | Reason::IntegrityFailed
                | Reason::Replay
                | Reason::Other => MOST_MEDIUM,
                // A driver in bypass encrypts nothing.
                Reason::DriverBypass => BESIDE_FILTERS,
                // The filter of a soft SA may name this service alone.
                Reason::FallbackToClear if self.names_the_service(&candidate.cause) => continue,
                Reason::FallbackToClear => BESIDE_FILTERS,
                Reason::NoIkeAttempted
                | Reason::ExemptByPolicy
                | Reason::FilterNotCovering
                | Reason::AlternatePath
                | Reason::AuthWithoutEncapsulation
                | Reason::Unknown => continue,
            };
            candidate.cause.score = candidate.cause.score.min(most);
            candidate.cause.against.push(Against::EspGoesOn(host));
        }
    }

    /// Whether the filters that a cause's records name are of ports or a protocol, and of this service.
    fn names_the_service(&self, cause: &Cause) -> bool {
        cause.refs.iter().any(|fact| match fact {
            FactRef::Event(at) => self.index.names(*at, &self.window.services),
            FactRef::Exchange(_) => false,
        })
    }

    /// A host's log applies only while that host held the address: where another station took the address over
    /// between the record and the window's end, the cause is at most `low`.
    fn weigh_stations(&self, found: &mut [Candidate]) {
        let changes = self.index.taken_over(self.window.pair, self.window.run.end);
        for change in changes {
            for candidate in found.iter_mut() {
                let is_earlier = |fact: &FactRef| match fact {
                    FactRef::Event(at) => self.index.facts.events.get(*at).is_some_and(|e| {
                        let own = self.index.facts.addresses.get(&e.log);
                        own.is_some_and(|own| own.contains(&change.address))
                            && e.corrected < Some(change.first.time)
                    }),
                    FactRef::Exchange(_) => false,
                };
                if candidate.cause.refs.iter().any(is_earlier) {
                    candidate.cause.score = candidate.cause.score.min(MOST_LOW);
                    let (address, frame) = (change.address, change.first.frame);
                    candidate.cause.against.push(Against::OtherStation { address, frame });
                }
            }
        }
    }

    /// What other hosts of the same addresses did explains nothing of these.
    fn weigh_senders(&self, found: &mut [Candidate]) {
        let key = (self.window.pair, self.window.run.start);
        let Some(other) = self.index.facts.other_senders.get(&key) else { return };
        for candidate in found {
            candidate.cause.score = candidate.cause.score.min(MOST_LOW);
            candidate.cause.against.push(Against::OtherSender(other.address));
        }
    }

    /// Times of two captures are one clock's only where common packets or joins prove it.
    fn weigh_captures(&self, found: &mut [Candidate]) {
        let capture = self.window.run.first.evidence;
        for candidate in found {
            let exchanges = candidate.cause.refs.iter().filter_map(|fact| match fact {
                FactRef::Exchange(at) => self.index.facts.exchanges.get(*at),
                FactRef::Event(_) => None,
            });
            let clocks = &self.index.facts.capture_clocks;
            let agree = exchanges.map(|exchange| clocks.agree(capture, exchange.first.evidence));
            // What is certainly apart comes first, then what nobody knows.
            let most = match agree.min_by_key(|agree| agree.map_or(1, |agree| u8::from(agree) * 2))
            {
                Some(Some(false)) => MOST_LOW,
                Some(None) => MOST_MEDIUM,
                Some(Some(true)) | None => continue,
            };
            candidate.cause.score = candidate.cause.score.min(most);
            candidate.cause.against.push(Against::OtherClock);
        }
    }

    /// A log that names its computer without a domain may be from another computer. Where its own events name
    /// no address of the pair, its causes are at most `medium`.
    fn weigh_names(&self, found: &mut [Candidate]) {
        for candidate in found {
            let assumed = candidate.cause.refs.iter().find_map(|fact| match fact {
                FactRef::Event(at) => self.assumed_name(*at),
                FactRef::Exchange(_) => None,
            });
            if let Some((host, full)) = assumed {
                candidate.cause.score = candidate.cause.score.min(MOST_MEDIUM);
                let (host, full) = (host.to_owned(), full.to_owned());
                candidate.cause.against.push(Against::AssumedName { host, full });
            }
        }
    }

    /// The short name of the computer of an event's log, and the full name that was assumed for it.
    fn assumed_name(&self, event: usize) -> Option<(&str, &str)> {
        let placed = self.index.facts.events.get(event)?;
        let assumed = self.index.facts.assumed_names.get(&placed.log)?;
        let pair = [self.window.pair.a(), self.window.pair.b()];
        let names_itself = pair.iter().any(|host| assumed.own_addresses.contains(host));
        (!names_itself).then_some((placed.event.host.as_str(), assumed.full.as_str()))
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
            let (score, against) = self.weigh_log_end(stop);
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
    /// with which services start that are not disabled, or by IKE that the host sends. The start of another
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
        let after = time.shifted(stop.error.unwrap_or(JITTER));
        logged.chain(self.index.first_ike_of(host, after).filter(|t| *t <= until)).collect()
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
        let cause = Cause {
            reason: Reason::DriverBypass,
            score: 88,
            refs: [FactRef::Event(at)].into(),
            why: Why::DriverBypass { host: placed.event.host.clone(), before: start.since(time) },
            against: Vec::new(),
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
        if is_at_once || self.opens(first.start, first.first) {
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

    fn nothing_found(&self) -> Candidate {
        let (start, end) = (self.window.run.start, self.window.run.end);
        if !self.is_own && self.negotiators.is_empty() {
            let perhaps = self.perhaps.first().map(|pair| Against::PerhapsGateways(*pair));
            let cause = Cause {
                reason: Reason::NoIkeAttempted,
                score: 60,
                refs: BTreeSet::new(),
                why: Why::NothingSeen,
                against: [Against::CaptureBeganLater].into_iter().chain(perhaps).collect(),
            };
            return cause.opens_and_lasts(start, end);
        }
        let cause = Cause {
            reason: Reason::Unknown,
            score: 0,
            refs: BTreeSet::new(),
            why: Why::Unexplained { wanted: Vec::new() },
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

/// 5453 is logged by the Policy Agent when it finds IKEEXT not running; it does not record when IKEEXT stopped.
fn is_found_down(event: &LogEvent) -> bool {
    event.event_id == 5453
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

/// Below the score of a filter that no log proves.
const BESIDE_FILTERS: u8 = 58;
/// A host that negotiates because of a packet does so at once; later negotiations have another trigger.
const AT_ONCE: Span = Span::from_seconds(10);
