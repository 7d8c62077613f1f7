//! `plainsight inspect`: what is in a capture or a log, without a report.

use super::exit::status_of_analysis;
use super::glyphs::Glyphs;
use super::progress::{Progress, When};
use super::{
    ExitStatus, Failure, activity, inspect_log, message_sequence, reading, terminal, timeline, wrap,
};
use crate::analysis::{Activities, Request, analyze};
use crate::policy::Policy;
use crate::report::schema::{self, Evidence, Report};
use crate::report::{self, Sources};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

/// Show what captures and logs hold, without writing a report
///
/// For captures: the kinds of packets beside those of a healthy capture, the packets over time, the
/// busiest pairs, the IKE negotiations by outcome. For logs: the computer, whether the log is complete,
/// the failures by peer and reason, the events by kind. With --ike: each negotiation message by
/// message, and its outcome.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Captures, logs, or folders; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// Print the message sequence of each IKE negotiation instead: time, direction, content, frame
    #[arg(long)]
    ike: bool,
    /// Print everything as JSON, with the fields of report.json and the packets over time (`activity`)
    #[arg(long, conflicts_with = "ike")]
    json: bool,
    /// Show progress on standard error
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    progress: When,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    reading::refuse_missing(&args.paths)?;
    let request = Request { hash: false, ..Request::of(args.paths.clone(), Policy::default()) };
    let progress = Progress::new(args.progress).with_activities();
    let analysis = analyze(&request, None, &progress);
    progress.done();
    let analysis = analysis.map_err(super::interrupted)?;
    let sources = Sources {
        evidence: &analysis.evidence,
        outside_span: analysis.outside_span,
        facts: &analysis.facts,
        findings: &analysis.findings,
    };
    let activities = progress.into_activities().unwrap_or_default();
    let report = report::build(&sources, schema::Options::of_inspection(&args.paths));
    if args.json {
        let activity = activity::as_written(&activities);
        let inspection = schema::Inspection { report: &report, activity };
        let bytes = report::to_json(&inspection).map_err(super::failure::broken)?;
        anstream::stdout().lock().write_all(&bytes)?;
    } else {
        let mut out = wrap::standard_output();
        if args.ike {
            message_sequence::print_message_sequences(&mut out, &report.ike_exchanges)?;
        } else {
            print_inspection(&mut out, &report, &activities)?;
        }
        out.flush()?;
    }
    terminal::print_problems(
        &report,
        false,
        "`plainsight analyze` writes all of them to report.json",
    );
    Ok(status_of_analysis(&analysis, None))
}

fn print_inspection(
    out: &mut impl Write,
    report: &Report,
    activities: &Activities,
) -> io::Result<()> {
    for file in report.evidence.iter().filter(|file| file.kind != "unknown") {
        print_file(out, file)?;
        inspect_log::print_coverage(out, file)?;
    }
    if report.totals.frames > 0 {
        writeln!(out, "\n{:<40}  {:>12}  In a healthy capture", "Kind of packet", "Here")?;
        for (kind, healthy, count) in report::picture(&report.totals.by_class) {
            let kind = kind.replace('…', Glyphs::of_locale().more);
            writeln!(out, "{kind:<40}  {:>12}  {healthy}", count.frames)?;
        }
        let apps = &report.totals.by_app;
        let apps: Vec<String> = apps.iter().map(|(app, c)| format!("{app} {}", c.frames)).collect();
        if !apps.is_empty() {
            writeln!(out, "Clear text by application: {}", apps.join(", "))?;
        }
        activity::print_activity(out, activities, Glyphs::of_locale())?;
    }
    print_pairs(out, report)?;
    let outcomes = counted(report.ike_exchanges.iter().map(|x| match &x.reason {
        Some(reason) => format!("{} ({reason})", x.outcome.replace('_', " ")),
        None => x.outcome.replace('_', " "),
    }));
    print_counts(out, "IKE negotiations", &outcomes)?;
    inspect_log::print_failures(out, report)?;
    inspect_log::print_bypasses(out, report)?;
    let live = report.log_events.iter().filter(|event| !event.recovered);
    let events = counted(live.map(|e| match &e.reason {
        Some(reason) => format!("{} {} ({reason})", e.event_id, e.category.replace('_', " ")),
        None => format!("{} {}", e.event_id, e.category.replace('_', " ")),
    }));
    print_counts(out, "Log events", &events)
}

fn print_file(out: &mut impl Write, file: &Evidence) -> io::Result<()> {
    let what = if file.kind == "log" { "records" } else { "frames" };
    write!(out, "{}: {}, {} bytes", terminal::escape(&file.path), file.format, file.size_bytes)?;
    if let Some(packed) = &file.packed {
        write!(out, " ({}, {} unpacked)", packed.packing, packed.unpacked_bytes)?;
    }
    write!(out, ", {} {what}", file.records)?;
    if let (Some(first), Some(last)) = (&file.first_time, &file.last_time) {
        write!(out, ", {first} to {last}")?;
    }
    if !file.hosts.is_empty() {
        write!(out, ", from {}", terminal::escape(&file.hosts.join(", ")))?;
    }
    writeln!(out)?;
    for note in file.notes.iter().take(MOST_NOTES) {
        let kind = note.kind.replace('_', " ");
        writeln!(out, "  {kind} of {}: {}", note.place, terminal::escape(&note.text))?;
    }
    let more = file.notes.len().saturating_sub(MOST_NOTES);
    if more > 0 { writeln!(out, "  and {more} more notes") } else { Ok(()) }
}

/// Of a capture's notes; the rest is in the report.
const MOST_NOTES: usize = 40;

fn print_pairs(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let mut pairs: Vec<&schema::Pair> = report.pairs.iter().collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.frames));
    if pairs.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:<40}  {:>9}  {:>9}  {:>9}  {:>14}  {:>9}",
        "Busiest pairs", "Packets", "ESP", "Readable", "Uncorroborated", "Clear"
    )?;
    for pair in pairs.iter().take(BUSIEST) {
        writeln!(
            out,
            "{:<40}  {:>9}  {:>9}  {:>9}  {:>14}  {:>9}",
            format!("{} - {}", pair.a, pair.b),
            pair.frames,
            pair.by_class.esp.frames,
            pair.by_class.esp_null.frames + pair.by_class.ah.frames,
            pair.sas.iter().filter(|sa| !sa.corroborated).map(|sa| sa.frames).sum::<u64>(),
            pair.by_class.clear.frames
        )?;
    }
    let more = pairs.len().saturating_sub(BUSIEST);
    if more > 0 {
        writeln!(out, "{} and {more} more pairs", Glyphs::of_locale().more)?;
    }
    timeline::print_timelines(out, report, &pairs, Glyphs::of_locale())
}

fn counted(items: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    items.fold(BTreeMap::new(), |mut counts, item| {
        *counts.entry(item).or_default() += 1;
        counts
    })
}

fn print_counts(
    out: &mut impl Write,
    title: &str,
    counts: &BTreeMap<String, u64>,
) -> io::Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    counts.iter().try_for_each(|(what, number)| writeln!(out, "{number:>6}  {what}"))
}

const BUSIEST: usize = 10;
