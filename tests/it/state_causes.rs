//! What the exported state of a host adds to the causes of windows: a state that supports one, and states of another
//! host or another time that must not.

use crate::support::ike_builder::{capture, write};
use crate::support::two_hosts::{
    Frames, Suite, esp, established, flow, only_window, reasons, refused,
};
use etherparse::PacketBuilder;
use plainsight::report::schema::{Cause, Report, Window};

/// What a state made to order lists of the host 10.0.0.1.
#[derive(Clone, Copy)]
struct State<'s> {
    /// Its moment, in milliseconds of the capture's clock.
    ms: i64,
    /// The host, and the other one.
    ends: (&'s str, &'s str),
    /// The ports of the host's connection under no SA.
    ports: (u16, u16),
    /// Conditions of its filters for IPsec: field, and value in XML.
    filters: &'s [&'s [(&'s str, &'s str)]],
    /// A flag of the policy that the filters name.
    flag: &'s str,
    /// Other text of the state.
    more: &'s str,
}

const NONE: State<'static> = State {
    ms: 2_000,
    ends: ("10.0.0.1", "10.0.0.2"),
    ports: (50_000, 445),
    filters: &[],
    flag: "",
    more: "",
};

const PEER: (&str, &str) = ("IP_REMOTE_ADDRESS", "<uint32>10.0.0.2</uint32>");
const SMB: (&str, &str) = ("IP_REMOTE_PORT", "<uint16>445</uint16>");
const WEB: (&str, &str) = ("IP_REMOTE_PORT", "<uint16>443</uint16>");

fn time_of(ms: i64) -> String {
    let time = plainsight::time::Timestamp::from_seconds(1_000, 0).unwrap();
    let time = time.shifted(plainsight::time::Span::from_millis(ms));
    time.rfc3339(plainsight::time::Resolution::MILLISECONDS)
}

impl State<'_> {
    fn inside(self) -> String {
        let filter = |at: usize, conditions: &[(&str, &str)]| {
            let conditions: String = conditions
                .iter()
                .map(|(field, value)| {
                    format!("<item><fieldKey>FWPM_CONDITION_{field}</fieldKey><matchType>FWP_MATCH_EQUAL</matchType><conditionValue><type>x</type>{value}</conditionValue></item>")
                })
                .collect();
            format!(
                "<item><filterKey>{{{at}}}</filterKey><displayData><name>rule {at}</name></displayData><layerKey>FWPM_LAYER_OUTBOUND_TRANSPORT_V4</layerKey><filterCondition>{conditions}</filterCondition><action><type>FWP_ACTION_CALLOUT_TERMINATING</type><filterType>FWPM_CALLOUT_IPSEC_OUTBOUND_TRANSPORT_V4</filterType></action><providerContextKey>{{qm}}</providerContextKey><filterId>{at}</filterId></item>"
            )
        };
        let filters: String =
            self.filters.iter().enumerate().map(|(at, all)| filter(at, all)).collect();
        let firewall = "<item><filterKey>{f}</filterKey><layerKey>FWPM_LAYER_ALE_AUTH_CONNECT_V4</layerKey><action><type>FWP_ACTION_PERMIT</type></action></item>";
        let flags = if self.flag.is_empty() {
            "<flags/>".to_owned()
        } else {
            format!("<flags><item>IPSEC_POLICY_FLAG_{}</item></flags>", self.flag)
        };
        let (local, peer) = self.ends;
        let (own, other) = self.ports;
        format!(
            "<timeStamp>{}</timeStamp><layers><item><layer/><filters>{firewall}{filters}</filters></item></layers><providerContexts><item><providerContextKey>{{qm}}</providerContextKey><displayData><name>members</name></displayData><type>FWPM_IPSEC_IKE_QM_TRANSPORT_CONTEXT</type><ikeQmTransportPolicy>{flags}<ndAllowClearTimeoutSeconds>0</ndAllowClearTimeoutSeconds></ikeQmTransportPolicy></item></providerContexts>{}<aleConnectedEndpoints><item><endpointId>1</endpointId><localV4Address>{local}</localV4Address><remoteV4Address>{peer}</remoteV4Address><ipProtocol>6</ipProtocol><localPort>{own}</localPort><remotePort>{other}</remotePort><qmSaId>0</qmSaId></item></aleConnectedEndpoints><ipsecStatistics><aggregateDropPacketStatistics><invalidClearTextInbound>0</invalidClearTextInbound></aggregateDropPacketStatistics></ipsecStatistics>",
            time_of(self.ms),
            self.more
        )
    }

    fn xml(self) -> String {
        format!("<?xml version=\"1.0\"?>\n<wfpstate>{}</wfpstate>\n", self.inside())
    }
}

