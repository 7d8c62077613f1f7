//! Every packing made and unpacked, cut and damaged.

use super::*;
use crate::evidence::{ProblemCode, ProblemKind};
use std::io::Write as _;

const ALL: [Packing; 5] = [Packing::Gzip, Packing::Zstd, Packing::Xz, Packing::Lz4, Packing::Bzip2];

fn pack(packing: Packing, content: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Gzip => {
            let mut packed =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packed.write_all(content).unwrap();
            packed.finish().unwrap()
        }
        Packing::Zstd => {
            ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
        }
        Packing::Xz => unhex(XZ_OF_SENTENCE),
        Packing::Lz4 => {
            let checked = lz4_flex::frame::FrameInfo::new().content_checksum(true);
            let mut packed = lz4_flex::frame::FrameEncoder::with_frame_info(checked, Vec::new());
            packed.write_all(content).unwrap();
            packed.finish().unwrap()
        }
        Packing::Bzip2 => {
            let mut packed = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
            packed.write_all(content).unwrap();
            packed.finish().unwrap()
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.bytes().map(|c| if c > b'9' { c - b'a' + 10 } else { c - b'0' }).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn unpack(packing: Packing, packed: &[u8]) -> (Vec<u8>, Option<ProblemCode>) {
    let mut unpacking = Unpacking::new(packing, packed);
    let mut content = Vec::new();
    unpacking.read_to_end(&mut content).unwrap();
    let failure = unpacking.into_failure();
    if let Some(problem) = &failure {
        assert!(
            matches!(problem.kind, ProblemKind::File(FileProblem::Packed(of, _)) if of == packing)
        );
        assert_eq!(problem.offset, Some(content.len() as u64));
    }
    (content, failure.map(|problem| problem.code()))
}

#[test]
fn what_was_packed_comes_out_again_member_by_member() {
    for packing in ALL {
        let packed = pack(packing, SENTENCE);
        assert_eq!(Packing::recognize(&packed), Some(packing));
        assert_eq!(unpack(packing, &packed), (SENTENCE.to_vec(), None), "{}", packing.as_str());
        let twice = [SENTENCE, SENTENCE].concat();
        assert_eq!(
            unpack(packing, &[&packed[..], &packed].concat()),
            (twice, None),
            "{}",
            packing.as_str()
        );
    }
}

#[test]
fn skippable_frames_of_zstd_are_passed_over() {
    let packed = pack(Packing::Zstd, SENTENCE);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let both = [&packed[..], &skippable, &packed].concat();
    assert_eq!(unpack(Packing::Zstd, &both).0.len(), 2 * SENTENCE.len());
}

#[test]
fn a_cut_is_reported_wherever_it_is() {
    for packing in ALL {
        let packed = pack(packing, SENTENCE);
        for cut in 6..packed.len() {
            let (content, code) = unpack(packing, &packed[..cut]);
            assert!(SENTENCE.starts_with(&content), "{} {cut}", packing.as_str());
            assert_eq!(code, Some(ProblemCode::Truncated), "{} {cut}", packing.as_str());
        }
    }
}

#[test]
fn damage_is_reported() {
    for packing in ALL {
        let mut packed = pack(packing, SENTENCE);
        let middle = packed.len() / 2;
        packed[middle] ^= 0x5a;
        let (_, code) = unpack(packing, &packed);
        assert!(code.is_some(), "{}", packing.as_str());
        let behind = [&pack(packing, SENTENCE)[..], b"something else entirely"].concat();
        let (content, code) = unpack(packing, &behind);
        assert_eq!(content, SENTENCE, "{}", packing.as_str());
        assert!(code.is_some(), "{}", packing.as_str());
    }
}

#[test]
fn what_unpacks_without_end_is_stopped() {
    let zeros = vec![0; 8 << 20];
    let one = pack(Packing::Bzip2, &zeros);
    let packed: Vec<u8> = one.iter().copied().cycle().take(one.len() * 200).collect();
    let mut unpacking = Unpacking::new(Packing::Bzip2, &packed[..]);
    let read = io::copy(&mut unpacking, &mut io::sink()).unwrap();
    assert!((ALWAYS_UNPACKED..ALWAYS_UNPACKED + (1 << 20)).contains(&read), "{read}");
    assert_eq!(unpacking.into_failure().unwrap().code(), ProblemCode::Expansion);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(which in 0usize..5, cut in 4usize..60, bytes: Vec<u8>) {
        let packing = ALL[which];
        let head = pack(packing, SENTENCE);
        unpack(packing, &[&head[..cut.min(head.len())], &bytes].concat());
    }
}

const SENTENCE: &[u8] =
    b"Every byte of the file stands in exactly one bucket; exactly one bucket.\n";

/// The sentence as xz 5 packs it.
const XZ_OF_SENTENCE: &str = concat!(
    "fd377a585a000004e6d6b4460200210116000000742fe5a3e00048003b5d00229d88a756615da1ce33da8b83",
    "036d8f60d7abb27dd1be6f2cfff97cb591d856412cffca2ef86c9036193a5d3b80b154e9eeab35fa77481c55",
    "f40000004c37c9ffb08ca386000157498c877cda1fb6f37d010000000004595a",
);
