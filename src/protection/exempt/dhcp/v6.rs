//! DHCP for IPv6 (RFC 8415).

use super::{Place, Text, values};
use crate::ike::readable::text_len;
use crate::packet::IpPacket;
use std::net::IpAddr;

/// RFC 8415 §7.1, §7.2 and §18: clients send from a link-local address to a group. Between global addresses there are
/// relays, servers that allow a client to ask them directly (§21.12), and reconfigurations (§18.3.11); lease queries
/// (RFC 5007) and DHCPv4 over DHCPv6 (RFC 7341).
pub(super) fn may_go_there(ip: &IpPacket<'_>, ports: (u16, u16)) -> bool {
    let is_of_link = |address: IpAddr| match address {
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_multicast(),
        IpAddr::V4(_) => false,
    };
    if is_of_link(ip.source()) || is_of_link(ip.destination()) {
        return true;
    }
    let Some(kind) = ip.payload.first() else { return true };
    match kind {
        12 | 13 => ports == (547, 547),
        3 | 5 | 8 | 9 => ports == (546, 547),
        7 | 10 => ports == (547, 546),
        14 | 15 | 18..=21 => true,
        _ => false,
    }
}

/// RFC 8415 §8 and §9: a type, a transaction or a relay's addresses, and options that fill the message.
pub(super) fn is_dhcp(seen: &[u8], len: usize, place: Place, text: &mut Text) -> bool {
    let at = match seen.first() {
        Some(12 | 13) => 34,
        Some(1..=36) => 4,
        Some(_) => return false,
        None => return len > 0 && place.is_cut,
    };
    len >= at && are_options(seen, at, len, place, text)
}

/// Whether options fill a message, or the part of an option behind so many bytes. Adds up their text.
fn are_options(seen: &[u8], mut at: usize, len: usize, place: Place, text: &mut Text) -> bool {
    if place.depth > MOST_RELAYS {
        return false;
    }
    let deeper = Place { depth: place.depth + 1, ..place };
    while at < len {
        let Some(&[high, low, upper, lower]) = seen.get(at..).and_then(<[u8]>::first_chunk) else {
            return place.is_cut;
        };
        let code = u16::from_be_bytes([high, low]);
        let length = usize::from(u16::from_be_bytes([upper, lower]));
        let begin = at + 4;
        at = begin + length;
        let rest = seen.get(begin..).unwrap_or_default();
        let value = rest.get(..length).unwrap_or(rest);
        let has_form = match Content::of(code) {
            Content::Message => is_dhcp(value, length, deeper, text),
            Content::RelayedMessage if length < ADDRESS => false,
            Content::RelayedMessage => {
                let message = value.get(ADDRESS..).unwrap_or_default();
                is_dhcp(message, length - ADDRESS, deeper, text)
            }
            Content::MessageOfIpv4 => super::is_dhcp(value, length, deeper, text),
            Content::Options(fixed) => are_options(value, fixed, length, deeper, text),
            Content::Value => match text_len(value) {
                0 => true,
                _ if values::is_of_ipv6(code, value) => true,
                bytes => TEXT_OPTIONS.contains(&code) && text.may_have(bytes),
            },
        };
        if !has_form {
            return false;
        }
    }
    at == len
}

/// What an option holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Message,
    /// A message behind the address of a relay.
    RelayedMessage,
    MessageOfIpv4,
    /// Options behind so many bytes.
    Options(usize),
    Value,
}

impl Content {
    /// RFC 8415 §21.4 to §21.6, §21.10, §21.21 and §21.22; RFC 5007 §4.1.2 (44, 45, 47); RFC 6610 §3 (50, 69, 70);
    /// RFC 6422 §4 (66); RFC 7341 §7.1 (87); RFC 8947 §11.1 (138).
    const fn of(code: u16) -> Self {
        match code {
            9 => Self::Message,
            47 => Self::RelayedMessage,
            87 => Self::MessageOfIpv4,
            3 | 25 | 138 => Self::Options(12),
            4 => Self::Options(4),
            5 => Self::Options(24),
            26 => Self::Options(25),
            44 => Self::Options(17),
            45 | 50 | 66 | 69 | 70 => Self::Options(0),
            _ => Self::Value,
        }
    }
}

/// RFC 8415 §7.6: HOP_COUNT_LIMIT, and the options of the message inside.
const MOST_RELAYS: u8 = 12;
const ADDRESS: usize = 16;
/// The options that IANA's registry (dhcpv6-parameters) gives identifiers, messages, classes, names or addresses of web
/// pages: RFC 8415 §11.1, §21.2, §21.3, §21.13, §21.15 to §21.18 (1, 2, 13, 15 to 18); RFC 3315 §21.4 (11, a realm);
/// RFC 3319 (21, 58 by RFC 6011), RFC 3646 (24), RFC 3898 (29, 30), RFC 4280 (33), RFC 4776 (36), RFC 4649 (37),
/// RFC 4580 (38), RFC 4704 (39), RFC 4833 (41, 42), RFC 6610 (49, 73), RFC 5223 (51), RFC 5460 (53), RFC 5678 (55),
/// RFC 5908 (56), RFC 5986 (57), RFC 5970 (59, 60), RFC 6334 (64), RFC 6440 (65), RFC 6607 (68), RFC 6731 (74),
/// RFC 6784 (75 to 78), RFC 7037 (81), RFC 8910 (103), RFC 7839 (106, 107, 110), RFC 8520 (112), RFC 8572 (136), RFC 8973
/// (141), RFC 9463 (144), RFC 9527 (145 to 147). Those of RFC 8156 are not sent on these ports.
const TEXT_OPTIONS: [u16; 49] = [
    1, 2, 11, 13, 15, 16, 17, 18, 21, 24, 29, 30, 33, 36, 37, 38, 39, 41, 42, 49, 51, 53, 55, 56,
    57, 58, 59, 60, 64, 65, 68, 73, 74, 75, 76, 77, 78, 81, 103, 106, 107, 110, 112, 136, 141, 144,
    145, 146, 147,
];