/// One connection in clear: a segment with data each way every 100 ms.
fn tcp(from: u32, to: u32, hosts: (u8, u8), ports: (u16, u16)) -> Frames {
    let segment = |(from, to): (u8, u8), (source, target): (u16, u16), number: u32, ack: u32| {
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
            .tcp(source, target, number, 1000)
            .ack(ack)
            .write(&mut frame, b"0123456789")
            .unwrap();
        frame
    };
    let steps = (from..to).step_by(100).zip((1u32..).step_by(10));
    steps
        .flat_map(|(ms, at)| {
            let back = ((hosts.1, hosts.0), (ports.1, ports.0));
            [(ms, segment(hosts, ports, at, at)), (ms + 10, segment(back.0, back.1, at, at + 10))]
        })
        .collect()
}

/// The clear connection that the states list, from its first packet on.
fn smb(from: u32, to: u32) -> Frames {
    tcp(from, to, (1, 2), (50_000, 445))
}

fn report(frames: &[Frames], states: &[(&str, String)]) -> Report {
    let mut frames = frames.concat();
    frames.sort_by_key(|(ms, _)| *ms);
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![folder.path().join("made.pcap")];
    write(&files[0], &capture(&frames));
    for (name, text) in states {
        files.push(folder.path().join(name));
        write(files.last().unwrap(), text.as_bytes());
    }
    let policy =
        plainsight::policy::parse("[[protect]]\nbetween = [\"10.0.0.0/24\", \"10.0.0.0/24\"]\n");
    crate::support::truth::report(files, policy.unwrap())
}

fn with(frames: &[Frames], state: State<'_>) -> Report {
    report(frames, &[("wfpstate.xml", state.xml())])
}

fn cause<'w>(window: &'w Window, reason: &str) -> &'w Cause {
    let found = window.causes.iter().find(|cause| cause.reason == reason);
    found.unwrap_or_else(|| panic!("{:?}", reasons(&window.causes)))
}

/// Score, explanation and what weighs against it.
fn said(report: &Report, reason: &str) -> (u8, String, String) {
    let cause = cause(only_window(report), reason);
    (cause.score, cause.why.clone(), cause.against.join("; "))
}

#[test]
fn a_state_of_the_connection_without_a_filter_supports_that_nobody_negotiated() {
    let clear = [smb(0, 5_000)];
    let (score, why, against) = said(&with(&clear, NONE), "no_ike_attempted");
    assert_eq!(score, 76, "{why}");
    assert!(why.contains("the state of 10.0.0.1, exported while a connection of this window existed, lists neither a filter"), "{why}");
    assert!(!against.contains("state"), "{against}");
    // Filters for other hosts and other services ask nothing of this traffic; with every one they do.
    let other = ("IP_REMOTE_ADDRESS", "<uint32>10.0.0.9</uint32>");
    let others: &[&[(&str, &str)]] = &[&[other], &[PEER, WEB]];
    assert_eq!(said(&with(&clear, State { filters: others, ..NONE }), "no_ike_attempted").0, 76);
    let app = ("ALE_APP_ID", "<byteBlob>x</byteBlob>");
    for filters in [&[&[PEER][..]][..], &[&[]], &[&[PEER, app]], &[&[SMB]]] {
        let (score, why, against) =
            said(&with(&clear, State { filters, ..NONE }), "no_ike_attempted");
        assert_eq!(score, 60, "{why}");
        assert!(!why.contains("state"), "{why}");
        let is_certain = !filters[0].contains(&app);
        assert_eq!(
            against.contains("(rule 0) that hands this traffic to IPsec"),
            is_certain,
            "{against}"
        );
    }
    // An SA of the two contradicts it.
    let sa = "<ipsecSaContexts><item><saContextId>1</saContextId><inboundSa><traffic><localV4Address>10.0.0.1</localV4Address><remoteV4Address>10.0.0.2</remoteV4Address></traffic><saBundle><saList><item><spi>4660</spi></item></saList></saBundle></inboundSa></item></ipsecSaContexts>";
    assert_eq!(said(&with(&clear, State { more: sa, ..NONE }), "no_ike_attempted").0, 60);
}

