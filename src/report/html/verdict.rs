//! The sentences behind the verdict: how much, between whom, why, and what the reader has to know before
//! signing. Only counts of what the report holds.

use super::figures::{between, grouped, moment};
use crate::report::limits::grave_findings;
use crate::report::schema::{Pair, Report, Window};
use crate::time::Zone;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What the verdict means and rests on.
pub(super) fn sentences(report: &Report, zone: Option<&Zone>) -> Vec<String> {
    let mut reported = vec![meaning(&report.verdict).to_owned()];
    reported
        .extend(grave_findings(report).map(|found| format!("But there are findings: {found}.")));
    let required: Vec<&Pair> =
        report.pairs.iter().filter(|pair| pair.expectation == "required").collect();
    if required.is_empty() {
        return reported;
    }
    let esp: u64 = required.iter().map(|pair| pair.by_class.esp.frames).sum();
    let (pairs, whose) = if required.len() == 1 {
        ("The traffic of 1 pair".to_owned(), "its")
    } else {
        (format!("The traffic of {} pairs", grouped(required.len())), "their")
    };
    let esp = grouped(esp);
    reported.push(format!("{pairs} had to be protected; {esp} of {whose} packets used ESP."));
    reported.extend(windows(report, zone));
    let readable = required.iter().map(|p| p.by_class.esp_null.frames + p.by_class.ah.frames);
    let readable: u64 = readable.sum();
    if readable > 0 {
        let packets = packets(readable);
        reported.push(format!(
            "{packets} were authenticated only (NULL encryption or AH) and are readable."
        ));
    }
    reported
}

/// What limits the verdict, in words.
pub(super) fn reservations(report: &Report) -> Vec<String> {
    let mut reported = Vec::new();
    reported.extend(report.verdict_limits.iter().map(|limit| limit.text.clone()));
    let lost: u64 = report.evidence.iter().filter_map(|file| file.dropped_by_capturer).sum();
    if lost > 0 {
        reported.push(format!(
            "The capturing system dropped {}; their content is unknown.",
            packets(lost)
        ));
    }
    let unnamed = report.evidence.iter().filter(|file| file.sha256.is_none()).count();
    if unnamed > 0 {
        reported.push(format!("The identity of {} was not recorded.", counted(unnamed, "file")));
    }
    let folded = report.totals.folded_pairs.pairs;
    if folded > 0 {
        reported.push(format!("Pairs folded because there were too many: {}; folded pairs were not judged individually.", grouped(folded)));
    }
    reported
}

const fn meaning(verdict: &str) -> &'static str {
    match verdict.as_bytes() {
        b"protected" => "Every packet seen that had to be protected was protected.",
        b"partially_protected" => {
            "Some of the traffic that had to be protected was in clear or readable."
        }
        b"unprotected" => "None of the traffic that had to be protected was protected.",
        b"no_expectation" => {
            "No requirement is known: neither a policy nor the evidence states what had to be protected."
        }
        b"not_determined" => {
            "No traffic that had to be protected was seen in clear, but too much could not be judged."
        }
        _ => "No packet that had to be protected was seen.",
    }
}

fn windows(report: &Report, zone: Option<&Zone>) -> Vec<String> {
    let Some(largest) = report.windows.iter().max_by_key(|w| (w.frames, Reverse(&w.start))) else {
        return Vec::new();
    };
    let clear: u64 = report.windows.iter().map(|w| w.frames.saturating_sub(w.shared_frames)).sum();
    let many = counted(report.windows.len(), "window");
    let Window { id, first, last, .. } = largest;
    let (a, b) = (named(&largest.a, &largest.a_names), named(&largest.b, &largest.b_names));
    let (start, end) = (moment(&largest.start, zone), moment(&largest.end, zone));
    let (frames, length) = (packets(largest.frames), between(&largest.start, &largest.end));
    let mut reported = vec![format!(
        "{} passed in clear text in {many}; the largest, {id}, holds {frames} between {a} and {b} from {start} to {end} \
         ({length}, frames {}:{} to {}:{}).",
        packets(clear),
        first.evidence,
        first.frame,
        last.evidence,
        last.frame
    )];
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for cause in report.windows.iter().filter_map(|window| window.causes.first()) {
        *reasons.entry(cause.reason.as_str()).or_default() += 1;
    }
    let mut reasons: Vec<(&str, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, windows)| Reverse(*windows));
    let named = |(reason, windows): &(&str, usize)| {
        format!("{} ({})", reason.replace('_', " "), counted(*windows, "window"))
    };
    if !reasons.is_empty() {
        let reasons: Vec<String> = reasons.iter().map(named).collect();
        reported.push(format!("Leading causes: {}.", reasons.join(", ")));
    }
    reported
}

/// An address and its names.
fn named(address: &str, names: &[String]) -> String {
    if names.is_empty() {
        address.to_owned()
    } else {
        format!("{address} ({})", names.join(" or "))
    }
}

pub(super) fn packets(number: u64) -> String {
    let shown = grouped(number);
    format!("{shown} packet{}", if number == 1 { "" } else { "s" })
}

pub(super) fn counted(number: usize, noun: &str) -> String {
    let shown = grouped(number);
    format!("{shown} {noun}{}", if number == 1 { "" } else { "s" })
}
