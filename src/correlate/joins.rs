//! Which log events and which captured negotiations and SAs are the same thing, recognized by numbers that both
//! contain. No clock is used.
//!
//! A join that more than one thing fits is dropped. Rules: docs/causes.md.

use crate::catalogue::{Category, Reason, SA_STATE};
use crate::eventlog::LogEvent;
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Outcome, Spi};
use crate::protection::{EspSpi, Stream};
use crate::summary::{LogId, Summary};
use crate::time::{Span, Timestamp};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

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

/// The captured item that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    /// The evidence for the join.
    pub key: JoinKey,
    /// The negotiation: its index in the facts; `None` where the captures show the SA alone.
    pub exchange: Option<usize>,
    /// The SA, by its two hosts and the SPI that was found.
    pub sa: Option<(HostPair, EspSpi)>,
    /// The time, by the captures' clock, of what the event reports; `None` where the host may have logged it at
    /// any later time.
    pub(super) on_wire: Option<OnWire>,
}

/// A moment in the captures that a log should record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OnWire {
    pub(super) time: Timestamp,
    /// The message itself was seen, not only what followed from it.
    pub(super) is_tight: bool,
}

/// The joins of every log, by place of the event in its log.
pub(super) type Joins = BTreeMap<LogId, BTreeMap<usize, Join>>;

/// Joins every event that contains a number of the captures.
pub(super) fn find(summary: &Summary, exchanges: &[IkeExchange]) -> Joins {
    let wire = Wire::gather(summary, exchanges);
    let mut joins = Joins::new();
    for (id, log) in &summary.logs {
        let mut of_log = BTreeMap::new();
        for (place, event) in log.events.iter().enumerate() {
            if let Some(join) = wire.join(event) {
                of_log.insert(place, join);
            }
        }
        join_by_main_mode(&log.events, exchanges, &mut of_log);
        joins.insert(*id, of_log);
    }
    joins
}

/// Events that name a main mode SA which another event of the same boot ties to a negotiation, no earlier than
/// it began and no later than a main mode lives, by the log's own clock: an export need not show the start.
fn join_by_main_mode(
    events: &[LogEvent],
    exchanges: &[IkeExchange],
    joins: &mut BTreeMap<usize, Join>,
) {
    let mut boot = 0u32;
    let mut boots = Vec::with_capacity(events.len());
    let mut known: BTreeMap<(u32, u64), Lives> = BTreeMap::new();
    for (place, event) in events.iter().enumerate() {
        // Numbers restart with every start of the system.
        boot += u32::from(event.category == Category::HostState);
        boots.push(boot);
        let exchange = joins.get(&place).and_then(|join| join.exchange);
        if let Some((sa, exchange)) = event.main_mode_sa().filter(|sa| *sa != 0).zip(exchange) {
            let of_sa = known.entry((boot, sa)).or_default().entry(exchange).or_default();
            let span = event.time.zip(exchanges.get(exchange));
            if let Some((from, to)) =
                span.map(|(shown, exchange)| life(shown, exchange, event.category))
            {
                *of_sa =
                    Some(of_sa.map_or((from, to), |(one, other)| (one.max(from), other.min(to))));
            }
        }
    }
    for ((place, event), boot) in events.iter().enumerate().zip(boots) {
        let Some(sa) = event.main_mode_sa().filter(|_| !joins.contains_key(&place)) else {
            continue;
        };
        let Some(of_sa) = known.get(&(boot, sa)).filter(|all| all.len() == 1) else { continue };
        let Some((exchange, span)) = of_sa.first_key_value() else { continue };
        let time = event.time;
        if span.zip(time).is_some_and(|((from, to), time)| time < from || time > to) {
            continue;
        }
        let (key, exchange) = (JoinKey::MainModeSa, Some(*exchange));
        joins.insert(place, Join { key, exchange, sa: None, on_wire: None });
    }
}

/// Negotiations, and when records of them can lie by a log's clock.
type Lives = BTreeMap<usize, Option<(Timestamp, Timestamp)>>;

