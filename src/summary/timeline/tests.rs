//! Runs, and how they are cut and joined.

use super::*;
use crate::evidence::{EvidenceId, FrameNumber};
use proptest::prelude::*;

fn seen(frame: u64, millis: i64) -> PacketRecord {
    let frame = FrameRef { evidence: EvidenceId(1), frame: FrameNumber(frame) };
    PacketRecord::of_frame(frame, Timestamp(millis * 1_000_000))
}

#[test]
fn a_silence_of_more_than_a_second_ends_a_run() {
    let mut runs = Runs::default();
    for (frame, millis) in [(1, 0), (2, 1000), (3, 2001), (4, 2100)] {
        runs.observe(&seen(frame, millis), &mut Room::default());
    }
    let runs = runs.finish();
    assert_eq!(runs.iter().map(|r| r.frames).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(runs[1].first.frame, FrameNumber(3));
}

#[test]
fn protected_between_two_close_clear_packets_is_interleaved() {
    let mut pair = Interleaving::default();
    let mut room = Room::default();
    pair.clear(&seen(1, 0), &mut room);
    pair.protected(Direction::BToA);
    pair.clear(&seen(3, 10), &mut room);
    assert_eq!(pair.stretches.unwrap().finish().len(), 1);
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(times in proptest::collection::vec(0i64..20_000, 1..60)) {
        let packets: Vec<PacketRecord> =
            times.iter().enumerate().map(|(at, t)| seen(at as u64, *t)).collect();
        let mut forth = Runs::default();
        let mut room = Room::default();
        packets.iter().for_each(|p| forth.observe(p, &mut room));
        let mut sorted = packets.clone();
        sorted.sort_by_key(|p| (p.time, p.frame));
        let mut in_time = Runs::default();
        sorted.iter().for_each(|p| in_time.observe(p, &mut room));
        prop_assert_eq!(forth.finish(), in_time.finish());
    }
}
