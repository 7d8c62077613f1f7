//! The link layer: from a frame's first byte to its EtherType and what follows.

use super::carried::hides_ip;
use super::{
    IpPacket, Packet, Stop, StopReason, juniper, llc, macsec, mislabelled, mpls, network, nflog,
    serial, tagged, wireless,
};
use crate::capture::{Linktype, RawFrame};
use etherparse::{Ethernet2HeaderSlice, SingleVlanHeaderSlice};

/// Decodes a frame as far as its class needs: down to the innermost packet.
#[must_use]
pub fn decode<'a>(frame: &RawFrame<'a>) -> Packet<'a> {
    match within(frame, Context::at(0)) {
        Packet::NonIp(kind) if hides_ip(frame.data) => {
            let offset = if kind < LEAST_ETHER_TYPE { 0 } else { 14 };
            stop(StopReason::UnknownLinktype, offset)
        }
        reported => reported,
    }
}

/// The IP packet of a frame that so many others are around; `None` where the frame does not show it.
///
/// Reads the frame again from its first byte, so that frames without a tunnel pay nothing for it.
#[must_use]
#[cold]
pub fn layer<'a>(frame: &RawFrame<'a>, nested: u8) -> Option<IpPacket<'a>> {
    match within(frame, Context { enters: nested, ..Context::at(0) }) {
        Packet::Ip(ip) if ip.nested == nested => Some(ip),
        Packet::Ip(_) | Packet::Arp | Packet::NonIp(_) | Packet::Undecodable(_) => None,
    }
}

#[inline]
fn within<'a>(frame: &RawFrame<'a>, context: Context) -> Packet<'a> {
    // Nearly every frame.
    if frame.linktype == Linktype::ETHERNET
        && let Some(&[0x08, 0x00]) = frame.data.get(12..14).and_then(|kind| kind.first_chunk())
    {
        let to_all = frame.data.starts_with(&[0xff; 6]);
        let packet = frame.data.get(ETHERNET_LEN..).unwrap_or_default();
        let reported = network::ipv4(packet, context.further(ETHERNET_LEN).to_all(to_all));
        if matches!(reported, Packet::Ip(_)) {
            return reported;
        }
    }
    let wire_len = usize::try_from(frame.original_len).unwrap_or(usize::MAX);
    by_linktype(frame.linktype, (frame.data, wire_len), context)
}

/// Bytes that a link layer begins with, and how many there were on the wire.
type OnWire<'a> = (&'a [u8], usize);

