//! Traffic that abuses an exemption, by its packets: another protocol on Kerberos' or IKE's
//! source port, and large ICMP messages.
//!
//! Windows 2000 to Server 2003 let Kerberos and IKE pass their filters by port alone, whatever the packets
//! hold (Microsoft knowledge base 811832), and every system lets ICMP pass.

use super::{ExemptKind, IKE_PORT, Stream, exempt};
use crate::ike::readable::{holds_text, is_filling, text_len};
use crate::packet::{IpPacket, protocol};
use serde::{Deserialize, Serialize};

/// The exemption that is abused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AbusedExemption {
    /// From UDP port 88, and no message of Kerberos; or a TCP connection opened from port 88.
    KerberosPort,
    /// From UDP port 500, and no message of IKE.
    IkePort,
    /// An echo with more data than any ordinary one, or with text.
    LargeEcho,
    /// An error that quotes text of the packet that it is about.
    QuotedText,
    /// An echo reply that holds other data than its request.
    EchoTunnel,
    /// Text in bytes of a frame that no receiver reads: in options, or behind the packet.
    Unread,
}

impl AbusedExemption {
    /// What it is, of several packets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KerberosPort => "traffic from source port 88 that is not Kerberos",
            Self::IkePort => "traffic from source port 500 that is not IKE",
            Self::LargeEcho => "ICMP echo messages with more than 1,024 bytes of data or with text",
            Self::EchoTunnel => "ICMP echo replies with other data than their requests",
            Self::Unread => "frames with text in IP options or after the end of the packet",
            Self::QuotedText => "ICMP errors that quote text",
        }
    }
}

/// Whether a clear packet shows that port 88 is its sender's own and not that of Kerberos. What belongs to its
/// conversation is no Kerberos either.
#[must_use]
pub fn opens_from_kerberos_port(stream: Stream, ip: &IpPacket<'_>) -> bool {
    ip.ports.is_some_and(|ports| ports.source == KERBEROS_PORT)
        && abused_exemption(stream, ip) == Some(AbusedExemption::KerberosPort)
}

/// Whether a conversation proved that port 88 names no service of a packet, so that the port was taken
/// out of its stream.
fn is_unmasked(stream: Stream, ip: &IpPacket<'_>) -> bool {
    let Stream::Clear { ports: named, .. } = stream else { return false };
    let is_kerberos = |port| port == KERBEROS_PORT;
    ip.ports.is_some_and(|ports| is_kerberos(ports.source) || is_kerberos(ports.destination))
        && !named.names(KERBEROS_PORT)
}

/// The exemption that an unprotected packet abuses; only of whole packets and first fragments.
#[must_use]
pub fn abused_exemption(stream: Stream, ip: &IpPacket<'_>) -> Option<AbusedExemption> {
    if ip.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return None;
    }
    match stream {
        Stream::Exempt(ExemptKind::Icmp) => {
            exempt::error_repeats_text(ip).then_some(AbusedExemption::QuotedText)
        }
        Stream::Exempt(ExemptKind::Echo) => {
            is_unusual_echo(ip).then_some(AbusedExemption::LargeEcho)
        }
        Stream::Clear { .. } if is_unmasked(stream, ip) => Some(AbusedExemption::KerberosPort),
        Stream::Clear { .. } => abused_port(ip),
        Stream::Exempt(_)
        | Stream::Esp(..)
        | Stream::WespIntegrityOnly(..)
        | Stream::Ah(..)
        | Stream::Ike
        | Stream::NattKeepalive
        | Stream::Undecodable(_) => None,
    }
}

/// The exempt port that a clear packet abuses by what it holds.
fn abused_port(ip: &IpPacket<'_>) -> Option<AbusedExemption> {
    let from = ip.ports.map(|ports| ports.source);
    match ip.protocol {
        protocol::UDP => {
            // A packet that was cut does not show what it is.
            let whole = !ip.payload.is_empty() && ip.payload.len() == ip.payload_len;
            match from.filter(|_| whole)? {
                KERBEROS_PORT if ip.fragment.is_some() => {
                    (!begins_as_kerberos(ip.payload)).then_some(AbusedExemption::KerberosPort)
                }
                KERBEROS_PORT => {
                    (!is_kerberos(ip.payload)).then_some(AbusedExemption::KerberosPort)
                }
                IKE_PORT => (!is_of_ike(ip.payload)).then_some(AbusedExemption::IkePort),
                _ => None,
            }
        }
        // Servers answer from port 88; nobody who speaks Kerberos opens a connection from there.
        protocol::TCP => {
            let opens = ip.tcp().is_some_and(|tcp| tcp.syn && tcp.acknowledged.is_none());
            (opens && from == Some(KERBEROS_PORT)).then_some(AbusedExemption::KerberosPort)
        }
        _ => None,
    }
}

/// RFC 792 and RFC 4443 §4: eight bytes of header, then the data.
fn is_unusual_echo(ip: &IpPacket<'_>) -> bool {
    let data = ip.payload.get(8..).unwrap_or_default();
    // Senders put the time in front of what they fill with.
    let filling = data.get(TIME..).unwrap_or_default();
    let holds_text = || text_len(data) >= MUCH_TEXT && !is_filling(data) && !is_filling(filling);
    ip.payload_len > 8 + LARGE || ip.fragment.is_some() || holds_text()
}

