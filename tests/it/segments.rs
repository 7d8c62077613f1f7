//! One capture in many files gives what the whole gives, however it is cut, read by `analyze` or put together
//! from summaries in any order.

use crate::support::ike_builder::write;
use crate::support::numbers::Numbers;
use crate::support::pcapng::{Order, pcap};
use crate::support::samples::folders;
use crate::support::truth::report;
use crate::support::{shared, summary_set};
use etherparse::PacketBuilder;
use plainsight::analysis::{Analysis, Question, Request, Unwatched, judge, read_parts};
use plainsight::correlate::GapRule;
use plainsight::policy::{Policy, parse};
use plainsight::report::schema::{Options, Report};
use plainsight::report::{Sources, build, to_json};
use plainsight::summary::{Part, SummaryFile, SummarySet, join_summaries, write_summary};
use plainsight::time::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A capture's head and its records.
struct Capture {
    head: Vec<u8>,
    records: Vec<Vec<u8>>,
}

fn word(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize
}

impl Capture {
    /// Of pcap or pcapng in little-endian order.
    fn read(file: &[u8]) -> Self {
        let is_pcapng = file.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
        let (mut head, mut rest) =
            if is_pcapng { (Vec::new(), file) } else { (file[..24].to_vec(), &file[24..]) };
        let mut records = Vec::new();
        while !rest.is_empty() {
            let length = if is_pcapng { word(&rest[4..]) } else { 16 + word(&rest[8..]) };
            let (record, behind) = rest.split_at(length);
            match (is_pcapng, word(record)) {
                // Section header and interface description are before all pieces.
                (true, 0x0a0d_0d0a | 1) => head.extend(record),
                (true, 6) | (false, _) => records.push(record.to_vec()),
                (true, _) => {}
            }
            rest = behind;
        }
        Self { head, records }
    }

    /// Pieces that begin before these records.
    fn cut(&self, at: &BTreeSet<usize>) -> Vec<Vec<u8>> {
        let inside = at.iter().copied().filter(|at| (1..self.records.len()).contains(at));
        let ends: Vec<usize> = [0].into_iter().chain(inside).chain([self.records.len()]).collect();
        let piece =
            |ends: &[usize]| [&self.head[..], &self.records[ends[0]..ends[1]].concat()].concat();
        ends.windows(2).map(piece).collect()
    }

    fn every(&self, records: usize) -> BTreeSet<usize> {
        (0..self.records.len()).step_by(records).collect()
    }
}

/// What must not depend on the cuts.
#[derive(Debug, PartialEq)]
struct Judged {
    verdict: String,
    pairs: BTreeMap<(String, String), (String, u64)>,
    windows: Vec<(String, String, u64, u64, Vec<String>)>,
    findings: BTreeSet<(String, String)>,
    classes: String,
    artefacts: BTreeMap<String, u64>,
}

fn judged(report: &Report) -> Judged {
    let pairs = report.pairs.iter();
    let windows = report.windows.iter().map(|window| {
        let causes = window.causes.iter().map(|cause| cause.reason.clone()).collect();
        (window.start.clone(), window.end.clone(), window.frames, window.bytes, causes)
    });
    let findings = report.findings.iter().map(|f| (f.code.clone(), f.severity.clone()));
    let artefacts = report.totals.artefacts.iter();
    Judged {
        verdict: report.verdict.clone(),
        pairs: pairs
            .map(|pair| ((pair.a.clone(), pair.b.clone()), (pair.verdict.clone(), pair.frames)))
            .collect(),
        windows: windows.collect(),
        findings: findings.collect(),
        classes: serde_json::to_string(&report.totals.by_class).unwrap(),
        artefacts: artefacts.map(|(kind, count)| (kind.clone(), count.frames)).collect(),
    }
}

