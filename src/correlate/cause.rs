//! Why a window opened: candidates from wire and logs, each with what speaks for and against it.
//!
//! One rule a function; a rule that sees nothing says nothing. Scores and their reasons stand in
//! docs/causes.md.

use super::{CleartextWindow, ExplainedWindow, Facts, GapRule, PairFacts, PlacedEvent};
use crate::catalogue::{Category, Reason};
use crate::eventlog::{LogEvent, ServiceState};
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Outcome};
use crate::protection::unreachable::UnreachableWhy;
use crate::summary::ClassRun;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// How much a statement can bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// It fits, and other explanations fit as well.
    Low,
    /// It is inferred from what is seen.
    Medium,
    /// It was read, and the times agree.
    High,
}

impl Confidence {
    /// The confidence as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// From a score of 0 to 100.
    #[must_use]
    pub const fn of_score(score: u8) -> Self {
        match score {
            80.. => Self::High,
            50..80 => Self::Medium,
            0..50 => Self::Low,
        }
    }
}

/// What speaks against a cause, in a sentence.
pub type Against = String;

/// A fact that a cause rests on: its index in [`Facts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactRef {
    /// An IKE exchange.
    Exchange(usize),
    /// A log event.
    Event(usize),
}

/// One possible cause of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// From the closed list.
    pub reason: Reason,
    /// 0 to 100.
    pub score: u8,
    /// The facts it rests on.
    pub refs: BTreeSet<FactRef>,
    /// The sentence that says why.
    pub why: String,
    /// What speaks against it.
    pub against: Vec<Against>,
}

impl Cause {
    /// How much it can bear.
    #[must_use]
    pub const fn confidence(&self) -> Confidence {
        Confidence::of_score(self.score)
    }
}

/// A failed negotiation: its index, itself, and the log events under its cookies.
type Failed<'a> = (usize, &'a IkeExchange, Vec<usize>);

/// Finds the causes of every window.
pub(super) fn explain(
    windows: Vec<CleartextWindow>,
    facts: &Facts,
    rule: GapRule,
) -> Vec<ExplainedWindow> {
    windows
        .into_iter()
        .map(|window| {
            let causes = Case::of(&window, facts, rule).causes();
            ExplainedWindow { window, causes }
        })
        .collect()
}

/// One window and the part of the facts that can bear on it.
struct Case<'a> {
    window: &'a CleartextWindow,
    facts: &'a Facts,
    /// Who negotiates for the pair: itself, or the gateways whose tunnel carries it.
    negotiators: BTreeSet<HostPair>,
    /// The pair has IPsec of its own.
    is_own: bool,
    /// The stretch in which a cause can lie: from the last protected packet before the window, but
    /// no further back than [`LOOKBACK`], to the window's end.
    from: Timestamp,
    /// Protected runs of the negotiators.
    protected: Vec<ClassRun>,
}

impl<'a> Case<'a> {
    fn of(window: &'a CleartextWindow, facts: &'a Facts, _rule: GapRule) -> Self {
        let own = facts.pairs.iter().find(|p| p.pair == window.pair);
        let has_own = own.is_some_and(|p| !p.protected_runs.is_empty())
            || facts.exchanges.iter().any(|x| x.pair() == window.pair);
        let negotiators = if has_own { [window.pair].into() } else { gateways_for(window, facts) };
        let protected: Vec<ClassRun> = facts
            .pairs
            .iter()
            .filter(|p| negotiators.contains(&p.pair))
            .flat_map(|p| p.protected_runs.iter().copied())
            .collect();
        let earliest = window.run.start.shifted(LOOKBACK.negated());
        let last_protected =
            protected.iter().map(|run| run.end).filter(|end| *end < window.run.start).max();
        let from =
            last_protected.map_or(earliest, |end| end.shifted(JITTER.negated()).max(earliest));
        Self { window, facts, negotiators, is_own: has_own, from, protected }
    }

