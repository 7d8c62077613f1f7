//! The words of a netsh command and the values of its tags.
//!
//! Knows the tags of each command, not their meaning.

use std::collections::BTreeMap;

/// The values of a command by the names of its tags.
pub(super) type Tags = BTreeMap<&'static str, String>;

/// The words of a line: quoted words stay together, comments are dropped.
pub(super) fn words(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('@');
    let is_comment = line.starts_with(['#', ';']) || line.starts_with("::");
    let first = line.split_whitespace().next().unwrap_or_default();
    if is_comment || is(first, "rem") {
        return Vec::new();
    }
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The values of a command: `tag=value`, with the tag abbreviated where it stays unambiguous, or values alone
/// in the order of the tags.
pub(super) fn tags(words: &[&str], known: &[&'static str]) -> Tags {
    let mut tags = Tags::new();
    for (place, word) in words.iter().enumerate() {
        let tagged = word.split_once('=').and_then(|(tag, value)| {
            let tag = tag.trim().to_ascii_lowercase();
            let exact = known.iter().find(|name| **name == tag);
            let cut = || known.iter().find(|name| !tag.is_empty() && name.starts_with(&tag));
            exact.or_else(cut).map(|name| (*name, value))
        });
        match (tagged, known.get(place)) {
            (Some((tag, value)), _) => {
                tags.insert(tag, value.trim().to_owned());
            }
            (None, Some(tag)) if !word.contains('=') => {
                tags.insert(tag, word.trim().to_owned());
            }
            (None, _) => {}
        }
    }
    tags
}

/// A name as Windows compares it.
pub(super) fn name(tags: &Tags, tag: &str) -> String {
    tags.get(tag).map(|name| name.to_lowercase()).unwrap_or_default()
}

pub(super) fn is(word: &str, name: &str) -> bool {
    word.eq_ignore_ascii_case(name)
}

pub(super) fn yes(value: &str) -> bool {
    starts(value) == Some('y')
}

pub(super) fn starts(value: &str) -> Option<char> {
    value.chars().next().map(|c| c.to_ascii_lowercase())
}

// The tags of the commands in the order in which values may be given without a tag (netsh's own help).
pub(super) const NAMED: &[&str] = &["name", "description"];
pub(super) const POLICY: &[&str] = &[
    "name",
    "description",
    "mmpfs",
    "qmpermm",
    "mmlifetime",
    "activatedefaultrule",
    "pollinginterval",
    "assign",
    "mmsecmethods",
];
pub(super) const FILTER: &[&str] = &[
    "filterlist",
    "srcaddr",
    "dstaddr",
    "description",
    "protocol",
    "mirrored",
    "srcmask",
    "dstmask",
    "srcport",
    "dstport",
];
pub(super) const FILTER_ACTION: &[&str] =
    &["name", "description", "qmpfs", "inpass", "soft", "action", "qmsecmethods"];
pub(super) const RULE: &[&str] = &[
    "name",
    "policy",
    "filterlist",
    "filteraction",
    "tunnel",
    "conntype",
    "activate",
    "description",
    "kerberos",
    "psk",
    "rootca",
];
pub(super) const DYNAMIC_RULE: &[&str] = &[
    "srcaddr",
    "dstaddr",
    "mmpolicy",
    "qmpolicy",
    "protocol",
    "srcport",
    "dstport",
    "mirrored",
    "conntype",
    "actioninbound",
    "actionoutbound",
    "srcmask",
    "dstmask",
    "tunneldstaddress",
];
pub(super) const CONFIG: &[&str] = &["property", "value"];
