//! XML as a small tree, read strictly: what is not well formed is a fault with its place.
//!
//! A reader of a large file finds the elements that matter to it and parses each by itself.
//!
//! No entity is expanded but the five of XML and numbered characters; depth, elements and attributes
//! are bounded.

use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

/// What is wrong with a text of XML, and where.
#[derive(Clone, Debug, thiserror::Error)]
#[error("at character {position} of the event: {fault}")]
pub struct XmlError {
    /// Bytes before it in the text.
    pub position: u64,
    /// What is wrong.
    pub fault: XmlFault,
}

/// What can be wrong with a text of XML.
#[derive(Clone, Debug, thiserror::Error)]
pub enum XmlFault {
    /// It is not well formed.
    #[error("{0}")]
    Syntax(quick_xml::Error),
    /// It has more elements, or is deeper, than an item of evidence.
    #[error("too many elements")]
    TooManyElements,
    /// An element ends that did not begin.
    #[error("an end without a beginning")]
    EndWithoutBeginning,
    /// It ends inside an element.
    #[error("the event does not end")]
    NoEnd,
}

/// An element with what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Without its prefix.
    pub name: String,
    /// By name, without prefixes.
    pub attributes: Vec<(String, String)>,
    /// All of its own text, as one.
    pub text: String,
    /// In order.
    pub children: Vec<Element>,
}

impl Element {
    /// The element that a text is.
    ///
    /// # Errors
    /// With the place, where the text is not well formed, or holds more than an item of evidence does.
    pub fn parse(text: &str) -> Result<Self, XmlError> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().allow_dangling_amp = true;
        let mut open: Vec<Self> = Vec::new();
        let mut elements = 0;
        loop {
            let position = reader.buffer_position();
            let event = reader.read_event();
            let at_position = |fault| XmlError { position, fault };
            match event.map_err(|error| at_position(XmlFault::Syntax(error)))? {
                Event::Start(start) => {
                    elements += 1;
                    if open.len() >= DEEPEST || elements > MOST_ELEMENTS {
                        return Err(at_position(XmlFault::TooManyElements));
                    }
                    open.push(Self::begun(&start));
                }
                Event::End(_) => {
                    let Some(done) = open.pop() else {
                        return Err(at_position(XmlFault::EndWithoutBeginning));
                    };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Event::Text(more) => add(&mut open, &more),
                Event::CData(more) => add(&mut open, &more),
                Event::GeneralRef(reference) => add(&mut open, &referred(&reference)),
                Event::Eof => return Err(at_position(XmlFault::NoEnd)),
                Event::Empty(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_) => {}
            }
        }
    }

    /// The first child of a name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of a name, trimmed; empty where there is none.
    #[must_use]
    pub fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }

    /// The element that a path of names leads to, each the first child of its name.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// An attribute's value; empty where there is none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        let row = self.attributes.iter().find(|row| row.0 == name);
        row.map_or("", |row| row.1.as_str())
    }

    fn begun(start: &BytesStart<'_>) -> Self {
        let mut attributes = start.attributes();
        let attributes = attributes.with_checks(false).flatten().take(MOST_ATTRIBUTES);
        let attributes = attributes.map(|attribute| {
            let name = attribute.key.local_name().into_inner().to_owned();
            // A reference that is none stays as it is written.
            let value = unescape(&attribute.value)
                .map_or_else(|_| attribute.value.clone().into_owned(), |value| value.into_owned());
            (name, value)
        });
        Self {
            name: start.local_name().into_inner().to_owned(),
            attributes: attributes.collect(),
            ..Self::default()
        }
    }
}

fn add(open: &mut [Element], more: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(more);
    }
}

/// The character that a reference names; itself where it is not known.
fn referred(reference: &BytesRef<'_>) -> String {
    match (reference.resolve_char_ref(), resolve_xml_entity(reference)) {
        (Ok(Some(character)), _) => character.to_string(),
        (_, Some(text)) => text.to_owned(),
        _ => format!("&{};", &**reference),
    }
}

const DEEPEST: usize = 64;
const MOST_ELEMENTS: usize = 10_000;
const MOST_ATTRIBUTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_references_are_one() {
        let event = Element::parse(
            "<a:b c='&lt;1&nbsp;'>x&#13;&#10;<d/>&amp;y&no;&#0;<![CDATA[<z>]]></a:b>",
        );
        let event = event.unwrap_or_default();
        assert_eq!((event.name.as_str(), event.text.as_str()), ("b", "x\r\n&y&no;&#0;<z>"));
        assert_eq!((event.attribute("c"), event.children.len()), ("&lt;1&nbsp;", 1));
    }

    #[test]
    fn what_is_not_well_formed_is_a_fault() {
        for text in ["", "<a>", "<a></b>", "<a><b></a>", "</a>", "<a", "text", "<a></ a>"] {
            assert!(Element::parse(text).is_err(), "{text}");
        }
        assert!(Element::parse(&"<a>".repeat(100)).is_err());
        assert!(Element::parse(&format!("<a>{}</a>", "<b/>".repeat(20_000))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[<>/a&;#x\"'= \\[\\]!?-]{0,60}") {
            let _ = Element::parse(&text);
        }
    }
}
