//! Every frame of the lab has the class its truth says.

use crate::lab;
use plainsight::capture::{CaptureOutline, RawFrame, read_pcap, read_pcapng};
use plainsight::evidence::EvidenceId;
use plainsight::ike::{EspActivity, conclude};
use plainsight::protection::{NamedPorts, ProtectionClass};
use plainsight::summary::{CaptureObserver, CaptureSummary, Unpaired};
use std::collections::BTreeMap;
use std::path::Path;

fn summarize(path: &Path) -> (CaptureOutline, CaptureSummary) {
    let named = NamedPorts::default();
    let mut observer = CaptureObserver::new(EvidenceId(1), &named);
    let bytes = std::fs::read(path).unwrap();
    let mut visit = |frame: RawFrame<'_>| {
        observer.observe(&frame);
        true
    };
    let outline = if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        read_pcapng(&bytes[..], &mut visit).unwrap()
    } else {
        read_pcap(&bytes[..], &mut visit).unwrap()
    };
    (outline, observer.finish())
}

fn by_class(summary: &CaptureSummary) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for (pair, streams) in &summary.streams {
        for (stream, runs) in streams {
            let is_null = summary.null_encrypted.contains(&(*pair, *stream));
            let class = if is_null { ProtectionClass::EspNull } else { stream.class() };
            *counts.entry(class.as_str()).or_default() +=
                runs.iter().map(|r| r.frames).sum::<u64>();
        }
    }
    for (kind, count) in &summary.unpaired {
        let class = match kind {
            Unpaired::Arp => "exempt",
            Unpaired::NonIp(_) => "non_ip",
            Unpaired::Undecodable(_) => "undecodable",
        };
        *counts.entry(class).or_default() += count.frames;
    }
    counts
}

#[test]
fn dump() {
    for folder in lab::scenarios() {
        let truth = lab::json(folder.join("truth.json"));
        for capture in truth["captures"].as_array().unwrap() {
            let path = folder.join(capture["file"].as_str().unwrap());
            let (outline, summary) = summarize(&path);
            println!("{} {} {:?}", path.display(), outline.frames, by_class(&summary));
            println!("   {}", capture["frame_counts"]);
            let mut esp = EspActivity::default();
            for (pair, streams) in &summary.streams {
                for (stream, runs) in streams {
                    if matches!(stream.class(), ProtectionClass::Esp | ProtectionClass::EspNull) {
                        let uses = esp.0.entry(*pair).or_default();
                        uses.push(plainsight::ike::EspUse {
                            start: runs[0].start,
                            end: runs.last().unwrap().end,
                        });
                    }
                }
            }
            for uses in esp.0.values_mut() {
                uses.sort();
            }
            for x in conclude(&summary.negotiations, &esp) {
                println!(
                    "   {} {}-{} n{} rx{} {:?} {:?} {} inf={} del={:?} {:?}",
                    x.initiator_spi,
                    x.first.frame.0,
                    x.last.frame.0,
                    x.messages,
                    x.retransmissions,
                    x.outcome,
                    x.reason,
                    x.state,
                    x.inferred,
                    x.deleted,
                    x.notifies.len()
                );
            }
            for (u, (a, b, n)) in &summary.unreachable {
                println!("   {u:?} {}-{} {n}", a.frame.frame.0, b.frame.frame.0);
            }
        }
    }
}
