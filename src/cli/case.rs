//! Reads the file of `--case`, and words its errors.

use super::Failure;
use crate::evidence::{open, sha256, shown_path};
use crate::report::{read_case, schema::Case};
use anyhow::Context as _;
use std::io::Read as _;
use std::path::Path;

/// Case data as the file gives them.
pub(super) struct Given {
    pub(super) case: Case,
    /// The digest of the file.
    pub(super) sha256: String,
}

/// Reads a file of case data.
pub(super) fn read_case_file(path: &Path) -> Result<Given, Failure> {
    let shown = shown_path(path);
    let mut bytes = Vec::new();
    let read = open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("cannot read the case data `{shown}`"))
        .map_err(|cause| Failure::usage(cause, "name a TOML file with --case"))?;
    if bytes.len() as u64 > MOST {
        let what = anyhow::anyhow!("the case data `{shown}` have more than {MOST} bytes");
        return Err(Failure::usage(what, HINT));
    }
    let text = std::str::from_utf8(&bytes)
        .with_context(|| format!("the case data `{shown}` are not UTF-8 text"))
        .map_err(|cause| Failure::usage(cause, "save the file as UTF-8"))?;
    let case = read_case(text)
        .with_context(|| format!("case data `{shown}`"))
        .map_err(|cause| Failure::usage(cause, HINT))?;
    Ok(Given { case, sha256: sha256(&bytes) })
}

const HINT: &str = "the keys are number, organisation, examiner, purpose, notes and time_zone, each a text in quotes";
/// More than all values together can have.
const MOST: u64 = 64 << 10;
