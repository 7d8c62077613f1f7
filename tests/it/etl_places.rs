//! Event traces: what was seen inside tunnels, above IPsec, at switches and at unknown places opens no window; what they show
//! beside packets is the host's log.

use crate::support::etl_builder::{
    PKTMON, WHOLE, above_ipsec, at, captured, clear, component, event, main_mode_failure,
    remote_access, seen, switched, text, trace,
};
use crate::support::ike_builder::write;
use crate::support::program::analyze;
use plainsight::report::schema::Report;
use std::path::Path;

const PROTECT: [&str; 2] = ["--protect", "10.1.0.1=10.1.0.2"];

fn report(file: &[u8]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.etl");
    write(&path, file);
    analyze(&[path.as_path()], &PROTECT)
}

/// Windows, clear frames of all, those set aside under a name, the verdict.
fn counts(report: &Report, name: &str) -> (usize, u64, u64, String) {
    let aside = report.totals.artefacts.get(name).map_or(0, |count| count.frames);
    let clear = report.totals.by_class.clear.frames;
    (report.windows.len(), clear, aside, report.verdict.clone())
}

/// An ESP packet between the hosts of [`clear`].
fn esp(number: u8) -> Vec<u8> {
    let mut packet = Vec::new();
    let payload = [&[0x11, 0x22, 0x33, 0x44, 0, 0, 0, number][..], &[number ^ 0xa5; 40]].concat();
    etherparse::PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 1, 0, 1], [10, 1, 0, 2], 64)
        .write(&mut packet, 50.into(), &payload)
        .unwrap();
    packet
}

#[test]
fn what_is_above_ipsec_or_inside_remote_access_opens_no_window() {
    for is_in_order in [true, false] {
        let packets: Vec<_> =
            (0..4).map(|n| above_ipsec(n.into(), &clear(n), is_in_order)).collect();
        let report = report(&trace(&packets));
        let expected = (0, 4, 4, "not_determined".to_owned());
        assert_eq!(counts(&report, "above_ipsec"), expected, "{is_in_order}");
        assert!(report.findings.iter().any(|finding| finding.code == "off_wire"));
    }
    let packets: Vec<_> = (0..4).map(|n| remote_access(n.into(), &clear(n))).collect();
    let report = report(&trace(&packets));
    assert_eq!(counts(&report, "inside_tunnel"), (0, 4, 4, "not_determined".to_owned()));
}

#[test]
fn addresses_in_an_order_that_nothing_proves_are_not_named() {
    let mut packet = clear(1);
    packet[50] ^= 1;
    let report = report(&trace(&[above_ipsec(1, &packet, true)]));
    assert_eq!((report.totals.frames, report.pairs.len()), (0, 0));
    let notes = &report.evidence[0].notes;
    assert!(notes.iter().any(|note| note.text.starts_with("1 packets above IPsec")));
}

#[test]
fn a_virtual_switch_opens_no_window_and_proves_no_protection() {
    let packets: Vec<_> = (0..6)
        .map(|n| switched(3, n.into(), &if n % 2 == 0 { clear(n) } else { esp(n) }))
        .collect();
    let report = report(&trace(&packets));
    assert_eq!(counts(&report, "at_switch"), (0, 3, 3, "not_determined".to_owned()));
    assert_eq!(report.totals.by_class.esp.frames, 3);
}

#[test]
fn at_a_component_that_is_not_described_only_what_shows_ipsec_is_on_the_wire() {
    let packets: Vec<_> = (0..4).map(|n| seen((n.into(), 1), 1, 2, 9, 0, &clear(n))).collect();
    let alone = report(&trace(&packets));
    assert_eq!(counts(&alone, "place_unknown"), (0, 4, 4, "not_determined".to_owned()));
    let with_esp = [packets, vec![seen((9, 1), 1, 1, 9, 0, &esp(1))]].concat();
    let report = report(&trace(&with_esp));
    assert_eq!(counts(&report, "place_unknown").2, 0);
    assert_eq!(report.windows.len(), 1);
}

#[test]
fn an_adapter_with_an_address_of_tap_is_a_tunnels() {
    let mut packet = clear(1);
    packet[6..8].copy_from_slice(&[0x00, 0xff]);
    let report = report(&trace(&[captured(5, WHOLE | 0x1_0000_0000, 1, &packet)]));
    assert_eq!(counts(&report, "inside_tunnel"), (0, 1, 1, "not_determined".to_owned()));
}

