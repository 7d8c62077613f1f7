//! timeline.jsonl: what happened and when, one event a line, as Timesketch imports it.
//!
//! Cut from the report's own types. A finding without a time is at the first moment of the evidence that it
//! cites, and says so; what else has no time has no line.

use super::FormatError;
use super::json::to_lines;
use super::moment::{micros, nanos, with_six_digits};
use super::schema::{App, Cause, Finding, IkeExchange, LogEvent, Protected, Report, Window};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// A line of timeline.jsonl.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct TimelineEvent {
    /// What happened, in a sentence.
    pub message: String,
    /// When: RFC 3339 in UTC with six digits; finer ones are cut off.
    pub datetime: String,
    /// The same in microseconds since 1970.
    pub timestamp: i64,
    /// What that time is of: `Cleartext window start`, `Log event`, and so on.
    pub timestamp_desc: String,
    /// Labels as Timesketch shows them: `ipsec`, the kind, and what makes the line worth a look
    /// (`cleartext`, `esp`, an outcome, a category, `recovered`, a code and `severity_high`).
    pub tag: Vec<String>,
    /// The same under the name that other tools read.
    pub tags: Vec<String>,
    /// `ipsec:window`, `ipsec:protected`, `ipsec:ike_exchange` or `ipsec:finding`; of a Windows event
    /// `windows:evtx:record` or `windows:evt:record`, as Plaso calls it and Timesketch's analyzers ask for it.
    pub data_type: String,
    /// The entry of report.json: `W1`, `X3`, `L7`, `F2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_id: Option<String>,
    /// The lower address, of a negotiation the initiator, of a log event the host's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<String>,
    /// The other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<String>,
    /// Packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u64>,
    /// Their bytes on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Community IDs of the busiest flows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub community_ids: Vec<String>,
    /// Of a window: what opened it, the best explanation first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opened_by: Vec<String>,
    /// Of a window: what kept it open, the best explanation first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept_open_by: Vec<String>,
    /// Of a window: what closed it, the best explanation first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed_by: Vec<String>,
    /// Why: the leading cause of a window, the reason of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How sure that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
    /// Sixteen hexadecimal digits: of a negotiation, or of a log event that names its cookies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiator_spi: Option<String>,
    /// Sixteen hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responder_spi: Option<String>,
    /// Of a log event: the negotiation of the captures that it is about, by a number that both carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// What became of a negotiation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// How bad a finding is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Which rule made a finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Of a finding: the same for the same finding of the same files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_id: Option<String>,
    /// The file that shows it, by its id in report.json.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The frame at this time, as Wireshark numbers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// The record's own number in its log; left out above 2^63 - 1, which OpenSearch refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_number: Option<i64>,
    /// The event's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_identifier: Option<u16>,
    /// The computer that wrote the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computer_name: Option<String>,
    /// The log it was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// The record's fields, each as `name=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// The timeline, by time.
pub(super) fn timeline(report: &Report) -> Result<Vec<u8>, FormatError> {
    let of_old = report.evidence.iter().filter(|file| file.format == "evt");
    let old_logs: BTreeSet<&str> = of_old.map(|file| file.id.as_str()).collect();
    let events = report.windows.iter().flat_map(window);
    let events = events.chain(report.protected.iter().flat_map(protected));
    let events = events.chain(report.ike_exchanges.iter().filter_map(exchange));
    let events =
        events.chain(report.log_events.iter().filter_map(|event| log_event(event, &old_logs)));
    let events = events.chain(report.findings.iter().filter_map(|found| finding(found, report)));
    let mut events: Vec<(i64, TimelineEvent)> = events.collect();
    // Stable: what happens at the same time stays in the order above.
    events.sort_by_key(|(nanos, _)| *nanos);
    to_lines(events.iter().map(|(_, event)| event))
}

type Placed = (i64, TimelineEvent);

