//! What went in and what came out, each with its SHA-256, and when and where that was done.
//!
//! The only place that asks for the time. Checking a manifest is [`verify`](super::verify)'s work.

use super::build::{SCHEMA_VERSION, tool};
use super::{File, schema};
use crate::evidence::sha256;

/// When and where a run takes place.
#[derive(Clone, Debug)]
pub struct Run {
    host: String,
    working_directory: String,
    start: String,
}

impl Run {
    /// A run that begins now.
    #[must_use]
    pub fn begin() -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        Self {
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            working_directory: folder.to_string_lossy().into_owned(),
            start: now(),
        }
    }
}

/// The manifest of a report and the files written for it. The run ends here.
#[must_use]
pub fn manifest(report: &schema::Report, files: &[File], run: &Run) -> schema::Manifest {
    let input = |file: &schema::Evidence| schema::Input {
        id: file.id.clone(),
        path: file.path.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
        first_time: file.first_time.clone(),
        last_time: file.last_time.clone(),
    };
    let output = |file: &File| schema::Output {
        name: file.name.to_owned(),
        size_bytes: file.bytes.len() as u64,
        sha256: sha256(&file.bytes),
    };
    schema::Manifest {
        schema_version: SCHEMA_VERSION.to_owned(),
        tool: tool(),
        options: report.options.clone(),
        host: run.host.clone(),
        working_directory: run.working_directory.clone(),
        start: run.start.clone(),
        end: now(),
        inputs: report.evidence.iter().map(input).collect(),
        outputs: files.iter().map(output).collect(),
    }
}

#[allow(clippy::disallowed_methods, reason = "the manifest tells the time of the run")]
fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

/// The manifest's name in a report's folder.
pub(super) const MANIFEST: &str = "manifest.json";
