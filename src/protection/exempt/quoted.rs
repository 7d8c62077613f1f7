//! Packets that errors quote (RFC 792, RFC 1812 §4.3.2.3, RFC 4443 §2.4, RFC 4884).

use super::is_partial;
use crate::ike::readable::holds_text;
use crate::packet::{IpPacket, protocol};
use std::net::IpAddr;

/// Whether what follows the first bytes of an error is the beginning of a packet that passed
/// between the hosts, no longer than that packet was, and the error as short as its RFC wants it.
///
/// The packet was sent by the error's receiver, or has a checksum that holds: address translation may have changed
/// the packet around and left the quoted one.
pub(super) fn quotes(ip: &IpPacket<'_>, at: usize) -> bool {
    let quoted = ip.payload.get(at..).unwrap_or_default();
    let Some(header) = Header::of(quoted) else {
        return is_partial(ip) && quoted.len() < SHORTEST_HEADER;
    };
    let (longest, own) = match (ip.source(), header.source) {
        (IpAddr::V4(_), IpAddr::V4(_)) => (LONGEST_V4, 20),
        (IpAddr::V6(_), IpAddr::V6(_)) => (LONGEST_V6, 40),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let is_from_receiver = header.source == ip.destination();
    (is_from_receiver || has_checksum(quoted))
        && own + ip.payload_len <= longest
        && ends_rightly(ip, at, header.packet_len)
}

/// Whether what a redirect repeats is the beginning of a packet that the redirect's receiver sent (RFC 4861 §4.5).
pub(super) fn repeats_packet(ip: &IpPacket<'_>, repeated: &[u8]) -> bool {
    let is_receivers = |header: Header| header.source == ip.destination();
    40 + ip.payload_len <= LONGEST_V6
        && Header::of(repeated).map_or_else(|| is_partial(ip), is_receivers)
}

/// Whether an error repeats, to the host that sent it, text of a packet that came to the error's sender: that text
/// passes in clear, however the packet came. Echo is exempt itself.
pub(super) fn repeats_text(ip: &IpPacket<'_>, at: usize) -> bool {
    let quoted = ip.payload.get(at..).unwrap_or_default();
    let Some(header) = Header::of(quoted) else { return false };
    let is_echo = matches!(header.protocol, protocol::ICMP | protocol::ICMPV6);
    let is_between_them = (header.source, header.destination) == (ip.destination(), ip.source());
    let content = quoted.get(header.len..).unwrap_or_default();
    is_between_them && !is_echo && holds_text(content)
}

/// Whether nothing follows the quoted packet but zeros and an extension (RFC 4884 §4, §5 and §7): the quote is
/// then as long as the length field says, or 128 bytes where an older sender left it at zero.
fn ends_rightly(ip: &IpPacket<'_>, at: usize, packet_len: usize) -> bool {
    let quote_len = ip.payload_len.saturating_sub(at);
    if quote_len <= packet_len {
        return true;
    }
    let (field, unit) = if ip.source().is_ipv4() { (5, 4) } else { (4, 8) };
    let units = ip.payload.get(field).copied().map_or(0, usize::from);
    let padded = if units == 0 { WITHOUT_LENGTH } else { units * unit };
    let seen = ip.payload.get(at..).unwrap_or_default();
    let padding = seen.get(packet_len..seen.len().min(padded)).unwrap_or_default();
    let is_padded = packet_len <= padded && padding.iter().all(|byte| *byte == 0);
    is_padded && (quote_len <= padded || is_extension(seen.get(padded..), quote_len - padded, ip))
}

/// RFC 4884 §7: version 2, then objects that fill it.
fn is_extension(seen: Option<&[u8]>, len: usize, ip: &IpPacket<'_>) -> bool {
    let seen = seen.unwrap_or_default();
    if seen.first().is_some_and(|first| first >> 4 != 2) || holds_text(seen) {
        return false;
    }
    let mut at = 4;
    while at < len {
        let Some(field) = seen.get(at..).and_then(<[u8]>::first_chunk) else {
            return is_partial(ip);
        };
        match usize::from(u16::from_be_bytes(*field)) {
            0..=3 => return false,
            object => at += object,
        }
    }
    at == len
}

/// What the header of a quoted packet says.
struct Header {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    /// Bytes of the header.
    len: usize,
    /// Bytes of the packet; at the least the header and the 64 bits that RFC 792 wants behind it.
    packet_len: usize,
}

impl Header {
    fn of(quoted: &[u8]) -> Option<Self> {
        let field = |at: usize| {
            let bytes = quoted.get(at..)?.first_chunk()?;
            Some(usize::from(u16::from_be_bytes(*bytes)))
        };
        let first = quoted.first()?;
        let (source, destination, protocol, len, total) = match first >> 4 {
            4 => {
                let address = |at: usize| quoted.get(at..)?.first_chunk::<4>().copied();
                let len = usize::from(first & 0x0f) * 4;
                let (source, destination) = (address(12)?.into(), address(16)?.into());
                (source, destination, *quoted.get(9)?, len, field(2)?)
            }
            6 => {
                let address = |at: usize| quoted.get(at..)?.first_chunk::<16>().copied();
                let (source, destination) = (address(8)?.into(), address(24)?.into());
                (source, destination, *quoted.get(6)?, 40, 40 + field(4)?)
            }
            _ => return None,
        };
        Some(Self { source, destination, protocol, len, packet_len: total.max(len + 8) })
    }
}

/// RFC 791 §3.1.
fn has_checksum(header: &[u8]) -> bool {
    let Some(header) = header.get(..20) else { return false };
    let words = header.as_chunks::<2>().0.iter();
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    header.first() == Some(&0x45) && (sum & 0xffff) + (sum >> 16) == 0xffff
}

/// Bytes of an error of IPv4 at the most (RFC 1812 §4.3.2.3), and of IPv6 (RFC 4443 §2.4 (c)).
const LONGEST_V4: usize = 576;
const LONGEST_V6: usize = 1280;
/// Fewer captured bytes than a header of IPv6 may be the beginning of one.
const SHORTEST_HEADER: usize = 40;
/// RFC 4884 §5.5.
const WITHOUT_LENGTH: usize = 128;
