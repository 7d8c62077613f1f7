//! Where the record of a conversation probably is, before its packet is observed.

use super::{ConversationKey, Conversations};
use crate::summary::index::Place;

impl Conversations {
    /// Where a conversation is looked for.
    pub(in crate::summary) fn place(&self, key: ConversationKey) -> Place {
        self.index.place(&key)
    }

    /// The number of the conversation that is probably at that place.
    pub(in crate::summary) fn guess(&self, place: Place) -> u32 {
        self.index.guess(place)
    }

    /// Reads a conversation's record; gives where the stream of its last packet is.
    pub(in crate::summary) fn expect(&self, at: u32, sum: &mut u64) -> Option<u32> {
        let held = self.held.get(at as usize)?.as_ref()?;
        *sum ^= held
            .conversation
            .ways
            .iter()
            .fold(u64::from(held.generation), |sum, way| sum ^ way.expect());
        if let Some(orphan) = &held.conversation.orphan {
            *sum ^= orphan.runs.first().map_or(0, |(_, runs)| runs.expect());
        }
        Some(held.stream_at)
    }
}
