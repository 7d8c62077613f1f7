//! The protection class of a packet, decided from the packet alone.
//!
//! [`classify`] has no state. What only several packets can show (that it is ESP at all, NULL encryption,
//! packets shown twice) is gathered by [`sa_evidence`], [`esp_null`], [`decrypted_copy`] and [`duplicate`]. Whether a class was allowed is the policy's business.
#![warn(clippy::indexing_slicing)]

mod app;
mod esp;
mod exempt;

pub mod checksum;
pub mod decrypted_copy;
pub mod duplicate;
pub mod echo;
pub mod esp_null;
pub mod esp_sequence;
pub mod exemption_abuse;
pub mod sa_evidence;
pub mod secret;
pub mod signature;
pub mod tls;
pub mod unreachable;

pub use app::{App, NamedPorts, Service, ServicePorts};
pub use esp::{behind_marker, esp_bytes, inside_udp_on_other_port, spi_of_plain};

use crate::hosts::Direction;
pub(crate) use crate::ike::{IKE_PORT, NATT_PORT};

use crate::ike::readable::may_be_names;
use crate::ike::{Probe, may_hold_names, probe};
use crate::packet::{IpPacket, StopReason, protocol};
use sa_evidence::sample;
use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// The protection class of a packet: exactly one a packet (domain.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProtectionClass {
    /// Encapsulating Security Payload by its header; whether more than the header proves it is said
    /// by security association.
    Esp,
    /// ESP that carries readable data.
    EspNull,
    /// Authentication Header: authenticated, not confidential.
    Ah,
    /// IKE or AuthIP.
    Ike,
    /// NAT traversal keepalive.
    NattKeepalive,
    /// What the policy in force lets through unprotected.
    Exempt,
    /// Every other IP packet.
    Clear,
    /// Link-layer protocols other than IP and ARP.
    NonIp,
    /// It could not be determined what it is.
    Undecodable,
}

impl ProtectionClass {
    /// Whether IPsec carries such packets: ESP, encrypted or not, and AH.
    #[must_use]
    pub const fn is_ipsec(self) -> bool {
        match self {
            Self::Esp | Self::EspNull | Self::Ah => true,
            Self::Ike
            | Self::NattKeepalive
            | Self::Exempt
            | Self::Clear
            | Self::NonIp
            | Self::Undecodable => false,
        }
    }

    /// Every class, in the order of the report.
    pub const ALL: [Self; 9] = [
        Self::Esp,
        Self::EspNull,
        Self::Ah,
        Self::Ike,
        Self::NattKeepalive,
        Self::Exempt,
        Self::Clear,
        Self::NonIp,
        Self::Undecodable,
    ];

    /// The class as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Esp => "esp",
            Self::EspNull => "esp_null",
            Self::Ah => "ah",
            Self::Ike => "ike",
            Self::NattKeepalive => "natt_keepalive",
            Self::Exempt => "exempt",
            Self::Clear => "clear",
            Self::NonIp => "non_ip",
            Self::Undecodable => "undecodable",
        }
    }
}

/// A security parameters index of ESP or AH, in network byte order; 0 where it could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EspSpi(pub u32);

impl EspSpi {
    /// RFC 4303 §2.1: 0 is for local use and never sent, 1 to 255 are reserved.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        self.0 <= 255
    }
}

/// Which stream of a pair a packet belongs to: its class and what shows streams of one class apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stream {
    /// ESP under one SPI in one direction.
    Esp(EspSpi, Direction),
    /// Wrapped ESP that says it is not encrypted (RFC 5840).
    WespIntegrityOnly(EspSpi, Direction),
    /// AH under one SPI in one direction.
    Ah(EspSpi, Direction),
    /// IKE messages.
    Ike,
    /// NAT traversal keepalives.
    NattKeepalive,
    /// Exempt traffic of one kind.
    Exempt(ExemptKind),
    /// Clear text of one service.
    Clear {
        /// Protocol and ports.
        ports: ServicePorts,
        /// The application.
        app: App,
        /// Whether the application protects itself.
        encrypted: bool,
    },
    /// An IP packet whose class could not be determined.
    Undecodable(StopReason),
}

/// Every packet is looked up by its stream: one word instead of its parts.
impl Hash for Stream {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.word());
    }
}

impl Stream {
    /// A word that no other stream has.
    #[must_use]
    pub const fn word(self) -> u64 {
        let (kind, parts) = match self {
            Self::Esp(spi, direction) => (0, of_spi(spi, direction)),
            Self::WespIntegrityOnly(spi, direction) => (1, of_spi(spi, direction)),
            Self::Ah(spi, direction) => (2, of_spi(spi, direction)),
            Self::Ike => (3, 0),
            Self::NattKeepalive => (4, 0),
            Self::Exempt(kind) => (5, (kind as u64) << 8),
            Self::Clear { ports, app, encrypted } => {
                let (lower, higher) = (of_port(ports.lower), of_port(ports.higher));
                let ports = (ports.protocol as u64) << 15 | lower << 23 | higher << 40;
                (6, (encrypted as u64) << 8 | (app as u64) << 9 | ports)
            }
            Self::Undecodable(reason) => (7, (reason as u64) << 8),
        };
        kind | parts
    }

