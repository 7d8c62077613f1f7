//! Plain tunnels: what carries a packet is what it carries.
//!
//! Tunnels that protect (ESP, AH) are never entered: there the outer pair is protected. A header has
//! to be borne out by its own fields; what does not fit is the outer packet's business.

mod gre;

mod l2tp;

mod udp;

pub(super) use udp::inside as inside_udp;

use super::carried::Carried;
use super::link::{Context, enter, ethernet, u16_at};
use super::{IpPacket, Packet, Stop, StopReason, network, protocol};

/// The packet inside an IP protocol that is a tunnel.
pub(super) fn inner(packet: IpPacket<'_>, context: Context) -> Packet<'_> {
    match packet.protocol {
        protocol::IPV4 => enter(network::ipv4, packet.payload, context),
        protocol::IPV6 => enter(network::ipv6, packet.payload, context),
        protocol::GRE => gre::inner(packet, context),
        protocol::ETHERIP => {
            let inside = etherip(carried(&packet, context));
            inner_or_outer(inside, packet)
        }
        _ => {
            let inside = l2tp::over_ip(carried(&packet, context));
            inner_or_outer(inside, packet)
        }
    }
}

/// RFC 3378 §3: version 3, reserved bits zero, then a frame.
fn etherip(packet: Carried<'_>) -> Option<Packet<'_>> {
    packet.bytes.starts_with(&[0x30, 0]).then_some(())?;
    let frame = packet.behind(2)?;
    Some(enter(ethernet, frame.bytes, frame.context))
}

/// What the packet carries behind its last header.
///
/// A first fragment shows the beginning of it. How long the whole is, UDP says; other protocols do not, so that
/// no length can be too large.
fn carried<'a>(packet: &IpPacket<'a>, context: Context) -> Carried<'a> {
    let wire_len = match packet.fragment {
        None => packet.payload_len,
        Some(_) if packet.protocol == protocol::UDP => {
            let length = u16_at(packet.segment, 4).map_or(usize::MAX, usize::from);
            length.saturating_sub(8)
        }
        Some(_) => usize::MAX,
    };
    Carried { bytes: packet.payload, wire_len, context }
}

/// What was found inside, unless that is no IP packet; then the outer packet means itself.
///
/// Where no byte is missing, a broken packet inside means that the tunnel was none.
fn inner_or_outer<'a>(inside: Option<Packet<'a>>, outer: IpPacket<'a>) -> Packet<'a> {
    let is_cut = outer.payload.len() < outer.payload_len || outer.fragment.is_some();
    match inside {
        Some(Packet::Ip(inner)) => Packet::Ip(inner),
        Some(Packet::Undecodable(stop)) if is_certain(stop, is_cut) => Packet::Undecodable(stop),
        _ => Packet::Ip(outer),
    }
}

fn is_certain(stop: Stop, is_cut: bool) -> bool {
    match stop.reason {
        StopReason::TunnelTooDeep | StopReason::FragmentWithoutFirst => true,
        // Whatever hides the packet inside, IPsec does not hide the outer one.
        StopReason::EncryptedLink | StopReason::Macsec => false,
        _ => is_cut,
    }
}
