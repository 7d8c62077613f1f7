//! `plainsight verify`: whether a report and its evidence are unchanged.

use super::{ExitStatus, Failure, terminal};
use crate::report::verify;
use std::io::Write as _;
use std::path::PathBuf;

/// Check a report and its evidence against the manifest
///
/// Takes the SHA-256 of every file that DIR/manifest.json names and says which differ.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of a report
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let result = verify(&args.folder)
        .map_err(|error| Failure::usage(error, "name a folder that `plainsight analyze` wrote"))?;
    let mut out = anstream::stdout().lock();
    for difference in &result.differences {
        let (file, what) = (terminal::escape(&difference.file), terminal::escape(&difference.what));
        writeln!(out, "DIFFERENT  {file}: {what}")?;
    }
    for file in &result.unhashed {
        writeln!(out, "UNCHECKED  {}: its SHA-256 was not recorded", terminal::escape(file))?;
    }
    writeln!(
        out,
        "{} files are the same, {} differ, {} could not be checked",
        result.same,
        result.differences.len(),
        result.unhashed.len()
    )?;
    Ok(if result.differences.is_empty() { ExitStatus::Done } else { ExitStatus::Differs })
}
