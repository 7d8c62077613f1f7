//! The events that lines of both daemons give, in each form of log.

use super::read;
use crate::catalogue::{GatewayEvent as Of, Reason};
use crate::eventlog::{LogEvent, LogSummary, Mode, Role, undated};
use crate::evidence::{EvidenceId, ProblemCode};
use crate::time::{Resolution, Zone};

fn read_text(text: &str, zone: Option<&str>) -> (LogSummary, Vec<LogEvent>) {
    let zone = zone.and_then(Zone::parse);
    let mut events = Vec::new();
    let mut sink = |event| events.push(event);
    let (summary, _) = read(&mut text.as_bytes(), EvidenceId(1), zone.as_ref(), &mut sink);
    let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, text.len() as u64);
    (summary, events)
}

fn lines_and_ids(events: &[LogEvent]) -> Vec<(u64, u16)> {
    events.iter().map(|event| (event.record.record, event.event_id)).collect()
}

const CHARON: &str = "2026-11-23 12:57:00 00[DMN] Starting IKE charon daemon
2026-11-23 12:58:01 05[IKE] initiating IKE_SA net[1] to 192.0.2.2
2026-11-23 12:58:01 05[NET] sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (464 bytes)
2026-11-23 12:58:01 07[NET] received packet: from 192.0.2.2[500] to 192.0.2.1[500] (36 bytes)
2026-11-23 12:58:01 07[ENC] parsed IKE_SA_INIT response 0 [ N(NO_PROP) ]
2026-11-23 12:58:01 07[IKE] received NO_PROPOSAL_CHOSEN notify error
2026-11-23 13:05:01 08[NET] received packet: from 192.0.2.2[4500] to 192.0.2.1[4500] (80 bytes)
2026-11-23 13:05:01 08[IKE] IKE_SA net[2] established between 192.0.2.1[a]...192.0.2.2[b]
2026-11-23 13:05:01 08[IKE] CHILD_SA net{7} established with SPIs ca622d51_i aabbccdd_o and TS 10.1.0.0/24 === 10.2.0.0/24
2026-11-23 13:05:02 09[NET] received packet: from 192.0.2.9[500] to 192.0.2.1[500] (80 bytes)
2026-11-23 13:05:02 09[IKE] tried 2 shared keys for 'a' - 'c', but MAC mismatched
2026-11-23 13:05:02 09[CFG] no alternative config found
2026-11-23 13:20:00 09[IKE] closing CHILD_SA net{7} with SPIs ca622d51_i (12 bytes) aabbccdd_o (34 bytes) and TS 10.1.0.0/24 === 10.2.0.0/24
2026-11-23 13:20:01 09[IKE] deleting IKE_SA net[2] between 192.0.2.1[a]...192.0.2.2[b]
";

#[test]
fn messages_without_the_name_of_their_sa_go_by_the_packet_of_their_thread() {
    let (summary, events) = read_text(CHARON, Some("+01:00"));
    let expected = [
        (6, Of::NoProposal),
        (8, Of::IkeUp),
        (9, Of::ChildUp),
        (11, Of::SharedKey),
        (13, Of::ChildDown),
        (14, Of::IkeDown),
    ];
    assert_eq!(lines_and_ids(&events), expected.map(|(line, event)| (line, event.number())));
    assert_eq!((summary.records, summary.problems), (14, vec![]));
    let peers: Vec<String> =
        events.iter().map(|e| e.esp_endpoints().unwrap().1.to_string()).collect();
    assert_eq!(
        peers,
        ["192.0.2.2", "192.0.2.2", "192.0.2.2", "192.0.2.9", "192.0.2.2", "192.0.2.2"]
    );
    let child = &events[2];
    assert_eq!((child.inbound_spi(), child.outbound_spi()), (Some(0xca62_2d51), Some(0xaabb_ccdd)));
    assert_eq!(child.local(), Some("10.1.0.0".parse().unwrap()));
    let selector = child.selector().unwrap();
    assert_eq!(selector.local_mask, Some("255.255.255.0".parse().unwrap()));
    assert_eq!(selector.peer_tunnel, Some("192.0.2.2".parse().unwrap()));
    assert_eq!(child.negotiation().and_then(|n| n.mode), Some(Mode::Quick));
    assert_eq!(events[3].reason, Some(Reason::PskMismatchSuspected));
    let time = events[0].time.map(|time| time.rfc3339(Resolution::SECONDS));
    assert_eq!(time.as_deref(), Some("2026-11-23T11:58:01Z"));
}