/// When records of a negotiation can lie, by a log's clock, that has one of it at a time: no earlier than its first
/// message was sent before that, and no later than its SA lives. A record comes some time behind what it reports.
fn life(shown: Timestamp, exchange: &IkeExchange, category: Category) -> (Timestamp, Timestamp) {
    let is_near = matches!(category, Category::IkeFailure | Category::SaEstablished);
    let from = if exchange.start_seen && is_near {
        shown.shifted(exchange.end.since(exchange.start).negated()).shifted(LOGGED.negated())
    } else {
        shown.shifted(MAIN_MODE_LIFE.negated())
    };
    (from, shown.shifted(MAIN_MODE_LIFE))
}

/// As long as Windows tries a negotiation before it logs the failure, and a little.
const LOGGED: Span = Span::from_seconds(180);
/// Windows' main-mode lifetime, 480 minutes.
const MAIN_MODE_LIFE: Span = Span::from_seconds(8 * 60 * 60);

/// An SA as the captures show it.
#[derive(Clone, Copy)]
struct SeenSa {
    pair: HostPair,
    /// Who sends under this SPI.
    sender: IpAddr,
    first: Timestamp,
    /// It may have been created before the capture.
    is_old: bool,
    /// Its sequence numbers show that packets preceded the first captured one.
    is_midway: bool,
}

/// Hosts that take part in a negotiation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hosts {
    /// This one and any other.
    One(IpAddr),
    /// These two.
    Both(HostPair),
}

/// Captured items by the numbers that logs also contain. Evidence may repeat one number any number of times:
/// each look-up examines only the first few, because more than one match is none.
struct Wire<'a> {
    exchanges: &'a [IkeExchange],
    /// Negotiations by the initiator's cookie, with the responder's and without, between these hosts or any.
    by_cookie: BTreeMap<(Spi, Option<Spi>, Option<HostPair>), Vec<usize>>,
    /// Negotiations by a message ID and hosts that take part.
    by_message: BTreeMap<(u32, Hosts), Vec<usize>>,
    /// The SAs of an SPI, by sender and receiver.
    by_spi: BTreeMap<u32, BTreeMap<(IpAddr, IpAddr), SeenSa>>,
    /// Those of an SPI by their receiver.
    by_receiver: BTreeSet<(u32, IpAddr, IpAddr)>,
    /// Answers of [`Self::both_ways`].
    both_ways: RefCell<BTreeMap<(u32, u32), Vec<SeenSa>>>,
    /// Per pair, when messages were sent that can complete SAs, and in which negotiation; ascending.
    completions: BTreeMap<HostPair, Vec<(Timestamp, usize)>>,
}

