//! Where summaries go: one file, or a folder that grows.
//!
//! An existing summary with the same content is kept, so that a run can be repeated.

use crate::analysis::Cancelled;
use crate::cli::{Failure, failure, stopping};
use crate::evidence::{SUMMARY_MAGIC, digest_of_file, discover, open, sha256, shown_path};
use crate::report::publish::{NewFile, PublishError, Staging, destination};
use crate::summary::{Member, Part, ReadWith, SummaryFile, SummarySet, labelled, write_summary};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Where summaries go.
pub(super) enum Target<'a> {
    /// All of them into one file.
    File(&'a Path, NewFile),
    /// Each into a file of its own.
    Folder(Folder<'a>),
}

/// A folder of summaries.
pub(super) struct Folder<'a> {
    path: &'a Path,
    /// Where the folder does not exist yet.
    staging: Option<Staging>,
    force: bool,
    /// What its summaries hold, and the options with which they were read.
    held: Vec<(Member, String)>,
    read_with: Vec<(String, ReadWith)>,
}

/// What had been summarized before.
#[derive(Default)]
pub(super) struct Known {
    /// Their paths as they are found.
    pub(super) paths: BTreeSet<String>,
    /// The files, those in collections as well, each with the summary that holds it.
    pub(super) members: Vec<(Member, String)>,
}

/// What was written.
pub(super) enum Put {
    /// One file that holds all parts.
    One(Written),
    /// A file for each part, and one that names all evidence of the run.
    Each(Vec<Written>, Written),
}

/// A summary as it was written.
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) sha256: String,
    /// False where it existed already.
    pub(super) is_new: bool,
}

impl<'a> Target<'a> {
    /// Prepares the target before any work.
    pub(super) fn at(out: &'a Path, force: bool) -> Result<Self, Failure> {
        let refused = failure::refused;
        if out.extension().is_some_and(|extension| extension == EXTENSION) {
            // Whether an older summary is the same is only known when everything is read.
            let replaces = is_summary(out);
            return Ok(Self::File(out, NewFile::begin(out, replaces).map_err(refused)?));
        }
        let mut folder =
            Folder { path: out, staging: None, force, held: Vec::new(), read_with: Vec::new() };
        folder.look();
        if folder.read_with.is_empty() {
            let staging = destination(out, false).and_then(|place| place.stage());
            let staging = staging.map_err(refused)?;
            stopping::staged_in(staging.path());
            folder.staging = Some(staging);
        }
        Ok(Self::Folder(folder))
    }

    /// The evidence that need not be read: an existing summary with the same options holds the same path and
    /// content.
    pub(super) fn known(
        &self,
        paths: &[PathBuf],
        label: Option<&str>,
        with: &ReadWith,
    ) -> Result<Known, Failure> {
        let Self::Folder(folder) = self else { return Ok(Known::default()) };
        if let Some((name, _)) = folder.read_with.iter().find(|(_, theirs)| theirs != with) {
            let what = anyhow::anyhow!(
                "`{}` was read with other options, so these summaries could not be judged together",
                shown_path(&folder.path.join(name))
            );
            return Err(Failure::usage(what, "give the same options, or name another folder"));
        }
        let mut by_path: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
        for (member, _) in &folder.held {
            by_path.entry(&member.path).or_default().push(member);
        }
        let mut known = Known::default();
        let mut shown = Vec::new();
        for found in discover(paths, Some(folder.path)) {
            let named =
                label.map_or_else(|| found.shown.clone(), |label| labelled(label, &found.shown));
            let alike = by_path.get(named.as_str()).into_iter().flatten();
            let mut alike =
                alike.filter(|member| member.size == found.size && member.sha256.is_some());
            if alike.clone().next().is_none() || found.path.as_os_str() == "-" {
                continue;
            }
            let digest = digest_of_file(&found.path).ok();
            if alike.any(|member| member.sha256 == digest) {
                known.paths.insert(found.shown);
                shown.push(named);
            }
        }
        shown.sort();
        let is_known = |member: &Member| {
            let outer = member.path.match_indices("!/").filter_map(|(at, _)| member.path.get(..at));
            let mut places = outer.chain([member.path.as_str()]);
            places.any(|place| shown.binary_search_by(|known| known.as_str().cmp(place)).is_ok())
        };
        known.members =
            folder.held.iter().filter(|(member, _)| is_known(member)).cloned().collect();
        known.members.sort();
        Ok(known)
    }

    /// Writes the summaries.
    pub(super) fn put(self, set: &SummarySet, parts: &[Part], force: bool) -> Result<Put, Failure> {
        match self {
            Self::File(path, new) => {
                let all: Vec<(usize, &Part)> = parts.iter().enumerate().collect();
                let bytes = bytes_of(set, &all)?;
                Ok(Put::One(put_file(path, Some(new), &bytes, force)?))
            }
            Self::Folder(folder) => folder.put(set, parts),
        }
    }
}

