//! Traffic that is disguised as what every policy exempts, over all captures.

use crate::hosts::HostPair;
use crate::protection::exemption_abuse::AbusedExemption;
use crate::summary::{PacketRecord, Summary};
use std::collections::BTreeMap;

/// What a pair sent in abuse of an exemption.
#[derive(Clone, Debug)]
pub struct ExemptionAbuse {
    /// The two hosts.
    pub pair: HostPair,
    /// The exemption that was abused.
    pub what: AbusedExemption,
    /// The first and the last packet of each capture.
    pub ends: Vec<PacketRecord>,
    /// The number of packets.
    pub packets: u64,
}

/// By pair and kind. Decrypted copies are left out: they did not travel in this form.
pub(super) fn gather(summary: &Summary) -> Vec<ExemptionAbuse> {
    let mut by_pair: BTreeMap<(HostPair, AbusedExemption), ExemptionAbuse> = BTreeMap::new();
    let echo_tunnels = summary.echo_tunnels();
    let (first_files, shown_again) = (summary.first_files(), summary.shown_again());
    for (file, capture) in &summary.captures {
        let of_capture = first_files.of(*file);
        for ((pair, what), (first, last, packets)) in &capture.abused_exemptions {
            let is_fault = *what == AbusedExemption::EchoTunnel && !echo_tunnels.contains(pair);
            if is_fault || shown_again.contains(&(of_capture, *pair)) {
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
