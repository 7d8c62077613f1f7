//! Every event that the catalogue knows is read from a real .evtx file, whatever log it is of, with
//! its fields by name.

use crate::evtx_builder::read;
use crate::support::evtx_builder::{Body, Event, Scalar, evtx};
use crate::support::tool_is_there;
use plainsight::catalogue::{Category, EventEntry, Reason, events_numbered};
use plainsight::eventlog::{FailurePoint, KeyingModule, LogEvent, Mode, Role};
use plainsight::time::Span;
use std::collections::BTreeSet;
use std::io::Write as _;

const WFP: (&str, &str) = ("Microsoft-Windows-WFP/Operational", "Microsoft-Windows-WFP");
const SECURITY: (&str, &str) = ("Security", "Microsoft-Windows-Security-Auditing");

fn said(text: &str) -> Scalar {
    Scalar::Text(text.to_owned())
}

fn event(
    (channel, provider): (&'static str, &'static str),
    event_id: u16,
    version: u8,
    body: Body,
) -> Event {
    Event {
        provider,
        channel,
        computer: "WS01".to_owned(),
        event_id,
        qualifiers: None,
        version,
        task: 0,
        keywords: 0x8000_0000_0000_0000,
        time: 134_000_000_000_000_000,
        record: 1,
        body,
    }
}

