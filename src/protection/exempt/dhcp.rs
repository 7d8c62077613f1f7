//! DHCP for IPv4 (RFC 2131, RFC 2132) and IPv6 (RFC 8415).

use super::{are_names, is_partial};
use crate::ike::readable::{holds_text, text_len};
use crate::packet::{IpPacket, Ports};
use std::net::IpAddr;

/// Between these ports, in the form of a message.
pub(super) fn is_message(ip: &IpPacket<'_>, ports: Ports) -> bool {
    let ports = (ports.source, ports.destination);
    match ports {
        (67 | 68, 67 | 68) => is_dhcp(ip),
        (546 | 547, 546 | 547) => {
            let message = Inside { is_cut: is_partial(ip), depth: 0 };
            may_go_there(ip, ports) && is_dhcp_of_ipv6(ip.payload, ip.payload_len, message, &mut 0)
        }
        _ => false,
    }
}

/// RFC 2131 §2 and §3, RFC 2132 §2: fixed fields, a cookie, and options up to an end, one of which is the type of the
/// message. Without it the message is one of BOOTP (RFC 1534 §2), which has 300 octets (RFC 951 §3).
fn is_dhcp(ip: &IpPacket<'_>) -> bool {
    let payload = ip.payload;
    let Some(operation) = payload.first() else { return ip.payload_len > 0 };
    let has_address = payload.get(2).is_none_or(|length| *length <= 16);
    let cookie = payload.get(BOOTP_HEADER..OPTIONS);
    let has_cookie = cookie.map_or_else(|| is_partial(ip), |cookie| cookie == MAGIC_COOKIE);
    let vendor = payload.get(BOOTP_HEADER..).unwrap_or_default();
    let is_plain = ip.payload_len <= BOOTP && vendor.iter().all(|octet| *octet == 0);
    let is_reply = *operation == 2;
    let names = [SERVER_NAME, BOOT_FILE].map(|at| payload.get(at).unwrap_or_default());
    let text = names.iter().map(|name| text_len(name)).sum();
    matches!(operation, 1 | 2)
        && has_address
        && (has_cookie || is_plain)
        && names.iter().all(|name| is_name(name, is_reply))
        && (is_plain || has_options(ip, *operation, text))
}

/// RFC 2131 §2: a server's name and a boot file, which end with a zero. A client leaves them empty or asks for one
/// by a short name.
fn is_name(field: &[u8], is_reply: bool) -> bool {
    let ends = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let (name, rest) = field.split_at(ends);
    !holds_text(rest) && (is_reply || !holds_text(name))
}

/// `text` are the bytes of text in front of the options.
fn has_options(ip: &IpPacket<'_>, operation: u8, mut text: usize) -> bool {
    let seen = ip.payload.get(OPTIONS..).unwrap_or_default();
    let (mut at, mut has_type, mut with_text) = (0, ip.payload_len <= BOOTP, [false; 256]);
    let mut of_sites = 0;
    while let Some(code) = seen.get(at) {
        let value = match code {
            0 => {
                at += 1;
                continue;
            }
            // Only zeros follow the end.
            255 => return has_type && seen.iter().skip(at + 1).all(|byte| *byte == 0),
            _ => {
                let Some(length) = seen.get(at + 1) else { return is_partial(ip) };
                let begin = at + 2;
                at = begin + usize::from(*length);
                let Some(value) = seen.get(begin..at) else { return is_partial(ip) };
                value
            }
        };
        if *code == MESSAGE_TYPE {
            has_type = matches!(value, [kind] if is_sent_with(*kind, operation));
            if !has_type {
                return false;
            }
        }
        let is_unicast = !ip.destination().is_multicast();
        let is_text = holds_text(value) && !(*code == DOMAIN_SEARCH && are_names(value));
        if is_unicast && is_text {
            let Some(had) = with_text.get_mut(usize::from(*code)) else { return false };
            text += text_len(value);
            let is_known = TEXT_OPTIONS.contains(code);
            // RFC 3942: from 128 on sites and makers give options their meaning.
            of_sites += if is_known { 0 } else { text_len(value) };
            // RFC 2131 §4.1: an option appears once.
            let is_without_place = !is_known && *code < FIRST_OF_SITES;
            if *had || is_without_place || text > MOST_TEXT || of_sites > MOST_OF_SITES {
                return false;
            }
            *had = true;
        }
    }
    is_partial(ip)
}

/// RFC 2131 §3 and §4.3, RFC 3203 §2, RFC 4388 §6: what clients and relays ask, and what servers answer.
const fn is_sent_with(kind: u8, operation: u8) -> bool {
    match kind {
        1 | 3 | 4 | 7 | 8 | 10 => operation == 1,
        2 | 5 | 6 | 9 | 11..=13 => operation == 2,
        _ => false,
    }
}

