//! Messages gathered by negotiation, in bounded memory; draws no conclusions.
//!
//! A negotiation is one initiator SPI between two hosts: COOKIE and INVALID_KE_PAYLOAD rounds keep that SPI,
//! and so does the change from port 500 to 4500. Once both SPIs are known they alone decide, because a host may
//! change its address (RFC 4555).

use super::digest::MessageDigest;
use super::{IkeVersion, Spi};
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;

/// All negotiations of a capture, or of several.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Negotiations {
    by_key: BTreeMap<Key, Negotiation>,
    /// The key under which a pair of SPIs is gathered. This and the bounds below are used while messages are
    /// read; they are not saved.
    #[serde(skip)]
    by_spis: HashMap<(Spi, Spi), Key, foldhash::fast::RandomState>,
    /// How many are still in their opening.
    #[serde(skip)]
    half_open: usize,
    /// Messages that are kept, and the memory of their clear parts in bytes.
    #[serde(skip)]
    kept: usize,
    #[serde(skip)]
    clear: usize,
    /// Messages whose offers, vendor ids and identities were not kept.
    stripped: u64,
    uncounted: Option<Uncounted>,
}

/// The two hosts and the initiator's SPI.
type Key = (HostPair, Spi);

/// Messages of negotiations beyond the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncounted {
    /// How many.
    pub messages: u64,
    /// The first of them, and when.
    pub first: (Timestamp, FrameRef),
    /// The last of them, and when.
    pub last: (Timestamp, FrameRef),
}

/// The messages of one negotiation: the first ones, the last ones, and how many in all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Negotiation {
    first: Vec<MessageDigest>,
    last: VecDeque<MessageDigest>,
    pub(super) messages: u64,
    pub(super) retransmissions: u64,
    /// A message beyond the opening was seen.
    is_past_opening: bool,
}

impl Negotiations {
    /// Adds a message; returns false where it belongs to a negotiation beyond the bounds and is only counted.
    pub fn observe(&mut self, mut message: MessageDigest) -> bool {
        let spis = message.spis();
        let own = (HostPair::new(message.source.ip(), message.destination.ip()), spis.0);
        let by_spis = || {
            let known = self.by_spis.get(&spis).copied();
            known.filter(|known| !self.is_translated_copy(*known, &message))
        };
        // Between addresses at which a negotiation began, each message is its own: a translator that is captured
        // on both sides shows all of them twice.
        let key = if self.by_key.contains_key(&own) { own } else { by_spis().unwrap_or(own) };
        let is_opening = message.is_opening();
        if let Some(known) = self.by_key.get_mut(&key) {
            if !is_opening && !known.is_past_opening {
                known.is_past_opening = true;
                self.half_open -= 1;
            }
            let room = self.kept < MAX_KEPT;
            self.stripped += u64::from(message.fit_into(MAX_CLEAR, &mut self.clear));
            self.kept += usize::from(known.observe(message, room));
        } else if (is_opening && self.half_open >= MAX_HALF_OPEN)
            || self.by_key.len() >= MAX_NEGOTIATIONS
        {
            let here = (message.time, message.frame);
            self.count(Uncounted { messages: 1, first: here, last: here });
            return false;
        } else {
            self.half_open += usize::from(is_opening);
            let mut new = Negotiation { is_past_opening: !is_opening, ..Negotiation::default() };
            self.stripped += u64::from(message.fit_into(MAX_CLEAR, &mut self.clear));
            self.kept += usize::from(new.observe(message, true));
            self.by_key.insert(key, new);
        }
        if !spis.1.is_zero() && self.by_spis.len() < MAX_NEGOTIATIONS {
            self.by_spis.entry(spis).or_insert(key);
        }
        true
    }

