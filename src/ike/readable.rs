//! Whether bytes can be read without a key: text in the encodings that systems write, or a pattern that encryption
//! does not leave.
//!
//! Every bound is one that bytes without a pattern pass in fewer than one of 2⁴⁴ cases.

/// Whether bytes hold text of some length: 32 letters, digits and signs of ASCII in a row, 16 characters of UTF-16,
/// or 40 bytes of UTF-8.
#[must_use]
pub fn holds_text(bytes: &[u8]) -> bool {
    let mut runs = Runs::default();
    bytes.iter().any(|byte| runs.take(*byte) > 0)
}

/// How many bytes belong to such text.
#[must_use]
pub fn text_len(bytes: &[u8]) -> usize {
    let mut runs = Runs::default();
    bytes.iter().map(|byte| runs.take(*byte)).sum()
}

/// Whether content has a pattern that encryption does not leave, in 64 bytes of it or as a whole. What repeats one byte
/// was blotted out and shows nothing.
#[must_use]
pub fn has_pattern(content: &[u8]) -> bool {
    let filler = content.last().copied().unwrap_or_default();
    let end = content.iter().rposition(|byte| *byte != filler).map_or(0, |last| last + 1);
    let mut whole = Spread::default();
    for block in content.get(..end).unwrap_or_default().chunks(BLOCK) {
        if block.iter().all(|byte| Some(byte) == block.first()) {
            continue;
        }
        let spread = Spread::of(block);
        if spread.is_patterned() {
            return true;
        }
        whole.join(spread);
    }
    whole.is_patterned()
}

/// Whether data that nobody has to read, such as that of an echo, only fills: it repeats itself after 32 bytes at the
/// most, or counts.
#[must_use]
pub fn is_filling(data: &[u8]) -> bool {
    let repeats = |period: usize| data.iter().zip(data.iter().skip(period)).all(|(a, b)| a == b);
    let counts = data.iter().zip(data.iter().skip(1)).all(|(a, b)| a.wrapping_add(1) == *b);
    counts || (1..=LONGEST_PERIOD).any(repeats)
}

/// How many bytes of each upper half there are.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    bytes: u64,
    halves: [u64; 16],
}

impl Spread {
    fn of(bytes: &[u8]) -> Self {
        let mut spread = Self::default();
        for byte in bytes {
            if let Some(count) = spread.halves.get_mut(usize::from(byte >> 4)) {
                *count += 1;
                spread.bytes += 1;
            }
        }
        spread
    }

    fn join(&mut self, other: Self) {
        self.bytes += other.bytes;
        for (count, more) in self.halves.iter_mut().zip(other.halves) {
            *count += more;
        }
    }

    /// Pearson's χ² of sixteen equal shares, 16 · Σ count² ⁄ n − n. Few bytes pass a bound more easily than many.
    fn is_patterned(&self) -> bool {
        let bound = match self.bytes {
            0..FEW => return false,
            FEW..MANY => BOUND_OF_FEW,
            MANY.. => BOUND_OF_MANY,
        };
        let squares = self.halves.iter().map(|count| count * count).sum::<u64>();
        squares * 16 > self.bytes * (self.bytes + bound)
    }
}

/// The text that ends at the byte taken last.
#[derive(Clone, Copy, Debug, Default)]
struct Runs {
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
    fn take(&mut self, byte: u8) -> usize {
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

/// 98 of 256 values, so many times.
const ASCII: usize = 32;
/// Characters whose upper byte is one of three.
const UTF16: usize = 32;
/// Random bytes go on as UTF-8 in fewer than 0.47 of the cases.
const UTF8: usize = 40;
const LONGEST_PERIOD: usize = 32;
const BLOCK: usize = 64;
const FEW: u64 = 64;
const MANY: u64 = 256;
/// 28 of 64 bytes under one upper half, 43 of 128.
const BOUND_OF_FEW: u64 = 160;
/// χ² with 15 degrees of freedom.
const BOUND_OF_MANY: u64 = 110;

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "a line of a log that anybody can read, and one more of the same..";
    const CYRILLIC: &str = "Протокол заседания совета директоров: предложение";

    /// The bytes of a cipher, as far as their spread matters (SplitMix64).
    fn opaque(seed: u64, len: usize) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ z >> 31).to_be_bytes()[3]
        };
        (0..len).map(|_| next()).collect()
    }

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn text_is_found_in_every_encoding_and_at_every_place() {
        let texts = [
            LINE.as_bytes().to_vec(),
            CYRILLIC.as_bytes().to_vec(),
            utf16(LINE, u16::to_le_bytes),
            utf16(LINE, u16::to_be_bytes),
            utf16(CYRILLIC, u16::to_le_bytes),
        ];
        for text in texts {
            for before in 0..3 {
                let bytes =
                    [opaque(before, 40 + usize::try_from(before).unwrap()), text.clone()].concat();
                assert!(holds_text(&bytes), "{text:?}");
                let found = text_len(&bytes);
                assert!((text.len() - 24..text.len() + 8).contains(&found), "{found} {text:?}");
            }
        }
    }

    #[test]
    fn random_bytes_short_words_and_numbers_are_no_text() {
        for seed in 0..64 {
            assert!(!holds_text(&opaque(seed, 4096)));
        }
        assert!(!holds_text(&[&LINE.as_bytes()[..31], &[0x90, 0, 1]].concat()));
        let numbers: Vec<u8> = (0..64_u16).flat_map(|n| (n * 300).to_be_bytes()).collect();
        assert!(!holds_text(&numbers));
    }

    #[test]
    fn a_pattern_is_seen_in_64_bytes_and_in_sound_and_not_in_random_bytes() {
        for seed in 0..256 {
            assert!(!has_pattern(&opaque(seed, 4096)));
        }
        let mixed = [opaque(1, 512), utf16(LINE, u16::to_le_bytes), opaque(2, 512)].concat();
        assert!(has_pattern(&mixed));
        let sound: Vec<u8> =
            (0..600).flat_map(|n: i16| ((n * 37 % 200 - 100) * (n % 7)).to_le_bytes()).collect();
        assert!(has_pattern(&sound));
    }

    #[test]
    fn what_was_blotted_out_shows_nothing() {
        assert!(!has_pattern(&[0; 1000]));
        assert!(!has_pattern(&[opaque(1, 70), vec![0xff; 1000]].concat()));
    }

    #[test]
    fn alphabets_counts_and_one_letter_fill_and_sentences_do_not() {
        let alphabet: Vec<u8> = (b'a'..=b'w').cycle().take(1000).collect();
        let count: Vec<u8> = (0x10..=0xff).chain(0..=0x60).collect();
        assert!(is_filling(&alphabet) && is_filling(&count) && is_filling(&[b'A'; 500]));
        assert!(!is_filling(&LINE.as_bytes().repeat(9)));
    }

    proptest::proptest! {
        #[test]
        fn no_more_text_than_bytes(bytes: Vec<u8>) {
            proptest::prop_assert!(text_len(&bytes) <= bytes.len());
            let _ = (has_pattern(&bytes), is_filling(&bytes));
        }
    }
}
