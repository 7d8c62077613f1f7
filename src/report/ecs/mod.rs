//! ecs.jsonl: the report as documents of the Elastic Common Schema, one a line.
//!
//! Cut from the report's own types. What has no time has no line.

pub(super) mod schema;

use super::FormatError;
use super::build::tool;
use super::community_id::community_id;
use super::field_names::FieldNames;
use super::json::to_lines;
use super::moment::nanos;
use super::schema::{Finding, IkeExchange, LogEvent, Protected, Report, Window};
use schema::{
    Ecs, EcsEvent, Endpoint, Event, Host, Ike, Ipsec, Log, Network, Observer, Related, Rule, Winlog,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// The documents, by time.
pub(super) fn documents(report: &Report) -> Result<Vec<u8>, FormatError> {
    let documents = report.windows.iter().map(window);
    let documents = documents.chain(report.protected.iter().map(protected));
    let documents = documents.chain(report.ike_exchanges.iter().map(exchange));
    let documents = documents.chain(report.log_events.iter().filter_map(log_event));
    let documents = documents.chain(report.findings.iter().filter_map(finding));
    let mut placed: Vec<(Option<i64>, EcsEvent)> =
        documents.map(|document| (nanos(&document.timestamp), document)).collect();
    // Stable: what happens at the same time stays in the order above.
    placed.sort_by_key(|(nanos, _)| *nanos);
    to_lines(placed.iter().map(|(_, document)| document))
}

/// What every document of a kind says alike.
struct Kind {
    dataset: &'static str,
    kind: &'static str,
    category: &'static str,
    types: &'static [&'static str],
}

const WINDOW: Kind =
    Kind { dataset: "window", kind: "event", category: "network", types: &["connection", "info"] };
const PROTECTED: Kind = Kind {
    dataset: "protected",
    kind: "event",
    category: "network",
    types: &["connection", "info"],
};
const EXCHANGE: Kind = Kind {
    dataset: "ike_exchange",
    kind: "event",
    category: "network",
    types: &["connection", "protocol"],
};
const FINDING: Kind =
    Kind { dataset: "finding", kind: "alert", category: "network", types: &["info"] };
/// A finding about a log, a file or a host instead of a pair.
const FINDING_OF_A_HOST: Kind = Kind { category: "host", ..FINDING };

/// The category and types of a log event, by its category in the catalogue.
const LOG_EVENTS: &[(&str, Kind)] = &[
    ("ike_failure", log_kind("network", &["connection", "denied"])),
    ("driver_anomaly", log_kind("network", &["connection", "info"])),
    ("cleartext_observed", log_kind("network", &["connection", "denied"])),
    ("cleartext_permitted", log_kind("network", &["connection", "allowed"])),
    ("sa_established", log_kind("network", &["connection", "start"])),
    ("sa_ended", log_kind("network", &["connection", "end"])),
    ("service_state", log_kind("process", &["change"])),
    ("policy_change", log_kind("configuration", &["change"])),
    ("host_state", log_kind("host", &["info"])),
    ("clock_change", log_kind("configuration", &["change"])),
    ("evidence_integrity", log_kind("configuration", &["change"])),
    ("context", CONTEXT),
];

/// What is reported beside the events that matter.
const CONTEXT: Kind = log_kind("host", &["info"]);

