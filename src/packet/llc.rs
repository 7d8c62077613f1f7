//! IEEE 802.2 LLC and SNAP: what 802.3, 802.11 and Frame Relay frames carry behind them.
//!
//! Only unnumbered information; what LLC does for connections (SNA, NetBIOS) carries no IP.

use super::link::{Context, LEAST_ETHER_TYPE, enter, ether_type, ethernet, stop, u16_at};
use super::{Packet, StopReason, network};

/// A frame from its LLC header on; `None` where it carries no EtherType.
pub(super) fn frame(data: &[u8], context: Context) -> Option<Packet<'_>> {
    match data {
        [SNAP, SNAP, UNNUMBERED, rest @ ..] => snap(rest, context.further(3)),
        [IP, IP, UNNUMBERED, rest @ ..] => Some(network::ipv4(rest, context.further(3))),
        [] | [_] | [_, _] => Some(stop(StopReason::TruncatedLink, context.offset)),
        _ => None,
    }
}

/// What is behind `AA AA 03`: an organisation and a number that it gave.
pub(super) fn snap(data: &[u8], context: Context) -> Option<Packet<'_>> {
    let (Some(organisation), Some(kind)) = (data.first_chunk::<3>(), u16_at(data, 3)) else {
        return Some(stop(StopReason::TruncatedLink, context.offset));
    };
    let (rest, context) = (data.get(5..).unwrap_or_default(), context.further(5));
    match (organisation, kind) {
        // RFC 1042 and IEEE 802.1H: the number is an EtherType, never a length.
        ([0, 0, 0 | 0xf8], LEAST_ETHER_TYPE..) => Some(ether_type(kind, rest, context)),
        // RFC 2427 §4.2: a bridged Ethernet frame, with and without its check sequence.
        ([0, 0x80, 0xc2], 1 | 7) => Some(enter(ethernet, rest, context)),
        _ => None,
    }
}

const SNAP: u8 = 0xaa;
/// RFC 1042: the service access point that IEEE gave to IP.
const IP: u8 = 0x06;
const UNNUMBERED: u8 = 0x03;
