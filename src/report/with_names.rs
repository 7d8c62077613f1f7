//! Host names beside the addresses of a sentence.

use super::schema::Report;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The names of hosts by address, as a report lists them.
#[must_use]
pub fn host_names(report: &Report) -> BTreeMap<&str, Vec<&str>> {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for host in &report.hosts {
        names.entry(&host.address).or_default().push(&host.name);
    }
    names
}

/// A sentence with the names of each address behind its first mention: `10.0.0.1 (WS01)`. `names` gives those that are
/// known of an address; a sentence that has them already stays as it is.
#[must_use]
pub fn with_names(text: &str, names: impl Fn(&str) -> Option<String>) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let mut rest = text;
    while !rest.is_empty() {
        let ends = rest.find(|c| !is_of_address(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(ends);
        // A sentence may end behind an address, and a colon may follow it.
        let address = word.trim_end_matches(['.', ':']);
        shown.push_str(address);
        let is_address = address.parse::<IpAddr>().is_ok();
        if is_address
            && named.insert(address)
            && let Some(known) = names(address).filter(|known| !text.contains(known.as_str()))
        {
            shown.push_str(" (");
            shown.push_str(&known);
            shown.push(')');
        }
        shown.push_str(word.get(address.len()..).unwrap_or_default());
        let next = behind.find(is_of_address).unwrap_or(behind.len());
        let (between, later) = behind.split_at(next);
        shown.push_str(between);
        rest = later;
    }
    shown
}

const fn is_of_address(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> String {
        with_names(text, |address| match address {
            "10.0.0.1" => Some("WS01".to_owned()),
            "fd00::2" => Some("FS01 or FILES".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn an_address_is_named_where_it_is_mentioned_first() {
        let reported = "10.0.0.1 and fd00::2 exchanged clear text: 3 packets of 10.0.0.1.";
        assert_eq!(
            named(reported),
            "10.0.0.1 (WS01) and fd00::2 (FS01 or FILES) exchanged clear text: 3 packets of 10.0.0.1."
        );
        assert_eq!(named("from 10.0.0.1: 5"), "from 10.0.0.1 (WS01): 5");
        assert_eq!(named("it was 10.0.0.1."), "it was 10.0.0.1 (WS01).");
    }

    #[test]
    fn other_words_and_known_names_stay() {
        for text in ["", "110.0.0.1 and 10.0.0.1.5", "WS01 (10.0.0.1)", "10.0.0.1:500", "…ß 7"] {
            assert_eq!(named(text), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost(text in "[0-9a-z.: ()ß]{0,40}") {
            proptest::prop_assert_eq!(with_names(&text, |_| None), text);
        }
    }
}
