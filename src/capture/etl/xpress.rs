//! Plain LZ77 of Windows ("XPRESS" without Huffman codes), in which pktmon's traces keep their buffers.
//!
//! Source: [MS-XCA] 2.4.4, plain LZ77 decompression.

/// Unpacks `packed` into `unpacked`, which ends up with `length` bytes.
///
/// # Errors
/// With the byte of `packed` at which it cannot go on: the input ends too early, or a match reaches before
/// the start. What was unpacked until then stays.
pub(super) fn unpack(packed: &[u8], length: usize, unpacked: &mut Vec<u8>) -> Result<(), usize> {
    unpacked.clear();
    let mut input = Input { packed, at: 0, half: None };
    let (mut flags, mut left) = (0, 0u32);
    while unpacked.len() < length {
        if left == 0 {
            flags = u32::from_le_bytes(input.field()?);
            left = 32;
        }
        left -= 1;
        if flags >> left & 1 == 0 {
            unpacked.push(input.next_byte()?);
            continue;
        }
        let begin = input.at;
        let head = u16::from_le_bytes(input.field()?);
        let run = input.run(head & 7)?.min(length - unpacked.len());
        let from = unpacked.len().checked_sub(usize::from(head >> 3) + 1).ok_or(begin)?;
        repeat(unpacked, from, run);
    }
    Ok(())
}

/// Appends `run` bytes that repeat what begins at `from`; a run may be longer than what it repeats.
fn repeat(unpacked: &mut Vec<u8>, from: usize, mut run: usize) {
    while run > 0 {
        let there = (unpacked.len() - from).min(run);
        unpacked.extend_from_within(from..from + there);
        run -= there;
    }
}

struct Input<'p> {
    packed: &'p [u8],
    at: usize,
    /// Of a byte that holds the lengths of two matches: the second one.
    half: Option<u8>,
}

impl Input<'_> {
    fn field<const N: usize>(&mut self) -> Result<[u8; N], usize> {
        let field = self.packed.get(self.at..).and_then(<[u8]>::first_chunk).ok_or(self.at)?;
        self.at += N;
        Ok(*field)
    }

    fn next_byte(&mut self) -> Result<u8, usize> {
        self.field::<1>().map(|[byte]| byte)
    }

    /// The length of a match whose first three bits are these.
    fn run(&mut self, bits: u16) -> Result<usize, usize> {
        if bits < 7 {
            return Ok(usize::from(bits) + SHORTEST);
        }
        let half = match self.half.take() {
            Some(half) => half,
            None => {
                let byte = self.next_byte()?;
                self.half = Some(byte >> 4);
                byte & 15
            }
        };
        if half < 15 {
            return Ok(usize::from(half) + 7 + SHORTEST);
        }
        let begin = self.at;
        let byte = self.next_byte()?;
        if byte < 255 {
            return Ok(usize::from(byte) + 15 + 7 + SHORTEST);
        }
        let long = match u16::from_le_bytes(self.field()?) {
            0 => u32::from_le_bytes(self.field()?),
            long => u32::from(long),
        };
        // The whole length, and a shorter form is used below 22.
        if long < 22 { Err(begin) } else { Ok(long as usize + SHORTEST) }
    }
}

/// Shorter matches are not worth their two bytes.
const SHORTEST: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(packed: &[u8], length: usize) -> Result<Vec<u8>, usize> {
        let mut out = Vec::new();
        unpack(packed, length, &mut out).map(|()| out)
    }

    #[test]
    fn the_examples_of_the_specification() {
        // [MS-XCA] 3.1: the alphabet, and abc a hundred times.
        let alphabet = b"\x3f\0\0\0abcdefghijklmnopqrstuvwxyz";
        assert_eq!(unpacked(alphabet, 26).unwrap(), b"abcdefghijklmnopqrstuvwxyz");
        let abc = b"\xff\xff\xff\x1fabc\x17\0\x0f\xff\x26\x01";
        assert_eq!(unpacked(abc, 300).unwrap(), b"abc".repeat(100));
    }

    #[test]
    fn a_match_before_the_start_and_an_early_end_are_errors() {
        assert_eq!(unpacked(b"\0\0\0\x80\x08\0", 3), Err(4));
        assert_eq!(unpacked(b"\0\0\0\0ab", 3), Err(6));
        assert_eq!(unpacked(b"", 1), Err(0));
        assert_eq!(unpacked(b"", 0).unwrap(), b"");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_exceed_the_length(packed: Vec<u8>, length in 0usize..5000) {
            let mut out = Vec::new();
            let _ = unpack(&packed, length, &mut out);
            assert!(out.len() <= length);
        }
    }
}
