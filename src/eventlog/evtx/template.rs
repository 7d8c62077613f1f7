//! Template definitions of binary XML: where the scan finds its fields in a record's values.
//!
//! Reads each definition of a chunk once. Accepts only the plain forms that Windows writes; records made from
//! any other definition are left to the `evtx` crate.

use super::cursor::{Cursor, Text, is, name_at};
use std::collections::HashMap;

/// The definitions of one chunk, read when a record first names them.
#[derive(Debug, Default)]
pub(super) struct Templates {
    known: HashMap<u32, Option<usize>, foldhash::fast::RandomState>,
    /// Those that the last records name: an event's frame and its body, by turns.
    last: [Option<(u32, usize)>; LAST],
    read: Vec<Template>,
    bytes: usize,
}

impl Templates {
    /// Forgets the definitions of the previous chunk.
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.last = [None; LAST];
        self.read.clear();
        self.bytes = 0;
    }

    /// The definition at this offset of the chunk; `None` where the scan does not understand it.
    pub(super) fn at(&mut self, chunk: &[u8], offset: u32) -> Option<&Template> {
        let recent = offset as usize / 8 % LAST;
        if let Some(Some((known, place))) = self.last.get(recent)
            && *known == offset
        {
            return self.read.get(*place);
        }
        let place = match self.known.get(&offset) {
            Some(place) => *place,
            None => {
                let template = self.definition(chunk, offset);
                let place = template.map(|template| {
                    self.read.push(template);
                    self.read.len() - 1
                });
                self.known.insert(offset, place);
                place
            }
        };
        let place = place?;
        if let Some(last) = self.last.get_mut(recent) {
            *last = Some((offset, place));
        }
        self.read.get(place)
    }

    fn definition(&mut self, chunk: &[u8], offset: u32) -> Option<Template> {
        let start = usize::try_from(offset).ok()?;
        let body = start.checked_add(DEFINITION_HEADER)?;
        let size = usize::try_from(Cursor { data: chunk, at: body.checked_sub(4)? }.u32()?).ok()?;
        // Definitions do not overlap, so that together they are no larger than the chunk; reading the same
        // bytes repeatedly is left to the crate.
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > chunk.len() {
            return None;
        }
        let content = chunk.get(..body.checked_add(size)?)?;
        let mut builder =
            Builder { cursor: Cursor { data: content, at: body }, ..Builder::new(chunk) };
        builder.run()?;
        Some(builder.template)
    }
}

/// The scan's knowledge of one definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    /// How many values it takes; a record with fewer leaves holes.
    pub(super) slots: usize,
    /// The minimum cost of rendering it: bytes written, and sixteen times the nodes built.
    pub(super) cost: usize,
    /// The offsets of the frame's fields; `None` in the definition of a body.
    pub(super) frame: Option<Frame>,
}

/// Where an event's frame keeps its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) provider: Field,
    pub(super) event_id: Field,
    pub(super) channel: Field,
    pub(super) computer: Field,
    /// The value that is the event's time.
    pub(super) time: Field,
    /// The value that is the event's body; `None` where the frame has no place for one.
    pub(super) body: Option<usize>,
    /// Values without which one of the fields is left out.
    pub(super) needs: Vec<usize>,
}

/// A field of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Written in the definition: the extent of its UTF-16 bytes in the chunk.
    Fixed(Text),
    /// The value of this number.
    Slot(usize),
}

/// Which part of an event an open element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Event,
    System,
    Provider,
    TimeCreated,
    Leaf(Key),
    Other,
}

/// A field of the frame by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Provider,
    EventId,
    Channel,
    Computer,
    Time,
}

/// A definition while it is read.
struct Builder<'d> {
    chunk: &'d [u8],
    cursor: Cursor<'d>,
    template: Template,
    /// The open elements, the root first.
    open: Vec<Part>,
    /// The element whose start tag is not closed yet.
    start: Option<Part>,
    /// The attribute that is being read, and the field it is.
    attribute: Option<Option<Key>>,
    is_frame: bool,
    had_root: bool,
    had_system: bool,
    taken: [u64; MOST_SLOTS / 64],
    fields: [Option<Field>; 5],
    body: Option<usize>,
    needs: Vec<usize>,
}

