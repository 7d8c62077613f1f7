//! The facts, arranged so that a window's questions do not cost their number.

use super::JITTER;
use crate::catalogue::Category;
use crate::correlate::stretches::Stretches;
use crate::correlate::{ClockOffset, Facts, PlacedEvent, UnreachableFacts};
use crate::eventlog::{LogEvent, Selector};
use crate::evidence::EvidenceId;
use crate::hosts::{Direction, HostPair};
use crate::ike::IkeExchange;
use crate::protection::Service;
use crate::summary::{ClassRun, StationChange};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What the rules look things up in. Numbers are indices in [`Facts`].
pub(super) struct Index<'a> {
    pub(super) facts: &'a Facts,
    /// Negotiations.
    pub(super) exchanges: Timed<HostPair>,
    protected: BTreeMap<HostPair, Stretches<ClassRun>>,
    unreachable: BTreeMap<HostPair, Vec<&'a UnreachableFacts>>,
    by_exchange: BTreeMap<usize, Vec<usize>>,
    spi_uses: BTreeMap<HostPair, Vec<(Direction, ClassRun)>>,
    /// Logged failures.
    pub(super) failures: Timed<HostPair>,
    /// Logged ends of security associations.
    pub(super) ended: Timed<HostPair>,
    /// Security associations of no algorithm: clear text was agreed on.
    pub(super) soft: Timed<HostPair>,
    of_host: Timed<IpAddr>,
    tunnels: Vec<(HostPair, usize)>,
    own_filters: BTreeMap<HostPair, Vec<usize>>,
    /// For each host the gateways that some window of it gave away: their ESP was there before and after
    /// it and not inside, or a log names them.
    pub(super) carried: BTreeMap<IpAddr, BTreeSet<HostPair>>,
    gateways: BTreeMap<EvidenceId, BTreeSet<HostPair>>,
    wrong_clocks: BTreeMap<IpAddr, &'a ClockOffset>,
    same_host: BTreeMap<IpAddr, BTreeSet<IpAddr>>,
}

