//! The view by host: what each address has to do with what was found.

use super::timeline::badness;
use crate::report::moment::nanos;
use crate::report::schema::Report;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A host of the captures.
#[derive(Default)]
pub(super) struct HostRow<'a> {
    pub(super) address: &'a str,
    /// What says which name it has: `policy`, `E3 (event)`.
    pub(super) named_by: Vec<String>,
    /// The worst verdict of its pairs.
    pub(super) verdict: &'a str,
    pub(super) pairs: usize,
    /// Pairs of it that had to be protected.
    pub(super) required: usize,
    pub(super) windows: Vec<&'a str>,
    /// Clear packets in these windows.
    pub(super) clear: u64,
    /// How long they lasted together, in nanoseconds.
    pub(super) clear_nanos: i64,
    pub(super) failed: usize,
    pub(super) findings: Vec<&'a str>,
}

/// Hosts, the worst first; those that nothing was demanded of and nothing was found of are left out.
pub(super) fn hosts(report: &Report) -> Vec<HostRow<'_>> {
    let mut rows: BTreeMap<&str, HostRow<'_>> = BTreeMap::new();
    for pair in &report.pairs {
        for address in [pair.a.as_str(), pair.b.as_str()] {
            let row = rows.entry(address).or_default();
            row.address = address;
            row.pairs += 1;
            row.required += usize::from(pair.expectation == "required");
            if row.verdict.is_empty() || badness(&pair.verdict) < badness(row.verdict) {
                row.verdict = &pair.verdict;
            }
        }
    }
    for window in &report.windows {
        let length = nanos(&window.start).zip(nanos(&window.end));
        for address in [window.a.as_str(), window.b.as_str()] {
            let Some(row) = rows.get_mut(address) else { continue };
            row.windows.push(&window.id);
            row.clear += window.frames;
            row.clear_nanos += length.map_or(0, |(start, end)| end.saturating_sub(start));
        }
    }
    for exchange in report.ike_exchanges.iter().filter(|exchange| exchange.reason.is_some()) {
        let ends = [&exchange.initiator, &exchange.responder];
        let ends: BTreeSet<String> = ends.iter().map(|end| super::timeline::host(end)).collect();
        for end in ends {
            if let Some(row) = rows.get_mut(end.as_str()) {
                row.failed += 1;
            }
        }
    }
    for finding in &report.findings {
        let pair = finding.pair.as_deref().and_then(|pair| pair.split_once(" - "));
        for address in pair.map(|(a, b)| [a, b]).into_iter().flatten() {
            if let Some(row) = rows.get_mut(address) {
                row.findings.push(&finding.id);
            }
        }
    }
    for host in &report.hosts {
        if let Some(row) = rows.get_mut(host.address.as_str()) {
            let by = host.sources.join(", ");
            let logs = host.evidence.join(", ");
            row.named_by.push(if logs.is_empty() { by } else { format!("{by} ({logs})") });
        }
    }
    let mut rows: Vec<HostRow<'_>> = rows.into_values().collect();
    rows.retain(|row| row.required > 0 || !row.windows.is_empty() || !row.findings.is_empty());
    rows.sort_by_key(|row| (badness(row.verdict), Reverse(row.clear), Reverse(row.failed)));
    rows
}
