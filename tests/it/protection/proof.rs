//! What vouches for ESP, exempt traffic and copies, and what only looks so: numbers that do not rise, packets without an
//! SPI, text under a header, calls of one size.

use super::{Frames, by, esp, frames_of, ip, numbers};
use crate::support::ike_builder::{capture, report_of, udp, write};
use crate::support::program::analyze;
use plainsight::report::schema::Report;

/// Genuine ESP both ways, and other packets from 1 to 2, ten milliseconds apart.
fn beside_genuine_esp(others: impl Iterator<Item = Vec<u8>>) -> Frames {
    let mut any = numbers();
    let mut frames = Frames::new();
    for n in 0..60 {
        frames.push((n * 20, ip(1, 2, 50, &esp(0xc0de_0001, n + 1, 100, &mut any))));
        frames.push((n * 20 + 5, ip(2, 1, 50, &esp(0xc0de_0002, n + 1, 100, &mut any))));
    }
    frames.extend((0..).zip(others).map(|(n, other)| (2_000 + n * 10, other)));
    frames
}

fn verdict_of(frames: &Frames) -> (String, Vec<String>) {
    let report = protected_report(frames);
    let limits = report.verdict_limits.iter().map(|limit| limit.code.clone()).collect();
    (report.verdict, limits)
}

fn protected_report(frames: &Frames) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.pcap");
    write(&path, &capture(frames));
    analyze(&[&path], &["--protect", "10.0.0.1=10.0.0.2"])
}

#[test]
fn genuine_esp_does_not_vouch_for_numbers_that_do_not_rise() {
    let not_determined = ("not_determined".to_owned(), vec!["uncorroborated".to_owned()]);
    let mut any = numbers();
    // One SPI whose number stays, as a receiver's index does; AH of the same kind; an SPI a packet.
    let constant =
        (0..100).map(|_| udp(1, 2, (4500, 4500), &esp(0x0400_0000, 0x51ab_33f0, 88, &mut any)));
    let frames = beside_genuine_esp(constant.collect::<Vec<_>>().into_iter());
    assert_eq!(verdict_of(&frames), not_determined);
    let header = [6, 4, 0, 0, 0, 0, 0x33, 1, 0, 0, 0, 7];
    let fake = [&header[..], &[0; 12], b"HELO in clear behind a header of AH"].concat();
    assert_eq!(
        verdict_of(&beside_genuine_esp((0..50).map(|_| ip(1, 2, 51, &fake)))),
        not_determined
    );
    let crowd = (0..100).map(|n| {
        let number = u32::try_from(any.below(1 << 31)).unwrap() | 1 << 20;
        udp(1, 2, (4500, 4500), &esp(0x8060_0000 + n, number, 80, &mut any))
    });
    let crowd: Vec<Vec<u8>> = crowd.collect();
    assert_eq!(verdict_of(&beside_genuine_esp(crowd.into_iter())), not_determined);
    let few = (0..6).map(|n| ip(1, 2, 50, &esp(0x7100_0000 + n, 900 + n, 76, &mut any)));
    let few: Vec<Vec<u8>> = few.collect();
    assert_eq!(verdict_of(&beside_genuine_esp(few.into_iter())).0, "protected");
}

#[test]
fn what_shows_no_spi_is_not_protected() {
    let not_determined = ("not_determined".to_owned(), vec!["uncorroborated".to_owned()]);
    let text =
        |n: u32| [&[0; 4][..], &n.to_be_bytes(), b"user=root&password=hunter2 in clear"].concat();
    let of_zero: Frames = (0..40)
        .flat_map(|n| [(n * 50, ip(1, 2, 50, &text(n))), (n * 50 + 9, ip(2, 1, 50, &text(n)))])
        .collect();
    assert_eq!(verdict_of(&of_zero), not_determined);
    let later = |from, to| {
        let mut frame = ip(from, to, 50, &text(7));
        frame[20..22].copy_from_slice(&[0, 185]);
        frame
    };
    let fragments: Frames =
        (0..40).flat_map(|n| [(n * 50, later(1, 2)), (n * 50 + 9, later(2, 1))]).collect();
    assert_eq!(verdict_of(&fragments), not_determined);
}

