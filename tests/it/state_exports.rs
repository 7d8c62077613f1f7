//! Exports of a host's state: auditpol, SAs of PowerShell, wfpstate.xml.

use crate::support::ike_builder::write;
use crate::support::program::analyze;
use crate::support::shared;
use plainsight::report::schema::{LogEvent, Report};

fn of_text(name: &str, text: &[u8]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    write(&path, text);
    analyze(&[path.as_path()], &[])
}

fn codes(report: &Report) -> Vec<&str> {
    let problems = report.evidence.iter().flat_map(|file| &file.problems);
    problems.map(|problem| problem.code.as_str()).collect()
}

fn field<'e>(event: &'e LogEvent, name: &str) -> Option<&'e str> {
    event.fields.get(name).and_then(serde_json::Value::as_str)
}

const MAIN_MODE: &str = r#"[{"KeyModule": 1, "LocalEndpoint": "10.77.3.11", "RemoteEndpoint": "10.77.3.20",
  "InitiatorCookie": 9223257178571055357, "ResponderCookie": 1578478003414962979, "SystemName": "WS01"}]"#;

#[test]
fn cookies_of_64_bits_are_exact() {
    let report = of_text("mm.json", MAIN_MODE.as_bytes());
    let event = &report.log_events[0];
    assert_eq!((event.event_id, event.host.as_str()), (60_111, "WS01"));
    assert_eq!(event.initiator_cookie.as_deref(), Some("7fff978978cca0fd"));
    assert_eq!(codes(&report), Vec::<&str>::new());
}

#[test]
fn sas_in_a_table_say_the_same() {
    let table = "\"LocalEndpoint\",\"RemoteEndpoint\",\"MmSaId\",\"QmSaId\",\"SPI\",\"InboundDirection\",\"EncapsulationMode\",\"SystemName\"\r\n\
        \"10.77.3.11\",\"10.77.3.20\",\"412\",\"7\",\"3395431761\",\"True\",\"2\",\"WS01\"\r\n";
    let report = of_text("qm.csv", table.as_bytes());
    let event = &report.log_events[0];
    assert_eq!((event.event_id, event.inbound_spi.as_deref()), (60_112, Some("0xca622d51")));
    assert_eq!((event.time.as_deref(), codes(&report)), (None, vec![]));
}

#[test]
fn the_samples_of_sas_give_their_numbers() {
    let Some(shared) = shared("exports of SAs") else { return };
    let folder = shared.join("forms/netipsec");
    let report = analyze(&[folder.join("mainmode.json").as_path()], &[]);
    let event = &report.log_events[0];
    assert_eq!(event.initiator_cookie.as_deref(), Some("7fff978978cca0fd"));
    assert_eq!(event.responder_cookie.as_deref(), Some("15e7e16187511323"));
    assert_eq!(
        (event.local.as_deref(), event.peer.as_deref()),
        (Some("10.77.3.11"), Some("10.77.3.20"))
    );
    let report = analyze(&[folder.join("quickmode.json").as_path()], &[]);
    let spis: Vec<_> = report
        .log_events
        .iter()
        .map(|e| (e.inbound_spi.as_deref(), e.outbound_spi.as_deref()))
        .collect();
    assert_eq!(spis, [(Some("0xca622d51"), None), (None, Some("0xaabbccdd"))]);
}

#[test]
fn the_samples_of_auditpol_settle_what_is_audited() {
    let Some(shared) = shared("tables of auditpol") else { return };
    let folder = shared.join("forms/auditpol");
    for name in [
        "auditpol_get_r.csv",
        "auditpol_backup.csv",
        "auditpol_get_r_german_utf16.csv",
        "audit.csv",
    ] {
        let report = analyze(&[folder.join(name).as_path()], &[]);
        assert_eq!(report.log_events.len(), 6, "{name}");
        assert_eq!(report.evidence[0].format, "audit_policy", "{name}");
        let is_german = name.contains("german");
        assert_eq!(codes(&report).contains(&"fields_missing"), is_german, "{name}");
        let is_wanted = name == "audit.csv";
        let number = if is_wanted { 60_102 } else { 60_101 };
        assert!(report.log_events.iter().all(|event| event.event_id == number), "{name}");
        if is_wanted || is_german {
            continue;
        }
        let changes = |begins: &str| {
            let mut of = report.log_events.iter();
            let row =
                of.find(|e| field(e, "SubcategoryGuid").is_some_and(|it| it.starts_with(begins)));
            row.and_then(|event| field(event, "AuditPolicyChanges"))
                .unwrap_or_default()
                .to_lowercase()
        };
        assert_eq!(changes("{0CCE9218"), "success removed, failure added", "{name}");
        assert_eq!(changes("{0CCE9219"), "success added, failure added", "{name}");
        assert_eq!(changes("{0CCE921A"), "success removed, failure removed", "{name}");
        assert_eq!(changes("{0CCE9213"), "success removed, failure removed", "{name}");
    }
}

