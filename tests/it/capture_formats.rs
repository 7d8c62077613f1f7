//! snoop, Network Monitor, the variants of pcap, and compressed files: made to order, damaged, and
//! held against tshark where it is installed.

use crate::support::netmon::{Record, netmon, snoop};
use crate::support::pcapng::{Order, pcap};
use crate::support::{shared, tool_is_there};
use plainsight::capture::{CaptureOutline, RawFrame};
use plainsight::capture::{read_netmon, read_pcap, read_pcapng, read_snoop};
use plainsight::evidence::{Format, ProblemCode};
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;

/// Number, nanoseconds since 1970, length on the wire, bytes.
type Seen = (u64, i64, u32, Vec<u8>);

fn read(file: &[u8]) -> (CaptureOutline, Vec<Seen>) {
    let mut seen: Vec<Seen> = Vec::new();
    let mut visit = |frame: RawFrame<'_>| {
        let begin = usize::try_from(frame.offset).unwrap();
        assert_eq!(&file[begin..begin + frame.data.len()], frame.data, "the offset is its place");
        seen.push((frame.number.0, frame.time.0, frame.original_len, frame.data.to_vec()));
        true
    };
    let outline = match Format::recognize(file) {
        Format::Snoop => read_snoop(file, &mut visit),
        Format::NetMon1 | Format::NetMon2 => read_netmon(file, &mut visit),
        Format::PcapNg => read_pcapng(file, &mut visit),
        _ => read_pcap(file, &mut visit),
    };
    let outline = outline.unwrap();
    let covered: u64 = outline.coverage.values().map(|extent| extent.bytes).sum();
    assert!(covered <= file.len() as u64);
    if !outline.problems.iter().any(|problem| problem.code().is_loss()) {
        assert_eq!(covered, file.len() as u64, "every byte is in a bucket");
    }
    assert_eq!(outline.frames, seen.len() as u64);
    (outline, seen)
}

fn codes(outline: &CaptureOutline) -> Vec<(ProblemCode, Option<u64>)> {
    outline.problems.iter().map(|problem| (problem.code(), problem.offset)).collect()
}

fn times_and_bytes(seen: &[Seen]) -> Vec<(u64, i64, &[u8])> {
    seen.iter().map(|(number, time, _, data)| (*number, *time, &data[..])).collect()
}

const SECOND: i64 = 1_000_000_000;
/// 2001-02-03T04:05:06.007Z.
const START: i64 = 981_173_106 * SECOND + 7_000_000;

#[test]
fn snoop_gives_its_frames_and_what_was_lost() {
    let file = snoop(&[(7, 5, 0, b"first"), (8, 0, 3, b"second!!")]);
    let (outline, seen) = read(&file);
    let expected = [(1, 7 * SECOND + 5000, &b"first"[..]), (2, 8 * SECOND, b"second!!")];
    assert_eq!(times_and_bytes(&seen), expected);
    assert_eq!((outline.dropped_by_capturer, outline.problems.len()), (Some(3), 0));
    for cut in [17, 41, 45] {
        let (outline, seen) = read(&file[..cut]);
        assert_eq!((codes(&outline), seen.len()), (vec![(ProblemCode::Truncated, Some(16))], 0));
    }
    let mut lying = file.clone();
    lying[16 + 4] = 0xff;
    assert_eq!(codes(&read(&lying).0), [(ProblemCode::Corrupt, Some(16))]);
}

/// A pcap with record headers that have so many more bytes.
fn widened(order: Order, magic: u32, more: usize) -> Vec<u8> {
    let frames: [(u32, u32, &[u8]); 3] = [(7, 5, &[1; 60]), (8, 0, &[2; 90]), (9, 0, &[3; 61])];
    let plain = pcap(order, magic, &frames);
    let (mut file, mut rest) = (plain[..24].to_vec(), &plain[24..]);
    for (_, _, data) in frames {
        file.extend(&rest[..16]);
        file.extend(vec![0xee; more]);
        file.extend(data);
        rest = &rest[16 + data.len()..];
    }
    file
}

