//! IKE from its bytes to the outcome of each negotiation.
//!
//! Parsers take slices and never fail as a whole: they return what could be read. Messages become small
//! [`MessageDigest`]s, these are gathered in [`Negotiations`], and [`conclude`] determines for each negotiation
//! how far it came and what ended it. The rules are in docs/ike-outcomes.md.
#![warn(clippy::indexing_slicing)]

pub mod readable;
mod reader;

mod body;
mod encapsulated;
mod header;
mod payload;
mod proposal;
mod v1;
mod v2;

mod digest;
mod negotiations;

mod conversation;
mod ended;
mod esp_activity;
mod judge_v1;

mod judge_v2;
mod method_v1;
mod nat;
mod outcome;
mod quick_mode;
mod suite;

mod conclude;
mod exchange;
mod fragments;
mod link;
mod message_sequence;
mod neighbours;
mod notify;
mod upkeep;

pub use conclude::conclude;
pub use digest::{Encrypted, MessageDigest, SentBy};
pub use encapsulated::{Encapsulated, EncapsulatedStream};
pub use esp_activity::{EspActivity, EspUse};
pub use exchange::IkeExchange;
pub use header::{Probe, may_hold_names, probe};
pub use message_sequence::Step;
pub use nat::AddressTranslation;
pub use negotiations::{Negotiations, Uncounted};
pub use outcome::Outcome;
pub use proposal::{Proposal, Transform, TransformKind};
pub use reader::Defect;
pub use upkeep::{ChildAttempt, DeleteFit, PossibleDelete};

use serde::{Deserialize, Serialize};
use std::fmt;

/// An IKE SPI (IKEv2) or cookie (IKEv1): eight bytes of a header.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Spi(pub [u8; 8]);

impl Spi {
    /// All bytes zero: the responder has not answered yet.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == [0; 8]
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for Spi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The protocol a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IkeVersion {
    /// RFC 2408, 2409.
    V1,
    /// RFC 7296.
    V2,
    /// Microsoft's AuthIP (MS-AIPS), under version 1.0 with exchange types of its own.
    AuthIp,
}

/// An exchange type; names are in the catalogue, unknown numbers are values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExchangeType(pub u8);

#[allow(missing_docs, reason = "the constants carry the registered names")]
impl ExchangeType {
    pub const MAIN_MODE: Self = Self(2);
    pub const AGGRESSIVE: Self = Self(4);
    pub const V1_INFORMATIONAL: Self = Self(5);
    pub const TRANSACTION: Self = Self(6);
    pub const QUICK_MODE: Self = Self(32);
    pub const IKE_SA_INIT: Self = Self(34);
    pub const IKE_AUTH: Self = Self(35);
    pub const CREATE_CHILD_SA: Self = Self(36);
    pub const INFORMATIONAL: Self = Self(37);
    pub const SESSION_RESUME: Self = Self(38);
    pub const IKE_INTERMEDIATE: Self = Self(43);
    pub const AUTHIP_MAIN_MODE: Self = Self(243);
    pub const AUTHIP_QUICK_MODE: Self = Self(244);
    pub const AUTHIP_EXTENDED_MODE: Self = Self(245);
    pub const AUTHIP_NOTIFY: Self = Self(246);
}

/// UDP port of IKE (RFC 7296 §2).
pub const IKE_PORT: u16 = 500;
/// UDP port of IKE and ESP behind address translation (RFC 3948).
pub const NATT_PORT: u16 = 4500;
