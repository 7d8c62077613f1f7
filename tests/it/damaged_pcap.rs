//! Captures that were joined with `cat`, and captures with a damaged record header: what is whole is read, and
//! what was passed over is named.

use crate::support::pcapng::{Order, pcap};
use plainsight::capture::{CaptureOutline, read_pcap};
use plainsight::evidence::{CaptureProblem, ProblemCode, ProblemKind};

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;

/// Frames of such lengths, a second apart; each byte shows its frame.
fn capture(order: Order, magic: u32, first: u32, lengths: &[usize]) -> Vec<u8> {
    let frames: Vec<Vec<u8>> = (1u8..).zip(lengths).map(|(n, length)| vec![n; *length]).collect();
    let numbered = (first..).zip(&frames);
    let frames: Vec<(u32, u32, &[u8])> = numbered.map(|(s, f)| (s, 250_000, &f[..])).collect();
    pcap(order, magic, &frames)
}

/// The outline; of each frame its first byte, its length and its seconds.
fn read(bytes: &[u8]) -> (CaptureOutline, Vec<(u8, usize, i64)>) {
    let mut frames = Vec::new();
    let outline = read_pcap(bytes, &mut |frame| {
        let seconds = frame.time.0 / 1_000_000_000;
        frames.push((frame.data.first().copied().unwrap_or(0), frame.data.len(), seconds));
        true
    });
    (outline.unwrap(), frames)
}

fn problems(outline: &CaptureOutline) -> Vec<(ProblemCode, Option<u64>)> {
    outline.problems.iter().map(|problem| (problem.code(), problem.offset)).collect()
}

/// Bytes of the file by where they went; they add up to it.
fn covered(outline: &CaptureOutline) -> u64 {
    outline.coverage.values().map(|extent| extent.bytes).sum()
}

#[test]
fn joined_captures_are_read_on_whatever_their_byte_order_and_resolution() {
    let parts = [
        capture(Order::Little, MICROSECONDS, 1_000_000_000, &[60, 70]),
        capture(Order::Big, MICROSECONDS, 1_000_000_900, &[80]),
        capture(Order::Little, NANOSECONDS, 1_000_002_000, &[90, 100]),
    ];
    let file = parts.concat();
    let (outline, frames) = read(&file);
    let lengths: Vec<usize> = frames.iter().map(|frame| frame.1).collect();
    assert_eq!(lengths, [60, 70, 80, 90, 100]);
    let seconds: Vec<i64> = frames.iter().map(|frame| frame.2).collect();
    assert_eq!(
        seconds,
        [1_000_000_000, 1_000_000_001, 1_000_000_900, 1_000_002_000, 1_000_002_001]
    );
    let second = parts[0].len() as u64;
    let third = second + parts[1].len() as u64;
    assert_eq!(
        problems(&outline),
        [(ProblemCode::Joined, Some(second)), (ProblemCode::Joined, Some(third))]
    );
    assert_eq!(covered(&outline), file.len() as u64);
    assert_eq!(outline.interfaces.len(), 2, "one for each kind of header");
}

#[test]
fn a_capture_without_frames_in_front_of_another_is_read_on() {
    let empty = capture(Order::Little, MICROSECONDS, 0, &[]);
    let (outline, frames) =
        read(&[&empty[..], &capture(Order::Big, MICROSECONDS, 9, &[64])].concat());
    assert_eq!(frames, [(1, 64, 9)]);
    assert_eq!(problems(&outline), [(ProblemCode::Joined, Some(24))]);
}

#[test]
fn a_damaged_record_header_costs_the_search_for_the_next_record() {
    let lengths = [100, 200, 300, 400, 500];
    let whole = capture(Order::Little, MICROSECONDS, 1_000_000_000, &lengths);
    // The second record begins behind the file header and the first record.
    let at = 24 + 16 + 100;
    let next = at as u64 + 16 + 200;
    // The captured length: more than can be, more than there is, more than there was.
    for damage in [0xffff_ffff_u32, 200_000, 1_000] {
        let mut file = whole.clone();
        file[at + 8..at + 12].copy_from_slice(&damage.to_le_bytes());
        let (outline, frames) = read(&file);
        let read: Vec<usize> = frames.iter().map(|frame| frame.1).collect();
        assert_eq!(read, [100, 300, 400, 500], "{damage}");
        assert_eq!(problems(&outline), [(ProblemCode::Skipped, Some(at as u64))], "{damage}");
        let ProblemKind::Capture(CaptureProblem::FrameSkipped { next: continued, .. }) =
            outline.problems[0].kind
        else {
            panic!("{:?}", outline.problems)
        };
        assert_eq!(continued, next, "{damage}");
        assert_eq!(outline.coverage["skipped"].bytes, 216, "{damage}");
        assert_eq!(covered(&outline), file.len() as u64, "{damage}");
    }
}

#[test]
fn damage_behind_which_nothing_follows_ends_the_file() {
    let mut file = capture(Order::Little, MICROSECONDS, 1_000_000_000, &[100, 200]);
    let at = 24 + 16 + 100;
    file[at + 8..at + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let (outline, frames) = read(&file);
    assert_eq!(frames.len(), 1);
    assert_eq!(problems(&outline), [(ProblemCode::Corrupt, Some(at as u64))]);
    // A file that was cut is no damage.
    let cut = capture(Order::Little, MICROSECONDS, 1_000_000_000, &[100, 200]);
    let (outline, _) = read(&cut[..cut.len() - 50]);
    assert_eq!(problems(&outline), [(ProblemCode::Truncated, Some(at as u64))]);
}

/// Zeros in the middle look like records of nothing at the beginning of time.
#[test]
fn zeros_are_no_record_to_go_on_with() {
    let mut file = capture(Order::Little, MICROSECONDS, 1_000_000_000, &[100, 900, 300, 300]);
    let at = 24 + 16 + 100;
    file[at..at + 600].fill(0);
    file[at + 8..at + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let (outline, frames) = read(&file);
    let read: Vec<usize> = frames.iter().map(|frame| frame.1).collect();
    assert_eq!(read, [100, 300, 300]);
    assert_eq!(problems(&outline), [(ProblemCode::Skipped, Some(at as u64))]);
}

/// The search looks at each byte once: a file of nothing but damage is read in about the time of any other.
#[test]
fn damage_everywhere_is_searched_in_one_pass() {
    let mut file = capture(Order::Little, MICROSECONDS, 1_000_000_000, &[64; 3]);
    // Two good records and a damaged one, again and again.
    let pieces = capture(Order::Little, MICROSECONDS, 1_000_000_000, &[64; 200])[24..].to_vec();
    let mut pieces: Vec<u8> = pieces.repeat(100);
    for record in pieces.chunks_mut(80).skip(2).step_by(4) {
        record[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    }
    file.extend(&pieces);
    file.extend(capture(Order::Little, MICROSECONDS, 1_000_000_000, &[64; 3])[24..].iter());
    let (outline, frames) = read(&file);
    assert_eq!(frames.len(), 3 + 3 + 20_000 - 5_000);
    assert_eq!(covered(&outline), file.len() as u64);
}
