//! The events that hold packets: NDIS-PacketCapture (`netsh trace`) and PktMon (`pktmon`).
//!
//! Sources: manifests of both providers; microsoft/etl2pcapng; microsoft/NetMon_Parsers_for_PacketMon.

use super::record::Event;
use super::stack::{Adapter, text};
use crate::capture::Linktype;
use crate::capture::fields::{field, u16_at, u32_at};

/// Microsoft-Windows-NDIS-PacketCapture, 2ed6006e-4729-4609-b423-3ee7bcd678ef.
pub(super) const NDIS: [u8; 16] = [
    0x6e, 0x00, 0xd6, 0x2e, 0x29, 0x47, 0x09, 0x46, 0xb4, 0x23, 0x3e, 0xe7, 0xbc, 0xd6, 0x78, 0xef,
];
/// Microsoft-Windows-PktMon, 4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac.
pub(super) const PKTMON: [u8; 16] = [
    0xd9, 0x80, 0x4f, 0x4d, 0xbd, 0xc8, 0x73, 0x4d, 0xbb, 0x5b, 0x19, 0xc9, 0x04, 0x02, 0xc5, 0xac,
];
/// Microsoft-Windows-Ras-NdisWanPacketCapture, d84521f7-2235-4237-a7c0-14e3a9676286: packets inside tunnels.
pub(super) const RAS: [u8; 16] = [
    0xf7, 0x21, 0x45, 0xd8, 0x35, 0x22, 0x37, 0x42, 0xa7, 0xc0, 0x14, 0xe3, 0xa9, 0x67, 0x62, 0x86,
];
/// Microsoft-Pef-WFP-MessageProvider, c22d1b14-c242-49de-9f17-1d76b8b9c458: packets above IPsec.
pub(super) const PEF: [u8; 16] = [
    0x14, 0x1b, 0x2d, 0xc2, 0x42, 0xc2, 0xde, 0x49, 0x9f, 0x17, 0x1d, 0x76, 0xb8, 0xb9, 0xc4, 0x58,
];

/// A packet, or a part of one, of NDIS-PacketCapture.
pub(super) struct Fragment<'b> {
    /// The adapter's interface number, and that of the layer below which it was seen.
    pub(super) adapter: (u32, u32),
    /// It passed a virtual switch.
    pub(super) at_switch: bool,
    pub(super) is_first: bool,
    pub(super) is_last: bool,
    /// The trace keeps only the beginning of packets.
    pub(super) is_cut: bool,
    pub(super) linktype: Linktype,
    /// Where the octets begin in the event's data.
    pub(super) at: usize,
    pub(super) octets: &'b [u8],
}

impl<'b> Fragment<'b> {
    /// Of events 1001 and 1003; `None` where the event holds less than it says.
    pub(super) fn of(event: &Event<'b>) -> Option<Self> {
        let data = event.data;
        let adapter = (u32_at(data, 0)?, u32_at(data, 4)?);
        let at_switch = event.id == SWITCHED;
        let length_at = if at_switch {
            let (_, behind) = text(data.get(12..)?);
            let (_, behind) = text(behind);
            let (_, behind) = text(behind);
            let destinations = (u32_at(behind, 0)? as usize).checked_mul(8)?;
            (data.len() - behind.len()).checked_add(4)?.checked_add(destinations)?
        } else {
            8
        };
        let length = u32_at(data, length_at)? as usize;
        let at = length_at + 4;
        let octets = data.get(at..at.checked_add(length)?)?;
        let has = |keyword: u64| event.keyword & keyword != 0;
        let linktype = if has(NATIVE_802_11) {
            Linktype::IEEE802_11
        } else if has(WIRELESS_WAN) {
            Linktype::RAW
        } else {
            Linktype::ETHERNET
        };
        let (is_first, is_last, is_cut) = (has(PACKET_START), has(PACKET_END), has(TRUNCATED));
        Some(Self { adapter, at_switch, is_first, is_last, is_cut, linktype, at, octets })
    }

    /// Where the packet was seen.
    pub(super) const fn seen_at(&self) -> Adapter {
        if self.at_switch { Adapter::Switch(self.adapter.0) } else { Adapter::Ndis(self.adapter.0) }
    }

    /// Whether the adapter's driver says that it is a tunnel.
    pub(super) const fn is_of_tunnel(event: &Event<'_>) -> bool {
        event.keyword & TUNNEL != 0
    }
}

/// Whether an event of NDIS-PacketCapture holds octets of a packet.
pub(super) const fn is_fragment(id: u16) -> bool {
    matches!(id, CAPTURED | SWITCHED)
}

