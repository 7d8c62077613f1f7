//! README.md and docs/: every command that they show is run, and prints what they show.
//!
//! A block marked `console` holds commands behind `$ ` and what each prints on both streams; `? 3` behind
//! that is its exit status where it is not 0. `[..]` means anything in a line, `...` for any lines.
//! The blocks of a page are run in order, in a folder that holds the samples and nothing else. With
//! `BOOK=overwrite` what is printed is written into the pages, to be read and committed.
#![cfg(unix)]

use crate::support::hostile::FORMATS;
use crate::support::program::{plainsight, report_in};
use crate::support::python;
use assert_cmd::cargo::cargo_bin;
use plainsight::report::schema::LogEvent;
use snapbox::IntoData as _;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> =
        docs.filter(|p| p.extension().is_some_and(|e| e == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// What a command prints and how it ends, as a page shows it.
fn run(command: &str, folder: &Path) -> String {
    let programs = cargo_bin("plainsight");
    let programs = programs.parent().unwrap().display();
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {command}\n}} 2>&1")])
        .current_dir(folder)
        .env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()))
        .env("LC_ALL", "C.UTF-8")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let mut reported = String::from_utf8(output.stdout).unwrap();
    match output.status.code() {
        Some(0) => {}
        code => reported.push_str(&format!("? {}\n", code.unwrap())),
    }
    reported
}

fn is_alike(shown: &str, printed: &str) -> bool {
    let compared = snapbox::Assert::new().action(snapbox::assert::Action::Verify);
    compared.try_eq(None, printed.to_owned().into_data(), shown.to_owned().into_data()).is_ok()
}

/// The page as it should be, and what is wrong with it.
fn checked(page: &Path) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("samples"), &folder.path().join("samples"));
    let text = fs::read_to_string(page).unwrap();
    let (mut whole, mut wrong) = (String::new(), Vec::new());
    let mut lines = text.lines().peekable();
    let mut is_console = false;
    while let Some(line) = lines.next() {
        whole.push_str(line);
        whole.push('\n');
        is_console = match line.strip_prefix("```") {
            Some(kind) => kind == "console",
            None => is_console,
        };
        let Some(command) = line.strip_prefix("$ ").filter(|_| is_console) else { continue };
        let mut shown = String::new();
        while let Some(line) = lines.next_if(|l| !l.starts_with("$ ") && !l.starts_with("```")) {
            shown.push_str(line);
            shown.push('\n');
        }
        let printed = run(command, folder.path());
        if is_alike(&shown, &printed) {
            whole.push_str(&shown);
        } else {
            wrong.push(format!("$ {command}\n{printed}"));
            whole.push_str(&printed);
        }
    }
    (whole, wrong)
}

#[test]
fn what_the_pages_show_is_what_the_program_does() {
    let overwrite = std::env::var("BOOK").is_ok_and(|asked| asked == "overwrite");
    let mut commands = 0;
    for page in pages() {
        let (whole, wrong) = checked(&page);
        commands += whole.lines().filter(|line| line.starts_with("$ ")).count();
        if overwrite {
            std::io::Write::write_all(&mut fs::File::create(&page).unwrap(), whole.as_bytes())
                .unwrap();
        } else {
            assert!(wrong.is_empty(), "{}:\n{}", page.display(), wrong.join("\n"));
        }
    }
    assert!(commands > 20, "only {commands} commands were found");
}

/// What the blocks of one kind hold, over all pages.
fn blocks(kind: &str) -> Vec<String> {
    let mark = format!("\n```{kind}\n");
    let texts = pages().into_iter().map(|page| fs::read_to_string(page).unwrap());
    let of_page = |text: String| -> Vec<String> {
        let behind = text.split(&mark).skip(1);
        behind.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
    };
    texts.flat_map(of_page).collect()
}

/// Where what a block shows is run: here (`console`), by the gate (`sh`), against a report
/// (`python`, `sql`, and `jq` in `spreadsheets`). A policy and a picture are no commands, and what
/// sets up a Windows host (`powershell`, `bat`) runs there alone.
#[test]
fn every_block_is_of_a_kind_that_is_run_or_is_no_command() {
    const KINDS: [&str; 9] =
        ["console", "sh", "python", "sql", "jq", "toml", "text", "powershell", "bat"];
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let mut kind = None;
        for line in text.lines() {
            if let Some(mark) = line.strip_prefix("```") {
                kind = if kind.is_some() { None } else { Some(mark) };
                assert!(kind.is_none_or(|k| KINDS.contains(&k)), "{}: `{line}`", page.display());
            } else if kind.is_some_and(|kind| kind != "console") {
                let is_ours = line.trim_start_matches("$ ").starts_with("plainsight ");
                assert!(!is_ours, "{}: `{line}` is not run", page.display());
            }
        }
    }
}

