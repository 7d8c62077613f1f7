//! NULL encryption: is what travels under an SPI readable? (RFC 5879)
//!
//! One packet can look readable by chance, so evidence is gathered over several packets of one
//! SPI and judged at the end. Keeps counts, never bytes.

use crate::packet::protocol;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Evidence about one SPI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NullEvidence {
    tested: u32,
    readable: [u32; LAYOUTS.len()],
    /// Packets whose last bytes are a trailer that names a protocol.
    trailers: [u32; LAYOUTS.len()],
    /// What later packets show, a few at a time: what an SPI carries may change.
    later: Option<Box<Later>>,
    /// The layout under which packets are read once enough were looked at.
    readable_as: Option<usize>,
}

/// What a readable ESP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// The protocol of what follows (IANA).
    pub next_header: u8,
    /// A transport segment, or an IP packet in tunnel mode.
    pub bytes: &'a [u8],
}

impl NullEvidence {
    /// Looks at one whole ESP packet, from its SPI on; gives what it carries if it is readable.
    pub fn observe<'a>(
        &mut self,
        esp: &'a [u8],
        source: IpAddr,
        destination: IpAddr,
    ) -> Option<Content<'a>> {
        if self.tested >= ENOUGH {
            let later = self.later.get_or_insert_default();
            later.passed = later.passed.wrapping_add(1);
            if !later.is_null && later.passed.is_multiple_of(ONE_IN) {
                later.observe(esp, source, destination);
            }
            let layout = LAYOUTS.get(self.readable_as?)?;
            return reads_as(esp, *layout, source, destination);
        }
        self.tested += 1;
        for (layout, trailers) in LAYOUTS.iter().zip(&mut self.trailers) {
            *trailers += u32::from(has_trailer(esp, *layout));
        }
        let mut best = None;
        for (layout, readable) in LAYOUTS.iter().zip(&mut self.readable) {
            if let Some(content) = reads_as(esp, *layout, source, destination) {
                *readable += 1;
                if best.is_none_or(|(count, _)| *readable > count) {
                    best = Some((*readable, content));
                }
            }
        }
        if self.tested == ENOUGH && self.is_null() {
            let most = self.readable.iter().max();
            self.readable_as = self.readable.iter().position(|count| Some(count) == most);
        }
        best.map(|(_, content)| content)
    }

    /// Reads the record, so that it is at hand when the next packet comes.
    #[must_use]
    pub fn expect(&self) -> u64 {
        let later = self.later.as_ref().map_or(0, |later| later.passed);
        u64::from(self.tested ^ self.trailers[0] ^ later)
    }

    /// Adds what other packets of the SPI show.
    pub fn join(&mut self, other: &Self) {
        for (mine, theirs) in self.trailers.iter_mut().zip(other.trailers) {
            *mine = mine.saturating_add(theirs);
        }
        if other.later.as_ref().is_some_and(|later| later.is_null) {
            self.later.get_or_insert_default().is_null = true;
        }
        self.tested = self.tested.saturating_add(other.tested);
        for (mine, theirs) in self.readable.iter_mut().zip(other.readable) {
            *mine = mine.saturating_add(theirs);
        }
        self.readable_as = self.readable_as.or(other.readable_as);
    }

    /// Whether the SPI carries readable data: under one layout several packets bear a proof of 16
    /// bits each (a length or checksum that fits) or more of them a trailer of 12 bits, and so do nearly all
    /// that were looked at, of the first packets or of some later ones.
    #[must_use]
    pub fn is_null(&self) -> bool {
        is_rule(self.tested, &self.readable, MIN_PROOFS)
            || is_rule(self.tested, &self.trailers, MIN_TRAILERS)
            || self.later.as_ref().is_some_and(|later| later.is_null)
    }
}

/// Whether nearly all packets that were looked at show the same under one layout.
fn is_rule(tested: u32, counts: &[u32], fewest: u32) -> bool {
    let is_nearly_all = |count: &u32| u64::from(*count) * 10 >= u64::from(tested) * 9;
    counts.iter().any(|count| *count >= fewest && is_nearly_all(count))
}

/// Packets behind the first ones, as many as are looked at together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Later {
    passed: u32,
    tested: u32,
    readable: [u32; LAYOUTS.len()],
    trailers: [u32; LAYOUTS.len()],
    /// Some of them were readable.
    is_null: bool,
}

impl Later {
    /// Looks at one packet in some.
    #[cold]
    fn observe(&mut self, esp: &[u8], source: IpAddr, destination: IpAddr) {
        self.tested += 1;
        // Nearly every packet has no protocol in the place of a trailer's.
        let shows = |icv: &usize| {
            let at = esp.len().checked_sub(1 + icv);
            at.and_then(|at| esp.get(at)).is_some_and(|next| is_carried(*next))
        };
        for icv in ICVS.into_iter().filter(shows) {
            let layouts = LAYOUTS.iter().enumerate().filter(|(_, layout)| layout.icv == icv);
            for (at, layout) in layouts {
                let proof = reads_as(esp, *layout, source, destination).is_some();
                for (counts, found) in
                    [(&mut self.readable, proof), (&mut self.trailers, has_trailer(esp, *layout))]
                {
                    if let Some(count) = counts.get_mut(at) {
                        *count += u32::from(found);
                    }
                }
            }
        }
        if self.tested >= OF_LATER {
            let is_null = is_rule(self.tested, &self.readable, MIN_PROOFS)
                || is_rule(self.tested, &self.trailers, MIN_TRAILERS);
            *self = Self { is_null, passed: self.passed, ..Self::default() };
        }
    }
}

