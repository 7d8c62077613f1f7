//! How text and paths of evidence are shown: every control, hidden and line-breaking character is escaped, and
//! an escaped path can be converted back.
//!
//! Quotes nothing: further escaping for HTML, CSV or a shell is added where these are written.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Text with every control character, line separator and invisible character escaped as `\u{1b}`. Text without
/// them is returned unchanged.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_printable_ascii(text) || !text.chars().any(is_hidden) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    push_visible(&mut safe, text);
    safe.into()
}

/// Whether it is nothing but blanks, letters, digits and signs of ASCII, as nearly all text is.
#[must_use]
pub fn is_printable_ascii(text: &str) -> bool {
    text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control())
}

/// A path as the report shows it: `/` between its parts, a backslash doubled, bytes that are not UTF-8 as
/// `\xff`, hidden characters as `\u{202e}`. Two paths never look the same; [`path_of`] converts it back.
#[must_use]
pub fn shown_path(path: &Path) -> String {
    let mut shown = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        let valid = if std::path::MAIN_SEPARATOR == '\\' {
            chunk.valid().replace('\\', "/")
        } else {
            chunk.valid().replace('\\', r"\\")
        };
        push_visible(&mut shown, &valid);
        shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    shown
}

/// The path that [`shown_path`] shows as this. On Windows, an unpaired surrogate in a name is not converted
/// back.
#[must_use]
pub fn path_of(shown: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(shown.len());
    let mut rest = shown;
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        rest = match unescaped(escape) {
            Some((one, behind)) => {
                bytes.extend(one);
                behind
            }
            // Not an escape of this module: a path of an older report, or of a forged one.
            None => {
                bytes.push(b'\\');
                escape
            }
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    PathBuf::from(name_of(bytes))
}

/// The bytes that an escape denotes, without its backslash, and what follows it.
fn unescaped(escape: &str) -> Option<(Vec<u8>, &str)> {
    if let Some(behind) = escape.strip_prefix('\\') {
        return Some((b"\\".to_vec(), behind));
    }
    if let Some(hex) = escape.strip_prefix('x') {
        let (digits, behind) = hex.split_at_checked(2)?;
        return Some((vec![u8::from_str_radix(digits, 16).ok()?], behind));
    }
    let (digits, behind) = escape.strip_prefix("u{")?.split_once('}')?;
    let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    Some((character.to_string().into_bytes(), behind))
}

#[cfg(unix)]
fn name_of(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn name_of(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn push_visible(safe: &mut String, text: &str) {
    for c in text.chars() {
        if is_hidden(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
}

/// Characters that are invisible but change the text around them: C0 and C1 controls, line and paragraph
/// separators, bidirectional controls, and format characters of width zero (Unicode: Bidi_Control,
/// Default_Ignorable_Code_Point, Zl, Zp).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_spelled_out_and_the_rest_is_left() {
        assert_eq!(visible("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(visible("evil\u{202e}gpj.exe\n"), "evil\\u{202e}gpj.exe\\u{a}");
        assert_eq!(visible("c1 \u{9b}0m line\u{2028}"), "c1 \\u{9b}0m line\\u{2028}");
        assert!(matches!(visible("Grüße, 世界"), Cow::Borrowed(_)));
    }

    #[test]
    fn an_escape_that_is_none_is_left() {
        assert_eq!(path_of(r"C:\new\xyz"), Path::new(r"C:\new\xyz"));
        assert_eq!(path_of(r"a\u{110000}"), Path::new(r"a\u{110000}"));
    }

    #[cfg(unix)]
    proptest::proptest! {
        #[test]
        fn every_path_is_turned_back_and_hides_nothing(name: Vec<u8>) {
            let path = PathBuf::from(name_of(name));
            let shown = shown_path(&path);
            proptest::prop_assert_eq!(path_of(&shown).into_os_string(), path.into_os_string());
            proptest::prop_assert!(!shown.chars().any(is_hidden));
        }

        #[test]
        fn paths_that_differ_look_different(one: Vec<u8>, other: Vec<u8>) {
            let same = one == other;
            let shown = |name| shown_path(&PathBuf::from(name_of(name)));
            proptest::prop_assert_eq!(shown(one) == shown(other), same);
        }

        #[test]
        fn no_text_keeps_a_hidden_character(text: String) {
            proptest::prop_assert!(!visible(&text).chars().any(is_hidden));
        }
    }
}
