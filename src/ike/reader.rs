//! A cursor over bytes that never reads past their end and names the field that it could not read.
//!
//! Knows big-endian numbers and nested lengths, not their meaning.

use crate::evidence::{FieldFault, IkeProblem};

/// Why a message could not be read to its end. Offsets count from the first byte of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The bytes end before the field does.
    Short {
        /// The field.
        field: &'static str,
        /// Where it begins.
        offset: usize,
        /// How many bytes it takes.
        needed: usize,
        /// How many bytes are left.
        have: usize,
    },
    /// A length smaller than the fixed part that contains it.
    Length {
        /// The length field.
        field: &'static str,
        /// Where it is.
        offset: usize,
        /// Its value.
        value: usize,
        /// The least that is possible.
        minimum: usize,
    },
    /// More items than any sound message has; the rest was not read.
    TooMany {
        /// What there are too many of.
        field: &'static str,
        /// Where reading ended.
        offset: usize,
        /// How many were read.
        limit: usize,
    },
    /// A value that the format does not allow.
    Unexpected {
        /// The field.
        field: &'static str,
        /// Where it is.
        offset: usize,
        /// Its value.
        value: u8,
        /// The values that are allowed there.
        expected: &'static str,
    },
}

impl From<Defect> for IkeProblem {
    fn from(defect: Defect) -> Self {
        let (field, at, fault) = match defect {
            Defect::Short { field, offset, needed, have } => {
                let (needed, have) = (needed as u64, have as u64);
                (field, offset, FieldFault::Short { needed, have })
            }
            Defect::Length { field, offset, value, minimum } => {
                let (value, minimum) = (value as u64, minimum as u64);
                (field, offset, FieldFault::Length { value, minimum })
            }
            Defect::TooMany { field, offset, limit } => {
                (field, offset, FieldFault::TooMany { limit: limit as u64 })
            }
            Defect::Unexpected { field, offset, value, expected } => {
                (field, offset, FieldFault::Unexpected { value, expected: expected.into() })
            }
        };
        Self::Field { field: field.into(), at: at as u64, fault }
    }
}

impl Defect {
    /// Its offset in the message, in bytes.
    #[must_use]
    pub const fn offset(&self) -> usize {
        match self {
            Self::Short { offset, .. }
            | Self::Length { offset, .. }
            | Self::TooMany { offset, .. }
            | Self::Unexpected { offset, .. } => *offset,
        }
    }
}

/// What is left to read, and its offset in the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(super) fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], Defect> {
        let Some((head, tail)) = self.bytes.split_at_checked(count) else {
            let (offset, have) = (self.offset, self.bytes.len());
            return Err(Defect::Short { field, offset, needed: count, have });
        };
        self.bytes = tail;
        self.offset += count;
        Ok(head)
    }

    /// A fixed number of bytes.
    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Defect> {
        let Some((head, tail)) = self.bytes.split_first_chunk::<N>() else {
            let (offset, have) = (self.offset, self.bytes.len());
            return Err(Defect::Short { field, offset, needed: N, have });
        };
        self.bytes = tail;
        self.offset += N;
        Ok(*head)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, Defect> {
        self.array(field).map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, Defect> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, Defect> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// A reader over the next `count` bytes alone.
    pub(super) fn sub(&mut self, count: usize, field: &'static str) -> Result<Self, Defect> {
        let offset = self.offset;
        self.take(count, field).map(|bytes| Self { bytes, offset })
    }

    /// A reader over the next `count` bytes, or over fewer where fewer are left.
    pub(super) fn sub_or_rest(&mut self, count: usize) -> Self {
        let (bytes, tail) = self.bytes.split_at_checked(count).unwrap_or((self.bytes, &[]));
        let inner = Self { bytes, offset: self.offset };
        self.bytes = tail;
        self.offset += bytes.len();
        inner
    }

    /// Everything that is left.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.bytes
    }

    pub(super) const fn remaining(self) -> usize {
        self.bytes.len()
    }

    pub(super) const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The offset of the next byte in the message.
    pub(super) const fn offset(self) -> usize {
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defects_name_the_field_and_the_place_in_the_message() {
        let mut reader = Reader::new(&[1, 2, 3, 4, 5]);
        reader.u16("first").unwrap();
        let mut inner = reader.sub(2, "inner").unwrap();
        let short = Defect::Short { field: "number", offset: 2, needed: 4, have: 2 };
        assert_eq!(inner.u32("number"), Err(short));
        assert_eq!(short.offset(), 2);
        assert_eq!(reader.rest(), [5]);
    }

    #[test]
    fn a_part_longer_than_what_is_there_is_cut_to_it() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.sub_or_rest(9).rest(), [1, 2, 3]);
        assert!(reader.is_empty());
    }
}