impl<'d> Builder<'d> {
    fn new(chunk: &'d [u8]) -> Self {
        Self {
            chunk,
            cursor: Cursor { data: chunk, at: 0 },
            template: Template::default(),
            open: Vec::with_capacity(8),
            start: None,
            attribute: None,
            is_frame: false,
            had_root: false,
            had_system: false,
            taken: [0; MOST_SLOTS / 64],
            fields: [None; 5],
            body: None,
            needs: Vec::new(),
        }
    }

    /// Reads the definition to its end; `None` where it contains something that the scan does not understand.
    fn run(&mut self) -> Option<()> {
        if self.cursor.peek() == Some(FRAGMENT) {
            self.cursor.skip(4)?;
        }
        loop {
            // The end of a definition as Windows writes it.
            match self.cursor.u8()? {
                END => break,
                token @ (0x01 | 0x41) => self.open_element(token == 0x41)?,
                0x06 | 0x46 => self.open_attribute()?,
                0x02 => {
                    let part = self.start.take()?;
                    self.attribute = None;
                    self.open.push(part);
                }
                0x03 => {
                    self.start.take()?;
                    self.attribute = None;
                }
                0x04 if self.start.is_none() => drop(self.open.pop()?),
                0x05 | 0x45 => self.text()?,
                0x0d | 0x0e => self.substitution()?,
                _ => return None,
            }
            self.template.cost = self.template.cost.checked_add(COST_OF_A_NODE)?;
        }
        let is_whole = self.start.is_none() && self.open.is_empty() && self.had_root;
        is_whole.then_some(())?;
        if self.is_frame {
            let [provider, event_id, channel, computer, time] = self.fields;
            self.template.frame = Some(Frame {
                provider: provider?,
                event_id: event_id?,
                channel: channel?,
                computer: computer?,
                time: time?,
                body: self.body,
                needs: std::mem::take(&mut self.needs),
            });
        }
        Some(())
    }

    fn open_element(&mut self, has_attributes: bool) -> Option<()> {
        if self.start.is_some() || self.open.len() >= DEEPEST {
            return None;
        }
        let depends = self.cursor.u16()?;
        self.cursor.skip(4)?;
        let name = self.name()?;
        if has_attributes {
            self.cursor.skip(4)?;
        }
        let part = match self.open.last() {
            None if self.had_root => return None,
            None => {
                self.had_root = true;
                self.is_frame = is(name, "Event");
                // A body of this name would be a sibling of the frame's.
                if is(name, "System") {
                    return None;
                }
                if self.is_frame { Part::Event } else { Part::Other }
            }
            Some(Part::Event) if is(name, "System") => {
                if std::mem::replace(&mut self.had_system, true) || self.body.is_some() {
                    return None;
                }
                Part::System
            }
            Some(Part::System) => system_part(name, has_attributes)?,
            Some(Part::Leaf(_)) => return None,
            Some(_) if self.is_frame && is_key(name) => return None,
            Some(_) => Part::Other,
        };
        if !matches!(part, Part::Event | Part::Other) && depends != NO_DEPENDENCY {
            self.needs.push(usize::from(depends));
        }
        self.start = Some(part);
        Some(())
    }

    fn open_attribute(&mut self) -> Option<()> {
        let part = self.start?;
        let name = self.name()?;
        let key = match part {
            Part::Provider if is(name, "Name") => Some(Key::Provider),
            Part::TimeCreated if is(name, "SystemTime") => Some(Key::Time),
            _ if self.is_frame && is_key(name) => return None,
            _ => None,
        };
        self.attribute = Some(key);
        Some(())
    }

