//! `plainsight compare`: what a change closed, what stayed open, what is new.

use super::options::{self, Protect};
use super::progress::{Progress, When};
use super::{ExitStatus, Failure, interrupted, reading, terminal, wrap};
use crate::analysis::{Request, analyze};
use crate::policy::Policy;
use crate::report::schema::{self, Comparison, PairState, Report};
use crate::report::{self, Sources};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Compare two captures of the same hosts, before and after a change
///
/// Each side is evidence (a capture, a log, a folder), or a report that `plainsight analyze` wrote (its
/// folder or its report.json). A requirement on one side applies to the other side too. Reports
/// are compared as they are; pairs that a report did not judge are named.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Evidence or report from before the change
    before: PathBuf,
    /// Evidence or report from after the change
    after: PathBuf,
    /// Policy for sides that are evidence (TOML, see docs/policy.md)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Require protection between hosts or networks A and B, for sides that are evidence (repeatable)
    #[arg(long, value_name = "A=B", value_parser = options::protect)]
    protect: Vec<Protect>,
    /// Print JSON instead of the table
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// Print an HTML page instead of the table
    #[arg(long)]
    html: bool,
    /// Show progress on standard error
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    progress: When,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    reading::refuse_missing(&[args.before.clone(), args.after.clone()])?;
    let mut policy = match &args.policy {
        Some(path) => super::policy::read_policy(path)?.0,
        None => Policy::default(),
    };
    for protect in &args.protect {
        policy.protect(protect.one, protect.other, &protect.typed);
    }
    let mut before = Side::analyze(&args.before, &policy, args.progress)?;
    let mut after = Side::analyze(&args.after, &policy, args.progress)?;
    if policy.infers() {
        // A requirement shown by IPsec on one side also applies to the other side.
        let must_be_protected =
            [&before, &after].into_iter().flat_map(|side| must_be_protected(&side.report));
        let must_be_protected: BTreeSet<(IpAddr, IpAddr)> = must_be_protected.collect();
        for (a, b) in must_be_protected {
            policy.protect(a.into(), b.into(), &format!("{a}={b}"));
        }
        for side in [&mut before, &mut after].into_iter().filter(|side| side.is_evidence) {
            *side = Side::judged(side.path, &policy, args.progress)?;
        }
    }
    for side in [&before, &after].into_iter().filter(|side| side.is_evidence) {
        let rest = "`plainsight analyze` writes all of them to report.json";
        terminal::print_problems(&side.report, false, rest);
    }
    let comparison = report::compare(&before.report, &after.report);
    let bytes = match (args.json, args.html) {
        (true, _) => Some(report::to_json(&comparison)),
        (false, true) => Some(report::comparison_page(&comparison)),
        (false, false) => None,
    };
    if let Some(bytes) = bytes.transpose().map_err(super::failure::broken)? {
        anstream::stdout().lock().write_all(&bytes)?;
    } else {
        let mut out = wrap::standard_output();
        print_comparison(&mut out, &comparison)?;
        out.flush()?;
    }
    let worse = [before.status, after.status].into_iter().max_by_key(|status| status.code());
    Ok(worse.unwrap_or(ExitStatus::Done))
}

/// One side, and how reading it ended.
struct Side<'a> {
    path: &'a Path,
    report: Report,
    /// It is evidence, which can be judged again.
    is_evidence: bool,
    status: ExitStatus,
}

impl<'a> Side<'a> {
    fn analyze(path: &'a Path, policy: &Policy, progress: When) -> Result<Self, Failure> {
        let inside = path.join(REPORT);
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let file = if inside.is_file() { inside } else { path.to_owned() };
        if file == path && !is_json {
            return Self::judged(path, policy, progress);
        }
        let shown = crate::evidence::shown_path(&file);
        let hint = "name evidence, or a report that `plainsight analyze` wrote";
        let read = fs::read(&file).map_err(anyhow::Error::from).and_then(|text| {
            let report: Report = serde_json::from_slice(&text)?;
            anyhow::ensure!(report.tool.name == "plainsight", "its tool has another name");
            Ok(report)
        });
        match read {
            Ok(report) => Ok(Self { path, report, is_evidence: false, status: ExitStatus::Done }),
            // Exported logs may be JSON too.
            Err(_) if file == path => Self::judged(path, policy, progress),
            Err(error) => Err(Failure::usage(error.context(shown), hint)),
        }
    }

    fn judged(path: &'a Path, policy: &Policy, progress: When) -> Result<Self, Failure> {
        let request = Request::of(vec![path.to_owned()], policy.clone());
        let progress = Progress::new(progress);
        let analysis = analyze(&request, None, &progress);
        progress.done();
        let analysis = analysis.map_err(interrupted)?;
        let sources = Sources {
            evidence: &analysis.evidence,
            outside_span: analysis.outside_span,
            facts: &analysis.facts,
            findings: &analysis.findings,
        };
        let options = schema::Options::of_inspection(&[path.to_owned()]);
        let report = report::build(&sources, options);
        let status = super::exit::status_of_analysis(&analysis, None);
        Ok(Self { path, report, is_evidence: true, status })
    }
}

/// The pairs that must be protected.
fn must_be_protected(report: &Report) -> impl Iterator<Item = (IpAddr, IpAddr)> {
    let must_be_protected = report.pairs.iter().filter(|pair| pair.expectation == "required");
    must_be_protected.filter_map(|pair| Some((pair.a.parse().ok()?, pair.b.parse().ok()?)))
}

fn print_comparison(out: &mut impl Write, comparison: &Comparison) -> io::Result<()> {
    for (name, side) in [("Before", &comparison.before), ("After", &comparison.after)] {
        let time = |time: &Option<String>| terminal::escape(time.as_deref().unwrap_or("-"));
        let verdict = terminal::escape(&side.verdict.replace('_', " "));
        writeln!(
            out,
            "{name:<7} {verdict}: {} packets from {} to {}",
            side.frames,
            time(&side.first_time),
            time(&side.last_time)
        )?;
    }
    if comparison.pairs.is_empty() {
        return writeln!(out, "\nNo pair must be protected; name pairs with --protect A=B");
    }
    let mut last = "";
    for pair in &comparison.pairs {
        if pair.change != last {
            writeln!(out, "\n{}: {}", pair.change.replace('_', " ").to_uppercase(), pair.meaning)?;
            last = &pair.change;
        }
        writeln!(out, "  {} - {}", terminal::escape(&pair.a), terminal::escape(&pair.b))?;
        writeln!(out, "    before  {}", in_words(pair.before.as_ref()))?;
        writeln!(out, "    after   {}", in_words(pair.after.as_ref()))?;
    }
    Ok(())
}

fn in_words(state: Option<&PairState>) -> String {
    let Some(state) = state else { return "not seen".to_owned() };
    let plural = if state.windows == 1 { "" } else { "s" };
    let roles = report::comparison_roles(state);
    let roles = if roles.is_empty() {
        String::new()
    } else {
        format!("; {}", terminal::escape(&roles.join("; ")))
    };
    format!(
        "{}: {} packets in {} cleartext window{plural}, {} protected, {} clear in total{roles}",
        terminal::escape(&state.verdict.replace('_', " ")),
        state.leaked,
        state.windows,
        state.protected,
        state.clear
    )
}

const REPORT: &str = "report.json";
