//! What had to be protected without a policy that requires it: what the evidence proves of two hosts, and when.
//!
//! IPsec that was in force requires protection; attempts that failed prove only that one host asked for it.
//! Rules and sources: docs/method-and-limits.md, "What had to be protected".

mod gateways;
mod scans;
mod seen;

use self::gateways::Gateways;
use self::scans::{Scans, is_answered, scans};
use self::seen::SeenEsp;
use super::stretches::Stretches;
use super::usable::UsableTimes;
use super::{CleartextWindow, PlacedEvent, SaFacts, SasByPair, cause};
use crate::catalogue::Category;
use crate::eventlog::{LogEvent, Role, Selector};
use crate::hosts::{Direction, HostPair};
use crate::ike::{IkeExchange, Outcome};
use crate::policy::InferredFrom;
use crate::protection::{EspSpi, ProtectionClass, Service, Stream};
use crate::summary::{ClassRun, JudgedStream, StreamsByPair, Summary};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A span of time.
type TimeSpan = (Timestamp, Timestamp);

/// What the evidence proves of one pair's obligation.
#[derive(Clone, Debug, Default)]
pub(super) struct Obligation {
    required: BTreeMap<InferredFrom, Vec<TimeSpan>>,
    attempted: BTreeSet<InferredFrom>,
    /// The required spans, merged.
    in_force: Stretches<()>,
    /// Attempts that count by themselves: answered, logged as failed, or followed by clear text.
    decisive: Stretches<()>,
    /// All attempts.
    attempts: Stretches<()>,
    /// Two attempts are so close to each other that they count together.
    repeated: bool,
    /// The two are the ends of a tunnel, and each of their security associations is shown to be one of a tunnel: what
    /// they send themselves need not be protected.
    only_gateways: bool,
    /// Where only logged selectors show the requirement, and each names a protocol or a port: these selectors.
    narrow: Option<Vec<Selector>>,
}

/// One source of an obligation with the time for which it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObligationSpan {
    /// The evidence for it.
    pub from: InferredFrom,
    /// Since when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
}

/// A host that sent IKE to many others and was never answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanner {
    /// The host.
    pub source: IpAddr,
    /// How many hosts never answered it.
    pub peers: usize,
}

/// Every pair's obligation, and the hosts whose attempts do not count.
#[derive(Clone, Debug, Default)]
pub(super) struct Obligations {
    pairs: BTreeMap<HostPair, Obligation>,
    pub(super) scanners: Vec<Scanner>,
}

/// One initiator cookie with all its retransmissions, or a record of a failure.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    /// The host that asked; `None` where a record does not name it.
    by: Option<IpAddr>,
    start: Timestamp,
    end: Timestamp,
    /// How long after its last message clear text of the same host counts as its consequence.
    pending: Span,
    /// The peer answered, or a host's log records the failure.
    counts_alone: bool,
    from: InferredFrom,
}

impl Attempt {
    /// One that counts by itself.
    const fn alone((start, end): TimeSpan, from: InferredFrom) -> Self {
        Self { by: None, start, end, pending: FALLS_BACK, counts_alone: true, from }
    }
}

impl Obligations {
    /// Gathers the evidence of streams, negotiations and logs.
    pub(super) fn infer(
        streams: &StreamsByPair<'_>,
        sas: &SasByPair,
        exchanges: &[IkeExchange],
        events: &[PlacedEvent],
        (usable, summary): (&UsableTimes, &Summary),
    ) -> Self {
        let gateways = Gateways::of_captures(summary);
        let sequences = usable.sequences();
        let mut gathered = Gathered { sequences, gateways, ..Gathered::default() };
        gathered.streams(streams, sas, usable);
        let seen = SeenEsp::of(streams, sas);
        let scans = scans(exchanges, streams, &seen);
        exchanges.iter().for_each(|exchange| gathered.exchange(exchange, &scans, &seen));
        events.iter().for_each(|placed| gathered.event(placed));
        gathered.both_initiate();
        let scanners =
            scans.into_iter().map(|(source, peers)| Scanner { source, peers: peers.len() });
        Self { scanners: scanners.collect(), pairs: gathered.conclude(streams, sas) }
    }

