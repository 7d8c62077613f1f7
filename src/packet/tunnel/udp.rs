//! Tunnels over UDP: recognized by a registered port and by a header that fits.
//!
//! Foo over UDP has neither and is not followed. A datagram of IKE's ports is never a tunnel's:
//! address translation may give the other side any port.

use super::{carried, inner_or_outer, l2tp};
use crate::packet::carried::Carried;
use crate::packet::link::{
    Context, LEAST_ETHER_TYPE, TRANSPARENT_ETHERNET, enter, ether_type, ethernet, stop, u16_at,
};
use crate::packet::{IpPacket, Packet, Ports, StopReason, mpls, wireless};

/// The packet inside a UDP datagram that is a tunnel's; else the datagram.
pub(in crate::packet) fn inside(packet: IpPacket<'_>, context: Context) -> Packet<'_> {
    match packet.ports {
        Some(ports) if is_registered(ports) => registered(packet, ports, context),
        _ => Packet::Ip(packet),
    }
}

/// Only to these ports; where both sides use one, from them as well.
const fn is_registered(ports: Ports) -> bool {
    let to = ports.destination;
    matches!(to, VXLAN | VXLAN_OF_LINUX | VXLAN_GPE | GENEVE | GUE | TZSP | LISP | MPLS_IN_UDP)
        || is_both_ways(ports.source)
        || is_both_ways(ports.destination)
}

const fn is_both_ways(port: u16) -> bool {
    matches!(port, GTP_U | L2TP | TEREDO | CAPWAP)
}

#[cold]
fn registered(packet: IpPacket<'_>, ports: Ports, context: Context) -> Packet<'_> {
    if [IKE, NATT].iter().any(|port| [ports.source, ports.destination].contains(port)) {
        return Packet::Ip(packet);
    }
    let offset = context.offset;
    let is_too_deep = context.is_too_deep();
    let Some(context) = context.beneath_ip() else {
        return if is_too_deep {
            stop(StopReason::TunnelTooDeep, offset)
        } else {
            Packet::Ip(packet)
        };
    };
    let datagram = carried(&packet, context);
    let inside = match ports.destination {
        VXLAN | VXLAN_OF_LINUX => vxlan(datagram),
        VXLAN_GPE => vxlan_gpe(datagram),
        GENEVE => geneve(datagram),
        GUE => gue(datagram),
        TZSP => tzsp(datagram),
        LISP => lisp(datagram),
        MPLS_IN_UDP => Some(enter(mpls::stack, datagram.bytes, datagram.context)),
        port => match if is_both_ways(port) { port } else { ports.source } {
            GTP_U => gtp_u(datagram),
            L2TP => l2tp::over_udp(datagram),
            CAPWAP => capwap(datagram),
            _ => teredo(datagram),
        },
    };
    inner_or_outer(inside, packet)
}

/// RFC 7348 §5: the flag I set and every reserved byte zero.
fn vxlan(datagram: Carried<'_>) -> Option<Packet<'_>> {
    let [8, 0, 0, 0, _, _, _, 0] = datagram.bytes.first_chunk::<8>()? else { return None };
    let frame = datagram.behind(8)?;
    Some(enter(ethernet, frame.bytes, frame.context))
}

/// draft-ietf-nvo3-vxlan-gpe §3: version 0, the flag I set, and with the flag P a next protocol.
fn vxlan_gpe(datagram: Carried<'_>) -> Option<Packet<'_>> {
    let [flags, 0, 0, next, _, _, _, 0] = *datagram.bytes.first_chunk::<8>()? else { return None };
    let inside = datagram.behind(8)?;
    match (flags, next) {
        (GPE_I, 0) | (GPE_I_P, 3) => Some(enter(ethernet, inside.bytes, inside.context)),
        (GPE_I_P, 1 | 2) => inside.ip(),
        (GPE_I_P, 5) => Some(enter(mpls::stack, inside.bytes, inside.context)),
        _ => None,
    }
}

/// RFC 8926 §3.4: version 0, no control packet, reserved bits zero, options that fill their length.
fn geneve(datagram: Carried<'_>) -> Option<Packet<'_>> {
    let [first, flags, ..] = *datagram.bytes.first_chunk::<8>()?;
    // §3.4: the flag C (critical options) alone says nothing about what is carried.
    let is_sound = first & 0xc0 == 0 && flags & !0x40 == 0 && datagram.bytes.get(7) == Some(&0);
    let options_len = usize::from(first & 0x3f) * 4;
    let inside = datagram.behind(8 + options_len)?;
    let mut options = datagram.bytes.get(8..8 + options_len)?;
    while let Some([_, _, _, length]) = options.first_chunk::<4>() {
        // §3.5: three reserved bits, then the length in words without the option's own four bytes.
        options = options.get(4 + usize::from(length & 0x1f) * 4..)?;
    }
    if !is_sound || !options.is_empty() {
        return None;
    }
    match u16_at(datagram.bytes, 2)? {
        TRANSPARENT_ETHERNET => Some(enter(ethernet, inside.bytes, inside.context)),
        kind @ LEAST_ETHER_TYPE.. => Some(match inside.context.deeper() {
            Some(deeper) => ether_type(kind, inside.bytes, deeper),
            None => stop(StopReason::TunnelTooDeep, inside.context.offset),
        }),
        _ => None,
    }
}

/// draft-ietf-intarea-gue §3 and §4: variant 0 names an IP protocol, variant 1 is IP itself.
fn gue(datagram: Carried<'_>) -> Option<Packet<'_>> {
    match datagram.bytes.first()? {
        // The flag C clear: data; five bits of length in words without the first.
        first @ 0..=0x1f => {
            let inside = datagram.behind(4 + usize::from(first & 0x1f) * 4)?;
            let version = inside.bytes.first()? >> 4;
            match (datagram.bytes.get(1)?, version) {
                (4, 4) | (41, 6) => inside.ip(),
                _ => None,
            }
        }
        0x40..=0x4f | 0x60..=0x6f => datagram.ip(),
        _ => None,
    }
}

/// 3GPP TS 29.281 §5.1: version 1, GTP and not GTP', a T-PDU whose length fills the datagram.
fn gtp_u(datagram: Carried<'_>) -> Option<Packet<'_>> {
    let [flags, G_PDU, ..] = *datagram.bytes.first_chunk::<2>()? else { return None };
    let length = usize::from(u16_at(datagram.bytes, 2)?);
    if flags & 0xf8 != 0x30 || datagram.wire_len != 8 + length {
        return None;
    }
    // Sequence number, N-PDU number and next extension are there together if one is.
    if flags & 0x07 == 0 {
        return datagram.behind(8)?.ip();
    }
    let mut header_len = 12;
    let mut next = if flags & GTP_EXTENSION == 0 { 0 } else { *datagram.bytes.get(11)? };
    for _ in 0..MAX_EXTENSIONS {
        if next == 0 {
            return datagram.behind(header_len)?.ip();
        }
        // §5.2.1: a length in words, the content, the next extension.
        let length = usize::from(*datagram.bytes.get(header_len)?) * 4;
        if length == 0 {
            return None;
        }
        header_len += length;
        next = *datagram.bytes.get(header_len - 1)?;
    }
    None
}

/// RFC 4380 §5.1.1: authentication and origin, in this order and each at will, then IPv6.
fn teredo(datagram: Carried<'_>) -> Option<Packet<'_>> {
    let mut rest = datagram;
    if let Some([0, 1, identifier_len, value_len]) = rest.bytes.first_chunk::<4>() {
        // Both values, then a nonce of eight bytes and one of confirmation.
        rest = rest.behind(13 + usize::from(*identifier_len) + usize::from(*value_len))?;
    }
    if rest.bytes.starts_with(&[0, 0]) {
        rest = rest.behind(8)?;
    }
    if rest.bytes.first()? >> 4 == 6 { rest.ip() } else { None }
}

/// TaZmen Sniffer Protocol: version 1, a received packet or one to be sent, the kind of frame, fields to the
/// one that ends them, then the frame.
fn tzsp(datagram: Carried<'_>) -> Option<Packet<'_>> {
    let [1, 0 | 1, _, _] = datagram.bytes.first_chunk::<4>()? else { return None };
    let mut header_len = 4;
    for _ in 0..MAX_FIELDS {
        match *datagram.bytes.get(header_len)? {
            TZSP_PADDING => header_len += 1,
            TZSP_END => {
                let frame = datagram.behind(header_len + 1)?;
                return match u16_at(datagram.bytes, 2)? {
                    1 => Some(enter(ethernet, frame.bytes, frame.context)),
                    18 => Some(enter(wireless::bare, frame.bytes, frame.context)),
                    _ => None,
                };
            }
            _ => header_len += 2 + usize::from(*datagram.bytes.get(header_len + 1)?),
        }
    }
    None
}

/// RFC 9300 §5.1: flags, of which the reserved one and those of encryption (RFC 8061 §4) are clear, then IP.
fn lisp(datagram: Carried<'_>) -> Option<Packet<'_>> {
    let flags = datagram.bytes.first()?;
    let inside = datagram.behind(8)?;
    if flags & 0x07 == 0 { inside.ip() } else { None }
}

/// RFC 5415 §4.2 and §4.3: version 0 and a header in clear, whose length is in words; data that is no fragment and no
/// keepalive, as a frame of Ethernet or, where the flag T is set, of a wireless link.
fn capwap(datagram: Carried<'_>) -> Option<Packet<'_>> {
    let [0, lengths, kinds, flags] = *datagram.bytes.first_chunk::<4>()? else { return None };
    let header_len = usize::from(lengths >> 3) * 4;
    if header_len < 8 || flags & (CAPWAP_FRAGMENT | CAPWAP_KEEPALIVE) != 0 {
        return None;
    }
    let frame = datagram.behind(header_len)?;
    match (kinds & 1, kinds >> 1 & 0x1f) {
        (0, _) => Some(enter(ethernet, frame.bytes, frame.context)),
        (1, IEEE_802_11) => Some(enter(wireless::bare, frame.bytes, frame.context)),
        _ => None,
    }
}

const IKE: u16 = 500;
const NATT: u16 = 4500;
const L2TP: u16 = 1701;
const GTP_U: u16 = 2152;
const TEREDO: u16 = 3544;
const VXLAN: u16 = 4789;
/// What Linux used before the port was registered, and uses still where none is given.
const VXLAN_OF_LINUX: u16 = 8472;
const VXLAN_GPE: u16 = 4790;
const GUE: u16 = 6080;
const GENEVE: u16 = 6081;
const LISP: u16 = 4341;
/// RFC 7510 §3.
const MPLS_IN_UDP: u16 = 6635;
/// The data channel.
const CAPWAP: u16 = 5247;
const CAPWAP_FRAGMENT: u8 = 0x80;
const CAPWAP_KEEPALIVE: u8 = 0x08;
/// RFC 5415 §4.3, WBID.
const IEEE_802_11: u8 = 1;
const GPE_I: u8 = 0x08;
const GPE_I_P: u8 = 0x0c;
/// A T-PDU, which carries a user's packet.
const G_PDU: u8 = 255;
const GTP_EXTENSION: u8 = 0x04;
const MAX_EXTENSIONS: usize = 8;
const TZSP: u16 = 37_008;
const TZSP_PADDING: u8 = 0;
const TZSP_END: u8 = 1;
/// Some ten kinds are known.
const MAX_FIELDS: usize = 64;
