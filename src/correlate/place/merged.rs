//! Clear packets longer than any ESP packet: a host shows several packets as one after decryption (receive offload), or
//! before they are cut and protected (segmentation offload).

use super::{Clear, Known, Order, SideOf};
use crate::hosts::{Direction, HostPair};
use std::collections::BTreeMap;

impl Known {
    /// The SPI whose packets can together hold most of these, as several packets put together.
    pub(super) fn merged(
        &self,
        pair: HostPair,
        way: Direction,
        clear: &[Clear],
        budget: &mut u64,
    ) -> Option<(usize, u64)> {
        let mut held: BTreeMap<(usize, Order), u64> = BTreeMap::new();
        for one in clear {
            for order in [Order::EspFirst, Order::ClearFirst] {
                for spi in self.together(one, (pair, way), order, budget) {
                    *held.entry((spi, order)).or_default() += 1;
                }
            }
        }
        let best = held.iter().map(|((spi, _), count)| (*count, std::cmp::Reverse(*spi)));
        best.max().map(|(count, spi)| (spi.0, count))
    }

    /// The SPIs of which the packets nearest to a clear one, two at least, can together hold its payload. Packets
    /// that are not put together are no longer than the longest packet of the SPI: such a clear packet passed as one.
    fn together(&self, one: &Clear, side: SideOf, order: Order, budget: &mut u64) -> Vec<usize> {
        let mut sums: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        let mut found = Vec::new();
        let near: Vec<_> = self.near(one.time, order).map(|(_, mark)| *mark).collect();
        // The nearest first.
        let near = || near.iter().copied();
        let back = near().rev().filter(|_| order == Order::EspFirst);
        for (_, spi, length) in back.chain(near().filter(|_| order == Order::ClearFirst)) {
            if *budget == 0 {
                return Vec::new();
            }
            *budget -= 1;
            let is_longer = self.longest.get(spi).is_some_and(|most| one.packet > *most);
            if !is_longer || self.may_hold(spi, side, order).is_none() || found.contains(&spi) {
                continue;
            }
            let (packets, bytes) = sums.entry(spi).or_default();
            (*packets, *bytes) = (*packets + 1, *bytes + u64::from(length));
            let around = bytes.checked_sub(one.payload.into());
            let (least, most) = (LEAST_AROUND * *packets, MOST_AROUND * *packets);
            if *packets > 1 && around.is_some_and(|around| (least..=most).contains(&around)) {
                found.push(spi);
            }
        }
        found
    }
}

/// What is around the payload of each packet: ESP's own bytes (RFC 4303 §2: 18 at least, 73 at most under the layouts
/// that are known), a header of TCP or UDP of 8 to 60 bytes, and in tunnel mode the IP header.
const LEAST_AROUND: u64 = 18 + 8;
const MOST_AROUND: u64 = 73 + 60 + 40;
