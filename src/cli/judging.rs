//! The options that `analyze` and `correlate` share, and the report that they write.

use super::exit::status_of_analysis;
use super::failure::{broken, refused, unwritten};
use super::options::{self, GivenOffset, GivenVantage, Protect};
use super::terminal::{self, Detail};
use super::{ExitStatus, Failure, case, interrupted, keys, stopping, wrap};
use crate::analysis::{Analysis, Cancelled, Question};
use crate::correlate::GapRule;
use crate::evidence::{sha256, shown_path};
use crate::findings::Severity;
use crate::policy::Policy;
use crate::report::publish::{Destination, Staging, destination};
use crate::report::{self, Format, KeyError, Run, SigningKey, Sources, schema};
use crate::summary::{ReadWith, Vantage};
use crate::time::{Resolution, Span, Timestamp, Zone};
use std::io::Write as _;
use std::path::PathBuf;

/// What to judge, and where and how to write the result.
#[derive(Debug, clap::Args)]
pub(super) struct Judging {
    /// The folder for the report
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Policy: which traffic must be protected (TOML, see docs/policy.md)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Require protection between hosts or networks A and B (repeatable)
    #[arg(long, value_name = "A=B", value_parser = options::protect)]
    protect: Vec<Protect>,
    /// Start a new window after this time without clear packets
    #[arg(long, value_name = "DUR", default_value = "30s", value_parser = options::gap)]
    gap: GapRule,
    /// What to write
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "json,csv,html")]
    format: Vec<FormatName>,
    /// Offset of a log's clock: ahead (+) of the captures' clock or behind (-), instead of measuring it
    /// (repeatable)
    #[arg(long, value_name = "FILE=+7m12s", value_parser = options::clock_offset)]
    clock_offset: Vec<GivenOffset>,
    /// Where a capture was taken: lan (inner side of a gateway), wan, host or mirror (repeatable)
    #[arg(long, value_name = "FILE=lan", value_parser = options::vantage)]
    vantage: Vec<GivenVantage>,
    /// Case data for the cover: number, organisation, examiner, purpose, notes, time_zone (TOML, see docs/report.md)
    #[arg(long, value_name = "FILE")]
    case: Option<PathBuf>,
    /// Show the time of this zone beside UTC: +01:00, or a name such as Europe/Berlin
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, value_parser = options::zone)]
    display_zone: Option<Zone>,
    /// Exit with status 1 if any finding has this severity or higher
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<SeverityName>,
    /// Sign manifest.json with this minisign secret key
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
    /// Print every window, pair, finding and problem, and name each file on standard error as it is read
    #[arg(short, long)]
    pub(super) verbose: bool,
}

/// The formats by the names of the option's values.
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

/// The severities by the names of the option's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SeverityName {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// A prepared question, and where its answer goes.
pub(super) struct Asked<'a> {
    args: &'a Judging,
    run: Run,
    policy: Policy,
    policy_sha256: Option<String>,
    case: Option<case::Given>,
    clock_offsets: Vec<(PathBuf, Span)>,
    vantages: Vec<(PathBuf, Vantage)>,
    destination: Destination,
    key: Option<SigningKey>,
}

impl Judging {
    /// Checks the options before any work is done.
    pub(super) fn prepare(&self) -> Result<Asked<'_>, Failure> {
        let run = Run::begin();
        let mut policy = Policy::default();
        let mut policy_sha256 = None;
        if let Some(path) = &self.policy {
            let (given, sha256) = super::policy::read_policy(path)?;
            (policy, policy_sha256) = (given, Some(sha256));
        }
        for protect in &self.protect {
            policy.protect(protect.one, protect.other, &protect.typed);
        }
        let case = self.case.as_deref().map(case::read_case_file).transpose()?;
        let destination = destination(&self.out, self.force).map_err(refused)?;
        let key = self.sign.as_deref().map(keys::signing).transpose()?;
        let clock_offsets = self.clock_offset.iter().map(|g| (g.file.clone(), g.offset)).collect();
        let vantages = self.vantage.iter().map(|g| (g.file.clone(), g.vantage)).collect();
        Ok(Asked {
            args: self,
            run,
            policy,
            policy_sha256,
            case,
            clock_offsets,
            vantages,
            destination,
            key,
        })
    }
}

