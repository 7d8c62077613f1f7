//! The same packets in two captures: they count once, on one clock; packets that only look alike count each.

use crate::support::ike_builder::write;
use crate::support::pcapng::{Order, pcap};
use crate::support::truth::report;
use etherparse::PacketBuilder;
use plainsight::policy::{Policy, parse};
use plainsight::report::schema::Report;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const HOSTS: [[u8; 4]; 2] = [[10, 0, 0, 1], [10, 0, 0, 2]];

/// A frame, and its time in milliseconds.
type Timed = (u64, Vec<u8>);

/// A segment to port 8080 of the second host or back; hosts and hop count as the place of the capture shows
/// them.
fn segment(from: usize, sequence: u32, payload: &[u8], hops: u8) -> Vec<u8> {
    let mut frame = Vec::new();
    let (source, destination) = if from == 0 { (40_000, 8080) } else { (8080, 40_000) };
    PacketBuilder::ethernet2([hops; 6], [4; 6])
        .ipv4(HOSTS[from], HOSTS[1 - from], hops)
        .tcp(source, destination, sequence, 8192)
        .write(&mut frame, payload)
        .unwrap();
    frame
}

/// A conversation, a segment each 40 ms.
fn conversation(segments: u32, hops: u8) -> Vec<Timed> {
    let one = |n: u32| {
        let payload = vec![u8::try_from(n % 251).unwrap(); 60];
        (u64::from(n) * 40, segment((n % 2) as usize, 1000 + n / 2 * 60, &payload, hops))
    };
    (0..segments).map(one).collect()
}

fn at(frames: &[Timed], later: u64) -> Vec<Timed> {
    frames.iter().map(|(time, frame)| (time + later, frame.clone())).collect()
}

fn told(captures: &[Vec<Timed>]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let paths = captures.iter().enumerate().map(|(number, frames)| {
        let path = folder.path().join(format!("{number}.pcap"));
        let when = |millis: u64| {
            let (seconds, rest) = (1_700_000_000 + millis / 1000, millis % 1000 * 1000);
            (u32::try_from(seconds).unwrap(), u32::try_from(rest).unwrap())
        };
        let timed: Vec<_> = frames
            .iter()
            .map(|(time, frame)| (when(*time).0, when(*time).1, frame.as_slice()))
            .collect();
        write(&path, &pcap(Order::Little, MICROSECONDS, &timed));
        path
    });
    report(paths.collect(), policy())
}

fn policy() -> Policy {
    parse("[[protect]]\nbetween = [\"10.0.0.1\", \"10.0.0.2\"]\n").unwrap()
}

fn clear(report: &Report) -> (u64, u64, usize) {
    let windows = report.windows.iter().map(|window| window.frames).sum();
    (report.totals.by_class.clear.frames, windows, report.windows.len())
}

fn other_capture(report: &Report) -> u64 {
    report.totals.artefacts.get("other_capture").map_or(0, |count| count.frames)
}

#[test]
fn packets_of_both_ends_count_once_on_the_clock_of_the_first() {
    let here = conversation(40, 64);
    for later in [0, 7, 5300, 7_200_000] {
        let there = at(&conversation(40, 61), later);
        let report = told(&[here.clone(), there]);
        assert_eq!(clear(&report), (40, 40, 1), "{later}");
        assert_eq!(other_capture(&report), 40, "{later}");
        let window = &report.windows[0];
        assert!(
            window.start.contains("22:13:20.0") && window.end.contains("22:13:21.5"),
            "{later}"
        );
        assert!(report.evidence.iter().all(|file| file.records == 40), "{later}");
    }
}

#[test]
fn what_one_of_them_lost_is_taken_from_the_other() {
    let (mut here, there) = (conversation(40, 64), at(&conversation(40, 61), 900));
    here.drain(10..20);
    let report = told(&[here, there]);
    assert_eq!((clear(&report), other_capture(&report)), ((40, 40, 1), 30));
}

#[test]
fn equal_heads_with_other_data_are_other_packets() {
    let here = conversation(40, 64);
    let mut there = at(&conversation(40, 61), 5300);
    // The last octet: behind every header and the first data.
    there.iter_mut().for_each(|(_, frame)| *frame.last_mut().unwrap() ^= 1);
    let report = told(&[here, there]);
    assert_eq!((clear(&report).0, other_capture(&report)), (80, 0));
}

#[test]
fn packets_sent_again_later_are_no_second_sighting() {
    let beat = |n: u64| (n * 1000, segment(0, 77, b"still here, still the same", 64));
    let here: Vec<Timed> = (0..30).map(beat).collect();
    let report = told(&[here.clone(), at(&here, 60_000)]);
    assert_eq!((clear(&report).0, other_capture(&report)), (60, 0));
}

#[test]
fn a_converted_copy_in_two_pieces_counts_once() {
    let whole = conversation(60, 64);
    let (first, second) = (whole[..25].to_vec(), whole[25..].to_vec());
    let report = told(&[whole, first, second]);
    assert_eq!((clear(&report), other_capture(&report)), ((60, 60, 1), 60));
}
