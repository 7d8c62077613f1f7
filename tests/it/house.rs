//! The rules of the house that a test can hold: docs/architecture.md and docs/style.md.

use plainsight::catalogue::Reason;
use plainsight::evidence::ProblemCode;
use plainsight::findings::FindingCode;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom. The same table, with reasons, is in docs/architecture.md.
const MAY_IMPORT: &[(&str, &str)] = &[
    ("time", ""),
    ("hosts", ""),
    ("evidence", "time"),
    ("catalogue", ""),
    ("xml", ""),
    ("capture", "evidence time"),
    ("packet", "capture evidence hosts time"),
    ("ike", "catalogue evidence hosts time"),
    ("protection", "hosts ike packet time"),
    ("eventlog", "catalogue evidence hosts time xml"),
    ("policy", "hosts xml"),
    ("summary", "capture eventlog evidence hosts ike packet protection time"),
    ("correlate", "catalogue eventlog evidence hosts ike policy protection summary time"),
    ("findings", "catalogue correlate evidence hosts ike policy protection summary time"),
    (
        "analysis",
        "capture correlate eventlog evidence findings packet policy protection summary time",
    ),
    ("carve", "analysis capture correlate evidence findings hosts ike packet time"),
    (
        "report",
        "carve correlate eventlog evidence findings hosts ike policy protection summary time",
    ),
    (
        "cli",
        "analysis carve catalogue correlate evidence findings hosts ike policy protection report summary time",
    ),
];