#[test]
fn the_sample_of_a_state_gives_its_sa_and_its_connections() {
    let Some(shared) = shared("a wfpstate.xml") else { return };
    let report = analyze(&[shared.join("forms/wfpstate/wfpstate.xml").as_path()], &[]);
    assert_eq!(report.evidence[0].format, "wfpstate_xml");
    let ids: Vec<u16> = report.log_events.iter().map(|event| event.event_id).collect();
    let of = |id: u16| report.log_events.iter().find(|event| event.event_id == id).unwrap();
    assert_eq!(ids.len(), 5, "{ids:?}");
    let policy = of(60_116);
    assert_eq!(field(policy, "QuickModeProposals"), Some("ESP SHA-256-128 + AES-256-CBC"));
    assert_eq!(
        (field(policy, "NdSecure"), field(policy, "NdAllowClearTimeoutSeconds")),
        (Some("true"), Some("0"))
    );
    let sa = of(60_112);
    assert_eq!(
        (sa.inbound_spi.as_deref(), sa.outbound_spi.as_deref()),
        (Some("0xca622d51"), Some("0xaabbccdd"))
    );
    assert_eq!((sa.local.as_deref(), sa.peer.as_deref()), (Some("10.77.3.11"), Some("10.77.3.20")));
    assert_eq!((field(sa, "SaContextId"), field(sa, "Mode")), (Some("9001"), Some("transport")));
    assert_eq!((field(sa, "MainModeSaId"), field(sa, "QuickModeSaId")), (Some("412"), Some("7")));
    assert_eq!(field(of(60_113), "RemotePort"), Some("445"));
    assert_eq!(field(of(60_114), "RemoteAddress"), Some("10.77.3.30"));
    assert_eq!(of(60_114).time.as_deref().map(|time| &time[..23]), Some("2026-11-23T08:05:30.250"));
    assert_eq!(field(of(60_115), "invalidClearTextInbound"), Some("17"));
}

#[test]
fn a_real_state_is_read_without_loss() {
    let Some(shared) = shared("a real wfpstate.xml") else { return };
    let file = shared.join("data/etl/wfpstate1.xml.gz");
    let report = analyze(&[file.as_path()], &[]);
    assert_eq!(report.evidence[0].format, "wfpstate_xml");
    assert_eq!(codes(&report), Vec::<&str>::new());
    assert!(report.log_events.iter().any(|event| event.event_id == 60_115));
    assert!(report.log_events.iter().any(|event| event.event_id == 60_114));
}

