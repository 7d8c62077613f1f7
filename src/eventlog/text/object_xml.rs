//! Events as PowerShell's Export-Clixml and ConvertTo-Xml write them: objects with named properties.
//!
//! Source: [MS-PSRP] 2.2.5 (the serialization that Export-Clixml uses); output of Windows PowerShell 5.1.

use super::event_splitter::{EventSplitter, Tag, is_markup, is_named};
use super::row_reading::Reading;
use super::rows::{self, Node, Row};
use super::source::Source;
use super::splitting::{Segment, Splitter};
use super::xml::lost;
use crate::eventlog::{LogEvent, LogSummary};
use crate::evidence::EvidenceId;
use crate::time::{Resolution, Zone};
use crate::xml::Element;
use std::borrow::Cow;
use std::io::Read;

/// Reads a whole export, passes each event that the catalogue knows to `sink` in the order of the file, and
/// returns what the file holds and its time resolution. Times without a zone are read in `zone`. Damage becomes
/// problems, and reading continues after it.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    zone: Option<&Zone>,
    sink: &mut impl FnMut(LogEvent),
) -> (LogSummary, Resolution) {
    let (mut source, mark) = Source::new(reader);
    let mut reading = Reading::new(evidence, mark, zone, sink);
    let mut splitter = EventSplitter::new(rules);
    while let Some(segment) = splitter.next(&mut source) {
        match segment {
            Segment::Event(length) => reading.event(&mut source, length, |record, text| {
                let object = Element::parse(text)?;
                rows::fill(record, &row(&object))
            }),
            Segment::Between(length) => {
                reading.export.between(&mut source, length, |text| is_markup(text, ROOTS));
            }
            other => lost(&mut reading.export, &mut source, other),
        }
    }
    reading.finish(source)
}

/// The properties of an object.
fn row(object: &Element) -> Row<'_> {
    let mut row = Row::default();
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
fn named(property: &Element) -> Option<(Cow<'_, str>, Node<'_>)> {
    let name = match (property.attribute("N"), property.attribute("Name")) {
        ("", "") => return None,
        ("", name) | (name, _) => Cow::Borrowed(name),
    };
    let list = property.child("LST").map(|list| &list.children);
    let values = match (&list, name.as_ref()) {
        (Some(list), _) => list.iter().map(value).collect(),
        (None, "Properties") if !property.children.is_empty() => {
            property.children.iter().map(value).collect()
        }
        (None, _) => return Some((name, Node::Text(unescaped(&property.text).into()))),
    };
    Some((name, Node::List(values)))
}

/// An item of a list: an object with a `Value`, or a text.
fn value(item: &Element) -> Node<'_> {
    let inner = row(item);
    match inner.get("Value") {
        Some(value) => value.clone(),
        None => Node::Text(unescaped(&item.text).into()),
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

fn rules(tag: &[u8]) -> Tag {
    if is_named(tag, b"<Obj") || is_named(tag, b"<Object") {
        Tag::BeginOrOpen
    } else if is_named(tag, b"</Obj") || is_named(tag, b"</Object") {
        Tag::Close
    } else {
        Tag::Other
    }
}

/// Around the objects.
const ROOTS: &[&[u8]] = &[b"<Objs", b"</Objs", b"<Objects", b"</Objects"];
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
