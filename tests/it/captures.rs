//! pcap and pcapng as files come: every magic number, section, interface, clock and block, damage
//! named at its byte, frames numbered as Wireshark numbers them.

use crate::support::pcapng::{
    Order, block, interface, packet, packet_with, pcap, section, section_with, statistics,
};
use plainsight::capture::{CaptureOutline, RawFrame, read_pcap, read_pcapng};
use plainsight::evidence::ProblemCode;
use proptest::prelude::*;

/// Number, nanoseconds since 1970, bytes.
type Seen = (u64, i64, Vec<u8>);

fn read(file: &[u8]) -> (CaptureOutline, Vec<Seen>) {
    let mut seen = Vec::new();
    let mut visit = |frame: RawFrame<'_>| {
        seen.push((frame.number.0, frame.time.0, frame.data.to_vec()));
        true
    };
    let outline = if file.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        read_pcapng(file, &mut visit).unwrap()
    } else {
        read_pcap(file, &mut visit).unwrap()
    };
    let covered: u64 = outline.coverage.values().map(|extent| extent.bytes).sum();
    assert!(covered <= file.len() as u64);
    if outline.problems.is_empty() {
        assert_eq!(covered, file.len() as u64, "every byte is in a bucket");
    }
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0), "numbers ascend");
    (outline, seen)
}

fn codes(outline: &CaptureOutline) -> Vec<(ProblemCode, Option<u64>)> {
    outline.problems.iter().map(|problem| (problem.code(), problem.offset)).collect()
}

const SECOND: i64 = 1_000_000_000;

#[test]
fn micro_and_nanoseconds_are_distinguished_in_both_byte_orders() {
    for order in Order::BOTH {
        for (magic, nanos) in [(0xa1b2_c3d4, 5_000), (0xa1b2_3c4d, 5)] {
            let file = pcap(order, magic, &[(7, 5, b"first"), (8, 0, b"second")]);
            let (outline, seen) = read(&file);
            let expected =
                [(1, 7 * SECOND + nanos, b"first".to_vec()), (2, 8 * SECOND, b"second".to_vec())];
            assert_eq!((outline.frames, &seen[..]), (2, &expected[..]), "{order:?} {magic:x}");
        }
    }
}

#[test]
fn a_cut_pcap_gives_the_frames_before_the_cut_and_its_byte() {
    let file = pcap(Order::Little, 0xa1b2_c3d4, &[(1, 0, &[1; 40]), (2, 0, &[2; 40])]);
    let second = 24 + 16 + 40;
    for cut in [second + 1, second + 15, second + 16, file.len() - 1] {
        let (outline, seen) = read(&file[..cut]);
        assert_eq!(seen.len(), 1, "{cut}");
        assert_eq!(codes(&outline), [(ProblemCode::Truncated, Some(second as u64))], "{cut}");
        assert_eq!(outline.truncated_at, Some(second as u64));
    }
    assert_eq!(codes(&read(&file[..10]).0), [(ProblemCode::Truncated, Some(0))]);
}

