//! Which packets are exempt because no policy protects them, told by what they are.
//!
//! A protocol number or a port is no proof: text under ICMP's number or between DHCP's ports is clear text. What
//! the capture cut before the proof keeps the kind that its header says.

use super::ExemptKind;
use crate::packet::{IpPacket, Ports, protocol};
use std::net::IpAddr;

/// The kind of an exempt packet; `None` where it is not exempt.
pub(super) fn kind(ip: &IpPacket<'_>) -> Option<ExemptKind> {
    if ip.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return by_header(ip);
    }
    let kind = match ip.protocol {
        protocol::ICMPV6 if is_neighbour_discovery(ip) => ExemptKind::NeighbourDiscovery,
        protocol::ICMP if is_icmp(ip) => ExemptKind::Icmp,
        protocol::ICMPV6 if is_icmp_of_ipv6(ip) => ExemptKind::Icmp,
        protocol::IGMP if ip.destination().is_multicast() || is_igmp(ip) => ExemptKind::Igmp,
        protocol::UDP if ip.ports.is_some_and(|ports| is_dhcp(ip, ports)) => ExemptKind::Dhcp,
        _ => return by_destination(ip),
    };
    Some(kind)
}

/// Later fragments show their header alone.
fn by_header(ip: &IpPacket<'_>) -> Option<ExemptKind> {
    match ip.protocol {
        protocol::ICMP | protocol::ICMPV6 => Some(ExemptKind::Icmp),
        protocol::IGMP => Some(ExemptKind::Igmp),
        _ => by_destination(ip),
    }
}

fn by_destination(ip: &IpPacket<'_>) -> Option<ExemptKind> {
    let destination = ip.destination();
    if destination.is_multicast() {
        return Some(ExemptKind::Multicast);
    }
    let is_directed =
        ip.link_broadcast && ip.protocol != protocol::TCP && may_be_broadcast(destination);
    (is_broadcast(destination) || is_directed).then_some(ExemptKind::Broadcast)
}

fn is_broadcast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_broadcast(),
        IpAddr::V6(_) => false,
    }
}

/// Whether an address can be the last one of a network: those of networks of six hosts and more end in three
/// ones. A frame to every station makes no broadcast of a host's own address, and TCP knows none (RFC 1122
/// §3.3.6, §4.2.3.10).
fn may_be_broadcast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[3] & 7 == 7,
        IpAddr::V6(_) => false,
    }
}

fn octet(ip: &IpPacket<'_>, at: usize) -> Option<u8> {
    ip.payload.get(at).copied()
}

/// Whether the capture cut the packet, or a fragment shows only the beginning of it.
const fn is_partial(ip: &IpPacket<'_>) -> bool {
    ip.payload.len() < ip.payload_len || ip.fragment.is_some()
}

/// RFC 792, RFC 950, RFC 1256: echo; errors, which quote the packet that they are about; the other queries
/// have a length that leaves no room for data.
fn is_icmp(ip: &IpPacket<'_>) -> bool {
    let Some(kind) = octet(ip, 0) else { return ip.payload_len > 0 };
    match kind {
        0 | 8 => true,
        3 | 4 | 5 | 11 | 12 => quotes(ip, 4),
        9 => octet(ip, 4).is_none_or(|addresses| ip.payload_len == 8 + usize::from(addresses) * 8),
        10 => ip.payload_len <= SHORTEST_QUERY,
        13 | 14 => ip.payload_len <= 20,
        15..=18 => ip.payload_len <= 12,
        // RFC 8335: an extended echo names an interface.
        42 | 43 => ip.payload_len <= EXTENDED_ECHO,
        _ => false,
    }
}

