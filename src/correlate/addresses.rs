//! The addresses of a log's host: from its own events, its connections and the policy.
//!
//! A log never states them directly. Where two computers claim one address, both are reported and neither is
//! preferred.

use super::computers::{Computers, short_name};
use crate::eventlog::StateFact;
use crate::hosts::HostPair;
use crate::policy::Policy;
use crate::summary::{LogId, MOST_OF_A_HOST, Mac, StationChange, Summary};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The source of a host's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressSource {
    /// An event of its logs names it as local: the endpoint of a negotiation or tunnel, the local side of a
    /// selector or of 541's filter.
    Event,
    /// The host opened a connection from it (5156), or a state of the host lists one.
    Connection,
    /// The policy's `[hosts]` lists it.
    Policy,
}

impl AddressSource {
    /// The source as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Connection => "connection",
            Self::Policy => "policy",
        }
    }
}

/// An address of a log's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAddress {
    /// The address.
    pub address: IpAddr,
    /// The sources that name it.
    pub sources: BTreeSet<AddressSource>,
    /// Other computers whose logs claim it too, by short name: it is ambiguous.
    pub claimed_by: BTreeSet<String>,
}

/// The addresses of the host of every log.
pub(super) fn of_logs(
    summary: &Summary,
    policy: &Policy,
    computers: &Computers,
) -> BTreeMap<LogId, Vec<HostAddress>> {
    type Known = BTreeMap<IpAddr, BTreeSet<AddressSource>>;
    let mut of_host: BTreeMap<usize, Known> = BTreeMap::new();
    let mut claims: BTreeMap<IpAddr, BTreeSet<String>> = BTreeMap::new();
    for (id, log) in &summary.logs {
        let computer = computers.number(*id);
        let name = short_name(computers.name(computer));
        let mut add = |address: IpAddr, source| {
            let known = of_host.entry(computer).or_default();
            if known.len() >= MOST_ADDRESSES && !known.contains_key(&address) {
                return;
            }
            known.entry(address).or_default().insert(source);
            // Records that name no computer are of none that others could be confused with.
            if !name.is_empty() {
                claims.entry(address).or_default().insert(name.clone());
            }
        };
        for event in &log.events {
            // The selector of a tunnel names the networks behind the host, not the host.
            let own = event.selector().and_then(|s| s.local_tunnel).or(event.local());
            own.into_iter().for_each(|own| add(own, AddressSource::Event));
            if let Some(StateFact::Connection(listed)) = event.state_fact() {
                add(listed.local, AddressSource::Connection);
            }
        }
        for own in &log.log.trust.connection_addresses {
            add(*own, AddressSource::Connection);
        }
        let is_own = |named: &String| {
            let named = short_name(named);
            named == name || named == short_name(&log.log.host)
        };
        for (_, addresses) in policy.hosts.iter().filter(|(named, _)| is_own(named)) {
            addresses.iter().for_each(|address| add(*address, AddressSource::Policy));
        }
    }
    let several = |address: &IpAddr| claims.get(address).is_some_and(|all| all.len() > 1);
    let of_log = |id: &LogId| {
        let computer = computers.number(*id);
        let name = short_name(computers.name(computer));
        let others = |address: &IpAddr| {
            let all = claims.get(address).into_iter().flatten();
            // … and they may be of the only one that has the address.
            let all = all.filter(|_| !name.is_empty() || several(address));
            all.filter(|other| **other != name).take(MOST_CLAIMANTS).cloned().collect()
        };
        let known = of_host.get(&computer).into_iter().flatten();
        known
            .map(|(address, sources)| HostAddress {
                address: *address,
                sources: sources.clone(),
                claimed_by: others(address),
            })
            .collect()
    };
    summary.logs.keys().map(|id| (*id, of_log(id))).collect()
}

/// The same without the sources.
pub(super) fn bare(known: &BTreeMap<LogId, Vec<HostAddress>>) -> BTreeMap<LogId, BTreeSet<IpAddr>> {
    let addresses = |known: &[HostAddress]| known.iter().map(|known| known.address).collect();
    known.iter().map(|(log, known)| (*log, addresses(known))).collect()
}