impl<'a> Wire<'a> {
    fn gather(summary: &Summary, exchanges: &'a [IkeExchange]) -> Self {
        let mut wire = Self {
            exchanges,
            by_cookie: BTreeMap::new(),
            by_message: BTreeMap::new(),
            by_spi: BTreeMap::new(),
            by_receiver: BTreeSet::new(),
            both_ways: RefCell::default(),
            completions: BTreeMap::new(),
        };
        for (at, exchange) in exchanges.iter().enumerate() {
            let pair = exchange.pair();
            for responder in [None, Some(exchange.responder_spi)] {
                for hosts in [None, Some(pair)] {
                    let key = (exchange.initiator_spi, responder, hosts);
                    wire.by_cookie.entry(key).or_default().push(at);
                }
            }
            for id in exchange.quick_mode_ids() {
                for hosts in [Hosts::One(pair.a()), Hosts::One(pair.b()), Hosts::Both(pair)] {
                    let known = wire.by_message.entry((id, hosts)).or_default();
                    if known.last() != Some(&at) {
                        known.push(at);
                    }
                }
            }
            let of_pair = wire.completions.entry(pair).or_default();
            of_pair.extend(exchange.completions.iter().map(|time| (*time, at)));
        }
        wire.completions.values_mut().for_each(|times| times.sort_unstable());
        let first_files = summary.first_files();
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
                let file = first.first.evidence;
                let begins = first_files.of(file);
                let capture = summary.captures.get(&begins);
                let begun = capture.and_then(|capture| capture.span).map(|(begun, _)| begun);
                // What has another number than 1 came behind packets that no capture shows.
                let marks = summary.captures.get(&file);
                let marks = marks.and_then(|capture| capture.esp_packets.get(&(pair, stream)));
                let is_first = marks.and_then(|all| all.first()).is_none_or(|esp| esp.number == 1);
                let is_old =
                    !is_first || begun.is_none_or(|begun| first.start.since(begun) <= SOON);
                let midway = summary.captures.get(&file).map(|capture| &capture.begun_before);
                let is_midway = midway.is_some_and(|all| all.contains(&(pair, stream)));
                let seen = SeenSa { pair, sender, first: first.start, is_old, is_midway };
                let receiver = if is_a { pair.b() } else { pair.a() };
                let same = wire.by_spi.entry(spi.0).or_default();
                let known = same.entry((sender, receiver)).or_insert(seen);
                if seen.first < known.first {
                    *known = seen;
                }
                wire.by_receiver.insert((spi.0, receiver, sender));
            }
        }
        wire
    }

    fn join(&self, event: &LogEvent) -> Option<Join> {
        // The byte order of cookies in exports of a state and in events of a trace is not documented.
        let turned = || {
            let is_state = event.channel == SA_STATE || event.provider == "Microsoft-Windows-WFP";
            let back = |cookie: [u8; 8]| u64::from_be_bytes(cookie).swap_bytes().to_be_bytes();
            let theirs = event.responder_cookie().map(back);
            is_state.then(|| self.by_cookies(event, event.initiator_cookie().map(back)?, theirs))?
        };
        let as_recorded = event
            .initiator_cookie()
            .and_then(|own| self.by_cookies(event, own, event.responder_cookie()));
        as_recorded
            .or_else(turned)
            .or_else(|| self.by_spi(event))
            .or_else(|| self.by_message(event))
    }

    fn by_cookies(&self, event: &LogEvent, own: [u8; 8], theirs: Option<[u8; 8]>) -> Option<Join> {
        let cookie = Spi(Some(own).filter(|cookie| *cookie != [0; 8])?);
        let theirs = theirs.filter(|cookie| *cookie != [0; 8]).map(Spi);
        // A negotiation whose responder's cookie was not seen fits any.
        let fitting = match theirs {
            Some(theirs) => BTreeSet::from([Some(theirs), Some(Spi([0; 8]))]),
            None => BTreeSet::from([None]),
        };
        let between = |hosts: Option<HostPair>| {
            let lists = fitting.iter().filter_map(|theirs| {
                self.by_cookie.get(&(cookie, *theirs, hosts)).map(Vec::as_slice)
            });
            first_two(lists)
        };
        let exchange = only(between(None), event, |own| between(Some(own)))?;
        let on_wire = self.failure_time(event, exchange);
        Some(Join { key: JoinKey::Cookie, exchange: Some(exchange), sa: None, on_wire })
    }

    fn by_message(&self, event: &LogEvent) -> Option<Join> {
        let id = event.message_id().filter(|id| *id != 0)?;
        let ids = [id, id.swap_bytes()];
        // 32 bits alone prove too little: the hosts have to match as well.
        let (local, peer) = event.esp_endpoints()?;
        let of = |hosts: &[Hosts]| {
            let keys = ids.iter().flat_map(|id| hosts.iter().map(move |hosts| (*id, *hosts)));
            first_two(keys.filter_map(|key| self.by_message.get(&key).map(Vec::as_slice)))
        };
        let all = of(&[Hosts::One(local), Hosts::One(peer)]);
        let exchange = only(all, event, |own| of(&[Hosts::Both(own)]))?;
        let on_wire = self.failure_time(event, exchange);
        Some(Join { key: JoinKey::MessageId, exchange: Some(exchange), sa: None, on_wire })
    }

    /// A refusal is logged as it is sent or read. A host that waits in vain logs when it gives up, which no
    /// capture shows.
    fn failure_time(&self, event: &LogEvent, exchange: usize) -> Option<OnWire> {
        let exchange = self.exchanges.get(exchange)?;
        let gave_up = matches!(event.reason, Some(Reason::Timeout | Reason::NoResponse));
        // After retransmissions, it is unknown at which of them a host gave up.
        let repeats = exchange.retransmissions > 0;
        let waits = exchange.outcome == Outcome::NoResponse || gave_up || repeats;
        let is_shown =
            event.category == Category::IkeFailure && exchange.outcome.is_failure() && !waits;
        is_shown.then_some(OnWire { time: exchange.end, is_tight: true })
    }

    /// Windows does not document the byte order of the SPI; both are tried.
    fn by_spi(&self, event: &LogEvent) -> Option<Join> {
        let as_recorded = self.sa(event, |spi| spi);
        let swapped = self.sa(event, u32::swap_bytes);
        let (spi, seen) = match (as_recorded, swapped) {
            (Some((_, one)), Some((_, other))) if one.pair != other.pair => return None,
            (Some(one), _) => one,
            (None, other) => other?,
        };
        let mut exchange = None;
        let mut on_wire = None;
        // A state shows that an SA exists, not when it was created.
        if event.category == Category::SaEstablished && event.channel != SA_STATE {
            // RFC 4303 §3.3.3: the first packet of an SA has the number 1. When an SA that was already in use
            // was created is unknown.
            let made = self.completed_before(seen.pair, seen.first).filter(|_| !seen.is_midway);
            exchange = made.map(|(_, at)| at);
            on_wire = match made {
                Some((time, _)) => Some(OnWire { time, is_tight: true }),
                None if seen.is_old || seen.is_midway => None,
                None => Some(OnWire { time: seen.first, is_tight: false }),
            };
        }
        let sa = Some((seen.pair, EspSpi(spi)));
        Some(Join { key: JoinKey::Spi, exchange, sa, on_wire })
    }

    /// The captured SA that an event's SPIs name, read in one byte order; none where several match.
    fn sa(&self, event: &LogEvent, order: impl Fn(u32) -> u32) -> Option<(u32, SeenSa)> {
        let ends = event.esp_endpoints().or(event.local().zip(event.peer()));
        let (inbound, outbound) =
            (event.inbound_spi().map(&order), event.outbound_spi().map(&order));
        let mut found: BTreeMap<HostPair, (u32, SeenSa)> = BTreeMap::new();
        let mut add = |spi: u32, sa: SeenSa| {
            let known = found.entry(sa.pair).or_insert((spi, sa));
            if sa.first < known.1.first {
                *known = (spi, sa);
            }
            // With more than two pairs there is no match, however many there are.
            found.len() < 2
        };
        if let Some((inbound, outbound)) = inbound.zip(outbound) {
            // Both SPIs between two hosts, one in each direction, are 64 matching bits.
            let both = self.both_ways(inbound, outbound);
            if !both.into_iter().all(|sa| add(inbound, sa)) {
                return None;
            }
        }
        if let Some((local, peer)) = ends {
            let ways = [(inbound, peer, local), (outbound, local, peer)];
            let mut named = ways.into_iter().filter_map(|(spi, from, to)| Some((spi?, from, to)));
            let fits = |(spi, from, to)| self.between(spi, from, to).all(|sa| add(spi, sa));
            if !named.all(fits) {
                return None;
            }
        } else if let Some((spi, peer)) = inbound.zip(event.peer()) {
            // 4960 to 4965 name the peer and one SPI, under which the peer sends.
            if !self.sent_by(spi, peer).all(|sa| add(spi, sa)) {
                return None;
            }
        }
        found.into_values().next()
    }

    /// The SAs of one SPI whose hosts use the other SPI in the other direction; of more than two pairs, those
    /// of the first two. Many events may name the same two SPIs.
    fn both_ways(&self, one: u32, other: u32) -> Vec<SeenSa> {
        if let Some(known) = self.both_ways.borrow().get(&(one, other)) {
            return known.clone();
        }
        let (all, back) = (self.by_spi.get(&one), self.by_spi.get(&other));
        let mut found = Vec::new();
        if let Some((all, back)) = all.zip(back) {
            // The shorter list is looked up in the longer one.
            let keys: Box<dyn Iterator<Item = (IpAddr, IpAddr)>> = if all.len() <= back.len() {
                Box::new(all.keys().copied())
            } else {
                Box::new(back.keys().map(|(from, to)| (*to, *from)))
            };
            let agree = keys.filter(|(from, to)| from != to && back.contains_key(&(*to, *from)));
            // At most two SAs for each pair.
            found.extend(agree.filter_map(|key| all.get(&key).copied()).take(4));
        }
        self.both_ways.borrow_mut().insert((one, other), found.clone());
        found
    }

    /// The SAs of an SPI that a host sends under.
    fn sent_by(&self, spi: u32, host: IpAddr) -> impl Iterator<Item = SeenSa> {
        let of_host = self.by_spi.get(&spi).map(|all| all.range((host, LOWEST)..));
        let of_host = of_host.into_iter().flatten().take_while(move |((from, _), _)| *from == host);
        of_host.map(|(_, sa)| *sa)
    }

    /// The SAs of an SPI whose packets go from the one to the other, as far as one address shows it: behind a
    /// NAT, the other address is not the one in the captures.
    fn between(&self, spi: u32, from: IpAddr, to: IpAddr) -> impl Iterator<Item = SeenSa> {
        let all = self.by_spi.get(&spi);
        let to_host = self.by_receiver.range((spi, to, LOWEST)..);
        let to_host = to_host.take_while(move |(of, at, _)| (*of, *at) == (spi, to));
        let received = to_host.filter_map(move |(_, at, by)| all?.get(&(*by, *at)).copied());
        let sent = self.sent_by(spi, from);
        sent.chain(received).filter(move |sa| is_of(*sa, from, to))
    }

    /// The last message that can have completed an SA with its first packet at this time.
    fn completed_before(&self, pair: HostPair, first: Timestamp) -> Option<(Timestamp, usize)> {
        let times = self.completions.get(&pair)?;
        let sent = times.partition_point(|(time, _)| *time <= first);
        let last = sent.checked_sub(1).and_then(|at| times.get(at)).copied()?;
        (first.since(last.0) <= SOON).then_some(last)
    }
}

