//! Windows event logs: bytes to records, records to what the catalogue knows.
//!
//! A reader (one file a format) gives a [`LogRecord`]: what the file says, nothing read into it.
//! [`LogEvent::from_record`] gives it meaning. Opens no files, keeps no log in memory, joins
//! nothing with a capture. Records the catalogue does not know are counted and passed over.
#![warn(clippy::indexing_slicing)]

pub mod evtx;

pub mod evt;

pub mod text;

mod legacy;

mod interpret;

mod platform;

mod service;

mod algorithms;

mod audit_change;

mod coverage;

mod summary;

pub use audit_change::{AuditChange, AuditSubcategory, Auditing};
pub use coverage::{LogCoverage, Mark, MarkKind, NegotiationAudit, Setback, Silence, Stretch};
pub use service::{Service, ServiceState};
pub use summary::{LogSummary, RecordGap};

use crate::catalogue::{Category, EventEntry, Reason, WindowsError};
use crate::evidence::RecordRef;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// One record as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// The file and the record's own number.
    pub record: RecordRef,
    /// Who wrote it, in the file's spelling.
    pub provider: String,
    /// The log it was written to, in the file's spelling.
    pub channel: String,
    /// The computer's name as the record gives it; empty where it gives none.
    pub computer: String,
    /// The number people quote (of a legacy record, the low 16 bits).
    pub event_id: u16,
    /// The version of the event's layout.
    pub version: u8,
    /// When the event happened by the host's clock; `None` where the record tells no usable time.
    pub time: Option<Timestamp>,
    /// Whether it audits a success or a failure.
    pub audit: AuditOutcome,
    /// Fields with a name, in the record's order.
    pub named: Vec<(String, String)>,
    /// Values without a name, in the record's order.
    pub positional: Vec<String>,
    /// The binary payload; empty where there is none.
    pub binary: Vec<u8>,
}

/// What an audit record says of the audited act. Told by its keywords or type, not by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AuditOutcome {
    /// The act succeeded.
    Success,
    /// The act failed.
    Failure,
    /// The record is no audit.
    NotAudit,
}

impl AuditOutcome {
    /// The outcome as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::NotAudit => "not_audit",
        }
    }
}

/// One record that the catalogue knows, with its fields understood.
///
/// A field is `None` where the record does not tell it (Windows writes `-`), or tells it in a form
/// that could not be read; [`LogEvent::fields`] has the text either way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEvent {
    /// The file and the record's own number.
    pub record: RecordRef,
    /// The catalogue's row: category, meaning, subcategory.
    #[serde(with = "crate::catalogue::saved::event_row")]
    pub entry: &'static EventEntry,
    /// When it happened by the host's clock, uncorrected.
    pub time: Option<Timestamp>,
    /// The computer's name as the record gives it.
    pub host: String,
    /// The log it was written to.
    pub channel: String,
    /// Who wrote it.
    pub provider: String,
    /// The number people quote.
    pub event_id: u16,
    /// The version of the event's layout. Fields are taken by name all the same, because builds of
    /// Windows have other fields under one version.
    pub version: u8,
    /// The record stands outside the live log: a remnant that was not overwritten yet. It proves
    /// that the event was written once, not that the log holds it.
    pub recovered: bool,
    /// What it tells of: the catalogue's category, or what its fields say more.
    pub category: Category,
    /// Whether it audits a success or a failure.
    pub audit: AuditOutcome,
    /// What it says of the cause; `None` where it is no failure.
    pub reason: Option<Reason>,
    /// The Windows error that its reason or error field names.
    #[serde(with = "crate::catalogue::saved::error_row")]
    pub error: Option<&'static WindowsError>,
    /// The address of the host that logged it: the IKE endpoint, or of quick mode events the
    /// protected address. The unspecified address (any) is `None`.
    pub local: Option<IpAddr>,
    /// The address of the other side, likewise.
    pub peer: Option<IpAddr>,
    /// What a quick mode event says of the protected traffic.
    pub selector: Option<Selector>,
    /// The initiator's cookie or SPI of the IKE header.
    pub initiator_cookie: Option<[u8; 8]>,
    /// The responder's; all zero where it never answered.
    pub responder_cookie: Option<[u8; 8]>,
    /// The SPI of the ESP or AH packets that this host receives, as a number in network order.
    pub inbound_spi: Option<u32>,
    /// The SPI of those it sends.
    pub outbound_spi: Option<u32>,
    /// The main mode SA's number; unique within one boot of one host only.
    pub main_mode_sa: Option<u64>,
    /// The quick mode SA's number; likewise.
    pub quick_mode_sa: Option<u64>,
    /// Which of the negotiation's modes it is about.
    pub mode: Option<Mode>,
    /// How far the negotiation came, in the record's words.
    pub state: Option<String>,
    /// How many packets it is about, where the record counts them.
    pub packets: Option<u64>,
    /// By how much the clock was set; positive is forward.
    pub clock_step: Option<Span>,
    /// The message ID of the IKE header.
    pub message_id: Option<u32>,
    /// Which part this host played.
    pub role: Option<Role>,
    /// On whose side it failed.
    pub failure_point: Option<FailurePoint>,
    /// Which protocol negotiated.
    pub keying: Option<KeyingModule>,
    /// The service concerned and its new state.
    pub service: Option<(Service, ServiceState)>,
    /// What was changed of the system's auditing.
    pub audit_change: Option<AuditChange>,
    /// Every field in the record's order, `%%nnnn` turned into words; values without a name are
    /// called `1`, `2`, …
    pub fields: Vec<(String, String)>,
}

