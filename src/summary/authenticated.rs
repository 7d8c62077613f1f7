//! Hosts that authenticate their connections and then send them in clear: Windows' null encapsulation
//! (Windows 7 and later), where IPsec serves the firewall and nothing else.
//!
//! It shows as exactly one ESP packet before the first clear packet of each new connection, the same
//! way, and no ESP beside. That is neither a packet shown again after decryption nor a filter with a gap; it is clear text
//! that the policy may want.

use super::{CaptureSummary, ClassRun, Flow, Runs, Summary};
use crate::hosts::{Direction, HostPair};
use crate::protection::{EspSpi, Stream};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Summary {
    /// Pairs whose connections are authenticated and not encapsulated, with how many of them were seen to begin
    /// so.
    #[must_use]
    pub fn authenticated_only(&self) -> BTreeMap<HostPair, u64> {
        let mut all: BTreeMap<HostPair, Tally> = BTreeMap::new();
        for capture in self.captures.values() {
            for (pair, tally) in capture.beginnings() {
                let known = all.entry(pair).or_default();
                known.connections += tally.connections;
                known.authenticated += tally.authenticated;
                known.esp += tally.esp;
                known.clear += tally.clear;
            }
        }
        all.retain(|_, tally| tally.is_rule());
        all.into_iter().map(|(pair, tally)| (pair, tally.authenticated)).collect()
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

/// How the connections of a pair begin.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    connections: u64,
    /// Those with an ESP packet of their own before them.
    authenticated: u64,
    esp: u64,
    /// Clear packets of all of them.
    clear: u64,
}

impl Tally {
    const fn is_rule(self) -> bool {
        self.authenticated >= FEWEST
            && self.authenticated * 10 >= self.esp * 9
            && self.authenticated * 10 >= self.connections * 8
            && self.clear >= self.authenticated * GOES_ON
    }
}

/// What was seen of a pair, in order of time; of one time ESP first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    /// With its length from the SPI on.
    Esp(Direction, u32),
    Clear(Flow, Direction),
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
            seen.extend(clear.filter_map(|p| Some((p.time, Seen::Clear(p.flow?, p.direction)))));
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
    for (_, seen) in seen {
        tally.clear += u64::from(matches!(seen, Seen::Clear(..)));
        match seen {
            Seen::Esp(direction, length) => {
                tally.esp += 1;
                waiting = Some((direction, length));
            }
            Seen::Clear(flow, direction) if known.insert(flow) => {
                tally.connections += 1;
                let is_own = |(way, length)| way == direction && may_open(flow, length);
                tally.authenticated += u64::from(waiting.take().is_some_and(is_own));
            }
            Seen::Clear(..) => {}
        }
    }
    tally
}

/// Whether an ESP packet can hold the first packet of a connection and no more: of TCP a header without data.
const fn may_open(flow: Flow, length: u32) -> bool {
    flow.protocol != TCP || length <= LARGEST_OPENING
}

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
        assert!(may_open(flow(6), 8 + 44 + 12) && may_open(flow(6), 8 + 16 + 64 + 16));
        assert!(!may_open(flow(6), 324) && may_open(flow(17), 324));
        let esp = |t, length| (Timestamp(t), Seen::Esp(Direction::AToB, length));
        let clear = |t, port| {
            let flow = Flow { protocol: 6, a_port: port, b_port: 80 };
            (Timestamp(t), Seen::Clear(flow, Direction::AToB))
        };
        let all = vec![esp(1, 324), clear(2, 1000), esp(3, 64), clear(4, 1001)];
        let tally = tally(all);
        assert_eq!((tally.connections, tally.authenticated, tally.esp), (2, 1, 2));
    }
}
