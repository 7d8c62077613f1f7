//! What went in and what came out, each with its SHA-256, and when and where that was done.
//!
//! The only place that asks for the time. Checking a manifest is [`verify`](super::verify)'s work.

use super::build::{SCHEMA_VERSION, tool};
use super::moment::nanos;
use super::schema;
use crate::evidence::{shown_path, visible};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

/// When and where a run takes place.
#[derive(Clone, Debug)]
pub struct Run {
    host: String,
    working_directory: String,
    arguments: Vec<OsString>,
    start: String,
}

impl Run {
    /// A run that begins now.
    #[must_use]
    pub fn begin() -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        Self {
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            working_directory: shown_path(&folder),
            arguments: std::env::args_os().skip(1).collect(),
            start: now(),
        }
    }
}

/// The manifest of a report and the files written for it, `outputs`; `key` is the id of the key that will sign
/// it. The run ends here.
#[must_use]
pub fn manifest(
    report: &schema::Report,
    outputs: Vec<schema::Output>,
    run: &Run,
    key: Option<String>,
) -> schema::Manifest {
    schema::Manifest {
        schema_version: SCHEMA_VERSION.to_owned(),
        tool: tool(),
        options: report.options.clone(),
        case: report.case.clone(),
        pseudonyms: None,
        host: run.host.clone(),
        working_directory: run.working_directory.clone(),
        command: command(&run.arguments),
        arguments: run.arguments.iter().map(|argument| as_text(argument)).collect(),
        signed_with: key,
        start: run.start.clone(),
        end: now(),
        summaries: Vec::new(),
        inputs: report.evidence.iter().map(input).collect(),
        outputs,
    }
}

/// The manifest of a report with pseudonyms: it does not say where it was made, nor with which arguments.
#[cfg(feature = "pseudonyms")]
pub(super) fn pseudonymous(
    report: &schema::Report,
    outputs: Vec<schema::Output>,
    made_from: schema::Pseudonyms,
) -> schema::Manifest {
    let start = now();
    schema::Manifest {
        schema_version: SCHEMA_VERSION.to_owned(),
        tool: tool(),
        options: report.options.clone(),
        case: None,
        pseudonyms: Some(made_from),
        host: String::new(),
        working_directory: String::new(),
        command: String::new(),
        arguments: Vec::new(),
        signed_with: None,
        end: start.clone(),
        start,
        summaries: Vec::new(),
        inputs: report.evidence.iter().map(input).collect(),
        outputs,
    }
}

fn input(file: &schema::Evidence) -> schema::Input {
    schema::Input {
        id: file.id.clone(),
        path: file.path.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
        first_time: file.first_time.clone(),
        last_time: file.last_time.clone(),
    }
}

/// A line that a POSIX shell takes for these arguments.
fn command(arguments: &[OsString]) -> String {
    let quoted = arguments.iter().map(|argument| quoted(argument));
    std::iter::once("plainsight".to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

/// An argument as JSON can hold it: as it was typed where it is text, else spelled as a path is.
fn as_text(argument: &OsStr) -> String {
    argument.to_str().map_or_else(|| shown_path(argument.as_ref()), str::to_owned)
}

/// A word that a POSIX shell takes for this text. Bytes that are no text, and characters that cannot be
/// seen, are recognized by their numbers (dollar-single-quotes, POSIX.1-2024 §2.2.4).
pub(super) fn quoted(word: &OsStr) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,+@%".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if matches!(visible(text), Cow::Borrowed(_)) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        Some(_) | None => {
            let bytes = word.as_encoded_bytes().iter().map(|byte| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                0x20..0x7f => char::from(*byte).to_string(),
                _ => format!("\\{byte:03o}"),
            });
            format!("$'{}'", bytes.collect::<String>())
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the manifest records the time of the run")]
fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

/// When a manifest's run ended, in seconds since 1970.
#[must_use]
pub fn ended(manifest: &schema::Manifest) -> i64 {
    nanos(&manifest.end).unwrap_or_default().div_euclid(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_the_command_for_the_arguments() {
        let check = |arguments: &[&str], expected: &str| {
            let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
            assert_eq!(command(&arguments), expected);
        };
        check(&["analyze", "a.pcap", "--out", "report"], "plainsight analyze a.pcap --out report");
        check(&["a\u{1b}b", "tab\there'\\"], r"plainsight $'a\033b' $'tab\011here\'\\'");
        check(&["it's", "a b", "", "$(x)"], r"plainsight 'it'\''s' 'a b' '' '$(x)'");
    }
}
