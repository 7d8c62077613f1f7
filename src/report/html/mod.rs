//! report.html: one page for people, from the report's own types.
//!
//! The template escapes every value; style and script are part of the page, and its content
//! security policy lets nothing else run. Nothing is loaded from anywhere.

use super::FormatError;
use super::picture::picture;
use super::schema::{
    Cause, Count, Evidence, FrameRef, IkeExchange, LogEvent, Pair, Report, Window,
};
use crate::evidence::sha256_octets;
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// The page.
///
/// # Errors
/// Where the template cannot be filled; none of the report's values can cause that.
pub(super) fn page(report: &Report) -> Result<Vec<u8>, FormatError> {
    let data = timeline(report);
    let page = Page {
        report,
        sentence: sentence(&report.verdict),
        policy: content_security_policy(),
        style: STYLE,
        script: SCRIPT,
        data: &data,
        classes: picture(&report.totals.by_class),
        pairs: pairs(report),
        windows: report.windows.get(..MOST_ROWS).unwrap_or(&report.windows),
        exchanges: report.ike_exchanges.get(..MOST_ROWS).unwrap_or(&report.ike_exchanges),
        ladders: ladders(report),
        events: report.log_events.get(..MOST_ROWS).unwrap_or(&report.log_events),
        is_inferred: report.pairs.iter().any(|p| p.expectation_source.starts_with("inferred")),
    };
    Ok(page.render().map_err(FormatError::Html)?.into_bytes())
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    report: &'a Report,
    sentence: &'static str,
    policy: String,
    style: &'static str,
    script: &'static str,
    data: &'a str,
    classes: Vec<(&'static str, &'static str, Count)>,
    pairs: Vec<&'a Pair>,
    windows: &'a [Window],
    exchanges: &'a [IkeExchange],
    ladders: Vec<&'a IkeExchange>,
    events: &'a [LogEvent],
    is_inferred: bool,
}

impl Page<'_> {
    fn frame(&self, frame: &FrameRef) -> String {
        format!("{}:{}", frame.evidence, frame.frame)
    }

    fn leading<'c>(&self, causes: &'c [Cause]) -> Option<&'c Cause> {
        causes.first()
    }

    fn listed(&self, numbers: &[u64]) -> String {
        numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    fn words(&self, code: &str) -> String {
        code.replace('_', " ")
    }

    fn lost(&self) -> usize {
        // A note beside the evidence is worth no word here.
        let is_told = |code: &str| code != "not_evidence";
        let told = |file: &&Evidence| file.problems.iter().any(|p| is_told(&p.code));
        self.report.evidence.iter().filter(told).count()
    }
}

const fn sentence(verdict: &str) -> &'static str {
    match verdict.as_bytes() {
        b"protected" => "Every packet seen that had to be protected was.",
        b"partially_protected" => {
            "Some of the traffic that had to be protected was not, or could be read."
        }
        b"unprotected" => "None of the traffic that had to be protected was.",
        b"no_expectation" => "Nothing says what had to be protected.",
        _ => "No packet was seen that had to be protected.",
    }
}

/// Those that owe protection first, then the busiest.
fn pairs(report: &Report) -> Vec<&Pair> {
    let mut pairs: Vec<&Pair> = report.pairs.iter().collect();
    pairs.sort_by_key(|pair| (pair.expectation != "required", std::cmp::Reverse(pair.frames)));
    pairs.truncate(MOST_ROWS);
    pairs
}

/// Those that failed first, else by time.
fn ladders(report: &Report) -> Vec<&IkeExchange> {
    let shown = report.ike_exchanges.get(..MOST_ROWS).unwrap_or(&report.ike_exchanges);
    let mut ladders: Vec<&IkeExchange> = shown.iter().collect();
    ladders.sort_by_key(|x| x.reason.is_none());
    ladders.truncate(MOST_LADDERS);
    ladders
}

/// What the script draws, as JSON that cannot end the element it stands in.
fn timeline(report: &Report) -> String {
    let mut lanes: Vec<_> =
        report.pairs.iter().filter(|pair| pair.expectation == "required").collect();
    lanes.sort_by_key(|pair| std::cmp::Reverse(pair.by_class.clear.frames));
    let lanes: Vec<_> = lanes
        .iter()
        .take(MOST_LANES)
        .map(|pair| {
            let of_pair = |a: &str, b: &str| a == pair.a && b == pair.b;
            let windows = report.windows.iter().filter(|w| of_pair(&w.a, &w.b));
            let protected = report.protected.iter().filter(|w| of_pair(&w.a, &w.b));
            json!({
                "name": format!("{} - {}", pair.a, pair.b),
                "clear": windows
                    .map(|w| json!([w.start, w.end, w.id, w.frames, if w.mixed { 1 } else { 0 }]))
                    .collect::<Vec<_>>(),
                "esp": protected.map(|w| json!([w.start, w.end, w.frames])).collect::<Vec<_>>(),
            })
        })
        .collect();
    let failures = report.ike_exchanges.iter().filter(|x| x.reason.is_some());
    let failures: Vec<_> =
        failures.take(MOST_ROWS).map(|x| json!([x.start, x.id, x.reason, x.first.frame])).collect();
    let changes = report.log_events.iter().filter(|e| {
        matches!(e.category.as_str(), "service_state" | "policy_change" | "evidence_integrity")
    });
    let changes: Vec<_> = changes
        .take(MOST_ROWS)
        .filter_map(|e| {
            let time = e.time_corrected.as_ref()?;
            Some(json!([time, e.id, format!("{} on {}", e.event_id, e.host)]))
        })
        .collect();
    let data = json!({ "lanes": lanes, "failures": failures, "changes": changes });
    // Inside a script element only `<` can begin what ends it.
    data.to_string().replace('<', "\\u003c").replace('&', "\\u0026")
}

/// Only the page's own style and script, told by their digests.
fn content_security_policy() -> String {
    let digest = |text: &str| STANDARD.encode(sha256_octets(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("view.js");
/// Rows of a table; the rest stands in the CSV files.
const MOST_ROWS: usize = 10_000;
/// Negotiations shown message by message.
const MOST_LADDERS: usize = 500;
/// Pairs of the timeline.
const MOST_LANES: usize = 200;