    fn causes(&self) -> Vec<Cause> {
        let mut found = Vec::new();
        found.extend(self.service_stopped());
        found.extend(self.filter_not_covering());
        found.extend(self.failures());
        found.extend(self.deleted());
        found.extend(self.driver_or_policy());
        found.extend(self.unreachable());
        if found.is_empty() {
            found.push(self.nothing_found());
        }
        // Two rules may reach the same reason from different sides; the better one speaks.
        let mut best: BTreeMap<Reason, Cause> = BTreeMap::new();
        for cause in found {
            match best.get_mut(&cause.reason) {
                Some(known) if known.score >= cause.score => known.refs.extend(cause.refs),
                Some(known) => {
                    let refs = std::mem::take(&mut known.refs);
                    *known = cause;
                    known.refs.extend(refs);
                }
                None => {
                    best.insert(cause.reason, cause);
                }
            }
        }
        let mut causes: Vec<Cause> = best.into_values().collect();
        causes.sort_by_key(|c| (std::cmp::Reverse(c.score), c.reason));
        causes
    }

    /// A log says that a service IPsec needs stopped, and not that it started again, before the
    /// window or as it opened.
    fn service_stopped(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        for host in self.hosts() {
            let of_host = || self.events().filter(|(_, e)| self.is_of_host(e, host));
            let stops = of_host().filter(|(_, e)| is_stop(&e.event));
            let Some((at, stop)) =
                stops.filter(|(_, e)| self.opens(e.corrected)).max_by_key(|(_, e)| e.corrected)
            else {
                continue;
            };
            let Some(time) = stop.corrected else { continue };
            let restart = of_host()
                .filter(|(_, e)| is_start(&e.event))
                .filter_map(|(_, e)| e.corrected)
                .find(|t| *t > time && *t < self.window.run.start);
            if restart.is_some() {
                continue;
            }
            let mut refs: BTreeSet<_> = [FactRef::Event(at)].into();
            refs.extend(self.facts.events.iter().enumerate().filter_map(|(index, e)| {
                let is_near = e.corrected.is_some_and(|t| t.since(time).magnitude() <= JITTER);
                (self.is_of_host(e, host) && is_stop(&e.event) && is_near)
                    .then_some(FactRef::Event(index))
            }));
            refs.extend(self.deletion_near().map(|(index, _)| FactRef::Exchange(index)));
            causes.push(Cause {
                reason: Reason::ServiceStopped,
                score: 92,
                refs,
                why: format!(
                    "{}'s log says that {} stopped {}",
                    stop.event.host,
                    service_name(&stop.event),
                    seconds_before(self.window.run.start, time),
                ),
                against: Vec::new(),
            });
        }
        causes
    }

