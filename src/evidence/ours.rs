//! Files that plainsight itself wrote and left beside evidence: reports, carved packets, folders of runs that
//! were killed.
//!
//! Reads manifests, up to a limit, to find a report's files; a manifest is never enough to set a capture or a
//! log aside.

use super::Format;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Why a file found in a folder is not evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Own {
    /// It lies in a folder that a run creates while it writes.
    LeftOver,
    /// The manifest beside it lists it.
    OfReport,
}

impl Own {
    /// Whether a file of this format can be set aside as ours. A manifest can be forged, so no capture and no
    /// log is set aside because of one.
    #[must_use]
    pub const fn covers(self, format: Format) -> bool {
        match self {
            Self::LeftOver => true,
            Self::OfReport => {
                !format.is_capture()
                    && !matches!(format, Format::Evtx | Format::Evt | Format::Packed(_))
            }
        }
    }
}

/// The reports in the folders that were searched.
pub(super) struct Reports {
    known: BTreeMap<PathBuf, BTreeSet<(String, u64)>>,
    /// The bytes of manifests that may still be read.
    left: u64,
}

impl Reports {
    pub(super) const fn new() -> Self {
        Self { known: BTreeMap::new(), left: MOST_BYTES }
    }

    /// Whether a file below `root` was written by plainsight, by its path and its length.
    pub(super) fn own(&mut self, root: &Path, path: &Path, size: u64) -> Option<Own> {
        let below = path.strip_prefix(root).ok()?;
        if below.iter().any(|part| part.as_encoded_bytes().starts_with(LEFT_OVER.as_bytes())) {
            return Some(Own::LeftOver);
        }
        let name = path.file_name()?.to_str()?;
        let folder = path.parent()?;
        let left = &mut self.left;
        let files = self.known.entry(folder.to_owned()).or_insert_with(|| listed(folder, left));
        let is_manifest = !files.is_empty() && [MANIFEST, SIGNATURE].contains(&name);
        (is_manifest || files.contains(&(name.to_owned(), size))).then_some(Own::OfReport)
    }
}

/// The files that a report's manifest lists, with their lengths; none where there is no such manifest.
fn listed(folder: &Path, left: &mut u64) -> BTreeSet<(String, u64)> {
    let path = folder.join(MANIFEST);
    let size = path.symlink_metadata().ok().filter(Metadata::is_file).map_or(0, |it| it.len());
    let Some(then) = left.checked_sub(size).filter(|_| size > 0) else { return BTreeSet::new() };
    *left = then;
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(size).read_to_end(&mut bytes));
    if read.is_err() {
        return BTreeSet::new();
    }
    let manifest: Manifest = serde_json::from_slice(&bytes).unwrap_or_default();
    let outputs = manifest.outputs.into_iter().filter(|_| manifest.tool.name == "plainsight");
    outputs.map(|output| (output.name, output.size_bytes)).collect()
}

/// Whether a capture begins with the section header that `carve` writes: its application is plainsight.
#[must_use]
pub fn is_carved(first_bytes: &[u8]) -> bool {
    // Block type, length, byte order (ours is little-endian), version, section length; then options.
    let Some((head, mut options)) = first_bytes.split_at_checked(24) else { return false };
    if !head.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) || head.get(8..12) != Some(&LITTLE_ENDIAN) {
        return false;
    }
    while let Some(([code_low, code_high, low, high], rest)) = options.split_first_chunk::<4>() {
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        match u16::from_le_bytes([*code_low, *code_high]) {
            APPLICATION => return rest.starts_with(b"plainsight "),
            END => return false,
            _ => options = rest.get(length.next_multiple_of(4)..).unwrap_or_default(),
        }
    }
    false
}

#[derive(Default, Deserialize)]
struct Manifest {
    tool: Tool,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Default, Deserialize)]
struct Tool {
    name: String,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    size_bytes: u64,
}

/// The beginning of the names of files and folders that a run creates while it writes.
pub const LEFT_OVER: &str = ".plainsight-";
/// A report's manifest.
pub const MANIFEST: &str = "manifest.json";
/// The signature over it.
pub const SIGNATURE: &str = "manifest.json.minisig";
/// The limit for all manifests of a run together: those of some hundred reports, or of a hundred thousand
/// files.
const MOST_BYTES: u64 = 16 << 20;
const LITTLE_ENDIAN: [u8; 4] = [0x4d, 0x3c, 0x2b, 0x1a];
/// Options of a section header (draft-ietf-opsawg-pcapng §4.1).
const APPLICATION: u16 = 4;
const END: u16 = 0;
