//! The output for a terminal: the verdict, a table, the findings; and the escaping of everything that comes
//! from evidence.
//!
//! Written from the report's own types, so it cannot state what the report does not. Colour adds emphasis,
//! never meaning; `anstream` removes it where it is not supported.

use super::glyphs::Glyphs;
use super::{timeline, wrap};
use crate::evidence::{shown_path, visible};
use crate::report::schema::{Cause, Finding, Pair, Report, Window};
use crate::report::{beside, grave_findings, host_names, with_names};
use crate::time::Zone;
use anstyle::{AnsiColor, Style};
use std::io::{self, Write};
use std::path::Path;

/// How much to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// One line.
    Verdict,
    /// What fits a screen.
    Overview,
    /// All of it.
    Everything,
}

impl Detail {
    const fn rows(self) -> usize {
        match self {
            Self::Verdict => 0,
            Self::Overview => 12,
            Self::Everything => usize::MAX,
        }
    }
}

/// Where the report was put.
pub(super) struct ReportLocation<'a> {
    pub(super) folder: &'a Path,
    pub(super) manifest_sha256: &'a str,
}

/// Prints the verdict and its reasons.
pub(super) fn print_report(
    out: &mut impl Write,
    report: &Report,
    detail: Detail,
    place: &ReportLocation<'_>,
) -> io::Result<()> {
    let (style, headline) = headline(&report.verdict);
    let found = grave_findings(report).map_or_else(String::new, |found| format!("; but {found}"));
    writeln!(out, "{style}{headline}{found}{style:#}")?;
    if detail == Detail::Verdict {
        return Ok(());
    }
    for limit in &report.verdict_limits {
        writeln!(out, "  {}", escape(&limit.text))?;
    }
    let zone = report.options.display_zone.as_deref().and_then(Zone::parse);
    let zone = zone.as_ref();
    print_case(out, report)?;
    print_totals(out, report, zone)?;
    print_pairs(out, report, detail.rows())?;
    print_windows(out, &report.windows, detail.rows(), zone)?;
    print_findings(out, report, detail.rows())?;
    writeln!(out, "\nReport in {}", shown_path(place.folder))?;
    writeln!(out, "SHA-256 of its manifest.json: {}", place.manifest_sha256)
}

