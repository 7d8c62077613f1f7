//! Evidence inside archives: the same report as from the loose files, and nothing outside it.

mod bounds;
mod joined;

use crate::support::program::{analyze, plainsight, report_in, run_analyze};
use crate::support::{shared, tool_is_there};
use plainsight::report::schema::Report;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The files of a sample, by name.
fn sample() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/psk_mismatch");
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "pcap" || end == "evtx"))
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// A zip archive, each file deflated or stored, as the name says.
pub(crate) fn zip(files: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, content, is_deflated) in files {
        let mut packed = content.to_vec();
        if *is_deflated {
            let mut encoder =
                flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(content).unwrap();
            packed = encoder.finish().unwrap();
        }
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let u32s = [
            crc.sum(),
            u32::try_from(packed.len()).unwrap(),
            u32::try_from(content.len()).unwrap(),
        ];
        let mut common = vec![20, 0, 0, 0, if *is_deflated { 8 } else { 0 }, 0, 0, 0, 0, 0];
        u32s.iter().for_each(|field| common.extend(field.to_le_bytes()));
        common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend([0, 0]);
        let at = u32::try_from(body.len()).unwrap();
        body.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed].concat());
        directory.extend(
            [&b"PK\x01\x02\x14\x00"[..], &common, &[0; 10], &at.to_le_bytes(), name.as_bytes()]
                .concat(),
        );
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let (length, at) =
        (u32::try_from(directory.len()).unwrap(), u32::try_from(body.len()).unwrap());
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &count,
        &count,
        &length.to_le_bytes(),
        &at.to_le_bytes(),
        &[0, 0],
    ];
    [body, directory, end.concat()].concat()
}

/// A tar archive of plain files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend(header);
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// A 7z archive whose files are stored, with their checksums (7zFormat.txt of the LZMA SDK).
fn sevenz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    let number = |value: usize| [&[0xff][..], &(value as u64).to_le_bytes()].concat();
    let body: Vec<u8> = files.iter().flat_map(|(_, content)| content.to_vec()).collect();
    let mut header = vec![0x01, 0x04, 0x06, 0x00, 0x01, 0x09];
    header.extend(number(body.len()));
    // One folder of one coder, which copies.
    header.extend([0x00, 0x07, 0x0b, 0x01, 0x00, 0x01, 0x01, 0x00, 0x0c]);
    header.extend(number(body.len()));
    header.extend([0x00, 0x08, 0x0d]);
    header.extend(number(files.len()));
    if files.len() > 1 {
        header.push(0x09);
        files.split_last().unwrap().1.iter().for_each(|(_, c)| header.extend(number(c.len())));
    }
    header.extend([0x0a, 0x01]);
    files.iter().for_each(|(_, content)| header.extend(crc(content)));
    header.extend([0x00, 0x00, 0x05]);
    header.extend(number(files.len()));
    let names: Vec<u8> = files
        .iter()
        .flat_map(|(name, _)| name.encode_utf16().chain([0]))
        .flat_map(u16::to_le_bytes)
        .collect();
    header.push(0x11);
    header.extend(number(names.len() + 1));
    header.push(0x00);
    header.extend(names);
    header.extend([0x00, 0x00]);
    let start = [
        &(body.len() as u64).to_le_bytes()[..],
        &(header.len() as u64).to_le_bytes(),
        &crc(&header),
    ]
    .concat();
    [&b"7z\xbc\xaf\x27\x1c\0\x04"[..], &crc(&start), &start, &body, &header].concat()
}