#[test]
fn text_in_the_place_of_exempt_traffic_is_clear() {
    let text = b"the minutes of the meeting, as anybody on the line can read them. ".repeat(4);
    let with = |head: &[u8]| [head, &text].concat();
    let mut isakmp = vec![0x5a; 16];
    isakmp.extend([33, 0x20, 34, 8, 0, 0, 0, 0]);
    isakmp.extend(u32::try_from(28 + text.len()).unwrap().to_be_bytes());
    let mut to_all = udp(1, 2, (40_000, 5_000), &text);
    to_all[..6].fill(0xff);
    let disguised = [
        ip(1, 2, 1, &with(&[253, 0, 0, 0])),
        ip(1, 2, 1, &with(&[3, 1, 0, 0, 0, 0, 0, 0])),
        ip(1, 2, 2, &with(&[0x16, 0, 0, 0])),
        udp(1, 2, (67, 68), &text),
        udp(1, 2, (7_777, 9_999), &with(&isakmp)),
        udp(1, 2, (500, 500), &with(&[0x5a; 17])),
        to_all,
    ];
    for frame in disguised {
        let frames: Frames = (0..4).map(|n| (n * 100, frame.clone())).collect();
        let report = protected_report(&frames);
        assert_eq!(
            (report.verdict.as_str(), frames_of(&report, "clear")),
            ("unprotected", 4),
            "{frame:?}"
        );
    }
}

#[test]
fn text_that_begins_late_under_an_spi_is_not_protected() {
    let mut any = numbers();
    let line = b"a line of a log that stands in clear under the numbers of ESP, again and again. ";
    let frames: Frames = (0..400u32)
        .flat_map(|n| {
            let late = [&0xc0de_0001_u32.to_be_bytes()[..], &(n + 1).to_be_bytes(), line].concat();
            let forth = if n < 50 { esp(0xc0de_0001, n + 1, 80, &mut any) } else { late };
            let back = esp(0xc0de_0002, n + 1, 80, &mut any);
            [(n * 20, ip(1, 2, 50, &forth)), (n * 20 + 5, ip(2, 1, 50, &back))]
        })
        .collect();
    assert_eq!(protected_report(&frames).verdict, "not_determined");
}

#[test]
fn blotted_out_content_under_rising_numbers_is_no_clear_text() {
    let blank = |spi, n: u32| [&u32::to_be_bytes(spi)[..], &n.to_be_bytes(), &[0; 72]].concat();
    let frames: Frames = (0..60)
        .flat_map(|n| {
            let (forth, back) = (blank(0xc0de_0001, n + 1), blank(0xc0de_0002, n + 1));
            [(n * 20, ip(1, 2, 50, &forth)), (n * 20 + 5, ip(2, 1, 50, &back))]
        })
        .collect();
    let report = protected_report(&frames);
    assert_eq!((report.verdict.as_str(), report.windows.len()), ("not_determined", 0));
}

#[test]
fn a_call_in_clear_beside_a_call_of_the_same_codec_is_a_leak() {
    let mut any = numbers();
    let frames: Frames = (0..100)
        .flat_map(|n| {
            let call = udp(1, 2, (16_000, 16_002), &any.bytes(172));
            let inside = (call.len() - 14 - 20 + 2).next_multiple_of(4);
            let packet = ip(1, 2, 50, &esp(0xc0de_0001, n + 1, 8 + inside + 16, &mut any));
            [(n * 20, packet), (n * 20 + 3, call)]
        })
        .collect();
    let report = protected_report(&frames);
    assert_eq!(
        (report.verdict.as_str(), frames_of(&report, "clear")),
        ("partially_protected", 100)
    );
}

#[test]
fn esp_that_several_queues_reordered_and_an_spi_like_openvpn_s_are_corroborated() {
    let mut any = numbers();
    let mut order: Vec<(u32, u32)> =
        (1..=200).map(|n| (n * 20 + u32::try_from(any.below(300)).unwrap(), n)).collect();
    order.sort_unstable();
    let frames: Frames = order
        .iter()
        .map(|(at, n)| (*at, ip(1, 2, 50, &esp(0xc0de_0001, *n, 60 + 4 * any.below(30), &mut any))))
        .collect();
    assert_eq!(by(&report_of(&frames)), ["packets"]);
    let frames: Frames = (0..60)
        .map(|n| {
            let packet = esp(0x4800_1234, n + 1, 60 + 4 * any.below(40), &mut any);
            (n * 20, udp(1, 2, (4500, 4500), &packet))
        })
        .collect();
    assert_eq!(by(&report_of(&frames)), ["packets"]);
}
