//! Events as PowerShell lists them for reading: `Get-WinEvent | Format-List`, with all properties or the default ones, and
//! `Get-EventLog | Format-List`.
//!
//! A property is a name, padded so that the colons stand below each other, and its value. Further lines of a value are
//! indented by the width of the names. A line that is longer than the screen is wrapped: between words in the cultures for
//! which PowerShell knows words, where the space or tab stays at the end of the line, and else at any character; so the
//! parts, put together, are the line. Which lines were wrapped is not marked. Those that are as long as wrapping makes them
//! are put together, and where the message then has no known layout, it is taken as it stands. Names are the same in every
//! language; the message is not.
//!
//! Source: EventLogRecord and EventLogEntry (.NET), StringManipulationHelper of PowerShell (MIT licence, github.com,
//! PowerShell/PowerShell), output of Windows PowerShell 5.1 in public write-ups.

use super::local_times::RecordTime;
use super::rows::Filled;
use crate::eventlog::{AuditOutcome, LogRecord};
use crate::evidence::{EVENT_LOG_RECORD, EventFault, ExportTool};
use std::collections::BTreeMap;

/// The first property of a list of events; `None` where the text is none.
pub(super) fn first_label(text: &[u8]) -> Option<Vec<u8>> {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let is_line_start = start == 0 || text.get(start - 1) == Some(&b'\n');
    let (label, _) = property(text.get(start..).filter(|_| is_line_start)?)?;
    Some(label.to_vec())
}

/// Whether an event begins here: with that property.
pub(super) fn begins(text: &[u8], first: &[u8]) -> bool {
    text.starts_with(first) && property(text).is_some_and(|(label, _)| label == first)
}

/// The name of the property at the front of a text, and the column of its colon.
fn property(text: &[u8]) -> Option<(&[u8], usize)> {
    let line = text.split(|byte| *byte == b'\n').next()?;
    let head = line.get(..line.len().min(LONGEST_LABEL))?;
    let colon = head.iter().position(|byte| *byte == b':')?;
    let label = head.get(..colon)?.strip_suffix(b" ")?.trim_ascii_end();
    let mut names = EVENT_LOG_RECORD.iter().chain(MORE_NAMES);
    let is_known = names.any(|name| name.as_bytes() == label);
    is_known.then_some((label, colon))
}

/// Fills the record from a list of properties.
pub(super) fn fill(record: &mut LogRecord, text: &str) -> Result<Filled, EventFault> {
    let listed = properties(text);
    let of = |name: &str| listed.get(name).map(|lines| lines.concat()).unwrap_or_default();
    let number = |name: &str| of(name).trim().parse::<i64>().ok().map(i64::cast_unsigned);
    // An instance has the number of its event in the low 16 bits.
    let id = ["Id", "EventID", "InstanceId"].into_iter().find_map(number);
    let id = id.ok_or(EventFault::UnknownNames)?;
    let [low, high, ..] = id.to_le_bytes();
    record.event_id = u16::from_le_bytes([low, high]);
    record.version = number("Version").and_then(|it| it.try_into().ok()).unwrap_or(0);
    let first = |names: [&str; 2]| {
        names.into_iter().map(of).find(|text| !text.trim().is_empty()).unwrap_or_default()
    };
    first(["ProviderName", "Source"]).trim().clone_into(&mut record.provider);
    of("LogName").trim().clone_into(&mut record.channel);
    of("MachineName").trim().clone_into(&mut record.computer);
    if let Some(number) = number("RecordId").or_else(|| number("Index")) {
        record.set_number(number);
    }
    record.audit = match of("EntryType").trim() {
        "SuccessAudit" => AuditOutcome::Success,
        "FailureAudit" => AuditOutcome::Failure,
        _ => AuditOutcome::from_keywords(number("Keywords").unwrap_or(0)),
    };
    let time = RecordTime::parse(first(["TimeCreated", "TimeGenerated"]).trim());
    let message = message(record, &listed);
    Ok(Filled { message, time, recovered: false, tool: ExportTool::PowerShell })
}

/// The lines of each value, by name; a name that comes again is a part of no event.
fn properties(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut listed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut current: Option<(&str, usize)> = None;
    for line in text.lines() {
        if let Some((label, colon)) = property(line.as_bytes()) {
            let label = std::str::from_utf8(label).unwrap_or_default();
            let value = line.get(colon + 1..).unwrap_or_default();
            let value = value.strip_prefix(' ').unwrap_or(value);
            listed.entry(label).or_insert_with(|| vec![value]);
            current = Some((label, colon + 2));
        } else if let Some((label, indent)) = current {
            // Blank lines may have lost their indentation.
            let blank = line.bytes().take_while(|byte| *byte == b' ').count();
            let value = line.get(blank.min(indent)..).unwrap_or_default();
            listed.entry(label).or_default().push(value);
        }
    }
    listed
}

