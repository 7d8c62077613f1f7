//! Who put a pair's clear packets on the link, and who its protected ones: an address is no host.
//!
//! Two networks may use the same private addresses (RFC 1918), and anybody may send under another's address. Where
//! the stations or VLANs of the clear packets of a window and those of the pair's protected packets have nothing in
//! common, the two need not be of the same hosts.

use crate::evidence::{EvidenceId, FrameRef};
use crate::hosts::{Direction, HostPair, Station};
use crate::protection::{ProtectionClass, Stream};
use crate::summary::{ClassRun, Origin, Summary};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A packet of an address, and the station that sent its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SentFrom {
    /// The frame.
    pub frame: FrameRef,
    /// Its sender.
    pub station: Station,
}

/// Other stations sent a window's clear packets than the pair's protected ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherSender {
    /// The IP address that both use.
    pub address: IpAddr,
    /// A clear packet.
    pub clear: SentFrom,
    /// A protected packet.
    pub protected: SentFrom,
}

/// The senders of a pair's packets.
#[derive(Debug, Default)]
struct Senders {
    /// Clear packets, by time, with what they are compared by.
    clear: Vec<(Timestamp, Direction, Station, SentFrom)>,
    /// By way and capture, one packet of each station.
    protected: BTreeMap<(Direction, EvidenceId), OneOfEach>,
    /// The same of all captures.
    anywhere: BTreeMap<Direction, OneOfEach>,
    /// By way, a protected packet that its own host put on the link.
    own: BTreeMap<Direction, Origin>,
}

/// One packet of each station.
type OneOfEach = BTreeMap<Station, SentFrom>;

/// The windows whose clear packets other stations sent, by pair and beginning.
pub(super) fn other_senders<'w>(
    summary: &Summary,
    windows: impl Iterator<Item = (HostPair, &'w ClassRun)>,
) -> BTreeMap<(HostPair, Timestamp), OtherSender> {
    let of_pairs = gather(summary);
    let first_files = summary.first_files();
    windows
        .filter_map(|(pair, run)| {
            let mut kinds = [Seen::OnTheLink, Seen::BehindRouters].into_iter();
            let other = kinds.find_map(|kind| {
                of_pairs.get(&(pair, kind))?.other(pair, run, |file| first_files.of(file))
            })?;
            Some(((pair, run.start), other))
        })
        .collect()
}

/// How near the capture is to the sender of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    /// The frame has the address of the packet's own host.
    OnTheLink,
    /// A router passed the packet on: the VLAN is the network's, and the address is the router's.
    BehindRouters,
}

impl Seen {
    /// What two packets are compared by; `None` where the frame does not show it.
    fn key(self, sent: SentFrom) -> Option<Station> {
        let vlans = sent.station.vlans;
        match self {
            Self::OnTheLink => Some(sent.station),
            Self::BehindRouters => {
                (vlans != [0; 2]).then_some(Station { address: [0; 6], ..sent.station })
            }
        }
    }

    fn of(origin: Origin) -> Self {
        if origin.is_passed_on() { Self::BehindRouters } else { Self::OnTheLink }
    }
}

/// Pairs whose clear and ESP packets are all known one by one.
fn gather(summary: &Summary) -> BTreeMap<(HostPair, Seen), Senders> {
    let first_files = summary.first_files();
    let mut of_pairs: BTreeMap<(HostPair, Seen), Senders> = BTreeMap::new();
    let mut unknown: BTreeSet<HostPair> = BTreeSet::new();
    // By capture and stream, how many clear packets there are, and how many are known one by one.
    let mut counted: BTreeMap<(EvidenceId, HostPair, Stream), (u64, u64)> = BTreeMap::new();
    for (id, capture) in &summary.captures {
        let file = first_files.of(*id);
        for ((pair, stream), packets) in &capture.esp_packets {
            let Stream::Esp(_, way) = *stream else { continue };
            for packet in packets {
                let kind = Seen::of(packet.origin);
                let of_pair = of_pairs.entry((*pair, kind)).or_default();
                of_pair.own.entry(way).or_insert(packet.origin);
                let sent = sent_from(packet.frame, packet.origin);
                match sent.and_then(|sent| Some((kind.key(sent)?, sent))) {
                    Some((key, sent)) => {
                        let of_way = of_pair.protected.entry((way, file)).or_default();
                        of_way.entry(key).or_insert(sent);
                    }
                    None if kind == Seen::OnTheLink => drop(unknown.insert(*pair)),
                    None => {}
                }
            }
        }
        // Runs that go on in the next file are counted with the first one.
        for (pair, streams) in &capture.streams {
            for (stream, runs) in streams {
                if stream.class() == ProtectionClass::Clear {
                    let (frames, _) = counted.entry((file, *pair, *stream)).or_default();
                    *frames += runs.iter().map(|run| run.frames).sum::<u64>();
                }
            }
        }
        for ((pair, stream), packets) in &capture.clear_packets {
            let (_, known) = counted.entry((file, *pair, *stream)).or_default();
            *known += packets.len() as u64;
        }
    }
    let beyond = counted.iter().filter(|(_, (frames, known))| frames > known);
    unknown.extend(beyond.map(|((_, pair, _), _)| *pair));
    for ((pair, _), packets) in summary.captures.values().flat_map(|c| &c.clear_packets) {
        for packet in packets.iter().filter(|packet| !packet.is_decrypted_copy) {
            let direct = of_pairs.get(&(*pair, Seen::OnTheLink));
            let own = direct.and_then(|direct| direct.own.get(&packet.direction));
            let is_from_afar = own.is_some_and(|own| packet.origin.is_from_afar(*own));
            let kind = if is_from_afar { Seen::OnTheLink } else { Seen::of(packet.origin) };
            let Some(of_pair) = of_pairs.get_mut(&(*pair, kind)) else { continue };
            let sent = sent_from(packet.frame, packet.origin);
            match sent.and_then(|sent| Some((kind.key(sent)?, sent))) {
                Some((key, sent)) => of_pair.clear.push((packet.time, packet.direction, key, sent)),
                None if kind == Seen::OnTheLink => drop(unknown.insert(*pair)),
                None => {}
            }
        }
    }
    of_pairs.retain(|(pair, _), of_pair| !unknown.contains(pair) && !of_pair.clear.is_empty());
    for of_pair in of_pairs.values_mut() {
        of_pair.clear.sort_unstable();
        of_pair.gather_anywhere();
    }
    of_pairs
}

