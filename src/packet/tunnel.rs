//! Plain tunnels: a packet inside IP-in-IP, 6in4, GRE or VXLAN is what it carries.
//!
//! Tunnels that protect (ESP, AH) are never entered: there the outer pair is protected.

use super::link::{Context, ether_type, ethernet, stop, u16_at};
use super::{IpPacket, Packet, StopReason, network, protocol};

/// The packet inside an IP protocol that is a tunnel.
pub(super) fn inner(packet: IpPacket<'_>, context: Context) -> Packet<'_> {
    let Some(depth) = deeper(context.depth) else {
        return stop(StopReason::TunnelTooDeep, context.offset);
    };
    let context = Context { depth, ..context };
    match packet.protocol {
        protocol::IPV4 => network::ipv4(packet.payload, context),
        protocol::IPV6 => network::ipv6(packet.payload, context),
        _ => gre(packet, context),
    }
}

/// GRE version 0 (RFC 2784, 2890); what it carries is an EtherType. Other versions are left whole.
fn gre(packet: IpPacket<'_>, context: Context) -> Packet<'_> {
    let (Some(flags), Some(kind)) = (u16_at(packet.payload, 0), u16_at(packet.payload, 2)) else {
        return stop(StopReason::TruncatedTunnel, context.offset);
    };
    if flags & GRE_VERSION != 0 {
        return Packet::Ip(packet);
    }
    // Checksum, key and sequence number each add four octets.
    let options = (flags & (GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE)).count_ones() as usize;
    let header_len = 4 + 4 * options;
    let Some(payload) = packet.payload.get(header_len..) else {
        return stop(StopReason::TruncatedTunnel, context.offset);
    };
    match kind {
        TRANSPARENT_ETHERNET => ethernet(payload, context.depth),
        // ERSPAN II has a header of eight octets; type I, without a sequence number, has none.
        ERSPAN_II if flags & GRE_SEQUENCE == 0 => ethernet(payload, context.depth),
        ERSPAN_II => ethernet(payload.get(8..).unwrap_or_default(), context.depth),
        _ => match ether_type(kind, payload, context.further(header_len)) {
            // What GRE carries besides (CDP, keepalives) leaves the GRE packet itself to judge.
            Packet::NonIp(_) | Packet::Arp => Packet::Ip(packet),
            inside @ (Packet::Ip(_) | Packet::Undecodable(_)) => inside,
        },
    }
}

/// The packet inside a UDP datagram that is a tunnel by its registered port; else the datagram.
pub(super) fn inside_udp(packet: IpPacket<'_>, context: Context) -> Packet<'_> {
    let to_vxlan = packet.ports.is_some_and(|ports| ports.destination == VXLAN_PORT);
    // RFC 7348 §5: the I flag set and every reserved octet zero.
    let is_vxlan = matches!(packet.payload, [8, 0, 0, 0, _, _, _, 0, ..]);
    if !(to_vxlan && is_vxlan) {
        return Packet::Ip(packet);
    }
    let Some(depth) = deeper(context.depth) else {
        return stop(StopReason::TunnelTooDeep, context.offset);
    };
    match ethernet(packet.payload.get(8..).unwrap_or_default(), depth) {
        Packet::Ip(inner) => Packet::Ip(inner),
        // A frame that is no IP packet is the datagram's own business.
        Packet::Arp | Packet::NonIp(_) | Packet::Undecodable(_) => Packet::Ip(packet),
    }
}

fn deeper(depth: u8) -> Option<u8> {
    (depth < MAX_DEPTH).then_some(depth + 1)
}

const GRE_CHECKSUM: u16 = 0x8000;
const GRE_KEY: u16 = 0x2000;
const GRE_SEQUENCE: u16 = 0x1000;
const GRE_VERSION: u16 = 0x0007;
const TRANSPARENT_ETHERNET: u16 = 0x6558;
const ERSPAN_II: u16 = 0x88be;
const VXLAN_PORT: u16 = 4789;
const MAX_DEPTH: u8 = 4;
