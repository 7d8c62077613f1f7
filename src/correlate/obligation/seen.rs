//! The ESP and AH that captures show, as evidence of what had to be protected.

use crate::correlate::{SaFacts, SasByPair};
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, IkeVersion};
use crate::protection::Stream;
use crate::summary::StreamsByPair;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The ESP and AH of all pairs.
pub(super) struct SeenEsp {
    /// When the SPI of each pair appeared that came last.
    newest: BTreeMap<HostPair, Timestamp>,
    /// Hosts that use IPsec by more than a header.
    hosts: BTreeSet<IpAddr>,
}

impl SeenEsp {
    pub(super) fn of(streams: &StreamsByPair<'_>, sas: &SasByPair) -> Self {
        let mut newest: BTreeMap<HostPair, Timestamp> = BTreeMap::new();
        for (pair, streams) in streams {
            for (stream, _, runs) in streams {
                let (Stream::Esp(..) | Stream::WespIntegrityOnly(..) | Stream::Ah(..)) = *stream
                else {
                    continue;
                };
                let Some(start) = runs.iter().map(|run| run.start).min() else { continue };
                newest.entry(*pair).and_modify(|known| *known = start.max(*known)).or_insert(start);
            }
        }
        let is_proven = |sas: &Vec<SaFacts>| sas.iter().any(|sa| sa.corroborated.is_some());
        let proven = sas.iter().filter(|(_, sas)| is_proven(sas));
        let hosts = proven.flat_map(|(pair, _)| [pair.a(), pair.b()]).collect();
        Self { newest, hosts }
    }

    /// Whether any ESP or AH passed between two hosts.
    pub(super) fn has(&self, pair: HostPair) -> bool {
        self.newest.contains_key(&pair)
    }

    /// Whether a host uses IPsec with others.
    pub(super) fn uses_ipsec(&self, host: IpAddr) -> bool {
        self.hosts.contains(&host)
    }

    /// Whether a negotiation shows that an SA for traffic came up. The third message of quick mode does (RFC 2409 §5.5). In
    /// IKEv2 an answer with room for a child SA may as well hold certificates, addresses and notify messages, so that an
    /// SPI has to follow it.
    pub(super) fn shows_sa_of(&self, exchange: &IkeExchange) -> bool {
        exchange.completions.first().is_some_and(|made| match exchange.version {
            IkeVersion::V1 | IkeVersion::AuthIp => true,
            IkeVersion::V2 => {
                self.newest.get(&exchange.pair()).is_some_and(|newest| newest >= made)
            }
        })
    }
}
