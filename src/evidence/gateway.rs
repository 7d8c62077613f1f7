//! Logs of gateways, recognized by how they begin.

/// Whether a text is the log of an IKE daemon, or a log of a system that may contain one: charon's or the
/// journal's JSON, or a line with charon's mark (`07[IKE]`), with the head of a system log's line (a time, a
/// host and a program), or with the name of a connection after a time, as pluto writes it.
pub(super) fn is_gateway_log(text: &str) -> bool {
    let text = without_marks(text);
    if text.starts_with(['{', '[']) {
        let has = |names: &[&str]| names.iter().all(|name| text.contains(&format!("\"{name}\"")));
        return JSON.iter().any(|names| has(names));
    }
    text.lines().take(LINES).any(is_line)
}

/// An object of JSON behind the marks of a sequence (RFC 7464) and of events that a server sends: the journal's other
/// forms.
pub(crate) fn without_marks(text: &str) -> &str {
    let text = text.trim_start_matches('\u{1e}');
    text.strip_prefix("data: ").unwrap_or(text)
}

/// Whether words begin as the head of RFC 5424 §6.2 does behind its time: host, program, process, kind of message,
/// structured data.
pub(crate) fn is_head_of_5424(words: &[&str]) -> bool {
    let is_process = |word: &str| word == "-" || word.bytes().all(|byte| byte.is_ascii_digit());
    let is_data = |word: &str| word == "-" || word.starts_with('[');
    matches!(words, [_, _, process, _, data, ..] if is_process(process) && is_data(data))
}

/// A line behind the priority in front of it (RFC 3164 §4.1.1) and the version of RFC 5424.
pub(crate) fn without_priority(line: &str) -> &str {
    let behind = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let is_number = |text: &str| {
        (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    match behind {
        Some((priority, rest)) if is_number(priority) => rest.strip_prefix("1 ").unwrap_or(rest),
        Some(_) | None => line,
    }
}

fn is_line(line: &str) -> bool {
    let line = without_priority(line);
    let is_of_daemon = line.match_indices('[').any(|(at, _)| {
        let (before, behind) = line.split_at(at);
        let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        digits >= 2 && GROUPS.iter().any(|group| behind.get(1..4) == Some(*group))
    });
    if is_of_daemon {
        return true;
    }
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    let is_dated = |time: &str| {
        let has_colons = time.bytes().filter(|byte| *byte == b':').count() >= 2;
        has_colons && time.starts_with(|c: char| c.is_ascii_digit())
    };
    let time = if MONTHS.contains(&first) {
        let is_day = words.next().is_some_and(|day| day.len() <= 2 && day.parse::<u8>().is_ok());
        words.next().filter(|time| is_day && is_dated(time))
    } else {
        Some(first).filter(|time| time.contains('T') && is_dated(time))
    };
    let head: Vec<&str> = words.take(MOST_OF_HEAD).collect();
    let (Some(time), Some(next)) = (time, head.first()) else { return false };
    if next.starts_with('"') && time.ends_with(':') {
        return line.contains('#');
    }
    let is_writer = |word: &&str| word.ends_with(':') && word.len() > 1;
    head.get(1).is_some_and(is_writer) || time.contains('T') && is_head_of_5424(&head)
}

/// Words of a head.
const MOST_OF_HEAD: usize = 5;
/// A log may begin with a truncated line, or with one of another program.
const LINES: usize = 4;
/// The groups of charon's first messages.
const GROUPS: &[&str] =
    &["DMN", "IKE", "CHD", "CFG", "KNL", "NET", "ENC", "LIB", "MGR", "JOB", "ASN"];
const MONTHS: &[&str] =
    &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Names of strongSwan's JSON (`charon.filelog.<name>.json`), and of the journal's (journalctl -o json).
const JSON: &[&[&str]] = &[
    &["time", "thread", "group", "msg"],
    &["__REALTIME_TIMESTAMP", "MESSAGE"],
    &["__REALTIME_TIMESTAMP", "__CURSOR"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_gateways_are_recognised_and_notes_are_not() {
        for text in [
            "2026-11-23 12:58:01 05[IKE] <tun|1> initiating",
            "00[DMN] Starting IKE charon daemon",
            "Nov 23 12:58:01 gw1 sshd[77]: Accepted",
            "Nov  3 12:58:01.102000: \"tun\" #1: initiating",
            "2026-11-23T12:58:01.1+01:00 gw1 charon: 05[IKE] x",
            "\u{1e}{\"__CURSOR\":\"s=1\",\"__REALTIME_TIMESTAMP\":\"17\"",
            "data: {\"__CURSOR\":\"s=1\",\"__REALTIME_TIMESTAMP\":\"17\"",
            "[\n{\n \"__CURSOR\" : \"s=1\",\n \"__REALTIME_TIMESTAMP\" : \"17\"",
            "<30>Nov 23 12:58:01 gw1 charon: 05[IKE] x",
            "<30>1 2026-11-23T12:58:01Z gw1 sshd 77 - - Accepted",
            "{\"__CURSOR\":\"s=1\",\"__REALTIME_TIMESTAMP\":\"17\"",
            "{\"time\":\"x\",\"thread\":5,\"group\":\"IKE\",\"level\":1,\"msg\":\"x\"}",
        ] {
            assert!(is_gateway_log(text), "{text}");
        }
        for text in [
            "a note",
            "see 10[2]: no",
            "Nov 23 was a day when: no",
            "{\"time\": 1}",
            "Mon: x",
            "<30>note",
            "<x>2026-11-23T12:58:01Z a b:",
            "",
        ] {
            assert!(!is_gateway_log(text), "{text}");
        }
    }
}
