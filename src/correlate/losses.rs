//! What captures show apart from windows: duplicate packets, missing packets, credentials.

use crate::evidence::EvidenceId;
use crate::hosts::{Direction, HostPair};
use crate::protection::duplicate::DuplicateKind;
use crate::protection::esp_sequence::SequenceNumbers;
use crate::protection::secret::Secret;
use crate::protection::{EspSpi, Stream};
use crate::summary::{
    CaptureSummary, ClassRun, Count, PacketRecord, SharedPackets, Summary, TcpGap,
};
use std::collections::{BTreeMap, BTreeSet};

/// ESP packets of one SPI that are missing in a capture although later ones followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EspGap {
    /// The capture.
    pub evidence: EvidenceId,
    /// The two hosts.
    pub pair: HostPair,
    /// The direction of the packets.
    pub direction: Direction,
    /// Their SPI.
    pub spi: EspSpi,
    /// How many sequence numbers between the lowest and the highest are missing.
    pub missing: u64,
    /// How many packets are present.
    pub packets: u64,
}

/// Duplicate frames in a capture.
#[derive(Clone, Copy, Debug, Default)]
pub struct Duplicates {
    /// All of them.
    pub count: Count,
    /// Those that belong to a pair, as one run; `None` where none does.
    pub run: Option<ClassRun>,
    /// The other capture that shows them, where they are of two captures.
    pub shared_packets: Option<SharedPackets>,
}

pub(super) fn duplicates(summary: &Summary) -> BTreeMap<(EvidenceId, DuplicateKind), Duplicates> {
    let mut all: BTreeMap<(EvidenceId, DuplicateKind), Duplicates> = BTreeMap::new();
    for (evidence, capture) in &summary.captures {
        for (kind, runs) in capture.duplicates.values().flatten() {
            let known = all.entry((*evidence, *kind)).or_default();
            known.shared_packets = match kind {
                DuplicateKind::OtherCapture => capture.shared_packets,
                DuplicateKind::SameInterface | DuplicateKind::OtherInterface => None,
            };
            known.count.join(Count::of(runs));
            for run in runs {
                match &mut known.run {
                    Some(known) => known.absorb(*run),
                    None => known.run = Some(*run),
                }
            }
        }
        for (kind, count) in &capture.unpaired_duplicates {
            all.entry((*evidence, *kind)).or_default().count.join(*count);
        }
    }
    all
}

/// The gaps of every capture, by capture, pair and SPI.
pub(super) fn esp_gaps(summary: &Summary) -> Vec<EspGap> {
    let no_esp = summary.no_esp();
    let of_captures = summary.captures.iter().flat_map(|(evidence, capture)| {
        capture
            .esp_gaps
            .iter()
            .map(move |((pair, stream), numbers)| (*evidence, *pair, *stream, *numbers))
    });
    of_captures
        .filter(|(_, pair, stream, _)| !no_esp.contains(&(*pair, *stream)))
        .filter_map(|(evidence, pair, stream, numbers)| match stream {
            Stream::Esp(spi, direction) => Some(EspGap {
                evidence,
                pair,
                direction,
                spi,
                missing: numbers.missing(),
                packets: numbers.packets(),
            }),
            Stream::WespIntegrityOnly(..)
            | Stream::Ah(..)
            | Stream::Ike
            | Stream::NattKeepalive
            | Stream::Exempt(_)
            | Stream::Clear { .. }
            | Stream::Undecodable(_) => None,
        })
        .collect()
}

