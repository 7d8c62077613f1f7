//! What the exported state of a host shows about a window: that no filter asked for IPsec, that filters leave a service
//! out, that a policy lets connections go on in clear.
//!
//! A state is of one host at one moment. It supports a cause only where its host is one of the window's two, and where
//! its moment lies in the window, or one before and one after it agree. Any other state of these hosts is named with its
//! distance and proves nothing. Rules: docs/causes.md, "States of hosts".

use super::case::Case;
use super::roles::{MOST_LOW, MOST_MEDIUM};
use super::{Against, Candidate, Cause, FactRef, JITTER, StatePlace, StateSeen, Why};
use crate::catalogue::Reason;
use crate::correlate::{ClockOffset, HostState};
use crate::eventlog::{ClearText, StateFilter, StatePolicy, StateTraffic};
use crate::hosts::HostPair;
use crate::ike::Outcome;
use crate::protection::Service;
use crate::time::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A host of the window, and its states that concern it: one, or one before and one after.
pub(super) struct Seen<'a> {
    host: IpAddr,
    states: Vec<&'a HostState>,
    place: StatePlace,
}

impl Seen<'_> {
    pub(super) const fn of(&self) -> StateSeen {
        StateSeen { host: self.host, place: self.place }
    }

    /// Whether all of its states agree that something is so.
    fn all(&self, is_so: impl Fn(&HostState) -> bool) -> bool {
        self.states.iter().all(|state| is_so(state))
    }
}

/// States by the addresses of their hosts, in order of time.
pub(super) fn by_address(states: &[HostState]) -> BTreeMap<IpAddr, Vec<&HostState>> {
    let mut known: BTreeMap<IpAddr, Vec<&HostState>> = BTreeMap::new();
    for state in states {
        for address in &state.own {
            known.entry(*address).or_default().push(state);
        }
    }
    known
}

/// The addresses of one host by a state of it: no more than a few, as a host with many is a router or a server of
/// several networks, and no two of a pair that talks with each other on the captures.
pub(super) fn tied_by_states(
    states: &[HostState],
    is_pair: impl Fn(HostPair) -> bool,
) -> Vec<BTreeSet<IpAddr>> {
    let is_host = |own: &&BTreeSet<IpAddr>| {
        let mut others = own.iter().flat_map(|one| own.iter().map(move |other| (*one, *other)));
        own.len() <= MOST_OF_A_HOST
            && !others.any(|(one, other)| one != other && is_pair(HostPair::new(one, other)))
    };
    states.iter().map(|state| &state.own).filter(is_host).cloned().collect()
}

impl<'a> Case<'a> {
    /// The states of the window's hosts that concern it, the surest place first.
    pub(super) fn states(&self) -> &[Seen<'a>] {
        self.found_states.get_or_init(|| {
            let hosts = [self.window.pair.a(), self.window.pair.b()];
            let mut seen: Vec<Seen<'a>> =
                hosts.into_iter().flat_map(|host| self.states_of(host)).collect();
            seen.sort_by_key(|seen| seen.place.rank());
            seen
        })
    }

