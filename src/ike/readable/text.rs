//! Text in the encodings that systems write, byte by byte.

/// Whether bytes can hold text at all: a look at sixteen bytes at a time, of which random ones are like text in one of
/// 2¹³ cases. Every text that is long enough fills one such block.
pub(super) fn may_be_in(bytes: &[u8]) -> bool {
    bytes.as_chunks::<BLOCK>().0.iter().any(|block| {
        let mut pairs = block.iter().zip(block.iter().skip(1));
        let every_other = |from: usize| block.iter().skip(from).step_by(2).all(|b| is_upper(*b));
        pairs.all(|(one, next)| is_beside(*one, *next)) || every_other(0) || every_other(1)
    })
}

/// Whether two bytes can be beside each other in UTF-8: a byte goes on with a character exactly where one was begun.
const fn is_beside(one: u8, next: u8) -> bool {
    match (one, next) {
        (0x80..=0xbf, 0x80..=0xbf | 0xc2..=0xf4) | (0xc2..=0xf4, 0x80..=0xbf) => true,
        (0x80..=0xbf, next) => is_sign(next),
        (one, 0xc2..=0xf4) => is_sign(one),
        (one, next) => is_sign(one) && is_sign(next),
    }
}

/// The text that ends at the byte taken last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Runs {
    /// Bytes taken, and how many of them were looked at for the sum.
    taken: usize,
    summed: usize,
    ascii: usize,
    /// UTF-8: bytes of whole characters, those of the character begun, and how many are to come.
    utf8: usize,
    begun: usize,
    to_come: usize,
    /// UTF-16: bytes of the characters that end at an even and at an odd place, in either order of bytes.
    wide: [[usize; 2]; 2],
    last: Option<u8>,
    is_odd: bool,
}

impl Runs {
    /// Takes the next byte; gives how many more bytes belong to text.
    pub(super) fn take(&mut self, byte: u8) -> usize {
        self.taken += 1;
        self.ascii = if is_sign(byte) { self.ascii + 1 } else { 0 };
        let ascii = enough(self.ascii, ASCII);
        let run = ascii.max(self.take_utf8(byte)).max(self.take_wide(byte));
        if run == 0 {
            return 0;
        }
        let begins = self.taken - run;
        let more = self.taken - begins.max(self.summed);
        self.summed = self.taken;
        more
    }

    fn take_utf8(&mut self, byte: u8) -> usize {
        let step = match (byte, self.to_come) {
            (0x80..=0xbf, 1) => std::mem::take(&mut self.begun) + 1,
            (0x80..=0xbf, 2..) => {
                self.begun += 1;
                self.to_come -= 1;
                return 0;
            }
            (0xc2..=0xf4, to_come) => {
                if to_come > 0 {
                    self.utf8 = 0;
                }
                self.begun = 1;
                self.to_come = usize::from(byte >= 0xe0) + usize::from(byte >= 0xf0) + 1;
                return 0;
            }
            (_, 0) if is_sign(byte) => 1,
            _ => {
                (self.utf8, self.begun, self.to_come) = (usize::from(is_sign(byte)), 0, 0);
                return 0;
            }
        };
        self.to_come = 0;
        self.utf8 += step;
        enough(self.utf8, UTF8)
    }

    fn take_wide(&mut self, byte: u8) -> usize {
        let last = self.last.replace(byte);
        self.is_odd = !self.is_odd;
        let Some(last) = last else { return 0 };
        let [even, odd] = &mut self.wide;
        let runs = if self.is_odd { odd } else { even };
        let mut most = 0;
        for (run, (low, high)) in runs.iter_mut().zip([(last, byte), (byte, last)]) {
            *run = if is_wide(low, high) { *run + 2 } else { 0 };
            most = most.max(enough(*run, UTF16));
        }
        most
    }
}

/// The length of a run that is long enough to be text.
const fn enough(run: usize, least: usize) -> usize {
    if run < least { 0 } else { run }
}

const fn is_sign(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')
}

/// A character of UTF-16 that texts of Latin, Greek and Cyrillic letters hold.
const fn is_wide(low: u8, high: u8) -> bool {
    match high {
        0 => is_sign(low) || low >= 0xa0,
        3 | 4 => low >= 0x10,
        _ => false,
    }
}

const fn is_upper(byte: u8) -> bool {
    matches!(byte, 0 | 3 | 4)
}

/// 98 of 256 values, so many times.
const ASCII: usize = 32;
/// Characters whose upper byte is one of three.
const UTF16: usize = 32;
/// Random bytes go on as UTF-8 in fewer than 0.47 of the cases.
const UTF8: usize = 40;
/// A run of 31 bytes fills one block of 16, wherever it begins.
const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> bool {
        let mut runs = Runs::default();
        bytes.iter().any(|byte| runs.take(*byte) > 0)
    }

    #[test]
    fn no_text_escapes_the_first_look() {
        let texts: [Vec<u8>; 4] = [
            b"thirty-two letters of plain ASCII".to_vec(),
            "двадцать знаков.. 漢字 and €".repeat(2).into_bytes(),
            "sixteen letters..".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "sixteen letters..".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ];
        for text in texts {
            for before in 0..32 {
                let bytes = [vec![0xff; before], text.clone(), vec![0xff; 32 - before]].concat();
                assert!(found(&bytes) && may_be_in(&bytes), "{before} {text:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_text_passes_the_first_look(
            text in "[a-zа-я€ ]{20,80}", before: Vec<u8>, behind: Vec<u8>
        ) {
            let bytes = [before, text.into_bytes(), behind].concat();
            proptest::prop_assert!(!found(&bytes) || may_be_in(&bytes));
        }

        #[test]
        fn so_does_what_looks_like_it(bytes in proptest::collection::vec(0x20u8..0xf8, 0..200)) {
            proptest::prop_assert!(!found(&bytes) || may_be_in(&bytes));
        }
    }
}
