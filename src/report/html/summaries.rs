//! What stands on paper in place of the tables that are long: how many rows, what they come to, and where they are.

use super::figures::{grouped, length, nanos_of};
use super::verdict::{counted, packets};
use crate::report::schema::Report;
use std::collections::{BTreeMap, BTreeSet};

/// A name and a summary for each table that is not on paper.
pub(super) fn summaries(report: &Report) -> Vec<(&'static str, String)> {
    vec![
        ("Hosts", format!("{} They are in report.json.", hosts(report))),
        ("Pairs", in_file(pairs(report), "pairs.csv")),
        ("Under ESP", format!("{} They are in report.json.", protected(report))),
        ("IKE negotiations", in_file(negotiations(report), "ike_exchanges.csv")),
        ("Log events", in_file(events(report), "log_events.csv")),
        ("Clocks", format!("{} They are in report.json.", clocks(report))),
        (
            "Evidence",
            format!(
                "{} What each log covers, and what is wrong with a file, is in report.json.",
                evidence(report)
            ),
        ),
    ]
}

/// What packets that the captures show twice are.
pub(super) fn artefact(kind: &str, frames: u64) -> String {
    let packets = packets(frames);
    match kind {
        "decrypted_twin" => format!(
            "{packets}: decrypted copies of packets that the same capture shows inside ESP; no leaks."
        ),
        "other_capture" => {
            format!("{packets}: copies of packets of another capture, which are counted there.")
        }
        _ => format!("{packets}: {}; no leaks.", kind.replace('_', " ")),
    }
}

fn in_file(summary: String, csv: &str) -> String {
    format!("{summary} All of them are in {csv} and report.json.")
}

/// `a (3), b (2)`: the most frequent first.
fn tally<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told =
        |(word, count): &(&str, usize)| format!("{} ({})", word.replace('_', " "), grouped(count));
    counts.iter().map(told).collect::<Vec<_>>().join(", ")
}

fn hosts(report: &Report) -> String {
    let all: BTreeSet<&str> =
        report.pairs.iter().flat_map(|pair| [pair.a.as_str(), pair.b.as_str()]).collect();
    let named: BTreeSet<&str> = report.hosts.iter().map(|host| host.address.as_str()).collect();
    let known = all.iter().filter(|address| named.contains(*address)).count();
    format!("{}, {} with a known name.", counted(all.len(), "host"), grouped(known))
}

fn pairs(report: &Report) -> String {
    let required = || report.pairs.iter().filter(|pair| pair.expectation == "required");
    let all = counted(report.pairs.len(), "pair");
    match required().count() {
        0 => format!("{all}, none of which had to be protected."),
        many => format!(
            "{all}, {} of which had to be protected: {}.",
            grouped(many),
            tally(required().map(|pair| pair.verdict.as_str()))
        ),
    }
}

fn protected(report: &Report) -> String {
    let pairs: BTreeSet<(&str, &str)> =
        report.protected.iter().map(|run| (run.a.as_str(), run.b.as_str())).collect();
    let frames = report.protected.iter().map(|run| run.frames).sum();
    format!(
        "{} of ESP packets between {}, {}.",
        counted(report.protected.len(), "run"),
        counted(pairs.len(), "pair"),
        packets(frames)
    )
}

fn negotiations(report: &Report) -> String {
    let all = counted(report.ike_exchanges.len(), "negotiation");
    let failed = report.ike_exchanges.iter().filter_map(|exchange| exchange.reason.as_deref());
    match failed.clone().count() {
        0 => format!("{all}, none of which failed."),
        many => format!("{all}, {} of which failed: {}.", grouped(many), tally(failed)),
    }
}

fn events(report: &Report) -> String {
    let hosts: BTreeSet<&str> = report.log_events.iter().map(|event| event.host.as_str()).collect();
    let all = counted(report.log_events.len(), "event");
    if report.log_events.is_empty() {
        return "None.".to_owned();
    }
    format!(
        "{all} of {}: {}.",
        counted(hosts.len(), "host"),
        tally(report.log_events.iter().map(|event| event.category.as_str()))
    )
}

fn clocks(report: &Report) -> String {
    let known: Vec<i64> = report
        .clock_offsets
        .iter()
        .filter_map(|clock| nanos_of(clock.seconds.as_ref()?.get()))
        .collect();
    let all = counted(report.clock_offsets.len(), "log clock");
    let Some(most) = known.iter().max() else {
        return format!("{all}; none could be compared with the captures.");
    };
    format!(
        "{all}; {} compared with the captures, the largest difference {}.",
        grouped(known.len()),
        length(*most)
    )
}

fn evidence(report: &Report) -> String {
    let problems = report.evidence.iter().flat_map(|file| &file.problems);
    let all = counted(report.evidence.len(), "file");
    match problems.clone().count() {
        0 => format!("{all} without problems."),
        many => format!(
            "{all} with {}: {}.",
            counted(many, "problem"),
            tally(problems.map(|problem| problem.code.as_str()))
        ),
    }
}