/// RFC 4443 §3 and §4, RFC 3810 §5, RFC 6275 §6.8 need a multicast destination or have no room for data.
fn is_icmp_of_ipv6(ip: &IpPacket<'_>) -> bool {
    let Some(kind) = octet(ip, 0) else { return ip.payload_len > 0 };
    match kind {
        1..=4 => quotes(ip, 6),
        128 | 129 => true,
        // Multicast listeners: of a fixed length, or with sources that are counted.
        130 if ip.payload_len > 24 => {
            let sources = ip.payload.get(26..).and_then(<[u8]>::first_chunk);
            let sources = sources.map(|field| usize::from(u16::from_be_bytes(*field)));
            sources.is_none_or(|sources| ip.payload_len == 28 + sources * 16)
        }
        130..=132 => ip.payload_len == 24,
        160 | 161 => ip.payload_len <= EXTENDED_ECHO,
        _ => false,
    }
}

/// Whether an error quotes a packet that passed between the hosts: its receiver sent it, or a checksum holds.
fn quotes(ip: &IpPacket<'_>, version: u8) -> bool {
    let Some(quoted) = ip.payload.get(8..) else { return is_partial(ip) };
    let (addresses, length) = if version == 4 { (12, 4) } else { (8, 16) };
    let Some(source) = quoted.get(addresses..addresses + length) else { return is_partial(ip) };
    let is_version = quoted.first().is_some_and(|first| first >> 4 == version);
    let is_receivers = match ip.destination() {
        IpAddr::V4(v4) => v4.octets() == source,
        IpAddr::V6(v6) => v6.octets() == source,
    };
    is_version && (is_receivers || has_checksum(quoted))
}

/// RFC 791 §3.1; address translation may have changed the packet around and left the quoted one.
fn has_checksum(header: &[u8]) -> bool {
    let Some(header) = header.get(..20) else { return false };
    let words = header.as_chunks::<2>().0.iter();
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    header.first() == Some(&0x45) && (sum & 0xffff) + (sum >> 16) == 0xffff
}

/// RFC 4861 §4: solicitations, advertisements and redirects; a fixed part, then options in units of eight octets.
fn is_neighbour_discovery(ip: &IpPacket<'_>) -> bool {
    let fixed = match octet(ip, 0) {
        Some(133) => 8,
        Some(134) => 16,
        Some(135 | 136) => 24,
        Some(137) => 40,
        // RFC 3122: inverse discovery. RFC 3971: certificates of routers.
        Some(141 | 142) => 8,
        Some(148 | 149) => return true,
        _ => return false,
    };
    let mut at = fixed;
    for _ in 0..MOST_OPTIONS {
        if at >= ip.payload_len {
            break;
        }
        match octet(ip, at + 1) {
            Some(0) => return false,
            Some(units) => at += usize::from(units) * 8,
            None => return is_partial(ip),
        }
    }
    octet(ip, 1).is_none_or(|code| code == 0) && at == ip.payload_len
}

/// RFC 2236 §2 and RFC 3376 §4: messages of eight octets, or with sources and records that are counted.
fn is_igmp(ip: &IpPacket<'_>) -> bool {
    let Some(kind) = octet(ip, 0) else { return ip.payload_len > 0 };
    let counted = |at: usize| {
        let field = ip.payload.get(at..)?.first_chunk::<2>()?;
        Some(usize::from(u16::from_be_bytes(*field)))
    };
    match kind {
        0x11 if ip.payload_len >= 12 => {
            counted(10).is_none_or(|sources| ip.payload_len == 12 + sources * 4)
        }
        0x11 | 0x12 | 0x16 | 0x17 => ip.payload_len == 8,
        0x22 => {
            let mut at = 8;
            for _ in 0..counted(6).unwrap_or_default() {
                let Some(sources) = counted(at + 2) else { return is_partial(ip) };
                let auxiliary = octet(ip, at + 1).map_or(0, usize::from);
                at += 8 + sources * 4 + auxiliary * 4;
                if at > ip.payload_len {
                    return false;
                }
            }
            at == ip.payload_len
        }
        _ => false,
    }
}

