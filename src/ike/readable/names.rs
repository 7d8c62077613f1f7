//! Text in names of X.500 as DER writes them: a string behind the identifier of its attribute, its tag and its length
//! (X.501, X.690 §8.9 and §8.14). Requests for certificates are lists of them.

use super::{Runs, text, text_len};

/// How many bytes of text are no strings of such names, nor addresses of web pages that certificates hold.
#[must_use]
pub fn text_beside_names(bytes: &[u8]) -> usize {
    if !text::may_be_in(bytes) {
        return 0;
    }
    let (mut runs, mut at, mut beside) = (Runs::default(), 0, 0);
    while let Some(byte) = bytes.get(at) {
        beside += runs.take(*byte);
        at += 1;
        if let Some(length) = string_behind(bytes, at) {
            runs.take(NO_TEXT);
            at += length;
        }
    }
    beside
}

/// Whether text in a later part of a message is no more than names have: the part may begin inside a string, and only
/// where others follow, or where it is the last one, can that be so.
#[must_use]
pub fn may_be_names(part: &[u8], is_last: bool) -> bool {
    let first = (0..=part.len().min(FURTHEST)).find(|at| string_behind(part, *at).is_some());
    match first {
        Some(at) => text_beside_names(part.get(at..).unwrap_or_default()) * 2 <= part.len(),
        None => is_last && text_len(part) <= LONGEST,
    }
}

/// The length of a string whose tag and length are just before a place.
fn string_behind(bytes: &[u8], at: usize) -> Option<usize> {
    let head = bytes.get(..at)?;
    let (attribute, [tag, length @ 1..=127]) = head.split_last_chunk()? else { return None };
    let is_string = match tag {
        // UTF8String, PrintableString, T61String, IA5String, VisibleString, BMPString.
        0x0c | 0x13 | 0x14 | 0x16 | 0x1a | 0x1e => is_behind_identifier(attribute),
        // RFC 5280 §4.2.1.6: a URI among general names.
        0x86 => bytes
            .get(at..)
            .is_some_and(|uri| [b"http", b"ldap"].iter().any(|s| uri.starts_with(*s))),
        _ => false,
    };
    is_string.then_some(usize::from(*length))
}

/// Whether bytes end with an object identifier (X.690 §8.19).
fn is_behind_identifier(head: &[u8]) -> bool {
    (SHORTEST_IDENTIFIER..=LONGEST_IDENTIFIER).any(|len| {
        let identifier = head.len().checked_sub(len + 2).and_then(|at| head.get(at..));
        let length = u8::try_from(len).ok();
        identifier.is_some_and(|all| all.first() == Some(&0x06) && all.get(1).copied() == length)
    })
}

/// A byte that is part of no text in any encoding.
const NO_TEXT: u8 = 1;
/// 2.5.4.3 has three bytes, and the domain components of RFC 4519 have ten.
const SHORTEST_IDENTIFIER: usize = 3;
const LONGEST_IDENTIFIER: usize = 10;
/// RFC 5280 appendix A.1 allows 64 to 128 letters, longer lengths have two bytes.
const LONGEST: usize = 127;
/// The rest of a string, and what is before the next.
const FURTHEST: usize = LONGEST + LONGEST_IDENTIFIER + 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// A name: a country, an organization of so many letters and a unit.
    fn name(letters: usize) -> Vec<u8> {
        let part = |kind: u8, text: &[u8]| {
            let string = [&[0x13, u8::try_from(text.len()).unwrap()][..], text].concat();
            let pair = [&[0x06, 3, 0x55, 4, kind][..], &string].concat();
            let set = [&[0x30, u8::try_from(pair.len()).unwrap()][..], &pair].concat();
            [&[0x31, u8::try_from(set.len()).unwrap()][..], &set].concat()
        };
        let unit = b"(c) 1999 Example, Inc. - For authorized use only";
        [part(6, b"US"), part(10, &vec![b'o'; letters]), part(11, unit)].concat()
    }

    const PROSE: &[u8] = b"the minutes of the meeting, in clear, and more of these minutes. ";

    #[test]
    fn names_have_no_text_beside_them_wherever_they_are_cut() {
        let names = name(60).repeat(8);
        assert!(text_len(&names) * 2 > names.len());
        for cut in 0..150 {
            let part = &names[cut..];
            assert!(may_be_names(part, false), "{cut}");
            assert_eq!(text_beside_names(&names), 0);
        }
        assert!(may_be_names(&names[20..60], true) && !may_be_names(&names[20..60], false));
    }

    #[test]
    fn sentences_are_no_names_though_tags_are_between_them() {
        let prose = PROSE.repeat(10);
        let tagged = [&[0x0c, 65][..], PROSE].concat().repeat(10);
        let behind_name = [name(60), PROSE.repeat(4)].concat();
        for text in
            [prose, tagged, behind_name, "протокол собрания с людьми ".repeat(20).into_bytes()]
        {
            assert!(!may_be_names(&text, true) && !may_be_names(&text, false), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn there_is_no_more_text_beside_names_than_text(bytes: Vec<u8>, is_last: bool) {
            proptest::prop_assert!(text_beside_names(&bytes) <= text_len(&bytes) + LONGEST);
            let _ = may_be_names(&bytes, is_last);
        }
    }
}
