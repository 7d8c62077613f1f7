//! Fingerprints of clear packets, by which another capture of the same packets is recognised.
//!
//! A fingerprint is a truncated cryptographic hash of the whole captured packet, for summaries are compared
//! with each other and evidence is hostile: nobody shall find another packet that has it.

use super::timeline::PacketRecord;
use crate::evidence::sha256_of_pieces;
use crate::hosts::Direction;
use crate::packet::{IpPacket, protocol};
use serde::{Deserialize, Serialize};

/// The first 128 bits of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint([u8; 16]);

/// A packet by its fingerprint, and where it was seen.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Print {
    /// Its fingerprint, and that of its beginning.
    pub of: Fingerprints,
    /// Where and when.
    pub seen: PacketRecord,
}

impl Print {
    /// Whether the capture holds its beginning only.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.seen.captured < self.seen.bytes
    }
}

/// The fingerprint of a whole packet, and that of its headers and first bytes, which a capture that cuts its
/// packets shows too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// Of everything that was captured.
    pub whole: Fingerprint,
    /// Of the headers and the first bytes behind them.
    pub head: Fingerprint,
}

impl Fingerprints {
    /// Those of a packet.
    #[must_use]
    pub fn of(ip: &IpPacket<'_>) -> Self {
        Self { whole: Fingerprint::of(ip, usize::MAX), head: Fingerprint::of(ip, HEAD) }
    }
}

impl Fingerprint {
    /// That of a packet: everything from its IP header on, as far as it was captured and as far as it is asked
    /// for behind the IP header, but what a hop may change (hop count, traffic class, options and checksum of the header) and the checksum of TCP and
    /// UDP, which a network card may still have to finish and which says nothing that the rest does not.
    fn of(ip: &IpPacket<'_>, most: usize) -> Self {
        let offset = ip.fragment.map_or(u32::MAX, |fragment| {
            u32::from(fragment.offset) << 1 | u32::from(fragment.more)
        });
        let mut hosts = [0; 32];
        let ends = [ip.pair.a(), ip.pair.b()].into_iter().map(|host| match host {
            std::net::IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            std::net::IpAddr::V6(v6) => v6.octets(),
        });
        hosts.iter_mut().zip(ends.flatten()).for_each(|(place, byte)| *place = byte);
        let way = [u8::from(ip.direction == Direction::AToB), ip.protocol];
        let lengths = [ip.packet_len, ip.segment_len].map(|length| (length as u64).to_be_bytes());
        let (before, behind) = without_checksum(ip, most);
        let pieces = [
            hosts.as_slice(),
            &way,
            &ip.identification.to_be_bytes(),
            &offset.to_be_bytes(),
            lengths.as_flattened(),
            before,
            behind,
        ];
        let digest = sha256_of_pieces(pieces);
        let mut first = [0; 16];
        first.iter_mut().zip(digest).for_each(|(place, byte)| *place = byte);
        Self(first)
    }
}

/// The bytes behind the IP headers before and behind the checksum.
fn without_checksum<'a>(ip: &IpPacket<'a>, most: usize) -> (&'a [u8], &'a [u8]) {
    let segment = ip.segment.get(..most).unwrap_or(ip.segment);
    let begins = ip.fragment.is_none_or(|fragment| fragment.offset == 0);
    // RFC 9293 §3.1, RFC 768.
    let at = match ip.protocol {
        protocol::TCP if begins => 16,
        protocol::UDP if begins => 6,
        _ => segment.len(),
    };
    let before = segment.get(..at).unwrap_or(segment);
    (before, segment.get(at + 2..).unwrap_or_default())
}

/// TCP's header without options and twelve bytes: what the shortest captures in use keep (68 bytes of a frame).
const HEAD: usize = 32;
