//! Linux netfilter's log: a short header, then attributes, of which one is the packet.

use super::link::{Context, raw_ip, stop};
use super::{Packet, StopReason, network};

/// A message of the log (tcpdump.org, LINKTYPE_NFLOG).
pub(super) fn message(data: &[u8], context: Context) -> Packet<'_> {
    let cut = stop(StopReason::TruncatedLink, context.offset);
    let (Some([family, version, ..]), Some(attributes)) = (data.first_chunk::<4>(), data.get(4..))
    else {
        return cut;
    };
    if *version != 0 {
        return Packet::NonIp(0);
    }
    // Attributes are in the byte order of the machine that logged; only one of both holds.
    let orders = [u16::from_le_bytes, u16::from_be_bytes];
    let Some(at) = orders.into_iter().find_map(|order| payload_at(attributes, order)) else {
        return cut;
    };
    let packet = attributes.get(at..).unwrap_or_default();
    let context = context.further(4 + at);
    match *family {
        AF_INET => network::ipv4(packet, context),
        AF_INET6 => network::ipv6(packet, context),
        // A bridge's packets begin with their IP header as well.
        _ if matches!(packet.first(), Some(0x40..=0x4f | 0x60..=0x6f)) => raw_ip(packet, context),
        _ => Packet::NonIp(0),
    }
}

/// Where in the attributes the packet begins: behind each one's length and kind.
fn payload_at(attributes: &[u8], order: fn([u8; 2]) -> u16) -> Option<usize> {
    let mut at = 0;
    for _ in 0..MAX_ATTRIBUTES {
        let [a, b, c, d] = *attributes.get(at..)?.first_chunk::<4>()?;
        let (length, kind) = (usize::from(order([a, b])), order([c, d]));
        if length < 4 || kind > GREATEST_KIND {
            return None;
        }
        if kind == PAYLOAD {
            return Some(at + 4);
        }
        // Each begins at a multiple of four bytes.
        at += length.next_multiple_of(4);
    }
    None
}

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// NFULA_PAYLOAD of linux/netfilter/nfnetlink_log.h.
const PAYLOAD: u16 = 9;
/// Some more than there are, and fewer than the other byte order makes of them.
const GREATEST_KIND: u16 = 255;
/// There are some twenty kinds, each once a message.
const MAX_ATTRIBUTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_walked_in_the_one_byte_order_that_holds() {
        let little = [5, 0, 10, 0, 0, 0, 0, 0, 8, 0, 9, 0, 1, 2, 3, 4];
        assert_eq!(payload_at(&little, u16::from_le_bytes), Some(12));
        assert_eq!(payload_at(&little, u16::from_be_bytes), None);
    }

    #[test]
    fn an_attribute_shorter_than_its_head_ends_the_walk() {
        assert_eq!(payload_at(&[0; 64], u16::from_le_bytes), None);
        assert_eq!(payload_at(&[3, 0, 1, 0, 8, 0, 9, 0], u16::from_le_bytes), None);
    }
}
