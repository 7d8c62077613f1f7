//! `plainsight analyze`: evidence in, a report out.

use super::options::{self, GivenOffset, Protect};
use super::progress::{Progress, When};
use super::terminal::{self, Detail};
use super::{ExitStatus, Failure, keys};
use crate::analysis::{Analysis, Request, analyze};
use crate::correlate::GapRule;
use crate::evidence::{Content, sha256};
use crate::findings::Severity;
use crate::policy::Policy;
use crate::report::publish::{Destination, PublishError, destination, publish};
use crate::report::{self, File, Format, KeyError, Run, SIGNATURE, SigningKey, Sources, schema};
use crate::time::{Resolution, Timestamp};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Find what was not protected, when and why
///
/// Reads captures and event logs, told apart by their content, and writes report.json, the tables
/// as CSV, a page for people and a manifest with the SHA-256 of everything.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Captures, logs, or folders searched recursively; `-` reads standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The folder for the report
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What ought to have been protected (TOML, see docs/policy.md)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Host or network A to B must be protected (repeatable)
    #[arg(long, value_name = "A=B", value_parser = options::protect)]
    protect: Vec<Protect>,
    /// Clear packets further apart than this open a new window
    #[arg(long, value_name = "DUR", default_value = "30s", value_parser = options::gap)]
    gap: GapRule,
    /// What to write
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "json,csv,html")]
    format: Vec<FormatName>,
    /// Skip the SHA-256 of the evidence: its identity is not recorded, duplicates are not told
    #[arg(long)]
    no_hash: bool,
    /// Pairs of hosts that are told apart in one capture; of more, those with the fewest packets are summed up
    #[arg(long, value_name = "N", default_value = "100000", value_parser = clap::value_parser!(u32).range(1..))]
    max_pairs: u32,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Judge nothing before this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = options::time)]
    from: Option<Timestamp>,
    /// Judge nothing after this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = options::time)]
    to: Option<Timestamp>,
    /// How far a log's clock was ahead (+) or behind (-) the captures', instead of measuring it
    /// (repeatable)
    #[arg(long, value_name = "FILE=+7m12s", value_parser = options::clock_offset)]
    clock_offset: Vec<GivenOffset>,
    /// Exit with 1 when a finding of this severity or higher stands
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<SeverityName>,
    /// Sign manifest.json with this secret key of minisign's
    #[arg(long, value_name = "KEYFILE")]
    sign: Option<PathBuf>,
    /// Replace an older report in DIR
    #[arg(long)]
    force: bool,
    /// Print report.json instead of the table
    #[arg(long)]
    json: bool,
    /// Print the verdict only
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Print every window, pair, finding and problem
    #[arg(short, long)]
    verbose: bool,
    /// Show progress on standard error
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    progress: When,
}

/// The formats by the names they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FormatName {
    /// report.json.
    Json,
    /// The tables as CSV.
    Csv,
    /// report.html, one page for people.
    Html,
    /// timeline.jsonl, for Timesketch.
    Timesketch,
    /// ecs.jsonl, the Elastic Common Schema.
    Ecs,
    /// The tables as Parquet.
    Parquet,
}

/// The severities by the names they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SeverityName {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let run = Run::begin();
    let policy = policy_of(args)?;
    let destination = destination(&args.out, args.force).map_err(refused)?;
    let key = args.sign.as_deref().map(keys::signing).transpose()?;
    let request = Request {
        paths: args.paths.clone(),
        excluded: Some(args.out.clone()),
        policy: policy.policy,
        gap: args.gap,
        hash: !args.no_hash,
        max_pairs: usize::try_from(args.max_pairs).unwrap_or(usize::MAX),
        from: args.from,
        to: args.to,
        clock_offsets: args.clock_offset.iter().map(|g| (g.file.clone(), g.offset)).collect(),
    };
    let progress = Progress::new(args.progress);
    let analysis = analyze(&request, args.threads.map(usize::from), &progress);
    progress.done();
    let analysis = analysis.map_err(super::interrupted)?;
    if let Some(given) = args.clock_offset.iter().find(|given| !analysis.has_log(&given.file)) {
        let what = anyhow::anyhow!("--clock-offset {}: no log has this path", given.typed);
        return Err(Failure::usage(
            what,
            "name a log of the evidence by its path or the end of it",
        ));
    }
    let report = report::build(&sources(&analysis), options_of(args, policy.sha256));
    let manifest_sha256 = write(args, &destination, &report, &run, key.as_ref())?;
    terminal::tell_problems(&mut anstream::stderr().lock(), &report, args.verbose);
    let mut out = anstream::stdout().lock();
    if args.json {
        out.write_all(&report::to_json(&report).map_err(broken)?)?;
    } else {
        let place = terminal::Place { folder: &args.out, manifest_sha256: &manifest_sha256 };
        terminal::tell_report(&mut out, &report, detail(args), &place)?;
    }
    out.flush()?;
    Ok(ended(&analysis, args.fail_on.map(severity)))
}

