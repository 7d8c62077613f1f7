//! Text exports of event logs and logs of gateways, recognised by how they begin, in any encoding that Windows writes.

use super::Format;
use super::format::{EVENT_TABLE, OAKLEY_LOG, REGISTRY_EXPORT};
use super::gateway::is_gateway_log;

/// The format of an export with these first bytes; `None` where it is another text, or none.
pub(super) fn recognize_export(first_bytes: &[u8]) -> Option<Format> {
    let text = decoded(first_bytes);
    let text = text.trim_start();
    match text.as_bytes().first()? {
        b'<' if text.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => {
            is_gateway_log(text).then_some(Format::GatewayLog)
        }
        b'<' => xml(text),
        b'{' if text.contains("\"Subcategory GUID\"") => Some(Format::AuditPolicy),
        b'[' | b'{' | b'R' if is_json(text) => Some(Format::EventJson),
        b'[' | b'{' if is_gateway_log(text) => Some(Format::GatewayLog),
        b'[' | b'{' => None,
        _ if text.starts_with("Windows Registry Editor Version")
            || text.starts_with("REGEDIT4") =>
        {
            Some(Format::Unread(REGISTRY_EXPORT))
        }
        _ if is_oakley_log(text) => Some(Format::Unread(OAKLEY_LOG)),
        _ if is_gateway_log(text) => Some(Format::GatewayLog),
        _ if is_audit_policy(text) => Some(Format::AuditPolicy),
        _ if is_list(text) || is_property_list(text) => Some(Format::EventList),
        _ if is_screen_table(text) => Some(Format::Unread(EVENT_TABLE)),
        _ => is_csv(text).then_some(Format::EventCsv),
    }
}

