//! `plainsight summarize`: evidence in, summaries out, to be judged later, elsewhere, or again.

mod target;

use super::exit::status_of_evidence;
use super::failure::broken;
use super::reading::Reading;
use super::terminal::Problems;
use super::{ExitStatus, Failure, interrupted, options, terminal};
use crate::analysis::{Request, read_parts};
use crate::evidence::{Content, Evidence, ProblemCode, shown_path};
use crate::findings;
use crate::policy::Policy;
use crate::report::to_json;
use crate::summary::{Member, Part, SummarySet, labelled};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;
use target::{Known, Put, Target, Written};

/// Read evidence once and save summaries for `plainsight correlate`
///
/// A summary holds all facts that a report needs, without a judgement: `plainsight correlate` builds
/// from it the report that `plainsight analyze` would write, under any policy, without the evidence.
/// In a folder of summaries only those of new and changed files are added.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// NAME.summary: one file for everything; otherwise a folder with one summary for each file
    #[arg(long, value_name = "DIR|NAME.summary")]
    out: PathBuf,
    /// Also keep the ports that this policy names apart; only needed for unregistered ports above
    /// 1023
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Put LABEL/ before every path, so that files of two machines with the same path stay apart
    #[arg(long, value_name = "LABEL", value_parser = options::label)]
    host: Option<String>,
    /// Replace a summary that has different content (identical content is never an error)
    #[arg(long)]
    force: bool,
    /// Print what was read and written as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let policy = match &args.policy {
        Some(path) => super::policy::read_policy(path)?.0,
        None => Policy::default(),
    };
    let label = args.host.as_deref();
    let progress = args.reading.progress();
    let read_with = args.reading.read_with(&policy);
    let request = args.reading.request(&args.out, policy)?;
    let place = Target::at(&args.out, args.force)?;
    let known = place.known(args.reading.given(), label, &read_with)?;
    let request = Request { for_later: true, known: known.paths.clone(), ..request };
    let parts = read_parts(&request, args.reading.threads(), &progress);
    progress.done();
    let mut parts = parts.map_err(interrupted)?;
    let mut paths = args.reading.paths();
    if let Some(label) = label {
        parts.iter_mut().for_each(|part| part.label(label));
        paths.iter_mut().for_each(|path| *path = labelled(label, path));
    }
    let members = parts.iter().map(|part| Member::of(&part.evidence));
    let mut members: Vec<Member> =
        members.chain(known.members.iter().map(|(member, _)| member.clone())).collect();
    if !known.members.is_empty() {
        members.sort();
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let set = SummarySet { version, read_with, paths, members };
    print_problems(&parts);
    let put = place.put(&set, &parts, args.force)?;
    let mut out = anstream::stdout().lock();
    if args.json {
        out.write_all(&to_json(&JsonOutput::new(&parts, &known, &put)).map_err(broken)?)?;
    } else {
        print_summaries(&mut out, &parts, &known, &put)?;
    }
    out.flush()?;
    if parts.is_empty() && !known.members.is_empty() {
        return Ok(ExitStatus::Done);
    }
    Ok(status_of_evidence(parts.iter().map(|part| &part.evidence)))
}

/// The output of `--json`.
#[derive(Serialize)]
struct JsonOutput<'t> {
    /// Every file that was read.
    files: Vec<JsonFile<'t>>,
    /// Every file that an older summary holds unchanged.
    known: Vec<JsonKnown<'t>>,
    /// The summary that names all files of the run; null where one file holds everything.
    run: Option<JsonSummary<'t>>,
}

#[derive(Serialize)]
struct JsonFile<'t> {
    path: &'t str,
    /// `capture`, `log` or `none`.
    kind: &'static str,
    size_bytes: u64,
    sha256: Option<&'t str>,
    /// Frames of a capture, records of a log.
    records: u64,
    problems: Vec<JsonProblem>,
    summary: Option<JsonSummary<'t>>,
}

#[derive(Serialize)]
struct JsonProblem {
    code: &'static str,
    text: String,
    offset: Option<u64>,
}

