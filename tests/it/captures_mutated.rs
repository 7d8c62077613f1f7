//! Captures damaged in ten thousand ways: nothing stops the reading, and the ledger always balances.

use crate::support::numbers::Numbers;
use plainsight::capture::{RawFrame, read_pcap, read_pcapng};
use plainsight::correlate::{GapRule, correlate};
use plainsight::evidence::{EvidenceId, Extent};
use plainsight::policy::Policy;
use plainsight::protection::NamedPorts;
use plainsight::summary::{CaptureObserver, Count, Summary};
use plainsight::time::Span;
use std::path::Path;

/// One to eight changes: a byte set, a bit turned, bytes taken out, put in, or the end cut.
fn damage(any: &mut Numbers, file: &[u8]) -> Vec<u8> {
    let mut damaged = file.to_vec();
    for _ in 0..=any.below(8) {
        let at = any.below(damaged.len().max(1));
        match any.below(6) {
            0 if at < damaged.len() => damaged[at] = any.below(256).to_le_bytes()[0],
            1 if at < damaged.len() => damaged[at] ^= 1 << any.below(8),
            2 => {
                let end = (at + any.below(40)).min(damaged.len());
                damaged.drain(at..end);
            }
            3 => {
                let filling = vec![any.below(256).to_le_bytes()[0]; any.below(40)];
                damaged.splice(at..at, filling);
            }
            4 if at + 4 <= damaged.len() => {
                // Lengths and counts are what readers trust.
                let lie = [0, 1, 4, 0x7fff_ffff, u32::MAX][any.below(5)];
                damaged[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            }
            _ => damaged.truncate(at.max(24)),
        }
    }
    damaged
}

/// Reads, judges, and adds up.
fn hold(file: &[u8]) {
    let named = NamedPorts::default();
    let mut observer = CaptureObserver::new(EvidenceId(1), &named);
    let mut seen = Count::default();
    let mut visit = |frame: RawFrame<'_>| {
        seen.add(u64::from(frame.original_len), frame.data.len() as u64);
        observer.observe(&frame);
        true
    };
    let outline = if file.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        read_pcapng(file, &mut visit).unwrap()
    } else {
        read_pcap(file, &mut visit).unwrap()
    };
    let covered: u64 = outline.coverage.values().map(|extent| extent.bytes).sum();
    assert!(covered <= file.len() as u64, "no byte is accounted for twice");
    assert!(covered == file.len() as u64 || !outline.problems.is_empty(), "a rest is reported");
    assert_eq!(outline.frames, seen.frames);
    let summary = observer.finish();
    assert_eq!(summary.total, seen);
    let ledger = summary.ledger();
    let sum = |of: fn(&Extent) -> u64| ledger.values().map(of).sum::<u64>();
    assert_eq!((sum(|e| e.bytes), sum(|e| e.records)), (seen.captured, seen.frames));
    let evidence = Summary { captures: [(EvidenceId(1), summary)].into(), ..Summary::default() };
    let rule = GapRule::with_gap(Span::from_seconds(30));
    let facts = correlate(&evidence, &Policy::default(), rule);
    let copies: u64 = facts.duplicates.values().map(|reported| reported.count.frames).sum();
    assert_eq!(facts.total.frames + copies, seen.frames, "every frame has one class or is a copy");
}

#[test]
fn ten_thousand_damaged_captures_are_read_to_the_end_and_add_up() {
    let mut any = Numbers(0x9e37_79b9_7f4a_7c15);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let files = ["psk_mismatch/capture.pcap", "esp_null/capture.pcap", "no_ipsec/capture.pcapng"];
    let files = files.map(|file| std::fs::read(samples.join(file)).unwrap());
    for round in 0..10_000 {
        let file = &files[round % files.len()];
        // Mostly beginnings, so that the damage hits what is read first.
        let length = 2_000 + any.below(8_000);
        hold(&damage(&mut any, &file[..length.min(file.len())]));
    }
}