fn by_linktype(linktype: Linktype, (data, wire_len): OnWire<'_>, context: Context) -> Packet<'_> {
    match linktype {
        Linktype::ETHERNET => match ethernet(data, context) {
            reported @ (Packet::Ip(_) | Packet::Arp) => reported,
            reported @ (Packet::NonIp(_) | Packet::Undecodable(_)) => {
                mislabelled::reread(data, context, wire_len).unwrap_or(reported)
            }
        },
        Linktype::LINUX_SLL => {
            // The packet type 1 says broadcast; the protocol is the last field of 16 bytes.
            cooked(data, (14, 16), context.to_all(u16_at(data, 0) == Some(1)))
        }
        Linktype::LINUX_SLL2 => cooked(data, (0, 20), context.to_all(data.get(10) == Some(&1))),
        Linktype::NULL | Linktype::LOOP => loopback(data, context),
        Linktype::RAW | Linktype::RAW_BSD | Linktype::RAW_OPENBSD => raw_ip(data, context),
        Linktype::IPV4 => network::ipv4(data, context),
        Linktype::IPV6 => network::ipv6(data, context),
        other => rare(other, (data, wire_len), context),
    }
}

/// Link layers that are met seldom, kept out of the way of the others.
#[cold]
fn rare(linktype: Linktype, (data, wire_len): OnWire<'_>, context: Context) -> Packet<'_> {
    if let Some(carries) = of_juniper(linktype) {
        return juniper::frame(data, context, (carries, wire_len));
    }
    match linktype {
        // Captures of Cisco's framing bear the number of PPP too.
        Linktype::PPP | Linktype::PPP_HDLC => serial::ppp_hdlc(data, context),
        Linktype::PPP_ETHER => serial::pppoe(data, context),
        Linktype::C_HDLC => serial::cisco_hdlc(data, context),
        Linktype::FRELAY => serial::frame_relay(data, context),
        Linktype::IEEE802_11 => wireless::frame(data, context, wireless::Padding::None),
        Linktype::IEEE802_11_RADIOTAP => wireless::radiotap(data, context),
        Linktype::NFLOG => nflog::message(data, context),
        Linktype::ENC => tagged::enc(data, context),
        Linktype::PFLOG => tagged::pflog(data, context),
        Linktype::ARCNET_LINUX => tagged::arcnet(data, context),
        Linktype::IPNET => tagged::ipnet(data, context),
        Linktype::IPOIB => tagged::ipoib(data, context),
        Linktype::DSA_TAG_BRCM | Linktype::DSA_TAG_DSA => {
            tagged::tag_behind_addresses(data, context, 4)
        }
        Linktype::DSA_TAG_EDSA => tagged::tag_behind_addresses(data, context, 8),
        Linktype::DSA_TAG_BRCM_PREPEND => tagged::tag_before_frame(data, context, 4),
        Linktype::PKTAP | Linktype::USER2 => pktap((data, wire_len), context),
        _ => stop(StopReason::UnknownLinktype, 0),
    }
}

/// Apple's header before frames of any interface: its own length, what follows, and the link type of that, all in
/// little-endian order; 108 bytes and more.
fn pktap((data, wire_len): OnWire<'_>, context: Context) -> Packet<'_> {
    let word = |at: usize| data.get(at..)?.first_chunk::<4>().map(|w| u32::from_le_bytes(*w));
    let (Some(length), Some(follows), Some(linktype)) = (word(0), word(4), word(8)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    let header_len = usize::try_from(length).unwrap_or(usize::MAX);
    let linktype = u16::try_from(linktype).map(Linktype);
    // The number for private use may name anything.
    let is_sound = header_len >= LEAST_PKTAP && follows <= 1;
    let Some(linktype) = linktype.ok().filter(|inside| is_sound && !is_pktap(*inside)) else {
        return stop(StopReason::UnknownLinktype, context.offset);
    };
    match data.get(header_len..) {
        Some(_) if follows == 0 => Packet::NonIp(0),
        Some(rest) => {
            let wire_len = wire_len.saturating_sub(header_len);
            by_linktype(linktype, (rest, wire_len), context.further(header_len))
        }
        None => stop(StopReason::TruncatedLink, context.offset),
    }
}

/// One header of this kind in another would have no end.
const fn is_pktap(linktype: Linktype) -> bool {
    matches!(linktype, Linktype::PKTAP | Linktype::USER2)
}

/// What frames of Juniper's link types carry behind their head.
const fn of_juniper(linktype: Linktype) -> Option<juniper::Carries> {
    use juniper::Carries;
    match linktype.0 {
        // Ethernet; PPP over Ethernet; a secure tunnel, which shows the ESP packet's own headers first.
        178 | 167 | 200 => Some(Carries::Ethernet),
        179 => Some(Carries::Ppp),
        180 => Some(Carries::FrameRelay),
        181 => Some(Carries::CiscoHdlc),
        // Multilink PPP and Frame Relay, GGSN, ATM, services, monitoring, voice, PIC peers and others.
        130 | 131 | 133..=137 | 164 | 168 | 174 | 183 | 194 | 232..=234 | 238 => {
            Some(Carries::Cookies)
        }
        _ => None,
    }
}

/// Where in the frame a decoder is, and what the layers around it gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// The byte of the frame at which the slice begins.
    pub(super) offset: usize,
    /// Tunnels around it.
    pub(super) depth: u8,
    /// Layers below IP that can hold each other, and that were passed within the last tunnel.
    layers: u8,
    /// The outermost frame went to every station.
    pub(super) link_broadcast: bool,
    /// IP packets around it.
    pub(super) nested: u8,
    /// How many IP packets may be entered.
    enters: u8,
}

impl Context {
    pub(super) const fn at(offset: usize) -> Self {
        let enters = MAX_DEPTH + 1;
        Self { offset, depth: 0, layers: 0, link_broadcast: false, nested: 0, enters }
    }

    /// Inside an IP packet; `None` where the packet itself was asked for.
    pub(super) fn beneath_ip(self) -> Option<Self> {
        let enters = self.enters.min(MAX_DEPTH);
        (self.nested < enters).then_some(Self { nested: self.nested + 1, ..self })
    }

    /// Whether the innermost packet is asked for, and more packets are around it than are followed.
    pub(super) const fn is_too_deep(self) -> bool {
        self.enters > MAX_DEPTH && self.nested >= MAX_DEPTH
    }

    pub(super) const fn further(self, more: usize) -> Self {
        Self { offset: self.offset + more, ..self }
    }

    /// Where the frame went to every station.
    pub(super) const fn to_all(self, link_broadcast: bool) -> Self {
        Self { link_broadcast, ..self }
    }

    /// Inside one more tunnel; `None` where that is too many.
    pub(super) fn deeper(self) -> Option<Self> {
        (self.depth < MAX_DEPTH).then_some(Self { depth: self.depth + 1, layers: 0, ..self })
    }

    /// Behind one more layer of those that can hold each other; `None` where that is too many.
    fn lower(self) -> Option<Self> {
        (self.layers < MAX_LAYERS).then_some(Self { layers: self.layers + 1, ..self })
    }
}

pub(super) const fn stop<'a>(reason: StopReason, offset: usize) -> Packet<'a> {
    Packet::Undecodable(Stop { reason, offset })
}

/// What reads the bytes from the position of a context on.
pub(super) type Decoder = for<'a> fn(&'a [u8], Context) -> Packet<'a>;

/// Goes on in what a tunnel carries.
pub(super) fn enter(decode: Decoder, data: &[u8], context: Context) -> Packet<'_> {
    match context.deeper() {
        Some(inside) => decode(data, inside),
        None => stop(StopReason::TunnelTooDeep, context.offset),
    }
}

/// An Ethernet frame, also one that a tunnel carries.
pub(super) fn ethernet(data: &[u8], context: Context) -> Packet<'_> {
    let Ok(header) = Ethernet2HeaderSlice::from_slice(data) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    let context = context.further(14).to_all(header.destination() == [0xff; 6]);
    ether_type(header.ether_type().0, data.get(14..).unwrap_or_default(), context)
}