/// The length on the wire that a packet's IP header tells, for one that was cut; with Ethernet's header.
pub(super) fn length_by_ip(octets: &[u8], linktype: Linktype) -> Option<u32> {
    let header = if linktype == Linktype::ETHERNET { 14 } else { 0 };
    let version = octets.get(header)? >> 4;
    let tells = match (linktype, u16_be(octets, 12)) {
        (Linktype::ETHERNET, Some(0x0800)) | (Linktype::RAW, _) if version == 4 => {
            u16_be(octets, header + 2)?
        }
        (Linktype::ETHERNET, Some(0x86dd)) | (Linktype::RAW, _) if version == 6 => {
            u16_be(octets, header + 4)?.checked_add(40)?
        }
        _ => return None,
    };
    u32::try_from(header).ok()?.checked_add(u32::from(tells))
}

fn u16_be(octets: &[u8], at: usize) -> Option<u16> {
    field(octets, at).map(|field| u16::from_be_bytes(*field))
}

/// A packet as PktMon saw it pass one component.
pub(super) struct Appearance<'b> {
    /// What all appearances of a packet share.
    pub(super) packet: (u64, u16),
    /// Which of the appearances it is; 0 where the system does not say.
    pub(super) appearance: u16,
    /// It was on its way out.
    pub(super) is_sent: bool,
    pub(super) component: u16,
    /// Why the host dropped it; 0 where it did not.
    pub(super) drop_reason: u32,
    pub(super) linktype: Linktype,
    pub(super) original_len: u32,
    /// Where the octets begin in the event's data.
    pub(super) at: usize,
    pub(super) octets: &'b [u8],
}

impl<'b> Appearance<'b> {
    /// Of events 160 and 170; `None` where the event holds less than it says.
    pub(super) fn of(event: &Event<'b>) -> Option<Self> {
        let data = event.data;
        let packet = (u64::from_le_bytes(*field(data, 0)?), u16_at(data, 8)?);
        let (direction, kind) = (u16_at(data, 12)?, u16_at(data, 14)?);
        let (original, logged) = (u16_at(data, 30)?, u16_at(data, 32)?);
        let octets = data.get(PKTMON_HEADER_LEN..)?.get(..usize::from(logged))?;
        let linktype = match kind {
            1 => Linktype::ETHERNET,
            2 => Linktype::IEEE802_11,
            3 => Linktype::RAW,
            _ => Linktype::UNREGISTERED,
        };
        Some(Self {
            packet,
            appearance: u16_at(data, 10)?,
            // Out, transmit, egress.
            is_sent: matches!(direction, 2 | 4 | 6),
            component: u16_at(data, 16)?,
            drop_reason: if event.id == DROPPED { u32_at(data, 22)?.max(1) } else { 0 },
            linktype,
            original_len: u32::from(original.max(logged)),
            at: PKTMON_HEADER_LEN,
            octets,
        })
    }
}

/// Whether an event of PktMon shows a packet.
pub(super) const fn is_appearance(id: u16) -> bool {
    matches!(id, SEEN | DROPPED)
}

/// Windows hands frames of wireless networks out decrypted and leaves the bit that says they are encrypted.
pub(super) fn without_protected_bit(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    if let Some(flags) = octets.get_mut(1) {
        *flags &= !0x40;
    }
    octets
}

/// The name of a reason for which PktMon reports a drop, where IPsec is the reason.
pub(super) const fn ipsec_drop(reason: u32) -> Option<&'static str> {
    Some(match reason {
        15 => "IPsec",
        924 => "IPsec failure",
        1401 => "unknown SPI",
        1402 => "SA lifetime expired",
        1403 => "wrong SA",
        1404 => "replay check failed",
        1405 => "invalid packet",
        1406 => "integrity check failed",
        1407 => "clear text where IPsec is required",
        1408 => "authenticated firewall",
        1409 => "throttled",
        1410..=1418 => "denial-of-service protection",
        _ => return None,
    })
}

const CAPTURED: u16 = 1001;
const SWITCHED: u16 = 1003;
const SEEN: u16 = 160;
const DROPPED: u16 = 170;
const PKTMON_HEADER_LEN: usize = 34;
const WIRELESS_WAN: u64 = 0x200;
const TUNNEL: u64 = 0x8000;
const NATIVE_802_11: u64 = 0x1_0000;
const TRUNCATED: u64 = 0x200_0000;
const PACKET_START: u64 = 0x4000_0000;
const PACKET_END: u64 = 0x8000_0000;