/// Evidence in a folder, with a capture in pieces.
fn of_pieces(pieces: &[Vec<u8>], others: &[PathBuf], policy: &Policy) -> Judged {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = others.to_vec();
    for (number, piece) in pieces.iter().enumerate() {
        let path = folder.path().join(format!("ring{number:05}"));
        write(&path, piece);
        paths.push(path);
    }
    judged(&report(paths, policy.clone()))
}

/// The numbers of the records that lie at the edges of windows, and those of IKE.
fn deciding_places(report: &Report) -> BTreeSet<usize> {
    let windows = report.windows.iter().flat_map(|window| [&window.first, &window.last]);
    let negotiations = report.ike_exchanges.iter().flat_map(|ike| [&ike.first, &ike.last]);
    let places = windows.chain(negotiations);
    let frames = places.map(|place| usize::try_from(place.frame).unwrap());
    frames.flat_map(|frame| [frame - 1, frame]).collect()
}

fn is_capture(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "pcap" || end == "pcapng")
}

#[test]
fn every_sample_in_pieces_is_judged_as_the_whole() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for folder in folders(&samples) {
        let all = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let (captures, others): (Vec<PathBuf>, Vec<PathBuf>) =
            all.partition(|path| is_capture(path));
        let Some(path) = captures.first() else { continue };
        let logs: Vec<PathBuf> = others
            .into_iter()
            .filter(|path| path.extension().is_some_and(|e| e == "evtx"))
            .collect();
        let policy = fs::read_to_string(folder.join("policy.toml"));
        let policy = policy.map_or_else(|_| Policy::default(), |text| parse(&text).unwrap());
        let capture = Capture::read(&fs::read(path).unwrap());
        let paths = [std::slice::from_ref(path), &logs].concat();
        let whole = report(paths, policy.clone());
        let places = deciding_places(&whole);
        let whole = judged(&whole);
        for at in [capture.every(5), capture.every(23), capture.every(100), places] {
            let pieces = capture.cut(&at);
            let reported = of_pieces(&pieces, &logs, &policy);
            assert_eq!(reported, whole, "{} in {} pieces", folder.display(), pieces.len());
        }
    }
}

/// The pieces are those of `dumpcap -b packets:N`, `editcap -c` and a cut at each place that decides.
#[test]
fn every_capture_of_the_laboratory_in_pieces_is_judged_as_the_whole() {
    let Some(shared) = shared("segments") else { return };
    let mut cut = 0;
    for folder in fs::read_dir(shared.join("lab")).unwrap().map(|entry| entry.unwrap().path()) {
        let files = fs::read_dir(&folder).into_iter().flatten();
        let files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
        let capture = files.iter().find(|path| path.file_stem() == Some("capture".as_ref()));
        let Some(path) = capture.cloned() else { continue };
        let is_log = |path: &&PathBuf| path.extension().is_some_and(|e| e == "evtx" || e == "evt");
        let logs: Vec<PathBuf> = files.iter().filter(is_log).cloned().collect();
        let capture = Capture::read(&fs::read(&path).unwrap());
        let policy = Policy::default();
        let whole = report([vec![path], logs.clone()].concat(), policy.clone());
        let places = deciding_places(&whole);
        let whole = judged(&whole);
        let frames = capture.records.len();
        let sizes = [frames.div_ceil(6), frames.div_ceil(4), 50_000, 500, 50, 5];
        let sizes = sizes.into_iter().map(|records| capture.every(records));
        for at in sizes.chain([places]).filter(|at| at.len() > 1 && at.len() <= MOST_PIECES) {
            let pieces = capture.cut(&at);
            let reported = of_pieces(&pieces, &logs, &policy);
            assert_eq!(reported, whole, "{} in {} pieces", folder.display(), pieces.len());
            cut += 1;
        }
    }
    assert!(cut > 30, "{cut}");
}

const MOST_PIECES: usize = 600;

