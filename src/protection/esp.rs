//! ESP, AH and WESP by protocol, and what UDP 4500 carries.

use super::sa_evidence::is_all_text;
use super::{EspSpi, IKE_PORT, NATT_PORT, Stream};
use crate::ike::{Probe, probe};
use crate::packet::{IpPacket, Ports, StopReason, protocol};

/// The stream of a packet whose IP protocol is ESP, WESP or AH; `None` where it is text.
pub(super) fn by_protocol(ip: &IpPacket<'_>) -> Option<Stream> {
    // Behind a later fragment's IP header are bytes of the middle, not an SPI.
    let is_later = ip.fragment.is_some_and(|f| f.offset > 0);
    let spi_at = |at| if is_later { EspSpi(0) } else { spi(ip.payload, at) };
    let stream = match ip.protocol {
        protocol::AH => match behind_ah(ip).filter(|_| !is_later) {
            // Its confidentiality is that of the ESP packet inside.
            Some(at) => Stream::Esp(spi_at(at), ip.direction),
            // RFC 4302 §2: next header, length, two reserved bytes, then the SPI.
            None => Stream::Ah(spi_at(4), ip.direction),
        },
        protocol::WESP if !is_later && !wesp_encrypts(ip.payload) => {
            Stream::WespIntegrityOnly(spi_at(behind_wesp(ip.payload)), ip.direction)
        }
        protocol::WESP => Stream::Esp(spi_at(behind_wesp(ip.payload)), ip.direction),
        _ if !is_later && is_all_text(ip.payload) => return None,
        _ => Stream::Esp(spi_at(0), ip.direction),
    };
    Some(stream)
}

/// The SPI of a whole packet of ESP that is not in UDP, by what is behind its IP header; `None` where that is text, or
/// has no SPI.
#[must_use]
#[inline]
pub fn spi_of_plain(payload: &[u8]) -> Option<EspSpi> {
    let spi = spi(payload, 0);
    (spi != EspSpi(0) && !is_all_text(payload)).then_some(spi)
}

/// The ESP packet that an IP packet carries, from its SPI on, and its length on the wire: behind AH and
/// behind the header of WESP, or the whole of what is there.
#[must_use]
#[inline]
pub fn esp_bytes<'a>(ip: &IpPacket<'a>) -> (&'a [u8], usize) {
    let skipped = match ip.protocol {
        protocol::AH => behind_ah(ip).unwrap_or_default(),
        protocol::WESP => behind_wesp(ip.payload),
        // No SPI is zero, nor is the cookie of IKE behind the marker of RFC 3948.
        protocol::UDP if ip.payload.starts_with(&OLD_MARKER) => OLD_MARKER.len(),
        _ => return (ip.payload, ip.payload_len),
    };
    (ip.payload.get(skipped..).unwrap_or_default(), ip.payload_len.saturating_sub(skipped))
}

/// Where ESP begins inside AH: directly, in a tunnel, behind another AH or in UDP 4500 (RFC 4302 §2.2 and §3.1);
/// `None` where AH carries anything else.
fn behind_ah(ip: &IpPacket<'_>) -> Option<usize> {
    let byte = |at: usize| ip.payload.get(at).copied();
    let (mut kind, mut at) = (protocol::AH, 0);
    for _ in 0..MOST_AROUND_ESP {
        match kind {
            protocol::ESP => return (at + ESP_HEADER_LEN <= ip.payload_len).then_some(at),
            protocol::AH => {
                kind = byte(at)?;
                at += (usize::from(byte(at + 1)?) + 2) * 4;
            }
            protocol::IPV4 => {
                // A later fragment does not begin with what its header names.
                let is_whole = byte(at + 6)? & 0x3f == 0 && byte(at + 7)? == 0;
                let words =
                    usize::from(byte(at).filter(|first| first >> 4 == 4 && is_whole)? & 0x0f);
                kind = byte(at + 9)?;
                at += words * 4;
            }
            protocol::IPV6 => {
                byte(at).filter(|first| first >> 4 == 6)?;
                kind = byte(at + 6)?;
                at += 40;
            }
            protocol::UDP => {
                let ports = Ports::of(ip.payload.get(at..)?)?;
                let is_natt = ports.source == NATT_PORT || ports.destination == NATT_PORT;
                at += 8;
                let is_esp = ip.payload.get(at..at + 4)? != [0; 4];
                kind = if is_natt && is_esp { protocol::ESP } else { return None };
            }
            _ => return None,
        }
    }
    None
}

/// RFC 5840 §2: four bytes, and four of padding where the flag P says so.
fn behind_wesp(payload: &[u8]) -> usize {
    if payload.get(3).is_some_and(|flags| flags & 0x10 != 0) { 8 } else { 4 }
}

