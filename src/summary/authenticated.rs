//! Hosts that authenticate their connections and then send them in clear: Windows' null encapsulation
//! (Windows 7 and later), where IPsec serves the firewall and nothing else.
//!
//! It shows as exactly one ESP packet before the first clear packet of each new connection, the same
//! way, and no ESP beside. That is neither a packet shown again after decryption nor a filter with a gap; it is clear text
//! that the policy may want.

use super::{CaptureSummary, ClassRun, Flow, Runs, Summary};
use crate::hosts::{Direction, HostPair};
use crate::protection::decrypted_copy::PlainLengths;
use crate::protection::{EspSpi, Stream};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Summary {
    /// Pairs whose connections are authenticated and not encapsulated, with the connections that were seen to begin, in
    /// order of time.
    #[must_use]
    pub fn authenticated_only(&self) -> BTreeMap<HostPair, Vec<Beginning>> {
        let mut all: BTreeMap<HostPair, Tally> = BTreeMap::new();
        for capture in self.captures.values() {
            for (pair, tally) in capture.beginnings() {
                let known = all.entry(pair).or_default();
                known.connections.extend(tally.connections);
                known.esp += tally.esp;
                known.clear += tally.clear;
            }
        }
        all.retain(|_, tally| tally.is_rule());
        all.values_mut().for_each(|tally| tally.connections.sort_unstable());
        all.into_iter().map(|(pair, tally)| (pair, tally.connections)).collect()
    }

    /// Gives back what was taken for decrypted copies and is none: the first packets of such pairs' connections, and all
    /// packets of a capture that the user says was taken where nothing is decrypted.
    pub(super) fn give_back_what_is_no_copy(&mut self) {
        let pairs = self.authenticated_only();
        for capture in self.captures.values_mut() {
            let is_on_wire =
                capture.stated_vantage.is_some_and(|place| place.explains_clear_text().is_none());
            let is_no_copy = |pair: &HostPair| is_on_wire || pairs.contains_key(pair);
            let shown = capture.decrypted_copies.keys().filter(|pair| is_no_copy(pair));
            for pair in shown.copied().collect::<Vec<_>>() {
                let Some(decrypted_copies) = capture.decrypted_copies.remove(&pair) else {
                    continue;
                };
                let streams = capture.streams.entry(pair).or_default();
                for (stream, runs) in decrypted_copies {
                    let known = streams.remove(&stream).unwrap_or_default();
                    let all: Vec<ClassRun> = known.into_iter().chain(runs).collect();
                    streams.insert(stream, Runs::from(all).finish());
                }
            }
            capture.inside_esp.retain(|(_, inside)| !is_no_copy(inside));
            let all = capture.clear_packets.iter_mut();
            let given_back = all.filter(|((pair, _), _)| is_no_copy(pair));
            for packet in given_back.flat_map(|(_, packets)| packets) {
                packet.is_decrypted_copy = false;
            }
        }
    }
}

/// The first clear packet of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beginning {
    /// When it was seen.
    pub time: Timestamp,
    /// The connection.
    pub flow: Flow,
    /// An ESP packet of its own came directly before it.
    pub is_authenticated: bool,
}

/// Whether so many of all are enough for a rule that covers all: eight of ten.
#[must_use]
pub const fn is_nearly_all(some: u64, all: u64) -> bool {
    some * 10 >= all * 8
}

/// How the connections of a pair begin.
#[derive(Clone, Debug, Default)]
struct Tally {
    connections: Vec<Beginning>,
    esp: u64,
    /// Clear packets of all of them.
    clear: u64,
}

impl Tally {
    fn authenticated(&self) -> u64 {
        self.connections.iter().filter(|one| one.is_authenticated).count() as u64
    }

    fn is_rule(&self) -> bool {
        let authenticated = self.authenticated();
        authenticated >= FEWEST
            && authenticated * 10 >= self.esp * 9
            && is_nearly_all(authenticated, self.connections.len() as u64)
            && self.clear >= authenticated * GOES_ON
    }
}

/// What was seen of a pair, in order of time; of one time ESP first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    /// With its length from the SPI on.
    Esp(Direction, u32),
    /// With the length of its IP packet, and of what is behind the transport header.
    Clear(Flow, Direction, [u32; 2]),
}

