//! A line of a daemon's log: its time, its host, which daemon wrote it, and the message.
//!
//! Sources: strongSwan's file and syslog loggers (src/libcharon/bus/listeners), RFC 3164 §4.1 and RFC 5424 §6.2.3 for
//! the head of a system log's line, journalctl's JSON (systemd.journal-fields(7)), and recorded logs of both daemons.

use crate::catalogue::{CHARON, PLUTO};
use crate::eventlog::text::dates::NoTime;
use crate::eventlog::text::local_times::RecordTime;
use crate::eventlog::text::rows::{Node, Row};
use crate::evidence::{is_head_of_5424, without_priority};
use crate::time::Timestamp;

/// Which daemon wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Daemon {
    /// strongSwan's.
    Charon,
    /// libreswan's.
    Pluto,
}

impl Daemon {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Charon => CHARON,
            Self::Pluto => PLUTO,
        }
    }
}

/// The form of a line's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A time as other exports have it.
    Time(RecordTime),
    /// Month, day and time of day.
    NoYear { month: i8, day: i8, time: (i8, i8, i8), nanos: i32 },
}

/// A line of a daemon.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'t> {
    pub(super) shown: Shown,
    pub(super) host: &'t str,
    pub(super) daemon: Daemon,
    /// Of charon, the thread that wrote it.
    pub(super) thread: &'t str,
    /// Of charon, the text between `<` and `>`: the IKE SA that it is about.
    pub(super) sa: &'t str,
    pub(super) message: &'t str,
}

impl<'t> Line<'t> {
    /// Reads a line of text; `None` where no daemon wrote it.
    pub(super) fn of_text(line: &'t str) -> Option<Self> {
        let (shown, rest) = time_in_front(without_priority(line));
        let none = Shown::Time(RecordTime::NONE);
        let (shown, rest) = if shown == none { (none, line.trim_start()) } else { (shown, rest) };
        if let Some((head, thread, message)) = charon(rest) {
            let words: Vec<&str> = head.split_whitespace().take(MOST_OF_HEAD).collect();
            let host = match words.as_slice() {
                [host, writer] if writer.len() > 1 && writer.ends_with(':') => host,
                [host, ..] if is_head_of_5424(&words) => host,
                _ => "",
            };
            let (sa, message) = named_sa(message);
            return Some(Self { shown, host, daemon: Daemon::Charon, thread, sa, message });
        }
        let (host, message) = pluto(rest)?;
        let daemon = Daemon::Pluto;
        // Messages for its developers begin like this.
        let is_debugging = message.starts_with('|');
        (!is_debugging).then_some(Self { shown, host, daemon, thread: "", sa: "", message })
    }

    /// Reads an object of charon's own JSON, or of the journal; `text` receives the texts of the line.
    pub(super) fn of_row(row: &Row<'_>, text: &'t mut RowText) -> Option<Self> {
        let of = |name: &str| row.get(name).map(text_of).unwrap_or_default();
        if !of("msg").is_empty() && row.get("group").is_some() {
            *text = RowText { host: String::new(), message: of("msg"), sa: of("ikesa-uniqueid") };
            let shown = Shown::Time(RecordTime::parse(&of("time")));
            let (daemon, sa, message) = (Daemon::Charon, text.sa.as_str(), text.message.as_str());
            return Some(Self { shown, host: "", daemon, thread: "", sa, message });
        }
        let microseconds: i64 = of("__REALTIME_TIMESTAMP").parse().ok()?;
        let time = microseconds.checked_mul(1000).map(|nanos| RecordTime::At(Timestamp(nanos)));
        let shown = Shown::Time(time.unwrap_or(RecordTime::NONE));
        let writer = of("SYSLOG_IDENTIFIER");
        *text = RowText { host: of("_HOSTNAME"), message: of("MESSAGE"), sa: String::new() };
        let host = text.host.as_str();
        if let Some((_, thread, message)) = charon(&text.message) {
            let (sa, message) = named_sa(message);
            return Some(Self { shown, host, daemon: Daemon::Charon, thread, sa, message });
        }
        let message = text.message.as_str();
        let is_pluto = writer == PLUTO && !message.starts_with('|');
        let daemon = Daemon::Pluto;
        is_pluto.then_some(Self { shown, host, daemon, thread: "", sa: "", message })
    }
}

