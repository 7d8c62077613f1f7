//! The error of each log's clock, measured where log and capture show the same negotiation.
//!
//! The error may have any size, because joins need no clock. Where it cannot be measured it may be proposed,
//! and is marked as proposed. Rules: docs/causes.md.

mod fit;

mod timeline;

mod propose;

mod shared;

pub use shared::CaptureClocks;
pub(super) use shared::{is_of_captures, shared_offset};
pub use timeline::ClockStep;

use super::computers::Computers;
use super::joins::Joins;
use crate::ike::IkeExchange;
use crate::summary::{LogId, LogPart, Summary};
use crate::time::{Span, Timestamp};
use fit::{Fit, TimePair};
use std::collections::BTreeMap;
use timeline::Timeline;

/// A log's clock compared with the captures'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// The computer, as the log names it.
    pub host: String,
    /// The log.
    pub log: LogId,
    /// Log time minus capture time; `None` where it cannot be estimated. For a clock that was set or drifts,
    /// the value where most joins lie.
    pub offset: Option<Span>,
    /// How it was found.
    pub method: OffsetMethod,
    /// Exact joins it rests on.
    pub matches: u64,
    /// Joins that disagree with the others and were left out.
    pub rejected: u64,
    /// The difference between the largest and the smallest of the offsets that it rests on.
    pub spread: Span,
    /// The error bound of the log's corrected times; `None` without an offset.
    pub error: Option<Span>,
    /// How much faster than the captures' clock it ran, in parts per billion; `None` where the joins are too
    /// few or too close together.
    pub drift: Option<i64>,
    /// When it was set, in the log's order.
    pub steps: Vec<ClockStep>,
}

impl ClockOffset {
    /// A clock with a larger error is called wrong: Kerberos tolerates five minutes by default (RFC 4120 §1.6
    /// leaves it to the realm).
    pub const TOLERATED: Span = Span::from_seconds(300);

    /// Whether the clock was wrong, and not only in another time zone: where the zone is unknown, only the
    /// error beyond a zone counts.
    #[must_use]
    pub fn is_wrong(&self, is_local_time: bool) -> bool {
        let is_zone = |offset: &Span| is_local_time && is_a_zone(*offset);
        let beyond = self.offset.filter(|offset| !is_zone(offset));
        beyond.is_some_and(|offset| offset.magnitude() > Self::TOLERATED)
    }

    /// Whether its corrected times may be compared with full weight.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.offset.is_some() && self.method != OffsetMethod::Proposed
    }
}

/// How an offset was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OffsetMethod {
    /// Given by `--clock-offset`.
    Given,
    /// Log and packets are in one file, with one clock: an event trace.
    SameFile,
    /// The same IKE cookies, ESP SPIs or message IDs are in log and capture; the median of their
    /// differences.
    ExactJoins,
    /// Another log of the same computer in the same folder has joins of its own.
    SameHost,
    /// Log and capture share no number; the log's failures follow each other as those of the captures do.
    Proposed,
    /// Nothing in the log is in the captures too.
    NotEstimable,
}

impl OffsetMethod {
    /// The method as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::SameFile => "same_file",
            Self::ExactJoins => "exact_joins",
            Self::SameHost => "same_host",
            Self::Proposed => "proposed",
            Self::NotEstimable => "not_estimable",
        }
    }
}

/// Every log's clock.
pub(super) struct Clocks<'a> {
    summary: &'a Summary,
    by_log: BTreeMap<LogId, Known>,
}

/// How one log's times are corrected.
enum Known {
    Given(Span),
    /// The captures' own clock: the log lies in a capture.
    SameFile,
    Own(Timeline),
    /// The clock of another log of the same computer.
    Lent(LogId),
    Proposed(Span, u64),
    Nothing,
}

