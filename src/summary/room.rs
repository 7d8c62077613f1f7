//! A bound on the runs of a capture: evidence that pauses after every packet begins one with each.

/// How many more runs the streams of a capture may begin together.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    left: usize,
    /// Packets that would have begun one, had there been room.
    joined: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self { left: MOST_RUNS, joined: 0 }
    }
}

impl Room {
    /// Packets that are in the run before theirs because there were too many runs.
    pub(super) const fn joined(self) -> u64 {
        self.joined
    }

    /// Takes the room of one run, or counts that there was none.
    pub(super) const fn is_left(&mut self) -> bool {
        let is_left = self.left > 0;
        if is_left {
            self.left -= 1;
        } else {
            self.joined += 1;
        }
        is_left
    }
}

/// Stretches without a pause of all streams of a capture: each costs 112 bytes, and some kilobytes in a report where it
/// is a window.
const MOST_RUNS: usize = 4_194_304;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted() {
        let mut room = Room { left: 1, joined: 0 };
        assert!(room.is_left() && !room.is_left() && !room.is_left());
        assert_eq!(room.joined(), 2);
    }
}
