//! `plainsight analyze`: evidence in, a report out.

use super::judging::{Judging, Read};
use super::progress::Progress;
use super::reading::Reading;
use super::{ExitStatus, Failure, interrupted};
use crate::analysis::{AgainError, judge, read_parts};
use crate::carve::{Carving, Reach, carve};
use crate::report::publish::Staging;

/// Find what was not protected, when and why
///
/// Reads captures and event logs, recognized by their content, and writes report.json, the tables
/// as CSV, an HTML page and a manifest with the SHA-256 of every file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    judging: Judging,
    #[command(flatten)]
    reading: Reading,
    /// Write the packets behind each finding to DIR/evidence: those at the edges of windows, or all of them (`full`)
    #[arg(
        long,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "edges"
    )]
    carve: Option<ReachName>,
}

/// How much is carved, by the names of the option's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ReachName {
    /// Cited frames, negotiations, and five seconds around the edges of windows.
    Edges,
    /// Whole windows instead of their edges.
    Full,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    if args.carve.is_some() && args.reading.reads_a_stream() {
        let what = anyhow::anyhow!(
            "--carve reads captures twice, and standard input or a pipe can be read only once"
        );
        return Err(Failure::usage(what, "save it to a file first"));
    }
    let asked = args.judging.prepare()?;
    let question = asked.question();
    let request = args.reading.request(&args.judging.out, question.policy.clone())?;
    let progress = args.reading.progress().naming_files(args.judging.verbose);
    let mut staging = asked.stage()?;
    let parts = read_parts(&request, args.reading.threads(), &progress);
    progress.done();
    let analysis = judge(parts.map_err(interrupted)?, &question);
    if let Some(name) = args.carve {
        let carving = Carving { analysis: &analysis, request: &request, reach: name.reach() };
        let carved = carve_into(&mut staging, carving, &progress);
        progress.done();
        carved?;
    }
    let read = Read {
        paths: args.reading.paths(),
        with: args.reading.read_with(question.policy),
        threads: args.reading.threads(),
        carve: args.carve.map(|name| name.as_str().to_owned()),
    };
    asked.answer(&analysis, read, Vec::new(), staging)
}

impl ReachName {
    const fn reach(self) -> Reach {
        match self {
            Self::Edges => Reach::Edges,
            Self::Full => Reach::Full,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Edges => "edges",
            Self::Full => "full",
        }
    }
}

fn carve_into(
    staging: &mut Staging,
    carving: Carving<'_>,
    progress: &Progress,
) -> Result<(), Failure> {
    let carved = carve(carving, progress, &mut |name, bytes| staging.carve(name, bytes));
    carved.map_err(|error| match error {
        AgainError::Cancelled(cancelled) => interrupted(cancelled),
        AgainError::Changed(_) => Failure::usage(
            error,
            "nothing was written; analyze evidence that no program is still writing to",
        ),
        AgainError::Unreadable { .. } | AgainError::Unwanted(_) => Failure::usage(
            error,
            "nothing was written; without --carve, standard input is read once",
        ),
    })
}
