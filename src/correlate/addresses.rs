//! Which addresses a log's host has: by its own events, by its connections, by the policy.
//!
//! A log never says so by itself. Where two computers claim one address, that is said and neither is
//! preferred.

use super::short_name;
use crate::evidence::EvidenceId;
use crate::policy::Policy;
use crate::summary::{LogPart, StationChange, Summary};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What an address of a host rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressSource {
    /// An event of its logs names it as its own: the endpoint of a negotiation or tunnel, the
    /// local side of a selector or of 541's filter.
    Event,
    /// A connection of its own went out from it (5156).
    Connection,
    /// The policy's `[hosts]` says so.
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
    /// What says so.
    pub sources: BTreeSet<AddressSource>,
    /// Other computers whose logs claim it too, by short name: it is ambiguous.
    pub claimed_by: BTreeSet<String>,
}

/// The computer that wrote a log: the one its events name first.
pub(super) fn host_of(log: &LogPart) -> Option<&str> {
    let named = log.events.first().map(|event| event.host.as_str()).filter(|h| !h.is_empty());
    named.or_else(|| log.log.hosts.first().map(String::as_str))
}

/// The addresses of the host of every log.
pub(super) fn of_logs(
    summary: &Summary,
    policy: &Policy,
) -> BTreeMap<EvidenceId, Vec<HostAddress>> {
    type Known = BTreeMap<IpAddr, BTreeSet<AddressSource>>;
    let mut of_host: BTreeMap<(&str, String), Known> = BTreeMap::new();
    let mut claims: BTreeMap<IpAddr, BTreeSet<String>> = BTreeMap::new();
    let mut add = |folder, host: &str, address: IpAddr, source| {
        let host = short_name(host);
        claims.entry(address).or_default().insert(host.clone());
        let known = of_host.entry((folder, host)).or_default();
        known.entry(address).or_default().insert(source);
    };
    for log in summary.logs.values() {
        for event in &log.events {
            // The selector of a tunnel names the networks behind the host, not the host.
            let own = event.selector().and_then(|s| s.local_tunnel).or(event.local());
            own.into_iter()
                .for_each(|own| add(&log.folder, &event.host, own, AddressSource::Event));
        }
        let Some(host) = host_of(log) else { continue };
        for own in &log.log.trust.connection_addresses {
            add(&log.folder, host, *own, AddressSource::Connection);
        }
        for (name, addresses) in &policy.hosts {
            if short_name(name) == short_name(host) {
                addresses.iter().for_each(|a| add(&log.folder, host, *a, AddressSource::Policy));
            }
        }
    }
    let of_log = |log: &LogPart| {
        let host = short_name(host_of(log).unwrap_or_default());
        let known = of_host.get(&(log.folder.as_str(), host.clone()));
        let others = |address: &IpAddr| {
            let all = claims.get(address).into_iter().flatten();
            all.filter(|name| **name != host).cloned().collect()
        };
        known
            .into_iter()
            .flatten()
            .map(|(address, sources)| HostAddress {
                address: *address,
                sources: sources.clone(),
                claimed_by: others(address),
            })
            .collect()
    };
    summary.logs.iter().map(|(evidence, log)| (*evidence, of_log(log))).collect()
}

/// The same without what they rest on.
pub(super) fn bare(
    known: &BTreeMap<EvidenceId, Vec<HostAddress>>,
) -> BTreeMap<EvidenceId, BTreeSet<IpAddr>> {
    let addresses = |known: &[HostAddress]| known.iter().map(|known| known.address).collect();
    known.iter().map(|(evidence, known)| (*evidence, addresses(known))).collect()
}

/// The addresses that another station took over, over all captures.
pub(super) fn taken_over(summary: &Summary) -> Vec<StationChange> {
    let all = summary.captures.values().flat_map(|capture| &capture.station_changes);
    let mut all: Vec<StationChange> = all.copied().collect();
    all.sort_by_key(|change| (change.address, change.first.time, change.first.frame));
    all
}
