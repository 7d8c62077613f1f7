//! IKE and ESP in a TCP stream (RFC 9329), one direction of a connection.
//!
//! Orders the stream's bytes and extracts the messages. The caller knows whether the connection carries IKE,
//! and where its messages begin.

use super::reader::Reader;
use std::collections::BTreeMap;

/// One direction of one TCP connection that is known to carry IKE.
#[derive(Debug)]
pub struct EncapsulatedStream {
    /// The sequence number of the first byte that is still to come.
    next: u32,
    /// The number of bytes up to `next`, so that offsets in the stream do not wrap.
    passed: u64,
    /// A message that continues at `next`, from its length field on.
    partial: Vec<u8>,
    /// Segments that arrived before the data that precedes them, by their offset in the stream.
    ahead: BTreeMap<u64, Vec<u8>>,
    /// The bytes in `ahead`.
    held: usize,
    /// Whether it is known that a message begins where `partial` does.
    in_step: bool,
    lost: u64,
}

/// An item of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encapsulated {
    /// An IKE message, without its marker.
    Ike(Vec<u8>),
    /// An ESP packet.
    Esp {
        /// Its SPI, never 0.
        spi: u32,
        /// Its sequence number.
        number: u32,
        /// Its bytes, from the SPI on.
        body: Vec<u8>,
    },
    /// Keeps a mapping of addresses alive.
    Keepalive,
}

impl EncapsulatedStream {
    /// What the originator of the connection sends once, before its first message (RFC 9329 §4).
    pub const PREFIX: &[u8; 6] = b"IKETCP";

    /// A stream whose next message begins at the sequence number `next`; for the originator that is
    /// behind [`Self::PREFIX`].
    #[must_use]
    pub const fn new(next: u32) -> Self {
        Self {
            next,
            passed: 0,
            partial: Vec::new(),
            ahead: BTreeMap::new(),
            held: 0,
            in_step: true,
            lost: 0,
        }
    }

    /// A stream that began before the capture: it is synchronized from the first segment on that holds nothing
    /// but whole messages.
    #[must_use]
    pub fn midway(next: u32) -> Self {
        Self { in_step: false, ..Self::new(next) }
    }

    /// Whether the bytes consist of whole messages and nothing else.
    #[must_use]
    pub fn is_whole_messages(bytes: &[u8]) -> bool {
        // Nearly every segment of another protocol ends here.
        let length =
            bytes.first_chunk().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
        (LENGTH_LEN + 1..=bytes.len()).contains(&length) && is_in_step(bytes)
    }

    /// Adds a segment; returns every message that it completes, in the order of the stream.
    pub fn segment(&mut self, sequence: u32, payload: &[u8]) -> Vec<Encapsulated> {
        let mut messages = Vec::new();
        let ahead = sequence.wrapping_sub(self.next);
        let behind = self.next.wrapping_sub(sequence);
        if ahead.min(behind) > GREATEST_WINDOW {
            self.lose(payload.len());
        } else if ahead == 0 || behind <= GREATEST_WINDOW {
            self.pass(payload, usize::try_from(behind).unwrap_or(usize::MAX), &mut messages);
        } else {
            self.buffer(self.passed + u64::from(ahead), payload);
        }
        self.drain(&mut messages);
        while self.ahead.len() > MAX_AHEAD || self.held > MAX_HELD {
            self.skip_gap(&mut messages);
        }
        messages
    }

    /// At the end of the capture: returns the messages behind gaps that were never filled. Bytes of incomplete
    /// messages count as lost.
    pub fn finish(&mut self) -> Vec<Encapsulated> {
        let mut messages = Vec::new();
        while !self.ahead.is_empty() {
            self.skip_gap(&mut messages);
        }
        self.lose_step(0);
        messages
    }

