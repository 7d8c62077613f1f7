//! What the packets under one SPI show together of being ESP or AH at all.
//!
//! Protocol 50, port 4500 and four bytes in the place of an SPI prove nothing: text and OpenVPN have
//! them too. What other traffic hardly has is lengths that are all multiples of four bytes (RFC 4303
//! §2.4) together with a number that advances in time as a sender counts (§3.3.3), and content
//! without any pattern. Keeps counts, never bytes; the parts of one security association that several
//! captures hold are joined in order of time.

mod content;

use crate::ike::readable::{BOUND_OF_MANY, has_pattern, holds_text};
use crate::time::Timestamp;
use content::{Content, ENOUGH_BYTES};
use serde::{Deserialize, Serialize};

/// The evidence of one SPI in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaEvidence {
    /// Packets that were looked at.
    packets: u64,
    /// Those of which the capture cut nothing off.
    whole: u64,
    /// Those whose form ESP or AH cannot have.
    misshapen: u64,
    /// One bit for each length in words, modulo 64.
    lengths: u64,
    advance: Advance,
    content: Content,
    /// Of some packets behind those: what an SPI carries may change.
    later: Content,
    /// Samples that were readable by themselves, and pools of later ones that had a pattern.
    readable: u32,
    /// The form of another protocol that numbers its packets (OpenVPN's data channel, on UDP).
    resembles_openvpn: bool,
}

/// How the sequence numbers move from packet to packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Advance {
    first: Option<Numbered>,
    last: Option<Numbered>,
    /// Steps forward that a line can carry in their time.
    forward: u64,
    /// Small steps back: disorder.
    back: u64,
    /// Steps that no counter makes: far back, or faster than any line.
    breaks: u64,
    /// Numbers that began again.
    restarts: u64,
    /// Numbers whose bytes are all letters, digits or signs.
    printable: u64,
    numbers: u64,
    /// Where all steps lead, and how far they go without regard to the direction.
    net: i64,
    path: u64,
    /// Steps whose chance was taken, and its sum in bits.
    weighed: u32,
    bits: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Numbered {
    time: Timestamp,
    number: u32,
}

/// What can be said of the content of an SPI's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opacity {
    /// No pattern in it: encrypted, or compressed.
    Opaque,
    /// It has a pattern that chance does not give.
    Patterned,
    /// Too little was captured.
    Unseen,
}

/// One packet as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct SaPacket<'a> {
    /// From its first byte on (ESP's SPI, AH's next header), as far as it was captured.
    pub bytes: &'a [u8],
    /// Its length on the wire; `None` where fragmentation hides it.
    pub length: Option<usize>,
    /// When it was seen.
    pub time: Timestamp,
}

impl SaEvidence {
    /// Reads the record, so that it is at hand when the next packet comes.
    #[must_use]
    pub fn expect(&self) -> u64 {
        let last = self.advance.last.map_or(0, |last| u64::from(last.number));
        self.packets
            ^ last
            ^ u64::from(self.advance.bits)
            ^ u64::from(self.later.bytes)
            ^ u64::from(self.content.bytes)
    }

    /// Takes an ESP packet; `in_udp` where a UDP datagram carries it.
    pub fn observe_esp(&mut self, packet: SaPacket<'_>, in_udp: bool) {
        self.packets += 1;
        if let Some(length) = packet.length {
            self.shape(length, length.is_multiple_of(WORD));
            self.whole += u64::from(length == packet.bytes.len());
        }
        self.resembles_openvpn |= in_udp && is_openvpn_data(packet.bytes);
        self.advance.observe(packet.time, number_at(packet.bytes, 4));
        let content = packet.bytes.get(BEHIND_VECTOR..).unwrap_or_default();
        if self.content.bytes < ENOUGH_BYTES {
            let sample = self.sample(content, LOOKED_AT);
            self.readable += u32::from(is_all_text(sample));
            self.content.observe(sample);
        } else if self.packets.is_multiple_of(ONE_IN) {
            self.observe_later(content);
        }
    }

    /// Takes note of a later fragment that was seen to be readable.
    pub const fn observe_readable_rest(&mut self) {
        self.readable = self.readable.saturating_add(1);
    }

