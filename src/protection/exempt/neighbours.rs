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
    let options = Options { ip, kind, is_inside: false };
    options.fill(ip.payload.get(fixed..).unwrap_or_default(), ip.payload_len.checked_sub(fixed))
}

/// The options of a message.
#[derive(Clone, Copy)]
struct Options<'i, 'a> {
    ip: &'i IpPacket<'a>,
    kind: u8,
    /// They are inside an option.
    is_inside: bool,
}

impl Options<'_, '_> {
    /// Whether known options fill so many bytes; `None` where there are fewer than a message's fixed part has.
    fn fill(self, seen: &[u8], len: Option<usize>) -> bool {
        let Some(len) = len else { return false };
        let mut at = 0;
        for _ in 0..MOST_OPTIONS {
            if at >= len {
                break;
            }
            let Some([option, units]) = seen.get(at..).and_then(<[u8]>::first_chunk) else {
                return is_partial(self.ip);
            };
            let units = usize::from(*units);
            let rest = seen.get(at + 2..).unwrap_or_default();
            let value = rest.get(..(units * 8).saturating_sub(2)).unwrap_or(rest);
            let is_cut = is_partial(self.ip) && value.len() + 2 < units * 8;
            let has_form = (is_cut && names(self.kind, *option)) || self.has_form(*option, value);
            if units == 0 || !fits(*option, units) || !has_form {
                return false;
            }
            at += units * 8;
        }
        at == len
    }

    fn has_form(self, option: u8, value: &[u8]) -> bool {
        match (self.kind, option) {
            // RFC 4861 §4.6.3: a redirect repeats the beginning of the packet that it is about.
            (137, 4) => repeats_packet(self.ip, value.get(6..).unwrap_or_default()),
            (148 | 149, 15 | 16) => names_authority(option, value),
            // RFC 8910 §2.3: the address of a web page.
            (134, 37) => value.starts_with(b"http"),
            // RFC 8106 §5.2: names of domains behind a lifetime.
            (134, 31) => value.len() <= MOST_NAMES && are_names(value.get(6..).unwrap_or_default()),
            (134, 144) => names_resolver(value),
            (134, 21) if !self.is_inside => self.names_domain(value),
            _ => !holds_text(value),
        }
    }

    /// RFC 8801 §3.1: flags, a sequence number, the name of a provisioning domain, zeros up to a multiple of eight bytes,
    /// perhaps the header of an advertisement, and options.
    fn names_domain(self, value: &[u8]) -> bool {
        let name = value.get(4..).unwrap_or_default();
        let Some(name_len) = name.iter().take(LONGEST_NAME).position(|octet| *octet == 0) else {
            return false;
        };
        let header = if value.first().is_some_and(|flags| flags & 0x20 != 0) { 16 } else { 0 };
        // The value is behind two bytes of its option.
        let behind = (6 + name_len + 1).next_multiple_of(8) - 2 + header;
        let options = value.get(behind..).unwrap_or_default();
        let inside = Self { is_inside: true, ..self };
        are_names(name.get(..name_len).unwrap_or_default())
            && inside.fill(options, Some(value.len().saturating_sub(behind)))
    }
}

/// Whether an option is for names that have to be whole to be known as such.
const fn names(kind: u8, option: u8) -> bool {
    matches!((kind, option), (134, 21 | 31 | 144))
}

/// RFC 9463 §6.1: a priority, a lifetime, the name of a resolver behind its length, addresses behind theirs, and parameters
/// of the service, of which the path of a request may be text (RFC 9461 §5).
fn names_resolver(value: &[u8]) -> bool {
    let behind_length = |at: usize| {
        let length = usize::from(u16::from_be_bytes(*value.get(at..)?.first_chunk()?));
        Some((value.get(at + 2..at + 2 + length)?, at + 2 + length))
    };
    let Some((name, at)) = behind_length(6) else { return !holds_text(value) };
    let parameters = behind_length(at).and_then(|(addresses, at)| {
        let (mut parameters, end) = behind_length(at)?;
        while let Some(([high, low, upper, lower], rest)) = parameters.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes([*upper, *lower]));
            let (content, next) = rest.split_at_checked(length)?;
            let is_path = [*high, *low] == [0, 7] && content.first() == Some(&b'/');
            if holds_text(content) && !is_path {
                return None;
            }
            parameters = next;
        }
        let padding = value.get(end..)?;
        Some(!holds_text(addresses) && padding.iter().all(|octet| *octet == 0))
    });
    let is_name_alone = value.get(at..).is_some_and(|rest| rest.iter().all(|octet| *octet == 0));
    value.len() <= MOST_NAMES && are_names(name) && (is_name_alone || parameters == Some(true))
}

