//! Archives with very many members, or with very many that cannot be read.

use super::*;

/// Each archive inside an archive that could not be read was a problem of its own, without a bound.
#[test]
fn regression_many_members_that_cannot_be_read_are_a_thousand_problems_and_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..1_500).map(|number| format!("{number:04}.zip")).collect();
    // The end of a directory that is not there; and archives inside archives inside archives.
    let broken = b"PK\x05\x06".to_vec();
    let deep = zip(&[("inside.zip", &zip(&[("a.txt", b"a", false)]), false)]);
    for (name, member) in [("broken.tar", broken), ("deep.tar", deep)] {
        let members: Vec<(&str, &[u8])> =
            names.iter().map(|name| (name.as_str(), member.as_slice())).collect();
        let path = written(folder.path(), name, &tar(&members));
        let report = analyze(&[path.as_path()], &[]);
        let problems: Vec<_> = report.evidence.iter().flat_map(|file| &file.problems).collect();
        let count = problems.len();
        assert!((1_001..=1_003).contains(&count), "{name}: {count}");
        let rest = problems.iter().filter(|of| of.text == "500 more problems are not listed");
        assert_eq!(rest.count(), 1, "{name}: {:?}", problems.last().map(|of| &of.text));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_members_take_little_memory() {
    let names: Vec<String> =
        (0..100_000).map(|at| format!("C/Users/a/notes/{at:06}.txt")).collect();
    let members: Vec<(&str, &[u8], bool)> =
        names.iter().map(|name| (name.as_str(), &b"a note"[..], false)).collect();
    let archive = zip_of_many(&members);
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "many.zip", &archive);
    let out = folder.path().join("report");
    let mut run = std::process::Command::new(assert_cmd::cargo::cargo_bin("plainsight"));
    run.arg("analyze").arg(&path).arg("--out").arg(&out);
    let peak = crate::growth::peak_of(run);
    let report: Report =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report.evidence.len(), 1);
    assert_eq!(report.evidence[0].records, 100_000);
    assert!(peak < 256.0 * 1024.0, "{peak} KiB");
}

/// [`zip`] of more than 65,535 files: the end of the directory in 64 bits.
pub(super) fn zip_of_many(files: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let mut whole = Vec::new();
    let mut directory = Vec::new();
    for part in files.chunks(10_000) {
        let one = zip(part);
        let end = one.len() - 22;
        let at = u32::from_le_bytes(one[end + 16..end + 20].try_into().unwrap()) as usize;
        let base = u32::try_from(whole.len()).unwrap();
        let mut entries = one[at..end].to_vec();
        let mut entry = 0;
        while entry < entries.len() {
            let field = |from: usize| u16::from_le_bytes([entries[from], entries[from + 1]]);
            let length = 46 + usize::from(field(entry + 28));
            let place = u32::from_le_bytes(entries[entry + 42..entry + 46].try_into().unwrap());
            entries[entry + 42..entry + 46].copy_from_slice(&(place + base).to_le_bytes());
            entry += length;
        }
        whole.extend(&one[..at]);
        directory.extend(entries);
    }
    let (at, length, count) = (whole.len() as u64, directory.len() as u64, files.len() as u64);
    whole.extend(directory);
    let end = whole.len() as u64;
    whole.extend(b"PK\x06\x06");
    whole.extend([&44u64.to_le_bytes()[..], &[45, 0, 45, 0], &[0; 8]].concat());
    [count, count, length, at].iter().for_each(|field| whole.extend(field.to_le_bytes()));
    whole.extend([&b"PK\x06\x07\0\0\0\0"[..], &end.to_le_bytes(), &1u32.to_le_bytes()].concat());
    whole.extend([&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 12], &[0, 0]].concat());
    whole
}

/// A stream of deflate that says so many MiB of zeros, made of one part again and again.
fn deflated_zeros(mib: usize) -> Vec<u8> {
    let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
    let mut part = vec![0; 1 << 16];
    compress.compress(&vec![0; 1 << 20], &mut part, flate2::FlushCompress::Full).unwrap();
    part.truncate(usize::try_from(compress.total_out()).unwrap());
    // The end: a last block without content (RFC 1951 §3.2.3).
    [part.repeat(mib), vec![0x03, 0x00]].concat()
}

#[cfg(target_os = "linux")]
#[test]
fn archives_of_zeros_are_stopped_in_little_memory() {
    const MIB: usize = 3_000;
    // The header of a log, whose chunks are zeros.
    let stored = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap();
        [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), bytes].concat()
    };
    let zeros =
        [stored(&crate::support::evtx_builder::file_header(1, 1)), deflated_zeros(MIB)].concat();
    let mut bomb = zip(&[("a.pcap", b"", true)]);
    let name = bomb.windows(6).position(|at| at == b"a.pcap").unwrap();
    // One empty member, whose sizes and content become those of the zeros.
    let length = u32::try_from(zeros.len()).unwrap().to_le_bytes();
    let unpacked = u32::try_from((MIB << 20) + 4096).unwrap().to_le_bytes();
    bomb[18..22].copy_from_slice(&length);
    bomb[22..26].copy_from_slice(&unpacked);
    let empty = bomb.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
    bomb[empty + 20..empty + 24].copy_from_slice(&length);
    bomb[empty + 24..empty + 28].copy_from_slice(&unpacked);
    bomb.splice(name + 6..empty, zeros.iter().copied());
    let end = bomb.len() - 22;
    let directory = u32::try_from(name + 6 + zeros.len()).unwrap().to_le_bytes();
    bomb[end + 16..end + 20].copy_from_slice(&directory);
    // A tar archive of one member, as gzip packs it.
    let mut header = tar(&[("a.pcap", b"")])[..512].to_vec();
    header[124..135].copy_from_slice(format!("{:011o}", (MIB << 20) + 2048).as_bytes());
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let gzip = [&b"\x1f\x8b\x08\0\0\0\0\0\0\xff"[..], &stored(&header), &zeros, &[0; 8]].concat();
    for (name, archive) in [("bomb.zip", bomb), ("bomb.tar.gz", gzip)] {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), name, &archive);
        let out = folder.path().join("report");
        let mut run = std::process::Command::new(assert_cmd::cargo::cargo_bin("plainsight"));
        run.arg("analyze").arg(&path).arg("--out").arg(&out);
        let peak = crate::growth::peak_of(run);
        let report = fs::read(out.join("report.json")).unwrap();
        let report: Report = serde_json::from_slice(&report).unwrap();
        let problems = report.evidence.iter().flat_map(|file| &file.problems);
        let codes: Vec<_> = problems.map(|problem| (&problem.code, &problem.text)).collect();
        assert!(codes.iter().any(|of| of.0 == "expansion"), "{name}: {codes:?}");
        assert!(peak < 256.0 * 1024.0, "{name}: {peak} KiB");
    }
}
