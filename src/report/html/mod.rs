//! report.html: one page for people, from the report's own types.
//!
//! The template escapes every value; style and scripts are part of the page, and its content
//! security policy lets nothing else run. Nothing is loaded from anywhere.

mod advice;
mod drawing;
mod figures;
mod folding;
mod hosts;
mod summaries;
mod timeline;
mod verdict;

use super::FormatError;
use super::moment::nanos;
use super::picture::picture;
use super::schema::{
    Cause, Count, Evidence, Finding, FrameRef, IkeExchange, LogEvent, Pair, Protected, Report,
    Window,
};
use super::with_names::{host_names, with_names};
use crate::evidence::{sha256_digest, visible};
use crate::time::Zone;
use advice::{Group, SharedStep};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drawing::Drawing;
use hosts::HostRow;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use timeline::{Timeline, badness};

/// The page.
///
/// # Errors
/// Where the template cannot be filled; none of the report's values can cause that.
pub(super) fn page(report: &Report) -> Result<Vec<u8>, FormatError> {
    let timeline = Timeline::of(report);
    let zone = report.options.display_zone.as_deref().and_then(Zone::parse);
    let zone = zone.as_ref();
    let mut windows_of: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for window in &report.windows {
        *windows_of.entry((&window.a, &window.b)).or_default() += 1;
    }
    let findings = first(&report.findings, MOST_FINDINGS);
    let (groups, shared) = advice::groups(findings);
    let (files, no_evidence) = report.evidence.iter().partition(is_evidence);
    let page = Page {
        report,
        zone,
        case: case_rows(report),
        files,
        no_evidence,
        sentences: verdict::sentences(report, zone),
        reservations: verdict::reservations(report),
        policy: content_security_policy(),
        data: script_data(&timeline),
        drawing: Drawing::of(&timeline, zone),
        left_out: timeline.left_out,
        has_lanes: timeline.span.is_some()
            && !(timeline.lanes.is_empty() && timeline.files.is_empty()),
        classes: picture(&report.totals.by_class),
        findings: findings.len(),
        groups,
        shared,
        names: host_names(report),
        hosts: hosts::hosts(report),
        pairs: pairs(report),
        windows_of,
        windows: first(&report.windows, MOST_ROWS),
        protected: first(&report.protected, MOST_RUNS),
        exchanges: first(&report.ike_exchanges, MOST_EXCHANGES),
        ladders: ladders(report),
        events: first(&report.log_events, MOST_EVENTS),
        summaries: summaries::summaries(report),
    };
    let page = all_visible(&page.render().map_err(|error| FormatError::Html(error.into()))?);
    Ok(folding::fold_rows(&page).into_bytes())
}

