//! Traffic in the clothes of what every policy lets through, over all captures.

use crate::hosts::HostPair;
use crate::protection::borrowed::Borrowed;
use crate::summary::{Sighting, Summary};
use std::collections::BTreeMap;

/// What a pair sent that borrows an exemption.
#[derive(Clone, Debug)]
pub struct ExemptionAbuse {
    /// The two hosts.
    pub pair: HostPair,
    /// Whose clothes.
    pub what: Borrowed,
    /// The first and the last packet of each capture.
    pub ends: Vec<Sighting>,
    /// How many packets.
    pub packets: u64,
}

/// By pair and kind. What a capture shows again after decryption did not travel so.
pub(super) fn gather(summary: &Summary) -> Vec<ExemptionAbuse> {
    let mut by_pair: BTreeMap<(HostPair, Borrowed), ExemptionAbuse> = BTreeMap::new();
    for capture in summary.captures.values() {
        for ((pair, what), (first, last, packets)) in &capture.borrowed {
            if capture.shows_again(*pair) {
                continue;
            }
            let none = || ExemptionAbuse { pair: *pair, what: *what, ends: Vec::new(), packets: 0 };
            let known = by_pair.entry((*pair, *what)).or_insert_with(none);
            known.ends.extend([*first, *last]);
            known.packets += packets;
        }
    }
    by_pair.into_values().collect()
}
