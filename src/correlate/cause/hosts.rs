//! The records of a host about itself, under its addresses, and the addresses of one host.

use super::index::{placed, reach};
use super::lives::Holders;
use super::timed::{Timed, grouped};
use crate::catalogue::{Category, SA_STATE};
use crate::correlate::{ClockOffset, Facts, PlacedEvent};
use crate::summary::LogId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

fn is_of_host(e: &PlacedEvent) -> bool {
    let category = e.event.category;
    e.event.service().is_some()
        || matches!(category, Category::PolicyChange | Category::ServiceState | Category::HostState)
}

/// Records about a host itself, under each of its addresses that it may have had no more.
pub(super) fn others_since(
    facts: &Facts,
    holders: &Holders<'_>,
) -> BTreeMap<(usize, IpAddr), IpAddr> {
    let records = placed(facts, is_of_host).into_iter().flat_map(|(time, index)| {
        let log = facts.events.get(index).map(|e| e.log);
        let own = log.and_then(|log| facts.addresses.get(&log)).into_iter().flatten();
        own.filter_map(move |address| {
            let other = holders.other_since(log?, *address, time)?;
            Some(((index, *address), other))
        })
    });
    records.collect()
}

/// Services and policies, under every address of the host that logged them.
pub(super) fn of_host(facts: &Facts, holders: &Holders<'_>) -> Timed<IpAddr> {
    by_own_address(facts, holders, is_of_host)
}

/// The beginnings of security associations that a host logged, in the same way.
pub(super) fn sas_of_host(facts: &Facts, holders: &Holders<'_>) -> Timed<IpAddr> {
    by_own_address(facts, holders, |e| e.event.category == Category::SaEstablished)
}

fn by_own_address(
    facts: &Facts,
    holders: &Holders<'_>,
    is_wanted: impl Fn(&PlacedEvent) -> bool,
) -> Timed<IpAddr> {
    let by_address = placed(facts, is_wanted).into_iter().flat_map(|(time, index)| {
        let log = facts.events.get(index).map(|e| e.log);
        let own = log.and_then(|log| facts.addresses.get(&log));
        let (from, to) = reach(facts, time, index);
        // Records of a host made while another host had the address do not apply to that address.
        let held = move |address: &&IpAddr| {
            log.is_none_or(|log| !holders.is_anothers(log, **address, (time, time)))
        };
        let own = own.into_iter().flatten().filter(held);
        own.map(move |address| (*address, (from, to, index)))
    });
    grouped(by_address)
}

/// For each address, the other addresses of its host; hosts with very many are routers, not end points.
pub(super) fn same_host(
    facts: &Facts,
    holders: &Holders<'_>,
) -> BTreeMap<IpAddr, BTreeSet<IpAddr>> {
    // An address that a log names counts while its host has it.
    // What states name is of their moment (`states::tied_by_states`).
    let is_state = |log: &LogId| facts.logs.get(log).is_some_and(|log| log.channel == SA_STATE);
    let of_logs = facts.addresses.iter().filter(|(log, _)| !is_state(log));
    let held = of_logs.map(|(log, addresses)| {
        addresses.iter().filter(|address| holders.holds(*log, **address)).copied().collect()
    });
    let held: Vec<BTreeSet<IpAddr>> = held.collect();
    tied(facts.named_hosts.iter().chain(&held))
}

pub(super) fn tied<'s>(
    sets: impl Iterator<Item = &'s BTreeSet<IpAddr>>,
) -> BTreeMap<IpAddr, BTreeSet<IpAddr>> {
    let mut known: BTreeMap<IpAddr, BTreeSet<IpAddr>> = BTreeMap::new();
    for addresses in sets.filter(|addresses| addresses.len() <= MOST_ADDRESSES) {
        for address in addresses {
            let of_host = known.entry(*address).or_default();
            if of_host.len() <= MOST_ADDRESSES {
                of_host.extend(addresses);
            }
        }
    }
    known
}

/// The measured clock of each host.
pub(super) fn clocks(facts: &Facts) -> BTreeMap<IpAddr, &ClockOffset> {
    let measured = facts.clock_offsets.iter().filter(|clock| clock.is_measured());
    measured
        .flat_map(|clock| {
            let own = facts.addresses.get(&clock.log).into_iter().flatten();
            own.map(move |address| (*address, clock))
        })
        .collect()
}

/// Addresses of one host.
const MOST_ADDRESSES: usize = 16;
