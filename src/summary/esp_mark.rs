//! ESP packets that are kept one by one, for comparison with other captures.

use super::timeline::{Flow, PacketRecord};
use crate::evidence::FrameRef;
use crate::hosts::Direction;
use crate::packet::origin::Origin;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An ESP packet as far as another capture may show it, or what is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EspMark {
    /// When it was seen.
    pub time: Timestamp,
    /// Its length from the SPI on.
    pub length: u32,
    /// Who sent its frame.
    pub origin: Origin,
    /// Its sequence number.
    pub number: u32,
    /// Its frame.
    pub frame: FrameRef,
    /// Bytes of the frame on the wire, those of them that were captured, and those behind the transport header.
    pub bytes: [u32; 3],
    /// The flow it belongs to, where it shows ports.
    pub flow: Option<Flow>,
}

impl EspMark {
    /// What is kept of an ESP packet: where it was seen, and its bytes from the SPI on, of which there are
    /// `length`.
    pub(super) fn of(seen: &PacketRecord, esp: &[u8], length: usize) -> Self {
        let short = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let number = esp.get(4..).and_then(|rest| rest.first_chunk());
        Self {
            time: seen.time,
            length: short(length as u64),
            origin: seen.origin,
            number: number.map_or(0, |number| u32::from_be_bytes(*number)),
            frame: seen.frame,
            bytes: [short(seen.bytes), short(seen.captured), seen.payload],
            flow: seen.flow,
        }
    }

    /// Where and when it was seen.
    pub(super) fn seen(&self, direction: Direction) -> PacketRecord {
        let [bytes, captured, payload] = self.bytes;
        PacketRecord {
            frame: self.frame,
            time: self.time,
            bytes: bytes.into(),
            captured: captured.into(),
            packet_len: 0,
            flow: self.flow,
            direction,
            opener: None,
            unfinished: false,
            payload,
            origin: self.origin,
            is_decrypted_copy: false,
            repeats: false,
            likely_copy: None,
            conversation: None,
            fingerprint: None,
        }
    }
}
