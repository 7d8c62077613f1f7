//! Two hosts' messages beside their ESP and clear text, and what is concluded of them without a capture.

use super::ike_builder::Message;
use plainsight::evidence::{EvidenceId, FrameNumber, FrameRef};
use plainsight::hosts::HostPair;
use plainsight::ike::{EspActivity, EspUse, IkeExchange, MessageDigest, Negotiations, conclude};
use plainsight::time::Timestamp;
use std::net::{IpAddr, SocketAddr};

/// The initiator, the responder, and where the initiator moves to.
const HOSTS: [[u8; 4]; 3] = [[10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 9]];
/// A host and its port.
type End = (usize, u16);

/// What a capture shows between two hosts, in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Talk {
    messages: Vec<(i64, End, End, Message)>,
    esp: Vec<(usize, usize, EspUse)>,
    clear: Vec<i64>,
    /// When the initiator is seen to receive something else.
    heard: Vec<(usize, i64, i64)>,
    end: i64,
}

pub(crate) fn ms(at: i64) -> Timestamp {
    Timestamp(at * 1_000_000)
}

pub(crate) fn ip(host: usize) -> IpAddr {
    IpAddr::from(HOSTS[host])
}

impl Talk {
    pub(crate) fn says(mut self, at: i64, from: usize, message: Message) -> Self {
        let to = if from == 1 { 0 } else { 1 };
        self.messages.push((at, (from, 500), (to, 500), message));
        self.end = self.end.max(at + 60_000);
        self
    }

    /// A message between two hosts and their ports.
    pub(crate) fn sends(mut self, at: i64, from: End, to: End, message: Message) -> Self {
        self.messages.push((at, from, to, message));
        self.end = self.end.max(at + 60_000);
        self
    }

    /// ESP under one SPI each way.
    pub(crate) fn esp(self, start: i64, end: i64, spis: [u32; 2]) -> Self {
        self.esp_of(0, start, end, spis)
    }

    pub(crate) fn esp_of(mut self, host: usize, start: i64, end: i64, spis: [u32; 2]) -> Self {
        let uses = spis
            .map(|spi| (host, 1, EspUse { start: ms(start), end: ms(end), spi, continues: true }));
        self.esp.extend(uses);
        self
    }

    pub(crate) fn clear(mut self, at: i64) -> Self {
        self.clear.push(at);
        self
    }

    pub(crate) fn heard(self, start: i64, end: i64) -> Self {
        self.heard_from(1, start, end)
    }

    /// The initiator is seen to receive something of one host.
    pub(crate) fn heard_from(mut self, host: usize, start: i64, end: i64) -> Self {
        self.heard.push((host, start, end));
        self
    }

    pub(crate) fn judge_all(&self) -> Vec<IkeExchange> {
        let mut negotiations = Negotiations::default();
        let mut by_time: Vec<_> = self.messages.iter().collect();
        by_time.sort_by_key(|(at, ..)| *at);
        for (number, (at, from, to, message)) in (1..).zip(by_time) {
            let frame = FrameRef { evidence: EvidenceId(1), frame: FrameNumber(number) };
            let ends = (SocketAddr::new(ip(from.0), from.1), SocketAddr::new(ip(to.0), to.1));
            let read = MessageDigest::new(frame, ms(*at), ends, &message.bytes()).unwrap();
            negotiations.observe(read.0);
        }
        let mut activity = EspActivity::default();
        activity.ends(EvidenceId(1), ms(self.end));
        for host in [0, 2] {
            let of_host = self.esp.iter().filter(|(one, ..)| *one == host).map(|(.., used)| *used);
            let uses: Vec<EspUse> = of_host.collect();
            if !uses.is_empty() {
                activity.insert(HostPair::new(ip(host), ip(1)), uses);
            }
        }
        for at in &self.clear {
            activity.clear_begins(HostPair::new(ip(0), ip(1)), ms(*at));
        }
        for (from, start, end) in &self.heard {
            activity.receives(ip(0), ip(*from), ms(*start), ms(*end));
        }
        conclude(negotiations, &activity)
    }

    pub(crate) fn judge(&self) -> IkeExchange {
        let mut all = self.judge_all();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }
}
