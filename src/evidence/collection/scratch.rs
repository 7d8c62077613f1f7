//! A temporary file without a name for data that has to be unpacked in one go, with a size limit.

use super::section::Section;
use super::{Entry, MemberData};
use crate::evidence::MemberFault;
use std::fs::File;
use std::io::{self, Read};

/// A temporary file without a name.
///
/// # Errors
/// Where none can be made. The text is the same in every run, so it names no path.
pub(super) fn file() -> io::Result<File> {
    tempfile::tempfile().map_err(|error| {
        let text = format!(
            "no temporary file can be made ({}); name a folder for temporary files in TMPDIR (Windows: TEMP)",
            error.kind()
        );
        io::Error::new(error.kind(), text)
    })
}

/// Members unpacked one after the other.
pub(super) struct Scratch {
    file: File,
    length: u64,
    most: u64,
    members: Vec<(Vec<u8>, u64, Result<u64, MemberFault>)>,
}

/// Whether a member was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Whole,
    /// It, and all that follow, would exceed what archives of evidence unpack to.
    TooMuch,
}

impl Scratch {
    /// The size limit, in bytes.
    pub(super) fn new(most: u64) -> io::Result<Self> {
        Ok(Self { file: file()?, length: 0, most, members: Vec::new() })
    }

    /// Unpacks a member.
    ///
    /// # Errors
    /// Where it cannot be unpacked or stored.
    pub(super) fn take(&mut self, name: Vec<u8>, reader: &mut dyn Read) -> io::Result<Taken> {
        let begin = self.length;
        let room = self.most.saturating_sub(begin);
        let size = io::copy(&mut reader.take(room.saturating_add(1)), &mut self.file)?;
        self.length = begin.saturating_add(size);
        if size > room {
            return Ok(Taken::TooMuch);
        }
        self.members.push((name, size, Ok(begin)));
        Ok(Taken::Whole)
    }

    /// Notes a member that cannot be read.
    pub(super) fn lost(&mut self, name: Vec<u8>, size: u64, why: MemberFault) {
        self.members.push((name, size, Err(why)));
    }

    /// Visits every member; `false` where no more are wanted.
    pub(super) fn show(self, visit: &mut impl FnMut(Entry) -> bool) -> io::Result<bool> {
        let whole = Section::whole(self.file)?;
        for (name, size, data) in self.members {
            let data = data.map(|begin| MemberData::Plain(whole.part(begin, size)));
            if !visit(Entry { name, size, data }) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
