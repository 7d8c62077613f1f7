//! What ends a command with an error: its words, the hint, the exit status.

use super::{ExitStatus, terminal};
use crate::analysis::Cancelled;
use crate::report::FormatError;
use crate::report::publish::PublishError;
use std::io;

/// Why a command ended: in words, with what to do about it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: ExitStatus,
    pub(super) cause: anyhow::Error,
    pub(super) hint: Option<String>,
}

impl Failure {
    /// An error in what was typed or in a policy file.
    pub(super) fn usage(cause: impl Into<anyhow::Error>, hint: &str) -> Self {
        let hint = Some(hint.to_owned()).filter(|hint| !hint.is_empty());
        Self { status: ExitStatus::Usage, cause: cause.into(), hint }
    }

    /// Writes it to standard error.
    pub(super) fn print(&self, error: &mut impl io::Write) -> io::Result<()> {
        let words: Vec<String> = self.cause.chain().map(ToString::to_string).collect();
        writeln!(error, "plainsight: {}", terminal::escape(&words.join(": ")))?;
        match &self.hint {
            Some(hint) => writeln!(error, "hint: {}", terminal::escape(hint)),
            None => Ok(()),
        }
    }
}

/// Standard output cannot be written.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // A reader that takes only the first lines closes the pipe, which is not an error.
        let status = if error.kind() == io::ErrorKind::BrokenPipe {
            ExitStatus::Done
        } else {
            ExitStatus::Usage
        };
        let cause = anyhow::Error::new(error).context("cannot write to standard output");
        Self { status, cause, hint: None }
    }
}

/// Ended by the user.
pub(super) fn interrupted(cancelled: Cancelled) -> Failure {
    Failure { status: ExitStatus::Interrupted, cause: cancelled.into(), hint: None }
}

/// There is no place for the report: exit status 2.
pub(super) fn refused(error: PublishError) -> Failure {
    let hint = match error {
        PublishError::NotEmpty(_) => "name another folder, or replace an older report with --force",
        PublishError::NotOurs { .. } => "name another folder, or move it away first",
        PublishError::NotReplaceable(_) => "name a folder inside it with --out",
        PublishError::Busy(_) => "wait until it has ended, or name another folder",
        PublishError::Left { .. } => "remove it, or let --force remove it",
        PublishError::OldLeft { .. } | PublishError::Apart { .. } => {
            "nothing was lost; move the files that you want to keep to another folder"
        }
        PublishError::Format(_) => "this is a bug in plainsight; please report it",
        PublishError::Exists(_) | PublishError::NotAFolder(_) | PublishError::Io { .. } => {
            "name another folder with --out"
        }
    };
    Failure::usage(error, hint)
}

/// What was read or judged and could not be written: exit status 7.
pub(super) fn unwritten(error: PublishError) -> Failure {
    let hint = match error {
        PublishError::Io { .. } => {
            "nothing was written; make room or name another folder with --out"
        }
        PublishError::Apart { .. } => {
            "nothing was lost; move the files that you want to keep to another folder"
        }
        PublishError::Format(_) => "this is a bug in plainsight; please report it",
        PublishError::Exists(_)
        | PublishError::NotEmpty(_)
        | PublishError::NotOurs { .. }
        | PublishError::Busy(_)
        | PublishError::Left { .. }
        | PublishError::OldLeft { .. }
        | PublishError::NotReplaceable(_)
        | PublishError::NotAFolder(_) => "nothing was written; name another folder with --out",
    };
    Failure { status: ExitStatus::Unwritten, ..Failure::usage(error, hint) }
}

/// Values that cannot be written in a format: a bug.
pub(super) fn broken(error: FormatError) -> Failure {
    Failure::usage(error, "this is a bug in plainsight; please report it")
}
