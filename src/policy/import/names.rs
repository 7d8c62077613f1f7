//! Names from the source of an import, fit to be shown.

use crate::policy::write::harmless;

/// A name of the source, short enough to be read and harmless.
pub(super) fn named(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST_NAME).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    format!("\"{}\"", harmless(&short))
}

const LONGEST_NAME: usize = 80;