    /// What is proven of a pair; `None` where nothing is proven.
    pub(super) fn of_pair(&self, pair: HostPair) -> Option<&Obligation> {
        self.pairs.get(&pair)
    }
}

impl Obligation {
    /// The evidence that protection was required or, where there is none, that it was attempted.
    pub(super) fn sources(&self) -> BTreeSet<InferredFrom> {
        if self.is_required() {
            self.required.keys().copied().collect()
        } else {
            self.attempted.clone()
        }
    }

    /// Whether protection was required at any time.
    pub(super) fn is_required(&self) -> bool {
        !self.required.is_empty()
    }

    /// Whether attempts count, even without a clear packet near them.
    pub(super) fn is_attempted(&self) -> bool {
        self.repeated || self.decisive.last_end_before(Timestamp(i64::MAX)).is_some()
    }

    /// Whether protection was required while clear packets of a service passed.
    pub(super) fn requires(&self, run: &ClassRun, service: Service) -> bool {
        !self.only_gateways
            && self.reaches(service)
            && self.in_force.touching(run.start, run.end).next().is_some()
    }

    /// Whether the requirement covers a service: as far as selectors are known, and every service where they
    /// are not.
    pub(super) fn reaches(&self, service: Service) -> bool {
        let covers = |selector: &Selector| cause::filter_covers(selector, service);
        self.narrow.as_ref().is_none_or(|narrow| narrow.iter().any(covers))
    }

    /// Whether attempts lie in a window, or so near to it that its clear text followed them.
    pub(super) fn was_attempted(&self, window: &CleartextWindow) -> bool {
        let (from, to) = (window.run.start.shifted(NEAR.negated()), window.run.end.shifted(NEAR));
        self.decisive.touching(from, to).next().is_some()
            || self.attempts.touching(from, to).nth(1).is_some()
    }

    /// Each source with the time for which it applies.
    pub(super) fn spans(&self) -> Vec<ObligationSpan> {
        let spans = self.required.iter().flat_map(|(from, spans)| {
            merged(spans.clone()).into_iter().map(|(start, end)| ObligationSpan {
                from: *from,
                start,
                end,
            })
        });
        spans.take(MOST_SPANS).collect()
    }
}

#[derive(Default)]
struct Gathered {
    /// Captures that continue or overlap each other.
    sequences: Vec<TimeSpan>,
    required: BTreeMap<HostPair, BTreeMap<InferredFrom, Vec<TimeSpan>>>,
    attempts: BTreeMap<HostPair, Vec<Attempt>>,
    /// When each host asked the other for IPsec.
    initiated: BTreeMap<HostPair, BTreeMap<IpAddr, Vec<TimeSpan>>>,
    gateways: Gateways,
    /// The logged selectors of each pair; `None` where one covers everything, or none is known.
    narrow: BTreeMap<HostPair, Option<Vec<Selector>>>,
}

impl Gathered {
    /// ESP and AH between the two: in force where more than a header proves it, otherwise an attempt.
    fn streams(&mut self, streams: &StreamsByPair<'_>, sas: &SasByPair, usable: &UsableTimes) {
        for (pair, streams) in streams {
            let proven = proven(sas.get(pair).map_or(&[], Vec::as_slice));
            for (stream, class, runs) in streams {
                let from = match class {
                    ProtectionClass::Esp | ProtectionClass::EspNull => InferredFrom::Esp,
                    ProtectionClass::Ah => InferredFrom::Ah,
                    ProtectionClass::Ike
                    | ProtectionClass::NattKeepalive
                    | ProtectionClass::Exempt
                    | ProtectionClass::Clear
                    | ProtectionClass::NonIp
                    | ProtectionClass::Undecodable => continue,
                };
                let (Stream::Esp(spi, way)
                | Stream::WespIntegrityOnly(spi, way)
                | Stream::Ah(spi, way)) = *stream
                else {
                    continue;
                };
                // A later fragment has no SPI, and proves nothing by itself.
                let is_proven = proven.contains(&(spi, way));
                for run in runs.iter().filter(|run| usable.has(run)) {
                    if is_proven {
                        self.in_force(*pair, from, (run.start, run.end));
                    } else {
                        let from = InferredFrom::UncorroboratedEsp;
                        let attempt = Attempt::alone((run.start, run.end), from);
                        self.attempts.entry(*pair).or_default().push(attempt);
                    }
                }
            }
        }
    }