#[test]
fn a_length_that_lies_ends_in_a_problem_and_not_in_memory() {
    let mut file = pcap(Order::Little, 0xa1b2_c3d4, &[(1, 0, &[1; 40])]);
    file[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    let (outline, seen) = read(&file);
    assert_eq!((seen.len(), outline.problems.len()), (0, 1));
}

#[test]
fn sections_have_their_own_byte_order_and_interfaces() {
    let file = [
        section(Order::Big),
        interface(Order::Big, 0, &[]),
        packet(Order::Big, 0, 1_000_000, b"big "),
        section(Order::Little),
        interface(Order::Little, 0, &[(9, vec![9])]),
        packet(Order::Little, 0, 2_000_000_000, b"tiny"),
    ]
    .concat();
    let (outline, seen) = read(&file);
    assert_eq!(seen, [(1, SECOND, b"big ".to_vec()), (2, 2 * SECOND, b"tiny".to_vec())]);
    assert_eq!(outline.interfaces.len(), 2);
    assert_eq!(outline.problems, []);
}

#[test]
fn every_resolution_and_offset_gives_the_same_time() {
    for order in Order::BOTH {
        for (resolution, ticks) in
            [(3, 1_500), (6, 1_500_000), (9, 1_500_000_000), (0x80 | 10, 1_536)]
        {
            // if_tsresol is 9, if_tsoffset is 14; seconds, and they may be negative.
            for offset in [0i64, 100, -100] {
                let options =
                    [(9, vec![resolution]), (14, order.u64(offset.cast_unsigned()).to_vec())];
                let file = [
                    section(order),
                    interface(order, 0, &options),
                    packet(order, 0, ticks, b"time"),
                ]
                .concat();
                let (_, seen) = read(&file);
                let expected = 3 * SECOND / 2 + offset * SECOND;
                assert_eq!(seen[0].1, expected, "{order:?} {resolution:#x} {offset}");
            }
        }
    }
}

#[test]
fn simple_and_obsolete_packet_blocks_are_frames() {
    let order = Order::Little;
    let simple = [&order.u32(8)[..], b"12345678"].concat();
    let cut_by_snaplen = [&order.u32(80)[..], &[7; 16]].concat();
    let mut obsolete = [order.u16(0), order.u16(3)].concat();
    for word in [0, 5_000_000, 4, 60] {
        obsolete.extend(order.u32(word));
    }
    obsolete.extend(b"old!");
    let file = [
        section(order),
        interface(order, 16, &[]),
        packet(order, 0, 4_000_000, b"new"),
        block(order, 3, &simple),
        block(order, 3, &cut_by_snaplen),
        block(order, 2, &obsolete),
    ]
    .concat();
    let (outline, seen) = read(&file);
    let data: Vec<&[u8]> = seen.iter().map(|frame| &frame.2[..]).collect();
    assert_eq!(data, [&b"new"[..], b"12345678", &[7; 16], b"old!"]);
    // A simple block has no time: it is placed at that of the frame before it, and that is said.
    assert_eq!(seen[1].1, seen[0].1);
    assert_eq!(seen[3].1, 5 * SECOND);
    assert_eq!(codes(&outline).iter().map(|c| c.0).collect::<Vec<_>>(), [ProblemCode::BadTime]);
}

#[test]
fn custom_blocks_take_a_number_as_in_wireshark_and_unknown_ones_do_not() {
    let order = Order::Big;
    let file = [
        section(order),
        interface(order, 0, &[]),
        block(order, 0x0bad, &[0; 8]),
        packet(order, 0, 1, b"one "),
        block(order, 0x7777, &[0; 8]),
        packet(order, 0, 2, b"two "),
    ]
    .concat();
    let (outline, seen) = read(&file);
    assert_eq!(seen.iter().map(|frame| frame.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((outline.frames, outline.problems.len()), (2, 0));
}

#[test]
fn what_interface_and_system_dropped_is_added_up() {
    for order in Order::BOTH {
        let file = [section(order), interface(order, 0, &[]), statistics(order, 3, 4)].concat();
        assert_eq!(read(&file).0.dropped_by_capturer, Some(7));
    }
    let silent = [section(Order::Big), interface(Order::Big, 0, &[])].concat();
    assert_eq!(read(&silent).0.dropped_by_capturer, None);
}

#[test]
fn what_a_capture_says_of_itself_is_kept_with_its_place() {
    for order in Order::BOTH {
        let words = |text: &str| text.as_bytes().to_vec();
        let section = section_with(order, &[(3, words("Windows 11")), (4, words("pktmon"))]);
        let filter = [&[0][..], b"ip proto 50"].concat();
        let interface =
            interface(order, 0, &[(3, words("Uplink")), (11, filter), (11, vec![1, 6])]);
        let lost = (4, order.u64(7).to_vec());
        let comment = (1, words("here it breaks"));
        let frames = [
            packet_with(order, 0, 1, &[0; 61], &[lost]),
            packet_with(order, 0, 2, &[1; 64], &[comment]),
            packet(order, 0, 3, &[2; 63]),
        ];
        let (outline, seen) = read(&[section, interface, frames.concat()].concat());
        assert_eq!((seen.len(), outline.dropped_by_capturer), (3, Some(7)));
        let notes: Vec<_> = outline
            .notes
            .iter()
            .map(|note| format!("{} {}: {}", note.place, note.kind.as_str(), note.text))
            .collect();
        let expected = [
            "section 1 operating_system: Windows 11",
            "section 1 application: pktmon",
            "interface 0 description: Uplink",
            "interface 0 filter: ip proto 50",
            "frame 2 comment: here it breaks",
        ];
        assert_eq!(notes, expected);
    }
}

#[test]
fn damaged_blocks_are_named_at_their_byte() {
    let order = Order::Little;
    let head = [section(order), interface(order, 0, &[])].concat();
    let at = Some(head.len() as u64);
    let first = |broken: &[u8]| codes(&read(&[&head[..], broken].concat()).0)[0];
    let mut lengths_differ = packet(order, 0, 1, b"data");
    let last = lengths_differ.len() - 4;
    lengths_differ[last] ^= 4;
    assert_eq!(first(&lengths_differ), (ProblemCode::Corrupt, at));
    let mut odd = packet(order, 0, 1, b"data");
    odd[4] += 1;
    assert_eq!(first(&odd), (ProblemCode::Corrupt, at));
    assert_eq!(first(&packet(order, 9, 1, b"data")), (ProblemCode::Skipped, at));
    let whole = packet(order, 0, 1, b"data");
    assert_eq!(first(&whole[..whole.len() - 5]), (ProblemCode::Truncated, at));
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), ng: bool) {
        let magic = if ng { section(Order::Little) } else { pcap(Order::Big, 0xa1b2_c3d4, &[]) };
        read(&[&magic[..], &bytes].concat());
    }

    #[test]
    fn a_mutated_capture_is_accounted_for(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let order = Order::Little;
        let mut file = [section(order), interface(order, 0, &[(9, vec![6])])].concat();
        (0..12u8).for_each(|n| file.extend(packet(order, 0, u64::from(n), &[n; 60])));
        file.extend(statistics(order, 1, 2));
        for (place, byte) in changes {
            // The magic number shows which reader takes it.
            let place = 4 + place.index(file.len() - 4);
            file[place] = byte;
        }
        file.truncate(4 + cut.index(file.len() - 4));
        read(&file);
    }
}