/// What follows an EtherType; VLAN tags are passed over, 802.1Q and QinQ alike.
pub(super) fn ether_type(first: u16, payload: &[u8], context: Context) -> Packet<'_> {
    let (mut kind, mut rest, mut context) = (first, payload, context);
    for _ in 0..=MAX_VLAN_TAGS {
        match kind {
            IPV4 => return network::ipv4(rest, context),
            IPV6 => return network::ipv6(rest, context),
            ARP => return Packet::Arp,
            VLAN | QINQ | QINQ_OLD => {
                let Ok(tag) = SingleVlanHeaderSlice::from_slice(rest) else {
                    return stop(StopReason::TruncatedLink, context.offset);
                };
                kind = tag.ether_type().0;
                rest = rest.get(4..).unwrap_or_default();
                context = context.further(4);
            }
            other => return behind_rare_type(other, rest, context),
        }
    }
    Packet::NonIp(kind)
}

/// What follows the EtherTypes that are met seldom, or an 802.3 length.
#[cold]
fn behind_rare_type(kind: u16, data: &[u8], context: Context) -> Packet<'_> {
    let decode: Decoder = match kind {
        ..LEAST_ETHER_TYPE => return behind_length(kind, data, context),
        MPLS | MPLS_MULTICAST => mpls::stack,
        PPPOE_SESSION => serial::pppoe,
        PPP => serial::ppp,
        MACSEC => macsec::frame,
        VN_TAG | REDUNDANCY => behind_tag,
        METADATA => behind_metadata,
        TRILL => behind_trill,
        SERVICE_CHAIN => behind_service_header,
        FABRIC_PATH => |data, context| framed(data, context, 2),
        PROVIDER_BACKBONE => |data, context| framed(data, context, 4),
        TRANSPARENT_ETHERNET => return enter(ethernet, data, context),
        _ => return Packet::NonIp(kind),
    };
    match context.lower() {
        Some(context) => decode(data, context),
        None => stop(StopReason::TunnelTooDeep, context.offset),
    }
}

/// Cisco's metadata: version and length 1, an option with the sender's security group, an EtherType.
fn behind_metadata(data: &[u8], context: Context) -> Packet<'_> {
    match (data.first_chunk::<2>(), u16_at(data, 6), data.get(8..)) {
        (Some([1, 1]), Some(kind), Some(rest)) => ether_type(kind, rest, context.further(8)),
        (Some([1, 1]), ..) | (None, ..) => stop(StopReason::TruncatedLink, context.offset),
        (Some(_), ..) => stop(StopReason::UnknownLinktype, context.offset),
    }
}

