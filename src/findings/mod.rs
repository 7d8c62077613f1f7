//! Turns facts and evidence into statements for the reader, one rule per function.
//!
//! A finding states only what its evidence proves, and how certain that is. Findings format no times and write
//! no files.

mod code;

mod severity;

mod rows;

mod controls;

mod cause_words;

mod against_words;
mod state_words;

mod counters;

mod chain;

mod measures;

mod clock_words;

mod contradiction;

mod traffic;

mod repeated;

mod tunnel;

mod pattern;

mod forced;

mod exemption;

mod attempted;

mod blind;

mod bounds;

mod negotiation;

mod place;

mod station;

mod strength;

mod log;

mod audit_words;

mod audit;

mod integrity;

mod off_wire;

mod fold;

mod problem_words;

pub use against_words::against;
pub use audit_words::audit_reason;
pub use cause_words::{closing, why};
pub use chain::chain;
pub use clock_words::clock;
pub use code::FindingCode;
pub use controls::Control;
pub use problem_words::problem;
pub use rows::FindingRow;
pub use severity::Severity;

use crate::catalogue::Reason;
use crate::correlate::{Confidence, FactRef, Facts};
use crate::evidence::{Evidence, EvidenceId, FrameRef};
use crate::hosts::HostPair;
use crate::policy::Policy;
use crate::summary::ClassRun;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The step before all others.
pub const PRESERVE: &str = "Save logs and captures before anything is changed.";

/// A point in time as one piece of evidence gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct When {
    /// The time.
    pub time: Timestamp,
    /// Its source: the time has the resolution of this file.
    pub evidence: EvidenceId,
}

/// The items of one file that prove a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Frames of a capture.
    Frames(BTreeSet<u64>),
    /// Records of a log.
    Records(BTreeSet<u64>),
    /// The file as a whole.
    File,
}

/// One statement for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that produced it.
    pub code: FindingCode,
    /// Its severity.
    pub severity: Severity,
    /// How certain it is.
    pub confidence: Confidence,
    /// The statement.
    pub title: String,
    /// The reasons, in sentences.
    pub detail: String,
    /// The pair it is about; `None` where it is about the evidence.
    pub pair: Option<HostPair>,
    /// Its first and its last moment, where it has any.
    pub span: Option<(When, When)>,
    /// What proves it.
    pub proof: BTreeMap<EvidenceId, Proof>,
    /// The windows it is about: indices in [`Facts::windows`].
    pub windows: Vec<usize>,
    /// The causes it names.
    pub causes: Vec<Reason>,
    /// What to do, the most useful step first.
    pub advice: Vec<String>,
}

/// Applies every rule; the worst comes first.
#[must_use]
pub fn find(facts: &Facts, evidence: &[Evidence], policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(traffic::cleartext_windows(facts));
    found.extend(traffic::without_time(facts));
    found.extend(blind::blind_spots(facts));
    found.extend(blind::scanners(facts));
    found.extend(pattern::patterns(facts));
    found.extend(forced::suspicions(facts));
    found.extend(exemption::abuses(facts));
    found.extend(traffic::weaker_than_encryption(facts));
    found.extend(tunnel::around_protected(facts));
    found.extend(tunnel::l2tp_without_ipsec(facts));
    found.extend(traffic::decrypted_copies(facts));
    found.extend(traffic::before_encryption(facts));
    found.extend(off_wire::off_wire(facts));
    found.extend(repeated::duplicates(facts));
    found.extend(integrity::esp_gaps(facts));
    found.extend(integrity::tcp_gaps(facts));
    found.extend(traffic::credentials(facts));
    found.extend(traffic::clear_without_expectation(facts));
    found.extend(blind::ipsec_hosts_in_clear(facts));
    found.extend(traffic::rules_without_traffic(facts, policy));
    found.extend(negotiation::failures_outside_windows(facts));
    found.extend(negotiation::uncounted(facts));
    found.extend(contradiction::contradictions(facts));
    found.extend(station::taken_over(facts));
    found.extend(station::other_senders(facts));
    found.extend(traffic::pairs_folded(facts));
    found.extend(bounds::bounds_reached(facts));
    found.extend(strength::weak_algorithms(facts));
    found.extend(strength::weak_esp(facts));
    found.extend(strength::aggressive_mode(facts));
    found.extend(strength::ikev1(facts));
    found.extend(log::cleartext_dropped(facts));
    found.extend(counters::cleartext_dropped(facts));
    found.extend(log::protected_dropped(facts));
    found.extend(log::services_down(facts));
    found.extend(log::cleared(facts));
    found.extend(log::auditing_reduced(facts));
    found.extend(log::events_lost(facts));
    found.extend(log::cleartext_permitted(facts));
    found.extend(audit::not_logged(facts));
    found.extend(audit::bypasses(facts));
    found.extend(audit::addresses(facts));
    found.extend(audit::recovered(facts));
    found.extend(integrity::clocks(facts));
    found.extend(integrity::damaged(evidence));
    found.extend(integrity::record_gaps(evidence));
    found.extend(integrity::frames_lost(evidence));
    found.extend(integrity::filtered(evidence));
    found.extend(integrity::span_without_evidence(facts, evidence));
    found.sort_by_key(|finding| {
        let worst_first = std::cmp::Reverse(finding.severity);
        (worst_first, finding.span, finding.code, finding.pair)
    });
    for alike in found.chunk_by_mut(|one, other| {
        (one.severity, one.span, one.code, one.pair)
            == (other.severity, other.span, other.code, other.pair)
    }) {
        alike.sort_by(|one, other| one.title.cmp(&other.title));
    }
    fold::folded(found)
}

