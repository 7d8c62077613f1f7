//! Whether a report and its evidence are still what the manifest says.
//!
//! Reads and compares; changes nothing. A manifest may be forged, so it is read as evidence is.

use super::manifest::MANIFEST;
use super::schema::Manifest;
use crate::evidence::{HashedBy, Hashing};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What the check of a folder came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Files that are what the manifest says.
    pub same: u64,
    /// Files that are not.
    pub differences: Vec<Difference>,
    /// Files of which the manifest holds no digest: only their length was compared.
    pub unhashed: Vec<String>,
}

/// A file that is not what the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name or path.
    pub file: String,
    /// What is different.
    pub what: String,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no manifest, or it cannot be read.
    #[error("cannot read `{path}`: {cause}")]
    Unreadable {
        /// Where it should be.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
    /// It is none of ours.
    #[error("`{path}` is no manifest of plainsight: {cause}")]
    NotOurs {
        /// Where it is.
        path: String,
        /// What was expected.
        cause: String,
    },
}

/// Checks a report's folder and the evidence it was made from.
///
/// # Errors
/// Where there is no manifest to check against.
pub fn verify(folder: &Path) -> Result<Verification, VerifyError> {
    let manifest = read_manifest(folder)?;
    let mut result = Verification::default();
    let mut listed: BTreeSet<&str> = [MANIFEST].into();
    for output in &manifest.outputs {
        listed.insert(&output.name);
        // A forged name must not lead out of the folder.
        if Path::new(&output.name).file_name() != Some(output.name.as_ref()) {
            result.differs(&output.name, "the manifest names it with a path".to_owned());
            continue;
        }
        let path = folder.join(&output.name);
        result.check(&output.name, &path, output.size_bytes, Some(&output.sha256));
    }
    for name in unlisted(folder, &listed) {
        result.differs(&name, "the manifest does not know it".to_owned());
    }
    for input in &manifest.inputs {
        if input.path == "-" {
            result.unhashed.push("standard input".to_owned());
            continue;
        }
        let path = locate(&input.path, &manifest.working_directory);
        result.check(&input.path, &path, input.size_bytes, input.sha256.as_deref());
    }
    Ok(result)
}

/// The manifest of a report's folder.
///
/// # Errors
/// Where it is not there or is none of ours.
pub(super) fn read_manifest(folder: &Path) -> Result<Manifest, VerifyError> {
    let path = folder.join(MANIFEST);
    let shown = path.to_string_lossy().into_owned();
    let text =
        fs::read(&path).map_err(|cause| VerifyError::Unreadable { path: shown.clone(), cause })?;
    let not_ours = |cause| VerifyError::NotOurs { path: shown.clone(), cause };
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| not_ours(error.to_string()))?;
    if manifest.tool.name == "plainsight" {
        Ok(manifest)
    } else {
        Err(not_ours("its tool has another name".to_owned()))
    }
}

impl Verification {
    fn differs(&mut self, file: &str, what: String) {
        self.differences.push(Difference { file: file.to_owned(), what });
    }

    fn check(&mut self, name: &str, path: &Path, size: u64, sha256: Option<&str>) {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return self.differs(name, format!("cannot be read: {error}")),
        };
        if !metadata.is_file() {
            return self.differs(name, "is not a file".to_owned());
        }
        if metadata.len() != size {
            let found = metadata.len();
            return self.differs(name, format!("has {found} bytes, the manifest says {size}"));
        }
        let Some(sha256) = sha256 else { return self.unhashed.push(name.to_owned()) };
        match digest(path) {
            Ok(found) if found.eq_ignore_ascii_case(sha256) => self.same += 1,
            Ok(found) => {
                self.differs(name, format!("has SHA-256 {found}, the manifest says {sha256}"));
            }
            Err(error) => self.differs(name, format!("cannot be read: {error}")),
        }
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let mut reader = Hashing::new(File::open(path)?, HashedBy::Reader);
    reader.drain()?;
    Ok(reader.finish().unwrap_or_default())
}

/// Relative paths start where the run did; where that folder is gone, here.
fn locate(path: &str, working_directory: &str) -> PathBuf {
    let there = Path::new(working_directory).join(path);
    if there.exists() { there } else { PathBuf::from(path) }
}

fn unlisted(folder: &Path, listed: &BTreeSet<&str>) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !listed.contains(name.as_str()))
        .collect();
    names.sort();
    names
}
