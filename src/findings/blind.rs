//! Blind spots: what could not be decoded or judged, and may hide traffic that had to be protected.

use super::{Finding, FindingCode, Proof, Severity, counted, frames, span_of, with_separators};
use crate::correlate::{BlindSpot, Confidence, Facts, PairFacts, Scanner, Verdict};
use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use crate::policy::Expectation;
use crate::protection::ProtectionClass;
use crate::summary::SetAside;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One finding for each capture in which many frames could not be decoded, and one for each pair that cannot be
/// judged.
pub(super) fn blind_spots(facts: &Facts) -> Vec<Finding> {
    let captures = facts.blind_spots.iter().filter(|spot| is_reported(spot)).map(of_capture);
    let is_undetermined = |pair: &&PairFacts| pair.verdict() == Verdict::NotDetermined;
    let pairs = facts.pairs.iter().filter(is_undetermined).take(MOST_PAIRS).map(of_pair);
    captures.chain(pairs).collect()
}

/// One frame in a hundred, or a large number.
fn is_reported(spot: &BlindSpot) -> bool {
    spot.blind().saturating_mul(REPORTED_PART) >= spot.frames || spot.blind() >= MANY_FRAMES
}

fn of_capture(spot: &BlindSpot) -> Finding {
    let reasons = spot
        .reasons
        .iter()
        .map(|(reason, frames)| format!("{reason} ({})", with_separators(*frames)));
    let title = format!(
        "{}: {} of {} could not be decoded or classified",
        spot.evidence,
        counted(spot.blind(), "frame"),
        spot.frames
    );
    let detail = format!(
        "Reasons: {}. Traffic that had to be protected may be among them, protected or in clear.",
        reasons.collect::<Vec<_>>().join(", ")
    );
    let proof = [(spot.evidence, Proof::File)].into();
    Finding { proof, ..Finding::new(FindingCode::BlindSpot, Severity::Medium, title, detail) }
}

fn of_pair(pair: &PairFacts) -> Finding {
    let (a, b) = (pair.pair.a(), pair.pair.b());
    let title = format!("It cannot be determined whether {a} and {b} used only IPsec");
    let limits =
        pair.limits.iter().map(|(code, extent)| format!("{} ({})", code.as_str(), extent.count));
    let detail = format!(
        "No clear traffic that had to be protected was seen, but too much could not be judged: {}.",
        limits.collect::<Vec<_>>().join(", ")
    );
    let evidence = pair.limits.values().flat_map(|extent| &extent.evidence);
    let proof: BTreeMap<EvidenceId, Proof> = evidence.map(|id| (*id, Proof::File)).collect();
    let finding = Finding::new(FindingCode::BlindSpot, Severity::Medium, title, detail);
    Finding { pair: Some(pair.pair), proof, ..finding }
}

/// Hosts that looked for IKE at many others.
pub(super) fn scanners(facts: &Facts) -> Vec<Finding> {
    facts.scanners.iter().take(MOST_PAIRS).map(scanner).collect()
}

fn scanner(scanner: &Scanner) -> Finding {
    let peers = counted(scanner.peers as u64, "host");
    let title = format!("{} sent IKE to {peers} and none of them answered", scanner.source);
    let detail = "A host that contacts this many others is treated as a scanner: its attempts do not show that protection was required.";
    Finding::new(FindingCode::IkeScan, Severity::Info, title, detail.to_owned())
}

