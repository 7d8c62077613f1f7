//! How an ESP packet can hold a clear one: which clear packets are compared, in which order, under which layouts.

use super::One;
use crate::hosts::HostPair;
use crate::summary::esp_mark::EspMark;

/// Which clear packets an ESP packet may hold.
#[derive(Clone, Copy)]
pub(super) enum Sides {
    /// Those of another capture.
    Apart,
    /// Those of the same capture, which shows the ESP of these two gateways, before the ESP packet.
    Together(HostPair),
    /// The same of a mirror, before the ESP packet or behind it: a mirror shows both sides of a gateway in both directions.
    Mirrored(HostPair),
    /// Those of the same capture behind the ESP packet, where it is in several files: one of them alone may show too
    /// few to tell.
    InPieces(HostPair),
}

impl Sides {
    pub(super) const fn orders(self) -> &'static [Order] {
        match self {
            Self::Apart | Self::Mirrored(_) => &[Order::ClearFirst, Order::EspFirst],
            Self::Together(_) => &[Order::ClearFirst],
            Self::InPieces(_) => &[Order::EspFirst],
        }
    }

    pub(super) fn may_hold(self, esp: EspMark, one: &One) -> bool {
        if one.repeats {
            return false;
        }
        match self {
            Self::Apart => !one.is_decrypted_copy,
            Self::Together(gateways) | Self::Mirrored(gateways) => {
                !one.is_decrypted_copy
                    && one.place.1 != gateways
                    && !one.origin.may_be_same_sender(esp.origin)
            }
            Self::InPieces(_) => true,
        }
    }

    /// How an ESP packet can hold a clear one: the whole packet in tunnel mode; in transport mode, between the hosts of
    /// the ESP packet themselves, what is behind an IP header without options.
    pub(super) fn layouts(self, esp: EspMark, one: &One) -> impl Iterator<Item = (Mode, u32, u32)> {
        let header = if one.place.1.a().is_ipv4() { 20 } else { 40 };
        let segment = match self {
            Self::InPieces(hosts) if hosts == one.place.1 => one.length.checked_sub(header),
            Self::InPieces(_) | Self::Apart | Self::Together(_) | Self::Mirrored(_) => None,
        };
        let transport = segment.into_iter().flat_map(move |length| layouts(esp.length, length));
        let transport = transport.map(|(block, around)| (Mode::Transport, block, around));
        let tunnel = layouts(esp.length, one.length);
        tunnel.map(|(block, around)| (Mode::Tunnel, block, around)).chain(transport)
    }
}

/// What ESP encapsulates (RFC 4303 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Tunnel,
    Transport,
}

/// Which of the two was captured first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    ClearFirst,
    EspFirst,
}

/// What all packets of an SPI have in common: the order, the mode, the block that is padded to, and what is
/// around.
pub(super) type Agreement = (Order, (Mode, u32, u32));

/// How an ESP packet can hold an IP packet (RFC 4303 §2): padded with two bytes of trailer to a block, and behind
/// SPI, sequence number and vector, before a check value. Not all that encapsulates pads.
fn layouts(esp: u32, packet: u32) -> impl Iterator<Item = (u32, u32)> {
    BLOCKS.into_iter().filter_map(move |block| {
        let around = esp.checked_sub(packet.checked_add(2)?.checked_next_multiple_of(block)?)?;
        AROUND.contains(&around).then_some((block, around))
    })
}

const BLOCKS: [u32; 4] = [1, 4, 8, 16];
/// SPI and sequence number 8, a vector of 0, 8 or 16, a check value of 8 to 32.
const AROUND: std::ops::RangeInclusive<u32> = 16..=56;