    /// The pair's gateways, or the pair itself, had ESP up while this traffic passed beside it.
    fn filter_not_covering(&self) -> Option<Cause> {
        if self.is_own {
            return None;
        }
        let start = self.window.run.start;
        let up = self
            .protected
            .iter()
            .find(|run| run.start < start && run.end > start.shifted(JITTER))?;
        let gateways = self.negotiators.iter().next()?;
        let several = self.negotiators.len() > 1;
        let excluded = self.selectors_exclude();
        let mut cause = Cause {
            reason: Reason::FilterNotCovering,
            score: if several { 55 } else { 72 },
            refs: excluded.iter().map(|index| FactRef::Event(*index)).collect(),
            why: format!(
                "ESP between {} and {} was up (frames {} to {}) when this traffic passed in clear on the same capture: the tunnel's selectors do not cover it",
                gateways.a(),
                gateways.b(),
                up.first.frame.0,
                up.last.frame.0,
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

    /// Negotiations that failed before or in the window: on the wire, in the logs, joined by cookie.
    fn failures(&self) -> Vec<Cause> {
        let mut by_reason: BTreeMap<Reason, Vec<Failed<'_>>> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for (index, exchange) in self.facts.exchanges.iter().enumerate() {
            if !exchange.outcome.is_failure() || !self.negotiators.contains(&exchange.pair()) {
                continue;
            }
            if exchange.start > self.window.run.end || exchange.end < self.from {
                continue;
            }
            let logged: Vec<usize> = self.logged(exchange);
            told.extend(&logged);
            let by_log = logged.iter().filter_map(|at| self.facts.events.get(*at)?.event.reason);
            // A log may say more than the wire can; mere time-outs say less.
            let said = by_log.filter(|r| *r != Reason::Timeout && *r != Reason::Other).min();
            let Some(reason) = said.or(exchange.reason) else { continue };
            by_reason.entry(reason).or_default().push((index, exchange, logged));
        }
        let mut causes: Vec<Cause> =
            by_reason.into_iter().map(|(reason, failed)| self.failure(reason, &failed)).collect();
        causes.extend(self.logged_failures(&told));
        causes
    }

    fn failure(&self, reason: Reason, failed: &[Failed<'_>]) -> Cause {
        let opening = failed
            .iter()
            .filter(|(_, x, _)| x.start <= self.window.run.start.shifted(JITTER))
            .count();
        let logged = failed.iter().any(|(_, _, events)| !events.is_empty());
        let inferred = failed.iter().all(|(_, x, _)| x.inferred);
        let mut score = match (logged, inferred) {
            (true, _) => 90,
            (false, false) => 80,
            (false, true) => 70,
        };
        let mut against = Vec::new();
        if opening == 0 {
            score -= 20;
            against.push("the first failed attempt came after the window had opened".to_owned());
        }
        if inferred && !logged {
            against.push(
                "the failure is encrypted; it is inferred from sizes, directions and what follows"
                    .to_owned(),
            );
        }
        let (first, last) = (failed.first(), failed.last());
        let frames = first.zip(last).map_or_else(String::new, |(first, last)| {
            format!("frames {} to {}", first.1.first.frame.0, last.1.last.frame.0)
        });
        let attempts = if failed.len() == 1 {
            "one negotiation".to_owned()
        } else {
            format!("{} negotiations", failed.len())
        };
        let log =
            if logged { ", and the event log says the same under the same cookies" } else { "" };
        let why = format!("{attempts} failed ({frames}): {}{log}", state_of(failed));
        let refs = failed.iter().flat_map(|(index, _, events)| {
            std::iter::once(FactRef::Exchange(*index))
                .chain(events.iter().map(|e| FactRef::Event(*e)))
        });
        Cause { reason, score, refs: refs.collect(), why, against }
    }

    /// Failures that only a log tells: the capture may begin later or lie elsewhere.
    fn logged_failures(&self, told: &BTreeSet<usize>) -> Vec<Cause> {
        let mut by_reason: BTreeMap<Reason, BTreeSet<usize>> = BTreeMap::new();
        for (index, placed) in self.events() {
            let is_failure = placed.event.entry.category == Category::IkeFailure;
            let pair_fits = pair_of(&placed.event)
                .is_some_and(|pair| self.negotiators.contains(&pair) || pair == self.window.pair);
            if !is_failure || !pair_fits || told.contains(&index) || !self.within(placed.corrected)
            {
                continue;
            }
            by_reason
                .entry(placed.event.reason.unwrap_or(Reason::Other))
                .or_default()
                .insert(index);
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

    /// Security associations were deleted just before, and none followed.
    fn deleted(&self) -> Option<Cause> {
        let on_wire = self.deletion_near();
        let logged: BTreeSet<usize> = self
            .events()
            .filter(|(_, e)| e.event.entry.category == Category::SaEnded)
            .filter(|(_, e)| {
                pair_of(&e.event)
                    .is_some_and(|p| p == self.window.pair || self.negotiators.contains(&p))
            })
            .filter(|(_, e)| self.opens(e.corrected))
            .map(|(index, _)| index)
            .collect();
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
                "{} ended the IKE negotiation (frame {}), ESP stopped and clear text followed{log}",
                by.map_or_else(|| "a host".to_owned(), |by| by.to_string()),
                exchange.last.frame.0,
            ),
            against: Vec::new(),
        })
    }

    /// The driver or the policy let clear text through, says a log.
    fn driver_or_policy(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        for (index, placed) in self.events() {
            let reason = match placed.event.entry.category {
                Category::PolicyChange => Reason::PolicyChanged,
                Category::IkeFailure
                | Category::DriverAnomaly
                | Category::CleartextObserved
                | Category::SaEstablished
                | Category::SaEnded
                | Category::ServiceState
                | Category::HostState
                | Category::ClockChange
                | Category::EvidenceIntegrity => continue,
            };
            let of_pair = self.hosts().into_iter().any(|host| self.is_of_host(placed, host));
            if !of_pair || !self.opens(placed.corrected) {
                continue;
            }
            causes.push(Cause {
                reason,
                score: 55,
                refs: [FactRef::Event(index)].into(),
                why: format!(
                    "{}'s log tells of a policy change as the window opened: {}",
                    placed.event.host, placed.event.entry.meaning
                ),
                against: vec!["a policy change alone need not let clear text out".to_owned()],
            });
        }
        causes
    }

    /// ICMP says that IKE did not reach the peer.
    fn unreachable(&self) -> Vec<Cause> {
        let told = self.facts.unreachable.iter().filter(|u| {
            self.negotiators.contains(&HostPair::new(u.what.from, u.what.to))
                && u.last.time >= self.from
                && u.first.time <= self.window.run.end
        });
        told.map(|u| {
            let (reason, score, words) = match u.what.why {
                UnreachableWhy::Port => {
                    (Reason::ServiceStopped, 74, "nobody listens on its IKE port")
                }
                UnreachableWhy::Prohibited => {
                    (Reason::Udp500Blocked, 74, "a filter forbids IKE on the way")
                }
                UnreachableWhy::Host => {
                    (Reason::PeerUnreachable, 74, "the host or its network is not there")
                }
            };
            Cause {
                reason,
                score,
                refs: self
                    .deletion_near()
                    .map(|(index, _)| FactRef::Exchange(index))
                    .into_iter()
                    .collect(),
                why: format!(
                    "ICMP errors about IKE to {} (frames {} to {}) say that {words}",
                    u.what.to, u.first.frame.frame.0, u.last.frame.frame.0,
                ),
                against: vec!["ICMP errors can be forged".to_owned()],
            }
        })
        .collect()
    }

    fn nothing_found(&self) -> Cause {
        let any_ike = self.facts.exchanges.iter().any(|x| self.negotiators.contains(&x.pair()));
        if !any_ike && self.protected.is_empty() {
            return Cause {
                reason: Reason::NoIkeAttempted,
                score: 60,
                refs: BTreeSet::new(),
                why: "neither capture nor logs show any IKE between the two: nobody tried to negotiate".to_owned(),
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

impl<'a> Case<'a> {
    fn events(&self) -> impl Iterator<Item = (usize, &'a PlacedEvent)> {
        self.facts.events.iter().enumerate()
    }

    /// The hosts whose services and policies decide: of the pair and of its negotiators.
    fn hosts(&self) -> BTreeSet<IpAddr> {
        let pairs = std::iter::once(self.window.pair).chain(self.negotiators.iter().copied());
        pairs.flat_map(|pair| [pair.a(), pair.b()]).collect()
    }

    /// Whether an event was logged by the host with this address: it names it as its own, or
    /// another event of the same computer in logs of the same folder does.
    fn is_of_host(&self, placed: &PlacedEvent, address: IpAddr) -> bool {
        self.facts
            .addresses
            .get(&placed.event.record.evidence)
            .is_some_and(|own| own.contains(&address))
    }

    /// Whether a time lies where what opened the window can lie.
    fn opens(&self, time: Option<Timestamp>) -> bool {
        time.is_some_and(|t| {
            t >= self.from.shifted(JITTER.negated()) && t <= self.window.run.start.shifted(JITTER)
        })
    }

    /// Whether a time lies between the last protection and the window's end.
    fn within(&self, time: Option<Timestamp>) -> bool {
        time.is_some_and(|t| t >= self.from.shifted(JITTER.negated()) && t <= self.window.run.end)
    }

    fn esp_stopped(&self) -> bool {
        self.protected.iter().any(|run| run.end < self.window.run.start.shifted(JITTER))
    }

    /// The negotiation whose deletion lies nearest before the window's opening.
    fn deletion_near(&self) -> Option<(usize, &'a IkeExchange)> {
        let candidates =
            self.facts.exchanges.iter().enumerate().filter(|(_, x)| {
                x.outcome == Outcome::Ended && self.negotiators.contains(&x.pair())
            });
        candidates
            .filter(|(_, x)| self.opens(x.deleted.map(|(_, time)| time)))
            .max_by_key(|(_, x)| x.deleted.map(|(_, time)| time))
    }

    /// Events that carry the exchange's cookies.
    fn logged(&self, exchange: &IkeExchange) -> Vec<usize> {
        let same = |e: &LogEvent| e.initiator_cookie == Some(exchange.initiator_spi.0);
        self.events().filter(|(_, e)| same(&e.event)).map(|(index, _)| index).collect()
    }

    /// Quick mode events of the gateways whose selectors are known and none of which holds the
    /// window's addresses.
    fn selectors_exclude(&self) -> Vec<usize> {
        let of_gateways = || {
            self.events().filter(|(_, e)| {
                e.event.entry.category == Category::SaEstablished
                    && tunnel_of(&e.event).is_some_and(|tunnel| self.negotiators.contains(&tunnel))
            })
        };
        let covers = |e: &PlacedEvent| selector_covers(&e.event, self.window.pair);
        if of_gateways().any(|(_, e)| covers(e)) {
            return Vec::new();
        }
        of_gateways().map(|(index, _)| index).collect()
    }
}

/// Who negotiates for a pair without IPsec of its own: the tunnel whose logged selectors hold it,
/// else every pair that shows ESP or IKE on the capture that shows the window.
fn gateways_for(window: &CleartextWindow, facts: &Facts) -> BTreeSet<HostPair> {
    let logged: BTreeSet<HostPair> = facts
        .events
        .iter()
        .filter(|e| selector_covers(&e.event, window.pair))
        .filter_map(|e| tunnel_of(&e.event))
        .collect();
    if !logged.is_empty() {
        return logged;
    }
    let capture = window.run.first.evidence;
    let shows = |p: &&PairFacts| p.protected_runs.iter().any(|run| run.first.evidence == capture);
    let by_esp: BTreeSet<_> = facts.pairs.iter().filter(shows).map(|p| p.pair).collect();
    let by_ike =
        facts.exchanges.iter().filter(|x| x.first.evidence == capture).map(IkeExchange::pair);
    if by_esp.is_empty() { by_ike.collect() } else { by_esp }
}

/// The two ends of the tunnel that a quick mode event tells of.
pub(super) fn tunnel_of(event: &LogEvent) -> Option<HostPair> {
    let selector = event.selector?;
    Some(HostPair::new(selector.local_tunnel?, selector.peer_tunnel?))
}

/// Two single hosts that an event tells of; networks are no pair.
pub(super) fn pair_of(event: &LogEvent) -> Option<HostPair> {
    let selector = event.selector.unwrap_or_default();
    let is_host = |mask: Option<IpAddr>| mask.is_none_or(|mask| prefix_len(mask) >= Some(32));
    let (local, peer) = (event.local?, event.peer?);
    (is_host(selector.local_mask) && is_host(selector.peer_mask))
        .then(|| HostPair::new(local, peer))
}

fn selector_covers(event: &LogEvent, pair: HostPair) -> bool {
    let (Some(selector), Some(local), Some(peer)) = (event.selector, event.local, event.peer)
    else {
        return false;
    };
    let holds = |net: IpAddr, mask: Option<IpAddr>, address: IpAddr| match mask.and_then(prefix_len)
    {
        Some(length) => ipnet::IpNet::new(net, length).is_ok_and(|net| net.contains(&address)),
        None => net == address,
    };
    let fits = |one, other| {
        holds(local, selector.local_mask, one) && holds(peer, selector.peer_mask, other)
    };
    fits(pair.a(), pair.b()) || fits(pair.b(), pair.a())
}

fn prefix_len(mask: IpAddr) -> Option<u8> {
    ipnet::ip_mask_to_prefix(mask).ok()
}

fn is_stop(event: &LogEvent) -> bool {
    event.service.is_some_and(|(_, state)| state.is_down())
}

fn is_start(event: &LogEvent) -> bool {
    event.service.is_some_and(|(_, state)| state == ServiceState::Running)
}

fn service_name(event: &LogEvent) -> String {
    event.service.map_or_else(|| "a service".to_owned(), |(service, _)| service.as_str().to_owned())
}

fn state_of(failed: &[Failed<'_>]) -> String {
    let states: BTreeSet<&str> = failed.iter().map(|(_, x, _)| x.state).collect();
    states.into_iter().collect::<Vec<_>>().join("; ")
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

/// How far back a cause may lie where no protected packet came before: the longest time that a
/// negotiation of Windows or strongSwan tries before it gives up (165 s, RFC 7296 §2.4 leaves the
/// number to the implementation), and a little.
const LOOKBACK: Span = Span::from_seconds(180);
/// How far log times may be off after correction, and packets be under way.
const JITTER: Span = Span::from_seconds(5);
