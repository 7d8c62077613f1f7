//! That the made-to-order .evtx files are real ones: the `evtx` crate and libevtx read back every
//! field that was put in.

use crate::support::evtx_builder::{Body, Event, Scalar, evtx, utf16};
use crate::support::tool_is_there;
use plainsight::catalogue::Reason;
use plainsight::eventlog::{
    AuditSubcategory, Auditing, LogEvent, LogSummary, Role, Service, ServiceChange, ServiceState,
    evtx as reader,
};
use plainsight::evidence::EvidenceId;
use std::io::Write;
use std::process::Command;

pub(crate) const AUDITING: &str = "Microsoft-Windows-Security-Auditing";
const TIME: u64 = 134_000_000_000_000_001;

#[test]
fn the_evtx_crate_reads_every_field_back() {
    let mut parser = ::evtx::EvtxParser::from_buffer(evtx(&samples())).unwrap();
    let records: Vec<_> = parser.records().map(|r| r.unwrap()).collect();
    assert_eq!(records.len(), samples().len());
    for (event, record) in samples().iter().zip(&records) {
        assert_eq!(record.event_record_id, event.record);
        for (path, value) in expected_leaves(event) {
            assert!(record.data.contains(&value), "{path}: {value}\nin {}", record.data);
        }
    }
}