/// A cabinet of files packed by MSZIP.
fn cabinet(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = cab::CabinetBuilder::new();
    let folder = builder.add_folder(cab::CompressionType::MsZip);
    for (name, _) in files {
        folder.add_file(*name);
    }
    let mut writer = builder.build(std::io::Cursor::new(Vec::new())).unwrap();
    let mut contents = files.iter();
    while let Some(mut file) = writer.next_file().unwrap() {
        file.write_all(contents.next().unwrap().1).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn written(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::File::create(&path).unwrap().write_all(content).unwrap();
    path
}

/// All of a report but what the evidence is called: files by their digests instead of numbers and paths, and no list of them.
fn without_names(report: &Report) -> Vec<String> {
    let mut report_of = serde_json::to_value(report).unwrap();
    let fields = report_of.as_object_mut().unwrap();
    ["evidence", "options", "tool"].iter().for_each(|name| drop(fields.remove(*name)));
    let mut text = serde_json::to_string_pretty(&report_of).unwrap();
    // The longest first: E1 is the beginning of E12.
    for file in report.evidence.iter().rev() {
        let digest = &file.sha256.as_deref().unwrap_or("none")[..4];
        let path = serde_json::to_string(&file.path).unwrap();
        let path = path.trim_matches('"');
        // A shell wants quotation marks around some.
        text = text.replace(&format!("'{path}'"), digest).replace(path, digest);
        for (before, behind) in [("\"", "\""), ("\"", ":"), (" ", ":"), ("(", ":"), (" ", " ")] {
            let named = format!("{before}{}{behind}", file.id);
            text = text.replace(&named, &format!("{before}{digest}{behind}"));
        }
    }
    text.lines().map(str::to_owned).collect()
}

/// The parts of a report that stand beside the lists of its evidence.
fn conclusions(report: &Report) -> String {
    let windows: Vec<String> = report
        .windows
        .iter()
        .map(|w| {
            let opened: Vec<&str> = w.opened_by.iter().map(|cause| cause.reason.as_str()).collect();
            format!("{} {} {} {} {} {opened:?}", w.a, w.b, w.start, w.end, w.frames)
        })
        .collect();
    let findings: Vec<&str> = report.findings.iter().map(|finding| finding.code.as_str()).collect();
    format!("{} {windows:?} {findings:?} {}", report.verdict, report.log_events.len())
}

#[test]
fn a_collection_gives_what_its_files_give() {
    let folder = tempfile::tempdir().unwrap();
    let files = sample();
    assert!(files.len() >= 2);
    let loose: Vec<PathBuf> =
        files.iter().map(|(name, content)| written(folder.path(), name, content)).collect();
    let loose = analyze(&loose.iter().map(PathBuf::as_path).collect::<Vec<_>>(), &[]);
    let of = |deflated: bool| -> Vec<(&str, &[u8], bool)> {
        files.iter().map(|(name, content)| (name.as_str(), content.as_slice(), deflated)).collect()
    };
    let plain: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    let mut gzipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzipped.write_all(&tar(&plain)).unwrap();
    let inner = zip(&of(true));
    let placed: Vec<String> = files
        .iter()
        .map(|(name, _)| format!("uploads/auto/C%3A/Windows/System32/winevt/Logs/{name}"))
        .collect();
    let uploads: Vec<(&str, &[u8], bool)> = placed
        .iter()
        .zip(&files)
        .map(|(name, (_, content))| (name.as_str(), content.as_slice(), true))
        .chain([("client_info.json", &b"{\"Hostname\":\"WS01\"}"[..], true)])
        .collect();
    let packed_by = |packer: &str| {
        let path = written(folder.path(), "files.packed.tar", &tar(&plain));
        let ran = std::process::Command::new(packer).arg("-c").arg(&path).output().unwrap();
        fs::remove_file(&path).unwrap();
        ran.stdout
    };
    let mut bzipped = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzipped.write_all(&tar(&plain)).unwrap();
    let mut forms = vec![
        ("files.tar.bz2", bzipped.finish().unwrap()),
        ("stored.zip", zip(&of(false))),
        ("deflated.zip", zip(&of(true))),
        ("nested.zip", zip(&[("metadata.json", b"{}", true), ("data.zip", &inner, false)])),
        ("packed.zip", zip(&[("data.zip", &inner, true)])),
        ("zip64.zip", bounds::zip_of_many(&of(true))),
        ("velociraptor.zip", zip(&uploads)),
        ("files.tar", tar(&plain)),
        ("files.tar.gz", gzipped.finish().unwrap()),
        ("files.7z", sevenz(&plain)),
        ("files.cab", cabinet(&plain)),
        ("cab_in.zip", zip(&[("wfpdiag.cab", &cabinet(&plain), true)])),
    ];
    for (name, packer, package) in
        [("files.tar.xz", "xz", "xz-utils"), ("files.tar.zst", "zstd", "zstd")]
    {
        if tool_is_there(packer, package) {
            forms.push((name, packed_by(packer)));
        }
    }
    for (name, archive) in forms {
        let apart = tempfile::tempdir().unwrap();
        let path = written(apart.path(), name, &archive);
        let report = analyze(&[path.as_path()], &[]);
        assert_eq!(conclusions(&report), conclusions(&loose), "{name}");
        let (whole, expected) = (without_names(&report), without_names(&loose));
        let other = whole.iter().zip(&expected).find(|(one, other)| one != other);
        assert_eq!((other, whole.len()), (None, expected.len()), "{name}");
        let mut digests: Vec<_> =
            report.evidence.iter().skip(1).map(|file| file.sha256.clone()).collect();
        let mut expected: Vec<_> = loose.evidence.iter().map(|file| file.sha256.clone()).collect();
        digests.sort();
        expected.sort();
        assert_eq!(digests, expected, "{name}");
        assert!(report.evidence.iter().skip(1).all(|file| file.path.contains("!/")), "{name}");
    }
}

#[test]
fn packets_are_carved_out_of_a_collection_and_its_report_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let files = sample();
    let of: Vec<(&str, &[u8], bool)> =
        files.iter().map(|(name, c)| (name.as_str(), c.as_slice(), true)).collect();
    let path = written(folder.path(), "host.zip", &zip(&of));
    let (output, report) = run_analyze(&[path.as_path()], &["--carve"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = report.path().join("report");
    assert!(fs::read_dir(out.join("evidence")).unwrap().count() > 0);
    plainsight().arg("verify").arg(&out).assert().success();
    // A changed collection is found.
    let mut changed = fs::read(&path).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    fs::File::create(&path).unwrap().write_all(&changed).unwrap();
    plainsight().arg("verify").arg(&out).assert().failure();
}

/// As in a container without /tmp.
#[cfg(unix)]
#[test]
fn without_a_folder_for_temporary_files_the_reason_is_named() {
    let files = sample();
    let plain: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    let mut gzipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzipped.write_all(&tar(&plain)).unwrap();
    let archives = [
        ("files.tar.gz", gzipped.finish().unwrap()),
        ("files.7z", sevenz(&plain)),
        ("files.cab", cabinet(&plain)),
        ("cab_in.zip", zip(&[("wfpdiag.cab", &cabinet(&plain), true)])),
    ];
    for (name, archive) in archives {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), name, &archive);
        let out = folder.path().join("report");
        let mut command = plainsight();
        command.env("TMPDIR", "/nonexistent").arg("analyze").arg(&path).arg("--out").arg(&out);
        assert_eq!(command.output().unwrap().status.code(), Some(4), "{name}");
        let problems = &report_in(&out).evidence[0].problems;
        assert!(
            problems.iter().any(|it| it.text.contains("no temporary file can be made")),
            "{name}: {problems:?}"
        );
        assert!(problems.iter().all(|it| !it.text.contains("/nonexistent")), "{name}");
    }
}

#[test]
fn hostile_names_and_members_are_named_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (_, capture) = sample().into_iter().find(|(name, _)| name.ends_with(".pcap")).unwrap();
    let long = format!("{}.pcap", "x".repeat(65_530));
    let names =
        ["../../escaped.pcap", "/etc/absolute.pcap", "nul\0.pcap", &long, "same.pcap", "same.pcap"];
    let members: Vec<(&str, &[u8], bool)> =
        names.iter().map(|name| (*name, capture.as_slice(), true)).collect();
    let path = written(folder.path(), "evil.zip", &zip(&members));
    let report = analyze(&[path.as_path()], &[]);
    // The same capture counts once. Of the two members of one name the library shows one: the other is named.
    assert_eq!(report.evidence.len(), 6);
    assert_eq!(report.evidence[0].problems[0].code, "skipped");
    let paths: std::collections::BTreeSet<&str> =
        report.evidence.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths.len(), 6);
    assert!(paths.iter().all(|path| path.len() < 4000 && !path.contains('\0')));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(!folder.path().join("../../escaped.pcap").exists());
}

