//! Splits a text of XML into events and the text between them.
//!
//! Only the tags that begin and end an event are searched for; the caller checks whether the content is well
//! formed. An event that begins inside another one shows that the first has lost its end. Comments and CDATA
//! are skipped, so that nothing in them is taken for an event.

use super::LONGEST_EVENT;
use super::splitting::{Segment, Splitter, State};

/// The role of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// It begins an event, wherever it is.
    Begin,
    /// Inside an event, it opens an element with the name of the event's own element.
    Open,
    /// It begins an event, and inside one does as [`Tag::Open`].
    BeginOrOpen,
    /// It closes such an element, or the event.
    Close,
    /// Anything else.
    Other,
}

/// Determines the role of a tag; it sees at least [`AHEAD`] bytes where the text has as many.
pub(super) type Rules = fn(&[u8]) -> Tag;

/// Finds the segments of a text, one after the other.
pub(super) struct EventSplitter {
    rules: Rules,
    /// The depth is that in elements of the event's name.
    state: State,
    /// The end of the current comment or section.
    inside: Option<&'static [u8]>,
}

impl EventSplitter {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, state: State::default(), inside: None }
    }

    fn act(&mut self, tag: &[u8]) -> Option<Segment> {
        let here = self.state.at;
        self.state.at += 1;
        self.inside = SECTIONS.iter().find(|row| tag.starts_with(row.0)).map(|row| row.1);
        let tag_does = match (self.rules)(tag) {
            Tag::BeginOrOpen if self.state.depth == 0 => Tag::Begin,
            Tag::BeginOrOpen => Tag::Open,
            other => other,
        };
        match tag_does {
            Tag::Begin if here > 0 => Some(match std::mem::take(&mut self.state.depth) {
                0 => Segment::Between(here),
                _ if std::mem::take(&mut self.state.is_too_long) => Segment::TooLong(here),
                _ => Segment::Endless(here),
            }),
            Tag::Begin => {
                self.state.is_too_long = false;
                self.state.depth = 1;
                None
            }
            Tag::Open if self.state.depth > 0 => {
                self.state.depth += 1;
                None
            }
            Tag::Close if self.state.depth > 1 => {
                self.state.depth -= 1;
                None
            }
            Tag::Close if self.state.depth == 1 => {
                self.state.depth = 0;
                let length = tag.iter().take(AHEAD).position(|byte| *byte == b'>').unwrap_or(0);
                let end = here + length + 1;
                let is_too_long = std::mem::take(&mut self.state.is_too_long);
                Some(if is_too_long { Segment::TooLong(end) } else { Segment::Event(end) })
            }
            Tag::Open | Tag::BeginOrOpen | Tag::Close | Tag::Other => None,
        }
    }
}

impl Splitter for EventSplitter {
    fn state(&mut self) -> &mut State {
        &mut self.state
    }

    fn step(&mut self, window: &[u8]) -> Option<Segment> {
        loop {
            if self.state.at > LONGEST_EVENT {
                self.inside = None;
                return Some(self.state.too_long());
            }
            let rest = window.get(self.state.at..)?;
            if let Some(end) = self.inside {
                let Some(found) = find(rest, end) else {
                    // The window may cut the end mark itself.
                    self.state.at = self.state.at.max((window.len() + 1).saturating_sub(end.len()));
                    return None;
                };
                self.state.at += found + end.len();
                self.inside = None;
                continue;
            }
            let Some(found) = rest.iter().position(|byte| *byte == b'<') else {
                self.state.at = window.len();
                return None;
            };
            self.state.at += found;
            let tag = window.get(self.state.at..)?;
            if tag.len() <= AHEAD && !self.state.has_ended {
                return None;
            }
            if let Some(segment) = self.act(tag) {
                return Some(segment);
            }
        }
    }
}

/// Whether a text between events is XML that may occur there: declarations, comments, a document type without
/// declarations of its own (no export has others), and the tags of root elements.
pub(super) fn is_markup(mut text: &[u8], roots: &[&[u8]]) -> bool {
    loop {
        text = text.trim_ascii_start();
        let end: &[u8] = match text {
            [] => return true,
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            _ if text.starts_with(b"<!DOCTYPE") => b">",
            _ if roots.iter().any(|root| is_named(text, root)) => b">",
            _ => return false,
        };
        let Some(found) = find(text, end) else { return false };
        text = text.get(found + end.len()..).unwrap_or_default();
    }
}

/// The role of a tag in lists of items: an item begins an event where one of these elements is the first in it,
/// or its element is outside a list; items contain lists of other items.
pub(super) fn item(tag: &[u8], first: &[&[u8]], [begin, end]: [&[u8]; 2]) -> Tag {
    if is_named(tag, begin) {
        return Tag::Begin;
    }
    if let Some(behind) = tag.strip_prefix(b"<item>") {
        let behind = behind.trim_ascii_start();
        let begins = first.iter().any(|first| is_named(behind, first));
        return if begins { Tag::Begin } else { Tag::Open };
    }
    if is_named(tag, b"<item") {
        Tag::Open
    } else if is_named(tag, b"</item") || is_named(tag, end) {
        Tag::Close
    } else {
        Tag::Other
    }
}

/// Whether a tag begins with these bytes (`<Event`, `</Event`), ignoring a prefix of the name, and the name
/// ends there.
pub(super) fn is_named(tag: &[u8], name: &[u8]) -> bool {
    let marks = if name.starts_with(b"</") { 2 } else { 1 };
    let written = tag.get(marks..).unwrap_or_default();
    let prefix = written.iter().take(LONGEST_PREFIX).take_while(|byte| is_of_name(**byte)).count();
    let prefixed = written.get(prefix) == Some(&b':');
    let unprefixed = written.get(if prefixed { prefix + 1 } else { 0 }..).unwrap_or_default();
    let is_marked = tag.get(..marks) == name.get(..marks);
    is_marked && begins_name(unprefixed, name.get(marks..).unwrap_or_default())
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn begins_name(tag: &[u8], name: &[u8]) -> bool {
    let behind = tag.strip_prefix(name).and_then(|rest| rest.first());
    behind.is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'>'))
}

/// The first occurrence of one text in another.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let (first, _) = part.split_first()?;
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = from + rest.iter().position(|byte| byte == first)?;
        if text.get(at..)?.starts_with(part) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Of a namespace.
const LONGEST_PREFIX: usize = 32;
/// The most bytes that a rule may examine.
pub(super) const AHEAD: usize = 256;
/// What begins a section whose content is no markup, and what ends it.
const SECTIONS: &[(&[u8], &[u8])] = &[(b"<!--", b"-->"), (b"<![CDATA[", b"]]>")];