#[test]
fn what_is_run_in_the_clone_is_run_by_the_gate() {
    let gate = fs::read_to_string(root().join(".ci/run")).unwrap();
    let blocks = blocks("sh");
    assert!(blocks.len() > 2);
    for line in blocks.iter().flat_map(|block| block.lines()) {
        let is_listed = gate.lines().any(|of_gate| of_gate.trim_start() == format!("step {line}"));
        assert!(is_listed, "`{line}` is not in .ci/run");
    }
}

/// The samples' report and the Python that reads it, where there is one.
fn read_elsewhere() -> Option<(tempfile::TempDir, Command)> {
    let mut python = python()?;
    let folder = tempfile::tempdir().unwrap();
    let samples = root().join("samples");
    let mut analyze = plainsight();
    analyze.arg("analyze").arg(samples).args(["--format", FORMATS, "--out", "report"]);
    analyze.current_dir(folder.path()).assert().code(0);
    python.current_dir(folder.path());
    Some((folder, python))
}

fn printed(python: &mut Command, script: &str) -> serde_json::Value {
    let output = python.args(["-c", script]).output().unwrap();
    assert!(output.status.success(), "{script}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn pandas_reads_the_windows_as_the_page_says() {
    let Some((folder, mut python)) = read_elsewhere() else { return };
    let windows = report_in(&folder.path().join("report")).windows;
    let blocks = blocks("python");
    let [statement] = blocks.as_slice() else { panic!("{blocks:?}") };
    python.current_dir(folder.path().join("report"));
    let script =
        format!("import json, pandas\nread = {statement}\nprint(json.dumps(read['id'].tolist()))");
    let ids: Vec<&str> = windows.iter().map(|window| window.id.as_str()).collect();
    assert!(!ids.is_empty());
    assert_eq!(printed(&mut python, &script), serde_json::json!(ids));
}

#[test]
fn duckdb_answers_what_the_page_asks() {
    let Some((folder, mut python)) = read_elsewhere() else { return };
    let report = report_in(&folder.path().join("report"));
    let blocks = blocks("sql");
    let [statements] = blocks.as_slice() else { panic!("{blocks:?}") };
    let script = format!(
        "import duckdb, json\nasked = duckdb.extract_statements({statements:?})\n\
         print(json.dumps([duckdb.execute(one).fetchall() for one in asked], default=str))"
    );
    let answers = printed(&mut python, &script);
    let sum = |column: usize| -> u64 {
        answers[0].as_array().unwrap().iter().map(|row| row[column].as_u64().unwrap()).sum()
    };
    assert_eq!(sum(3), report.windows.len() as u64);
    assert_eq!(sum(4), report.windows.iter().map(|window| window.bytes).sum::<u64>());
    let rows = answers[1].as_array().unwrap();
    let failed = report.ike_exchanges.iter().filter(|exchange| exchange.reason.is_some());
    let failed: BTreeSet<&str> = failed.map(|exchange| exchange.id.as_str()).collect();
    let reported: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(reported, failed);
    let beside = rows.iter().filter(|row| !row[5].is_null()).count();
    let is_about = |event: &&LogEvent| {
        event
            .join
            .as_ref()
            .is_some_and(|j| j.exchange.as_deref().is_some_and(|x| failed.contains(x)))
    };
    assert_eq!(beside, report.log_events.iter().filter(is_about).count());
}

#[test]
fn a_page_that_shows_something_else_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.md");
    let write = |text: &str| {
        std::io::Write::write_all(&mut fs::File::create(&page).unwrap(), text.as_bytes()).unwrap();
        checked(&page).1.len()
    };
    assert_eq!(write("```console\n$ echo one\none\n$ echo two; exit 3\ntwo\n? 3\n```\n"), 0);
    assert_eq!(
        write("```console\n$ echo one\n[..]e\n$ printf '1\\n2\\n3\\n'\n1\n...\n3\n```\n"),
        0
    );
    assert_eq!(write("```console\n$ echo one\ntwo\n```\n"), 1);
    assert_eq!(write("```console\n$ echo one; exit 1\none\n```\n"), 1);
    assert_eq!(write("```text\n$ echo one\ntwo\n```\n"), 0, "only console is run");
}