    /// IPsec was in force in a span: it requires protection throughout the captures that show it, and for a
    /// main mode lifetime before and after.
    fn in_force(&mut self, pair: HostPair, from: InferredFrom, (start, end): TimeSpan) {
        let (mut since, mut until) =
            (start.shifted(MAIN_MODE_LIFETIME.negated()), end.shifted(MAIN_MODE_LIFETIME));
        // Sequences are disjoint and in order.
        let first = self.sequences.partition_point(|(_, over)| *over < start);
        for (begun, over) in self.sequences.iter().skip(first).take_while(|(b, _)| *b <= end) {
            (since, until) = (since.min(*begun), until.max(*over));
        }
        let spans = self.required.entry(pair).or_default().entry(from).or_default();
        match spans.last_mut() {
            // Most runs of a pair lie in one span.
            Some(last) if last.0 <= since && last.1 >= until => {}
            Some(_) | None => spans.push((since, until)),
        }
    }

    fn exchange(&mut self, exchange: &IkeExchange, scans: &Scans, seen: &SeenEsp) {
        let (pair, span) = (exchange.pair(), (exchange.start, exchange.end));
        let came_up = matches!(exchange.outcome, Outcome::Established | Outcome::Ended);
        if came_up && seen.shows_sa_of(exchange) {
            return self.in_force(pair, InferredFrom::Ike, span);
        }
        let answered = is_answered(exchange);
        let (by, peer) = (exchange.initiator.ip(), exchange.responder.ip());
        if !answered && scans.get(&by).is_some_and(|peers| peers.contains(&peer)) {
            return;
        }
        if exchange.start_seen {
            self.initiated.entry(pair).or_default().entry(by).or_default().push(span);
        }
        self.attempts.entry(pair).or_default().push(Attempt {
            by: Some(by),
            start: span.0,
            end: span.1,
            pending: pending(exchange),
            counts_alone: answered,
            from: InferredFrom::Attempt,
        });
    }

    fn event(&mut self, placed: &PlacedEvent) {
        let event = &placed.event;
        // A time in an unknown zone on an unknown clock cannot be placed.
        let shown = event.time.filter(|_| !placed.is_local_time);
        let time = placed.corrected.or(shown);
        self.gateways.event(event, time);
        let (Some(pair), Some(time)) = (cause::pair_of(event), time) else { return };
        match what_it_shows(event) {
            Shows::InForce => {
                // Also in tunnel mode an SA whose selectors are two hosts protects what these send each other
                // (RFC 4301 §4.1).
                self.gateways.carries_its_own(pair);
                self.narrow(pair, event.selector());
                self.in_force(pair, InferredFrom::Log, (time, time));
            }
            Shows::Attempt => {
                let from = InferredFrom::LoggedAttempt;
                let attempt = Attempt::alone((time, time), from);
                self.attempts.entry(pair).or_default().push(attempt);
                // The responder's log of the other side's attempt does not count as its own initiation.
                let role = event.negotiation().and_then(|negotiation| negotiation.role);
                if let (Some(local), Some(Role::Initiator)) = (event.local(), role) {
                    let by_host = self.initiated.entry(pair).or_default();
                    by_host.entry(local).or_default().push((time, time));
                }
            }
            Shows::Nothing => {}
        }
    }

    /// A log names an SA of the two with these selectors.
    fn narrow(&mut self, pair: HostPair, selector: Option<Selector>) {
        let names_all = |port: Option<u16>| port.is_none_or(|port| port == 0);
        let narrow = selector.filter(|s| {
            let all_ports = names_all(s.local_port) && names_all(s.peer_port);
            !all_ports || s.protocol.is_some_and(|protocol| protocol != 0)
        });
        let of_pair = self.narrow.entry(pair).or_insert_with(|| Some(Vec::new()));
        match (of_pair.as_mut(), narrow) {
            (Some(known), Some(one)) if known.len() < MOST_SELECTORS => {
                if !known.contains(&one) {
                    known.push(one);
                }
            }
            (Some(_), _) => *of_pair = None,
            (None, _) => {}
        }
    }