    /// The stream of the same packets without their SPI, as a later fragment has none.
    #[must_use]
    pub const fn without_spi(self) -> Self {
        match self {
            Self::Esp(_, direction) => Self::Esp(EspSpi(0), direction),
            Self::WespIntegrityOnly(_, direction) => Self::WespIntegrityOnly(EspSpi(0), direction),
            Self::Ah(_, direction) => Self::Ah(EspSpi(0), direction),
            Self::Ike
            | Self::NattKeepalive
            | Self::Exempt(_)
            | Self::Clear { .. }
            | Self::Undecodable(_) => self,
        }
    }

    /// The class of the stream as single packets show it.
    #[must_use]
    pub const fn class(self) -> ProtectionClass {
        match self {
            Self::Esp(..) => ProtectionClass::Esp,
            Self::WespIntegrityOnly(..) => ProtectionClass::EspNull,
            Self::Ah(..) => ProtectionClass::Ah,
            Self::Ike => ProtectionClass::Ike,
            Self::NattKeepalive => ProtectionClass::NattKeepalive,
            Self::Exempt(_) => ProtectionClass::Exempt,
            Self::Clear { .. } => ProtectionClass::Clear,
            Self::Undecodable(_) => ProtectionClass::Undecodable,
        }
    }
}

/// Seventeen bits.
const fn of_port(port: Option<u16>) -> u64 {
    match port {
        Some(port) => port as u64,
        None => 1 << 16,
    }
}

const fn of_spi(spi: EspSpi, direction: Direction) -> u64 {
    (matches!(direction, Direction::AToB) as u64) << 8 | (spi.0 as u64) << 32
}

/// What is let through by every policy, and why (domain.md, class `exempt`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ExemptKind {
    /// Errors and queries of ICMP and ICMPv6, but for echo and neighbour discovery.
    Icmp,
    /// Address resolution.
    Arp,
    /// Group management.
    Igmp,
    /// To a group address.
    Multicast,
    /// To every station.
    Broadcast,
    /// DHCP for IPv4 and IPv6.
    Dhcp,
    /// Neighbour discovery of IPv6, which does what ARP does for IPv4 (RFC 4861).
    NeighbourDiscovery,
    /// Echo requests and replies of ICMP and ICMPv6.
    Echo,
}

impl ExemptKind {
    /// Protocols and ports by which a rule names the kind; none for what no rule of IPsec reaches.
    #[must_use]
    pub const fn services(self) -> &'static [(u8, Option<u16>)] {
        match self {
            Self::Icmp | Self::Echo => &[(protocol::ICMP, None), (protocol::ICMPV6, None)],
            Self::Igmp => &[(protocol::IGMP, None)],
            Self::Dhcp => &[(17, Some(67)), (17, Some(68)), (17, Some(546)), (17, Some(547))],
            Self::NeighbourDiscovery | Self::Arp | Self::Multicast | Self::Broadcast => &[],
        }
    }
}

/// The stream of a packet of which only the header is known: the hosts, the protocol and the ports.
/// IKE is recognized by its content and is never seen here.
#[must_use]
pub fn classify_header(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    ports: Option<(u16, u16)>,
    named: &NamedPorts,
) -> Stream {
    let ports = ports.map(|(source, destination)| crate::packet::Ports { source, destination });
    classify(&IpPacket { ports, ..IpPacket::carrying(source, destination, protocol, &[]) }, named)
}

/// The stream of a packet as if it were clear text, whatever its header says.
#[must_use]
pub fn as_clear_text(ip: &IpPacket<'_>, named: &NamedPorts) -> Stream {
    app::clear(ip, named)
}

/// A later fragment whose own bytes can be read, though the first one named what is encrypted or has no place for text.
#[derive(Clone, Copy, Debug)]
pub struct ReadableRest {
    /// Its clear stream.
    pub as_clear: Stream,
    /// It has no more text than names of X.500 do, which messages of IKEv1 hold in clear.
    pub may_be_names: bool,
}

impl ReadableRest {
    /// A later fragment that is read by itself; `None` where it cannot be, or where none would follow from it.
    #[must_use]
    pub fn of(ip: &IpPacket<'_>, alone: Stream, named: &NamedPorts, count: u64) -> Option<Self> {
        let is_readable = match alone {
            Stream::Esp(..) => {
                count.is_multiple_of(ONE_REST_IN)
                    && sa_evidence::is_readable(sample(ip.payload, SAMPLE_OF_ESP, count))
            }
            Stream::Undecodable(StopReason::FragmentWithoutFirst) => {
                exempt::is_mostly_text(sample(ip.payload, SAMPLE_OF_UDP, count))
            }
            Stream::WespIntegrityOnly(..)
            | Stream::Ah(..)
            | Stream::Ike
            | Stream::NattKeepalive
            | Stream::Exempt(_)
            | Stream::Clear { .. }
            | Stream::Undecodable(_) => false,
        };
        is_readable.then(|| Self::readable(ip, named))
    }