/// An event of a kind at a time; the rest is filled in by who knows it.
fn at(time: &str, what: &str, kind: &str, labels: &[&str]) -> Option<Placed> {
    let nanos = nanos(time)?;
    let tag: Vec<String> =
        ["ipsec", kind].iter().chain(labels).map(|label| (*label).to_owned()).collect();
    let event = TimelineEvent {
        datetime: with_six_digits(nanos),
        timestamp: micros(nanos),
        timestamp_desc: what.to_owned(),
        tags: tag.clone(),
        tag,
        data_type: format!("ipsec:{kind}"),
        ..TimelineEvent::default()
    };
    Some((nanos, event))
}

fn window(w: &Window) -> Vec<Placed> {
    let cause = w.causes.first();
    let why = cause
        .map_or_else(String::new, |c| format!("; {} ({}): {}", c.reason, c.confidence, w.chain));
    let reasons = |causes: &[Cause]| causes.iter().map(|c| c.reason.clone()).collect::<Vec<_>>();
    let apps = apps(&w.apps);
    let begins = format!(
        "Clear text begins between {} and {}: {} packets until {}{apps}{why}",
        w.a, w.b, w.frames, w.end
    );
    let ends = format!("Clear text between {} and {} ends: {} packets", w.a, w.b, w.frames);
    let sides = [
        (&w.start, "Cleartext window start", begins, &w.first),
        (&w.end, "Cleartext window end", ends, &w.last),
    ];
    let placed = sides.into_iter().filter_map(|(time, what, message, frame)| {
        let (nanos, event) = at(time, what, "window", &["cleartext"])?;
        let event = TimelineEvent {
            message,
            report_id: Some(w.id.clone()),
            a: Some(w.a.clone()),
            b: Some(w.b.clone()),
            frames: Some(w.frames),
            bytes: Some(w.bytes),
            community_ids: w.community_ids.clone(),
            reason: cause.map(|cause| cause.reason.clone()),
            opened_by: reasons(&w.opened_by),
            kept_open_by: w.kept_open_by.iter().map(|kept| kept.reason.clone()).collect(),
            closed_by: reasons(&w.closed_by),
            confidence: cause.map(|cause| cause.confidence.clone()),
            evidence: Some(frame.evidence.clone()),
            frame: Some(frame.frame),
            ..event
        };
        Some((nanos, event))
    });
    placed.collect()
}

fn apps(apps: &[App]) -> String {
    let reported: Vec<String> =
        apps.iter().map(|app| format!("{} {}", app.app, app.frames)).collect();
    if reported.is_empty() { String::new() } else { format!(" ({})", reported.join(", ")) }
}

fn protected(w: &Protected) -> Vec<Placed> {
    let of = format!("between {} and {}", w.a, w.b);
    let begins = format!("Protection by ESP begins {of}: {} packets until {}", w.frames, w.end);
    let ends = format!("Protection by ESP {of} ends: {} packets", w.frames);
    let sides =
        [(&w.start, "Protected window start", begins), (&w.end, "Protected window end", ends)];
    let placed = sides.into_iter().filter_map(|(time, what, message)| {
        let (nanos, event) = at(time, what, "protected", &["esp"])?;
        let event = TimelineEvent {
            message,
            a: Some(w.a.clone()),
            b: Some(w.b.clone()),
            frames: Some(w.frames),
            bytes: Some(w.bytes),
            ..event
        };
        Some((nanos, event))
    });
    placed.collect()
}

fn exchange(x: &IkeExchange) -> Option<Placed> {
    let reason = x.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    let (nanos, event) = at(&x.start, "IKE negotiation start", "ike_exchange", &[&x.outcome])?;
    let event = TimelineEvent {
        message: format!(
            "IKEv{} from {} to {}: {}{reason}, {} messages until {}",
            x.version,
            x.initiator,
            x.responder,
            x.outcome.replace('_', " "),
            x.messages,
            x.end
        ),
        report_id: Some(x.id.clone()),
        a: Some(x.initiator.clone()),
        b: Some(x.responder.clone()),
        frames: Some(x.messages),
        reason: x.reason.clone(),
        confidence: Some(x.confidence.clone()),
        initiator_spi: Some(x.initiator_spi.clone()),
        responder_spi: Some(x.responder_spi.clone()),
        outcome: Some(x.outcome.clone()),
        evidence: Some(x.first.evidence.clone()),
        frame: Some(x.first.frame),
        ..event
    };
    Some((nanos, event))
}

