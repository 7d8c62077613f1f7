//! Numbers and lengths of time, in words.

use super::with_separators;
use crate::time::Span;

/// Small numbers in words, as prose has them.
pub(super) fn number(number: usize) -> String {
    const WORDS: [&str; 10] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    WORDS.get(number).map_or_else(|| with_separators(number as u64), |word| (*word).to_owned())
}

/// A length of time: `2 h 0 min`, `3 min 10 s`, `12.5 s`; nothing finer than a millisecond.
pub(super) fn length(span: Span) -> String {
    let millis = span.0.unsigned_abs() / 1_000_000;
    let seconds = millis / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", Span::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_people_say_them() {
        let of = |millis| length(Span::from_millis(millis));
        assert_eq!(of(160), "0.16 s");
        assert_eq!(of(190_400), "3 min 10 s");
        assert_eq!(of(-7_200_000), "2 h 0 min");
        assert_eq!(of(86_405_000), "1 d 0 h");
    }

    #[test]
    fn small_numbers_are_words() {
        assert_eq!((number(3), number(14)), ("three".to_owned(), "14".to_owned()));
    }
}
