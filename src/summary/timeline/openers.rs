//! Who opened the connections of a run's packets.

use crate::hosts::Direction;
use serde::{Deserialize, Serialize};

/// Who opened the TCP connections that packets belong to, as their first two segments in the capture show (RFC 9293
/// §3.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Openers {
    /// The lower address, some of them.
    a: bool,
    /// The higher address, some of them.
    b: bool,
    /// Of some it is not known: the capture does not show their beginning, or they are not of TCP.
    unknown: bool,
}

impl Openers {
    /// The opener of one packet's connection.
    #[inline]
    pub(in crate::summary) const fn of(opener: Option<Direction>) -> Self {
        match opener {
            Some(Direction::AToB) => Self { a: true, b: false, unknown: false },
            Some(Direction::BToA) => Self { a: false, b: true, unknown: false },
            None => Self { a: false, b: false, unknown: true },
        }
    }

    /// The way from the host that opened all connections; `None` where that is not known of all, or both did.
    #[must_use]
    pub const fn only(self) -> Option<Direction> {
        match (self.a, self.b, self.unknown) {
            (true, false, false) => Some(Direction::AToB),
            (false, true, false) => Some(Direction::BToA),
            _ => None,
        }
    }

    /// Whether nothing is known of any.
    pub(in crate::summary) const fn is_unknown(self) -> bool {
        !self.a && !self.b
    }

    pub(super) fn join(&mut self, other: Self) {
        self.a |= other.a;
        self.b |= other.b;
        self.unknown |= other.unknown;
    }
}
