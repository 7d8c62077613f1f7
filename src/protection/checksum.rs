//! Checksums that a host left for its network card to finish.
//!
//! With checksum offload the field holds the sum over the pseudo header alone (RFC 9293 §3.1, RFC 768),
//! not complemented, until the card adds the rest; segmentation offload leaves the length out too. Such
//! a packet was captured on its sender.

use crate::packet::{IpPacket, protocol};
use std::net::IpAddr;

/// Whether a whole TCP or UDP packet has a checksum of its pseudo header only.
#[must_use]
#[inline]
pub fn is_unfinished(ip: &IpPacket<'_>) -> bool {
    let at = match ip.protocol {
        protocol::TCP => 16,
        protocol::UDP => 6,
        _ => return false,
    };
    let Some(field) = ip.segment.get(at..).and_then(|rest| rest.first_chunk::<2>()) else {
        return false;
    };
    let found = u16::from_be_bytes(*field);
    if found == 0 || ip.fragment.is_some() {
        return false;
    }
    let without_length = address_sum(ip) + u64::from(ip.protocol);
    let with_length = without_length + ip.segment_len as u64;
    found == folded(with_length) || found == folded(without_length)
}

fn address_sum(ip: &IpPacket<'_>) -> u64 {
    let sum = |address: IpAddr| match address {
        IpAddr::V4(v4) => words(&v4.octets()),
        IpAddr::V6(v6) => words(&v6.octets()),
    };
    sum(ip.pair.a()) + sum(ip.pair.b())
}

/// The sum of an address's words of 16 bits.
fn words(bytes: &[u8]) -> u64 {
    bytes.as_chunks().0.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum()
}

/// The carries added in again (RFC 1071 §1).
fn folded(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    /// A UDP packet as its sender finishes it, and its header's place.
    fn datagram(payload: &[u8]) -> Vec<u8> {
        let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(5000, 6000);
        let mut packet = Vec::new();
        builder.write(&mut packet, payload).unwrap();
        packet
    }

    fn packet(segment: &[u8]) -> IpPacket<'_> {
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse().unwrap());
        IpPacket::carrying(one, two, protocol::UDP, segment)
    }

    #[test]
    fn only_a_sum_of_the_pseudo_header_is_unfinished() {
        let mut whole = datagram(b"hello");
        assert!(!is_unfinished(&packet(&whole[20..])), "finished");
        // 10.0 + 0.1 + 10.0 + 0.2 + protocol 17 + length 13.
        let sum: u16 = 0x0a00 + 1 + 0x0a00 + 2 + 17 + 13;
        whole[26..28].copy_from_slice(&sum.to_be_bytes());
        assert!(is_unfinished(&packet(&whole[20..])));
        whole[26..28].copy_from_slice(&(sum - 13).to_be_bytes());
        assert!(is_unfinished(&packet(&whole[20..])), "left to segmentation");
        whole[26..28].copy_from_slice(&[0, 0]);
        assert!(!is_unfinished(&packet(&whole[20..])), "none at all");
        assert!(!is_unfinished(&packet(&whole[20..24])), "cut");
    }
}
