//! The facts, indexed so that each window's look-ups stay cheap.

use super::JITTER;
use super::filters::{
    SpiFilters, Tunnel, filter_covers, gateways, own_filters, pair_of, selector_covers,
    spi_filters, tunnel_of, tunnels,
};
use super::hosts::{clocks, of_host, others_since, same_host, sas_of_host, tied};
use super::lives::{Holders, Life};
use super::modes::{made_main_modes, made_quick_modes, main_modes, quick_modes, with_quick_modes};
use super::sent_ike::{SentIke, sent_ike};
use super::states::{by_address, tied_by_states};
use super::timed::{Timed, grouped};
use super::uses::{SpiUse, SpiUses, spi_uses};
use crate::catalogue::Category;
use crate::correlate::stretches::Stretches;
use crate::correlate::{
    CleartextWindow, ClockOffset, Facts, HostState, PlacedEvent, UnreachableFacts,
};
use crate::evidence::{EvidenceId, FrameRef};
use crate::hosts::{Direction, HostPair};
use crate::ike::{EspActivity, IkeExchange};

use crate::protection::{EspSpi, Service};
use crate::summary::{ClassRun, Flow, LogId, StationChange};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The look-up tables of the rules. Numbers are indices in [`Facts`].
pub(super) struct Index<'a> {
    pub(super) facts: &'a Facts,
    /// Negotiations.
    pub(super) exchanges: Timed<HostPair>,
    protected: BTreeMap<HostPair, Stretches<ClassRun>>,
    unreachable: BTreeMap<HostPair, Vec<&'a UnreachableFacts>>,
    by_exchange: BTreeMap<usize, Vec<usize>>,
    spi_uses: BTreeMap<HostPair, SpiUses>,
    /// Logged failures.
    pub(super) failures: Timed<HostPair>,
    /// Logged beginnings of security associations.
    pub(super) made: Timed<HostPair>,
    /// Logged ends of security associations.
    pub(super) ended: Timed<HostPair>,
    /// Security associations without an algorithm: clear text was agreed on.
    pub(super) soft: Timed<HostPair>,
    of_host: Timed<IpAddr>,
    /// The logged beginnings of a host's security associations.
    pub(super) sas_of_host: Timed<IpAddr>,
    tunnels: Vec<Tunnel>,
    own_filters: BTreeMap<HostPair, Vec<(usize, Life)>>,
    spi_filters: SpiFilters,
    /// For each host, the gateways that one of its windows identifies: their ESP was present before and after
    /// the window and absent inside, or a log names them.
    pub(super) carried: BTreeMap<IpAddr, BTreeSet<HostPair>>,
    gateways: BTreeMap<EvidenceId, BTreeSet<HostPair>>,
    clocks: BTreeMap<IpAddr, &'a ClockOffset>,
    /// When each flow of a pair was first in clear, of the windows' busy flows.
    pub(super) clear_flows: BTreeMap<(HostPair, Flow), Timestamp>,
    /// When the windows of a pair begin, in order, and the services in clear there.
    pub(super) clear_services: BTreeMap<HostPair, Vec<(Timestamp, BTreeSet<Service>)>>,
    /// The first window in which a service of a pair was in clear beside ESP of the same sender, with its first packet.
    pub(super) uncovered: BTreeMap<(HostPair, Service), (Timestamp, FrameRef)>,
    /// The SPIs of ESP and AH of a pair.
    spis: BTreeMap<HostPair, &'a BTreeSet<EspSpi>>,
    /// Logs that name the main mode SA of a captured negotiation of a pair.
    main_modes: BTreeSet<(LogId, HostPair)>,
    /// Main mode SAs that were created between two hosts, by log and number.
    made_main_modes: BTreeSet<(LogId, HostPair, u64)>,
    /// Quick mode SAs that were created, by log and number: of which pair, where the captures show them.
    quick_modes: BTreeMap<(LogId, u64), BTreeSet<Option<HostPair>>>,
    /// The records of the beginning of quick mode SAs, by log and number.
    made_quick_modes: BTreeMap<(LogId, u64), Vec<usize>>,
    /// Logs that record the creation of a captured quick mode SA of a pair.
    with_quick_modes: BTreeSet<(LogId, HostPair)>,
    /// When each host sent IKE, ascending.
    sent_ike: BTreeMap<IpAddr, SentIke>,
    same_host: BTreeMap<IpAddr, BTreeSet<IpAddr>>,
    same_station: BTreeMap<IpAddr, BTreeSet<IpAddr>>,
    /// The same by the states of hosts, and these states.
    same_by_state: BTreeMap<IpAddr, BTreeSet<IpAddr>>,
    states: BTreeMap<IpAddr, Vec<&'a HostState>>,
    /// Records about a host under an address that it may have had no more: the address of another network that its log
    /// names since.
    others_since: BTreeMap<(usize, IpAddr), IpAddr>,
}

