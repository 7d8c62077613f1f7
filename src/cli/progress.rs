//! Progress on standard error while evidence is read.

use super::stopping;
use super::terminal::print_reading;
use crate::analysis::{Activities, SharedActivities, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// When to show the bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum When {
    /// Where standard error is a terminal.
    Auto,
    /// Always; lines where standard error is no terminal.
    Always,
    /// One JSON object a line.
    Json,
    /// Never.
    Never,
}

/// Reports progress to a person or a program.
pub(super) struct Progress {
    /// Counts; hidden where lines, or nothing, are written.
    bar: ProgressBar,
    lines: Lines,
    /// When the last line was written: milliseconds since the bar began.
    printed_at: AtomicU64,
    /// Whether each file is named when its reading begins.
    names_files: bool,
    files: AtomicUsize,
    read: AtomicUsize,
    activities: Option<SharedActivities>,
}

/// What is written to standard error where no bar is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    None,
    Words,
    Json,
}

/// A line of `--progress json`.
#[derive(serde::Serialize)]
struct Line {
    files: usize,
    files_read: usize,
    bytes: u64,
    bytes_read: u64,
    seconds: f64,
}

impl Progress {
    pub(super) fn new(when: When) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let (shown, lines) = match when {
            When::Auto => (is_terminal, Lines::None),
            When::Always if is_terminal => (true, Lines::None),
            When::Always => (false, Lines::Words),
            When::Json => (false, Lines::Json),
            When::Never => (false, Lines::None),
        };
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template(
            "reading {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {elapsed}  {msg}",
        ) {
            bar.set_style(style);
        }
        stopping::listen();
        Self {
            bar,
            lines,
            printed_at: AtomicU64::new(0),
            names_files: false,
            files: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            activities: None,
        }
    }

    /// Names each file on standard error when its reading begins.
    pub(super) fn naming_files(self, names_files: bool) -> Self {
        Self { names_files, ..self }
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

    fn show_files(&self) {
        let (read, files) = (&self.read, &self.files);
        let (read, files) = (read.load(Ordering::Relaxed), files.load(Ordering::Relaxed));
        self.bar.set_message(format!("{read}/{files} files"));
    }

    /// Writes a line, unless the last one is younger than a second; the first and the last line are always
    /// written.
    fn print_line(&self, always: bool) {
        if self.lines == Lines::None {
            return;
        }
        let elapsed = self.bar.elapsed();
        let now = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let last = self.printed_at.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(last) >= BETWEEN_LINES
            && self
                .printed_at
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !(always || is_due) {
            return;
        }
        let line = Line {
            files: self.files.load(Ordering::Relaxed),
            files_read: self.read.load(Ordering::Relaxed),
            bytes: self.bar.length().unwrap_or_default(),
            bytes_read: self.bar.position(),
            seconds: elapsed.as_secs_f64(),
        };
        // Where standard error is closed, nobody can read the message.
        let _ = match self.lines {
            Lines::None => Ok(()),
            Lines::Json => {
                let json = serde_json::to_string(&line).unwrap_or_default();
                writeln!(io::stderr().lock(), "{json}")
            }
            Lines::Words => {
                let Line { files, files_read, bytes, bytes_read, seconds } = line;
                writeln!(
                    io::stderr().lock(),
                    "plainsight: {files_read} of {files} files, {bytes_read} of {bytes} bytes, {seconds:.0} s"
                )
            }
        };
    }
}

/// Milliseconds.
const BETWEEN_LINES: u64 = 1_000;

impl Watch for Progress {
    fn expects(&self, files: usize, bytes: u64) {
        self.bar.reset();
        self.bar.set_length(bytes);
        self.files.store(files, Ordering::Relaxed);
        self.read.store(0, Ordering::Relaxed);
        self.printed_at.store(0, Ordering::Relaxed);
        self.show_files();
        self.print_line(true);
    }

    fn begins(&self, path: &str) {
        if self.names_files {
            self.bar.suspend(|| print_reading(path));
        }
    }

    fn ended(&self) {
        let read = self.read.fetch_add(1, Ordering::Relaxed) + 1;
        self.show_files();
        self.print_line(read == self.files.load(Ordering::Relaxed));
    }

    fn activities(&self) -> Option<&SharedActivities> {
        self.activities.as_ref()
    }

    fn advanced(&self, bytes: u64) {
        self.bar.inc(bytes);
        self.print_line(false);
    }

    fn is_cancelled(&self) -> bool {
        stopping::is_ended()
    }
}
