//! Whether a refusal in clear came from the station that sends the host's other packets.
//!
//! Nothing authenticates an error notify in clear (RFC 7296 §2.21.1, RFC 2408 §5.14): anybody on the path can send one
//! under the peer's address. Compared are the link-layer address, the VLAN and the hop count with those of the host's ESP,
//! or, where the capture shows none, of its clear packets, and of its encrypted IKE messages.

use crate::evidence::EvidenceId;
use crate::hosts::{Direction, HostPair, Station, are_passed_on};
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
    protected: Stations,
    clear: Stations,
    /// Of encrypted messages of IKE.
    negotiating: Stations,
    hops: BTreeSet<u8>,
}

/// The stations that put packets of one host on the link.
#[derive(Debug, Default)]
struct Stations {
    /// The host itself.
    own: BTreeSet<Station>,
    /// Routers that passed its packets on. Which one does may change at any time.
    routers: BTreeSet<Station>,
}

impl Stations {
    fn add(&mut self, station: Option<Station>, is_passed_on: bool) {
        let stations = if is_passed_on { &mut self.routers } else { &mut self.own };
        stations.extend(station);
    }

    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.routers.is_empty()
    }

    /// Whether a packet with this station came from the host; `None` where a router passed it on as the host's others,
    /// if another router.
    fn hold(&self, station: Station, is_passed_on: bool) -> Option<bool> {
        if self.own.contains(&station) || self.routers.contains(&station) {
            return Some(true);
        }
        (!is_passed_on || !self.own.is_empty()).then_some(false)
    }
}

type Way = (EvidenceId, HostPair, Direction);

/// For each negotiation that was refused in clear, by its place in the list, who sent the refusal.
pub(super) fn refusers(summary: &Summary, exchanges: &[IkeExchange]) -> BTreeMap<usize, Refuser> {
    let first_files = summary.first_files();
    let refused = exchanges.iter().enumerate().filter_map(|(at, exchange)| {
        let refusal = exchange.refusal_in_clear()?;
        let pair = exchange.pair();
        let way = pair.direction_from(refusal.source().ip());
        Some((at, (first_files.of(refusal.frame().evidence), pair, way), refusal.sent_by()))
    });
    let refused: Vec<(usize, Way, SentBy)> = refused.collect();
    let mut known: BTreeMap<Way, Senders> =
        refused.iter().map(|(_, way, _)| (*way, Senders::default())).collect();
    if known.is_empty() {
        return BTreeMap::new();
    }
    for (id, capture) in &summary.captures {
        let file = first_files.of(*id);
        for ((pair, stream), packets) in &capture.esp_packets {
            let Stream::Esp(_, way) = *stream else { continue };
            let Some(senders) = known.get_mut(&(file, *pair, way)) else { continue };
            for packet in packets {
                senders.protected.add(packet.origin.station(), packet.origin.is_passed_on());
            }
        }
        for ((pair, _), packets) in &capture.clear_packets {
            for packet in packets.iter().filter(|packet| !packet.is_decrypted_copy) {
                let Some(senders) = known.get_mut(&(file, *pair, packet.direction)) else {
                    continue;
                };
                senders.clear.add(packet.origin.station(), packet.origin.is_passed_on());
            }
        }
    }
    for exchange in exchanges {
        for message in exchange.kept.iter().filter(|message| message.is_encrypted()) {
            let way = exchange.pair().direction_from(message.source().ip());
            let key = (first_files.of(message.frame().evidence), exchange.pair(), way);
            let Some(senders) = known.get_mut(&key) else { continue };
            let sent_by = message.sent_by();
            senders.negotiating.add(sent_by.station, is_passed_on(sent_by));
            senders.hops.extend(sent_by.hops);
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
        let known = all.into_iter().find(|stations| !stations.is_empty());
        let is_known = refusal.station.zip(known);
        let same_station =
            is_known.map(|(station, known)| known.hold(station, is_passed_on(refusal)));
        let hops = refusal.hops.filter(|_| !self.hops.is_empty());
        let same_hops = hops.map(|hops| self.hops.contains(&hops));
        match (same_station, same_hops) {
            (Some(Some(false)), _) | (_, Some(false)) => Refuser::OtherStation,
            (Some(None), _) | (None, None) => Refuser::Unknown,
            (Some(Some(true)), _) | (None, Some(true)) => Refuser::SameStation,
        }
    }
}

/// Whether a router passed a message on; `false` where it does not show it.
fn is_passed_on(sent_by: SentBy) -> bool {
    sent_by.hops.is_some_and(are_passed_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(last: u8, hops: u8) -> SentBy {
        let station = Station { address: [2, 0, 0, 0, 0, last], vlans: [0; 2] };
        SentBy { station: Some(station), hops: Some(hops) }
    }

    fn stations(of: &[SentBy]) -> Stations {
        let mut stations = Stations::default();
        of.iter().for_each(|one| stations.add(one.station, is_passed_on(*one)));
        stations
    }

    #[test]
    fn the_hosts_own_packets_show_who_refused() {
        let known = Senders {
            protected: stations(&[sent(2, 64)]),
            clear: stations(&[sent(2, 64), sent(9, 64)]),
            hops: [64].into(),
            ..Senders::default()
        };
        assert_eq!(known.judge(sent(2, 64)), Refuser::SameStation);
        assert_eq!(known.judge(sent(9, 64)), Refuser::OtherStation);
        assert_eq!(known.judge(sent(2, 47)), Refuser::OtherStation);
        let by_hops = SentBy { station: None, hops: Some(64) };
        assert_eq!(known.judge(by_hops), Refuser::SameStation);
        assert_eq!(known.judge(SentBy::default()), Refuser::Unknown);
        assert_eq!(Senders::default().judge(sent(2, 64)), Refuser::Unknown);
        let in_clear = Senders { clear: stations(&[sent(2, 64)]), ..Senders::default() };
        assert_eq!(in_clear.judge(sent(2, 64)), Refuser::SameStation);
    }

    #[test]
    fn another_router_is_no_other_host() {
        let behind = Senders { protected: stations(&[sent(2, 63)]), ..Senders::default() };
        assert_eq!(behind.judge(sent(2, 63)), Refuser::SameStation);
        assert_eq!(behind.judge(sent(3, 63)), Refuser::Unknown);
        let by_both = Senders { protected: stations(&[sent(2, 63), sent(3, 63)]), ..behind };
        assert_eq!(by_both.judge(sent(3, 63)), Refuser::SameStation);
        // One on the link itself is no host behind the router, and one behind it is no host of the link.
        assert_eq!(by_both.judge(sent(9, 64)), Refuser::OtherStation);
        let on_link = Senders { protected: stations(&[sent(2, 64)]), ..Senders::default() };
        assert_eq!(on_link.judge(sent(3, 63)), Refuser::OtherStation);
        let far = Senders { hops: [63].into(), ..by_both };
        assert_eq!(far.judge(sent(4, 60)), Refuser::OtherStation);
    }
}
