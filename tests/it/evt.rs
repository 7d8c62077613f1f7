//! Legacy .evt logs: every live record once, whatever state the file is in, and the nested texts of
//! IPsec's events understood in any language.

use crate::support::evt_builder::{Header, Record, evt, wrapped};
use crate::support::{shared, tool_is_there};
use plainsight::catalogue::{Category, Reason};
use plainsight::eventlog::{FailurePoint, LogEvent, LogSummary, evt as reader};
use plainsight::evidence::{EvidenceId, ProblemCode};
use plainsight::time::{Resolution, Timestamp};
use proptest::prelude::*;
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

fn read(file: &[u8]) -> (LogSummary, Vec<LogEvent>) {
    let mut events = Vec::new();
    let summary = reader::read(&mut &*file, EvidenceId(1), &mut |event| events.push(event));
    let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, file.len() as u64, "{:?}", summary.coverage);
    (summary, events)
}

fn record(number: u32, event_id: u32, strings: &[&str]) -> Record {
    Record {
        number,
        time: 1_763_000_000 + number,
        event_id,
        kind: if event_id == 547 { 16 } else { 8 },
        source: "Security",
        computer: "SRV2003",
        strings: strings.iter().map(|text| (*text).to_owned()).collect(),
    }
}

/// Logons of different lengths, so that a ring splits records at many places.
fn logons(numbers: std::ops::RangeInclusive<u32>) -> Vec<Record> {
    let name = |n: u32| "x".repeat((n % 7) as usize);
    numbers.map(|n| record(n, 540, &[&name(n), "CORP"])).collect()
}

const FILTER: &str = "Source IP Address 10.0.0.5\r\nSource IP Address Mask 255.255.255.255\r\nDestination IP Address 10.0.0.9\r\nDestination IP Address Mask 255.255.255.255\r\nProtocol 0\r\nSource Port 0\r\nDestination Port 0\r\nIKE Local Addr 10.0.0.5\r\nIKE Peer Addr 10.0.0.9\r\nIKE Source Port 500\r\nIKE Destination Port 500\r\nPeer Private Addr \r\n";

#[test]
fn clean_and_dirty_logs_give_the_same_records() {
    for header in [Header::Clean, Header::Dirty] {
        let (summary, _) = read(&evt(&logons(11..=40), header, &[]));
        assert_eq!(summary.problems, []);
        assert_eq!((summary.records, summary.record_numbers), (30, Some((11, 40))));
        assert_eq!(summary.dirty, header == Header::Dirty);
    }
}

#[test]
fn a_wrapped_log_gives_every_live_record_once_wherever_it_turns() {
    let records = logons(1..=30);
    let length: usize = records.iter().map(|r| r.bytes().len()).sum();
    for begin in (0..length).step_by(4) {
        for header in [Header::Clean, Header::Dirty] {
            let (summary, _) = read(&wrapped(&records, begin, header));
            assert_eq!(summary.records, 30, "{begin}");
            assert_eq!(summary.record_numbers, Some((1, 30)), "{begin}");
            assert_eq!(summary.recovered, 0, "{begin}");
            assert_eq!((&summary.gaps[..], &summary.problems[..]), (&[][..], &[][..]), "{begin}");
        }
    }
}

#[test]
fn remnants_of_an_older_turn_are_no_records() {
    let (summary, _) = read(&evt(&logons(50..=60), Header::Dirty, &logons(1..=5)));
    assert_eq!((summary.records, summary.record_numbers), (11, Some((50, 60))));
    assert!(summary.coverage["residue"].bytes > 0);
    assert_eq!(summary.recovered, 5);
}

#[test]
fn a_failed_negotiation_is_understood() {
    let strings = [
        "Key Exchange Mode (Main Mode)\r\n",
        FILTER,
        "Preshared key ID.\r\nPeer IP Address: 10.0.0.9\r\n",
        "Me\r\n",
        "IKE authentication credentials are unacceptable\r\n",
        "Sent first (SA) payload\r\nInitiator.  Delta Time 63\r\n 0x0 0x0 \r\n",
    ];
    let (_, events) = read(&evt(&[record(1, 547, &strings)], Header::Clean, &[]));
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.entry.category, Category::IkeFailure);
    assert_eq!(event.reason, Some(Reason::AuthenticationFailed));
    assert_eq!(event.negotiation().and_then(|n| n.failure_point), Some(FailurePoint::Local));
    assert_eq!(event.local(), Some("10.0.0.5".parse().unwrap()));
    assert_eq!(event.peer(), Some("10.0.0.9".parse().unwrap()));
    assert_eq!((event.host.as_str(), event.channel.as_str()), ("SRV2003", "Security"));
    assert_eq!(event.selector(), None);
    assert!(event.fields.contains(&("2".to_owned(), FILTER.trim_end().to_owned())));
}

