//! Where log and capture share no number: the failures of two hosts, matched by their rhythm.
//!
//! A proposal, not a measurement: hosts that retry every minute match at every minute.

use crate::catalogue::{Category, Reason};
use crate::eventlog::LogEvent;
use crate::hosts::HostPair;
use crate::ike::IkeExchange;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// When negotiations of each pair failed, by the captures.
pub(super) struct WireFailures(BTreeMap<HostPair, Vec<Timestamp>>);

impl WireFailures {
    pub(super) fn gather(exchanges: &[IkeExchange]) -> Self {
        let mut failures: BTreeMap<HostPair, Vec<Timestamp>> = BTreeMap::new();
        for exchange in exchanges.iter().filter(|x| x.outcome.is_failure()) {
            failures.entry(exchange.pair()).or_default().push(exchange.end);
        }
        Self(failures)
    }

    /// The offset at which the failures of one pair coincide in log and captures: at least three, and four of
    /// five of them, where no other offset matches half as many.
    pub(super) fn propose(&self, events: &[LogEvent]) -> Option<(Span, u64)> {
        let mut logged: BTreeMap<HostPair, Vec<Timestamp>> = BTreeMap::new();
        for event in events {
            // A host that waits for an answer gives up at a time of its own.
            let waits = matches!(event.reason, Some(Reason::Timeout | Reason::NoResponse));
            if event.category != Category::IkeFailure || waits {
                continue;
            }
            let (Some(local), Some(peer), Some(time)) = (event.local(), event.peer(), event.time)
            else {
                continue;
            };
            logged.entry(HostPair::new(local, peer)).or_default().push(time);
        }
        let both = logged.iter().filter_map(|(pair, times)| Some((times, self.0.get(pair)?)));
        let best = both.take(MOST_PAIRS).filter_map(|(times, seen)| fall_together(times, seen));
        best.max_by_key(|(offset, matches)| (*matches, std::cmp::Reverse(*offset)))
    }
}

fn fall_together(logged: &[Timestamp], seen: &[Timestamp]) -> Option<(Span, u64)> {
    if logged.len() < LEAST || seen.len() < LEAST || logged.len() > MOST || seen.len() > MOST {
        return None;
    }
    let mut differences: Vec<(i64, usize)> = Vec::with_capacity(logged.len() * seen.len());
    for time in logged {
        let all = seen.iter().enumerate();
        differences.extend(all.map(|(at, wire)| (time.since(*wire).0, at)));
    }
    differences.sort_unstable();
    let weights = weights(&differences, seen.len());
    let weigh = |from: usize| weights.get(from).copied().unwrap_or_default();
    let (best, weight) = (0..differences.len())
        .map(|from| (from, weigh(from)))
        .max_by_key(|(from, weight)| (*weight, std::cmp::Reverse(*from)))?;
    let begin = differences.get(best)?.0;
    let others = (0..differences.len())
        .filter(|from| differences.get(*from).is_some_and(|(d, _)| (d - begin).abs() > 2 * NEAR.0));
    let second = others.map(weigh).max().unwrap_or(0);
    let wanted = logged.len().min(seen.len());
    let is_clear = weight >= LEAST && weight * 5 >= wanted * 4 && second * 2 <= weight;
    let inside: Vec<i64> = differences
        .iter()
        .skip(best)
        .map(|(d, _)| *d)
        .take_while(|d| d - begin <= NEAR.0)
        .collect();
    let middle = inside.get(inside.len() / 2)?;
    is_clear.then_some((Span(*middle), weight as u64))
}

/// For each difference, the number of different captured failures in the window that begins with it. The
/// differences are in order, each with its failure's index in `seen`.
fn weights(differences: &[(i64, usize)], seen: usize) -> Vec<usize> {
    let mut counts = vec![0_usize; seen];
    let (mut distinct, mut end) = (0, 0);
    let mut weights = Vec::with_capacity(differences.len());
    for (begin, at) in differences {
        while let Some((difference, at)) = differences.get(end)
            && difference - begin <= NEAR.0
        {
            if let Some(count) = counts.get_mut(*at) {
                *count += 1;
                distinct += usize::from(*count == 1);
            }
            end += 1;
        }
        weights.push(distinct);
        if let Some(count) = counts.get_mut(*at) {
            *count -= 1;
            distinct -= usize::from(*count == 0);
        }
    }
    weights
}

/// Fewer failures have no rhythm.
const LEAST: usize = 3;
/// The most failures of one pair, and pairs of a log, that are examined.
const MOST: usize = 48;
const MOST_PAIRS: usize = 64;
/// A failure is logged within this time, and times of old logs are whole seconds.
const NEAR: Span = Span::from_seconds(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: &[i64]) -> Vec<Timestamp> {
        seconds.iter().map(|s| Timestamp(s * 1_000_000_000)).collect()
    }

    #[test]
    fn an_uneven_rhythm_shows_the_offset_and_an_even_one_does_not() {
        let wire = at(&[0, 17, 40, 110, 300]);
        let log = at(&[3600, 3617, 3640, 3710, 3900]);
        assert_eq!(fall_together(&log, &wire), Some((Span::from_seconds(3600), 5)));
        let even = at(&[0, 60, 120, 180, 240]);
        let later = at(&[3600, 3660, 3720, 3780, 3840]);
        assert_eq!(fall_together(&later, &even), None);
        assert_eq!(fall_together(&log, &wire[..2]), None);
    }
}
