//! Which files of a cabinet lie in what their folder holds (MS-CAB 2.1 to 2.4): the library asks for any place that the
//! directory names.

use super::section::Section;
use std::io::{self, Read as _, Seek as _, SeekFrom};

/// For each folder, in the order of the directory, whether its files lie inside; `None` where the blocks of the folder
/// were too many to look at.
pub(super) fn inside(archive: &Section) -> io::Result<Vec<Vec<Option<bool>>>> {
    let mut cabinet = Bytes(archive.clone());
    let header: [u8; 36] = cabinet.at(0)?;
    let [folders, files, flags] = [26, 28, 30].map(|at| sixteen(&header, at));
    let first_file = thirty_two(&header, 16);
    let mut reserved = (0, 0);
    let mut place = 36;
    if flags & RESERVES != 0 {
        let [low, high, of_folder, of_data] = cabinet.at(place)?;
        reserved = (u64::from(of_folder), u64::from(of_data));
        place += 4 + u64::from(u16::from_le_bytes([low, high]));
    }
    // The name of a cabinet and that of a disk, for the one before and the one behind.
    let names = 2 * (u64::from(flags & PREVIOUS != 0) + u64::from(flags & NEXT != 0));
    for _ in 0..names {
        place = cabinet.behind_text(place)?;
    }
    let mut held = Vec::new();
    let mut left = MOST_BLOCKS;
    for _ in 0..folders {
        let entry: [u8; 8] = cabinet.at(place)?;
        place += 8 + reserved.0;
        let (data, blocks) = (thirty_two(&entry, 0), sixteen(&entry, 4));
        let is_stored = sixteen(&entry, 6) & TYPE == 0;
        held.push(cabinet.unpacked(data, (blocks, is_stored), reserved.1, &mut left));
    }
    let mut all: Vec<Vec<Option<bool>>> = held.iter().map(|_| Vec::new()).collect();
    let mut place = first_file;
    for _ in 0..files {
        let entry: [u8; 16] = cabinet.at(place)?;
        let folder = usize::from(sixteen(&entry, 8));
        let end = thirty_two(&entry, 4).saturating_add(thirty_two(&entry, 0));
        if let Some((files, held)) = all.get_mut(folder).zip(held.get(folder)) {
            files.push(held.map(|held| end <= held));
        }
        place = cabinet.behind_text(place + 16)?;
    }
    Ok(all)
}

fn sixteen(bytes: &[u8], at: usize) -> u16 {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    u16::from_le_bytes(bytes.copied().unwrap_or_default())
}

fn thirty_two(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    u64::from(u32::from_le_bytes(bytes.copied().unwrap_or_default()))
}

/// A cabinet, read at any place.
struct Bytes(Section);

impl Bytes {
    fn at<const N: usize>(&mut self, place: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.seek(SeekFrom::Start(place))?;
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The place behind a text that a zero ends.
    fn behind_text(&mut self, place: u64) -> io::Result<u64> {
        self.0.seek(SeekFrom::Start(place))?;
        let mut text = Vec::new();
        (&mut self.0).take(LONGEST_TEXT).read_to_end(&mut text)?;
        match text.iter().position(|byte| *byte == 0) {
            Some(end) => Ok(place + end as u64 + 1),
            None => Err(io::Error::from(io::ErrorKind::InvalidData)),
        }
    }

    /// How much the blocks of a folder unpack to; those that cannot be read hold nothing. `None` where too many are left.
    fn unpacked(
        &mut self,
        mut place: u64,
        (blocks, is_stored): (u16, bool),
        reserved: u64,
        left: &mut u32,
    ) -> Option<u64> {
        *left = left.checked_sub(u32::from(blocks))?;
        let mut sum = 0u64;
        for _ in 0..blocks {
            let Ok(block) = self.at::<8>(place) else { break };
            let (packed, unpacked) = (sixteen(&block, 4), sixteen(&block, 6));
            if is_stored && packed != unpacked {
                break;
            }
            sum += u64::from(unpacked);
            place += 8 + reserved + u64::from(packed);
        }
        Some(sum)
    }
}

/// Flags of MS-CAB 2.1: another cabinet before, one behind, and reserved fields.
const PREVIOUS: u16 = 1;
const NEXT: u16 = 2;
const RESERVES: u16 = 4;
/// MS-CAB 2.2: the bits that name the compression; 0 is none.
const TYPE: u16 = 0x0f;
/// MS-CAB 2.1 and 2.3: names have 255 characters at the most, of up to four bytes in UTF-8.
const LONGEST_TEXT: u64 = 1024;
/// Blocks that are looked at, of 32 KiB each: 16 GiB.
const MOST_BLOCKS: u32 = 1 << 19;
