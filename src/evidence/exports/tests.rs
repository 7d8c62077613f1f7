//! Each export by its beginning.

use super::*;

const XML: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>";
const CSV: &str = "Ebene,Datum und Uhrzeit,Quelle,Ereignis-ID,Aufgabenkategorie\r\nInformationen,23.11.2026 08:04:14,Microsoft-Windows-Security-Auditing,4653,Hauptmodus,\"Fehler";

#[test]
fn exports_are_recognised_by_their_content() {
    let rows = [
        (XML, Some(Format::EventXml)),
        ("<?xml version=\"1.0\"?>\r\n<Events><Event ", Some(Format::EventXml)),
        ("<?xml version=\"1.0\"?><!-- x -->\n<netEvents>", Some(Format::NetEvents)),
        ("<html>", None),
        ("<Eventful>", None),
        ("[\r\n  {\r\n  \"Message\":  \"An IPsec", Some(Format::EventJson)),
        ("{\"Id\": 4653, \"TimeCreated\":", Some(Format::EventJson)),
        ("{\"Id\": 4653, \"name\":", None),
        ("{\"schema_version\": 1", None),
        ("{\"Event\":{\"#attributes\":{\"xmlns\":\"x\"},\"System\":{", Some(Format::EventJson)),
        ("Record 7\n{\n  \"Event\": {\n \"System\": {", Some(Format::EventJson)),
        ("{\"@timestamp\":\"2026-11-23T08:04:14.000Z\",\"winlog\":{", Some(Format::EventJson)),
        ("{\"EventTime\":\"2026-11-23 08:04:14\",\"Hostname\":\"FS01\"", Some(Format::EventJson)),
        ("{\"PayloadData1\":\"x\",\"EventId\":4653", Some(Format::EventJson)),
        ("{\"Timestamp\": \"x\", \"RuleTitle\": \"y\"", Some(Format::EventJson)),
        ("{\"System\":{\"Provider\":{\"Name\":\"x\"}},\"EventData\"", Some(Format::EventJson)),
        (
            "{\"tags\": [], \"@timestamp\": 1, \"event\": 1, \"winlog\": 1, \"host\": 1",
            Some(Format::EventJson),
        ),
        (
            "[{\"PSComputerName\": 1, \"ProviderName\": 1, \"LogName\": 1, \"RecordId\": 1, \"Id\": 1",
            Some(Format::EventJson),
        ),
        ("Record of nothing\n{\"Event\": {\"System\"", None),
        ("{\"name\": 1}", None),
        (CSV, Some(Format::EventCsv)),
        ("Keywords,Date and Time,Source,Event ID,Task Category\r\n", Some(Format::EventCsv)),
        ("a,b,c,d,e\r\n1,2,3,4,5\r\n", None),
        (
            "Ebene;Datum;Quelle;Nummer;Art\r\nInformationen;23.11.2026 08:04:14;X;4653;Y\r\n",
            Some(Format::EventCsv),
        ),
        (
            "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n\"Message\",\"Id\",\"Version\",\"Qualifiers\",\"Level\"\r\n",
            Some(Format::EventCsv),
        ),
        (
            "RecordNumber,EventRecordId,TimeCreated,EventId,Level,Provider,Channel\r\n",
            Some(Format::EventCsv),
        ),
        (
            "Timestamp,RuleTitle,Level,Computer,Channel,EventID,RecordID,Details\r\n",
            Some(Format::EventCsv),
        ),
        ("Id,Name\r\n1,x\r\n", None),
        (
            "<Objs Version=\"1.1.0.1\"><Obj><TN><T>System.Diagnostics.Eventing.Reader.EventLogRecord",
            Some(Format::EventObjects),
        ),
        ("<Objs Version=\"1.1.0.1\"><Obj><TN><T>System.IO.FileInfo", None),
        ("<!DOCTYPE Events><e:Events xmlns:e='x'>", Some(Format::EventXml)),
        (
            "Event[0]:\r\n  Log Name: Security\r\n  Source: x\r\n  Date: 2026-11-23T08:04:14.258\r\n  Event ID: 4655\r\n",
            Some(Format::EventList),
        ),
        (
            "Nom du journal :Security\r\nSource :       x\r\nDate :         23/11/2026 08:04:14\r\nID de l’événement :4655\r\n",
            Some(Format::EventList),
        ),
        ("From: a\r\nTo: b\r\nDate: 23 Nov 2026 08:04:14\r\nSubject: 4655 things\r\n", None),
        ("{\"took\":5,\"timed_out\":false,\"hits\":{\"hits\":[{", Some(Format::EventJson)),
        ("{\"_scroll_id\":\"FGlu", Some(Format::EventJson)),
        ("{\"hits\": 5, \"misses\": 7}", None),
        ("[\n {\n \"LocalEndpoint\": \"10.0.0.1\",\n \"QmSaId\": 7", Some(Format::EventJson)),
        ("<?xml version=\"1.0\"?>\n<wfpstate>\n", Some(Format::WfpState)),
        (
            "Computername,Ziel,Kategorie,GUID,An,Aus\r\n\r\nWS01,System,x,{0CCE9210-69AE-11D9-BED3-505054503030},Erfolg,\r\n",
            Some(Format::AuditPolicy),
        ),
        ("a note", None),
        ("", None),
    ];
    check(&rows);
}

