//! Which log events and which negotiations and SAs of the captures are the same thing, told by numbers
//! that both carry. No clock is asked.
//!
//! A join that more than one thing fits is no join. Rules: docs/causes.md.

use crate::catalogue::{Category, Reason};
use crate::eventlog::LogEvent;
use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Outcome, Spi};
use crate::protection::{EspSpi, Stream};
use crate::summary::Summary;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The number that log and capture share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JoinKey {
    /// The initiator's cookie, and the responder's where both are known.
    Cookie,
    /// An SPI of ESP or AH, in either byte order.
    Spi,
    /// The message ID of an IKEv1 quick mode.
    MessageId,
    /// The number of a main mode SA, which another event of the same log ties to the captures.
    MainModeSa,
}

impl JoinKey {
    /// The key as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Spi => "spi",
            Self::MessageId => "message_id",
            Self::MainModeSa => "main_mode_sa",
        }
    }
}

/// What of the captures an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    /// What tells so.
    pub key: JoinKey,
    /// The negotiation: its index in the facts; `None` where the captures show the SA alone.
    pub exchange: Option<usize>,
    /// The SA, by its two hosts and the SPI that was found.
    pub sa: Option<(HostPair, EspSpi)>,
    /// When, by the captures' clock, the thing happened that the event tells of; `None` where the
    /// host may have logged it any time later.
    pub(super) on_wire: Option<OnWire>,
}

/// A moment of the captures that a log should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OnWire {
    pub(super) time: Timestamp,
    /// The message itself was seen, not only what followed from it.
    pub(super) is_tight: bool,
}

/// The joins of every log, by place of the event in its log.
pub(super) type Joins = BTreeMap<EvidenceId, BTreeMap<usize, Join>>;

/// Joins every event that carries a number of the captures.
pub(super) fn find(summary: &Summary, exchanges: &[IkeExchange]) -> Joins {
    let wire = Wire::of(summary, exchanges);
    let mut joins = Joins::new();
    for (evidence, log) in &summary.logs {
        let mut of_log = BTreeMap::new();
        for (place, event) in log.events.iter().enumerate() {
            if let Some(join) = wire.join(event) {
                of_log.insert(place, join);
            }
        }
        join_by_main_mode(&log.events, &mut of_log);
        joins.insert(*evidence, of_log);
    }
    joins
}

/// Events that name a main mode SA which another event of the same boot ties to a negotiation.
fn join_by_main_mode(events: &[LogEvent], joins: &mut BTreeMap<usize, Join>) {
    let mut boot = 0u32;
    let mut boots = Vec::with_capacity(events.len());
    let mut known: BTreeMap<(u32, u64), BTreeSet<usize>> = BTreeMap::new();
    for (place, event) in events.iter().enumerate() {
        // Numbers begin anew with every start of the system.
        boot += u32::from(event.category == Category::HostState);
        boots.push(boot);
        let exchange = joins.get(&place).and_then(|join| join.exchange);
        if let Some((sa, exchange)) = event.main_mode_sa().filter(|sa| *sa != 0).zip(exchange) {
            known.entry((boot, sa)).or_default().insert(exchange);
        }
    }
    for ((place, event), boot) in events.iter().enumerate().zip(boots) {
        let Some(sa) = event.main_mode_sa().filter(|_| !joins.contains_key(&place)) else {
            continue;
        };
        let Some(of_sa) = known.get(&(boot, sa)).filter(|all| all.len() == 1) else { continue };
        let (key, exchange) = (JoinKey::MainModeSa, of_sa.first().copied());
        joins.insert(place, Join { key, exchange, sa: None, on_wire: None });
    }
}

/// An SA as the captures show it.
#[derive(Clone, Copy)]
struct SeenSa {
    pair: HostPair,
    /// Who sends under this SPI.
    sender: IpAddr,
    first: Timestamp,
    /// It may be older than the capture.
    is_old: bool,
}

/// What the captures show under numbers that logs carry too.
struct Wire<'a> {
    exchanges: &'a [IkeExchange],
    by_cookie: BTreeMap<Spi, Vec<usize>>,
    by_message: BTreeMap<u32, Vec<usize>>,
    by_spi: BTreeMap<u32, Vec<SeenSa>>,
    /// Per pair, when messages were sent that can complete SAs, and in which negotiation; ascending.
    completions: BTreeMap<HostPair, Vec<(Timestamp, usize)>>,
}

