//! Link layers that put a short header of their own before a packet or into an Ethernet frame: interfaces
//! of IPsec and of packet filters, switch chips, ARCNET, InfiniBand, Solaris' IP layer.
//!
//! What such a header says beside the kind of the packet is left unread, but for encryption.

use super::link::{ARP, Context, IPV4, IPV6, ether_type, ethernet, raw_ip, stop, u16_at};
use super::{Packet, StopReason, network};

/// LINKTYPE_ENC (OpenBSD's enc(4), also of FreeBSD, pfSense and OPNsense): family, SPI and flags, four bytes
/// each, in the byte order of the host.
pub(super) fn enc(data: &[u8], context: Context) -> Packet<'_> {
    let (Some(head), Some(packet)) = (data.first_chunk::<12>(), data.get(12..)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    let [a, b, c, d, _, _, _, _, e, f, g, h] = *head;
    // The family is a small number: only in one byte order.
    let little = u32::from_le_bytes([a, b, c, d]) < 256;
    let flags =
        if little { u32::from_le_bytes([e, f, g, h]) } else { u32::from_be_bytes([e, f, g, h]) };
    // enc(4): the interface shows packets before encryption and after decryption. One that the kernel
    // marks so is neither clear text of the wire nor ESP that was seen.
    if flags & ENCRYPTED != 0 {
        return stop(StopReason::InsideIpsec, context.offset);
    }
    by_version(packet, context.further(12))
}

/// LINKTYPE_PFLOG (pflog(4)): the first byte is the header's length without its padding.
pub(super) fn pflog(data: &[u8], context: Context) -> Packet<'_> {
    let Some([length, family]) = data.first_chunk::<2>() else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    // Words of four bytes; the oldest layout had 45 bytes.
    let header_len = usize::from(*length).next_multiple_of(4);
    let packet = match data.get(header_len..) {
        Some(packet) if header_len >= LEAST_PFLOG => packet,
        Some(_) => return Packet::NonIp(0),
        None => return stop(StopReason::TruncatedLink, context.offset),
    };
    match family {
        2 | 24 | 28 | 30 => by_version(packet, context.further(header_len)),
        _ => Packet::NonIp(u16::from(*family)),
    }
}

/// IPv4 or IPv6 by its own first byte; something else is no IP, whatever family the header names.
fn by_version(packet: &[u8], context: Context) -> Packet<'_> {
    match packet.first().map(|first| first >> 4) {
        Some(4 | 6) | None => raw_ip(packet, context),
        Some(_) => Packet::NonIp(0),
    }
}

/// Ethernet into which a switch chip put a tag behind the addresses (LINKTYPE_DSA_TAG_BRCM, _DSA, _EDSA).
pub(super) fn tag_behind_addresses(data: &[u8], context: Context, tag_len: usize) -> Packet<'_> {
    let at = 12 + tag_len;
    let (Some(kind), Some(rest)) = (u16_at(data, at), data.get(at + 2..)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    let to_all = data.starts_with(&[0xff; 6]);
    ether_type(kind, rest, context.further(at + 2).to_all(to_all))
}

/// Ethernet behind a tag (LINKTYPE_DSA_TAG_BRCM_PREPEND).
pub(super) fn tag_before_frame(data: &[u8], context: Context, tag_len: usize) -> Packet<'_> {
    match data.get(tag_len..) {
        Some(frame) => ethernet(frame, context.further(tag_len)),
        None => stop(StopReason::TruncatedLink, context.offset),
    }
}

/// LINKTYPE_ARCNET_LINUX: addresses, an offset of two bytes, then RFC 1201 or RFC 1051.
pub(super) fn arcnet(data: &[u8], context: Context) -> Packet<'_> {
    let Some(kind) = data.get(4).copied() else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    // RFC 1201 §2.1: a split flag and a sequence number; RFC 1051 has neither.
    let header_len = if matches!(kind, ARC_IP_OLD | ARC_ARP_OLD) { 5 } else { 8 };
    let Some(rest) = data.get(header_len..) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    // §2.2: packets that were cut into several frames count them here.
    if header_len == 8 && data.get(5).is_some_and(|split| *split != 0) {
        return stop(StopReason::FragmentWithoutFirst, context.offset);
    }
    let inside = context.further(header_len).to_all(data.get(1) == Some(&0));
    match kind {
        ARC_IP | ARC_IP_OLD => network::ipv4(rest, inside),
        ARC_IPV6 => network::ipv6(rest, inside),
        ARC_ARP | ARC_ARP_OLD => Packet::Arp,
        other => Packet::NonIp(u16::from(other)),
    }
}

/// LINKTYPE_IPNET (Solaris): 24 bytes, of which the second is the family and the fifth to the eighth
/// the length of what follows.
pub(super) fn ipnet(data: &[u8], context: Context) -> Packet<'_> {
    let (Some(family), Some(packet)) = (data.get(1), data.get(24..)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    match family {
        2 => network::ipv4(packet, context.further(24)),
        26 => network::ipv6(packet, context.further(24)),
        other => Packet::NonIp(u16::from(*other)),
    }
}

/// LINKTYPE_IPOIB (RFC 4391 §6): an EtherType and two reserved bytes, perhaps behind a global routing
/// header of 40 bytes.
pub(super) fn ipoib(data: &[u8], context: Context) -> Packet<'_> {
    for at in [0, 40] {
        if let (Some(kind @ (IPV4 | IPV6 | ARP)), Some(0)) =
            (u16_at(data, at), u16_at(data, at + 2))
        {
            return ether_type(
                kind,
                data.get(at + 4..).unwrap_or_default(),
                context.further(at + 4),
            );
        }
    }
    match u16_at(data, 0) {
        Some(kind) => Packet::NonIp(kind),
        None => stop(StopReason::TruncatedLink, context.offset),
    }
}

/// M_CONF of the BSDs' mbuf.h: the payload is encrypted.
const ENCRYPTED: u32 = 0x0400;
const LEAST_PFLOG: usize = 48;
const ARC_IP: u8 = 212;
const ARC_ARP: u8 = 213;
const ARC_IPV6: u8 = 196;
const ARC_IP_OLD: u8 = 240;
const ARC_ARP_OLD: u8 = 241;