    /// A later fragment that was found to be readable.
    #[must_use]
    pub fn readable(ip: &IpPacket<'_>, named: &NamedPorts) -> Self {
        let is_last = ip.fragment.is_none_or(|fragment| !fragment.more);
        let may_be_names = may_be_names(ip.payload, is_last);
        Self { as_clear: as_clear_text(ip, named), may_be_names }
    }
}

/// What the first fragment of a datagram says of the later ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstFragment {
    /// The stream of the datagram.
    pub stream: Stream,
    /// It begins a message that may hold names of X.500 in clear.
    pub may_hold_names: bool,
}

impl FirstFragment {
    /// A first fragment of a stream.
    #[must_use]
    pub fn of(ip: &IpPacket<'_>, stream: Stream) -> Self {
        let message = ip.payload.strip_prefix(&[0; 4]).unwrap_or(ip.payload);
        Self { stream, may_hold_names: stream == Stream::Ike && may_hold_names(message) }
    }

    /// The stream of a later fragment by what its own bytes show: text is neither IKE nor DHCP, whatever came in front of
    /// it, but for names where they have a place.
    #[must_use]
    pub fn stream_of(self, rest: Option<ReadableRest>) -> Stream {
        match (self.stream, rest) {
            (Stream::Ike, Some(rest)) if !(self.may_hold_names && rest.may_be_names) => {
                rest.as_clear
            }
            (Stream::Exempt(ExemptKind::Dhcp), Some(rest)) => rest.as_clear,
            (
                Stream::Ike
                | Stream::Exempt(_)
                | Stream::Esp(..)
                | Stream::WespIntegrityOnly(..)
                | Stream::Ah(..)
                | Stream::NattKeepalive
                | Stream::Clear { .. }
                | Stream::Undecodable(_),
                _,
            ) => self.stream,
        }
    }
}

/// The stream of clear packets of a protocol without ports.
#[must_use]
pub const fn clear_stream_of(protocol: u8) -> Stream {
    let ports = ServicePorts { protocol, lower: None, higher: None };
    Stream::Clear { ports, app: App::Other, encrypted: false }
}

/// The stream of an IP packet, and thereby its one class. `named` are the ports a policy speaks of.
#[must_use]
pub fn classify(ip: &IpPacket<'_>, named: &NamedPorts) -> Stream {
    let protected = match ip.protocol {
        protocol::ESP | protocol::WESP | protocol::AH => esp::by_protocol(ip),
        protocol::UDP => esp::inside_udp(ip).or_else(|| ike_in_udp(ip)),
        _ => None,
    };
    if let Some(stream) = protected {
        return stream;
    }
    match exempt::kind(ip) {
        Some(kind) => Stream::Exempt(kind),
        None if ip.protocol == protocol::UDP && ip.ports.is_none() => {
            Stream::Undecodable(StopReason::FragmentWithoutFirst)
        }
        None => app::clear(ip, named),
    }
}

/// IKE by its header. On its own port a sound but unusual header will do; elsewhere it must leave
/// no doubt, for a chance likeness must not hide clear text.
fn ike_in_udp(ip: &IpPacket<'_>) -> Option<Stream> {
    let ports = ip.ports?;
    // A first fragment shows only the beginning of the datagram that the header shows of.
    let datagram_len = ip.fragment.is_none().then_some(ip.payload_len);
    let on_ike_port = ports.source == IKE_PORT || ports.destination == IKE_PORT;
    match probe(ip.payload, datagram_len) {
        Probe::Certain => Some(Stream::Ike),
        Probe::Unsure => on_ike_port.then_some(Stream::Ike),
        // The capture cut it within its header: on IKE's own port that is no proof of clear text.
        Probe::NotIke if on_ike_port && is_cut_in_header(ip) => {
            Some(Stream::Undecodable(StopReason::TruncatedUdp))
        }
        Probe::NotIke => behind_marker(ip).map(|_| Stream::Ike),
    }
}

/// RFC 7296 §3.1: a header of 28 bytes, of which fewer were captured than were sent.
const fn is_cut_in_header(ip: &IpPacket<'_>) -> bool {
    ip.payload_len >= IKE_HEADER_LEN && ip.payload.len() < IKE_HEADER_LEN
}

const IKE_HEADER_LEN: usize = 28;
/// Later fragments of ESP of which one is looked at, and the octets of it.
const ONE_REST_IN: u64 = 4;
const SAMPLE_OF_ESP: usize = 64;
const SAMPLE_OF_UDP: usize = 256;
