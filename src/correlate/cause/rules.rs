//! The rules: one a function; a rule that sees nothing says nothing. Here are those that a log tells of;
//! those about negotiations are in `failed`, about the end of SAs in `ended`, about traffic that went
//! past IPsec in `beside`.

use super::case::{Case, LOOKBACK};
use super::{Cause, FactRef, JITTER};
use crate::catalogue::{Category, Reason};
use crate::eventlog::{LogEvent, ServiceState};
use crate::time::{Span, Timestamp};
use std::collections::BTreeSet;

impl<'a> Case<'a> {
    /// Everything that can explain the window; never nothing.
    pub(super) fn candidates(&self) -> Vec<Cause> {
        let mut found = Vec::new();
        found.extend(self.service_stopped());
        found.extend(self.alternate_path());
        found.extend(self.filter_not_covering());
        found.extend(self.failures());
        found.extend(self.deleted());
        found.extend(self.rekey_gap());
        found.extend(self.fallback_to_clear());
        found.extend(self.driver_bypass());
        found.extend(self.policy_changed());
        found.extend(self.unreachable());
        found.extend(self.dos_protection());
        let is_guess =
            |cause: &Cause| cause.reason == Reason::FilterNotCovering && cause.score < 60;
        if found.iter().all(is_guess) {
            found.push(self.nothing_found());
        }
        found
    }

    /// A log says that a service IPsec needs stopped, and not that it started again, before the
    /// window or as it opened.
    fn service_stopped(&self) -> Vec<Cause> {
        let start = self.window.run.start;
        let (from, to) = self.opening();
        let mut causes = Vec::new();
        for host in self.hosts() {
            let mut stops = self.index.of_host(host, from, to).filter(|(_, e)| is_stop(&e.event));
            let Some((at, stop)) = stops.next() else { continue };
            let Some(time) = stop.corrected else { continue };
            let restarted = self.index.of_host(host, time, start).any(|(_, e)| {
                is_start(&e.event) && e.corrected.is_some_and(|t| t > time && t < start)
            });
            if restarted {
                continue;
            }
            let near =
                self.index.of_host(host, time.shifted(JITTER.negated()), time.shifted(JITTER));
            let mut refs: BTreeSet<_> = [FactRef::Event(at)].into();
            refs.extend(near.filter(|(_, e)| is_stop(&e.event)).map(|(i, _)| FactRef::Event(i)));
            refs.extend(self.deletion_near().map(|(index, _)| FactRef::Exchange(index)));
            causes.push(Cause {
                reason: Reason::ServiceStopped,
                score: 92,
                refs,
                why: format!(
                    "{}'s log says that {} stopped {}",
                    stop.event.host,
                    service_name(&stop.event),
                    seconds_before(start, time),
                ),
                against: Vec::new(),
            });
        }
        causes
    }

    /// A log says that the two agreed to talk in clear: an SA without algorithms.
    fn fallback_to_clear(&self) -> Option<Cause> {
        let (from, _) = self.opening();
        let pairs = self.pairs();
        let to = self.window.run.end;
        let soft: BTreeSet<usize> =
            pairs.iter().flat_map(|pair| self.index.soft.touching(*pair, from, to)).collect();
        let placed = self.index.facts.events.get(*soft.first()?)?;
        Some(Cause {
            reason: Reason::FallbackToClear,
            score: 91,
            refs: soft.iter().map(|index| FactRef::Event(*index)).collect(),
            why: format!(
                "{}'s log tells of a security association without algorithms: the policy lets clear text through where the peer does not negotiate",
                placed.event.host
            ),
            against: Vec::new(),
        })
    }

    /// The driver of Windows 2000 to Server 2003 let everything through, says a log, and not that it
    /// went over to applying the policy since.
    fn driver_bypass(&self) -> Option<Cause> {
        let start = self.window.run.start;
        let (from, to) = self.opening();
        let of_hosts = self.hosts().into_iter().filter_map(|host| {
            let mut modes = self.index.of_host(host, from, to).filter(|(_, e)| is_driver(&e.event));
            modes.next().filter(|(_, e)| e.event.reason == Some(Reason::DriverBypass))
        });
        let (at, placed) = of_hosts.max_by_key(|(_, e)| e.corrected)?;
        Some(Cause {
            reason: Reason::DriverBypass,
            score: 88,
            refs: [FactRef::Event(at)].into(),
            why: format!(
                "{}'s log says that the IPsec driver let everything through {}",
                placed.event.host,
                seconds_before(start, placed.corrected?),
            ),
            against: Vec::new(),
        })
    }

    /// A log says that a host defends itself against a flood of negotiations.
    fn dos_protection(&self) -> Option<Cause> {
        let (from, _) = self.opening();
        let to = self.window.run.end;
        let started = self.hosts().into_iter().find_map(|host| {
            let mut told = self.index.of_host(host, from.shifted(LOOKBACK.negated()), to);
            told.find(|(_, e)| e.event.reason == Some(Reason::DosProtection))
        });
        let (at, placed) = started?;
        let silent = self.unanswered();
        if silent.is_empty() {
            return None;
        }
        let exchanges = silent.iter().map(|(index, _)| FactRef::Exchange(*index));
        Some(Cause {
            reason: Reason::DosProtection,
            score: 91,
            refs: exchanges.chain([FactRef::Event(at)]).collect(),
            why: format!(
                "{}'s log says that it began to defend itself against a flood of negotiations, and one of these two got no answer",
                placed.event.host
            ),
            against: Vec::new(),
        })
    }

    fn nothing_found(&self) -> Cause {
        if !self.is_own && self.negotiators.is_empty() {
            let mut against =
                vec!["an attempt before the capture began would not be seen".to_owned()];
            if let Some(perhaps) = self.perhaps.first() {
                against.push(format!(
                    "{} and {} show IPsec on the same capture; whether they are these two's gateways is not known",
                    perhaps.a(),
                    perhaps.b()
                ));
            }
            return Cause {
                reason: Reason::NoIkeAttempted,
                score: 60,
                refs: BTreeSet::new(),
                why: "neither captures nor logs show any IKE or ESP for these two".to_owned(),
                against,
            };
        }
        Cause {
            reason: Reason::Unknown,
            score: 0,
            refs: BTreeSet::new(),
            why: "the evidence does not say why".to_owned(),
            against: Vec::new(),
        }
    }
}

fn is_stop(event: &LogEvent) -> bool {
    event.service().is_some_and(|change| change.state.is_down())
}

/// The IPsec driver's mode (4292 to 4297).
fn is_driver(event: &LogEvent) -> bool {
    event.provider.eq_ignore_ascii_case("IPSec") && event.category == Category::ServiceState
}

fn is_start(event: &LogEvent) -> bool {
    event.service().is_some_and(|change| change.state == ServiceState::Running)
}

fn service_name(event: &LogEvent) -> String {
    event
        .service()
        .map_or_else(|| "a service".to_owned(), |change| change.service.as_str().to_owned())
}

pub(super) fn seconds_before(window: Timestamp, event: Timestamp) -> String {
    let span = window.since(event);
    let millis = span.0 / 1_000_000;
    let rounded = Span::from_millis(millis.abs());
    if millis >= 0 {
        format!("{rounded} s before the window opened")
    } else {
        format!("as the window opened ({rounded} s later, by clocks as corrected)")
    }
}
