//! MACsec (IEEE 802.1AE): a frame that its link encrypts, or only authenticates.
//!
//! No cipher is undone here: an encrypted frame is named as such.

use super::link::{Context, ether_type, stop, u16_at};
use super::{Packet, StopReason};

/// A frame behind the EtherType 0x88e5.
pub(super) fn frame(data: &[u8], context: Context) -> Packet<'_> {
    let Some(control) = data.first() else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    // IEEE 802.1AE §9.5: a version other than 0, encrypted, or changed by its cipher suite.
    if control & (VERSION | ENCRYPTED | CHANGED) != 0 {
        return stop(StopReason::Macsec, context.offset);
    }
    // §9.3: control, short length and packet number; then the channel, if it is given.
    let tag_len = if control & CHANNEL == 0 { 6 } else { 14 };
    match (u16_at(data, tag_len), data.get(tag_len + 2..)) {
        // §9.10: what is only authenticated follows as it was, with its EtherType.
        (Some(kind), Some(rest)) => ether_type(kind, rest, context.further(tag_len + 2)),
        _ => stop(StopReason::TruncatedLink, context.offset),
    }
}

const VERSION: u8 = 0x80;
const CHANNEL: u8 = 0x20;
const ENCRYPTED: u8 = 0x08;
const CHANGED: u8 = 0x04;