#[test]
fn what_cannot_be_read_of_a_collection_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (_, capture) = sample().into_iter().find(|(name, _)| name.ends_with(".pcap")).unwrap();
    let whole = zip(&[("a.pcap", &capture, true), ("notes.txt", b"a note", false)]);
    // The mark of encryption in both headers.
    let mut encrypted = whole.clone();
    encrypted[6] |= 1;
    let directory = encrypted.windows(4).rposition(|at| at == b"PK\x01\x02").unwrap();
    let first = encrypted.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
    assert!(first < directory);
    encrypted[first + 8] |= 1;
    // A checksum that does not hold, in both headers.
    let mut damaged = whole.clone();
    damaged[14] ^= 1;
    damaged[first + 16] ^= 1;
    let cut = whole[..whole.len() / 2].to_vec();
    let mut damaged_7z = sevenz(&[("a.pcap", &capture)]);
    damaged_7z[40] ^= 1;
    let deep = zip(&[("b.zip", &zip(&[("c.zip", &whole, false)]), false)]);
    for (name, archive, code) in [
        ("encrypted.zip", encrypted, "skipped"),
        ("damaged.zip", damaged, "unreadable"),
        ("cut.zip", cut, "corrupt"),
        ("deep.zip", deep, "skipped"),
        ("cut.tar", tar(&[("a.pcap", &capture)])[..2000].to_vec(), "truncated"),
        ("cabinet.cab", b"MSCF\0\0\0\0".to_vec(), "corrupt"),
        ("cut.7z", sevenz(&[("a.pcap", &capture)])[..900].to_vec(), "corrupt"),
        ("damaged.7z", damaged_7z, "skipped"),
        ("no_blocks.cab", NO_BLOCKS.to_vec(), "skipped"),
    ] {
        let path = written(folder.path(), name, &archive);
        let report = analyze(&[path.as_path()], &[]);
        let problems = report.evidence.iter().flat_map(|file| &file.problems);
        let codes: Vec<&str> = problems.map(|problem| problem.code.as_str()).collect();
        assert!(codes.contains(&code), "{name}: {codes:?}");
    }
}

