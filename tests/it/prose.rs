//! The words that users read: plain English in help, messages, pages and docs. It holds a list of words
//! against them and judges no style beyond that.

use std::fs;
use std::path::{Path, PathBuf};

/// Words with a private or archaic meaning, and what to write instead.
const AVOIDED: &[(&[&str], &str)] = &[
    (&["owe", "owes", "owed", "owing"], "must be protected, requires"),
    (&["told", "tell", "tells", "telling"], "reported, recognized, shows"),
    (&["stand", "stands", "stood", "standing"], "is, is listed, appears"),
    (&["whoever"], "anyone who"),
    (&["feign", "feigns", "feigned", "feigning"], "fake, imitate"),
    (&["mend", "mends", "mended", "mending"], "fix"),
    (&["octet", "octets"], "byte"),
    (&["twin", "twins"], "decrypted copy, duplicate"),
    (&["hitherto", "thereof", "wherefore", "nought"], "(leave it out)"),
];

/// Turns that a reader has to guess at, and what to write instead.
const AVOIDED_PHRASES: &[(&str, &str)] = &[
    ("says so", "reports it, states it"),
    ("say so", "report it, state it"),
    ("bears on", "concerns, affects"),
    ("bear on", "concern, affect"),
    ("speaks against", "weighs against, contradicts"),
    ("speak against", "weigh against, contradict"),
    ("what it is worth", "(leave it out)"),
    ("as it came", "unchanged"),
    ("by its own word", "by its own flag, as it states"),
];

/// Uses that are right: the end of a path, a phrase around the word, the reason.
const ALLOWED: &[(&str, &str, &str)] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

/// The avoided word of a text and what to write instead, if there is one.
fn avoided(text: &str) -> Option<(&'static str, &'static str)> {
    let lower = text.to_lowercase();
    if let Some(found) = AVOIDED_PHRASES.iter().find(|(phrase, _)| lower.contains(phrase)) {
        return Some(*found);
    }
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.map(str::to_lowercase).find_map(|word| {
        let rows = AVOIDED.iter();
        rows.flat_map(|(words, instead)| words.iter().map(move |w| (*w, *instead)))
            .find(|(avoided, _)| *avoided == word)
    })
}

/// What is between `open` and `close` is code, not prose.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        let Some((_, behind)) = after.split_once(close) else { break };
        out.push_str(before);
        out.push(' ');
        rest = behind;
    }
    out + rest
}

fn check(path: &Path, texts: impl Iterator<Item = (usize, String)>, faults: &mut Vec<String>) {
    let place = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    for (line, text) in texts {
        let Some((word, instead)) = avoided(&text) else { continue };
        let is_allowed =
            ALLOWED.iter().any(|(end, phrase, _)| place.ends_with(end) && text.contains(phrase));
        if !is_allowed {
            faults.push(format!("{place}:{line}: `{word}` (write: {instead}): {}", text.trim()));
        }
    }
}

/// The string literals of a program with at least two words, and the lines they begin at.
fn sentences(source: &str) -> Vec<(usize, String)> {
    let (mut found, mut line) = (Vec::new(), 1);
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let used = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            rest[1..].find('\'').map_or(1, |end| end + 2).max(3)
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").map_or(rest.len(), |end| end + 2)
        } else if c == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|c: char| {
                let is_end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                is_end
            });
            let end = end.map_or(rest.len(), |end| end + 2);
            let text = without(&without(&rest[1..end - 1], "{", "}"), "`", "`");
            if text.trim().contains(' ') {
                found.push((line, text));
            }
            end
        } else {
            c.len_utf8()
        };
        line += rest[..used].matches('\n').count();
        rest = &rest[used..];
    }
    found
}

#[test]
fn messages_are_in_plain_words() {
    let mut sources = Vec::new();
    files(&root().join("src"), "rs", &mut sources);
    let (mut faults, mut read) = (Vec::new(), 0);
    for path in sources.iter().filter(|path| !path.ends_with("tests.rs")) {
        let source = fs::read_to_string(path).unwrap();
        let program = source.split("\n#[cfg(test)]\nmod tests").next().unwrap();
        let texts = sentences(program);
        read += texts.len();
        check(path, texts.into_iter(), &mut faults);
    }
    assert!(read > 2_000, "only {read} sentences found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn pages_and_help_are_in_plain_words() {
    let mut pages = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    pages.push(root().join("CONTRIBUTING.md"));
    files(&root().join("docs"), "md", &mut pages);
    files(&root().join("src/report/html"), "html", &mut pages);
    let mut help = Vec::new();
    files(&root().join("tests/it/snapshots"), "snap", &mut help);
    help.retain(|path| path.to_string_lossy().contains("help"));
    assert!(help.len() > 10, "help of every command is a snapshot");
    let mut faults = Vec::new();
    for path in pages.iter().chain(&help) {
        let text = fs::read_to_string(path).unwrap();
        let mut is_code = false;
        let lines = text.lines().enumerate().filter_map(|(at, line)| {
            is_code ^= line.trim_start().starts_with("```");
            let prose = without(&without(&without(line, "`", "`"), "{%", "%}"), "{{", "}}");
            (!is_code).then(|| (at + 1, without(&prose, "](", ")")))
        });
        check(path, lines, &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_list_finds_what_it_is_for() {
    assert_eq!(avoided("Whoever holds the key").map(|found| found.0), Some("whoever"));
    assert_eq!(avoided("standard, understood, `decrypted_twins`"), None);
    assert_eq!(avoided("The finding says so.").map(|found| found.0), Some("says so"));
    let source = "f('\"', \"a word stands\"); // \"it tells a lie\"\ng(\"x {told} y\")";
    assert_eq!(sentences(source), [(1, "a word stands".to_owned()), (2, "x   y".to_owned())]);
}
