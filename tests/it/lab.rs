//! Where the lab and the public evidence lie, if they do.

use std::path::PathBuf;

/// A folder beside the project, named by `PLAINSIGHT_SHARED` or at `../shared`; prints why a test
/// does nothing where it is absent.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PLAINSIGHT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("not run: `{}` is not there", path.display());
    None
}

/// The folders of the lab, in order.
pub(crate) fn scenarios() -> Vec<PathBuf> {
    let Some(lab) = shared("lab") else { return Vec::new() };
    let mut folders: Vec<_> = std::fs::read_dir(lab)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("truth.json").is_file())
        .collect();
    folders.sort();
    folders
}

/// A scenario's truth.
pub(crate) fn json(path: PathBuf) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
