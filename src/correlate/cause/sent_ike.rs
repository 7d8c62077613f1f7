//! When each host sent IKE: what sends it runs.

use super::JITTER;
use crate::correlate::Facts;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// When a host sent IKE, ascending.
#[derive(Debug, Default)]
pub(super) struct SentIke {
    negotiating: Vec<Timestamp>,
    /// Informational requests.
    informing: Vec<Timestamp>,
}

impl SentIke {
    /// The first message behind a point that shows a running service.
    pub(super) fn first(&self, after: Timestamp) -> Option<Timestamp> {
        let first = |times: &[Timestamp], after: Timestamp| {
            times.get(times.partition_point(|time| *time <= after)).copied()
        };
        let negotiates = first(&self.negotiating, after);
        let informs = first(&self.informing, after.shifted(JITTER));
        negotiates.into_iter().chain(informs).min()
    }
}

/// Of every host.
pub(super) fn sent_ike(facts: &Facts) -> BTreeMap<IpAddr, SentIke> {
    let mut sent: BTreeMap<IpAddr, SentIke> = BTreeMap::new();
    for message in facts.exchanges.iter().flat_map(|exchange| &exchange.kept) {
        let of_host = sent.entry(message.source().ip()).or_default();
        let times = if message.is_informational_request() {
            &mut of_host.informing
        } else {
            &mut of_host.negotiating
        };
        times.push(message.time());
    }
    for of_host in sent.values_mut() {
        of_host.negotiating.sort_unstable();
        of_host.informing.sort_unstable();
    }
    sent
}
