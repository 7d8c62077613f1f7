//! The rule about second phases that were refused inside an IKE SA that continued.

use super::case::Case;
use super::{Against, Candidate, Cause, FactRef, Opening, Why};
use crate::catalogue::Reason;
use crate::ike::{ChildAttempt, IkeExchange};
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

impl Case<'_> {
    /// Quick modes or CREATE_CHILD_SA exchanges that were refused inside an IKE SA that continued.
    pub(super) fn refused_children(
        &self,
        exchanges: &BTreeMap<usize, &IkeExchange>,
    ) -> Vec<Candidate> {
        let mut found = Vec::new();
        let run = &self.window.run;
        for (index, exchange) in exchanges.iter().filter(|(_, x)| !x.outcome.is_failure()) {
            let attempts = exchange.child_attempts();
            let in_time = |time: Timestamp| self.from <= time && time <= run.end;
            let refused: Vec<_> = attempts
                .iter()
                .filter(|attempt| attempt.is_refused && in_time(attempt.start))
                .filter(|attempt| !self.creates_esp(exchange, attempt.start))
                .filter(|attempt| !attempts.iter().any(|other| collides(attempt, other)))
                .collect();
            let (Some(first), Some(last)) = (refused.first(), refused.last()) else { continue };
            let after =
                attempts.iter().find(|a| a.start > last.start && !a.is_refused && a.end.is_some());
            let until = |time: Timestamp| {
                let next = attempts.iter().find(|a| a.start > time).map(|a| a.start);
                next.unwrap_or(run.end).min(self.next_attempt(time))
            };
            let why = Why::ChildRefused {
                attempts: refused.len(),
                first: first.first,
                last: last.last,
                succeeded: after.map(|attempt| attempt.last),
            };
            let is_at_opening = self.opens(first.start, first.first);
            let mut against = vec![Against::Encrypted];
            if !is_at_opening {
                against.push(Against::CameAfter);
            }
            let logged = self.index.logged(*index).iter().map(|at| FactRef::Event(*at));
            let refs = logged.chain([FactRef::Exchange(*index)]).collect();
            // Several that look alike, with a later success, are no coincidence of sizes.
            let score = if refused.len() > 1 || after.is_some() { 72 } else { 65 };
            let cause = Cause { reason: Reason::ChildRefused, score, refs, why, against };
            let lasting = refused.iter().map(|a| (a.start, until(a.start))).collect();
            let opening = if is_at_opening { Opening::FirstAttempt } else { Opening::None };
            found.push(Candidate { cause, opening, lasting });
        }
        found
    }

    /// New SPIs directly after an exchange show that it was not refused.
    fn creates_esp(&self, exchange: &IkeExchange, time: Timestamp) -> bool {
        let uses = self.index.spi_uses(exchange.pair());
        let first = uses.partition_point(|spi| spi.run.start < time);
        uses.get(first).is_some_and(|spi| spi.run.start.since(time) <= ESP_FOLLOWS)
    }
}

/// Whether a refused second phase crossed one that succeeded: the peer refuses one of two that cross
/// (TEMPORARY_FAILURE, RFC 7296 §2.25), and nothing is wanting.
fn collides(refused: &ChildAttempt, other: &ChildAttempt) -> bool {
    let over = refused.end.unwrap_or(refused.start).shifted(CROSSING);
    let made = other.end.filter(|_| !other.is_refused && other.by != refused.by);
    made.is_some_and(|made| {
        made >= refused.start.shifted(CROSSING.negated()) && other.start <= over
    })
}

/// RFC 7296 §1.3: the pair's traffic uses new SAs within this time.
const ESP_FOLLOWS: Span = Span::from_seconds(2);
/// Requests that cross are under way at once; two round trips at the most lie between them.
const CROSSING: Span = Span::from_seconds(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{EvidenceId, FrameNumber, FrameRef};

    fn attempt(by: &str, from: i64, to: Option<i64>, is_refused: bool) -> ChildAttempt {
        let frame = FrameRef { evidence: EvidenceId(1), frame: FrameNumber(1) };
        let at = |milliseconds: i64| Timestamp(milliseconds * 1_000_000);
        ChildAttempt {
            by: by.parse().unwrap(),
            start: at(from),
            first: frame,
            end: to.map(at),
            last: frame,
            is_refused,
        }
    }

    #[test]
    fn a_refusal_that_crosses_a_success_is_none() {
        let refused = attempt("10.0.0.1", 20_000, Some(20_010), true);
        assert!(collides(&refused, &attempt("10.0.0.2", 20_005, Some(20_020), false)));
        assert!(collides(&refused, &attempt("10.0.0.2", 19_990, Some(20_004), false)));
        // Its own retry, a later one, one without an answer, and one that was refused, too.
        assert!(!collides(&refused, &attempt("10.0.0.1", 20_005, Some(20_020), false)));
        assert!(!collides(&refused, &attempt("10.0.0.2", 24_000, Some(24_020), false)));
        assert!(!collides(&refused, &attempt("10.0.0.2", 20_005, None, false)));
        assert!(!collides(&refused, &attempt("10.0.0.2", 20_005, Some(20_020), true)));
    }
}
