//! Proves that no memory is asked for a packet: ends with a failure where it is.
//!
//! Counts allocations over a capture and over one twice as long. What both need, for buffers and
//! for host pairs, cancels out; what the longer one needs beyond it, its packets need.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a check for developers: it prints what it counted"
)]

mod traffic;

use plainsight::capture::{read_pcap, read_pcapng};
use plainsight::evidence::EvidenceId;
use plainsight::protection::NamedPorts;
use plainsight::summary::CaptureObserver;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::process::ExitCode;
use traffic::{Flows, MIXES, Mix};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let mut is_kept = true;
    // In so few packets of so many flows nearly each begins one.
    let is_steady = |mix: &Mix| !matches!(mix.flows, Flows::Many(flows) if flows > 64);
    for (name, mix) in MIXES.into_iter().filter(|(_, mix)| is_steady(mix)) {
        for (container, is_pcapng) in [("pcap", false), ("pcapng", true)] {
            let half = allocations(mix, FRAMES / 2, is_pcapng);
            let whole = allocations(mix, FRAMES, is_pcapng);
            let per_packet = (f64::from(whole) - f64::from(half)) / f64::from(FRAMES / 2);
            println!("{container} {name}: {per_packet:.5} allocations per packet, {whole} in all");
            is_kept &= per_packet <= MOST_PER_PACKET;
        }
    }
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Allocations and reallocations while a capture is read, classified and summed up.
fn allocations(mix: Mix, frames: u32, is_pcapng: bool) -> u32 {
    let file = if is_pcapng { traffic::pcapng(mix, frames) } else { traffic::pcap(mix, frames) };
    let named = NamedPorts::default();
    let region = Region::new(ALLOCATOR);
    let mut observer = CaptureObserver::new(EvidenceId(1), &named);
    let read = if is_pcapng {
        read_pcapng(file.as_slice(), &mut |frame| {
            observer.observe(&frame);
            true
        })
    } else {
        read_pcap(file.as_slice(), &mut |frame| {
            observer.observe(&frame);
            true
        })
    };
    let summary = observer.finish();
    let change = region.change();
    let outline = read.expect("memory gives no read error");
    assert_eq!((outline.frames, summary.total.frames), (u64::from(frames), u64::from(frames)));
    let count = change.allocations + change.reallocations;
    u32::try_from(count).expect("a few allocations for each of some thousand packets")
}

const FRAMES: u32 = 100_000;
/// A table that doubles now and then is no allocation for a packet.
const MOST_PER_PACKET: f64 = 0.01;
