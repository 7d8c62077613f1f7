//! IP addresses that another station took over, or that several hosts share.

use super::{Finding, FindingCode, Severity, When, proof_of};
use crate::correlate::{Confidence, ExplainedWindow, Facts, SentFrom};
use crate::hosts::HostPair;
use crate::ike::IkeExchange;
use crate::summary::Mac;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// One finding for each address that belongs to a window or to a log's host; other addresses do not matter.
pub(super) fn taken_over(facts: &Facts) -> Vec<Finding> {
    let windows = facts.windows.iter().map(|explained| explained.window.pair);
    let pairs: BTreeSet<HostPair> = windows.collect();
    let of_windows = pairs.iter().flat_map(|pair| [pair.a(), pair.b()]);
    let of_logs = facts.addresses.values().flatten().copied();
    let concerned: BTreeSet<IpAddr> = of_windows.chain(of_logs).collect();
    let changes = facts.station_changes.iter().filter(|c| concerned.contains(&c.address));
    changes
        .take(MOST)
        .map(|change| {
            let title = format!("{} sends from another link-layer address", change.address);
            let detail = format!(
                "Up to frame {} it was {}; from frame {} on it was {}. Another computer may have taken over the address, the network card may have been replaced, or the host has several cards (teaming).",
                change.last.frame, change.before, change.first.frame, change.after,
            );
            let when = |seen: crate::summary::PacketRecord| When {
                time: seen.time,
                evidence: seen.frame.evidence,
            };
            Finding {
                confidence: Confidence::Medium,
                span: Some((when(change.last), when(change.first))),
                proof: proof_of([change.last.frame, change.first.frame]),
                ..Finding::new(FindingCode::OtherStation, Severity::Low, title, detail)
            }
        })
        .collect()
}

/// Windows whose clear packets other stations sent than the pair's protected ones: one finding for each pair.
pub(super) fn other_senders(facts: &Facts) -> Vec<Finding> {
    let mut pairs = BTreeSet::new();
    let first = facts.other_senders.iter().filter(|((pair, _), _)| pairs.insert(*pair));
    first
        .take(MOST)
        .map(|((pair, _), other)| {
            let title = format!("Clear and protected packets of {} have different link-layer addresses or VLANs", other.address);
            let detail = format!(
                "Clear packets came from {}, protected packets from {}. Either several hosts have this address (on another VLAN, at another site, or because one sends under another's address): then the clear text is not from the protected host. Or one host sends from several network cards (teaming).",
                sender(&other.clear),
                sender(&other.protected),
            );
            Finding {
                confidence: Confidence::Medium,
                pair: Some(*pair),
                proof: proof_of([other.clear.frame, other.protected.frame]),
                ..Finding::new(FindingCode::OtherStation, Severity::Low, title, detail)
            }
        })
        .collect()
}

/// How severe and how sure a finding about windows is where other stations sent clear packets than the protected ones, and the
/// sentence that says so.
pub(super) fn weigh(
    facts: &Facts,
    windows: &[&ExplainedWindow],
    severity: Severity,
    is_stated: bool,
) -> (Severity, Confidence, &'static str) {
    let is_one = |w: &&&ExplainedWindow| {
        facts.other_senders.contains_key(&(w.window.pair, w.window.run.start))
    };
    let of_others = windows.iter().filter(is_one).count();
    let is_doubtful = of_others == windows.len() && !is_stated;
    let severity = if is_doubtful { severity.min(Severity::Medium) } else { severity };
    let confidence = match of_others {
        _ if is_stated => Confidence::High,
        0 => Confidence::Medium,
        _ => Confidence::Low,
    };
    (severity, confidence, if of_others > 0 { OTHER_SENDERS } else { "" })
}

/// The sentence that a finding about such windows ends with.
const OTHER_SENDERS: &str = " These clear packets came from other link-layer addresses or VLANs than the protected ones of the same addresses: they may be from other hosts (see the finding other_station).";

/// `02:00:0a:05:00:01 in VLAN 10 (frame E1:4)`.
fn sender(sent: &SentFrom) -> String {
    let vlans: Vec<String> = sent
        .station
        .vlans
        .iter()
        .filter(|vlan| **vlan != 0)
        .map(|vlan| format!(" in VLAN {vlan}"))
        .collect();
    format!("{}{} (frame {})", Mac(sent.station.address), vlans.concat(), sent.frame)
}

/// Addresses that do not match IKE's hashes: a translator replaced them, or the sender forces encapsulation
/// (RFC 7296 §2.23, RFC 3947 §3.2).
pub(super) fn translated(facts: &Facts) -> BTreeSet<IpAddr> {
    let of_exchange = |exchange: &IkeExchange| {
        let initiator = (exchange.nat.initiator == Some(true)).then(|| exchange.initiator.ip());
        let responder = (exchange.nat.responder == Some(true)).then(|| exchange.responder.ip());
        [initiator, responder].into_iter().flatten()
    };
    facts.exchanges.iter().flat_map(of_exchange).collect()
}

/// Addresses with a finding each.
const MOST: usize = 50;
