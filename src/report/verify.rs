//! Whether a report and its evidence are still what the manifest says.
//!
//! Reads and compares; changes nothing. A manifest may be forged, so it is read as evidence is.

use super::publish::{CARVED, names_in};
use super::schema::Manifest;
use super::signature::VerifyingKey;
use crate::evidence::{
    MANIFEST, SIGNATURE, digest_of_file as digest, files_below, open, path_of, shown_path,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// What the check of a folder came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Files that are what the manifest says.
    pub same: u64,
    /// Files that are not.
    pub differences: Vec<Difference>,
    /// Files of which the manifest holds no digest: at the most their length was compared.
    pub unhashed: Vec<String>,
    /// Files of evidence that the report knows by summaries only: these were compared, and they not.
    pub summarized: usize,
    /// What the signature's trusted comment says, where it was checked and is good.
    pub signed: Option<String>,
    /// There is a signature, and no key was given to check it with, or it cannot be read.
    pub signature_unchecked: bool,
    /// Files whose digest was taken.
    digests: BTreeMap<PathBuf, String>,
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
    #[error("`{path}` is not a plainsight manifest: {cause}")]
    NotOurs {
        /// Where it is.
        path: String,
        /// What was expected.
        cause: String,
    },
}

/// Checks a report's folder and the evidence it was made from; with a key the signature of its
/// manifest, too.
///
/// # Errors
/// Where there is no manifest to check against.
pub fn verify(folder: &Path, key: Option<&VerifyingKey>) -> Result<Verification, VerifyError> {
    let manifest = read_manifest(folder)?;
    let mut result = Verification::default();
    result.check_signature(folder, &manifest, key);
    result.check_outputs(folder, &manifest);
    result.check_inputs(&manifest);
    result.find_added(folder, &manifest);
    Ok(result)
}

