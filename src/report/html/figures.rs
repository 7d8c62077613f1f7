//! Numbers, times and lengths as people read them.

use crate::report::moment::{beside, nanos};
use crate::time::{Timestamp, Zone};
use askama::filters::{Html, escape};
use std::fmt::Display;
use std::time::Duration;

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

/// A time with its zone, and behind it the display zone's: `<time>2026-11-23 08:00:05.432</time> UTC`.
pub(super) fn in_utc(time: &str, zone: Option<&Zone>) -> String {
    let local = zone.and_then(|zone| beside(time, zone));
    let local =
        local.map_or_else(String::new, |local| format!(" <span class=\"local\">({local})</span>"));
    format!("{} UTC{local}", element(time, None))
}

/// A span of time. The zone is named once, unless the display zone's times stand in between.
pub(super) fn from_to(start: &str, end: &str, zone: Option<&Zone>) -> String {
    let first = if zone.is_some() { in_utc(start, zone) } else { element(start, None) };
    format!("{first} to {}, {}", in_utc(end, zone), between(start, end))
}

/// A sentence in which the display zone's time follows each time in RFC 3339.
pub(super) fn with_local(text: &str, zone: Option<&Zone>) -> String {
    let Some(zone) = zone else { return text.to_owned() };
    let mut shown = String::with_capacity(text.len());
    for word in text.split_inclusive(' ') {
        let time = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let local = Timestamp::from_rfc3339(time).and_then(|_| beside(time, zone));
        match local.zip(word.split_once(time)) {
            Some((local, (before, after))) => {
                shown.push_str(&format!("{before}{time} ({local}){after}"));
            }
            None => shown.push_str(word),
        }
    }
    shown
}

/// A number of seconds of the report, as a length.
pub(super) fn seconds(seconds: &str) -> String {
    nanos_of(seconds).map_or_else(|| format!("{seconds} s"), length)
}

/// How far a clock is off, log time less capture time: `267 d 23 h 59 min slow`.
pub(super) fn offset(seconds: &str) -> String {
    let way = if seconds.starts_with('-') { "slow" } else { "fast" };
    match nanos_of(seconds) {
        Some(0) => "no difference".to_owned(),
        Some(nanos) => format!("{} {way}", length(nanos)),
        None => format!("{seconds} s"),
    }
}

/// Seconds of the report, without their sign, as nanoseconds.
pub(super) fn nanos_of(seconds: &str) -> Option<i64> {
    let length = Duration::try_from_secs_f64(seconds.parse::<f64>().ok()?.abs()).ok()?;
    i64::try_from(length.as_nanos()).ok()
}

/// A name, an address or a path as markup that breaks behind its dots, colons and slashes only; a part so long that
/// no column could hold it breaks anywhere.
pub(super) fn pieces(text: &str) -> String {
    let parts = |text| escape(text, Html).map(|shown| shown.to_string()).unwrap_or_default();
    if text.len() <= NEVER_BROKEN {
        return parts(text);
    }
    let mut shown = String::with_capacity(text.len() * 2);
    for part in text.split_inclusive(['.', ':', '/', '\\']) {
        let longest = part.split(' ').map(str::len).max().unwrap_or_default();
        if longest > LONGEST_PART {
            shown.push_str(&format!("<span class=\"any\">{}</span><wbr>", parts(part)));
        } else {
            shown.push_str(&format!("{}<wbr>", parts(part)));
        }
    }
    shown.truncate(shown.len() - "<wbr>".len());
    shown
}

/// A display filter as markup that breaks between its terms, and behind colons and commas.
pub(super) fn filter(text: &str) -> String {
    let shown = escape(text, Html).map(|shown| shown.to_string()).unwrap_or_default();
    shown.replace(':', ":<wbr>").replace(',', ",<wbr>")
}

/// An address of IPv4 with its port is one piece.
const NEVER_BROKEN: usize = 15;
/// The longest part of a name that is kept in one piece: a column of a table can be as wide.
const LONGEST_PART: usize = 30;

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
    fn the_zone_is_named_before_the_local_time() {
        let (start, end) = ("2026-11-23T08:04:24Z", "2026-11-23T08:04:25.5Z");
        let both =
            "<time>2026-11-23 08:04:24</time> to <time>2026-11-23 08:04:25.5</time> UTC, 1.5 s";
        assert_eq!(from_to(start, end, None), both);
        let zone = Zone::parse("+01:00");
        let local =
            "<time>2026-11-23 08:04:24</time> UTC <span class=\"local\">(09:04:24 +01:00)</span>";
        assert_eq!(in_utc(start, zone.as_ref()), local);
        let sentence = "It stopped (at 2026-11-23T08:04:24Z).";
        let with_both = "It stopped (at 2026-11-23T08:04:24Z (09:04:24 +01:00)).";
        assert_eq!(with_local(sentence, zone.as_ref()), with_both);
        assert_eq!(with_local(sentence, None), sentence);
    }

    #[test]
    fn clocks_are_off_by_lengths() {
        let all = [
            ("-23155198.98", "267 d 23 h 59 min slow"),
            ("2.5", "2.5 s fast"),
            ("0", "no difference"),
        ];
        for (seconds, shown) in all {
            assert_eq!(offset(seconds), shown);
        }
        assert_eq!(seconds("0.276625155"), "0.276 s");
    }

    #[test]
    fn names_break_between_their_parts() {
        assert_eq!(pieces("10.77.3.11:500"), "10.77.3.11:500");
        assert_eq!(pieces("WS01.corp.example"), "WS01.<wbr>corp.<wbr>example");
        assert_eq!(pieces("a<b/.corp.example"), "a&#60;b/<wbr>.<wbr>corp.<wbr>example");
        let long = "x".repeat(31);
        assert_eq!(pieces(&long), format!("<span class=\"any\">{long}</span>"));
        assert_eq!(
            filter("ip.addr==10.77.3.11 && frame.number<=185"),
            "ip.addr==10.77.3.11 &#38;&#38; frame.number&#60;=185"
        );
        assert_eq!(filter("ipv6.addr==fe80::1"), "ipv6.addr==fe80:<wbr>:<wbr>1");
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