fn sent_from(frame: FrameRef, origin: Origin) -> Option<SentFrom> {
    Some(SentFrom { frame, station: origin.station()? })
}

impl Senders {
    fn gather_anywhere(&mut self) {
        for ((way, _), stations) in &self.protected {
            let known = self.anywhere.entry(*way).or_default();
            stations.iter().for_each(|(key, sent)| {
                known.entry(*key).or_insert(*sent);
            });
        }
    }

    /// Every clear packet of a run whose sender is known is compared with the protected ones of its capture, or
    /// where that shows none, with those of all.
    fn other(
        &self,
        pair: HostPair,
        run: &ClassRun,
        first: impl Fn(EvidenceId) -> EvidenceId,
    ) -> Option<OtherSender> {
        let from = self.clear.partition_point(|(time, ..)| *time < run.start);
        let to = self.clear.partition_point(|(time, ..)| *time <= run.end).max(from);
        let mut seen: BTreeMap<Direction, OtherSender> = BTreeMap::new();
        let mut own_ways: BTreeSet<Direction> = BTreeSet::new();
        for (_, way, key, sent) in self.clear.get(from..to)? {
            let file = first(sent.frame.evidence);
            let own = self.protected.get(&(*way, file)).filter(|stations| !stations.is_empty());
            let Some(stations) = own.or_else(|| self.anywhere.get(way)) else { continue };
            let Some(protected) = stations.values().next() else { continue };
            if stations.contains_key(key) {
                own_ways.insert(*way);
                continue;
            }
            let address = if *way == Direction::AToB { pair.a() } else { pair.b() };
            let (clear, protected) = (*sent, *protected);
            seen.entry(*way).or_insert(OtherSender { address, clear, protected });
        }
        seen.into_iter().find(|(way, _)| !own_ways.contains(way)).map(|(_, other)| other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::FrameNumber;
    use crate::summary::{PacketRecord, Room, Runs};

    fn sent(file: u32, number: u64, station: u8, vlan: u16) -> SentFrom {
        let frame = FrameRef { evidence: EvidenceId(file), frame: FrameNumber(number) };
        SentFrom { frame, station: Station { address: [2, 0, 0, 0, 0, station], vlans: [vlan, 0] } }
    }

    fn run(frame: FrameRef) -> ClassRun {
        let (mut runs, mut room) = (Runs::default(), Room::default());
        let seen = PacketRecord {
            bytes: 60,
            packet_len: 0,
            payload: 0,
            ..PacketRecord::of_frame(frame, Timestamp(10))
        };
        runs.observe(&seen, &mut room);
        runs.finish().pop().unwrap()
    }

    fn other(clear: SentFrom, protected: &[SentFrom]) -> Option<OtherSender> {
        let pair = HostPair::new("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let mut senders = Senders::default();
        senders.clear.push((Timestamp(10), Direction::AToB, clear.station, clear));
        for one in protected {
            let key = (Direction::AToB, one.frame.evidence);
            let of_way = senders.protected.entry(key).or_default();
            of_way.insert(one.station, *one);
        }
        senders.gather_anywhere();
        senders.other(pair, &run(clear.frame), |file| file)
    }

    #[test]
    fn behind_routers_the_vlan_alone_is_compared() {
        let key = |station, vlan| Seen::BehindRouters.key(sent(1, 1, station, vlan));
        assert_eq!(key(1, 10), key(2, 10));
        assert_ne!(key(1, 10), key(1, 20));
        assert_eq!(key(1, 0), None);
        assert_ne!(Seen::OnTheLink.key(sent(1, 1, 1, 10)), Seen::OnTheLink.key(sent(1, 1, 2, 10)));
    }

    #[test]
    fn stations_and_vlans_have_to_be_others() {
        let protected = sent(1, 5, 1, 10);
        let found = other(sent(1, 9, 2, 10), &[protected]).unwrap();
        assert_eq!(
            (found.address, found.protected),
            ("10.0.0.1".parse::<IpAddr>().unwrap(), protected)
        );
        assert!(other(sent(1, 9, 1, 20), &[protected]).is_some());
        assert!(other(sent(1, 9, 1, 10), &[protected]).is_none());
        // In another capture, which shows no protected packet of its own; and where it shows one.
        assert!(other(sent(2, 9, 2, 10), &[protected]).is_some());
        assert!(other(sent(2, 9, 2, 10), &[protected, sent(2, 3, 2, 10)]).is_none());
        assert!(other(sent(1, 9, 2, 10), &[]).is_none());
    }
}
