//! The types of manifest.json, and nothing else.
//!
//! A promise like report.json's: fields are added and never renamed.

use super::schema::{Case, Options, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// manifest.json.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The version of this layout.
    pub schema_version: String,
    /// Who wrote it.
    pub tool: Tool,
    /// What was asked.
    pub options: Options,
    /// What `--case` says; null without it.
    #[serde(default)]
    pub case: Option<Case>,
    /// Of a report with pseudonyms, what it was made from; null for others.
    #[serde(default)]
    pub pseudonyms: Option<Pseudonyms>,
    /// The computer it ran on.
    pub host: String,
    /// The folder it ran in: relative paths start there.
    pub working_directory: String,
    /// How to do it again: a line for a POSIX shell, in `working_directory`.
    #[serde(default)]
    pub command: String,
    /// The same, argument by argument, without the program's name.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// The id of the key whose signature is in manifest.json.minisig; null where it was not
    /// signed.
    #[serde(default)]
    pub signed_with: Option<String>,
    /// When the run began.
    pub start: String,
    /// When it ended.
    pub end: String,
    /// Every file of evidence; where the report was made of summaries, as they show of it.
    pub inputs: Vec<Input>,
    /// The summaries that were read instead of evidence; left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub summaries: Vec<SummaryInput>,
    /// Every file that was written beside this one.
    pub outputs: Vec<Output>,
}

/// What a report with pseudonyms was made from.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Pseudonyms {
    /// The SHA-256 of the manifest of the original report.
    pub manifest_sha256: String,
    /// Files of carved packets that were left out.
    pub carved_left_out: usize,
    /// Whether case data were left out.
    pub case_left_out: bool,
}

/// A file that was read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Input {
    /// Its id in the report.
    pub id: String,
    /// Its path as it was found.
    pub path: String,
    /// Its length.
    pub size_bytes: u64,
    /// Its identity.
    pub sha256: Option<String>,
    /// Time of its earliest frame or record.
    pub first_time: Option<String>,
    /// Time of its latest frame or record.
    pub last_time: Option<String>,
}

/// A file of summaries that was read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SummaryInput {
    /// Its path as it was found.
    pub path: String,
    /// Its length.
    pub size_bytes: u64,
    /// Its identity.
    pub sha256: String,
}

/// A file that was written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub size_bytes: u64,
    /// Its identity.
    pub sha256: String,
}
