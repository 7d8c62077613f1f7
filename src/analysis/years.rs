//! The years of logs that name none: those in which they lie nearest to the rest of the evidence.

use super::Request;
use super::reading::Reading;
use crate::eventlog::undated::{self, Dating};
use crate::evidence::{Content, LogTimeProblem};
use crate::time::Timestamp;

/// Dates the logs that name no year by the captures, or where there is none by the other logs.
pub(super) fn decide(readings: &mut [Reading], request: &Request) {
    if readings.iter().all(|reading| !reading.is_undated) {
        return;
    }
    let span_of = |is_capture: bool| {
        let dated = readings.iter().filter(|reading| !reading.is_undated);
        let of_kind = dated.filter(|reading| {
            matches!(reading.part.evidence.content, Content::Capture { .. }) == is_capture
        });
        let spans = of_kind.filter_map(|reading| reading.part.evidence.span);
        spans.reduce(|(start, end), (from, to)| (start.min(from), end.max(to)))
    };
    let evidence = span_of(true).map(|span| (span, true));
    let evidence = evidence.or_else(|| span_of(false).map(|span| (span, false)));
    for reading in readings.iter_mut().filter(|reading| reading.is_undated) {
        let span = reading.part.evidence.span;
        let year = span.zip(evidence).and_then(|(span, (all, _))| undated::year(span, all));
        let Some((year, (_, by_captures))) = year.zip(evidence) else {
            reading.problem(LogTimeProblem::NoYear, None);
            redate(reading, |_| None, request);
            continue;
        };
        let dating = Dating { year, zone: request.timezone.as_ref() };
        let last = span.and_then(|(_, last)| dating.instant(last));
        let last = last.map(|(last, _)| last);
        reading.problem(LogTimeProblem::YearInferred { by_captures, last }, None);
        let mut doubtful = 0u64;
        redate(
            reading,
            |time| {
                let (time, is_once) = dating.instant(time)?;
                doubtful += u64::from(!is_once);
                Some(time)
            },
            request,
        );
        if doubtful > 0 {
            reading.problem(LogTimeProblem::TimesTwice(doubtful, None), None);
        }
    }
}

/// Gives every time of a log its date.
fn redate(
    reading: &mut Reading,
    mut dated: impl FnMut(Timestamp) -> Option<Timestamp>,
    request: &Request,
) {
    for log in reading.part.summary.logs.values_mut() {
        for event in &mut log.events {
            event.time = event.time.and_then(&mut dated);
        }
        log.events.retain(|event| event.time.is_none_or(|time| request.holds(time)));
    }
    let mut span = |first: Option<Timestamp>, last: Option<Timestamp>| {
        (first.and_then(&mut dated), last.and_then(&mut dated))
    };
    for log in reading.part.summary.logs.values_mut() {
        (log.log.first_time, log.log.last_time) = span(log.log.first_time, log.log.last_time);
    }
    let evidence = &mut reading.part.evidence;
    let (first, last) = span(evidence.span.map(|span| span.0), evidence.span.map(|span| span.1));
    evidence.span = first.zip(last);
}
