//! The rules about traffic that bypassed IPsec: not covered by filters, on another path, or because IKE was
//! blocked.

use super::case::{Case, LOOKBACK};
use super::roles::{MOST_LOW, MOST_MEDIUM};
use super::uses::SpiUse;
use super::{
    Against, Candidate, Cause, DeleteBasis, FactRef, JITTER, Opening, TunnelSelectors, Why,
};
use crate::catalogue::Reason;
use crate::correlate::{LimitCode, UnreachableFacts};
use crate::hosts::{Direction, HostPair};
use crate::ike::{IkeExchange, Outcome};
use crate::protection::unreachable::UnreachableWhy;
use crate::summary::{ClassRun, is_nearly_all};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

impl<'a> Case<'a> {
    /// IPsec authenticated the connections of the two and did not encapsulate them.
    pub(super) fn authenticated_only(&self) -> Option<Candidate> {
        let connections = self.connections_authenticated_only()?;
        let run = &self.window.run;
        let cause = Cause {
            reason: Reason::AuthWithoutEncapsulation,
            score: 78,
            refs: BTreeSet::new(),
            why: Why::AuthenticatedOnly { connections },
            against: Vec::new(),
        };
        Some(cause.opens_and_lasts(run.start, run.end))
    }

    fn connections_authenticated_only(&self) -> Option<u64> {
        let facts = self.index.facts.pair(self.window.pair)?;
        let (run, flows) = (&self.window.run, &self.window.flows);
        // Those that began in the window, and those that went on in it.
        let of_window = facts.authenticated_only.iter().filter(|connection| {
            let begins = run.start <= connection.time && connection.time <= run.end;
            begins || (connection.time < run.start && flows.contains(&connection.flow))
        });
        let (all, authenticated) = of_window.fold((0, 0), |(all, authenticated), connection| {
            (all + 1, authenticated + u64::from(connection.is_authenticated))
        });
        (authenticated > 0 && is_nearly_all(authenticated, all)).then_some(authenticated)
    }

    /// ESP of the pair itself, or of its gateways, continued while this traffic passed beside it.
    pub(super) fn filter_not_covering(&self) -> Option<Candidate> {
        let cause = if self.is_own { self.own_filter() } else { self.tunnels_filter() };
        let run = &self.window.run;
        cause.map(|cause| cause.lasts(run.start, run.end))
    }

    /// Whether the times of a capture that shows the window go back near it, so that what seems to lie inside may
    /// lie before it or behind it by the order of the frames.
    pub(super) fn is_set_back(&self) -> bool {
        let run = &self.window.run;
        let (from, to) = (run.start.shifted(PAUSE.negated()), run.end);
        let files = [run.first.evidence, run.last.evidence];
        let mut set_back = files.iter().filter_map(|file| self.index.facts.set_back.get(file));
        set_back.any(|all| all.iter().any(|back| back.after <= to && from <= back.before))
    }

    /// ESP well inside the window.
    fn inside(&self, pair: HostPair) -> Option<ClassRun> {
        let run = &self.window.run;
        self.index.protected(pair)?.touching(run.start.shifted(JITTER), run.end).next().copied()
    }

    /// The last ESP before the window and some of it well inside. Where a log gives the filter, the capture
    /// need not reach back.
    fn goes_on(&self, pair: HostPair, is_logged: bool) -> Option<(ClassRun, ClassRun)> {
        let inside = self.inside(pair)?;
        if self.is_set_back() {
            return None;
        }
        let start = self.window.run.start;
        let before = self.index.protected(pair)?.touching(start.shifted(PAUSE.negated()), start);
        let before = before.copied().next();
        let before = if is_logged { before.or(Some(inside)) } else { before };
        Some((before?, inside))
    }

