//! Opens a file of evidence without changing it, and reports whether it changed while it was read.
//!
//! On Linux the access time is preserved where the system permits that (`O_NOATIME`: for the owner and the
//! superuser).

use super::FileChange;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Opens a regular file for reading.
///
/// # Errors
///
/// Where it is not a regular file, or the system refuses. A pipe or a device is not opened: that could block
/// forever.
pub fn open(path: &Path) -> io::Result<File> {
    let file = if path.metadata()?.is_file() { open_quietly(path)? } else { return Err(no_file()) };
    // It may have been replaced in between.
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

#[cfg(target_os = "linux")]
fn open_quietly(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    // If a pipe took the file's place, opening does not wait for its other end.
    let flags = |flags: OFlags| flags.bits().cast_signed();
    let with = |more: OFlags| {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flags(OFlags::NONBLOCK | more)).open(path)
    };
    match with(OFlags::NOATIME) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => with(OFlags::empty()),
        opened => opened,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_quietly(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}

/// Whether a path can be read only once, from beginning to end: `-`, which is standard input, or a pipe, such
/// as the one that a shell creates for `<(…)`.
#[must_use]
pub fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-" || path.metadata().is_ok_and(|metadata| is_pipe(&metadata))
}

/// Opens a stream. A pipe waits for its other end.
///
/// # Errors
/// Where the system refuses.
pub fn open_stream(path: &Path) -> io::Result<Box<dyn io::Read + Send>> {
    if path.as_os_str() == "-" {
        Ok(Box::new(io::stdin()))
    } else {
        Ok(Box::new(File::open(path)?))
    }
}

#[cfg(unix)]
fn is_pipe(metadata: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
const fn is_pipe(_metadata: &Metadata) -> bool {
    false
}

/// The state of a file when it was opened.
#[derive(Debug)]
pub struct Before {
    path: PathBuf,
    mark: Mark,
}

/// Properties that change with a file: length, time of the last change, and its identity.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    size: u64,
    modified: Option<SystemTime>,
    which: Option<(u64, u64)>,
}

impl Before {
    /// Records the state of a file that was opened under this path.
    ///
    /// # Errors
    ///
    /// Where the system refuses.
    pub fn note(path: &Path, file: &File) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), mark: Mark::new(&file.metadata()?) })
    }

    /// What has changed since; `None` where nothing has.
    #[must_use]
    pub fn change(&self) -> Option<FileChange> {
        let Ok(metadata) = self.path.metadata() else {
            return Some(FileChange::Removed);
        };
        let (was, is) = (&self.mark, Mark::new(&metadata));
        if was.which != is.which {
            Some(FileChange::Replaced)
        } else if was.size != is.size {
            Some(FileChange::Resized { was: was.size, is: is.size })
        } else if was.modified != is.modified {
            Some(FileChange::Modified)
        } else {
            None
        }
    }
}

impl Mark {
    fn new(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), modified: metadata.modified().ok(), which: which(metadata) }
    }
}

#[cfg(unix)]
fn which(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
const fn which(_metadata: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("capture.pcap");
        File::create(&path).unwrap().write_all(bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn growth_replacement_and_loss_are_reported() {
        let (folder, path) = file(b"one");
        let before = Before::note(&path, &open(&path).unwrap()).unwrap();
        assert_eq!(before.change(), None);
        let mut longer = OpenOptions::new().append(true).open(&path).unwrap();
        longer.write_all(b"two").unwrap();
        assert_eq!(before.change(), Some(FileChange::Resized { was: 3, is: 6 }));
        let other = folder.path().join("other");
        File::create(&other).unwrap().write_all(b"one").unwrap();
        std::fs::rename(&other, &path).unwrap();
        #[cfg(unix)]
        assert_eq!(before.change(), Some(FileChange::Replaced));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(before.change(), Some(FileChange::Removed));
    }

    #[test]
    fn only_regular_files_are_opened() {
        let (folder, path) = file(b"one");
        let mut text = String::new();
        open(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "one");
        assert!(open(folder.path()).is_err());
        #[cfg(unix)]
        assert!(open(Path::new("/dev/zero")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn reading_leaves_the_time_of_access() {
        let (_folder, path) = file(b"one");
        let early = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        let times = std::fs::FileTimes::new().set_accessed(early);
        OpenOptions::new().write(true).open(&path).unwrap().set_times(times).unwrap();
        open(&path).unwrap().read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(path.metadata().unwrap().accessed().unwrap(), early);
    }
}
