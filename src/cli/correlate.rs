//! `plainsight correlate`: summaries in, a report out, under any policy.

use super::judging::{Judging, Read};
use super::{ExitStatus, Failure, terminal};
use crate::analysis::judge;
use crate::evidence::{Found, discover, open, sha256};
use crate::protection::NamedPorts;
use crate::report::schema::SummaryInput;
use crate::summary::{SummaryFile, join_summaries};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;

/// Build a report from saved summaries under a given policy
///
/// Builds from the files of `plainsight summarize` the report that `plainsight analyze` builds from
/// the evidence. The policy, the gap and the clock offsets can be changed without reading a capture
/// again.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Summaries that `plainsight summarize` wrote, or folders of them; `-` reads standard input
    #[arg(required = true, value_name = "SUMMARY")]
    summaries: Vec<PathBuf>,
    #[command(flatten)]
    judging: Judging,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let asked = args.judging.prepare()?;
    let question = asked.question();
    let staging = asked.stage()?;
    let mut inputs = Vec::new();
    let mut files = Vec::new();
    let mut known = BTreeSet::new();
    for found in discover(&args.summaries, Some(&args.judging.out)) {
        if args.judging.verbose {
            terminal::tell_reading(&found.shown);
        }
        let octets = octets_of(&found)?;
        let (size_bytes, sha256) = (octets.len() as u64, sha256(&octets));
        inputs.push(SummaryInput { path: found.shown.clone(), size_bytes, sha256: sha256.clone() });
        let file = SummaryFile::read(&found.shown, octets);
        let file = file.map_err(|error| {
            let remedy = error.remedy();
            Failure::usage(error, remedy)
        })?;
        // A copy of a summary says nothing new.
        if known.insert(sha256) {
            files.push(file);
        }
    }
    let ports = NamedPorts(question.policy.named_ports()).beyond_known();
    let joined = join_summaries(&files, &ports).map_err(|error| {
        let remedy = error.remedy();
        Failure::usage(error, remedy)
    })?;
    drop(files);
    let analysis = judge(joined.parts, &question);
    let read = Read { paths: joined.paths, with: joined.read_with, carve: None };
    asked.answer(&analysis, read, inputs, staging)
}

/// A whole file, or standard input where it is `-`.
fn octets_of(found: &Found) -> Result<Vec<u8>, Failure> {
    const HINT: &str = "name files that `plainsight summarize` wrote, or their folder";
    let shown = &found.shown;
    if let Some(problem) = &found.problem {
        return Err(Failure::usage(anyhow::anyhow!("`{shown}`: {}", problem.text), HINT));
    }
    let mut octets = Vec::new();
    let most = MOST_OCTETS + 1;
    let read = if found.path.as_os_str() == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut octets)
    } else {
        open(&found.path).and_then(|file| file.take(most).read_to_end(&mut octets))
    };
    read.map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context(format!("cannot read `{shown}`")), HINT)
    })?;
    if octets.len() as u64 > MOST_OCTETS {
        let what = anyhow::anyhow!("`{shown}` is larger than {MOST_OCTETS} bytes");
        return Err(Failure::usage(
            what,
            "split its evidence into several summaries (--out FOLDER)",
        ));
    }
    Ok(octets)
}

/// Summaries are held in memory while they are judged.
const MOST_OCTETS: u64 = 1 << 30;
