//! Looks up what the next frames need before any of them is observed.
//!
//! With many flows a frame waits for memory: its flow, its stream, its pair and its station each lie elsewhere. The
//! frames of a group do not depend on each other until they are observed, so their records are fetched together,
//! stage by stage, and the processor waits for all of them at once. What is found is a hint that the observer checks.
//! Nothing is changed.

use super::CaptureObserver;
use crate::packet::IpPacket;
use crate::protection::Stream;
use crate::summary::conversations::side;
use crate::summary::dissected::{Content, Dissected, flow_of};
use crate::summary::index::{NO_RECORD, Place};
use std::hint::black_box;

/// Frames that are looked up together: what they need fits the first- and second-level caches.
pub(in crate::summary) const GROUP: usize = 32;

/// Where the records of a frame probably are.
#[derive(Clone, Copy, Debug)]
pub(in crate::summary) struct Hint {
    /// Its conversation.
    pub(in crate::summary) conversation: u32,
    /// Its stream, where no conversation leads to it.
    pub(in crate::summary) stream: u32,
    /// The station that sent it.
    pub(in crate::summary) station: u32,
}

impl Hint {
    /// Nothing is known.
    pub(in crate::summary) const NONE: Self =
        Self { conversation: NO_RECORD, stream: NO_RECORD, station: NO_RECORD };
}

/// What is looked up for one frame.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    conversation: Option<Place>,
    stream: Option<Place>,
    station: Option<Place>,
}

impl CaptureObserver<'_> {
    /// Takes the next frames, in file order, dissected with the same named ports; returns how many are best given
    /// next: with few streams all that is needed lies in the caches, and a frame is best observed while it does, too.
    #[inline]
    pub fn observe_group(&mut self, group: &[Dissected<'_>]) -> usize {
        if self.streams.len() < FEW {
            group.iter().for_each(|frame| self.observe_dissected(frame));
            return if self.streams.len() < FEW { 1 } else { GROUP };
        }
        self.observe_many(group)
    }

    /// The same where there are many streams.
    #[inline(never)]
    fn observe_many(&mut self, group: &[Dissected<'_>]) -> usize {
        for frames in group.chunks(GROUP) {
            let hints = self.hints(frames);
            for (frame, hint) in frames.iter().zip(hints) {
                self.hint = hint;
                self.observe_dissected(frame);
            }
        }
        self.hint = Hint::NONE;
        GROUP
    }

    /// Where the records of some frames are. What is read on the way is there when it is needed.
    fn hints(&self, frames: &[Dissected<'_>]) -> [Hint; GROUP] {
        let mut asked = [Asked::default(); GROUP];
        for (frame, asked) in frames.iter().zip(&mut asked) {
            let (ip, word) = match &frame.content {
                Content::Segment(ip) => (ip, None),
                Content::Esp(ip, spi) => (ip, Some(Stream::Esp(*spi, ip.direction).word())),
                Content::Ip(ip, alone) => (ip, Some(alone.stream.word())),
                Content::Arp | Content::NonIp(_) | Content::Undecodable(_) => continue,
            };
            black_box(self.duplicates.expect(frame.identity));
            *asked = self.places(ip, word);
        }
        let mut hints = [Hint::NONE; GROUP];
        for (asked, hint) in asked.iter().zip(&mut hints) {
            let guess =
                |place: Option<Place>, guess: &dyn Fn(Place) -> u32| place.map_or(NO_RECORD, guess);
            *hint = Hint {
                conversation: guess(asked.conversation, &|place| self.conversations.guess(place)),
                stream: guess(asked.stream, &|place| self.streams.guess(place)),
                station: guess(asked.station, &|place| self.stations.guess(place)),
            };
        }
        let mut sum = 0;
        for hint in &mut hints {
            if let Some(stream) = self.conversations.expect(hint.conversation, &mut sum) {
                hint.stream = stream;
            }
            self.stations.expect(hint.station, &mut sum);
        }
        let mut pairs = [NO_RECORD; GROUP];
        for (hint, pair) in hints.iter().zip(&mut pairs) {
            *pair = self.streams.expect_slot(hint.stream, &mut sum).unwrap_or(NO_RECORD);
        }
        for (hint, pair) in hints.iter().zip(pairs) {
            if let Some(watched) = self.streams.expect_behind(hint.stream, pair, &mut sum) {
                sum ^= self.decrypted_copies.expect(watched);
            }
        }
        black_box(sum);
        hints
    }

    fn places(&self, ip: &IpPacket<'_>, word: Option<u64>) -> Asked {
        let flow = flow_of(ip).filter(|_| ip.fragment.is_none());
        let conversation =
            flow.map(|flow| self.conversations.place(side(ip.pair, flow, ip.direction).0));
        let word = word.filter(|_| conversation.is_none());
        let stream = word.map(|word| self.streams.place(ip.pair, word));
        Asked { conversation, stream, station: Some(self.stations.place(ip.source())) }
    }
}

/// Streams whose records the second-level cache holds.
const FEW: usize = 512;
