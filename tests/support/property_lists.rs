//! Events as PowerShell lists them for reading, written from its documented layout with nothing of the reader they test.

use super::log_exports::{message, wide};
use super::log_forms::{message_of, parts};
use super::log_languages::LANGUAGES;
use serde_json::Value;

/// Columns on the screen.
fn width(text: &str) -> usize {
    text.chars().map(|c| if ('\u{2e80}'..='\u{ffe6}').contains(&c) { 2 } else { 1 }).sum()
}

/// Properties as PowerShell lists them on a screen of so many columns: names padded, lines wrapped between words.
fn property_list(values: &[(&str, String)], screen: usize) -> String {
    let names = values.iter().map(|(name, _)| name.len()).max().unwrap();
    let room = screen - names - 3;
    let mut text = String::from("\r\n\r\n");
    for (name, value) in values {
        let mut head = format!("{name:names$} : ");
        for line in value.replace('\r', "").split('\n') {
            let mut shown = String::new();
            for word in line.split_inclusive([' ', '\t']) {
                if width(line) > room && width(&shown) + width(word) > room {
                    text.push_str(&format!("{head}{shown}\r\n"));
                    (head, shown) = (" ".repeat(names + 3), String::new());
                }
                shown.push_str(word);
            }
            text.push_str(&format!("{head}{shown}\r\n"));
            head = " ".repeat(names + 3);
        }
    }
    text + "\r\n\r\n"
}

pub(super) fn format_list(records: &[(String, Value)]) -> Vec<u8> {
    let event = |(_, record): &(String, Value)| {
        let it = parts(record);
        let values = [
            ("TimeCreated", (LANGUAGES[0].time)(it.numbers())),
            ("ProviderName", it.provider.to_owned()),
            ("Id", it.id.to_string()),
            ("Message", message(it.id.as_u64().unwrap(), record, false)),
        ];
        property_list(&values, 80)
    };
    records.iter().map(event).collect::<String>().into_bytes()
}

pub(super) fn format_list_all(records: &[(String, Value)]) -> Vec<u8> {
    let event = |(_, record): &(String, Value)| {
        let it = parts(record);
        let values = [
            ("Message", message_of(&it, record)),
            ("Id", it.id.to_string()),
            ("Version", it.version.to_string()),
            ("Qualifiers", String::new()),
            ("Keywords", it.keywords.cast_signed().to_string()),
            ("RecordId", it.record.to_string()),
            ("ProviderName", it.provider.to_owned()),
            ("LogName", it.channel.to_owned()),
            ("MachineName", it.computer.to_owned()),
            ("TimeCreated", (LANGUAGES[1].time)(it.numbers())),
            ("KeywordsDisplayNames", "{x}".to_owned()),
            (
                "Properties",
                format!(
                    "{{{0}, {0}, {0}, {0}...}}",
                    "System.Diagnostics.Eventing.Reader.EventProperty"
                ),
            ),
        ];
        property_list(&values, 120)
    };
    wide(&records.iter().map(event).collect::<String>())
}

pub(super) fn eventlog_list(records: &[(String, Value)]) -> Vec<u8> {
    let event = |(_, record): &(String, Value)| {
        let it = parts(record);
        let time = (LANGUAGES[1].time)(it.numbers());
        let values = [
            ("EventID", it.id.to_string()),
            ("MachineName", it.computer.to_owned()),
            ("Data", "{}".to_owned()),
            ("Index", it.record.to_string()),
            ("EntryType", if it.is_success() { "SuccessAudit" } else { "FailureAudit" }.to_owned()),
            ("Message", message(it.id.as_u64().unwrap(), record, false)),
            ("Source", it.provider.to_owned()),
            ("ReplacementStrings", "{a, b, c, d...}".to_owned()),
            ("InstanceId", it.id.to_string()),
            ("TimeGenerated", time.clone()),
            ("TimeWritten", time),
            ("UserName", String::new()),
        ];
        property_list(&values, 100)
    };
    records.iter().map(event).collect::<String>().into_bytes()
}