impl<'a> Index<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let failures = placed(facts, |e| e.event.category == Category::IkeFailure);
        let ended = placed(facts, |e| e.event.category == Category::SaEnded);
        let soft = placed(facts, |e| e.event.category == Category::CleartextPermitted);
        let of_pair = |(time, index): &(Timestamp, usize)| {
            let event = &facts.events.get(*index)?.event;
            let (from, to) = reach(facts, *time, *index);
            Some((pair_of(event).or_else(|| tunnel_of(event))?, (from, to, *index)))
        };
        let exchanges = facts.exchanges.iter().enumerate();
        Self {
            facts,
            exchanges: grouped(exchanges.map(|(i, x)| (x.pair(), (x.start, x.end, i)))),
            protected: facts
                .pairs
                .iter()
                .filter(|pair| !pair.protected_runs.is_empty())
                .map(|pair| (pair.pair, Stretches::of_runs(&pair.protected_runs)))
                .collect(),
            unreachable: facts.unreachable.iter().fold(BTreeMap::new(), |mut all, told| {
                let pair = HostPair::new(told.what.from, told.what.to);
                all.entry(pair).or_insert_with(Vec::new).push(told);
                all
            }),
            by_exchange: by_exchange(facts),
            spi_uses: facts
                .pairs
                .iter()
                .filter(|pair| !pair.spi_uses.is_empty())
                .map(|pair| {
                    let uses = pair.spi_uses.iter().map(|((_, way), run)| (*way, *run));
                    let mut uses: Vec<(Direction, ClassRun)> = uses.collect();
                    uses.sort_by_key(|(way, run)| (run.start, run.first, *way));
                    (pair.pair, uses)
                })
                .collect(),
            failures: grouped(failures.iter().filter_map(of_pair)),
            ended: grouped(ended.iter().filter_map(of_pair)),
            soft: grouped(soft.iter().filter_map(of_pair)),
            of_host: of_host(facts),
            tunnels: tunnels(facts),
            own_filters: own_filters(facts),
            carried: BTreeMap::new(),
            gateways: gateways(facts),
            wrong_clocks: wrong_clocks(facts),
            same_host: same_host(facts),
        }
    }

    /// Whether a pair shows IPsec of its own.
    pub(super) fn has_own(&self, pair: HostPair) -> bool {
        self.protected.contains_key(&pair) || self.exchanges.knows(pair)
    }

    /// Addresses of a pair that another station took over before a point in time.
    pub(super) fn taken_over(
        &self,
        pair: HostPair,
        until: Timestamp,
    ) -> impl Iterator<Item = &'a StationChange> {
        let changes = &self.facts.station_changes;
        [pair.a(), pair.b()].into_iter().flat_map(move |address| {
            let first = changes.partition_point(|change| change.address < address);
            let own = changes.iter().skip(first).take_while(move |c| c.address == address);
            own.filter(move |change| change.first.time <= until)
        })
    }

    /// The first negotiation of a pair.
    pub(super) fn first_exchange_of(&self, pair: HostPair) -> Option<(usize, &'a IkeExchange)> {
        let at = *self.exchanges.first(pair)?;
        Some((at, self.facts.exchanges.get(at)?))
    }

    /// The protected runs of a pair.
    pub(super) fn protected(&self, pair: HostPair) -> Option<&Stretches<ClassRun>> {
        self.protected.get(&pair)
    }

    /// ICMP errors about a pair's IKE.
    pub(super) fn unreachable(&self, pair: HostPair) -> impl Iterator<Item = &UnreachableFacts> {
        self.unreachable.get(&pair).into_iter().flatten().copied()
    }

    /// Logged failures of a negotiation, joined by its cookie or message ID.
    pub(super) fn logged(&self, exchange: usize) -> &[usize] {
        self.by_exchange.get(&exchange).map_or(&[], Vec::as_slice)
    }

    /// From the first to the last packet of each SPI of a pair, by the beginning.
    pub(super) fn spi_uses(&self, pair: HostPair) -> &[(Direction, ClassRun)] {
        self.spi_uses.get(&pair).map_or(&[], Vec::as_slice)
    }

    /// What a host's log says of its services and policies in a span; the latest first.
    pub(super) fn of_host(
        &self,
        host: IpAddr,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (usize, &'a PlacedEvent)> {
        let found = self.of_host.touching(host, from, to);
        found.filter_map(|index| Some((index, self.facts.events.get(index)?)))
    }

    /// The clock of a host, where it was wrong by more than authentication bears.
    pub(super) fn wrong_clock(&self, host: IpAddr) -> Option<&'a ClockOffset> {
        self.wrong_clocks.get(&host).copied()
    }

    /// Pairs with IPsec of their own between other addresses of the same two hosts.
    pub(super) fn other_paths(&self, pair: HostPair) -> BTreeSet<HostPair> {
        let of = |host: IpAddr| self.same_host.get(&host).into_iter().flatten().copied();
        let (one, other) = (of(pair.a()).chain([pair.a()]), of(pair.b()).chain([pair.b()]));
        let other: Vec<IpAddr> = other.collect();
        one.flat_map(|a| other.iter().map(move |b| HostPair::new(a, *b)))
            .filter(|path| *path != pair && self.protected.contains_key(path))
            .collect()
    }

    /// Who negotiates for a pair without IPsec of its own: the tunnels whose logged selectors hold
    /// it, else every pair that shows ESP or IKE on the capture that shows the pair. Where those
    /// are many, none of them is the pair's gateway for sure, and none is named.
    /// Tells whether a log says so.
    pub(super) fn gateways_for(
        &self,
        pair: HostPair,
        capture: EvidenceId,
    ) -> (BTreeSet<HostPair>, bool) {
        let logged: BTreeSet<HostPair> = self
            .tunnels
            .iter()
            .filter(|(_, index)| {
                self.facts.events.get(*index).is_some_and(|e| selector_covers(&e.event, pair))
            })
            .map(|(tunnel, _)| *tunnel)
            .collect();
        if !logged.is_empty() {
            return (logged, true);
        }
        let capture = self.facts.first_files.get(&capture).copied().unwrap_or(capture);
        let shown = self.gateways.get(&capture).filter(|pairs| pairs.len() <= MOST_GATEWAYS);
        (shown.cloned().unwrap_or_default(), false)
    }

    /// Quick mode events of these tunnels, where their selectors are known and none of them holds
    /// the pair.
    pub(super) fn selectors_exclude(
        &self,
        tunnels: &BTreeSet<HostPair>,
        pair: HostPair,
    ) -> Vec<usize> {
        let of_tunnels: Vec<usize> = self
            .tunnels
            .iter()
            .filter(|(tunnel, _)| tunnels.contains(tunnel))
            .map(|(_, index)| *index)
            .collect();
        let covers = |index: &usize| {
            self.facts.events.get(*index).is_some_and(|e| selector_covers(&e.event, pair))
        };
        if of_tunnels.iter().any(covers) { Vec::new() } else { of_tunnels }
    }
}

