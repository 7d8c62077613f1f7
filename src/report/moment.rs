//! The report's times as numbers, for formats that want numbers.

use crate::time::{Resolution, Shown, Timestamp, Zone};

/// Nanoseconds since 1970 of a time that the report shows.
pub(super) fn nanos(time: &str) -> Option<i64> {
    Timestamp::from_rfc3339(time).map(|time| time.0)
}

/// What the clocks of a zone show at a time of the report, to the second: `09:04:24 +01:00`, with the date where it
/// is another than in UTC. `None` where the text is no time.
#[must_use]
pub fn beside(time: &str, zone: &Zone) -> Option<String> {
    let Shown { date, time: clock, offset } = zone.shown(Timestamp::from_rfc3339(time)?)?;
    let is_same_day = time.starts_with(&date);
    Some(if is_same_day { format!("{clock} {offset}") } else { format!("{date} {clock} {offset}") })
}

/// Microseconds since 1970; what is finer is cut off, never rounded up.
pub(super) const fn micros(nanos: i64) -> i64 {
    nanos.div_euclid(1_000)
}

/// RFC 3339 in UTC with six digits and the offset written out.
pub(super) fn with_six_digits(nanos: i64) -> String {
    let text = Timestamp(nanos).rfc3339(Resolution::MICROSECONDS);
    text.strip_suffix('Z').map_or_else(|| text.clone(), |time| format!("{time}+00:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finer_digits_are_cut_and_coarser_ones_filled() {
        let fine = nanos("2026-11-23T08:04:24.294177999Z").unwrap();
        assert_eq!(micros(fine), 1_795_421_064_294_177);
        assert_eq!(with_six_digits(fine), "2026-11-23T08:04:24.294177+00:00");
        let coarse = nanos("2026-11-23T08:04:24Z").unwrap();
        assert_eq!(with_six_digits(coarse), "2026-11-23T08:04:24.000000+00:00");
        assert_eq!(micros(-1), -1);
        assert_eq!(nanos("never"), None);
    }

    #[test]
    fn the_date_of_a_zone_stands_where_it_is_another() {
        let zone = Zone::parse("+01:00").unwrap();
        let beside = |time| beside(time, &zone);
        assert_eq!(beside("2026-11-23T08:04:24.294177Z").unwrap(), "09:04:24 +01:00");
        assert_eq!(beside("2026-11-23T23:30:00Z").unwrap(), "2026-11-24 00:30:00 +01:00");
        assert_eq!(beside("yesterday"), None);
    }
}
