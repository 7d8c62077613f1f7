//! A report's files put in place together: whole or not at all.
//!
//! The only code that writes files. They are written beside the folder and moved there by rename. What is
//! too large for memory is written there piece by piece.

mod unfinished;

mod replace;

use super::verify::read_manifest;
use super::{Content, FormatError, schema};
use crate::evidence::{LEFT_OVER, MANIFEST, SIGNATURE, digest_of_file as digest, shown_path};
use replace::replace;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use unfinished::Unfinished;

/// A folder that a report may be put into.
#[derive(Clone, Debug)]
pub struct Destination {
    folder: PathBuf,
    found: Found,
    /// What a killed run left there is removed.
    force: bool,
}

/// What is where the report shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    EmptyFolder,
    OldReport,
}

/// Why a report cannot be put there.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The folder holds something already.
    #[error("`{0}` is not empty")]
    NotEmpty(String),
    /// `--force`, and the folder holds something that is not a report of ours.
    #[error("`{folder}` holds `{file}`, which is not part of a plainsight report")]
    NotOurs {
        /// The folder.
        folder: String,
        /// What is in the way.
        file: String,
    },
    /// Something is where a file shall be.
    #[error("`{0}` already exists")]
    Exists(String),
    /// A file is there.
    #[error("`{0}` is not a folder")]
    NotAFolder(String),
    /// A report takes the place of a folder, which a mount point or a folder without a name of its own (`.`) cannot give.
    #[error("`{0}` is a mount point or has no name of its own, so a report cannot take its place")]
    NotReplaceable(String),
    /// Another run has not ended.
    #[error("another run of plainsight is writing to `{0}`")]
    Busy(String),
    /// A run that was killed left what it had written.
    #[error("`{left}` is left over from an interrupted run for `{folder}`")]
    Left {
        /// The folder.
        folder: String,
        /// What is left.
        left: String,
    },
    /// A run that was killed left the old report away from its place.
    #[error("`{old}` is an older report that an interrupted run did not move back to `{folder}`")]
    OldLeft {
        /// The folder.
        folder: String,
        /// Where the report is.
        old: String,
    },
    /// The old report was moved away, and neither it nor the new one could be moved in place.
    #[error(
        "cannot write `{folder}`: {cause}; the old report is in `{old}`, the new one in `{new}`"
    )]
    Apart {
        /// The folder.
        folder: String,
        /// Where the old report is.
        old: String,
        /// Where the new report is.
        new: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The report cannot be written in a format.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The system refuses.
    #[error("cannot write `{path}`: {cause}")]
    Io {
        /// What was to be written.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
}

/// Looks whether a report may be put into `folder`; `force` lets it replace an older one. A link is
/// followed: the report is put where it leads, and the link stays.
///
/// # Errors
/// Where something else would be overwritten.
pub fn destination(folder: &Path, force: bool) -> Result<Destination, PublishError> {
    let shown = shown_path(folder);
    let is_link = folder.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    let real = if is_link { Some(folder.canonicalize().map_err(at(folder))?) } else { None };
    let folder = real.as_deref().unwrap_or(folder);
    let found = match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
        Err(error) => return Err(at(folder)(error)),
        Ok(metadata) if !metadata.is_dir() => return Err(PublishError::NotAFolder(shown)),
        Ok(_) => {
            let names = names_in(folder).map_err(at(folder))?;
            if folder.file_name().is_none() || is_mount_point(folder) {
                return Err(PublishError::NotReplaceable(shown));
            }
            match (names.is_empty(), force) {
                (true, _) => Found::EmptyFolder,
                (false, false) => return Err(PublishError::NotEmpty(shown)),
                (false, true) => {
                    let manifest = read_manifest(folder).ok();
                    if let Some(file) = names.iter().find(|name| !is_ours(manifest.as_ref(), name))
                    {
                        let file = file.clone();
                        return Err(PublishError::NotOurs { folder: shown, file });
                    }
                    Found::OldReport
                }
            }
        }
    };
    Ok(Destination { folder: folder.to_owned(), found, force })
}

