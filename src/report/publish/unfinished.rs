//! The folder beside a report's place in which it is written: one run at a time, and what a run that was
//! killed left there.
//!
//! Its name follows from the report's, so the next run finds it. It is locked while its run lives.

use super::{PublishError, at, parent_of};
use crate::evidence::{LEFT_OVER, sha256, shown_path};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The folder. Dropped before it is moved in place it leaves nothing.
#[derive(Debug)]
pub(super) struct Unfinished {
    path: PathBuf,
    /// Folders above it that were not there.
    made: Vec<PathBuf>,
    is_kept: bool,
    /// Held for as long as the run writes; `None` where the system does not lock folders.
    _lock: Option<File>,
}

impl Unfinished {
    /// Begins to write a report for `folder`; `force` removes what a killed run left.
    ///
    /// # Errors
    /// Where another run writes there, where a killed one left something, where the system refuses.
    pub(super) fn begin(folder: &Path, force: bool) -> Result<Self, PublishError> {
        let beside = parent_of(folder);
        let old = old_of(folder);
        if old.symlink_metadata().is_ok() {
            return Err(PublishError::OldLeft {
                folder: shown_path(folder),
                old: shown_path(&old),
            });
        }
        let made = missing_above(&beside);
        let path = beside.join(name_of(folder));
        let mut begun = Self { path, made, is_kept: true, _lock: None };
        let opened = begun.open(folder, force);
        // What another run writes is not ours to remove.
        begun.is_kept = opened.is_err();
        if opened.is_err() {
            begun.remove_made();
        }
        begun._lock = opened?;
        Ok(begun)
    }

    fn open(&self, folder: &Path, force: bool) -> Result<Option<File>, PublishError> {
        let path = self.path.as_path();
        let beside = parent_of(folder);
        fs::create_dir_all(&beside).map_err(at(&beside))?;
        let is_new = match fs::create_dir(path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(at(folder)(error)),
        };
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(PublishError::Exists(shown_path(path)));
        }
        let lock = match File::open(path).map(|file| (file.try_lock(), file)) {
            Ok((Ok(()), file)) => Some(file),
            Ok((Err(TryLockError::WouldBlock), _)) => {
                return Err(PublishError::Busy(shown_path(folder)));
            }
            Ok((Err(TryLockError::Error(_)), _)) | Err(_) => None,
        };
        if !is_new {
            take_over(path, folder, force)?;
        }
        Ok(lock)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// It stays as it is, or is no longer where it was.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }

    fn remove_made(&self) {
        for folder in self.made.iter().rev() {
            // One that holds something by now stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_dir_all(&self.path);
            self.remove_made();
        }
    }
}

/// Empties what a killed run left.
fn take_over(path: &Path, folder: &Path, force: bool) -> Result<(), PublishError> {
    let mut left = fs::read_dir(path).map_err(at(path))?.peekable();
    if left.peek().is_some() && !force {
        return Err(PublishError::Left { folder: shown_path(folder), left: shown_path(path) });
    }
    for entry in left {
        let entry = entry.map_err(at(path))?.path();
        let is_folder = entry.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        let removed = if is_folder { fs::remove_dir_all(&entry) } else { fs::remove_file(&entry) };
        removed.map_err(at(&entry))?;
    }
    Ok(())
}

/// Where an old report waits while a new one takes its place, where the system cannot exchange the two.
pub(super) fn old_of(folder: &Path) -> PathBuf {
    parent_of(folder).join(format!("{}-old", name_of(folder)))
}

fn name_of(folder: &Path) -> String {
    let digest = sha256(folder.file_name().unwrap_or_default().as_encoded_bytes());
    format!("{LEFT_OVER}{digest:.16}")
}

fn missing_above(folder: &Path) -> Vec<PathBuf> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let mut missing: Vec<PathBuf> =
        folder.ancestors().take_while(is_missing).map(Path::to_owned).collect();
    missing.reverse();
    missing
}
