//! Which packets are exempt because no policy protects them, by what they are.
//!
//! A protocol number or a port is no proof: an exemption holds only in the form that its RFC gives the message, and
//! readable text where none belongs is clear text. What the capture cut before the proof keeps the kind that its
//! header names.

mod dhcp;
mod neighbours;
mod quoted;

use super::ExemptKind;
use crate::ike::readable::{holds_text, is_filling, text_len};
use crate::packet::{IpPacket, protocol};
use quoted::{quotes, repeats_text};
use std::net::IpAddr;

/// The kind of an exempt packet; `None` where it is not exempt.
pub(super) fn kind(ip: &IpPacket<'_>) -> Option<ExemptKind> {
    if ip.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return by_header(ip);
    }
    let kind = match ip.protocol {
        protocol::ICMPV6 if neighbours::is_discovery(ip) => ExemptKind::NeighbourDiscovery,
        protocol::ICMP if is_echo(ip, [0, 8]) => ExemptKind::Echo,
        protocol::ICMPV6 if is_echo(ip, [128, 129]) => ExemptKind::Echo,
        protocol::ICMP if is_icmp(ip) => ExemptKind::Icmp,
        protocol::ICMPV6 if is_icmp_of_ipv6(ip) => ExemptKind::Icmp,
        protocol::IGMP if ip.destination().is_multicast() || is_igmp(ip) => ExemptKind::Igmp,
        protocol::UDP if ip.ports.is_some_and(|ports| dhcp::is_message(ip, ports)) => {
            ExemptKind::Dhcp
        }
        _ => return by_destination(ip),
    };
    Some(kind)
}

