//! How wrong each log's clock was, measured where log and capture show the same exchange.
//!
//! No bound on its size: the joins are exact (cookies, SPIs) and need no clock.

use super::short_name;
use crate::catalogue::Category;
use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Outcome, Spi};
use crate::protection::Stream;
use crate::summary::{LogPart, Summary};
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// A log's clock against the captures'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// The computer, as the log names it.
    pub host: String,
    /// The log.
    pub evidence: EvidenceId,
    /// Log time less capture time; `None` where it cannot be estimated.
    pub offset: Option<Span>,
    /// How it was found.
    pub method: OffsetMethod,
    /// Exact joins it rests on.
    pub matches: u64,
    /// The largest less the smallest of them.
    pub spread: Span,
}

impl ClockOffset {
    /// Beyond this a clock is called wrong: Kerberos tolerates five minutes by default (RFC 4120 §1.6
    /// leaves it to the realm).
    pub const TOLERATED: Span = Span::from_seconds(300);
}

/// How an offset was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OffsetMethod {
    /// The same IKE cookies or ESP SPIs stand in log and capture; the median of their differences.
    ExactJoins,
    /// Another log of the same computer in the same folder has joins of its own.
    SameHost,
    /// Nothing in the log is in the captures too.
    NotEstimable,
}

impl OffsetMethod {
    /// The method as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExactJoins => "exact_joins",
            Self::SameHost => "same_host",
            Self::NotEstimable => "not_estimable",
        }
    }
}

/// The offset of every log with events.
pub(super) fn estimate(summary: &Summary, exchanges: &[IkeExchange]) -> Vec<ClockOffset> {
    let wire = Wire::of(summary, exchanges);
    let mut by_host: BTreeMap<(&str, String), Vec<Span>> = BTreeMap::new();
    let mut own: BTreeMap<EvidenceId, Vec<Span>> = BTreeMap::new();
    for (evidence, log) in &summary.logs {
        let joins = wire.joins(log);
        if let Some(host) = host_of(log) {
            by_host.entry((&log.folder, short_name(host))).or_default().extend(&joins);
        }
        own.insert(*evidence, joins);
    }
    summary
        .logs
        .iter()
        .filter_map(|(evidence, log)| {
            let host = host_of(log)?;
            let joins = own.remove(evidence).unwrap_or_default();
            let lent =
                by_host.get(&(log.folder.as_str(), short_name(host))).cloned().unwrap_or_default();
            let (joins, method) = match (joins.is_empty(), lent.is_empty()) {
                (false, _) => (joins, OffsetMethod::ExactJoins),
                (true, false) => (lent, OffsetMethod::SameHost),
                (true, true) => (joins, OffsetMethod::NotEstimable),
            };
            Some(offset(host, *evidence, joins, method))
        })
        .collect()
}

fn host_of(log: &LogPart) -> Option<&str> {
    log.events.first().map(|event| event.host.as_str())
}

fn offset(
    host: &str,
    evidence: EvidenceId,
    mut joins: Vec<Span>,
    method: OffsetMethod,
) -> ClockOffset {
    joins.sort_unstable();
    let spread = match (joins.first(), joins.last()) {
        (Some(least), Some(most)) => Span(most.0.saturating_sub(least.0)),
        _ => Span::default(),
    };
    ClockOffset {
        host: host.to_owned(),
        evidence,
        offset: joins.get(joins.len() / 2).copied(),
        method,
        matches: joins.len() as u64,
        spread,
    }
}

/// What the captures show under numbers that logs carry too.
struct Wire {
    failed: BTreeMap<Spi, Timestamp>,
    completed: BTreeMap<u32, Timestamp>,
}

impl Wire {
    fn of(summary: &Summary, exchanges: &[IkeExchange]) -> Self {
        // An unanswered negotiation is logged when the host gives up, long after its last message.
        let failed = exchanges
            .iter()
            .filter(|x| x.outcome.is_failure() && x.outcome != Outcome::NoResponse)
            .map(|x| (x.initiator_spi, x.end))
            .collect();
        let mut completed: BTreeMap<u32, Timestamp> = BTreeMap::new();
        let negotiated = completions(exchanges);
        for (pair, streams) in summary.streams() {
            for (stream, _, runs) in streams {
                let (Stream::Esp(spi, _) | Stream::Ah(spi, _) | Stream::WespIntegrityOnly(spi, _)) =
                    stream
                else {
                    continue;
                };
                let Some(first) = runs.first() else { continue };
                // The last message before the SPI's first packet is the one that completed it.
                let time = negotiated.get(&pair).and_then(|times| {
                    let sent = times.partition_point(|time| *time <= first.start);
                    sent.checked_sub(1).and_then(|at| times.get(at)).copied()
                });
                let time = time.unwrap_or(first.start);
                let known = completed.entry(spi.0).or_insert(time);
                *known = (*known).min(time);
            }
        }
        Self { failed, completed }
    }

    /// Log time less capture time, for every event whose cookie or SPI the captures show.
    fn joins(&self, log: &LogPart) -> Vec<Span> {
        let mut joins = Vec::new();
        for event in &log.events {
            let Some(time) = event.time else { continue };
            if !matches!(event.category, Category::SaEstablished | Category::IkeFailure) {
                continue;
            }
            let by_cookie = event.initiator_cookie.and_then(|cookie| self.failed.get(&Spi(cookie)));
            // Windows does not document the byte order of the SPI; both are looked up.
            let spis = [event.inbound_spi, event.outbound_spi].into_iter().flatten();
            let by_spi = spis
                .flat_map(|spi| [spi, spi.swap_bytes()])
                .filter_map(|spi| self.completed.get(&spi))
                .min();
            if let Some(on_wire) = by_cookie.or(by_spi) {
                joins.push(time.since(*on_wire));
            }
        }
        joins
    }
}

/// Per pair, when messages were sent that can complete a negotiation of SPIs, ascending.
fn completions(exchanges: &[IkeExchange]) -> BTreeMap<HostPair, Vec<Timestamp>> {
    let mut of_pair: BTreeMap<HostPair, Vec<Timestamp>> = BTreeMap::new();
    for exchange in exchanges {
        of_pair.entry(exchange.pair()).or_default().extend(&exchange.completions);
    }
    of_pair.values_mut().for_each(|times| times.sort_unstable());
    of_pair
}
