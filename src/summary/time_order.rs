//! Where the times of a capture go back from one frame to the next: its clock was set, or parts were put together.
//!
//! Frames of several queues are disordered by milliseconds; that is no setting of a clock.

use crate::capture::RawFrame;
use crate::evidence::{CaptureProblem, FrameNumber, Position, Problem};
use crate::packet::origin::interface;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Times go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetBack {
    /// The first frame with an earlier time.
    pub frame: FrameNumber,
    /// The latest time before it.
    pub before: Timestamp,
    /// Its time.
    pub after: Timestamp,
}

impl SetBack {
    /// By how much times go back; the clock was set back by that and what passed between.
    #[must_use]
    pub fn by(&self) -> Span {
        self.before.since(self.after)
    }
}

/// Follows the times of a capture's frames, in file order.
#[derive(Debug, Default)]
pub(super) struct TimeOrder {
    /// The last time of each interface.
    last: Vec<(u32, Timestamp)>,
    found: Vec<(SetBack, u64)>,
    last_of_all: Option<Timestamp>,
}

impl TimeOrder {
    /// Takes a frame.
    #[inline]
    pub(super) fn observe(&mut self, frame: &RawFrame<'_>) {
        let (interface, time) = (interface(frame), frame.time);
        self.last_of_all = Some(time);
        // Nearly every frame: of the first interface, and not long after the one before.
        if let Some((of, last)) = self.last.first_mut()
            && *of == interface
            && time.0 != 0
            && time >= *last
            && time.since(*last) <= DECADE
        {
            *last = time;
            return;
        }
        let Some((_, last)) = self.last.iter_mut().find(|(of, _)| *of == interface) else {
            if self.last.len() < MOST_INTERFACES {
                self.last.push((interface, time));
            }
            return;
        };
        let back = last.since(time);
        // A frame without a time, or of a clock that was never set, is no setting of a clock.
        if time.0 == 0 || back.magnitude() > DECADE {
            return;
        }
        if back > LEAST && self.found.len() < MOST {
            let set_back = SetBack { frame: frame.number, before: *last, after: time };
            self.found.push((set_back, frame.offset));
        }
        *last = if back > LEAST { time } else { time.max(*last) };
    }

    /// Where times go back, and the time of the last frame where they do.
    pub(super) fn finish(self) -> (Vec<SetBack>, Option<Timestamp>, Vec<Problem>) {
        let problems = self.found.iter().map(|(set_back, offset)| Problem {
            kind: CaptureProblem::TimesGoBack(set_back.by()).into(),
            offset: Some(*offset),
            position: Position::Frame(set_back.frame.0),
        });
        let problems = problems.collect();
        let last = self.last_of_all.filter(|_| !self.found.is_empty());
        (self.found.into_iter().map(|(set_back, _)| set_back).collect(), last, problems)
    }
}

/// Queues and buffers disorder frames by less.
const LEAST: Span = Span::from_seconds(1);
/// A time so far off is none.
const DECADE: Span = Span::from_seconds(10 * 365 * 86_400);
/// Interfaces that are followed, and places that are named.
const MOST_INTERFACES: usize = 16;
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn set_back(frames: &[(i64, u32)]) -> (Vec<(u64, Span)>, Option<Timestamp>, usize) {
        let mut order = TimeOrder::default();
        for (number, (seconds, interface)) in (1..).zip(frames) {
            order.observe(&RawFrame::on_ethernet(number, *seconds, *interface, &[]));
        }
        let (found, last, problems) = order.finish();
        let found = found.iter().map(|back| (back.frame.0, back.by())).collect();
        (found, last, problems.len())
    }

    #[test]
    fn a_clock_that_was_set_back_is_named_with_its_frame() {
        let by = Span::from_seconds;
        let last = Timestamp(1_301_000_000_000);
        let found = set_back(&[(1_000, 0), (2_500, 0), (1_300, 0), (1_301, 0)]);
        assert_eq!(found, (vec![(3, by(1_200))], Some(last), 1));
        // Disorder of a second, frames without a time, and interfaces that lie apart are no setting.
        let none = (Vec::new(), None, 0);
        assert_eq!(set_back(&[(1_000, 0), (999, 0), (1_001, 0)]), none);
        assert_eq!(set_back(&[(1_000_000_000, 0), (0, 0), (1_000_000_001, 0)]), none);
        assert_eq!(set_back(&[(1_000, 0), (10, 1), (1_001, 0), (11, 1)]), none);
    }
}
