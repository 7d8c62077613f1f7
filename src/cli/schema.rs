//! `plainsight schema`: the layout of report.json as JSON Schema, made from the types that write it.

use super::{ExitStatus, Failure};
use crate::report;
use std::io::Write as _;

/// Print the JSON Schema of report.json
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print that of manifest.json instead
    #[arg(long)]
    manifest: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let schema = if args.manifest {
        report::schema::manifest_schema()
    } else {
        report::schema::report_schema()
    };
    let bytes = report::to_json(&schema).map_err(super::analyze::broken)?;
    anstream::stdout().lock().write_all(&bytes)?;
    Ok(ExitStatus::Done)
}
