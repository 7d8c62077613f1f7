//! The report that is given pseudonyms: as it lies in its folder, and as its manifest knows it.

use crate::evidence::{MANIFEST, digest_of_file, open, sha256};
use crate::report::manifest;
use crate::report::publish::CARVED;
use crate::report::schema::{Manifest, Output, Pseudonyms, Report};
use crate::report::verify::{VerifyError, read_manifest};
use std::io::{self, Read as _};
use std::path::Path;

/// A report in its folder.
#[derive(Debug)]
pub struct Source {
    /// report.json.
    pub report: Vec<u8>,
    manifest: Manifest,
    manifest_sha256: String,
}

/// Why a folder's report cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It has no manifest, or none of ours.
    #[error(transparent)]
    Manifest(#[from] VerifyError),
    /// Only its other formats were written.
    #[error("the report holds no report.json; analyze with --format json")]
    NoJson,
    /// It is not what the manifest says.
    #[error("report.json is not what its manifest says; `plainsight verify` shows the difference")]
    Changed,
    /// It cannot be read.
    #[error("cannot read report.json: {0}")]
    Unreadable(#[from] io::Error),
}

impl Source {
    /// Reads the report in a folder; it has to be the one that its manifest names.
    ///
    /// # Errors
    /// Where there is none, or it is another one.
    pub fn read(folder: &Path) -> Result<Self, SourceError> {
        let manifest = read_manifest(folder)?;
        let output = manifest.outputs.iter().find(|output| output.name == REPORT);
        let output = output.ok_or(SourceError::NoJson)?;
        let mut report = Vec::new();
        open(&folder.join(REPORT))?.take(output.size_bytes + 1).read_to_end(&mut report)?;
        if !sha256(&report).eq_ignore_ascii_case(&output.sha256) {
            return Err(SourceError::Changed);
        }
        let manifest_sha256 = digest_of_file(&folder.join(MANIFEST))?;
        Ok(Self { report, manifest, manifest_sha256 })
    }

    /// The manifest of the report with pseudonyms and the files written for it.
    #[must_use]
    pub fn pseudonymous_manifest(&self, report: &Report, outputs: Vec<Output>) -> Manifest {
        let is_carved = |output: &&Output| output.name.starts_with(CARVED);
        let made_from = Pseudonyms {
            manifest_sha256: self.manifest_sha256.clone(),
            carved_left_out: self.manifest.outputs.iter().filter(is_carved).count(),
            case_left_out: self.manifest.case.is_some(),
        };
        manifest::pseudonymous(report, outputs, made_from)
    }
}

const REPORT: &str = "report.json";
