//! What is said of a file that is in no form that is read.

use crate::evidence::{Format, ProblemCode};

/// Beside an archived log Windows puts LocaleMetaData/NAME_LCID.MTA: its messages in one language.
pub(super) fn is_rendered_text(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = folder.rsplit('/').next().unwrap_or_default();
    let is_messages = name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("mta"));
    folder.eq_ignore_ascii_case("LocaleMetaData") && is_messages
}

/// What is wrong with a file that is in no form that is read, by its first octets; of a policy, by its name, because what it
/// begins with is not documented.
pub(super) fn unknown(format: Format, path: &str, first: &[u8]) -> (ProblemCode, String) {
    const KNOWN: &str = "expected a capture (pcap, pcapng, snoop, Network Monitor) or an event log (evtx, evt, or their text exports)";
    let end = path.rsplit_once('.').map_or("", |(_, end)| end);
    if end.eq_ignore_ascii_case("ipsec") && !first.is_empty() {
        let text = "a policy of `netsh ipsec static exportpolicy`, whose format is not documented; print it as a script with `netsh ipsec dump`, for `plainsight policy import`";
        return (ProblemCode::UnsupportedFormat, text.to_owned());
    }
    match (format, first) {
        (_, []) => (ProblemCode::Empty, "the file is empty".to_owned()),
        (Format::Text, _) => (ProblemCode::UnknownFormat, format!("it begins with text; {KNOWN}")),
        (_, first) => {
            let hex: Vec<String> = first.iter().map(|octet| format!("{octet:02x}")).collect();
            (ProblemCode::UnknownFormat, format!("it begins with {}; {KNOWN}", hex.join(" ")))
        }
    }
}