const NO_BLOCKS: &[u8] = include_bytes!("../../fuzz/corpus/collection/cab_without_blocks.bin");

#[test]
fn members_that_share_bytes_are_refused() {
    // Two entries of the directory name the same local header.
    let one = zip(&[("a.pcap", b"\xd4\xc3\xb2\xa1", false)]);
    let first = one.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
    let end = one.windows(4).position(|at| at == b"PK\x05\x06").unwrap();
    let entry = one[first..end].to_vec();
    let mut archive = [&one[..end], &entry].concat();
    let length = u32::try_from(2 * entry.len()).unwrap().to_le_bytes();
    archive.extend(
        [
            &b"PK\x05\x06\0\0\0\0\x02\0\x02\0"[..],
            &length,
            &u32::try_from(first).unwrap().to_le_bytes(),
            &[0, 0],
        ]
        .concat(),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "overlap.zip", &archive);
    let report = analyze(&[path.as_path()], &[]);
    assert!(report.evidence.len() <= 2, "{:?}", report.evidence.len());
}

#[test]
fn collections_of_responders_tools_give_their_logs() {
    let Some(shared) = shared("collections of responders' tools") else { return };
    for (file, logs) in [
        ("velociraptor/Collection-WS01-2026-11-23T09_10_00Z.zip", 2),
        ("kape/2026-11-23T091000_WS01.zip", 2),
        ("cylr/WS01.zip", 2),
    ] {
        let report = analyze(&[shared.join("forms").join(file).as_path()], &[]);
        let read = report.evidence.iter().filter(|file| file.format == "evtx" && file.records > 0);
        assert_eq!(read.count(), logs, "{file}");
        let log = report.evidence.iter().find(|log| log.path.ends_with("Security.evtx")).unwrap();
        let path = r"C:\Windows\System32\winevt\Logs\Security.evtx";
        assert!(log.original_path.as_deref().unwrap().ends_with(path), "{file}");
        let is_velociraptor = file.starts_with("velociraptor");
        assert_eq!(log.collected_from.as_deref(), is_velociraptor.then_some("WS01"), "{file}");
        assert_eq!(report.evidence[0].collected_from, log.collected_from);
        let tables = report.evidence[0].problems.iter().find(|it| it.code == "not_evidence");
        let is_named = tables.is_some_and(|it| it.text.contains("the collector wrote"));
        assert_eq!(is_named, !file.starts_with("cylr"), "{file}");
    }
}

