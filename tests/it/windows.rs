//! Where windows begin and end (docs/report.md): thirty seconds, or five with protected packets
//! between.

use crate::support::pcapng::{Order, pcap};
use crate::support::program::analyze;
use std::io::Write as _;

/// What is sent in a second: clear text or ESP.
#[derive(Clone, Copy)]
enum Sent {
    Clear(u32),
    Esp(u32),
}

use Sent::{Clear, Esp};

fn frame(sent: Sent) -> (u32, Vec<u8>) {
    let (second, protocol, body) = match sent {
        Clear(second) => (second, 17, [0x9c, 0x40, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4]),
        Esp(second) => (second, 50, [0xc3, 1, 2, 3, 0, 0, 0, 1, 9, 8, 7, 6]),
    };
    let mut frame =
        [&[2; 12][..], &[8, 0, 0x45, 0, 0, 32, 0, 0, 0, 0, 64, protocol, 0, 0]].concat();
    frame.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend(body);
    (second, frame)
}

/// ESP between the IPv4 addresses of two hosts, clear text between their IPv6 addresses.
#[test]
fn an_address_family_that_goes_past_the_policy_is_an_alternate_path() {
    let mut bare = [&[2; 12][..], &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 12, 17, 64]].concat();
    for host in [1, 2] {
        bare.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    bare.extend([0x9c, 0x40, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4]);
    let (_, esp) = frame(Esp(0));
    let frames: [(u32, u32, &[u8]); 3] = [(10, 0, &esp), (11, 0, &bare), (12, 0, &esp)];
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        path
    };
    let capture = write("path.pcap", &pcap(Order::Little, 0xa1b2_c3d4, &frames));
    let policy = write(
        "policy.toml",
        b"[hosts]\none = [\"10.0.0.1\", \"fd00::1\"]\nother = [\"10.0.0.2\", \"fd00::2\"]\n[[protect]]\nbetween = [\"one\", \"other\"]\n",
    );
    let report = analyze(&[&capture], &["--policy", policy.to_str().unwrap()]);
    let [window] = &report.windows[..] else { panic!("{:?}", report.windows) };
    assert_eq!((window.a.as_str(), window.first.frame), ("fd00::1", 2));
    assert_eq!(window.causes[0].reason, "alternate_path");
}

/// The windows of what was sent: first and last frame, and whether mixed.
fn windows(sent: &[Sent], options: &[&str]) -> Vec<(u64, u64, bool)> {
    let frames: Vec<(u32, Vec<u8>)> = sent.iter().map(|sent| frame(*sent)).collect();
    let frames: Vec<(u32, u32, &[u8])> =
        frames.iter().map(|(second, frame)| (1_000 + second, 0, &frame[..])).collect();
    let mut file = tempfile::NamedTempFile::with_suffix(".pcap").unwrap();
    file.write_all(&pcap(Order::Little, 0xa1b2_c3d4, &frames)).unwrap();
    let report = analyze(&[file.path()], options);
    report.windows.iter().map(|w| (w.first.frame, w.last.frame, w.mixed)).collect()
}

#[test]
fn more_than_thirty_seconds_apart_are_two_windows() {
    let apart = |seconds: u32| windows(&[Esp(0), Clear(10), Clear(10 + seconds)], &[]);
    assert_eq!(apart(30), [(2, 3, false)]);
    assert_eq!(apart(31), [(2, 2, false), (3, 3, false)]);
}

#[test]
fn protected_packets_between_end_a_window_after_five_seconds() {
    let apart = |seconds: u32| windows(&[Clear(10), Esp(12), Clear(10 + seconds)], &[]);
    assert_eq!(apart(5), [(1, 3, true)]);
    assert_eq!(apart(6), [(1, 1, false), (3, 3, false)]);
}

#[test]
fn the_gap_is_the_users_to_choose() {
    let sent = [Esp(0), Clear(10), Clear(20), Clear(60)];
    assert_eq!(windows(&sent, &["--gap", "5s"]).len(), 3);
    assert_eq!(windows(&sent, &["--gap", "1m"]).len(), 1);
}

#[test]
fn a_pair_without_a_requirement_has_no_window() {
    assert_eq!(windows(&[Clear(0), Clear(1)], &[]), []);
    let demanded = windows(&[Clear(0), Clear(1)], &["--protect", "10.0.0.0/24=10.0.0.2"]);
    assert_eq!(demanded, [(1, 2, false)]);
}

#[test]
fn packets_out_of_order_open_no_further_window() {
    assert_eq!(windows(&[Esp(0), Clear(12), Clear(10), Clear(11)], &[]), [(3, 2, false)]);
}
