//! The limits of a verdict: what the evidence does not show, or does not prove, of traffic that had to be
//! protected.
//!
//! Codes and numbers only; `report` has the words. docs/method-and-limits.md has the thresholds.

use super::{EspGap, Facts, PairFacts};
use crate::evidence::{Content, Evidence, EvidenceId, ProblemCode};
use crate::policy::{Action, Expectation, ExpectationSource, Policy};
use crate::protection::ProtectionClass;
use crate::summary::{ClassRun, Count, SetAside, Summary, Unpaired};
use std::collections::{BTreeMap, BTreeSet};

/// Why a verdict is less certain than its word. A closed list; the spelling is a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitCode {
    /// What had to be protected was inferred from the evidence; no policy states it.
    Inferred,
    /// IPsec was attempted; nothing proves that it was required.
    ObligationNotProven,
    /// A rule depends on who opened a connection, and nothing shows who did.
    OpenerUnknown,
    /// Frames could not be decoded.
    Undecodable,
    /// Only a header shows that the traffic is ESP.
    Uncorroborated,
    /// The capture cut frames before their class could be determined.
    Cut,
    /// Packets are missing from the capture, or were in none of the pairs that were judged.
    Missing,
    /// Only one direction was captured.
    OneWay,
    /// The capture holds one packet in many.
    Sampled,
    /// Packets were captured at a place where they are not yet, or no longer, protected.
    Vantage,
    /// A rule requires protection of traffic that no capture shows.
    NotCovered,
}

impl LimitCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::Inferred,
        Self::ObligationNotProven,
        Self::OpenerUnknown,
        Self::Undecodable,
        Self::Uncorroborated,
        Self::Cut,
        Self::Missing,
        Self::OneWay,
        Self::Sampled,
        Self::Vantage,
        Self::NotCovered,
    ];

    /// The code as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inferred => "inferred",
            Self::ObligationNotProven => "obligation_not_proven",
            Self::OpenerUnknown => "opener_unknown",
            Self::Undecodable => "undecodable",
            Self::Uncorroborated => "uncorroborated",
            Self::Cut => "cut",
            Self::Missing => "missing",
            Self::OneWay => "one_way",
            Self::Sampled => "sampled",
            Self::Vantage => "vantage",
            Self::NotCovered => "not_covered",
        }
    }

    /// The meaning, in a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Inferred => {
                "The requirement was inferred from the evidence; use a policy to state it explicitly."
            }
            Self::ObligationNotProven => {
                "IPsec was attempted, but nothing proves that it was required; use a policy to state the requirement."
            }
            Self::OpenerUnknown => {
                "A rule applies to connections that one side opens, and the captures do not show which side opened them."
            }
            Self::Undecodable => "Frames could not be decoded, so their content is unknown.",
            Self::Uncorroborated => {
                "Packets look like ESP or AH, but nothing besides their headers confirms it."
            }
            Self::Cut => "The capture truncated frames before their class could be determined.",
            Self::Missing => {
                "Packets are missing: the capture does not hold them, a damaged part could not be read, or there were more pairs, SPIs or other items than are kept apart."
            }
            Self::OneWay => "Only one direction of the traffic was captured.",
            Self::Sampled => {
                "The capture is a sample of the packets, so a missing packet proves nothing."
            }
            Self::Vantage => {
                "Packets were, or may have been, captured where they are not yet, or no longer, protected: on the sending or receiving host, or inside a gateway."
            }
            Self::NotCovered => "A rule requires protection of traffic that no capture shows.",
        }
    }
}

/// The extent of a limit, and the files that show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Frames; packets for `missing`; pairs for `inferred` and `obligation_not_proven`; rules for
    /// `not_covered`.
    pub count: u64,
    /// The captures concerned.
    pub evidence: BTreeSet<EvidenceId>,
}

/// The limits of one verdict.
pub type Limits = BTreeMap<LimitCode, Extent>;

/// Frames of a capture without a pair that could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindSpot {
    /// The capture.
    pub evidence: EvidenceId,
    /// Frames whose content could not be determined, by reason as the report spells it.
    pub reasons: BTreeMap<&'static str, u64>,
    /// Those of them that the capture cut.
    pub cut: u64,
    /// All its frames.
    pub frames: u64,
}

impl BlindSpot {
    /// How many frames.
    #[must_use]
    pub fn blind(&self) -> u64 {
        self.reasons.values().sum()
    }

    /// Whether the capture could hold so much more than was seen that no verdict is possible.
    #[must_use]
    pub fn is_decisive(&self) -> bool {
        is_large(self.blind(), self.frames)
    }
}

/// A tenth of the total is large.
pub(super) const fn is_large(part: u64, all: u64) -> bool {
    part > 0 && part.saturating_mul(LARGE_PART) >= all
}

/// The share of frames that may be undecoded before the verdict changes: one in this many.
const LARGE_PART: u64 = 10;

/// The ratio of missing to captured packets above which the verdict changes: 7 to 8.
const MOST_MISSING: u64 = 7;
const MISSING_PARTS: u64 = 8;

