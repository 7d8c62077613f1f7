//! What is said of a file that is in no form that is read.

use crate::evidence::{Format, ProblemCode};

/// Beside an archived log Windows puts LocaleMetaData/NAME_LCID.MTA: its messages in one language.
pub(super) fn is_rendered_text(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = folder.rsplit('/').next().unwrap_or_default();
    let is_messages = name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("mta"));
    folder.eq_ignore_ascii_case("LocaleMetaData") && is_messages
}

/// What is wrong with a file that is in no form that is read, by its first octets.
pub(super) fn unknown(format: Format, first: &[u8]) -> (ProblemCode, String) {
    const KNOWN: &str = "expected a capture (pcap, pcapng, snoop, Network Monitor) or an event log (evtx, evt, or their text exports)";
    match (format, first) {
        (_, []) => (ProblemCode::Empty, "the file is empty".to_owned()),
        (Format::Text, _) => (ProblemCode::UnknownFormat, format!("it begins with text; {KNOWN}")),
        (_, first) => {
            let hex: Vec<String> = first.iter().map(|octet| format!("{octet:02x}")).collect();
            (ProblemCode::UnknownFormat, format!("it begins with {}; {KNOWN}", hex.join(" ")))
        }
    }
}
