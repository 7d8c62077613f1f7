//! Nearly every packet of a busy network: IPv4 without options in an Ethernet frame, whole, with a segment of an open
//! connection of TCP, or ESP.
//!
//! Reads what [`super::decode`] reads, from known places, and leaves everything else to it.

use super::{IpPacket, Ports, protocol};
use crate::capture::{Linktype, RawFrame, SeenAt};
use crate::hosts::HostPair;
use std::net::Ipv4Addr;

/// The packet of such a frame.
#[must_use]
#[inline]
pub fn plain<'a>(frame: &RawFrame<'a>) -> Option<IpPacket<'a>> {
    if frame.linktype != Linktype::ETHERNET || frame.seen_at != SeenAt::Wire {
        return None;
    }
    let (link, rest) = frame.data.split_first_chunk::<14>()?;
    let rest = match [link[12], link[13]] {
        [0x08, 0x00] => rest,
        // IEEE 802.1Q §9.6: a tag of four bytes, of which the last two are the next EtherType.
        [0x81, 0x00] => match rest.split_first_chunk::<4>()? {
            ([_, _, 0x08, 0x00], rest) => rest,
            _ => return None,
        },
        _ => return None,
    };
    let (header, behind) = rest.split_first_chunk::<IPV4_LEN>()?;
    #[rustfmt::skip]
    let [
        first, _, length @ .., i0, i1, f0, f1, hops, carries, _, _, a0, a1, a2, a3, b0, b1, b2, b3,
    ] = *header;
    let total_len = usize::from(u16::from_be_bytes(length));
    let place = u16::from_be_bytes([f0, f1]);
    // The frame went to one station, and the packet to one host.
    let is_to_one = link[0] & 1 == 0 && b0 < FIRST_GROUP;
    if first != WITHOUT_OPTIONS || place & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0 || !is_to_one {
        return None;
    }
    let segment_len = total_len.checked_sub(IPV4_LEN)?;
    let unread = behind.len().saturating_sub(segment_len);
    let segment = behind.get(..segment_len).unwrap_or(behind);
    if unread > LONGEST_FILLING {
        return None;
    }
    let (ports, header_len) = match carries {
        protocol::TCP => {
            let &[.., words, flags, _, _, _, _, _, _] = segment.first_chunk::<TCP_LEN>()?;
            let header_len = usize::from(words >> 4) * 4;
            if flags & OF_OPEN_ONES != ACK || header_len < TCP_LEN || header_len > segment.len() {
                return None;
            }
            (Ports::of(segment), header_len)
        }
        protocol::ESP if segment.len() >= ESP_LEN => (None, 0),
        _ => return None,
    };
    let (source, destination) = (Ipv4Addr::new(a0, a1, a2, a3), Ipv4Addr::new(b0, b1, b2, b3));
    let (pair, direction) = HostPair::between_v4(source, destination);
    Some(IpPacket {
        pair,
        direction,
        protocol: carries,
        fragment: None,
        ports,
        identification: u16::from_be_bytes([i0, i1]),
        segment,
        payload: segment.get(header_len..).unwrap_or_default(),
        payload_len: segment_len - header_len,
        packet_len: total_len,
        segment_len,
        link_broadcast: false,
        nested: 0,
        hops,
        mislabelled: false,
    })
}

/// RFC 791 §3.1: version 4, five words; the flag and the offset of fragments.
const WITHOUT_OPTIONS: u8 = 0x45;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;
const IPV4_LEN: usize = 20;
/// The first byte of groups, and of addresses that no host has.
const FIRST_GROUP: u8 = 224;
/// RFC 9293 §3.1: a header without options; of FIN, SYN, RST and ACK an open connection has the last only.
const TCP_LEN: usize = 20;
const OF_OPEN_ONES: u8 = 0x17;
const ACK: u8 = 0x10;
/// RFC 4303 §2.
const ESP_LEN: usize = 8;
/// What Ethernet fills up with is shorter; more may be text that no receiver reads.
const LONGEST_FILLING: usize = 31;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Packet, decode};
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    /// A frame with a segment of TCP, or with ESP.
    fn frame(is_esp: bool, payload: &[u8]) -> Vec<u8> {
        let link = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 2], [10, 0, 0, 1], 64);
        let mut bytes = Vec::new();
        if is_esp {
            link.write(&mut bytes, 50.into(), payload).unwrap();
        } else {
            link.tcp(40_000, 445, 1, 1024).ack(7).write(&mut bytes, payload).unwrap();
        }
        bytes
    }

    #[test]
    fn ordinary_frames_are_read() {
        for is_esp in [true, false] {
            let bytes = frame(is_esp, &[9; 40]);
            assert!(plain(&RawFrame::on_ethernet(1, 1, 0, &bytes)).is_some());
        }
    }

    proptest! {
        /// Whatever the bytes are, and however much of them was captured.
        #[test]
        fn what_is_read_is_what_every_packet_is_read_as(
            is_esp in any::<bool>(),
            payload in proptest::collection::vec(any::<u8>(), 0..90),
            changes in proptest::collection::vec((0usize..60, any::<u8>()), 0..3),
            tag in any::<bool>(),
            captured in prop_oneof![Just(2000), 0usize..120],
            filling in 0usize..40,
        ) {
            let mut bytes = frame(is_esp, &payload);
            bytes.extend(vec![0; filling]);
            if tag {
                bytes.splice(12..12, [0x81, 0, 0, 7]);
            }
            for (at, byte) in changes {
                bytes.get_mut(at).into_iter().for_each(|old| *old = byte);
            }
            bytes.truncate(captured);
            let frame = RawFrame::on_ethernet(1, 1, 0, &bytes);
            if let Some(ip) = plain(&frame) {
                let Packet::Ip(other) = decode(&frame) else { panic!("no packet of IP") };
                prop_assert_eq!(format!("{ip:?}"), format!("{other:?}"));
            }
        }
    }
}