/// The manifest of a report's folder.
///
/// # Errors
/// Where it is not there or is none of ours.
pub(super) fn read_manifest(folder: &Path) -> Result<Manifest, VerifyError> {
    let path = folder.join(MANIFEST);
    let shown = shown_path(&path);
    let text = bounded(&path, MOST_MANIFEST)
        .map_err(|cause| VerifyError::Unreadable { path: shown.clone(), cause })?;
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

    fn check_signature(&mut self, folder: &Path, manifest: &Manifest, key: Option<&VerifyingKey>) {
        let path = folder.join(SIGNATURE);
        let read = bounded(&path, MOST_SIGNATURE).and_then(|octets| {
            String::from_utf8(octets)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        });
        let signature = match read {
            Ok(signature) => signature,
            Err(error) => {
                // A key that is given expects a signature; so does a manifest that was signed.
                if key.is_some() || manifest.signed_with.is_some() {
                    self.differs(SIGNATURE, format!("cannot be read: {error}"));
                } else if path.symlink_metadata().is_ok() {
                    self.signature_unchecked = true;
                }
                return;
            }
        };
        let Some(key) = key else { return self.signature_unchecked = true };
        if let Some(named) = &manifest.signed_with
            && !key.is_named(named)
        {
            let what = format!("is signed by key {named}, which is not the key given with --key");
            self.differs(MANIFEST, what);
        }
        let signed = bounded(&folder.join(MANIFEST), MOST_MANIFEST);
        let signed = signed.map_err(|error| format!("cannot be checked: {error}"));
        match signed.and_then(|manifest| key.check(&manifest, &signature)) {
            Ok(comment) => self.signed = Some(comment),
            Err(what) => self.differs(SIGNATURE, what),
        }
    }

    fn check_outputs(&mut self, folder: &Path, manifest: &Manifest) {
        let mut listed: BTreeSet<&str> = [MANIFEST, SIGNATURE].into();
        for output in &manifest.outputs {
            listed.insert(&output.name);
            // A forged name must not lead out of the folder.
            if !is_inside(&output.name) {
                self.differs(&output.name, "the manifest names it with a path".to_owned());
                continue;
            }
            let path = folder.join(&output.name);
            self.check(&output.name, &path, output.size_bytes, Some(&output.sha256));
        }
        for name in unlisted(folder, &listed) {
            self.differs(&name, "is not listed in the manifest".to_owned());
        }
    }

    fn check_inputs(&mut self, manifest: &Manifest) {
        for summary in &manifest.summaries {
            let path = locate(&summary.path, &manifest.working_directory);
            self.check(&summary.path, &path, summary.size_bytes, Some(&summary.sha256));
        }
        // Only the summaries were read; the evidence may be far away.
        let inputs = if manifest.summaries.is_empty() { &*manifest.inputs } else { &[] };
        self.summarized = manifest.inputs.len() - inputs.len();
        let files: BTreeSet<&str> = inputs.iter().map(|input| &*input.path).collect();
        for input in inputs {
            // The digest of a collection covers its members.
            let mut ends = input.path.match_indices("!/").map(|(at, _)| at);
            if ends.any(|at| input.path.get(..at).is_some_and(|outer| files.contains(outer))) {
                continue;
            }
            if input.path == "-" {
                self.unhashed.push("standard input".to_owned());
                continue;
            }
            if input.sha256.is_none() && manifest.options.hash {
                // It could not be read then: there is nothing to compare with.
                self.unhashed.push(input.path.clone());
                continue;
            }
            let path = locate(&input.path, &manifest.working_directory);
            self.check(&input.path, &path, input.size_bytes, input.sha256.as_deref());
        }
        let policy = manifest.options.policy.as_ref().zip(manifest.options.policy_sha256.as_ref());
        if let Some((policy, sha256)) = policy {
            self.check_digest(policy, &locate(policy, &manifest.working_directory), sha256);
        }
    }

    /// Files that stand in the folders of evidence now and did not when the report was made.
    fn find_added(&mut self, folder: &Path, manifest: &Manifest) {
        let known: BTreeSet<&str> = manifest.inputs.iter().map(|input| &*input.path).collect();
        // The paths of summarized evidence are those of another run, at another place.
        let paths = if manifest.summaries.is_empty() { &*manifest.options.paths } else { &[] };
        let paths: BTreeSet<&String> = paths.iter().collect();
        let mut left = ADDED_AT_MOST;
        for given in paths {
            let place = locate(given, &manifest.working_directory);
            if given == "-" || left == 0 || !place.is_dir() {
                continue;
            }
            let shown = |below: PathBuf| shown_path(&path_of(given).join(below));
            let added = files_below(&place, folder).map(shown);
            let mut added = added.filter(|path| !known.contains(path.as_str()));
            for path in added.by_ref().take(left) {
                self.differs(&path, "did not exist when the report was made".to_owned());
                left -= 1;
            }
            if left > 0 {
                continue;
            }
            if added.next().is_some() {
                let what = format!("holds more than {ADDED_AT_MOST} files that did not exist");
                self.differs(given, what);
            }
        }
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
        self.check_digest(name, path, sha256);
    }

    fn check_digest(&mut self, name: &str, path: &Path, sha256: &str) {
        // A forged manifest may name one file many times.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let known = self.digests.get(&real).cloned();
        let found = known.map_or_else(|| digest(path), Ok);
        if let Ok(found) = &found {
            self.digests.insert(real, found.clone());
        }
        match found {
            Ok(found) if found.eq_ignore_ascii_case(sha256) => self.same += 1,
            Ok(found) => {
                self.differs(name, format!("has SHA-256 {found}, the manifest says {sha256}"));
            }
            Err(error) => self.differs(name, format!("cannot be read: {error}")),
        }
    }
}

/// A regular file of at most so many octets.
fn bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > most {
        let text = format!("it has more than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(octets)
}

/// Relative paths start where the run did; where that folder is gone, here.
fn locate(path: &str, working_directory: &str) -> PathBuf {
    let path = path_of(path);
    let there = path_of(working_directory).join(&path);
    if there.exists() { there } else { path }
}

/// The name of a file in the report's folder, or in its folder of carved packets.
fn is_inside(name: &str) -> bool {
    let of_file = name.strip_prefix(CARVED).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
    Path::new(of_file).file_name() == Some(of_file.as_ref())
}

fn unlisted(folder: &Path, listed: &BTreeSet<&str>) -> Vec<String> {
    let mut names = names_in(folder).unwrap_or_default();
    names.retain(|name| !listed.contains(name.as_str()));
    names
}

/// More than the manifest of a hundred thousand files has.
const MOST_MANIFEST: u64 = 64 << 20;
/// A signature of minisign has some three hundred.
const MOST_SIGNATURE: u64 = 64 << 10;
/// In all. A forged manifest may name the root of a disk as its evidence.
const ADDED_AT_MOST: usize = 1_000;
