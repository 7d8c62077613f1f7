//! Directed broadcast addresses that only a rule's network identifies.
//!
//! On links with addresses, the frame's destination shows whether it went to every station (RFC 919). On links
//! without, the last address of a network that a rule names is assumed to be its broadcast address, unless it
//! sends: then it is a host.

use crate::hosts::HostPair;
use crate::policy::Policy;
use crate::summary::{StreamsByPair, Summary};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The pairs of which one side is such an address.
pub(super) fn pairs(
    summary: &Summary,
    streams: &StreamsByPair<'_>,
    policy: &Policy,
) -> BTreeSet<HostPair> {
    if summary.captures.values().any(|capture| capture.has_link_addresses) {
        return BTreeSet::new();
    }
    let mut last = policy.last_addresses();
    if last.is_empty() {
        return BTreeSet::new();
    }
    for (pair, streams) in streams {
        let runs = || streams.iter().flat_map(|(_, _, runs)| runs.iter());
        if runs().any(|run| run.from_a > 0) {
            last.remove(&pair.a());
        }
        if runs().any(|run| run.from_a < run.frames) {
            last.remove(&pair.b());
        }
    }
    let is_one = |address: IpAddr| last.contains(&address);
    streams.keys().filter(|pair| is_one(pair.a()) || is_one(pair.b())).copied().collect()
}