fn only(event: Event) -> LogEvent {
    let (summary, mut events) = read(&evtx(&[event]));
    assert_eq!((summary.records, &summary.problems[..]), (1, &[][..]));
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// SOCKADDR_IN of an address and port 500.
fn socket(last: u8) -> Scalar {
    Scalar::Binary([&[2, 0, 1, 0xf4, 10, 0, 0, last][..], &[0; 8]].concat())
}

#[test]
fn the_filtering_platform_shows_failures_by_number() {
    let fields = vec![
        ("LocalAddressLength", Scalar::U32(16)),
        ("LocalAddress", socket(5)),
        ("RemoteAddressLength", Scalar::U32(16)),
        ("RemoteAddress", socket(9)),
        ("FailureErrorCode", Scalar::U32(13_801)),
        ("FailurePoint", Scalar::U32(2)),
        ("KeyingModuleType", Scalar::U32(2)),
        ("MmState", Scalar::U32(1)),
        ("SaRole", Scalar::U32(0)),
    ];
    let failed = only(event(WFP, 1005, 1, Body::EventData(fields, None)));
    assert_eq!(failed.category, Category::IkeFailure);
    assert_eq!(failed.local(), Some("10.0.0.5".parse().unwrap()));
    assert_eq!(failed.peer(), Some("10.0.0.9".parse().unwrap()));
    assert_eq!(failed.error.map(|error| error.code), Some(13_801));
    assert_eq!(failed.reason, Some(Reason::AuthenticationFailed));
    let reported = failed.negotiation().unwrap();
    assert_eq!(reported.failure_point, Some(FailurePoint::Remote));
    assert_eq!(
        (reported.role, reported.keying),
        (Some(Role::Initiator), Some(KeyingModule::IkeV2))
    );
    assert_eq!((reported.mode, failed.version), (Some(Mode::Main), 1));
    assert_eq!(reported.state.as_deref(), Some("1"));
}

#[test]
fn a_drop_of_clear_text_is_distinguished_from_other_drops() {
    let dropped = |status| {
        let fields = vec![
            ("RemoteAddress", socket(9)),
            ("FailureStatus", Scalar::U32(status)),
            ("SPI", Scalar::U32(0)),
        ];
        only(event(WFP, 1003, 0, Body::EventData(fields, None)))
    };
    for status in [13_916, 0xC036_0007] {
        assert_eq!(dropped(status).category, Category::CleartextObserved, "{status}");
    }
    let replayed = dropped(13_913);
    assert_eq!(replayed.category, Category::DriverAnomaly);
    assert_eq!((replayed.reason, replayed.inbound_spi()), (Some(Reason::Replay), None));
}

#[test]
fn a_quick_mode_sa_of_the_filtering_platform_has_its_selector_and_spis() {
    let fields = vec![
        ("LocalAddress", socket(5)),
        ("LocalAddressMask", said("255.255.255.255")),
        ("RemoteAddress", socket(9)),
        ("RemoteAddressMask", said("255.255.255.255")),
        ("IPProtocol", Scalar::U32(6)),
        ("KeyingModuleName", Scalar::U8(0)),
        ("Role", Scalar::U8(1)),
        ("MMSaLuid", Scalar::U64(7)),
        ("QMSaLuid", Scalar::U64(8)),
        ("InboundSPI", Scalar::U32(0xdead_beef)),
        ("OutboundSPI", Scalar::U32(0x1234_5678)),
    ];
    let up = only(event(WFP, 1028, 1, Body::EventData(fields, None)));
    let reported = up.negotiation().unwrap();
    assert_eq!((up.category, reported.mode), (Category::SaEstablished, Some(Mode::Quick)));
    assert_eq!((up.inbound_spi(), up.outbound_spi()), (Some(0xdead_beef), Some(0x1234_5678)));
    assert_eq!((reported.main_mode_sa, reported.quick_mode_sa), (Some(7), Some(8)));
    assert_eq!(up.selector().and_then(|selector| selector.protocol), Some(6));
    assert_eq!(
        (reported.role, reported.keying),
        (Some(Role::Responder), Some(KeyingModule::IkeV1))
    );
    let fields = vec![
        ("MainModeLocalAddress", socket(5)),
        ("MainModePeerAddress", socket(9)),
        ("SaLuid", Scalar::U64(7)),
    ];
    let ended = only(event(WFP, 1013, 0, Body::EventData(fields, None)));
    assert_eq!((ended.category, ended.main_mode_sa()), (Category::SaEnded, Some(7)));
    assert_eq!(ended.peer(), Some("10.0.0.9".parse().unwrap()));
}

#[test]
fn a_rule_that_goes_is_a_policy_change() {
    let provider = "Microsoft-Windows-Windows Firewall With Advanced Security";
    let channel = "Microsoft-Windows-Windows Firewall With Advanced Security/ConnectionSecurity";
    let fields = vec![("RuleId", said("{1}")), ("RuleName", said("Require IPsec"))];
    let gone = only(event((channel, provider), 2014, 0, Body::EventData(fields, None)));
    assert_eq!((gone.category, gone.reason), (Category::PolicyChange, Some(Reason::PolicyChanged)));
    assert!(gone.fields.contains(&("RuleName".to_owned(), "Require IPsec".to_owned())));
    assert_eq!(gone.entry.subcategory, "");
}

#[test]
fn remote_access_is_reported_only_where_it_failed_for_ipsec() {
    let ras = ("Application", "RasClient");
    let strings = |last: &str| {
        Body::Unnamed(vec![said("{C0}"), said("CORP\\eve"), said("Office"), said(last)])
    };
    let failed = only(event(ras, 20_227, 0, strings("809")));
    assert_eq!((failed.category, failed.reason), (Category::IkeFailure, Some(Reason::NoResponse)));
    assert_eq!(failed.error.map(|error| error.code), Some(809));
    let failed = only(event(ras, 20_227, 0, strings("13801")));
    assert_eq!(failed.reason, Some(Reason::AuthenticationFailed));
    // A wrong password has nothing to do with IPsec.
    assert_eq!(read(&evtx(&[event(ras, 20_227, 0, strings("691"))])).1.len(), 0);
    assert_eq!(only(event(ras, 20_225, 0, strings("x"))).category, Category::Context);
}

#[test]
fn filters_are_reported_only_where_they_are_of_ipsec() {
    let filter = |callout: &str| {
        let fields = vec![("ChangeType", said("%%16385")), ("CalloutKey", said(callout))];
        event(SECURITY, 5447, 0, Body::EventData(fields, None))
    };
    let gone = only(filter("{5132900D-5E84-4B5F-80E4-01741E81FF10}"));
    assert_eq!(gone.category, Category::PolicyChange);
    assert!(gone.fields.contains(&("ChangeType".to_owned(), "Delete".to_owned())));
    let (summary, events) = read(&evtx(&[filter("{00000000-0000-0000-0000-000000000000}")]));
    assert_eq!((summary.records, events.len()), (1, 0));
}

#[test]
fn connections_under_ipsec_name_both_addresses() {
    let channel = "Microsoft-Windows-Base-Filtering-Engine-Connections/Operational";
    let provider = "Microsoft-Windows-Base-Filtering-Engine-Connections";
    let fields = vec![("RemoteIPAddress", said("10.0.0.9")), ("LocalIPAddress", said("10.0.0.5"))];
    let up = only(event((channel, provider), 2000, 0, Body::EventData(fields, None)));
    assert_eq!(up.local(), Some("10.0.0.5".parse().unwrap()));
    assert_eq!(
        (up.peer(), up.category),
        (Some("10.0.0.9".parse().unwrap()), Category::SaEstablished)
    );
}

#[test]
fn a_clock_that_was_set_shows_by_how_much() {
    let fields = vec![
        ("PreviousTime", Scalar::FileTime(134_000_000_000_000_000)),
        ("NewTime", Scalar::FileTime(134_000_000_900_000_000)),
    ];
    let set = only(event(SECURITY, 4616, 1, Body::EventData(fields, None)));
    assert_eq!(set.clock_step(), Some(Span::from_seconds(90)));
}

/// Every row of the catalogue.
fn rows() -> impl Iterator<Item = &'static EventEntry> {
    (0..=u16::MAX).flat_map(events_numbered)
}

