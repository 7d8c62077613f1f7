//! The signal to stop (Ctrl-C, SIGTERM, SIGHUP).
//!
//! Reading ends by itself. What takes longer, judging and writing, is given up after [`PATIENCE`]; what was written of
//! the output until then is removed. Only an output that is being put in its place is finished.

use crate::analysis::Cancelled;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The run was asked to stop.
static CANCELLED: AtomicBool = AtomicBool::new(false);

/// What the run has written.
static OUTPUT: Mutex<Output> = Mutex::new(Output::Nothing);

/// What of the output is on disk.
#[derive(Debug, PartialEq, Eq)]
enum Output {
    /// Nothing.
    Nothing,
    /// A folder beside its place.
    Staged(PathBuf),
    /// It is being put in its place.
    Published,
}

/// Listens for signals. Without a handler a signal ends the program at once.
pub(super) fn listen() {
    // Fails where a handler is there already.
    let _ = ctrlc::set_handler(on_signal);
}

/// Whether the run was asked to stop.
pub(super) fn is_ended() -> bool {
    CANCELLED.load(Ordering::SeqCst)
}

/// The output is written in this folder until it is whole.
pub(super) fn staged_in(folder: &Path) {
    *output() = Output::Staged(folder.to_owned());
    listen();
}

/// Whether the output may be put in its place; from then on a signal does not end the run.
pub(super) fn may_publish() -> bool {
    let mut output = output();
    if is_ended() {
        return false;
    }
    *output = Output::Published;
    true
}

fn on_signal() {
    if CANCELLED.swap(true, Ordering::SeqCst) {
        return give_up();
    }
    // On a thread of its own, so that a second signal is heard meanwhile.
    let wait = || {
        std::thread::sleep(PATIENCE);
        give_up();
    };
    if std::thread::Builder::new().spawn(wait).is_err() {
        give_up();
    }
}

#[allow(clippy::disallowed_methods, clippy::exit, reason = "a blocking call cannot be cancelled")]
fn give_up() {
    // Held until the end, so that nothing is published meanwhile.
    let mut output = output();
    if removed(&mut output) {
        // Where standard error is closed, nobody can read it.
        let _ = writeln!(std::io::stderr(), "plainsight: {Cancelled}");
        std::process::exit(i32::from(super::ExitStatus::Interrupted.code()));
    }
}

/// Removes what was written; false where the output is being put in its place.
fn removed(output: &mut Output) -> bool {
    if let Output::Staged(folder) = output {
        // What cannot be removed stays as the leftover of a killed run, which the next run names.
        let _ = std::fs::remove_dir_all(folder);
        *output = Output::Nothing;
    }
    *output == Output::Nothing
}

fn output() -> MutexGuard<'static, Output> {
    OUTPUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reading ends sooner.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_staged_is_removed_and_what_is_published_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let staged = folder.path().join("staged");
        std::fs::create_dir(&staged).unwrap();
        std::fs::File::create(staged.join("report.json")).unwrap();
        let mut output = Output::Staged(staged.clone());
        assert!(removed(&mut output) && !staged.exists());
        assert!(removed(&mut output));
        output = Output::Published;
        assert!(!removed(&mut output));
        assert_eq!(output, Output::Published);
    }
}