#[test]
fn the_peer_that_deleted_is_named_once() {
    let text = "2026-11-23T13:05:01+01:00 gw charon: 01[IKE] <t|3> CHILD_SA t{2} established with SPIs 0000aaaa_i 0000bbbb_o and TS 10.0.0.1/32 === 10.0.0.2/32
2026-11-23T13:20:00+01:00 gw charon: 15[IKE] <t|3> received DELETE for ESP CHILD_SA with SPI 0000bbbb
2026-11-23T13:20:00+01:00 gw charon: 15[IKE] <t|3> closing CHILD_SA t{2} with SPIs 0000aaaa_i (0 bytes) 0000bbbb_o (0 bytes) and TS 10.0.0.1/32 === 10.0.0.2/32
2026-11-23T13:20:00+01:00 gw charon: 15[IKE] <t|3> received DELETE for IKE_SA t[3]
2026-11-23T13:20:00+01:00 gw charon: 15[IKE] <t|3> deleting IKE_SA t[3] between 10.0.0.1[a]...10.0.0.2[b]
2026-11-23T13:20:00+01:00 gw sshd[1]: something else
";
    let (summary, events) = read_text(text, None);
    let expected = [(1, Of::ChildUp), (2, Of::ChildDeletedByPeer), (4, Of::IkeDeletedByPeer)];
    assert_eq!(lines_and_ids(&events), expected.map(|(line, event)| (line, event.number())));
    assert_eq!(events[1].inbound_spi(), Some(0xaaaa));
    assert_eq!(events[1].reason, Some(Reason::PeerDeleted));
    assert_eq!(summary.coverage["lines_other"].records, 1);
    assert_eq!(summary.sources[0].host, "gw");
}

const PLUTO: &str = "Dec 31 23:59:58.100000: \"net\"[2] 192.0.2.2 #9: initiating IKEv2 connection to 192.0.2.2 using UDP
Dec 31 23:59:59.000000: \"net\"[2] 192.0.2.2 #9: IKE_SA_INIT_I: 60 second timeout exceeded after 7 retransmits.  No response (or no acceptable response) to our first IKEv2 message
Jan  1 00:00:01.000000: \"net\" #10: processed IKE_SA_INIT request from 192.0.2.2:UDP/500 {cipher=AES}
Jan  1 00:00:01.100000: \"net\" #10: responder established IKE SA; authenticated peer using authby=secret
Jan  1 00:00:01.200000: \"net\" #11: responder established Child SA using #10; IPsec tunnel [10.1.0.0/24===10.2.0.0/24] {ESPinUDP/ESN=>0x2f836478 <0xdf91b36d xfrm=AES_GCM_16_256 NATD=192.0.2.2:4500}
Jan  1 00:00:02.000000: \"net\" #11: responding to CREATE_CHILD_SA message (ID 7) from 192.0.2.2:500 with encrypted notification TS_UNACCEPTABLE
Jan  1 01:00:00.000000: \"net\" #11: ESP traffic information: in=84B out=84B
Jan  1 01:00:00.000000: \"net\" #10: deleting IKE SA (ESTABLISHED_IKE_SA) aged 1.396414s and sending notification
";

#[test]
fn plutos_messages_are_joined_by_serial_numbers_and_have_no_year() {
    let (summary, events) = read_text(PLUTO, None);
    let expected = [
        (2, Of::NoResponse),
        (4, Of::IkeUp),
        (5, Of::ChildUp),
        (6, Of::Selectors),
        (7, Of::ChildDown),
        (8, Of::IkeDown),
    ];
    assert_eq!(lines_and_ids(&events), expected.map(|(line, event)| (line, event.number())));
    assert!(summary.is_undated);
    assert_eq!(
        summary.problems.iter().map(|p| p.code()).collect::<Vec<_>>(),
        [ProblemCode::LocalTime]
    );
    let child = &events[2];
    assert_eq!((child.inbound_spi(), child.outbound_spi()), (Some(0xdf91_b36d), Some(0x2f83_6478)));
    assert_eq!(child.negotiation().and_then(|n| n.role), Some(Role::Responder));
    let dating = undated::Dating { year: 2016, zone: None };
    let dated = |event: &LogEvent| dating.instant(event.time.unwrap()).unwrap().0;
    assert_eq!(dated(&events[0]).rfc3339(Resolution::SECONDS), "2025-12-31T23:59:59Z");
    assert_eq!(dated(&events[1]).rfc3339(Resolution::SECONDS), "2026-01-01T00:00:01Z");
}