#[derive(Serialize)]
struct JsonKnown<'t> {
    path: &'t str,
    size_bytes: u64,
    sha256: Option<&'t str>,
    summary: &'t str,
}

#[derive(Serialize)]
struct JsonSummary<'t> {
    path: String,
    size_bytes: u64,
    sha256: &'t str,
    /// False where the same summary existed already.
    is_new: bool,
}

impl<'t> JsonOutput<'t> {
    fn new(parts: &'t [Part], known: &'t Known, put: &'t Put) -> Self {
        let summary = |number: usize| match put {
            Put::One(written) => Some(written),
            Put::Each(each, _) => each.get(number),
        };
        let file = |(number, part): (usize, &'t Part)| {
            let evidence = &part.evidence;
            let problem = |problem: &'t crate::evidence::Problem| JsonProblem {
                code: problem.code().as_str(),
                text: findings::problem(problem),
                offset: problem.offset,
            };
            JsonFile {
                path: &evidence.path,
                kind: match evidence.content {
                    Content::Capture { .. } => "capture",
                    Content::Log { .. } => "log",
                    Content::Nothing => "none",
                },
                size_bytes: evidence.size,
                sha256: evidence.sha256.as_deref(),
                records: evidence.records,
                problems: evidence.problems.iter().map(problem).collect(),
                summary: summary(number).map(JsonSummary::new),
            }
        };
        let known = known.members.iter().map(|(member, summary)| JsonKnown {
            path: &member.path,
            size_bytes: member.size,
            sha256: member.sha256.as_deref(),
            summary,
        });
        Self {
            files: parts.iter().enumerate().map(file).collect(),
            known: known.collect(),
            run: match put {
                Put::One(_) => None,
                Put::Each(_, run) => Some(JsonSummary::new(run)),
            },
        }
    }
}

impl<'t> JsonSummary<'t> {
    fn new(written: &'t Written) -> Self {
        let Written { path, size, sha256, is_new } = written;
        Self { path: shown_path(path), size_bytes: *size, sha256, is_new: *is_new }
    }
}

fn print_summaries(
    out: &mut impl Write,
    parts: &[Part],
    known: &Known,
    put: &Put,
) -> io::Result<()> {
    let (each, last) = match put {
        Put::One(last) => (&[][..], last),
        Put::Each(each, last) => (each.as_slice(), last),
    };
    for (number, part) in parts.iter().enumerate() {
        print_file(out, &part.evidence)?;
        if let Some(summary) = each.get(number) {
            print_summary(out, summary)?;
        }
    }
    for (member, summary) in &known.members {
        writeln!(out, "{}: unchanged, in {summary}", terminal::escape(&member.path))?;
    }
    if !each.is_empty() || !known.members.is_empty() {
        writeln!(out, "All files by name")?;
    }
    print_summary(out, last)
}

fn print_file(out: &mut impl Write, file: &Evidence) -> io::Result<()> {
    let what = match file.content {
        Content::Capture { .. } => "frames",
        Content::Log { .. } => "records",
        Content::Nothing => return writeln!(out, "{} {}: not read", file.id, path(file)),
    };
    writeln!(out, "{} {}: {} {what}, {} bytes", file.id, path(file), file.records, file.size)
}

fn print_summary(out: &mut impl Write, written: &Written) -> io::Result<()> {
    let Written { path, size, sha256, is_new } = written;
    let there = if *is_new { "" } else { ", already present" };
    writeln!(out, "   in {}: {size} bytes, SHA-256 {sha256}{there}", shown_path(path))
}

fn print_problems(parts: &[Part]) {
    let mut printed = Problems::new(false);
    for file in parts.iter().map(|part| &part.evidence) {
        let problems = file.problems.iter().filter(|p| p.code() != ProblemCode::NotEvidence);
        let lines = problems.map(|problem| {
            let (code, text) =
                (problem.code().as_str(), terminal::escape(&findings::problem(problem)));
            format!("{} `{}`: {code}: {text}", file.id, path(file))
        });
        printed.of_file(lines);
    }
    printed.end("--json lists all");
}

fn path(file: &Evidence) -> String {
    terminal::escape(&file.path)
}