    /// Where each of two hosts asks the other for IPsec, the policies of both require it.
    fn both_initiate(&mut self) {
        let initiated = std::mem::take(&mut self.initiated);
        for (pair, by_host) in initiated {
            let (Some(a), Some(b)) = (by_host.get(&pair.a()), by_host.get(&pair.b())) else {
                continue;
            };
            if pair.is_one_address() {
                continue;
            }
            let of_a = Stretches::new(a.iter().map(|(start, end)| (*start, *end, ())));
            for (start, end) in b {
                let (from, to) =
                    (start.shifted(MAIN_MODE_LIFETIME.negated()), end.shifted(MAIN_MODE_LIFETIME));
                if of_a.touching(from, to).next().is_some() {
                    self.in_force(pair, InferredFrom::BothInitiate, (*start, *end));
                }
            }
        }
    }

    fn conclude(
        mut self,
        streams: &StreamsByPair<'_>,
        sas: &SasByPair,
    ) -> BTreeMap<HostPair, Obligation> {
        let mut pairs: BTreeMap<HostPair, Obligation> = BTreeMap::new();
        for (pair, mut attempts) in std::mem::take(&mut self.attempts) {
            attempts.sort_by_key(|attempt| (attempt.start, attempt.end));
            let clear = clear_runs(streams.get(&pair).map_or(&[][..], Vec::as_slice));
            let counts =
                |attempt: &&Attempt| attempt.counts_alone || is_followed(pair, attempt, &clear);
            let span = |attempt: &Attempt| (attempt.start, attempt.end, ());
            let decisive = Stretches::new(attempts.iter().filter(counts).map(span));
            let mut neighbours = attempts.iter().zip(attempts.iter().skip(1));
            let obligation = pairs.entry(pair).or_default();
            obligation.repeated = neighbours.any(|(one, next)| next.start.since(one.end) <= NEAR);
            obligation.attempted = attempts.iter().map(|attempt| attempt.from).collect();
            obligation.decisive = decisive;
            obligation.attempts = Stretches::new(attempts.iter().map(span));
        }
        for (pair, required) in self.required {
            let all = merged(required.values().flatten().copied().collect());
            let obligation = pairs.entry(pair).or_default();
            let of_pair = sas.get(&pair).map_or(&[][..], Vec::as_slice);
            obligation.only_gateways = self.gateways.are_only(pair, of_pair, &all);
            obligation.in_force =
                Stretches::new(all.into_iter().map(|(start, end)| (start, end, ())));
            let is_logged_only = required.keys().all(|from| *from == InferredFrom::Log);
            let narrow = self.narrow.remove(&pair).flatten();
            obligation.narrow = narrow.filter(|_| is_logged_only);
            obligation.required = required;
        }
        pairs
    }
}

/// The SPIs of a pair that are ESP or AH by more than their header, each with its direction.
fn proven(sas: &[SaFacts]) -> BTreeSet<(EspSpi, Direction)> {
    let proven = sas.iter().filter(|sa| sa.corroborated.is_some());
    proven.map(|sa| (sa.spi, sa.direction)).collect()
}

/// What a log record shows of two hosts' obligation.
enum Shows {
    /// A security association for traffic was in force, or the host's own policy protects the traffic.
    InForce,
    /// IPsec was asked for.
    Attempt,
    Nothing,
}

fn what_it_shows(event: &LogEvent) -> Shows {
    let is_of_traffic = event.selector().is_some()
        || event.inbound_spi().is_some()
        || event.outbound_spi().is_some();
    match event.category {
        Category::SaEstablished | Category::SaEnded if is_of_traffic => Shows::InForce,
        // Its own policy asks for no IPsec with that peer; the other's attempt is on the wire or in its own log.
        Category::IkeFailure if is_without_policy(event) => Shows::Nothing,
        // The host dropped the packets because its policy protects them.
        Category::CleartextObserved => Shows::InForce,
        Category::SaEstablished
        | Category::SaEnded
        | Category::IkeFailure
        | Category::DriverAnomaly
        | Category::CleartextPermitted => Shows::Attempt,
        Category::ServiceState
        | Category::PolicyChange
        | Category::HostState
        | Category::ClockChange
        | Category::EvidenceIntegrity
        | Category::Context => Shows::Nothing,
    }
}