/// A page in which no character hides or turns text around: the template escapes what is markup, this what
/// cannot be seen.
pub(super) fn all_visible(page: &str) -> String {
    let mut shown = String::with_capacity(page.len());
    for line in page.split_inclusive(['\n', '\t']) {
        let text = line.trim_end_matches(['\n', '\t']);
        shown.push_str(&visible(text));
        shown.push_str(line.get(text.len()..).unwrap_or_default());
    }
    shown
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    report: &'a Report,
    /// The zone whose time is beside UTC.
    zone: Option<&'a Zone>,
    /// Case data by name.
    case: Vec<(&'static str, &'a str)>,
    sentences: Vec<String>,
    reservations: Vec<String>,
    policy: String,
    data: String,
    drawing: Option<Drawing>,
    left_out: usize,
    has_lanes: bool,
    classes: Vec<(&'static str, &'static str, Count)>,
    /// How many findings are on the page.
    findings: usize,
    groups: Vec<Group<'a>>,
    shared: Vec<SharedStep<'a>>,
    names: BTreeMap<&'a str, Vec<&'a str>>,
    hosts: Vec<HostRow<'a>>,
    files: Vec<&'a Evidence>,
    no_evidence: Vec<&'a Evidence>,
    pairs: Vec<&'a Pair>,
    windows_of: BTreeMap<(&'a str, &'a str), usize>,
    windows: &'a [Window],
    protected: &'a [Protected],
    exchanges: &'a [IkeExchange],
    ladders: Vec<&'a IkeExchange>,
    events: &'a [LogEvent],
    /// What stands on paper in place of long tables.
    summaries: Vec<(&'static str, String)>,
}

/// What the templates ask for.
impl Page<'_> {
    fn style(&self) -> &'static str {
        STYLE
    }

    fn script(&self, name: &str) -> &'static str {
        SCRIPTS.iter().find(|script| script.0 == name).map_or("", |script| script.1)
    }

    fn frame(&self, frame: &FrameRef) -> String {
        format!("{}:{}", frame.evidence, frame.frame)
    }

    /// The first and the last frame, or the only one.
    fn frames(&self, first: &FrameRef, last: &FrameRef) -> String {
        if first.evidence == last.evidence && first.frame == last.frame {
            return self.frame(first);
        }
        format!("{} to {}", self.frame(first), self.frame(last))
    }

    fn pieces(&self, text: &str) -> String {
        figures::pieces(text)
    }

    fn filter(&self, text: &str) -> String {
        figures::filter(text)
    }

    /// A sentence of the report, with local times where a zone was given.
    fn sentence(&self, text: &str) -> String {
        figures::with_local(text, self.zone)
    }

    fn utc(&self, time: &str) -> String {
        figures::in_utc(time, self.zone)
    }

    #[expect(clippy::wrong_self_convention, reason = "a span, from one time to another")]
    fn from_to(&self, start: &str, end: &str) -> String {
        figures::from_to(start, end, self.zone)
    }

    fn seconds(&self, seconds: &RawValue) -> String {
        figures::seconds(seconds.get())
    }

    fn offset(&self, seconds: &RawValue) -> String {
        figures::offset(seconds.get())
    }

    /// What a file holds, for the list on the cover.
    fn holds(&self, file: &Evidence) -> String {
        let noun = if file.kind == "log" { "record" } else { "frame" };
        let problems = match file.problems.len() {
            0 => String::new(),
            many => format!(", {}", verdict::counted(many, "problem")),
        };
        let records = usize::try_from(file.records).unwrap_or(usize::MAX);
        format!("{}{problems}", verdict::counted(records, noun))
    }

    /// Why packets of a kind were set aside.
    fn artefact(&self, kind: &str, frames: &u64) -> String {
        summaries::artefact(kind, *frames)
    }

    /// A number with separators of thousands.
    fn n(&self, number: impl Display) -> String {
        figures::grouped(number)
    }

    /// A time as an element of the page.
    fn at(&self, time: &str) -> String {
        figures::element(time, self.zone)
    }

    fn length(&self, start: &str, end: &str) -> String {
        figures::between(start, end)
    }

    fn span(&self, nanos: &i64) -> String {
        figures::length(*nanos)
    }

    /// The names of an address, or of the host behind `address:port`.
    fn named(&self, at: &str) -> Option<String> {
        let host = at.parse::<SocketAddr>().map(|at| at.ip().to_string());
        let names = self.names.get(host.as_deref().unwrap_or(at))?;
        Some(names.join(" or "))
    }

    /// A sentence with host names beside its addresses.
    fn with_names(&self, text: &str) -> String {
        with_names(text, |address| self.named(address))
    }

    /// Whether a finding is on the page.
    fn is_shown(&self, id: &str) -> bool {
        number(id).is_some_and(|number| number <= self.findings)
    }

    /// The first and the last moment of the captures, without any of all files.
    fn covered(&self) -> Option<(&str, &str)> {
        let span = |is_wanted: &dyn Fn(&Evidence) -> bool| {
            let files = || self.report.evidence.iter().filter(|file| is_wanted(file));
            let first = files().filter_map(|file| file.first_time.as_deref());
            let last = files().filter_map(|file| file.last_time.as_deref());
            Some((first.min_by_key(|time| nanos(time))?, last.max_by_key(|time| nanos(time))?))
        };
        span(&|file| file.kind == "capture").or_else(|| span(&|_| true))
    }

    fn two<'p>(&self, pair: &'p str) -> (&'p str, &'p str) {
        pair.split_once(" - ").unwrap_or((pair, ""))
    }

    /// The display filter in a command line of tshark.
    fn display_filter<'c>(&self, command: &'c str) -> &'c str {
        let filter = command.split_once(" -Y ").map_or(command, |(_, filter)| filter);
        filter.trim_matches('\'')
    }

    fn is_carved(&self, finding: &Finding) -> bool {
        self.report.options.carve.is_some() && !finding.tshark.is_empty()
    }

    fn leading<'c>(&self, causes: &'c [Cause]) -> Option<&'c Cause> {
        causes.first()
    }

    /// Whether a window's chain says already why: the page shows a sentence once.
    fn is_in_chain(&self, window: &Window, why: &str) -> bool {
        window.chain.to_lowercase().contains(&why.to_lowercase())
    }

    /// `frames 8, 1065`.
    fn listed(&self, noun: &str, numbers: &[u64]) -> String {
        let all = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("{noun}{} {all}", if numbers.len() == 1 { "" } else { "s" })
    }

    fn words(&self, code: &str) -> String {
        code.replace('_', " ")
    }

    fn windows_between(&self, pair: &Pair) -> usize {
        self.windows_of.get(&(pair.a.as_str(), pair.b.as_str())).copied().unwrap_or_default()
    }

    /// How long a bar is, of a hundred.
    fn share(&self, frames: &u64) -> u64 {
        let all = self.report.totals.frames.max(1);
        (frames.saturating_mul(100) / all).clamp(u64::from(*frames > 0), 100)
    }

    fn field(&self, value: &serde_json::Value) -> String {
        value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
    }

    /// Whether an event is early enough in the report for its fields to be here.
    fn has_fields(&self, event: &LogEvent) -> bool {
        number(&event.id).is_some_and(|number| number <= MOST_FIELDS)
    }

    /// Whether what an id names is on the page, so that a link leads there.
    fn stands(&self, id: &str) -> bool {
        let most = match id.as_bytes().first() {
            Some(b'W') => MOST_ROWS,
            Some(b'X') => MOST_EXCHANGES,
            Some(b'L') => MOST_EVENTS,
            _ => usize::MAX,
        };
        number(id).is_some_and(|number| number <= most)
    }

    fn failed(&self) -> usize {
        self.report.ike_exchanges.iter().filter(|exchange| exchange.reason.is_some()).count()
    }

    fn owing(&self) -> usize {
        self.report.pairs.iter().filter(|pair| pair.expectation == "required").count()
    }

    fn lost(&self) -> usize {
        // A note beside the evidence is worth no word here.
        let is_reported = |code: &str| code != "not_evidence";
        let reported = |file: &&Evidence| file.problems.iter().any(|p| is_reported(&p.code));
        self.report.evidence.iter().filter(reported).count()
    }
}

