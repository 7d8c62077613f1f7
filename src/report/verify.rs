//! Whether a report and its evidence are still what the manifest says.
//!
//! Reads and compares; changes nothing. A manifest may be forged, so it is read as evidence is.

mod members;
mod places;

use super::publish::{CARVED, names_in};
use super::schema::{self, Input, Manifest};
use super::signature::VerifyingKey;
use crate::evidence::{MANIFEST, SIGNATURE, files_below, open, path_of, shown_path};
use members::Members;
use places::Places;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// What the check of a report came to; `verify --json` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// How many files are what the manifest says, at their place or at another one.
    pub unchanged: usize,
    /// How many are not.
    pub different: usize,
    /// How many are not there.
    pub missing: usize,
    /// How many could not be checked.
    pub unchecked: usize,
    /// What the signature's trusted comment says, where it was checked and is good.
    pub signed: Option<String>,
    /// Every file.
    pub files: Vec<Checked>,
}

/// A file, and what its check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its name in the report's folder, or its path as the manifest has it.
    pub file: String,
    /// What it is to the report.
    pub role: Role,
    /// What the check came to.
    pub state: State,
    /// Where it is now, if that is another place.
    pub found: Option<String>,
    /// What is different, or why it could not be checked.
    pub what: Option<String>,
}

/// What a file is to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Written into its folder.
    Output,
    /// Its manifest.
    Manifest,
    /// The signature of its manifest.
    Signature,
    /// Read as evidence.
    Evidence,
    /// A summary that was read instead of evidence.
    Summary,
    /// The policy.
    Policy,
    /// The case data.
    Case,
}

/// What the check of a file came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has the digest that the manifest says.
    Unchanged,
    /// The same, at another place.
    Moved,
    /// There is no digest to compare with, or it cannot be read.
    Unchecked,
    /// It is not there.
    Missing,
    /// It has another length or digest, or the manifest does not know it.
    Different,
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
/// manifest, too. Evidence is looked for by its digest in `elsewhere`, files and folders, before it is looked for
/// where it was; `-` is standard input.
///
/// # Errors
/// Where there is no manifest to check against.
pub fn verify(
    folder: &Path,
    key: Option<&VerifyingKey>,
    elsewhere: &[PathBuf],
) -> Result<Verification, VerifyError> {
    let manifest = read_manifest(folder)?;
    let mut result = Verification::default();
    let mut places = Places::of(&manifest, elsewhere);
    result.check_signature(folder, &manifest, key);
    result.check_outputs(folder, &manifest, &mut places);
    result.check_sources(&manifest, &mut places);
    result.check_inputs(&manifest, &mut places);
    result.find_added(folder, &manifest, &places);
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

/// What is known of a file that a report was made from.
#[derive(Clone, Copy)]
struct Expected<'m> {
    file: &'m str,
    role: Role,
    size: Option<u64>,
    sha256: Option<&'m str>,
}

/// What the check of one file came to.
enum Outcome {
    Unchanged,
    Moved(String),
    Unchecked(String),
    Missing,
    Different(String),
}

impl Verification {
    fn note(&mut self, file: &str, role: Role, outcome: Outcome) {
        let (state, found, what) = match outcome {
            Outcome::Unchanged => (State::Unchanged, None, None),
            Outcome::Moved(found) => (State::Moved, Some(found), None),
            Outcome::Unchecked(what) => (State::Unchecked, None, Some(what)),
            Outcome::Missing => (State::Missing, None, None),
            Outcome::Different(what) => (State::Different, None, Some(what)),
        };
        let count = match state {
            State::Unchanged | State::Moved => &mut self.unchanged,
            State::Unchecked => &mut self.unchecked,
            State::Missing => &mut self.missing,
            State::Different => &mut self.different,
        };
        *count += 1;
        self.files.push(Checked { file: file.to_owned(), role, state, found, what });
    }

    fn differs(&mut self, file: &str, role: Role, what: String) {
        self.note(file, role, Outcome::Different(what));
    }

    fn leave_signature(&mut self) {
        let what = "name the public key with --key".to_owned();
        self.note(SIGNATURE, Role::Signature, Outcome::Unchecked(what));
    }