impl<'a> Index<'a> {
    pub(super) fn build(facts: &'a Facts, activity: &EspActivity) -> Self {
        let failures = placed(facts, |e| e.event.category == Category::IkeFailure);
        let made = placed(facts, |e| e.event.category == Category::SaEstablished);
        let ended = placed(facts, |e| e.event.category == Category::SaEnded);
        let soft = placed(facts, |e| e.event.category == Category::CleartextPermitted);
        let of_pair = |(time, index): &(Timestamp, usize)| {
            let event = &facts.events.get(*index)?.event;
            let (from, to) = reach(facts, *time, *index);
            Some((pair_of(event).or_else(|| tunnel_of(event))?, (from, to, *index)))
        };
        let exchanges = facts.exchanges.iter().enumerate();
        let holders = Holders::gather(facts);
        Self {
            facts,
            exchanges: grouped(exchanges.map(|(i, x)| (x.pair(), (x.start, x.end, i)))),
            protected: facts
                .pairs
                .iter()
                .filter(|pair| !pair.protected_runs.is_empty())
                .map(|pair| (pair.pair, Stretches::of_runs(&pair.protected_runs)))
                .collect(),
            unreachable: facts.unreachable.iter().fold(BTreeMap::new(), |mut all, error| {
                let pair = HostPair::new(error.what.from, error.what.to);
                all.entry(pair).or_insert_with(Vec::new).push(error);
                all
            }),
            by_exchange: by_exchange(facts),
            spi_uses: spi_uses(facts, activity),
            failures: grouped(failures.iter().filter_map(of_pair)),
            made: grouped(made.iter().filter_map(of_pair)),
            ended: grouped(ended.iter().filter_map(of_pair)),
            soft: grouped(soft.iter().filter_map(of_pair)),
            others_since: others_since(facts, &holders),
            of_host: of_host(facts, &holders),
            sas_of_host: sas_of_host(facts, &holders),
            tunnels: tunnels(facts),
            own_filters: own_filters(facts),
            spi_filters: spi_filters(facts),
            clear_flows: BTreeMap::new(),
            clear_services: BTreeMap::new(),
            uncovered: BTreeMap::new(),
            spis: facts.pairs.iter().map(|pair| (pair.pair, &pair.spis)).collect(),
            main_modes: main_modes(facts),
            made_main_modes: made_main_modes(facts),
            quick_modes: quick_modes(facts),
            made_quick_modes: made_quick_modes(facts),
            with_quick_modes: with_quick_modes(facts),
            sent_ike: sent_ike(facts),
            carried: BTreeMap::new(),
            gateways: gateways(facts),
            clocks: clocks(facts),
            same_host: same_host(facts, &holders),
            same_station: tied(facts.station_hosts.iter()),
            same_by_state: tied(
                tied_by_states(&facts.states, |pair| facts.pair(pair).is_some()).iter(),
            ),
            states: by_address(&facts.states),
        }
    }

    /// When a flow of a pair was first in clear.
    pub(super) fn first_clear(&self, pair: HostPair, flow: Flow) -> Option<Timestamp> {
        self.clear_flows.get(&(pair, flow)).copied()
    }