    /// Two hosts whose protected traffic continues throughout: their filters omit a service.
    fn own_filter(&self) -> Option<Cause> {
        if self.connections_authenticated_only().is_some() {
            return None;
        }
        let pair = self.window.pair;
        let excluded = self.index.filters_exclude(pair, &self.window.services, &self.window.run);
        let is_logged = !excluded.is_empty();
        let (before, inside) = self.goes_on(pair, is_logged)?;
        // ESP that the other side still sends says nothing about the sender's filters. Where a log has the
        // filters, the sender's ESP inside the window is enough, at a lower score.
        let sender = self.sender_under_both();
        if sender.is_none() && !(is_logged && self.find_sender(self.window.run.end).is_some()) {
            return None;
        }
        let mut refs: BTreeSet<FactRef> =
            excluded.iter().take(MOST_SELECTORS).map(|at| FactRef::Event(*at)).collect();
        let by_state = sender.and_then(|sender| self.state_excludes(sender));
        let (state, of_state) = by_state.unzip();
        refs.extend(of_state.unwrap_or_default());
        Some(Cause {
            reason: Reason::FilterNotCovering,
            score: match (is_logged && sender.is_some(), state.is_some()) {
                (true, _) => 88,
                (false, true) => BY_STATE,
                (false, false) => 62,
            },
            refs,
            why: Why::ProtectedBeside {
                first: before.first,
                last: inside.last,
                is_logged,
                sender,
                state,
            },
            against: if is_logged || state.is_some() {
                Vec::new()
            } else {
                vec![Against::FiltersNotLogged]
            },
        })
    }

    /// A host that sends in clear and whose own ESP continues before and inside the window: under the same SPI
    /// or the one that replaced it, with no SPI of its own that ended at the opening. ESP that the other side
    /// still sends says nothing about this host's filters.
    pub(super) fn sender_under_both(&self) -> Option<IpAddr> {
        *self.found_sender.get_or_init(|| {
            let is_ordered = !self.is_set_back();
            is_ordered.then(|| self.find_sender(self.window.run.start)).flatten()
        })
    }

    /// The same for an SPI that had begun by a point in time.
    fn find_sender(&self, begun: Timestamp) -> Option<IpAddr> {
        let (pair, run) = (self.window.pair, &self.window.run);
        let senders = [
            (pair.a(), Direction::AToB, run.from_a),
            (pair.b(), Direction::BToA, run.frames.saturating_sub(run.from_a)),
        ];
        let well_inside = run.start.shifted(JITTER);
        let lives = self.index.spi_lives(pair)?;
        let (from, to) = (run.start.shifted(PAUSE.negated()), run.start.shifted(ENDING));
        let at_opening = lives.ended(from, to);
        let goes_on = |way: Direction| {
            let ended = |spi: &SpiUse| spi.way == way && !spi.has_successor;
            lives.lasts(way, begun, well_inside) && !at_opening.iter().any(ended)
        };
        let all_clear = senders.into_iter().filter(|(_, _, clear)| *clear > 0);
        let mut hosts = all_clear.map(|(host, way, _)| (host, goes_on(way)));
        // A host that sends in clear although its SA ended has another reason than its filters.
        let first = hosts.next().filter(|(_, goes_on)| *goes_on)?;
        hosts.all(|(_, goes_on)| goes_on).then_some(first.0)
    }

    /// The pair's gateways had ESP in use while this traffic passed beside it.
    fn tunnels_filter(&self) -> Option<Cause> {
        let several = self.perhaps.len() > 1;
        let excluded =
            self.index.selectors_exclude(&self.perhaps, self.window.pair, &self.window.run);
        let ends = [self.window.pair.a(), self.window.pair.b()];
        let carries = |pair: &HostPair| {
            ends.iter()
                .any(|host| self.index.carried.get(host).is_some_and(|all| all.contains(pair)))
        };
        let is_logged = !excluded.is_empty();
        let up = |pair: &HostPair| Some((*pair, self.goes_on(*pair, is_logged)?));
        let (gateways, (before, inside)) = self.perhaps.iter().find_map(up)?;
        let refs = excluded.iter().take(MOST_SELECTORS).map(|index| FactRef::Event(*index));
        let (score, selectors) = match (is_logged, carries(&gateways)) {
            (true, _) => (88, TunnelSelectors::Exclude),
            (false, true) => (72, TunnelSelectors::CarryOthers),
            (false, false) => (MOST_LOW, TunnelSelectors::Unknown),
        };
        let mut against = Vec::new();
        if !is_logged {
            against.push(Against::GatewaysNotLogged);
        }
        if several {
            against.push(Against::SeveralTunnels);
        }
        Some(Cause {
            reason: Reason::FilterNotCovering,
            score,
            refs: refs.collect(),
            why: Why::TunnelBeside { gateways, first: before.first, last: inside.last, selectors },
            against,
        })
    }

