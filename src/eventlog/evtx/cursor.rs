//! Bytes of a chunk: read in order, as UTF-16 text, as a name of the chunk's table.
//!
//! Knows nothing of templates or records.

/// Bytes in order, in a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'d> {
    pub(super) data: &'d [u8],
    pub(super) at: usize,
}

impl<'d> Cursor<'d> {
    pub(super) fn take(&mut self, size: usize) -> Option<&'d [u8]> {
        let end = self.at.checked_add(size)?;
        let taken = self.data.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    pub(super) fn skip(&mut self, size: usize) -> Option<()> {
        self.take(size).map(|_| ())
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

/// UTF-16 bytes of a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) at: usize,
    pub(super) bytes: usize,
}

impl Text {
    pub(super) fn bytes_in(self, chunk: &[u8]) -> &[u8] {
        self.at.checked_add(self.bytes).and_then(|end| chunk.get(self.at..end)).unwrap_or_default()
    }
}

/// Whether UTF-16 bytes are this ASCII text.
pub(super) fn is(bytes: &[u8], text: &str) -> bool {
    bytes.len() == text.len() * 2
        && bytes.as_chunks::<2>().0.iter().zip(text.bytes()).all(|(unit, byte)| *unit == [byte, 0])
}

/// The bytes of the name in the table at this offset.
pub(super) fn name_at(chunk: &[u8], offset: usize) -> Option<&[u8]> {
    let mut cursor = Cursor { data: chunk, at: offset.checked_add(6)? };
    let bytes = usize::from(cursor.u16()?).checked_mul(2)?;
    let name = cursor.take(bytes)?;
    cursor.u16()?;
    // A zero ends a name early, and the crate writes the other characters into its JSON unescaped.
    let is_plain =
        |unit: &[u8; 2]| !matches!(unit, [0..=0x1f | b'"' | b'\\' | 0x7f, 0] | [_, 0xd8..=0xdf]);
    name.as_chunks::<2>().0.iter().all(is_plain).then_some(name)
}

/// Whether UTF-16 bytes are this ASCII text in any case.
pub(super) fn is_in_any_case(bytes: &[u8], text: &str) -> bool {
    let same = |(unit, byte): (&[u8; 2], u8)| match unit {
        [low, 0] => low.eq_ignore_ascii_case(&byte),
        _ => false,
    };
    bytes.len() == text.len() * 2 && bytes.as_chunks::<2>().0.iter().zip(text.bytes()).all(same)
}