    /// SPIs of ESP and AH of a pair.
    pub(super) fn spis(&self, pair: HostPair) -> Vec<u32> {
        let spis = self.spis.get(&pair).into_iter().flat_map(|spis| spis.iter());
        spis.take(MOST_SPIS).map(|spi| spi.0).collect()
    }

    /// Whether a log names the main mode SA of a captured negotiation of a pair, so that another number means
    /// another SA.
    pub(super) fn knows_main_mode(&self, log: LogId, pair: HostPair) -> bool {
        self.main_modes.contains(&(log, pair))
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
    pub(super) fn spi_uses(&self, pair: HostPair) -> &[SpiUse] {
        self.spi_uses.get(&pair).map_or(&[], SpiUses::by_start)
    }

    /// The same, searchable by time; `None` where the pair has no SPI.
    pub(super) fn spi_lives(&self, pair: HostPair) -> Option<&SpiUses> {
        self.spi_uses.get(&pair)
    }

    /// Events about a host's services and policies in a span, from its log; the latest first.
    pub(super) fn of_host(
        &self,
        host: IpAddr,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (usize, &'a PlacedEvent)> {
        let found = self.of_host.touching(host, from, to);
        found.filter_map(|index| Some((index, self.facts.events.get(index)?)))
    }

    /// Whether a log records the creation of a main mode SA of that number between the two.
    pub(super) fn made_main_mode(&self, log: LogId, pair: HostPair, sa: u64) -> bool {
        self.made_main_modes.contains(&(log, pair, sa))
    }

    /// The records of the beginning of the SA whose end a record reports: of one log and number, the latest before the
    /// end, as numbers begin anew with a start of the system.
    pub(super) fn made_with(&self, ended: &PlacedEvent) -> Vec<usize> {
        let number = ended.event.negotiation().and_then(|n| n.quick_mode_sa).filter(|sa| *sa != 0);
        let made = number.and_then(|sa| self.made_quick_modes.get(&(ended.log, sa)));
        let time = |at: &usize| self.facts.events.get(*at).and_then(|placed| placed.corrected);
        let before = made.into_iter().flatten().filter(|at| time(at) <= ended.corrected);
        before.max_by_key(|at| (time(at), **at)).copied().into_iter().collect()
    }

    /// Whether a quick mode SA of that number may belong to a captured SA of a pair: the same log records its
    /// creation for the pair, or records the creation of none of the pair's SAs.
    pub(super) fn may_be_quick_mode(&self, log: LogId, pair: HostPair, sa: u64) -> bool {
        match self.quick_modes.get(&(log, sa)) {
            Some(pairs) => pairs.contains(&Some(pair)) || self.spi_uses(pair).is_empty(),
            None => !self.with_quick_modes.contains(&(log, pair)),
        }
    }

    /// Whether the beginning of a quick mode SA of that number, in the same log, is one of a pair that the
    /// captures show.
    pub(super) fn is_quick_mode(&self, log: LogId, pair: HostPair, sa: u64) -> bool {
        self.quick_modes.get(&(log, sa)).is_some_and(|pairs| pairs.contains(&Some(pair)))
    }

    /// When a host first sent IKE behind a point, which shows that its service runs. As it stops it still sends
    /// Deletes, so that informational requests count a little later only.
    pub(super) fn first_ike_of(&self, host: IpAddr, after: Timestamp) -> Option<Timestamp> {
        self.sent_ike.get(&host)?.first(after)
    }

    /// The clock of a host, where it was measured.
    pub(super) fn clock(&self, host: IpAddr) -> Option<&'a ClockOffset> {
        self.clocks.get(&host).copied()
    }

    /// The address of another network that a record's log names as the host's own after it, and where nothing shows
    /// that the host kept this one.
    pub(super) fn other_since(&self, event: usize, address: IpAddr) -> Option<IpAddr> {
        self.others_since.get(&(event, address)).copied()
    }

    /// Pairs with IPsec of their own between other addresses of the same two hosts, as logs or the policy name them.
    pub(super) fn other_paths(&self, pair: HostPair) -> BTreeSet<HostPair> {
        self.paths(pair, &[&self.same_host])
    }

    /// The same where link-layer addresses count too.
    pub(super) fn other_paths_of_stations(&self, pair: HostPair) -> BTreeSet<HostPair> {
        self.paths(pair, &[&self.same_host, &self.same_station])
    }

    /// The same where addresses count that states of hosts list.
    pub(super) fn other_paths_of_states(&self, pair: HostPair) -> BTreeSet<HostPair> {
        self.paths(pair, &[&self.same_host, &self.same_by_state])
    }

    /// The states of a host, by their moments.
    pub(super) fn states_of(&self, host: IpAddr) -> &[&'a HostState] {
        self.states.get(&host).map_or(&[], Vec::as_slice)
    }

    fn paths(
        &self,
        pair: HostPair,
        ties: &[&BTreeMap<IpAddr, BTreeSet<IpAddr>>],
    ) -> BTreeSet<HostPair> {
        let of = |host: IpAddr| {
            ties.iter().filter_map(move |tie| tie.get(&host)).flatten().copied().collect::<Vec<_>>()
        };
        let (mut one, mut other) = (of(pair.a()), of(pair.b()));
        one.push(pair.a());
        other.push(pair.b());
        one.into_iter()
            .flat_map(|a| other.iter().map(move |b| HostPair::new(a, *b)))
            .filter(|path| *path != pair && self.protected.contains_key(path))
            .collect()
    }

    /// Who negotiates for a pair without IPsec of its own: the tunnels whose logged selectors contain it, else
    /// every pair that shows ESP or IKE in the capture of the pair. Where those are many, none of them is
    /// certainly the pair's gateway, and none is named. Returns whether a log names them.
    pub(super) fn gateways_for(
        &self,
        pair: HostPair,
        run: &ClassRun,
    ) -> (BTreeSet<HostPair>, bool) {
        let capture = run.first.evidence;
        let logged: BTreeSet<HostPair> = self
            .tunnels
            .iter()
            .filter(|tunnel| tunnel.life.touches(run))
            .filter(|tunnel| {
                let event = self.facts.events.get(tunnel.event);
                event.is_some_and(|e| selector_covers(&e.event, pair))
            })
            .map(|tunnel| tunnel.ends)
            .take(MOST_GATEWAYS)
            .collect();
        if !logged.is_empty() {
            return (logged, true);
        }
        let capture = self.facts.first_files.of(capture);
        let shown = self.gateways.get(&capture).filter(|pairs| pairs.len() <= MOST_GATEWAYS);
        (shown.cloned().unwrap_or_default(), false)
    }

    /// Quick mode events of these tunnels, where their selectors are known and none of them contains the pair.
    pub(super) fn selectors_exclude(
        &self,
        tunnels: &BTreeSet<HostPair>,
        pair: HostPair,
        run: &ClassRun,
    ) -> Vec<usize> {
        let of_tunnels: Vec<usize> = self
            .tunnels
            .iter()
            .filter(|tunnel| tunnels.contains(&tunnel.ends) && tunnel.life.touches(run))
            .map(|tunnel| tunnel.event)
            .collect();
        let covers = |index: &usize| {
            self.facts.events.get(*index).is_some_and(|e| selector_covers(&e.event, pair))
        };
        if of_tunnels.iter().any(covers) { Vec::new() } else { of_tunnels }
    }
}

impl Index<'_> {
    /// Events of SAs that were created between the two and whose filters name ports or a protocol, where none
    /// of the pair's SAs of that time covers any of these services. SAs that the captures do not show are known
    /// only from their own events.
    pub(super) fn filters_exclude(
        &self,
        pair: HostPair,
        services: &BTreeSet<Service>,
        run: &ClassRun,
    ) -> Vec<usize> {
        let of_pair = self.own_filters.get(&pair).map_or(&[][..], Vec::as_slice);
        let in_time: Vec<usize> = of_pair
            .iter()
            .filter(|(at, life)| self.is_joined(*at) || life.touches(run))
            .map(|(at, _)| *at)
            .collect();
        if in_time.iter().any(|at| self.covers(*at, services)) {
            return Vec::new();
        }
        let is_of_captures = |at: &usize| {
            let event = self.facts.events.get(*at).map(|placed| &placed.event);
            let has_spi =
                event.is_some_and(|e| e.inbound_spi().is_some() || e.outbound_spi().is_some());
            self.is_joined(*at) || !has_spi || self.spi_uses(pair).is_empty()
        };
        in_time.into_iter().filter(is_of_captures).collect()
    }