#[test]
fn the_variants_of_pcap_are_distinguished() {
    for order in Order::BOTH {
        for (magic, more) in [
            (0xa1b2_c3d4, 0),
            (0xa1b2_c3d4, 4),
            (0xa1b2_c3d4, 8),
            (0xa1b2_c3d4, 12),
            (0xa1b2_cd34, 8),
            (0xa1b2_cd34, 12),
        ] {
            let (outline, seen) = read(&widened(order, magic, more));
            let expected = [
                (1, 7 * SECOND + 5000, &[1; 60][..]),
                (2, 8 * SECOND, &[2; 90]),
                (3, 9 * SECOND, &[3; 61]),
            ];
            assert_eq!(times_and_bytes(&seen), expected, "{order:?} {magic:x} {more}");
            assert_eq!(outline.problems, []);
        }
        for (magic, nanos) in [(0x1c00_01ab, 5000), (0x1c00_01ac, 5)] {
            let plain = pcap(order, magic, &[(7, 5, b"data")]);
            let file = [&plain[..24], &order.u32(20), &plain[24..]].concat();
            assert_eq!(
                times_and_bytes(&read(&file).1),
                [(1, 7 * SECOND + nanos, &b"data"[..])],
                "{magic:x}"
            );
        }
    }
}

#[test]
fn a_damaged_pcap_stays_a_plain_pcap() {
    let mut file = pcap(Order::Little, 0xa1b2_c3d4, &[(1, 0, &[1; 40]), (2, 0, &[2; 40])]);
    let second = 24 + 56;
    file[second + 8..second + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let (outline, seen) = read(&file);
    assert_eq!(seen.len(), 1);
    assert_eq!(codes(&outline), [(ProblemCode::Corrupt, Some(second as u64))]);
}

#[test]
fn network_monitor_counts_time_from_its_start_and_names_it_local() {
    for (version, unit) in [((1, 1), 1_000_000), ((2, 0), 1000), ((2, 1), 1000), ((2, 2), 1000)] {
        let records = [Record::of(5, b"first"), Record::of(2_000_000, b"second")];
        let (outline, seen) = read(&netmon(version, &records, &[0, 1]));
        let expected =
            [(1, START + 5 * unit, &b"first"[..]), (2, START + 2_000_000 * unit, b"second")];
        assert_eq!(times_and_bytes(&seen), expected, "{version:?}");
        assert_eq!(codes(&outline), [(ProblemCode::LocalTime, Some(8))], "{version:?}");
        assert!(!outline.problems[0].code().is_loss());
    }
    // A frame from before the start: ten times its number wraps to -1006 ticks of 100 ns.
    let early = Record::of(u64::MAX / 10 - 100, b"early");
    assert_eq!(read(&netmon((2, 0), &[early], &[0])).1[0].1, START - 100_600);
}

#[test]
fn network_monitor_2_3_has_utc_and_the_table_orders_the_frames() {
    let at = |seconds: u64, medium, data: &[u8]| Record {
        delta: 0,
        medium,
        filetime: 116_444_736_000_000_000 + seconds * 10_000_000,
        data: data.to_vec(),
    };
    let radio = [&[2, 5, 0, 0xaa, 0xaa][..], b"wifi"].concat();
    let records = [
        at(5, 0xffff, b"a filter"),
        at(3, 9, b"raw"),
        at(1, 1, b"ethernet"),
        at(2, 0xfffd, b"adapters"),
        at(4, 6, &radio),
        at(6, 0xe000 | 113, b"cooked"),
        at(7, 0xe083, b"beside the wire"),
    ];
    let file = netmon((2, 3), &records, &[2, 3, 1, 4, 0, 5, 6]);
    let (outline, seen) = read(&file);
    assert_eq!(outline.problems, []);
    let expected = [
        (1, SECOND, &b"ethernet"[..]),
        (2, 3 * SECOND, b"raw"),
        (3, 4 * SECOND, b"wifi"),
        // Wireshark numbers the filter, and the list of adapters not.
        (5, 6 * SECOND, b"cooked"),
        (6, 7 * SECOND, b"beside the wire"),
    ];
    assert_eq!(times_and_bytes(&seen), expected);
    assert_eq!(outline.coverage["records_not_packets"].records, 2);
    let linktypes: Vec<u16> = outline.interfaces.iter().map(|i| i.linktype).collect();
    assert_eq!(linktypes, [1, 101, 105, 113, u16::MAX]);
    assert!(outline.interfaces[4].name.as_ref().unwrap().contains("0xe083"));
}

#[test]
fn without_its_table_network_monitor_is_read_in_the_order_of_the_file() {
    let records: Vec<Record> = (0..5u8).map(|n| Record::of(u64::from(n), &[n + 1; 40])).collect();
    let file = netmon((2, 1), &records, &[0, 1, 2, 3, 4]);
    for missing in [1, 5 * 4 + 1] {
        let (outline, seen) = read(&file[..file.len() - missing]);
        let table = file.len() as u64 - 20;
        assert!(codes(&outline).contains(&(ProblemCode::Truncated, Some(table))));
        assert_eq!(seen.len(), if missing == 1 { 5 } else { 4 });
    }
}

#[test]
fn a_table_that_lies_is_reported_and_costs_no_more_than_the_file() {
    let records = [Record::of(1, &[1; 40]), Record::of(2, &[2; 40])];
    let mut file = netmon((2, 0), &records, &[0, 1, 0, 0]);
    let (outline, seen) = read(&file);
    assert_eq!(seen.len(), 2);
    let skipped = codes(&outline).iter().filter(|c| c.0 == ProblemCode::Skipped).count();
    assert_eq!(skipped, 2);
    let last = file.len() - 4;
    file[last..].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(codes(&read(&file).0).contains(&(ProblemCode::Skipped, Some(u64::from(u32::MAX)))));
    file.truncate(50);
    assert_eq!(codes(&read(&file).0), [(ProblemCode::Truncated, Some(0))]);
}

/// What tshark shows of every frame: number, nanoseconds, length on the wire.
fn by_tshark(file: &Path) -> Vec<(u64, i64, u32)> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(file).args(["-T", "fields", "-e", "frame.number"]);
    // It takes local times for times of its own zone.
    tshark.env("TZ", "UTC").args(["-e", "frame.time_epoch", "-e", "frame.len"]);
    let text = String::from_utf8(tshark.output().unwrap().stdout).unwrap();
    let row = |line: &str| {
        let mut fields = line.split('\t');
        let number = fields.next()?.parse().ok()?;
        let (seconds, nanos) = fields.next()?.split_once('.')?;
        let time = seconds.parse::<i64>().ok()? * SECOND + nanos.parse::<i64>().ok()?;
        Some((number, time, fields.next()?.parse().ok()?))
    };
    text.lines().map(|line| row(line).unwrap_or_else(|| panic!("{line}"))).collect()
}