/// Whether a folder is on another file system than the one that holds it.
#[cfg(unix)]
fn is_mount_point(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
    let above = folder.canonicalize().ok().and_then(|real| real.parent().and_then(device));
    above.is_some_and(|above| Some(above) != device(folder))
}

#[cfg(not(unix))]
const fn is_mount_point(_folder: &Path) -> bool {
    false
}

fn is_ours(manifest: Option<&schema::Manifest>, name: &str) -> bool {
    manifest.is_some_and(|manifest| {
        name == MANIFEST
            || name == SIGNATURE
            || manifest.outputs.iter().any(|output| name == output.name)
    })
}

/// What is in a report's folder, in order; of the folder with carved packets what is in it, unless
/// that is nothing.
pub(super) fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = shown_path(entry.file_name().as_ref());
        let before = names.len();
        if name == CARVED && entry.file_type()?.is_dir() {
            for carved in fs::read_dir(entry.path())? {
                names.push(format!("{CARVED}/{}", shown_path(carved?.file_name().as_ref())));
            }
        }
        if names.len() == before {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A report while it is written, beside its place. Dropped before it is published it leaves nothing.
#[derive(Debug)]
pub struct Staging {
    destination: Destination,
    new: Unfinished,
    carved: BTreeSet<String>,
}

impl Destination {
    /// Begins a report. Until it is published or dropped no other run writes there.
    ///
    /// # Errors
    /// Where the system refuses, another run writes there, or a killed one left something.
    pub fn stage(&self) -> Result<Staging, PublishError> {
        let new = Unfinished::begin(&self.folder, self.force)?;
        Ok(Staging { destination: self.clone(), new, carved: BTreeSet::new() })
    }
}

impl Staging {
    /// The folder in which the report is written until it is published.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.new.path()
    }

    /// Adds bytes to a file of carved packets.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn carve(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.new.path().join(CARVED);
        if self.carved.is_empty() {
            fs::create_dir(&folder)?;
        }
        let is_new = self.carved.insert(name.to_owned());
        let mut how = fs::OpenOptions::new();
        let mut file = how.append(true).create_new(is_new).open(folder.join(name))?;
        file.write_all(bytes)
    }

    /// The files of carved packets as the manifest lists them. They are whole now.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn carved(&self) -> Result<Vec<schema::Output>, PublishError> {
        let sealed = self.carved.iter().map(|name| {
            let path = self.new.path().join(CARVED).join(name);
            let seal = || {
                let file = fs::File::open(&path)?;
                file.sync_all()?;
                Ok((file.metadata()?.len(), digest(&path)?))
            };
            let (size_bytes, sha256) = seal().map_err(at(&path))?;
            Ok(schema::Output { name: format!("{CARVED}/{name}"), size_bytes, sha256 })
        });
        sealed.collect()
    }

    /// Writes a file of the report; gives it as the manifest lists it.
    ///
    /// # Errors
    /// Where the system refuses, or the content cannot be written in its format.
    pub fn write(&self, name: &str, content: Content<'_>) -> Result<schema::Output, PublishError> {
        let path = self.new.path().join(name);
        let mut whole = || {
            let mut out = io::BufWriter::with_capacity(BUFFER, fs::File::create_new(&path)?);
            let written = content(&mut out);
            let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            // After the rename a crash must not show a file without its content.
            file.sync_all()?;
            Ok((written, file.metadata()?.len()))
        };
        let (written, size_bytes) = whole().map_err(at(&path))?;
        written.map_err(|error| match error.into_io() {
            Ok(cause) => at(&path)(cause),
            Err(error) => PublishError::Format(error),
        })?;
        let sha256 = digest(&path).map_err(at(&path))?;
        Ok(schema::Output { name: name.to_owned(), size_bytes, sha256 })
    }

    /// Puts the manifest and its signature beside the files that were written, and all of it in place, with
    /// what was carved.
    ///
    /// # Errors
    /// Where the system refuses; then nothing has changed.
    pub fn publish(self, manifest: &[u8], signature: Option<&[u8]>) -> Result<(), PublishError> {
        let signature = signature.map(|signature| (SIGNATURE, signature));
        self.put(signature.into_iter().chain([(MANIFEST, manifest)]))
    }

    /// Puts files without a manifest in place.
    ///
    /// # Errors
    /// Where the system refuses; then nothing has changed.
    pub fn publish_files<'f>(
        self,
        files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> Result<(), PublishError> {
        self.put(files)
    }

    fn put<'f>(
        self,
        files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> Result<(), PublishError> {
        let Self { destination, new, carved: _ } = self;
        let folder = destination.folder.as_path();
        for (name, bytes) in files {
            write(&new.path().join(name), bytes)?;
        }
        match destination.found {
            Found::Nothing => fs::rename(new.path(), folder).map_err(at(folder))?,
            Found::EmptyFolder => {
                let moved = fs::remove_dir(folder).and_then(|()| fs::rename(new.path(), folder));
                moved.map_err(at(folder))?;
            }
            Found::OldReport => {
                let replaced = replace(new.path(), folder);
                if matches!(replaced, Err(PublishError::Apart { .. })) {
                    new.keep();
                    return replaced;
                }
                replaced?;
            }
        }
        new.keep();
        Ok(())
    }
}

