//! Whether a refusal in clear came from the station that sends the host's other packets.
//!
//! Nothing authenticates an error notify in clear (RFC 7296 §2.21.1, RFC 2408 §5.14): anybody on the path can send one
//! under the peer's address. Compared are the link-layer address, the VLAN and the hop count with those of the host's ESP,
//! or, where the capture shows none, of its clear packets, and of its encrypted IKE messages.

use crate::evidence::EvidenceId;
use crate::hosts::{Direction, HostPair};
use crate::ike::{IkeExchange, SentBy};
use crate::protection::Stream;
use crate::summary::Summary;
use std::collections::{BTreeMap, BTreeSet};

/// Who sent a refusal in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refuser {
    /// The station that sends the host's other packets.
    SameStation,
    /// The capture shows nothing to compare it with.
    Unknown,
    /// Another station, or one at another distance.
    OtherStation,
}

/// What a host's packets to another one show of their senders, in one capture.
#[derive(Debug, Default)]
struct Senders {
    protected: BTreeSet<Station>,
    clear: BTreeSet<Station>,
    /// Of encrypted messages of IKE.
    negotiating: BTreeSet<Station>,
    hops: BTreeSet<u8>,
}

type Station = ([u8; 6], [u16; 2]);
type Way = (EvidenceId, HostPair, Direction);

/// For each negotiation that was refused in clear, by its place in the list, who sent the refusal.
pub(super) fn refusers(summary: &Summary, exchanges: &[IkeExchange]) -> BTreeMap<usize, Refuser> {
    let first_files = summary.first_files();
    let first = |file: EvidenceId| first_files.get(&file).copied().unwrap_or(file);
    let refused = exchanges.iter().enumerate().filter_map(|(at, exchange)| {
        let refusal = exchange.refusal_in_clear()?;
        let pair = exchange.pair();
        let way = pair.direction_from(refusal.source().ip());
        Some((at, (first(refusal.frame().evidence), pair, way), refusal.sent_by()))
    });
    let refused: Vec<(usize, Way, SentBy)> = refused.collect();
    let mut known: BTreeMap<Way, Senders> =
        refused.iter().map(|(_, way, _)| (*way, Senders::default())).collect();
    if known.is_empty() {
        return BTreeMap::new();
    }
    for (id, capture) in &summary.captures {
        let file = first(*id);
        for ((pair, stream), packets) in &capture.esp_packets {
            let Stream::Esp(_, way) = *stream else { continue };
            let Some(senders) = known.get_mut(&(file, *pair, way)) else { continue };
            let stations = packets
                .iter()
                .filter_map(|packet| Some((packet.origin.address()?, packet.origin.vlans())));
            senders.protected.extend(stations);
        }
        for ((pair, _), packets) in &capture.clear_packets {
            for packet in packets.iter().filter(|packet| !packet.is_decrypted_copy) {
                let Some(senders) = known.get_mut(&(file, *pair, packet.direction)) else {
                    continue;
                };
                let address = packet.origin.address();
                senders.clear.extend(address.map(|own| (own, packet.origin.vlans())));
            }
        }
    }
    for exchange in exchanges {
        for message in exchange.kept.iter().filter(|message| message.is_encrypted()) {
            let way = exchange.pair().direction_from(message.source().ip());
            let key = (first(message.frame().evidence), exchange.pair(), way);
            let Some(senders) = known.get_mut(&key) else { continue };
            senders.negotiating.extend(message.sent_by().station);
            senders.hops.extend(message.sent_by().hops);
        }
    }
    let judged = refused
        .into_iter()
        .filter_map(|(at, way, sent_by)| Some((at, known.get(&way)?.judge(sent_by))));
    judged.collect()
}

impl Senders {
    fn judge(&self, refusal: SentBy) -> Refuser {
        // What is protected is the host's; anybody can send in clear under its address.
        let all = [&self.protected, &self.negotiating, &self.clear];
        let stations = all.into_iter().find(|stations| !stations.is_empty());
        let same_station =
            refusal.station.zip(stations).map(|(station, known)| known.contains(&station));
        let hops = refusal.hops.filter(|_| !self.hops.is_empty());
        let same_hops = hops.map(|hops| self.hops.contains(&hops));
        match (same_station, same_hops) {
            (Some(false), _) | (_, Some(false)) => Refuser::OtherStation,
            (Some(true), _) | (_, Some(true)) => Refuser::SameStation,
            (None, None) => Refuser::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_packets_tell_who_refused() {
        let station = |last| ([2, 0, 0, 0, 0, last], [0; 2]);
        let sent = |last, hops| SentBy { station: Some(station(last)), hops: Some(hops) };
        let known = Senders {
            protected: [station(2)].into(),
            clear: [station(2), station(9)].into(),
            negotiating: BTreeSet::new(),
            hops: [64].into(),
        };
        assert_eq!(known.judge(sent(2, 64)), Refuser::SameStation);
        assert_eq!(known.judge(sent(9, 64)), Refuser::OtherStation);
        assert_eq!(known.judge(sent(2, 47)), Refuser::OtherStation);
        let by_hops = SentBy { station: None, hops: Some(64) };
        assert_eq!(known.judge(by_hops), Refuser::SameStation);
        assert_eq!(known.judge(SentBy::default()), Refuser::Unknown);
        assert_eq!(Senders::default().judge(sent(2, 64)), Refuser::Unknown);
        let in_clear = Senders { clear: [station(2)].into(), ..Senders::default() };
        assert_eq!(in_clear.judge(sent(2, 64)), Refuser::SameStation);
    }
}
