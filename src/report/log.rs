//! Facts about logs → the types of report.json.
//!
//! Each struct is written out field by field, so that a new field cannot be forgotten.

use super::build::{Clock, decimal};
use super::{log_schema, schema};
use crate::correlate::{
    AuditVerdict, BypassSpan, ClockOffset, ClockStep, Facts, HostAudit, Join, PlacedEvent,
};
use crate::eventlog::{Auditing, LogSummary, Mark, MarkKind};
use crate::evidence::EvidenceId;
use crate::time::{Span, Timestamp};

/// How wrong a log's clock was.
pub(super) fn clock_offset(clock: &ClockOffset) -> schema::ClockOffset {
    let step = |step: &ClockStep| schema::ClockStep {
        record: step.record,
        seconds: step.by.and_then(decimal),
        told_by: if step.is_told { "record" } else { "joins" }.to_owned(),
    };
    schema::ClockOffset {
        host: clock.host.clone(),
        evidence: clock.evidence.to_string(),
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
    let told = |time: Timestamp| clock.tell(time, event.record.evidence);
    let mut fields = serde_json::Map::new();
    for (name, value) in &event.fields {
        // A name that comes twice keeps both values.
        let mut name = name.clone();
        while fields.contains_key(&name) {
            name.push('\'');
        }
        fields.insert(name, value.clone().into());
    }
    let negotiation = event.negotiation();
    let cookie = |cookie: [u8; 8]| format!("{:016x}", u64::from_be_bytes(cookie));
    let spi = |spi: u32| format!("0x{spi:08x}");
    schema::LogEvent {
        id: format!("L{number}"),
        evidence: event.record.evidence.to_string(),
        record: event.record.record,
        recovered: event.recovered,
        time: event.time.map(told),
        time_corrected: placed.corrected.map(told),
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

/// What a log tells of its own reliability; `None` for a capture.
pub(super) fn coverage(
    evidence: EvidenceId,
    facts: &Facts,
    clock: &Clock,
) -> Option<schema::LogCoverage> {
    let log = facts.logs.get(&evidence)?;
    let told = |time: Timestamp| clock.tell(time, evidence);
    let addresses = facts.host_addresses.get(&evidence).into_iter().flatten();
    Some(schema::LogCoverage {
        channels: log.channels.iter().cloned().collect(),
        first_record: log.record_numbers.map(|(first, _)| first),
        last_record: log.record_numbers.map(|(_, last)| last),
        continues: continued(evidence, log, facts).map(|id| id.to_string()),
        dirty: log.dirty,
        full: log.full,
        recovered: log.trust.recovered,
        addresses: addresses
            .map(|known| log_schema::LogAddress {
                address: known.address.to_string(),
                sources: known.sources.iter().map(|s| s.as_str().to_owned()).collect(),
                claimed_by: known.claimed_by.iter().cloned().collect(),
            })
            .collect(),
        gaps: log
            .gaps
            .iter()
            .map(|gap| log_schema::LogGap {
                first: gap.first,
                last: gap.last,
                after: gap.after.map(told),
                before: gap.before.map(told),
            })
            .collect(),
        silences: log
            .trust
            .silences
            .iter()
            .map(|silence| log_schema::LogSilence {
                from: told(silence.from),
                to: told(silence.to),
                seconds: decimal(silence.length()),
            })
            .collect(),
        setbacks: log
            .trust
            .setbacks
            .iter()
            .map(|back| log_schema::LogSetback {
                record: back.record,
                from: told(back.from),
                to: told(back.to),
            })
            .collect(),
        marks: log.trust.marks.iter().map(|known| mark(known, evidence, clock)).collect(),
        audit: facts.log_audits.get(&evidence).map(audit),
    })
}

fn mark(mark: &Mark, evidence: EvidenceId, clock: &Clock) -> log_schema::LogMark {
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
    };
    log_schema::LogMark {
        record: mark.record,
        time: mark.time.map(|time| clock.tell(time, evidence)),
        event_id: mark.event_id,
        kind: mark.kind.as_str().to_owned(),
        subcategory: change.and_then(|c| c.subcategory).map(|s| s.as_str().to_owned()),
        success: change.and_then(|c| c.success).map(word),
        failure: change.and_then(|c| c.failure).map(word),
        seconds: step.and_then(decimal),
    }
}

/// The log of the same computer and channel whose last record comes just before this one's first.
fn continued(evidence: EvidenceId, log: &LogSummary, facts: &Facts) -> Option<EvidenceId> {
    let before = log.record_numbers?.0.checked_sub(1)?;
    let same = |other: &LogSummary| other.hosts == log.hosts && other.channels == log.channels;
    let ends_there = |other: &LogSummary| other.record_numbers.is_some_and(|n| n.1 == before);
    let mut others = facts.logs.iter().filter(|(id, _)| **id != evidence);
    others.find(|(_, other)| same(other) && ends_there(other)).map(|(id, _)| *id)
}

fn audit(verdict: &AuditVerdict) -> schema::Audit {
    let proof = verdict.proof.iter().map(|(evidence, records)| schema::Proof {
        evidence: evidence.to_string(),
        frames: None,
        records: Some(records.iter().copied().collect()),
    });
    schema::Audit {
        state: verdict.state.as_str().to_owned(),
        why: verdict.why.clone(),
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
    let told = |time: Timestamp| clock.tell(time, span.evidence);
    let (first_record, event_id, start) = span.begin;
    schema::BypassSpan {
        host: span.host.clone(),
        evidence: span.evidence.to_string(),
        event_id,
        first_record,
        last_record: span.end.map(|(record, ..)| record),
        start: told(start),
        end: span.end.map(|(_, _, time)| told(time)),
        start_corrected: span.offset.map(|offset| told(start.shifted(offset.negated()))),
        seconds: span.length().and_then(decimal),
    }
}
