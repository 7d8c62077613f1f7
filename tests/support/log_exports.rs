//! Text exports of .evtx logs as Windows' tools write them, made from what the `evtx` crate renders.
//!
//! Written from the formats' descriptions, with nothing of the readers they test.

use plainsight::catalogue::parameter;
use serde_json::{Map, Value, json};

/// Every record of a log: the crate's XML, and its JSON with attributes apart.
pub(crate) fn records(log: Vec<u8>) -> Vec<(String, Value)> {
    let mut as_xml = ::evtx::EvtxParser::from_buffer(log.clone()).unwrap();
    let mut as_json = ::evtx::EvtxParser::from_buffer(log).unwrap();
    let xml: Vec<String> = as_xml.records().map(|record| record.unwrap().data).collect();
    let json = as_json.records_json_value().map(|record| record.unwrap().data);
    xml.into_iter().zip(json).collect()
}

/// `wevtutil qe /f:xml`: events one behind the other.
pub(crate) fn bare_xml(records: &[(String, Value)]) -> String {
    let events = records.iter().map(|(xml, _)| without_declaration(xml));
    events.map(|event| format!("{event}\r\n")).collect()
}

/// Event Viewer's file.
pub(crate) fn rooted_xml(records: &[(String, Value)]) -> String {
    let declaration = r#"<?xml version="1.0" encoding="utf-8" standalone="yes"?>"#;
    format!("{declaration}\r\n<Events>{}</Events>", bare_xml(records))
}

fn without_declaration(xml: &str) -> &str {
    xml.split_once("?>").map_or(xml, |(_, event)| event).trim()
}

/// Little-endian with its mark, as PowerShell's `>` writes.
pub(crate) fn wide(text: &str) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// `Get-WinEvent | ConvertTo-Json` of PowerShell 5.1.
pub(crate) fn powershell_json(records: &[(String, Value)]) -> String {
    let objects: Vec<Value> = records.iter().map(|(_, json)| powershell_object(json)).collect();
    serde_json::to_string_pretty(&objects)
        .unwrap()
        .replace('\n', "\r\n")
        .replace("/Date", "\\/Date")
}

fn powershell_object(record: &Value) -> Value {
    let system = &record["Event"]["System"];
    let plain = |value: &Value| value.get("#text").unwrap_or(value).clone();
    let time = system["TimeCreated"]["#attributes"]["SystemTime"].as_str().unwrap();
    let time: plainsight::time::Timestamp =
        plainsight::time::Timestamp::from_rfc3339(time).unwrap();
    let keywords = system["Keywords"].as_str().unwrap().trim_start_matches("0x");
    let keywords = u64::from_str_radix(keywords, 16).unwrap().cast_signed();
    let properties: Vec<Value> =
        values(record).into_iter().map(|(_, value)| json!({ "Value": value })).collect();
    json!({
        "Message": "",
        "Id": plain(&system["EventID"]),
        "Version": plain(&system["Version"]),
        "Keywords": keywords,
        "RecordId": system["EventRecordID"],
        "ProviderName": system["Provider"]["#attributes"]["Name"],
        "LogName": system["Channel"],
        "MachineName": system["Computer"],
        "TimeCreated": format!("/Date({})/", time.0.div_euclid(1_000_000)),
        "Bookmark": {},
        "Properties": properties,
    })
}

/// Names and values of the body, as Windows types them.
pub(crate) fn values(record: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let event = record["Event"].as_object().unwrap();
    for body in ["EventData", "UserData"] {
        if let Some(Value::Object(body)) = event.get(body) {
            collect(body, &mut found);
        }
    }
    found
}

