//! IEEE 802.11, with and without a radiotap header.
//!
//! Data frames that are not protected are followed to their packet; nothing is decrypted, and
//! fragments of frames are not put together.

use super::link::{Context, stop};
use super::{IpPacket, Packet, StopReason, llc};

/// Whether the frame's header is filled up to whole words, which only radiotap shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// The data follow the header at once.
    None,
    /// They begin at a multiple of four bytes.
    ToWords,
}

/// A frame behind its radiotap header (radiotap.org): version 0, length, words of present fields.
pub(super) fn radiotap(data: &[u8], context: Context) -> Packet<'_> {
    let Some([version, _, low, high]) = data.first_chunk::<4>() else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    let header_len = usize::from(u16::from_le_bytes([*low, *high]));
    if *version != 0 || header_len < 8 {
        return Packet::NonIp(0);
    }
    let (Some(header), Some(rest)) = (data.get(..header_len), data.get(header_len..)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    let is_padded = radiotap_flags(header).is_some_and(|flags| flags & RADIOTAP_DATA_PAD != 0);
    let padding = if is_padded { Padding::ToWords } else { Padding::None };
    frame(rest, context.further(header_len), padding)
}

/// The field `flags`: the second, behind a time of eight bytes at a multiple of eight.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    let word = |at: usize| header.get(at..)?.first_chunk::<4>().map(|w| u32::from_le_bytes(*w));
    let first = word(4)?;
    let mut at = 4;
    while word(at)? & RADIOTAP_MORE_WORDS != 0 {
        at += 4;
    }
    at += 4;
    if first & RADIOTAP_TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    if first & RADIOTAP_FLAGS == 0 {
        return None;
    }
    header.get(at).copied()
}

/// An 802.11 frame without a header of the capture before it.
pub(super) fn bare(data: &[u8], context: Context) -> Packet<'_> {
    frame(data, context, Padding::None)
}

/// An 802.11 frame from its frame control on (IEEE 802.11 §9.2.3).
pub(super) fn frame(data: &[u8], context: Context, padding: Padding) -> Packet<'_> {
    let Some([control, flags]) = data.first_chunk::<2>() else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    // Version 0 and type data; the subtype's bit 2 says that there are none.
    if control & 0x0f != DATA || control & NO_DATA != 0 {
        return Packet::NonIp(0);
    }
    if flags & PROTECTED != 0 {
        return stop(StopReason::EncryptedLink, context.offset);
    }
    let header_len = header_len(*control, *flags);
    let padded_len = match padding {
        Padding::None => header_len,
        Padding::ToWords => header_len.next_multiple_of(4),
    };
    let (Some(header), Some(body)) = (data.get(..header_len), data.get(padded_len..)) else {
        return stop(StopReason::TruncatedLink, context.offset);
    };
    // §9.2.4.4: the low four bits of the sequence control count fragments.
    if header.get(22).is_some_and(|sequence| sequence & 0x0f != 0) {
        return stop(StopReason::FragmentWithoutFirst, context.offset);
    }
    // §9.3.2.1, table 9-30: the receiver is address 3 on the way to an access point, else 1.
    let receiver = if flags & TO_DS == 0 { header.get(4..10) } else { header.get(16..22) };
    let context = context.further(padded_len).to_all(receiver == Some(&[0xff; 6]));
    // §9.2.4.5: the QoS control is behind the fourth address.
    let qos_at = if flags & BOTH_DS == BOTH_DS { 30 } else { 24 };
    let qos = if control & QOS == 0 { None } else { header.get(qos_at) };
    if qos.is_some_and(|qos| qos & AGGREGATE != 0) {
        return aggregate(body, context);
    }
    llc::frame(body, context).unwrap_or(Packet::NonIp(0))
}

pub(super) fn header_len(control: u8, flags: u8) -> usize {
    let mut length = 24;
    if flags & BOTH_DS == BOTH_DS {
        length += 6;
    }
    if control & QOS != 0 {
        length += 2;
        // §9.2.4.1.10: in QoS data the last flag says that HT control follows.
        if flags & HT_CONTROL != 0 {
            length += 4;
        }
    }
    length
}

