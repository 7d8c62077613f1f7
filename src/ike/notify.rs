//! Notify messages that are in clear: their names, and the failures that they report.

use super::IkeVersion;
use super::digest::MessageDigest;
use crate::catalogue::{NotifySpace, Reason, notify};

/// The failure that a message reports in clear.
pub(super) fn readable_failure(message: &MessageDigest) -> Option<Reason> {
    let space = space_of(message.version());
    message.notifies().find_map(|number| {
        // RFC 2408 §3.14.1, RFC 7296 §3.10.1: numbers below 16384 report errors, known or not.
        let of_error = (number < FIRST_STATUS).then_some(Reason::Other);
        notify(space, number).map_or(of_error, |row| row.reason)
    })
}

/// The name of a notify message, or its number where it has none.
pub(super) fn notify_name(version: IkeVersion, kind: u16) -> String {
    let known = notify(space_of(version), kind).map(|row| row.name.to_owned());
    known.unwrap_or_else(|| format!("notify {kind}"))
}

/// The number space of a version's notify messages.
const fn space_of(version: IkeVersion) -> NotifySpace {
    match version {
        IkeVersion::V1 | IkeVersion::AuthIp => NotifySpace::V1,
        IkeVersion::V2 => NotifySpace::V2,
    }
}

const FIRST_STATUS: u16 = 16384;