/// Cases whose captures broke when they were cut, with the policy that they are judged under.
const CUT: [(&str, &str); 5] = [
    ("g10_other_port", ""),
    ("g1_copied_twins", ""),
    ("08b_lan_and_wan", "[[protect]]\nbetween = [\"192.168.1.0/24\", \"192.168.2.0/24\"]\n"),
    ("two_vlans", ""),
    ("forged_errors_and_size", ""),
];

#[test]
fn captures_in_numbered_pieces_are_judged_as_the_whole() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for (name, policy) in CUT {
        let policy = if policy.is_empty() { Policy::default() } else { parse(policy).unwrap() };
        let evidence = fs::read_dir(cases.join(name).join("evidence")).unwrap();
        let mut paths: Vec<PathBuf> = evidence.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let (captures, logs): (Vec<PathBuf>, Vec<PathBuf>) =
            paths.into_iter().partition(|path| is_capture(path));
        let captures: Vec<Capture> =
            captures.iter().map(|path| Capture::read(&fs::read(path).unwrap())).collect();
        let in_pieces = |pieces: usize| {
            let folder = tempfile::tempdir().unwrap();
            let mut paths = logs.clone();
            for (interface, capture) in captures.iter().enumerate() {
                let records = capture.records.len().div_ceil(pieces).max(1);
                for (number, piece) in capture.cut(&capture.every(records)).iter().enumerate() {
                    // As dumpcap numbers the files of two interfaces.
                    let second = u32::from_le_bytes(piece[24..28].try_into().unwrap());
                    let name = format!("eth{interface}_{number:05}_{second}.pcap");
                    let path = folder.path().join(name);
                    write(&path, piece);
                    paths.push(path);
                }
            }
            judged(&report(paths, policy.clone()))
        };
        let whole = in_pieces(1);
        for pieces in [3, 6, 17] {
            assert_eq!(in_pieces(pieces), whole, "{name} in {pieces} pieces");
        }
    }
}

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

/// A connection from its handshake on, whose client says all that is to be said.
fn connection(port: u16, says: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut sequence = 1000;
    let begun = |builder: PacketBuilderStep| {
        let mut frame = Vec::new();
        builder.write(&mut frame, &[]).unwrap();
        frame
    };
    let tcp = |from: [u8; 4], to: [u8; 4], ports: (u16, u16), sequence: u32| {
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4(from, to, 64)
            .tcp(ports.0, ports.1, sequence, 8192)
    };
    let mut frames = vec![
        begun(tcp(CLIENT, SERVER, (50_000, port), 999).syn()),
        begun(tcp(SERVER, CLIENT, (port, 50_000), 4999).syn().ack(1000)),
        begun(tcp(CLIENT, SERVER, (50_000, port), 1000).ack(5000)),
    ];
    for payload in says {
        let mut frame = Vec::new();
        tcp(CLIENT, SERVER, (50_000, port), sequence).ack(5000).write(&mut frame, payload).unwrap();
        frames.push(frame);
        sequence += u32::try_from(payload.len()).unwrap();
        frames.push(begun(tcp(SERVER, CLIENT, (port, 50_000), 5000).ack(sequence)));
    }
    frames
}

type PacketBuilderStep = etherparse::PacketBuilderStep<etherparse::TcpHeader>;

fn capture_of(frames: &[Vec<u8>]) -> Capture {
    let timed: Vec<_> = (0u32..)
        .zip(frames)
        .map(|(n, frame)| (1_700_000_000 + n / 20, n % 20 * 50_000, frame.as_slice()))
        .collect();
    Capture::read(&pcap(Order::Little, MICROSECONDS, &timed))
}

fn protected() -> Policy {
    parse("[[protect]]\nbetween = [\"10.0.0.1\", \"10.0.0.2\"]\n").unwrap()
}

/// RFC 9329 §3: a length, and an ESP packet.
fn esp_in_tcp(number: u32) -> Vec<u8> {
    let mut message = vec![0, 94];
    message.extend(0x1234_5678u32.to_be_bytes());
    message.extend(number.to_be_bytes());
    message.extend(Numbers(u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)).bytes(84));
    message
}

