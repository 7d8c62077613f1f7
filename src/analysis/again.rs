//! A capture's frames once more, for who needs their bytes when everything else is known.
//!
//! It has to be the same capture: its digest is taken again, and its length where none was taken.

use super::Watch;
use super::members::member;
use super::reading::{MOST_HELD_UNPACKED, frames_of, is_held_whole};
use super::source::Watched;
use crate::capture::RawFrame;
use crate::evidence::{Evidence, HashedBy, Hashing, Unpacking, open, peek};
use std::io::{self, Read};
use std::path::Path;

/// Why a capture could not be shown again.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// It cannot be opened or read.
    #[error("cannot read `{path}` again: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
    /// It holds something else by now.
    #[error("`{0}` has changed while it was analysed")]
    Changed(String),
    /// Nobody wants what it holds any more.
    #[error("cannot write the carved packets: {0}")]
    Unwanted(#[from] io::Error),
    /// The watcher ended it.
    #[error(transparent)]
    Cancelled(#[from] super::Cancelled),
}

/// Shows every frame of a capture to `visit`, until that wants no more.
///
/// # Errors
/// Where the file is not the one that was analysed, or cannot be read.
pub fn frames_again(
    file: &Evidence,
    path: &Path,
    watch: &dyn Watch,
    visit: &mut dyn FnMut(&RawFrame<'_>) -> bool,
) -> Result<(), AgainError> {
    let unreadable = |cause| AgainError::Unreadable { path: file.path.clone(), cause };
    let member =
        if file.path.contains("!/") { member(path, &file.path).map_err(unreadable)? } else { None };
    let opened: Box<dyn Read + Send> = match member {
        Some(member) => member.open().map_err(unreadable)?,
        None => Box::new(open(path).map_err(unreadable)?),
    };
    let hashed_by = if file.sha256.is_some() { HashedBy::Another } else { HashedBy::Nobody };
    let mut identity = (0, None);
    let mut outcome = Ok(());
    let mut wants_more = true;
    let failure = Watched::new(opened, watch).show(false, |source| {
        let mut bytes = Hashing::new(source, hashed_by);
        let mut show = |frame: RawFrame<'_>| {
            wants_more = visit(&frame);
            wants_more && !watch.is_cancelled()
        };
        outcome = match &file.packed {
            Some(packed) => {
                show_all(file, &mut Unpacking::new(packed.packing, &mut bytes), &mut show)
            }
            None => show_all(file, &mut bytes, &mut show),
        };
        if wants_more {
            let _ = bytes.drain();
        }
        identity = (bytes.passed(), bytes.finish());
    });
    if watch.is_cancelled() {
        return Err(super::Cancelled.into());
    }
    failure.map_or(outcome, Err).map_err(unreadable)?;
    let is_same = identity == (file.size, file.sha256.clone());
    if is_same || !wants_more { Ok(()) } else { Err(AgainError::Changed(file.path.clone())) }
}

fn show_all(
    file: &Evidence,
    source: &mut dyn Read,
    show: &mut impl FnMut(RawFrame<'_>) -> bool,
) -> io::Result<()> {
    let first_bytes = peek(&mut *source)?;
    let is_cut = file.packed.is_some() && is_held_whole(file.format);
    let most = if is_cut { MOST_HELD_UNPACKED } else { u64::MAX };
    let source = source.take(most.saturating_sub(first_bytes.len() as u64));
    frames_of(file.format, &mut first_bytes.chain(source), show, None).map(drop)
}