const fn log_kind(category: &'static str, types: &'static [&'static str]) -> Kind {
    Kind { dataset: "log_event", kind: "event", category, types }
}

fn event(kind: &Kind, action: &str) -> Event {
    Event {
        kind: kind.kind.to_owned(),
        category: vec![kind.category.to_owned()],
        kinds: kind.types.iter().map(|name| (*name).to_owned()).collect(),
        action: action.to_owned(),
        outcome: None,
        module: "plainsight".to_owned(),
        dataset: format!("plainsight.{}", kind.dataset),
        provider: None,
        code: None,
        reason: None,
        severity: None,
        start: None,
        end: None,
        duration: None,
    }
}

fn lasting(event: Event, start: &str, end: &str) -> Event {
    let duration = nanos(start).zip(nanos(end)).map(|(start, end)| end.saturating_sub(start));
    Event { start: Some(start.to_owned()), end: Some(end.to_owned()), duration, ..event }
}

/// A document without sides; who has some adds them.
fn document(time: &str, message: String, kind: &Kind, event: Event, ipsec: Ipsec) -> EcsEvent {
    let tool = tool();
    EcsEvent {
        timestamp: time.to_owned(),
        message,
        tags: vec!["ipsec".to_owned(), kind.dataset.to_owned()],
        ecs: Ecs { version: ECS_VERSION.to_owned() },
        event,
        source: None,
        destination: None,
        network: None,
        related: None,
        host: None,
        winlog: None,
        rule: None,
        observer: Observer { product: tool.name, version: tool.version },
        ipsec,
    }
}

fn between(document: EcsEvent, source: Option<&str>, destination: Option<&str>) -> EcsEvent {
    let source = source.map(endpoint);
    let destination = destination.map(endpoint);
    let known = [&source, &destination].into_iter().flatten();
    let ip: BTreeSet<String> = known.filter_map(|side| side.ip.clone()).collect();
    let related = Some(Related { ip: ip.into_iter().collect() }).filter(|r| !r.ip.is_empty());
    EcsEvent { source, destination, related, ..document }
}

/// An address with or without a port.
fn endpoint(text: &str) -> Endpoint {
    let (ip, port) = match (text.parse::<SocketAddr>(), text.parse::<IpAddr>()) {
        (Ok(socket), _) => (Some(socket.ip()), Some(socket.port())),
        (Err(_), Ok(ip)) => (Some(ip), None),
        (Err(_), Err(_)) => (None, None),
    };
    let ip = ip.map(|ip| ip.to_string());
    Endpoint { address: ip.clone().unwrap_or_else(|| text.to_owned()), ip, port }
}

fn network(address: &str, packets: u64, bytes: Option<u64>) -> Network {
    let ip = endpoint(address).ip.and_then(|ip| ip.parse().ok());
    Network {
        family: ip.map(|ip: IpAddr| if ip.is_ipv4() { "ipv4" } else { "ipv6" }.to_owned()),
        transport: None,
        protocol: None,
        community_id: Vec::new(),
        packets: Some(packets),
        bytes,
    }
}

fn window(w: &Window) -> EcsEvent {
    let cause = w.causes.first();
    let event = lasting(event(&WINDOW, "cleartext_window"), &w.start, &w.end);
    let event = Event { reason: cause.map(|cause| cause.reason.clone()), ..event };
    let ipsec = Ipsec {
        id: Some(w.id.clone()),
        confidence: cause.map(|cause| cause.confidence.clone()),
        first: Some(w.first.clone()),
        last: Some(w.last.clone()),
        mixed: Some(w.mixed),
        apps: w.apps.clone(),
        opened_by: w.opened_by.clone(),
        kept_open_by: w.kept_open_by.clone(),
        closed_by: w.closed_by.clone(),
        chain: Some(w.chain.clone()).filter(|chain| !chain.is_empty()),
        causes: w.causes.clone(),
        ..Ipsec::default()
    };
    let message = format!("{} and {} exchanged clear text: {} packets", w.a, w.b, w.frames);
    let of = document(&w.start, message, &WINDOW, event, ipsec);
    let network =
        Network { community_id: w.community_ids.clone(), ..network(&w.a, w.frames, Some(w.bytes)) };
    EcsEvent { network: Some(network), ..between(of, Some(&w.a), Some(&w.b)) }
}

fn protected(w: &Protected) -> EcsEvent {
    let event = lasting(event(&PROTECTED, "protected_window"), &w.start, &w.end);
    let ipsec = Ipsec { spis: w.spis.clone(), ..Ipsec::default() };
    let message = format!("{} and {} talked under ESP: {} packets", w.a, w.b, w.frames);
    let of = document(&w.start, message, &PROTECTED, event, ipsec);
    let transport = Some("esp".to_owned());
    let network = Network { transport, ..network(&w.a, w.frames, Some(w.bytes)) };
    EcsEvent { network: Some(network), ..between(of, Some(&w.a), Some(&w.b)) }
}

fn exchange(x: &IkeExchange) -> EcsEvent {
    let outcome = match (&x.reason, x.outcome.as_str()) {
        (None, "established" | "ended") => "success",
        (None, "incomplete") => "unknown",
        _ => "failure",
    };
    let event = lasting(event(&EXCHANGE, "ike_exchange"), &x.start, &x.end);
    let event = Event { outcome: Some(outcome.to_owned()), reason: x.reason.clone(), ..event };
    let ipsec = Ipsec {
        id: Some(x.id.clone()),
        confidence: Some(x.confidence.clone()),
        first: Some(x.first.clone()),
        last: Some(x.last.clone()),
        ike: Some(Ike {
            version: x.version.clone(),
            kind: x.kind.clone(),
            initiator_spi: x.initiator_spi.clone(),
            responder_spi: x.responder_spi.clone(),
            state: x.state.clone(),
            outcome: x.outcome.clone(),
            chosen: x.chosen.clone(),
            notifies: x.notifies.clone(),
        }),
        ..Ipsec::default()
    };
    let (from, to) = (&x.initiator, &x.responder);
    let message = format!("IKEv{} from {from} to {to}: {}", x.version, x.outcome.replace('_', " "));
    let of = document(&x.start, message, &EXCHANGE, event, ipsec);
    let flow = udp_flow(from, to);
    let network = Network {
        transport: flow.as_ref().map(|_| "udp".to_owned()),
        protocol: Some("ike".to_owned()),
        community_id: flow.into_iter().collect(),
        ..network(from, x.messages, None)
    };
    EcsEvent { network: Some(network), ..between(of, Some(from), Some(to)) }
}

/// The Community ID of a negotiation over UDP. Over TCP (RFC 9329) it starts from a port of the
/// system's choice, as it may behind address translation: of those nothing is said.
fn udp_flow(initiator: &str, responder: &str) -> Option<String> {
    let from: SocketAddr = initiator.parse().ok()?;
    let to: SocketAddr = responder.parse().ok()?;
    let is_ike = |port| matches!(port, 500 | 4500);
    (is_ike(from.port()) && is_ike(to.port()))
        .then(|| community_id((from.ip(), from.port()), (to.ip(), to.port()), UDP))
}

fn log_event(e: &LogEvent) -> Option<EcsEvent> {
    let time = e.time_corrected.as_ref().or(e.time.as_ref())?;
    let kind = LOG_EVENTS.iter().find(|row| row.0 == e.category).map_or(&CONTEXT, |row| &row.1);
    let outcome = match e.category.as_str() {
        "ike_failure" => Some("failure"),
        "sa_established" => Some("success"),
        _ => None,
    };
    let event = Event {
        outcome: outcome.map(str::to_owned),
        provider: Some(e.provider.clone()),
        code: Some(e.event_id.to_string()),
        reason: e.reason.clone(),
        ..event(kind, &e.category)
    };
    let ipsec =
        Ipsec { id: Some(e.id.clone()), log: Some(Box::new(log_fields(e))), ..Ipsec::default() };
    let message = format!("Event {} on {}: {}", e.event_id, e.host, e.category.replace('_', " "));
    let of = document(time, message, kind, event, ipsec);
    let of = between(of, e.local.as_deref(), e.peer.as_deref());
    Some(EcsEvent {
        host: Some(Host { name: e.host.clone() }),
        winlog: Some(Winlog {
            channel: e.channel.clone(),
            provider_name: e.provider.clone(),
            event_id: e.event_id.to_string(),
            record_id: e.record.to_string(),
            computer_name: e.host.clone(),
            event_data: event_data(e),
        }),
        ..of
    })
}

fn log_fields(e: &LogEvent) -> Log {
    Log {
        evidence: e.evidence.clone(),
        host_time: e.time.clone(),
        recovered: e.recovered,
        audit: e.audit.clone(),
        version: e.version,
        error: e.error,
        mode: e.mode.clone(),
        keying: e.keying.clone(),
        role: e.role.clone(),
        state: e.state.clone(),
        failure_point: e.failure_point.clone(),
        initiator_cookie: e.initiator_cookie.clone(),
        responder_cookie: e.responder_cookie.clone(),
        message_id: e.message_id,
        inbound_spi: e.inbound_spi.clone(),
        outbound_spi: e.outbound_spi.clone(),
        packets: e.packets.and_then(|packets| i64::try_from(packets).ok()),
        service: e.service.clone(),
        service_state: e.service_state.clone(),
        join: e.join.clone(),
    }
}

/// Fields under names that Elasticsearch takes: not empty, and of one level.
fn event_data(e: &LogEvent) -> BTreeMap<String, String> {
    let mut data = BTreeMap::new();
    let mut names = FieldNames::default();
    for (name, value) in &e.fields {
        let mut name = name.replace('.', "_");
        if name.trim().is_empty() {
            name = "_".to_owned();
        }
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        data.insert(names.of(&name), value);
    }
    data
}

fn finding(f: &Finding) -> Option<EcsEvent> {
    let start = f.start.as_ref()?;
    let kind = if f.pair.is_some() { &FINDING } else { &FINDING_OF_A_HOST };
    let event = lasting(event(kind, "finding"), start, f.end.as_ref().unwrap_or(start));
    let event = Event {
        code: Some(f.code.clone()),
        reason: f.causes.first().cloned(),
        severity: severity(&f.severity),
        ..event
    };
    let ipsec = Ipsec {
        id: Some(f.id.clone()),
        confidence: Some(f.confidence.clone()),
        severity: Some(f.severity.clone()),
        detail: Some(f.detail.clone()),
        advice: f.advice.clone(),
        windows: f.windows.clone(),
        proof: f.evidence.clone(),
        controls: f.controls.clone(),
        stable_id: Some(f.stable_id.clone()),
        ..Ipsec::default()
    };
    let of = document(start, f.title.clone(), kind, event, ipsec);
    let sides = f.pair.as_ref().and_then(|pair| pair.split_once(" - "));
    let of = between(of, sides.map(|sides| sides.0), sides.map(|sides| sides.1));
    let rule = Rule { id: f.code.clone(), name: f.code.replace('_', " ") };
    Some(EcsEvent { rule: Some(rule), ..of })
}

fn severity(word: &str) -> Option<u8> {
    SEVERITIES.iter().find(|row| row.0 == word).map(|row| row.1)
}

/// As Elastic's detection rules count risk.
const SEVERITIES: &[(&str, u8)] =
    &[("info", 0), ("low", 21), ("medium", 47), ("high", 73), ("critical", 99)];
/// Fields and allowed values: elastic.co/docs/reference/ecs, version 8.11.
const ECS_VERSION: &str = "8.11.0";
/// IANA's protocol number.
const UDP: u8 = 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_of_both_families_are_read() {
        let check = |text: &str, ip: Option<&str>, port: Option<u16>| {
            let read = endpoint(text);
            assert_eq!((read.ip.as_deref(), read.port), (ip, port), "{text}");
        };
        check("10.0.0.1:500", Some("10.0.0.1"), Some(500));
        check("[fd00::1]:4500", Some("fd00::1"), Some(4500));
        check("fd00::1", Some("fd00::1"), None);
        check("WS01", None, None);
    }

    #[test]
    fn every_category_of_log_events_has_its_row() {
        for category in crate::catalogue::Category::ALL {
            let rows = LOG_EVENTS.iter().filter(|row| row.0 == category.as_str());
            assert_eq!(rows.count(), 1, "{}", category.as_str());
        }
        assert_eq!(LOG_EVENTS.len(), crate::catalogue::Category::ALL.len());
    }

    #[test]
    fn only_negotiations_between_ports_of_ike_get_a_flow() {
        assert!(udp_flow("10.0.0.1:500", "10.0.0.2:500").is_some());
        assert!(udp_flow("10.0.0.1:40000", "10.0.0.2:4500").is_none());
    }
}
