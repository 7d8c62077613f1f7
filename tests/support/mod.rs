//! What several integration tests need: the shared laboratory, and evidence made to order.

pub(crate) mod evtx_builder;

pub(crate) mod busy_log;

pub(crate) mod evt_builder;

pub(crate) mod etl_builder;

pub(crate) mod log_exports;
pub(crate) mod log_forms;
pub(crate) mod log_languages;

pub(crate) mod ike_builder;

pub(crate) mod ike_talk;

pub(crate) mod two_hosts;

pub(crate) mod pcapng;
pub(crate) mod property_lists;

pub(crate) mod netmon;

pub(crate) mod incidents;

pub(crate) mod numbers;

pub(crate) mod mutation;

pub(crate) mod costly;

pub(crate) mod truth;

pub(crate) mod ike_truth;

pub(crate) mod samples;

pub(crate) mod program;

pub(crate) mod hostile;

pub(crate) mod large_report;

pub(crate) mod findings_page;

pub(crate) mod outputs_page;

use plainsight::protection::NamedPorts;
use plainsight::summary::{MOST_PAIRS, Member, Part, ReadWith, SummarySet};
use std::path::PathBuf;

/// The folder with the laboratory's captures and logs: `PLAINSIGHT_SHARED`, or `shared` beside the
/// project. Where it is absent this says on standard error which test did not run.
pub(crate) fn shared(test: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("PLAINSIGHT_SHARED").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("not run: {test}: there is no {}", folder.display());
    None
}

/// Whether a tool to compare with is installed; says so where it is not. With
/// `PLAINSIGHT_REQUIRE_TOOLS` a missing tool is an error, so that the gate leaves nothing out.
pub(crate) fn tool_is_there(tool: &str, package: &str) -> bool {
    if std::process::Command::new(tool).arg("--version").output().is_ok() {
        return true;
    }
    let required = std::env::var_os("PLAINSIGHT_REQUIRE_TOOLS").is_some();
    assert!(!required, "{tool} is not installed (Debian: {package})");
    eprintln!("not run: a comparison with {tool}, which is not installed (Debian: {package})");
    false
}

/// The Python with the packages of tests/python/requirements.txt: `PLAINSIGHT_PYTHON`, else
/// `python3`. Where they are missing this says so, or stops as [`tool_is_there`] does.
pub(crate) fn python() -> Option<std::process::Command> {
    let program = std::env::var_os("PLAINSIGHT_PYTHON").unwrap_or_else(|| "python3".into());
    let mut asked = std::process::Command::new(&program);
    asked.args(["-c", "import duckdb, Evtx.Evtx, pandas, pyarrow.parquet"]);
    if asked.output().is_ok_and(|output| output.status.success()) {
        return Some(std::process::Command::new(program));
    }
    let how =
        "pip install -r tests/python/requirements.txt, and PLAINSIGHT_PYTHON names its Python";
    let required = std::env::var_os("PLAINSIGHT_REQUIRE_TOOLS").is_some();
    assert!(
        !required,
        "Python with pyarrow, duckdb, pandas and python-evtx is not installed ({how})"
    );
    eprintln!(
        "not run: a comparison with pyarrow, duckdb, pandas or python-evtx, not installed ({how})"
    );
    None
}

/// Whether a browser and what drives it are there (Debian's chromium and nodejs; `npm ci` in `tests/browser`); where
/// not, as [`tool_is_there`].
pub(crate) fn browser_is_there() -> bool {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/browser/node_modules");
    let is_driven = folder.join("playwright-core").is_dir() && folder.join("axe-core").is_dir();
    let browser =
        std::env::var("PLAINSIGHT_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let ran = |program: &str| std::process::Command::new(program).arg("--version").output().is_ok();
    if is_driven && ran("node") && ran(&browser) {
        return true;
    }
    let how = "Debian: chromium, nodejs, npm; then `npm ci` in tests/browser";
    let required = std::env::var_os("PLAINSIGHT_REQUIRE_TOOLS").is_some();
    assert!(!required, "no browser to open the report in ({how})");
    println!("not run: report.html in a browser, which is not installed ({how})");
    false
}

/// How parts were read with the defaults, as a file of summaries says it.
pub(crate) fn summary_set(parts: &[Part]) -> SummarySet {
    let read_with = ReadWith {
        hash: true,
        max_pairs: MOST_PAIRS as u64,
        from: None,
        to: None,
        timezone: None,
        ports: NamedPorts::default().beyond_known(),
    };
    let members = parts.iter().map(|part| Member::of(&part.evidence)).collect();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    SummarySet { version, read_with, paths: Vec::new(), members }
}
