//! How fast IKE messages of the samples are distinguished, parsed and judged.
#![allow(clippy::expect_used, reason = "a benchmark ends where its sample cannot be read")]

use criterion::{Criterion, Throughput};
use plainsight::capture::{RawFrame, read_pcap};
use plainsight::evidence::{EvidenceId, FrameRef};
use plainsight::ike::{EspActivity, MessageDigest, Negotiations, conclude, probe};
use plainsight::packet::{Packet, decode};
use plainsight::protection::{NamedPorts, Stream, classify};
use plainsight::time::Timestamp;
use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let messages = messages(&["healthy", "psk_mismatch", "fail_closed"]);
    let size: usize = messages.iter().map(|message| message.bytes.len()).sum();
    let mut group = criterion.benchmark_group("ike");
    let elements = messages.len() as u64;
    // Recognizing IKE reads a header, however long the message is.
    group.throughput(Throughput::Elements(elements));
    group.bench_function("probe", |bencher| {
        bencher.iter(|| {
            for message in &messages {
                black_box(probe(&message.bytes, Some(message.bytes.len())));
            }
        });
    });
    group.throughput(Throughput::ElementsAndBytes { elements, bytes: size as u64 });
    group.bench_function("parse", |bencher| {
        bencher.iter(|| messages.iter().map(Message::digest).for_each(|d| drop(black_box(d))));
    });
    group.bench_function("parse_and_conclude", |bencher| {
        bencher.iter(|| {
            let mut negotiations = Negotiations::default();
            messages.iter().map(Message::digest).for_each(|digest| {
                negotiations.observe(digest);
            });
            conclude(negotiations, &EspActivity::default())
        });
    });
    // The heaviest to read: nothing in them is encrypted.
    let opening: Vec<&Message> =
        messages.iter().filter(|message| message.bytes.get(18) == Some(&34)).collect();
    group.throughput(Throughput::Elements(opening.len() as u64));
    group.bench_function("parse_ike_sa_init", |bencher| {
        bencher.iter(|| opening.iter().map(|m| m.digest()).for_each(|d| drop(black_box(d))));
    });
    group.finish();
    criterion.final_summary();
}

/// An IKE message as a capture has it.
struct Message {
    frame: FrameRef,
    time: Timestamp,
    ends: (SocketAddr, SocketAddr),
    bytes: Vec<u8>,
}

impl Message {
    fn digest(&self) -> MessageDigest {
        let read = MessageDigest::new(self.frame, self.time, self.ends, &self.bytes);
        read.expect("what was classified as IKE has a header").0
    }
}

fn messages(samples: &[&str]) -> Vec<Message> {
    let mut messages = Vec::new();
    for (id, sample) in (1..).map(EvidenceId).zip(samples) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(sample);
        let file = std::fs::read(folder.join("capture.pcap")).expect("the sample is there");
        let mut visit = |frame: RawFrame<'_>| {
            messages.extend(message_of(id, &frame));
            true
        };
        read_pcap(file.as_slice(), &mut visit).expect("memory gives no read error");
    }
    messages
}

fn message_of(evidence: EvidenceId, frame: &RawFrame<'_>) -> Option<Message> {
    let Packet::Ip(ip) = decode(frame) else { return None };
    if classify(&ip, &NamedPorts::default()) != Stream::Ike {
        return None;
    }
    let ports = ip.ports?;
    let source = SocketAddr::new(ip.source(), ports.source);
    let destination = SocketAddr::new(ip.destination(), ports.destination);
    let frame_ref = FrameRef { evidence, frame: frame.number };
    // RFC 3948 §2.2: the non-ESP marker of UDP 4500 is not part of the message.
    let bytes = ip.payload.strip_prefix(&[0; 4]).unwrap_or(ip.payload).to_vec();
    Some(Message { frame: frame_ref, time: frame.time, ends: (source, destination), bytes })
}
