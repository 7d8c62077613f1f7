//! report.html: whole, escaped, and sealed against anything that is not its own.

use crate::support::program::run_analyze;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::path::{Path, PathBuf};

fn page(path: &Path) -> String {
    let (_output, folder) = run_analyze(&[path], &[]);
    fs::read_to_string(folder.path().join("report/report.html")).unwrap()
}

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples")
}

#[test]
fn every_finding_window_exchange_and_file_stands_in_it() {
    let (_output, folder) = run_analyze(&[&samples()], &[]);
    let folder = folder.path().join("report");
    let report = crate::support::program::report_in(&folder);
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(report.findings.iter().all(|f| page.contains(&format!("{} · {}", f.id, f.code))));
    let anchors = report.windows.iter().map(|w| &w.id);
    let anchors = anchors.chain(report.ike_exchanges.iter().map(|x| &x.id));
    let anchors = anchors.chain(report.log_events.iter().map(|e| &e.id));
    for id in anchors.chain(report.evidence.iter().map(|e| &e.id)) {
        // Rows behind the first hundred are in JSON.
        let row = page.matches(&format!("id=\"{id}\"")).count();
        assert_eq!(row + page.matches(&format!("id=\\\"{id}\\\"")).count(), 1, "{id}");
    }
    // Whatever the page links to is in it.
    for link in page.split("href=").skip(1) {
        let target = link.trim_start_matches('\\').split('"').nth(1).unwrap();
        let id = target.trim_end_matches('\\').strip_prefix('#');
        let id = id.unwrap_or_else(|| panic!("{target} leads out"));
        let is_row = page.contains(&format!("id=\\\"{id}\\\""));
        assert!(is_row || page.contains(&format!("id=\"{id}\"")), "{target}");
    }
    for digest in report.evidence.iter().filter_map(|e| e.sha256.as_ref()) {
        assert!(page.contains(digest.as_str()));
    }
}

#[cfg(unix)]
#[test]
fn a_hostile_name_stays_text() {
    let folder = tempfile::tempdir().unwrap();
    let name = "<script>alert(1)<\u{2215}script>\"'&=cmd().pcap";
    fs::File::create(folder.path().join(name)).unwrap();
    let page = page(folder.path());
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("script&#62;alert(1)"), "the name is shown, escaped");
}

#[test]
fn only_the_pages_own_style_and_scripts_may_run() {
    let page = page(&samples().join("healthy"));
    let inside = |start: &str, end: &str| -> Vec<&str> {
        let texts = page.split(start).skip(1);
        texts.map(|text| text.split(end).next().unwrap()).collect()
    };
    let (styles, scripts) = (inside("<style>", "</style>"), inside("<script>", "</script>"));
    assert_eq!((styles.len(), scripts.len()), (1, 4));
    let reported = page.split("content=\"").nth(1).unwrap().split('"').next().unwrap();
    let reported = reported.replace("&#39;", "'");
    for (directive, texts) in [("style-src", styles), ("script-src", scripts)] {
        let allowed =
            reported.split(&format!("{directive} ")).nth(1).unwrap().split(';').next().unwrap();
        let digest = |text: &&str| {
            let digest = STANDARD.encode(plainsight::evidence::sha256_digest(text.as_bytes()));
            format!("'sha256-{digest}'")
        };
        assert_eq!(allowed, texts.iter().map(digest).collect::<Vec<_>>().join(" "), "{directive}");
    }
    assert!(reported.starts_with("default-src 'none';"));
    for outside in ["src=\"", "url(", "@import", "http://www.w3.org", "style=\"", " onclick="] {
        assert!(!page.contains(outside), "{outside}");
    }
}
