//! Members and archives that only their checksums and their place show: stored members, archives joined by `cat`.

use super::{sample, tar, written, zip};
use crate::support::program::analyze;

#[test]
fn a_stored_member_is_held_against_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let (_, capture) = sample().into_iter().find(|(name, _)| name.ends_with(".pcap")).unwrap();
    let row = b"{\"name\": 1}";
    for (name, content, code) in
        [("a.pcap", &capture[..], "unreadable"), ("a.json", row, "skipped")]
    {
        let mut archive = zip(&[(name, content, false)]);
        let begin = 30 + name.len();
        archive[begin + content.len() - 2] ^= 1;
        let path = written(folder.path(), "a.zip", &archive);
        let report = analyze(&[path.as_path()], &[]);
        let problems = report.evidence.iter().flat_map(|file| &file.problems);
        let codes: Vec<&str> = problems.map(|problem| problem.code.as_str()).collect();
        assert!(codes.contains(&code), "{name}: {codes:?}");
    }
}

#[test]
fn archives_that_were_joined_are_all_read() {
    let folder = tempfile::tempdir().unwrap();
    let (_, capture) = sample().into_iter().find(|(name, _)| name.ends_with(".pcap")).unwrap();
    let (_, log) = sample().into_iter().find(|(name, _)| name.ends_with(".evtx")).unwrap();
    let (first, second) = ([("a.pcap", &capture[..])], [("b.evtx", &log[..])]);
    let zips = [zip(&[("a.pcap", &capture, true)]), zip(&[("b.evtx", &log, false)])];
    for (name, archive) in
        [("a.tar", [tar(&first), tar(&second)].concat()), ("a.zip", zips.concat())]
    {
        let path = written(folder.path(), name, &archive);
        let report = analyze(&[path.as_path()], &[]);
        let formats: Vec<&str> = report.evidence.iter().map(|file| file.format.as_str()).collect();
        assert_eq!(formats.len(), 3, "{name}: {formats:?}");
        assert!(report.evidence.iter().all(|file| file.problems.is_empty()), "{name}");
    }
    // What is behind the end of an archive and is none is named.
    let path = written(folder.path(), "a.tar", &[&tar(&first)[..], &[1; 512]].concat());
    let report = analyze(&[path.as_path()], &[]);
    assert_eq!(report.evidence[0].problems[0].code, "corrupt");
}
