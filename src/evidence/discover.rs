//! Finds the files to read under the given paths, in an order that does not depend on that of the arguments.
//!
//! Opens no file except manifests of reports. A path that cannot be reached becomes a problem.

use super::open::is_stream;
use super::ours::{Own, Reports};
use super::shown::shown_path;
use super::{FileProblem, Problem};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A file that was found, or a path that could not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The path as the report shows it: as given, with paths below it joined by `/`, escaped so that no two
    /// paths look the same.
    pub shown: String,
    /// The path to open.
    pub path: PathBuf,
    /// It was named on the command line, not found in a folder.
    pub explicit: bool,
    /// Its length as the file system gives it, in bytes.
    pub size: u64,
    /// It is standard input or a named pipe, which can be read only once.
    pub is_stream: bool,
    /// Why it cannot be read.
    pub problem: Option<Problem>,
    /// Why it is considered a file that plainsight wrote; never where it was named.
    pub own: Option<Own>,
}

/// Finds the files under the paths, sorted by the path shown, each once. What lies in `excluded`
/// (the report's own folder) is left out. `-` is standard input.
#[must_use]
pub fn discover(paths: &[PathBuf], excluded: Option<&Path>) -> Vec<Found> {
    let excluded = excluded.and_then(|path| path.canonicalize().ok());
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let mut reports = Reports::new();
    for path in paths {
        if path.as_os_str() == "-" {
            add(&mut found, Found { is_stream: true, ..file(path, true, 0, None) });
            continue;
        }
        // A link that was named is followed; links found in a folder are not.
        for entry in WalkDir::new(path).follow_root_links(true).sort_by_file_name() {
            let explicit =
                entry.as_ref().map_or_else(walkdir::Error::depth, walkdir::DirEntry::depth) == 0;
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                // The walk continues in the folder that a link leads to; the link itself is no file.
                Ok(entry) if explicit && entry.path().is_dir() => {}
                Ok(entry) if is_within(entry.path(), excluded.as_deref()) => {}
                Ok(entry) => {
                    let mut file = of_entry(&entry, explicit);
                    if !explicit {
                        file.own = reports.own(path, entry.path(), file.size);
                    }
                    add(&mut found, file);
                }
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_owned();
                    let fault = error.io_error().map_or(FileProblem::LinkLoop, |error| {
                        FileProblem::CannotFind(error.to_string())
                    });
                    add(&mut found, file(&at, explicit, 0, Some(fault)));
                }
            }
        }
    }
    found.into_values().collect()
}

/// What is in a folder now, by its path below it; what lies in `excluded` is left
/// out. One after the other, so that the caller can stop.
pub fn files_below(folder: &Path, excluded: &Path) -> impl Iterator<Item = PathBuf> {
    let excluded = excluded.canonicalize().ok();
    let root = folder.to_owned();
    let entries = WalkDir::new(folder).follow_root_links(true).sort_by_file_name().into_iter();
    entries.flatten().filter_map(move |entry| {
        let is_file = !entry.file_type().is_dir() && entry.depth() > 0;
        let below = entry.path().strip_prefix(&root).ok()?;
        let is_left_out = !is_file || is_within(entry.path(), excluded.as_deref());
        (!is_left_out).then(|| below.to_owned())
    })
}

fn of_entry(entry: &walkdir::DirEntry, explicit: bool) -> Found {
    let metadata = if explicit {
        std::fs::metadata(entry.path())
    } else {
        entry.metadata().map_err(Into::into)
    };
    match metadata {
        Ok(metadata) if metadata.is_file() => file(entry.path(), explicit, metadata.len(), None),
        Ok(metadata) if metadata.is_symlink() => {
            file(entry.path(), explicit, 0, Some(FileProblem::LinkInFolder))
        }
        Ok(_) if explicit && is_stream(entry.path()) => {
            Found { is_stream: true, ..file(entry.path(), explicit, 0, None) }
        }
        // Opening a pipe or a device could block forever or change something.
        Ok(_) => file(entry.path(), explicit, 0, Some(FileProblem::NoFile)),
        Err(error) => {
            file(entry.path(), explicit, 0, Some(FileProblem::CannotFind(error.to_string())))
        }
    }
}

fn file(path: &Path, explicit: bool, size: u64, fault: Option<FileProblem>) -> Found {
    let problem = fault.map(|fault| Problem::of_file(fault, None));
    let (shown, path) = (shown_path(path), path.to_owned());
    Found { shown, path, explicit, size, is_stream: false, problem, own: None }
}

fn add(found: &mut BTreeMap<String, Found>, file: Found) {
    match found.get_mut(&file.shown) {
        // Where a file was named and also found in a folder, it counts as named.
        Some(known) => {
            known.explicit |= file.explicit;
            known.own = known.own.filter(|_| !known.explicit && file.own.is_some());
        }
        None => {
            found.insert(file.shown.clone(), file);
        }
    }
}

fn is_within(path: &Path, excluded: Option<&Path>) -> bool {
    excluded
        .is_some_and(|excluded| path.canonicalize().is_ok_and(|path| path.starts_with(excluded)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::ProblemCode;

    #[test]
    fn the_order_of_arguments_does_not_matter_and_each_file_comes_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["c.bin", "a.bin", "b/x.bin"] {
            std::fs::File::create(folder.path().join(name)).unwrap();
        }
        let one = folder.path().to_owned();
        let other = folder.path().join("a.bin");
        let forth = discover(&[one.clone(), other.clone()], None);
        assert_eq!(forth, discover(&[other, one], None));
        assert_eq!(forth.len(), 3);
        assert!(forth[0].explicit && !forth[1].explicit);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_is_a_folder_where_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("real")).unwrap();
        std::fs::File::create(folder.path().join("real/a.bin")).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("real", &link).unwrap();
        let found = discover(std::slice::from_ref(&link), None);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.clone(), &found[0].problem), (link.join("a.bin"), &None));
    }

    #[test]
    fn a_missing_path_is_a_problem_and_not_an_end() {
        let found = discover(&[PathBuf::from("/nowhere/at/all")], None);
        assert_eq!(found[0].problem.as_ref().unwrap().code(), ProblemCode::Unreadable);
    }
}
