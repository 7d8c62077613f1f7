//! Facts about logs → the types of report.json.
//!
//! Each struct is written out field by field, so that a new field cannot be forgotten.

use super::build::{Clock, decimal};
use super::field_names::FieldNames;
use super::{log_schema, schema};
use crate::correlate::{
    AuditVerdict, BypassSpan, ClockOffset, ClockStep, Facts, HostAudit, Join, PlacedEvent,
};
use crate::eventlog::{Auditing, LogCoverage, LogSource, Mark, MarkKind};
use crate::evidence::{EvidenceId, RecordRef};
use crate::findings;
use crate::summary::LogId;
use crate::time::{Span, Timestamp};
use std::collections::BTreeSet;

/// How wrong a log's clock was.
pub(super) fn clock_offset(clock: &ClockOffset) -> schema::ClockOffset {
    let step = |step: &ClockStep| schema::ClockStep {
        record: step.record,
        seconds: step.by.and_then(decimal),
        told_by: if step.is_recorded { "record" } else { "joins" }.to_owned(),
    };
    schema::ClockOffset {
        host: clock.host.clone(),
        evidence: clock.log.evidence.to_string(),
        seconds: clock.offset.and_then(decimal),
        method: clock.method.as_str().to_owned(),
        matches: clock.matches,
        spread_seconds: decimal(clock.spread).unwrap_or_default(),
        rejected: clock.rejected,
        error_seconds: clock.error.and_then(decimal),
        // Parts of a billion are thousandths of parts of a million.
        drift_ppm: clock.drift.and_then(|parts| decimal(Span::from_millis(parts))),
        steps: clock.steps.iter().map(step).collect(),
    }
}

fn join(join: &Join) -> log_schema::Join {
    log_schema::Join {
        by: join.key.as_str().to_owned(),
        exchange: join.exchange.map(|at| format!("X{}", at + 1)),
        a: join.sa.map(|(pair, _)| pair.a().to_string()),
        b: join.sa.map(|(pair, _)| pair.b().to_string()),
        spi: join.sa.map(|(_, spi)| format!("0x{:08x}", spi.0)),
    }
}

pub(super) fn event(number: usize, placed: &PlacedEvent, clock: &Clock) -> schema::LogEvent {
    let event = &placed.event;
    let shown = |time: Timestamp| clock.show(time, event.record.evidence);
    let mut names = FieldNames::default();
    let fields = event.fields.iter();
    let fields = fields.map(|(name, value)| (names.of(name), value.clone().into())).collect();
    let negotiation = event.negotiation();
    let cookie = |cookie: [u8; 8]| format!("{:016x}", u64::from_be_bytes(cookie));
    let spi = |spi: u32| format!("0x{spi:08x}");
    schema::LogEvent {
        id: format!("L{number}"),
        evidence: event.record.evidence.to_string(),
        record: event.record.record,
        recovered: event.recovered,
        hidden_in: event.hidden_in,
        written_as: event.written_as,
        copies: event.copies.iter().map(copy).collect(),
        time: event.time.map(shown),
        time_corrected: placed.corrected.map(shown),
        host: event.host.clone(),
        channel: event.channel.clone(),
        provider: event.provider.clone(),
        event_id: event.event_id,
        version: event.version,
        category: event.category.as_str().to_owned(),
        audit: event.audit.as_str().to_owned(),
        reason: event.reason.map(|reason| reason.as_str().to_owned()),
        error: event.error.map(|error| error.code),
        local: event.local().map(|address| address.to_string()),
        peer: event.peer().map(|address| address.to_string()),
        mode: negotiation.and_then(|n| n.mode).map(|mode| mode.as_str().to_owned()),
        keying: negotiation.and_then(|n| n.keying).map(|keying| keying.as_str().to_owned()),
        role: negotiation.and_then(|n| n.role).map(|role| role.as_str().to_owned()),
        state: negotiation.and_then(|n| n.state.clone()),
        failure_point: negotiation
            .and_then(|n| n.failure_point)
            .map(|point| point.as_str().to_owned()),
        initiator_cookie: event.initiator_cookie().map(cookie),
        responder_cookie: event.responder_cookie().map(cookie),
        message_id: event.message_id(),
        inbound_spi: event.inbound_spi().map(spi),
        outbound_spi: event.outbound_spi().map(spi),
        packets: event.packets().and_then(|packets| packets.count),
        service: event.service().map(|change| change.service.as_str().to_owned()),
        service_state: event.service().map(|change| change.state.as_str().to_owned()),
        fields,
        join: placed.join.as_ref().map(join),
    }
}

