//! The members of a zip archive, by its central directory.

use super::section::Section;
use super::{Entry, MemberData, Trouble, is_too_much};
use crate::evidence::MemberFault;
use std::io::{self, Read as _};
use zip::CompressionMethod;

/// Visits every member; returns what is wrong with the archive.
pub(super) fn list(archive: &Section, visit: &mut impl FnMut(Entry) -> bool) -> Option<Trouble> {
    let mut zip = match zip::ZipArchive::new(archive.clone()) {
        Ok(zip) => zip,
        Err(error) => return Some(Trouble::NoDirectory(error.to_string())),
    };
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
    match file.compression() {
        CompressionMethod::Stored => Ok(MemberData::Plain(packed)),
        // No more is unpacked than this.
        CompressionMethod::Deflated if is_too_much(packed.length(), file.size()) => {
            Err(MemberFault::Expansion)
        }
        CompressionMethod::Deflated => {
            Ok(MemberData::Deflated { packed, size: file.size(), crc: file.crc32() })
        }
        other => Err(MemberFault::Compression(other.to_string())),
    }
}
