//! `plainsight analyze`: evidence in, a report out.

use super::judging::{Judging, Read};
use super::reading::Reading;
use super::{ExitStatus, Failure, interrupted};
use crate::analysis::{judge, read_parts};

/// Find what was not protected, when and why
///
/// Reads captures and event logs, told apart by their content, and writes report.json, the tables
/// as CSV, a page for people and a manifest with the SHA-256 of everything.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    judging: Judging,
    #[command(flatten)]
    reading: Reading,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let asked = args.judging.prepare()?;
    let question = asked.question();
    let request = args.reading.request(&args.judging.out, question.policy.clone());
    let progress = args.reading.progress();
    let parts = read_parts(&request, args.reading.threads(), &progress);
    progress.done();
    let analysis = judge(parts.map_err(interrupted)?, &question);
    let with = args.reading.read_with(question.policy);
    asked.answer(&analysis, Read { paths: args.reading.paths(), with }, Vec::new())
}
