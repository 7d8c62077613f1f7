//! `plainsight verify`: whether a report and its evidence are unchanged.

use super::{ExitStatus, Failure, keys, terminal};
use crate::evidence::SIGNATURE;
use crate::report::verify;
use std::io::Write as _;
use std::path::PathBuf;

/// Check a report and its evidence against the manifest
///
/// Computes the SHA-256 of every file that DIR/manifest.json names, of the report and of its evidence,
/// and lists the files that differ, are missing or were added.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of a report
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Check manifest.json.minisig with this minisign public key: its file, or the key itself
    #[arg(long, value_name = "PUBKEY")]
    key: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let key = args.key.as_deref().map(keys::verifying).transpose()?;
    let result = verify(&args.folder, key.as_ref())
        .map_err(|error| Failure::usage(error, "name a folder that `plainsight analyze` wrote"))?;
    let mut out = anstream::stdout().lock();
    for difference in &result.differences {
        let (file, what) = (terminal::escape(&difference.file), terminal::escape(&difference.what));
        writeln!(out, "DIFFERENT  {file}: {what}")?;
    }
    for file in &result.unhashed {
        writeln!(out, "UNCHECKED  {}: its SHA-256 was not recorded", terminal::escape(file))?;
    }
    if result.summarized > 0 {
        let files = result.summarized;
        writeln!(out, "UNCHECKED  evidence: {files} files, of which only summaries were read")?;
    }
    if result.signature_unchecked {
        writeln!(out, "UNCHECKED  {SIGNATURE}: give the public key with --key")?;
    }
    if let Some(comment) = &result.signed {
        writeln!(out, "SIGNED     manifest.json, by this key: {}", terminal::escape(comment))?;
    }
    writeln!(
        out,
        "{} files are unchanged, {} differ, {} could not be checked",
        result.same,
        result.differences.len(),
        result.unhashed.len()
    )?;
    Ok(if result.differences.is_empty() { ExitStatus::Done } else { ExitStatus::Differs })
}
