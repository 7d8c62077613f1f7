//! Whether the evidence itself can be relied on: clocks, damage, losses.

use super::{
    Finding, FindingCode, Proof, Severity, When, counted, named, problem, with_separators,
};
use crate::catalogue::Confidence;
use crate::correlate::{ClockOffset, EspGap, Facts, OffsetMethod, TcpLoss};
use crate::evidence::{Content, Evidence, EvidenceId, NoteKind};
use crate::hosts::Direction;
use crate::time::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Clocks that were wrong by a large amount, and clocks that could not be compared.
pub(super) fn clocks(facts: &Facts) -> Vec<Finding> {
    // Without captures there is nothing to compare with.
    if facts.total.frames == 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for clock in &facts.clock_offsets {
        if clock.method == OffsetMethod::ExactJoins && facts.is_captures_clock(clock) {
            found.extend(captures_clock(facts, clock));
            continue;
        }
        let (code, severity, title, detail) = match clock.offset {
            // Matching rhythms alone are no measurement.
            Some(_) if clock.method == OffsetMethod::Proposed => (
                FindingCode::ClockUnknown,
                Severity::Low,
                format!("The offset of {}'s clock was not measured", named(&clock.host)),
                format!(
                    "{}; conclusions that depend on its times have low confidence.",
                    capitalized(&super::clock(clock))
                ),
            ),
            // Two clocks that differ do not show which of them is wrong.
            Some(offset)
                if clock.method == OffsetMethod::ExactJoins
                    && facts.is_clock_wrong(clock)
                    && !is_confirmed(facts, clock) =>
            {
                found.push(two_clocks(clock, offset));
                continue;
            }
            // A statement about a clock needs exact joins of the same log.
            Some(_) if clock.method == OffsetMethod::ExactJoins && facts.is_clock_wrong(clock) => (
                FindingCode::ClockWrong,
                Severity::Medium,
                super::clock(clock),
                "The offset is log time minus capture time. The log's times were corrected by it before they were compared."
                    .to_owned(),
            ),
            Some(_) => continue,
            None => (
                FindingCode::ClockUnknown,
                Severity::Low,
                format!("The offset of {}'s clock is unknown", named(&clock.host)),
                "No negotiation appears both in this computer's logs and in the captures."
                    .to_owned(),
            ),
        };
        let proof = [(clock.log.evidence, Proof::File)].into();
        found.push(Finding { proof, ..Finding::new(code, severity, title, detail) });
    }
    merged(found)
}

/// Whether a log of another computer has the captures' clock: two clocks against one.
fn is_confirmed(facts: &Facts, clock: &ClockOffset) -> bool {
    let name = |host: &str| host.split('.').next().unwrap_or_default().to_lowercase();
    facts.clock_offsets.iter().any(|other| {
        let agrees =
            other.offset.is_some_and(|offset| offset.magnitude() <= ClockOffset::TOLERATED);
        other.method == OffsetMethod::ExactJoins && agrees && name(&other.host) != name(&clock.host)
    })
}

/// One log and the captures differ, and no third clock shows which is wrong.
fn two_clocks(clock: &ClockOffset, offset: Span) -> Finding {
    let title = super::clock_words::difference(clock, offset);
    let detail = "No third clock shows which of the two is wrong. The log's times were corrected by the difference before they were compared.".to_owned();
    let proof = [(clock.log.evidence, Proof::File)].into();
    let finding = Finding::new(FindingCode::ClockWrong, Severity::Low, title, detail);
    Finding { proof, confidence: Confidence::Low, ..finding }
}

