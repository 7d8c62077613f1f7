//! The order of a report with pseudonyms: by its own addresses, so that nobody reads that of the originals from it.

use crate::report::schema::{Finding, Pair, Report, Window};
use std::mem::swap;
use std::net::IpAddr;

/// Puts hosts and pairs in order of their addresses, and the lower address of two first.
pub(super) fn reorder(report: &mut Report) {
    report.pairs.iter_mut().for_each(pair);
    report.pairs.sort_by_key(|pair| (address(&pair.a), address(&pair.b)));
    report.hosts.sort_by(|one, other| {
        (address(&one.address), &one.name).cmp(&(address(&other.address), &other.name))
    });
    report.windows.iter_mut().for_each(window);
    for run in &mut report.protected {
        if address(&run.a) > address(&run.b) {
            swap(&mut run.a, &mut run.b);
        }
    }
    for join in report.log_events.iter_mut().filter_map(|event| event.join.as_mut()) {
        if join.a.as_deref().map(address) > join.b.as_deref().map(address) {
            swap(&mut join.a, &mut join.b);
        }
    }
    report.findings.iter_mut().for_each(finding);
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

fn pair(pair: &mut Pair) {
    pair.inside_of.iter_mut().for_each(|two| *two = in_order(two));
    if address(&pair.a) > address(&pair.b) {
        swap(&mut pair.a, &mut pair.b);
        swap(&mut pair.a_names, &mut pair.b_names);
        pair.expectation_by_direction.reverse();
    }
}

fn window(window: &mut Window) {
    if address(&window.a) > address(&window.b) {
        window.filter = exchanged(&window.filter, &window.a, &window.b);
        swap(&mut window.a, &mut window.b);
        swap(&mut window.a_names, &mut window.b_names);
        swap(&mut window.a_to_b, &mut window.b_to_a);
        window.audits.reverse();
    }
}

fn finding(finding: &mut Finding) {
    let Some(pair) = finding.pair.clone() else { return };
    let Some((a, b)) = pair.split_once(" - ").filter(|(a, b)| address(a) > address(b)) else {
        return;
    };
    finding.pair = Some(format!("{b} - {a}"));
    let texts = [&mut finding.title, &mut finding.detail].into_iter().chain(&mut finding.arkime);
    texts.chain(&mut finding.tshark).for_each(|text| *text = exchanged(text, a, b));
}

/// `A - B`, the lower one first.
fn in_order(two: &str) -> String {
    match two.split_once(" - ") {
        Some((a, b)) if address(a) > address(b) => format!("{b} - {a}"),
        Some(_) | None => two.to_owned(),
    }
}

/// The text with the two addresses in the other order, wherever they are side by side.
fn exchanged(text: &str, a: &str, b: &str) -> String {
    let mut text = text.to_owned();
    for between in BETWEEN {
        text = text.replace(&format!("{a}{between}{b}"), &format!("{b}{between}{a}"));
    }
    text
}

/// What is between the two addresses of a pair, in sentences and filters.
const BETWEEN: [&str; 5] = [" and ", " - ", " && ip.addr==", " && ipv6.addr==", " && ip == "];
