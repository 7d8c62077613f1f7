//! Frames that a capture calls Ethernet and that are something else: raw IP, or 802.11.
//!
//! Asked only where a frame made no sense as Ethernet, and believed only where a packet's own length,
//! and checksum where it has one, hold from the first byte on.

use super::Packet;
use super::carried::Carried;
use super::link::{Context, raw_ip};
use super::wireless::{self, Padding};

/// The frame as what it is; `None` where nothing proves it to be anything but Ethernet. `wire_len` is its
/// length before the capture cut it.
#[cold]
pub(super) fn reread(data: &[u8], context: Context, wire_len: usize) -> Option<Packet<'_>> {
    let all = Carried { bytes: data, wire_len: wire_len.max(data.len()), context };
    let mut packet = if all.is_proven_ip() {
        raw_ip(data, context)
    } else if is_wireless(all) {
        wireless::frame(data, context, Padding::None)
    } else {
        return None;
    };
    match &mut packet {
        Packet::Ip(ip) => ip.mislabelled = true,
        Packet::Arp | Packet::NonIp(_) | Packet::Undecodable(_) => return None,
    }
    Some(packet)
}

/// A data frame of 802.11 that is not protected, with LLC and an IP packet that is proven.
fn is_wireless(all: Carried<'_>) -> bool {
    let Some(&[control, flags]) = all.bytes.first_chunk::<2>() else { return false };
    if !matches!(control, DATA | QOS_DATA) || flags & PROTECTED != 0 {
        return false;
    }
    let Some(body) = all.behind(wireless::header_len(control, flags)) else { return false };
    // IEEE 802.2 and RFC 1042: SNAP of an EtherType.
    body.bytes.starts_with(&[0xaa, 0xaa, 3, 0, 0, 0])
        && body.behind(8).is_some_and(|packet| packet.is_proven_ip())
}

const DATA: u8 = 0x08;
const QOS_DATA: u8 = 0x88;
const PROTECTED: u8 = 0x40;
