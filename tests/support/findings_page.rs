//! docs/findings.md, made from the program's own words.

use plainsight::findings::{Control, FindingCode};
use std::fmt::Write as _;

/// The page.
pub(crate) fn findings_page() -> String {
    let mut page = String::from(
        "# Findings\n\n\
         Every finding that plainsight can make, with its severity, what to do, and the controls that it\n\
         affects. `plainsight explain CODE` prints the same. This page is made from the source:\n\
         `cargo run --example findings_page > docs/findings.md`.\n\n\
         A finding names the frames or records that prove it. Its confidence is `high` where these were read from the\n\
         evidence, and lower where something was inferred; the finding names what.\n\n\
         | code | severity |\n| --- | --- |\n",
    );
    let rows = FindingCode::ALL.map(FindingCode::row);
    for row in rows {
        writeln!(page, "| [`{0}`](#{0}) | {1} |", row.name, row.severity_rule()).unwrap();
    }
    for row in rows {
        write!(page, "\n## {}\n\n{}\n\n", row.name, row.meaning).unwrap();
        write!(page, "Severity: {}.\n\n", row.severity_rule()).unwrap();
        let colon = row.what_to_do.trim_end_matches([':', '.']);
        writeln!(page, "What to do: {colon}.").unwrap();
        if !row.steps.is_empty() {
            page.push('\n');
        }
        for (step, number) in row.steps.iter().zip(1..) {
            writeln!(page, "{number}. {step}").unwrap();
        }
        let controls: Vec<&str> = row.controls.iter().map(|control| control.as_str()).collect();
        if !controls.is_empty() {
            writeln!(page, "\nAffects {}.", controls.join(", ")).unwrap();
        }
    }
    page.push_str("\n## Controls\n\n| control | what it requires |\n| --- | --- |\n");
    for control in Control::ALL {
        writeln!(page, "| {} | {} |", control.as_str(), control.meaning()).unwrap();
    }
    page
}
