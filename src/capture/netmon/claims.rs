//! Which bytes of a file are spoken for, so that none is read twice.
//!
//! A table may send a reader to the same frame a million times; this keeps the work linear.

use std::collections::BTreeMap;

/// Stretches of a file that do not overlap; neighbours are one stretch.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// Begin to end.
    stretches: BTreeMap<usize, usize>,
}

/// Why a stretch was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Some of it is spoken for.
    Taken,
    /// More stretches than are kept apart.
    Scattered,
}

impl Claims {
    /// Takes a stretch whole, or not at all.
    pub(super) fn take(&mut self, begin: usize, end: usize) -> Result<(), Refusal> {
        let before = self.stretches.range(..=begin).next_back().map(|(b, e)| (*b, *e));
        let after = self.stretches.range(begin..).next().map(|(b, e)| (*b, *e));
        let overlaps =
            before.is_some_and(|(_, e)| e > begin) || after.is_some_and(|(b, _)| b < end);
        if overlaps {
            return Err(Refusal::Taken);
        }
        let joined = before.filter(|(_, e)| *e == begin);
        let follower = after.filter(|(b, _)| *b == end);
        if joined.is_none() && follower.is_none() && self.stretches.len() >= MOST {
            return Err(Refusal::Scattered);
        }
        if let Some((b, _)) = follower {
            self.stretches.remove(&b);
        }
        let begin = joined.map_or(begin, |(b, _)| b);
        self.stretches.insert(begin, follower.map_or(end, |(_, e)| e));
        Ok(())
    }
}

/// Captures have their frames one behind the other; a million gaps are far beyond any.
const MOST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_and_nothing_is_taken_twice() {
        let mut claims = Claims::default();
        assert_eq!(claims.take(10, 20), Ok(()));
        assert_eq!(claims.take(30, 40), Ok(()));
        assert_eq!(claims.take(19, 21), Err(Refusal::Taken));
        assert_eq!(claims.take(5, 45), Err(Refusal::Taken));
        assert_eq!(claims.take(10, 12), Err(Refusal::Taken));
        assert_eq!(claims.take(20, 30), Ok(()));
        assert_eq!(claims.stretches.len(), 1);
    }
}
