//! Facts → a policy for a person to edit, each rule with the frames it rests on.
//!
//! Proposes what was inferred and nothing more: what was seen in clear text is reported beside the rules,
//! and left for a person to allow.

use crate::correlate::{CleartextWindow, Facts, PairFacts};
use crate::hosts::HostPair;
use crate::policy::{
    Action, DefaultExemptions, Expectation, ExpectationSource, Level, PolicyText, WrittenRule,
};
use crate::protection::{ProtectionClass, Service};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The text of a policy that says what the evidence lets one infer.
#[must_use]
pub fn propose(facts: &Facts) -> String {
    let mut text = PolicyText::default();
    text.comment("Proposed by plainsight from evidence: a draft, to be read and edited.");
    text.comment(
        "Each rule names the frames it is based on (E1:11 is frame 11 of the first file).",
    );
    text.comment("Rules are read from top to bottom; the first that matches decides.");
    text.gap();
    text.comment(
        "What the system exempts by default: none, windows-2000, windows-2003, windows-vista.",
    );
    text.exemptions(DefaultExemptions::None);
    hosts(facts, &mut text);
    let mut windows = WindowsByPair::new();
    for window in &facts.windows {
        windows.entry(window.window.pair).or_default().push(&window.window);
    }
    let owing = facts.pairs.iter().filter(|pair| is_inferred(pair));
    let mut rules = 0;
    for pair in owing {
        rules += 1;
        text.gap();
        let of_pair = windows.get(&pair.pair).map_or(&[][..], Vec::as_slice);
        rule(pair, of_pair, &mut text);
    }
    if rules == 0 {
        text.gap();
        text.comment("No two hosts show IPsec between them, so no rule is proposed. An example:");
        text.rule_left_out(&example());
    }
    others(facts, &mut text);
    text.finish()
}

type WindowsByPair<'a> = BTreeMap<HostPair, Vec<&'a CleartextWindow>>;

fn is_inferred(pair: &PairFacts) -> bool {
    match (&pair.expectation, &pair.source) {
        // Of hosts whose every attempt was refused nothing is proposed.
        (Expectation::Required(_), ExpectationSource::Inferred(from)) => {
            from.iter().any(|source| source.is_in_force())
        }
        (
            Expectation::Required(_)
            | Expectation::Attempted
            | Expectation::Exempt
            | Expectation::None,
            _,
        ) => false,
    }
}

/// The computers that wrote the logs.
fn hosts(facts: &Facts, text: &mut PolicyText) {
    let mut named: BTreeMap<&str, (BTreeSet<IpAddr>, BTreeSet<String>)> = BTreeMap::new();
    for event in &facts.events {
        let evidence = event.event.record.evidence;
        let Some(addresses) = facts.addresses.get(&event.log) else { continue };
        if event.event.host.is_empty() || addresses.is_empty() {
            continue;
        }
        let host = named.entry(&event.event.host).or_default();
        if host.1.insert(evidence.to_string()) {
            host.0.extend(addresses);
        }
    }
    if named.is_empty() {
        return;
    }
    text.gap();
    text.hosts();
    for (name, (addresses, logs)) in named {
        let logs: Vec<String> = logs.into_iter().collect();
        text.comment(&format!("as its own events name its addresses ({})", logs.join(", ")));
        text.host(name, &addresses.into_iter().collect::<Vec<_>>());
    }
}

fn rule(pair: &PairFacts, windows: &[&CleartextWindow], text: &mut PolicyText) {
    let between = [pair.pair.a().to_string(), pair.pair.b().to_string()];
    let seen: Vec<String> = pair
        .by_class
        .iter()
        .map(|(class, run)| {
            let (first, last) = (run.first, run.last);
            format!("{} {} ({first} to {last})", class.as_str(), run.frames)
        })
        .collect();
    text.comment(&format!("packets: {}; {}", seen.join(", "), pair.source));
    let has = |class| pair.by_class.contains_key(&class);
    let authenticates = has(ProtectionClass::EspNull) || has(ProtectionClass::Ah);
    let level = match (has(ProtectionClass::Esp), authenticates) {
        (false, true) => {
            text.comment("No packet was encrypted, so `authenticate` is enough.");
            Level::Authenticate
        }
        (false, false) => {
            text.comment("No packet was protected: only attempts are evident.");
            Level::Encrypt
        }
        (true, _) => Level::Encrypt,
    };
    clear(windows, &between, text);
    let (protocol, port, opened_by) = (None, None, None);
    text.rule(&WrittenRule { action: Action::Protect(level), between, protocol, port, opened_by });
}

/// What passed in clear between the two, as exemptions that a person may take in.
fn clear(windows: &[&CleartextWindow], between: &[String; 2], text: &mut PolicyText) {
    let services: BTreeSet<Service> =
        windows.iter().flat_map(|window| &window.services).copied().collect();
    for window in windows.iter().take(MOST_TOLD) {
        let run = &window.run;
        let apps = window.apps.keys().map(|(app, _)| app.as_str());
        let apps: BTreeSet<&str> = apps.collect();
        let apps: Vec<&str> = apps.into_iter().collect();
        let (first, last) = (run.first, run.last);
        let packets = format!("{} packets in clear ({first} to {last})", run.frames);
        text.comment(&format!("{packets}: {}", apps.join(", ")));
    }
    if let Some(more) = windows.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
        text.comment(&format!("and {more} more windows"));
    }
    let ports: Vec<&Service> = services.iter().filter(|service| service.port.is_some()).collect();
    if ports.is_empty() {
        return;
    }
    text.comment("If this is intended, exempt it:");
    for service in ports.into_iter().take(MOST_TOLD) {
        text.rule_left_out(&WrittenRule {
            action: Action::Exempt,
            between: between.clone(),
            protocol: Some(service.protocol),
            port: service.port,
            opened_by: None,
        });
    }
}

/// The pairs that show no IPsec, the busiest first.
fn others(facts: &Facts, text: &mut PolicyText) {
    let clear = |pair: &PairFacts| pair.by_class.get(&ProtectionClass::Clear).copied();
    let mut others: Vec<_> = facts
        .pairs
        .iter()
        .filter(|pair| !is_inferred(pair))
        .filter_map(|pair| clear(pair).map(|run| (pair, run)))
        .collect();
    if others.is_empty() {
        return;
    }
    others.sort_by_key(|(_, run)| std::cmp::Reverse(run.frames));
    text.gap();
    text.comment("These pairs show no IPsec, and this policy requires nothing of them:");
    for (pair, run) in others.iter().take(MOST_TOLD) {
        let (a, b) = (pair.pair.a(), pair.pair.b());
        let (first, last) = (run.first, run.last);
        text.comment(&format!("{a} - {b}: {} packets in clear ({first} to {last})", run.frames));
    }
    if let Some(more) = others.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
        text.comment(&format!("and {more} more pairs"));
    }
}

fn example() -> WrittenRule {
    WrittenRule {
        action: Action::Protect(Level::Encrypt),
        between: ["10.0.0.0/24".to_owned(), "10.0.1.0/24".to_owned()],
        protocol: None,
        port: None,
        opened_by: None,
    }
}

const MOST_TOLD: usize = 10;
