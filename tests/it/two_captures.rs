//! The same packets in two captures: they count once, on one clock; packets that only look alike count each.

use crate::support::ike_builder::write;
use crate::support::numbers::Numbers;
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

fn report_of(captures: &[Vec<Timed>]) -> Report {
    of_length(captures, 0)
}

/// Of captures some of whose frames were cut: all were as long as a segment.
fn cut(captures: &[Vec<Timed>]) -> Report {
    of_length(captures, conversation(1, 64)[0].1.len())
}

fn of_length(captures: &[Vec<Timed>], least: usize) -> Report {
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
        let mut file = pcap(Order::Little, MICROSECONDS, &timed);
        let mut at = 24;
        for (_, frame) in frames {
            let length = u32::try_from(frame.len().max(least)).unwrap();
            file[at + 12..at + 16].copy_from_slice(&length.to_le_bytes());
            at += 16 + frame.len();
        }
        write(&path, &file);
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
        let report = report_of(&[here.clone(), there]);
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
    let report = report_of(&[here, there]);
    assert_eq!((clear(&report), other_capture(&report)), ((40, 40, 1), 30));
}

#[test]
fn equal_heads_with_other_data_are_other_packets() {
    let here = conversation(40, 64);
    let mut there = at(&conversation(40, 61), 5300);
    // The last byte: behind every header and the first data.
    there.iter_mut().for_each(|(_, frame)| *frame.last_mut().unwrap() ^= 1);
    let report = report_of(&[here, there]);
    assert_eq!((clear(&report).0, other_capture(&report)), (80, 0));
}

/// An ESP packet of the first host, under one SPI, with the encrypted part that such a number has.
fn esp(number: u32, bytes: usize) -> Vec<u8> {
    let mut body = [0x1234_5678_u32.to_be_bytes(), number.to_be_bytes()].concat();
    body.extend(Numbers(u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)).bytes(bytes - 8));
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4(HOSTS[0], HOSTS[1], 64)
        .write(&mut frame, etherparse::IpNumber::ENCAPSULATING_SECURITY_PAYLOAD, &body)
        .unwrap();
    frame
}

fn protected(numbers: impl Iterator<Item = u32>) -> Vec<Timed> {
    let length = |number: u32| 100 + usize::try_from(number % 9).unwrap() * 4;
    numbers.map(|n| (u64::from(n) * 50, esp(n, length(n)))).collect()
}

#[test]
fn esp_counts_once_by_its_numbers_whole_overlapping_or_with_gaps() {
    // Both whole; the later one begins in the middle; each lacks what the other has.
    let all = || protected(1..=200);
    let odd = protected((1..=200).filter(|n| n % 4 != 1 || *n == 1));
    let even = protected((1..=200).filter(|n| n % 4 != 3));
    for (here, there, again) in [
        (all(), at(&all(), 5300), 200),
        (protected(1..=150), protected(100..=200), 51),
        (odd, at(&even, 300), 101),
    ] {
        let report = report_of(&[here, there]);
        assert_eq!(report.totals.by_class.esp.frames, 200);
        assert_eq!(other_capture(&report), again);
        assert!(report.findings.iter().all(|found| found.code != "esp_gaps"));
    }
}

#[test]
fn the_same_numbers_under_the_same_spi_at_another_rhythm_are_another_association() {
    // Keys set by hand: both begin at 1, and the packets have other lengths.
    let here = protected(1..=100);
    let there = (1..=100).map(|n| (u64::from(n * n) * 9, esp(n, 260))).collect();
    let report = report_of(&[here, there]);
    assert_eq!((report.totals.by_class.esp.frames, other_capture(&report)), (200, 0));
}

#[test]
fn a_capture_that_cuts_its_packets_shows_the_same_ones() {
    let (here, mut there) = (conversation(60, 64), at(&conversation(60, 61), 5300));
    there.iter_mut().for_each(|(_, frame)| frame.truncate(90));
    let report = cut(&[here.clone(), there]);
    assert_eq!((clear(&report), other_capture(&report)), ((60, 60, 1), 60));
    // Another one that is cut makes nothing of two whole ones with other data.
    let mut other = at(&conversation(60, 61), 5300);
    other.iter_mut().for_each(|(_, frame)| *frame.last_mut().unwrap() ^= 1);
    let mut short = at(&conversation(8, 61), 900_000);
    short.iter_mut().for_each(|(_, frame)| frame.truncate(90));
    let report = cut(&[here, other, short]);
    assert_eq!((clear(&report).0, other_capture(&report)), (128, 0));
}

#[test]
fn a_conversation_too_long_for_fingerprints_counts_once() {
    let (here, mut there) = (conversation(3000, 64), at(&conversation(3000, 61), 5300));
    // The other end lost a few.
    there.drain(1500..1510);
    let report = report_of(&[here, there]);
    assert_eq!((clear(&report), other_capture(&report)), ((3000, 3000, 1), 2990));
}

#[test]
fn taps_of_one_direction_each_show_other_packets() {
    // Each shows the first packets of both hosts, then one host alone.
    let whole = conversation(4000, 64);
    let of = |host: usize| -> Vec<Timed> {
        let all = whole.iter().enumerate();
        all.filter(|(n, _)| *n < 20 || n % 2 == host).map(|(_, timed)| timed.clone()).collect()
    };
    let report = report_of(&[of(0), at(&of(1), 5300)]);
    assert_eq!((clear(&report), other_capture(&report)), ((4000, 4000, 1), 20));
    assert!(report.windows[0].a_to_b.answered && report.windows[0].b_to_a.answered);
}

#[test]
fn packets_sent_again_later_are_not_shared_packets() {
    let beat = |n: u64| (n * 1000, segment(0, 77, b"still here, still the same", 64));
    let here: Vec<Timed> = (0..30).map(beat).collect();
    let report = report_of(&[here.clone(), at(&here, 60_000)]);
    assert_eq!((clear(&report).0, other_capture(&report)), (60, 0));
}

#[test]
fn a_converted_copy_in_two_pieces_counts_once() {
    let whole = conversation(60, 64);
    let (first, second) = (whole[..25].to_vec(), whole[25..].to_vec());
    let report = report_of(&[whole, first, second]);
    assert_eq!((clear(&report), other_capture(&report)), ((60, 60, 1), 60));
}

#[test]
fn what_a_router_passed_on_is_a_copy_however_few_there_are() {
    let (here, mut there) = (conversation(20, 64), conversation(20, 63));
    // Of three packets; sent again with the same hop count they would be the sender's own.
    there.truncate(3);
    let again = |copies: &[Timed]| {
        let mut frames = here.clone();
        frames.extend(at(copies, 1));
        frames.sort_by_key(|(time, _)| *time);
        let report = report_of(&[frames]);
        let copies = report.totals.artefacts.get("duplicate_packet").map_or(0, |c| c.frames);
        (report.totals.by_class.clear.frames, copies)
    };
    assert_eq!(again(&there), (20, 3));
    assert_eq!(again(&here[..3]), (23, 0));
}