    /// What an SPI carries may change, and the first octets of its packets may differ from the rest.
    #[cold]
    fn observe_later(&mut self, content: &[u8]) {
        let sample = self.sample(content, MORE_LOOKED_AT);
        self.readable = self.readable.saturating_add(u32::from(is_readable(sample)));
        self.later.observe(sample);
        if u64::from(self.later.bytes) >= ENOUGH_OF_LATER {
            if self.later.has_pattern(BOUND_OF_MANY) {
                self.readable = self.readable.saturating_add(ENOUGH_READABLE);
            }
            self.later = Content::default();
        }
    }

    /// Some octets in a row, at a place that moves from packet to packet.
    fn sample<'a>(&self, content: &'a [u8], len: usize) -> &'a [u8] {
        sample(content, len, self.packets)
    }

    /// Takes an AH packet.
    pub fn observe_ah(&mut self, packet: SaPacket<'_>) {
        self.packets += 1;
        if let (Some(length), Some(head)) = (packet.length, packet.bytes.first_chunk::<4>()) {
            self.shape(header_len_of_ah(*head), is_form_of_ah(*head, length));
        }
        self.advance.observe(packet.time, number_at(packet.bytes, 8));
    }

    fn shape(&mut self, length: usize, is_sound: bool) {
        self.misshapen += u64::from(!is_sound);
        self.lengths |= 1 << (length / WORD % 64);
    }

    /// Adds the packets of another capture that come later.
    pub fn join(&mut self, later: Self) {
        self.packets = self.packets.saturating_add(later.packets);
        self.misshapen = self.misshapen.saturating_add(later.misshapen);
        self.whole = self.whole.saturating_add(later.whole);
        self.lengths |= later.lengths;
        self.resembles_openvpn |= later.resembles_openvpn;
        self.advance.join(later.advance);
        if later.content.is_enough_to_judge() && later.content.has_pattern(BOUND_OF_MANY) {
            self.readable = self.readable.saturating_add(ENOUGH_READABLE);
        }
        self.content.join(later.content);
        self.readable = self.readable.saturating_add(later.readable);
    }

    /// Time of the first packet as it came; parts are joined in this order.
    #[must_use]
    pub fn begins(&self) -> Option<Timestamp> {
        self.advance.first.map(|first| first.time)
    }

    /// Packets that were looked at.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Whether form and numbers are those of ESP or AH, with a chance below 2⁻⁴⁰ that other traffic
    /// looks so.
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        let shape = (2 * self.lengths.count_ones()).min(MOST_SHAPE_BITS);
        !self.is_misshapen() && self.advance.rises() && self.advance.is_no_chance(shape)
    }

    /// Whether the numbers rise, however few there are.
    #[must_use]
    pub fn rises(&self) -> bool {
        self.advance.rises()
    }

    /// Whether the packets may be counted by a sender: there is one, or their numbers rise.
    #[must_use]
    pub fn may_count(&self) -> bool {
        self.packets == 1 || self.advance.rises()
    }

    /// Whether the first number is one that a sender begins with (RFC 4303 §3.3.3).
    #[must_use]
    pub fn is_at_its_beginning(&self) -> bool {
        self.advance.first.is_some_and(|first| first.number <= RESTART)
    }

    /// Whether the capture cut every packet before anything that encryption would hide.
    #[must_use]
    pub fn shows_headers_only(&self) -> bool {
        self.packets > 0 && self.whole == 0 && !self.has_content()
    }

    /// Whether a packet has a form that ESP or AH cannot have, or that of another protocol.
    #[must_use]
    pub const fn is_misshapen(&self) -> bool {
        // OpenVPN's lengths are of any kind; that so many are all whole words does not happen to it.
        let is_openvpn = self.resembles_openvpn && self.lengths.count_ones() < MANY_LENGTHS;
        self.misshapen > 0 || is_openvpn
    }

    /// Whether a packet was captured to its end.
    #[must_use]
    pub const fn was_whole(&self) -> bool {
        self.whole > 0
    }

    /// Whether the SPI and every number behind it are letters, digits and signs.
    #[must_use]
    pub fn is_text_behind(&self, spi: u32) -> bool {
        let is_spi = spi.to_be_bytes().iter().all(|byte| is_text(*byte));
        is_spi && self.advance.numbers > 0 && self.advance.printable == self.advance.numbers
    }

    /// Whether any content was captured beyond what a vector may fill.
    #[must_use]
    pub const fn has_content(&self) -> bool {
        self.content.bytes > 0
    }

    /// What the content looks like.
    #[must_use]
    pub fn opacity(&self) -> Opacity {
        if self.is_readable() { Opacity::Patterned } else { self.content.opacity() }
    }

    /// Whether several packets, of the first or of later ones, hold what can be read.
    #[must_use]
    pub const fn is_readable(&self) -> bool {
        self.readable >= ENOUGH_READABLE
    }

    /// Whether what has a pattern is text, which people read without knowing any form.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.content.is_text()
    }
}