fn copy(record: &RecordRef) -> log_schema::RecordCopy {
    log_schema::RecordCopy { evidence: record.evidence.to_string(), record: record.record }
}

/// What a file's logs say of their own reliability; `None` for a capture.
pub(super) fn coverage(
    evidence: EvidenceId,
    facts: &Facts,
    clock: &Clock,
) -> Option<schema::LogCoverage> {
    let ids = LogId { evidence, place: 0 }..=LogId { evidence, place: u32::MAX };
    let logs: Vec<(&LogId, &LogSource)> = facts.logs.range(ids).collect();
    let (first_id, first) = logs.first()?;
    let shown = |time: Timestamp| clock.show(time, evidence);
    let numbers = || logs.iter().filter_map(|(_, log)| log.record_numbers);
    let channels: BTreeSet<&String> = logs.iter().map(|(_, log)| &log.channel).collect();
    // What is true of the one log of a file is said of the file too.
    let only = logs.len() == 1;
    let each = |of: fn(&LogCoverage) -> usize| logs.iter().map(|(_, log)| of(&log.trust)).sum();
    let mut silences = Vec::with_capacity(each(|trust| trust.silences.len()));
    let mut setbacks = Vec::with_capacity(each(|trust| trust.setbacks.len()));
    let mut marks = Vec::with_capacity(each(|trust| trust.marks.len()));
    for (_, log) in &logs {
        silences.extend(log.trust.silences.iter().map(|silence| log_schema::LogSilence {
            host: log.host.clone(),
            from: shown(silence.from),
            to: shown(silence.to),
            seconds: decimal(silence.length()),
        }));
        setbacks.extend(log.trust.setbacks.iter().map(|back| log_schema::LogSetback {
            host: log.host.clone(),
            record: back.record,
            from: shown(back.from),
            to: shown(back.to),
        }));
        marks.extend(log.trust.marks.iter().map(|known| mark(known, log, evidence, clock)));
    }
    Some(schema::LogCoverage {
        channels: channels.into_iter().filter(|name| !name.is_empty()).cloned().collect(),
        first_record: numbers().map(|(first, _)| first).min(),
        last_record: numbers().map(|(_, last)| last).max(),
        continues: continued(&logs, facts).map(|id| id.to_string()),
        dirty: first.dirty,
        full: first.full,
        recovered: first.recovered,
        addresses: if only { addresses(**first_id, facts) } else { Vec::new() },
        gaps: first
            .gaps
            .iter()
            .map(|gap| log_schema::LogGap {
                first: gap.first,
                last: gap.last,
                after: gap.after.map(shown),
                before: gap.before.map(shown),
            })
            .collect(),
        silences,
        setbacks,
        marks,
        audit: facts.log_audits.get(first_id).filter(|_| only).map(audit),
        sources: logs.iter().map(|(id, log)| source(**id, log, facts, clock)).collect(),
    })
}

fn source(id: LogId, log: &LogSource, facts: &Facts, clock: &Clock) -> log_schema::LogSource {
    let shown = |time: Timestamp| clock.show(time, id.evidence);
    log_schema::LogSource {
        host: log.host.clone(),
        channel: log.channel.clone(),
        renamed_from: log.renamed_from.clone(),
        records: log.records,
        first_record: log.record_numbers.map(|(first, _)| first),
        last_record: log.record_numbers.map(|(_, last)| last),
        start: log.first_time.map(shown),
        end: log.last_time.map(shown),
        is_selection: log.trust.is_selection,
        addresses: addresses(id, facts),
        audit: facts.log_audits.get(&id).map(audit),
        not_interpreted: log
            .others
            .iter()
            .map(|(event_id, records)| log_schema::EventCount {
                event_id: *event_id,
                records: *records,
            })
            .collect(),
    }
}

