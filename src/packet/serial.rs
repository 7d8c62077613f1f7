//! Lines from point to point: PPP with its framings, PPPoE, Cisco HDLC, Frame Relay.
//!
//! What the ends of a line agree on (LCP and the like) is no IP. No state: a header's compression
//! that needs the packets before (RFC 1144) is left unread.

use super::link::{Context, LEAST_ETHER_TYPE, ether_type, stop, u16_at};
use super::{Packet, StopReason, llc, mpls, network};

/// A PPP frame, with or without address and control in front.
pub(super) fn ppp(data: &[u8], context: Context) -> Packet<'_> {
    // RFC 1662 §3.1; RFC 1661 §6.6 lets the ends leave both out.
    let (data, context) = match data {
        [0xff, 0x03, rest @ ..] => (rest, context.further(2)),
        _ => (data, context),
    };
    // RFC 1661 §2 and §6.5: the last byte of the protocol is odd, the one before even and may be
    // left out where it is zero; 0xff is no protocol.
    let (kind, header_len) = match data {
        [] | [0xff] => return stop(StopReason::TruncatedLink, context.offset),
        [low, ..] if low & 1 == 1 => (u16::from(*low), 1),
        [high, low, ..] => (u16::from_be_bytes([*high, *low]), 2),
        [_] => return stop(StopReason::TruncatedLink, context.offset),
    };
    let rest = data.get(header_len..).unwrap_or_default();
    let inside = context.further(header_len);
    match kind {
        PPP_IPV4 => network::ipv4(rest, inside),
        PPP_IPV6 => network::ipv6(rest, inside),
        // RFC 3032 §4.3.
        PPP_MPLS | PPP_MPLS_MULTICAST => mpls::stack(rest, inside),
        PPP_MULTILINK => multilink(rest, inside),
        // RFC 1968 §4 and RFC 1962 §4; MPPE (RFC 3078 §3) goes under the compressed one.
        0x0053 | 0x0055 | 0x00fb | 0x00fd => stop(StopReason::EncryptedLink, context.offset),
        other => Packet::NonIp(other),
    }
}

/// RFC 1990 §3: a first and a last fragment in one is a whole frame behind four bytes; the short header of two
/// has to be negotiated. Others are pieces, which only all of them together show.
fn multilink(data: &[u8], context: Context) -> Packet<'_> {
    match data {
        [WHOLE_FRAME, _, _, _, rest @ ..] => match context.deeper() {
            Some(inside) => ppp(rest, inside.further(4)),
            None => stop(StopReason::TunnelTooDeep, context.offset),
        },
        _ => stop(StopReason::FragmentWithoutFirst, context.offset),
    }
}

/// LINKTYPE_PPP_HDLC: PPP in HDLC-like framing, unless the address is one of Cisco's.
pub(super) fn ppp_hdlc(data: &[u8], context: Context) -> Packet<'_> {
    match data {
        [CISCO_UNICAST | CISCO_MULTICAST, ..] => cisco_hdlc(data, context),
        _ => ppp(data, context),
    }
}

/// Cisco HDLC: address, control 0, EtherType.
pub(super) fn cisco_hdlc(data: &[u8], context: Context) -> Packet<'_> {
    match (data, u16_at(data, 2)) {
        (
            [CISCO_UNICAST | CISCO_MULTICAST, 0, _, _, rest @ ..],
            Some(kind @ LEAST_ETHER_TYPE..),
        ) => ether_type(kind, rest, context.further(4)),
        (_, None) => stop(StopReason::TruncatedLink, context.offset),
        _ => Packet::NonIp(0),
    }
}

/// A PPPoE session's frame (RFC 2516 §4).
pub(super) fn pppoe(data: &[u8], context: Context) -> Packet<'_> {
    let (Some(head), Some(length)) = (data.first_chunk::<4>(), u16_at(data, 4)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    let rest = data.get(6..).unwrap_or_default();
    match head {
        // RFC 2516 §4 and §5.1: version 1, type 1, code 0 of the session stage.
        [0x11, 0, ..] => {
            // What is behind the length is Ethernet's padding.
            let rest = rest.get(..usize::from(length)).unwrap_or(rest);
            ppp(rest, context.further(6))
        }
        _ => Packet::NonIp(0x8864),
    }
}

/// Frame Relay: an address, then RFC 2427's encapsulation or Cisco's.
pub(super) fn frame_relay(data: &[u8], context: Context) -> Packet<'_> {
    // Q.922 §3.2: two to four bytes, of which the last alone is odd.
    let address = data.iter().take(4).position(|byte| byte & 1 == 1);
    let Some(header_len) = address.map(|last| last + 1) else {
        let is_cut = data.len() < 4;
        return if is_cut {
            stop(StopReason::TruncatedLink, context.offset)
        } else {
            Packet::NonIp(0)
        };
    };
    let (rest, inside) = (data.get(header_len..).unwrap_or_default(), context.further(header_len));
    match rest {
        _ if header_len < 2 => Packet::NonIp(0),
        // RFC 2427 §3: unnumbered information, a zero byte where one is needed to pad.
        [UNNUMBERED, 0, rest @ ..] => network_layer(rest, inside.further(2)),
        [UNNUMBERED, rest @ ..] => network_layer(rest, inside.further(1)),
        [high, low, rest @ ..] => match u16::from_be_bytes([*high, *low]) {
            kind @ LEAST_ETHER_TYPE.. => ether_type(kind, rest, inside.further(2)),
            other => Packet::NonIp(other),
        },
        _ => stop(StopReason::TruncatedLink, context.offset),
    }
}

/// What is behind the identifier of a network layer's protocol (RFC 2427 §3 and its appendix).
fn network_layer(data: &[u8], context: Context) -> Packet<'_> {
    match data {
        [0xcc, rest @ ..] => network::ipv4(rest, context.further(1)),
        [0x8e, rest @ ..] => network::ipv6(rest, context.further(1)),
        [0x80, rest @ ..] => llc::snap(rest, context.further(1)).unwrap_or(Packet::NonIp(0)),
        // RFC 1973 §5.
        [0xcf, rest @ ..] => ppp(rest, context.further(1)),
        [] => stop(StopReason::TruncatedLink, context.offset),
        _ => Packet::NonIp(0),
    }
}

const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
const PPP_MULTILINK: u16 = 0x003d;
/// The flags B and E, and nothing else.
const WHOLE_FRAME: u8 = 0xc0;
const PPP_MPLS: u16 = 0x0281;
const PPP_MPLS_MULTICAST: u16 = 0x0283;
const CISCO_UNICAST: u8 = 0x0f;
const CISCO_MULTICAST: u8 = 0x8f;
const UNNUMBERED: u8 = 0x03;