impl LogEvent {
    /// Whether a failed negotiation saw no answer at all: the responder's cookie is still zero.
    #[must_use]
    pub fn peer_was_silent(&self) -> bool {
        self.role == Some(Role::Initiator) && self.responder_cookie == Some([0; 8])
    }
}

/// The traffic that a quick mode negotiation was about.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Selector {
    /// The mask of the local address.
    pub local_mask: Option<IpAddr>,
    /// The mask of the peer's address.
    pub peer_mask: Option<IpAddr>,
    /// The local port; 0 is any.
    pub local_port: Option<u16>,
    /// The peer's port; 0 is any.
    pub peer_port: Option<u16>,
    /// The IP protocol; 0 is any.
    pub protocol: Option<u8>,
    /// The local end of the tunnel; `None` in transport mode.
    pub local_tunnel: Option<IpAddr>,
    /// The far end of the tunnel; `None` in transport mode.
    pub peer_tunnel: Option<IpAddr>,
    /// The peer's address behind its address translation.
    pub peer_private: Option<IpAddr>,
}

/// The mode of a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// Keys for the negotiation itself: IKE's first phase.
    Main,
    /// Keys for the traffic: IKE's second phase.
    Quick,
    /// AuthIP's second authentication.
    Extended,
}

impl Mode {
    /// The mode as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Quick => "quick",
            Self::Extended => "extended",
        }
    }
}

/// The part a host plays in a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// It began.
    Initiator,
    /// It answered.
    Responder,
}

impl Role {
    /// The role as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initiator => "initiator",
            Self::Responder => "responder",
        }
    }
}

/// The side on which a negotiation failed, seen from the host that logged it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FailurePoint {
    /// On the host that logged it.
    Local,
    /// On the peer.
    Remote,
}

impl FailurePoint {
    /// The side as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }
}

/// The protocol that negotiates keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyingModule {
    /// IKE version 1.
    IkeV1,
    /// Microsoft's AuthIP.
    AuthIp,
    /// IKE version 2.
    IkeV2,
}

impl KeyingModule {
    /// The protocol as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IkeV1 => "1",
            Self::AuthIp => "authip",
            Self::IkeV2 => "2",
        }
    }
}
