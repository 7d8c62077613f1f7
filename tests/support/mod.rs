//! What several integration tests need: the shared laboratory, and evidence made to order.

pub(crate) mod evtx_builder;

pub(crate) mod truth;

pub(crate) mod samples;

pub(crate) mod program;

use std::path::PathBuf;

/// The folder with the laboratory's captures and logs: `PLAINSIGHT_SHARED`, or `shared` beside the
/// project. Where it is absent this says on standard error which test did not run.
pub(crate) fn shared(test: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("PLAINSIGHT_SHARED").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("not run: {test}: there is no {}", folder.display());
    None
}
