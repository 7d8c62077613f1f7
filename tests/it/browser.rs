//! report.html in a browser, as its readers open it: no error, no request, no serious fault of accessibility; it
//! zooms, filters, sorts and prints. The scripts in `tests/browser` drive headless Chromium.

use crate::support::hostile::{HOSTILE, hostile_log};
use crate::support::ike_builder::write;
use crate::support::large_report::{incident as made_incident, large_report};
use crate::support::program::plainsight;
use crate::support::samples::folders;
use crate::support::{browser_is_there, tool_is_there};
use plainsight::report::{Format, files};
use serde_json::{Value, json};
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
        // A static is never dropped: what is left is left inside `target`.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let samples = folders(&root().join("samples"));
        let mut pages: Vec<PathBuf> = samples
            .iter()
            .map(|sample| {
                let out = folder.path().join(sample.file_name().unwrap());
                let policy = sample.join("policy.toml");
                let mut command = plainsight();
                command
                    .arg("analyze")
                    .arg(sample)
                    .args(["--format", "html,json", "--out"])
                    .arg(&out);
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
        command.args(["--format", "html,json", "--out"]).arg(&out).assert().code(0);
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
    let reported = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {printed}{reported}");
    printed
}

#[test]
fn no_page_errs_or_asks_for_anything_or_shuts_anyone_out() {
    if browser_is_there() {
        drive("sound.js", &[], pages());
    }
}

#[test]
fn nothing_is_cut_overlaps_or_breaks_on_any_screen_or_on_paper() {
    if browser_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut all = pages().to_vec();
        all.push(incident(folder.path()));
        drive("measure.js", &[], &all);
    }
}

/// The page of a made incident of thirty hosts and forty windows, with the files and log events of such an incident.
fn incident(folder: &Path) -> PathBuf {
    let page = files(&made_incident(), &[Format::Html]).unwrap().remove(0);
    let path = folder.join(page.name);
    write(&path, &page.bytes);
    path
}

#[test]
fn an_incident_of_thirty_hosts_and_forty_windows_prints_on_fifteen_sheets() {
    if !browser_is_there() || !tool_is_there("pdftotext", "poppler-utils") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let page = incident(folder.path());
    drive("print.js", &[], std::slice::from_ref(&page));
    for format in ["A4", "Letter"] {
        let sheets = sheets(&page.with_extension(format!("{format}.pdf")));
        // Behind the last sheet's mark there is nothing.
        let sheets: Vec<&String> = sheets.iter().filter(|sheet| !sheet.is_empty()).collect();
        assert!(sheets.len() <= 15, "{format}: {} sheets", sheets.len());
        let cover = sheets[0];
        for part in ["Scope", "Digests of the evidence", "Examined by", "partially protected"] {
            assert!(cover.to_lowercase().contains(&part.to_lowercase()), "{format}: {part}");
        }
        let paper = sheets.iter().map(|sheet| sheet.as_str()).collect::<String>();
        assert!((1..=40).all(|number| paper.contains(&format!("W{number}"))), "{format}");
        let words: Vec<&str> = paper.split_whitespace().collect();
        assert!(words.contains(&"W40") && words.contains(&"10.9.0.15"), "{format}");
    }
}

#[test]
fn the_page_alone_answers_what_an_auditor_asks_of_every_window() {
    if !browser_is_there() {
        return;
    }
    let mut asked = 0;
    for page in pages() {
        let printed = drive("checklist.js", &[], std::slice::from_ref(page));
        let reported: Vec<Value> = serde_json::from_str(&printed).unwrap();
        let report = fs::read_to_string(page.with_file_name("report.json")).unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        let windows = report["windows"].as_array().unwrap();
        assert_eq!(reported.len(), windows.len(), "{}", page.display());
        for (reported, window) in reported.iter().zip(windows) {
            asked += 1;
            for field in ["id", "start", "end", "frames", "bytes", "filter"] {
                assert_eq!(reported[field], window[field], "{field}");
            }
            assert_eq!(reported["seconds"].as_f64(), window["duration_seconds"].as_f64());
            assert!(!reported["duration"].as_str().unwrap().is_empty());
            assert_eq!(reported["hosts"], json!([window["a"], window["b"]]));
            let names = [&window["a_names"], &window["b_names"]];
            let names = names.iter().filter_map(|names| {
                let names: Vec<&str> =
                    names.as_array().unwrap().iter().filter_map(Value::as_str).collect();
                (!names.is_empty()).then(|| names.join(" or "))
            });
            assert_eq!(reported["names"], json!(names.collect::<Vec<String>>()));
            let way = |way: &str| json!([window[way]["packets"], window[way]["payload_bytes"]]);
            assert_eq!(reported["ways"], json!([way("a_to_b"), way("b_to_a")]));
            let roles =
                [("opened", "opened_by"), ("kept_open", "kept_open_by"), ("closed", "closed_by")];
            for (ours, theirs) in roles {
                let cause = &window[theirs][0];
                let words = |cause: &Value| {
                    let reason = cause["reason"].as_str().unwrap().replace('_', " ");
                    json!([reason, cause["confidence"]])
                };
                let known = if cause.is_null() { Value::Null } else { words(cause) };
                assert_eq!(reported[ours], known, "{} {ours}", window["id"]);
            }
            let frame = |end: &str| {
                format!("{}:{}", window[end]["evidence"].as_str().unwrap(), window[end]["frame"])
            };
            let (first, last) = (frame("first"), frame("last"));
            let both = format!("{first} to {last}");
            assert_eq!(reported["shown_by"], json!(if first == last { first } else { both }));
        }
    }
    assert!(asked >= 4, "{asked}");
}

#[test]
fn the_timeline_zooms_and_names_frames() {
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
fn links_of_the_page_lead_to_their_sections_and_no_lane_is_hidden() {
    if browser_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut all = pages().to_vec();
        all.push(incident(folder.path()));
        drive("places.js", &[], &all);
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
fn ten_thousand_windows_of_a_thousand_pairs_open_in_one_and_a_half_seconds() {
    let report = large_report(10_000, 1_000);
    let page = files(&report, &[Format::Html]).unwrap().remove(0);
    assert!(page.bytes.len() < 9_000_000, "{} bytes", page.bytes.len());
    if browser_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(page.name);

        std::io::Write::write_all(&mut fs::File::create(&path).unwrap(), &page.bytes).unwrap();
        let reported = drive("large.js", &["1500"], &[path]);
        println!("{} bytes, {reported}", page.bytes.len());
    }
}
