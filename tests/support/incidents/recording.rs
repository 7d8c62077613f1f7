//! How an incident was recorded: one file or many, once or twice, with copies, beside a file that nobody can
//! read. Frames keep the number that they have in their file.

use super::dice::Dice;
use super::wire::{self, MS, Nanos, SECOND, Sent};

/// The captures of an incident.
pub(super) struct Recording {
    pub(super) files: Vec<(String, Vec<u8>)>,
    /// Of each frame that was taken, its number in the first file that has it.
    pub(super) numbers: Vec<u64>,
}

/// Records what was taken, in one of several ways.
pub(super) fn record(taken: &[Sent], dice: &mut Dice) -> Recording {
    match dice.between(0, 99) {
        0..=9 => mirrored(taken, dice),
        10..=24 => rotated(taken, dice),
        25..=34 => at_both_ends(taken, dice),
        35..=42 => beside_a_blind_one(taken, dice),
        _ => plain(taken),
    }
}

fn frames(taken: &[Sent]) -> Vec<(Nanos, &[u8])> {
    taken.iter().map(|sent| (sent.at, &sent.bytes[..])).collect()
}

fn numbered(count: usize) -> impl Iterator<Item = u64> {
    (1..).take(count)
}

fn plain(taken: &[Sent]) -> Recording {
    let files = vec![("wire.pcap".to_owned(), wire::capture(&frames(taken)))];
    Recording { files, numbers: numbered(taken.len()).collect() }
}

/// A mirror port that sends what a switch receives and what it sends: each frame comes twice.
fn mirrored(taken: &[Sent], dice: &mut Dice) -> Recording {
    let mut all: Vec<(Nanos, bool, &[u8])> = Vec::new();
    for sent in taken {
        let copied = sent.at + dice.between(3_000, 60_000);
        all.extend([(sent.at, true, &sent.bytes[..]), (copied, false, &sent.bytes[..])]);
    }
    all.sort_by_key(|(at, ..)| *at);
    let numbers =
        all.iter().zip(1..).filter(|((_, is_first, _), _)| *is_first).map(|(_, number)| number);
    let numbers = numbers.collect();
    let all: Vec<(Nanos, &[u8])> = all.iter().map(|(at, _, bytes)| (*at, *bytes)).collect();
    Recording { files: vec![("wire.pcap".to_owned(), wire::capture(&all))], numbers }
}

/// A capture that begins a new file every so many frames.
fn rotated(taken: &[Sent], dice: &mut Dice) -> Recording {
    let pieces = usize::try_from(dice.between(2, 6)).unwrap();
    let each = taken.len().div_ceil(pieces).max(1);
    let mut recording = Recording { files: Vec::new(), numbers: Vec::new() };
    for (piece, number) in taken.chunks(each).zip(1..) {
        let name = format!("wire_{number:05}.pcap");
        recording.files.push((name, wire::capture(&frames(piece))));
        recording.numbers.extend(numbered(piece.len()));
    }
    recording
}

/// The same packets a little later at the other end, by a clock that is a constant off.
fn at_both_ends(taken: &[Sent], dice: &mut Dice) -> Recording {
    let off = dice.between(-8 * SECOND, 8 * SECOND);
    let mut recording = plain(taken);
    let later: Vec<(Nanos, &[u8])> =
        taken.iter().map(|sent| (sent.at + off + MS / 2, &sent.bytes[..])).collect();
    recording.files.push(("wire_other_end.pcap".to_owned(), wire::capture(&later)));
    recording
}

/// A second capture of something else, with a link type for private use (147).
fn beside_a_blind_one(taken: &[Sent], dice: &mut Dice) -> Recording {
    let mut recording = plain(taken);
    let start = taken.first().map_or(0, |sent| sent.at);
    let blind: Vec<(Nanos, Vec<u8>)> = (0..dice.between(5, 60))
        .map(|number| (start + number * 100 * MS, dice.bytes(90)))
        .collect();
    let blind: Vec<(Nanos, &[u8])> = blind.iter().map(|(at, bytes)| (*at, &bytes[..])).collect();
    let mut file = wire::capture(&blind);
    file[20..24].copy_from_slice(&147u32.to_le_bytes());
    recording.files.push(("zz_private.pcap".to_owned(), file));
    recording
}
