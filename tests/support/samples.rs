//! The samples' hand-written expectations, and how far a report agrees with them.
//!
//! Shared by the tests and the example `check_samples`.

use plainsight::report::schema::Report;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// expected.toml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) verdict: String,
    pub(crate) classes: BTreeMap<String, u64>,
    pub(crate) windows: Vec<Window>,
    pub(crate) findings: Vec<Finding>,
    #[serde(default)]
    pub(crate) clock_offsets: BTreeMap<String, f64>,
    pub(crate) with_policy: Option<WithPolicy>,
}

/// What holds under the sample's own policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithPolicy {
    pub(crate) policy: PathBuf,
    pub(crate) verdict: String,
    pub(crate) windows: Vec<Window>,
    pub(crate) findings: Vec<Finding>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    pub(crate) a: String,
    pub(crate) b: String,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) frames: u64,
    pub(crate) cause: String,
    /// The leading reason of each role; nothing where the role is empty.
    #[serde(default)]
    pub(crate) opened_by: String,
    #[serde(default)]
    pub(crate) kept_open_by: String,
    pub(crate) closed_by: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finding {
    pub(crate) code: String,
    pub(crate) severity: String,
}

/// The samples' folders.
pub(crate) fn folders(samples: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(samples).unwrap();
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

pub(crate) fn expected(folder: &Path) -> Expected {
    let path = folder.join("expected.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn leading(causes: &[plainsight::report::schema::Cause]) -> String {
    causes.first().map_or_else(String::new, |cause| cause.reason.clone())
}

/// The windows that a report shows for the captures in a folder.
pub(crate) fn windows_of(report: &Report, folder: &str) -> Vec<Window> {
    let is_inside = |id: &str| {
        report.evidence.iter().any(|e| e.id == id && e.path.contains(&format!("{folder}/")))
    };
    let windows = report.windows.iter().filter(|w| is_inside(&w.first.evidence));
    windows
        .map(|w| Window {
            a: w.a.clone(),
            b: w.b.clone(),
            first: w.first.frame,
            last: w.last.frame,
            frames: w.frames,
            cause: leading(&w.causes),
            opened_by: leading(&w.opened_by),
            kept_open_by: w.kept_open_by.first().map_or_else(String::new, |k| k.reason.clone()),
            closed_by: leading(&w.closed_by),
        })
        .collect()
}
