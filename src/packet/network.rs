//! IPv4 and IPv6 with its extension headers, down to the ports.

use super::link::{Context, raw_ip, stop};
use super::{Fragment, IpPacket, Packet, Ports, StopReason, protocol, tunnel};
use crate::hosts::HostPair;
use etherparse::err::ipv4::HeaderSliceError as Ipv4Error;
use etherparse::{
    Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, Ipv6RawExtHeaderSlice,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 packet at the beginning of `data`.
pub(super) fn ipv4(data: &[u8], context: Context) -> Packet<'_> {
    let header = match Ipv4HeaderSlice::from_slice(data) {
        Ok(header) => header,
        Err(Ipv4Error::Len(_)) => return stop(StopReason::TruncatedIpv4, context.offset),
        Err(Ipv4Error::Content(_)) => return stop(StopReason::MalformedIpv4, context.offset),
    };
    let header_len = header.slice().len();
    let total_len = match usize::from(header.total_len()) {
        // Segmentation offload leaves the field zero; the frame itself then shows the length.
        0 => data.len(),
        length if length < header_len => return stop(StopReason::MalformedIpv4, context.offset),
        length => length,
    };
    let captured = total_len.min(data.len());
    let destination = routed_by_option(header.options()).unwrap_or(header.destination_addr());
    let (pair, direction) = HostPair::between_v4(header.source_addr(), destination);
    let fragment = header.is_fragmenting_payload().then(|| Fragment {
        identification: u32::from(header.identification()),
        offset: header.fragments_offset().value(),
        more: header.more_fragments(),
    });
    let packet = IpPacket {
        pair,
        direction,
        protocol: header.protocol().0,
        fragment,
        ports: None,
        identification: header.identification(),
        segment: data.get(header_len..captured).unwrap_or_default(),
        payload: data.get(header_len..captured).unwrap_or_default(),
        payload_len: total_len - header_len,
        packet_len: total_len,
        segment_len: total_len - header_len,
        link_broadcast: context.link_broadcast,
        nested: context.nested,
        hops: header.ttl(),
        mislabelled: false,
    };
    transport(packet, context.further(header_len))
}

/// What an ESP packet carries that can be read: an IP packet, or a transport segment between the
/// hosts of the packet around it.
#[must_use]
pub fn carried<'a>(next_header: u8, bytes: &'a [u8], outer: &IpPacket<'_>) -> Packet<'a> {
    if matches!(next_header, protocol::IPV4 | protocol::IPV6) {
        return raw_ip(bytes, Context::at(0));
    }
    let packet = IpPacket::carrying(outer.source(), outer.destination(), next_header, bytes);
    transport(packet, Context::at(0))
}

/// An IPv6 packet at the beginning of `data`.
pub(super) fn ipv6(data: &[u8], context: Context) -> Packet<'_> {
    if data.len() < IPV6_HEADER_LEN {
        return stop(StopReason::TruncatedIpv6, context.offset);
    }
    let Ok(header) = Ipv6HeaderSlice::from_slice(data) else {
        return stop(StopReason::MalformedIpv6, context.offset);
    };
    let room = data.len() - IPV6_HEADER_LEN;
    let (source, destination) = (header.source_addr(), header.destination_addr());
    let (pair, direction) = HostPair::between(IpAddr::V6(source), IpAddr::V6(destination));
    let payload_len = match usize::from(header.payload_length()) {
        // Zero means a jumbogram or for segmentation offload.
        0 if header.next_header().0 != NO_NEXT_HEADER => room,
        length => length,
    };
    let packet = IpPacket {
        pair,
        direction,
        protocol: header.next_header().0,
        fragment: None,
        ports: None,
        identification: 0,
        segment: &[],
        payload: data
            .get(IPV6_HEADER_LEN..IPV6_HEADER_LEN + payload_len.min(room))
            .unwrap_or_default(),
        payload_len,
        packet_len: IPV6_HEADER_LEN + payload_len,
        segment_len: payload_len,
        link_broadcast: context.link_broadcast,
        nested: context.nested,
        hops: header.hop_limit(),
        mislabelled: false,
    };
    extensions(packet, context.further(IPV6_HEADER_LEN))
}

