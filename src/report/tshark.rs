//! Command lines that show a finding's packets in tshark, one for each capture that it cites.
//!
//! The filter between the quotes is also what Wireshark's own window takes.

use super::manifest::quoted;
use crate::carve::{Selection, filter};
use crate::evidence::{Evidence, Packing, path_of};

/// The lines, in the order of the captures.
pub(super) fn commands(selection: &Selection, evidence: &[Evidence]) -> Vec<String> {
    let cited = evidence.iter().filter(|file| selection.frames.contains_key(&file.id));
    cited.map(|file| command(file, &filter(selection, file))).collect()
}

fn command(file: &Evidence, filter: &str) -> String {
    let (path, filter) = (quoted(path_of(&file.path).as_os_str()), quoted(filter.as_ref()));
    let unpack = file.packed.as_ref().and_then(|packed| unpacked_by(packed.packing));
    match unpack {
        Some(program) => format!("{program} -dc -- {path} | tshark -r - -Y {filter}"),
        None => format!("tshark -r {path} -Y {filter}"),
    }
}

/// What tshark does not unpack in every build: another program does.
const fn unpacked_by(packing: Packing) -> Option<&'static str> {
    match packing {
        Packing::Gzip => None,
        Packing::Zstd => Some("zstd"),
        Packing::Xz => Some("xz"),
        Packing::Lz4 => Some("lz4"),
        Packing::Bzip2 => Some("bzip2"),
    }
}
