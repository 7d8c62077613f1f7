//! Points in time and how finely a piece of evidence shows them.
//!
//! Conversions that can leave the range are fallible; nothing here reads a clock.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Nanoseconds since 1970-01-01T00:00:00 UTC. Reaches from 1677 to 2262.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From seconds and a fraction in nanoseconds; `None` where it leaves the range.
    #[must_use]
    pub fn from_seconds(seconds: i64, nanoseconds: u32) -> Option<Self> {
        seconds.checked_mul(NANOS_PER_SECOND)?.checked_add(i64::from(nanoseconds)).map(Self)
    }

    /// From a Windows FILETIME: ticks of 100 ns since 1601-01-01 UTC ([MS-DTYP] 2.3.3).
    /// `None` where it leaves the range (FILETIME 0 does).
    #[must_use]
    pub fn from_filetime(ticks: u64) -> Option<Self> {
        let since_1970 = i128::from(ticks) - FILETIME_TICKS_TO_1970;
        i64::try_from(since_1970 * 100).ok().map(Self)
    }

    /// From a date and a time of day in UTC; `None` where the calendar has no such day.
    #[must_use]
    pub fn from_utc(date: (i16, i8, i8), time: (i8, i8, i8), nanoseconds: i32) -> Option<Self> {
        let ((year, month, day), (hour, minute, second)) = (date, time);
        let point =
            jiff::civil::DateTime::new(year, month, day, hour, minute, second, nanoseconds).ok()?;
        let point = point.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        i64::try_from(point.timestamp().as_nanosecond()).ok().map(Self)
    }

    /// From RFC 3339 text, any offset.
    ///
    /// ```
    /// use plainsight::time::Timestamp;
    ///
    /// let local = Timestamp::from_rfc3339("2026-11-23T09:04:24+01:00");
    /// assert_eq!(local, Timestamp::from_rfc3339("2026-11-23T08:04:24Z"));
    /// assert_eq!(Timestamp::from_rfc3339("yesterday"), None);
    /// ```
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let parsed: jiff::Timestamp = text.trim().parse().ok()?;
        i64::try_from(parsed.as_nanosecond()).ok().map(Self)
    }

    /// This point moved by a span (positive: later), clamped to the range.
    #[must_use]
    pub fn shifted(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span from `earlier` to this point; negative where `earlier` is later. Clamped.
    #[must_use]
    #[inline]
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339 in UTC with the digits the evidence has.
    #[must_use]
    pub fn rfc3339(self, resolution: Resolution) -> String {
        let stamp = jiff::Timestamp::from_nanosecond(i128::from(self.0));
        // Every i64 of nanoseconds lies within jiff's years -9999 to 9999.
        stamp
            .map_or_else(|_| String::new(), |s| format!("{s:.*}", usize::from(resolution.digits())))
    }
}

/// A time zone: a fixed offset from UTC, or a name of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: jiff::tz::TimeZone,
}

impl Zone {
    /// From `UTC`, an offset such as `+01:00`, or a name such as `Europe/Berlin`. Names are those of the
    /// database that the program carries, so that they mean the same on every computer.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("z") {
            return Self::fixed(0);
        }
        if let Some(seconds) = offset_seconds(text) {
            return Self::fixed(seconds);
        }
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(text).ok()?;
        let name = zone.iana_name()?.to_owned();
        Some(Self { name, zone })
    }

    /// So many seconds ahead of UTC; `None` beyond a day.
    #[must_use]
    pub fn fixed(seconds: i32) -> Option<Self> {
        let offset = jiff::tz::Offset::from_seconds(seconds).ok()?;
        let minutes = seconds.unsigned_abs() / 60;
        let sign = if seconds < 0 { '-' } else { '+' };
        let name = match seconds {
            0 => "UTC".to_owned(),
            _ => format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        };
        Some(Self { name, zone: jiff::tz::TimeZone::fixed(offset) })
    }

    /// The offset as `+01:00`, or the name that the database has.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the clocks of the zone show at a point in time: the date, the time of day to the second, and how far
    /// they are from UTC. `None` outside the range.
    #[must_use]
    pub fn shown(&self, at: Timestamp) -> Option<Shown> {
        let at = jiff::Timestamp::from_nanosecond(i128::from(at.0)).ok()?;
        let at = at.to_zoned(self.zone.clone());
        Some(Shown {
            date: at.strftime("%Y-%m-%d").to_string(),
            time: at.strftime("%H:%M:%S").to_string(),
            offset: at.strftime("%:z").to_string(),
        })
    }

    /// When the clocks of the zone showed a date and time of day, `shown` as if it were UTC, and whether
    /// that happened exactly once. Of two times the first is given; for one that no clock showed, as
    /// much later as the clocks were put forward. `None` outside the range.
    #[must_use]
    pub fn instant(&self, shown: Timestamp) -> Option<(Timestamp, bool)> {
        let shown = jiff::Timestamp::from_nanosecond(i128::from(shown.0)).ok()?;
        let shown = shown.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let instant = self.zone.to_ambiguous_timestamp(shown);
        let is_once = !instant.is_ambiguous();
        let nanos = i64::try_from(instant.compatible().ok()?.as_nanosecond()).ok()?;
        Some((Timestamp(nanos), is_once))
    }
}