/// Whether a frame holds text between its IP header and what its IP packet carries, or behind the packet: in options,
/// which receivers pass over (RFC 791 §3.1, RFC 4942 §2.1.9.5), or where Ethernet fills up to 60 bytes
/// (IEEE 802.3 §4.2.8). Headers of the link are the capture's own and may hold words: netfilter's log has a prefix.
#[must_use]
pub fn hides_text(frame: &[u8], ip: &IpPacket<'_>) -> bool {
    let at = ip.segment.as_ptr().addr().wrapping_sub(frame.as_ptr().addr());
    let Some(rest) = frame.get(at..) else { return false };
    // Filling is shorter than text.
    let behind = rest.get(ip.segment_len..).filter(|behind| behind.len() >= TEXT);
    let fixed = if ip.source().is_ipv4() { IPV4_HEADER } else { IPV6_HEADER };
    let options = ip.packet_len.saturating_sub(ip.segment_len + fixed);
    let options = frame.get(at.saturating_sub(options)..at).filter(|_| options >= TEXT);
    behind.is_some_and(holds_text) || options.is_some_and(holds_text)
}

/// The tag and the length of a message of which a fragment shows the beginning.
fn begins_as_kerberos(payload: &[u8]) -> bool {
    matches!(payload, [0x6a..=0x6f | 0x74..=0x76 | 0x7e, 0x82, high, low, 0x30, ..]
        if usize::from(u16::from_be_bytes([*high, *low])) + 4 > payload.len())
}

/// RFC 4120 §5.10: the application tag of a message, and in it a sequence, each with the length of what follows.
fn is_kerberos(payload: &[u8]) -> bool {
    let tag = matches!(payload.first(), Some(0x6a..=0x6f | 0x74..=0x76 | 0x7e));
    let message = payload.get(1..).and_then(of_its_length).filter(|_| tag);
    message.is_some_and(|inside| {
        inside.first() == Some(&0x30) && inside.get(1..).and_then(of_its_length).is_some()
    })
}

/// What is behind a length of DER, where it is exactly so long (X.690 §8.1.3).
fn of_its_length(bytes: &[u8]) -> Option<&[u8]> {
    let (first, rest) = bytes.split_first()?;
    let (length, content) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => rest.split_first().map(|(length, content)| (usize::from(*length), content))?,
        0x82 => {
            let (length, content) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), content)
        }
        _ => return None,
    };
    (content.len() == length).then_some(content)
}

/// Keepalives, and ESP behind the marker of the drafts before RFC 3947.
fn is_of_ike(payload: &[u8]) -> bool {
    payload == [0xff] || payload.starts_with(&[0; 8])
}

/// Kerberos (RFC 4120 §7.2).
pub const KERBEROS_PORT: u16 = 88;
/// Ordinary echoes hold 32 or 56 bytes of data.
const LARGE: usize = 1024;
/// The shortest text; Ethernet's filling has 26 bytes at the most behind an IP header.
const TEXT: usize = 32;
/// Without options (RFC 791 §3.1, RFC 8200 §3).
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// Some makers sign their pings.
const MUCH_TEXT: usize = 128;
/// Two numbers of eight octets.
const TIME: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Ports;
    use crate::protection::{NamedPorts, classify};

    const SYN: u8 = 2;
    const ACK: u8 = 16;

    fn packet(protocol: u8, ports: Option<(u16, u16)>, payload: &[u8]) -> IpPacket<'_> {
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse().unwrap());
        let ports = ports.map(|(source, destination)| Ports { source, destination });
        IpPacket { ports, ..IpPacket::carrying(one, two, protocol, payload) }
    }

    fn of(ip: &IpPacket<'_>) -> Option<AbusedExemption> {
        abused_exemption(classify(ip, &NamedPorts::default()), ip)
    }

    fn udp(source: u16, payload: &[u8]) -> Option<AbusedExemption> {
        of(&packet(protocol::UDP, Some((source, 1434)), payload))
    }

    #[test]
    fn another_protocol_from_the_ports_of_kerberos_and_ike_is_reported() {
        assert_eq!(udp(88, b"\x04 no ticket"), Some(AbusedExemption::KerberosPort));
        assert_eq!(udp(88, b"\x6e text behind a tag"), Some(AbusedExemption::KerberosPort));
        assert_eq!(udp(500, b"\x04 no negotiation"), Some(AbusedExemption::IkePort));
    }

    #[test]
    fn kerberos_keepalives_cut_packets_and_other_ports_are_not() {
        assert_eq!(udp(88, &[0x6b, 0x82, 0, 3, 0x30, 1, 5]), None);
        assert_eq!(udp(88, &[0x7e, 2, 0x30, 0]), None);
        assert_eq!(udp(500, &[0xff]), None);
        assert_eq!(udp(5000, b"\x04 nothing"), None);
        let cut = IpPacket { payload_len: 99, ..packet(protocol::UDP, Some((88, 1434)), b"\x04") };
        assert_eq!(of(&cut), None);
    }

    #[test]
    fn a_connection_from_port_88_is_reported_and_an_answer_is_not() {
        let tcp = |flags| {
            let mut header = [0; 20];
            header[13] = flags;
            of(&packet(protocol::TCP, Some((88, 445)), &header))
        };
        assert_eq!(tcp(SYN), Some(AbusedExemption::KerberosPort));
        assert_eq!(tcp(SYN | ACK), None);
    }

    #[test]
    fn a_large_echo_is_reported_an_ordinary_one_or_an_error_is_not() {
        let icmp = |kind: u8, data: usize| {
            let mut message = vec![0; 8 + data];
            message[0] = kind;
            of(&packet(protocol::ICMP, None, &message))
        };
        assert_eq!(icmp(8, 1400), Some(AbusedExemption::LargeEcho));
        assert_eq!(icmp(8, 56), None);
        assert_eq!(icmp(3, 1400), None);
    }
}