/// The clocks of all hosts agree with each other and not with the captures'.
fn captures_clock(facts: &Facts, clock: &ClockOffset) -> Option<Finding> {
    let shared = facts.shared_offset?;
    let agree = facts.clock_offsets.iter().filter(|clock| facts.is_captures_clock(clock));
    let hosts: BTreeSet<&str> = agree.map(|clock| clock.host.as_str()).collect();
    // The logs are ahead where the captures are behind.
    let way = if shared.0 < 0 { "fast" } else { "slow" };
    let off = super::measures::length(Span(shared.0.saturating_abs()));
    let title = format!(
        "The captures' clock was {off} {way}: the clocks of {} agree with each other",
        counted(hosts.len() as u64, "host")
    );
    let detail = "Matched exactly by records of all these hosts. The clocks of these hosts agree with each other, so no certificate or ticket appeared invalid for this reason.".to_owned();
    let proof = [(clock.log.evidence, Proof::File)].into();
    let code = FindingCode::ClockWrong;
    Some(Finding { proof, ..Finding::new(code, Severity::Medium, title, detail) })
}

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// All logs of one computer share its clock: one finding for all of them.
fn merged(found: Vec<Finding>) -> Vec<Finding> {
    let mut by_title: BTreeMap<String, Finding> = BTreeMap::new();
    for finding in found {
        match by_title.get_mut(&finding.title) {
            Some(known) => known.proof.extend(finding.proof),
            None => {
                by_title.insert(finding.title.clone(), finding);
            }
        }
    }
    by_title.into_values().collect()
}

/// Files that could not be read in full.
pub(super) fn damaged(evidence: &[Evidence]) -> Vec<Finding> {
    let code = FindingCode::EvidenceDamaged;
    evidence
        .iter()
        .filter_map(|file| {
            let losses: Vec<_> = file.problems.iter().filter(|p| p.code().is_loss()).collect();
            let first = losses.first()?;
            let rest = match losses.len() {
                1 => String::new(),
                more => format!(" {} more are listed under the evidence.", more - 1),
            };
            let nothing = matches!(file.content, Content::Nothing);
            let how_far = if nothing { "" } else { " in full" };
            let title = format!("{} could not be read{how_far}", file.path);
            let detail = format!("{}: {}.{rest}", first.code().as_str(), problem(first));
            let proof = [(file.id, Proof::File)].into();
            Some(Finding { proof, ..Finding::new(code, Severity::Medium, title, detail) })
        })
        .collect()
}

/// Logs that skip record numbers.
pub(super) fn record_gaps(evidence: &[Evidence]) -> Vec<Finding> {
    let code = FindingCode::RecordGap;
    evidence
        .iter()
        .filter_map(|file| {
            let Content::Log { gaps, .. } = &file.content else { return None };
            let (first, last) = gaps.first()?;
            let places = counted(gaps.len() as u64, "place");
            let title = format!("{} skips record numbers in {places}", file.path);
            let detail = format!("The first gap: records {first} to {last} are missing.");
            let proof = [(file.id, Proof::File)].into();
            Some(Finding { proof, ..Finding::new(code, Severity::Medium, title, detail) })
        })
        .collect()
}

/// Captures in which numbers of ESP are missing, one finding a capture.
pub(super) fn esp_gaps(facts: &Facts) -> Vec<Finding> {
    let mut by_capture: BTreeMap<EvidenceId, Vec<&EspGap>> = BTreeMap::new();
    for gap in &facts.esp_gaps {
        by_capture.entry(gap.evidence).or_default().push(gap);
    }
    let found = by_capture.into_iter().map(|(evidence, mut gaps)| {
        gaps.sort_by_key(|gap| (std::cmp::Reverse(gap.missing), gap.pair, gap.spi));
        let missing = gaps.iter().fold(0u64, |sum, gap| sum.saturating_add(gap.missing));
        let packets: u64 = gaps.iter().map(|gap| gap.packets).sum();
        let worst = gaps.iter().take(MOST_NAMED).map(|gap| {
            let (from, to) = match gap.direction {
                Direction::AToB => (gap.pair.a(), gap.pair.b()),
                Direction::BToA => (gap.pair.b(), gap.pair.a()),
            };
            let (spi, missing, there) = (gap.spi.0, gap.missing, gap.packets);
            format!("SPI 0x{spi:08x} from {from} to {to}: {missing} missing, {there} present")
        });
        let title = format!(
            "{evidence}: {} missing (sequence-number gaps in {})",
            counted(missing, "ESP packet"),
            counted(gaps.len() as u64, "SPI")
        );
        // A few are packets in flight at the edges, or lost on the wire.
        let severity = if missing * 100 > packets { Severity::Low } else { Severity::Info };
        let detail = format!("{}.", worst.collect::<Vec<_>>().join("; "));
        let proof = [(evidence, Proof::File)].into();
        Finding { proof, ..Finding::new(FindingCode::EspGaps, severity, title, detail) }
    });
    found.collect()
}

