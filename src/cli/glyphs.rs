//! The characters of lines over time: blocks, or ASCII where the locale has none.
//!
//! Decides only what is drawn: each line has a legend beside it.

use std::env;
use std::ffi::OsString;

/// The characters of lines over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glyphs {
    /// Clear text.
    pub(super) clear: char,
    /// Protected.
    pub(super) protected: char,
    /// Both.
    pub(super) both: char,
    /// Under IPsec, but readable: NULL encryption or AH.
    pub(super) readable: char,
    /// ESP or AH that nothing but its header shows (not corroborated).
    pub(super) doubtful: char,
    /// Neither.
    pub(super) nothing: char,
    /// Between the items of a list.
    pub(super) between: &'static str,
    /// In the place of what is left out.
    pub(super) more: &'static str,
    /// From an initiator, and from a responder.
    pub(super) arrows: [&'static str; 2],
    /// From the lowest level to the highest.
    levels: [char; 8],
}

impl Glyphs {
    /// The characters that the terminal's locale has.
    pub(super) fn of_locale() -> Self {
        if is_utf8(cfg!(windows), |name| env::var_os(name)) { BLOCKS } else { ASCII }
    }

    /// Draws the counts as a line, in proportion to `most`, the maximum over all lines. Any count above zero is
    /// visible.
    pub(super) fn line(&self, counts: &[u64], most: u64) -> String {
        let level = |count: &u64| {
            let step = u128::from(*count) * 8 / u128::from(most.max(1));
            // Rounded up, so that one packet beside a million is visible.
            let above = u128::from(step * u128::from(most.max(1)) < u128::from(*count) * 8);
            let at = usize::try_from(step + above).unwrap_or(self.levels.len());
            let shown = at.checked_sub(1).and_then(|at| self.levels.get(at.min(7)));
            shown.copied().unwrap_or(self.nothing)
        };
        counts.iter().map(level).collect()
    }
}

/// Whether the first of these variables that is set names UTF-8 (POSIX.1-2017 §8.2). A Windows console accepts
/// UTF-8 in any case.
fn is_utf8(windows: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let mut locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable);
    let locale = locale.find(|value| !value.is_empty());
    match locale {
        Some(locale) => {
            let locale = locale.to_string_lossy().to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        }
        None => windows,
    }
}

const BLOCKS: Glyphs = Glyphs {
    clear: '█',
    protected: '░',
    both: '▓',
    readable: '▒',
    doubtful: '?',
    nothing: '·',
    between: " · ",
    more: "…",
    arrows: ["──▶", "◀──"],
    levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
};
const ASCII: Glyphs = Glyphs {
    clear: '#',
    protected: '=',
    both: '%',
    readable: '~',
    doubtful: '?',
    nothing: '.',
    between: ", ",
    more: "...",
    arrows: ["-->", "<--"],
    levels: ['1', '2', '3', '4', '5', '6', '7', '8'],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_says_something_decides() {
        let check = |set: &[(&str, &str)], windows, expected| {
            let variable = |name: &str| {
                let found = set.iter().find(|(n, _)| *n == name);
                found.map(|(_, value)| OsString::from(value))
            };
            assert_eq!(is_utf8(windows, variable), expected, "{set:?}");
        };
        check(&[], false, false);
        check(&[], true, true);
        check(&[("LANG", "de_DE.UTF-8")], false, true);
        check(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")], false, false);
        check(&[("LC_ALL", ""), ("LC_CTYPE", "en_US.utf8"), ("LANG", "C")], false, true);
        check(&[("LANG", "POSIX")], true, false);
    }

    #[test]
    fn the_most_is_the_highest_and_one_packet_is_seen() {
        assert_eq!(ASCII.line(&[0, 1, 1_000_000, 500_000], 1_000_000), ".184");
        assert_eq!(BLOCKS.line(&[0, 1, 8], 8), "·▁█");
        assert_eq!(ASCII.line(&[0, 0], 0), "..");
        assert_eq!(ASCII.line(&[u64::MAX], u64::MAX), "8");
    }
}
