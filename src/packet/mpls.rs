//! MPLS: a stack of labels, then a packet that nothing names.
//!
//! What follows the labels is recognized by its own bytes. Where these allow two readings, none is
//! taken.

use super::carried::Carried;
use super::link::{Context, MPLS, enter, ethernet, raw_ip, stop};
use super::{Packet, StopReason};

/// A label stack (RFC 3032 §2.1) and what it carries.
pub(super) fn stack(data: &[u8], context: Context) -> Packet<'_> {
    for label in 0..MAX_LABELS {
        let at = 4 * label;
        // The third byte's lowest bit marks the bottom of the stack.
        match data.get(at..at + 4) {
            Some([_, _, bottom, _]) if bottom & 1 == 1 => {
                let rest = data.get(at + 4..).unwrap_or_default();
                return bottom_of_stack(Carried::all(rest, context.further(at + 4)));
            }
            Some(_) => {}
            None => return stop(StopReason::TruncatedLink, context.offset),
        }
    }
    stop(StopReason::TunnelTooDeep, context.offset)
}

/// RFC 4928 §2: the first four bits show IP from what was made not to look like it.
fn bottom_of_stack(carried: Carried<'_>) -> Packet<'_> {
    let Carried { bytes, context, .. } = carried;
    let is_frame = carried.is_ethernet();
    match bytes.first().map(|first| first >> 4) {
        // A pseudowire without a control word may begin with the address of a card.
        Some(4 | 6) if carried.is_ip() || !is_frame => raw_ip(bytes, context),
        // RFC 5586 §2.1: an associated channel, which manages the path and carries no user's packet.
        Some(1) if !is_frame => Packet::NonIp(MPLS),
        // RFC 4385 §3: a control word of four bytes; or an address that begins with zero.
        Some(0) => match carried.behind(4).filter(|inner| inner.is_ethernet()) {
            Some(_) if is_frame => Packet::NonIp(MPLS),
            Some(inner) => enter(ethernet, inner.bytes, inner.context),
            None if is_frame => enter(ethernet, bytes, context),
            None => undecoded(carried),
        },
        Some(_) if is_frame => enter(ethernet, bytes, context),
        _ => undecoded(carried),
    }
}

/// Neither IP nor a frame that carries it, unless it is too short to show.
fn undecoded(carried: Carried<'_>) -> Packet<'_> {
    if carried.bytes.len() < LEAST_FRAME_LEN {
        return stop(StopReason::TruncatedLink, carried.context.offset);
    }
    Packet::NonIp(MPLS)
}

/// A control word, Ethernet and what of IPv6 shows its length.
const LEAST_FRAME_LEN: usize = 4 + 14 + 6;
/// More than any network stacks.
const MAX_LABELS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const BOTTOM: [u8; 4] = [0, 1, 1, 64];
    const IPV4: [u8; 20] = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 50, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];

    fn decode_parts(parts: &[&[u8]]) -> Packet<'static> {
        stack(parts.concat().leak(), Context::at(0))
    }

    #[test]
    fn a_card_s_address_that_looks_like_ip_hides_no_frame() {
        // The first byte is that of IPv4, and no length of IPv4 fits behind it.
        let macs = [0x45, 0xff, 0xff, 0xff, 1, 2, 2, 2, 2, 2, 2, 2];
        assert!(matches!(decode_parts(&[&BOTTOM, &macs, &[8, 0], &IPV4]), Packet::Ip(_)));
    }

    #[test]
    fn an_associated_channel_and_other_loads_are_no_ip() {
        for first in [0x10, 0x00, 0x70] {
            let bytes = [first; 64];
            assert!(matches!(decode_parts(&[&BOTTOM, &bytes]), Packet::NonIp(MPLS)), "{first:#x}");
        }
    }

    #[test]
    fn labels_without_a_bottom_end() {
        let reason = |packet: Packet<'_>| match packet {
            Packet::Undecodable(stop) => Some(stop.reason),
            _ => None,
        };
        let endless = [0, 1, 0, 64].repeat(10_000);
        assert_eq!(reason(decode_parts(&[&endless])), Some(StopReason::TunnelTooDeep));
        assert_eq!(reason(decode_parts(&[&[0, 1, 0]])), Some(StopReason::TruncatedLink));
    }
}