fn headline(verdict: &str) -> (Style, &'static str) {
    let colour = |colour: AnsiColor| Style::new().bold().fg_color(Some(colour.into()));
    match verdict {
        "protected" => (
            colour(AnsiColor::Green),
            "PROTECTED: every packet seen that had to be protected was protected",
        ),
        "partially_protected" => (
            colour(AnsiColor::Red),
            "PARTIALLY PROTECTED: some of the traffic that had to be protected was in clear or readable",
        ),
        "unprotected" => (
            colour(AnsiColor::Red),
            "UNPROTECTED: none of the traffic that had to be protected was protected",
        ),
        "no_expectation" => (
            colour(AnsiColor::Yellow),
            "NO EXPECTATION: no requirement is known; state it with --protect A=B or --policy",
        ),
        "not_determined" => (
            colour(AnsiColor::Yellow),
            "NOT DETERMINED: no traffic that had to be protected was seen in clear, but too much could not be judged",
        ),
        _ => (colour(AnsiColor::Yellow), "NO PACKETS: no packet that had to be protected was seen"),
    }
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The case data, in a line.
fn print_case(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let Some(case) = &report.case else { return Ok(()) };
    let named = [
        ("case", &case.number),
        ("organisation", &case.organisation),
        ("examiner", &case.examiner),
        ("purpose", &case.purpose),
    ];
    let named = named.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let named: Vec<String> =
        named.map(|(name, value)| format!("{name}: {}", escape(value))).collect();
    if named.is_empty() { Ok(()) } else { writeln!(out, "{}", named.join("; ")) }
}

/// A time, with the local time of the zone.
fn local(time: &str, zone: Option<&Zone>) -> String {
    let local = zone.and_then(|zone| beside(time, zone));
    local.map_or_else(|| time.to_owned(), |local| format!("{time} ({local})"))
}

fn print_totals(out: &mut impl Write, report: &Report, zone: Option<&Zone>) -> io::Result<()> {
    let of_kind = |kind: &'static str| report.evidence.iter().filter(move |file| file.kind == kind);
    let spans =
        || of_kind("capture").filter_map(|f| Some((f.first_time.as_ref()?, f.last_time.as_ref()?)));
    let captures = counted(of_kind("capture").count(), "capture");
    let logs = counted(of_kind("log").count(), "log");
    write!(out, "{captures}, {logs}; {} packets", report.totals.frames)?;
    if let (Some(first), Some(last)) = (spans().map(|s| s.0).min(), spans().map(|s| s.1).max()) {
        write!(out, " from {} to {}", local(first, zone), local(last, zone))?;
    }
    writeln!(out)?;
    let classes = &report.totals.by_class;
    let named = [
        ("ESP", classes.esp),
        ("ESP, readable", classes.esp_null),
        ("AH", classes.ah),
        ("IKE", classes.ike),
        ("NAT-T keepalive", classes.natt_keepalive),
        ("exempt", classes.exempt),
        ("clear", classes.clear),
        ("not IP", classes.non_ip),
        ("undecodable", classes.undecodable),
    ];
    let seen = named.iter().filter(|(_, count)| count.frames > 0);
    let seen: Vec<String> = seen.map(|(name, count)| format!("{name} {}", count.frames)).collect();
    if seen.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", seen.join(Glyphs::of_locale().between))
}

fn print_pairs(out: &mut impl Write, report: &Report, rows: usize) -> io::Result<()> {
    let mut judged: Vec<&Pair> =
        report.pairs.iter().filter(|pair| pair.expectation == "required").collect();
    if judged.is_empty() {
        return Ok(());
    }
    // The least protected first; equal ones in order of address.
    let readable = |pair: &Pair| pair.by_class.esp_null.frames + pair.by_class.ah.frames;
    judged.sort_by_key(|pair| std::cmp::Reverse((pair.by_class.clear.frames, readable(pair))));
    writeln!(
        out,
        "\n{:<33}  {:<19}  {:>9}  {:>9}  {:>9}",
        "Pair that must be protected", "Verdict", "ESP", "Readable", "Clear"
    )?;
    for pair in judged.iter().take(rows) {
        writeln!(
            out,
            "{:<33}  {:<19}  {:>9}  {:>9}  {:>9}",
            format!("{} - {}", pair.a, pair.b),
            pair.verdict.replace('_', " "),
            pair.by_class.esp.frames,
            pair.by_class.esp_null.frames + pair.by_class.ah.frames,
            pair.by_class.clear.frames,
        )?;
    }
    print_rest(out, judged.len(), rows, "pairs")?;
    timeline::print_timelines(out, report, &judged, Glyphs::of_locale())
}

fn print_windows(
    out: &mut impl Write,
    windows: &[Window],
    rows: usize,
    zone: Option<&Zone>,
) -> io::Result<()> {
    if windows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nCleartext windows")?;
    for window in windows.iter().take(rows) {
        writeln!(
            out,
            "{:<4} {} - {}, {} packets, frames {}:{} to {}:{}",
            window.id,
            window.a,
            window.b,
            window.frames,
            window.first.evidence,
            window.first.frame,
            window.last.evidence,
            window.last.frame,
        )?;
        writeln!(out, "     {} to {}", local(&window.start, zone), local(&window.end, zone))?;
        print_roles(out, window)?;
    }
    print_rest(out, windows.len(), rows, "windows")
}

/// What opened a window, what kept it open and what closed it; the best explanation of each.
fn print_roles(out: &mut impl Write, window: &Window) -> io::Result<()> {
    let first = |causes: &[Cause]| {
        Some((causes.first()?.reason.clone(), causes.first()?.confidence.clone()))
    };
    let kept = window.kept_open_by.first().map(|k| (k.reason.clone(), k.confidence.clone()));
    let unknown = window.opened_by.is_empty() && window.kept_open_by.is_empty();
    let cause = if unknown { first(&window.causes) } else { None };
    let roles = [
        ("cause", cause),
        ("opened by", first(&window.opened_by)),
        ("kept open by", kept),
        ("closed by", first(&window.closed_by)),
    ];
    let named = roles.into_iter().filter_map(|(role, cause)| {
        let (reason, confidence) = cause?;
        Some(format!("{role} {} ({confidence})", escape(&reason)))
    });
    let named: Vec<String> = named.collect();
    if !named.is_empty() {
        writeln!(out, "     {}", named.join("; "))?;
    }
    if !window.chain.is_empty() {
        writeln!(out, "     {}", escape(&window.chain))?;
    }
    if window.causes.first().is_some_and(|cause| !cause.against.is_empty()) {
        writeln!(out, "     Evidence against it: windows[].causes[].against in report.json")?;
    }
    Ok(())
}

fn print_findings(out: &mut impl Write, report: &Report, rows: usize) -> io::Result<()> {
    let findings: &[Finding] = &report.findings;
    if findings.is_empty() {
        return Ok(());
    }
    let names = host_names(report);
    writeln!(out, "\nFindings")?;
    for finding in findings.iter().take(rows) {
        let style = match finding.severity.as_str() {
            "critical" | "high" => Style::new().fg_color(Some(AnsiColor::Red.into())),
            "medium" => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            _ => Style::new(),
        };
        let title = with_names(&finding.title, |of| Some(names.get(of)?.join(" or ")));
        let title = escape(&title);
        writeln!(out, "{:<4} {style}{:<8}{style:#} {title}", finding.id, finding.severity)?;
        if let Some(advice) = finding.advice.first() {
            writeln!(out, "              {}", escape(advice))?;
        }
    }
    print_rest(out, findings.len(), rows, "findings")
}

fn print_rest(out: &mut impl Write, all: usize, printed: usize, what: &str) -> io::Result<()> {
    if all > printed {
        let dots = Glyphs::of_locale().more;
        writeln!(out, "     {dots} and {} more {what}; use --verbose to list all", all - printed)?;
    }
    Ok(())
}

/// Names a file that is read now.
pub(super) fn print_reading(path: &str) {
    // Where standard error is closed, nobody can read the message.
    let _ = writeln!(anstream::stderr().lock(), "plainsight: reading {}", escape(path));
}

/// Lists every file with a problem, on standard error, where it cannot mix with data.
pub(super) fn print_problems(report: &Report, all: bool, place_of_rest: &str) {
    let mut printed = Problems::new(all);
    for file in &report.evidence {
        // A note beside the evidence is left out unless everything is asked for.
        let problems = file.problems.iter().filter(|problem| all || problem.code != "not_evidence");
        let path = escape(&file.path);
        printed.of_file(problems.map(|problem| {
            let place =
                problem.offset.map_or_else(String::new, |offset| format!(" at byte {offset}"));
            let text = escape(&problem.text);
            format!("{} `{path}`: {}{place}: {text}", file.id, problem.code)
        }));
    }
    printed.end(place_of_rest);
}

/// Problems on standard error: some of each file, and some in all, so that a thousand damaged files do not fill
/// a screen or a log.
pub(super) struct Problems {
    all: bool,
    printed: usize,
    left_out: usize,
    /// Files that have some of these.
    files: usize,
}

impl Problems {
    pub(super) const fn new(all: bool) -> Self {
        Self { all, printed: 0, left_out: 0, files: 0 }
    }

    /// Prints the problems of a file, or of another group.
    pub(super) fn of_file(&mut self, lines: impl Iterator<Item = String>) {
        let mut error = wrap::standard_error();
        let before = self.left_out;
        for (number, line) in lines.enumerate() {
            if !self.all && (number >= PROBLEMS_PER_FILE || self.printed >= PROBLEMS) {
                self.left_out += 1;
                continue;
            }
            self.printed += 1;
            // Where standard error is closed, nobody can read the message.
            let _ = writeln!(error, "plainsight: {line}");
        }
        let _ = error.flush();
        self.files += usize::from(self.left_out > before);
    }

    /// Prints how many were left out, and where to find them.
    pub(super) fn end(self, place: &str) {
        let Self { left_out, files, .. } = self;
        if left_out == 0 {
            return;
        }
        let dots = Glyphs::of_locale().more;
        let (problems, files) = (counted(left_out, "problem"), counted(files, "file"));
        let mut error = anstream::stderr().lock();
        let _ = writeln!(error, "plainsight: {dots} and {problems} more in {files}; {place}");
    }
}

/// Text in which every character that could steer a terminal or change the direction of text is escaped.
pub(super) fn escape(text: &str) -> String {
    visible(text).into_owned()
}

const PROBLEMS_PER_FILE: usize = 10;
const PROBLEMS: usize = 30;