    /// Whether a message was just seen in another negotiation between other addresses, one of which is its own: it
    /// passed an address translator, and the capture shows both sides of it.
    fn is_translated_copy(&self, key: Key, message: &MessageDigest) -> bool {
        let Some(known) = self.by_key.get(&key) else { return false };
        let mut latest = known.last.iter().rev().chain(known.first.iter().rev()).take(LATEST);
        latest.any(|other| {
            let is_same_source = other.source.ip() == message.source.ip();
            let is_same_destination = other.destination.ip() == message.destination.ip();
            other.fingerprint == message.fingerprint
                && is_same_source != is_same_destination
                && message.time.since(other.time).0.saturating_abs() <= PASSING.0
        })
    }

    /// Adds another capture's negotiations. A message in both counts once where the two captures ran `at_once`,
    /// as often as in the capture that has it more often.
    pub fn join(&mut self, other: Self, at_once: bool) {
        if let Some(uncounted) = other.uncounted {
            self.count(uncounted);
        }
        self.stripped += other.stripped;
        for (key, theirs) in other.by_key {
            let mine = self.by_key.entry(key).or_default();
            if mine.messages == 0 {
                *mine = theirs;
            } else {
                mine.join(theirs, at_once);
            }
        }
    }

    /// Moves all times forward, for a capture with a known clock difference.
    pub fn shift(&mut self, by: Span) {
        let all = self.by_key.values_mut();
        let messages = all.flat_map(|known| known.first.iter_mut().chain(&mut known.last));
        messages.for_each(|message| message.time = message.time.shifted(by));
        if let Some(Uncounted { first, last, .. }) = &mut self.uncounted {
            (first.0, last.0) = (first.0.shifted(by), last.0.shifted(by));
        }
    }

    /// Messages that were counted only, because there were too many negotiations.
    #[must_use]
    pub const fn uncounted(&self) -> Option<Uncounted> {
        self.uncounted
    }

    /// Messages of which only payload types and notify messages were kept, because there were too many large
    /// ones.
    #[must_use]
    pub const fn stripped(&self) -> u64 {
        self.stripped
    }

    /// The messages that were kept, negotiation by negotiation.
    pub fn messages(&self) -> impl Iterator<Item = &MessageDigest> {
        self.by_key
            .values()
            .flat_map(|negotiation| negotiation.first.iter().chain(&negotiation.last))
    }