    fn check_signature(&mut self, folder: &Path, manifest: &Manifest, key: Option<&VerifyingKey>) {
        let path = folder.join(SIGNATURE);
        let read = bounded(&path, MOST_SIGNATURE).and_then(|bytes| {
            String::from_utf8(bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        });
        let signature = match read {
            Ok(signature) => signature,
            Err(error) => {
                // A key that is given expects a signature; so does a manifest that was signed.
                if key.is_some() || manifest.signed_with.is_some() {
                    self.differs(SIGNATURE, Role::Signature, format!("cannot be read: {error}"));
                } else if path.symlink_metadata().is_ok() {
                    self.leave_signature();
                }
                return;
            }
        };
        let Some(key) = key else { return self.leave_signature() };
        if let Some(named) = &manifest.signed_with
            && !key.is_named(named)
        {
            let what = format!("is signed by key {named}, which is not the key given with --key");
            self.differs(MANIFEST, Role::Manifest, what);
        }
        let signed = bounded(&folder.join(MANIFEST), MOST_MANIFEST);
        let signed = signed.map_err(|error| format!("cannot be checked: {error}"));
        match signed.and_then(|manifest| key.check(&manifest, &signature)) {
            Ok(comment) => self.signed = Some(comment),
            Err(what) => self.differs(SIGNATURE, Role::Signature, what),
        }
    }

    fn check_outputs(&mut self, folder: &Path, manifest: &Manifest, places: &mut Places) {
        let mut listed: BTreeSet<&str> = [MANIFEST, SIGNATURE].into();
        for output in &manifest.outputs {
            let name = output.name.as_str();
            listed.insert(name);
            // A forged name must not lead out of the folder.
            if !is_inside(name) {
                self.differs(name, Role::Output, "the manifest names it with a path".to_owned());
                continue;
            }
            let (size, sha256) = (Some(output.size_bytes), Some(output.sha256.as_str()));
            let outcome = places.check(&folder.join(name), size, sha256);
            self.note(name, Role::Output, outcome);
        }
        for name in unlisted(folder, &listed) {
            self.differs(&name, Role::Output, "is not listed in the manifest".to_owned());
        }
    }

    /// What was read beside the evidence, or instead of it.
    fn check_sources(&mut self, manifest: &Manifest, places: &mut Places) {
        let mut expected: Vec<Expected<'_>> = Vec::new();
        for summary in &manifest.summaries {
            let (size, sha256) = (Some(summary.size_bytes), Some(summary.sha256.as_str()));
            expected.push(Expected { file: &summary.path, role: Role::Summary, size, sha256 });
        }
        let schema::Options { policy, policy_sha256, case, case_sha256, .. } = &manifest.options;
        let read = [(Role::Policy, policy, policy_sha256), (Role::Case, case, case_sha256)];
        for (role, file, sha256) in read {
            if let Some((file, sha256)) = file.as_deref().zip(sha256.as_deref()) {
                expected.push(Expected { file, role, size: None, sha256: Some(sha256) });
            }
        }
        for file in expected {
            let outcome = places.seek(&file);
            self.note(file.file, file.role, outcome);
        }
    }

    fn check_inputs(&mut self, manifest: &Manifest, places: &mut Places) {
        let inputs = manifest.inputs.as_slice();
        let what = if manifest.pseudonyms.is_some() {
            Some("whose names are pseudonyms")
        } else {
            // Only the summaries were read; the evidence may be far away.
            (!manifest.summaries.is_empty()).then_some("of which only summaries were read")
        };
        if let Some(what) = what
            && !places.are_elsewhere()
        {
            let many = inputs.len();
            let what = format!("{many} files, {what}; name their place with --evidence");
            return self.note("evidence", Role::Evidence, Outcome::Unchecked(what));
        }
        let paths: BTreeSet<&str> = inputs.iter().map(|input| &*input.path).collect();
        let is_member = |input: &&Input| members::collection_of(&input.path, &paths).is_some();
        let (within, files): (Vec<&Input>, Vec<&Input>) = inputs.iter().partition(is_member);
        let mut found: BTreeMap<&str, PathBuf> = BTreeMap::new();
        for input in files {
            let outcome = match unread(input, manifest) {
                Some(why) => Outcome::Unchecked(why),
                None => places.seek(&Expected::of(input)),
            };
            found.extend(places.last().map(|place| (input.path.as_str(), place)));
            self.note(&input.path, Role::Evidence, outcome);
        }
        let mut members = Members::default();
        for input in within {
            let collection = members::collection_of(&input.path, &paths);
            let opened = collection.and_then(|path| found.get(path));
            let outcome = match (unread(input, manifest), opened) {
                (Some(why), _) => Outcome::Unchecked(why),
                (None, Some(place)) => members.check(input, place),
                (None, None) => places.seek(&Expected::of(input)),
            };
            self.note(&input.path, Role::Evidence, outcome);
        }
    }

    /// Files that are in the folders of evidence now and did not when the report was made.
    fn find_added(&mut self, folder: &Path, manifest: &Manifest, places: &Places) {
        let known: BTreeSet<&str> = manifest.inputs.iter().map(|input| &*input.path).collect();
        // The paths of summarized evidence are those of another run, at another place.
        let paths = if manifest.summaries.is_empty() { &*manifest.options.paths } else { &[] };
        let paths: BTreeSet<&String> = paths.iter().collect();
        let mut left = ADDED_AT_MOST;
        for given in paths {
            let place = places.locate(given);
            if given == "-" || left == 0 || !place.is_dir() {
                continue;
            }
            let shown = |below: PathBuf| shown_path(&path_of(given).join(below));
            let added = files_below(&place, folder).map(shown);
            let mut added = added.filter(|path| !known.contains(path.as_str()));
            for path in added.by_ref().take(left) {
                let what = "did not exist when the report was made".to_owned();
                self.differs(&path, Role::Evidence, what);
                left -= 1;
            }
            if left > 0 {
                continue;
            }
            if added.next().is_some() {
                let what = format!("holds more than {ADDED_AT_MOST} files that did not exist");
                self.differs(given, Role::Evidence, what);
            }
        }
    }
}

impl<'m> Expected<'m> {
    fn of(input: &'m Input) -> Self {
        let (size, sha256) = (Some(input.size_bytes), input.sha256.as_deref());
        Self { file: &input.path, role: Role::Evidence, size, sha256 }
    }
}

/// Why there is nothing to compare a file with, where it could not be read when the report was made.
fn unread(input: &Input, manifest: &Manifest) -> Option<String> {
    let is_unread = input.sha256.is_none() && manifest.options.hash;
    is_unread.then(|| "it could not be read when the report was made".to_owned())
}

/// A regular file of at most so many bytes.
fn bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let text = format!("it has more than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(bytes)
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