impl Advance {
    fn observe(&mut self, time: Timestamp, number: Option<u32>) {
        let Some(number) = number else { return };
        self.numbers += 1;
        self.printable += u64::from(number.to_be_bytes().iter().all(|byte| is_text(*byte)));
        let here = Numbered { time, number };
        if let Some(last) = self.last {
            self.step(last, here);
        } else {
            self.first = Some(here);
        }
        self.last = Some(here);
    }

    /// From one packet to the next as they came. Captures of several queues write them out of order,
    /// and their times show; so a step is taken in order of time.
    fn step(&mut self, last: Numbered, here: Numbered) {
        let (earlier, later) = if here.time < last.time { (here, last) } else { (last, here) };
        let apart = later.time.since(earlier.time).0.unsigned_abs();
        let step = later.number.wrapping_sub(earlier.number).cast_signed();
        let length = step.unsigned_abs();
        match step {
            0 => return,
            1.. if u64::from(length) <= BURST + apart / FASTEST => {
                self.forward = self.forward.saturating_add(1);
                self.weigh(length.leading_zeros());
            }
            i32::MIN..0 if length <= DISORDER => {
                self.back = self.back.saturating_add(1);
                self.weigh(0);
            }
            _ if self.restarts == 0 && later.number <= RESTART => {
                self.restarts += 1;
                return;
            }
            _ => {
                self.breaks = self.breaks.saturating_add(1);
                return self.weigh(0);
            }
        }
        self.net = self.net.saturating_add(step.into());
        self.path = self.path.saturating_add(length.into());
    }

    /// Notes with which chance a number drawn from all of them lies so near above the last.
    const fn weigh(&mut self, bits: u32) {
        if self.weighed < ENOUGH {
            self.weighed += 1;
            self.bits = self.bits.saturating_add(bits);
        }
    }

    fn join(&mut self, later: Self) {
        match (self.last, later.first) {
            (Some(last), Some(first)) => self.step(last, first),
            (None, first) => self.first = first,
            (Some(_), None) => return,
        }
        self.last = later.last;
        self.forward = self.forward.saturating_add(later.forward);
        self.back = self.back.saturating_add(later.back);
        self.breaks = self.breaks.saturating_add(later.breaks);
        self.restarts = self.restarts.saturating_add(later.restarts);
        self.printable = self.printable.saturating_add(later.printable);
        self.numbers = self.numbers.saturating_add(later.numbers);
        self.net = self.net.saturating_add(later.net);
        self.path = self.path.saturating_add(later.path);
        if self.weighed.saturating_add(later.weighed) <= ENOUGH {
            self.weighed += later.weighed;
            self.bits = self.bits.saturating_add(later.bits);
        } else if later.weighed > self.weighed {
            (self.weighed, self.bits) = (later.weighed, later.bits);
        }
    }

    /// Whether the numbers advance in time, disorder and a few breaks aside.
    fn rises(&self) -> bool {
        let ahead = u64::try_from(self.net).unwrap_or_default();
        // Numbers drawn from a range lead nowhere: their net falls behind their path with every step.
        let share = if self.forward.saturating_add(self.back) >= MANY { 16 } else { 4 };
        self.forward > 0
            && ahead.saturating_mul(share) >= self.path
            && self.breaks.saturating_mul(8) <= self.forward
            && self.restarts <= 1
            && self.printable < self.numbers
    }

