//! Events as PowerShell's Export-Clixml and ConvertTo-Xml write them: objects with named properties.
//!
//! Source: [MS-PSRP] 2.2.5 (the serialization that Export-Clixml uses); output of Windows PowerShell 5.1.

use super::Export;
use super::element::Element;
use super::pieces::{Piece, Pieces, Tag, find, is_named};
use super::row_reading::Reading;
use super::rows::{self, Row};
use super::source::Source;
use super::xml::{lost, text_at};
use crate::eventlog::{LogEvent, LogSummary};
use crate::evidence::EvidenceId;
use crate::time::Resolution;
use serde_json::{Value, json};
use std::io::Read;

/// Reads a whole export, hands each event that the catalogue knows to `sink` in the order of the
/// file, and gives what the file holds and how finely it shows time. Damage becomes problems and
/// reading goes on behind it.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> (LogSummary, Resolution) {
    let (mut source, mark) = Source::new(reader);
    let mut reading = Reading::new(Export::new(evidence, mark, sink));
    let mut pieces = Pieces::new(rules);
    while let Some(piece) = pieces.next(&mut source) {
        match piece {
            Piece::Event(length) => event(&mut reading, &mut source, length),
            Piece::Between(length) => between(&mut reading.export, &mut source, length),
            other => lost(&mut reading.export, &mut source, other),
        }
    }
    reading.finish(source)
}

fn event(reading: &mut Reading<'_>, source: &mut Source<'_>, length: usize) {
    let offset = source.offset();
    let (text, is_sound) = text_at(source, length);
    let mut record = reading.export.blank();
    let filled = Element::parse(&text)
        .and_then(|object| rows::fill(&mut record, &row(&object)).map_err(str::to_owned));
    let octets = source.consume(length);
    match filled {
        Err(why) => reading.export.damaged(&why, offset, octets),
        Ok(filled) => {
            if !is_sound {
                reading.export.not_text(offset, record.record.record);
            }
            reading.take(record, filled, offset, octets);
        }
    }
}

/// The properties of an object.
fn row(object: &Element) -> Row {
    let mut row = Row::new();
    for part in &object.children {
        match part.name.as_str() {
            // Export-Clixml: its own properties, and those that PowerShell added.
            "Props" | "MS" => row.extend(part.children.iter().filter_map(named)),
            // ConvertTo-Xml.
            "Property" => row.extend(named(part)),
            _ => {}
        }
    }
    row
}

/// A property under its name.
fn named(property: &Element) -> Option<(String, Value)> {
    let name = match (property.attribute("N"), property.attribute("Name")) {
        ("", "") => return None,
        ("", name) | (name, _) => name.to_owned(),
    };
    let list = property.child("LST").map(|list| &list.children);
    let values = match (&list, name.as_str()) {
        (Some(list), _) => list.iter().map(value).collect(),
        (None, "Properties") if !property.children.is_empty() => {
            property.children.iter().map(value).collect()
        }
        (None, _) => return Some((name, Value::String(unescaped(&property.text)))),
    };
    Some((name, Value::Array(values)))
}

/// An item of a list: an object with a `Value`, or a text.
fn value(item: &Element) -> Value {
    let inner = row(item);
    match inner.get("Value") {
        Some(value) => json!({ "Value": value }),
        None => Value::String(unescaped(&item.text)),
    }
}

/// `_x000D_` is the character of that number ([MS-PSRP] 2.2.5.3.2).
fn unescaped(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::with_capacity(text.len());
    while let Some(at) = rest.find("_x") {
        let escape = rest.get(at..at + ESCAPE).filter(|escape| escape.ends_with('_'));
        let digits = escape.and_then(|escape| escape.get(2..6));
        let character =
            digits.and_then(|it| u32::from_str_radix(it, 16).ok()).and_then(char::from_u32);
        let (kept, behind) = rest.split_at(at);
        plain.push_str(kept);
        match character {
            Some(character) => {
                plain.push(character);
                rest = behind.get(ESCAPE..).unwrap_or_default();
            }
            None => {
                plain.push_str("_x");
                rest = behind.get(2..).unwrap_or_default();
            }
        }
    }
    plain + rest
}

/// Between objects there is the root element, the declaration and comments.
fn between(export: &mut Export<'_>, source: &mut Source<'_>, length: usize) {
    let offset = source.offset();
    let is_markup = is_markup(source.window().get(..length).unwrap_or_default());
    let octets = source.consume(length);
    if is_markup {
        export.tally.cover("markup", octets, 0);
    } else {
        export.damaged("text that is no event", offset, octets);
    }
}

fn is_markup(mut text: &[u8]) -> bool {
    let roots: [&[u8]; 4] = [b"<Objs", b"</Objs", b"<Objects", b"</Objects"];
    loop {
        text = text.trim_ascii_start();
        let end: &[u8] = match text {
            [] => return true,
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            _ if roots.iter().any(|root| is_named(text, root)) => b">",
            _ => return false,
        };
        let Some(found) = find(text, end) else { return false };
        text = text.get(found + end.len()..).unwrap_or_default();
    }
}

fn rules(tag: &[u8]) -> Tag {
    if is_named(tag, b"<Obj") || is_named(tag, b"<Object") {
        Tag::BeginOrOpen
    } else if is_named(tag, b"</Obj") || is_named(tag, b"</Object") {
        Tag::Close
    } else {
        Tag::Other
    }
}

const ESCAPE: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_characters_are_characters() {
        assert_eq!(unescaped("a_x000D__x000A_b_x005F_c_xyz"), "a\r\nb_c_xyz");
        assert_eq!(unescaped("_x"), "_x");
        assert_eq!(unescaped("_xD800_ä_x00e"), "_xD800_ä_x00e");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[_x0-9aä]{0,24}") {
            let _ = unescaped(&text);
        }
    }
}