    /// The same two hosts had ESP in use between other addresses of theirs: this traffic bypassed it.
    pub(super) fn alternate_path(&self) -> Option<Candidate> {
        if self.is_own {
            return None;
        }
        let (start, end) = (self.window.run.start, self.window.run.end);
        let up = |path: HostPair| {
            let known = self.index.protected(path)?;
            let run = known.touching(start.shifted(LOOKBACK.negated()), end).next()?;
            Some((path, *run))
        };
        let pair = self.window.pair;
        let by = |paths: BTreeSet<HostPair>, against: Option<Against>| {
            paths.into_iter().find_map(up).map(|found| (found, against))
        };
        let named = by(self.index.other_paths(pair), None);
        // An address that a state lists is its host's at that moment.
        let stated = || {
            let paths = self.index.other_paths_of_states(pair);
            let paths = if self.states().is_empty() { BTreeSet::new() } else { paths };
            by(paths, Some(Against::TiedByState))
        };
        let of_stations =
            || by(self.index.other_paths_of_stations(pair), Some(Against::TiedByStation));
        let ((path, up), mut against) = named.or_else(stated).or_else(of_stations)?;
        let (state, refs) = self.state_of_path(path).unzip();
        // Its host lists an SA there and its connection here at one moment, and the captures show the ESP.
        let is_sure =
            against.is_none() || (state.is_some() && against == Some(Against::TiedByState));
        if is_sure {
            against = None;
        }
        let cause = Cause {
            reason: Reason::AlternatePath,
            score: match (is_sure, state.is_some()) {
                (true, true) if !self.index.other_paths(pair).contains(&path) => BY_STATE,
                (true, _) => 89,
                (false, _) => MOST_MEDIUM,
            },
            refs: refs.unwrap_or_default(),
            why: Why::OtherPath { path, first: up.first, last: up.last, state },
            against: against.into_iter().collect(),
        };
        Some(cause.lasts(start, end))
    }

    /// Negotiations before or in the window that nobody answered.
    pub(super) fn unanswered(&self) -> Vec<(usize, &'a IkeExchange)> {
        let all = self.exchanges(self.from, self.window.run.end).into_iter();
        all.filter(|(_, x)| x.outcome == Outcome::NoResponse).collect()
    }

    /// Whether ICMP errors answer most messages of such a negotiation: they quote its SPI or, where errors
    /// quote too little, occur between the two hosts while it was tried. A single error explains no silence.
    pub(super) fn is_barred(&self, exchange: &IkeExchange) -> bool {
        let errors: u64 = self.index.facts.icmp_errors(exchange).values().sum();
        errors > 0 && errors.saturating_mul(2) >= exchange.messages
    }

    /// Whether the capture could miss an answer: it holds one packet in many, or one direction of a connection
    /// whose data shows that the other side answered.
    pub(super) fn may_miss_answers(&self) -> bool {
        let window = self.window;
        let Some(pair) = self.index.facts.pair(window.pair) else { return false };
        let is_answered_unseen = || {
            let is_tcp = window.flows.iter().any(|flow| flow.protocol == TCP);
            pair.limits.contains_key(&LimitCode::OneWay) && is_tcp && window.run.payload_bytes() > 0
        };
        pair.limits.contains_key(&LimitCode::Sampled) || is_answered_unseen()
    }

    /// ICMP reports that IKE did not reach the peer.
    pub(super) fn unreachable(&self) -> Vec<Candidate> {
        let (from, to) = (self.from, self.window.run.end);
        let errors = self.negotiators.iter().flat_map(|pair| self.index.unreachable(*pair));
        let errors: Vec<&UnreachableFacts> =
            errors.filter(|u| u.last.time >= from && u.first.time <= to).collect();
        // Each quotes another negotiation; together they count as one group.
        let mut alike: BTreeMap<(IpAddr, UnreachableWhy), u64> = BTreeMap::new();
        for errors in &errors {
            let sum = alike.entry((errors.what.to, errors.what.why)).or_default();
            *sum = sum.saturating_add(errors.count);
        }
        let of_all = |errors: &UnreachableFacts| {
            alike.get(&(errors.what.to, errors.what.why)).copied().unwrap_or(errors.count)
        };
        errors.into_iter().map(|errors| self.barred(errors, of_all(errors))).collect()
    }

