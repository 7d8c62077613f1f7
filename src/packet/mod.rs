//! A frame's bytes → the IP packet that decides its class.
//!
//! `etherparse` reads the headers, only here. No state but [`fragment`] and [`reassembly`]; no
//! judgement: what the packet means for IPsec is `protection`'s business.
#![warn(clippy::indexing_slicing)]

mod link;

mod llc;

mod mpls;

mod serial;

mod wireless;

mod nflog;

mod macsec;

mod tagged;

mod juniper;

mod mislabelled;

mod network;

mod plain;

pub mod origin;

mod tcp;

mod tunnel;

mod carried;

mod pieces;

pub mod fragment;
pub mod reassembly;

use crate::hosts::{Direction, HostPair};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What a frame turned out to carry.
#[derive(Clone, Debug)]
pub enum Packet<'a> {
    /// An IP packet: the innermost one where plain tunnels are nested.
    Ip(IpPacket<'a>),
    /// ARP, which belongs to IP without being it.
    Arp,
    /// Another link-layer protocol, by its EtherType or its number of PPP; below 0x0600 also an
    /// 802.3 length, and 0 where it has no number.
    NonIp(u16),
    /// It ended or broke before it could be determined what it is.
    Undecodable(Stop),
}

/// An IP packet down to its transport header.
#[derive(Clone, Copy, Debug)]
pub struct IpPacket<'a> {
    /// Whose it is.
    pub pair: HostPair,
    /// Which of them sent it.
    pub direction: Direction,
    /// The protocol behind the IP header and its extensions (IANA protocol numbers).
    pub protocol: u8,
    /// The fragment it is; `None` for a whole packet.
    pub fragment: Option<Fragment>,
    /// The ports, where the packet has and shows them.
    pub ports: Option<Ports>,
    /// IPv4's identification, which few packets of a host share; 0 in IPv6.
    pub identification: u16,
    /// The bytes behind the IP headers, as far as they were captured.
    pub segment: &'a [u8],
    /// The bytes behind the transport header, or behind IP where `protocol` has none here.
    pub payload: &'a [u8],
    /// How long `payload` was on the wire; more than is there where the capture cut it.
    pub payload_len: usize,
    /// How long the whole IP packet was on the wire, from its first header.
    pub packet_len: usize,
    /// How long it was behind its IP headers.
    pub segment_len: usize,
    /// The frame went to every station of its link.
    pub link_broadcast: bool,
    /// How many IP packets are around it: those of the plain tunnels that it was found in.
    pub nested: u8,
    /// How many more routers may pass it on: IPv4's time to live, IPv6's hop limit. 0 where no header is known.
    pub hops: u8,
    /// The capture calls its frame Ethernet, and it is raw IP or 802.11.
    pub mislabelled: bool,
}

impl<'a> IpPacket<'a> {
    /// A whole packet of which only the hosts, the protocol and what it carries are known.
    #[must_use]
    pub fn carrying(source: IpAddr, destination: IpAddr, protocol: u8, bytes: &'a [u8]) -> Self {
        let (pair, direction) = HostPair::between(source, destination);
        Self {
            pair,
            direction,
            protocol,
            fragment: None,
            ports: None,
            identification: 0,
            segment: bytes,
            payload: bytes,
            payload_len: bytes.len(),
            packet_len: bytes.len(),
            segment_len: bytes.len(),
            link_broadcast: false,
            nested: 0,
            hops: 0,
            mislabelled: false,
        }
    }
}

impl IpPacket<'_> {
    /// Who sent it.
    #[must_use]
    #[inline]
    pub const fn source(&self) -> IpAddr {
        match self.direction {
            Direction::AToB => self.pair.a(),
            Direction::BToA => self.pair.b(),
        }
    }

    /// Whom it is for.
    #[must_use]
    pub const fn destination(&self) -> IpAddr {
        match self.direction {
            Direction::AToB => self.pair.b(),
            Direction::BToA => self.pair.a(),
        }
    }
}

/// Source and destination port of TCP, UDP, UDP-Lite or SCTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The sender's.
    pub source: u16,
    /// The receiver's.
    pub destination: u16,
}

impl Ports {
    /// The first four bytes of all these protocols; `None` where there are fewer.
    #[must_use]
    #[inline]
    pub fn of(segment: &[u8]) -> Option<Self> {
        let (&[high, low], rest) = segment.split_first_chunk()?;
        let destination = u16::from_be_bytes(*rest.first_chunk()?);
        Some(Self { source: u16::from_be_bytes([high, low]), destination })
    }
}