impl Index<'_> {
    /// Events of SAs that came up between the two and whose filters name ports or a protocol, where
    /// none of the pair's SAs covers any of these services; the most recent logs only.
    pub(super) fn filters_exclude(
        &self,
        pair: HostPair,
        services: &BTreeSet<Service>,
    ) -> Vec<usize> {
        let of_pair = self.own_filters.get(&pair).map_or(&[][..], Vec::as_slice);
        let covers = |index: &&usize| {
            let event = self.facts.events.get(**index).map(|placed| &placed.event);
            let selector = event.and_then(|event| event.selector());
            selector.is_none_or(|s| services.iter().any(|service| filter_covers(&s, *service)))
        };
        if of_pair.iter().any(|index| covers(&index)) { Vec::new() } else { of_pair.to_vec() }
    }
}

/// Whether a filter lets a service through the SA; 0 is any.
fn filter_covers(selector: &Selector, service: Service) -> bool {
    let any = |port: Option<u16>| port.is_none_or(|port| port == 0);
    let is_protocol = selector.protocol.is_none_or(|p| p == 0 || p == service.protocol);
    let (local, peer) = (selector.local_port, selector.peer_port);
    // A port that nobody registered is not told; it may be one that the filter names.
    let names = |port: Option<u16>| match service.port {
        Some(_) => port == service.port,
        None => port.is_some_and(|port| port > 1023),
    };
    let is_port = (any(local) && any(peer)) || names(local) || names(peer);
    is_protocol && is_port
}

/// Under each pair, the events of its SAs, tied to it by SPI or named in them; each filter once.
fn own_filters(facts: &Facts) -> BTreeMap<HostPair, Vec<usize>> {
    let mut filters: BTreeMap<HostPair, Vec<usize>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (index, placed) in facts.events.iter().enumerate() {
        let event = &placed.event;
        if event.category != Category::SaEstablished || event.selector().is_none() {
            continue;
        }
        let joined = placed.join.and_then(|join| join.sa).map(|(pair, _)| pair);
        let Some(pair) = joined.or_else(|| pair_of(event)) else { continue };
        let selector = event.selector().map(|s| (s.local_port, s.peer_port, s.protocol));
        if seen.insert((pair, event.local(), selector)) {
            filters.entry(pair).or_default().push(index);
        }
    }
    filters
}

/// Facts with a time, each under its pair or host.
pub(super) struct Timed<K>(BTreeMap<K, Stretches<usize>>);

impl<K: Ord> Timed<K> {
    /// Those under a key that touch a span, the latest start first.
    pub(super) fn touching(
        &self,
        key: K,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = usize> + use<'_, K> {
        self.0.get(&key).into_iter().flat_map(move |known| known.touching(from, to)).copied()
    }

    /// The one under a key that begins first.
    pub(super) fn first(&self, key: K) -> Option<&usize> {
        self.0.get(&key)?.first()
    }

    /// Whether there is any under a key.
    pub(super) fn knows(&self, key: K) -> bool {
        self.0.contains_key(&key)
    }
}

type Placed = (Timestamp, Timestamp, usize);

fn grouped<K: Ord>(items: impl Iterator<Item = (K, Placed)>) -> Timed<K> {
    let mut groups: BTreeMap<K, Vec<Placed>> = BTreeMap::new();
    for (key, placed) in items {
        groups.entry(key).or_default().push(placed);
    }
    Timed(groups.into_iter().map(|(key, placed)| (key, Stretches::new(placed))).collect())
}

/// Events of one kind whose time on the captures' clock is known.
fn placed(facts: &Facts, is_one: impl Fn(&PlacedEvent) -> bool) -> Vec<(Timestamp, usize)> {
    let events = facts.events.iter().enumerate().filter(|(_, e)| is_one(e));
    events.filter_map(|(index, e)| Some((e.corrected?, index))).collect()
}

/// When an event may have been: rules allow for [`JITTER`], and a clock that may be off by more widens
/// that.
fn reach(facts: &Facts, time: Timestamp, index: usize) -> (Timestamp, Timestamp) {
    let error = facts.events.get(index).and_then(|placed| placed.error).unwrap_or_default();
    let more = Span((error.0 - JITTER.0).clamp(0, MOST_UNSURE.0));
    (time.shifted(more.negated()), time.shifted(more))
}