impl<'a> Wire<'a> {
    fn of(summary: &Summary, exchanges: &'a [IkeExchange]) -> Self {
        let mut wire = Self {
            exchanges,
            by_cookie: BTreeMap::new(),
            by_message: BTreeMap::new(),
            by_spi: BTreeMap::new(),
            completions: BTreeMap::new(),
        };
        for (at, exchange) in exchanges.iter().enumerate() {
            wire.by_cookie.entry(exchange.initiator_spi).or_default().push(at);
            for id in exchange.quick_mode_ids() {
                wire.by_message.entry(id).or_default().push(at);
            }
            let of_pair = wire.completions.entry(exchange.pair()).or_default();
            of_pair.extend(exchange.completions.iter().map(|time| (*time, at)));
        }
        wire.completions.values_mut().for_each(|times| times.sort_unstable());
        for (pair, streams) in summary.streams() {
            for (stream, _, runs) in streams {
                let (Stream::Esp(spi, way)
                | Stream::Ah(spi, way)
                | Stream::WespIntegrityOnly(spi, way)) = stream
                else {
                    continue;
                };
                let Some(first) = runs.first().filter(|_| spi != EspSpi(0)) else { continue };
                let is_a = way == pair.direction_from(pair.a());
                let sender = if is_a { pair.a() } else { pair.b() };
                let capture = summary.captures.get(&first.first.evidence);
                let begun = capture.and_then(|capture| capture.span).map(|(begun, _)| begun);
                let is_old = begun.is_none_or(|begun| first.start.since(begun) <= SOON);
                let seen = SeenSa { pair, sender, first: first.start, is_old };
                let same = wire.by_spi.entry(spi.0).or_default();
                match same.iter_mut().find(|k| (k.pair, k.sender) == (pair, sender)) {
                    Some(known) if known.first <= first.start => {}
                    Some(known) => *known = seen,
                    None => same.push(seen),
                }
            }
        }
        wire
    }

    fn join(&self, event: &LogEvent) -> Option<Join> {
        self.by_cookie(event).or_else(|| self.by_spi(event)).or_else(|| self.by_message(event))
    }

    fn by_cookie(&self, event: &LogEvent) -> Option<Join> {
        let cookie = Spi(event.initiator_cookie().filter(|cookie| *cookie != [0; 8])?);
        let theirs = event.responder_cookie().filter(|cookie| *cookie != [0; 8]).map(Spi);
        let fits = |at: &&usize| {
            let seen = self.exchanges.get(**at).map(|x| x.responder_spi);
            let seen = seen.filter(|spi| !spi.is_zero());
            theirs.zip(seen).is_none_or(|(told, seen)| told == seen)
        };
        let all = self.by_cookie.get(&cookie)?;
        let exchange = self.only(event, all.iter().filter(fits).copied())?;
        let on_wire = self.failure_time(event, exchange);
        Some(Join { key: JoinKey::Cookie, exchange: Some(exchange), sa: None, on_wire })
    }

    fn by_message(&self, event: &LogEvent) -> Option<Join> {
        let id = event.message_id().filter(|id| *id != 0)?;
        let ids = BTreeSet::from([id, id.swap_bytes()]);
        let all = ids.iter().filter_map(|id| self.by_message.get(id)).flatten().copied();
        // 32 bits alone prove too little: the hosts have to agree.
        let (local, peer) = event.esp_endpoints()?;
        let of_hosts = |at: &usize| {
            let pair = self.exchanges.get(*at).map(IkeExchange::pair);
            pair.is_some_and(|pair| pair.contains(local) || pair.contains(peer))
        };
        let exchange = self.only(event, all.filter(of_hosts))?;
        let on_wire = self.failure_time(event, exchange);
        Some(Join { key: JoinKey::MessageId, exchange: Some(exchange), sa: None, on_wire })
    }

    /// The one negotiation, or the one of the event's own two hosts; none where several are left.
    fn only(&self, event: &LogEvent, all: impl Iterator<Item = usize>) -> Option<usize> {
        let all: BTreeSet<usize> = all.collect();
        if all.len() < 2 {
            return all.first().copied();
        }
        let (local, peer) = event.local().zip(event.peer())?;
        let own = HostPair::new(local, peer);
        let mut of_pair =
            all.into_iter().filter(|at| self.exchanges.get(*at).is_some_and(|x| x.pair() == own));
        of_pair.next().filter(|_| of_pair.next().is_none())
    }