#[test]
fn a_state_of_another_host_time_or_connection_supports_nothing() {
    let clear = [smb(0, 5_000)];
    let without = said(&report(&clear, &[]), "no_ike_attempted");
    assert_eq!(without.0, 60);
    // Of another host: nothing changes at all.
    let stranger = State { ends: ("10.0.0.7", "10.0.0.2"), ..NONE };
    assert_eq!(said(&with(&clear, stranger), "no_ike_attempted"), without);
    // Of another time, and of another connection: named with its distance.
    let hour = 3_600_000;
    let nearest = "the nearest exported state of 10.0.0.1 is from";
    for (state, named) in [
        (
            State { ms: 3 * hour, ..NONE },
            format!("{nearest} 2 h 59 min after the window, by its own clock"),
        ),
        (
            State { ms: -2 * hour, ..NONE },
            format!("{nearest} 2 h 0 min before the window, by its own clock"),
        ),
        (
            State { ports: (50_001, 445), ..NONE },
            "it lists no connection of this window".to_owned(),
        ),
    ] {
        let (score, why, against) = said(&with(&clear, state), "no_ike_attempted");
        assert_eq!((score, &why), (without.0, &without.1));
        assert!(against.contains(&named), "{against}");
    }
    // Part of it could not be read, or it lists no filter of any kind: what it lacks may have been there.
    let cut = NONE.xml().replace("<fieldKey>", "<fieldKey");
    let broken = cut.replace("<filterKey>{f}</filterKey>", "<filterKey>{f}<filterKey>");
    let bare = NONE.xml().replace("<filterKey>", "<otherKey>");
    for text in [broken, bare] {
        let found = report(&clear, &[("wfpstate.xml", text)]);
        assert_eq!(said(&found, "no_ike_attempted").0, 60);
    }
}

#[test]
fn a_given_clock_places_a_state_and_two_that_agree_hold_between_them() {
    let clear = [smb(10_000, 15_000)];
    let state = |ms: i64| State { ms, ports: (50_001, 445), ..NONE };
    let at = |states: &[State<'_>]| {
        let mut frames = clear.concat();
        frames.sort_by_key(|(ms, _)| *ms);
        let folder = tempfile::tempdir().unwrap();
        let pcap = folder.path().join("made.pcap");
        write(&pcap, &capture(&frames));
        let mut files = vec![pcap];
        let mut options = vec!["--protect".to_owned(), "10.0.0.1=10.0.0.2".to_owned()];
        for (number, state) in states.iter().enumerate() {
            let path = folder.path().join(format!("state{number}.xml"));
            write(&path, state.xml().as_bytes());
            options.push("--clock-offset".to_owned());
            options.push(format!("{}=+0s", path.display()));
            files.push(path);
        }
        let files: Vec<&std::path::Path> = files.iter().map(std::path::PathBuf::as_path).collect();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let report = crate::support::program::analyze(&files, &options);
        said(&report, "no_ike_attempted")
    };
    let (score, why, _) = at(&[state(12_000)]);
    assert_eq!(score, 76, "{why}");
    assert!(why.contains("exported 2.0 s after the window opened"), "{why}");
    // Six minutes later, and nothing from before.
    let (score, _, against) = at(&[state(375_000)]);
    assert_eq!(score, 60);
    assert!(against.contains("is from 6 min 0 s after the window:"), "{against}");
    let (score, why, _) = at(&[state(-60_000), state(375_000)]);
    assert_eq!(score, 76);
    assert!(why.contains("exported before the window and again after it"), "{why}");
    let asks = State { filters: &[&[PEER]], ..state(375_000) };
    assert_eq!(at(&[state(-60_000), asks]).0, 60);
    // More than eight hours lie between.
    assert_eq!(at(&[state(-60_000), state(9 * 3_600_000)]).0, 60);
}