/// The place of one file.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    replaces: bool,
    /// Only its owner may read it.
    is_private: bool,
}

impl NewFile {
    /// Looks whether a file can be written there; what is there is kept, unless it `replaces` that.
    ///
    /// # Errors
    /// Where something is kept that is there, or the system refuses.
    pub fn begin(path: &Path, replaces: bool) -> Result<Self, PublishError> {
        if !replaces && path.symlink_metadata().is_ok() {
            return Err(PublishError::Exists(shown_path(path)));
        }
        let beside = parent_of(path);
        fs::create_dir_all(&beside).map_err(at(&beside))?;
        // Gone at once: the folder may be one of evidence.
        drop(file_beside(path, false)?);
        Ok(Self { path: path.to_owned(), replaces, is_private: false })
    }

    /// The same, for its owner alone.
    #[must_use]
    pub fn private(self) -> Self {
        Self { is_private: true, ..self }
    }

    /// Writes it whole.
    ///
    /// # Errors
    /// Where something is kept that is there by now, or the system refuses; then nothing has changed.
    pub fn publish(self, bytes: &[u8]) -> Result<(), PublishError> {
        let Self { path, replaces, is_private } = self;
        let mut new = file_beside(&path, is_private)?;
        new.write_all(bytes).and_then(|()| new.as_file().sync_all()).map_err(at(&path))?;
        let persisted = if replaces { new.persist(&path) } else { new.persist_noclobber(&path) };
        match persisted {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(PublishError::Exists(shown_path(&path)))
            }
            Err(error) => Err(at(&path)(error.error)),
        }
    }
}

fn file_beside(path: &Path, is_private: bool) -> Result<NamedTempFile, PublishError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(LEFT_OVER);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(if is_private {
        0o600
    } else {
        0o666
    }));
    builder.tempfile_in(parent_of(path)).map_err(at(path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    let whole = || {
        let mut file = fs::File::create_new(path)?;
        file.write_all(bytes)?;
        // After the rename a crash must not show a file without its content.
        file.sync_all()
    };
    whole().map_err(at(path))
}

fn parent_of(folder: &Path) -> PathBuf {
    match folder.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => PathBuf::from("."),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> PublishError + use<> {
    let path = shown_path(path);
    move |cause| PublishError::Io { path: path.clone(), cause }
}

/// What is handed to the system at a time.
const BUFFER: usize = 1 << 16;
/// The folder of a report with carved packets.
pub(super) const CARVED: &str = "evidence";
