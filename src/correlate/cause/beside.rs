//! The rules about traffic that went past IPsec: uncovered by filters, on another path, or because IKE
//! was barred.

use super::case::{Case, LOOKBACK};
use super::{Cause, FactRef, JITTER};
use crate::catalogue::Reason;
use crate::correlate::UnreachableFacts;
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Outcome};
use crate::protection::unreachable::UnreachableWhy;
use crate::summary::ClassRun;
use crate::time::Span;
use std::collections::BTreeSet;

impl<'a> Case<'a> {
    /// ESP of the pair itself, or of its gateways, went on while this traffic passed beside it.
    pub(super) fn filter_not_covering(&self) -> Option<Cause> {
        if self.is_own { self.own_filter() } else { self.tunnels_filter() }
    }

    /// ESP well inside the window.
    fn inside(&self, pair: HostPair) -> Option<ClassRun> {
        let run = &self.window.run;
        self.index.protected(pair)?.touching(run.start.shifted(JITTER), run.end).next().copied()
    }

    /// The last ESP before the window and some of it well inside. Where a log tells what the filter is,
    /// the capture need not reach back.
    fn goes_on(&self, pair: HostPair, is_logged: bool) -> Option<(ClassRun, ClassRun)> {
        let inside = self.inside(pair)?;
        let start = self.window.run.start;
        let before = self.index.protected(pair)?.touching(start.shifted(PAUSE.negated()), start);
        let before = before.copied().next();
        let before = if is_logged { before.or(Some(inside)) } else { before };
        Some((before?, inside))
    }

    /// Two hosts whose protected traffic goes on all the time: their filters leave a service out.
    fn own_filter(&self) -> Option<Cause> {
        let pair = self.window.pair;
        let excluded = self.index.filters_exclude(pair, &self.window.services);
        let (before, inside) = self.goes_on(pair, !excluded.is_empty())?;
        let mut cause = Cause {
            reason: Reason::FilterNotCovering,
            score: 62,
            refs: excluded.iter().take(MOST_SELECTORS).map(|at| FactRef::Event(*at)).collect(),
            why: format!(
                "protected traffic of the two went on beside it ({} to {}): the filters do not cover this service",
                before.first, inside.last
            ),
            against: Vec::new(),
        };
        if excluded.is_empty() {
            cause
                .against
                .push("no log shows the filters of their security associations".to_owned());
        } else {
            cause.score = 88;
            cause.why.push_str("; the filters that the logs tell of name other ports or protocols");
        }
        Some(cause)
    }

    /// The pair's gateways had ESP up while this traffic passed beside it.
    fn tunnels_filter(&self) -> Option<Cause> {
        let several = self.perhaps.len() > 1;
        let excluded = self.index.selectors_exclude(&self.perhaps, self.window.pair);
        let ends = [self.window.pair.a(), self.window.pair.b()];
        let carries = |pair: &HostPair| {
            ends.iter()
                .any(|host| self.index.carried.get(host).is_some_and(|all| all.contains(pair)))
        };
        let is_logged = !excluded.is_empty();
        let up = |pair: &HostPair| Some((*pair, self.goes_on(*pair, is_logged)?));
        let (gateways, (before, inside)) = self.perhaps.iter().find_map(up)?;
        let refs = excluded.iter().take(MOST_SELECTORS).map(|index| FactRef::Event(*index));
        let mut cause = Cause {
            reason: Reason::FilterNotCovering,
            score: 55,
            refs: refs.collect(),
            why: format!(
                "ESP between {} and {} was up ({} to {}) when this traffic passed in clear on the same capture: the tunnel's selectors do not cover it",
                gateways.a(),
                gateways.b(),
                before.first,
                inside.last,
            ),
            against: Vec::new(),
        };
        if excluded.is_empty() {
            if carries(&gateways) {
                cause.score = 72;
                cause.why.push_str("; they carry other traffic of one of these hosts, which shows in clear only while their ESP is down");
            }
            cause
                .against
                .push("no log shows that they are gateways, nor a tunnel's selectors".to_owned());
        } else {
            cause.score = 88;
            cause
                .why
                .push_str("; the selectors that the gateways logged do not hold these addresses");
        }
        if several {
            cause
                .against
                .push("more than one pair of gateways shows ESP on this capture".to_owned());
        }
        Some(cause)
    }

