//! The values of a template instance: where each lies, and whether the crate reads it in the same way.
//!
//! Checks sizes, hardly ever contents; the scan interprets the values.

use super::cursor::Cursor;
use super::template::{DEFINITION_HEADER, END, FRAGMENT, MOST_SLOTS, Template, Templates};

/// A value of a template instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) kind: u8,
    pub(super) at: usize,
    pub(super) size: usize,
}

impl Value {
    pub(super) fn is_null(&self) -> bool {
        self.kind == NULL || (self.kind == BINARY_XML && self.size == 0)
    }

    /// Whether the crate reads exactly these bytes, whatever their content, and can render them.
    fn is_sound(self, bytes: &[u8]) -> bool {
        match SIZES.get(usize::from(self.kind)) {
            Some(Some(size)) => self.size == usize::from(*size),
            _ => self.is_sound_in_any_size(bytes),
        }
    }

    fn is_sound_in_any_size(self, bytes: &[u8]) -> bool {
        match self.kind {
            NULL | BINARY | BINARY_XML => true,
            STRING => self.size.is_multiple_of(2),
            ANSI => bytes.is_ascii(),
            SIZE_T => matches!(self.size, 4 | 8),
            SID => bytes.get(1).is_some_and(|more| self.size == 8 + 4 * usize::from(*more)),
            STRINGS => self.size.is_multiple_of(2) && bytes.ends_with(&[0, 0]),
            _ => false,
        }
    }
}

/// A template with the layout of one record's values.
pub(super) struct Instance<'t> {
    pub(super) template: &'t Template,
    /// The first value that is XML.
    pub(super) nested: Option<usize>,
    /// Whether there are others.
    pub(super) nests_more: bool,
    /// The maximum number of items of all arrays together.
    items: usize,
}

impl Instance<'_> {
    /// The minimum cost of rendering: at most eight for each byte of the record, and for an array its element
    /// once more for each item.
    pub(super) fn cost(&self, bytes: usize) -> Option<usize> {
        let elements = self.template.cost.checked_mul(self.items.checked_add(1)?)?;
        elements.checked_add(bytes.checked_mul(8)?)
    }
}

/// Reads a template instance with its values and returns its definition.
pub(super) fn instance<'t>(
    cursor: &mut Cursor<'_>,
    chunk: &[u8],
    templates: &'t mut Templates,
    values: &mut Vec<Value>,
) -> Option<Instance<'t>> {
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
    let (mut nested, mut nests_more, mut items) = (None, false, 0);
    for [low, high, kind, _] in descriptors.as_chunks::<4>().0 {
        let size = usize::from(u16::from_le_bytes([*low, *high]));
        let value = Value { kind: *kind, at: cursor.at, size };
        value.is_sound(cursor.take(size)?).then_some(())?;
        if *kind == BINARY_XML && size > 0 {
            nests_more = nested.is_some();
            nested = nested.or(Some(values.len()));
        } else if *kind == STRINGS {
            items += size / 2;
        }
        values.push(value);
    }
    let template = templates.at(chunk, offset).filter(|template| template.slots <= count)?;
    Some(Instance { template, nested, nests_more, items })
}

/// An instance is followed by nothing, or by an end.
pub(super) fn ends(cursor: Cursor<'_>) -> Option<()> {
    matches!(cursor.peek(), None | Some(END)).then_some(())
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
const SIZE_T: u8 = 0x10;
/// The size, for types with a fixed size.
#[rustfmt::skip]
const SIZES: [Option<u8>; 0x16] = [
    None, None, None, Some(1), Some(1), Some(2), Some(2), Some(4), Some(4), Some(8), Some(8),
    Some(4), Some(8), Some(4), None, Some(16), None, Some(8), Some(16), None, Some(4), Some(8),
];