impl Finding {
    /// A finding that was read from the evidence, with the general advice and the steps of its code.
    fn new(code: FindingCode, severity: Severity, title: String, detail: String) -> Self {
        Self {
            code,
            severity,
            confidence: Confidence::High,
            title,
            detail,
            pair: None,
            span: None,
            proof: BTreeMap::new(),
            windows: Vec::new(),
            causes: Vec::new(),
            advice: code.advice(),
        }
    }

    /// A finding that rests on cleartext windows of a pair, given by their indices.
    fn of_windows(self, facts: &Facts, pair: HostPair, windows: Vec<usize>) -> Self {
        let explained = windows.iter().filter_map(|index| facts.windows.get(*index));
        let runs: Vec<&ClassRun> = explained.map(|explained| &explained.window.run).collect();
        let (span, proof) = (span_of(runs.iter().copied()), frames(runs));
        Self { pair: Some(pair), span, proof, windows, ..self }
    }
}

impl FindingCode {
    /// The general advice and the steps.
    fn advice(self) -> Vec<String> {
        let steps = self.row().steps.iter().copied();
        [self.row().what_to_do].into_iter().chain(steps).map(str::to_owned).collect()
    }
}

/// The facts that causes of windows rest on: the windows' findings report them.
fn reported_with_windows(facts: &Facts) -> BTreeSet<FactRef> {
    let causes = facts.windows.iter().flat_map(|w| &w.causes);
    causes.flat_map(|cause| cause.refs.iter().copied()).collect()
}

/// The first and the last frame of runs.
fn frames<'a>(runs: impl IntoIterator<Item = &'a ClassRun>) -> BTreeMap<EvidenceId, Proof> {
    let ends = runs.into_iter().flat_map(|run| [run.first, run.last]);
    proof_of(ends)
}

fn proof_of(ends: impl IntoIterator<Item = FrameRef>) -> BTreeMap<EvidenceId, Proof> {
    let mut by_evidence: BTreeMap<EvidenceId, BTreeSet<u64>> = BTreeMap::new();
    for end in ends {
        let numbers = by_evidence.entry(end.evidence).or_default();
        if numbers.len() < MOST_ITEMS {
            numbers.insert(end.frame.0);
        }
    }
    by_evidence.into_iter().map(|(id, numbers)| (id, Proof::Frames(numbers))).collect()
}

fn span_of<'a>(runs: impl IntoIterator<Item = &'a ClassRun>) -> Option<(When, When)> {
    let mut runs = runs.into_iter();
    let mut all = *runs.next()?;
    runs.for_each(|run| all.absorb(*run));
    let start = When { time: all.start, evidence: all.first.evidence };
    Some((start, When { time: all.end, evidence: all.last.evidence }))
}

/// A host's name in a title; a log may name none.
fn named(host: &str) -> &str {
    if host.is_empty() { "unknown host" } else { host }
}

/// `1 packet`, `5,102 packets`.
fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", with_separators(number))
}

/// `5,102`: with thousands separators, as in prose.
#[must_use]
pub fn with_separators(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Items of one file that a finding names; the rest are in the tables.
const MOST_ITEMS: usize = 100;
