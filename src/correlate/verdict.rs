//! The verdict for a pair, and for all the evidence.
//!
//! Only pairs whose traffic had to be protected are judged.

use super::{Facts, PairFacts, SaFacts};
use crate::policy::{Expectation, Level};
use crate::protection::ProtectionClass;
use crate::summary::SetAside;
use std::collections::BTreeSet;

/// Whether traffic was protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every packet that had to be protected was, as far as the evidence reaches.
    Protected,
    /// Some packets were, others were not, or not as strongly as required.
    PartiallyProtected,
    /// Packets that had to be protected were seen, and none of them was.
    Unprotected,
    /// Nothing shows that anything had to be protected.
    NoExpectation,
    /// No packet was seen that had to be protected.
    NoPackets,
    /// No clear packet that had to be protected was seen, but too much could not be judged.
    NotDetermined,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 6] = [
        Self::Protected,
        Self::PartiallyProtected,
        Self::Unprotected,
        Self::NoExpectation,
        Self::NoPackets,
        Self::NotDetermined,
    ];

    /// The meaning, in a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Protected => "Every packet seen that had to be protected was protected.",
            Self::PartiallyProtected => {
                "Some of the packets that had to be protected were; others were in clear or readable."
            }
            Self::Unprotected => "None of the packets that had to be protected was protected.",
            Self::NoExpectation => {
                "No requirement is known: neither a policy nor the evidence states what had to be protected."
            }
            Self::NoPackets => "No packet that had to be protected was seen.",
            Self::NotDetermined => {
                "No packet that had to be protected was seen in clear, but too much could not be judged."
            }
        }
    }

    /// The verdict as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::PartiallyProtected => "partially_protected",
            Self::Unprotected => "unprotected",
            Self::NoExpectation => "no_expectation",
            Self::NoPackets => "no_packets",
            Self::NotDetermined => "not_determined",
        }
    }
}

impl PairFacts {
    /// The verdict for this pair.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let Expectation::Required(level) = self.expectation else { return Verdict::NoExpectation };
        // Packets that are ESP or AH only by their header do not count as protection.
        let unproven = |class| {
            let alone = |sa: &&SaFacts| sa.corroborated.is_none() && sa.class == class;
            self.sas.iter().filter(alone).map(|sa| sa.run.frames).sum()
        };
        let frames = |class| {
            let seen = self.by_class.get(&class).map_or(0, |run| run.frames);
            seen.saturating_sub(unproven(class))
        };
        // A decrypted copy proves that its packet came inside ESP.
        let aside = |why| self.set_aside.get(&why).map_or(0, |run| run.frames);
        let decrypted_copies = aside(SetAside::DecryptedCopy) + aside(SetAside::InsideOtherCapture);
        let encrypted = frames(ProtectionClass::Esp) + decrypted_copies;
        // Packets that may have been encrypted after the capture point are neither protected nor readable.
        let readable = if self.may_be_offloaded() { 0 } else { frames(ProtectionClass::EspNull) };
        let authenticated = readable + frames(ProtectionClass::Ah);
        let (enough, weaker) = match level {
            Level::Encrypt => (encrypted, authenticated),
            Level::Authenticate => (encrypted + authenticated, 0),
        };
        match (enough > 0, weaker > 0, self.unprotected.frames > 0) {
            (false | true, false, false) if self.is_blind() => Verdict::NotDetermined,
            (false, false, false) => Verdict::NoPackets,
            (true, false, false) => Verdict::Protected,
            (false, false, true) => Verdict::Unprotected,
            (_, true, _) | (true, false, true) => Verdict::PartiallyProtected,
        }
    }
}

impl Facts {
    /// The verdict for all the evidence.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.total.frames == 0 {
            return Verdict::NoPackets;
        }
        let verdicts: BTreeSet<Verdict> = self.pairs.iter().map(PairFacts::verdict).collect();
        let any = |verdict| verdicts.contains(&verdict);
        let not_as_demanded = any(Verdict::Unprotected) || any(Verdict::PartiallyProtected);
        if not_as_demanded {
            let mixed = any(Verdict::PartiallyProtected) || any(Verdict::Protected);
            return if mixed { Verdict::PartiallyProtected } else { Verdict::Unprotected };
        }
        if any(Verdict::NotDetermined) || self.may_hide_required() {
            Verdict::NotDetermined
        } else if any(Verdict::Protected) {
            Verdict::Protected
        } else if any(Verdict::NoPackets) {
            Verdict::NoPackets
        } else {
            Verdict::NoExpectation
        }
    }
}
