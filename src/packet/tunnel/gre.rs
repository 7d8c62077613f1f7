//! GRE: version 0 with its many loads, version 1 with PPP.
//!
//! Routing (RFC 1701) is long gone and is not followed.

use super::{carried, inner_or_outer};
use crate::packet::carried::Carried;
use crate::packet::link::{
    Context, LEAST_ETHER_TYPE, PPP, TRANSPARENT_ETHERNET, enter, ether_type, ethernet, raw_ip,
    stop, u16_at,
};
use crate::packet::{IpPacket, Packet, StopReason, serial};

/// The packet inside GRE.
pub(super) fn inner(packet: IpPacket<'_>, context: Context) -> Packet<'_> {
    let (Some(flags), Some(kind)) = (u16_at(packet.payload, 0), u16_at(packet.payload, 2)) else {
        return stop(StopReason::TruncatedTunnel, context.offset);
    };
    match flags & VERSION {
        0 if flags & NOT_FOLLOWED == 0 => version_0(packet, context, (flags, kind)),
        1 => {
            let inside = version_1(carried(&packet, context), (flags, kind));
            inner_or_outer(inside, packet)
        }
        _ => Packet::Ip(packet),
    }
}

/// RFC 2784 and RFC 2890; what it carries is an EtherType. With a key and Ethernet it is NVGRE
/// (RFC 7637 §3.2).
fn version_0(packet: IpPacket<'_>, context: Context, (flags, kind): (u16, u16)) -> Packet<'_> {
    // Checksum, key and sequence number each add four bytes.
    let options = (flags & (CHECKSUM | KEY | SEQUENCE)).count_ones() as usize;
    let header_len = 4 + 4 * options;
    let Some(inside) = carried(&packet, context).behind(header_len) else {
        return stop(StopReason::TruncatedTunnel, context.offset);
    };
    match kind {
        // Types below are of other registries, no lengths.
        ..LEAST_ETHER_TYPE => Packet::Ip(packet),
        TRANSPARENT_ETHERNET => ip_or_outer(enter(ethernet, inside.bytes, inside.context), packet),
        // ERSPAN I, without a sequence number, has no header of its own.
        ERSPAN if flags & SEQUENCE == 0 => {
            ip_or_outer(enter(ethernet, inside.bytes, inside.context), packet)
        }
        ERSPAN | ERSPAN_III => erspan(inside, packet),
        _ => match inside.context.deeper() {
            Some(deeper) => ip_or_outer(ether_type(kind, inside.bytes, deeper), packet),
            None => stop(StopReason::TunnelTooDeep, context.offset),
        },
    }
}

/// What GRE carries besides IP (ARP, CDP, keepalives) leaves the GRE packet itself to judge.
fn ip_or_outer<'a>(inside: Packet<'a>, outer: IpPacket<'a>) -> Packet<'a> {
    match inside {
        Packet::NonIp(_) | Packet::Arp => Packet::Ip(outer),
        reported @ (Packet::Ip(_) | Packet::Undecodable(_)) => reported,
    }
}

/// A mirrored frame (draft-foschiano-erspan §4), by the version that its own header shows.
fn erspan<'a>(inside: Carried<'a>, outer: IpPacket<'a>) -> Packet<'a> {
    let Some(first) = inside.bytes.first() else {
        return stop(StopReason::TruncatedTunnel, inside.context.offset);
    };
    let (header_len, is_ip) = match first >> 4 {
        1 => (8, false),
        2 => match inside.bytes.get(11) {
            // §4.3: the last bit shows of eight bytes more, five bits before them what is mirrored.
            Some(last) => {
                let subheader_len = if last & ERSPAN_SUBHEADER == 0 { 0 } else { 8 };
                let type_of_frame = inside.bytes.get(10).map_or(0, |byte| (byte >> 2) & 0x1f);
                (12 + subheader_len, type_of_frame == ERSPAN_IP)
            }
            None => return stop(StopReason::TruncatedTunnel, inside.context.offset),
        },
        _ => return Packet::Ip(outer),
    };
    match inside.behind(header_len) {
        Some(frame) if is_ip => enter(raw_ip, frame.bytes, frame.context),
        Some(frame) => ip_or_outer(enter(ethernet, frame.bytes, frame.context), outer),
        None => stop(StopReason::TruncatedTunnel, inside.context.offset),
    }
}

/// PPTP's (RFC 2637 §4.1): a key of payload length and call, sequence and acknowledgement at will.
fn version_1(carried: Carried<'_>, (flags, kind): (u16, u16)) -> Option<Packet<'_>> {
    // A packet without a sequence number only acknowledges.
    let is_data = flags & (KEY | SEQUENCE) == KEY | SEQUENCE;
    if !is_data || flags & NOT_IN_VERSION_1 != 0 || kind != PPP {
        return None;
    }
    let length = usize::from(u16_at(carried.bytes, 4)?);
    let header_len = if flags & ACKNOWLEDGEMENT == 0 { 12 } else { 16 };
    let frame = carried.behind(header_len)?.within(length)?;
    Some(enter(serial::ppp, frame.bytes, frame.context))
}

const VERSION: u16 = 0x0007;
const CHECKSUM: u16 = 0x8000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;
/// RFC 2784 §2.3: one of bits 1 and 4 to 5 means a header of RFC 1701.
const NOT_FOLLOWED: u16 = 0x4c00;
/// RFC 2637 §4.1: checksum, routing, source route, recursion and flags are zero.
const NOT_IN_VERSION_1: u16 = 0xcf78;
/// Types I and II.
const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;
const ERSPAN_SUBHEADER: u8 = 1;
const ERSPAN_IP: u8 = 2;