/// The message of a record: with its wrapped lines put together, as far as that gives a known layout.
fn message(record: &LogRecord, listed: &BTreeMap<&str, Vec<&str>>) -> String {
    let lines = listed.get("Message").map_or(&[][..], Vec::as_slice);
    let room = listed.values().flatten().map(|line| width(line)).max().unwrap_or(0);
    let how = Wrapping::of(listed.values(), room);
    let joined = how.into_iter().map(|how| with_tabs(&unwrapped(lines, room, how)));
    let is_known = |message: &String| record.clone().fill_from_message(message);
    let mut known = joined.filter(is_known);
    known.next().unwrap_or_else(|| with_tabs(&lines.join("\n")))
}

/// How long lines were wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapping {
    /// Between words: the space or tab is the last character.
    Words,
    /// The same, and what wrote the file dropped the last spaces.
    Trimmed,
    /// At any character.
    Characters,
}

impl Wrapping {
    /// How the lines of values were wrapped: the likelier way first.
    fn of<'l>(values: impl Iterator<Item = &'l Vec<&'l str>>, room: usize) -> [Self; 3] {
        let (mut full, mut has_ends, mut is_wordless) = (0u32, false, false);
        for (line, next) in values.flat_map(|lines| lines.iter().zip(lines.iter().skip(1))) {
            let is_blank = line.trim().is_empty();
            has_ends |= !is_blank && line.ends_with([' ', '\t']);
            full += u32::from(!is_blank && !next.is_empty() && width(line) == room);
            // PowerShell knows the words of English, French, German, Italian, Portuguese and Spanish.
            let mut letters = line.chars().filter(|c| c.is_alphabetic());
            is_wordless |= letters.any(|c| c >= '\u{100}' && !matches!(c, 'œ' | 'Œ'));
        }
        match (full >= 2 || (is_wordless && !has_ends), has_ends) {
            // Lines that end between words seldom fill the screen.
            (true, _) => [Self::Characters, Self::Words, Self::Trimmed],
            (false, true) => [Self::Words, Self::Characters, Self::Trimmed],
            (false, false) => [Self::Trimmed, Self::Characters, Self::Words],
        }
    }
}

/// The lines of a message, with those put together that wrapping parted.
fn unwrapped(lines: &[&str], room: usize, how: Wrapping) -> String {
    let mut text = String::new();
    let mut before: Option<&str> = None;
    for line in lines {
        let parted = before.and_then(|before| parted(before, line, room, how));
        match (parted, before) {
            (Some(between), _) => text.push_str(between),
            (None, Some(_)) => text.push('\n'),
            (None, None) => {}
        }
        text.push_str(line);
        before = Some(line);
    }
    text
}

/// What stood between two lines that were one; `None` where they were two.
fn parted(before: &str, line: &str, room: usize, how: Wrapping) -> Option<&'static str> {
    let word = line.split([' ', '\t']).next().unwrap_or_default();
    let (between, is_parted) = match how {
        Wrapping::Words => {
            let is_cut = before.ends_with([' ', '\t']) && width(before) + width(word) > room;
            ("", is_cut)
        }
        Wrapping::Trimmed => {
            let is_text = !line.contains('\t') && !line.trim_end().ends_with(':');
            (" ", is_text && width(before) + 1 + width(word) > room)
        }
        Wrapping::Characters => {
            // A character of two columns may leave one.
            let first = line.chars().next().map_or(0, |c| width(c.encode_utf8(&mut [0; 4])));
            let is_label = line.starts_with('\t');
            ("", first > 0 && !is_label && width(before) <= room && width(before) + first > room)
        }
    };
    let is_one = is_parted && !word.is_empty() && !before.trim().is_empty();
    (is_one || (is_parted && how == Wrapping::Characters)).then_some(between)
}

/// Columns on the screen: characters of East Asian scripts have two.
fn width(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}') { 2 } else { 1 }).sum()
}

