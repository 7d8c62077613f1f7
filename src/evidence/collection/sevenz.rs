//! The members of a 7z archive: stored, LZMA and LZMA2, with filters; encrypted members and other compressions
//! are reported as not read.

use super::scratch::{Scratch, Taken};
use super::section::Section;
use super::{Entry, Trouble};
use sevenz_rust2::{ArchiveReader, EntryDecision, Error, Password};

/// Visits every member; returns what is wrong with the archive.
pub(super) fn list(
    archive: &Section,
    most: u64,
    visit: &mut impl FnMut(Entry) -> bool,
) -> Option<Trouble> {
    let opened =
        ArchiveReader::new_with_memory_limit(archive.clone(), Password::empty(), MOST_MEMORY);
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(error) => return Some(Trouble::NoDirectory(why(&error))),
    };
    reader.set_thread_count(1);
    let mut scratch = match Scratch::new(most) {
        Ok(scratch) => scratch,
        Err(error) => return Some(Trouble::Unreadable(0, error)),
    };
    let mut is_too_much = false;
    let read = reader.for_each_entries_with_decision(|entry, bytes| {
        if entry.is_directory || !entry.has_stream {
            return Ok(EntryDecision::Continue);
        }
        let taken = scratch.take(entry.name.clone().into_bytes(), bytes);
        is_too_much = matches!(taken, Ok(Taken::TooMuch));
        taken?;
        Ok(if is_too_much { EntryDecision::Stop } else { EntryDecision::Continue })
    });
    let trouble = match read {
        _ if is_too_much => Some(Trouble::Expansion),
        Ok(()) => None,
        Err(error) => Some(Trouble::Unpacking(why(&error))),
    };
    match scratch.show(visit) {
        Ok(_) => trouble,
        Err(error) => Some(Trouble::Unreadable(0, error)),
    }
}

fn why(error: &Error) -> String {
    match error {
        Error::PasswordRequired => "it is encrypted".to_owned(),
        Error::MaxMemLimited { .. } => {
            format!("it needs more than {} MiB of memory to be unpacked", MOST_MEMORY >> 10)
        }
        other => other.to_string(),
    }
}

/// In KiB: a dictionary of 256 MiB, which is more than 7-Zip uses by default, and the memory around it.
const MOST_MEMORY: usize = 320 << 10;
