//! A log on the terminal: whose it is, how complete it is, who failed and why.
//!
//! Prints what report.json holds; judges nothing.

use super::glyphs::Glyphs;
use super::terminal::escape;
use crate::report::schema::{Evidence, LogCoverage, LogEvent, Report};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What a log shows about its own reliability, below its line.
pub(super) fn print_coverage(out: &mut impl Write, file: &Evidence) -> io::Result<()> {
    let Some(coverage) = &file.log_coverage else { return Ok(()) };
    if let Some(audit) = &coverage.audit {
        let state = audit.state.replace('_', " ");
        writeln!(out, "  Negotiations: {state}: {}", escape(&audit.why))?;
    }
    print_addresses(out, coverage)?;
    if let Some(before) = &coverage.continues {
        writeln!(out, "  Its record numbers continue from {before}")?;
    }
    for gap in coverage.gaps.iter().take(MOST_LINES) {
        let between = match (&gap.after, &gap.before) {
            (Some(after), Some(before)) => format!(", between {after} and {before}"),
            (Some(_) | None, _) => String::new(),
        };
        writeln!(out, "  Records {} to {} are missing{between}", gap.first, gap.last)?;
    }
    for silence in coverage.silences.iter().take(MOST_SILENCES) {
        writeln!(out, "  No record between {} and {}", silence.from, silence.to)?;
    }
    for back in &coverage.setbacks {
        let (record, from, to) = (back.record, &back.from, &back.to);
        writeln!(
            out,
            "  Times go back at record {record}, from {from} to {to}: the clock was set back"
        )?;
    }
    for mark in coverage.marks.iter().take(MOST_LINES) {
        let time = mark.time.as_deref().unwrap_or("no time");
        let words = [
            mark.subcategory.clone().map(|name| format!(" of {}", name.replace('_', " "))),
            mark.success.clone().map(|word| format!(", successes {word}")),
            mark.failure.clone().map(|word| format!(", failures {word}")),
            mark.seconds.as_ref().map(|seconds| format!(", by {} s", seconds.get())),
        ];
        let words: String = words.into_iter().flatten().collect();
        let kind = mark.kind.replace('_', " ");
        writeln!(out, "  {time}  record {}  {}  {kind}{words}", mark.record, mark.event_id)?;
    }
    if let Some(more) = coverage.marks.len().checked_sub(MOST_LINES).filter(|more| *more > 0) {
        writeln!(out, "  {} and {more} more such records", Glyphs::of_locale().more)?;
    }
    if coverage.recovered > 0 {
        let noun = if coverage.recovered == 1 { "record" } else { "records" };
        writeln!(out, "  {} {noun} outside the live log", coverage.recovered)?;
    }
    Ok(())
}

fn print_addresses(out: &mut impl Write, coverage: &LogCoverage) -> io::Result<()> {
    if coverage.addresses.is_empty() {
        return writeln!(out, "  Addresses of its host: unknown; name them in a policy's [hosts]");
    }
    let addresses = coverage.addresses.iter().map(|known| {
        let by = known.sources.join(", ");
        if known.claimed_by.is_empty() {
            format!("{} (by {by})", known.address)
        } else {
            let others = escape(&known.claimed_by.join(", "));
            format!("{} (by {by}; also claimed by {others})", known.address)
        }
    });
    writeln!(out, "  Addresses of its host: {}", addresses.collect::<Vec<_>>().join(", "))
}

/// Failed negotiations by host, peer and reason.
pub(super) fn print_failures(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let failures = report
        .log_events
        .iter()
        .filter(|event| event.category == "ike_failure" && !event.recovered);
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&LogEvent>> = BTreeMap::new();
    for event in failures {
        let peer = event.peer.as_deref().unwrap_or("peer unknown");
        let reason = event.reason.as_deref().unwrap_or("other");
        groups.entry((&event.host, peer, reason)).or_default().push(event);
    }
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{:<24}  {:<24}  {:>6}  Reason, first and last", "Failed at", "With", "Times")?;
    for ((host, peer, reason), events) in &groups {
        let times = events.iter().filter_map(|event| event.time.as_deref());
        let (first, last) = (times.clone().min().unwrap_or("-"), times.max().unwrap_or("-"));
        let (host, count) = (escape(host), events.len());
        writeln!(out, "{host:<24}  {peer:<24}  {count:>6}  {reason}, {first} to {last}")?;
    }
    Ok(())
}

/// Spans in which a driver applied no IPsec.
pub(super) fn print_bypasses(out: &mut impl Write, report: &Report) -> io::Result<()> {
    if report.bypass_spans.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nSpans in which the IPsec driver let all traffic through")?;
    for span in report.bypass_spans.iter().take(MOST_LINES) {
        let length = span.seconds.as_ref().map_or_else(
            || "the log does not record its end".to_owned(),
            |seconds| format!("{} s", seconds.get()),
        );
        writeln!(out, "  {}  {} at {}, {length}", span.start, span.event_id, escape(&span.host))?;
    }
    Ok(())
}

const MOST_LINES: usize = 20;
const MOST_SILENCES: usize = 3;