/// A message whose tabs a screen turned into spaces, with tabs again: before a line's label, and behind it.
fn with_tabs(message: &str) -> String {
    if message.contains('\t') {
        return message.to_owned();
    }
    let line = |line: &str| {
        let inner = line.trim_start_matches(' ');
        let indent = if inner.len() < line.len() && !inner.is_empty() { "\t" } else { "" };
        match inner.split_once(':') {
            Some((label, value)) if value.starts_with("  ") && !value.trim().is_empty() => {
                format!("{indent}{label}:\t{}", value.trim_start())
            }
            _ => format!("{indent}{inner}"),
        }
    };
    message.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Names and their padding are shorter.
const LONGEST_LABEL: usize = 64;
/// Further properties of EventLogRecord, and those of EventLogEntry.
const MORE_NAMES: &[&str] = &[
    "RelatedActivityId",
    "ContainerLog",
    "MatchedQueryIds",
    "Bookmark",
    "OpcodeDisplayName",
    "KeywordsDisplayNames",
    "Index",
    "EntryType",
    "InstanceId",
    "EventID",
    "Data",
    "Category",
    "CategoryNumber",
    "ReplacementStrings",
    "Source",
    "TimeGenerated",
    "TimeWritten",
    "UserName",
    "Site",
    "Container",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventlog::text::listing;
    use crate::eventlog::{LogEvent, LogSummary};
    use crate::evidence::{EvidenceId, Format, ProblemCode};
    use crate::time::{Timestamp, Zone};

    const MESSAGE: &str = "An IPsec main mode negotiation failed.\n\nLocal Endpoint:\n\tLocal Principal Name:\t-\n\tNetwork Address:\t\t10.77.3.11\n\tKeying Module Port:\t\t500\n\nRemote Endpoint:\n\tPrincipal Name:\t\t-\n\tNetwork Address:\t\t10.77.3.20\n\tKeying Module Port:\t\t500\n\nAdditional Information:\n\tKeying Module Name:\tIKEv1\n\tAuthentication Method:\tPreshared key\n\tRole:\t\t\tInitiator\n\tImpersonation State:\t\tNot enabled\n\tMain Mode Filter ID:\t66063\n\nFailure Information:\n\tFailure Point:\t\tRemote computer\n\tFailure Reason:\t\tIKE authentication credentials are unacceptable\n\n\tState:\t\t\tSent second (KE) payload\n\tInitiator Cookie:\t\t7fff978978cca0fd\n\tResponder Cookie:\t15e7e16187511323\n";

    /// A line as PowerShell parts it: between words, or at any character.
    fn wrapped(line: &str, room: usize, by_words: bool) -> Vec<String> {
        let mut lines = vec![String::new()];
        let words: Vec<&str> = if by_words {
            line.split_inclusive([' ', '\t']).collect()
        } else {
            line.split_inclusive(|_| true).collect()
        };
        for word in words {
            let last = lines.last_mut().unwrap();
            if line.chars().count() > room && last.chars().count() + word.chars().count() > room {
                lines.push(word.to_owned());
            } else {
                last.push_str(word);
            }
        }
        lines
    }

    fn listed(values: &[(&str, &str)], screen: usize, by_words: bool) -> String {
        let names = values.iter().map(|(name, _)| name.len()).max().unwrap();
        let mut text = String::from("\r\n\r\n");
        for (name, value) in values {
            let lines =
                value.split('\n').flat_map(|line| wrapped(line, screen - names - 3, by_words));
            for (at, line) in lines.enumerate() {
                let head =
                    if at == 0 { format!("{name:names$} : ") } else { " ".repeat(names + 3) };
                text += &format!("{head}{line}\r\n");
            }
        }
        text
    }

    const DEFAULT: &[(&str, &str)] = &[
        ("TimeCreated", "11/23/2026 9:06:40 AM"),
        ("ProviderName", "Microsoft-Windows-Security-Auditing"),
        ("Id", "4653"),
        ("Message", MESSAGE),
    ];

    fn read(text: &str) -> (LogSummary, Vec<LogEvent>) {
        assert_eq!(Format::recognize(text.as_bytes()), Format::EventList, "{text}");
        let mut events = Vec::new();
        let zone = Zone::parse("+01:00");
        let mut sink = |event| events.push(event);
        let mut bytes = text.as_bytes();
        let summary = listing::read(&mut bytes, EvidenceId(1), zone.as_ref(), &mut sink).0;
        let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
        assert_eq!(covered, text.len() as u64, "{:?}", summary.coverage);
        (summary, events)
    }

    fn check(text: &str, count: usize) {
        let (summary, events) = read(text);
        assert_eq!((summary.problems.as_slice(), events.len()), (&[][..], count), "{text}");
        for event in events {
            let field = |name: &str| {
                let found = event.fields.iter().find(|(known, _)| known == name);
                found.map_or("", |(_, value)| value.as_str()).to_owned()
            };
            assert_eq!(event.time, Timestamp::from_rfc3339("2026-11-23T08:06:40Z"), "{text}");
            assert_eq!(event.initiator_cookie(), Some(*b"\x7f\xff\x97\x89\x78\xcc\xa0\xfd"));
            assert_eq!(event.error.map(|error| error.code), Some(13_801), "{text}");
            assert_eq!(field("FailureReason"), "IKE authentication credentials are unacceptable");
        }
    }

    #[test]
    fn lines_wrapped_in_any_way_and_width_say_the_same() {
        let polish = MESSAGE.replace("failed.", "nie powiodła się.");
        let other: Vec<(&str, &str)> =
            DEFAULT[..3].iter().copied().chain([("Message", polish.as_str())]).collect();
        for screen in [60, 64, 72, 78, 80, 81, 100, 120, 4096] {
            for (values, by_words) in [(DEFAULT, true), (&other, false)] {
                let text = listed(values, screen, by_words);
                check(&text, 1);
                check(&format!("{text}{text}"), 2);
            }
            // An editor that drops what a line ends with.
            let text = listed(DEFAULT, screen, true);
            let trimmed: Vec<&str> = text.lines().map(str::trim_end).collect();
            check(&trimmed.join("\n"), 1);
        }
    }

    #[test]
    fn tabs_that_a_screen_turned_into_spaces_are_tabs_again() {
        let mut text = String::new();
        for line in listed(DEFAULT, 120, true).lines() {
            let mut column = 0;
            for c in line.chars() {
                let stop = if c == '\t' { 8 - column % 8 } else { 1 };
                text.extend(std::iter::repeat_n(if c == '\t' { ' ' } else { c }, stop));
                column += stop;
            }
            text.push('\n');
        }
        check(&text, 1);
    }

    #[test]
    fn all_properties_and_those_of_old_logs_are_read() {
        let all = [
            ("Message", MESSAGE),
            ("Id", "4653"),
            ("Version", "0"),
            ("Keywords", "-9218868437227405312"),
            ("RecordId", "5191"),
            ("ProviderName", "Microsoft-Windows-Security-Auditing"),
            ("LogName", "Security"),
            ("MachineName", "WS01.corp.example"),
            ("TimeCreated", "23.11.2026 09:06:40"),
            ("MatchedQueryIds", "{}"),
            (
                "Properties",
                "{System.Diagnostics.Eventing.Reader.EventProperty, System.Diagnostics.Eventing.Reader.EventProperty, System.Diagnostics.Eventing.Reader.EventProperty, System.Diagnostics.Eventing.Reader.EventProperty...}",
            ),
        ];
        let old = [
            ("EventID", "4653"),
            ("MachineName", "WS01.corp.example"),
            ("Index", "5191"),
            ("EntryType", "FailureAudit"),
            ("Message", MESSAGE),
            ("Source", "Microsoft-Windows-Security-Auditing"),
            ("ReplacementStrings", "{a, b, c, d...}"),
            ("InstanceId", "4653"),
            ("TimeGenerated", "11/23/2026 9:06:40 AM"),
            ("TimeWritten", "11/23/2026 9:06:41 AM"),
        ];
        for values in [&all[..], &old] {
            {
                let text = listed(values, 80, true);
                check(&text, 1);
                let event = &read(&text).1[0];
                assert_eq!((event.record.record, event.host.as_str()), (5191, "WS01.corp.example"));
                assert_eq!(
                    (event.audit, event.channel.as_str()),
                    (AuditOutcome::Failure, "Security")
                );
            }
        }
    }

    #[test]
    fn an_instance_has_its_event_in_its_low_bits_and_a_list_without_a_number_is_named() {
        let service = [
            ("Index", "110002"),
            ("EntryType", "Information"),
            ("InstanceId", "1073748860"),
            ("Message", "The IPsec Policy Agent service entered the stopped state."),
            ("Source", "Service Control Manager"),
            ("TimeGenerated", "11/23/2026 9:06:40 AM"),
        ];
        let (summary, events) = read(&listed(&service, 120, true));
        assert_eq!((summary.problems.len(), events[0].event_id), (0, 7036));
        let (summary, events) = read(&listed(&service[3..], 120, true));
        assert_eq!((summary.problems[0].code(), events.len()), (ProblemCode::Skipped, 0));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_accounted_for(text in "(TimeCreated  : 1.2.2026 1:2:3\n|Message      : x\n|Id           : 4655\n|               a:\t7\n|\n|x|\t|\r| :|\u{3042}){0,60}") {
            let text = format!("TimeCreated  : \n{text}");
            let mut sink = |_| ();
            let mut bytes = text.as_bytes();
            let summary = listing::read(&mut bytes, EvidenceId(1), None, &mut sink).0;
            let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
            proptest::prop_assert_eq!(covered, text.len() as u64);
        }
    }
}
