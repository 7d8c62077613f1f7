//! `plainsight summarize`: evidence in, summaries out, to be judged later, elsewhere, or again.

use super::reading::Reading;
use super::{ExitStatus, Failure, interrupted, judging, terminal};
use crate::analysis::{Request, read_parts};
use crate::evidence::{Content, Evidence, ProblemCode, discover, sha256, shown_path};
use crate::policy::Policy;
use crate::report::publish::{NewFile, PublishError, Staging, destination};
use crate::summary::{Member, Part, SummarySet, write_summary};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Read evidence once and save summaries for `plainsight correlate`
///
/// A summary holds all facts that a report needs, without a judgement: `plainsight correlate` builds
/// from it the report that `plainsight analyze` would write, under any policy, without the evidence.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// NAME.summary: one file for everything; otherwise a folder with one summary for each file
    #[arg(long, value_name = "DIR|NAME.summary")]
    out: PathBuf,
    /// Also keep the ports that this policy names apart; only needed for unregistered ports above
    /// 1023
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let policy = match &args.policy {
        Some(path) => super::policy::read(path)?.0,
        None => Policy::default(),
    };
    let is_one_file = args.out.extension().is_some_and(|extension| extension == EXTENSION);
    let progress = args.reading.progress();
    let place = Place::at(&args.out, is_one_file).map_err(judging::refused)?;
    if !is_one_file {
        refuse_many(discover(args.reading.given(), Some(&args.out)).len())?;
    }
    let read_with = args.reading.read_with(&policy);
    let request = Request { for_later: true, ..args.reading.request(&args.out, policy)? };
    let parts = read_parts(&request, args.reading.threads(), &progress);
    progress.done();
    let parts = parts.map_err(interrupted)?;
    let set = SummarySet {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        read_with,
        paths: args.reading.paths(),
        members: parts.iter().map(|part| Member::of(&part.evidence)).collect(),
    };
    tell_problems(&mut anstream::stderr().lock(), &parts);
    let mut out = anstream::stdout().lock();
    place.put(&set, &parts, &mut out)?;
    out.flush()?;
    Ok(judging::read(parts.iter().map(|part| &part.evidence)))
}

/// Where summaries go.
enum Place<'a> {
    /// All of them into one file.
    File(&'a Path, NewFile),
    /// Each into a file of its own.
    Folder(&'a Path, Staging),
}

impl<'a> Place<'a> {
    /// Begins, before any work, where nothing exists yet.
    fn at(out: &'a Path, is_one_file: bool) -> Result<Self, PublishError> {
        if is_one_file {
            Ok(Self::File(out, NewFile::begin(out)?))
        } else {
            Ok(Self::Folder(out, destination(out, false)?.stage()?))
        }
    }

    fn put(self, set: &SummarySet, parts: &[Part], out: &mut impl Write) -> Result<(), Failure> {
        let written = |parts: &[(usize, &Part)]| {
            write_summary(set, parts).map_err(|error| {
                Failure::usage(error, "this is a bug in plainsight; please report it")
            })
        };
        match self {
            Self::File(path, new) => {
                let all: Vec<(usize, &Part)> = parts.iter().enumerate().collect();
                let octets = written(&all)?;
                new.publish(&octets).map_err(judging::refused)?;
                for part in parts {
                    tell(out, &part.evidence)?;
                }
                tell_file(out, path, &octets)?;
            }
            Self::Folder(folder, staging) => {
                let mut files = Vec::with_capacity(parts.len());
                for (member, part) in parts.iter().enumerate() {
                    let name = format!("{}.{EXTENSION}", part.evidence.id);
                    files.push((name, written(&[(member, part)])?));
                }
                let named = files.iter().map(|(name, octets)| (name.as_str(), octets.as_slice()));
                staging.publish_files(named).map_err(judging::refused)?;
                for (part, (name, octets)) in parts.iter().zip(&files) {
                    tell(out, &part.evidence)?;
                    tell_file(out, &folder.join(name), octets)?;
                }
            }
        }
        Ok(())
    }
}

/// Before they are read: each summary names all others of its run, so that a missing one is missed.
fn refuse_many(files: usize) -> Result<(), Failure> {
    if files <= MOST_FILES {
        return Ok(());
    }
    let what = anyhow::anyhow!("{files} files are too many for a summary each");
    Err(Failure::usage(what, "put them into one with --out NAME.summary"))
}

fn tell(out: &mut impl Write, file: &Evidence) -> io::Result<()> {
    let what = match file.content {
        Content::Capture { .. } => "frames",
        Content::Log { .. } => "records",
        Content::Nothing => return writeln!(out, "{} {}: nothing read", file.id, path(file)),
    };
    writeln!(out, "{} {}: {} {what}, {} bytes", file.id, path(file), file.records, file.size)
}

fn tell_file(out: &mut impl Write, path: &Path, octets: &[u8]) -> io::Result<()> {
    let path = shown_path(path);
    writeln!(out, "   in {path}: {} bytes, SHA-256 {}", octets.len(), sha256(octets))
}

fn tell_problems(error: &mut impl Write, parts: &[Part]) {
    for file in parts.iter().map(|part| &part.evidence) {
        let told = file.problems.iter().filter(|problem| problem.code != ProblemCode::NotEvidence);
        for problem in told.take(MOST_PROBLEMS) {
            let text = terminal::escape(&problem.text);
            let code = problem.code.as_str();
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(error, "plainsight: {} `{}`: {code}: {text}", file.id, path(file));
        }
    }
}

fn path(file: &Evidence) -> String {
    terminal::escape(&file.path)
}

const EXTENSION: &str = "summary";
const MOST_FILES: usize = 1_000;
/// Of each file; the report has them all.
const MOST_PROBLEMS: usize = 10;
