//! The CSV tables in jq and in a spreadsheet: every cell as it was written. pandas is asked in
//! `outputs`.

use crate::support::hostile::written;
use crate::support::tool_is_there;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const TABLES: [&str; 5] = ["findings", "windows", "pairs", "ike_exchanges", "log_events"];

type Row = BTreeMap<String, String>;

fn rows(path: &Path) -> Vec<Row> {
    csv::Reader::from_path(path).unwrap().into_deserialize().map(Result::unwrap).collect()
}

/// The filter that docs/outputs.md shows.
fn jq_filter() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/outputs.md");
    let page = fs::read_to_string(page).unwrap();
    page.split("```jq\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

#[test]
fn jq_reads_every_cell_by_the_filter_of_the_docs() {
    if !tool_is_there("jq", "jq") {
        return;
    }
    let (_folder, out, _report) = written();
    for table in TABLES {
        let path = out.join(format!("{table}.csv"));
        let output = Command::new("jq").arg("-Rs").arg(jq_filter()).arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Row>();
        let read: Vec<Row> = read.map(Result::unwrap).collect();
        assert!(!read.is_empty() && read == rows(&path), "{table}");
    }
}

#[test]
fn libreoffice_reads_every_cell_with_columns_of_text() {
    if !tool_is_there("soffice", "libreoffice-calc-nogui") {
        return;
    }
    let (folder, out, _report) = written();
    let there = folder.path().join("spreadsheet");
    let profile = folder.path().join("profile");
    // Comma, quote, UTF-8, from the first line, format 2 (text) for every column.
    let columns: Vec<String> = (1..=99).map(|column| format!("{column}/2")).collect();
    let mut command = Command::new("soffice");
    command.arg(format!("-env:UserInstallation=file://{}", profile.display()));
    command.args(["--headless", "--convert-to"]);
    command.arg("csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false");
    command.arg(format!("--infilter=CSV:44,34,76,1,{}", columns.join("/")));
    command.arg("--outdir").arg(&there);
    command.args(TABLES.map(|table| out.join(format!("{table}.csv"))));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for table in TABLES {
        let name = format!("{table}.csv");
        let with_its_line_ends = |mut row: Row| {
            for cell in row.values_mut() {
                *cell = cell.replace("\r\n", "\n").replace('\r', "\n");
            }
            row
        };
        let ours: Vec<Row> = rows(&out.join(&name)).into_iter().map(with_its_line_ends).collect();
        let theirs = rows(&there.join(&name));
        assert!(!theirs.is_empty(), "{table}");
        assert_eq!(theirs, ours, "{table}");
    }
}