#[test]
fn filters_of_a_state_that_leave_a_service_out_agree_with_esp_beside() {
    let spis = (0x1001, 0x2001);
    let beside = [established(Suite::Gcm), flow(100, 40_000, spis), smb(10_000, 35_000)];
    let without = said(&report(&beside, &[]), "filter_not_covering");
    assert_eq!(without.0, 62);
    assert!(without.2.contains("no log shows the filters"));
    let state = State { ms: 12_000, ..NONE };
    let (score, why, against) =
        said(&with(&beside, State { filters: &[&[PEER, WEB]], ..state }), "filter_not_covering");
    assert_eq!((score, against.as_str()), (84, ""), "{why}");
    assert!(
        why.contains("lists filters for these two hosts, and none of them holds this traffic"),
        "{why}"
    );
    // A filter that holds it contradicts the cause.
    let (score, _, against) =
        said(&with(&beside, State { filters: &[&[PEER, SMB]], ..state }), "filter_not_covering");
    assert_eq!(score, 49);
    assert!(against.contains("that hands this traffic to IPsec"), "{against}");
    // Of another time or another host, and of the one that answers: as without.
    for state in
        [State { ms: 3_600_000, ..state }, State { ends: ("10.0.0.7", "10.0.0.2"), ..state }]
    {
        let found = said(
            &with(&beside, State { filters: &[&[PEER, WEB]], ..state }),
            "filter_not_covering",
        );
        assert_eq!(found, without);
    }
}

#[test]
fn a_policy_that_lets_clear_text_through_needs_a_failure_on_the_wire() {
    let fallen = [refused(0, 7), smb(600, 6_000)];
    let of = |frames: &[Frames], state: State<'_>| {
        let found = with(frames, state);
        let mut all = only_window(&found).causes.iter();
        all.find(|cause| cause.reason == "fallback_to_clear")
            .map(|cause| (cause.score, cause.why.clone()))
    };
    let state = State { filters: &[&[PEER]], flag: "ND_SECURE", ..NONE };
    let (score, why) = of(&fallen, state).unwrap();
    assert_eq!(score, 79);
    assert!(why.contains("has a policy (members) for this traffic that lets connections that the host opens go on in clear text"), "{why}");
    assert!(of(&fallen, State { flag: "ND_BOUNDARY", ..state }).is_some());
    // It requires protection; its filter is of other traffic; the host did not open the connection; another host,
    // another time.
    for other in [
        State { flag: "", ..state },
        State { filters: &[&[PEER, WEB]], ..state },
        State { ends: ("10.0.0.2", "10.0.0.1"), ports: (445, 50_000), filters: &[&[]], ..state },
        State { ends: ("10.0.0.7", "10.0.0.2"), ..state },
        State { ms: 7_200_000, ..state },
    ] {
        assert_eq!(of(&fallen, other), None);
    }
    // Nothing failed.
    assert_eq!(of(&[smb(600, 6_000)], state), None);
    let made = [established(Suite::Gcm), flow(100, 5_000, (1, 2)), smb(5_400, 9_000)];
    assert_eq!(of(&made, State { ms: 6_000, ..state }), None);
}

#[test]
fn addresses_that_a_state_lists_are_one_hosts_only_where_they_are_few_and_no_pair() {
    let path = |ms: u32, number: u32| {
        vec![(ms, esp(11, 2, 0x77, number)), (ms + 5, esp(2, 11, 0x78, number))]
    };
    let other: Vec<Frames> = (0..60).map(|at| path(at * 100, at + 1)).collect();
    let frames: Vec<Frames> = other.into_iter().chain([smb(2_000, 5_000)]).collect();
    let endpoint = |local: &str, port: u16| {
        format!(
            "<aleConnectedEndpoints><item><endpointId>2</endpointId><localV4Address>{local}</localV4Address><remoteV4Address>10.0.0.2</remoteV4Address><ipProtocol>6</ipProtocol><localPort>{port}</localPort><remotePort>443</remotePort><qmSaId>7</qmSaId></item></aleConnectedEndpoints>"
        )
    };
    let of = |frames: &[Frames], more: &str, ms: i64| {
        let found = with(frames, State { ms, more, ..NONE });
        let window = found.windows.iter().find(|w| w.a == "10.0.0.1" || w.b == "10.0.0.1").unwrap();
        let mut all = window.causes.iter();
        all.find(|cause| cause.reason == "alternate_path")
            .map(|cause| (cause.score, cause.against.len()))
    };
    let two = endpoint("10.0.0.11", 50_100);
    assert_eq!(of(&frames, &two, 3_000), Some((79, 1)));
    // It lists the SA of the other path, too.
    let sa = "<ipsecSaContexts><item><saContextId>1</saContextId><inboundSa><traffic><localV4Address>10.0.0.11</localV4Address><remoteV4Address>10.0.0.2</remoteV4Address></traffic><saBundle><saList><item><spi>120</spi></item></saList></saBundle></inboundSa></item></ipsecSaContexts>";
    assert_eq!(of(&frames, sa, 3_000), Some((84, 0)));
    // Another time; five addresses; two that talk with each other.
    assert_eq!(of(&frames, &two, 7_200_000), None);
    let many: String = (11..15).map(|last| endpoint(&format!("10.0.0.{last}"), 50_100)).collect();
    assert_eq!(of(&frames, &many, 3_000), None);
    let paired: Vec<Frames> =
        frames.into_iter().chain([tcp(0, 300, (1, 11), (50_000, 80))]).collect();
    assert_eq!(of(&paired, &two, 3_000), None);
}