/// `--from` and `--to` exclude every frame of the captures.
pub(super) fn span_without_evidence(facts: &Facts, evidence: &[Evidence]) -> Option<Finding> {
    if facts.total.frames > 0 {
        return None;
    }
    let outside = |file: &&Evidence| {
        file.coverage.iter().any(|(bucket, e)| *bucket == "frames_outside_span" && e.records > 0)
    };
    let proof: BTreeMap<EvidenceId, Proof> =
        evidence.iter().filter(outside).map(|file| (file.id, Proof::File)).collect();
    let captures = counted(proof.len() as u64, "capture");
    let title = format!("No frame of {captures} is between --from and --to");
    let detail = "All frames are outside the span, so nothing was judged.".to_owned();
    let code = FindingCode::SpanWithoutEvidence;
    let finding = || Finding::new(code, Severity::Medium, title, detail);
    (!proof.is_empty()).then(|| Finding { proof: proof.clone(), ..finding() })
}

/// Captures that lost bytes of TCP, one finding a capture.
pub(super) fn tcp_gaps(facts: &Facts) -> Vec<Finding> {
    let mut by_capture: BTreeMap<EvidenceId, Vec<&TcpLoss>> = BTreeMap::new();
    for loss in &facts.tcp_gaps {
        by_capture.entry(loss.evidence).or_default().push(loss);
    }
    let found = by_capture.into_iter().map(|(evidence, mut losses)| {
        losses.sort_by_key(|loss| (std::cmp::Reverse(loss.gap.bytes), loss.pair));
        let bytes = losses.iter().fold(0u64, |sum, loss| sum.saturating_add(loss.gap.bytes));
        let worst = losses.iter().take(MOST_NAMED).map(|loss| {
            let (a, b, gap) = (loss.pair.a(), loss.pair.b(), loss.gap);
            let bytes = with_separators(gap.bytes);
            format!("{a} and {b}: {bytes} in {}", counted(gap.connections, "connection"))
        });
        let title = format!(
            "{evidence}: {} acknowledged TCP bytes are missing, between {}",
            with_separators(bytes),
            counted(losses.len() as u64, "pair")
        );
        let detail = format!("{}.", worst.collect::<Vec<_>>().join("; "));
        let proof = [(evidence, Proof::File)].into();
        let severity = Severity::Info;
        Finding { proof, ..Finding::new(FindingCode::TcpGaps, severity, title, detail) }
    });
    found.collect()
}

/// Captures that report missing frames.
pub(super) fn frames_lost(evidence: &[Evidence]) -> Vec<Finding> {
    let code = FindingCode::FramesLost;
    evidence
        .iter()
        .filter_map(|file| {
            let Content::Capture { dropped_by_capturer: Some(lost), .. } = file.content else {
                return None;
            };
            let (start, end) = file.span?;
            let when = |time| When { time, evidence: file.id };
            let title =
                format!("{}: the capturing system dropped {}", file.path, counted(lost, "frame"));
            let detail =
                "They may have contained clear text or negotiations, which can no longer be examined."
                    .to_owned();
            (lost > 0).then(|| Finding {
                span: Some((when(start), when(end))),
                proof: [(file.id, Proof::File)].into(),
                ..Finding::new(code, Severity::Medium, title, detail)
            })
        })
        .collect()
}

/// Captures that were taken through a filter.
pub(super) fn filtered(evidence: &[Evidence]) -> Vec<Finding> {
    let code = FindingCode::CaptureFiltered;
    let found = evidence.iter().filter_map(|file| {
        let Content::Capture { notes, .. } = &file.content else { return None };
        let filters = notes.iter().filter(|note| note.kind == NoteKind::Filter);
        let filters: BTreeSet<&str> = filters.map(|note| note.text.as_str()).collect();
        let named: Vec<String> =
            filters.iter().take(MOST_NAMED).map(|filter| format!("\"{filter}\"")).collect();
        let title = format!("{} was captured with a filter", file.path);
        let detail = format!("{}.", named.join("; "));
        let proof = [(file.id, Proof::File)].into();
        (!named.is_empty())
            .then(|| Finding { proof, ..Finding::new(code, Severity::Low, title, detail) })
    });
    found.collect()
}

/// SPIs or pairs that a finding names.
const MOST_NAMED: usize = 5;