/// The only negotiation, or the only one of the event's own two hosts; none where several remain.
fn only(
    all: BTreeSet<usize>,
    event: &LogEvent,
    of_pair: impl FnOnce(HostPair) -> BTreeSet<usize>,
) -> Option<usize> {
    if all.len() < 2 {
        return all.first().copied();
    }
    let (local, peer) = event.local().zip(event.peer())?;
    let of_pair = of_pair(HostPair::new(local, peer));
    of_pair.first().copied().filter(|_| of_pair.len() == 1)
}

/// The only item in the lists, or two of them where there are more. Each list holds everything once.
fn first_two<'l>(lists: impl Iterator<Item = &'l [usize]>) -> BTreeSet<usize> {
    lists.flat_map(|list| list.iter().take(2)).copied().collect()
}

/// Whether an SA's packets go from the one to the other, as far as one address shows it.
fn is_of(sa: SeenSa, sender: IpAddr, receiver: IpAddr) -> bool {
    let other = if sa.pair.a() == sa.sender { sa.pair.b() } else { sa.pair.a() };
    match (sa.sender == sender, other == receiver) {
        (true, true) => true,
        (true, false) => !sa.pair.contains(receiver),
        (false, true) => !sa.pair.contains(sender),
        (false, false) => false,
    }
}

/// The first address in order.
const LOWEST: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
/// An SA is used this soon after its negotiation: traffic was waiting for it.
const SOON: Span = Span::from_seconds(10);