    /// Whether logs name the filter of an SPI of a pair, and it held none of a window's traffic: neither the services
    /// nor, of a tunnel, the two hosts.
    pub(super) fn never_covered(
        &self,
        (of, way, run): (HostPair, Direction, &ClassRun),
        window: &CleartextWindow,
    ) -> bool {
        let known = self.spi_filters.get(&(of, way, run.first));
        known.is_some_and(|all| !all.iter().any(|at| self.held(*at, window)))
    }

    /// Whether the filter of an event holds traffic of a window; true where it names none.
    pub(super) fn held(&self, event: usize, window: &CleartextWindow) -> bool {
        let placed = self.facts.events.get(event);
        let is_tunnel = placed.is_some_and(|placed| tunnel_of(&placed.event).is_some());
        let holds_pair =
            !is_tunnel || placed.is_some_and(|placed| selector_covers(&placed.event, window.pair));
        holds_pair && (window.services.is_empty() || self.covers(event, &window.services))
    }

    fn is_joined(&self, event: usize) -> bool {
        self.facts.events.get(event).is_some_and(|placed| placed.join.is_some())
    }

    /// Whether the filter of an event names ports or a protocol, and lets any of these services through.
    pub(super) fn names(&self, event: usize, services: &BTreeSet<Service>) -> bool {
        let event = self.facts.events.get(event).map(|placed| &placed.event);
        let selector = event.and_then(|event| event.selector());
        selector.is_some_and(|s| {
            let ports = [s.local_port, s.peer_port].into_iter().flatten().any(|port| port != 0);
            let is_one = ports || s.protocol.is_some_and(|protocol| protocol != 0);
            is_one && services.iter().any(|service| filter_covers(&s, *service))
        })
    }

