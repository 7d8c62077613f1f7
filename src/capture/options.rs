//! Options of pcapng blocks, read in place (draft-ietf-opsawg-pcapng §3.5).

use crate::evidence::{Note, NoteKind, NotePlace};

/// The options at the end of a block: code and value, up to the end mark or the first that is cut.
#[derive(Clone, Copy)]
pub(super) struct Options<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl<'a> Options<'a> {
    /// Options that begin `at` a byte of a block and end before its last length.
    pub(super) fn of(block: &'a [u8], at: usize, big_endian: bool) -> Self {
        let bytes = block.get(at..block.len().saturating_sub(4)).unwrap_or_default();
        Self { bytes, big_endian }
    }

    /// Whether there is none.
    pub(super) const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// A number of 64 bits in the section's order.
    pub(super) fn number(self, value: &[u8]) -> Option<u64> {
        let bytes = *value.first_chunk::<8>()?;
        Some(if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// What the options say in words: comments, and of `kinds` those that are listed.
    pub(super) fn notes(
        self,
        place: NotePlace,
        kinds: &'static [(u16, NoteKind)],
    ) -> impl Iterator<Item = Note> + 'a {
        self.filter_map(move |(code, value)| {
            let kind = if code == COMMENT {
                NoteKind::Comment
            } else {
                kinds.iter().find(|row| row.0 == code)?.1
            };
            let words = match kind {
                // Its first byte shows whether the filter is text or code of the packet filter.
                NoteKind::Filter => value.strip_prefix(&[0])?,
                NoteKind::Comment
                | NoteKind::Hardware
                | NoteKind::OperatingSystem
                | NoteKind::Application
                | NoteKind::Description => value,
            };
            let words = words.get(..LONGEST_NOTE).unwrap_or(words);
            let text = String::from_utf8_lossy(words).trim_end_matches('\0').to_owned();
            (!text.is_empty()).then_some(Note { place, kind, text })
        })
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.bytes.split_first_chunk::<4>()?;
        let [c0, c1, l0, l1] = *head;
        let number = |bytes: [u8; 2]| {
            if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
        };
        let (code, length) = (number([c0, c1]), usize::from(number([l0, l1])));
        let value = rest.get(..length)?;
        self.bytes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        (code != END).then_some((code, value))
    }
}

const END: u16 = 0;
const COMMENT: u16 = 1;
const LONGEST_NOTE: usize = 1024;

/// `if_tsresol`: a power of ten, or of two where the top bit is set.
pub(super) fn ticks_per_second(resolution: u8) -> u64 {
    let exponent = u32::from(resolution & 0x7f);
    let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(exponent).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_padded_and_the_end_mark_ends_them() {
        let block =
            [0, 1, 0, 3, b'a', b'b', b'c', 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9];
        let options = Options::of(&block, 0, true);
        let reported: Vec<_> = options.collect();
        assert_eq!(reported, [(1, &b"abc"[..]), (4, &[][..])]);
        let notes: Vec<_> = options.notes(NotePlace::Frame(7), &[]).collect();
        assert_eq!(notes.len(), 1);
        assert_eq!((notes[0].place, notes[0].text.as_str()), (NotePlace::Frame(7), "abc"));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200), big: bool) {
            let count = Options::of(&bytes, 0, big).count();
            prop_assert!(count * 4 <= bytes.len());
        }
    }
}