/// Per capture, the frames without a pair that could not be decoded.
pub(super) fn blind_spots(summary: &Summary) -> Vec<BlindSpot> {
    let of_capture = summary.captures.iter().map(|(evidence, capture)| {
        let mut reasons: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut cut = 0;
        for (kind, count) in &capture.unpaired {
            if let Unpaired::Undecodable(reason) = kind {
                *reasons.entry(reason.as_str()).or_default() += count.frames;
                cut += if reason.is_cut() { count.frames } else { 0 };
            }
        }
        BlindSpot { evidence: *evidence, reasons, cut, frames: capture.total.frames }
    });
    of_capture.filter(|spot| !spot.reasons.is_empty()).collect()
}

pub(super) fn add(limits: &mut Limits, code: LimitCode, count: u64, evidence: &[EvidenceId]) {
    let extent = limits.entry(code).or_default();
    extent.count = extent.count.saturating_add(count);
    extent.evidence.extend(evidence);
}

impl PairFacts {
    /// Notes the limits of the pair's verdict other than frames that could not be decoded, which are noted as
    /// they are judged.
    pub(super) fn note_limits(&mut self, gaps: &[EspGap], sampled: &BTreeSet<EvidenceId>) {
        let captures: Vec<EvidenceId> = self
            .by_class
            .values()
            .flat_map(|run| [run.first.evidence, run.last.evidence])
            .collect();
        match (self.expectation, &self.source) {
            (Expectation::Attempted, _) => {
                self.limits.clear();
                return add(&mut self.limits, LimitCode::ObligationNotProven, 1, &captures);
            }
            (Expectation::Required(_), ExpectationSource::Inferred(_)) => {
                add(&mut self.limits, LimitCode::Inferred, 1, &captures);
            }
            (Expectation::Required(_), _) => {}
            (Expectation::Exempt | Expectation::None, _) => return self.limits.clear(),
        }
        for gap in gaps {
            let code = match sampled.contains(&gap.evidence) {
                true => LimitCode::Sampled,
                false => LimitCode::Missing,
            };
            let count = if code == LimitCode::Sampled { gap.packets } else { gap.missing };
            add(&mut self.limits, code, count, &[gap.evidence]);
        }
        let unproven: Vec<ClassRun> =
            self.sas.iter().filter(|sa| sa.corroborated.is_none()).map(|sa| sa.run).collect();
        for run in unproven {
            let captures = [run.first.evidence, run.last.evidence];
            add(&mut self.limits, LimitCode::Uncorroborated, run.frames, &captures);
        }
        for run in self.headers_only() {
            let captures = [run.first.evidence, run.last.evidence];
            add(&mut self.limits, LimitCode::Cut, run.frames, &captures);
        }
        if let Some(total) = self.total()
            && !total.is_answered()
            && total.frames > 1
        {
            add(&mut self.limits, LimitCode::OneWay, total.frames, &captures);
        }
        let offloaded = self.by_class.get(&ProtectionClass::EspNull);
        let offloaded = offloaded.filter(|_| self.may_be_offloaded());
        let aside = VANTAGES.iter().filter_map(|why| self.set_aside.get(why));
        for run in offloaded.into_iter().chain(aside) {
            let captures = [run.first.evidence, run.last.evidence];
            add(&mut self.limits, LimitCode::Vantage, run.frames, &captures);
        }
    }

    /// Whether so much of the pair's traffic could not be judged that no verdict is possible.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        let count = |code| self.limits.get(&code).map_or(0, |extent| extent.count);
        let of_class = |class| self.by_class.get(&class).map_or(0, |run| run.frames);
        let seen = of_class(ProtectionClass::Esp)
            + of_class(ProtectionClass::EspNull)
            + of_class(ProtectionClass::Ah);
        // They are certainly ESP; only whether they are encrypted was cut off.
        let headers_only = Count::of(&self.headers_only()).frames;
        let blind = count(LimitCode::Undecodable)
            + count(LimitCode::OpenerUnknown)
            + count(LimitCode::Cut).saturating_sub(headers_only)
            + count(LimitCode::Uncorroborated);
        let seen = seen.saturating_sub(count(LimitCode::Uncorroborated));
        let blind = blind.saturating_add(self.may_be_clear(seen > 0));
        is_large(blind, seen.saturating_add(blind))
            // About half or more of the packets that were sent are missing in the capture.
            || count(LimitCode::Missing).saturating_mul(MISSING_PARTS) > seen.saturating_mul(MOST_MISSING)
            || count(LimitCode::Sampled) > 0
            || self.may_be_offloaded()
    }
}

impl PairFacts {
    /// Clear packets that may not have been clear on the network. Those from inside a tunnel, or from above
    /// IPsec, hide nothing where the protected packets are seen.
    fn may_be_clear(&self, is_protection_seen: bool) -> u64 {
        let aside = |why| self.set_aside.get(&why).map_or(0, |run| run.frames);
        let inside = aside(SetAside::InsideTunnel).saturating_add(aside(SetAside::AboveIpsec));
        let between = aside(SetAside::AtSwitch).saturating_add(aside(SetAside::PlaceUnknown));
        between.saturating_add(if is_protection_seen { 0 } else { inside })
    }
}