impl CaptureSummary {
    /// How the connections of every pair begin that shows both ESP and clear text, where all its ESP packets
    /// are known one by one.
    fn beginnings(&self) -> BTreeMap<HostPair, Tally> {
        let mut by_pair: BTreeMap<HostPair, Vec<(Timestamp, Seen)>> = BTreeMap::new();
        for ((pair, stream), packets) in &self.esp_packets {
            let Stream::Esp(_, direction) = *stream else { continue };
            let seen = packets.iter().map(|esp| (esp.time, Seen::Esp(direction, esp.length)));
            by_pair.entry(*pair).or_default().extend(seen);
        }
        let mut tallies = BTreeMap::new();
        for (pair, mut seen) in by_pair {
            let of_pair = self.streams.get(&pair).into_iter().flatten();
            let esp = of_pair.filter(|(stream, _)| matches!(stream, Stream::Esp(..)));
            let frames: u64 = esp.flat_map(|(_, runs)| runs).map(|run| run.frames).sum();
            if frames != seen.len() as u64 {
                continue;
            }
            let streams = self.clear_packets.range((pair, Stream::Esp(LEAST, Direction::AToB))..);
            let clear = streams.take_while(|((of, _), _)| *of == pair).flat_map(|(_, all)| all);
            seen.extend(clear.filter_map(|p| {
                let lengths = [p.packet_len, p.payload];
                Some((p.time, Seen::Clear(p.flow?, p.direction, lengths)))
            }));
            seen.sort_unstable();
            tallies.insert(pair, tally(seen));
        }
        tallies
    }
}

fn tally(seen: Vec<(Timestamp, Seen)>) -> Tally {
    let mut tally = Tally::default();
    let mut known = BTreeSet::new();
    let mut waiting = None;
    for (time, seen) in seen {
        tally.clear += u64::from(matches!(seen, Seen::Clear(..)));
        match seen {
            Seen::Esp(direction, length) => {
                tally.esp += 1;
                waiting = Some((direction, length));
            }
            Seen::Clear(flow, direction, lengths) if known.insert(flow) => {
                let is_own = |(way, length)| way == direction && may_open(flow, lengths, length);
                let is_authenticated = waiting.take().is_some_and(is_own);
                tally.connections.push(Beginning { time, flow, is_authenticated });
            }
            Seen::Clear(..) => {}
        }
    }
    tally
}

/// Whether an ESP packet can hold the first packet of a connection and no more: of TCP a header without data, of others
/// the very packet that is seen first in clear.
fn may_open(flow: Flow, [packet, payload]: [u32; 2], length: u32) -> bool {
    if flow.protocol == TCP {
        return length <= LARGEST_OPENING;
    }
    let in_bytes = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    let segment = in_bytes(payload).saturating_add(UDP_HEADER);
    PlainLengths { packet: in_bytes(packet), segment }.fits(in_bytes(length))
}

/// RFC 768: the header in front of a datagram's data. Ports are known of UDP, its lightweight form and SCTP beside TCP; of
/// the last the length of the whole packet decides.
const UDP_HEADER: usize = 8;

/// IANA protocol number.
const TCP: u8 = 6;
/// A TCP header with all its options (60 bytes, RFC 9293 §3.1), padded with the two bytes of the trailer to a block
/// of 16, behind SPI, sequence number and a vector of 16 bytes, before a check value of 32 (RFC 4303 §2).
const LARGEST_OPENING: u32 = 8 + 16 + 64 + 32;
/// Fewer connections may begin so by chance.
const FEWEST: u64 = 3;
/// A connection goes on in clear; a decrypted copy of a single datagram does not.
const GOES_ON: u64 = 3;
/// No stream comes before this one.
const LEAST: EspSpi = EspSpi(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_opens_with_a_header_alone() {
        let flow = |protocol| Flow { protocol, a_port: 1, b_port: 2 };
        // 40 bytes of TCP under NULL with SHA-1, 60 under AES-CBC with SHA-256; a datagram of 324.
        let syn = [40, 0];
        assert!(may_open(flow(6), syn, 8 + 44 + 12) && may_open(flow(6), syn, 8 + 16 + 64 + 16));
        assert!(!may_open(flow(6), syn, 324));
        // 44 bytes in a datagram of 52: 56 with the trailer, a check value of 12.
        let datagram = [72, 44];
        assert!(may_open(flow(17), datagram, 8 + 56 + 12) && !may_open(flow(17), datagram, 1_140));
        let esp = |t, length| (Timestamp(t), Seen::Esp(Direction::AToB, length));
        let clear = |t, port| {
            let flow = Flow { protocol: 6, a_port: port, b_port: 80 };
            (Timestamp(t), Seen::Clear(flow, Direction::AToB, [40, 0]))
        };
        let all = vec![esp(1, 324), clear(2, 1000), esp(3, 64), clear(4, 1001)];
        let tally = tally(all);
        assert_eq!((tally.connections.len(), tally.authenticated(), tally.esp), (2, 1, 2));
    }
}