/// A wfpdiag.xml: a state, an event, a state. Its filters require IPsec with 10.1.0.0/16 and let 10.1.9.9 pass; what
/// else of the firewall permits says nothing of IPsec.
fn diagnosis() -> String {
    let condition = |field: &str, value: &str| {
        format!(
            "<item><fieldKey>FWPM_CONDITION_{field}</fieldKey><matchType>FWP_MATCH_EQUAL</matchType><conditionValue>{value}</conditionValue></item>"
        )
    };
    let mask = |address: &str, mask: &str| {
        format!(
            "<type>FWP_V4_ADDR_MASK</type><v4AddrMask><addr>{address}</addr><mask>{mask}</mask></v4AddrMask>"
        )
    };
    let filter = |id: u32, weight: u32, layer: &str, sub: &str, conditions: &str, action: &str| {
        format!(
            "<item><filterKey>{{{id}}}</filterKey><displayData><name>f{id}</name></displayData><layerKey>FWPM_LAYER_{layer}</layerKey><subLayerKey>{sub}</subLayerKey><weight><type>FWP_UINT64</type><uint64>{weight}</uint64></weight><filterCondition>{conditions}</filterCondition>{action}<filterId>{id}</filterId></item>"
        )
    };
    let ipsec = |way: &str| {
        format!(
            "<action><type>FWP_ACTION_CALLOUT_TERMINATING</type><filterType>FWPM_CALLOUT_IPSEC_{way}_TRANSPORT_V4</filterType></action><providerContextKey>{{qm}}</providerContextKey>"
        )
    };
    let permit = "<action><type>FWP_ACTION_PERMIT</type><filterType/></action>";
    let net = condition("IP_REMOTE_ADDRESS", &mask("10.1.0.0", "255.255.0.0"));
    let host = condition("IP_REMOTE_ADDRESS", "<type>FWP_UINT32</type><uint32>10.1.9.9</uint32>");
    let layer = format!(
        "<layers><item><layer><layerKey>x</layerKey></layer><filters>{}{}{}{}{}</filters></item></layers>",
        filter(1, 5, "INBOUND_TRANSPORT_V4", "s", &net, &ipsec("INBOUND")),
        filter(2, 5, "OUTBOUND_TRANSPORT_V4", "s", &net, &ipsec("OUTBOUND")),
        filter(3, 9, "OUTBOUND_TRANSPORT_V4", "s", &host, permit),
        filter(4, 9, "ALE_AUTH_CONNECT_V4", "firewall", &host, permit),
        filter(
            5,
            5,
            "INBOUND_TRANSPORT_V4",
            "s",
            &condition("ALE_APP_ID", "<type>FWP_BYTE_BLOB_TYPE</type>"),
            &ipsec("INBOUND")
        ),
    );
    let context = "<providerContexts><item><providerContextKey>{qm}</providerContextKey><displayData><name>servers</name></displayData><type>FWPM_IPSEC_IKE_QM_TRANSPORT_CONTEXT</type><ikeQmTransportPolicy><ipsecProposals><item><saTransforms><item><ipsecTransformType>IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER</ipsecTransformType></item></saTransforms></item></ipsecProposals><flags/><ndAllowClearTimeoutSeconds>10</ndAllowClearTimeoutSeconds></ikeQmTransportPolicy></item></providerContexts>";
    let counters = |count: u32| {
        format!(
            "<ipsecStatistics><aggregateDropPacketStatistics><invalidClearTextInbound>{count}</invalidClearTextInbound></aggregateDropPacketStatistics></ipsecStatistics>"
        )
    };
    let ike = "<ikeSas><item><saId>412</saId><keyModuleType>IKEEXT_KEY_MODULE_IKE</keyModuleType><ikeTraffic><localV4Address>10.1.0.1</localV4Address><remoteV4Address>10.1.0.2</remoteV4Address></ikeTraffic><cookiePair><initiator>9223257178571055357</initiator><responder>1578478003414962979</responder></cookiePair></item></ikeSas>";
    let event = "<events numItems=\"1\"><netEvent><header><timeStamp>2026-11-23T08:04:14.070Z</timeStamp><localAddrV4>10.1.0.1</localAddrV4><remoteAddrV4>10.1.0.2</remoteAddrV4></header><type>FWPM_NET_EVENT_TYPE_IKEEXT_MM_FAILURE</type><ikeMmFailure><failureErrorCode>13801</failureErrorCode></ikeMmFailure></netEvent></events>";
    format!(
        "<?xml version=\"1.0\"?>\n<wfpdiag><sysInfo/><initialState><timeStamp>2026-11-23T08:04:00.000Z</timeStamp>{layer}{context}{ike}{}</initialState>{event}<finalState><timeStamp>2026-11-23T08:06:00.000Z</timeStamp>{}</finalState></wfpdiag>\n",
        counters(3),
        counters(20),
    )
}

#[test]
fn a_diagnosis_has_two_states_and_the_events_between_them() {
    let report = of_text("wfpdiag.xml", diagnosis().as_bytes());
    assert_eq!((report.evidence[0].format.as_str(), codes(&report)), ("wfpstate_xml", vec![]));
    let of = |id: u16| report.log_events.iter().filter(move |event| event.event_id == id);
    let counted: Vec<_> = of(60_115)
        .map(|event| (field(event, "State"), field(event, "invalidClearTextInbound")))
        .collect();
    assert_eq!(counted, [(Some("initial"), Some("3")), (Some("final"), Some("20"))]);
    let times: Vec<_> = of(60_115).map(|event| field(event, "StateTime").unwrap()).collect();
    assert_eq!(times, ["2026-11-23T08:04:00.000Z", "2026-11-23T08:06:00.000Z"]);
    assert_eq!(of(60_117).count(), 3);
    let ike = of(60_111).next().unwrap();
    assert_eq!(ike.initiator_cookie.as_deref(), Some("7fff978978cca0fd"));
    let failure = of(4653).next().unwrap();
    assert_eq!(failure.peer.as_deref(), Some("10.1.0.2"));
}