/// RFC 6325 §3: version, flags and length of the options in words; hop count, two nicknames; a frame.
fn behind_trill(data: &[u8], context: Context) -> Packet<'_> {
    match u16_at(data, 0) {
        Some(flags) => framed(data, context, 6 + usize::from(flags >> 6 & 0x1f) * 4),
        None => stop(StopReason::TruncatedLink, context.offset),
    }
}

/// RFC 8300 §2.2: the length of the header in words in the low six bits of the first two bytes, and in the
/// fourth byte what follows.
fn behind_service_header(data: &[u8], context: Context) -> Packet<'_> {
    let (Some(flags), Some(next)) = (u16_at(data, 0), data.get(3)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    let header_len = usize::from(flags & 0x3f) * 4;
    let (Some(rest), inside) = (data.get(header_len..), context.further(header_len)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    match next {
        1 => network::ipv4(rest, inside),
        2 => network::ipv6(rest, inside),
        3 => ethernet(rest, inside),
        5 => mpls::stack(rest, inside),
        _ => stop(StopReason::UnknownLinktype, context.offset),
    }
}

/// VN-Tag (IEEE 802.1BR's forerunner) and HSR (IEC 62439-3 §5.7): four bytes, then an EtherType.
fn behind_tag(data: &[u8], context: Context) -> Packet<'_> {
    match (u16_at(data, 4), data.get(6..)) {
        (Some(kind), Some(rest)) => ether_type(kind, rest, context.further(6)),
        _ => stop(StopReason::TruncatedLink, context.offset),
    }
}

/// A whole frame behind a header: FabricPath's forwarding tag and lifetime, or the service of
/// IEEE 802.1ah.
fn framed(data: &[u8], context: Context, header_len: usize) -> Packet<'_> {
    match data.get(header_len..) {
        Some(frame) => ethernet(frame, context.further(header_len)),
        None => stop(StopReason::TruncatedLink, context.offset),
    }
}

/// IEEE 802.3 §3.2.6: a length in the EtherType's place; LLC follows, then padding.
fn behind_length(length: u16, data: &[u8], context: Context) -> Packet<'_> {
    let Some(context) = context.lower() else {
        return stop(StopReason::TunnelTooDeep, context.offset);
    };
    let data = data.get(..usize::from(length)).unwrap_or(data);
    // Without room for an LLC header it is nothing that could be cut.
    if length < 3 {
        return Packet::NonIp(length);
    }
    llc::frame(data, context).unwrap_or(Packet::NonIp(length))
}

/// Linux cooked captures: the protocol's place and the header's length differ by version.
///
/// etherparse refuses cooked frames of hardware types it does not know; only these fields matter.
fn cooked(data: &[u8], (protocol_at, header_len): (usize, usize), context: Context) -> Packet<'_> {
    let (Some(kind), Some(payload)) = (u16_at(data, protocol_at), data.get(header_len..)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    ether_type(kind, payload, context.further(header_len))
}

/// A four-byte protocol family in either byte order: 2 is IPv4; 24, 28 and 30 are the BSDs' IPv6.
fn loopback(data: &[u8], context: Context) -> Packet<'_> {
    let (Some(family), Some(payload)) = (data.first_chunk::<4>(), data.get(4..)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    let (little, big) = (u32::from_le_bytes(*family), u32::from_be_bytes(*family));
    match little.min(big) {
        2 => network::ipv4(payload, context.further(4)),
        10 | 24 | 28 | 30 => network::ipv6(payload, context.further(4)),
        other => Packet::NonIp(u16::try_from(other).unwrap_or(u16::MAX)),
    }
}

/// IPv4 or IPv6, as its first four bits say.
pub(super) fn raw_ip(data: &[u8], context: Context) -> Packet<'_> {
    match data.first().map(|b| b >> 4) {
        Some(4) => network::ipv4(data, context),
        Some(6) => network::ipv6(data, context),
        Some(_) => stop(StopReason::MalformedIpv4, context.offset),
        None => stop(StopReason::TruncatedLink, context.offset),
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|field| u16::from_be_bytes(*field))
}

pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
pub(super) const ARP: u16 = 0x0806;
pub(super) const VLAN: u16 = 0x8100;
pub(super) const QINQ: u16 = 0x88a8;
const QINQ_OLD: u16 = 0x9100;
/// IEEE 802.3 §3.2.6: what is below is a length.
pub(super) const LEAST_ETHER_TYPE: u16 = 0x0600;
pub(super) const TRANSPARENT_ETHERNET: u16 = 0x6558;
/// RFC 2637 §4.1, RFC 7042 B.1.
pub(super) const PPP: u16 = 0x880b;
/// RFC 3032 §5, RFC 5332 §3.
pub(super) const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;
const MACSEC: u16 = 0x88e5;
/// Cisco's.
const VN_TAG: u16 = 0x8926;
/// Cisco's, behind the addresses of the fabric's switches.
const FABRIC_PATH: u16 = 0x8903;
/// IEEE 802.1ah §9.7: the I-TAG.
const PROVIDER_BACKBONE: u16 = 0x88e7;
const ETHERNET_LEN: usize = 14;
/// RFC 6325, RFC 8300.
const TRILL: u16 = 0x22f3;
const SERVICE_CHAIN: u16 = 0x894f;
/// Cisco's, with TrustSec's security group.
const METADATA: u16 = 0x8909;
/// IEC 62439-3: High-availability Seamless Redundancy.
const REDUNDANCY: u16 = 0x892f;
const LEAST_PKTAP: usize = 108;
const MAX_VLAN_TAGS: usize = 4;
const MAX_DEPTH: u8 = 4;
/// IP packets that can be around another: no tunnel is entered beyond.
pub const MOST_NESTED: u8 = MAX_DEPTH;
/// Twice what networks stack; without an end a frame could nest them until the stack overflows.
const MAX_LAYERS: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::FrameNumber;
    use crate::packet::Ports;
    use crate::time::Timestamp;

    fn frame(linktype: Linktype, data: &[u8]) -> RawFrame<'_> {
        RawFrame {
            number: FrameNumber(1),
            time: Timestamp(0),
            linktype,
            original_len: u32::try_from(data.len()).unwrap(),
            interface: 0,
            description: 0,
            offset: 0,
            seen_at: crate::capture::SeenAt::Wire,
            data,
        }
    }

    fn udp_in_ipv4() -> Vec<u8> {
        let mut packet = Vec::new();
        etherparse::PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .udp(500, 4500)
            .write(&mut packet, b"abcd")
            .unwrap();
        packet
    }

    fn ports(packet: Packet<'_>) -> Option<Ports> {
        match packet {
            Packet::Ip(ip) => ip.ports,
            Packet::Arp | Packet::NonIp(_) | Packet::Undecodable(_) => None,
        }
    }

    #[test]
    fn one_packet_is_the_same_behind_every_link_layer() {
        let ip = udp_in_ipv4();
        let behind = |header: &[u8]| [header, &ip].concat();
        let mac = [2u8; 12];
        let cases = [
            (Linktype::ETHERNET, behind(&[&mac[..], &[8, 0]].concat())),
            (Linktype::ETHERNET, behind(&[&mac[..], &[0x81, 0, 0, 5, 8, 0]].concat())),
            (
                Linktype::ETHERNET,
                behind(&[&mac[..], &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0]].concat()),
            ),
            (Linktype::LINUX_SLL, behind(&[&[0; 14][..], &[8, 0]].concat())),
            (Linktype::LINUX_SLL2, behind(&[&[8, 0][..], &[0; 18]].concat())),
            (Linktype::NULL, behind(&[2, 0, 0, 0])),
            (Linktype::LOOP, behind(&[0, 0, 0, 2])),
            (Linktype::RAW, ip.clone()),
            (Linktype::IPV4, ip.clone()),
        ];
        for (linktype, data) in cases {
            let found = ports(decode(&frame(linktype, &data)));
            assert_eq!(found, Some(Ports { source: 500, destination: 4500 }), "{linktype:?}");
        }
    }

    #[test]
    fn an_unknown_linktype_is_undecodable_and_named() {
        let packet = decode(&frame(Linktype(147), &[0; 60]));
        assert!(matches!(
            packet,
            Packet::Undecodable(Stop { reason: StopReason::UnknownLinktype, .. })
        ));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(linktype in 0u16..300, data: Vec<u8>) {
            let _ = decode(&frame(Linktype(linktype), &data));
        }
    }
}
