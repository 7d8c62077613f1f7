//! Which station put a frame on its link, as far as the frame says: an aid to compare two frames.

use super::IpPacket;
use crate::capture::{Linktype, RawFrame};
use crate::hosts::{Station, are_passed_on};
use serde::{Deserialize, Serialize};

/// Interface, way, VLAN and the sender's address. Two that differ are of two senders or two networks; two that are
/// equal may be.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Origin {
    /// Interface and way, packed.
    place: u8,
    /// The identifiers of the outer and the inner VLAN; 0 is none (IEEE 802.1Q).
    vlans: [u16; 2],
    /// Zero where the frame has none, or has that of a carrier's equipment.
    address: [u8; 6],
    /// The hop count of the packet; 0 where a tunnel carries it, or where there is none.
    hops: u8,
}

impl Origin {
    /// Where a frame comes from.
    #[must_use]
    #[inline]
    pub fn of(frame: &RawFrame<'_>) -> Self {
        // Nearly every frame: Ethernet without a tag.
        if frame.linktype == Linktype::ETHERNET
            && let Some([_, _, _, _, _, _, address @ .., 0x08, 0x00]) =
                frame.data.first_chunk::<14>()
        {
            let place = u8::try_from(frame.interface % 64).unwrap_or_default() << 2;
            return Self { place, vlans: [0; 2], address: *address, hops: 0 };
        }
        Self::of_any(frame)
    }

    fn of_any(frame: &RawFrame<'_>) -> Self {
        let (way, address) = match frame.linktype {
            Linktype::ETHERNET => (0, frame.data.get(6..12).filter(|_| !is_carried(frame))),
            // Cooked captures: the packet's type says whether the capturing host sent it (4), then the
            // sender's address in a field of eight bytes.
            Linktype::LINUX_SLL => (way(frame.data.get(1)), frame.data.get(6..12)),
            Linktype::LINUX_SLL2 => (way(frame.data.get(10)), frame.data.get(12..18)),
            _ => (0, None),
        };
        let address = address.and_then(|bytes| bytes.first_chunk::<6>()).copied();
        let interface = u8::try_from(interface(frame) % 64).unwrap_or_default();
        Self {
            place: (interface << 2) | way,
            vlans: vlans(frame),
            address: address.unwrap_or_default(),
            hops: 0,
        }
    }

    /// The origin of a frame with this packet. A hop count that no system begins with shows that a router passed it on
    /// (RFC 1812 §5.3.1), and then the sender's address is the router's.
    #[must_use]
    #[inline]
    pub fn of_packet(self, ip: &IpPacket<'_>) -> Self {
        Self { hops: if ip.nested > 0 { 0 } else { ip.hops }, ..self }
    }

    /// Whether two frames may be of one sender, on whatever VLAN.
    #[must_use]
    pub fn may_be_same_sender(self, other: Self) -> bool {
        let is_unknown = self.address == [0; 6] || other.address == [0; 6];
        self.place == other.place && (is_unknown || self.address == other.address)
    }

    /// Whether the link-layer address is no address of the packet's own host: a router or the end of a tunnel sent the
    /// frame.
    #[must_use]
    pub fn is_passed_on(self) -> bool {
        are_passed_on(self.hops)
    }

    /// Whether a packet came by more routers than one that its host itself put on the link: the host is on this link, so
    /// that no router passes its packets on there. A capture of both sides of a router shows a packet with two counts
    /// that differ by one.
    #[must_use]
    pub fn is_from_afar(self, own: Self) -> bool {
        self.hops != 0 && !own.is_passed_on() && self.hops.saturating_add(BOTH_SIDES) < own.hops
    }

    /// The station that sent the frame, where the frame names it.
    #[must_use]
    pub fn station(self) -> Option<Station> {
        let Self { address, vlans, .. } = self;
        (address != [0; 6]).then_some(Station { address, vlans })
    }
}

