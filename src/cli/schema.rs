//! `plainsight schema`: the layout of report.json as JSON Schema, made from the types that write it.

use super::{ExitStatus, Failure};
use crate::report;
use std::io::Write as _;

/// Print the JSON Schema of report.json
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the schema of manifest.json instead
    #[arg(long)]
    manifest: bool,
    /// Print the schema of `compare --json` instead
    #[arg(long, conflicts_with = "manifest")]
    comparison: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let schema = match (args.manifest, args.comparison) {
        (true, _) => report::schema::manifest_schema(),
        (false, true) => report::schema::comparison_schema(),
        (false, false) => report::schema::report_schema(),
    };
    let bytes = report::to_json(&schema).map_err(super::failure::broken)?;
    anstream::stdout().lock().write_all(&bytes)?;
    Ok(ExitStatus::Done)
}