/// The reasons for setting clear packets aside that concern the capture point.
const VANTAGES: [SetAside; 7] = [
    SetAside::DecryptedCopy,
    SetAside::InsideOtherCapture,
    SetAside::IpsecOffload,
    SetAside::InsideTunnel,
    SetAside::AboveIpsec,
    SetAside::AtSwitch,
    SetAside::PlaceUnknown,
];

impl Facts {
    /// Notes the limits of the verdict over all the evidence.
    pub(super) fn note_limits(&mut self, policy: &Policy) {
        let mut limits = Limits::new();
        for (code, extent) in self.pairs.iter().flat_map(|pair| &pair.limits) {
            let evidence: Vec<EvidenceId> = extent.evidence.iter().copied().collect();
            add(&mut limits, *code, extent.count, &evidence);
        }
        for spot in &self.blind_spots {
            let parts = [
                (LimitCode::Cut, spot.cut),
                (LimitCode::Undecodable, spot.blind().saturating_sub(spot.cut)),
            ];
            for (code, frames) in parts.into_iter().filter(|(_, frames)| *frames > 0) {
                add(&mut limits, code, frames, &[spot.evidence]);
            }
        }
        let demands = policy.rules.iter().enumerate();
        let demands = demands.filter(|(_, rule)| matches!(rule.action, Action::Protect(_)));
        let mut silent: BTreeSet<usize> = demands.map(|(at, _)| at).collect();
        self.demands = !silent.is_empty();
        for pair in &self.pairs {
            if silent.is_empty() {
                break;
            }
            policy.covering(pair.pair).iter().for_each(|rule| {
                silent.remove(rule);
            });
        }
        if !silent.is_empty() {
            let silent = silent.len() as u64;
            add(&mut limits, LimitCode::NotCovered, silent, &[]);
        }
        self.limits = limits;
    }

    /// Notes what the files and the program's bounds left out: frames that the capturer dropped, parts that
    /// could not be read, clear packets of pairs that were folded.
    pub fn note_withheld(&mut self, evidence: &[Evidence]) {
        if !self.is_demanded() {
            return;
        }
        let mut lost = self.folded_clear;
        if lost > 0 {
            add(&mut self.limits, LimitCode::Missing, lost, &[]);
        }
        for (capture, bounds) in &self.bounds {
            let beyond = bounds.iter().filter(|(bound, _)| bound.concerns_verdicts());
            let beyond: u64 = beyond.map(|(_, count)| *count).sum();
            if beyond > 0 {
                add(&mut self.limits, LimitCode::Missing, beyond, &[*capture]);
            }
        }
        for file in evidence {
            let Content::Capture { dropped_by_capturer, .. } = file.content else { continue };
            let dropped = dropped_by_capturer.unwrap_or_default();
            lost = lost.saturating_add(dropped);
            // The number of packets in an unread part is unknown: at least one.
            let unread = file.problems.iter().filter(|problem| is_unread(problem.code())).count();
            let missing = dropped.saturating_add(unread as u64);
            if missing > 0 {
                add(&mut self.limits, LimitCode::Missing, missing, &[file.id]);
            }
        }
        self.is_mostly_missing = lost > self.total.frames.saturating_sub(self.folded_clear);
    }

    fn is_demanded(&self) -> bool {
        self.demands
            || self.pairs.iter().any(|pair| matches!(pair.expectation, Expectation::Required(_)))
    }

    /// Whether so much of a capture could not be decoded, or is missing, that required traffic may be hidden
    /// there.
    #[must_use]
    pub fn may_hide_required(&self) -> bool {
        let is_blind =
            self.is_mostly_missing || self.blind_spots.iter().any(BlindSpot::is_decisive);
        self.is_demanded() && is_blind
    }
}

/// Whether packets at the problem, or behind it, were not read.
const fn is_unread(code: ProblemCode) -> bool {
    match code {
        ProblemCode::Truncated
        | ProblemCode::Corrupt
        | ProblemCode::Skipped
        | ProblemCode::Expansion
        | ProblemCode::Changed
        | ProblemCode::InternalError => true,
        ProblemCode::Unreadable
        | ProblemCode::Empty
        | ProblemCode::UnknownFormat
        | ProblemCode::UnsupportedFormat
        | ProblemCode::NotEvidence
        | ProblemCode::Duplicate
        | ProblemCode::Checksum
        | ProblemCode::BadTime
        | ProblemCode::LocalTime
        | ProblemCode::YearInferred
        | ProblemCode::FieldsMissing
        | ProblemCode::SourceInferred
        | ProblemCode::MalformedIke
        | ProblemCode::SummaryMissing
        | ProblemCode::SummarizedTwice
        | ProblemCode::OtherVersion
        | ProblemCode::SamePath
        | ProblemCode::SummaryDamaged
        | ProblemCode::Joined
        | ProblemCode::WrongLinktype
        | ProblemCode::Hidden
        | ProblemCode::TimesGoBack
        | ProblemCode::RecordDiffers
        | ProblemCode::NumbersTwice
        | ProblemCode::Headless => false,
    }
}