/// A value's text. The journal writes a text that is not printable UTF-8 as a list of its bytes, and a field that
/// occurs several times as a list of its texts (systemd, "Journal JSON Format"): the last one counts.
fn text_of(node: &Node<'_>) -> String {
    let Node::List(list) = node else { return node.as_str().unwrap_or_default().to_owned() };
    let byte = |node: &Node<'_>| match node {
        Node::Number(number) => number.as_u64().and_then(|byte| u8::try_from(byte).ok()),
        _ => None,
    };
    match list.iter().map(byte).collect::<Option<Vec<u8>>>() {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        None => list.last().map(text_of).unwrap_or_default(),
    }
}

/// Texts of an object.
#[derive(Debug, Default)]
pub(super) struct RowText {
    host: String,
    message: String,
    sa: String,
}

/// The text before charon's mark `07[IKE]`, the thread in it, and the text after it.
fn charon(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find('[')?;
        let (before, behind) = (text.get(..open)?, text.get(open + 1..)?);
        from = open + 1;
        let Some(group) = GROUPS.iter().find_map(|group| behind.strip_prefix(group)) else {
            continue;
        };
        let group = group.strip_prefix(|c: char| c.is_ascii_digit()).unwrap_or(group);
        let Some(message) = group.strip_prefix("] ") else { continue };
        let head = before.trim_end_matches(|c: char| c.is_ascii_digit());
        let thread = before.get(head.len()..)?;
        let stands_alone = head.is_empty() || head.ends_with(' ');
        if thread.len() >= 2 && stands_alone {
            return Some((head, thread, message));
        }
    }
}

/// The SA in front of a message, `<name|7>` or `<7>`, by its number, and the message.
fn named_sa(message: &str) -> (&str, &str) {
    let named = message.strip_prefix('<').and_then(|rest| rest.split_once("> "));
    match named {
        Some((name, message)) => (name.rsplit('|').next().unwrap_or(name), message),
        None => ("", message),
    }
}

/// The host and the message of a line of pluto: of the system's log, or of its own log, where a connection's
/// name comes first.
fn pluto(text: &str) -> Option<(&str, &str)> {
    if text.starts_with('"') {
        return names_connection(text).then_some(("", text));
    }
    let words: Vec<&str> = text.split_whitespace().take(5).collect();
    if let [host, PLUTO, _, _, data] = words.as_slice()
        && is_head_of_5424(&words)
    {
        let (_, message) = text.split_once(data)?;
        let message = message.find('"').and_then(|at| message.get(at..))?;
        return Some((host, message));
    }
    let (head, message) = text.split_once(": ")?;
    let mut words = head.split_whitespace();
    let (first, second) = (words.next()?, words.next());
    let (host, writer) = second.map_or(("", first), |writer| (first, writer));
    let name = writer.split('[').next().unwrap_or(writer);
    (name == PLUTO && words.next().is_none()).then_some((host, message))
}

/// Whether a text begins with a connection's name in quotation marks, and goes on as pluto does: `"name" #1: …`,
/// `"name"[2] 192.0.2.1 #1: …`, `"name": …`.
fn names_connection(text: &str) -> bool {
    let name = text.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    let Some((_, behind)) = name else { return false };
    match behind.strip_prefix(": ") {
        // A member of an object of JSON.
        Some(value) => !value.starts_with(['"', '{', '[']),
        None => behind.starts_with(" #") || behind.starts_with('['),
    }
}

