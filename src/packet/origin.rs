//! Which station put a frame on its link, as far as the frame says: an aid to compare two frames.

use crate::capture::{Linktype, RawFrame};
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
    /// Zero where the frame has none.
    address: [u8; 6],
}

impl Origin {
    /// Where a frame comes from.
    #[must_use]
    pub fn of(frame: &RawFrame<'_>) -> Self {
        let (way, address) = match frame.linktype {
            Linktype::ETHERNET => (0, frame.data.get(6..12)),
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
        }
    }

    /// Whether two frames may be of one sender, on whatever VLAN.
    #[must_use]
    pub fn may_be_same_sender(self, other: Self) -> bool {
        (self.place, self.address) == (other.place, other.address)
    }

    /// The sender's link-layer address, where the frame has one.
    #[must_use]
    pub fn address(self) -> Option<[u8; 6]> {
        Some(self.address).filter(|address| *address != [0; 6])
    }

    /// The identifiers of its VLANs, the outer one first; 0 is none.
    #[must_use]
    pub const fn vlans(self) -> [u16; 2] {
        self.vlans
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stations_and_vlans_differ() {
        let of = |station: u8, tags: &[u8]| {
            let bytes = [&[2; 6][..], &[2, 0, 0, 0, 0, station], tags, &[8, 0]].concat();
            Origin::of(&RawFrame::on_ethernet(1, 1, 0, &bytes))
        };
        let (plain, tagged) = (of(1, &[]), of(1, &[0x81, 0, 0x60, 10]));
        let double = of(1, &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6]);
        assert_eq!((plain.vlans(), tagged.vlans(), double.vlans()), ([0; 2], [10, 0], [5, 6]));
        assert!(plain != tagged && plain.may_be_same_sender(tagged));
        assert!(!plain.may_be_same_sender(of(2, &[])));
        assert_eq!(plain.address(), Some([2, 0, 0, 0, 0, 1]));
        assert_eq!(Origin::of(&RawFrame::on_ethernet(1, 1, 0, &[])).address(), None);
    }
}