/// The addresses of each station, by link-layer address; none where a station has so many that it is a router, or sent
/// for both hosts of a pair, as what passes packets on does.
pub(super) fn of_stations(summary: &Summary) -> Vec<BTreeSet<IpAddr>> {
    let mut stations: BTreeMap<Mac, BTreeSet<IpAddr>> = BTreeMap::new();
    for (mac, addresses) in summary.captures.values().flat_map(|c| &c.station_addresses) {
        stations.entry(*mac).or_default().extend(addresses);
    }
    let pairs = |one: &IpAddr, other: &IpAddr| {
        let pair = HostPair::new(*one, *other);
        one != other && summary.captures.values().any(|capture| capture.streams.contains_key(&pair))
    };
    let is_host = |addresses: &BTreeSet<IpAddr>| {
        addresses.len() <= MOST_OF_A_HOST
            && !addresses.iter().any(|one| addresses.iter().any(|other| pairs(one, other)))
    };
    stations.into_values().filter(is_host).collect()
}

/// The addresses that another station took over, over all captures.
pub(super) fn taken_over(summary: &Summary) -> Vec<StationChange> {
    let all = summary.captures.values().flat_map(|capture| &capture.station_changes);
    let mut all: Vec<StationChange> = all.copied().collect();
    all.sort_by_key(|change| (change.address, change.first.time, change.first.frame));
    all
}

/// Whether a host gave an address up for another one before a point in time: the records that name one as its
/// own end before those of another of the same network begin (DHCP, RFC 2131). A host that has several names
/// them in turn, and one of another network may be of a second card or a tunnel.
pub(super) fn gave_up(
    claims: &BTreeMap<IpAddr, (Timestamp, Timestamp)>,
    address: IpAddr,
    at: Timestamp,
) -> bool {
    named_since(claims, address, at).any(|other| is_same_network(other, address))
}

/// The addresses of one version of IP that records name as a host's own, up to a point in time, and only behind the
/// last record of another one.
pub(super) fn named_since(
    claims: &BTreeMap<IpAddr, (Timestamp, Timestamp)>,
    address: IpAddr,
    at: Timestamp,
) -> impl Iterator<Item = IpAddr> {
    let last = claims.get(&address).map(|(_, last)| *last);
    let later = claims.iter().filter(move |(other, (first, _))| {
        let is_later = last.is_some_and(|last| *first > last) && *first <= at;
        **other != address && other.is_ipv4() == address.is_ipv4() && is_later
    });
    later.map(|(other, _)| *other)
}

/// Whether two addresses may be leased for one card in one place: no record names the mask of its link, so /24 and
/// /64 (RFC 4291 §2.5.1) are assumed.
pub(super) fn is_same_network(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.to_bits() >> 8 == other.to_bits() >> 8,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() >> 64 == other.to_bits() >> 64,
        _ => false,
    }
}

/// Addresses of one computer that are taken from its logs: a host with more is a router or a collector.
const MOST_ADDRESSES: usize = 256;
/// Other computers that are named for one address.
const MOST_CLAIMANTS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_own_address_decides() {
        let at = |minute: i64| Timestamp(minute * 60_000_000_000);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let (old, new, v6) = (address("10.5.0.1"), address("10.5.0.77"), address("2001:db8::1"));
        let claims = [(old, (at(0), at(39))), (new, (at(60), at(61))), (v6, (at(50), at(50)))];
        let claims = BTreeMap::from(claims);
        assert!(gave_up(&claims, old, at(60)) && gave_up(&claims, old, at(90)));
        // Before it named the other one, the new one itself, and one that nothing names.
        assert!(!gave_up(&claims, old, at(59)) && !gave_up(&claims, new, at(90)));
        assert!(!gave_up(&claims, address("10.5.0.3"), at(90)));
        // A second card, or an address inside a tunnel.
        let (card, tunnel) = (address("192.168.7.1"), address("172.16.0.77"));
        let several = BTreeMap::from([(old, (at(0), at(39))), (card, (at(60), at(61)))]);
        assert!(!gave_up(&several, old, at(90)) && !is_same_network(old, tunnel));
        assert_eq!(named_since(&several, old, at(90)).collect::<Vec<_>>(), [card]);
        // Named in turn: it has both.
        let both = BTreeMap::from([(old, (at(0), at(70))), (new, (at(60), at(61)))]);
        assert!(!gave_up(&both, old, at(90)));
    }
}
