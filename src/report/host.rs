//! Names beside addresses.

use super::schema::Host;
use crate::correlate::Facts;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Every known name of an address.
pub(super) struct Names<'f>(BTreeMap<IpAddr, Vec<&'f str>>);

impl<'f> Names<'f> {
    pub(super) fn of(facts: &'f Facts) -> Self {
        let mut names: BTreeMap<IpAddr, Vec<&str>> = BTreeMap::new();
        for host in &facts.host_names {
            names.entry(host.address).or_default().push(&host.name);
        }
        Self(names)
    }

    /// The names of an address; more than one where it is ambiguous.
    pub(super) fn names(&self, address: IpAddr) -> Vec<String> {
        self.0.get(&address).into_iter().flatten().map(|name| (*name).to_owned()).collect()
    }
}

/// What says which name an address has.
pub(super) fn hosts(facts: &Facts) -> Vec<Host> {
    let hosts = facts.host_names.iter().map(|host| Host {
        address: host.address.to_string(),
        name: host.name.clone(),
        sources: host.sources.iter().map(|source| source.as_str().to_owned()).collect(),
        evidence: host.logs.iter().map(ToString::to_string).collect(),
        ambiguous: host.is_ambiguous,
    });
    hosts.collect()
}