impl Folder<'_> {
    /// What is there: summaries that cannot be read are not counted, they are made again.
    fn look(&mut self) {
        for found in discover(&[self.path.to_owned()], None) {
            let path = Path::new(&found.path);
            let Some(name) = path.file_name().map(|name| shown_path(name.as_ref())) else {
                continue;
            };
            let is_direct = path.parent() == Some(self.path);
            if !is_direct || !is_summary(path) {
                continue;
            }
            let mut bytes = Vec::new();
            let read = open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
            let Ok(file) =
                read.map_err(drop).and_then(|_| SummaryFile::read(&name, bytes).map_err(drop))
            else {
                continue;
            };
            self.held.extend(file.held().map(|member| (member.clone(), name.clone())));
            self.read_with.push((name, file.set.read_with));
        }
    }

    fn put(self, set: &SummarySet, parts: &[Part]) -> Result<Put, Failure> {
        let mut files = Vec::with_capacity(parts.len() + 1);
        for part in parts {
            let member = Member::of(&part.evidence);
            let paths = set.paths.iter().filter(|path| leads_to(path, &member.path)).cloned();
            let name = name_of(&member);
            let own = SummarySet {
                version: set.version.clone(),
                read_with: set.read_with.clone(),
                paths: paths.collect(),
                members: vec![member],
            };
            files.push((name, bytes_of(&own, &[(0, part)])?));
        }
        let run = bytes_of(set, &[])?;
        let name: String = sha256(&run).chars().take(NAME_DIGITS).collect();
        let of_run = (format!("run-{name}.{EXTENSION}"), run);
        if let Some(staging) = self.staging {
            let named = files
                .iter()
                .chain([&of_run])
                .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
            if !stopping::may_publish() {
                return Err(failure::interrupted(Cancelled));
            }
            staging.publish_files(named).map_err(failure::unwritten)?;
            let written =
                |(name, bytes): &(String, Vec<u8>)| Written::new(self.path.join(name), bytes, true);
            let each = files.iter().map(written).collect();
            return Ok(Put::Each(each, written(&of_run)));
        }
        let put = |(name, bytes): &(String, Vec<u8>)| {
            put_file(&self.path.join(name), None, bytes, self.force)
        };
        let each: Result<Vec<Written>, Failure> = files.iter().map(put).collect();
        Ok(Put::Each(each?, put(&of_run)?))
    }
}

impl Written {
    fn new(path: PathBuf, bytes: &[u8], is_new: bool) -> Self {
        Self { path, size: bytes.len() as u64, sha256: sha256(bytes), is_new }
    }
}

/// Writes a summary, unless the same one exists; a different one is replaced only with `force`, a damaged one
/// always.
fn put_file(
    path: &Path,
    new: Option<NewFile>,
    bytes: &[u8],
    force: bool,
) -> Result<Written, Failure> {
    let failed = |error: PublishError| {
        let hint = match error {
            PublishError::Exists(_) => {
                "it holds something else; name another place, or replace it with --force"
            }
            _ => return failure::unwritten(error),
        };
        Failure::usage(error, hint)
    };
    let old = old(path);
    if old.as_deref() == Some(bytes) {
        return Ok(Written::new(path.to_owned(), bytes, false));
    }
    let is_kept = old.is_some_and(|old| !force && SummaryFile::read("", old).is_ok());
    if is_kept {
        return Err(failed(PublishError::Exists(shown_path(path))));
    }
    let new = match new {
        Some(new) => new,
        None => NewFile::begin(path, is_summary(path)).map_err(failed)?,
    };
    match new.publish(bytes) {
        Ok(()) => Ok(Written::new(path.to_owned(), bytes, true)),
        // Another run was faster.
        Err(PublishError::Exists(_)) if self::old(path).as_deref() == Some(bytes) => {
            Ok(Written::new(path.to_owned(), bytes, false))
        }
        Err(error) => Err(failed(error)),
    }
}

/// The existing file, where it begins as a summary does.
fn old(path: &Path) -> Option<Vec<u8>> {
    if !is_summary(path) {
        return None;
    }
    let mut bytes = Vec::new();
    open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)).ok()?;
    Some(bytes)
}

fn is_summary(path: &Path) -> bool {
    let mut magic = Vec::new();
    let read =
        open(path).and_then(|file| file.take(SUMMARY_MAGIC.len() as u64).read_to_end(&mut magic));
    read.is_ok() && magic == SUMMARY_MAGIC
}

fn bytes_of(set: &SummarySet, parts: &[(usize, &Part)]) -> Result<Vec<u8>, Failure> {
    write_summary(set, parts)
        .map_err(|error| Failure::usage(error, "this is a bug in plainsight; please report it"))
}

/// A name that no other file's summary has, whichever run creates it.
fn name_of(Member { path, size, sha256: digest }: &Member) -> String {
    let identity = format!("{path}\0{size}\0{}", digest.as_deref().unwrap_or_default());
    let name: String = sha256(identity.as_bytes()).chars().take(NAME_DIGITS).collect();
    format!("{name}.{EXTENSION}")
}

/// Whether a path that was given leads to a file: it is the file, a folder above it or its collection.
fn leads_to(given: &str, file: &str) -> bool {
    let given = given.trim_end_matches('/');
    file.strip_prefix(given).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '!']))
}

const EXTENSION: &str = "summary";
/// Digits of a SHA-256: enough for a folder of a billion files.
const NAME_DIGITS: usize = 32;
/// The limit of `correlate`.
const MOST_BYTES: u64 = 1 << 30;
