//! Hosts that send IKE to many others to find out who answers.

use super::pending;
use super::seen::SeenEsp;
use crate::correlate::stretches::Stretches;
use crate::hosts::HostPair;
use crate::ike::IkeExchange;
use crate::protection::ProtectionClass;
use crate::summary::{JudgedStream, StreamsByPair};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Hosts that asked so many others without an answer that they look for something, and whom they asked.
pub(super) type Scans = BTreeMap<IpAddr, BTreeSet<IpAddr>>;

/// A scan looks for hosts and has no business with them: a host that uses IPsec with others is none, and a peer with
/// which a host exchanges anything soon after asking it was not scanned.
pub(super) fn scans(
    exchanges: &[IkeExchange],
    streams: &StreamsByPair<'_>,
    seen: &SeenEsp,
) -> Scans {
    let mut asked: BTreeMap<IpAddr, BTreeMap<IpAddr, Vec<&IkeExchange>>> = BTreeMap::new();
    for exchange in exchanges {
        let (from, to) = (exchange.initiator.ip(), exchange.responder.ip());
        asked.entry(from).or_default().entry(to).or_default().push(exchange);
    }
    let may_scan = asked
        .into_iter()
        .filter(|(source, peers)| peers.len() >= MANY_PEERS && !seen.uses_ipsec(*source));
    let scans = may_scan.map(|(source, peers)| {
        let scanned = peers.into_iter().filter(|(peer, exchanges)| {
            let pair = HostPair::new(source, *peer);
            !exchanges.iter().any(|exchange| is_answered(exchange))
                && !seen.has(pair)
                && !has_talk_after(exchanges, streams.get(&pair).map_or(&[], Vec::as_slice))
        });
        (source, scanned.map(|(peer, _)| peer).collect::<BTreeSet<IpAddr>>())
    });
    scans.filter(|(_, peers)| peers.len() >= MANY_PEERS).collect()
}

/// Whether both hosts send each other clear payload soon after one of these negotiations.
fn has_talk_after(exchanges: &[&IkeExchange], streams: &[JudgedStream<'_>]) -> bool {
    let clear = streams.iter().filter(|(_, class, _)| *class == ProtectionClass::Clear);
    let talk = clear.flat_map(|(_, _, runs)| runs.iter()).filter(|run| !run.payload.contains(&0));
    let talk = Stretches::new(talk.map(|run| (run.start, run.end, ())));
    exchanges.iter().any(|exchange| {
        talk.touching(exchange.start, exchange.end.shifted(pending(exchange))).next().is_some()
    })
}

/// Whether the responder sent anything, or is known to have.
pub(super) fn is_answered(exchange: &IkeExchange) -> bool {
    !exchange.responder_spi.is_zero()
        || exchange.kept.iter().any(|message| message.source().ip() == exchange.responder.ip())
}

/// Peers of which none answers: as many are a scan.
const MANY_PEERS: usize = 10;