    /// A refusal is logged as it is sent or read. A host that waits in vain logs when it gives up,
    /// which is no moment of the captures.
    fn failure_time(&self, event: &LogEvent, exchange: usize) -> Option<OnWire> {
        let exchange = self.exchanges.get(exchange)?;
        let gave_up = matches!(event.reason, Some(Reason::Timeout | Reason::NoResponse));
        // Behind messages that were sent again nobody knows at which of them a host lost its patience.
        let repeats = exchange.retransmissions > 0;
        let waits = exchange.outcome == Outcome::NoResponse || gave_up || repeats;
        let is_told =
            event.category == Category::IkeFailure && exchange.outcome.is_failure() && !waits;
        is_told.then_some(OnWire { time: exchange.end, is_tight: true })
    }

    /// Windows does not document the byte order of the SPI; both are tried.
    fn by_spi(&self, event: &LogEvent) -> Option<Join> {
        let as_told = self.sa(event, |spi| spi);
        let swapped = self.sa(event, u32::swap_bytes);
        let (spi, seen) = match (as_told, swapped) {
            (Some((_, one)), Some((_, other))) if one.pair != other.pair => return None,
            (Some(one), _) => one,
            (None, other) => other?,
        };
        let mut exchange = None;
        let mut on_wire = None;
        if event.category == Category::SaEstablished {
            let made = self.completed_before(seen.pair, seen.first);
            exchange = made.map(|(_, at)| at);
            on_wire = match made {
                Some((time, _)) => Some(OnWire { time, is_tight: true }),
                None if seen.is_old => None,
                None => Some(OnWire { time: seen.first, is_tight: false }),
            };
        }
        let sa = Some((seen.pair, EspSpi(spi)));
        Some(Join { key: JoinKey::Spi, exchange, sa, on_wire })
    }

    /// The SA of the captures that an event's SPIs name, read in one byte order.
    fn sa(&self, event: &LogEvent, order: impl Fn(u32) -> u32) -> Option<(u32, SeenSa)> {
        let ends = event.esp_endpoints().or(event.local().zip(event.peer()));
        let (inbound, outbound) =
            (event.inbound_spi().map(&order), event.outbound_spi().map(&order));
        let seen = |spi: Option<u32>| {
            let all = spi.and_then(|spi| Some((spi, self.by_spi.get(&spi)?)));
            all.into_iter().flat_map(|(spi, all)| all.iter().map(move |sa| (spi, *sa)))
        };
        let mut found: BTreeMap<HostPair, (u32, SeenSa)> = BTreeMap::new();
        let mut add = |spi: u32, sa: SeenSa| {
            let known = found.entry(sa.pair).or_insert((spi, sa));
            if sa.first < known.1.first {
                *known = (spi, sa);
            }
        };
        for (spi, sa) in seen(inbound) {
            // Both SPIs between two hosts, one each way, are 64 bits that agree.
            let both = seen(outbound).any(|(_, o)| o.pair == sa.pair && o.sender != sa.sender);
            if both || ends.is_some_and(|(local, peer)| is_of(sa, peer, local)) {
                add(spi, sa);
            }
        }
        for (spi, sa) in seen(outbound) {
            if ends.is_some_and(|(local, peer)| is_of(sa, local, peer)) {
                add(spi, sa);
            }
        }
        // 4960 to 4965 name the peer and one SPI, which the peer sends under.
        if ends.is_none() {
            for (spi, sa) in seen(inbound) {
                if event.peer() == Some(sa.sender) {
                    add(spi, sa);
                }
            }
        }
        let only = found.len() == 1;
        found.into_values().next().filter(|_| only)
    }

    /// The last message that can have completed an SA whose first packet came then.
    fn completed_before(&self, pair: HostPair, first: Timestamp) -> Option<(Timestamp, usize)> {
        let times = self.completions.get(&pair)?;
        let sent = times.partition_point(|(time, _)| *time <= first);
        let last = sent.checked_sub(1).and_then(|at| times.get(at)).copied()?;
        (first.since(last.0) <= SOON).then_some(last)
    }
}

/// Whether an SA's packets go from the one to the other, as far as one address tells: behind a NAT the
/// other one is not that of the captures.
fn is_of(sa: SeenSa, sender: IpAddr, receiver: IpAddr) -> bool {
    let other = if sa.pair.a() == sa.sender { sa.pair.b() } else { sa.pair.a() };
    match (sa.sender == sender, other == receiver) {
        (true, true) => true,
        (true, false) => !sa.pair.contains(receiver),
        (false, true) => !sa.pair.contains(sender),
        (false, false) => false,
    }
}

/// So soon after its negotiation an SA that was asked for is used: traffic was waiting for it.
const SOON: Span = Span::from_seconds(10);