fn collect(body: &Map<String, Value>, found: &mut Vec<(String, Value)>) {
    for (name, value) in body.iter().filter(|(name, _)| *name != "#attributes") {
        match value {
            Value::Object(inner) if !inner.contains_key("#text") => collect(inner, found),
            Value::Object(inner) => match &inner["#text"] {
                Value::Array(items) => {
                    found.extend(items.iter().map(|it| (name.clone(), it.clone())))
                }
                text => found.push((name.clone(), text.clone())),
            },
            Value::String(hex) if name == "Binary" => {
                let bytes = hex.as_bytes().chunks(2);
                let bytes = bytes.map(|pair| std::str::from_utf8(pair).unwrap());
                let bytes: Vec<u8> =
                    bytes.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
                found.push((name.clone(), json!(bytes)));
            }
            value => found.push((name.clone(), value.clone())),
        }
    }
}

/// Event Viewer's CSV of a log on an English or another system, whose labels are other words.
pub(crate) fn event_viewer_csv(records: &[(String, Value)], is_english: bool) -> String {
    let header = if is_english {
        "Level,Date and Time,Source,Event ID,Task Category"
    } else {
        "Ebene,Datum und Uhrzeit,Quelle,Ereignis-ID,Aufgabenkategorie"
    };
    let mut text = format!("\u{feff}{header}\r\n");
    for (_, record) in records {
        let system = &record["Event"]["System"];
        let id = system["EventID"].get("#text").unwrap_or(&system["EventID"]);
        let time = system["TimeCreated"]["#attributes"]["SystemTime"].as_str().unwrap();
        let [year, month, day] = [&time[..4], &time[5..7], &time[8..10]];
        let clock = &time[11..19];
        let when = if is_english {
            format!("{year}-{month}-{day} {clock}")
        } else {
            format!("{day}.{month}.{year} {clock}")
        };
        let source = system["Provider"]["#attributes"]["Name"].as_str().unwrap();
        let message = message(id.as_u64().unwrap(), record, is_english);
        let quoted = message.replace('"', "\"\"");
        text.push_str(&format!("Information,{when},{source},{id},None,\"{quoted}\"\r\n"));
    }
    text
}

/// What Windows shows for the events of the laboratory.
pub(crate) fn message(id: u64, record: &Value, is_english: bool) -> String {
    let values = values(record);
    let shown = |value: &Value| match value {
        Value::String(text) => {
            let number = text.strip_prefix("%%").and_then(|it| it.parse().ok());
            number.and_then(parameter).unwrap_or(text).to_owned()
        }
        other => other.to_string(),
    };
    let places: &[usize] = match id {
        4650 => &[1, 3, 4, 2, 5, 6, 12, 13, 17, 9, 10, 11, 7, 8, 14, 15, 16],
        4651 => {
            &[1, 9, 10, 2, 3, 4, 5, 11, 12, 6, 7, 8, 15, 16, 17, 18, 19, 23, 13, 14, 20, 21, 22]
        }
        4652 => &[1, 9, 10, 2, 3, 4, 5, 11, 12, 6, 7, 8, 13, 16, 18, 19, 20, 14, 15, 17, 21, 22],
        4654 if values.len() == 19 => {
            &[1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11, 14, 16, 18, 19, 15, 17, 12, 13]
        }
        4654 => &[1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11, 20, 21, 14, 16, 18, 19, 15, 17, 12, 13],
        4653 => &[1, 3, 4, 2, 5, 6, 7, 10, 12, 13, 14, 8, 9, 11, 15, 16],
        7036 if is_english => {
            return format!(
                "The {} service entered the {} state.",
                shown(&values[0].1),
                shown(&values[1].1)
            );
        }
        4624 | 7036 | 7040 => return "Text.".to_owned(),
        _ => &[],
    };
    let in_order: Vec<usize> = (1..=values.len()).collect();
    let places =
        if places.is_empty() || places.len() > values.len() { &in_order[..] } else { places };
    let mut text = "An event happened.\r\n\r\nFirst Group:\r\n".to_owned();
    for (line, place) in places.iter().enumerate() {
        let label = if is_english { format!("Label {line}:") } else { format!("Wort {line} :") };
        text.push_str(&format!("\t{label}\t\t{}\r\n", shown(&values[place - 1].1)));
        if line % 4 == 3 {
            text.push_str("\r\nNext Group:\r\n");
        }
    }
    text
}
