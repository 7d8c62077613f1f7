//! Fits a log's clock to pairs of times, one by the log and one by the captures.
//!
//! Robust: uses the median of the differences, and of the slopes between pairs (Theil and Sen), so that a few
//! wrong pairs have no effect.

use crate::time::{Span, Timestamp};

/// One exact join: the time in the log, and the time in the captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimePair {
    /// Place of the event in its log.
    pub(super) place: usize,
    pub(super) shown: Timestamp,
    pub(super) wire: Timestamp,
}

impl TimePair {
    pub(super) fn difference(&self) -> Span {
        self.shown.since(self.wire)
    }
}

/// How a clock ran over a stretch in which it was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// The log's time at which the offset is exact.
    pub(super) at: Timestamp,
    /// Log time minus capture time, at that time.
    pub(super) offset: Span,
    /// How much faster than the captures' clock it ran, in parts per billion; `None` where the joins do not
    /// show it.
    pub(super) drift: Option<i64>,
    /// The first and the last join, by the log.
    pub(super) joined: (Timestamp, Timestamp),
    /// The error bound of a time between these.
    pub(super) error: Span,
    /// How much an unknown or inexact drift adds to the error per second beyond them, in parts per billion.
    pub(super) unsure_drift: i64,
    pub(super) matches: u64,
    pub(super) rejected: u64,
    pub(super) spread: Span,
}

/// Fits the pairs of one stretch. `resolution` is that of the log's times.
pub(super) fn fit(pairs: &[TimePair], resolution: Span) -> Option<Fit> {
    let mut kept: Vec<TimePair> = pairs.to_vec();
    kept.sort_by_key(|pair| (pair.shown, pair.wire));
    let drift = drift(&kept);
    let all = kept.len();
    let at = kept.get(kept.len() / 2)?.shown;
    let residual =
        |pair: &TimePair, drift: i64| pair.difference().0 - drifted(pair.shown.since(at), drift);
    let middle = median(kept.iter().map(|pair| residual(pair, drift.unwrap_or(0))).collect())?;
    let off = |pair: &TimePair| (residual(pair, drift.unwrap_or(0)) - middle).abs();
    let usual = median(kept.iter().map(off).collect())?;
    let most = (usual.saturating_mul(OUTLIER)).max(LEAST_OUTLIER.0 + resolution.0);
    if kept.len() >= ENOUGH {
        kept.retain(|pair| off(pair) <= most);
    }
    let offset = median(kept.iter().map(|pair| residual(pair, drift.unwrap_or(0))).collect())?;
    let worst =
        kept.iter().map(|pair| (residual(pair, drift.unwrap_or(0)) - offset).abs()).max()?;
    let differences = || kept.iter().map(|pair| pair.difference().0);
    let (first, last) = (kept.first()?.shown, kept.last()?.shown);
    let length = last.since(first).0.max(1);
    let base = if kept.len() >= ENOUGH { SEVERAL } else { FEW };
    let error = base.0 + worst.saturating_mul(2) + resolution.0;
    let by_fit = i128::from(2 * worst + resolution.0 + SEVERAL.0) * BILLION / i128::from(length);
    let by_fit = i64::try_from(by_fit).unwrap_or(WORST_DRIFT).min(WORST_DRIFT);
    Some(Fit {
        at,
        offset: Span(offset),
        drift,
        joined: (first, last),
        error: Span(error),
        unsure_drift: if drift.is_some() { by_fit } else { WORST_DRIFT },
        matches: kept.len() as u64,
        rejected: (all - kept.len()) as u64,
        spread: Span(differences().max()? - differences().min()?),
    })
}

impl Fit {
    /// Converts a time of the log to the captures' clock.
    pub(super) fn corrected(&self, shown: Timestamp) -> Timestamp {
        let drifted = drifted(shown.since(self.at), self.drift.unwrap_or(0));
        shown.shifted(self.offset.negated()).shifted(Span(drifted).negated())
    }

    /// The error bound of that time.
    pub(super) fn error_at(&self, shown: Timestamp) -> Span {
        let before = self.joined.0.since(shown).0.max(0);
        let behind = shown.since(self.joined.1).0.max(0);
        let between = if self.drift.is_some() { 0 } else { self.joined.1.since(self.joined.0).0 };
        let beyond = before.max(behind).saturating_add(if self.matches > 2 { 0 } else { between });
        Span(self.error.0.saturating_add(drifted(Span(beyond), self.unsure_drift)))
    }