/// RFC 8415 §7.1, §7.2 and §18: clients send from a link-local address to a group. Between global addresses there are
/// relays, servers that allow a client to ask them directly (§21.12), and reconfigurations (§18.3.11); lease queries
/// (RFC 5007) and DHCPv4 over DHCPv6 (RFC 7341).
fn may_go_there(ip: &IpPacket<'_>, ports: (u16, u16)) -> bool {
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
fn is_dhcp_of_ipv6(seen: &[u8], len: usize, inside: Inside, text: &mut usize) -> bool {
    let at = match seen.first() {
        Some(12 | 13) => 34,
        Some(1..=36) => 4,
        Some(_) => return false,
        None => return len > 0 && inside.is_cut,
    };
    len >= at && are_options(seen, at, len, inside, text)
}

/// The place of options.
#[derive(Clone, Copy)]
struct Inside {
    /// The capture cut the packet.
    is_cut: bool,
    /// In how many options they are.
    depth: u8,
}

/// Whether options fill a message, or the part of an option behind so many bytes. Adds up their text.
fn are_options(seen: &[u8], mut at: usize, len: usize, inside: Inside, text: &mut usize) -> bool {
    if inside.depth > MOST_RELAYS {
        return false;
    }
    let deeper = Inside { depth: inside.depth + 1, ..inside };
    while at < len {
        let Some(&[high, low, upper, lower]) = seen.get(at..).and_then(<[u8]>::first_chunk) else {
            return inside.is_cut;
        };
        let code = u16::from_be_bytes([high, low]);
        let length = usize::from(u16::from_be_bytes([upper, lower]));
        let begin = at + 4;
        at = begin + length;
        let rest = seen.get(begin..).unwrap_or_default();
        let value = rest.get(..length).unwrap_or(rest);
        // RFC 8415 §21.4 to §21.6, §21.10, §21.21 and §21.22: options inside options.
        let has_form = match code {
            9 => is_dhcp_of_ipv6(value, length, deeper, text),
            3 | 25 => are_options(value, 12, length, deeper, text),
            4 => are_options(value, 4, length, deeper, text),
            5 => are_options(value, 24, length, deeper, text),
            26 => are_options(value, 25, length, deeper, text),
            24 if are_names(value) => true,
            _ if holds_text(value) => {
                *text += text_len(value);
                TEXT_OPTIONS_OF_IPV6.contains(&code) && *text <= MOST_TEXT
            }
            _ => true,
        };
        if !has_form {
            return false;
        }
    }
    at == len
}

/// RFC 2131 §2: the fixed fields, then RFC 2132 §2's cookie.
const BOOTP_HEADER: usize = 236;
const OPTIONS: usize = 240;
const SERVER_NAME: std::ops::Range<usize> = 44..108;
const BOOT_FILE: std::ops::Range<usize> = 108..BOOTP_HEADER;
const MAGIC_COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
/// RFC 2132 §9.6.
const MESSAGE_TYPE: u8 = 53;
/// Names, paths, addresses of web pages and messages: RFC 2132 §3.14 to §3.20, §8.1, §8.4, §8.11, §9.4, §9.5, §9.9 and
/// §9.13, RFC 2242, RFC 3004, RFC 3046, RFC 3397, RFC 3925, RFC 4702, RFC 4833, RFC 8910, RFC 5071; 252 is the address of a proxy's
/// configuration.
const TEXT_OPTIONS: [u8; 29] = [
    12, 14, 15, 17, 18, 40, 43, 47, 56, 60, 61, 62, 64, 66, 67, 77, 81, 82, 86, 100, 101, 114, 119,
    120, 124, 125, 209, 210, 252,
];
/// Messages, classes, names and addresses of web pages: RFC 8415 §21.13, §21.15 to §21.18, RFC 3319, RFC 3646, RFC 4280,
/// RFC 5908, RFC 6334, RFC 4649, RFC 4704,
/// RFC 5970, RFC 4833, RFC 8910.
const TEXT_OPTIONS_OF_IPV6: [u16; 17] =
    [13, 15, 16, 17, 18, 21, 24, 33, 37, 39, 41, 42, 56, 59, 60, 64, 103];
/// Text of one message: a few names and paths of 255 bytes at the most (RFC 1035 §2.3.4, RFC 2132 §2); a client need
/// not take more than 576 bytes (RFC 2131 §2).
const MOST_TEXT: usize = 512;
/// RFC 951 §3.
const BOOTP: usize = 300;
/// RFC 3397.
const DOMAIN_SEARCH: u8 = 119;
const FIRST_OF_SITES: u8 = 128;
const MOST_OF_SITES: usize = 255;
/// RFC 8415 §7.6: HOP_COUNT_LIMIT, and the options of the message inside.
const MOST_RELAYS: u8 = 12;
