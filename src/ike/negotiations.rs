//! Messages gathered by negotiation, in bounded memory; draws no conclusion.
//!
//! A negotiation is one initiator SPI between two hosts: COOKIE and INVALID_KE_PAYLOAD rounds keep
//! that SPI, and so does the change from port 500 to 4500. Once both SPIs are known they alone
//! decide, for a host may change its address (RFC 4555).

use super::digest::MessageDigest;
use super::{IkeVersion, Spi};
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;

/// All negotiations of a capture, or of several.
#[derive(Clone, Debug, Default)]
pub struct Negotiations {
    by_key: BTreeMap<Key, Negotiation>,
    /// Under which key a pair of SPIs is gathered.
    by_spis: HashMap<(Spi, Spi), Key, foldhash::fast::RandomState>,
    /// How many have not gone past their opening.
    half_open: usize,
    uncounted: Option<Uncounted>,
}

/// The two hosts and the initiator's SPI.
type Key = (HostPair, Spi);

/// Messages of negotiations beyond the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncounted {
    /// How many.
    pub messages: u64,
    /// The first of them, and when.
    pub first: (Timestamp, FrameRef),
    /// The last of them, and when.
    pub last: (Timestamp, FrameRef),
}

/// The messages of one negotiation: the first ones, the last ones, and how many in all.
#[derive(Clone, Debug, Default)]
pub(super) struct Negotiation {
    first: Vec<MessageDigest>,
    last: VecDeque<MessageDigest>,
    pub(super) messages: u64,
    pub(super) retransmissions: u64,
    /// A message beyond the opening was seen.
    is_past_opening: bool,
}

impl Negotiations {
    /// Adds a message; false where it belongs to a negotiation beyond the bounds and is counted
    /// only.
    pub fn observe(&mut self, message: MessageDigest) -> bool {
        let spis = message.spis();
        let own = (HostPair::new(message.source.ip(), message.destination.ip()), spis.0);
        let key = self.by_spis.get(&spis).copied().unwrap_or(own);
        let is_opening = message.is_opening();
        if let Some(known) = self.by_key.get_mut(&key) {
            if !is_opening && !known.is_past_opening {
                known.is_past_opening = true;
                self.half_open -= 1;
            }
            known.observe(message);
        } else if (is_opening && self.half_open >= MAX_HALF_OPEN)
            || self.by_key.len() >= MAX_NEGOTIATIONS
        {
            let here = (message.time, message.frame);
            self.count(Uncounted { messages: 1, first: here, last: here });
            return false;
        } else {
            self.half_open += usize::from(is_opening);
            let mut new = Negotiation { is_past_opening: !is_opening, ..Negotiation::default() };
            new.observe(message);
            self.by_key.insert(key, new);
        }
        if !spis.1.is_zero() && self.by_spis.len() < MAX_NEGOTIATIONS {
            self.by_spis.entry(spis).or_insert(key);
        }
        true
    }

    /// Adds another capture's negotiations. A message that both show counts once where the two
    /// captures ran `at_once`, by the one that shows it more often.
    pub fn join(&mut self, other: Self, at_once: bool) {
        if let Some(uncounted) = other.uncounted {
            self.count(uncounted);
        }
        for (key, theirs) in other.by_key {
            let mine = self.by_key.entry(key).or_default();
            if mine.messages == 0 {
                *mine = theirs;
            } else {
                mine.join(theirs, at_once);
            }
        }
    }

    /// Messages that were counted only, because there were too many negotiations.
    #[must_use]
    pub const fn uncounted(&self) -> Option<Uncounted> {
        self.uncounted
    }

    /// The messages that were kept, negotiation by negotiation.
    pub fn messages(&self) -> impl Iterator<Item = &MessageDigest> {
        self.by_key
            .values()
            .flat_map(|negotiation| negotiation.first.iter().chain(&negotiation.last))
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Negotiation> {
        self.by_key.into_values()
    }

    fn count(&mut self, more: Uncounted) {
        self.uncounted = Some(match self.uncounted {
            None => more,
            Some(known) => Uncounted {
                messages: known.messages + more.messages,
                first: known.first.min(more.first),
                last: known.last.max(more.last),
            },
        });
    }
}

impl Negotiation {
    fn observe(&mut self, message: MessageDigest) {
        self.messages += 1;
        let repeats = |known: &&MessageDigest| known.repeats(&message);
        // A repetition follows its first sending closely: the last ones are looked at first.
        if self.last.iter().rev().chain(self.first.iter().rev()).find(repeats).is_some() {
            self.retransmissions += 1;
        }
        self.keep(message);
    }

    fn keep(&mut self, message: MessageDigest) {
        if self.first.len() < KEPT_FIRST {
            self.first.push(message);
            return;
        }
        self.last.push_back(message);
        if self.last.len() > KEPT_LAST {
            self.last.pop_front();
        }
    }

    fn join(&mut self, other: Self, at_once: bool) {
        let identity = |m: &MessageDigest| (m.source.ip(), m.fingerprint);
        let mut mine: BTreeMap<(IpAddr, u64), u64> = BTreeMap::new();
        for message in self.first.iter().chain(&self.last) {
            *mine.entry(identity(message)).or_default() += 1;
        }
        let mut theirs: BTreeSet<(IpAddr, u64)> = BTreeSet::new();
        self.messages += other.messages;
        self.retransmissions += other.retransmissions;
        for message in other.first.into_iter().chain(other.last) {
            let is_first_there = theirs.insert(identity(&message));
            let known = mine.get_mut(&identity(&message));
            match known.filter(|left| at_once && **left > 0) {
                Some(left) => {
                    *left -= 1;
                    self.messages -= 1;
                    // What repeats nothing there repeats nothing here, and the other way round.
                    self.retransmissions -= u64::from(!is_first_there);
                }
                None => {
                    let repeats_mine = is_first_there && mine.contains_key(&identity(&message));
                    self.retransmissions += u64::from(repeats_mine);
                    self.keep(message);
                }
            }
        }
    }

    /// The kept messages in order of time.
    pub(super) fn into_messages(self) -> Vec<MessageDigest> {
        let mut messages = self.first;
        messages.extend(self.last);
        messages.sort_by_key(|message| (message.time, message.frame));
        messages
    }
}

impl MessageDigest {
    /// Whether it repeats another to the octet, as RFC 7296 §2.1 demands of retransmissions.
    pub(super) fn repeats(&self, earlier: &Self) -> bool {
        self.fingerprint == earlier.fingerprint && self.source.ip() == earlier.source.ip()
    }

    /// Whether its sender began the negotiation, by the flag that IKEv2 has for it (RFC 7296 §3.1).
    pub(super) fn is_from_original_initiator(&self) -> Option<bool> {
        use super::header::Header;
        let is_v2 = self.header.version == IkeVersion::V2;
        is_v2.then_some(self.header.flags & Header::INITIATOR != 0)
    }
}

/// So many negotiations can stand in their opening at once; more is a flood.
const MAX_HALF_OPEN: usize = 1 << 14;
/// Bounds the memory where every negotiation goes on.
const MAX_NEGOTIATIONS: usize = 1 << 16;
/// A whole negotiation and hours of upkeep.
const KEPT_FIRST: usize = 64;
/// Its end.
const KEPT_LAST: usize = 16;
