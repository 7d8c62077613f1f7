//! The book as a whole: its contents name every page, its policies are policies, its console blocks are run.

use crate::support::program::plainsight;
use std::fs;
use std::path::{Path, PathBuf};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn pages() -> Vec<PathBuf> {
    let found = fs::read_dir(docs()).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = found.filter(|p| p.extension().is_some_and(|e| e == "md")).collect();
    pages.push(docs().join("../README.md"));
    pages.sort();
    pages
}

/// The fenced blocks of a page: what is behind the fence, and the lines.
fn blocks(page: &Path) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(page).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<(String, Vec<String>)> = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(kind), None) => open = Some((kind.to_owned(), Vec::new())),
            (None, Some((kind, mut lines))) => {
                lines.push(line.to_owned());
                open = Some((kind, lines));
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a block does not end", page.display());
    blocks
}

#[test]
fn the_contents_name_every_page() {
    let contents = fs::read_to_string(docs().join("README.md")).unwrap();
    for page in pages() {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        let is_named = name == "README.md" || contents.contains(&format!("]({name})"));
        assert!(is_named, "docs/README.md does not name {name}");
    }
}

/// A console block with a word behind `console`, or a command in a block of another kind, would be run
/// by nobody.
#[test]
fn every_block_with_a_prompt_is_run() {
    let mut run = 0;
    for page in pages() {
        for (kind, lines) in blocks(&page) {
            let has_prompt = lines.iter().any(|line| line.starts_with("$ "));
            let is_console = kind.starts_with("console") || kind.starts_with("shell");
            assert!(
                !(has_prompt || is_console) || kind == "console",
                "{}: `{kind}`",
                page.display()
            );
            assert!(!is_console || has_prompt, "{}: a console without command", page.display());
            run += usize::from(is_console);
        }
    }
    assert!(run > 20, "only {run} console blocks");
}

#[test]
fn policies_in_the_book_are_policies() {
    let folder = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for page in pages() {
        for (_, lines) in blocks(&page).into_iter().filter(|block| block.0 == "toml") {
            let file = folder.path().join("policy.toml");
            let mut open = fs::File::create(&file).unwrap();
            std::io::Write::write_all(&mut open, lines.join("\n").as_bytes()).unwrap();
            plainsight().args(["policy", "check"]).arg(&file).assert().code(0);
            checked += 1;
        }
    }
    assert!(checked > 0, "no policy was found");
}
