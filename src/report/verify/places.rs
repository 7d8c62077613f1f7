//! Where the files are that a report was made from: at their place, or where else they are looked for.

use super::{Expected, Outcome};
use crate::evidence::{
    HashedBy, Hashing, digest_of_file, files_below, is_stream, path_of, shown_path,
};
use crate::report::schema::Manifest;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where files are looked for.
pub(super) struct Places<'m> {
    manifest: &'m Manifest,
    /// Files and folders that were named.
    elsewhere: &'m [PathBuf],
    /// What lies there by length, once it was asked for.
    by_size: Option<BTreeMap<u64, Vec<PathBuf>>>,
    /// Length and digest of standard input, once it was read.
    streamed: Option<(u64, String)>,
    /// Digests that were taken: a forged manifest may name one file many times.
    digests: BTreeMap<PathBuf, String>,
    /// Where the file that was sought last is.
    last: Option<PathBuf>,
}

impl<'m> Places<'m> {
    pub(super) fn of(manifest: &'m Manifest, elsewhere: &'m [PathBuf]) -> Self {
        Self {
            manifest,
            elsewhere,
            by_size: None,
            streamed: None,
            digests: BTreeMap::new(),
            last: None,
        }
    }

    /// Whether another place was named.
    pub(super) fn are_elsewhere(&self) -> bool {
        !self.elsewhere.is_empty()
    }

    /// Where the file that was sought last is, as a file.
    pub(super) fn last(&mut self) -> Option<PathBuf> {
        self.last.take()
    }

    /// Relative paths start where the run did; where that folder is gone, here.
    pub(super) fn locate(&self, path: &str) -> PathBuf {
        let path = path_of(path);
        let there = path_of(&self.manifest.working_directory).join(&path);
        if there.exists() { there } else { path }
    }

    /// Looks for a file by its digest where else it may be, then at its place.
    pub(super) fn seek(&mut self, file: &Expected<'_>) -> Outcome {
        self.last = None;
        let place = self.locate(file.file);
        if let Some(found) = file.sha256.and_then(|sha256| self.find(file, sha256)) {
            let is_there = same_file(&found, &place);
            self.last = Some(found.clone());
            return if is_there { Outcome::Unchanged } else { Outcome::Moved(shown_path(&found)) };
        }
        if was_stream(file.file) {
            return self.stream(file);
        }
        // Paths of summarized evidence are those of another run.
        let was_read = self.manifest.summaries.is_empty() || file.role != super::Role::Evidence;
        let here = if was_read { place } else { PathBuf::new() };
        if here.as_os_str().is_empty() || is_absent(&here) {
            let Some(instead) = self.at_its_place_elsewhere(file.file) else {
                return Outcome::Missing;
            };
            let outcome = self.check(&instead, file.size, file.sha256);
            let named = |what| format!("`{}` {what}", shown_path(&instead));
            self.last = Some(instead.clone());
            return match outcome {
                Outcome::Different(what) => Outcome::Different(named(what)),
                Outcome::Unchecked(what) => Outcome::Unchecked(what),
                Outcome::Unchanged | Outcome::Moved(_) => Outcome::Moved(shown_path(&instead)),
                Outcome::Missing => Outcome::Missing,
            };
        }
        if is_pipe(&here) {
            return self.stream(file);
        }
        self.last = Some(here.clone());
        self.check(&here, file.size, file.sha256)
    }

