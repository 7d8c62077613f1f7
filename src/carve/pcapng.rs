//! pcapng blocks to be written: section, interfaces, packets (draft-ietf-opsawg-pcapng §4).
//!
//! Our own, because the crate that writes pcapng (pcap-file 2.0) takes a packet's time for nanoseconds
//! whatever resolution its interface shows. Little-endian, so that the same packets give the same bytes.

use crate::capture::Linktype;
use crate::evidence::{Interface, visible};
use crate::time::Timestamp;

/// How the times of an interface are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticks {
    /// Decimal digits of a second.
    digits: u8,
    /// Added to the seconds.
    offset_seconds: i64,
}

impl Ticks {
    /// The interface's own, or finer where these cannot show the time: that of an interface that
    /// divides a second by a power of two.
    pub(super) fn of(time: Timestamp, own_digits: u8) -> Self {
        let is_exact = |digits: u8| time.0.rem_euclid(per_tick(digits)) == 0;
        let digits =
            Some(own_digits).filter(|digits| *digits < 9 && is_exact(*digits)).unwrap_or(9);
        // Ticks have no sign. Of times before 1970 the offset takes it.
        Self { digits, offset_seconds: if time.0 < 0 { EARLIEST } else { 0 } }
    }

    fn count(self, time: Timestamp) -> u64 {
        let since = i128::from(time.0) - i128::from(self.offset_seconds) * 1_000_000_000;
        u64::try_from(since / i128::from(per_tick(self.digits))).unwrap_or_default()
    }
}

fn per_tick(digits: u8) -> i64 {
    10_i64.pow(9_u32.saturating_sub(digits.into()))
}

/// A section header that says what follows.
pub(super) fn section(out: &mut Vec<u8>, comment: &str) {
    let mut body = BYTE_ORDER.to_le_bytes().to_vec();
    body.extend([1u16.to_le_bytes(), 0u16.to_le_bytes()].concat());
    body.extend(u64::MAX.to_le_bytes());
    // First, so that `evidence::is_carved` finds it behind any comment.
    let program = concat!("plainsight ", env!("CARGO_PKG_VERSION"));
    options(&mut body, &[(SECTION_APPLICATION, program.as_bytes()), (COMMENT, &words(comment))]);
    block(out, SECTION_HEADER, &body);
}

/// An interface of the original; `description` says of which file.
pub(super) fn interface(out: &mut Vec<u8>, original: &Interface, ticks: Ticks, description: &str) {
    // What has no number in the registry gets the first of those that are free for private use.
    let is_registered = original.linktype != Linktype::UNREGISTERED.0;
    let linktype = if is_registered { original.linktype } else { USER_0 };
    let mut body = [linktype.to_le_bytes(), 0u16.to_le_bytes()].concat();
    body.extend(original.snaplen.to_le_bytes());
    let offset = ticks.offset_seconds.to_le_bytes();
    let digits = [ticks.digits];
    let (name, description) = (original.name.as_deref().map(words), words(description));
    let mut reported: Vec<(u16, &[u8])> = Vec::new();
    reported.extend(name.as_deref().map(|name| (INTERFACE_NAME, name)));
    reported.push((INTERFACE_WORDS, &description));
    reported.push((INTERFACE_RESOLUTION, &digits));
    if ticks.offset_seconds != 0 {
        reported.push((INTERFACE_OFFSET, &offset));
    }
    options(&mut body, &reported);
    block(out, INTERFACE_DESCRIPTION, &body);
}

/// A packet as it was captured.
pub(super) struct Captured<'a> {
    /// Which of the interfaces written before, from 0.
    pub(super) interface: u32,
    pub(super) ticks: Ticks,
    pub(super) time: Timestamp,
    pub(super) original_len: u32,
    pub(super) data: &'a [u8],
    pub(super) comment: &'a str,
}

pub(super) fn packet(out: &mut Vec<u8>, packet: &Captured<'_>) {
    // The upper half of the ticks comes first, each half in the section's order.
    let ticks = packet.ticks.count(packet.time).rotate_left(32);
    let mut body = packet.interface.to_le_bytes().to_vec();
    body.extend(ticks.to_le_bytes());
    body.extend(length_of(packet.data));
    body.extend(packet.original_len.to_le_bytes());
    body.extend(packet.data);
    pad(&mut body);
    options(&mut body, &[(COMMENT, &words(packet.comment))]);
    block(out, ENHANCED_PACKET, &body);
}

/// All options of a block, and the mark that ends them.
fn options(body: &mut Vec<u8>, options: &[(u16, &[u8])]) {
    for (code, value) in options {
        body.extend(code.to_le_bytes());
        body.extend(u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
        body.extend(*value);
        pad(body);
    }
    body.extend([0; 4]);
}

/// What an option can hold of a text, and a reader takes. Readers show it as it is.
fn words(text: &str) -> Vec<u8> {
    let text = visible(text);
    let end = text.floor_char_boundary(LONGEST);
    text.get(..end).unwrap_or_default().as_bytes().to_vec()
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    // No frame is longer than 16 MiB.
    let length = u32::try_from(body.len() + 12).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(length);
    out.extend(body);
    out.extend(length);
}

fn length_of(data: &[u8]) -> [u8; 4] {
    u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes()
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const COMMENT: u16 = 1;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_WORDS: u16 = 3;
const INTERFACE_RESOLUTION: u16 = 9;
const INTERFACE_OFFSET: u16 = 14;
/// LINKTYPE_USER0.
const USER_0: u16 = 147;
const LONGEST: usize = 1024;
/// Before every time that can be determined: seconds since 1970.
const EARLIEST: i64 = i64::MIN.div_euclid(1_000_000_000);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::read_pcapng;
    use crate::time::Resolution;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            times in proptest::collection::vec(any::<i64>(), 1..20),
            digits in 0u8..=9,
            data in proptest::collection::vec(any::<u8>(), 0..70),
            comment in ".*",
        ) {
            let resolution = Resolution::from_ticks_per_second(10u64.pow(digits.into()));
            let name = Some(comment.clone());
            let original = Interface { linktype: 1, snaplen: 96, resolution, name };
            let mut file = Vec::new();
            section(&mut file, &comment);
            for (number, time) in times.iter().enumerate() {
                let time = Timestamp(*time);
                let ticks = Ticks::of(time, digits);
                interface(&mut file, &original, ticks, "E1");
                let interface = u32::try_from(number).unwrap();
                let packet_of =
                    Captured { interface, ticks, time, original_len: 9000, data: &data, comment: &comment };
                packet(&mut file, &packet_of);
            }
            let mut seen = Vec::new();
            let outline = read_pcapng(&file[..], &mut |frame| {
                assert_eq!((frame.data, frame.original_len), (&data[..], 9000));
                seen.push(frame.time.0);
                true
            })
            .unwrap();
            prop_assert!(outline.problems.is_empty());
            prop_assert_eq!(seen, times);
            prop_assert_eq!(outline.interfaces[0].snaplen, 96);
        }
    }

    #[test]
    fn times_keep_the_digits_of_their_interface() {
        let check = |time, digits, expected: (u8, bool)| {
            let ticks = Ticks::of(Timestamp(time), digits);
            assert_eq!((ticks.digits, ticks.offset_seconds < 0), expected);
        };
        check(1_000_000, 6, (6, false));
        check(1_000_001, 6, (9, false));
        check(-1_000_000, 6, (6, true));
        check(7, 9, (9, false));
    }
}
