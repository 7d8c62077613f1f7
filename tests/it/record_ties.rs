//! What ties a log's record to a window: the same SPI, the same service, a clock of the same zone, and time.

use crate::support::ike_builder::{capture, write};
use crate::support::two_hosts::{
    Frames, Suite, esp, established, flow, kept, only_window, reasons, talk,
};
use plainsight::policy::Policy;
use plainsight::report::schema::{Report, Window};
use std::fmt::Write as _;

/// The second at which captures made to order begin.
const BEGIN: i64 = 1_000;
pub(crate) const SPIS: (u32, u32) = (0x1001, 0x2001);

/// A record: number, milliseconds of the capture's clock, event and its data.
pub(crate) type Record = (u64, i64, u16, Vec<(&'static str, String)>);

/// The service that negotiates, by its English display name.
pub(crate) const IKEEXT: &str = "IKE and AuthIP IPsec Keying Modules";

fn time(ms: i64) -> String {
    let time = plainsight::time::Timestamp::from_seconds(BEGIN, 0).unwrap();
    let time = time.shifted(plainsight::time::Span::from_millis(ms));
    time.rfc3339(plainsight::time::Resolution::NANOSECONDS)
}

pub(crate) fn xml(channel: &str, records: &[Record]) -> String {
    let provider = if channel == "System" {
        "Service Control Manager"
    } else {
        "Microsoft-Windows-Security-Auditing"
    };
    let mut all = String::from("<Events>");
    for (number, ms, id, data) in records {
        write!(
            all,
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{provider}'/><EventID>{id}</EventID><Version>0</Version><Level>0</Level><Task>12547</Task><Opcode>0</Opcode><Keywords>0x8010000000000000</Keywords><TimeCreated SystemTime='{}'/><EventRecordID>{number}</EventRecordID><Execution ProcessID='4' ThreadID='4'/><Channel>{channel}</Channel><Computer>SRV1.corp.example</Computer><Security/></System><EventData>",
            time(*ms)
        )
        .unwrap();
        for (name, value) in data {
            write!(all, "<Data Name='{name}'>{value}</Data>").unwrap();
        }
        all.push_str("</EventData></Event>\n");
    }
    all + "</Events>"
}

/// An SA of quick mode between 10.0.0.2, which logs, and 10.0.0.1.
pub(crate) fn sa(number: u64, ms: i64, id: u16, spis: (u32, u32), port: u16) -> Record {
    let text = |value: &str| value.to_owned();
    let data = vec![
        ("LocalAddress", text("10.0.0.2")),
        ("LocalAddressMask", text("255.255.255.255")),
        ("LocalPort", port.to_string()),
        ("LocalTunnelEndpoint", text("-")),
        ("RemoteAddress", text("10.0.0.1")),
        ("RemoteAddressMask", text("255.255.255.255")),
        ("RemotePort", text("0")),
        ("RemoteTunnelEndpoint", text("-")),
        ("Protocol", if port == 0 { text("0") } else { text("6") }),
        ("MainModeSaId", text("7")),
        ("QuickModeSaId", spis.0.to_string()),
        ("InboundSpi", spis.0.to_string()),
        ("OutboundSpi", spis.1.to_string()),
        ("TrafficSelectorId", text("1")),
    ];
    (number, ms, id, data)
}

pub(crate) fn service(number: u64, ms: i64, name: &str, state: &str) -> Record {
    (number, ms, 7036, vec![("param1", name.to_owned()), ("param2", state.to_owned())])
}

pub(crate) fn report(frames: &[Frames], logs: &[(&str, String)]) -> Report {
    let mut frames = frames.concat();
    frames.sort_by_key(|(ms, _)| *ms);
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![folder.path().join("made.pcap")];
    write(&files[0], &capture(&frames));
    for (name, text) in logs {
        files.push(folder.path().join(name));
        write(files.last().unwrap(), text.as_bytes());
    }
    crate::support::truth::report(files, Policy::default())
}

/// An SA that came up in the first 100 ms, its ESP until 5 s, and clear text from 5.4 s to 12 s.
pub(crate) fn silent_sa() -> Vec<Frames> {
    vec![established(Suite::Gcm), flow(100, 5_000, SPIS), talk(5_400, 12_000)]
}

fn with_services(system: &[Record]) -> Report {
    let security = xml("Security", &[sa(100, 60, 5451, SPIS, 0)]);
    // A record at the end: the log reaches beyond the window.
    let last = service(900, 13_000, "Windows Update", "running");
    let system = xml("System", &[system, &[last]].concat());
    report(&silent_sa(), &[("Security.xml", security), ("System.xml", system)])
}

pub(crate) fn opened(window: &Window) -> Vec<(&str, &str)> {
    window.opened_by.iter().map(|c| (c.reason.as_str(), c.confidence.as_str())).collect()
}

/// ESP of the two hosts, then clear text, beside one record of a tunnel between them.
fn beside_tunnel(ms: i64, spis: (u32, u32), hosts: [&str; 2], mask: &str) -> String {
    let (number, ms, id, mut data) = sa(100, ms, 5451, spis, 0);
    let given = [
        ("LocalAddress", hosts[1]),
        ("RemoteAddress", hosts[0]),
        ("LocalAddressMask", mask),
        ("RemoteAddressMask", mask),
        ("LocalTunnelEndpoint", "10.0.0.2"),
        ("RemoteTunnelEndpoint", "10.0.0.1"),
    ];
    for (name, value) in &mut data {
        if let Some((_, new)) = given.iter().find(|(given, _)| given == name) {
            *value = (*new).to_owned();
        }
    }
    let security = xml("Security", &[(number, ms, id, data)]);
    report(&silent_sa(), &[("Security.xml", security)]).verdict
}

#[test]
fn a_record_of_a_tunnel_excuses_only_the_ends_of_that_tunnel() {
    let (hosts, nets) = (["10.0.0.1", "10.0.0.2"], ["192.168.1.0", "192.168.2.0"]);
    let (host_mask, net_mask) = ("255.255.255.255", "255.255.255.0");
    assert_eq!(report(&silent_sa(), &[]).verdict, "partially_protected");
    assert_eq!(beside_tunnel(60, SPIS, nets, net_mask), "protected");
    // RFC 4301 §4.1: in tunnel mode too, selectors that are the two hosts protect what these send.
    assert_eq!(beside_tunnel(60, SPIS, hosts, host_mask), "partially_protected");
    // Twenty days earlier, under SPIs that no capture shows.
    let long_ago = -20 * 86_400_000;
    assert_eq!(beside_tunnel(long_ago, (7_001, 7_002), nets, net_mask), "partially_protected");
    // The SPIs of the captures are the same SAs, whatever the clock says.
    assert_eq!(beside_tunnel(long_ago, SPIS, nets, net_mask), "protected");
}

#[test]
fn the_start_of_another_service_is_no_restart() {
    let high = [("service_stopped", "high")];
    for (other, at) in [("Windows Defender Firewall", 4_900), ("Base Filtering Engine", 5_100)] {
        let stop = service(500, 4_500, IKEEXT, "stopped");
        let found = with_services(&[stop, service(501, at, other, "running")]);
        assert_eq!(opened(only_window(&found)), high, "{other}");
        assert_ne!(only_window(&found).closed_by[0].reason, "service_started");
    }
    // One service is down while another one was restarted.
    let restarted = with_services(&[
        service(500, 4_000, IKEEXT, "stopped"),
        service(501, 4_200, "IPsec Policy Agent", "stopped"),
        service(502, 5_000, "IPsec Policy Agent", "running"),
    ]);
    assert_eq!(opened(only_window(&restarted)), high);
    let same = with_services(&[
        service(500, 4_000, IKEEXT, "stopped"),
        service(501, 5_000, IKEEXT, "running"),
    ]);
    assert!(!reasons(&only_window(&same).opened_by).contains(&"service_stopped"));
}

#[test]
fn esp_that_goes_on_speaks_against_a_stopped_service() {
    let security = xml("Security", &[sa(100, 60, 5451, SPIS, 0)]);
    let stop = service(500, 4_500, IKEEXT, "stopped");
    let system = xml("System", &[stop, service(900, 30_000, "Windows Update", "running")]);
    let frames = [established(Suite::Gcm), flow(100, 25_000, SPIS), talk(5_400, 15_000)];
    let found = report(&frames, &[("Security.xml", security), ("System.xml", system)]);
    let window = only_window(&found);
    let stopped = window.opened_by.iter().find(|c| c.reason == "service_stopped").unwrap();
    assert_eq!(stopped.confidence, "medium");
    assert!(!stopped.against.is_empty());
    assert_eq!(kept(window)[0], "filter_not_covering");
}

#[test]
fn the_end_of_another_sa_deletes_nothing() {
    let of = |spis| {
        let records = [sa(100, 60, 5451, SPIS, 0), sa(120, 5_100, 5452, spis, 0)];
        report(&silent_sa(), &[("Security.xml", xml("Security", &records))])
    };
    assert_eq!(reasons(&only_window(&of(SPIS)).opened_by), ["sa_deleted"]);
    for other in [(0x0a0b_0c0d, 0x0e0f_0a0b), (0x1002, 0x2002)] {
        assert!(only_window(&of(other)).opened_by.is_empty());
    }
}

#[test]
fn an_end_without_spis_is_tied_by_the_number_of_its_quick_mode() {
    let ended = |spis| {
        let (number, ms, id, mut data) = sa(120, 5_100, 5452, spis, 0);
        data.retain(|(name, _)| !name.ends_with("Spi") && *name != "MainModeSaId");
        (number, ms, id, data)
    };
    let of =
        |records: &[Record]| report(&silent_sa(), &[("Security.xml", xml("Security", records))]);
    let own = of(&[sa(100, 60, 5451, SPIS, 0), ended(SPIS)]);
    assert_eq!(reasons(&only_window(&own).opened_by), ["sa_deleted"]);
    let other = (5_000, 6_000);
    let unknown = of(&[sa(100, 60, 5451, SPIS, 0), ended(other)]);
    assert!(only_window(&unknown).opened_by.is_empty());
    let named = of(&[sa(90, 30, 5451, other, 0), sa(100, 60, 5451, SPIS, 0), ended(other)]);
    assert!(only_window(&named).opened_by.is_empty());
}

#[test]
fn an_sa_that_began_before_the_capture_measures_no_clock() {
    let numbered = |first: u32| -> Frames {
        let steps = (11_000..20_000).step_by(100).zip(first..);
        let both =
            steps.flat_map(|(ms, n)| [(ms, esp(1, 2, SPIS.0, n)), (ms + 20, esp(2, 1, SPIS.1, n))]);
        both.collect()
    };
    // An hour before the first packet that was captured.
    let security = xml("Security", &[sa(100, -3_600_000, 5451, SPIS, 0)]);
    let of = |first| {
        let frames = [talk(0, 2_000), numbered(first), talk(20_100, 24_000)];
        report(&frames, &[("Security.xml", security.clone())])
    };
    let method = |found: &Report| found.clock_offsets[0].method.clone();
    assert_eq!(method(&of(50_000)), "not_estimable");
    assert_eq!(method(&of(100)), "not_estimable");
    assert_eq!(method(&of(1)), "exact_joins");
}

#[test]
fn a_filter_of_last_week_says_nothing_of_todays_sa() {
    const DAY: i64 = 24 * 3_600_000;
    let of = |records: &[Record]| {
        let frames = [established(Suite::Gcm), flow(100, 25_000, SPIS), talk(5_400, 15_000)];
        let found = report(&frames, &[("Security.xml", xml("Security", records))]);
        only_window(&found).kept_open_by[0].confidence.clone()
    };
    assert_eq!(of(&[sa(100, 60, 5451, SPIS, 443)]), "high");
    assert_eq!(
        of(&[sa(100, 60, 5451, SPIS, 0), sa(50, -7 * DAY, 5451, (5_000, 6_000), 443)]),
        "medium"
    );
    assert_eq!(of(&[sa(100, 60, 5451, (5_000, 6_000), 443)]), "medium", "of another SA of today");
}

#[test]
fn a_log_in_utc_lends_no_clock_to_an_export_in_local_time() {
    let head = "\"Message\",\"Id\",\"Version\",\"Qualifiers\",\"Level\",\"Task\",\"Opcode\",\"Keywords\",\"RecordId\",\"ProviderName\",\"ProviderId\",\"LogName\",\"ProcessId\",\"ThreadId\",\"MachineName\",\"UserId\",\"TimeCreated\"";
    let row = "\"The IPsec Policy Agent service entered the stopped state.\",\"7036\",\"0\",\"16384\",\"4\",\"0\",\"0\",\"-9187343239835811840\",\"500\",\"Service Control Manager\",\"555908d1-a6d7-4695-8e1e-26931d2012f4\",\"System\",\"4\",\"4\",\"SRV1.corp.example\",\"\"";
    let csv = format!("{head}\r\n{row},\"1/1/1970 12:16:44 AM\"\r\n");
    let security = xml("Security", &[sa(100, 60, 5451, SPIS, 0)]);
    let found = report(&silent_sa(), &[("Security.xml", security), ("System.csv", csv)]);
    let window = only_window(&found);
    assert!(!reasons(&window.causes).contains(&"service_stopped"));
    let mut methods: Vec<&str> = found.clock_offsets.iter().map(|c| c.method.as_str()).collect();
    methods.sort_unstable();
    assert_eq!(methods, ["exact_joins", "not_estimable"]);
}