/// RFC 2131 §2 and §4.1, RFC 8415 §7.2 and §8: between these ports, in the form of a message.
fn is_dhcp(ip: &IpPacket<'_>, ports: Ports) -> bool {
    match (ports.source, ports.destination) {
        (67 | 68, 67 | 68) => {
            let is_message = octet(ip, 0).is_none_or(|kind| matches!(kind, 1 | 2));
            let has_address = octet(ip, 2).is_none_or(|length| length <= 16);
            let cookie = ip.payload.get(BOOTP_HEADER..BOOTP_HEADER + 4);
            let is_whole = cookie.map_or_else(|| is_partial(ip), |cookie| cookie == MAGIC_COOKIE);
            is_message && has_address && is_whole
        }
        (546 | 547, 546 | 547) => {
            let mut at = match octet(ip, 0) {
                Some(12 | 13) => 34,
                Some(1..=36) => 4,
                Some(_) => return false,
                None => return ip.payload_len > 0,
            };
            for _ in 0..MOST_OPTIONS {
                if at >= ip.payload_len {
                    break;
                }
                let Some(length) =
                    ip.payload.get(at + 2..).and_then(|rest| rest.first_chunk::<2>())
                else {
                    return is_partial(ip);
                };
                at += 4 + usize::from(u16::from_be_bytes(*length));
            }
            at == ip.payload_len
        }
        _ => false,
    }
}

/// Options of one message that are looked at.
const MOST_OPTIONS: usize = 256;
const SHORTEST_QUERY: usize = 8;
/// The header, and an object with an address.
const EXTENDED_ECHO: usize = 36;
/// RFC 2131 §2: the fixed fields, then RFC 2132 §2's cookie.
const BOOTP_HEADER: usize = 236;
const MAGIC_COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(protocol: u8, ports: Option<(u16, u16)>, payload: &[u8]) -> Option<ExemptKind> {
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse().unwrap());
        let ports = ports.map(|(source, destination)| Ports { source, destination });
        kind(&IpPacket { ports, ..IpPacket::carrying(one, two, protocol, payload) })
    }

    fn text(head: &[u8]) -> Vec<u8> {
        [head, &b"the minutes of the meeting, in clear. ".repeat(20)].concat()
    }

    #[test]
    fn an_error_quotes_what_its_receiver_sent() {
        let head = [3, 1, 0, 0, 0, 0, 0, 0];
        let quoted =
            [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 9, 1, 2, 3, 4];
        assert_eq!(of(1, None, &[&head[..], &quoted].concat()), Some(ExemptKind::Icmp));
        assert_eq!(of(1, None, &text(&head)), None);
    }

    #[test]
    fn echo_is_exempt_and_experiments_and_long_queries_are_not() {
        assert_eq!(of(1, None, &text(&[8, 0, 0, 0])), Some(ExemptKind::Icmp));
        assert_eq!(of(1, None, &[13; 20]), Some(ExemptKind::Icmp));
        for kind in [13, 17, 40, 253] {
            assert_eq!(of(1, None, &text(&[kind, 0, 0, 0])), None, "{kind}");
        }
    }

    #[test]
    fn dhcp_and_igmp_have_a_form() {
        let mut message = vec![0; 240];
        message[0] = 1;
        message[236..].copy_from_slice(&MAGIC_COOKIE);
        assert_eq!(of(17, Some((68, 67)), &message), Some(ExemptKind::Dhcp));
        assert_eq!(of(17, Some((68, 67)), &text(&[])), None);
        assert_eq!(
            of(17, Some((546, 547)), &[1, 0, 0, 7, 0, 8, 0, 2, 0, 0]),
            Some(ExemptKind::Dhcp)
        );
        assert_eq!(of(17, Some((547, 546)), &text(&[7, 0, 0, 7])), None);
        assert_eq!(of(2, None, &[0x16, 0, 0, 0, 224, 0, 0, 9]), Some(ExemptKind::Igmp));
        assert_eq!(of(2, None, &text(&[0x16, 0, 0, 0, 224, 0, 0, 9])), None);
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_it_panic(protocol in 0u8..=255, ports: Option<(u16, u16)>, payload: Vec<u8>) {
            let _ = of(protocol, ports, &payload);
        }
    }
}