/// A policy and the identity of its file.
struct GivenPolicy {
    policy: Policy,
    sha256: Option<String>,
}

fn policy_of(args: &Args) -> Result<GivenPolicy, Failure> {
    let mut given = GivenPolicy { policy: Policy::default(), sha256: None };
    if let Some(path) = &args.policy {
        let (policy, sha256) = super::policy::read(path)?;
        given = GivenPolicy { policy, sha256: Some(sha256) };
    }
    for protect in &args.protect {
        given.policy.protect(protect.one, protect.other, &protect.typed);
    }
    Ok(given)
}

fn refused(error: PublishError) -> Failure {
    let hint = match error {
        PublishError::NotEmpty(_) => "name another folder, or replace an older report with --force",
        PublishError::NotOurs { .. } => "name another folder, or move that away first",
        PublishError::NotAFolder(_) | PublishError::Io { .. } => "name another folder with --out",
    };
    Failure::usage(error, hint)
}

pub(super) fn broken(error: report::FormatError) -> Failure {
    Failure::usage(error, "this is a fault of plainsight; please report it")
}

fn sources(analysis: &Analysis) -> Sources<'_> {
    Sources {
        evidence: &analysis.evidence,
        outside_span: analysis.outside_span,
        facts: &analysis.facts,
        findings: &analysis.findings,
    }
}

fn options_of(args: &Args, policy_sha256: Option<String>) -> schema::Options {
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    let mut paths: Vec<String> = args.paths.iter().map(|path| shown(path)).collect();
    paths.sort();
    paths.dedup();
    let time = |time: Timestamp| time.rfc3339(Resolution::NANOSECONDS);
    schema::Options {
        paths,
        policy: args.policy.as_deref().map(shown),
        policy_sha256,
        protect: args.protect.iter().map(|protect| protect.typed.clone()).collect(),
        gap_seconds: args.gap.gap.to_string(),
        formats: formats(args).iter().map(|format| format.as_str().to_owned()).collect(),
        hash: !args.no_hash,
        max_pairs: args.max_pairs.into(),
        from: args.from.map(time),
        to: args.to.map(time),
        clock_offsets: args.clock_offset.iter().map(|given| given.typed.clone()).collect(),
    }
}

/// The formats asked for, each once and in our order.
fn formats(args: &Args) -> Vec<Format> {
    let is_asked = |format: &Format| {
        args.format.iter().any(|name| match name {
            FormatName::Json => *format == Format::Json,
            FormatName::Csv => *format == Format::Csv,
            FormatName::Html => *format == Format::Html,
            FormatName::Timesketch => *format == Format::Timesketch,
            FormatName::Ecs => *format == Format::Ecs,
            FormatName::Parquet => *format == Format::Parquet,
        })
    };
    Format::ALL.into_iter().filter(is_asked).collect()
}

/// Writes the report; gives the SHA-256 of its manifest.
fn write(
    args: &Args,
    destination: &Destination,
    report: &schema::Report,
    run: &Run,
    key: Option<&SigningKey>,
) -> Result<String, Failure> {
    let mut files = report::files(report, &formats(args)).map_err(broken)?;
    let manifest = report::manifest(report, &files, run, key.map(SigningKey::id));
    let ended = report::ended(&manifest);
    let manifest = report::to_json(&manifest).map_err(broken)?;
    if let Some(key) = key {
        let bytes = key.sign(&manifest, ended).map_err(unsigned)?;
        files.push(File { name: SIGNATURE, bytes });
    }
    publish(destination, &files, &manifest).map_err(refused)?;
    Ok(sha256(&manifest))
}

fn unsigned(error: KeyError) -> Failure {
    Failure::usage(error, "give another key with --sign; nothing was written")
}

const fn detail(args: &Args) -> Detail {
    match (args.quiet, args.verbose) {
        (true, _) => Detail::Verdict,
        (false, true) => Detail::Everything,
        (false, false) => Detail::Overview,
    }
}

const fn severity(name: SeverityName) -> Severity {
    match name {
        SeverityName::Info => Severity::Info,
        SeverityName::Low => Severity::Low,
        SeverityName::Medium => Severity::Medium,
        SeverityName::High => Severity::High,
        SeverityName::Critical => Severity::Critical,
    }
}

/// How an analysis ended; `limit` is `--fail-on`.
pub(super) fn ended(analysis: &Analysis, limit: Option<Severity>) -> ExitStatus {
    let usable = analysis.evidence.iter().any(|file| match file.content {
        Content::Capture { .. } | Content::Log { .. } => file.records > 0,
        Content::Nothing => false,
    });
    let lost = analysis.evidence.iter().flat_map(|file| &file.problems).any(|p| p.code.is_loss());
    let stands = limit.is_some_and(|limit| analysis.findings.iter().any(|f| f.severity >= limit));
    match (usable, stands, lost) {
        (false, ..) => ExitStatus::NoEvidence,
        (true, true, _) => ExitStatus::FindingStands,
        (true, false, true) => ExitStatus::EvidenceLost,
        (true, false, false) => ExitStatus::Done,
    }
}