/// Passes over IPv6 extension headers (RFC 8200 §4); AH is where the class is already known.
fn extensions(mut packet: IpPacket<'_>, mut context: Context) -> Packet<'_> {
    for _ in 0..MAX_EXTENSIONS {
        let (next, length) = match packet.protocol {
            ROUTING => match Ipv6RawExtHeaderSlice::from_slice(packet.payload) {
                Ok(header) => {
                    if let Some(last) = routed_by_header(header.slice()) {
                        let (source, last) = (packet.source(), IpAddr::V6(last));
                        (packet.pair, packet.direction) = HostPair::between(source, last);
                    }
                    (header.next_header().0, header.slice().len())
                }
                Err(_) => return stop(StopReason::TruncatedIpv6, context.offset),
            },
            HOP_BY_HOP | DESTINATION_OPTIONS | MOBILITY | HIP | SHIM6 => {
                match Ipv6RawExtHeaderSlice::from_slice(packet.payload) {
                    Ok(header) => (header.next_header().0, header.slice().len()),
                    Err(_) => return stop(StopReason::TruncatedIpv6, context.offset),
                }
            }
            FRAGMENT => match Ipv6FragmentHeaderSlice::from_slice(packet.payload) {
                Ok(header) => {
                    // An atomic fragment (RFC 6946) is a whole packet.
                    packet.fragment = header.is_fragmenting_payload().then(|| Fragment {
                        identification: header.identification(),
                        offset: header.fragment_offset().value(),
                        more: header.more_fragments(),
                    });
                    (header.next_header().0, header.slice().len())
                }
                Err(_) => return stop(StopReason::TruncatedIpv6, context.offset),
            },
            _ => return transport(packet, context),
        };
        packet.protocol = next;
        packet.payload = packet.payload.get(length..).unwrap_or_default();
        packet.payload_len = packet.payload_len.saturating_sub(length);
        packet.segment_len = packet.payload_len;
        context = context.further(length);
        // Behind a later fragment's header are bytes from the middle of the datagram.
        if packet.fragment.is_some_and(|f| f.offset > 0) {
            packet.segment = packet.payload;
            return Packet::Ip(packet);
        }
    }
    stop(StopReason::MalformedIpv6, context.offset)
}

/// The host that a packet is for, where its header names the router that comes next: the last address of the
/// route while some of it lies ahead. RFC 8754 §2 writes the route backwards, RFC 5095's and RFC 6275's headers
/// forwards.
fn routed_by_header(header: &[u8]) -> Option<Ipv6Addr> {
    let [_, words, kind, segments_left, ..] = *header.first_chunk::<8>()?;
    let addresses = header.get(8..)?.as_chunks::<16>().0;
    let in_header = usize::from(words) / 2;
    let last = match kind {
        _ if segments_left == 0 => return None,
        SOURCE_ROUTE | HOME_ADDRESS => addresses.get(in_header.checked_sub(1)?)?,
        SEGMENT_ROUTING => addresses.first()?,
        _ => return None,
    };
    Some(Ipv6Addr::from(*last))
}

/// The same of IPv4 (RFC 791 §3.1): the last address of a source route whose pointer has not passed it.
fn routed_by_option(mut options: &[u8]) -> Option<Ipv4Addr> {
    while let Some((kind, rest)) = options.split_first() {
        let length = match *kind {
            END_OF_OPTIONS => return None,
            NO_OPERATION => {
                options = rest;
                continue;
            }
            _ => usize::from(*rest.first()?),
        };
        if length < 2 {
            return None;
        }
        let option = options.get(..length)?;
        if matches!(*kind, LOOSE_ROUTE | STRICT_ROUTE) {
            let lies_ahead = usize::from(*option.get(2)?) <= length;
            let last = option.get(3..)?.last_chunk::<4>().filter(|_| lies_ahead)?;
            return Some(Ipv4Addr::from(*last));
        }
        options = options.get(length..)?;
    }
    None
}

/// Reads the ports of a whole packet or a first fragment; follows plain tunnels.
fn transport(mut packet: IpPacket<'_>, context: Context) -> Packet<'_> {
    packet.segment = packet.payload;
    if packet.fragment.is_some_and(|f| f.offset > 0) {
        return Packet::Ip(packet);
    }
    let header_len = match packet.protocol {
        protocol::UDP | protocol::UDP_LITE => UDP_HEADER_LEN,
        protocol::SCTP => SCTP_HEADER_LEN,
        protocol::TCP => {
            let words = packet.payload.get(12).map_or(TCP_MIN_WORDS, |b| b >> 4);
            usize::from(words.max(TCP_MIN_WORDS)) * 4
        }
        protocol::IPV4 | protocol::IPV6 | protocol::GRE | protocol::ETHERIP | protocol::L2TP => {
            return match context.beneath_ip() {
                Some(inside) => tunnel::inner(packet, inside),
                None if context.is_too_deep() => stop(StopReason::TunnelTooDeep, context.offset),
                None => Packet::Ip(packet),
            };
        }
        _ => return Packet::Ip(packet),
    };
    packet.ports = Ports::of(packet.payload);
    // Without its ports a UDP datagram may be IKE or ESP as well as clear text.
    if packet.ports.is_none() && packet.protocol == protocol::UDP {
        return stop(StopReason::TruncatedUdp, context.offset);
    }
    packet.payload = packet.payload.get(header_len..).unwrap_or_default();
    packet.payload_len = packet.payload_len.saturating_sub(header_len);
    if packet.protocol == protocol::UDP {
        return tunnel::inside_udp(packet, context.further(header_len));
    }
    Packet::Ip(packet)
}

const IPV6_HEADER_LEN: usize = 40;
const UDP_HEADER_LEN: usize = 8;
const SCTP_HEADER_LEN: usize = 12;
const TCP_MIN_WORDS: u8 = 5;
/// More than RFC 8200 §4.1 recommends, fewer than a hostile packet can chain.
const MAX_EXTENSIONS: usize = 16;
/// RFC 791 §3.1.
const END_OF_OPTIONS: u8 = 0;
const NO_OPERATION: u8 = 1;
const LOOSE_ROUTE: u8 = 131;
const STRICT_ROUTE: u8 = 137;
/// Types of routing headers.
const SOURCE_ROUTE: u8 = 0;
const HOME_ADDRESS: u8 = 2;
const SEGMENT_ROUTING: u8 = 4;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const NO_NEXT_HEADER: u8 = 59;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;
