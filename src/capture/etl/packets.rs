//! The events that hold packets: NDIS-PacketCapture (`netsh trace`) and PktMon (`pktmon`).
//!
//! Sources: manifests of both providers; microsoft/etl2pcapng; microsoft/NetMon_Parsers_for_PacketMon.

use super::component::TAP;
use super::record::Event;
use super::stack::Adapter;
use super::text::text;
use crate::capture::Linktype;
use crate::capture::fields::{field, u16_at, u32_at};

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
    /// Where the bytes begin in the event's data.
    pub(super) at: usize,
    pub(super) bytes: &'b [u8],
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
        let bytes = data.get(at..at.checked_add(length)?)?;
        let has = |keyword: u64| event.keyword & keyword != 0;
        let linktype = if has(NATIVE_802_11) {
            Linktype::IEEE802_11
        } else if has(WIRELESS_WAN) {
            Linktype::RAW
        } else {
            Linktype::ETHERNET
        };
        let (is_first, is_last, is_cut) = (has(PACKET_START), has(PACKET_END), has(TRUNCATED));
        Some(Self { adapter, at_switch, is_first, is_last, is_cut, linktype, at, bytes })
    }

    /// Where the packet was seen.
    pub(super) const fn seen_at(&self) -> Adapter {
        let (interface, lower) = self.adapter;
        if self.at_switch { Adapter::Switch(interface) } else { Adapter::Ndis(interface, lower) }
    }

    /// Whether the adapter's driver says that it is a tunnel, or its own address is one that only a tunnel's has.
    pub(super) fn is_of_tunnel(&self, event: &Event<'_>) -> bool {
        let is_sent = event.keyword & SENT != 0;
        let is_tap = || is_from_tap(self.bytes, self.linktype, is_sent);
        event.keyword & TUNNEL != 0 || (self.is_first && !self.at_switch && is_tap())
    }
}

/// Whether the adapter that sent or received a frame has an address that TAP-Windows makes up.
fn is_from_tap(bytes: &[u8], linktype: Linktype, is_sent: bool) -> bool {
    let own = bytes.get(if is_sent { 6 } else { 0 }..).unwrap_or_default();
    linktype == Linktype::ETHERNET && own.starts_with(&TAP)
}

/// Whether a frame between stations carries ESP, AH, or ESP in UDP: nothing above IPsec does.
pub(super) fn carries_ipsec(bytes: &[u8], linktype: Linktype) -> bool {
    let is_made_up = |at: usize| bytes.get(at..).is_none_or(|address| address.starts_with(&TAP));
    if linktype != Linktype::ETHERNET || is_made_up(0) || is_made_up(6) {
        return false;
    }
    let of_ip = |header: usize| {
        let version = bytes.get(header)? >> 4;
        let (protocol, payload) = match version {
            4 if u16_be(bytes, header + 6)? & 0x1fff == 0 => {
                let words = bytes.get(header)? & 15;
                (*bytes.get(header + 9)?, header + usize::from(words) * 4)
            }
            6 => (*bytes.get(header + 6)?, header + 40),
            _ => return None,
        };
        let is_natt = || {
            let ports = [u16_be(bytes, payload)?, u16_be(bytes, payload + 2)?];
            // An SPI; IKE has zeros there, and what keeps a translation open is one byte.
            Some(ports.contains(&4500) && u32_at(bytes, payload + 8)? != 0)
        };
        match protocol {
            50 | 51 => Some(true),
            17 => is_natt(),
            _ => None,
        }
    };
    let header = match u16_be(bytes, 12) {
        Some(0x0800 | 0x86dd) => 14,
        Some(0x8100) => 18,
        _ => return false,
    };
    of_ip(header).unwrap_or(false)
}

/// Whether an event of NDIS-PacketCapture holds bytes of a packet.
pub(super) const fn is_fragment(id: u16) -> bool {
    matches!(id, CAPTURED | SWITCHED)
}

/// The length on the wire that a packet's IP header shows, for one that was cut; with Ethernet's header.
pub(super) fn length_by_ip(bytes: &[u8], linktype: Linktype) -> Option<u32> {
    let header = if linktype == Linktype::ETHERNET { 14 } else { 0 };
    let version = bytes.get(header)? >> 4;
    let extra = match (linktype, u16_be(bytes, 12)) {
        (Linktype::ETHERNET, Some(0x0800)) | (Linktype::RAW, _) if version == 4 => {
            u16_be(bytes, header + 2)?
        }
        (Linktype::ETHERNET, Some(0x86dd)) | (Linktype::RAW, _) if version == 6 => {
            u16_be(bytes, header + 4)?.checked_add(40)?
        }
        _ => return None,
    };
    u32::try_from(header).ok()?.checked_add(u32::from(extra))
}

pub(super) fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    field(bytes, at).map(|field| u16::from_be_bytes(*field))
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
    /// Why the host dropped it, and where in the driver's code; 0 where it did not.
    pub(super) drop_reason: u32,
    pub(super) drop_location: u32,
    pub(super) linktype: Linktype,
    pub(super) original_len: u32,
    /// Where the bytes begin in the event's data.
    pub(super) at: usize,
    pub(super) bytes: &'b [u8],
}

impl<'b> Appearance<'b> {
    /// Of events 160, 170 and 240; `None` where the event holds less than it says.
    pub(super) fn of(event: &Event<'b>) -> Option<Self> {
        let data = event.data;
        let packet = (u64::from_le_bytes(*field(data, 0)?), u16_at(data, 8)?);
        let (direction, kind) = (u16_at(data, 12)?, u16_at(data, 14)?);
        let (original, logged) = (u16_at(data, 30)?, u16_at(data, 32)?);
        let bytes = data.get(PKTMON_HEADER_LEN..)?.get(..usize::from(logged))?;
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
            drop_reason: match event.id {
                DROPPED => u32_at(data, 22)?.max(1),
                SEEN_OR_DROPPED => u32_at(data, 22)?,
                _ => 0,
            },
            drop_location: u32_at(data, 26)?,
            linktype,
            original_len: u32::from(original.max(logged)),
            at: PKTMON_HEADER_LEN,
            bytes,
        })
    }
}

/// Whether an event of PktMon shows a packet.
pub(super) const fn is_appearance(id: u16) -> bool {
    matches!(id, SEEN | DROPPED | SEEN_OR_DROPPED)
}

/// Windows hands frames of wireless networks out decrypted and leaves the bit that says they are encrypted.
pub(super) fn without_protected_bit(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(flags) = bytes.get_mut(1) {
        *flags &= !0x40;
    }
    bytes
}

const CAPTURED: u16 = 1001;
const SWITCHED: u16 = 1003;
const SEEN: u16 = 160;
const DROPPED: u16 = 170;
const SEEN_OR_DROPPED: u16 = 240;
const PKTMON_HEADER_LEN: usize = 34;
const WIRELESS_WAN: u64 = 0x200;
const TUNNEL: u64 = 0x8000;
const SENT: u64 = 0x1_0000_0000;
const NATIVE_802_11: u64 = 0x1_0000;
const TRUNCATED: u64 = 0x200_0000;
const PACKET_START: u64 = 0x4000_0000;
const PACKET_END: u64 = 0x8000_0000;