#[test]
fn libevtx_reads_every_field_back() {
    if !tool_is_there("evtxexport", "libevtx-utils") {
        return;
    }
    let mut file = tempfile::NamedTempFile::with_suffix(".evtx").unwrap();
    file.write_all(&evtx(&samples())).unwrap();
    let output = Command::new("evtxexport").args(["-f", "xml"]).arg(file.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let records: Vec<&str> = text.split("<Event ").skip(1).collect();
    assert_eq!(records.len(), samples().len(), "{text}");
    for (event, record) in samples().iter().zip(&records) {
        // libevtx writes GUIDs in capitals and hexadecimal numbers in full width.
        let record = record.to_lowercase();
        for (path, value) in expected_leaves(event) {
            let value = value.to_lowercase();
            let wide = value.strip_prefix("0x").map(|digits| format!("0x{digits:0>16}"));
            let found = record.contains(&value) || wide.is_some_and(|wide| record.contains(&wide));
            assert!(found, "{path}: {value}\nin {record}");
        }
    }
}

#[test]
fn checksums_hold_and_many_records_make_many_chunks() {
    let mut events = Vec::new();
    for record in 1..=900 {
        events.push(Event { record, ..samples().remove(0) });
    }
    let file = evtx(&events);
    assert!(file.len() > 4096 + 2 * 65_536);
    let (summary, found) = read(&file);
    assert_eq!(summary.problems, []);
    assert_eq!(summary.record_numbers, Some((1, 900)));
    assert_eq!(summary.gaps, []);
    assert_eq!(found.len(), 900);
    let mut other = ::evtx::EvtxParser::from_buffer(file).unwrap();
    assert_eq!(other.records().filter(Result::is_ok).count(), 900);
}

fn changed(service: Service, state: ServiceState) -> Option<ServiceChange> {
    Some(ServiceChange { service, state })
}

#[test]
fn what_the_samples_say_is_understood() {
    let (summary, events) = read(&evtx(&samples()));
    assert_eq!(summary.problems, []);
    // The service that IPsec does not need is not an event.
    let ids: Vec<u16> = events.iter().map(|event| event.event_id).collect();
    assert_eq!(ids, [4653, 5451, 7036, 7040, 7034, 4719, 1102]);
    let [failed, up, stopped, disabled, crashed, silenced, cleared] = &events[..] else {
        unreachable!()
    };
    assert_eq!(failed.reason, Some(Reason::NoProposalChosen));
    let reported = failed.negotiation().unwrap();
    assert_eq!((reported.role, reported.responder_cookie), (Some(Role::Initiator), Some([0; 8])));
    assert_eq!(failed.initiator_cookie(), Some([0xdb, 0x55, 0xd3, 0x76, 0x7e, 0x51, 0xb4, 0x22]));
    assert_eq!(failed.local(), Some("fe80::1".parse().unwrap()));
    let selector = up.selector().unwrap();
    assert_eq!(selector.local_mask, Some("255.255.255.0".parse().unwrap()));
    assert_eq!(selector.peer_tunnel, Some("192.0.2.9".parse().unwrap()));
    assert_eq!((up.inbound_spi(), up.outbound_spi()), (Some(0xdead_beef), None));
    assert_eq!(up.negotiation().unwrap().quick_mode_sa, Some(u64::from(u32::MAX) + 7));
    assert_eq!(stopped.service(), changed(Service::Ikeext, ServiceState::Stopped));
    assert_eq!(stopped.reason, Some(Reason::ServiceStopped));
    assert_eq!(disabled.service(), changed(Service::PolicyAgent, ServiceState::Disabled));
    assert_eq!(crashed.service(), changed(Service::Bfe, ServiceState::Failed));
    let change = silenced.audit_change().unwrap();
    assert_eq!(change.subcategory, Some(AuditSubcategory::MainMode));
    assert_eq!((change.success, change.failure), (Some(Auditing::Off), Some(Auditing::Off)));
    assert!(change.silences());
    assert!(silenced.fields.contains(&(
        "AuditPolicyChanges".to_owned(),
        "Success removed, Failure removed".to_owned()
    )));
    assert!(cleared.fields.contains(&("SubjectUserName".to_owned(), "eve".to_owned())));
}

pub(crate) fn read(file: &[u8]) -> (LogSummary, Vec<LogEvent>) {
    let mut events = Vec::new();
    let summary = reader::read(&mut &*file, EvidenceId(1), &mut |event| events.push(event));
    (summary, events)
}

/// One record of each shape that the reader has to know.
pub(crate) fn samples() -> Vec<Event> {
    let mut record = 0;
    let mut event = |provider, event_id, body| {
        record += 1;
        let security = provider != SERVICES;
        Event {
            provider,
            channel: if security { "Security" } else { "System" },
            computer: "WS01.corp.example".to_owned(),
            event_id,
            qualifiers: (!security).then_some(16_384),
            version: 0,
            task: 12_547,
            keywords: if security { 0x8010_0000_0000_0000 } else { 0x8080_0000_0000_0000 },
            time: TIME + record * 10_000_000,
            record,
            body,
        }
    };
    let service = |fields: &[(&'static str, &str)], binary: Option<&str>| {
        let fields = fields.iter().map(|(name, value)| (*name, said(value))).collect();
        Body::EventData(fields, binary.map(|text| [utf16(text), vec![0, 0]].concat()))
    };
    vec![
        event(AUDITING, 4653, main_mode_failure()),
        event(AUDITING, 5451, quick_mode_sa()),
        event(
            SERVICES,
            7036,
            service(&[("param1", "IKE-Dienst"), ("param2", "beendet")], Some("IKEEXT/1")),
        ),
        event(
            SERVICES,
            7040,
            service(
                &[
                    ("param1", "IPsec-Richtlinien-Agent"),
                    ("param2", "auto start"),
                    ("param3", "disabled"),
                    ("param4", "PolicyAgent"),
                ],
                None,
            ),
        ),
        event(SERVICES, 7034, Body::Unnamed(vec![said("Base Filtering Engine"), said("1")])),
        event(
            SERVICES,
            7036,
            service(&[("param1", "Spooler"), ("param2", "stopped")], Some("Spooler/1")),
        ),
        event(AUDITING, 4719, audit_change()),
        event(
            "Microsoft-Windows-Eventlog",
            1102,
            Body::UserData(
                "LogFileCleared",
                vec![
                    ("SubjectUserSid", Scalar::Sid(vec![1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0])),
                    ("SubjectUserName", said("eve")),
                    ("SubjectLogonId", Scalar::Hex64(0x3e7)),
                ],
            ),
        ),
    ]
}

const SERVICES: &str = "Service Control Manager";

fn said(text: &str) -> Scalar {
    Scalar::Text(text.to_owned())
}

fn main_mode_failure() -> Body {
    let fields = vec![
        ("LocalMMPrincipalName", said("-")),
        ("LocalAddress", said("fe80::1%12")),
        ("LocalKeyModPort", Scalar::U32(500)),
        ("RemoteAddress", said("fe80::2")),
        ("KeyModName", said("%%8244")),
        ("FailurePoint", said("%%8199")),
        ("FailureReason", said("Policy match error\r\n")),
        ("MMAuthMethod", said("%%8193")),
        ("State", said("%%8202")),
        ("Role", said("%%8205")),
        ("MMFilterID", Scalar::U64(66_063)),
        ("InitiatorCookie", said("db55d3767e51b422")),
        ("ResponderCookie", said("0000000000000000")),
    ];
    Body::EventData(fields, None)
}

fn quick_mode_sa() -> Body {
    let fields = vec![
        ("LocalAddress", said("10.0.0.0")),
        ("LocalAddressMask", said("255.255.255.0")),
        ("LocalPort", Scalar::U32(0)),
        ("LocalTunnelEndpoint", said("192.0.2.1")),
        ("RemoteAddress", said("10.0.1.0")),
        ("RemoteTunnelEndpoint", said("192.0.2.9")),
        ("IpProtocol", Scalar::U32(0)),
        ("Role", said("%%16405")),
        ("QuickModeSaId", Scalar::U64(u64::from(u32::MAX) + 7)),
        ("InboundSpi", Scalar::U64(0xdead_beef)),
        ("OutboundSpi", Scalar::U64(0x1_0000_0000)),
    ];
    Body::EventData(fields, None)
}

fn audit_change() -> Body {
    // {0CCE9218-69AE-11D9-BED3-505054503030}: its first three parts are little-endian.
    let main_mode = [
        0x18, 0x92, 0xce, 0x0c, 0xae, 0x69, 0xd9, 0x11, 0xbe, 0xd3, 0x50, 0x50, 0x54, 0x50, 0x30,
        0x30,
    ];
    let fields = vec![
        ("CategoryId", said("%%8273")),
        ("SubcategoryGuid", Scalar::Guid(main_mode)),
        ("AuditPolicyChanges", said("%%8448, %%8450")),
    ];
    Body::EventData(fields, None)
}

/// What has to be somewhere in the record's text: where it was put, and its value.
fn expected_leaves(event: &Event) -> Vec<(&'static str, String)> {
    let mut leaves = vec![
        ("Provider", event.provider.to_owned()),
        ("Channel", event.channel.to_owned()),
        ("Computer", event.computer.clone()),
        ("EventID", event.event_id.to_string()),
        ("Task", event.task.to_string()),
        ("Keywords", format!("0x{:x}", event.keywords)),
        ("EventRecordID", event.record.to_string()),
    ];
    leaves.extend(event.qualifiers.map(|qualifiers| ("Qualifiers", qualifiers.to_string())));
    let (fields, binary) = match &event.body {
        Body::EventData(fields, binary) => (fields.clone(), binary.clone()),
        Body::Unnamed(values) => (values.iter().map(|v| ("Data", v.clone())).collect(), None),
        Body::UserData(name, fields) => {
            leaves.push(("UserData", (*name).to_owned()));
            (fields.clone(), None)
        }
    };
    leaves.extend(binary.map(|bytes| ("Binary", hex(&bytes))));
    for (name, value) in fields {
        leaves.push(("name of a field", name.to_owned()));
        leaves.push((name, shown(&value)));
    }
    leaves
}

fn shown(value: &Scalar) -> String {
    match value {
        Scalar::Null => String::new(),
        Scalar::Text(text) => text.trim().to_owned(),
        Scalar::U8(number) => number.to_string(),
        Scalar::U16(number) => number.to_string(),
        Scalar::U32(number) => number.to_string(),
        Scalar::U64(number) | Scalar::FileTime(number) => number.to_string(),
        Scalar::Hex64(number) => format!("0x{number:x}"),
        Scalar::Guid(_) => "0cce9218-69ae-11d9-bed3-505054503030".to_owned(),
        Scalar::Sid(_) => "S-1-5-18".to_owned(),
        Scalar::Binary(bytes) => hex(bytes),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