/// What the clocks of a zone show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// `2026-11-23`.
    pub date: String,
    /// `09:04:24`.
    pub time: String,
    /// `+01:00`.
    pub offset: String,
}

/// The seconds of an offset such as `+01:00`, `-0330` or `+5`.
pub(crate) fn offset_seconds(text: &str) -> Option<i32> {
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' | '\u{2212}' => -1,
        _ => return None,
    };
    let digits: String = text.chars().skip(1).filter(|c| *c != ':').collect();
    let number = |part: &str| part.parse::<i32>().ok();
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        1 | 2 => (number(&digits)?, 0),
        4 => (number(digits.get(..2)?)?, number(digits.get(2..)?)?),
        _ => return None,
    };
    (hours <= 15 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// A signed length of time in nanoseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Span(pub i64);

impl Span {
    /// A span of whole seconds, clamped to the range.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// A span of whole milliseconds, clamped to the range.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// The same span the other way round.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// The span without its sign.
    #[must_use]
    pub const fn magnitude(self) -> Self {
        Self(self.0.saturating_abs())
    }
}

/// Decimal seconds with as many digits as are needed, at least one: `137.25`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let fraction = format!("{:09}", nanos % 1_000_000_000);
        let fraction = fraction.trim_end_matches('0');
        let fraction = if fraction.is_empty() { "0" } else { fraction };
        write!(f, "{sign}{}.{fraction}", nanos / 1_000_000_000)
    }
}

/// How many decimal digits of a second a piece of evidence shows, 0 to 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct Resolution(u8);

impl Resolution {
    /// Whole seconds (.evt).
    pub const SECONDS: Self = Self(0);
    /// Milliseconds (Network Monitor 1).
    pub const MILLISECONDS: Self = Self(3);
    /// Microseconds (classic pcap).
    pub const MICROSECONDS: Self = Self(6);
    /// FILETIME ticks of 100 ns (.evtx).
    pub const FILETIME: Self = Self(7);
    /// Nanoseconds.
    pub const NANOSECONDS: Self = Self(9);

    /// The digits that show `ticks_per_second` apart; more than nine are not kept.
    #[must_use]
    pub fn from_ticks_per_second(ticks_per_second: u64) -> Self {
        let digits = (0..=9u8).find(|d| 10u64.pow(u32::from(*d)) >= ticks_per_second);
        Self(digits.unwrap_or(9))
    }

