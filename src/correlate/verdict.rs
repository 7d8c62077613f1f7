//! The one word for a pair, and for all the evidence.
//!
//! Speaks only of pairs that owe protection; what nobody demands is not judged.

use super::{Facts, PairFacts};
use crate::policy::{Expectation, Level};
use crate::protection::ProtectionClass;
use crate::summary::SetAside;

/// Was it protected?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every packet that had to be protected was, as far as the evidence reaches.
    Protected,
    /// Some packets were, others were not, or not as strongly as demanded.
    PartiallyProtected,
    /// Packets that had to be protected were seen, and none of them was.
    Unprotected,
    /// Nothing says that anything had to be protected.
    NoExpectation,
    /// No packet was seen that had to be protected.
    NoPackets,
}

impl Verdict {
    /// The verdict as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::PartiallyProtected => "partially_protected",
            Self::Unprotected => "unprotected",
            Self::NoExpectation => "no_expectation",
            Self::NoPackets => "no_packets",
        }
    }
}

impl PairFacts {
    /// The word for this pair.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let Expectation::Required(level) = self.expectation else { return Verdict::NoExpectation };
        let frames = |class| self.by_class.get(&class).map_or(0, |run| run.frames);
        // A twin proves that its packet came inside ESP.
        let twins = self.set_aside.get(&SetAside::DecryptedTwin).map_or(0, |run| run.frames);
        let encrypted = frames(ProtectionClass::Esp) + twins;
        let authenticated = frames(ProtectionClass::EspNull) + frames(ProtectionClass::Ah);
        let (enough, weaker) = match level {
            Level::Encrypt => (encrypted, authenticated),
            Level::Authenticate => (encrypted + authenticated, 0),
        };
        match (enough > 0, weaker > 0, self.unprotected.frames > 0) {
            (false, false, false) => Verdict::NoPackets,
            (true, false, false) => Verdict::Protected,
            (false, false, true) => Verdict::Unprotected,
            (_, true, _) | (true, false, true) => Verdict::PartiallyProtected,
        }
    }
}

impl Facts {
    /// The word for all the evidence.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.total.frames == 0 {
            return Verdict::NoPackets;
        }
        let verdicts = self.pairs.iter().map(PairFacts::verdict);
        let owed: Vec<Verdict> = verdicts.filter(|v| *v != Verdict::NoExpectation).collect();
        if owed.is_empty() {
            return Verdict::NoExpectation;
        }
        let mut judged = owed.into_iter().filter(|v| *v != Verdict::NoPackets);
        let Some(first) = judged.next() else { return Verdict::NoPackets };
        if judged.all(|v| v == first) { first } else { Verdict::PartiallyProtected }
    }
}
