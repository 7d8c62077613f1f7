//! How a text is split into events, in whatever form it is: what a splitter remembers, and how it goes on.

use super::source::Source;

/// A part of the window, from its front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// An event with its begin and its end.
    Event(usize),
    /// An event that has no end before the next one begins.
    Endless(usize),
    /// A part of an event that is too long.
    TooLong(usize),
    /// An event that the end of the text cuts.
    Cut(usize),
    /// Text that is no event; long stretches come in parts.
    Between(usize),
}

/// What a splitter remembers between two looks at the window.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Up to here the window was looked at.
    pub(super) at: usize,
    /// The nesting depth; 0 is outside an event.
    pub(super) depth: usize,
    /// The current event is too long; its front was dropped.
    pub(super) is_too_long: bool,
    /// The text has ended.
    pub(super) has_ended: bool,
}

impl State {
    /// What was looked at, where it is too long to wait for more.
    pub(super) fn too_long(&mut self) -> Segment {
        let length = std::mem::take(&mut self.at);
        self.is_too_long = self.depth > 0;
        if self.is_too_long { Segment::TooLong(length) } else { Segment::Between(length) }
    }

    /// The rest when the text has ended.
    fn last(&mut self, left: usize) -> Segment {
        match std::mem::take(&mut self.depth) {
            0 => Segment::Between(left),
            _ if self.is_too_long => Segment::TooLong(left),
            _ => Segment::Cut(left),
        }
    }
}

/// Finds the segments of a text, one after the other.
pub(super) trait Splitter {
    fn state(&mut self) -> &mut State;

    /// Continues as far as the window allows.
    fn step(&mut self, window: &[u8]) -> Option<Segment>;

    /// The next segment, which the caller consumes; `None` at the end of the text.
    fn next(&mut self, source: &mut Source<'_>) -> Option<Segment> {
        loop {
            let mut found = self.step(source.window());
            let left = source.window().len();
            let state = self.state();
            if found.is_none() && state.has_ended && left > 0 {
                found = Some(state.last(left));
            }
            if found.is_some() || state.has_ended {
                state.at = 0;
                return found;
            }
            state.has_ended = !source.grow();
        }
    }
}