    /// Digits after the decimal point.
    #[must_use]
    pub const fn digits(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Resolution {
    type Error = &'static str;

    fn try_from(digits: u8) -> Result<Self, Self::Error> {
        if digits <= 9 { Ok(Self(digits)) } else { Err("a second has nine digits at the most") }
    }
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const FILETIME_TICKS_TO_1970: i128 = 116_444_736_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_knows_when_its_clocks_showed_a_time() {
        let at = |text: &str| Timestamp::from_rfc3339(text).unwrap();
        let check = |zone: &str, shown: &str, instant: &str, is_once: bool| {
            let zone = Zone::parse(zone).unwrap();
            assert_eq!(zone.instant(at(shown)), Some((at(instant), is_once)), "{}", zone.name());
        };
        check("+01:00", "2026-11-23T08:04:14.25Z", "2026-11-23T07:04:14.25Z", true);
        check("-0330", "2026-11-23T08:04:14Z", "2026-11-23T11:34:14Z", true);
        check("utc", "2026-11-23T08:04:14Z", "2026-11-23T08:04:14Z", true);
        check("Europe/Berlin", "2026-07-23T08:04:14Z", "2026-07-23T06:04:14Z", true);
        check("europe/berlin", "2026-11-23T08:04:14Z", "2026-11-23T07:04:14Z", true);
        // Clocks went from 03:00 back to 02:00, and in spring from 02:00 to 03:00.
        check("Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z", false);
        check("Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:30:00Z", false);
        for bad in ["", "+", "+25:00", "Berlin", "+1:2:3", "CET+1", "../../etc/localtime"] {
            assert_eq!(Zone::parse(bad), None, "{bad}");
        }
        assert_eq!(Zone::parse("europe/berlin").unwrap().name(), "Europe/Berlin");
        assert_eq!(Zone::parse("-5").unwrap().name(), "-05:00");
    }

    #[test]
    fn a_zone_shows_a_time_as_its_clocks_do() {
        let shown = |zone: &str, at: &str| {
            let Shown { date, time, offset } =
                Zone::parse(zone).unwrap().shown(Timestamp::from_rfc3339(at).unwrap()).unwrap();
            format!("{date} {time} {offset}")
        };
        let berlin = "Europe/Berlin";
        assert_eq!(shown(berlin, "2026-11-23T23:04:24.9Z"), "2026-11-24 00:04:24 +01:00");
        assert_eq!(shown(berlin, "2026-10-25T00:30:00Z"), "2026-10-25 02:30:00 +02:00");
        assert_eq!(shown(berlin, "2026-10-25T01:30:00Z"), "2026-10-25 02:30:00 +01:00");
        assert_eq!(shown("-0330", "2026-11-23T08:04:14Z"), "2026-11-23 04:34:14 -03:30");
        assert_eq!(shown("UTC", "1969-12-31T23:59:59.5Z"), "1969-12-31 23:59:59 +00:00");
    }

    #[test]
    fn filetime_zero_does_not_fit_and_is_none() {
        assert_eq!(Timestamp::from_filetime(0), None);
    }

    #[test]
    fn filetime_of_1970_is_zero() {
        assert_eq!(Timestamp::from_filetime(116_444_736_000_000_000), Some(Timestamp(0)));
    }

    #[test]
    fn seconds_beyond_the_range_are_none() {
        assert_eq!(Timestamp::from_seconds(i64::MAX, 0), None);
    }

    #[test]
    fn rfc3339_has_the_digits_of_the_evidence() {
        let t = Timestamp::from_seconds(1_795_421_064, 294_177_000).unwrap();
        assert_eq!(t.rfc3339(Resolution::MICROSECONDS), "2026-11-23T08:04:24.294177Z");
        assert_eq!(t.rfc3339(Resolution::SECONDS), "2026-11-23T08:04:24Z");
        assert_eq!(t.rfc3339(Resolution::NANOSECONDS), "2026-11-23T08:04:24.294177000Z");
        assert_eq!(Timestamp::from_rfc3339("2026-11-23T09:04:24.294177+01:00"), Some(t));
    }

    #[test]
    fn extremes_still_print() {
        assert!(Timestamp(i64::MIN).rfc3339(Resolution::NANOSECONDS).starts_with("1677-09-21T"));
        assert!(Timestamp(i64::MAX).rfc3339(Resolution::NANOSECONDS).starts_with("2262-04-11T"));
    }

    #[test]
    fn spans_print_as_decimal_seconds() {
        assert_eq!(Span::from_millis(137_250).to_string(), "137.25");
        assert_eq!(Span::from_millis(-4_500).to_string(), "-4.5");
        assert_eq!(Span::from_seconds(0).to_string(), "0.0");
    }

    #[test]
    fn resolution_holds_binary_and_decimal_ticks() {
        assert_eq!(Resolution::from_ticks_per_second(1_000_000), Resolution::MICROSECONDS);
        assert_eq!(Resolution::from_ticks_per_second(1 << 20).digits(), 7);
        assert_eq!(Resolution::from_ticks_per_second(u64::MAX).digits(), 9);
    }
}