/// Where readable data would be: bytes of initialization vector before, of check value behind.
#[derive(Clone, Copy, Debug)]
struct Layout {
    iv: usize,
    icv: usize,
}

/// The lengths of the check values of [`LAYOUTS`].
const ICVS: [usize; 6] = [0, 8, 12, 16, 24, 32];

/// Check values of 0, 8, 12, 16, 24 and 32 bytes, behind no vector or one of 8 or 16
/// (RFC 2403, 2404, 4543, 4868, 7321).
const LAYOUTS: [Layout; 18] = [
    Layout { iv: 0, icv: 0 },
    Layout { iv: 0, icv: 8 },
    Layout { iv: 0, icv: 12 },
    Layout { iv: 0, icv: 16 },
    Layout { iv: 0, icv: 24 },
    Layout { iv: 0, icv: 32 },
    Layout { iv: 8, icv: 0 },
    Layout { iv: 8, icv: 8 },
    Layout { iv: 8, icv: 12 },
    Layout { iv: 8, icv: 16 },
    Layout { iv: 8, icv: 24 },
    Layout { iv: 8, icv: 32 },
    Layout { iv: 16, icv: 0 },
    Layout { iv: 16, icv: 8 },
    Layout { iv: 16, icv: 12 },
    Layout { iv: 16, icv: 16 },
    Layout { iv: 16, icv: 24 },
    Layout { iv: 16, icv: 32 },
];

/// What the packet carries where it reads as `layout` says and its content proves it.
fn reads_as(
    esp: &[u8],
    layout: Layout,
    source: IpAddr,
    destination: IpAddr,
) -> Option<Content<'_>> {
    let (content, next_header) = behind_trailer(esp, layout)?;
    let is_proven = proves(content, next_header, source, destination);
    is_proven.then_some(Content { next_header, bytes: content })
}

/// Whether the packet ends in a trailer that names a protocol which ESP carries: by chance one in some 4,000.
/// Address translation spoils checksums, padding for confidentiality of the traffic flow (RFC 4303 §2.7) spoils
/// lengths, and compression (RFC 3173) hides both; the trailer stays.
fn has_trailer(esp: &[u8], layout: Layout) -> bool {
    behind_trailer(esp, layout).is_some_and(|(_, next_header)| is_carried(next_header))
}

/// Whether ESP carries that protocol.
const fn is_carried(next_header: u8) -> bool {
    matches!(
        next_header,
        protocol::ICMP
            | protocol::IPV4
            | protocol::TCP
            | protocol::UDP
            | protocol::IPV6
            | protocol::GRE
            | protocol::ICMPV6
            | DUMMY
            | OSPF
            | protocol::ETHERIP
            | IPCOMP
            | protocol::L2TP
            | protocol::SCTP
            | protocol::UDP_LITE
            | WRAPPED
    )
}

/// What is before the trailer, and the next header.
fn behind_trailer(esp: &[u8], layout: Layout) -> Option<(&[u8], u8)> {
    let rest = esp.get(ESP_HEADER_LEN + layout.iv..esp.len().checked_sub(layout.icv)?)?;
    // RFC 4303 §2.4: the padding counts 1, 2, 3, …; then its length and the next header.
    let [before @ .., pad_len, next_header] = rest else { return None };
    let content_len = before.len().checked_sub(usize::from(*pad_len))?;
    let (content, padding) = before.split_at_checked(content_len)?;
    if !padding.iter().zip(1..=u8::MAX).all(|(byte, expected)| *byte == expected) {
        return None;
    }
    Some((content, *next_header))
}

/// Whether the content bears out the next header by at least 16 bits that chance would not give.
fn proves(content: &[u8], next_header: u8, source: IpAddr, destination: IpAddr) -> bool {
    let field = |at: usize| {
        content.get(at..).and_then(|r| r.first_chunk::<2>()).map(|f| u16::from_be_bytes(*f))
    };
    let length = u16::try_from(content.len()).ok();
    match next_header {
        protocol::UDP => length.is_some() && content.len() >= 8 && field(4) == length,
        protocol::IPV4 => {
            length.is_some() && content.first().is_some_and(|b| b >> 4 == 4) && field(2) == length
        }
        protocol::IPV6 => {
            content.first().is_some_and(|b| b >> 4 == 6)
                && field(4).map(usize::from) == content.len().checked_sub(40)
        }
        protocol::TCP => {
            let words = content.get(12).map_or(0, |b| b >> 4);
            words >= 5
                && usize::from(words) * 4 <= content.len()
                && transport_checksum_holds(content, next_header, source, destination)
        }
        protocol::ICMP => content.len() >= 8 && ones_complement(&[content]) == 0xffff,
        protocol::ICMPV6 => {
            content.len() >= 8
                && transport_checksum_holds(content, next_header, source, destination)
        }
        _ => false,
    }
}

