//! Logs of gateways, recognized by how they begin.

/// Whether a text is the log of an IKE daemon, or a log of a system that may contain one: charon's or the
/// journal's JSON, or a line with charon's mark (`07[IKE]`), with the head of a system log's line (a time, a
/// host and a program), or with the name of a connection after a time, as pluto writes it.
pub(super) fn is_gateway_log(text: &str) -> bool {
    if text.starts_with('{') {
        let has = |names: &[&str]| names.iter().all(|name| text.contains(&format!("\"{name}\"")));
        return JSON.iter().any(|names| has(names));
    }
    text.lines().take(LINES).any(is_line)
}

fn is_line(line: &str) -> bool {
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
    let (Some(time), Some(next)) = (time, words.next()) else { return false };
    if next.starts_with('"') && time.ends_with(':') {
        return line.contains('#');
    }
    let is_writer = |word: &str| word.ends_with(':') && word.len() > 1;
    words.next().is_some_and(is_writer)
}

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
            "{\"__CURSOR\":\"s=1\",\"__REALTIME_TIMESTAMP\":\"17\"",
            "{\"time\":\"x\",\"thread\":5,\"group\":\"IKE\",\"level\":1,\"msg\":\"x\"}",
        ] {
            assert!(is_gateway_log(text), "{text}");
        }
        for text in
            ["a note", "see 10[2]: no", "Nov 23 was a day when: no", "{\"time\": 1}", "Mon: x", ""]
        {
            assert!(!is_gateway_log(text), "{text}");
        }
    }
}
