//! Network Monitor's numbers of link layers, and of records that are no packets.

use super::super::Linktype;

/// What a record of the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// A frame of this link layer.
    Frame(Linktype),
    /// An 802.11 frame behind a header of the radio's state, which shows its own length.
    Radio,
    /// A note of the capturer: a filter, names, adapters, events.
    Note {
        /// Whether Wireshark numbers it as a frame.
        numbered: bool,
    },
}

impl Medium {
    /// Source: Network Monitor 3 help "Media Types"; Wireshark's notes on netmon.
    pub(super) const fn of(number: u16) -> Self {
        match number {
            // Captures of virtual private networks say 0 and hold Ethernet.
            0 | 1 => Self::Frame(Linktype::ETHERNET),
            2 => Self::Frame(Linktype::TOKEN_RING),
            3 => Self::Frame(Linktype::FDDI),
            6 => Self::Radio,
            // Tunnels, mobile networks, raw IP.
            7..=9 => Self::Frame(Linktype::RAW),
            0xe080 => Self::Frame(Linktype::IEEE802_11),
            // What Windows' filtering platform and network drivers hand out beside the wire: taken
            // behind IPsec, without an IP header. Read as packets they would look like leaks.
            0xe081..=0xe08a => Self::Frame(Linktype::UNREGISTERED),
            // Frames of a converted pcap file.
            0xe000..=0xefff => Self::Frame(Linktype(number & 0x0fff)),
            0xffe0 | 0xfffb | 0xffff => Self::Note { numbered: true },
            0xfffc..=0xfffe => Self::Note { numbered: false },
            _ => Self::Frame(Linktype::UNREGISTERED),
        }
    }

    /// Whether Wireshark counts it among the frames.
    pub(super) const fn has_number(self) -> bool {
        !matches!(self, Self::Note { numbered: false })
    }

    /// A frame's link layer and how many bytes of its data are before it.
    pub(super) fn link_layer(self, data: &[u8]) -> Option<(Linktype, usize)> {
        match self {
            Self::Frame(linktype) => Some((linktype, 0)),
            // A version, then the header's length in two bytes.
            Self::Radio => {
                let length = data.get(1..).and_then(|rest| rest.first_chunk());
                let length = length.map_or(0, |field| usize::from(u16::from_le_bytes(*field)));
                Some((Linktype::IEEE802_11, length.min(data.len())))
            }
            Self::Note { .. } => None,
        }
    }
}
