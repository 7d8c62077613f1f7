//! Juniper's captures (tcpdump.org, LINKTYPE_JUNIPER_*): a head with a magic number, then what the interface
//! carries.
//!
//! Interface cards put cookies of their own before the packet, which no document lists in full. There the
//! packet is found by its own header, whose length and checksum must hold. What a card for encryption shows
//! beside ESP is not followed.

use super::carried::Carried;
use super::link::{Context, ethernet, raw_ip, stop};
use super::{Packet, StopReason, llc, mpls, network, serial};

/// What an interface's frames carry behind the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carries {
    /// Ethernet frames.
    Ethernet,
    /// PPP.
    Ppp,
    /// Frame Relay.
    FrameRelay,
    /// Cisco HDLC.
    CiscoHdlc,
    /// Cookies of an interface card, then any of several.
    Cookies,
}

/// A frame from Juniper's head on; `wire_len` is its length before the capture cut it.
pub(super) fn frame(
    data: &[u8],
    context: Context,
    (carries, wire_len): (Carries, usize),
) -> Packet<'_> {
    let Some([b'M', b'G', b'C', flags]) = data.first_chunk::<4>() else {
        // Systems before 6.4 wrote no head; nothing shows these.
        return stop(StopReason::UnknownLinktype, context.offset);
    };
    let mut header_len = 4;
    if flags & EXTENSIONS != 0 {
        let Some(length) = super::link::u16_at(data, 4) else {
            return stop(StopReason::TruncatedLink, context.offset);
        };
        header_len = 6 + usize::from(length);
    }
    let all = Carried { bytes: data, wire_len: wire_len.max(data.len()), context };
    let Some(carried) = all.behind(header_len) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    if flags & NO_LINK_LAYER != 0 {
        return network_layer(carried);
    }
    let Carried { bytes, context, .. } = carried;
    match carries {
        Carries::Ethernet => ethernet(bytes, context),
        Carries::Ppp => serial::ppp(bytes, context),
        Carries::FrameRelay => serial::frame_relay(bytes, context),
        Carries::CiscoHdlc => serial::cisco_hdlc(bytes, context),
        Carries::Cookies => behind_cookies(carried),
    }
}

/// The link layer was taken off: a number of four bytes names what follows, in the order of the host.
fn network_layer(carried: Carried<'_>) -> Packet<'_> {
    let (Some(number), Some(rest)) = (carried.bytes.first_chunk::<4>(), carried.behind(4)) else {
        return stop(StopReason::TruncatedLink, carried.context.offset);
    };
    let Carried { bytes, context, .. } = rest;
    match u32::from_le_bytes(*number) {
        // IPv4, also what comes out of MPLS.
        2 | 3 => network::ipv4(bytes, context),
        6 | 7 => network::ipv6(bytes, context),
        // MPLS, and what goes into it.
        4 | 5 | 8 => mpls::stack(bytes, context),
        200 => serial::ppp(bytes, context),
        202 | 203 => llc::frame(bytes, context).unwrap_or(Packet::NonIp(0)),
        204 => ethernet(bytes, context),
        207 => serial::frame_relay(bytes, context),
        208 => serial::cisco_hdlc(bytes, context),
        other => Packet::NonIp(u16::try_from(other).unwrap_or_default()),
    }
}

/// The packet that begins first behind so many bytes of cookies and link layers.
fn behind_cookies(carried: Carried<'_>) -> Packet<'_> {
    let places = (0..=MOST_COOKIES).map_while(|length| carried.behind(length));
    match places.into_iter().find(Carried::is_proven_ip) {
        Some(found) => raw_ip(found.bytes, found.context),
        None => stop(StopReason::UnknownLinktype, carried.context.offset),
    }
}

/// The head goes on with extensions (JUNOS 7.5 and later).
const EXTENSIONS: u8 = 0x80;
const NO_LINK_LAYER: u8 = 0x02;
/// Service cards have up to 18 bytes, and Ethernet with two tags may follow.
const MOST_COOKIES: usize = 40;