/// The time that a line begins with, and the text after it.
fn time_in_front(line: &str) -> (Shown, &str) {
    let none = (Shown::Time(RecordTime::NONE), line);
    let (first, rest) = word(line);
    let is_weekday =
        first.len() <= 4 && WEEKDAYS.iter().any(|day| first.trim_end_matches(',') == *day);
    let (first, rest) = if is_weekday { word(rest) } else { (first, rest) };
    if let Some(month) = MONTHS.iter().position(|month| *month == first) {
        return in_words(month, rest).unwrap_or(none);
    }
    let is_numeric = |text: &str| {
        let mut bytes = text.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_digit())
            && bytes.all(|byte| byte.is_ascii_digit() || b"-./:,T+Zz".contains(&byte))
    };
    if !is_numeric(first) {
        return none;
    }
    let whole = RecordTime::parse(first);
    if first.contains('T') && whole != RecordTime::NONE {
        return (Shown::Time(whole), rest);
    }
    let (second, behind) = word(rest);
    if !is_numeric(second) {
        return none;
    }
    let (half, behind_half) = word(behind);
    let is_half = ["AM", "PM"].iter().any(|name| half.eq_ignore_ascii_case(name));
    let (half, behind) = if is_half { (half, behind_half) } else { ("", behind) };
    let (zone, behind_zone) = word(behind);
    let has_zone = zone.len() >= 5 && zone.strip_prefix(['+', '-']).is_some_and(is_numeric);
    let is_utc = matches!(zone, "UTC" | "GMT" | "Z");
    let zone = match (has_zone, is_utc) {
        (true, _) => zone,
        (_, true) => "Z",
        (false, false) if is_zone_name(zone, behind_zone) => {
            return (Shown::Time(RecordTime::Missing(NoTime::UnknownMark)), behind_zone);
        }
        (false, false) => "",
    };
    let behind = if zone.is_empty() { behind } else { behind_zone };
    let (day, clock) = (first.trim_end_matches(','), second.trim_end_matches([',', ':']));
    let blank = if half.is_empty() { "" } else { " " };
    match RecordTime::parse(&format!("{day} {clock}{blank}{half}{zone}")) {
        RecordTime::Missing(NoTime::NoDate) => none,
        time => (Shown::Time(time), behind),
    }
}

/// Whether a word between a time and charon's mark is the name of a zone. Such names are ambiguous (CST is a zone of
/// America and one of China), so no offset is assumed.
fn is_zone_name(word: &str, behind: &str) -> bool {
    let is_name = (2..=5).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_uppercase());
    is_name && charon(behind).is_some_and(|(head, ..)| head.is_empty())
}

/// A time whose month was a word: `Nov 23 12:58:01.102000:`, `Jul  6 17:35:58 2022`.
fn in_words(month: usize, rest: &str) -> Option<(Shown, &str)> {
    let (day, rest) = word(rest);
    let (clock, behind) = word(rest);
    let month = i8::try_from(month + 1).ok()?;
    let day: i8 = day.parse().ok()?;
    let clock = clock.trim_end_matches(':');
    let (seconds, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, "0"));
    let mut parts = seconds.split(':').map(str::parse::<i8>);
    let time = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let is_fraction = fraction.len() <= 9 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let nanos: i32 =
        if is_fraction { format!("{fraction:0<9}").parse().ok()? } else { return None };
    let (year, behind_year) = word(behind);
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    if is_year && parts.next().is_none() {
        let (hour, minute, second) = time;
        let text = format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        return Some((Shown::Time(RecordTime::parse(&text)), behind_year));
    }
    Some((Shown::NoYear { month, day, time, nanos }, behind))
}

/// The first word of a text, and the text after it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(' ') {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