    /// The same two hosts had ESP up between other addresses of theirs: this traffic went past it.
    pub(super) fn alternate_path(&self) -> Option<Cause> {
        if self.is_own {
            return None;
        }
        let start = self.window.run.start;
        let (path, up) = self.index.other_paths(self.window.pair).into_iter().find_map(|path| {
            let known = self.index.protected(path)?;
            let run =
                known.touching(start.shifted(LOOKBACK.negated()), self.window.run.end).next()?;
            Some((path, *run))
        })?;
        Some(Cause {
            reason: Reason::AlternatePath,
            score: 89,
            refs: BTreeSet::new(),
            why: format!(
                "the same two hosts had ESP between {} and {} ({} to {}); this traffic took other addresses of theirs",
                path.a(),
                path.b(),
                up.first,
                up.last,
            ),
            against: Vec::new(),
        })
    }

    /// Negotiations before or in the window that nobody answered.
    pub(super) fn unanswered(&self) -> Vec<(usize, &'a IkeExchange)> {
        let all = self.exchanges(self.from, self.window.run.end).into_iter();
        all.filter(|(_, x)| x.outcome == Outcome::NoResponse).collect()
    }

    /// Whether an ICMP error tells of such a negotiation: it quotes its SPI, or where errors quote too
    /// little, one between the two while it was tried.
    pub(super) fn is_barred(&self, exchange: &IkeExchange) -> bool {
        !self.index.facts.icmp_errors(exchange).is_empty()
    }

    /// ICMP says that IKE did not reach the peer.
    pub(super) fn unreachable(&self) -> Vec<Cause> {
        let (from, to) = (self.from, self.window.run.end);
        let told = self.negotiators.iter().flat_map(|pair| self.index.unreachable(*pair));
        told.filter(|u| u.last.time >= from && u.first.time <= to)
            .map(|told| self.barred(told))
            .collect()
    }

    fn barred(&self, told: &UnreachableFacts) -> Cause {
        let (reason, words) = match told.what.why {
            UnreachableWhy::Port => (Reason::ServiceStopped, "nobody listens on its IKE port"),
            UnreachableWhy::Prohibited => {
                (Reason::Udp500Blocked, "a filter forbids IKE on the way")
            }
            UnreachableWhy::Host => {
                (Reason::PeerUnreachable, "the host or its network is not there")
            }
        };
        let deletion = self.deletion_near().map(|(index, _)| FactRef::Exchange(index));
        let quoted = |x: &IkeExchange| Some(x.initiator_spi) == told.what.initiator_spi;
        let silent: Vec<usize> =
            self.unanswered().into_iter().filter(|(_, x)| quoted(x)).map(|(at, _)| at).collect();
        let mut touching = self.exchanges(self.from, self.window.run.end).into_values();
        let later = |x: &IkeExchange| x.completions.iter().any(|time| *time > told.first.time);
        let answered = touching.any(|x| quoted(x) && later(x));
        let mut against = vec!["ICMP errors can be forged".to_owned()];
        // A host that deletes its security associations and closes its port has stopped.
        let stopped = reason == Reason::ServiceStopped && deletion.is_some();
        let score = match (answered, silent.is_empty(), stopped) {
            (true, ..) => 40,
            // The silence and the error say the same.
            (false, false, true) => 86,
            (false, false, false) => 82,
            (false, true, true) => 80,
            (false, true, false) => 74,
        };
        if answered {
            against.push(format!("{} completed the same negotiation afterwards", told.what.to));
        }
        let exchanges = silent.into_iter().map(FactRef::Exchange);
        Cause {
            reason,
            score,
            refs: deletion.into_iter().chain(exchanges).collect(),
            why: format!(
                "ICMP errors about IKE to {} ({} to {}) say that {words}",
                told.what.to, told.first.frame, told.last.frame,
            ),
            against,
        }
    }
}

/// So long a pause does not end what goes on.
const PAUSE: Span = Span::from_seconds(30);

/// Log events of a tunnel's selectors that a cause names.
const MOST_SELECTORS: usize = 20;
