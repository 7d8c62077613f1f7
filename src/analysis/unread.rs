//! What is said of a file that is in no form that is read.

use crate::evidence::{FileProblem, Format, FormatProblem, ProblemKind};

/// Beside an archived log Windows puts LocaleMetaData/NAME_LCID.MTA: its messages in one language.
pub(super) fn is_rendered_text(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = folder.rsplit('/').next().unwrap_or_default();
    let is_messages = name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("mta"));
    folder.eq_ignore_ascii_case("LocaleMetaData") && is_messages
}

/// What is wrong with a file in no format that is read, by its first bytes; an exported policy is recognized by its
/// name, because its first bytes are not documented.
pub(super) fn unknown(format: Format, path: &str, first: &[u8]) -> ProblemKind {
    let end = path.rsplit_once('.').map_or("", |(_, end)| end);
    if end.eq_ignore_ascii_case("ipsec") && !first.is_empty() {
        return FormatProblem::PolicyExport.into();
    }
    match (format, first) {
        (_, []) => FileProblem::Empty.into(),
        (Format::Text, first) if is_like_json(first) => FormatProblem::UnknownJson.into(),
        (Format::Text, _) => FormatProblem::UnknownText.into(),
        (_, first) => FormatProblem::UnknownBytes(first.to_vec()).into(),
    }
}

fn is_like_json(first: &[u8]) -> bool {
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    matches!(text, [b'{' | b'[', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_no_known_tool_is_named() {
        let json: ProblemKind = FormatProblem::UnknownJson.into();
        let says = |first: &[u8]| unknown(Format::Text, "a.json", first) == json;
        assert!(says(b"{\"preview") && says(b"\xef\xbb\xbf [") && says(b"\n{"));
        assert!(!says(b"date;sou") && !says(b"<x/>"));
    }
}
