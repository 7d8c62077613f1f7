//! The ESP and AH that captures show, as evidence of what had to be protected.

use crate::correlate::{SaFacts, SasByPair};
use crate::eventlog::LogEvent;
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, IkeVersion};
use crate::protection::Stream;
use crate::summary::StreamsByPair;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::MAIN_MODE_LIFETIME;

/// What the captures show of a pair's ESP and AH.
struct PairEsp {
    start: Timestamp,
    end: Timestamp,
    /// When the SPI that came last appeared.
    newest: Timestamp,
    spis: BTreeSet<u32>,
}

/// The ESP and AH of all pairs.
pub(super) struct SeenEsp {
    pairs: BTreeMap<HostPair, PairEsp>,
    /// Hosts that use IPsec by more than a header.
    hosts: BTreeSet<IpAddr>,
}

impl SeenEsp {
    pub(super) fn of(streams: &StreamsByPair<'_>, sas: &SasByPair) -> Self {
        let mut pairs: BTreeMap<HostPair, PairEsp> = BTreeMap::new();
        for (pair, streams) in streams {
            for (stream, _, runs) in streams {
                let (Stream::Esp(spi, _) | Stream::WespIntegrityOnly(spi, _) | Stream::Ah(spi, _)) =
                    *stream
                else {
                    continue;
                };
                let Some(start) = runs.iter().map(|run| run.start).min() else { continue };
                let end = runs.iter().map(|run| run.end).max().unwrap_or(start);
                let known = pairs.entry(*pair).or_insert_with(|| PairEsp {
                    start,
                    end,
                    newest: start,
                    spis: BTreeSet::new(),
                });
                (known.start, known.end) = (known.start.min(start), known.end.max(end));
                known.newest = known.newest.max(start);
                known.spis.insert(spi.0);
            }
        }
        let is_proven = |sas: &Vec<SaFacts>| sas.iter().any(|sa| sa.corroborated.is_some());
        let proven = sas.iter().filter(|(_, sas)| is_proven(sas));
        let hosts = proven.flat_map(|(pair, _)| [pair.a(), pair.b()]).collect();
        Self { pairs, hosts }
    }

    /// Whether a log's record of a tunnel speaks of the ESP that the captures show between its ends: its SPIs are
    /// among theirs, or it lies within a main mode's lifetime of them. Without ESP nothing but logs requires
    /// anything.
    pub(super) fn is_of_captures(
        &self,
        ends: HostPair,
        event: &LogEvent,
        time: Option<Timestamp>,
    ) -> bool {
        let Some(esp) = self.pairs.get(&ends) else { return true };
        let mut spis = event.inbound_spi().into_iter().chain(event.outbound_spi());
        let is_near = |time: Timestamp| {
            time >= esp.start.shifted(MAIN_MODE_LIFETIME.negated())
                && time <= esp.end.shifted(MAIN_MODE_LIFETIME)
        };
        spis.any(|spi| esp.spis.contains(&spi)) || time.is_some_and(is_near)
    }

    /// Whether any ESP or AH passed between two hosts.
    pub(super) fn has(&self, pair: HostPair) -> bool {
        self.pairs.contains_key(&pair)
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
                self.pairs.get(&exchange.pair()).is_some_and(|esp| esp.newest >= *made)
            }
        })
    }
}