#[test]
fn esp_in_tcp_is_known_in_every_piece_of_a_connection() {
    let mut says: Vec<Vec<u8>> = (1..40).map(esp_in_tcp).collect();
    says[0] = [&b"IKETCP"[..], &says[0]].concat();
    // Messages that lie across segments, so that no segment alone is one.
    let stream = says.concat();
    for size in [94, 60] {
        let segments: Vec<&[u8]> = stream.chunks(size).collect();
        let capture = capture_of(&connection(4500, &segments));
        let whole = of_pieces(&capture.cut(&BTreeSet::new()), &[], &protected());
        assert!(whole.windows.is_empty(), "{whole:?}");
        for records in 1..9 {
            let pieces = capture.cut(&capture.every(records));
            assert_eq!(
                of_pieces(&pieces, &[], &protected()).windows,
                whole.windows,
                "{size}, {records}"
            );
        }
    }
}

#[test]
fn an_application_is_known_in_every_piece_of_a_conversation() {
    let mut says: Vec<&[u8]> = vec![b"SSH-2.0-OpenSSH_9.6\r\n"];
    says.extend([&b"\x93\x01 what nobody can read \x88"[..]; 30]);
    let capture = capture_of(&connection(47_001, &says));
    let apps = |pieces: &[Vec<u8>]| {
        let folder = tempfile::tempdir().unwrap();
        let paths = pieces.iter().enumerate().map(|(number, piece)| {
            let path = folder.path().join(format!("{number}.pcap"));
            write(&path, piece);
            path
        });
        let report = report(paths.collect(), protected());
        let apps: Vec<_> =
            report.totals.by_app.iter().map(|(app, count)| (app.clone(), count.frames)).collect();
        (apps, report.totals.by_class.clear.frames)
    };
    let whole = apps(&capture.cut(&BTreeSet::new()));
    assert_eq!(whole.1, 65);
    for records in [1, 2, 7, 30] {
        assert_eq!(apps(&capture.cut(&capture.every(records))), whole, "{records}");
    }
}

/// What a run reads, and how.
fn read(paths: Vec<PathBuf>) -> (SummarySet, Vec<Part>) {
    let request = Request { for_later: true, ..Request::of(paths, Policy::default()) };
    let parts = read_parts(&request, Some(1), &Unwatched).unwrap();
    (summary_set(&parts), parts)
}

fn bytes(parts: Vec<Part>) -> Vec<u8> {
    let (policy, gap) = (Policy::default(), GapRule::with_gap(Span::from_seconds(30)));
    let analysis: Analysis =
        judge(parts, &Question { policy: &policy, gap, clock_offsets: &[], vantages: &[] });
    let sources = Sources {
        evidence: &analysis.evidence,
        outside_span: analysis.outside_span,
        facts: &analysis.facts,
        findings: &analysis.findings,
    };
    to_json(&build(&sources, Options::of_inspection(&[]))).unwrap()
}

#[test]
fn pieces_by_way_of_summaries_in_any_order_give_the_same_bytes() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/healthy/capture.pcap");
    let capture = Capture::read(&fs::read(sample).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let pieces = capture.cut(&capture.every(13));
    let paths = pieces.iter().enumerate().map(|(number, piece)| {
        let path = folder.path().join(format!("{number:02}.pcap"));
        write(&path, piece);
        path
    });
    let (set, parts) = read(paths.collect());
    let at_once = bytes(parts.clone());
    let mut files: Vec<SummaryFile> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let bytes = write_summary(&set, &[(number, part)]).unwrap();
        files.insert(number / 2, SummaryFile::read(&number.to_string(), bytes).unwrap());
    }
    let joined = join_summaries(&files, &BTreeSet::new()).unwrap();
    assert!(bytes(joined.parts) == at_once);
}