/// The position of a packet in a fragmented datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// What the fragments of one datagram share (16 bits in IPv4).
    pub identification: u32,
    /// Its place, in units of eight bytes; 0 is the first.
    pub offset: u16,
    /// Whether more follow.
    pub more: bool,
}

/// Where and why decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// A stable code: `truncated_ipv4`, `malformed_ipv6`, `unknown_linktype`.
    pub reason: StopReason,
    /// The byte of the frame at which the unreadable header begins.
    pub offset: usize,
}

/// Why a frame's class could not be determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StopReason {
    /// The link layer is of a kind that is not decoded.
    UnknownLinktype,
    /// The frame ends inside its link-layer header.
    TruncatedLink,
    /// The frame ends inside an IPv4 header.
    TruncatedIpv4,
    /// An IPv4 header contradicts itself.
    MalformedIpv4,
    /// The frame ends inside an IPv6 header or extension.
    TruncatedIpv6,
    /// An IPv6 header contradicts itself.
    MalformedIpv6,
    /// The frame ends inside a UDP header, whose ports would decide.
    TruncatedUdp,
    /// The frame ends inside the header of a tunnel.
    TruncatedTunnel,
    /// Tunnels are nested deeper than is followed.
    TunnelTooDeep,
    /// A later fragment of a UDP datagram whose first fragment is not in the capture, or of a
    /// wireless frame.
    FragmentWithoutFirst,
    /// The link encrypts or compresses what it carries: 802.11's protected frames, PPP's (RFC 1968,
    /// RFC 1962).
    EncryptedLink,
    /// MACsec (IEEE 802.1AE) encrypts what the frame carries.
    Macsec,
    /// A wireless frame carries several packets that are not of one flow.
    MixedAggregate,
    /// The interface of IPsec on a host shows what is encrypted on the wire (enc(4)).
    InsideIpsec,
}

impl StopReason {
    /// Whether the frame ended before it could be determined what it is: the capture cut it.
    #[must_use]
    pub const fn is_cut(self) -> bool {
        match self {
            Self::TruncatedLink
            | Self::TruncatedIpv4
            | Self::TruncatedIpv6
            | Self::TruncatedUdp
            | Self::TruncatedTunnel => true,
            Self::UnknownLinktype
            | Self::MalformedIpv4
            | Self::MalformedIpv6
            | Self::TunnelTooDeep
            | Self::FragmentWithoutFirst
            | Self::EncryptedLink
            | Self::Macsec
            | Self::MixedAggregate
            | Self::InsideIpsec => false,
        }
    }

    /// The code as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownLinktype => "unknown_linktype",
            Self::TruncatedLink => "truncated_link",
            Self::TruncatedIpv4 => "truncated_ipv4",
            Self::MalformedIpv4 => "malformed_ipv4",
            Self::TruncatedIpv6 => "truncated_ipv6",
            Self::MalformedIpv6 => "malformed_ipv6",
            Self::TruncatedUdp => "truncated_udp",
            Self::TruncatedTunnel => "truncated_tunnel",
            Self::TunnelTooDeep => "tunnel_too_deep",
            Self::FragmentWithoutFirst => "fragment_without_first",
            Self::EncryptedLink => "encrypted_link",
            Self::Macsec => "macsec",
            Self::MixedAggregate => "mixed_aggregate",
            Self::InsideIpsec => "inside_ipsec",
        }
    }
}

pub use link::{MOST_NESTED, decode, layer};
pub use network::carried;
pub use plain::plain;
pub use tcp::TcpSegment;

/// IANA protocol numbers that matter to a class.
pub mod protocol {
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// Group management for IPv4.
    pub const IGMP: u8 = 2;
    /// IPv4 inside IP.
    pub const IPV4: u8 = 4;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 inside IP.
    pub const IPV6: u8 = 41;
    /// Generic routing encapsulation.
    pub const GRE: u8 = 47;
    /// Encapsulating Security Payload.
    pub const ESP: u8 = 50;
    /// Authentication Header.
    pub const AH: u8 = 51;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// Ethernet inside IP (RFC 3378).
    pub const ETHERIP: u8 = 97;
    /// Layer 2 tunnelling, version 3.
    pub const L2TP: u8 = 115;
    /// SCTP.
    pub const SCTP: u8 = 132;
    /// UDP-Lite.
    pub const UDP_LITE: u8 = 136;
    /// Wrapped ESP (RFC 5840).
    pub const WESP: u8 = 141;
}