    /// Whether the steps, and `shape` bits beside them, have a chance below 2⁻⁴⁰ together. The product
    /// of k chances that are each evenly spread is below x with chance x · Σ (−ln x)ⁱ ⁄ i!, i < k
    /// (Fisher's method).
    fn is_no_chance(&self, shape: u32) -> bool {
        let weighed = self.weighed.min(ENOUGH);
        let bits = self.bits.min(weighed * 31);
        let product = f64::from(bits) * std::f64::consts::LN_2;
        let (mut term, mut sum) = (1.0, 0.0);
        for i in 1..=weighed {
            sum += term;
            term *= product / f64::from(i);
        }
        let allowed = f64::from(bits + shape) - CHANCE_BITS;
        weighed > 0 && sum <= allowed.exp2()
    }
}

/// So many bytes in a row at a place that moves with a count.
#[must_use]
pub fn sample(content: &[u8], len: usize, count: u64) -> &[u8] {
    let Some(range) = content.len().checked_sub(len) else { return content };
    // The upper half of a product with an odd constant spreads counts evenly (Knuth, 6.4).
    let spread = count.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let place = spread.wrapping_mul(range as u64 + 1) >> 32;
    let place = usize::try_from(place).unwrap_or_default();
    content.get(place..place + len).unwrap_or(content)
}

/// Whether content that must be encrypted can be read.
#[must_use]
pub fn is_readable(content: &[u8]) -> bool {
    holds_text(content) || has_pattern(content)
}

/// Whether bytes at the beginning of a datagram are text: as many in a row as random ones are in one
/// of 2⁴⁴ cases.
#[must_use]
#[inline]
pub fn is_all_text(payload: &[u8]) -> bool {
    let head = payload.get(..TEXT);
    head.is_some_and(|head| head.iter().all(|byte| is_text(*byte)))
}

const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')
}

fn number_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*field))
}

/// `OpenVPN`'s P_DATA_V2: the opcode 9 and a key of 0 to 7, then the peer's number, which a server
/// counts from 0 and which is all ones where it gave none; a packet number follows as ESP's would.
fn is_openvpn_data(datagram: &[u8]) -> bool {
    matches!(datagram, [0x48..=0x4f, 0, _, _, ..] | [0x48..=0x4f, 0xff, 0xff, 0xff, ..])
}

/// RFC 4302 §2.2: the length counts words, less two.
fn header_len_of_ah([_, words, ..]: [u8; 4]) -> usize {
    (usize::from(words) + 2) * WORD
}

/// RFC 4302 §2: the header fits, its reserved bytes are zero, and a check value is there.
fn is_form_of_ah(head: [u8; 4], length: usize) -> bool {
    let header = header_len_of_ah(head);
    matches!(head, [_, _, 0, 0]) && header >= SHORTEST_AH && header <= length
}

const WORD: usize = 4;
/// SPI and sequence number, then what an initialization vector may fill: it may count.
const BEHIND_VECTOR: usize = 8 + 16;
/// Twelve bytes of header and the shortest check value in use (8 bytes).
const SHORTEST_AH: usize = 20;
/// Nanoseconds a packet at 100 Gbit/s of the shortest packets.
const FASTEST: u64 = 7;
/// Packets that clocks may give one time.
const BURST: u64 = 1 << 16;
/// How far packets are carried past each other.
const DISORDER: u32 = 1 << 12;
/// A number that begins again is at the beginning.
const RESTART: u32 = 64;
/// Steps of which the chance is taken; more would not show more.
const ENOUGH: u32 = 32;
/// With so many steps disorder evens out.
const MANY: u64 = 96;
const CHANCE_BITS: f64 = 40.0;
/// Lengths are not independent of each other where a protocol fills up to words.
const MOST_SHAPE_BITS: u32 = 8;
/// Behind the first bytes one packet in so many is looked at.
const ONE_IN: u64 = 8;
const MANY_LENGTHS: u32 = 6;
/// Bytes of one packet that are looked at, and of one behind the first ones.
const LOOKED_AT: usize = 32;
const MORE_LOOKED_AT: usize = 64;
/// Bytes of later packets that are looked at together.
const ENOUGH_OF_LATER: u64 = 512;
/// One readable packet may be a forged one.
const ENOUGH_READABLE: u32 = 2;
const TEXT: usize = 32;

#[cfg(test)]
mod tests;
