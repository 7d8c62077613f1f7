//! Neighbour discovery and its relatives (RFC 4861, RFC 3122, RFC 3971).

use super::quoted::repeats_packet;
use super::{are_names, byte_at, has_hops, is_partial};
use crate::ike::readable::holds_text;
use crate::packet::IpPacket;

/// A hop limit of 255, which no router can leave, code 0 (RFC 4861 §6.1 and §7.1), a fixed part, then known options in
/// units of eight bytes.
pub(super) fn is_discovery(ip: &IpPacket<'_>) -> bool {
    let Some(kind) = byte_at(ip, 0) else { return false };
    let fixed = match kind {
        133 | 141 | 142 | 148 => 8,
        // RFC 3971 §6.4.2: identifier, all components, this component, two reserved bytes.
        149 => 12,
        134 => 16,
        135 | 136 => 24,
        137 => 40,
        _ => return false,
    };
    // RFC 6980: only a certificate comes in fragments.
    let is_fragment = ip.fragment.is_some() && kind != 149;
    if is_fragment || !has_hops(ip, 255) || byte_at(ip, 1).is_some_and(|code| code != 0) {
        return false;
    }
    let mut at = fixed;
    for _ in 0..MOST_OPTIONS {
        if at >= ip.payload_len {
            break;
        }
        let (Some(option), Some(units)) = (byte_at(ip, at), byte_at(ip, at + 1)) else {
            return is_partial(ip);
        };
        let units = usize::from(units);
        let seen = ip.payload.get(at + 2..).unwrap_or_default();
        let value = seen.get(..(units * 8).saturating_sub(2)).unwrap_or(seen);
        let has_form = match (kind, option) {
            // RFC 4861 §4.6.3: a redirect repeats the beginning of the packet that it is about.
            (137, 4) => repeats_packet(ip, value.get(6..).unwrap_or_default()),
            (148 | 149, 15 | 16) => names_authority(option, value),
            // RFC 8910 §2.3: the address of a web page.
            (134, 37) => value.starts_with(b"http"),
            // RFC 8106 §5.2: names of domains behind a lifetime.
            (134, 31) => value.len() <= MOST_NAMES && are_names(value.get(6..).unwrap_or_default()),
            _ => !holds_text(value),
        };
        if units == 0 || !has_form || !fits(option, units) {
            return false;
        }
        at += units * 8;
    }
    at == ip.payload_len
}

/// Lengths of options in units of eight bytes: RFC 4861 §4.6, RFC 6275 §7, RFC 3971 §5.3, RFC 4191 §2.3,
/// RFC 5175 §3, RFC 8781 §4. Others have no fixed length; unassigned ones are unknown to every receiver.
const fn fits(option: u8, units: usize) -> bool {
    match option {
        // A link-layer address, the longest of which is InfiniBand's (RFC 4391 §9.3).
        1 | 2 => units <= 3,
        3 => units == 4,
        5 | 7 | 8 | 26 => units == 1,
        13 | 38 => units == 2,
        24 => units <= 3,
        4 | 6 | 9..=12 | 14..=23 | 25 | 27..=37 | 39..=42 | 138 | 139 => true,
        _ => false,
    }
}

/// RFC 3971 §6.4.3 and §6.4.4: a trust anchor (an X.501 name in DER, or a domain's name), or a certificate in DER.
fn names_authority(option: u8, value: &[u8]) -> bool {
    let is_der = |at: usize| value.get(at).is_none_or(|tag| *tag == SEQUENCE);
    match (option, value.first()) {
        (15, Some(1)) => is_der(2),
        (15, Some(2)) => value.len() <= LONGEST_NAME,
        (16, Some(1)) => is_der(2) && value.get(3).is_none_or(|length| *length >= 0x80),
        (_, None) => true,
        (_, Some(_)) => false,
    }
}

/// Some names of 255 octets at the most.
const MOST_NAMES: usize = 512;
/// Options of one message that are looked at.
const MOST_OPTIONS: usize = 256;
/// X.690 §8.9.1.
const SEQUENCE: u8 = 0x30;
/// A domain's name (RFC 1035 §2.3.4), two bytes before it and padding.
const LONGEST_NAME: usize = 264;