/// Words of a head that are looked at: RFC 5424 has five, and its structured data may hold blanks.
const MOST_OF_HEAD: usize = 16;
/// The groups of charon's messages.
const GROUPS: &[&str] = &[
    "DMN", "MGR", "IKE", "CHD", "JOB", "CFG", "KNL", "NET", "ASN", "ENC", "TLS", "TNC", "IMC",
    "IMV", "PTS", "APP", "ESP", "LIB",
];
const MONTHS: &[&str] =
    &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: &[&str] = &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_many_kinds_give_time_host_and_message() {
        let no_year = |nanos| Shown::NoYear { month: 11, day: 3, time: (12, 58, 1), nanos };
        let local = |text: &str| Shown::Time(RecordTime::parse(text));
        let rows = [
            ("2026-11-03 12:58:01 05[IKE] <tun|1> x", local("2026-11-03 12:58:01"), "", "1", "x"),
            (
                "Mon, 2026-11-02, 12:58:01 05[IKE1] <7> x",
                local("2026-11-02 12:58:01"),
                "",
                "7",
                "x",
            ),
            ("2026-11-03T12:58:01+0100 05[IKE] x", local("2026-11-03T12:58:01+0100"), "", "", "x"),
            ("Nov  3 12:58:01 gw1 charon: 05[IKE] x", no_year(0), "gw1", "", "x"),
            ("Nov 3 12:58:01 gw1 charon-systemd[7]: 05[IKE] x", no_year(0), "gw1", "", "x"),
            (
                "Wed Nov  3 12:58:01 2026 daemon.info : 05[IKE] x",
                local("2026-11-03 12:58:01"),
                "",
                "",
                "x",
            ),
            ("05[IKE] x", Shown::Time(RecordTime::NONE), "", "", "x"),
            ("Nov  3 12:58:01.102000: \"c\" #1: x", no_year(102_000_000), "", "", "\"c\" #1: x"),
            ("Nov 03 12:58:01 gw2 pluto[22]: \"c\" #1: x", no_year(0), "gw2", "", "\"c\" #1: x"),
            ("<30>Nov  3 12:58:01 gw1 charon: 05[IKE] x", no_year(0), "gw1", "", "x"),
            (
                "<30>1 2026-11-03T12:58:01+01:00 gw1 charon 812 - - 05[IKE] x",
                local("2026-11-03T12:58:01+01:00"),
                "gw1",
                "",
                "x",
            ),
            (
                "<30>1 2026-11-03T12:58:01Z gw1 charon - - [a@1 b=\"c d\"] 05[IKE] x",
                local("2026-11-03T12:58:01Z"),
                "gw1",
                "",
                "x",
            ),
            (
                "<30>1 2026-11-03T12:58:01Z gw2 pluto 22 - - \"c\"[1] 192.0.2.1 #1: x",
                local("2026-11-03T12:58:01Z"),
                "gw2",
                "",
                "\"c\"[1] 192.0.2.1 #1: x",
            ),
            ("11/23/2026 01:05:01 PM 05[IKE] x", local("11/23/2026 13:05:01 PM"), "", "", "x"),
            ("2026-11-03 12:58:01 UTC 05[IKE] x", local("2026-11-03 12:58:01Z"), "", "", "x"),
            (
                "2026-11-03 12:58:01 CET 05[IKE] x",
                Shown::Time(RecordTime::Missing(NoTime::UnknownMark)),
                "",
                "",
                "x",
            ),
        ];
        for (text, shown, host, sa, message) in rows {
            let line = Line::of_text(text);
            let found = line.map(|line| (line.shown, line.host, line.sa, line.message));
            assert_eq!(found, Some((shown, host, sa, message)), "{text}");
        }
        for text in [
            "",
            "Nov 3 12:58:01 gw1 sshd[1]: x",
            "a[IKE] b",
            "Nov 3 12:58:01 gw pluto[1]: | x",
            "\"MESSAGE\" : \"x\",",
            "\"MESSAGE\": \"x\"",
        ] {
            assert_eq!(Line::of_text(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_line_or_none(text: String) {
            let _ = Line::of_text(&text);
        }
    }
}
