//! Packets that other providers show above the network card: inside the tunnels of remote access, and above IPsec.
//!
//! None of them was on a wire as it is shown. Those of the filtering platform come without their IP header, so one is
//! made for them, of the addresses and the protocol that the event shows.
//!
//! Sources: manifests of both providers (jdu2600/Windows10EtwEvents; airbus-cert/etl-parser).

use super::packets::u16_be;
use super::record::Event;
use super::text::text;
use crate::capture::Linktype;
use crate::capture::fields::{field, u16_at, u32_at};

/// Whether an event of Ras-NdisWanPacketCapture holds a packet: sent, received.
pub(super) const fn is_remote_access(id: u16) -> bool {
    matches!(id, 5001 | 5002)
}

/// Where in the event's data a packet of remote access begins, its bytes, and what they begin with.
pub(super) fn of_remote_access<'b>(event: &Event<'b>) -> Option<(usize, &'b [u8], Linktype)> {
    let (_, behind) = text(event.data);
    let (_, behind) = text(behind);
    let length = u32_at(behind, 0)? as usize;
    let bytes = behind.get(4..)?.get(..length)?;
    let at = event.data.len() - behind.len() + 4;
    let is_framed = matches!(u16_be(bytes, 12), Some(0x0800 | 0x86dd | 0x0806));
    let is_ip = matches!(bytes.first().map(|first| first >> 4), Some(4 | 6));
    let linktype = if is_ip && !is_framed { Linktype::RAW } else { Linktype::ETHERNET };
    Some((at, bytes, linktype))
}

/// Whether an event of Pef-WFP-MessageProvider holds a packet, or a part of one.
pub(super) const fn is_transport(id: u16) -> bool {
    matches!(id, 60011 | 60012 | 60021 | 60022 | 2000)
}

/// In which order the bytes of IPv4 addresses lie; no document says it, and checksums prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressOrder {
    /// As on the wire.
    Network,
    /// The other way round, as the filtering platform hands addresses to drivers.
    Host,
}

/// What the transport layer showed of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transport<'b> {
    /// Source and destination, as they lie in the event.
    addresses: Addresses<'b>,
    protocol: u8,
    /// From the transport header on.
    bytes: &'b [u8],
}

#[derive(Clone, Copy, Debug)]
enum Addresses<'b> {
    V4(&'b [u8; 4], &'b [u8; 4]),
    V6(&'b [u8; 16], &'b [u8; 16]),
}

impl<'b> Transport<'b> {
    /// Of events 60011, 60012, 60021 and 60022; `None` for a part of a packet, and where the event shows no addresses or
    /// holds less than it says.
    pub(super) fn of(event: &Event<'b>) -> Option<Self> {
        let data = event.data;
        let (addresses, at) = match event.id {
            60011 | 60012 => (Addresses::V4(field(data, 0)?, field(data, 4)?), 8),
            60021 | 60022 => (Addresses::V6(field(data, 0)?, field(data, 16)?), 32),
            _ => return None,
        };
        let flow = if matches!(event.id, 60012 | 60022) { 8 } else { 0 };
        let protocol = *data.get(at)?;
        let length = usize::from(u16_at(data, at + 1 + flow)?);
        let bytes = data.get(at + 3 + flow..)?;
        // An event without addresses would be read askew.
        (bytes.len() == length).then_some(Self { addresses, protocol, bytes })
    }

    /// The order that its checksum proves; `None` where it proves none, or there is none to prove.
    pub(super) fn proven_order(&self) -> Option<AddressOrder> {
        let Addresses::V4(source, destination) = self.addresses else { return None };
        let checksum_at = match self.protocol {
            6 => 16,
            17 => 6,
            _ => return None,
        };
        if u16_be(self.bytes, checksum_at)? == 0 {
            return None;
        }
        let length = u16::try_from(self.bytes.len()).ok()?;
        let fits = |order| {
            let words = [&in_order(source, order)[..], &in_order(destination, order), self.bytes];
            let sum: u64 = words.into_iter().map(sum_of).sum();
            let sum = sum + u64::from(self.protocol) + u64::from(length);
            folded(sum) == 0xffff
        };
        match (fits(AddressOrder::Network), fits(AddressOrder::Host)) {
            (true, false) => Some(AddressOrder::Network),
            (false, true) => Some(AddressOrder::Host),
            (true, true) | (false, false) => None,
        }
    }

    /// The packet behind an IP header that is made for it; `None` where its addresses are in no known order.
    pub(super) fn packet(&self, order: Option<AddressOrder>) -> Option<Vec<u8>> {
        let length = u16::try_from(self.bytes.len()).ok()?;
        let header = match self.addresses {
            Addresses::V4(source, destination) => {
                let mut header = vec![0x45, 0];
                header.extend(length.checked_add(20)?.to_be_bytes());
                header.extend([0, 0, 0, 0, 64, self.protocol, 0, 0]);
                header.extend(in_order(source, order?));
                header.extend(in_order(destination, order?));
                let checksum = !folded(sum_of(&header));
                header.splice(10..12, checksum.to_be_bytes());
                header
            }
            Addresses::V6(source, destination) => {
                let mut header = vec![0x60, 0, 0, 0];
                header.extend(length.to_be_bytes());
                header.extend([self.protocol, 64]);
                header.extend(source);
                header.extend(destination);
                header
            }
        };
        Some([&header, self.bytes].concat())
    }
}

const fn in_order(address: &[u8; 4], order: AddressOrder) -> [u8; 4] {
    let [a, b, c, d] = *address;
    match order {
        AddressOrder::Network => [a, b, c, d],
        AddressOrder::Host => [d, c, b, a],
    }
}

/// The sum of an Internet checksum (RFC 1071), still to be folded.
fn sum_of(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let words = words.iter().map(|word| u64::from(u16::from_be_bytes(*word)));
    words.sum::<u64>() + rest.first().map_or(0, |last| u64::from(*last) << 8)
}

fn folded(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}