fn check(rows: &[(&str, Option<Format>)]) {
    for &(text, format) in rows {
        assert_eq!(recognize_export(text.as_bytes()), format, "{text}");
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(recognize_export(&wide), format, "{text}");
        assert_eq!(recognize_export(&[&[0xfe, 0xff], &wide[..]].concat()), format, "{text}");
        assert_eq!(
            recognize_export(&[&[0xef, 0xbb, 0xbf], text.as_bytes()].concat()),
            format,
            "{text}"
        );
    }
}

#[test]
fn other_orders_wrappers_and_separators_are_recognised() {
    check(&[
        ("{\"tags\": [], \"@timestamp\": 1, \"event\": 1, \"log\": 1, \"host\": 1", None),
        ("{\"Events\": [{\"Event\":{\"#attributes\":1,\"System\":{", Some(Format::EventJson)),
        ("{\"Events\": {\"Event\" : [{\"#attributes\":1,\"System\":{", Some(Format::EventJson)),
        ("{\"Events\": [{\"name\": 1", None),
        (
            "sep=;\r\nEbene;Datum;Quelle;Nummer;Art\r\nInformationen;23.11.2026 08:04:14;X;4653;Y\r\n",
            Some(Format::EventCsv),
        ),
        (
            "\"a\";\"b\";\"c\";\"GUID\";\"e\";\"f\"\r\n\"WS01\";\"System\";\"x\";\"{0cce9210-69ae-11d9-bed3-505054503030}\";\"Erfolg\";\"\"\r\n",
            Some(Format::AuditPolicy),
        ),
    ]);
}

#[test]
fn states_and_what_is_known_and_not_read_are_recognised() {
    let rows = [
        (
            "<Objs Version=\"1.1.0.1\"><Obj RefId=\"0\"><TN><T>CimInstance#root/standardcimv2/MSFT_NetQuickModeSA</T>",
            Some(Format::EventObjects),
        ),
        ("{\"Machine Name\":\"WS01\",\"Subcategory GUID\":\"{0CCE\"", Some(Format::AuditPolicy)),
        ("Windows Registry Editor Version 5.00\r\n", Some(Format::Unread(REGISTRY_EXPORT))),
        ("11-23: 09:04:24:294:2b4 Initialization OK\n", Some(Format::Unread(OAKLEY_LOG))),
        ("<wfpdiag>\n<sysInfo/>", Some(Format::WfpState)),
    ];
    for (text, format) in rows {
        assert_eq!(recognize_export(text.as_bytes()), format, "{text}");
    }
}