    /// Compares the file at a place.
    pub(super) fn check(
        &mut self,
        path: &Path,
        size: Option<u64>,
        sha256: Option<&str>,
    ) -> Outcome {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Outcome::Missing,
            Err(error) => return Outcome::Unchecked(format!("it cannot be read: {error}")),
        };
        if !metadata.is_file() {
            return Outcome::Different("is not a file".to_owned());
        }
        if let Some(size) = size.filter(|size| metadata.len() != *size) {
            let found = metadata.len();
            return Outcome::Different(format!("has {found} bytes, the manifest says {size}"));
        }
        let Some(sha256) = sha256 else {
            return Outcome::Unchecked("its SHA-256 was not recorded".to_owned());
        };
        match self.digest(path) {
            Ok(found) if found.eq_ignore_ascii_case(sha256) => Outcome::Unchanged,
            Ok(found) => {
                Outcome::Different(format!("has SHA-256 {found}, the manifest says {sha256}"))
            }
            Err(error) => Outcome::Unchecked(format!("it cannot be read: {error}")),
        }
    }

    fn digest(&mut self, path: &Path) -> io::Result<String> {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Some(known) = self.digests.get(&real) {
            return Ok(known.clone());
        }
        let found = digest_of_file(path)?;
        self.digests.insert(real, found.clone());
        Ok(found)
    }

    /// A file with this digest where else files are looked for; `-` where that is standard input.
    fn find(&mut self, file: &Expected<'_>, sha256: &str) -> Option<PathBuf> {
        if self.elsewhere.iter().any(|path| path.as_os_str() == "-") {
            let (_, streamed) = self.standard_input()?;
            if streamed.eq_ignore_ascii_case(sha256) {
                return Some(PathBuf::from("-"));
            }
        }
        let candidates = self.candidates(file);
        candidates
            .into_iter()
            .find(|path| self.digest(path).is_ok_and(|found| found.eq_ignore_ascii_case(sha256)))
    }

    /// Files of its length; where that is not known, of its name.
    fn candidates(&mut self, file: &Expected<'_>) -> Vec<PathBuf> {
        let elsewhere = self.elsewhere;
        let by_size = self.by_size.get_or_insert_with(|| listed(elsewhere));
        match file.size {
            Some(size) => by_size.get(&size).cloned().unwrap_or_default(),
            None => {
                let path = path_of(file.file);
                let is_named = |other: &&PathBuf| other.file_name() == path.file_name();
                by_size.values().flatten().filter(is_named).cloned().collect()
            }
        }
    }

    /// The file that has a path's place below one of the other places.
    fn at_its_place_elsewhere(&self, file: &str) -> Option<PathBuf> {
        let path = path_of(file);
        let mut given = self.manifest.options.paths.iter().map(|given| path_of(given));
        let (folder, below) = given.find_map(|given| {
            let below = path.strip_prefix(&given).ok()?.to_owned();
            let is_itself = below.as_os_str().is_empty();
            let name = PathBuf::from(given.file_name()?);
            Some(if is_itself { (PathBuf::new(), name) } else { (name, below) })
        })?;
        let within = self.elsewhere.iter().flat_map(|place| {
            let is_it = place.is_file() && place.file_name() == below.file_name();
            let there = [place.join(&below), place.join(&folder).join(&below)];
            is_it.then(|| place.clone()).into_iter().chain(there)
        });
        within.into_iter().find(|place| place.is_file())
    }

    /// What was read as a stream: it is compared with standard input, if that was named.
    fn stream(&mut self, file: &Expected<'_>) -> Outcome {
        let is_given = self.elsewhere.iter().any(|path| path.as_os_str() == "-");
        match (is_given.then(|| self.standard_input()).flatten(), file.sha256) {
            (Some((_, found)), Some(sha256)) => Outcome::Different(format!(
                "standard input has SHA-256 {found}, the manifest says {sha256}"
            )),
            (_, None) => Outcome::Unchecked("its SHA-256 was not recorded".to_owned()),
            (None, Some(_)) => Outcome::Unchecked(
                "it was read as a stream; name its saved copy, or `-`, with --evidence".to_owned(),
            ),
        }
    }

    fn standard_input(&mut self) -> Option<(u64, String)> {
        if self.streamed.is_none() {
            let mut bytes = Hashing::new(io::stdin().lock(), HashedBy::Reader);
            bytes.drain().ok()?;
            self.streamed = Some((bytes.passed(), bytes.finish()?));
        }
        self.streamed.clone()
    }
}

/// The files at these places by length.
fn listed(places: &[PathBuf]) -> BTreeMap<u64, Vec<PathBuf>> {
    let mut by_size: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
    for place in places.iter().filter(|place| place.as_os_str() != "-") {
        let files: Vec<PathBuf> = if place.is_file() {
            vec![place.clone()]
        } else {
            files_below(place, Path::new("")).map(|below| place.join(below)).collect()
        };
        for file in files {
            // A link that was named is followed; links met in a folder are not.
            let is_named = &file == place;
            let metadata = if is_named { fs::metadata(&file) } else { fs::symlink_metadata(&file) };
            if let Ok(metadata) = metadata.as_ref()
                && metadata.is_file()
            {
                by_size.entry(metadata.len()).or_default().push(file);
            }
        }
    }
    by_size
}

fn is_absent(path: &Path) -> bool {
    fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    one == other || real(one).is_some_and(|one| real(other) == Some(one))
}

/// A pipe cannot be read a second time.
fn is_pipe(path: &Path) -> bool {
    path.as_os_str() != "-" && is_stream(path)
}

/// Standard input, and what a shell puts in place of `<(…)`.
fn was_stream(path: &str) -> bool {
    let streams = ["/dev/fd/", "/proc/self/fd/"];
    path == "-" || path == "/dev/stdin" || streams.iter().any(|place| path.starts_with(place))
}
