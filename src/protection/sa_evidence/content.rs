//! The bytes of an SPI's packets by their upper halves: whether they have a pattern.

use super::{Opacity, is_text};
use crate::ike::readable::is_uneven;
use serde::{Deserialize, Serialize};

/// The bytes behind what a header or a vector may fill, by their upper halves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) bytes: u32,
    halves: [u32; 16],
    /// Those that are letters, digits and signs.
    texts: u32,
}

impl Content {
    pub(super) fn observe(&mut self, bytes: &[u8]) {
        if self.bytes >= ENOUGH_BYTES {
            return;
        }
        for byte in bytes {
            if let Some(count) = self.halves.get_mut(usize::from(byte >> 4)) {
                *count += 1;
                self.bytes += 1;
                self.texts += u32::from(is_text(*byte));
            }
        }
    }

    /// Nine of ten bytes are letters, digits and signs; of bytes without a pattern three of eight are.
    pub(super) fn is_text(&self) -> bool {
        let (texts, bytes) = (u64::from(self.texts), u64::from(self.bytes));
        bytes >= ENOUGH_TO_BE_OPAQUE && texts * 10 >= bytes * 9
    }

    pub(super) fn join(&mut self, later: Self) {
        if self.bytes < ENOUGH_BYTES {
            self.bytes = self.bytes.saturating_add(later.bytes);
            self.texts = self.texts.saturating_add(later.texts);
            for (count, more) in self.halves.iter_mut().zip(later.halves) {
                *count = count.saturating_add(more);
            }
        }
    }

    /// Pearson's χ² of sixteen equal shares: of bytes without a pattern it is about 15, and above
    /// the bound in one of 2³³ cases.
    pub(super) fn opacity(&self) -> Opacity {
        if self.has_pattern(PATTERN) {
            Opacity::Patterned
        } else if u64::from(self.bytes) >= ENOUGH_TO_BE_OPAQUE {
            Opacity::Opaque
        } else {
            Opacity::Unseen
        }
    }

    pub(super) const fn is_enough_to_judge(&self) -> bool {
        self.bytes >= ENOUGH_TO_JUDGE
    }

    pub(super) fn has_pattern(&self, bound: u64) -> bool {
        is_uneven(self.halves.map(u64::from), self.bytes.into(), bound)
    }
}

/// Bytes of the first packets that are looked at together.
pub(super) const ENOUGH_BYTES: u32 = 1024;
const ENOUGH_TO_BE_OPAQUE: u64 = 64;
/// Bytes of one file of several that are judged by themselves.
const ENOUGH_TO_JUDGE: u32 = 256;
/// χ² with 15 degrees of freedom.
const PATTERN: u64 = 80;