fn agrees_with_tshark(path: &Path) {
    let (outline, seen) = read(&std::fs::read(path).unwrap());
    let ours: Vec<_> = seen.iter().map(|(number, time, len, _)| (*number, *time, *len)).collect();
    assert!(!ours.is_empty() && ours == by_tshark(path), "{}", path.display());
    assert!(outline.problems.iter().all(|p| p.code() == ProblemCode::LocalTime), "{outline:?}");
}

#[test]
fn microsofts_captures_are_read_as_tshark_reads_them() {
    let Some(shared) = shared("Microsoft's captures") else { return };
    if !tool_is_there("tshark", "tshark") {
        return;
    }
    let files = std::fs::read_dir(shared.join("data/public")).unwrap();
    let paths = files.map(|entry| entry.unwrap().path());
    let captures = paths.filter(|path| path.to_string_lossy().contains("microsoft_prot"));
    assert_eq!(captures.inspect(|path| agrees_with_tshark(path)).count(), 2);
}

#[test]
fn what_editcap_writes_is_read_as_tshark_reads_it() {
    let Some(shared) = shared("conversions of the laboratory's captures") else { return };
    if !tool_is_there("tshark", "tshark") || !tool_is_there("editcap", "wireshark-common") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for scenario in ["03_psk_mismatch_v2", "14_fragments"] {
        let capture = shared.join("lab").join(scenario).join("capture.pcap");
        for format in
            ["netmon1", "netmon2", "snoop", "nokiapcap", "modpcap", "suse6_3pcap", "rh6_1pcap"]
        {
            let converted = folder.path().join(format!("{scenario}.{format}"));
            let mut editcap = Command::new("editcap");
            editcap.env("TZ", "UTC").args(["-F", format]).arg(&capture).arg(&converted);
            assert!(editcap.status().unwrap().success(), "{format}");
            agrees_with_tshark(&converted);
        }
    }
}

proptest! {
    #[test]
    fn a_mutated_file_is_accounted_for(
        which in 0usize..5,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let records: Vec<Record> =
            (0..6u8).map(|n| Record::of(u64::from(n), &[n; 60])).collect();
        let mut file = match which {
            0 => netmon((1, 1), &records, &[0, 1, 2, 3, 4, 5]),
            1 => netmon((2, 3), &records, &[0, 1, 2, 5, 4, 3]),
            2 => snoop(&[(1, 2, 0, &[1; 60]), (2, 3, 0, &[2; 61])]),
            3 => widened(Order::Big, 0xa1b2_cd34, 8),
            _ => widened(Order::Little, 0xa1b2_c3d4, 4),
        };
        for (place, byte) in changes {
            // The magic number shows which reader takes it.
            let place = 8 + place.index(file.len() - 8);
            file[place] = byte;
        }
        file.truncate(8 + cut.index(file.len() - 7));
        read(&file);
    }
}
