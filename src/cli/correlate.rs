//! `plainsight correlate`: summaries in, a report out, under any policy.

use super::judging::{Judging, Read};
use super::terminal::{self, Problems};
use super::{ExitStatus, Failure};
use crate::analysis::judge;
use crate::evidence::{Found, SUMMARY_MAGIC, discover, open, open_stream, sha256};
use crate::findings;
use crate::protection::NamedPorts;
use crate::report::schema::SummaryInput;
use crate::summary::{Damaged, Joining, Listed, Member, SummaryError, SummaryFile};
use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

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
    /// List of files that must have been summarized, in the format of `sha256sum`; missing files are named,
    /// and the exit status is 3
    #[arg(long, value_name = "LIST")]
    expect: Option<PathBuf>,
    /// If a summary is damaged, judge the others; the damaged one is named, and the exit status is 3
    #[arg(long)]
    skip_damaged: bool,
    #[command(flatten)]
    judging: Judging,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let asked = args.judging.prepare()?;
    let question = asked.question();
    let expected = args.expect.as_deref().map(listed).transpose()?.unwrap_or_default();
    let staging = asked.stage()?;
    let given = Given::read_summaries(args)?;
    let ports = NamedPorts(question.policy.named_ports()).beyond_known();
    let Given { inputs, files, damaged, .. } = given;
    let joining = Joining {
        files: &files,
        ports: &ports,
        expected: &expected,
        damaged: &damaged,
        skips_damaged: args.skip_damaged,
    };
    let joined = joining.join().map_err(|error| {
        let remedy = error.remedy();
        Failure::usage(error, remedy)
    })?;
    drop(files);
    let analysis = judge(joined.parts, &question);
    let read = Read { paths: joined.paths, with: joined.read_with, threads: None, carve: None };
    asked.answer(&analysis, read, inputs, staging)
}

/// The summaries that were given.
#[derive(Default)]
struct Given {
    inputs: Vec<SummaryInput>,
    files: Vec<SummaryFile>,
    /// Summaries that cannot be read, where the others are judged anyway.
    damaged: Vec<Damaged>,
    known: BTreeSet<String>,
}

impl Given {
    fn read_summaries(args: &Args) -> Result<Self, Failure> {
        let mut given = Self::default();
        let mut foreign = Vec::new();
        for found in discover(&args.summaries, Some(&args.judging.out)) {
            if args.judging.verbose {
                terminal::print_reading(&found.shown);
            }
            match given.add(&found) {
                Ok(()) => {}
                Err(Refused::Foreign(_)) if !found.explicit && !is_named_summary(&found) => {
                    foreign.push(found.shown);
                }
                Err(Refused::Damaged(damaged, _)) if args.skip_damaged => {
                    given.damaged.push(damaged);
                }
                Err(Refused::Foreign(error) | Refused::Damaged(_, error)) => return Err(error),
            }
        }
        let mut problems = Problems::new(args.judging.verbose);
        for shown in &foreign {
            let shown = terminal::escape(shown);
            problems.of_file([format!("`{shown}` is not a summary; skipped")].into_iter());
        }
        problems.end("--verbose names all");
        Ok(given)
    }

    fn add(&mut self, found: &Found) -> Result<(), Refused> {
        let bytes = bytes_of(found)?;
        let (size_bytes, sha256) = (bytes.len() as u64, sha256(&bytes));
        let path = found.shown.clone();
        let file = SummaryFile::read(&found.shown, bytes).map_err(|error| {
            let remedy = error.remedy();
            let is_foreign = matches!(error, SummaryError::Foreign(_)) && !is_named_summary(found);
            let what = error.to_string();
            let failure = Failure::usage(error, remedy);
            if is_foreign {
                return Refused::Foreign(failure);
            }
            let file =
                Member { path: path.clone(), size: size_bytes, sha256: Some(sha256.clone()) };
            Refused::Damaged(Damaged { file, what }, failure)
        })?;
        self.inputs.push(SummaryInput { path, size_bytes, sha256: sha256.clone() });
        // A copy of a summary adds nothing.
        if self.known.insert(sha256) {
            self.files.push(file);
        }
        Ok(())
    }
}

/// Why a file is not used.
enum Refused {
    /// It is of another kind.
    Foreign(Failure),
    /// It is a summary that cannot be read.
    Damaged(Damaged, Failure),
}

/// Whether its name is that of a summary, whatever its first bytes are.
fn is_named_summary(found: &Found) -> bool {
    found.path.extension().is_some_and(|extension| extension == "summary")
}

/// A whole file, or standard input where it is `-`; only the first bytes of a file that is no summary.
fn bytes_of(found: &Found) -> Result<Vec<u8>, Refused> {
    const HINT: &str = "name files that `plainsight summarize` wrote, or their folder";
    let shown = &found.shown;
    let unread = |what: anyhow::Error| {
        let file = Member { path: shown.clone(), size: found.size, sha256: None };
        let words: Vec<String> = what.chain().map(ToString::to_string).collect();
        let failure = Failure::usage(what, HINT);
        if found.explicit || is_named_summary(found) {
            Refused::Damaged(Damaged { file, what: words.join(": ") }, failure)
        } else {
            Refused::Foreign(failure)
        }
    };
    if let Some(problem) = &found.problem {
        return Err(unread(anyhow::anyhow!("`{shown}`: {}", findings::problem(problem))));
    }
    let read = if found.is_stream {
        open_stream(&found.path).and_then(summary_of)
    } else {
        open(&found.path).and_then(summary_of)
    };
    let bytes = read.map_err(|error| {
        unread(anyhow::Error::new(error).context(format!("cannot read `{shown}`")))
    })?;
    if bytes.len() as u64 > MOST_BYTES {
        let what = anyhow::anyhow!("`{shown}` is larger than {MOST_BYTES} bytes");
        let file = Member { path: shown.clone(), size: found.size, sha256: None };
        let damaged = Damaged { file, what: what.to_string() };
        let hint = "split its evidence into several summaries (--out FOLDER)";
        return Err(Refused::Damaged(damaged, Failure::usage(what, hint)));
    }
    Ok(bytes)
}

fn summary_of(mut reader: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.by_ref().take(SUMMARY_MAGIC.len() as u64).read_to_end(&mut bytes)?;
    if bytes == SUMMARY_MAGIC {
        reader.take(MOST_BYTES + 1 - bytes.len() as u64).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn listed(path: &Path) -> Result<Vec<Listed>, Failure> {
    let named = || format!("--expect {}", crate::evidence::shown_path(path));
    let mut bytes = Vec::new();
    let read = open(path).and_then(|file| file.take(MOST_LIST).read_to_end(&mut bytes));
    read.map_err(|error| {
        let what = anyhow::Error::new(error).context(named());
        Failure::usage(what, "name a list as `sha256sum` writes it")
    })?;
    Listed::read(&String::from_utf8_lossy(&bytes)).map_err(|error| {
        let what = anyhow::Error::new(error).context(named());
        Failure::usage(what, "make the list with `sha256sum FILE... > LIST`")
    })
}

/// Summaries are held in memory while they are judged.
const MOST_BYTES: u64 = 1 << 30;
/// More than a list of a hundred thousand files needs.
const MOST_LIST: u64 = 64 << 20;
