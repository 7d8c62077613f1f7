//! Any bytes as an archive: zip, tar, 7z or cabinet; every member that it shows can be opened and read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::evidence::Collection;
use std::io::Read as _;

fuzz_target!(|data: &[u8]| {
    let path = std::env::temp_dir().join(format!("plainsight-archive-{}", std::process::id()));
    std::fs::write(&path, data).expect("there is room for a small file");
    let collection = Collection::open(&path).expect("the file is there");
    for member in collection.iter().flat_map(|collection| &collection.members).take(MOST) {
        let _ = member.origin(None);
        let Ok(reader) = member.open() else { continue };
        let _ = reader.take(ENOUGH).read_to_end(&mut Vec::new());
    }
});

/// Small inputs unpack to a gigabyte; this much shows a fault as well, in less time.
const ENOUGH: u64 = 4 << 20;
const MOST: usize = 64;