#[test]
fn a_counter_between_two_states_names_what_was_dropped_and_no_peer() {
    let state = |ms: i64, count: u32| {
        let inside = State { ms, ..NONE }.inside();
        inside.replace("<invalidClearTextInbound>0<", &format!("<invalidClearTextInbound>{count}<"))
    };
    let text = |first: (i64, u32), last: (i64, u32)| {
        let (first, last) = (state(first.0, first.1), state(last.0, last.1));
        format!(
            "<?xml version=\"1.0\"?>\n<wfpdiag><initialState>{first}</initialState><finalState>{last}</finalState></wfpdiag>\n"
        )
    };
    let clear = smb(10_000, 15_000);
    let of = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let (pcap, xml) = (folder.path().join("made.pcap"), folder.path().join("wfpdiag.xml"));
        write(&pcap, &capture(&clear));
        write(&xml, text.as_bytes());
        let clock = format!("{}=+0s", xml.display());
        let options = ["--protect", "10.0.0.1=10.0.0.2", "--clock-offset", &clock];
        crate::support::program::analyze(&[pcap.as_path(), xml.as_path()], &options)
    };
    let detail = |report: &Report, code: &str| {
        let found = report.findings.iter().find(|finding| finding.code == code);
        found.map(|finding| {
            (finding.severity.clone(), finding.confidence.clone(), finding.detail.clone())
        })
    };
    let found = of(&text((2_000, 3), (60_000, 20)));
    let (severity, confidence, dropped) = detail(&found, "cleartext_dropped").unwrap();
    assert_eq!((severity.as_str(), confidence.as_str()), ("medium", "medium"));
    assert!(dropped.contains("rose by 17") && dropped.contains("whose packets"), "{dropped}");
    let window = detail(&found, "cleartext_window").unwrap().2;
    assert!(
        window.contains("counted 17 inbound packets in clear that it dropped, over all peers"),
        "{window}"
    );
    // Nothing was dropped; the states end before the window; the counter began anew.
    let none = of(&text((2_000, 3), (60_000, 3)));
    assert_eq!(detail(&none, "cleartext_dropped"), None);
    assert!(
        detail(&none, "cleartext_window").unwrap().2.contains("counted no inbound packet in clear")
    );
    let early = of(&text((2_000, 3), (12_000, 20)));
    assert!(!detail(&early, "cleartext_window").unwrap().2.contains("in clear that it dropped"));
    let anew = of(&text((2_000, 30), (60_000, 20)));
    assert_eq!(detail(&anew, "cleartext_dropped"), None);
}

#[test]
fn a_state_without_a_name_has_the_clock_of_the_one_computer_that_its_addresses_name() {
    use crate::record_ties::{Record, SPIS, sa, xml};
    // 10.0.0.2 logs, by a clock that is two hours ahead; its SA ties it to the captures.
    let ahead = 2 * 3_600_000;
    let made: Record = sa(100, 60 + ahead, 5451, SPIS, 443);
    let frames = [established(Suite::Gcm), flow(100, 40_000, SPIS), smb(10_000, 35_000)];
    let state = |host: &'static str, peer: &'static str| State {
        ms: 12_000 + ahead,
        ends: (host, peer),
        ports: (445, 50_001),
        filters: &[&[]],
        ..NONE
    };
    let of = |state: State<'_>| {
        let log = xml("Security", std::slice::from_ref(&made));
        let found = report(&frames, &[("Security.xml", log), ("wfpstate.xml", state.xml())]);
        found.clock_offsets.iter().filter(|clock| clock.method == "same_host").count()
    };
    assert_eq!(of(state("10.0.0.2", "10.0.0.1")), 1);
    assert_eq!(of(state("10.0.0.7", "10.0.0.1")), 0);
}
