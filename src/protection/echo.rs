//! Echoes whose replies do not hold the data of their requests.
//!
//! RFC 792 and RFC 4443 §4.2: what an echo request holds is returned unmodified. Replies that hold other data carry
//! traffic of their own, as tunnels through ICMP do. A sender's latest requests are kept by a hash; no octets.

use crate::hosts::{Direction, HostPair};
use crate::packet::{IpPacket, protocol};
use serde::{Deserialize, Serialize};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::BuildHasher;

/// Replies of one pair that could be compared with their requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EchoReplies {
    /// All of them.
    pub compared: u64,
    /// Those that hold other data.
    pub differing: u64,
}

impl EchoReplies {
    /// Adds those of another capture.
    pub const fn join(&mut self, other: Self) {
        self.compared = self.compared.saturating_add(other.compared);
        self.differing = self.differing.saturating_add(other.differing);
    }

    /// Whether the two hosts exchange data in their echoes: more than a faulty line or a number that is used again
    /// makes.
    #[must_use]
    pub const fn are_a_tunnel(self) -> bool {
        self.differing >= FEWEST && self.differing.saturating_mul(2) > self.compared
    }
}

/// The echoes of one capture.
#[derive(Debug, Default)]
pub struct Echoes {
    hasher: RandomState,
    asked: HashMap<Request, [Data; 2]>,
    order: VecDeque<Request>,
    replies: HashMap<HostPair, EchoReplies>,
}

/// Who asked, under which identifier and sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Request {
    pair: HostPair,
    is_from_a: bool,
    id_and_number: [u8; 4],
}

/// The data of an echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Data {
    hash: u64,
    len: usize,
}

impl Echoes {
    /// Takes an exempt packet; whether it is a reply that holds other data than its request.
    pub fn observe(&mut self, ip: &IpPacket<'_>) -> bool {
        let is_whole = ip.fragment.is_none() && ip.payload.len() == ip.payload_len;
        let is_request = match (ip.protocol, ip.payload.first()) {
            (protocol::ICMP, Some(8)) | (protocol::ICMPV6, Some(128)) => true,
            (protocol::ICMP, Some(0)) | (protocol::ICMPV6, Some(129)) => false,
            _ => return false,
        };
        let Some((head, data)) = ip.payload.split_first_chunk::<8>().filter(|_| is_whole) else {
            return false;
        };
        let [.., one, two, three, four] = *head;
        let is_from_a = (ip.direction == Direction::AToB) == is_request;
        let id_and_number = [one, two, three, four];
        let request = Request { pair: ip.pair, is_from_a, id_and_number };
        let data = Data { hash: self.hasher.hash_one(data), len: data.len() };
        if is_request {
            self.ask(request, data);
            return false;
        }
        let Some(asked) = self.asked.get(&request) else { return false };
        // Some hosts return no more than the beginning of a large request.
        let is_cut = asked.iter().all(|asked| data.len < asked.len);
        let is_known = self.replies.len() < MOST_PAIRS || self.replies.contains_key(&ip.pair);
        if is_cut || !is_known {
            return false;
        }
        let differs = !asked.contains(&data);
        let replies = self.replies.entry(ip.pair).or_default();
        replies.compared += 1;
        replies.differing += u64::from(differs);
        differs
    }

    fn ask(&mut self, request: Request, data: Data) {
        if let Some(asked) = self.asked.get_mut(&request) {
            if asked[0] != data {
                *asked = [data, asked[0]];
            }
            return;
        }
        self.asked.insert(request, [data; 2]);
        self.order.push_back(request);
        if self.order.len() > MOST_REQUESTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.asked.remove(&oldest);
        }
    }

    /// The pairs of which replies differed.
    #[must_use]
    pub fn finish(self) -> BTreeMap<HostPair, EchoReplies> {
        self.replies.into_iter().filter(|(_, replies)| replies.differing > 0).collect()
    }
}

const FEWEST: u64 = 8;
/// Requests that wait for their replies.
const MOST_REQUESTS: usize = 4096;
const MOST_PAIRS: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn echo(echoes: &mut Echoes, kind: u8, number: u8, data: &[u8]) -> bool {
        let [one, two]: [IpAddr; 2] = [[10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
        let message = [&[kind, 0, 0, 0, 0, 7, 0, number], data].concat();
        let (from, to) = if kind == 8 { (one, two) } else { (two, one) };
        echoes.observe(&IpPacket::carrying(from, to, protocol::ICMP, &message))
    }

    fn replies(echoes: Echoes) -> Option<EchoReplies> {
        echoes.finish().into_values().next()
    }

    #[test]
    fn replies_with_other_data_are_a_tunnel() {
        let mut echoes = Echoes::default();
        for number in 0..8 {
            echo(&mut echoes, 8, number, &[number; 40]);
            assert!(echo(&mut echoes, 0, number, &[number + 1; 40]));
        }
        assert!(replies(echoes).unwrap().are_a_tunnel());
    }

    #[test]
    fn replies_of_a_ping_cut_replies_and_a_number_used_again_are_none() {
        let mut echoes = Echoes::default();
        for time in 0..99 {
            echo(&mut echoes, 8, 1, &[time; 40]);
            if time % 2 == 1 {
                assert!(!echo(&mut echoes, 0, 1, &[time - 1; 40]), "the reply before the last");
                assert!(!echo(&mut echoes, 0, 1, &[time; 40]));
            }
            echo(&mut echoes, 8, 2, &[3; 1000]);
            assert!(!echo(&mut echoes, 0, 2, &[3; 64]), "cut");
            assert!(!echo(&mut echoes, 0, 9, &[3; 64]), "never asked");
        }
        assert_eq!(replies(echoes), None);
    }

    #[test]
    fn a_few_broken_replies_among_many_are_a_fault() {
        let mut echoes = Echoes::default();
        for number in 0..60 {
            echo(&mut echoes, 8, number, &[number; 40]);
            echo(&mut echoes, 0, number, &[if number % 6 == 0 { 99 } else { number }; 40]);
        }
        assert!(!replies(echoes).unwrap().are_a_tunnel());
    }
}
