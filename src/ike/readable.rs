//! Whether bytes can be read without a key: text in the encodings that systems write, or a pattern that encryption
//! does not leave.
//!
//! Every bound is one that bytes without a pattern pass in fewer than one of 2⁴⁴ cases.

mod names;
mod text;

pub use names::{may_be_names, text_beside_names};

use text::Runs;

/// Whether bytes hold text of some length: 32 letters, digits and signs of ASCII in a row, 16 characters of UTF-16,
/// or 40 bytes of UTF-8.
#[must_use]
pub fn holds_text(bytes: &[u8]) -> bool {
    let mut runs = Runs::default();
    text::may_be_in(bytes) && bytes.iter().any(|byte| runs.take(*byte) > 0)
}

/// How many bytes belong to such text.
#[must_use]
pub fn text_len(bytes: &[u8]) -> usize {
    if !text::may_be_in(bytes) {
        return 0;
    }
    let mut runs = Runs::default();
    bytes.iter().map(|byte| runs.take(*byte)).sum()
}

/// Whether content has a pattern that encryption does not leave, in 64 bytes of it or as a whole. What repeats one byte
/// was blotted out and shows nothing.
#[must_use]
pub fn has_pattern(content: &[u8]) -> bool {
    let mut whole = Spread::default();
    for block in without_filler(content).chunks(BLOCK) {
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

/// Content without the one byte that fills its end, where that is long enough to be no chance.
fn without_filler(content: &[u8]) -> &[u8] {
    let filler = content.last().copied().unwrap_or_default();
    let end = content.iter().rposition(|byte| *byte != filler).map_or(0, |last| last + 1);
    if content.len() - end < FILLER { content } else { content.get(..end).unwrap_or_default() }
}

/// Whether the upper halves of so many bytes are spread too unevenly: Pearson's χ² of sixteen equal shares,
/// 16 · Σ count² ⁄ n − n, is above a bound.
#[must_use]
pub fn is_uneven(halves: impl IntoIterator<Item = u64>, bytes: u64, bound: u64) -> bool {
    let squares = halves.into_iter().map(|count| count.saturating_mul(count));
    let squares = squares.fold(0, u64::saturating_add);
    bytes > 0 && squares.saturating_mul(16) > bytes.saturating_mul(bytes.saturating_add(bound))
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

    /// Few bytes pass a bound more easily than many.
    fn is_patterned(&self) -> bool {
        let bound = match self.bytes {
            0..FEW => return false,
            FEW..MANY => BOUND_OF_FEW,
            MANY.. => BOUND_OF_MANY,
        };
        is_uneven(self.halves, self.bytes, bound)
    }
}

const LONGEST_PERIOD: usize = 32;
const BLOCK: usize = 64;
const FEW: u64 = 64;
const MANY: u64 = 256;
/// 28 of 64 bytes under one upper half, 43 of 128.
const BOUND_OF_FEW: u64 = 160;
/// χ² with 15 degrees of freedom: random bytes are above it in one of 2⁵² cases.
pub const BOUND_OF_MANY: u64 = 110;
/// Encrypted content ends with so many equal bytes in one of 2¹²⁰ cases.
const FILLER: usize = 16;

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
    fn a_short_end_is_content_and_a_long_one_a_filler() {
        // 80 bytes under one upper half, the last fifteen of them alike.
        let short: Vec<u8> = (0..65).map(|n| 0x50 | (n % 16)).chain([0x51; 15]).collect();
        assert!(has_pattern(&short[16..]), "{short:?}");
        let filled = [&short[16..65], &[0x51; 16][..]].concat();
        assert!(!has_pattern(&filled), "49 bytes are too few");
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
