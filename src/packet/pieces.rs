//! The pieces of one fragmented datagram, taken in any order.
//!
//! Knows neither time nor bounds on memory: those are [`super::reassembly`]'s.

use std::collections::BTreeMap;

/// What is there of a datagram; no two pieces overlap.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// By where they begin in the datagram.
    by_start: BTreeMap<usize, Piece>,
    /// How many bytes of the datagram they mean on the wire.
    covered: usize,
    /// Where the datagram ends, once its last fragment is there.
    end: Option<usize>,
    /// The capture holds fewer bytes of some piece than there were.
    is_cut: bool,
}

/// A fragment's place and bytes.
#[derive(Debug)]
pub(super) struct Piece {
    /// Where it begins, counted from the transport header; a multiple of eight.
    pub(super) start: usize,
    /// Where it ended on the wire.
    pub(super) end: usize,
    /// Whether more follow.
    pub(super) more: bool,
    /// The capture holds fewer bytes than were on the wire.
    pub(super) is_cut: bool,
    /// Its bytes, without the transport header.
    pub(super) bytes: Vec<u8>,
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is held.
    New,
    /// It was there already.
    Again,
    /// It cannot be of the same datagram as those held.
    Contradicting,
}

impl Pieces {
    /// Takes one more piece, unless it contradicts.
    // RFC 8200 §4.5 (RFC 5722): a datagram with overlapping fragments is given up; exact duplicates
    // may be passed over. Stacks of today treat IPv4 alike.
    pub(super) fn take(&mut self, piece: Piece) -> Taken {
        if let Some(held) = self.by_start.get(&piece.start) {
            return if held.is_same(&piece) { Taken::Again } else { Taken::Contradicting };
        }
        let is_overlapping = self
            .by_start
            .range(..piece.start)
            .next_back()
            .is_some_and(|(_, b)| b.end > piece.start)
            || self.by_start.range(piece.start..).next().is_some_and(|(a, _)| *a < piece.end);
        let reached = self.by_start.last_key_value().map_or(0, |(_, last)| last.end);
        let has_wrong_end = match self.end {
            Some(end) => piece.end > end || !piece.more,
            None => !piece.more && reached > piece.end,
        };
        if is_overlapping || has_wrong_end || piece.end > MAX_DATAGRAM {
            return Taken::Contradicting;
        }
        if !piece.more {
            self.end = Some(piece.end);
        }
        self.covered += piece.end - piece.start;
        self.is_cut |= piece.is_cut;
        self.by_start.insert(piece.start, piece);
        Taken::New
    }

    /// Whether every byte of the datagram is there.
    pub(super) fn is_whole(&self) -> bool {
        // Pieces neither overlap nor reach past the end, so that their lengths alone decide.
        !self.is_cut && self.end == Some(self.covered)
    }

    /// The datagram's bytes without its transport header, as far as they follow on each other.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut reached = 0;
        for (start, piece) in self.by_start {
            if start != reached {
                break;
            }
            bytes.extend(piece.bytes);
            reached = piece.end;
            if piece.is_cut {
                break;
            }
        }
        bytes
    }
}

impl Piece {
    /// What was captured of two copies may differ in length.
    fn is_same(&self, other: &Self) -> bool {
        let is_same_place = (self.end, self.more) == (other.end, other.more);
        is_same_place && self.bytes.iter().zip(&other.bytes).all(|(a, b)| a == b)
    }
}

/// The length fields of IP and of UDP have 16 bits.
const MAX_DATAGRAM: usize = 65_535;

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start: usize, end: usize, more: bool) -> Piece {
        Piece { start, end, more, is_cut: false, bytes: vec![1; end - start] }
    }

    fn taken(pieces: &[(usize, usize, bool)]) -> Vec<Taken> {
        let mut held = Pieces::default();
        pieces.iter().map(|&(start, end, more)| held.take(piece(start, end, more))).collect()
    }

    #[test]
    fn overlapping_pieces_contradict_from_every_side() {
        for other in [(0, 24, true), (8, 16, true), (8, 40, true), (24, 40, true), (0, 48, true)] {
            assert_eq!(taken(&[(8, 32, true), other]), [Taken::New, Taken::Contradicting]);
        }
        assert_eq!(taken(&[(8, 16, true), (16, 24, true), (0, 8, true)]), [Taken::New; 3]);
    }

    #[test]
    fn nothing_stands_behind_the_end() {
        let contradicted = [Taken::New, Taken::Contradicting];
        assert_eq!(taken(&[(8, 12, false), (16, 24, true)]), contradicted);
        assert_eq!(taken(&[(16, 24, true), (8, 12, false)]), contradicted);
        assert_eq!(taken(&[(16, 20, false), (8, 16, false)]), contradicted);
        assert_eq!(taken(&[(65_528, 65_536, false)]), [Taken::Contradicting]);
    }

    #[test]
    fn a_copy_with_fewer_bytes_is_the_same_piece() {
        let mut pieces = Pieces::default();
        pieces.take(piece(8, 24, true));
        let copy = Piece { is_cut: true, bytes: vec![1; 3], ..piece(8, 24, true) };
        assert_eq!(pieces.take(copy), Taken::Again);
        let other = Piece { is_cut: true, bytes: vec![2; 3], ..piece(8, 24, true) };
        assert_eq!(pieces.take(other), Taken::Contradicting);
    }
}
