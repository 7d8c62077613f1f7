//! Event traces of Windows: their packets, each once, and none of a tunnel's inside taken for clear text.

use crate::support::etl_builder::{WHOLE, captured, clear, component, seen, trace};
use crate::support::program::analyze;
use crate::support::shared;
use plainsight::capture::{Linktype, read_etl};
use plainsight::evidence::TraceProblem;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;

fn report(file: &[u8]) -> plainsight::report::schema::Report {
    let mut written = tempfile::NamedTempFile::with_suffix(".etl").unwrap();
    written.write_all(file).unwrap();
    analyze(&[written.path()], &["--protect", "10.1.0.1=10.1.0.2"])
}

/// Times, link types and bytes of all frames, and the outline.
fn frames(file: &[u8]) -> Vec<(i64, Linktype, Vec<u8>)> {
    let mut all = Vec::new();
    let mut keep = |frame: plainsight::capture::RawFrame<'_>| {
        all.push((frame.time.0, frame.linktype, frame.data.to_vec()));
        true
    };
    read_etl(file, &mut keep, &mut |_| {}).unwrap();
    all
}

#[test]
fn a_packet_counts_once_where_it_was_nearest_to_the_wire() {
    let parts = [
        component(1, 3, "wfplwfs.sys", "a filter"),
        component(2, 2, "e1i65x64.sys", "Intel Ethernet"),
        // Received: the driver first. Sent: the driver last. A filter alone: the last of a sent one.
        seen((1, 1), 1, 1, 2, 0, &clear(1)),
        seen((1, 1), 2, 1, 1, 0, &clear(1)),
        seen((2, 1), 1, 2, 1, 0, &clear(2)),
        seen((2, 1), 2, 2, 2, 0, &clear(2)),
        seen((3, 1), 1, 2, 1, 0, &clear(3)),
        seen((3, 1), 2, 2, 1, 0, &clear(3)),
        // What the host dropped was not on the wire.
        seen((4, 1), 1, 1, 2, 1407, &clear(4)),
    ];
    let report = report(&trace(&parts));
    assert_eq!((report.totals.frames, report.windows.len()), (3, 1));
    let notes: Vec<&str> = report.evidence[0].notes.iter().map(|note| note.text.as_str()).collect();
    assert!(notes.iter().any(|note| note.contains("reason 1407")), "{notes:?}");
    let names: Vec<_> =
        report.evidence[0].interfaces.iter().filter_map(|of| of.name.as_deref()).collect();
    assert_eq!(names, ["Intel Ethernet", "a filter"]);
}

#[test]
fn appearances_that_do_not_name_their_packet_count_at_miniports_only() {
    let parts = [
        component(1, 3, "wfplwfs.sys", "a filter"),
        component(2, 2, "e1i65x64.sys", "Intel Ethernet"),
        seen((1, 1), 0, 1, 2, 0, &clear(1)),
        seen((2, 1), 0, 1, 1, 0, &clear(1)),
        seen((3, 1), 0, 2, 1, 0, &clear(2)),
        seen((4, 1), 0, 2, 2, 0, &clear(2)),
    ];
    assert_eq!(frames(&trace(&parts)).len(), 2);
}

#[test]
fn what_a_tunnels_adapter_shows_opens_no_window() {
    for (driver, words) in
        [("tap0901.sys", "TAP-Windows Adapter V9"), ("x.sys", "WAN Miniport (IKEv2)")]
    {
        let parts = [
            component(7, 2, driver, words),
            seen((1, 1), 1, 2, 7, 0, &clear(1)),
            seen((2, 1), 1, 2, 7, 0, &clear(2)),
        ];
        let report = report(&trace(&parts));
        assert_eq!(report.windows.len(), 0, "{words}");
        assert_eq!(report.totals.artefacts["inside_tunnel"].frames, 2, "{words}");
        assert_ne!(report.verdict, "protected");
    }
    // The same by the mark of a tunnel that NDIS sets.
    let marked = trace(&[captured(5, WHOLE | 0x8000, 1, &clear(1))]);
    assert_eq!(report(&marked).windows.len(), 0);
    let plain = trace(&[captured(5, WHOLE, 1, &clear(1))]);
    assert_eq!(report(&plain).windows.len(), 1);
}