#[test]
fn archives_that_unpack_to_far_more_than_evidence_are_stopped() {
    // 1.2 GiB of zeros, in data blocks of which MSZIP makes 32 KiB each.
    let mut builder = cab::CabinetBuilder::new();
    let folder = builder.add_folder(cab::CompressionType::MsZip);
    folder.add_file("a.pcap");
    folder.add_file("b.pcap");
    let mut writer = builder.build(std::io::Cursor::new(Vec::new())).unwrap();
    let zeros = vec![0; 1 << 20];
    while let Some(mut file) = writer.next_file().unwrap() {
        (0..600).for_each(|_| file.write_all(&zeros).unwrap());
    }
    let bomb = writer.finish().unwrap().into_inner();
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "bomb.cab", &bomb);
    let report = analyze(&[path.as_path()], &[]);
    let codes: Vec<&str> =
        report.evidence[0].problems.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, ["expansion"]);
}

#[test]
fn hostile_names_in_7z_and_cab_change_nothing() {
    let (_, capture) = sample().into_iter().find(|(name, _)| name.ends_with(".pcap")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, archive) in [
        ("evil.7z", sevenz(&[("../../escaped.pcap", &capture), ("/etc/absolute.pcap", &capture)])),
        ("evil.cab", cabinet(&[("..\\..\\escaped.pcap", &capture), ("C:\\x.pcap", &capture)])),
    ] {
        let path = written(folder.path(), name, &archive);
        let report = analyze(&[path.as_path()], &[]);
        assert_eq!(report.evidence.len(), 3, "{name}");
        fs::remove_file(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{name}");
        assert!(!folder.path().join("../../escaped.pcap").exists());
    }
}

#[test]
fn a_small_7z_archive_that_unpacks_to_far_more_than_evidence_is_stopped() {
    // 640 times the same LZMA2 chunk of 2,096,914 zeros, which resets the dictionary and the coder.
    let chunk = hex(ZEROS);
    let body = [chunk.repeat(640), vec![0]].concat();
    let size = 640 * 2_096_914usize;
    let number = |value: usize| [&[0xff][..], &(value as u64).to_le_bytes()].concat();
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    let mut header = vec![0x01, 0x04, 0x06, 0x00, 0x01, 0x09];
    header.extend(number(body.len()));
    // One folder of one coder, LZMA2 with a dictionary of 1 MiB.
    header.extend([0x00, 0x07, 0x0b, 0x01, 0x00, 0x01, 0x21, 0x21, 0x01, 0x10, 0x0c]);
    header.extend(number(size));
    header.extend([0x00, 0x08, 0x00, 0x00, 0x05, 0x01, 0x11]);
    let name: Vec<u8> = "a.pcap\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    header.extend(number(name.len() + 1));
    header.push(0x00);
    header.extend(name);
    header.extend([0x00, 0x00]);
    let lengths = [body.len() as u64, header.len() as u64].map(u64::to_le_bytes).concat();
    let start = [lengths, crc(&header).to_vec()].concat();
    let bomb = [&b"7z\xbc\xaf\x27\x1c\0\x04"[..], &crc(&start), &start, &body, &header].concat();
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "bomb.7z", &bomb);
    let report = analyze(&[path.as_path()], &[]);
    let codes: Vec<&str> =
        report.evidence[0].problems.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, ["expansion"]);
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

const ZEROS: &str = "ffff11016c5d00006ffdffffa3b7ff473e481572396151b89228e6a38607f9eee41e82d32fc53a3c014bb17ec98a8a4d2fa30dd97fa6e38c231153e05918c5758ae277f8b6947f0c6ac0de744964e2e95c53b204d8f7440cab5f0d6d46e9e5c37688b79657acb64de1691d6ffb4b88106c42cb883f5c008fd04eaf262894711f3d8f24e1709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bc4827e658";