#[test]
fn the_journal_and_charons_json_say_the_same() {
    let journal = r#"{"__REALTIME_TIMESTAMP":"1795435381000000","_HOSTNAME":"gw1","SYSLOG_IDENTIFIER":"charon","MESSAGE":"14[IKE] <tun|3> CHILD_SA tun{2} established with SPIs ca622d51_i aabbccdd_o and TS 10.77.3.11/32 === 10.77.3.20/32"}
{"__REALTIME_TIMESTAMP":"1795435381000000","_HOSTNAME":"gw1","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"x"}
"#;
    let (summary, events) = read_text(journal, None);
    assert_eq!((events[0].event_id, events[0].host.as_str()), (Of::ChildUp.number(), "gw1"));
    assert_eq!(summary.problems, []);
    let own = r#"{"time":"2026-11-23T13:05:01+01:00","thread":14,"group":"IKE","level":1,"ikesa-uniqueid":"3","ikesa-name":"tun","msg":"CHILD_SA tun{2} established with SPIs ca622d51_i aabbccdd_o and TS 10.77.3.11/32 === 10.77.3.20/32"}
"#;
    let (_, other) = read_text(own, None);
    assert_eq!(other[0].inbound_spi(), events[0].inbound_spi());
    assert!(other[0].time.is_some());
}

#[test]
fn a_line_without_end_costs_no_other_and_a_log_without_times_says_so() {
    let long = format!("{}\n05[IKE] <1> giving up after 5 retransmits\n", "x".repeat(200_000));
    let (summary, events) = read_text(&long, None);
    assert_eq!(lines_and_ids(&events), [(2, Of::NoResponse.number())]);
    let codes: Vec<_> = summary.problems.iter().map(|problem| problem.code()).collect();
    assert!(codes.contains(&ProblemCode::Skipped) && codes.contains(&ProblemCode::FieldsMissing));
}

proptest::proptest! {
    #[test]
    fn cut_anywhere_it_is_read_to_there(at in 0..CHARON.len(), byte: u8) {
        let mut bytes = CHARON.as_bytes().to_vec();
        bytes[at] = byte;
        bytes.truncate(CHARON.len() - at / 2);
        let mut events = 0;
        let summary = read(&mut bytes.as_slice(), EvidenceId(1), None, &mut |_| events += 1).0;
        let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
        proptest::prop_assert_eq!(covered, bytes.len() as u64);
    }
}

#[test]
fn journal_in_every_form_gives_the_same_events() {
    let rows: Vec<String> = CHARON
        .lines()
        .enumerate()
        .map(|(number, line)| {
            let message = line.splitn(3, ' ').nth(2).unwrap();
            let time = 1_795_435_081_000_000u64 + number as u64;
            (message.to_owned(), time)
        })
        .map(|(message, time)| {
            let message = serde_json::to_string(&message).unwrap();
            format!("\"__REALTIME_TIMESTAMP\" : \"{time}\",\n\"_HOSTNAME\" : \"gw1\",\n\"SYSLOG_IDENTIFIER\" : \"charon\",\n\"MESSAGE\" : {message}")
        })
        .collect();
    let line = |row: &String| format!("{{{}}}", row.replace(",\n", ","));
    let lines: Vec<String> = rows.iter().map(line).collect();
    let pretty: Vec<String> = rows.iter().map(|row| format!("{{\n{row}\n}}")).collect();
    let bytes: Vec<String> = lines
        .iter()
        .map(|line| {
            let (head, message) = line.split_once("\"MESSAGE\" : ").unwrap();
            let message: String = serde_json::from_str(message.strip_suffix('}').unwrap()).unwrap();
            let numbers: Vec<String> = message.bytes().map(|byte| byte.to_string()).collect();
            format!("{head}\"MESSAGE\" : [{}]}}", numbers.join(","))
        })
        .collect();
    let marked =
        |mark: &str| -> String { lines.iter().map(|line| format!("{mark}{line}\n")).collect() };
    let expected = read_text(&lines.join("\n"), None);
    assert_eq!(expected.1.len(), 6);
    let forms = [
        pretty.join("\n"),
        format!("[\n{}\n]\n", pretty.join(",\n")),
        format!("[{}]", lines.join(",")),
        bytes.join("\n"),
        marked("\u{1e}"),
        marked("data: "),
    ];
    for text in forms {
        let (summary, events) = read_text(&text, None);
        assert_eq!(summary.problems, [], "{text}");
        assert_eq!((summary.records, &events), (expected.0.records, &expected.1), "{text}");
    }
}

#[test]
fn a_daemon_that_starts_again_counts_its_sas_anew() {
    let text =
        "2026-11-23T12:58:01Z gw charon: 05[IKE] <tun|1> initiating IKE_SA tun[1] to 192.0.2.2
2026-11-23T12:58:01Z gx charon: 05[IKE] <tun|1> initiating IKE_SA tun[1] to 192.0.2.3
2026-11-23T14:00:00Z gw charon: 00[DMN] Starting IKE charon daemon (strongSwan 5.9.8)
2026-11-23T14:00:01Z gw charon: 06[IKE] <tun|1> received AUTHENTICATION_FAILED notify error
2026-11-23T14:00:01Z gx charon: 06[IKE] <tun|1> received AUTHENTICATION_FAILED notify error
";
    let (_, events) = read_text(text, None);
    let peers: Vec<Option<String>> = events
        .iter()
        .map(|event| {
            event
                .esp_endpoints()
                .map(|(_, peer)| peer.to_string())
                .or_else(|| event.peer().map(|peer| peer.to_string()))
        })
        .collect();
    assert_eq!(peers, [None, Some("192.0.2.3".to_owned())]);
}