#[test]
fn parts_are_joined_by_thread_and_adapter_and_others_are_named() {
    let (one, other) = (clear(1), clear(2));
    let parts = [
        captured(1, 0x4000_0000, 1, &one[..20]),
        captured(2, 0x4000_0000, 2, &other[..30]),
        captured(1, 0x8000_0000, 3, &one[20..]),
        captured(2, 0x8000_0000, 4, &other[30..]),
        // An end without a start, a start without an end.
        captured(3, 0x8000_0000, 5, &one),
        captured(4, 0x4000_0000, 6, &one),
    ];
    let file = trace(&parts);
    let bytes: Vec<Vec<u8>> = frames(&file).into_iter().map(|frame| frame.2).collect();
    assert_eq!(bytes, [one, other]);
    let outline = read_etl(&file[..], &mut |_| true, &mut |_| {}).unwrap();
    let incomplete = TraceProblem::IncompletePackets(2).into();
    assert!(outline.problems.iter().any(|problem| problem.kind == incomplete));
}

#[test]
fn packets_come_in_order_of_time_and_wireless_ones_readable() {
    let wireless = [&[0x88, 0x41][..], &[0; 30]].concat();
    let file =
        trace(&[captured(1, WHOLE, 9, &clear(1)), captured(1, WHOLE | 0x1_0000, 3, &wireless)]);
    let frames = frames(&file);
    assert!(frames[0].0 < frames[1].0);
    // Windows hands frames out decrypted and leaves the mark of encryption.
    assert_eq!((frames[0].1, &frames[0].2[..2]), (Linktype::IEEE802_11, &[0x88, 0x01][..]));
}

#[test]
fn a_trace_without_packets_says_so() {
    let empty = report(&trace(&[component(1, 2, "a.sys", "an adapter")]));
    assert_eq!((empty.totals.frames, empty.verdict.as_str()), (0, "no_packets"));
    assert_eq!(empty.evidence[0].problems.len(), 0);
    // A WPP message.
    let mut wpp = vec![16, 0, 0, 0x90];
    wpp.resize(16, 0);
    let report = report(&trace(&[wpp]));
    assert_eq!(report.evidence[0].problems[0].code, "unsupported_format");
}

proptest! {
    #[test]
    fn damage_is_named_and_the_rest_is_read(cut in 0usize..2000, at in 0usize..2000, byte: u8) {
        let parts: Vec<Vec<u8>> = (0..8).map(|n| captured(1, WHOLE, n, &clear(1))).collect();
        let mut file = trace(&parts);
        file.truncate(file.len() - cut % file.len());
        if let Some(old) = file.get_mut(at) {
            *old = byte;
        }
        let mut seen = 0u64;
        let outline = read_etl(&file[..], &mut |_| { seen += 1; true }, &mut |_| {}).unwrap();
        prop_assert_eq!(outline.frames, seen);
        let covered: u64 = outline.coverage.values().map(|extent| extent.bytes).sum();
        prop_assert!(covered <= file.len() as u64);
        prop_assert!(covered == file.len() as u64 || !outline.problems.is_empty());
    }
}

#[test]
fn a_repeated_buffer_counts_once_and_a_joined_trace_is_named() {
    let parts: Vec<Vec<u8>> = (0..3).map(|n| captured(1, WHOLE, n, &clear(1))).collect();
    let whole = trace(&parts);
    let record = captured(1, WHOLE, 3, &clear(1));
    let length = u32::try_from(72 + record.len()).unwrap().to_le_bytes();
    let mut second = whole[..72].to_vec();
    second[..4].copy_from_slice(&length);
    second[24] = 9;
    second[48..52].copy_from_slice(&length);
    second.extend(record);
    let codes = |file: &[u8]| {
        let outline = read_etl(file, &mut |_| true, &mut |_| {}).unwrap();
        (outline.frames, outline.problems.iter().map(|p| p.offset).collect::<Vec<_>>())
    };
    let two = [&whole[..], &second].concat();
    let end = Some(two.len() as u64);
    assert_eq!(codes(&two), (4, vec![]));
    assert_eq!(codes(&[&two[..], &second].concat()), (4, vec![end]));
    assert_eq!(codes(&[&two[..], &whole].concat()), (4, vec![end]));
}