#[test]
fn windows_2000_writes_four_strings_and_seven_lines() {
    let filter: Vec<&str> = FILTER.lines().take(7).collect();
    let filter = filter.join("\r\n");
    let reason = "No response from peer\r\n";
    let strings = ["Key Exchange Mode (Main Mode)\r\n", &filter, "Peer\r\n", reason];
    let (_, events) = read(&evt(&[record(1, 547, &strings)], Header::Clean, &[]));
    assert_eq!(events[0].reason, Some(Reason::NoResponse));
    assert_eq!(events[0].negotiation().and_then(|n| n.failure_point), Some(FailurePoint::Remote));
    assert_eq!(events[0].peer(), Some("10.0.0.9".parse().unwrap()));
}

#[test]
fn a_german_log_gives_the_same_addresses() {
    let german = FILTER
        .replace("Source IP Address Mask", "Quell-IP-Adressmaske")
        .replace("Destination IP Address Mask", "Ziel-IP-Adressmaske")
        .replace("Source IP Address", "Quell-IP-Adresse")
        .replace("Destination IP Address", "Ziel-IP-Adresse")
        .replace("IKE Local Addr", "Lokale IKE-Adresse")
        .replace("IKE Peer Addr", "IKE-Peeradresse");
    let (_, events) = read(&evt(&[record(1, 543, &[&german])], Header::Clean, &[]));
    assert_eq!(events[0].local(), Some("10.0.0.5".parse().unwrap()));
    assert_eq!(events[0].peer(), Some("10.0.0.9".parse().unwrap()));
    assert_eq!(events[0].entry.category, Category::SaEnded);
}

#[test]
fn quick_mode_gives_its_spis_and_its_selector() {
    let parameters = "ESP Algorithm Triple DES CBC\r\nHMAC Algorithm SHA\r\nAH Algorithm None\r\nEncapsulation Transport Mode\r\nInboundSpi 3471564922 (0xceebe07a)\r\nOutBoundSpi 3343267004 (0xc74634bc)\r\nLifetime (sec) 3600\r\n";
    let strings =
        ["Data Protection Mode (Quick Mode)\r\n", "Preshared key ID.\r\n", FILTER, parameters];
    let ended = record(2, 542, &[FILTER, "3021897219 (0xb41e7e03)", "1428571823 (0x552646af)"]);
    let (_, events) = read(&evt(&[record(1, 541, &strings), ended], Header::Clean, &[]));
    let spis: Vec<_> = events.iter().map(|e| (e.inbound_spi(), e.outbound_spi())).collect();
    assert_eq!(spis[0], (Some(0xceeb_e07a), Some(0xc746_34bc)));
    assert_eq!(spis[1], (Some(0xb41e_7e03), Some(0x5526_46af)));
    let selector = events[0].selector().unwrap();
    assert_eq!(selector.local_mask, Some("255.255.255.255".parse().unwrap()));
    assert_eq!(selector.local_tunnel, None);
}

#[test]
fn an_association_without_algorithms_is_clear_text_by_agreement() {
    let parameters = "ESP Algorithm None\r\nHMAC Algorithm None\r\nAH Algorithm None\r\nEncapsulation Transport Mode\r\n";
    let strings = ["Data Protection Mode (Quick Mode)\r\n", "", FILTER, parameters];
    let (_, events) = read(&evt(&[record(1, 541, &strings)], Header::Clean, &[]));
    assert_eq!(events[0].reason, Some(Reason::FallbackToClear));
}

#[test]
fn an_association_without_a_cipher_is_distinguished_from_one_with() {
    let check = |esp: &str, digest: &str, ah: &str, is_integrity_only: bool| {
        let parameters = format!(
            "ESP Algorithm {esp}\r\nHMAC Algorithm {digest}\r\nAH Algorithm {ah}\r\nEncapsulation Transport Mode\r\nInboundSpi 3471564922 (0xceebe07a)\r\n"
        );
        let strings = ["Data Protection Mode (Quick Mode)\r\n", "", FILTER, &parameters];
        let (_, events) = read(&evt(&[record(1, 541, &strings)], Header::Clean, &[]));
        assert_eq!(events[0].is_integrity_only(), is_integrity_only, "{esp} {digest} {ah}");
    };
    check("None", "SHA", "None", true);
    check("NULL", "MD5", "None", true);
    check("None", "None", "SHA", true);
    check("Triple DES CBC", "SHA", "None", false);
    check("NULL DES", "SHA", "None", true);
    check("None", "None", "None", false);
}

#[test]
fn the_audit_policy_of_2003_shows_whether_ike_failures_are_recorded() {
    let mut strings = vec!["-"; 21];
    strings[2] = "+";
    let (_, events) = read(&evt(&[record(1, 612, &strings)], Header::Clean, &[]));
    assert!(events[0].audit_change().unwrap().silences());
}

