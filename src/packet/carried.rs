//! What a header carries: its bytes, how many there were on the wire, and whether they read as what
//! the header does not name.
//!
//! Some headers say too little of what follows (MPLS, L2TPv3, GUE). There the bytes must bear out
//! the reading themselves, by lengths and not by chance.

use super::Packet;
use super::link::{ARP, Context, IPV4, IPV6, QINQ, VLAN, enter, raw_ip, u16_at};

/// Bytes behind a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carried<'a> {
    /// As many as were captured.
    pub(super) bytes: &'a [u8],
    /// How many there were on the wire.
    pub(super) wire_len: usize,
    /// Where they are.
    pub(super) context: Context,
}

impl<'a> Carried<'a> {
    /// Bytes of which none were cut off, or of which that is not known.
    pub(super) const fn all(bytes: &'a [u8], context: Context) -> Self {
        Self { bytes, wire_len: bytes.len(), context }
    }

    /// What is behind a header of so many bytes; `None` where the header itself is cut.
    pub(super) fn behind(self, header_len: usize) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.get(header_len..)?,
            wire_len: self.wire_len.checked_sub(header_len)?,
            context: self.context.further(header_len),
        })
    }

    /// No more than a header's length field grants; `None` where it grants what was never there.
    pub(super) fn within(self, length: usize) -> Option<Self> {
        let bytes = self.bytes.get(..length).unwrap_or(self.bytes);
        (length <= self.wire_len).then_some(Self { bytes, wire_len: length, ..self })
    }

    /// The IP packet that begins here, if one does.
    pub(super) fn ip(self) -> Option<Packet<'a>> {
        self.is_ip().then(|| enter(raw_ip, self.bytes, self.context))
    }

    /// Whether an IPv4 or IPv6 header begins here whose length fits.
    pub(super) fn is_ip(&self) -> bool {
        ip_len(self.bytes).is_some_and(|length| length <= self.wire_len)
    }

    /// Whether an IPv4 or IPv6 packet begins here beyond chance: IPv4 by its checksum, or by a length that fits
    /// to the byte; IPv6, which has no checksum, by such a length.
    pub(super) fn is_proven_ip(&self) -> bool {
        let is_v4 = self.bytes.first().is_some_and(|first| first >> 4 == 4);
        match ip_len(self.bytes) {
            Some(length) if length == self.wire_len => true,
            Some(length) => is_v4 && length <= self.wire_len && has_checksum(self.bytes),
            None => false,
        }
    }

    /// Whether an IPv4 header with a checksum that holds begins here, of a packet that fits.
    pub(super) fn is_checked_v4(&self) -> bool {
        let is_v4 = self.bytes.first().is_some_and(|first| first >> 4 == 4);
        is_v4
            && ip_len(self.bytes).is_some_and(|length| length <= self.wire_len)
            && has_checksum(self.bytes)
    }

    /// Whether an Ethernet frame begins here that carries IP of a fitting length, or ARP.
    pub(super) fn is_ethernet(&self) -> bool {
        let mut at = 12;
        // IEEE 802.1Q §9.6: a tag of four bytes, of which the last two are the next EtherType.
        for _ in 0..MAX_TAGS {
            if matches!(u16_at(self.bytes, at), Some(VLAN | QINQ)) {
                at += 4;
            }
        }
        let (Some(kind), Some(rest)) = (u16_at(self.bytes, at), self.behind(at + 2)) else {
            return false;
        };
        match (kind, rest.bytes) {
            (IPV4, [0x40..=0x4f, ..]) | (IPV6, [0x60..=0x6f, ..]) => rest.is_ip(),
            // RFC 826: addresses of Ethernet and IPv4.
            (ARP, [0, 1, 8, 0, 6, 4, ..]) => true,
            _ => false,
        }
    }
}

/// Whether an IP packet is in a frame behind a header that is not decoded, IPv4 proven by its checksum, IPv6
/// by its length and next header: such a frame is no link-layer protocol of its own, and what it carries is not
/// known.
#[cold]
pub(super) fn hides_ip(data: &[u8]) -> bool {
    let places = (BEHIND_ADDRESSES..MOST_HEADERS).step_by(2);
    places.filter_map(|at| data.get(at..)).any(|bytes| {
        let carried = Carried::all(bytes, Context::at(0));
        match bytes.first() {
            Some(0x45..=0x4f) => carried.is_checked_v4(),
            Some(0x60) => {
                carried.is_proven_ip()
                    && matches!(bytes.get(6), Some(0 | 6 | 17 | 43 | 44 | 50..=60))
            }
            _ => false,
        }
    })
}

/// The length of the IP packet that begins here, as its header says it.
fn ip_len(bytes: &[u8]) -> Option<usize> {
    let first = bytes.first()?;
    match first >> 4 {
        // RFC 791 §3.1: header length in words, total length.
        4 => {
            let header_len = usize::from(first & 0x0f) * 4;
            let total = usize::from(u16_at(bytes, 2)?);
            (header_len >= 20 && total >= header_len).then_some(total)
        }
        // RFC 8200 §3: payload length, without the 40 bytes of the header.
        6 => Some(40 + usize::from(u16_at(bytes, 4)?)),
        _ => None,
    }
}

/// RFC 791 §3.1: the words of an IPv4 header add up to ones.
fn has_checksum(bytes: &[u8]) -> bool {
    let header_len = bytes.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    let Some(header) = bytes.get(..header_len) else { return false };
    let words = header.as_chunks::<2>().0.iter();
    let mut sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum == 0xffff
}

const MAX_TAGS: usize = 2;
/// Two link-layer addresses.
const BEHIND_ADDRESSES: usize = 12;
/// Where the search for a packet behind unknown headers ends.
const MOST_HEADERS: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(bytes: &[u8], wire_len: usize) -> Carried<'_> {
        Carried { bytes, wire_len, context: Context::at(0) }
    }

    #[test]
    fn a_packet_fits_by_its_length_on_the_wire_not_by_what_was_captured() {
        let header = [0x45, 0, 0, 40, 0, 0];
        assert!(carried(&header, 40).is_ip());
        assert!(!carried(&header, 39).is_ip());
        assert!(!carried(&[0x44, 0, 0, 40], 60).is_ip(), "a header of four words");
        assert!(!carried(&[0x45, 0, 0, 19], 60).is_ip(), "shorter than its header");
        assert!(!carried(&[0x45, 0, 0], 60).is_ip(), "no length is shown");
        assert!(carried(&[0x60, 0, 0, 0, 0, 8], 48).is_ip());
        assert!(!carried(&[0x60, 0, 0, 0, 0, 9], 48).is_ip());
    }

    #[test]
    fn a_header_takes_from_both_lengths_or_is_cut() {
        let rest = carried(&[1, 2, 3], 9).behind(2).map(|rest| (rest.bytes.len(), rest.wire_len));
        assert_eq!(rest, Some((1, 7)));
        assert!(carried(&[1, 2, 3], 9).behind(4).is_none());
        assert!(carried(&[1, 2, 3], 9).within(10).is_none());
        assert_eq!(carried(&[1, 2, 3], 9).within(2).map(|c| c.bytes.len()), Some(2));
    }
}