/// Crates that one place owns, or a few.
const OWNERS: &[(&str, &str)] = &[
    ("anstream", "cli"),
    ("anstyle", "cli"),
    ("anyhow", "cli"),
    ("askama", "report"),
    ("base64", "report eventlog/text"),
    ("bzip2", "evidence/unpack"),
    ("cab", "evidence/collection.rs evidence/collection/cab.rs"),
    ("clap", "cli"),
    ("clap_complete", "cli"),
    ("clap_complete_nushell", "cli"),
    ("clap_mangen", "cli"),
    ("ctrlc", "cli/stopping.rs"),
    ("etherparse", "packet"),
    ("flate2", "evidence/unpack evidence/collection/checked.rs"),
    ("gethostname", "report/manifest.rs"),
    ("getrandom", "report/pseudonyms/secret.rs"),
    ("hmac", "report/pseudonyms/secret.rs"),
    ("indicatif", "cli/progress.rs"),
    ("lz4_flex", "evidence/unpack"),
    ("lzma_rust2", "evidence/unpack"),
    ("parquet", "report"),
    ("minisign", "report/signing.rs"),
    ("minisign_verify", "report/signature.rs"),
    ("sevenz_rust2", "evidence/collection/sevenz.rs"),
    ("rpassword", "cli/keys.rs"),
    ("rustix", "evidence/open.rs report/publish/replace.rs"),
    ("pcap_parser", "capture"),
    ("postcard", "summary/file.rs"),
    ("quick_xml", "xml.rs"),
    ("rayon", "analysis/mod.rs analysis/observing.rs eventlog/evtx/chunk.rs report/mod.rs"),
    ("ruzstd", "evidence/unpack"),
    ("schemars", "report"),
    ("md5", "ike/nat.rs"),
    ("sha1", "report/community_id.rs ike/nat.rs"),
    ("sha2", "evidence/digest.rs ike/nat.rs report/pseudonyms/secret.rs"),
    ("terminal_size", "cli/wrap.rs"),
    ("tempfile", "evidence/collection.rs evidence/collection/scratch.rs report/publish.rs"),
    ("toml", "policy/parse.rs report/case.rs"),
    ("zip", "evidence/collection"),
    ("walkdir", "evidence/discover.rs"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_under(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let is_built = path.ends_with("target") || path.ends_with("fuzz/artifacts");
        if path.is_dir() && !is_built {
            found.extend(files_under(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn rust_files() -> Vec<PathBuf> {
    let folders = ["src", "tests", "examples", "benches", "fuzz"];
    folders.iter().flat_map(|folder| files_under(&root().join(folder), "rs")).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file of src without its tests and comments.
fn program(path: &Path) -> String {
    let text = read(path);
    let program = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = program.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The path below src, with `/`.
fn place(path: &Path) -> String {
    path.strip_prefix(root().join("src")).unwrap().to_string_lossy().replace('\\', "/")
}

fn module(place: &str) -> &str {
    place.split(['/', '.']).next().unwrap_or_default()
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in rust_files() {
        assert!(read(&path).starts_with("//! "), "{} has no //! head", path.display());
    }
}

#[test]
fn no_file_outgrows_what_a_reader_can_hold() {
    for path in rust_files() {
        let lines = read(&path).lines().count();
        let is_table = path.starts_with(root().join("src/catalogue"));
        assert!(lines <= 500 || is_table, "{} has {lines} lines", path.display());
    }
}

#[test]
fn data_flows_one_way() {
    for path in files_under(&root().join("src"), "rs") {
        let place = place(&path);
        let module = module(&place);
        if matches!(module, "lib" | "main") {
            continue;
        }
        let allowed = MAY_IMPORT.iter().find(|row| row.0 == module);
        let allowed = allowed.unwrap_or_else(|| panic!("{module} is not in the table")).1;
        for used in program(&path).split("crate::").skip(1) {
            let used: String =
                used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let may = used == module || allowed.split(' ').any(|name| name == used);
            assert!(may, "{place} imports {used}");
        }
    }
}

#[test]
fn each_crate_stays_with_its_owner() {
    for path in files_under(&root().join("src"), "rs") {
        let (place, text) = (place(&path), program(&path));
        for (name, owner) in OWNERS {
            let uses = text
                .match_indices(&format!("{name}::"))
                .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            let owns = owner.split(' ').any(|owner| place.starts_with(owner));
            assert!(!uses || owns, "{place} uses {name}, which {owner} owns");
        }
    }
}

#[test]
fn the_import_table_of_the_docs_is_the_one_held_here() {
    let docs = read(&root().join("docs/architecture.md"));
    for (module, imports) in MAY_IMPORT {
        let listed = imports.split_whitespace().collect::<Vec<_>>().join(", ");
        let listed = if listed.is_empty() { "–".to_owned() } else { listed };
        let row = format!("| {module} | {listed} |");
        assert!(docs.contains(&row), "docs/architecture.md lacks `{row}`");
    }
}

#[test]
fn nothing_is_left_for_later_and_no_debug_form_reaches_a_user() {
    for path in rust_files() {
        let text = read(&path);
        for word in ["TODO", "FIXME", "XXX"] {
            let quoted = format!("\"{word}\"");
            assert!(!text.replace(&quoted, "").contains(word), "{}: {word}", path.display());
        }
    }
    for path in files_under(&root().join("src"), "rs") {
        let text = program(&path);
        assert!(!text.contains(":?}"), "{} formats with {{:?}}", path.display());
    }
}

/// Evidence chooses the keys of most tables: one that is hashed with a known seed can be made slow.
#[test]
fn no_table_is_hashed_with_a_seed_that_is_known() {
    let known = ["FixedState", "DefaultHasher", "BuildHasherDefault", "with_seed("];
    for path in files_under(&root().join("src"), "rs") {
        let text = program(&path);
        for word in known {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn every_sample_has_a_story_and_an_expectation() {
    for folder in crate::support::samples::folders(&root().join("samples")) {
        for name in ["README.md", "expected.toml"] {
            assert!(folder.join(name).is_file(), "{} has no {name}", folder.display());
        }
    }
}

#[test]
fn the_docs_know_every_field_finding_reason_and_problem() {
    let docs = read(&root().join("docs/report.md"));
    let mut words: BTreeSet<String> =
        FindingCode::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    words.extend(Reason::ALL.iter().map(|reason| reason.as_str().to_owned()));
    words.extend(ProblemCode::ALL.iter().map(|code| code.as_str().to_owned()));
    let report = crate::support::truth::report(
        vec![root().join("samples")],
        plainsight::policy::Policy::default(),
    );
    fields(&serde_json::to_value(&report).unwrap(), &mut words);
    for word in words {
        assert!(docs.contains(&format!("`{word}`")), "docs/report.md does not explain `{word}`");
    }
}

/// Every name of a field, but for those that evidence gives.
fn fields(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                names.insert(name.clone());
                // What is under these is named by evidence, formats and applications.
                if !matches!(
                    name.as_str(),
                    "fields" | "coverage" | "by_app" | "undecodable_reasons"
                ) {
                    fields(member, names);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn links_in_the_docs_lead_somewhere() {
    let mut documents = files_under(&root().join("docs"), "md");
    documents.extend(files_under(&root().join("samples"), "md"));
    documents
        .extend(["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    for document in documents {
        let folder = document.parent().unwrap();
        for link in read(&document).split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            let is_local = !target.is_empty() && !target.contains("://");
            let there = folder.join(target).exists();
            assert!(!is_local || there, "{}: {target}", document.display());
        }
    }
}
