//! Numbers, times and lengths as people read them.

use crate::report::moment::{beside, nanos};
use crate::time::Zone;
use std::fmt::Display;

/// A whole number with separators of thousands: `5,102`.
pub(super) fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A time of the report to the millisecond, `2026-11-23 08:00:05.432 UTC`, and the digits that this leaves out.
fn parts(time: &str) -> (String, &str) {
    let whole = time.strip_suffix('Z').unwrap_or(time);
    let end = whole.find('.').map_or(whole.len(), |point| (point + 4).min(whole.len()));
    let (shown, fine) = whole.split_at_checked(end).unwrap_or((whole, ""));
    (shown.replacen('T', " ", 1), fine)
}

/// To the millisecond, for sentences; what is finer is cut off. With a zone, its time follows.
pub(super) fn moment(time: &str, zone: Option<&Zone>) -> String {
    let local = zone.and_then(|zone| beside(time, zone));
    let local = local.map_or_else(String::new, |local| format!(" ({local})"));
    format!("{} UTC{local}", parts(time).0)
}

/// The same as an element whose last digits show when its reader asks for full precision; the zone's time is an
/// element of its own.
pub(super) fn element(time: &str, zone: Option<&Zone>) -> String {
    let (shown, fine) = parts(time);
    // Whatever is no time of ours stays text.
    if !shown.bytes().chain(fine.bytes()).all(|b| b.is_ascii_digit() || b"-: .".contains(&b)) {
        return String::new();
    }
    let local = zone.and_then(|zone| beside(time, zone));
    let local =
        local.map_or_else(String::new, |local| format!(" <span class=\"local\">({local})</span>"));
    if fine.is_empty() {
        format!("<time>{shown}</time>{local}")
    } else {
        format!("<time>{shown}<i>{fine}</i></time>{local}")
    }
}

/// How long it is from one time of the report to another.
pub(super) fn between(start: &str, end: &str) -> String {
    let span = nanos(start).zip(nanos(end)).map(|(start, end)| end.saturating_sub(start));
    span.map_or_else(String::new, length)
}

/// A length of time: `2 h 0 min 0 s`, `45.9 s`; nothing finer than a millisecond.
pub(super) fn length(nanos: i64) -> String {
    let millis = nanos.unsigned_abs() / 1_000_000;
    let seconds = millis / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if millis == 0 && nanos != 0 => "under 1 ms".to_owned(),
        (0, 0, 0) => {
            let text = format!("{seconds}.{:03}", millis % 1_000);
            format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
        }
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min {} s", seconds % 60),
        _ => format!("{days} d {hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        let all = [(0, "0"), (999, "999"), (5_102, "5,102"), (1_234_567, "1,234,567")];
        for (number, shown) in all {
            assert_eq!(grouped(number), shown);
        }
    }

    #[test]
    fn times_keep_their_digits_behind_the_milliseconds() {
        let fine = "2026-11-23T08:04:24.294177999Z";
        assert_eq!(moment(fine, None), "2026-11-23 08:04:24.294 UTC");
        assert_eq!(element(fine, None), "<time>2026-11-23 08:04:24.294<i>177999</i></time>");
        assert_eq!(element("2026-11-23T08:04:24Z", None), "<time>2026-11-23 08:04:24</time>");
        assert_eq!(element("2026<b>", None), "");
        let zone = Zone::parse("+01:00");
        assert_eq!(
            element("2026-11-23T08:04:24Z", zone.as_ref()),
            "<time>2026-11-23 08:04:24</time> <span class=\"local\">(09:04:24 +01:00)</span>"
        );
        let local = "2026-11-23 08:04:24.294 UTC (09:04:24 +01:00)";
        assert_eq!(moment(fine, zone.as_ref()), local);
    }

    #[test]
    fn lengths_read_as_people_say_them() {
        let all = [
            (0, "0 s"),
            (1_000, "under 1 ms"),
            (45_900_000_000, "45.9 s"),
            (190_400_000_000, "3 min 10 s"),
            (7_200_000_000_000, "2 h 0 min 0 s"),
            (90_000_000_000_000, "1 d 1 h 0 min"),
        ];
        for (nanos, shown) in all {
            assert_eq!(length(nanos), shown);
        }
    }
}
