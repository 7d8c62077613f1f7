//! What a filter action requires of its traffic.

use super::words::{Tags, starts, yes};
use crate::policy::{Action, Level};

/// Whether an action accepts incoming clear text and answers only under IPsec (`inpass=yes` without
/// `soft=yes`).
pub(super) fn accepts_unanswered(tags: &Tags) -> bool {
    let is = |tag: &str| tags.get(tag).is_some_and(|value| yes(value));
    is("inpass") && !is("soft")
}

/// What an action requires of its traffic, with remarks; `None` where it blocks.
pub(super) fn demanded(tags: &Tags) -> Option<(Action, Vec<String>)> {
    match tags.get("action").map_or(Some('n'), |action| starts(action)) {
        Some('p') => return Some((Action::Exempt, Vec::new())),
        Some('n') => {}
        _ => return None,
    }
    let mut remarks = Vec::new();
    if tags.get("soft").is_some_and(|value| yes(value)) {
        remarks.push(
            "soft=yes lets clear text pass when the other side does not negotiate, so no protection is required; make it [[protect]] to see what passed in clear"
                .to_owned(),
        );
    }
    if !remarks.is_empty() {
        return Some((Action::Exempt, remarks));
    }
    if accepts_unanswered(tags) {
        remarks.push(
            "inpass=yes accepts incoming clear text but never answers in clear: unanswered clear text is a finding of severity low"
                .to_owned(),
        );
    }
    let level = level(tags.get("qmsecmethods").map(String::as_str));
    if level == Level::Authenticate {
        let why = match tags.get("qmsecmethods") {
            Some(_) => "not every method it offers encrypts, so `authenticate` is enough",
            None => "it names no methods, so nothing shows that it encrypts",
        };
        remarks.push(why.to_owned());
    }
    Some((Action::Protect(level), remarks))
}

/// Encryption is required where every method offered encrypts: `ESP[3DES,SHA1]:100000k/3600s`.
fn level(methods: Option<&str>) -> Level {
    let mut offers = methods.unwrap_or_default().split_whitespace().peekable();
    let encrypts = |offer: &str| {
        let offer = offer.to_ascii_lowercase();
        offer.split_once("esp[").is_some_and(|(_, esp)| {
            let cipher = esp.split([',', ']']).next().unwrap_or_default().trim();
            !cipher.is_empty() && cipher != "none"
        })
    };
    if offers.peek().is_some() && offers.all(encrypts) {
        Level::Encrypt
    } else {
        Level::Authenticate
    }
}