fn addresses(id: LogId, facts: &Facts) -> Vec<log_schema::LogAddress> {
    let known = facts.host_addresses.get(&id).into_iter().flatten();
    known
        .map(|known| log_schema::LogAddress {
            address: known.address.to_string(),
            sources: known.sources.iter().map(|s| s.as_str().to_owned()).collect(),
            claimed_by: known.claimed_by.iter().cloned().collect(),
        })
        .collect()
}

fn mark(mark: &Mark, log: &LogSource, evidence: EvidenceId, clock: &Clock) -> log_schema::LogMark {
    let (change, step) = match mark.kind {
        MarkKind::AuditChanged(change) => (Some(change), None),
        MarkKind::ClockSet(step) => (None, step),
        MarkKind::Cleared
        | MarkKind::OtherCleared
        | MarkKind::AuditChangedSomehow
        | MarkKind::EventsLost
        | MarkKind::Full
        | MarkKind::Archived
        | MarkKind::LogStopped
        | MarkKind::LogStarted
        | MarkKind::Started
        | MarkKind::WentDown => (None, None),
    };
    let word = |auditing: Auditing| match auditing {
        Auditing::On => "on".to_owned(),
        Auditing::Off => "off".to_owned(),
        Auditing::Unclear => "unclear".to_owned(),
    };
    log_schema::LogMark {
        host: log.host.clone(),
        channel: log.channel.clone(),
        record: mark.record,
        time: mark.time.map(|time| clock.show(time, evidence)),
        event_id: mark.event_id,
        kind: mark.kind.as_str().to_owned(),
        subcategory: change.and_then(|c| c.subcategory).map(|s| s.as_str().to_owned()),
        success: change.and_then(|c| c.success).map(word),
        failure: change.and_then(|c| c.failure).map(word),
        seconds: step.and_then(decimal),
    }
}

/// The file with the log of the same computer and channel whose last record comes just before this
/// one's first; of a file with several logs none is said to go on.
fn continued(logs: &[(&LogId, &LogSource)], facts: &Facts) -> Option<EvidenceId> {
    let [(id, log)] = logs else { return None };
    let before = log.record_numbers?.0.checked_sub(1)?;
    let same = |other: &LogSource| other.host == log.host && other.channel == log.channel;
    let ends_there = |other: &LogSource| other.record_numbers.is_some_and(|n| n.1 == before);
    let mut others = facts.logs.iter().filter(|(other, _)| other.evidence != id.evidence);
    others.find(|(_, other)| same(other) && ends_there(other)).map(|(other, _)| other.evidence)
}

fn audit(verdict: &AuditVerdict) -> schema::Audit {
    let proof = verdict.proof.iter().map(|(evidence, records)| schema::Proof {
        evidence: evidence.to_string(),
        frames: None,
        records: Some(records.iter().copied().collect()),
    });
    schema::Audit {
        state: verdict.state.as_str().to_owned(),
        why: findings::audit_reason(&verdict.why),
        clock_known: verdict.clock_known,
        evidence: proof.collect(),
    }
}

pub(super) fn host_audit(known: &HostAudit) -> schema::HostAudit {
    schema::HostAudit {
        address: known.address.to_string(),
        hosts: known.hosts.iter().cloned().collect(),
        audit: audit(&known.verdict),
    }
}

pub(super) fn bypass(span: &BypassSpan, clock: &Clock) -> schema::BypassSpan {
    let shown = |time: Timestamp| clock.show(time, span.log.evidence);
    let (first_record, event_id, start) = span.begin;
    schema::BypassSpan {
        host: span.host.clone(),
        evidence: span.log.evidence.to_string(),
        event_id,
        first_record,
        last_record: span.end.map(|(record, ..)| record),
        start: shown(start),
        end: span.end.map(|(_, _, time)| shown(time)),
        start_corrected: span.offset.map(|offset| shown(start.shifted(offset.negated()))),
        seconds: span.length().and_then(decimal),
    }
}