#[test]
fn damage_is_named_and_the_rest_is_read() {
    let records = logons(1..=20);
    let mut file = evt(&records, Header::Clean, &[]);
    let tenth = 48 + records[..9].iter().map(|r| r.bytes().len()).sum::<usize>();
    file[tenth..tenth + 8].fill(0);
    let (summary, _) = read(&file);
    assert_eq!(summary.records, 19);
    let [problem] = &summary.problems[..] else { panic!("{:?}", summary.problems) };
    assert_eq!((problem.code(), problem.offset), (ProblemCode::Skipped, Some(tenth as u64)));
    assert_eq!(summary.gaps.len(), 1);
    // Without its end record a log is read from the front, and that is said.
    let cut = evt(&records, Header::Clean, &[]);
    let (summary, _) = read(&cut[..cut.len() - 40 - 10]);
    let codes: Vec<_> = summary.problems.iter().map(|p| p.code()).collect();
    assert_eq!(codes, [ProblemCode::Corrupt, ProblemCode::Truncated]);
    assert_eq!(summary.records, 19);
}

/// Found by fuzzing: bytes of the end record were accounted for twice.
#[test]
fn regression_an_end_record_that_says_the_log_begins_inside_it() {
    let mut file = evt(&logons(1..=3), Header::Clean, &logons(4..=5));
    let end = file.windows(4).position(|word| word == [0x11; 4]).unwrap() - 4;
    for inside in (end + 4..end + 40).step_by(4) {
        file[end + 20..end + 24].copy_from_slice(&u32::try_from(inside).unwrap().to_le_bytes());
        assert_eq!(read(&file).0.records, 3);
    }
}

#[test]
fn libevt_agrees_on_every_record() {
    if !tool_is_there("evtexport", "libevt-utils") {
        return;
    }
    let logs =
        [evt(&logons(1..=25), Header::Clean, &[]), wrapped(&logons(7..=30), 400, Header::Clean)];
    for log in logs {
        let mut file = tempfile::NamedTempFile::with_suffix(".evt").unwrap();
        file.write_all(&log).unwrap();
        let (summary, _) = read(&log);
        assert_eq!(exported(file.path()), summary.records);
    }
}

/// How many records libevt exports.
fn exported(path: &Path) -> u64 {
    let output = Command::new("evtexport").arg(path).output().unwrap();
    String::from_utf8_lossy(&output.stdout).matches("Event number").count() as u64
}

#[test]
fn public_logs_have_the_records_that_libevt_counts() {
    let Some(shared) = shared("public .evt logs") else { return };
    let public = shared.join("data/public");
    for name in ["Application", "Security"] {
        let file = format!("moex01_evt-parser__test_files__{name}.evt");
        let truth = std::fs::read(public.join(format!("truth/{file}.json"))).unwrap();
        let truth: Value = serde_json::from_slice(&truth).unwrap();
        let (summary, _) = read(&std::fs::read(public.join(&file)).unwrap());
        assert_eq!(Some(summary.records), truth["exported"].as_u64());
        assert_eq!((&summary.gaps[..], &summary.problems[..]), (&[][..], &[][..]));
        assert!(summary.dirty);
        for (computer, _) in truth["computers"].as_object().unwrap() {
            assert!(summary.sources.iter().any(|log| log.host == *computer), "{computer}");
        }
    }
}

#[test]
fn the_laboratorys_2003_logs_are_read_as_they_were_written() {
    let Some(shared) = shared("the laboratory's .evt logs") else { return };
    let folder = shared.join("lab/11a_v1_aggressive");
    let truth: Value =
        serde_json::from_slice(&std::fs::read(folder.join("logs.json")).unwrap()).unwrap();
    for host in ["ws01", "fs01"] {
        let path = folder.join(format!("{}-SecEvent.evt", host.to_uppercase()));
        let (_, mut events) = read(&std::fs::read(path).unwrap());
        let written = truth["events"].as_array().unwrap();
        let written: Vec<&Value> = written.iter().filter(|e| e["host"] == host).collect();
        let written: Vec<_> = written.into_iter().filter(|e| e["id"] != 7036).collect();
        assert_eq!(events.len(), written.len());
        // Within one second the truth has another order than the log.
        events.sort_by_key(|e| (e.time, e.event_id));
        let mut written = written;
        written.sort_by_key(|e| (e["time_logged"].as_str(), e["id"].as_u64()));
        for (event, expected) in events.iter().zip(written) {
            assert_eq!(Some(u64::from(event.event_id)), expected["id"].as_u64());
            let reported = event.time.map(|t| t.rfc3339(Resolution::SECONDS));
            let time = Timestamp::from_rfc3339(expected["time_logged"].as_str().unwrap());
            assert_eq!(reported, time.map(|t| t.rfc3339(Resolution::SECONDS)));
            assert_eq!(
                event.local().map(|a| a.to_string()).as_deref(),
                expected["set"]["local"].as_str()
            );
            assert_eq!(
                event.peer().map(|a| a.to_string()).as_deref(),
                expected["set"]["remote"].as_str()
            );
            assert_eq!(event.reason.map(Reason::as_str), expected["reason"].as_str());
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_accounted_for(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        read(&bytes);
    }

    #[test]
    fn a_mutated_log_is_accounted_for(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
        begin in 0usize..300,
        cut in any::<prop::sample::Index>(),
        cut_too in any::<bool>(),
    ) {
        let mut file = wrapped(&logons(1..=20), begin * 4, Header::Clean);
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        if cut_too {
            file.truncate(cut.index(file.len()));
        }
        read(&file);
    }
}
