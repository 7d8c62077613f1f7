//! The states of hosts that exports show (`netsh wfp show state`), each with its moment and the addresses of its host.
//!
//! A state is of one host at one moment. Whose it is follows from the addresses that its own connections and security
//! associations have on the host's side, because it names no computer. States without a moment (`Get-NetIPsec…`) are
//! left out: their numbers tie them to captures, and nothing else of them does. Judges nothing.

use super::PlacedEvent;
use crate::catalogue::{Category, SA_STATE};
use crate::eventlog::{
    LogEvent, StateConnection, StateCounters, StateFact, StateFilter, StatePolicy, StateTraffic,
};
use crate::hosts::HostPair;
use crate::summary::LogId;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The state of a host at a moment.
#[derive(Clone, Debug)]
pub struct HostState {
    /// The export.
    pub log: LogId,
    /// The moment by the host's own clock.
    pub written: Timestamp,
    /// The same by the captures' clock, with its error; `None` where that clock is not known.
    pub corrected: Option<(Timestamp, Span)>,
    /// The addresses that the host uses itself.
    pub own: BTreeSet<IpAddr>,
    /// IPsec's counters, and their event.
    pub counters: Option<(usize, StateCounters)>,
    /// Connections by own address, own port, the other address and its port: under a security association or not, and
    /// the event.
    connections: BTreeMap<(IpAddr, u16, IpAddr, u16), (bool, usize)>,
    /// The pairs between which it lists an IPsec SA, with the event.
    pub(super) sas: BTreeMap<HostPair, usize>,
    filters: Vec<(usize, StateFilter)>,
    policies: BTreeMap<String, (usize, StatePolicy)>,
}

impl HostState {
    /// A listed connection with exactly these ends: whether it was under a security association, and its event.
    #[must_use]
    pub fn connection(&self, traffic: &StateTraffic) -> Option<(bool, usize)> {
        let (local_port, peer_port) = traffic.ports.filter(|_| traffic.protocol == Some(TCP))?;
        self.connections.get(&(traffic.local, local_port, traffic.peer, peer_port)).copied()
    }

    /// Whether what it does not list was not there: all of it was read, and it lists the filters of a whole system.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let counted = self.counters.map(|(_, counters)| counters);
        counted.is_some_and(|known| known.items_unread == 0 && known.filters_listed > 0)
            && self.filters.len() < MOST_FILTERS
    }

    /// The filters that certainly or possibly hand this traffic to IPsec, with their events.
    pub(super) fn filters<'s>(
        &'s self,
        is_one: impl Fn(&StateFilter) -> bool + 's,
    ) -> impl Iterator<Item = (usize, &'s StateFilter)> {
        self.filters.iter().filter(move |(_, filter)| is_one(filter)).map(|(at, f)| (*at, f))
    }

    /// The policy under a key, and its event.
    pub(super) fn policy(&self, key: &str) -> Option<(usize, &StatePolicy)> {
        self.policies.get(key).map(|(at, policy)| (*at, policy))
    }

    fn add(&mut self, at: usize, event: &LogEvent) {
        if let Some(own) = event.local()
            && self.own.len() < MOST_ADDRESSES
        {
            self.own.insert(own);
        }
        let is_ipsec_sa = event.inbound_spi().is_some() || event.outbound_spi().is_some();
        if let Some(pair) = event.local().zip(event.peer()).filter(|_| is_ipsec_sa) {
            self.sas.entry(HostPair::new(pair.0, pair.1)).or_insert(at);
        }
        match event.state_fact() {
            Some(StateFact::Connection(known)) => self.add_connection(at, known),
            Some(StateFact::Filter(filter)) if self.filters.len() < MOST_FILTERS => {
                self.filters.push((at, filter));
            }
            Some(StateFact::Policy(policy)) if self.policies.len() < MOST_FILTERS => {
                self.policies.entry(policy.key.clone()).or_insert((at, policy));
            }
            Some(StateFact::Counters(counters)) => self.counters = Some((at, counters)),
            Some(StateFact::Filter(_) | StateFact::Policy(_)) | None => {}
        }
    }

    /// The reader lists a bounded number of them.
    fn add_connection(&mut self, at: usize, known: StateConnection) {
        if self.own.len() < MOST_ADDRESSES {
            self.own.insert(known.local);
        }
        let key = (known.local, known.local_port, known.peer, known.peer_port);
        self.connections.insert(key, (known.is_under_sa, at));
    }
}

/// The states that the evidence holds, by their moments.
pub(super) fn gather(events: &[PlacedEvent]) -> Vec<HostState> {
    let mut states: BTreeMap<(LogId, Timestamp), HostState> = BTreeMap::new();
    let of_states = events.iter().enumerate().filter(|(_, e)| e.event.channel == SA_STATE);
    for (at, placed) in of_states {
        let Some(written) = moment(&placed.event) else { continue };
        if states.len() >= MOST_STATES && !states.contains_key(&(placed.log, written)) {
            continue;
        }
        let state = states.entry((placed.log, written)).or_insert_with(|| HostState {
            log: placed.log,
            written,
            corrected: None,
            own: BTreeSet::new(),
            counters: None,
            connections: BTreeMap::new(),
            sas: BTreeMap::new(),
            filters: Vec::new(),
            policies: BTreeMap::new(),
        });
        // An SA has no time of its own, and a proposed offset proves no moment.
        if placed.event.category != Category::SaEstablished && !placed.is_proposed {
            state.corrected = state.corrected.or(placed.corrected.zip(placed.error));
        }
        state.add(at, &placed.event);
    }
    let mut states: Vec<HostState> = states.into_values().collect();
    states.sort_by_key(|state| (state.written, state.log));
    states
}

/// When the state of an event was collected, by its host's clock.
fn moment(event: &LogEvent) -> Option<Timestamp> {
    let (_, text) = event.fields.iter().find(|(name, _)| name == "StateTime")?;
    Timestamp::from_rfc3339(text)
}

/// IANA protocol number.
const TCP: u8 = 6;
/// States that are compared with windows.
const MOST_STATES: usize = 256;
/// Filters and policies of IPsec in one state; one with more is not taken for whole.
const MOST_FILTERS: usize = 4096;
/// Addresses of one host.
const MOST_ADDRESSES: usize = 256;