impl<'a> Clocks<'a> {
    /// Measures from the joins; an offset that the user gave takes precedence.
    pub(super) fn measure(
        summary: &'a Summary,
        computers: &Computers,
        joins: &Joins,
        exchanges: &[IkeExchange],
    ) -> Self {
        let mut by_log = BTreeMap::new();
        // Times of an unnamed zone and times in UTC may not be of one clock.
        let mut lenders: BTreeMap<(usize, bool), (u64, LogId)> = BTreeMap::new();
        let clock =
            |id: &LogId, log: &LogPart| (computers.number(*id), log.log.trust.is_local_time);
        for (id, log) in &summary.logs {
            if log.events.is_empty() || summary.captures.contains_key(&id.evidence) {
                continue;
            }
            let (pairs, is_tight) = pairs(log, joins, *id);
            let loose = if is_tight { Span::default() } else { LOOSE };
            let resolution = Span(resolution(log).0 + loose.0);
            let timeline = Timeline::fit(&log.events, &pairs, resolution);
            let matches = timeline.best().map_or(0, |fit| fit.matches);
            if matches > 0 {
                let lender = lenders.entry(clock(id, log));
                let lender = lender.or_insert((matches, *id));
                *lender = (*lender).max((matches, *id));
                by_log.insert(*id, Known::Own(timeline));
            }
        }
        let failures = propose::WireFailures::gather(exchanges);
        for (id, log) in &summary.logs {
            if log.events.is_empty() {
                continue;
            }
            let lender = lenders.get(&clock(id, log));
            let given = log.asserted_offset.map(Known::Given);
            let is_in_capture = summary.captures.contains_key(&id.evidence);
            let given = given.or(is_in_capture.then_some(Known::SameFile));
            let known = given.or_else(|| by_log.remove(id)).unwrap_or_else(|| match lender {
                Some((_, lender)) => Known::Lent(*lender),
                // Cookies that no capture shows belong to other negotiations, whatever their rhythm.
                None if has_cookies(log) => Known::Nothing,
                None => failures
                    .propose(&log.events)
                    .map_or(Known::Nothing, |(offset, matches)| Known::Proposed(offset, matches)),
            });
            by_log.insert(*id, known);
        }
        Self { summary, by_log }
    }

    /// An event's time by the captures' clock, and its error bound.
    pub(super) fn correct(
        &self,
        id: LogId,
        place: usize,
        shown: Timestamp,
    ) -> Option<(Timestamp, Span)> {
        let with = |fit: Fit| (fit.corrected(shown), fit.error_at(shown));
        match self.by_log.get(&id)? {
            Known::Given(offset) => Some((shown.shifted(offset.negated()), GIVEN_ERROR)),
            Known::SameFile => Some((shown, Span::default())),
            Known::Own(timeline) => timeline.at(place).map(with),
            Known::Lent(lender) => self.lent(*lender, shown).map(with),
            Known::Proposed(offset, _) => Some((shown.shifted(offset.negated()), PROPOSED_ERROR)),
            Known::Nothing => None,
        }
    }

    /// The same for a record outside the live log, whose position in the file says nothing.
    pub(super) fn correct_recovered(
        &self,
        id: LogId,
        shown: Timestamp,
    ) -> Option<(Timestamp, Span)> {
        match self.by_log.get(&id)? {
            Known::Own(_) => {
                let fit = self.lent(id, shown)?;
                Some((fit.corrected(shown), fit.error_at(shown)))
            }
            Known::Given(_)
            | Known::SameFile
            | Known::Lent(_)
            | Known::Proposed(..)
            | Known::Nothing => self.correct(id, usize::MAX, shown),
        }
    }

    fn lent(&self, lender: LogId, shown: Timestamp) -> Option<Fit> {
        let Some(Known::Own(timeline)) = self.by_log.get(&lender) else { return None };
        timeline.when_shown(shown)
    }

    /// The clock of each log with events, for the report.
    pub(super) fn offsets(&self) -> Vec<ClockOffset> {
        self.by_log
            .iter()
            .filter_map(|(id, known)| {
                let log = self.summary.logs.get(id)?;
                Some(self.offset(*id, log, host_of(log)?, known))
            })
            .collect()
    }