/// An A-MSDU (§9.3.2.2): frames, each behind two addresses and a length, each but the last filled up
/// to whole words. One frame has one class, so that packets of several flows have none.
fn aggregate(body: &[u8], context: Context) -> Packet<'_> {
    let mut first: Option<Packet<'_>> = None;
    let mut at = 0;
    while let Some([high, low]) = body.get(at + 12..).and_then(|rest| rest.first_chunk::<2>()) {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let begin = at + SUBFRAME_HEADER_LEN;
        let rest = body.get(begin..).unwrap_or_default();
        // What is left may be the frame's check sequence.
        if length == 0 {
            break;
        }
        let inside = rest.get(..length).unwrap_or(rest);
        let packet = llc::frame(inside, context.further(begin)).unwrap_or(Packet::NonIp(0));
        match &first {
            None => first = Some(packet),
            Some(before) if is_of_one_flow(before, &packet) => {}
            Some(_) => return stop(StopReason::MixedAggregate, context.offset + at),
        }
        at = (begin + length).next_multiple_of(4);
    }
    first.unwrap_or_else(|| stop(StopReason::TruncatedLink, context.offset))
}

fn is_of_one_flow(a: &Packet<'_>, b: &Packet<'_>) -> bool {
    let flow = |ip: &IpPacket<'_>| {
        let ports = ip.ports.map(|ports| (ports.source, ports.destination));
        (ip.pair, ip.direction, ip.protocol, ports)
    };
    match (a, b) {
        (Packet::Ip(a), Packet::Ip(b)) => flow(a) == flow(b),
        (Packet::Arp, Packet::Arp) => true,
        (Packet::NonIp(a), Packet::NonIp(b)) => a == b,
        _ => false,
    }
}

const DATA: u8 = 0x08;
const NO_DATA: u8 = 0x40;
const QOS: u8 = 0x80;
const TO_DS: u8 = 0x01;
const BOTH_DS: u8 = 0x03;
const PROTECTED: u8 = 0x40;
const HT_CONTROL: u8 = 0x80;
/// In the QoS control.
const AGGREGATE: u8 = 0x80;
const SUBFRAME_HEADER_LEN: usize = 14;
const RADIOTAP_TIME: u32 = 1;
const RADIOTAP_FLAGS: u32 = 2;
const RADIOTAP_MORE_WORDS: u32 = 1 << 31;
/// In the flags: the header of the frame is padded.
const RADIOTAP_DATA_PAD: u8 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radiotap_s_flags_stand_behind_every_present_word_and_the_time() {
        let flags_only = [0, 0, 9, 0, 2, 0, 0, 0, 0x20];
        assert_eq!(radiotap_flags(&flags_only), Some(0x20));
        let none = [0, 0, 8, 0, 0, 0, 0, 0];
        assert_eq!(radiotap_flags(&none), None);
        // Two words; the time begins at 16, the next multiple of eight.
        let mut with_time = vec![0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0];
        with_time.extend([1, 1, 1, 1, 1, 1, 1, 1, 0x10]);
        assert_eq!(radiotap_flags(&with_time), Some(0x10));
        // Words without an end are no fields.
        assert_eq!(radiotap_flags(&[0xff; 64]), None);
    }

    #[test]
    fn management_control_and_empty_data_are_no_ip() {
        for control in [0x80, 0xb4, 0x48, 0xc8] {
            let data = [control; 64];
            let packet = frame(&data, Context::at(0), Padding::None);
            assert!(matches!(packet, Packet::NonIp(0)), "{control:#x}");
        }
    }

    #[test]
    fn later_fragments_of_a_frame_are_not_read() {
        let mut data = [2u8; 64];
        (data[0], data[1], data[22]) = (0x08, 0x01, 0x01);
        let packet = frame(&data, Context::at(0), Padding::None);
        let Packet::Undecodable(stop) = packet else { panic!("it shows the middle of a packet") };
        assert_eq!(stop.reason, StopReason::FragmentWithoutFirst);
    }
}
