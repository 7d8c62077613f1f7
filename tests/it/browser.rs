//! report.html in a browser, as its readers open it: no error, no request, no serious fault of accessibility; it
//! zooms, filters, sorts and prints. The scripts in `tests/browser` drive headless Chromium.

use crate::support::hostile::{HOSTILE, hostile_log};
use crate::support::large_report::large_report;
use crate::support::program::plainsight;
use crate::support::samples::folders;
use crate::support::{browser_is_there, tool_is_there};
use plainsight::report::{Format, files};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The page of every sample by its own policy, and that of all of them with a hostile log; written once.
fn pages() -> &'static [PathBuf] {
    static PAGES: OnceLock<(TempDir, Vec<PathBuf>)> = OnceLock::new();
    let (_folder, pages) = PAGES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let samples = folders(&root().join("samples"));
        let mut pages: Vec<PathBuf> = samples
            .iter()
            .map(|sample| {
                let out = folder.path().join(sample.file_name().unwrap());
                let policy = sample.join("policy.toml");
                let mut command = plainsight();
                command.arg("analyze").arg(sample).args(["--format", "html", "--out"]).arg(&out);
                if policy.is_file() {
                    command.arg("--policy").arg(policy);
                }
                assert!(command.output().unwrap().status.code().is_some_and(|code| code != 2));
                out.join("report.html")
            })
            .collect();
        let out = folder.path().join("all");
        let mut command = plainsight();
        command.arg("analyze").arg(root().join("samples")).arg(hostile_log(folder.path()));
        command.args(["--format", "html", "--out"]).arg(&out).assert().code(0);
        pages.push(out.join("report.html"));
        (folder, pages)
    });
    assert!(pages.len() > 1 && pages.iter().all(|page| page.is_file()));
    pages
}

/// Runs a script of `tests/browser`; gives what it printed.
fn drive(script: &str, arguments: &[&str], pages: &[PathBuf]) -> String {
    let mut command = Command::new("node");
    command.arg(root().join("tests/browser").join(script)).args(pages).args(arguments);
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {printed}{told}");
    printed
}

#[test]
fn no_page_errs_or_asks_for_anything_or_shuts_anyone_out() {
    if browser_is_there() {
        drive("sound.js", &[], pages());
    }
}

#[test]
fn the_timeline_zooms_and_tells_frames() {
    if browser_is_there() {
        drive("timeline.js", &[], pages());
    }
}

#[test]
fn tables_filter_and_sort_and_links_lead_to_rows() {
    if browser_is_there() {
        drive("tables.js", &[], pages());
    }
}

#[test]
fn every_finding_is_on_paper_and_in_one_piece() {
    if !browser_is_there() || !tool_is_there("pdftotext", "poppler-utils") {
        return;
    }
    drive("print.js", &[], pages());
    for page in pages() {
        let html = fs::read_to_string(page).unwrap();
        for format in ["A4", "Letter"] {
            let sheets = sheets(&page.with_extension(format!("{format}.pdf")));
            for finding in html.split("<article id=\"F").skip(1) {
                let finding = finding.split("</article>").next().unwrap();
                let id = format!("F{} · ", finding.split('"').next().unwrap());
                let on: Vec<&String> = sheets.iter().filter(|sheet| sheet.contains(&id)).collect();
                assert_eq!(on.len(), 1, "{} {format}: {id}", page.display());
                let is_short = finding.len() < 4_000;
                let last = finding.rsplit("<span>").next().unwrap().split('<').next().unwrap();
                let last = last.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
                if is_short && finding.contains("class=\"advice\"") && !last.contains('&') {
                    let sheet =
                        on.first().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
                    assert!(sheet.contains(&last), "{} {format}: {id}{last}", page.display());
                }
            }
        }
    }
}

/// The text of a PDF, sheet by sheet.
fn sheets(pdf: &Path) -> Vec<String> {
    let output = Command::new("pdftotext").arg(pdf).arg("-").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split('\u{c}').map(ToOwned::to_owned).collect()
}

#[test]
fn what_a_log_says_is_shown_and_never_done() {
    if !browser_is_there() || !tool_is_there("pdftotext", "poppler-utils") {
        return;
    }
    let page = pages().last().unwrap();
    let printed = drive("text.js", &[HOSTILE], std::slice::from_ref(page));
    assert!(printed.contains("text: "), "{printed}");
}

#[test]
fn ten_thousand_windows_of_a_thousand_pairs_open_in_two_seconds() {
    let report = large_report(10_000, 1_000);
    let page = files(&report, &[Format::Html]).unwrap().remove(0);
    assert!(page.bytes.len() < 15_000_000, "{} bytes", page.bytes.len());
    if browser_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(page.name);
        std::io::Write::write_all(&mut fs::File::create(&path).unwrap(), &page.bytes).unwrap();
        let told = drive("large.js", &["2000"], &[path]);
        println!("{} bytes, {told}", page.bytes.len());
    }
}