    /// The same clock after it was set forward by a known step.
    pub(super) fn stepped(&self, by: Span) -> Self {
        Self {
            at: self.at.shifted(by),
            offset: Span(self.offset.0.saturating_add(by.0)),
            joined: (self.joined.0.shifted(by), self.joined.1.shifted(by)),
            matches: 0,
            ..*self
        }
    }
}

/// The median slope, where the joins span enough time to show it.
fn drift(sorted: &[TimePair]) -> Option<i64> {
    let (first, last) = (sorted.first()?, sorted.last()?);
    if sorted.len() < ENOUGH || last.shown.since(first.shown) < LEAST_SPAN {
        return None;
    }
    // Evenly sampled, so that many joins cost no more than a few.
    let step = sorted.len().div_ceil(MOST_FOR_SLOPES);
    let chosen: Vec<&TimePair> = sorted.iter().step_by(step).collect();
    let mut slopes = Vec::new();
    for (at, one) in chosen.iter().enumerate() {
        for other in chosen.iter().skip(at + 1) {
            let apart = other.shown.since(one.shown).0;
            if apart >= LEAST_SPAN.0 / 4 {
                let grown = i128::from(other.difference().0) - i128::from(one.difference().0);
                let slope = grown * BILLION / i128::from(apart);
                slopes.push(i64::try_from(slope).unwrap_or(i64::MAX));
            }
        }
    }
    let slope = median(slopes)?;
    (slope.abs() <= WORST_DRIFT).then_some(slope)
}

fn drifted(length: Span, parts: i64) -> i64 {
    let moved = i128::from(length.0) * i128::from(parts) / BILLION;
    i64::try_from(moved).unwrap_or(i64::MAX)
}

fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

const BILLION: i128 = 1_000_000_000;
/// This many joins are needed to estimate a spread.
pub(super) const ENOUGH: usize = 3;
/// With fewer, the host is trusted to log within a second of the action.
const FEW: Span = Span::from_seconds(1);
/// With more, their spread shows how promptly the host logs; half of this is left for a delay common to all.
const SEVERAL: Span = Span::from_millis(250);
/// A shorter span shows no drift beside the delays of logging.
const LEAST_SPAN: Span = Span::from_seconds(1800);
/// RFC 5905 §7.2 (MAXFREQ): a clock that is off by more than 500 parts in a million is broken.
pub(super) const WORST_DRIFT: i64 = 500_000;
const MOST_FOR_SLOPES: usize = 200;
/// A difference this many times the usual one from the median is not a join of the same kind.
const OUTLIER: i64 = 8;
const LEAST_OUTLIER: Span = Span::from_seconds(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(place: usize, wire: i64, shown: i64) -> TimePair {
        TimePair { place, shown: Timestamp(shown), wire: Timestamp(wire) }
    }

    #[test]
    fn a_drift_is_measured_in_spite_of_joins_that_are_off() {
        const HOUR: i64 = 3_600_000_000_000;
        // 100 ppm fast, an hour ahead, and one join in five is a minute off.
        let pairs: Vec<TimePair> = (0i64..20)
            .zip(0..)
            .map(|(n, place)| {
                let wire = n * HOUR;
                let off = if n % 5 == 4 { 60_000_000_000 } else { 0 };
                pair(place, wire, wire + HOUR + wire / 10_000 + off)
            })
            .collect();
        let fit = fit(&pairs, Span::default()).unwrap();
        assert!((fit.drift.unwrap() - 100_000).abs() < 1_000, "{:?}", fit.drift);
        assert_eq!((fit.matches, fit.rejected), (16, 4));
        let corrected = fit.corrected(Timestamp(10 * HOUR + HOUR + HOUR / 1000));
        assert!((corrected.0 - 10 * HOUR).abs() < fit.error.0, "{corrected:?}");
    }

    #[test]
    fn one_join_holds_with_a_wider_bound_that_grows_with_distance() {
        let fit = fit(&[pair(0, 0, 5_000_000_000)], Span::default()).unwrap();
        assert_eq!((fit.offset, fit.error), (Span::from_seconds(5), Span::from_seconds(1)));
        let later = Timestamp(5_000_000_000).shifted(Span::from_seconds(10_000));
        assert_eq!(fit.error_at(later), Span::from_seconds(6));
        assert_eq!(fit.drift, None);
    }
}
