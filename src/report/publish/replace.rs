//! A new report in the place of an old one, so that at each moment one of them is there.
//!
//! Where the system exchanges two folders in one step it does so. Else the old one waits beside; if it cannot be
//! put back both are kept and named.

use super::unfinished::old_of;
use super::{PublishError, at};
use crate::evidence::shown_path;
use std::fs;
use std::io;
use std::path::Path;

/// Puts `new` in the place of `folder` and removes what was there.
///
/// # Errors
/// Where the system refuses. Then the old report is where it was, or [`PublishError::Apart`] says where.
pub(super) fn replace(new: &Path, folder: &Path) -> Result<(), PublishError> {
    match exchange(new, folder) {
        Ok(()) => {
            // The old report. Where it cannot be removed the next run names it.
            let _ = fs::remove_dir_all(new);
            Ok(())
        }
        Err(Some(cause)) => Err(at(folder)(cause)),
        Err(None) => by_renames(new, folder, &mut |from, to| fs::rename(from, to)),
    }
}

/// `Err(None)` where the system or this file system cannot.
#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> Result<(), Option<io::Error>> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(None),
        Err(error) => Err(Some(error.into())),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(_one: &Path, _other: &Path) -> Result<(), Option<io::Error>> {
    Err(None)
}

fn by_renames(
    new: &Path,
    folder: &Path,
    rename: &mut dyn FnMut(&Path, &Path) -> io::Result<()>,
) -> Result<(), PublishError> {
    let old = old_of(folder);
    rename(folder, &old).map_err(at(folder))?;
    let Err(cause) = rename(new, folder) else {
        let _ = fs::remove_dir_all(&old);
        return Ok(());
    };
    if rename(&old, folder).is_ok() {
        return Err(at(folder)(cause));
    }
    Err(PublishError::Apart {
        folder: shown_path(folder),
        old: shown_path(&old),
        new: shown_path(new),
        cause,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with an old report and a new one beside it.
    fn two() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let (new, folder) = (place.path().join("new"), place.path().join("report"));
        for (path, text) in [(&new, "new"), (&folder, "old")] {
            fs::create_dir(path).unwrap();
            fs::File::create(path.join(text)).unwrap();
        }
        (place, new, folder)
    }

    #[test]
    fn the_new_report_takes_the_place_of_the_old() {
        let (_place, new, folder) = two();
        replace(&new, &folder).unwrap();
        assert!(folder.join("new").exists() && !folder.join("old").exists() && !new.exists());
        let (_place, new, folder) = two();
        by_renames(&new, &folder, &mut |from, to| fs::rename(from, to)).unwrap();
        assert!(folder.join("new").exists() && !old_of(&folder).exists());
    }

    /// Which of the renames fail, and whether the old report is back in its place then.
    #[test]
    fn whatever_fails_the_old_report_is_there_and_named() {
        for (failing, is_back) in [(&[0][..], true), (&[1], true), (&[1, 2], false)] {
            let (_place, new, folder) = two();
            let mut count = 0..;
            let failed = by_renames(&new, &folder, &mut |from, to| {
                let fails = count.next().is_some_and(|at| failing.contains(&at));
                if fails { Err(io::Error::other("injected")) } else { fs::rename(from, to) }
            });
            let error = failed.unwrap_err();
            assert!(new.join("new").exists());
            let old = if is_back { folder.clone() } else { old_of(&folder) };
            assert!(old.join("old").exists(), "{error}");
            assert_eq!(matches!(error, PublishError::Apart { .. }), !is_back);
            if !is_back {
                assert!(error.to_string().contains(&shown_path(&old)), "{error}");
            }
        }
    }
}
