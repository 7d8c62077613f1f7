//! The number of a file is not saved with its summary: the reader of a saved part assigns the number, because
//! numbers follow the paths of all files that are judged together.
//!
//! Every number in a part is written as nothing and read as the part's own, so no number can be forgotten.

use super::EvidenceId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::cell::Cell;

thread_local! {
    /// The file whose part this thread writes or reads.
    static OWN: Cell<Option<EvidenceId>> = const { Cell::new(None) };
}

/// Writes or reads a part of the file with this number.
pub fn part_of<T>(own: EvidenceId, work: impl FnOnce() -> T) -> T {
    /// Restores the previous value, whatever happens.
    struct Before(Option<EvidenceId>);
    impl Drop for Before {
        fn drop(&mut self) {
            OWN.set(self.0);
        }
    }
    let _before = Before(OWN.replace(Some(own)));
    work()
}

impl Serialize for EvidenceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if OWN.get() == Some(*self) {
            serializer.serialize_unit()
        } else {
            Err(ser::Error::custom("a part refers to another file"))
        }
    }
}

impl<'de> Deserialize<'de> for EvidenceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer)?;
        OWN.get().ok_or_else(|| de::Error::custom("a number without its file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{FrameNumber, FrameRef};

    #[test]
    fn a_number_is_that_of_the_file_it_is_read_for() {
        let frame = |id| FrameRef { evidence: EvidenceId(id), frame: FrameNumber(7) };
        let saved = part_of(EvidenceId(3), || postcard::to_allocvec(&frame(3))).unwrap();
        assert_eq!(saved, [7], "nothing of the number is saved");
        let read = part_of(EvidenceId(9), || postcard::from_bytes::<FrameRef>(&saved));
        assert_eq!(read.unwrap(), frame(9));
    }

    #[test]
    fn a_part_that_speaks_of_another_file_is_not_saved() {
        let other = part_of(EvidenceId(1), || postcard::to_allocvec(&EvidenceId(2)));
        assert!(other.is_err());
        assert!(postcard::to_allocvec(&EvidenceId(1)).is_err(), "outside of any part");
        assert!(postcard::from_bytes::<EvidenceId>(&[]).is_err());
    }
}