/// Lengths of options in units of eight bytes: RFC 4861 §4.6, RFC 6275 §7, RFC 3971 §5.3, RFC 4191 §2.3,
/// RFC 5175 §3, RFC 8781 §4, RFC 6775 §4 and RFC 8505 §4.1 (33 to 35), RFC 7400 §3.4, RFC 9176 §4.3. Others have no fixed
/// length (39 and 40 are of RFC 8928, 42 of RFC 9685, 144 of RFC 9463); those that IANA's registry (icmpv6-parameters) does
/// not assign are unknown to every receiver.
const fn fits(option: u8, units: usize) -> bool {
    match option {
        // A link-layer address, the longest of which is InfiniBand's (RFC 4391 §9.3).
        1 | 2 => units <= 3,
        3 => units == 4,
        5 | 7 | 8 | 26 | 36 => units == 1,
        13 | 38 => units == 2,
        24 => units <= 3,
        33 => 2 <= units && units <= 5,
        34 => units == 2 || units == 3,
        35 | 41 => units == 3,
        4 | 6 | 9..=12 | 14..=23 | 25 | 27..=32 | 37 | 39 | 40 | 42 | 138 | 139 | 144 => true,
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

/// Some names of 255 bytes at the most.
const MOST_NAMES: usize = 512;
/// Options of one message that are looked at.
const MOST_OPTIONS: usize = 256;
/// X.690 §8.9.1.
const SEQUENCE: u8 = 0x30;
/// A domain's name (RFC 1035 §2.3.4), two bytes before it and padding.
const LONGEST_NAME: usize = 264;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::protocol;

    const DOMAIN: &[u8] = b"\x0aresolvers1\x0dnetworks-emea\x0acontosobiz\x03com\0";
    const PROSE: &[u8] = b"the minutes of the meeting, in clear, and more of these minutes";

    fn option(code: u8, value: &[u8]) -> Vec<u8> {
        let mut option = [&[code, 0][..], value].concat();
        option.resize(option.len().next_multiple_of(8), 0);
        option[1] = u8::try_from(option.len() / 8).unwrap();
        option
    }

    fn advertised(options: &[Vec<u8>]) -> bool {
        let message = [&[134, 0, 0, 0, 64, 0, 7, 8][..], &[0; 8], &options.concat()].concat();
        let [router, host] = ["fe80::1", "fe80::2"].map(|address| address.parse().unwrap());
        let ip = IpPacket::carrying(router, host, protocol::ICMPV6, &message);
        is_discovery(&IpPacket { hops: 255, ..ip })
    }

    /// RFC 9463 §6.1, with the parameters of the service behind two addresses.
    fn resolver(name: &[u8], parameters: &[u8]) -> Vec<u8> {
        let with_length =
            |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
        let head = [&[0, 1, 0, 0, 7, 8][..], &with_length(name)].concat();
        let addresses = with_length(&[0xfd; 32]);
        option(144, &[head, addresses, with_length(parameters)].concat())
    }

    #[test]
    fn resolvers_and_provisioning_domains_have_names() {
        let alpn = b"\0\x01\0\x03\x02h2";
        let path = b"/0123456789abcdef-of-contoso/dns-query{?dns}";
        let path = [&[0, 7, 0, u8::try_from(path.len()).unwrap()][..], path].concat();
        assert!(advertised(&[resolver(DOMAIN, &[&alpn[..], &path].concat())]));
        assert!(advertised(&[option(144, &[&[0, 1, 0, 0, 7, 8, 0, 41][..], DOMAIN].concat())]));
        assert!(!advertised(&[resolver(PROSE, alpn)]));
        let prose = [&[0, 1, 0, u8::try_from(PROSE.len()).unwrap()][..], PROSE].concat();
        assert!(!advertised(&[resolver(DOMAIN, &prose)]));
        assert!(!advertised(&[option(144, PROSE)]));

        let domain = |flags: u8, behind: &[u8]| {
            let mut name = [&[flags, 0, 0, 9][..], DOMAIN].concat();
            name.resize((name.len() + 2).next_multiple_of(8) - 2, 0);
            option(21, &[&name, behind].concat())
        };
        let search = option(31, &[&[0, 0, 0, 0, 7, 8][..], DOMAIN].concat());
        assert!(advertised(&[domain(0x80, &[]), search.clone()]));
        assert!(advertised(&[domain(0x20, &[&[0; 16][..], &search].concat())]));
        assert!(!advertised(&[domain(0, PROSE)]));
        assert!(!advertised(&[domain(0, &option(25, PROSE))]));
        assert!(!advertised(&[domain(0, &domain(0, &[]))]), "one inside another");
    }

    #[test]
    fn options_of_low_power_networks_have_their_lengths() {
        for (code, units) in [(33, 2), (33, 5), (34, 2), (35, 3), (36, 1), (38, 2), (41, 3)] {
            assert!(advertised(&[option(code, &vec![0x9e; units * 8 - 2])]), "{code} {units}");
            assert!(!advertised(&[option(code, &[0x9e; 62])]), "{code}");
        }
        assert!(!advertised(&[option(43, &[0x9e; 6])]), "unassigned");
    }

    #[test]
    fn a_name_that_the_capture_cut_is_no_text() {
        let message = [&[134, 0][..], &[0; 14], &resolver(DOMAIN, &[])].concat();
        let [router, host] = ["fe80::1", "fe80::2"].map(|address| address.parse().unwrap());
        let seen = &message[..60];
        let ip = IpPacket::carrying(router, host, protocol::ICMPV6, seen);
        assert!(is_discovery(&IpPacket { hops: 255, payload_len: message.len(), ..ip }));
    }
}
