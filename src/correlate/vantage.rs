//! Where captures were taken, as far as what they show proves it.

use crate::evidence::EvidenceId;
use crate::summary::Summary;
use std::collections::BTreeSet;

/// Captures that were taken on one of the hosts.
pub(super) fn on_the_host(summary: &Summary) -> BTreeSet<EvidenceId> {
    let on_a_host = summary.captures.iter().filter(|(_, capture)| capture.was_on_a_host());
    on_a_host.map(|(evidence, _)| *evidence).collect()
}
