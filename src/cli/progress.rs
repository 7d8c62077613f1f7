//! A bar on standard error while evidence is read, and the wish to end it.

use super::terminal::tell_reading;
use crate::analysis::{Activities, SharedActivities, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
pub(super) struct Progress {
    bar: ProgressBar,
    /// Whether each file is named when its reading begins.
    tells_files: bool,
    files: AtomicUsize,
    read: AtomicUsize,
    activities: Option<SharedActivities>,
}

/// Ctrl-C was pressed, or the system asks the program to end (SIGTERM, SIGHUP).
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
            "reading {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {elapsed}  {msg}",
        ) {
            bar.set_style(style);
        }
        // Without a handler Ctrl-C ends the program at once; nothing is written yet either way.
        let _ = ctrlc::set_handler(on_interrupt);
        Self {
            bar,
            tells_files: false,
            files: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            activities: None,
        }
    }

    /// Names each file on standard error when its reading begins.
    pub(super) fn telling_files(self, tells_files: bool) -> Self {
        Self { tells_files, ..self }
    }

    /// Counts packets over time as well.
    pub(super) fn with_activities(self) -> Self {
        Self { activities: Some(SharedActivities::default()), ..self }
    }

    /// The packets over time, where they were counted.
    pub(super) fn into_activities(self) -> Option<Activities> {
        self.activities.map(SharedActivities::into_inner)
    }

    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }

    fn tell_files(&self) {
        let (read, files) = (&self.read, &self.files);
        let (read, files) = (read.load(Ordering::Relaxed), files.load(Ordering::Relaxed));
        self.bar.set_message(format!("{read}/{files} files"));
    }
}

/// Whether the run shall end.
pub(super) fn is_ended() -> bool {
    CANCELLED.load(Ordering::Relaxed)
}

#[allow(clippy::disallowed_methods, clippy::exit, reason = "a blocking read cannot be cancelled")]
fn on_interrupt() {
    if CANCELLED.swap(true, Ordering::SeqCst) {
        std::process::exit(i32::from(super::ExitStatus::Interrupted.code()));
    }
}

impl Watch for Progress {
    fn expects(&self, files: usize, bytes: u64) {
        self.bar.reset();
        self.bar.set_length(bytes);
        self.files.store(files, Ordering::Relaxed);
        self.read.store(0, Ordering::Relaxed);
        self.tell_files();
    }

    fn begins(&self, path: &str) {
        if self.tells_files {
            self.bar.suspend(|| tell_reading(path));
        }
    }

    fn ended(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.tell_files();
    }

    fn activities(&self) -> Option<&SharedActivities> {
        self.activities.as_ref()
    }

    fn advanced(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn is_cancelled(&self) -> bool {
        is_ended()
    }
}