    /// Errors of one kind about one negotiation. Anybody can forge one, so one alone is `low`; and a closed
    /// port does not show that it was ever open.
    fn barred(&self, errors: &UnreachableFacts, of_all: u64) -> Candidate {
        let was_alive = self.was_alive(errors);
        let reason = match errors.what.why {
            UnreachableWhy::Port if was_alive => Reason::ServiceStopped,
            UnreachableWhy::Port => Reason::NothingListens,
            UnreachableWhy::Prohibited => Reason::Udp500Blocked,
            UnreachableWhy::Host => Reason::PeerUnreachable,
        };
        // What was only inferred adds nothing to what anybody can forge.
        let deletion = self.deletion().filter(|deletion| deletion.basis == DeleteBasis::Logged);
        let deletion = deletion.map(|deletion| FactRef::Exchange(deletion.exchange));
        let quoted = |x: &IkeExchange| Some(x.initiator_spi) == errors.what.initiator_spi;
        let silent: Vec<(usize, &IkeExchange)> =
            self.unanswered().into_iter().filter(|(_, x)| quoted(x)).collect();
        let mut touching = self.exchanges(self.from, self.window.run.end).into_values();
        let later = |x: &IkeExchange| x.completions.iter().any(|time| *time > errors.first.time);
        let answered = touching.any(|x| quoted(x) && later(x));
        let refuted = self.refuted(errors);
        let mut against = vec![Against::Forgeable];
        // A host that deletes its security associations and closes its port has stopped.
        let stopped = reason == Reason::ServiceStopped && deletion.is_some();
        let score = match (answered || refuted.is_some(), silent.is_empty(), stopped) {
            (true, ..) => 40,
            _ if of_all < 2 => MOST_LOW,
            // Silence and error agree.
            (false, false, true) => 86,
            (false, false, false) => 78,
            (false, true, true) => 80,
            (false, true, false) => 74,
        };
        if answered {
            against.push(Against::CompletedAfterwards(errors.what.to));
        } else {
            against.extend(refuted);
        }
        let exchanges = silent.iter().map(|(at, _)| FactRef::Exchange(*at));
        let cause = Cause {
            reason,
            score,
            refs: deletion.into_iter().chain(exchanges).collect(),
            why: Why::IcmpErrors {
                to: errors.what.to,
                first: errors.first.frame,
                last: errors.last.frame,
                count: of_all,
                what: errors.what.why,
                was_alive,
            },
            against,
        };
        // Until the next attempt, or a packet of the peer, nothing contradicts the last error.
        let until = match errors.what.why {
            UnreachableWhy::Host => errors.answered.filter(|time| *time >= errors.last.time),
            UnreachableWhy::Port | UnreachableWhy::Prohibited => None,
        };
        let next = self.next_attempt(errors.last.time);
        let lasting = vec![(errors.first.time, until.map_or(next, |until| until.min(next)))];
        let is_at_opening = self.opens(errors.first.time, errors.first.frame);
        let opening = if is_at_opening { Opening::FirstAttempt } else { Opening::None };
        Candidate { cause, opening, lasting }
    }

    /// What the host itself sent although errors say that it, or its port, cannot be reached. A host or a path may
    /// come back later; what comes between the errors or directly behind them was not interrupted.
    fn refuted(&self, errors: &UnreachableFacts) -> Option<Against> {
        let host = errors.what.to;
        let soon = errors.last.time.shifted(JITTER);
        let ike = self.index.first_ike_of(host, errors.first.time);
        let (sent, until, why) = match errors.what.why {
            UnreachableWhy::Port => (ike, self.window.run.end, Against::StillSendsIke(host)),
            UnreachableWhy::Prohibited => (ike, soon, Against::StillSendsIke(host)),
            UnreachableWhy::Host => {
                let any = ike.into_iter().chain(errors.answered).min();
                (any, soon, Against::StillSends(host))
            }
        };
        sent.is_some_and(|time| time <= until).then_some(why)
    }

    /// Whether the unreachable host was seen to negotiate or to send protected packets before.
    fn was_alive(&self, errors: &UnreachableFacts) -> bool {
        let (pair, time) = (errors.pair(), errors.first.time);
        let way = pair.direction_from(errors.what.to);
        let protected =
            self.index.spi_uses(pair).iter().any(|spi| spi.way == way && spi.run.start < time);
        let earlier = self.index.exchanges.touching(pair, Timestamp(i64::MIN), time);
        protected
            || earlier
                .filter_map(|at| self.index.facts.exchanges.get(at))
                .any(|x| !x.responder_spi.is_zero())
    }
}

/// What the captures and the state of a host show alike.
const BY_STATE: u8 = 84;
/// A longer pause ends continuing traffic.
const PAUSE: Span = Span::from_seconds(30);

/// What is on its way when one SA ends and clear text begins.
const ENDING: Span = Span::from_seconds(1);

/// Log events of a tunnel's selectors that a cause names.
const MOST_SELECTORS: usize = 20;

/// IANA protocol number.
const TCP: u8 = 6;
