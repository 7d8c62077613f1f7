//! docs/findings.md, made from the program's own words.

use plainsight::findings::{Control, FindingCode};
use std::fmt::Write as _;

/// The page.
pub(crate) fn findings_page() -> String {
    let mut page = String::from(
        "# Findings\n\n\
         Every finding that plainsight can make, with its severity, what to do, and the controls that it\n\
         touches. `plainsight explain CODE` says the same. This page is made from the source:\n\
         `cargo run --example findings_page > docs/findings.md`.\n\n\
         A finding names what proves it, frames or records. Its confidence is `high` where that was read from the\n\
         evidence, lower where something was inferred; the finding says what.\n\n\
         | code | severity |\n| --- | --- |\n",
    );
    for words in FindingCode::all() {
        let severity = words.code.guide().severity;
        writeln!(page, "| [`{0}`](#{0}) | {severity} |", words.name).unwrap();
    }
    for words in FindingCode::all() {
        let guide = words.code.guide();
        write!(page, "\n## {}\n\n{}\n\n", words.name, words.meaning).unwrap();
        write!(page, "Severity: {}.\n\n", guide.severity).unwrap();
        let colon = words.what_to_do.trim_end_matches([':', '.']);
        writeln!(page, "What to do: {colon}.").unwrap();
        if !guide.steps.is_empty() {
            page.push('\n');
        }
        for (step, number) in guide.steps.iter().zip(1..) {
            writeln!(page, "{number}. {step}").unwrap();
        }
        let controls: Vec<&str> = guide.controls.iter().map(|control| control.as_str()).collect();
        if !controls.is_empty() {
            writeln!(page, "\nTouches {}.", controls.join(", ")).unwrap();
        }
    }
    page.push_str("\n## Controls\n\n| control | what it asks for |\n| --- | --- |\n");
    for control in Control::ALL {
        writeln!(page, "| {} | {} |", control.as_str(), control.meaning()).unwrap();
    }
    page
}
