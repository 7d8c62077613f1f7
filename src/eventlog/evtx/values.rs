//! The values of a template instance: where each stands, and whether the crate reads it as it does.
//!
//! Looks at sizes, hardly at contents; what a value means is the scan's business.

use super::octets::Cursor;
use super::template::{DEFINITION_HEADER, END, FRAGMENT, MOST_SLOTS, Template, Templates};

/// A value of a template instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) kind: u8,
    pub(super) at: usize,
    pub(super) size: usize,
}

impl Value {
    pub(super) fn is_nested(&self) -> bool {
        self.kind == BINARY_XML && self.size > 0
    }

    pub(super) fn is_null(&self) -> bool {
        self.kind == NULL || (self.kind == BINARY_XML && self.size == 0)
    }

    /// Whether the crate reads exactly these octets, whatever they hold, and can render them.
    fn is_sound(self, octets: &[u8]) -> bool {
        match self.kind {
            NULL | BINARY | BINARY_XML => true,
            STRING => self.size.is_multiple_of(2),
            ANSI => octets.is_ascii(),
            0x03 | 0x04 => self.size == 1,
            0x05 | UINT16 => self.size == 2,
            0x07 | 0x08 | 0x0b | 0x0d | 0x14 => self.size == 4,
            0x09 | 0x0a | 0x0c | FILETIME | 0x15 => self.size == 8,
            0x10 => matches!(self.size, 4 | 8),
            0x0f | 0x12 => self.size == 16,
            SID => octets.get(1).is_some_and(|more| self.size == 8 + 4 * usize::from(*more)),
            STRINGS => self.size.is_multiple_of(2) && octets.ends_with(&[0, 0]),
            _ => false,
        }
    }

    /// How often an array repeats the element it stands in.
    fn repeats(&self) -> usize {
        if self.kind == STRINGS { self.size / 2 } else { 0 }
    }
}

/// Reads a template instance with its values and gives its definition.
pub(super) fn instance<'t>(
    cursor: &mut Cursor<'_>,
    chunk: &[u8],
    templates: &'t mut Templates,
    values: &mut Vec<Value>,
) -> Option<&'t Template> {
    if cursor.peek() == Some(FRAGMENT) {
        cursor.skip(4)?;
    }
    (cursor.u8()? == INSTANCE).then_some(())?;
    cursor.skip(5)?;
    let offset = cursor.u32()?;
    if usize::try_from(offset).ok()? == cursor.at {
        cursor.skip(DEFINITION_HEADER - 4)?;
        let size = cursor.u32()?;
        cursor.skip(usize::try_from(size).ok()?)?;
    }
    let count = usize::try_from(cursor.u32()?).ok().filter(|count| *count <= MOST_SLOTS)?;
    let descriptors = cursor.take(count.checked_mul(4)?)?;
    values.clear();
    for [low, high, kind, _] in descriptors.as_chunks::<4>().0 {
        let size = usize::from(u16::from_le_bytes([*low, *high]));
        let value = Value { kind: *kind, at: cursor.at, size };
        value.is_sound(cursor.take(size)?).then_some(())?;
        values.push(value);
    }
    templates.at(chunk, offset).filter(|template| template.slots <= count)
}

/// Behind an instance stands nothing, or an end.
pub(super) fn ends(cursor: Cursor<'_>) -> Option<()> {
    matches!(cursor.peek(), None | Some(END)).then_some(())
}

/// At least what rendering takes: of an octet of a value no more than eight, of an array its
/// element again for each item.
pub(super) fn cost(template: &Template, values: &[Value], octets: usize) -> Option<usize> {
    let repeats: usize = values.iter().map(Value::repeats).sum();
    let elements = template.cost.checked_mul(repeats.checked_add(1)?)?;
    elements.checked_add(octets.checked_mul(8)?)
}

pub(super) const INSTANCE: u8 = 0x0c;
const NULL: u8 = 0x00;
pub(super) const STRING: u8 = 0x01;
const ANSI: u8 = 0x02;
pub(super) const UINT16: u8 = 0x06;
const BINARY: u8 = 0x0e;
pub(super) const FILETIME: u8 = 0x11;
const SID: u8 = 0x13;
const BINARY_XML: u8 = 0x21;
pub(super) const STRINGS: u8 = 0x81;
