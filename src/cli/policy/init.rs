//! `plainsight policy init`: a policy proposed from evidence.

use crate::analysis::{Request, analyze};
use crate::cli::exit::status_of_analysis;
use crate::cli::progress::{Progress, When};
use crate::cli::reading::refuse_missing;
use crate::cli::{ExitStatus, Failure, interrupted, terminal};
use crate::policy::Policy;
use crate::report::{self, Sources, schema};
use std::io::Write as _;
use std::path::PathBuf;

/// Propose a policy from evidence, on standard output, for a person to edit
///
/// Proposes a rule for each two hosts that show IPsec between them and names the frames it is based on;
/// comments list the clear text between them. It proposes no exemptions; add those that you want.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Captures, logs, or folders; `-` reads standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Show progress on standard error
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    progress: When,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    refuse_missing(&args.paths)?;
    let request = Request::of(args.paths.clone(), Policy::default());
    let progress = Progress::new(args.progress);
    let analysis = analyze(&request, None, &progress);
    progress.done();
    let analysis = analysis.map_err(interrupted)?;
    let mut out = anstream::stdout().lock();
    out.write_all(report::propose(&analysis.facts).as_bytes())?;
    out.flush()?;
    let sources = Sources {
        evidence: &analysis.evidence,
        outside_span: analysis.outside_span,
        facts: &analysis.facts,
        findings: &analysis.findings,
    };
    let report = report::build(&sources, schema::Options::of_inspection(&args.paths));
    terminal::print_problems(
        &report,
        false,
        "`plainsight analyze` writes all of them to report.json",
    );
    Ok(status_of_analysis(&analysis, None))
}
