//! The rules: one a function; a rule that sees nothing says nothing. Those about failed
//! negotiations are in `failed`.

use super::case::{Case, LOOKBACK};
use super::{Cause, FactRef, JITTER};
use crate::catalogue::{Category, Reason};
use crate::eventlog::{LogEvent, ServiceState};
use crate::protection::unreachable::UnreachableWhy;
use crate::summary::ClassRun;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

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
        if found.is_empty() {
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

    /// The pair's gateways had ESP up while this traffic passed beside it.
    fn filter_not_covering(&self) -> Option<Cause> {
        if self.is_own {
            return None;
        }
        let start = self.window.run.start;
        let is_up = |run: &&ClassRun| run.start < start && run.end > start.shifted(JITTER);
        let (gateways, up) = self.negotiators.iter().find_map(|pair| {
            let up = self.index.protected(*pair)?.touching(start, start).find(is_up)?;
            Some((pair, *up))
        })?;
        let several = self.negotiators.len() > 1;
        let excluded = self.index.selectors_exclude(&self.negotiators, self.window.pair);
        let refs = excluded.iter().take(MOST_SELECTORS).map(|index| FactRef::Event(*index));
        let mut cause = Cause {
            reason: Reason::FilterNotCovering,
            score: if several { 55 } else { 72 },
            refs: refs.collect(),
            why: format!(
                "ESP between {} and {} was up ({} to {}) when this traffic passed in clear on the same capture: the tunnel's selectors do not cover it",
                gateways.a(),
                gateways.b(),
                up.first,
                up.last,
            ),
            against: Vec::new(),
        };
        if excluded.is_empty() {
            cause.against.push("no log shows the tunnel's selectors".to_owned());
        } else {
            cause.score = 88;
            cause
                .why
                .push_str("; the selectors that the gateways logged do not hold these addresses");
        }
        if several {
            cause
                .against
                .push("more than one pair of gateways shows ESP on this capture".to_owned());
        }
        Some(cause)
    }

    /// The same two hosts had ESP up between other addresses of theirs: this traffic went past it.
    fn alternate_path(&self) -> Option<Cause> {
        if self.is_own {
            return None;
        }
        let start = self.window.run.start;
        let (path, up) = self.index.other_paths(self.window.pair).into_iter().find_map(|path| {
            let known = self.index.protected(path)?;
            let run =
                known.touching(start.shifted(LOOKBACK.negated()), self.window.run.end).next()?;
            Some((path, *run))
        })?;
        Some(Cause {
            reason: Reason::AlternatePath,
            score: 86,
            refs: BTreeSet::new(),
            why: format!(
                "the same two hosts had ESP between {} and {} ({} to {}); this traffic took other addresses of theirs",
                path.a(),
                path.b(),
                up.first,
                up.last,
            ),
            against: Vec::new(),
        })
    }

    /// Security associations were deleted just before, and none followed.
    fn deleted(&self) -> Option<Cause> {
        let on_wire = self.deletion_near();
        let (from, to) = self.opening();
        let pairs = self.pairs();
        let logged: BTreeSet<usize> =
            pairs.iter().flat_map(|pair| self.index.ended.touching(*pair, from, to)).collect();
        let mut refs: BTreeSet<FactRef> = logged.iter().map(|e| FactRef::Event(*e)).collect();
        let Some((index, exchange)) = on_wire else {
            if logged.is_empty() || !self.esp_stopped() {
                return None;
            }
            return Some(Cause {
                reason: Reason::SaDeleted,
                score: 78,
                refs,
                why: "the log says that the security associations ended as the window opened, and none followed".to_owned(),
                against: vec!["the deletion itself is not in the capture".to_owned()],
            });
        };
        refs.insert(FactRef::Exchange(index));
        let by = exchange.deleted.map(|(by, _)| by);
        let (score, log) =
            if logged.is_empty() { (76, "") } else { (84, "; the event log says the same") };
        Some(Cause {
            reason: Reason::SaDeleted,
            score,
            refs,
            why: format!(
                "{} ended the IKE negotiation ({}), ESP stopped and clear text followed{log}",
                by.map_or_else(|| "a host".to_owned(), |by| by.to_string()),
                exchange.last,
            ),
            against: Vec::new(),
        })
    }

    /// The IKE SA outlived the window and made new security associations as it closed: those before
    /// had run out first.
    fn rekey_gap(&self) -> Option<Cause> {
        if !self.esp_stopped() {
            return None;
        }
        let run = &self.window.run;
        let renews = |time: &Timestamp| *time > run.start && *time <= run.end.shifted(JITTER);
        let (index, exchange) = self.exchanges(run.start, run.end).into_iter().find(|(_, x)| {
            x.start < run.start.shifted(JITTER.negated()) && x.completions.iter().any(renews)
        })?;
        Some(Cause {
            reason: Reason::RekeyGap,
            score: 73,
            refs: [FactRef::Exchange(index)].into(),
            why: format!(
                "ESP ended before the window, and the same IKE negotiation ({} to {}) made new security associations only as it closed",
                exchange.first, exchange.last,
            ),
            against: Vec::new(),
        })
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

    /// A log tells of a policy that changed as the window opened.
    fn policy_changed(&self) -> Option<Cause> {
        let (from, to) = self.opening();
        let changes: BTreeMap<usize, _> = self
            .hosts()
            .into_iter()
            .flat_map(|host| self.index.of_host(host, from, to))
            .filter(|(_, e)| e.event.category == Category::PolicyChange)
            .collect();
        let (_, placed) = changes.first_key_value()?;
        let more = match changes.len() {
            1 => String::new(),
            number => format!(" (and {} more)", number - 1),
        };
        Some(Cause {
            reason: Reason::PolicyChanged,
            score: 55,
            why: format!(
                "{}'s log tells of a policy change as the window opened: {}{more}",
                placed.event.host, placed.event.entry.meaning
            ),
            refs: changes.keys().map(|index| FactRef::Event(*index)).collect(),
            against: vec!["a policy change alone need not let clear text out".to_owned()],
        })
    }

    /// ICMP says that IKE did not reach the peer.
    fn unreachable(&self) -> Vec<Cause> {
        let (from, to) = (self.from, self.window.run.end);
        let told = self.negotiators.iter().flat_map(|pair| self.index.unreachable(*pair));
        told.filter(|u| u.last.time >= from && u.first.time <= to)
            .map(|u| {
                let (reason, words) = match u.what.why {
                    UnreachableWhy::Port => {
                        (Reason::ServiceStopped, "nobody listens on its IKE port")
                    }
                    UnreachableWhy::Prohibited => {
                        (Reason::Udp500Blocked, "a filter forbids IKE on the way")
                    }
                    UnreachableWhy::Host => {
                        (Reason::PeerUnreachable, "the host or its network is not there")
                    }
                };
                let deletion = self.deletion_near().map(|(index, _)| FactRef::Exchange(index));
                // A host that deletes its security associations and closes its port has stopped.
                let stopped = reason == Reason::ServiceStopped && deletion.is_some();
                Cause {
                    reason,
                    score: if stopped { 80 } else { 74 },
                    refs: deletion.into_iter().collect(),
                    why: format!(
                        "ICMP errors about IKE to {} ({} to {}) say that {words}",
                        u.what.to, u.first.frame, u.last.frame,
                    ),
                    against: vec!["ICMP errors can be forged".to_owned()],
                }
            })
            .collect()
    }

    fn nothing_found(&self) -> Cause {
        let any_ike = self.negotiators.iter().any(|pair| self.index.negotiates(*pair));
        let any_esp = self.negotiators.iter().any(|pair| self.index.protected(*pair).is_some());
        if !any_ike && !any_esp {
            return Cause {
                reason: Reason::NoIkeAttempted,
                score: 60,
                refs: BTreeSet::new(),
                why: "neither captures nor logs show any IKE or ESP for these two".to_owned(),
                against: vec!["an attempt before the capture began would not be seen".to_owned()],
            };
        }
        Cause {
            reason: Reason::Unknown,
            score: 0,
            refs: BTreeSet::new(),
            why: "the evidence does not say why; the IPsec and service events of both hosts for this time would".to_owned(),
            against: Vec::new(),
        }
    }
}

fn is_stop(event: &LogEvent) -> bool {
    event.service.is_some_and(|(_, state)| state.is_down())
}

/// The IPsec driver's mode (4292 to 4297).
fn is_driver(event: &LogEvent) -> bool {
    event.provider.eq_ignore_ascii_case("IPSec") && event.category == Category::ServiceState
}

fn is_start(event: &LogEvent) -> bool {
    event.service.is_some_and(|(_, state)| state == ServiceState::Running)
}

fn service_name(event: &LogEvent) -> String {
    event.service.map_or_else(|| "a service".to_owned(), |(service, _)| service.as_str().to_owned())
}

fn seconds_before(window: Timestamp, event: Timestamp) -> String {
    let span = window.since(event);
    let millis = span.0 / 1_000_000;
    let rounded = Span::from_millis(millis.abs());
    if millis >= 0 {
        format!("{rounded} s before the window opened")
    } else {
        format!("as the window opened ({rounded} s later, by clocks as corrected)")
    }
}

/// Log events of a tunnel's selectors that a cause names.
const MOST_SELECTORS: usize = 20;
