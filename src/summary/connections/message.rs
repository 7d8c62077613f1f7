//! Messages of IKE and ESP that a TCP segment completes, as they are held until it is known what they belong to.

use crate::protection::Stream;

/// A message that a segment completes.
#[derive(Debug)]
pub(in crate::summary) enum Message {
    /// Of IKE, without its marker.
    Ike(Vec<u8>),
    /// Of ESP.
    Esp {
        /// What it belongs to.
        stream: Stream,
        /// Its bytes from the SPI on, as far as they are kept.
        bytes: Vec<u8>,
        /// How many there are.
        length: usize,
    },
}

impl Message {
    /// As much of it as a segment that waits may hold.
    pub(super) fn cut(self) -> Self {
        match self {
            Self::Ike(_) => self,
            Self::Esp { stream, mut bytes, length } => {
                bytes.truncate(MOST_OF_ESP);
                bytes.shrink_to_fit();
                Self::Esp { stream, bytes, length }
            }
        }
    }
}

/// Bytes that the messages of a segment take while it waits.
pub(super) fn cost(messages: &[Message]) -> usize {
    let each = messages.iter().map(|message| match message {
        Message::Ike(bytes) | Message::Esp { bytes, .. } => bytes.capacity() + size_of::<Message>(),
    });
    each.sum()
}

/// Bytes of an ESP packet that are kept while its segment waits: what shows whether it is opaque.
const MOST_OF_ESP: usize = 160;
