//! Text of evidence that hides or turns text around reaches no page, table, line or comment as it is.

use crate::support::hostile::hostile_log;
use crate::support::program::plainsight;
use std::fs;
use std::path::{Path, PathBuf};

/// Bidirectional controls and isolates, C1, ESC, line and paragraph separators, and what has no width.
const HIDDEN: [char; 9] = [
    '\u{202e}', '\u{2066}', '\u{9b}', '\u{1b}', '\u{2028}', '\u{2029}', '\u{feff}', '\u{200b}',
    '\u{85}',
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[cfg(unix)]
#[test]
fn what_cannot_be_seen_is_spelled_out_where_people_read() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = folder.path().join("evidence");
    fs::create_dir(&evidence).unwrap();
    hostile_log(&evidence);
    let name: String = HIDDEN.iter().collect();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    fs::copy(samples.join("psk_mismatch/capture.pcap"), evidence.join(format!("{name}.pcap")))
        .unwrap();
    let out = folder.path().join("report");
    let mut command = plainsight();
    command.arg("analyze").arg(&evidence).arg("--out").arg(&out).args(["--carve", "--verbose"]);
    let output = command.args(["--format", "json,csv,html"]).output().unwrap();
    let mut texts = vec![("terminal".to_owned(), [output.stdout, output.stderr].concat())];
    for path in files(&out) {
        let name = path.strip_prefix(&out).unwrap().display().to_string();
        let is_json = name.ends_with(".json");
        // JSON holds every text as it was; what is made of it is in `tshark`.
        if !is_json {
            texts.push((name, fs::read(path).unwrap()));
        }
    }
    let report = crate::support::program::report_in(&out);
    let lines = report.findings.iter().flat_map(|finding| finding.tshark.clone());
    texts.push(("filter lines".to_owned(), lines.collect::<Vec<_>>().join("\n").into_bytes()));
    let kinds = ["html", "csv", "pcapng", "lines", "terminal"];
    for kind in kinds {
        assert!(
            texts.iter().any(|(name, text)| name.ends_with(kind) && !text.is_empty()),
            "{kind}"
        );
    }
    for (name, text) in &texts {
        // Of a capture only the comments are text.
        let hidden: &[char] = if name.ends_with("pcapng") { &HIDDEN[..1] } else { &HIDDEN };
        for c in hidden {
            let bytes = c.to_string().into_bytes();
            let found = text.windows(bytes.len()).any(|window| window == bytes);
            assert!(!found, "{name} holds {}", c.escape_unicode());
        }
    }
    let page = texts.iter().find(|(name, _)| name.ends_with(".html")).unwrap();
    assert!(String::from_utf8_lossy(&page.1).contains("\\u{202e}"));
}

#[test]
fn a_title_without_a_host_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let log = fs::read_to_string(hostile_log(folder.path())).unwrap();
    let (before, rest) = log.split_once("<Computer>").unwrap();
    let (_, behind) = rest.split_once("</Computer>").unwrap();
    let path = folder.path().join("hostile.xml");
    let nameless = format!("{before}<Computer></Computer>{behind}");
    std::io::Write::write_all(&mut fs::File::create(&path).unwrap(), nameless.as_bytes()).unwrap();
    let report = crate::support::program::analyze(&[&path], &[]);
    for finding in &report.findings {
        let begins = |mark: &str| finding.title.trim_start().starts_with(mark);
        assert!(!begins(":") && !begins("'s ") && !begins("does "), "{}", finding.title);
    }
}
