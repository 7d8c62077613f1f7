//! Where the events of a listing begin; each reaches to the next.

use super::LONGEST_EVENT;
use super::source::Source;

/// A part of the window, from its front.
pub(super) enum ListingPart {
    Event(usize),
    TooLong(usize),
    Between(usize),
}

/// Finds where events begin; each reaches to the next.
pub(super) struct Events<B> {
    /// Whether an event begins at the front of a text.
    begins: B,
    /// Up to here the window was looked at: the beginning of a line.
    at: usize,
    /// The window begins with an event.
    is_inside: bool,
    is_too_long: bool,
    has_ended: bool,
}

impl<B: Fn(&[u8]) -> bool> Events<B> {
    pub(super) const fn new(begins: B) -> Self {
        Self { begins, at: 0, is_inside: false, is_too_long: false, has_ended: false }
    }

    pub(super) fn next(&mut self, source: &mut Source<'_>) -> Option<ListingPart> {
        loop {
            let window = source.window();
            if window.is_empty() && self.has_ended {
                return None;
            }
            if let Some(part) = self.step(window) {
                return Some(part);
            }
            if self.has_ended {
                let length = window.len();
                return Some(self.part(length));
            }
            self.has_ended = !source.grow();
        }
    }

    fn step(&mut self, window: &[u8]) -> Option<ListingPart> {
        loop {
            let rest = window.get(self.at..).filter(|rest| !rest.is_empty())?;
            if rest.len() < LONGEST_HEAD && !self.has_ended {
                return None;
            }
            let is_first = self.at == 0 && self.is_inside;
            if !is_first && (self.begins)(rest) {
                if self.at > 0 {
                    let part = self.part(self.at);
                    return Some(part);
                }
                (self.is_inside, self.is_too_long) = (true, false);
            }
            let line = rest.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
            let line = line.or_else(|| self.has_ended.then_some(rest.len()));
            // A line without an end in sight is skipped as far as it is seen.
            self.at += line.unwrap_or(rest.len());
            if self.at > LONGEST_EVENT {
                let length = std::mem::take(&mut self.at);
                self.is_too_long |= self.is_inside;
                return Some(if self.is_inside {
                    ListingPart::TooLong(length)
                } else {
                    ListingPart::Between(length)
                });
            }
        }
    }

    /// The part of the window up to there.
    fn part(&mut self, length: usize) -> ListingPart {
        self.at = 0;
        match (std::mem::take(&mut self.is_inside), std::mem::take(&mut self.is_too_long)) {
            (true, false) => ListingPart::Event(length),
            (true, true) => ListingPart::TooLong(length),
            (false, _) => ListingPart::Between(length),
        }
    }
}

/// What it takes to see whether an event begins: of wevtutil, its number and the first four lines.
pub(super) const LONGEST_HEAD: usize = 1024;