    /// Every count, for a caller that has to know that no sum of them overflows.
    #[must_use]
    pub fn counted(&self) -> u64 {
        let each = self.by_key.values().flat_map(|known| [known.messages, known.retransmissions]);
        let apart = [self.stripped, self.uncounted.map_or(0, |uncounted| uncounted.messages)];
        each.chain(apart).fold(0, u64::saturating_add)
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
    /// Adds a message, with less of it kept where the bound is reached; returns whether one more is
    /// kept than before.
    fn observe(&mut self, message: MessageDigest, room: bool) -> bool {
        self.messages += 1;
        let repeats = |known: &&MessageDigest| known.repeats(&message);
        // A repetition closely follows its first sending: the last messages are checked first.
        if self.last.iter().rev().chain(self.first.iter().rev()).find(repeats).is_some() {
            self.retransmissions += 1;
        }
        let (first, last) = if room { (KEPT_FIRST, KEPT_LAST) } else { KEPT_WITHOUT_ROOM };
        self.keep(message, first, last)
    }

    fn keep(&mut self, message: MessageDigest, first: usize, last: usize) -> bool {
        if self.first.len() < first {
            self.first.push(message);
            return true;
        }
        self.last.push_back(message);
        let is_full = self.last.len() > last;
        if is_full {
            self.last.pop_front();
        }
        !is_full
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
                    self.messages = self.messages.saturating_sub(1);
                    // What is no repetition there is none here, and the other way round.
                    let repeated = u64::from(!is_first_there);
                    self.retransmissions = self.retransmissions.saturating_sub(repeated);
                }
                None => {
                    let repeats_mine = is_first_there && mine.contains_key(&identity(&message));
                    self.retransmissions += u64::from(repeats_mine);
                    self.keep(message, KEPT_FIRST, KEPT_LAST);
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
    /// The identity of its copies: the sender, and a hash of its bytes.
    #[must_use]
    pub const fn identity(&self) -> (IpAddr, u64) {
        (self.source.ip(), self.fingerprint)
    }

    /// Whether it repeats another byte for byte, as RFC 7296 §2.1 requires of retransmissions.
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

/// An address translator passes a packet on within this time.
const PASSING: Span = Span::from_millis(10);
/// Messages of a negotiation among which a copy is looked for.
const LATEST: usize = 4;
/// The most negotiations that can be in their opening at once; more is a flood.
const MAX_HALF_OPEN: usize = 1 << 14;
/// Bounds the memory where every negotiation continues.
const MAX_NEGOTIATIONS: usize = 1 << 16;
/// A whole negotiation and hours of upkeep.
const KEPT_FIRST: usize = 64;
/// Its end.
const KEPT_LAST: usize = 16;
/// Kept of each negotiation once [`MAX_KEPT`] is reached.
const KEPT_WITHOUT_ROOM: (usize, usize) = (6, 4);
/// Messages that are kept in full: some 60 MB.
const MAX_KEPT: usize = 400_000;
/// The most memory for the clear parts of all kept messages.
const MAX_CLEAR: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{EvidenceId, FrameNumber};
    use std::net::SocketAddr;

    /// A first message of main mode with as many transforms as are read.
    fn message(number: u64, spi: u64) -> MessageDigest {
        let transforms: Vec<u8> = (0..255)
            .flat_map(|_| [3, 0, 0, 16, 1, 1, 0, 0, 0x80, 1, 0, 7, 0x80, 2, 0, 2])
            .collect();
        let proposal = [&[0, 0, 0x0f, 0xf8, 1, 1, 0, 255][..], &transforms].concat();
        let payload = [&[0, 0, 0x10, 4, 0, 0, 0, 1, 0, 0, 0, 1][..], &proposal].concat();
        let mut bytes = [spi.to_be_bytes(), [0; 8]].concat();
        bytes.extend([1, 0x10, 2, 0, 0, 0, 0, 0]);
        bytes.extend(u32::try_from(28 + payload.len()).unwrap().to_be_bytes());
        bytes.extend(payload);
        bytes.extend(number.to_be_bytes());
        let frame = FrameRef { evidence: EvidenceId(1), frame: FrameNumber(number) };
        let ends = (SocketAddr::from(([10, 0, 0, 1], 500)), SocketAddr::from(([10, 0, 0, 2], 500)));
        MessageDigest::new(frame, Timestamp(0), ends, &bytes).unwrap().0
    }

    #[test]
    fn what_hostile_offers_cost_is_bounded_and_counted() {
        let mut negotiations = Negotiations::default();
        for number in 1..=4000 {
            assert!(negotiations.observe(message(number, number)));
        }
        let cost =
            message(1, 1).clear().unwrap().proposals.len() * size_of::<super::super::Proposal>();
        assert!(cost > 10_000, "{cost}");
        assert!(negotiations.clear <= MAX_CLEAR);
        let stripped = negotiations.messages().filter(|m| m.proposals().is_empty()).count();
        assert_eq!(negotiations.stripped(), stripped as u64);
        assert!(stripped > 0);
    }

    #[test]
    fn a_long_negotiation_keeps_its_ends() {
        let mut negotiations = Negotiations::default();
        for number in 1..=200 {
            negotiations.observe(message(number, 7));
        }
        assert_eq!(negotiations.kept, KEPT_FIRST + KEPT_LAST);
        let frames: Vec<u64> = negotiations.messages().map(|m| m.frame().frame.0).collect();
        assert_eq!((frames[0], frames[63], frames[64], frames[79]), (1, 64, 185, 200));
    }
}