    fn text(&mut self) -> Option<()> {
        if self.cursor.u8()? != STRING {
            return None;
        }
        let bytes = usize::from(self.cursor.u16()?).checked_mul(2)?;
        let text = Text { at: self.cursor.at, bytes };
        self.cursor.skip(bytes)?;
        self.costs(bytes)?;
        match self.target()? {
            Some(key) => self.set(key, Field::Fixed(text)),
            None => Some(()),
        }
    }

    fn substitution(&mut self) -> Option<()> {
        let slot = usize::from(self.cursor.u16()?);
        is_kind(self.cursor.u8()?).then_some(())?;
        // A value in two places can multiply a record's size without end; the crate guards against that.
        let (word, bit) = (self.taken.get_mut(slot / 64)?, 1 << (slot % 64));
        if *word & bit != 0 {
            return None;
        }
        *word |= bit;
        self.template.slots = self.template.slots.max(slot.checked_add(1)?);
        match self.target()? {
            Some(key) => self.set(key, Field::Slot(slot)),
            None if self.start.is_none() && self.open.last() == Some(&Part::Event) => {
                self.body.replace(slot).is_none().then_some(())
            }
            None => Some(()),
        }
    }

    /// The field that the current content belongs to; `None` where no content is wanted.
    fn target(&self) -> Option<Option<Key>> {
        if self.start.is_some() {
            return self.attribute;
        }
        match self.open.last()? {
            Part::Leaf(key) => Some(Some(*key)),
            Part::Event | Part::Other => Some(None),
            Part::System | Part::Provider | Part::TimeCreated => None,
        }
    }

    fn set(&mut self, key: Key, field: Field) -> Option<()> {
        self.fields.get_mut(key as usize)?.replace(field).is_none().then_some(())
    }

    /// A name's UTF-16 bytes; at its first use they follow the reference.
    fn name(&mut self) -> Option<&'d [u8]> {
        let offset = usize::try_from(self.cursor.u32()?).ok()?;
        let name = name_at(self.chunk, offset)?;
        if offset == self.cursor.at {
            self.cursor.skip(NAME_FRAME.checked_add(name.len())?)?;
        }
        self.costs(name.len())?;
        Some(name)
    }

    /// Rendered, a UTF-16 unit takes six bytes at most.
    fn costs(&mut self, bytes: usize) -> Option<()> {
        self.template.cost = self.template.cost.checked_add(bytes.checked_mul(3)?)?;
        Some(())
    }
}

/// A child of System; `None` where it is a field in a form of its own.
fn system_part(name: &[u8], has_attributes: bool) -> Option<Part> {
    let part = match name {
        _ if is(name, "Provider") => Part::Provider,
        _ if is(name, "TimeCreated") => Part::TimeCreated,
        _ if is(name, "EventID") => Part::Leaf(Key::EventId),
        _ if is(name, "Channel") && !has_attributes => Part::Leaf(Key::Channel),
        _ if is(name, "Computer") && !has_attributes => Part::Leaf(Key::Computer),
        _ if is_key(name) => return None,
        _ => Part::Other,
    };
    Some(part)
}

/// Names whose first occurrence in a record is used.
fn is_key(name: &[u8]) -> bool {
    ["Channel", "Computer", "SystemTime"].into_iter().any(|key| is(name, key))
}

/// Whether this is the number of a type of value.
fn is_kind(kind: u8) -> bool {
    matches!(kind, 0x00..=0x15 | 0x21 | 0x81..=0x95)
}

/// The offset of the next definition, a GUID and the size of what follows.
/// Definitions that are found without a search.
const LAST: usize = 16;
pub(super) const DEFINITION_HEADER: usize = 24;
/// A name's link to the next, its hash, its length and a NUL.
const NAME_FRAME: usize = 10;
pub(super) const FRAGMENT: u8 = 0x0f;
pub(super) const END: u8 = 0x00;
const STRING: u8 = 0x01;
const NO_DEPENDENCY: u16 = 0xffff;
/// Nesting of elements; events have five levels.
const DEEPEST: usize = 32;
/// Values of one definition; the largest known takes some sixty.
pub(super) const MOST_SLOTS: usize = 256;
const COST_OF_A_NODE: usize = 16;
