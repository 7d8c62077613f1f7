//! The members of a cabinet (MS-CAB): stored, MSZIP and LZX; Quantum and cabinets in several files are reported
//! as not read.

use super::cab_bounds;
use super::scratch::{Scratch, Taken};
use super::section::Section;
use super::{Entry, Trouble};
use crate::evidence::MemberFault;
use std::collections::BTreeMap;

/// Visits every member; returns what is wrong with the archive.
pub(super) fn list(
    archive: &Section,
    most: u64,
    visit: &mut impl FnMut(Entry) -> bool,
) -> Option<Trouble> {
    let mut cabinet = match cab::Cabinet::new(archive.clone()) {
        Ok(cabinet) => cabinet,
        Err(error) => return Some(Trouble::NoDirectory(error.to_string())),
    };
    let inside = match cab_bounds::inside(archive) {
        Ok(inside) => inside,
        Err(error) => return Some(Trouble::NoDirectory(error.to_string())),
    };
    let mut scratch = match Scratch::new(most) {
        Ok(scratch) => scratch,
        Err(error) => return Some(Trouble::Unreadable(0, error)),
    };
    // Each member is reached by unpacking its folder from the beginning, in blocks of at most 32 KiB.
    let mut files = Vec::new();
    let mut unpacked = 0u64;
    for (folder, inside) in cabinet.folder_entries().zip(inside) {
        let length = u64::from(folder.num_data_blocks()) * BLOCK;
        for (file, is_inside) in folder.file_entries().zip(inside) {
            unpacked = unpacked.saturating_add(length);
            let size = u64::from(file.uncompressed_size());
            let fault = match is_inside {
                Some(true) if unpacked <= MOST_WORK => None,
                Some(false) => Some(MemberFault::CannotUnpack(BEHIND.to_owned())),
                Some(true) | None => Some(MemberFault::FarBehind),
            };
            files.push((file.name().to_owned(), size, fault));
        }
    }
    // The library finds a file by its name: of two that have one name, either may be read.
    let faulty = files.iter().filter_map(|(name, _, fault)| Some((name.clone(), fault.clone()?)));
    let faulty: BTreeMap<String, MemberFault> = faulty.collect();
    let mut trouble = (files.len() > MOST_FILES).then_some(Trouble::Expansion);
    for (name, size, fault) in files.into_iter().take(MOST_FILES) {
        let bytes = name.clone().into_bytes();
        if let Some(fault) = fault.or_else(|| faulty.get(&name).cloned()) {
            scratch.lost(bytes, size, fault);
            continue;
        }
        let taken =
            cabinet.read_file(&name).and_then(|mut file| scratch.take(bytes.clone(), &mut file));
        match taken {
            Ok(Taken::Whole) => {}
            Ok(Taken::TooMuch) => {
                trouble = Some(Trouble::Expansion);
                break;
            }
            Err(error) => scratch.lost(bytes, size, MemberFault::CannotUnpack(error.to_string())),
        }
    }
    match scratch.show(visit) {
        Ok(_) => trouble,
        Err(error) => Some(Trouble::Unreadable(0, error)),
    }
}

const BEHIND: &str = "it lies behind the data of its folder";
/// The most that a data block unpacks to ([MS-CAB] 2.4).
const BLOCK: u64 = 32 << 10;
/// The most bytes that are unpacked for all members together, including the data before them.
const MOST_WORK: u64 = 16 << 30;
/// The library finds a file by a linear search.
const MOST_FILES: usize = 8192;
