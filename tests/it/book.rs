//! README.md and docs/: every command that they show is run, and prints what they show.
//!
//! A block marked `console` holds commands behind `$ ` and what each prints on both streams; `? 3` behind
//! that is its exit status where it is not 0. `[..]` stands for anything in a line, `...` for any lines.
//! The blocks of a page are run in order, in a folder that holds the samples and nothing else. With
//! `BOOK=overwrite` what is printed is written into the pages, to be read and committed.
#![cfg(unix)]

use assert_cmd::cargo::cargo_bin;
use snapbox::IntoData as _;
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
    let mut told = String::from_utf8(output.stdout).unwrap();
    match output.status.code() {
        Some(0) => {}
        code => told.push_str(&format!("? {}\n", code.unwrap())),
    }
    told
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

/// Blocks of other kinds may show what another program reads, or what is run in the clone itself; a
/// command of ours outside of `console` would be run by nobody.
#[test]
fn no_command_stands_outside() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let mut kind = None;
        for line in text.lines() {
            if let Some(mark) = line.strip_prefix("```") {
                kind = if kind.is_some() { None } else { Some(mark) };
            } else if kind.is_some_and(|kind| kind != "console") {
                let is_ours = line.trim_start_matches("$ ").starts_with("plainsight ");
                assert!(!is_ours, "{}: `{line}` is not run", page.display());
            }
        }
    }
}

#[test]
fn a_page_that_shows_something_else_is_told() {
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