/// The case data that was given.
fn case_rows(report: &Report) -> Vec<(&'static str, &str)> {
    let Some(case) = &report.case else { return Vec::new() };
    let rows = [
        ("Case", &case.number),
        ("Organisation", &case.organisation),
        ("Examiner", &case.examiner),
        ("Purpose", &case.purpose),
        ("Notes", &case.notes),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
}

/// Whether a file is worth an entry of its own; others are folded into one line.
fn is_evidence(file: &&Evidence) -> bool {
    file.kind != "unknown" || file.problems.iter().any(|problem| problem.code != "not_evidence")
}

/// The number in `W12`.
fn number(id: &str) -> Option<usize> {
    id.get(1..)?.parse().ok()
}

fn first<T>(rows: &[T], most: usize) -> &[T] {
    rows.get(..most).unwrap_or(rows)
}

/// The worst first: those that had to be protected, by verdict, by packets in windows.
fn pairs(report: &Report) -> Vec<&Pair> {
    let mut clear: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for window in &report.windows {
        *clear.entry((&window.a, &window.b)).or_default() += window.frames;
    }
    let mut pairs: Vec<&Pair> = report.pairs.iter().collect();
    pairs.sort_by_cached_key(|pair| {
        let clear = clear.get(&(pair.a.as_str(), pair.b.as_str())).copied().unwrap_or_default();
        let is_free = pair.expectation != "required";
        (is_free, badness(&pair.verdict), Reverse(clear), Reverse(pair.frames))
    });
    pairs.truncate(MOST_ROWS);
    pairs
}

/// Those that failed first, else by time; only of negotiations that are in the table.
fn ladders(report: &Report) -> Vec<&IkeExchange> {
    let mut ladders: Vec<&IkeExchange> =
        first(&report.ike_exchanges, MOST_EXCHANGES).iter().collect();
    ladders.sort_by_key(|x| x.reason.is_none());
    ladders.truncate(MOST_LADDERS);
    ladders
}

/// What the script draws, as JSON that cannot end the element it is in.
fn script_data(timeline: &Timeline<'_>) -> String {
    // Inside a script element only `<` can begin what ends it. In JSON a backslash is doubled.
    let json = timeline.json().to_string().replace('<', "\\u003c").replace('&', "\\u0026");
    if matches!(visible(&json), Cow::Borrowed(_)) {
        return json;
    }
    let spelled = json.chars().map(|c| match visible(c.encode_utf8(&mut [0; 4])) {
        Cow::Borrowed(one) => one.to_owned(),
        Cow::Owned(escape) => escape.replace('\\', "\\\\"),
    });
    spelled.collect()
}

/// Only the page's own style and scripts, reported by their digests.
fn content_security_policy() -> String {
    let digest =
        |text: &str| format!("'sha256-{}'", STANDARD.encode(sha256_digest(text.as_bytes())));
    let scripts: Vec<String> = SCRIPTS.iter().map(|script| digest(script.1)).collect();
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        scripts.join(" ")
    )
}

const STYLE: &str = include_str!("style.css");
/// In the order in which they run.
const SCRIPTS: [(&str, &str); 4] = [
    ("early", include_str!("early.js")),
    ("findings", include_str!("findings.js")),
    ("tables", include_str!("tables.js")),
    ("timeline", include_str!("timeline.js")),
];
/// Rows that a table shows before its reader asks for more; `tables.js` knows the number too.
const FIRST_ROWS: usize = 100;
/// Rows of a table; the rest is in the CSV files.
const MOST_ROWS: usize = 10_000;
/// Hosts.
const MOST_HOSTS: usize = 300;
/// Files on the cover, which runs on over as many sheets as it needs; all of them are in manifest.json.
const MOST_ON_COVER: usize = 500;
/// Runs under ESP; the rest stands in report.json.
const MOST_RUNS: usize = 2_000;
/// Findings; the rest is in findings.csv.
const MOST_FINDINGS: usize = 500;
/// Negotiations, whose rows are long.
const MOST_EXCHANGES: usize = 3_000;
/// Log events.
const MOST_EVENTS: usize = 3_000;
/// Log events whose fields are shown.
const MOST_FIELDS: usize = 300;
/// Negotiations shown message by message.
const MOST_LADDERS: usize = 200;
