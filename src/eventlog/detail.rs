//! The details of an event, by the kind of its subject.
//!
//! Types and the questions that several modules ask of them; `interpret` reads the records.

use super::{AuditChange, LogEvent, ServiceChange};
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The details of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail {
    /// Nothing beyond the text of its fields.
    Plain,
    /// A negotiation failed, or a security association was created or ended.
    Negotiation(Box<LoggedNegotiation>),
    /// Packets were dropped, or audit events lost (516): which, and how many.
    Packets(LoggedPackets),
    /// A service that IPsec needs changed its state.
    Service(ServiceChange),
    /// The system's audit policy was changed.
    AuditChange(AuditChange),
    /// The clock was set: by how much, positive is forward; `None` where the record does not say.
    ClockSet(Option<Span>),
}

/// A negotiation or security association as a host logged it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedNegotiation {
    /// The address of the host that logged it: the IKE endpoint, or in quick mode events the protected address.
    /// The unspecified address (any) is `None`.
    pub local: Option<IpAddr>,
    /// The address of the other side, in the same way.
    pub peer: Option<IpAddr>,
    /// The protected traffic, from a quick mode event.
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
    /// The message ID of the IKE header.
    pub message_id: Option<u32>,
    /// The role of this host.
    pub role: Option<Role>,
    /// The side on which it failed.
    pub failure_point: Option<FailurePoint>,
    /// The protocol that negotiated.
    pub keying: Option<KeyingModule>,
    /// The service that is not running, where that was the reason for the failure (5453).
    pub service: Option<ServiceChange>,
}

/// Packets that a host dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedPackets {
    /// The host's own address.
    pub local: Option<IpAddr>,
    /// The address of the other side.
    pub peer: Option<IpAddr>,
    /// The SPI under which they came in.
    pub inbound_spi: Option<u32>,
    /// The SPI under which they would have gone out.
    pub outbound_spi: Option<u32>,
    /// How many, where the record counts them.
    pub count: Option<u64>,
}

impl LogEvent {
    /// The negotiation or security association that it is about.
    #[must_use]
    pub fn negotiation(&self) -> Option<&LoggedNegotiation> {
        match &self.detail {
            Detail::Negotiation(negotiation) => Some(negotiation),
            Detail::Plain
            | Detail::Packets(_)
            | Detail::Service(_)
            | Detail::AuditChange(_)
            | Detail::ClockSet(_) => None,
        }
    }

    /// The packets that it is about.
    #[must_use]
    pub fn packets(&self) -> Option<&LoggedPackets> {
        match &self.detail {
            Detail::Packets(packets) => Some(packets),
            Detail::Plain
            | Detail::Negotiation(_)
            | Detail::Service(_)
            | Detail::AuditChange(_)
            | Detail::ClockSet(_) => None,
        }
    }

    /// The address of the host that logged it.
    #[must_use]
    pub fn local(&self) -> Option<IpAddr> {
        self.negotiation().and_then(|n| n.local).or_else(|| self.packets().and_then(|p| p.local))
    }

    /// The address of the other side.
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        self.negotiation().and_then(|n| n.peer).or_else(|| self.packets().and_then(|p| p.peer))
    }

    /// The SPI of the ESP or AH packets that the host receives.
    #[must_use]
    pub fn inbound_spi(&self) -> Option<u32> {
        let of_packets = || self.packets().and_then(|packets| packets.inbound_spi);
        self.negotiation().and_then(|n| n.inbound_spi).or_else(of_packets)
    }

    /// The SPI of those it sends.
    #[must_use]
    pub fn outbound_spi(&self) -> Option<u32> {
        let of_packets = || self.packets().and_then(|packets| packets.outbound_spi);
        self.negotiation().and_then(|n| n.outbound_spi).or_else(of_packets)
    }

    /// The initiator's cookie or SPI of the IKE header.
    #[must_use]
    pub fn initiator_cookie(&self) -> Option<[u8; 8]> {
        self.negotiation().and_then(|negotiation| negotiation.initiator_cookie)
    }

    /// The responder's; all zero where it never answered.
    #[must_use]
    pub fn responder_cookie(&self) -> Option<[u8; 8]> {
        self.negotiation().and_then(|negotiation| negotiation.responder_cookie)
    }

    /// The message ID of the IKE header.
    #[must_use]
    pub fn message_id(&self) -> Option<u32> {
        self.negotiation().and_then(|negotiation| negotiation.message_id)
    }

    /// The main mode SA's number; unique within one boot of one host only.
    #[must_use]
    pub fn main_mode_sa(&self) -> Option<u64> {
        self.negotiation().and_then(|negotiation| negotiation.main_mode_sa)
    }

    /// The protected traffic, from a quick mode event.
    #[must_use]
    pub fn selector(&self) -> Option<Selector> {
        self.negotiation().and_then(|negotiation| negotiation.selector)
    }

    /// The two hosts between which its SPIs are in use: the tunnel's ends where it names them, otherwise the
    /// two hosts.
    #[must_use]
    pub fn esp_endpoints(&self) -> Option<(IpAddr, IpAddr)> {
        let tunnel = self.selector().and_then(|s| s.local_tunnel.zip(s.peer_tunnel));
        tunnel.or(self.local().zip(self.peer()))
    }

    /// The service whose state it gives.
    #[must_use]
    pub fn service(&self) -> Option<ServiceChange> {
        match &self.detail {
            Detail::Service(change) => Some(*change),
            Detail::Negotiation(negotiation) => negotiation.service,
            Detail::Plain | Detail::Packets(_) | Detail::AuditChange(_) | Detail::ClockSet(_) => {
                None
            }
        }
    }

    /// The change of the system's audit policy.
    #[must_use]
    pub fn audit_change(&self) -> Option<AuditChange> {
        match self.detail {
            Detail::AuditChange(change) => Some(change),
            Detail::Plain
            | Detail::Negotiation(_)
            | Detail::Packets(_)
            | Detail::Service(_)
            | Detail::ClockSet(_) => None,
        }
    }

    /// By how much the clock was set; positive is forward.
    #[must_use]
    pub fn clock_step(&self) -> Option<Span> {
        match self.detail {
            Detail::ClockSet(step) => step,
            Detail::Plain
            | Detail::Negotiation(_)
            | Detail::Packets(_)
            | Detail::Service(_)
            | Detail::AuditChange(_) => None,
        }
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