#[test]
fn the_filters_of_a_state_are_a_policy() {
    let me = ["10.1.0.1".parse().unwrap()];
    let imported = plainsight::policy::import(diagnosis().as_bytes(), &me).unwrap();
    let policy = plainsight::policy::parse(&imported.toml).unwrap();
    let rules: Vec<_> = policy.rules.iter().map(|rule| rule.action).collect();
    use plainsight::policy::{Action, Level};
    assert_eq!(rules, [Action::Exempt, Action::Protect(Level::Encrypt)], "{}", imported.toml);
    let reported: Vec<&str> = imported.notes.iter().map(|note| note.text.as_str()).collect();
    assert!(reported.iter().any(|note| note.contains("ALE_APP_ID")), "{reported:?}");
    // In secure mode what the computer opens itself may fall back; in boundary mode all may.
    for (flag, expected) in [("ND_SECURE", 3), ("ND_BOUNDARY", 2)] {
        let flags = format!("<flags><item>IPSEC_POLICY_FLAG_{flag}</item></flags>");
        let text = diagnosis().replace("<flags/>", &flags);
        let imported = plainsight::policy::import(text.as_bytes(), &me).unwrap();
        let policy = plainsight::policy::parse(&imported.toml).unwrap();
        assert_eq!(policy.rules.len(), expected, "{flag}: {}", imported.toml);
        let protects = policy.rules.iter().filter(|rule| rule.action != Action::Exempt).count();
        assert_eq!(protects, usize::from(flag == "ND_SECURE"));
    }
}

#[test]
fn sas_as_objects_of_powershell_say_the_same() {
    let object = |class: &str, properties: &str| {
        format!(
            "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">\r\n  <Obj RefId=\"0\">\r\n    <TN RefId=\"0\">\r\n      <T>Microsoft.Management.Infrastructure.CimInstance#root/standardcimv2/{class}</T>\r\n    </TN>\r\n    <ToString>x</ToString>\r\n    <Props>{properties}</Props>\r\n    <MS><Obj N=\"__ClassMetadata\" RefId=\"1\"><LST><Obj RefId=\"2\"><MS><S N=\"ClassName\">{class}</S></MS></Obj></LST></Obj></MS>\r\n  </Obj>\r\n</Objs>"
        )
    };
    let main = object(
        "MSFT_NetMainModeSA",
        "<S N=\"LocalEndpoint\">10.77.3.11</S><S N=\"RemoteEndpoint\">10.77.3.20</S><U64 N=\"InitiatorCookie\">9223257178571055357</U64><U64 N=\"ResponderCookie\">18446744073709551615</U64><Nil N=\"SystemName\" />",
    );
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(main.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let report = of_text("mm.xml", &wide);
    let event = &report.log_events[0];
    assert_eq!(event.initiator_cookie.as_deref(), Some("7fff978978cca0fd"));
    assert_eq!(event.responder_cookie.as_deref(), Some("ffffffffffffffff"));
    assert_eq!(codes(&report), Vec::<&str>::new());
    let quick = object(
        "MSFT_NetQuickModeSA",
        "<S N=\"LocalEndpoint\">10.77.3.11</S><S N=\"RemoteEndpoint\">10.77.3.20</S><U64 N=\"QmSaId\">7</U64><U32 N=\"SPI\">3395431761</U32><B N=\"InboundDirection\">true</B>",
    );
    let report = of_text("qm.xml", quick.as_bytes());
    assert_eq!(report.log_events[0].inbound_spi.as_deref(), Some("0xca622d51"));
}

#[test]
fn rows_of_auditpol_in_json_say_what_is_audited() {
    let row = |guid: &str, setting: &str| {
        format!(
            "{{\"Machine Name\":\"WS01\",\"Policy Target\":\"System\",\"Subcategory\":\"x\",\"Subcategory GUID\":\"{{{guid}-69AE-11D9-BED3-505054503030}}\",\"Inclusion Setting\":\"{setting}\",\"Exclusion Setting\":\"\"}}\n"
        )
    };
    let rows = row("0CCE9218", "Failure") + &row("0CCE9219", "Success and Failure");
    let report = of_text("Windows.System.AuditPolicy.json", rows.as_bytes());
    assert_eq!((report.evidence[0].format.as_str(), codes(&report)), ("audit_policy", vec![]));
    let changes: Vec<_> = report
        .log_events
        .iter()
        .map(|event| field(event, "AuditPolicyChanges").unwrap().to_lowercase())
        .collect();
    assert_eq!(changes, ["success removed, failure added", "success added, failure added"]);
}

#[test]
fn what_is_known_and_not_read_is_named_with_what_to_do() {
    for (name, bytes, format) in [
        (
            "x.reg",
            &b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE]\r\n"[..],
            "registry_export",
        ),
        ("SYSTEM", b"regf\0\0\0\0\0\0", "registry_hive"),
        ("Oakley.log", b"11-23: 09:04:24:294:2b4 Initialization OK\r\n", "oakley_log"),
        ("corp.ipsec", b"\x01\x02\x03\x04", "unknown"),
    ] {
        let report = of_text(name, bytes);
        assert_eq!(
            (report.evidence[0].format.as_str(), codes(&report)),
            (format, vec!["unsupported_format"]),
            "{name}"
        );
        assert!(
            report.evidence[0].problems[0].text.contains("netsh ipsec") || name == "Oakley.log"
        );
    }
}
