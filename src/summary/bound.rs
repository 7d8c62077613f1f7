//! Bounds on what is kept of a capture, and how many packets lay beyond each.
//!
//! Evidence chooses how many SPIs, pauses or addresses there are; memory does not grow with them without end.
//! Beyond a bound nothing is dropped from the totals, but it is distinguished less finely, which the report says.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is kept in a bounded list. A closed list; the spelling is a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Bound {
    /// SPIs of ESP and AH: packets of further ones count without an SPI, as uncorroborated.
    Spis,
    /// Stretches without a pause: further ones are joined with the one before of their stream.
    Runs,
    /// Repeated packets that wait to be settled: further ones count as packets of their own.
    Copies,
    /// Packets that a network card may still encrypt: further ones count as clear text.
    IpsecOffload,
    /// Packets that were not seen on a wire (inside a tunnel, above IPsec, in a switch): further ones count in the totals only.
    OffWire,
    /// SPIs whose decrypted copies are looked for: those of further ones count as clear text.
    WatchedSpis,
    /// Packets that may be decrypted copies: further ones count as clear text.
    DecryptedCopies,
    /// Fragments that wait for the first of their datagram: further ones are judged by themselves.
    Fragments,
    /// Pairs and forms of credentials: further ones are not named.
    Credentials,
    /// Pairs that use an exempt port for other traffic: further ones are not named.
    ExemptionAbuse,
    /// Negotiations that ICMP errors quote: further ones are not named.
    IcmpErrors,
    /// Packets that are compared one by one with other captures: further ones are not.
    Compared,
}

impl Bound {
    /// Every bound.
    pub const ALL: [Self; 12] = [
        Self::Spis,
        Self::Runs,
        Self::Copies,
        Self::IpsecOffload,
        Self::OffWire,
        Self::WatchedSpis,
        Self::DecryptedCopies,
        Self::Fragments,
        Self::Credentials,
        Self::ExemptionAbuse,
        Self::IcmpErrors,
        Self::Compared,
    ];

    /// The bound as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spis => "spis",
            Self::Runs => "runs",
            Self::Copies => "copies",
            Self::IpsecOffload => "handed_over",
            Self::OffWire => "off_wire",
            Self::WatchedSpis => "watched_spis",
            Self::DecryptedCopies => "decrypted_copies",
            Self::Fragments => "fragments",
            Self::Credentials => "credentials",
            Self::ExemptionAbuse => "exemption_abuse",
            Self::IcmpErrors => "icmp_errors",
            Self::Compared => "compared",
        }
    }

    /// Whether a verdict may differ because of it.
    #[must_use]
    pub const fn concerns_verdicts(self) -> bool {
        match self {
            Self::Spis
            | Self::Runs
            | Self::Copies
            | Self::IpsecOffload
            | Self::OffWire
            | Self::WatchedSpis
            | Self::DecryptedCopies
            | Self::Fragments => true,
            Self::Credentials | Self::ExemptionAbuse | Self::IcmpErrors | Self::Compared => false,
        }
    }
}

/// How many lay beyond each bound that was reached: packets, or SPIs of those that are watched.
pub type BoundsReached = BTreeMap<Bound, u64>;