impl Asked<'_> {
    pub(super) fn question(&self) -> Question<'_> {
        let (policy, gap) = (&self.policy, self.args.gap);
        let (clock_offsets, vantages) = (&self.clock_offsets, &self.vantages);
        Question { policy, gap, clock_offsets, vantages }
    }

    /// Begins the report.
    pub(super) fn stage(&self) -> Result<Staging, Failure> {
        let staging = self.destination.stage().map_err(refused)?;
        stopping::staged_in(staging.path());
        Ok(staging)
    }

    /// Writes the report and prints its summary; `read` describes the reading, as `analyze` does it.
    pub(super) fn answer(
        &self,
        analysis: &Analysis,
        read: Read,
        summaries: Vec<schema::SummaryInput>,
        staging: Staging,
    ) -> Result<ExitStatus, Failure> {
        let args = self.args;
        if let Some(given) = args.clock_offset.iter().find(|given| !analysis.has_log(&given.file)) {
            let what = anyhow::anyhow!("--clock-offset {}: no log has this path", given.typed);
            return Err(Failure::usage(
                what,
                "name a log of the evidence by its path or the end of it",
            ));
        }
        if let Some(given) = args.vantage.iter().find(|given| !analysis.has_capture(&given.file)) {
            let what = anyhow::anyhow!("--vantage {}: no capture has this path", given.typed);
            return Err(Failure::usage(
                what,
                "name a capture of the evidence by its path or the end of it",
            ));
        }
        let threads = read.threads;
        let mut report = report::build(&sources(analysis), self.options(read));
        report.case = self.case.as_ref().map(|given| given.case.clone());
        let manifest_sha256 = self.write(&report, summaries, (staging, threads))?;
        terminal::print_problems(&report, args.verbose, "report.json has all of them");
        if args.json {
            let mut out = anstream::stdout().lock();
            out.write_all(&report::to_json(&report).map_err(broken)?)?;
            out.flush()?;
        } else {
            let mut out = wrap::standard_output();
            let location =
                terminal::ReportLocation { folder: &args.out, manifest_sha256: &manifest_sha256 };
            terminal::print_report(&mut out, &report, detail(args), &location)?;
            out.flush()?;
        }
        Ok(status_of_analysis(analysis, args.fail_on.map(severity)))
    }

    fn options(&self, read: Read) -> schema::Options {
        let args = self.args;
        let time = |time: Timestamp| time.rfc3339(Resolution::NANOSECONDS);
        let ReadWith { hash, max_pairs, from, to, timezone, ports: _ } = read.with;
        schema::Options {
            paths: read.paths,
            policy: args.policy.as_deref().map(shown_path),
            policy_sha256: self.policy_sha256.clone(),
            protect: args.protect.iter().map(|protect| protect.typed.clone()).collect(),
            gap_seconds: args.gap.gap.to_string(),
            formats: formats(args).iter().map(|format| format.as_str().to_owned()).collect(),
            hash,
            max_pairs,
            from: from.map(time),
            to: to.map(time),
            timezone,
            clock_offsets: args.clock_offset.iter().map(|given| given.typed.clone()).collect(),
            vantages: args.vantage.iter().map(|given| given.typed.clone()).collect(),
            carve: read.carve,
            case: args.case.as_deref().map(shown_path),
            case_sha256: self.case.as_ref().map(|given| given.sha256.clone()),
            display_zone: self.display_zone(),
        }
    }

    /// The zone that was given, otherwise that of the case data.
    fn display_zone(&self) -> Option<String> {
        let asked = self.args.display_zone.as_ref().map(|zone| zone.name().to_owned());
        asked.or_else(|| self.case.as_ref()?.case.time_zone.clone())
    }

    /// Writes the report; returns the SHA-256 of its manifest.
    fn write(
        &self,
        report: &schema::Report,
        summaries: Vec<schema::SummaryInput>,
        (staging, threads): (Staging, Option<usize>),
    ) -> Result<String, Failure> {
        let put = |name: &str, content: report::Content<'_>| staging.write(name, content);
        let written = report::write(report, &formats(self.args), threads, &put);
        let mut outputs = written.map_err(unwritten)?;
        let key = self.key.as_ref();
        outputs.extend(staging.carved().map_err(unwritten)?);
        let mut manifest = report::manifest(report, outputs, &self.run, key.map(SigningKey::id));
        manifest.summaries = summaries;
        let ended = report::ended(&manifest);
        let manifest = report::to_json(&manifest).map_err(broken)?;
        let signature = key.map(|key| key.sign(&manifest, ended)).transpose().map_err(unsigned)?;
        if !stopping::may_publish() {
            return Err(interrupted(Cancelled));
        }
        staging.publish(&manifest, signature.as_deref()).map_err(unwritten)?;
        Ok(sha256(&manifest))
    }
}

/// What was read, and how.
pub(super) struct Read {
    /// Paths as they were given, sorted.
    pub(super) paths: Vec<String>,
    pub(super) with: ReadWith,
    /// On how many threads; `None` for as many as there are cores.
    pub(super) threads: Option<usize>,
    /// How much is carved; `None` where nothing is.
    pub(super) carve: Option<String>,
}

fn sources(analysis: &Analysis) -> Sources<'_> {
    Sources {
        evidence: &analysis.evidence,
        outside_span: analysis.outside_span,
        facts: &analysis.facts,
        findings: &analysis.findings,
    }
}

/// The formats that were given, each once and in the order of [`Format::ALL`].
fn formats(args: &Judging) -> Vec<Format> {
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
    Format::ALL.iter().copied().filter(is_asked).collect()
}

fn unsigned(error: KeyError) -> Failure {
    Failure::usage(error, "name another key with --sign; nothing was written")
}

const fn detail(args: &Judging) -> Detail {
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