#[test]
fn what_ipsec_dropped_is_in_the_log_and_no_traffic() {
    let file = trace(&[
        component(2, 2, "e1i65x64.sys", "Intel Ethernet"),
        component(4, 11, "tcpip.sys", "TCP/IPv4 - L3/L4"),
        seen((1, 1), 1, 1, 2, 0, &esp(1)),
        seen((2, 1), 0, 1, 4, 1407, &clear(1)[14..]),
        seen((3, 1), 0, 1, 4, 902, &clear(2)[14..]),
    ]);
    // Raw IP, as tcpip.sys shows it: the kind of the packet lies at byte 14 of the event's data.
    let mut file = file;
    let at = file.windows(4).position(|word| word == 1407u32.to_le_bytes()).unwrap() - 22;
    file[at + 14..at + 16].copy_from_slice(&3u16.to_le_bytes());
    let report = report(&file);
    assert_eq!((report.totals.frames, report.log_events.len()), (1, 1));
    let event = &report.log_events[0];
    assert_eq!((event.event_id, event.category.as_str()), (170, "cleartext_observed"));
    assert_eq!(event.local.as_deref(), Some("10.1.0.2"));
    assert_eq!(event.peer.as_deref(), Some("10.1.0.1"));
    let packet = event.fields["Packet"].as_str().unwrap();
    assert!(packet.starts_with("4500") && event.fields["Component"] == "TCP/IPv4 - L3/L4");
    assert!(event.time.is_some());
}

#[test]
fn failures_of_ike_have_the_packets_clock() {
    let packets = (0u8..4).map(|n| captured(1, WHOLE, i64::from(n) + 10, &clear(n)));
    let packets = packets.chain([main_mode_failure(9, [10, 1, 0, 1], [10, 1, 0, 2], 13801)]);
    let report = report(&trace(&packets.collect::<Vec<_>>()));
    let event = &report.log_events[0];
    assert_eq!((event.event_id, event.category.as_str()), (1005, "ike_failure"));
    assert_eq!(event.time_corrected, event.time);
    assert_eq!(report.clock_offsets[0].method, "same_file");
    assert_eq!(report.windows.len(), 1);
    let causes = &report.windows[0].causes;
    assert_eq!(causes[0].reason, "authentication_failed", "{causes:?}");
}

#[test]
fn filters_and_losses_are_named() {
    let filter = [
        &1u16.to_le_bytes()[..],
        &text("web"),
        &[0; 12],
        &0x0800u16.to_le_bytes(),
        &[0; 2],
        &[10, 1, 0, 2],
        &[0; 4],
        &[6],
        &443u16.to_le_bytes(),
        &[0; 3],
    ]
    .concat();
    let packets = [event(PKTMON, 100, 0, at(1), &filter), captured(1, WHOLE, 1, &clear(1))];
    let mut file = trace(&packets);
    // Two events were lost; one more buffer, and two before it that are not there.
    file[72 + 32 + 48] = 2;
    let mut buffer = file[..72].to_vec();
    let parts = captured(1, WHOLE, 2, &clear(2));
    let length = u32::try_from(72 + parts.len()).unwrap().to_le_bytes();
    buffer[..4].copy_from_slice(&length);
    buffer[48..52].copy_from_slice(&length);
    buffer[54] = 0;
    for number in [1u8, 4] {
        buffer[24] = number;
        file.extend([&buffer[..], &parts].concat());
    }
    let report = report(&file);
    let evidence = &report.evidence[0];
    assert_eq!(evidence.dropped_by_capturer, Some(2));
    let notes: Vec<&str> = evidence.notes.iter().map(|note| note.text.as_str()).collect();
    let shown = "filter \"web\": EtherType 0x0800 10.1.0.2 protocol 6 port 443";
    assert!(notes.contains(&shown), "{notes:?}");
    assert!(evidence.problems[0].text.starts_with("2 buffers are missing"));
}

#[test]
fn packets_of_a_trace_are_carved_into_pcapng() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.etl");
    let packets: Vec<_> = (0..4).map(|n| captured(1, WHOLE, n.into(), &clear(n))).collect();
    write(&path, &trace(&packets));
    let out = folder.path().join("report");
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args([Path::new("analyze"), &path, Path::new("--carve"), Path::new("--out"), &out])
        .args(PROTECT)
        .output()
        .unwrap();
    assert!(out.is_dir(), "{}", String::from_utf8_lossy(&status.stderr));
    let carved =
        walk(&out).into_iter().find(|path| path.extension().is_some_and(|e| e == "pcapng"));
    let bytes = std::fs::read(carved.unwrap()).unwrap();
    assert!(bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]));
    assert!(bytes.windows(54).any(|part| part == &clear(1)[..54]));
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
