//! A log's clock error in words: the difference, how it was found, from how many joins, how certain it is.

use super::measures::length;
use super::{counted, named};
use crate::correlate::{ClockOffset, OffsetMethod};
use crate::time::Span;

/// `PC-A's clock was 2 h 0 min slow (exact joins: 3 records, off by at most 1.02 s)`.
#[must_use]
pub fn clock(clock: &ClockOffset) -> String {
    let host = named(&clock.host);
    let Some(offset) = clock.offset else {
        return format!("the offset of {host}'s clock is unknown");
    };
    let joins = counted(clock.matches, "record");
    let error =
        clock.error.map_or_else(String::new, |error| format!(", error at most {}", length(error)));
    let skew = skew(offset);
    match clock.method {
        OffsetMethod::Given => {
            format!("{host}'s clock was {skew} (given by --clock-offset, not matched{error})")
        }
        OffsetMethod::SameFile => {
            format!("{host}'s clock is that of the packets, which lie in the same file")
        }
        OffsetMethod::ExactJoins => {
            format!("{host}'s clock was {skew} (matched exactly: {joins}{error})")
        }
        OffsetMethod::SameHost => format!(
            "{host}'s clock was {skew} (matched exactly in another log of the same computer: {joins}{error})"
        ),
        OffsetMethod::Proposed => format!(
            "{host}'s clock was perhaps {skew} (proposed from the similar rhythm of {joins}, none matched exactly{error})"
        ),
        OffsetMethod::NotEstimable => {
            format!("the offset of {host}'s clock is unknown")
        }
    }
}

/// `PC-A's clock was 2 h 0 min behind the captures' (matched exactly: 3 records, error at most 1.02 s)`.
#[must_use]
pub(super) fn difference(clock: &ClockOffset, offset: Span) -> String {
    let error =
        clock.error.map_or_else(String::new, |error| format!(", error at most {}", length(error)));
    let way = if offset.0 < 0 { "behind" } else { "ahead of" };
    format!(
        "{}'s clock was {} {way} the captures' (matched exactly: {}{error})",
        named(&clock.host),
        length(offset.magnitude()),
        counted(clock.matches, "record")
    )
}

/// Log time minus capture time, in words.
fn skew(offset: Span) -> String {
    let way = if offset.0 < 0 { "slow" } else { "fast" };
    format!("{} {way}", length(offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::EvidenceId;
    use crate::summary::LogId;

    fn of(offset: Option<i64>, method: OffsetMethod, matches: u64) -> String {
        clock(&ClockOffset {
            host: "PC-A".to_owned(),
            log: LogId { evidence: EvidenceId(1), place: 0 },
            offset: offset.map(Span::from_seconds),
            method,
            matches,
            rejected: 0,
            spread: Span::default(),
            error: Some(Span::from_seconds(1)),
            drift: None,
            steps: Vec::new(),
        })
    }

    #[test]
    fn every_sentence_has_the_method_and_the_number_of_joins() {
        let measured = of(Some(-7200), OffsetMethod::ExactJoins, 3);
        assert!(measured.contains("2 h 0 min slow"), "{measured}");
        assert!(measured.contains("matched exactly: 3 records, error at most 1.0 s"), "{measured}");
        let proposed = of(Some(60), OffsetMethod::Proposed, 4);
        assert!(
            proposed.contains("proposed") && proposed.contains("none matched exactly"),
            "{proposed}"
        );
        assert!(of(None, OffsetMethod::NotEstimable, 0).contains("is unknown"));
    }
}
