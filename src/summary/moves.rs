//! ESP that goes on between other addresses: a host moved (RFC 4555), or its translated address changed (RFC 3948).
//!
//! The SPI stays, and so does the count of packets: a new SA begins with 1 (RFC 4303 §3.3.3).

use super::capture_summary::CaptureSummary;
use crate::hosts::{Direction, HostPair};
use crate::protection::{EspSpi, Stream};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The packets of one SPI between two addresses.
#[derive(Clone, Copy, Debug)]
struct Counted {
    pair: HostPair,
    stream: Stream,
    way: Direction,
    /// Time and number of the first packet, and of the last one.
    first: (Timestamp, u32),
    last: (Timestamp, u32),
}

impl Counted {
    fn ends(&self) -> (IpAddr, IpAddr) {
        let (a, b) = (self.pair.a(), self.pair.b());
        if self.way == Direction::AToB { (a, b) } else { (b, a) }
    }

    /// Whether these packets are the next ones of an SA of which one end has another address now.
    fn continues(&self, before: &Self) -> bool {
        let ((from, to), (known_from, known_to)) = (self.ends(), before.ends());
        let shares = (from == known_from) != (to == known_to);
        let next = self.first.1.wrapping_sub(before.last.1);
        let is_later = self.first.0 >= before.last.0.shifted(UNDER_WAY.negated());
        shares && is_later && (1..=NEXT).contains(&next)
    }
}

/// The SPIs of pairs whose packets continue those of the same SPI between other addresses, as far as ESP packets are known
/// one by one.
pub(super) fn moved<'c>(
    captures: impl Iterator<Item = &'c CaptureSummary>,
) -> BTreeSet<(HostPair, Stream)> {
    let mut by_spi: BTreeMap<EspSpi, BTreeMap<(HostPair, Stream), Counted>> = BTreeMap::new();
    for ((pair, stream), packets) in captures.flat_map(|capture| &capture.esp_packets) {
        let Stream::Esp(spi, way) = *stream else { continue };
        let numbered = || packets.iter().map(|packet| (packet.time, packet.number));
        let (Some(first), Some(last)) = (numbered().min(), numbered().max()) else { continue };
        let counted = Counted { pair: *pair, stream: *stream, way, first, last };
        let known = by_spi.entry(spi).or_default().entry((*pair, *stream)).or_insert(counted);
        known.first = known.first.min(first);
        known.last = known.last.max(last);
    }
    let mut moved = BTreeSet::new();
    for uses in by_spi.into_values().filter(|uses| uses.len() > 1) {
        let mut uses: Vec<Counted> = uses.into_values().collect();
        uses.sort_by_key(|one| (one.first, one.pair));
        for (at, one) in uses.iter().enumerate() {
            let before = uses.get(..at).unwrap_or_default().iter().rev().take(MOST_MOVES);
            if before.into_iter().any(|known| one.continues(known)) {
                moved.insert((one.pair, one.stream));
            }
        }
    }
    moved
}

/// So many packets may be lost while a host changes its address.
const NEXT: u32 = 1024;
/// Packets of the old address that are on their way.
const UNDER_WAY: Span = Span::from_seconds(1);
/// Uses of the same SPI that one is compared with.
const MOST_MOVES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(from: u8, to: u8, seconds: (i64, i64), numbers: (u32, u32)) -> Counted {
        let host = |last: u8| IpAddr::from([10, 0, 0, last]);
        let pair = HostPair::new(host(from), host(to));
        let way = pair.direction_from(host(from));
        let at = |seconds: i64| Timestamp(seconds * 1_000_000_000);
        Counted {
            pair,
            stream: Stream::Esp(EspSpi(0x1234), way),
            way,
            first: (at(seconds.0), numbers.0),
            last: (at(seconds.1), numbers.1),
        }
    }

    #[test]
    fn an_sa_goes_on_where_its_count_does_and_one_end_stays() {
        let before = counted(1, 2, (0, 10), (1, 40));
        assert!(counted(9, 2, (11, 20), (41, 80)).continues(&before));
        assert!(counted(1, 9, (11, 20), (45, 80)).continues(&before));
        // A new SA counts from 1; both ends are others, or none is; the old address goes on.
        assert!(!counted(9, 2, (11, 20), (1, 40)).continues(&before));
        assert!(!counted(8, 9, (11, 20), (41, 80)).continues(&before));
        assert!(!counted(1, 2, (11, 20), (41, 80)).continues(&before));
        assert!(!counted(2, 9, (11, 20), (41, 80)).continues(&before));
        assert!(!counted(9, 2, (5, 20), (41, 80)).continues(&before));
        assert!(!counted(9, 2, (11, 20), (5_000, 5_040)).continues(&before));
    }
}