    fn offset(&self, id: LogId, log: &LogPart, host: &str, known: &Known) -> ClockOffset {
        let worst = || {
            let places = log.events.iter().enumerate();
            places.filter_map(|(at, e)| Some(self.correct(id, at, e.time?)?.1)).max()
        };
        let unknown = ClockOffset {
            host: host.to_owned(),
            log: id,
            offset: None,
            method: OffsetMethod::NotEstimable,
            matches: 0,
            rejected: 0,
            spread: Span::default(),
            error: None,
            drift: None,
            steps: Vec::new(),
        };
        let measured = |timeline: &Timeline, method: OffsetMethod| {
            let fit = timeline.best();
            // A clock in an unknown zone appears to be set where summer time begins and ends.
            let is_zone = |step: &&ClockStep| {
                log.log.trust.is_local_time && !step.is_recorded && step.by.is_some_and(is_a_zone)
            };
            let set_back = || self.summary.captures.values().flat_map(|capture| &capture.set_back);
            let is_captures = |step: &&ClockStep| {
                !step.is_recorded && step.by.is_some_and(|by| is_of_captures(by, set_back()))
            };
            ClockOffset {
                offset: fit.map(|fit| fit.offset),
                method,
                matches: fit.map_or(0, |fit| fit.matches),
                rejected: fit.map_or(0, |fit| fit.rejected),
                spread: fit.map_or_else(Span::default, |fit| fit.spread),
                error: worst(),
                drift: fit.and_then(|fit| fit.drift),
                steps: timeline
                    .steps
                    .iter()
                    .filter(|step| !is_zone(step) && !is_captures(step))
                    .cloned()
                    .collect(),
                ..unknown.clone()
            }
        };
        match known {
            Known::Given(offset) => ClockOffset {
                offset: Some(*offset),
                method: OffsetMethod::Given,
                error: Some(GIVEN_ERROR),
                ..unknown
            },
            Known::SameFile => ClockOffset {
                offset: Some(Span::default()),
                method: OffsetMethod::SameFile,
                error: Some(Span::default()),
                ..unknown
            },
            Known::Own(timeline) => measured(timeline, OffsetMethod::ExactJoins),
            Known::Lent(lender) => match self.by_log.get(lender) {
                Some(Known::Own(timeline)) => measured(timeline, OffsetMethod::SameHost),
                Some(
                    Known::Given(_)
                    | Known::SameFile
                    | Known::Lent(_)
                    | Known::Proposed(..)
                    | Known::Nothing,
                )
                | None => unknown,
            },
            Known::Proposed(offset, matches) => ClockOffset {
                offset: Some(*offset),
                method: OffsetMethod::Proposed,
                matches: *matches,
                error: Some(PROPOSED_ERROR),
                ..unknown
            },
            Known::Nothing => unknown,
        }
    }

    /// Whether a log's times rest on a proposed offset only.
    pub(super) fn is_proposed(&self, id: LogId) -> bool {
        matches!(self.by_log.get(&id), Some(Known::Proposed(..)))
    }
}

/// Whether the log names negotiations by numbers that a capture would show.
fn has_cookies(log: &LogPart) -> bool {
    let named = |cookie: [u8; 8]| cookie != [0; 8];
    log.events.iter().any(|event| event.initiator_cookie().is_some_and(named))
}

fn host_of(log: &LogPart) -> Option<&str> {
    log.events.first().map(|event| event.host.as_str())
}

/// Before Vista a log has whole seconds, and so have exports that show times to people.
fn resolution(log: &LogPart) -> Span {
    let is_whole =
        || log.events.iter().filter_map(|event| event.time).all(|t| t.0.rem_euclid(SECOND.0) == 0);
    if log.log.trust.is_legacy || is_whole() { SECOND } else { Span::default() }
}

/// Whether a time zone alone explains a difference: zones lie whole quarters of an hour from UTC, up to
/// fourteen hours (IANA's tz database, since 1972).
fn is_a_zone(offset: Span) -> bool {
    let beside = offset.0.rem_euclid(QUARTER.0);
    let nearest = Span(beside.min(QUARTER.0 - beside));
    offset.magnitude() <= FARTHEST_ZONE && nearest <= ClockOffset::TOLERATED
}

const SECOND: Span = Span::from_seconds(1);
const QUARTER: Span = Span::from_seconds(15 * 60);
const FARTHEST_ZONE: Span = Span::from_seconds(14 * 3600 + 300);

/// Pairs of times: those whose message the captures show or, where there are none, those whose SA they show
/// from its first packet on.
fn pairs(log: &LogPart, joins: &Joins, id: LogId) -> (Vec<TimePair>, bool) {
    let of_log = joins.get(&id);
    let all = of_log.into_iter().flatten().filter_map(|(place, join)| {
        let (shown, on_wire) = (log.events.get(*place)?.time?, join.on_wire?);
        Some((TimePair { place: *place, shown, wire: on_wire.time }, on_wire.is_tight))
    });
    let (tight, loose): (Vec<_>, Vec<_>) = all.partition(|(_, is_tight)| *is_tight);
    let is_tight = !tight.is_empty();
    let chosen = if is_tight { tight } else { loose };
    (chosen.into_iter().map(|(pair, _)| pair).collect(), is_tight)
}

/// The time within which an SA is used after it was created.
const LOOSE: Span = Span::from_seconds(10);

/// An offset that the user gave is exact to the second.
const GIVEN_ERROR: Span = Span::from_seconds(1);
/// How close failures in log and captures have to be for a proposal.
const PROPOSED_ERROR: Span = Span::from_seconds(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_whole_quarters_of_an_hour() {
        let seconds = |s| is_a_zone(Span::from_seconds(s));
        assert!(seconds(3600) && seconds(-19_800) && seconds(20_700 + 4) && seconds(-36_000 - 200));
        assert!(!seconds(3600 + 450) && !seconds(15 * 3600));
    }
}
