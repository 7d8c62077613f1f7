//! What limits a verdict, in sentences.

use super::schema::{Report, VerdictLimit};
use crate::correlate::{Extent, LimitCode, Limits};
use crate::findings::with_separators;

/// The limits as the report has them.
pub(super) fn verdict_limits(limits: &Limits) -> Vec<VerdictLimit> {
    let reported = limits.iter().map(|(code, extent)| VerdictLimit {
        code: code.as_str().to_owned(),
        text: text(*code, extent),
        count: extent.count,
        evidence: extent.evidence.iter().map(ToString::to_string).collect(),
    });
    reported.collect()
}

fn text(code: LimitCode, extent: &Extent) -> String {
    let of = |noun: &str| {
        let plural = if extent.count == 1 { "" } else { "s" };
        format!("{} {noun}{plural}", with_separators(extent.count))
    };
    match code {
        LimitCode::Inferred => format!(
            "The requirement for {} was inferred from the evidence; use --policy to state it explicitly.",
            of("pair")
        ),
        LimitCode::ObligationNotProven => format!(
            "IPsec was attempted by {}; nothing proves that it was in force or that protection was required.",
            of("pair")
        ),
        LimitCode::OpenerUnknown => format!(
            "{} in clear would have had to be protected if one side opened the connection; the captures do not show which side did.",
            of("packet")
        ),
        LimitCode::Undecodable => format!("{} could not be decoded.", of("frame")),
        LimitCode::Uncorroborated => {
            format!("{} look like ESP, but only their headers show it.", of("frame"))
        }
        LimitCode::Cut => {
            format!("The capture truncated {} before their class could be determined.", of("frame"))
        }
        LimitCode::Missing => {
            format!("{} are missing (gaps in ESP sequence numbers).", of("packet"))
        }
        LimitCode::OneWay => format!("Only one direction was captured: {}.", of("packet")),
        LimitCode::Sampled => {
            format!("The capture is a sample of the packets, {} in all.", of("ESP packet"))
        }
        LimitCode::Vantage => format!(
            "{} were, or may have been, captured where they are not yet, or no longer, protected.",
            of("packet")
        ),
        LimitCode::NotCovered => {
            format!("No capture shows traffic for {} that require protection.", of("rule"))
        }
    }
}

/// The gravest findings of a report whose verdict rests on no packet that had to be protected, as a headline
/// names them: `2 high findings`. `None` where the verdict speaks for itself.
#[must_use]
pub fn grave_findings(report: &Report) -> Option<String> {
    if !matches!(report.verdict.as_str(), "no_packets" | "no_expectation") {
        return None;
    }
    let found = ["critical", "high"].into_iter().filter_map(|severity| {
        let number = report.findings.iter().filter(|f| f.severity == severity).count();
        let plural = if number == 1 { "" } else { "s" };
        (number > 0).then(|| format!("{number} {severity} finding{plural}"))
    });
    let found: Vec<String> = found.collect();
    (!found.is_empty()).then(|| found.join(" and "))
}