#[test]
fn little_that_unpacks_to_much_is_bounded() {
    // A compressed buffer of 64 MiB of zeros, again and again.
    let mut packed = vec![0xff, 0xff, 0xff, 0x7f, 0, 0x07, 0, 0x0f, 0xff, 0, 0];
    packed.extend((64u32 << 20).to_le_bytes());
    let mut buffer = vec![0; 72];
    buffer[..4].copy_from_slice(&u32::try_from(72 + packed.len()).unwrap().to_le_bytes());
    buffer[48..52].copy_from_slice(&(64u32 << 20).to_le_bytes());
    buffer[52] = 0x40;
    buffer.extend(packed);
    let mut file = trace(&[captured(1, WHOLE, 1, &clear(1))]);
    for _ in 0..100 {
        file.extend_from_slice(&buffer);
    }
    let outline = read_etl(&file[..], &mut |_| true, &mut |_| {}).unwrap();
    assert_eq!(outline.frames, 1);
    assert!(outline.problems.iter().any(|problem| problem.code().as_str() == "expansion"));
}

#[test]
fn traces_built_from_a_capture_have_its_counts() {
    let Some(shared) = shared("traces built from a capture") else { return };
    let folder = shared.join("forms/etl");
    let mut read = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "etl") {
            continue;
        }
        let report = analyze(&[path.as_path()], &[]);
        let of = &report.totals.by_class;
        let counts = [of.esp.frames, of.ike.frames, of.exempt.frames, of.clear.frames];
        assert_eq!((report.totals.frames, counts), (297, [109, 26, 10, 152]), "{}", path.display());
        read += 1;
    }
    assert_eq!(read, 7);
}

/// Windows' own text of a trace: the packets of its records, by second and length.
fn of_text(path: &Path) -> BTreeMap<(u64, usize), Vec<String>> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let mut lines: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.contains("PktGroupId")) {
        let time = line.split("::").nth(1).unwrap().get(14..29).unwrap();
        let (_, second) = time.split_once(':').unwrap();
        let nanos: u64 = second.replace('.', "").parse().unwrap();
        let after = |name: &str| line.split(name).nth(1).unwrap().split([',', ' ']).next().unwrap();
        let logged = after("LoggedSize ").trim().parse().unwrap();
        let packet = format!("{} {}", after("PktGroupId "), after("PktNumber "));
        lines.entry((nanos, logged)).or_default().push(packet);
    }
    lines
}

#[test]
fn real_traces_agree_with_windows_own_text() {
    let Some(shared) = shared("traces of pktmon") else { return };
    for (name, packets) in [("nath_7119f51_PktMon", 345), ("nath_a9cce3b_PktMon", 260)] {
        let folder = shared.join("data/etl");
        let text = of_text(&folder.join(format!("{name}.txt.gz")));
        let file = std::fs::read(folder.join(format!("{name}.etl"))).unwrap();
        let frames = frames(&file);
        assert_eq!(frames.len(), packets, "{name}");
        let all: std::collections::BTreeSet<&String> = text.values().flatten().collect();
        assert_eq!(all.len(), packets, "{name}");
        for (time, _, bytes) in &frames {
            let nanos = u64::try_from(*time).unwrap() % 60_000_000_000;
            assert!(text.contains_key(&(nanos, bytes.len())), "{name}: no record at {nanos}");
        }
        let report = analyze(&[folder.join(format!("{name}.etl")).as_path()], &[]);
        assert_eq!(report.totals.by_class.undecodable.frames, 0, "{name}");
        // By Windows' own text; packets are cut to 128 bytes unless the user asks for more.
        let first = if packets == 345 { "16:10:57.9762397" } else { "13:49:55.6188424" };
        let shown = report.evidence[0].first_time.as_deref().unwrap();
        assert!(shown[11..].starts_with(first), "{name}: {shown}");
        assert_eq!(frames.iter().map(|frame| frame.2.len()).max(), Some(128), "{name}");
    }
}

#[test]
fn real_traces_without_packets_are_named_with_their_records() {
    let Some(shared) = shared("traces without packets") else { return };
    for (name, records) in [("Gobang_PktMon", 1_195), ("AMSITrace", 21), ("lxcore_kernel", 4)] {
        let file = shared.join(format!("data/etl/{name}.etl"));
        let output = crate::support::program::plainsight().arg("inspect").arg(&file).output();
        let output = output.unwrap();
        // As of an empty capture.
        assert_eq!(output.status.code(), Some(4), "{name}");
        let text = String::from_utf8(output.stdout).unwrap();
        let counts =
            text.lines().filter_map(|line| line.strip_suffix(" records")?.rsplit(' ').next());
        let counted: u64 =
            counts.filter_map(|count| count.replace(',', "").parse::<u64>().ok()).sum();
        assert_eq!(counted, records, "{text}");
        assert_eq!(text.contains("counters only"), name.ends_with("PktMon"), "{text}");
    }
}
