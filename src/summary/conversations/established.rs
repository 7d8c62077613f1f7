//! Segments of open connections that cannot change what their conversation is.

use super::{Conversations, Held, side};
use crate::hosts::Direction;
use crate::packet::{IpPacket, TcpSegment};
use crate::protection::signature;
use crate::summary::timeline::Flow;

/// A conversation of which a segment is, and changes nothing but what was sent.
#[derive(Clone, Copy, Debug)]
pub(in crate::summary) struct Established {
    at: u32,
    /// Which side sent the segment.
    way: usize,
    /// Where the segment's stream probably is, and the stream's word.
    pub(in crate::summary) stream_at: u32,
    pub(in crate::summary) stream_word: u64,
    /// Which way the first segment of the connection went.
    pub(in crate::summary) opener: Option<Direction>,
    /// The conversation's number, where it began before the capture.
    pub(in crate::summary) orphan: Option<u32>,
}

impl Conversations {
    /// The conversation of a segment without SYN, FIN and RST, if [`Self::observe`] would find the stream of the
    /// conversation's last segment and change nothing but what was sent: the conversation is known, is of this generation,
    /// the side spoke before, and what it says now shows nothing else.
    #[inline]
    pub(in crate::summary) fn established(
        &mut self,
        ip: &IpPacket<'_>,
        flow: Flow,
        hint: u32,
    ) -> Option<Established> {
        let (key, way) = side(ip.pair, flow, ip.direction);
        let mixed = key.0.word() ^ key.1.rotate_left(23);
        let guesses = [hint, self.recent.guess(mixed)];
        let at = match guesses.into_iter().find(|guess| self.is(*guess, key)) {
            Some(at) => at,
            None => {
                let found = self.index.find(self.index.place(&key), |at| self.is(at, key))?;
                self.recent.remember(mixed, found);
                found
            }
        };
        let held = self.held.get(at as usize)?.as_ref()?;
        let stream_word = held.stream_word?;
        let is_of_now = held.generation == self.generation;
        (is_of_now && held.stays_with(way, ip)).then(|| Established {
            at,
            way,
            stream_at: held.stream_at,
            stream_word,
            opener: held.conversation.opener,
            orphan: held.conversation.orphan.is_some().then_some(at),
        })
    }

    /// Takes the segment.
    #[inline]
    pub(in crate::summary) fn advance(
        &mut self,
        established: Established,
        segment: TcpSegment,
        length: usize,
    ) {
        let held = self.held.get_mut(established.at as usize).and_then(Option::as_mut);
        if let Some(held) = held {
            held.conversation.segment(established.way, segment, length);
        }
    }
}

impl Held {
    /// Whether a segment leaves what its conversation is as it was.
    #[inline]
    fn stays_with(&self, way: usize, ip: &IpPacket<'_>) -> bool {
        let conversation = &self.conversation;
        let Some(first) = ip.payload.first() else { return ip.payload_len != 1 };
        // One byte may ask whether the other side lives; a handshake's record may be a greeting.
        if ip.payload_len == 1 || *first == HANDSHAKE || conversation.spoke.get(way) != Some(&true)
        {
            return false;
        }
        let shown = signature::anywhere(ip);
        let is_placed = || conversation.orphan.as_ref().is_none_or(|orphan| orphan.is_placed);
        shown.is_none() || (shown == conversation.recognized && is_placed())
    }
}

/// RFC 8446 §5.1.
const HANDSHAKE: u8 = 22;
