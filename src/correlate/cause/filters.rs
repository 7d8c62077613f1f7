//! Filters and tunnels, as the events of quick modes report them.

use super::lives::Life;
use crate::catalogue::Category;
use crate::correlate::Facts;
use crate::eventlog::{LogEvent, Selector};
use crate::evidence::{EvidenceId, FrameRef};
use crate::hosts::{Direction, HostPair};
use crate::protection::{EspSpi, Service};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Whether a filter lets a service through the SA; 0 is any.
pub(in crate::correlate) fn filter_covers(selector: &Selector, service: Service) -> bool {
    let any = |port: Option<u16>| port.is_none_or(|port| port == 0);
    let is_protocol = selector.protocol.is_none_or(|p| p == 0 || p == service.protocol);
    let (local, peer) = (selector.local_port, selector.peer_port);
    // An unregistered port is not recorded; it may be one that the filter names.
    let names = |port: Option<u16>| match service.port {
        Some(_) => port == service.port,
        None => port.is_some_and(|port| port > 1023),
    };
    let is_port = (any(local) && any(peer)) || names(local) || names(peer);
    is_protocol && is_port
}

/// Under each pair, the events of its SAs, tied to it by SPI or named in them; each filter once.
pub(super) fn own_filters(facts: &Facts) -> BTreeMap<HostPair, Vec<(usize, Life)>> {
    let mut filters: BTreeMap<HostPair, Vec<(usize, Life)>> = BTreeMap::new();
    let mut seen = BTreeMap::new();
    for (index, placed) in facts.events.iter().enumerate() {
        let event = &placed.event;
        if event.category != Category::SaEstablished || event.selector().is_none() {
            continue;
        }
        let joined = placed.join.and_then(|join| join.sa).map(|(pair, _)| pair);
        let Some(pair) = joined.or_else(|| pair_of(event)) else { continue };
        let selector = event.selector().map(|s| (s.local_port, s.peer_port, s.protocol));
        let key = (pair, event.local(), selector, placed.join.is_some());
        let of_pair = filters.entry(pair).or_default();
        match seen.get(&key).and_then(|at: &usize| of_pair.get_mut(*at)) {
            Some((_, life)) => life.add(placed),
            None => {
                seen.insert(key, of_pair.len());
                of_pair.push((index, Life::from_event(placed)));
            }
        }
    }
    filters
}

/// The SPIs of one sender of a pair, by the first packet of each, and the events of their SAs that name a filter.
pub(super) type SpiFilters = BTreeMap<(HostPair, Direction, FrameRef), Vec<usize>>;

/// Which filter each SPI of the captures has, where a log of its SA names one. Windows does not document the byte order
/// of an SPI, so both are tried.
pub(super) fn spi_filters(facts: &Facts) -> SpiFilters {
    let mut filters = SpiFilters::new();
    for (index, placed) in facts.events.iter().enumerate() {
        let event = &placed.event;
        let joined = placed.join.and_then(|join| join.sa).map(|(pair, _)| pair);
        let is_made = event.category == Category::SaEstablished && event.selector().is_some();
        let Some(known) = joined.filter(|_| is_made).and_then(|pair| facts.pair(pair)) else {
            continue;
        };
        let named = [event.inbound_spi(), event.outbound_spi()].into_iter().flatten();
        let either: BTreeSet<u32> = named.flat_map(|spi| [spi, spi.swap_bytes()]).collect();
        for spi in either {
            for way in [Direction::AToB, Direction::BToA] {
                if let Some(run) = known.spi_uses.get(&(EspSpi(spi), way)) {
                    filters.entry((known.pair, way, run.first)).or_default().push(index);
                }
            }
        }
    }
    filters
}

/// A tunnel that came up.
pub(super) struct Tunnel {
    /// Its two ends.
    pub(super) ends: HostPair,
    /// The first event that names its selector.
    pub(super) event: usize,
    pub(super) life: Life,
}

/// Tunnels that came up, each selector once.
pub(super) fn tunnels(facts: &Facts) -> Vec<Tunnel> {
    let mut seen = BTreeMap::new();
    let mut tunnels: Vec<Tunnel> = Vec::new();
    for (index, placed) in facts.events.iter().enumerate() {
        let event = &placed.event;
        let Some(ends) = tunnel_of(event) else { continue };
        if !matches!(event.category, Category::SaEstablished | Category::SaEnded) {
            continue;
        }
        let key = (event.local(), event.peer(), event.selector());
        let place = seen.get(&key).copied();
        if let Some(known) = place.and_then(|at: usize| tunnels.get_mut(at)) {
            known.life.add(placed);
        } else if event.category == Category::SaEstablished && tunnels.len() < MOST_TUNNELS {
            seen.insert(key, tunnels.len());
            tunnels.push(Tunnel { ends, event: index, life: Life::from_event(placed) });
        }
    }
    tunnels
}

/// The two ends of the tunnel that a quick mode event reports.
pub(in crate::correlate) fn tunnel_of(event: &LogEvent) -> Option<HostPair> {
    let selector = event.selector()?;
    Some(HostPair::new(selector.local_tunnel?, selector.peer_tunnel?))
}

/// Two single hosts that an event reports; networks are no pair.
pub(in crate::correlate) fn pair_of(event: &LogEvent) -> Option<HostPair> {
    let selector = event.selector().unwrap_or_default();
    let is_host = |mask: Option<IpAddr>| mask.is_none_or(|mask| prefix_len(mask) >= Some(32));
    let (local, peer) = (event.local()?, event.peer()?);
    (is_host(selector.local_mask) && is_host(selector.peer_mask))
        .then(|| HostPair::new(local, peer))
}

pub(super) fn selector_covers(event: &LogEvent, pair: HostPair) -> bool {
    let (Some(selector), Some(local), Some(peer)) = (event.selector(), event.local(), event.peer())
    else {
        return false;
    };
    let holds = |net: IpAddr, mask: Option<IpAddr>, address: IpAddr| match mask.and_then(prefix_len)
    {
        Some(length) => ipnet::IpNet::new(net, length).is_ok_and(|net| net.contains(&address)),
        None => net == address,
    };
    let fits = |one, other| {
        holds(local, selector.local_mask, one) && holds(peer, selector.peer_mask, other)
    };
    fits(pair.a(), pair.b()) || fits(pair.b(), pair.a())
}

fn prefix_len(mask: IpAddr) -> Option<u8> {
    ipnet::ip_mask_to_prefix(mask).ok()
}

/// The pairs that show ESP on each capture, or IKE where none shows ESP; files that continue each other are
/// one, by the first of them.
pub(super) fn gateways(facts: &Facts) -> BTreeMap<EvidenceId, BTreeSet<HostPair>> {
    let of = |file| facts.first_files.of(file);
    let mut by_ike: BTreeMap<EvidenceId, BTreeSet<HostPair>> = BTreeMap::new();
    for exchange in &facts.exchanges {
        by_ike.entry(of(exchange.first.evidence)).or_default().insert(exchange.pair());
    }
    let mut gateways: BTreeMap<EvidenceId, BTreeSet<HostPair>> = BTreeMap::new();
    for pair in &facts.pairs {
        for run in &pair.protected_runs {
            gateways.entry(of(run.first.evidence)).or_default().insert(pair.pair);
        }
    }
    for (capture, pairs) in by_ike {
        gateways.entry(capture).or_insert(pairs);
    }
    gateways
}

/// Different selectors that are looked through for a window.
const MOST_TUNNELS: usize = 1000;