    /// Whether the filter of an event lets any of these services through; true where it names none.
    pub(super) fn covers(&self, event: usize, services: &BTreeSet<Service>) -> bool {
        let event = self.facts.events.get(event).map(|placed| &placed.event);
        let selector = event.and_then(|event| event.selector());
        selector.is_none_or(|s| services.iter().any(|service| filter_covers(&s, *service)))
    }
}

/// Events of one kind whose time on the captures' clock is known.
pub(super) fn placed(
    facts: &Facts,
    is_one: impl Fn(&PlacedEvent) -> bool,
) -> Vec<(Timestamp, usize)> {
    let events = facts.events.iter().enumerate().filter(|(_, e)| is_one(e));
    events.filter_map(|(index, e)| Some((e.corrected?, index))).collect()
}

/// The span in which an event may have happened: rules allow for [`JITTER`], and a clock of lower accuracy
/// widens it.
pub(super) fn reach(facts: &Facts, time: Timestamp, index: usize) -> (Timestamp, Timestamp) {
    let error = facts.events.get(index).and_then(|placed| placed.error).unwrap_or_default();
    let more = Span((error.0 - JITTER.0).clamp(0, MOST_UNSURE.0));
    (time.shifted(more.negated()), time.shifted(more))
}

/// A clock with a larger error is not used to place an event.
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

/// Pairs on one capture that may be gateways of others.
const MOST_GATEWAYS: usize = 8;
/// SPIs of one pair that a readable Delete is compared with.
const MOST_SPIS: usize = 4096;