/// A clock that may be further off places an event no better than this.
const MOST_UNSURE: Span = Span::from_seconds(60);

/// Logged failures under the negotiation that they are about.
fn by_exchange(facts: &Facts) -> BTreeMap<usize, Vec<usize>> {
    let mut known: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, placed) in facts.events.iter().enumerate() {
        let is_failure = placed.event.category == Category::IkeFailure;
        let joined = placed.join.and_then(|join| join.exchange);
        if let Some(exchange) = joined.filter(|_| is_failure) {
            known.entry(exchange).or_default().push(index);
        }
    }
    known
}

/// Services and policies, under every address of the host that logged them.
fn of_host(facts: &Facts) -> Timed<IpAddr> {
    let is_one = |e: &PlacedEvent| {
        let category = e.event.category;
        e.event.service().is_some()
            || matches!(category, Category::PolicyChange | Category::ServiceState)
    };
    let by_address = placed(facts, is_one).into_iter().flat_map(|(time, index)| {
        let log = facts.events.get(index).map(|e| e.log);
        let own = log.and_then(|log| facts.addresses.get(&log));
        let (from, to) = reach(facts, time, index);
        own.into_iter().flatten().map(move |address| (*address, (from, to, index)))
    });
    grouped(by_address)
}

fn wrong_clocks(facts: &Facts) -> BTreeMap<IpAddr, &ClockOffset> {
    let is_wrong = |clock: &&ClockOffset| {
        clock.is_measured() && clock.offset.is_some_and(|o| o.magnitude() > ClockOffset::TOLERATED)
    };
    let wrong = facts.clock_offsets.iter().filter(is_wrong);
    wrong
        .flat_map(|clock| {
            let own = facts.addresses.get(&clock.log).into_iter().flatten();
            own.map(move |address| (*address, clock))
        })
        .collect()
}

/// For each address the others of its host; hosts with very many are routers, not ends.
fn same_host(facts: &Facts) -> BTreeMap<IpAddr, BTreeSet<IpAddr>> {
    let mut known: BTreeMap<IpAddr, BTreeSet<IpAddr>> = BTreeMap::new();
    for addresses in facts.same_host.iter().filter(|all| all.len() <= MOST_ADDRESSES) {
        for address in addresses {
            known.entry(*address).or_default().extend(addresses);
        }
    }
    known
}

/// Tunnels that came up, each selector once.
fn tunnels(facts: &Facts) -> Vec<(HostPair, usize)> {
    let mut seen = BTreeSet::new();
    let mut tunnels = Vec::new();
    for (index, placed) in facts.events.iter().enumerate() {
        let event = &placed.event;
        let Some(tunnel) = tunnel_of(event) else { continue };
        let is_new = event.category == Category::SaEstablished
            && tunnels.len() < MOST_TUNNELS
            && seen.insert((event.local(), event.peer(), event.selector()));
        if is_new {
            tunnels.push((tunnel, index));
        }
    }
    tunnels
}

/// The pairs that show ESP on each capture, or IKE where none shows ESP; files that continue each other are
/// one, by the first of them.
fn gateways(facts: &Facts) -> BTreeMap<EvidenceId, BTreeSet<HostPair>> {
    let of = |file| facts.first_files.get(&file).copied().unwrap_or(file);
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

/// The two ends of the tunnel that a quick mode event tells of.
pub(in crate::correlate) fn tunnel_of(event: &LogEvent) -> Option<HostPair> {
    let selector = event.selector()?;
    Some(HostPair::new(selector.local_tunnel?, selector.peer_tunnel?))
}

/// Two single hosts that an event tells of; networks are no pair.
pub(in crate::correlate) fn pair_of(event: &LogEvent) -> Option<HostPair> {
    let selector = event.selector().unwrap_or_default();
    let is_host = |mask: Option<IpAddr>| mask.is_none_or(|mask| prefix_len(mask) >= Some(32));
    let (local, peer) = (event.local()?, event.peer()?);
    (is_host(selector.local_mask) && is_host(selector.peer_mask))
        .then(|| HostPair::new(local, peer))
}

fn selector_covers(event: &LogEvent, pair: HostPair) -> bool {
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

/// Pairs on one capture that may be gateways of others.
const MOST_GATEWAYS: usize = 8;
/// Addresses of one host.
const MOST_ADDRESSES: usize = 16;
/// Different selectors that are looked through for a window.
const MOST_TUNNELS: usize = 1000;