/// Pairs that talk in clear although each of the two uses IPsec with others: one finding for all.
pub(super) fn ipsec_hosts_in_clear(facts: &Facts) -> Option<Finding> {
    let under_ipsec = facts.pairs.iter().filter(|pair| pair.corroborated_ipsec().is_some());
    let mut hosts: BTreeSet<IpAddr> =
        under_ipsec.flat_map(|pair| [pair.pair.a(), pair.pair.b()]).collect();
    // Another address of a host is that host.
    let of_them = facts.same_host.iter().filter(|host| host.iter().any(|at| hosts.contains(at)));
    let others: BTreeSet<IpAddr> = of_them.flatten().copied().collect();
    hosts.extend(others);
    let is_asked = |pair: &&PairFacts| {
        let clear = pair.by_class.get(&ProtectionClass::Clear);
        let are_of_them = hosts.contains(&pair.pair.a()) && hosts.contains(&pair.pair.b());
        pair.expectation == Expectation::None
            && (are_of_them || is_carried(pair))
            && clear.is_some_and(|run| run.payload_bytes() > 0)
    };
    let asked: Vec<&PairFacts> = facts.pairs.iter().filter(is_asked).collect();
    let named = asked.iter().take(MOST_NAMED).map(|pair| {
        let packets = with_separators(pair.in_clear.frames);
        format!("{} and {} ({packets})", pair.pair.a(), pair.pair.b())
    });
    let own = asked.iter().filter(|pair| pair.corroborated_ipsec().is_some()).count();
    let known = asked.iter().take(MOST_NAMED);
    let known: String =
        known.filter_map(|pair| other_address(facts, pair).or_else(|| carried(pair))).collect();
    let (with, beside) = match own as u64 {
        0 if !known.is_empty() => ("", String::new()),
        0 => (" with others", " and no IPsec was seen between them".to_owned()),
        own => ("", format!("; {} also used IPsec with each other", counted(own, "pair"))),
    };
    let detail = format!(
        "Clear packets by pair: {}. No policy was given for them{beside}.{known}",
        named.collect::<Vec<_>>().join(", ")
    );
    let title = format!(
        "{} of hosts that use IPsec{with} exchanged clear text",
        counted(asked.len() as u64, "pair")
    );
    let runs = asked.iter().filter_map(|pair| pair.by_class.get(&ProtectionClass::Clear));
    let (span, proof) = (span_of(runs.clone()), frames(runs.take(MOST_NAMED)));
    let code = FindingCode::IpsecHostsInClear;
    let finding = Finding::new(code, Severity::Medium, title, detail);
    (!asked.is_empty()).then_some(Finding { confidence: Confidence::Low, span, proof, ..finding })
}

/// Whether a capture shows packets of the two inside ESP: a tunnel between gateways carried them.
fn is_carried(pair: &PairFacts) -> bool {
    let copies = [SetAside::DecryptedCopy, SetAside::InsideOtherCapture];
    copies.iter().any(|why| pair.set_aside.contains_key(why))
}

fn carried(pair: &PairFacts) -> Option<String> {
    let (a, b) = (pair.pair.a(), pair.pair.b());
    is_carried(pair).then(|| {
        format!(
            " Other packets of {a} and {b} were captured inside ESP, so a tunnel carries traffic of these two; nothing shows that it carried these packets."
        )
    })
}

/// Another address of one of the two hosts, under which it used IPsec with the other one.
fn other_address(facts: &Facts, pair: &PairFacts) -> Option<String> {
    let (a, b) = (pair.pair.a(), pair.pair.b());
    [(a, b), (b, a)].into_iter().find_map(|(own, peer)| {
        let hosts = facts.same_host.iter().filter(|host| host.contains(&own));
        let protected = |address: &&IpAddr| {
            let pair = HostPair::new(**address, peer);
            **address != own && facts.pair(pair).is_some_and(|it| it.corroborated_ipsec().is_some())
        };
        let other = hosts.flatten().find(protected)?;
        Some(format!(
            " {own} and {other} are addresses of one host, and {other} used IPsec with {peer}."
        ))
    })
}

/// Pairs that one finding about many pairs names.
const MOST_NAMED: usize = 5;
const REPORTED_PART: u64 = 100;
const MANY_FRAMES: u64 = 10_000;
/// Pairs or hosts with a finding each.
const MOST_PAIRS: usize = 50;
