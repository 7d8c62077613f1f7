//! The recipes of CONTRIBUTING.md and the glossary of docs/architecture.md: what they name is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Of each recipe a file and what a newcomer looks for in it.
const LANDMARKS: &[(&str, &str, &str)] = &[
    ("Windows event", "src/catalogue/events.rs", "source"),
    ("IKE notify message", "src/catalogue/ike_notifies.rs", "\"AUTHENTICATION_FAILED\""),
    ("link type", "src/packet/link.rs", "match linktype"),
    ("finding", "src/findings/code.rs", "pub enum FindingCode"),
    ("finding", "src/findings/mod.rs", "pub fn find("),
    ("output column", "src/report/csv.rs", "opened_by kept_open_by"),
    ("output column", "src/report/schema.rs", "pub struct Window"),
];

fn read(place: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(place)).unwrap_or_default()
}

/// The code spans of a text.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_file_of_a_recipe_is_there() {
    let text = read("CONTRIBUTING.md");
    let (_, recipes) = text.split_once("## Recipes").unwrap();
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for recipe in recipes.split("\n**Add a").skip(1) {
        let name = recipe.trim_start_matches('n').trim().split("**").next().unwrap();
        let steps = recipe.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
        let is_path = |span: &&str| span.contains('.') && !span.contains([' ', '*']);
        files.insert(name, steps.flat_map(spans).filter(is_path).collect());
    }
    for (recipe, files) in &files {
        for file in files {
            assert!(!read(file).is_empty(), "{recipe}: {file} is not there");
        }
    }
    for (recipe, file, landmark) in LANDMARKS {
        assert!(files[recipe].contains(file), "the recipe for a new {recipe} does not name {file}");
        assert!(read(file).contains(landmark), "{file} does not hold `{landmark}`");
    }
}

#[test]
fn every_name_of_the_glossary_is_in_the_code() {
    let text = read("docs/architecture.md");
    let (_, glossary) = text.split_once("## Glossary").unwrap();
    let mut source = String::new();
    for folder in ["catalogue", "correlate", "eventlog", "evidence", "findings", "ike", "policy"]
        .into_iter()
        .chain(["protection", "summary"])
    {
        append(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), &mut source);
    }
    let mut named = 0;
    for row in glossary.lines().filter(|line| line.starts_with("| `")) {
        let code = row.split('|').nth(1).unwrap();
        let types = spans(code).filter(|span| span.starts_with(char::is_uppercase));
        for name in types.map(|name| name.split("::").last().unwrap()) {
            let defined = ["struct ", "enum ", "type "].map(|kind| format!("{kind}{name}"));
            let variant = format!("    {name},");
            let is_there =
                defined.iter().any(|text| source.contains(text)) || source.contains(&variant);
            assert!(is_there, "docs/architecture.md names `{name}`, which is not in the code");
            named += 1;
        }
    }
    assert!(named > 20, "only {named} names");
}

fn append(folder: &Path, source: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            append(&path, source);
        } else {
            source.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