/// The text, as far as it is one: UTF-16 by its mark or by the zeros beside ASCII.
fn decoded(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let pairs = bytes.as_chunks::<2>().0.iter().copied().map(unit);
        char::decode_utf16(pairs).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [1..=0x7f, 0, ..] => wide(bytes, u16::from_le_bytes),
        [0, 1..=0x7f, ..] => wide(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// By the first element, behind declaration and comments.
fn xml(mut text: &str) -> Option<Format> {
    loop {
        let end = if text.starts_with("<?") {
            "?>"
        } else if text.starts_with("<!--") {
            "-->"
        } else if text.starts_with("<!DOCTYPE") {
            ">"
        } else {
            break;
        };
        text = text.split_once(end)?.1.trim_start();
    }
    let name = text.strip_prefix('<')?.split(|c: char| c.is_whitespace() || "/>".contains(c));
    let name = name.into_iter().next()?;
    match name.rsplit_once(':').map_or(name, |(_, name)| name) {
        "Objs" | "Objects" if OBJECTS.iter().any(|name| text.contains(name)) => {
            Some(Format::EventObjects)
        }
        "Event" | "Events" => Some(Format::EventXml),
        "wfpstate" | "wfpdiag" => Some(Format::WfpState),
        "netEvents" | "netEvent" => Some(Format::NetEvents),
        _ => None,
    }
}

/// An object whose first name is one that a tool's events begin with, with another of that tool's
/// names in sight where the first could be anybody's; or one that shows several names of a tool, in any order, and
/// among them one that others do not have.
fn is_json(text: &str) -> bool {
    let text = inside_wrapper(after_record_line(text));
    let text = text.trim_start_matches('[').trim_start();
    let Some(first) = text.strip_prefix('{').and_then(|it| it.trim_start().strip_prefix('"'))
    else {
        return false;
    };
    let Some((name, rest)) = first.split_once('"') else { return false };
    let shows = |name: &&&str| rest.contains(&format!("\"{name}\""));
    let is_of = |tool: &&&[&str]| tool.contains(&name) && tool.iter().any(|it| shows(&it));
    let has = |name: &&&str| text.contains(&format!("\"{name}\""));
    let in_any_order = |tool: &&&[&str]| {
        let shown = tool.iter().filter(has);
        let own = OWN_NAMES.iter().filter(|name| tool.contains(name));
        shown.take(FEWEST_NAMES).count() == FEWEST_NAMES && own.clone().any(|name| has(&name))
    };
    matches!(name, "Message" | "_scroll_id")
        || TOOLS.iter().any(|tool| is_of(&tool) || in_any_order(&tool))
}

/// The text inside an object that holds nothing but events: `{"Events": [`, `{"Events": {"Event": [`.
fn inside_wrapper(text: &str) -> &str {
    match wrapper_length(text.as_bytes()) {
        0 => text,
        length => text.get(length..).unwrap_or_default(),
    }
}

/// The length of the beginning of an object that holds a list of events under a name for such lists; 0 where a text
/// begins with something else.
pub(crate) fn wrapper_length(text: &[u8]) -> usize {
    let mut rest = text.trim_ascii_start();
    for _ in 0..DEEPEST_WRAPPER {
        let member = rest.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
        let named = member.and_then(|member| {
            WRAPPERS.iter().find_map(|name| member.strip_prefix(name.as_bytes()))
        });
        let value = named.and_then(|rest| rest.trim_ascii_start().strip_prefix(b":"));
        let Some(value) = value.map(<[u8]>::trim_ascii_start) else { return 0 };
        if let Some(list) = value.strip_prefix(b"[") {
            return text.len() - list.len();
        }
        rest = value;
    }
    0
}

/// A line of the IKE service of Windows 2000 to Server 2003: `11-23: 09:04:24:294:2b4 text`, the thread in hexadecimal.
fn is_oakley_log(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let mut parts = line.splitn(3, ' ');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let day = date.strip_suffix(':').and_then(|date| date.split_once('-'));
    let is_day = day.is_some_and(|(month, day)| {
        is_number(month) && is_number(day) && month.len() <= 2 && day.len() <= 2
    });
    let time: Vec<&str> = time.split(':').collect();
    let [hour, minute, second, milli, thread] = time[..] else { return false };
    let is_time = [hour, minute, second, milli].into_iter().all(is_number) && milli.len() == 3;
    let is_thread = !thread.is_empty() && thread.bytes().all(|it| it.is_ascii_hexdigit());
    is_day && is_time && is_thread
}

/// Four lines of a label and a value, the third a date and a time of day and the fourth a number, behind
/// wevtutil's number of the event or without it.
fn is_list(text: &str) -> bool {
    let mut lines = text.lines().peekable();
    let is_numbered = |line: &&str| {
        let number = line.trim_end().trim_end_matches(':').strip_suffix(']');
        let number = number.and_then(|line| line.rsplit_once('[')).map_or("", |(_, number)| number);
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    lines.next_if(is_numbered);
    let mut value = || lines.next().and_then(|line| line.split_once([':', '\u{ff1a}']));
    let (Some(_), Some(_), Some((_, date)), Some((_, id))) = (value(), value(), value(), value())
    else {
        return false;
    };
    has_date(date) && id.trim().parse::<u16>().is_ok()
}

/// PowerShell's list of an event's properties: the first is one of an event, padded to the width of the longest; the
/// next line is another one, or belongs to the value.
fn is_property_list(text: &str) -> bool {
    let label = |line: &str| {
        let (label, _) = line.split_once(':')?;
        let is_padded = label.ends_with(' ') && LISTED.contains(&label.trim_end());
        is_padded.then_some(label.len())
    };
    let mut lines = text.lines();
    let Some(width) = lines.next().and_then(label) else { return false };
    lines.next().is_none_or(|line| {
        let is_value = line.trim().is_empty() || line.bytes().take(width).all(|byte| byte == b' ');
        is_value || label(line) == Some(width)
    })
}

/// PowerShell's table for the screen, which cuts messages off.
fn is_screen_table(text: &str) -> bool {
    let is_header = |line: &str| {
        let mut names = line.split_whitespace();
        TABLES.iter().any(|header| names.clone().eq(header.iter().copied()))
            && names.next().is_some()
    };
    text.lines().take(8).any(is_header)
}

/// Whether a text may be a date and a time of day: the shortest have three and four digits, `1/2/20 1:02:03`.
fn has_date(text: &str) -> bool {
    text.chars().filter(|c| c.is_numeric()).count() >= 7 && text.contains([':', '.'])
}

/// evtx_dump's plain JSON has a line `Record 7` before each event.
fn after_record_line(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("Record ") else { return text };
    let (number, rest) = rest.split_once('\n').unwrap_or((rest, ""));
    if number.trim().bytes().all(|byte| byte.is_ascii_digit()) { rest.trim_start() } else { text }
}

/// Six or seven columns, and a row whose fourth field is the GUID of an audit subcategory. Column names are in
/// the language of the system.
fn is_audit_policy(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (names, row) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    [',', ';', '\t'].into_iter().any(|separator| {
        let columns = names.split(separator).count();
        let guid = row.split(separator).nth(3).unwrap_or_default();
        let guid = guid.trim_matches('"').to_ascii_uppercase();
        (6..=7).contains(&columns) && guid.starts_with("{0CCE9") && guid.ends_with(AUDIT_GUIDS)
    })
}

/// A line of names, separated by commas, semicolons or tabs: those of a tool, or at least five, followed by a
/// row with a date in its second field and a number in its fourth; for an export without rows, the English
/// names.
fn is_csv(text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| is_csv_preface(line.as_bytes()));
    let first = lines.next().unwrap_or_default();
    let second = lines.next().unwrap_or_default();
    [',', ';', '\t'].into_iter().any(|separator| is_table(first, second, separator))
}

/// Whether a line is one above the column names of a CSV: PowerShell's Export-Csv writes the type, and `sep=;` names the
/// separator to Excel.
pub(crate) fn is_csv_preface(line: &[u8]) -> bool {
    line.starts_with(b"#TYPE ") || line.starts_with(b"sep=")
}

fn is_table(header: &str, row: &str, separator: char) -> bool {
    let header: Vec<&str> = header.split(separator).collect();
    let unquoted = |name: &&str| name.trim_matches('"').to_owned();
    let is_of_tool = |tool: &&&[&str]| {
        let names = header.iter().map(unquoted);
        names.filter(|name| tool.contains(&name.as_str())).count() >= FEWEST_NAMES
    };
    if TOOLS.iter().any(|tool| is_of_tool(&tool)) {
        return true;
    }
    let has_names = header.len() >= 5 && header.iter().all(|name| !name.contains('"'));
    let is_english =
        header.get(1..5) == Some(&["Date and Time", "Source", "Event ID", "Task Category"]);
    let row: Vec<&str> = row.split(separator).collect();
    let field = |at: usize| row.get(at).map_or("", |field| field.trim());
    let has_number = field(3).parse::<u16>().is_ok();
    has_names && (is_english || row.len() >= 5 && has_date(field(1)) && has_number)
}

/// The properties with which lists of events begin, as PowerShell orders them or a user does.
const LISTED: &[&str] = &[
    "TimeCreated",
    "ProviderName",
    "Id",
    "Message",
    "LogName",
    "MachineName",
    "RecordId",
    "Version",
    "Index",
    "EventID",
    "EntryType",
    "InstanceId",
    "Source",
    "TimeGenerated",
    "Level",
    "LevelDisplayName",
];
/// The names over the columns of Get-WinEvent and Get-EventLog.
const TABLES: &[&[&str]] = &[
    &["TimeCreated", "Id", "LevelDisplayName", "Message"],
    &["TimeCreated", "ProviderName", "Id", "Message"],
    &["Index", "Time", "EntryType", "Source", "InstanceID", "Message"],
];
/// Types of PowerShell's objects that are read: events, and SAs.
const OBJECTS: &[&str] = &["EventLogRecord", "MSFT_NetMainModeSA", "MSFT_NetQuickModeSA"];
/// The end of the GUIDs of all audit subcategories.
const AUDIT_GUIDS: &str = "-69AE-11D9-BED3-505054503030}";
/// This many names of one tool are no coincidence.
const FEWEST_NAMES: usize = 4;
/// Properties of PowerShell's events (System.Diagnostics.Eventing.Reader.EventLogRecord).
pub(crate) const EVENT_LOG_RECORD: &[&str] = &[
    "Message",
    "Id",
    "Version",
    "Qualifiers",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "RecordId",
    "ProviderName",
    "ProviderId",
    "LogName",
    "ProcessId",
    "ThreadId",
    "MachineName",
    "UserId",
    "TimeCreated",
    "ActivityId",
    "LevelDisplayName",
    "TaskDisplayName",
    "Properties",
];
/// Names of lists of events, in quotation marks.
const WRAPPERS: &[&str] =
    &["\"Events\"", "\"events\"", "\"Event\"", "\"results\"", "\"records\"", "\"value\""];
const DEEPEST_WRAPPER: usize = 2;
/// Names that only events have, whatever precedes them.
const OWN_NAMES: &[&str] =
    &["ProviderName", "winlog", "EventRecordId", "RuleTitle", "SeverityValue", "ProviderGuid"];
/// Names with which an event begins, by the tool that writes them.
const TOOLS: &[&[&str]] = &[
    EVENT_LOG_RECORD,
    // evtx_dump, python-evtx, chainsaw dump, EvtxECmd with --fj.
    &["Event", "Event_attributes", "System", "#attributes", "@xmlns"],
    // Velociraptor's parse_evtx.
    &["System", "EventData", "UserData", "Provider", "EventID", "Message"],
    // EvtxECmd.
    &[
        "PayloadData1",
        "RecordNumber",
        "EventRecordId",
        "EventId",
        "Payload",
        "ChunkNumber",
        "Computer",
        "Provider",
        "Channel",
        "UserId",
        "MapDescription",
    ],
    // Winlogbeat, Elastic Agent, Elasticsearch.
    &[
        "@timestamp",
        "@metadata",
        "@version",
        "winlog",
        "event",
        "agent",
        "ecs",
        "host",
        "message",
        "log_name",
        "source_name",
        "computer_name",
        "event_id",
        "record_number",
        "_index",
        "_id",
        "_source",
        "_type",
    ],
    // Elasticsearch's response as a whole.
    &[
        "took",
        "timed_out",
        "_shards",
        "hits",
        "total",
        "_scroll_id",
        "pit_id",
        "num_reduce_phases",
        "responses",
        "_index",
        "_source",
    ],
    // hayabusa.
    &["Timestamp", "RuleTitle", "Level", "Computer", "Channel", "EventID", "RecordID", "Details"],
    // chainsaw hunt.
    &[
        "group",
        "kind",
        "document",
        "name",
        "timestamp",
        "authors",
        "level",
        "source",
        "status",
        "id",
    ],
    // SAs of PowerShell: properties of MSFT_NetMainModeSA and MSFT_NetQuickModeSA.
    &[
        "KeyModule",
        "LocalEndpoint",
        "RemoteEndpoint",
        "LocalFirstId",
        "AuthenticationMethod",
        "CipherAlgorithm",
        "InitiatorCookie",
        "ResponderCookie",
        "EncapsulationMode",
        "FirstTransformType",
        "InboundDirection",
        "MmSaId",
        "QmSaId",
        "SPI",
    ],
    // NXLog.
    &[
        "EventTime",
        "Hostname",
        "Keywords",
        "EventType",
        "SeverityValue",
        "Severity",
        "EventID",
        "SourceName",
        "ProviderGuid",
    ],
];

#[cfg(test)]
mod tests;
