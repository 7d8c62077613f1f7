//! The Security log of a busy server, made to order: logons, processes, files and connections, and
//! one event in a thousand that bears on IPsec.
//!
//! The same numbers give the same records. Says nothing of how such a log is read.

use super::evtx_builder::{Body, Event, Scalar};

/// So many records, the first with this number.
pub(crate) fn events(first: u64, count: u64) -> impl Iterator<Item = Event> {
    (first..first + count).map(event)
}

/// Whether the record with this number bears on IPsec.
pub(crate) fn is_ipsec(record: u64) -> bool {
    record.is_multiple_of(1000)
}

fn event(record: u64) -> Event {
    let (event_id, task, fields) = match record {
        _ if is_ipsec(record) => (4653, 12_547, failed_negotiation(record)),
        _ => match record % 16 {
            0..=3 => (4624, 12_544, logon(record)),
            4..=6 => (4634, 12_545, logoff(record)),
            7 => (4672, 12_548, privileges(record)),
            8 | 9 => (4688, 13_312, process(record)),
            10..=12 => (4663, 12_800, object(record)),
            _ => (5156, 12_810, connection(record)),
        },
    };
    Event {
        provider: "Microsoft-Windows-Security-Auditing",
        channel: "Security",
        computer: "FS01.corp.example".to_owned(),
        event_id,
        qualifiers: None,
        version: 1,
        task,
        keywords: 0x8020_0000_0000_0000,
        time: 134_000_000_000_000_000 + record * 1_234_567,
        record,
        body: Body::EventData(fields, None),
    }
}

type Fields = Vec<(&'static str, Scalar)>;

fn said(text: &str) -> Scalar {
    Scalar::Text(text.to_owned())
}

fn sid(record: u64) -> Scalar {
    let [low, high, ..] = record.to_le_bytes();
    let mut bytes = vec![1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0];
    bytes.extend([7; 12]);
    bytes.extend([low % 50, high % 4, 0, 0]);
    Scalar::Sid(bytes)
}

fn subject(record: u64) -> Fields {
    vec![
        ("SubjectUserSid", sid(record)),
        ("SubjectUserName", Scalar::Text(format!("user{:03}", record % 211))),
        ("SubjectDomainName", said("CORP")),
        ("SubjectLogonId", Scalar::Hex64(0x3e7 + record * 17)),
    ]
}

fn logon(record: u64) -> Fields {
    let mut fields = subject(record);
    fields.extend([
        ("TargetUserSid", sid(record / 3)),
        ("TargetUserName", Scalar::Text(format!("user{:03}", record % 307))),
        ("TargetDomainName", said("CORP")),
        ("TargetLogonId", Scalar::Hex64(0x1_0000 + record * 31)),
        ("LogonType", Scalar::U32(3)),
        ("LogonProcessName", said("Kerberos")),
        ("AuthenticationPackageName", said("Kerberos")),
        ("WorkstationName", said("-")),
        ("LogonGuid", Scalar::Guid([record.to_le_bytes()[0]; 16])),
        ("TransmittedServices", said("-")),
        ("LmPackageName", said("-")),
        ("KeyLength", Scalar::U32(0)),
        ("ProcessId", Scalar::Hex64(0)),
        ("ProcessName", said("-")),
        ("IpAddress", Scalar::Text(format!("10.0.{}.{}", record % 7, record % 251))),
        ("IpPort", Scalar::Text((49_152 + record % 16_000).to_string())),
        ("ImpersonationLevel", said("%%1833")),
    ]);
    fields
}

fn logoff(record: u64) -> Fields {
    let mut fields = subject(record);
    fields.push(("LogonType", Scalar::U32(3)));
    fields
}

fn privileges(record: u64) -> Fields {
    let mut fields = subject(record);
    let privileges = "SeSecurityPrivilege\r\n\t\t\tSeBackupPrivilege\r\n\t\t\tSeRestorePrivilege";
    fields.push(("PrivilegeList", said(privileges)));
    fields
}

fn process(record: u64) -> Fields {
    let mut fields = subject(record);
    fields.extend([
        ("NewProcessId", Scalar::Hex64(4 * (record % 9000))),
        ("NewProcessName", said(r"C:\Windows\System32\svchost.exe")),
        ("TokenElevationType", said("%%1936")),
        ("ProcessId", Scalar::Hex64(4 * (record % 700))),
        ("CommandLine", said(r"C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule")),
        ("ParentProcessName", said(r"C:\Windows\System32\services.exe")),
    ]);
    fields
}

fn object(record: u64) -> Fields {
    let mut fields = subject(record);
    fields.extend([
        ("ObjectServer", said("Security")),
        ("ObjectType", said("File")),
        ("ObjectName", Scalar::Text(format!(r"D:\Shares\Projects\{:05}.docx", record % 40_000))),
        ("HandleId", Scalar::Hex64(4 * (record % 5000))),
        ("AccessList", said("%%4416\r\n\t\t\t\t")),
        ("AccessMask", Scalar::Hex64(1)),
        ("ProcessId", Scalar::Hex64(4)),
        ("ProcessName", said("")),
        ("ResourceAttributes", said("S:AI")),
    ]);
    fields
}

fn connection(record: u64) -> Fields {
    vec![
        ("ProcessID", Scalar::U64(4 * (record % 700))),
        ("Application", said(r"\device\harddiskvolume2\windows\system32\svchost.exe")),
        ("Direction", said("%%14592")),
        ("SourceAddress", Scalar::Text(format!("10.0.{}.{}", record % 7, record % 251))),
        ("SourcePort", Scalar::Text((49_152 + record % 16_000).to_string())),
        ("DestAddress", said("10.0.0.10")),
        ("DestPort", said("445")),
        ("Protocol", Scalar::U32(6)),
        ("FilterRTID", Scalar::U64(66_000 + record % 100)),
        ("LayerName", said("%%14610")),
        ("LayerRTID", Scalar::U64(44)),
    ]
}

fn failed_negotiation(record: u64) -> Fields {
    vec![
        ("LocalMMPrincipalName", said("-")),
        ("RemoteMMPrincipalName", said("-")),
        ("LocalAddress", said("10.0.0.10")),
        ("LocalKeyModPort", Scalar::U32(500)),
        ("RemoteAddress", Scalar::Text(format!("10.0.1.{}", record / 1000 % 20 + 1))),
        ("RemoteKeyModPort", Scalar::U32(500)),
        ("KeyModName", said("%%8222")),
        ("FailurePoint", said("%%8199")),
        ("FailureReason", said("No policy configured\r\n")),
        ("MMAuthMethod", said("%%8194")),
        ("State", said("%%8201")),
        ("Role", said("%%8206")),
        ("MMImpersonationState", said("%%8217")),
        ("MMFilterID", Scalar::U64(0)),
        ("InitiatorCookie", Scalar::Binary(record.to_be_bytes().to_vec())),
        ("ResponderCookie", Scalar::Binary((record * 3).to_be_bytes().to_vec())),
    ]
}
