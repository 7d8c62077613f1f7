//! The members of a zip archive, by its central directory.

use super::section::Section;
use super::{Entry, MemberData, Trouble, is_too_much};
use crate::evidence::MemberFault;
use std::io::{self, Read as _};
use zip::CompressionMethod;

/// Visits every member, also those of archives that were joined in front of the last one (`cat a.zip b.zip`); returns
/// what is wrong with the first archive that has a fault.
pub(super) fn list(archive: &Section, visit: &mut impl FnMut(Entry) -> bool) -> Option<Trouble> {
    let mut whole = archive.clone();
    let mut trouble = None;
    for _ in 0..MOST_JOINED {
        let (begin, own) = list_last(&whole, visit);
        trouble = trouble.or(own);
        if begin == 0 || !is_archive(&whole) {
            return trouble;
        }
        whole = whole.part(0, begin);
    }
    trouble.or(Some(Trouble::Expansion))
}

/// Whether it begins with a member, or with the end of an empty archive.
fn is_archive(section: &Section) -> bool {
    let mut mark = Vec::new();
    let read = section.part(0, 4).read_to_end(&mut mark);
    read.is_ok() && (mark == b"PK\x03\x04" || mark == b"PK\x05\x06")
}

/// The same for the last archive of those that were joined; returns also where it begins.
fn list_last(archive: &Section, visit: &mut impl FnMut(Entry) -> bool) -> (u64, Option<Trouble>) {
    match zip::ZipArchive::new(archive.clone()) {
        Ok(mut zip) => (zip.offset(), list_members(archive, &mut zip, visit)),
        Err(error) => (0, Some(Trouble::NoDirectory(error.to_string()))),
    }
}

fn list_members(
    archive: &Section,
    zip: &mut zip::ZipArchive<Section>,
    visit: &mut impl FnMut(Entry) -> bool,
) -> Option<Trouble> {
    // Members that share bytes let a small archive unpack to a large amount: each byte may belong to one member
    // only.
    let mut taken: Vec<(u64, u64)> = Vec::new();
    let mut entries = Vec::new();
    for number in 0..zip.len() {
        let Ok(file) = zip.by_index_raw(number) else { continue };
        if file.is_dir() {
            continue;
        }
        let data = data_of(archive, &file);
        if let (Ok(_), Some(begin)) = (&data, file.data_start()) {
            taken.push((begin, begin.saturating_add(file.compressed_size())));
        }
        let begin = file.data_start().unwrap_or_default();
        entries.push((begin, Entry { name: file.name_raw().to_vec(), size: file.size(), data }));
    }
    taken.sort_unstable();
    let mut free_from = 0;
    let mut shared = Vec::new();
    for (begin, end) in taken {
        if begin < free_from && end > begin {
            shared.push(begin);
        }
        free_from = free_from.max(end);
    }
    for (begin, mut entry) in entries {
        if shared.binary_search(&begin).is_ok() {
            entry.data = Err(MemberFault::SharedBytes);
        }
        if !visit(entry) {
            return None;
        }
    }
    // The crate keeps only one of several members with the same name.
    let hidden = listed(archive)?.checked_sub(zip.len() as u64).filter(|hidden| *hidden > 0)?;
    Some(Trouble::SameNames(hidden))
}

/// The number of members by the end of the central directory; `None` where it is one of zip64.
fn listed(archive: &Section) -> Option<u64> {
    let tail = archive.length().min(LONGEST_END);
    let mut bytes = Vec::new();
    archive.part(archive.length() - tail, tail).read_to_end(&mut bytes).ok()?;
    let at = bytes.windows(4).rposition(|mark| mark == b"PK\x05\x06")?;
    let count = u16::from_le_bytes(*bytes.get(at + 10..)?.first_chunk()?);
    (count != u16::MAX).then_some(count.into())
}

/// Archives in one file that are listed.
const MOST_JOINED: usize = 16;
/// The end of a central directory with the longest possible comment.
const LONGEST_END: u64 = 22 + 65_535;

fn data_of<R: io::Read>(
    archive: &Section,
    file: &zip::read::ZipFile<'_, R>,
) -> Result<MemberData, MemberFault> {
    if file.encrypted() {
        return Err(MemberFault::Encrypted);
    }
    let begin = file.data_start().ok_or(MemberFault::NoHeader)?;
    let packed = archive.part(begin, file.compressed_size());
    let checked = |is_deflated| MemberData::Checked {
        packed: packed.clone(),
        is_deflated,
        size: file.size(),
        crc: file.crc32(),
    };
    match file.compression() {
        CompressionMethod::Stored => Ok(checked(false)),
        // No more is unpacked than this.
        CompressionMethod::Deflated if is_too_much(packed.length(), file.size()) => {
            Err(MemberFault::Expansion)
        }
        CompressionMethod::Deflated => Ok(checked(true)),
        other => Err(MemberFault::Compression(other.to_string())),
    }
}