/// Captures that hold one packet in many: in every busy SPI at least half of the sequence numbers are missing,
/// at least two of five packets are preceded by a gap, and all SPIs have about the same share. A lossy capture
/// loses packets in bursts, and rarely the same share of each SPI.
pub(super) fn sampled(summary: &Summary) -> BTreeSet<EvidenceId> {
    let is_sampled = |files: &[&CaptureSummary]| {
        let mut ratios: Vec<u64> = Vec::new();
        let mut frames: BTreeMap<(HostPair, Stream), u64> = BTreeMap::new();
        let mut gaps: BTreeMap<_, SequenceNumbers> = BTreeMap::new();
        for capture in files {
            gaps.extend(capture.esp_gaps.iter().map(|(key, numbers)| (*key, *numbers)));
            for (pair, of_pair) in &capture.streams {
                for (stream, runs) in of_pair {
                    *frames.entry((*pair, *stream)).or_default() += Count::of(runs).frames;
                }
            }
        }
        for (key, frames) in frames {
            let is_esp = matches!(key.1, Stream::Esp(spi, _) if spi != EspSpi(0));
            if !is_esp || frames < BUSY_SPI {
                continue;
            }
            let Some(numbers) = gaps.get(&key).filter(|numbers| numbers.is_thinned()) else {
                return false;
            };
            ratios.push(numbers.missing() / numbers.packets().max(1));
        }
        let (least, most) = (ratios.iter().min(), ratios.iter().max());
        let alike = |(least, most): (&u64, &u64)| *least >= 1 && *most <= least.saturating_mul(2);
        ratios.len() >= 2 && least.zip(most).is_some_and(alike)
    };
    let captures = summary.files_of_captures();
    let sampled = captures.iter().filter(|(_, files)| is_sampled(files)).map(|(first, _)| *first);
    let sampled: BTreeSet<EvidenceId> = sampled.collect();
    let first_files = summary.first_files();
    let files = summary.captures.keys().copied();
    files.filter(|file| sampled.contains(&first_files.of(*file))).collect()
}

/// An SPI with fewer packets shows no share.
const BUSY_SPI: u64 = 16;

/// Bytes of TCP that a capture lost between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpLoss {
    /// The capture.
    pub evidence: EvidenceId,
    /// The two hosts.
    pub pair: HostPair,
    /// How much, in how many connections.
    pub gap: TcpGap,
}

/// By capture and pair. Where a pair's packets also travel under IPsec, the missing part may have been
/// protected; such pairs are left out.
pub(super) fn tcp_gaps(summary: &Summary) -> Vec<TcpLoss> {
    let mut all = Vec::new();
    let protected = under_ipsec(summary);
    for (evidence, capture) in &summary.captures {
        for (pair, gap) in capture.tcp_gaps.iter().filter(|(pair, _)| !protected.contains(pair)) {
            all.push(TcpLoss { evidence: *evidence, pair: *pair, gap: *gap });
        }
    }
    all
}

/// Pairs with packets under IPsec in a capture.
fn under_ipsec(summary: &Summary) -> BTreeSet<HostPair> {
    let protects = |stream: &Stream| stream.class().is_ipsec();
    let mut pairs = BTreeSet::new();
    for capture in summary.captures.values() {
        let shown = capture.streams.iter();
        let shown = shown.filter(|(_, streams)| streams.keys().any(protects)).map(|(pair, _)| pair);
        let again = capture.decrypted_copies.keys().chain(capture.ipsec_offload.keys());
        pairs.extend(shown.chain(again).copied());
    }
    pairs
}

/// Credentials in clear text.
#[derive(Clone, Copy, Debug)]
pub struct Exposure {
    /// The two hosts.
    pub pair: HostPair,
    /// In which form.
    pub secret: Secret,
    /// The first packet of a capture.
    pub first: PacketRecord,
    /// The last one.
    pub last: PacketRecord,
    /// How many packets.
    pub packets: u64,
}

/// By pair and form, capture by capture. A packet captured before or after IPsec was not exposed; pairs with
/// such packets are left out.
pub(super) fn exposures(summary: &Summary) -> Vec<Exposure> {
    let (first_files, shown_again) = (summary.first_files(), summary.shown_again());
    let mut all: BTreeMap<(HostPair, Secret, EvidenceId), Exposure> = BTreeMap::new();
    for (file, capture) in &summary.captures {
        let of_capture = first_files.of(*file);
        for ((pair, secret), (first, last, packets)) in &capture.secrets {
            if shown_again.contains(&(of_capture, *pair)) {
                continue;
            }
            let (first, last) = (*first, *last);
            let none = || Exposure { pair: *pair, secret: *secret, first, last, packets: 0 };
            let known = all.entry((*pair, *secret, of_capture)).or_insert_with(none);
            let in_time = |seen: &PacketRecord| (seen.time, seen.frame);
            known.first = std::cmp::min_by_key(known.first, first, in_time);
            known.last = std::cmp::max_by_key(known.last, last, in_time);
            known.packets = known.packets.saturating_add(*packets);
        }
    }
    let mut all: Vec<Exposure> = all.into_values().collect();
    all.sort_by_key(|exposure| {
        (exposure.pair, exposure.secret, exposure.first.time, exposure.first.frame)
    });
    all
}