/// Whether an Ethernet frame holds another one, or may: then its addresses are those of the equipment that carries it.
fn is_carried(frame: &RawFrame<'_>) -> bool {
    let mut at = 12;
    let kind =
        |at: usize| frame.data.get(at..)?.first_chunk::<2>().copied().map(u16::from_be_bytes);
    while at < MOST_TAGS && matches!(kind(at), Some(0x8100 | 0x88a8 | 0x9100)) {
        at += 4;
    }
    kind(at).is_some_and(|kind| CARRIERS.contains(&kind))
}

/// The VLANs of an Ethernet frame, as its tags name them.
fn vlans(frame: &RawFrame<'_>) -> [u16; 2] {
    if frame.linktype != Linktype::ETHERNET {
        return [0; 2];
    }
    let tag = |at: usize| match frame.data.get(at..)?.first_chunk::<4>()? {
        [0x81, 0x00, high, low] | [0x88, 0xa8, high, low] => {
            Some(u16::from_be_bytes([*high, *low]) & 0x0fff)
        }
        _ => None,
    };
    let outer = tag(12);
    [outer.unwrap_or(0), outer.and_then(|_| tag(16)).unwrap_or(0)]
}

const fn way(packet_type: Option<&u8>) -> u8 {
    match packet_type {
        Some(4) => 2,
        Some(_) => 1,
        None => 0,
    }
}

/// The interface that saw a frame: the capture's own, or what the header of a cooked capture names.
#[must_use]
#[inline]
pub fn interface(frame: &RawFrame<'_>) -> u32 {
    if frame.linktype != Linktype::LINUX_SLL2 {
        return frame.interface;
    }
    let index = frame.data.get(4..8).and_then(|bytes| bytes.first_chunk::<4>());
    index.map_or(frame.interface, |index| u32::from_be_bytes(*index))
}

/// Routers between two places that one capture shows.
const BOTH_SIDES: u8 = 2;
/// Behind three tags.
const MOST_TAGS: usize = 24;
/// EtherTypes of what carries Ethernet frames (IEEE 802 numbers, IANA): MPLS, TRILL, provider backbone bridges, FabricPath,
/// NSH, BATMAN.
const CARRIERS: [u16; 7] = [0x8847, 0x8848, 0x22f3, 0x88e7, 0x8903, 0x894f, 0x4305];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carriers_addresses_are_no_stations() {
        let of = |station: u8, kind: [u8; 2]| {
            let bytes = [&[2; 6][..], &[2, 0, 0, 0, 0, station], &kind, &[0; 40]].concat();
            Origin::of(&RawFrame::on_ethernet(1, 1, 0, &bytes))
        };
        let (plain, other) = (of(1, [8, 0]), of(2, [8, 0]));
        for carrier in CARRIERS {
            let carried = of(9, carrier.to_be_bytes());
            assert_eq!(carried.station(), None, "{carrier:x}");
            assert!(carried.may_be_same_sender(plain) && carried.may_be_same_sender(other));
        }
        // An HSR tag stands behind the station's own addresses.
        assert!(!of(9, [0x89, 0x2f]).may_be_same_sender(plain));
    }

    #[test]
    fn stations_and_vlans_differ() {
        let of = |station: u8, tags: &[u8]| {
            let bytes = [&[2; 6][..], &[2, 0, 0, 0, 0, station], tags, &[8, 0]].concat();
            Origin::of(&RawFrame::on_ethernet(1, 1, 0, &bytes))
        };
        let (plain, tagged) = (of(1, &[]), of(1, &[0x81, 0, 0x60, 10]));
        let double = of(1, &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6]);
        assert_eq!((plain.vlans, tagged.vlans, double.vlans), ([0; 2], [10, 0], [5, 6]));
        assert!(plain != tagged && plain.may_be_same_sender(tagged));
        assert!(!plain.may_be_same_sender(of(2, &[])));
        assert_eq!(plain.station().map(|own| own.address), Some([2, 0, 0, 0, 0, 1]));
        assert_eq!(Origin::of(&RawFrame::on_ethernet(1, 1, 0, &[])).station(), None);
    }
}