/// Whether a responder refused because it has no policy for the peer.
fn is_without_policy(event: &LogEvent) -> bool {
    let is_responder = event.negotiation().is_some_and(|it| it.role == Some(Role::Responder));
    is_responder && event.error.is_some_and(|error| error.code == NO_POLICY)
}

/// How long an attempt lasts after its last message: five seconds, or until its sender would have repeated the
/// request. An initiator repeats a request until it gives up (RFC 7296 §2.1); its intervals grow, by 1.8 for
/// strongSwan, or double.
fn pending(exchange: &IkeExchange) -> Span {
    let before_last = exchange.resent_after.iter().rev().nth(1).copied().unwrap_or(Span(0));
    let interval =
        exchange.resent_after.last().map_or(0, |last| last.0.saturating_sub(before_last.0));
    FALLS_BACK.max(Span(interval.saturating_mul(2))).min(NEAR)
}

/// The clear runs of a pair, those of each sender by time.
type ClearBySender = [Stretches<()>; 2];

fn clear_runs(streams: &[JudgedStream<'_>]) -> ClearBySender {
    let clear = || {
        let clear = streams.iter().filter(|(_, class, _)| *class == ProtectionClass::Clear);
        clear.flat_map(|(_, _, runs)| runs.iter())
    };
    let span = |run: &ClassRun| (run.start, run.end, ());
    [
        Stretches::new(clear().filter(|run| run.from_a > 0).map(span)),
        Stretches::new(clear().filter(|run| run.from_a < run.frames).map(span)),
    ]
}

/// Whether the host that asked begins or continues clear traffic to the same peer soon after (Windows falls
/// back 0.5 s or 3 s after an unanswered request), or asked directly after the other's clear packet, as a host
/// does whose policy requests protection for incoming traffic.
fn is_followed(pair: HostPair, attempt: &Attempt, clear: &ClearBySender) -> bool {
    let Some(by) = attempt.by else { return false };
    let [from_a, from_b] = clear;
    let (own, others) = match pair.direction_from(by) {
        Direction::AToB => (from_a, from_b),
        Direction::BToA => (from_b, from_a),
    };
    own.touching(attempt.start, attempt.end.shifted(attempt.pending)).next().is_some()
        || others
            .touching(attempt.start.shifted(DIRECTLY.negated()), attempt.start)
            .next()
            .is_some()
}

/// Spans that touch each other become one.
fn merged(mut spans: Vec<TimeSpan>) -> Vec<TimeSpan> {
    spans.sort_unstable();
    let mut all: Vec<TimeSpan> = Vec::new();
    for (start, end) in spans {
        match all.last_mut() {
            Some((_, until)) if start <= *until => *until = end.max(*until),
            Some(_) | None => all.push((start, end)),
        }
    }
    all
}

/// ERROR_IPSEC_IKE_NO_POLICY (Microsoft, system error codes 12000 to 15999).
const NO_POLICY: u32 = 13825;
/// Windows' main-mode lifetime, 480 minutes.
const MAIN_MODE_LIFETIME: Span = Span::from_seconds(8 * 60 * 60);
/// Attempts that open a window are no further from its edges than this.
const NEAR: Span = Span::from_seconds(5 * 60);
/// Clear text that follows an unanswered request begins within this time.
const FALLS_BACK: Span = Span::from_seconds(5);
/// A request in response to a clear packet is sent within this time.
const DIRECTLY: Span = Span::from_seconds(1);
/// Selectors that are kept for one pair; with more, the requirement covers everything.
const MOST_SELECTORS: usize = 64;
/// Spans that the report lists for one pair.
const MOST_SPANS: usize = 100;
