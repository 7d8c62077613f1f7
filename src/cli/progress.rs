//! A bar on standard error while evidence is read, and the wish to end it.

use crate::analysis::Watch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};

/// When to show the bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum When {
    /// Where standard error is a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Follows the work for a person.
pub(super) struct Progress(ProgressBar);

/// Ctrl-C was pressed.
static CANCELLED: AtomicBool = AtomicBool::new(false);

impl Progress {
    pub(super) fn new(when: When) -> Self {
        let shown = match when {
            When::Auto => io::stderr().is_terminal(),
            When::Always => true,
            When::Never => false,
        };
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template(
            "reading {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {elapsed}",
        ) {
            bar.set_style(style);
        }
        // Without a handler Ctrl-C ends the program at once; nothing is written yet either way.
        let _ = ctrlc::set_handler(on_interrupt);
        Self(bar)
    }

    pub(super) fn done(&self) {
        self.0.finish_and_clear();
    }
}

#[allow(
    clippy::disallowed_methods,
    clippy::exit,
    reason = "a read that waits for ever cannot be told to end"
)]
fn on_interrupt() {
    if CANCELLED.swap(true, Ordering::SeqCst) {
        std::process::exit(i32::from(super::ExitStatus::Interrupted.code()));
    }
}

impl Watch for Progress {
    fn expects(&self, bytes: u64) {
        self.0.set_length(bytes);
    }

    fn advanced(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    fn is_cancelled(&self) -> bool {
        CANCELLED.load(Ordering::Relaxed)
    }
}
