//! Messages gathered by negotiation: one initiator SPI between two hosts.
//!
//! COOKIE and INVALID_KE_PAYLOAD rounds keep the initiator's SPI, so they are one negotiation.
//! Bounded: a negotiation keeps its first and its last messages, the rest is counted.

use super::header::Header;
use super::payload::{self, Contents};
use super::{ExchangeType, IkeVersion, Spi};
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::time::Timestamp;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::net::SocketAddr;

/// What is kept of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageDigest {
    pub(super) frame: FrameRef,
    pub(super) time: Timestamp,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) initiator_spi: Spi,
    pub(super) responder_spi: Spi,
    pub(super) version: IkeVersion,
    pub(super) exchange_type: ExchangeType,
    pub(super) flags: u8,
    pub(super) message_id: u32,
    /// The length the header tells, in octets.
    pub(super) length: u32,
    /// Tells a retransmission from a new message.
    pub(super) fingerprint: u64,
    pub(super) contents: Contents,
}

impl MessageDigest {
    /// Reads a message from its header on; `None` where there is no header.
    #[must_use]
    pub fn new(
        frame: FrameRef,
        time: Timestamp,
        (source, destination): (SocketAddr, SocketAddr),
        message: &[u8],
    ) -> Option<Self> {
        let header = Header::read(message)?;
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        Some(Self {
            frame,
            time,
            source,
            destination,
            initiator_spi: header.initiator_spi,
            responder_spi: header.responder_spi,
            version: header.version,
            exchange_type: header.exchange_type,
            flags: header.flags,
            message_id: header.message_id,
            length: header.length,
            fingerprint: hasher.hash_one(message),
            contents: payload::read(message, &header),
        })
    }

    pub(super) fn is_response(&self) -> bool {
        self.flags & Header::RESPONSE != 0
    }

    pub(super) fn is_from_original_initiator(&self) -> bool {
        self.flags & Header::INITIATOR != 0
    }
}

/// All negotiations of a capture, or of several.
#[derive(Clone, Debug, Default)]
pub struct Negotiations {
    by_key: BTreeMap<(HostPair, Spi), Negotiation>,
    /// Messages of negotiations beyond the bound.
    overflow: u64,
}

/// The messages of one negotiation.
#[derive(Clone, Debug, Default)]
pub(super) struct Negotiation {
    pub(super) first: Vec<MessageDigest>,
    pub(super) last: VecDeque<MessageDigest>,
    pub(super) messages: u64,
    pub(super) retransmissions: u64,
    seen: HashSet<(SocketAddr, u64)>,
}

impl Negotiations {
    /// Adds a message.
    pub fn observe(&mut self, message: MessageDigest) {
        let pair = HostPair::new(message.source.ip(), message.destination.ip());
        let key = (pair, message.initiator_spi);
        if self.by_key.len() >= MAX_NEGOTIATIONS && !self.by_key.contains_key(&key) {
            self.overflow += 1;
            return;
        }
        self.by_key.entry(key).or_default().observe(message);
    }

    /// Adds another capture's negotiations; what both show is told as one.
    pub fn join(&mut self, other: Self) {
        self.overflow += other.overflow;
        for (key, theirs) in other.by_key {
            let mine = self.by_key.entry(key).or_default();
            if mine.messages == 0 {
                *mine = theirs;
            } else {
                mine.join(theirs);
            }
        }
    }

    /// Messages that were counted only, because there were too many negotiations.
    #[must_use]
    pub const fn overflow(&self) -> u64 {
        self.overflow
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (HostPair, &Negotiation)> {
        self.by_key.iter().map(|((pair, _), negotiation)| (*pair, negotiation))
    }
}

impl Negotiation {
    fn observe(&mut self, message: MessageDigest) {
        self.messages += 1;
        if self.seen.len() < MAX_FINGERPRINTS
            && !self.seen.insert((message.source, message.fingerprint))
        {
            self.retransmissions += 1;
        }
        if self.first.len() < KEPT_FIRST {
            self.first.push(message);
        } else {
            self.last.push_back(message);
            if self.last.len() > KEPT_LAST {
                self.last.pop_front();
            }
        }
    }

    fn join(&mut self, other: Self) {
        self.messages += other.messages;
        self.retransmissions += other.retransmissions;
        self.first.extend(other.first);
        self.last.extend(other.last);
    }

    /// The kept messages in order of time.
    pub(super) fn in_time(&self) -> Vec<&MessageDigest> {
        let mut messages: Vec<_> = self.first.iter().chain(&self.last).collect();
        messages.sort_by_key(|m| (m.time, m.frame));
        messages
    }
}

/// A flood of initiator SPIs must not fill the memory.
const MAX_NEGOTIATIONS: usize = 100_000;
const MAX_FINGERPRINTS: usize = 4096;
const KEPT_FIRST: usize = 64;
const KEPT_LAST: usize = 16;