    fn states_of(&self, host: IpAddr) -> Vec<Seen<'a>> {
        let known = self.nearest(host);
        let mut seen = Vec::new();
        for state in &known {
            if let Some(place) = self.place(host, state) {
                seen.push(Seen { host, states: vec![*state], place });
            }
        }
        seen.extend(self.around(host, &known));
        seen
    }

    /// The states of a host whose moments come nearest to the window.
    fn nearest(&self, host: IpAddr) -> Vec<&'a HostState> {
        let mut known = self.index.states_of(host).to_vec();
        known.sort_by_key(|state| self.distance(state).magnitude());
        known.truncate(MOST_STATES);
        known
    }

    /// How long after the window a state was collected; negative before it, zero in it. By the host's own clock where no
    /// other is known.
    fn distance(&self, state: &HostState) -> Span {
        let time = state.corrected.map_or(state.written, |(time, _)| time);
        let (after, before) = (time.since(self.window.run.end), time.since(self.window.run.start));
        match (after.0 > 0, before.0 < 0) {
            (true, _) => after,
            (false, true) => before,
            (false, false) => Span::default(),
        }
    }

    /// Whether a state's moment lies in the window: by the captures' clock, or because it lists one of the window's own
    /// connections.
    fn place(&self, host: IpAddr, state: &HostState) -> Option<StatePlace> {
        let (start, end) = (self.window.run.start, self.window.run.end);
        if let Some((time, error)) = state.corrected {
            let earliest = start.shifted(JITTER.negated());
            let is_inside = time.shifted(error.negated()) >= earliest
                && time.shifted(error) <= end.shifted(JITTER);
            return is_inside.then_some(StatePlace::Inside(time.since(start)));
        }
        // Ports are used again; a clock that Kerberos would tolerate rules out another connection of another day.
        let slack = ClockOffset::TOLERATED;
        let is_near =
            start.shifted(slack.negated()) <= state.written && state.written <= end.shifted(slack);
        let listed = self.traffic(host).into_iter().find_map(|one| state.connection(&one));
        listed.filter(|_| is_near).map(|_| StatePlace::OfConnection)
    }

    /// The last state before the window and the first one after it, not too far apart.
    fn around(&self, host: IpAddr, known: &[&'a HostState]) -> Option<Seen<'a>> {
        let (start, end) = (self.window.run.start, self.window.run.end);
        let timed = || known.iter().filter_map(|s| Some((s.corrected?, *s)));
        let before = timed().filter(|((time, error), _)| time.shifted(*error) <= start);
        let after = timed().filter(|((time, error), _)| time.shifted(error.negated()) >= end);
        let before = before.max_by_key(|((time, _), _)| *time)?;
        let after = after.min_by_key(|((time, _), _)| *time)?;
        let is_close = after.0.0.since(before.0.0) <= MOST_APART;
        is_close.then(|| Seen {
            host,
            states: vec![before.1, after.1],
            place: StatePlace::BeforeAndAfter,
        })
    }

    /// The traffic of the window's busy flows, seen from one of its hosts.
    fn traffic(&self, host: IpAddr) -> Vec<StateTraffic> {
        let pair = self.window.pair;
        let is_a = pair.a() == host;
        let (local, peer) = if is_a { (pair.a(), pair.b()) } else { (pair.b(), pair.a()) };
        let flows = self.window.flows.iter().map(|flow| StateTraffic {
            local,
            peer,
            protocol: Some(flow.protocol),
            ports: Some(if is_a { (flow.a_port, flow.b_port) } else { (flow.b_port, flow.a_port) }),
            service: None,
        });
        flows.collect()
    }

    /// All traffic of the window by its services, seen from one of its hosts; busy flows alone may not be all.
    fn all_traffic(&self, host: IpAddr) -> Vec<StateTraffic> {
        let pair = self.window.pair;
        let (local, peer) =
            if pair.a() == host { (pair.a(), pair.b()) } else { (pair.b(), pair.a()) };
        let any = StateTraffic { local, peer, protocol: None, ports: None, service: None };
        if self.window.services.is_empty() {
            return vec![any];
        }
        let of = |service: &Service| StateTraffic {
            protocol: Some(service.protocol),
            service: service.port,
            ..any
        };
        self.window.services.iter().map(of).collect()
    }

    /// The first state that lists no filter which could hand the window's traffic to IPsec, and no SA of the two; with
    /// the facts it rests on.
    pub(super) fn state_without_filter(&self) -> Option<(StateSeen, BTreeSet<FactRef>)> {
        let lists_none = |seen: &&Seen<'_>| {
            let traffic = self.all_traffic(seen.host);
            seen.all(|state| {
                state.is_whole()
                    && !state.sas.contains_key(&self.window.pair)
                    && state
                        .filters(|filter| traffic.iter().any(|one| filter.may_hold(one)))
                        .next()
                        .is_none()
            })
        };
        let seen = self.states().iter().find(lists_none)?;
        Some((seen.of(), self.refs(seen)))
    }

    /// The first state of a host that names filters for the two hosts of the window, none of which can hold its
    /// traffic.
    pub(super) fn state_excludes(&self, sender: IpAddr) -> Option<(StateSeen, BTreeSet<FactRef>)> {
        let traffic = self.all_traffic(sender);
        let any = StateTraffic { protocol: None, service: None, ..*traffic.first()? };
        let excludes = |seen: &&Seen<'_>| {
            seen.host == sender
                && seen.all(|state| {
                    let holds = |filter: &_| traffic.iter().any(|one| may_hold(filter, one));
                    state.is_whole()
                        && state.filters(|filter| filter.names_hosts(&any)).next().is_some()
                        && state.filters(holds).next().is_none()
                })
        };
        let seen = self.states().iter().find(excludes)?;
        let mut refs = self.refs(seen);
        for state in &seen.states {
            let named = state.filters(|filter| filter.names_hosts(&any)).take(MOST_REFS);
            refs.extend(named.map(|(at, _)| FactRef::Event(at)));
        }
        Some((seen.of(), refs))
    }

    /// A filter that certainly hands every busy flow of the window to IPsec, by the state of a host.
    fn filter_in_force(&self, of: Option<IpAddr>) -> Option<(StateSeen, String)> {
        let seen = self.states().iter().filter(|seen| of.is_none_or(|host| host == seen.host));
        seen.into_iter().find_map(|seen| {
            let traffic = self.traffic(seen.host);
            let holds = |state: &HostState| {
                let mut all = state.filters(|filter| traffic.iter().all(|one| filter.holds(one)));
                all.next().map(|(_, filter)| filter.name.clone())
            };
            let is_known = !traffic.is_empty() && seen.all(|state| holds(state).is_some());
            let name = seen.states.first().and_then(|state| holds(state));
            name.filter(|_| is_known).map(|name| (seen.of(), name))
        })
    }

    /// The policy in force lets connections go on in clear where the peer does not negotiate, and a negotiation of the two
    /// failed.
    pub(super) fn fallback_by_policy(&self) -> Option<Candidate> {
        if !self.is_own {
            return None;
        }
        let (start, end) = (self.window.run.start, self.window.run.end);
        // The wire has to agree: negotiations of the two failed, and none came up.
        let tried = self.exchanges(self.from, end);
        let is_made = |outcome: Outcome| matches!(outcome, Outcome::Established | Outcome::Ended);
        let first = tried.iter().find(|(_, exchange)| exchange.outcome.is_failure())?;
        if tried.values().any(|exchange| is_made(exchange.outcome)) {
            return None;
        }
        let (seen, at, policy) = self.states().iter().find_map(|seen| {
            let (at, policy) = self.permits(seen)?;
            Some((seen, at, policy))
        })?;
        let mut refs = self.refs(seen);
        refs.extend([FactRef::Event(at), FactRef::Exchange(*first.0)]);
        let cause = Cause {
            reason: Reason::FallbackToClear,
            score: MOST_MEDIUM,
            refs,
            why: Why::StatePermits {
                state: seen.of(),
                policy: policy.name.clone(),
                own_only: policy.clear == ClearText::OwnConnections,
            },
            against: Vec::new(),
        };
        Some(if self.opens(first.1.start, first.1.first) {
            cause.opens_and_lasts(start, end)
        } else {
            cause.lasts(start.max(first.1.start), end)
        })
    }

    /// The administrators' policy for all busy flows of the window, where it lets them go on in clear; with its event.
    fn permits<'s>(&self, seen: &'s Seen<'_>) -> Option<(usize, &'s StatePolicy)> {
        let traffic = self.traffic(seen.host);
        let of = |state: &'s HostState| {
            let holds = state.filters(|filter| traffic.iter().all(|one| filter.holds(one)));
            let mut policies = holds.filter_map(|(_, filter)| state.policy(&filter.policy));
            policies.find(|(_, policy)| match policy.clear {
                _ if policy.is_built_in => false,
                ClearText::Never => false,
                ClearText::AllConnections => true,
                ClearText::OwnConnections => traffic.iter().all(is_opened_here),
            })
        };
        let all = !traffic.is_empty() && seen.states.iter().all(|state| of(state).is_some());
        seen.states.first().copied().filter(|_| all).and_then(of)
    }

    /// What states say against causes, and states of these hosts that do not concern the window.
    pub(super) fn weigh_states(&self, found: &mut [Candidate]) {
        for candidate in found.iter_mut() {
            match candidate.cause.reason {
                Reason::NoIkeAttempted => {
                    if let Some((state, filter)) = self.filter_in_force(None) {
                        candidate.cause.against.push(Against::FilterInForce { state, filter });
                    }
                }
                Reason::FilterNotCovering => {
                    let Why::ProtectedBeside { sender: Some(sender), .. } = &candidate.cause.why
                    else {
                        continue;
                    };
                    if let Some((state, filter)) = self.filter_in_force(Some(*sender)) {
                        candidate.cause.score = candidate.cause.score.min(MOST_LOW);
                        candidate.cause.against.push(Against::FilterInForce { state, filter });
                    }
                }
                _ => continue,
            }
        }
        let is_open = |candidate: &&mut Candidate| {
            matches!(candidate.cause.reason, Reason::NoIkeAttempted | Reason::Unknown)
        };
        for candidate in found.iter_mut().filter(is_open) {
            candidate.cause.against.extend(self.states_apart());
        }
    }

    /// For each host without a state that concerns the window, the nearest one.
    fn states_apart(&self) -> Vec<Against> {
        let hosts = [self.window.pair.a(), self.window.pair.b()].into_iter();
        let silent = hosts.filter(|host| self.states().iter().all(|seen| seen.host != *host));
        let nearest = silent.filter_map(|host| {
            let state = self.nearest(host).into_iter().next()?;
            let (distance, by_capture) = (self.distance(state), state.corrected.is_some());
            Some(Against::StateApart { host, distance, by_capture })
        });
        nearest.collect()
    }

    /// What a state's statement rests on: its counters, which show that it is whole, and the window's connections.
    fn refs(&self, seen: &Seen<'_>) -> BTreeSet<FactRef> {
        let mut refs = BTreeSet::new();
        for state in &seen.states {
            refs.extend(state.counters.map(|(at, _)| FactRef::Event(at)));
            let listed =
                self.traffic(seen.host).into_iter().filter_map(|one| state.connection(&one));
            refs.extend(listed.map(|(_, at)| FactRef::Event(at)));
        }
        refs
    }

    /// What the states that concern the window show of its own connections: whether any is listed under no SA, and whether
    /// an SA of the two is listed beside.
    pub(super) fn listed_in_states(&self) -> Vec<(StateSeen, bool)> {
        let mut listed = Vec::new();
        for seen in self.states() {
            let is_clear = seen.all(|state| {
                let all = self.traffic(seen.host);
                all.iter().any(|one| state.connection(one).is_some_and(|(is_under, _)| !is_under))
            });
            if is_clear {
                let has_sa = seen.all(|state| state.sas.contains_key(&self.window.pair));
                listed.push((seen.of(), has_sa));
            }
        }
        listed.truncate(MOST_NAMED);
        listed
    }

    /// The state of a window's host that lists an SA between other addresses, and its connections here under none.
    pub(super) fn state_of_path(&self, path: HostPair) -> Option<(StateSeen, BTreeSet<FactRef>)> {
        let seen = self.states().iter().find(|seen| seen.all(|s| s.sas.contains_key(&path)))?;
        let mut refs = self.refs(seen);
        refs.extend(
            seen.states.iter().filter_map(|s| s.sas.get(&path)).map(|at| FactRef::Event(*at)),
        );
        Some((seen.of(), refs))
    }
}

/// Whether the side whose state it is opened a connection: the other side's port names a service, and its own does not.
fn is_opened_here(traffic: &StateTraffic) -> bool {
    traffic.ports.is_some_and(|(local, peer)| local > REGISTERED && peer <= REGISTERED)
}

fn may_hold(filter: &StateFilter, traffic: &StateTraffic) -> bool {
    filter.may_hold(traffic)
}

/// The highest port that clients do not use.
const REGISTERED: u16 = 1023;
/// States of one host that are compared with a window.
const MOST_STATES: usize = 16;
/// Two states further apart say nothing of what lies between: Windows' main-mode lifetime.
const MOST_APART: Span = Span::from_seconds(8 * 60 * 60);
/// Filters that a cause names.
const MOST_REFS: usize = 20;
/// States that a sentence names.
const MOST_NAMED: usize = 2;
/// Addresses of one host, as for stations.
const MOST_OF_A_HOST: usize = 4;
