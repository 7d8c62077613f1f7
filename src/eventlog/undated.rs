//! Times without a year: logs of gateways show month, day and time of day.
//!
//! A reader places them in years that no log is from ([`shown`]); the rest of the evidence determines the year
//! ([`year`]), and [`Dating`] converts them to points in time.

use crate::time::{Timestamp, Zone};

/// A time of day in a month, in the `turn`-th year of a file: an instant of a year long before any log.
/// `None` where there is no such day or time.
#[must_use]
pub fn shown(turn: i16, month: i8, day: i8, time: (i8, i8, i8), nanos: i32) -> Option<Timestamp> {
    let year = FIRST_YEAR.checked_add(turn.checked_mul(4)?)?;
    (0..=MOST_TURNS)
        .contains(&turn)
        .then(|| Timestamp::from_utc((year, month, day), time, nanos))?
}

/// Whether a time has no year.
#[must_use]
pub fn is_undated(time: Timestamp) -> bool {
    Timestamp::from_utc((LAST_YEAR, 1, 1), (0, 0, 0), 0).is_some_and(|end| time < end)
}

/// The year of a file's first turn, such that its span is nearest to that of dated evidence; `None` where
/// several years are equally near, or none is possible.
#[must_use]
pub fn year(span: (Timestamp, Timestamp), evidence: (Timestamp, Timestamp)) -> Option<i16> {
    let (from, to) = (year_of(evidence.0)?, year_of(evidence.1)?);
    // The file may have begun years before its last line.
    let years = from.saturating_sub(MOST_TURNS).saturating_sub(1)..=to.saturating_add(1);
    let mut nearest: Option<(i64, i16, bool)> = None;
    for year in years {
        let dating = Dating { year, zone: None };
        let (Some((first, _)), Some((last, _))) = (dating.instant(span.0), dating.instant(span.1))
        else {
            continue;
        };
        let apart = first.since(evidence.1).0.max(evidence.0.since(last).0).max(0);
        match nearest {
            Some((least, ..)) if apart > least => {}
            Some((least, known, _)) if apart == least => nearest = Some((least, known, false)),
            _ => nearest = Some((apart, year, true)),
        }
    }
    nearest.filter(|(_, _, is_only)| *is_only).map(|(_, year, _)| year)
}

/// The year and the zone of undated times.
#[derive(Clone, Copy, Debug)]
pub struct Dating<'z> {
    /// The year of the first turn.
    pub year: i16,
    /// The zone of the clock; UTC where it is not known.
    pub zone: Option<&'z Zone>,
}

impl Dating<'_> {
    /// The point in time, and whether the clock showed it exactly once. A time with a year is returned
    /// unchanged; `None` where the year has no such day.
    #[must_use]
    pub fn instant(&self, time: Timestamp) -> Option<(Timestamp, bool)> {
        if !is_undated(time) {
            return Some((time, true));
        }
        let stands_for = year_of(time)?;
        let text = time.rfc3339(crate::time::Resolution::NANOSECONDS);
        let turn = (stands_for - FIRST_YEAR) / 4;
        let year = self.year.checked_add(turn)?;
        let dated = format!("{year:04}{}", text.get(4..)?);
        let dated = Timestamp::from_rfc3339(&dated)?;
        match self.zone {
            Some(zone) => zone.instant(dated),
            None => Some((dated, true)),
        }
    }
}

fn year_of(time: Timestamp) -> Option<i16> {
    let text = time.rfc3339(crate::time::Resolution::SECONDS);
    text.get(..4)?.parse().ok()
}

/// A leap year, as every fourth one up to the last is: each has a 29 February.
const FIRST_YEAR: i16 = 1904;
/// The most new years in one file.
const MOST_TURNS: i16 = 17;
/// No log is older than this.
const LAST_YEAR: i16 = 1976;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_rfc3339(text).unwrap()
    }

    #[test]
    fn the_year_is_the_one_that_comes_nearest() {
        let evidence = (at("2026-01-01T00:10:00Z"), at("2026-01-01T02:00:00Z"));
        let december = shown(8, 12, 31, (23, 0, 0), 0).unwrap();
        let january = shown(9, 1, 1, (1, 0, 0), 0).unwrap();
        let year = year((december, january), evidence).unwrap();
        let dating = Dating { year, zone: None };
        assert_eq!(dating.instant(december), Some((at("2025-12-31T23:00:00Z"), true)));
        assert_eq!(dating.instant(january), Some((at("2026-01-01T01:00:00Z"), true)));
        let zone = Zone::parse("Europe/Berlin");
        let dating = Dating { year, zone: zone.as_ref() };
        assert_eq!(dating.instant(january), Some((at("2026-01-01T00:00:00Z"), true)));
    }

    #[test]
    fn evidence_of_several_years_decides_nothing_and_a_leap_day_its_year() {
        let june = shown(0, 6, 1, (0, 0, 0), 0).unwrap();
        let long = (at("2024-01-01T00:00:00Z"), at("2026-12-31T00:00:00Z"));
        assert_eq!(year((june, june), long), None);
        let leap = shown(0, 2, 29, (0, 0, 0), 0).unwrap();
        assert_eq!(year((leap, leap), long), Some(2024));
        assert_eq!(shown(0, 2, 30, (0, 0, 0), 0), None);
        assert!(is_undated(june) && !is_undated(at("1999-01-01T00:00:00Z")));
    }
}
