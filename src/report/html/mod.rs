//! report.html: one page for people, from the report's own types.
//!
//! The template escapes every value; style and scripts are part of the page, and its content
//! security policy lets nothing else run. Nothing is loaded from anywhere.

mod verdict;

mod timeline;

mod drawing;

use super::FormatError;
use super::picture::picture;
use super::schema::{
    Cause, Count, Evidence, Finding, FrameRef, IkeExchange, LogEvent, Pair, Protected, Report,
    Window,
};
use crate::evidence::{sha256_octets, visible};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drawing::Drawing;
use std::borrow::Cow;
use std::collections::BTreeMap;
use timeline::Timeline;

/// The page.
///
/// # Errors
/// Where the template cannot be filled; none of the report's values can cause that.
pub(super) fn page(report: &Report) -> Result<Vec<u8>, FormatError> {
    let timeline = Timeline::of(report);
    let mut windows_of: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for window in &report.windows {
        *windows_of.entry((&window.a, &window.b)).or_default() += 1;
    }
    let page = Page {
        report,
        sentences: verdict::sentences(report),
        reservations: verdict::reservations(report),
        policy: content_security_policy(),
        data: script_data(&timeline),
        drawing: Drawing::of(&timeline),
        left_out: timeline.left_out,
        has_lanes: timeline.span.is_some()
            && !(timeline.lanes.is_empty() && timeline.files.is_empty()),
        classes: picture(&report.totals.by_class),
        findings: first(&report.findings, MOST_FINDINGS),
        pairs: pairs(report),
        windows_of,
        windows: first(&report.windows, MOST_ROWS),
        protected: first(&report.protected, MOST_RUNS),
        exchanges: first(&report.ike_exchanges, MOST_EXCHANGES),
        ladders: ladders(report),
        events: first(&report.log_events, MOST_EVENTS),
    };
    Ok(all_visible(&page.render().map_err(FormatError::Html)?).into_bytes())
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
    sentences: Vec<String>,
    reservations: Vec<String>,
    policy: String,
    data: String,
    drawing: Option<Drawing>,
    left_out: usize,
    has_lanes: bool,
    classes: Vec<(&'static str, &'static str, Count)>,
    findings: &'a [Finding],
    pairs: Vec<&'a Pair>,
    windows_of: BTreeMap<(&'a str, &'a str), usize>,
    windows: &'a [Window],
    protected: &'a [Protected],
    exchanges: &'a [IkeExchange],
    ladders: Vec<&'a IkeExchange>,
    events: &'a [LogEvent],
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

    fn leading<'c>(&self, causes: &'c [Cause]) -> Option<&'c Cause> {
        causes.first()
    }

    /// Whether a window's chain says already why: the page shows a sentence once.
    fn is_in_chain(&self, window: &Window, why: &str) -> bool {
        window.chain.to_lowercase().contains(&why.to_lowercase())
    }

    fn listed(&self, numbers: &[u64]) -> String {
        numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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

    /// Whether an event is early enough in the report for its fields to stand here.
    fn has_fields(&self, event: &LogEvent) -> bool {
        number(&event.id).is_some_and(|number| number <= MOST_FIELDS)
    }

    /// Whether what an id names stands on the page, so that a link leads there.
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
        let is_told = |code: &str| code != "not_evidence";
        let told = |file: &&Evidence| file.problems.iter().any(|p| is_told(&p.code));
        self.report.evidence.iter().filter(told).count()
    }
}

/// The number in `W12`.
fn number(id: &str) -> Option<usize> {
    id.get(1..)?.parse().ok()
}

fn first<T>(rows: &[T], most: usize) -> &[T] {
    rows.get(..most).unwrap_or(rows)
}

/// Those that owe protection first, then the busiest.
fn pairs(report: &Report) -> Vec<&Pair> {
    let mut pairs: Vec<&Pair> = report.pairs.iter().collect();
    pairs.sort_by_key(|pair| (pair.expectation != "required", std::cmp::Reverse(pair.frames)));
    pairs.truncate(MOST_ROWS);
    pairs
}

/// Those that failed first, else by time; only of negotiations that stand in the table.
fn ladders(report: &Report) -> Vec<&IkeExchange> {
    let mut ladders: Vec<&IkeExchange> =
        first(&report.ike_exchanges, MOST_EXCHANGES).iter().collect();
    ladders.sort_by_key(|x| x.reason.is_none());
    ladders.truncate(MOST_LADDERS);
    ladders
}

/// What the script draws, as JSON that cannot end the element it stands in.
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

/// Only the page's own style and scripts, told by their digests.
fn content_security_policy() -> String {
    let digest =
        |text: &str| format!("'sha256-{}'", STANDARD.encode(sha256_octets(text.as_bytes())));
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
const FIRST_ROWS: usize = 200;
/// Rows of a table; the rest stands in the CSV files.
const MOST_ROWS: usize = 10_000;
/// Runs under ESP; the rest stands in report.json.
const MOST_RUNS: usize = 2_000;
/// Findings; the rest stands in findings.csv.
const MOST_FINDINGS: usize = 500;
/// Negotiations, whose rows are long.
const MOST_EXCHANGES: usize = 3_000;
/// Log events.
const MOST_EVENTS: usize = 3_000;
/// Log events whose fields are shown.
const MOST_FIELDS: usize = 300;
/// Negotiations shown message by message.
const MOST_LADDERS: usize = 200;