/// The checksum over the content and the pseudo-header of the outer addresses (transport mode).
fn transport_checksum_holds(content: &[u8], next: u8, source: IpAddr, destination: IpAddr) -> bool {
    let Ok(length) = u32::try_from(content.len()) else { return false };
    let tail = [&length.to_be_bytes()[..], &[0, 0, 0, next]].concat();
    let sum = match (source, destination) {
        (IpAddr::V4(s), IpAddr::V4(d)) => {
            ones_complement(&[&s.octets(), &d.octets(), &tail, content])
        }
        (IpAddr::V6(s), IpAddr::V6(d)) => {
            ones_complement(&[&s.octets(), &d.octets(), &tail, content])
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    sum == 0xffff
}

/// The ones' complement sum of RFC 1071; every part but the last has an even length.
fn ones_complement(parts: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        let (pairs, rest) = part.as_chunks::<2>();
        sum += pairs.iter().map(|pair| u64::from(u16::from_be_bytes(*pair))).sum::<u64>();
        sum += rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

const ESP_HEADER_LEN: usize = 8;
/// Each proof leaves chance one in 65,536 or less, for each of the layouts.
const MIN_PROOFS: u32 = 3;
/// Each leaves chance one in some 4,000.
const MIN_TRAILERS: u32 = 8;
/// So many of the first packets of an SPI are looked at.
const ENOUGH: u32 = 64;
/// Of those behind them one in so many, and so many together.
const ONE_IN: u32 = 8;
const OF_LATER: u32 = 16;
/// RFC 4303 §2.6; RFC 3173; RFC 2328; aggregation and fragmentation (RFC 9347).
const DUMMY: u8 = 59;
const IPCOMP: u8 = 108;
const OSPF: u8 = 89;
const WRAPPED: u8 = 144;

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> (IpAddr, IpAddr) {
        ([10, 0, 0, 1].into(), [10, 0, 0, 2].into())
    }

    fn esp_with(content: &[u8], next_header: u8, icv: usize) -> Vec<u8> {
        let mut esp = vec![0, 0, 16, 1, 0, 0, 0, 1];
        esp.extend_from_slice(content);
        let pad = (4 - (content.len() + 2) % 4) % 4;
        esp.extend((1..=pad).map(|n| u8::try_from(n).unwrap()));
        esp.extend([u8::try_from(pad).unwrap(), next_header]);
        esp.extend(vec![0xa5; icv]);
        esp
    }

    #[test]
    fn readable_udp_under_a_12_byte_check_value_is_found() {
        let (source, destination) = hosts();
        let mut evidence = NullEvidence::default();
        for size in [9u16, 20, 33] {
            let mut udp = vec![0, 53, 0, 53];
            udp.extend(size.to_be_bytes());
            udp.extend(vec![0x5a; usize::from(size) - 6]);
            evidence.observe(&esp_with(&udp, 17, 12), source, destination);
        }
        assert!(evidence.is_null());
    }

    #[test]
    fn trailers_are_a_proof_where_checksums_and_lengths_are_none() {
        let (source, destination) = hosts();
        for next_header in [6, 47, 108, 132] {
            let mut evidence = NullEvidence::default();
            for size in 0..12 {
                let esp = esp_with(&vec![0x5a; 41 + size * 3], next_header, 16);
                assert!(evidence.observe(&esp, source, destination).is_none());
            }
            assert!(evidence.is_null(), "{next_header}");
        }
    }

    #[test]
    fn what_becomes_readable_later_is_readable() {
        let (source, destination) = hosts();
        let mut evidence = NullEvidence::default();
        for n in 0..100_u8 {
            let opaque: Vec<u8> =
                (0..60_u8).map(|at| at.wrapping_mul(89) ^ n.wrapping_mul(57)).collect();
            evidence.observe(&opaque, source, destination);
        }
        assert!(!evidence.is_null());
        for size in 0..300 {
            evidence.observe(&esp_with(&vec![0x5a; 41 + size], 132, 12), source, destination);
        }
        assert!(evidence.is_null());
    }

    #[test]
    fn two_proofs_are_not_enough() {
        let (source, destination) = hosts();
        let mut evidence = NullEvidence::default();
        for _ in 0..2 {
            evidence.observe(
                &esp_with(&[0, 53, 0, 53, 0, 9, 0, 0, 1], 17, 16),
                source,
                destination,
            );
        }
        assert!(!evidence.is_null());
    }

    proptest::proptest! {
        #[test]
        fn random_payloads_are_not_taken_for_readable(packets in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..200), 0..64)) {
            let (source, destination) = hosts();
            let mut evidence = NullEvidence::default();
            for packet in &packets {
                evidence.observe(packet, source, destination);
            }
            proptest::prop_assert!(!evidence.is_null());
        }
    }
}