/// What a datagram to or from UDP 4500 carries (RFC 3948 §2); `None` where it is none of these.
pub(super) fn inside_udp(ip: &IpPacket<'_>) -> Option<Stream> {
    let ports = ip.ports?;
    if ports.source != NATT_PORT && ports.destination != NATT_PORT {
        return behind_old_marker(ip, ports);
    }
    if ip.payload_len == 1 {
        // RFC 3948 §2.3: one byte 0xFF. A cut frame may not show it.
        return match ip.payload {
            [0xff] => Some(Stream::NattKeepalive),
            [] => Some(Stream::Undecodable(StopReason::TruncatedUdp)),
            _ => None,
        };
    }
    let Some(head) = ip.payload.first_chunk::<4>() else {
        return (ip.payload_len >= 4).then_some(Stream::Undecodable(StopReason::TruncatedUdp));
    };
    // RFC 3948 §2.2: four zero bytes where the SPI would be mean IKE.
    if *head == [0; 4] {
        let datagram_len = ip.fragment.is_none().then_some(ip.payload_len.saturating_sub(4));
        let message = ip.payload.get(4..).unwrap_or_default();
        return match probe(message, datagram_len) {
            Probe::Certain | Probe::Unsure => Some(Stream::Ike),
            Probe::NotIke => {
                is_cut_short(ip, 4).then_some(Stream::Undecodable(StopReason::TruncatedUdp))
            }
        };
    }
    // RFC 4303 §2: SPI and sequence number at the least.
    let may_be_esp = ip.payload_len >= ESP_HEADER_LEN && !is_all_text(ip.payload);
    may_be_esp.then(|| Stream::Esp(spi(ip.payload, 0), ip.direction))
}

/// ESP on the port of IKE, behind eight zeros in the place of a cookie: the encapsulation before RFC 3948
/// (draft-ietf-ipsec-udp-encaps-01 §2).
fn behind_old_marker(ip: &IpPacket<'_>, ports: Ports) -> Option<Stream> {
    let is_ike = ports.source == IKE_PORT || ports.destination == IKE_PORT;
    let esp = ip.payload.strip_prefix(&OLD_MARKER).filter(|_| is_ike)?;
    let spi = spi(esp, 0);
    let may_be_esp = !spi.is_reserved()
        && ip.payload_len >= OLD_MARKER.len() + ESP_HEADER_LEN
        && !is_all_text(esp);
    may_be_esp.then_some(Stream::Esp(spi, ip.direction))
}

/// The stream of a datagram on a port that is known to carry ESP and IKE, though it is not 4500; `None`
/// where it is neither.
#[must_use]
pub fn inside_udp_on_other_port(ip: &IpPacket<'_>) -> Option<Stream> {
    if ip.payload_len == 1 && ip.payload == [0xff] {
        return Some(Stream::NattKeepalive);
    }
    let head = ip.payload.first_chunk::<4>()?;
    let may_be_esp = *head != [0; 4]
        && ip.payload_len >= ESP_HEADER_LEN
        && ip.payload_len.is_multiple_of(4)
        && !is_all_text(ip.payload);
    may_be_esp.then(|| Stream::Esp(spi(ip.payload, 0), ip.direction))
}

/// An IKE message behind the non-ESP marker, on whatever port (RFC 3948 §2.2).
#[must_use]
pub fn behind_marker<'a>(ip: &IpPacket<'a>) -> Option<&'a [u8]> {
    let message = ip.payload.strip_prefix(&[0; 4])?;
    let datagram_len = ip.fragment.is_none().then_some(ip.payload_len.saturating_sub(4));
    (probe(message, datagram_len) == Probe::Certain).then_some(message)
}

/// Whether the capture cut a datagram before what shows an IKE header, `skipped` bytes in.
pub(super) fn is_cut_short(ip: &IpPacket<'_>, skipped: usize) -> bool {
    let needed = skipped + TELLING;
    ip.fragment.is_none() && ip.payload.len() < needed && ip.payload_len >= skipped + IKE_HEADER_LEN
}

#[inline]
fn spi(payload: &[u8], at: usize) -> EspSpi {
    let field = payload.get(at..).and_then(|rest| rest.first_chunk::<4>());
    EspSpi(field.map_or(0, |bytes| u32::from_be_bytes(*bytes)))
}

/// RFC 5840 §2: the flag E in the fourth byte says that the payload is encrypted.
fn wesp_encrypts(payload: &[u8]) -> bool {
    payload.get(3).is_none_or(|flags| flags & 0x20 != 0)
}

const ESP_HEADER_LEN: usize = 8;
/// In the place of the initiator's cookie, which is never zero.
const OLD_MARKER: [u8; 8] = [0; 8];
const MOST_AROUND_ESP: usize = 6;
const IKE_HEADER_LEN: usize = 28;
/// The version is the byte that shows most.
const TELLING: usize = 18;