fn log_event(e: &LogEvent, old_logs: &BTreeSet<&str>) -> Option<Placed> {
    let (time, what) = match (&e.time_corrected, &e.time) {
        (Some(corrected), _) => (corrected, "Log event, by the captures' clock"),
        (None, Some(time)) => (time, "Log event, by its host's clock"),
        (None, None) => return None,
    };
    let reason = e.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    let peer = e.peer.as_ref().map_or_else(String::new, |peer| format!(", peer {peer}"));
    let category = e.category.replace('_', " ");
    let service = match (&e.service, &e.service_state) {
        (Some(service), Some(state)) => format!(": {service} {state}"),
        (Some(one), None) | (None, Some(one)) => format!(": {one}"),
        (None, None) => String::new(),
    };
    let is_old = old_logs.contains(e.evidence.as_str());
    let recovered = e.recovered.then_some("recovered");
    let labels: Vec<&str> = std::iter::once(e.category.as_str()).chain(recovered).collect();
    let (nanos, event) = at(time, what, "log_event", &labels)?;
    let event = TimelineEvent {
        message: format!("Event {} on {}: {category}{service}{reason}{peer}", e.event_id, e.host),
        data_type: if is_old { "windows:evt:record" } else { "windows:evtx:record" }.to_owned(),
        report_id: Some(e.id.clone()),
        a: e.local.clone(),
        b: e.peer.clone(),
        reason: e.reason.clone(),
        initiator_spi: e.initiator_cookie.clone(),
        responder_spi: e.responder_cookie.clone(),
        exchange: e.join.as_ref().and_then(|join| join.exchange.clone()),
        evidence: Some(e.evidence.clone()),
        record_number: i64::try_from(e.record).ok(),
        event_identifier: Some(e.event_id),
        computer_name: Some(e.host.clone()),
        channel: Some(e.channel.clone()),
        source_name: Some(e.provider.clone()),
        fields: e
            .fields
            .iter()
            .map(|(name, value)| match value.as_str() {
                Some(text) => format!("{name}={text}"),
                None => format!("{name}={value}"),
            })
            .collect(),
        ..event
    };
    Some((nanos, event))
}

/// The earliest moment of the files that a finding cites; of all files where it cites none with a time.
fn first_moment(f: &Finding, report: &Report) -> Option<String> {
    let cited: BTreeSet<&str> = f.evidence.iter().map(|proof| proof.evidence.as_str()).collect();
    let cited = &cited;
    let timed = |of_cited: bool| {
        let files =
            report.evidence.iter().filter(move |file| of_cited == cited.contains(file.id.as_str()));
        let times = files.filter_map(|file| file.first_time.as_ref());
        times.min_by_key(|time| nanos(time)).cloned()
    };
    timed(true).or_else(|| timed(false))
}

fn finding(f: &Finding, report: &Report) -> Option<Placed> {
    let (time, what) = match &f.start {
        Some(start) => (start.clone(), "Finding, its first moment"),
        None => (first_moment(f, report)?, "Finding without a time, first moment of its evidence"),
    };
    let (nanos, event) =
        at(&time, what, "finding", &[&f.code, &format!("severity_{}", f.severity)])?;
    let (a, b) = match f.pair.as_ref().and_then(|pair| pair.split_once(" - ")) {
        Some((a, b)) => (Some(a.to_owned()), Some(b.to_owned())),
        None => (None, None),
    };
    let event = TimelineEvent {
        message: f.title.clone(),
        report_id: Some(f.id.clone()),
        a,
        b,
        reason: f.causes.first().cloned(),
        confidence: Some(f.confidence.clone()),
        severity: Some(f.severity.clone()),
        code: Some(f.code.clone()),
        stable_id: Some(f.stable_id.clone()),
        ..event
    };
    Some((nanos, event))
}
