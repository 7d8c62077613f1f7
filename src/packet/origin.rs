//! Which station put a frame on its link, as far as the frame says: an aid to compare two frames of one capture.

use crate::capture::{Linktype, RawFrame};
use serde::{Deserialize, Serialize};

/// Interface, way and lower half of the sender's address, packed. Two that differ are of two senders; two that are equal
/// may be.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Origin(u32);

impl Origin {
    /// Where a frame comes from.
    #[must_use]
    pub fn of(frame: &RawFrame<'_>) -> Self {
        let (way, address) = match frame.linktype {
            Linktype::ETHERNET => (0, frame.data.get(6..12)),
            // Cooked captures: the packet's type says whether the capturing host sent it (4), then the
            // sender's address in a field of eight octets.
            Linktype::LINUX_SLL => (way(frame.data.get(1)), frame.data.get(6..12)),
            Linktype::LINUX_SLL2 => (way(frame.data.get(10)), frame.data.get(12..18)),
            _ => (0, None),
        };
        let address = match address {
            Some([.., a, b, c]) => u32::from_be_bytes([0, *a, *b, *c]),
            Some(_) | None => 0,
        };
        Self(((interface(frame) % 64) << 26) | (way << 24) | address)
    }
}

const fn way(packet_type: Option<&u8>) -> u32 {
    match packet_type {
        Some(4) => 2,
        Some(_) => 1,
        None => 0,
    }
}

/// The interface that saw a frame: the capture's own, or what the header of a cooked capture names.
#[must_use]
pub fn interface(frame: &RawFrame<'_>) -> u32 {
    let cooked = frame.data.get(4..8).and_then(|octets| octets.first_chunk::<4>());
    match (frame.linktype, cooked) {
        (Linktype::LINUX_SLL2, Some(index)) => u32::from_be_bytes(*index),
        _ => frame.interface,
    }
}
