//! Names of addresses: from the policy, and from the computers whose logs claim them.
//!
//! An address that two computers claim keeps both names and is marked; neither is preferred.

use super::addresses::{AddressSource, HostAddress};
use super::computers::short_name;
use crate::eventlog::LogSource;
use crate::evidence::EvidenceId;
use crate::policy::Policy;
use crate::summary::LogId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A name of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    /// The address.
    pub address: IpAddr,
    /// Its host, as the policy spells it, else as the log does.
    pub name: String,
    /// The sources of the name.
    pub sources: BTreeSet<AddressSource>,
    /// The logs among them.
    pub logs: BTreeSet<EvidenceId>,
    /// Another host has this address too.
    pub is_ambiguous: bool,
}

/// Every name that is known, by address and name.
pub(super) fn host_names(
    policy: &Policy,
    logs: &BTreeMap<LogId, LogSource>,
    host_addresses: &BTreeMap<LogId, Vec<HostAddress>>,
) -> Vec<HostName> {
    let mut known: BTreeMap<(IpAddr, String), HostName> = BTreeMap::new();
    let mut add = |address: IpAddr, name: &str, sources: &BTreeSet<AddressSource>, log| {
        if name.is_empty() {
            return;
        }
        let host = known.entry((address, short_name(name))).or_insert_with(|| HostName {
            address,
            name: name.to_owned(),
            sources: BTreeSet::new(),
            logs: BTreeSet::new(),
            is_ambiguous: false,
        });
        host.sources.extend(sources);
        host.logs.extend(log);
    };
    for (name, addresses) in &policy.hosts {
        for address in addresses {
            add(*address, name, &BTreeSet::from([AddressSource::Policy]), None);
        }
    }
    for (id, addresses) in host_addresses {
        let Some(log) = logs.get(id) else { continue };
        for host in addresses {
            add(host.address, &log.host, &host.sources, Some(id.evidence));
        }
    }
    let mut hosts: Vec<HostName> = known.into_values().collect();
    for same in hosts.chunk_by_mut(|one, next| one.address == next.address) {
        let is_ambiguous = same.len() > 1;
        same.iter_mut().for_each(|host| host.is_ambiguous = is_ambiguous);
    }
    hosts
}