    /// Bytes that were lost or could not be understood.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Bytes that wait for others, at most 320 KiB between two segments.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held + self.partial.len()
    }

    fn buffer(&mut self, place: u64, payload: &[u8]) {
        let known = self.ahead.get(&place).map_or(0, Vec::len);
        if payload.len() > known {
            self.held += payload.len() - known;
            self.ahead.insert(place, payload.to_vec());
        }
    }

    /// Takes the buffered segments that no gap precedes.
    fn drain(&mut self, messages: &mut Vec<Encapsulated>) {
        while let Some(entry) = self.ahead.first_entry()
            && *entry.key() <= self.passed
        {
            let behind = usize::try_from(self.passed - entry.key()).unwrap_or(usize::MAX);
            let payload = entry.remove();
            self.held -= payload.len();
            self.pass(&payload, behind, messages);
        }
    }

    /// Continues behind the next gap, without the lost bytes.
    fn skip_gap(&mut self, messages: &mut Vec<Encapsulated>) {
        let Some((place, _)) = self.ahead.first_key_value() else { return };
        let gap = place.saturating_sub(self.passed);
        self.advance(gap);
        self.lose_step(0);
        self.lost = self.lost.saturating_add(gap);
        self.drain(messages);
    }

    /// Takes a segment's bytes after the first `known`, which arrived before.
    fn pass(&mut self, payload: &[u8], known: usize, messages: &mut Vec<Encapsulated>) {
        let Some(bytes) = payload.get(known..).filter(|bytes| !bytes.is_empty()) else { return };
        self.advance(bytes.len() as u64);
        // Senders put whole messages into segments where they fit.
        self.in_step = self.in_step || is_in_step(bytes);
        if self.in_step {
            self.messages(bytes, messages);
        } else {
            self.lose(bytes.len());
        }
    }

    /// Takes the bytes that follow `partial`.
    fn messages(&mut self, mut bytes: &[u8], messages: &mut Vec<Encapsulated>) {
        while !bytes.is_empty() {
            let wanted = self.length().unwrap_or(LENGTH_LEN) - self.partial.len();
            let (head, rest) = bytes.split_at(wanted.min(bytes.len()));
            self.partial.extend_from_slice(head);
            bytes = rest;
            match self.length() {
                // RFC 9329 §3: a length of 0 or 1 is a fatal error.
                Some(..LENGTH_LEN) => return self.lose_step(bytes.len()),
                Some(length) if length == self.partial.len() => self.complete(messages),
                _ => {}
            }
        }
    }

    /// The current message is complete.
    fn complete(&mut self, messages: &mut Vec<Encapsulated>) {
        match self.partial.get(LENGTH_LEN..).and_then(Encapsulated::parse) {
            Some(message) => messages.push(message),
            None => self.lose(self.partial.len()),
        }
        self.partial.clear();
    }

    /// The length of the current message including its length field, once that has arrived.
    fn length(&self) -> Option<usize> {
        Reader::new(&self.partial).u16("length").ok().map(usize::from)
    }

    fn advance(&mut self, bytes: u64) {
        self.passed = self.passed.saturating_add(bytes);
        let wrapped = u32::try_from(bytes % (1 << 32)).unwrap_or_default();
        self.next = self.next.wrapping_add(wrapped);
    }

    /// From here on, it is unknown where messages begin.
    fn lose_step(&mut self, bytes: usize) {
        self.lose(self.partial.len() + bytes);
        self.partial.clear();
        self.in_step = false;
    }

    const fn lose(&mut self, bytes: usize) {
        self.lost = self.lost.saturating_add(bytes as u64);
    }
}

impl Encapsulated {
    /// The item behind a length field; `None` for what RFC 9329 does not define.
    fn parse(body: &[u8]) -> Option<Self> {
        if body == [0xff] {
            return Some(Self::Keepalive);
        }
        let mut reader = Reader::new(body);
        match reader.u32("marker or SPI").ok()? {
            0 => body.get(MARKER_LEN..).map(|message| Self::Ike(message.to_vec())),
            // RFC 4303 §2: at least an SPI and a sequence number.
            spi => {
                let number = reader.u32("sequence number").ok()?;
                Some(Self::Esp { spi, number, body: body.to_vec() })
            }
        }
    }
}

/// Whether the bytes consist of whole messages and nothing else.
fn is_in_step(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let length = reader.u16("length").ok();
        let length = length.and_then(|length| usize::from(length).checked_sub(LENGTH_LEN));
        let body = length.and_then(|length| reader.take(length, "message").ok());
        if body.and_then(Encapsulated::parse).is_none() {
            return false;
        }
    }
    true
}

/// RFC 9329 §3: the length counts its own bytes.
const LENGTH_LEN: usize = 2;
/// RFC 9329 §3.1: four zero bytes precede an IKE message, where ESP has its SPI.
const MARKER_LEN: usize = 4;
/// RFC 7323 §2.3: no window is larger; what is further away is not of this stream.
const GREATEST_WINDOW: u32 = 1 << 30;
/// A capture that lost a segment does not contain it this much later.
const MAX_AHEAD: usize = 64;
/// The same in bytes, for segments that offloading made large.
const MAX_HELD: usize = 256 * 1024;

#[cfg(test)]
mod tests;
