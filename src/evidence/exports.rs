//! Text exports of event logs, told by how they begin, in any encoding that Windows writes.

use super::Format;

/// The export that a file with these first bytes is; `None` where it is another text, or none.
pub(super) fn of(first_bytes: &[u8]) -> Option<Format> {
    let text = decoded(first_bytes);
    let text = text.trim_start();
    match text.as_bytes().first()? {
        b'<' => xml(text),
        b'[' | b'{' => is_json(text).then_some(Format::EventJson),
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
        } else {
            break;
        };
        text = text.split_once(end)?.1.trim_start();
    }
    let name = text.strip_prefix('<')?.split(|c: char| c.is_whitespace() || "/>".contains(c));
    match name.into_iter().next()? {
        "Event" | "Events" => Some(Format::EventXml),
        "netEvents" | "netEvent" | "wfpdiag" => Some(Format::NetEvents),
        _ => None,
    }
}

/// An object whose first name is one of a PowerShell event's, with another of them in sight; behind
/// a long message none may be.
fn is_json(text: &str) -> bool {
    let text = text.trim_start_matches('[').trim_start();
    let Some(first) = text.strip_prefix('{').and_then(|it| it.trim_start().strip_prefix('"'))
    else {
        return false;
    };
    let Some((name, rest)) = first.split_once('"') else { return false };
    let shows = |name: &&&str| rest.contains(&format!("\"{name}\":"));
    JSON_NAMES.contains(&name)
        && (name == "Message" || JSON_NAMES.iter().filter(shows).take(1).count() > 0)
}

/// A line of at least five names, then a row with a date in its second field and a number in its
/// fourth; of an export without rows, the English names.
fn is_csv(text: &str) -> bool {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let has_names = header.len() >= 5 && header.iter().all(|name| !name.contains('"'));
    let is_english =
        header.get(1..5) == Some(&["Date and Time", "Source", "Event ID", "Task Category"]);
    let row: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let field = |at: usize| row.get(at).map_or("", |field| field.trim());
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    let has_date = digits(field(1)) >= 8 && field(1).contains([':', '.']);
    let has_number = field(3).parse::<u16>().is_ok();
    has_names && (is_english || row.len() >= 5 && has_date && has_number)
}

/// Properties of EventLogRecord (System.Diagnostics.Eventing.Reader) as PowerShell writes them.
const JSON_NAMES: &[&str] = &[
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

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>";
    const CSV: &str = "Ebene,Datum und Uhrzeit,Quelle,Ereignis-ID,Aufgabenkategorie\r\nInformationen,23.11.2026 08:04:14,Microsoft-Windows-Security-Auditing,4653,Hauptmodus,\"Fehler";

    #[test]
    fn exports_are_told_by_their_content() {
        let rows = [
            (XML, Some(Format::EventXml)),
            ("<?xml version=\"1.0\"?>\r\n<Events><Event ", Some(Format::EventXml)),
            ("<?xml version=\"1.0\"?><!-- x -->\n<netEvents>", Some(Format::NetEvents)),
            ("<html>", None),
            ("<Eventful>", None),
            ("[\r\n  {\r\n  \"Message\":  \"An IPsec", Some(Format::EventJson)),
            ("{\"Id\": 4653, \"TimeCreated\":", Some(Format::EventJson)),
            ("{\"Id\": 4653, \"name\":", None),
            ("{\"schema_version\": 1", None),
            (CSV, Some(Format::EventCsv)),
            ("Keywords,Date and Time,Source,Event ID,Task Category\r\n", Some(Format::EventCsv)),
            ("a,b,c,d,e\r\n1,2,3,4,5\r\n", None),
            ("a note", None),
            ("", None),
        ];
        for (text, format) in rows {
            assert_eq!(of(text.as_bytes()), format, "{text}");
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            assert_eq!(of(&wide), format, "{text}");
            assert_eq!(of(&[&[0xfe, 0xff], &wide[..]].concat()), format, "{text}");
            assert_eq!(of(&[&[0xef, 0xbb, 0xbf], text.as_bytes()].concat()), format, "{text}");
        }
    }
}
