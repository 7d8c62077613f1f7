//! A report's files put in place together: whole or not at all.
//!
//! The only code that writes files. They are written beside the folder and moved there by rename.

use super::manifest::MANIFEST;
use super::signature::SIGNATURE;
use super::verify::read_manifest;
use super::{File, schema};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder that a report may be put into.
#[derive(Clone, Debug)]
pub struct Destination {
    folder: PathBuf,
    found: Found,
}

/// What stands where the report shall be.
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
    #[error("`{folder}` holds `{file}`, which no report of plainsight put there")]
    NotOurs {
        /// The folder.
        folder: String,
        /// What stands in the way.
        file: String,
    },
    /// Something stands where a file shall be.
    #[error("`{0}` is there already")]
    Exists(String),
    /// A file stands there.
    #[error("`{0}` is not a folder")]
    NotAFolder(String),
    /// The system refuses.
    #[error("cannot write `{path}`: {cause}")]
    Io {
        /// What was to be written.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
}

/// Looks whether a report may be put into `folder`; `force` lets it replace an older one.
///
/// # Errors
/// Where something else would be overwritten.
pub fn destination(folder: &Path, force: bool) -> Result<Destination, PublishError> {
    let shown = folder.to_string_lossy().into_owned();
    let found = match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
        Err(error) => return Err(at(folder)(error)),
        Ok(metadata) if !metadata.is_dir() => return Err(PublishError::NotAFolder(shown)),
        Ok(_) => {
            let names: Vec<_> = fs::read_dir(folder)
                .and_then(|entries| entries.map(|e| e.map(|e| e.file_name())).collect())
                .map_err(at(folder))?;
            match (names.is_empty(), force) {
                (true, _) => Found::EmptyFolder,
                (false, false) => return Err(PublishError::NotEmpty(shown)),
                (false, true) => {
                    let manifest = read_manifest(folder).ok();
                    if let Some(file) = names.iter().find(|name| !is_ours(manifest.as_ref(), name))
                    {
                        let file = file.to_string_lossy().into_owned();
                        return Err(PublishError::NotOurs { folder: shown, file });
                    }
                    Found::OldReport
                }
            }
        }
    };
    Ok(Destination { folder: folder.to_owned(), found })
}

fn is_ours(manifest: Option<&schema::Manifest>, name: &OsStr) -> bool {
    manifest.is_some_and(|manifest| {
        name == MANIFEST
            || name == SIGNATURE
            || manifest.outputs.iter().any(|output| name == output.name.as_str())
    })
}

/// Puts the files and their manifest in place.
///
/// # Errors
/// Where the system refuses; then nothing has changed.
pub fn publish(
    destination: &Destination,
    files: &[File],
    manifest: &[u8],
) -> Result<(), PublishError> {
    let files = files.iter().map(|file| (file.name, &*file.bytes));
    publish_files(destination, files.chain([(MANIFEST, manifest)]))
}

/// Puts files without a manifest in place.
///
/// # Errors
/// Where the system refuses; then nothing has changed.
pub fn publish_files<'f>(
    destination: &Destination,
    files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
) -> Result<(), PublishError> {
    let folder = destination.folder.as_path();
    let beside = parent_of(folder);
    fs::create_dir_all(&beside).map_err(at(&beside))?;
    let new = beside_folder(&beside)?;
    for (name, bytes) in files {
        write(&new.path().join(name), bytes)?;
    }
    let new = new.keep();
    let moved = match destination.found {
        Found::Nothing => fs::rename(&new, folder),
        Found::EmptyFolder => fs::remove_dir(folder).and_then(|()| fs::rename(&new, folder)),
        Found::OldReport => replace(&new, folder, &beside),
    };
    moved.map_err(|cause| {
        // The old state stands; only our own leavings are to be taken away.
        let _ = fs::remove_dir_all(&new);
        at(folder)(cause)
    })
}

/// Puts one file where nothing stands.
///
/// # Errors
/// Where something stands there, or the system refuses; then nothing has changed.
pub fn publish_file(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    let beside = parent_of(path);
    fs::create_dir_all(&beside).map_err(at(&beside))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut new = builder.tempfile_in(&beside).map_err(at(&beside))?;
    new.write_all(bytes).and_then(|()| new.as_file().sync_all()).map_err(at(path))?;
    match new.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(PublishError::Exists(path.to_string_lossy().into_owned()))
        }
        Err(error) => Err(at(path)(error.error)),
    }
}

/// Moves the old report away, the new one in, and the old one back where that fails.
fn replace(new: &Path, folder: &Path, beside: &Path) -> io::Result<()> {
    let away = tempfile::Builder::new().prefix(PREFIX).tempdir_in(beside)?;
    let old = away.path().join("old");
    fs::rename(folder, &old)?;
    fs::rename(new, folder).or_else(|error| {
        fs::rename(&old, folder)?;
        Err(error)
    })
}

fn beside_folder(parent: &Path) -> Result<TempDir, PublishError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    // The folder becomes the report: whoever the umask lets in may read it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    builder.tempdir_in(parent).map_err(at(parent))
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
    let path = path.to_string_lossy().into_owned();
    move |cause| PublishError::Io { path: path.clone(), cause }
}

/// Hidden, and telling whose it is should a crash leave it behind.
const PREFIX: &str = ".plainsight-";
