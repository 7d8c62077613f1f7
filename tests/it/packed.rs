//! Compressed evidence is read as if it lay there unpacked; bombs and cuts are named.

use crate::support::ike_builder::write;
use crate::support::program::analyze;
use plainsight::evidence::{Packing, sha256};
use plainsight::report::schema::Report;
use std::io::Write as _;
use std::path::Path;

fn sample() -> Vec<u8> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    std::fs::read(samples.join("psk_mismatch/capture.pcap")).unwrap()
}

fn packed(packing: Packing, data: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Gzip => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(data).unwrap();
            out.finish().unwrap()
        }
        Packing::Zstd => zstd::stream::encode_all(data, 1).unwrap(),
        Packing::Xz => {
            let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
            out.write_all(data).unwrap();
            out.finish().unwrap()
        }
        Packing::Lz4 => {
            let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
            out.write_all(data).unwrap();
            out.finish().unwrap()
        }
        Packing::Bzip2 => {
            let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            out.write_all(data).unwrap();
            out.finish().unwrap()
        }
    }
}

fn report_of(name: &str, file: &[u8]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    write(&path, file);
    analyze(&[&path], &[])
}

#[test]
fn every_packing_gives_the_report_of_what_is_inside() {
    let plain = sample();
    let expected = report_of("capture.pcap", &plain);
    for packing in Packing::ALL {
        let file = packed(packing, &plain);
        // The name says nothing; the first octets do.
        let report = report_of("evidence.bin", &file);
        let told = &report.evidence[0];
        assert_eq!((told.format.as_str(), told.records), ("pcap", 297), "{packing:?}");
        assert_eq!(told.packing.as_deref(), Some(packing.as_str()));
        assert_eq!(told.sha256.as_deref(), Some(sha256(&file).as_str()), "of the file as it is");
        assert_eq!(told.size_bytes, file.len() as u64);
        assert_eq!(told.unpacked_bytes, Some(plain.len() as u64));
        let covered: u64 = told.coverage.values().map(|extent| extent.bytes).sum();
        assert_eq!(covered, plain.len() as u64);
        assert!(told.problems.is_empty());
        let windows = |report: &Report| serde_json::to_value(&report.windows).unwrap();
        assert_eq!(windows(&report), windows(&expected));
    }
}

#[test]
fn what_is_cut_is_analysed_up_to_the_cut() {
    for packing in Packing::ALL {
        let file = packed(packing, &sample());
        let report = report_of("capture.pcap.gz", &file[..file.len() * 9 / 10]);
        let told = &report.evidence[0];
        assert!(told.records < 297, "{packing:?}: {}", told.records);
        let codes: Vec<&str> = told.problems.iter().map(|problem| problem.code.as_str()).collect();
        assert_eq!(codes.last(), Some(&"corrupt"), "{packing:?}");
        // bzip2 and lz4 give blocks of 100 KB and more at once, the others bit by bit.
        let by_blocks = matches!(packing, Packing::Bzip2 | Packing::Lz4);
        assert!(by_blocks || told.records > 50, "{packing:?}: {}", told.records);
    }
}

#[test]
fn a_packing_inside_a_packing_is_named() {
    let twice = packed(Packing::Zstd, &packed(Packing::Gzip, &sample()));
    let told = &report_of("capture.gz.zst", &twice).evidence[0];
    assert_eq!(told.problems[0].code, "unsupported_format");
    assert_eq!(told.format, "gzip");
}

#[test]
fn bombs_end_within_the_bound() {
    let zeros = vec![0; 64 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), 19).unwrap();
    for _ in 0..20 {
        gzip.write_all(&zeros).unwrap();
        zstd.write_all(&zeros).unwrap();
    }
    for bomb in [gzip.finish().unwrap(), zstd.finish().unwrap()] {
        let told = &report_of("bomb.pcap", &bomb).evidence[0];
        let problem = told.problems.iter().find(|problem| problem.code == "expansion");
        assert!(problem.is_some(), "{:?}", told.problems);
        let unpacked = told.unpacked_bytes.unwrap();
        assert!(unpacked < (1 << 30) + (1 << 20), "{unpacked}");
    }
}
