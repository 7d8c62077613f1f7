//! A section of a file, read without moving the position of other readers.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// Part of a file: an offset and a length.
#[derive(Clone, Debug)]
pub(super) struct Section {
    file: Arc<File>,
    begin: u64,
    length: u64,
    at: u64,
}

impl Section {
    /// The whole of a file.
    pub(super) fn whole(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), begin: 0, length, at: 0 })
    }

    /// A part of it, as far as it lies inside.
    pub(super) fn part(&self, at: u64, length: u64) -> Self {
        let at = at.min(self.length);
        let length = length.min(self.length - at);
        Self { file: Arc::clone(&self.file), begin: self.begin + at, length, at: 0 }
    }

    /// Its length in bytes.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }
}

impl Read for Section {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = room.len().min(left);
        let room = room.get_mut(..most).unwrap_or_default();
        let read = read_at(&self.file, room, self.begin + self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(unix)]
fn read_at(file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, room, at)
}

#[cfg(windows)]
fn read_at(file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, room, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_part_of_a_part_is_read_from_its_place() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let part = Section::whole(file).unwrap().part(2, 6);
        let mut inner = part.part(1, 100);
        let mut text = String::new();
        inner.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), inner.length()), ("34567", 5));
        assert_eq!(inner.seek(SeekFrom::End(-2)).unwrap(), 3);
        assert_eq!(part.part(7, 1).length(), 0);
    }
}