/// Later fragments show their header alone. Of the messages of ICMP and IGMP only an echo is long enough to need them:
/// errors have 576 or 1,280 octets at the most, and the others fewer.
fn by_header(ip: &IpPacket<'_>) -> Option<ExemptKind> {
    match ip.protocol {
        protocol::ICMP | protocol::ICMPV6 if !is_mostly_text(ip.payload) => Some(ExemptKind::Echo),
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

fn byte_at(ip: &IpPacket<'_>, at: usize) -> Option<u8> {
    ip.payload.get(at).copied()
}

/// Whether the capture cut the packet, or a fragment shows only the beginning of it.
const fn is_partial(ip: &IpPacket<'_>) -> bool {
    ip.payload.len() < ip.payload_len || ip.fragment.is_some()
}

/// Whether a packet can have been sent with so many hops: those of the link's own protocols are sent with one
/// value only.
const fn has_hops(ip: &IpPacket<'_>, hops: u8) -> bool {
    ip.hops == hops || ip.hops == 0
}

/// Whether more than half of what is there is text, and not what pings fill with.
pub(super) fn is_mostly_text(octets: &[u8]) -> bool {
    text_len(octets) * 2 > octets.len() && !is_filling(octets)
}

/// Whether an echo request or reply begins here.
fn is_echo(ip: &IpPacket<'_>, kinds: [u8; 2]) -> bool {
    byte_at(ip, 0).is_some_and(|kind| kinds.contains(&kind))
}

/// Whether one host sent text to another one in a message that has no place for it.
fn shows_text(ip: &IpPacket<'_>) -> bool {
    !ip.destination().is_multicast() && holds_text(ip.payload)
}

/// RFC 792, RFC 950, RFC 1256: errors, which quote the packet that they are about; the other queries
/// have a length that leaves no room for data.
fn is_icmp(ip: &IpPacket<'_>) -> bool {
    let Some(kind) = byte_at(ip, 0) else { return ip.payload_len > 0 };
    match kind {
        _ if ip.fragment.is_some() => false,
        3 | 4 | 5 | 11 | 12 => quotes(ip, 8),
        9 => is_router_advertisement(ip) && !shows_text(ip),
        10 => ip.payload_len <= SHORTEST_QUERY,
        13 | 14 => ip.payload_len <= 20,
        15..=18 => ip.payload_len <= 12,
        // RFC 8335: an extended echo names an interface.
        42 | 43 => ip.payload_len <= EXTENDED_ECHO,
        _ => false,
    }
}

/// Whether an exempt message is an error that repeats text of the packet that it is about.
pub(super) fn error_repeats_text(ip: &IpPacket<'_>) -> bool {
    let is_error = match ip.protocol {
        protocol::ICMP => matches!(byte_at(ip, 0), Some(3 | 4 | 5 | 11 | 12)),
        protocol::ICMPV6 => matches!(byte_at(ip, 0), Some(1..=4)),
        _ => false,
    };
    is_error && repeats_text(ip, 8)
}

/// RFC 1256 §3 and §4.1: entries of two words, an address of the sender and a preference; the packet's source is
/// one of these addresses.
fn is_router_advertisement(ip: &IpPacket<'_>) -> bool {
    let (Some(entries), Some(words)) = (byte_at(ip, 4), byte_at(ip, 5)) else {
        return is_partial(ip);
    };
    let (entries, words) = (usize::from(entries), usize::from(words));
    let IpAddr::V4(source) = ip.source() else { return false };
    let seen = ip.payload.get(8..).unwrap_or_default();
    let names_source = seen.chunks(8).any(|entry| entry.starts_with(&source.octets()));
    words == 2 && ip.payload_len == 8 + entries * 8 && (names_source || is_partial(ip))
}

/// RFC 4443 §3 and §4, RFC 8335; multicast listeners' messages have a hop limit of 1 and a fixed length, or sources
/// that are counted (RFC 2710 §3, RFC 3810 §5).
fn is_icmp_of_ipv6(ip: &IpPacket<'_>) -> bool {
    let Some(kind) = byte_at(ip, 0) else { return ip.payload_len > 0 };
    match kind {
        _ if ip.fragment.is_some() => false,
        1..=4 => quotes(ip, 8),
        139 | 140 => is_node_information(ip),
        130..=132 if !has_hops(ip, 1) || shows_text(ip) => false,
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

/// RFC 2236 §2 and RFC 3376 §4: sent with a time to live of 1; messages of eight bytes, or with sources and records
/// that are counted. Records have no auxiliary data (§4.2.6, §4.2.10).
fn is_igmp(ip: &IpPacket<'_>) -> bool {
    let Some(kind) = byte_at(ip, 0) else { return ip.payload_len > 0 };
    if !has_hops(ip, 1) || shows_text(ip) || ip.fragment.is_some() {
        return false;
    }
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
                at += 8 + sources * 4;
                if at > ip.payload_len {
                    return false;
                }
            }
            at == ip.payload_len
        }
        _ => false,
    }
}

/// RFC 4620 §4 to §6: what a node is called, and its addresses.
fn is_node_information(ip: &IpPacket<'_>) -> bool {
    let (Some(kind), Some(asked)) = (byte_at(ip, 0), byte_at(ip, 5)) else { return is_partial(ip) };
    let name_at = if kind == 139 { 16 } else { 20 };
    let content = ip.payload.get(name_at..).unwrap_or_default();
    asked <= 4
        && ip.payload_len <= LONGEST_NODE_INFORMATION
        && (!holds_text(ip.payload) || are_names(content))
}

/// Whether octets are names of the domain name system: labels of 63 octets at the most, each behind its length, and a
/// zero behind the last (RFC 1035 §3.1). Zeros may fill up behind them.
fn are_names(octets: &[u8]) -> bool {
    let mut at = 0;
    while let Some(length) = octets.get(at) {
        let label = octets.get(at + 1..at + 1 + usize::from(*length));
        let is_label =
            |label: &[u8]| label.iter().all(|o| o.is_ascii_alphanumeric() || b"-_".contains(o));
        match length {
            0..=63 if label.is_some_and(is_label) => at += 1 + usize::from(*length),
            // RFC 1035 §4.1.4: the rest is that of an earlier name.
            0xc0.. if at + 1 < octets.len() => at += 2,
            _ => return false,
        }
    }
    true
}

const SHORTEST_QUERY: usize = 8;
/// The header, and an object with an address.
const EXTENDED_ECHO: usize = 36;
/// A header, a time to live and a name (RFC 4620 §4 and §6.3, RFC 1035 §2.3.4).
const LONGEST_NODE_INFORMATION: usize = 276;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Ports;

    fn of(protocol: u8, ports: Option<(u16, u16)>, payload: &[u8]) -> Option<ExemptKind> {
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse().unwrap());
        let ports = ports.map(|(source, destination)| Ports { source, destination });
        kind(&IpPacket { ports, ..IpPacket::carrying(one, two, protocol, payload) })
    }

    fn text(head: &[u8]) -> Vec<u8> {
        [head, &b"the minutes of the meeting, in clear. ".repeat(20)].concat()
    }

    fn sent_with(hops: u8, from_to: [&str; 2], protocol: u8, payload: &[u8]) -> Option<ExemptKind> {
        let [one, two] = from_to.map(|address| address.parse().unwrap());
        let ports = |source, destination| Some(Ports { source, destination });
        let ports = if protocol == 17 { ports(547, 547) } else { None };
        kind(&IpPacket { hops, ports, ..IpPacket::carrying(one, two, protocol, payload) })
    }

    const V6: [&str; 2] = ["2001:db8::1", "2001:db8::2"];
    const V4: [&str; 2] = ["10.0.0.1", "10.0.0.2"];
    const WORDS: &[u8] = b"words that anybody can read, and some more of these";

    /// The packet that 10.0.0.2 sent to a host, of so many bytes.
    fn header(to: u8, protocol: u8, len: u8) -> Vec<u8> {
        vec![0x45, 0, 0, len, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 2, 10, 0, 0, to]
    }

    #[test]
    fn an_error_quotes_what_its_receiver_sent() {
        let head = [3, 1, 0, 0, 0, 0, 0, 0];
        let quoted = [header(9, 6, 40), vec![1, 2, 3, 4]].concat();
        assert_eq!(of(1, None, &[&head[..], &quoted].concat()), Some(ExemptKind::Icmp));
        assert_eq!(of(1, None, &text(&head)), None);
    }

    #[test]
    fn an_error_is_no_longer_than_what_it_quotes_nor_than_its_rfc_wants() {
        let error = |quoted: &[u8], rest: &[u8]| {
            of(1, None, &[&[3, 3, 0, 0, 0, 0, 0, 0], quoted, rest].concat())
        };
        let whole = [header(9, 17, 28), vec![0; 8]].concat();
        assert_eq!(error(&whole, &[]), Some(ExemptKind::Icmp));
        assert_eq!(error(&whole, &[1, 2, 3, 4]), None);
        // RFC 4884 §4: padding up to 128 bytes, an extension header and an object.
        let extension = [vec![0; 100], vec![0x20, 0, 0, 0, 0, 8, 1, 1, 9, 9, 9, 9]].concat();
        assert_eq!(error(&whole, &extension), Some(ExemptKind::Icmp));
        assert_eq!(error(&whole, &[&extension[..], &[9]].concat()), None);
        assert_eq!(error(&whole, &[vec![0; 100], WORDS.to_vec()].concat()), None);
        // RFC 1812 §4.3.2.3: 576 bytes at the most.
        let mut long = header(9, 17, 0);
        long[2] = 5;
        assert_eq!(error(&long, &[7; 528]), Some(ExemptKind::Icmp));
        assert_eq!(error(&long, &[7; 529]), None);
    }

    #[test]
    fn an_error_in_form_is_exempt_and_shows_whether_it_repeats_text_of_the_two() {
        let error = |to: u8, protocol: u8| {
            let quoted = [header(to, protocol, 100), vec![0; 8], WORDS.to_vec()].concat();
            let bytes = [&[3, 3, 0, 0, 0, 0, 0, 0], &quoted[..]].concat();
            let [source, destination] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(Into::into);
            let ip = IpPacket::carrying(source, destination, 1, &bytes);
            (of(1, None, &bytes), error_repeats_text(&ip))
        };
        // 10.0.0.1 sends it: the text came from 10.0.0.2 to this host, or passes a router in clear.
        assert_eq!(error(1, 17), (Some(ExemptKind::Icmp), true));
        assert_eq!(error(9, 17), (Some(ExemptKind::Icmp), false));
        assert_eq!(error(1, 1), (Some(ExemptKind::Icmp), false), "echo is exempt itself");
    }

    #[test]
    fn a_router_advertisement_names_addresses_of_its_sender() {
        let entry = |last: u8| [10, 0, 0, last, 0x80, 0, 0, 0];
        let advertised = |count: u8, entries: &[u8]| {
            of(1, None, &[&[9, 0, 0, 0, count, 2, 7, 8], entries].concat())
        };
        assert_eq!(advertised(2, &[entry(1), entry(5)].concat()), Some(ExemptKind::Icmp));
        assert_eq!(advertised(2, &[entry(3), entry(5)].concat()), None);
        assert_eq!(advertised(5, &[&entry(1)[..], &WORDS[..32]].concat()), None);
    }

    #[test]
    fn neighbour_discovery_has_a_hop_limit_of_255_and_options_that_are_known() {
        let target = [0xfd; 16];
        let asked = |hops: u8, option: &[u8]| {
            sent_with(hops, V6, 58, &[&[135, 0, 0, 0, 0, 0, 0, 0], &target[..], option].concat())
        };
        let found = Some(ExemptKind::NeighbourDiscovery);
        assert_eq!(asked(255, &[1, 1, 2, 2, 2, 2, 2, 2]), found);
        assert_eq!(asked(64, &[1, 1, 2, 2, 2, 2, 2, 2]), None);
        assert_eq!(asked(255, &[200, 1, 2, 2, 2, 2, 2, 2]), None, "an unknown option");
        assert_eq!(asked(255, &[5, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0]), None, "a length");
        assert_eq!(asked(255, &[&[14, 6][..], &WORDS[..46]].concat()), None, "text in a nonce");
        assert_eq!(asked(255, &[&[14, 6][..], &[0x9e; 46]].concat()), found);
    }

    #[test]
    fn certificates_of_routers_have_their_options() {
        let path = |kind: u8, fixed: usize, option: &[u8]| {
            sent_with(255, V6, 58, &[&[kind, 0][..], &vec![0; fixed - 2], option].concat())
        };
        let found = Some(ExemptKind::NeighbourDiscovery);
        let certificate = [&[16, 7, 1, 0, 0x30, 0x82, 1, 2][..], &WORDS[..48]].concat();
        assert_eq!(path(149, 12, &certificate), found);
        assert_eq!(path(148, 8, &[15, 1, 1, 0, 0x30, 4, 3, 2]), found);
        assert_eq!(path(148, 8, WORDS), None);
        assert_eq!(path(149, 12, &[&[16, 6][..], &WORDS[..46]].concat()), None);
    }

    #[test]
    fn echo_is_exempt_and_experiments_and_long_queries_are_not() {
        assert_eq!(of(1, None, &text(&[8, 0, 0, 0])), Some(ExemptKind::Echo));
        assert_eq!(of(1, None, &[13; 20]), Some(ExemptKind::Icmp));
        for kind in [13, 17, 40, 253] {
            assert_eq!(of(1, None, &text(&[kind, 0, 0, 0])), None, "{kind}");
        }
    }

    #[test]
    fn dhcp_has_options_up_to_an_end_and_the_type_of_its_message() {
        let message = |operation: u8, options: &[u8]| {
            let mut head = vec![0; 240];
            head[0] = operation;
            head[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
            of(17, Some((68, 67)), &[&head[..], options].concat())
        };
        let found = Some(ExemptKind::Dhcp);
        assert_eq!(message(1, &[53, 1, 3, 12, 2, b'p', b'c', 255, 0, 0]), found);
        let long = [&[12, 2, b'p', b'c', 255][..], &[0; 64]].concat();
        assert_eq!(message(1, &long), None, "no type");
        assert_eq!(message(1, &[12, 2, b'p', b'c', 255]), found, "BOOTP");
        assert_eq!(message(1, &[53, 1, 3]), None, "no end");
        assert_eq!(message(1, &[53, 1, 5, 255]), None, "an answer's type");
        assert_eq!(message(2, &[53, 1, 5, 255, b'x']), None, "more behind the end");
        assert_eq!(message(1, WORDS), None);
        // The address of a proxy's configuration is text; other options are not, and none comes twice.
        let option = |code: u8| [&[code, 40][..], &WORDS[..40]].concat();
        assert_eq!(message(2, &[&[53, 1, 5][..], &option(252), &[255]].concat()), found);
        assert_eq!(message(2, &[&[53, 1, 5][..], &option(200), &[255]].concat()), found);
        assert_eq!(message(2, &[&[53, 1, 5][..], &option(57), &[255]].concat()), None);
        let long = |code: u8| [&[code, 200][..], &WORDS[..50].repeat(4)].concat();
        let much = [&[53, 1, 5][..], &long(43), &[255]].concat();
        assert_eq!(message(2, &much), found);
        let of_sites = [&[53, 1, 5][..], &long(200), &long(201), &[255]].concat();
        assert_eq!(message(2, &of_sites), found, "two makers");
        let of_more = [&[53, 1, 5][..], &long(200), &long(201), &long(202), &[255]].concat();
        assert_eq!(message(2, &of_more), None, "more than a message has room for");
        let more = [&[53, 1, 5][..], &long(43), &long(56), &long(60), &[255]].concat();
        assert_eq!(message(2, &more), None, "more text than names have");
        let twice = [&[53, 1, 5][..], &option(252), &option(252), &[255]].concat();
        assert_eq!(message(2, &twice), None);
        assert_eq!(of(17, Some((68, 67)), &text(&[])), None);
    }

    #[test]
    fn dhcp_of_ipv6_stays_on_its_link_but_for_relays() {
        let found = Some(ExemptKind::Dhcp);
        let asked = [1, 0, 0, 7, 0, 8, 0, 2, 0, 0];
        assert_eq!(sent_with(64, ["fe80::1", "fe80::2"], 17, &asked), found);
        assert_eq!(sent_with(64, V6, 17, &asked), None);
        let relayed = |inside: &[u8]| {
            let length = [0, u8::try_from(inside.len()).unwrap()];
            let message = [&[12, 0][..], &[0xfd; 32], &[0, 9], &length, inside].concat();
            sent_with(64, V6, 17, &message)
        };
        assert_eq!(relayed(&asked), found);
        // A status says why in words; a preference does not.
        let option = |code: u8| [&[7, 0, 0, 7, 0, code, 0, 40][..], &WORDS[..40]].concat();
        assert_eq!(relayed(&option(13)), found);
        assert_eq!(relayed(&option(17)), found);
        assert_eq!(relayed(&option(7)), None);
        assert_eq!(of(17, Some((547, 546)), &text(&[7, 0, 0, 7])), None);
    }

    #[test]
    fn igmp_has_a_time_to_live_of_one_and_no_auxiliary_data() {
        let found = Some(ExemptKind::Igmp);
        let membership = [0x16, 0, 0, 0, 224, 0, 0, 9];
        assert_eq!(sent_with(1, V4, 2, &membership), found);
        assert_eq!(sent_with(64, V4, 2, &membership), None);
        assert_eq!(sent_with(1, V4, 2, &text(&membership)), None);
        let record = |auxiliary: u8, data: &[u8]| {
            let head = [0x22, 0, 0, 0, 0, 0, 0, 1, 1, auxiliary, 0, 0, 225, 1, 1, 1];
            sent_with(1, V4, 2, &[&head[..], data].concat())
        };
        assert_eq!(record(0, &[]), found);
        assert_eq!(record(2, &[9; 8]), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(protocol in 0u8..=255, ports: Option<(u16, u16)>, payload: Vec<u8>) {
            let _ = of(protocol, ports, &payload);
        }
    }
}