#[test]
fn every_event_of_the_catalogue_is_found_in_a_file_and_libevtx_counts_as_many() {
    let fields = |entry: &EventEntry| match (entry.provider, entry.id) {
        ("Service Control Manager", _) => Body::Unnamed(vec![said("BFE"), said("stopped")]),
        ("RasClient", _) => Body::Unnamed(vec![said(""), said(""), said(""), said("809")]),
        (_, 5446 | 5447) => {
            let key = said("5132900d-5e84-4b5f-80e4-01741e81ff10");
            Body::EventData(vec![("CalloutKey", key)], None)
        }
        (_, 5448) => {
            let key = said("10ad9216-ccde-456c-8b16-e9f04e60a90b");
            Body::EventData(vec![("ProviderKey", key)], None)
        }
        (_, 5450) => {
            let key = said("83f299ed-9ff4-4967-aff4-c309f4dab827");
            Body::EventData(vec![("SubLayerKey", key)], None)
        }
        _ => Body::EventData(vec![("RemoteAddress", said("10.0.0.9"))], None),
    };
    let events: Vec<Event> = rows()
        .zip(1..)
        .map(|(entry, record)| Event {
            record,
            ..event((entry.channel, entry.provider), entry.id, 0, fields(entry))
        })
        .collect();
    let file = evtx(&events);
    let (summary, found) = read(&file);
    let reported: Vec<_> = found.iter().map(|e| (e.event_id, e.channel.as_str())).collect();
    let expected: Vec<_> = rows().map(|entry| (entry.id, entry.channel)).collect();
    assert_eq!(reported, expected);
    assert_eq!((summary.records, summary.problems), (events.len() as u64, vec![]));
    if tool_is_there("evtxexport", "libevtx-utils") {
        let mut stored = tempfile::NamedTempFile::with_suffix(".evtx").unwrap();
        stored.write_all(&file).unwrap();
        let output = std::process::Command::new("evtxexport").arg(stored.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text.matches("Event number").count() as u64, summary.records);
    }
}

/// The ranked lists of the event catalogue, without 5152 and 5157: which of those are at a layer of
/// IPsec is not documented.
#[test]
fn every_ranked_event_is_in_the_catalogue() {
    let ranked: BTreeSet<u16> = [
        &[4652, 4653, 4654, 5453, 547, 545, 544, 546, 4983, 4984, 1005, 1007, 1009, 1003][..],
        &[20227, 20192, 20285, 20286, 20287, 4976, 4977, 4978, 4289, 4286, 4287, 4288, 4285, 4283],
        &[4960, 4961, 4962, 4965, 864, 865, 866, 7023, 7024, 7034, 7031],
        &[5451, 541, 4650, 4651, 4979, 4980, 4981, 4982, 1028, 1014, 1015, 1016, 1017, 1018, 1019],
        &[1043, 2000, 20225, 5452, 542, 4655, 543, 5049, 1027, 1013, 2001, 20226],
        &[4293, 4295, 4292, 4294, 4296, 4297, 7036, 7035, 7040, 5479, 5478, 5484, 5483, 5485, 5480],
        &[613, 614, 615, 616, 4709, 4710, 4711, 4712, 5456, 5457, 5458, 5459, 5460, 5461, 5462],
        &[5463, 5464, 5465, 5466, 5467, 5468, 5471, 5472, 5473, 5474, 5477, 2012, 2013, 2014],
        &[2016, 2017, 2018, 2034, 2035, 2036, 2037, 2032, 2033, 2010, 5040, 5041, 5042, 5043, 5044],
        &[5045, 5046, 5047, 5048, 5446, 5447, 5448, 5449, 5450, 848, 853, 858, 861],
        &[4963, 867, 4284, 1102, 517, 104, 4719, 612, 4912, 807, 1100, 1101, 1104, 1108, 516],
        &[4616, 520, 50, 52, 6008],
    ]
    .concat()
    .into_iter()
    .collect();
    let known: BTreeSet<u16> = rows().map(|entry| entry.id).collect();
    assert_eq!(ranked.difference(&known).collect::<Vec<_>>(), Vec::<&u16>::new());
}
